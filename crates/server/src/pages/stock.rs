//! A venue's stock (在庫): what is on hand and until when, what is on the way, and everything that is done
//! with vials but giving them: that follows from the records.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Instant;
use domain::deliveries::PaperNumber;
use domain::stock::{
    Account, Alarm, Batch, Goods, MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX, Shelf, Waste,
};
use domain::vaccines::{LOT_LENGTH_MAX, Lot};
use domain::venues::FacilityCode;
use serde::Deserialize;
use store::deliveries::{self, Receipt, Slip, Untold};
use store::stock::{self, Act, Counted, Doing, Done, OnHand};
use store::transfers::{self, Side, Word};
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::lots::all_products;
use crate::pages::records::{Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::{PageForm, Params};
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
        .get("/venue/stock/lot", see, show_lot)
        .post("/venue/stock/lot", keep, act)
        .post("/venue/stock/slip", keep, look_up)
        .post("/venue/stock/box", keep, untold)
        .post("/venue/stock/receive", keep, receive)
        .post("/venue/stock/transfers", keep, claim)
        .post("/venue/stock/transfers/take", keep, take)
        .post("/venue/stock/transfers/right", keep, put_right)
}

/// Vials on a shelf, in words.
struct Row {
    href: String,
    product: String,
    lot: String,
    shelf: String,
    vials: i64,
    ends: String,
    use_by: String,
    alarms: Vec<(&'static str, &'static str, String)>,
}

impl Row {
    fn of(one: &OnHand, texts: Texts) -> Self {
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

fn lot_href(goods: &Goods) -> String {
    let lot = crate::web::percent_encoded(&goods.lot);
    format!("/venue/stock/lot?product={}&lot={lot}", goods.product)
}

/// A delivery that waits, or about which the two sides differ.
struct Arriving {
    id: Uuid,
    act: Uuid,
    supplier: String,
    slip: String,
    product: String,
    lot: String,
    expires: String,
    delivered_on: String,
    shipped: i64,
    received: Option<i64>,
    is_told: bool,
    is_warm: bool,
    note: String,
}

impl Arriving {
    fn of(app: &App, one: deliveries::Told, texts: Texts) -> Self {
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

/// Why something was not done.
#[derive(Default)]
struct Trouble {
    words: Option<String>,
    complaints: Complaints,
}

impl Trouble {
    fn is_none(&self) -> bool {
        self.words.is_none() && self.complaints.is_empty()
    }

    fn status(&self) -> StatusCode {
        if self.is_none() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

fn shelves(chosen: &str, texts: Texts) -> Vec<Choice> {
    Shelf::ALL
        .into_iter()
        .map(|shelf| Choice {
            value: shelf.as_str().to_owned(),
            label: texts.t(&format!("stock-shelf-{}", shelf.as_str())),
            chosen: shelf.as_str() == chosen,
        })
        .collect()
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
    let status = trouble.status();
    let shown = html(&StockPage {
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

/// The fields of all forms of these pages, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    /// What the form was made with, so that sending it twice does it once.
    act: Uuid,
    /// The delivery or transfer.
    of: Uuid,
    product: String,
    lot: String,
    shelf: String,
    vials: String,
    /// What the books said when the form was made.
    seen: String,
    began: String,
    note: String,
    facility: String,
    supplier: Uuid,
    slip: String,
    doing: String,
    waste: String,
}

/// A number of vials as typed; less than none is told as what cannot be.
fn vials_in(page: &Page, text: &str, least: i64, complaints: &mut Complaints) -> Option<i64> {
    let vials = text.trim().parse().ok();
    match vials.filter(|vials| (least..=MOVEMENT_VIALS_MAX).contains(vials)) {
        Some(vials) => Some(vials),
        None => complaints.add("vials", page.t("stock-complaint-vials")),
    }
}

fn note_in(
    page: &Page,
    text: &str,
    is_needed: bool,
    complaints: &mut Complaints,
) -> Option<String> {
    if text.trim().is_empty() && !is_needed {
        return Some(String::new());
    }
    complaints.text(page, "note", text, NOTE_LENGTH_MAX)
}

/// A moment as `datetime-local` sends it, on Japan's clock; none where it is empty.
fn moment_in(
    page: &Page,
    text: &str,
    now: Instant,
    complaints: &mut Complaints,
) -> Option<Option<Instant>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    match Instant::parse(&format!("{text}:00+09:00")) {
        Some(moment) if moment <= now => Some(Some(moment)),
        _ => complaints.add("began", page.t("stock-complaint-moment")),
    }
}

fn goods_in(page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<Goods> {
    let product = fields.product.trim();
    if product.is_empty() {
        complaints.add::<()>("product", page.t("complaint-product"));
    }
    let lot = complaints.lot(page, &fields.lot)?;
    (!product.is_empty()).then(|| Goods {
        product: product.to_owned(),
        lot,
    })
}

/// Sends on after something was done, or says why it was not.
fn outcome(page: &Page, done_: &Done) -> Result<(), String> {
    match done_ {
        Done::Now | Done::Before => Ok(()),
        Done::OtherContent => Err(page.t("stock-sent-otherwise")),
        Done::BooksChanged(vials) => Err(page.t1("stock-books-changed", "vials", *vials)),
        Done::Refused(refusal) => Err(page.t(&format!("refused-{}", refusal.code()))),
        Done::NotFound => Err(page.t("stock-not-found")),
        Done::Held(free) => Err(page.t1("stock-held", "vials", *free)),
    }
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

fn act_of(app: &App, fields: &Fields) -> Act {
    Act {
        id: fields.act,
        at: app.now(),
    }
}

fn receipt_in(
    app: &App,
    page: &Page,
    fields: &Fields,
    least: i64,
    complaints: &mut Complaints,
) -> Option<Receipt> {
    let vials = vials_in(page, &fields.vials, least, complaints);
    let note = note_in(page, &fields.note, false, complaints);
    let began = moment_in(page, &fields.began, app.now(), complaints);
    Some(Receipt {
        delivery: fields.of,
        vials: vials?,
        shelf: Shelf::parse(&fields.shelf).unwrap_or(Shelf::Frozen),
        began: began?,
        note: note?,
    })
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

fn word_in(app: &App, page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<Word> {
    let other = match FacilityCode::parse(&fields.facility) {
        Ok(code) => Some(code),
        Err(_) => complaints.add("facility", page.t("stock-complaint-facility")),
    };
    let goods = goods_in(page, fields, complaints);
    let vials = vials_in(page, &fields.vials, 1, complaints);
    let note = note_in(page, &fields.note, false, complaints);
    let began = moment_in(page, &fields.began, app.now(), complaints);
    Some(Word {
        other: other?,
        goods: goods?,
        shelf: Shelf::parse(&fields.shelf).unwrap_or(Shelf::Frozen),
        vials: vials?,
        began: began?,
        note: note?,
    })
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

/// A line of a lot's story.
struct Line {
    day: String,
    what: String,
    way: String,
    vials: i64,
    change: i64,
    by: String,
    note: String,
}

/// What is done with the vials of a lot, each by a form and an id of its own.
struct LotForm {
    doing: &'static str,
    label: String,
    act: Uuid,
    is_open: bool,
}

/// A shelf that is counted.
struct CountForm {
    shelf: &'static str,
    label: String,
    seen: i64,
    act: Uuid,
}

#[derive(Template)]
#[template(path = "venue/stock_lot.html")]
struct LotPage {
    page: Page,
    product: String,
    goods: Goods,
    /// Every account that is not empty.
    accounts: Vec<(String, i64)>,
    rows: Vec<Row>,
    story: Vec<Line>,
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    shelves: Vec<Choice>,
    wastes: Vec<Choice>,
    forms: Vec<LotForm>,
    counts: Vec<CountForm>,
    now: String,
    may_keep: bool,
    vials_max: i64,
    note_max: usize,
}

/// Which lot.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    product: String,
    lot: String,
}

async fn show_lot(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let lot = Lot::parse(&wanted.lot).map_err(|_| Problem::not_found())?;
    let goods = Goods {
        product: wanted.product,
        lot: lot.to_string(),
    };
    render_lot(
        &app,
        &permit,
        page,
        goods,
        (Fields::default(), Trouble::default()),
    )
    .await
}

async fn render_lot(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    goods: Goods,
    (fields, trouble): (Fields, Trouble),
) -> Result<Response, Problem> {
    let page = page.titled_with("stock-lot-title", "lot", &goods.lot);
    let texts = page.texts;
    let mut balances = stock::balances(&app.db, permit).await?;
    let accounts: BTreeMap<Account, i64> = balances.remove(&goods).unwrap_or_default();
    let here = stock::on_hand(&app.db, permit, app.now()).await?;
    let story = stock::story(&app.db, permit, &goods).await?;
    let on = |shelf| {
        let vials = accounts.get(&Account::Shelf(shelf));
        vials.copied().unwrap_or_default()
    };
    let of_lot = here.iter().filter(|one| one.batch.goods == goods);
    let forms = ["thaw", "send", "discard", "lose"].map(|doing| LotForm {
        doing,
        label: texts.t(&format!("stock-do-{doing}")),
        act: app.fresh_id(),
        is_open: fields.doing == doing,
    });
    let counts = Shelf::ALL.map(|shelf| {
        let name = texts.t(&format!("stock-shelf-{}", shelf.as_str()));
        let books = texts.t_with("stock-books-say", &[("vials", on(shelf))]);
        CountForm {
            shelf: shelf.as_str(),
            label: format!("{name}: {books}"),
            seen: on(shelf),
            act: app.fresh_id(),
        }
    });
    let status = trouble.status();
    let waste = |one: Waste| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("stock-waste-{}", one.as_str())),
        chosen: one.as_str() == fields.waste,
    };
    let shown = html(&LotPage {
        product: product_name(&goods.product, texts),
        accounts: accounts
            .iter()
            .map(|(account, vials)| (account_text(*account, texts), *vials))
            .collect(),
        rows: of_lot.map(|one| Row::of(one, texts)).collect(),
        story: story.into_iter().map(|one| line(one, texts)).collect(),
        trouble: trouble.words,
        complaints: trouble.complaints,
        shelves: shelves(&fields.shelf, texts),
        wastes: Waste::SAID.into_iter().map(waste).collect(),
        forms: forms.into(),
        counts: counts.into(),
        now: app.now().japanese().replace(' ', "T"),
        may_keep: page.may(Action::KeepStock),
        vials_max: MOVEMENT_VIALS_MAX,
        note_max: NOTE_LENGTH_MAX,
        goods,
        fields,
        page,
    })?;
    Ok((status, shown).into_response())
}

/// The name of an account.
pub(crate) fn account_text(account: Account, texts: Texts) -> String {
    texts.t(&format!("stock-account-{}", account.as_str()))
}

fn line(one: stock::Told, texts: Texts) -> Line {
    let way = if one.other.is_empty() {
        let (from, to) = (account_text(one.from, texts), account_text(one.to, texts));
        format!("{from} → {to}")
    } else {
        one.other
    };
    Line {
        day: day_text(one.on_day, texts),
        what: texts.t(&format!("stock-kind-{}", one.kind.as_str())),
        way,
        vials: one.vials,
        change: one.change,
        by: if one.by.is_empty() {
            texts.t("stock-by-records")
        } else {
            one.by
        },
        note: one.note,
    }
}

/// What the five forms of a lot's page do.
async fn act(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let lot = Lot::parse(&fields.lot).map_err(|_| Problem::not_found())?;
    let goods = Goods {
        product: fields.product.clone(),
        lot: lot.to_string(),
    };
    let mut complaints = Complaints::default();
    let what = done_with(&app, &permit, &page, (&goods, &fields), &mut complaints).await?;
    let trouble = match what {
        None => Trouble {
            words: None,
            complaints,
        },
        Some(was) => match outcome(&page, &was) {
            Ok(()) => return Ok(done(&lot_href(&goods), "stock-booked")),
            Err(words) => Trouble {
                words: Some(words),
                complaints,
            },
        },
    };
    render_lot(&app, &permit, page, goods, (fields, trouble)).await
}

/// Does what the form says; none if a field of it cannot be.
async fn done_with(
    app: &App,
    permit: &VenuePermit,
    page: &Page,
    (goods, fields): (&Goods, &Fields),
    complaints: &mut Complaints,
) -> Result<Option<Done>, Problem> {
    let id = act_of(app, fields);
    let shelf = Shelf::parse(&fields.shelf).unwrap_or(Shelf::Frozen);
    if fields.doing == "send" {
        let Some(word) = word_in(app, page, fields, complaints) else {
            return Ok(None);
        };
        let sent = transfers::begin(&app.db, permit, Side::Gives, &word, id).await?;
        return Ok(Some(sent));
    }
    if fields.doing == "count" {
        let vials = vials_in(page, &fields.vials, 0, complaints);
        let seen = fields.seen.trim().parse().unwrap_or_default();
        let note = note_in(page, &fields.note, vials != Some(seen), complaints);
        let (Some(vials), Some(note)) = (vials, note) else {
            return Ok(None);
        };
        let counted = Counted {
            goods: goods.clone(),
            shelf,
            seen,
            vials,
            note,
        };
        let act = (app.fresh_id(), id);
        return Ok(Some(stock::count(&app.db, permit, &counted, act).await?));
    }
    let vials = vials_in(page, &fields.vials, 1, complaints);
    let (doing, note_is_needed) = match fields.doing.as_str() {
        "thaw" => {
            // Not the time of sending: what is sent again must say the same.
            let began = moment_in(page, &fields.began, app.now(), complaints).flatten();
            if began.is_none() && complaints.is_empty() {
                complaints.add::<()>("began", page.t("stock-complaint-moment"));
            }
            (began.map(Doing::Thaw), false)
        }
        "discard" => {
            let waste = Waste::parse(&fields.waste).filter(|one| Waste::SAID.contains(one));
            if waste.is_none() {
                complaints.add::<()>("waste", page.t("stock-complaint-waste"));
            }
            (waste.map(|waste| Doing::Discard(shelf, waste)), false)
        }
        "lose" => (Some(Doing::Lose(shelf)), true),
        _ => return Err(Problem::unprocessable("form_shape")),
    };
    let note = note_in(page, &fields.note, note_is_needed, complaints);
    let (Some(vials), Some(doing), Some(note)) = (vials, doing, note) else {
        return Ok(None);
    };
    let was = stock::act(&app.db, permit, (goods, vials), &doing, &note, id).await?;
    Ok(Some(was))
}

#[derive(Template)]
#[template(path = "venue/stock_box.html")]
struct BoxPage {
    page: Page,
    slip: String,
    /// What the supplier told of this slip, to be confirmed.
    arriving: Vec<Arriving>,
    is_known: bool,
    is_elsewhere: bool,
    suppliers: Vec<Choice>,
    products: Vec<Choice>,
    shelves: Vec<Choice>,
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    act: Uuid,
    vials_max: i64,
    note_max: usize,
    lot_max: usize,
}

/// A box before the venue, by the slip on it. No reading alone: a box that is another venue's is asked
/// about.
async fn look_up(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    render_box(&app, &permit, page, fields, Trouble::default()).await
}

async fn render_box(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    fields: Fields,
    mut trouble: Trouble,
) -> Result<Response, Problem> {
    let page = page.titled("stock-box-title");
    let texts = page.texts;
    let found = match PaperNumber::parse(&fields.slip) {
        Ok(slip) => deliveries::slip(&app.db, permit, &slip, app.now()).await?,
        Err(refusal) => {
            let words = crate::pages::deliveries::number_text(refusal, texts);
            trouble.complaints.add::<()>("slip", words);
            Slip::Unknown
        }
    };
    let (arriving, is_known, is_elsewhere) = match found {
        Slip::Here(told) => (told, true, false),
        Slip::Elsewhere => (Vec::new(), true, true),
        Slip::Unknown => (Vec::new(), false, false),
    };
    let suppliers = deliveries::suppliers(&app.db).await?;
    let status = trouble.status();
    let shown = html(&BoxPage {
        slip: fields.slip.clone(),
        arriving: arriving
            .into_iter()
            .map(|one| Arriving::of(app, one, texts))
            .collect(),
        is_known,
        is_elsewhere,
        suppliers: suppliers
            .into_iter()
            .map(|(id, label)| Choice {
                chosen: id.0 == fields.supplier,
                value: id.to_string(),
                label,
            })
            .collect(),
        products: all_products(&fields.product, texts),
        shelves: shelves(&fields.shelf, texts),
        trouble: trouble.words,
        complaints: trouble.complaints,
        act: app.fresh_id(),
        vials_max: MOVEMENT_VIALS_MAX,
        note_max: NOTE_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        fields,
        page,
    })?;
    Ok((status, shown).into_response())
}

/// Takes in a box of which its supplier has not told yet.
async fn untold(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut complaints = Complaints::default();
    let slip = PaperNumber::parse(&fields.slip).ok();
    let goods = goods_in(&page, &fields, &mut complaints);
    let receipt = receipt_in(&app, &page, &fields, 1, &mut complaints);
    let (Some(slip), Some(goods), Some(receipt)) = (slip, goods, receipt) else {
        let trouble = Trouble {
            words: None,
            complaints,
        };
        return render_box(&app, &permit, page, fields, trouble).await;
    };
    let untold = Untold {
        supplier: domain::access::OrganisationId(fields.supplier),
        slip,
        goods,
        receipt,
    };
    let act = act_of(&app, &fields);
    let was = deliveries::receive_untold(&app.db, &permit, &untold, act).await?;
    match outcome(&page, &was) {
        Ok(()) => Ok(done("/venue/stock", "stock-received")),
        Err(words) => {
            let trouble = Trouble {
                words: Some(words),
                complaints,
            };
            render_box(&app, &permit, page, fields, trouble).await
        }
    }
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
