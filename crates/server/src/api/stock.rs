//! A venue's stock over the API: what is on hand, its movements, boxes that arrive, transfers, counts. What
//! was used follows from the records and is never sent.
//!
//! Everything that is sent has an id of the sender's; sent again it is done once.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::{Day, Instant};
use domain::stock::{Goods, Kind, MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX, Shelf, Waste};
use domain::venues::FacilityCode;
use serde::{Deserialize, Serialize};
use store::deliveries::{self, Receipt};
use store::stock::{self, Act, Counted, Doing, Done, OnHand};
use store::transfers::{self, Side, Word};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::state::App;
use crate::web::body::{ApiJson, Params};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeStock);
    let keep = Guard::May(Action::KeepStock);
    Routes::new()
        .get("/api/v1/stock", see, on_hand)
        .get("/api/v1/stock/movements", see, movements)
        .post("/api/v1/stock/movements", keep, act)
        .post("/api/v1/stock/counts", keep, count)
        .get("/api/v1/stock/arrivals", see, arrivals)
        .post("/api/v1/stock/arrivals/{delivery}/receipts", keep, receive)
        .get("/api/v1/transfers", see, open_transfers)
        .post("/api/v1/transfers", keep, begin_transfer)
        .post("/api/v1/transfers/{transfer}/takings", keep, take)
        .post("/api/v1/transfers/{transfer}/corrections", keep, put_right)
}

/// What became of something that was sent.
#[derive(Serialize, ToSchema)]
pub struct BookedBody {
    /// The id that was sent.
    pub(super) id: Uuid,
    /// Whether the same had been sent before: nothing was done again.
    pub(super) replayed: bool,
}

/// The answer to something that was sent under an id.
///
/// # Errors
/// 404, 409 or 422, by what came between.
pub fn answered(id: Uuid, done: &Done) -> Result<Response, Problem> {
    let (status, replayed) = match done {
        Done::Now => (StatusCode::CREATED, false),
        Done::Before => (StatusCode::OK, true),
        Done::OtherContent => return Err(Problem::conflict("stock_sent_otherwise")),
        Done::BooksChanged(vials) => {
            return Err(Problem::conflict("stock_books_changed")
                .arg("vials", vials)
                .member("vials", *vials));
        }
        Done::Refused(refusal) => {
            return Err(Problem::unprocessable("stock_refused").member("reason", refusal.code()));
        }
        Done::NotFound => return Err(Problem::not_found()),
        Done::Held(free) => {
            return Err(Problem::conflict("stock_held")
                .arg("vials", free)
                .member("vials", *free));
        }
    };
    Ok((status, Json(BookedBody { id, replayed })).into_response())
}

/// Vials on a shelf.
#[derive(Serialize, ToSchema)]
pub struct OnHandBody {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// `frozen` or `thawed`.
    #[schema(value_type = String)]
    shelf: Shelf,
    /// How many; below zero if more was given than was received on paper.
    vials: i64,
    /// Until when thawed vials may be given.
    #[schema(value_type = Option<String>)]
    use_by: Option<Instant>,
    /// The lot's last day, extensions included.
    #[schema(value_type = Option<String>)]
    last_day: Option<Day>,
    /// What is to be told of them, the worst first.
    alarms: Vec<&'static str>,
}

impl From<OnHand> for OnHandBody {
    fn from(one: OnHand) -> Self {
        let OnHand { batch, alarms } = one;
        Self {
            product: batch.goods.product,
            lot: batch.goods.lot,
            shelf: batch.shelf,
            vials: batch.vials,
            use_by: batch.use_by,
            last_day: batch.last_day,
            alarms: alarms.into_iter().map(|alarm| alarm.as_str()).collect(),
        }
    }
}

/// All accounts of a lot at the venue.
#[derive(Serialize, ToSchema)]
pub struct LotAccountsBody {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Vials by account: `frozen`, `thawed`, `delivery` (on the way), `transfer`, `opened`, `used`,
    /// `discarded_…`, `lost`, `difference`. Those with none are left out.
    vials: BTreeMap<String, i64>,
}

/// A venue's stock.
#[derive(Serialize, ToSchema)]
pub struct StockBody {
    /// What is on hand, in the order in which it is to be used.
    on_hand: Vec<OnHandBody>,
    /// Every lot with all its accounts.
    lots: Vec<LotAccountsBody>,
}

/// What the venue has, in the order in which it is to be used, and all accounts of its lots.
#[utoipa::path(get, path = "/api/v1/stock", tag = "stock", responses((status = 200, body = StockBody)))]
pub(super) async fn on_hand(State(app): State<App>, me: Me) -> Result<Json<StockBody>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let here = stock::on_hand(&app.db, &permit, app.now()).await?;
    let balances = stock::balances(&app.db, &permit).await?;
    let lot = |(goods, accounts): (Goods, BTreeMap<domain::stock::Account, i64>)| LotAccountsBody {
        product: goods.product,
        lot: goods.lot,
        vials: accounts
            .into_iter()
            .map(|(account, vials)| (account.as_str().to_owned(), vials))
            .collect(),
    };
    Ok(Json(StockBody {
        on_hand: here.into_iter().map(OnHandBody::from).collect(),
        lots: balances.into_iter().map(lot).collect(),
    }))
}

/// Which lot.
#[derive(Deserialize, IntoParams)]
pub(super) struct GoodsParams {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
}

/// A movement in a venue's book.
#[derive(Serialize, ToSchema)]
pub struct MovementBody {
    /// `shipped`, `received`, `sent`, `taken`, `thawed`, `opened`, `used`, `discarded`, `lost`, `counted`.
    #[schema(value_type = String)]
    kind: Kind,
    /// From which account.
    from: &'static str,
    /// To which.
    to: &'static str,
    /// How many vials.
    vials: i64,
    /// How many more (or fewer) that makes on the venue's shelves.
    change: i64,
    /// The day it happened.
    #[schema(value_type = String)]
    on_day: Day,
    /// When it was entered.
    #[schema(value_type = String)]
    at: Instant,
    /// The other side's name, where it changed hands.
    other: String,
    /// Who entered it; empty where it follows from the records.
    by: String,
    /// In whose words.
    note: String,
}

/// The story of a lot.
#[derive(Serialize, ToSchema)]
pub struct MovementList {
    /// The newest first.
    items: Vec<MovementBody>,
}

/// The movements of a lot at the venue, the newest first.
#[utoipa::path(get, path = "/api/v1/stock/movements", params(GoodsParams), tag = "stock", responses(
    (status = 200, body = MovementList),
))]
pub(super) async fn movements(
    State(app): State<App>,
    me: Me,
    Params(params): Params<GoodsParams>,
) -> Result<Json<MovementList>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let goods = Goods {
        product: params.product,
        lot: params.lot,
    };
    let told = stock::story(&app.db, &permit, &goods).await?;
    let body = |one: stock::Told| MovementBody {
        kind: one.kind,
        from: one.from.as_str(),
        to: one.to.as_str(),
        vials: one.vials,
        change: one.change,
        on_day: one.on_day,
        at: one.at,
        other: one.other,
        by: one.by,
        note: one.note,
    };
    Ok(Json(MovementList {
        items: told.into_iter().map(body).collect(),
    }))
}

/// Vials of one of our products, and how many.
fn vials_of(fields: &mut Fields, product: &str, lot: &str, (vials, least): (i64, i64)) -> Goods {
    let product = fields.known_product(product);
    let lot = fields.printed_lot(lot);
    fields.vials("vials", vials, (least, MOVEMENT_VIALS_MAX));
    Goods {
        product: product.map_or_else(String::new, |product| product.to_string()),
        lot: lot.map_or_else(String::new, |lot| lot.to_string()),
    }
}

fn note_of(fields: &mut Fields, note: &str) -> String {
    fields.words_or_none("note", note, NOTE_LENGTH_MAX)
}

/// What a venue does with vials that it has.
#[derive(Deserialize, ToSchema)]
pub struct NewMovementBody {
    /// Made by the sender before sending: a UUID of version 7.
    id: Uuid,
    /// `thaw`, `discard` or `lose`.
    doing: String,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Off which shelf, `frozen` or `thawed`; thawing takes them out of the freezer.
    shelf: Option<String>,
    /// How many, 1 or more.
    vials: i64,
    /// When they left the freezer; needed to thaw.
    began: Option<String>,
    /// `unused`, `expired` or `temperature`; needed to discard.
    waste: Option<String>,
    /// Needed for what was lost.
    #[serde(default)]
    note: String,
}

fn doing_of(fields: &mut Fields, body: &NewMovementBody, now: Instant) -> Option<Doing> {
    let shelf = fields.word("shelf", body.shelf.as_deref(), Shelf::parse);
    match body.doing.as_str() {
        "thaw" => fields
            .moment("began", body.began.as_deref(), now, true)
            .map(Doing::Thaw),
        "discard" => {
            let said = |word: &str| Waste::parse(word).filter(|one| Waste::SAID.contains(one));
            let waste = fields.needed_word("waste", body.waste.as_deref(), said);
            Some(Doing::Discard(shelf.unwrap_or(Shelf::Frozen), waste?))
        }
        "lose" => Some(Doing::Lose(shelf.unwrap_or(Shelf::Frozen))),
        _ => fields.needed_word("doing", Some(&body.doing), |_| None),
    }
}

/// Thaw, throw away or write off vials that the venue has.
#[utoipa::path(post, path = "/api/v1/stock/movements", request_body = NewMovementBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was done before", body = BookedBody),
    (status = 409, description = "The id was used for something else"), (status = 422, description = "A field cannot be read, or vials do not go that way"),
))]
pub(super) async fn act(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewMovementBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let goods = vials_of(&mut fields, &body.product, &body.lot, (body.vials, 1));
    let doing = doing_of(&mut fields, &body, app.now());
    let note = match doing {
        Some(Doing::Lose(_)) => fields.words("note", &body.note, NOTE_LENGTH_MAX),
        _ => note_of(&mut fields, &body.note),
    };
    fields.done()?;
    let doing = doing.ok_or_else(Problem::internal)?;
    let what = (&goods, body.vials);
    let act = Act { id, at: app.now() };
    let done = stock::act(&app.db, &permit, what, &doing, &note, act).await?;
    answered(id, &done)
}

/// A shelf that was counted (棚卸し).
#[derive(Deserialize, ToSchema)]
pub struct NewCountBody {
    /// Made by the sender before sending: a UUID of version 7.
    id: Uuid,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// `frozen` or `thawed`.
    shelf: String,
    /// What the books said when the count began, as `GET /api/v1/stock` tells it.
    seen: i64,
    /// What is there, 0 or more.
    vials: i64,
    /// Why the two differ; needed if they do.
    #[serde(default)]
    note: String,
}

/// Tell what was counted on a shelf. Refused if the books moved since the count began.
#[utoipa::path(post, path = "/api/v1/stock/counts", request_body = NewCountBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was told before", body = BookedBody),
    (status = 409, description = "The books say something else by now; `vials` says what"), (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn count(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewCountBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let goods = vials_of(&mut fields, &body.product, &body.lot, (body.vials, 0));
    let shelf = fields.needed_word("shelf", Some(&body.shelf), Shelf::parse);
    let note = if body.seen == body.vials {
        note_of(&mut fields, &body.note)
    } else {
        fields.words("note", &body.note, NOTE_LENGTH_MAX)
    };
    fields.done()?;
    let counted = Counted {
        goods,
        shelf: shelf.ok_or_else(Problem::internal)?,
        seen: body.seen,
        vials: body.vials,
        note,
    };
    let act = (app.fresh_id(), Act { id, at: app.now() });
    answered(id, &stock::count(&app.db, &permit, &counted, act).await?)
}

/// A delivery on which the two sides do not agree yet.
#[derive(Serialize, ToSchema)]
pub struct ArrivalBody {
    /// Its id.
    id: Uuid,
    /// The supplier's name.
    supplier: String,
    /// The venue's name.
    venue: String,
    /// The slip's number.
    slip: String,
    /// The order's number; empty if there is none.
    order: String,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// The last day as the supplier tells it.
    #[schema(value_type = Option<String>)]
    expires: Option<Day>,
    /// When it was handed over.
    #[schema(value_type = String)]
    delivered_on: Day,
    /// `kept`, `broken` or `not_logged`.
    temperature: &'static str,
    /// Vials by the supplier; none if the venue alone has told of it.
    shipped: Option<i64>,
    /// Vials by the venue, once it has said.
    received: Option<i64>,
    /// The supplier's words.
    note: String,
    /// The venue's.
    venue_note: String,
}

impl From<deliveries::Told> for ArrivalBody {
    fn from(one: deliveries::Told) -> Self {
        Self {
            id: one.id,
            supplier: one.supplier,
            venue: one.venue,
            slip: one.slip,
            order: one.order,
            product: one.goods.product,
            lot: one.goods.lot,
            expires: one.expires,
            delivered_on: one.delivered_on,
            temperature: one.temperature.as_str(),
            shipped: one.is_told.then_some(one.shipped),
            received: one.received,
            note: one.note,
            venue_note: one.venue_note,
        }
    }
}

/// Deliveries.
#[derive(Serialize, ToSchema)]
pub struct ArrivalList {
    /// The oldest first.
    pub(super) items: Vec<ArrivalBody>,
}

/// Deliveries that wait for the venue's word, or about which the two sides differ.
#[utoipa::path(get, path = "/api/v1/stock/arrivals", tag = "stock", responses((status = 200, body = ArrivalList)))]
pub(super) async fn arrivals(State(app): State<App>, me: Me) -> Result<Json<ArrivalList>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let open = deliveries::open_at_venue(&app.db, &permit).await?;
    Ok(Json(ArrivalList {
        items: open.into_iter().map(ArrivalBody::from).collect(),
    }))
}

/// What is in a box.
#[derive(Deserialize, ToSchema)]
pub struct NewReceiptBody {
    /// Made by the sender before sending: a UUID of version 7.
    id: Uuid,
    /// Vials in the box, 0 or more.
    vials: i64,
    /// Onto which shelf they go: `frozen` or `thawed`.
    shelf: String,
    /// When they left the freezer, if they came thawed and the slip says so.
    began: Option<String>,
    /// What is to be said of it.
    #[serde(default)]
    note: String,
}

/// Say what is in a box that was delivered (受領).
#[utoipa::path(post, path = "/api/v1/stock/arrivals/{delivery}/receipts", request_body = NewReceiptBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was said before", body = BookedBody),
    (status = 404, description = "No such delivery for this venue"), (status = 409, description = "It was said otherwise"),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn receive(
    State(app): State<App>,
    me: Me,
    Path(delivery): Path<Uuid>,
    ApiJson(body): ApiJson<NewReceiptBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let vials = fields.vials("vials", body.vials, (0, MOVEMENT_VIALS_MAX));
    let shelf = fields.needed_word("shelf", Some(&body.shelf), Shelf::parse);
    let began = fields.moment("began", body.began.as_deref(), app.now(), false);
    let note = note_of(&mut fields, &body.note);
    fields.done()?;
    let receipt = Receipt {
        delivery,
        vials,
        shelf: shelf.ok_or_else(Problem::internal)?,
        began,
        note,
    };
    let act = Act { id, at: app.now() };
    answered(
        id,
        &deliveries::receive(&app.db, &permit, &receipt, act).await?,
    )
}

/// A transfer on which the two venues do not agree yet.
#[derive(Serialize, ToSchema)]
pub struct TransferBody {
    /// Its id.
    id: Uuid,
    /// Whether this venue gave the vials; otherwise it got them.
    is_ours: bool,
    /// The other venue's name.
    other: String,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// On which shelf they stood.
    #[schema(value_type = String)]
    shelf: Shelf,
    /// When they left the freezer, if it is known.
    #[schema(value_type = Option<String>)]
    began: Option<Instant>,
    /// Vials by the venue that gave them.
    sent: Option<i64>,
    /// Vials by the venue that got them.
    taken: Option<i64>,
    /// In the words of the one.
    sent_note: String,
    /// In the words of the other.
    taken_note: String,
    /// Since when.
    #[schema(value_type = String)]
    at: Instant,
}

/// Transfers.
#[derive(Serialize, ToSchema)]
pub struct TransferList {
    /// The oldest first.
    items: Vec<TransferBody>,
}

/// Transfers on which the venue and the other one do not agree yet.
#[utoipa::path(get, path = "/api/v1/transfers", tag = "stock", responses((status = 200, body = TransferList)))]
pub(super) async fn open_transfers(
    State(app): State<App>,
    me: Me,
) -> Result<Json<TransferList>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let open = transfers::open(&app.db, &permit).await?;
    let body = |one: transfers::Told| TransferBody {
        id: one.id,
        is_ours: one.is_ours,
        other: one.other,
        product: one.goods.product,
        lot: one.goods.lot,
        shelf: one.shelf,
        began: one.began,
        sent: one.sent,
        taken: one.taken,
        sent_note: one.sent_note,
        taken_note: one.taken_note,
        at: one.at,
    };
    Ok(Json(TransferList {
        items: open.into_iter().map(body).collect(),
    }))
}

/// One side's word about vials that went from one venue to another.
#[derive(Deserialize, ToSchema)]
pub struct NewTransferBody {
    /// Made by the sender before sending, a UUID of version 7: the transfer has it, too.
    id: Uuid,
    /// `gives`, or `got` if the other venue has not told of it yet.
    side: String,
    /// The other venue's ten digits.
    facility: String,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Off or onto which shelf: `frozen` or `thawed`.
    shelf: String,
    /// How many, 1 or more.
    vials: i64,
    /// When they left the freezer, if they are thawed: their clock goes with them.
    began: Option<String>,
    /// How they were carried, how cold it was.
    #[serde(default)]
    note: String,
}

/// Begin a transfer (融通) by the word of one side; the other's is waited for.
#[utoipa::path(post, path = "/api/v1/transfers", request_body = NewTransferBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was told before", body = BookedBody),
    (status = 404, description = "No such venue"), (status = 409, description = "The id was used for something else"),
    (status = 422, description = "A field cannot be read, or vials do not go that way"),
))]
pub(super) async fn begin_transfer(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewTransferBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let side = fields.needed_word("side", Some(&body.side), |word| match word {
        "gives" => Some(Side::Gives),
        "got" => Some(Side::Got),
        _ => None,
    });
    let other = fields.needed_word("facility", Some(&body.facility), |text| {
        FacilityCode::parse(text).ok()
    });
    let goods = vials_of(&mut fields, &body.product, &body.lot, (body.vials, 1));
    let shelf = fields.needed_word("shelf", Some(&body.shelf), Shelf::parse);
    let began = fields.moment("began", body.began.as_deref(), app.now(), false);
    let note = note_of(&mut fields, &body.note);
    fields.done()?;
    let (Some(side), Some(other), Some(shelf)) = (side, other, shelf) else {
        return Err(Problem::internal());
    };
    let word = Word {
        other,
        goods,
        shelf,
        vials: body.vials,
        began,
        note,
    };
    let act = Act { id, at: app.now() };
    answered(
        id,
        &transfers::begin(&app.db, &permit, side, &word, act).await?,
    )
}

/// A number of vials, by one side of a delivery or a transfer.
#[derive(Deserialize, ToSchema)]
pub struct VialsBody {
    /// Made by the sender before sending: a UUID of version 7.
    pub(super) id: Uuid,
    /// How many, 0 or more.
    pub(super) vials: i64,
    /// What is to be said of it.
    #[serde(default)]
    pub(super) note: String,
}

impl VialsBody {
    /// The values, once every field is read.
    ///
    /// # Errors
    /// The fields that cannot be read.
    pub(super) fn read(&self, at: Instant) -> Result<(i64, String, Act), Problem> {
        let mut fields = Fields::new();
        let id = fields.id("id", self.id);
        let vials = fields.vials("vials", self.vials, (0, MOVEMENT_VIALS_MAX));
        let note = note_of(&mut fields, &self.note);
        fields.done()?;
        Ok((vials, note, Act { id, at }))
    }
}

/// Say how many vials of a transfer arrived (受入確認).
#[utoipa::path(post, path = "/api/v1/transfers/{transfer}/takings", request_body = VialsBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was said before", body = BookedBody),
    (status = 404, description = "No such transfer to this venue"), (status = 409, description = "It was said otherwise"),
))]
pub(super) async fn take(
    State(app): State<App>,
    me: Me,
    Path(transfer): Path<Uuid>,
    ApiJson(body): ApiJson<VialsBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let (vials, note, act) = body.read(app.now())?;
    let what = (transfer, vials);
    answered(
        act.id,
        &transfers::take(&app.db, &permit, what, &note, act).await?,
    )
}

/// Put right how many vials the venue gave: what never arrived comes back to its shelf.
#[utoipa::path(post, path = "/api/v1/transfers/{transfer}/corrections", request_body = VialsBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was said before", body = BookedBody),
    (status = 404, description = "No such transfer from this venue"), (status = 409, description = "Both sides agree already"),
))]
pub(super) async fn put_right(
    State(app): State<App>,
    me: Me,
    Path(transfer): Path<Uuid>,
    ApiJson(body): ApiJson<VialsBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let (vials, note, act) = body.read(app.now())?;
    let what = (transfer, vials);
    answered(
        act.id,
        &transfers::put_right(&app.db, &permit, what, &note, act).await?,
    )
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
