//! A venue's day (会場の一日): who waits, what was recorded of each lot, and how the day was closed.

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::checks::Colour;
use domain::closings::{Line, Purpose};
use domain::coupons::CouponKind;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Doses of one lot that the venue gave on a day, by the ledgers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// For which doses.
    pub purpose: Purpose,
    /// How many.
    pub doses: i64,
}

/// A day as it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The day.
    pub day: Day,
    /// 1 when it was first closed, one more each time again.
    pub revision: i64,
    /// The lots.
    pub lines: Vec<Line>,
    /// When it was closed.
    pub at: Instant,
    /// By whom.
    pub by_name: String,
}

/// What became of a day that was to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is closed, by this revision.
    As(i64),
    /// Doses were recorded, corrected or taken back since the form was made: count again.
    RecordsChanged,
    /// Somebody else has closed it meanwhile.
    ClosedMeanwhile,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "closing",
        column,
    }
}

/// What was given of each lot on a day, by product, lot and purpose. Interviews, records told twice and
/// those taken back came out of no vial.
///
/// # Errors
/// The database's.
pub async fn sums(db: &Db, permit: &VenuePermit, day: Day) -> Result<Vec<Sum>> {
    let mut tx = db.begin_reading().await?;
    sums_within(&mut tx, permit.venue(), day).await
}

pub(crate) async fn sums_within(tx: &mut Tx, venue: OrganisationId, day: Day) -> Result<Vec<Sum>> {
    let rows: Vec<(String, String, i64, String, i64)> = tx
        .query(sql!(
            "SELECT d.product, d.lot, d.turn, SUBSTR(d.line, 1, 1) AS kind, COUNT(*) FROM receipt AS r
             JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
             WHERE r.organisation = $1 AND r.day >= $2 AND r.act = 'recorded' AND d.given_on = $2
               AND d.standing IN ('counted', 'clash', 'quarantined')
             GROUP BY d.product, d.lot, d.turn, SUBSTR(d.line, 1, 1)
             ORDER BY d.product, d.lot, d.turn"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .all()
        .await?;
    let mut sums: Vec<Sum> = Vec::new();
    for (product, lot, turn, kind, doses) in rows {
        let digit = kind.parse().unwrap_or_default();
        if CouponKind::of(digit) == CouponKind::InterviewOnly {
            continue;
        }
        let purpose = Purpose::of_turn(u8::try_from(turn).unwrap_or(u8::MAX));
        let same =
            |sum: &&mut Sum| sum.product == product && sum.lot == lot && sum.purpose == purpose;
        match sums.iter_mut().find(same) {
            Some(sum) => sum.doses += doses,
            None => sums.push(Sum {
                product,
                lot,
                purpose,
                doses,
            }),
        }
    }
    sums.sort_by(|a, b| (&a.product, &a.lot, a.purpose).cmp(&(&b.product, &b.lot, b.purpose)));
    Ok(sums)
}

/// How many people were checked at the venue today and have no dose recorded there yet, by colour.
///
/// # Errors
/// The database's.
pub async fn waiting(db: &Db, permit: &VenuePermit, day: Day) -> Result<Vec<(Colour, i64)>> {
    let rows: Vec<(String, i64)> = db
        .query(sql!(
            "SELECT w.colour, COUNT(*) FROM reception AS w
             WHERE w.venue = $1 AND w.day = $2
               AND NOT EXISTS (
                   SELECT 1 FROM dose AS d
                   WHERE d.municipality = w.municipality AND d.number = w.number
                     AND d.venue = $1 AND d.given_on = $2 AND d.standing <> 'void')
             GROUP BY w.colour ORDER BY w.colour"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(day.to_string())
        .all()
        .await?;
    rows.into_iter()
        .map(|(colour, people)| {
            let colour = Colour::parse(&colour).ok_or(Error::Inconsistent {
                table: "reception",
                column: "colour",
            })?;
            Ok((colour, people))
        })
        .collect()
}

/// How a day was closed last, if it was.
///
/// # Errors
/// The database's.
pub async fn latest(db: &Db, permit: &VenuePermit, day: Day) -> Result<Option<Closing>> {
    let mut tx = db.begin_reading().await?;
    latest_within(&mut tx, permit.venue(), day).await
}

pub(crate) async fn latest_within(
    tx: &mut Tx,
    venue: OrganisationId,
    day: Day,
) -> Result<Option<Closing>> {
    let row: Option<(i64, String, i64, Option<String>)> = tx
        .query(sql!(
            "SELECT c.revision, c.lines, c.at_micros, a.name FROM closing AS c
             LEFT JOIN account AS a ON a.id = c.by_user
             WHERE c.venue = $1 AND c.day = $2
             ORDER BY c.revision DESC LIMIT 1"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .optional()
        .await?;
    row.map(|(revision, lines, at, by_name)| {
        Ok(Closing {
            day,
            revision,
            lines: serde_json::from_str(&lines).map_err(|_| bad("lines"))?,
            at: Instant::from_micros(at),
            by_name: by_name.unwrap_or_default(),
        })
    })
    .transpose()
}

/// Closes a day, or closes it again; `seen` is the revision that whoever closes it had before them.
///
/// The doses of `lines` must be those that the ledgers hold by now, and each line in order by
/// [`Line::refusals`]: the caller has asked.
///
/// # Errors
/// The database's.
pub async fn close(
    db: &Db,
    permit: &VenuePermit,
    day: Day,
    lines: &[Line],
    seen: i64,
    (audit, at): (Uuid, Instant),
) -> Result<Closed> {
    let text = serde_json::to_string(lines).map_err(|_| bad("lines"))?;
    transact!(db, |tx| {
        let sums = sums_within(&mut tx, permit.venue(), day).await?;
        let last: Option<(i64,)> = tx
            .query(sql!(
                "SELECT revision FROM closing WHERE venue = $1 AND day = $2
                 ORDER BY revision DESC LIMIT 1"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(day.to_string())
            .optional()
            .await?;
        let revision = last.map_or(0, |(revision,)| revision);
        if revision != seen {
            Closed::ClosedMeanwhile
        } else if !tells(lines, &sums) {
            Closed::RecordsChanged
        } else {
            tx.query(sql!(
                "INSERT INTO closing (venue, day, revision, lines, by_user, at_micros)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(day.to_string())
            .bind(revision + 1)
            .bind(text.clone())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .bind(at.micros())
            .expect(1)
            .await?;
            crate::stock::closed(&mut tx, (permit.venue(), at), day, lines).await?;
            let change = Change {
                id: audit,
                at,
                municipality: Some(permit.city()),
                action: "close-day",
                subject: &day.to_string(),
                detail: &json!({ "revision": revision + 1, "lots": lines.len() }).to_string(),
            };
            audit::write(&mut tx, permit.actor(), &change).await?;
            Closed::As(revision + 1)
        }
    })
}

/// Whether the lines say of every lot what was recorded of it.
fn tells(lines: &[Line], sums: &[Sum]) -> bool {
    let of_line = |line: &Line| {
        let sum = sums.iter().find(|sum| {
            sum.product == line.product && sum.lot == line.lot && sum.purpose == line.purpose
        });
        sum.map_or(0, |sum| sum.doses)
    };
    let recorded: i64 = lines.iter().map(|line| line.doses_recorded).sum();
    recorded == sums.iter().map(|sum| sum.doses).sum::<i64>()
        && lines
            .iter()
            .all(|line| line.doses_recorded == of_line(line))
}
