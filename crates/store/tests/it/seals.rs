//! Individual Numbers under seal: they open where they were sealed, are found by who may find them,
//! and are nowhere else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use domain::access::{
    self, Action, Actor, CityPermit, NumberPermit, NumberPurpose, OrganisationId, OrganisationKind,
    Role, Territory, UserId,
};
use domain::people::{MyNumber, Sex};
use store::audit;
use store::imports::{self, Kind, NewImport};
use store::residents::Resident;
use store::seals::{Found, Holder, Kept, KeyRing, MasterKey, SealFault, Seals};
use store::{Db, Error, Location};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, city, day, desk, number, on_each_engine, resident};

/// A ring of keys that a test can take away and put back.
pub struct Office {
    pub seals: Seals,
    ring: Arc<Mutex<Option<String>>>,
    random: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
}

impl Office {
    pub fn new() -> Self {
        let drawn = AtomicU64::new(1);
        let random: Arc<dyn Fn() -> [u8; 16] + Send + Sync> = Arc::new(move || {
            let next = u128::from(drawn.fetch_add(1, Ordering::Relaxed));
            next.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
                .to_be_bytes()
        });
        let ring = Arc::new(Mutex::new(None));
        let source = Arc::clone(&ring);
        let keys = Arc::new(move || match source.lock().unwrap().as_deref() {
            Some(text) => KeyRing::parse(text).map_err(|refusal| refusal.to_string()),
            None => Err("the key file is gone".to_owned()),
        });
        let office = Self {
            seals: Seals::new(keys, Arc::clone(&random)),
            ring,
            random,
        };
        office.put(&KeyRing::new(office.key()));
        office
    }

    fn key(&self) -> MasterKey {
        MasterKey::make(day("2026-11-26"), &*self.random)
    }

    fn put(&self, ring: &KeyRing) {
        *self.ring.lock().unwrap() = Some(ring.text().to_string());
    }

    fn text(&self) -> String {
        self.ring.lock().unwrap().clone().unwrap()
    }

    /// Puts a new key in front.
    fn add_key(&self) {
        let ring = KeyRing::parse(&self.text()).unwrap();
        self.put(&ring.with(self.key()));
    }

    /// Leaves only the newest key.
    fn leave_newest(&self) {
        let text = self.text();
        let newest = text.lines().find(|line| !line.starts_with('#')).unwrap();
        *self.ring.lock().unwrap() = Some(newest.to_owned());
    }
}

/// The `n`th number, with its check digit: of the eleven others that could stand there, none fits.
pub fn my_number(n: u64) -> MyNumber {
    (0..10)
        .find_map(|check| MyNumber::parse(&format!("{:011}{check}", 98_320_567_000 + n)).ok())
        .unwrap()
}

pub fn person(no: &str, digits: u32) -> Resident {
    resident(no, &format!("{digits:010}"), "19460503", Sex::Female)
}

fn actor(code: &str, role: Role) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(200)),
        organisation: OrganisationId(Uuid::from_u128(20)),
        kind: OrganisationKind::City,
        role,
        territory: Territory::City(city(code)),
    }
}

pub fn may(code: &str, action: Action) -> NumberPermit {
    let chief = actor(code, Role::Administrator);
    access::number(&chief, action, city(code), NumberPurpose::MovedIn).unwrap()
}

pub fn reads_the_log(code: &str) -> CityPermit {
    let chief = actor(code, Role::Administrator);
    access::city(&chief, Action::SeeAccessLog, city(code)).unwrap()
}

impl World {
    pub async fn keep(
        &self,
        office: &Office,
        code: &str,
        numbers: &[(&str, MyNumber)],
    ) -> store::Result<Kept> {
        let numbers: Vec<_> = numbers
            .iter()
            .map(|(no, one)| ((*no).to_owned(), one.clone()))
            .collect();
        let (at, id) = (self.now(), || self.id());
        office
            .seals
            .keep(&self.db, &desk(code), &numbers, at, &id)
            .await
    }

    async fn find(&self, office: &Office, code: &str, number: MyNumber) -> store::Result<Found> {
        let permit = may(code, Action::FindByNumber);
        let (at, id) = (self.now(), || self.id());
        office.seals.find(&self.db, &permit, &number, at, &id).await
    }

    async fn open(&self, office: &Office, code: &str, no: &str) -> store::Result<Option<MyNumber>> {
        let permit = may(code, Action::OpenNumber);
        let (at, id) = (self.now(), || self.id());
        office.seals.open(&self.db, &permit, no, at, &id).await
    }

    pub async fn meddle(&self, sql: &'static str) -> u64 {
        let mut tx = self.db.begin().await.unwrap();
        let changed = tx.query(sql).run().await.unwrap();
        tx.commit().await.unwrap();
        changed
    }

    pub async fn logged(&self, code: &str) -> Vec<(String, String, Option<String>)> {
        let looks = audit::looks(&self.db, &reads_the_log(code), None)
            .await
            .unwrap();
        looks
            .into_iter()
            .rev()
            .map(|one| {
                let number = one.view.number.map(|number| number.as_str().to_owned());
                (one.view.view, one.view.purpose, number)
            })
            .collect()
    }
}

fn fault<T: std::fmt::Debug>(result: store::Result<T>) -> SealFault {
    match result.unwrap_err() {
        Error::Sealed(fault) => fault,
        other => panic!("{other}"),
    }
}

fn holder(code: &str, no: &str) -> Holder {
    Holder {
        municipality: city(code),
        resident_no: no.to_owned(),
    }
}

#[test]
fn a_number_that_is_kept_opens_again_and_the_same_file_changes_nothing() {
    on_each_engine(async |world| {
        let office = Office::new();
        world
            .load(
                CHIYODA,
                &[person("A1", 1), person("A2", 2), person("A3", 3)],
            )
            .await;
        let file = [
            ("A1", my_number(1)),
            ("A2", my_number(2)),
            ("Z9", my_number(9)),
        ];
        let kept = world.keep(&office, CHIYODA, &file).await.unwrap();
        let expected = Kept {
            new: 2,
            unknown: 1,
            ..Kept::default()
        };
        assert_eq!((kept, kept.sealed()), (expected, 2));
        assert_eq!(
            world.open(&office, CHIYODA, "A2").await.unwrap(),
            Some(my_number(2))
        );
        assert_eq!(world.open(&office, CHIYODA, "A3").await.unwrap(), None);
        assert_eq!(world.open(&office, CHIYODA, "Z9").await.unwrap(), None);
        let again = world.keep(&office, CHIYODA, &file).await.unwrap();
        assert_eq!((again.new, again.changed, again.unchanged), (0, 0, 2));
        // A number can be given anew by law; the former one then finds nobody.
        let anew = [("A2", my_number(22))];
        let kept = world.keep(&office, CHIYODA, &anew).await.unwrap();
        assert_eq!((kept.new, kept.changed, kept.unchanged), (0, 1, 0));
        assert_eq!(
            world.open(&office, CHIYODA, "A2").await.unwrap(),
            Some(my_number(22))
        );
        let found = world.find(&office, CHIYODA, my_number(2)).await.unwrap();
        assert_eq!(found, Found::default());
        // Two of a file that name the same person: the last one counts.
        let twice = [("A3", my_number(3)), ("A3", my_number(33))];
        assert_eq!(world.keep(&office, CHIYODA, &twice).await.unwrap().new, 1);
        assert_eq!(
            world.open(&office, CHIYODA, "A3").await.unwrap(),
            Some(my_number(33))
        );
        let (at, id) = (world.now(), world.id());
        let permit = desk(CHIYODA);
        let erase = || Seals::erase(&world.db, &permit, "A3", at, id);
        assert!(erase().await.unwrap());
        assert!(!erase().await.unwrap());
        assert_eq!(world.open(&office, CHIYODA, "A3").await.unwrap(), None);
        world.verified().await;
    });
}

#[test]
fn more_numbers_than_one_transaction_takes_are_all_kept() {
    on_each_engine(async |world| {
        let office = Office::new();
        let names: Vec<String> = (0..2_300).map(|n| format!("N{n:05}")).collect();
        let people: Vec<_> = (1..).zip(&names).map(|(n, no)| person(no, n)).collect();
        world.load(CHIYODA, &people).await;
        let numbers: Vec<_> = (1..)
            .zip(&names)
            .map(|(n, no)| (no.as_str(), my_number(n)))
            .collect();
        let kept = world.keep(&office, CHIYODA, &numbers).await.unwrap();
        assert_eq!(kept.new, 2_300);
        assert_eq!(Seals::count(&world.db).await.unwrap(), 2_300);
        let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
        assert!(checked.holds(), "{checked:?}");
        assert_eq!((checked.numbers, checked.data_keys), (2_300, 1));
        let found = world
            .find(&office, SAPPORO, my_number(2_300))
            .await
            .unwrap();
        assert_eq!(found.holders, [holder(CHIYODA, "N02299")]);
    });
}

#[test]
fn a_person_who_moved_is_found_in_every_city_and_each_of_them_can_see_who_asked() {
    on_each_engine(async |world| {
        let office = Office::new();
        world
            .load(CHIYODA, &[person("A1", 1), person("A2", 2)])
            .await;
        world.load(SAPPORO, &[person("S7", 70)]).await;
        let number = my_number(5);
        world
            .keep(
                &office,
                CHIYODA,
                &[("A1", number.clone()), ("A2", my_number(6))],
            )
            .await
            .unwrap();
        world
            .keep(&office, SAPPORO, &[("S7", number.clone())])
            .await
            .unwrap();
        let found = world.find(&office, SAPPORO, number).await.unwrap();
        assert_eq!(
            found.holders,
            [holder(SAPPORO, "S7"), holder(CHIYODA, "A1")]
        );
        assert_eq!(found.unopened, 0);
        let (find, why) = ("find-by-number".to_owned(), "moved-in".to_owned());
        let of = |number: Option<&str>| (find.clone(), why.clone(), number.map(str::to_owned));
        assert_eq!(
            world.logged(SAPPORO).await,
            [of(None), of(Some("0000000070"))]
        );
        assert_eq!(world.logged(CHIYODA).await, [of(Some("0000000001"))]);
        // A number that nobody has is asked for, too, and that stands in the log of who asked.
        let nobody = world.find(&office, SAPPORO, my_number(99)).await.unwrap();
        assert_eq!(nobody, Found::default());
        assert_eq!(world.logged(SAPPORO).await.len(), 3);
        assert_eq!(world.logged(CHIYODA).await.len(), 1);
    });
}

#[test]
fn finding_is_not_opening_and_a_city_opens_its_own_only() {
    on_each_engine(async |world| {
        let office = Office::new();
        world.load(CHIYODA, &[person("A1", 1)]).await;
        world
            .keep(&office, CHIYODA, &[("A1", my_number(5))])
            .await
            .unwrap();
        let (at, id) = (world.now(), || world.id());
        let finds = may(CHIYODA, Action::FindByNumber);
        let opened = office.seals.open(&world.db, &finds, "A1", at, &id).await;
        assert_eq!(fault(opened).code(), "denied");
        let opens = may(CHIYODA, Action::OpenNumber);
        let found = office
            .seals
            .find(&world.db, &opens, &my_number(5), at, &id)
            .await;
        assert_eq!(fault(found).code(), "denied");
        assert_eq!(world.logged(CHIYODA).await, []);
        // The row is Chiyoda's; Sapporo has nobody of that name.
        assert_eq!(world.open(&office, SAPPORO, "A1").await.unwrap(), None);
        let (at, id) = (world.now(), world.id());
        assert!(
            !Seals::erase(&world.db, &desk(SAPPORO), "A1", at, id)
                .await
                .unwrap()
        );
        assert_eq!(
            world.open(&office, CHIYODA, "A1").await.unwrap(),
            Some(my_number(5))
        );
        let open = ("open-number".to_owned(), "moved-in".to_owned());
        let logged = world.logged(CHIYODA).await;
        assert_eq!(logged, [(open.0, open.1, Some("0000000001".to_owned()))]);
    });
}

#[test]
fn a_seal_that_was_moved_or_bent_does_not_open_and_finds_nobody() {
    for meddle in [
        // A neighbour's seal, a bent byte, one that was cut off, a data key of another number.
        "UPDATE individual_number SET sealed = (SELECT o.sealed FROM individual_number AS o
             WHERE o.resident_no = 'A2') WHERE resident_no = 'A1'",
        "UPDATE individual_number SET sealed = unhex(replace(lower(hex(sealed)), substr(lower(hex(sealed)), 61, 8), '0badf00d'))
             WHERE resident_no = 'A1'",
        "UPDATE individual_number SET sealed = unhex('01') WHERE resident_no = 'A1'",
        "UPDATE individual_number SET key_no = 7 WHERE resident_no = 'A1'",
    ] {
        on_each_engine(async |world| {
            let office = Office::new();
            world.load(CHIYODA, &[person("A1", 1), person("A2", 2)]).await;
            let numbers = [("A1", my_number(1)), ("A2", my_number(2))];
            world.keep(&office, CHIYODA, &numbers).await.unwrap();
            let meddle = if world.db.is_embedded() {
                meddle.to_owned()
            } else {
                meddle.replace("lower(hex(sealed))", "encode(sealed, 'hex')")
            };
            assert_eq!(world.meddle(Box::leak(meddle.into_boxed_str())).await, 1);
            let opened = world.open(&office, CHIYODA, "A1").await;
            assert_eq!(fault(opened), SealFault::DoesNotOpen);
            let found = world.find(&office, CHIYODA, my_number(1)).await.unwrap();
            assert_eq!((found.holders, found.unopened), (vec![], 1));
            let other = world.find(&office, CHIYODA, my_number(2)).await.unwrap();
            assert_eq!(other.holders, [holder(CHIYODA, "A2")]);
            let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
            assert!(!checked.holds());
            assert_eq!((checked.numbers, checked.unopened, checked.misfiled), (2, 1, 0));
            assert_eq!(checked.cities[0].municipality, city(CHIYODA));
        });
    }
}

#[test]
fn a_lookup_that_was_turned_to_somebody_else_finds_nobody() {
    on_each_engine(async |world| {
        let office = Office::new();
        world
            .load(CHIYODA, &[person("A1", 1), person("A2", 2)])
            .await;
        let numbers = [("A1", my_number(1)), ("A2", my_number(2))];
        world.keep(&office, CHIYODA, &numbers).await.unwrap();
        let changed = world
            .meddle(
                "UPDATE individual_number SET lookup = (SELECT o.lookup FROM individual_number AS o
                     WHERE o.resident_no = 'A2') WHERE resident_no = 'A1'",
            )
            .await;
        assert_eq!(changed, 1);
        let found = world.find(&office, CHIYODA, my_number(2)).await.unwrap();
        assert_eq!(found.holders, [holder(CHIYODA, "A2")]);
        assert_eq!(found.unopened, 1);
        let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
        assert_eq!((checked.unopened, checked.misfiled), (0, 1));
        assert!(!checked.holds());
    });
}

#[test]
fn without_its_key_nothing_opens_and_everybody_is_told_which_key_is_missing() {
    on_each_engine(async |world| {
        let office = Office::new();
        world.load(CHIYODA, &[person("A1", 1)]).await;
        let numbers = [("A1", my_number(1))];
        world.keep(&office, CHIYODA, &numbers).await.unwrap();
        let right = office.text();
        let lost = KeyRing::parse(&right).unwrap().newest().id().clone();
        office.put(&KeyRing::new(office.key()));
        let missing = SealFault::KeyMissing { key: lost.clone() };
        assert!(missing.to_string().contains(lost.as_str()));
        assert_eq!(fault(world.open(&office, CHIYODA, "A1").await), missing);
        assert_eq!(
            fault(world.find(&office, CHIYODA, my_number(1)).await),
            missing
        );
        assert_eq!(fault(world.keep(&office, CHIYODA, &numbers).await), missing);
        assert_eq!(fault(office.seals.rewrap_some(&world.db).await), missing);
        let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
        assert!(!checked.holds() && !checked.lookup_opens);
        assert_eq!((checked.numbers, checked.unopened), (1, 1));
        let uses: Vec<_> = checked
            .keys
            .iter()
            .map(|key| (key.in_file, key.newest, key.wraps))
            .collect();
        assert!(uses.contains(&(false, false, 2)) && uses.contains(&(true, true, 0)));
        // The file itself is gone, or is none.
        *office.ring.lock().unwrap() = None;
        let gone = fault(world.open(&office, CHIYODA, "A1").await);
        assert_eq!(gone.code(), "seal_keys_unreadable");
        *office.ring.lock().unwrap() = Some("not a key".to_owned());
        let bad = fault(world.open(&office, CHIYODA, "A1").await);
        assert!(bad.to_string().contains("Line 1"), "{bad}");
        // Put back, it opens again: nothing was lost.
        *office.ring.lock().unwrap() = Some(right);
        assert_eq!(
            world.open(&office, CHIYODA, "A1").await.unwrap(),
            Some(my_number(1))
        );
    });
}

/// A city of people with numbers, more than one step of a rotation takes.
async fn crowd(world: &World, office: &Office, code: &str, count: u32) {
    let names: Vec<String> = (1..=count).map(|n| format!("N{n:05}")).collect();
    let people: Vec<_> = (1..).zip(&names).map(|(n, no)| person(no, n)).collect();
    world.load(code, &people).await;
    let numbers: Vec<_> = (1..)
        .zip(&names)
        .map(|(n, no)| (no.as_str(), my_number(n)))
        .collect();
    world.keep(office, code, &numbers).await.unwrap();
}

async fn rotate_to_the_end(world: &World, office: &Office) -> u64 {
    let (db, seals) = (&world.db, &office.seals);
    while seals.rewrap_some(db).await.unwrap() > 0 {}
    let mut resealed = 0;
    for city in Seals::cities(db).await.unwrap() {
        let mut at = seals.reseal(db, city, world.now()).await.unwrap();
        loop {
            let step = seals.reseal_some(db, &mut at).await.unwrap();
            resealed += step.resealed;
            if step.finished {
                break;
            }
        }
        Seals::forget_unused(db, city).await.unwrap();
    }
    resealed
}

#[test]
fn new_keys_open_what_the_old_ones_sealed_and_then_the_old_ones_may_go() {
    on_each_engine(async |world| {
        let office = Office::new();
        crowd(&world, &office, CHIYODA, 20).await;
        crowd(&world, &office, SAPPORO, 3).await;
        let first = office.text();
        office.add_key();
        // Beside the rotation everything goes on: new people come under the old data key.
        world.load(SAPPORO, &[person("S7", 70)]).await;
        world
            .keep(&office, SAPPORO, &[("S7", my_number(70))])
            .await
            .unwrap();
        // Two data keys and the secret of lookups.
        assert_eq!(office.seals.rewrap_some(&world.db).await.unwrap(), 3);
        assert_eq!(office.seals.rewrap_some(&world.db).await.unwrap(), 0);
        office.leave_newest();
        assert_eq!(
            world.open(&office, CHIYODA, "N00020").await.unwrap(),
            Some(my_number(20))
        );
        let found = world.find(&office, CHIYODA, my_number(3)).await.unwrap();
        assert_eq!(
            found.holders,
            [holder(SAPPORO, "N00003"), holder(CHIYODA, "N00003")]
        );
        let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
        assert!(checked.holds(), "{checked:?}");
        // And whoever has the old key only has nothing.
        *office.ring.lock().unwrap() = Some(first);
        let opened = world.open(&office, CHIYODA, "N00020").await;
        assert_eq!(fault(opened).code(), "seal_key_missing");
    });
}

#[test]
fn a_rotation_that_is_cut_off_anywhere_goes_on_where_it_was() {
    on_each_engine(async |world| {
        let office = Office::new();
        crowd(&world, &office, CHIYODA, 1_250).await;
        crowd(&world, &office, SAPPORO, 3).await;
        office.add_key();
        office.seals.rewrap_some(&world.db).await.unwrap();
        let chiyoda = city(CHIYODA);
        let (db, now) = (&world.db, world.now());
        let mut at = office.seals.reseal(db, chiyoda, now).await.unwrap();
        let step = office.seals.reseal_some(db, &mut at).await.unwrap();
        assert_eq!((step.resealed, step.finished), (500, false));
        // Here it is killed: half of the numbers are under each data key, and all of it opens.
        drop(at);
        assert_eq!(Seals::forget_unused(db, chiyoda).await.unwrap(), 0);
        let checked = office.seals.check(db, &|_| {}).await.unwrap();
        assert!(checked.holds(), "{checked:?}");
        assert_eq!((checked.numbers, checked.data_keys), (1_253, 3));
        // Begun again, it makes no third key, and seals only what is left.
        assert_eq!(rotate_to_the_end(&world, &office).await, 753);
        let checked = office.seals.check(db, &|_| {}).await.unwrap();
        assert!(checked.holds(), "{checked:?}");
        assert_eq!((checked.numbers, checked.data_keys), (1_253, 2));
        assert_eq!(rotate_to_the_end(&world, &office).await, 0);
        office.leave_newest();
        let found = world
            .find(&office, CHIYODA, my_number(1_250))
            .await
            .unwrap();
        assert_eq!(found.holders, [holder(CHIYODA, "N01250")]);
    });
}

#[test]
fn a_number_that_does_not_open_is_left_and_keeps_its_data_key() {
    on_each_engine(async |world| {
        let office = Office::new();
        crowd(&world, &office, CHIYODA, 4).await;
        world
            .meddle(
                "UPDATE individual_number SET sealed = (SELECT o.sealed FROM individual_number AS o
                     WHERE o.resident_no = 'N00002') WHERE resident_no = 'N00001'",
            )
            .await;
        office.add_key();
        assert_eq!(rotate_to_the_end(&world, &office).await, 3);
        let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
        assert_eq!((checked.unopened, checked.data_keys), (1, 2));
        assert_eq!(
            world.open(&office, CHIYODA, "N00002").await.unwrap(),
            Some(my_number(2))
        );
    });
}

#[test]
fn the_database_file_holds_no_number() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let db = Db::open(&Location::Sqlite(path)).await.unwrap();
        let world = World::new(db).await;
        let office = Office::new();
        crowd(&world, &office, CHIYODA, 300).await;
        world.find(&office, CHIYODA, my_number(7)).await.unwrap();
        world.open(&office, CHIYODA, "N00007").await.unwrap();
        office.add_key();
        rotate_to_the_end(&world, &office).await;
        let (db, seals) = (world.db.clone(), office.seals.clone());
        drop(world);
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        let holds = |text: &str| {
            bytes
                .windows(text.len())
                .any(|piece| piece == text.as_bytes())
        };
        // The search finds what is there, so that not finding means something.
        assert!(holds("N00007") && holds("0000000007"));
        for n in [1, 7, 150, 300] {
            assert!(
                !holds(my_number(n).as_str()),
                "number {n} stands in the file"
            );
        }
        // Nor any run of digits that could be one, but for numbers that are something else.
        let numbers: Vec<MyNumber> = (1..=300).map(my_number).collect();
        for piece in bytes.split(|byte| !byte.is_ascii_digit()) {
            for twelve in piece.windows(12) {
                let found = MyNumber::parse(std::str::from_utf8(twelve).unwrap());
                assert!(found.is_err() || !numbers.contains(&found.unwrap()));
            }
        }
        let secret = office.text();
        for line in secret.lines().filter(|line| !line.starts_with('#')) {
            let (_, key) = line.split_once(' ').unwrap();
            let key = hex::decode(key).unwrap();
            assert!(!bytes.windows(key.len()).any(|piece| piece == key));
        }
        assert!(seals.check(&db, &|_| {}).await.unwrap().holds());
    });
}

#[test]
fn debug_hides_whom_a_number_belongs_to() {
    let shown = format!(
        "{:?} {:?}",
        holder(CHIYODA, "100000007"),
        (my_number(7), number("0000000007").as_str().len())
    );
    assert!(!shown.contains("100000007"), "{shown}");
    assert!(!shown.contains(my_number(7).as_str()), "{shown}");
}

#[test]
fn two_that_begin_at_the_same_time_make_one_secret_and_one_key_for_each_city() {
    on_each_engine(async |world| {
        let office = Office::new();
        for code in [CHIYODA, SAPPORO] {
            world.load(code, &[person("A1", 1), person("A2", 2)]).await;
        }
        let (one, two) = ([("A1", my_number(1))], [("A2", my_number(2))]);
        let done = tokio::join!(
            world.keep(&office, CHIYODA, &one),
            world.keep(&office, CHIYODA, &two),
            world.keep(&office, SAPPORO, &one),
            world.keep(&office, SAPPORO, &two),
        );
        for kept in [done.0, done.1, done.2, done.3] {
            assert_eq!(kept.unwrap().new, 1);
        }
        let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
        assert!(checked.holds(), "{checked:?}");
        assert_eq!((checked.numbers, checked.data_keys), (4, 2));
        let found = world.find(&office, CHIYODA, my_number(2)).await.unwrap();
        assert_eq!(
            found.holders,
            [holder(SAPPORO, "A2"), holder(CHIYODA, "A2")]
        );
    });
}

#[test]
fn numbers_that_come_while_the_keys_change_are_not_left_behind() {
    on_each_engine(async |world| {
        let office = Office::new();
        crowd(&world, &office, CHIYODA, 1_100).await;
        let late: Vec<String> = (1..=40).map(|n| format!("L{n:02}")).collect();
        let people: Vec<_> = (5_001..).zip(&late).map(|(n, no)| person(no, n)).collect();
        world.load(CHIYODA, &people).await;
        office.add_key();
        let coming = async {
            for (n, no) in (5_001..).zip(&late) {
                let number = [(no.as_str(), my_number(n))];
                world.keep(&office, CHIYODA, &number).await.unwrap();
            }
        };
        tokio::join!(rotate_to_the_end(&world, &office), coming);
        rotate_to_the_end(&world, &office).await;
        office.leave_newest();
        let checked = office.seals.check(&world.db, &|_| {}).await.unwrap();
        assert!(checked.holds(), "{checked:?}");
        assert_eq!((checked.numbers, checked.data_keys), (1_140, 1));
    });
}

#[test]
fn a_file_that_waits_is_under_seal_and_opens_at_its_place_after_the_keys_have_changed() {
    on_each_engine(async |world| {
        let office = Office::new();
        let permit = desk(CHIYODA);
        let new = NewImport {
            id: world.id(),
            kind: Kind::Residents,
            file_name: "residents.csv".into(),
            encoding: "utf-8".into(),
        };
        imports::begin(&world.db, &permit, &new, world.now())
            .await
            .unwrap();
        let text = b"131016,R1,983205673214,0900000001\r\n".repeat(1000);
        for piece in 0..2 {
            let (seals, place) = (Some(&office.seals), (new.id, piece));
            imports::take_piece(&world.db, seals, &permit, place, &text, world.now())
                .await
                .unwrap();
        }
        let opened =
            async |seals, piece| imports::piece(&world.db, seals, &permit, (new.id, piece)).await;
        assert!(matches!(
            opened(None, 0).await,
            Err(Error::Sealed(SealFault::NoKeys))
        ));
        office.add_key();
        while office.seals.rewrap_some(&world.db).await.unwrap() > 0 {}
        office.leave_newest();
        let keys = Some(&office.seals);
        let again = opened(keys, 0).await.unwrap().unwrap();
        assert_eq!(again.as_slice(), text);
        assert!(opened(keys, 2).await.unwrap().is_none());
        let mut tx = world.db.begin().await.unwrap();
        tx.query("UPDATE import_piece SET piece = 2 WHERE piece = 1")
            .run()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(
            opened(keys, 2).await,
            Err(Error::Sealed(SealFault::DoesNotOpen))
        ));
    });
}
