//! A cycle (クール): two weeks in which one product is delivered, divided from the nation to the venues;
//! who may ask and who may publish until which day, and by which formula each level proposes (domain
//! paper §3.6).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::access::Place;
use crate::allocation::{Item, Node, Override, Part, Per, Plan, Quota, Rule, Step};
use crate::calendar::Day;
use crate::closings::{Purpose, doses_per_vial};

/// Days of delivery: two weeks, as in cycle 9 (2021-07-05 and 07-12).
pub const CYCLE_DAYS: i64 = 14;
/// Longest reason of a request, an override or a re-opening, in characters.
pub const REASON_LENGTH_MAX: usize = 200;
/// Days of doses by day that are drawn with the usage: a fortnight, after which 86 % are entered (§2.8).
pub const DRAWN_DAYS: i64 = 14;
/// Units of one request or supply at most.
pub const UNITS_MAX: u64 = 1_000_000;

/// The levels through which units go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The nation (国).
    Nation,
    /// A prefecture (都道府県).
    Prefecture,
    /// A city (市町村).
    City,
    /// A venue (接種会場).
    Venue,
}

impl Tier {
    /// From the top down.
    pub const ALL: [Self; 4] = [Self::Nation, Self::Prefecture, Self::City, Self::Venue];
    /// Those that give.
    pub const GIVERS: [Self; 3] = [Self::Nation, Self::Prefecture, Self::City];
    /// Those that ask.
    pub const ASKERS: [Self; 3] = [Self::Prefecture, Self::City, Self::Venue];

    /// The level of a place; companies have none.
    #[must_use]
    pub fn of(place: &Place) -> Option<Self> {
        match place {
            Place::Nation => Some(Self::Nation),
            Place::Prefecture(_) => Some(Self::Prefecture),
            Place::City(_) => Some(Self::City),
            Place::Venue { .. } => Some(Self::Venue),
            Place::Company(_) => None,
        }
    }

    /// The word in plans, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nation => "nation",
            Self::Prefecture => "prefecture",
            Self::City => "city",
            Self::Venue => "venue",
        }
    }

    /// The level below, to which this one gives.
    #[must_use]
    pub fn below(self) -> Option<Self> {
        match self {
            Self::Nation => Some(Self::Prefecture),
            Self::Prefecture => Some(Self::City),
            Self::City => Some(Self::Venue),
            Self::Venue => None,
        }
    }
}

/// The code of a place in plans and tables: `JP`, `13`, `131016`, or a venue's id, which stays when its
/// ten digits change. Companies have none.
#[must_use]
pub fn seat(place: &Place) -> Option<String> {
    match place {
        Place::Nation => Some(NATION.to_owned()),
        Place::Prefecture(prefecture) => Some(prefecture.to_string()),
        Place::City(city) => Some(city.to_string()),
        Place::Venue { id, .. } => Some(id.to_string()),
        Place::Company(_) => None,
    }
}

/// The nation's code in plans and tables (ISO 3166).
pub const NATION: &str = "JP";

/// What somebody may state of a node beside its place: the figures of a plan that are one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stated {
    /// People.
    Population,
    /// Doses on hand.
    StockDoses,
    /// Of those, what expires before it can be used.
    ExpiringDoses,
    /// Doses due in the cycle.
    DueDoses,
    /// Doses supplied in all cycles before.
    SuppliedDoses,
    /// Doses supplied by other ways.
    SuppliedElsewhereDoses,
    /// Doses recorded as used.
    UsedDoses,
    /// Doses recorded as used in the latest week.
    WeekDoses,
    /// Units it can keep beside what it has.
    Cap,
    /// The smallest shipment.
    Minimum,
    /// In multiples of this.
    Pack,
}

impl Stated {
    /// Every one, in the order of the file's columns.
    pub const ALL: [Self; 11] = [
        Self::Population,
        Self::StockDoses,
        Self::ExpiringDoses,
        Self::DueDoses,
        Self::SuppliedDoses,
        Self::SuppliedElsewhereDoses,
        Self::UsedDoses,
        Self::WeekDoses,
        Self::Cap,
        Self::Minimum,
        Self::Pack,
    ];

    /// The word in files, tables and the API: the field's in a plan.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::StockDoses => "stock_doses",
            Self::ExpiringDoses => "expiring_doses",
            Self::DueDoses => "due_doses",
            Self::SuppliedDoses => "supplied_doses",
            Self::SuppliedElsewhereDoses => "supplied_elsewhere_doses",
            Self::UsedDoses => "used_doses",
            Self::WeekDoses => "week_doses",
            Self::Cap => "cap",
            Self::Minimum => "minimum",
            Self::Pack => "pack",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// From which of Sesshu's own books it is drawn; none where somebody has to state it.
    #[must_use]
    pub fn source(self) -> Option<Source> {
        match self {
            Self::StockDoses | Self::ExpiringDoses | Self::SuppliedDoses => Some(Source::Stock),
            Self::UsedDoses | Self::WeekDoses => Some(Source::Records),
            Self::Population | Self::DueDoses => Some(Source::Register),
            Self::Cap => Some(Source::Venues),
            Self::SuppliedElsewhereDoses | Self::Minimum | Self::Pack => None,
        }
    }

    /// Puts it into a node.
    pub fn state(self, node: &mut Node, value: u64) {
        let field = match self {
            Self::Population => &mut node.population,
            Self::StockDoses => &mut node.stock_doses,
            Self::ExpiringDoses => &mut node.expiring_doses,
            Self::DueDoses => &mut node.due_doses,
            Self::SuppliedDoses => &mut node.supplied_doses,
            Self::SuppliedElsewhereDoses => &mut node.supplied_elsewhere_doses,
            Self::UsedDoses => &mut node.used_doses,
            Self::WeekDoses => &mut node.week_doses,
            Self::Cap => &mut node.cap,
            Self::Minimum => &mut node.minimum,
            Self::Pack => &mut node.pack,
        };
        *field = Some(value);
    }
}

/// Which of Sesshu's own books says a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The books of the stock (在庫帳簿).
    Stock,
    /// The records of doses, by their venue (接種記録).
    Records,
    /// The cities' registers and what is due by the rules (対象者台帳).
    Register,
    /// What venues tell of their coolers (会場マスタ), less what stands in them.
    Venues,
}

impl Source {
    /// The word in texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Records => "records",
            Self::Register => "register",
            Self::Venues => "venues",
        }
    }
}

/// What a giver works on: its formula, and the numbers it sets by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The formula.
    pub formula: Formula,
    /// Numbers set by hand.
    #[serde(default)]
    pub overrides: Vec<Override>,
}

/// The formula of one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formula {
    /// Its parts (枠).
    pub parts: Vec<Part>,
    /// Whether nobody gets more than was asked for.
    #[serde(default)]
    pub requests_limit: bool,
}

impl Formula {
    /// What a level begins with: by population above, by requests at the venues.
    #[must_use]
    pub fn usual(giver: Tier) -> Self {
        let rule = if giver == Tier::City {
            Rule::Requests
        } else {
            Rule::Population
        };
        Self {
            parts: vec![Part {
                name: String::new(),
                quota: Quota::Rest,
                rule,
                brake: None,
            }],
            requests_limit: giver == Tier::City,
        }
    }
}

/// What somebody does within a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Ask the level above for units (希望).
    Request,
    /// Publish what the level below gets (配分の確定).
    Publish,
}

impl Act {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Request, Self::Publish];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Publish => "publish",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == word)
    }
}

/// What a cycle is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Its number, as people call it (第9クール).
    pub number: u32,
    /// The first of its fourteen days of delivery.
    pub first_day: Day,
    /// Doses in a unit.
    pub doses_per_unit: u64,
    /// Vials in a unit.
    pub vials_per_unit: u64,
    /// Until which day each level that asks may ask, that day included.
    pub requests_until: BTreeMap<Tier, Day>,
    /// Until which day each level that gives may publish, that day included.
    pub publish_until: BTreeMap<Tier, Day>,
    /// By which formula each level that gives proposes.
    pub formulas: BTreeMap<Tier, Formula>,
}

/// Why a cycle cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CycleRefusal {
    /// A level has no day, or no formula.
    #[error("{level:?}の締切日か式がありません。/ There is no cut-off or formula for this level.")]
    Missing {
        /// The level.
        level: Tier,
    },
    /// Requests end from the venues up, publishing from the nation down, all before deliveries end.
    #[error(
        "締切の順序が正しくありません。希望は会場、市町村、都道府県の順、配分は国、都道府県、市町村の順にしてください。/ The cut-offs are out of order: requests end at venues, cities, prefectures; then nation, prefectures, cities publish."
    )]
    OutOfOrder,
    /// A unit has nothing in it.
    #[error(
        "1単位の回数とバイアル数は1以上にしてください。/ A unit needs at least one dose and one vial."
    )]
    EmptyUnit,
}

impl CycleRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "cycle_missing",
            Self::OutOfOrder => "cycle_out_of_order",
            Self::EmptyUnit => "cycle_empty_unit",
        }
    }
}

impl Terms {
    /// A cycle as it usually is: requests three weeks ahead, the nation two weeks, cities one (the real
    /// lead times were not found, ours).
    #[must_use]
    pub fn usual(
        number: u32,
        first_day: Day,
        (doses_per_unit, vials_per_unit): (u64, u64),
    ) -> Self {
        let before = |days: i64| first_day.plus_days(-days);
        Self {
            number,
            first_day,
            doses_per_unit,
            vials_per_unit,
            requests_until: [(Tier::Venue, 21), (Tier::City, 19), (Tier::Prefecture, 17)]
                .map(|(tier, days)| (tier, before(days)))
                .into(),
            publish_until: [(Tier::Nation, 14), (Tier::Prefecture, 10), (Tier::City, 7)]
                .map(|(tier, days)| (tier, before(days)))
                .into(),
            formulas: Tier::GIVERS.map(|tier| (tier, Formula::usual(tier))).into(),
        }
    }

    /// Whether it holds together.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<(), CycleRefusal> {
        if self.doses_per_unit == 0 || self.vials_per_unit == 0 {
            return Err(CycleRefusal::EmptyUnit);
        }
        let mut days = Vec::new();
        for level in Tier::ASKERS.into_iter().rev() {
            let day = self.requests_until.get(&level);
            days.push(*day.ok_or(CycleRefusal::Missing { level })?);
        }
        for level in Tier::GIVERS {
            let day = self.publish_until.get(&level);
            days.push(*day.ok_or(CycleRefusal::Missing { level })?);
            if !self.formulas.contains_key(&level) {
                return Err(CycleRefusal::Missing { level });
            }
        }
        days.push(self.last_day());
        if days.is_sorted() {
            Ok(())
        } else {
            Err(CycleRefusal::OutOfOrder)
        }
    }

    /// Doses in so many vials of a cycle, rounded down.
    #[must_use]
    pub fn doses_in(&self, vials: i64) -> i64 {
        let all = i128::from(vials) * i128::from(self.doses_per_unit);
        let doses = all.div_euclid(i128::from(self.vials_per_unit.max(1)));
        i64::try_from(doses).unwrap_or(i64::MAX)
    }

    /// The plan of one giver: `supply` units to those right below it, by a draft. `nodes` has the giver as
    /// its top, and whoever is below, with what is known of each.
    #[must_use]
    pub fn plan(
        &self,
        product: &str,
        giver: Tier,
        supply: u64,
        nodes: Vec<Node>,
        draft: Draft,
    ) -> Plan {
        let Draft { formula, overrides } = draft;
        let step = giver.below().map(|level| Step {
            level: level.as_str().to_owned(),
            parts: formula.parts,
            requests_limit: formula.requests_limit,
        });
        Plan {
            about: format!("{product} {}", self.number),
            supply,
            doses_per_unit: self.doses_per_unit,
            vials_per_unit: Some(self.vials_per_unit),
            nodes,
            steps: step.into_iter().collect(),
            overrides,
            items: kit(product),
        }
    }

    /// The last day of delivery.
    #[must_use]
    pub fn last_day(&self) -> Day {
        self.first_day.plus_days(CYCLE_DAYS - 1)
    }

    /// Until which day a level may act; none if it never does.
    #[must_use]
    pub fn until(&self, act: Act, tier: Tier) -> Option<Day> {
        let days = match act {
            Act::Request => &self.requests_until,
            Act::Publish => &self.publish_until,
        };
        days.get(&tier).copied()
    }

    /// Whether a level may still act; `reopened` is until when the level above let it again.
    #[must_use]
    pub fn is_open(&self, act: Act, tier: Tier, reopened: Option<Day>, today: Day) -> bool {
        let Some(until) = self.until(act, tier) else {
            return false;
        };
        today <= reopened.map_or(until, |again| again.max(until))
    }
}

#[derive(Deserialize)]
struct UnitRow {
    product: String,
    vials: u64,
}

/// Vials in a shipping unit of a product (§3.4); none if the table does not know.
#[must_use]
pub fn vials_per_unit(product: &str) -> Option<u64> {
    static UNITS: LazyLock<Vec<UnitRow>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../data/shipping_units.csv")));
    let row = UNITS.iter().find(|row| row.product == product);
    row.map(|row| row.vials)
}

/// The shipping units that so many vials of a product take up, a begun one whole. A product that the table does not know
/// takes a place for each vial.
#[must_use]
pub fn units_taken(product: &str, vials: i64) -> i64 {
    let in_unit = vials_per_unit(product).and_then(|vials| i64::try_from(vials).ok());
    let in_unit = in_unit.unwrap_or(1).max(1);
    let vials = vials.max(0);
    vials / in_unit + i64::from(vials % in_unit > 0)
}

/// Doses and vials in a shipping unit on a day.
#[must_use]
pub fn shipping_unit(product: &str, purpose: Purpose, on: Day) -> Option<(u64, u64)> {
    let vials = vials_per_unit(product)?;
    let doses = u64::try_from(doses_per_vial(product, purpose, on)?).ok()?;
    Some((doses * vials, vials))
}

#[derive(Deserialize)]
struct KitRow {
    product: String,
    item: String,
    per: Per,
    each: u64,
    spare_permille: u64,
    pack: u64,
}

/// What goes along with a product: needles and syringes, and what dilutes.
#[must_use]
pub fn kit(product: &str) -> Vec<Item> {
    static KITS: LazyLock<Vec<KitRow>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../data/kits.csv")));
    let rows = KITS.iter();
    rows.filter(|row| row.product == "any" || row.product == product)
        .map(|row| Item {
            name: row.item.clone(),
            per: row.per,
            each: row.each,
            spare_permille: row.spare_permille,
            pack: row.pack,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vaccines::Vaccines;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn cycle_9_is_the_weeks_of_july_5_and_12() {
        let terms = Terms::usual(9, day("2021-07-05"), (1_170, 195));
        assert_eq!(terms.check(), Ok(()));
        assert_eq!(terms.last_day(), day("2021-07-18"));
        assert_eq!(
            terms.until(Act::Publish, Tier::Nation),
            Some(day("2021-06-21"))
        );
        assert_eq!(terms.until(Act::Publish, Tier::Venue), None);
    }

    #[test]
    fn a_level_may_act_to_its_day_and_longer_if_it_was_opened_again() {
        let terms = Terms::usual(9, day("2021-07-05"), (1_170, 195));
        let is_open = |again, on| terms.is_open(Act::Publish, Tier::City, again, day(on));
        assert!(is_open(None, "2021-06-28"));
        assert!(!is_open(None, "2021-06-29"));
        assert!(is_open(Some(day("2021-06-30")), "2021-06-30"));
        assert!(
            is_open(Some(day("2021-06-01")), "2021-06-28"),
            "an earlier day takes nothing away"
        );
        assert!(!is_open(Some(day("2021-06-30")), "2021-07-01"));
    }

    #[test]
    fn cut_offs_go_up_with_the_requests_and_down_with_the_units() {
        let mut terms = Terms::usual(9, day("2021-07-05"), (1_170, 195));
        terms.publish_until.insert(Tier::Nation, day("2021-06-30"));
        assert_eq!(terms.check(), Err(CycleRefusal::OutOfOrder));
        terms.publish_until.remove(&Tier::Nation);
        let missing = CycleRefusal::Missing {
            level: Tier::Nation,
        };
        assert_eq!(terms.check(), Err(missing));
    }

    #[test]
    fn every_product_has_a_unit_and_a_box_of_the_first_one_has_1170_doses() {
        for product in Vaccines::bundled().all() {
            assert!(
                vials_per_unit(product.key.as_str()).is_some(),
                "{}",
                product.key
            );
        }
        let of = |on| shipping_unit("comirnaty_12_mono", Purpose::Primary, day(on));
        assert_eq!(of("2021-07-05"), Some((1_170, 195)));
        assert_eq!(of("2021-03-01"), Some((975, 195)));
    }

    #[test]
    fn a_begun_box_takes_the_place_of_a_whole_one() {
        let taken = |vials| units_taken("comirnaty_12_mono", vials);
        assert_eq!([-1, 0, 1, 195, 196].map(taken), [0, 0, 1, 1, 2]);
        assert_eq!(units_taken("nobody_knows_it", 3), 3);
    }

    #[test]
    fn what_is_diluted_is_sent_more_syringes() {
        assert_eq!(kit("comirnaty_12_mono").len(), 4);
        assert_eq!(kit("spikevax_mono").len(), 2);
    }
}
