//! Reports about a dose at the city's and the venue's desk: of a suspected adverse reaction (副反応疑い報告), of
//! a vaccination error (間違い接種). Begun from a record, filled in, submitted, printed, written out.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::Action;
use domain::adverse_reactions::{TimeOfDay, Timing, windows};
use domain::calendar::{Day, age_on};
use domain::doses::DoseId;
use domain::mistakes::MistakeDraft;
use domain::people::Sex;
use domain::vaccines::Vaccines;
use exchange::adverse_reactions::ReportsExport;
use exchange::encoding::Encoding;
use paper::{AdverseReactionReport, MistakeReport, Paper, papers_pdf};
use serde::Deserialize;
use store::doses::{Person, Record, of_venue, person, record};
use store::reports::{self, Act, Desk, Form, Kind, NewReport, Report, Saved};
use uuid::Uuid;

use crate::pages::city::look;
use crate::pages::papers::letterhead;
use crate::pages::persons::{PURPOSES, protected};
use crate::pages::records::{Choice, day_text, product_name};
use crate::pages::report_forms::{
    Complaint, Item, Way, adverse_reaction, complaints, sections, taken,
};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// What the list is looked through for.
const PURPOSE: &str = "desk";

/// The pages of reports.
pub fn routes() -> Routes {
    let city = Guard::May(Action::SeePerson);
    let venue = Guard::May(Action::SeeVenueDay);
    Routes::new()
        .get("/city/reports", city, city_list)
        .post("/city/records/{dose}/reports", city, city_begin)
        .get("/city/reports/{report}", city, city_show)
        .post("/city/reports/{report}", city, city_save)
        .get("/city/reports/{report}/report.pdf", city, city_print)
        .get(
            "/city/reports/adverse_reactions.csv",
            Guard::May(Action::ExportLedger),
            export,
        )
        .get("/venue/reports", venue, venue_list)
        .post("/venue/records/{dose}/reports", venue, venue_begin)
        .get("/venue/reports/{report}", venue, venue_show)
        .post("/venue/reports/{report}", venue, venue_save)
}

fn city_desk(me: &Me) -> Result<Desk, Problem> {
    Ok(Desk::City(me.city(Action::SeePerson)?))
}

fn venue_desk(me: &Me) -> Result<Desk, Problem> {
    Ok(Desk::Venue(me.venue(Action::SeeVenueDay)?))
}

fn base(desk: &Desk) -> &'static str {
    match desk {
        Desk::City(_) => "/city/reports",
        Desk::Venue(_) => "/venue/reports",
    }
}

fn act(app: &App) -> Act {
    Act {
        audit: app.fresh_id(),
        at: app.now(),
    }
}

#[derive(Template)]
#[template(path = "reports.html")]
struct ListPage {
    page: Page,
    rows: Vec<Row>,
    older: Option<String>,
    may_export: bool,
    at_city: bool,
    encodings: Vec<Choice>,
}

/// A report in the list.
struct Row {
    href: String,
    kind: String,
    number: Option<String>,
    day: String,
    report_no: Option<String>,
    from_venue: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Older {
    before: Option<Uuid>,
}

async fn city_list(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(older): Params<Older>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    look(&app, &permit, None, "reports", PURPOSE).await?;
    list(&app, &Desk::City(permit), page, older).await
}

async fn venue_list(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(older): Params<Older>,
) -> Result<Response, Problem> {
    list(&app, &venue_desk(&me)?, page, older).await
}

async fn list(app: &App, desk: &Desk, page: Page, older: Older) -> Result<Response, Problem> {
    let found = reports::list(&app.db, desk, older.before).await?;
    let texts = page.texts;
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= reports::LISTED_MAX);
    let last = found.last().filter(|_| is_full);
    let older = last.map(|last| format!("{}?before={}", base(desk), last.id));
    let row = |report: Report| Row {
        href: format!("{}/{}", base(desk), report.id),
        kind: texts.t(&format!("report-kind-{}", report.kind.as_str())),
        number: report.number.map(|number| number.as_str().to_owned()),
        day: day_text(report.made_at.day_in_japan(), texts),
        from_venue: report.venue.is_some(),
        report_no: report.report_no,
    };
    let encodings = Encoding::ALL.into_iter().map(|one| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("encoding-{}", one.as_str())),
        chosen: one == Encoding::Utf8,
    });
    html(&ListPage {
        rows: found.into_iter().map(row).collect(),
        older,
        may_export: page.may(Action::ExportLedger),
        at_city: matches!(desk, Desk::City(_)),
        encodings: encodings.collect(),
        page: page.titled("reports-title"),
    })
}

/// Which report to begin.
#[derive(Deserialize)]
struct Begin {
    kind: String,
}

async fn city_begin(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    PageForm(begin): PageForm<Begin>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let kind = Kind::parse(&begin.kind).ok_or_else(Problem::not_found)?;
    let found = record(&app.db, &permit, DoseId(dose)).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let form = match kind {
        Kind::Mistake => {
            let draft = MistakeDraft::of(found.given_on, &found.findings, app.today());
            draft.ok_or_else(|| Problem::unprocessable("report_no_finding"))?;
            Form::new()
        }
        Kind::AdverseReaction => {
            let whose = match found.number {
                Some(number) => {
                    look(&app, &permit, Some(number), "report", PURPOSE).await?;
                    person(&app.db, &permit, number).await?
                }
                None => None,
            };
            prefilled(&found, whose.as_ref())
        }
    };
    start(&app, &Desk::City(permit), kind, found.id, form).await
}

async fn venue_begin(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    PageForm(begin): PageForm<Begin>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    // How an error is reported, the city decides.
    let kind = Kind::parse(&begin.kind).filter(|kind| *kind == Kind::AdverseReaction);
    let kind = kind.ok_or_else(Problem::not_found)?;
    let found = of_venue(&app.db, &permit, DoseId(dose)).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let form = prefilled(&found, None);
    start(&app, &Desk::Venue(permit), kind, found.id, form).await
}

async fn start(
    app: &App,
    desk: &Desk,
    kind: Kind,
    dose: DoseId,
    form: Form,
) -> Result<Response, Problem> {
    let id = app.fresh_id();
    let new = NewReport {
        id,
        kind,
        dose,
        form,
    };
    if reports::begin(&app.db, desk, &new, act(app)).await? {
        Ok(Redirect::to(&format!("{}/{id}", base(desk))).into_response())
    } else {
        Err(Problem::not_found())
    }
}

/// What the record says already; of a protected person (支援措置) nothing that the register says.
fn prefilled(record: &Record, whose: Option<&Person>) -> Form {
    let product = Vaccines::bundled().find(&record.product);
    let name = product.map_or(&record.product, |product| &product.name_ja);
    let mut form = Form::new();
    let mut put = |item: &str, text: &str| {
        if !text.is_empty() {
            form.insert(item.to_owned(), text.to_owned());
        }
    };
    put("is_public", "1");
    put("place_name", &record.venue_name);
    put("product", name);
    put("lot", &record.lot);
    put("maker", product.map_or("", |product| &product.maker));
    put("turn", &record.turn.to_string());
    put("given_on", &record.given_on.to_string());
    let resident = whose.and_then(|person| person.resident.as_ref());
    if let Some(resident) = resident.filter(|resident| !resident.protected) {
        put("name", &resident.name);
        put("kana", &resident.kana);
        put("birth", &resident.birth.iso());
        put(
            "sex",
            match resident.sex {
                Sex::Male => "1",
                Sex::Female => "2",
                Sex::Unknown => "9",
            },
        );
    }
    form
}

/// The second step to a protected person's report.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Opened {
    open: Option<String>,
    purpose: String,
}

impl Opened {
    /// What it is looked at for; none if a protected person's second step is still to come.
    fn purpose(&self, report: &Report) -> Option<&'static str> {
        let known = PURPOSES.into_iter().find(|one| *one == self.purpose);
        match known {
            Some(purpose) if !report.protected || self.open.is_some() => Some(purpose),
            _ if report.protected => None,
            _ => Some(PURPOSE),
        }
    }
}

async fn city_show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(opened): Params<Opened>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let desk = Desk::City(permit.clone());
    let report = reports::report(&app.db, &desk, id).await?;
    let report = report.ok_or_else(Problem::not_found)?;
    let Some(purpose) = opened.purpose(&report) else {
        return protected(page, &format!("/city/reports/{id}"));
    };
    look(&app, &permit, report.number, "report", purpose).await?;
    let form = report.form.clone();
    show(&app, &desk, page, report, form, &[]).await
}

async fn venue_show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let desk = venue_desk(&me)?;
    let report = reports::report(&app.db, &desk, id).await?;
    let report = report.ok_or_else(Problem::not_found)?;
    let form = report.form.clone();
    show(&app, &desk, page, report, form, &[]).await
}

/// A part of the form as a page shows it.
struct Part {
    title: String,
    items: Vec<Shown>,
}

/// An item as a page shows it.
struct Shown {
    name: &'static str,
    label: String,
    value: String,
    needed: bool,
    is_text: bool,
    options: Vec<Choice>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    page: Page,
    at: String,
    list: &'static str,
    number: Option<String>,
    report_no: Option<String>,
    submitted_on: Option<String>,
    revision: i64,
    parts: Vec<Part>,
    drafted: Vec<(String, String)>,
    timings: Vec<(String, String)>,
    complaints: Vec<(&'static str, String, String)>,
    pdf: Option<String>,
}

async fn show(
    app: &App,
    desk: &Desk,
    page: Page,
    report: Report,
    form: Form,
    wrong: &[Complaint],
) -> Result<Response, Problem> {
    let kind = report.kind;
    let page = page.titled(match kind {
        Kind::AdverseReaction => "report-title-adverse_reaction",
        Kind::Mistake => "report-title-mistake",
    });
    let texts = page.texts;
    let drafted = match (desk, kind) {
        (Desk::City(permit), Kind::Mistake) => {
            let found = record(&app.db, permit, report.dose).await?;
            let found = found.ok_or_else(Problem::not_found)?;
            drafted(&found, &report, texts)
        }
        _ => Vec::new(),
    };
    let status = if wrong.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let at = format!("{}/{}", base(desk), report.id);
    let is_printed = report.report_no.is_some() && matches!(desk, Desk::City(_));
    let open = if report.protected {
        "?open=yes&purpose=other"
    } else {
        ""
    };
    let shown = ReportPage {
        pdf: is_printed.then(|| format!("{at}/report.pdf{open}")),
        list: base(desk),
        number: report.number.map(|number| number.as_str().to_owned()),
        submitted_on: report.submitted_on.map(|day| day_text(day, texts)),
        report_no: report.report_no,
        revision: report.revision,
        parts: sections(kind)
            .iter()
            .map(|(title, items)| Part {
                title: texts.t(&format!("report-part-{title}")),
                items: items
                    .iter()
                    .map(|item| item_shown(item, &form, wrong, texts))
                    .collect(),
            })
            .collect(),
        drafted,
        timings: timings(&form, texts),
        complaints: wrong
            .iter()
            .map(|(name, why)| (*name, label(name, texts), texts.t(why)))
            .collect(),
        at,
        page,
    };
    Ok((status, html(&shown)?).into_response())
}

/// The item's name; of the second to fourth vaccine with its number.
fn label(name: &str, texts: Texts) -> String {
    for (end, sign) in [("_2", "②"), ("_3", "③"), ("_4", "④")] {
        if let Some(front) = name.strip_suffix(end) {
            return format!("{sign} {}", texts.t(&format!("report-item-{front}")));
        }
    }
    texts.t(&format!("report-item-{name}"))
}

fn item_shown(item: &Item, form: &Form, wrong: &[Complaint], texts: Texts) -> Shown {
    let value = form.get(item.name).cloned().unwrap_or_default();
    let options = match item.way {
        Way::Choice(words) => words
            .iter()
            .map(|word| Choice {
                value: (*word).to_owned(),
                label: texts.t(&format!("report-{}-{word}", item.name)),
                chosen: *word == value,
            })
            .collect(),
        _ => Vec::new(),
    };
    let error = wrong.iter().find(|(name, _)| *name == item.name);
    Shown {
        name: item.name,
        label: label(item.name, texts),
        value,
        needed: item.needed,
        is_text: item.way == Way::Text,
        options,
        error: error.map(|(_, why)| texts.t(why)),
    }
}

/// What follows from the findings, in words.
fn drafted(record: &Record, report: &Report, texts: Texts) -> Vec<(String, String)> {
    let found_on = report.made_at.day_in_japan();
    let Some(draft) = MistakeDraft::of(record.given_on, &record.findings, found_on) else {
        return Vec::new();
    };
    let classes: Vec<String> = draft
        .classes
        .iter()
        .map(|class| texts.t(&format!("mistake-{}", class.as_str())))
        .collect();
    vec![
        (texts.t("report-classes"), classes.join("、")),
        (texts.t("report-form"), draft.urgency.form().to_owned()),
        (texts.t("report-due"), day_text(draft.due_on, texts)),
        (
            texts.t("report-item-given_on"),
            day_text(record.given_on, texts),
        ),
        (texts.t("report-item-place_name"), record.venue_name.clone()),
        (
            texts.t("report-item-product"),
            product_name(&record.product, texts),
        ),
        (texts.t("report-item-lot"), record.lot.clone()),
    ]
}

/// How the reaction lies to the times in which it must be reported.
fn timings(form: &Form, texts: Texts) -> Vec<(String, String)> {
    let moment = |day: &str, time: &str| {
        let on = form.get(day).and_then(|text| Day::parse(text))?;
        let at = form.get(time).and_then(|text| TimeOfDay::parse(text));
        Some((on, at))
    };
    let (Some(given), Some(began)) = (
        moment("given_on", "given_at"),
        moment("began_on", "began_at"),
    ) else {
        return Vec::new();
    };
    windows(given.0)
        .into_iter()
        .map(|window| {
            let symptom = match texts.locale() {
                Locale::Ja => window.symptom_ja.clone(),
                Locale::En => window.symptom_en.clone(),
            };
            let timing = match window.timing(given, began) {
                Timing::Before => "report-timing-before",
                Timing::Within => "report-timing-within",
                Timing::Unclear => "report-timing-unclear",
                Timing::Beyond => "report-timing-beyond",
            };
            (symptom, texts.t(timing))
        })
        .collect()
}

async fn city_save(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(sent): PageForm<Form>,
) -> Result<Response, Problem> {
    save(&app, &city_desk(&me)?, page, id, sent).await
}

async fn venue_save(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(sent): PageForm<Form>,
) -> Result<Response, Problem> {
    save(&app, &venue_desk(&me)?, page, id, sent).await
}

async fn save(
    app: &App,
    desk: &Desk,
    page: Page,
    id: Uuid,
    sent: Form,
) -> Result<Response, Problem> {
    let report = reports::report(&app.db, desk, id).await?;
    let report = report.ok_or_else(Problem::not_found)?;
    let submits = sent.get("act").is_some_and(|act| act == "submit");
    let revision = sent.get("revision").and_then(|text| text.parse().ok());
    let form = taken(report.kind, &sent);
    let wrong = complaints(report.kind, &form, !submits);
    if !wrong.is_empty() {
        return show(app, desk, page, report, form, &wrong).await;
    }
    let over = (id, revision.unwrap_or(-1));
    let submit_on = submits.then(|| app.today());
    let saved = reports::save(&app.db, desk, over, &form, submit_on, act(app)).await?;
    let at = format!("{}/{id}", base(desk));
    match saved {
        Saved::Saved if submits => Ok(done(&at, "report-submitted")),
        Saved::Saved => Ok(done(&at, "report-saved")),
        Saved::Changed => Err(Problem::conflict("report_changed")),
        Saved::NotFound => Err(Problem::not_found()),
    }
}

async fn city_print(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    Params(opened): Params<Opened>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let desk = Desk::City(permit.clone());
    let report = reports::report(&app.db, &desk, id).await?;
    let report = report.ok_or_else(Problem::not_found)?;
    let purpose = opened
        .purpose(&report)
        .ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "person_protected"))?;
    let (Some(number), Some(on)) = (&report.report_no, report.submitted_on) else {
        return Err(Problem::conflict("report_not_submitted"));
    };
    look(&app, &permit, report.number, "report", purpose).await?;
    let paper = match report.kind {
        Kind::AdverseReaction => {
            let told = adverse_reaction(&report.form, number, on);
            Paper::AdverseReaction(AdverseReactionReport {
                report: told.ok_or_else(Problem::internal)?,
                is_protected: report.protected,
            })
        }
        Kind::Mistake => {
            let found = record(&app.db, &permit, report.dose).await?;
            let found = found.ok_or_else(Problem::not_found)?;
            let whose = match found.number {
                Some(number) => person(&app.db, &permit, number).await?,
                None => None,
            };
            let letterhead = letterhead(&app, &permit, &me.organisation.name).await?;
            Paper::Mistake(mistake(
                &report,
                &found,
                whose.as_ref(),
                letterhead.sender,
                number,
                on,
            )?)
        }
    };
    let bytes = tokio::task::spawn_blocking(move || papers_pdf("報告書", &[paper]))
        .await
        .map_err(|_| Problem::internal())?
        .map_err(|refusal| {
            // It names places of the paper and characters, never the text.
            tracing::error!(code = refusal.code(), "report.not_printed");
            Problem::unprocessable("report_not_printed")
        })?;
    let headers = [
        (CONTENT_TYPE, "application/pdf"),
        (CONTENT_DISPOSITION, "inline; filename=\"report.pdf\""),
    ];
    Ok((headers, bytes).into_response())
}

fn mistake(
    report: &Report,
    record: &Record,
    whose: Option<&Person>,
    sender: paper::Sender,
    number: &str,
    on: Day,
) -> Result<MistakeReport, Problem> {
    let found_on = report.made_at.day_in_japan();
    let draft = MistakeDraft::of(record.given_on, &record.findings, found_on)
        .ok_or_else(|| Problem::unprocessable("report_no_finding"))?;
    let resident = whose.and_then(|person| person.resident.as_ref());
    let resident = resident.filter(|resident| !resident.protected);
    let text = |name: &str| report.form.get(name).cloned().unwrap_or_default();
    Ok(MistakeReport {
        sender,
        number: number.to_owned(),
        reported_on: on,
        draft,
        venue_name: record.venue_name.clone(),
        product: product_name(&record.product, Texts::new(Locale::Ja)),
        lot: record.lot.clone(),
        turn: Some(record.turn).filter(|turn| *turn > 0),
        age_years: resident.map(|one| age_on(one.birth.earliest(), record.given_on)),
        sex: resident.map_or(Sex::Unknown, |one| one.sex),
        summary: text("what_happened"),
        cause: text("cause"),
        harm: text("harm"),
        explained: text("explained"),
        measures: text("measures"),
    })
}

/// How the file is to be written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    encoding: String,
}

/// The submitted reports of adverse reactions as a file. Those of protected people are not in it: they are
/// printed one by one, after the second step.
async fn export(
    State(app): State<App>,
    me: Me,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ExportLedger)?;
    look(&app, &permit, None, "reports", PURPOSE).await?;
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    let desk = Desk::City(permit);
    let mut bytes = Vec::new();
    let not_written = |_| Problem::internal();
    let mut file = ReportsExport::new(&mut bytes, encoding).map_err(not_written)?;
    let mut before = None;
    loop {
        let found = reports::list(&app.db, &desk, before).await?;
        let Some(last) = found.last() else { break };
        before = Some(last.id);
        for report in found.iter().filter(|one| !one.protected) {
            let told = match (&report.report_no, report.submitted_on) {
                (Some(number), Some(on)) if report.kind == Kind::AdverseReaction => {
                    adverse_reaction(&report.form, number, on)
                }
                _ => None,
            };
            if let Some(told) = told {
                file.row(&told).map_err(not_written)?;
            }
        }
    }
    file.finish().map_err(not_written)?;
    let kind = match encoding {
        Encoding::Utf8 => "text/csv; charset=utf-8",
        Encoding::Windows31j => "text/csv; charset=Shift_JIS",
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"adverse_reactions.csv\"",
        ),
    ];
    Ok((headers, bytes).into_response())
}

#[cfg(test)]
#[path = "reports_tests.rs"]
mod tests;
