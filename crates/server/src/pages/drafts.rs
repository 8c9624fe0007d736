//! Doses that were written on paper while there was no network (予診票の控え): the form's code is
//! scanned, a person compares, and what only the paper knows is added.
//!
//! Invariant: the dose takes the form's number as its id, so that a sheet scanned twice is one record.

use askama::Template;
use axum::extract::multipart::Multipart;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Day;
use domain::coupons::CouponLine;
use domain::doses::{DOCTOR_NAME_LENGTH_MAX, DoseId, InputWay, VENUE_NAME_LENGTH_MAX};
use domain::drafts::{Draft, DraftRefusal};
use domain::vaccines::{LOT_LENGTH_MAX, Lot, ProductKey};
use serde::Deserialize;
use store::doses::{is_recorded, of_venue};
use store::recorder::{RecordError, Report};

use crate::pages::fields::Complaints;
use crate::pages::photos::{self, PHOTO_BYTES_MAX};
use crate::pages::reading::{Trouble, photo_in, picture_text, refused};
use crate::pages::records::{Choice, Digits, city_name, product_choices};
use crate::pages::registration::{conflict, device};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Locale;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Scanning a form, and entering it.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::RecordDose);
    Routes::new()
        .get("/venue/drafts", guard, show)
        .post("/venue/drafts", guard, scanned)
        .post_up_to(PHOTO_BYTES_MAX, "/venue/drafts/photo", guard, photographed)
        .post("/venue/drafts/entries", guard, enter)
        .get("/venue/drafts/{step}", guard, back)
}

/// Reloading a page that a form led to begins anew.
async fn back(Path(_): Path<String>) -> Redirect {
    Redirect::to("/venue/drafts")
}

#[derive(Template)]
#[template(path = "venue/drafts.html")]
struct ScanPage {
    page: Page,
    trouble: Option<Trouble>,
}

async fn show(me: Me, page: Page) -> Result<Response, Problem> {
    me.venue(Action::RecordDose)?;
    scan_page(page, None)
}

fn scan_page(page: Page, trouble: Option<Trouble>) -> Result<Response, Problem> {
    let status = match trouble {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = page.titled("drafts-title");
    Ok((status, html(&ScanPage { page, trouble })?).into_response())
}

/// What a hand scanner typed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Scanned {
    draft: String,
}

async fn scanned(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(scanned): PageForm<Scanned>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    match Draft::parse(scanned.draft.trim()) {
        Ok(draft) => begin(&app, &me, &permit, page, &draft).await,
        Err(refusal) => {
            let trouble = draft_trouble(&page, &refusal);
            scan_page(page, Some(trouble))
        }
    }
}

async fn photographed(
    State(app): State<App>,
    me: Me,
    page: Page,
    form: Multipart,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let codes = match photos::codes(photo_in(form).await?).await? {
        Ok(codes) => codes,
        Err(refusal) => {
            let trouble = said(&page, picture_text(&refusal));
            return scan_page(page, Some(trouble));
        }
    };
    // Other codes lie on the paper too: the coupon's, a seal's. A draft of ours that was misread is
    // told as such; anything else is not.
    let mut drafts = codes.iter().map(|code| Draft::parse(code));
    let read = drafts
        .by_ref()
        .find(|read| *read != Err(DraftRefusal::NotADraft));
    match read {
        Some(Ok(draft)) => begin(&app, &me, &permit, page, &draft).await,
        Some(Err(refusal)) => {
            let trouble = draft_trouble(&page, &refusal);
            scan_page(page, Some(trouble))
        }
        None => {
            let trouble = said(&page, "drafts-no-code");
            scan_page(page, Some(trouble))
        }
    }
}

fn said(page: &Page, id: &str) -> Trouble {
    Trouble {
        text: page.t(id),
        todo: page.t(&format!("{id}.todo")),
        strip: None,
    }
}

/// The refusal's own words in the reader's language: it has both in one line.
fn draft_trouble(page: &Page, refusal: &DraftRefusal) -> Trouble {
    let both = refusal.to_string();
    let (japanese, english) = both.split_once(" / ").unwrap_or((&both, &both));
    let text = match page.texts.locale() {
        Locale::Ja => japanese,
        Locale::En => english,
    };
    Trouble {
        text: text.to_owned(),
        todo: page.t("drafts-by-hand"),
        strip: None,
    }
}

/// The fields of a form being entered, as they were printed or typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    draft: String,
    line: String,
    given_on: String,
    product: String,
    lot: String,
    doctor: String,
    venue_name: String,
    compared: Option<String>,
    act: String,
}

#[derive(Template)]
#[template(path = "venue/draft.html")]
struct EntryPage {
    page: Page,
    fields: Fields,
    complaints: Complaints,
    /// The coupon that was printed on the form.
    digits: Option<Digits>,
    city: String,
    /// The code of the venue that the form was printed for, if it is another one.
    printed_for: Option<String>,
    products: Vec<Choice>,
    today: Day,
    venue_name_max: usize,
    doctor_max: usize,
    lot_max: usize,
}

/// Shows what the form says; if it was entered before, what was answered then.
async fn begin(
    app: &App,
    me: &Me,
    permit: &VenuePermit,
    page: Page,
    draft: &Draft,
) -> Result<Response, Problem> {
    let id = DoseId(draft.form);
    if of_venue(&app.db, permit, id).await?.is_some() {
        return Ok(entered_before(id));
    }
    if is_entered_elsewhere(app, permit, draft, draft.coupon.as_ref()).await? {
        let trouble = said(&page, "drafts-elsewhere");
        return scan_page(page, Some(trouble));
    }
    let product = draft.product.as_ref().map(ProductKey::as_str);
    let fields = Fields {
        draft: draft.text(),
        given_on: draft.on.map(|on| on.to_string()).unwrap_or_default(),
        product: product.unwrap_or_default().to_owned(),
        lot: draft
            .lot
            .as_ref()
            .map(Lot::as_str)
            .unwrap_or_default()
            .to_owned(),
        venue_name: me
            .organisation
            .name
            .chars()
            .take(VENUE_NAME_LENGTH_MAX)
            .collect(),
        ..Fields::default()
    };
    entry_page(app, me, page, draft, fields, Complaints::default())
}

/// Whether another venue entered the form: the record is in the ledger of the coupon's city, or of our
/// own where the digits lead nowhere.
async fn is_entered_elsewhere(
    app: &App,
    permit: &VenuePermit,
    draft: &Draft,
    line: Option<&CouponLine>,
) -> Result<bool, Problem> {
    let of_coupon = line.and_then(|line| line.coupon().ok());
    let of_coupon = of_coupon.map(|coupon| coupon.municipality);
    for city in [of_coupon, Some(permit.city())].into_iter().flatten() {
        if is_recorded(&app.db, permit, city, DoseId(draft.form)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn entered_before(id: DoseId) -> Response {
    done(&format!("/venue/result/{id}"), "draft-before")
}

fn entry_page(
    app: &App,
    me: &Me,
    page: Page,
    draft: &Draft,
    fields: Fields,
    complaints: Complaints,
) -> Result<Response, Problem> {
    let page = page.titled("draft-title");
    let today = app.today();
    let on = Day::parse(fields.given_on.trim()).unwrap_or(today);
    let mut products = product_choices(on, "", page.texts);
    for choice in &mut products {
        choice.chosen = choice.value == fields.product;
    }
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let printed_for = draft
        .venue
        .filter(|code| Some(*code) != me.organisation.facility_code)
        .map(|code| code.to_string());
    let shown = html(&EntryPage {
        digits: draft.coupon.as_ref().map(Digits::of),
        city: draft
            .coupon
            .map(|line| city_name(&line, page.texts))
            .unwrap_or_default(),
        printed_for,
        products,
        today,
        venue_name_max: VENUE_NAME_LENGTH_MAX,
        doctor_max: DOCTOR_NAME_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        page,
        fields,
        complaints,
    })?;
    Ok((status, shown).into_response())
}

async fn enter(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let draft = Draft::parse(&fields.draft).map_err(|_| Problem::unprocessable("form_shape"))?;
    let id = DoseId(draft.form);
    if of_venue(&app.db, &permit, id).await?.is_some() {
        return Ok(entered_before(id));
    }
    // The day was changed: show the products of that day before anything else.
    if fields.act == "products" {
        return entry_page(&app, &me, page, &draft, fields, Complaints::default());
    }
    let mut complaints = Complaints::default();
    let Some(report) = reported(&app, &page, &draft, &fields, &headers, &mut complaints) else {
        return entry_page(&app, &me, page, &draft, fields, complaints);
    };
    if is_entered_elsewhere(&app, &permit, &draft, Some(&report.line)).await? {
        let trouble = said(&page, "drafts-elsewhere");
        return scan_page(page, Some(trouble));
    }
    match app.recorder.report(&permit, report).await {
        Ok(_) => Ok(Redirect::to(&format!("/venue/result/{id}")).into_response()),
        Err(RecordError::Conflict { first }) => conflict(page, &first),
        Err(RecordError::Store(error)) => Err(error.into()),
        Err(RecordError::Stopped) => Err(Problem::storage_unavailable()),
        Err(RecordError::Refused(_) | RecordError::NotFound) => Err(Problem::internal()),
    }
}

fn reported(
    app: &App,
    page: &Page,
    draft: &Draft,
    fields: &Fields,
    headers: &HeaderMap,
    complaints: &mut Complaints,
) -> Option<Report> {
    let line = match draft.coupon {
        Some(line) => Some(line),
        None => written_line(page, fields, complaints),
    };
    let given_on = complaints.day(page, "given_on", &fields.given_on, app.today());
    let product = complaints.product(page, &fields.product, given_on, None);
    let lot = complaints.lot(page, &fields.lot);
    let doctor = complaints.doctor(page, &fields.doctor);
    let name = &fields.venue_name;
    let venue_name = complaints.text(page, "venue_name", name, VENUE_NAME_LENGTH_MAX);
    if fields.compared.is_none() {
        complaints.add::<()>("compared", page.t("draft-not-compared"));
    }
    let report = Report {
        id: DoseId(draft.form),
        line: line?,
        given_on: given_on?,
        product: product?,
        lot: lot?,
        doctor: doctor?,
        venue_name: venue_name?,
        device: device(headers),
        input: InputWay::Paper,
    };
    complaints.is_empty().then_some(report)
}

/// The digits of whoever came without a printed form: from the coupon's seal on the paper, by a
/// scanner or by hand. A wrong check digit ends here, since typing it again costs nothing.
fn written_line(page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<CouponLine> {
    let read = CouponLine::parse(&fields.line).and_then(|line| line.coupon().map(|_| line));
    match read {
        Ok(line) => Some(line),
        Err(refusal) => complaints.add("line", refused(page, refusal).text),
    }
}

#[cfg(test)]
#[path = "drafts_tests.rs"]
mod tests;
