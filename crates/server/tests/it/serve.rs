//! `sesshu serve` as it is set up for real: from an empty folder to the first login.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::program::binary;

/// How long a start may take on a busy machine.
const READY: Duration = Duration::from_secs(60);

/// A folder with a configuration in it.
struct Site {
    folder: tempfile::TempDir,
    port: u16,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\naddress = \"http://127.0.0.1:{port}\"\ndatabase = \"data/sesshu.db\"\n"
        );
        std::fs::write(folder.path().join("sesshu.toml"), text).unwrap();
        Self { folder, port }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("sesshu.toml")
    }

    fn serve(&self) -> Child {
        Command::new(binary())
            .args(["serve", "--config"])
            .arg(self.config())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn serve_until_ready(&self) -> Child {
        let child = self.serve();
        let begun = Instant::now();
        while !self.is_ready() {
            assert!(begun.elapsed() < READY, "the program is not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        child
    }

    fn is_ready(&self) -> bool {
        let health = ureq::get(format!("http://127.0.0.1:{}/healthz", self.port)).call();
        health.is_ok_and(|answer| answer.status() == 200)
    }

    fn first(&self, login: &str, input: &str) -> Output {
        let mut child = Command::new(binary())
            .args(["account", "first", "--login", login, "--config"])
            .arg(self.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    fn log_in(&self, login: &str, password: &str) -> u16 {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let answer = agent
            .post(format!("http://127.0.0.1:{}/api/v1/sessions", self.port))
            .send_json(serde_json::json!({ "login": login, "password": password }));
        answer.unwrap().status().as_u16()
    }
}

/// Asks it to end as a service manager does, and reads what it had said.
fn stop(child: Child) -> String {
    let told = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_empty_server_says_how_the_first_administrator_is_made_and_has_no_password() {
    let site = Site::new();
    let said = stop(site.serve_until_ready());
    assert!(said.contains("account first --config"), "{said}");

    let short = site.first("chief", "short\n");
    assert!(!short.status.success());
    assert!(
        text(&short.stderr).contains("at least 12"),
        "{}",
        text(&short.stderr)
    );

    let made = site.first("chief", "a password of my own\n");
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(!text(&made.stdout).contains("a password of my own"));

    let again = site.first("other", "a password of my own\n");
    assert!(!again.status.success());
    assert!(text(&again.stderr).contains("Nothing was changed"));

    let server = site.serve_until_ready();
    assert_eq!(site.log_in("chief", "a password of my own"), 201);
    assert_eq!(site.log_in("chief", "another password"), 401);
    assert_eq!(site.log_in("other", "a password of my own"), 401);
    let said = stop(server);
    assert!(!said.contains("account first"), "{said}");
}

#[test]
fn a_password_that_we_make_is_printed_once_and_lets_in() {
    let site = Site::new();
    let made = site.first("chief", "");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let password = text(&made.stdout).trim().to_owned();
    assert_eq!(password.len(), 19, "{password}");
    let server = site.serve_until_ready();
    assert_eq!(site.log_in("chief", &password), 201);
    stop(server);
}

#[test]
fn a_misspelt_key_is_refused_by_its_name() {
    let site = Site::new();
    let mut text_of = std::fs::read_to_string(site.config()).unwrap();
    text_of.push_str("sesion_hours = 8\n");
    std::fs::write(site.config(), text_of).unwrap();
    let output = Command::new(binary())
        .args(["serve", "--config"])
        .arg(site.config())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("sesion_hours"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_key_file_that_others_may_open_is_refused_at_the_start() {
    let site = Site::new();
    let keys = site.folder.path().join("keys");
    let made = crate::program::run(&["keys", "new", keys.to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let mut text_of = std::fs::read_to_string(site.config()).unwrap();
    text_of.push_str("individual_number_keys = \"keys\"\n");
    std::fs::write(site.config(), text_of).unwrap();
    stop(site.serve_until_ready());
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = Command::new(binary())
        .args(["serve", "--config"])
        .arg(site.config())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("chmod 600") && said.contains("644"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_with_its_name() {
    let site = Site::new();
    // A file stands where the folder should be: nobody can write into it, not even root.
    let data = site.folder.path().join("data");
    std::fs::write(&data, "").unwrap();
    let output = Command::new(binary())
        .args(["serve", "--config"])
        .arg(site.config())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains(&*data.to_string_lossy()));
}

#[test]
fn the_demonstrations_passwords_are_for_its_owner_only_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let first = crate::program::Program::start(&data);
    let manifest = data.join("demo.json");
    let mode = std::fs::metadata(&manifest).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let accounts = first.demo["accounts"].clone();
    for coupon in first.demo["coupons"].as_array().unwrap() {
        assert!(Path::new(coupon["path"].as_str().unwrap()).exists());
    }
    first.stop();

    let second = crate::program::Program::start(&data);
    assert_eq!(second.demo["accounts"], accounts);
    second.log_in("nation");
    second.stop();
    crate::program::Program::verify(&data);
}
