//! The files that cities hand in (取込): read from the database's pieces, looked through, applied, undone.
//!
//! A thread reads the file line by line, and the stretches it makes are taken from it one by one; it
//! never holds more than some of them. After a restart the file is read from its beginning again,
//! so that a number that stands twice is seen whoever goes on, and what was done is passed over.

use std::io::{self, Read};

use domain::access::{self, Actor, OrganisationId, OrganisationKind, Role, Territory, UserId};
use domain::addresses::Address;
use domain::calendar::Instant;
use domain::places::MunicipalityCode;
use domain::vaccines::{Lot, ProductKey, Vaccines};
use domain::venues::files::Area;
use exchange::complaints::Complaint;
use exchange::encoding::Encoding;
use exchange::lines::Bookmark;
use exchange::records::{self, RecordRow};
use exchange::residents::{self, COMPLAINTS_MAX, ResidentRow};
use exchange::structure::StructureRefusal;
use exchange::venue_master;
use store::imports::records::Line as RecordLine;
use store::imports::residents::Line as ResidentLine;
use store::imports::venues::Line as VenueLine;
use store::imports::{
    self, Desk, InHand, Kind, NewImport, PIECE_BYTES, Place, Refusal, Remark, Right, Rows, State,
};
use store::recorder::{Outside, Recorder};
use store::residents::{Addresses, OtherNames, Resident};
use store::seals::Seals;
use store::{Db, Error};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::clock::fresh_id;

/// Stretches that may wait between the reading thread and the database: one to go on with, and one
/// so that neither waits for the other's moment.
const WAITING_MAX: usize = 2;

/// What works on imports: one for each server.
#[derive(Clone)]
pub struct Imports {
    db: Db,
    recorder: Recorder,
    outside: Outside,
    /// What seals Individual Numbers, if there are keys.
    seals: Option<Seals>,
    /// This server's name among those that share the database.
    worker: Uuid,
}

/// Why an import was let go before its end; it stays where it is, and the next turn goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// The database failed, or another server has the import by now.
    #[error(transparent)]
    Store(#[from] Error),
    /// Who handed it in or approved it may not do so any more.
    #[error("whoever handed the file in may not do so any more")]
    Forbidden,
    /// The file in the database could not be read to its end.
    #[error("the file could not be read: {0}")]
    Unread(io::ErrorKind),
}

impl Imports {
    /// Work for this server.
    #[must_use]
    pub fn new(db: Db, recorder: Recorder, outside: Outside, seals: Option<Seals>) -> Self {
        let worker = fresh_id(&outside);
        Self {
            db,
            recorder,
            outside,
            seals,
            worker,
        }
    }

    /// Takes the next import that has work in hand and works on it to the end of its stage; false
    /// if there was none.
    ///
    /// # Errors
    /// As [`Interrupted`]; what was done stays done.
    pub async fn turn(&self) -> Result<bool, Interrupted> {
        let now = (self.outside.now)();
        let Some(mut hand) = imports::take_in_hand(&self.db, self.worker, now).await? else {
            return Ok(false);
        };
        tracing::info!(stage = hand.import.state.as_str(), "import.begun");
        let permit = self.permit(&hand).await?;
        match hand.import.state {
            State::Checking => self.check(&permit, &mut hand).await?,
            State::Applying => self.apply(&permit, &mut hand).await?,
            State::Undoing => while self.undo(&permit, &mut hand).await? {},
            _ => return Err(Interrupted::Store(Error::Busy)),
        }
        tracing::info!(lines = hand.import.found.lines, "import.stage_ended");
        Ok(true)
    }

    /// The right under which the work is done: that of the person who handed the file in or, once
    /// it is approved, of the one who approved it.
    async fn permit(&self, hand: &InHand) -> Result<Right, Interrupted> {
        let import = &hand.import;
        let user = import.approved_by.unwrap_or(import.by);
        let actor = if user.0.is_nil() {
            match import.desk {
                Desk::People(city) => operator(city),
                Desk::Venues(area) => operator_of(area),
            }
        } else {
            let account = store::accounts::by_id(&self.db, user).await?;
            let account = account.filter(|one| one.active && one.organisation.active);
            account.ok_or(Interrupted::Forbidden)?.actor()
        };
        let action = import.kind.action();
        let right = match import.desk {
            Desk::People(city) => access::city(&actor, action, city).map(|own| Right::from(&own)),
            Desk::Venues(area) => {
                access::permit(&actor, action, area.place()).map(|own| Right::from(&own))
            }
        };
        right.map_err(|_| Interrupted::Forbidden)
    }

    async fn check(&self, permit: &Right, hand: &mut InHand) -> Result<(), Interrupted> {
        imports::start_checking(&self.db, hand).await?;
        let mut stretches = self.read(permit, hand);
        let mut remarks_left = COMPLAINTS_MAX;
        while let Some(step) = stretches.recv().await {
            let mut stretch = match step {
                Step::Stretch(stretch) => stretch,
                Step::Refused(refusal) => {
                    let refusal = Refusal {
                        code: refusal.code().to_owned(),
                        ja: refusal.text_ja(),
                        en: refusal.text_en(),
                    };
                    imports::refuse(&self.db, hand, &refusal).await?;
                    return Ok(());
                }
                Step::Broken(kind) => return Err(Interrupted::Unread(kind)),
            };
            stretch.remarks.truncate(remarks_left);
            remarks_left -= stretch.remarks.len();
            let now = (self.outside.now)();
            let Stretch {
                rows,
                remarks,
                rejected,
                place,
            } = stretch;
            imports::check(&self.db, hand, &rows, remarks, rejected, place, now).await?;
        }
        Ok(imports::checked(&self.db, hand).await?)
    }

    async fn apply(&self, permit: &Right, hand: &mut InHand) -> Result<(), Interrupted> {
        let done_before = hand.import.lines;
        let mut stretches = self.read(permit, hand);
        let outside = self.outside.clone();
        let id = move || fresh_id(&outside);
        while let Some(step) = stretches.recv().await {
            let stretch = match step {
                Step::Stretch(stretch) => stretch,
                // It was looked through before it was approved.
                Step::Refused(_) => return Err(Interrupted::Unread(io::ErrorKind::InvalidData)),
                Step::Broken(kind) => return Err(Interrupted::Unread(kind)),
            };
            if stretch.place.line <= done_before {
                continue;
            }
            let now = (self.outside.now)();
            imports::apply(
                &self.db,
                &self.recorder,
                self.seals.as_ref(),
                permit,
                hand,
                &stretch.rows,
                stretch.place,
                now,
                &id,
            )
            .await?;
        }
        Ok(imports::applied(&self.db, hand).await?)
    }

    async fn undo(&self, permit: &Right, hand: &mut InHand) -> Result<bool, Interrupted> {
        let outside = self.outside.clone();
        let id = move || fresh_id(&outside);
        let now = (self.outside.now)();
        let recorder = &self.recorder;
        Ok(imports::undo_stretch(&self.db, recorder, permit, hand, now, &id).await?)
    }

    /// Reads the file on a thread of its own, stretch by stretch.
    fn read(&self, permit: &Right, hand: &InHand) -> mpsc::Receiver<Step> {
        let (sender, stretches) = mpsc::channel(WAITING_MAX);
        let file = Pieces {
            db: self.db.clone(),
            seals: self.seals.clone(),
            permit: permit.clone(),
            import: hand.import.id,
            runtime: Handle::current(),
            next: 0,
            piece: Zeroizing::new(Vec::new()),
            at: 0,
        };
        let import = &hand.import;
        let reading = Reading {
            kind: import.kind,
            encoding: Encoding::parse(&import.encoding).unwrap_or(Encoding::Utf8),
            desk: import.desk,
            with_keys: import.state == State::Applying && import.found.is_only_new(),
        };
        tokio::task::spawn_blocking(move || read_file(file, reading, &sender));
        stretches
    }
}

/// Who holds the database's file or password works with the city's own right: nobody's account is
/// behind it, and the nil id says so.
#[must_use]
pub fn operator(city: MunicipalityCode) -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        organisation: OrganisationId(Uuid::nil()),
        kind: OrganisationKind::City,
        role: Role::Administrator,
        territory: Territory::City(city),
    }
}

/// The same for the venues of an area.
#[must_use]
pub fn operator_of(area: Area) -> Actor {
    let (kind, territory) = match area {
        Area::Nation => (OrganisationKind::Nation, Territory::Nation),
        Area::Prefecture(own) => (OrganisationKind::Prefecture, Territory::Prefecture(own)),
        Area::City(own) => (OrganisationKind::City, Territory::City(own)),
    };
    Actor {
        user: UserId(Uuid::nil()),
        organisation: OrganisationId(Uuid::nil()),
        kind,
        role: Role::Administrator,
        territory,
    }
}

/// A file on its way into the database, piece by piece.
pub struct Upload<'a> {
    db: &'a Db,
    seals: Option<&'a Seals>,
    permit: Right,
    id: Uuid,
    begun_at: Instant,
    next: i64,
    waiting: Zeroizing<Vec<u8>>,
}

impl<'a> Upload<'a> {
    /// Begins to take a file in.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(
        db: &'a Db,
        seals: Option<&'a Seals>,
        permit: impl Into<Right>,
        new: &NewImport,
        now: Instant,
    ) -> store::Result<Self> {
        let permit = permit.into();
        imports::begin(db, &permit, new, now).await?;
        Ok(Self {
            db,
            seals,
            permit,
            id: new.id,
            begun_at: now,
            next: 0,
            waiting: Zeroizing::new(Vec::new()),
        })
    }

    /// Takes more of the file in.
    ///
    /// # Errors
    /// The database's.
    pub async fn take(&mut self, mut bytes: &[u8]) -> store::Result<()> {
        while !bytes.is_empty() {
            let room = PIECE_BYTES - self.waiting.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.waiting.extend_from_slice(now);
            bytes = later;
            if self.waiting.len() == PIECE_BYTES {
                self.put().await?;
            }
        }
        Ok(())
    }

    /// Says that this was all: the file will be looked through.
    ///
    /// # Errors
    /// The database's.
    pub async fn end(mut self) -> store::Result<()> {
        if !self.waiting.is_empty() {
            self.put().await?;
        }
        imports::complete(self.db, &self.permit, self.id).await?;
        Ok(())
    }

    async fn put(&mut self) -> store::Result<()> {
        let piece = std::mem::take(&mut self.waiting);
        let place = (self.id, self.next);
        imports::take_piece(
            self.db,
            self.seals,
            &self.permit,
            place,
            &piece,
            self.begun_at,
        )
        .await?;
        self.next += 1;
        Ok(())
    }
}

/// A file as its pieces in the database, for a thread that may wait.
struct Pieces {
    db: Db,
    seals: Option<Seals>,
    permit: Right,
    import: Uuid,
    runtime: Handle,
    next: i64,
    piece: Zeroizing<Vec<u8>>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let place = (self.import, self.next);
            let next = imports::piece(&self.db, self.seals.as_ref(), &self.permit, place);
            let Some(piece) = self.runtime.block_on(next).map_err(io::Error::other)? else {
                return Ok(0);
            };
            self.next += 1;
            (self.piece, self.at) = (piece, 0);
        }
        let mut rest = self.piece.get(self.at..).unwrap_or_default();
        let taken = rest.read(buffer)?;
        self.at += taken;
        Ok(taken)
    }
}

/// What the reading thread hands over.
enum Step {
    Stretch(Stretch),
    /// As a whole the file is no good.
    Refused(StructureRefusal),
    /// The database did not give it to the end.
    Broken(io::ErrorKind),
}

/// Some thousands of lines.
struct Stretch {
    rows: Rows,
    remarks: Vec<Remark>,
    /// Lines that are no good.
    rejected: u64,
    place: Place,
}

/// One line, of whatever kind.
struct ReadLine<T> {
    line: u64,
    next: Bookmark,
    row: Option<T>,
    remarks: Vec<Remark>,
}

/// How a file is read.
#[derive(Clone, Copy)]
struct Reading {
    kind: Kind,
    encoding: Encoding,
    desk: Desk,
    /// Whether the keys by which people are searched for are made here, beside the writing, since all of
    /// them will be wanted.
    with_keys: bool,
}

/// Reads a file to its end, as long as somebody takes what is read. The stretches of a file are
/// always the same.
fn read_file(file: impl Read, reading: Reading, to: &mpsc::Sender<Step>) {
    let Reading {
        kind,
        encoding,
        desk,
        with_keys,
    } = reading;
    let most = kind.stretch_lines();
    match (kind, desk) {
        (Kind::Residents, Desk::People(city)) => {
            let read = |line| {
                let line = resident_line(line);
                let row = line.row;
                ReadLine {
                    row: match with_keys {
                        true => row.map(ResidentLine::with_keys),
                        false => row,
                    },
                    ..line
                }
            };
            let reader = residents::Reader::open(file, encoding, city);
            let lines = reader.map(|reader| reader.watching_repeats().map(|line| line.map(read)));
            read_stretches(lines, Rows::Residents, most, to);
        }
        (Kind::Records, Desk::People(city)) => {
            let reader = records::Reader::open(file, encoding, city);
            let lines =
                reader.map(|reader| reader.watching_repeats().map(|line| line.map(record_line)));
            read_stretches(lines, Rows::Records, most, to);
        }
        (Kind::Venues, Desk::Venues(_)) => {
            let reader = venue_master::Reader::open(file, encoding);
            let lines = reader.map(|reader| reader.map(|line| line.map(venue_line)));
            read_stretches(lines, Rows::Venues, most, to);
        }
        // No desk takes files of the other's kinds.
        _ => drop(to.blocking_send(Step::Broken(io::ErrorKind::InvalidData))),
    }
}

fn read_stretches<T>(
    lines: Result<impl Iterator<Item = io::Result<ReadLine<T>>>, StructureRefusal>,
    rows: impl Fn(Vec<T>) -> Rows,
    lines_max: usize,
    to: &mpsc::Sender<Step>,
) {
    let lines = match lines {
        Ok(lines) => lines,
        Err(StructureRefusal::Unread { kind }) => {
            // Nobody is waiting any more if it cannot be handed over: the same below.
            drop(to.blocking_send(Step::Broken(kind)));
            return;
        }
        Err(refusal) => {
            drop(to.blocking_send(Step::Refused(refusal)));
            return;
        }
    };
    let mut good = Vec::with_capacity(lines_max);
    let (mut remarks, mut rejected) = (Vec::new(), 0);
    let mut place = Place { line: 0, bytes: 0 };
    let hand_over = |good: &mut Vec<T>, remarks: &mut Vec<Remark>, rejected: &mut u64, place| {
        let stretch = Stretch {
            rows: rows(std::mem::replace(good, Vec::with_capacity(lines_max))),
            remarks: std::mem::take(remarks),
            rejected: std::mem::take(rejected),
            place,
        };
        to.blocking_send(Step::Stretch(stretch)).is_ok()
    };
    for line in lines {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                drop(to.blocking_send(Step::Broken(error.kind())));
                return;
            }
        };
        place = Place {
            line: line.line,
            bytes: line.next.offset,
        };
        match line.row {
            Some(row) => good.push(row),
            None => rejected += 1,
        }
        remarks.extend(line.remarks);
        if good.len() as u64 + rejected >= lines_max as u64
            && !hand_over(&mut good, &mut remarks, &mut rejected, place)
        {
            return;
        }
    }
    if good.len() as u64 + rejected > 0 {
        hand_over(&mut good, &mut remarks, &mut rejected, place);
    }
}

fn resident_line(line: residents::ResidentLine) -> ReadLine<ResidentLine> {
    let number = line.place.line;
    ReadLine {
        line: number,
        next: line.next,
        row: line.row.map(|mut row| ResidentLine {
            line: number,
            number: row.my_number.take(),
            addresses: addresses(&row),
            resident: resident(row),
            keys: None,
        }),
        remarks: line.complaints.iter().map(remark).collect(),
    }
}

fn record_line(line: records::RecordLine) -> ReadLine<RecordLine> {
    let number = line.place.line;
    ReadLine {
        line: number,
        next: line.next,
        remarks: line.complaints.iter().map(remark).collect(),
        row: line.row.map(|row| record(number, row)),
    }
}

fn venue_line(line: venue_master::VenueLine) -> ReadLine<VenueLine> {
    let number = line.place.line;
    ReadLine {
        line: number,
        next: line.next,
        remarks: line.complaints.iter().map(remark).collect(),
        row: line.row.map(|row| VenueLine { line: number, row }),
    }
}

/// A complaint in words, as it is kept.
#[must_use]
pub fn remark(complaint: &Complaint) -> Remark {
    Remark {
        line: complaint.line,
        column: complaint.column.map(str::to_owned),
        code: complaint.code().to_owned(),
        ja: complaint.text_ja(),
        en: complaint.text_en(),
        kept: complaint.keeps_row(),
    }
}

/// Whether the file of a line says where people live.
#[must_use]
pub fn addresses(row: &ResidentRow) -> Addresses {
    if row.more.tells_address {
        Addresses::Told
    } else {
        Addresses::NotTold
    }
}

/// A line's person as the register keeps them.
#[must_use]
pub fn resident(row: ResidentRow) -> Resident {
    Resident {
        standing: row.change.standing(),
        resident_no: row.resident_number.as_str().to_owned(),
        number: row.coupon,
        name: row.name,
        kana: row.kana.unwrap_or_default(),
        birth: row.birth,
        sex: row.sex,
        protected: row.protected,
        other_names: OtherNames {
            former_name: row.more.former_name.unwrap_or_default(),
            former_kana: row.more.former_kana.unwrap_or_default(),
            alias: row.more.alias.unwrap_or_default(),
            alias_kana: row.more.alias_kana.unwrap_or_default(),
            romaji: row.more.romaji.unwrap_or_default(),
        },
        address: Address::of(
            row.more.postal_code,
            row.more.address.unwrap_or_default(),
            row.more.address_extra.unwrap_or_default(),
        ),
    }
}

/// A line's dose as the ledger takes it. Paper often names the maker alone; where the maker had but
/// one product that day, that is the product.
fn record(line: u64, row: RecordRow) -> RecordLine {
    let maker = row.maker.as_deref().unwrap_or_default();
    let by_maker = || Vaccines::bundled().of_maker(maker, row.given_on);
    let product = row.product.as_ref().map(ProductKey::as_str);
    let product = product.or_else(|| by_maker().map(|product| product.key.as_str()));
    RecordLine {
        line,
        digits: row.coupon().line(),
        number: row.number,
        given_on: row.given_on,
        product: product.unwrap_or_default().to_owned(),
        lot: row.lot.as_ref().map_or("", Lot::as_str).to_owned(),
        doctor: row.doctor.unwrap_or_default(),
        venue_name: row.venue_name.unwrap_or_default(),
        order: row.order,
    }
}
