use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

/// Every text of a language by its id (`message` or `message.part`), with the variables in it.
fn variables(locale: Locale) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (file, text) in sources(locale) {
        let mut message = String::new();
        let mut id = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let head = line.split_once(" =").map(|(head, _)| head);
            if let Some(head) =
                head.filter(|head| head.starts_with(|c: char| c.is_ascii_alphabetic()))
            {
                head.clone_into(&mut message);
                id.clone_from(&message);
                let is_new = found.insert(id.clone(), BTreeSet::new()).is_none();
                assert!(is_new, "{file}: {id} is there twice");
            } else if let Some(part) = head.and_then(|head| head.strip_prefix("    .")) {
                id = format!("{message}.{part}");
                found.insert(id.clone(), BTreeSet::new());
            }
            for after in line.split('$').skip(1) {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
                let name = &after[..end.unwrap_or(after.len())];
                // What somebody else said in the reader's language: `why_ja` here is `why_en` there.
                let tail = format!("_{}", locale.tag());
                let name = name.strip_suffix(&tail).unwrap_or(name).to_owned();
                found.get_mut(&id).unwrap().insert(name);
            }
        }
    }
    found
}

/// The program's text and its templates.
fn program() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![
        root.join("src"),
        root.join("templates"),
        root.join("assets/tablet"),
    ];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|kind| kind == "rs" || kind == "html" || kind == "js")
                && !path.ends_with("locale_tests.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let is_code = |line: &&str| !line.trim_start().starts_with("//");
                let code: Vec<&str> = text.lines().filter(is_code).collect();
                files.push((path.display().to_string(), code.join("\n")));
            }
        }
    }
    files
}

/// A text id as it is used: written out, or the front of one that is put together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Used {
    Whole(String),
    Front(String),
}

/// The string literal, or the front of the `format!`, right after each place where `call` is written.
fn literals_after(text: &str, call: &str) -> Vec<Used> {
    text.match_indices(call)
        .filter_map(|(at, _)| {
            let rest = text[at + call.len()..].trim_start();
            let (rest, is_format) = match rest.trim_start_matches('&').strip_prefix("format!(") {
                Some(inner) => (inner, true),
                None => (rest, false),
            };
            let literal = rest.strip_prefix('"')?.split('"').next()?;
            Some(match literal.split_once('{') {
                Some((front, _)) if is_format => Used::Front(front.to_owned()),
                _ => Used::Whole(literal.to_owned()),
            })
        })
        .collect()
}

fn used_in(text: &str) -> Vec<Used> {
    let named = [
        ".t(",
        ".t1(",
        ".t2(",
        ".t_with(",
        ".titled(",
        ".titled_with(",
        "data-t=",
        "data-aria=",
    ];
    let mut used: Vec<_> = named
        .iter()
        .flat_map(|call| literals_after(text, call))
        .collect();
    let problems = ["bad_request(", "conflict(", "unprocessable("];
    for call in problems {
        for found in literals_after(text, &format!("Problem::{call}")) {
            let Used::Whole(code) = found else { continue };
            used.extend(
                ["title", "detail", "todo"]
                    .map(|part| Used::Whole(format!("problem-{code}.{part}"))),
            );
        }
    }
    used
}

#[test]
fn every_file_of_texts_can_be_read() {
    for locale in Locale::ALL {
        let files = sources(locale);
        assert!(!files.is_empty());
        for (file, text) in files {
            if let Err((_, errors)) = FluentResource::try_new(text) {
                panic!("{file}: {errors:?}");
            }
        }
    }
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_variables() {
    let (ja, en) = (variables(Locale::Ja), variables(Locale::En));
    for (id, names) in &ja {
        assert_eq!(en.get(id), Some(names), "{id} in English");
    }
    for id in en.keys() {
        assert!(ja.contains_key(id), "{id} in Japanese");
    }
}

#[test]
fn every_text_that_is_used_is_there() {
    let known = variables(Locale::Ja);
    let missing: Vec<_> = program()
        .iter()
        .flat_map(|(file, text)| {
            used_in(text)
                .into_iter()
                .map(move |used| (file.clone(), used))
        })
        .filter(|(_, used)| match used {
            Used::Whole(id) => !known.contains_key(id),
            Used::Front(front) => !known.keys().any(|id| id.starts_with(front)),
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn no_text_lies_unused() {
    let program: String = program().into_iter().map(|(_, text)| text).collect();
    let fronts: BTreeSet<&str> = program
        .match_indices("-{")
        .filter_map(|(at, _)| program[..=at].rsplit('"').next())
        .filter(|front| front.len() > 2 && !front.contains(char::is_whitespace))
        .collect();
    let unused: Vec<_> = variables(Locale::Ja)
        .into_keys()
        .map(|id| id.split('.').next().unwrap().to_owned())
        .filter(|id| {
            let code = id
                .strip_prefix("problem-")
                .or_else(|| id.strip_prefix("notice-"));
            let is_code = code.is_some_and(|code| program.contains(&format!("\"{code}\"")));
            let is_put_together = fronts
                .iter()
                .any(|front| !["problem-", "notice-"].contains(front) && id.starts_with(front));
            let is_written = [format!("\"{id}\""), format!("\"{id}.")]
                .iter()
                .any(|id| program.contains(id));
            !is_code && !is_put_together && !is_written
        })
        .collect();
    assert!(unused.is_empty(), "{unused:#?}");
}

#[test]
fn every_form_that_changes_something_carries_the_token_first() {
    for (file, text) in program().iter().filter(|(file, _)| file.ends_with(".html")) {
        for (at, _) in text.match_indices("<form") {
            let (tag, inside) = text[at..].split_once('>').unwrap();
            // Nobody is logged in yet where the login is sent from.
            if !tag.contains("method=\"post\"") || tag.contains("action=\"/login\"") {
                continue;
            }
            let first = inside.trim_start();
            assert!(
                first.starts_with(
                    "<input type=\"hidden\" name=\"csrf\" value=\"{{ page.csrf() }}\">"
                ),
                "{file}: {tag}"
            );
        }
    }
}

#[test]
fn japanese_comes_first_and_a_choice_is_kept() {
    let of = |query: Option<&str>, cookie: &str, accept: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, cookie.parse().unwrap());
        headers.insert(ACCEPT_LANGUAGE, accept.parse().unwrap());
        Locale::of(query, &headers).0
    };
    assert_eq!(of(None, "", ""), Locale::Ja);
    assert_eq!(of(None, "", "fr, de;q=0.8"), Locale::Ja);
    assert_eq!(of(None, "", "en-US,en;q=0.9,ja;q=0.8"), Locale::En);
    assert_eq!(of(None, "", "en;q=0.5, ja;q=0.9"), Locale::Ja);
    assert_eq!(of(None, "a=b; lang=en", "ja"), Locale::En);
    assert_eq!(of(Some("x=1&lang=ja"), "lang=en", "en"), Locale::Ja);
    assert_eq!(of(Some("lang=xx"), "lang=en", "ja"), Locale::En);
}

#[test]
fn a_text_is_filled_in() {
    let texts = Texts::new(Locale::En);
    assert_eq!(texts.t("problem-not_found.title"), "Not found");
    let wait = texts.t_with("problem-too_many_logins.todo", &[("seconds", "7")]);
    assert_eq!(wait, "Wait 7 seconds, then log in again.");
    assert!(!texts.has("notice-nothing-of-the-kind"));
}
