//! One file that was handed in (取込): how far it is, what was found in it, and what to do with it.

use askama::Template;
use axum::extract::multipart::Multipart;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, REFRESH};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::Action;
use domain::venues::files::is_mass_closing;
use exchange::complaints::remarks_csv;
use exchange::encoding::Encoding;
use store::imports::{
    self, Became, Decided, Import, Kind, NewImport, Remark, Right, State as Stage,
};
use uuid::Uuid;

use crate::jobs::imports::Upload;
use crate::pages::attachments;
use crate::pages::records::{Choice, day_text};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Locale;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Letters of a file's name that are kept.
const FILE_NAME_MAX: usize = 120;
/// How soon the page of an import at work comes again, in seconds.
const REFRESH_SECONDS: &str = "2";

/// The page of an import, and what can be done with it.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::LoadResidents);
    Routes::new()
        .get("/city/imports/{import}", guard, show)
        .get("/city/imports/{import}/remarks.csv", guard, save)
        .post("/city/imports/{import}/approve", guard, approve)
        .post("/city/imports/{import}/undo", guard, undo)
        .post("/city/imports/{import}/keep", guard, keep)
        .post("/city/imports/{import}/discard", guard, discard)
}

/// A room where files are handed in: the right there, and the address of their pages.
pub struct Room {
    /// The right to see what was handed in.
    pub right: Right,
    /// Where the page of each begins.
    pub path: &'static str,
}

impl Room {
    /// A city's room for files of people and records.
    ///
    /// # Errors
    /// Forbidden.
    pub fn of_people(me: &Me) -> Result<Self, Problem> {
        Ok(Self {
            right: Right::from(&me.city(Action::LoadResidents)?),
            path: "/city/imports",
        })
    }

    /// An area's room for files of venues.
    ///
    /// # Errors
    /// Forbidden.
    pub fn of_venues(me: &Me) -> Result<Self, Problem> {
        Ok(Self {
            right: Right::from(&me.permit(Action::LoadVenues, me.place())?),
            path: "/venues/files",
        })
    }

    /// The room for files of this kind, with the right to change what they change.
    fn of_kind(me: &Me, kind: Kind) -> Result<Self, Problem> {
        match kind {
            Kind::Venues => Self::of_venues(me),
            Kind::Residents | Kind::Records => Ok(Self {
                right: Right::from(&me.city(kind.action())?),
                ..Self::of_people(me)?
            }),
        }
    }
}

/// The encodings a form offers.
#[must_use]
pub fn encodings(page: &Page) -> Vec<Choice> {
    Encoding::ALL
        .into_iter()
        .map(|one| Choice {
            value: one.as_str().to_owned(),
            label: page.t(&format!("encoding-{}", one.as_str())),
            chosen: one == Encoding::Utf8,
        })
        .collect()
}

/// Takes the file of a form in piece by piece, so that its size is no matter of memory, and sends on to
/// its page; none if the form has no file.
///
/// # Errors
/// The file was cut off, the right is missing, or the database's.
pub async fn take_in(
    app: &App,
    me: &Me,
    kind: Kind,
    mut sent: Multipart,
) -> Result<Option<Response>, Problem> {
    let Room { right, path } = Room::of_kind(me, kind)?;
    let cut_off = |error| attachments::cut_off(&error);
    let mut encoding = Encoding::Utf8;
    while let Some(mut field) = sent.next_field().await.map_err(cut_off)? {
        match field.name() {
            Some("encoding") => {
                let word = field.text().await.map_err(cut_off)?;
                encoding = Encoding::parse(&word).unwrap_or(Encoding::Utf8);
            }
            Some("file") => {
                // A form without a file sends one without bytes.
                let first = loop {
                    match field.chunk().await.map_err(cut_off)? {
                        Some(bytes) if bytes.is_empty() => {}
                        first => break first,
                    }
                };
                let Some(first) = first else {
                    break;
                };
                let new = NewImport {
                    id: app.fresh_id(),
                    kind,
                    file_name: file_name(field.file_name(), kind.as_str()),
                    encoding: encoding.as_str().to_owned(),
                };
                let mut upload =
                    Upload::begin(&app.db, app.seals.as_ref(), &right, &new, app.now()).await?;
                upload.take(&first).await?;
                loop {
                    match field.chunk().await {
                        Ok(Some(more)) => upload.take(&more).await?,
                        Ok(None) => break,
                        Err(error) => {
                            imports::discard(&app.db, &right, new.id, decided(app)).await?;
                            return Err(cut_off(error));
                        }
                    }
                }
                upload.end().await?;
                let page = Redirect::to(&format!("{path}/{}", new.id));
                return Ok(Some(page.into_response()));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The name that a file is kept by: without its folders, within limits; `otherwise` if it has none.
#[must_use]
pub fn file_name(said: Option<&str>, otherwise: &str) -> String {
    let name = said.unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(FILE_NAME_MAX)
        .collect();
    if name.is_empty() {
        format!("{otherwise}.csv")
    } else {
        name
    }
}

/// An import in the list of earlier ones.
pub struct Listed {
    /// Its page.
    pub href: String,
    /// The file's name.
    pub file_name: String,
    /// The day it was handed in.
    pub day: String,
    /// Its stage in words.
    pub stage: String,
    /// Lines in it, once it was looked through.
    pub lines: u64,
}

/// An import as the list shows it.
#[must_use]
pub fn listed(import: &Import, page: &Page) -> Listed {
    Listed {
        href: match import.kind {
            Kind::Venues => format!("/venues/files/{}", import.id),
            Kind::Residents | Kind::Records => format!("/city/imports/{}", import.id),
        },
        file_name: import.file_name.clone(),
        day: day_text(import.created_at.day_in_japan(), page.texts),
        stage: page.t(&format!("import-{}", import.state.as_str())),
        lines: import.found.lines,
    }
}

#[derive(Template)]
#[template(path = "city/import.html")]
struct ImportPage {
    page: Page,
    import: Import,
    stage: String,
    day: String,
    at: String,
    /// Why the file as a whole is no good.
    refusal: Option<String>,
    /// Whether the next step is another person's.
    waits_for_another: bool,
    /// Lines that did nothing since their record was changed meanwhile.
    overtaken: Vec<u64>,
    remarks: Vec<Told>,
    /// Whether there are more of them in the file to save.
    more: bool,
}

impl ImportPage {
    fn is(&self, stages: &[&str]) -> bool {
        stages.contains(&self.import.state.as_str())
    }

    fn is_of_records(&self) -> bool {
        self.import.kind == Kind::Records
    }

    /// The text of a name, in the words of the import's kind.
    fn said(&self, name: &str) -> String {
        let kind = self.import.kind.as_str();
        self.page.t(&format!("import-{kind}-{name}"))
    }

    fn counted(&self, name: &str, count: u64) -> String {
        let kind = self.import.kind.as_str();
        self.page
            .t1(&format!("import-{kind}-{name}"), "count", count)
    }

    /// Where such files are handed in.
    fn handing_in(&self) -> &'static str {
        match self.import.kind {
            Kind::Residents => "/city/residents",
            Kind::Records => "/city/records",
            Kind::Venues => "/venues/files",
        }
    }

    /// Where whoever hands such files in works otherwise.
    fn desk(&self) -> (&'static str, String) {
        match self.import.kind {
            Kind::Venues => ("/venues", self.page.t("venues-title")),
            Kind::Residents | Kind::Records => ("/city", self.page.t("loaded-desk")),
        }
    }

    fn is_of_venues(&self) -> bool {
        self.import.kind == Kind::Venues
    }

    /// A text about the second person, whom a city or an area wants.
    fn second(&self, name: &str) -> String {
        let place = if self.is_of_venues() { "venues-" } else { "" };
        self.page.t(&format!("import-{place}{name}"))
    }

    /// Whether the file closes so many venues that it may be a mistake.
    fn closes_many(&self) -> bool {
        let found = self.import.found;
        is_mass_closing(found.closed, found.changed + found.unchanged)
    }

    fn will_change(&self) -> u64 {
        let found = self.import.found;
        found.new + found.changed + found.moved_out + found.dead + found.corrected + found.voided
    }

    /// Whether lines in it correct records or take them back (取消区分 1, 2).
    fn amends(&self) -> bool {
        self.import.found.corrected + self.import.found.voided > 0
    }

    /// The lines that were overtaken, the first of them.
    fn overtaken_lines(&self) -> String {
        let lines: Vec<String> = self.overtaken.iter().map(u64::to_string).collect();
        lines.join(", ")
    }
}

/// A remark in words.
struct Told {
    line: u64,
    item: String,
    text: String,
    kept: bool,
}

fn told(remark: Remark, locale: Locale) -> Told {
    Told {
        line: remark.line,
        item: remark.column.unwrap_or_else(|| "—".to_owned()),
        text: match locale {
            Locale::Ja => remark.ja,
            Locale::En => remark.en,
        },
        kept: remark.kept,
    }
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    shown(&app, &Room::of_people(&me)?, page, id).await
}

/// The page of an import.
///
/// # Errors
/// Not found, or the database's.
pub async fn shown(app: &App, room: &Room, page: Page, id: Uuid) -> Result<Response, Problem> {
    let permit = &room.right;
    let import = imports::import(&app.db, permit, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let page = page.titled_with("import-title", "name", &import.file_name);
    let mut remarks = if import.state == Stage::Checking {
        Vec::new()
    } else {
        imports::remarks(&app.db, permit, id, 0).await?
    };
    let more = remarks.len() >= imports::REMARKS_MAX;
    remarks.truncate(imports::REMARKS_MAX);
    let locale = page.texts.locale();
    let at_work = import.state.is_at_work();
    let overtaken = match &room.right {
        Right::People(permit) if import.done.overtaken > 0 => {
            imports::amendments::overtaken(&app.db, permit, id).await?
        }
        _ => Vec::new(),
    };
    let shown = ImportPage {
        stage: page.t(&format!("import-{}", import.state.as_str())),
        day: day_text(import.created_at.day_in_japan(), page.texts),
        at: format!("{}/{id}", room.path),
        refusal: import.refusal.as_ref().map(|refusal| match locale {
            Locale::Ja => refusal.ja.clone(),
            Locale::En => refusal.en.clone(),
        }),
        remarks: remarks.into_iter().map(|one| told(one, locale)).collect(),
        more,
        waits_for_another: imports::waits_for_another(&app.db, permit, &import).await?,
        overtaken,
        import,
        page,
    };
    let mut response = html(&shown)?.into_response();
    if at_work {
        let again = HeaderValue::from_static(REFRESH_SECONDS);
        response.headers_mut().insert(REFRESH, again);
    }
    Ok(response)
}

async fn save(State(app): State<App>, me: Me, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    saved(&app, &Room::of_people(&me)?, id).await
}

/// What is to be said of an import's lines, as a file.
///
/// # Errors
/// The database's.
pub async fn saved(app: &App, room: &Room, id: Uuid) -> Result<Response, Problem> {
    let mut all: Vec<Remark> = Vec::new();
    loop {
        let after = all.last().map_or(0, |one| one.line);
        let more = imports::remarks(&app.db, &room.right, id, after).await?;
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    let rows = all.iter().map(|one| {
        let column = one.column.as_deref().unwrap_or_default();
        (one.line, one.code.as_str(), column, one.ja.as_str())
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"complaints.csv\"",
        ),
    ];
    Ok((headers, remarks_csv(rows)).into_response())
}

/// A form that says nothing but yes.
#[derive(serde::Deserialize)]
pub struct Yes {}

/// The audit's id and the time of what is decided now.
#[must_use]
pub fn decided(app: &App) -> Decided {
    Decided {
        audit: app.fresh_id(),
        at: app.now(),
    }
}

/// What can be decided about an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decide {
    /// It will be applied.
    Approve,
    /// It will be taken back.
    Undo,
    /// It is thrown away.
    Discard,
    /// It stays, though somebody asked to take it back.
    Keep,
}

/// Decides about an import, with the right of its kind.
///
/// # Errors
/// It is not the city's, the right is missing, or the database's.
pub async fn decide(app: &App, me: &Me, id: Uuid, what: Decide) -> Result<Became, Problem> {
    let import = imports::import(&app.db, &me.city(Action::LoadResidents)?, id).await?;
    let import = import.ok_or_else(Problem::not_found)?;
    let room = Room::of_kind(me, import.kind)?;
    decide_in(app, &room, id, what).await
}

/// Decides about an import of a room.
///
/// # Errors
/// The database's.
pub async fn decide_in(app: &App, room: &Room, id: Uuid, what: Decide) -> Result<Became, Problem> {
    let (db, right, how) = (&app.db, &room.right, decided(app));
    Ok(match what {
        Decide::Approve => imports::approve(db, right, id, how).await?,
        Decide::Undo => imports::undo(db, right, id, how).await?,
        Decide::Discard => moved(imports::discard(db, right, id, how).await?),
        Decide::Keep => moved(imports::keep(db, right, id, how).await?),
    })
}

fn moved(was_done: bool) -> Became {
    if was_done {
        Became::Moved
    } else {
        Became::TooLate
    }
}

/// Back to the import's page, with the notice of what happens now, or why it does not.
#[must_use]
pub fn answered(path: &str, id: Uuid, (became, what): (Became, Decide)) -> Response {
    let notice = match (became, what) {
        (Became::Moved, Decide::Approve) => "import-approved",
        (Became::Moved, Decide::Undo) => "import-undoing",
        (Became::Moved, Decide::Discard) => "import-discarded",
        (Became::Moved, Decide::Keep) => "import-kept",
        (Became::Asked, _) => "import-undo-asked",
        (Became::TooLate, _) => "import-too-late",
        (Became::OwnProposal, _) => "import-own",
    };
    done(&format!("{path}/{id}"), notice)
}

async fn people(app: &App, me: &Me, id: Uuid, what: Decide) -> Result<Response, Problem> {
    let became = decide(app, me, id, what).await?;
    Ok(answered("/city/imports", id, (became, what)))
}

async fn approve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    people(&app, &me, id, Decide::Approve).await
}

async fn undo(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    people(&app, &me, id, Decide::Undo).await
}

async fn discard(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    people(&app, &me, id, Decide::Discard).await
}

async fn keep(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    people(&app, &me, id, Decide::Keep).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(said: Option<&str>) -> String {
        file_name(said, Kind::Residents.as_str())
    }

    #[test]
    fn a_files_name_is_kept_without_its_folders_and_within_limits() {
        assert_eq!(named(Some("C:\\市\\住民.csv")), "住民.csv");
        assert_eq!(named(Some("a\r\nb.csv")), "ab.csv");
        assert_eq!(named(Some("x/")), "residents.csv");
        assert_eq!(named(None), "residents.csv");
        assert_eq!(named(Some(&"長".repeat(500))).chars().count(), 120);
    }
}
