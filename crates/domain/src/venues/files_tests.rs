use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::venues::hours::DayHours;

const CODE: &str = "1310000015";
const OLD: &str = "0110113719";

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn code(text: &str) -> FacilityCode {
    FacilityCode::parse(text).unwrap()
}

fn city(text: &str) -> MunicipalityCode {
    MunicipalityCode::parse(text).unwrap()
}

/// A line that says no more than it must.
fn row() -> FileRow {
    FileRow {
        code: code(CODE),
        kind: None,
        former: None,
        city: city("131016"),
        from: day("2021-06-01"),
        closed_from: None,
        name: "神田見本クリニック".into(),
        kana: None,
        venue_type: VenueType::Linked,
        address: None,
        phone: None,
        supplier: None,
        sections: FileSections::default(),
    }
}

/// A line that says everything.
fn whole() -> FileRow {
    FileRow {
        kind: Some(CodeKind::Medical),
        kana: Some("カンダミホンクリニック".into()),
        address: Some("千代田区神田1-1".into()),
        phone: Some("03-0000-0000".into()),
        supplier: Some(Supplier::Nobody),
        sections: FileSections {
            deep_frozen_units: Some(1),
            frozen_units: Some(2),
            refrigerated_units: Some(3),
            hours: Hours::parse_week("月火 09:00-12:00"),
            booking_phone: Some("03-1111-1111".into()),
            url: Some("https://example.jp/yoyaku".into()),
            booking_remarks: Some(String::new()),
            weekdays: Weekdays::parse("1010000"),
            band: Some(Band::Morning),
            lead_days: Some(2),
            unloading: Some("裏口".into()),
            delivery_remarks: Some(String::new()),
            account: Some("東京国保連 登録A".into()),
        },
        ..row()
    }
}

/// The venue as it stands once a line is done.
fn after(known: &Known, plan: &Plan) -> Known {
    let mut becomes = known.clone();
    let codes = known.codes.all().iter().copied().chain(plan.code);
    becomes.codes = CodeHistory::told(codes);
    for (from, told) in &plan.told {
        let section = becomes.told.entry(told.section()).or_default();
        section.insert(*from, told.clone());
    }
    becomes
}

fn source(row: &FileRow) -> Option<Source> {
    row.supplier.map(|_| Source::default())
}

fn planned(row: &FileRow, known: Option<&Known>) -> Plan {
    plan(row, source(row).as_ref(), known).unwrap()
}

fn founded(row: &FileRow) -> Known {
    after(&Known::default(), &planned(row, None))
}

fn sections(plan: &Plan) -> Vec<&'static str> {
    plan.told
        .iter()
        .map(|(_, told)| told.section().as_str())
        .collect()
}

#[test]
fn a_new_venue_is_told_of_as_far_as_the_line_says() {
    let least = planned(&row(), None);
    assert_eq!(least.code.unwrap().code, code(CODE));
    assert_eq!(sections(&least), ["standing"]);
    let all = planned(&whole(), None);
    assert_eq!(
        sections(&all),
        [
            "standing", "source", "storage", "hours", "contact", "delivery", "account"
        ]
    );
}

#[test]
fn the_same_line_again_changes_nothing_and_a_silent_one_neither() {
    let known = founded(&whole());
    assert!(planned(&whole(), Some(&known)).is_nothing());
    assert!(planned(&row(), Some(&known)).is_nothing());
}

#[test]
fn only_the_section_that_differs_is_told_and_the_rest_of_it_stays() {
    let known = founded(&whole());
    let moved = FileRow {
        from: day("2021-07-01"),
        sections: FileSections {
            url: Some("https://example.jp/new".into()),
            ..FileSections::default()
        },
        ..whole()
    };
    let plan = planned(&moved, Some(&known));
    let Contact { phone, url, .. } = match &plan.told[..] {
        [(from, Told::Contact(told))] if *from == moved.from => told.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (phone.as_str(), url.as_str()),
        ("03-1111-1111", "https://example.jp/new")
    );
}

#[test]
fn a_code_that_changes_keeps_the_venue_and_its_earlier_code() {
    let known = founded(&FileRow {
        code: code(OLD),
        ..whole()
    });
    let incorporated = FileRow {
        former: Some(code(OLD)),
        from: day("2021-10-01"),
        ..whole()
    };
    let plan = planned(&incorporated, Some(&known));
    assert!(plan.told.is_empty());
    let becomes = after(&known, &plan);
    let on = |text| becomes.codes.on(day(text)).map(|one| one.code);
    assert_eq!(on("2021-09-30"), Some(code(OLD)));
    assert_eq!(on("2021-10-01"), Some(code(CODE)));
}

#[test]
fn a_line_closes_a_venue_once() {
    let known = founded(&whole());
    let closing = FileRow {
        closed_from: Some(day("2021-12-31")),
        ..whole()
    };
    let plan = planned(&closing, Some(&known));
    assert!(plan.closes());
    assert_eq!(plan.told[0].0, day("2021-12-31"));
    let closed = after(&known, &plan);
    assert!(planned(&closing, Some(&closed)).is_nothing());
    // A later line that says nothing of it does not open it again.
    assert!(planned(&whole(), Some(&closed)).is_nothing());
}

#[test]
fn where_payment_goes_stays_as_the_venue_told_it() {
    let known = Known {
        told_its_account: true,
        ..founded(&whole())
    };
    let other = FileRow {
        sections: FileSections {
            account: Some("別の登録".into()),
            ..whole().sections
        },
        ..whole()
    };
    let plan = planned(&other, Some(&known));
    assert!(plan.is_nothing());
    assert_eq!(plan.doubts, [FileDoubt::AccountKept]);
}

#[test]
fn what_is_told_for_later_is_pointed_out() {
    let known = founded(&FileRow {
        from: day("2021-08-01"),
        ..whole()
    });
    let earlier = planned(&whole(), Some(&known));
    assert_eq!(earlier.doubts, [FileDoubt::ToldForLater]);
}

#[test]
fn everything_that_is_wrong_with_a_line_is_told() {
    let wrong = FileRow {
        sections: FileSections {
            url: Some("javascript:alert(1)".into()),
            account: Some("1234567".into()),
            ..whole().sections
        },
        ..whole()
    };
    let faults = plan(&wrong, None, None).unwrap_err();
    let told: Vec<_> = faults
        .iter()
        .map(|one| (one.code(), one.column()))
        .collect();
    assert_eq!(
        told,
        [("not_a_url", "予約URL"), ("account_number", "口座登録名")]
    );
}

#[test]
fn a_line_belongs_to_its_area() {
    let codes = |row: &FileRow, area| -> Vec<_> {
        let found = faults(row, area);
        found.iter().map(FileFault::code).collect()
    };
    let tokyo = Area::Prefecture(Prefecture::new(13).unwrap());
    let sapporo = Area::City(city("011002"));
    assert_eq!(codes(&row(), Area::Nation), Vec::<&str>::new());
    assert_eq!(codes(&row(), tokyo), Vec::<&str>::new());
    assert_eq!(codes(&row(), sapporo), ["venue_outside"]);
    let early = FileRow {
        closed_from: Some(day("2021-05-31")),
        ..row()
    };
    assert_eq!(codes(&early, tokyo), ["venue_closes_before"]);
}

#[test]
fn a_file_that_closes_many_is_asked_about() {
    assert!(!is_mass_closing(9, 9));
    assert!(is_mass_closing(10, 100));
    assert!(!is_mass_closing(10, 200));
    assert!(is_mass_closing(4_000, 70_000));
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-z]{0,3}")
}

prop_compose! {
    fn any_row()(
        texts in proptest::collection::vec(text(), 8), from in 0..5_i64, closed in proptest::option::of(0..9_i64),
        units in proptest::option::of(0..9_u32), code_number in 0..3_u32, kinds in (0..3_usize, 0..5_usize),
        week in any::<[bool; 7]>(), lead_days in proptest::option::of(0..30_u8), open in any::<bool>(),
    ) -> FileRow {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().flatten();
        let from = day("2021-06-01").plus_days(from);
        let hours = DayHours::parse(if open { "09:00-12:00" } else { "" }).unwrap();
        FileRow {
            code: code(&format!("131000000{code_number}")),
            kind: Some(CodeKind::ALL[kinds.0]),
            from,
            closed_from: closed.map(|days| from.plus_days(days)),
            kana: text(),
            address: text(),
            phone: text(),
            venue_type: VenueType::ALL[kinds.1],
            sections: FileSections {
                booking_phone: text(),
                booking_remarks: text(),
                unloading: text(),
                delivery_remarks: text(),
                account: text().filter(|word| !word.is_empty()),
                frozen_units: units,
                hours: open.then(|| Hours { week: std::array::from_fn(|_| hours.clone()) }),
                weekdays: Some(Weekdays::of(week)).filter(|_| week.contains(&true)),
                lead_days: lead_days.filter(|_| week.contains(&true)),
                ..FileSections::default()
            },
            ..row()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Done once, a line changes nothing more; whatever was told before, and in whatever order of days.
    #[test]
    fn a_line_that_was_done_changes_nothing(rows in proptest::collection::vec(any_row(), 1..5)) {
        let mut known = Known::default();
        for row in rows {
            let Ok(done) = plan(&row, None, Some(&known)) else { continue };
            known = after(&known, &done);
            let again = plan(&row, None, Some(&known)).unwrap();
            // A code of a day before the first one is the venue's first code, told or not.
            prop_assert!(again.told.is_empty(), "{again:?}");
        }
    }

    /// What is taken out of a day and taken in again changes nothing.
    #[test]
    fn what_goes_out_comes_in_as_it_was(rows in proptest::collection::vec(any_row(), 1..5), on in 4..14_i64) {
        let mut known = Known::default();
        for row in rows {
            if let Ok(done) = plan(&row, None, Some(&known)) {
                known = after(&known, &done);
            }
        }
        let on = day("2021-06-01").plus_days(on);
        let about = (city("131016"), "会場", on);
        if let Some(row) = row_of(&known, about, |_| None) {
            let again = plan(&row, None, Some(&known)).unwrap();
            prop_assert!(again.is_nothing(), "{again:?}");
        }
    }
}

#[test]
fn a_suppliers_code_goes_out_with_the_line() {
    let supplier = OrganisationId(Uuid::from_u128(7));
    let mut known = founded(&whole());
    let told = Told::Source(Source {
        supplier: Some(supplier),
    });
    known
        .told
        .insert(Section::Source, BTreeMap::from([(day("2021-06-01"), told)]));
    let about = (city("131016"), "会場", day("2021-06-02"));
    let row = row_of(&known, about, |id| (id == supplier).then(|| code(OLD))).unwrap();
    assert_eq!(row.supplier, Some(Supplier::Venue(code(OLD))));
}
