//! The proof of the stock (在庫の証明): adds up every movement again and holds balances, deliveries,
//! transfers and dose records against it, and the sums of the monitors (`sums_proof.rs`).
//!
//! Everything is read in one transaction, lot by lot, so that a running server does not disturb the
//! picture and memory follows the largest lot.

use std::collections::BTreeMap;

use domain::access::OrganisationId;
use domain::calendar::{Day, Instant};
use domain::closings::Purpose;
use domain::coupons::CouponKind;
use domain::monitors::Sums;
use domain::stock::{Account, Doses, Goods, Identity, Kind, Post, Shelf};
use serde::Serialize;

use super::account_in;
use super::books::{day_in, organisation};
use super::sums_proof::SumsProof;
use super::uses::{Kept, Key, UseRow, closings, follows, not_taken};
use crate::db::{Db, Tx, sql};
use crate::error::{Error, Result};

/// What was proven, the nation's sums, and the first thing that does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Lots added up.
    pub lots: u64,
    /// Movements added up.
    pub movements: u64,
    /// Venue's lots whose identity was computed.
    pub identities: u64,
    /// Balances held against the movements.
    pub balances: u64,
    /// Days of a venue's lot held against the dose records.
    pub days: u64,
    /// Sums of venues, cities and lots, for the monitors, held against the movements and the doses.
    pub sums: u64,
    /// Entries of the ledgers that the stock has not taken yet; no fault.
    pub lag: u64,
    /// Days that are to be settled again; no fault.
    pub unsettled: u64,
    /// Balances on shelves below zero: more was given out than came in. No fault of the books, and a
    /// question for the venue.
    pub negative: u64,
    /// The nation, in vials.
    pub nation: Nation,
    /// The first difference, if any.
    pub difference: Option<Difference>,
}

/// All vials of the nation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Nation {
    /// Handed over by suppliers.
    pub shipped: i64,
    /// Of those, on the way to venues.
    pub in_delivery: i64,
    /// On the way from venue to venue.
    pub in_transfer: i64,
    /// On hand.
    pub on_hand: i64,
    /// Opened, and not settled.
    pub opened: i64,
    /// Gave at least one dose.
    pub used: i64,
    /// Thrown away.
    pub discarded: i64,
    /// Lost.
    pub lost: i64,
    /// Missing when counted.
    pub difference: i64,
}

impl Nation {
    fn add(&mut self, account: Account, vials: i64) {
        let sum = match account {
            Account::Supply => {
                self.shipped -= vials;
                return;
            }
            Account::Delivery => &mut self.in_delivery,
            Account::Transfer => &mut self.in_transfer,
            Account::Shelf(_) => &mut self.on_hand,
            Account::Opened => &mut self.opened,
            Account::Used => &mut self.used,
            Account::Discarded(_) => &mut self.discarded,
            Account::Lost => &mut self.lost,
            Account::Difference => &mut self.difference,
        };
        *sum += vials;
    }

    fn everywhere_else(&self) -> i64 {
        self.in_delivery
            + self.in_transfer
            + self.on_hand
            + self.opened
            + self.used
            + self.discarded
            + self.lost
            + self.difference
    }
}

/// Where the books contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is, in a stable word.
    pub what: &'static str,
    /// Of which lot; none for the nation.
    pub goods: Option<Goods>,
    /// At which holder.
    pub holder: Option<OrganisationId>,
    /// In which city or prefecture, where it is about the sums of one: its code, or `JP`.
    pub place: Option<String>,
    /// By the movements, or by the records.
    pub expected: i64,
    /// By what is held against them.
    pub found: i64,
}

impl Proof {
    /// Whether everything holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.difference.is_none()
    }
}

/// Proves the identities for every venue, every lot and the nation.
///
/// # Errors
/// The database's; a difference is no error but the proof's content.
pub async fn prove(db: &Db, now: Instant) -> Result<Proof> {
    let mut tx = db.begin_reading().await?;
    let mut proof = Proof::default();
    let mut sums = SumsProof::begin(&mut tx).await?;
    let mut last = Goods {
        product: String::new(),
        lot: String::new(),
    };
    while let Some(goods) = next_lot(&mut tx, &last).await? {
        let today = now.day_in_japan();
        let found = lot(&mut tx, &goods, today, (&mut proof, &mut sums)).await?;
        proof.lots += 1;
        if found.is_some() {
            proof.difference = found;
            return Ok(proof);
        }
        last = goods;
    }
    // Every movement adds up to nothing, so this can only fail if a balance does; it is the nation's word.
    let nation = proof.nation;
    if nation.shipped != nation.everywhere_else() {
        proof.difference = Some(Difference {
            what: "nation",
            goods: None,
            holder: None,
            place: None,
            expected: nation.shipped,
            found: nation.everywhere_else(),
        });
        return Ok(proof);
    }
    let mut found = rest(&mut tx, &proof).await?;
    if found.is_none() {
        found = doses(&mut tx, &mut proof).await?;
    }
    if found.is_none() {
        found = sums.hold(&mut tx, &mut proof.sums).await?;
    }
    proof.difference = found;
    Ok(proof)
}

/// The next lot of which there is a movement or a dose. What has neither shows in [`rest`].
async fn next_lot(tx: &mut Tx, after: &Goods) -> Result<Option<Goods>> {
    let row: Option<(String, String)> = tx
        .query(sql!(
            "SELECT product, lot FROM (
                 SELECT * FROM (SELECT product, lot FROM stock_movement
                     WHERE (product, lot) > ($1, $2) ORDER BY product, lot LIMIT 1) AS a
                 UNION SELECT * FROM (SELECT product, lot FROM stock_use
                     WHERE (product, lot) > ($1, $2) ORDER BY product, lot LIMIT 1) AS b) AS lots
             ORDER BY product, lot LIMIT 1"
        ))
        .bind(after.product.clone())
        .bind(after.lot.clone())
        .optional()
        .await?;
    Ok(row.map(|(product, lot)| Goods { product, lot }))
}

/// Balances, deliveries and transfers of lots that no movement and no dose names.
async fn rest(tx: &mut Tx, proof: &Proof) -> Result<Option<Difference>> {
    let (balances, shipped, in_transfer): (i64, i64, i64) = tx
        .query(sql!(
            "SELECT (SELECT COUNT(*) FROM stock_balance),
                    (SELECT CAST(COALESCE(SUM(shipped), 0) AS BIGINT) FROM delivery),
                    (SELECT CAST(COALESCE(SUM(COALESCE(sent, 0) - COALESCE(taken, 0)), 0) AS BIGINT)
                     FROM stock_transfer)"
        ))
        .one()
        .await?;
    let sums = [
        ("balances", proof.balances.cast_signed(), balances),
        ("shipped", proof.nation.shipped, shipped),
        ("in_transfer", proof.nation.in_transfer, in_transfer),
    ];
    let different = sums
        .into_iter()
        .find(|(_, expected, found)| expected != found);
    Ok(different.map(|(what, expected, found)| Difference {
        what,
        goods: None,
        holder: None,
        place: None,
        expected,
        found,
    }))
}

/// Movements that are alike, added up.
#[derive(sqlx_macros::FromRow)]
struct Sum {
    kind: String,
    from_holder: Vec<u8>,
    from_account: String,
    to_holder: Vec<u8>,
    to_account: String,
    vials: i64,
    movements: i64,
}

#[derive(Default)]
struct Lot {
    /// By the movements.
    posts: BTreeMap<Post, i64>,
    identities: BTreeMap<OrganisationId, Identity>,
    /// What was booked for doses: opened, used, opened for nobody.
    booked: BTreeMap<OrganisationId, [i64; 3]>,
    /// What the movements mean to each holder.
    sums: BTreeMap<OrganisationId, Sums>,
    /// By suppliers' and venues' words: what is on the way to each venue.
    on_the_way: BTreeMap<Post, i64>,
}

async fn lot(
    tx: &mut Tx,
    goods: &Goods,
    today: Day,
    (proof, sums): (&mut Proof, &mut SumsProof),
) -> Result<Option<Difference>> {
    let mut lot = Lot::default();
    add_movements(tx, goods, &mut lot, proof).await?;
    let of_venues = std::mem::take(&mut lot.sums);
    if let Some(found) = sums.lot(tx, goods, &of_venues).await? {
        return Ok(Some(found));
    }
    let different = |what, holder, expected, found| {
        Ok(Some(Difference {
            what,
            goods: Some(goods.clone()),
            holder: Some(holder),
            place: None,
            expected,
            found,
        }))
    };
    let kept = kept_balances(tx, goods).await?;
    for post in lot.posts.keys().chain(kept.keys()) {
        let expected = lot.posts.get(post).copied().unwrap_or_default();
        let found = kept.get(post).copied().unwrap_or_default();
        if expected != found {
            return different("balance", post.holder, expected, found);
        }
    }
    proof.balances += kept.len() as u64;
    for (post, vials) in &kept {
        proof.nation.add(post.account, *vials);
        proof.negative += u64::from(*vials < 0 && post.account.is_on_hand());
    }
    for (venue, identity) in &lot.identities {
        let on_hand = Shelf::ALL.into_iter().map(|shelf| {
            let post = Post {
                holder: *venue,
                account: Account::Shelf(shelf),
            };
            kept.get(&post).copied().unwrap_or_default()
        });
        let on_hand = on_hand.sum();
        if !identity.holds(on_hand) {
            return different("identity", *venue, identity.stock(), on_hand);
        }
    }
    proof.identities += lot.identities.len() as u64;
    words(tx, goods, &mut lot).await?;
    let is_way = |post: &&Post| {
        matches!(
            post.account,
            Account::Delivery | Account::Transfer | Account::Supply
        )
    };
    for post in lot.posts.keys().chain(lot.on_the_way.keys()).filter(is_way) {
        let expected = lot.on_the_way.get(post).copied().unwrap_or_default();
        let found = lot.posts.get(post).copied().unwrap_or_default();
        if expected != found {
            return different("on_the_way", post.holder, expected, found);
        }
    }
    days(tx, goods, &lot, today, proof).await
}

async fn add_movements(tx: &mut Tx, goods: &Goods, lot: &mut Lot, proof: &mut Proof) -> Result<()> {
    let sums: Vec<Sum> = tx
        .query(sql!(
            "SELECT kind, from_holder, from_account, to_holder, to_account,
                    CAST(SUM(vials) AS BIGINT) AS vials, COUNT(*) AS movements
             FROM stock_movement WHERE product = $1 AND lot = $2
             GROUP BY kind, from_holder, from_account, to_holder, to_account"
        ))
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .all()
        .await?;
    for sum in sums {
        let kind = Kind::parse(&sum.kind).ok_or(Error::Inconsistent {
            table: "stock_movement",
            column: "kind",
        })?;
        let from = Post {
            holder: organisation(&sum.from_holder, "stock_movement", "from_holder")?,
            account: account_in(&sum.from_account)?,
        };
        let to = Post {
            holder: organisation(&sum.to_holder, "stock_movement", "to_holder")?,
            account: account_in(&sum.to_account)?,
        };
        *lot.posts.entry(from).or_default() -= sum.vials;
        *lot.posts.entry(to).or_default() += sum.vials;
        proof.movements += sum.movements.unsigned_abs();
        let mut holders = vec![from.holder, to.holder];
        holders.dedup();
        for holder in holders {
            let identity = lot.identities.entry(holder).or_default();
            identity.add(holder, kind, from, to, sum.vials);
        }
        for (post, vials) in [(from, -sum.vials), (to, sum.vials)] {
            *lot.sums.entry(post.holder).or_default() += Sums::of(kind, post.account, vials);
            let booked = lot.booked.entry(post.holder).or_default();
            let [opened, used, none] = booked;
            match (kind, post.account) {
                (Kind::Opened, Account::Opened) => *opened += vials,
                (Kind::Used, Account::Used) => *used += vials,
                (Kind::Discarded, Account::Discarded(domain::stock::Waste::OpenedNone)) => {
                    *none += vials;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

async fn kept_balances(tx: &mut Tx, goods: &Goods) -> Result<BTreeMap<Post, i64>> {
    let rows: Vec<(Vec<u8>, String, i64)> = tx
        .query(sql!(
            "SELECT holder, account, vials FROM stock_balance WHERE lot = $2 AND product = $1"
        ))
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .all()
        .await?;
    rows.into_iter()
        .map(|(holder, account, vials)| {
            let post = Post {
                holder: organisation(&holder, "stock_balance", "holder")?,
                account: account_in(&account)?,
            };
            Ok((post, vials))
        })
        .collect()
}

/// What the two sides' words about deliveries and transfers say is on the way, and left suppliers.
async fn words(tx: &mut Tx, goods: &Goods, lot: &mut Lot) -> Result<()> {
    let deliveries: Vec<(Vec<u8>, Vec<u8>, i64, i64)> = tx
        .query(sql!(
            "SELECT supplier, venue, CAST(SUM(shipped) AS BIGINT),
                    CAST(SUM(COALESCE(received, 0)) AS BIGINT)
             FROM delivery WHERE product = $1 AND lot = $2 GROUP BY supplier, venue"
        ))
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .all()
        .await?;
    for (supplier, venue, shipped, received) in deliveries {
        let supply = Post {
            holder: organisation(&supplier, "delivery", "supplier")?,
            account: Account::Supply,
        };
        let way = Post {
            holder: organisation(&venue, "delivery", "venue")?,
            account: Account::Delivery,
        };
        *lot.on_the_way.entry(supply).or_default() -= shipped;
        *lot.on_the_way.entry(way).or_default() += shipped - received;
    }
    let transfers: Vec<(Vec<u8>, i64)> = tx
        .query(sql!(
            "SELECT to_venue, CAST(SUM(COALESCE(sent, 0) - COALESCE(taken, 0)) AS BIGINT)
             FROM stock_transfer WHERE product = $1 AND lot = $2 GROUP BY to_venue"
        ))
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .all()
        .await?;
    for (venue, vials) in transfers {
        let way = Post {
            holder: organisation(&venue, "stock_transfer", "to_venue")?,
            account: Account::Transfer,
        };
        *lot.on_the_way.entry(way).or_default() += vials;
    }
    Ok(())
}

/// The days of a lot: what is booked for each must follow from its doses and closing, and all of it
/// together must be what the movements say.
async fn days(
    tx: &mut Tx,
    goods: &Goods,
    lot: &Lot,
    today: Day,
    proof: &mut Proof,
) -> Result<Option<Difference>> {
    let rows: Vec<UseRow> = tx
        .query(sql!(
            "SELECT venue, day, product, lot, doses_primary, doses_booster, opened, used, opened_none,
                    discarded, revision
             FROM stock_use WHERE product = $1 AND lot = $2 AND unsettled = 0"
        ))
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .all()
        .await?;
    let kept = rows
        .into_iter()
        .map(Kept::try_from)
        .collect::<Result<Vec<_>>>()?;
    let closings = closings(tx, &kept).await?;
    for one in &kept {
        let wanted = follows(one, &closings, today);
        // A day that ended since it was settled has a vial open yet.
        let may_be_open = one.booked.open() > 0 && one.key.1 < today;
        if wanted != one.booked && !(may_be_open && wanted.opened == one.booked.opened) {
            return Ok(Some(Difference {
                what: "day",
                goods: Some(goods.clone()),
                holder: Some(one.key.0),
                place: None,
                expected: wanted.opened,
                found: one.booked.opened,
            }));
        }
    }
    proof.days += kept.len() as u64;
    let unsettled: Vec<UseRow> = tx
        .query(sql!(
            "SELECT venue, day, product, lot, doses_primary, doses_booster, opened, used, opened_none,
                    discarded, revision
             FROM stock_use WHERE product = $1 AND lot = $2 AND unsettled = 1"
        ))
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .all()
        .await?;
    proof.unsettled += unsettled.len() as u64;
    let mut booked: BTreeMap<OrganisationId, [i64; 3]> = BTreeMap::new();
    let unsettled = unsettled.into_iter().map(Kept::try_from);
    for one in kept.into_iter().map(Ok).chain(unsettled) {
        let one = one?;
        let [opened, used, none] = booked.entry(one.key.0).or_default();
        *opened += one.booked.opened;
        *used += one.booked.used;
        *none += one.booked.opened_none;
    }
    for holder in lot.booked.keys().chain(booked.keys()) {
        let [expected, found] =
            [&booked, &lot.booked].map(|sums| sums.get(holder).copied().unwrap_or_default());
        if expected != found {
            return Ok(Some(Difference {
                what: "booked",
                goods: Some(goods.clone()),
                holder: Some(*holder),
                place: None,
                expected: expected.iter().sum(),
                found: found.iter().sum(),
            }));
        }
    }
    Ok(None)
}

type DoseRow = (Vec<u8>, String, String, String, i64, String, i64);

/// The doses of every day, venue and lot by the records, held against those the books know, and those
/// of the entries that the books have not taken yet.
async fn doses(tx: &mut Tx, proof: &mut Proof) -> Result<Option<Difference>> {
    let mut all: BTreeMap<Key, Doses> = BTreeMap::new();
    let recorded: Vec<DoseRow> = tx
        .query(sql!(
            "SELECT venue, given_on, product, lot, turn, SUBSTR(line, 1, 1), COUNT(*) FROM dose
             WHERE standing IN ('counted', 'clash', 'quarantined')
             GROUP BY venue, given_on, product, lot, turn, SUBSTR(line, 1, 1)"
        ))
        .all()
        .await?;
    for (venue, day, product, lot, turn, kind, count) in recorded {
        if CouponKind::of(kind.parse().unwrap_or_default()) == CouponKind::InterviewOnly {
            continue;
        }
        let venue = organisation(&venue, "dose", "venue")?;
        let key = (
            venue,
            day_in(&day, "dose", "given_on")?,
            Goods { product, lot },
        );
        let sum = all.entry(key).or_default();
        match Purpose::of_turn(u8::try_from(turn).unwrap_or(u8::MAX)) {
            Purpose::Primary => sum.primary += count,
            Purpose::Booster => sum.booster += count,
        }
    }
    for (key, doses) in not_taken(tx).await? {
        let sum = all.entry(key).or_default();
        sum.primary -= doses.primary;
        sum.booster -= doses.booster;
    }
    let (lag,): (i64,) = tx
        .query(sql!(
            "SELECT CAST(COALESCE(SUM(c.seq - COALESCE(p.seq, 0)), 0) AS BIGINT)
             FROM chain AS c
             LEFT JOIN progress AS p ON p.projection = 'stock' AND p.municipality = c.municipality"
        ))
        .one()
        .await?;
    proof.lag = lag.unsigned_abs();
    let rows: Vec<(Vec<u8>, String, String, String, i64, i64)> = tx
        .query(sql!(
            "SELECT venue, day, product, lot, doses_primary, doses_booster FROM stock_use"
        ))
        .all()
        .await?;
    for (venue, day, product, lot, primary, booster) in rows {
        let venue = organisation(&venue, "stock_use", "venue")?;
        let key = (
            venue,
            day_in(&day, "stock_use", "day")?,
            Goods { product, lot },
        );
        let expected = all.remove(&key).unwrap_or_default();
        if expected != (Doses { primary, booster }) {
            let found = primary + booster;
            return Ok(Some(not_the_doses(&key, expected, found)));
        }
    }
    let missing = all.iter().find(|(_, doses)| **doses != Doses::default());
    Ok(missing.map(|(key, doses)| not_the_doses(key, *doses, 0)))
}

fn not_the_doses((venue, _, goods): &Key, expected: Doses, found: i64) -> Difference {
    Difference {
        what: "doses",
        goods: Some(goods.clone()),
        holder: Some(*venue),
        place: None,
        expected: expected.primary + expected.booster,
        found,
    }
}
