//! The demonstration's doses, given over the last year.
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
use domain::vaccines::Vaccines;
use store::Db;
use store::recorder::{Outside, Pace, Recorder, Report};
use store::residents::Addresses;
use tokio::task::JoinSet;

use super::organisations::{Made, Venue};
use super::people::{Lots, Person};
use super::{coupons, fresh, lots, stock};

/// Ages that come first.
const ELDERLY_YEARS: i64 = 65;
/// Days from the first wave to today.
const SINCE_DAYS: i64 = 330;
/// Days from one wave to the next: more than any product asks for between two doses.
const WAVE_DAYS: i64 = 100;
/// The elderly's part of a wave, and when the others begin and how long they take.
const ELDERLY_SPREAD_DAYS: u32 = 30;
const OTHERS_BEGIN_DAYS: i64 = 20;
const OTHERS_SPREAD_DAYS: u32 = 40;
/// Of a hundred people, how many come for each dose of those who came for the one before.
const COMING_PERCENT: [u32; 4] = [88, 97, 72, 60];
/// The product of today.
pub(super) const TODAYS_PRODUCT: &str = "comirnaty_lp81";
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// A dose that is to be given.
pub(super) struct Planned {
    /// Whose, and which.
    pub coupon: Coupon,
    /// The day.
    pub on: Day,
    /// The product's key.
    pub product: &'static str,
    /// Which of the venues, from 0.
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
    let (recorder, writers) = Recorder::start(db, &set, Pace::default())?;
    let permits = permits(made)?;
    let today = now.day_in_japan();
    // The registers stood before the first dose.
    clock.store(noon(today.plus_days(-SINCE_DAYS - 1))?, Ordering::Relaxed);
    load(db, &recorder, &set, made, people).await?;
    let planned = plan(made, people, today)?;
    lots::enter(db, &set, made, &planned, today).await?;
    stock::deliver(db, &set, made, &planned, today).await?;
    for (on, doses) in by_day(planned) {
        // Today's doses come before now, or nothing could follow them in time.
        let at = noon(on)?.min(now.micros());
        clock.store(at, Ordering::Relaxed);
        give(&recorder, &set, made, &permits, doses).await?;
    }
    drop(recorder);
    writers.finish().await;
    store::statistics::project(db, &store::Recent::default()).await?;
    store::stock::project(db, &store::Recent::default(), now).await?;
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
        let people = (residents.as_slice(), Addresses::Told);
        store::residents::load(db, recorder, &permit, people, (outside.now)(), &id).await?;
    }
    Ok(())
}

/// Everybody's doses: four waves, the elderly first in each, the last still going on.
fn plan(made: &Made, people: &[Person], today: Day) -> anyhow::Result<Vec<Planned>> {
    let mut lots = Lots::new(20_210_217);
    let mut planned = Vec::new();
    for person in people {
        let venue = venue_for(made, person, &mut lots)?;
        let birth = person.resident.birth.earliest();
        let own_days = if age_on(birth, today) >= ELDERLY_YEARS {
            hill(ELDERLY_SPREAD_DAYS, &mut lots)
        } else {
            OTHERS_BEGIN_DAYS + hill(OTHERS_SPREAD_DAYS, &mut lots)
        };
        let waits = coupons::waits(person.serial);
        for (turn, percent) in (1..).zip(COMING_PERCENT) {
            let wave_days = i64::from(turn - 1) * WAVE_DAYS;
            let days = wave_days + own_days + i64::from(lots.below(5)) - SINCE_DAYS;
            // Whom a coupon stands for had three doses and waits for the fourth.
            let comes = if waits {
                turn < coupons::TURN
            } else {
                lots.below(100) < percent
            };
            if !comes || days >= 0 {
                break;
            }
            let on = today.plus_days(days);
            let product = product_on(on)?;
            planned.push(Planned {
                coupon: coupon(person, turn),
                on,
                product,
                venue,
            });
        }
    }
    planned.extend(coupons::doubtful(made, today)?);
    Ok(planned)
}

/// A day of a wave, most likely in its middle.
fn hill(spread_days: u32, lots: &mut Lots) -> i64 {
    i64::from((lots.below(spread_days) + lots.below(spread_days)) / 2)
}

/// Today's product where it was in use already, else one that was.
fn product_on(day: Day) -> anyhow::Result<&'static str> {
    let in_use = Vaccines::bundled().on(day);
    let product = in_use
        .iter()
        .find(|product| product.key.as_str() == TODAYS_PRODUCT)
        .or_else(|| in_use.first());
    Ok(product.context("no product was in use")?.key.as_str())
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
fn coupon(person: &Person, turn: u8) -> Coupon {
    Coupon {
        kind: CouponKind::Dose,
        kind_digit: 2,
        turn_digit: turn,
        municipality: person.city,
        number: person.resident.number,
    }
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
pub(super) fn lot(dose: &Planned) -> String {
    let letters: String = dose.product.chars().take(2).collect();
    format!(
        "{}{:02}{:02}",
        letters.to_uppercase(),
        dose.on.year() % 100,
        dose.on.month()
    )
}

/// Noon in Japan, in microseconds: three hours after midnight in UTC.
fn noon(on: Day) -> anyhow::Result<i64> {
    let epoch = Day::new(1970, 1, 1).context("no such day")?;
    let days = epoch.days_until(on);
    Ok((days * 24 + 3) * MICROS_PER_HOUR)
}
