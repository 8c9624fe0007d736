//! The proposal held against a solver: how near it comes to the optimum of its stated objective.
//!
//! Objective of a division: the units that lie within each one's exact share, Σ min(units, share), where
//! the shares are what could be given if units were divisible. The solver knows room, packs and smallest
//! shipments as a mixed-integer programme; we may be a thousandth below it at most. Where there are no
//! smallest shipments and all packs are alike, we must reach it.
//!
//! Objective of the whole tree: units that arrive at its ends, against the largest flow.

#![expect(
    clippy::unwrap_used,
    reason = "the whole file is a test, its helpers too"
)]

use domain::allocation::{Node, Part, Plan, Quota, Rule, Step, propose};
use domain::calendar::Day;
use domain::places::{Places, Prefecture};
use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, constraint, microlp, variable, variables,
};

/// One below a giver.
#[derive(Clone, Copy, Debug)]
struct Town {
    people: u64,
    cap: u64,
    minimum: u64,
    pack: u64,
}

impl Town {
    fn room(self) -> u64 {
        self.cap - self.cap % self.pack
    }

    fn first(self) -> u64 {
        self.minimum.max(1).div_ceil(self.pack) * self.pack
    }
}

/// Bits that follow no pattern, the same for the same seed (SplitMix64).
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn plan(supply: u64, nodes: Vec<Node>, levels: &[&str]) -> Plan {
    let steps = levels.iter().map(|level| Step {
        level: (*level).to_owned(),
        parts: vec![Part {
            name: String::new(),
            quota: Quota::Rest,
            rule: Rule::Population,
            brake: None,
        }],
        requests_limit: false,
    });
    Plan {
        about: String::new(),
        supply,
        doses_per_unit: 1,
        vials_per_unit: None,
        nodes,
        steps: steps.collect(),
        overrides: Vec::new(),
        items: Vec::new(),
    }
}

fn ours(supply: u64, towns: &[Town]) -> Vec<u64> {
    let mut nodes = vec![Node {
        code: "top".to_owned(),
        level: "nation".to_owned(),
        ..Node::default()
    }];
    nodes.extend(towns.iter().enumerate().map(|(at, town)| Node {
        code: format!("{at:05}"),
        parent: Some("top".to_owned()),
        level: "city".to_owned(),
        population: Some(town.people),
        cap: Some(town.cap),
        minimum: Some(town.minimum),
        pack: Some(town.pack),
        ..Node::default()
    }));
    let proposal = propose(&plan(supply, nodes, &["city"])).unwrap();
    let cities = proposal.nodes.iter().filter(|node| node.level == "city");
    cities.map(|node| node.units).collect()
}

/// The shares if units were divisible: people times one rate, up to the room; found by halving.
fn shares(supply: u64, towns: &[Town]) -> Vec<f64> {
    let at = |rate: f64| -> Vec<f64> {
        let share = |town: &Town| {
            if town.room() < town.first() {
                0.0
            } else {
                (town.people as f64 * rate).min(town.room() as f64)
            }
        };
        towns.iter().map(share).collect()
    };
    let (mut low, mut high) = (0.0, supply as f64 + 1.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if at(middle).iter().sum::<f64>() < supply as f64 {
            low = middle;
        } else {
            high = middle;
        }
    }
    at(low)
}

fn within(units: &[u64], shares: &[f64]) -> f64 {
    let each = units.iter().zip(shares);
    each.map(|(units, share)| share.min(*units as f64)).sum()
}

/// The solver's best.
fn optimum(supply: u64, towns: &[Town], shares: &[f64]) -> f64 {
    let mut variables: ProblemVariables = variables!();
    let mut objective = Expression::from(0.0);
    let mut all = Expression::from(0.0);
    let mut constraints = Vec::new();
    for (town, share) in towns.iter().zip(shares) {
        let packs = variables.add(
            variable()
                .integer()
                .min(0)
                .max((town.room() / town.pack) as f64),
        );
        let within = variables.add(variable().min(0).max(*share));
        let pack = town.pack as f64;
        constraints.push(constraint!(within <= pack * packs));
        if town.first() > town.pack {
            let sent = variables.add(variable().binary());
            constraints.push(constraint!(pack * packs <= town.room() as f64 * sent));
            constraints.push(constraint!(pack * packs >= town.first() as f64 * sent));
        }
        objective += within;
        all += pack * packs;
    }
    constraints.push(constraint!(all <= supply as f64));
    let mut model = variables.maximise(objective.clone()).using(microlp);
    for constraint in constraints {
        model = model.with(constraint);
    }
    model.solve().unwrap().eval(&objective)
}

/// The solver's best where all packs are alike and there is no smallest shipment. What the k-th pack
/// brings falls with k, so whole packs, the one that the share ends in, and none beyond are enough, and a
/// linear programme over them has whole numbers at its optimum: a solver can do it for any number of towns.
fn optimum_of_like_packs(supply: u64, towns: &[Town], shares: &[f64]) -> f64 {
    let mut variables: ProblemVariables = variables!();
    let (mut objective, mut all) = (Expression::from(0.0), Expression::from(0.0));
    let pack = towns.first().unwrap().pack as f64;
    for (town, share) in towns.iter().zip(shares) {
        // The halving ends a breath below whole packs.
        let whole = ((share + 1e-6) / pack).floor();
        let room = (town.room() as f64 / pack - whole).clamp(0.0, 1.0);
        let full = variables.add(variable().min(0).max(whole));
        let last = variables.add(variable().min(0).max(room));
        objective += pack * full + (share - whole * pack).max(0.0) * last;
        all += full + last;
    }
    let packs = (supply as f64 / pack).floor();
    let model = variables.maximise(objective.clone()).using(microlp);
    let model = model.with(constraint!(all <= packs));
    model.solve().unwrap().eval(&objective)
}

/// Ours and the solver's.
fn both(supply: u64, towns: &[Town]) -> (f64, f64) {
    let shares = shares(supply, towns);
    let units = ours(supply, towns);
    assert!(units.iter().sum::<u64>() <= supply);
    (within(&units, &shares), optimum(supply, towns, &shares))
}

/// People of a prefecture: so many for each of its municipalities.
fn prefectures() -> Vec<u64> {
    let on = Day::parse("2021-07-05").unwrap();
    let towns: Vec<Prefecture> = Places::bundled()
        .municipalities(on)
        .map(|place| place.prefecture)
        .collect();
    Prefecture::all()
        .map(|one| towns.iter().filter(|town| **town == one).count() as u64 * 40_009)
        .collect()
}

#[test]
fn the_47_prefectures_get_the_optimum() {
    for (supply, pack) in [(8_000, 1), (11_000, 1), (3_519, 1), (9_000, 10), (47, 1)] {
        let towns: Vec<Town> = prefectures()
            .into_iter()
            .enumerate()
            .map(|(at, people)| Town {
                people,
                cap: if at % 5 == 0 { 60 } else { 4_000 },
                minimum: 0,
                pack,
            })
            .collect();
        let shares = shares(supply, &towns);
        let ours = within(&ours(supply, &towns), &shares);
        let best = optimum_of_like_packs(supply, &towns, &shares);
        assert!(
            (ours - best).abs() < 1e-3,
            "{supply} in {pack}: {ours} of {best}"
        );
    }
}

#[test]
fn cities_whose_clinics_have_freezers_packs_and_smallest_shipments_come_within_a_thousandth() {
    let (mut all_ours, mut all_best, mut worst) = (0.0, 0.0, 1.0_f64);
    for city in 0..60_u64 {
        let clinics = 10 + mixed(city) % 15;
        let pack = [1, 1, 5][(city % 3) as usize];
        let towns: Vec<Town> = (0..clinics)
            .map(|at| {
                let bits = mixed(city * 1_000 + at);
                Town {
                    people: 200 + bits % 9_000,
                    cap: 20 + (bits >> 20) % 200,
                    minimum: [0, 5, 10][((bits >> 40) % 3) as usize],
                    pack,
                }
            })
            .collect();
        let (ours, best) = both(clinics * (8 + mixed(!city) % 60), &towns);
        (all_ours, all_best) = (all_ours + ours, all_best + best);
        worst = worst.min(ours / best);
        assert!(
            ours <= best + 1e-6,
            "the solver missed something: {ours} of {best}"
        );
    }
    println!(
        "{:.6} of the optimum in all, {worst:.6} in the worst city",
        all_ours / all_best
    );
    assert!(all_ours >= all_best * 0.999, "{all_ours} of {all_best}");
    assert!(worst >= 0.99, "{worst}");
}

/// Everything that can flow from the top to the ends within all caps.
fn largest_flow(plan: &Plan) -> f64 {
    let mut variables: ProblemVariables = variables!();
    let flows: Vec<_> = plan
        .nodes
        .iter()
        .map(|node| {
            let most = node.cap.unwrap_or(plan.supply).min(plan.supply);
            variables.add(variable().min(0).max(most as f64))
        })
        .collect();
    let into_ends = plan
        .nodes
        .iter()
        .zip(&flows)
        .filter(|(node, _)| node.level == "venue");
    let objective: Expression = into_ends.map(|(_, flow)| *flow).sum();
    let mut model = variables.maximise(objective.clone()).using(microlp);
    for (node, flow) in plan.nodes.iter().zip(&flows) {
        let below = plan.nodes.iter().zip(&flows);
        let below = below.filter(|(below, _)| below.parent.as_ref() == Some(&node.code));
        let below: Expression = below.map(|(_, flow)| *flow).sum();
        if node.level != "venue" {
            model = model.with(constraint!(below <= *flow));
        }
    }
    model.solve().unwrap().eval(&objective)
}

#[test]
fn as_much_arrives_as_freezers_and_cities_can_take() {
    for seed in 0..20_u64 {
        let mut nodes = vec![Node {
            code: "JP".to_owned(),
            level: "nation".to_owned(),
            ..Node::default()
        }];
        let mut add = |code: String, parent: &str, level: &str, bits: u64, cap: Option<u64>| {
            nodes.push(Node {
                code,
                parent: Some(parent.to_owned()),
                level: level.to_owned(),
                population: (level == "venue").then_some(1 + bits % 5_000),
                cap,
                ..Node::default()
            });
        };
        for prefecture in 0..4_u64 {
            let bits = mixed(seed * 100 + prefecture);
            let above = format!("P{prefecture}");
            add(
                above.clone(),
                "JP",
                "prefecture",
                bits,
                (bits.is_multiple_of(2)).then_some(bits % 300),
            );
            for city in 0..5_u64 {
                let bits = mixed(bits ^ city);
                let code = format!("C{prefecture}{city}");
                add(
                    code.clone(),
                    &above,
                    "city",
                    bits,
                    (bits.is_multiple_of(3)).then_some(bits % 80),
                );
                for venue in 0..6_u64 {
                    let bits = mixed(bits ^ (venue << 8));
                    add(
                        format!("{code}{venue}"),
                        &code,
                        "venue",
                        bits,
                        Some(bits % 25),
                    );
                }
            }
        }
        let plan = plan(900, nodes, &["prefecture", "city", "venue"]);
        let proposal = propose(&plan).unwrap();
        let ends = proposal.nodes.iter().filter(|node| node.level == "venue");
        let arrived: u64 = ends.map(|node| node.units).sum();
        let most = largest_flow(&plan);
        assert!(arrived as f64 >= most - 1e-6, "{seed}: {arrived} of {most}");
    }
}
