//! Excursions (温度逸脱): which vials are in doubt, what is decided about them, and where they can be brought.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::cold_chain::{CoolerKind, Fate, Outcome, Temperature, minute, range};
use domain::cycles::vials_per_unit;
use domain::places::MunicipalityCode;
use domain::stock::{Goods, NOTE_LENGTH_MAX, Shelf};
use domain::venues::FacilityCode;
use serde::Deserialize;
use store::cold_chain::{
    self, Cooler, Decided, Deciding, Decision, Listed, Room, Somewhere, State as Stands, Told,
    UNREAD_MAX, Unread,
};
use store::stock::Act;
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, day_text, place_name, product_name};
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
        .get("/venue/temperatures/excursions/{id}", see, show)
        .post("/venue/temperatures/excursions/{id}", keep, decide)
        .get("/venue/temperatures/excursions/{id}/rooms", see, rooms)
        .get(
            "/venues/temperatures",
            Guard::May(Action::SeeVenues),
            of_area,
        )
}

pub(super) fn path_of(id: Uuid) -> String {
    format!("/venue/temperatures/excursions/{id}")
}

/// A temperature for people: a real minus, and the degree.
#[must_use]
pub fn degrees(temperature: Temperature) -> String {
    format!("{temperature}℃").replace('-', "−")
}

/// Between which temperatures a cooler, or a product in it, is to be kept on a day.
#[must_use]
pub fn range_text(product: Option<&str>, kind: CoolerKind, on: Day) -> String {
    range(product, kind, on).map_or_else(String::new, |range| {
        format!("{} – {}", degrees(range.lowest), degrees(range.highest))
    })
}

/// An excursion in a list.
pub struct OpenRow {
    /// Its page.
    pub href: String,
    /// The cooler's name.
    pub cooler: String,
    /// From when to when.
    pub time: String,
    /// How cold and how warm it was.
    pub extremes: String,
    /// How it stands, in a word with tone and sign.
    pub state: (&'static str, &'static str, String),
    /// Vials that wait for a decision.
    pub undecided: i64,
}

impl OpenRow {
    /// An open one.
    #[must_use]
    pub fn of(one: &Told, texts: Texts) -> Self {
        let name = one.cooler.as_ref().map(|one| one.name.clone());
        Self::new(
            &one.listed,
            name.unwrap_or_default(),
            one.undecided(),
            texts,
        )
    }

    /// One of the past.
    #[must_use]
    pub fn past(one: &Listed, coolers: &[Cooler], texts: Texts) -> Self {
        let cooler = coolers.iter().find(|cooler| cooler.id == one.cooler);
        let name = cooler.map(|cooler| cooler.name.clone()).unwrap_or_default();
        let mut row = Self::new(one, name, 0, texts);
        if one.state != Stands::Withdrawn {
            // What is not among the open ones has nothing left to decide.
            row.state = ("good", "check", texts.t("excursion-settled"));
        }
        row
    }

    fn new(listed: &Listed, cooler: String, undecided: i64, texts: Texts) -> Self {
        let excursion = &listed.excursion;
        let state = match (listed.state, excursion.over) {
            (Stands::Withdrawn, _) => ("void", "void", texts.t("excursion-withdrawn")),
            (_, None) => ("bad", "stop", texts.t("excursion-lasts")),
            (Stands::Open, _) => ("warn", "wait", texts.t("excursion-waits")),
            (Stands::Settled, _) => ("good", "check", texts.t("excursion-settled")),
        };
        let from = excursion.first.japanese();
        let time = match excursion.over {
            Some(over) => format!("{from} – {}", over.japanese()),
            None => texts.t_with("excursion-from", &[("from", from)]),
        };
        Self {
            href: path_of(listed.id),
            cooler,
            time,
            extremes: if excursion.lowest == excursion.highest {
                degrees(excursion.lowest)
            } else {
                format!(
                    "{} – {}",
                    degrees(excursion.lowest),
                    degrees(excursion.highest)
                )
            },
            state,
            undecided,
        }
    }
}

/// The vials of a lot, and what became of them.
struct LotRow {
    href: String,
    product: String,
    lot: String,
    range: String,
    fate: Fate,
    is_chosen: bool,
}

/// A decision in words.
struct DecisionRow {
    at: String,
    product: String,
    lot: String,
    outcome: String,
    vials: i64,
    facility: String,
    reason: String,
    by: String,
}

impl DecisionRow {
    fn of(one: &Decision, texts: Texts) -> Self {
        Self {
            at: one.at.japanese(),
            product: product_name(&one.goods.product, texts),
            lot: one.goods.lot.clone(),
            outcome: texts.t(&format!("excursion-outcome-{}", one.outcome.as_str())),
            vials: one.vials,
            facility: one.facility.clone(),
            reason: one.reason.clone(),
            by: one.by.clone(),
        }
    }
}

/// The fields of the form, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    act: Uuid,
    product: String,
    lot: String,
    outcome: String,
    vials: String,
    seen: String,
    facility: String,
    began: String,
    reason: String,
    /// That the second step is taken.
    confirmed: Option<String>,
}

#[derive(Template)]
#[template(path = "venue/excursion.html")]
struct ExcursionPage {
    page: Page,
    row: OpenRow,
    path: String,
    kind: String,
    range: String,
    since: String,
    minutes: String,
    is_withdrawn: bool,
    lasts: bool,
    rows: Vec<LotRow>,
    decisions: Vec<DecisionRow>,
    /// The lot that is decided about now.
    chosen: Option<Goods>,
    chosen_name: String,
    waiting: i64,
    is_thawed: bool,
    outcomes: Vec<Choice>,
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    act: Uuid,
    may_keep: bool,
    /// Whether several lots wait, so that one decision may be about more than one.
    has_several: bool,
    reason_max: usize,
}

#[derive(Template)]
#[template(path = "venue/excursion_confirm.html")]
struct ConfirmPage {
    page: Page,
    path: String,
    fields: Fields,
    product: String,
    outcome: String,
    /// What will happen.
    means: String,
}

pub(super) async fn found(app: &App, permit: &VenuePermit, id: Uuid) -> Result<Told, Problem> {
    let told = cold_chain::one(&app.db, permit, id, app.now()).await?;
    told.ok_or_else(Problem::not_found)
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(fields): Params<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let told = found(&app, &permit, id).await?;
    render(&app, page, &told, (fields, Complaints::default(), None))
}

/// The lot that is decided about: the one that is named, or the only one that waits.
fn chosen(told: &Told, fields: &Fields) -> Option<(Goods, i64)> {
    let mut waiting = told.fates.iter().filter(|(_, fate)| fate.undecided > 0);
    let named = waiting
        .clone()
        .find(|(goods, _)| goods.product == fields.product && goods.lot == fields.lot);
    let only = || match (waiting.next(), waiting.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    };
    let (goods, fate) = named.or_else(only)?;
    Some((goods.clone(), fate.undecided))
}

fn render(
    app: &App,
    page: Page,
    told: &Told,
    (fields, complaints, trouble): (Fields, Complaints, Option<String>),
) -> Result<Response, Problem> {
    let texts = page.texts;
    let row = OpenRow::of(told, texts);
    let page = page.titled_with("excursion-title", "name", &row.cooler);
    let (listed, excursion) = (&told.listed, &told.listed.excursion);
    let on = excursion.first.day_in_japan();
    let chosen = chosen(told, &fields);
    let is_refused = trouble.is_some() || !complaints.is_empty();
    let mut row = row;
    if !told.is_open() && listed.state != Stands::Withdrawn {
        row.state = ("good", "check", texts.t("excursion-settled"));
    }
    let outcome = |one: Outcome| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("excursion-outcome-{}", one.as_str())),
        chosen: one.as_str() == fields.outcome,
    };
    let lasts = excursion.over.is_none();
    let can_be_chosen = |one: &Outcome| !lasts || *one != Outcome::Kept;
    let shown = html(&ExcursionPage {
        path: path_of(listed.id),
        kind: texts.t(&format!("cooler-kind-{}", listed.kind.as_str())),
        range: range_text(None, listed.kind, on),
        since: excursion.since.japanese(),
        minutes: minutes_text(excursion.minutes(app.now()), texts),
        is_withdrawn: listed.state == Stands::Withdrawn,
        lasts,
        rows: told
            .fates
            .iter()
            .map(|(goods, fate)| LotRow {
                href: lot_href(listed.id, "", goods),
                product: product_name(&goods.product, texts),
                lot: goods.lot.clone(),
                range: range_text(Some(&goods.product), listed.kind, on),
                fate: *fate,
                is_chosen: chosen.as_ref().is_some_and(|(one, _)| one == goods),
            })
            .collect(),
        decisions: told
            .decisions
            .iter()
            .map(|one| DecisionRow::of(one, texts))
            .collect(),
        chosen_name: chosen
            .as_ref()
            .map(|(goods, _)| product_name(&goods.product, texts))
            .unwrap_or_default(),
        waiting: chosen.as_ref().map_or(0, |(_, vials)| *vials),
        chosen: chosen.map(|(goods, _)| goods),
        is_thawed: listed.kind.shelf() == Shelf::Thawed,
        outcomes: Outcome::ALL
            .into_iter()
            .filter(can_be_chosen)
            .map(outcome)
            .collect(),
        act: app.fresh_id(),
        may_keep: page.may(Action::KeepStock),
        has_several: told
            .fates
            .values()
            .filter(|fate| fate.undecided > 0)
            .count()
            > 1,
        reason_max: NOTE_LENGTH_MAX,
        row,
        fields,
        complaints,
        trouble,
        page,
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}

fn minutes_text(minutes: i64, texts: Texts) -> String {
    let vars = [("hours", minutes / 60), ("minutes", minutes % 60)];
    texts.t_with("excursion-hours", &vars)
}

fn lot_href(id: Uuid, below: &str, goods: &Goods) -> String {
    let lot = crate::web::percent_encoded(&goods.lot);
    let product = crate::web::percent_encoded(&goods.product);
    format!("{}{below}?product={product}&lot={lot}", path_of(id))
}

fn deciding(
    app: &App,
    page: &Page,
    (told, fields): (&Told, &Fields),
    complaints: &mut Complaints,
) -> Option<Deciding> {
    let Some((goods, waiting)) = chosen(told, fields) else {
        return complaints.add("vials", page.t("excursion-nothing-waits"));
    };
    let outcome = match Outcome::parse(&fields.outcome) {
        Some(outcome) => Some(outcome),
        None => complaints.add("outcome", page.t("excursion-complaint-outcome")),
    };
    let vials: Option<i64> = fields.vials.trim().parse().ok();
    let vials = match vials.filter(|vials| (1..=waiting).contains(vials)) {
        Some(vials) => Some(vials),
        None => complaints.add(
            "vials",
            page.t1("excursion-complaint-vials", "max", waiting),
        ),
    };
    let facility = FacilityCode::parse(&fields.facility).ok();
    if outcome == Some(Outcome::Rescued) && facility.is_none() {
        complaints.add::<()>("facility", page.t("stock-complaint-facility"));
    }
    let began = match fields.began.trim().get(..16) {
        None => Some(None),
        Some(text) => match Instant::parse(&format!("{text}:00+09:00")) {
            Some(began) if began <= app.now() => Some(Some(began)),
            _ => complaints.add("began", page.t("stock-complaint-moment")),
        },
    };
    let reason = complaints.text(page, "reason", &fields.reason, NOTE_LENGTH_MAX);
    let deciding = Deciding {
        excursion: told.listed.id,
        goods,
        outcome: outcome?,
        vials: vials?,
        seen: fields.seen.trim().parse().unwrap_or(waiting),
        facility,
        began: began?,
        reason: reason?,
    };
    complaints.is_empty().then_some(deciding)
}

/// The first step shows what will happen, the second one does it.
async fn decide(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let told = found(&app, &permit, id).await?;
    let act = Act {
        id: fields.act,
        at: app.now(),
    };
    let mut complaints = Complaints::default();
    let Some(deciding) = deciding(&app, &page, (&told, &fields), &mut complaints) else {
        let is_sent_again = told.decisions.iter().any(|one| one.id == act.id);
        if is_sent_again {
            return Ok(done(&path_of(id), "excursion-decided"));
        }
        return render(&app, page, &told, (fields, complaints, None));
    };
    if fields.confirmed.is_none() {
        return confirm(&told, page, fields, &deciding);
    }
    let trouble =
        match cold_chain::decide(&app.db, &permit, &deciding, (app.fresh_id(), act)).await? {
            Decided::Now | Decided::Before => return Ok(done(&path_of(id), "excursion-decided")),
            Decided::OtherContent => page.t("stock-sent-otherwise"),
            Decided::Changed(vials) => page.t1("excursion-changed", "vials", vials),
            Decided::Vials => page.t1("excursion-complaint-vials", "max", told.undecided()),
            Decided::NotOver => page.t("excursion-not-over"),
            Decided::NoVenue => page.t("excursion-no-venue"),
            Decided::NotFound => return Err(Problem::not_found()),
        };
    let told = found(&app, &permit, id).await?;
    render(&app, page, &told, (fields, complaints, Some(trouble)))
}

fn confirm(
    told: &Told,
    page: Page,
    fields: Fields,
    deciding: &Deciding,
) -> Result<Response, Problem> {
    let texts = page.texts;
    let word = deciding.outcome.as_str();
    html(&ConfirmPage {
        path: path_of(told.listed.id),
        product: product_name(&deciding.goods.product, texts),
        outcome: texts.t(&format!("excursion-outcome-{word}")),
        means: texts.t(&format!("excursion-means-{word}")),
        fields: Fields {
            product: deciding.goods.product.clone(),
            lot: deciding.goods.lot.clone(),
            vials: deciding.vials.to_string(),
            seen: deciding.seen.to_string(),
            ..fields
        },
        page: page.titled("excursion-confirm-title"),
    })
}

/// A venue with room, in words.
struct RoomRow {
    name: String,
    facility: String,
    city: String,
    address: String,
    phone: String,
    near: String,
    vials: i64,
    has_room: bool,
    href: String,
}

#[derive(Template)]
#[template(path = "venue/excursion_rooms.html")]
struct RoomsPage {
    page: Page,
    path: String,
    product: String,
    goods: Goods,
    waiting: i64,
    kind: String,
    rows: Vec<RoomRow>,
}

async fn rooms(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(fields): Params<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let told = found(&app, &permit, id).await?;
    let (goods, waiting) = chosen(&told, &fields).ok_or_else(Problem::not_found)?;
    let texts = page.texts;
    let kind = told.listed.kind;
    let rooms = cold_chain::rooms(&app.db, &permit, kind, app.today()).await?;
    let back = lot_href(id, "", &goods);
    let row = |one: Room| room_row(one, (&goods, waiting), &back, texts);
    html(&RoomsPage {
        path: back.clone(),
        product: product_name(&goods.product, texts),
        waiting,
        kind: texts.t(&format!("cooler-kind-{}", kind.as_str())),
        rows: rooms.into_iter().map(row).collect(),
        goods: goods.clone(),
        page: page.titled("excursion-rooms-title"),
    })
}

fn room_row(one: Room, (goods, waiting): (&Goods, i64), back: &str, texts: Texts) -> RoomRow {
    let in_unit = vials_per_unit(&goods.product).and_then(|vials| i64::try_from(vials).ok());
    let vials = one.free_units.saturating_mul(in_unit.unwrap_or(1));
    let city = MunicipalityCode::parse(&one.municipality).ok();
    RoomRow {
        href: format!("{back}&outcome=rescued&facility={}#decide", one.facility),
        name: one.name,
        facility: one.facility,
        city: city.and_then(place_name).unwrap_or_default(),
        address: one.address,
        phone: one.phone,
        near: texts.t(&format!("excursion-near-{}", one.near.as_str())),
        has_room: vials >= waiting,
        vials,
    }
}

/// An open excursion at a venue of the area, in words.
struct AreaRow {
    venue: String,
    city: String,
    kind: String,
    row: OpenRow,
    lots: Vec<(String, String)>,
}

impl AreaRow {
    fn of(one: &Somewhere, texts: Texts) -> Self {
        let city = MunicipalityCode::parse(&one.municipality).ok();
        let lots = one.fates.iter().filter(|(_, fate)| fate.undecided > 0);
        Self {
            venue: one.name.clone(),
            city: city.and_then(place_name).unwrap_or_default(),
            kind: texts.t(&format!("cooler-kind-{}", one.listed.kind.as_str())),
            row: OpenRow::new(&one.listed, one.cooler.clone(), one.undecided(), texts),
            lots: of_products(lots, texts),
        }
    }
}

/// The lots of each product with their vials, a line for each product.
fn of_products<'f>(
    lots: impl Iterator<Item = (&'f Goods, &'f Fate)>,
    texts: Texts,
) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for (goods, fate) in lots {
        let vials = texts.t_with("stock-vials", &[("vials", fate.undecided)]);
        let lot = format!("{} {vials}", goods.lot);
        let product = product_name(&goods.product, texts);
        match lines.last_mut().filter(|(name, _)| *name == product) {
            Some((_, lots)) => *lots = format!("{lots}, {lot}"),
            None => lines.push((product, lot)),
        }
    }
    lines
}

/// A cooler of the area that nobody has read, in words.
struct UnreadRow {
    href: String,
    venue: String,
    city: String,
    address: String,
    facility: String,
    phone: String,
    cooler: String,
    kind: String,
    since: String,
    time: String,
    /// Whether there is no reading of today either.
    is_none_today: bool,
}

impl UnreadRow {
    fn of(one: Unread, now: Instant, texts: Texts) -> Self {
        let city = MunicipalityCode::parse(&one.municipality).ok();
        let at = one.since.japanese();
        Self {
            href: format!("/venues/{}", one.venue),
            venue: one.name,
            city: city.and_then(place_name).unwrap_or_default(),
            address: one.address,
            facility: one.facility,
            phone: one.phone,
            cooler: one.cooler,
            kind: texts.t(&format!("cooler-kind-{}", one.kind.as_str())),
            since: if one.was_read {
                at
            } else {
                texts.t_with("unread-never", &[("at", at)])
            },
            time: minutes_text(minute(now) - minute(one.since), texts),
            is_none_today: one.since.day_in_japan() < now.day_in_japan() || !one.was_read,
        }
    }
}

#[derive(Template)]
#[template(path = "venues/excursions.html")]
struct AreaPage {
    page: Page,
    rows: Vec<(String, AreaRow)>,
    unread: Vec<UnreadRow>,
    /// How many are shown, if there may be more.
    is_cut: Option<usize>,
    today: String,
}

async fn of_area(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    let now = app.now();
    let open = cold_chain::of_area(&app.db, &permit, now).await?;
    let unread = cold_chain::unread_in_area(&app.db, &permit, now).await?;
    let texts = page.texts;
    let is_full = i64::try_from(unread.len()).is_ok_and(|count| count >= UNREAD_MAX);
    html(&AreaPage {
        is_cut: is_full.then_some(unread.len()),
        unread: unread
            .into_iter()
            .map(|one| UnreadRow::of(one, now, texts))
            .collect(),
        rows: open
            .iter()
            .map(|one| {
                let href = format!("/venues/{}", one.venue);
                (href, AreaRow::of(one, texts))
            })
            .collect(),
        today: day_text(app.today(), texts),
        page: page.titled("excursions-title"),
    })
}
