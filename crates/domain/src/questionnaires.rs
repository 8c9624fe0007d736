//! The questionnaire (予診票): what a person is asked before a dose, as it stood on the form of a day.
//!
//! The ministry revised the form while it was in use, and venues used old and new side by side; so
//! the questions are data with days, as the rules are.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::calendar::Day;

/// A question, a row of `data/questions.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Question {
    /// The word for programs, stable over revisions.
    pub key: String,
    /// The first day of the form that asks so.
    pub valid_from: Day,
    /// The last one, if it asks so no more.
    pub valid_to: Option<Day>,
    /// What is asked.
    pub text_ja: String,
    /// The same, for whoever helps a person who reads no Japanese.
    pub text_en: String,
    /// What is asked besides; empty if nothing. A blank to write in stands in
    /// brackets, a box to tick is `□`.
    pub detail_ja: String,
    /// The answer that means nothing more has to be asked; the other one is the doctor's to look at.
    pub expected: Expected,
    /// Where that is written.
    pub source: String,
}

/// The answer that needs no second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// はい.
    Yes,
    /// いいえ.
    No,
    /// Both are as good.
    Either,
}

/// The questions of the form of a day, in their order.
#[must_use]
pub fn questions(on: Day) -> Vec<&'static Question> {
    static QUESTIONS: LazyLock<Vec<Question>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../data/questions.csv")));
    QUESTIONS
        .iter()
        .filter(|question| {
            question.valid_from <= on && question.valid_to.is_none_or(|last| on <= last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(on: &str) -> Vec<&'static str> {
        let on = Day::parse(on).unwrap();
        questions(on)
            .iter()
            .map(|question| question.key.as_str())
            .collect()
    }

    #[test]
    fn each_form_asks_a_question_once() {
        for on in ["2021-02-17", "2021-12-01", "2022-05-25", "2023-09-20"] {
            let asked = keys(on);
            let unique: BTreeSet<_> = asked.iter().collect();
            assert_eq!(unique.len(), asked.len(), "{on}");
            assert!((11..=14).contains(&asked.len()), "{on}: {asked:?}");
        }
    }

    #[test]
    fn every_form_asks_whether_the_coupon_is_of_the_city_where_the_person_lives() {
        for on in ["2021-02-17", "2022-05-25"] {
            assert!(keys(on).contains(&"same_city"), "{on}");
        }
    }

    #[test]
    fn the_priority_group_was_asked_until_the_form_was_revised() {
        assert!(keys("2022-05-24").contains(&"priority_group"));
        assert!(!keys("2022-05-25").contains(&"priority_group"));
    }

    #[test]
    fn nothing_was_asked_before_there_was_a_vaccine() {
        assert_eq!(keys("2021-02-16"), Vec::<&str>::new());
    }
}
