//! A ledger's writer: takes what waits in its queue, commits it together, answers each by itself.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};

use super::{Command, Job, Outcome, Outside, rows, saving};
use crate::db::{Db, LedgerWriter, TRIES_MAX};
use crate::error::{Error, Result};

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

/// A writer: takes what waits, commits it, answers; ends when the queue is closed and empty.
pub(super) async fn write(
    db: Db,
    outside: Outside,
    batch_max: usize,
    mut queue: mpsc::Receiver<Job>,
    committed: Arc<Notify>,
) {
    let db = db.writer();
    let mut jobs = Vec::with_capacity(batch_max);
    while queue.recv_many(&mut jobs, batch_max).await > 0 {
        let (commands, replies): (Vec<_>, Vec<_>) =
            jobs.drain(..).map(|job| (job.command, job.reply)).unzip();
        match commit(&db, &outside, &commands).await {
            Ok(outcomes) => answer(replies, outcomes),
            Err(Error::Unavailable(why)) => {
                tracing::error!(commands = commands.len(), "recorder.database_unavailable");
                let outcomes = replies
                    .iter()
                    .map(|_| Err(Error::Unavailable(why.clone()).into()))
                    .collect();
                answer(replies, outcomes);
            }
            Err(error) => {
                tracing::error!(commands = commands.len(), %error, "recorder.batch_failed");
                one_by_one(&db, &outside, commands, replies).await;
            }
        }
        committed.notify_one();
    }
    db.close().await;
}

async fn one_by_one(
    db: &LedgerWriter,
    outside: &Outside,
    commands: Vec<Command>,
    replies: Vec<oneshot::Sender<Outcome>>,
) {
    for (command, reply) in commands.into_iter().zip(replies) {
        let outcomes = match commit(db, outside, std::slice::from_ref(&command)).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Err(error.into())],
        };
        answer(vec![reply], outcomes);
    }
}

/// Tells everyone; a sender that has hung up resends, and is then told the same.
fn answer(replies: Vec<oneshot::Sender<Outcome>>, outcomes: Vec<Outcome>) {
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        drop(reply.send(outcome));
    }
}

/// One durable commit of many acts, tried again while other writers come between.
///
/// A key that exists already is such a case too: somebody else recorded the same id between our
/// look and our write, and the next look will see it.
async fn commit(
    db: &LedgerWriter,
    outside: &Outside,
    commands: &[Command],
) -> Result<Vec<Outcome>> {
    if let [command] = commands
        && let Some(outcome) = commit_unlocked(db, outside, command).await?
    {
        return Ok(vec![outcome]);
    }
    let mut tries = 0;
    loop {
        tries += 1;
        match try_commit(db, outside, commands).await {
            Err(Error::Busy | Error::Exists) if tries < TRIES_MAX => {}
            done => return done,
        }
    }
}

async fn try_commit(
    db: &LedgerWriter,
    outside: &Outside,
    commands: &[Command],
) -> Result<Vec<Outcome>> {
    let (mut tx, mut batch) = rows::load(db, commands, (outside.now)()).await?;
    let mut outcomes = Vec::with_capacity(commands.len());
    for command in commands {
        outcomes.push(batch.apply(command, &*outside.salt));
    }
    saving::save(&mut tx, &batch).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// A lone report of a new dose, on an engine where each way there and back costs more than the
/// rows: one look, and one statement that writes only if nobody came between. None if somebody
/// did, or there is more to it: nothing was written then.
async fn commit_unlocked(
    db: &LedgerWriter,
    outside: &Outside,
    command: &Command,
) -> Result<Option<Outcome>> {
    let Some(mut tx) = db.without_transaction().await? else {
        return Ok(None);
    };
    // If the look fails, the way with locks tells why, on a new connection if need be.
    let looked = rows::load_unlocked(&mut tx, command, (outside.now)()).await;
    let Ok(Some((mut batch, place))) = looked else {
        return Ok(None);
    };
    let outcome = batch.apply(command, &*outside.salt);
    match saving::save_unmoved(&mut tx, &batch, place).await {
        Ok(true) => Ok(Some(outcome)),
        Ok(false) | Err(Error::Busy | Error::Exists) => Ok(None),
        Err(error) => Err(error),
    }
}
