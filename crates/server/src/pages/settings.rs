//! The day's settings (当日の設定): what every dose of the day has in common, set once a day by hand.

use askama::Template;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Day;
use domain::doses::{DOCTOR_NAME_LENGTH_MAX, VENUE_NAME_LENGTH_MAX};
use domain::lot_seals::SealRefusal;
use domain::lots::LotState;
use domain::vaccines::{LOT_LENGTH_MAX, Lot};
use serde::Deserialize;
use store::settings::{self, DaySetting};

use crate::pages::fields::Complaints;
use crate::pages::lots::{SealRead, read_photo, read_text, seal_text, state_at, state_text};
use crate::pages::photos::PHOTO_BYTES_MAX;
use crate::pages::reading::{photo_in, picture_text};
use crate::pages::records::{Choice, day_text, product_choices, product_name};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The page of the settings.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::SetDay);
    Routes::new()
        .get("/venue/settings", guard, show)
        .post("/venue/settings", guard, set)
        .post_up_to(PHOTO_BYTES_MAX, "/venue/settings/photo", guard, photo)
        .get("/venue/settings/photo", guard, back)
}

/// Today's settings of whoever reads coupons; without them there is only the way to the settings.
///
/// # Errors
/// The inner answer sends the browser to the settings; the outer one is the database's.
pub async fn of_today(
    app: &App,
    permit: &VenuePermit,
) -> Result<Result<DaySetting, Response>, Problem> {
    let found = settings::day(&app.db, permit, permit.actor().user, app.today()).await?;
    Ok(found.ok_or_else(|| Redirect::to("/venue/settings").into_response()))
}

/// The settings in one line of words, as they stand above the reading.
pub struct Strip {
    /// The day doses are given.
    pub given_on: String,
    /// Whether that is another day than today.
    pub other_day: bool,
    /// The product.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// The doctor.
    pub doctor: String,
    /// The venue's name.
    pub venue: String,
}

impl Strip {
    /// The words of settings.
    #[must_use]
    pub fn of(setting: &DaySetting, today: Day, texts: Texts) -> Self {
        Self {
            given_on: day_text(setting.given_on, texts),
            other_day: setting.given_on != today,
            product: product_name(&setting.product, texts),
            lot: setting.lot.clone(),
            doctor: setting.doctor.clone(),
            venue: setting.venue_name.clone(),
        }
    }
}

/// The fields of the form, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    given_on: String,
    venue_name: String,
    doctor: String,
    product: String,
    lot: String,
    other_day: Option<String>,
    /// What a hand scanner typed off the seal: read, and nothing is set yet.
    seal: String,
    /// The last day printed on it.
    printed: String,
    /// That these doses are in arms already, whatever became of their lot since.
    given_already: Option<String>,
    act: String,
}

#[derive(Template)]
#[template(path = "venue/settings.html")]
struct SettingsPage {
    page: Page,
    fields: Fields,
    complaints: Complaints,
    today: Day,
    today_text: String,
    is_other_day: bool,
    products: Vec<Choice>,
    set_before: bool,
    suggestion: Option<Suggestion>,
    /// What the seal says, once it was read.
    seal: Option<String>,
    /// Why the lot must not be given: the page is red.
    stop: Option<String>,
    venue_name_max: usize,
    doctor_max: usize,
    lot_max: usize,
}

/// What was set on an earlier day: shown as what it is, taken over only by hand.
struct Suggestion {
    venue_name: String,
    doctor: String,
    /// The same in a sentence with the day.
    venue_name_text: String,
    doctor_text: String,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::SetDay)?;
    let fields = begun(&app, &me, &permit).await?;
    form(&app, &permit, page, fields, Told::default()).await
}

/// The fields as set today, or those of a new day.
async fn begun(app: &App, me: &Me, permit: &VenuePermit) -> Result<Fields, Problem> {
    let today = app.today();
    Ok(
        match settings::day(&app.db, permit, me.actor.user, today).await? {
            Some(set) => Fields {
                given_on: set.given_on.to_string(),
                venue_name: set.venue_name,
                doctor: set.doctor,
                product: set.product,
                lot: set.lot,
                other_day: (set.given_on != today).then(|| "on".to_owned()),
                ..Fields::default()
            },
            None => Fields {
                given_on: today.to_string(),
                venue_name: me
                    .organisation
                    .name
                    .chars()
                    .take(VENUE_NAME_LENGTH_MAX)
                    .collect(),
                ..Fields::default()
            },
        },
    )
}

async fn back() -> Redirect {
    Redirect::to("/venue/settings")
}

/// What the form has to say beside its fields.
#[derive(Default)]
struct Told {
    complaints: Complaints,
    seal: Option<String>,
    stop: Option<String>,
}

impl From<Complaints> for Told {
    fn from(complaints: Complaints) -> Self {
        Self {
            complaints,
            ..Self::default()
        }
    }
}

/// Fills the fields by what a seal says.
fn fill(page: &Page, mut fields: Fields, read: Result<SealRead, SealRefusal>) -> (Fields, Told) {
    fields.seal.clear();
    let mut told = Told::default();
    let read = match read {
        Ok(read) => read,
        Err(refusal) => {
            told.complaints
                .add::<()>("seal", seal_text(&refusal, page.texts));
            return (fields, told);
        }
    };
    match (&read.product, &read.seal.gtin) {
        (Some(product), _) => fields.product = product.to_string(),
        (None, Some(gtin)) => {
            fields.product.clear();
            let text = page.t1("complaint-gtin-unknown", "gtin", gtin.as_str());
            told.complaints.add::<()>("product", text);
        }
        (None, None) => {}
    }
    fields.lot = read
        .seal
        .lot
        .as_ref()
        .map(Lot::to_string)
        .unwrap_or_default();
    if fields.lot.is_empty() {
        told.complaints
            .add::<()>("lot", page.t("complaint-seal-without-lot"));
    }
    fields.printed = read
        .seal
        .expires
        .map(|day| day.to_string())
        .unwrap_or_default();
    let state = state_text(&read.state, page.texts);
    if read.state.may_be_given() {
        told.seal = Some(state);
    } else {
        told.stop = Some(state);
    }
    (fields, told)
}

async fn photo(
    State(app): State<App>,
    me: Me,
    page: Page,
    multipart: Multipart,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SetDay)?;
    let fields = begun(&app, &me, &permit).await?;
    let (fields, told) = match read_photo(&app, photo_in(multipart).await?).await? {
        Ok(read) => fill(&page, fields, read),
        Err(refusal) => {
            let mut complaints = Complaints::default();
            complaints.add::<()>("seal", page.t(picture_text(&refusal)));
            (fields, complaints.into())
        }
    };
    form(&app, &permit, page, fields, told).await
}

async fn set(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SetDay)?;
    // The day was changed: show the products of that day before anything else.
    if fields.act == "products" {
        return form(&app, &permit, page, fields, Told::default()).await;
    }
    if !fields.seal.trim().is_empty() {
        let read = read_text(&app, &fields.seal).await?;
        let (fields, told) = fill(&page, fields, read);
        return form(&app, &permit, page, fields, told).await;
    }
    let mut complaints = Complaints::default();
    let Some(setting) = checked(&app, &page, &fields, &mut complaints) else {
        return form(&app, &permit, page, fields, complaints.into()).await;
    };
    if let Some(state) = stopped(&app, &permit, &setting, &fields).await? {
        let stop = Some(state_text(&state, page.texts));
        let told = Told {
            stop,
            ..Told::default()
        };
        return form(&app, &permit, page, fields, told).await;
    }
    settings::set(&app.db, &permit, app.today(), &setting).await?;
    Ok(done("/venue/read", "settings"))
}

/// How the lot stands, if it must not be given: doses of today are stopped, those that are in arms
/// already are to be recorded.
async fn stopped(
    app: &App,
    permit: &VenuePermit,
    setting: &DaySetting,
    fields: &Fields,
) -> Result<Option<LotState>, Problem> {
    let is_given = setting.given_on < app.today() || fields.given_already.is_some();
    if is_given {
        return Ok(None);
    }
    let printed = Day::parse(&fields.printed);
    let goods = (setting.product.as_str(), setting.lot.as_str());
    let state = state_at(app, permit, goods, printed, setting.given_on).await?;
    Ok(Some(state).filter(|state| !state.may_be_given()))
}

fn checked(
    app: &App,
    page: &Page,
    fields: &Fields,
    complaints: &mut Complaints,
) -> Option<DaySetting> {
    let today = app.today();
    let given_on = complaints.day(page, "given_on", &fields.given_on, today);
    if given_on.is_some_and(|day| day != today) && fields.other_day.is_none() {
        complaints.add::<()>("other_day", page.t("settings-other-day-untold"));
    }
    let venue_name = complaints.text(
        page,
        "venue_name",
        &fields.venue_name,
        VENUE_NAME_LENGTH_MAX,
    );
    let doctor = complaints.doctor(page, &fields.doctor);
    let product = complaints.product(page, &fields.product, given_on, None);
    let lot = complaints.lot(page, &fields.lot);
    let setting = DaySetting {
        given_on: given_on?,
        venue_name: venue_name?,
        doctor: doctor?,
        product: product?,
        lot: lot?,
        set_at: app.now(),
    };
    complaints.is_empty().then_some(setting)
}

async fn form(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    fields: Fields,
    told: Told,
) -> Result<Response, Problem> {
    let Told {
        complaints,
        seal,
        stop,
    } = told;
    let page = page.titled("settings-title");
    let texts = page.texts;
    let today = app.today();
    let set_before = settings::day(&app.db, permit, permit.actor().user, today)
        .await?
        .is_some();
    let suggestion = match settings::last_before(&app.db, permit, today).await? {
        Some(last) if !set_before => {
            let day = day_text(last.set_at.day_in_japan(), texts);
            let text =
                |value: &str| page.t2("settings-before", ("day", day.as_str()), ("value", value));
            Some(Suggestion {
                venue_name_text: text(&last.venue_name),
                doctor_text: text(&last.doctor),
                venue_name: last.venue_name,
                doctor: last.doctor,
            })
        }
        _ => None,
    };
    let given_on = Day::parse(fields.given_on.trim()).unwrap_or(today);
    let mut products = product_choices(given_on, "", texts);
    for choice in &mut products {
        choice.chosen = choice.value == fields.product;
    }
    let status = if complaints.is_empty() && stop.is_none() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&SettingsPage {
        today,
        today_text: day_text(today, texts),
        is_other_day: given_on != today,
        products,
        set_before,
        suggestion,
        seal,
        stop,
        venue_name_max: VENUE_NAME_LENGTH_MAX,
        doctor_max: DOCTOR_NAME_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        page,
        fields,
        complaints,
    })?;
    Ok((status, shown).into_response())
}
