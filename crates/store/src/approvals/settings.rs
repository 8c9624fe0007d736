//! For which matters a city wants a second person.

use domain::access::CityPermit;
use domain::approvals::{Matter, Wanted};

use super::{How, bad};
use crate::audit::{self, Change as AuditChange};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::json;

/// For which matters the city wants a second person.
///
/// # Errors
/// The database's.
pub async fn wanted(db: &Db, permit: &CityPermit) -> Result<Wanted> {
    wanted_within(&mut db.begin_reading().await?, permit).await
}

/// The same within a transaction.
pub(crate) async fn wanted_within(tx: &mut Tx, permit: &CityPermit) -> Result<Wanted> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT matters FROM approval_wanted WHERE municipality = $1"
        ))
        .bind(permit.city().as_str().to_owned())
        .optional()
        .await?;
    let Some((matters,)) = row else {
        return Ok(Wanted::default());
    };
    let matters: Vec<Matter> = serde_json::from_str(&matters).map_err(|_| bad("matters"))?;
    Ok(Wanted::for_matters(matters))
}

/// Sets for which matters the city wants a second person.
///
/// # Errors
/// The database's.
pub async fn set_wanted(db: &Db, permit: &CityPermit, wanted: &Wanted, how: How) -> Result<()> {
    let matters: Vec<Matter> = wanted.matters().collect();
    let city = permit.city();
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO approval_wanted (municipality, matters, changed_by, changed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (municipality) DO UPDATE SET
                 matters = excluded.matters, changed_by = excluded.changed_by, changed_at = excluded.changed_at"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(json(&matters))
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(how.at.micros())
        .expect(1)
        .await?;
        let change = AuditChange {
            id: how.audit,
            at: how.at,
            municipality: Some(permit.city()),
            action: "set-approvals",
            subject: city.as_str(),
            detail: &json(&matters),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })
}
