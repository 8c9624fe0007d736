//! Used vials, which nobody types: they follow from the dose records and the closings of the days.
//!
//! In two steps, each of which may be interrupted anywhere. *Taking* reads the ledgers' entries, each
//! exactly once, and keeps for every day, venue and lot how many doses there are. *Settling* holds the
//! vials that were booked for them against those that follow now, and books the difference.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{OrganisationId, UserId};
use domain::calendar::{Day, Instant};
use domain::closings::{Line, Purpose};
use domain::doses::DoseId;
use domain::ledger::{Act, Personal, Sha};
use domain::places::MunicipalityCode;
use domain::stock::{
    Account, DayUse, Doses, Goods, Kind, Movement, Post, Shelf, Waste, came_out_of_a_vial, day_use,
    taken_from,
};
use uuid::Uuid;

use super::books::{Entry, book, day_in, organisation};
use super::counts::{self, Counted};
use super::sums;
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::projections::{Behind, Recent, Step, Told, advance, behind, entries, rounds};

/// The projection's name in the table of positions.
pub(super) const STOCK: &str = "stock";
/// Days of a venue and lot that are settled in one transaction.
const SETTLED_MAX: i64 = 200;

/// Keeps the stock up with the ledgers and the closings; says how many entries were taken. `now` says
/// which days are over.
///
/// # Errors
/// The database's.
pub async fn project(db: &Db, recent: &Recent, now: Instant) -> Result<u64> {
    let taken = rounds(|after| take(db, recent, after)).await?;
    while settle(db, now).await? > 0 {}
    Ok(taken)
}

/// Takes every entry again from the first one on, and adds the sums up again. Nothing that was booked is
/// forgotten: where the doses come out as before, nothing is booked, and a difference is booked as one.
///
/// # Errors
/// The database's.
pub async fn rebuild(db: &Db, now: Instant) -> Result<u64> {
    transact!(db, |tx| {
        tx.query(sql!(
            "UPDATE stock_use SET doses_primary = 0, doses_booster = 0, unsettled = 1"
        ))
        .run()
        .await?;
        tx.query(sql!("DELETE FROM lot_dose")).run().await?;
        tx.query(sql!("DELETE FROM progress WHERE projection = 'stock'"))
            .run()
            .await?;
        counts::forget(&mut tx).await?;
        sums::rebuild(&mut tx).await?;
    })?;
    project(db, &Recent::default(), now).await
}

/// Of which day, venue and lot; in the order of the table.
pub(super) type Key = (OrganisationId, Day, Goods);

/// What one record takes out of the vials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) key: Key,
    /// Which dose of the person (回数).
    pub(super) turn: u8,
}

impl Drawn {
    fn purpose(&self) -> Purpose {
        Purpose::of_turn(self.turn)
    }
}

fn drawn(personal: &Personal) -> Option<Drawn> {
    let facts = &personal.facts;
    came_out_of_a_vial(facts, personal.standing).then(|| Drawn {
        key: (
            facts.venue,
            facts.given_on,
            Goods {
                product: facts.product.clone(),
                lot: facts.lot.clone(),
            },
        ),
        turn: facts.turn,
    })
}

/// A record before and after the entries of a step.
#[derive(Default)]
struct Change {
    before: Option<Drawn>,
    after: Option<Drawn>,
}

type Changes = BTreeMap<(MunicipalityCode, DoseId), Change>;

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "ledger",
        column,
    }
}

/// What the entries of the stretches change: from before them to after, and one by one.
async fn changes(tx: &mut Tx, behind: &Behind, recent: &Recent) -> Result<(Changes, Counted)> {
    let mut told = entries(tx, behind, recent).await?;
    // A contested entry says what somebody claimed, not what the record says.
    told.retain(|entry| entry.act != Act::Contested);
    let mut said_before = said_before(tx, &told).await?;
    let mut changes = Changes::new();
    let mut counted = Counted::default();
    for entry in &told {
        let after = entry.personal.as_deref().and_then(drawn);
        let change = changes.entry((entry.city, entry.dose)).or_insert_with(|| {
            let before = said_before.remove(&(entry.city, entry.seq)).flatten();
            Change {
                after: before.clone(),
                before,
            }
        });
        if change.after != after {
            counted.add(change.after.as_ref(), after.as_ref(), entry.at);
        }
        change.after = after;
    }
    changes.retain(|_, change| change.before != change.after);
    Ok((changes, counted))
}

/// What records said before an entry, by city and the entry's number.
type SaidBefore = BTreeMap<(MunicipalityCode, i64), Option<Drawn>>;

/// What the records of these entries said before them; nothing for one's first.
async fn said_before(tx: &mut Tx, told: &[Told]) -> Result<SaidBefore> {
    let later: Vec<&Told> = told
        .iter()
        .filter(|entry| entry.act != Act::Recorded)
        .collect();
    if later.is_empty() {
        return Ok(SaidBefore::new());
    }
    let table = Table::default()
        .text(later.iter().map(|entry| entry.city.as_str()))
        .bytes(later.iter().map(|entry| *entry.dose.0.as_bytes()))
        .whole(later.iter().map(|entry| entry.seq));
    let found: Vec<(String, i64, Option<String>)> = tx
        .many(
            sql!(
                "WITH k (municipality, dose_id, seq) AS ({rows: text, bytea, bigint})
                 SELECT k.municipality, k.seq, l.personal FROM k CROSS JOIN ledger AS l
                 WHERE l.municipality = k.municipality AND l.seq = COALESCE(
                     (SELECT MAX(p.seq) FROM ledger AS p
                      WHERE p.municipality = k.municipality AND p.dose_id = k.dose_id AND p.seq < k.seq
                        AND p.act <> 'recorded' AND p.act <> 'contested'),
                     (SELECT d.seq FROM dose AS d
                      WHERE d.municipality = k.municipality AND d.dose_id = k.dose_id))"
            ),
            table,
        )
        .all()
        .await?;
    found
        .into_iter()
        .map(|(city, seq, personal)| {
            let city = MunicipalityCode::parse(&city).map_err(|_| bad("municipality"))?;
            let personal: Option<Personal> = personal
                .map(|text| serde_json::from_str(&text).map_err(|_| bad("personal")))
                .transpose()?;
            Ok(((city, seq), personal.as_ref().and_then(drawn)))
        })
        .collect()
}

/// The doses that changes add or take away, by day, venue and lot.
fn doses_of(changes: &Changes) -> BTreeMap<Key, Doses> {
    let mut sums: BTreeMap<Key, Doses> = BTreeMap::new();
    for change in changes.values() {
        for (drawn, n) in [(&change.before, -1), (&change.after, 1)] {
            let Some(drawn) = drawn else { continue };
            let sum = sums.entry(drawn.key.clone()).or_default();
            match drawn.purpose() {
                Purpose::Primary => sum.primary += n,
                Purpose::Booster => sum.booster += n,
            }
        }
    }
    sums.retain(|_, doses| *doses != Doses::default());
    sums
}

/// The doses of entries that are not taken yet: what the records say beyond what the books know.
pub(super) async fn not_taken(tx: &mut Tx) -> Result<BTreeMap<Key, Doses>> {
    let mut all: BTreeMap<Key, Doses> = BTreeMap::new();
    let mut after = String::new();
    while let Some(behind) = behind(tx, STOCK, after.clone()).await? {
        if behind.is_cut_off() {
            return Err(Error::Unavailable(
                "the stock is too far behind the ledgers; let the server catch up first".to_owned(),
            ));
        }
        let (changes, _) = changes(tx, &behind, &Recent::default()).await?;
        for (key, doses) in doses_of(&changes) {
            let sum = all.entry(key).or_default();
            sum.primary += doses.primary;
            sum.booster += doses.booster;
        }
        after = behind.last().to_owned();
    }
    Ok(all)
}

/// Takes what the next cities after this one have; none if there is nothing.
async fn take(db: &Db, recent: &Recent, after: String) -> Result<Option<Step>> {
    let mut tx = db.begin_reading_by_key().await?;
    let Some(behind) = behind(&mut tx, STOCK, after).await? else {
        return Ok(None);
    };
    let (changes, counted) = changes(&mut tx, &behind, recent).await?;
    tx.commit().await?;
    let mut tx = db.begin_locking().await?;
    advance(&mut tx, STOCK, &behind.stretches).await?;
    let doses = doses_of(&changes);
    add_doses(&mut tx, &doses).await?;
    index_by_lot(&mut tx, &changes).await?;
    counted.save(&mut tx, &doses).await?;
    tx.commit().await?;
    Ok(Some(behind.step()))
}

async fn add_doses(tx: &mut Tx, doses: &BTreeMap<Key, Doses>) -> Result<()> {
    let table = keys(doses.keys())
        .whole(doses.values().map(|doses| doses.primary))
        .whole(doses.values().map(|doses| doses.booster));
    tx.many(
        sql!(
            "WITH k (venue, day, product, lot, doses_primary, doses_booster) AS
                 ({rows: bytea, text, text, text, bigint, bigint})
             INSERT INTO stock_use (venue, day, product, lot, doses_primary, doses_booster,
                                    opened, used, opened_none, discarded, revision, unsettled)
             SELECT venue, day, product, lot, doses_primary, doses_booster, 0, 0, 0, 0, 0, 1 FROM k WHERE 1 = 1
             ON CONFLICT (venue, day, product, lot) DO UPDATE SET
                 doses_primary = stock_use.doses_primary + excluded.doses_primary,
                 doses_booster = stock_use.doses_booster + excluded.doses_booster,
                 unsettled = 1"
        ),
        table,
    )
    .expect_each()
    .await
}

async fn index_by_lot(tx: &mut Tx, changes: &Changes) -> Result<()> {
    let row = |(city, dose): &(MunicipalityCode, DoseId), drawn: &Drawn| {
        (city.to_string(), dose.0, drawn.key.2.clone())
    };
    let gone: Vec<_> = changes
        .iter()
        .filter_map(|(id, change)| change.before.as_ref().map(|drawn| row(id, drawn)))
        .collect();
    let come: Vec<_> = changes
        .iter()
        .filter_map(|(id, change)| change.after.as_ref().map(|drawn| row(id, drawn)))
        .collect();
    let table = |rows: &[(String, Uuid, Goods)]| {
        Table::default()
            .text(rows.iter().map(|(_, _, goods)| goods.lot.clone()))
            .text(rows.iter().map(|(city, _, _)| city.clone()))
            .bytes(rows.iter().map(|(_, dose, _)| dose.as_bytes().to_vec()))
    };
    if !gone.is_empty() {
        tx.many(
            sql!(
                "WITH k (lot, municipality, dose_id) AS ({rows: text, text, bytea})
             DELETE FROM lot_dose WHERE (lot, municipality, dose_id) IN (
                 SELECT lot, municipality, dose_id FROM k)"
            ),
            table(&gone),
        )
        .run()
        .await?;
    }
    tx.many(
        sql!(
            "INSERT INTO lot_dose (lot, municipality, dose_id, product) {rows: text, text, bytea, text}"
        ),
        table(&come).text(come.iter().map(|(_, _, goods)| goods.product.clone())),
    )
    .expect_each()
    .await
}

fn keys<'k>(keys: impl Iterator<Item = &'k Key> + Clone) -> Table {
    Table::default()
        .bytes(
            keys.clone()
                .map(|(venue, _, _)| venue.0.as_bytes().to_vec()),
        )
        .text(keys.clone().map(|(_, day, _)| day.to_string()))
        .text(keys.clone().map(|(_, _, goods)| goods.product.clone()))
        .text(keys.map(|(_, _, goods)| goods.lot.clone()))
}

/// Has a day settled again, since it was closed, within the transaction that closes it at this moment.
pub(crate) async fn closed(
    tx: &mut Tx,
    (venue, at): (OrganisationId, Instant),
    day: Day,
    lines: &[Line],
) -> Result<()> {
    sums::told_of_all(tx, venue, at).await?;
    // Lots that the last closing named and this one does not are settled again, too.
    tx.query(sql!(
        "UPDATE stock_use SET unsettled = 1 WHERE venue = $1 AND day = $2"
    ))
    .bind(venue.0.as_bytes().to_vec())
    .bind(day.to_string())
    .run()
    .await?;
    let named: BTreeMap<Key, Doses> = lines
        .iter()
        .map(|line| {
            let goods = Goods {
                product: line.product.clone(),
                lot: line.lot.clone(),
            };
            ((venue, day, goods), Doses::default())
        })
        .collect();
    add_doses(tx, &named).await
}

#[derive(sqlx_macros::FromRow)]
pub(super) struct UseRow {
    venue: Vec<u8>,
    day: String,
    product: String,
    lot: String,
    doses_primary: i64,
    doses_booster: i64,
    opened: i64,
    used: i64,
    opened_none: i64,
    discarded: i64,
    revision: i64,
}

/// What the books have of a day, venue and lot.
pub(super) struct Kept {
    pub(super) key: Key,
    pub(super) doses: Doses,
    pub(super) booked: DayUse,
    revision: i64,
}

impl TryFrom<UseRow> for Kept {
    type Error = Error;

    fn try_from(row: UseRow) -> Result<Self> {
        let goods = Goods {
            product: row.product,
            lot: row.lot,
        };
        Ok(Self {
            key: (
                organisation(&row.venue, "stock_use", "venue")?,
                day_in(&row.day, "stock_use", "day")?,
                goods,
            ),
            doses: Doses {
                primary: row.doses_primary,
                booster: row.doses_booster,
            },
            booked: DayUse {
                opened: row.opened,
                used: row.used,
                opened_none: row.opened_none,
                discarded: row.discarded,
            },
            revision: row.revision,
        })
    }
}

/// Settles the next days that are to be settled, and says how many.
async fn settle(db: &Db, now: Instant) -> Result<u64> {
    let today = now.day_in_japan();
    transact!(db, |tx| {
        let mut rows: Vec<UseRow> = tx
            .query(sql!(
                "SELECT venue, day, product, lot, doses_primary, doses_booster, opened, used, opened_none,
                        discarded, revision
                 FROM stock_use WHERE unsettled = 1 ORDER BY venue, day, product, lot LIMIT $1"
            ))
            .bind(SETTLED_MAX)
            .all()
            .await?;
        if rows.is_empty() {
            rows = tx
                .query(sql!(
                    "SELECT venue, day, product, lot, doses_primary, doses_booster, opened, used,
                            opened_none, discarded, revision
                     FROM stock_use WHERE opened > used + opened_none AND day < $1
                     ORDER BY day, venue, product, lot LIMIT $2"
                ))
                .bind(today.to_string())
                .bind(SETTLED_MAX)
                .all()
                .await?;
        }
        let kept = rows
            .into_iter()
            .map(Kept::try_from)
            .collect::<Result<Vec<_>>>()?;
        settle_these(&mut tx, &kept, now).await?;
        kept.len() as u64
    })
}

async fn settle_these(tx: &mut Tx, kept: &[Kept], now: Instant) -> Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
    let closings = closings(tx, kept).await?;
    let mut shelves = shelves(tx, kept).await?;
    let today = now.day_in_japan();
    let mut entries = Vec::new();
    let mut settled = Vec::new();
    for one in kept {
        let wanted = follows(one, &closings, today);
        let movements = difference(one, wanted, &mut shelves)?;
        let revision = one.revision + i64::from(!movements.is_empty());
        let act = act(&one.key, revision)?;
        let of_this = movements
            .into_iter()
            .zip(0..)
            .map(|(movement, part)| Entry {
                movement,
                act,
                part,
                on_day: one.key.1,
                began: None,
                note: String::new(),
                at: now,
                // Nobody: it follows from what others entered.
                user: UserId(Uuid::nil()),
                organisation: one.key.0,
            });
        entries.extend(of_this);
        settled.push((wanted, revision));
    }
    book(tx, entries).await?;
    let figures = |of: fn(&DayUse) -> i64| settled.iter().map(move |(one, _)| of(one));
    let table = keys(kept.iter().map(|one| &one.key))
        .whole(figures(|one| one.opened))
        .whole(figures(|one| one.used))
        .whole(figures(|one| one.opened_none))
        .whole(figures(|one| one.discarded))
        .whole(settled.iter().map(|(_, revision)| *revision))
        .whole(kept.iter().map(|one| one.revision));
    tx.many(
        sql!(
            "WITH k (venue, day, product, lot, opened, used, opened_none, discarded, revision, seen) AS
                 ({rows: bytea, text, text, text, bigint, bigint, bigint, bigint, bigint, bigint})
             UPDATE stock_use SET opened = k.opened, used = k.used, opened_none = k.opened_none,
                    discarded = k.discarded, revision = k.revision, unsettled = 0
             FROM k
             WHERE stock_use.venue = k.venue AND stock_use.day = k.day AND stock_use.product = k.product
               AND stock_use.lot = k.lot AND stock_use.revision = k.seen"
        ),
        table,
    )
    .expect_each()
    .await
}

/// The lines of days that were closed, by venue and day.
pub(super) type Closings = BTreeMap<(OrganisationId, Day), Vec<Line>>;

pub(super) async fn closings(tx: &mut Tx, kept: &[Kept]) -> Result<Closings> {
    let days: BTreeSet<(OrganisationId, Day)> =
        kept.iter().map(|one| (one.key.0, one.key.1)).collect();
    let table = Table::default()
        .bytes(days.iter().map(|(venue, _)| venue.0.as_bytes().to_vec()))
        .text(days.iter().map(|(_, day)| day.to_string()));
    let rows: Vec<(Vec<u8>, String, String)> = tx
        .many(
            sql!(
                "WITH k (venue, day) AS ({rows: bytea, text})
                 SELECT c.venue, c.day, c.lines FROM k CROSS JOIN closing AS c
                 WHERE c.venue = k.venue AND c.day = k.day AND c.revision = (
                     SELECT MAX(n.revision) FROM closing AS n WHERE n.venue = k.venue AND n.day = k.day)"
            ),
            table,
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|(venue, day, lines)| {
            let lines = serde_json::from_str(&lines).map_err(|_| Error::Inconsistent {
                table: "closing",
                column: "lines",
            })?;
            let venue = organisation(&venue, "closing", "venue")?;
            Ok(((venue, day_in(&day, "closing", "day")?), lines))
        })
        .collect()
}

/// The vials that follow from what is known of a day by now.
pub(super) fn follows(one: &Kept, closings: &Closings, today: Day) -> DayUse {
    let (venue, day, goods) = &one.key;
    let lines = closings.get(&(*venue, *day)).map(|lines| {
        let of_lot = |line: &&Line| line.product == goods.product && line.lot == goods.lot;
        lines.iter().filter(of_lot).cloned().collect::<Vec<_>>()
    });
    day_use(
        &goods.product,
        *day,
        one.doses,
        lines.as_deref(),
        *day < today,
    )
}

/// Vials on a venue's two shelves, by venue and lot: thawed, frozen.
type Shelves = BTreeMap<(OrganisationId, Goods), (i64, i64)>;

async fn shelves(tx: &mut Tx, kept: &[Kept]) -> Result<Shelves> {
    let mut shelves: Shelves = kept
        .iter()
        .map(|one| ((one.key.0, one.key.2.clone()), (0, 0)))
        .collect();
    let table = Table::default()
        .bytes(shelves.keys().map(|(venue, _)| venue.0.as_bytes().to_vec()))
        .text(shelves.keys().map(|(_, goods)| goods.product.clone()))
        .text(shelves.keys().map(|(_, goods)| goods.lot.clone()));
    let rows: Vec<(Vec<u8>, String, String, String, i64)> = tx
        .many(
            sql!(
                "WITH k (holder, product, lot) AS ({rows: bytea, text, text})
                 SELECT b.holder, b.product, b.lot, b.account, b.vials FROM k CROSS JOIN stock_balance AS b
                 WHERE b.holder = k.holder AND b.product = k.product AND b.lot = k.lot
                   AND b.account IN ('thawed', 'frozen')"
            ),
            table,
        )
        .all()
        .await?;
    for (holder, product, lot, account, vials) in rows {
        let holder = organisation(&holder, "stock_balance", "holder")?;
        let shelf = shelves.entry((holder, Goods { product, lot })).or_default();
        match Shelf::parse(&account) {
            Some(Shelf::Thawed) => shelf.0 = vials,
            _ => shelf.1 = vials,
        }
    }
    Ok(shelves)
}

/// The movements from what is booked to what is wanted.
fn difference(one: &Kept, wanted: DayUse, shelves: &mut Shelves) -> Result<Vec<Movement>> {
    let (venue, _, goods) = &one.key;
    let booked = one.booked;
    let mut movements = Vec::new();
    let mut go = |kind, from, to, vials: i64| -> Result<()> {
        let post = |account| Post {
            holder: *venue,
            account,
        };
        let (from, to) = if vials < 0 { (to, from) } else { (from, to) };
        if vials != 0 {
            let movement = Movement::new(kind, goods.clone(), vials.abs(), post(from), post(to));
            movements.push(movement.map_err(|_| Error::Inconsistent {
                table: "stock_use",
                column: "opened",
            })?);
        }
        Ok(())
    };
    let used = wanted.used - booked.used;
    let opened_none = wanted.opened_none - booked.opened_none;
    let shelf = shelves.entry((*venue, goods.clone())).or_default();
    let off_the_shelf = [
        (Kind::Opened, Account::Opened, wanted.opened - booked.opened),
        (
            Kind::Discarded,
            Account::Discarded(Waste::Unused),
            wanted.discarded - booked.discarded,
        ),
    ];
    for (kind, account, vials) in off_the_shelf {
        // What comes back was thawed for certain.
        let parts = match vials {
            0.. => taken_from(shelf.0, shelf.1, vials),
            back => [(Shelf::Thawed, back), (Shelf::Frozen, 0)],
        };
        for (from, part) in parts {
            go(kind, Account::Shelf(from), account, part)?;
            match from {
                Shelf::Thawed => shelf.0 -= part,
                Shelf::Frozen => shelf.1 -= part,
            }
        }
    }
    go(Kind::Used, Account::Opened, Account::Used, used)?;
    let none = Account::Discarded(Waste::OpenedNone);
    go(Kind::Discarded, Account::Opened, none, opened_none)?;
    Ok(movements)
}

/// The id of what books a day for the `revision`th time: the same whoever does it.
fn act((venue, day, goods): &Key, revision: i64) -> Result<Uuid> {
    let words = format!("{venue} {day} {} {} {revision}", goods.product, goods.lot);
    let hash = Sha::of(words.as_bytes());
    let (first, _) = hash.as_bytes().split_at(16);
    Uuid::from_slice(first).map_err(|_| bad("dose_id"))
}
