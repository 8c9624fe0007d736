//! The figures that formulas use, over the API: stated by hand, or drawn from Sesshu's own books.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::access::Action;
use domain::calendar::Instant;
use domain::cycles::{REASON_LENGTH_MAX, Source, Stated};
use serde::{Deserialize, Serialize};
use store::figures::{self, Figure, StatedFigure, Stating, Word};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::pages::allocation_desk;
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let allocate = Guard::May(Action::Allocate);
    Routes::new()
        .get("/api/v1/cycles/{id}/figures", allocate, list)
        .post("/api/v1/cycles/{id}/figures", allocate, state)
        .post("/api/v1/cycles/{id}/figures/drawn", allocate, draw)
}

/// Figures of places below.
#[derive(Deserialize, ToSchema)]
pub struct FiguresBody {
    items: Vec<FigureBody>,
    /// The `number` of the list that was looked at; without it, nothing that others stated is replaced.
    #[serde(default)]
    seen: i64,
}

/// A figure of a place.
#[derive(Deserialize, ToSchema)]
pub struct FigureBody {
    /// `JP`, `13`, `131016`, or a venue's id.
    place: String,
    /// The field of a plan's node, such as `population`, `stock_doses`, `cap`.
    figure: String,
    value: u64,
    /// From where, or why it differs from Sesshu's own.
    #[serde(default)]
    reason: String,
}

/// State figures of places below, which formulas use.
#[utoipa::path(post, path = "/api/v1/cycles/{id}/figures", request_body = FiguresBody, tag = "allocation", responses(
    (status = 204, description = "They stand"), (status = 409, description = "Others stated some of them since `seen`: `changed` tells what, who and when; nothing is changed"),
    (status = 422, description = "A place is not below, or there is no such figure"),
))]
pub(super) async fn state(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<FiguresBody>,
) -> Result<StatusCode, Problem> {
    let permit = me.permit(Action::Allocate, me.place())?;
    let cycle = allocation_desk::cycle(&app, id).await?;
    let mut fields = Fields::new();
    let mut stated = Vec::with_capacity(body.items.len());
    for one in body.items {
        let figure = fields.word("figure", Some(&one.figure), Stated::parse);
        let value = fields.units("value", one.value, domain::allocation::FIGURE_MAX);
        if let Some(figure) = figure {
            stated.push(StatedFigure {
                seat: one.place,
                figure,
                value,
                reason: fields.words_or_none("reason", &one.reason, REASON_LENGTH_MAX),
            });
        }
    }
    fields.done()?;
    let act = (app.fresh_id(), app.now());
    match figures::state_figures(&app.db, &permit, &cycle, &stated, body.seen, act).await? {
        Stating::Kept(_) => Ok(StatusCode::NO_CONTENT),
        Stating::NotBelow(strange) => {
            Err(Problem::unprocessable("place_not_below").member("places", strange))
        }
        Stating::Changed(words) => {
            let words: Vec<_> = words.into_iter().map(told_meanwhile).collect();
            Err(Problem::conflict("figure_changed_meanwhile").member("changed", words))
        }
    }
}

/// What somebody else stated since the list was looked at.
fn told_meanwhile(word: Word) -> serde_json::Value {
    serde_json::json!({
        "place": word.seat, "figure": word.figure.as_str(), "value": word.value, "reason": word.reason,
        "by": word.by, "at": word.at, "number": word.number,
    })
}

/// A figure of a place below, as stated and as drawn: what is stated holds.
#[derive(Serialize, ToSchema)]
pub struct KnownFigureBody {
    place: String,
    figure: &'static str,
    /// What formulas use.
    value: u64,
    /// The value stated by hand.
    stated: Option<u64>,
    /// From where, or why it differs from Sesshu's own.
    reason: Option<String>,
    /// When it was stated.
    #[schema(value_type = Option<String>)]
    stated_at: Option<Instant>,
    /// The value that Sesshu's books had.
    drawn: Option<u64>,
    /// Which books: `stock` or `records`.
    source: Option<&'static str>,
    /// As of when.
    #[schema(value_type = Option<String>)]
    drawn_at: Option<Instant>,
}

impl From<Figure> for KnownFigureBody {
    fn from(told: Figure) -> Self {
        let (stated, drawn) = (told.stated.as_ref(), told.drawn.as_ref());
        let value = stated.map(|one| one.value).or(drawn.map(|one| one.value));
        Self {
            figure: told.figure.as_str(),
            value: value.unwrap_or_default(),
            stated: stated.map(|one| one.value),
            stated_at: stated.map(|one| one.at),
            drawn: drawn.map(|one| one.value),
            source: drawn.and(told.figure.source()).map(Source::as_str),
            drawn_at: drawn.map(|one| one.at),
            reason: told.stated.map(|one| one.reason),
            place: told.seat,
        }
    }
}

/// Figures.
#[derive(Serialize, ToSchema)]
pub struct FigureList {
    /// The number of the last word about any figure of the product, to be sent as `seen`.
    number: i64,
    items: Vec<KnownFigureBody>,
}

/// The figures of places below, which formulas use, with where each comes from.
#[utoipa::path(get, path = "/api/v1/cycles/{id}/figures", tag = "allocation", responses(
    (status = 200, body = FigureList), (status = 404, description = "No such cycle"),
))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<FigureList>, Problem> {
    let permit = me.permit(Action::Allocate, me.place())?;
    let cycle = allocation_desk::cycle(&app, id).await?;
    // The number first: whatever is stated in between is seen, and asked about all the same.
    let number = figures::number(&app.db, &permit, &cycle).await?;
    let told = figures::figures(&app.db, &permit, &cycle).await?;
    Ok(Json(FigureList {
        number,
        items: told.into_iter().map(KnownFigureBody::from).collect(),
    }))
}

/// Draw the figures of places below from the books of the stock and the records, as of now. What is stated
/// by hand still goes before.
#[utoipa::path(post, path = "/api/v1/cycles/{id}/figures/drawn", tag = "allocation", responses(
    (status = 204, description = "They are drawn"), (status = 404, description = "No such cycle"),
))]
pub(super) async fn draw(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let permit = me.permit(Action::Allocate, me.place())?;
    let cycle = allocation_desk::cycle(&app, id).await?;
    figures::draw(&app.db, &permit, &cycle, (app.fresh_id(), app.now())).await?;
    Ok(StatusCode::NO_CONTENT)
}
