//! Leftover doses (余剰ワクチン) and the standby list (キャンセル待ち名簿) over the API.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::{Day, Instant};
use domain::closings::{Purpose, Reason};
use domain::languages::both;
use domain::leftover_doses::Told;
use domain::standby::{ConsentWay, Wish, Word, phone};
use serde::{Deserialize, Serialize};
use store::leftover_doses::{
    self, Answered, Called, Kept, Offer, Outcome, PassedOver, Surplus, Thrown, of_city,
    thrown_in_city,
};
use store::standby::{self, Changed, Desk, Entered, NewEntry};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::api::stock::BookedBody;
use crate::pages::city_leftovers::LOOK_BACK_DAYS;
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let offer = Guard::May(Action::OfferLeftover);
    let city = Guard::May(Action::KeepStandby);
    Routes::new()
        .get("/api/v1/leftovers", offer, board)
        .post("/api/v1/leftovers", offer, tell)
        .post("/api/v1/leftovers/{leftover}/calls", offer, call)
        .post("/api/v1/leftovers/calls/{offer}/words", offer, answer)
        .post("/api/v1/standby", offer, enter)
        .post("/api/v1/standby/{id}/withdrawals", offer, withdraw)
        .get("/api/v1/city/leftovers", city, outcomes)
}

/// Why it cannot be done: a word of its own beside the problem's.
fn refused(reason: &'static str) -> Problem {
    Problem::conflict("leftover_refused").member("reason", reason)
}

/// Leftover doses of a lot.
#[derive(Serialize, ToSchema)]
pub struct LeftoverBody {
    /// Its id.
    id: Uuid,
    /// Which telling it is, from 1: to tell it anew, name this one.
    revision: i64,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// `primary` or `booster`.
    #[schema(value_type = String)]
    purpose: Purpose,
    /// Vials opened today, as the venue said.
    vials_opened: i64,
    /// People still expected.
    expected: i64,
    /// Until when the doses may be given.
    #[schema(value_type = String)]
    until: Instant,
    /// Doses left by the ledger.
    left: i64,
    /// Of those, promised to people who are being called or on their way.
    promised: i64,
}

impl From<Surplus> for LeftoverBody {
    fn from(one: Surplus) -> Self {
        Self {
            id: one.id,
            revision: one.revision,
            purpose: one.told.purpose,
            vials_opened: one.told.vials_opened,
            expected: one.told.expected,
            product: one.told.product,
            lot: one.told.lot,
            until: one.until,
            left: one.left,
            promised: one.promised,
        }
    }
}

/// Somebody who stood before whoever was called.
#[derive(Serialize, ToSchema)]
pub struct PassedOverBody {
    /// Their number on the list.
    number: i64,
    /// Whether on the city's.
    is_of_city: bool,
    /// `consent_over`, `already_given`, `called_already`, `not_today`, `other_product`, `too_late` or `not_due`.
    reason: &'static str,
    /// Of `not_due`, the finding that recording the dose would get.
    finding: Option<&'static str>,
}

impl From<&PassedOver> for PassedOverBody {
    fn from(one: &PassedOver) -> Self {
        Self {
            number: one.number,
            is_of_city: one.is_of_city,
            reason: one.pass.as_str(),
            finding: one.pass.finding().map(|code| code.as_str()),
        }
    }
}

/// A call, or that nobody could be called.
#[derive(Serialize, ToSchema)]
pub struct CallBody {
    /// Its id.
    id: Uuid,
    /// For which doses.
    leftover: Uuid,
    /// The number on the list; none if nobody could be called.
    number: Option<i64>,
    /// Whether on the city's list.
    is_of_city: bool,
    /// `asked`, `accepted`, `declined`, `no_answer` or `not_come`.
    #[schema(value_type = String)]
    word: Word,
    /// Which word that is, from 1; 0 if nobody was called.
    revision: i64,
    /// When they were called.
    #[schema(value_type = String)]
    at: Instant,
    /// Whether they came: their dose is recorded.
    has_come: bool,
    /// Their telephone while it is needed; never of a protected person (支援措置).
    phone: Option<String>,
    /// Who stood before them, in their order.
    passed: Vec<PassedOverBody>,
}

impl From<Offer> for CallBody {
    fn from(one: Offer) -> Self {
        Self {
            id: one.id,
            leftover: one.leftover,
            number: one.number,
            is_of_city: one.is_of_city,
            word: one.word,
            revision: one.revision,
            at: one.at,
            has_come: one.has_come,
            passed: one.passed.iter().map(PassedOverBody::from).collect(),
            phone: one.phone,
        }
    }
}

/// A venue's leftover doses of today.
#[derive(Serialize, ToSchema)]
pub struct LeftoverList {
    /// What the venue said is left over.
    items: Vec<LeftoverBody>,
    /// Its calls, the newest first.
    calls: Vec<CallBody>,
    /// The day's key of the draw in hexadecimal, once it is drawn.
    key: Option<String>,
}

/// What is left over at the venue today, and who was called.
#[utoipa::path(get, path = "/api/v1/leftovers", tag = "stock", responses((status = 200, body = LeftoverList)))]
pub(super) async fn board(State(app): State<App>, me: Me) -> Result<Json<LeftoverList>, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let fresh = || app.fresh_id();
    let board = leftover_doses::board(&app.db, &permit, None, app.now(), &fresh).await?;
    Ok(Json(LeftoverList {
        items: board
            .surpluses
            .into_iter()
            .map(LeftoverBody::from)
            .collect(),
        calls: board.offers.into_iter().map(CallBody::from).collect(),
        key: board.key.map(hex::encode),
    }))
}

/// Open vials that will be left over (余剰).
#[derive(Deserialize, ToSchema)]
pub struct NewLeftoverBody {
    /// Made by the sender before sending: a UUID of version 7. To tell it anew, the same again.
    id: Uuid,
    /// The revision that was looked at; left out for new ones.
    #[serde(default)]
    seen: i64,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// `primary` or `booster`.
    purpose: String,
    /// Vials opened today.
    vials_opened: i64,
    /// When the last of them was opened, as RFC 3339 writes it.
    opened_at: String,
    /// People still expected.
    #[serde(default)]
    expected: i64,
    /// Until when somebody is there to give it, if that is before the vial ends.
    stays_until: Option<String>,
}

/// Say that doses will be left over, or say it anew.
#[utoipa::path(post, path = "/api/v1/leftovers", request_body = NewLeftoverBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was said before", body = BookedBody),
    (status = 409, description = "`reason`: `changed_meanwhile`, or `twice`: this lot was told of today already"),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn tell(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewLeftoverBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let now = app.now();
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let product = fields.product(&body.product);
    let lot = fields.lot(&body.lot);
    let purpose = fields.needed_word("purpose", Some(&body.purpose), Purpose::parse);
    let opened_at = fields.moment("opened_at", Some(&body.opened_at), now, true);
    let stays_until = body.stays_until.as_deref().map(|text| {
        let at = Instant::parse(text);
        fields.needed_word("stays_until", Some(text), |_| at)
    });
    let told = purpose.zip(opened_at).map(|(purpose, opened_at)| Told {
        product,
        lot,
        purpose,
        vials_opened: body.vials_opened,
        opened_at,
        expected: body.expected,
        stays_until: stays_until.flatten(),
    });
    if let Some(Err(refusal)) = told.as_ref().map(|told| told.check(now)) {
        fields.refused("vials_opened", refusal.code(), both(&refusal.to_string()));
    }
    fields.done()?;
    let told = told.ok_or_else(Problem::internal)?;
    let key = ((app.outside.salt)(), now);
    let (status, replayed) =
        match leftover_doses::tell(&app.db, &permit, (id, body.seen), &told, key).await? {
            Kept::Now => (StatusCode::CREATED, false),
            Kept::AsItIs => (StatusCode::OK, true),
            Kept::Meanwhile => return Err(refused("changed_meanwhile")),
            Kept::Twice => return Err(refused("twice")),
        };
    Ok((status, Json(BookedBody { id, replayed })).into_response())
}

/// Something that is done under an id of the sender's.
#[derive(Deserialize, ToSchema)]
pub struct CallNextBody {
    /// Made by the sender before sending: a UUID of version 7.
    id: Uuid,
}

/// Find whose turn it is and write down that they are called.
#[utoipa::path(post, path = "/api/v1/leftovers/{leftover}/calls", request_body = CallNextBody, tag = "stock", responses(
    (status = 201, body = CallBody, description = "The call; without a number if nobody on the list can be called"),
    (status = 200, description = "The same was asked before", body = CallBody),
    (status = 404, description = "The venue said nothing of these doses today"),
    (status = 409, description = "`reason`: `none_free`, `over`, `lot_stopped` or `changed_meanwhile`"),
))]
pub(super) async fn call(
    State(app): State<App>,
    me: Me,
    Path(leftover): Path<Uuid>,
    ApiJson(body): ApiJson<CallNextBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    fields.done()?;
    let fresh = || app.fresh_id();
    let which = (leftover, id);
    let status = match leftover_doses::call(&app.db, &permit, which, app.now(), &fresh).await? {
        Called::Now | Called::Nobody => StatusCode::CREATED,
        Called::Before => StatusCode::OK,
        Called::OtherContent => return Err(refused("changed_meanwhile")),
        Called::NoneFree => return Err(refused("none_free")),
        Called::Over => return Err(refused("over")),
        Called::LotStopped => return Err(refused("lot_stopped")),
        Called::NotFound => return Err(Problem::not_found()),
    };
    let board = leftover_doses::board(&app.db, &permit, None, app.now(), &fresh).await?;
    let call = board.offers.into_iter().find(|one| one.id == id);
    let call = call.ok_or_else(Problem::not_found)?;
    Ok((status, Json(CallBody::from(call))).into_response())
}

/// What became of a call.
#[derive(Deserialize, ToSchema)]
pub struct CallWordBody {
    /// `accepted`, `declined`, `no_answer`, `not_come`; or `asked`, which takes the last answer back.
    word: String,
    /// The revision that was looked at.
    seen: i64,
}

/// Say what became of a call. That somebody came is no word: their dose closes it.
#[utoipa::path(post, path = "/api/v1/leftovers/calls/{offer}/words", request_body = CallWordBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "The same was said before", body = BookedBody),
    (status = 404, description = "The venue made no such call today"),
    (status = 409, description = "`reason`: `changed_meanwhile`, `cannot_follow` or `none_free`"),
))]
pub(super) async fn answer(
    State(app): State<App>,
    me: Me,
    Path(offer): Path<Uuid>,
    ApiJson(body): ApiJson<CallWordBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let mut fields = Fields::new();
    let word = fields.needed_word("word", Some(&body.word), Word::parse);
    fields.done()?;
    let word = word.ok_or_else(Problem::internal)?;
    let which = (offer, body.seen);
    let (status, replayed) =
        match leftover_doses::answer(&app.db, &permit, which, word, app.now()).await? {
            Answered::Now => (StatusCode::CREATED, false),
            Answered::Before => (StatusCode::OK, true),
            Answered::Meanwhile => return Err(refused("changed_meanwhile")),
            Answered::CannotFollow => return Err(refused("cannot_follow")),
            Answered::NoneFree => return Err(refused("none_free")),
            Answered::NotFound => return Err(Problem::not_found()),
        };
    let body = BookedBody {
        id: offer,
        replayed,
    };
    Ok((status, Json(body)).into_response())
}

/// Somebody for the venue's standby list.
#[derive(Deserialize, ToSchema)]
pub struct NewStandbyBody {
    /// Made by the sender before sending: a UUID of version 7.
    id: Uuid,
    /// The coupon's 18 digits.
    coupon: String,
    /// Their telephone.
    phone: String,
    /// The keys of the products they accept; none for any.
    #[serde(default)]
    products: Vec<String>,
    /// The minute of the day before which they cannot be there.
    #[serde(default)]
    from_minute: i64,
    /// Minutes they need to come.
    needs_minutes: i64,
    /// The day they agreed.
    consent_on: String,
    /// `paper`, `counter` or `phone`.
    consent_way: String,
    /// The last day on which they may be called.
    consent_until: String,
}

/// Where somebody stands on the list.
#[derive(Serialize, ToSchema)]
pub struct StandbyEnteredBody {
    /// The id that was sent.
    id: Uuid,
    /// Their number on the list.
    number: i64,
    /// Whether the same had been sent before.
    replayed: bool,
}

fn entry_in(fields: &mut Fields, body: NewStandbyBody, today: Day) -> Option<NewEntry> {
    let id = fields.id("id", body.id);
    let line = fields.line("coupon", &body.coupon);
    let consent_on = fields.day("consent_on", &body.consent_on);
    let consent_until = fields.day("consent_until", &body.consent_until);
    let way = fields.needed_word("consent_way", Some(&body.consent_way), ConsentWay::parse);
    let phone = phone(&body.phone);
    if let Err(refusal) = phone {
        fields.refused("phone", refusal.code(), both(&refusal.to_string()));
    }
    let wish = Wish {
        products: body.products,
        from_minute: body.from_minute,
        needs_minutes: body.needs_minutes,
        consent_on: consent_on?,
        consent_way: way?,
        consent_until: consent_until?,
    };
    if let Err(refusal) = wish.check(today) {
        fields.refused("consent_until", refusal.code(), both(&refusal.to_string()));
    }
    Some(NewEntry {
        id,
        line: line?,
        phone: phone.ok()?,
        wish,
    })
}

/// Put somebody who agreed to be called on the venue's standby list.
#[utoipa::path(post, path = "/api/v1/standby", request_body = NewStandbyBody, tag = "stock", responses(
    (status = 201, body = StandbyEnteredBody), (status = 200, description = "Entered before", body = StandbyEnteredBody),
    (status = 409, description = "`reason`: `twice`, `astray`, `full` or `changed_meanwhile`"),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn enter(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewStandbyBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let mut fields = Fields::new();
    let new = entry_in(&mut fields, body, app.today());
    fields.done()?;
    let new = new.ok_or_else(Problem::internal)?;
    let desk = Desk::Venue(&permit);
    let (status, number, replayed) = match standby::enter(&app.db, desk, &new, app.now()).await? {
        Entered::As(number) => (StatusCode::CREATED, number, false),
        Entered::Before(number) => (StatusCode::OK, number, true),
        Entered::Twice(_) => return Err(refused("twice")),
        Entered::Astray => return Err(refused("astray")),
        Entered::Full => return Err(refused("full")),
        Entered::OtherContent => return Err(refused("changed_meanwhile")),
    };
    let body = StandbyEnteredBody {
        id: new.id,
        number,
        replayed,
    };
    Ok((status, Json(body)).into_response())
}

/// Which entry was looked at.
#[derive(Deserialize, ToSchema)]
pub struct StandbySeenBody {
    /// The revision that was looked at, from 1.
    seen: i64,
}

/// Withdraw somebody's consent: their telephone is deleted.
#[utoipa::path(post, path = "/api/v1/standby/{id}/withdrawals", request_body = StandbySeenBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "Withdrawn before", body = BookedBody),
    (status = 404, description = "Not on this list"), (status = 409, description = "`reason`: `changed_meanwhile`"),
))]
pub(super) async fn withdraw(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<StandbySeenBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let act = (app.fresh_id(), app.now());
    let desk = Desk::Venue(&permit);
    let (status, replayed) = match standby::withdraw(&app.db, desk, (id, body.seen), act).await? {
        Changed::Now => (StatusCode::CREATED, false),
        Changed::AsItIs => (StatusCode::OK, true),
        Changed::Meanwhile => return Err(refused("changed_meanwhile")),
        Changed::NotFound => return Err(Problem::not_found()),
    };
    Ok((status, Json(BookedBody { id, replayed })).into_response())
}

/// What became of the leftover doses of a lot at a venue of the city.
#[derive(Serialize, ToSchema)]
pub struct LeftoverOutcomeBody {
    /// The venue's name.
    venue: String,
    /// The day.
    #[schema(value_type = String)]
    day: Day,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Calls.
    calls: i64,
    /// Came.
    came: i64,
    /// Being called or on their way.
    open: i64,
    /// Declined.
    declined: i64,
    /// Did not answer.
    no_answer: i64,
    /// Said that they come, and did not.
    not_come: i64,
    /// Doses still left.
    left: i64,
}

impl From<Outcome> for LeftoverOutcomeBody {
    fn from(one: Outcome) -> Self {
        Self {
            venue: one.venue,
            day: one.day,
            product: one.product,
            lot: one.lot,
            calls: one.calls.made,
            came: one.calls.came,
            open: one.calls.open,
            declined: one.calls.declined,
            no_answer: one.calls.no_answer,
            not_come: one.calls.not_come,
            left: one.left,
        }
    }
}

/// Doses under one reason.
#[derive(Serialize, ToSchema)]
pub struct ThrownReasonBody {
    /// As in the closing of a day.
    #[schema(value_type = String)]
    reason: Reason,
    /// How many.
    doses: i64,
}

/// Doses of a closed day that nobody got.
#[derive(Serialize, ToSchema)]
pub struct ThrownDosesBody {
    /// The venue's name.
    venue: String,
    /// The day.
    #[schema(value_type = String)]
    day: Day,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Why.
    reasons: Vec<ThrownReasonBody>,
    /// In words.
    words: String,
}

impl From<Thrown> for ThrownDosesBody {
    fn from(one: Thrown) -> Self {
        let reasons = one.reasons.into_iter();
        Self {
            venue: one.venue,
            day: one.day,
            product: one.product,
            lot: one.lot,
            reasons: reasons
                .map(|(reason, doses)| ThrownReasonBody { reason, doses })
                .collect(),
            words: one.words,
        }
    }
}

/// What became of the leftover doses of a city's venues in the last 31 days. No person is in it.
#[derive(Serialize, ToSchema)]
pub struct CityLeftoverList {
    /// What was offered, the newest first.
    items: Vec<LeftoverOutcomeBody>,
    /// What nobody got, the newest first.
    thrown: Vec<ThrownDosesBody>,
}

/// What became of the leftover doses of the city's venues.
#[utoipa::path(get, path = "/api/v1/city/leftovers", tag = "stock", responses((status = 200, body = CityLeftoverList)))]
pub(super) async fn outcomes(
    State(app): State<App>,
    me: Me,
) -> Result<Json<CityLeftoverList>, Problem> {
    let permit = me.city(Action::KeepStandby)?;
    let since = app.today().plus_days(-LOOK_BACK_DAYS);
    let items = of_city(&app.db, &permit, since).await?.into_iter();
    let thrown = thrown_in_city(&app.db, &permit, since).await?.into_iter();
    Ok(Json(CityLeftoverList {
        items: items.map(LeftoverOutcomeBody::from).collect(),
        thrown: thrown.map(ThrownDosesBody::from).collect(),
    }))
}
