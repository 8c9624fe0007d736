//! The one configuration file. Every key is documented in `docs/sesshu.example.toml`; an unknown
//! one is refused, since a misspelt limit is no limit.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use store::Location;
use store::recorder::{BATCH_MAX, Pace, WRITERS_MAX};

use crate::keys::{KEYS_VARIABLE, Keys};
use crate::web::session::Lifetime;

/// The environment variable that holds the database's password.
pub const PASSWORD_VARIABLE: &str = "SESSHU_DATABASE_PASSWORD";

/// How the program is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The address by which people reach it, without a slash at the end.
    pub address: String,
    /// Where the data is.
    pub database: Location,
    /// Whether a proxy of ours stands before it.
    pub behind_proxy: bool,
    /// How the ledgers are written.
    pub pace: Pace,
    /// When sessions end.
    pub lifetime: Lifetime,
    /// Where the keys are under which Individual Numbers are sealed.
    pub individual_number_keys: Keys,
    /// What is logged, and how.
    pub log: Log,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A filter of `tracing-subscriber`: `info`, `sesshu=debug`.
    pub filter: String,
    /// One JSON object for each line, for programs; words for people otherwise.
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            json: false,
        }
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: SocketAddr,
    address: String,
    database: String,
    database_password_file: Option<PathBuf>,
    #[serde(default)]
    behind_proxy: bool,
    commit_doses_max: Option<usize>,
    ledger_writers: Option<usize>,
    session_idle_minutes: Option<u32>,
    session_hours: Option<u32>,
    individual_number_keys: Option<PathBuf>,
    log: Option<String>,
    #[serde(default)]
    log_json: bool,
}

/// Reads the configuration; paths in it count from the file's own folder.
///
/// # Errors
/// What is wrong with the file, by key, and what to do.
pub fn read(path: &Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let password = std::env::var(PASSWORD_VARIABLE).ok();
    let mut config = parse(&text, folder, password)
        .with_context(|| format!("the configuration {} is wrong", path.display()))?;
    if config.individual_number_keys == Keys::None {
        config.individual_number_keys = Keys::of(None, std::env::var(KEYS_VARIABLE).ok());
    }
    Ok(config)
}

fn parse(text: &str, folder: &Path, password: Option<String>) -> anyhow::Result<Config> {
    let file: File = toml::from_str(text)?;
    let address = file.address.trim_end_matches('/').to_owned();
    let is_local = ["http://localhost", "http://127.0.0.1", "http://[::1]"]
        .iter()
        .any(|local| {
            address
                .strip_prefix(local)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        });
    if !address.starts_with("https://") && !is_local {
        bail!(
            "`address` must begin with https://, since passwords travel there; only this machine itself (http://127.0.0.1:PORT) may go without"
        );
    }
    let default = Lifetime::default();
    let lifetime = Lifetime {
        idle_minutes: file.session_idle_minutes.unwrap_or(default.idle_minutes),
        hours: file.session_hours.unwrap_or(default.hours),
    };
    if lifetime.idle_minutes == 0 || lifetime.hours == 0 {
        bail!("`session_idle_minutes` and `session_hours` must be at least 1");
    }
    let default = Pace::default();
    let pace = Pace {
        batch_max: file.commit_doses_max.unwrap_or(default.batch_max),
        writers: file.ledger_writers.unwrap_or(default.writers),
    };
    if !(1..=BATCH_MAX).contains(&pace.batch_max) {
        bail!("`commit_doses_max` must be from 1 to {BATCH_MAX}");
    }
    if !(1..=WRITERS_MAX).contains(&pace.writers) {
        bail!("`ledger_writers` must be from 1 to {WRITERS_MAX}");
    }
    let password = match (&file.database_password_file, password) {
        (Some(path), _) => Some(secret(&folder.join(path))?),
        (None, password) => password,
    };
    let log = Log {
        filter: file.log.unwrap_or(Log::default().filter),
        json: file.log_json,
    };
    let database = location(&file.database, folder, password.as_deref())?;
    Ok(Config {
        listen: file.listen,
        address,
        database,
        behind_proxy: file.behind_proxy,
        pace,
        lifetime,
        individual_number_keys: Keys::of(
            file.individual_number_keys.map(|path| folder.join(path)),
            None,
        ),
        log,
    })
}

/// A secret kept in a file, without the end of its line.
///
/// # Errors
/// If the file cannot be read or is empty.
pub fn secret(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the secret in {} cannot be read", path.display()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        bail!("{} is empty; write the secret into it", path.display());
    }
    Ok(secret.to_owned())
}

fn location(database: &str, folder: &Path, password: Option<&str>) -> anyhow::Result<Location> {
    let Some((scheme, rest)) = database.split_once("://") else {
        let path = database.strip_prefix("sqlite:").unwrap_or(database);
        if path.is_empty() {
            bail!("`database` must name a file, or a server as postgres://user@host/name");
        }
        return Ok(Location::Sqlite(folder.join(path)));
    };
    if !matches!(scheme, "postgres" | "postgresql") {
        bail!("`database` must name a file, or a server as postgres://user@host/name");
    }
    let Some(password) = password else {
        return Ok(Location::Postgres(database.to_owned()));
    };
    let Some((user, server)) = rest.split_once('@').filter(|(user, _)| !user.contains(':')) else {
        bail!(
            "`database` must name the user and no password (postgres://user@host/name) when the password comes from a file or from {PASSWORD_VARIABLE}"
        );
    };
    let password = crate::web::percent_encoded(password).replace('/', "%2F");
    Ok(Location::Postgres(format!(
        "{scheme}://{user}:{password}@{server}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "listen = \"127.0.0.1:8470\"\naddress = \"https://sesshu.example.jp/\"\n";

    fn config(more: &str, password: Option<&str>) -> anyhow::Result<Config> {
        parse(
            &format!("{LEAST}{more}"),
            Path::new("/etc/sesshu"),
            password.map(str::to_owned),
        )
    }

    #[test]
    fn the_example_is_a_right_configuration() {
        let text = include_str!("../../../docs/sesshu.example.toml");
        let config = parse(text, Path::new("/etc/sesshu"), None).unwrap();
        assert_eq!(config.lifetime, Lifetime::default());
        assert_eq!(config.pace, Pace::default());
        for key in [
            "listen",
            "address",
            "database",
            "database_password_file",
            "behind_proxy",
            "commit_doses_max",
            "ledger_writers",
            "session_idle_minutes",
            "session_hours",
            "individual_number_keys",
            "log",
            "log_json",
        ] {
            assert!(
                text.contains(&format!("{key} = ")),
                "{key} is not documented"
            );
        }
    }

    #[test]
    fn a_file_is_sqlite_and_counts_from_the_configuration() {
        let found = config("database = \"data/sesshu.db\"", None).unwrap();
        assert_eq!(
            found.database,
            Location::Sqlite("/etc/sesshu/data/sesshu.db".into())
        );
        assert_eq!(found.address, "https://sesshu.example.jp");
    }

    #[test]
    fn the_key_file_counts_from_the_configuration() {
        let none = config("database = \"x\"", None).unwrap();
        assert_eq!(none.individual_number_keys, Keys::None);
        let named = config("database = \"x\"\nindividual_number_keys = \"keys\"", None).unwrap();
        let path = Path::new("/etc/sesshu/keys");
        assert_eq!(named.individual_number_keys, Keys::File(path.to_owned()));
    }

    #[test]
    fn the_password_of_the_server_comes_from_outside() {
        let found = config("database = \"postgres://sesshu@db/sesshu\"", Some("p@ss/1")).unwrap();
        let expected = Location::Postgres("postgres://sesshu:p%40ss%2F1@db/sesshu".to_owned());
        assert_eq!(found.database, expected);
        assert!(config("database = \"postgres://db/sesshu\"", Some("p")).is_err());
    }

    #[test]
    fn what_is_unknown_or_unsafe_is_refused() {
        assert!(config("database = \"x\"\nsession_minutes = 5", None).is_err());
        assert!(config("database = \"mysql://x\"", None).is_err());
        assert!(config("database = \"x\"\ncommit_doses_max = 0", None).is_err());
        assert!(config("database = \"x\"\ncommit_doses_max = 513", None).is_err());
        assert!(config("database = \"x\"\nledger_writers = 65", None).is_err());
        let open =
            "listen = \"0.0.0.0:80\"\naddress = \"http://sesshu.example.jp\"\ndatabase = \"x\"";
        assert!(parse(open, Path::new("."), None).is_err());
        let tricky = "listen = \"0.0.0.0:80\"\naddress = \"http://localhost.evil.example\"\ndatabase = \"x\"";
        assert!(parse(tricky, Path::new("."), None).is_err());
    }
}
