//! Organisations that use the system, and the people of each who have a login.
//!
//! Invariant: no two organisations stand at the same place, so a place names its organisation; a
//! [`Permit`] to manage accounts at a place therefore names it too.

use domain::access::{
    Action, Actor, OrganisationId, OrganisationKind, Permit, Place, Role, Territory, UserId,
};
use domain::calendar::Instant;
use domain::places::{MunicipalityCode, Prefecture};
use domain::venues::FacilityCode;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Organisations or accounts in one list at most: Japan has 1,741 cities, and a large city some thousand venues.
pub const LISTED_MAX: i64 = 5_000;

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// What it is.
    pub kind: OrganisationKind,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub territory: Territory,
    /// A venue's 10 digits (医療機関コード).
    pub facility_code: Option<FacilityCode>,
    /// Whether its people may log in.
    pub active: bool,
}

/// An organisation that is to use the system from now on. Where it stands comes from the permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganisation {
    /// Its id, made before; a venue's and a company's is the one in the permit's place.
    pub id: OrganisationId,
    /// What it is.
    pub kind: OrganisationKind,
    /// Its name.
    pub name: String,
    /// A venue's 10 digits.
    pub facility_code: Option<FacilityCode>,
}

/// A person with a login.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// What is typed to log in.
    pub login: String,
    /// The person's name, as colleagues see it.
    pub name: String,
    /// What the person may do there.
    pub role: Role,
    /// Where the person works.
    pub organisation: Organisation,
    /// Whether the person may log in.
    pub active: bool,
    /// Whether the password was chosen by somebody else.
    pub password_must_change: bool,
    /// The password as Argon2id hashed it, never the password.
    pub password_hash: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// The person as the rules see it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.id,
            organisation: self.organisation.id,
            kind: self.organisation.kind,
            role: self.role,
            territory: self.organisation.territory,
        }
    }
}

/// A person who is to have a login. In which organisation comes from the permit's place.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its id, made before.
    pub id: UserId,
    /// What is typed to log in.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The first password's hash.
    pub password_hash: String,
    /// Whether it must be changed at the first login.
    pub password_must_change: bool,
}

/// Creates the nation and its first administrator: the only account made without a permit.
///
/// # Errors
/// [`Error::Exists`] if there is any account already, or the login is taken.
pub async fn first_administrator(
    db: &Db,
    nation: &NewOrganisation,
    account: &NewAccount,
    at: Instant,
) -> Result<Account> {
    transact!(db, |tx| {
        let (accounts,): (i64,) = tx.query(sql!("SELECT COUNT(*) FROM account")).one().await?;
        if accounts > 0 {
            return Err(Error::Exists);
        }
        insert_organisation(&mut tx, nation, &Place::Nation).await?;
        let organisation = at_place(&mut tx, &Place::Nation).await?;
        let made = insert_account(&mut tx, &organisation, account, at).await?;
        let change = Change {
            id: account.id.0,
            at,
            municipality: None,
            action: "create-first-administrator",
            subject: &account.login,
            detail: "{}",
        };
        audit::write(&mut tx, &made.actor(), &change).await?;
        made
    })
}

/// Whether anybody has a login yet.
///
/// # Errors
/// The database's own.
pub async fn any(db: &Db) -> Result<bool> {
    let found: Option<(i64,)> = db
        .query(sql!("SELECT CAST(1 AS BIGINT) FROM account LIMIT 1"))
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Lets an organisation use the system, at the permit's place.
///
/// # Errors
/// [`Error::Exists`] if one stands there already, or another venue has the code.
pub async fn found_organisation(
    db: &Db,
    permit: &Permit,
    new: &NewOrganisation,
    audit_id: Uuid,
    at: Instant,
) -> Result<Organisation> {
    transact!(db, |tx| {
        insert_organisation(&mut tx, new, permit.place()).await?;
        if let Some(code) = new.facility_code {
            crate::venues::code_founded(&mut tx, new.id, code, (permit, at)).await?;
        }
        let subject = new.id.0.to_string();
        write_change(
            &mut tx,
            permit,
            audit_id,
            at,
            ("found-organisation", &subject),
        )
        .await?;
        at_place(&mut tx, permit.place()).await?
    })
}

/// Gives a person a login, in the organisation at the permit's place.
///
/// # Errors
/// [`Error::Exists`] if the login is taken.
pub async fn create_account(
    db: &Db,
    permit: &Permit,
    new: &NewAccount,
    audit_id: Uuid,
    at: Instant,
) -> Result<Account> {
    transact!(db, |tx| {
        let organisation = at_place(&mut tx, permit.place()).await?;
        let made = insert_account(&mut tx, &organisation, new, at).await?;
        write_change(
            &mut tx,
            permit,
            audit_id,
            at,
            ("create-account", &new.login),
        )
        .await?;
        made
    })
}

/// The account of a login, active or not.
///
/// # Errors
/// The database's own.
pub async fn by_login(db: &Db, login: &str) -> Result<Option<Account>> {
    db.query(sql!(
        "SELECT account.id, login, account.name, role, password_hash, password_must_change, account.active,
                organisation.id, kind, organisation.name, place, municipality, facility_code, organisation.active
         FROM account JOIN organisation ON organisation.id = account.organisation
         WHERE login = $1"
    ))
    .bind(login.to_owned())
    .optional::<AccountRow>()
    .await?
    .map(account_of)
    .transpose()
}

/// The account of an id, active or not.
///
/// # Errors
/// The database's own.
pub async fn by_id(db: &Db, id: UserId) -> Result<Option<Account>> {
    db.query(sql!(
        "SELECT account.id, login, account.name, role, password_hash, password_must_change, account.active,
                organisation.id, kind, organisation.name, place, municipality, facility_code, organisation.active
         FROM account JOIN organisation ON organisation.id = account.organisation
         WHERE account.id = $1"
    ))
    .bind(id.0.as_bytes().to_vec())
    .optional::<AccountRow>()
    .await?
    .map(account_of)
    .transpose()
}

/// Everybody with a login in the organisation at the permit's place, by login.
///
/// # Errors
/// The database's own.
pub async fn list(db: &Db, permit: &Permit) -> Result<Vec<Account>> {
    db.query(sql!(
        "SELECT account.id, login, account.name, role, password_hash, password_must_change, account.active,
                organisation.id, kind, organisation.name, place, municipality, facility_code, organisation.active
         FROM account JOIN organisation ON organisation.id = account.organisation
         WHERE place = $1
         ORDER BY login LIMIT $2"
    ))
    .bind(place_key(permit.place()))
    .bind(LISTED_MAX)
    .all::<AccountRow>()
    .await?
    .into_iter()
    .map(account_of)
    .collect()
}

/// The organisation of an id.
///
/// # Errors
/// The database's own.
pub async fn organisation(db: &Db, id: OrganisationId) -> Result<Option<Organisation>> {
    db.query(sql!(
        "SELECT id, kind, name, place, municipality, facility_code, active FROM organisation WHERE id = $1"
    ))
    .bind(id.0.as_bytes().to_vec())
    .optional::<OrganisationRow>()
    .await?
    .map(organisation_of)
    .transpose()
}

/// The organisations whose accounts the person may manage, the own one first, then by name.
///
/// # Errors
/// The database's own.
pub async fn organisations_under(db: &Db, actor: &Actor) -> Result<Vec<Organisation>> {
    let (prefecture, municipality) = match actor.territory {
        Territory::Nation | Territory::Company(_) => (None, None),
        Territory::Prefecture(prefecture) => (Some(i64::from(prefecture.number())), None),
        Territory::City(city) | Territory::Venue { city, .. } => (
            city.prefecture().map(|found| i64::from(found.number())),
            Some(city.as_str().to_owned()),
        ),
    };
    let kinds: &[&str] = match actor.kind {
        OrganisationKind::Nation => &["prefecture", "wholesaler", "maker", "federation"],
        OrganisationKind::Prefecture => &["city"],
        OrganisationKind::City => &["venue"],
        _ => &[],
    };
    let rows: Vec<OrganisationRow> = db
        .query(sql!(
            "SELECT id, kind, name, place, municipality, facility_code, active FROM organisation
             WHERE id = $1
                OR (kind IN (SELECT value->>'kind' FROM json_each($2))
                    AND (CAST($3 AS BIGINT) IS NULL OR prefecture = $3)
                    AND (CAST($4 AS TEXT) IS NULL OR municipality = $4))
             ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END, name, id LIMIT $5"
        ))
        .bind(actor.organisation.0.as_bytes().to_vec())
        .bind(
            serde_json::json!(
                kinds
                    .iter()
                    .map(|kind| serde_json::json!({"kind": kind}))
                    .collect::<Vec<_>>()
            )
            .to_string(),
        )
        .bind(prefecture)
        .bind(municipality)
        .bind(LISTED_MAX)
        .all()
        .await?;
    let found: Vec<Organisation> = rows
        .into_iter()
        .map(organisation_of)
        .collect::<Result<_>>()?;
    let reaches = |organisation: &Organisation| {
        domain::access::may(
            actor,
            Action::ManageAccounts,
            &organisation.territory.place(),
        )
    };
    Ok(found.into_iter().filter(reaches).collect())
}

/// Gives an account of the permit's organisation another password and closes all its sessions.
///
/// # Errors
/// [`Error::Rows`] if the account is not of that organisation.
pub async fn set_password(
    db: &Db,
    permit: &Permit,
    account: UserId,
    password: NewPassword,
    audit_id: Uuid,
    at: Instant,
) -> Result<()> {
    transact!(db, |tx| {
        let organisation = at_place(&mut tx, permit.place()).await?;
        put_password(&mut tx, account, organisation.id, &password).await?;
        close_sessions(&mut tx, account).await?;
        let subject = account.0.to_string();
        write_change(&mut tx, permit, audit_id, at, ("reset-password", &subject)).await?;
    })
}

/// A password for an account.
#[derive(Clone)]
pub struct NewPassword {
    /// Its hash.
    pub hash: String,
    /// Whether the person must choose another one at the next login.
    pub must_change: bool,
}

/// Gives the person who asks another password, chosen by that person, and closes all its sessions.
///
/// # Errors
/// [`Error::Rows`] if the account is gone.
pub async fn change_own_password(
    db: &Db,
    actor: &Actor,
    hash: String,
    audit_id: Uuid,
    at: Instant,
) -> Result<()> {
    let password = NewPassword {
        hash,
        must_change: false,
    };
    transact!(db, |tx| {
        put_password(&mut tx, actor.user, actor.organisation, &password).await?;
        close_sessions(&mut tx, actor.user).await?;
        let subject = actor.user.0.to_string();
        let change = Change {
            id: audit_id,
            at,
            municipality: None,
            action: "change-own-password",
            subject: &subject,
            detail: "{}",
        };
        audit::write(&mut tx, actor, &change).await?;
    })
}

/// Lets an account of the permit's organisation log in, or no longer; then its sessions close at once.
///
/// # Errors
/// [`Error::Rows`] if the account is not of that organisation.
pub async fn set_active(
    db: &Db,
    permit: &Permit,
    account: UserId,
    active: bool,
    audit_id: Uuid,
    at: Instant,
) -> Result<()> {
    transact!(db, |tx| {
        let organisation = at_place(&mut tx, permit.place()).await?;
        tx.query(sql!(
            "UPDATE account SET active = $3 WHERE id = $1 AND organisation = $2"
        ))
        .bind(account.0.as_bytes().to_vec())
        .bind(organisation.id.0.as_bytes().to_vec())
        .bind(i64::from(active))
        .expect(1)
        .await?;
        if !active {
            close_sessions(&mut tx, account).await?;
        }
        let action = if active {
            "enable-account"
        } else {
            "disable-account"
        };
        let subject = account.0.to_string();
        write_change(&mut tx, permit, audit_id, at, (action, &subject)).await?;
    })
}

/// Logs an account of the permit's organisation out everywhere, and says of how many sessions.
///
/// # Errors
/// [`Error::Rows`] if the account is not of that organisation.
pub async fn log_out_everywhere(
    db: &Db,
    permit: &Permit,
    account: UserId,
    audit_id: Uuid,
    at: Instant,
) -> Result<u64> {
    transact!(db, |tx| {
        let organisation = at_place(&mut tx, permit.place()).await?;
        let _of_this_organisation: (Vec<u8>,) = tx
            .query(sql!(
                "SELECT id FROM account WHERE id = $1 AND organisation = $2"
            ))
            .bind(account.0.as_bytes().to_vec())
            .bind(organisation.id.0.as_bytes().to_vec())
            .one()
            .await?;
        let closed = close_sessions(&mut tx, account).await?;
        let subject = account.0.to_string();
        write_change(&mut tx, permit, audit_id, at, ("close-sessions", &subject)).await?;
        closed
    })
}

async fn put_password(
    tx: &mut Tx,
    account: UserId,
    organisation: OrganisationId,
    password: &NewPassword,
) -> Result<()> {
    tx.query(sql!(
        "UPDATE account SET password_hash = $3, password_must_change = $4 WHERE id = $1 AND organisation = $2"
    ))
    .bind(account.0.as_bytes().to_vec())
    .bind(organisation.0.as_bytes().to_vec())
    .bind(password.hash.clone())
    .bind(i64::from(password.must_change))
    .expect(1)
    .await
}

async fn close_sessions(tx: &mut Tx, account: UserId) -> Result<u64> {
    tx.query(sql!("DELETE FROM session WHERE account = $1"))
        .bind(account.0.as_bytes().to_vec())
        .run()
        .await
}

async fn write_change(
    tx: &mut Tx,
    permit: &Permit,
    id: Uuid,
    at: Instant,
    (action, subject): (&str, &str),
) -> Result<()> {
    let municipality = match *permit.place() {
        Place::City(city) | Place::Venue { city, .. } => Some(city),
        Place::Nation | Place::Prefecture(_) | Place::Company(_) => None,
    };
    let detail = serde_json::json!({ "place": place_key(permit.place()) }).to_string();
    let change = Change {
        id,
        at,
        municipality,
        action,
        subject,
        detail: &detail,
    };
    audit::write(tx, permit.actor(), &change).await
}

async fn insert_organisation(tx: &mut Tx, new: &NewOrganisation, place: &Place) -> Result<()> {
    let (prefecture, municipality) = match *place {
        Place::Nation | Place::Company(_) => (None, None),
        Place::Prefecture(prefecture) => (Some(prefecture), None),
        Place::City(city) | Place::Venue { city, .. } => (city.prefecture(), Some(city)),
    };
    tx.query(sql!(
        "INSERT INTO organisation (id, kind, name, place, prefecture, municipality, facility_code, active)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1)"
    ))
    .bind(new.id.0.as_bytes().to_vec())
    .bind(new.kind.as_str().to_owned())
    .bind(new.name.clone())
    .bind(place_key(place))
    .bind(prefecture.map(|found| i64::from(found.number())))
    .bind(municipality.map(|code| code.as_str().to_owned()))
    .bind(new.facility_code.as_ref().map(|code| code.as_str().to_owned()))
    .expect(1)
    .await
}

async fn insert_account(
    tx: &mut Tx,
    organisation: &Organisation,
    new: &NewAccount,
    at: Instant,
) -> Result<Account> {
    tx.query(sql!(
        "INSERT INTO account (id, organisation, login, name, role, password_hash, password_must_change,
                              active, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)"
    ))
    .bind(new.id.0.as_bytes().to_vec())
    .bind(organisation.id.0.as_bytes().to_vec())
    .bind(new.login.clone())
    .bind(new.name.clone())
    .bind(new.role.as_str().to_owned())
    .bind(new.password_hash.clone())
    .bind(i64::from(new.password_must_change))
    .bind(at.micros())
    .expect(1)
    .await?;
    Ok(Account {
        id: new.id,
        login: new.login.clone(),
        name: new.name.clone(),
        role: new.role,
        organisation: organisation.clone(),
        active: true,
        password_must_change: new.password_must_change,
        password_hash: new.password_hash.clone(),
    })
}

async fn at_place(tx: &mut Tx, place: &Place) -> Result<Organisation> {
    let row: OrganisationRow = tx
        .query(sql!(
            "SELECT id, kind, name, place, municipality, facility_code, active FROM organisation WHERE place = $1"
        ))
        .bind(place_key(place))
        .one()
        .await?;
    organisation_of(row)
}

type OrganisationRow = (
    Vec<u8>,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    i64,
);
type AccountPart = (Vec<u8>, String, String, String, String, i64, i64);

/// An account's columns, then its organisation's.
#[derive(sqlx_macros::FromRow)]
struct AccountRow(
    Vec<u8>,
    String,
    String,
    String,
    String,
    i64,
    i64,
    Vec<u8>,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    i64,
);

fn account_of(row: AccountRow) -> Result<Account> {
    let AccountRow(a, b, c, d, e, f, g, h, i, j, k, l, m, n) = row;
    let (id, login, name, role, password_hash, must_change, active): AccountPart =
        (a, b, c, d, e, f, g);
    Ok(Account {
        id: UserId(uuid(&id, "account", "id")?),
        login,
        name,
        role: Role::parse(&role).ok_or(Error::Inconsistent {
            table: "account",
            column: "role",
        })?,
        organisation: organisation_of((h, i, j, k, l, m, n))?,
        active: active == 1,
        password_must_change: must_change == 1,
        password_hash,
    })
}

fn organisation_of(row: OrganisationRow) -> Result<Organisation> {
    let (id, kind, name, place, municipality, facility_code, active) = row;
    let wrong = |column| Error::Inconsistent {
        table: "organisation",
        column,
    };
    let id = OrganisationId(uuid(&id, "organisation", "id")?);
    let city = municipality
        .map(|code| MunicipalityCode::parse(&code).map_err(|_| wrong("municipality")))
        .transpose()?;
    let territory = match (place.split(':').next().unwrap_or_default(), city) {
        ("nation", _) => Territory::Nation,
        ("prefecture", _) => {
            let number = place
                .strip_prefix("prefecture:")
                .and_then(Prefecture::parse);
            Territory::Prefecture(number.ok_or(wrong("place"))?)
        }
        ("city", Some(city)) => Territory::City(city),
        ("venue", Some(city)) => Territory::Venue { id, city },
        ("company", _) => Territory::Company(id),
        _ => return Err(wrong("place")),
    };
    let facility_code = facility_code
        .map(|code| FacilityCode::parse(&code).map_err(|_| wrong("facility_code")))
        .transpose()?;
    Ok(Organisation {
        id,
        kind: OrganisationKind::parse(&kind).ok_or_else(|| wrong("kind"))?,
        name,
        territory,
        facility_code,
        active: active == 1,
    })
}

/// A place as the organisation's unique key spells it.
pub(crate) fn place_key(place: &Place) -> String {
    match place {
        Place::Nation => "nation".to_owned(),
        Place::Prefecture(prefecture) => format!("prefecture:{prefecture}"),
        Place::City(city) => format!("city:{city}"),
        Place::Venue { id, .. } => format!("venue:{}", id.0),
        Place::Company(id) => format!("company:{}", id.0),
    }
}

/// An id out of the bytes of its column.
pub(crate) fn uuid(bytes: &[u8], table: &'static str, column: &'static str) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| Error::Inconsistent { table, column })
}
