//! Issuing coupons over the API: cohorts, their files, single coupons again, numbers made void.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::access::{Action, CityPermit};
use domain::coupons::CouponNumber;
use domain::issues::{Cohort, Form, Order, ReissueReason, VoidReason};
use serde::{Deserialize, Serialize};
use store::coupons::{self, Batch, Counts, Wanted};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::pages::city::look;
use crate::pages::coupon_batches::{cohort_problem, decided, print_file};
use crate::pages::coupons::{PrintForm, issue_problem, print_paper};
use crate::pages::persons::PURPOSES;
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::IssueCoupons);
    Routes::new()
        .get("/api/v1/coupon-batches", guard, list)
        .post("/api/v1/coupon-batches", guard, begin)
        .get("/api/v1/coupon-batches/{batch}", guard, one)
        .post("/api/v1/coupon-batches/{batch}/approve", guard, approve)
        .post("/api/v1/coupon-batches/{batch}/discard", guard, discard)
        .get("/api/v1/coupon-batches/{batch}/files/{file}", guard, file)
        .get("/api/v1/persons/{number}/coupons", guard, of_person)
        .post("/api/v1/persons/{number}/coupons/reissue", guard, reissue)
        .post("/api/v1/persons/{number}/coupons/void", guard, void)
        .post("/api/v1/persons/{number}/coupons/print", guard, print)
}

/// A cohort to issue coupons to.
#[derive(Deserialize, ToSchema)]
pub struct CohortBody {
    /// Made by you (UUID version 7).
    id: Uuid,
    /// 基準日, `YYYY-MM-DD`: ages, intervals and what is due are taken on it.
    base_date: String,
    /// The youngest, in years.
    age_from: Option<u8>,
    /// The oldest.
    age_to: Option<u8>,
    /// The key of the programme that must be due; any if left out.
    programme: Option<String>,
    /// Days since the last dose, at least.
    elapsed_days_min: Option<u16>,
    /// For how many doses, 1 to 3.
    turns: u8,
    /// `questionnaire`, `seals` or `interview`.
    form: String,
    /// `resident_number`, `birth` or `address`.
    order: String,
}

/// Who gets coupons and who does not.
#[derive(Serialize, ToSchema)]
pub struct CouponCountsBody {
    /// People looked at.
    looked: u64,
    /// People who get coupons.
    people: u64,
    /// Coupons for them.
    coupons: u64,
    /// Protected people among them; theirs are printed singly.
    protected: u64,
    /// Others among them of whom the register has no address.
    unaddressed: u64,
    /// Died, moved out or removed.
    gone: u64,
    /// Not of these ages.
    age: u64,
    /// Not due by the base date.
    not_due: u64,
    /// The last dose is too recent.
    too_soon: u64,
    /// The number in force is void.
    number_void: u64,
    /// Issued already.
    issued: u64,
}

impl From<Counts> for CouponCountsBody {
    fn from(counts: Counts) -> Self {
        Self {
            looked: counts.looked,
            people: counts.people,
            coupons: counts.coupons,
            protected: counts.protected,
            unaddressed: counts.unaddressed,
            gone: counts.gone,
            age: counts.age,
            not_due: counts.not_due,
            too_soon: counts.too_soon,
            number_void: counts.number_void,
            issued: counts.issued,
        }
    }
}

/// A batch of coupons.
#[derive(Serialize, ToSchema)]
pub struct BatchBody {
    /// Its id.
    id: Uuid,
    /// The base date.
    base_date: String,
    /// `counting`, `ready`, `issuing`, `cutting`, `done` or `discarded`.
    state: &'static str,
    /// How far the work at this stage is, in hundredths.
    percent: u64,
    /// What counting found.
    found: CouponCountsBody,
    /// What issuing came to.
    done: CouponCountsBody,
    /// Files to print, once it is done.
    files: u64,
}

impl From<&Batch> for BatchBody {
    fn from(batch: &Batch) -> Self {
        Self {
            id: batch.id,
            base_date: batch.cohort.base_date.to_string(),
            state: batch.state.as_str(),
            percent: batch.percent(),
            found: batch.found.into(),
            done: batch.done.into(),
            files: batch.files,
        }
    }
}

/// The city's batches of coupons, the latest first.
#[utoipa::path(get, path = "/api/v1/coupon-batches", tag = "city", responses(
    (status = 200, body = [BatchBody]),
))]
pub(super) async fn list(State(app): State<App>, me: Me) -> Result<Json<Vec<BatchBody>>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let batches = coupons::list(&app.db, &permit).await?;
    Ok(Json(batches.iter().map(BatchBody::from).collect()))
}

/// Begin a batch: it is counted who would get coupons, and nothing is issued before it is approved.
#[utoipa::path(post, path = "/api/v1/coupon-batches", tag = "city", request_body = CohortBody, responses(
    (status = 201, body = BatchBody), (status = 409, description = "The id is taken"),
    (status = 422, description = "There can be no such cohort"),
))]
pub(super) async fn begin(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<CohortBody>,
) -> Result<(StatusCode, Json<BatchBody>), Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let mut fields = Fields::new();
    let base_date = fields.day("base_date", &body.base_date);
    let form = fields.word("form", Some(&body.form), Form::parse);
    let order = fields.word("order", Some(&body.order), Order::parse);
    fields.done()?;
    let wrong = || Problem::unprocessable("cohort_fields");
    let cohort = Cohort {
        base_date: base_date.ok_or_else(wrong)?,
        age_from: body.age_from,
        age_to: body.age_to,
        programme: body.programme,
        elapsed_days_min: body.elapsed_days_min,
        turns: body.turns,
        form: form.ok_or_else(wrong)?,
        order: order.ok_or_else(wrong)?,
    };
    cohort.check().map_err(cohort_problem)?;
    coupons::begin(&app.db, &permit, body.id, &cohort, app.now()).await?;
    let batch = found(&app, &permit, body.id).await?;
    Ok((StatusCode::CREATED, batch))
}

async fn found(app: &App, permit: &CityPermit, id: Uuid) -> Result<Json<BatchBody>, Problem> {
    let batch = coupons::batch(&app.db, permit, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(BatchBody::from(&batch)))
}

/// A batch of coupons, and how far it is.
#[utoipa::path(get, path = "/api/v1/coupon-batches/{batch}", tag = "city", params(("batch" = Uuid, Path)), responses(
    (status = 200, body = BatchBody), (status = 404, description = "No such batch"),
))]
pub(super) async fn one(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<BatchBody>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    found(&app, &permit, id).await
}

fn too_late(was_done: bool) -> Result<(), Problem> {
    if was_done {
        Ok(())
    } else {
        Err(Problem::conflict("coupons_too_late"))
    }
}

/// Approve a batch that was counted: its coupons are issued.
#[utoipa::path(post, path = "/api/v1/coupon-batches/{batch}/approve", tag = "city",
    params(("batch" = Uuid, Path)), responses(
    (status = 200, body = BatchBody), (status = 404, description = "No such batch"),
    (status = 409, description = "It is at another stage"),
))]
pub(super) async fn approve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<BatchBody>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let _ = found(&app, &permit, id).await?;
    too_late(coupons::approve(&app.db, &permit, id, decided(&app)).await?)?;
    found(&app, &permit, id).await
}

/// Throw a batch away that issued nothing yet.
#[utoipa::path(post, path = "/api/v1/coupon-batches/{batch}/discard", tag = "city",
    params(("batch" = Uuid, Path)), responses(
    (status = 200, body = BatchBody), (status = 404, description = "No such batch"),
    (status = 409, description = "It is at another stage"),
))]
pub(super) async fn discard(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<BatchBody>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let _ = found(&app, &permit, id).await?;
    too_late(coupons::discard(&app.db, &permit, id, decided(&app)).await?)?;
    found(&app, &permit, id).await
}

/// A file of a batch as PDF, in the order of the mailing; files count from 1.
#[utoipa::path(get, path = "/api/v1/coupon-batches/{batch}/files/{file}", tag = "city",
    params(("batch" = Uuid, Path), ("file" = i64, Path)), responses(
    (status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 404, description = "No such file"),
    (status = 410, description = "Everybody in it has left or is protected by now"),
))]
pub(super) async fn file(
    State(app): State<App>,
    me: Me,
    Path((id, file)): Path<(Uuid, i64)>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    print_file(&app, &permit, &me.organisation.name, (id, file)).await
}

/// A number that somebody has or had.
#[derive(Serialize, ToSchema)]
pub struct NumberBody {
    /// The ten digits.
    number: String,
    /// When it became void (RFC 3339), if it is.
    voided_at: Option<String>,
    /// Why.
    void_reason: Option<String>,
    /// The number that took its place.
    replaced_by: Option<String>,
}

/// A coupon that was issued.
#[derive(Serialize, ToSchema)]
pub struct IssueBody {
    /// Its number.
    number: String,
    /// For which dose; 0 where it is left open.
    turn: u8,
    /// `issued`, `reissued` or `void`.
    state: &'static str,
    /// `questionnaire`, `seals` or `interview`.
    form: &'static str,
    /// Why it was issued again, if it was.
    reason: Option<&'static str>,
    /// When (RFC 3339).
    issued_at: String,
}

/// The coupons of one person.
#[derive(Serialize, ToSchema)]
pub struct CouponsBody {
    /// Every number of the person.
    numbers: Vec<NumberBody>,
    /// Every coupon issued under them.
    issued: Vec<IssueBody>,
}

async fn coupons_of(
    app: &App,
    permit: &CityPermit,
    number: CouponNumber,
) -> Result<Json<CouponsBody>, Problem> {
    let [usual, ..] = PURPOSES;
    look(app, permit, Some(number), "coupons", usual).await?;
    let (numbers, issued) = coupons::of_person(&app.db, permit, number).await?;
    if numbers.is_empty() {
        return Err(Problem::not_found());
    }
    let digits = |number: CouponNumber| number.as_str().to_owned();
    let numbers = numbers.into_iter().map(|one| NumberBody {
        number: digits(one.number),
        voided_at: one.voided_at.map(domain::calendar::Instant::rfc3339),
        void_reason: one.void_reason,
        replaced_by: one.replaced_by.map(digits),
    });
    let issued = issued.into_iter().map(|one| IssueBody {
        number: digits(one.number),
        turn: one.turn,
        state: one.state.as_str(),
        form: one.form.as_str(),
        reason: one.reason.map(ReissueReason::as_str),
        issued_at: one.issued_at.rfc3339(),
    });
    Ok(Json(CouponsBody {
        numbers: numbers.collect(),
        issued: issued.collect(),
    }))
}

fn number_of(text: &str) -> Result<CouponNumber, Problem> {
    CouponNumber::parse(text).map_err(|_| Problem::not_found())
}

/// The numbers of the person behind a number, and the coupons issued under them; no name.
#[utoipa::path(get, path = "/api/v1/persons/{number}/coupons", tag = "city", params(("number" = String, Path)), responses(
    (status = 200, body = CouponsBody), (status = 404, description = "Nobody is registered under it"),
))]
pub(super) async fn of_person(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
) -> Result<Json<CouponsBody>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    coupons_of(&app, &permit, number_of(&number)?).await
}

/// What is to be issued again.
#[derive(Deserialize, ToSchema)]
pub struct ReissueBody {
    /// `lost`, `damaged`, `not_delivered`, `moved`, `no_resident_record`, `interviews_used`, `partly_used` or
    /// `protection`.
    reason: String,
    /// For which dose, counted through; 0 leaves it open.
    turn: u8,
    /// `questionnaire`, `seals` or `interview`.
    form: String,
}

/// Issue a person's coupon again. Where the old paper may be in a stranger's hand the number becomes void.
#[utoipa::path(post, path = "/api/v1/persons/{number}/coupons/reissue", tag = "city",
    params(("number" = String, Path)), request_body = ReissueBody, responses(
    (status = 200, body = CouponsBody), (status = 422, description = "It cannot be issued again; `reason` says why"),
))]
pub(super) async fn reissue(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    ApiJson(body): ApiJson<ReissueBody>,
) -> Result<Json<CouponsBody>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let number = number_of(&number)?;
    let mut fields = Fields::new();
    let reason = fields.word("reason", Some(&body.reason), ReissueReason::parse);
    let form = fields.word("form", Some(&body.form), Form::parse);
    fields.done()?;
    let wrong = || Problem::unprocessable("issue_fields");
    let wanted = Wanted {
        reason: reason.ok_or_else(wrong)?,
        turn: body.turn,
        form: form.ok_or_else(wrong)?,
    };
    let new = coupons::reissue(&app.db, &permit, number, wanted, decided(&app)).await?;
    coupons_of(&app, &permit, new.map_err(issue_problem)?).await
}

/// Why a number is made void.
#[derive(Deserialize, ToSchema)]
pub struct VoidCouponBody {
    /// `mistake`, `moved_out`, `died` or `given_back`.
    reason: String,
}

/// Make the number in force of a person void, and every coupon that is out under it.
#[utoipa::path(post, path = "/api/v1/persons/{number}/coupons/void", tag = "city",
    params(("number" = String, Path)), request_body = VoidCouponBody, responses(
    (status = 200, body = CouponsBody), (status = 422, description = "It cannot be made void; `reason` says why"),
))]
pub(super) async fn void(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    ApiJson(body): ApiJson<VoidCouponBody>,
) -> Result<Json<CouponsBody>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let number = number_of(&number)?;
    let mut fields = Fields::new();
    let reason = fields.word("reason", Some(&body.reason), VoidReason::parse);
    fields.done()?;
    let reason = reason.ok_or_else(|| Problem::unprocessable("issue_fields"))?;
    let void = coupons::void(&app.db, &permit, number, reason, decided(&app)).await?;
    void.map_err(issue_problem)?;
    coupons_of(&app, &permit, number).await
}

/// What is to be printed.
#[derive(Deserialize, ToSchema)]
pub struct PrintBody {
    /// `questionnaire`, `seals` or `interview` for a coupon that is out, `certificate` for the proof of what
    /// is recorded.
    paper: String,
    /// For which dose, as the coupon was issued; 0 where it is left open. The proof needs none.
    #[serde(default)]
    turn: u8,
    /// What for. Papers of a protected person (支援措置) are printed with a purpose, or not at all.
    #[serde(default)]
    purpose: String,
}

/// Print a person's coupon that is out, or the proof of vaccination, as PDF. Of a protected person no address
/// is printed.
#[utoipa::path(post, path = "/api/v1/persons/{number}/coupons/print", tag = "city",
    params(("number" = String, Path)), request_body = PrintBody, responses(
    (status = 200, content_type = "application/pdf", body = Vec<u8>),
    (status = 403, description = "The person is protected, and no purpose was said"),
    (status = 404, description = "Nobody is registered under it, or no such coupon is out"),
    (status = 422, description = "It cannot be printed; `reason` says why"),
))]
pub(super) async fn print(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    ApiJson(body): ApiJson<PrintBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let asked = PrintForm {
        paper: body.paper,
        turn: body.turn.to_string(),
        purpose: body.purpose,
    };
    let desk = &me.organisation.name;
    let printed = print_paper(&app, &permit, desk, (&number, &asked)).await?;
    printed.ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "person_protected"))
}
