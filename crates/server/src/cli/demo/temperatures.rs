//! The coolers of the demonstration's venues, read morning and evening; at one of them a door stood open for a while.

use anyhow::{Context, anyhow};
use domain::access::{self, Action, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::cold_chain::{CoolerKind, EVERY_MINUTES_USUAL, Temperature, minute};
use store::Db;
use store::cold_chain::{Cooler, CoolerKept, Entered, Line, take_in, tell_cooler};
use store::recorder::Outside;

use super::fresh;
use super::organisations::Made;

/// A cooler's name, kind, and how cold it is in the morning and in the evening.
const COOLERS: [(&str, CoolerKind, &str, &str); 2] = [
    (
        "ディープフリーザー1",
        CoolerKind::DeepFreezer,
        "-75.2",
        "-74.6",
    ),
    ("冷蔵庫1", CoolerKind::Refrigerator, "4.1", "5.0"),
];
/// Days that were read before today.
const DAYS: i64 = 3;
/// When, on each of them.
const TIMES: [&str; 2] = ["08:30", "17:00"];
/// Where and when the door stood open, on the day before.
const DOOR: (&str, [(&str, &str); 2]) = ("冷蔵庫1", [("12:10", "9.4"), ("12:25", "6.2")]);
/// The last reading before the demonstration begins: half an hour ago, in millionths of a second.
const LAST_AGO_MICROS: i64 = 30 * 60 * 1_000_000;

/// Tells of the coolers, and enters what was read off them.
pub(super) async fn begin(db: &Db, outside: &Outside, made: &Made) -> anyhow::Result<()> {
    for (number, venue) in made.venues.iter().enumerate() {
        let permit = access::venue(&venue.operator, Action::KeepStock)
            .map_err(|_| anyhow!("{} may not keep its stock", venue.name))?;
        let now = (outside.now)();
        for (name, kind, _, _) in COOLERS {
            let cooler = Cooler {
                id: fresh(outside),
                name: name.to_owned(),
                kind,
                every_minutes: EVERY_MINUTES_USUAL,
                is_in_use: true,
                revision: 0,
                at: now,
            };
            match tell_cooler(db, &permit, &cooler, (fresh(outside), now)).await? {
                CoolerKept::Now => {}
                other => return Err(anyhow!("{other:?}")),
            }
        }
        enter(db, &permit, &lines(now, number == 0)?, now).await?;
    }
    Ok(())
}

async fn enter(db: &Db, permit: &VenuePermit, lines: &[Line], now: Instant) -> anyhow::Result<()> {
    for entered in take_in(db, permit, lines, now).await? {
        if !matches!(entered, Entered::Now { .. } | Entered::Before) {
            return Err(anyhow!("{entered:?}"));
        }
    }
    Ok(())
}

fn lines(now: Instant, has_door: bool) -> anyhow::Result<Vec<Line>> {
    let today = now.day_in_japan();
    let mut lines = Vec::new();
    for (name, _, morning, evening) in COOLERS {
        let last = Instant::from_micros(now.micros() - LAST_AGO_MICROS);
        for days in 0..=DAYS {
            let day = today.plus_days(-days);
            for (time, temperature) in TIMES.into_iter().zip([morning, evening]) {
                let at = at(day, time)?;
                if minute(at) < minute(last) {
                    lines.push(line(name, at, temperature)?);
                }
            }
        }
        lines.push(line(name, last, morning)?);
    }
    let (name, readings) = DOOR;
    for (time, temperature) in readings.into_iter().filter(|_| has_door) {
        lines.push(line(name, at(today.plus_days(-1), time)?, temperature)?);
    }
    Ok(lines)
}

fn at(day: Day, time: &str) -> anyhow::Result<Instant> {
    Instant::parse(&format!("{day}T{time}:00+09:00")).context("no time")
}

fn line(cooler: &str, at: Instant, temperature: &str) -> anyhow::Result<Line> {
    Ok(Line {
        cooler: cooler.to_owned(),
        at,
        temperature: Temperature::parse(temperature)?,
    })
}
