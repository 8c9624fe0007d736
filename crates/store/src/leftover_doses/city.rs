//! What became of the leftover doses of a city's venues, and what they threw away unused. No person is in it.

use domain::access::{Action, CityPermit};
use domain::calendar::Day;
use domain::closings::{Line, Purpose, Reason};
use domain::leftover_doses::thrown_away;
use domain::standby::Word;

use super::{Known, Offer, OfferCount, bad, offers_within, told_within};
use crate::db::{Db, sql};
use crate::error::Result;
use crate::stock::{day_in, organisation, wrong_permit};

/// Venues and days shown at most, the newest.
const ROWS_MAX: i64 = 200;

/// What became of the leftover doses of a lot on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The venue's name.
    pub venue: String,
    /// The day.
    pub day: Day,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Calls, by what became of them.
    pub calls: OfferCount,
    /// Doses that are still left by the records.
    pub left: i64,
}

/// Doses of a closed day that nobody got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thrown {
    /// The venue's name.
    pub venue: String,
    /// The day.
    pub day: Day,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Why, and how many doses.
    pub reasons: Vec<(Reason, i64)>,
    /// In words.
    pub words: String,
}

/// What became of the leftover doses of the city's venues since a day, the newest first.
///
/// # Errors
/// The database's.
pub async fn of_city(db: &Db, permit: &CityPermit, since: Day) -> Result<Vec<Outcome>> {
    if permit.action() != Action::KeepStandby {
        return Err(wrong_permit());
    }
    let mut tx = db.begin_reading().await?;
    let rows: Vec<(Vec<u8>, String, String)> = tx
        .query(sql!(
            "SELECT DISTINCT l.venue, o.name, l.day FROM organisation AS o JOIN leftover AS l ON l.venue = o.id
             WHERE o.municipality = $1 AND o.kind = 'venue' AND l.day >= $2
             ORDER BY l.day DESC, o.name, l.venue LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(since.to_string())
        .bind(ROWS_MAX)
        .all()
        .await?;
    let mut found = Vec::new();
    for (venue, name, day) in rows {
        let venue = organisation(&venue, "leftover", "venue")?;
        let day = day_in(&day, "leftover", "day")?;
        let known = Known::of(&mut tx, venue, day).await?;
        let offers = offers_within(&mut tx, venue, day).await?;
        for (id, _, told) in told_within(&mut tx, venue, day).await? {
            found.push(Outcome {
                venue: name.clone(),
                day,
                left: known.left(&told),
                product: told.product,
                lot: told.lot,
                calls: counted(offers.iter().filter(|one| one.leftover == id)),
            });
        }
    }
    tx.commit().await?;
    Ok(found)
}

/// Calls by what became of them; that nobody could be called is none.
fn counted<'o>(offers: impl Iterator<Item = &'o Offer>) -> OfferCount {
    let mut calls = OfferCount::default();
    for offer in offers.filter(|one| one.number.is_some()) {
        calls.made += 1;
        match offer.word {
            _ if offer.has_come => calls.came += 1,
            Word::Asked | Word::Accepted => calls.open += 1,
            Word::Declined => calls.declined += 1,
            Word::NoAnswer => calls.no_answer += 1,
            Word::NotCome => calls.not_come += 1,
        }
    }
    calls
}

/// The doses that closed days of the city's venues left in nobody's arm since a day, the newest first. What was left over
/// and given after the closing is not among them.
///
/// # Errors
/// The database's.
pub async fn thrown_in_city(db: &Db, permit: &CityPermit, since: Day) -> Result<Vec<Thrown>> {
    if permit.action() != Action::KeepStandby {
        return Err(wrong_permit());
    }
    let mut tx = db.begin_reading().await?;
    let rows: Vec<(Vec<u8>, String, String, String)> = tx
        .query(sql!(
            "SELECT c.venue, o.name, c.day, c.lines FROM organisation AS o JOIN closing AS c ON c.venue = o.id
             WHERE o.municipality = $1 AND o.kind = 'venue' AND c.day >= $2
               AND c.revision = (SELECT MAX(l.revision) FROM closing AS l WHERE l.venue = c.venue AND l.day = c.day)
             ORDER BY c.day DESC, o.name, c.venue LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(since.to_string())
        .bind(ROWS_MAX)
        .all()
        .await?;
    let mut found = Vec::new();
    for (venue, name, day, lines) in rows {
        let lines: Vec<Line> = serde_json::from_str(&lines).map_err(|_| bad("closing", "lines"))?;
        let venue = organisation(&venue, "closing", "venue")?;
        let day = day_in(&day, "closing", "day")?;
        let known = Known::of(&mut tx, venue, day).await?;
        for line in lines {
            let goods: (&str, &str, Purpose) = (&line.product, &line.lot, line.purpose);
            let reasons = reasons(&line, known.recorded(goods));
            if !reasons.is_empty() {
                found.push(Thrown {
                    venue: name.clone(),
                    day,
                    product: line.product,
                    lot: line.lot,
                    reasons,
                    words: line.words,
                });
            }
        }
    }
    tx.commit().await?;
    Ok(found)
}

/// Why doses of a line are in nobody's arm. What waits on paper is in somebody's.
fn reasons(line: &Line, recorded: i64) -> Vec<(Reason, i64)> {
    let lost = |one: &Reason| !one.explains_more() && *one != Reason::NotRecorded;
    let doses = |reason: Reason| match reason {
        Reason::LeftOver => thrown_away(line, recorded),
        _ => {
            let same = line.differences.iter().filter(|one| one.reason == reason);
            same.map(|one| one.doses).sum()
        }
    };
    let all = Reason::ALL.into_iter().filter(lost);
    all.map(|reason| (reason, doses(reason)))
        .filter(|(_, doses)| *doses > 0)
        .collect()
}
