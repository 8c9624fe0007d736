//! A formula as a form: three parts (枠), each with a rule, an amount, and what the rule asks for.

use std::collections::BTreeMap;

use domain::allocation::{Brake, PERMILLE, Part, Quota, Rule, WORDS_LENGTH_MAX};
use domain::cycles::Formula;

use crate::pages::fields::Complaints;
use crate::pages::records::Choice;
use crate::web::layout::Page;
use crate::web::locale::Texts;

/// Parts on the form; the real formulas had three at most.
const PARTS: usize = 3;
/// Per cent to thousandths.
const PERMILLE_OF_PERCENT: u64 = PERMILLE / 100;

/// A formula as the form shows it.
pub struct Rows {
    /// Its parts, empty ones at the end.
    pub parts: Vec<PartRow>,
    /// Whether nobody gets more than was asked for.
    pub requests_limit: bool,
}

/// A part as the form shows it.
pub struct PartRow {
    /// Which, from 0: the end of the fields' names.
    pub at: usize,
    /// What people call it.
    pub name: String,
    /// `8000`, `70%`, or empty for the rest.
    pub amount: String,
    /// The rules.
    pub rules: Vec<Choice>,
    /// To how many, or per cent to be covered.
    pub number: String,
    /// Whether late entry is made up for.
    pub corrected: bool,
    /// Weeks of stock beyond which less is given.
    pub weeks: String,
    /// How many per cent less.
    pub cut: String,
}

/// Every rule's word, in the order of the list.
const RULES: [&str; 6] = [
    "population",
    "requests",
    "highest_usage",
    "lowest_stock_rate",
    "coverage",
    "need",
];

/// Doses of a person where a rule asks for them: the first series.
const DOSES_EACH: u64 = 2;

/// The word of a rule, its number, and whether it makes up for late entry.
fn taken_apart(rule: Rule) -> (&'static str, Option<u64>, bool) {
    match rule {
        Rule::Population => ("population", None, false),
        Rule::Requests => ("requests", None, false),
        Rule::HighestUsage { nodes, corrected } => {
            ("highest_usage", Some(u64::from(nodes)), corrected)
        }
        Rule::LowestStockRate { corrected, .. } => ("lowest_stock_rate", None, corrected),
        Rule::Coverage {
            target_permille, ..
        } => (
            "coverage",
            Some(target_permille / PERMILLE_OF_PERCENT),
            false,
        ),
        Rule::Need { corrected } => ("need", None, corrected),
    }
}

/// Shows a formula.
#[must_use]
pub fn rows_of(formula: &Formula, texts: Texts) -> Rows {
    let filled = formula.parts.iter().map(Some);
    let all = filled.chain(std::iter::repeat(None)).take(PARTS);
    let parts = all.enumerate().map(|(at, part)| part_row(at, part, texts));
    Rows {
        parts: parts.collect(),
        requests_limit: formula.requests_limit,
    }
}

fn part_row(at: usize, part: Option<&Part>, texts: Texts) -> PartRow {
    let (word, number, corrected) = part.map_or(("", None, false), |part| taken_apart(part.rule));
    let amount = part.map_or(String::new(), |part| match part.quota {
        Quota::Units(units) => units.to_string(),
        Quota::Permille(part) => format!("{}%", part / PERMILLE_OF_PERCENT),
        Quota::Rest => String::new(),
    });
    let brake = part.and_then(|part| part.brake);
    let figure = |figure: Option<u64>| figure.map_or(String::new(), |figure| figure.to_string());
    PartRow {
        at,
        name: part.map_or(String::new(), |part| part.name.clone()),
        amount,
        rules: RULES
            .into_iter()
            .map(|rule| Choice {
                value: rule.to_owned(),
                label: texts.t(&format!("rule-{rule}")),
                chosen: rule == word,
            })
            .collect(),
        number: figure(number),
        corrected,
        weeks: figure(brake.map(|brake| brake.weeks)),
        cut: figure(brake.map(|brake| brake.cut_permille / PERMILLE_OF_PERCENT)),
    }
}

/// Reads a formula; each complaint is about the whole form, since its fields come in threes.
pub fn formula_in(
    page: &Page,
    complaints: &mut Complaints,
    typed: &BTreeMap<String, String>,
) -> Option<Formula> {
    let mut parts = Vec::new();
    for at in 0..PARTS {
        let field = |name: &str| {
            let typed = typed.get(&format!("{name}{at}"));
            typed.map_or("", |text| text.trim())
        };
        if field("rule").is_empty() {
            continue;
        }
        match part_in(&field) {
            Some(part) => parts.push(part),
            None => {
                complaints.add::<()>("formula", page.t1("complaint-part", "part", at + 1));
            }
        }
    }
    if parts.is_empty() && complaints.is_empty() {
        complaints.add::<()>("formula", page.t("complaint-no-part"));
    }
    let formula = Formula {
        parts,
        requests_limit: typed.contains_key("requests_limit"),
    };
    complaints.is_empty().then_some(formula)
}

fn part_in<'t>(field: &impl Fn(&str) -> &'t str) -> Option<Part> {
    let corrected = !field("corrected").is_empty();
    let number = field("number");
    let percent = || {
        let percent = number.parse::<u64>().ok()?;
        (percent <= 100).then_some(percent * PERMILLE_OF_PERCENT)
    };
    let rule = match field("rule") {
        "population" => Rule::Population,
        "requests" => Rule::Requests,
        "highest_usage" => Rule::HighestUsage {
            nodes: number.parse().ok().filter(|nodes| *nodes > 0)?,
            corrected,
        },
        "lowest_stock_rate" => Rule::LowestStockRate {
            doses_each: DOSES_EACH,
            corrected,
        },
        "coverage" => Rule::Coverage {
            target_permille: percent()?,
            doses_each: DOSES_EACH,
        },
        "need" => Rule::Need { corrected },
        _ => return None,
    };
    let amount = field("amount");
    let quota = match amount.strip_suffix(['%', '％']) {
        _ if amount.is_empty() => Quota::Rest,
        Some(percent) => {
            let percent = percent.trim().parse::<u64>().ok()?;
            Quota::Permille((percent <= 100).then_some(percent * PERMILLE_OF_PERCENT)?)
        }
        None => Quota::Units(amount.parse().ok()?),
    };
    let brake = match (field("weeks"), field("cut")) {
        ("", "") => None,
        (weeks, cut) => Some(Brake {
            weeks: weeks.parse().ok().filter(|weeks| *weeks > 0)?,
            cut_permille: {
                let percent = cut.parse::<u64>().ok()?;
                (percent <= 100).then_some(percent * PERMILLE_OF_PERCENT)?
            },
            corrected,
        }),
    };
    Some(Part {
        name: field("name").chars().take(WORDS_LENGTH_MAX).collect(),
        quota,
        rule,
        brake,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Option<Part> {
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| *known == name);
            found.map_or("", |(_, value)| *value)
        };
        part_in(&field)
    }

    #[test]
    fn the_august_brake_is_read_off_the_form() {
        let part = read(&[
            ("rule", "population"),
            ("amount", "8000"),
            ("weeks", "6"),
            ("cut", "10"),
        ]);
        let part = part.unwrap();
        assert_eq!(part.quota, Quota::Units(8_000));
        assert_eq!(part.brake.unwrap().cut_permille, 100);
    }

    #[test]
    fn an_amount_is_units_per_cent_or_the_rest() {
        let quota = |amount| read(&[("rule", "need"), ("amount", amount)]).map(|part| part.quota);
        assert_eq!(quota(""), Some(Quota::Rest));
        assert_eq!(quota("70%"), Some(Quota::Permille(700)));
        assert_eq!(quota("70％"), Some(Quota::Permille(700)));
        assert_eq!(quota("101%"), None);
        assert_eq!(quota("many"), None);
    }

    #[test]
    fn a_rule_that_asks_for_a_number_gets_one() {
        assert_eq!(read(&[("rule", "highest_usage")]), None);
        assert_eq!(read(&[("rule", "coverage"), ("number", "120")]), None);
        let part = read(&[("rule", "highest_usage"), ("number", "378")]).unwrap();
        assert_eq!(taken_apart(part.rule), ("highest_usage", Some(378), false));
    }
}
