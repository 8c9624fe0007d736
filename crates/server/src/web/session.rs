//! Who is logged in: sessions over our own table, by a browser's cookie or a program's header.
//!
//! A session ends when nobody used it for a while, when it gets too old, or when it is closed. An
//! answer from the database is believed for `BELIEVED_MICROS`, so that a busy tablet does not ask
//! for its session each time; closing a session on this server forgets it here at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::access::UserId;
use domain::calendar::Instant;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::Db;
use store::accounts::Account;
use store::recorder::Outside;
use store::sessions::{Session as Kept, TokenHash};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult};
use tower_sessions::{Session, SessionManagerLayer, SessionStore};
use uuid::Uuid;

use crate::state::App;
use crate::web::me::{Identity, Me, Way};
use crate::web::problem::Problem;

/// How long an answer from the database is believed. A session closed on another server lives on
/// here for as long.
const BELIEVED_MICROS: i64 = 3_000_000;
/// Answers that are kept at most, to bound the memory that strangers' tokens can take.
const BELIEVED_MAX: usize = 20_000;
/// How often a session in use is written, to move its end on.
const SEEN_MICROS: i64 = 60_000_000;
const MICROS_PER_MINUTE: i64 = 60_000_000;

const ACCOUNT: &str = "account";
const CSRF: &str = "csrf";
const OPENED_AT: &str = "opened_at";
const SEEN_AT: &str = "seen_at";

/// When sessions end by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Minutes without use.
    pub idle_minutes: u32,
    /// Hours since login, used or not.
    pub hours: u32,
}

impl Default for Lifetime {
    /// Two hours, as between two rushes at a venue; twelve, as a long day has.
    fn default() -> Self {
        Self {
            idle_minutes: 120,
            hours: 12,
        }
    }
}

/// The open sessions.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    db: Db,
    outside: Outside,
    lifetime: Lifetime,
    sessions: Mutex<HashMap<TokenHash, Believed<Option<Kept>>>>,
    accounts: Mutex<HashMap<UserId, Believed<Option<Arc<Account>>>>>,
    /// Who calls in a session, by what is believed of both; no longer than the older of the two.
    callers: Mutex<HashMap<TokenHash, Believed<Me>>>,
    /// When each session's end was last moved on: of many requests that come together in one
    /// session, one writes.
    seen: Mutex<HashMap<TokenHash, Instant>>,
}

struct Believed<T> {
    what: T,
    since: Instant,
}

/// A session that was just opened for a program.
pub struct Opened {
    /// What the program sends in its `Authorization` header.
    pub token: String,
    /// When it must log in again at the latest.
    pub expires_at: Instant,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// Sessions over a database.
    #[must_use]
    pub fn new(db: Db, outside: Outside, lifetime: Lifetime) -> Self {
        Self(Arc::new(Inner {
            db,
            outside,
            lifetime,
            sessions: Mutex::default(),
            accounts: Mutex::default(),
            callers: Mutex::default(),
            seen: Mutex::default(),
        }))
    }

    /// The name of the cookie: the `__Host-` kind is bound to this host and to https.
    fn cookie_name(secure: bool) -> &'static str {
        if secure { "__Host-sesshu" } else { "sesshu" }
    }

    /// The layer that reads and writes the cookie.
    pub(crate) fn layer(&self, secure: bool) -> SessionManagerLayer<Self> {
        SessionManagerLayer::new(self.clone())
            .with_name(Self::cookie_name(secure))
            .with_secure(secure)
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_path("/")
    }

    /// Logs a browser in, in a session with a new token, so that one planted before is worth nothing.
    ///
    /// # Errors
    /// The database's own.
    pub async fn log_in(&self, session: &Session, account: UserId) -> Result<(), Problem> {
        let fill = async {
            session.clear().await;
            session.cycle_id().await?;
            for (key, value) in self.contents(account) {
                session.insert_value(key, value).await?;
            }
            session.save().await
        };
        fill.await.map_err(|error| unavailable(&error))
    }

    /// Logs out: the session is closed for good.
    ///
    /// # Errors
    /// The database's own.
    pub async fn log_out(&self, session: &Session) -> Result<(), Problem> {
        session.flush().await.map_err(|error| unavailable(&error))
    }

    /// Opens a session for a program.
    ///
    /// # Errors
    /// The database's own.
    pub async fn open(&self, account: UserId) -> Result<Opened, Problem> {
        let session = Session::new(None, Arc::new(self.clone()), None);
        self.log_in(&session, account).await?;
        let token = session.id().ok_or_else(Problem::internal)?.to_string();
        let hours = i64::from(self.0.lifetime.hours);
        let expires_at = (self.0.outside.now)()
            .micros()
            .saturating_add(hours * 60 * MICROS_PER_MINUTE);
        Ok(Opened {
            token,
            expires_at: Instant::from_micros(expires_at),
        })
    }

    /// Forgets what is believed: call it after closing sessions or changing accounts.
    pub fn forget(&self) {
        lock(&self.0.sessions).clear();
        lock(&self.0.accounts).clear();
        lock(&self.0.callers).clear();
    }

    /// Who calls in this session, if it was asked a moment ago: a busy tablet's reports are not each looked
    /// up, taken apart and put together anew.
    fn caller(&self, id: Id, way: Way, now: Instant) -> Option<Me> {
        let callers = lock(&self.0.callers);
        let believed = callers.get(&token_hash(id)).filter(|one| one.holds(now))?;
        Some(believed.what.clone()).filter(|me| me.way == way)
    }

    /// Believes that this person calls in this session for as long as what it follows from is believed.
    fn remember_caller(&self, id: Id, me: &Me) {
        let hash = token_hash(id);
        let session = lock(&self.0.sessions).get(&hash).map(|one| one.since);
        let account = lock(&self.0.accounts)
            .get(&me.actor.user)
            .map(|one| one.since);
        let (Some(session), Some(account)) = (session, account) else {
            return;
        };
        remember(&self.0.callers, hash, me.clone(), session.min(account));
    }

    /// Whether it is this request that moves the session's end on.
    fn moves_on(&self, id: Id, now: Instant) -> bool {
        let lately = |at: &Instant| now.micros().saturating_sub(at.micros()) <= SEEN_MICROS;
        let hash = token_hash(id);
        let mut seen = lock(&self.0.seen);
        if seen.get(&hash).is_some_and(lately) {
            return false;
        }
        if seen.len() >= BELIEVED_MAX {
            seen.retain(|_, at| lately(at));
        }
        seen.insert(hash, now);
        true
    }

    fn contents(&self, account: UserId) -> [(&'static str, Value); 4] {
        let now = (self.0.outside.now)().micros();
        [
            (ACCOUNT, account.0.to_string().into()),
            (CSRF, hex::encode((self.0.outside.salt)()).into()),
            (OPENED_AT, now.into()),
            (SEEN_AT, now.into()),
        ]
    }

    async fn account(&self, id: UserId) -> store::Result<Option<Arc<Account>>> {
        let now = (self.0.outside.now)();
        if let Some(believed) = lock(&self.0.accounts)
            .get(&id)
            .filter(|found| found.holds(now))
        {
            return Ok(believed.what.clone());
        }
        let found = store::accounts::by_id(&self.0.db, id).await?.map(Arc::new);
        remember(&self.0.accounts, id, found.clone(), now);
        Ok(found)
    }

    /// A session's row: its end is reckoned here, by our own clock.
    fn kept(&self, record: &Record) -> StoreResult<Kept> {
        let number = |key| record.data.get(key).and_then(Value::as_i64);
        let now = (self.0.outside.now)().micros();
        let idle = i64::from(self.0.lifetime.idle_minutes).saturating_mul(MICROS_PER_MINUTE);
        let most = i64::from(self.0.lifetime.hours).saturating_mul(60 * MICROS_PER_MINUTE);
        let end = now
            .saturating_add(idle)
            .min(number(OPENED_AT).unwrap_or(now).saturating_add(most));
        Ok(Kept {
            account: account_in(record.data.get(ACCOUNT)),
            record: serde_json::to_string(&record.data)
                .map_err(|error| StoreError::Encode(error.to_string()))?,
            expires_at: Instant::from_micros(end),
        })
    }
}

impl<T> Believed<T> {
    fn holds(&self, now: Instant) -> bool {
        now.micros().saturating_sub(self.since.micros()) < BELIEVED_MICROS
    }
}

fn lock<T>(kept: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic while it was held left a whole map: every change to it is one call.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<K: Eq + std::hash::Hash, T>(
    kept: &Mutex<HashMap<K, Believed<T>>>,
    key: K,
    what: T,
    since: Instant,
) {
    let mut kept = lock(kept);
    if kept.len() >= BELIEVED_MAX {
        kept.retain(|_, believed| believed.holds(since));
    }
    if kept.len() < BELIEVED_MAX {
        kept.insert(key, Believed { what, since });
    }
}

fn account_in(value: Option<&Value>) -> Option<UserId> {
    value
        .and_then(Value::as_str)
        .and_then(|id| Uuid::parse_str(id).ok())
        .map(UserId)
}

fn token_hash(id: Id) -> TokenHash {
    Sha256::digest(id.to_string().as_bytes()).into()
}

fn failed(error: &store::Error) -> StoreError {
    tracing::error!(%error, "session.not_stored");
    StoreError::Backend(error.to_string())
}

fn unavailable(error: &tower_sessions::session::Error) -> Problem {
    tracing::error!(%error, "session.unavailable");
    Problem::storage_unavailable()
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        let kept = self.kept(record)?;
        let hash = token_hash(record.id);
        store::sessions::open(&self.0.db, &hash, &kept)
            .await
            .map_err(|error| failed(&error))?;
        remember(&self.0.sessions, hash, Some(kept), (self.0.outside.now)());
        Ok(())
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let kept = self.kept(record)?;
        let hash = token_hash(record.id);
        let open = store::sessions::keep(&self.0.db, &hash, &kept)
            .await
            .map_err(|error| failed(&error))?;
        lock(&self.0.callers).remove(&hash);
        // One that was closed meanwhile stays closed.
        remember(
            &self.0.sessions,
            hash,
            open.then_some(kept),
            (self.0.outside.now)(),
        );
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let hash = token_hash(*id);
        let now = (self.0.outside.now)();
        let believed = lock(&self.0.sessions)
            .get(&hash)
            .filter(|found| found.holds(now))
            .map(|found| found.what.clone());
        let kept = match believed {
            Some(kept) => kept.filter(|kept| kept.expires_at > now),
            None => {
                let kept = store::sessions::load(&self.0.db, &hash, now)
                    .await
                    .map_err(|error| failed(&error))?;
                remember(&self.0.sessions, hash, kept.clone(), now);
                kept
            }
        };
        let Some(kept) = kept else { return Ok(None) };
        let data = serde_json::from_str(&kept.record)
            .map_err(|error| StoreError::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(kept.expires_at.micros() / 1_000_000)
            .map_err(|error| StoreError::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        let hash = token_hash(*id);
        store::sessions::close(&self.0.db, &hash)
            .await
            .map_err(|error| failed(&error))?;
        lock(&self.0.sessions).remove(&hash);
        lock(&self.0.callers).remove(&hash);
        Ok(())
    }
}

/// Hands a program's token to the same sessions that browsers have, and keeps cookies out of it.
pub(crate) async fn bearer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|token| {
            format!(
                "{}={}",
                Sessions::cookie_name(app.address_is_https),
                token.trim()
            )
        });
    let Some(cookie) = token else {
        request.extensions_mut().insert(Way::Cookie);
        return next.run(request).await;
    };
    let Ok(cookie) = HeaderValue::from_str(&cookie) else {
        return Problem::not_logged_in().into_response();
    };
    request.headers_mut().insert(COOKIE, cookie);
    request.extensions_mut().insert(Way::Bearer);
    let mut response = next.run(request).await;
    response.headers_mut().remove(SET_COOKIE);
    response
}

/// Finds out who calls, for the guards and the pages.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let way = request
        .extensions()
        .get::<Way>()
        .copied()
        .unwrap_or(Way::Cookie);
    let session = request.extensions().get::<Session>().cloned();
    let found = match session {
        Some(session) => who(&app, &session, way).await,
        None => Ok(None),
    };
    let identity = Identity::new(found);
    request.extensions_mut().insert(identity.clone());
    let mut response = next.run(request).await;
    // The page of a problem shows who is logged in, too.
    response.extensions_mut().insert(identity);
    response
}

async fn who(app: &App, session: &Session, way: Way) -> Result<Option<Me>, Problem> {
    let unavailable = |error| unavailable(&error);
    let Some(session_id) = session.id() else {
        return Ok(None);
    };
    let now = app.now();
    if let Some(me) = app.sessions.caller(session_id, way, now) {
        return Ok(Some(me));
    }
    let value = session.get_value(ACCOUNT).await.map_err(unavailable)?;
    let Some(id) = account_in(value.as_ref()) else {
        return Ok(None);
    };
    let Some(account) = app.sessions.account(id).await? else {
        return Ok(None);
    };
    if !account.active || !account.organisation.active {
        return Ok(None);
    }
    let csrf: String = session
        .get(CSRF)
        .await
        .map_err(unavailable)?
        .unwrap_or_default();
    let seen: i64 = session
        .get(SEEN_AT)
        .await
        .map_err(unavailable)?
        .unwrap_or_default();
    let is_old = now.micros().saturating_sub(seen) > SEEN_MICROS;
    if is_old && app.sessions.moves_on(session_id, now) {
        session
            .insert_value(SEEN_AT, now.micros().into())
            .await
            .map_err(unavailable)?;
    }
    let me = Me::of(&account, csrf, way);
    app.sessions.remember_caller(session_id, &me);
    Ok(Some(me))
}
