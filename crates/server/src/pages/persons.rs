//! One person (個人の接種記録): the register's data, and everything recorded under the person's coupons.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::access::Action;
use domain::coupons::CouponNumber;
use domain::people::ResidentStanding;
use serde::Deserialize;
use store::doses::person;
use store::residents::Resident;

use crate::pages::city::look;
use crate::pages::records::{Choice, Shown, day_text};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// What somebody may look at a person's record for; the first is taken where nobody says.
pub const PURPOSES: [&str; 5] = ["desk", "correction", "certificate", "inquiry", "other"];

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
struct InRegister {
    name: String,
    kana: String,
    resident_no: String,
    birth: String,
    sex: String,
    standing: String,
    gone: bool,
    protected: bool,
}

#[derive(Template)]
#[template(path = "city/person.html")]
struct PersonPage {
    page: Page,
    number: String,
    resident: Option<InRegister>,
    records: Vec<Shown>,
    purpose: String,
}

/// A protected person's page is opened by a second step, with a reason.
#[derive(Template)]
#[template(path = "city/protected.html")]
struct ProtectedPage {
    page: Page,
    number: String,
    purposes: Vec<Choice>,
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
    let protected = found
        .resident
        .as_ref()
        .is_some_and(|resident| resident.protected);
    if protected && (asked.open.is_none() || asked_purpose.is_none()) {
        return html(&ProtectedPage {
            number: number.as_str().to_owned(),
            purposes: purposes(texts),
            page: page.titled("person-protected-title"),
        });
    }
    let [usual, ..] = PURPOSES;
    let purpose = asked_purpose.unwrap_or(usual);
    look(&app, &permit, Some(number), "person", purpose).await?;
    html(&PersonPage {
        number: number.as_str().to_owned(),
        resident: found
            .resident
            .as_ref()
            .map(|resident| in_register(resident, texts)),
        records: found
            .records
            .iter()
            .map(|record| Shown::of(record, texts))
            .collect(),
        purpose: texts.t(&format!("purpose-{purpose}")),
        page: page.titled("person-title"),
    })
}

fn purposes(texts: Texts) -> Vec<Choice> {
    PURPOSES
        .into_iter()
        .map(|purpose| Choice {
            value: purpose.to_owned(),
            label: texts.t(&format!("purpose-{purpose}")),
            chosen: false,
        })
        .collect()
}

fn in_register(resident: &Resident, texts: Texts) -> InRegister {
    let standing = format!("resident-{}", resident.standing.as_str());
    InRegister {
        name: resident.name.clone(),
        kana: resident.kana.clone(),
        resident_no: resident.resident_no.clone(),
        birth: match texts.locale() {
            Locale::Ja => resident.birth.japanese(),
            Locale::En => resident.birth.iso(),
        },
        sex: texts.t(&format!("sex-{}", resident.sex.open_data())),
        standing: match resident.standing.gone_since() {
            Some(day) => texts.t_with(&standing, &[("day", day_text(day, texts))]),
            None => texts.t(&standing),
        },
        gone: resident.standing != ResidentStanding::Resident,
        protected: resident.protected,
    }
}
