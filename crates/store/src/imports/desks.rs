//! At whose desk a file lies: a city's, for people and records, or that of an area, for venues. The two never meet, so no
//! right to the one reaches a file of the other.

use domain::access::{Action, Actor, CityPermit, Permit};
use domain::places::{MunicipalityCode, Prefecture};
use domain::venues::files::Area;

use super::{Kind, bad};
use crate::accounts::place_key;
use crate::error::{Error, Result};
use crate::stock::wrong_permit;

/// At whose desk a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// A city's, where its people and records are.
    People(MunicipalityCode),
    /// That of an area, where its venues are.
    Venues(Area),
}

impl Desk {
    /// How tables name it: by the city's code, or by the place of the area.
    pub(crate) fn key(self) -> String {
        match self {
            Self::People(city) => city.as_str().to_owned(),
            Self::Venues(area) => place_key(&area.place()),
        }
    }

    pub(super) fn parse(key: &str) -> Result<Self> {
        if let Ok(city) = MunicipalityCode::parse(key) {
            return Ok(Self::People(city));
        }
        let area = match key.split_once(':') {
            None if key == "nation" => Some(Area::Nation),
            Some(("prefecture", number)) => Prefecture::parse(number).map(Area::Prefecture),
            Some(("city", code)) => MunicipalityCode::parse(code).ok().map(Area::City),
            _ => None,
        };
        area.map(Self::Venues).ok_or_else(|| bad("desk"))
    }

    /// The city whose people it has.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if it is a desk of venues.
    pub fn city(self) -> Result<MunicipalityCode> {
        match self {
            Self::People(city) => Ok(city),
            Self::Venues(_) => Err(bad("desk")),
        }
    }

    /// The area whose venues it has.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if it is a desk of people.
    pub fn area(self) -> Result<Area> {
        match self {
            Self::Venues(area) => Ok(area),
            Self::People(_) => Err(bad("desk")),
        }
    }

    /// Whether files of this kind lie there.
    pub(super) fn takes(self, kind: Kind) -> bool {
        matches!(self, Self::Venues(_)) == (kind == Kind::Venues)
    }

    /// Whose audit tells of it; none if it is no city's.
    pub(super) fn audited(self) -> Option<MunicipalityCode> {
        match self {
            Self::People(city) | Self::Venues(Area::City(city)) => Some(city),
            Self::Venues(Area::Nation | Area::Prefecture(_)) => None,
        }
    }
}

/// The right to work with the files of a desk.
#[derive(Clone, Debug)]
pub enum Right {
    /// With those of a city's people and records.
    People(CityPermit),
    /// With those of an area's venues.
    Venues(Permit),
}

impl From<&CityPermit> for Right {
    fn from(permit: &CityPermit) -> Self {
        Self::People(permit.clone())
    }
}

impl From<&Permit> for Right {
    fn from(permit: &Permit) -> Self {
        Self::Venues(permit.clone())
    }
}

impl From<&Self> for Right {
    fn from(right: &Self) -> Self {
        right.clone()
    }
}

impl Right {
    /// The desk.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if the permit is for something else than files.
    pub fn desk(&self) -> Result<Desk> {
        match self {
            Self::People(permit) => Ok(Desk::People(permit.city())),
            Self::Venues(permit) if permit.action() == Action::LoadVenues => {
                let area = Area::of(permit.place());
                area.map(Desk::Venues).ok_or_else(wrong_permit)
            }
            Self::Venues(_) => Err(wrong_permit()),
        }
    }

    /// Who asked.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        match self {
            Self::People(permit) => permit.actor(),
            Self::Venues(permit) => permit.actor(),
        }
    }

    pub(super) fn of_people(&self) -> Result<&CityPermit> {
        match self {
            Self::People(permit) => Ok(permit),
            Self::Venues(_) => Err(wrong_permit()),
        }
    }

    pub(super) fn of_venues(&self) -> Result<&Permit> {
        match self {
            Self::Venues(permit) => Ok(permit),
            Self::People(_) => Err(wrong_permit()),
        }
    }

    /// Refuses a file of another desk.
    pub(super) fn for_desk(&self, desk: Desk) -> Result<()> {
        if self.desk()? == desk {
            Ok(())
        } else {
            Err(Error::Inconsistent {
                table: "import",
                column: "desk",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_reads_back_and_a_citys_people_are_not_its_venues() {
        let city = MunicipalityCode::parse("131016").unwrap();
        let tokyo = Prefecture::new(13).unwrap();
        let desks = [
            Desk::People(city),
            Desk::Venues(Area::City(city)),
            Desk::Venues(Area::Prefecture(tokyo)),
            Desk::Venues(Area::Nation),
        ];
        let keys = desks.map(Desk::key);
        assert_eq!(keys, ["131016", "city:131016", "prefecture:13", "nation"]);
        for (desk, key) in desks.into_iter().zip(keys) {
            assert_eq!(Desk::parse(&key).unwrap(), desk);
        }
        assert!(Desk::parse("venue:1").is_err());
    }
}
