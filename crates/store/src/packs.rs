//! Disaster packs (災害用一式) while they are made, and kept for a few days.
//!
//! The people of a pack are gathered in stretches, each a transaction that also says how far the work
//! is, so that any server goes on after a restart. The printed file lies beside the register it was
//! made of, behind the same permits; it is shown to nobody once it is too old, and swept away.

mod gathering;
mod ordering;
mod printing;

pub use gathering::{Gathered, InHand, Listed, STRETCH_ROWS, gather, gathered, take_in_hand};
pub use ordering::{begin, begin_night, begin_of_venues};
pub use printing::{Printed, finish, sweep};

use domain::access::{Actor, CityPermit, OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::packs::{PEOPLE_MAX, kept_since};
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, View};
use crate::db::{Db, sql, transact};
use crate::error::{Error, Result};

/// Packs of venues on a city's list at most: a large city has some thousand venues, and three of each.
const LISTED_MAX: i64 = 10_000;

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

#[derive(sqlx_macros::FromRow)]
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
    #[derive(sqlx_macros::FromRow)]
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
    #[derive(sqlx_macros::FromRow)]
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
