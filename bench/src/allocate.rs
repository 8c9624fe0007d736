//! The nation divided down to 70,000 venues with every constraint there is, on one core, against the two
//! seconds that somebody waits who tries another formula.

use std::time::Instant;

use anyhow::{Context, anyhow, ensure};
use domain::allocation::{
    Brake, Entered, Item, Node, Part, Per, Plan, Proposal, Quota, Rule, Step, propose,
};
use domain::calendar::Day;
use domain::places::{Places, Prefecture};
use serde::Serialize;

use crate::{Bar, Options, say_bars};

/// Venues of the real programme (domain paper §6.1).
const VENUES: u64 = 70_000;
/// Boxes of a cycle.
const SUPPLY: u64 = 400_000;
/// How often it is measured; the middle counts.
const ROUNDS: usize = 5;
/// The most it may take.
const SECONDS_MAX: f64 = 2.0;

#[derive(Serialize)]
struct Figures {
    nodes: usize,
    units_at_venues: u64,
    venues_with_units: usize,
    seconds: Vec<f64>,
    bars: Vec<Bar>,
}

/// Runs it and prints the figures.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let plan = nation()?;
    let mut seconds = Vec::new();
    let mut last: Option<Proposal> = None;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let proposal = propose(&plan).map_err(|refusals| anyhow!("{refusals:?}"))?;
        seconds.push(begun.elapsed().as_secs_f64());
        ensure!(
            last.as_ref().is_none_or(|last| *last == proposal),
            "the same plan gave another proposal"
        );
        last = Some(proposal);
    }
    let proposal = last.context("it was measured")?;
    let venues = || proposal.nodes.iter().filter(|node| node.level == "venue");
    let out: u64 = venues().map(|node| node.units).sum();
    let above = proposal.nodes.iter().filter(|node| node.level != "venue");
    let kept: u64 = above.map(|node| node.kept).sum();
    ensure!(out + kept == SUPPLY, "{out} and {kept} are not {SUPPLY}");
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.get(ROUNDS / 2).copied().unwrap_or(f64::INFINITY);
    let figures = Figures {
        nodes: plan.nodes.len(),
        units_at_venues: out,
        venues_with_units: venues().filter(|node| node.units > 0).count(),
        bars: vec![Bar::most(
            "nation to 70,000 venues, parts of two seconds",
            middle / SECONDS_MAX,
            1.0,
        )],
        seconds,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        println!(
            "{} nodes, {} units at {} venues, {:.3} s in the middle of {ROUNDS}",
            figures.nodes, figures.units_at_venues, figures.venues_with_units, middle
        );
        say_bars(&figures.bars);
    }
    Ok(())
}

/// Bits that follow no pattern, the same for the same seed (SplitMix64).
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn node(code: String, parent: &str, level: &str) -> Node {
    Node {
        code,
        parent: (!parent.is_empty()).then(|| parent.to_owned()),
        level: level.to_owned(),
        ..Node::default()
    }
}

/// Every prefecture and municipality, and venues that nobody runs.
fn nation() -> anyhow::Result<Plan> {
    let mut nodes = vec![node("JP".to_owned(), "", "nation")];
    for prefecture in Prefecture::all() {
        nodes.push(node(prefecture.to_string(), "JP", "prefecture"));
    }
    let on = Day::new(2021, 7, 5).context("a day")?;
    let cities: Vec<_> = Places::bundled().municipalities(on).collect();
    for city in &cities {
        let above = city.prefecture.to_string();
        nodes.push(node(city.code.to_string(), &above, "city"));
    }
    for serial in 0..VENUES {
        let bits = mixed(serial);
        let at = usize::try_from(bits % cities.len() as u64).unwrap_or_default();
        let city = cities.get(at).context("a city")?;
        nodes.push(venue(serial, bits, city.code.as_str()));
    }
    Ok(Plan {
        about: "bench".to_owned(),
        supply: SUPPLY,
        doses_per_unit: 60,
        vials_per_unit: Some(10),
        nodes,
        steps: steps(),
        overrides: Vec::new(),
        items: vec![
            item("needle", Per::Dose, 20, 100),
            item("syringe", Per::Dose, 20, 100),
            item("diluent syringe", Per::Vial, 0, 10),
        ],
    })
}

fn venue(serial: u64, bits: u64, city: &str) -> Node {
    let part = |from: u32, of: u64| bits.rotate_right(from) % of;
    let week = part(3, 900);
    let stock = part(11, 1_500);
    Node {
        population: Some(200 + part(5, 4_000)),
        request: Some(part(13, 40)),
        stock_doses: Some(stock),
        expiring_doses: Some(part(17, 300).min(stock)),
        stock_counted: part(19, 3) == 0,
        due_doses: Some(part(23, 2_500)),
        supplied_doses: Some(2_000 + part(29, 9_000)),
        used_doses: Some(part(31, 2_000)),
        week_doses: Some(week),
        entered: (0..14)
            .map(|days_ago| Entered {
                days_ago,
                doses: week / 7,
            })
            .collect(),
        cap: Some(2 + part(37, 60)),
        minimum: [None, Some(2), Some(5)]
            .get(usize::try_from(part(41, 3)).unwrap_or_default())
            .copied()
            .flatten(),
        pack: (part(43, 4) == 0).then_some(5),
        ..node(format!("{serial:010}"), city, "venue")
    }
}

fn item(name: &str, per: Per, spare_permille: u64, pack: u64) -> Item {
    Item {
        name: name.to_owned(),
        per,
        each: 1,
        spare_permille,
        pack,
    }
}

/// Cities by population with the brake, requests, and the highest usage; then venues by need.
fn steps() -> Vec<Step> {
    let part = |quota, rule| Part {
        name: String::new(),
        quota,
        rule,
        brake: None,
    };
    let usage = Rule::HighestUsage {
        nodes: 20,
        corrected: true,
    };
    let mut people = part(Quota::Permille(700), Rule::Population);
    people.brake = Some(Brake {
        weeks: 6,
        cut_permille: 100,
        corrected: true,
    });
    let step = |level: &str, parts, requests_limit| Step {
        level: level.to_owned(),
        parts,
        requests_limit,
    };
    let above = vec![
        people,
        part(Quota::Permille(100), usage),
        part(Quota::Rest, Rule::Requests),
    ];
    let below = vec![
        part(Quota::Permille(800), Rule::Need { corrected: true }),
        part(Quota::Rest, Rule::Requests),
    ];
    vec![
        step("prefecture", above.clone(), true),
        step("city", above, true),
        step("venue", below, true),
    ]
}
