//! The fields of a body, read one by one: every mistake is told, not only the first.

use axum::http::StatusCode;
use domain::calendar::{Day, Instant};
use domain::coupons::{CouponLine, CouponNumber};
use domain::doses::{DEVICE_LENGTH_MAX, DOCTOR_NAME_LENGTH_MAX, InputWay, PRODUCT_KEY_LENGTH_MAX};
use domain::doses::{REASON_LENGTH_MAX, TURN_MAX, VENUE_NAME_LENGTH_MAX};
use domain::places::{MunicipalityCode, Prefecture};
use domain::vaccines::{LOT_LENGTH_MAX, Lot, LotRefusal, ProductKey, Vaccines};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::web::locale::{Locale, Texts};
use crate::web::problem::Problem;

/// What is wrong with the fields read so far.
#[derive(Default)]
pub struct Fields {
    complaints: Vec<Value>,
}

impl Fields {
    /// None read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The values, if no field was complained of.
    ///
    /// # Errors
    /// 422 `fields_refused`, with each field, its code and words in both languages.
    pub fn done(self) -> Result<(), Problem> {
        if self.complaints.is_empty() {
            return Ok(());
        }
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "fields_refused")
            .arg("count", self.complaints.len())
            .member("fields", self.complaints);
        Err(problem)
    }

    /// What the rules say against a field, with their own code and words.
    pub fn refused(&mut self, field: &'static str, code: &'static str, (ja, en): (&str, &str)) {
        self.complaints
            .push(json!({ "field": field, "code": code, "ja": ja, "en": en }));
    }

    fn complain(&mut self, field: &'static str, code: &'static str) {
        let words = |locale| Texts::new(locale).t(&format!("field-{code}"));
        self.complaints.push(json!({
            "field": field, "code": code, "ja": words(Locale::Ja), "en": words(Locale::En),
        }));
    }

    /// The 18 digits of a coupon, as they were read: what they mean is judged later.
    pub fn line(&mut self, field: &'static str, text: &str) -> Option<CouponLine> {
        let line = CouponLine::parse(text).ok();
        if line.is_none() {
            self.complain(field, "not_18_digits");
        }
        line
    }

    /// The ten digits of a person's coupon number.
    pub fn number(&mut self, field: &'static str, text: &str) -> Option<CouponNumber> {
        let number = CouponNumber::parse(text).ok();
        if number.is_none() {
            self.complain(field, "not_10_digits");
        }
        number
    }

    /// A day, `YYYY-MM-DD`.
    pub fn day(&mut self, field: &'static str, text: &str) -> Option<Day> {
        let day = Day::parse(text);
        if day.is_none() {
            self.complain(field, "not_a_day");
        }
        day
    }

    /// A day that is not ahead.
    pub fn day_until(&mut self, field: &'static str, text: &str, today: Day) -> Option<Day> {
        let day = self.day(field, text)?;
        if day > today {
            self.complain(field, "in_the_future");
        }
        Some(day)
    }

    /// A moment that is not ahead, as RFC 3339 writes it; may be left out unless it is needed.
    pub fn moment(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        now: Instant,
        is_needed: bool,
    ) -> Option<Instant> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            if is_needed {
                self.complain(field, "missing");
            }
            return None;
        };
        let moment = Instant::parse(text);
        match moment {
            None => self.complain(field, "not_a_moment"),
            Some(moment) if moment > now => self.complain(field, "in_the_future"),
            Some(_) => {}
        }
        moment
    }

    /// A number of vials within limits.
    pub fn vials(&mut self, field: &'static str, vials: i64, (least, most): (i64, i64)) -> i64 {
        if !(least..=most).contains(&vials) {
            self.complain(field, "not_vials");
        }
        vials
    }

    /// A day that may be left out.
    pub fn day_or_none(&mut self, field: &'static str, text: Option<&str>) -> Option<Day> {
        text.filter(|text| !text.is_empty())
            .and_then(|text| self.day(field, text))
    }

    /// A prefecture that may be left out.
    pub fn prefecture_or_none(
        &mut self,
        field: &'static str,
        text: Option<&str>,
    ) -> Option<Prefecture> {
        let text = text.filter(|text| !text.is_empty())?;
        let prefecture = Prefecture::parse(text);
        if prefecture.is_none() {
            self.complain(field, "not_a_prefecture");
        }
        prefecture
    }

    /// One of a list of words; may be left out.
    pub fn word<T>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = text.filter(|text| !text.is_empty())?;
        let word = parse(text);
        if word.is_none() {
            self.complain(field, "not_a_known_word");
        }
        word
    }

    /// One of a list of words that must be told, or a number of a form.
    pub fn needed_word<T>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = text.filter(|text| !text.is_empty());
        if text.is_none() {
            self.complain(field, "missing");
        }
        self.word(field, text, parse)
    }

    /// A municipality's six digits.
    pub fn municipality(&mut self, field: &'static str, text: &str) -> Option<MunicipalityCode> {
        let code = MunicipalityCode::parse(text).ok();
        if code.is_none() {
            self.complain(field, "not_a_municipality");
        }
        code
    }

    /// An id that the sender made: a UUID of version 7.
    pub fn id(&mut self, field: &'static str, id: Uuid) -> Uuid {
        if id.get_version_num() != 7 {
            self.complain(field, "not_uuid_v7");
        }
        id
    }

    /// Which dose it was.
    pub fn turn(&mut self, field: &'static str, turn: u8) -> u8 {
        if !(1..=TURN_MAX).contains(&turn) {
            self.complain(field, "not_a_turn");
        }
        turn
    }

    /// By which way the digits came in; what is left out came from a program.
    pub fn input(&mut self, field: &'static str, text: Option<&str>) -> InputWay {
        let Some(text) = text else {
            return InputWay::Api;
        };
        InputWay::parse(text)
            .filter(|way| *way != InputWay::System)
            .unwrap_or_else(|| {
                self.complain(field, "not_an_input_way");
                InputWay::Api
            })
    }

    /// A doctor's name.
    pub fn doctor(&mut self, text: &str) -> String {
        self.text("doctor", text, DOCTOR_NAME_LENGTH_MAX)
    }

    /// A venue's name.
    pub fn venue_name(&mut self, text: &str) -> String {
        self.text("venue_name", text, VENUE_NAME_LENGTH_MAX)
    }

    /// A product's key, known or not.
    pub fn product(&mut self, text: &str) -> String {
        let key = self.text("product", text, PRODUCT_KEY_LENGTH_MAX);
        if key.is_empty() {
            self.complain("product", "missing");
        }
        key
    }

    /// A product of our table, in use or not.
    pub fn known_product(&mut self, text: &str) -> Option<ProductKey> {
        let product = Vaccines::bundled().find(text.trim());
        if product.is_none() {
            self.complain("product", "not_a_known_word");
        }
        product.map(|product| product.key.clone())
    }

    /// A lot as it is printed.
    pub fn printed_lot(&mut self, text: &str) -> Option<Lot> {
        match Lot::parse(text) {
            Ok(lot) => Some(lot),
            Err(refusal) => {
                let code = match refusal {
                    LotRefusal::Empty => "missing",
                    LotRefusal::Length { .. } => "too_long",
                    LotRefusal::Unprintable => "control_character",
                };
                self.complain("lot", code);
                None
            }
        }
    }

    /// A count that is not beyond a limit.
    pub fn units(&mut self, field: &'static str, units: u64, max: u64) -> u64 {
        if units > max {
            self.complain(field, "too_many");
        }
        units
    }

    /// Words that must be told, of at most that many characters.
    pub fn words(&mut self, field: &'static str, text: &str, length_max: usize) -> String {
        let words = self.text(field, text, length_max);
        if words.is_empty() {
            self.complain(field, "missing");
        }
        words
    }

    /// Words that may be left out, of at most that many characters.
    pub fn words_or_none(&mut self, field: &'static str, text: &str, length_max: usize) -> String {
        self.text(field, text, length_max)
    }

    /// A lot, in the spelling in which lots are compared.
    pub fn lot(&mut self, text: &str) -> String {
        self.text("lot", text, LOT_LENGTH_MAX)
    }

    /// A device's own name.
    pub fn device(&mut self, text: Option<&str>) -> String {
        self.text("device", text.unwrap_or_default(), DEVICE_LENGTH_MAX)
    }

    /// Why a record is changed; must be told.
    pub fn reason(&mut self, text: &str) -> String {
        let reason = self.text("reason", text, REASON_LENGTH_MAX);
        if reason.is_empty() {
            self.complain("reason", "missing");
        }
        reason
    }

    /// A line of text, trimmed, of a length that fits the forms and files it goes into.
    fn text(&mut self, field: &'static str, text: &str, length_max: usize) -> String {
        let text = text.trim();
        if text.chars().count() > length_max {
            self.complain(field, "too_long");
        }
        if text.chars().any(char::is_control) {
            self.complain(field, "control_character");
        }
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_in_both_languages() {
        let mut fields = Fields::new();
        assert_eq!(fields.line("coupon", "12345"), None);
        assert_eq!(fields.day("given_on", "2021-02-30"), None);
        fields.doctor("あ\u{0}");
        fields.reason(" ");
        let problem = fields.done().unwrap_err().json(Texts::new(Locale::Ja));
        let told = problem["fields"].as_array().unwrap();
        let codes: Vec<_> = told
            .iter()
            .map(|one| one["code"].as_str().unwrap())
            .collect();
        assert_eq!(
            codes,
            ["not_18_digits", "not_a_day", "control_character", "missing"]
        );
        assert!(told.iter().all(|one| one["ja"] != one["en"]));
    }
}
