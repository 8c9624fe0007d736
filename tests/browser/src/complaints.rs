//! What a page must not cause: console errors, violations of the content security policy, requests to other hosts.

use serde_json::Value;

/// The complaints about one page since it was opened, in order.
#[derive(Default)]
pub(crate) struct Complaints {
    pub list: Vec<String>,
    /// `http://127.0.0.1:8080`: the servers under test.
    own_origins: Vec<String>,
}

impl Complaints {
    /// The server of `url` is one of those under test.
    pub fn own(&mut self, url: &str) {
        let origin = origin(url);
        if !self.own_origins.contains(&origin) {
            self.own_origins.push(origin);
        }
    }

    /// Looks at one event of the browser.
    pub fn hear(&mut self, method: &str, params: &Value) {
        let complaint = match method {
            "Log.entryAdded" => logged(&params["entry"]),
            "Runtime.consoleAPICalled" => console(params),
            "Runtime.exceptionThrown" => Some(format!(
                "exception: {}",
                thrown(&params["exceptionDetails"])
            )),
            "Network.requestWillBeSent" => {
                self.request(params["request"]["url"].as_str().unwrap_or_default())
            }
            "Network.webSocketCreated" => self.request(params["url"].as_str().unwrap_or_default()),
            _ => None,
        };
        self.list.extend(complaint);
    }

    fn request(&self, url: &str) -> Option<String> {
        let travels = ["http:", "https:", "ws:", "wss:"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        let as_page = url.replacen("ws", "http", usize::from(url.starts_with("ws")));
        (travels && !self.own_origins.contains(&origin(&as_page)))
            .then(|| format!("request to another host: {url}"))
    }
}

/// What a script threw, with the place if it is known.
pub(crate) fn thrown(details: &Value) -> String {
    let said = details["exception"]["description"]
        .as_str()
        .or(details["exception"]["value"].as_str());
    said.or(details["text"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn logged(entry: &Value) -> Option<String> {
    let text = entry["text"].as_str().unwrap_or_default();
    let policy = text.contains("Content Security Policy");
    let kind = if policy {
        "content security policy"
    } else {
        "error"
    };
    let place = entry["url"].as_str().unwrap_or_default();
    (policy || entry["level"] == "error").then(|| format!("{kind}: {text} ({place})"))
}

fn console(params: &Value) -> Option<String> {
    let serious = params["type"] == "error" || params["type"] == "assert";
    let words = params["args"].as_array().into_iter().flatten().map(|word| {
        let text = word["value"].as_str().or(word["description"].as_str());
        text.map_or_else(|| word["value"].to_string(), str::to_owned)
    });
    serious.then(|| format!("console: {}", words.collect::<Vec<_>>().join(" ")))
}

/// `http://host:port/path?query` → `http://host:port`
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(method: &str, params: &Value) -> Option<String> {
        let mut complaints = Complaints::default();
        complaints.own("http://127.0.0.1:8080/login");
        complaints.hear(method, params);
        complaints.list.pop()
    }

    #[test]
    fn only_other_hosts_are_complained_about() {
        let request = |url: &str| {
            check(
                "Network.requestWillBeSent",
                &json!({ "request": { "url": url } }),
            )
        };
        for own in [
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080?x",
            "data:image/png;base64,AA",
            "blob:http://x/1",
        ] {
            assert_eq!(request(own), None, "{own}");
        }
        for other in [
            "http://127.0.0.1:8081/",
            "https://127.0.0.1:8080/",
            "https://fonts.example/a.css",
            "ws://a.example/",
        ] {
            assert!(request(other).is_some(), "{other}");
        }
        assert_eq!(
            check(
                "Network.webSocketCreated",
                &json!({ "url": "ws://127.0.0.1:8080/live" })
            ),
            None
        );
    }

    #[test]
    fn warnings_are_none_but_a_broken_policy_is() {
        let log = |level: &str, text: &str| {
            check(
                "Log.entryAdded",
                &json!({ "entry": { "level": level, "text": text, "url": "http://127.0.0.1:8080/" } }),
            )
        };
        assert_eq!(log("warning", "slow"), None);
        assert!(log("error", "404").is_some());
        assert!(
            log(
                "info",
                "violates the following Content Security Policy directive"
            )
            .is_some()
        );
    }

    #[test]
    fn what_a_script_says_is_readable() {
        let said = check(
            "Runtime.consoleAPICalled",
            &json!({ "type": "error", "args": [{ "value": "no" }, { "value": 3 }] }),
        );
        assert_eq!(said.as_deref(), Some("console: no 3"));
        assert_eq!(
            check(
                "Runtime.consoleAPICalled",
                &json!({ "type": "log", "args": [] })
            ),
            None
        );
    }
}
