//! The rules as data: every example in the files, and the laws for all.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use domain::calendar::Day;
use domain::findings::{FindingCode, Severity};
use domain::people::{BirthDate, Sex};
use domain::schedules::{DoseVerdict, Flags, Given, Person, ProductId, Schedules, Status};
use domain::vaccines::Vaccines;
use proptest::prelude::*;

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn check(schedules: &Schedules) -> usize {
    let checked = schedules.check();
    let wrong: Vec<_> = checked
        .iter()
        .filter(|one| !one.differences.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    checked.len()
}

#[test]
fn every_example_in_the_data_files_holds() {
    assert!(check(Schedules::bundled()) > 130);
}

#[test]
fn an_example_that_does_not_hold_is_told() {
    let text = r#"
[[series]]
id = "s"
name_ja = "s"
name_en = "s"

[[product]]
key = "p"
name_ja = "p"
name_en = "p"
series = ["s"]

[[programme]]
id = "g"
series = "s"
name_ja = "g"
name_en = "g"

[[programme.turn]]

[[programme.turn.rule]]
id = "r"
when = { age_from = "1 year" }

[[example]]
id = "e"
says = "Wrong on purpose."
birth = "2020-01-10"
on = "2021-06-01"
doses = ["p 2021-01-08"]
expect = ["g 1"]
next = ["s; due"]
"#;
    let schedules = Schedules::parse(&[("f.toml", text)]).unwrap();
    let checked = schedules.check();
    let told: Vec<_> = checked[0]
        .differences
        .iter()
        .map(|one| (one.expected.as_str(), one.got.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("g 1", "g 1 | too_young 2021-01-09"),
            ("s; due", "s; complete")
        ]
    );
}

#[test]
fn every_rule_is_met_by_an_example() {
    // What examples judge or forecast names its rule; a rule no example names is not tested.
    let schedules = Schedules::bundled();
    let unmet = schedules.rules_without_example();
    assert!(unmet.is_empty(), "{unmet:?}");
}

#[test]
fn the_products_of_the_schedules_are_those_of_the_table() {
    let schedules = Schedules::covid19();
    for product in Vaccines::bundled().all() {
        let id = schedules.product(product.key.as_str()).unwrap();
        assert_eq!(
            schedules.product_names(id),
            (product.name_ja.as_str(), product.name_en.as_str())
        );
        let dates = schedules.products().find(|one| one.0 == id).unwrap();
        assert_eq!(
            (dates.2, dates.3),
            (Some(product.used_from), product.used_to)
        );
    }
}

#[test]
fn a_cvx_code_means_the_product_in_use_on_the_day() {
    let schedules = Schedules::bundled();
    let key = |code, on| {
        schedules
            .product_by_cvx(code, day(on))
            .map(|id| schedules.product_key(id).to_owned())
    };
    assert_eq!(
        key("208", "2021-06-01").as_deref(),
        Some("comirnaty_12_mono")
    );
    assert_eq!(key("213", "2021-06-01").as_deref(), Some("covid19_other"));
    assert_eq!(key("08", "2022-06-01").as_deref(), Some("hepatitis_b"));
    assert_eq!(key("9999", "2021-06-01"), None);
    let two = Schedules::parse(&[(
        "two.toml",
        r#"
        [[series]]
        id = "s"
        name_ja = "s"
        name_en = "s"
        [[product]]
        key = "old"
        name_ja = "o"
        name_en = "o"
        series = ["s"]
        cvx = ["1"]
        used_to = "2020-12-31"
        [[product]]
        key = "new"
        name_ja = "n"
        name_en = "n"
        series = ["s"]
        cvx = ["1"]
        used_from = "2021-01-01"
        "#,
    )])
    .unwrap();
    let key = |on| {
        two.product_key(two.product_by_cvx("1", day(on)).unwrap())
            .to_owned()
    };
    assert_eq!(
        (key("2020-12-31"), key("2021-01-01")),
        ("old".into(), "new".into())
    );
}

#[test]
fn every_fault_of_a_file_is_told_with_its_line() {
    let faults = Schedules::parse(&[(
        "wrong.toml",
        r#"
[[series]]
id = "s"
name_ja = "s"
name_en = "s"

[[product]]
key = "p"
name_ja = "p"
name_en = "p"
series = ["t"]

[[programme]]
id = "g"
series = "s"
requires = "nothing"
name_ja = "g"
name_en = "g"
does_not_count = ["bad_luck"]

[[programme.turn]]

[[programme.turn.rule]]
id = "r"
products = ["q"]

[[example]]
id = "e"
says = "e"
birth = "2020-13-01"
on = "2021-01-01"
doses = ["p yesterday"]
"#,
    )])
    .unwrap_err();
    let told: Vec<_> = faults
        .0
        .iter()
        .map(|one| (one.line, one.code, one.field, one.found.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (8, "unknown_word", "product.series", "t"),
            (14, "unknown_word", "programme.requires", "nothing"),
            (14, "unknown_word", "programme.does_not_count", "bad_luck"),
            (24, "unknown_word", "rule.products", "q"),
            (28, "not_possible", "example.birth", "2020-13-01"),
            (28, "not_possible", "example.expect", ""),
            (28, "not_possible", "example.doses", "p yesterday"),
        ]
    );
    let text = faults.to_string();
    assert!(
        text.contains("wrong.toml:24: rule.products \"q\""),
        "{text}"
    );
}

#[test]
fn what_is_no_toml_or_no_field_is_told_with_its_line() {
    for (text, line) in [
        ("\n[[series]\n", 2),
        (
            "[[series]]\nid = \"s\"\nname_ja = \"s\"\nname_en = \"s\"\ncolour = 1\n",
            5,
        ),
        ("[file]\nage_reached = \"noon\"\n", 2),
    ] {
        let faults = Schedules::parse(&[("f.toml", text)]).unwrap_err();
        assert_eq!(
            (faults.0[0].line, faults.0[0].code),
            (line, "not_toml"),
            "{faults}"
        );
    }
}

#[test]
fn what_nobody_told_is_held_against_nobody() {
    let schedules = Schedules::covid19();
    let nobody = Person {
        birth: None,
        sex: Sex::Unknown,
        flags: Flags::Unknown,
    };
    let product = schedules.product("comirnaty_12_mono");
    let history = [given(product, "2021-03-01"), given(product, "2021-03-22")];
    for verdict in schedules.evaluate(&nobody, &history, day("2021-06-01")) {
        assert_eq!(verdict.all_findings(), []);
    }
}

#[test]
fn an_unknown_day_of_birth_is_read_in_favour_of_the_dose() {
    let schedules = Schedules::covid19();
    let person = Person {
        birth: BirthDate::parse("2009-06-00"),
        sex: Sex::Unknown,
        flags: Flags::Unknown,
    };
    let product = schedules.product("comirnaty_12_mono");
    let early = [given(product, "2021-06-01")];
    let verdicts = schedules.evaluate(&person, &early, day("2021-06-01"));
    assert_eq!(verdicts[0].all_findings(), []);
}

/// Until 2020-09-30 anything had to wait 28 days after a live vaccine; whoever waited on that day
/// waits no longer.
#[test]
fn what_waits_for_another_vaccine_is_free_when_the_rule_ends() {
    let schedules = Schedules::bundled();
    let person = Person {
        birth: BirthDate::parse("1940-05-10"),
        sex: Sex::Female,
        flags: Flags::Unknown,
    };
    let live = given(schedules.product("varicella"), "2020-09-14");
    let next = schedules.forecast(&person, &[live], day("2020-09-20"));
    let influenza = next.iter().find(|one| one.series == "influenza").unwrap();
    let dose = influenza.dose.as_ref().unwrap();
    assert_eq!(dose.earliest, day("2020-10-01"));
    let there = Given {
        on: dose.earliest,
        ..given(dose.products.first().copied(), "2020-10-01")
    };
    let verdict = schedules.evaluate(&person, &[live, there], Day::LAST);
    assert_eq!(verdict[1].all_findings(), []);
}

fn given(product: Option<ProductId>, on: &str) -> Given<'static> {
    Given {
        on: day(on),
        turn: None,
        product,
        external: false,
        lot: "",
        expires: None,
    }
}

/// Schedules of other shapes than ours: by birthday, with grace, with tightest limits of its own.
fn published() -> Schedules {
    Schedules::parse(&[(
        "published.toml",
        r#"
[file]
age_reached = "birthday"

[[series]]
id = "dtap"
name_ja = "d"
name_en = "DTaP"

[[product]]
key = "dtap"
name_ja = "d"
name_en = "DTaP"
series = ["dtap"]
cvx = ["20"]

[[programme]]
id = "dtap"
series = "dtap"
name_ja = "d"
name_en = "DTaP"
grace_days = 4
does_not_count = ["too_young", "too_soon", "too_old"]

[[programme.turn]]

[[programme.turn.rule]]
id = "dtap_1"
when = { age_from = "6 weeks", age_below = "7 years" }
age_recommended = "2 months"
age_overdue = "3 months + 4 weeks"

[[programme.turn]]

[[programme.turn.rule]]
id = "dtap_2"
when = { age_below = "7 years" }
interval_min = "4 weeks"
interval_absolute = "4 weeks - 2 days"
age_recommended = "4 months"

[[programme.turn]]
skip = [{ last_age_from = "4 years", gap_from = "6 months" }]

[[programme.turn.rule]]
id = "dtap_3"
when = { age_below = "7 years" }
interval_min = "6 months"
age_recommended = "15 months"

[[example]]
id = "a_birthday_is_a_birthday"
says = "Six weeks are six weeks, and four days before are forgiven."
birth = "2020-01-01"
on = "2020-12-31"
doses = ["dtap 2020-02-08", "dtap 2020-03-06", "dtap 2020-03-05"]
expect = [
    "dtap 1 | within_grace 2020-02-12",
    "dtap 3 not counted | too_soon 2020-09-05",
    "dtap 2 | within_grace 2020-03-07",
]
next = ["dtap; due; dtap 3; from 2020-09-06; recommended 2021-04-01; until 2026-12-31"]

[[example]]
id = "five_days_are_not_forgiven"
says = "A dose five days early does not count, and the next keeps its gap from it all the same."
birth = "2020-01-01"
on = "2020-03-01"
doses = ["dtap 2020-02-07"]
expect = ["dtap 1 not counted | too_young 2020-02-12"]
next = ["dtap; due; dtap 1; from 2020-02-12; recommended 2020-03-01; overdue 2020-04-29"]

[[example]]
id = "a_turn_left_out"
says = "A second dose after the fourth birthday with half a year between is enough."
birth = "2016-01-01"
on = "2020-12-31"
doses = ["dtap 2017-01-01", "dtap 2020-01-01"]
next = ["dtap; complete"]
"#,
    )])
    .unwrap()
}

#[test]
fn a_schedule_of_another_country_is_data_too() {
    assert_eq!(check(&published()), 3);
}

#[test]
fn the_schedule_in_the_documentation_holds() {
    let page = include_str!("../../../docs/rules.md");
    let text = page.rsplit("```toml\n").next().unwrap();
    let text = text.split("```").next().unwrap();
    let schedules = Schedules::parse(&[("docs/rules.md", text)]).unwrap();
    assert_eq!(check(&schedules), 2);
    assert!(schedules.rules_without_example().is_empty());
}

fn any_person() -> impl Strategy<Value = Person> {
    (
        0..33_000_i64,
        prop::sample::select(Sex::ALL.to_vec()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(days, sex, risk, medical)| {
            let mut words = Vec::new();
            words.extend(risk.then_some("risk"));
            words.extend(medical.then_some("medical_worker"));
            Person {
                birth: Some(BirthDate::from(day("1935-01-01").plus_days(days))),
                sex,
                flags: Flags::Known(Schedules::bundled().flags(&words).0),
            }
        })
}

fn any_dose() -> impl Strategy<Value = Given<'static>> {
    let products: Vec<ProductId> = Schedules::bundled().products().map(|one| one.0).collect();
    (
        prop::sample::select(products),
        0..1_900_i64,
        prop::option::weighted(0.1, 1..8_u8),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(product, days, turn, external)| Given {
            on: day("2019-06-01").plus_days(days),
            turn,
            product: Some(product),
            external,
            lot: "",
            expires: None,
        })
}

/// Mostly doses of one series, so that they have something to do with each other.
fn any_history() -> impl Strategy<Value = Vec<Given<'static>>> {
    let covid: Vec<ProductId> = Vaccines::bundled()
        .all()
        .iter()
        .filter_map(|one| Schedules::bundled().product(one.key.as_str()))
        .collect();
    let alike =
        (any_dose(), prop::option::of(prop::sample::select(covid))).prop_map(|(dose, product)| {
            Given {
                product: product.or(dose.product),
                on: if product.is_some() {
                    dose.on.plus_days(630)
                } else {
                    dose.on
                },
                ..dose
            }
        });
    prop::collection::vec(alike, 0..8)
}

fn is_about_time(code: FindingCode) -> bool {
    matches!(
        code,
        FindingCode::TooSoon
            | FindingCode::TooYoung
            | FindingCode::ProgrammeNotOpen
            | FindingCode::OtherVaccineTooSoon
            | FindingCode::BeforeProduct
            | FindingCode::WithinGrace
            // Too young for the one group, and not of the other.
            | FindingCode::NotEligible
            // Mixing was allowed from a day on.
            | FindingCode::ProductMixed
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The past is not judged by what came after.
    #[test]
    fn a_later_dose_never_changes_an_earlier_verdict(
        person in any_person(), history in any_history(), added in any_dose(), days in 1..900_i64,
    ) {
        let schedules = Schedules::bundled();
        let on = day("2027-01-01");
        let before = schedules.evaluate(&person, &history, on);
        let last = history.iter().map(|one| one.on).max().unwrap_or(day("2021-01-01"));
        let mut longer = history.clone();
        longer.push(Given { on: last.plus_days(days), ..added });
        let after = schedules.evaluate(&person, &longer, on);
        prop_assert_eq!(&before[..], &after[..history.len()]);
    }

    /// Files come in any order.
    #[test]
    fn the_order_of_entry_does_not_matter(
        person in any_person(), history in any_history(), turned in 0..8_usize,
    ) {
        let schedules = Schedules::bundled();
        let on = day("2024-06-01");
        let mut other = history.clone();
        other.rotate_left(turned % history.len().max(1));
        other.reverse();
        let pairs = |doses: &[Given<'static>]| {
            let verdicts = schedules.evaluate(&person, doses, on);
            let mut pairs: Vec<(Given<'static>, String)> = doses
                .iter()
                .zip(verdicts)
                .map(|(dose, verdict): (_, DoseVerdict<'_>)| (*dose, format!("{verdict:?}")))
                .collect();
            pairs.sort();
            pairs
        };
        prop_assert_eq!(pairs(&history), pairs(&other));
        prop_assert_eq!(
            schedules.forecast(&person, &history, on),
            schedules.forecast(&person, &other, on)
        );
    }

    /// What is forecast as possible is possible, and a day before it is not.
    #[test]
    fn the_day_forecast_is_right_and_the_day_before_is_not(
        person in any_person(), history in any_history(), days in 0..1_500_i64,
    ) {
        let schedules = Schedules::bundled();
        let on = day("2020-06-01").plus_days(days);
        let known: Vec<Given<'_>> = history.into_iter().filter(|one| one.on < on).collect();
        for next in schedules.forecast(&person, &known, on) {
            let Some(dose) = &next.dose else { continue };
            prop_assert!(dose.earliest <= dose.recommended);
            prop_assert!(dose.latest.is_none_or(|last| dose.recommended <= last));
            let first = dose.earliest.max(on);
            let judged = |product: ProductId, on: Day| {
                let mut all = known.clone();
                all.push(Given { on, ..given(Some(product), "2021-01-01") });
                schedules.evaluate(&person, &all, Day::LAST).pop().unwrap()
            };
            prop_assert!(!dose.products.is_empty());
            for product in &dose.products {
                // A combined vaccine may be early in its other series.
                if schedules.series_of(*product).count() > 1 {
                    continue;
                }
                let mut there = judged(*product, first).all_findings();
                there.retain(|one| one.code.severity() > Severity::Info);
                prop_assert_eq!(&there, &[], "{:?} on {}", next, first);
                if next.status == Status::Later {
                    let before = judged(*product, dose.earliest.plus_days(-1));
                    let found = before.all_findings();
                    prop_assert!(!found.is_empty(), "{:?}: nothing a day before", next);
                    let the_same = before
                        .parts
                        .iter()
                        .any(|part| (part.programme, part.turn) == (dose.programme, dose.turn) && part.counts);
                    if the_same {
                        prop_assert!(found.iter().any(|one| is_about_time(one.code)), "{:?}: {:?}", next, found);
                    }
                }
            }
        }
    }

    /// No file, however broken, makes reading it fail badly.
    #[test]
    fn no_text_makes_reading_a_schedule_fail_badly(text in "[\\[\\]a-z_=\" 0-9\\n{}]{0,120}") {
        let _ = Schedules::parse(&[("any.toml", &text)]);
    }
}
