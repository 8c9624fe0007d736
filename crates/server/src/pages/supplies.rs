//! What makers can ship (ワクチン供給量): told by the maker, or by the nation for it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::Day;
use domain::cycles::{REASON_LENGTH_MAX, UNITS_MAX};
use domain::vaccines::{LOT_LENGTH_MAX, Lot};
use serde::Deserialize;
use store::supplies::{self, Kept, Supply, Told};

use crate::pages::allocations::{known_product, product_choices};
use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The page of supplies.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepSupply);
    Routes::new()
        .get("/supplies", keep, show)
        .post("/supplies", keep, tell)
}

/// The fields, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    product: String,
    lot: String,
    available_on: String,
    units: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "allocations/supplies.html")]
struct SuppliesPage {
    page: Page,
    rows: Vec<Row>,
    products: Vec<Choice>,
    fields: Fields,
    complaints: Complaints,
    lot_max: usize,
    reason_max: usize,
}

/// A supply, in words.
struct Row {
    product: String,
    lot: String,
    day: String,
    units: u64,
    reason: String,
}

impl Row {
    fn of(told: &Told, texts: Texts) -> Self {
        let supply = &told.supply;
        Self {
            product: product_name(supply.product.as_str(), texts),
            lot: supply.lot.to_string(),
            day: day_text(supply.available_on, texts),
            units: supply.units,
            reason: supply.reason.clone(),
        }
    }
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    render(&app, &me, page, Fields::default(), Complaints::default()).await
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    fields: Fields,
    complaints: Complaints,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepSupply, me.place())?;
    let page = page.titled("supplies-title");
    let texts = page.texts;
    let told = supplies::supplies(&app.db, &permit).await?;
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&SuppliesPage {
        rows: told.iter().map(|told| Row::of(told, texts)).collect(),
        products: product_choices(&fields.product, texts),
        lot_max: LOT_LENGTH_MAX,
        reason_max: REASON_LENGTH_MAX,
        page,
        fields,
        complaints,
    })?;
    Ok((status, shown).into_response())
}

fn supply_in(page: &Page, complaints: &mut Complaints, fields: &Fields) -> Option<Supply> {
    let product = known_product(page, complaints, &fields.product);
    let lot = complaints.lot(page, &fields.lot);
    let day = Day::parse(fields.available_on.trim());
    if day.is_none() {
        complaints.add::<()>("available_on", page.t("complaint-day"));
    }
    let units = fields.units.trim().parse::<u64>().ok();
    let units = units.filter(|units| *units <= UNITS_MAX);
    if units.is_none() {
        let max = UNITS_MAX.to_string();
        complaints.add::<()>("units", page.t1("complaint-units", "max", max));
    }
    Some(Supply {
        product: product?,
        // What `complaints` let through is a lot.
        lot: Lot::parse(&lot?).ok()?,
        available_on: day?,
        units: units?,
        reason: fields
            .reason
            .trim()
            .chars()
            .take(REASON_LENGTH_MAX)
            .collect(),
    })
}

async fn tell(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepSupply, me.place())?;
    let mut complaints = Complaints::default();
    let Some(supply) = supply_in(&page, &mut complaints, &fields) else {
        return render(&app, &me, page, fields, complaints).await;
    };
    let act = (app.fresh_id(), app.now());
    match supplies::tell(&app.db, &permit, &supply, None, act).await? {
        Kept::OfAnother => {
            complaints.add::<()>("lot", page.t("complaint-lot-of-another"));
            render(&app, &me, page, fields, complaints).await
        }
        _ => Ok(done("/supplies", "supply")),
    }
}
