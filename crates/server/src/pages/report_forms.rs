//! The forms of reports about a dose: their items, what is wrong with them, and what they say.

use domain::adverse_reactions::{
    Background, Causality, Event, GivenVaccine, Gravity, Outcome, Patient, Report, Reporter,
    ReporterRole, TimeOfDay, VACCINES_MAX,
};
use domain::calendar::{Day, age_on};
use domain::people::{BirthDate, Sex};
use store::reports::{Form, Kind};

/// Longest line of an item, in characters: what the paper has room for.
const LINE_MAX: usize = 60;
/// Longest text of an item, in characters.
const TEXT_MAX: usize = 800;

/// How an item is filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A line.
    Line,
    /// A text of some lines.
    Text,
    /// A day.
    Day,
    /// A birth date, whose day may be unknown.
    Birth,
    /// A time of the day.
    Time,
    /// A whole number.
    Whole,
    /// A temperature with one digit after the point.
    Tenths,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// An item of a form.
#[derive(Clone, Copy)]
pub struct Item {
    /// Its name in the form.
    pub name: &'static str,
    /// How it is filled in.
    pub way: Way,
    /// Whether a report cannot be submitted without it.
    pub needed: bool,
}

const fn item(name: &'static str, way: Way) -> Item {
    Item {
        name,
        way,
        needed: false,
    }
}

const fn needed(name: &'static str, way: Way) -> Item {
    Item {
        name,
        way,
        needed: true,
    }
}

/// A part of a form: the id of its title, and its items.
pub type Section = (&'static str, &'static [Item]);

/// The ministry's form (`W15995/7`, domain paper §2.14). Codes are the digits of the form.
const ADVERSE_REACTION: &[Section] = &[
    (
        "patient",
        &[
            needed("is_public", Way::Choice(&["1", "2"])),
            needed("name", Way::Line),
            item("kana", Way::Line),
            needed("sex", Way::Choice(&["1", "2", "9"])),
            needed("birth", Way::Birth),
            item("address", Way::Line),
        ],
    ),
    (
        "reporter",
        &[
            needed("reporter_role", Way::Choice(&["1", "2", "3", "4"])),
            needed("reporter_name", Way::Line),
            item("reporter_phone", Way::Line),
            item("reporter_institution", Way::Line),
            item("reporter_address", Way::Line),
        ],
    ),
    (
        "vaccine",
        &[
            needed("place_name", Way::Line),
            item("place_address", Way::Line),
            needed("product", Way::Line),
            needed("lot", Way::Line),
            item("maker", Way::Line),
            item("turn", Way::Whole),
            needed("given_on", Way::Day),
            item("given_at", Way::Time),
        ],
    ),
    (
        "others",
        &[
            item("product_2", Way::Line),
            item("lot_2", Way::Line),
            item("maker_2", Way::Line),
            item("turn_2", Way::Whole),
            item("given_on_2", Way::Day),
            item("given_at_2", Way::Time),
            item("product_3", Way::Line),
            item("lot_3", Way::Line),
            item("maker_3", Way::Line),
            item("turn_3", Way::Whole),
            item("given_on_3", Way::Day),
            item("given_at_3", Way::Time),
            item("product_4", Way::Line),
            item("lot_4", Way::Line),
            item("maker_4", Way::Line),
            item("turn_4", Way::Whole),
            item("given_on_4", Way::Day),
            item("given_at_4", Way::Time),
        ],
    ),
    (
        "background",
        &[
            item("birth_weight", Way::Whole),
            item("temperature", Way::Tenths),
            item("family_history", Way::Line),
            item("to_note", Way::Line),
        ],
    ),
    (
        "event",
        &[
            needed("symptoms", Way::Line),
            needed("began_on", Way::Day),
            item("began_at", Way::Time),
            needed("causality", Way::Choice(&["1", "2", "3"])),
            item("other_cause", Way::Line),
            needed("summary", Way::Text),
            needed(
                "gravity",
                Way::Choice(&["0", "1", "2", "3", "4", "5", "6", "7"]),
            ),
            item("hospital", Way::Line),
            item("admitted_on", Way::Day),
            item("discharged_on", Way::Day),
            needed("outcome", Way::Choice(&["1", "2", "3", "4", "5", "6"])),
            item("outcome_on", Way::Day),
        ],
    ),
];

/// What people know of a vaccination error; the rest is drafted from the findings (`TB/121`).
const MISTAKE: &[Section] = &[(
    "mistake",
    &[
        needed("what_happened", Way::Text),
        needed("cause", Way::Text),
        item("harm", Way::Text),
        needed("explained", Way::Text),
        needed("measures", Way::Text),
    ],
)];

/// The parts of a form.
#[must_use]
pub fn sections(kind: Kind) -> &'static [Section] {
    match kind {
        Kind::AdverseReaction => ADVERSE_REACTION,
        Kind::Mistake => MISTAKE,
    }
}

/// What of that which was sent belongs to the form: trimmed, without control characters.
#[must_use]
pub fn taken(kind: Kind, sent: &Form) -> Form {
    let items = sections(kind).iter().flat_map(|(_, items)| items.iter());
    let value = |item: &Item| {
        let text = sent.get(item.name)?.trim().replace("\r\n", "\n");
        let kept =
            |letter: &char| !letter.is_control() || (*letter == '\n' && item.way == Way::Text);
        let text: String = text.chars().filter(kept).collect();
        (!text.is_empty()).then(|| (item.name.to_owned(), text))
    };
    items.filter_map(value).collect()
}

/// What is wrong with an item, by the id of its words.
pub type Complaint = (&'static str, &'static str);

/// What is wrong with a form, item by item. A draft may have holes.
#[must_use]
pub fn complaints(kind: Kind, form: &Form, is_draft: bool) -> Vec<Complaint> {
    let items = sections(kind).iter().flat_map(|(_, items)| items.iter());
    let mut complaints: Vec<Complaint> = items
        .filter_map(|item| match form.get(item.name) {
            None if item.needed && !is_draft => Some((item.name, "report-missing")),
            None => None,
            Some(text) => wrong(item.way, text).map(|why| (item.name, why)),
        })
        .collect();
    if kind == Kind::AdverseReaction && !is_draft {
        complaints.extend(half_vaccines(form));
    }
    complaints
}

/// A further vaccine is told with product and day, or not at all.
fn half_vaccines(form: &Form) -> Vec<Complaint> {
    const PAIRS: [(&str, &str); 3] = [
        ("product_2", "given_on_2"),
        ("product_3", "given_on_3"),
        ("product_4", "given_on_4"),
    ];
    let has = |name: &str| form.contains_key(name);
    let half = |(product, day)| match (has(product), has(day)) {
        (true, false) => Some((day, "report-missing")),
        (false, true) => Some((product, "report-missing")),
        _ => None,
    };
    PAIRS.into_iter().filter_map(half).collect()
}

fn wrong(way: Way, text: &str) -> Option<&'static str> {
    let length = text.chars().count();
    let is_right = match way {
        Way::Line => return (length > LINE_MAX).then_some("report-long"),
        Way::Text => return (length > TEXT_MAX).then_some("report-long"),
        Way::Day => Day::parse(text).is_some(),
        Way::Birth => birth(text).is_some(),
        Way::Time => TimeOfDay::parse(text).is_some(),
        Way::Whole => whole(text).is_some(),
        Way::Tenths => tenths(text).is_some(),
        Way::Choice(words) => words.contains(&text),
    };
    let why = match way {
        Way::Day | Way::Birth => "report-no-day",
        Way::Time => "report-no-time",
        _ => "report-no-number",
    };
    (!is_right).then_some(why)
}

fn birth(text: &str) -> Option<BirthDate> {
    BirthDate::parse(text).or_else(|| BirthDate::parse_compact(text))
}

fn whole(text: &str) -> Option<u32> {
    let is_plain = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// `36.5` as tenths; a whole number is one too.
fn tenths(text: &str) -> Option<u32> {
    let (whole_part, tenth) = text.split_once('.').unwrap_or((text, "0"));
    if tenth.len() != 1 {
        return None;
    }
    Some(whole(whole_part)? * 10 + whole(tenth)?)
}

/// The report of a form without complaints, under its number.
#[must_use]
pub fn adverse_reaction(form: &Form, number: &str, reported_on: Day) -> Option<Report> {
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let day = |name: &str| form.get(name).and_then(|text| Day::parse(text));
    let digit = |name: &str| form.get(name).map(String::as_str);
    let birth = birth(form.get("birth")?)?;
    let first = vaccine(form, "")?;
    Some(Report {
        number: number.to_owned(),
        reported_on,
        is_public: digit("is_public")? == "1",
        patient: Patient {
            name: text("name"),
            kana: text("kana"),
            sex: Sex::from_form_digit(digit("sex")?).unwrap_or(Sex::Unknown),
            address: text("address"),
            age_months: months_old(birth.earliest(), first.given_on),
            birth,
        },
        reporter: Reporter {
            role: role(digit("reporter_role")?)?,
            name: text("reporter_name"),
            phone: text("reporter_phone"),
            institution: text("reporter_institution"),
            address: text("reporter_address"),
        },
        place_name: text("place_name"),
        place_address: text("place_address"),
        vaccines: std::iter::once(first)
            .chain((2..=VACCINES_MAX).filter_map(|place| vaccine(form, &format!("_{place}"))))
            .collect(),
        background: Background {
            birth_weight_grams: form.get("birth_weight").and_then(|text| whole(text)),
            temperature_tenths: form.get("temperature").and_then(|text| tenths(text)),
            family_history: text("family_history"),
            to_note: form.get("to_note").cloned(),
        },
        event: Event {
            symptoms: text("symptoms"),
            began_on: day("began_on")?,
            began_at: digit("began_at").and_then(TimeOfDay::parse),
            causality: match digit("causality")? {
                "1" => Causality::Related,
                "2" => Causality::Unrelated,
                _ => Causality::Unassessable,
            },
            other_cause: form.get("other_cause").cloned(),
            summary: text("summary"),
            gravity: gravity(digit("gravity")?),
            hospital: text("hospital"),
            admitted_on: day("admitted_on"),
            discharged_on: day("discharged_on"),
            outcome: outcome(digit("outcome")?)?,
            outcome_on: day("outcome_on"),
        },
    })
}

fn vaccine(form: &Form, place: &str) -> Option<GivenVaccine> {
    let item = |name: &str| form.get(&format!("{name}{place}"));
    let turn = item("turn").and_then(|text| whole(text));
    Some(GivenVaccine {
        product: item("product")?.clone(),
        lot: item("lot").cloned().unwrap_or_default(),
        maker: item("maker").cloned().unwrap_or_default(),
        turn: turn.and_then(|turn| u8::try_from(turn).ok()).unwrap_or(0),
        given_on: Day::parse(item("given_on")?)?,
        given_at: item("given_at").and_then(|text| TimeOfDay::parse(text)),
    })
}

/// Full months of age on a day: full years, and the months since the last year was reached.
fn months_old(birth: Day, on: Day) -> i64 {
    let years = age_on(birth, on).max(0);
    let reached = i32::try_from(years).unwrap_or(0) * 12;
    // As a year of age is reached on the eve of the birthday, so is a month.
    let more = (1..12)
        .take_while(|months| birth.plus_months(reached + months).plus_days(-1) <= on)
        .count();
    years * 12 + i64::try_from(more).unwrap_or(0)
}

fn role(digit: &str) -> Option<ReporterRole> {
    Some(match digit {
        "1" => ReporterRole::GaveAsDoctor,
        "2" => ReporterRole::GaveAsOther,
        "3" => ReporterRole::TreatingDoctor,
        "4" => ReporterRole::Other,
        _ => return None,
    })
}

fn gravity(digit: &str) -> Option<Gravity> {
    Some(match digit {
        "1" => Gravity::Death,
        "2" => Gravity::Disability,
        "3" => Gravity::MayLeadToDeath,
        "4" => Gravity::MayLeadToDisability,
        "5" => Gravity::Hospital,
        "6" => Gravity::AsGrave,
        "7" => Gravity::NextGeneration,
        _ => return None,
    })
}

fn outcome(digit: &str) -> Option<Outcome> {
    Some(match digit {
        "1" => Outcome::Recovered,
        "2" => Outcome::Improving,
        "3" => Outcome::NotRecovered,
        "4" => Outcome::Aftereffects,
        "5" => Outcome::Died,
        "6" => Outcome::Unknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        pairs.iter().map(own).collect()
    }

    fn whole_form() -> Form {
        form(&[
            ("is_public", "1"),
            ("name", "東京 花子"),
            ("sex", "2"),
            ("birth", "1946-05-03"),
            ("reporter_role", "3"),
            ("reporter_name", "山田 太郎"),
            ("place_name", "千代田会場"),
            ("product", "コミナティ"),
            ("lot", "EY0573"),
            ("turn", "1"),
            ("given_on", "2021-06-12"),
            ("given_at", "10:30"),
            ("temperature", "36.5"),
            ("symptoms", "アナフィラキシー"),
            ("began_on", "2021-06-12"),
            ("causality", "1"),
            ("summary", "15分後に発疹"),
            ("gravity", "5"),
            ("outcome", "2"),
        ])
    }

    #[test]
    fn a_whole_form_is_a_report() {
        let form = whole_form();
        assert_eq!(complaints(Kind::AdverseReaction, &form, false), []);
        let day = Day::parse("2021-06-13").unwrap();
        let report = adverse_reaction(&form, "2021-0001", day).unwrap();
        assert_eq!(report.patient.age_months, 75 * 12 + 1);
        assert_eq!(report.background.temperature_tenths, Some(365));
        assert_eq!(report.event.gravity, Some(Gravity::Hospital));
        assert_eq!(report.vaccines.len(), 1);
        assert_eq!(report.vaccines[0].given_at.unwrap().to_string(), "10:30");
    }

    #[test]
    fn every_needed_item_is_missed_in_a_report_and_in_no_draft() {
        let full = whole_form();
        for (_, items) in ADVERSE_REACTION {
            for item in items.iter().filter(|item| item.needed) {
                let mut form = full.clone();
                form.remove(item.name);
                let told = complaints(Kind::AdverseReaction, &form, false);
                assert_eq!(told, [(item.name, "report-missing")]);
                assert_eq!(complaints(Kind::AdverseReaction, &form, true), []);
            }
        }
    }

    #[test]
    fn what_cannot_be_is_told_item_by_item() {
        for (name, text, why) in [
            ("given_on", "2021-02-30", "report-no-day"),
            ("birth", "19461301", "report-no-day"),
            ("began_at", "25:00", "report-no-time"),
            ("temperature", "36.55", "report-no-number"),
            ("turn", "-1", "report-no-number"),
            ("sex", "3", "report-no-number"),
        ] {
            let mut form = whole_form();
            form.insert(name.to_owned(), text.to_owned());
            assert_eq!(
                complaints(Kind::AdverseReaction, &form, true),
                [(name, why)]
            );
        }
        let mut form = whole_form();
        form.insert("name".to_owned(), "長".repeat(61));
        assert_eq!(
            complaints(Kind::AdverseReaction, &form, true),
            [("name", "report-long")]
        );
    }

    #[test]
    fn a_further_vaccine_has_a_product_and_a_day() {
        let mut form = whole_form();
        form.insert("product_2".to_owned(), "インフルエンザ".to_owned());
        let told = complaints(Kind::AdverseReaction, &form, false);
        assert_eq!(told, [("given_on_2", "report-missing")]);
        form.insert("given_on_2".to_owned(), "2021-06-12".to_owned());
        assert_eq!(complaints(Kind::AdverseReaction, &form, false), []);
        let day = Day::parse("2021-06-13").unwrap();
        assert_eq!(adverse_reaction(&form, "1", day).unwrap().vaccines.len(), 2);
    }

    #[test]
    fn only_items_of_the_form_are_taken_and_without_control_characters() {
        let sent = form(&[
            ("symptoms", " 発\u{0}熱\n "),
            ("summary", "一\r\n二"),
            ("kana", "  "),
            ("csrf", "x"),
        ]);
        let expected = form(&[("symptoms", "発熱"), ("summary", "一\n二")]);
        assert_eq!(taken(Kind::AdverseReaction, &sent), expected);
    }

    #[test]
    fn months_of_age_are_reached_on_the_eve() {
        let day = |text: &str| Day::parse(text).unwrap();
        let birth = day("2021-01-15");
        for (on, months) in [
            ("2021-02-13", 0),
            ("2021-02-14", 1),
            ("2022-01-13", 11),
            ("2022-01-14", 12),
            ("2022-02-14", 13),
        ] {
            assert_eq!(months_old(birth, day(on)), months, "{on}");
        }
    }
}
