//! Recording (登録): every change of every ledger goes through here, many in one durable commit.
//!
//! Reports come from many hands at once. They wait in a queue; a writer takes all that wait, up to
//! [`Pace::batch_max`], judges and appends them in one transaction, and answers each by itself once
//! the commit is durable. Nothing waits for a batch to fill: a lone report is committed at once. If a
//! batch fails for a reason that is not the database's health, its members are tried one by one,
//! so that one bad report never fails its neighbours.

mod batch;
mod rehearsal;
mod rows;
mod saving;
mod writer;

pub(crate) use batch::{said_by_correction, severity};
pub use rehearsal::Rehearsal;
pub(crate) use rehearsal::rehearse;
pub(crate) use rows::{json, lock_chains};

use std::sync::Arc;

use domain::access::{CityPermit, OrganisationId, UserId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::coupons::{CouponLine, CouponNumber};
use domain::doses::{
    Answer, ChangeRefusal, DoseId, Editor, Facts, History, InputWay, Route, Standing, Version,
    route,
};
use domain::findings::Finding;
use domain::ledger::{Act, Sha};
use domain::places::{MunicipalityCode, Places};
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::projections::Recent;

/// Reports in one commit at most: past some hundreds the commit's cost no longer shows.
pub const BATCH_MAX: usize = 512;
/// Ledger writers of one server at most: each has a connection and a thread.
pub const WRITERS_MAX: usize = 64;
/// Reports that may wait in one queue before senders are held back.
const QUEUE_MAX: usize = 4096;

/// How the ledgers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Reports in one commit at most, 1 to [`BATCH_MAX`]; at 1 each report is a transaction by itself.
    pub batch_max: usize,
    /// Writers beside each other, 1 to [`WRITERS_MAX`]; the embedded engine has one whatever is said
    /// here, since it takes one at a time.
    pub writers: usize,
}

impl Default for Pace {
    /// Two writers: one works while the other's commit is on its way to the disk.
    fn default() -> Self {
        Self {
            batch_max: BATCH_MAX,
            writers: 2,
        }
    }
}

/// The clock and the randomness, handed in from outside.
#[derive(Clone)]
pub struct Outside {
    /// The time now.
    pub now: Arc<dyn Fn() -> Instant + Send + Sync>,
    /// Sixteen random bytes.
    pub salt: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
}

/// A dose as a venue reports it.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    /// Made by the sender before it sends.
    pub id: DoseId,
    /// The 18 digits.
    pub line: CouponLine,
    /// The day it was given.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Who gave it.
    pub doctor: String,
    /// The venue's name that day.
    pub venue_name: String,
    /// From which device.
    pub device: String,
    /// By which way the digits came in.
    pub input: InputWay,
}

/// A record that shall say something else.
#[derive(Clone, PartialEq, Eq)]
pub struct Correction {
    /// The act's own id, made by the sender.
    pub id: Uuid,
    /// Which record.
    pub dose: DoseId,
    /// In whose ledger.
    pub city: MunicipalityCode,
    /// The day it was given.
    pub given_on: Day,
    /// Which dose it was.
    pub turn: u8,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Who gave it.
    pub doctor: String,
    /// Why.
    pub reason: String,
    /// From which device.
    pub device: String,
    /// What the record said to whoever corrects it; if it says something else by now, nothing is done.
    pub seen: Option<Version>,
}

/// A record that shall be taken back, confirmed or opened again.
#[derive(Clone, PartialEq, Eq)]
pub struct Decision {
    /// The act's own id, made by the sender.
    pub id: Uuid,
    /// Which record.
    pub dose: DoseId,
    /// In whose ledger.
    pub city: MunicipalityCode,
    /// Why; may be empty for a confirmation.
    pub reason: String,
    /// From which device.
    pub device: String,
    /// What the record said to whoever decides; if it says something else by now, nothing is done.
    pub seen: Option<Version>,
}

/// A dose that the city enters in place of a record under a wrong number.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entering {
    /// The new record's id, which is the act's.
    pub id: DoseId,
    /// What the wrong record said, but for the digits.
    pub facts: Facts,
    /// The city of the venue that gave it.
    pub venue_city: MunicipalityCode,
    /// Why, naming the record it stands for.
    pub reason: String,
    /// From which device.
    pub device: String,
}

/// A record that shall be taken back if it still says what was seen, and is not confirmed.
pub(crate) struct Withdrawal {
    /// The act's own id.
    pub id: Uuid,
    /// Which record.
    pub dose: DoseId,
    /// What it said when it was looked at.
    pub seen: Version,
    /// Why.
    pub reason: String,
    /// From which device.
    pub device: String,
}

/// Under whose authority a record is changed.
#[derive(Clone, Debug)]
pub enum Authority {
    /// The venue that recorded it, on the same day.
    Venue(VenuePermit),
    /// The city that keeps the ledger.
    City(CityPermit),
}

impl Authority {
    fn editor(&self) -> Editor {
        match self {
            Self::Venue(permit) => Editor::Venue(permit.venue()),
            Self::City(_) => Editor::City,
        }
    }

    fn who(&self) -> Who {
        let actor = match self {
            Self::Venue(permit) => permit.actor(),
            Self::City(permit) => permit.actor(),
        };
        Who {
            user: actor.user,
            organisation: actor.organisation,
        }
    }

    /// A city's authority ends at its own ledger.
    fn reaches(&self, city: MunicipalityCode) -> bool {
        match self {
            Self::Venue(_) => true,
            Self::City(permit) => permit.city() == city,
        }
    }
}

/// What the sender gets back: proof of what was entered, where and when, and what Sesshu thinks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The record.
    pub dose: DoseId,
    /// The act.
    pub id: Uuid,
    /// What it did.
    pub act: Act,
    /// In whose ledger.
    pub municipality: MunicipalityCode,
    /// The entry's number there.
    pub seq: i64,
    /// The entry's hash.
    pub hash: Sha,
    /// When the server took it.
    pub at: Instant,
    /// The one large word.
    pub answer: Answer,
    /// How the record stood right after.
    pub standing: Standing,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Whether this id had been answered before; the answer is then the first one again.
    pub replayed: bool,
}

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The id was used before with other content; what came now is kept beside it.
    #[error("this id was used before with other content")]
    Conflict {
        /// The answer to the first content.
        first: Box<Receipt>,
    },
    /// The record may not be changed by this person now.
    #[error("the record may not be changed: {0:?}")]
    Refused(ChangeRefusal),
    /// There is no such record within this person's reach.
    #[error("no such record")]
    NotFound,
    /// The database failed; nothing was recorded, send it again.
    #[error(transparent)]
    Store(#[from] Error),
    /// The server is stopping; send it again later.
    #[error("the server is stopping")]
    Stopped,
}

/// What is known of a coupon, and since when its number is void.
pub(crate) async fn known(tx: &mut Tx, route: Route) -> Result<(History, Option<Instant>)> {
    match route {
        Route::Coupon { city, number } => {
            let group = rows::group(tx, city, number).await?;
            Ok((group.history(), group.void_at(Some(number))))
        }
        Route::Astray { .. } => Ok((History::default(), None)),
    }
}

/// The receipt of a dose this venue registered, as it was given then.
///
/// # Errors
/// The database's.
pub async fn receipt(db: &Db, permit: &VenuePermit, dose: DoseId) -> Result<Option<Receipt>> {
    let mut tx = db.begin_reading().await?;
    rows::receipt(&mut tx, permit.venue(), dose.0).await
}

/// The account and organisation behind an act.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub user: UserId,
    pub organisation: OrganisationId,
}

/// An act on its way into a ledger.
#[derive(Clone)]
pub(crate) struct Command {
    pub id: Uuid,
    pub dose: DoseId,
    pub city: MunicipalityCode,
    pub by: Who,
    pub device: String,
    pub input: InputWay,
    pub what: What,
}

#[derive(Clone)]
pub(crate) enum What {
    Report {
        facts: Facts,
        route: Route,
        venue_city: MunicipalityCode,
        /// Why the city enters it by hand; its turn is then as said, whatever the digits leave open.
        by_hand: Option<String>,
    },
    Correct {
        editor: Editor,
        correction: Box<Correction>,
    },
    Void {
        editor: Editor,
        reason: String,
        seen: Option<Version>,
    },
    Confirm {
        seen: Option<Version>,
    },
    Reopen {
        reason: String,
        seen: Option<Version>,
    },
    Match {
        number: CouponNumber,
    },
}

/// What becomes of an act.
type Outcome = std::result::Result<Receipt, RecordError>;

struct Job {
    command: Command,
    reply: oneshot::Sender<std::result::Result<Receipt, RecordError>>,
}

/// The way into the ledgers. Clones share the same queues.
#[derive(Clone)]
pub struct Recorder {
    queues: Arc<Vec<mpsc::Sender<Job>>>,
    committed: Arc<Notify>,
    recent: Recent,
}

/// The writers behind a [`Recorder`], to wait for at the end.
pub struct Writers(Vec<oneshot::Receiver<()>>);

impl Writers {
    /// Waits until every queue is empty and closed; drop all clones of the recorder first.
    pub async fn finish(self) {
        for ended in self.0 {
            if ended.await.is_err() {
                tracing::error!("recorder.writer_failed");
            }
        }
    }
}

impl Recorder {
    /// Starts the writers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the operating system gives no thread.
    pub fn start(db: &Db, outside: &Outside, pace: Pace) -> Result<(Self, Writers)> {
        let committed = Arc::new(Notify::new());
        let recent = Recent::default();
        let mut queues = Vec::new();
        let mut writers = Vec::new();
        let writers_wanted = if db.is_embedded() { 1 } else { pace.writers };
        for _ in 0..writers_wanted.clamp(1, WRITERS_MAX) {
            let (sender, receiver) = mpsc::channel(QUEUE_MAX);
            queues.push(sender);
            let (ending, ended) = oneshot::channel();
            writers.push(ended);
            let work = writer::write(
                db.clone(),
                outside.clone(),
                pace.batch_max.clamp(1, BATCH_MAX),
                receiver,
                recent.clone(),
                Arc::clone(&committed),
            );
            let work = async move {
                work.await;
                // Nobody may be waiting for the end.
                let _ = ending.send(());
            };
            if db.wants_writer_threads() {
                writer::on_a_thread(work).map_err(|error| Error::Unavailable(error.to_string()))?;
            } else {
                tokio::spawn(work);
            }
        }
        let recorder = Self {
            queues: Arc::new(queues),
            committed,
            recent,
        };
        Ok((recorder, Writers(writers)))
    }

    /// Resolves when something has been committed since the last time: the projections' cue.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    /// What was committed last, for the projections.
    #[must_use]
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Records a dose in the ledger of the coupon's city. Never refuses a dose for what it is.
    ///
    /// # Errors
    /// [`RecordError::Conflict`] if the id was used for something else, or the database's failure.
    pub async fn report(
        &self,
        permit: &VenuePermit,
        report: Report,
    ) -> std::result::Result<Receipt, RecordError> {
        let route = route(&report.line, permit.city(), Places::bundled());
        let actor = permit.actor();
        let facts = Facts {
            doctor: report.doctor,
            given_on: report.given_on,
            line: report.line,
            lot: report.lot,
            product: report.product,
            turn: report.line.turn_digit(),
            venue: permit.venue(),
            venue_name: report.venue_name,
        };
        self.submit(Command {
            id: report.id.0,
            dose: report.id,
            city: route.city(),
            by: Who {
                user: actor.user,
                organisation: actor.organisation,
            },
            device: report.device,
            input: report.input,
            what: What::Report {
                facts,
                route,
                venue_city: permit.city(),
                by_hand: None,
            },
        })
        .await
    }

    /// Records doses that the city has on paper, in this order: the city answers for them, and its
    /// organisation stands where a venue would. One answer each; [`RecordError::NotFound`] for a
    /// coupon of another city.
    pub(crate) async fn enter(&self, permit: &CityPermit, reports: Vec<Report>) -> Vec<Outcome> {
        let actor = permit.actor();
        let commands = reports.into_iter().map(|report| Command {
            id: report.id.0,
            dose: report.id,
            city: route(&report.line, permit.city(), Places::bundled()).city(),
            by: Who {
                user: actor.user,
                organisation: actor.organisation,
            },
            device: report.device,
            input: report.input,
            what: What::Report {
                route: route(&report.line, permit.city(), Places::bundled()),
                facts: Facts {
                    doctor: report.doctor,
                    given_on: report.given_on,
                    line: report.line,
                    lot: report.lot,
                    product: report.product,
                    turn: report.line.turn_digit(),
                    venue: actor.organisation,
                    venue_name: report.venue_name,
                },
                venue_city: permit.city(),
                by_hand: None,
            },
        });
        self.submit_all(permit.city(), commands).await
    }

    /// Takes records of the city back that still say what was seen; one answer each.
    ///
    /// [`RecordError::Refused`] for one that says something else by now, or is confirmed.
    pub(crate) async fn withdraw(
        &self,
        permit: &CityPermit,
        withdrawals: Vec<Withdrawal>,
    ) -> Vec<Outcome> {
        let actor = permit.actor();
        let commands = withdrawals.into_iter().map(|one| Command {
            id: one.id,
            dose: one.dose,
            city: permit.city(),
            by: Who {
                user: actor.user,
                organisation: actor.organisation,
            },
            device: one.device,
            input: InputWay::Csv,
            what: What::Void {
                editor: Editor::City,
                reason: one.reason,
                seen: Some(one.seen),
            },
        });
        self.submit_all(permit.city(), commands).await
    }

    /// Makes a record say something else; what it said before stays in the ledger.
    ///
    /// # Errors
    /// [`RecordError::Refused`], [`RecordError::NotFound`], [`RecordError::Conflict`], or the database's.
    pub async fn correct(
        &self,
        by: &Authority,
        correction: Correction,
    ) -> std::result::Result<Receipt, RecordError> {
        let (id, dose, city) = (correction.id, correction.dose, correction.city);
        let device = correction.device.clone();
        let what = What::Correct {
            editor: by.editor(),
            correction: Box::new(correction),
        };
        self.act(by, id, dose, city, device, what).await
    }

    /// Takes a record back.
    ///
    /// # Errors
    /// As [`Self::correct`].
    pub async fn void(
        &self,
        by: &Authority,
        decision: Decision,
    ) -> std::result::Result<Receipt, RecordError> {
        let Decision {
            id,
            dose,
            city,
            reason,
            device,
            seen,
        } = decision;
        self.act(
            by,
            id,
            dose,
            city,
            device,
            What::Void {
                editor: by.editor(),
                reason,
                seen,
            },
        )
        .await
    }

    /// Confirms a record (確定): from now on only the city changes it.
    ///
    /// # Errors
    /// As [`Self::correct`].
    pub async fn confirm(
        &self,
        permit: &CityPermit,
        decision: Decision,
    ) -> std::result::Result<Receipt, RecordError> {
        let Decision {
            id,
            dose,
            city,
            device,
            seen,
            ..
        } = decision;
        self.act(
            &Authority::City(permit.clone()),
            id,
            dose,
            city,
            device,
            What::Confirm { seen },
        )
        .await
    }

    /// Opens a confirmed record again.
    ///
    /// # Errors
    /// As [`Self::correct`].
    pub async fn reopen(
        &self,
        permit: &CityPermit,
        decision: Decision,
    ) -> std::result::Result<Receipt, RecordError> {
        let Decision {
            id,
            dose,
            city,
            reason,
            device,
            seen,
        } = decision;
        self.act(
            &Authority::City(permit.clone()),
            id,
            dose,
            city,
            device,
            What::Reopen { reason, seen },
        )
        .await
    }

    /// Enters a dose in place of a record under a wrong number. The digits of a record never change,
    /// so another coupon is another record.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if the digits lead to another city, or as [`Self::correct`].
    pub(crate) async fn replace(
        &self,
        permit: &CityPermit,
        entering: Entering,
    ) -> std::result::Result<Receipt, RecordError> {
        let command = entered(permit, entering).ok_or(RecordError::NotFound)?;
        self.submit(command).await
    }

    /// Judges the records of a coupon again because its person arrived or changed.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn rematch(
        &self,
        permit: &CityPermit,
        id: Uuid,
        number: CouponNumber,
    ) -> std::result::Result<Receipt, RecordError> {
        let by = Authority::City(permit.clone());
        let what = What::Match { number };
        self.act(&by, id, DoseId(id), permit.city(), String::new(), what)
            .await
    }

    async fn act(
        &self,
        by: &Authority,
        id: Uuid,
        dose: DoseId,
        city: MunicipalityCode,
        device: String,
        what: What,
    ) -> std::result::Result<Receipt, RecordError> {
        if !by.reaches(city) {
            return Err(RecordError::NotFound);
        }
        let input = if matches!(what, What::Match { .. }) {
            InputWay::System
        } else {
            InputWay::Keyed
        };
        self.submit(Command {
            id,
            dose,
            city,
            by: by.who(),
            device,
            input,
            what,
        })
        .await
    }

    async fn submit(&self, command: Command) -> std::result::Result<Receipt, RecordError> {
        let (reply, answered) = oneshot::channel();
        let queue = self.queue_of(command.city).ok_or(RecordError::Stopped)?;
        queue
            .send(Job { command, reply })
            .await
            .map_err(|_| RecordError::Stopped)?;
        answered.await.map_err(|_| RecordError::Stopped)?
    }

    /// Puts all acts of a city into its queue before it waits for the first answer, so that they
    /// share commits; they are done in this order.
    async fn submit_all(
        &self,
        city: MunicipalityCode,
        commands: impl Iterator<Item = Command>,
    ) -> Vec<Outcome> {
        let mut waiting = Vec::new();
        for command in commands {
            let (reply, answered) = oneshot::channel();
            let refused = match self.queue_of(city) {
                _ if command.city != city => Some(RecordError::NotFound),
                None => Some(RecordError::Stopped),
                Some(queue) => {
                    let sent = queue.send(Job { command, reply }).await;
                    sent.err().map(|_| RecordError::Stopped)
                }
            };
            waiting.push(refused.map_or(Ok(answered), Err));
        }
        let mut outcomes = Vec::with_capacity(waiting.len());
        for answer in waiting {
            outcomes.push(match answer {
                Ok(answered) => answered.await.unwrap_or(Err(RecordError::Stopped)),
                Err(refused) => Err(refused),
            });
        }
        outcomes
    }

    /// One city's acts always take the same queue, so that two writers of this server never wait
    /// for the same chain.
    fn queue_of(&self, city: MunicipalityCode) -> Option<&mpsc::Sender<Job>> {
        let number = city
            .as_str()
            .bytes()
            .fold(0_usize, |sum, byte| sum * 31 + usize::from(byte));
        self.queues.get(number % self.queues.len().max(1))
    }
}

/// The act that enters a dose by hand; none if its digits do not lead into the city's own ledger.
fn entered(permit: &CityPermit, entering: Entering) -> Option<Command> {
    let Entering {
        id,
        facts,
        venue_city,
        reason,
        device,
    } = entering;
    let route = route(&facts.line, permit.city(), Places::bundled());
    let leads_here = route.number().is_some() && route.city() == permit.city();
    leads_here.then(|| Command {
        id: id.0,
        dose: id,
        city: permit.city(),
        by: Authority::City(permit.clone()).who(),
        device,
        input: InputWay::Keyed,
        what: What::Report {
            facts,
            route,
            venue_city,
            by_hand: Some(reason),
        },
    })
}
