//! What people typed into a form, checked field by field: all complaints at once, none lost.

use domain::calendar::Day;
use domain::doses::{DOCTOR_NAME_LENGTH_MAX, REASON_LENGTH_MAX};
use domain::vaccines::{Lot, LotRefusal, Vaccines};

use crate::web::layout::Page;

/// Complaints about the fields of one form.
#[derive(Clone, Default)]
pub struct Complaints(Vec<Complaint>);

/// What is wrong with one field, and what to do.
#[derive(Clone)]
pub struct Complaint {
    /// The field's name, which is also its id on the page.
    pub field: &'static str,
    /// The words.
    pub text: String,
}

impl Complaints {
    /// Adds one; gives nothing, so that a check can end with it.
    pub fn add<T>(&mut self, field: &'static str, text: String) -> Option<T> {
        self.0.push(Complaint { field, text });
        None
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, for the summary at the top.
    #[must_use]
    pub fn all(&self) -> &[Complaint] {
        &self.0
    }

    /// The one about a field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|one| one.field == field)
            .map(|one| one.text.as_str())
    }

    /// A day that is not in the future.
    pub fn day(&mut self, page: &Page, field: &'static str, text: &str, today: Day) -> Option<Day> {
        match Day::parse(text.trim()) {
            None => self.add(field, page.t("complaint-day")),
            Some(day) if day > today => self.add(field, page.t("complaint-future")),
            Some(day) => Some(day),
        }
    }

    /// A text that is there and not too long, without blanks around it.
    pub fn text(
        &mut self,
        page: &Page,
        field: &'static str,
        text: &str,
        length_max: usize,
    ) -> Option<String> {
        let text = text.trim();
        let length = text.chars().count();
        if text.is_empty() {
            self.add(field, page.t("complaint-empty"))
        } else if length > length_max {
            self.add(
                field,
                page.t2("complaint-long", ("max", length_max), ("got", length)),
            )
        } else if text.chars().any(char::is_control) {
            self.add(field, page.t("complaint-control"))
        } else {
            Some(text.to_owned())
        }
    }

    /// A doctor's name.
    pub fn doctor(&mut self, page: &Page, text: &str) -> Option<String> {
        self.text(page, "doctor", text, DOCTOR_NAME_LENGTH_MAX)
    }

    /// The reason of a change.
    pub fn reason(&mut self, page: &Page, text: &str) -> Option<String> {
        self.text(page, "reason", text, REASON_LENGTH_MAX)
    }

    /// A lot number.
    pub fn lot(&mut self, page: &Page, text: &str) -> Option<String> {
        match Lot::parse(text) {
            Ok(lot) => Some(lot.as_str().to_owned()),
            Err(LotRefusal::Empty) => self.add("lot", page.t("complaint-lot-empty")),
            Err(LotRefusal::Length { got }) => {
                let max = domain::vaccines::LOT_LENGTH_MAX;
                self.add("lot", page.t2("complaint-long", ("max", max), ("got", got)))
            }
            Err(LotRefusal::Unprintable) => self.add("lot", page.t("complaint-control")),
        }
    }

    /// A product that was in use on the day; `kept` is let through, for a record that has it already.
    pub fn product(
        &mut self,
        page: &Page,
        key: &str,
        on: Option<Day>,
        kept: Option<&str>,
    ) -> Option<String> {
        if key.is_empty() {
            return self.add("product", page.t("complaint-product"));
        }
        let Some(on) = on else {
            return Some(key.to_owned());
        };
        let in_use = Vaccines::bundled()
            .find(key)
            .is_some_and(|product| product.in_use(on));
        if in_use || kept == Some(key) {
            Some(key.to_owned())
        } else {
            self.add("product", page.t("complaint-product-day"))
        }
    }
}
