//! The examples in the data files, which run as tests.
//!
//! They are written and compared as text, for whoever writes a rule should be able to write its
//! example beside it.

use super::compile::{Builder, Spot};
use super::evaluate::DoseVerdict;
use super::forecast::Next;
use super::model::{Example, ExampleDose, Flags, Given, Person, ProductId, Schedules};
use super::raw;
use crate::calendar::Day;
use crate::findings::Finding;
use crate::people::{BirthDate, Sex};

/// An example that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<'s> {
    /// The file.
    pub file: &'s str,
    /// The example's line.
    pub line: usize,
    /// Its id.
    pub id: &'s str,
    /// What it says, in one sentence.
    pub says: &'s str,
    /// Where it does not hold; nothing if it does.
    pub differences: Vec<Difference>,
}

/// What was expected of an example, and what came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What stands in the file.
    pub expected: String,
    /// What came out.
    pub got: String,
}

pub(super) fn compile(builder: &mut Builder, example: &raw::Example, spot: Spot<'_>) {
    let birth = BirthDate::parse(&example.birth);
    if birth.is_none() {
        builder.fault(spot, "not_possible", "example.birth", &example.birth);
    }
    let words: Vec<&str> = example.flags.iter().map(String::as_str).collect();
    let (flags, strange) = builder.made.flags(&words);
    for word in strange {
        builder.fault(spot, "unknown_word", "example.flags", word);
    }
    let known = |one: &Example| one.id == *example.id.get_ref();
    if builder.made.examples.iter().any(known) {
        builder.fault(spot, "twice", "example.id", example.id.get_ref());
    }
    if example.expect.is_empty() && example.next.is_empty() {
        builder.fault(spot, "not_possible", "example.expect", "");
    }
    let mut doses = Vec::new();
    for text in &example.doses {
        match dose(builder, text, spot) {
            Some(dose) => doses.push(dose),
            None => builder.fault(spot, "not_possible", "example.doses", text),
        }
    }
    if let Some(birth) = birth {
        builder.made.examples.push(Example {
            file: spot.file().to_owned(),
            line: spot.line(),
            id: example.id.get_ref().clone(),
            says: example.says.clone(),
            birth,
            sex: example.sex.unwrap_or(Sex::Unknown),
            flags,
            on: example.on,
            doses,
            expect: example.expect.clone(),
            next: example.next.clone(),
        });
    }
}

/// `PRODUCT DAY`, and then `external`, `turn=3`, `lot=ABC`, `expires=DAY`.
fn dose(builder: &mut Builder, text: &str, spot: Spot<'_>) -> Option<ExampleDose> {
    let mut words = text.split_whitespace();
    let product: ProductId = builder.product_at(words.next()?, spot, "example.doses");
    let mut dose = ExampleDose {
        product,
        on: Day::parse(words.next()?)?,
        external: false,
        turn: None,
        lot: String::new(),
        expires: None,
    };
    for word in words {
        match word.split_once('=') {
            None if word == "external" => dose.external = true,
            Some(("turn", turn)) => dose.turn = Some(turn.parse().ok()?),
            Some(("lot", lot)) => lot.clone_into(&mut dose.lot),
            Some(("expires", day)) => dose.expires = Some(Day::parse(day)?),
            _ => return None,
        }
    }
    Some(dose)
}

impl Schedules {
    /// Runs every example, in the order of the files.
    #[must_use]
    pub fn check(&self) -> Vec<Checked<'_>> {
        let run = |example| self.run(example);
        self.examples.iter().map(run).collect()
    }

    /// The ids of the rules that no example judges a dose by or forecasts one by.
    #[must_use]
    pub fn rules_without_example(&self) -> Vec<&str> {
        let mut met: Vec<&str> = Vec::new();
        for example in &self.examples {
            let (person, history) = example.facts();
            for verdict in self.evaluate(&person, &history, example.on) {
                met.extend(verdict.parts.iter().map(|part| part.rule));
            }
            let next = self.forecast(&person, &history, example.on);
            met.extend(next.iter().filter_map(|one| Some(one.dose.as_ref()?.rule)));
        }
        let turns = self.programmes.iter().flat_map(|one| &one.turns);
        let mut unmet: Vec<&str> = turns
            .flat_map(|turn| &turn.permits)
            .map(|permit| permit.rule.as_str())
            .filter(|rule| !met.contains(rule))
            .collect();
        unmet.dedup();
        unmet
    }

    fn run<'s>(&'s self, example: &'s Example) -> Checked<'s> {
        let (person, history) = example.facts();
        let mut differences = Vec::new();
        let mut differ = |expected, got| differences.push(Difference { expected, got });
        if !example.expect.is_empty() {
            let verdicts = self.evaluate(&person, &history, example.on);
            let got: Vec<String> = verdicts.iter().map(write_verdict).collect();
            if got != example.expect {
                differ(example.expect.join("\n"), got.join("\n"));
            }
        }
        let all = self.forecast(&person, &history, example.on);
        for wanted in &example.next {
            let mut clauses = wanted.split(';').map(str::trim);
            let series = clauses.next().unwrap_or_default();
            let next = all.iter().find(|next| next.series == series);
            let got = next.map(|next| self.write_next(next)).unwrap_or_default();
            if next.is_none() || !clauses.all(|clause| got.iter().any(|one| one == clause)) {
                differ(wanted.clone(), got.join("; "));
            }
        }
        Checked {
            file: &example.file,
            line: example.line,
            id: &example.id,
            says: &example.says,
            differences,
        }
    }

    /// `hib; due; hib_2m 1; from DAY; recommended DAY; overdue DAY; until DAY; by product, product`.
    fn write_next(&self, next: &Next<'_>) -> Vec<String> {
        let mut clauses = vec![next.series.to_owned(), next.status.as_str().to_owned()];
        if let Some(dose) = &next.dose {
            clauses.push(format!("{} {}", dose.programme, dose.turn));
            clauses.push(format!("from {}", dose.earliest));
            clauses.push(format!("recommended {}", dose.recommended));
            clauses.extend(dose.overdue.map(|day| format!("overdue {day}")));
            clauses.extend(dose.latest.map(|day| format!("until {day}")));
            let keys = dose.products.iter().map(|id| self.product_key(*id));
            clauses.push(format!("by {}", keys.collect::<Vec<_>>().join(", ")));
        }
        clauses
    }
}

impl Example {
    fn facts(&self) -> (Person, Vec<Given<'_>>) {
        let person = Person {
            birth: Some(self.birth),
            sex: self.sex,
            flags: Flags::Known(self.flags),
        };
        let doses = self.doses.iter().map(|dose| Given {
            on: dose.on,
            turn: dose.turn,
            product: Some(dose.product),
            external: dose.external,
            lot: &dose.lot,
            expires: dose.expires,
        });
        (person, doses.collect())
    }
}

/// `primary 2`, `hib_2m 3 not counted + dpt_ipv 3 | too_soon 2021-06-20, late_entry`.
fn write_verdict(verdict: &DoseVerdict<'_>) -> String {
    let parts: Vec<String> = verdict
        .parts
        .iter()
        .map(|part| {
            let counted = if part.counts { "" } else { " not counted" };
            format!("{} {}{counted}", part.programme, part.turn)
        })
        .collect();
    let mut text = parts.join(" + ");
    let findings = verdict.all_findings();
    if !findings.is_empty() {
        let words: Vec<String> = findings.iter().map(write_finding).collect();
        text.push_str(" | ");
        text.push_str(&words.join(", "));
    }
    text.trim_start().to_owned()
}

fn write_finding(finding: &Finding) -> String {
    match finding.day {
        Some(day) => format!("{} {day}", finding.code.as_str()),
        None => finding.code.as_str().to_owned(),
    }
}
