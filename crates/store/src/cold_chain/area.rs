//! The open excursions of an area, for the city and the prefecture that must help.

use std::collections::BTreeMap;

use domain::access::{OrganisationId, Permit};
use domain::calendar::Instant;
use domain::cold_chain::Fate;
use domain::stock::Goods;

use super::cooler_within;
use super::excursions::{Listed, open_within};
use crate::db::{Db, sql};
use crate::error::Result;
use crate::stock::organisation;
use crate::venues::area;

/// Venues with open excursions told at most: more at once are no matter of a list.
const VENUES_MAX: i64 = 200;

/// An open excursion at a venue of the area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Somewhere {
    /// The venue.
    pub venue: OrganisationId,
    /// Its name.
    pub name: String,
    /// Its city.
    pub municipality: String,
    /// What the venue calls the cooler.
    pub cooler: String,
    /// The excursion.
    pub listed: Listed,
    /// The vials in doubt.
    pub fates: BTreeMap<Goods, Fate>,
}

impl Somewhere {
    /// Vials that wait for a decision.
    #[must_use]
    pub fn undecided(&self) -> i64 {
        self.fates.values().map(|fate| fate.undecided).sum()
    }
}

/// The open excursions of the permit's area, those with the most vials in doubt first.
///
/// # Errors
/// The database's.
pub async fn of_area(db: &Db, permit: &Permit, now: Instant) -> Result<Vec<Somewhere>> {
    let (prefecture, city) = area(permit)?;
    let mut tx = db.begin_reading().await?;
    let venues: Vec<(Vec<u8>, String, String)> = tx
        .query(sql!(
            "SELECT o.id, o.name, COALESCE(o.municipality, '')
             FROM (SELECT DISTINCT venue FROM excursion WHERE state = 'open') AS e
             JOIN organisation AS o ON o.id = e.venue
             WHERE (CAST($1 AS BIGINT) IS NULL OR o.prefecture = $1)
               AND (CAST($2 AS TEXT) IS NULL OR o.municipality = $2)
             ORDER BY o.municipality, o.name, o.id LIMIT $3"
        ))
        .bind(prefecture)
        .bind(city)
        .bind(VENUES_MAX)
        .all()
        .await?;
    let mut found = Vec::new();
    for (id, name, municipality) in venues {
        let venue = organisation(&id, "excursion", "venue")?;
        for (listed, fates) in open_within(&mut tx, venue, now).await? {
            let cooler = cooler_within(&mut tx, venue, listed.cooler).await?;
            found.push(Somewhere {
                venue,
                name: name.clone(),
                municipality: municipality.clone(),
                cooler: cooler.map(|one| one.name).unwrap_or_default(),
                listed,
                fates,
            });
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.undecided()));
    Ok(found)
}
