//! The stock of a venue by lot, among many movements (在庫): that it takes as long among a hundred million as among
//! those of the lots on hand alone. Straight at the store, as the venue's page asks it.
//!
//! Each lot is received, thawed, opened and used, day by day: 27 movements. Every venue has three lots on hand, in
//! different parts of that life; the first measuring is among these. Then lots that are used up are put into the books,
//! until there are as many movements as were asked for.

use std::time::Instant as Moment;

use anyhow::{Context, ensure};
use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Role, Territory, UserId, VenuePermit,
};
use domain::calendar::{Day, Instant};
use domain::places::{MunicipalityCode, Places, Prefecture};
use domain::stock::Goods;
use serde::Serialize;
use store::stock::{on_hand, story};
use store::{Db, Location};
use uuid::Uuid;

use crate::engines::on_each;
use crate::search::Bulk;
use crate::{Bar, Options, say_bars};

const PRODUCT: &str = "comirnaty_12_mono";
/// Vials of a lot that a venue receives.
const RECEIVED: u64 = 10;
/// Movements of a lot's whole life at a venue: shipped, received, five thawed, ten opened, ten used.
const LIFE: u64 = 27;
/// How far the lots on hand have come in that life: frozen, all thawed, half of them opened.
const ON_HAND: [u64; 3] = [2, 7, 12];
/// Venues that share a lot.
const SHARING: u64 = 500;
/// Rows of one statement while venues are filled in.
const CHUNK: u64 = 2_000;
/// Venues that are asked for, each in every round.
const ASKED: u64 = 500;
/// How often each is asked for. The first round finds pages that nobody has read yet.
const ROUNDS: usize = 9;
/// How much longer it may take among all movements: what differs more than that is not constant.
const LONGER_MAX: f64 = 1.5;

/// Milliseconds of one question: the middle venue's and the hundredth slowest's.
#[derive(Clone, Copy, Serialize)]
struct Times {
    p50_ms: f64,
    p99_ms: f64,
}

/// What was measured among so many movements.
#[derive(Serialize)]
struct Among {
    movements: u64,
    lots_each: u64,
    /// Asked for the first time.
    first: Times,
    /// Asked for again.
    again: Times,
    /// A lot's movements, one by one.
    story: Times,
}

/// Everything about one engine.
#[derive(Serialize)]
struct Engine {
    engine: &'static str,
    venues: u64,
    filled_seconds: f64,
    on_hand_alone: Among,
    all: Among,
    bars: Vec<Bar>,
}

/// Runs it on both engines and prints the figures.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    on_each("stock", options, engine, print).await
}

fn print(engine: &Engine) {
    println!(
        "\n{}: {} venues (filled in {:.0} s); p50 and p99 of {ASKED} venues, ms",
        engine.engine, engine.venues, engine.filled_seconds
    );
    for among in [&engine.on_hand_alone, &engine.all] {
        let [first, again, story] = [among.first, among.again, among.story]
            .map(|times| format!("{:.2} {:.2}", times.p50_ms, times.p99_ms));
        println!(
            "{:>11} movements, {:>3} lots each: stock by lot, first {first}, again {again}; a lot's story {story}",
            among.movements, among.lots_each
        );
    }
    say_bars(&engine.bars);
}

async fn engine(
    engine: &'static str,
    location: &Location,
    options: &Options,
) -> anyhow::Result<Engine> {
    let venues = options.venues.max(ASKED);
    let begun = Moment::now();
    let mut books = Books::open(location, venues).await?;
    for (lot, steps) in ON_HAND.into_iter().enumerate() {
        books.lot(&format!("N{lot}"), steps).await?;
    }
    books.settle().await?;
    let on_hand_alone = measured(location, &books).await?;
    books.used_up(options.movements).await?;
    books.settle().await?;
    let filled_seconds = begun.elapsed().as_secs_f64();
    let all = measured(location, &books).await?;
    let longer = |what, of: fn(&Among) -> Times| {
        Bar::most(
            what,
            of(&all).p50_ms / of(&on_hand_alone).p50_ms,
            LONGER_MAX,
        )
    };
    Ok(Engine {
        engine,
        venues,
        filled_seconds,
        bars: vec![
            longer("stock by lot, as long as among few movements", |among| {
                among.again
            }),
            longer("a lot's story, as long as among few", |among| among.story),
        ],
        on_hand_alone,
        all,
    })
}

/// Asks for the stock of venues all over the country, and for a story each.
async fn measured(location: &Location, books: &Books) -> anyhow::Result<Among> {
    let db = Db::open(location).await?;
    let now = Instant::from_micros(today()?.begins().micros() + 12 * 3_600_000_000);
    let mut first = Vec::new();
    let (mut again, mut stories) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for turn in 0..ASKED {
            let serial = turn * (books.venues / ASKED);
            let permit = permit(serial, books.city(serial)?)?;
            let begun = Moment::now();
            let here = on_hand(&db, &permit, now).await?;
            let took = begun.elapsed().as_secs_f64() * 1_000.0;
            let vials: i64 = here.iter().map(|one| one.batch.vials).sum();
            ensure!(vials == 25, "{vials} vials on hand");
            let goods = Goods {
                product: PRODUCT.to_owned(),
                lot: lot_at("N2", serial),
            };
            let begun = Moment::now();
            let told = story(&db, &permit, &goods).await?;
            let story_took = begun.elapsed().as_secs_f64() * 1_000.0;
            ensure!(told.len() == 12, "{} movements of a lot", told.len());
            if round == 0 {
                first.push(took);
            } else {
                again.push(took);
                stories.push(story_took);
            }
        }
    }
    db.close().await;
    Ok(Among {
        movements: books.movements,
        lots_each: books.lots_each,
        first: times(first)?,
        again: times(again)?,
        story: times(stories)?,
    })
}

fn times(mut all: Vec<f64>) -> anyhow::Result<Times> {
    all.sort_by(f64::total_cmp);
    let at = |hundredths: usize| all.get(all.len() * hundredths / 100).copied();
    Ok(Times {
        p50_ms: at(50).context("it was measured")?,
        p99_ms: at(99).context("it was measured")?,
    })
}

fn today() -> anyhow::Result<Day> {
    Day::new(2021, 8, 2).context("a day")
}

/// The venue with this number, at its own desk.
fn permit(serial: u64, city: MunicipalityCode) -> anyhow::Result<VenuePermit> {
    let id = OrganisationId(Uuid::from_u128(u128::from(serial + FIRST_VENUE)));
    let actor = Actor {
        user: UserId(Uuid::from_u128(1)),
        organisation: id,
        kind: OrganisationKind::Venue,
        role: Role::Operator,
        territory: Territory::Venue { id, city },
    };
    Ok(access::venue(&actor, Action::SeeStock)?)
}

/// Ids below are of the supplier and of its people.
const FIRST_VENUE: u64 = 100;
const SUPPLIER: u64 = 2;

/// A lot of the venue with this number: some venues share it.
fn lot_at(lot: &str, serial: u64) -> String {
    format!("{lot}-{}", LOT_NUMBER_MIN + serial / SHARING)
}

/// So that the numbers of lots are of one length, and rows that come venue by venue come in the order of their key.
const LOT_NUMBER_MIN: u64 = 1_000;

/// The books, while they are filled.
struct Books {
    bulk: Bulk,
    sqlite: bool,
    cities: Vec<MunicipalityCode>,
    venues: u64,
    movements: u64,
    lots_each: u64,
}

impl Books {
    /// Makes the tables, the venues and the steps of a lot's life.
    async fn open(location: &Location, venues: u64) -> anyhow::Result<Self> {
        let db = Db::open(location).await?;
        store::migrations::migrate(&db).await?;
        db.close().await;
        let mut books = Self {
            bulk: Bulk::open(location).await?,
            sqlite: matches!(location, Location::Sqlite(_)),
            cities: Places::bundled()
                .municipalities(today()?)
                .map(|one| one.code)
                .collect(),
            venues,
            movements: 0,
            lots_each: 0,
        };
        books.journal("OFF").await?;
        let mut from = 0;
        while from < venues {
            let to = (from + CHUNK).min(venues);
            books.organisations(from..to).await?;
            from = to;
        }
        books
            .bulk
            .run(
                "CREATE TEMP TABLE numbered AS
                 SELECT id, CAST(facility_code AS BIGINT) AS serial FROM organisation WHERE kind = 'venue'
                 ORDER BY facility_code"
                    .to_owned(),
            )
            .await?;
        books.life().await?;
        Ok(books)
    }

    /// A database that nobody else opens needs no journal while it is filled, and no room for one.
    async fn journal(&mut self, mode: &str) -> anyhow::Result<()> {
        if self.sqlite {
            self.bulk
                .run(format!("PRAGMA journal_mode = {mode}"))
                .await?;
        }
        Ok(())
    }

    fn city(&self, serial: u64) -> anyhow::Result<MunicipalityCode> {
        let at = usize::try_from(serial % self.cities.len() as u64).unwrap_or_default();
        self.cities.get(at).copied().context("a city")
    }

    async fn organisations(&mut self, serials: std::ops::Range<u64>) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for serial in serials {
            let city = self.city(serial)?;
            let id = self.bulk.id(serial + FIRST_VENUE);
            let prefecture = city.prefecture().map_or(0, Prefecture::number);
            rows.push(format!(
                "({id},'venue','会場{serial}','venue-{serial}',{prefecture},'{city}','{serial:010}',1)"
            ));
        }
        self.bulk
            .run(format!(
                "INSERT INTO organisation
                     (id, kind, name, place, prefecture, municipality, facility_code, active) VALUES {}",
                rows.join(",")
            ))
            .await
    }

    /// The steps of a lot's life at a venue, each a movement.
    async fn life(&mut self) -> anyhow::Result<()> {
        let mut steps = vec![
            ("shipped", "supply", "delivery", RECEIVED),
            ("received", "delivery", "frozen", RECEIVED),
        ];
        steps.extend((0..5).map(|_| ("thawed", "frozen", "thawed", RECEIVED / 5)));
        steps.extend((0..RECEIVED).map(|_| ("opened", "thawed", "opened", 1)));
        steps.extend((0..RECEIVED).map(|_| ("used", "opened", "used", 1)));
        ensure!(steps.len() as u64 == LIFE, "{} steps", steps.len());
        let rows: Vec<String> = steps
            .iter()
            .enumerate()
            .map(|(step, (kind, from, to, vials))| {
                format!("({step},'{kind}','{from}','{to}',{vials})")
            })
            .collect();
        self.bulk
            .run(format!(
                "CREATE TEMP TABLE life (step BIGINT, kind TEXT, source TEXT, target TEXT, vials BIGINT);
                 INSERT INTO life VALUES {}",
                rows.join(",")
            ))
            .await
    }

    /// A lot at every venue, that has come `steps` far in its life: its movements, and what they leave.
    async fn lot(&mut self, lot: &str, steps: u64) -> anyhow::Result<()> {
        let supplier = self.bulk.id(SUPPLIER);
        let on = today()?;
        let at = on.begins().micros();
        let named = format!("'{lot}-' || CAST({LOT_NUMBER_MIN} + n.serial / {SHARING} AS TEXT)");
        self.bulk
            .run(format!(
                "INSERT INTO stock_movement
                     (product, lot, act, part, kind, from_holder, from_account, to_holder, to_account, vials, on_day,
                      began_micros, note, at_micros, by_user, organisation)
                 SELECT '{PRODUCT}', {named}, n.id, l.step, l.kind,
                        CASE WHEN l.step = 0 THEN {supplier} ELSE n.id END, l.source, n.id, l.target, l.vials, '{on}',
                        CASE WHEN l.kind = 'thawed' THEN {at} ELSE 0 END, '', {at} + l.step, {supplier}, {supplier}
                 FROM numbered AS n CROSS JOIN life AS l WHERE l.step < {steps}"
            ))
            .await?;
        self.bulk
            .run(format!(
                "INSERT INTO stock_balance (holder, product, lot, account, vials)
                 SELECT n.id, '{PRODUCT}', {named}, b.account, b.vials
                 FROM numbered AS n CROSS JOIN (
                     SELECT account, SUM(vials) AS vials FROM (
                         SELECT source AS account, -vials AS vials FROM life WHERE step > 0 AND step < {steps}
                         UNION ALL SELECT target, vials FROM life WHERE step < {steps}) AS posts
                     GROUP BY account) AS b"
            ))
            .await?;
        self.movements += self.venues * steps;
        self.lots_each += 1;
        Ok(())
    }

    /// Lots that are used up, until there are so many movements. The indexes are made behind the rows.
    async fn used_up(&mut self, movements: u64) -> anyhow::Result<()> {
        self.journal("OFF").await?;
        let indexes = self
            .bulk
            .indexes("'stock_movement', 'stock_balance'")
            .await?;
        for (name, _) in &indexes {
            self.bulk.run(format!("DROP INDEX {name}")).await?;
        }
        while self.movements < movements {
            let lot = format!("E{}", LOT_NUMBER_MIN + self.lots_each);
            self.lot(&lot, LIFE).await?;
        }
        for (_, text) in indexes {
            self.bulk.run(text).await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> anyhow::Result<()> {
        self.bulk.settle().await?;
        self.journal("WAL").await
    }
}
