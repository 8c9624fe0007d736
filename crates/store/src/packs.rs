//! Disaster packs (災害用一式) while they are made, and kept for a few days.
//!
//! The people of a pack are gathered in stretches, each a transaction that also says how far the work
//! is, so that any server goes on after a restart. The printed file lies beside the register it was
//! made of, behind the same permits; it is shown to nobody once it is too old, and swept away.

use std::collections::HashMap;

use domain::access::{Actor, CityPermit, OrganisationId, OrganisationKind, UserId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::doses::{DoseId, Facts, Person};
use domain::issues::{Candidate, CouponState};
use domain::packs::{KEPT_MAX, PEOPLE_MAX, expected, kept_since};
use domain::places::MunicipalityCode;
use domain::venues::FacilityCode;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change, View};
use crate::coupons::{issues, keys};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::imports::Decided;
use crate::residents::{Resident, ResidentRow};
use crate::settings::DaySetting;

/// People or records in one stretch.
pub const STRETCH_ROWS: i64 = 500;
/// Packs begun by the night in one transaction.
const BEGUN_AT_ONCE_MAX: i64 = 500;
/// Packs of venues on a city's list at most: a large city has some thousand venues, and three of each.
const LISTED_MAX: i64 = 10_000;
/// How long a server may be silent until another goes on with its pack: printing one takes a minute on
/// a slow machine.
const LEASE_MICROS: i64 = 300_000_000;
/// Whose pack it is, if it is the city's own.
const OF_CITY: Uuid = Uuid::nil();

/// The stages of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is looked for whoever may be expected.
    Gathering,
    /// The pages are drawn.
    Printing,
    /// It can be taken out.
    Done,
    /// It could not be made.
    Failed,
}

impl State {
    const ALL: [Self; 4] = [Self::Gathering, Self::Printing, Self::Done, Self::Failed];

    /// Its stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Printing => "printing",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a server has work with it.
    #[must_use]
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Gathering | Self::Printing)
    }
}

/// A pack, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// In which city.
    pub city: MunicipalityCode,
    /// Its id.
    pub id: Uuid,
    /// For which venue; none for the city's own.
    pub venue: Option<OrganisationId>,
    /// For which day.
    pub day: Day,
    /// Whether the night made it, unasked.
    pub nightly: bool,
    /// Its stage.
    pub state: State,
    /// The key up to which the work in hand is done.
    position: String,
    /// People or records looked at so far.
    pub looked: u64,
    /// How many there were when it began.
    pub whole: u64,
    /// People who may be expected; those over [`PEOPLE_MAX`] are not in it.
    pub expected: u64,
    /// Forms in it, the blank ones among them.
    pub forms: u64,
    /// Forms whose person could not be written on them.
    pub made_blank: u64,
    /// Why it could not be made, as a stable word.
    pub failure: Option<String>,
    /// When it was begun: what stands in it was true from then on.
    pub created_at: Instant,
    /// When it was finished, one way or the other.
    pub made_at: Option<Instant>,
}

impl Pack {
    /// How far the work is, in hundredths: gathering is the first half.
    #[must_use]
    pub fn percent(&self) -> u64 {
        match self.state {
            State::Gathering => (self.looked.saturating_mul(50) / self.whole.max(1)).min(50),
            State::Printing => 50,
            State::Done | State::Failed => 100,
        }
    }

    /// People who may be expected and are not in it.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.expected.saturating_sub(u64::from(PEOPLE_MAX))
    }
}

/// Who asks for packs, and so whose: the city for its own and its venues', a venue for its own.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// The city.
    City(&'a CityPermit),
    /// A venue.
    Venue(&'a VenuePermit),
}

impl Asker<'_> {
    fn city(&self) -> MunicipalityCode {
        match self {
            Self::City(permit) => permit.city(),
            Self::Venue(permit) => permit.city(),
        }
    }

    fn actor(&self) -> &Actor {
        match self {
            Self::City(permit) => permit.actor(),
            Self::Venue(permit) => permit.actor(),
        }
    }

    /// As it stands in the column.
    fn place(&self) -> Uuid {
        match self {
            Self::City(_) => OF_CITY,
            Self::Venue(permit) => permit.venue().0,
        }
    }
}

#[derive(sqlx::FromRow)]
struct PackRow {
    municipality: String,
    id: Vec<u8>,
    venue: Vec<u8>,
    day: String,
    nightly: i64,
    state: String,
    position: String,
    looked: i64,
    whole: i64,
    expected: i64,
    forms: i64,
    made_blank: i64,
    failure: String,
    created_at: i64,
    made_at: Option<i64>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "pack",
        column,
    }
}

impl TryFrom<PackRow> for Pack {
    type Error = Error;

    fn try_from(row: PackRow) -> Result<Self> {
        let venue = uuid(&row.venue, "pack", "venue")?;
        Ok(Self {
            city: MunicipalityCode::parse(&row.municipality).map_err(|_| bad("municipality"))?,
            id: uuid(&row.id, "pack", "id")?,
            venue: Some(OrganisationId(venue)).filter(|_| venue != OF_CITY),
            day: Day::parse(&row.day).ok_or_else(|| bad("day"))?,
            nightly: row.nightly == 1,
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            position: row.position,
            looked: row.looked.unsigned_abs(),
            whole: row.whole.unsigned_abs(),
            expected: row.expected.unsigned_abs(),
            forms: row.forms.unsigned_abs(),
            made_blank: row.made_blank.unsigned_abs(),
            failure: Some(row.failure).filter(|word| !word.is_empty()),
            created_at: Instant::from_micros(row.created_at),
            made_at: row.made_at.map(Instant::from_micros),
        })
    }
}

/// A pack to begin.
struct New {
    city: String,
    id: Uuid,
    place: Uuid,
    day: Day,
    nightly: bool,
    by: UserId,
    at: Instant,
}

/// Begins a pack; false if there is one of that place at work, or of that night, already.
async fn insert(tx: &mut Tx, new: &New) -> Result<bool> {
    let inserted = tx
        .query(sql!(
            "INSERT INTO pack (municipality, id, venue, day, nightly, state, position, looked, whole, expected, forms,
                               made_blank, failure, by_user, created_at, leased_until)
             SELECT $1, $2, $3, $4, $5, 'gathering', '', 0,
                    CASE WHEN CAST($6 AS BIGINT) = 1
                         THEN (SELECT COUNT(*) FROM resident WHERE municipality = $1)
                         ELSE (SELECT COUNT(*) FROM receipt WHERE organisation = $3 AND act = 'recorded') END,
                    0, 0, 0, '', $7, $8, 0
             WHERE NOT EXISTS (
                 SELECT 1 FROM pack WHERE municipality = $1 AND venue = $3 AND state IN ('gathering', 'printing'))
             ON CONFLICT DO NOTHING"
        ))
        .bind(new.city.clone())
        .bind(new.id.as_bytes().to_vec())
        .bind(new.place.as_bytes().to_vec())
        .bind(new.day.to_string())
        .bind(i64::from(new.nightly))
        .bind(i64::from(new.place == OF_CITY))
        .bind(new.by.0.as_bytes().to_vec())
        .bind(new.at.micros())
        .run()
        .await?;
    Ok(inserted == 1)
}

async fn audited(tx: &mut Tx, asker: &Asker<'_>, subject: Uuid, how: Decided) -> Result<()> {
    let subject = subject.to_string();
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: Some(asker.city()),
        action: "make-pack",
        subject: &subject,
        detail: "{}",
    };
    audit::write(tx, asker.actor(), &change).await
}

/// Begins the asker's own pack of a day; false if one is being made already, which will do as well.
///
/// # Errors
/// [`Error::Exists`] if the id is taken, or the database's.
pub async fn begin(db: &Db, asker: Asker<'_>, id: Uuid, day: Day, how: Decided) -> Result<bool> {
    let new = New {
        city: asker.city().as_str().to_owned(),
        id,
        place: asker.place(),
        day,
        nightly: false,
        by: asker.actor().user,
        at: how.at,
    };
    transact!(db, |tx| {
        let begun = insert(&mut tx, &new).await?;
        if begun {
            audited(&mut tx, &asker, id, how).await?;
        }
        begun
    })
}

/// Begins the packs of all venues of the city that may log in; how many were begun. Where one is being
/// made already, none is. Call it after [`begin`], which writes the audit.
///
/// # Errors
/// The database's.
pub async fn begin_of_venues(
    db: &Db,
    permit: &CityPermit,
    day: Day,
    at: Instant,
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<u64> {
    let city = permit.city();
    transact!(db, |tx| {
        let venues: Vec<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT id FROM organisation WHERE kind = 'venue' AND municipality = $1 AND active = 1
                 ORDER BY id LIMIT $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(LISTED_MAX)
            .all()
            .await?;
        let mut begun = 0;
        for (venue,) in &venues {
            let new = New {
                city: city.as_str().to_owned(),
                id: id(),
                place: uuid(venue, "organisation", "id")?,
                day,
                nightly: false,
                by: permit.actor().user,
                at,
            };
            begun += u64::from(insert(&mut tx, &new).await?);
        }
        begun
    })
}

/// Begins the packs of a night, of every city and every venue that may log in, as far as they have none
/// of that day; how many were begun, none at last.
///
/// # Errors
/// The database's.
pub async fn begin_night(
    db: &Db,
    day: Day,
    at: Instant,
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<u64> {
    transact!(db, |tx| {
        let places: Vec<(Vec<u8>, String, String)> = tx
            .query(sql!(
                "SELECT o.id, o.kind, o.municipality FROM organisation AS o
                 WHERE o.kind IN ('city', 'venue') AND o.active = 1 AND o.municipality IS NOT NULL
                   AND NOT EXISTS (
                       SELECT 1 FROM pack AS p
                       WHERE p.municipality = o.municipality AND p.nightly = 1 AND p.day = $1
                         AND p.venue = CASE WHEN o.kind = 'venue' THEN o.id ELSE $2 END)
                   AND NOT EXISTS (
                       SELECT 1 FROM pack AS p
                       WHERE p.municipality = o.municipality AND p.state IN ('gathering', 'printing')
                         AND p.venue = CASE WHEN o.kind = 'venue' THEN o.id ELSE $2 END)
                 ORDER BY o.id LIMIT $3"
            ))
            .bind(day.to_string())
            .bind(OF_CITY.as_bytes().to_vec())
            .bind(BEGUN_AT_ONCE_MAX)
            .all()
            .await?;
        let mut begun = 0;
        for (organisation, kind, city) in places {
            let is_venue = kind == OrganisationKind::Venue.as_str();
            let new = New {
                city,
                id: id(),
                place: if is_venue {
                    uuid(&organisation, "organisation", "id")?
                } else {
                    OF_CITY
                },
                day,
                nightly: true,
                by: UserId(Uuid::nil()),
                at,
            };
            begun += u64::from(insert(&mut tx, &new).await?);
        }
        begun
    })
}

/// The asker's own packs that are not too old, the latest first.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, asker: Asker<'_>, now: Instant) -> Result<Vec<Pack>> {
    let rows: Vec<PackRow> = db
        .query(sql!(
            "SELECT municipality, id, venue, day, nightly, state, position, looked, whole, expected, forms, made_blank,
                    failure, created_at, made_at
             FROM pack WHERE municipality = $1 AND venue = $2 AND created_at >= $3
             ORDER BY id DESC LIMIT $4"
        ))
        .bind(asker.city().as_str().to_owned())
        .bind(asker.place().as_bytes().to_vec())
        .bind(kept_since(now).micros())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Pack::try_from).collect()
}

/// The packs of the city's venues that are not too old, with the venue's name; by name, the latest
/// first.
///
/// # Errors
/// The database's.
pub async fn list_of_venues(
    db: &Db,
    permit: &CityPermit,
    now: Instant,
) -> Result<Vec<(String, Pack)>> {
    #[derive(sqlx::FromRow)]
    struct NamedRow {
        name: String,
        #[sqlx(flatten)]
        pack: PackRow,
    }
    let rows: Vec<NamedRow> = db
        .query(sql!(
            "SELECT o.name, p.municipality, p.id, p.venue, p.day, p.nightly, p.state, p.position, p.looked, p.whole,
                    p.expected, p.forms, p.made_blank, p.failure, p.created_at, p.made_at
             FROM pack AS p JOIN organisation AS o ON o.id = p.venue
             WHERE p.municipality = $1 AND p.created_at >= $2
             ORDER BY o.name, p.venue, p.id DESC LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(kept_since(now).micros())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.name, Pack::try_from(row.pack)?)))
        .collect()
}

/// The printed file of a pack, and the look at it in the access log before; none if there is no such
/// pack of the asker's, it is not printed or it is too old.
///
/// # Errors
/// The database's; then nothing may be shown.
pub async fn file(
    db: &Db,
    asker: Asker<'_>,
    id: Uuid,
    view: &View,
) -> Result<Option<(Pack, Vec<u8>)>> {
    #[derive(sqlx::FromRow)]
    struct FileRow {
        pdf: Vec<u8>,
        #[sqlx(flatten)]
        pack: PackRow,
    }
    let city = asker.city();
    let any_of_city = matches!(asker, Asker::City(_));
    transact!(db, |tx| {
        let row: Option<FileRow> = tx
            .query(sql!(
                "SELECT f.pdf, p.municipality, p.id, p.venue, p.day, p.nightly, p.state, p.position, p.looked, p.whole,
                        p.expected, p.forms, p.made_blank, p.failure, p.created_at, p.made_at
                 FROM pack AS p JOIN pack_file AS f ON f.municipality = p.municipality AND f.pack = p.id
                 WHERE p.municipality = $1 AND p.id = $2 AND (CAST($3 AS BIGINT) = 1 OR p.venue = $4)
                   AND p.state = 'done' AND p.created_at >= $5"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(i64::from(any_of_city))
            .bind(asker.place().as_bytes().to_vec())
            .bind(kept_since(view.at).micros())
            .optional()
            .await?;
        match row {
            None => None,
            Some(row) => {
                audit::look(&mut tx, asker.actor(), city, view).await?;
                Some((Pack::try_from(row.pack)?, row.pdf))
            }
        }
    })
}

/// A pack that a server has taken in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The pack as it stands.
    pub pack: Pack,
    worker: Uuid,
}

const PACK: &str = sql!(
    "SELECT municipality, id, venue, day, nightly, state, position, looked, whole, expected, forms, made_blank, failure,
            created_at, made_at
     FROM pack WHERE municipality = $1 AND id = $2"
);

/// Takes the next pack in hand that has work and that nobody has; those that somebody waits for come
/// before those of the night. `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    transact!(db, |tx| {
        let next: Option<(String, Vec<u8>)> = tx
            .query(sql!(
                "SELECT municipality, id FROM pack
                 WHERE state IN ('gathering', 'printing') AND leased_until < $1
                 ORDER BY nightly, leased_until, id LIMIT 1"
            ))
            .bind(now.micros())
            .optional()
            .await?;
        match next {
            None => None,
            Some((city, id)) => {
                tx.query(sql!(
                    "UPDATE pack SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
                ))
                .bind(city.clone())
                .bind(id.clone())
                .bind(worker.as_bytes().to_vec())
                .bind(now.micros().saturating_add(LEASE_MICROS))
                .expect(1)
                .await?;
                let row: PackRow = tx.query(PACK).bind(city).bind(id).one().await?;
                let pack = Pack::try_from(row)?;
                Some(InHand { pack, worker })
            }
        }
    })
}

/// Somebody who may be expected.
struct Here {
    /// Up to where the work is done with this person.
    position: String,
    /// The dose for which a venue looks at the person.
    dose: Option<DoseId>,
    number_is_void: bool,
    resident: Resident,
}

/// The next people of the register.
async fn next_of_city(tx: &mut Tx, city: MunicipalityCode, position: &str) -> Result<Vec<Here>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        voided_at: Option<i64>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT c.voided_at, p.* FROM resident AS p
             LEFT JOIN coupon AS c ON c.municipality = p.municipality AND c.number = p.number
             WHERE p.municipality = $1 AND p.resident_no > $2
             ORDER BY p.resident_no LIMIT $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(position.to_owned())
        .bind(STRETCH_ROWS)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Here {
                position: row.resident.resident_no.clone(),
                dose: None,
                number_is_void: row.voided_at.is_some(),
                resident: Resident::try_from(row.resident)?,
            })
        })
        .collect()
}

/// The next doses that a venue recorded for residents of its city, with the people; the ids come from
/// whoever sent them, so this is the order of sending at most.
async fn next_of_venue(
    tx: &mut Tx,
    city: MunicipalityCode,
    venue: OrganisationId,
    position: &str,
) -> Result<Vec<Here>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        receipt: Vec<u8>,
        dose: Vec<u8>,
        voided_at: Option<i64>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let position = match position {
        "" => Vec::new(),
        text => {
            let id = Uuid::try_parse(text).map_err(|_| bad("position"))?;
            id.as_bytes().to_vec()
        }
    };
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT r.id AS receipt, r.dose_id AS dose, n.voided_at, p.*
             FROM receipt AS r
             JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
             JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             LEFT JOIN coupon AS n ON n.municipality = p.municipality AND n.number = p.number
             WHERE r.organisation = $1 AND r.id > $2 AND r.act = 'recorded' AND r.municipality = $3
             ORDER BY r.id LIMIT $4"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(position)
        .bind(city.as_str().to_owned())
        .bind(STRETCH_ROWS)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Here {
                position: uuid(&row.receipt, "receipt", "id")?.simple().to_string(),
                dose: Some(DoseId(uuid(&row.dose, "receipt", "dose_id")?)),
                number_is_void: row.voided_at.is_some(),
                resident: Resident::try_from(row.resident)?,
            })
        })
        .collect()
}

/// The doses of these people that count, under whichever of their numbers.
async fn counted(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<HashMap<String, Vec<Record>>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        resident_no: String,
        #[sqlx(flatten)]
        dose: DoseRow,
    }
    let rows: Vec<Row> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT c.resident_no, d.* FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number AND d.standing = 'counted'"
            ),
            keys(city, residents.iter().copied()),
        )
        .all()
        .await?;
    let mut of: HashMap<String, Vec<Record>> = HashMap::new();
    for row in rows {
        let record = Record::try_from(row.dose)?;
        of.entry(row.resident_no).or_default().push(record);
    }
    Ok(of)
}

/// Gathers the next people; false when all were looked at and the pack can be printed.
///
/// A city expects whoever [`expected`] says; a venue those of them who had their last dose there. (With
/// bookings it will be those who are booked: then this is the one place that asks for them.)
///
/// # Errors
/// [`Error::Busy`] if somebody else has the pack in hand by now or it is of another city, or the
/// database's.
pub async fn gather(
    db: &Db,
    permit: &CityPermit,
    hand: &mut InHand,
    now: Instant,
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<bool> {
    let was = &hand.pack;
    if permit.city() != was.city {
        return Err(Error::Busy);
    }
    let (after, goes_on) = transact!(db, |tx| {
        let here = match was.venue {
            None => next_of_city(&mut tx, was.city, &was.position).await?,
            Some(venue) => next_of_venue(&mut tx, was.city, venue, &was.position).await?,
        };
        let mut after = was.clone();
        let goes_on = match here.last() {
            None => {
                after.state = State::Printing;
                false
            }
            Some(last) => {
                after.position = last.position.clone();
                after.looked += here.len() as u64;
                after.expected += keep(&mut tx, was, &here, id).await?;
                true
            }
        };
        advance(&mut tx, hand, &after, now).await?;
        (after, goes_on)
    })?;
    hand.pack = after;
    Ok(goes_on)
}

/// Keeps those of these people who may be expected, as long as they stand among the first; how many
/// there were.
async fn keep(
    tx: &mut Tx,
    was: &Pack,
    here: &[Here],
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<u64> {
    let people: Vec<&str> = here
        .iter()
        .map(|one| one.resident.resident_no.as_str())
        .collect();
    let doses = counted(tx, was.city, &people).await?;
    let out = issues(tx, was.city, &people).await?;
    let mut found = Vec::new();
    for Here {
        dose,
        number_is_void,
        resident,
        ..
    } in here
    {
        let no = &resident.resident_no;
        let records = doses.get(no).map_or(&[][..], Vec::as_slice);
        let last = records.iter().max_by_key(|one| (one.given_on, one.id.0));
        if dose.is_some() && last.map(|one| one.id) != *dose {
            continue;
        }
        let facts: Vec<Facts> = records.iter().map(Record::facts).collect();
        let papers = out.get(no).map_or(&[][..], Vec::as_slice);
        let papers = papers.iter().filter(|one| one.state == CouponState::Issued);
        let issued: Vec<u8> = papers.map(|one| one.turn).collect();
        let candidate = Candidate {
            person: Person {
                birth: resident.birth,
                sex: resident.sex,
                standing: resident.standing,
            },
            doses: &facts,
            issued: &issued,
            number_is_void: *number_is_void,
        };
        if let Some(one) = expected(&candidate, was.day) {
            found.push((format!("{}/{no}", one.rank), no, one));
        }
    }
    let rows = || found.iter();
    let table = Table::default()
        .text(rows().map(|_| was.city.as_str()))
        .bytes(rows().map(|_| *was.id.as_bytes()))
        .text(rows().map(|(key, ..)| key.as_str()))
        .text(rows().map(|(_, no, _)| no.as_str()))
        .whole(rows().map(|(.., one)| i64::from(one.turn)))
        .text_or_null(rows().map(|(.., one)| one.last.map(|day| day.to_string())))
        .bytes(rows().map(|_| *id().as_bytes()));
    if !found.is_empty() {
        tx.many(
            sql!(
                "INSERT INTO pack_form (municipality, pack, sort_key, resident_no, turn, last_given, form)
                 {rows: text, bytea, text, text, bigint, text, bytea}"
            ),
            table,
        )
        .expect_each()
        .await?;
        tx.query(sql!(
            "DELETE FROM pack_form WHERE municipality = $1 AND pack = $2 AND sort_key > (
                 SELECT sort_key FROM pack_form WHERE municipality = $1 AND pack = $2
                 ORDER BY sort_key LIMIT 1 OFFSET $3)"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.id.as_bytes().to_vec())
        .bind(i64::from(PEOPLE_MAX) - 1)
        .run()
        .await?;
    }
    Ok(found.len() as u64)
}

/// Says how far the work is and renews the lease.
async fn advance(tx: &mut Tx, hand: &InHand, after: &Pack, now: Instant) -> Result<()> {
    let moved = tx
        .query(sql!(
            "UPDATE pack SET state = $5, position = $6, looked = $7, expected = $8, leased_until = $9
             WHERE municipality = $1 AND id = $2 AND state = $3 AND worker = $4"
        ))
        .bind(after.city.as_str().to_owned())
        .bind(after.id.as_bytes().to_vec())
        .bind(hand.pack.state.as_str().to_owned())
        .bind(hand.worker.as_bytes().to_vec())
        .bind(after.state.as_str().to_owned())
        .bind(after.position.clone())
        .bind(i64::try_from(after.looked).unwrap_or(i64::MAX))
        .bind(i64::try_from(after.expected).unwrap_or(i64::MAX))
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if moved == 1 { Ok(()) } else { Err(Error::Busy) }
}

/// Somebody in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The person, as the register has them now.
    pub resident: Resident,
    /// Which dose; `0` beyond the last that a coupon can name.
    pub turn: u8,
    /// The day of the dose before.
    pub last: Option<Day>,
    /// The id of the form, and of the dose that will be entered from it.
    pub form: Uuid,
}

/// What a pack is printed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The name of the venue, or of the city's desk if it is known.
    pub name: Option<String>,
    /// A venue's 10 digits.
    pub code: Option<FacilityCode>,
    /// Product and lot, where the venue has set them for this very day: what was set last.
    pub setting: Option<DaySetting>,
    /// Who is expected, in order.
    pub people: Vec<Listed>,
}

/// What the pack in hand is printed from.
///
/// # Errors
/// The database's.
pub async fn gathered(db: &Db, permit: &CityPermit, hand: &InHand) -> Result<Gathered> {
    #[derive(sqlx::FromRow)]
    struct Row {
        turn: i64,
        last_given: Option<String>,
        form: Vec<u8>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let pack = &hand.pack;
    let bad = |column| Error::Inconsistent {
        table: "pack_form",
        column,
    };
    let mut tx = db.begin_reading().await?;
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT f.turn, f.last_given, f.form, p.*
             FROM pack_form AS f
             JOIN resident AS p ON p.municipality = f.municipality AND p.resident_no = f.resident_no
             WHERE f.municipality = $1 AND f.pack = $2 AND p.standing = 'resident' ORDER BY f.sort_key"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(pack.id.as_bytes().to_vec())
        .all()
        .await?;
    let people = rows.into_iter().map(|row| {
        let last = row.last_given.as_deref();
        let last = last.map(|text| Day::parse(text).ok_or_else(|| bad("last_given")));
        Ok(Listed {
            resident: Resident::try_from(row.resident)?,
            turn: u8::try_from(row.turn).map_err(|_| bad("turn"))?,
            last: last.transpose()?,
            form: uuid(&row.form, "pack_form", "form")?,
        })
    });
    let people = people.collect::<Result<_>>()?;
    let organisation: Option<(String, Option<String>)> = match pack.venue {
        Some(venue) => {
            tx.query(sql!(
                "SELECT name, facility_code FROM organisation WHERE id = $1"
            ))
            .bind(venue.0.as_bytes().to_vec())
            .optional()
            .await?
        }
        None => {
            tx.query(sql!(
                "SELECT name, facility_code FROM organisation WHERE kind = 'city' AND municipality = $1 ORDER BY id LIMIT 1"
            ))
            .bind(pack.city.as_str().to_owned())
            .optional()
            .await?
        }
    };
    let setting = match pack.venue {
        Some(venue) => crate::settings::latest(&mut tx, venue, pack.day).await?,
        None => None,
    };
    let code = organisation.as_ref().and_then(|(_, code)| code.as_deref());
    Ok(Gathered {
        code: code.and_then(|code| FacilityCode::parse(code).ok()),
        name: organisation.map(|(name, _)| name),
        setting,
        people,
    })
}

/// What came out of printing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed {
    /// The file.
    Done {
        /// The pages.
        pdf: Vec<u8>,
        /// Forms in it.
        forms: u64,
        /// Forms whose person could not be written on them.
        made_blank: u64,
    },
    /// Nothing, with the stable word for why.
    Failed(String),
}

/// Ends the work on a pack: keeps the file, and throws away what is older than the last three that came
/// out well.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the pack in hand by now, or the database's.
pub async fn finish(db: &Db, hand: &InHand, printed: &Printed, now: Instant) -> Result<()> {
    let pack = &hand.pack;
    let (state, failure, forms, made_blank) = match printed {
        Printed::Done {
            forms, made_blank, ..
        } => (State::Done, "", *forms, *made_blank),
        Printed::Failed(why) => (State::Failed, why.as_str(), 0, 0),
    };
    transact!(db, |tx| {
        let moved = tx
            .query(sql!(
                "UPDATE pack SET state = $4, failure = $5, forms = $6, made_blank = $7, made_at = $8
                 WHERE municipality = $1 AND id = $2 AND worker = $3 AND state IN ('gathering', 'printing')"
            ))
            .bind(pack.city.as_str().to_owned())
            .bind(pack.id.as_bytes().to_vec())
            .bind(hand.worker.as_bytes().to_vec())
            .bind(state.as_str().to_owned())
            .bind(failure.to_owned())
            .bind(i64::try_from(forms).unwrap_or(i64::MAX))
            .bind(i64::try_from(made_blank).unwrap_or(i64::MAX))
            .bind(now.micros())
            .run()
            .await?;
        if moved != 1 {
            return Err(Error::Busy);
        }
        if let Printed::Done { pdf, .. } = printed {
            tx.query(sql!(
                "INSERT INTO pack_file (municipality, pack, pdf) VALUES ($1, $2, $3)"
            ))
            .bind(pack.city.as_str().to_owned())
            .bind(pack.id.as_bytes().to_vec())
            .bind(pdf.clone())
            .expect(1)
            .await?;
        }
        tx.query(sql!(
            "DELETE FROM pack WHERE municipality = $1 AND venue = $2 AND id < (
                 SELECT id FROM pack WHERE municipality = $1 AND venue = $2 AND state = 'done'
                 ORDER BY id DESC LIMIT 1 OFFSET $3)"
        ))
        .bind(pack.city.as_str().to_owned())
        .bind(
            pack.venue
                .map_or(OF_CITY, |venue| venue.0)
                .as_bytes()
                .to_vec(),
        )
        .bind(i64::from(KEPT_MAX) - 1)
        .run()
        .await?;
        forget(&mut tx).await?;
    })
}

/// Sweeps away the packs that are too old.
///
/// # Errors
/// The database's.
pub async fn sweep(db: &Db, now: Instant) -> Result<()> {
    transact!(db, |tx| {
        tx.query(sql!("DELETE FROM pack WHERE created_at < $1"))
            .bind(kept_since(now).micros())
            .run()
            .await?;
        forget(&mut tx).await?;
    })
}

/// Forgets who was in packs that are made or gone, and the files of those that are gone.
async fn forget(tx: &mut Tx) -> Result<()> {
    tx.query(sql!(
        "DELETE FROM pack_form WHERE NOT EXISTS (
             SELECT 1 FROM pack AS p
             WHERE p.municipality = pack_form.municipality AND p.id = pack_form.pack
               AND p.state IN ('gathering', 'printing'))"
    ))
    .run()
    .await?;
    tx.query(sql!(
        "DELETE FROM pack_file WHERE NOT EXISTS (
             SELECT 1 FROM pack AS p WHERE p.municipality = pack_file.municipality AND p.id = pack_file.pack)"
    ))
    .run()
    .await?;
    Ok(())
}
