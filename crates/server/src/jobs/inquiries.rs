//! Files of questions about people who moved in (一括照会): read while they come in, asked in the night.
//!
//! What comes in is read line by line on a thread of its own and kept by its lookups, so the numbers of
//! a file are nowhere but in the memory of that moment.

use std::io::{self, Read};

use axum::body::Bytes;
use domain::access::{self, Action, NumberPermit};
use exchange::encoding::Encoding;
use exchange::inquiries::{InquiryLine, Reader};
use exchange::structure::StructureRefusal;
use store::imports::{Refusal, Remark};
use store::inquiries::files::{self, InHand, Lines, QuestionLine};
use store::recorder::Outside;
use store::seals::Seals;
use store::{Db, Error};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::clock::fresh_id;
use crate::jobs::imports::{operator, remark};

/// Lines that are kept in one transaction.
const LINES_AT_ONCE: u64 = 500;
/// Parts of a file, and stretches of its lines, that may wait between the network, the reading thread
/// and the database.
const WAITING_MAX: usize = 4;
/// Remarks kept of one file; somebody who sends the wrong file needs no million of them.
const REMARKS_MAX: usize = 10_000;

/// What asks: one for each server that has keys.
#[derive(Clone)]
pub struct Inquiries {
    db: Db,
    seals: Seals,
    outside: Outside,
    /// This server's name among those that share the database.
    worker: Uuid,
}

impl Inquiries {
    /// Work for this server.
    #[must_use]
    pub fn new(db: Db, seals: Seals, outside: Outside) -> Self {
        let worker = fresh_id(&outside);
        Self {
            db,
            seals,
            outside,
            worker,
        }
    }

    /// Takes the next file whose time has come in hand and asks it to its end; false if there was none.
    ///
    /// # Errors
    /// The database's and those of the keys; what was answered stays answered.
    pub async fn turn(&self) -> store::Result<bool> {
        let now = (self.outside.now)();
        let Some(mut hand) = files::take_in_hand(&self.db, self.worker, now).await? else {
            return Ok(false);
        };
        tracing::info!(questions = hand.file.questions, "inquiries.begun");
        let Some(permit) = self.permit(&hand).await? else {
            files::refuse(&self.db, (hand.file.city, hand.file.id), &forbidden()).await?;
            return Ok(true);
        };
        let outside = self.outside.clone();
        let id = move || fresh_id(&outside);
        loop {
            let now = (self.outside.now)();
            let (db, seals) = (&self.db, &self.seals);
            match files::ask_stretch(db, seals, &permit, &mut hand, now, &id).await {
                Ok(true) => {}
                Ok(false) => break,
                // It was thrown away meanwhile, or another server goes on.
                Err(Error::Busy) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        tracing::info!(
            answered = hand.file.answered,
            doses = hand.file.doses,
            "inquiries.ended"
        );
        Ok(true)
    }

    /// The right of whoever handed the file in, as it is now; none if they may not ask any more.
    async fn permit(&self, hand: &InHand) -> store::Result<Option<NumberPermit>> {
        let file = &hand.file;
        let actor = if file.by.0.is_nil() {
            Some(operator(file.city))
        } else {
            let account = store::accounts::by_id(&self.db, file.by).await?;
            let account = account.filter(|one| one.active && one.organisation.active);
            account.map(|account| account.actor())
        };
        Ok(actor.and_then(|actor| {
            access::number(&actor, Action::FindByNumber, file.city, file.purpose).ok()
        }))
    }
}

fn forbidden() -> Refusal {
    Refusal {
        code: "forbidden".to_owned(),
        ja: "送った人の利用者IDが使えなくなったため、照会しませんでした。別の人がもう一度送ってください。"
            .to_owned(),
        en: "Nothing was asked, for the account of whoever sent it is closed. Somebody else may send it again."
            .to_owned(),
    }
}

/// A file on its way in: parts of it go in, lines of it come out.
pub struct Incoming {
    parts: mpsc::Sender<Bytes>,
    lines: mpsc::Receiver<Step>,
}

/// What the reading thread hands over.
pub enum Step {
    /// Some hundreds of lines.
    Lines(Lines),
    /// As a whole the file is no good.
    Refused(Refusal),
}

impl Incoming {
    /// Begins to read on a thread of its own.
    #[must_use]
    pub fn begin(encoding: Encoding) -> Self {
        let (parts, coming) = mpsc::channel(WAITING_MAX);
        let (sender, lines) = mpsc::channel(WAITING_MAX);
        let source = Parts {
            coming,
            part: Bytes::new(),
        };
        tokio::task::spawn_blocking(move || read(source, encoding, &sender));
        Self { parts, lines }
    }

    /// The two ends: parts go into the first, which is dropped after the last of them; lines come out of
    /// the second.
    #[must_use]
    pub fn ends(self) -> (mpsc::Sender<Bytes>, mpsc::Receiver<Step>) {
        (self.parts, self.lines)
    }
}

/// The parts of a file, for a thread that may wait.
struct Parts {
    coming: mpsc::Receiver<Bytes>,
    part: Bytes,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.coming.blocking_recv() {
                Some(part) => self.part = part,
                None => return Ok(0),
            }
        }
        let taken = self.part.len().min(buffer.len());
        let now = self.part.split_to(taken);
        for (to, from) in buffer.iter_mut().zip(&now) {
            *to = *from;
        }
        Ok(taken)
    }
}

/// Reads a file to its end, as long as somebody takes what is read.
fn read(source: Parts, encoding: Encoding, to: &mpsc::Sender<Step>) {
    // If nobody takes it any more, nobody needs it.
    let refused = |refusal: &StructureRefusal| {
        drop(to.blocking_send(Step::Refused(Refusal {
            code: refusal.code().to_owned(),
            ja: refusal.text_ja(),
            en: refusal.text_en(),
        })));
    };
    let reader = match Reader::open(source, encoding) {
        Ok(reader) => reader,
        Err(refusal) => return refused(&refusal),
    };
    let mut remarks_left = REMARKS_MAX;
    let mut lines = Lines::default();
    for line in reader {
        match line {
            Ok(line) => take(&mut lines, line, &mut remarks_left),
            Err(error) => return refused(&StructureRefusal::Unread { kind: error.kind() }),
        }
        if lines.questions.len() as u64 + lines.rejected >= LINES_AT_ONCE
            && to
                .blocking_send(Step::Lines(std::mem::take(&mut lines)))
                .is_err()
        {
            return;
        }
    }
    drop(to.blocking_send(Step::Lines(lines)));
}

fn take(lines: &mut Lines, line: InquiryLine, remarks_left: &mut usize) {
    lines.upto = line.place.line;
    match line.row {
        Some(row) => lines.questions.push(QuestionLine {
            line: line.place.line,
            reference: row.reference,
            number: row.my_number,
            birth: row.birth,
            asked: row.asked,
        }),
        None => lines.rejected += 1,
    }
    let remarks: Vec<Remark> = line
        .complaints
        .iter()
        .take(*remarks_left)
        .map(remark)
        .collect();
    *remarks_left -= remarks.len();
    lines.remarks.extend(remarks);
}
