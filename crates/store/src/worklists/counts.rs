//! How much is on each list and of each class of findings, counted no further than anybody needs.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::CityPermit;
use domain::calendar::{Day, Instant};
use domain::doses::{DoseId, Standing};
use domain::findings::{Class, Finding};

use super::List;
use super::owners::Item;
use super::sessions::{SESSIONS_MAX, unfinished};
use crate::db::{Db, sql};
use crate::doses::Record;
use crate::error::{Error, Result};

/// A list that is longer says "1000 or more": nobody's work depends on the difference.
pub const COUNTED_MAX: i64 = 1000;

/// Records with findings that are looked at, oldest first, to sort them into lists and classes.
pub const WALKED_MAX: i64 = 5000;

/// How much is on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Which list.
    pub list: List,
    /// How many items; of sessions, as many as the list shows.
    pub count: i64,
    /// Whether there may be more: nobody counts further than [`COUNTED_MAX`] and [`WALKED_MAX`].
    pub or_more: bool,
    /// How many of them somebody has taken.
    pub owned: i64,
    /// Since when the oldest waits.
    pub oldest: Option<Instant>,
}

/// How many of something there are, as far as they are counted, and since when.
#[derive(Clone, Copy, Default)]
struct Tally {
    count: i64,
    or_more: bool,
    oldest: Option<Instant>,
}

impl Tally {
    /// One more; they come in the order of arrival, so the first is the oldest.
    fn add(&mut self, recorded_at: i64) {
        self.count += 1;
        self.oldest.get_or_insert(Instant::from_micros(recorded_at));
    }

    /// These and those.
    fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            or_more: self.or_more || other.or_more,
            oldest: self.oldest.into_iter().chain(other.oldest).min(),
        }
    }

    /// Not counted further than anybody needs.
    fn bounded(self) -> Self {
        Self {
            count: self.count.min(COUNTED_MAX),
            or_more: self.or_more || self.count > COUNTED_MAX,
            ..self
        }
    }
}

#[derive(sqlx_macros::FromRow)]
struct OpenRow {
    recorded_at: i64,
    standing: String,
    pending: i64,
    /// 1 if its digits lead to no coupon of the city.
    astray: i64,
    findings: String,
}

/// The open records of a city, sorted: each may be work of several kinds.
#[derive(Default)]
struct Open {
    findings: Tally,
    clashes: Tally,
    /// Of those that may be misread, the ones that do not wait for their person.
    misreads: Tally,
    pending: Tally,
    classes: BTreeMap<Class, Tally>,
}

/// Goes along the indexes of what is open and no further than the limits, however many records
/// there are.
async fn open(db: &Db, permit: &CityPermit) -> Result<Open> {
    let city = permit.city().as_str().to_owned();
    let (count, oldest): (i64, Option<i64>) = db
        .query(sql!(
            "SELECT COUNT(*), MIN(recorded_at)
             FROM (SELECT recorded_at FROM dose WHERE municipality = $1 AND pending = 1
                   ORDER BY seq LIMIT $2) AS oldest"
        ))
        .bind(city.clone())
        .bind(COUNTED_MAX + 1)
        .one()
        .await?;
    let rows: Vec<OpenRow> = db
        .query(sql!(
            "SELECT recorded_at, standing, pending,
                    CAST(CASE WHEN number IS NULL THEN 1 ELSE 0 END AS BIGINT) AS astray, findings
             FROM dose WHERE municipality = $1 AND severity >= 1
             ORDER BY seq LIMIT $2"
        ))
        .bind(city)
        .bind(WALKED_MAX)
        .all()
        .await?;
    let cut = Tally {
        or_more: rows.len() as i64 >= WALKED_MAX,
        ..Tally::default()
    };
    let mut open = Open {
        findings: cut,
        clashes: cut,
        misreads: cut,
        pending: Tally {
            count,
            or_more: false,
            oldest: oldest.map(Instant::from_micros),
        },
        classes: BTreeMap::new(),
    };
    for row in rows {
        let clashes = row.standing == Standing::Clash.as_str();
        let astray = row.standing == Standing::Quarantined.as_str() && row.astray == 1;
        open.findings.add(row.recorded_at);
        if clashes {
            open.clashes.add(row.recorded_at);
        }
        if row.pending == 0 && (clashes || astray) {
            open.misreads.add(row.recorded_at);
        }
        let findings: Vec<Finding> =
            serde_json::from_str(&row.findings).map_err(|_| Error::Inconsistent {
                table: "dose",
                column: "findings",
            })?;
        let classes: BTreeSet<Class> = findings.iter().filter_map(|one| one.code.class()).collect();
        for class in classes {
            // Those that wait for their person have a mark of their own, and are counted by it.
            if class != Class::NotIssued || row.pending == 0 {
                open.classes
                    .entry(class)
                    .or_insert(cut)
                    .add(row.recorded_at);
            }
        }
    }
    if count > 0 {
        let void = open.classes.get(&Class::NotIssued).copied();
        let both = open.pending.and(void.unwrap_or_default());
        open.classes.insert(Class::NotIssued, both);
    }
    Ok(open)
}

/// How much is on each list, in the order of [`List::ALL`].
///
/// # Errors
/// The database's.
pub async fn counts(db: &Db, permit: &CityPermit, today: Day) -> Result<Vec<Count>> {
    let city = permit.city().as_str().to_owned();
    let open = open(db, permit).await?;
    let sessions = unfinished(db, permit, today).await?;
    let mut all = Vec::with_capacity(List::ALL.len());
    for list in List::ALL {
        let tally = match list {
            List::Pending => open.pending,
            List::Clashes => open.clashes,
            List::Findings => open.findings,
            List::Misreads => open.pending.and(open.misreads),
            List::Imports => {
                waiting(
                    db,
                    &city,
                    sql!(
                        "SELECT COUNT(*), MIN(COALESCE(undo_asked_at, created_at)) FROM import
                         WHERE desk = $1
                           AND (state = 'ready' OR (state = 'done' AND undo_asked_by IS NOT NULL))"
                    ),
                )
                .await?
            }
            List::Proposals => {
                waiting(
                    db,
                    &city,
                    sql!(
                        "SELECT COUNT(*), MIN(made_at) FROM proposal
                         WHERE municipality = $1 AND state = 'proposed'"
                    ),
                )
                .await?
            }
            List::Sessions => Tally {
                count: sessions.len() as i64,
                or_more: sessions.len() as i64 >= SESSIONS_MAX,
                oldest: sessions.iter().map(|one| one.since).min(),
            },
        };
        let tally = tally.bounded();
        let taken = sessions.iter().filter(|one| one.owner.is_some()).count() as i64;
        all.push(Count {
            list,
            count: tally.count,
            or_more: tally.or_more,
            owned: match list {
                List::Sessions => taken,
                _ => owned(db, permit, list).await?,
            },
            oldest: tally.oldest,
        });
    }
    Ok(all)
}

/// What a few rows say that wait for a decision.
async fn waiting(db: &Db, city: &str, statement: &'static str) -> Result<Tally> {
    let (count, oldest): (i64, Option<i64>) =
        db.query(statement).bind(city.to_owned()).one().await?;
    Ok(Tally {
        count,
        or_more: false,
        oldest: oldest.map(Instant::from_micros),
    })
}

/// How many records of a list somebody has taken: those who took them are few, the list may be long.
async fn owned(db: &Db, permit: &CityPermit, list: List) -> Result<i64> {
    let taken: Vec<(String,)> = db
        .query(sql!("SELECT item FROM work_owner WHERE municipality = $1"))
        .bind(permit.city().as_str().to_owned())
        .all()
        .await?;
    let doses: Vec<DoseId> = taken
        .iter()
        .filter_map(|(item,)| match Item::parse(item)? {
            Item::Dose(dose) => Some(dose),
            Item::Session { .. } => None,
        })
        .collect();
    let mut tx = db.begin_reading().await?;
    let records = crate::approvals::records(&mut tx, permit.city(), &doses).await?;
    tx.commit().await?;
    let on_it = records.iter().filter(|record| is_on(record, list)).count();
    Ok(i64::try_from(on_it).unwrap_or(i64::MAX))
}

fn is_on(record: &Record, list: List) -> bool {
    use domain::doses::Standing as S;
    let clashes = record.standing == S::Clash;
    match list {
        List::Pending => record.pending,
        List::Clashes => clashes,
        List::Findings => {
            crate::recorder::severity(&record.findings, record.standing == S::Void) >= 1
        }
        List::Misreads => {
            let astray = record.standing == S::Quarantined && record.number.is_none();
            record.pending || clashes || astray
        }
        List::Imports | List::Sessions | List::Proposals => false,
    }
}

/// How many records have findings of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassCount {
    /// Which class.
    pub class: Class,
    /// How many records.
    pub count: i64,
    /// Whether there may be more, as in [`Count`].
    pub or_more: bool,
    /// Since when the oldest waits.
    pub oldest: Instant,
}

/// How many records have findings of each class, and since when; classes without any left out.
///
/// # Errors
/// The database's.
pub async fn classes(db: &Db, permit: &CityPermit) -> Result<Vec<ClassCount>> {
    let open = open(db, permit).await?;
    let counts = open.classes.into_iter().filter_map(|(class, tally)| {
        let tally = tally.bounded();
        Some(ClassCount {
            class,
            count: tally.count,
            or_more: tally.or_more,
            oldest: tally.oldest?,
        })
    });
    Ok(counts.collect())
}
