//! The demonstration's doses: given in 2021 and 2022 as they were, and in the last two weeks.
//!
//! They go the way of every dose, through the recorder, under a clock that is set to the day, so
//! that ledger, findings and statistics are what they would have become.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, anyhow};
use domain::access::{self, Action, VenuePermit};
use domain::calendar::{Day, Instant, age_on};
use domain::coupons::{Coupon, CouponKind};
use domain::doses::{DoseId, InputWay};
use store::Db;
use store::recorder::{Outside, Recorder, Report};
use tokio::task::JoinSet;

use super::organisations::{Made, Venue};
use super::people::{Lots, Person};
use super::{coupons, fresh};

/// Ages that came first.
const ELDERLY_YEARS: i64 = 65;
/// Days between the first two doses of the first product.
const GAP_DAYS: i64 = 21;
/// The product of the first three rounds, and of today.
const FIRST_PRODUCT: &str = "comirnaty_12_mono";
pub(super) const TODAYS_PRODUCT: &str = "comirnaty_lp81";
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// A dose that is to be given.
#[derive(Clone)]
pub(super) struct Planned {
    pub coupon: Coupon,
    pub on: Day,
    pub product: &'static str,
    pub venue: usize,
}

/// Loads the people and records the doses.
pub(super) async fn record(
    db: &Db,
    outside: &Outside,
    made: &Made,
    people: &[Person],
) -> anyhow::Result<()> {
    let now = (outside.now)();
    let clock = Arc::new(AtomicI64::new(now.micros()));
    let set = Outside {
        now: {
            let clock = Arc::clone(&clock);
            Arc::new(move || Instant::from_micros(clock.load(Ordering::Relaxed)))
        },
        salt: Arc::clone(&outside.salt),
    };
    let (recorder, writers) = Recorder::start(db, &set);
    let permits = permits(made)?;
    // The registers stood before the first dose.
    clock.store(noon(day(2021, 4, 1)?)?, Ordering::Relaxed);
    load(db, &recorder, &set, made, people).await?;
    let today = now.day_in_japan();
    for (on, doses) in by_day(plan(made, people, today)?) {
        // Today's doses come before now, or nothing could follow them in time.
        let at = noon(on)?.min(now.micros());
        clock.store(at, Ordering::Relaxed);
        give(&recorder, &set, made, &permits, doses).await?;
    }
    drop(recorder);
    writers.finish().await;
    store::statistics::project(db).await?;
    Ok(())
}

fn permits(made: &Made) -> anyhow::Result<Vec<VenuePermit>> {
    made.venues
        .iter()
        .map(|venue| {
            access::venue(&venue.operator, Action::RecordDose)
                .map_err(|_| anyhow!("{} may not record", venue.name))
        })
        .collect()
}

async fn load(
    db: &Db,
    recorder: &Recorder,
    outside: &Outside,
    made: &Made,
    people: &[Person],
) -> anyhow::Result<()> {
    for (city, clerk) in &made.cities {
        let permit = access::city(clerk, Action::LoadResidents, *city)
            .map_err(|_| anyhow!("the city may not load its residents"))?;
        let residents: Vec<_> = people
            .iter()
            .filter(|person| person.city == *city)
            .map(|person| person.resident.clone())
            .collect();
        let id = || fresh(outside);
        store::residents::load(db, recorder, &permit, &residents, (outside.now)(), &id).await?;
    }
    Ok(())
}

/// Everybody's doses: most came twice, many three times, some of late a fourth time.
fn plan(made: &Made, people: &[Person], today: Day) -> anyhow::Result<Vec<Planned>> {
    let mut lots = Lots::new(20_210_217);
    let mut planned = Vec::new();
    for person in people {
        let venue = venue_for(made, person, &mut lots)?;
        let Some(birth) = person.resident.birth.exact() else {
            continue;
        };
        let is_elderly = age_on(birth, day(2022, 3, 31)?) >= ELDERLY_YEARS;
        // The elderly from the middle of April on, the others from July.
        let begin = if is_elderly {
            day(2021, 4, 12)?
        } else {
            day(2021, 7, 5)?
        };
        let first = begin.plus_days(i64::from(lots.below(10) * 5 + lots.below(3)));
        let mut give = |turn, on, product| -> anyhow::Result<()> {
            planned.push(Planned {
                coupon: coupon(person, turn)?,
                on,
                product,
                venue,
            });
            Ok(())
        };
        // Everybody whom a coupon of the demonstration stands for had three doses and waits for the fourth.
        let is_shown = coupons::is_shown(person.serial);
        if is_shown || lots.below(100) < 85 {
            give(1, first, FIRST_PRODUCT)?;
            give(2, first.plus_days(GAP_DAYS), FIRST_PRODUCT)?;
            if is_shown || lots.below(100) < 60 {
                let third = if is_elderly {
                    day(2022, 1, 17)?
                } else {
                    day(2022, 3, 7)?
                };
                give(
                    3,
                    third.plus_days(i64::from(lots.below(8) * 3)),
                    FIRST_PRODUCT,
                )?;
                if !is_shown && lots.below(100) < 35 {
                    give(
                        4,
                        today.plus_days(-1 - i64::from(lots.below(14))),
                        TODAYS_PRODUCT,
                    )?;
                }
            }
        }
    }
    planned.extend(coupons::recorded_before(made, today)?);
    Ok(planned)
}

/// Nine in ten go to a venue of their own city.
fn venue_for(made: &Made, person: &Person, lots: &mut Lots) -> anyhow::Result<usize> {
    let at_home = lots.below(10) > 0;
    let fitting: Vec<usize> = made
        .venues
        .iter()
        .enumerate()
        .filter(|(_, venue)| !at_home || venue.city == person.city)
        .map(|(at, _)| at)
        .collect();
    let count = u32::try_from(fitting.len()).unwrap_or(u32::MAX);
    let drawn = usize::try_from(lots.below(count)).unwrap_or_default();
    fitting.get(drawn).copied().context("the city has no venue")
}

/// A person's coupon for a dose.
pub(super) fn coupon(person: &Person, turn: u8) -> anyhow::Result<Coupon> {
    Ok(Coupon {
        kind: CouponKind::Dose,
        kind_digit: 2,
        turn_digit: turn,
        municipality: person.city,
        number: person.resident.number,
    })
}

fn by_day(planned: Vec<Planned>) -> BTreeMap<Day, Vec<Planned>> {
    let mut days: BTreeMap<Day, Vec<Planned>> = BTreeMap::new();
    for dose in planned {
        days.entry(dose.on).or_default().push(dose);
    }
    days
}

/// Reports all doses of a day at once; the recorder commits them together.
async fn give(
    recorder: &Recorder,
    outside: &Outside,
    made: &Made,
    permits: &[VenuePermit],
    doses: Vec<Planned>,
) -> anyhow::Result<()> {
    let mut reports = JoinSet::new();
    for dose in doses {
        let venue: &Venue = made.venues.get(dose.venue).context("no such venue")?;
        let permit = permits.get(dose.venue).context("no such venue")?.clone();
        let report = Report {
            id: DoseId(fresh(outside)),
            line: dose.coupon.line(),
            given_on: dose.on,
            product: dose.product.to_owned(),
            lot: lot(&dose),
            doctor: "見本 一郎".to_owned(),
            venue_name: venue.name.to_owned(),
            device: "demo".to_owned(),
            input: InputWay::Qr,
        };
        let recorder = recorder.clone();
        reports.spawn(async move { recorder.report(&permit, report).await });
    }
    while let Some(done) = reports.join_next().await {
        done??;
    }
    Ok(())
}

/// A lot for each month and product, as deliveries come.
fn lot(dose: &Planned) -> String {
    let letters = if dose.product == FIRST_PRODUCT {
        "EY"
    } else {
        "LP"
    };
    format!("{letters}{:02}{:02}", dose.on.year() % 100, dose.on.month())
}

fn day(year: i16, month: i8, day: i8) -> anyhow::Result<Day> {
    Day::new(year, month, day).context("no such day")
}

/// Noon in Japan, in microseconds: three hours after midnight in UTC.
fn noon(on: Day) -> anyhow::Result<i64> {
    let days = day(1970, 1, 1)?.days_until(on);
    Ok((days * 24 + 3) * MICROS_PER_HOUR)
}
