//! What is decided about vials in quarantine: kept, thrown away, or brought to another venue.

use std::collections::BTreeMap;

use domain::access::VenuePermit;
use domain::calendar::Instant;
use domain::cold_chain::Outcome;
use domain::ledger::Sha;
use domain::stock::{Account, Goods, Kind, Movement, Post, Waste};
use domain::venues::FacilityCode;
use serde_json::json;
use uuid::Uuid;

use super::excursions::{State, fates, listed_within, settle};
use super::{bad, id_in};
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::stock::{Act, Claimed, Done, allowed, book, claim, entry_of};
use crate::transfers::{self, Side, Word};

/// Lots decided about at once at most: more stand in no cooler.
pub const LOTS_AT_ONCE_MAX: usize = 100;

/// A decision as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its id, which its movement has, too.
    pub id: Uuid,
    /// Of which vaccine.
    pub goods: Goods,
    /// What.
    pub outcome: Outcome,
    /// About how many vials.
    pub vials: i64,
    /// The code of the venue they were brought to; empty if to none.
    pub facility: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: String,
}

/// What somebody decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciding {
    /// About which excursion.
    pub excursion: Uuid,
    /// Of which vaccine.
    pub goods: Goods,
    /// What.
    pub outcome: Outcome,
    /// About how many vials.
    pub vials: i64,
    /// How many waited when they looked.
    pub seen: i64,
    /// To which venue; needed to rescue.
    pub facility: Option<FacilityCode>,
    /// When rescued vials left the freezer, if they are thawed and it is known: their clock goes with them.
    pub began: Option<Instant>,
    /// Why, and who was asked.
    pub reason: String,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It stands, and the vials moved.
    Now,
    /// It was made before.
    Before,
    /// Its id was used for something else.
    OtherContent,
    /// So many vials wait by now.
    Changed(i64),
    /// Not a number of vials that wait.
    Vials,
    /// Nothing is kept while the cooler is still too warm or too cold.
    NotOver,
    /// There is no such venue to bring them to.
    NoVenue,
    /// The venue has no such excursion, or it was withdrawn.
    NotFound,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    product: String,
    lot: String,
    outcome: String,
    vials: i64,
    facility: String,
    reason: String,
    at_micros: i64,
    by_name: Option<String>,
}

/// What was decided of an excursion, in order of time. No more than vials stood there.
pub(super) async fn decisions_within(tx: &mut Tx, excursion: Uuid) -> Result<Vec<Decision>> {
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT d.id, d.product, d.lot, d.outcome, d.vials, d.facility, d.reason, d.at_micros, a.name AS by_name
             FROM excursion_decision AS d LEFT JOIN account AS a ON a.id = d.by_user
             WHERE d.excursion = $1 ORDER BY d.at_micros, d.id"
        ))
        .bind(excursion.as_bytes().to_vec())
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let outcome = Outcome::parse(&row.outcome);
            Ok(Decision {
                id: id_in(&row.id, "excursion_decision", "id")?,
                goods: Goods {
                    product: row.product,
                    lot: row.lot,
                },
                outcome: outcome.ok_or_else(|| bad("excursion_decision", "outcome"))?,
                vials: row.vials,
                facility: row.facility,
                reason: row.reason,
                at: Instant::from_micros(row.at_micros),
                by: row.by_name.unwrap_or_default(),
            })
        })
        .collect()
}

/// Decides about vials in quarantine: what is thrown away or rescued leaves the shelf in the same transaction.
///
/// # Errors
/// The database's.
pub async fn decide(
    db: &Db,
    permit: &VenuePermit,
    deciding: &Deciding,
    (audit, act): (Uuid, Act),
) -> Result<Decided> {
    allowed(permit)?;
    transact!(db, |tx| {
        match decide_within(&mut tx, permit, deciding, (audit, act)).await? {
            Decided::Now => Decided::Now,
            other => return Ok(other),
        }
    })
}

/// What became of a decision about several lots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManyDecided {
    /// It stands for every lot, and the vials moved.
    Now,
    /// It was made before.
    Before,
    /// This lot stopped it: nothing is decided about any of them.
    Stopped(Goods, Decided),
    /// No lot was chosen, or more than [`LOTS_AT_ONCE_MAX`].
    Lots,
}

/// What somebody decides about several lots of an excursion: about all vials of each that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidingMany {
    /// About which excursion.
    pub excursion: Uuid,
    /// Of which vaccines, and how many vials of each waited when they looked.
    pub lots: BTreeMap<Goods, i64>,
    /// What.
    pub outcome: Outcome,
    /// To which venue; needed to rescue.
    pub facility: Option<FacilityCode>,
    /// Why, and who was asked.
    pub reason: String,
}

/// Decides the same about every waiting vial of several lots, in one transaction: if one lot cannot be decided so, none is.
///
/// # Errors
/// The database's.
pub async fn decide_many(
    db: &Db,
    permit: &VenuePermit,
    many: &DecidingMany,
    (audit, act): (Uuid, Act),
) -> Result<ManyDecided> {
    allowed(permit)?;
    if many.lots.is_empty() || many.lots.len() > LOTS_AT_ONCE_MAX {
        return Ok(ManyDecided::Lots);
    }
    transact!(db, |tx| {
        // Whoever presses twice with other boxes ticked is told so, not half obeyed.
        match claim(&mut tx, permit.venue(), act.id, &format!("decide {many:?}")).await? {
            Claimed::First => {}
            Claimed::Before => return Ok(ManyDecided::Before),
            Claimed::OtherContent => {
                let first = many.lots.keys().next().cloned();
                return Ok(first.map_or(ManyDecided::Lots, |goods| {
                    ManyDecided::Stopped(goods, Decided::OtherContent)
                }));
            }
        }
        for (goods, vials) in &many.lots {
            let deciding = Deciding {
                excursion: many.excursion,
                goods: goods.clone(),
                outcome: many.outcome,
                vials: *vials,
                seen: *vials,
                facility: many.facility,
                began: None,
                reason: many.reason.clone(),
            };
            let of_lot = Act {
                id: of_lot_id(act.id, goods),
                at: act.at,
            };
            let ids = (of_lot_id(audit, goods), of_lot);
            match decide_within(&mut tx, permit, &deciding, ids).await? {
                Decided::Now => {}
                other => return Ok(ManyDecided::Stopped(goods.clone(), other)),
            }
        }
        ManyDecided::Now
    })
}

/// An id for one lot of an act. It follows from both, so that the transaction may run again.
fn of_lot_id(act: Uuid, goods: &Goods) -> Uuid {
    let sha = Sha::of(format!("{act} {} {}", goods.product, goods.lot).as_bytes());
    let mut bytes = [0; 16];
    for (byte, of_sha) in bytes.iter_mut().zip(sha.as_bytes()) {
        *byte = *of_sha;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Decides about one lot; anything but [`Decided::Now`] must undo the transaction.
async fn decide_within(
    tx: &mut Tx,
    permit: &VenuePermit,
    deciding: &Deciding,
    (audit, act): (Uuid, Act),
) -> Result<Decided> {
    let venue = permit.venue();
    match claim(tx, venue, act.id, &format!("decide {deciding:?}")).await? {
        Claimed::First => {}
        Claimed::Before => return Ok(Decided::Before),
        Claimed::OtherContent => return Ok(Decided::OtherContent),
    }
    let listed = listed_within(tx, venue, deciding.excursion).await?;
    let Some(listed) = listed.filter(|one| one.state != State::Withdrawn) else {
        return Ok(Decided::NotFound);
    };
    let fates = fates(tx, venue, &listed, act.at).await?;
    let waiting = fates.get(&deciding.goods).map_or(0, |fate| fate.undecided);
    if waiting != deciding.seen {
        return Ok(Decided::Changed(waiting));
    }
    if !(1..=waiting).contains(&deciding.vials) {
        return Ok(Decided::Vials);
    }
    let shelf = listed.kind.shelf();
    match deciding.outcome {
        Outcome::Kept if listed.excursion.over.is_none() => return Ok(Decided::NotOver),
        Outcome::Kept => {}
        Outcome::Discarded => discard(tx, permit, deciding, shelf, act).await?,
        Outcome::Rescued => {
            let Some(other) = deciding.facility else {
                return Ok(Decided::NoVenue);
            };
            let word = Word {
                other,
                goods: deciding.goods.clone(),
                shelf,
                vials: deciding.vials,
                began: deciding.began,
                note: deciding.reason.clone(),
            };
            match transfers::begin_within(tx, permit, Side::Gives, &word, act).await? {
                Done::Now => {}
                _ => return Ok(Decided::NoVenue),
            }
        }
    }
    write(tx, permit, deciding, (audit, act)).await?;
    settle(tx, venue, listed, act.at).await?;
    Ok(Decided::Now)
}

async fn discard(
    tx: &mut Tx,
    permit: &VenuePermit,
    deciding: &Deciding,
    shelf: domain::stock::Shelf,
    act: Act,
) -> Result<()> {
    let post = |account| Post {
        holder: permit.venue(),
        account,
    };
    let gone = Account::Discarded(Waste::Temperature);
    let (from, to) = (post(Account::Shelf(shelf)), post(gone));
    let goods = deciding.goods.clone();
    let movement = Movement::new(Kind::Discarded, goods, deciding.vials, from, to)
        .map_err(|_| bad("excursion_decision", "vials"))?;
    let entry = entry_of(permit, movement, (act, 0), None, &deciding.reason);
    book(tx, vec![entry]).await
}

async fn write(
    tx: &mut Tx,
    permit: &VenuePermit,
    deciding: &Deciding,
    (audit, act): (Uuid, Act),
) -> Result<()> {
    let facility = deciding
        .facility
        .filter(|_| deciding.outcome == Outcome::Rescued);
    let facility = facility.map_or_else(String::new, |code| code.to_string());
    tx.query(sql!(
        "INSERT INTO excursion_decision
             (excursion, id, product, lot, outcome, vials, facility, reason, at_micros, by_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    ))
    .bind(deciding.excursion.as_bytes().to_vec())
    .bind(act.id.as_bytes().to_vec())
    .bind(deciding.goods.product.clone())
    .bind(deciding.goods.lot.clone())
    .bind(deciding.outcome.as_str().to_owned())
    .bind(deciding.vials)
    .bind(facility.clone())
    .bind(deciding.reason.clone())
    .bind(act.at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await?;
    let detail = json!({
        "product": deciding.goods.product, "lot": deciding.goods.lot, "outcome": deciding.outcome,
        "vials": deciding.vials, "facility": facility, "reason": deciding.reason,
    });
    let change = Change {
        id: audit,
        at: act.at,
        municipality: Some(permit.city()),
        action: "decide-excursion",
        subject: &deciding.excursion.to_string(),
        detail: &detail.to_string(),
    };
    audit::write(tx, permit.actor(), &change).await
}
