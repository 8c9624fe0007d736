//! The stock of the venues (在庫): what stands where, and what venues do with it.
//!
//! Movements are only ever added; balances are kept in the same transaction. What a venue does here has
//! an id that it made, so that sending it twice does it once.

mod books;
mod counts;
mod prove;
mod sums;
mod sums_proof;
mod uses;

use std::collections::BTreeMap;

use domain::access::{Action, OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::lots::last_day;
use domain::stock::{
    Account, Alarm, Batch, Clock, Goods, Held, Kind, Movement, MovementRefusal, Post, Shelf, Waste,
    alarms, batches_left, first_to_use, use_by,
};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::cold_chain;
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::lots;

pub(crate) use books::{Claimed, Entry, book, claim, day_in, organisation};
pub(crate) use counts::NATION;
pub use prove::{Difference, Proof, prove};
pub(crate) use sums::SumsRow;
pub(crate) use uses::closed;
pub use uses::{project, rebuild};

/// Lots that a venue's page shows at most, those that end first.
pub const LOTS_MAX: usize = 300;
/// Movements of a lot shown at most, the newest.
pub const MOVEMENTS_MAX: i64 = 200;

/// What somebody does: its id is made by whoever sends it.
#[derive(Clone, Copy, Debug)]
pub struct Act {
    /// By which it is known again.
    pub id: Uuid,
    /// When it is sent.
    pub at: Instant,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is in the books.
    Now,
    /// It was there already: the same was sent before.
    Before,
    /// Its id was used for something else: nothing was done.
    OtherContent,
    /// The books say something else by now than whoever counted saw: so many vials.
    BooksChanged(i64),
    /// There is no such movement.
    Refused(MovementRefusal),
    /// Only so many vials may leave the shelf: the others are in quarantine (隔離), and somebody must decide first.
    Held(i64),
    /// What it is about is not there, or not this venue's.
    NotFound,
}

/// A permit for something else: a mistake of the caller's.
pub(crate) fn wrong_permit() -> Error {
    Error::Unavailable("the permit is for something else".to_owned())
}

pub(crate) fn allowed(permit: &VenuePermit) -> Result<()> {
    if permit.action() == Action::KeepStock {
        Ok(())
    } else {
        Err(wrong_permit())
    }
}

pub(crate) fn may_see(permit: &VenuePermit) -> Result<()> {
    if matches!(permit.action(), Action::SeeStock | Action::KeepStock) {
        Ok(())
    } else {
        Err(wrong_permit())
    }
}

impl Done {
    pub(crate) fn unless_first(claimed: Claimed) -> Option<Self> {
        match claimed {
            Claimed::First => None,
            Claimed::Before => Some(Self::Before),
            Claimed::OtherContent => Some(Self::OtherContent),
        }
    }
}

/// Something a venue does with vials that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Takes them out of the freezer (解凍), at this moment.
    Thaw(Instant),
    /// Throws them away (廃棄); `OpenedNone` follows from the closing and is refused here.
    Discard(Shelf, Waste),
    /// Does not find them again (紛失).
    Lose(Shelf),
}

impl Doing {
    fn accounts(&self) -> (Kind, Account, Account) {
        match self {
            Self::Thaw(_) => (
                Kind::Thawed,
                Account::Shelf(Shelf::Frozen),
                Account::Shelf(Shelf::Thawed),
            ),
            Self::Discard(shelf, waste) => (
                Kind::Discarded,
                Account::Shelf(*shelf),
                Account::Discarded(*waste),
            ),
            Self::Lose(shelf) => (Kind::Lost, Account::Shelf(*shelf), Account::Lost),
        }
    }
}

/// Thaws, throws away or writes off vials of the venue.
///
/// # Errors
/// The database's.
pub async fn act(
    db: &Db,
    permit: &VenuePermit,
    (goods, vials): (&Goods, i64),
    doing: &Doing,
    note: &str,
    act: Act,
) -> Result<Done> {
    allowed(permit)?;
    let venue = permit.venue();
    let (kind, from, to) = doing.accounts();
    let post = |account| Post {
        holder: venue,
        account,
    };
    let movement = match Movement::new(kind, goods.clone(), vials, post(from), post(to)) {
        Ok(movement) => movement,
        Err(refusal) => return Ok(Done::Refused(refusal)),
    };
    let began = match doing {
        Doing::Thaw(began) => Some(*began),
        _ => None,
    };
    let content = format!("{movement:?} {began:?} {note}");
    transact!(db, |tx| {
        match Done::unless_first(claim(&mut tx, venue, act.id, &content).await?) {
            Some(done) => done,
            None => {
                if let Doing::Thaw(_) = doing
                    && let Some(held) =
                        held_back(&mut tx, permit, (goods, Shelf::Frozen), (vials, act)).await?
                {
                    return Ok(held);
                }
                let entry = entry_of(permit, movement.clone(), (act, 0), began, note);
                book(&mut tx, vec![entry]).await?;
                Done::Now
            }
        }
    })
}

/// That vials cannot leave a shelf, since too few of them are free of a quarantine.
pub(crate) async fn held_back(
    tx: &mut Tx,
    permit: &VenuePermit,
    what: (&Goods, Shelf),
    (vials, act): (i64, Act),
) -> Result<Option<Done>> {
    let free = cold_chain::free(tx, permit.venue(), what, act.at).await?;
    Ok(free.filter(|free| *free < vials).map(Done::Held))
}

/// An entry of a venue's act.
pub(crate) fn entry_of(
    permit: &VenuePermit,
    movement: Movement,
    (act, part): (Act, i64),
    began: Option<Instant>,
    note: &str,
) -> Entry {
    Entry {
        movement,
        act: act.id,
        part,
        on_day: began.unwrap_or(act.at).day_in_japan(),
        began,
        note: note.to_owned(),
        at: act.at,
        user: permit.actor().user,
        organisation: permit.venue(),
    }
}

/// A shelf that somebody counted (棚卸し).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Of which vaccine.
    pub goods: Goods,
    /// On which shelf.
    pub shelf: Shelf,
    /// What the books said when the count began.
    pub seen: i64,
    /// What is there, 0 or more.
    pub vials: i64,
    /// Why the two differ; needed if they do.
    pub note: String,
}

/// Books what was counted; the count itself is written down even where nothing differs.
///
/// # Errors
/// The database's.
pub async fn count(
    db: &Db,
    permit: &VenuePermit,
    counted: &Counted,
    (audit, act): (Uuid, Act),
) -> Result<Done> {
    allowed(permit)?;
    let venue = permit.venue();
    let Counted {
        goods,
        shelf,
        seen,
        vials,
        note,
    } = counted;
    if *vials < 0 {
        return Ok(Done::Refused(MovementRefusal::Vials));
    }
    let missing = seen - vials;
    let content = format!("{counted:?}");
    transact!(db, |tx| {
        if let Some(done) = Done::unless_first(claim(&mut tx, venue, act.id, &content).await?) {
            return Ok(done);
        }
        let there = balance(&mut tx, venue, goods, Account::Shelf(*shelf)).await?;
        if there != *seen {
            return Ok(Done::BooksChanged(there));
        }
        if missing != 0 {
            let post = |account| Post {
                holder: venue,
                account,
            };
            let (on_shelf, gone) = (post(Account::Shelf(*shelf)), post(Account::Difference));
            let (from, to) = if missing > 0 {
                (on_shelf, gone)
            } else {
                (gone, on_shelf)
            };
            match Movement::new(Kind::Counted, goods.clone(), missing.abs(), from, to) {
                Ok(movement) => {
                    let entry = entry_of(permit, movement, (act, 0), None, note);
                    book(&mut tx, vec![entry]).await?;
                }
                Err(refusal) => return Ok(Done::Refused(refusal)),
            }
        }
        let word = ((venue, goods.product.clone()), act.at);
        sums::told(&mut tx, &BTreeMap::from([word])).await?;
        let subject = format!("{}/{}", goods.product, goods.lot);
        let detail = json!({ "shelf": shelf, "books": seen, "counted": vials, "reason": note });
        let change = Change {
            id: audit,
            at: act.at,
            municipality: Some(permit.city()),
            action: "count-stock",
            subject: &subject,
            detail: &detail.to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        Done::Now
    })
}

/// Vials at an account.
pub(crate) async fn balance(
    tx: &mut Tx,
    holder: OrganisationId,
    goods: &Goods,
    account: Account,
) -> Result<i64> {
    let row: Option<(i64,)> = tx
        .query(sql!(
            "SELECT vials FROM stock_balance
             WHERE holder = $1 AND product = $2 AND lot = $3 AND account = $4"
        ))
        .bind(holder.0.as_bytes().to_vec())
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .bind(account.as_str().to_owned())
        .optional()
        .await?;
    Ok(row.map_or(0, |(vials,)| vials))
}

/// All balances of a venue that are not zero, by lot.
///
/// # Errors
/// The database's.
pub async fn balances(
    db: &Db,
    permit: &VenuePermit,
) -> Result<BTreeMap<Goods, BTreeMap<Account, i64>>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    balances_within(&mut tx, permit.venue()).await
}

async fn balances_within(
    tx: &mut Tx,
    venue: OrganisationId,
) -> Result<BTreeMap<Goods, BTreeMap<Account, i64>>> {
    let rows: Vec<(String, String, String, i64)> = tx
        .query(sql!(
            "SELECT product, lot, account, vials FROM stock_balance
             WHERE holder = $1 AND vials <> 0 ORDER BY product, lot, account"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .all()
        .await?;
    by_goods(rows)
}

/// The balances of a venue's shelves alone: of all lots it ever had, the few of which there is something left. The
/// condition is that of the partial index.
async fn on_shelves(
    tx: &mut Tx,
    venue: OrganisationId,
) -> Result<BTreeMap<Goods, BTreeMap<Account, i64>>> {
    let rows: Vec<(String, String, String, i64)> = tx
        .query(sql!(
            "SELECT product, lot, account, vials FROM stock_balance
             WHERE holder = $1 AND vials <> 0 AND account IN ('frozen', 'thawed')
             ORDER BY product, lot, account"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .all()
        .await?;
    by_goods(rows)
}

fn by_goods(
    rows: Vec<(String, String, String, i64)>,
) -> Result<BTreeMap<Goods, BTreeMap<Account, i64>>> {
    let mut balances: BTreeMap<Goods, BTreeMap<Account, i64>> = BTreeMap::new();
    for (product, lot, account, vials) in rows {
        let account = account_in(&account)?;
        balances
            .entry(Goods { product, lot })
            .or_default()
            .insert(account, vials);
    }
    Ok(balances)
}

pub(crate) fn account_in(word: &str) -> Result<Account> {
    Account::parse(word).ok_or(Error::Inconsistent {
        table: "stock_balance",
        column: "account",
    })
}

/// Vials on a shelf, with what is to be known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnHand {
    /// The vials.
    pub batch: Batch,
    /// What is to be told of them, the worst first.
    pub alarms: Vec<Alarm>,
}

/// What a venue has on hand now, in the order in which it is to be used.
///
/// # Errors
/// The database's.
pub async fn on_hand(db: &Db, permit: &VenuePermit, now: Instant) -> Result<Vec<OnHand>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let venue = permit.venue();
    let here: Vec<(Goods, i64, i64)> = on_shelves(&mut tx, venue)
        .await?
        .into_iter()
        .map(|(goods, accounts)| {
            let at = |shelf| {
                let vials = accounts.get(&Account::Shelf(shelf));
                vials.copied().unwrap_or_default()
            };
            (goods, at(Shelf::Thawed), at(Shelf::Frozen))
        })
        .collect();
    let mut put = put_to_thaw(&mut tx, venue, &here).await?;
    let told = told_by_deliveries(&mut tx, venue, &here).await?;
    let today = now.day_in_japan();
    let held = cold_chain::held(&mut tx, venue, now).await?;
    let mut batches = Vec::new();
    let mut recalled = BTreeMap::new();
    for (goods, thawed, frozen) in here {
        let entered = lots::found(&mut tx, &goods.product, &goods.lot).await?;
        let printed = entered.as_ref().map(|entered| entered.lot.expires);
        let printed = printed.or_else(|| told.get(&goods).copied());
        let last_day = last_day(&goods.product, &goods.lot, printed, today);
        let since = entered.and_then(|entered| entered.lot.recall.map(|recall| recall.since));
        recalled.insert(goods.clone(), since.is_some_and(|since| since <= today));
        let batch = |shelf, vials, use_by| Batch {
            goods: goods.clone(),
            shelf,
            vials,
            use_by,
            last_day,
        };
        if frozen != 0 {
            batches.push(batch(Shelf::Frozen, frozen, None));
        }
        if thawed < 0 {
            batches.push(batch(Shelf::Thawed, thawed, None));
        }
        let put = put.remove(&goods).unwrap_or_default();
        for (began, vials) in batches_left(&put, thawed.max(0)) {
            let end = began.and_then(|began| use_by(&goods.product, Clock::Thawed, began));
            batches.push(batch(Shelf::Thawed, vials, end));
        }
    }
    let sorted = first_to_use(batches).into_iter().map(|batch| {
        let is_recalled = recalled.get(&batch.goods).copied().unwrap_or_default();
        let known = Held {
            is_recalled,
            is_quarantined: held.contains_key(&(batch.goods.clone(), batch.shelf)),
        };
        OnHand {
            alarms: alarms(&batch, known, now),
            batch,
        }
    });
    Ok(sorted.take(LOTS_MAX).collect())
}

fn lots_table(venue: OrganisationId, goods: impl Iterator<Item = Goods> + Clone) -> Table {
    Table::default()
        .bytes(goods.clone().map(|_| venue.0.as_bytes().to_vec()))
        .text(goods.clone().map(|goods| goods.product))
        .text(goods.map(|goods| goods.lot))
}

/// When and how many vials were put into the refrigerator, newest first, of lots that stand there.
async fn put_to_thaw(
    tx: &mut Tx,
    venue: OrganisationId,
    here: &[(Goods, i64, i64)],
) -> Result<BTreeMap<Goods, Vec<(Instant, i64)>>> {
    let thawed = here.iter().filter(|(_, thawed, _)| *thawed > 0);
    let rows: Vec<(String, String, i64, i64)> = tx
        .many(
            sql!(
                "WITH k (holder, product, lot) AS ({rows: bytea, text, text})
                 SELECT m.product, m.lot, m.began_micros, m.vials FROM k CROSS JOIN stock_movement AS m
                 WHERE m.to_holder = k.holder AND m.product = k.product AND m.lot = k.lot
                   AND m.to_account = 'thawed' AND m.began_micros > 0"
            ),
            lots_table(venue, thawed.map(|(goods, _, _)| goods.clone())),
        )
        .all()
        .await?;
    let mut put: BTreeMap<Goods, Vec<(Instant, i64)>> = BTreeMap::new();
    for (product, lot, began, vials) in rows {
        put.entry(Goods { product, lot })
            .or_default()
            .push((Instant::from_micros(began), vials));
    }
    for batches in put.values_mut() {
        batches.sort_by(|a, b| b.cmp(a));
    }
    Ok(put)
}

/// The last days that suppliers told of lots, for those that the register does not know.
async fn told_by_deliveries(
    tx: &mut Tx,
    venue: OrganisationId,
    here: &[(Goods, i64, i64)],
) -> Result<BTreeMap<Goods, Day>> {
    let rows: Vec<(String, String, String)> = tx
        .many(
            sql!(
                "WITH k (venue, product, lot) AS ({rows: bytea, text, text})
                 SELECT d.product, d.lot, MIN(d.expires) FROM k CROSS JOIN delivery AS d
                 WHERE d.lot = k.lot AND d.product = k.product AND d.venue = k.venue AND d.expires <> ''
                 GROUP BY d.product, d.lot"
            ),
            lots_table(venue, here.iter().map(|(goods, _, _)| goods.clone())),
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|(product, lot, expires)| {
            Ok((
                Goods { product, lot },
                day_in(&expires, "delivery", "expires")?,
            ))
        })
        .collect()
}

/// A movement as it stands in a venue's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What kind.
    pub kind: Kind,
    /// How many vials more (or fewer) on the venue's shelves.
    pub change: i64,
    /// From which account.
    pub from: Account,
    /// To which.
    pub to: Account,
    /// The vials that moved.
    pub vials: i64,
    /// The day it happened.
    pub on_day: Day,
    /// When it was entered.
    pub at: Instant,
    /// The other side's name, where it changed hands.
    pub other: String,
    /// Who entered it; empty where it follows from the records.
    pub by: String,
    /// In whose words.
    pub note: String,
}

#[derive(sqlx_macros::FromRow)]
struct ToldRow {
    kind: String,
    from_holder: Vec<u8>,
    from_account: String,
    to_holder: Vec<u8>,
    to_account: String,
    vials: i64,
    on_day: String,
    at_micros: i64,
    note: String,
    by_name: Option<String>,
    from_name: Option<String>,
    to_name: Option<String>,
}

/// The story of a lot at a venue, newest first.
///
/// # Errors
/// The database's.
pub async fn story(db: &Db, permit: &VenuePermit, goods: &Goods) -> Result<Vec<Told>> {
    may_see(permit)?;
    let rows: Vec<ToldRow> = db
        .query(sql!(
            "SELECT m.kind, m.from_holder, m.from_account, m.to_holder, m.to_account, m.vials, m.on_day,
                    m.at_micros, m.note, a.name AS by_name, f.name AS from_name, t.name AS to_name
             FROM (SELECT * FROM stock_movement WHERE from_holder = $1 AND product = $2 AND lot = $3
                   UNION
                   SELECT * FROM stock_movement WHERE to_holder = $1 AND product = $2 AND lot = $3) AS m
             LEFT JOIN account AS a ON a.id = m.by_user
             LEFT JOIN organisation AS f ON f.id = m.from_holder
             LEFT JOIN organisation AS t ON t.id = m.to_holder
             ORDER BY m.at_micros DESC, m.act DESC, m.part DESC LIMIT $4"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .bind(MOVEMENTS_MAX)
        .all()
        .await?;
    let venue = permit.venue();
    rows.into_iter()
        .map(|row| {
            let (from, to) = (account_in(&row.from_account)?, account_in(&row.to_account)?);
            let from_holder = organisation(&row.from_holder, "stock_movement", "from_holder")?;
            let to_holder = organisation(&row.to_holder, "stock_movement", "to_holder")?;
            let out = from_holder == venue && from.is_on_hand();
            let into = to_holder == venue && to.is_on_hand();
            let other = match (from_holder == venue, to_holder == venue) {
                (true, true) => None,
                (true, false) => row.to_name,
                _ => row.from_name,
            };
            Ok(Told {
                kind: Kind::parse(&row.kind).ok_or(Error::Inconsistent {
                    table: "stock_movement",
                    column: "kind",
                })?,
                change: row.vials * (i64::from(into) - i64::from(out)),
                from,
                to,
                vials: row.vials,
                on_day: day_in(&row.on_day, "stock_movement", "on_day")?,
                at: Instant::from_micros(row.at_micros),
                other: other.unwrap_or_default(),
                by: row.by_name.unwrap_or_default(),
                note: row.note,
            })
        })
        .collect()
}
