//! Who is calling: the person, the organisation, and the permits they can ask for.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::Extensions;
use domain::access::{
    self, Action, Actor, CityPermit, NumberPermit, NumberPurpose, Permit, Place, Territory,
    VenuePermit,
};
use store::accounts::{Account, Organisation};

use crate::web::problem::Problem;

/// The person who is logged in. Clones share it: every layer that asks who calls makes one.
#[derive(Clone)]
pub struct Me(Arc<Caller>);

/// What is known of a person who is logged in.
pub struct Caller {
    /// The person as the rules see it.
    pub actor: Actor,
    /// The login.
    pub login: String,
    /// The person's name, for the page's head.
    pub name: String,
    /// Where the person works.
    pub organisation: Organisation,
    /// Whether the password was chosen by somebody else.
    pub password_must_change: bool,
    /// What every form of this session carries, to show that it came from a page of ours.
    pub csrf: String,
    /// How the session came in.
    pub way: Way,
}

/// How a session came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a browser's cookie, which other sites can make it send: unsafe methods need the token.
    Cookie,
    /// By an `Authorization` header, which only our own clients can make.
    Bearer,
}

impl Deref for Me {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Me {
    pub(crate) fn of(account: &Account, csrf: String, way: Way) -> Self {
        Self(Arc::new(Caller {
            actor: account.actor(),
            login: account.login.clone(),
            name: account.name.clone(),
            organisation: account.organisation.clone(),
            password_must_change: account.password_must_change,
            csrf,
            way,
        }))
    }

    /// Where the person works.
    #[must_use]
    pub fn place(&self) -> Place {
        self.actor.territory.place()
    }

    /// Where the person would do this: at home, but a city sees the counts of its prefecture.
    #[must_use]
    pub fn place_for(&self, action: Action) -> Place {
        match (action, self.place()) {
            (Action::SeeStatistics, Place::City(city)) => city
                .prefecture()
                .map_or(Place::City(city), Place::Prefecture),
            (_, home) => home,
        }
    }

    /// Whether the person may do this where they work: for showing a link or a button.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        access::may(&self.actor, action, &self.place_for(action))
    }

    /// The right to do this in one's own city.
    ///
    /// # Errors
    /// Forbidden, for people of other kinds of organisation and for roles that may not.
    pub fn city(&self, action: Action) -> Result<CityPermit, Problem> {
        let Territory::City(city) = self.actor.territory else {
            return Err(Problem::forbidden());
        };
        access::city(&self.actor, action, city).map_err(|_| Problem::forbidden())
    }

    /// The right to find people by their Individual Number for this purpose.
    ///
    /// # Errors
    /// As [`Me::city`].
    pub fn number(&self, purpose: NumberPurpose) -> Result<NumberPermit, Problem> {
        let Territory::City(city) = self.actor.territory else {
            return Err(Problem::forbidden());
        };
        access::number(&self.actor, Action::FindByNumber, city, purpose)
            .map_err(|_| Problem::forbidden())
    }

    /// The right to do this at one's own venue.
    ///
    /// # Errors
    /// As [`Me::city`].
    pub fn venue(&self, action: Action) -> Result<VenuePermit, Problem> {
        access::venue(&self.actor, action).map_err(|_| Problem::forbidden())
    }

    /// The right to do this at a place.
    ///
    /// # Errors
    /// As [`Me::city`].
    pub fn permit(&self, action: Action, place: Place) -> Result<Permit, Problem> {
        access::permit(&self.actor, action, place).map_err(|_| Problem::forbidden())
    }
}

/// What is known about the caller of a request; put there by the session layer.
#[derive(Clone)]
pub(crate) struct Identity(Arc<Result<Option<Me>, Problem>>);

impl Identity {
    pub(crate) fn new(found: Result<Option<Me>, Problem>) -> Self {
        Self(Arc::new(found))
    }

    /// The caller, nobody, or why that cannot be said now.
    pub(crate) fn of(extensions: &Extensions) -> Result<Option<Me>, Problem> {
        match extensions.get::<Self>() {
            Some(Self(found)) => found.as_ref().clone(),
            None => Ok(None),
        }
    }
}
