//! The temperatures of a venue's coolers (温度記録): typed morning and evening, or taken in as a logger's file.

use std::io::Cursor;

use askama::Template;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Instant;
use domain::cold_chain::{
    COOLER_NAME_LENGTH_MAX, CoolerKind, EVERY_MINUTES_MAX, EVERY_MINUTES_USUAL, READING_DAYS_MAX,
    Reading, Temperature, gaps, is_outside, minute, moment,
};
use domain::doses::REASON_LENGTH_MAX;
use exchange::encoding::Encoding;
use exchange::temperatures::Reader;
use serde::Deserialize;
use store::cold_chain::{
    self, Cooler, CoolerKept, Entered, FILE_LINES, KeptReading, Line, ReadingTold, Told, Way, Word,
};
use store::stock::Act;
use uuid::Uuid;

use crate::pages::attachments::refused_text;
use crate::pages::deliveries::{complained, file_in};
use crate::pages::displays::{lacks_minus, temperature_of};
use crate::pages::excursions::{OpenRow, degrees, range_text};
use crate::pages::fields::Complaints;
use crate::pages::imports::encodings;
use crate::pages::records::Choice;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The page.
pub const PATH: &str = "/venue/temperatures";
/// Bytes of a logger's file at most.
const FILE_BYTES_MAX: usize = 4 << 20;
/// Lines of a logger's file at most: a quarter of a year by the quarter of an hour, or a month by the five minutes.
const FILE_LINES_MAX: usize = 10_000;
/// Complaints about lines that the page shows.
const SHOWN_MAX: usize = 50;
/// Words about readings that the page shows.
const LISTED_MAX: i64 = 60;
/// How long ago a missing reading is still told of, in days.
const GAP_DAYS: i64 = 7;
/// A day in millionths of a second.
const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The pages of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeStock);
    let keep = Guard::May(Action::KeepStock);
    Routes::new()
        .get(PATH, see, show)
        .post(PATH, keep, enter)
        .post("/venue/temperatures/right", keep, put_right)
        .post("/venue/temperatures/coolers", keep, tell_cooler)
        .post_up_to(FILE_BYTES_MAX, "/venue/temperatures/file", keep, load)
}

/// The fields of all forms of the page, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    act: Uuid,
    cooler: String,
    /// As typed; of a photograph, the digits without a sign.
    pub(super) degrees: String,
    /// What a photograph of the display shows of a sign; empty where the temperature was typed.
    pub(super) display: String,
    /// The sign that a person chose for the digits of a photograph.
    pub(super) sign: String,
    at: String,
    /// The temperature that is outside and was looked at twice.
    confirmed: String,
    /// Which word of the minute is corrected.
    seen: String,
    /// That the reading is taken back.
    take_back: Option<String>,
    reason: String,
    cooler_name: String,
    cooler_kind: String,
    every: String,
    revision: String,
    in_use: Option<String>,
}

impl Fields {
    /// The form with the digits of a photograph in it.
    pub(super) fn of_display(digits: String, seen: &str) -> Self {
        Self {
            degrees: digits,
            display: seen.to_owned(),
            ..Self::default()
        }
    }
}

/// A cooler to choose, and to tell of.
struct CoolerRow {
    id: Uuid,
    name: String,
    kind: String,
    kind_word: &'static str,
    range: String,
    hours: i64,
    is_in_use: bool,
    revision: i64,
    chosen: bool,
    /// The last reading, and how it was.
    last: Option<(String, Mark)>,
}

/// How a reading is told: by a word and a sign, never by a colour alone.
struct Mark {
    tone: &'static str,
    icon: &'static str,
    temperature: String,
    word: String,
}

impl Mark {
    fn of(one: &ReadingTold, kind: CoolerKind, texts: Texts) -> Self {
        let Some(temperature) = one.temperature else {
            return Self {
                tone: "void",
                icon: "void",
                temperature: String::new(),
                word: texts.t("temperatures-taken-back"),
            };
        };
        let range = domain::cold_chain::range(None, kind, one.at.day_in_japan());
        let (tone, icon, word) = match range {
            Some(range) if one.is_outside && temperature < range.lowest => {
                ("bad", "stop", "temperatures-too-cold")
            }
            _ if one.is_outside => ("bad", "stop", "temperatures-too-warm"),
            _ => ("good", "check", "temperatures-within"),
        };
        Self {
            tone,
            icon,
            temperature: degrees(temperature),
            word: texts.t(word),
        }
    }
}

/// A word about a minute in the list.
struct Row {
    cooler: String,
    cooler_id: Uuid,
    at: String,
    at_field: String,
    mark: Mark,
    is_holding: bool,
    revision: i64,
    way: String,
    by: String,
    reason: String,
    act: Uuid,
}

/// What became of a file, in words.
#[derive(Default)]
struct Outcome {
    new: usize,
    outside: usize,
    before: usize,
    differs: usize,
    refused_lines: usize,
    complaints: Vec<(u64, String)>,
    /// Why the file as a whole was refused.
    refused: Option<String>,
}

impl Outcome {
    fn complain(&mut self, line: u64, words: String) {
        if self.complaints.len() < SHOWN_MAX {
            self.complaints.push((line, words));
        }
    }
}

#[derive(Template)]
#[template(path = "venue/temperatures.html")]
struct TemperaturesPage {
    page: Page,
    coolers: Vec<CoolerRow>,
    kinds: Vec<Choice>,
    open: Vec<OpenRow>,
    rows: Vec<Row>,
    gaps: Vec<String>,
    past: Vec<OpenRow>,
    outcome: Option<Outcome>,
    trouble: Option<String>,
    /// That the temperature typed is outside: whether it is right is asked before it is entered.
    asked: Option<String>,
    /// The number of the display as photographed.
    picture: Option<String>,
    fields: Fields,
    complaints: Complaints,
    encodings: Vec<Choice>,
    now: String,
    act: Uuid,
    new_cooler: Uuid,
    may_keep: bool,
    name_max: usize,
    reason_max: usize,
    hours_usual: i64,
    hours_max: i64,
}

/// What the page says beside its lists.
#[derive(Default)]
pub(super) struct Said {
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    /// The number cut out of a photograph, as an address that holds the picture.
    picture: Option<String>,
    asked: Option<String>,
    outcome: Option<Outcome>,
}

impl Said {
    /// The form as a photograph of the display fills it, with the picture to compare.
    pub(super) fn of_display(fields: Fields, picture: String) -> Self {
        Self {
            fields,
            picture: Some(picture),
            ..Self::default()
        }
    }

    /// What could not be done, and what to do.
    pub(super) fn of_trouble(trouble: String) -> Self {
        Self {
            trouble: Some(trouble),
            ..Self::default()
        }
    }
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    render(&app, &permit, page, Said::default()).await
}

/// A moment for a field of `datetime-local`, on Japan's clock.
fn local(at: Instant) -> String {
    at.japanese().replace(' ', "T")
}

pub(super) async fn render(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    said: Said,
) -> Result<Response, Problem> {
    let page = page.titled("temperatures-title");
    let texts = page.texts;
    let now = app.now();
    let coolers = cold_chain::coolers(&app.db, permit).await?;
    let told = cold_chain::latest(&app.db, permit, LISTED_MAX).await?;
    let open = cold_chain::open(&app.db, permit, now).await?;
    let past = cold_chain::past(&app.db, permit).await?;
    let is_refused = said.trouble.is_some() || !said.complaints.is_empty() || said.asked.is_some();
    let shown = html(&TemperaturesPage {
        gaps: gap_lines(app, permit, &coolers, texts).await?,
        kinds: kinds(&said.fields.cooler_kind, texts),
        open: open.iter().map(|one| OpenRow::of(one, texts)).collect(),
        past: past
            .iter()
            .filter(|one| !open.iter().any(|open| open.listed.id == one.id))
            .map(|one| OpenRow::past(one, &coolers, texts))
            .collect(),
        rows: told
            .iter()
            .filter_map(|one| row(app, one, &coolers, texts))
            .collect(),
        coolers: coolers
            .iter()
            .map(|one| cooler_row(app, one, &told, (&said.fields.cooler, texts)))
            .collect(),
        outcome: said.outcome,
        trouble: said.trouble,
        asked: said.asked,
        picture: said.picture,
        encodings: encodings(&page),
        now: local(now),
        act: app.fresh_id(),
        new_cooler: app.fresh_id(),
        may_keep: page.may(Action::KeepStock),
        name_max: COOLER_NAME_LENGTH_MAX,
        reason_max: REASON_LENGTH_MAX,
        hours_usual: EVERY_MINUTES_USUAL / 60,
        hours_max: EVERY_MINUTES_MAX / 60,
        fields: said.fields,
        complaints: said.complaints,
        page,
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}

fn kinds(chosen: &str, texts: Texts) -> Vec<Choice> {
    CoolerKind::ALL
        .into_iter()
        .map(|kind| Choice {
            value: kind.as_str().to_owned(),
            label: texts.t(&format!("cooler-kind-{}", kind.as_str())),
            chosen: kind.as_str() == chosen,
        })
        .collect()
}

fn cooler_row(
    app: &App,
    one: &Cooler,
    told: &[ReadingTold],
    (chosen, texts): (&str, Texts),
) -> CoolerRow {
    let last = told
        .iter()
        .find(|word| word.cooler == one.id && word.is_holding && word.temperature.is_some());
    CoolerRow {
        id: one.id,
        name: one.name.clone(),
        kind: texts.t(&format!("cooler-kind-{}", one.kind.as_str())),
        kind_word: one.kind.as_str(),
        range: range_text(None, one.kind, app.today()),
        hours: one.every_minutes / 60,
        is_in_use: one.is_in_use,
        revision: one.revision,
        chosen: one.id.to_string() == chosen,
        last: last.map(|word| (word.at.japanese(), Mark::of(word, one.kind, texts))),
    }
}

fn row(app: &App, one: &ReadingTold, coolers: &[Cooler], texts: Texts) -> Option<Row> {
    let cooler = coolers.iter().find(|cooler| cooler.id == one.cooler)?;
    Some(Row {
        cooler: cooler.name.clone(),
        cooler_id: cooler.id,
        at: one.at.japanese(),
        at_field: local(one.at),
        mark: Mark::of(one, cooler.kind, texts),
        is_holding: one.is_holding,
        revision: one.revision,
        way: texts.t(&format!("temperatures-way-{}", one.way.as_str())),
        by: one.by.clone(),
        reason: one.reason.clone(),
        act: app.fresh_id(),
    })
}

/// The times of the last days in which a cooler in use was not read (記録なし).
async fn gap_lines(
    app: &App,
    permit: &VenuePermit,
    coolers: &[Cooler],
    texts: Texts,
) -> Result<Vec<String>, Problem> {
    let now = app.now();
    let since = Instant::from_micros(now.micros() - GAP_DAYS * MICROS_PER_DAY);
    let mut lines = Vec::new();
    for cooler in coolers.iter().filter(|one| one.is_in_use) {
        let readings = cold_chain::readings(&app.db, permit, cooler.id, since).await?;
        for gap in gaps(cooler.every_minutes, &readings, now) {
            let name = cooler.name.as_str();
            let from = gap.from.japanese();
            lines.push(match gap.to {
                Some(to) => {
                    let vars = [
                        ("name", name.to_owned()),
                        ("from", from),
                        ("to", to.japanese()),
                    ];
                    texts.t_with("temperatures-gap", &vars)
                }
                None => {
                    let vars = [("name", name.to_owned()), ("from", from)];
                    texts.t_with("temperatures-gap-open", &vars)
                }
            });
        }
    }
    Ok(lines)
}

fn act_of(app: &App, fields: &Fields) -> Act {
    Act {
        id: fields.act,
        at: app.now(),
    }
}

/// Why a temperature cannot be entered, in the reader's language.
pub(super) fn temperature_in(
    page: &Page,
    text: &str,
    complaints: &mut Complaints,
) -> Option<Temperature> {
    match Temperature::parse(text) {
        Ok(temperature) => Some(temperature),
        Err(refusal) => {
            let id = format!("refused-{}", refusal.code());
            complaints.add("degrees", page.t(&id))
        }
    }
}

/// The minute of a reading: not ahead, and not longer ago than loggers remember.
fn at_in(app: &App, page: &Page, text: &str, complaints: &mut Complaints) -> Option<Instant> {
    let now = app.now();
    let least = now.micros() - READING_DAYS_MAX * MICROS_PER_DAY;
    // Browsers that show seconds send them, too.
    let text = text.trim().get(..16).unwrap_or_default();
    match Instant::parse(&format!("{text}:00+09:00")) {
        Some(at) if at > now => complaints.add("at", page.t("temperatures-complaint-future")),
        Some(at) if at.micros() < least => complaints.add(
            "at",
            page.t1("temperatures-complaint-old", "days", READING_DAYS_MAX),
        ),
        Some(at) => Some(at),
        None => complaints.add("at", page.t("temperatures-complaint-at")),
    }
}

fn cooler_in<'c>(
    page: &Page,
    coolers: &'c [Cooler],
    text: &str,
    complaints: &mut Complaints,
) -> Option<&'c Cooler> {
    match coolers.iter().find(|one| one.id.to_string() == text) {
        Some(cooler) => Some(cooler),
        None => complaints.add("cooler", page.t("temperatures-complaint-cooler")),
    }
}

async fn enter(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let coolers = cold_chain::coolers(&app.db, &permit).await?;
    let mut complaints = Complaints::default();
    let cooler = cooler_in(&page, &coolers, &fields.cooler, &mut complaints);
    let temperature = temperature_of(&page, &fields, &mut complaints);
    let at = at_in(&app, &page, &fields.at, &mut complaints);
    let (Some(cooler), Some(temperature), Some(at)) = (cooler, temperature, at) else {
        let said = Said {
            fields,
            complaints,
            ..Said::default()
        };
        return render(&app, &permit, page, said).await;
    };
    let reading = Reading { at, temperature };
    let is_doubtful = lacks_minus(&fields) || is_outside(cooler.kind, reading);
    if is_doubtful && fields.confirmed != temperature.to_string() {
        let range = range_text(None, cooler.kind, at.day_in_japan());
        let typed = degrees(temperature);
        let asked = if lacks_minus(&fields) {
            page.t1("temperatures-asked-sign", "temperature", typed.as_str())
        } else {
            page.t2(
                "temperatures-asked",
                ("temperature", typed.as_str()),
                ("range", range.as_str()),
            )
        };
        let said = Said {
            asked: Some(asked),
            fields: Fields {
                confirmed: temperature.to_string(),
                ..fields
            },
            ..Said::default()
        };
        return render(&app, &permit, page, said).await;
    }
    let word = Word {
        cooler: cooler.id,
        at: moment(minute(at)),
        temperature: Some(temperature),
        corrects: None,
    };
    let act = act_of(&app, &fields);
    let way = if fields.display.is_empty() {
        Way::Page
    } else {
        Way::Photo
    };
    let entered = cold_chain::enter(&app.db, &permit, &word, way, act).await?;
    finish(&app, &permit, page, (fields, &word), entered).await
}

async fn finish(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    (fields, word): (Fields, &Word),
    entered: Entered,
) -> Result<Response, Problem> {
    let trouble = match entered {
        Entered::Now { is_outside: true } => {
            let open = cold_chain::open(&app.db, permit, app.now()).await?;
            let holds = |one: &&Told| {
                let excursion = &one.listed.excursion;
                one.listed.cooler == word.cooler
                    && excursion.first <= word.at
                    && word.at <= excursion.last
            };
            let path = open.iter().find(holds).map_or_else(
                || PATH.to_owned(),
                |one| format!("{PATH}/excursions/{}", one.listed.id),
            );
            return Ok(done(&path, "temperature-outside"));
        }
        Entered::Now { .. } | Entered::Before => return Ok(done(PATH, "temperature")),
        Entered::OtherContent => page.t("stock-sent-otherwise"),
        Entered::Differs(kept) => page.t1(
            "temperatures-differs",
            "temperature",
            kept_text(kept, page.texts),
        ),
        Entered::NotFound => page.t("temperatures-complaint-cooler"),
    };
    let said = Said {
        fields,
        trouble: Some(trouble),
        ..Said::default()
    };
    render(app, permit, page, said).await
}

fn kept_text(kept: KeptReading, texts: Texts) -> String {
    let taken_back = || texts.t("temperatures-taken-back");
    kept.temperature.map_or_else(taken_back, degrees)
}

/// Corrects the reading of a minute, or takes it back.
async fn put_right(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let coolers = cold_chain::coolers(&app.db, &permit).await?;
    let mut complaints = Complaints::default();
    let cooler = cooler_in(&page, &coolers, &fields.cooler, &mut complaints);
    let temperature = if fields.take_back.is_some() {
        Some(None)
    } else {
        temperature_in(&page, &fields.degrees, &mut complaints).map(Some)
    };
    let at = at_in(&app, &page, &fields.at, &mut complaints);
    let reason = complaints.reason(&page, &fields.reason);
    let seen = fields.seen.trim().parse().unwrap_or_default();
    let (Some(cooler), Some(temperature), Some(at), Some(reason)) =
        (cooler, temperature, at, reason)
    else {
        let said = Said {
            complaints,
            ..Said::default()
        };
        return render(&app, &permit, page, said).await;
    };
    let word = Word {
        cooler: cooler.id,
        at: moment(minute(at)),
        temperature,
        corrects: Some((seen, reason)),
    };
    let act = act_of(&app, &fields);
    let entered = cold_chain::enter(&app.db, &permit, &word, Way::Page, act).await?;
    finish(&app, &permit, page, (Fields::default(), &word), entered).await
}

async fn tell_cooler(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut complaints = Complaints::default();
    let name = complaints.text(
        &page,
        "cooler_name",
        &fields.cooler_name,
        COOLER_NAME_LENGTH_MAX,
    );
    let kind = match CoolerKind::parse(&fields.cooler_kind) {
        Some(kind) => Some(kind),
        None => complaints.add("cooler_kind", page.t("temperatures-complaint-kind")),
    };
    let hours_max = EVERY_MINUTES_MAX / 60;
    let hours: Option<i64> = fields.every.trim().parse().ok();
    let hours = match hours.filter(|hours| (1..=hours_max).contains(hours)) {
        Some(hours) => Some(hours),
        None => complaints.add(
            "every",
            page.t1("temperatures-complaint-every", "max", hours_max),
        ),
    };
    let id = Uuid::parse_str(&fields.cooler).ok();
    let (Some(name), Some(kind), Some(hours), Some(id)) = (name, kind, hours, id) else {
        let said = Said {
            fields,
            complaints,
            ..Said::default()
        };
        return render(&app, &permit, page, said).await;
    };
    let told = Cooler {
        id,
        name,
        kind,
        every_minutes: hours * 60,
        is_in_use: fields.in_use.is_some(),
        revision: fields.revision.trim().parse().unwrap_or_default(),
        at: app.now(),
    };
    let act = (app.fresh_id(), app.now());
    let trouble = match cold_chain::tell_cooler(&app.db, &permit, &told, act).await? {
        CoolerKept::Now | CoolerKept::AsItIs => return Ok(done(PATH, "cooler")),
        CoolerKept::ChangedMeanwhile => page.t("temperatures-cooler-changed"),
        CoolerKept::NameTaken => page.t("temperatures-name-taken"),
        CoolerKept::TooMany => page.t1("temperatures-too-many", "max", cold_chain::COOLERS_MAX),
        CoolerKept::NotFound => page.t("temperatures-complaint-cooler"),
    };
    let said = Said {
        fields,
        trouble: Some(trouble),
        ..Said::default()
    };
    render(&app, &permit, page, said).await
}

async fn load(
    State(app): State<App>,
    me: Me,
    page: Page,
    sent: Multipart,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let (file, encoding) = file_in(sent).await?;
    let outcome = take_in(&app, &permit, &page, (&file, encoding)).await?;
    let said = Said {
        outcome: Some(outcome),
        ..Said::default()
    };
    render(&app, &permit, page, said).await
}

/// Takes a logger's file in, stretch by stretch: each line by itself, none lost.
async fn take_in(
    app: &App,
    permit: &VenuePermit,
    page: &Page,
    (file, encoding): (&[u8], Encoding),
) -> Result<Outcome, Problem> {
    let mut outcome = Outcome::default();
    let locale = page.texts.locale();
    let reader = match Reader::open(Cursor::new(file), encoding) {
        Ok(reader) => reader,
        Err(refusal) => {
            outcome.refused = Some(refused_text(&refusal, locale));
            return Ok(outcome);
        }
    };
    let mut good: Vec<(u64, Line)> = Vec::new();
    let mut lines = 0_usize;
    // Reading from memory does not fail.
    for line in reader.flatten() {
        lines += 1;
        if lines > FILE_LINES_MAX {
            outcome.refused = Some(page.t1("temperatures-file-long", "max", FILE_LINES_MAX));
            return Ok(outcome);
        }
        let number = line.place.line;
        let Some(logged) = line.row else {
            outcome.refused_lines += 1;
            outcome.complain(number, complained(&line.complaints, locale));
            continue;
        };
        if logged.at > app.now() {
            outcome.refused_lines += 1;
            outcome.complain(number, page.t("temperatures-complaint-future"));
            continue;
        }
        good.push((
            number,
            Line {
                cooler: logged.cooler,
                at: logged.at,
                temperature: logged.temperature,
            },
        ));
    }
    if lines == 0 {
        outcome.refused = Some(page.t("temperatures-file-empty"));
    }
    for stretch in good.chunks(FILE_LINES) {
        let lines: Vec<Line> = stretch.iter().map(|(_, line)| line.clone()).collect();
        let became = cold_chain::take_in(&app.db, permit, &lines, app.now()).await?;
        for ((number, line), became) in stretch.iter().zip(became) {
            count(&mut outcome, page, (*number, line), became);
        }
    }
    Ok(outcome)
}

fn count(outcome: &mut Outcome, page: &Page, (number, line): (u64, &Line), became: Entered) {
    match became {
        Entered::Now { is_outside } => {
            outcome.new += 1;
            outcome.outside += usize::from(is_outside);
        }
        Entered::Before => outcome.before += 1,
        Entered::Differs(kept) => {
            outcome.differs += 1;
            let kept = kept_text(kept, page.texts);
            let words = page.t2(
                "temperatures-line-differs",
                ("kept", kept.as_str()),
                ("temperature", degrees(line.temperature).as_str()),
            );
            outcome.complain(number, words);
        }
        Entered::NotFound | Entered::OtherContent => {
            outcome.refused_lines += 1;
            let words = page.t1("temperatures-line-cooler", "name", line.cooler.as_str());
            outcome.complain(number, words);
        }
    }
}

#[cfg(test)]
#[path = "temperatures_tests.rs"]
mod tests;
