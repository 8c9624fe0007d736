//! The formulas that were in force with their own numbers, single rules, and what always holds.

use proptest::prelude::*;

use super::*;
use crate::calendar::Day;
use crate::places::Places;

/// Doses in a box of the first product (§3.4).
const BOX: u64 = 1_170;

fn node(code: &str, parent: &str, level: &str) -> Node {
    Node {
        code: code.to_owned(),
        parent: (!parent.is_empty()).then(|| parent.to_owned()),
        level: level.to_owned(),
        ..Node::default()
    }
}

fn part(quota: Quota, rule: Rule) -> Part {
    Part {
        name: String::new(),
        quota,
        rule,
        brake: None,
    }
}

fn step(level: &str, parts: Vec<Part>) -> Step {
    Step {
        level: level.to_owned(),
        parts,
        requests_limit: false,
    }
}

fn plan(supply: u64, nodes: Vec<Node>, steps: Vec<Step>) -> Plan {
    Plan {
        about: String::new(),
        supply,
        doses_per_unit: BOX,
        vials_per_unit: Some(195),
        nodes,
        steps,
        overrides: Vec::new(),
        items: Vec::new(),
    }
}

/// A nation of towns, each made by `make` from its number.
fn towns(count: usize, make: impl Fn(usize, &mut Node)) -> Vec<Node> {
    let mut nodes = vec![node("JP", "", "nation")];
    for at in 0..count {
        let mut town = node(&format!("{at:04}"), "JP", "city");
        make(at, &mut town);
        nodes.push(town);
    }
    nodes
}

fn units(plan: &Plan) -> Vec<u64> {
    let proposal = propose(plan).unwrap();
    let cities = proposal.nodes.iter().filter(|node| node.parent.is_some());
    cities.map(|node| node.units).collect()
}

fn parts(proposed: &Proposed) -> &[PartWhy] {
    match &proposed.why {
        Why::Formula { parts } => parts,
        other => panic!("{other:?}"),
    }
}

fn rest(rule: Rule) -> Vec<Part> {
    vec![part(Quota::Rest, rule)]
}

fn refused(plan: &Plan) -> Vec<String> {
    let refusals = propose(plan).unwrap_err();
    let told = refusals
        .iter()
        .map(|one| format!("{} {}", one.field, one.why.code()));
    told.collect()
}

/// The 1,741 municipalities under their prefectures, with people enough to divide by.
fn country(make: impl Fn(usize, &mut Node)) -> Vec<Node> {
    let on = Day::parse("2021-07-05").unwrap();
    let mut nodes = vec![node("JP", "", "nation")];
    for prefecture in crate::places::Prefecture::all() {
        nodes.push(node(&prefecture.to_string(), "JP", "prefecture"));
    }
    for (at, place) in Places::bundled().municipalities(on).enumerate() {
        let mut city = node(place.code.as_str(), &place.prefecture.to_string(), "city");
        // From 800 people to some million, as the country's towns.
        city.population = Some(800 + (at as u64 * 7_919) % 3_000 * ((at as u64 * 31) % 90));
        make(at, &mut city);
        nodes.push(city);
    }
    nodes
}

#[test]
fn cycle_9_gives_8000_by_people_2000_by_requests_and_1000_to_the_378_that_used_most() {
    let nodes = country(|at, city| {
        let at = at as u64;
        city.request = Some(6 + at % 11);
        city.supplied_doses = Some(BOX * (3 + at % 40));
        city.used_doses = Some(BOX * (1 + at % 37) / 2);
    });
    let formula = vec![
        part(Quota::Units(8_000), Rule::Population),
        part(Quota::Units(2_000), Rule::Requests),
        part(
            Quota::Units(1_000),
            Rule::HighestUsage {
                nodes: 378,
                corrected: false,
            },
        ),
    ];
    let proposal = propose(&plan(11_000, nodes, vec![step("city", formula)])).unwrap();
    let cities: Vec<&Proposed> = proposal
        .nodes
        .iter()
        .filter(|one| one.level == "city")
        .collect();
    assert_eq!(cities.len(), 1_741);
    let sum = |at: usize| -> u64 { cities.iter().map(|city| parts(city)[at].units).sum() };
    assert_eq!([sum(0), sum(1), sum(2)], [8_000, 2_000, 1_000]);
    let mut in_full = 0;
    for city in &cities {
        let [.., last] = parts(city) else { panic!() };
        let How::Ranked {
            place, want, left, ..
        } = last.how
        else {
            panic!("{last:?}")
        };
        assert_eq!(last.units, if place <= 378 { want.min(left) } else { 0 });
        in_full += u64::from(place <= 378 && last.units == want);
    }
    assert!(in_full > 100, "{in_full}");
    // The prefectures have what their towns have, and nothing is lost.
    let of = |level: &str| -> u64 {
        let nodes = proposal.nodes.iter().filter(|one| one.level == level);
        nodes.map(|one| one.units).sum()
    };
    assert_eq!([of("prefecture"), of("city")], [11_000, 11_000]);
    assert_eq!(proposal.find("JP").unwrap().kept, 0);
}

#[test]
fn cycle_10_2_goes_up_the_stock_rates_until_766_boxes_are_used() {
    // Stock rate = (distributed − recorded) ÷ (population 12+ × 2): 0.30, 0.10, 0.20, 0.25.
    let nodes = towns(4, |at, town| {
        let (stock, week, request) = [
            (300_000, 500 * BOX, 900),
            (100_000, 400 * BOX, 350),
            (200_000, 300 * BOX - 1, 900),
            (250_000, 500 * BOX, 900),
        ][at];
        town.population = Some(500_000);
        town.supplied_doses = Some(400_000);
        town.used_doses = Some(400_000 - stock);
        town.week_doses = Some(week);
        town.request = Some(request);
    });
    let rule = Rule::LowestStockRate {
        doses_each: 2,
        corrected: false,
    };
    let formula = vec![part(Quota::Units(766), rule)];
    // The lowest gets its request, the next its week in begun boxes, the third what is left.
    assert_eq!(
        units(&plan(766, nodes, vec![step("city", formula)])),
        [0, 350, 300, 116]
    );
}

#[test]
fn in_august_who_had_six_weeks_of_stock_got_a_tenth_less_and_8000_became_7702() {
    let nodes = towns(299, |at, town| {
        let is_city = at == 298;
        town.population = Some(if is_city { 5_020_000 } else { 10_000 });
        town.week_doses = Some(1_000);
        // One dose more than six weeks.
        town.stock_doses = Some(if is_city { 6_000 } else { 6_001 });
        town.request = Some(if is_city { 2_000 } else { 11 });
    });
    let mut base = part(Quota::Units(8_000), Rule::Population);
    base.brake = Some(Brake {
        weeks: 6,
        cut_permille: 100,
        corrected: false,
    });
    let base_alone = plan(
        10_000,
        nodes.clone(),
        vec![step("city", vec![base.clone()])],
    );
    assert_eq!(units(&base_alone).iter().sum::<u64>(), 7_702);
    // 298 saved and 2,000 go to the adjustment quota.
    let with_rest = vec![base, part(Quota::Rest, Rule::Population)];
    let proposal = propose(&plan(10_000, nodes, vec![step("city", with_rest)])).unwrap();
    let town = proposal.find("0000").unwrap();
    assert_eq!((parts(town)[0].units, parts(town)[0].braked), (9, 1));
    let quotas: Vec<u64> = parts(town).iter().map(|part| part.quota).collect();
    assert_eq!(quotas, [8_000, 2_298]);
    assert_eq!(
        proposal.nodes.iter().map(|node| node.units).sum::<u64>(),
        20_000
    );
}

#[test]
fn cycles_13_to_15_fill_up_to_80_percent_of_those_over_12_times_two() {
    // (80 % of 100,000 × 2) − 120,000 Pfizer − 10,000 Moderna = 30,000 doses = 25.6 boxes.
    let nodes = towns(2, |at, town| {
        town.population = Some(100_000);
        town.supplied_doses = Some(120_000);
        town.supplied_elsewhere_doses = Some([10_000, 40_000][at]);
    });
    let formula = rest(Rule::Coverage {
        target_permille: 800,
        doses_each: 2,
    });
    let steps = vec![step("city", formula)];
    // The second has all it needs. There is enough for both: nobody gets more than is lacking.
    assert_eq!(units(&plan(100, nodes.clone(), steps.clone())), [26, 0]);
    let proposal = propose(&plan(100, nodes, steps)).unwrap();
    let nation = proposal.find("JP").unwrap();
    assert_eq!((nation.kept, nation.kept_because), (74, Some(Kept::Full)));
}

#[test]
fn the_largest_fraction_is_rounded_up_and_a_tie_goes_to_the_lower_code() {
    let steps = vec![step("city", rest(Rule::Population))];
    let of = |people: [u64; 3]| {
        units(&plan(
            10,
            towns(3, |at, town| town.population = Some(people[at])),
            steps.clone(),
        ))
    };
    assert_eq!(of([50, 26, 24]), [5, 3, 2]);
    assert_eq!(of([50, 24, 26]), [5, 2, 3]);
    assert_eq!(of([1, 1, 1]), [4, 3, 3]);
    assert_eq!(of([0, 0, 5]), [0, 0, 10]);
    assert_eq!(of([0, 0, 0]), [0, 0, 0]);
}

#[test]
fn the_reason_can_be_followed_with_a_pocket_calculator() {
    let nodes = towns(3, |at, town| {
        town.population = Some([500, 260, 240][at]);
        town.cap = [Some(2), None, None][at];
    });
    let proposal = propose(&plan(10, nodes, vec![step("city", rest(Rule::Population))])).unwrap();
    let how = |code| parts(proposal.find(code).unwrap())[0].how.clone();
    let full = Rounding::Full {
        limit: Some(Limit::Cap),
    };
    // Two are stopped by the first town's freezer; 8 are shared by 260 and 240: 4.16 and 3.84.
    assert_eq!(
        how("0000"),
        How::Shared {
            weight: 500,
            units_shared: 8,
            weights: 500,
            whole: 2,
            rounding: full
        }
    );
    assert_eq!(
        how("0001"),
        How::Shared {
            weight: 260,
            units_shared: 8,
            weights: 500,
            whole: 4,
            rounding: Rounding::Down { place: 2, up: 1 },
        }
    );
    assert_eq!(proposal.find("0002").unwrap().units, 4);
}

#[test]
fn below_the_smallest_shipment_the_fullest_shares_are_sent_one_and_the_others_nothing() {
    // Shares 2, 3, 4 and 21 of 30, in shipments of 5 at least: the small ones are good for 9 together.
    let nodes = towns(4, |at, town| {
        town.population = Some([2, 3, 4, 21][at]);
        town.minimum = Some(5);
    });
    let plan = plan(30, nodes, vec![step("city", rest(Rule::Population))]);
    assert_eq!(units(&plan), [0, 5, 5, 20]);
    let proposal = propose(&plan).unwrap();
    let How::Shared { rounding, .. } = parts(proposal.find("0000").unwrap())[0].how else {
        panic!()
    };
    let expected = Rounding::BelowMinimum {
        minimum: 5,
        place: 3,
        chosen: 2,
    };
    assert_eq!(rounding, expected);
}

#[test]
fn packs_stay_whole_and_what_is_less_than_a_pack_stays_with_the_giver() {
    let nodes = towns(3, |_, town| {
        town.population = Some(1);
        town.pack = Some(10);
    });
    let plan = plan(47, nodes, vec![step("city", rest(Rule::Population))]);
    assert_eq!(units(&plan), [20, 10, 10]);
    let nation = propose(&plan).unwrap().nodes.pop().unwrap();
    assert_eq!((nation.kept, nation.kept_because), (7, Some(Kept::Packs)));
}

#[test]
fn need_is_what_is_due_less_stock_that_will_not_expire() {
    let nodes = towns(2, |at, town| {
        town.due_doses = Some(10 * BOX);
        town.stock_doses = Some([4 * BOX, 4 * BOX][at]);
        town.expiring_doses = Some([0, 3 * BOX][at]);
    });
    let steps = vec![step("city", rest(Rule::Need { corrected: false }))];
    assert_eq!(units(&plan(100, nodes, steps)), [6, 9]);
}

#[test]
fn who_types_slowly_is_not_punished_when_late_entry_is_made_up_for() {
    // Both gave 200 doses on each of the last seven days. One entered all of them, the other as much as
    // its pace says, and everything else follows from what is entered.
    let pace = EntryLag(vec![500, 500, 625, 625, 800, 800, 800]);
    let gave: u64 = 7 * 200;
    let nodes = |is_counted: bool| {
        let pace = pace.clone();
        towns(2, move |at, town| {
            let all = EntryLag(vec![1_000]);
            let lag = if at == 0 { all } else { pace.clone() };
            let share = |day: u64| lag.0.get(day as usize).or(lag.0.last()).copied().unwrap();
            let entered = |day| 200 * share(day) / 1_000;
            let in_all: u64 = (0..7).map(entered).sum();
            town.entered = (0..7)
                .map(|days_ago| Entered {
                    days_ago,
                    doses: entered(days_ago),
                })
                .collect();
            town.population = Some(50_000);
            town.supplied_doses = Some(20_000);
            town.used_doses = Some(10_000 - gave + in_all);
            town.week_doses = Some(in_all);
            town.stock_counted = is_counted;
            town.stock_doses = Some(if is_counted {
                10_000
            } else {
                10_000 + gave - in_all
            });
            town.due_doses = Some(60_000 + gave - in_all);
            town.request = Some(100);
            town.entry_lag = Some(lag);
        })
    };
    for (is_counted, corrected) in [(false, true), (true, true)] {
        let rule = Rule::Need { corrected };
        let both = units(&plan(41, nodes(is_counted), vec![step("city", rest(rule))]));
        assert!(both[0].abs_diff(both[1]) <= 1, "{both:?}");
    }
    // By the stock rate as it was used, the slow one stands behind; made up for, both stand alike, and the
    // lower code comes first.
    for corrected in [false, true] {
        let rule = Rule::LowestStockRate {
            doses_each: 2,
            corrected,
        };
        let proposal = propose(&plan(1, nodes(false), vec![step("city", rest(rule))])).unwrap();
        let stock = |code| {
            let How::Ranked {
                rate: (stock, 100_000),
                ..
            } = parts(proposal.find(code).unwrap())[0].how
            else {
                panic!()
            };
            stock
        };
        let behind = stock("0001") - stock("0000");
        assert_eq!(behind < 10, corrected, "{behind} doses");
    }
}

#[test]
fn an_override_is_kept_named_and_taken_from_the_others() {
    let nodes = towns(3, |_, town| town.population = Some(1));
    let mut plan = plan(30, nodes, vec![step("city", rest(Rule::Population))]);
    plan.overrides.push(Override {
        node: "0001".to_owned(),
        units: 20,
        by: "田中".to_owned(),
        reason: "離島の集団接種".to_owned(),
    });
    assert_eq!(units(&plan), [5, 20, 5]);
    let proposal = propose(&plan).unwrap();
    let set = &proposal.find("0001").unwrap().why;
    assert!(matches!(set, Why::Set { instead_of: 10, .. }), "{set:?}");
    plan.overrides[0].units = 31;
    assert_eq!(refused(&plan), ["overrides[0].units more_than_giver"]);
}

#[test]
fn who_has_no_contract_is_given_nothing_by_no_formula_and_no_hand() {
    let nodes = towns(3, |at, town| {
        town.population = Some(1);
        town.without_contract = at == 1;
    });
    let mut plan = plan(30, nodes, vec![step("city", rest(Rule::Population))]);
    assert_eq!(units(&plan), [15, 0, 15]);
    let proposal = propose(&plan).unwrap();
    assert_eq!(proposal.find("0001").unwrap().why, Why::NoContract);
    plan.overrides.push(Override {
        node: "0001".to_owned(),
        units: 1,
        by: "田中".to_owned(),
        reason: "離島の集団接種".to_owned(),
    });
    assert_eq!(refused(&plan), ["overrides[0].units no_contract"]);
    plan.overrides[0].units = 0;
    assert_eq!(units(&plan), [15, 0, 15]);
}

#[test]
fn who_has_no_contract_takes_no_place_among_those_that_used_most() {
    let nodes = towns(3, |at, town| {
        town.request = Some(5);
        town.supplied_doses = Some(100);
        town.used_doses = Some(100 - at as u64);
        town.without_contract = at == 0;
    });
    let rule = Rule::HighestUsage {
        nodes: 1,
        corrected: false,
    };
    let plan = plan(30, nodes, vec![step("city", rest(rule))]);
    assert_eq!(units(&plan), [0, 5, 0]);
}

#[test]
fn the_freezer_of_a_venue_without_contract_is_no_room_of_its_city() {
    let venue = |code: &str, without_contract| Node {
        cap: Some(4),
        without_contract,
        ..node(code, "C", "venue")
    };
    let city = |venues: Vec<Node>| {
        let mut nodes = vec![node("P", "", "prefecture"), node("C", "P", "city")];
        nodes[1].population = Some(1);
        nodes.extend(venues);
        let plan = plan(30, nodes, vec![step("city", rest(Rule::Population))]);
        propose(&plan).unwrap().find("C").unwrap().units
    };
    assert_eq!(city(vec![venue("V1", false), venue("V2", true)]), 4);
    // Nobody below has joined yet: what the city can take is not known from them.
    assert_eq!(city(vec![venue("V1", true)]), 30);
}

#[test]
fn needles_and_syringes_follow_from_the_doses() {
    let nodes = towns(2, |_, town| town.population = Some(1));
    let mut plan = plan(3, nodes, vec![step("city", rest(Rule::Population))]);
    let item = |name: &str, per, spare_permille, pack| Item {
        name: name.to_owned(),
        per,
        each: 1,
        spare_permille,
        pack,
    };
    plan.items = vec![
        item("needle", Per::Dose, 20, 100),
        item("diluent", Per::Vial, 0, 1),
    ];
    let proposal = propose(&plan).unwrap();
    // 2,340 doses and 2 % to spare are 2,387, in hundreds; 1,170 and 2 % are 1,194.
    assert_eq!(proposal.find("0000").unwrap().items, [2_400, 390]);
    assert_eq!(proposal.find("0001").unwrap().items, [1_200, 195]);
    assert_eq!(proposal.find("JP").unwrap().items, [3_600, 585]);
}

#[test]
fn every_field_that_is_wrong_is_told_by_its_path() {
    let mut nodes = towns(3, |_, town| town.population = Some(1));
    nodes[1].pack = Some(0);
    nodes[2].code = "0000".to_owned();
    nodes[3].parent = Some("XX".to_owned());
    let mut wrong = plan(FIGURE_MAX + 1, nodes, vec![step("village", Vec::new())]);
    wrong.doses_per_unit = 0;
    assert_eq!(
        refused(&wrong),
        [
            "supply too_large",
            "doses_per_unit zero",
            "nodes[1].pack zero",
            "steps[0].parts empty",
            "nodes[2].code twice",
            "nodes[3].parent no_such_node",
            "steps[0].level no_such_level",
        ]
    );
    let mut circle = vec![
        node("JP", "", "nation"),
        node("1", "2", "city"),
        node("2", "1", "city"),
    ];
    let steps = vec![step("city", rest(Rule::Population))];
    assert_eq!(
        refused(&plan(1, circle.clone(), steps.clone())),
        [
            "nodes[1].parent circle",
            "nodes[2].parent circle",
            "steps[0].level no_such_level"
        ]
    );
    circle[0].parent = Some("1".to_owned());
    assert_eq!(refused(&plan(1, circle, steps))[0], "nodes tops");
}

#[test]
fn limits_of_a_level_that_is_passed_over_are_refused() {
    let mut nodes = country(|_, _| {});
    nodes[1].cap = Some(5);
    let at_city = plan(100, nodes, vec![step("city", rest(Rule::Population))]);
    assert_eq!(refused(&at_city), ["nodes[1].cap passed_over"]);
}

/// A tree of three levels with everything that can stand in a node, and formulas of every kind.
fn any_plan() -> impl Strategy<Value = Plan> {
    let facts = prop::collection::vec(prop::option::of(0_u64..5_000), 9);
    let limits = (
        prop::option::of(0_u64..60),
        prop::option::of(1_u64..12),
        prop::option::of(prop::sample::select(vec![1_u64, 2, 5, 10])),
    );
    let shape = prop::collection::vec((0_usize..3, 0_usize..4, facts, limits), 1..25);
    let rule = prop_oneof![
        Just(Rule::Population),
        Just(Rule::Requests),
        (1_u32..4, any::<bool>())
            .prop_map(|(nodes, corrected)| Rule::HighestUsage { nodes, corrected }),
        (1_u64..3, any::<bool>()).prop_map(|(doses_each, corrected)| Rule::LowestStockRate {
            doses_each,
            corrected
        }),
        (0_u64..1_000, 1_u64..3).prop_map(|(target_permille, doses_each)| Rule::Coverage {
            target_permille,
            doses_each
        }),
        any::<bool>().prop_map(|corrected| Rule::Need { corrected }),
    ];
    let quota = prop_oneof![
        (0_u64..200).prop_map(Quota::Units),
        (0_u64..=1_000).prop_map(Quota::Permille),
        Just(Quota::Rest),
    ];
    let brake =
        prop::option::of(
            (1_u64..8, 0_u64..=1_000).prop_map(|(weeks, cut_permille)| Brake {
                weeks,
                cut_permille,
                corrected: false,
            }),
        );
    let part = (quota, rule, brake).prop_map(|(quota, rule, brake)| Part {
        name: String::new(),
        quota,
        rule,
        brake,
    });
    let formula = (prop::collection::vec(part, 1..4), any::<bool>());
    (0_u64..500, shape, prop::collection::vec(formula, 3)).prop_map(|(supply, shape, formulas)| {
        let mut nodes = vec![node("JP", "", "nation")];
        for prefecture in 0..3 {
            nodes.push(node(&format!("P{prefecture}"), "JP", "prefecture"));
            for city in 0..4 {
                let code = format!("C{prefecture}{city}");
                nodes.push(node(&code, &format!("P{prefecture}"), "city"));
            }
        }
        for (at, (prefecture, city, facts, (cap, minimum, pack))) in shape.into_iter().enumerate() {
            let mut venue = node(
                &format!("V{at:02}"),
                &format!("C{prefecture}{city}"),
                "venue",
            );
            let [a, b, c, d, e, f, g, h, i] = <[Option<u64>; 9]>::try_from(facts).unwrap();
            venue.population = a;
            venue.request = b.map(|units| units / 50);
            venue.stock_doses = c;
            venue.expiring_doses = d.map(|doses| doses.min(c.unwrap_or(0)));
            venue.due_doses = e;
            venue.supplied_doses = f;
            venue.supplied_elsewhere_doses = g;
            venue.used_doses = h;
            venue.week_doses = i;
            (venue.cap, venue.minimum, venue.pack) = (cap, minimum, pack);
            venue.without_contract = at % 7 == 3;
            nodes.push(venue);
        }
        let levels = ["prefecture", "city", "venue"];
        let steps = levels
            .iter()
            .zip(formulas)
            .map(|(level, (parts, requests_limit))| Step {
                level: (*level).to_owned(),
                parts,
                requests_limit,
            });
        let steps = steps.collect();
        let mut plan = plan(supply, nodes, steps);
        plan.doses_per_unit = 6;
        plan
    })
}

fn check_invariants(plan: &Plan, proposal: &Proposal) {
    for given in &proposal.nodes {
        let below = proposal
            .nodes
            .iter()
            .filter(|one| one.parent.as_ref() == Some(&given.code));
        let below: u64 = below.map(|one| one.units).sum();
        assert_eq!(given.units, below + given.kept, "{given:?}");
        let node = plan
            .nodes
            .iter()
            .find(|node| node.code == given.code)
            .unwrap();
        assert!(node.cap.is_none_or(|cap| given.units <= cap), "{given:?}");
        assert_eq!(given.units % node.pack.unwrap_or(1), 0, "{given:?}");
        assert!(given.units == 0 || !node.without_contract, "{given:?}");
        let minimum = node.minimum.unwrap_or(0);
        assert!(given.units == 0 || given.units >= minimum, "{given:?}");
        let step = plan.steps.iter().find(|step| step.level == given.level);
        if step.is_some_and(|step| step.requests_limit) && given.level == "venue" {
            assert!(given.units <= node.request.unwrap_or(0), "{given:?}");
        }
        if let Why::Formula { parts } = &given.why {
            assert_eq!(
                parts.iter().map(|part| part.units).sum::<u64>(),
                given.units
            );
        }
        assert!(given.kept > 0 || given.kept_because.is_none(), "{given:?}");
    }
    let at_end = |one: &&Proposed| one.level == "venue";
    let out: u64 = proposal
        .nodes
        .iter()
        .filter(at_end)
        .map(|one| one.units)
        .sum();
    let kept = proposal.nodes.iter().filter(|one| one.level != "venue");
    assert_eq!(out + kept.map(|one| one.kept).sum::<u64>(), plan.supply);
}

/// Populations, and a room, smallest shipment and pack that hold for all.
fn any_towns() -> impl Strategy<Value = (u64, Vec<(u64, u64)>, u64, u64)> {
    let town = (0_u64..2_000, 0_u64..30);
    (
        0_u64..200,
        prop::collection::vec(town, 1..20),
        1_u64..4,
        0_u64..4,
    )
}

fn of_towns(supply: u64, towns_of: &[(u64, u64)], pack: u64, shipments: u64) -> Vec<u64> {
    let nodes = towns(towns_of.len(), |at, town| {
        let (people, cap) = towns_of[at];
        town.population = Some(people);
        town.cap = (cap < 25).then_some(cap);
        town.pack = Some(pack);
        town.minimum = (shipments > 0).then_some(shipments * pack);
    });
    units(&plan(
        supply,
        nodes,
        vec![step("city", rest(Rule::Population))],
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn totals_are_exact_and_no_limit_is_broken_at_any_level(plan in any_plan()) {
        check_invariants(&plan, &propose(&plan).unwrap());
    }

    #[test]
    fn the_order_of_the_nodes_does_not_matter(plan in any_plan(), turn in 0_usize..40) {
        let mut turned = plan.clone();
        let middle = turn % turned.nodes.len();
        turned.nodes.rotate_left(middle);
        turned.nodes.reverse();
        prop_assert_eq!(propose(&plan).unwrap(), propose(&turned).unwrap());
    }

    #[test]
    fn an_override_within_its_room_never_breaks_a_total(plan in any_plan(), of in 0_usize..40, units in 0_u64..40) {
        let mut plan = plan;
        let below: Vec<String> = plan.nodes.iter().skip(1).map(|node| node.code.clone()).collect();
        let node = below[of % below.len()].clone();
        plan.overrides.push(Override { node, units, by: "田中".to_owned(), reason: "理由".to_owned() });
        match propose(&plan) {
            Ok(proposal) => {
                check_invariants(&plan, &proposal);
                let set = proposal.find(&plan.overrides[0].node).unwrap();
                prop_assert_eq!(set.units, units);
            }
            Err(refusals) => prop_assert_eq!(refusals[0].field.as_str(), "overrides[0].units"),
        }
    }

    #[test]
    fn more_people_or_more_room_never_mean_less(
        (supply, towns_of, pack, shipments) in any_towns(),
        who in 0_usize..20,
        more in 1_u64..1_000,
        room in 1_u64..10,
    ) {
        let who = who % towns_of.len();
        let before = of_towns(supply, &towns_of, pack, shipments);
        let (mut people, mut roomier) = (towns_of.clone(), towns_of.clone());
        people[who].0 += more;
        roomier[who].1 += room;
        prop_assert!(of_towns(supply, &people, pack, shipments)[who] >= before[who]);
        prop_assert!(of_towns(supply, &roomier, pack, shipments)[who] >= before[who]);
    }

    #[test]
    fn more_people_and_as_much_room_never_mean_less_than_the_neighbour(
        (supply, towns_of, pack, shipments) in any_towns(),
    ) {
        let units = of_towns(supply, &towns_of, pack, shipments);
        for (one, other) in (0..units.len()).flat_map(|one| (0..units.len()).map(move |other| (one, other))) {
            if towns_of[one].0 > towns_of[other].0 && towns_of[one].1 >= towns_of[other].1 {
                prop_assert!(units[one] >= units[other], "{one} {other} {units:?}");
            }
        }
    }

    #[test]
    fn without_packs_nobody_is_a_unit_away_from_the_share(
        (supply, towns_of, ..) in any_towns(),
    ) {
        let nodes = towns(towns_of.len(), |at, town| town.population = Some(towns_of[at].0));
        let proposal = propose(&plan(supply, nodes, vec![step("city", rest(Rule::Population))])).unwrap();
        let people: u64 = towns_of.iter().map(|(people, _)| people).sum();
        for (town, (own, _)) in proposal.nodes.iter().zip(&towns_of) {
            prop_assert!((town.units * people).abs_diff(supply * own) < people.max(1));
        }
    }
}
