//! A throw-away PostgreSQL cluster: made for this run, reachable on 127.0.0.1 only, gone afterwards.

use crate::packages::{in_path, is_program, is_root};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running cluster. Never one that was there before: its folder and its port are new.
///
/// Invariant: the cluster stops and its folder disappears when this value is dropped *or when this process ends in
/// whatever way*, Ctrl-C and `kill -9` included. A guardian process keeps the cluster, waits for the end of its standard
/// input, which only we hold open, and then clears up.
pub struct Cluster {
    port: u16,
    guardian: Child,
}

/// The guardian's text. Its arguments: the folder of PostgreSQL's programs, the port.
const GUARDIAN: &str = include_str!("guardian.sh");

/// Another program may take the free port between our look and PostgreSQL's; more than once is not bad luck any more.
const ATTEMPTS: usize = 3;

/// PostgreSQL refuses to run as root; its packages make this user.
const UNPRIVILEGED: &str = "postgres";

impl Cluster {
    /// Makes and starts a cluster; returns when it takes connections.
    pub fn start() -> Result<Cluster, String> {
        let programs = programs().ok_or("initdb and pg_ctl are nowhere to be found")?;
        let mut told = String::new();
        for _ in 0..ATTEMPTS {
            match Cluster::start_on(free_port()?, &programs) {
                Ok(cluster) => return Ok(cluster),
                Err(complaint) => told = complaint,
            }
        }
        Err(format!(
            "the throw-away PostgreSQL cluster did not start:\n{told}"
        ))
    }

    fn start_on(port: u16, programs: &Path) -> Result<Cluster, String> {
        let mut command = as_unprivileged(is_root());
        command
            .args(["sh", "-c", GUARDIAN, "guardian"])
            .arg(programs)
            .arg(port.to_string());
        // A working folder the other user may not enter would be complained about by every program.
        command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        // A group of its own: Ctrl-C must reach us, not the one who clears up after us.
        command.process_group(0);
        let mut guardian = command
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let said = guardian
            .stdout
            .take()
            .map(said_until_ready)
            .unwrap_or_default();
        let cluster = Cluster { port, guardian };
        match said {
            Said::Ready => Ok(cluster),
            Said::Complaint(complaint) => Err(complaint),
        }
    }

    /// A superuser's URL of the cluster; no password, which is why it listens on 127.0.0.1 only.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        if let Err(error) = self.guardian.wait() {
            eprintln!(
                "the throw-away PostgreSQL cluster may still run on port {}: {error}",
                self.port
            );
        }
    }
}

#[derive(PartialEq, Eq, Debug)]
enum Said {
    Ready,
    Complaint(String),
}

impl Default for Said {
    fn default() -> Said {
        Said::Complaint("the guardian said nothing".to_owned())
    }
}

/// Waits for the line `ready`; everything said before it, or without it, is a complaint.
fn said_until_ready(pipe: impl Read) -> Said {
    let mut complaint = String::new();
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if line == "ready" {
            return Said::Ready;
        }
        complaint.push_str(&line);
        complaint.push('\n');
    }
    if complaint.is_empty() {
        Said::default()
    } else {
        Said::Complaint(complaint)
    }
}

fn as_unprivileged(we_are_root: bool) -> Command {
    let mut command = Command::new("env");
    if we_are_root {
        command = Command::new("runuser");
        command.args(["-u", UNPRIVILEGED, "--"]);
    }
    command
}

/// The folder of `initdb` and `pg_ctl`: the newest of Debian's, else the one in `$PATH`.
pub fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = debian
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .filter(|(_, folder)| {
            is_program(&folder.join("initdb")) && is_program(&folder.join("pg_ctl"))
        })
        .max();
    let in_path = || in_path("pg_ctl").filter(|_| in_path("initdb").is_some());
    newest
        .map(|(_, folder)| folder)
        .or_else(|| in_path()?.parent().map(Path::to_path_buf))
}

/// A port nobody listens on at this moment.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener
        .map(|address| address.port())
        .map_err(|error| format!("no free port on 127.0.0.1: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_taken() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
    }

    #[test]
    fn ready_is_a_line_of_its_own() {
        assert_eq!(said_until_ready(b"ready\n".as_slice()), Said::Ready);
        let said = said_until_ready(b"not ready\ninitdb: error: disk full\n".as_slice());
        assert_eq!(
            said,
            Said::Complaint("not ready\ninitdb: error: disk full\n".to_owned())
        );
        assert_eq!(said_until_ready(b"".as_slice()), Said::default());
    }

    #[test]
    fn root_hands_over_to_another_user() {
        assert_eq!(as_unprivileged(true).get_program(), "runuser");
        assert_eq!(as_unprivileged(false).get_program(), "env");
    }
}
