//! How commits of the embedded engine become durable: beside the next ones, and several at once.
//!
//! The engine itself would wait for the disk within each commit, and everybody for the engine. Here it only
//! writes to its log, and whoever committed waits until the log has reached the disk. What is
//! committed meanwhile goes with the next wait; nobody is answered before.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::error::{Error, Result};

/// The log of an embedded database, and how much of it is on the disk.
pub(crate) struct Disk {
    log: PathBuf,
    /// Commits so far.
    committed: AtomicU64,
    reached: Mutex<Reached>,
}

#[derive(Default)]
struct Reached {
    /// Commits that are on the disk.
    commits: u64,
    /// Whether the log's name in its folder is there too. The engine makes the log once: as long as
    /// anybody has the database open it is neither deleted nor replaced.
    name: bool,
    /// Whether the disk has failed. What it has lost it may say to have when asked again, so nothing counts
    /// as durable until the program starts anew and the engine has looked at what is there.
    failed: bool,
}

impl Disk {
    /// Of the database in this file.
    pub fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        Self {
            log: log.into(),
            committed: AtomicU64::new(0),
            reached: Mutex::default(),
        }
    }

    /// Counts a commit that has just returned.
    pub fn committed(self: &Arc<Self>) -> Durable {
        let commit = self.committed.fetch_add(1, Ordering::AcqRel) + 1;
        Durable(Some((Arc::clone(self), commit)))
    }

    async fn reach(&self, commit: u64) -> Result<()> {
        let mut reached = self.reached.lock().await;
        if reached.failed {
            return Err(failed("it has failed before"));
        }
        if reached.commits >= commit {
            return Ok(());
        }
        // All that were counted had returned, and are in the log.
        let commits = self.committed.load(Ordering::Acquire);
        let (log, name_too) = (self.log.clone(), !reached.name);
        let synced = tokio::task::spawn_blocking(move || sync(&log, name_too)).await;
        match synced {
            Ok(Ok(())) => {
                reached.commits = commits;
                reached.name = true;
                Ok(())
            }
            Ok(Err(why)) => {
                reached.failed = true;
                tracing::error!(%why, "database.not_durable");
                Err(failed(why))
            }
            Err(_) => Err(failed("the program is ending")),
        }
    }
}

fn failed(why: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("the disk did not take what was written: {why}"))
}

fn sync(log: &Path, name_too: bool) -> io::Result<()> {
    File::open(log)?.sync_data()?;
    match log.parent().filter(|_| name_too) {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// When a commit is durable.
#[must_use = "nobody may be answered before"]
pub(crate) struct Durable(Option<(Arc<Disk>, u64)>);

impl Durable {
    /// Of an engine whose commits return when they are.
    pub const NOW: Self = Self(None);

    /// Whether there is nothing to wait for.
    pub fn is_now(&self) -> bool {
        self.0.is_none()
    }

    /// Waits.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the disk has failed.
    pub async fn wait(self) -> Result<()> {
        match self.0 {
            Some((disk, commit)) => disk.reach(commit).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_committed_reaches_the_disk_together() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        std::fs::write(folder.path().join("a.db-wal"), "frames").unwrap();
        let disk = Arc::new(Disk::of(&database));
        let (first, second) = (disk.committed(), disk.committed());
        assert!(!first.is_now());
        first.wait().await.unwrap();
        assert_eq!(disk.reached.lock().await.commits, 2);
        // The second is there already: nothing is asked of the disk, not even whether the log is there.
        std::fs::remove_file(folder.path().join("a.db-wal")).unwrap();
        second.wait().await.unwrap();
    }

    #[tokio::test]
    async fn a_disk_that_failed_once_is_not_believed_again() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::of(&folder.path().join("b.db")));
        let lost = disk.committed().wait().await;
        assert!(matches!(lost, Err(Error::Unavailable(_))));
        std::fs::write(folder.path().join("b.db-wal"), "frames").unwrap();
        let later = disk.committed().wait().await;
        assert!(matches!(later, Err(Error::Unavailable(_))));
    }
}
