//! A ledger's writer: takes what waits in its queue, commits it together, answers each by itself.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

use super::{Command, Job, Outcome, Outside, rows, saving};
use crate::db::{Db, Durable, LedgerWriter, TRIES_MAX};
use crate::error::{Error, Result};
use crate::projections::Recent;

/// Runs a writer on a thread and a runtime of its own.
pub(super) fn on_a_thread(work: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("ledger-writer".to_owned())
        .spawn(move || runtime.block_on(work))
        .map(drop)
}

/// A writer: takes what waits, commits it, answers; ends when the queue is closed and empty and all are
/// answered.
pub(super) async fn write(
    db: Db,
    outside: Outside,
    batch_max: usize,
    mut queue: mpsc::Receiver<Job>,
    recent: Recent,
    committed: Arc<Notify>,
) {
    let db = db.writer();
    let mut jobs = Vec::with_capacity(batch_max);
    let mut rivals = Rivals::default();
    let mut answering = JoinSet::new();
    while queue.recv_many(&mut jobs, batch_max).await > 0 {
        let (commands, replies): (Vec<_>, Vec<_>) =
            jobs.drain(..).map(|job| (job.command, job.reply)).unzip();
        match commit(&db, &outside, &recent, &commands, &mut rivals).await {
            // While this batch is on its way to the disk the next one is written; but who asks for one
            // transaction for each report asks for one after the other.
            Ok((outcomes, durable)) if durable.is_now() || batch_max == 1 => {
                answer_durable(replies, outcomes, durable).await;
            }
            Ok((outcomes, durable)) => {
                answering.spawn(answer_durable(replies, outcomes, durable));
                while answering.try_join_next().is_some() {}
            }
            Err(Error::Unavailable(why)) => {
                tracing::error!(commands = commands.len(), "recorder.database_unavailable");
                answer_unavailable(replies, &why);
            }
            Err(error) => {
                tracing::error!(commands = commands.len(), %error, "recorder.batch_failed");
                one_by_one(&db, &outside, &recent, commands, replies, &mut rivals).await;
            }
        }
        committed.notify_one();
    }
    while answering.join_next().await.is_some() {}
    db.close().await;
}

async fn one_by_one(
    db: &LedgerWriter,
    outside: &Outside,
    recent: &Recent,
    commands: Vec<Command>,
    replies: Vec<oneshot::Sender<Outcome>>,
    rivals: &mut Rivals,
) {
    for (command, reply) in commands.into_iter().zip(replies) {
        match commit(db, outside, recent, std::slice::from_ref(&command), rivals).await {
            Ok((outcomes, durable)) => answer_durable(vec![reply], outcomes, durable).await,
            Err(error) => answer(vec![reply], vec![Err(error.into())]),
        }
    }
}

/// Tells everyone as soon as it is durable.
async fn answer_durable(
    replies: Vec<oneshot::Sender<Outcome>>,
    outcomes: Vec<Outcome>,
    durable: Durable,
) {
    match durable.wait().await {
        Ok(()) => answer(replies, outcomes),
        Err(Error::Unavailable(why)) => answer_unavailable(replies, &why),
        Err(error) => answer_unavailable(replies, &error.to_string()),
    }
}

/// Tells everyone that the database failed.
fn answer_unavailable(replies: Vec<oneshot::Sender<Outcome>>, why: &str) {
    let outcomes = replies
        .iter()
        .map(|_| Err(Error::Unavailable(why.to_owned()).into()))
        .collect();
    answer(replies, outcomes);
}

/// Tells everyone; a sender that has hung up resends, and is then told the same.
fn answer(replies: Vec<oneshot::Sender<Outcome>>, outcomes: Vec<Outcome>) {
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        drop(reply.send(outcome));
    }
}

/// One commit of many acts: without locks if that is possible, else under the locks of their
/// cities, tried again while other writers come between.
///
/// A key that exists already is such a case once: somebody else recorded the same id between our
/// look and our write, and the next look will see it. If it does not, the id is another organisation's.
async fn commit(
    db: &LedgerWriter,
    outside: &Outside,
    recent: &Recent,
    commands: &[Command],
    rivals: &mut Rivals,
) -> Result<(Vec<Outcome>, Durable)> {
    if (commands.len() == 1 || rivals.are_away())
        && let Some(outcomes) = commit_unlocked(db, outside, recent, commands, rivals).await?
    {
        return Ok((outcomes, Durable::NOW));
    }
    let mut tries = 0;
    let mut existed = false;
    loop {
        tries += 1;
        match try_commit(db, outside, recent, commands).await {
            Err(Error::Busy) if tries < TRIES_MAX => {}
            Err(Error::Exists) if !existed => existed = true,
            done => return done,
        }
    }
}

/// Whether others write to the same cities: then to go without locks is often in vain.
#[derive(Default)]
struct Rivals {
    /// Batches for which the locks are taken before the next try without.
    locks: u32,
}

impl Rivals {
    /// Batches that take the locks after somebody came between.
    const LOCKS: u32 = 32;

    fn are_away(&mut self) -> bool {
        let away = self.locks == 0;
        self.locks = self.locks.saturating_sub(1);
        away
    }

    fn came_between(&mut self) {
        self.locks = Self::LOCKS;
    }
}

async fn try_commit(
    db: &LedgerWriter,
    outside: &Outside,
    recent: &Recent,
    commands: &[Command],
) -> Result<(Vec<Outcome>, Durable)> {
    let (mut tx, mut batch) = rows::load(db, commands, (outside.now)()).await?;
    let mut outcomes = Vec::with_capacity(commands.len());
    for command in commands {
        outcomes.push(batch.apply(command, &*outside.salt));
    }
    saving::save(&mut tx, &batch).await?;
    let durable = tx.commit_ahead().await?;
    recent.keep(batch.entries);
    Ok((outcomes, durable))
}

/// Reports of new doses, on an engine where each way there and back costs as much as the rows: one look,
/// and one statement that writes only if nobody came between. None if somebody did, or there is more
/// to them: nothing was written then.
async fn commit_unlocked(
    db: &LedgerWriter,
    outside: &Outside,
    recent: &Recent,
    commands: &[Command],
    rivals: &mut Rivals,
) -> Result<Option<Vec<Outcome>>> {
    let Some(mut tx) = db.without_transaction().await? else {
        return Ok(None);
    };
    // If the look fails, the way with locks tells why, on a new connection if need be.
    let looked = rows::load_unlocked(&mut tx, commands, (outside.now)()).await;
    let Ok(Some((mut batch, places))) = looked else {
        return Ok(None);
    };
    let mut outcomes = Vec::with_capacity(commands.len());
    for command in commands {
        outcomes.push(batch.apply(command, &*outside.salt));
    }
    match saving::save_unmoved(&mut tx, &batch, &places).await {
        Ok(()) => {
            recent.keep(batch.entries);
            Ok(Some(outcomes))
        }
        Err(Error::Busy | Error::Exists) => {
            rivals.came_between();
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
