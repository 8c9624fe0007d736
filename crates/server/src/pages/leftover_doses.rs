//! Leftover doses of a venue (余剰ワクチン): how many, until when, whom to call next, and what became of each call.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::closings::{Purpose, VIALS_MAX, doses_per_vial};
use domain::leftover_doses::{EXPECTED_MAX, Told, ToldRefusal};
use domain::standby::Word;
use domain::stock::{Goods, Shelf};
use domain::vaccines::LOT_LENGTH_MAX;
use serde::Deserialize;
use store::leftover_doses::{
    self, Answered, Board, Called, Kept, Neighbour, Offer, Openable, PassedOver, Surplus,
};
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::records::{Badge, Choice, product_choices, product_name};
use crate::pages::stock::lot_href;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The page.
const PATH: &str = "/venue/leftover";

/// The pages of this file.
pub fn routes() -> Routes {
    let offer = Guard::May(Action::OfferLeftover);
    Routes::new()
        .get(PATH, offer, show)
        .post(PATH, offer, tell)
        .post("/venue/leftover/{leftover}/calls", offer, call)
        .post("/venue/leftover/calls/{offer}", offer, answer)
        .post("/venue/leftover/calls/{offer}/phone", offer, phone)
}

/// The fields of the forms, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    id: Uuid,
    seen: String,
    product: String,
    lot: String,
    purpose: String,
    vials_opened: String,
    opened: String,
    expected: String,
    stays: String,
    word: String,
}

/// Open vials to tell of.
struct TellForm {
    /// Sets the ids of one form apart from those of another.
    mark: String,
    id: Uuid,
    seen: i64,
    /// The name of the product; none if both it and the lot are still to be chosen.
    title: Option<String>,
    product: String,
    lot: String,
    purposes: Vec<Choice>,
    is_purpose_open: bool,
    vials_opened: String,
    opened: String,
    expected: String,
    stays: String,
    /// What the records and the closing say.
    hint: Option<String>,
}

/// Leftover doses, in words.
struct Row {
    id: Uuid,
    title: String,
    lot: String,
    tone: &'static str,
    left: String,
    detail: String,
    /// The call that waits for an answer.
    calling: Option<CallRow>,
    /// Those who are on their way.
    coming: Vec<CallRow>,
    can_call: bool,
    is_nobody: bool,
    neighbours: Vec<NeighbourRow>,
    form: TellForm,
    offer: Uuid,
}

/// A call, in words.
struct CallRow {
    id: Uuid,
    who: String,
    at: String,
    state: Badge,
    seen: i64,
    phone: Option<String>,
    is_protected: bool,
    passed: Vec<String>,
    can_undo: bool,
}

struct NeighbourRow {
    /// The form that passes vials on to it.
    href: String,
    name: String,
    facility: String,
    address: String,
    phone: String,
    near: String,
    waiting: i64,
}

#[derive(Template)]
#[template(path = "venue/leftover.html")]
struct LeftoverPage {
    page: Page,
    rows: Vec<Row>,
    openable: Vec<TellForm>,
    other: TellForm,
    products: Vec<Choice>,
    calls: Vec<CallRow>,
    key: Option<String>,
    today: String,
    complaints: Complaints,
    trouble: Option<String>,
    has_city_list: bool,
    vials_max: i64,
    expected_max: i64,
    lot_max: usize,
}

/// What the page says beside its lists.
#[derive(Default)]
struct Said {
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    /// The telephone that a second step asked for, and of which call.
    revealed: Option<(Uuid, String)>,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    render(&app, &me, (&permit, page), Said::default()).await
}

async fn render(
    app: &App,
    me: &Me,
    (permit, page): (&VenuePermit, Page),
    said: Said,
) -> Result<Response, Problem> {
    let page = page.titled("leftover-title");
    let texts = page.texts;
    let (now, today) = (app.now(), app.today());
    let set = store::settings::day(&app.db, permit, me.actor.user, today).await?;
    let set = set
        .as_ref()
        .map(|set| (set.product.as_str(), set.lot.as_str()));
    let fresh = || app.fresh_id();
    let mut board = leftover_doses::board(&app.db, permit, set, now, &fresh).await?;
    if let Some((offer, phone)) = said.revealed {
        let asked = board.offers.iter_mut().find(|one| one.id == offer);
        if let Some(one) = asked {
            one.phone = Some(phone);
        }
    }
    let near = near(app, permit, &board).await?;
    let rows = board.surpluses.iter().map(|one| {
        let near = near.get(&one.told.product).map_or(&[][..], Vec::as_slice);
        row(app, one, (&board.offers, near), texts)
    });
    let is_refused = said.trouble.is_some() || !said.complaints.is_empty();
    let shown = html(&LeftoverPage {
        rows: rows.collect(),
        openable: board
            .openable
            .iter()
            .map(|one| openable(app, one, texts))
            .collect(),
        other: other(app, &said.fields, texts),
        products: product_choices(today, &said.fields.product, texts),
        calls: board
            .offers
            .iter()
            .map(|one| call_row(one, texts))
            .collect(),
        key: board.key.map(hex::encode),
        today: today.to_string(),
        complaints: said.complaints,
        trouble: said.trouble,
        has_city_list: board.has_city_list,
        vials_max: VIALS_MAX,
        expected_max: EXPECTED_MAX,
        lot_max: LOT_LENGTH_MAX,
        page,
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}

/// The venues nearby for doses that nobody on the list can come for, by product.
async fn near(
    app: &App,
    permit: &VenuePermit,
    board: &Board,
) -> Result<BTreeMap<String, Vec<Neighbour>>, Problem> {
    let mut near = BTreeMap::new();
    for one in &board.surpluses {
        let product = &one.told.product;
        if is_nobody(one, &board.offers) && !near.contains_key(product) {
            let found = leftover_doses::neighbours(&app.db, permit, product, app.today()).await?;
            near.insert(product.clone(), found);
        }
    }
    Ok(near)
}

/// Whether doses are free and the last look at the list found nobody for them.
fn is_nobody(surplus: &Surplus, offers: &[Offer]) -> bool {
    let last = offers.iter().find(|one| one.leftover == surplus.id);
    surplus.free() > 0 && last.is_some_and(|one| one.number.is_none())
}

/// A moment of today, as a field of `time` has it.
fn time_of(at: Instant) -> String {
    at.japanese()
        .split(' ')
        .next_back()
        .unwrap_or_default()
        .to_owned()
}

fn row(app: &App, one: &Surplus, (offers, near): (&[Offer], &[Neighbour]), texts: Texts) -> Row {
    let is_over = one.until <= app.now();
    let until = time_of(one.until);
    let (tone, left) = match one.left {
        0 => ("void", texts.t("leftover-nothing-left")),
        left if is_over => {
            let vars = [("doses", left.to_string()), ("time", until.clone())];
            ("bad", texts.t_with("leftover-over", &vars))
        }
        left => {
            let vars = [("doses", left.to_string()), ("time", until.clone())];
            ("good", texts.t_with("leftover-left", &vars))
        }
    };
    let of_it = || {
        offers
            .iter()
            .filter(|offer| offer.leftover == one.id && offer.is_open())
    };
    let calling = of_it().find(|offer| offer.word == Word::Asked);
    let coming = of_it().filter(|offer| offer.word == Word::Accepted);
    let vars = [
        ("vials", one.told.vials_opened.to_string()),
        ("opened", time_of(one.told.opened_at)),
        ("expected", one.told.expected.to_string()),
    ];
    let detail = if one.is_closed {
        texts.t("leftover-detail-closed")
    } else {
        texts.t_with("leftover-detail", &vars)
    };
    Row {
        id: one.id,
        title: product_name(&one.told.product, texts),
        lot: one.told.lot.clone(),
        tone,
        left,
        detail,
        can_call: calling.is_none() && one.free() > 0 && !is_over,
        calling: calling.map(|offer| call_row(offer, texts)),
        coming: coming.map(|offer| call_row(offer, texts)).collect(),
        is_nobody: is_nobody(one, offers) && !is_over,
        neighbours: near
            .iter()
            .map(|near| neighbour_row(near, one, app.today(), texts))
            .collect(),
        form: tell_form(one, texts),
        offer: app.fresh_id(),
    }
}

fn neighbour_row(one: &Neighbour, surplus: &Surplus, today: Day, texts: Texts) -> NeighbourRow {
    NeighbourRow {
        href: pass_on_href(surplus, &one.facility, today),
        name: one.name.clone(),
        facility: one.facility.clone(),
        address: one.address.clone(),
        phone: one.phone.clone(),
        near: texts.t(&format!("excursion-near-{}", one.near.as_str())),
        waiting: one.waiting,
    }
}

/// The form that passes vials on (融通) to a venue, filled in: as many unopened vials of the lot as hold the doses that
/// nobody here can come for. Whoever sends them counts them first.
fn pass_on_href(surplus: &Surplus, facility: &str, today: Day) -> String {
    let told = &surplus.told;
    let in_vial = doses_per_vial(&told.product, told.purpose, today).unwrap_or(1);
    let in_vial = in_vial.max(1);
    let vials = (surplus.free().max(1) + in_vial - 1) / in_vial;
    let goods = Goods {
        product: told.product.clone(),
        lot: told.lot.clone(),
    };
    format!(
        "{}&doing=send&shelf={}&vials={vials}&facility={facility}#send",
        lot_href(&goods),
        Shelf::Thawed.as_str()
    )
}

fn purposes(chosen: Purpose, texts: Texts) -> Vec<Choice> {
    let all = Purpose::ALL.into_iter().map(|purpose| Choice {
        value: purpose.as_str().to_owned(),
        label: texts.t(&format!("purpose-{}", purpose.as_str())),
        chosen: purpose == chosen,
    });
    all.collect()
}

fn tell_form(one: &Surplus, texts: Texts) -> TellForm {
    TellForm {
        mark: format!("-{}", one.id),
        id: one.id,
        seen: one.revision,
        title: Some(product_name(&one.told.product, texts)),
        product: one.told.product.clone(),
        lot: one.told.lot.clone(),
        purposes: purposes(one.told.purpose, texts),
        is_purpose_open: false,
        vials_opened: one.told.vials_opened.to_string(),
        opened: time_of(one.told.opened_at),
        expected: one.told.expected.to_string(),
        stays: one.told.stays_until.map(time_of).unwrap_or_default(),
        hint: None,
    }
}

fn openable(app: &App, one: &Openable, texts: Texts) -> TellForm {
    let id = app.fresh_id();
    TellForm {
        mark: format!("-{id}"),
        id,
        seen: 0,
        title: Some(product_name(&one.product, texts)),
        product: one.product.clone(),
        lot: one.lot.clone(),
        purposes: purposes(one.purpose, texts),
        is_purpose_open: one.vials_opened == 0,
        vials_opened: if one.vials_opened == 0 {
            String::new()
        } else {
            one.vials_opened.to_string()
        },
        opened: one.opened_by.map(time_of).unwrap_or_default(),
        expected: "0".to_owned(),
        stays: String::new(),
        hint: Some(texts.t_with("leftover-hint", &[("doses", one.left)])),
    }
}

fn other(app: &App, fields: &Fields, texts: Texts) -> TellForm {
    TellForm {
        mark: String::new(),
        id: app.fresh_id(),
        seen: 0,
        title: None,
        product: fields.product.clone(),
        lot: fields.lot.clone(),
        purposes: purposes(
            Purpose::parse(&fields.purpose).unwrap_or(Purpose::Booster),
            texts,
        ),
        is_purpose_open: true,
        vials_opened: fields.vials_opened.clone(),
        opened: fields.opened.clone(),
        expected: fields.expected.clone(),
        stays: fields.stays.clone(),
        hint: None,
    }
}

/// Somebody by their number on the list.
fn who(number: i64, is_of_city: bool, texts: Texts) -> String {
    let id = if is_of_city {
        "leftover-who-city"
    } else {
        "leftover-who"
    };
    texts.t_with(id, &[("number", number)])
}

/// Why somebody was passed over, in words.
fn passed(one: &PassedOver, texts: Texts) -> String {
    let who = who(one.number, one.is_of_city, texts);
    let why = match one.pass.finding() {
        Some(code) => texts.t(&format!("finding-{}.name", code.as_str())),
        None => texts.t(&format!("standby-pass-{}", one.pass.as_str())),
    };
    texts.t_with("leftover-passed", &[("who", who), ("why", why)])
}

fn call_row(one: &Offer, texts: Texts) -> CallRow {
    let (tone, icon, word) = match one.word {
        _ if one.number.is_none() => ("void", "void", "nobody"),
        _ if one.has_come => ("good", "check", "came"),
        Word::Asked => ("info", "wait", "asked"),
        Word::Accepted => ("good", "check", "accepted"),
        Word::Declined => ("info", "void", "declined"),
        Word::NoAnswer => ("warn", "warn", "no_answer"),
        Word::NotCome => ("warn", "warn", "not_come"),
    };
    CallRow {
        id: one.id,
        who: one
            .number
            .map_or_else(String::new, |number| who(number, one.is_of_city, texts)),
        at: time_of(one.at),
        state: Badge {
            tone,
            icon,
            word: texts.t(&format!("leftover-word-{word}")),
        },
        seen: one.revision,
        phone: one.phone.clone(),
        is_protected: one.is_protected,
        passed: one.passed.iter().map(|pass| passed(pass, texts)).collect(),
        can_undo: one.number.is_some() && !one.has_come && one.word != Word::Asked,
    }
}

/// A time of today out of a field.
fn time_in(app: &App, text: &str) -> Option<Instant> {
    let text = text.trim().get(..5)?;
    Instant::parse(&format!("{}T{text}:00+09:00", app.today()))
}

fn told_in(app: &App, page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<Told> {
    let product = complaints.product(page, &fields.product, None, None);
    let lot = complaints.lot(page, &fields.lot);
    let opened_at = match time_in(app, &fields.opened) {
        Some(at) => Some(at),
        None => complaints.add("opened", page.t("refused-leftover_opened")),
    };
    let stays = fields.stays.trim();
    let stays_until = match (stays.is_empty(), time_in(app, stays)) {
        (true, _) => Some(None),
        (false, Some(at)) => Some(Some(at)),
        (false, None) => complaints.add("stays", page.t("leftover-complaint-stays")),
    };
    let number = |text: &str| text.trim().parse().unwrap_or(-1);
    let told = Told {
        product: product?,
        lot: lot?,
        purpose: Purpose::parse(&fields.purpose).unwrap_or(Purpose::Booster),
        vials_opened: number(&fields.vials_opened),
        opened_at: opened_at?,
        expected: number(&fields.expected),
        stays_until: stays_until?,
    };
    match told.check(app.now()) {
        Ok(()) => Some(told),
        Err(refusal) => {
            let at = match refusal {
                ToldRefusal::NoRate => "product",
                ToldRefusal::Number => "vials_opened",
                ToldRefusal::Opened => "opened",
            };
            complaints.add(at, page.t(&format!("refused-{}", refusal.code())))
        }
    }
}

async fn tell(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let mut complaints = Complaints::default();
    let trouble = match told_in(&app, &page, &fields, &mut complaints) {
        None => None,
        Some(told) => {
            let seen = fields.seen.trim().parse().unwrap_or(0);
            let which = (fields.id, seen);
            let key = ((app.outside.salt)(), app.now());
            match leftover_doses::tell(&app.db, &permit, which, &told, key).await? {
                Kept::Now | Kept::AsItIs => return Ok(done(PATH, "leftover-told")),
                Kept::Meanwhile => Some(page.t("leftover-changed-meanwhile")),
                Kept::Twice => Some(page.t("leftover-twice")),
            }
        }
    };
    let said = Said {
        fields,
        complaints,
        trouble,
        revealed: None,
    };
    render(&app, &me, (&permit, page), said).await
}

/// Says above the page why something was not done.
async fn troubled(
    app: &App,
    me: &Me,
    (permit, page): (&VenuePermit, Page),
    id: &str,
) -> Result<Response, Problem> {
    let said = Said {
        trouble: Some(page.t(id)),
        ..Said::default()
    };
    render(app, me, (permit, page), said).await
}

async fn call(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(leftover): Path<Uuid>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let which = (leftover, fields.id);
    let fresh = || app.fresh_id();
    let trouble = match leftover_doses::call(&app.db, &permit, which, app.now(), &fresh).await? {
        Called::Now => return Ok(done(PATH, "leftover-call")),
        Called::Before => return Ok(done(PATH, "leftover-called-before")),
        Called::Nobody => return Ok(done(PATH, "leftover-nobody")),
        Called::OtherContent => "leftover-changed-meanwhile",
        Called::NoneFree => "leftover-none-free",
        Called::Over => "leftover-is-over",
        Called::LotStopped => "leftover-lot-stopped",
        Called::NotFound => return Err(Problem::not_found()),
    };
    troubled(&app, &me, (&permit, page), trouble).await
}

async fn answer(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(offer): Path<Uuid>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let word = Word::parse(&fields.word).ok_or_else(|| Problem::unprocessable("form_shape"))?;
    let which = (offer, fields.seen.trim().parse().unwrap_or(0));
    let trouble = match leftover_doses::answer(&app.db, &permit, which, word, app.now()).await? {
        Answered::Now | Answered::Before => return Ok(done(PATH, "leftover-answered")),
        Answered::Meanwhile => "leftover-changed-meanwhile",
        Answered::CannotFollow => "leftover-cannot-follow",
        Answered::NoneFree => "leftover-none-free",
        Answered::NotFound => return Err(Problem::not_found()),
    };
    troubled(&app, &me, (&permit, page), trouble).await
}

/// Shows the telephone of a protected person: a second step, written down before.
async fn phone(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(offer): Path<Uuid>,
    PageForm(_): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::OfferLeftover)?;
    let look = (app.fresh_id(), app.now());
    let phone = leftover_doses::phone_of_protected(&app.db, &permit, offer, look).await?;
    let phone = phone.ok_or_else(Problem::not_found)?;
    let said = Said {
        revealed: Some((offer, phone)),
        ..Said::default()
    };
    render(&app, &me, (&permit, page), said).await
}

#[cfg(test)]
#[path = "leftover_doses_tests.rs"]
mod tests;
