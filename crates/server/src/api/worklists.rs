//! A city's work lists over the API: counts, items with their owners, and who may have been meant.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::access::Action;
use domain::calendar::{Day, Instant};
use domain::doses::DoseId;
use domain::findings::Class;
use domain::misreads::Reason;
use serde::{Deserialize, Serialize};
use store::misreads::{Likely, suspects};
use store::worklists::{self, Item, List, Owner};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::doses::RecordBody;
use crate::api::fields::Fields;
use crate::api::records::look;
use crate::pages::proposals::how;
use crate::pages::worklists::ROWS;
use crate::state::App;
use crate::web::body::Params;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeFindings);
    Routes::new()
        .get("/api/v1/worklists", see, counts)
        .get("/api/v1/worklists/{list}", see, list)
        .get("/api/v1/worklists/sessions", see, sessions)
        .put("/api/v1/worklists/items/{item}/owner", see, take)
        .delete("/api/v1/worklists/items/{item}/owner", see, give_back)
        .get(
            "/api/v1/records/{dose}/candidates",
            Guard::May(Action::CorrectRecord),
            candidates,
        )
}

/// How much is on a list.
#[derive(Serialize, ToSchema)]
pub struct WorklistCountBody {
    /// `imports`, `pending`, `clashes`, `findings`, `sessions`, `misreads`, `proposals`.
    list: &'static str,
    /// How many items.
    count: i64,
    /// Whether there may be more: long lists are not counted to their end.
    or_more: bool,
    /// How many of them somebody has taken.
    owned: i64,
    /// Since when the oldest waits.
    #[schema(value_type = Option<String>)]
    oldest: Option<Instant>,
}

/// How much is on each work list of this city.
#[utoipa::path(get, path = "/api/v1/worklists", tag = "city", responses((status = 200, body = Vec<WorklistCountBody>)))]
pub(super) async fn counts(
    State(app): State<App>,
    me: Me,
) -> Result<Json<Vec<WorklistCountBody>>, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let counts = worklists::counts(&app.db, &permit, app.today()).await?;
    let bodies = counts.into_iter().map(|one| WorklistCountBody {
        list: one.list.as_str(),
        count: one.count,
        or_more: one.or_more,
        owned: one.owned,
        oldest: one.oldest,
    });
    Ok(Json(bodies.collect()))
}

/// Who has taken an item.
#[derive(Serialize, ToSchema)]
pub struct OwnerBody {
    /// The account.
    user: Uuid,
    /// Its name.
    name: String,
    /// Since when.
    #[schema(value_type = String)]
    since: Instant,
}

impl From<Owner> for OwnerBody {
    fn from(owner: Owner) -> Self {
        Self {
            user: owner.user.0,
            name: owner.name,
            since: owner.since,
        }
    }
}

/// A record on a list.
#[derive(Serialize, ToSchema)]
pub struct WorkBody {
    /// What to take it by.
    item: String,
    /// The record.
    record: RecordBody,
    /// The person's name, if registered and not protected.
    name: Option<String>,
    /// Who has taken it.
    owner: Option<OwnerBody>,
}

/// A part of a work list.
#[derive(Serialize, ToSchema)]
pub struct WorkList {
    /// The oldest first.
    items: Vec<WorkBody>,
    /// Pass it as `after` for the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Where to go on, and of which class.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WorkParams {
    /// The `next` of the answer before.
    after: Option<i64>,
    /// For `findings`: only those of this class (`future_date`, `before_start`, `order`, `interval`,
    /// `earlier_missing`, `twice`, `not_issued`, `misread`, `lot`, `not_allowed`, `person_gone`,
    /// `venue_closed`).
    class: Option<String>,
}

/// The records on a work list: `pending`, `clashes`, `findings`, `misreads`. The view is written to the access log.
#[utoipa::path(get, path = "/api/v1/worklists/{list}", params(("list" = String, Path), WorkParams), tag = "city", responses(
    (status = 200, body = WorkList), (status = 404, description = "No such list"),
))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Path(list): Path<String>,
    Params(params): Params<WorkParams>,
) -> Result<Json<WorkList>, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let of_records = [List::Pending, List::Clashes, List::Findings, List::Misreads];
    let list = of_records.into_iter().find(|one| one.as_str() == list);
    let list = list.ok_or_else(Problem::not_found)?;
    let mut fields = Fields::new();
    let class = fields.word("class", params.class.as_deref(), Class::parse);
    fields.done()?;
    look(&app, &permit, None, "work").await?;
    let after = params.after.unwrap_or_default();
    let page = match class.filter(|_| list == List::Findings) {
        Some(class) => worklists::page_of_class(&app.db, &permit, class, after, ROWS).await?,
        None => worklists::page(&app.db, &permit, list, after, ROWS).await?,
    };
    let items = page.items.into_iter().map(|work| WorkBody {
        item: Item::Dose(work.record.id).to_string(),
        record: work.record.into(),
        name: work.name,
        owner: work.owner.map(OwnerBody::from),
    });
    Ok(Json(WorkList {
        items: items.collect(),
        next: page.next,
    }))
}

/// A day of a venue on which something is open.
#[derive(Serialize, ToSchema)]
pub struct SessionWork {
    /// What to take it by.
    item: String,
    /// The venue.
    venue: Uuid,
    /// Its name.
    venue_name: String,
    /// The day of registration.
    #[schema(value_type = String)]
    day: Day,
    /// Doses of this city registered that day; none where forms were never entered.
    recorded: i64,
    /// Of them, those with something to look at.
    open: i64,
    /// Of them, confirmed ones.
    confirmed: i64,
    /// Who has taken it.
    owner: Option<OwnerBody>,
}

/// Days before today that a venue set up without registering anything, or whose records are open.
#[utoipa::path(get, path = "/api/v1/worklists/sessions", tag = "city", responses((status = 200, body = Vec<SessionWork>)))]
pub(super) async fn sessions(
    State(app): State<App>,
    me: Me,
) -> Result<Json<Vec<SessionWork>>, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let sessions = worklists::sessions(&app.db, &permit, app.today()).await?;
    let bodies = sessions.into_iter().map(|one| SessionWork {
        item: one.item().to_string(),
        venue: one.venue.0,
        venue_name: one.venue_name,
        day: one.day,
        recorded: one.recorded,
        open: one.open,
        confirmed: one.confirmed,
        owner: one.owner.map(OwnerBody::from),
    });
    Ok(Json(bodies.collect()))
}

/// Take an item of a work list for yourself.
#[utoipa::path(put, path = "/api/v1/worklists/items/{item}/owner", params(("item" = String, Path)), tag = "city", responses(
    (status = 204, description = "It is yours"), (status = 409, description = "Somebody else has it"),
))]
pub(super) async fn take(
    State(app): State<App>,
    me: Me,
    Path(item): Path<String>,
) -> Result<StatusCode, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let item = Item::parse(&item).ok_or_else(Problem::not_found)?;
    if worklists::take(&app.db, &permit, item, how(&app)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::conflict("work_taken"))
    }
}

/// Give an item back that you have taken; an administrator gives back anybody's.
#[utoipa::path(delete, path = "/api/v1/worklists/items/{item}/owner", params(("item" = String, Path)), tag = "city", responses(
    (status = 204, description = "Nobody has it now"), (status = 404, description = "It was not yours"),
))]
pub(super) async fn give_back(
    State(app): State<App>,
    me: Me,
    Path(item): Path<String>,
) -> Result<StatusCode, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let item = Item::parse(&item).ok_or_else(Problem::not_found)?;
    if worklists::give_back(&app.db, &permit, item, how(&app)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

/// Somebody who may have been meant.
#[derive(Serialize, ToSchema)]
pub struct CandidateBody {
    /// The 18 digits that would have stood on the paper: what a repair is proposed with.
    coupon: String,
    /// The person's number.
    number: String,
    /// The person's name, unless protected.
    name: Option<String>,
    /// What would have gone wrong: `digit_confused`, `digits_swapped`.
    slip: &'static str,
    /// The sum of the reasons' points.
    points: i32,
    /// Why: stable words, for and against.
    reasons: Vec<&'static str>,
}

impl From<Likely> for CandidateBody {
    fn from(likely: Likely) -> Self {
        Self {
            coupon: likely.line.as_str().to_owned(),
            number: likely.number.as_str().to_owned(),
            name: likely.name,
            slip: likely.slip.code(),
            points: likely.score.points,
            reasons: likely.score.reasons.into_iter().map(Reason::code).collect(),
        }
    }
}

/// Who may have been meant by a record, the likeliest first. Each is written to the access log.
#[utoipa::path(get, path = "/api/v1/records/{dose}/candidates", params(("dose" = Uuid, Path)), tag = "city", responses(
    (status = 200, body = Vec<CandidateBody>), (status = 404, description = "Not in this city's ledger"),
))]
pub(super) async fn candidates(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
) -> Result<Json<Vec<CandidateBody>>, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let record = store::doses::record(&app.db, &permit, DoseId(dose)).await?;
    let record = record.ok_or_else(Problem::not_found)?;
    let mut found = suspects(&app.db, &permit, vec![record]).await?;
    let suspect = found.pop().ok_or_else(Problem::internal)?;
    look(&app, &permit, suspect.record.number, "misread").await?;
    for likely in &suspect.candidates {
        look(&app, &permit, Some(likely.number), "misread").await?;
    }
    let bodies = suspect.candidates.into_iter().map(CandidateBody::from);
    Ok(Json(bodies.collect()))
}
