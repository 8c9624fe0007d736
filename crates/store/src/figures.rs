//! The figures that formulas use: drawn from Sesshu's own books, or stated by hand with a reason. What was
//! stated goes before what was drawn, which stays beside it to be compared.
//!
//! Invariant: a drawn figure is the sum over venues of what the books said of each at one moment, and is
//! only ever replaced by what they say at a later one.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{Action, Permit, Place};
use domain::allocation::{Entered, Node};
use domain::calendar::{Day, Instant};
use domain::cold_chain::{CoolerKind, is_kept_in};
use domain::cycles::{DRAWN_DAYS, Stated};
use domain::lots::last_day;
use domain::places::MunicipalityCode;
use domain::stock::Account;
use domain::venues::record::Told;
use serde_json::json;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::allocations::{ROWS_MAX, nodes, places, seat_for, whole, write_change};
use crate::cold_chain::units_taken;
use crate::cycles::Cycle;
use crate::db::{Db, Table, Tx, sql, transact};
use crate::demand;
use crate::error::{Error, Result};
use crate::lots;
use crate::stock::account_in;
use crate::venues::told_in;

/// Days of doses by day that are drawn with the usage, so that late entry can be corrected.
const ENTERED: &str = "entered_";

/// A figure of a place, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Of whom.
    pub seat: String,
    /// Which.
    pub figure: Stated,
    /// As it was stated by hand, if it was.
    pub stated: Option<ByHand>,
    /// As Sesshu's books had it, if it was drawn.
    pub drawn: Option<Drawn>,
}

/// A figure that somebody stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// How much.
    pub value: u64,
    /// From where, or why it differs from the books.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// A figure that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// How much.
    pub value: u64,
    /// As of when.
    pub at: Instant,
}

/// A figure that is stated of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedFigure {
    /// Of whom.
    pub seat: String,
    /// Which.
    pub figure: Stated,
    /// How much.
    pub value: u64,
    /// From where, or why it differs from Sesshu's own.
    pub reason: String,
}

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

fn stated_in(word: &str, table: &'static str) -> Result<Stated> {
    Stated::parse(word).ok_or_else(|| bad(table, "figure"))
}

type StatedRow = (String, String, i64, String, i64, Option<String>);

async fn stated_within(
    tx: &mut Tx,
    product: &str,
    seats: impl Iterator<Item = &str>,
) -> Result<Vec<StatedRow>> {
    tx.query(sql!(
        "SELECT f.place, f.figure, f.value, f.reason, f.at_micros, a.name FROM allocation_figure AS f
         LEFT JOIN account AS a ON a.id = f.by_user
         WHERE f.product = $1 AND f.place IN (SELECT value->>'place' FROM json_each($2))
         ORDER BY f.place, f.figure LIMIT $3"
    ))
    .bind(product.to_owned())
    .bind(places(seats))
    .bind(ROWS_MAX)
    .all()
    .await
}

async fn drawn_within(
    tx: &mut Tx,
    product: &str,
    seats: impl Iterator<Item = &str>,
) -> Result<Vec<(String, String, i64, i64)>> {
    tx.query(sql!(
        "SELECT place, figure, value, at_micros FROM drawn_figure
         WHERE product = $1 AND place IN (SELECT value->>'place' FROM json_each($2))
         ORDER BY place, figure LIMIT $3"
    ))
    .bind(product.to_owned())
    .bind(places(seats))
    .bind(ROWS_MAX)
    .all()
    .await
}

/// Puts the figures of a product into nodes: the drawn ones, and over them those stated by hand.
pub(crate) async fn state<'n>(
    tx: &mut Tx,
    product: &str,
    nodes: impl Iterator<Item = &'n mut Node>,
) -> Result<()> {
    let mut by_code: BTreeMap<String, &mut Node> = BTreeMap::new();
    for node in nodes {
        by_code.insert(node.code.clone(), node);
    }
    let seats: Vec<String> = by_code.keys().cloned().collect();
    let seats = || seats.iter().map(String::as_str);
    for (place, figure, value, _) in drawn_within(tx, product, seats()).await? {
        let value = whole(value, "drawn_figure")?;
        let Some(node) = by_code.get_mut(&place) else {
            continue;
        };
        match figure.strip_prefix(ENTERED) {
            None => stated_in(&figure, "drawn_figure")?.state(node, value),
            Some(days) => {
                let days_ago = days.parse().map_err(|_| bad("drawn_figure", "figure"))?;
                node.entered.push(Entered {
                    days_ago,
                    doses: value,
                });
            }
        }
    }
    for (place, figure, value, ..) in stated_within(tx, product, seats()).await? {
        if let Some(node) = by_code.get_mut(&place) {
            let value = whole(value, "allocation_figure")?;
            stated_in(&figure, "allocation_figure")?.state(node, value);
        }
    }
    Ok(())
}

/// The figures of those below a giver, by place and in the order of the file's columns.
///
/// # Errors
/// The database's.
pub async fn figures(db: &Db, permit: &Permit, cycle: &Cycle) -> Result<Vec<Figure>> {
    seat_for(permit, &[Action::Allocate])?;
    let below = nodes(db, permit, cycle).await?;
    let seats = || below.iter().map(|one| one.node.code.as_str());
    let mut tx = db.begin_reading().await?;
    let product = cycle.product.as_str();
    let mut all: BTreeMap<(String, Stated), Figure> = BTreeMap::new();
    let of = |seat: String, figure| Figure {
        seat,
        figure,
        stated: None,
        drawn: None,
    };
    for (seat, word, value, at) in drawn_within(&mut tx, product, seats()).await? {
        if word.starts_with(ENTERED) {
            continue;
        }
        let figure = stated_in(&word, "drawn_figure")?;
        let one = all
            .entry((seat.clone(), figure))
            .or_insert_with(|| of(seat, figure));
        one.drawn = Some(Drawn {
            value: whole(value, "drawn_figure")?,
            at: Instant::from_micros(at),
        });
    }
    for (seat, word, value, reason, at, by) in stated_within(&mut tx, product, seats()).await? {
        let figure = stated_in(&word, "allocation_figure")?;
        let one = all
            .entry((seat.clone(), figure))
            .or_insert_with(|| of(seat, figure));
        one.stated = Some(ByHand {
            value: whole(value, "allocation_figure")?,
            reason,
            by: by.unwrap_or_default(),
            at: Instant::from_micros(at),
        });
    }
    Ok(all.into_values().collect())
}

/// States figures of those below a giver, or of itself. Answers the seats that are not: nothing is
/// changed then.
///
/// # Errors
/// The database's.
pub async fn state_figures(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    figures: &[StatedFigure],
    act: (Uuid, Instant),
) -> Result<Vec<String>> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let known = nodes(db, permit, cycle).await?;
    let known: BTreeSet<&str> = known.iter().map(|one| one.node.code.as_str()).collect();
    let strange: Vec<String> = figures
        .iter()
        .filter(|one| !known.contains(one.seat.as_str()))
        .map(|one| one.seat.clone())
        .collect();
    if !strange.is_empty() {
        return Ok(strange);
    }
    let value = |one: &StatedFigure| {
        i64::try_from(one.value).map_err(|_| bad("allocation_figure", "value"))
    };
    let values: Vec<i64> = figures.iter().map(value).collect::<Result<_>>()?;
    transact!(db, |tx| {
        for (one, value) in figures.iter().zip(&values) {
            tx.query(sql!(
                "INSERT INTO allocation_figure (place, product, figure, value, reason, at_micros, by_user)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (place, product, figure) DO UPDATE SET
                     value = excluded.value, reason = excluded.reason, at_micros = excluded.at_micros,
                     by_user = excluded.by_user"
            ))
            .bind(one.seat.clone())
            .bind(cycle.product.as_str().to_owned())
            .bind(one.figure.as_str().to_owned())
            .bind(*value)
            .bind(one.reason.clone())
            .bind(act.1.micros())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .expect(1)
            .await?;
        }
        let detail = json!({ "product": cycle.product, "figures": figures.len() });
        write_change(&mut tx, permit, ("state-figures", &own), &detail, act).await?;
    })?;
    Ok(Vec::new())
}

/// Takes a figure stated by hand back, so that the drawn one holds again. Answers whether there was one of
/// somebody below.
///
/// # Errors
/// The database's.
pub async fn forget(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    (seat, figure): (&str, Stated),
    act: (Uuid, Instant),
) -> Result<bool> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let known = nodes(db, permit, cycle).await?;
    if !known.iter().any(|one| one.node.code == seat) {
        return Ok(false);
    }
    transact!(db, |tx| {
        let gone = tx
            .query(sql!(
                "DELETE FROM allocation_figure WHERE place = $1 AND product = $2 AND figure = $3"
            ))
            .bind(seat.to_owned())
            .bind(cycle.product.as_str().to_owned())
            .bind(figure.as_str().to_owned())
            .run()
            .await?;
        if gone > 0 {
            let detail = json!({ "product": cycle.product, "place": seat, "figure": figure });
            write_change(&mut tx, permit, ("forget-figure", &own), &detail, act).await?;
        }
        gone > 0
    })
}

/// What the books say of a place, in doses.
#[derive(Clone, Debug, Default)]
struct Books {
    stock: i64,
    expiring: i64,
    supplied: i64,
    used: i64,
    week: i64,
    by_day: BTreeMap<i64, i64>,
    room: Room,
}

/// Units that a place has room for.
#[derive(Clone, Copy, Debug, Default)]
enum Room {
    /// Nobody of it receives boxes.
    #[default]
    Nobody,
    /// So many, of all that receive boxes.
    Free(i64),
    /// Not all of them told of their coolers: nobody knows.
    Untold,
}

impl Room {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, room) | (room, Self::Nobody) => room,
            (Self::Free(a), Self::Free(b)) => Self::Free(a + b),
            (Self::Untold, _) | (_, Self::Untold) => Self::Untold,
        }
    }
}

impl Books {
    /// Each figure by its word. A shelf below zero is a question for its venue; here it holds nothing.
    fn told(&self) -> Vec<(String, i64)> {
        let stock = self.stock.max(0);
        let figures = [
            (Stated::StockDoses, stock),
            (Stated::ExpiringDoses, self.expiring.clamp(0, stock)),
            (Stated::SuppliedDoses, self.supplied),
            (Stated::UsedDoses, self.used),
            (Stated::WeekDoses, self.week),
        ];
        let figures = figures
            .into_iter()
            .map(|(figure, value)| (figure.as_str().to_owned(), value.max(0)));
        let days = self
            .by_day
            .iter()
            .map(|(days, doses)| (format!("{ENTERED}{days}"), (*doses).max(0)));
        let room = match self.room {
            Room::Free(units) => Some((Stated::Cap.as_str().to_owned(), units)),
            Room::Nobody | Room::Untold => None,
        };
        figures.chain(days).chain(room).collect()
    }
}

/// The venues below a giver, each with the seats whose figures it counts into.
type Seats = BTreeMap<Vec<u8>, Vec<String>>;

async fn seats_of_venues(tx: &mut Tx, giver: &Place) -> Result<Seats> {
    let (prefecture, city) = match giver {
        Place::Prefecture(own) => (Some(i64::from(own.number())), None),
        Place::City(own) => (None, Some(own.to_string())),
        _ => (None, None),
    };
    let rows: Vec<(Vec<u8>, Option<String>)> = tx
        .query(sql!(
            "SELECT id, municipality FROM organisation
             WHERE kind = 'venue' AND active = 1
               AND (CAST($1 AS BIGINT) IS NULL OR prefecture = $1)
               AND (CAST($2 AS TEXT) IS NULL OR municipality = $2)
             ORDER BY id LIMIT $3"
        ))
        .bind(prefecture)
        .bind(city)
        .bind(ROWS_MAX)
        .all()
        .await?;
    let mut seats = Seats::new();
    for (id, city) in rows {
        let city = city.ok_or_else(|| bad("organisation", "municipality"))?;
        let venue = uuid(&id, "organisation", "id")?.to_string();
        let counts_into = match giver {
            Place::Nation => vec![city],
            Place::Prefecture(_) => vec![city, venue],
            _ => vec![venue],
        };
        seats.insert(id, counts_into);
    }
    Ok(seats)
}

/// The cities below a giver that counts people; venues have no register.
async fn cities_below(tx: &mut Tx, giver: &Place) -> Result<Vec<MunicipalityCode>> {
    let prefecture = match giver {
        Place::Nation => None,
        Place::Prefecture(own) => Some(i64::from(own.number())),
        _ => return Ok(Vec::new()),
    };
    let rows: Vec<(Option<String>,)> = tx
        .query(sql!(
            "SELECT DISTINCT municipality FROM organisation
             WHERE kind = 'city' AND active = 1 AND (CAST($1 AS BIGINT) IS NULL OR prefecture = $1)
             ORDER BY municipality LIMIT $2"
        ))
        .bind(prefecture)
        .bind(ROWS_MAX)
        .all()
        .await?;
    let cities = rows.into_iter().flat_map(|(city,)| city);
    cities
        .map(|city| MunicipalityCode::parse(&city).map_err(|_| bad("organisation", "municipality")))
        .collect()
}

/// The last day of each lot, as the register and the rules have it.
async fn last_days<'l>(
    tx: &mut Tx,
    product: &str,
    lots: impl Iterator<Item = &'l str>,
    today: Day,
) -> Result<BTreeMap<String, Option<Day>>> {
    let lots: BTreeSet<&str> = lots.collect();
    let mut days = BTreeMap::new();
    for lot in lots {
        let entered = lots::found(tx, product, lot).await?;
        let printed = entered.map(|entered| entered.lot.expires);
        days.insert(lot.to_owned(), last_day(product, lot, printed, today));
    }
    Ok(days)
}

/// Draws the figures of everybody below a giver from the books of the stock and the ledgers, as of now, and begins to
/// count people and what is due for them in the registers of its cities ([`demand`]). Answers of how many places.
///
/// Stock and supply come from the stock's books, usage from the records by their venue: what stands on a
/// shelf; what of that ends before the cycle begins; all that ever came and was not given on to others. Room is
/// what the venues tell of their coolers, less what stands there.
///
/// # Errors
/// The database's.
pub async fn draw(db: &Db, permit: &Permit, cycle: &Cycle, act: (Uuid, Instant)) -> Result<usize> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let product = cycle.product.as_str();
    let today = act.1.day_in_japan();
    let mut reading = db.begin_reading().await?;
    let seats = seats_of_venues(&mut reading, permit.place()).await?;
    let mut books: BTreeMap<&str, Books> = BTreeMap::new();
    for seat in seats.values().flatten() {
        books.entry(seat).or_default();
    }
    count_vials(&mut reading, cycle, (&seats, &mut books), today).await?;
    count_doses(&mut reading, product, (&seats, &mut books), today).await?;
    count_room(&mut reading, cycle, (&seats, &mut books), today).await?;
    let cities = cities_below(&mut reading, permit.place()).await?;
    drop(reading);
    let mut rows = Vec::new();
    for (seat, books) in &books {
        let told = books.told().into_iter();
        rows.extend(told.map(|(figure, value)| ((*seat).to_owned(), figure, value)));
    }
    transact!(db, |tx| {
        // What is counted of the registers comes later, and what was counted before stands until then.
        tx.query(sql!(
            "DELETE FROM drawn_figure
             WHERE product = $1 AND place IN (SELECT value->>'place' FROM json_each($2))
               AND figure NOT IN ('population', 'due_doses')"
        ))
        .bind(product.to_owned())
        .bind(places(books.keys().copied()))
        .run()
        .await?;
        let table = Table::default()
            .text(rows.iter().map(|(seat, ..)| seat.as_str()))
            .text(rows.iter().map(|_| product))
            .text(rows.iter().map(|(_, figure, _)| figure.as_str()))
            .whole(rows.iter().map(|(.., value)| *value))
            .whole(rows.iter().map(|_| act.1.micros()));
        tx.many(
            sql!(
                "INSERT INTO drawn_figure (place, product, figure, value, at_micros)
                 {rows: text, text, text, bigint, bigint}"
            ),
            table,
        )
        .expect_each()
        .await?;
        demand::begin(&mut tx, cycle, &cities, act.0).await?;
        let detail = json!({ "product": product, "places": books.len() });
        write_change(&mut tx, permit, ("draw-figures", &own), &detail, act).await?;
    })?;
    Ok(books.len())
}

async fn count_vials(
    tx: &mut Tx,
    cycle: &Cycle,
    (seats, books): (&Seats, &mut BTreeMap<&str, Books>),
    today: Day,
) -> Result<()> {
    let product = cycle.product.as_str();
    let rows: Vec<(Vec<u8>, String, String, i64)> = tx
        .many(
            sql!(
                "WITH k (holder, product) AS ({rows: bytea, text})
                 SELECT b.holder, b.lot, b.account, b.vials FROM k CROSS JOIN stock_balance AS b
                 WHERE b.holder = k.holder AND b.product = k.product AND b.vials <> 0
                   AND b.account NOT IN ('supply', 'delivery', 'transfer')"
            ),
            Table::default()
                .bytes(seats.keys().cloned())
                .text(seats.keys().map(|_| product)),
        )
        .all()
        .await?;
    let ends = last_days(
        tx,
        product,
        rows.iter().map(|(_, lot, ..)| lot.as_str()),
        today,
    )
    .await?;
    for (holder, lot, account, vials) in rows {
        let doses = cycle.terms.doses_in(vials);
        let is_here = matches!(account_in(&account)?, Account::Shelf(_));
        let last = ends.get(&lot).copied().flatten();
        let ends_before = last.is_some_and(|last| last < cycle.terms.first_day);
        for seat in seats.get(&holder).into_iter().flatten() {
            if let Some(books) = books.get_mut(seat.as_str()) {
                books.supplied += doses;
                books.stock += if is_here { doses } else { 0 };
                books.expiring += if is_here && ends_before { doses } else { 0 };
            }
        }
    }
    Ok(())
}

type ToldRow = (Vec<u8>, Option<String>, Option<String>);

/// The room that venues have for the cycle's product in the coolers that it is kept in. A venue that is supplied by
/// another one receives no boxes.
async fn count_room(
    tx: &mut Tx,
    cycle: &Cycle,
    (seats, books): (&Seats, &mut BTreeMap<&str, Books>),
    today: Day,
) -> Result<()> {
    let product = cycle.product.as_str();
    let kinds: Vec<CoolerKind> = CoolerKind::ALL
        .into_iter()
        .filter(|kind| is_kept_in(product, *kind, today))
        .collect();
    let rows: Vec<ToldRow> = tx
        .many(
            sql!(
                "WITH k (venue, day) AS ({rows: bytea, text})
                 SELECT k.venue,
                        (SELECT s.told FROM venue_section AS s
                         WHERE s.venue = k.venue AND s.section = 'storage' AND s.valid_from <= k.day
                         ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS storage,
                        (SELECT s.told FROM venue_section AS s
                         WHERE s.venue = k.venue AND s.section = 'source' AND s.valid_from <= k.day
                         ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS source
                 FROM k"
            ),
            Table::default()
                .bytes(seats.keys().cloned())
                .text(seats.keys().map(|_| today.to_string())),
        )
        .all()
        .await?;
    let taken = units_taken(tx, seats.keys(), &kinds).await?;
    for (venue, storage, source) in rows {
        let told = |text: Option<String>| text.as_deref().map(told_in).transpose();
        let is_supplied =
            matches!(told(source)?, Some(Told::Source(source)) if source.supplier.is_some());
        let room = match told(storage)? {
            _ if is_supplied => Room::Nobody,
            Some(Told::Storage(storage)) => {
                let all: i64 = kinds.iter().map(|kind| storage.units(*kind)).sum();
                let taken = taken.get(&venue).copied().unwrap_or_default();
                Room::Free((all - taken).max(0))
            }
            _ => Room::Untold,
        };
        for seat in seats.get(&venue).into_iter().flatten() {
            if let Some(books) = books.get_mut(seat.as_str()) {
                books.room = books.room.and(room);
            }
        }
    }
    Ok(())
}

async fn count_doses(
    tx: &mut Tx,
    product: &str,
    (seats, books): (&Seats, &mut BTreeMap<&str, Books>),
    today: Day,
) -> Result<()> {
    let rows: Vec<(Vec<u8>, String, i64)> = tx
        .many(
            sql!(
                "WITH k (venue, product) AS ({rows: bytea, text})
                 SELECT u.venue, u.day, CAST(SUM(u.doses_primary + u.doses_booster) AS BIGINT)
                 FROM k CROSS JOIN stock_use AS u
                 WHERE u.venue = k.venue AND u.product = k.product
                 GROUP BY u.venue, u.day"
            ),
            Table::default()
                .bytes(seats.keys().cloned())
                .text(seats.keys().map(|_| product)),
        )
        .all()
        .await?;
    for (venue, day, doses) in rows {
        let day = Day::parse(&day).ok_or_else(|| bad("stock_use", "day"))?;
        let days_ago = day.days_until(today);
        for seat in seats.get(&venue).into_iter().flatten() {
            if let Some(books) = books.get_mut(seat.as_str()) {
                books.used += doses;
                if (0..7).contains(&days_ago) {
                    books.week += doses;
                }
                if (0..DRAWN_DAYS).contains(&days_ago) {
                    *books.by_day.entry(days_ago).or_default() += doses;
                }
            }
        }
    }
    Ok(())
}
