//! Organisations that one lets in, and their people, over the API.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId, OrganisationKind, Permit, Place, UserId};
use serde::{Deserialize, Serialize};
use store::accounts::{self, Account, NewPassword, Organisation};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::me::Me;
use crate::web::newcomers::{self, Told};
use crate::web::passwords;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

const MANAGE: Guard = Guard::May(Action::ManageAccounts);
const ORGANISATIONS: &str = "/api/v1/organisations";
const ACCOUNTS: &str = "/api/v1/organisations/{organisation}/accounts";
const PASSWORDS: &str = "/api/v1/organisations/{organisation}/accounts/{account}/passwords";
const ACTIVE: &str = "/api/v1/organisations/{organisation}/accounts/{account}/active";
const SESSIONS: &str = "/api/v1/organisations/{organisation}/accounts/{account}/sessions";

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .get(ORGANISATIONS, MANAGE, organisations)
        .post(ORGANISATIONS, MANAGE, found)
        .get(ACCOUNTS, MANAGE, list)
        .post(ACCOUNTS, MANAGE, create)
        .post(PASSWORDS, MANAGE, reset)
        .put(ACTIVE, MANAGE, activate)
        .delete(SESSIONS, MANAGE, log_out)
}

/// An organisation.
#[derive(Serialize, ToSchema)]
pub struct OrganisationBody {
    id: Uuid,
    /// `nation`, `prefecture`, `city`, `venue`, `wholesaler`, `maker`, `federation` or `association`.
    kind: &'static str,
    name: String,
    /// A prefecture's two digits, a city's six; of a venue, its city's.
    code: Option<String>,
    /// A venue's ten digits (医療機関コード).
    facility_code: Option<String>,
    /// Whether the last of them fits; one that does not is taken all the same, and should be looked at.
    facility_code_fits: Option<bool>,
    active: bool,
}

impl From<Organisation> for OrganisationBody {
    fn from(organisation: Organisation) -> Self {
        let facility_code = organisation.facility_code;
        Self {
            id: organisation.id.0,
            kind: organisation.kind.as_str(),
            name: organisation.name,
            code: match organisation.territory.place() {
                Place::Prefecture(prefecture) => Some(prefecture.to_string()),
                Place::City(city) | Place::Venue { city, .. } => Some(city.to_string()),
                Place::Nation | Place::Company(_) => None,
            },
            facility_code_fits: facility_code.as_ref().map(|code| code.check_digit_holds()),
            facility_code: facility_code.map(|code| code.to_string()),
            active: organisation.active,
        }
    }
}

/// A list of organisations.
#[derive(Serialize, ToSchema)]
pub struct OrganisationsBody {
    items: Vec<OrganisationBody>,
}

/// An organisation to let in.
#[derive(Deserialize, ToSchema)]
pub struct NewOrganisationBody {
    /// Made by you (UUID version 7).
    id: Uuid,
    kind: String,
    /// A prefecture's two digits, a city's six; a venue stands in the city that lets it in.
    #[serde(default)]
    code: String,
    /// Of a venue or a company; a prefecture's and a city's name is the register's.
    #[serde(default)]
    name: String,
    /// A venue's ten digits.
    #[serde(default)]
    facility_code: String,
}

/// A person with a login.
#[derive(Serialize, ToSchema)]
pub struct AccountBody {
    id: Uuid,
    login: String,
    name: String,
    /// `administrator` or `operator`.
    role: &'static str,
    active: bool,
    password_must_change: bool,
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.0,
            role: account.role.as_str(),
            login: account.login,
            name: account.name,
            active: account.active,
            password_must_change: account.password_must_change,
        }
    }
}

/// The people of an organisation.
#[derive(Serialize, ToSchema)]
pub struct AccountsBody {
    items: Vec<AccountBody>,
}

/// A person who is to have a login.
#[derive(Deserialize, ToSchema)]
pub struct NewAccountBody {
    /// Made by you (UUID version 7).
    id: Uuid,
    login: String,
    name: String,
    /// `administrator` or `operator`.
    role: String,
}

/// A person who was given a login.
#[derive(Serialize, ToSchema)]
pub struct CreatedAccountBody {
    #[serde(flatten)]
    account: AccountBody,
    /// The first password, told once: null when the same is sent again.
    password: Option<String>,
}

/// A password that was just made.
#[derive(Serialize, ToSchema)]
pub struct PasswordBody {
    /// Told once; it must be changed at the next login.
    password: String,
}

/// Whether a person may log in.
#[derive(Deserialize, ToSchema)]
pub struct ActiveBody {
    active: bool,
}

/// The organisations whose people you manage, your own first.
#[utoipa::path(get, path = "/api/v1/organisations", tag = "accounts",
    responses((status = 200, body = OrganisationsBody)))]
pub(super) async fn organisations(
    State(app): State<App>,
    me: Me,
) -> Result<Json<OrganisationsBody>, Problem> {
    let found = accounts::organisations_under(&app.db, &me.actor).await?;
    Ok(Json(OrganisationsBody {
        items: found.into_iter().map(Into::into).collect(),
    }))
}

/// Lets an organisation in: the nation its prefectures and the companies, a prefecture its cities, a
/// city its venues.
#[utoipa::path(post, path = "/api/v1/organisations", tag = "accounts", request_body = NewOrganisationBody,
    responses((status = 201, body = OrganisationBody), (status = 200, body = OrganisationBody,
    description = "The same was sent before"), (status = 409, description = "organisation_there, facility_code_taken")))]
pub(super) async fn found(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewOrganisationBody>,
) -> Result<Response, Problem> {
    let told = Told {
        kind: &body.kind,
        code: &body.code,
        name: &body.name,
        facility_code: &body.facility_code,
    };
    let (permit, new) = newcomers::organisation(&app, &me, body.id, &told)?;
    let made =
        accounts::found_organisation(&app.db, &permit, &new, app.fresh_id(), app.now()).await;
    let (status, organisation) = match made {
        Ok(organisation) => (StatusCode::CREATED, organisation),
        Err(store::Error::Exists) => {
            let there = accounts::organisation(&app.db, new.id).await?;
            let is_same = |there: &Organisation| {
                there.territory.place() == *permit.place()
                    && there.name == new.name
                    && there.facility_code == new.facility_code
            };
            let there = there.filter(is_same);
            let word = match new.kind {
                OrganisationKind::Venue => Problem::conflict("facility_code_taken"),
                _ => Problem::conflict("organisation_there"),
            };
            (StatusCode::OK, there.ok_or(word)?)
        }
        Err(error) => return Err(error.into()),
    };
    Ok((status, Json(OrganisationBody::from(organisation))).into_response())
}

/// The people of an organisation, by login.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/accounts", tag = "accounts",
    params(("organisation" = Uuid, Path)), responses((status = 200, body = AccountsBody)))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Path(organisation): Path<Uuid>,
) -> Result<Json<AccountsBody>, Problem> {
    let permit = managed(&app, &me, organisation).await?;
    let people = accounts::list(&app.db, &permit).await?;
    Ok(Json(AccountsBody {
        items: people.into_iter().map(Into::into).collect(),
    }))
}

/// Gives a person a login, with a first password that is told once.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/accounts", tag = "accounts",
    params(("organisation" = Uuid, Path)), request_body = NewAccountBody,
    responses((status = 201, body = CreatedAccountBody), (status = 200, body = CreatedAccountBody,
    description = "The same was sent before"), (status = 409, description = "login_taken")))]
pub(super) async fn create(
    State(app): State<App>,
    me: Me,
    Path(organisation): Path<Uuid>,
    ApiJson(body): ApiJson<NewAccountBody>,
) -> Result<Response, Problem> {
    let permit = managed(&app, &me, organisation).await?;
    let (new, password) =
        newcomers::person(&app, body.id, &body.login, &body.name, &body.role).await?;
    let made = accounts::create_account(&app.db, &permit, &new, app.fresh_id(), app.now()).await;
    let (status, account, password) = match made {
        Ok(account) => (StatusCode::CREATED, account, Some(password)),
        Err(store::Error::Exists) => {
            let is_same = |there: &Account| {
                there.organisation.territory.place() == *permit.place()
                    && (&there.login, &there.name, there.role) == (&new.login, &new.name, new.role)
            };
            let there = accounts::by_id(&app.db, new.id).await?.filter(is_same);
            (
                StatusCode::OK,
                there.ok_or_else(|| Problem::conflict("login_taken"))?,
                None,
            )
        }
        Err(error) => return Err(error.into()),
    };
    Ok((
        status,
        Json(CreatedAccountBody {
            account: account.into(),
            password,
        }),
    )
        .into_response())
}

/// Makes a new password for a person and closes all of the person's sessions.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/accounts/{account}/passwords",
    tag = "accounts", params(("organisation" = Uuid, Path), ("account" = Uuid, Path)),
    responses((status = 201, body = PasswordBody)))]
pub(super) async fn reset(
    State(app): State<App>,
    me: Me,
    Path((organisation, account)): Path<(Uuid, Uuid)>,
) -> Result<Response, Problem> {
    let permit = managed(&app, &me, organisation).await?;
    let account = member(&app, &permit, account).await?;
    let password = passwords::made().ok_or_else(Problem::internal)?;
    let hash = app.logins.passwords.hash(password.clone()).await?;
    let new = NewPassword {
        hash,
        must_change: true,
    };
    accounts::set_password(&app.db, &permit, account.id, new, app.fresh_id(), app.now()).await?;
    app.sessions.forget();
    Ok((StatusCode::CREATED, Json(PasswordBody { password })).into_response())
}

/// Lets a person log in, or no longer; then all of the person's sessions close.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/accounts/{account}/active",
    tag = "accounts", params(("organisation" = Uuid, Path), ("account" = Uuid, Path)),
    request_body = ActiveBody, responses((status = 204), (status = 422, description = "own_account")))]
pub(super) async fn activate(
    State(app): State<App>,
    me: Me,
    Path((organisation, account)): Path<(Uuid, Uuid)>,
    ApiJson(body): ApiJson<ActiveBody>,
) -> Result<StatusCode, Problem> {
    let permit = managed(&app, &me, organisation).await?;
    let account = member(&app, &permit, account).await?;
    if account.id == me.actor.user {
        return Err(Problem::unprocessable("own_account"));
    }
    accounts::set_active(
        &app.db,
        &permit,
        account.id,
        body.active,
        app.fresh_id(),
        app.now(),
    )
    .await?;
    app.sessions.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// Logs a person out everywhere.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/accounts/{account}/sessions",
    tag = "accounts", params(("organisation" = Uuid, Path), ("account" = Uuid, Path)),
    responses((status = 204)))]
pub(super) async fn log_out(
    State(app): State<App>,
    me: Me,
    Path((organisation, account)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let permit = managed(&app, &me, organisation).await?;
    let account = member(&app, &permit, account).await?;
    accounts::log_out_everywhere(&app.db, &permit, account.id, app.fresh_id(), app.now()).await?;
    app.sessions.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// The right to manage an organisation's people; one that is not to be managed is not found.
async fn managed(app: &App, me: &Me, id: Uuid) -> Result<Permit, Problem> {
    let found = accounts::organisation(&app.db, OrganisationId(id)).await?;
    let place = found.ok_or_else(Problem::not_found)?.territory.place();
    me.permit(Action::ManageAccounts, place)
        .map_err(|_| Problem::not_found())
}

/// An account of the permit's organisation.
async fn member(app: &App, permit: &Permit, id: Uuid) -> Result<Account, Problem> {
    let found = accounts::by_id(&app.db, UserId(id)).await?;
    found
        .filter(|account| account.organisation.territory.place() == *permit.place())
        .ok_or_else(Problem::not_found)
}
