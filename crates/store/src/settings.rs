//! The venue's settings of one day (当日の設定): what every dose of that day has in common.
//!
//! Invariant: a new day has none. Yesterday's lot would otherwise be written into today's records
//! by nobody's decision; what was set before is at most a suggestion, shown unchecked.

use domain::access::{OrganisationId, UserId, VenuePermit};
use domain::calendar::{Day, Instant};

use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// What every dose of one person's day at a venue has in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySetting {
    /// The day the doses are given.
    pub given_on: Day,
    /// The venue's name as it goes into the record.
    pub venue_name: String,
    /// Who gives them.
    pub doctor: String,
    /// The product's key.
    pub product: String,
    /// The lot on the vial.
    pub lot: String,
    /// When this was set.
    pub set_at: Instant,
}

type Row = (String, String, String, String, String, i64);

/// What the person set for today, if anything yet.
///
/// # Errors
/// The database's own.
pub async fn day(
    db: &Db,
    permit: &VenuePermit,
    user: UserId,
    today: Day,
) -> Result<Option<DaySetting>> {
    let found: Option<Row> = db
        .query(sql!(
            "SELECT given_on, venue_name, doctor, product, lot, set_at FROM day_setting
             WHERE venue = $1 AND account = $2 AND day = $3"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(user.0.as_bytes().to_vec())
        .bind(today.to_string())
        .optional()
        .await?;
    found.map(setting_of).transpose()
}

/// What anybody at the venue set last for doses of a day, on that day.
pub(crate) async fn latest(
    tx: &mut Tx,
    venue: OrganisationId,
    day: Day,
) -> Result<Option<DaySetting>> {
    let found: Option<Row> = tx
        .query(sql!(
            "SELECT given_on, venue_name, doctor, product, lot, set_at FROM day_setting
             WHERE venue = $1 AND day = $2 AND given_on = $2 ORDER BY set_at DESC LIMIT 1"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .optional()
        .await?;
    found.map(setting_of).transpose()
}

/// Sets today's settings for the person who asks, in place of what was set before today.
///
/// # Errors
/// The database's own.
pub async fn set(db: &Db, permit: &VenuePermit, today: Day, setting: &DaySetting) -> Result<()> {
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO day_setting (venue, account, day, given_on, venue_name, doctor, product, lot, set_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (venue, account, day) DO UPDATE SET
                 given_on = excluded.given_on, venue_name = excluded.venue_name, doctor = excluded.doctor,
                 product = excluded.product, lot = excluded.lot, set_at = excluded.set_at"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(today.to_string())
        .bind(setting.given_on.to_string())
        .bind(setting.venue_name.clone())
        .bind(setting.doctor.clone())
        .bind(setting.product.clone())
        .bind(setting.lot.clone())
        .bind(setting.set_at.micros())
        .expect(1)
        .await?
    })
}

/// What somebody of the venue set last before today: a suggestion for the form, never a setting.
///
/// # Errors
/// The database's own.
pub async fn last_before(db: &Db, permit: &VenuePermit, today: Day) -> Result<Option<DaySetting>> {
    let found: Option<Row> = db
        .query(sql!(
            "SELECT given_on, venue_name, doctor, product, lot, set_at FROM day_setting
             WHERE venue = $1 AND day < $2
             ORDER BY day DESC, set_at DESC LIMIT 1"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(today.to_string())
        .optional()
        .await?;
    found.map(setting_of).transpose()
}

fn setting_of((given_on, venue_name, doctor, product, lot, set_at): Row) -> Result<DaySetting> {
    let given_on = Day::parse(&given_on).ok_or(Error::Inconsistent {
        table: "day_setting",
        column: "given_on",
    })?;
    Ok(DaySetting {
        given_on,
        venue_name,
        doctor,
        product,
        lot,
        set_at: Instant::from_micros(set_at),
    })
}
