//! What is typed on the pages of a venue's stock (在庫), and why something was not done.

use axum::http::StatusCode;
use domain::calendar::Instant;
use domain::stock::{Goods, MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX, Shelf};
use domain::venues::FacilityCode;
use serde::Deserialize;
use store::deliveries::Receipt;
use store::stock::{Act, Done};
use store::transfers::Word;
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::records::Choice;
use crate::state::App;
use crate::web::layout::Page;
use crate::web::locale::Texts;

/// Why something was not done.
#[derive(Default)]
pub(super) struct Trouble {
    pub(super) words: Option<String>,
    pub(super) complaints: Complaints,
}

impl Trouble {
    pub(super) fn is_none(&self) -> bool {
        self.words.is_none() && self.complaints.is_empty()
    }

    pub(super) fn status(&self) -> StatusCode {
        if self.is_none() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

pub(super) fn shelves(chosen: &str, texts: Texts) -> Vec<Choice> {
    Shelf::ALL
        .into_iter()
        .map(|shelf| Choice {
            value: shelf.as_str().to_owned(),
            label: texts.t(&format!("stock-shelf-{}", shelf.as_str())),
            chosen: shelf.as_str() == chosen,
        })
        .collect()
}

/// The fields of all forms of these pages, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    /// What the form was made with, so that sending it twice does it once.
    pub(super) act: Uuid,
    /// The delivery or transfer.
    pub(super) of: Uuid,
    pub(super) product: String,
    pub(super) lot: String,
    pub(super) shelf: String,
    pub(super) vials: String,
    /// What the books said when the form was made.
    pub(super) seen: String,
    pub(super) began: String,
    pub(super) note: String,
    pub(super) facility: String,
    pub(super) supplier: Uuid,
    pub(super) slip: String,
    pub(super) doing: String,
    pub(super) waste: String,
}

/// A number of vials as typed; less than none is told as what cannot be.
pub(super) fn vials_in(
    page: &Page,
    text: &str,
    least: i64,
    complaints: &mut Complaints,
) -> Option<i64> {
    let vials = text.trim().parse().ok();
    match vials.filter(|vials| (least..=MOVEMENT_VIALS_MAX).contains(vials)) {
        Some(vials) => Some(vials),
        None => complaints.add("vials", page.t("stock-complaint-vials")),
    }
}

pub(super) fn note_in(
    page: &Page,
    text: &str,
    is_needed: bool,
    complaints: &mut Complaints,
) -> Option<String> {
    if text.trim().is_empty() && !is_needed {
        return Some(String::new());
    }
    complaints.text(page, "note", text, NOTE_LENGTH_MAX)
}

/// A moment as `datetime-local` sends it, on Japan's clock; none where it is empty.
pub(super) fn moment_in(
    page: &Page,
    text: &str,
    now: Instant,
    complaints: &mut Complaints,
) -> Option<Option<Instant>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    match Instant::parse(&format!("{text}:00+09:00")) {
        Some(moment) if moment <= now => Some(Some(moment)),
        _ => complaints.add("began", page.t("stock-complaint-moment")),
    }
}

pub(super) fn goods_in(page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<Goods> {
    let product = fields.product.trim();
    if product.is_empty() {
        complaints.add::<()>("product", page.t("complaint-product"));
    }
    let lot = complaints.lot(page, &fields.lot)?;
    (!product.is_empty()).then(|| Goods {
        product: product.to_owned(),
        lot,
    })
}

/// Sends on after something was done, or says why it was not.
pub(super) fn outcome(page: &Page, done_: &Done) -> Result<(), String> {
    match done_ {
        Done::Now | Done::Before => Ok(()),
        Done::OtherContent => Err(page.t("stock-sent-otherwise")),
        Done::BooksChanged(vials) => Err(page.t1("stock-books-changed", "vials", *vials)),
        Done::Refused(refusal) => Err(page.t(&format!("refused-{}", refusal.code()))),
        Done::NotFound => Err(page.t("stock-not-found")),
        Done::Held(free) => Err(page.t1("stock-held", "vials", *free)),
    }
}

pub(super) fn act_of(app: &App, fields: &Fields) -> Act {
    Act {
        id: fields.act,
        at: app.now(),
    }
}

pub(super) fn receipt_in(
    app: &App,
    page: &Page,
    fields: &Fields,
    least: i64,
    complaints: &mut Complaints,
) -> Option<Receipt> {
    let vials = vials_in(page, &fields.vials, least, complaints);
    let note = note_in(page, &fields.note, false, complaints);
    let began = moment_in(page, &fields.began, app.now(), complaints);
    Some(Receipt {
        delivery: fields.of,
        vials: vials?,
        shelf: Shelf::parse(&fields.shelf).unwrap_or(Shelf::Frozen),
        began: began?,
        note: note?,
    })
}

pub(super) fn word_in(
    app: &App,
    page: &Page,
    fields: &Fields,
    complaints: &mut Complaints,
) -> Option<Word> {
    let other = match FacilityCode::parse(&fields.facility) {
        Ok(code) => Some(code),
        Err(_) => complaints.add("facility", page.t("stock-complaint-facility")),
    };
    let goods = goods_in(page, fields, complaints);
    let vials = vials_in(page, &fields.vials, 1, complaints);
    let note = note_in(page, &fields.note, false, complaints);
    let began = moment_in(page, &fields.began, app.now(), complaints);
    Some(Word {
        other: other?,
        goods: goods?,
        shelf: Shelf::parse(&fields.shelf).unwrap_or(Shelf::Frozen),
        vials: vials?,
        began: began?,
        note: note?,
    })
}
