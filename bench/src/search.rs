//! People found and their records read, at the size of a nation's year: kana and birth date, the
//! history of a coupon, the desk's work lists. Straight at the store, as every page and call asks it.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use domain::access::{
    self, Action, Actor, CityPermit, OrganisationId, OrganisationKind, Role, Territory, UserId,
};
use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::people::{Question, search_key, sound_key};
use domain::places::{MunicipalityCode, Places};
use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection, raw_sql};
use store::{Db, Location};
use uuid::Uuid;

use crate::Options;
use crate::engines::on_each;

/// Each person has two doses.
const DOSES_EACH: u64 = 2;
/// Cities the people live in, beside the first.
const CITIES: usize = 24;
/// In a hundred people, those who live in the first city: with ten million of them, as many as in the
/// largest city of the country.
const IN_FIRST_CITY: u64 = 37;
/// Rows of one statement while the tables are filled.
const CHUNK: u64 = 5_000;
/// Questions of each kind in a round, each about another person.
const QUESTIONS: u64 = 1_000;
/// How often the desk is opened in a round.
const DESKS: u64 = 20;
/// How often everything is measured; the middle is what counts, since a machine that others use too
/// is faster now and slower then.
const ROUNDS: u64 = 5;
/// Names as the demonstration has them.
const NAMES: &str = include_str!("../../data/names.csv");
/// The tables that are filled, without their indexes.
const TABLES: &str = "'resident', 'coupon', 'dose', 'resident_key'";

/// What is measured, with the milliseconds within which 99 in a hundred must be answered.
const BARS: [(&str, f64); 3] = [
    ("kana and birth date", 20.0),
    ("history by coupon", 5.0),
    ("the desk's work lists", 100.0),
];

/// A figure of one kind of question.
#[derive(Serialize)]
struct Figure {
    what: &'static str,
    p50_ms: f64,
    p99_ms: f64,
    bar_p99_ms: f64,
    holds: bool,
}

/// Everything about one engine.
#[derive(Serialize)]
struct Engine {
    engine: &'static str,
    doses: u64,
    people: u64,
    largest_city: u64,
    filled_seconds: f64,
    figures: Vec<Figure>,
}

/// Runs it on both engines and prints the figures.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    on_each("search", options, engine, print).await
}

async fn engine(
    engine: &'static str,
    location: &Location,
    options: &Options,
) -> anyhow::Result<Engine> {
    let town = Town::new(options.doses / DOSES_EACH)?;
    let begun = Instant::now();
    fill(location, &town).await?;
    let filled_seconds = begun.elapsed().as_secs_f64();
    let db = Db::open(location).await?;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        rounds.push([
            percentiles(by_kana(&db, &town, round).await?),
            percentiles(by_coupon(&db, &town, round).await?),
            percentiles(desk(&db, &town).await?),
        ]);
    }
    let figures = BARS.iter().enumerate().map(|(at, (what, bar))| {
        let of_round = rounds.iter().filter_map(|round| round.get(at).copied());
        figure(what, *bar, of_round.collect())
    });
    let figures = figures.collect();
    db.close().await;
    Ok(Engine {
        engine,
        doses: town.people * DOSES_EACH,
        people: town.people,
        largest_city: town.people * IN_FIRST_CITY / 100,
        filled_seconds,
        figures,
    })
}

/// The median of the times, and what one in a hundred is above.
fn percentiles(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times.get(times.len() * percent / 100).copied();
    (at(50).unwrap_or_default(), at(99).unwrap_or_default())
}

fn figure(what: &'static str, bar_p99_ms: f64, rounds: Vec<(f64, f64)>) -> Figure {
    let (medians, slowest) = rounds.into_iter().unzip();
    let ((p50_ms, _), (p99_ms, _)) = (percentiles(medians), percentiles(slowest));
    Figure {
        what,
        p50_ms,
        p99_ms,
        bar_p99_ms,
        holds: p99_ms <= bar_p99_ms,
    }
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

async fn by_kana(db: &Db, town: &Town, round: u64) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for draw in round * QUESTIONS..(round + 1) * QUESTIONS {
        let person = town.person(mixed(draw) % town.people);
        let typed = format!("{} {}", person.family_kana, person.birth);
        let permit = permit(person.city)?;
        let begun = Instant::now();
        let question = Question::read(&typed)?;
        let found = store::people::search(db, &permit, &question, None, 50).await?;
        times.push(ms(begun));
        let people = found.by_name.items;
        let is_there = people.iter().any(|one| one.resident_no == person.no());
        ensure!(is_there, "somebody was not found");
    }
    Ok(times)
}

async fn by_coupon(db: &Db, town: &Town, round: u64) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for draw in round * QUESTIONS..(round + 1) * QUESTIONS {
        let person = town.person(mixed(!draw) % town.people);
        let number = CouponNumber::parse(&person.number())?;
        let permit = permit(person.city)?;
        let begun = Instant::now();
        let found = store::doses::person(db, &permit, number).await?;
        times.push(ms(begun));
        let records = found.context("nobody has the coupon")?.records;
        ensure!(records.len() as u64 == DOSES_EACH, "a dose is missing");
    }
    Ok(times)
}

async fn desk(db: &Db, town: &Town) -> anyhow::Result<Vec<f64>> {
    let permit = permit(town.first_city)?;
    let today = Day::new(2021, 6, 30).context("a day")?;
    let mut times = Vec::new();
    for _ in 0..DESKS {
        let begun = Instant::now();
        let lists = store::worklists::counts(db, &permit, today).await?;
        times.push(ms(begun));
        ensure!(lists.iter().any(|list| list.count > 0), "no work was found");
    }
    Ok(times)
}

fn permit(city: MunicipalityCode) -> anyhow::Result<CityPermit> {
    let actor = Actor {
        user: UserId(Uuid::from_u128(1)),
        organisation: OrganisationId(Uuid::from_u128(2)),
        kind: OrganisationKind::City,
        role: Role::Operator,
        territory: Territory::City(city),
    };
    Ok(access::city(&actor, Action::SeePerson, city)?)
}

/// People that nobody is, each the same whenever asked for.
struct Town {
    people: u64,
    first_city: MunicipalityCode,
    /// The others.
    cities: Vec<MunicipalityCode>,
    families: Vec<Name>,
    givens: Vec<Name>,
    first_day: Day,
}

/// A name with its kana.
type Name = (&'static str, &'static str);

struct Person<'t> {
    serial: u64,
    city: MunicipalityCode,
    name: String,
    family_kana: &'t str,
    kana: String,
    birth: String,
    sex: &'static str,
}

impl Person<'_> {
    fn no(&self) -> String {
        format!("{:09}", self.serial)
    }

    fn number(&self) -> String {
        format!("{:010}", self.serial)
    }

    fn row(&self) -> String {
        format!(
            "('{}','{}','{}','{}','{}','{}','{}','{}','{}','resident',0,0,1)",
            self.city,
            self.no(),
            self.number(),
            self.name,
            self.kana,
            search_key(&self.name),
            sound_key(&self.kana),
            self.birth,
            self.sex
        )
    }
}

/// Bits that follow no pattern, the same for the same seed (SplitMix64).
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

impl Town {
    fn new(people: u64) -> anyhow::Result<Self> {
        let first_day = Day::new(1922, 1, 1).context("a day")?;
        let of = |kinds: &[&str]| -> Vec<Name> {
            let lines = NAMES.lines().filter_map(|line| line.split_once(','));
            lines
                .filter(|(kind, _)| kinds.contains(kind))
                .filter_map(|(_, name)| name.split_once(','))
                .collect()
        };
        let on = Day::new(2021, 6, 1).context("a day")?;
        let mut places = Places::bundled().municipalities(on).step_by(70);
        Ok(Self {
            people,
            first_city: places.next().context("no cities")?.code,
            cities: places.take(CITIES).map(|one| one.code).collect(),
            families: of(&["last"]),
            givens: of(&["female", "male"]),
            first_day,
        })
    }

    fn person(&self, serial: u64) -> Person<'_> {
        let lots = mixed(serial);
        let among = |all: u64, from: u32| lots.rotate_right(from) % all.max(1);
        let pick = |list: &[Name], from: u32| -> Name {
            let at = usize::try_from(among(list.len() as u64, from)).unwrap_or_default();
            list.get(at).copied().unwrap_or(("東", "アズマ"))
        };
        let (family, family_kana) = pick(&self.families, 0);
        let (given, given_kana) = pick(&self.givens, 17);
        // A hundred years of birthdays.
        let days = i64::try_from(among(36_525, 31)).unwrap_or_default();
        Person {
            serial,
            city: self.city_of(serial, lots),
            name: format!("{family} {given}"),
            family_kana,
            kana: format!("{family_kana} {given_kana}"),
            birth: self.first_day.plus_days(days).to_string(),
            sex: if lots.is_multiple_of(2) { "F" } else { "M" },
        }
    }

    /// People of a city stand together, as an import puts them.
    fn city_of(&self, serial: u64, lots: u64) -> MunicipalityCode {
        let in_first = self.people * IN_FIRST_CITY / 100;
        let others = (self.cities.len() as u64).max(1);
        if serial < in_first {
            return self.first_city;
        }
        let at = usize::try_from(lots.rotate_right(47) % others).unwrap_or_default();
        self.cities.get(at).copied().unwrap_or(self.first_city)
    }
}

/// A connection that fills tables without the store's care.
pub enum Bulk {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Bulk {
    /// Opens it.
    pub async fn open(location: &Location) -> anyhow::Result<Self> {
        Ok(match location {
            Location::Sqlite(path) => Self::Sqlite(sqlite(path).await?),
            Location::Postgres(url) => Self::Postgres(PgConnection::connect(url).await?),
        })
    }

    /// Runs a statement of any text.
    pub async fn run(&mut self, sql: String) -> anyhow::Result<()> {
        let sql = raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(connection) => {
                sql.execute(connection).await?;
            }
            Self::Postgres(connection) => {
                sql.execute(connection).await?;
            }
        }
        Ok(())
    }

    /// The indexes of these tables (names in quotes, with commas): name and text. Keys are not among them.
    pub async fn indexes(&mut self, tables: &str) -> anyhow::Result<Vec<(String, String)>> {
        match self {
            Self::Sqlite(connection) => {
                let sql = format!(
                    "SELECT name, sql FROM sqlite_master
                     WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})"
                );
                let rows = sqlx::query(AssertSqlSafe(sql))
                    .fetch_all(connection)
                    .await?;
                rows.iter()
                    .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                    .collect()
            }
            Self::Postgres(connection) => {
                let sql = format!(
                    "SELECT indexname::text, indexdef FROM pg_indexes
                     WHERE tablename IN ({tables}) AND indexname NOT LIKE '%pkey'"
                );
                let rows = sqlx::query(AssertSqlSafe(sql))
                    .fetch_all(connection)
                    .await?;
                rows.iter()
                    .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                    .collect()
            }
        }
    }

    /// Lets the engine learn its tables, and do what it does by itself after some minutes.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        let sql = match self {
            Self::Sqlite(_) => "ANALYZE",
            Self::Postgres(_) => "VACUUM ANALYZE",
        };
        self.run(sql.to_owned()).await
    }

    /// How the engine spells the id with this number.
    pub fn id(&self, number: u64) -> String {
        match self {
            Self::Sqlite(_) => format!("X'{number:032x}'"),
            Self::Postgres(_) => format!("'\\x{number:032x}'::bytea"),
        }
    }

    /// How the engine spells sixteen bytes that nobody has drawn yet.
    fn fresh_id(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "randomblob(16)",
            Self::Postgres(_) => "uuid_send(gen_random_uuid())",
        }
    }
}

async fn sqlite(path: &Path) -> anyhow::Result<SqliteConnection> {
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await?;
    raw_sql("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// The tables as the store makes them, filled in bulk: indexes are made behind the rows.
async fn fill(location: &Location, town: &Town) -> anyhow::Result<()> {
    let db = Db::open(location).await?;
    store::migrations::migrate(&db).await?;
    db.close().await;
    let mut bulk = Bulk::open(location).await?;
    let indexes = bulk.indexes(TABLES).await?;
    for (name, _) in &indexes {
        bulk.run(format!("DROP INDEX {name}")).await?;
    }
    let mut from = 0;
    while from < town.people {
        let to = (from + CHUNK).min(town.people);
        let rows: Vec<String> = (from..to).map(|serial| town.person(serial).row()).collect();
        bulk.run(format!(
            "INSERT INTO resident (municipality, resident_no, number, name, kana, name_key, kana_key, birth, sex,
                                   standing, protected, changed_at, keyed) VALUES {}",
            rows.join(",")
        ))
        .await?;
        from = to;
    }
    bulk.run(
        "INSERT INTO coupon (municipality, number, resident_no)
         SELECT municipality, number, resident_no FROM resident ORDER BY municipality, number"
            .to_owned(),
    )
    .await?;
    for turn in 1..=DOSES_EACH {
        let doses = doses(bulk.fresh_id(), turn);
        bulk.run(doses).await?;
    }
    for (_, text) in &indexes {
        bulk.run(text.clone()).await?;
    }
    bulk.run("ANALYZE".to_owned()).await
}

/// A dose for everybody; one in twenty was given too soon, and is on the work list.
fn doses(fresh_id: &str, turn: u64) -> String {
    format!(
        "INSERT INTO dose (municipality, dose_id, number, seq, last_seq, recorded_at, line, turn, given_on, product,
                           lot, doctor, venue, venue_name, venue_city, input, standing, sex, age, findings, severity,
                           pending, confirmed, contested)
         SELECT municipality, {fresh_id}, number, CAST(resident_no AS BIGINT) * 2 + {turn},
                CAST(resident_no AS BIGINT) * 2 + {turn}, 1622509200000000 + CAST(resident_no AS BIGINT),
                '2{turn}' || municipality || number, {turn}, '2021-06-0{turn}', 'comirnaty_12_mono', 'EY2173',
                '鈴木 一郎', {fresh_id}, '千代田会場', municipality, 'qr', 'counted', sex, '65-',
                CASE WHEN CAST(resident_no AS BIGINT) % 20 = 0
                     THEN '[{{\"code\":\"too_soon\",\"day\":\"2021-06-20\"}}]' ELSE '[]' END,
                CASE WHEN CAST(resident_no AS BIGINT) % 20 = 0 THEN 1 ELSE 0 END, 0, 0, 0
         FROM resident ORDER BY municipality, resident_no"
    )
}

fn print(engine: &Engine) {
    println!(
        "\n{}: {} doses of {} people, {} of them in one city (filled in {:.0} s)",
        engine.engine, engine.doses, engine.people, engine.largest_city, engine.filled_seconds
    );
    for one in &engine.figures {
        let sign = if one.holds { "holds" } else { "FAILS" };
        println!(
            "{sign}  {:<24} p50 {:>7.2} ms  p99 {:>7.2} ms  (bar {} ms)",
            one.what, one.p50_ms, one.p99_ms, one.bar_p99_ms
        );
    }
}
