//! The counts of the nation (統計), projected from the ledgers.
//!
//! A projection reads each city's ledger from where it stopped, adds up the effects that the entries
//! carry, and writes sums and new positions in one transaction that insists on the old positions:
//! so each entry is counted exactly once, whoever runs it and however often it is interrupted.
//! Nothing waits for it; a dose is recorded first and counted a moment later.

use std::collections::BTreeMap;

use domain::access::{Permit, Place};
use domain::calendar::Day;
use domain::ledger::Personal;
use domain::people::Sex;
use domain::places::{MunicipalityCode, Prefecture};
use domain::statistics::{AgeBand, Count, Effect};

use crate::db::{Db, TRIES_MAX, Table, Tx, sql};
use crate::error::{Error, Result};

/// The projection's name in the table of positions.
const TALLY: &str = "tally";
/// Cities whose ledgers are read in one step.
const CITIES_MAX: i64 = 256;
/// Entries of one city read in one step, so that a step stays short for the writers beside it.
const ENTRIES_MAX: i64 = 2000;

/// Moves the counts on as far as the ledgers went when each was looked at; says how many entries
/// were counted. One round over the cities, whatever is recorded meanwhile: a round that went on
/// while there is something to count would not end in the rush hour, and every lone report would
/// wait for one of its steps.
///
/// # Errors
/// The database's.
pub async fn project(db: &Db) -> Result<u64> {
    let mut counted = 0;
    let mut tries = 0;
    let mut after = String::new();
    let mut another_round = false;
    loop {
        match step(db, &after).await {
            Ok(Some(step)) => {
                counted += step.entries;
                another_round |= step.cut_off;
                after = step.last;
                tries = 0;
            }
            Ok(None) if another_round => {
                after = String::new();
                another_round = false;
            }
            Ok(None) => return Ok(counted),
            // Another server counted these entries at the same time; its positions hold.
            Err(Error::Busy) if tries < TRIES_MAX => tries += 1,
            Err(error) => return Err(error),
        }
    }
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
    project(db).await
}

/// A stretch of a city's ledger that is counted in one step.
struct Stretch {
    city: MunicipalityCode,
    /// Where the projection stands.
    from: i64,
    /// Where it will stand.
    upto: i64,
}

fn table(stretches: &[Stretch]) -> Table {
    Table::default()
        .text(stretches.iter().map(|one| one.city.as_str()))
        .whole(stretches.iter().map(|one| one.from))
        .whole(stretches.iter().map(|one| one.upto))
}

type Cell = (Day, Prefecture, Sex, AgeBand, u8);

/// What was counted in one step.
struct Step {
    entries: u64,
    /// The last of its cities, in the order of the codes.
    last: String,
    /// Whether a city has more than is counted in one step.
    cut_off: bool,
}

/// Counts what there is of the next cities after this one; none if there is nothing.
async fn step(db: &Db, after: &str) -> Result<Option<Step>> {
    let mut tx = db.begin_reading_by_key().await?;
    let behind: Vec<(String, i64, i64)> = tx
        .query(sql!(
            "SELECT c.municipality, COALESCE(p.seq, 0), c.seq
             FROM chain AS c
             LEFT JOIN progress AS p ON p.projection = $1 AND p.municipality = c.municipality
             WHERE c.seq > COALESCE(p.seq, 0) AND c.municipality > $3
             ORDER BY c.municipality LIMIT $2"
        ))
        .bind(TALLY)
        .bind(CITIES_MAX)
        .bind(after.to_owned())
        .all()
        .await?;
    let Some((last, _, _)) = behind.last() else {
        return Ok(None);
    };
    let last = last.clone();
    let cut_off = behind
        .iter()
        .any(|(_, from, head)| head - from > ENTRIES_MAX);
    let stretches = behind
        .into_iter()
        .map(|(city, from, head)| {
            let city = MunicipalityCode::parse(&city).map_err(|_| Error::Inconsistent {
                table: "chain",
                column: "municipality",
            })?;
            let upto = head.min(from + ENTRIES_MAX);
            Ok(Stretch { city, from, upto })
        })
        .collect::<Result<Vec<_>>>()?;
    let entries: Vec<(String, Option<String>)> = tx
        .many(
            sql!(
                "WITH k (municipality, start, upto) AS ({rows: text, bigint, bigint})
                 SELECT l.municipality, l.personal FROM k CROSS JOIN ledger AS l
                 WHERE l.municipality = k.municipality AND l.seq > k.start AND l.seq <= k.upto"
            ),
            table(&stretches),
        )
        .all()
        .await?;
    tx.commit().await?;
    let counted = stretches
        .iter()
        .map(|one| one.upto.saturating_sub(one.from))
        .sum::<i64>();
    if i64::try_from(entries.len()).ok() != Some(counted) {
        return Err(Error::Inconsistent {
            table: "ledger",
            column: "seq",
        });
    }
    let sums = Sums::of(&entries)?;
    sums.save(db, &stretches).await?;
    Ok(Some(Step {
        entries: counted.unsigned_abs(),
        last,
        cut_off,
    }))
}

#[derive(Default)]
struct Sums {
    nation: BTreeMap<Cell, i64>,
    cities: BTreeMap<(MunicipalityCode, u8), i64>,
}

impl Sums {
    fn of(entries: &[(String, Option<String>)]) -> Result<Self> {
        let mut sums = Self::default();
        for (city, personal) in entries {
            let Some(personal) = personal else { continue };
            let personal: Personal =
                serde_json::from_str(personal).map_err(|_| Error::Inconsistent {
                    table: "ledger",
                    column: "personal",
                })?;
            let city = MunicipalityCode::parse(city).map_err(|_| Error::Inconsistent {
                table: "ledger",
                column: "municipality",
            })?;
            for effect in &personal.effects {
                sums.add(city, effect);
            }
        }
        Ok(sums)
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
        advance(&mut tx, stretches).await?;
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

/// Moves the positions from where they were read; if one is elsewhere by now, nothing is done.
async fn advance(tx: &mut Tx, stretches: &[Stretch]) -> Result<()> {
    let zeros = Table::default()
        .text(stretches.iter().map(|_| TALLY))
        .text(stretches.iter().map(|one| one.city.as_str()))
        .whole(stretches.iter().map(|_| 0));
    tx.many(
        sql!(
            "INSERT INTO progress (projection, municipality, seq) {rows: text, text, bigint}
             ON CONFLICT (projection, municipality) DO NOTHING"
        ),
        zeros,
    )
    .run()
    .await?;
    let moved = tx
        .many(
            sql!(
                "WITH k (municipality, start, upto) AS ({rows: text, bigint, bigint})
                 UPDATE progress SET seq = k.upto FROM k
                 WHERE progress.projection = 'tally' AND progress.municipality = k.municipality
                   AND progress.seq = k.start"
            ),
            table(stretches),
        )
        .run()
        .await?;
    if moved == stretches.len() as u64 {
        Ok(())
    } else {
        Err(Error::Busy)
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

#[derive(sqlx::FromRow)]
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
