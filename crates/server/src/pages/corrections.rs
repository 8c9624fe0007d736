//! Corrections (訂正): the form that makes a record say something else, for the venue and the city.

use domain::calendar::Day;
use domain::doses::{ChangeRefusal, TURN_MAX};
use serde::Deserialize;
use store::doses::Record;
use store::recorder::RecordError;
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, day_text, product_choices, turn_choices};
use crate::web::layout::Page;
use crate::web::locale::Texts;
use crate::web::problem::Problem;

/// The fields of the form, as typed.
#[derive(Clone, Deserialize)]
pub struct CorrectionFields {
    /// The act's own id, made with the page.
    pub id: Uuid,
    /// The day it was given.
    #[serde(default)]
    pub given_on: String,
    /// Which dose it was.
    #[serde(default)]
    pub turn: u8,
    /// The product's key.
    #[serde(default)]
    pub product: String,
    /// The lot.
    #[serde(default)]
    pub lot: String,
    /// Who gave it.
    #[serde(default)]
    pub doctor: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// What the record said when the form was opened; empty at a venue, whose day it is.
    #[serde(default)]
    pub version: String,
}

/// What the form says, checked.
pub struct Said {
    /// The day it was given.
    pub given_on: Day,
    /// Which dose it was.
    pub turn: u8,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Who gave it.
    pub doctor: String,
    /// Why.
    pub reason: String,
}

impl CorrectionFields {
    /// The form as a record fills it.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        Self {
            id: Uuid::nil(),
            given_on: record.given_on.to_string(),
            turn: record.turn,
            product: record.product.clone(),
            lot: record.lot.clone(),
            doctor: record.doctor.clone(),
            reason: String::new(),
            version: record.version().to_string(),
        }
    }

    /// What it says, or complaints about it; a form that changes nothing is complained about, too.
    pub fn checked(
        &self,
        page: &Page,
        record: &Record,
        today: Day,
        complaints: &mut Complaints,
    ) -> Option<Said> {
        let given_on = complaints.day(page, "given_on", &self.given_on, today);
        let product = complaints.product(page, &self.product, given_on, Some(&record.product));
        let lot = complaints.lot(page, &self.lot);
        let doctor = complaints.doctor(page, &self.doctor);
        let reason = complaints.reason(page, &self.reason);
        // The form offers the turns there are; another one comes from something that is not the form.
        if self.turn != record.turn && !(1..=TURN_MAX).contains(&self.turn) {
            return complaints.add("turn", page.t("field-not_a_turn"));
        }
        let said = Said {
            given_on: given_on?,
            turn: self.turn,
            product: product?,
            lot: lot?,
            doctor: doctor?,
            reason: reason?,
        };
        let same = said.given_on == record.given_on
            && said.turn == record.turn
            && said.product == record.product
            && said.lot == record.lot
            && said.doctor == record.doctor;
        if same {
            return complaints.add("given_on", page.t("change-nothing"));
        }
        Some(said)
    }
}

/// The products and turns that the form offers.
#[must_use]
pub fn correction_choices(
    record: &Record,
    fields: &CorrectionFields,
    texts: Texts,
) -> (Vec<Choice>, Vec<Choice>) {
    let on = Day::parse(fields.given_on.trim()).unwrap_or(record.given_on);
    (
        product_choices(on, &fields.product, texts),
        turn_choices(fields.turn, texts),
    )
}

/// Why a record may not be changed, in words.
#[must_use]
pub fn refusal_text(refusal: ChangeRefusal, texts: Texts) -> String {
    match refusal {
        ChangeRefusal::NotYours => texts.t("refusal-not_yours"),
        ChangeRefusal::NotToday { recorded_on } => texts.t_with(
            "refusal-not_today",
            &[("day", day_text(recorded_on, texts))],
        ),
        ChangeRefusal::Confirmed => texts.t("refusal-confirmed"),
        ChangeRefusal::Voided => texts.t("refusal-voided"),
        ChangeRefusal::AsItIs => texts.t("refusal-as_it_is"),
        ChangeRefusal::ChangedMeanwhile => texts.t("refusal-changed_meanwhile"),
    }
}

/// A refusal in words for the form; what is no refusal is a problem of its own.
///
/// # Errors
/// The database's, and that there is no such record.
pub fn change_text(error: RecordError, texts: Texts) -> Result<String, Problem> {
    match error {
        RecordError::Refused(refusal) => Ok(refusal_text(refusal, texts)),
        RecordError::Conflict { .. } => Ok(texts.t("change-conflict")),
        RecordError::NotFound => Err(Problem::not_found()),
        RecordError::Store(error) => Err(error.into()),
        RecordError::Stopped => Err(Problem::storage_unavailable()),
    }
}
