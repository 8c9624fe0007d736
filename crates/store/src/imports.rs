//! Files that are handed in (取込), by a city of its [people](residents) or [records], by an area of its [venues]: looked through, approved
//! by somebody, applied, undone.
//!
//! The file lies in the database in pieces until it is applied, so that any server goes on with it
//! after a restart. The work is done in stretches of some thousands of lines; each stretch is a
//! transaction that also says how far the work is. Whoever has an import in hand holds a lease, and
//! renews it by each stretch; when it runs out, another server takes over.

pub mod amendments;
mod counts;
mod decisions;
mod desks;
pub(crate) mod former_addresses;
mod intake;
pub mod records;
mod remarks;
pub mod residents;
pub mod venues;
mod work;

pub use counts::{Done, Found};
pub use decisions::{Became, Decided, approve, discard, keep, undo, waits_for_another};
pub use desks::{Desk, Right};
pub use intake::{NewImport, PIECE_BYTES, begin, complete, piece, take_piece};
pub use remarks::{REMARKS_MAX, Refusal, Remark, remarks};
pub use work::{
    InHand, Place, Rows, applied, apply, check, checked, refuse, start_checking, take_in_hand,
    undo_stretch,
};

use domain::access::{Action, OrganisationId, UserId};
use domain::calendar::Instant;
use serde::Deserialize;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::db::{Db, Tx, sql};
use crate::error::{Error, Result};

/// People in one stretch: reports beside an import never wait more than some tenths of a second for its
/// transaction, and a page of an index that several of them fall onto is written once.
const STRETCH_PEOPLE: usize = 8000;

/// Records in one stretch: each of them is a report of its own.
const STRETCH_RECORDS: usize = 2000;

/// Venues in one stretch: each is some nine rows, and what is told of all of them is held at once.
const STRETCH_VENUES: usize = 1000;

/// Imports on a city's list at most.
const LISTED_MAX: i64 = 50;

/// What a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 接種対象者: people of the register.
    Residents,
    /// 接種記録: doses and interviews typed from paper.
    Records,
    /// 会場マスタ: the venues of an area.
    Venues,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Residents, Self::Records, Self::Venues];

    /// Its stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Residents => "residents",
            Self::Records => "records",
            Self::Venues => "venues",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Lines in one stretch.
    #[must_use]
    pub fn stretch_lines(self) -> usize {
        match self {
            Self::Residents => STRETCH_PEOPLE,
            Self::Records => STRETCH_RECORDS,
            Self::Venues => STRETCH_VENUES,
        }
    }

    /// What somebody must be allowed to do who hands such a file in, approves or undoes it: records
    /// change the ledger, as a correction does.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Residents => Action::LoadResidents,
            Self::Records => Action::CorrectRecord,
            Self::Venues => Action::LoadVenues,
        }
    }
}

/// The stages of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its pieces are coming in.
    Uploading,
    /// It is being looked through; nothing is changed.
    Checking,
    /// Somebody may approve it.
    Ready,
    /// It is being applied.
    Applying,
    /// It is applied.
    Done,
    /// It is being undone.
    Undoing,
    /// It is undone.
    Undone,
    /// As a whole it is no good.
    Refused,
    /// Somebody threw it away.
    Discarded,
}

impl State {
    const ALL: [Self; 9] = [
        Self::Uploading,
        Self::Checking,
        Self::Ready,
        Self::Applying,
        Self::Done,
        Self::Undoing,
        Self::Undone,
        Self::Refused,
        Self::Discarded,
    ];

    /// Its stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Checking => "checking",
            Self::Ready => "ready",
            Self::Applying => "applying",
            Self::Done => "done",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::Refused => "refused",
            Self::Discarded => "discarded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a server has work with it.
    #[must_use]
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Checking | Self::Applying | Self::Undoing)
    }
}

/// A file handed in, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// At whose desk it lies.
    pub desk: Desk,
    /// Its id.
    pub id: Uuid,
    /// What it is of.
    pub kind: Kind,
    /// The file's name, as the browser said it.
    pub file_name: String,
    /// The encoding's word, as its sender chose it.
    pub encoding: String,
    /// The file's size.
    pub bytes: u64,
    /// Its stage.
    pub state: State,
    /// Lines worked through at this stage.
    pub lines: u64,
    /// Bytes worked through at this stage.
    pub read_bytes: u64,
    /// What looking through found so far.
    pub found: Found,
    /// What applying or undoing came to so far.
    pub done: Done,
    /// Why the file as a whole is no good.
    pub refusal: Option<Refusal>,
    /// Who handed it in.
    pub by: UserId,
    /// From which organisation.
    pub organisation: OrganisationId,
    /// When.
    pub created_at: Instant,
    /// Who approved it.
    pub approved_by: Option<UserId>,
    /// When. The people it changed carry this time.
    pub approved_at: Option<Instant>,
    /// Who asked for it to be taken back, where somebody else has to approve that.
    pub undo_asked_by: Option<UserId>,
}

impl Import {
    /// How far the work at this stage is, in hundredths.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let whole = match self.state {
            State::Undoing => self.found.lines.max(1),
            _ => self.bytes.max(1),
        };
        let part = match self.state {
            State::Undoing => self.lines,
            _ => self.read_bytes,
        };
        (part.saturating_mul(100) / whole).min(100)
    }
}

#[derive(sqlx_macros::FromRow)]
struct ImportRow {
    desk: String,
    id: Vec<u8>,
    kind: String,
    file_name: String,
    encoding: String,
    bytes: i64,
    state: String,
    lines: i64,
    read_bytes: i64,
    found: String,
    done: String,
    refusal: Option<String>,
    by_user: Vec<u8>,
    organisation: Vec<u8>,
    created_at: i64,
    approved_by: Option<Vec<u8>>,
    approved_at: Option<i64>,
    undo_asked_by: Option<Vec<u8>>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "import",
        column,
    }
}

fn from_json<T: for<'d> Deserialize<'d>>(text: &str, column: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| bad(column))
}

impl TryFrom<ImportRow> for Import {
    type Error = Error;

    fn try_from(row: ImportRow) -> Result<Self> {
        let refusal = row.refusal.as_deref();
        let approved_by = row.approved_by.as_deref();
        let undo_asked_by = row.undo_asked_by.as_deref();
        Ok(Self {
            desk: Desk::parse(&row.desk)?,
            id: uuid(&row.id, "import", "id")?,
            kind: Kind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
            file_name: row.file_name,
            encoding: row.encoding,
            bytes: row.bytes.unsigned_abs(),
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            lines: row.lines.unsigned_abs(),
            read_bytes: row.read_bytes.unsigned_abs(),
            found: from_json(&row.found, "found")?,
            done: from_json(&row.done, "done")?,
            refusal: refusal.map(|text| from_json(text, "refusal")).transpose()?,
            by: UserId(uuid(&row.by_user, "import", "by_user")?),
            organisation: OrganisationId(uuid(&row.organisation, "import", "organisation")?),
            created_at: Instant::from_micros(row.created_at),
            approved_by: approved_by
                .map(|id| uuid(id, "import", "approved_by").map(UserId))
                .transpose()?,
            approved_at: row.approved_at.map(Instant::from_micros),
            undo_asked_by: undo_asked_by
                .map(|id| uuid(id, "import", "undo_asked_by").map(UserId))
                .transpose()?,
        })
    }
}

/// Moves an import from one stage to the next; false if it is at another by now.
async fn step(tx: &mut Tx, desk: Desk, id: Uuid, from: State, to: State) -> Result<bool> {
    let moved = tx
        .query(sql!(
            "UPDATE import SET state = $4, lines = 0, read_bytes = 0, worker = NULL, leased_until = 0
             WHERE desk = $1 AND id = $2 AND state = $3"
        ))
        .bind(desk.key())
        .bind(id.as_bytes().to_vec())
        .bind(from.as_str().to_owned())
        .bind(to.as_str().to_owned())
        .run()
        .await?;
    Ok(moved == 1)
}

/// Forgets what looking through kept beside the remarks.
async fn forget(tx: &mut Tx, desk: Desk, id: Uuid) -> Result<()> {
    match desk {
        Desk::People(city) => amendments::forget(tx, city, id).await,
        Desk::Venues(_) => venues::forget(tx, desk, id).await,
    }
}

const COLUMNS: &str = sql!(
    "SELECT desk, id, kind, file_name, encoding, bytes, state, lines, read_bytes, found, done, refusal, by_user,
            organisation, created_at, approved_by, approved_at, undo_asked_by
     FROM import WHERE desk = $1 AND id = $2"
);

/// One import of the desk.
///
/// # Errors
/// The database's.
pub async fn import(db: &Db, permit: impl Into<Right>, id: Uuid) -> Result<Option<Import>> {
    let desk = permit.into().desk()?;
    db.query(COLUMNS)
        .bind(desk.key())
        .bind(id.as_bytes().to_vec())
        .optional::<ImportRow>()
        .await?
        .map(Import::try_from)
        .transpose()
}

/// The desk's imports of a kind, or of each, the latest first.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: impl Into<Right>, kind: Option<Kind>) -> Result<Vec<Import>> {
    let desk = permit.into().desk()?;
    let rows: Vec<ImportRow> = db
        .query(sql!(
            "SELECT desk, id, kind, file_name, encoding, bytes, state, lines, read_bytes, found, done, refusal,
                    by_user, organisation, created_at, approved_by, approved_at, undo_asked_by
             FROM import WHERE desk = $1 AND ($3 = '' OR kind = $3) ORDER BY id DESC LIMIT $2"
        ))
        .bind(desk.key())
        .bind(LISTED_MAX)
        .bind(kind.map_or("", Kind::as_str).to_owned())
        .all()
        .await?;
    rows.into_iter().map(Import::try_from).collect()
}
