//! What every handler can reach: the database, the recorder, the clock, the sessions.

use std::ops::Deref;
use std::sync::Arc;

use domain::calendar::{Day, Instant};
use store::Db;
use store::recorder::{Outside, Recorder};
use store::seals::Seals;
use uuid::Uuid;

use crate::tablet::used::Filters;
use crate::web::logins::Logins;
use crate::web::session::Sessions;

/// The program while it runs. Clones share everything, and cost one counter: every layer of every
/// request makes one.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the program is made of.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The way into the ledgers.
    pub recorder: Recorder,
    /// The clock and the randomness.
    pub outside: Outside,
    /// What seals Individual Numbers; none without keys, and then they are dropped.
    pub seals: Option<Seals>,
    /// The coupons already used, for tablets to carry.
    pub used_coupons: Filters,
    /// Who is logged in.
    pub sessions: Sessions,
    /// The checking of passwords, with its brakes.
    pub logins: Logins,
    /// The address by which people reach the program, without a slash at the end.
    pub address: Arc<str>,
    /// Whether that is an https address; then cookies go over nothing else.
    pub address_is_https: bool,
    /// Whether a proxy of ours stands before, whose word on the caller's address counts.
    pub behind_proxy: bool,
}

impl From<Parts> for App {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.outside.now)()
    }

    /// Today in Japan.
    #[must_use]
    pub fn today(&self) -> Day {
        self.now().day_in_japan()
    }

    /// A new id, in order of time.
    #[must_use]
    pub fn fresh_id(&self) -> Uuid {
        crate::clock::fresh_id(&self.outside)
    }
}
