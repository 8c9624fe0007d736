//! Inquiries about people who moved in (転入者の照会): asking the other cities about one person, with the
//! answer at once beside one's own records; what was asked, and who asked about the city's own people.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, NumberPurpose};
use domain::calendar::Day;
use domain::coupons::{CouponKind, CouponNumber};
use domain::doses::{Facts, Standing};
use domain::inquiries::{ToldDose, forecast};
use domain::people::{BirthDate, MyNumber, Sex};
use domain::schedules::{Next, Schedules};
use exchange::encoding::Encoding;
use serde::Deserialize;
use store::doses::person;
use store::inquiries::files::{self, InquiryFile};
use store::inquiries::{self, Answered, Inquiry, OfResident};
use store::seals::Seals;
use uuid::Uuid;

use crate::pages::city::look;
use crate::pages::records::{Choice, day_text, place_name, product_name, turn_name};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// What the lists are looked through for.
const PURPOSE: &str = "desk";
/// The list of inquiries in the access log.
const VIEW: &str = "inquiries";

/// The pages of inquiries.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::FindByNumber);
    Routes::new()
        .get("/city/inquiries", guard, show)
        .post("/city/inquiries/ask", guard, ask)
        .get("/city/inquiries/ask", guard, back)
        .get(
            "/city/inquiries/asked",
            Guard::May(Action::SeePerson),
            asked,
        )
}

/// What seals, or that no number can be used here.
///
/// # Errors
/// 409 if there are no keys.
pub fn seals(app: &App) -> Result<&Seals, Problem> {
    let none = || Problem::conflict("inquiry_no_keys");
    app.seals.as_ref().ok_or_else(none)
}

/// The purposes to choose from.
fn purposes(chosen: &str, texts: Texts) -> Vec<Choice> {
    NumberPurpose::ALL
        .into_iter()
        .map(|purpose| Choice {
            value: purpose.as_str().to_owned(),
            label: texts.t(&format!("purpose-{}", purpose.as_str())),
            chosen: purpose.as_str() == chosen,
        })
        .collect()
}

#[derive(Template)]
#[template(path = "city/inquiries.html")]
struct InquiriesPage {
    page: Page,
    /// Of the person to be asked about, from a link.
    number: String,
    purposes: Vec<Choice>,
    encodings: Vec<Choice>,
    inquiries: Vec<Row>,
    files: Vec<FileRow>,
    has_keys: bool,
    refused: Option<Problem>,
}

/// An inquiry in the list.
struct Row {
    at: String,
    by: String,
    purpose: String,
    way: String,
    number: Option<String>,
    answer: String,
}

impl Row {
    fn of(inquiry: Inquiry, texts: Texts) -> Self {
        Self {
            at: inquiry.at.japanese(),
            by: inquiry.by_name,
            purpose: texts.t(&format!("purpose-{}", inquiry.purpose.as_str())),
            way: texts.t(&format!("inquiry-way-{}", inquiry.way.as_str())),
            number: inquiry.number.map(|number| number.as_str().to_owned()),
            answer: texts.t_with("inquiry-doses", &[("count", inquiry.doses)]),
        }
    }
}

/// A file in the list.
struct FileRow {
    href: String,
    file_name: String,
    day: String,
    stage: String,
    questions: u64,
    found: u64,
}

impl FileRow {
    fn of(file: InquiryFile, texts: Texts) -> Self {
        Self {
            href: format!("/city/inquiries/files/{}", file.id),
            day: day_text(file.created_at.day_in_japan(), texts),
            stage: texts.t(&format!("inquiry-file-{}", file.state.as_str())),
            questions: file.questions,
            found: file.found,
            file_name: file.file_name,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Linked {
    number: String,
}

async fn back() -> Redirect {
    Redirect::to("/city/inquiries")
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(linked): Params<Linked>,
) -> Result<Response, Problem> {
    let number = CouponNumber::parse(&linked.number).ok();
    let number = number.map(|number| number.as_str().to_owned());
    form(&app, &me, page, number.unwrap_or_default(), "", None).await
}

/// The page with its forms; nothing of a number that was typed comes back in it.
///
/// # Errors
/// The database's.
pub async fn form(
    app: &App,
    me: &Me,
    page: Page,
    number: String,
    purpose: &str,
    refused: Option<Problem>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    look(app, &permit, None, VIEW, PURPOSE).await?;
    let listed = inquiries::list(&app.db, &permit).await?;
    let files = files::list(&app.db, &permit).await?;
    let texts = page.texts;
    let status = refused.as_ref().map_or(StatusCode::OK, Problem::status);
    let encodings = Encoding::ALL.into_iter().map(|one| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("encoding-{}", one.as_str())),
        chosen: one == Encoding::Utf8,
    });
    let shown = InquiriesPage {
        number,
        purposes: purposes(purpose, texts),
        encodings: encodings.collect(),
        inquiries: listed.into_iter().map(|one| Row::of(one, texts)).collect(),
        files: files
            .into_iter()
            .map(|file| FileRow::of(file, texts))
            .collect(),
        has_keys: app.seals.is_some(),
        refused,
        page: page.titled("inquiries-title"),
    };
    Ok((status, html(&shown)?).into_response())
}

/// Whom to ask about: a resident by coupon number, or a number that was shown with its birth date.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    purpose: String,
    number: String,
    my_number: String,
    birth: String,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked(..)")
    }
}

/// Whom a city asks about.
pub enum Whom {
    /// Its own resident.
    Resident(CouponNumber),
    /// Who showed this number and was born on that day.
    Shown(Box<MyNumber>, BirthDate),
}

/// Asks, and writes it down with all who are concerned.
///
/// # Errors
/// No such resident, no number kept of them, no keys, or the database's.
pub async fn put(
    app: &App,
    me: &Me,
    purpose: NumberPurpose,
    whom: &Whom,
) -> Result<Answered, Problem> {
    let permit = me.number(purpose)?;
    let seals = seals(app)?;
    let id = || app.fresh_id();
    match whom {
        Whom::Resident(number) => {
            let answered =
                inquiries::ask_of_resident(&app.db, seals, &permit, *number, app.now(), &id);
            match answered.await? {
                OfResident::Answered(answered) => Ok(*answered),
                OfResident::NotRegistered => Err(Problem::unprocessable("inquiry_not_registered")),
                OfResident::NoNumber => Err(Problem::unprocessable("inquiry_no_number")),
            }
        }
        Whom::Shown(number, birth) => {
            let shown = (&**number, *birth);
            let answered =
                inquiries::ask_by_number(&app.db, seals, &permit, shown, app.now(), &id).await?;
            Ok(answered)
        }
    }
}

fn whom(asked: &Asked) -> Result<Whom, Problem> {
    let number = asked.number.trim();
    if !number.is_empty() {
        let number = CouponNumber::parse(number);
        return number
            .map(Whom::Resident)
            .map_err(|_| Problem::unprocessable("inquiry_coupon_number"));
    }
    // The refusal says what is wrong and nothing of what was typed.
    let number = MyNumber::parse(&asked.my_number)
        .map_err(|_| Problem::unprocessable("inquiry_my_number"))?;
    let birth = asked.birth.trim();
    BirthDate::parse(birth)
        .or_else(|| BirthDate::parse_compact(birth))
        .map(|birth| Whom::Shown(Box::new(number), birth))
        .ok_or_else(|| Problem::unprocessable("inquiry_birth"))
}

async fn ask(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(asked): PageForm<Asked>,
) -> Result<Response, Problem> {
    let purpose = NumberPurpose::parse(&asked.purpose)
        .ok_or_else(|| Problem::unprocessable("inquiry_purpose"));
    let put = async {
        let (purpose, whom) = (purpose?, whom(&asked)?);
        Ok::<_, Problem>((put(&app, &me, purpose, &whom).await?, whom, purpose))
    };
    match put.await {
        Ok((answered, whom, purpose)) => answer(&app, &me, page, answered, &whom, purpose).await,
        Err(problem) if problem.status() == StatusCode::FORBIDDEN => Err(problem),
        Err(problem) => form(&app, &me, page, asked.number, &asked.purpose, Some(problem)).await,
    }
}

/// A dose as the answer shows it, of one's own city or another.
struct Dose {
    turn: String,
    kind: String,
    day: String,
    product: String,
    lot: String,
    /// The city; none of a protected person.
    city: Option<String>,
    venue: Option<String>,
    own: bool,
}

#[derive(Template)]
#[template(path = "city/inquiry.html")]
struct AnswerPage {
    page: Page,
    number: Option<String>,
    purpose: String,
    withheld: bool,
    told: usize,
    doses: Vec<Dose>,
    next: Vec<NextShown>,
}

/// What comes next in a series.
struct NextShown {
    status: String,
    programme: String,
    turn: Option<String>,
    earliest: String,
    recommended: String,
}

async fn answer(
    app: &App,
    me: &Me,
    page: Page,
    answered: Answered,
    whom: &Whom,
    purpose: NumberPurpose,
) -> Result<Response, Problem> {
    let texts = page.texts;
    let own = match answered.own {
        // That it is looked at stands in the access log with the inquiry.
        Some(number) => person(&app.db, &me.city(Action::SeePerson)?, number).await?,
        None => None,
    };
    let (resident, records) = own.map_or((None, Vec::new()), |own| (own.resident, own.records));
    let records: Vec<Facts> = records
        .iter()
        .filter(|record| record.standing == Standing::Counted)
        .map(|record| record.facts())
        .collect();
    let told = &answered.answer.doses;
    let birth = match (&resident, whom) {
        (Some(resident), _) => Some(resident.birth),
        (None, Whom::Shown(_, birth)) => Some(*birth),
        (None, Whom::Resident(_)) => None,
    };
    let sex = resident.as_ref().map_or(Sex::Unknown, |one| one.sex);
    let schedules = Schedules::covid19();
    let next = birth.map_or(Vec::new(), |birth| {
        forecast(schedules, birth, sex, &records, told, app.today())
    });
    let mut doses: Vec<(Day, Dose)> = records
        .iter()
        .map(|facts| (facts.given_on, own_dose(facts, texts)))
        .collect();
    doses.extend(
        told.iter()
            .map(|dose| (dose.given_on, told_dose(dose, texts))),
    );
    doses.sort_by_key(|(day, _)| *day);
    html(&AnswerPage {
        number: answered.own.map(|number| number.as_str().to_owned()),
        purpose: texts.t(&format!("purpose-{}", purpose.as_str())),
        withheld: answered.answer.is_withheld,
        told: told.len(),
        doses: doses.into_iter().map(|(_, dose)| dose).collect(),
        next: next.iter().map(|next| next_shown(next, texts)).collect(),
        page: page.titled("inquiry-title"),
    })
}

fn next_shown(next: &Next<'_>, texts: Texts) -> NextShown {
    let dose = next.dose.as_ref();
    let day = |day: Option<Day>| day.map_or_else(|| "—".to_owned(), |day| day_text(day, texts));
    let names = dose.and_then(|dose| Schedules::covid19().programme_names(dose.programme));
    let programme = names.map(|(ja, en)| match texts.locale() {
        Locale::Ja => ja,
        Locale::En => en,
    });
    NextShown {
        programme: programme.unwrap_or_default().to_owned(),
        status: texts.t(&format!("inquiry-next-{}", next.status.as_str())),
        turn: dose.map(|dose| texts.t_with("inquiry-next-turn", &[("turn", dose.turn)])),
        earliest: day(dose.map(|dose| dose.earliest)),
        recommended: day(dose.map(|dose| dose.recommended)),
    }
}

fn kind_words(kind: CouponKind, texts: Texts) -> String {
    texts.t(match kind {
        CouponKind::Dose => "inquiry-kind-dose",
        CouponKind::InterviewOnly => "inquiry-kind-interview",
        CouponKind::Local => "inquiry-kind-local",
        CouponKind::Unknown => "inquiry-kind-unknown",
    })
}

fn own_dose(facts: &Facts, texts: Texts) -> Dose {
    Dose {
        turn: turn_name(facts.turn, facts.kind(), texts),
        kind: kind_words(facts.kind(), texts),
        day: day_text(facts.given_on, texts),
        product: product_name(&facts.product, texts),
        lot: facts.lot.clone(),
        city: Some(texts.t("inquiry-own-city")),
        venue: Some(facts.venue_name.clone()),
        own: true,
    }
}

fn told_dose(dose: &ToldDose, texts: Texts) -> Dose {
    let place = dose.whereabouts.as_ref();
    Dose {
        turn: turn_name(dose.turn, dose.kind, texts),
        kind: kind_words(dose.kind, texts),
        day: day_text(dose.given_on, texts),
        product: product_name(&dose.product, texts),
        lot: dose.lot.clone(),
        city: place.map(|place| {
            let name = place_name(place.city);
            name.unwrap_or_else(|| place.city.as_str().to_owned())
        }),
        venue: place.map(|place| place.venue_name.clone()),
        own: false,
    }
}

#[derive(Template)]
#[template(path = "city/inquiries_asked.html")]
struct AskedPage {
    page: Page,
    rows: Vec<AskedRow>,
    older: Option<String>,
}

/// That another city asked about a person.
struct AskedRow {
    at: String,
    number: String,
    purpose: String,
    by_file: bool,
    doses: i64,
    /// The city and who there; none of a protected person.
    asking: Option<(String, String)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Older {
    before: Option<Uuid>,
}

async fn asked(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(older): Params<Older>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    look(&app, &permit, None, VIEW, PURPOSE).await?;
    let found = inquiries::asked_about(&app.db, &permit, older.before).await?;
    let texts = page.texts;
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= inquiries::LISTED_MAX);
    let last = found.last().filter(|_| is_full);
    let older = last.map(|last| format!("/city/inquiries/asked?before={}", last.id));
    let rows = found.into_iter().map(|one| AskedRow {
        at: one.at.japanese(),
        number: one.number.as_str().to_owned(),
        purpose: texts.t(&format!("purpose-{}", one.purpose.as_str())),
        by_file: one.by_file,
        doses: one.doses,
        asking: one.asking.map(|(city, name)| {
            let city_name = place_name(city).unwrap_or_else(|| city.as_str().to_owned());
            (city_name, name)
        }),
    });
    html(&AskedPage {
        rows: rows.collect(),
        older,
        page: page.titled("inquiries-asked-title"),
    })
}

#[cfg(test)]
#[path = "inquiries_tests.rs"]
mod tests;
