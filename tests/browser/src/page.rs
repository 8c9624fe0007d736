//! A page, and what a person does with it.

use crate::{
    Fault, LOOK_AGAIN, PATIENCE, Violation, accessibility,
    complaints::{Complaints, thrown},
    connection::Connection,
    keyboard,
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    env, fs,
    path::{Path, PathBuf},
    rc::Rc,
    thread,
    time::Instant,
};

/// One tab of one visitor.
///
/// Selectors are CSS, or `text=…` for the one link, button, label or summary that reads exactly so. An action waits until
/// its element is there, alone, visible, enabled and not covered; then it acts through the mouse, the finger or the keyboard.
pub struct Page {
    wire: Rc<RefCell<Connection>>,
    session: String,
    /// Workers of this page; a service worker has requests, errors and a network of its own.
    workers: RefCell<Vec<String>>,
    complaints: RefCell<Complaints>,
    touch: Cell<bool>,
    offline: Cell<bool>,
}

/// Finds elements, and says why one cannot be used yet; see [`Page`] about selectors.
const FINDER: &str = include_str!("finder.js");

impl Page {
    pub(crate) fn open(wire: Rc<RefCell<Connection>>, session: &str) -> Result<Page, Fault> {
        let page = Page {
            wire,
            session: session.to_owned(),
            workers: RefCell::default(),
            complaints: RefCell::default(),
            touch: Cell::new(false),
            offline: Cell::new(false),
        };
        for domain in [
            "Page.enable",
            "Runtime.enable",
            "Log.enable",
            "Network.enable",
            "DOM.enable",
        ] {
            page.call(domain, &json!({}))?;
        }
        let workers_too =
            json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
        page.call("Target.setAutoAttach", &workers_too)?;
        Ok(page)
    }

    /// Opens `url` and waits until it is loaded. Its server counts as one under test.
    #[track_caller]
    pub fn goto(&self, url: &str) {
        self.complaints.borrow_mut().own(url);
        let gone = self.call("Page.navigate", &json!({ "url": url }));
        self.must(
            &format!("goto {url}"),
            gone.and_then(|answer| match answer["errorText"].as_str() {
                Some(error) => Err(Fault::new(error)),
                None => self.until(|| self.look("document.readyState === 'complete'")),
            }),
        );
    }

    /// Does what leads to another page, and waits until that is loaded: `page.follow(|page| page.click("text=次へ"))`.
    #[track_caller]
    pub fn follow(&self, action: impl FnOnce(&Page)) {
        // Every document has its own time of birth; the old one must not be taken for the new.
        let before = self.must("follow", self.look("performance.timeOrigin"));
        action(self);
        let arrived = self.until(|| {
            let now = self.look("[performance.timeOrigin, document.readyState]")?;
            Ok(Value::from(now[0] != before && now[1] == "complete"))
        });
        self.must("follow: another page", arrived);
    }

    /// Clicks (or taps, after [`Page::set_viewport`] with touch) the middle of the element.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.must(&format!("click {selector}"), self.try_click(selector));
    }

    fn try_click(&self, selector: &str) -> Result<(), Fault> {
        let at = self.ready(selector)?;
        if self.touch.get() {
            let finger = json!([{ "x": at["x"], "y": at["y"] }]);
            self.call(
                "Input.dispatchTouchEvent",
                &json!({ "type": "touchStart", "touchPoints": finger }),
            )?;
            self.call(
                "Input.dispatchTouchEvent",
                &json!({ "type": "touchEnd", "touchPoints": [] }),
            )?;
            return Ok(());
        }
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({ "type": kind, "x": at["x"], "y": at["y"], "button": button, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    /// Replaces what stands in a field by `text`, which comes as if pasted.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) {
        self.must(&format!("fill {selector}"), self.try_fill(selector, text));
    }

    fn try_fill(&self, selector: &str, text: &str) -> Result<(), Fault> {
        self.ready(selector)?;
        // A date field is three small fields whose order depends on the language: it gets its value whole.
        let kind = self.element(selector, "element.focus(), element.type || ''")?;
        if ["date", "time", "month", "datetime-local", "color", "range"]
            .contains(&kind.as_str().unwrap_or_default())
        {
            return self.set_value(selector, text);
        }
        self.strike("Control+a")?;
        if text.is_empty() {
            return self.strike("Delete");
        }
        self.call("Input.insertText", &json!({ "text": text }))
            .map(drop)
    }

    /// Types `text` key by key into whatever has the focus, as a person or a hardware scanner does; `\n` is Enter.
    #[track_caller]
    pub fn type_keys(&self, text: &str) {
        for letter in text.chars() {
            let key = if letter == '\n' {
                "Enter".to_owned()
            } else {
                letter.to_string()
            };
            self.must("type", self.strike(&key));
        }
    }

    /// Presses one key: `Enter`, `Tab`, `Escape`, `Space`, `ArrowDown`, `a`, `Shift+Tab` …
    #[track_caller]
    pub fn press(&self, key: &str) {
        self.must(&format!("press {key}"), self.strike(key));
    }

    fn strike(&self, key: &str) -> Result<(), Fault> {
        let events =
            keyboard::stroke(key).ok_or_else(|| Fault::new(format!("there is no key `{key}`")))?;
        events
            .iter()
            .try_for_each(|event| self.call("Input.dispatchKeyEvent", event).map(drop))
    }

    /// Chooses the option with this value.
    #[track_caller]
    pub fn select(&self, selector: &str, value: &str) {
        let offered = format!(
            "[...element.options].some(option => option.value === {})",
            json!(value)
        );
        let chosen = self
            .ready(selector)
            .and_then(|_| self.element(selector, &offered))
            .and_then(|offered| {
                if offered == true {
                    self.set_value(selector, value)
                } else {
                    Err(Fault::new("it has no such option"))
                }
            });
        self.must(&format!("select {value} in {selector}"), chosen);
    }

    fn set_value(&self, selector: &str, value: &str) -> Result<(), Fault> {
        let events = "['input', 'change'].forEach(name => element.dispatchEvent(new Event(name, { bubbles: true })))";
        self.element(
            selector,
            &format!(
                "(element.focus(), element.value = {}, {events})",
                json!(value)
            ),
        )
        .map(drop)
    }

    /// Chooses a file, as in the system's file dialogue.
    #[track_caller]
    pub fn upload(&self, selector: &str, file: &Path) {
        self.must(
            &format!("upload {}", file.display()),
            self.try_upload(selector, file),
        );
    }

    fn try_upload(&self, selector: &str, file: &Path) -> Result<(), Fault> {
        // File inputs are often hidden behind a label, so it is enough that the element is there.
        self.until(|| self.look(&format!("{FINDER}.count({}) === 1", json!(selector))))?;
        let expression = format!("{FINDER}.one({})", json!(selector));
        let object = self.call("Runtime.evaluate", &json!({ "expression": expression }))?["result"]
            ["objectId"]
            .take();
        let file = fs::canonicalize(file).map_err(|error| Fault::new(error.to_string()))?;
        self.call(
            "DOM.setFileInputFiles",
            &json!({ "files": [file], "objectId": object }),
        )
        .map(drop)
    }

    /// Waits until at least one element matches and is visible.
    #[track_caller]
    pub fn wait_for(&self, selector: &str) {
        let shown = format!("{FINDER}.shown({})", json!(selector));
        self.must(
            &format!("wait for {selector}"),
            self.until(|| self.look(&shown)),
        );
    }

    /// Waits until no element that matches is visible any more.
    #[track_caller]
    pub fn wait_until_gone(&self, selector: &str) {
        let gone = format!("!{FINDER}.shown({})", json!(selector));
        self.must(
            &format!("wait until {selector} is gone"),
            self.until(|| self.look(&gone)),
        );
    }

    /// Waits until the page shows this text somewhere.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str) {
        self.wait_until(&format!(
            "document.body.innerText.includes({})",
            json!(text)
        ));
    }

    /// Waits until a JavaScript expression is true.
    #[track_caller]
    pub fn wait_until(&self, js: &str) {
        self.must(&format!("wait until {js}"), self.until(|| self.look(js)));
    }

    /// Whether the page shows this text at this moment.
    #[track_caller]
    pub fn shows(&self, text: &str) -> bool {
        self.eval(&format!(
            "document.body.innerText.includes({})",
            json!(text)
        )) == true
    }

    /// The text of the element as it is shown, or the value of a field.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let text = self
            .until(|| self.look(&format!("{FINDER}.count({}) === 1", json!(selector))))
            .and_then(|()| self.element(selector, "element.matches('input, select, textarea') ? element.value : element.innerText.trim()"));
        self.must(&format!("text of {selector}"), text)
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// How many elements match at this moment.
    #[track_caller]
    pub fn count(&self, selector: &str) -> u64 {
        self.eval(&format!("{FINDER}.count({})", json!(selector)))
            .as_u64()
            .unwrap_or_default()
    }

    /// Where the page is.
    #[track_caller]
    pub fn url(&self) -> String {
        self.eval("location.href")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The value of a JavaScript expression; a promise is waited for.
    #[track_caller]
    pub fn eval(&self, js: &str) -> Value {
        self.must(&format!("eval {js}"), self.look(js))
    }

    /// Writes a PNG of what is visible.
    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        self.must("screenshot", self.try_screenshot(path));
    }

    fn try_screenshot(&self, path: &Path) -> Result<(), Fault> {
        let picture = self.call("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let bytes = bytes_of_base64(picture["data"].as_str().unwrap_or_default());
        fs::write(path, bytes).map_err(|error| Fault::new(format!("{}: {error}", path.display())))
    }

    /// The size of the window in CSS pixels; with `touch` the page sees a tablet or a phone, and clicks become taps.
    #[track_caller]
    pub fn set_viewport(&self, width: u32, height: u32, touch: bool) {
        self.touch.set(touch);
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch });
        let set = self
            .call("Emulation.setDeviceMetricsOverride", &size)
            .and_then(|_| {
                self.call(
                    "Emulation.setTouchEmulationEnabled",
                    &json!({ "enabled": touch, "maxTouchPoints": 5 }),
                )
            });
        self.must("set viewport", set);
    }

    /// The language the visitor's browser asks for from now on.
    #[track_caller]
    pub fn prefer_language(&self, language: &str) {
        let headers = json!({ "headers": { "Accept-Language": language } });
        self.must(
            "prefer language",
            self.call("Network.setExtraHTTPHeaders", &headers),
        );
    }

    /// Lets the pages run scripts, or not; holds from the next page on. What the test itself evaluates still runs.
    #[track_caller]
    pub fn run_scripts(&self, run: bool) {
        let disabled = json!({ "value": !run });
        self.must(
            "run scripts",
            self.call("Emulation.setScriptExecutionDisabled", &disabled),
        );
    }

    /// Takes the network away from the page and its workers, or gives it back.
    #[track_caller]
    pub fn offline(&self, offline: bool) {
        self.offline.set(offline);
        self.must("offline", self.absorb());
        for worker in self.workers.borrow().clone() {
            // A service worker has a network of its own; another worker has its page's, and says so.
            let _its_pages = self.set_network_of(&worker);
        }
        self.must("offline", self.set_network_of(&self.session));
    }

    fn set_network_of(&self, session: &str) -> Result<(), Fault> {
        let conditions = json!({
            "offline": self.offline.get(), "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.wire
            .borrow_mut()
            .call(session, "Network.emulateNetworkConditions", &conditions)
            .map(drop)
    }

    /// What a screen reader is told, as indented text: role, name, value and states, one element a line.
    #[track_caller]
    pub fn accessibility_tree(&self) -> String {
        let nodes = self.call("Accessibility.getFullAXTree", &json!({}));
        accessibility::tree(&self.must("accessibility tree", nodes)["nodes"])
    }

    /// What axe-core finds against WCAG 2.0, 2.1 and 2.2, levels A and AA.
    #[track_caller]
    pub fn axe(&self) -> Vec<Violation> {
        if self.eval("typeof axe === 'undefined'") == true {
            // Only its effect is wanted; its value could not be sent.
            self.must("axe", self.look(&format!("{}\n;true", accessibility::AXE)));
        }
        accessibility::violations(&self.eval(accessibility::AXE_RUN))
    }

    /// Fails if axe-core finds anything.
    #[track_caller]
    pub fn assert_accessible(&self) {
        let found: Vec<String> = self.axe().iter().map(Violation::to_string).collect();
        if !found.is_empty() {
            self.fail("the page is accessible", &Fault::new(found.join("\n")));
        }
    }

    /// What the page should not have caused so far: console errors, violations of its content security policy, requests to
    /// other hosts.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        self.must("complaints", self.absorb());
        self.complaints.borrow().list.clone()
    }

    /// Takes back every complaint that contains `text`, which the test provoked (`422` after a wrong form); fails if none does.
    #[track_caller]
    pub fn expect_complaint(&self, text: &str) {
        let heard = self.until(|| {
            self.look("0")?;
            Ok(Value::from(
                self.complaints
                    .borrow()
                    .list
                    .iter()
                    .any(|complaint| complaint.contains(text)),
            ))
        });
        self.must(&format!("a complaint about {text}"), heard);
        self.complaints
            .borrow_mut()
            .list
            .retain(|complaint| !complaint.contains(text));
    }

    /// Fails if the page caused any complaint that was not expected.
    #[track_caller]
    pub fn assert_clean(&self) {
        let complaints = self.complaints();
        if !complaints.is_empty() {
            self.fail("no complaint", &Fault::new(complaints.join("\n")));
        }
    }

    /// Waits until the element can be used; answers where its middle is.
    fn ready(&self, selector: &str) -> Result<Value, Fault> {
        let place = format!("{FINDER}.place({})", json!(selector));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let place = self
                .look(&place)
                .unwrap_or_else(|fault| json!({ "not": fault.to_string() }));
            let Some(reason) = place["not"].as_str() else {
                return Ok(place);
            };
            if Instant::now() > deadline {
                return Err(Fault::new(format!("it is not {reason}")));
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// An expression about the one `element` that matches.
    fn element(&self, selector: &str, expression: &str) -> Result<Value, Fault> {
        self.look(&format!(
            "(element => ({expression}))({FINDER}.one({}))",
            json!(selector)
        ))
    }

    /// Looks until it is so, or the deadline passes. While a page is being left there is nothing to look at: not so yet.
    fn until(&self, look: impl Fn() -> Result<Value, Fault>) -> Result<(), Fault> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = look();
            if matches!(seen, Ok(Value::Bool(true))) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let why = seen
                    .err()
                    .map(|fault| format!(": {fault}"))
                    .unwrap_or_default();
                return Err(Fault::new(format!(
                    "not within {} s{why}",
                    PATIENCE.as_secs()
                )));
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn look(&self, js: &str) -> Result<Value, Fault> {
        let wanted = json!({ "expression": js, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut answer = self.call("Runtime.evaluate", &wanted)?;
        if answer["exceptionDetails"].is_object() {
            return Err(Fault::new(thrown(&answer["exceptionDetails"])));
        }
        Ok(answer["result"]["value"].take())
    }

    fn call(&self, method: &str, params: &Value) -> Result<Value, Fault> {
        let answer = self.wire.borrow_mut().call(&self.session, method, params);
        self.absorb()?;
        answer
    }

    /// Takes in what the browser told about this page and its workers.
    fn absorb(&self) -> Result<(), Fault> {
        let events = self.wire.borrow_mut().take_events(&self.session);
        for event in events {
            if event.method == "Target.attachedToTarget" {
                self.watch(event.params["sessionId"].as_str().unwrap_or_default());
            }
            self.complaints
                .borrow_mut()
                .hear(&event.method, &event.params);
        }
        let workers = self.workers.borrow().clone();
        for worker in workers {
            for event in self.wire.borrow_mut().take_events(&worker) {
                self.complaints
                    .borrow_mut()
                    .hear(&event.method, &event.params);
            }
        }
        Ok(())
    }

    /// A worker of this page, from now on heard like the page itself. It may be gone already, which is its right.
    fn watch(&self, worker: &str) {
        for domain in ["Runtime.enable", "Network.enable", "Log.enable"] {
            let _some_workers_lack_some_domains =
                self.wire.borrow_mut().call(worker, domain, &json!({}));
        }
        if self.offline.get() {
            let _gone = self.set_network_of(worker);
        }
        self.workers.borrow_mut().push(worker.to_owned());
    }

    #[track_caller]
    fn must<T>(&self, wanted: &str, outcome: Result<T, Fault>) -> T {
        match outcome {
            Ok(value) => value,
            Err(fault) => self.fail(wanted, &fault),
        }
    }

    /// Ends the test with all that helps to see why.
    #[track_caller]
    fn fail(&self, wanted: &str, fault: &Fault) -> ! {
        let text = |js: &str| {
            self.look(js)
                .map_or_else(|fault| fault.to_string(), |value| value.to_string())
        };
        let (url, picture) = (text("location.href"), picture_of_failure());
        let pictured = match self.try_screenshot(&picture) {
            Ok(()) => picture.display().to_string(),
            Err(fault) => fault.to_string(),
        };
        let complaints = self.complaints.borrow().list.join("\n  ");
        let shown = text("document.body.innerText.slice(0, 2000)");
        panic!(
            "{wanted}: {fault}\nat {url}\npicture: {pictured}\ncomplaints: {complaints}\nshown: {shown}"
        );
    }
}

/// A new file in the folder `$SESSHU_BROWSER_FAILURES`, or in one of the system's temporary folder.
fn picture_of_failure() -> PathBuf {
    let folder = env::var_os("SESSHU_BROWSER_FAILURES").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| env::temp_dir().join("sesshu-browser-failures"));
    // If it cannot be made, writing the picture will say why.
    let _made = fs::create_dir_all(&folder);
    let name: String = thread::current()
        .name()
        .unwrap_or("page")
        .replace("::", "-");
    folder.join(format!("{name}-{}.png", std::process::id()))
}

/// What the browser's base64 says; signs that are none (padding) end it.
fn bytes_of_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for sign in text.bytes() {
        let six = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(((held >> bits) & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_whatever_its_length() {
        assert_eq!(bytes_of_base64(""), b"");
        assert_eq!(bytes_of_base64("Zg=="), b"f");
        assert_eq!(bytes_of_base64("Zm8="), b"fo");
        assert_eq!(bytes_of_base64("Zm9v"), b"foo");
        assert_eq!(bytes_of_base64("iVBORw0KGgo="), b"\x89PNG\r\n\x1a\n");
    }
}
