//! Deliveries (配送): what a wholesaler or maker has to deliver, registers as delivered, and is asked about.

use std::io::Cursor;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, Permit};
use domain::calendar::Day;
use domain::cycles::CYCLE_DAYS;
use domain::deliveries::{
    DELIVERY_VIALS_MAX, Delivery, NUMBER_LENGTH_MAX, PaperNumber, PaperNumberRefusal, Question,
    Temperature,
};
use domain::stock::{MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX};
use domain::vaccines::{LOT_LENGTH_MAX, Lot, ProductKey, Vaccines};
use domain::venues::FacilityCode;
use exchange::complaints::Complaint;
use exchange::deliveries::Reader;
use exchange::encoding::Encoding;
use exchange::orders::{OrderLine, write_orders};
use serde::Deserialize;
use store::deliveries::{self, OpenQuestion, Registered, Told};
use store::stock::{Act, Done};
use store::venues::own_code_book;
use uuid::Uuid;

use crate::pages::attachments;
use crate::pages::fields::Complaints;
use crate::pages::imports::encodings;
use crate::pages::lots::all_products;
use crate::pages::orders::OrderRow;
use crate::pages::records::{Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Bytes of a file of deliveries at most: a day of 70,000 venues is some 8 MB.
const FILE_BYTES_MAX: usize = 16 << 20;
/// Complaints that the page shows; all of them are on the work list.
const SHOWN_MAX: usize = 50;

/// The pages of this file.
pub fn routes() -> Routes {
    let register = Guard::May(Action::RegisterDelivery);
    Routes::new()
        .get("/deliveries", register, show)
        .post("/deliveries", register, enter)
        .post_up_to(FILE_BYTES_MAX, "/deliveries/file", register, load)
        .post("/deliveries/right", register, put_right)
        .post("/deliveries/answers", register, answer)
        .get("/deliveries/orders", register, orders_file)
}

/// The fields of the forms, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    act: Uuid,
    of: Uuid,
    slip: String,
    facility: String,
    order: String,
    product: String,
    lot: String,
    expires: String,
    vials: String,
    delivered_on: String,
    temperature: String,
    note: String,
}

/// What became of a file, in words.
#[derive(Default)]
struct Outcome {
    booked: usize,
    before: usize,
    asked: usize,
    held: usize,
    /// What is wrong with lines, with their number.
    complaints: Vec<(u64, String)>,
    /// Why the file as a whole was refused.
    refused: Option<String>,
}

/// An open delivery in words.
struct Row {
    told: Told,
    product: String,
    delivered_on: String,
    act: Uuid,
}

/// An open question in words.
struct Asked {
    id: Uuid,
    question: String,
    todo: String,
    about: String,
    detail: String,
    at: String,
}

impl Asked {
    fn of(one: OpenQuestion, texts: Texts) -> Self {
        let word = one.question.as_str();
        // A product's key is no word for people, nor is another venue's id.
        let about: Vec<String> = one
            .about
            .split(' ')
            .map(|word| product_name(word, texts))
            .collect();
        let detail = match one.question {
            Question::CameElsewhere | Question::Contradicts => String::new(),
            _ => one.detail,
        };
        Self {
            id: one.id,
            question: texts.t(&format!("delivery-question-{word}")),
            todo: texts.t(&format!("delivery-question-{word}.todo")),
            about: about.join(" "),
            detail,
            at: one.at.japanese(),
        }
    }
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage {
    page: Page,
    orders: Vec<OrderRow>,
    open: Vec<Row>,
    asked: Vec<Asked>,
    outcome: Option<Outcome>,
    trouble: Option<String>,
    fields: Fields,
    complaints: Complaints,
    products: Vec<Choice>,
    temperatures: Vec<Choice>,
    encodings: Vec<Choice>,
    today: Day,
    vials_max: u16,
    note_max: usize,
    lot_max: usize,
    number_max: usize,
}

/// What a page says beside its lists.
#[derive(Default)]
struct Said {
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    outcome: Option<Outcome>,
}

fn permit_of(me: &Me) -> Result<Permit, Problem> {
    me.permit(Action::RegisterDelivery, me.place())
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = permit_of(&me)?;
    render(&app, &permit, page, Said::default()).await
}

async fn render(app: &App, permit: &Permit, page: Page, said: Said) -> Result<Response, Problem> {
    let page = page.titled("deliveries-title");
    let texts = page.texts;
    let orders = deliveries::open_orders(&app.db, permit).await?;
    let open = deliveries::open_at_supplier(&app.db, permit).await?;
    let asked = deliveries::open_questions(&app.db, permit).await?;
    let is_refused = said.trouble.is_some() || !said.complaints.is_empty();
    let temperature = |one: Temperature| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("delivery-temperature-{}", one.as_str())),
        chosen: one.as_str() == said.fields.temperature,
    };
    let shown = html(&DeliveriesPage {
        orders: orders
            .into_iter()
            .map(|one| OrderRow::of(one, texts))
            .collect(),
        open: open
            .into_iter()
            .map(|told| Row {
                product: product_name(&told.goods.product, texts),
                delivered_on: day_text(told.delivered_on, texts),
                act: app.fresh_id(),
                told,
            })
            .collect(),
        asked: asked.into_iter().map(|one| Asked::of(one, texts)).collect(),
        outcome: said.outcome,
        trouble: said.trouble,
        products: all_products(&said.fields.product, texts),
        temperatures: Temperature::ALL.into_iter().map(temperature).collect(),
        encodings: encodings(&page),
        today: app.today(),
        vials_max: DELIVERY_VIALS_MAX,
        note_max: NOTE_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        number_max: NUMBER_LENGTH_MAX,
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

/// Why a text is no slip or order number.
#[must_use]
pub fn number_text(refusal: PaperNumberRefusal, texts: Texts) -> String {
    match refusal {
        PaperNumberRefusal::Empty => texts.t("complaint-empty"),
        PaperNumberRefusal::Length { got } => texts.t_with(
            "complaint-long",
            &[("max", NUMBER_LENGTH_MAX), ("got", got)],
        ),
        PaperNumberRefusal::Unprintable => texts.t("complaint-control"),
    }
}

pub(super) fn number_in(
    page: &Page,
    field: &'static str,
    text: &str,
    complaints: &mut Complaints,
) -> Option<PaperNumber> {
    match PaperNumber::parse(text) {
        Ok(number) => Some(number),
        Err(refusal) => complaints.add(field, number_text(refusal, page.texts)),
    }
}

pub(super) fn product_in(
    page: &Page,
    key: &str,
    complaints: &mut Complaints,
) -> Option<ProductKey> {
    let known = Vaccines::bundled().find(key);
    match known {
        Some(product) => Some(product.key.clone()),
        None => complaints.add("product", page.t("complaint-product")),
    }
}

fn delivery_in(
    page: &Page,
    fields: &Fields,
    today: Day,
    complaints: &mut Complaints,
) -> Option<Delivery> {
    let slip = number_in(page, "slip", &fields.slip, complaints);
    let facility = FacilityCode::parse(&fields.facility).ok();
    if facility.is_none() {
        complaints.add::<()>("facility", page.t("stock-complaint-facility"));
    }
    let order = match fields.order.trim() {
        "" => Some(None),
        text => number_in(page, "order", text, complaints).map(Some),
    };
    let product = product_in(page, &fields.product, complaints);
    let lot = complaints.lot(page, &fields.lot);
    let expires = Day::parse(fields.expires.trim());
    if expires.is_none() {
        complaints.add::<()>("expires", page.t("complaint-day"));
    }
    let vials: Option<u16> = fields.vials.trim().parse().ok();
    let vials = vials.filter(|vials| (1..=DELIVERY_VIALS_MAX).contains(vials));
    if vials.is_none() {
        complaints.add::<()>("vials", page.t("stock-complaint-vials"));
    }
    let delivered_on = complaints.day(page, "delivered_on", &fields.delivered_on, today);
    let note = match fields.note.trim() {
        "" => Some(String::new()),
        text => complaints.text(page, "note", text, NOTE_LENGTH_MAX),
    };
    Some(Delivery {
        slip: slip?,
        facility: facility?,
        order: order?,
        product: product?,
        // What `complaints` let through is a lot.
        lot: Lot::parse(&lot?).ok()?,
        expires: expires?,
        vials: i64::from(vials?),
        delivered_on: delivered_on?,
        temperature: Temperature::parse(&fields.temperature).unwrap_or(Temperature::NotLogged),
        note: note?,
    })
}

async fn enter(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = permit_of(&me)?;
    let mut complaints = Complaints::default();
    let Some(delivery) = delivery_in(&page, &fields, app.today(), &mut complaints) else {
        let said = Said {
            fields,
            complaints,
            ..Said::default()
        };
        return render(&app, &permit, page, said).await;
    };
    match deliveries::register(&app.db, &permit, &delivery, app.now()).await? {
        Registered::Booked(asked) if asked.is_empty() => Ok(done("/deliveries", "delivery")),
        Registered::Booked(_) => Ok(done("/deliveries", "delivery-asked")),
        Registered::Before => Ok(done("/deliveries", "delivery-before")),
        Registered::Held(question) => {
            let trouble = page.t(&format!("delivery-question-{}", question.as_str()));
            let said = Said {
                fields,
                trouble: Some(trouble),
                ..Said::default()
            };
            render(&app, &permit, page, said).await
        }
    }
}

/// The file of a form, and its encoding.
///
/// # Errors
/// The form could not be received whole.
pub async fn file_in(mut sent: Multipart) -> Result<(Bytes, Encoding), Problem> {
    let cut_off = |error| attachments::cut_off(&error);
    let mut encoding = Encoding::Utf8;
    let mut file = Bytes::new();
    while let Some(field) = sent.next_field().await.map_err(cut_off)? {
        match field.name() {
            Some("encoding") => {
                let word = field.text().await.map_err(cut_off)?;
                encoding = Encoding::parse(&word).unwrap_or(Encoding::Utf8);
            }
            Some("file") => file = field.bytes().await.map_err(cut_off)?,
            _ => {}
        }
    }
    Ok((file, encoding))
}

async fn load(
    State(app): State<App>,
    me: Me,
    page: Page,
    sent: Multipart,
) -> Result<Response, Problem> {
    let permit = permit_of(&me)?;
    let (file, encoding) = file_in(sent).await?;
    let outcome = take_in(&app, &permit, &file, encoding, page.texts.locale()).await?;
    let said = Said {
        outcome: Some(outcome),
        ..Said::default()
    };
    render(&app, &permit, page, said).await
}

/// Takes a file in line by line: each by itself, none lost.
async fn take_in(
    app: &App,
    permit: &Permit,
    file: &Bytes,
    encoding: Encoding,
    locale: Locale,
) -> Result<Outcome, Problem> {
    let mut outcome = Outcome::default();
    let book = own_code_book(&app.db, permit).await?;
    let reader = match Reader::open(Cursor::new(file), encoding, book) {
        Ok(reader) => reader,
        Err(refusal) => {
            outcome.refused = Some(attachments::refused_text(&refusal, locale));
            return Ok(outcome);
        }
    };
    // Reading from memory does not fail.
    for line in reader.flatten() {
        let Some(delivery) = line.row else {
            let all = complained(&line.complaints, locale);
            let text = raw_line(file, encoding, line.place.line);
            deliveries::unreadable(&app.db, permit, &text, &all, app.now()).await?;
            outcome.held += 1;
            if outcome.complaints.len() < SHOWN_MAX {
                outcome.complaints.push((line.place.line, all));
            }
            continue;
        };
        match deliveries::register(&app.db, permit, &delivery, app.now()).await? {
            Registered::Booked(asked) => {
                outcome.booked += 1;
                outcome.asked += usize::from(!asked.is_empty());
            }
            Registered::Before => outcome.before += 1,
            Registered::Held(_) => outcome.held += 1,
        }
    }
    Ok(outcome)
}

/// Everything wrong with a line, in words.
pub(super) fn complained(complaints: &[Complaint], locale: Locale) -> String {
    let words = |one: &Complaint| {
        let column = one.column.unwrap_or("—");
        match locale {
            Locale::Ja => format!("{column}: {}", one.text_ja()),
            Locale::En => format!("{column}: {}", one.text_en()),
        }
    };
    let all: Vec<String> = complaints.iter().map(words).collect();
    all.join(" ")
}

/// A line as it stands in the file, for the work list.
fn raw_line(file: &[u8], encoding: Encoding, number: u64) -> String {
    let at = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = file.split(|byte| *byte == b'\n').nth(at);
    let line = line.unwrap_or_default();
    encoding.shown(line).trim_end().to_owned()
}

async fn put_right(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = permit_of(&me)?;
    let vials: Option<i64> = fields.vials.trim().parse().ok();
    let vials = vials.filter(|vials| (0..=MOVEMENT_VIALS_MAX).contains(vials));
    let note: String = fields.note.trim().chars().take(NOTE_LENGTH_MAX).collect();
    let trouble = match vials {
        None => page.t("stock-complaint-vials"),
        Some(vials) => {
            let act = Act {
                id: fields.act,
                at: app.now(),
            };
            let what = (fields.of, vials);
            match deliveries::put_right(&app.db, &permit, what, &note, act).await? {
                Done::Now | Done::Before => return Ok(done("/deliveries", "stock-right")),
                Done::OtherContent => page.t("stock-sent-otherwise"),
                Done::BooksChanged(vials) => page.t1("stock-books-changed", "vials", vials),
                Done::Refused(_) => page.t("stock-complaint-vials"),
                Done::NotFound => page.t("stock-not-found"),
                Done::Held(free) => page.t1("stock-held", "vials", free),
            }
        }
    };
    let said = Said {
        trouble: Some(trouble),
        ..Said::default()
    };
    render(&app, &permit, page, said).await
}

async fn answer(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = permit_of(&me)?;
    let mut complaints = Complaints::default();
    let Some(words) = complaints.text(&page, "note", &fields.note, NOTE_LENGTH_MAX) else {
        let said = Said {
            complaints,
            ..Said::default()
        };
        return render(&app, &permit, page, said).await;
    };
    let act = (app.fresh_id(), app.now());
    match deliveries::answer(&app.db, &permit, fields.of, &words, act).await? {
        Done::NotFound => Err(Problem::not_found()),
        _ => Ok(done("/deliveries", "delivery-answered")),
    }
}

/// What is still to be delivered, as CSV: the file of results (配送結果CSV) takes its numbers and codes back.
async fn orders_file(State(app): State<App>, me: Me) -> Result<Response, Problem> {
    let permit = permit_of(&me)?;
    let orders = deliveries::open_orders(&app.db, &permit).await?;
    let book = own_code_book(&app.db, &permit).await?;
    let today = app.today();
    let line = |one: deliveries::Ordered| OrderLine {
        own: book.own(one.venue_id, today).to_owned(),
        number: one.number,
        facility: one.facility,
        venue: one.venue,
        product: one.product,
        vials: one.vials,
        delivered: one.delivered,
        cycle: one.cycle.map(|cycle| cycle.number),
        days: one
            .cycle
            .map(|cycle| (cycle.first_day, last_day_of(cycle.first_day))),
    };
    let lines: Vec<OrderLine> = orders.into_iter().map(line).collect();
    let mut bytes = Vec::new();
    write_orders(&mut bytes, &lines, Encoding::Utf8).map_err(|_| Problem::internal())?;
    let name = format!("orders-{}.csv", app.today());
    Ok(attachments::csv_response(&name, Encoding::Utf8, bytes))
}

/// The last day of delivery of a cycle that begins on this day.
pub(crate) fn last_day_of(first_day: Day) -> Day {
    first_day.plus_days(CYCLE_DAYS - 1)
}
