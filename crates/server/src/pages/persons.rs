//! One person (個人の接種記録) on one screen: when the next dose is due, what is recorded and where,
//! what was wrong, and which coupons there are.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::access::Action;
use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::doses::{Facts, Person as Judged, Standing, due_next};
use domain::findings::Severity;
use domain::people::{BirthDate, ResidentStanding};
use domain::schedules::{Next, NextDose, Schedules, Status};
use serde::Deserialize;
use store::doses::{Person, Record, person};
use store::people::coupons;
use store::residents::Resident;

use crate::pages::city::look;
use crate::pages::records::{Badge, Choice, Found, Shown, day_text, product_name};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// What somebody may look at a person's record for; the first is taken where nobody says.
pub const PURPOSES: [&str; 8] = [
    "desk",
    "phone",
    "counter",
    "correction",
    "certificate",
    "disclosure",
    "inquiry",
    "other",
];

/// The page of a person.
pub fn routes() -> Routes {
    Routes::new().get("/city/people/{number}", Guard::May(Action::SeePerson), show)
}

/// Why it is looked at, and whether the caution was read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    purpose: String,
    open: Option<String>,
}

/// The register's data in words.
pub struct InRegister {
    /// The name.
    pub name: String,
    /// Its kana; may be empty.
    pub kana: String,
    /// Names beside it and the address, each under its heading.
    pub others: Vec<(&'static str, String)>,
    resident_no: String,
    /// Birth date.
    pub birth: String,
    /// Sex.
    pub sex: String,
    /// Whether the person lives in the city.
    pub standing: String,
    gone: bool,
    protected: bool,
}

/// The next dose of a series in words.
struct Due {
    badge: Badge,
    series: String,
    /// Which dose, and of which programme.
    dose: Option<String>,
    products: String,
    /// From when, recommended when, late from when, possible until when: each with its name.
    days: Vec<(&'static str, String)>,
    /// What to say where there is no dose to come.
    why: Option<String>,
}

/// A coupon number and whether it is in force.
struct Coupon {
    number: String,
    badge: Badge,
}

/// Something found about one record.
struct Wrong {
    record: String,
    turn: String,
    given_on: String,
    found: Found,
}

#[derive(Template)]
#[template(path = "city/person.html")]
struct PersonPage {
    page: Page,
    number: String,
    resident: Option<InRegister>,
    due: Vec<Due>,
    /// Doses that count, and the last of them.
    counted: usize,
    last: Option<Shown>,
    wrong: Vec<Wrong>,
    coupons: Vec<Coupon>,
    records: Vec<Shown>,
    purpose: String,
    purposes: Vec<Choice>,
}

/// A protected person's page is opened by a second step, with a reason.
#[derive(Template)]
#[template(path = "city/protected.html")]
struct ProtectedPage {
    page: Page,
    /// The page that the second step leads to.
    action: String,
    purposes: Vec<Choice>,
}

/// The page that asks for the second step to something of a protected person.
///
/// # Errors
/// As [`html`].
pub fn protected(page: Page, action: &str) -> Result<Response, Problem> {
    html(&ProtectedPage {
        action: action.to_owned(),
        purposes: purposes("", page.texts),
        page: page.titled("person-protected-title"),
    })
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(number): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    let texts = page.texts;
    let asked_purpose = PURPOSES
        .into_iter()
        .find(|purpose| *purpose == asked.purpose);
    let found = person(&app.db, &permit, number)
        .await?
        .ok_or_else(Problem::not_found)?;
    let is_protected = found
        .resident
        .as_ref()
        .is_some_and(|resident| resident.protected);
    if is_protected && (asked.open.is_none() || asked_purpose.is_none()) {
        return protected(page, &format!("/city/people/{}", number.as_str()));
    }
    let [usual, ..] = PURPOSES;
    let purpose = asked_purpose.unwrap_or(usual);
    look(&app, &permit, Some(number), "person", purpose).await?;
    let numbers = coupons(&app.db, &permit, number).await?;
    let today = app.now().day_in_japan();
    html(&PersonPage {
        number: number.as_str().to_owned(),
        resident: found
            .resident
            .as_ref()
            .map(|resident| in_register(resident, texts)),
        due: next_doses(&found, today)
            .iter()
            .map(|next| due(next, texts))
            .collect(),
        counted: counted(&found).count(),
        last: counted(&found).last().map(|one| Shown::of(one, texts)),
        wrong: wrong(&found.records, texts),
        coupons: numbers
            .iter()
            .map(|one| coupon(one, found.resident.as_ref(), texts))
            .collect(),
        records: found
            .records
            .iter()
            .map(|record| Shown::of(record, texts))
            .collect(),
        purpose: texts.t(&format!("purpose-{purpose}")),
        purposes: purposes(purpose, texts),
        page: page.titled("person-title"),
    })
}

/// The records that count as doses, in the order of their days.
fn counted(found: &Person) -> impl Iterator<Item = &Record> {
    let counts = |record: &&Record| record.standing == Standing::Counted;
    found.records.iter().filter(counts)
}

/// What is due next for somebody who lives in the city; of others nobody here can say.
pub(crate) fn next_doses(found: &Person, today: Day) -> Vec<Next<'static>> {
    let here = |one: &&Resident| one.standing == ResidentStanding::Resident;
    let Some(resident) = found.resident.as_ref().filter(here) else {
        return Vec::new();
    };
    let person = Judged {
        birth: resident.birth,
        sex: resident.sex,
        standing: resident.standing,
    };
    let facts: Vec<Facts> = counted(found).map(Record::facts).collect();
    due_next(&person, facts.iter(), today)
}

fn due(next: &Next<'_>, texts: Texts) -> Due {
    let rules = Schedules::covid19();
    let named = |names: Option<(&str, &str)>| match (names, texts.locale()) {
        (Some((ja, _)), Locale::Ja) => ja.to_owned(),
        (Some((_, en)), Locale::En) => en.to_owned(),
        (None, _) => String::new(),
    };
    let status = next.status.as_str();
    let (tone, icon) = match next.status {
        Status::Due => ("good", "check"),
        Status::Later => ("wait", "wait"),
        Status::Overdue => ("warn", "warn"),
        Status::Complete => ("good", "lock"),
        Status::AgedOut | Status::Ended | Status::NotEligible | Status::Contraindicated => {
            ("info", "info")
        }
    };
    let dose = next.dose.as_ref();
    Due {
        badge: Badge {
            tone,
            icon,
            word: texts.t(&format!("due-{status}")),
        },
        series: named(rules.series_names(next.series)),
        dose: dose.map(|dose| {
            let programme = named(rules.programme_names(dose.programme));
            let turn = dose.turn.to_string();
            texts.t_with("due-dose", &[("programme", programme), ("turn", turn)])
        }),
        products: dose.map_or_else(String::new, |dose| products(dose, texts)),
        days: dose.map_or_else(Vec::new, |dose| days(dose, texts)),
        why: dose
            .is_none()
            .then(|| texts.t(&format!("due-{status}.why"))),
    }
}

fn products(dose: &NextDose<'_>, texts: Texts) -> String {
    let rules = Schedules::covid19();
    let names: Vec<String> = dose
        .products
        .iter()
        .map(|id| product_name(rules.product_key(*id), texts))
        .collect();
    names.join(&texts.t("list-comma"))
}

fn days(dose: &NextDose<'_>, texts: Texts) -> Vec<(&'static str, String)> {
    let days = [
        ("due-earliest", Some(dose.earliest)),
        ("due-recommended", Some(dose.recommended)),
        ("due-late", dose.overdue),
        ("due-latest", dose.latest),
    ];
    days.into_iter()
        .filter_map(|(name, day)| Some((name, day_text(day?, texts))))
        .collect()
}

/// What somebody has to look at, by record, worst first.
fn wrong(records: &[Record], texts: Texts) -> Vec<Wrong> {
    let mut all: Vec<(&Record, &domain::findings::Finding)> = records
        .iter()
        .filter(|record| record.standing != Standing::Void)
        .flat_map(|record| record.findings.iter().map(move |found| (record, found)))
        .filter(|(_, found)| found.code.severity() > Severity::Info)
        .collect();
    all.sort_by_key(|(_, found)| std::cmp::Reverse(found.code.severity()));
    all.into_iter()
        .map(|(record, found)| {
            let shown = Shown::of(record, texts);
            Wrong {
                record: shown.id,
                turn: shown.turn,
                given_on: shown.given_on,
                found: Found::of(found, texts),
            }
        })
        .collect()
}

fn coupon(number: &CouponNumber, resident: Option<&Resident>, texts: Texts) -> Coupon {
    let (tone, icon, word) = match resident {
        None => ("wait", "wait", "coupon-unknown"),
        Some(resident) if resident.number != *number => ("void", "void", "coupon-replaced"),
        Some(resident) if resident.standing != ResidentStanding::Resident => {
            ("warn", "warn", "coupon-of-gone")
        }
        Some(_) => ("good", "check", "coupon-in-force"),
    };
    Coupon {
        number: number.as_str().to_owned(),
        badge: Badge {
            tone,
            icon,
            word: texts.t(word),
        },
    }
}

/// The purposes that are asked for, one of them chosen; the first of all is of lists alone.
pub(crate) fn purposes(chosen: &str, texts: Texts) -> Vec<Choice> {
    let [_, asked @ ..] = PURPOSES;
    asked
        .into_iter()
        .map(|purpose| Choice {
            value: purpose.to_owned(),
            label: texts.t(&format!("purpose-{purpose}")),
            chosen: purpose == chosen,
        })
        .collect()
}

/// A birth date in the reader's language.
pub(crate) fn birth_text(birth: &BirthDate, texts: Texts) -> String {
    match texts.locale() {
        Locale::Ja => birth.japanese(),
        Locale::En => birth.iso(),
    }
}

/// Whether somebody lives in the city, in words.
pub(crate) fn standing_text(standing: ResidentStanding, texts: Texts) -> String {
    let word = format!("resident-{}", standing.as_str());
    match standing.gone_since() {
        Some(day) => texts.t_with(&word, &[("day", day_text(day, texts))]),
        None => texts.t(&word),
    }
}

/// Where somebody lives; nothing of a protected person, of whom the register keeps none.
fn address_text(resident: &Resident, texts: Texts) -> String {
    match &resident.address {
        _ if resident.protected => String::new(),
        None => texts.t("person-address-none"),
        Some(address) => {
            let code = address.postal_code.as_ref();
            let code = code.map_or_else(String::new, |code| format!("〒{} ", code.hyphenated()));
            format!("{code}{}", address.in_one_line())
        }
    }
}

/// A person of the register in a language.
#[must_use]
pub fn in_register(resident: &Resident, texts: Texts) -> InRegister {
    let names = &resident.other_names;
    let with_kana = |name: &str, kana: &str| match kana {
        "" => name.to_owned(),
        kana => format!("{name} ({kana})"),
    };
    let mut others = vec![
        (
            "person-former-name",
            with_kana(&names.former_name, &names.former_kana),
        ),
        ("person-alias", with_kana(&names.alias, &names.alias_kana)),
        ("person-romaji", names.romaji.clone()),
        ("person-address", address_text(resident, texts)),
    ];
    others.retain(|(_, name)| !name.is_empty());
    InRegister {
        name: resident.name.clone(),
        kana: resident.kana.clone(),
        others,
        resident_no: resident.resident_no.clone(),
        birth: birth_text(&resident.birth, texts),
        sex: texts.t(&format!("sex-{}", resident.sex.open_data())),
        standing: standing_text(resident.standing, texts),
        gone: resident.standing != ResidentStanding::Resident,
        protected: resident.protected,
    }
}
