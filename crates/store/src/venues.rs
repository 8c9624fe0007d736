//! Venues (会場マスタ): their codes in the course of time, what is told of them section by section, who applied for new
//! codes, and under which codes wholesalers know them.
//!
//! A venue is an organisation ([`crate::accounts`]); its id never changes. Nothing here is overwritten: a row is what was
//! told, and whoever tells says which revision they had before them. The name and the code in `organisation` are those of
//! today; [`turn`] puts them there when their day has come.

mod applications;
mod codes;
mod exporting;
mod listing;
mod own_codes;
mod record;
mod standings;

pub use applications::{Application, Applied, Decided, applications, apply, decide};
pub use codes::{CodeTold, codes, of_code, tell_code};
pub(crate) use codes::{found as code_founded, holder};
pub use exporting::Export;
pub use listing::{Listed, PAGE_ROWS, Question, list};
pub use own_codes::{TELLING_MAX, Telling, own_code_book, own_codes, tell_own_codes};
pub use record::{SectionTold, Story, sections, story, suppliers, tell};
pub(crate) use record::{first_circle, told_in};
pub(crate) use standings::{Stands, of_codes, of_names, of_venues};

use domain::access::{Action, OrganisationId, OrganisationKind, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::places::{MunicipalityCode, Prefecture};
use serde_json::Value;
use uuid::Uuid;

use crate::accounts::{Organisation, organisation};
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::wrong_permit;

/// How many days ago a day may have come that [`turn`] still finds: longer than any server stands still.
const TURN_DAYS: i64 = 60;

/// What became of something told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It stands, by this revision.
    As(i64),
    /// It stands so already.
    AsItIs,
    /// It was told anew since it was looked at; this is the revision now.
    ChangedMeanwhile(i64),
    /// There is no such venue, or none that the caller may change.
    NotFound,
    /// Organisations of this kind do not tell it.
    NotYours,
    /// The venue would supply itself from this day on.
    Circle(Day),
    /// There is no such supplier.
    NoSupplier,
    /// Another venue has this code at the same time.
    CodeTaken,
}

/// The venue, if the permit's place is the venue, stands above it, or is the nation.
async fn within(tx: &mut Tx, permit: &Permit, venue: OrganisationId) -> Result<Option<Standing>> {
    let row: Option<(String, Option<i64>, String)> = tx
        .query(sql!(
            "SELECT COALESCE(municipality, ''), prefecture, COALESCE(facility_code, '')
             FROM organisation WHERE id = $1 AND kind = 'venue'"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .optional()
        .await?;
    let Some((municipality, prefecture, code)) = row else {
        return Ok(None);
    };
    let bad = |column| Error::Inconsistent {
        table: "organisation",
        column,
    };
    let city = MunicipalityCode::parse(&municipality).map_err(|_| bad("municipality"))?;
    let number = prefecture.and_then(|number| u8::try_from(number).ok());
    let prefecture = number
        .and_then(Prefecture::new)
        .ok_or_else(|| bad("prefecture"))?;
    let reaches = match *permit.place() {
        Place::Nation => true,
        Place::Prefecture(own) => own == prefecture,
        Place::City(own) => own == city,
        Place::Venue { id, .. } => id == venue,
        Place::Company(_) => false,
    };
    Ok(reaches.then_some(Standing {
        city,
        prefecture,
        code,
    }))
}

/// Where a venue stands, and its code of today; empty if it has none.
struct Standing {
    city: MunicipalityCode,
    prefecture: Prefecture,
    code: String,
}

fn may_see(permit: &Permit) -> Result<()> {
    match permit.action() {
        Action::SeeVenues | Action::KeepVenues | Action::KeepVenue | Action::IssueCodes => Ok(()),
        _ => Err(wrong_permit()),
    }
}

fn may_tell(permit: &Permit) -> Result<()> {
    match permit.action() {
        Action::KeepVenues | Action::KeepVenue => Ok(()),
        _ => Err(wrong_permit()),
    }
}

/// One venue that the permit reaches.
///
/// # Errors
/// The database's.
pub async fn venue(
    db: &Db,
    permit: &Permit,
    venue: OrganisationId,
) -> Result<Option<Organisation>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let reached = within(&mut tx, permit, venue).await?.is_some();
    tx.commit().await?;
    if reached {
        organisation(db, venue).await
    } else {
        Ok(None)
    }
}

async fn write_change(
    tx: &mut Tx,
    permit: &Permit,
    (action, venue, city): (&str, OrganisationId, Option<MunicipalityCode>),
    detail: &Value,
    (id, at): (Uuid, Instant),
) -> Result<()> {
    let change = Change {
        id,
        at,
        municipality: city,
        action,
        subject: &venue.to_string(),
        detail: &detail.to_string(),
    };
    audit::write(tx, permit.actor(), &change).await
}

/// Puts the names and codes whose day has come where everybody looks for them, and says how many venues changed.
///
/// # Errors
/// The database's.
pub async fn turn(db: &Db, today: Day) -> Result<u64> {
    let since = today.plus_days(-TURN_DAYS).to_string();
    let today = today.to_string();
    transact!(db, |tx| {
        let codes = tx
            .query(sql!(
                "UPDATE organisation SET facility_code =
                     (SELECT c.code FROM venue_code AS c
                      WHERE c.venue = organisation.id AND c.valid_from <= $1
                      ORDER BY c.valid_from DESC, c.revision DESC LIMIT 1)
                 WHERE id IN (SELECT venue FROM venue_code WHERE valid_from > $2 AND valid_from <= $1)
                   AND facility_code IS DISTINCT FROM
                     (SELECT c.code FROM venue_code AS c
                      WHERE c.venue = organisation.id AND c.valid_from <= $1
                      ORDER BY c.valid_from DESC, c.revision DESC LIMIT 1)"
            ))
            .bind(today.clone())
            .bind(since.clone())
            .run()
            .await?;
        codes
            + record::turn_names(&mut tx, &today, &since).await?
            + record::turn_closings(&mut tx, &today, &since).await?
    })
}

/// Whether an organisation of this kind may be the reader of a list of venues.
pub(crate) fn area(permit: &Permit) -> Result<(Option<i64>, Option<String>)> {
    may_see(permit)?;
    match (permit.actor().kind, *permit.place()) {
        (OrganisationKind::Nation, Place::Nation) => Ok((None, None)),
        (OrganisationKind::Prefecture, Place::Prefecture(own)) => {
            Ok((Some(i64::from(own.number())), None))
        }
        (OrganisationKind::City, Place::City(own)) => Ok((None, Some(own.as_str().to_owned()))),
        _ => Err(wrong_permit()),
    }
}
