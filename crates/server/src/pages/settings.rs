//! The day's settings (当日の設定): what every dose of the day has in common, set once a day by hand.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Day;
use domain::doses::{DOCTOR_NAME_LENGTH_MAX, VENUE_NAME_LENGTH_MAX};
use domain::vaccines::LOT_LENGTH_MAX;
use serde::Deserialize;
use store::settings::{self, DaySetting};

use crate::pages::fields::Complaints;
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
    let today = app.today();
    let fields = match settings::day(&app.db, &permit, me.actor.user, today).await? {
        Some(set) => Fields {
            given_on: set.given_on.to_string(),
            venue_name: set.venue_name,
            doctor: set.doctor,
            product: set.product,
            lot: set.lot,
            other_day: (set.given_on != today).then(|| "on".to_owned()),
            act: String::new(),
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
    };
    form(&app, &permit, page, fields, Complaints::default()).await
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
        return form(&app, &permit, page, fields, Complaints::default()).await;
    }
    let mut complaints = Complaints::default();
    match checked(&app, &page, &fields, &mut complaints) {
        Some(setting) => {
            settings::set(&app.db, &permit, app.today(), &setting).await?;
            Ok(done("/venue/read", "settings"))
        }
        None => form(&app, &permit, page, fields, complaints).await,
    }
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
    complaints: Complaints,
) -> Result<Response, Problem> {
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
    let status = if complaints.is_empty() {
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
        venue_name_max: VENUE_NAME_LENGTH_MAX,
        doctor_max: DOCTOR_NAME_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        page,
        fields,
        complaints,
    })?;
    Ok((status, shown).into_response())
}
