//! The recall of a lot (ロットの回収). The nation sees where every vial is, rehearses, and stops the lot with
//! one button; each city sees who of its own people was given a dose.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::addresses::Address;
use domain::doses::DoseId;
use domain::lots::{RECALL_REASON_LENGTH_MAX, Recall, RegisteredLot};
use domain::people::ResidentStanding;
use domain::replacements::Source;
use domain::vaccines::{LOT_LENGTH_MAX, Lot};
use exchange::encoding::Encoding;
use exchange::recalls::{LetterRow, write_letters};
use serde::Deserialize;
use store::audit::View;
use store::lots::Kept;
use store::recalls::{
    Addressee, Dosed, PEOPLE_MAX, Standing, Whereabouts, addressees, can_be_stopped, dosed,
    rehearse, whereabouts,
};
use store::replacements::{self, Replaced, proposed, request, requested};
use uuid::Uuid;

use crate::pages::attachments::csv_response;
use crate::pages::fields::Complaints;
use crate::pages::imports::encodings;
use crate::pages::persons::standing_text;
use crate::pages::records::{Choice, day_text, place_name, product_name};
use crate::pages::stock::account_text;
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Which look the access log is told of when a city sees who was given a lot.
pub const VIEW: &str = "recall";
/// And what for.
pub const PURPOSE: &str = "recall";
/// Lines of the proposal of replacements that the page shows; its sums are of all.
const REPLACED_SHOWN_MAX: usize = 500;

/// The pages of this file.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepLots);
    let trace = Guard::May(Action::TraceLot);
    Routes::new()
        .get("/lots/recall", keep, show)
        .post("/lots/recall", keep, announce)
        .post("/lots/recall/rehearsals", keep, rehearsal)
        .post("/lots/recall/replacements", keep, ask_for_replacements)
        .get("/city/recall", trace, ask)
        .post("/city/recall", trace, people)
        .post("/city/recall/letters", trace, letters)
}

/// Vials at an account, in words.
struct Row {
    holder: String,
    facility: String,
    city: String,
    product: String,
    account: String,
    vials: i64,
    can_be_stopped: bool,
}

impl Row {
    fn of(one: &Standing, texts: Texts) -> Self {
        Self {
            holder: one.holder_name.clone(),
            facility: one.facility.clone(),
            city: one.municipality.and_then(place_name).unwrap_or_default(),
            product: product_name(&one.product, texts),
            account: account_text(one.account, texts),
            vials: one.vials,
            can_be_stopped: can_be_stopped(one.account),
        }
    }
}

/// What is known of a lot, for the page.
struct Found {
    lot: Lot,
    to_stop: i64,
    dosed: i64,
    rows: Vec<Row>,
    cities: Vec<(String, i64)>,
    replaced: Replacing,
    /// What was asked for of it already.
    asked: Vec<AskedRow>,
    /// Whether the lot is recalled: before that nothing is asked for.
    is_recalled: bool,
    /// Of each product with this lot in the register: its name, and since when it is recalled.
    registered: Vec<(String, Option<String>)>,
}

/// What takes the place of the vials (代替の案), in words.
struct Replacing {
    rows: Vec<ReplacedRow>,
    is_cut: bool,
    itself: i64,
    moved: i64,
    ordered: i64,
}

/// What was asked for in place of a venue's vials, in words.
struct AskedRow {
    to: String,
    product: String,
    vials: i64,
    way: String,
    is_waiting: bool,
}

impl AskedRow {
    fn of(one: replacements::Asked, texts: Texts) -> Self {
        let is_order = one.from.is_empty();
        Self {
            to: one.to,
            product: product_name(&one.product, texts),
            vials: one.vials,
            is_waiting: is_order && one.order.is_none(),
            way: match &one.order {
                _ if !is_order => texts.t_with("replacements-asked-from", &[("venue", one.from)]),
                Some(number) => {
                    texts.t_with("replacements-asked-order", &[("number", number.clone())])
                }
                None => texts.t("replacements-asked-waiting"),
            },
        }
    }
}

/// Vials for one venue from one source.
struct ReplacedRow {
    to: String,
    facility: String,
    city: String,
    product: String,
    source: String,
    vials: i64,
}

impl Replacing {
    fn of(all: &[Replaced], texts: Texts) -> Self {
        let sum = |is_one: fn(Source) -> bool| {
            let some = all.iter().filter(|one| is_one(one.source));
            some.map(|one| one.vials).sum()
        };
        let shown = all.iter().take(REPLACED_SHOWN_MAX);
        Self {
            rows: shown.map(|one| ReplacedRow::of(one, texts)).collect(),
            is_cut: all.len() > REPLACED_SHOWN_MAX,
            itself: sum(|source| source == Source::Itself),
            moved: sum(|source| !matches!(source, Source::Itself | Source::Order)),
            ordered: sum(|source| source == Source::Order),
        }
    }
}

impl ReplacedRow {
    fn of(one: &Replaced, texts: Texts) -> Self {
        let from = one.from.as_ref().map_or("", |from| from.name.as_str());
        let source = match one.source {
            Source::Itself => texts.t("replacements-itself"),
            Source::SameCity(_) => texts.t_with("replacements-city", &[("venue", from)]),
            Source::SamePrefecture(_) => {
                texts.t_with("replacements-prefecture", &[("venue", from)])
            }
            Source::Order => texts.t("replacements-order"),
        };
        Self {
            to: one.to.name.clone(),
            facility: one.to.facility.clone(),
            city: place_name(one.to.city).unwrap_or_else(|| one.to.city.to_string()),
            product: product_name(&one.product, texts),
            source,
            vials: one.vials,
        }
    }
}

#[derive(Template)]
#[template(path = "lots/recall.html")]
struct RecallPage {
    page: Page,
    search: String,
    found: Option<Found>,
    /// Whether this is a rehearsal (訓練) that was just done.
    is_rehearsal: bool,
    reason: String,
    complaints: Complaints,
    lot_max: usize,
    reason_max: usize,
}

/// Which lot, and why.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    lot: String,
    reason: String,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(fields): Params<Fields>,
) -> Result<Response, Problem> {
    render(&app, &me, page, fields, (false, Complaints::default())).await
}

async fn found(app: &App, me: &Me, lot: &Lot, texts: Texts) -> Result<Found, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let Whereabouts { vials, doses } = whereabouts(&app.db, &permit, lot).await?;
    let entered = store::lots::lots(&app.db, Some(lot)).await?;
    let is_recalled = entered.iter().any(|one| one.lot.recall.is_some());
    let registered = entered.into_iter().map(|one| {
        let since = one.lot.recall.map(|recall| day_text(recall.since, texts));
        (product_name(one.lot.product.as_str(), texts), since)
    });
    let found = Whereabouts { vials, doses };
    let replaced = proposed(&app.db, &permit, (lot, &found.vials), app.today()).await?;
    let replaced = Replacing::of(&replaced, texts);
    let asked = requested(&app.db, &permit, lot).await?;
    Ok(Found {
        lot: lot.clone(),
        to_stop: found.to_stop(),
        dosed: found.dosed(),
        rows: found.vials.iter().map(|one| Row::of(one, texts)).collect(),
        replaced,
        asked: asked
            .into_iter()
            .map(|one| AskedRow::of(one, texts))
            .collect(),
        is_recalled,
        cities: found
            .doses
            .iter()
            .map(|one| {
                let name = place_name(one.municipality);
                (
                    name.unwrap_or_else(|| one.municipality.to_string()),
                    one.doses,
                )
            })
            .collect(),
        registered: registered.collect(),
    })
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    fields: Fields,
    (is_rehearsal, mut complaints): (bool, Complaints),
) -> Result<Response, Problem> {
    let page = page.titled("recall-title");
    let found = match fields.lot.trim() {
        "" => None,
        text => match Lot::parse(text) {
            Ok(lot) => Some(found(app, me, &lot, page.texts).await?),
            Err(_) => complaints.lot(&page, text).and(None),
        },
    };
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&RecallPage {
        search: fields.lot,
        found,
        is_rehearsal,
        reason: fields.reason,
        complaints,
        lot_max: LOT_LENGTH_MAX,
        reason_max: RECALL_REASON_LENGTH_MAX,
        page,
    })?;
    Ok((status, shown).into_response())
}

/// Turns the proposal of replacements into requests to venues and orders. Pressed again it changes nothing but orders that
/// had nobody to deliver them.
async fn ask_for_replacements(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let mut complaints = Complaints::default();
    let lot = complaints.lot(&page, &fields.lot);
    let Some(lot) = lot.and_then(|lot| Lot::parse(&lot).ok()) else {
        return render(&app, &me, page, fields, (false, complaints)).await;
    };
    let entered = store::lots::lots(&app.db, Some(&lot)).await?;
    if !entered.iter().any(|one| one.lot.recall.is_some()) {
        complaints.add::<()>("lot", page.t("replacements-not-recalled"));
        return render(&app, &me, page, fields, (false, complaints)).await;
    }
    let found = whereabouts(&app.db, &permit, &lot).await?;
    let act = (app.fresh_id(), app.now());
    let came = request(&app.db, &permit, (&lot, &found.vials), act).await?;
    let back = format!(
        "/lots/recall?lot={}",
        crate::web::percent_encoded(lot.as_str())
    );
    Ok(done(
        &back,
        if came.is_nothing() {
            "replacements-before"
        } else {
            "replacements-requested"
        },
    ))
}

/// Everything as in earnest, but nothing is stopped: it is written down that it was rehearsed.
async fn rehearsal(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let mut complaints = Complaints::default();
    let lot = complaints
        .lot(&page, &fields.lot)
        .and_then(|lot| Lot::parse(&lot).ok());
    if let Some(lot) = lot {
        let found = whereabouts(&app.db, &permit, &lot).await?;
        let act = (app.fresh_id(), app.now());
        rehearse(&app.db, &permit, &lot, &found, act).await?;
    }
    let is_rehearsal = complaints.is_empty();
    render(&app, &me, page, fields, (is_rehearsal, complaints)).await
}

/// Stops the lot from today on: for every product that the register has under this number. Tablets, checks
/// and stock pages say so from their next question on.
async fn announce(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let mut complaints = Complaints::default();
    let lot = complaints.lot(&page, &fields.lot);
    let max = RECALL_REASON_LENGTH_MAX;
    let reason = complaints.text(&page, "reason", &fields.reason, max);
    let (Some(lot), Some(reason)) = (lot.and_then(|lot| Lot::parse(&lot).ok()), reason) else {
        return render(&app, &me, page, fields, (false, complaints)).await;
    };
    let entered = store::lots::lots(&app.db, Some(&lot)).await?;
    if entered.is_empty() {
        complaints.add::<()>("lot", page.t("recall-not-registered"));
        return render(&app, &me, page, fields, (false, complaints)).await;
    }
    for one in entered.into_iter().filter(|one| one.lot.recall.is_none()) {
        let recalled = RegisteredLot {
            recall: Some(Recall {
                since: app.today(),
                reason: reason.clone(),
            }),
            ..one.lot
        };
        let act = (app.fresh_id(), app.now());
        let seen = Some(one.revision);
        if let Kept::ChangedMeanwhile(_) =
            store::lots::keep(&app.db, &permit, &recalled, seen, act).await?
        {
            complaints.add::<()>("lot", page.t("complaint-lot-changed"));
            return render(&app, &me, page, fields, (false, complaints)).await;
        }
    }
    let back = format!(
        "/lots/recall?lot={}",
        crate::web::percent_encoded(lot.as_str())
    );
    Ok(done(&back, "recalled"))
}

/// Somebody who was given a dose, in words.
struct Person {
    dose: String,
    number: Option<String>,
    given_on: String,
    product: String,
    venue: String,
    is_protected: bool,
}

impl Person {
    fn of(one: Dosed, texts: Texts) -> Self {
        Self {
            dose: one.dose.to_string(),
            number: one.number.map(|number| number.as_str().to_owned()),
            given_on: day_text(one.given_on, texts),
            product: product_name(&one.product, texts),
            venue: one.venue_name,
            is_protected: one.is_protected,
        }
    }
}

#[derive(Template)]
#[template(path = "city/recall.html")]
struct PeoplePage {
    page: Page,
    lot: String,
    asked: bool,
    people: Vec<Person>,
    next: Option<Uuid>,
    encodings: Vec<Choice>,
    complaints: Complaints,
    lot_max: usize,
}

/// Which lot, and after which record.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    lot: String,
    after: Option<Uuid>,
}

async fn ask(page: Page, Params(asked): Params<Asked>) -> Result<Response, Problem> {
    html(&PeoplePage {
        lot: asked.lot,
        asked: false,
        people: Vec::new(),
        next: None,
        encodings: encodings(&page),
        complaints: Complaints::default(),
        lot_max: LOT_LENGTH_MAX,
        page: page.titled("trace-title"),
    })
}

/// The city's people who were given the lot; written into its access log before they are shown.
async fn people(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(asked): PageForm<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::TraceLot)?;
    let page = page.titled("trace-title");
    let mut complaints = Complaints::default();
    let lot = complaints
        .lot(&page, &asked.lot)
        .and_then(|lot| Lot::parse(&lot).ok());
    let mut people = Vec::new();
    let mut next = None;
    if let Some(lot) = &lot {
        let view = View {
            id: app.fresh_id(),
            at: app.now(),
            number: None,
            view: VIEW.to_owned(),
            purpose: PURPOSE.to_owned(),
        };
        people = dosed(&app.db, &permit, lot, asked.after.map(DoseId), &view).await?;
        if people.len() as i64 == PEOPLE_MAX {
            next = people.last().map(|one| one.dose.0);
        }
    }
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&PeoplePage {
        lot: asked.lot,
        asked: lot.is_some(),
        people: people
            .into_iter()
            .map(|one| Person::of(one, page.texts))
            .collect(),
        next,
        encodings: encodings(&page),
        complaints,
        lot_max: LOT_LENGTH_MAX,
        page,
    })?;
    Ok((status, shown).into_response())
}

/// Which lot, and in which encoding the file is saved.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    lot: String,
    encoding: String,
}

/// Whom the city writes to because of the lot (回収通知), as CSV; written into its access log before it is saved. Protected people are
/// told one by one, and are not in it.
async fn letters(
    State(app): State<App>,
    me: Me,
    PageForm(wanted): PageForm<Wanted>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::TraceLot)?;
    let lot = Lot::parse(&wanted.lot).map_err(|_| Problem::not_found())?;
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    let view = View {
        id: app.fresh_id(),
        at: app.now(),
        number: None,
        view: VIEW.to_owned(),
        purpose: PURPOSE.to_owned(),
    };
    let found = addressees(&app.db, &permit, &lot, &view).await?;
    let texts = Texts::new(Locale::Ja);
    let rows: Vec<LetterRow> = found
        .named
        .into_iter()
        .map(|one| LetterRow {
            note: note_of(&one, texts),
            resident_no: one.resident_no,
            number: one.number,
            name: one.name,
            kana: one.kana,
            address: one.address,
            given_on: one.given_on,
            product: one.product,
            lot: lot.clone(),
            venue: one.venue_name,
        })
        .collect();
    let mut bytes = Vec::new();
    write_letters(&mut bytes, &rows, encoding).map_err(|_| Problem::internal())?;
    Ok(csv_response("recall-letters.csv", encoding, bytes))
}

/// What a clerk should know before a letter goes out.
fn note_of(one: &Addressee, texts: Texts) -> String {
    if one.standing != ResidentStanding::Resident {
        return standing_text(one.standing, texts);
    }
    let is_mailable = one.address.as_ref().is_some_and(Address::is_mailable);
    if is_mailable {
        String::new()
    } else {
        texts.t("coupons-unaddressed-unknown")
    }
}
