//! What a proposal is made from, as `docs/allocation.md` publishes it, and the check of it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::late_entry::{Entered, EntryLag};

/// Largest figure of any kind: ten thousand million doses are more than any country's.
pub const FIGURE_MAX: u64 = 10_000_000_000;
/// Nodes of one plan at most: the nation has 70,000 venues.
pub const NODES_MAX: usize = 200_000;
/// Steps from the nation down at most.
pub const STEPS_MAX: usize = 8;
/// Parts (枠) of one formula at most.
pub const PARTS_MAX: usize = 8;
/// Longest name, reason or code, in characters.
pub const WORDS_LENGTH_MAX: usize = 200;
/// Doses of one person in a programme at most, and items of one dose.
pub const EACH_MAX: u64 = 10;
/// One in a thousand, a thousand times.
pub const PERMILLE: u64 = 1_000;
/// Refusals told at once; a file that is wrong in every line is wrong in its making.
const REFUSALS_MAX: usize = 100;

/// Everything a proposal follows from. The same plan gives the same proposal on every machine, in
/// whatever order its nodes stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What is divided, for whoever reads it: a product, a cycle. Nothing follows from it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Shipping units (箱) the top node has to give.
    pub supply: u64,
    /// Doses in one unit, by product and purpose on the day.
    pub doses_per_unit: u64,
    /// Vials in one unit; needed only for items counted by vial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vials_per_unit: Option<u64>,
    /// Who gives and who gets, in any order. The node without a parent is the top.
    pub nodes: Vec<Node>,
    /// How it is divided, from the top down.
    pub steps: Vec<Step>,
    /// Numbers that somebody set by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// What goes along with the doses: needles, syringes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

/// A nation, prefecture, city or venue, with what is known of it. A figure that is left out is the sum
/// of those below, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its code: the municipality's, the venue's ten digits. Ties go to the lower one.
    pub code: String,
    /// The code of the node above; none for the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What it is: `nation`, `prefecture`, `city`, `venue`, or any other word.
    pub level: String,
    /// People the formula is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<u64>,
    /// Units asked for in this cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
    /// Doses on hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock_doses: Option<u64>,
    /// Of those, doses that expire before they can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiring_doses: Option<u64>,
    /// Whether the stock was counted by hand (棚卸し), so that late entry does not touch it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stock_counted: bool,
    /// Doses due within the cycle, by the forecast of the schedules or by bookings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_doses: Option<u64>,
    /// Doses supplied in all cycles before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplied_doses: Option<u64>,
    /// Doses supplied by other ways: another product, mass venues, workplaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplied_elsewhere_doses: Option<u64>,
    /// Doses recorded as given, of all that were supplied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_doses: Option<u64>,
    /// Doses recorded as given within the latest seven days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week_doses: Option<u64>,
    /// Recent doses by the day they were given, to estimate what is not entered yet (§2.8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entered: Vec<Entered>,
    /// How fast this node enters its doses; the nation's pace if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_lag: Option<EntryLag>,
    /// Units it can keep beside what it has: what is free in its freezers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<u64>,
    /// The smallest shipment it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u64>,
    /// Units come to it in multiples of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<u64>,
    /// Whether it is no party to the collective contract (集合契約) when the cycle begins: then it is given
    /// nothing, by no formula and by no hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_contract: bool,
}

/// One division: from each node that has units to the nodes of a level below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// To the nodes of which level. A level between two steps gets the sum of what is below it.
    pub level: String,
    /// The formula: its parts (枠), one after the other.
    pub parts: Vec<Part>,
    /// Whether nobody gets more than was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requests_limit: bool,
}

/// A part (枠) of a formula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What people call it: 基本計画枠, 調整枠.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How much it has.
    pub quota: Quota,
    /// By what it is divided.
    pub rule: Rule,
    /// Who has plenty gets less of this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<Brake>,
}

/// How much a part has to give. What an earlier part leaves goes to the next that takes the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quota {
    /// So many units.
    Units(u64),
    /// So much of what the giver has, in thousandths, rounded down.
    Permille(u64),
    /// All that is left.
    Rest,
}

/// By what a part is divided (domain paper §3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// By population (人口比).
    Population,
    /// Pro rata to what was asked for (希望量比), never more than what of it is still open.
    Requests,
    /// What is still open of the request in full, to so many with the highest usage rate (使用率).
    HighestUsage {
        /// To how many.
        nodes: u32,
        /// Whether late entry is made up for.
        #[serde(default)]
        corrected: bool,
    },
    /// To the lowest stock rate (在庫率) first: the latest week's doses in units, at most what is open
    /// of the request. The rate is (supplied − used) ÷ (population × doses each).
    LowestStockRate {
        /// Doses of a person in the programme.
        doses_each: u64,
        /// Whether late entry is made up for.
        #[serde(default)]
        corrected: bool,
    },
    /// By what is missing to a coverage: population × target × doses each − supplied − elsewhere.
    Coverage {
        /// The part of the population to be covered, in thousandths.
        target_permille: u64,
        /// Doses of a person in the programme.
        doses_each: u64,
    },
    /// By what is needed: due doses − stock that will not expire, never more than that.
    Need {
        /// Whether late entry is made up for.
        #[serde(default)]
        corrected: bool,
    },
}

/// Who has stock for many weeks gets less, and what is saved goes to the parts that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brake {
    /// More than so many weeks of the latest week's use.
    pub weeks: u64,
    /// How much less, in thousandths; a begun unit is not cut.
    pub cut_permille: u64,
    /// Whether late entry is made up for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrected: bool,
}

/// A number that somebody set, in place of the proposed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Whose.
    pub node: String,
    /// Units.
    pub units: u64,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What goes along with the doses (針・シリンジ).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What it is.
    pub name: String,
    /// Counted by dose or by vial.
    pub per: Per,
    /// How many for each.
    pub each: u64,
    /// To spare, in thousandths.
    #[serde(default)]
    pub spare_permille: u64,
    /// In packs of so many.
    #[serde(default = "one")]
    pub pack: u64,
}

fn one() -> u64 {
    1
}

/// What an item is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each dose: what injects.
    Dose,
    /// Each vial: what dilutes.
    Vial,
}

/// Why a plan cannot be worked out: which field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("{field}: {} / {}", .why.ja(), .why.en())]
pub struct Refusal {
    /// The field, as a path into the plan: `nodes[3].parent`.
    pub field: String,
    /// What is wrong.
    pub why: Wrong,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Wrong {
    /// There is nothing in it.
    Empty,
    /// Longer than so many.
    TooLong {
        /// Characters or entries.
        max: u64,
    },
    /// A figure beyond the largest.
    TooLarge {
        /// The largest.
        max: u64,
    },
    /// A figure that must not be zero is zero.
    Zero,
    /// More expires than there is.
    MoreThanStock,
    /// The code stands twice.
    Twice,
    /// There is no node with this code.
    NoSuchNode,
    /// Nobody is without a parent, or several are.
    Tops {
        /// How many are.
        count: u64,
    },
    /// Its parents lead back to itself.
    Circle,
    /// Nodes of this level stand at different heights.
    UnevenLevel,
    /// No node below the one before has this level.
    NoSuchLevel,
    /// The level is not below the one before.
    NotBelow,
    /// No division ends at this node's level, so what limits it would not hold.
    PassedOver,
    /// More than its giver has.
    MoreThanGiver {
        /// What the giver has.
        units: u64,
    },
    /// More than its room (freezers, requests, what is below it).
    MoreThanRoom {
        /// The room.
        units: u64,
    },
    /// Less than the smallest shipment, and not nothing.
    LessThanMinimum {
        /// The smallest.
        units: u64,
    },
    /// Not a multiple of its pack.
    NotPacks {
        /// The pack.
        units: u64,
    },
    /// Needed for an item counted by vial.
    Needed,
    /// It is no party to the collective contract.
    NoContract,
}

impl Wrong {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::TooLarge { .. } => "too_large",
            Self::Zero => "zero",
            Self::MoreThanStock => "more_than_stock",
            Self::Twice => "twice",
            Self::NoSuchNode => "no_such_node",
            Self::Tops { .. } => "tops",
            Self::Circle => "circle",
            Self::UnevenLevel => "uneven_level",
            Self::NoSuchLevel => "no_such_level",
            Self::NotBelow => "not_below",
            Self::PassedOver => "passed_over",
            Self::MoreThanGiver { .. } => "more_than_giver",
            Self::MoreThanRoom { .. } => "more_than_room",
            Self::LessThanMinimum { .. } => "less_than_minimum",
            Self::NotPacks { .. } => "not_packs",
            Self::Needed => "needed",
            Self::NoContract => "no_contract",
        }
    }

    /// What is wrong and what to do, in Japanese.
    #[must_use]
    pub fn ja(&self) -> String {
        match self {
            Self::Empty => "空です。値を入れてください。".to_owned(),
            Self::TooLong { max } => format!("長すぎます。{max}以内にしてください。"),
            Self::TooLarge { max } => format!("大きすぎます。{max}以下にしてください。"),
            Self::Zero => "0にはできません。1以上を入れてください。".to_owned(),
            Self::MoreThanStock => "在庫より多い期限切れ見込みです。在庫以下にしてください。".to_owned(),
            Self::Twice => "同じコードが2回あります。一方を除いてください。".to_owned(),
            Self::NoSuchNode => "このコードの配分先はありません。コードを確かめてください。".to_owned(),
            Self::Tops { count } => format!("上位のない配分元は1つだけにしてください（今は{count}）。"),
            Self::Circle => "上位をたどると自分に戻ります。上位を直してください。".to_owned(),
            Self::UnevenLevel => "同じ階層名の配分先が違う深さにあります。階層名を分けてください。".to_owned(),
            Self::NoSuchLevel => "この階層の配分先がありません。階層名を確かめてください。".to_owned(),
            Self::NotBelow => "前の段より下の階層にしてください。".to_owned(),
            Self::PassedOver => "この階層への配分の段がないため、上限・最小量・単位・手修正を守れません。段を加えるか、外してください。".to_owned(),
            Self::MoreThanGiver { units } => format!("配分元の{units}を超えます。減らしてください。"),
            Self::MoreThanRoom { units } => format!("上限の{units}を超えます。減らしてください。"),
            Self::LessThanMinimum { units } => format!("最小配送量の{units}未満です。0か{units}以上にしてください。"),
            Self::NotPacks { units } => format!("{units}の倍数にしてください。"),
            Self::Needed => "バイアル単位の物品があるため必要です。".to_owned(),
            Self::NoContract => "クールの初日に集合契約に加入していない会場には配れません。会場が委任状を作成し、郡市医師会が確認してから決めてください。".to_owned(),
        }
    }

    /// The same in English.
    #[must_use]
    pub fn en(&self) -> String {
        match self {
            Self::Empty => "It is empty. Give it a value.".to_owned(),
            Self::TooLong { max } => format!("It is too long. Give at most {max}."),
            Self::TooLarge { max } => format!("It is too large. Give at most {max}."),
            Self::Zero => "It must not be zero. Give 1 or more.".to_owned(),
            Self::MoreThanStock => "More expires than there is. Give at most the stock.".to_owned(),
            Self::Twice => "The code stands twice. Remove one.".to_owned(),
            Self::NoSuchNode => "There is no node with this code. Check it.".to_owned(),
            Self::Tops { count } => format!("Exactly one node must be without a parent; there are {count}."),
            Self::Circle => "Its parents lead back to itself. Mend the parent.".to_owned(),
            Self::UnevenLevel => "Nodes of this level stand at different heights. Give them different levels.".to_owned(),
            Self::NoSuchLevel => "No node has this level. Check the word.".to_owned(),
            Self::NotBelow => "The level must be below that of the step before.".to_owned(),
            Self::PassedOver => "No step ends at this level, so a cap, minimum, pack or override would not hold. Add a step or remove it.".to_owned(),
            Self::MoreThanGiver { units } => format!("The giver has {units}. Give less."),
            Self::MoreThanRoom { units } => format!("There is room for {units}. Give less."),
            Self::LessThanMinimum { units } => format!("The smallest shipment is {units}. Give nothing, or at least that."),
            Self::NotPacks { units } => format!("It must be a multiple of {units}."),
            Self::Needed => "It is needed, since an item is counted by vial.".to_owned(),
            Self::NoContract => "The venue is no party to the collective contract on the cycle's first day. Have it make a mandate and the medical association confirm it, then set the number.".to_owned(),
        }
    }
}

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Refusals(Vec<Refusal>);

impl Refusals {
    pub(super) fn add(&mut self, field: impl Into<String>, why: Wrong) {
        if self.0.len() < REFUSALS_MAX {
            let field = field.into();
            self.0.push(Refusal { field, why });
        }
    }

    pub(super) fn or<T>(self, good: T) -> Result<T, Vec<Refusal>> {
        if self.0.is_empty() {
            Ok(good)
        } else {
            Err(self.0)
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn words(&mut self, field: String, words: &str) {
        if words.trim().is_empty() {
            self.add(field, Wrong::Empty);
        } else {
            self.length(field, words.chars().count(), WORDS_LENGTH_MAX);
        }
    }

    fn length(&mut self, field: impl Into<String>, length: usize, max: usize) {
        if length > max {
            let max = u64::try_from(max).unwrap_or(u64::MAX);
            self.add(field, Wrong::TooLong { max });
        }
    }

    fn at_most(&mut self, field: impl Into<String>, figure: u64, max: u64) {
        if figure > max {
            self.add(field, Wrong::TooLarge { max });
        }
    }

    fn some(&mut self, field: &str, figure: u64, max: u64) {
        if figure == 0 {
            self.add(field, Wrong::Zero);
        }
        self.at_most(field, figure, max);
    }
}

/// Looks at every field by itself; how nodes stand to each other is the tree's matter.
pub(super) fn check(plan: &Plan, refusals: &mut Refusals) {
    refusals.length("about", plan.about.chars().count(), WORDS_LENGTH_MAX);
    refusals.at_most("supply", plan.supply, FIGURE_MAX);
    refusals.some("doses_per_unit", plan.doses_per_unit, FIGURE_MAX / PERMILLE);
    if let Some(vials) = plan.vials_per_unit {
        refusals.some("vials_per_unit", vials, FIGURE_MAX / PERMILLE);
    }
    refusals.length("nodes", plan.nodes.len(), NODES_MAX);
    if plan.steps.is_empty() {
        refusals.add("steps", Wrong::Empty);
    }
    refusals.length("steps", plan.steps.len(), STEPS_MAX);
    for (at, node) in plan.nodes.iter().enumerate().take(NODES_MAX) {
        check_node(at, node, refusals);
    }
    for (at, step) in plan.steps.iter().enumerate() {
        check_step(at, step, refusals);
    }
    for (at, one) in plan.overrides.iter().enumerate() {
        let path = |name| format!("overrides[{at}].{name}");
        refusals.words(path("by"), &one.by);
        refusals.words(path("reason"), &one.reason);
        refusals.at_most(path("units"), one.units, FIGURE_MAX);
    }
    for (at, item) in plan.items.iter().enumerate() {
        let path = |name: &str| format!("items[{at}].{name}");
        refusals.words(path("name"), &item.name);
        refusals.some(&path("each"), item.each, EACH_MAX);
        refusals.at_most(path("spare_permille"), item.spare_permille, PERMILLE);
        refusals.some(&path("pack"), item.pack, FIGURE_MAX / PERMILLE);
        if item.per == Per::Vial && plan.vials_per_unit.is_none() {
            refusals.add("vials_per_unit", Wrong::Needed);
        }
    }
}

fn check_node(at: usize, node: &Node, refusals: &mut Refusals) {
    let path = |name: &str| format!("nodes[{at}].{name}");
    // A hundred thousand nodes are checked: no path is written unless something is wrong with it.
    let figures = [
        ("population", node.population),
        ("request", node.request),
        ("stock_doses", node.stock_doses),
        ("expiring_doses", node.expiring_doses),
        ("due_doses", node.due_doses),
        ("supplied_doses", node.supplied_doses),
        ("supplied_elsewhere_doses", node.supplied_elsewhere_doses),
        ("used_doses", node.used_doses),
        ("week_doses", node.week_doses),
        ("cap", node.cap),
        ("minimum", node.minimum),
        ("pack", node.pack),
    ];
    for (name, _) in figures
        .into_iter()
        .filter(|(_, figure)| figure.is_some_and(|figure| figure > FIGURE_MAX))
    {
        refusals.add(path(name), Wrong::TooLarge { max: FIGURE_MAX });
    }
    for (name, words) in [("code", &node.code), ("level", &node.level)] {
        if words.trim().is_empty() || words.chars().count() > WORDS_LENGTH_MAX {
            refusals.words(path(name), words);
        }
    }
    if node.pack == Some(0) {
        refusals.add(path("pack"), Wrong::Zero);
    }
    if node.expiring_doses.unwrap_or(0) > node.stock_doses.unwrap_or(u64::MAX) {
        refusals.add(path("expiring_doses"), Wrong::MoreThanStock);
    }
    for (day, entered) in node.entered.iter().enumerate() {
        if entered.doses > FIGURE_MAX {
            let name = format!("entered[{day}].doses");
            refusals.add(path(&name), Wrong::TooLarge { max: FIGURE_MAX });
        }
    }
    if let Some(lag) = &node.entry_lag {
        for (day, permille) in lag.0.iter().enumerate() {
            if *permille == 0 {
                refusals.add(path(&format!("entry_lag[{day}]")), Wrong::Zero);
            } else {
                refusals.at_most(path(&format!("entry_lag[{day}]")), *permille, PERMILLE);
            }
        }
    }
}

fn check_step(at: usize, step: &Step, refusals: &mut Refusals) {
    let path = |name: &str| format!("steps[{at}].{name}");
    refusals.words(path("level"), &step.level);
    if step.parts.is_empty() {
        refusals.add(path("parts"), Wrong::Empty);
    }
    refusals.length(path("parts"), step.parts.len(), PARTS_MAX);
    for (part_at, part) in step.parts.iter().enumerate() {
        let path = |name: &str| format!("steps[{at}].parts[{part_at}].{name}");
        refusals.length(path("name"), part.name.chars().count(), WORDS_LENGTH_MAX);
        match part.quota {
            Quota::Units(units) => refusals.at_most(path("quota.units"), units, FIGURE_MAX),
            Quota::Permille(part) => refusals.at_most(path("quota.permille"), part, PERMILLE),
            Quota::Rest => {}
        }
        match part.rule {
            Rule::HighestUsage { nodes: 0, .. } => {
                refusals.add(path("rule.highest_usage.nodes"), Wrong::Zero);
            }
            Rule::LowestStockRate { doses_each, .. } => {
                let name = path("rule.lowest_stock_rate.doses_each");
                refusals.some(&name, doses_each, EACH_MAX);
            }
            Rule::Coverage {
                target_permille,
                doses_each,
            } => {
                let name = path("rule.coverage.target_permille");
                refusals.at_most(name, target_permille, PERMILLE);
                refusals.some(&path("rule.coverage.doses_each"), doses_each, EACH_MAX);
            }
            _ => {}
        }
        if let Some(brake) = part.brake {
            refusals.some(&path("brake.weeks"), brake.weeks, FIGURE_MAX / PERMILLE);
            refusals.at_most(path("brake.cut_permille"), brake.cut_permille, PERMILLE);
        }
    }
}
