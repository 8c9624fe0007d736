//! The check before the shot (接種前チェック): the only place where Sesshu says no.
//!
//! A dose that was given is never refused; here it has not been given yet. The check is the verdict
//! that recording would get, seen from the other side of the needle: what would be a finding there is
//! a reason to stop or to ask here. Recording stays possible whatever the colour.

use serde::{Deserialize, Serialize};

use crate::calendar::{Day, age_on};
use crate::coupons::CouponKind;
use crate::doses::{
    Circumstances, Facts, Held, History, Standing, Verdict, due_next, judge, settle,
};
use crate::findings::{Finding, FindingCode};
use crate::lots::LotState;
use crate::schedules::{Schedules, Status};
use crate::vaccines::Vaccines;

/// The answer at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Nothing speaks against it.
    Green,
    /// Something to ask or to look at first.
    Amber,
    /// Do not give it.
    Red,
}

impl Colour {
    /// Every colour.
    pub const ALL: [Self; 3] = [Self::Green, Self::Amber, Self::Red];

    /// The word in the API and the texts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// What a finding means before the shot.
    ///
    /// Red is what cannot be taken back out of the arm; amber is what a question or a look at the
    /// coupon settles. What only the office needs to know is green.
    #[must_use]
    pub fn of(code: FindingCode) -> Self {
        use FindingCode as F;
        match code {
            F::SameTurnDiffers
            | F::SameTurnAgain
            | F::SameDay
            | F::OverLimit
            | F::TooSoon
            | F::OtherVaccineTooSoon
            | F::TooYoung
            | F::TooOld
            | F::ProductNotForTurn
            | F::ProductEnded
            | F::BeforeProduct
            | F::BeforeBirth
            | F::Contraindicated
            | F::ProgrammeNotOpen
            | F::ProgrammeOver
            | F::LotExpired
            | F::LotRecalled
            | F::CouponVoid
            | F::PersonGone
            | F::UnknownMunicipality
            | F::KindUnknown
            | F::OrderReversed
            | F::FutureDate => Self::Red,
            F::NotRegistered
            | F::EarlierTurnMissing
            | F::ProductMixed
            | F::ProductUnknown
            | F::LotMissing
            | F::KindLocal
            | F::VenueClosed
            | F::NotEligible
            | F::TooLate
            | F::WithinGrace
            | F::TurnOpen
            | F::Contested => Self::Amber,
            F::OutOfResidence | F::LateEntry | F::External => Self::Green,
        }
    }
}

/// A reason, and how it colours the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The colour.
    pub colour: Colour,
    /// What was found.
    pub finding: Finding,
}

/// The dose that is due for the person by the doses known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// How the series stands.
    pub status: Status,
    /// Which dose, counted through; none if none is to come.
    pub turn: Option<u8>,
    /// The first day on which it can be given.
    pub earliest: Option<Day>,
    /// The keys of the products that can be given then.
    pub products: Vec<String>,
}

/// A dose the person has, as far as the venue in front of them may see: no place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Earlier {
    /// Which dose.
    pub turn: u8,
    /// The day.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
}

/// The check's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// At a glance.
    pub colour: Colour,
    /// Why, the worst first.
    pub reasons: Vec<Reason>,
    /// The first day on which this product could be given to this person, if today is too early.
    pub earliest: Option<Day>,
    /// What is due.
    pub due: Option<Due>,
    /// The doses that count, in their order.
    pub given: Vec<Earlier>,
    /// The person's age in full years on the day, for comparing with who stands there; not of people
    /// under protection (支援措置), and not where the birth date is incomplete.
    pub age_years: Option<i64>,
    /// Whether the lot is in the register; a lot that is not makes the answer amber.
    pub lot: LotState,
    /// What a registration would be answered.
    pub verdict: Verdict,
}

/// What is asked: a dose that nobody has given yet.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What is known of the coupon.
    pub history: &'a History,
    /// Whether the person is under protection.
    pub protected: bool,
    /// The dose as it would be recorded.
    pub dose: &'a Held,
    /// The circumstances.
    pub around: Circumstances,
    /// How its lot stands.
    pub lot: LotState,
}

/// Whether the dose may be given.
#[must_use]
pub fn check(question: Question<'_>, vaccines: &Vaccines) -> Check {
    let Question {
        history,
        protected,
        dose,
        around,
        lot,
    } = question;
    let facts = &dose.facts;
    let verdict = judge(history, dose, &around, vaccines);
    let mut reasons: Vec<Reason> = verdict
        .findings
        .iter()
        .map(|finding| Reason {
            colour: Colour::of(finding.code),
            finding: *finding,
        })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.colour));
    let is_shot = facts.kind() != CouponKind::InterviewOnly;
    let of_lot = match lot {
        _ if !is_shot => Colour::Green,
        LotState::Good { .. } => Colour::Green,
        LotState::Unknown => Colour::Amber,
        LotState::Quarantined(quarantine) if !quarantine.is_whole => Colour::Amber,
        LotState::Expired { .. } | LotState::Recalled(_) | LotState::Quarantined(_) => Colour::Red,
    };
    let worst = reasons.iter().map(|reason| reason.colour).max();
    let colour = worst.unwrap_or(Colour::Green).max(of_lot);
    let counted = counted(history);
    let due = is_shot.then(|| due(history, &counted, facts)).flatten();
    Check {
        colour,
        earliest: earliest(&reasons, due.as_ref(), facts.given_on),
        due,
        given: counted
            .iter()
            .map(|facts| Earlier {
                turn: facts.turn,
                given_on: facts.given_on,
                product: facts.product.clone(),
            })
            .collect(),
        age_years: history
            .person
            .filter(|_| !protected)
            .and_then(|person| person.birth.exact())
            .map(|birth| age_on(birth, facts.given_on)),
        reasons,
        lot,
        verdict,
    }
}

/// The doses of a coupon that count, by turn.
fn counted(history: &History) -> Vec<&Facts> {
    let standings = settle(&history.records);
    let mut counted: Vec<&Facts> = history
        .records
        .iter()
        .zip(standings)
        .filter(|(_, standing)| *standing == Standing::Counted)
        .map(|(held, _)| &held.facts)
        .collect();
    counted.sort_by_key(|facts| (facts.turn, facts.given_on));
    counted
}

/// The day from which the dose is no longer too early: the last that a reason tells, or, where none
/// does and something speaks against today, the day the next dose is due.
fn earliest(reasons: &[Reason], due: Option<&Due>, on: Day) -> Option<Day> {
    let told = reasons.iter().filter(|reason| {
        matches!(
            reason.finding.code,
            FindingCode::TooSoon
                | FindingCode::TooYoung
                | FindingCode::OtherVaccineTooSoon
                | FindingCode::ProgrammeNotOpen
                | FindingCode::BeforeProduct
        )
    });
    let told = told.filter_map(|reason| reason.finding.day).max();
    let is_against = reasons.iter().any(|reason| reason.colour == Colour::Red);
    let later = due
        .and_then(|due| due.earliest)
        .filter(|day| is_against && *day > on);
    told.or(later)
}

/// What is due next in the series of the product that is to be given.
fn due(history: &History, counted: &[&Facts], facts: &Facts) -> Option<Due> {
    let rules = Schedules::covid19();
    let person = history.person?;
    let series: Vec<&str> = rules
        .product(&facts.product)
        .map(|product| rules.series_of(product).collect())
        .unwrap_or_default();
    let next = due_next(&person, counted.iter().copied(), facts.given_on)
        .into_iter()
        .find(|next| series.is_empty() || series.contains(&next.series))?;
    let given = u8::try_from(counted.len()).unwrap_or(u8::MAX);
    Some(Due {
        status: next.status,
        // The coupon counts its doses through, the programmes each for itself.
        turn: next.dose.as_ref().map(|_| given.saturating_add(1)),
        earliest: next.dose.as_ref().map(|dose| dose.earliest),
        products: next.dose.map_or_else(Vec::new, |dose| {
            let key = |product| rules.product_key(product).to_owned();
            dose.products.into_iter().map(key).collect()
        }),
    })
}
