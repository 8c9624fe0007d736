//! The figures that formulas use: drawn from Sesshu's own books, or stated by hand with a reason. What was
//! stated goes before what was drawn, which stays beside it to be compared.
//!
//! Invariant: a drawn figure is the sum over venues of what the books said of each at one moment, and is
//! only ever replaced by what they say at a later one. What was stated is a word that stays; nobody's word is followed
//! by one of somebody who has not seen it.

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

/// The last word about a figure by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Of whom.
    pub seat: String,
    /// Which figure.
    pub figure: Stated,
    /// Its number among all words about the product.
    pub number: i64,
    /// How much; none if it was taken back.
    pub value: Option<u64>,
    /// From where, or why it differs from the books.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// What became of figures that somebody stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stating {
    /// They stand; the last word has this number.
    Kept(i64),
    /// These seats are not below: nothing is changed.
    NotBelow(Vec<String>),
    /// Others said this meanwhile: nothing is changed.
    Changed(Vec<Word>),
}

/// What became of the figures of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// What others said meanwhile; it stays.
    pub changed: Vec<Word>,
    /// Seats that are not below.
    pub not_below: Vec<String>,
}

/// What became of taking a figure back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// It is taken back.
    Now,
    /// Nothing of it is stated, or its place is not below.
    NotFound,
    /// Somebody said this meanwhile: nothing is changed.
    Changed(Word),
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

#[derive(sqlx_macros::FromRow)]
struct WordRow {
    place: String,
    figure: String,
    number: i64,
    value: Option<i64>,
    reason: String,
    at_micros: i64,
    by_name: Option<String>,
}

impl WordRow {
    fn word(self) -> Result<Word> {
        let value = self.value.map(|value| whole(value, "stated_figure"));
        Ok(Word {
            figure: stated_in(&self.figure, "stated_figure")?,
            seat: self.place,
            number: self.number,
            value: value.transpose()?,
            reason: self.reason,
            by: self.by_name.unwrap_or_default(),
            at: Instant::from_micros(self.at_micros),
        })
    }
}

/// The last word about each figure of these places, those that took one back among them.
async fn last_words(
    tx: &mut Tx,
    product: &str,
    seats: impl Iterator<Item = &str>,
) -> Result<Vec<Word>> {
    let rows: Vec<WordRow> = tx
        .query(sql!(
            "SELECT f.place, f.figure, f.number, f.value, f.reason, f.at_micros, a.name AS by_name
             FROM stated_figure AS f LEFT JOIN account AS a ON a.id = f.by_user
             WHERE f.product = $1 AND f.place IN (SELECT value->>'place' FROM json_each($2))
               AND f.number = (SELECT MAX(n.number) FROM stated_figure AS n
                    WHERE n.place = f.place AND n.product = f.product AND n.figure = f.figure)
             ORDER BY f.place, f.figure LIMIT $3"
        ))
        .bind(product.to_owned())
        .bind(places(seats))
        .bind(ROWS_MAX)
        .all()
        .await?;
    rows.into_iter().map(WordRow::word).collect()
}

async fn last_number(tx: &mut Tx, product: &str) -> Result<i64> {
    let (number,): (i64,) = tx
        .query(sql!(
            "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) FROM stated_figure WHERE product = $1"
        ))
        .bind(product.to_owned())
        .one()
        .await?;
    Ok(number)
}

/// The number of the last word about any figure of the cycle's product. Whoever reads figures after this number has
/// seen every word up to it.
///
/// # Errors
/// The database's.
pub async fn number(db: &Db, permit: &Permit, cycle: &Cycle) -> Result<i64> {
    seat_for(permit, &[Action::Allocate])?;
    let mut tx = db.begin_reading().await?;
    last_number(&mut tx, cycle.product.as_str()).await
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
    for word in last_words(tx, product, seats()).await? {
        if let (Some(node), Some(value)) = (by_code.get_mut(&word.seat), word.value) {
            word.figure.state(node, value);
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
    for word in last_words(&mut tx, product, seats()).await? {
        let Some(value) = word.value else {
            continue;
        };
        let one = all
            .entry((word.seat.clone(), word.figure))
            .or_insert_with(|| of(word.seat, word.figure));
        one.stated = Some(ByHand {
            value,
            reason: word.reason,
            by: word.by,
            at: word.at,
        });
    }
    Ok(all.into_values().collect())
}

/// States figures of those below a giver, or of itself: all of them, or none if somebody changed one of them meanwhile.
/// `seen` is the [`number`] that whoever states them had before them. What is stated already, with the same reason,
/// changes nothing.
///
/// # Errors
/// The database's.
pub async fn state_figures(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    figures: &[StatedFigure],
    seen: i64,
    act: (Uuid, Instant),
) -> Result<Stating> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let strange = not_below(db, permit, cycle, figures).await?;
    if !strange.is_empty() {
        return Ok(Stating::NotBelow(strange));
    }
    transact!(db, |tx| {
        let (open, changed) = compare(&mut tx, cycle, figures, seen).await?;
        if !changed.is_empty() {
            return Ok(Stating::Changed(changed));
        }
        Stating::Kept(write_figures(&mut tx, permit, (cycle, &own), &open, act).await?)
    })
}

/// States the figures of a file. Those that somebody changed meanwhile are answered and stay as they are; all others are
/// stated.
///
/// # Errors
/// The database's.
pub async fn load_figures(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    figures: &[StatedFigure],
    seen: i64,
    act: (Uuid, Instant),
) -> Result<Loaded> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let not_below = not_below(db, permit, cycle, figures).await?;
    let below: Vec<StatedFigure> = figures
        .iter()
        .filter(|one| !not_below.contains(&one.seat))
        .cloned()
        .collect();
    transact!(db, |tx| {
        let (open, changed) = compare(&mut tx, cycle, &below, seen).await?;
        write_figures(&mut tx, permit, (cycle, &own), &open, act).await?;
        Loaded {
            changed,
            not_below: not_below.clone(),
        }
    })
}

async fn not_below(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    figures: &[StatedFigure],
) -> Result<Vec<String>> {
    let known = nodes(db, permit, cycle).await?;
    let known: BTreeSet<&str> = known.iter().map(|one| one.node.code.as_str()).collect();
    Ok(figures
        .iter()
        .filter(|one| !known.contains(one.seat.as_str()))
        .map(|one| one.seat.clone())
        .collect())
}

/// Those of the figures that say something new, and the words of others that whoever states them has not seen.
async fn compare<'f>(
    tx: &mut Tx,
    cycle: &Cycle,
    figures: &'f [StatedFigure],
    seen: i64,
) -> Result<(Vec<&'f StatedFigure>, Vec<Word>)> {
    let seats: BTreeSet<&str> = figures.iter().map(|one| one.seat.as_str()).collect();
    let last = last_words(tx, cycle.product.as_str(), seats.into_iter()).await?;
    let last: BTreeMap<(&str, Stated), &Word> = last
        .iter()
        .map(|word| ((word.seat.as_str(), word.figure), word))
        .collect();
    let (mut open, mut changed) = (Vec::new(), Vec::new());
    for one in figures {
        match last.get(&(one.seat.as_str(), one.figure)) {
            Some(word) if word.value == Some(one.value) && word.reason == one.reason => {}
            Some(word) if word.number > seen => changed.push((*word).clone()),
            _ => open.push(one),
        }
    }
    Ok((open, changed))
}

/// Writes words about figures; answers the last number.
async fn write_figures(
    tx: &mut Tx,
    permit: &Permit,
    (cycle, own): (&Cycle, &str),
    figures: &[&StatedFigure],
    act: (Uuid, Instant),
) -> Result<i64> {
    let product = cycle.product.as_str();
    let before = last_number(tx, product).await?;
    if figures.is_empty() {
        return Ok(before);
    }
    let value =
        |one: &&StatedFigure| i64::try_from(one.value).map_err(|_| bad("stated_figure", "value"));
    let values: Vec<i64> = figures.iter().map(value).collect::<Result<_>>()?;
    let by = permit.actor().user.0.as_bytes().to_vec();
    let table = Table::default()
        .text(figures.iter().map(|one| one.seat.as_str()))
        .text(figures.iter().map(|_| product))
        .text(figures.iter().map(|one| one.figure.as_str()))
        .whole((before + 1..).zip(figures).map(|(number, _)| number))
        .whole(values)
        .text(figures.iter().map(|one| one.reason.as_str()))
        .whole(figures.iter().map(|_| act.1.micros()))
        .bytes(figures.iter().map(|_| by.clone()));
    tx.many(
        sql!(
            "INSERT INTO stated_figure (place, product, figure, number, value, reason, at_micros, by_user)
             {rows: text, text, text, bigint, bigint, text, bigint, bytea}"
        ),
        table,
    )
    .expect_each()
    .await?;
    let detail = json!({ "product": cycle.product, "figures": figures.len() });
    write_change(tx, permit, ("state-figures", own), &detail, act).await?;
    last_number(tx, product).await
}

/// Takes a figure stated by hand back, so that the drawn one holds again. `seen` is the [`number`] that whoever takes it
/// back had before them.
///
/// # Errors
/// The database's.
pub async fn forget(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    (seat, figure, seen): (&str, Stated, i64),
    act: (Uuid, Instant),
) -> Result<Forgotten> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let known = nodes(db, permit, cycle).await?;
    if !known.iter().any(|one| one.node.code == seat) {
        return Ok(Forgotten::NotFound);
    }
    transact!(db, |tx| {
        let product = cycle.product.as_str();
        let words = last_words(&mut tx, product, std::iter::once(seat)).await?;
        let word = words.into_iter().find(|word| word.figure == figure);
        let Some(word) = word.filter(|word| word.value.is_some()) else {
            return Ok(Forgotten::NotFound);
        };
        if word.number > seen {
            return Ok(Forgotten::Changed(word));
        }
        let number = last_number(&mut tx, product).await? + 1;
        tx.query(sql!(
            "INSERT INTO stated_figure (place, product, figure, number, value, reason, at_micros, by_user)
             VALUES ($1, $2, $3, $4, NULL, '', $5, $6)"
        ))
        .bind(seat.to_owned())
        .bind(product.to_owned())
        .bind(figure.as_str().to_owned())
        .bind(number)
        .bind(act.1.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let detail = json!({ "product": cycle.product, "place": seat, "figure": figure });
        write_change(&mut tx, permit, ("forget-figure", &own), &detail, act).await?;
        Forgotten::Now
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
