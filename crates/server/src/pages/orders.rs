//! A city's orders (発注): who delivers which product to its venues, what follows from what it allocated, and
//! what it orders beside that.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId};
use domain::deliveries::NUMBER_LENGTH_MAX;
use domain::stock::MOVEMENT_VIALS_MAX;
use serde::Deserialize;
use store::deliveries::{self, Charge, NewOrder, Ordered, Placed, PutInCharge};
use uuid::Uuid;

use crate::pages::contracts::no_contract_problem;
use crate::pages::deliveries::{last_day_of, number_in, product_in};
use crate::pages::fields::Complaints;
use crate::pages::lots::all_products;
use crate::pages::records::{Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let order = Guard::May(Action::OrderVials);
    Routes::new()
        .get("/city/orders", order, show)
        .post("/city/orders", order, place)
        .post("/city/orders/suppliers", order, put_in_charge)
}

/// The fields of the forms, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    order: String,
    product: String,
    vials: String,
    venue: Uuid,
    supplier: Uuid,
}

/// An order in words.
pub(super) struct OrderRow {
    /// As it is kept.
    pub(super) told: Ordered,
    /// The product's name.
    pub(super) product: String,
    /// The cycle it follows from, with its days of delivery; empty if the city ordered by itself.
    pub(super) cycle: String,
}

impl OrderRow {
    pub(super) fn of(told: Ordered, texts: Texts) -> Self {
        let cycle = told.cycle.map_or_else(String::new, |cycle| {
            let words = [
                ("number", cycle.number.to_string()),
                ("first", day_text(cycle.first_day, texts)),
                ("last", day_text(last_day_of(cycle.first_day), texts)),
            ];
            texts.t_with("orders-cycle", &words)
        });
        Self {
            product: product_name(&told.product, texts),
            cycle,
            told,
        }
    }
}

/// Who delivers a product, in words.
struct ChargeRow {
    key: String,
    product: String,
    supplier: String,
    waiting: i64,
    suppliers: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "city/orders.html")]
struct OrdersPage {
    page: Page,
    charges: Vec<ChargeRow>,
    orders: Vec<OrderRow>,
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    venues: Vec<Choice>,
    suppliers: Vec<Choice>,
    products: Vec<Choice>,
    vials_max: i64,
    number_max: usize,
}

/// What a page says beside its lists.
#[derive(Default)]
struct Said {
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    render(&app, &me, page, Said::default()).await
}

fn choice(id: OrganisationId, label: &str, chosen: Uuid) -> Choice {
    Choice {
        chosen: id.0 == chosen,
        value: id.to_string(),
        label: label.to_owned(),
    }
}

fn charge_row(one: Charge, suppliers: &[(OrganisationId, String)], texts: Texts) -> ChargeRow {
    let (chosen, name) = one
        .supplier
        .map_or((Uuid::nil(), String::new()), |(id, name)| (id.0, name));
    let choices = suppliers.iter().map(|(id, name)| choice(*id, name, chosen));
    ChargeRow {
        key: one.product.to_string(),
        product: product_name(one.product.as_str(), texts),
        supplier: name,
        waiting: one.waiting,
        suppliers: choices.collect(),
    }
}

async fn render(app: &App, me: &Me, page: Page, said: Said) -> Result<Response, Problem> {
    let page = page.titled("orders-title");
    let texts = page.texts;
    let permit = me.city(Action::OrderVials)?;
    let venues = store::accounts::organisations_under(&app.db, &me.actor).await?;
    let suppliers = deliveries::suppliers(&app.db).await?;
    let charges = deliveries::charges(&app.db, &permit, app.today()).await?;
    let orders = deliveries::orders_of_city(&app.db, &permit).await?;
    let is_refused = said.trouble.is_some() || !said.complaints.is_empty();
    let shown = html(&OrdersPage {
        charges: charges
            .into_iter()
            .map(|one| charge_row(one, &suppliers, texts))
            .collect(),
        orders: orders
            .into_iter()
            .map(|one| OrderRow::of(one, texts))
            .collect(),
        venues: venues
            .iter()
            .filter(|one| one.id != me.actor.organisation)
            .map(|venue| choice(venue.id, &venue.name, said.fields.venue))
            .collect(),
        suppliers: suppliers
            .iter()
            .map(|(id, name)| choice(*id, name, said.fields.supplier))
            .collect(),
        products: all_products(&said.fields.product, texts),
        vials_max: MOVEMENT_VIALS_MAX,
        number_max: NUMBER_LENGTH_MAX,
        trouble: said.trouble,
        complaints: said.complaints,
        fields: said.fields,
        page,
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}

async fn place(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::OrderVials)?;
    let mut complaints = Complaints::default();
    let number = number_in(&page, "order", &fields.order, &mut complaints);
    let product = product_in(&page, &fields.product, &mut complaints);
    let vials: Option<i64> = fields.vials.trim().parse().ok();
    let vials = vials.filter(|vials| (1..=MOVEMENT_VIALS_MAX).contains(vials));
    if vials.is_none() {
        complaints.add::<()>("vials", page.t("stock-complaint-vials"));
    }
    let (Some(number), Some(product), Some(vials)) = (number, product, vials) else {
        let said = Said {
            fields,
            complaints,
            ..Said::default()
        };
        return render(&app, &me, page, said).await;
    };
    let order = NewOrder {
        supplier: OrganisationId(fields.supplier),
        number,
        venue: OrganisationId(fields.venue),
        product,
        vials,
    };
    let act = (app.fresh_id(), app.now());
    let trouble = match deliveries::order(&app.db, &permit, &order, act).await? {
        Placed::Now | Placed::Before => return Ok(done("/city/orders", "ordered")),
        Placed::NumberTaken => page.t("orders-number-taken"),
        Placed::NotFound => page.t("stock-not-found"),
        Placed::Vials => page.t("stock-complaint-vials"),
        Placed::NoContract(reason) => return Err(no_contract_problem(reason)),
    };
    let said = Said {
        fields,
        trouble: Some(trouble),
        ..Said::default()
    };
    render(&app, &me, page, said).await
}

async fn put_in_charge(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::OrderVials)?;
    let mut said = Said::default();
    let product = product_in(&page, &fields.product, &mut said.complaints);
    let Some(product) = product else {
        return render(&app, &me, page, said).await;
    };
    let act = (app.fresh_id(), app.now());
    let who = (&product, OrganisationId(fields.supplier));
    match deliveries::put_in_charge(&app.db, &permit, who, act).await? {
        PutInCharge::Now(_) | PutInCharge::Before => Ok(done("/city/orders", "in-charge")),
        PutInCharge::NotFound => {
            said.trouble = Some(page.t("stock-not-found"));
            render(&app, &me, page, said).await
        }
    }
}
