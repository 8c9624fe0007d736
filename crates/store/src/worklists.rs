//! A city's work lists (対応リスト): what waits for a clerk, how long it has waited, and who has taken it.
//!
//! Lists are read with the oldest first, along the partial indexes of what is open, so that a page
//! costs the same however large the ledger is.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{CityPermit, OrganisationId, UserId};
use domain::calendar::{Day, Instant};
use domain::doses::{DoseId, Standing};
use domain::findings::{Class, Finding, FindingCode};
use serde::Serialize;

use crate::accounts::uuid;
use crate::approvals::How;
use crate::audit::{self, Change};
use crate::db::{Db, sql, transact};
use crate::doses::{DoseRow, PAGE_MAX, Record};
use crate::error::{Error, Result};
use crate::recorder::json;

/// Sessions on the list at most: the oldest; when they are done, the next come up.
const SESSIONS_MAX: i64 = 50;
/// Of each kind of open records, so many of the oldest are asked for their sessions: more would be
/// looked up for sessions that are not shown.
const OPEN_LOOKED_AT: i64 = 2000;
/// A list that is longer says "1000 or more": nobody's work depends on the difference.
pub const COUNTED_MAX: i64 = 1000;
/// Records with findings that are looked at, oldest first, to sort them into lists and classes.
pub const WALKED_MAX: i64 = 5000;

/// The work lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// Files that were looked through and wait for approval, or were applied and somebody asks to take them
    /// back.
    Imports,
    /// Records that wait for their person (登録待ち).
    Pending,
    /// Two stories of one dose (食い違い).
    Clashes,
    /// Records with findings, by class.
    Findings,
    /// Days of a venue with something open (未完了の会場・日).
    Sessions,
    /// Records that may stand under a misread number (読み違いの疑い).
    Misreads,
    /// Changes that wait for a second person (承認待ち).
    Proposals,
}

impl List {
    /// Every list.
    pub const ALL: [Self; 7] = [
        Self::Imports,
        Self::Pending,
        Self::Clashes,
        Self::Findings,
        Self::Sessions,
        Self::Misreads,
        Self::Proposals,
    ];

    /// The word in addresses and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imports => "imports",
            Self::Pending => "pending",
            Self::Clashes => "clashes",
            Self::Findings => "findings",
            Self::Sessions => "sessions",
            Self::Misreads => "misreads",
            Self::Proposals => "proposals",
        }
    }
}

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

#[derive(sqlx::FromRow)]
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
            // Those that wait for their person have a mark of their own.
            if class != Class::NotIssued {
                open.classes
                    .entry(class)
                    .or_insert(cut)
                    .add(row.recorded_at);
            }
        }
    }
    if count > 0 {
        open.classes.insert(Class::NotIssued, open.pending);
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
                         WHERE municipality = $1
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

/// Something that a person can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A record.
    Dose(DoseId),
    /// A day of a venue.
    Session {
        /// The venue.
        venue: OrganisationId,
        /// The day of registration.
        day: Day,
    },
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dose(dose) => write!(f, "dose:{dose}"),
            Self::Session { venue, day } => write!(f, "session:{venue}:{day}"),
        }
    }
}

impl Item {
    /// Reads its word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "dose" => Some(Self::Dose(DoseId(rest.parse().ok()?))),
            "session" => {
                let (venue, day) = rest.split_once(':')?;
                Some(Self::Session {
                    venue: OrganisationId(venue.parse().ok()?),
                    day: Day::parse(day)?,
                })
            }
            _ => None,
        }
    }
}

/// Who has taken an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub user: UserId,
    /// Its name; empty if it is gone.
    pub name: String,
    /// Since when.
    pub since: Instant,
}

type OwnerRow = (String, Vec<u8>, Option<String>, i64);

/// Who has taken these items.
///
/// # Errors
/// The database's.
pub async fn owners(db: &Db, permit: &CityPermit, items: &[Item]) -> Result<BTreeMap<Item, Owner>> {
    #[derive(Serialize)]
    struct Key {
        i: String,
    }
    if items.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<Key> = items
        .iter()
        .map(|item| Key {
            i: item.to_string(),
        })
        .collect();
    let rows: Vec<OwnerRow> = db
        .query(sql!(
            "SELECT w.item, w.by_user, a.name, w.taken_at
             FROM json_each($2) AS k
             CROSS JOIN work_owner AS w
             LEFT JOIN account AS a ON a.id = w.by_user
             WHERE w.municipality = $1 AND w.item = k.value->>'i'"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(json(&keys))
        .all()
        .await?;
    rows.into_iter()
        .map(|(item, user, name, since)| {
            let wrong = Error::Inconsistent {
                table: "work_owner",
                column: "item",
            };
            let owner = Owner {
                user: UserId(uuid(&user, "work_owner", "by_user")?),
                name: name.unwrap_or_default(),
                since: Instant::from_micros(since),
            };
            Ok((Item::parse(&item).ok_or(wrong)?, owner))
        })
        .collect()
}

/// Takes an item for oneself; false if somebody else has it.
///
/// # Errors
/// The database's.
pub async fn take(db: &Db, permit: &CityPermit, item: Item, how: How) -> Result<bool> {
    transact!(db, |tx| {
        let taken = tx
            .query(sql!(
                "INSERT INTO work_owner (municipality, item, by_user, taken_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (municipality, item) DO NOTHING"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(item.to_string())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .bind(how.at.micros())
            .run()
            .await?;
        if taken == 1 {
            ownership(&mut tx, permit, item, "take-work", how).await?;
        }
        taken == 1
    })
}

/// Gives an item back that one has taken; an administrator gives back anybody's. False if there
/// was nothing to give back.
///
/// # Errors
/// The database's.
pub async fn give_back(db: &Db, permit: &CityPermit, item: Item, how: How) -> Result<bool> {
    let leads = permit.actor().role == domain::access::Role::Administrator;
    transact!(db, |tx| {
        let given = tx
            .query(sql!(
                "DELETE FROM work_owner WHERE municipality = $1 AND item = $2 AND (by_user = $3 OR $4 = 1)"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(item.to_string())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .bind(i64::from(leads))
            .run()
            .await?;
        if given == 1 {
            ownership(&mut tx, permit, item, "give-back-work", how).await?;
        }
        given == 1
    })
}

async fn ownership(
    tx: &mut crate::db::Tx,
    permit: &CityPermit,
    item: Item,
    action: &str,
    how: How,
) -> Result<()> {
    let subject = item.to_string();
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: Some(permit.city()),
        action,
        subject: &subject,
        detail: "{}",
    };
    audit::write(tx, permit.actor(), &change).await
}

/// A record on a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Work {
    /// The record.
    pub record: Record,
    /// The person's name, if the person is registered and not protected (支援措置).
    pub name: Option<String>,
    /// Who has taken it.
    pub owner: Option<Owner>,
}

/// A page of a list, and where the next one begins.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The oldest first.
    pub items: Vec<Work>,
    /// Pass it as `after` for the next page.
    pub next: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct WorkRow {
    #[sqlx(flatten)]
    dose: DoseRow,
    person_name: Option<String>,
}

/// A page of the records on a list, after the entry with this number.
///
/// # Errors
/// The database's.
pub async fn page(
    db: &Db,
    permit: &CityPermit,
    list: List,
    after: i64,
    limit: i64,
) -> Result<Page> {
    let limit = limit.clamp(1, PAGE_MAX);
    let statement = match list {
        List::Clashes => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.severity >= 1 AND d.standing = 'clash' AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ),
        List::Findings => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.severity >= 1 AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ),
        List::Misreads => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.dose_id IN (
                 SELECT x.dose_id FROM (
                     SELECT y.dose_id FROM dose AS y
                     WHERE y.municipality = $1 AND y.pending = 1 AND y.seq > $2
                     ORDER BY y.seq LIMIT $3) AS x
                 UNION ALL
                 SELECT z.dose_id FROM (
                     SELECT w.dose_id FROM dose AS w
                     WHERE w.municipality = $1 AND w.severity >= 1 AND w.seq > $2 AND w.pending = 0
                       AND (w.standing = 'clash' OR (w.standing = 'quarantined' AND w.number IS NULL))
                     ORDER BY w.seq LIMIT $3) AS z)
             ORDER BY d.seq LIMIT $3"
        ),
        // The others are no lists of records; what waits for its person is the first of all.
        List::Imports | List::Pending | List::Sessions | List::Proposals => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.pending = 1 AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ),
    };
    let rows: Vec<WorkRow> = db
        .query(statement)
        .bind(permit.city().as_str().to_owned())
        .bind(after)
        .bind(limit + 1)
        .all()
        .await?;
    taken(db, permit, rows, limit).await
}

/// A page of the records with a finding of this class.
///
/// # Errors
/// The database's.
pub async fn page_of_class(
    db: &Db,
    permit: &CityPermit,
    class: Class,
    after: i64,
    limit: i64,
) -> Result<Page> {
    #[derive(Serialize)]
    struct Key {
        c: FindingCode,
    }
    if class == Class::NotIssued {
        return page(db, permit, List::Pending, after, limit).await;
    }
    let limit = limit.clamp(1, PAGE_MAX);
    let codes: Vec<Key> = class.codes().into_iter().map(|c| Key { c }).collect();
    let rows: Vec<WorkRow> = db
        .query(sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.severity >= 1 AND d.seq > $2 AND EXISTS (
                 SELECT 1 FROM json_each(d.findings) AS f
                 CROSS JOIN json_each($4) AS k
                 WHERE f.value->>'code' = k.value->>'c')
             ORDER BY d.seq LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(after)
        .bind(limit + 1)
        .bind(json(&codes))
        .all()
        .await?;
    taken(db, permit, rows, limit).await
}

/// A page of the records of a session that somebody must look at.
///
/// A record's id is the id of the receipt it came with, and no other act has a record's id: the
/// index of the venue's day is enough to find them.
///
/// # Errors
/// The database's.
pub async fn page_of_session(
    db: &Db,
    permit: &CityPermit,
    (venue, day): (OrganisationId, Day),
    after: i64,
    limit: i64,
) -> Result<Page> {
    let limit = limit.clamp(1, PAGE_MAX);
    let rows: Vec<WorkRow> = db
        .query(sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM receipt AS r
             CROSS JOIN dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE r.organisation = $4 AND r.day = $5
               AND d.municipality = $1 AND d.dose_id = r.id
               AND (d.severity >= 1 OR d.pending = 1) AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(after)
        .bind(limit + 1)
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .all()
        .await?;
    taken(db, permit, rows, limit).await
}

async fn taken(db: &Db, permit: &CityPermit, mut rows: Vec<WorkRow>, limit: i64) -> Result<Page> {
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push((Record::try_from(row.dose)?, row.person_name));
    }
    let items: Vec<Item> = found.iter().map(|(one, _)| Item::Dose(one.id)).collect();
    let mut owners = owners(db, permit, &items).await?;
    let next = found.last().filter(|_| more).map(|(one, _)| one.seq);
    let items = found
        .into_iter()
        .map(|(record, name)| Work {
            owner: owners.remove(&Item::Dose(record.id)),
            record,
            name,
        })
        .collect();
    Ok(Page { items, next })
}

/// The record that counts where this one clashes with it, under whichever number of the person.
///
/// # Errors
/// The database's.
pub async fn rival(db: &Db, permit: &CityPermit, record: &Record) -> Result<Option<Record>> {
    let Some(number) = record.number else {
        return Ok(None);
    };
    db.query(sql!(
        "SELECT * FROM dose
         WHERE municipality = $1 AND number IN (
                 SELECT $2 UNION ALL
                 SELECT b.number FROM coupon AS a
                 JOIN coupon AS b ON b.municipality = a.municipality AND b.resident_no = a.resident_no
                 WHERE a.municipality = $1 AND a.number = $2)
           AND turn = $3 AND standing = 'counted' AND dose_id <> $4
         ORDER BY seq LIMIT 1"
    ))
    .bind(permit.city().as_str().to_owned())
    .bind(number.as_str().to_owned())
    .bind(i64::from(record.turn))
    .bind(record.id.0.as_bytes().to_vec())
    .optional::<DoseRow>()
    .await?
    .map(Record::try_from)
    .transpose()
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

/// A day of a venue on which something is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// The venue.
    pub venue: OrganisationId,
    /// Its name.
    pub venue_name: String,
    /// The day of registration.
    pub day: Day,
    /// Doses of this city registered that day.
    pub recorded: i64,
    /// Of them, confirmed ones.
    pub confirmed: i64,
    /// Of them, those with something to look at.
    pub open: i64,
    /// Since when: when the day was set, or its first open record came.
    pub since: Instant,
    /// Who has taken it.
    pub owner: Option<Owner>,
}

type SessionRow = (Vec<u8>, Option<String>, String, i64);

/// The days before today on which a venue set up and registered nothing (forms that were never
/// entered), or registered records that are still open; the oldest first, some at a time.
///
/// # Errors
/// The database's.
pub async fn sessions(db: &Db, permit: &CityPermit, today: Day) -> Result<Vec<OpenSession>> {
    let mut found = unfinished(db, permit, today).await?;
    let totals = totals(db, permit, &found).await?;
    for one in &mut found {
        let total = totals.get(&(one.venue, one.day));
        (one.recorded, one.confirmed, one.open) = total.copied().unwrap_or_default();
    }
    Ok(found)
}

/// The same without their numbers.
async fn unfinished(db: &Db, permit: &CityPermit, today: Day) -> Result<Vec<OpenSession>> {
    let city = permit.city().as_str().to_owned();
    let empty: Vec<SessionRow> = db
        .query(sql!(
            "SELECT s.venue, o.name, s.day, MIN(s.set_at)
             FROM organisation AS o
             JOIN day_setting AS s ON s.venue = o.id
             WHERE o.kind = 'venue' AND o.municipality = $1 AND s.day < $2
               AND (SELECT r.id FROM receipt AS r
                    WHERE r.organisation = s.venue AND r.day = s.day LIMIT 1) IS NULL
             GROUP BY s.venue, o.name, s.day
             ORDER BY s.day, s.venue LIMIT $3"
        ))
        .bind(city.clone())
        .bind(today.to_string())
        .bind(SESSIONS_MAX)
        .all()
        .await?;
    let open: Vec<SessionRow> = db
        .query(sql!(
            "SELECT r.organisation, o.name, r.day, MIN(d.recorded_at)
             FROM (SELECT * FROM (
                       SELECT x.venue, x.dose_id, x.recorded_at FROM dose AS x
                       WHERE x.municipality = $1 AND x.severity >= 1 ORDER BY x.seq LIMIT $4) AS v
                   UNION ALL
                   SELECT * FROM (
                       SELECT y.venue, y.dose_id, y.recorded_at FROM dose AS y
                       WHERE y.municipality = $1 AND y.pending = 1 ORDER BY y.seq LIMIT $4) AS w) AS d
             JOIN receipt AS r ON r.organisation = d.venue AND r.id = d.dose_id
             LEFT JOIN organisation AS o ON o.id = d.venue
             WHERE r.day < $2
             GROUP BY r.organisation, o.name, r.day
             ORDER BY r.day, r.organisation LIMIT $3"
        ))
        .bind(city)
        .bind(today.to_string())
        .bind(SESSIONS_MAX)
        .bind(OPEN_LOOKED_AT)
        .all()
        .await?;
    let mut found = Vec::with_capacity(empty.len() + open.len());
    for (venue, name, day, since) in empty.into_iter().chain(open) {
        let wrong = Error::Inconsistent {
            table: "receipt",
            column: "day",
        };
        found.push(OpenSession {
            venue: OrganisationId(uuid(&venue, "receipt", "organisation")?),
            venue_name: name.unwrap_or_default(),
            day: Day::parse(&day).ok_or(wrong)?,
            recorded: 0,
            confirmed: 0,
            open: 0,
            since: Instant::from_micros(since),
            owner: None,
        });
    }
    found.sort_by_key(|one| (one.day, one.venue));
    found.truncate(usize::try_from(SESSIONS_MAX).unwrap_or(usize::MAX));
    let items: Vec<Item> = found.iter().map(OpenSession::item).collect();
    let mut owners = owners(db, permit, &items).await?;
    for one in &mut found {
        one.owner = owners.remove(&one.item());
    }
    Ok(found)
}

impl OpenSession {
    /// The session as something to take.
    #[must_use]
    pub fn item(&self) -> Item {
        Item::Session {
            venue: self.venue,
            day: self.day,
        }
    }
}

/// How many doses of this city were registered in each session, how many of them are confirmed, and
/// how many somebody must look at.
async fn totals(
    db: &Db,
    permit: &CityPermit,
    sessions: &[OpenSession],
) -> Result<BTreeMap<(OrganisationId, Day), (i64, i64, i64)>> {
    #[derive(Serialize)]
    struct Key {
        v: String,
        d: String,
    }
    let keys: Vec<Key> = sessions
        .iter()
        .map(|one| Key {
            v: one.venue.0.simple().to_string(),
            d: one.day.to_string(),
        })
        .collect();
    let rows: Vec<(Vec<u8>, String, i64, i64, i64)> = db
        .query(sql!(
            "SELECT r.organisation, r.day, COUNT(*), CAST(SUM(d.confirmed) AS BIGINT),
                    CAST(SUM(CASE WHEN d.severity >= 1 OR d.pending = 1 THEN 1 ELSE 0 END) AS BIGINT)
             FROM json_each($2) AS k
             CROSS JOIN receipt AS r
             CROSS JOIN dose AS d
             WHERE r.organisation = unhex(k.value->>'v') AND r.day = k.value->>'d'
               AND d.municipality = $1 AND d.dose_id = r.id AND d.standing <> 'void'
             GROUP BY r.organisation, r.day"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(json(&keys))
        .all()
        .await?;
    rows.into_iter()
        .map(|(venue, day, recorded, confirmed, open)| {
            let wrong = Error::Inconsistent {
                table: "receipt",
                column: "day",
            };
            let venue = OrganisationId(uuid(&venue, "receipt", "organisation")?);
            let day = Day::parse(&day).ok_or(wrong)?;
            Ok(((venue, day), (recorded, confirmed, open)))
        })
        .collect()
}
