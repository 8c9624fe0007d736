//! The reasons of an allocation in words: for the page, the export and the command line alike.

use domain::allocation::{How, Input, Kept, Part, PartWhy, Plan, Proposed, Rounding, Rule, Why};

use crate::web::locale::Texts;

/// Why a node has its number, a sentence a line.
#[must_use]
pub fn reasons(proposed: &Proposed, plan: &Plan, texts: Texts) -> Vec<String> {
    match &proposed.why {
        Why::Top => vec![texts.t("alloc-why-top")],
        Why::Sum => vec![texts.t("alloc-why-sum")],
        Why::NotReached => vec![texts.t("alloc-why-not_reached")],
        Why::NoContract => vec![texts.t("alloc-why-no_contract")],
        Why::Set {
            by,
            reason,
            instead_of,
        } => {
            let told = [
                ("by", by.clone()),
                ("reason", reason.clone()),
                ("units", proposed.units.to_string()),
                ("instead_of", instead_of.to_string()),
            ];
            vec![texts.t_with("alloc-why-set", &told)]
        }
        Why::Formula { parts } => {
            let step = proposed.step.and_then(|step| plan.steps.get(step));
            let formula = step.map_or(&[][..], |step| &step.parts[..]);
            let told = |why: &PartWhy| {
                let part = formula.get(why.part);
                part_told(why, part, texts)
            };
            parts.iter().flat_map(told).collect()
        }
    }
}

/// Why units stayed with a giver.
#[must_use]
pub fn kept(kept: Kept, units: u64, texts: Texts) -> String {
    let id = format!("alloc-kept-{}", kept.as_str());
    texts.t_with(&id, &[("units", units.to_string())])
}

/// What people call a part of a formula: its own name, or that of its rule.
#[must_use]
pub fn part_name(part: &Part, texts: Texts) -> String {
    if part.name.is_empty() {
        rule_name(part.rule, texts)
    } else {
        part.name.clone()
    }
}

/// A rule in a few words.
#[must_use]
pub fn rule_name(rule: Rule, texts: Texts) -> String {
    match rule {
        Rule::Population => texts.t("alloc-rule-population"),
        Rule::Requests => texts.t("alloc-rule-requests"),
        Rule::HighestUsage { nodes, .. } => {
            texts.t_with("alloc-rule-highest_usage", &[("nodes", nodes.to_string())])
        }
        Rule::LowestStockRate { .. } => texts.t("alloc-rule-lowest_stock_rate"),
        Rule::Coverage {
            target_permille,
            doses_each,
        } => {
            let target = hundredths(u128::from(target_permille), 10);
            let told = [("target", target), ("doses", doses_each.to_string())];
            texts.t_with("alloc-rule-coverage", &told)
        }
        Rule::Need { .. } => texts.t("alloc-rule-need"),
    }
}

fn part_told(why: &PartWhy, part: Option<&Part>, texts: Texts) -> Vec<String> {
    let name = part.map_or_else(String::new, |part| part_name(part, texts));
    let head = [
        ("name", name),
        ("quota", why.quota.to_string()),
        ("units", why.units.to_string()),
    ];
    let mut told = vec![texts.t_with("alloc-part", &head)];
    let inputs: Vec<String> = why
        .inputs
        .iter()
        .map(|one| input_told(one, texts))
        .collect();
    told.push(texts.t_with(
        "alloc-inputs",
        &[("inputs", inputs.join(&texts.t("alloc-between")))],
    ));
    match &why.how {
        How::Shared {
            weight,
            units_shared,
            weights,
            whole,
            rounding,
        } => {
            let is_shared =
                *weights > 0 && !matches!(rounding, Rounding::NoWeight | Rounding::NoRoom { .. });
            if is_shared {
                let share = u128::from(*weight) * u128::from(*units_shared);
                let told_share = [
                    ("weight", weight.to_string()),
                    ("shared", units_shared.to_string()),
                    ("weights", weights.to_string()),
                    ("share", hundredths(share, u128::from(*weights))),
                    ("whole", whole.to_string()),
                ];
                told.push(texts.t_with("alloc-share", &told_share));
            }
            told.push(rounding_told(*rounding, texts));
        }
        How::Ranked {
            rate: (over, under),
            place,
            want,
            left,
            places,
        } => {
            let is_beyond = place > places;
            let words = [
                ("over", over.to_string()),
                ("under", under.to_string()),
                (
                    "rate",
                    hundredths(u128::from(*over) * 100, u128::from(*under)),
                ),
                ("place", place.to_string()),
                ("places", places.to_string()),
                ("want", want.to_string()),
                ("left", left.to_string()),
            ];
            let id = if is_beyond {
                "alloc-ranked-beyond"
            } else {
                "alloc-ranked"
            };
            told.push(texts.t_with(id, &words));
        }
    }
    if why.braked > 0
        && let Some(brake) = part.and_then(|part| part.brake)
    {
        let words = [
            ("weeks", brake.weeks.to_string()),
            ("cut", hundredths(u128::from(brake.cut_permille), 10)),
            ("units", why.braked.to_string()),
        ];
        told.push(texts.t_with("alloc-braked", &words));
    }
    told
}

fn input_told(input: &Input, texts: Texts) -> String {
    let id = format!("alloc-figure-{}", input.figure.as_str());
    texts.t_with(&id, &[("value", input.value.to_string())])
}

fn rounding_told(rounding: Rounding, texts: Texts) -> String {
    let limit = |limit: Option<domain::allocation::Limit>| {
        limit.map_or_else(
            || texts.t("alloc-limit-none"),
            |limit| texts.t(&format!("alloc-limit-{}", limit.as_str())),
        )
    };
    match rounding {
        Rounding::Whole => texts.t("alloc-rounding-whole"),
        Rounding::NoWeight => texts.t("alloc-rounding-no_weight"),
        Rounding::Beyond => texts.t("alloc-rounding-beyond"),
        Rounding::NoRoom { limit: why } => {
            texts.t_with("alloc-rounding-no_room", &[("limit", limit(why))])
        }
        Rounding::Full { limit: why } => {
            texts.t_with("alloc-rounding-full", &[("limit", limit(why))])
        }
        Rounding::Minimum { minimum } => texts.t_with(
            "alloc-rounding-minimum",
            &[("minimum", minimum.to_string())],
        ),
        Rounding::BelowMinimum {
            minimum,
            place,
            chosen,
        } => {
            let words = [
                ("minimum", minimum),
                ("place", place.into()),
                ("chosen", chosen.into()),
            ];
            let words = words.map(|(name, figure)| (name, figure.to_string()));
            texts.t_with("alloc-rounding-below_minimum", &words)
        }
        Rounding::Down { place, up } => {
            let words = [("place", place.to_string()), ("up", up.to_string())];
            texts.t_with("alloc-rounding-down", &words)
        }
        Rounding::Up { place, up } => {
            let words = [("place", place.to_string()), ("up", up.to_string())];
            texts.t_with("alloc-rounding-up", &words)
        }
    }
}

/// A fraction with two places after the point, cut off as a pocket calculator shows it.
fn hundredths(over: u128, under: u128) -> String {
    let all = over * 100 / under.max(1);
    format!("{}.{:02}", all / 100, all % 100)
}

#[cfg(test)]
mod tests {
    use domain::allocation::{Node, Quota, Step, propose};

    use super::*;
    use crate::web::locale::Locale;

    #[test]
    fn a_reason_reads_as_a_calculation() {
        let town = |code: &str, people| Node {
            code: code.to_owned(),
            parent: Some("JP".to_owned()),
            level: "city".to_owned(),
            population: Some(people),
            ..Node::default()
        };
        let top = Node {
            code: "JP".to_owned(),
            level: "nation".to_owned(),
            ..Node::default()
        };
        let plan = Plan {
            about: String::new(),
            supply: 10,
            doses_per_unit: 1_170,
            vials_per_unit: None,
            nodes: vec![
                top,
                town("131016", 500),
                town("131024", 260),
                town("131032", 240),
            ],
            steps: vec![Step {
                level: "city".to_owned(),
                parts: vec![Part {
                    name: "基本計画枠".to_owned(),
                    quota: Quota::Rest,
                    rule: Rule::Population,
                    brake: None,
                }],
                requests_limit: false,
            }],
            overrides: Vec::new(),
            items: Vec::new(),
        };
        let proposal = propose(&plan).unwrap();
        let told = |locale| {
            let proposed = proposal.find("131024").unwrap();
            reasons(proposed, &plan, Texts::new(locale))
        };
        assert_eq!(
            told(Locale::Ja),
            [
                "基本計画枠(枠 10)から3",
                "使った値: 人口 260",
                "260 × 10 ÷ 1000 = 2.60、切り捨てて2",
                "端数の大きさは1番目。大きい方から1か所を切り上げたため、1つ加えました。",
            ]
        );
        assert_eq!(
            told(Locale::En),
            [
                "3 from 基本計画枠 (quota 10)",
                "Figures used: population 260",
                "260 × 10 ÷ 1000 = 2.60, whole packs 2",
                "Its fraction was number 1, and the largest 1 were rounded up: one pack more.",
            ]
        );
    }
}
