//! The days on which a venue vaccinates (開設日): its week, days beside it and days left out, from a day on.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Day;
use domain::opening_days::{OpeningDays, OpeningDaysRefusal, SINGLE_DAYS_MAX, Weekdays};
use serde::Deserialize;
use store::opening_days::{Told, list, tell};

use crate::pages::fields::Complaints;
use crate::pages::records::day_text;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The names of the fields and texts of a week, Monday first.
const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The page of this file.
pub fn routes() -> Routes {
    let path = "/venue/opening-days";
    Routes::new()
        .get(path, Guard::May(Action::SeeVenueDay), show)
        .post(path, Guard::May(Action::SetDay), set)
}

/// The fields of the form, as typed: of a week those days that are ticked.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    valid_from: String,
    mon: String,
    tue: String,
    wed: String,
    thu: String,
    fri: String,
    sat: String,
    sun: String,
    also: String,
    not: String,
}

impl Fields {
    fn of(told: &Told) -> Self {
        let mut ticked = told.days.weekdays.each().map(|works| {
            let word = if works { "1" } else { "" };
            word.to_owned()
        });
        let mut next = || ticked.next().unwrap_or_default();
        Self {
            valid_from: told.valid_from.to_string(),
            mon: next(),
            tue: next(),
            wed: next(),
            thu: next(),
            fri: next(),
            sat: next(),
            sun: next(),
            also: lines(&told.days.also),
            not: lines(&told.days.not),
        }
    }

    fn week(&self) -> [bool; 7] {
        let Self {
            mon,
            tue,
            wed,
            thu,
            fri,
            sat,
            sun,
            ..
        } = self;
        [mon, tue, wed, thu, fri, sat, sun].map(|ticked| !ticked.is_empty())
    }
}

fn lines(days: &BTreeSet<Day>) -> String {
    let days: Vec<String> = days.iter().map(Day::to_string).collect();
    days.join("\n")
}

/// A day of the week on the form.
struct WeekdayField {
    name: &'static str,
    label: String,
    ticked: bool,
}

/// What was told, in words.
struct Listed {
    from: String,
    week: String,
    also: String,
    not: String,
    is_in_force: bool,
}

impl Listed {
    fn of(told: &Told, in_force: Option<Day>, texts: Texts) -> Self {
        let week = WEEK.into_iter().zip(told.days.weekdays.each());
        let week: Vec<String> = week
            .filter(|(_, works)| *works)
            .map(|(name, _)| texts.t(&format!("weekday-{name}")))
            .collect();
        let days = |days: &BTreeSet<Day>| {
            let days: Vec<String> = days.iter().map(|day| day_text(*day, texts)).collect();
            days.join(" ")
        };
        Self {
            from: day_text(told.valid_from, texts),
            week: if week.is_empty() {
                texts.t("opening-no-weekday")
            } else {
                week.join(" ")
            },
            also: days(&told.days.also),
            not: days(&told.days.not),
            is_in_force: in_force == Some(told.valid_from),
        }
    }
}

#[derive(Template)]
#[template(path = "venue/opening_days.html")]
struct OpeningDaysPage {
    page: Page,
    valid_from: String,
    week: Vec<WeekdayField>,
    also: String,
    not: String,
    complaints: Complaints,
    may_set: bool,
    list: Vec<Listed>,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let told = list(&app.db, &permit).await?;
    let today = app.today();
    let fields = told.iter().find(|one| one.valid_from <= today);
    let fields = Fields {
        valid_from: today.to_string(),
        ..fields.map(Fields::of).unwrap_or_default()
    };
    form(&app, &me, &permit, page, (fields, Complaints::default())).await
}

async fn set(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SetDay)?;
    let mut complaints = Complaints::default();
    match checked(&page, &fields, &mut complaints) {
        Some(told) => {
            tell(&app.db, &permit, &told, (app.fresh_id(), app.now())).await?;
            Ok(done("/venue/opening-days", "opening-days-set"))
        }
        None => form(&app, &me, &permit, page, (fields, complaints)).await,
    }
}

fn checked(page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<Told> {
    let valid_from = match Day::parse(fields.valid_from.trim()) {
        Some(day) => Some(day),
        None => complaints.add("valid_from", page.t("complaint-day")),
    };
    let also = single_days(page, "also", &fields.also, complaints);
    let not = single_days(page, "not", &fields.not, complaints);
    let days = OpeningDays {
        weekdays: Weekdays::of(fields.week()),
        also: also?,
        not: not?,
    };
    match days.check() {
        Ok(()) => {}
        Err(OpeningDaysRefusal::TooMany) => {
            complaints.add::<()>(
                "not",
                page.t1("opening-days-too-many", "max", SINGLE_DAYS_MAX),
            );
        }
        Err(OpeningDaysRefusal::Both { day }) => {
            let day = day_text(day, page.texts);
            complaints.add::<()>("not", page.t1("opening-day-twice", "day", day));
        }
    }
    let valid_from = valid_from?;
    complaints.is_empty().then_some(Told { valid_from, days })
}

/// The days typed into a field, one on a line or with commas between.
fn single_days(
    page: &Page,
    field: &'static str,
    typed: &str,
    complaints: &mut Complaints,
) -> Option<BTreeSet<Day>> {
    let parts = typed.split(|one: char| one.is_whitespace() || one == ',' || one == '、');
    let mut days = BTreeSet::new();
    for part in parts.filter(|part| !part.is_empty()) {
        match Day::parse(&part.replace('/', "-")) {
            Some(day) => days.insert(day),
            None => {
                let part: String = part.chars().take(20).collect();
                return complaints.add(field, page.t1("opening-day-wrong", "typed", part));
            }
        };
    }
    Some(days)
}

async fn form(
    app: &App,
    me: &Me,
    permit: &VenuePermit,
    page: Page,
    (typed, complaints): (Fields, Complaints),
) -> Result<Response, Problem> {
    let page = page.titled("opening-title");
    let told = list(&app.db, permit).await?;
    let today = app.today();
    let in_force = told.iter().map(|one| one.valid_from);
    let in_force = in_force.filter(|from| *from <= today).max();
    let week = WEEK
        .into_iter()
        .zip(typed.week())
        .map(|(name, ticked)| WeekdayField {
            name,
            label: page.t(&format!("weekday-{name}")),
            ticked,
        });
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&OpeningDaysPage {
        valid_from: typed.valid_from,
        week: week.collect(),
        also: typed.also,
        not: typed.not,
        may_set: me.may(Action::SetDay),
        list: told
            .iter()
            .map(|one| Listed::of(one, in_force, page.texts))
            .collect(),
        complaints,
        page,
    })?;
    Ok((status, shown).into_response())
}
