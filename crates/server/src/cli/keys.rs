//! `sesshu keys`: the keys under which Individual Numbers (個人番号) are sealed: made, changed, looked at.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use store::Db;
use store::recorder::Outside;
use store::seals::{KeyRing, MasterKey, Seals};

use crate::cli::{Place, complain, say};
use crate::keys::{self, Keys};

/// What to do with keys.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 鍵ファイルを新しく作る / make a key file
    New(New),
    /// 新しい鍵に替える / change to a new key
    Rotate(Rotate),
    /// 鍵の使われ方と、開かない番号の数を調べる / see which keys are used and how many numbers do not open
    Check(Place),
}

/// What `keys new` is told.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct New {
    /// 作るファイル / the file to make
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// ファイルを作らずに鍵を1行で表示する（環境変数に入れるとき） / print a key on one line, for the environment
    #[arg(long)]
    print: bool,
}

/// What `keys rotate` is told.
#[derive(Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    place: Place,
    /// 都市ごとの鍵も新しくし、すべての番号に封をし直す / make new data keys too, and seal every number anew
    #[arg(long)]
    reseal: bool,
    /// 鍵を加えず、途中で止まった切り替えを続ける / add no key; go on where a rotation was cut off
    #[arg(long)]
    resume: bool,
    /// 鍵を加えるだけにする（ほかのサーバーに配るまで） / add the key and stop, to copy the file to other servers first
    #[arg(long, conflicts_with_all = ["reseal", "resume"])]
    only_add: bool,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New(new) => make(&new),
        Command::Rotate(rotate) => change(&rotate).await,
        Command::Check(place) => check(&place).await,
    }
}

fn make(new: &New) -> anyhow::Result<ExitCode> {
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let key = fresh_key(&outside);
    let id = key.id().clone();
    let ring = KeyRing::new(key);
    let Some(path) = &new.file else {
        let text = ring.text();
        let line = text.lines().find(|line| !line.starts_with('#'));
        say(line.unwrap_or_default());
        return Ok(ExitCode::SUCCESS);
    };
    keys::write_new(path, &ring)?;
    complain(&format!(
        "鍵 {id} を {0} に作りました。控えを、データベースの控えとは別の場所に置いてください。失うと個人番号は二度と開きません。\n\
         The key {id} is in {0}. Keep a copy away from the database's copies: without it no Individual Number ever opens again.",
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn fresh_key(outside: &Outside) -> MasterKey {
    MasterKey::make((outside.now)().day_in_japan(), &*outside.salt)
}

async fn change(rotate: &Rotate) -> anyhow::Result<ExitCode> {
    let location = rotate.place.location()?;
    let keys = rotate.place.keys(&location)?;
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let ring = keys.ring()?.ok_or_else(keys::no_keys)?;
    if !rotate.resume {
        add_key(&keys, ring, &outside)?;
    }
    if rotate.only_add {
        return Ok(ExitCode::SUCCESS);
    }
    let seals = keys.seals(&outside)?.ok_or_else(keys::no_keys)?;
    let db = Db::open(&location).await?;
    store::migrations::migrate(&db).await?;
    let unopened = rewrap_and_reseal(&db, &seals, rotate.reseal, &outside).await;
    db.close().await;
    let unopened = unopened.context(
        "途中で止まりました。すべて読める状態です。sesshu keys rotate --resume で続けてください。/ It stopped half way; everything can be read. Go on by `sesshu keys rotate --resume`",
    )?;
    if unopened > 0 {
        complain(&format!(
            "開かない番号が{unopened}件あり、そのまま残しました。sesshu keys check で調べてください。/ {unopened} numbers do not open and were left as they are; see `sesshu keys check`."
        ));
        return Ok(ExitCode::FAILURE);
    }
    complain("終わりました。/ Done.");
    Ok(ExitCode::SUCCESS)
}

/// Adds a new key to the file, before anything is sealed by it: a key that seals and is in no file
/// would be the worst that can happen.
fn add_key(keys: &Keys, ring: KeyRing, outside: &Outside) -> anyhow::Result<()> {
    let Keys::File(path) = keys else {
        bail!(
            "鍵が環境変数にあるので、書き加えられません。sesshu keys new --print で作った1行を {0} の先頭に加え、セミコロンで区切ってから、--resume を付けて実行してください。\n\
             The keys are in the environment, where they cannot be written. Put a line made by `sesshu keys new --print` in front of those in {0}, with a semicolon between, and run this with --resume.",
            keys::KEYS_VARIABLE
        );
    };
    let key = fresh_key(outside);
    let id = key.id().clone();
    keys::replace(path, &ring.with(key))?;
    complain(&format!(
        "鍵 {id} を {0} の先頭に加えました。控えを取ってください。/ The key {id} is on top of {0}. Keep a copy.",
        path.display()
    ));
    Ok(())
}

/// Everything under the newest key; says how many numbers do not open.
async fn rewrap_and_reseal(
    db: &Db,
    seals: &Seals,
    reseal: bool,
    outside: &Outside,
) -> anyhow::Result<u64> {
    let mut wrapped = 0;
    loop {
        let some = seals.rewrap_some(db).await?;
        if some == 0 {
            break;
        }
        wrapped += some;
    }
    complain(&format!("包み直した鍵 / keys wrapped anew: {wrapped}"));
    if !reseal {
        return Ok(0);
    }
    let (mut done, mut unopened) = (0, 0);
    let all = Seals::count(db).await?;
    let line = Progress::new("封をし直した番号 / numbers sealed anew");
    for city in Seals::cities(db).await? {
        let mut at = seals.reseal(db, city, (outside.now)()).await?;
        loop {
            let step = seals.reseal_some(db, &mut at).await?;
            done += step.resealed;
            unopened += step.unopened;
            line.tell(done, all);
            if step.finished {
                break;
            }
        }
        Seals::forget_unused(db, city).await?;
    }
    line.end();
    Ok(unopened)
}

/// Prints what was found as JSON; exits 0 only if everything opens and is found.
async fn check(place: &Place) -> anyhow::Result<ExitCode> {
    let location = place.location()?;
    let keys = place.keys(&location)?;
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let seals = keys.seals(&outside)?.ok_or_else(keys::no_keys)?;
    let db = Db::open_reading(&location).await?;
    let all = Seals::count(&db).await?;
    let line = Progress::new("調べた番号 / numbers looked at");
    let checked = seals.check(&db, &|done| line.tell(done, all)).await;
    line.end();
    db.close().await;
    let checked = checked?;
    let mut told = serde_json::to_value(&checked)?;
    if let Some(members) = told.as_object_mut() {
        members.insert("holds".to_owned(), json!(checked.holds()));
    }
    say(&serde_json::to_string_pretty(&told)?);
    Ok(if checked.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How far a long work has come, on standard error: one line that is written over on a terminal,
/// and now and then a line where it goes into a file.
struct Progress {
    what: &'static str,
    on_terminal: bool,
    /// The last that had a line in a file.
    told: AtomicU64,
}

/// Of how many each gets a line in a file.
const LINE_EVERY: u64 = 100_000;

impl Progress {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            on_terminal: std::io::stderr().is_terminal(),
            told: AtomicU64::new(0),
        }
    }

    fn tell(&self, done: u64, all: u64) {
        let what = self.what;
        if self.on_terminal {
            let _ = write!(std::io::stderr().lock(), "\r{what}: {done} / {all}");
        } else if done == all || done >= self.told.load(Ordering::Relaxed) + LINE_EVERY {
            self.told.store(done, Ordering::Relaxed);
            complain(&format!("{what}: {done} / {all}"));
        }
    }

    fn end(&self) {
        if self.on_terminal {
            complain("");
        }
    }
}
