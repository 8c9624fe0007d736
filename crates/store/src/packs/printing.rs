//! The printed file of a pack, and its end after some days.

use domain::calendar::Instant;
use domain::packs::{KEPT_MAX, kept_since};

use super::gathering::InHand;
use super::{OF_CITY, State};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// What came out of printing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed {
    /// The file.
    Done {
        /// The pages.
        pdf: Vec<u8>,
        /// Forms in it.
        forms: u64,
        /// Forms whose person could not be written on them.
        made_blank: u64,
    },
    /// Nothing, with the stable word for why.
    Failed(String),
}

/// Ends the work on a pack: keeps the file, and throws away what is older than the last three that came
/// out well.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the pack in hand by now, or the database's.
pub async fn finish(db: &Db, hand: &InHand, printed: &Printed, now: Instant) -> Result<()> {
    let pack = &hand.pack;
    let (state, failure, forms, made_blank) = match printed {
        Printed::Done {
            forms, made_blank, ..
        } => (State::Done, "", *forms, *made_blank),
        Printed::Failed(why) => (State::Failed, why.as_str(), 0, 0),
    };
    transact!(db, |tx| {
        let moved = tx
            .query(sql!(
                "UPDATE pack SET state = $4, failure = $5, forms = $6, made_blank = $7, made_at = $8
                 WHERE municipality = $1 AND id = $2 AND worker = $3 AND state IN ('gathering', 'printing')"
            ))
            .bind(pack.city.as_str().to_owned())
            .bind(pack.id.as_bytes().to_vec())
            .bind(hand.worker.as_bytes().to_vec())
            .bind(state.as_str().to_owned())
            .bind(failure.to_owned())
            .bind(i64::try_from(forms).unwrap_or(i64::MAX))
            .bind(i64::try_from(made_blank).unwrap_or(i64::MAX))
            .bind(now.micros())
            .run()
            .await?;
        if moved != 1 {
            return Err(Error::Busy);
        }
        if let Printed::Done { pdf, .. } = printed {
            tx.query(sql!(
                "INSERT INTO pack_file (municipality, pack, pdf) VALUES ($1, $2, $3)"
            ))
            .bind(pack.city.as_str().to_owned())
            .bind(pack.id.as_bytes().to_vec())
            .bind(pdf.clone())
            .expect(1)
            .await?;
        }
        tx.query(sql!(
            "DELETE FROM pack WHERE municipality = $1 AND venue = $2 AND id < (
                 SELECT id FROM pack WHERE municipality = $1 AND venue = $2 AND state = 'done'
                 ORDER BY id DESC LIMIT 1 OFFSET $3)"
        ))
        .bind(pack.city.as_str().to_owned())
        .bind(
            pack.venue
                .map_or(OF_CITY, |venue| venue.0)
                .as_bytes()
                .to_vec(),
        )
        .bind(i64::from(KEPT_MAX) - 1)
        .run()
        .await?;
        forget(&mut tx).await?;
    })
}

/// Sweeps away the packs that are too old.
///
/// # Errors
/// The database's.
pub async fn sweep(db: &Db, now: Instant) -> Result<()> {
    transact!(db, |tx| {
        tx.query(sql!("DELETE FROM pack WHERE created_at < $1"))
            .bind(kept_since(now).micros())
            .run()
            .await?;
        forget(&mut tx).await?;
    })
}

/// Forgets who was in packs that are made or gone, and the files of those that are gone.
async fn forget(tx: &mut Tx) -> Result<()> {
    tx.query(sql!(
        "DELETE FROM pack_form WHERE NOT EXISTS (
             SELECT 1 FROM pack AS p
             WHERE p.municipality = pack_form.municipality AND p.id = pack_form.pack
               AND p.state IN ('gathering', 'printing'))"
    ))
    .run()
    .await?;
    tx.query(sql!(
        "DELETE FROM pack_file WHERE NOT EXISTS (
             SELECT 1 FROM pack AS p WHERE p.municipality = pack_file.municipality AND p.id = pack_file.pack)"
    ))
    .run()
    .await?;
    Ok(())
}
