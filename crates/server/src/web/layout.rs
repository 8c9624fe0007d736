//! What every page has in common: head, language, navigation, and the words around a problem.

use std::fmt::Display;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::access::Action;
use fluent_bundle::FluentValue;

use crate::state::App;
use crate::web::assets;
use crate::web::locale::{Locale, Texts};
use crate::web::me::{Identity, Me};
use crate::web::problem::Problem;
use crate::web::routes::Guard;

/// The pages in the head, in this order, each for those who may.
pub const NAVIGATION: &[(&str, &str, Guard)] = &[
    ("/", "nav-home", Guard::LoggedIn),
    ("/venue/read", "nav-read", Guard::May(Action::ReadCoupon)),
    ("/venue/today", "nav-today", Guard::May(Action::SeeVenueDay)),
    ("/venue/day", "nav-day", Guard::May(Action::SeeVenueDay)),
    ("/venue/stock", "nav-stock", Guard::May(Action::SeeStock)),
    (
        "/venue/temperatures",
        "nav-temperatures",
        Guard::May(Action::SeeStock),
    ),
    (
        "/venue/leftover",
        "nav-leftover",
        Guard::May(Action::OfferLeftover),
    ),
    (
        "/venue/settings",
        "nav-settings",
        Guard::May(Action::SetDay),
    ),
    ("/venue/pack", "nav-pack", Guard::May(Action::RecordDose)),
    (
        "/venue/drafts",
        "nav-drafts",
        Guard::May(Action::RecordDose),
    ),
    (
        "/venue/reports",
        "nav-reports",
        Guard::May(Action::SeeVenueDay),
    ),
    (
        "/venue/record",
        "venue-title",
        Guard::May(Action::KeepVenue),
    ),
    (
        "/venue/contract",
        "contract-title",
        Guard::May(Action::MakeMandate),
    ),
    (
        "/deliveries",
        "nav-deliveries",
        Guard::May(Action::RegisterDelivery),
    ),
    (
        "/own-codes",
        "own-codes-title",
        Guard::May(Action::KeepOwnCodes),
    ),
    (
        "/mandates",
        "mandates-title",
        Guard::May(Action::ConfirmMandates),
    ),
    ("/lots", "nav-lots", Guard::LoggedIn),
    ("/lots/recall", "nav-recall", Guard::May(Action::KeepLots)),
    (
        "/allocations",
        "nav-allocations",
        Guard::May(Action::SeeAllocations),
    ),
    ("/monitor", "monitor-title", Guard::May(Action::SeeSupply)),
    (
        "/supplies",
        "supplies-title",
        Guard::May(Action::KeepSupply),
    ),
    ("/city", "nav-city", Guard::May(Action::SeeLedger)),
    ("/city/people", "nav-people", Guard::May(Action::SeePerson)),
    ("/city/ledger", "nav-ledger", Guard::May(Action::SeeLedger)),
    (
        "/city/pending",
        "nav-pending",
        Guard::May(Action::SeeLedger),
    ),
    (
        "/city/findings",
        "nav-findings",
        Guard::May(Action::SeeFindings),
    ),
    (
        "/city/residents",
        "nav-residents",
        Guard::May(Action::LoadResidents),
    ),
    (
        "/city/records",
        "paper-title",
        Guard::May(Action::CorrectRecord),
    ),
    (
        "/city/coupons",
        "nav-coupons",
        Guard::May(Action::IssueCoupons),
    ),
    ("/city/packs", "nav-pack", Guard::May(Action::IssueCoupons)),
    ("/city/orders", "nav-orders", Guard::May(Action::OrderVials)),
    ("/city/recall", "nav-trace", Guard::May(Action::TraceLot)),
    (
        "/city/leftover",
        "nav-leftover-city",
        Guard::May(Action::KeepStandby),
    ),
    (
        "/city/exports",
        "exports-title",
        Guard::May(Action::ExportLedger),
    ),
    (
        "/city/reports",
        "nav-reports",
        Guard::May(Action::SeePerson),
    ),
    (
        "/city/register",
        "nav-register",
        Guard::May(Action::SeeLedger),
    ),
    (
        "/city/inquiries",
        "nav-inquiries",
        Guard::May(Action::FindByNumber),
    ),
    (
        "/city/looks",
        "looks-title",
        Guard::May(Action::SeeAccessLog),
    ),
    (
        "/statistics",
        "nav-statistics",
        Guard::May(Action::SeeStatistics),
    ),
    ("/venues", "venues-title", Guard::May(Action::SeeVenues)),
    (
        "/venues/temperatures",
        "excursions-title",
        Guard::May(Action::SeeVenues),
    ),
    (
        "/code-applications",
        "code-applications-title",
        Guard::May(Action::IssueCodes),
    ),
    (
        "/tablets",
        "devices-title",
        Guard::May(Action::ManageAccounts),
    ),
    (
        "/accounts",
        "nav-accounts",
        Guard::May(Action::ManageAccounts),
    ),
];

/// Rooms of the head: pages that belong together, by the id of the room's name. A page that is in none,
/// and whatever is the only page of its room that somebody may open, stands in the first line by itself.
pub const ROOMS: &[(&str, &[&str])] = &[
    ("room-venue", &["/venue/record", "/venue/contract"]),
    (
        "room-supply",
        &[
            "/lots",
            "/lots/recall",
            "/allocations",
            "/monitor",
            "/supplies",
        ],
    ),
    (
        "room-desk",
        &["/city", "/city/ledger", "/city/pending", "/city/findings"],
    ),
    (
        "room-people",
        &["/city/people", "/city/residents", "/city/inquiries"],
    ),
    (
        "room-files",
        &["/city/records", "/city/packs", "/city/exports"],
    ),
    ("room-register", &["/city/reports", "/city/register"]),
    (
        "room-stock",
        &[
            "/venue/stock",
            "/venue/temperatures",
            "/venue/leftover",
            "/city/orders",
            "/city/recall",
            "/city/leftover",
            "/venues/temperatures",
        ],
    ),
    (
        "room-administration",
        &["/city/looks", "/venues", "/tablets", "/accounts"],
    ),
];

/// As many pages stand beside each other without rooms: one line on a tablet held upright.
const WAYS_IN_A_LINE_MAX: usize = 8;

/// What the template `base.html` needs; every page's template has one, named `page`.
#[derive(Clone)]
pub struct Page {
    /// The texts in the reader's language.
    pub texts: Texts,
    /// Who reads it, if anybody is logged in.
    pub me: Option<Me>,
    /// The page's name, for the title and the first heading.
    pub title: String,
    /// The path, for the navigation and the language switch.
    pub path: String,
    /// What was just done, after a redirect.
    pub notice: Option<String>,
}

/// A whole number with a comma at every thousand; a sign stays before it, and a text without digits as it is.
pub fn grouped(number: impl Display) -> String {
    let written = number.to_string();
    let (sign, digits) =
        written.split_at(written.find(|one: char| one.is_ascii_digit()).unwrap_or(0));
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text's variable: its name and its value. Templates hand tuples over by reference.
pub trait Variable<'a> {
    /// The name and the value.
    fn named(self) -> (&'a str, FluentValue<'a>);
}

impl<'a, V: Into<FluentValue<'a>>> Variable<'a> for (&'a str, V) {
    fn named(self) -> (&'a str, FluentValue<'a>) {
        (self.0, self.1.into())
    }
}

impl<'a, V: Clone + Into<FluentValue<'a>>> Variable<'a> for &(&'a str, V) {
    fn named(self) -> (&'a str, FluentValue<'a>) {
        (self.0, self.1.clone().into())
    }
}

/// A page of the navigation.
pub struct Way {
    /// Where it leads.
    pub path: &'static str,
    /// Its name.
    pub name: String,
    /// As in `aria-current`: `page` for the page that is open, `true` for the room that it is in.
    pub current: Option<&'static str>,
}

/// What stands in the first line of the head: a page, or a room of several.
pub struct Room {
    /// The page, or the first of the room's under the room's name.
    pub way: Way,
    /// The pages of the room; empty if it is a page by itself.
    pub ways: Vec<Way>,
}

/// Puts the pages that somebody may open into their rooms, each room where its first page stood.
fn rooms(ways: Vec<Way>, name_of: impl Fn(&str) -> String) -> Vec<Room> {
    let has_rooms = ways.len() > WAYS_IN_A_LINE_MAX;
    let room_of = |path: &str| {
        let room = ROOMS.iter().find(|(_, paths)| paths.contains(&path));
        room.map(|(id, _)| *id).filter(|_| has_rooms)
    };
    let mut gathered: Vec<(Option<&str>, Vec<Way>)> = Vec::new();
    for way in ways {
        let id = room_of(way.path);
        let there = gathered
            .iter_mut()
            .find(|(room, _)| id.is_some() && *room == id);
        match there {
            Some((_, ways)) => ways.push(way),
            None => gathered.push((id, vec![way])),
        }
    }
    let mut rooms = Vec::with_capacity(gathered.len());
    for (id, mut ways) in gathered {
        match (id, ways.first()) {
            (Some(id), Some(first)) if ways.len() > 1 => {
                let is_here = ways.iter().any(|way| way.current.is_some());
                let way = Way {
                    path: first.path,
                    name: name_of(id),
                    current: is_here.then_some("true"),
                };
                rooms.push(Room { way, ways });
            }
            _ => rooms.extend(ways.drain(..).map(|way| Room {
                way,
                ways: Vec::new(),
            })),
        }
    }
    rooms
}

impl Page {
    /// A page without a reader or a title yet.
    pub(crate) fn bare(_: &App, texts: Texts, path: &str) -> Self {
        Self {
            texts,
            me: None,
            title: String::new(),
            path: path.to_owned(),
            notice: None,
        }
    }

    pub(crate) fn with_me(mut self, me: Option<Me>) -> Self {
        self.me = me;
        self
    }

    /// Names the page by a text id.
    #[must_use]
    pub fn titled(mut self, id: &str) -> Self {
        self.title = self.texts.t(id);
        self
    }

    /// Names the page by a text id with a variable.
    #[must_use]
    pub fn titled_with(mut self, id: &str, name: &str, value: &str) -> Self {
        self.title = self.texts.t_with(id, &[(name, value)]);
        self
    }

    /// A text.
    #[must_use]
    pub fn t(&self, id: &str) -> String {
        self.texts.t(id)
    }

    /// A text with one variable; a number counts, a string is put in.
    #[must_use]
    pub fn t1<'a>(&self, id: &str, name: &'a str, value: impl Into<FluentValue<'a>>) -> String {
        self.texts.t_with(id, &[(name, value.into())])
    }

    /// A number with a comma at every thousand.
    #[must_use]
    pub fn count(&self, number: impl Display) -> String {
        grouped(number)
    }

    /// A text with two variables: `page.t2("id", ("name", value), ("other", value))` in a template.
    #[must_use]
    pub fn t2<'a>(&self, id: &str, first: impl Variable<'a>, second: impl Variable<'a>) -> String {
        self.texts.t_with(id, &[first.named(), second.named()])
    }

    /// The language, as in `lang="…"`.
    #[must_use]
    pub fn lang(&self) -> &'static str {
        self.texts.locale().tag()
    }

    /// The other language, for the switch.
    #[must_use]
    pub fn other_lang(&self) -> &'static str {
        match self.texts.locale() {
            Locale::Ja => "en",
            Locale::En => "ja",
        }
    }

    /// The address of an asset, which changes when any asset does.
    #[must_use]
    pub fn asset(&self, path: &str) -> String {
        assets::address(path)
    }

    /// What a form carries to show that it came from a page of ours.
    #[must_use]
    pub fn csrf(&self) -> &str {
        self.me.as_ref().map_or("", |me| me.csrf.as_str())
    }

    /// Whether the reader may do this where they work.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        self.me.as_ref().is_some_and(|me| me.may(action))
    }

    /// The pages that the reader may open, in rooms where they are many.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        rooms(self.navigation(), |id| self.t(id))
    }

    /// Whether the pages are so many that they stand in rooms.
    #[must_use]
    pub fn has_rooms(&self) -> bool {
        self.rooms().iter().any(|room| !room.ways.is_empty())
    }

    fn navigation(&self) -> Vec<Way> {
        let Some(me) = self.me.as_ref().filter(|me| !me.password_must_change) else {
            return Vec::new();
        };
        let open = |guard: &Guard| match *guard {
            Guard::Public | Guard::LoggedIn => true,
            Guard::May(action) => me.may(action),
        };
        let room = NAVIGATION
            .iter()
            .map(|(path, _, _)| *path)
            .filter(|path| {
                self.path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .max_by_key(|path| path.len());
        NAVIGATION
            .iter()
            .filter(|(_, _, guard)| open(guard))
            .map(|(path, id, _)| Way {
                path,
                name: self.t(id),
                current: if self.path == *path {
                    Some("page")
                } else {
                    room.filter(|room| room == path).map(|_| "true")
                },
            })
            .collect()
    }
}

impl FromRequestParts<App> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let texts = Texts::of(&parts.extensions);
        let mut page = Self::bare(app, texts, parts.uri.path());
        page.me = Identity::of(&parts.extensions)?;
        page.notice = parts
            .uri
            .query()
            .and_then(|query| {
                query
                    .split('&')
                    .find_map(|pair| pair.strip_prefix("notice="))
            })
            .map(|notice| format!("notice-{notice}"))
            .filter(|id| texts.has(id))
            .map(|id| texts.t(&id));
        Ok(page)
    }
}

/// A page, filled in.
///
/// # Errors
/// 500 if the template fails, which it cannot by its own: only a `Display` in it can.
pub fn html(template: &impl Template) -> Result<Response, Problem> {
    template
        .render()
        .map(|text| Html(text).into_response())
        .map_err(|error| {
            tracing::error!(%error, "page.not_rendered");
            Problem::internal()
        })
}

/// Sends the browser to a page after a form, with the text `notice-<notice>` at its top.
#[must_use]
pub fn done(path: &str, notice: &str) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{mark}notice={notice}")).into_response()
}

/// The page of a problem.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage {
    page: Page,
    status: u16,
    code: &'static str,
    detail: String,
    todo: String,
}

impl ProblemPage {
    /// The page as text; the bare words if the template should fail.
    pub(crate) fn body(mut page: Page, problem: &Problem) -> String {
        page.title = problem.title(&page.texts);
        let filled = Self {
            status: problem.status().as_u16(),
            code: problem.code(),
            detail: problem.detail(&page.texts),
            todo: problem.todo(&page.texts),
            page,
        };
        filled
            .render()
            .unwrap_or_else(|_| filled.page.title.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let check = |number: &str, expected: &str| assert_eq!(grouped(number), expected);
        check("0", "0");
        check("999", "999");
        check("1000", "1,000");
        check("379270123", "379,270,123");
        check("-1000", "-1,000");
        check("+1000", "+1,000");
        check("", "");
        check("—", "—");
    }

    fn ways(paths: &[&'static str], open: &str) -> Vec<Way> {
        let way = |path: &&'static str| Way {
            path,
            name: (*path).to_owned(),
            current: (*path == open).then_some("page"),
        };
        paths.iter().map(way).collect()
    }

    /// Each room as `name>page page`, what is current in brackets.
    fn shown(ways: Vec<Way>) -> Vec<String> {
        let word = |way: &Way| match way.current {
            Some(_) => format!("[{}]", way.name),
            None => way.name.clone(),
        };
        let room = |room: Room| {
            let within: Vec<String> = room.ways.iter().map(word).collect();
            if within.is_empty() {
                word(&room.way)
            } else {
                format!("{}>{}", word(&room.way), within.join(" "))
            }
        };
        let rooms = rooms(ways, str::to_owned);
        rooms.into_iter().map(room).collect()
    }

    #[test]
    fn an_administrator_s_many_pages_stand_in_rooms() {
        let all: Vec<&str> = NAVIGATION
            .iter()
            .map(|(path, _, _)| *path)
            .filter(|path| *path != "/venue" && !path.starts_with("/venue/"))
            .collect();
        assert_eq!(
            shown(ways(&all, "/city/pending")),
            [
                "/",
                "/deliveries",
                "/own-codes",
                "/mandates",
                "room-supply>/lots /lots/recall /allocations /monitor /supplies",
                "[room-desk]>/city /city/ledger [/city/pending] /city/findings",
                "room-people>/city/people /city/residents /city/inquiries",
                "room-files>/city/records /city/packs /city/exports",
                "/city/coupons",
                "room-stock>/city/orders /city/recall /city/leftover /venues/temperatures",
                "room-register>/city/reports /city/register",
                "room-administration>/city/looks /venues /tablets /accounts",
                "/statistics",
                "/code-applications",
            ]
        );
    }

    #[test]
    fn few_pages_need_no_rooms_and_a_room_of_one_is_a_page() {
        let few = ["/", "/city", "/city/ledger", "/statistics"];
        assert_eq!(
            shown(ways(&few, "/city")),
            ["/", "[/city]", "/city/ledger", "/statistics"]
        );
        let many = [
            "/",
            "/a",
            "/b",
            "/c",
            "/d",
            "/e",
            "/f",
            "/city/looks",
            "/statistics",
        ];
        assert!(shown(ways(&many, "/")).contains(&"/city/looks".to_owned()));
    }

    #[test]
    fn every_page_of_a_room_is_in_the_navigation_and_in_one_room() {
        let mut seen = std::collections::BTreeSet::new();
        for path in ROOMS.iter().flat_map(|(_, paths)| *paths) {
            assert!(NAVIGATION.iter().any(|(way, _, _)| way == path), "{path}");
            assert!(seen.insert(path), "{path}");
        }
    }
}
