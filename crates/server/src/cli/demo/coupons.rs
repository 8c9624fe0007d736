//! Coupons to hold to a camera or to upload: one for each result that a venue can see.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use domain::calendar::Day;
use domain::coupons::{Coupon, CouponKind, CouponLine};
use paper::CouponSheet;
use serde::{Deserialize, Serialize};

use super::doses::{Planned, TODAYS_PRODUCT};
use super::organisations::{CITIES, Made, city};
use super::people::{Person, WAITING, coupon_number};

/// Dots to a millimetre: about 400 to an inch, as a phone held close sees them.
const PX_PER_MM: u32 = 16;
/// The dose that the coupons are for.
pub(super) const TURN: u8 = 4;
/// The other product of today, so that the record says something else.
const OTHER_PRODUCT: &str = "spikevax_lp81";

/// A coupon as `demo.json` tells it.
#[derive(Serialize, Deserialize)]
pub(super) struct DemoCoupon {
    /// The picture or the sheet.
    pub path: PathBuf,
    /// The 18 digits; of a sheet, its first coupon's.
    pub digits: String,
    /// What the venue in Chiyoda sees: `normal`, `out_of_residence`, `interview_only`, `pending`,
    /// `already_recorded`, `clash`, `quarantined`.
    pub expect: String,
    /// When that is so.
    pub what: String,
}

/// Which serial number of which city a coupon stands for, and what is expected.
struct Shown {
    name: &'static str,
    city: usize,
    serial: u32,
    kind: CouponKind,
    expect: &'static str,
    what: &'static str,
}

const fn shown(name: &'static str, city: usize, serial: u32, expect: &'static str) -> Shown {
    Shown {
        name,
        city,
        serial,
        kind: CouponKind::Dose,
        expect,
        what: "",
    }
}

/// Serial numbers of people who had three doses and wait for the fourth: those whom coupons stand
/// for, and some more with records that a city has to look at.
const WAITING_MAX: u32 = 12;
const ALREADY: u32 = 6;
const CLASH: u32 = 7;
const TOO_SOON: u32 = 9;
const TWICE: u32 = 10;
const IN_THE_FUTURE: u32 = 11;

const SHOWN: [Shown; 12] = [
    shown("01-normal", 0, 1, "normal"),
    shown("02-normal", 0, 2, "normal"),
    shown("03-normal", 0, 3, "normal"),
    shown("04-out-of-residence-minato", 1, 1, "out_of_residence"),
    shown("05-out-of-residence-sapporo", 2, 1, "out_of_residence"),
    Shown {
        kind: CouponKind::InterviewOnly,
        ..shown("06-interview-only", 0, 4, "interview_only")
    },
    Shown {
        kind: CouponKind::InterviewOnly,
        ..shown("07-interview-only", 0, 5, "interview_only")
    },
    shown("08-pending", 0, WAITING[0], "pending"),
    shown("09-pending", 0, WAITING[1], "pending"),
    Shown {
        what: "デモを作った日にコミナティ(LP.8.1)で登録するとき。別の日は clash / on the day the demonstration was made, with comirnaty_lp81; clash on others",
        ..shown("10-already-recorded", 0, ALREADY, "already_recorded")
    },
    shown("11-clash", 0, CLASH, "clash"),
    shown("12-normal", 0, 8, "normal"),
];

/// Whether a person of that serial number must have had three doses and not the fourth.
pub(super) fn waits(serial: u32) -> bool {
    serial <= WAITING_MAX
}

/// Records of Chiyoda's that somebody has to look at: what the coupons "already recorded" and
/// "clash" meet, people who are not in the register yet, and what cannot be right.
pub(super) fn doubtful(made: &Made, today: Day) -> anyhow::Result<Vec<Planned>> {
    let [chiyoda, ..] = CITIES;
    let city = city(chiyoda)?;
    let venue = made
        .venues
        .iter()
        .position(|venue| venue.city == city)
        .context("no venue")?;
    let planned = |turn_digit, serial, days, product| -> anyhow::Result<Planned> {
        let coupon = Coupon {
            kind: CouponKind::Dose,
            kind_digit: 2,
            turn_digit,
            municipality: city,
            number: coupon_number(serial)?,
        };
        Ok(Planned {
            coupon,
            on: today.plus_days(days),
            product,
            venue,
        })
    };
    let mut doubtful = vec![
        planned(TURN, ALREADY, 0, TODAYS_PRODUCT)?,
        planned(TURN, CLASH, -1, OTHER_PRODUCT)?,
        planned(TURN, TOO_SOON, -45, TODAYS_PRODUCT)?,
        planned(TURN - 1, TWICE, -2, OTHER_PRODUCT)?,
        planned(TURN, IN_THE_FUTURE, 20, TODAYS_PRODUCT)?,
    ];
    // The file to try the import brings these people, and their records find them.
    let [_, last] = WAITING;
    for (serial, days) in (last + 1..).zip([-5, -4, -3]) {
        doubtful.push(planned(1, serial, days, TODAYS_PRODUCT)?);
    }
    Ok(doubtful)
}

/// Draws the pictures and one sheet to print.
pub(super) fn draw(folder: &Path, people: &[Person]) -> anyhow::Result<Vec<DemoCoupon>> {
    fs::create_dir_all(folder)?;
    let mut drawn = Vec::new();
    for shown in &SHOWN {
        let coupon = coupon_of(shown)?;
        let name = name_of(&coupon, people);
        let png = paper::coupon_png(&coupon, city_name(&coupon)?, &name, PX_PER_MM)
            .map_err(|refusal| anyhow!("{refusal}"))?;
        let path = folder.join(format!("{}.png", shown.name));
        fs::write(&path, png)?;
        drawn.push(told(path, &coupon.line(), shown));
    }
    drawn.push(sheet(folder, people)?);
    Ok(drawn)
}

fn told(path: PathBuf, line: &CouponLine, shown: &Shown) -> DemoCoupon {
    DemoCoupon {
        path,
        digits: line.as_str().to_owned(),
        expect: shown.expect.to_owned(),
        what: shown.what.to_owned(),
    }
}

/// An A4 sheet as a city sends it: the dose, and the interview only.
fn sheet(folder: &Path, people: &[Person]) -> anyhow::Result<DemoCoupon> {
    let shown = SHOWN.last().context("no coupon")?;
    let dose = coupon_of(shown)?;
    let interview = Coupon {
        kind: CouponKind::InterviewOnly,
        kind_digit: 1,
        ..dose
    };
    let sheet = CouponSheet {
        city_name: city_name(&dose)?.to_owned(),
        city_code: dose.municipality,
        recipient_name: name_of(&dose, people),
        postal_code: Some("102-8688".to_owned()),
        address_lines: vec!["東京都千代田区九段南見本1-2-1".to_owned()],
        coupons: vec![dose, interview],
    };
    let pdf = paper::coupon_sheet_pdf(&[sheet]).map_err(|refusal| anyhow!("{refusal}"))?;
    let path = folder.join("12-sheet.pdf");
    fs::write(&path, pdf)?;
    Ok(told(path, &dose.line(), shown))
}

fn coupon_of(shown: &Shown) -> anyhow::Result<Coupon> {
    let code = CITIES.get(shown.city).context("no such city")?;
    Ok(Coupon {
        kind: shown.kind,
        kind_digit: if shown.kind == CouponKind::InterviewOnly {
            1
        } else {
            2
        },
        turn_digit: TURN,
        municipality: city(code)?,
        number: coupon_number(shown.serial)?,
    })
}

fn city_name(coupon: &Coupon) -> anyhow::Result<&'static str> {
    let place = domain::places::Places::bundled().any(coupon.municipality);
    Ok(&place.context("the city is not in the register")?.name)
}

/// The name in the register; whoever is not there yet has one for the post.
fn name_of(coupon: &Coupon, people: &[Person]) -> String {
    people
        .iter()
        .find(|person| {
            person.city == coupon.municipality && person.resident.number == coupon.number
        })
        .map_or_else(
            || "見本 待子".to_owned(),
            |person| person.resident.name.clone(),
        )
}
