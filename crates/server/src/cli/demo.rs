//! `sesshu demo`: a database with people, doses and coupons that nobody has, to try everything on.
//!
//! What is made is the same each time but for passwords and ids. It is made beside its place and
//! moved there when it is whole, so that a demonstration that was interrupted begins anew.

mod allocations;
mod coupons;
mod doses;
mod lots;
mod organisations;
mod people;
mod stock;
mod temperatures;
mod venues;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use store::recorder::{Outside, Pace};
use store::seals::{KeyRing, MasterKey};
use store::{Db, Location};
use tokio::net::TcpListener;

use crate::cli::demo::coupons::DemoCoupon;
use crate::cli::demo::organisations::DemoAccount;
use crate::cli::running::{self, Running};
use crate::cli::{DEMO_DATABASE, DEMO_FOLDER, DEMO_KEYS, complain, say};
use crate::config::{Config, Log};
use crate::keys::{self, Keys};
use crate::web::session::Lifetime;

/// The port unless another is asked for or it is taken.
const PORT: u16 = 8470;
/// What scripts read: the address, the accounts, the coupons.
const MANIFEST: &str = "demo.json";
/// A database that is being made.
const UNFINISHED: &str = "making.db";
const COUPONS: &str = "coupons";
const RESIDENTS: &str = "residents_demo.csv";

/// What `demo` is told.
#[derive(Args)]
pub(super) struct Options {
    /// データを置くフォルダー / the folder for the data
    #[arg(long, value_name = "DIR", default_value = DEMO_FOLDER)]
    data: PathBuf,
    /// ポート番号（指定しなければ8470、使用中なら空いている番号） / the port (8470, or a free one if that is taken)
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// 前のデータを消して作り直す / throw the former data away and begin anew
    #[arg(long)]
    fresh: bool,
}

/// `demo.json`, as others script against it.
#[derive(Serialize, Deserialize)]
struct Manifest {
    address: String,
    accounts: Vec<DemoAccount>,
    coupons: Vec<DemoCoupon>,
    residents_csv: PathBuf,
}

impl Manifest {
    /// With the paths of this folder, wherever it lay when the demonstration was made: folders are moved and copied.
    fn lying_in(mut self, folder: &Path) -> Self {
        for coupon in &mut self.coupons {
            if let Some(name) = coupon.path.file_name() {
                coupon.path = folder.join(COUPONS).join(name);
            }
        }
        self.residents_csv = folder.join(RESIDENTS);
        self
    }
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    running::log(&Log {
        filter: "warn".to_owned(),
        json: false,
    });
    fs::create_dir_all(&options.data)
        .with_context(|| format!("the folder {} cannot be made", options.data.display()))?;
    let folder = fs::canonicalize(&options.data)?;
    let database = folder.join(DEMO_DATABASE);
    let lock = running::lock(&database)?;
    if options.fresh {
        clear(&folder)?;
    }
    if !database.exists() {
        complain("デモデータを作っています… / Making the demonstration data …");
        make(&folder).await?;
    }
    let mut manifest = read_manifest(&folder)?.lying_in(&folder);
    let listener = listen(options.port).await?;
    manifest.address = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    let config = Config {
        listen: listener.local_addr()?,
        address: manifest.address.clone(),
        database: Location::Sqlite(database),
        behind_proxy: false,
        pace: Pace::default(),
        lifetime: Lifetime::default(),
        individual_number_keys: key_file(&folder)?,
        log: Log::default(),
    };
    let running = Running::start(&config, Some(lock)).await?;
    write_manifest(&folder, &manifest)?;
    tell(&folder, &manifest);
    running.serve(listener).await?;
    Ok(ExitCode::SUCCESS)
}

/// Removes what an earlier demonstration made, and nothing else that may lie in the folder.
fn clear(folder: &Path) -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> = [MANIFEST, RESIDENTS, DEMO_KEYS]
        .map(|name| folder.join(name))
        .into();
    for database in [DEMO_DATABASE, UNFINISHED] {
        files.extend(["", "-wal", "-shm"].map(|end| folder.join(format!("{database}{end}"))));
    }
    if let Ok(coupons) = fs::read_dir(folder.join(COUPONS)) {
        let drawn = coupons.filter_map(|entry| Some(entry.ok()?.path()));
        files.extend(drawn.filter(|path| {
            path.extension()
                .is_some_and(|kind| kind == "png" || kind == "pdf")
        }));
    }
    for file in files {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes everything, and moves the database to its place at the very end.
async fn make(folder: &Path) -> anyhow::Result<()> {
    let unfinished = folder.join(UNFINISHED);
    for end in ["", "-wal", "-shm"] {
        // Left by an interrupted start; most times there is none.
        let _ = fs::remove_file(folder.join(format!("{UNFINISHED}{end}")));
    }
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let db = Db::open(&Location::Sqlite(unfinished.clone())).await?;
    store::migrations::migrate(&db).await?;
    let (made, accounts) = organisations::found(&db, &outside).await?;
    venues::begin(&db, &outside, &made).await?;
    let people = people::people()?;
    doses::record(&db, &outside, &made, &people).await?;
    allocations::begin(&db, &outside, &made).await?;
    temperatures::begin(&db, &outside, &made).await?;
    db.close().await;
    let today = (outside.now)().day_in_japan();
    let coupons = coupons::draw(&folder.join(COUPONS), &people)?;
    let residents_csv = folder.join(RESIDENTS);
    fs::write(&residents_csv, people::residents_csv(today)?)?;
    let manifest = Manifest {
        address: String::new(),
        accounts,
        coupons,
        residents_csv,
    };
    write_manifest(folder, &manifest)?;
    fs::rename(&unfinished, folder.join(DEMO_DATABASE))?;
    Ok(())
}

/// The keys of the Individual Numbers beside the database, made at the first start.
fn key_file(folder: &Path) -> anyhow::Result<Keys> {
    let path = folder.join(DEMO_KEYS);
    if !path.exists() {
        let outside =
            crate::clock::outside().context("the operating system gives no randomness")?;
        let key = MasterKey::make((outside.now)().day_in_japan(), &*outside.salt);
        keys::write_new(&path, &KeyRing::new(key))?;
    }
    Ok(Keys::File(path))
}

/// Another id in order of time.
fn fresh(outside: &Outside) -> uuid::Uuid {
    crate::clock::fresh_id(outside)
}

/// It holds passwords: nobody else on the machine may read it.
fn write_manifest(folder: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    const OWNER_ONLY: u32 = 0o600;
    let path = folder.join(MANIFEST);
    let mut file: File = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(&path)?;
    file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY))?;
    file.write_all(serde_json::to_string_pretty(manifest)?.as_bytes())?;
    file.write_all(b"\n")?;
    Ok(())
}

fn read_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "{0} がありません。--fresh を付けて作り直してください。\n{0} is missing; begin anew with --fresh",
            path.display()
        )
    })?;
    serde_json::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))
}

async fn listen(port: Option<u16>) -> anyhow::Result<TcpListener> {
    const HERE: &str = "127.0.0.1";
    if let Some(port) = port {
        return match TcpListener::bind((HERE, port)).await {
            Ok(listener) => Ok(listener),
            Err(error) => bail!(
                "ポート{port}は使えません（{error}）。--port で別の番号を指定してください。\n\
                 Port {port} cannot be used ({error}); name another one by --port."
            ),
        };
    }
    match TcpListener::bind((HERE, PORT)).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind((HERE, 0)).await?),
    }
}

fn tell(folder: &Path, manifest: &Manifest) {
    say(&format!(
        "\n  Sesshu デモ / demonstration    {}\n",
        manifest.address
    ));
    say("  利用者 / accounts");
    for account in &manifest.accounts {
        say(&format!(
            "    {:<14} {:<20} {} — {}",
            account.login, account.password, account.organisation, account.what
        ));
    }
    say(&format!(
        "\n  接種券 / coupons: {}",
        folder.join(COUPONS).display()
    ));
    for coupon in &manifest.coupons {
        let name = coupon
            .path
            .file_name()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        say(&format!("    {:<28} {}", name, coupon.expect));
    }
    say(&format!(
        "\n  住民CSV / residents: {}",
        manifest.residents_csv.display()
    ));
    say(&format!(
        "  すべて / all of it: {}\n  止める / stop: Ctrl+C\n",
        folder.join(MANIFEST).display()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_moved_tells_its_own_paths() {
        let made = Manifest {
            address: String::new(),
            accounts: Vec::new(),
            coupons: vec![DemoCoupon {
                path: PathBuf::from("/made/coupons/01-normal.png"),
                digits: String::new(),
                expect: "normal".to_owned(),
                what: String::new(),
            }],
            residents_csv: PathBuf::from("/made/residents_demo.csv"),
        };
        let moved = made.lying_in(Path::new("/moved"));
        let coupons: Vec<_> = moved.coupons.iter().map(|coupon| &*coupon.path).collect();
        assert_eq!(coupons, [Path::new("/moved/coupons/01-normal.png")]);
        assert_eq!(moved.residents_csv, Path::new("/moved/residents_demo.csv"));
    }
}
