//! The organisations that one lets in: the nation its prefectures and the companies, a prefecture
//! its cities, a city its venues.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Action, OrganisationKind, Place};
use domain::places::{Places, Prefecture};
use domain::venues::FacilityCode;
use serde::Deserialize;
use store::accounts::{self, Organisation};

use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::newcomers::{self, Told};
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

const MANAGE: Guard = Guard::May(Action::ManageAccounts);

/// The list, and letting one in.
pub fn routes() -> Routes {
    Routes::new()
        .get("/organisations", MANAGE, show)
        .post("/organisations", MANAGE, found)
}

#[derive(Template)]
#[template(path = "organisations.html")]
struct Organisations {
    page: Page,
    organisations: Vec<Listed>,
    offers: Offers,
    refused: Option<Problem>,
    name: String,
    facility_code: String,
}

/// An organisation in the list.
struct Listed {
    organisation: Organisation,
    kind: String,
    /// The facility code is there and its last digit does not fit.
    is_code_doubtful: bool,
}

/// What the reader may let in; places that are in already are not offered.
#[derive(Default)]
struct Offers {
    prefectures: Vec<(String, String)>,
    cities: Vec<(String, String)>,
    companies: Vec<(&'static str, String)>,
    venues: bool,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    list(&app, &me, page, None).await
}

async fn list(
    app: &App,
    me: &Me,
    page: Page,
    refused: Option<(Problem, Fields)>,
) -> Result<Response, Problem> {
    let page = page.titled("organisations-title");
    let found = accounts::organisations_under(&app.db, &me.actor).await?;
    let offers = offers(app, me, &page, &found);
    let organisations = found
        .into_iter()
        .map(|organisation| Listed {
            kind: page.t(&format!("kind-{}", organisation.kind.as_str())),
            is_code_doubtful: organisation
                .facility_code
                .as_ref()
                .is_some_and(|code| !code.check_digit_holds()),
            organisation,
        })
        .collect();
    let (refused, name, facility_code) = match refused {
        Some((problem, fields)) => (Some(problem), fields.name, fields.facility_code),
        None => (None, String::new(), String::new()),
    };
    html(&Organisations {
        page,
        organisations,
        offers,
        refused,
        name,
        facility_code,
    })
}

fn offers(app: &App, me: &Me, page: &Page, found: &[Organisation]) -> Offers {
    let is_new = |place: Place| !found.iter().any(|there| there.territory.place() == place);
    match me.place() {
        Place::Nation => Offers {
            prefectures: Prefecture::all()
                .filter(|prefecture| is_new(Place::Prefecture(*prefecture)))
                .map(|prefecture| {
                    let name = Places::bundled().prefecture_name(prefecture);
                    (prefecture.to_string(), name.to_owned())
                })
                .collect(),
            companies: [
                OrganisationKind::Wholesaler,
                OrganisationKind::Maker,
                OrganisationKind::Federation,
                OrganisationKind::Association,
            ]
            .map(|kind| (kind.as_str(), page.t(&format!("kind-{}", kind.as_str()))))
            .into(),
            ..Offers::default()
        },
        Place::Prefecture(prefecture) => Offers {
            cities: Places::bundled()
                .municipalities(app.today())
                .filter(|city| city.prefecture == prefecture && is_new(Place::City(city.code)))
                .map(|city| (city.code.to_string(), city.name.clone()))
                .collect(),
            ..Offers::default()
        },
        Place::City(_) => Offers {
            venues: true,
            ..Offers::default()
        },
        Place::Venue { .. } | Place::Company(_) => Offers::default(),
    }
}

#[derive(Deserialize)]
struct Fields {
    kind: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    facility_code: String,
}

async fn found(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let told = Told {
        kind: &fields.kind,
        code: &fields.code,
        name: &fields.name,
        facility_code: &fields.facility_code,
    };
    let problem = match newcomers::organisation(&app, &me, app.fresh_id(), &told) {
        Err(problem) => problem,
        Ok((permit, new)) => {
            let made =
                accounts::found_organisation(&app.db, &permit, &new, app.fresh_id(), app.now());
            match made.await {
                // A venue's id is new: what is there already is its code.
                Err(store::Error::Exists) if new.kind == OrganisationKind::Venue => {
                    Problem::conflict("facility_code_taken")
                }
                Err(store::Error::Exists) => Problem::conflict("organisation_there"),
                Err(error) => return Err(error.into()),
                Ok(made) => return Ok(founded(&made)),
            }
        }
    };
    let status = problem.status();
    let mut response = list(&app, &me, page, Some((problem, fields))).await?;
    *response.status_mut() = status;
    Ok(response)
}

/// On to its people, since the first thing it needs is an administrator.
fn founded(organisation: &Organisation) -> Response {
    let fits = organisation
        .facility_code
        .as_ref()
        .is_none_or(FacilityCode::check_digit_holds);
    let notice = if fits {
        "organisation-founded"
    } else {
        "organisation-founded-check-code"
    };
    done(&format!("/accounts/{}", organisation.id.0), notice)
}
