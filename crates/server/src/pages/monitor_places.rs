//! The places that monitors are of: what an address names, whether the caller may see it, and how it is called.

use domain::access::{Action, OrganisationId, Permit, Place};
use domain::places::{MunicipalityCode, Places, Prefecture};
use store::monitors;

use crate::state::App;
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;

/// How an address names the nation.
pub const NATION: &str = "JP";

/// A place somebody looks at, with the right to do so.
pub struct Seat {
    /// The right, with the place.
    pub permit: Permit,
    /// As an address names it: `JP`, `13`, `131016`, or a venue's id.
    pub word: String,
    /// A venue's name; empty of the others, which have theirs from the tables.
    venue_name: String,
}

impl Seat {
    /// The place that an address names. What the caller may not see is not found, as what is not there.
    ///
    /// # Errors
    /// Not found, or the database's.
    pub async fn find(app: &App, me: &Me, word: &str) -> Result<Self, Problem> {
        let mut venue_name = String::new();
        let place = match place(word) {
            Some(place) => place,
            None => {
                let id = word.parse().map(OrganisationId);
                let id = id.map_err(|_| Problem::not_found())?;
                let found = monitors::venue(&app.db, id).await?;
                let (name, city) = found.ok_or_else(Problem::not_found)?;
                venue_name = name;
                Place::Venue { id, city }
            }
        };
        let permit = me.permit(Action::SeeSupply, place);
        Ok(Self {
            permit: permit.map_err(|_| Problem::not_found())?,
            word: word.to_owned(),
            venue_name,
        })
    }

    /// The caller's own place.
    ///
    /// # Errors
    /// Forbidden, for whoever gives no vaccine to anybody.
    pub fn own(me: &Me) -> Result<Self, Problem> {
        let permit = me.permit(Action::SeeSupply, me.place())?;
        Ok(Self {
            word: word(permit.place()),
            permit,
            venue_name: String::new(),
        })
    }

    /// The place that is named, or the caller's own where none is.
    ///
    /// # Errors
    /// As [`Seat::find`] and [`Seat::own`].
    pub async fn asked(app: &App, me: &Me, word: Option<&str>) -> Result<Self, Problem> {
        match word.filter(|word| !word.is_empty()) {
            Some(word) => Self::find(app, me, word).await,
            None => Self::own(me),
        }
    }

    /// Which place.
    #[must_use]
    pub fn place(&self) -> Place {
        *self.permit.place()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self, texts: Texts) -> String {
        match self.place() {
            Place::Venue { .. } | Place::Company(_) => self.venue_name.clone(),
            place => name(&place, texts),
        }
    }

    /// Where it lies: the places above it that the caller may see, from above.
    #[must_use]
    pub fn above(&self, me: &Me, texts: Texts) -> Vec<(String, String)> {
        let city = match self.place() {
            Place::Venue { city, .. } => Some(city),
            _ => None,
        };
        let prefecture = match self.place() {
            Place::Venue { city, .. } | Place::City(city) => city.prefecture(),
            _ => None,
        };
        let nation = (self.place() != Place::Nation).then_some(Place::Nation);
        let above = [
            nation,
            prefecture.map(Place::Prefecture),
            city.map(Place::City),
        ];
        let may = |place: &Place| me.permit(Action::SeeSupply, *place).is_ok();
        let seen = above.into_iter().flatten().filter(may);
        seen.map(|place| (word(&place), name(&place, texts)))
            .collect()
    }
}

fn place(word: &str) -> Option<Place> {
    if word == NATION {
        return Some(Place::Nation);
    }
    let prefecture = Prefecture::parse(word).map(Place::Prefecture);
    prefecture.or_else(|| MunicipalityCode::parse(word).ok().map(Place::City))
}

/// As an address names a place.
#[must_use]
pub fn word(place: &Place) -> String {
    match place {
        Place::Nation => NATION.to_owned(),
        Place::Prefecture(prefecture) => prefecture.to_string(),
        Place::City(city) => city.to_string(),
        Place::Venue { id, .. } | Place::Company(id) => id.to_string(),
    }
}

/// The name of a nation, prefecture or city.
#[must_use]
pub fn name(place: &Place, texts: Texts) -> String {
    let places = Places::bundled();
    match place {
        Place::Nation => texts.t("statistics-nation"),
        Place::Prefecture(prefecture) => places.prefecture_name(*prefecture).to_owned(),
        Place::City(city) => places
            .any(*city)
            .map_or_else(|| city.to_string(), |place| place.name.clone()),
        Place::Venue { id, .. } | Place::Company(id) => id.to_string(),
    }
}
