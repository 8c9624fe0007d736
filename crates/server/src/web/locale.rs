//! Japanese first, English complete: the texts of pages and problems.
//!
//! The texts are Fluent files under `texts/ja` and `texts/en`, one pair for each room of the
//! program. A text id used anywhere is in both, with the same variables; tests see to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use rust_embed::RustEmbed;
use unic_langid::LanguageIdentifier;

use crate::state::App;

/// The cookie that remembers a choice of language.
const COOKIE_NAME: &str = "lang";
/// A year.
const COOKIE_SECONDS: u32 = 365 * 24 * 60 * 60;

#[derive(RustEmbed)]
#[folder = "texts/"]
struct TextFiles;

/// A language of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locale {
    /// Japanese, the first.
    #[default]
    Ja,
    /// English.
    En,
}

impl Locale {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// As in `lang="…"`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The language of a tag, whatever its region.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        match tag
            .split(['-', '_'])
            .next()?
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            "ja" => Some(Self::Ja),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    fn langid(self) -> LanguageIdentifier {
        // Both tags are well-formed; the undetermined language would only lose the plural rules.
        self.tag().parse().unwrap_or_default()
    }

    /// What the request asks for: its query, its cookie, its browser; Japanese otherwise.
    fn of(query: Option<&str>, headers: &HeaderMap) -> (Self, bool) {
        if let Some(chosen) = query.and_then(chosen_in) {
            return (chosen, true);
        }
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let kept = text(COOKIE).and_then(|cookies| {
            cookies.split(';').find_map(|cookie| {
                let (name, value) = cookie.trim().split_once('=')?;
                if name == COOKIE_NAME {
                    Self::parse(value)
                } else {
                    None
                }
            })
        });
        let preferred = || text(ACCEPT_LANGUAGE).and_then(preferred_in);
        (kept.or_else(preferred).unwrap_or_default(), false)
    }
}

fn chosen_in(query: &str) -> Option<Locale> {
    query
        .split('&')
        .find_map(|pair| Locale::parse(pair.strip_prefix("lang=")?))
}

/// The better ranked of our languages in an `Accept-Language` header.
fn preferred_in(header: &str) -> Option<Locale> {
    let mut best: Option<(Locale, u32)> = None;
    for part in header.split(',') {
        let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
        let Some(locale) = Locale::parse(tag) else {
            continue;
        };
        // Thousandths, as the header allows three places.
        let weight = (weight.trim().parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=1000 above"
        )]
        let weight = weight as u32;
        if weight > best.map_or(0, |(_, least)| least) {
            best = Some((locale, weight));
        }
    }
    best.map(|(locale, _)| locale)
}

/// The texts of one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    locale: Locale,
}

impl Texts {
    /// The texts of a language.
    #[must_use]
    pub fn new(locale: Locale) -> Self {
        Self { locale }
    }

    /// The texts for a request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        Self {
            locale: extensions.get::<Locale>().copied().unwrap_or_default(),
        }
    }

    /// Which language.
    #[must_use]
    pub fn locale(self) -> Locale {
        self.locale
    }

    /// The text of an id; `message.part` is an attribute.
    #[must_use]
    pub fn t(self, id: &str) -> String {
        self.format(id, None)
    }

    /// The text of an id with its variables: strings, or numbers where the text counts them.
    #[must_use]
    pub fn t_with<'a, V>(self, id: &str, args: &[(&'a str, V)]) -> String
    where
        V: Clone + Into<FluentValue<'a>>,
    {
        let args: FluentArgs<'a> = args
            .iter()
            .map(|(name, value)| (*name, value.clone().into()))
            .collect();
        self.format(id, Some(&args))
    }

    /// Whether there is such a text: for ids that come from outside.
    #[must_use]
    pub fn has(self, id: &str) -> bool {
        bundle(self.locale)
            .get_message(id)
            .is_some_and(|message| message.value().is_some())
    }

    /// Every text whose id is wanted, with `{name}` where a variable goes: for a script that fills it in itself. A text
    /// that counts is the one for many.
    #[must_use]
    pub fn with_gaps(self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let sources = sources(self.locale);
        let variables: BTreeSet<&str> = sources
            .iter()
            .flat_map(|(_, text)| text.split('$').skip(1))
            .filter_map(|after| {
                after
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .next()
            })
            .collect();
        let gaps: FluentArgs<'_> = variables
            .into_iter()
            .map(|name| (name, FluentValue::from(format!("{{{name}}}"))))
            .collect();
        let mut message = "";
        let mut found = BTreeMap::new();
        for line in sources.iter().flat_map(|(_, text)| text.lines()) {
            let Some((head, _)) = line.split_once(" =") else {
                continue;
            };
            let id = match head.strip_prefix("    .") {
                Some(part) => format!("{message}.{part}"),
                None if head.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    message = head;
                    head.to_owned()
                }
                None => continue,
            };
            if wanted(&id) {
                let text = self.format(&id, Some(&gaps));
                found.insert(id, text);
            }
        }
        found
    }

    fn format(self, id: &str, args: Option<&FluentArgs<'_>>) -> String {
        let (message, part) = match id.split_once('.') {
            Some((message, part)) => (message, Some(part)),
            None => (id, None),
        };
        let bundle = bundle(self.locale);
        let pattern = bundle.get_message(message).and_then(|message| match part {
            Some(part) => message
                .get_attribute(part)
                .map(|attribute| attribute.value()),
            None => message.value(),
        });
        // A missing text fails the tests; on a page its id is better than nothing.
        pattern.map_or_else(
            || id.to_owned(),
            |pattern| {
                bundle
                    .format_pattern(pattern, args, &mut Vec::new())
                    .into_owned()
            },
        )
    }
}

fn bundle(locale: Locale) -> &'static FluentBundle<FluentResource> {
    static JA: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
    static EN: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
    let kept = match locale {
        Locale::Ja => &JA,
        Locale::En => &EN,
    };
    kept.get_or_init(|| {
        let mut bundle = FluentBundle::new_concurrent(vec![locale.langid()]);
        // The marks would end up in titles and in the names that screen readers spell.
        bundle.set_use_isolating(false);
        for (_, text) in sources(locale) {
            // What cannot be read or comes twice fails the tests; the rest of the file is good.
            let resource = FluentResource::try_new(text).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        bundle
    })
}

/// The files of a language, by name.
fn sources(locale: Locale) -> Vec<(String, String)> {
    let folder = format!("{}/", locale.tag());
    let mut files: Vec<(String, String)> = TextFiles::iter()
        .filter(|path| path.starts_with(&folder))
        .filter_map(|path| {
            let file = TextFiles::get(&path)?;
            Some((
                path.into_owned(),
                String::from_utf8_lossy(&file.data).into_owned(),
            ))
        })
        .collect();
    files.sort();
    files
}

/// Finds the language of each request and keeps a choice made in the query.
pub(crate) async fn choose(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (locale, chosen) = Locale::of(request.uri().query(), request.headers());
    request.extensions_mut().insert(locale);
    let mut response = next.run(request).await;
    if chosen {
        let secure = if app.address_is_https { "; Secure" } else { "" };
        let cookie = format!(
            "{COOKIE_NAME}={}; Path=/; Max-Age={COOKIE_SECONDS}; SameSite=Lax; HttpOnly{secure}",
            locale.tag()
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

impl FromRequestParts<App> for Texts {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

#[cfg(test)]
#[path = "locale_tests.rs"]
mod tests;
