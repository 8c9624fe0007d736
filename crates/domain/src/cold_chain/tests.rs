use proptest::prelude::*;

use super::*;

const COMIRNATY: &str = "comirnaty_12_mono";

fn at(time: &str) -> Instant {
    Instant::parse(&format!("2021-06-{time}:00+09:00")).unwrap()
}

fn reading(time: &str, temperature: &str) -> Reading {
    Reading {
        at: at(time),
        temperature: Temperature::parse(temperature).unwrap(),
    }
}

fn refused(text: &str) -> TemperatureRefusal {
    Temperature::parse(text).unwrap_err()
}

#[test]
fn a_temperature_is_read_as_people_type_it() {
    let tenths = |text| Temperature::parse(text).unwrap().tenths();
    assert_eq!(tenths("-75.2"), -752);
    assert_eq!(tenths("−75.2℃"), -752);
    assert_eq!(tenths("ー７５．２"), -752);
    assert_eq!(tenths(" 4 °C "), 40);
    assert_eq!(tenths("+0.5"), 5);
    assert_eq!(tenths("-0.5"), -5);
    assert_eq!(Temperature::parse("-0.5").unwrap().to_string(), "-0.5");
    assert_eq!(Temperature::parse("−75").unwrap().to_string(), "-75.0");
}

#[test]
fn what_no_display_says_is_refused_with_what_to_do() {
    use TemperatureRefusal as R;
    assert_eq!(refused(" "), R::Empty);
    assert_eq!(refused("−75,2"), R::Comma);
    assert_eq!(refused("800"), R::Beyond);
    assert_eq!(refused("-99999999999"), R::Beyond);
    assert_eq!(refused("4.25"), R::Places);
    for text in ["4.", ".5", "--4", "4-", "寒い", "1e2", "-"] {
        assert_eq!(refused(text), R::NotANumber, "{text}");
    }
}

#[test]
fn what_lies_between_two_readings_outside_is_outside_and_it_may_have_begun_after_the_last_good_one()
{
    let readings = [
        reading("01T08:00", "-75"),
        reading("01T17:00", "-58.1"),
        reading("02T08:00", "-40"),
        reading("02T09:00", "-61"),
    ];
    let found = excursions(CoolerKind::DeepFreezer, &readings);
    assert_eq!(found.len(), 1);
    let one = found[0];
    assert_eq!((one.since, one.first), (at("01T08:00"), at("01T17:00")));
    assert_eq!((one.last, one.over), (at("02T08:00"), Some(at("02T09:00"))));
    assert_eq!((one.lowest.tenths(), one.highest.tenths()), (-581, -400));
    assert_eq!(one.minutes(at("09T00:00")), 25 * 60);
}

#[test]
fn an_excursion_lasts_until_a_good_reading_and_a_cooler_can_be_too_cold() {
    let found = excursions(CoolerKind::Refrigerator, &[reading("01T08:00", "1.9")]);
    assert_eq!(found[0].over, None);
    assert_eq!(found[0].minutes(at("01T10:00")), 120);
    assert_eq!(found[0].since, at("01T08:00"));
    assert!(excursions(CoolerKind::Refrigerator, &[reading("01T08:00", "2")]).is_empty());
}

#[test]
fn a_door_that_stood_open_for_some_minutes_puts_nothing_in_doubt() {
    let logged = |back| {
        let readings = [
            reading("01T08:00", "-20"),
            reading("01T08:05", "-12"),
            reading(back, "-16"),
        ];
        excursions(CoolerKind::Freezer, &readings)[0]
    };
    let doubt =
        |back, product| logged(back).puts_in_doubt(product, CoolerKind::Freezer, at("09T00:00"));
    assert!(!doubt("01T08:10", "spikevax_mono"));
    assert!(doubt("01T08:11", "spikevax_mono"));
    assert!(doubt("01T08:10", COMIRNATY));
}

#[test]
fn what_a_product_bears_puts_it_in_no_doubt() {
    let readings = [reading("01T08:00", "-20"), reading("01T17:00", "-40")];
    let one = excursions(CoolerKind::Freezer, &readings)[0];
    let doubt = |product| one.puts_in_doubt(product, CoolerKind::Freezer, at("02T08:00"));
    assert!(doubt("spikevax_mono"));
    let later = Excursion {
        first: Instant::parse("2022-12-01T17:00:00+09:00").unwrap(),
        ..one
    };
    assert!(!later.puts_in_doubt("spikevax_ba1", CoolerKind::Freezer, at("02T08:00")));
}

#[test]
fn a_night_is_expected_and_a_weekend_without_a_reading_is_told() {
    let readings = [
        reading("03T17:00", "4"),
        reading("04T08:00", "4"),
        reading("07T08:00", "4"),
    ];
    let found = gaps(EVERY_MINUTES_USUAL, &readings, at("07T23:00"));
    let weekend = Gap {
        from: at("04T08:00"),
        to: Some(at("07T08:00")),
    };
    assert_eq!(found, [weekend]);
    let found = gaps(EVERY_MINUTES_USUAL, &readings, at("08T00:01"));
    assert_eq!(found.last().map(|one| one.to), Some(None));
    assert_eq!(gaps(EVERY_MINUTES_USUAL, &[], at("08T00:01")), []);
}

#[test]
fn a_cooler_put_in_use_again_is_waited_for_anew() {
    let told = |in_use, last: Option<&str>, now| {
        unread_since(EVERY_MINUTES_USUAL, at(in_use), last.map(at), at(now))
    };
    assert_eq!(told("01T08:00", None, "02T00:00"), None);
    assert_eq!(told("01T08:00", None, "02T00:01"), Some(at("01T08:00")));
    assert_eq!(told("03T08:00", Some("01T17:00"), "04T00:00"), None);
    assert_eq!(
        told("01T08:00", Some("01T17:00"), "03T08:00"),
        Some(at("01T17:00"))
    );
}

fn open() -> Excursion {
    excursions(CoolerKind::DeepFreezer, &[reading("01T08:00", "-50")])[0]
}

fn over() -> Excursion {
    let readings = [reading("01T08:00", "-50"), reading("01T17:00", "-75")];
    excursions(CoolerKind::DeepFreezer, &readings)[0]
}

fn moved(time: &str, change: i64) -> Event {
    Event::Moved {
        at: at(time),
        change,
        is_back: false,
    }
}

fn decided(outcome: Outcome, vials: i64) -> Event {
    Event::Decided {
        at: at("02T09:00"),
        outcome,
        vials,
    }
}

#[test]
fn vials_that_came_into_a_warm_freezer_are_in_doubt_and_those_that_come_later_are_not() {
    let events = [moved("01T12:00", 5), moved("01T18:00", 20)];
    assert_eq!(fate(&over(), 10, &events).undecided, 15);
    assert_eq!(fate(&open(), 10, &events).undecided, 35);
}

#[test]
fn each_vial_is_decided_once() {
    let events = [
        decided(Outcome::Discarded, 4),
        decided(Outcome::Kept, 3),
        decided(Outcome::Rescued, 9),
    ];
    let fate = fate(&over(), 10, &events);
    let expected = Fate {
        stood: 10,
        kept: 3,
        discarded: 4,
        rescued: 3,
        ..Fate::default()
    };
    assert_eq!(fate, expected);
}

#[test]
fn to_keep_vials_holds_only_once_the_excursion_is_over() {
    let events = [decided(Outcome::Kept, 3), decided(Outcome::Discarded, 4)];
    let told = fate(&open(), 10, &events);
    assert_eq!((told.kept, told.discarded, told.undecided), (0, 4, 6));
    let later = Excursion {
        over: Some(at("02T10:00")),
        ..open()
    };
    assert_eq!(fate(&later, 10, &events).kept, 0);
    assert_eq!(fate(&over(), 10, &events).kept, 3);
}

#[test]
fn what_was_given_is_gone_and_new_vials_do_not_take_its_place() {
    let events = [
        moved("01T12:00", -6),
        moved("01T18:00", 20),
        moved("02T09:00", -3),
    ];
    let told = fate(&over(), 10, &events);
    assert_eq!((told.undecided, told.gone), (4, 6));
    let back = Event::Moved {
        at: at("02T10:00"),
        change: 2,
        is_back: true,
    };
    let told = fate(&over(), 10, &[moved("01T12:00", -6), back]);
    assert_eq!((told.undecided, told.gone), (6, 4));
}

#[test]
fn a_shelf_below_nothing_holds_no_vial_in_doubt() {
    let told = fate(&open(), -4, &[moved("01T12:00", 3)]);
    assert_eq!(told, Fate::default());
    assert_eq!(fate(&open(), -4, &[moved("01T12:00", 6)]).undecided, 2);
}

fn readings() -> impl Strategy<Value = Vec<Reading>> {
    proptest::collection::btree_map(0_i64..500, -1_000_i64..=200, 0..30).prop_map(|all| {
        let base = minute(at("01T00:00"));
        all.into_iter()
            .map(|(minutes, tenths)| Reading {
                at: moment(base + minutes),
                temperature: Temperature::of_tenths(tenths).unwrap(),
            })
            .collect()
    })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let moved =
        (-20_i64..20, any::<bool>()).prop_map(|(change, is_back)| (Some(change), is_back, 0, 0));
    let decided =
        (0_usize..3, 0_i64..20).prop_map(|(outcome, vials)| (None, false, outcome, vials));
    proptest::collection::vec(prop_oneof![moved, decided], 0..30).prop_map(|all| {
        let times = (0..).map(|minutes| moment(minute(at("01T08:00")) + minutes * 45));
        let event = |((change, is_back, outcome, vials), at): (
            (Option<i64>, bool, usize, i64),
            Instant,
        )| match change {
            Some(change) => Event::Moved {
                at,
                change,
                is_back,
            },
            None => Event::Decided {
                at,
                outcome: Outcome::ALL[outcome],
                vials,
            },
        };
        all.into_iter().zip(times).map(event).collect()
    })
}

proptest! {
    #[test]
    fn a_cooler_is_unread_exactly_while_a_gap_lasts(readings in readings(), every in 1_i64..400, after in 0_i64..900) {
        let in_use = at("01T00:00");
        let now = moment(minute(in_use) + 500 + after);
        let last = readings.iter().map(|one| one.at).max();
        let lasting = gaps(every, &readings, now).last().filter(|gap| gap.to.is_none()).map(|gap| gap.from);
        prop_assume!(last.is_some());
        prop_assert_eq!(unread_since(every, in_use, last, now), lasting);
    }

    #[test]
    fn the_order_of_entry_does_not_matter(readings in readings(), seed in any::<u64>()) {
        let mut mixed = readings.clone();
        let mut state = seed | 1;
        for place in (1..mixed.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            mixed.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
        }
        for kind in CoolerKind::ALL {
            prop_assert_eq!(excursions(kind, &mixed), excursions(kind, &readings));
        }
        let now = at("02T00:00");
        prop_assert_eq!(gaps(60, &mixed, now), gaps(60, &readings, now));
    }

    #[test]
    fn a_good_reading_between_two_good_ones_changes_nothing(readings in readings(), place in 0_usize..30) {
        let kind = CoolerKind::DeepFreezer;
        let pair = readings.windows(2).nth(place).map(|two| (two[0], two[1]));
        if let Some((before, after)) = pair
            && !is_outside(kind, before)
            && !is_outside(kind, after)
        {
            let between = Reading {
                at: moment((minute(before.at) + minute(after.at)) / 2),
                temperature: Temperature::of_tenths(-750).unwrap(),
            };
            let mut more = readings.clone();
            more.push(between);
            prop_assert_eq!(excursions(kind, &more), excursions(kind, &readings));
        }
    }

    #[test]
    fn every_reading_outside_is_in_exactly_one_excursion_and_no_good_one_is(readings in readings()) {
        for kind in CoolerKind::ALL {
            let found = excursions(kind, &readings);
            for reading in &readings {
                let holders = found.iter().filter(|one| one.first <= reading.at && reading.at <= one.last);
                prop_assert_eq!(holders.count(), usize::from(is_outside(kind, *reading)));
            }
        }
    }

    #[test]
    fn no_vial_is_lost_or_decided_twice(before in -9_i64..50, events in events(), is_over in any::<bool>()) {
        let excursion = if is_over { over() } else { open() };
        let mut balance = before;
        for length in 0..=events.len() {
            let told = fate(&excursion, before, &events[..length]);
            let Fate { stood, undecided, gone, kept, discarded, rescued } = told;
            prop_assert_eq!(stood, undecided + gone + kept + discarded + rescued);
            prop_assert!([undecided, gone, kept, discarded, rescued].iter().all(|vials| *vials >= 0));
            if let Some(Event::Moved { change, .. }) = length.checked_sub(1).map(|last| events[last]) {
                balance += change;
            }
            let there = balance - discarded - rescued;
            prop_assert!(undecided <= there.max(0), "{told:?} {there}");
        }
    }
}
