//! A city's desk (対応状況): what waits, and the ways to it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Action, CityPermit};
use domain::coupons::CouponNumber;
use store::audit::View;
use store::doses::Desk;

use crate::pages::records::place_name;
use crate::state::App;
use crate::web::layout::{Page, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The desk.
pub fn routes() -> Routes {
    Routes::new().get("/city", Guard::May(Action::SeeLedger), show)
}

#[derive(Template)]
#[template(path = "city/desk.html")]
struct DeskPage {
    page: Page,
    city: String,
    code: String,
    desk: Desk,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let desk = store::doses::desk(&app.db, &permit).await?;
    let code = permit.city();
    html(&DeskPage {
        city: place_name(code).unwrap_or_else(|| me.organisation.name.clone()),
        code: code.as_str().to_owned(),
        desk,
        page: page.titled("desk-title"),
    })
}

/// Writes to the access log who looks at what and what for, before it is shown.
///
/// # Errors
/// The database's; then nothing may be shown.
pub async fn look(
    app: &App,
    permit: &CityPermit,
    number: Option<CouponNumber>,
    view: &str,
    purpose: &str,
) -> Result<(), Problem> {
    let view = View {
        id: app.fresh_id(),
        at: app.now(),
        number,
        view: view.to_owned(),
        purpose: purpose.to_owned(),
    };
    Ok(store::audit::looked(&app.db, permit, &view).await?)
}
