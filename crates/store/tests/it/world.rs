//! A small world to test in: an empty database on each engine, two cities, two venues, a clock set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use domain::access::{
    self, Action, Actor, CityPermit, OrganisationId, OrganisationKind, Permit, Place, Role,
    Territory, UserId, VenuePermit,
};
use domain::calendar::{Day, Instant};
use domain::contracts::Act;
use domain::coupons::{CouponLine, CouponNumber};
use domain::doses::{DoseId, InputWay};
use domain::people::{BirthDate, ResidentStanding, Sex};
use domain::places::MunicipalityCode;
use store::accounts::{self, NewOrganisation};
use store::contracts::{self, Decided, Decision, Made, NewMandate};
use store::recorder::{Outside, Pace, Receipt, RecordError, Recorder, Report, Writers};
use store::residents::{Addresses, OtherNames, Resident};
use store::{Db, Location};
use uuid::Uuid;

pub const CHIYODA: &str = "131016";
pub const SAPPORO: &str = "011002";

/// Runs a test on an empty SQLite file and on an empty PostgreSQL database.
///
/// PostgreSQL is named by `SESSHU_TEST_POSTGRES`; where the whole suite runs
/// (`SESSHU_TEST_REQUIRE=all`) its absence is a failure, elsewhere that half is left out aloud.
pub fn on_each_engine(test: impl AsyncFn(World)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("test.db"));
        test(World::opened(location).await).await;
        match std::env::var("SESSHU_TEST_POSTGRES") {
            Ok(server) => {
                let url = empty_postgres(&server).await;
                test(World::opened(Location::Postgres(url)).await).await;
            }
            Err(_) if std::env::var("SESSHU_TEST_REQUIRE").is_ok() => {
                panic!("SESSHU_TEST_POSTGRES must name a PostgreSQL server")
            }
            Err(_) => eprintln!("SESSHU_TEST_POSTGRES is not set: tested on SQLite only"),
        }
    });
}

/// A database of its own on the test's server.
pub async fn empty_postgres(server: &str) -> String {
    use sqlx::Connection;
    let name = format!("sesshu_test_{}", Uuid::from_u128(unique()).simple());
    let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
    let create = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(create))
        .execute(&mut connection)
        .await
        .unwrap();
    let (front, _) = server.rsplit_once('/').unwrap();
    format!("{front}/{name}")
}

fn unique() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_be_bytes(bytes)
}

pub struct World {
    pub db: Db,
    pub recorder: Recorder,
    /// The clock and the randomness it was started with.
    pub outside: Outside,
    location: Option<Location>,
    _writers: Writers,
    clock: Arc<AtomicI64>,
    ids: Arc<AtomicU64>,
}

impl World {
    async fn opened(location: Location) -> Self {
        let db = Db::open(&location).await.unwrap();
        let location = Some(location);
        Self {
            location,
            ..Self::new(db).await
        }
    }

    /// Changes the database behind the program's back.
    pub async fn spoil(&self, sql: &str) {
        use sqlx::Connection;
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match self.location.as_ref().unwrap() {
            Location::Sqlite(path) => {
                let url = format!("sqlite:{}", path.display());
                let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
            Location::Postgres(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
        }
    }

    pub async fn new(db: Db) -> Self {
        store::migrations::migrate(&db).await.unwrap();
        store::migrations::migrate(&db).await.unwrap();
        let clock = Arc::new(AtomicI64::new(0));
        let salts = AtomicU64::new(1);
        let outside = Outside {
            now: {
                let clock = Arc::clone(&clock);
                Arc::new(move || Instant::from_micros(clock.load(Ordering::SeqCst)))
            },
            salt: Arc::new(move || {
                let number = u128::from(salts.fetch_add(1, Ordering::SeqCst));
                number
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
                    .to_be_bytes()
            }),
        };
        let (recorder, writers) = Recorder::start(&db, &outside, Pace::default()).unwrap();
        let world = Self {
            db,
            recorder,
            outside,
            location: None,
            _writers: writers,
            clock,
            ids: Arc::new(AtomicU64::new(1)),
        };
        world.set_day("2021-06-01");
        world
    }

    /// Ten in the morning of a day in Japan.
    pub fn set_day(&self, day: &str) {
        let at = Instant::parse(&format!("{day}T10:00:00+09:00")).unwrap();
        self.clock.store(at.micros(), Ordering::SeqCst);
    }

    pub fn pass_minutes(&self, minutes: i64) {
        let micros = minutes * 60_000_000;
        self.clock.fetch_add(micros, Ordering::SeqCst);
    }

    pub fn now(&self) -> Instant {
        Instant::from_micros(self.clock.load(Ordering::SeqCst))
    }

    pub fn id(&self) -> Uuid {
        let number = u128::from(self.ids.fetch_add(1, Ordering::SeqCst));
        Uuid::from_u128((0x0190_0000_0000_7000_8000_u128 << 48) | number)
    }

    /// A dose of the first product on the world's own day.
    pub fn report(&self, digits: &str) -> Report {
        Report {
            id: DoseId(self.id()),
            line: CouponLine::parse(digits).unwrap(),
            given_on: self.now().day_in_japan(),
            product: "comirnaty_12_mono".into(),
            lot: "EY2173".into(),
            doctor: "鈴木".into(),
            venue_name: "千代田会場".into(),
            device: "tablet-1".into(),
            input: InputWay::Qr,
        }
    }

    pub async fn record(&self, report: Report) -> Result<Receipt, RecordError> {
        self.recorder.report(&venue(1, CHIYODA), report).await
    }

    pub async fn load(&self, city: &str, residents: &[Resident]) -> store::residents::Loaded {
        let ids = Arc::clone(&self.ids);
        let id = move || Uuid::from_u128(u128::from(ids.fetch_add(1, Ordering::SeqCst)) << 64);
        store::residents::load(
            &self.db,
            &self.recorder,
            &desk(city),
            (residents, Addresses::Told),
            self.now(),
            &id,
        )
        .await
        .unwrap()
    }

    /// Makes a venue a party to the collective contract from today on, by an association founded for it.
    pub async fn join_contract(&self, venue: OrganisationId, city_code: &str) {
        let association = self.found_association().await;
        let mandate = self.mandate(association, Act::Join);
        let act = (self.id(), self.now());
        let permit = mandating(venue, city_code);
        let made = contracts::make(&self.db, &permit, &mandate, act).await;
        assert_eq!(made.unwrap(), Made::Now);
        let act = (self.id(), self.now());
        let permit = confirming(association);
        let decided = contracts::decide(&self.db, &permit, mandate.id, Decision::Confirm, act);
        let today = self.now().day_in_japan();
        assert_eq!(decided.await.unwrap(), Decided::Confirmed(today));
    }

    /// A district medical association.
    pub async fn found_association(&self) -> OrganisationId {
        let id = OrganisationId(self.id());
        let nation = Actor {
            role: Role::Administrator,
            ..*nation().actor()
        };
        let place = Place::Company(id);
        let permit = access::permit(&nation, Action::ManageAccounts, place).unwrap();
        let new = NewOrganisation {
            id,
            kind: OrganisationKind::Association,
            name: "見本区医師会".to_owned(),
            facility_code: None,
        };
        accounts::found_organisation(&self.db, &permit, &new, self.id(), self.now())
            .await
            .unwrap();
        id
    }

    /// A mandate from today on.
    pub fn mandate(&self, association: OrganisationId, act: Act) -> NewMandate {
        NewMandate {
            id: self.id(),
            association,
            act,
            asked_from: self.now().day_in_japan(),
            signatory: "院長 見本 一郎".to_owned(),
        }
    }

    /// Everything must hold after every test.
    pub async fn verified(&self) -> store::verify::Report {
        let report = store::verify::verify(&self.db).await.unwrap();
        assert_eq!(report.difference, None);
        report
    }
}

pub fn city(code: &str) -> MunicipalityCode {
    MunicipalityCode::parse(code).unwrap()
}

pub fn number(digits: &str) -> CouponNumber {
    CouponNumber::parse(digits).unwrap()
}

pub fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

/// A venue's tablet.
pub fn venue(number: u128, city_code: &str) -> VenuePermit {
    let id = OrganisationId(Uuid::from_u128(number));
    let actor = Actor {
        user: UserId(Uuid::from_u128(100 + number)),
        organisation: id,
        kind: OrganisationKind::Venue,
        role: Role::Operator,
        territory: Territory::Venue {
            id,
            city: city(city_code),
        },
    };
    access::venue(&actor, Action::RecordDose).unwrap()
}

/// A venue that makes mandates.
pub fn mandating(id: OrganisationId, city_code: &str) -> Permit {
    let city = city(city_code);
    let actor = Actor {
        user: UserId(Uuid::from_u128(101)),
        organisation: id,
        kind: OrganisationKind::Venue,
        role: Role::Operator,
        territory: Territory::Venue { id, city },
    };
    access::permit(&actor, Action::MakeMandate, Place::Venue { id, city }).unwrap()
}

/// An association that confirms mandates.
pub fn confirming(id: OrganisationId) -> Permit {
    let actor = Actor {
        user: UserId(Uuid::from_u128(102)),
        organisation: id,
        kind: OrganisationKind::Association,
        role: Role::Operator,
        territory: Territory::Company(id),
    };
    access::permit(&actor, Action::ConfirmMandates, Place::Company(id)).unwrap()
}

/// A city's desk.
pub fn desk(code: &str) -> CityPermit {
    let actor = Actor {
        user: UserId(Uuid::from_u128(200)),
        organisation: OrganisationId(Uuid::from_u128(20)),
        kind: OrganisationKind::City,
        role: Role::Administrator,
        territory: Territory::City(city(code)),
    };
    access::city(&actor, Action::SeeLedger, city(code)).unwrap()
}

/// The nation's desk, for the statistics.
pub fn nation() -> access::Permit {
    let actor = Actor {
        user: UserId(Uuid::from_u128(300)),
        organisation: OrganisationId(Uuid::from_u128(30)),
        kind: OrganisationKind::Nation,
        role: Role::Operator,
        territory: Territory::Nation,
    };
    access::permit(&actor, Action::SeeStatistics, access::Place::Nation).unwrap()
}

pub fn resident(no: &str, digits: &str, birth: &str, sex: Sex) -> Resident {
    Resident {
        resident_no: no.into(),
        number: number(digits),
        name: format!("山田 {no}"),
        kana: format!("ヤマダ {no}"),
        birth: BirthDate::parse_compact(birth).unwrap(),
        sex,
        standing: ResidentStanding::Resident,
        protected: false,
        other_names: OtherNames::default(),
        address: None,
    }
}
