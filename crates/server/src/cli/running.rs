//! The server while it runs: from opening the database to closing it.

use std::fs::{File, TryLockError};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::serve::ListenerExt;
use store::recorder::{Outside, Recorder, Writers};
use store::{Db, Location};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, Log};
use crate::jobs::approvals::Approvals;
use crate::jobs::coupons::Coupons;
use crate::jobs::demand::Demand;
use crate::jobs::imports::Imports;
use crate::jobs::inquiries::Inquiries;
use crate::jobs::packs::Packs;
use crate::state::{App, Parts};
use crate::web::logins::Logins;
use crate::web::session::Sessions;

/// How long requests in progress may take to end when the server stops.
const FINISH_SECONDS: u64 = 20;
/// How long the projections rest after each step: many doses are counted in one step, and the writers
/// are not disturbed by one for each of their commits.
const PROJECTION_REST: Duration = Duration::from_millis(250);
/// How often the projections look for what another server recorded.
const PROJECTION_PAUSE: Duration = Duration::from_secs(1);
/// How often the stock is kept up with the ledgers.
const STOCK_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for files that cities handed in.
const IMPORT_PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked for batches of coupons to work on.
const COUPON_PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked for registers to count for an allocation.
const DEMAND_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for disaster packs to make.
const PACK_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for questions whose time has come.
const INQUIRY_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for what was approved and is not done yet.
const APPROVAL_PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked for venues whose name or code changes today.
const VENUE_PAUSE: Duration = Duration::from_secs(60);
/// How often what has run out is swept away.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);
/// How often the telephones of people who are not to be called any more are: all lists of the nation are gone through.
const STANDBY_SWEEP_PAUSE: Duration = Duration::from_secs(3600);

/// A server that is ready to answer.
pub(super) struct Running {
    app: App,
    writers: Writers,
    helpers: Vec<JoinHandle<()>>,
    /// Held until the end, so that no second server writes the same file.
    _lock: Option<File>,
}

impl Running {
    /// Opens the database, brings its tables up to date and starts everything that writes.
    ///
    /// The lock of an embedded database may have been taken before.
    pub(super) async fn start(config: &Config, locked: Option<File>) -> anyhow::Result<Self> {
        let lock = match (&config.database, locked) {
            (Location::Sqlite(path), None) => Some(lock(path)?),
            (_, locked) => locked,
        };
        let outside =
            crate::clock::outside().context("the operating system gives no randomness")?;
        let seals = config.individual_number_keys.seals(&outside)?;
        let db = open(&config.database).await?;
        store::migrations::migrate(&db).await?;
        if seals.is_none() {
            tell_of_missing_keys(&db).await?;
        }
        let (recorder, writers) = Recorder::start(&db, &outside, config.pace)?;
        let app = App::from(Parts {
            sessions: Sessions::new(db.clone(), outside.clone(), config.lifetime),
            logins: Logins::new(db.clone()),
            address: Arc::from(config.address.as_str()),
            address_is_https: config.address.starts_with("https://"),
            behind_proxy: config.behind_proxy,
            used_coupons: crate::tablet::used::Filters::default(),
            seals,
            db,
            recorder,
            outside,
        });
        let imports = Imports::new(
            app.db.clone(),
            app.recorder.clone(),
            app.outside.clone(),
            app.seals.clone(),
        );
        let approvals = Approvals::new(app.db.clone(), app.recorder.clone(), app.outside.clone());
        let coupons = Coupons::new(app.db.clone(), app.outside.clone());
        let demand = Demand::new(app.db.clone(), app.outside.clone());
        let packs = Packs::new(app.db.clone(), app.outside.clone());
        let mut helpers = vec![
            tokio::spawn(project(app.db.clone(), app.recorder.clone())),
            tokio::spawn(keep_stock(
                app.db.clone(),
                app.recorder.recent().clone(),
                app.outside.clone(),
            )),
            tokio::spawn(make_search_keys(app.db.clone())),
            tokio::spawn(work_on(
                imports,
                |job| async move { job.turn().await },
                "import",
                IMPORT_PAUSE,
            )),
            tokio::spawn(work_on(
                approvals,
                |job| async move { job.turn().await },
                "proposal",
                APPROVAL_PAUSE,
            )),
            tokio::spawn(work_on(
                coupons,
                |job| async move { job.turn().await },
                "coupons",
                COUPON_PAUSE,
            )),
            tokio::spawn(work_on(
                demand,
                |job| async move { job.turn().await },
                "demand",
                DEMAND_PAUSE,
            )),
            tokio::spawn(work_on(
                packs,
                |job| async move { job.turn().await },
                "pack",
                PACK_PAUSE,
            )),
            tokio::spawn(turn_venues(app.db.clone(), app.outside.clone())),
            tokio::spawn(sweep(
                app.db.clone(),
                app.outside.clone(),
                app.logins.clone(),
            )),
            tokio::spawn(sweep_standby(app.db.clone(), app.outside.clone())),
        ];
        // Without keys nobody is found by a number, and no question is taken in.
        if let Some(seals) = app.seals.clone() {
            let inquiries = Inquiries::new(app.db.clone(), seals, app.outside.clone());
            helpers.push(tokio::spawn(work_on(
                inquiries,
                |job| async move { job.turn().await },
                "inquiry",
                INQUIRY_PAUSE,
            )));
        }
        Ok(Self {
            app,
            writers,
            helpers,
            _lock: lock,
        })
    }

    /// The database.
    pub(super) fn db(&self) -> &Db {
        &self.app.db
    }

    /// Answers requests until the process is told to stop; then finishes what was begun.
    pub(super) async fn serve(self, listener: TcpListener) -> anyhow::Result<()> {
        // A report's answer is small: waiting for more to send with it would only delay it.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::warn!(%error, "connection.nodelay_refused");
            }
        });
        let service = crate::web::router(self.app.clone())
            .into_make_service_with_connect_info::<SocketAddr>();
        let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
        let signal = async move {
            told_to_stop().await;
            tracing::info!("server.stopping");
            let _ = stop.send(());
        };
        let serving = axum::serve(listener, service).with_graceful_shutdown(signal);
        let overdue = async {
            let _ = stopping.await;
            tokio::time::sleep(Duration::from_secs(FINISH_SECONDS)).await;
        };
        tokio::select! {
            done = serving => done?,
            () = overdue => tracing::warn!("server.requests_cut_off"),
        }
        self.stop().await;
        Ok(())
    }

    /// Waits for what is being recorded and closes the database.
    pub(super) async fn stop(self) {
        let Self {
            app,
            writers,
            helpers,
            _lock,
        } = self;
        for helper in helpers {
            helper.abort();
            // Aborted: that is what was wanted.
            let _ = helper.await;
        }
        let db = app.db.clone();
        // With the last of it goes the way into the ledgers, and the writers come to their end.
        drop(app);
        if tokio::time::timeout(Duration::from_secs(FINISH_SECONDS), writers.finish())
            .await
            .is_err()
        {
            tracing::error!("server.writers_cut_off");
        }
        db.close().await;
        tracing::info!("server.stopped");
    }
}

/// Starts the log; a second call changes nothing.
pub(super) fn log(log: &Log) {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = if log.json {
        lines.json().try_init()
    } else {
        lines.try_init()
    };
    drop(started);
}

/// Opens a database for writing; the folder of an embedded one is made if it is missing.
pub(super) async fn open(location: &Location) -> anyhow::Result<Db> {
    let name = match location {
        Location::Sqlite(path) => {
            make_folder_of(path)?;
            path.display().to_string()
        }
        // Its URL may hold a password.
        Location::Postgres(_) => "PostgreSQL".to_owned(),
    };
    Db::open(location).await.with_context(|| {
        format!("データベース {name} を開けません / the database {name} cannot be opened")
    })
}

/// Says how many numbers nobody can open while there are no keys; none is no news.
async fn tell_of_missing_keys(db: &Db) -> anyhow::Result<()> {
    let sealed = store::seals::Seals::count(db).await?;
    if sealed > 0 {
        tracing::warn!(sealed, "individual_numbers.no_keys");
    }
    Ok(())
}

fn make_folder_of(database: &Path) -> anyhow::Result<()> {
    match database
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        Some(folder) => std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display())),
        None => Ok(()),
    }
}

/// Takes the lock beside an embedded database.
pub(super) fn lock(database: &Path) -> anyhow::Result<File> {
    make_folder_of(database)?;
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let file = File::create(&path)
        .with_context(|| format!("the lock {} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "データベース {0} は、別のSesshuが使っています。先にそちらを止めるか、別のデータベースを指定してください。\n\
             Another Sesshu is using the database {0}. Stop that one first, or name another database.",
            database.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("the lock {} cannot be taken", path.display()))
        }
    }
}

/// Moves the projections on after each commit, and now and then for what other servers committed.
async fn project(db: Db, recorder: Recorder) {
    loop {
        match store::statistics::project(&db, recorder.recent()).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "statistics.not_projected"),
        }
        tokio::time::sleep(PROJECTION_REST).await;
        // A commit that comes while this one is projected is seen at the next turn, in a second at most.
        let _ = tokio::time::timeout(PROJECTION_PAUSE, recorder.committed()).await;
    }
}

/// Books the vials of what was recorded and closed, beside the counts and slower than they: nobody waits
/// for a vial.
async fn keep_stock(db: Db, recent: store::Recent, outside: Outside) {
    loop {
        match store::stock::project(&db, &recent, (outside.now)()).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "stock.not_projected"),
        }
        tokio::time::sleep(STOCK_PAUSE).await;
    }
}

/// Makes the search keys of people who were in the register before keys were of today's kind,
/// stretch by stretch beside everything else; then there is nothing left to do until the next start.
async fn make_search_keys(db: Db) {
    let mut made = 0;
    loop {
        match store::residents::make_keys(&db).await {
            Ok(0) => break,
            Ok(more) => made += more,
            Err(error) => {
                tracing::warn!(%error, "search_keys.not_made");
                tokio::time::sleep(IMPORT_PAUSE).await;
            }
        }
    }
    if made > 0 {
        tracing::info!(residents = made, "search_keys.made");
    }
}

/// Works on what waits, one piece after the other, and looks again after a pause when nothing does.
/// What is interrupted is tried again at the next look.
async fn work_on<J, T, E>(job: J, turn: impl Fn(J) -> T, what: &'static str, pause: Duration)
where
    J: Clone,
    T: Future<Output = Result<bool, E>>,
    E: std::fmt::Display,
{
    loop {
        match turn(job.clone()).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, what, "job.interrupted"),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Takes away the telephones of people who are not to be called any more, whether anybody looks at their list or not.
async fn sweep_standby(db: Db, outside: Outside) {
    loop {
        match store::standby::sweep(&db, (outside.now)().day_in_japan()).await {
            // There may be more.
            Ok(swept) if swept > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "standby.not_swept"),
        }
        tokio::time::sleep(STANDBY_SWEEP_PAUSE).await;
    }
}

/// Sweeps away sessions that have run out and the memory of old logins.
async fn sweep(db: Db, outside: Outside, logins: Logins) {
    loop {
        tokio::time::sleep(SWEEP_PAUSE).await;
        logins.sweep();
        match store::sessions::sweep(&db, (outside.now)()).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "sessions.not_swept"),
        }
    }
}

/// Lets the names and codes of venues change when their day comes.
async fn turn_venues(db: Db, outside: Outside) {
    loop {
        match store::venues::turn(&db, (outside.now)().day_in_japan()).await {
            Ok(0) => {}
            Ok(venues) => tracing::info!(venues, "venues.turned"),
            Err(error) => tracing::warn!(%error, "venues.not_turned"),
        }
        tokio::time::sleep(VENUE_PAUSE).await;
    }
}

/// Resolves when the process is asked to end.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without it only the keyboard can stop the server.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
