//! A venue's stock (在庫): what is on hand and until when, and what is on the way to it or to others. What is done with a
//! lot is in `stock_lots`, a box at the door in `boxes`; what was used follows from the records.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Instant;
use domain::stock::{Account, Alarm, Batch, Goods, MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX};
use domain::vaccines::LOT_LENGTH_MAX;
use store::deliveries;
use store::replacements::AskedOf;
use store::stock::{self, Done, OnHand};
use store::transfers::{self, Side};
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::lots::all_products;
use crate::pages::records::{Choice, day_text, product_name};
use crate::pages::stock_fields::{
    Fields, Trouble, act_of, note_in, outcome, receipt_in, shelves, vials_in, word_in,
};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeStock);
    let keep = Guard::May(Action::KeepStock);
    Routes::new()
        .get("/venue/stock", see, show)
        .post("/venue/stock/receive", keep, receive)
        .post("/venue/stock/transfers", keep, claim)
        .post("/venue/stock/transfers/take", keep, take)
        .post("/venue/stock/transfers/right", keep, put_right)
}

/// Vials on a shelf, in words.
pub(super) struct Row {
    pub(super) href: String,
    pub(super) product: String,
    pub(super) lot: String,
    pub(super) shelf: String,
    pub(super) vials: i64,
    pub(super) ends: String,
    pub(super) use_by: String,
    pub(super) alarms: Vec<(&'static str, &'static str, String)>,
}

impl Row {
    pub(super) fn of(one: &OnHand, texts: Texts) -> Self {
        let Batch {
            goods,
            shelf,
            vials,
            use_by,
            last_day,
        } = &one.batch;
        Self {
            href: lot_href(goods),
            product: product_name(&goods.product, texts),
            lot: goods.lot.clone(),
            shelf: texts.t(&format!("stock-shelf-{}", shelf.as_str())),
            vials: *vials,
            ends: last_day.map_or_else(|| texts.t("stock-unknown"), |day| day_text(day, texts)),
            use_by: use_by.map_or_else(String::new, Instant::japanese),
            alarms: one.alarms.iter().map(|alarm| told(*alarm, texts)).collect(),
        }
    }
}

/// Vials that a venue is asked to pass on in place of recalled ones, or is to get.
struct AskedRow {
    words: String,
    product: String,
    /// The form that passes them on, filled in, if this venue gives and has a lot that may leave.
    href: Option<String>,
}

impl AskedRow {
    fn of(one: AskedOf, here: &[OnHand], texts: Texts) -> Self {
        let vars = [
            ("other", format!("{} {}", one.other, one.facility)),
            ("vials", one.vials.to_string()),
            ("lot", one.lot.clone()),
        ];
        let id = if one.is_giver {
            "stock-asked-to-give"
        } else {
            "stock-asked-to-get"
        };
        // What ends first stands first; what is stopped does not leave the house.
        let goes = here.iter().find(|shelf| {
            let goods = &shelf.batch.goods;
            let is_stopped = shelf.alarms.iter().any(|alarm| alarm.stops());
            goods.product == one.product && goods.lot != one.lot && !is_stopped
        });
        let href = goes.filter(|_| one.is_giver).map(|shelf| {
            format!(
                "{}&doing=send&shelf={}&vials={}&facility={}#send",
                lot_href(&shelf.batch.goods),
                shelf.batch.shelf.as_str(),
                one.vials.min(shelf.batch.vials),
                one.facility
            )
        });
        Self {
            words: texts.t_with(id, &vars),
            product: product_name(&one.product, texts),
            href,
        }
    }
}

fn told(alarm: Alarm, texts: Texts) -> (&'static str, &'static str, String) {
    let (tone, icon) = if alarm.stops() {
        ("bad", "stop")
    } else {
        ("warn", "warn")
    };
    (
        tone,
        icon,
        texts.t(&format!("stock-alarm-{}", alarm.as_str())),
    )
}

pub(super) fn lot_href(goods: &Goods) -> String {
    let lot = crate::web::percent_encoded(&goods.lot);
    format!("/venue/stock/lot?product={}&lot={lot}", goods.product)
}

/// A delivery that waits, or about which the two sides differ.
pub(super) struct Arriving {
    pub(super) id: Uuid,
    pub(super) act: Uuid,
    pub(super) supplier: String,
    pub(super) slip: String,
    pub(super) product: String,
    pub(super) lot: String,
    pub(super) expires: String,
    pub(super) delivered_on: String,
    pub(super) shipped: i64,
    pub(super) received: Option<i64>,
    pub(super) is_told: bool,
    pub(super) is_warm: bool,
    pub(super) note: String,
}

impl Arriving {
    pub(super) fn of(app: &App, one: deliveries::Told, texts: Texts) -> Self {
        Self {
            id: one.id,
            act: app.fresh_id(),
            supplier: one.supplier,
            slip: one.slip,
            product: product_name(&one.goods.product, texts),
            lot: one.goods.lot,
            expires: one
                .expires
                .map_or_else(|| texts.t("stock-unknown"), |day| day_text(day, texts)),
            delivered_on: day_text(one.delivered_on, texts),
            shipped: one.shipped,
            received: one.received,
            is_told: one.is_told,
            is_warm: one.temperature == domain::deliveries::Temperature::Broken,
            note: one.note,
        }
    }
}

/// A transfer on which the two venues do not agree yet.
struct Moving {
    id: Uuid,
    act: Uuid,
    is_ours: bool,
    other: String,
    product: String,
    lot: String,
    sent: Option<i64>,
    taken: Option<i64>,
    /// What the form offers: the other side's word.
    offered: i64,
    note: String,
}

impl Moving {
    fn of(app: &App, one: transfers::Told, texts: Texts) -> Self {
        let note = if one.is_ours {
            one.taken_note
        } else {
            one.sent_note
        };
        let offered = if one.is_ours { one.taken } else { one.sent };
        Self {
            id: one.id,
            act: app.fresh_id(),
            is_ours: one.is_ours,
            other: one.other,
            product: product_name(&one.goods.product, texts),
            lot: one.goods.lot,
            sent: one.sent,
            taken: one.taken,
            offered: offered.unwrap_or_default(),
            note,
        }
    }
}

#[derive(Template)]
#[template(path = "venue/stock.html")]
struct StockPage {
    page: Page,
    /// What takes the place of recalled vials.
    asked: Vec<AskedRow>,
    rows: Vec<Row>,
    total: i64,
    arriving: Vec<Arriving>,
    moving: Vec<Moving>,
    trouble: Option<String>,
    fields: Fields,
    complaints: Complaints,
    products: Vec<Choice>,
    shelves: Vec<Choice>,
    /// Whether something of it waits for a decision.
    is_quarantined: bool,
    act: Uuid,
    may_keep: bool,
    vials_max: i64,
    note_max: usize,
    lot_max: usize,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    render(&app, &permit, page, Fields::default(), Trouble::default()).await
}

async fn render(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    fields: Fields,
    trouble: Trouble,
) -> Result<Response, Problem> {
    let page = page.titled("stock-title");
    let texts = page.texts;
    let here = stock::on_hand(&app.db, permit, app.now()).await?;
    let arriving = deliveries::open_at_venue(&app.db, permit).await?;
    let moving = transfers::open(&app.db, permit).await?;
    let asked = store::replacements::asked_of_venue(&app.db, permit).await?;
    let status = trouble.status();
    let shown = html(&StockPage {
        asked: asked
            .into_iter()
            .map(|one| AskedRow::of(one, &here, texts))
            .collect(),
        rows: here.iter().map(|one| Row::of(one, texts)).collect(),
        is_quarantined: here
            .iter()
            .any(|one| one.alarms.contains(&Alarm::Quarantined)),
        total: here.iter().map(|one| one.batch.vials).sum(),
        arriving: arriving
            .into_iter()
            .map(|one| Arriving::of(app, one, texts))
            .collect(),
        moving: moving
            .into_iter()
            .map(|one| Moving::of(app, one, texts))
            .collect(),
        trouble: trouble.words,
        complaints: trouble.complaints,
        products: all_products(&fields.product, texts),
        shelves: shelves(&fields.shelf, texts),
        act: app.fresh_id(),
        may_keep: page.may(Action::KeepStock),
        vials_max: MOVEMENT_VIALS_MAX,
        note_max: NOTE_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        fields,
        page,
    })?;
    Ok((status, shown).into_response())
}

async fn finish(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    fields: Fields,
    what: Result<Done, Complaints>,
    notice: &str,
) -> Result<Response, Problem> {
    let trouble = match what {
        Ok(was) => match outcome(&page, &was) {
            Ok(()) => return Ok(done("/venue/stock", notice)),
            Err(words) => Trouble {
                words: Some(words),
                complaints: Complaints::default(),
            },
        },
        Err(complaints) => Trouble {
            words: None,
            complaints,
        },
    };
    render(app, permit, page, fields, trouble).await
}

async fn receive(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut complaints = Complaints::default();
    let what = match receipt_in(&app, &page, &fields, 0, &mut complaints) {
        Some(receipt) => {
            let act = act_of(&app, &fields);
            Ok(deliveries::receive(&app.db, &permit, &receipt, act).await?)
        }
        None => Err(complaints),
    };
    finish(&app, &permit, page, fields, what, "stock-received").await
}

async fn take(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut complaints = Complaints::default();
    let vials = vials_in(&page, &fields.vials, 0, &mut complaints);
    let note = note_in(&page, &fields.note, false, &mut complaints);
    let what = match (vials, note) {
        (Some(vials), Some(note)) => {
            let act = act_of(&app, &fields);
            Ok(transfers::take(&app.db, &permit, (fields.of, vials), &note, act).await?)
        }
        _ => Err(complaints),
    };
    finish(&app, &permit, page, fields, what, "stock-taken").await
}

async fn put_right(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut complaints = Complaints::default();
    let vials = vials_in(&page, &fields.vials, 0, &mut complaints);
    let note = note_in(&page, &fields.note, false, &mut complaints);
    let what = match (vials, note) {
        (Some(vials), Some(note)) => {
            let act = act_of(&app, &fields);
            Ok(transfers::put_right(&app.db, &permit, (fields.of, vials), &note, act).await?)
        }
        _ => Err(complaints),
    };
    finish(&app, &permit, page, fields, what, "stock-right").await
}

/// Vials of another venue that are here, before it has said that it gave them.
async fn claim(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut complaints = Complaints::default();
    let what = match word_in(&app, &page, &fields, &mut complaints) {
        Some(word) => {
            let act = act_of(&app, &fields);
            Ok(transfers::begin(&app.db, &permit, Side::Got, &word, act).await?)
        }
        None => Err(complaints),
    };
    finish(&app, &permit, page, fields, what, "stock-claimed").await
}

/// The name of an account.
pub(crate) fn account_text(account: Account, texts: Texts) -> String {
    texts.t(&format!("stock-account-{}", account.as_str()))
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
