//! The real program in its release build, on an empty database with one venue.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant as Wall};

use anyhow::{Context, ensure};
use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Place, Role, Territory, UserId,
};
use domain::calendar::Instant;
use domain::places::{MunicipalityCode, Prefecture};
use store::accounts::{NewAccount, NewOrganisation};
use store::{Db, Location};
use uuid::Uuid;

/// How long the program may take until it is ready.
const START: Duration = Duration::from_secs(30);
const LOGIN: &str = "bench.venue";

/// The running program; ended when dropped.
pub struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// The venue's token.
    pub token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Prepares the database and starts the program on it; `more` are lines of its configuration.
    pub async fn start(folder: &Path, location: &Location, more: &str) -> anyhow::Result<Self> {
        let password = Uuid::from_u128(u128::from(std::process::id()) << 64 | 0xB37C).to_string();
        let db = Db::open(location).await?;
        store::migrations::migrate(&db).await?;
        people(&db, &password).await?;
        db.close().await;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let database = match location {
            Location::Sqlite(path) => path.display().to_string(),
            Location::Postgres(url) => url.clone(),
        };
        let config = folder.join(format!("{port}.toml"));
        std::fs::write(
            &config,
            format!(
                "listen = \"{address}\"\naddress = \"http://{address}\"\ndatabase = \"{database}\"\nlog = \"warn\"\n{more}"
            ),
        )?;
        let child = Command::new(program()?)
            .args(["serve", "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .spawn()
            .context("the program does not start")?;
        let mut server = Self {
            child,
            address,
            token: String::new(),
        };
        server.log_in(&password).await?;
        Ok(server)
    }

    async fn log_in(&mut self, password: &str) -> anyhow::Result<()> {
        let begun = Wall::now();
        let body = serde_json::json!({ "login": LOGIN, "password": password }).to_string();
        loop {
            match crate::load::once(&self.address, "/api/v1/sessions", body.clone()).await {
                Ok(answer) => {
                    let token = answer.get("token").and_then(|token| token.as_str());
                    self.token = token.context("the login gave no token")?.to_owned();
                    return Ok(());
                }
                Err(error) if begun.elapsed() > START => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Stops it as an administrator would, so that everything recorded is in the database.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let told = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()?;
        ensure!(told.success(), "the program cannot be told to stop");
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the program ended with {ended}");
        Ok(())
    }
}

/// Where the program is, which `cargo xtask bench` builds together with this one.
pub fn program() -> anyhow::Result<std::path::PathBuf> {
    let path = std::env::current_exe()?.with_file_name("sesshu");
    ensure!(
        path.exists(),
        "the program was not built beside this one; run `cargo xtask bench`"
    );
    Ok(path)
}

/// A nation, a city, a venue in it and the venue's login.
async fn people(db: &Db, password: &str) -> anyhow::Result<()> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow::anyhow!("no password hash: {error}"))?
        .to_string();
    let city = MunicipalityCode::parse("131016").map_err(|_| anyhow::anyhow!("no city"))?;
    let prefecture = Prefecture::new(13).context("no prefecture")?;
    let venue = OrganisationId(Uuid::from_u128(4));
    let at = Instant::from_micros(1_622_509_200_000_000);
    let account = |number: u128, login: &str, role| NewAccount {
        id: UserId(Uuid::from_u128(10 + number)),
        login: login.to_owned(),
        name: login.to_owned(),
        role,
        password_hash: hash.clone(),
        password_must_change: false,
    };
    let organisation = |number: u128, kind, name: &str| NewOrganisation {
        id: OrganisationId(Uuid::from_u128(number)),
        kind,
        name: name.to_owned(),
        facility_code: None,
    };
    let actor = |number: u128, kind, territory| Actor {
        user: UserId(Uuid::from_u128(10)),
        organisation: OrganisationId(Uuid::from_u128(number)),
        kind,
        role: Role::Administrator,
        territory,
    };
    let nation = organisation(1, OrganisationKind::Nation, "国");
    store::accounts::first_administrator(
        db,
        &nation,
        &account(0, "bench.nation", Role::Administrator),
        at,
    )
    .await?;
    let steps = [
        (
            actor(1, OrganisationKind::Nation, Territory::Nation),
            Place::Prefecture(prefecture),
            organisation(2, OrganisationKind::Prefecture, "東京都"),
        ),
        (
            actor(
                2,
                OrganisationKind::Prefecture,
                Territory::Prefecture(prefecture),
            ),
            Place::City(city),
            organisation(3, OrganisationKind::City, "千代田区"),
        ),
        (
            actor(3, OrganisationKind::City, Territory::City(city)),
            Place::Venue { id: venue, city },
            organisation(4, OrganisationKind::Venue, "会場"),
        ),
    ];
    for (number, (by, place, new)) in steps.into_iter().enumerate() {
        let permit = access::permit(&by, Action::ManageAccounts, place)
            .map_err(|_| anyhow::anyhow!("no permit for {}", new.name))?;
        let audit = Uuid::from_u128(0xA0D1_7000 + number as u128);
        store::accounts::found_organisation(db, &permit, &new, audit, at).await?;
        if new.kind == OrganisationKind::Venue {
            let audit = Uuid::from_u128(0xA0D1_7100);
            let account = account(1, LOGIN, Role::Operator);
            store::accounts::create_account(db, &permit, &account, audit, at).await?;
        }
    }
    Ok(())
}
