//! Excursions: what follows from the readings of a cooler, and which vials each puts in doubt.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::Instant;
use domain::cold_chain::{
    CoolerKind, Event, Excursion, Fate, Temperature, excursions, fate, minute, moment,
};
use domain::ledger::Sha;
use domain::stock::{Account, Goods, Kind};
use uuid::Uuid;

use super::decisions::{Decision, decisions_within};
use super::{Cooler, bad, cooler_within, id_in, kind_in, readings};
use crate::db::{Db, Tx, sql};
use crate::error::Result;
use crate::stock::{account_in, may_see};

/// Open excursions of a venue looked at, at most: a venue has far fewer coolers.
const OPEN_MAX: i64 = 100;
/// Excursions of the past on a page, the newest.
pub const PAST_MAX: i64 = 50;

/// How an excursion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It lasts, or vials may wait for a decision.
    Open,
    /// It is over, and every vial in doubt is decided about.
    Settled,
    /// The readings were corrected: there was none.
    Withdrawn,
}

impl State {
    /// The word in tables, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Open, Self::Settled, Self::Withdrawn];
        all.into_iter().find(|one| one.as_str() == word)
    }
}

/// An excursion of a venue's cooler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// The cooler.
    pub cooler: Uuid,
    /// The cooler's kind.
    pub kind: CoolerKind,
    /// From when to when, how warm, how cold.
    pub excursion: Excursion,
    /// How it stands.
    pub state: State,
}

/// The same with what became of the vials of each lot, and who decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The excursion.
    pub listed: Listed,
    /// The cooler, as it is told now.
    pub cooler: Option<Cooler>,
    /// Of each lot that stood there.
    pub fates: BTreeMap<Goods, Fate>,
    /// What was decided, in order of time.
    pub decisions: Vec<Decision>,
}

impl Told {
    /// Vials that wait for a decision.
    #[must_use]
    pub fn undecided(&self) -> i64 {
        self.fates.values().map(|fate| fate.undecided).sum()
    }

    /// Whether somebody has something to do about it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        is_open(&self.listed, &self.fates)
    }
}

fn is_open(listed: &Listed, fates: &BTreeMap<Goods, Fate>) -> bool {
    let waits = fates.values().any(|fate| fate.undecided > 0);
    listed.state == State::Open && (listed.excursion.over.is_none() || waits)
}

#[derive(sqlx_macros::FromRow)]
pub(super) struct Row {
    id: Vec<u8>,
    cooler: Vec<u8>,
    kind: String,
    since_minute: i64,
    first_minute: i64,
    last_minute: i64,
    over_minute: Option<i64>,
    lowest: i64,
    highest: i64,
    state: String,
}

impl TryFrom<Row> for Listed {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let degrees =
            |tenths, column| Temperature::of_tenths(tenths).map_err(|_| bad("excursion", column));
        Ok(Self {
            id: id_in(&row.id, "excursion", "id")?,
            cooler: id_in(&row.cooler, "excursion", "cooler")?,
            kind: kind_in(&row.kind, "excursion")?,
            excursion: Excursion {
                since: moment(row.since_minute),
                first: moment(row.first_minute),
                last: moment(row.last_minute),
                over: row.over_minute.map(moment),
                lowest: degrees(row.lowest, "lowest")?,
                highest: degrees(row.highest, "highest")?,
            },
            state: State::parse(&row.state).ok_or_else(|| bad("excursion", "state"))?,
        })
    }
}

/// Lets the excursions of a cooler follow its readings, after some between two minutes changed: from the last good
/// reading before them to the first good one after them everything is looked at again.
pub(super) async fn follow(
    tx: &mut Tx,
    venue: OrganisationId,
    cooler: Uuid,
    (from, to): (i64, i64),
    at: Instant,
) -> Result<()> {
    let Some(told) = cooler_within(tx, venue, cooler).await? else {
        return Ok(());
    };
    let from = good_before(tx, cooler, from).await?.unwrap_or(i64::MIN);
    let to = good_after(tx, cooler, to).await?.unwrap_or(i64::MAX);
    let readings = readings::holding(tx, cooler, (from, to)).await?;
    let mut found = excursions(told.kind, &readings);
    if !told.is_in_use {
        // Whoever took it out of use said that it is empty.
        for one in found.iter_mut().filter(|one| one.over.is_none()) {
            one.over = Some(moment(minute(told.at)).max(one.last));
        }
    }
    let mut known = known_between(tx, cooler, (from, to)).await?;
    for excursion in found {
        let same = known.iter().position(|one| {
            one.excursion.first <= excursion.last && excursion.first <= one.excursion.last
        });
        let mut listed = match same {
            Some(place) => known.remove(place),
            None => Listed {
                id: next_id(tx, cooler).await?,
                cooler,
                kind: told.kind,
                excursion,
                state: State::Withdrawn,
            },
        };
        let is_new = same.is_none();
        listed.excursion = excursion;
        listed.state = State::Open;
        let fates = fates(tx, venue, &listed, at).await?;
        if !is_open(&listed, &fates) {
            listed.state = State::Settled;
        }
        if is_new {
            insert(tx, venue, &listed, at).await?;
        } else {
            update(tx, &listed).await?;
        }
    }
    // What no reading shows any more. Decisions that were made of it stay with it.
    for mut listed in known {
        listed.state = State::Withdrawn;
        update(tx, &listed).await?;
    }
    Ok(())
}

/// An id of its own that follows from how many the cooler had, so that the transaction may run again.
async fn next_id(tx: &mut Tx, cooler: Uuid) -> Result<Uuid> {
    let (count,): (i64,) = tx
        .query(sql!("SELECT COUNT(*) FROM excursion WHERE cooler = $1"))
        .bind(cooler.as_bytes().to_vec())
        .one()
        .await?;
    let sha = Sha::of(format!("excursion {cooler} {count}").as_bytes());
    let mut bytes = [0; 16];
    for (byte, of_sha) in bytes.iter_mut().zip(sha.as_bytes()) {
        *byte = *of_sha;
    }
    Ok(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

async fn good_before(tx: &mut Tx, cooler: Uuid, minute: i64) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .query(sql!(
            "SELECT r.minute FROM cooler_reading AS r
             WHERE r.cooler = $1 AND r.minute < $2 AND r.outside = 0 AND r.tenths IS NOT NULL
               AND r.revision = (SELECT MAX(n.revision) FROM cooler_reading AS n
                                 WHERE n.cooler = r.cooler AND n.minute = r.minute)
             ORDER BY r.minute DESC LIMIT 1"
        ))
        .bind(cooler.as_bytes().to_vec())
        .bind(minute)
        .optional()
        .await?;
    Ok(row.map(|(minute,)| minute))
}

async fn good_after(tx: &mut Tx, cooler: Uuid, minute: i64) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .query(sql!(
            "SELECT r.minute FROM cooler_reading AS r
             WHERE r.cooler = $1 AND r.minute > $2 AND r.outside = 0 AND r.tenths IS NOT NULL
               AND r.revision = (SELECT MAX(n.revision) FROM cooler_reading AS n
                                 WHERE n.cooler = r.cooler AND n.minute = r.minute)
             ORDER BY r.minute LIMIT 1"
        ))
        .bind(cooler.as_bytes().to_vec())
        .bind(minute)
        .optional()
        .await?;
    Ok(row.map(|(minute,)| minute))
}

async fn known_between(tx: &mut Tx, cooler: Uuid, (from, to): (i64, i64)) -> Result<Vec<Listed>> {
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT id, cooler, kind, since_minute, first_minute, last_minute, over_minute, lowest, highest, state
             FROM excursion
             WHERE cooler = $1 AND first_minute >= $2 AND first_minute <= $3 AND state <> 'withdrawn'
             ORDER BY first_minute, id"
        ))
        .bind(cooler.as_bytes().to_vec())
        .bind(from)
        .bind(to)
        .all()
        .await?;
    rows.into_iter().map(Listed::try_from).collect()
}

async fn insert(tx: &mut Tx, venue: OrganisationId, one: &Listed, at: Instant) -> Result<()> {
    let excursion = &one.excursion;
    tx.query(sql!(
        "INSERT INTO excursion (id, venue, cooler, kind, since_minute, first_minute, last_minute, over_minute,
                                lowest, highest, state, at_micros)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    ))
    .bind(one.id.as_bytes().to_vec())
    .bind(venue.0.as_bytes().to_vec())
    .bind(one.cooler.as_bytes().to_vec())
    .bind(one.kind.as_str().to_owned())
    .bind(minute(excursion.since))
    .bind(minute(excursion.first))
    .bind(minute(excursion.last))
    .bind(excursion.over.map(minute))
    .bind(excursion.lowest.tenths())
    .bind(excursion.highest.tenths())
    .bind(one.state.as_str().to_owned())
    .bind(at.micros())
    .expect(1)
    .await
}

async fn update(tx: &mut Tx, one: &Listed) -> Result<()> {
    let excursion = &one.excursion;
    tx.query(sql!(
        "UPDATE excursion SET since_minute = $2, first_minute = $3, last_minute = $4, over_minute = $5,
                              lowest = $6, highest = $7, state = $8
         WHERE id = $1"
    ))
    .bind(one.id.as_bytes().to_vec())
    .bind(minute(excursion.since))
    .bind(minute(excursion.first))
    .bind(minute(excursion.last))
    .bind(excursion.over.map(minute))
    .bind(excursion.lowest.tenths())
    .bind(excursion.highest.tenths())
    .bind(one.state.as_str().to_owned())
    .expect(1)
    .await
}

/// Settles an excursion about which nothing is left to decide.
pub(super) async fn settle(
    tx: &mut Tx,
    venue: OrganisationId,
    mut listed: Listed,
    at: Instant,
) -> Result<()> {
    let fates = fates(tx, venue, &listed, at).await?;
    if !is_open(&listed, &fates) {
        listed.state = State::Settled;
        update(tx, &listed).await?;
    }
    Ok(())
}

#[derive(sqlx_macros::FromRow)]
struct Moved {
    product: String,
    lot: String,
    act: Vec<u8>,
    kind: String,
    change: i64,
    began_micros: i64,
    at_micros: i64,
}

impl Moved {
    /// When the vials moved: out of the freezer, if that is told; else when it was entered.
    fn at(&self) -> i64 {
        let is_thaw = self.kind == Kind::Thawed.as_str();
        if is_thaw && self.began_micros > 0 {
            self.began_micros.min(self.at_micros)
        } else {
            self.at_micros
        }
    }

    fn event(&self) -> Event {
        let comes_new = [Kind::Received, Kind::Taken, Kind::Thawed];
        Event::Moved {
            at: Instant::from_micros(self.at()),
            change: self.change,
            is_back: !comes_new.iter().any(|kind| kind.as_str() == self.kind),
        }
    }
}

/// What came onto a shelf and left it since a moment. As many as the venue moved since then.
async fn moved_since(
    tx: &mut Tx,
    venue: OrganisationId,
    account: Account,
    since: Instant,
) -> Result<Vec<Moved>> {
    tx.query(sql!(
        "SELECT product, lot, act, kind, -vials AS change, began_micros, at_micros FROM stock_movement
         WHERE from_holder = $1 AND from_account = $2 AND at_micros >= $3
         UNION ALL
         SELECT product, lot, act, kind, vials AS change, began_micros, at_micros FROM stock_movement
         WHERE to_holder = $1 AND to_account = $2 AND at_micros >= $3"
    ))
    .bind(venue.0.as_bytes().to_vec())
    .bind(account.as_str().to_owned())
    .bind(since.micros())
    .all()
    .await
}

async fn on_shelf(
    tx: &mut Tx,
    venue: OrganisationId,
    account: Account,
) -> Result<BTreeMap<Goods, i64>> {
    let rows: Vec<(String, String, String, i64)> = tx
        .query(sql!(
            "SELECT product, lot, account, vials FROM stock_balance
             WHERE holder = $1 AND vials <> 0 ORDER BY product, lot, account"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .all()
        .await?;
    let mut there = BTreeMap::new();
    for (product, lot, word, vials) in rows {
        if account_in(&word)? == account {
            there.insert(Goods { product, lot }, vials);
        }
    }
    Ok(there)
}

/// What became of the vials of each lot that stood in the cooler during an excursion.
pub(super) async fn fates(
    tx: &mut Tx,
    venue: OrganisationId,
    listed: &Listed,
    now: Instant,
) -> Result<BTreeMap<Goods, Fate>> {
    let account = Account::Shelf(listed.kind.shelf());
    let since = listed.excursion.since;
    let mut before = on_shelf(tx, venue, account).await?;
    let moved = moved_since(tx, venue, account, since).await?;
    let decided = decisions_within(tx, listed.id).await?;
    let by_decision: BTreeSet<Uuid> = decided.iter().map(|one| one.id).collect();
    let mut events: BTreeMap<Goods, Vec<Event>> = BTreeMap::new();
    for one in moved {
        let goods = Goods {
            product: one.product.clone(),
            lot: one.lot.clone(),
        };
        *before.entry(goods.clone()).or_default() -= one.change;
        if one.at() < since.micros() {
            *before.entry(goods).or_default() += one.change;
        } else if !by_decision.contains(&id_in(&one.act, "stock_movement", "act")?) {
            events.entry(goods).or_default().push(one.event());
        }
    }
    for one in &decided {
        let event = Event::Decided {
            at: one.at,
            outcome: one.outcome,
            vials: one.vials,
        };
        events.entry(one.goods.clone()).or_default().push(event);
    }
    let mut fates = BTreeMap::new();
    for (goods, vials) in before {
        let mut events = events.remove(&goods).unwrap_or_default();
        let was_decided = decided.iter().any(|one| one.goods == goods);
        let excursion = &listed.excursion;
        if !was_decided && !excursion.puts_in_doubt(&goods.product, listed.kind, now) {
            continue;
        }
        events.sort_by_key(Event::at);
        let became = fate(excursion, vials, &events);
        if became.stood > 0 {
            fates.insert(goods, became);
        }
    }
    Ok(fates)
}

/// The open excursions of a venue with the vials in doubt, the oldest first.
pub(super) async fn open_within(
    tx: &mut Tx,
    venue: OrganisationId,
    now: Instant,
) -> Result<Vec<(Listed, BTreeMap<Goods, Fate>)>> {
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT id, cooler, kind, since_minute, first_minute, last_minute, over_minute, lowest, highest, state
             FROM excursion WHERE venue = $1 AND state = 'open' ORDER BY first_minute, id LIMIT $2"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(OPEN_MAX)
        .all()
        .await?;
    let mut open = Vec::new();
    for row in rows {
        let listed = Listed::try_from(row)?;
        let fates = fates(tx, venue, &listed, now).await?;
        if is_open(&listed, &fates) {
            open.push((listed, fates));
        }
    }
    Ok(open)
}

/// The open excursions of the venue, the oldest first.
///
/// # Errors
/// The database's.
pub async fn open(db: &Db, permit: &VenuePermit, now: Instant) -> Result<Vec<Told>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let venue = permit.venue();
    let mut open = Vec::new();
    for (listed, fates) in open_within(&mut tx, venue, now).await? {
        open.push(Told {
            cooler: cooler_within(&mut tx, venue, listed.cooler).await?,
            decisions: decisions_within(&mut tx, listed.id).await?,
            listed,
            fates,
        });
    }
    Ok(open)
}

/// All excursions of the venue, the newest first, at most [`PAST_MAX`].
///
/// # Errors
/// The database's.
pub async fn past(db: &Db, permit: &VenuePermit) -> Result<Vec<Listed>> {
    may_see(permit)?;
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT id, cooler, kind, since_minute, first_minute, last_minute, over_minute, lowest, highest, state
             FROM excursion WHERE venue = $1 ORDER BY first_minute DESC, id LIMIT $2"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(PAST_MAX)
        .all()
        .await?;
    rows.into_iter().map(Listed::try_from).collect()
}

pub(super) async fn listed_within(
    tx: &mut Tx,
    venue: OrganisationId,
    id: Uuid,
) -> Result<Option<Listed>> {
    let row: Option<Row> = tx
        .query(sql!(
            "SELECT id, cooler, kind, since_minute, first_minute, last_minute, over_minute, lowest, highest, state
             FROM excursion WHERE id = $1 AND venue = $2"
        ))
        .bind(id.as_bytes().to_vec())
        .bind(venue.0.as_bytes().to_vec())
        .optional()
        .await?;
    row.map(Listed::try_from).transpose()
}

/// One excursion of the venue.
///
/// # Errors
/// The database's.
pub async fn one(db: &Db, permit: &VenuePermit, id: Uuid, now: Instant) -> Result<Option<Told>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let venue = permit.venue();
    let Some(listed) = listed_within(&mut tx, venue, id).await? else {
        return Ok(None);
    };
    Ok(Some(Told {
        cooler: cooler_within(&mut tx, venue, listed.cooler).await?,
        fates: fates(&mut tx, venue, &listed, now).await?,
        decisions: decisions_within(&mut tx, listed.id).await?,
        listed,
    }))
}
