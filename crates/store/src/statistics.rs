//! The counts of the nation (統計), projected from the ledgers.
//!
//! The projection adds up the effects that the entries carry, each exactly once (`projections.rs`).
//! Nothing waits for it; a dose is recorded first and counted a moment later.

use std::collections::BTreeMap;

use domain::access::{Permit, Place};
use domain::calendar::Day;
use domain::people::Sex;
use domain::places::{MunicipalityCode, Prefecture};
use domain::statistics::{AgeBand, Count, Effect};

use crate::db::{Db, Table, sql};
use crate::error::{Error, Result};
use crate::projections::{Recent, Step, Stretch, Told, advance, behind, entries, rounds};

/// The projection's name in the table of positions.
const TALLY: &str = "tally";

/// Moves the counts on as far as the ledgers went when each was looked at; says how many entries
/// were counted. One round over the cities, whatever is recorded meanwhile: a round that went on
/// while there is something to count would not end in the rush hour, and every lone report would
/// wait for one of its steps.
///
/// # Errors
/// The database's.
pub async fn project(db: &Db, recent: &Recent) -> Result<u64> {
    rounds(|after| step(db, recent, after)).await
}

/// How many entries are recorded but not counted yet.
///
/// # Errors
/// The database's.
pub async fn lag(db: &Db) -> Result<i64> {
    let (lag,): (i64,) = db
        .query(sql!(
            "SELECT CAST(COALESCE(SUM(c.seq - COALESCE(p.seq, 0)), 0) AS BIGINT)
             FROM chain AS c
             LEFT JOIN progress AS p ON p.projection = 'tally' AND p.municipality = c.municipality"
        ))
        .one()
        .await?;
    Ok(lag)
}

/// Counts everything again from the first entries on.
///
/// # Errors
/// The database's.
pub async fn rebuild(db: &Db) -> Result<u64> {
    let mut tx = db.begin().await?;
    tx.query(sql!("DELETE FROM tally")).run().await?;
    tx.query(sql!("DELETE FROM tally_city")).run().await?;
    tx.query(sql!("DELETE FROM progress WHERE projection = $1"))
        .bind(TALLY)
        .run()
        .await?;
    tx.commit().await?;
    project(db, &Recent::default()).await
}

type Cell = (Day, Prefecture, Sex, AgeBand, u8);

/// Counts what there is of the next cities after this one; none if there is nothing.
async fn step(db: &Db, recent: &Recent, after: String) -> Result<Option<Step>> {
    let mut tx = db.begin_reading_by_key().await?;
    let Some(behind) = behind(&mut tx, TALLY, after).await? else {
        return Ok(None);
    };
    let told = entries(&mut tx, &behind, recent).await?;
    tx.commit().await?;
    let sums = Sums::of(&told);
    sums.save(db, &behind.stretches).await?;
    Ok(Some(behind.step()))
}

#[derive(Default)]
struct Sums {
    nation: BTreeMap<Cell, i64>,
    cities: BTreeMap<(MunicipalityCode, u8), i64>,
}

impl Sums {
    fn of(entries: &[Told]) -> Self {
        let mut sums = Self::default();
        for entry in entries {
            for effect in entry.personal.iter().flat_map(|personal| &personal.effects) {
                sums.add(entry.city, effect);
            }
        }
        sums
    }

    fn add(&mut self, city: MunicipalityCode, effect: &Effect) {
        let Some(prefecture) = city.prefecture() else {
            return;
        };
        let cell = (effect.day, prefecture, effect.sex, effect.age, effect.turn);
        *self.nation.entry(cell).or_default() += effect.n;
        *self.cities.entry((city, effect.turn)).or_default() += effect.n;
    }

    async fn save(mut self, db: &Db, stretches: &[Stretch]) -> Result<()> {
        self.nation.retain(|_, n| *n != 0);
        self.cities.retain(|_, n| *n != 0);
        let cells = || self.nation.keys();
        let nation = Table::default()
            .text(cells().map(|(day, ..)| day.to_string()))
            .whole(cells().map(|(_, prefecture, ..)| i64::from(prefecture.number())))
            .text(cells().map(|(_, _, sex, ..)| sex.open_data()))
            .text(cells().map(|(_, _, _, age, _)| age.open_data()))
            .whole(cells().map(|(.., turn)| i64::from(*turn)))
            .whole(self.nation.values().copied());
        let cities = Table::default()
            .text(self.cities.keys().map(|(city, _)| city.as_str()))
            .whole(self.cities.keys().map(|(_, turn)| i64::from(*turn)))
            .whole(self.cities.values().copied());
        let mut tx = db.begin_locking().await?;
        advance(&mut tx, TALLY, stretches).await?;
        tx.many(
            sql!(
                "INSERT INTO tally (day, prefecture, sex, age, turn, doses)
                 {rows: text, bigint, text, text, bigint, bigint}
                 ON CONFLICT (day, prefecture, sex, age, turn)
                 DO UPDATE SET doses = tally.doses + excluded.doses"
            ),
            nation,
        )
        .expect_each()
        .await?;
        tx.many(
            sql!(
                "INSERT INTO tally_city (municipality, turn, doses) {rows: text, bigint, bigint}
                 ON CONFLICT (municipality, turn)
                 DO UPDATE SET doses = tally_city.doses + excluded.doses"
            ),
            cities,
        )
        .expect_each()
        .await?;
        tx.commit().await
    }
}

/// Which part of the statistics to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// From this day on.
    pub from: Option<Day>,
    /// Up to and with this day.
    pub to: Option<Day>,
    /// Only this prefecture.
    pub prefecture: Option<Prefecture>,
}

#[derive(sqlx_macros::FromRow)]
struct CountRow {
    day: String,
    prefecture: i64,
    sex: String,
    age: String,
    turn: i64,
    doses: i64,
}

impl TryFrom<CountRow> for Count {
    type Error = Error;

    fn try_from(row: CountRow) -> Result<Self> {
        let bad = |column| Error::Inconsistent {
            table: "tally",
            column,
        };
        Ok(Self {
            day: Day::parse(&row.day).ok_or_else(|| bad("day"))?,
            prefecture: u8::try_from(row.prefecture)
                .ok()
                .and_then(Prefecture::new)
                .ok_or_else(|| bad("prefecture"))?,
            sex: Sex::from_open_data(&row.sex).ok_or_else(|| bad("sex"))?,
            age: AgeBand::parse(&row.age).ok_or_else(|| bad("age"))?,
            turn: u8::try_from(row.turn).map_err(|_| bad("turn"))?,
            count: row.doses,
        })
    }
}

/// The cells of the statistics that this actor may see, sorted by all keys, without zeros.
///
/// The nation sees all prefectures, a prefecture or a city its own.
///
/// # Errors
/// The database's.
pub async fn counts(db: &Db, permit: &Permit, cut: &Cut) -> Result<Vec<Count>> {
    let prefecture = match permit.place() {
        Place::Nation => cut.prefecture,
        Place::Prefecture(own) => Some(*own),
        Place::City(city) | Place::Venue { city, .. } => city.prefecture(),
        Place::Company(_) => return Ok(Vec::new()),
    };
    cells(db, &Cut { prefecture, ..*cut }).await
}

/// Everything, as the nation publishes it: nothing in it is finer than the real open data was.
///
/// # Errors
/// The database's.
pub async fn open_data(db: &Db) -> Result<Vec<Count>> {
    cells(db, &Cut::default()).await
}

async fn cells(db: &Db, cut: &Cut) -> Result<Vec<Count>> {
    let rows: Vec<CountRow> = db
        .query(sql!(
            "SELECT day, prefecture, sex, age, turn, doses FROM tally
             WHERE doses <> 0 AND day >= $1 AND day <= $2 AND prefecture >= $3 AND prefecture <= $4
             ORDER BY day, prefecture, sex, age, turn"
        ))
        .bind(
            cut.from
                .map_or("0000-00-00".to_owned(), |day| day.to_string()),
        )
        .bind(
            cut.to
                .map_or("9999-99-99".to_owned(), |day| day.to_string()),
        )
        .bind(cut.prefecture.map_or(1, |one| i64::from(one.number())))
        .bind(cut.prefecture.map_or(47, |one| i64::from(one.number())))
        .all()
        .await?;
    rows.into_iter().map(Count::try_from).collect()
}
