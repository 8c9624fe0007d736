use proptest::prelude::*;

use super::*;

const PRODUCT: &str = "comirnaty_lp81";
const KEY: [u8; 16] = [7; 16];

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn at(time: &str) -> Instant {
    Instant::parse(&format!("2026-11-20T{time}:00+09:00")).unwrap()
}

fn wish() -> Wish {
    Wish {
        products: Vec::new(),
        from_minute: 0,
        needs_minutes: 20,
        consent_on: day("2026-11-01"),
        consent_way: ConsentWay::Paper,
        consent_until: day("2026-12-31"),
    }
}

fn candidate(number: i64) -> Candidate {
    Candidate {
        id: Uuid::from_u128(u128::try_from(number).unwrap()),
        list: 0,
        number,
        wish: wish(),
        age: Some(40),
        last_called: None,
        today: None,
        is_given: false,
        is_after_draw: false,
        draw: draw(day("2026-11-20"), &KEY, 0, number),
    }
}

fn wanted(rule: Rule) -> Wanted<'static> {
    Wanted {
        product: PRODUCT,
        now: at("16:00"),
        until: at("17:00"),
        rule,
    }
}

fn numbers(people: &[Candidate]) -> Vec<i64> {
    people.iter().map(|one| one.number).collect()
}

#[test]
fn whoever_was_never_called_comes_before_whoever_was_called_longest_ago() {
    let last = |number, on: &str| Candidate {
        last_called: Some(day(on)),
        ..candidate(number)
    };
    let people = vec![last(1, "2026-11-19"), last(2, "2026-11-12"), candidate(3)];
    assert_eq!(numbers(&wanted(Rule::NONE).in_order(people)), [3, 2, 1]);
}

#[test]
fn whom_the_city_wants_first_comes_first_and_no_answer_drops_behind() {
    let rule = Rule {
        first_from_age: Some(65),
        shares_list: false,
    };
    let old = Candidate {
        age: Some(65),
        last_called: Some(day("2026-11-19")),
        ..candidate(1)
    };
    let silent = Candidate {
        today: Some(Word::NoAnswer),
        age: Some(90),
        ..candidate(2)
    };
    let unknown = Candidate {
        age: None,
        ..candidate(3)
    };
    let people = vec![silent, unknown, old];
    assert_eq!(numbers(&wanted(rule).in_order(people)), [1, 3, 2]);
}

#[test]
fn the_draw_decides_between_equals_and_those_entered_after_it_come_behind() {
    let [one, two] = [1, 2].map(candidate);
    let first = if one.draw.as_bytes() < two.draw.as_bytes() {
        1
    } else {
        2
    };
    let late = Candidate {
        is_after_draw: true,
        draw: Sha::ZERO,
        ..candidate(9)
    };
    let order = numbers(&wanted(Rule::NONE).in_order(vec![late, two, one]));
    assert_eq!(order, [first, 3 - first, 9]);
    // As the page tells how to check it: printf 'sesshu-standby\n2026-11-20\n0707…\n0\n1' | sha256sum
    assert_eq!(
        draw(day("2026-11-20"), &KEY, 0, 1),
        Sha::of(b"sesshu-standby\n2026-11-20\n07070707070707070707070707070707\n0\n1")
    );
    assert_ne!(candidate(1).draw, draw(day("2026-11-21"), &KEY, 0, 1));
}

#[test]
fn everybody_who_is_passed_over_has_a_reason() {
    let wanted = wanted(Rule::NONE);
    let with = |change: fn(&mut Candidate)| {
        let mut one = candidate(1);
        change(&mut one);
        wanted.passes(&one)
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(
        with(|one| one.wish.consent_until = day("2026-11-19")),
        Some(Pass::ConsentOver)
    );
    assert_eq!(with(|one| one.is_given = true), Some(Pass::AlreadyGiven));
    assert_eq!(
        with(|one| one.today = Some(Word::Accepted)),
        Some(Pass::CalledAlready)
    );
    assert_eq!(
        with(|one| one.today = Some(Word::Declined)),
        Some(Pass::NotToday)
    );
    assert_eq!(with(|one| one.today = Some(Word::NoAnswer)), None);
    assert_eq!(
        with(|one| one.wish.products = vec!["nuvaxovid".to_owned()]),
        Some(Pass::OtherProduct)
    );
    // Sixty minutes are left, and they are there when the vial ends.
    assert_eq!(with(|one| one.wish.needs_minutes = 60), Some(Pass::TooLate));
    assert_eq!(
        with(|one| one.wish.from_minute = 17 * 60),
        Some(Pass::TooLate)
    );
    assert_eq!(with(|one| one.wish.from_minute = 16 * 60 + 59), None);
}

#[test]
fn the_rules_are_asked_about_nobody_behind_whom_they_let_through() {
    let wanted = wanted(Rule::NONE);
    let people = wanted.in_order((1..=3).map(candidate).collect());
    let ids: Vec<Uuid> = people.iter().map(|one| one.id).collect();
    let mut verdicts = Verdicts::new();
    assert_eq!(turn(&wanted, &people, &verdicts), Turn::AskRules(ids[0]));
    let too_soon = Pass::NotDue(FindingCode::TooSoon);
    verdicts.insert(ids[0], Some(too_soon));
    assert_eq!(turn(&wanted, &people, &verdicts), Turn::AskRules(ids[1]));
    verdicts.insert(ids[1], None);
    let passed = vec![(ids[0], too_soon)];
    assert_eq!(
        turn(&wanted, &people, &verdicts),
        Turn::Call { id: ids[1], passed }
    );
}

#[test]
fn what_cannot_be_entered_is_told() {
    let today = day("2026-11-20");
    assert_eq!(wish().check(today), Ok(()));
    let refused = |change: fn(&mut Wish)| {
        let mut one = wish();
        change(&mut one);
        one.check(today)
    };
    assert_eq!(
        refused(|one| one.from_minute = 1440),
        Err(WishRefusal::Time)
    );
    assert_eq!(
        refused(|one| one.consent_on = day("2026-11-21")),
        Err(WishRefusal::Consent)
    );
    assert_eq!(
        refused(|one| one.consent_until = day("2027-11-21")),
        Err(WishRefusal::Consent)
    );
    assert_eq!(phone(" 03-1234-5678 "), Ok("03-1234-5678".to_owned()));
    assert_eq!(phone("03-1234"), Err(WishRefusal::Phone));
    assert_eq!(phone("秘密の番号 0312345678"), Err(WishRefusal::Phone));
}

#[test]
fn words_follow_each_other_as_calls_do_and_are_read_back() {
    assert!(Word::Asked.may_be(Word::Accepted));
    assert!(Word::Accepted.may_be(Word::NotCome));
    assert!(Word::Declined.may_be(Word::Asked));
    assert!(!Word::Declined.may_be(Word::Accepted));
    assert!(!Word::Asked.may_be(Word::Asked));
    for word in Word::ALL {
        assert_eq!(Word::parse(word.as_str()), Some(word));
    }
    for way in ConsentWay::ALL {
        assert_eq!(ConsentWay::parse(way.as_str()), Some(way));
    }
    for pass in [Pass::TooLate, Pass::NotDue(FindingCode::TooSoon)] {
        let finding = pass.finding().map_or("", FindingCode::as_str);
        assert_eq!(Pass::parse(pass.as_str(), finding), Some(pass));
    }
}

prop_compose! {
    fn people()(
        ages in prop::collection::vec((0_i64..100, 0_u8..6, 0_i64..4, 0_i64..90, any::<bool>()), 0..12),
    ) -> Vec<Candidate> {
        (1_i64..).zip(ages).map(|(number, (age, word, called, needs, is_after_draw))| {
            let mut one = candidate(number);
            one.age = Some(age);
            one.today = Word::ALL.get(usize::from(word)).copied();
            one.last_called = (called > 0).then(|| day("2026-11-10").plus_days(called));
            one.wish.needs_minutes = needs;
            one.is_after_draw = is_after_draw;
            one
        }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The order does not depend on the order in which people were entered or read.
    #[test]
    fn the_order_of_entry_does_not_matter(people in people(), by in 0_usize..12) {
        let rule = Rule { first_from_age: Some(65), shares_list: false };
        let mut turned = people.clone();
        if !turned.is_empty() {
            let by = by % turned.len();
            turned.rotate_left(by);
        }
        prop_assert_eq!(wanted(rule).in_order(people), wanted(rule).in_order(turned));
    }

    /// Nobody is called while somebody ahead could come: all who stand before have a reason, and it holds.
    #[test]
    fn nobody_is_overtaken(people in people(), stopped in prop::collection::vec(any::<bool>(), 12)) {
        let wanted = wanted(Rule { first_from_age: Some(65), shares_list: false });
        let order = wanted.in_order(people);
        let mut verdicts = Verdicts::new();
        let (called, passed) = loop {
            match turn(&wanted, &order, &verdicts) {
                Turn::AskRules(id) => {
                    let is_stopped = stopped[usize::try_from(id.as_u128() % 12).unwrap()];
                    verdicts.insert(id, is_stopped.then_some(Pass::NotDue(FindingCode::TooSoon)));
                }
                Turn::Call { id, passed } => break (Some(id), passed),
                Turn::Nobody(passed) => break (None, passed),
            }
        };
        let place = order.iter().position(|one| Some(one.id) == called).unwrap_or(order.len());
        prop_assert_eq!(passed.len(), place);
        for (one, (id, pass)) in order.iter().zip(&passed) {
            prop_assert_eq!(one.id, *id);
            let holds = wanted.passes(one) == Some(*pass) || verdicts.get(id) == Some(&Some(*pass));
            prop_assert!(holds);
        }
        if let Some(one) = order.get(place) {
            prop_assert_eq!(wanted.passes(one), None);
        }
    }
}
