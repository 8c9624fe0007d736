//! The checking of logins, with brakes on guessing.
//!
//! Who guesses is slowed down by login and by address; whether a login exists shows neither in
//! the words nor in the time of the answer.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, StatusCode};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use store::Db;
use store::accounts::{self, Account};

use crate::web::passwords::Passwords;
use crate::web::problem::Problem;

/// Tries for one login at once; then one each [`LOGIN_REFILL`].
const LOGIN_BURST: u32 = 10;
const LOGIN_REFILL: Duration = Duration::from_secs(20);
/// Tries from one address at once, which may be a whole city hall's; then one each [`ADDRESS_REFILL`].
const ADDRESS_BURST: u32 = 100;
const ADDRESS_REFILL: Duration = Duration::from_secs(2);
/// Characters of a login at most.
pub const LOGIN_CHARACTERS_MAX: usize = 64;

/// Checks who may log in.
#[derive(Clone)]
pub struct Logins {
    db: Db,
    /// The hashing of passwords.
    pub passwords: Passwords,
    by_login: Arc<DefaultKeyedRateLimiter<String>>,
    by_address: Arc<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Logins {
    /// Checks over a database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            passwords: Passwords::default(),
            by_login: Arc::new(RateLimiter::keyed(quota(LOGIN_BURST, LOGIN_REFILL))),
            by_address: Arc::new(RateLimiter::keyed(quota(ADDRESS_BURST, ADDRESS_REFILL))),
        }
    }

    /// The account of a login and its password.
    ///
    /// # Errors
    /// `login_refused` for a wrong one, whichever of the two is wrong, and for a closed account;
    /// `too_many_logins` with the seconds to wait.
    pub async fn check(
        &self,
        login: &str,
        password: String,
        address: Option<IpAddr>,
    ) -> Result<Account, Problem> {
        let login = login.trim().to_lowercase();
        if login.chars().count() > LOGIN_CHARACTERS_MAX
            || password.len() > 4 * super::passwords::CHARACTERS_MAX
        {
            return Err(refused());
        }
        if let Some(address) = address {
            allowed(self.by_address.check_key(&address))?;
        }
        allowed(self.by_login.check_key(&login))?;
        let found = accounts::by_login(&self.db, &login).await?;
        let hash = found.as_ref().map(|account| account.password_hash.clone());
        let is_right = self.passwords.verify(password, hash).await?;
        found
            .filter(|account| is_right && account.active && account.organisation.active)
            .ok_or_else(refused)
    }

    /// Forgets who has not tried for long; call it now and then.
    pub fn sweep(&self) {
        self.by_login.retain_recent();
        self.by_address.retain_recent();
    }
}

fn refused() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "login_refused")
}

fn quota(burst: u32, refill: Duration) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    // Only a refill of no time at all is none.
    Quota::with_period(refill)
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(burst)
}

fn allowed<T, P: governor::clock::Reference>(
    checked: Result<T, governor::NotUntil<P>>,
) -> Result<(), Problem>
where
    DefaultClock: Clock<Instant = P>,
{
    let Err(not_until) = checked else {
        return Ok(());
    };
    let wait = not_until.wait_time_from(DefaultClock::default().now());
    let seconds = u32::try_from(wait.as_secs())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    Err(
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_logins")
            .arg("seconds", seconds)
            .member("seconds", seconds)
            .retry_after(seconds),
    )
}

/// Where a request comes from: the peer, or whom our own proxy names last.
#[must_use]
pub fn caller(extensions: &Extensions, headers: &HeaderMap, behind_proxy: bool) -> Option<IpAddr> {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    if !behind_proxy {
        return peer;
    }
    let named = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|address| address.trim().parse().ok());
    named.or(peer)
}
