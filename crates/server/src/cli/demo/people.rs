//! People that nobody is: names drawn from lists, births from a fixed sequence. The same each time.

use anyhow::{Context, anyhow};
use domain::addresses::{Address, PostalCode};
use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, ResidentStanding, Sex};
use domain::places::{MunicipalityCode, Places};
use exchange::encoding::Encoding;
use exchange::residents::{Change, More, ResidentNumber, ResidentRow, write_residents};
use store::residents::{OtherNames, Resident};

use super::organisations::{CITIES, city};

/// People in each city's register.
pub(super) const PEOPLE_EACH: u32 = 600;
/// Numbers of Chiyoda that coupons carry and the register lacks: the CSV to try the import brings them.
pub(super) const WAITING: [u32; 2] = [900_001, 900_002];
/// An Individual Number that is nobody's: the artificial one of which descriptions of the check digit
/// make use. Others with a right check digit could be somebody's, so the demonstration has no more.
const ARTIFICIAL_NUMBER: &str = "983205673214";
/// People whom the CSV adds, those who are waited for among them.
const ADDED: u32 = 20;

/// Names: kind (`last`, `female`, `male`), in kanji, in kana.
const NAMES: &str = include_str!("../../../../../data/names.csv");

/// A person of the demonstration.
#[derive(Clone)]
pub(super) struct Person {
    /// Where the person lives.
    pub city: MunicipalityCode,
    /// The serial number in that city, from 1.
    pub serial: u32,
    /// As the register has it.
    pub resident: Resident,
}

/// Everybody, city by city.
pub(super) fn people() -> anyhow::Result<Vec<Person>> {
    let mut lots = Lots::new(20_210_412);
    let names = Names::read();
    let mut people = Vec::new();
    for code in CITIES {
        let city = city(code)?;
        for serial in 1..=PEOPLE_EACH {
            let mut resident = names.resident(serial, &mut lots)?;
            if !resident.protected {
                resident.address = address(city, serial);
            }
            people.push(Person {
                city,
                serial,
                resident,
            });
        }
    }
    Ok(people)
}

/// The coupon number of a serial number: far from 1, as in a real city.
pub(super) fn coupon_number(serial: u32) -> anyhow::Result<CouponNumber> {
    CouponNumber::parse(&format!("{:010}", 1_000_000 + serial))
        .map_err(|_| anyhow!("no coupon number"))
}

/// A sequence that looks drawn by lot and is the same each time (SplitMix64).
pub(super) struct Lots(u64);

impl Lots {
    /// The sequence of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `end`.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The remainder of a 64-bit number is even enough, and fits into 32 bits as `end` does.
        u32::try_from(mixed % u64::from(end.max(1))).unwrap_or_default()
    }
}

/// The lists of names.
struct Names {
    last: Vec<Name>,
    female: Vec<Name>,
    male: Vec<Name>,
}

type Name = (&'static str, &'static str);

impl Names {
    fn read() -> Self {
        let of = |kind: &str| {
            NAMES
                .lines()
                .filter_map(|line| {
                    let (found, name) = line.split_once(',')?;
                    if found == kind {
                        name.split_once(',')
                    } else {
                        None
                    }
                })
                .collect()
        };
        Self {
            last: of("last"),
            female: of("female"),
            male: of("male"),
        }
    }

    fn resident(&self, serial: u32, lots: &mut Lots) -> anyhow::Result<Resident> {
        let (sex, firsts) = match lots.below(2) {
            0 => (Sex::Female, &self.female),
            _ => (Sex::Male, &self.male),
        };
        let (last, last_kana) = drawn(&self.last, lots)?;
        let (first, first_kana) = drawn(firsts, lots)?;
        Ok(Resident {
            resident_no: format!("{:09}", 100_000_000 + serial),
            number: coupon_number(serial)?,
            name: format!("{last} {first}"),
            kana: format!("{last_kana} {first_kana}"),
            birth: birth(lots)?,
            sex,
            standing: ResidentStanding::Resident,
            protected: lots.below(100) == 0,
            other_names: OtherNames::default(),
            address: None,
        })
    }
}

fn drawn(names: &[Name], lots: &mut Lots) -> anyhow::Result<Name> {
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let at = usize::try_from(lots.below(count)).unwrap_or_default();
    names.get(at).copied().context("the list of names is empty")
}

/// A place that is not there, in a town and under a postal code that nobody has; one in forty has none.
fn address(city: MunicipalityCode, serial: u32) -> Option<Address> {
    const TOWNS: [&str; 4] = ["見本町", "架空台", "例示通り", "仮町"];
    const HOUSES: [&str; 3] = ["見本ハイツ", "架空コーポ", "例示マンション"];
    if serial % 40 == 7 {
        return None;
    }
    let places = Places::bundled();
    let prefecture = places.prefecture_name(city.prefecture()?);
    let name = &places.any(city)?.name;
    let of = |many: usize, step: u32| usize::try_from(serial / step).unwrap_or_default() % many;
    let town = of(TOWNS.len(), 1);
    let (block, number) = (1 + serial % 3, 1 + serial / 4 % 30);
    let place = format!(
        "{prefecture}{name}{}{block}丁目{number}番{}号",
        TOWNS.get(town)?,
        1 + serial % 9
    );
    let house = HOUSES.get(of(6, 4));
    let extra = house.map(|house| format!("{house}{}号室", 101 + serial % 5));
    let code = PostalCode::parse(&format!("000{town:04}")).ok();
    Address::of(code, place, extra.unwrap_or_default())
}

/// A birth between 1930 and 2008: about three in ten are of the age that came first.
fn birth(lots: &mut Lots) -> anyhow::Result<BirthDate> {
    let year = if lots.below(10) < 3 {
        1930 + lots.below(26)
    } else {
        1956 + lots.below(53)
    };
    let (month, day) = (1 + lots.below(12), 1 + lots.below(28));
    BirthDate::parse(&format!("{year:04}-{month:02}-{day:02}")).context("no birth date")
}

/// A CSV of Chiyoda's to try the import on: people who are waited for, new ones, and lines with faults.
pub(super) fn residents_csv(today: Day) -> anyhow::Result<Vec<u8>> {
    let mut lots = Lots::new(19_480_703);
    let names = Names::read();
    let [chiyoda, ..] = CITIES;
    let city = city(chiyoda)?;
    let mut rows = Vec::new();
    for offset in 0..ADDED {
        let serial = WAITING.first().copied().unwrap_or_default() + offset;
        let resident = names.resident(serial, &mut lots)?;
        rows.push(ResidentRow {
            city,
            resident_number: ResidentNumber::parse(&resident.resident_no)
                .map_err(|_| anyhow!("no resident number"))?,
            my_number: None,
            coupon: resident.number,
            name: resident.name,
            kana: Some(resident.kana),
            birth: resident.birth,
            sex: resident.sex,
            change: Change::New { on: Some(today) },
            protected: false,
            more: More::default(),
        });
    }
    let mut bytes = Vec::new();
    write_residents(&mut bytes, &rows, Encoding::Utf8)?;
    let bytes = String::from_utf8(bytes)?;
    let waiting = format!(
        ",{},,",
        100_000_000 + WAITING.first().copied().unwrap_or_default()
    );
    let numbered = waiting.replace(",,", &format!(",{ARTIFICIAL_NUMBER},"));
    let mut bytes = bytes.replacen(&waiting, &numbered, 1).into_bytes();
    // Another city, a day that is none, a coupon number that is too short, a name that is missing.
    for line in [
        "131032,100990001,,0001990001,隣区 花子,トナリク ハナコ,19700101,2,1,20260401,0",
        "131016,100990002,,0001990002,架空 太郎,カクウ タロウ,19700231,1,1,20260401,0",
        "131016,100990003,,990003,桁足 次郎,ケタタラズ ジロウ,19800501,1,1,20260401,0",
        "131016,100990004,,0001990004,,,19900101,2,1,20260401,0",
    ] {
        bytes.extend_from_slice(line.as_bytes());
        // Of the items that a file may leave out, these lines have none.
        bytes.extend_from_slice(b",,,,,,,,\r\n");
    }
    Ok(bytes)
}
