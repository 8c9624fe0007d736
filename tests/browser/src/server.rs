//! The program under test, with demonstration data of its own.

use crate::{Fault, LOOK_AGAIN, missing};
use serde_json::Value;
use std::{
    env,
    fs::{self, File},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// `sesshu demo` on a free port with a data folder of its own, as it is when the demonstration has just been made.
/// Dropping it stops it and removes the folder.
pub struct Server {
    program: PathBuf,
    process: Child,
    folder: TempDir,
    demo: Value,
}

/// Making the demonstration data hashes passwords and draws coupons, all unoptimised, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// From the polite request to stop until the impolite one.
const STOP_WITHIN: Duration = Duration::from_secs(10);

impl Server {
    /// Starts the program and waits until it is healthy; `None` (and a word on standard error) where it is not built and
    /// the test may be skipped.
    pub fn start() -> Option<Server> {
        let Some(program) = program() else {
            return missing(
                "the program is not built; `cargo build --package sesshu`, or set SESSHU_BINARY to its path",
            );
        };
        match Server::start_program(&program) {
            Ok(server) => Some(server),
            Err(fault) => panic!("{} demo: {fault}", program.display()),
        }
    }

    fn start_program(program: &Path) -> Result<Server, Fault> {
        let folder = folder()?;
        copy(&made(program)?, &folder.path().join("data")).map_err(io)?;
        Server::run(program, folder)
    }

    /// Runs the program on the data in `folder`; it makes what is not there.
    fn run(program: &Path, folder: TempDir) -> Result<Server, Fault> {
        let port = free_port().map_err(io)?;
        let (out, err) = (folder.path().join("stdout"), folder.path().join("stderr"));
        let data = folder.path().join("data");
        let process = Command::new(program)
            .args(["demo", "--port", &port.to_string(), "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(File::create(&out).map_err(io)?)
            .stderr(File::create(&err).map_err(io)?)
            .spawn()
            .map_err(io)?;
        let mut server = Server {
            program: program.to_owned(),
            process,
            folder,
            demo: Value::Null,
        };
        let ready = server.wait_until_healthy(port).and_then(|()| {
            let text = fs::read_to_string(data.join("demo.json"))
                .map_err(|error| Fault::new(format!("demo.json: {error}")))?;
            serde_json::from_str(&text).map_err(|error| Fault::new(format!("demo.json: {error}")))
        });
        match ready {
            Ok(demo) => server.demo = demo,
            Err(fault) => return Err(Fault::new(format!("{fault}\n{}", server.said()))),
        }
        Ok(server)
    }

    /// The address and a path of it: `http://127.0.0.1:41234/login`.
    pub fn url(&self, path: &str) -> String {
        let address = self.demo["address"].as_str().unwrap_or_default();
        format!("{}{path}", address.trim_end_matches('/'))
    }

    /// What the program wrote for scripts, `demo.json`: the address, the accounts, the coupons.
    pub fn demo(&self) -> &Value {
        &self.demo
    }

    /// The folder of the database, the coupons and the other files.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What `sesshu verify` says of the data while the server runs: whether all agrees, and its words.
    pub fn verify(&self) -> (bool, String) {
        self.told(&["verify"])
    }

    /// What `sesshu stock prove` says of the books while the server runs: whether they hold, and its words.
    pub fn prove_stock(&self) -> (bool, String) {
        self.told(&["stock", "prove"])
    }

    fn told(&self, words: &[&str]) -> (bool, String) {
        let ran = Command::new(&self.program)
            .args(words)
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .output();
        match ran {
            Ok(told) => (
                told.status.success(),
                String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned(),
            ),
            Err(error) => (false, error.to_string()),
        }
    }

    /// What the program wrote on its terminal so far.
    pub fn said(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}{}", read("stdout"), read("stderr"))
    }

    fn wait_until_healthy(&mut self, port: u16) -> Result<(), Fault> {
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(Fault::new(format!("it ended at once ({status})")));
            }
            if is_healthy(port).unwrap_or(false) {
                return Ok(());
            }
            thread::sleep(LOOK_AGAIN);
        }
        Err(Fault::new(format!(
            "not healthy within {} s",
            READY_WITHIN.as_secs()
        )))
    }

    /// Lets it end by itself, and waits for that.
    fn stop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        // SIGTERM by the program for it: the standard library can only kill.
        let asked = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        let deadline = Instant::now() + STOP_WITHIN;
        while asked.is_ok() && Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder for one server.
fn folder() -> Result<TempDir, Fault> {
    TempDir::with_prefix("sesshu-demo-").map_err(io)
}

/// The folder of a demonstration that was made and stopped, to be copied: made once by each process of tests, since
/// that takes longer than most flows.
///
/// Nothing tells a process of its last test, so the folder stays behind, and the next process throws it away.
fn made(program: &Path) -> Result<PathBuf, Fault> {
    static MADE: Mutex<Option<PathBuf>> = Mutex::new(None);
    const PREFIX: &str = "sesshu-demo-made-by-";
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = &*made {
        return Ok(folder.clone());
    }
    let own = std::process::id().to_string();
    for entry in fs::read_dir(env::temp_dir()).map_err(io)?.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let left = |process: &str| process == own || !Path::new("/proc").join(process).exists();
        if process.is_some_and(left) {
            // Somebody else's, on a machine of many: theirs to remove.
            let _theirs = fs::remove_dir_all(entry.path());
        }
    }
    let mut making = Server::run(program, folder()?)?;
    making.stop();
    let folder = env::temp_dir().join(format!("{PREFIX}{own}"));
    copy(&making.data(), &folder).map_err(io)?;
    *made = Some(folder.clone());
    Ok(folder)
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn io(error: std::io::Error) -> Fault {
    Fault::new(error.to_string())
}

/// Whether `GET /healthz` is answered with 200.
fn is_healthy(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(STOP_WITHIN))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// `$SESSHU_BINARY`, else the one the same profile built: tests run from `target/debug/deps`, the program lies above.
fn program() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("SESSHU_BINARY") {
        return Some(PathBuf::from(chosen));
    }
    let own = env::current_exe().ok()?;
    let built = own.parent()?.parent()?.join("sesshu");
    built.is_file().then_some(built)
}
