//! Issuing coupons (接種券の発行): to whom, for which doses, and what becomes of an old number.
//!
//! A city sends coupons to a cohort in the order of elapsed intervals by a base date (基準日,
//! `TB/137`), and again to single people for the reasons of `TB/109`. A number is never given twice:
//! what was printed once lies in somebody's drawer for ever.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::addresses::Address;
use crate::calendar::{Day, age_on};
use crate::coupons::CouponNumber;
use crate::doses::{Facts, Person, due_next};
use crate::schedules::{Schedules, Status};

/// The highest dose that a coupon can name (`data/coupon_turns.csv`).
pub const TURN_ON_COUPON_MAX: u8 = 7;
/// Doses in one envelope at most: the infants' series has three (`W5453/4`).
pub const TURNS_AT_ONCE_MAX: u8 = 3;
/// The oldest age a cohort can begin or end with; nobody was ever older.
pub const AGE_MAX: u8 = 130;
/// The longest interval a cohort can ask for, in days: ten years.
pub const ELAPSED_DAYS_MAX: u16 = 3_650;

/// Who gets coupons, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// The base date (基準日): ages, intervals and what is due are taken on it.
    pub base_date: Day,
    /// The youngest, in years reached by Japanese law.
    pub age_from: Option<u8>,
    /// The oldest.
    pub age_to: Option<u8>,
    /// Only those for whom this programme is due; otherwise any.
    pub programme: Option<String>,
    /// Days since the last dose, at least; those without a dose have none to wait for.
    pub elapsed_days_min: Option<u16>,
    /// For how many doses, from the next one on: two for a first series.
    pub turns: u8,
    /// What is printed.
    pub form: Form,
    /// In which order it is mailed.
    pub order: Order,
}

/// What is printed for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The questionnaire with the coupon printed on it (接種券一体型予診票), one for each dose.
    Questionnaire,
    /// A sheet of seals with interview-only coupons and the proof (接種券シール・予診のみ券・接種済証).
    Seals,
    /// The questionnaire with an interview-only coupon printed on it (予診のみ券), for the interview after
    /// which no dose is given. Issued by itself when those of the seals are used up (`TB/109`).
    Interview,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Questionnaire, Self::Seals, Self::Interview];

    /// Whether it is for interviews alone: such a paper is out beside the coupon for the dose, and
    /// neither takes the other's place.
    #[must_use]
    pub fn is_interview(self) -> bool {
        self == Self::Interview
    }

    /// The word in tables, addresses and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Questionnaire => "questionnaire",
            Self::Seals => "seals",
            Self::Interview => "interview",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == word)
    }
}

/// The order of a mailing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By the city's own number (宛名番号), by which the address labels are sorted.
    ResidentNumber,
    /// The oldest first.
    Birth,
    /// By postal code and address, as bundles for the post are made up (区分).
    Address,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::ResidentNumber, Self::Birth, Self::Address];

    /// The word in tables, addresses and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResidentNumber => "resident_number",
            Self::Birth => "birth",
            Self::Address => "address",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == word)
    }

    /// The text by which people are sorted; no two of a city have the same.
    ///
    /// Numbers without leading zeros sort as numbers: the shorter is the smaller. Whom no letter
    /// reaches comes last.
    #[must_use]
    pub fn key(self, resident_no: &str, person: &Person, address: Option<&Address>) -> String {
        let number = format!("{:03}{resident_no}", resident_no.len());
        match self {
            Self::ResidentNumber => number,
            Self::Birth => format!("{}{number}", person.birth.earliest()),
            Self::Address => match address.filter(|address| address.is_mailable()) {
                // A space is before whatever an address holds.
                Some(address) => format!("{} {number}", address.mailing_key()),
                None => format!("\u{7f} {number}"),
            },
        }
    }
}

/// Why a cohort cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CohortRefusal {
    /// The youngest is older than the oldest, or nobody is that old.
    #[error(
        "年齢の範囲が正しくありません。0〜130の範囲で、下限が上限より小さくなるように入力してください。/ The ages are wrong: enter 0 to 130, the youngest first."
    )]
    Ages,
    /// No dose, or more than fit in an envelope.
    #[error("回数は1〜3の範囲で入力してください。/ Enter one to three doses.")]
    Turns,
    /// The schedules know no such programme.
    #[error(
        "その接種の区分はありません。一覧から選んでください。/ There is no such programme. Choose one of the list."
    )]
    Programme,
    /// The interval is longer than any.
    #[error(
        "経過日数は3650日以下で入力してください。/ Enter at most 3650 days since the last dose."
    )]
    Elapsed,
}

impl CohortRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ages => "cohort_ages",
            Self::Turns => "cohort_turns",
            Self::Programme => "cohort_programme",
            Self::Elapsed => "cohort_elapsed",
        }
    }
}

/// What is known of somebody who may get coupons.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The person.
    pub person: Person,
    /// The doses that count.
    pub doses: &'a [Facts],
    /// The doses for which a coupon is out already; for interviews, an interview-only one.
    pub issued: &'a [u8],
    /// The number in force was voided and none followed it.
    pub number_is_void: bool,
}

/// Why somebody gets no coupon. Each person is counted once, under the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// Died, moved out or was removed by the base date.
    Gone,
    /// Too young or too old on the base date.
    Age,
    /// The programme, or any, is not due by the base date; or its doses were given since.
    NotDue,
    /// The last dose is not long enough ago.
    TooSoon,
    /// The number in force is void; it has to be reissued first.
    NumberVoid,
    /// Coupons for these doses are out already.
    Issued,
}

impl LeftOut {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Gone,
        Self::Age,
        Self::NotDue,
        Self::TooSoon,
        Self::NumberVoid,
        Self::Issued,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Age => "age",
            Self::NotDue => "not_due",
            Self::TooSoon => "too_soon",
            Self::NumberVoid => "number_void",
            Self::Issued => "issued",
        }
    }
}

impl Cohort {
    /// Whether there can be such a cohort.
    ///
    /// # Errors
    /// The first [`CohortRefusal`] that holds.
    pub fn check(&self) -> Result<(), CohortRefusal> {
        let ages = (self.age_from.unwrap_or(0), self.age_to.unwrap_or(AGE_MAX));
        if ages.0 > ages.1 || ages.1 > AGE_MAX {
            return Err(CohortRefusal::Ages);
        }
        if !(1..=TURNS_AT_ONCE_MAX).contains(&self.turns) {
            return Err(CohortRefusal::Turns);
        }
        let known = |id: &str| Schedules::covid19().programme_names(id).is_some();
        if self.programme.as_deref().is_some_and(|id| !known(id)) {
            return Err(CohortRefusal::Programme);
        }
        if self
            .elapsed_days_min
            .is_some_and(|days| days > ELAPSED_DAYS_MAX)
        {
            return Err(CohortRefusal::Elapsed);
        }
        Ok(())
    }

    /// The doses for which this person gets coupons, counted through; never none.
    ///
    /// # Errors
    /// Why the person gets none.
    pub fn select(&self, candidate: &Candidate<'_>) -> Result<Vec<u8>, LeftOut> {
        let Candidate { person, doses, .. } = candidate;
        let on = self.base_date;
        if person.standing.gone_since().is_some_and(|day| day <= on) {
            return Err(LeftOut::Gone);
        }
        // Of an unknown birth day both ends are tried: nobody is left out for what the register lacks.
        let oldest = age_on(person.birth.earliest(), on);
        let youngest = age_on(person.birth.latest(), on);
        let is_old_enough = self.age_from.is_none_or(|from| oldest >= i64::from(from));
        let is_young_enough = self.age_to.is_none_or(|to| youngest <= i64::from(to));
        if person.birth.earliest() > on || !is_old_enough || !is_young_enough {
            return Err(LeftOut::Age);
        }
        let by_then = || doses.iter().filter(|dose| dose.given_on <= on);
        let due = due_next(person, by_then(), on).into_iter().any(|next| {
            let wanted = next.dose.as_ref().is_some_and(|dose| {
                let any = self.programme.is_none();
                any || self.programme.as_deref() == Some(dose.programme)
            });
            wanted && matches!(next.status, Status::Due | Status::Overdue)
        });
        if !due {
            return Err(LeftOut::NotDue);
        }
        let last = by_then().map(|dose| dose.given_on).max();
        let waits = |(last, least): (Day, u16)| last.days_until(on) < i64::from(least);
        if last.zip(self.elapsed_days_min).is_some_and(waits) {
            return Err(LeftOut::TooSoon);
        }
        if candidate.number_is_void {
            return Err(LeftOut::NumberVoid);
        }
        // The base date may lie back: what was given since needs no coupon.
        let given = |turn: &u8| doses.iter().any(|dose| dose.turn == *turn);
        let mut missing = turns_from(next_turn(by_then()), self.turns);
        missing.retain(|turn| !given(turn));
        if missing.is_empty() {
            return Err(LeftOut::NotDue);
        }
        missing.retain(|turn| !candidate.issued.contains(turn));
        if missing.is_empty() {
            return Err(LeftOut::Issued);
        }
        Ok(missing)
    }
}

/// The next dose of somebody, counted through.
pub fn next_turn<'a>(counted: impl Iterator<Item = &'a Facts>) -> u8 {
    let highest = counted.map(|facts| facts.turn).max().unwrap_or(0);
    highest.saturating_add(1)
}

/// So many doses from this one on; beyond the last that a coupon can name the turn is left open (`0`).
fn turns_from(first: u8, many: u8) -> Vec<u8> {
    if first > TURN_ON_COUPON_MAX {
        return vec![0];
    }
    let last = first.saturating_add(many.saturating_sub(1));
    (first..=last.min(TURN_ON_COUPON_MAX)).collect()
}

/// How a coupon that was issued stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponState {
    /// It is out and may be used (発行済).
    Issued,
    /// Another took its place (再発行済).
    Reissued,
    /// It may not be used any more (無効).
    Void,
}

impl CouponState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Issued, Self::Reissued, Self::Void];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Reissued => "reissued",
            Self::Void => "void",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether it may come to stand so: only what is out can be replaced or voided, and nothing
    /// comes back.
    #[must_use]
    pub fn may_become(self, other: Self) -> bool {
        self == Self::Issued && other != Self::Issued
    }
}

/// What a reissue does to the number that was printed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldNumber {
    /// It goes on; the new paper bears it again.
    Stays,
    /// Somebody else may hold it: it is void and the new paper bears another.
    Voided,
}

/// Why coupons are issued again (再発行の理由, `TB/109`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReissueReason {
    /// Lost: whoever finds it could use it.
    Lost,
    /// Damaged, and handed back.
    Damaged,
    /// Not delivered: it lies in somebody else's letter box.
    NotDelivered,
    /// Moved after it was issued; the old one was handed back.
    Moved,
    /// Somebody without a record in the register of residents (住民票なし).
    NoResidentRecord,
    /// The interview-only coupons (予診のみ券) are used up.
    InterviewsUsed,
    /// Part of the seals is used; only those that remain are issued.
    PartlyUsed,
    /// A protected person (支援措置) whose old number somebody else may know.
    Protection,
}

impl ReissueReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Lost,
        Self::Damaged,
        Self::NotDelivered,
        Self::Moved,
        Self::NoResidentRecord,
        Self::InterviewsUsed,
        Self::PartlyUsed,
        Self::Protection,
    ];

    /// The word in tables, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Damaged => "damaged",
            Self::NotDelivered => "not_delivered",
            Self::Moved => "moved",
            Self::NoResidentRecord => "no_resident_record",
            Self::InterviewsUsed => "interviews_used",
            Self::PartlyUsed => "partly_used",
            Self::Protection => "protection",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// What it does to the old number. The paper of the field leaves that to each city; here the
    /// number goes where the old paper may be in a stranger's hand. \[O\]
    #[must_use]
    pub fn old_number(self) -> OldNumber {
        match self {
            Self::Lost | Self::NotDelivered | Self::Protection => OldNumber::Voided,
            Self::Damaged
            | Self::Moved
            | Self::NoResidentRecord
            | Self::InterviewsUsed
            | Self::PartlyUsed => OldNumber::Stays,
        }
    }
}

/// Why a number is voided without another (無効の理由).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// Issued by mistake.
    Mistake,
    /// The person moved out and gets coupons of another city.
    MovedOut,
    /// The person died.
    Died,
    /// The person gave it back.
    GivenBack,
}

impl VoidReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Mistake, Self::MovedOut, Self::Died, Self::GivenBack];

    /// The word in tables, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mistake => "mistake",
            Self::MovedOut => "moved_out",
            Self::Died => "died",
            Self::GivenBack => "given_back",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Why a coupon is not issued again, or not voided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IssueRefusal {
    /// Nobody is registered under the number.
    #[error(
        "この券番号の人は名簿にありません。先に接種対象者として登録してください。/ Nobody is registered under this number. Register the person first."
    )]
    NotRegistered,
    /// The person died, moved out or was removed.
    #[error(
        "転出・死亡などで名簿から外れた人には発行できません。/ The person has died or moved away: nothing is issued."
    )]
    Gone,
    /// That dose is recorded.
    #[error(
        "この回の接種はすでに記録されています。次の回を選んでください。/ That dose is recorded already. Choose the next one."
    )]
    TurnGiven,
    /// No coupon can name that dose.
    #[error("接種券に書ける回数は7回目までです。/ A coupon can name doses up to the seventh.")]
    TurnUnknown,
    /// The number in force is void already.
    #[error(
        "この人の券番号はすでに無効です。使う場合は再発行してください。/ The number is void already. Reissue it if it is needed."
    )]
    AlreadyVoid,
    /// Every number of ten digits was issued.
    #[error(
        "発行できる券番号が残っていません。運用の担当に連絡してください。/ No number is left to issue. Tell whoever operates the system."
    )]
    NumbersExhausted,
}

impl IssueRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotRegistered => "issue_not_registered",
            Self::Gone => "issue_gone",
            Self::TurnGiven => "issue_turn_given",
            Self::TurnUnknown => "issue_turn_unknown",
            Self::AlreadyVoid => "issue_already_void",
            Self::NumbersExhausted => "issue_numbers_exhausted",
        }
    }
}

/// The number after the highest ever issued, so that none is given twice; none after the last.
#[must_use]
pub fn number_after(highest: Option<CouponNumber>) -> Option<CouponNumber> {
    let value: u64 = match highest {
        None => 0,
        Some(number) => number.as_str().parse().ok()?,
    };
    let next = value.checked_add(1)?;
    CouponNumber::parse(&format!("{next:010}")).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::access::OrganisationId;
    use crate::coupons::CouponLine;
    use crate::people::{BirthDate, ResidentStanding, Sex};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn person(birth: &str) -> Person {
        Person {
            birth: BirthDate::parse_compact(birth).unwrap(),
            sex: Sex::Female,
            standing: ResidentStanding::Resident,
        }
    }

    fn dose(turn: u8, on: &str) -> Facts {
        Facts {
            doctor: "鈴木".into(),
            given_on: day(on),
            line: CouponLine::parse(&format!("2{turn}1310160000012345")).unwrap(),
            lot: "EY2173".into(),
            product: "comirnaty_12_mono".into(),
            turn,
            venue: OrganisationId(Uuid::from_u128(1)),
            venue_name: "会場".into(),
        }
    }

    fn cohort(base_date: &str) -> Cohort {
        Cohort {
            base_date: day(base_date),
            age_from: None,
            age_to: None,
            programme: None,
            elapsed_days_min: None,
            turns: 1,
            form: Form::Questionnaire,
            order: Order::ResidentNumber,
        }
    }

    fn select(cohort: &Cohort, person: Person, doses: &[Facts]) -> Result<Vec<u8>, LeftOut> {
        cohort.select(&Candidate {
            person,
            doses,
            issued: &[],
            number_is_void: false,
        })
    }

    #[test]
    fn a_first_series_gets_both_its_coupons_in_one_envelope() {
        let first = Cohort {
            turns: 2,
            age_from: Some(65),
            ..cohort("2021-06-01")
        };
        assert_eq!(select(&first, person("19460503"), &[]), Ok(vec![1, 2]));
    }

    #[test]
    fn age_is_reached_on_the_eve_of_the_birthday() {
        let from_65 = Cohort {
            age_from: Some(65),
            ..cohort("2021-06-01")
        };
        assert_eq!(select(&from_65, person("19560602"), &[]), Ok(vec![1]));
        assert_eq!(select(&from_65, person("19560603"), &[]), Err(LeftOut::Age));
        let to_64 = Cohort {
            age_to: Some(64),
            ..cohort("2021-06-01")
        };
        assert_eq!(select(&to_64, person("19560602"), &[]), Err(LeftOut::Age));
        // Of an unknown day either may be true.
        assert_eq!(select(&from_65, person("19560600"), &[]), Ok(vec![1]));
    }

    #[test]
    fn a_booster_is_issued_once_it_is_due_by_the_base_date() {
        let two = [dose(1, "2022-06-20"), dose(2, "2022-07-20")];
        let early = cohort("2022-10-20");
        assert_eq!(
            select(&early, person("19460503"), &two),
            Err(LeftOut::NotDue)
        );
        let due = cohort("2022-10-21");
        assert_eq!(select(&due, person("19460503"), &two), Ok(vec![3]));
    }

    #[test]
    fn a_dose_given_since_the_base_date_needs_no_coupon() {
        let both = Cohort {
            turns: 2,
            ..cohort("2021-06-01")
        };
        let first = [dose(1, "2021-06-10")];
        let second = [dose(1, "2021-06-10"), dose(2, "2021-07-01")];
        assert_eq!(select(&both, person("19500101"), &first), Ok(vec![2]));
        let none = select(&both, person("19500101"), &second);
        assert_eq!(none, Err(LeftOut::NotDue));
    }

    #[test]
    fn the_city_may_ask_for_a_longer_interval_than_the_rules() {
        let two = [dose(1, "2022-06-20"), dose(2, "2022-07-20")];
        let longer = Cohort {
            elapsed_days_min: Some(150),
            ..cohort("2022-12-16")
        };
        assert_eq!(
            select(&longer, person("19460503"), &two),
            Err(LeftOut::TooSoon)
        );
        let later = Cohort {
            base_date: day("2022-12-17"),
            ..longer
        };
        assert_eq!(select(&later, person("19460503"), &two), Ok(vec![3]));
    }

    #[test]
    fn whoever_is_gone_by_the_base_date_gets_nothing() {
        let moved = Person {
            standing: ResidentStanding::MovedOut(day("2021-06-01")),
            ..person("19460503")
        };
        assert_eq!(
            select(&cohort("2021-06-01"), moved, &[]),
            Err(LeftOut::Gone)
        );
        assert_eq!(select(&cohort("2021-05-31"), moved, &[]), Ok(vec![1]));
    }

    #[test]
    fn what_is_out_already_is_not_issued_again() {
        let first = Cohort {
            turns: 2,
            ..cohort("2021-06-01")
        };
        let mut candidate = Candidate {
            person: person("19460503"),
            doses: &[],
            issued: &[1],
            number_is_void: false,
        };
        assert_eq!(first.select(&candidate), Ok(vec![2]));
        candidate.issued = &[1, 2];
        assert_eq!(first.select(&candidate), Err(LeftOut::Issued));
        candidate.number_is_void = true;
        assert_eq!(first.select(&candidate), Err(LeftOut::NumberVoid));
    }

    #[test]
    fn a_cohort_that_cannot_be_is_refused_with_a_word() {
        let check = |cohort: Cohort| cohort.check().map_err(CohortRefusal::code);
        assert_eq!(check(cohort("2021-06-01")), Ok(()));
        let ages = Cohort {
            age_from: Some(65),
            age_to: Some(64),
            ..cohort("2021-06-01")
        };
        assert_eq!(check(ages), Err("cohort_ages"));
        let turns = Cohort {
            turns: 4,
            ..cohort("2021-06-01")
        };
        assert_eq!(check(turns), Err("cohort_turns"));
        let programme = Cohort {
            programme: Some("none".into()),
            ..cohort("2021-06-01")
        };
        assert_eq!(check(programme), Err("cohort_programme"));
        let elapsed = Cohort {
            elapsed_days_min: Some(3_651),
            ..cohort("2021-06-01")
        };
        assert_eq!(check(elapsed), Err("cohort_elapsed"));
    }

    #[test]
    fn numbers_sort_as_numbers_and_the_oldest_comes_first() {
        let young = person("19900101");
        let old = person("19300101");
        let by_number = |no| Order::ResidentNumber.key(no, &young, None);
        assert!(by_number("9") < by_number("10"));
        let by_birth = |no, person| Order::Birth.key(no, person, None);
        assert!(by_birth("10", &old) < by_birth("9", &young));
    }

    #[test]
    fn letters_go_by_postal_code_and_address_and_whom_none_reaches_comes_last() {
        let one = person("19500101");
        let at = |code: &str, place: &str| {
            let code = crate::addresses::PostalCode::parse(code).ok();
            Address::of(code, place.to_owned(), String::new())
        };
        let sorted = [
            ("9", at("1000001", "千代田2-1")),
            ("10", at("1000001", "千代田2-1")),
            ("1", at("1000001", "千代田10-1")),
            ("8", at("1020074", "九段南1-1")),
            ("7", at("", "九段南1-1")),
            ("2", at("1000001", "")),
            ("11", None),
        ];
        let keys: Vec<String> = sorted
            .iter()
            .map(|(no, address)| Order::Address.key(no, &one, address.as_ref()))
            .collect();
        assert!(keys.is_sorted(), "{keys:#?}");
    }

    #[test]
    fn a_number_that_may_be_in_a_strangers_hand_is_voided() {
        let voided: Vec<&str> = ReissueReason::ALL
            .into_iter()
            .filter(|reason| reason.old_number() == OldNumber::Voided)
            .map(ReissueReason::as_str)
            .collect();
        assert_eq!(voided, ["lost", "not_delivered", "protection"]);
    }

    #[test]
    fn the_words_are_read_back() {
        for reason in ReissueReason::ALL {
            assert_eq!(ReissueReason::parse(reason.as_str()), Some(reason));
        }
        for reason in VoidReason::ALL {
            assert_eq!(VoidReason::parse(reason.as_str()), Some(reason));
        }
        for state in CouponState::ALL {
            assert_eq!(CouponState::parse(state.as_str()), Some(state));
        }
        for form in Form::ALL {
            assert_eq!(Form::parse(form.as_str()), Some(form));
        }
        for order in Order::ALL {
            assert_eq!(Order::parse(order.as_str()), Some(order));
        }
    }

    #[test]
    fn after_the_last_number_there_is_none() {
        let number = |text: &str| CouponNumber::parse(text).unwrap();
        assert_eq!(number_after(None), Some(number("0000000001")));
        assert_eq!(number_after(Some(number("9999999999"))), None);
    }

    proptest! {
        #[test]
        fn a_number_is_never_given_twice(first in 0_u64..9_999_999_000, many in 1_usize..50) {
            let mut highest = CouponNumber::parse(&format!("{first:010}")).ok();
            for _ in 0..many {
                let next = number_after(highest);
                prop_assert!(next > highest);
                highest = next;
            }
        }

        #[test]
        fn nothing_comes_back_once_it_is_replaced_or_void(steps in proptest::collection::vec(0_usize..3, 0..8)) {
            let mut state = CouponState::Issued;
            let mut changes = 0;
            for step in steps {
                let to = CouponState::ALL[step];
                if state.may_become(to) {
                    state = to;
                    changes += 1;
                }
            }
            prop_assert!(changes <= 1);
            prop_assert_eq!(changes == 1, state != CouponState::Issued);
        }

        #[test]
        fn who_gets_coupons_gets_them_for_doses_not_given_and_not_out(
            birth_year in 1920_i16..2020,
            given in 0_u8..4,
            out in proptest::collection::vec(1_u8..8, 0..4),
            many in 1_u8..4,
            from in 0_u8..100,
        ) {
            let days = ["2021-06-01", "2021-06-29", "2022-02-01", "2022-08-01"];
            let doses: Vec<Facts> = (1..=given)
                .map(|turn| dose(turn, days[usize::from(turn) - 1]))
                .collect();
            let cohort = Cohort { turns: many, age_from: Some(from), ..cohort("2023-02-01") };
            let candidate = Candidate {
                person: person(&format!("{birth_year}0401")),
                doses: &doses,
                issued: &out,
                number_is_void: false,
            };
            if let Ok(turns) = cohort.select(&candidate) {
                prop_assert!(!turns.is_empty() && turns.len() <= usize::from(many));
                prop_assert!(turns.iter().all(|turn| *turn > given && !out.contains(turn)));
                prop_assert!(2022 - birth_year >= i16::from(from));
            }
        }
    }
}
