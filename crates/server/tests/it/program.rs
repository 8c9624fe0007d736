//! The real program on a demonstration's data, and a plain HTTP client to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

/// How long the demonstration may take to be made and ready, unoptimised on a busy machine.
const READY: Duration = Duration::from_secs(180);

/// A running program; killed when dropped.
pub struct Program {
    child: Child,
    /// Ends the program when this process ends, even where nothing is dropped; waits on its input.
    _watchdog: Child,
    /// What `demo.json` says.
    pub demo: Value,
    pub data: PathBuf,
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Program {
    /// Starts `sesshu demo` on a folder; a second start on the same folder keeps its data.
    pub fn start(data: &Path) -> Self {
        Self::start_by(Command::new(binary()), data)
    }

    /// Starts it by another command that ends in running the program with these arguments.
    pub fn start_by(mut command: Command, data: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = command
            .args(["demo", "--port", &port.to_string(), "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let watchdog = Command::new("sh")
            .args([
                "-c",
                "cat; kill -9 \"$0\" 2>/dev/null",
                &child.id().to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut program = Self {
            child,
            _watchdog: watchdog,
            demo: Value::Null,
            data: data.to_owned(),
        };
        program.wait_until_ready(port);
        program
    }

    fn wait_until_ready(&mut self, port: u16) {
        let log = self.child.stderr.take().unwrap();
        // Read to the end, so that the program never waits for somebody to read its log.
        std::thread::spawn(move || {
            BufReader::new(log)
                .lines()
                .map_while(Result::ok)
                .for_each(drop)
        });
        let begun = Instant::now();
        loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                panic!("the program ended: {ended}");
            }
            let health = ureq::get(format!("http://127.0.0.1:{port}/healthz")).call();
            if health.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            assert!(begun.elapsed() < READY, "the program is not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        let told = std::fs::read_to_string(self.data.join("demo.json")).unwrap();
        self.demo = serde_json::from_str(&told).unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.demo["address"].as_str().unwrap())
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as an administrator would.
    pub fn stop(mut self) {
        let told = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(told.success());
        assert!(self.child.wait().unwrap().success());
    }

    /// Logs in the first account of that kind of organisation: `venue`, `city`, `nation`.
    pub fn log_in(&self, kind: &str) -> Client {
        let accounts = self.demo["accounts"].as_array().unwrap();
        let account = accounts
            .iter()
            .find(|account| account["kind"] == kind)
            .unwrap_or_else(|| panic!("no account of a {kind} in {accounts:?}"));
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut client = Client {
            agent,
            address: self.url(""),
            token: String::new(),
        };
        let body = json!({ "login": account["login"], "password": account["password"] });
        let (status, answer) = client.post("/api/v1/sessions", &body);
        assert_eq!(status, 201, "{answer}");
        client.token = answer["token"].as_str().unwrap().to_owned();
        client
    }

    /// Runs the program's own proof beside it.
    pub fn verify(data: &Path) -> Value {
        let output = run(&["verify", "--data", data.to_str().unwrap()]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{report}");
        report
    }
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().unwrap()
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_sesshu")
}

/// Somebody who is logged in over the API.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    address: String,
    token: String,
}

impl Client {
    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.address);
        let mut answer = self
            .agent
            .get(url)
            .header("authorization", self.bearer())
            .call()
            .unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_json().unwrap_or(Value::Null),
        )
    }

    /// A page as it is sent.
    pub fn page(&self, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.address);
        let request = self.agent.get(url).header("authorization", self.bearer());
        let mut answer = request.call().unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_string().unwrap(),
        )
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(path, "application/json", body.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.put(format!("{}{path}", self.address));
        let request = request.header("authorization", self.bearer());
        let mut answer = request.send_json(body).unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_json().unwrap_or(Value::Null),
        )
    }

    pub fn send(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        self.try_send(path, kind, body).unwrap()
    }

    /// As [`Self::send`], where the program may die before it answers.
    pub fn try_send(
        &self,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<(u16, Value), ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.address));
        let request = request
            .header("authorization", self.bearer())
            .header("content-type", kind);
        let mut answer = request.send(body)?;
        Ok((
            answer.status().as_u16(),
            answer.body_mut().read_json().unwrap_or(Value::Null),
        ))
    }
}

/// A dose to report; `number` makes its id and, unless told otherwise, its person.
pub fn dose(number: u64, coupon: &str, given_on: &str) -> Value {
    json!({
        "id": id(number), "coupon": coupon, "given_on": given_on, "product": "comirnaty_12_mono",
        "lot": "EY2173", "doctor": "鈴木", "device": "test", "input": "api",
    })
}

/// An id as senders make them.
pub fn id(number: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(1_622_509_200_000 + number, &random).into_uuid()
}
