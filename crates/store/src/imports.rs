//! Files that a city hands in (取込), of [people](residents) or of [records]: looked through, approved
//! by somebody, applied, undone.
//!
//! The file lies in the database in pieces until it is applied, so that any server goes on with it
//! after a restart. The work is done in stretches of some thousands of lines; each stretch is a
//! transaction that also says how far the work is. Whoever has an import in hand holds a lease, and
//! renews it by each stretch; when it runs out, another server takes over.

pub mod amendments;
pub(crate) mod former_addresses;
pub mod records;
pub mod residents;

use std::collections::BTreeSet;

use domain::access::{Action, CityPermit, OrganisationId, UserId};
use domain::approvals::FileOfRecords;
use domain::calendar::Instant;
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::accounts::uuid;
use crate::approvals::wanted_within;
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::recorder::{Recorder, json};
use crate::seals::{SealFault, Seals};

/// Bytes of a file in one row: few rows for a large file, little memory for each.
pub const PIECE_BYTES: usize = 1024 * 1024;
/// People in one stretch: reports beside an import never wait more than some tenths of a second for its
/// transaction, and a page of an index that several of them fall onto is written once.
const STRETCH_PEOPLE: usize = 8000;
/// Records in one stretch: each of them is a report of its own.
const STRETCH_RECORDS: usize = 2000;
/// Imports on a city's list at most.
const LISTED_MAX: i64 = 50;
/// How long a server may be silent until another takes its import over.
const LEASE_MICROS: i64 = 30_000_000;
/// Remarks handed out for a page at most.
pub const REMARKS_MAX: usize = 200;

/// What a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 接種対象者: people of the register.
    Residents,
    /// 接種記録: doses and interviews typed from paper.
    Records,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Residents, Self::Records];

    /// Its stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Residents => "residents",
            Self::Records => "records",
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
        }
    }

    /// What somebody must be allowed to do who hands such a file in, approves or undoes it: records
    /// change the ledger, as a correction does.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Residents => Action::LoadResidents,
            Self::Records => Action::CorrectRecord,
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

/// What looking through a file found; lines, the header not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Lines looked through.
    pub lines: u64,
    /// People who are not in the register, or doses that are not in the ledger.
    pub new: u64,
    /// People of whom something is another now, and who are in the city.
    pub changed: u64,
    /// People who moved out or were removed.
    pub moved_out: u64,
    /// People who died.
    pub dead: u64,
    /// People as they are, or doses that are recorded already.
    pub unchanged: u64,
    /// Lines that will not be taken.
    pub rejected: u64,
    /// Lines that will be taken and that somebody should look at.
    pub suspicious: u64,
    /// Of records: lines whose person is not in the register; they will wait (登録待ち).
    #[serde(default)]
    pub pending: u64,
    /// Of records: lines that correct one (取消区分 1).
    #[serde(default)]
    pub corrected: u64,
    /// Of records: lines that take one back (取消区分 2).
    #[serde(default)]
    pub voided: u64,
}

impl Found {
    /// Whether every line that will be taken is of somebody, or of a dose, that was not there.
    #[must_use]
    pub fn is_only_new(self) -> bool {
        self.lines == self.new + self.rejected
    }

    fn add(&mut self, more: Self) {
        self.lines += more.lines;
        self.new += more.new;
        self.changed += more.changed;
        self.moved_out += more.moved_out;
        self.dead += more.dead;
        self.unchanged += more.unchanged;
        self.rejected += more.rejected;
        self.suspicious += more.suspicious;
        self.pending += more.pending;
        self.corrected += more.corrected;
        self.voided += more.voided;
    }
}

/// What applying a file came to, or undoing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// People who came into the register, or doses that were recorded.
    pub new: u64,
    /// People who were changed.
    pub changed: u64,
    /// People who stayed as they were, or doses that were recorded already.
    pub unchanged: u64,
    /// Lines that were not taken because their coupon number belongs to somebody else by now.
    pub taken: u64,
    /// Records that found their person, or were judged again.
    pub matched: u64,
    /// Individual Numbers that are under seal now.
    #[serde(default)]
    pub numbers_sealed: u64,
    /// Individual Numbers that were checked and dropped, since no keys are configured.
    #[serde(default)]
    pub numbers_dropped: u64,
    /// By undoing: people who stand as before again, or doses that were taken back.
    pub put_back: u64,
    /// By undoing: people or doses that were left alone, since somebody changed them after the import.
    pub left: u64,
    /// Of records: doses in which something was found that somebody has to look at.
    #[serde(default)]
    pub to_check: u64,
    /// Of records: those that were corrected.
    #[serde(default)]
    pub corrected: u64,
    /// Of records: those that were taken back.
    #[serde(default)]
    pub voided: u64,
    /// Of records: lines that did nothing, since somebody changed their record after the file was looked
    /// through.
    #[serde(default)]
    pub overtaken: u64,
}

impl Done {
    fn with(mut self, more: Self) -> Self {
        self.add(more);
        self
    }

    fn add(&mut self, more: Self) {
        self.new += more.new;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
        self.taken += more.taken;
        self.matched += more.matched;
        self.numbers_sealed += more.numbers_sealed;
        self.numbers_dropped += more.numbers_dropped;
        self.put_back += more.put_back;
        self.left += more.left;
        self.to_check += more.to_check;
        self.corrected += more.corrected;
        self.voided += more.voided;
        self.overtaken += more.overtaken;
    }
}

/// Something to be said about a line, in words, since the file is gone when it is read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The line, the header being 1.
    pub line: u64,
    /// The item's name; none for the whole line.
    pub column: Option<String>,
    /// A stable word.
    pub code: String,
    /// What it is and what to do, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Whether the line is taken all the same.
    pub kept: bool,
}

impl std::fmt::Debug for Remark {
    /// The words may quote what stands in the line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remark({}, {})", self.line, self.code)
    }
}

/// Why a file as a whole is no good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable word.
    pub code: String,
    /// What it is and what to do, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
}

/// A file handed in, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// In which city.
    pub city: MunicipalityCode,
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

#[derive(sqlx::FromRow)]
struct ImportRow {
    municipality: String,
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
            city: MunicipalityCode::parse(&row.municipality).map_err(|_| bad("municipality"))?,
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

/// A file that is to be handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// What it is of.
    pub kind: Kind,
    /// The file's name.
    pub file_name: String,
    /// The encoding's word.
    pub encoding: String,
}

/// Begins to take a file in.
///
/// # Errors
/// [`Error::Exists`] if the id is taken, or the database's.
pub async fn begin(db: &Db, permit: &CityPermit, new: &NewImport, at: Instant) -> Result<()> {
    let empty = json(&Found::default());
    let nothing = json(&Done::default());
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO import (municipality, id, file_name, encoding, bytes, state, lines, read_bytes, found, done,
                                 by_user, organisation, created_at, leased_until, kind)
             VALUES ($1, $2, $3, $4, 0, 'uploading', 0, 0, $5, $6, $7, $8, $9, 0, $10)"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(new.id.as_bytes().to_vec())
        .bind(new.file_name.clone())
        .bind(new.encoding.clone())
        .bind(empty.clone())
        .bind(nothing.clone())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(permit.actor().organisation.0.as_bytes().to_vec())
        .bind(at.micros())
        .bind(new.kind.as_str().to_owned())
        .expect(1)
        .await?
    })
}

/// Takes the next piece of a file in; pieces count from 0. With keys it is kept under seal, since
/// it may carry Individual Numbers; without, as it came, until the file is applied or thrown away.
///
/// # Errors
/// The database's and those of the keys.
pub async fn take_piece(
    db: &Db,
    seals: Option<&Seals>,
    permit: &CityPermit,
    (id, piece): (Uuid, i64),
    bytes: &[u8],
    at: Instant,
) -> Result<()> {
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    transact!(db, |tx| {
        tx.query(sql!(
            "UPDATE import SET bytes = bytes + $3 WHERE municipality = $1 AND id = $2 AND state = 'uploading'"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(size)
        .expect(1)
        .await?;
        let kept = match seals {
            Some(seals) => {
                let place = (permit.city(), id, piece);
                seals.seal_piece(&mut tx, place, bytes, at).await?
            }
            None => bytes.to_vec(),
        };
        tx.query(sql!(
            "INSERT INTO import_piece (municipality, import, piece, bytes, sealed)
             VALUES ($1, $2, $3, $4, $5)"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(piece)
        .bind(kept)
        .bind(i64::from(seals.is_some()))
        .expect(1)
        .await?
    })
}

/// One piece of a file; none after the last.
///
/// # Errors
/// The database's, and those of the keys it was sealed with.
pub async fn piece(
    db: &Db,
    seals: Option<&Seals>,
    permit: &CityPermit,
    (id, piece): (Uuid, i64),
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let mut tx = db.begin_reading().await?;
    let found: Option<(Vec<u8>, i64)> = tx
        .query(sql!(
            "SELECT bytes, sealed FROM import_piece
             WHERE municipality = $1 AND import = $2 AND piece = $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(piece)
        .optional()
        .await?;
    let Some((bytes, sealed)) = found else {
        return Ok(None);
    };
    if sealed == 0 {
        return Ok(Some(Zeroizing::new(bytes)));
    }
    let seals = seals.ok_or(SealFault::NoKeys)?;
    let place = (permit.city(), id, piece);
    Ok(Some(seals.open_piece(&mut tx, place, &bytes).await?))
}

/// Moves an import from one stage to the next; false if it is at another by now.
async fn step(
    tx: &mut Tx,
    city: MunicipalityCode,
    id: Uuid,
    from: State,
    to: State,
) -> Result<bool> {
    let moved = tx
        .query(sql!(
            "UPDATE import SET state = $4, lines = 0, read_bytes = 0, worker = NULL, leased_until = 0
             WHERE municipality = $1 AND id = $2 AND state = $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(from.as_str().to_owned())
        .bind(to.as_str().to_owned())
        .run()
        .await?;
    Ok(moved == 1)
}

/// Ends the work in hand: the import goes to its next stage, if this server still has it in hand.
async fn finish(tx: &mut Tx, hand: &InHand, to: State) -> Result<()> {
    let still: Option<(i64,)> = tx
        .query(sql!(
            "SELECT bytes FROM import WHERE municipality = $1 AND id = $2 AND worker = $3"
        ))
        .bind(hand.import.city.as_str().to_owned())
        .bind(hand.import.id.as_bytes().to_vec())
        .bind(hand.worker.as_bytes().to_vec())
        .optional()
        .await?;
    let (city, id) = (hand.import.city, hand.import.id);
    if still.is_some() && step(tx, city, id, hand.import.state, to).await? {
        Ok(())
    } else {
        Err(Error::Busy)
    }
}

async fn drop_pieces(tx: &mut Tx, city: MunicipalityCode, id: Uuid) -> Result<()> {
    tx.query(sql!(
        "DELETE FROM import_piece WHERE municipality = $1 AND import = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(id.as_bytes().to_vec())
    .run()
    .await?;
    Ok(())
}

/// The file is complete: it may be looked through. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn complete(db: &Db, permit: &CityPermit, id: Uuid) -> Result<bool> {
    transact!(db, |tx| {
        step(
            &mut tx,
            permit.city(),
            id,
            State::Uploading,
            State::Checking,
        )
        .await?
    })
}

/// What somebody decides about an import, with the audit's id and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Of the audit's row.
    pub audit: Uuid,
    /// When.
    pub at: Instant,
}

async fn decided(
    tx: &mut Tx,
    permit: &CityPermit,
    id: Uuid,
    how: Decided,
    action: &str,
) -> Result<()> {
    let subject = id.to_string();
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

/// What became of a decision about an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It goes on to its next stage.
    Moved,
    /// Somebody else has to approve that it is taken back.
    Asked,
    /// It is at another stage.
    TooLate,
    /// The city wants a second person for it, and this is the first.
    OwnProposal,
}

/// An import as far as a second person's approval needs to know it; none if it needs none by its kind.
async fn file(
    tx: &mut Tx,
    permit: &CityPermit,
    id: Uuid,
) -> Result<Option<(Import, FileOfRecords)>> {
    let row: Option<ImportRow> = tx
        .query(COLUMNS)
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    let import = row.map(Import::try_from).transpose()?;
    let import = import.filter(|one| one.kind == Kind::Records);
    Ok(import.map(|import| {
        let file = FileOfRecords {
            by: import.by,
            corrects: import.found.corrected > 0,
            voids: import.found.voided > 0,
        };
        (import, file)
    }))
}

/// Whether the city wants somebody else than this person to approve the import, or that it is taken back.
///
/// # Errors
/// The database's.
pub async fn waits_for_another(db: &Db, permit: &CityPermit, import: &Import) -> Result<bool> {
    let mut tx = db.begin_reading().await?;
    let Some((import, file)) = file(&mut tx, permit, import.id).await? else {
        return Ok(false);
    };
    let wanted = wanted_within(&mut tx, permit).await?;
    let user = permit.actor().user;
    Ok(match import.undo_asked_by {
        Some(asked_by) => asked_by == user,
        None => file.may_approve(&wanted, user).is_err(),
    })
}

/// Approves an import that was looked through: it will be applied. Where the city wants a second person for
/// what a file of records does, that is not who handed it in.
///
/// # Errors
/// The database's.
pub async fn approve(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<Became> {
    transact!(db, |tx| approve_within(&mut tx, permit, id, how).await?)
}

async fn approve_within(
    tx: &mut Tx,
    permit: &CityPermit,
    id: Uuid,
    how: Decided,
) -> Result<Became> {
    let (city, user) = (permit.city(), permit.actor().user);
    if let Some((_, file)) = file(tx, permit, id).await? {
        let wanted = wanted_within(tx, permit).await?;
        if file.may_approve(&wanted, user).is_err() {
            return Ok(Became::OwnProposal);
        }
    }
    if !step(tx, city, id, State::Ready, State::Applying).await? {
        return Ok(Became::TooLate);
    }
    tx.query(sql!(
        "UPDATE import SET approved_by = $3, approved_at = $4 WHERE municipality = $1 AND id = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(id.as_bytes().to_vec())
    .bind(user.0.as_bytes().to_vec())
    .bind(how.at.micros())
    .expect(1)
    .await?;
    decided(tx, permit, id, how, "approve-import").await?;
    Ok(Became::Moved)
}

/// Takes an applied import back: people stand as before again, and doses are taken back, but those that
/// somebody changed since. Where the city wants a second person for what that does to records, the first
/// one asks for it and another one approves.
///
/// # Errors
/// The database's.
pub async fn undo(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<Became> {
    transact!(db, |tx| undo_within(&mut tx, permit, id, how).await?)
}

async fn undo_within(tx: &mut Tx, permit: &CityPermit, id: Uuid, how: Decided) -> Result<Became> {
    let user = permit.actor().user;
    if let Some((import, file)) = file(tx, permit, id).await? {
        // Whatever the file did, doses are taken back.
        let undoing = FileOfRecords {
            by: import.undo_asked_by.unwrap_or(user),
            voids: true,
            ..file
        };
        let wanted = wanted_within(tx, permit).await?;
        if undoing.may_approve(&wanted, user).is_err() {
            if import.undo_asked_by.is_some() {
                return Ok(Became::OwnProposal);
            }
            return Ok(match ask(tx, permit, id, how).await? {
                true => Became::Asked,
                false => Became::TooLate,
            });
        }
    }
    if !step(tx, permit.city(), id, State::Done, State::Undoing).await? {
        return Ok(Became::TooLate);
    }
    decided(tx, permit, id, how, "undo-import").await?;
    Ok(Became::Moved)
}

/// Asks for an applied import to be taken back; false if it is at another stage.
async fn ask(tx: &mut Tx, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    let asked = tx
        .query(sql!(
            "UPDATE import SET undo_asked_by = $3, undo_asked_at = $4
             WHERE municipality = $1 AND id = $2 AND state = 'done' AND undo_asked_by IS NULL"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(how.at.micros())
        .run()
        .await?;
    if asked == 1 {
        decided(tx, permit, id, how, "ask-to-undo-import").await?;
    }
    Ok(asked == 1)
}

/// Keeps an applied import that somebody asked to be taken back: who asked takes that back, or another one
/// says no. False if nobody asked.
///
/// # Errors
/// The database's.
pub async fn keep(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    transact!(db, |tx| {
        let kept = tx
            .query(sql!(
                "UPDATE import SET undo_asked_by = NULL, undo_asked_at = NULL
                 WHERE municipality = $1 AND id = $2 AND state = 'done' AND undo_asked_by IS NOT NULL"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .run()
            .await?;
        if kept == 1 {
            decided(&mut tx, permit, id, how, "keep-import").await?;
        }
        kept == 1
    })
}

/// Throws a file away that was not applied. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn discard(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    let city = permit.city();
    transact!(db, |tx| {
        let mut moved = false;
        for from in [State::Ready, State::Uploading, State::Checking] {
            moved = moved || step(&mut tx, city, id, from, State::Discarded).await?;
        }
        if moved {
            drop_pieces(&mut tx, city, id).await?;
            amendments::forget(&mut tx, city, id).await?;
            decided(&mut tx, permit, id, how, "discard-import").await?;
        }
        moved
    })
}

const COLUMNS: &str = sql!(
    "SELECT municipality, id, kind, file_name, encoding, bytes, state, lines, read_bytes, found, done, refusal, by_user,
            organisation, created_at, approved_by, approved_at, undo_asked_by
     FROM import WHERE municipality = $1 AND id = $2"
);

/// One import of the city.
///
/// # Errors
/// The database's.
pub async fn import(db: &Db, permit: &CityPermit, id: Uuid) -> Result<Option<Import>> {
    db.query(COLUMNS)
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .optional::<ImportRow>()
        .await?
        .map(Import::try_from)
        .transpose()
}

/// The city's imports of a kind, or of each, the latest first.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: &CityPermit, kind: Option<Kind>) -> Result<Vec<Import>> {
    let rows: Vec<ImportRow> = db
        .query(sql!(
            "SELECT municipality, id, kind, file_name, encoding, bytes, state, lines, read_bytes, found, done, refusal,
                    by_user, organisation, created_at, approved_by, approved_at, undo_asked_by
             FROM import WHERE municipality = $1 AND ($3 = '' OR kind = $3) ORDER BY id DESC LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(LISTED_MAX)
        .bind(kind.map_or("", Kind::as_str).to_owned())
        .all()
        .await?;
    rows.into_iter().map(Import::try_from).collect()
}

/// What is to be said about a file's lines after this one, in their order; some at a time.
///
/// # Errors
/// The database's.
pub async fn remarks(
    db: &Db,
    permit: &CityPermit,
    id: Uuid,
    after_line: u64,
) -> Result<Vec<Remark>> {
    let mut after = i64::try_from(after_line).unwrap_or(i64::MAX);
    let mut remarks: Vec<Remark> = Vec::new();
    while remarks.len() < REMARKS_MAX {
        let next: Option<(i64, String)> = db
            .query(sql!(
                "SELECT upto_line, remarks FROM import_remark
                 WHERE municipality = $1 AND import = $2 AND upto_line > $3
                 ORDER BY upto_line LIMIT 1"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(after)
            .optional()
            .await?;
        let Some((upto, text)) = next else { break };
        let more: Vec<Remark> = from_json(&text, "remarks")?;
        remarks.extend(more.into_iter().filter(|one| one.line > after_line));
        after = upto;
    }
    Ok(remarks)
}

/// An import that a server has taken in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The import as it stood.
    pub import: Import,
    /// Who has it in hand.
    pub worker: Uuid,
}

/// Takes the next import in hand that has work and that nobody has; `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    transact!(db, |tx| {
        let next: Option<(String, Vec<u8>)> = tx
            .query(sql!(
                "SELECT municipality, id FROM import
                 WHERE state IN ('checking', 'applying', 'undoing') AND leased_until < $1
                 ORDER BY leased_until, id LIMIT 1"
            ))
            .bind(now.micros())
            .optional()
            .await?;
        match next {
            None => None,
            Some((city, id)) => {
                tx.query(sql!(
                    "UPDATE import SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
                ))
                .bind(city.clone())
                .bind(id.clone())
                .bind(worker.as_bytes().to_vec())
                .bind(now.micros().saturating_add(LEASE_MICROS))
                .expect(1)
                .await?;
                let row: ImportRow = tx.query(COLUMNS).bind(city).bind(id).one().await?;
                let import = Import::try_from(row)?;
                Some(InHand { import, worker })
            }
        }
    })
}

/// How far the work is after a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The last line of the stretch.
    pub line: u64,
    /// Bytes of the file up to its end.
    pub bytes: u64,
}

/// Says how far the work is and renews the lease.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or it is at another stage.
async fn advance(
    tx: &mut Tx,
    hand: &InHand,
    place: Place,
    found: Found,
    done: Done,
    now: Instant,
) -> Result<()> {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let moved = tx
        .query(sql!(
            "UPDATE import SET lines = $5, read_bytes = $6, found = $7, done = $8, leased_until = $9
             WHERE municipality = $1 AND id = $2 AND state = $3 AND worker = $4"
        ))
        .bind(hand.import.city.as_str().to_owned())
        .bind(hand.import.id.as_bytes().to_vec())
        .bind(hand.import.state.as_str().to_owned())
        .bind(hand.worker.as_bytes().to_vec())
        .bind(whole(place.line))
        .bind(whole(place.bytes))
        .bind(json(&found))
        .bind(json(&done))
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if moved == 1 { Ok(()) } else { Err(Error::Busy) }
}

/// Looking through starts from the first line, also after a restart: what it found so far is forgotten.
///
/// # Errors
/// The database's.
pub async fn start_checking(db: &Db, hand: &mut InHand) -> Result<()> {
    hand.import.found = Found::default();
    transact!(db, |tx| {
        tx.query(sql!(
            "DELETE FROM import_remark WHERE municipality = $1 AND import = $2"
        ))
        .bind(hand.import.city.as_str().to_owned())
        .bind(hand.import.id.as_bytes().to_vec())
        .run()
        .await?;
        amendments::forget(&mut tx, hand.import.city, hand.import.id).await?;
    })
}

/// The good lines of a stretch, of the kind that the import is of.
#[derive(Clone, Debug)]
pub enum Rows {
    /// People of the register.
    Residents(Vec<residents::Line>),
    /// Doses and interviews typed from paper.
    Records(Vec<records::Line>),
}

impl Rows {
    fn lines(&self) -> u64 {
        match self {
            Self::Residents(lines) => lines.len() as u64,
            Self::Records(lines) => lines.len() as u64,
        }
    }
}

/// Looks a stretch through: holds its good lines against what the city has, and keeps what was
/// found and what is to be said. `rejected` counts the lines that are no good.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn check(
    db: &Db,
    hand: &mut InHand,
    rows: &Rows,
    mut remarks: Vec<Remark>,
    rejected: u64,
    place: Place,
    now: Instant,
) -> Result<()> {
    let city = hand.import.city;
    let kept: BTreeSet<u64> = remarks
        .iter()
        .filter(|one| one.kept)
        .map(|one| one.line)
        .collect();
    let mut acts = Vec::new();
    let mut found = match rows {
        Rows::Residents(lines) => residents::look(db, city, lines, &mut remarks).await?,
        Rows::Records(lines) => {
            let (found, meant) = records::look(db, city, lines, &mut remarks).await?;
            acts = meant;
            found
        }
    };
    found.lines += rejected + rows.lines();
    found.rejected += rejected;
    found.suspicious += kept.len() as u64;
    hand.import.found.add(found);
    remarks.sort_by_key(|one| one.line);
    let found = hand.import.found;
    transact!(db, |tx| {
        if !remarks.is_empty() {
            tx.query(sql!(
                "INSERT INTO import_remark (municipality, import, upto_line, remarks) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (municipality, import, upto_line) DO UPDATE SET remarks = excluded.remarks"
            ))
            .bind(city.as_str().to_owned())
            .bind(hand.import.id.as_bytes().to_vec())
            .bind(i64::try_from(place.line).unwrap_or(i64::MAX))
            .bind(json(&remarks))
            .expect(1)
            .await?;
        }
        amendments::keep(&mut tx, city, hand.import.id, &acts).await?;
        advance(&mut tx, hand, place, found, Done::default(), now).await?
    })
}

/// Applies a stretch, and says how far the work is. A stretch that was applied before it could be
/// said so is not applied twice. `id` makes the ids of entries that judge records again.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
#[expect(
    clippy::too_many_arguments,
    reason = "the outside world, the right, the work and the place are four different things"
)]
pub async fn apply(
    db: &Db,
    recorder: &Recorder,
    seals: Option<&Seals>,
    permit: &CityPermit,
    hand: &mut InHand,
    rows: &Rows,
    place: Place,
    now: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<()> {
    let Applied { done, is_told } = match rows {
        Rows::Residents(people) => {
            let here = (place, now);
            residents::apply(db, (recorder, seals), permit, hand, people, here, id).await?
        }
        Rows::Records(doses) => Applied {
            done: records::apply(db, recorder, permit, hand, doses, place).await?,
            is_told: false,
        },
    };
    hand.import.done.add(done);
    if is_told {
        return Ok(());
    }
    let (found, done) = (hand.import.found, hand.import.done);
    transact!(db, |tx| advance(&mut tx, hand, place, found, done, now)
        .await?)
}

/// What applying a stretch came to.
struct Applied {
    done: Done,
    /// Whether it was said with it how far the work is.
    is_told: bool,
}

/// By what a stretch is found again: the import, and the stretch's last line.
fn stretch_key(hand: &InHand, place: Place) -> (Uuid, i64) {
    (
        hand.import.id,
        i64::try_from(place.line).unwrap_or(i64::MAX),
    )
}

/// The whole file was looked through: somebody may approve it.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn checked(db: &Db, hand: &InHand) -> Result<()> {
    transact!(db, |tx| finish(&mut tx, hand, State::Ready).await?)
}

/// As a whole the file is no good; it is thrown away, and why stays.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn refuse(db: &Db, hand: &InHand, refusal: &Refusal) -> Result<()> {
    let (city, id) = (hand.import.city, hand.import.id);
    transact!(db, |tx| {
        finish(&mut tx, hand, State::Refused).await?;
        tx.query(sql!(
            "UPDATE import SET refusal = $3 WHERE municipality = $1 AND id = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(json(refusal))
        .expect(1)
        .await?;
        drop_pieces(&mut tx, city, id).await?;
    })
}

/// The whole file is applied; its pieces are no longer needed.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn applied(db: &Db, hand: &InHand) -> Result<()> {
    transact!(db, |tx| {
        finish(&mut tx, hand, State::Done).await?;
        drop_pieces(&mut tx, hand.import.city, hand.import.id).await?;
    })
}

/// Undoes the last stretch that is still applied; false when there was none, and all is undone.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn undo_stretch(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &mut InHand,
    now: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<bool> {
    let (city, import) = (hand.import.city, hand.import.id);
    let last: Option<(i64,)> = db
        .query(sql!(
            "SELECT upto_line FROM import_stretch WHERE municipality = $1 AND import = $2
             ORDER BY upto_line DESC LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .optional()
        .await?;
    let Some((upto_line,)) = last else {
        transact!(db, |tx| finish(&mut tx, hand, State::Undone).await?)?;
        return Ok(false);
    };
    let done = match hand.import.kind {
        Kind::Residents => residents::undo(db, recorder, permit, hand, upto_line, now, id).await?,
        Kind::Records => records::undo(db, recorder, permit, hand, upto_line).await?,
    };
    hand.import.done.add(done);
    let place = Place {
        line: (hand.import.found.lines + 1).saturating_sub(upto_line.unsigned_abs()),
        bytes: 0,
    };
    let (found, done) = (hand.import.found, hand.import.done);
    transact!(db, |tx| {
        tx.query(sql!(
            "DELETE FROM import_stretch WHERE municipality = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .run()
        .await?;
        advance(&mut tx, hand, place, found, done, now).await?;
    })?;
    Ok(true)
}
