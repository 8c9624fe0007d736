//! The people of an organisation who have a login, and who may change that.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::access::{Action, OrganisationId, Permit, Place, UserId};
use serde::Deserialize;
use store::accounts::{self, Account, NewPassword, Organisation};
use uuid::Uuid;

use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::newcomers;
use crate::web::passwords;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

const MANAGE: Guard = Guard::May(Action::ManageAccounts);

/// The people, and what can be done with their logins.
pub fn routes() -> Routes {
    Routes::new()
        .get("/accounts", MANAGE, own)
        .get("/accounts/{organisation}", MANAGE, show)
        .post("/accounts/{organisation}", MANAGE, create)
        .post("/accounts/{organisation}/{account}/password", MANAGE, reset)
        .post(
            "/accounts/{organisation}/{account}/active",
            MANAGE,
            activate,
        )
        .post(
            "/accounts/{organisation}/{account}/sessions",
            MANAGE,
            log_out,
        )
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct Accounts {
    page: Page,
    /// Whether there are other organisations whose people the reader manages.
    lets_others_in: bool,
    organisation: Organisation,
    people: Vec<Person>,
    refused: Option<Problem>,
    login: String,
    name: String,
}

/// A person in the list.
struct Person {
    account: Account,
    role: String,
    is_me: bool,
    /// Where its forms are sent.
    at: String,
}

async fn own(app: State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let id = me.organisation.id;
    list(&app, &me, page, id, None).await
}

async fn show(
    app: State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    list(&app, &me, page, OrganisationId(id), None).await
}

/// The organisation and the right to manage its people; one that is not to be managed is not found.
async fn managed(
    app: &App,
    me: &Me,
    id: OrganisationId,
) -> Result<(Organisation, Permit), Problem> {
    let organisation = accounts::organisation(&app.db, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let place = organisation.territory.place();
    let permit = me
        .permit(Action::ManageAccounts, place)
        .map_err(|_| Problem::not_found())?;
    Ok((organisation, permit))
}

async fn list(
    app: &App,
    me: &Me,
    page: Page,
    id: OrganisationId,
    refused: Option<(Problem, Fields)>,
) -> Result<Response, Problem> {
    let (organisation, permit) = managed(app, me, id).await?;
    let page = page.titled("accounts-title");
    let people = accounts::list(&app.db, &permit)
        .await?
        .into_iter()
        .map(|account| Person {
            role: page.t(&format!("role-{}", account.role.as_str())),
            is_me: account.id == me.actor.user,
            at: format!("/accounts/{}/{}", id.0, account.id.0),
            account,
        })
        .collect();
    let lets_others_in = matches!(
        me.place(),
        Place::Nation | Place::Prefecture(_) | Place::City(_)
    );
    let (refused, login, name) = match refused {
        Some((problem, fields)) => (Some(problem), fields.login, fields.name),
        None => (None, String::new(), String::new()),
    };
    html(&Accounts {
        page,
        lets_others_in,
        organisation,
        people,
        refused,
        login,
        name,
    })
}

#[derive(Deserialize)]
struct Fields {
    login: String,
    name: String,
    role: String,
}

/// A password that was just made, shown once to hand over.
#[derive(Template)]
#[template(path = "password_made.html")]
struct PasswordMade {
    page: Page,
    organisation: Organisation,
    login: String,
    password: String,
}

async fn create(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let id = OrganisationId(id);
    let (organisation, permit) = managed(&app, &me, id).await?;
    let made = match newcomers::person(
        &app,
        app.fresh_id(),
        &fields.login,
        &fields.name,
        &fields.role,
    )
    .await
    {
        Ok((new, password)) => {
            match accounts::create_account(&app.db, &permit, &new, app.fresh_id(), app.now()).await
            {
                Ok(account) => Ok((account.login, password)),
                Err(store::Error::Exists) => Err(Problem::conflict("login_taken")),
                Err(error) => return Err(error.into()),
            }
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok((login, password)) => html(&PasswordMade {
            page: page.titled("accounts-made-title"),
            organisation,
            login,
            password,
        }),
        Err(problem) => {
            let status = problem.status();
            let mut response = list(&app, &me, page, id, Some((problem, fields))).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

type OfAccount = Path<(Uuid, Uuid)>;

async fn reset(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path((id, account)): OfAccount,
) -> Result<Response, Problem> {
    let (organisation, permit) = managed(&app, &me, OrganisationId(id)).await?;
    let account = member(&app, &permit, UserId(account)).await?;
    let password = passwords::made().ok_or_else(Problem::internal)?;
    let hash = app.logins.passwords.hash(password.clone()).await?;
    let new = NewPassword {
        hash,
        must_change: true,
    };
    accounts::set_password(&app.db, &permit, account.id, new, app.fresh_id(), app.now()).await?;
    app.sessions.forget();
    let page = page.titled("accounts-made-title");
    html(&PasswordMade {
        page,
        organisation,
        login: account.login,
        password,
    })
}

#[derive(Deserialize)]
struct Activation {
    active: bool,
}

async fn activate(
    State(app): State<App>,
    me: Me,
    Path((id, account)): OfAccount,
    PageForm(fields): PageForm<Activation>,
) -> Result<Response, Problem> {
    let (_, permit) = managed(&app, &me, OrganisationId(id)).await?;
    let account = member(&app, &permit, UserId(account)).await?;
    if account.id == me.actor.user {
        return Err(Problem::unprocessable("own_account"));
    }
    accounts::set_active(
        &app.db,
        &permit,
        account.id,
        fields.active,
        app.fresh_id(),
        app.now(),
    )
    .await?;
    app.sessions.forget();
    let notice = if fields.active {
        "account-enabled"
    } else {
        "account-disabled"
    };
    Ok(done(&format!("/accounts/{id}"), notice))
}

async fn log_out(
    State(app): State<App>,
    me: Me,
    Path((id, account)): OfAccount,
) -> Result<Response, Problem> {
    let (_, permit) = managed(&app, &me, OrganisationId(id)).await?;
    let account = member(&app, &permit, UserId(account)).await?;
    accounts::log_out_everywhere(&app.db, &permit, account.id, app.fresh_id(), app.now()).await?;
    app.sessions.forget();
    Ok(done(&format!("/accounts/{id}"), "sessions-closed"))
}

/// An account of the permit's organisation.
async fn member(app: &App, permit: &Permit, id: UserId) -> Result<Account, Problem> {
    let found = accounts::by_id(&app.db, id).await?;
    found
        .filter(|account| account.organisation.territory.place() == *permit.place())
        .ok_or_else(Problem::not_found)
}
