//! The whole program over an empty database, for tests: every role, no network, no clock but its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, LOCATION};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use domain::access::{self, Action, OrganisationKind, Place, Role};
use domain::calendar::Instant;
use domain::places::{MunicipalityCode, Prefecture};
use domain::venues::FacilityCode;
use serde_json::Value;
use store::accounts::{self, Account};
use store::recorder::{Outside, Pace, Recorder};
use store::seals::{KeyRing, MasterKey, Seals};
use store::{Db, Location};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::keys::{self, Keys};
use crate::state::{App, Parts};
use crate::web::logins::Logins;
use crate::web::passwords;
use crate::web::routes::{Listed, is_api};
use crate::web::session::{Lifetime, Sessions};

/// The password of everybody in the house.
pub(crate) const PASSWORD: &str = "an easy password to type";

/// The code of the venue.
pub(crate) const FACILITY: &str = "1391000013";

/// The program over an empty database, with one account for each kind of organisation and role.
pub(crate) struct House {
    pub app: App,
    pub people: Vec<Account>,
    /// Built once: to build it takes longer than most answers.
    router: Router,
    clock: Arc<AtomicI64>,
    _folder: TempDir,
}

impl House {
    /// Builds it.
    pub(crate) async fn build() -> Self {
        Self::build_with(true).await
    }

    /// Builds it without keys of Individual Numbers.
    pub(crate) async fn without_keys() -> Self {
        Self::build_with(false).await
    }

    async fn build_with(keys: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&Location::Sqlite(folder.path().join("test.db")))
            .await
            .unwrap();
        store::migrations::migrate(&db).await.unwrap();
        let clock = Arc::new(AtomicI64::new(1_618_200_000_000_000));
        let ticking = Arc::clone(&clock);
        let outside = Outside {
            // Ids in order of time must differ: each look at the clock is a millisecond later.
            now: Arc::new(move || {
                Instant::from_micros(ticking.fetch_add(1_000, Ordering::Relaxed))
            }),
            salt: crate::clock::outside().unwrap().salt,
        };
        let (recorder, _) = Recorder::start(&db, &outside, Pace::default()).unwrap();
        let app = App::from(Parts {
            sessions: Sessions::new(db.clone(), outside.clone(), Lifetime::default()),
            logins: Logins::new(db.clone()),
            address: Arc::from("http://127.0.0.1"),
            address_is_https: false,
            behind_proxy: false,
            used_coupons: crate::tablet::used::Filters::default(),
            seals: keys.then(|| seals(folder.path(), &outside)),
            db,
            recorder,
            outside,
        });
        let people = people(&app).await;
        Self {
            router: crate::web::router(app.clone()),
            app,
            people,
            clock,
            _folder: folder,
        }
    }

    /// Moves the clock on.
    pub(crate) fn wait(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::Relaxed);
    }

    /// The account of a kind of organisation and a role.
    pub(crate) fn person(&self, kind: OrganisationKind, role: Role) -> &Account {
        let is_wanted = |person: &&Account| person.organisation.kind == kind && person.role == role;
        self.people.iter().find(is_wanted).unwrap()
    }

    /// Sends a request with these headers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await.unwrap()).into_owned();
        let code = if is_api(path) {
            serde_json::from_str(&text)
                .ok()
                .and_then(|json: Value| Some(json.get("code")?.as_str()?.to_owned()))
        } else {
            // The page of a problem shows its code.
            text.split("<code>")
                .nth(1)
                .and_then(|rest| Some(rest.split('<').next()?.to_owned()))
        };
        Answer {
            status: head.status,
            headers: head.headers,
            text,
            code,
        }
    }

    /// Calls a route with something in the holes of its path, and nothing in its body.
    pub(crate) async fn call(&self, listed: &Listed, header: Option<(&str, &str)>) -> Answer {
        let headers: Vec<_> = header.into_iter().collect();
        self.send(
            listed.method.clone(),
            &filled(listed.path),
            &headers,
            Body::empty(),
        )
        .await
    }

    /// A program's header for a person.
    pub(crate) async fn bearer(&self, person: &Account) -> (&'static str, String) {
        let token = self.app.sessions.open(person.id).await.unwrap().token;
        (AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }
}

/// What seals with a key of this house alone.
fn seals(folder: &std::path::Path, outside: &Outside) -> Seals {
    let path = folder.join("keys");
    let key = MasterKey::make((outside.now)().day_in_japan(), &*outside.salt);
    keys::write_new(&path, &KeyRing::new(key)).unwrap();
    Keys::File(path).seals(outside).unwrap().unwrap()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// The code of a problem.
    pub code: Option<String>,
}

impl Answer {
    /// Whether it is forbidden for this reason.
    pub(crate) fn is_refused(&self, code: &str) -> bool {
        self.status == StatusCode::FORBIDDEN && self.code.as_deref() == Some(code)
    }

    /// Where the browser is sent.
    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A path with something in its holes that could be there and is not.
pub(crate) fn filled(path: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) = after.split_once('}').unwrap();
        filled.push_str(before);
        filled.push_str(match hole {
            "municipality" | "code" | "city" => "131016",
            "number" | "coupon" => "0000000001",
            "line" | "digits" => "211310160000000001",
            "*path" | "print" | "file" => "nothing",
            _ => "01890a5d-ac96-774b-bcce-b302099a8057",
        });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

async fn people(app: &App) -> Vec<Account> {
    let city = MunicipalityCode::parse("131016").unwrap();
    let tokyo = Prefecture::new(13).unwrap();
    let nation = organisation(app, OrganisationKind::Nation);
    let first = account(app, OrganisationKind::Nation, Role::Administrator);
    let first = accounts::first_administrator(&app.db, &nation, &first, app.now())
        .await
        .unwrap();
    let mut people = vec![first];
    for kind in OrganisationKind::ALL {
        let new = organisation(app, kind);
        let place = match kind {
            OrganisationKind::Nation => Place::Nation,
            OrganisationKind::Prefecture => Place::Prefecture(tokyo),
            OrganisationKind::City => Place::City(city),
            OrganisationKind::Venue => Place::Venue { id: new.id, city },
            _ => Place::Company(new.id),
        };
        let manages =
            |person: &&Account| access::may(&person.actor(), Action::ManageAccounts, &place);
        let founder = people.iter().rev().find(manages).unwrap().actor();
        let permit = access::permit(&founder, Action::ManageAccounts, place).unwrap();
        if kind != OrganisationKind::Nation {
            accounts::found_organisation(&app.db, &permit, &new, app.fresh_id(), app.now())
                .await
                .unwrap();
        }
        for role in Role::ALL {
            let new = account(app, kind, role);
            // The nation's administrator is the one who came first.
            if people.iter().any(|person| person.login == new.login) {
                continue;
            }
            let made = accounts::create_account(&app.db, &permit, &new, app.fresh_id(), app.now());
            people.push(made.await.unwrap());
        }
    }
    assert_eq!(people.len(), OrganisationKind::ALL.len() * Role::ALL.len());
    people
}

fn organisation(app: &App, kind: OrganisationKind) -> accounts::NewOrganisation {
    accounts::NewOrganisation {
        id: domain::access::OrganisationId(app.fresh_id()),
        kind,
        name: kind.as_str().to_owned(),
        facility_code: (kind == OrganisationKind::Venue)
            .then(|| FacilityCode::parse(FACILITY).unwrap()),
    }
}

static HASH: std::sync::OnceLock<String> = std::sync::OnceLock::new();

fn account(app: &App, kind: OrganisationKind, role: Role) -> accounts::NewAccount {
    accounts::NewAccount {
        id: domain::access::UserId(app.fresh_id()),
        login: format!("{}-{}", kind.as_str(), role.as_str()),
        name: "nobody".to_owned(),
        role,
        password_hash: HASH
            .get_or_init(|| passwords::hash(PASSWORD).unwrap())
            .clone(),
        password_must_change: false,
    }
}
