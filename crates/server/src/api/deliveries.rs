//! Orders and deliveries over the API: what a supplier has to deliver, what it handed over, and what is
//! asked about that.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, Permit};
use domain::calendar::{Day, Instant};
use domain::deliveries::{DELIVERY_VIALS_MAX, Delivery, PaperNumber, Temperature};
use domain::stock::NOTE_LENGTH_MAX;
use domain::venues::FacilityCode;
use serde::{Deserialize, Serialize};
use store::deliveries::{self, Ordered, Registered};
use store::stock::Done;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::api::stock::{ArrivalBody, ArrivalList, BookedBody, VialsBody, answered};
use crate::pages::deliveries::last_day_of;
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let register = Guard::May(Action::RegisterDelivery);
    Routes::new()
        .get("/api/v1/orders", register, orders)
        .get("/api/v1/deliveries", register, open)
        .post("/api/v1/deliveries", register, enter)
        .post(
            "/api/v1/deliveries/{delivery}/corrections",
            register,
            put_right,
        )
        .get("/api/v1/deliveries/questions", register, questions)
        .post(
            "/api/v1/deliveries/questions/{question}/answers",
            register,
            answer,
        )
}

fn supplier(me: &Me) -> Result<Permit, Problem> {
    me.permit(Action::RegisterDelivery, me.place())
}

/// An order that is not delivered in full.
#[derive(Serialize, ToSchema)]
pub struct OrderBody {
    /// Its number.
    number: String,
    /// The venue's ten digits.
    facility: String,
    /// The venue's name.
    venue: String,
    /// The product's key.
    product: String,
    /// Vials ordered.
    vials: i64,
    /// Vials delivered of it.
    delivered: i64,
    /// The cycle's number, if it follows from an allocation.
    cycle: Option<i64>,
    /// The cycle's first day of delivery.
    #[schema(value_type = Option<String>)]
    first_day: Option<Day>,
    /// Its last.
    #[schema(value_type = Option<String>)]
    last_day: Option<Day>,
}

impl From<Ordered> for OrderBody {
    fn from(one: Ordered) -> Self {
        let first_day = one.cycle.map(|cycle| cycle.first_day);
        Self {
            cycle: one.cycle.map(|cycle| cycle.number),
            last_day: first_day.map(last_day_of),
            first_day,
            number: one.number,
            facility: one.facility,
            venue: one.venue,
            product: one.product,
            vials: one.vials,
            delivered: one.delivered,
        }
    }
}

/// Orders.
#[derive(Serialize, ToSchema)]
pub struct OrderList {
    /// The oldest first.
    items: Vec<OrderBody>,
}

/// What the supplier still has to deliver: what cities allocated to their venues, and what they ordered
/// beside that.
#[utoipa::path(get, path = "/api/v1/orders", tag = "deliveries", responses((status = 200, body = OrderList)))]
pub(super) async fn orders(State(app): State<App>, me: Me) -> Result<Json<OrderList>, Problem> {
    let orders = deliveries::open_orders(&app.db, &supplier(&me)?).await?;
    Ok(Json(OrderList {
        items: orders.into_iter().map(OrderBody::from).collect(),
    }))
}

/// Deliveries that venues have not confirmed yet, or say something else of.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", responses((status = 200, body = ArrivalList)))]
pub(super) async fn open(State(app): State<App>, me: Me) -> Result<Json<ArrivalList>, Problem> {
    let open = deliveries::open_at_supplier(&app.db, &supplier(&me)?).await?;
    Ok(Json(ArrivalList {
        items: open.into_iter().map(ArrivalBody::from).collect(),
    }))
}

/// A lot of a slip that was handed over.
#[derive(Deserialize, ToSchema)]
pub struct NewDeliveryBody {
    /// The slip's number: with product and lot it names the delivery, so sending it again is safe.
    slip: String,
    /// The venue's ten digits.
    facility: String,
    /// The order's number, if there is one.
    order: Option<String>,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// The last day as printed.
    expires: String,
    /// How many, 1 or more.
    vials: i64,
    /// When it was handed over.
    delivered_on: String,
    /// `kept`, `broken` or `not_logged` (also if it is left out).
    temperature: Option<String>,
    /// What is to be said of it.
    #[serde(default)]
    note: String,
}

/// What became of a delivery that was told.
#[derive(Serialize, ToSchema)]
pub struct RegisteredDeliveryBody {
    /// Whether it is in the books.
    booked: bool,
    /// Whether the same had been told before.
    replayed: bool,
    /// What is asked about it, by word: see docs/stock.md.
    questions: Vec<&'static str>,
}

fn delivery_of(body: &NewDeliveryBody, today: Day) -> Result<Delivery, Problem> {
    let mut fields = Fields::new();
    let number = |text: &str| PaperNumber::parse(text).ok();
    let slip = fields.needed_word("slip", Some(&body.slip), number);
    let order = fields.word("order", body.order.as_deref(), number);
    let facility = fields.needed_word("facility", Some(&body.facility), |text| {
        FacilityCode::parse(text).ok()
    });
    let product = fields.known_product(&body.product);
    let lot = fields.printed_lot(&body.lot);
    let expires = fields.day("expires", &body.expires);
    let most = i64::from(DELIVERY_VIALS_MAX);
    let vials = fields.vials("vials", body.vials, (1, most));
    let delivered_on = fields.day_until("delivered_on", &body.delivered_on, today);
    let temperature = fields.word(
        "temperature",
        body.temperature.as_deref(),
        Temperature::parse,
    );
    let note = fields.words_or_none("note", &body.note, NOTE_LENGTH_MAX);
    fields.done()?;
    let delivery = || {
        Some(Delivery {
            slip: slip?,
            facility: facility?,
            order,
            product: product?,
            lot: lot?,
            expires: expires?,
            vials,
            delivered_on: delivered_on?,
            temperature: temperature.unwrap_or(Temperature::NotLogged),
            note,
        })
    };
    // `done` has told of every field that is missing here.
    delivery().ok_or_else(Problem::internal)
}

/// Tell of a lot that was handed over. What does not fit is asked; nothing is lost.
#[utoipa::path(post, path = "/api/v1/deliveries", request_body = NewDeliveryBody, tag = "deliveries", responses(
    (status = 201, description = "It is in the books", body = RegisteredDeliveryBody),
    (status = 200, description = "The same was told before", body = RegisteredDeliveryBody),
    (status = 202, description = "It is kept as a question and not booked", body = RegisteredDeliveryBody),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn enter(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewDeliveryBody>,
) -> Result<Response, Problem> {
    let permit = supplier(&me)?;
    let delivery = delivery_of(&body, app.today())?;
    let registered = deliveries::register(&app.db, &permit, &delivery, app.now()).await?;
    let (status, booked, replayed, asked) = match registered {
        Registered::Booked(asked) => (StatusCode::CREATED, true, false, asked),
        Registered::Before => (StatusCode::OK, true, true, Vec::new()),
        Registered::Held(question) => (StatusCode::ACCEPTED, false, false, vec![question]),
    };
    let body = RegisteredDeliveryBody {
        booked,
        replayed,
        questions: asked.into_iter().map(|one| one.as_str()).collect(),
    };
    Ok((status, Json(body)).into_response())
}

/// Put right how many vials were handed over, after the venue has said how many it has.
#[utoipa::path(post, path = "/api/v1/deliveries/{delivery}/corrections", request_body = VialsBody, tag = "deliveries", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was said before", body = BookedBody),
    (status = 404, description = "No such delivery of this supplier"), (status = 409, description = "Both sides agree already"),
))]
pub(super) async fn put_right(
    State(app): State<App>,
    me: Me,
    Path(delivery): Path<Uuid>,
    ApiJson(body): ApiJson<VialsBody>,
) -> Result<Response, Problem> {
    let permit = supplier(&me)?;
    let (vials, note, act) = body.read(app.now())?;
    let what = (delivery, vials);
    answered(
        act.id,
        &deliveries::put_right(&app.db, &permit, what, &note, act).await?,
    )
}

/// A question about a delivery.
#[derive(Serialize, ToSchema)]
pub struct DeliveryQuestionBody {
    /// Its id.
    id: Uuid,
    /// Which: see docs/stock.md.
    question: &'static str,
    /// The line as it was handed in, or the delivery it is about.
    about: String,
    /// Since when.
    #[schema(value_type = String)]
    at: Instant,
}

/// Questions.
#[derive(Serialize, ToSchema)]
pub struct DeliveryQuestionList {
    /// The oldest first.
    items: Vec<DeliveryQuestionBody>,
}

/// What is asked about the supplier's deliveries and has no answer yet.
#[utoipa::path(get, path = "/api/v1/deliveries/questions", tag = "deliveries", responses((status = 200, body = DeliveryQuestionList)))]
pub(super) async fn questions(
    State(app): State<App>,
    me: Me,
) -> Result<Json<DeliveryQuestionList>, Problem> {
    let asked = deliveries::open_questions(&app.db, &supplier(&me)?).await?;
    let body = |one: deliveries::OpenQuestion| DeliveryQuestionBody {
        id: one.id,
        question: one.question.as_str(),
        about: one.about,
        at: one.at,
    };
    Ok(Json(DeliveryQuestionList {
        items: asked.into_iter().map(body).collect(),
    }))
}

/// What was found out.
#[derive(Deserialize, ToSchema)]
pub struct NewDeliveryAnswerBody {
    /// In words.
    answer: String,
}

/// Answer a question about a delivery.
#[utoipa::path(post, path = "/api/v1/deliveries/questions/{question}/answers", request_body = NewDeliveryAnswerBody, tag = "deliveries", responses(
    (status = 204, description = "It is answered"), (status = 404, description = "No such open question"),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn answer(
    State(app): State<App>,
    me: Me,
    Path(question): Path<Uuid>,
    ApiJson(body): ApiJson<NewDeliveryAnswerBody>,
) -> Result<StatusCode, Problem> {
    let permit = supplier(&me)?;
    let mut fields = Fields::new();
    let words = fields.words("answer", &body.answer, NOTE_LENGTH_MAX);
    fields.done()?;
    let act = (app.fresh_id(), app.now());
    match deliveries::answer(&app.db, &permit, question, &words, act).await? {
        Done::NotFound => Err(Problem::not_found()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
