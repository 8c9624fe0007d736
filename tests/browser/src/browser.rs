//! Chromium itself: found, started with a fresh profile, stopped.

use crate::{Fault, LOOK_AGAIN, PATIENCE, connection::Connection, missing, page::Page};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    thread,
    time::Instant,
};
use tempfile::TempDir;

/// A running headless Chromium with a profile of its own, in Japanese and in Japan's time. Dropping it stops it.
pub struct Browser {
    wire: Rc<RefCell<Connection>>,
    process: Child,
    // Held so that the profile lives as long as the browser, and goes with it; none where it is the test's.
    _profile: Option<TempDir>,
}

const FLAGS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-port=0",
    // Tests run as root in containers, where the sandbox cannot work; the pages are our own.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    // Nothing leaves this machine: not the browser's own errands, not a page's request to another host.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--lang=ja",
    "--accept-lang=ja",
];

impl Browser {
    /// Starts Chromium; `None` (and a word on standard error) where there is none and the test may be skipped.
    pub fn launch() -> Option<Browser> {
        Browser::launch_with(&[])
    }

    /// Starts Chromium with a camera that shows `video` for ever: `.y4m`, or `.mjpeg`, which a single JPEG already is.
    /// Pages get the camera without asking.
    pub fn with_camera(video: &Path) -> Option<Browser> {
        let mut file = OsString::from("--use-file-for-fake-video-capture=");
        file.push(video);
        let ask_nobody = "--use-fake-ui-for-media-stream".into();
        Browser::launch_with(&[
            ask_nobody,
            "--use-fake-device-for-media-stream".into(),
            file,
        ])
    }

    /// Starts Chromium on a profile of the test's own: what a page keeps there, a later browser finds, as after a device
    /// was switched off. Its pages are those of [`Browser::page`].
    pub fn in_profile(profile: &Path) -> Option<Browser> {
        let program = Browser::program_or_skip()?;
        // What a killed one left behind would be taken for the new one's.
        for left in [
            "DevToolsActivePort",
            "SingletonLock",
            "SingletonCookie",
            "SingletonSocket",
        ] {
            let _not_there = fs::remove_file(profile.join(left));
        }
        match Browser::start(&program, &[], profile, None) {
            Ok(browser) => Some(browser),
            Err(fault) => panic!("{} did not start: {fault}", program.display()),
        }
    }

    fn program_or_skip() -> Option<PathBuf> {
        program().or_else(|| {
            missing(
                "no Chromium here; install it (`apt-get install chromium`) or set CHROMIUM to its path",
            )
        })
    }

    fn launch_with(more: &[OsString]) -> Option<Browser> {
        let program = Browser::program_or_skip()?;
        let profile = match TempDir::with_prefix("sesshu-chromium-") {
            Ok(profile) => profile,
            Err(error) => panic!("no folder for a profile: {error}"),
        };
        let folder = profile.path().to_owned();
        match Browser::start(&program, more, &folder, Some(profile)) {
            Ok(browser) => Some(browser),
            Err(fault) => panic!("{} did not start: {fault}", program.display()),
        }
    }

    fn start(
        program: &Path,
        more: &[OsString],
        folder: &Path,
        profile: Option<TempDir>,
    ) -> Result<Browser, Fault> {
        let io = |error: std::io::Error| Fault::new(error.to_string());
        let words = folder.join("stderr");
        let mut profile_flag = OsString::from("--user-data-dir=");
        profile_flag.push(folder);
        let mut process = Command::new(program)
            .args(FLAGS)
            .args(more)
            .arg(profile_flag)
            .arg("about:blank")
            .env("TZ", "Asia/Tokyo")
            .env("LANGUAGE", "ja")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&words).map_err(io)?)
            .spawn()
            .map_err(io)?;
        match listening(&mut process, folder).and_then(|(port, path)| Connection::open(port, &path))
        {
            Ok(wire) => Ok(Browser {
                wire: Rc::new(RefCell::new(wire)),
                process,
                _profile: profile,
            }),
            Err(fault) => {
                stop(&mut process);
                Err(Fault::new(format!(
                    "{fault}\n{}",
                    fs::read_to_string(words).unwrap_or_default()
                )))
            }
        }
    }

    /// A page for somebody new: own cookies and storage, shared with no other visitor of this browser.
    pub fn visitor(&self) -> Page {
        match self.try_visitor() {
            Ok(page) => page,
            Err(fault) => panic!("no new page: {fault}"),
        }
    }

    /// A page in the browser's own profile, whose cookies and storage outlive it.
    pub fn page(&self) -> Page {
        match self.open(&json!({ "url": "about:blank" })) {
            Ok(page) => page,
            Err(fault) => panic!("no new page: {fault}"),
        }
    }

    /// Ends the browser without a word, as when a battery is empty.
    pub fn kill(mut self) {
        stop(&mut self.process);
    }

    fn try_visitor(&self) -> Result<Page, Fault> {
        let context = self
            .wire
            .borrow_mut()
            .call("", "Target.createBrowserContext", &json!({}))?["browserContextId"]
            .take();
        self.open(&json!({ "url": "about:blank", "browserContextId": context }))
    }

    fn open(&self, wanted: &Value) -> Result<Page, Fault> {
        let mut wire = self.wire.borrow_mut();
        let target = wire.call("", "Target.createTarget", wanted)?["targetId"].take();
        let attached = wire.call(
            "",
            "Target.attachToTarget",
            &json!({ "targetId": target, "flatten": true }),
        )?;
        drop(wire);
        Page::open(
            Rc::clone(&self.wire),
            attached["sessionId"].as_str().unwrap_or_default(),
        )
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let asked = self.wire.borrow_mut().call("", "Browser.close", &json!({}));
        let deadline = Instant::now() + PATIENCE;
        while asked.is_ok() && Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
        stop(&mut self.process);
    }
}

/// Waits until Chromium has written where it listens: the port, and the path of its own session.
fn listening(process: &mut Child, profile: &Path) -> Result<(u16, String), Fault> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let written = fs::read_to_string(profile.join("DevToolsActivePort")).unwrap_or_default();
        if let Some((port, path)) = written.split_once('\n')
            && let Ok(port) = port.parse()
            && path.starts_with("/devtools/browser/")
        {
            return Ok((port, path.trim().to_owned()));
        }
        if let Ok(Some(status)) = process.try_wait() {
            return Err(Fault::new(format!("it ended at once ({status})")));
        }
        thread::sleep(LOOK_AGAIN);
    }
    Err(Fault::new(format!(
        "it did not listen within {} s",
        PATIENCE.as_secs()
    )))
}

fn stop(process: &mut Child) {
    // It may have ended by itself meanwhile; that is as good.
    let _ended = process.kill();
    let _reaped = process.wait();
}

/// `$CHROMIUM`, else the first of the usual names in `$PATH`.
fn program() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("CHROMIUM") {
        return Some(PathBuf::from(chosen));
    }
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}
