//! Venues over the API: what is told of them, by which code they are found, and the collective contract.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId, Permit};
use domain::calendar::{Day, Instant};
use domain::contracts::{Act, MandateRefusal, SIGNATORY_LENGTH_MAX, Standing};
use domain::doses::REASON_LENGTH_MAX;
use domain::languages::both;
use domain::venues::FacilityCode;
use domain::venues::record::{Section, Told};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::contracts::{self, Decided, Decision, Made, Mandate, NewMandate};
use store::venues::{self, Kept, PAGE_ROWS, Question};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::pages::contracts::mandate_number;
use crate::state::App;
use crate::web::body::{ApiJson, Params};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeVenues);
    let own = Guard::May(Action::KeepVenue);
    let make = Guard::May(Action::MakeMandate);
    let confirm = Guard::May(Action::ConfirmMandates);
    Routes::new()
        .get("/api/v1/venues", see, list)
        .get("/api/v1/venues/{id}", see, one)
        .get("/api/v1/venue-codes/{code}", see, by_code)
        .put(
            "/api/v1/venues/{id}/sections/{section}",
            Guard::May(Action::KeepVenues),
            tell,
        )
        .get("/api/v1/venue-record", own, own_record)
        .put("/api/v1/venue-record/{section}", own, tell_own)
        .get("/api/v1/mandates", make, own_mandates)
        .post("/api/v1/mandates", make, make_mandate)
        .get("/api/v1/association/mandates", confirm, mandates)
        .post(
            "/api/v1/association/mandates/{id}/decision",
            confirm,
            decide,
        )
}

/// Which venues.
#[derive(Deserialize, IntoParams)]
pub(super) struct ListParams {
    /// A part of the name, or the first digits of the code.
    q: Option<String>,
    /// Only those without contract or code.
    lacking: Option<bool>,
    /// As the `next` of the page before says.
    after_code: Option<String>,
    /// The same.
    after_id: Option<Uuid>,
}

/// A venue of the list.
#[derive(Serialize, ToSchema)]
pub struct ListedVenueBody {
    /// Its id, which never changes.
    #[schema(value_type = String)]
    id: OrganisationId,
    /// Its name.
    name: String,
    /// Its code today; empty if it has none.
    code: String,
    /// Its city's code.
    municipality: String,
    /// `basic`, `linked`, `satellite`, `mass` or `workplace`, once it was told.
    venue_type: Option<&'static str>,
    /// Whether it is a party to the collective contract.
    is_party: bool,
    /// Whether its people may log in.
    active: bool,
}

/// Where the next page begins.
#[derive(Serialize, ToSchema)]
pub struct NextVenues {
    /// For `after_code`.
    after_code: String,
    /// For `after_id`.
    #[schema(value_type = String)]
    after_id: OrganisationId,
}

/// Venues by their codes.
#[derive(Serialize, ToSchema)]
pub struct VenueList {
    /// The venues.
    items: Vec<ListedVenueBody>,
    /// Where to read on.
    next: Option<NextVenues>,
}

/// The venues of one's own area: a city's, a prefecture's, the nation's.
#[utoipa::path(get, path = "/api/v1/venues", params(ListParams), tag = "venues", responses(
    (status = 200, body = VenueList),
))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Params(params): Params<ListParams>,
) -> Result<Json<VenueList>, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    let code = params.after_code.unwrap_or_default();
    let question = Question {
        text: params.q.unwrap_or_default(),
        lacking: params.lacking.unwrap_or_default(),
        after: params.after_id.map(|id| (code, OrganisationId(id))),
    };
    let found = venues::list(&app.db, &permit, &question, app.today()).await?;
    let is_full = found.len() as i64 == PAGE_ROWS;
    let next = found.last().filter(|_| is_full).map(|last| NextVenues {
        after_code: last.code.clone(),
        after_id: last.id,
    });
    let items = found.into_iter().map(|one| ListedVenueBody {
        id: one.id,
        name: one.name,
        code: one.code,
        municipality: one.municipality,
        venue_type: one.venue_type.map(|kind| kind.as_str()),
        is_party: one.is_party,
        active: one.active,
    });
    Ok(Json(VenueList {
        items: items.collect(),
        next,
    }))
}

/// A code that a venue has from a day on.
#[derive(Serialize, ToSchema)]
pub struct CodeBody {
    /// From which day on.
    #[schema(value_type = String)]
    from: Day,
    /// The ten digits.
    #[schema(value_type = String, example = "1391000013")]
    code: FacilityCode,
    /// `medical`, `care` or `look-alike`.
    kind: &'static str,
    /// Whether the last digit fits the others.
    check_digit_holds: bool,
    /// Why it changed.
    reason: String,
    /// Which telling it was.
    revision: i64,
}

/// What is told of a section from a day on.
#[derive(Serialize, ToSchema)]
pub struct SectionBody {
    /// From which day on.
    #[schema(value_type = String)]
    from: Day,
    /// What.
    #[schema(value_type = Object)]
    told: Value,
    /// Which telling it was: send the largest as `seen` with a change.
    revision: i64,
    /// When.
    #[schema(value_type = String)]
    at: Instant,
}

/// How a venue stands to the collective contract.
#[derive(Serialize, ToSchema)]
pub struct ContractBody {
    /// Whether it may order, ask for supply and claim.
    is_party: bool,
    /// Since when, from when on, or since when no longer.
    #[schema(value_type = Option<String>)]
    day: Option<Day>,
    /// `party`, `never`, `not-yet` or `left`.
    standing: &'static str,
}

impl From<Standing> for ContractBody {
    fn from(standing: Standing) -> Self {
        let (word, day) = match standing {
            Standing::Party { since, .. } => ("party", Some(since)),
            Standing::Never => ("never", None),
            Standing::NotYet { from } => ("not-yet", Some(from)),
            Standing::Left { since } => ("left", Some(since)),
        };
        Self {
            is_party: standing.is_party(),
            day,
            standing: word,
        }
    }
}

/// What is told of a venue.
#[derive(Serialize, ToSchema)]
pub struct VenueBody {
    /// Its id, which never changes.
    #[schema(value_type = String)]
    id: OrganisationId,
    /// Its name today.
    name: String,
    /// Its code today.
    #[schema(value_type = Option<String>)]
    code: Option<FacilityCode>,
    /// The contract today.
    contract: ContractBody,
    /// All codes that were told, the first telling first.
    codes: Vec<CodeBody>,
    /// By section: what holds today, then what is to come.
    sections: BTreeMap<&'static str, Vec<SectionBody>>,
}

async fn body(app: &App, permit: &Permit, id: OrganisationId) -> Result<VenueBody, Problem> {
    let found = venues::venue(&app.db, permit, id).await?;
    let venue = found.ok_or_else(Problem::not_found)?;
    let today = app.today();
    let codes = venues::codes(&app.db, permit, id).await?;
    let sections = venues::sections(&app.db, permit, id, today).await?;
    let told = |told: &Told| {
        let all = serde_json::to_value(told).unwrap_or_default();
        all.get("told").cloned().unwrap_or_default()
    };
    Ok(VenueBody {
        id,
        name: venue.name,
        code: venue.facility_code,
        contract: contracts::standing(&app.db, id, today).await?.into(),
        codes: codes
            .into_iter()
            .map(|one| CodeBody {
                from: one.since.from,
                code: one.since.code,
                kind: one.since.kind.as_str(),
                check_digit_holds: one.since.code.check_digit_holds(),
                reason: one.reason,
                revision: one.revision,
            })
            .collect(),
        sections: sections
            .into_iter()
            .map(|(section, all)| {
                let all = all.into_iter().map(|one| SectionBody {
                    from: one.from,
                    told: told(&one.told),
                    revision: one.revision,
                    at: one.at,
                });
                (section.as_str(), all.collect())
            })
            .collect(),
    })
}

/// What is told of a venue of one's own area.
#[utoipa::path(get, path = "/api/v1/venues/{id}", params(("id" = Uuid, Path)), tag = "venues", responses(
    (status = 200, body = VenueBody), (status = 404, description = "No such venue in the area"),
))]
pub(super) async fn one(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<VenueBody>, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    Ok(Json(body(&app, &permit, OrganisationId(id)).await?))
}

/// What is told of one's own venue.
#[utoipa::path(get, path = "/api/v1/venue-record", tag = "venues", responses((status = 200, body = VenueBody)))]
pub(super) async fn own_record(State(app): State<App>, me: Me) -> Result<Json<VenueBody>, Problem> {
    let permit = me.permit(Action::KeepVenue, me.place())?;
    Ok(Json(body(&app, &permit, me.actor.organisation).await?))
}

/// On which day.
#[derive(Deserialize, IntoParams)]
pub(super) struct DayParams {
    /// The day; today if it is left out.
    on: Option<String>,
}

/// The venue of a code.
#[derive(Serialize, ToSchema)]
pub struct VenueOfCodeBody {
    /// Its id.
    #[schema(value_type = String)]
    venue: OrganisationId,
}

/// Which venue of one's own area a code meant on a day.
#[utoipa::path(get, path = "/api/v1/venue-codes/{code}", params(("code" = String, Path), DayParams), tag = "venues", responses(
    (status = 200, body = VenueOfCodeBody), (status = 404, description = "No venue of the area had it"),
))]
pub(super) async fn by_code(
    State(app): State<App>,
    me: Me,
    Path(code): Path<String>,
    Params(params): Params<DayParams>,
) -> Result<Json<VenueOfCodeBody>, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    let mut fields = Fields::new();
    let on = fields.day_or_none("on", params.on.as_deref());
    fields.done()?;
    let code =
        FacilityCode::parse(&code).map_err(|_| Problem::unprocessable("facility_code_shape"))?;
    let on = on.unwrap_or_else(|| app.today());
    let venue = venues::of_code(&app.db, &permit, code, on).await?;
    let venue = venue.ok_or_else(Problem::not_found)?;
    Ok(Json(VenueOfCodeBody { venue }))
}

/// A section to tell.
#[derive(Deserialize, ToSchema)]
pub struct NewSectionBody {
    /// From which day on.
    valid_from: String,
    /// The section's largest revision that was seen, 0 for none.
    seen: i64,
    /// What; all of the section, in the form in which it is read.
    #[schema(value_type = Object)]
    told: Value,
}

/// Which revision stands.
#[derive(Serialize, ToSchema)]
pub struct SectionRevisionBody {
    /// It; none if the same stood already.
    revision: Option<i64>,
}

async fn tell_section(
    app: &App,
    permit: &Permit,
    venue: OrganisationId,
    section: &str,
    body: NewSectionBody,
) -> Result<Json<SectionRevisionBody>, Problem> {
    let section = Section::parse(section).ok_or_else(Problem::not_found)?;
    let whole = json!({ "section": section, "told": body.told });
    let told: Told = serde_json::from_value(whole).map_err(|wrong| {
        Problem::unprocessable("venue_section_shape").member("parser", wrong.to_string())
    })?;
    let mut fields = Fields::new();
    let from = fields.day("valid_from", &body.valid_from);
    for refusal in told.refusals() {
        let words = refusal.to_string();
        fields.refused(refusal.item(), refusal.code(), both(&words));
    }
    fields.done()?;
    let from = from.ok_or_else(Problem::internal)?;
    let act = (app.fresh_id(), app.now());
    match venues::tell(&app.db, permit, venue, (&told, from), body.seen, act).await? {
        Kept::As(revision) => Ok(Json(SectionRevisionBody {
            revision: Some(revision),
        })),
        Kept::AsItIs => Ok(Json(SectionRevisionBody { revision: None })),
        Kept::ChangedMeanwhile(revision) => {
            Err(Problem::conflict("venue_changed_meanwhile").member("revision", revision))
        }
        Kept::Circle(day) => Err(Problem::conflict("venue_circle").arg("day", day)),
        Kept::NoSupplier => Err(Problem::unprocessable("venue_supplier_unknown")),
        Kept::NotYours => Err(Problem::forbidden()),
        Kept::NotFound | Kept::CodeTaken => Err(Problem::not_found()),
    }
}

/// Tell a section of a venue of one's own area, from a day on.
#[utoipa::path(put, path = "/api/v1/venues/{id}/sections/{section}",
    params(("id" = Uuid, Path), ("section" = String, Path)), request_body = NewSectionBody, tag = "venues", responses(
    (status = 200, body = SectionRevisionBody), (status = 404, description = "No such venue or section"),
    (status = 409, description = "Told anew meanwhile, or the venue would supply itself"),
    (status = 422, description = "An item cannot be so"),
))]
pub(super) async fn tell(
    State(app): State<App>,
    me: Me,
    Path((id, section)): Path<(Uuid, String)>,
    ApiJson(body): ApiJson<NewSectionBody>,
) -> Result<Json<SectionRevisionBody>, Problem> {
    let permit = me.permit(Action::KeepVenues, me.place())?;
    tell_section(&app, &permit, OrganisationId(id), &section, body).await
}

/// Tell a section of one's own venue, from a day on.
#[utoipa::path(put, path = "/api/v1/venue-record/{section}", params(("section" = String, Path)),
    request_body = NewSectionBody, tag = "venues", responses(
    (status = 200, body = SectionRevisionBody), (status = 404, description = "No such section"),
    (status = 409, description = "Told anew meanwhile"), (status = 422, description = "An item cannot be so"),
))]
pub(super) async fn tell_own(
    State(app): State<App>,
    me: Me,
    Path(section): Path<String>,
    ApiJson(body): ApiJson<NewSectionBody>,
) -> Result<Json<SectionRevisionBody>, Problem> {
    let permit = me.permit(Action::KeepVenue, me.place())?;
    tell_section(&app, &permit, me.actor.organisation, &section, body).await
}

/// A mandate for the collective contract.
#[derive(Serialize, ToSchema)]
pub struct MandateBody {
    /// Its id.
    id: Uuid,
    /// The number on the paper.
    number: String,
    /// The venue.
    #[schema(value_type = String)]
    venue: OrganisationId,
    /// The venue's name.
    venue_name: String,
    /// The venue's code.
    code: String,
    /// The association.
    #[schema(value_type = String)]
    association: OrganisationId,
    /// `join`, `change` or `leave`.
    act: &'static str,
    /// From which day on it was asked for.
    #[schema(value_type = String)]
    asked_from: Day,
    /// From which day on it holds, once it is confirmed.
    #[schema(value_type = Option<String>)]
    valid_from: Option<Day>,
    /// Who signs.
    signatory: String,
    /// `made`, `confirmed`, `refused` or `withdrawn`.
    state: &'static str,
    /// When it was made.
    #[schema(value_type = String)]
    made_at: Instant,
    /// Why it was given back.
    answer: String,
}

impl From<Mandate> for MandateBody {
    fn from(one: Mandate) -> Self {
        Self {
            number: mandate_number(one.id),
            id: one.id,
            venue: one.venue,
            venue_name: one.venue_name,
            code: one.code,
            association: one.association,
            act: one.act.as_str(),
            asked_from: one.asked_from,
            valid_from: one.valid_from,
            signatory: one.signatory,
            state: one.state.as_str(),
            made_at: one.made_at,
            answer: one.answer,
        }
    }
}

/// Mandates, those that wait first.
#[derive(Serialize, ToSchema)]
pub struct MandateList {
    /// The mandates.
    items: Vec<MandateBody>,
}

async fn mandate_list(app: &App, permit: &Permit) -> Result<Json<MandateList>, Problem> {
    let all = contracts::mandates(&app.db, permit).await?;
    Ok(Json(MandateList {
        items: all.into_iter().map(Into::into).collect(),
    }))
}

/// The mandates of one's own venue.
#[utoipa::path(get, path = "/api/v1/mandates", tag = "venues", responses((status = 200, body = MandateList)))]
pub(super) async fn own_mandates(
    State(app): State<App>,
    me: Me,
) -> Result<Json<MandateList>, Problem> {
    mandate_list(&app, &me.permit(Action::MakeMandate, me.place())?).await
}

/// The mandates to one's own association.
#[utoipa::path(get, path = "/api/v1/association/mandates", tag = "venues", responses(
    (status = 200, body = MandateList),
))]
pub(super) async fn mandates(State(app): State<App>, me: Me) -> Result<Json<MandateList>, Problem> {
    mandate_list(&app, &me.permit(Action::ConfirmMandates, me.place())?).await
}

/// A mandate to make.
#[derive(Deserialize, ToSchema)]
pub struct NewMandateBody {
    /// Its id, made by you (UUID version 7).
    id: Uuid,
    /// To which association.
    association: Uuid,
    /// `join`, `change` or `leave`.
    act: String,
    /// From which day on.
    asked_from: String,
    /// Post and name of who signs.
    signatory: String,
}

/// Make a mandate; it holds once the association has confirmed the signed paper.
#[utoipa::path(post, path = "/api/v1/mandates", request_body = NewMandateBody, tag = "venues", responses(
    (status = 201, description = "It waits for the association"),
    (status = 409, description = "`mandate_refused`; `reason` says why"),
    (status = 422, description = "A field cannot be read, or there is no such association"),
))]
pub(super) async fn make_mandate(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewMandateBody>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::MakeMandate, me.place())?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let asked_from = fields.day("asked_from", &body.asked_from);
    let act = fields.word("act", Some(&body.act), Act::parse);
    let signatory = fields.words("signatory", &body.signatory, SIGNATORY_LENGTH_MAX);
    fields.done()?;
    let act = act.ok_or_else(|| Problem::unprocessable("form_shape"))?;
    let new = NewMandate {
        id,
        association: OrganisationId(body.association),
        act,
        asked_from: asked_from.ok_or_else(Problem::internal)?,
        signatory,
    };
    match contracts::make(&app.db, &permit, &new, (app.fresh_id(), app.now())).await? {
        Made::Now => Ok(StatusCode::CREATED.into_response()),
        Made::NoAssociation => Err(Problem::unprocessable("association_unknown")),
        Made::Refused(refusal) => Err(mandate_problem(refusal)),
    }
}

fn mandate_problem(refusal: MandateRefusal) -> Problem {
    let words = refusal.to_string();
    let (ja, en) = both(&words);
    Problem::conflict("mandate_refused")
        .arg("why_ja", ja)
        .arg("why_en", en)
        .member("reason", refusal.code())
}

/// What an association says of a mandate.
#[derive(Deserialize, ToSchema)]
pub struct MandateDecisionBody {
    /// Whether the signed paper is in hand and in order.
    confirm: bool,
    /// Why not, if it is given back.
    reason: Option<String>,
}

/// From when on a mandate holds.
#[derive(Serialize, ToSchema)]
pub struct DecidedBody {
    /// The day; none if it was given back.
    #[schema(value_type = Option<String>)]
    valid_from: Option<Day>,
}

/// Confirm a mandate, or give it back.
#[utoipa::path(post, path = "/api/v1/association/mandates/{id}/decision", params(("id" = Uuid, Path)),
    request_body = MandateDecisionBody, tag = "venues", responses(
    (status = 200, body = DecidedBody), (status = 409, description = "It was decided before, or cannot follow"),
    (status = 422, description = "The reason is missing"),
))]
pub(super) async fn decide(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<MandateDecisionBody>,
) -> Result<Json<DecidedBody>, Problem> {
    let permit = me.permit(Action::ConfirmMandates, me.place())?;
    let mut fields = Fields::new();
    let reason = body.reason.unwrap_or_default();
    let reason = if body.confirm {
        String::new()
    } else {
        fields.words("reason", &reason, REASON_LENGTH_MAX)
    };
    fields.done()?;
    let decision = if body.confirm {
        Decision::Confirm
    } else {
        Decision::Refuse(&reason)
    };
    let act = (app.fresh_id(), app.now());
    match contracts::decide(&app.db, &permit, id, decision, act).await? {
        Decided::Confirmed(day) => Ok(Json(DecidedBody {
            valid_from: Some(day),
        })),
        Decided::Refused => Ok(Json(DecidedBody { valid_from: None })),
        Decided::TooLate => Err(Problem::conflict("mandate_decided")),
        Decided::CannotFollow(refusal) => Err(mandate_problem(refusal)),
    }
}

#[cfg(test)]
#[path = "venues_tests.rs"]
mod tests;
