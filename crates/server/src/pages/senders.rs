//! In whose name the city's papers are sent (差出人): the mayor, the desk that answers, where letters come
//! back to, from a day on.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, CityPermit};
use domain::addresses::PostalCode;
use domain::calendar::Day;
use paper::missing_characters;
use serde::Deserialize;
use store::senders::{self, Sender};

use crate::pages::coupon_batches::decided;
use crate::pages::fields::Complaints;
use crate::pages::records::day_text;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Characters of a mayor's office and name at most: both stand on one line of a proof.
const NAME_LENGTH_MAX: usize = 30;
/// Characters of a desk at most: it stands with its telephone in a corner of each paper.
const DESK_LENGTH_MAX: usize = 40;
/// Characters of a telephone number at most, with what belongs to it.
const PHONE_LENGTH_MAX: usize = 20;
/// Characters of the address that letters come back to at most: two lines beside the window.
const ADDRESS_LENGTH_MAX: usize = 60;

/// The pages of this file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::SetSender);
    Routes::new()
        .get("/city/sender", guard, show)
        .post("/city/sender", guard, set)
}

/// The fields of the form, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    valid_from: String,
    office: String,
    mayor: String,
    desk: String,
    phone: String,
    postal_code: String,
    address: String,
}

/// A sender in words.
struct Listed {
    from: String,
    mayor: String,
    desk: String,
    back: String,
    is_in_force: bool,
}

/// A field of the form with what is typed into it.
struct Field {
    name: &'static str,
    label: String,
    help: String,
    value: String,
    length_max: usize,
}

#[derive(Template)]
#[template(path = "city/sender.html")]
struct SenderPage {
    page: Page,
    valid_from: String,
    fields: Vec<Field>,
    complaints: Complaints,
    is_said: bool,
    list: Vec<Listed>,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::SetSender)?;
    let said = senders::on(&app.db, &permit, app.today()).await?;
    let today = app.today().to_string();
    let fields = match said {
        None => Fields {
            valid_from: today,
            ..Fields::default()
        },
        Some(said) => Fields {
            valid_from: today,
            office: said.office,
            mayor: said.mayor,
            desk: said.desk,
            phone: said.phone,
            postal_code: said.postal_code.hyphenated(),
            address: said.address,
        },
    };
    form(&app, &permit, page, (fields, Complaints::default())).await
}

async fn set(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SetSender)?;
    let mut complaints = Complaints::default();
    match checked(&page, &fields, &mut complaints) {
        Some(sender) => {
            senders::set(&app.db, &permit, &sender, decided(&app)).await?;
            Ok(done("/city/sender", "sender-set"))
        }
        None => form(&app, &permit, page, (fields, complaints)).await,
    }
}

fn checked(page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<Sender> {
    let valid_from = match Day::parse(fields.valid_from.trim()) {
        Some(day) => Some(day),
        None => complaints.add("valid_from", page.t("complaint-day")),
    };
    let mut text = |field, typed: &str, length_max| {
        let text = complaints.text(page, field, typed, length_max)?;
        // One character that cannot be printed would keep back every paper of the city.
        let missing = missing_characters(&text);
        if missing.is_empty() {
            Some(text)
        } else {
            let missing = missing.join(" ");
            complaints.add(field, page.t1("sender-unprintable", "characters", missing))
        }
    };
    let office = text("office", &fields.office, NAME_LENGTH_MAX);
    let mayor = text("mayor", &fields.mayor, NAME_LENGTH_MAX);
    let desk = text("desk", &fields.desk, DESK_LENGTH_MAX);
    let phone = text("phone", &fields.phone, PHONE_LENGTH_MAX);
    let address = text("address", &fields.address, ADDRESS_LENGTH_MAX);
    let postal_code = match PostalCode::parse(fields.postal_code.trim()) {
        Ok(code) => Some(code),
        Err(_) => complaints.add("postal_code", page.t("sender-postal-code-wrong")),
    };
    let sender = Sender {
        valid_from: valid_from?,
        office: office?,
        mayor: mayor?,
        desk: desk?,
        phone: phone?,
        postal_code: postal_code?,
        address: address?,
    };
    complaints.is_empty().then_some(sender)
}

async fn form(
    app: &App,
    permit: &CityPermit,
    page: Page,
    (typed, complaints): (Fields, Complaints),
) -> Result<Response, Problem> {
    let page = page.titled("sender-title");
    let said = senders::on(&app.db, permit, app.today()).await?;
    let in_force = said.as_ref().map(|one| one.valid_from);
    let list = senders::list(&app.db, permit).await?;
    let list = list.into_iter().map(|one| Listed {
        from: day_text(one.valid_from, page.texts),
        mayor: format!("{} {}", one.office, one.mayor),
        desk: format!("{} {}", one.desk, one.phone),
        back: format!("〒{} {}", one.postal_code.hyphenated(), one.address),
        is_in_force: in_force == Some(one.valid_from),
    });
    let field = |name, value, length_max| Field {
        name,
        label: page.t(&format!("field-{name}")),
        help: page.t(&format!("field-{name}.help")),
        value,
        length_max,
    };
    let fields = vec![
        field("office", typed.office, NAME_LENGTH_MAX),
        field("mayor", typed.mayor, NAME_LENGTH_MAX),
        field("desk", typed.desk, DESK_LENGTH_MAX),
        field("phone", typed.phone, PHONE_LENGTH_MAX),
        field("postal_code", typed.postal_code, 8),
        field("address", typed.address, ADDRESS_LENGTH_MAX),
    ];
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&SenderPage {
        valid_from: typed.valid_from,
        fields,
        is_said: said.is_some(),
        list: list.collect(),
        complaints,
        page,
    })?;
    Ok((status, shown).into_response())
}
