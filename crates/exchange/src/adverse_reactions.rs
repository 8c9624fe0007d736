//! Reports of suspected adverse reactions (副反応疑い報告) as a file: the items of the ministry's form
//! (`W15995/7`, domain paper §2.14), one line for each report.
//!
//! The form is on paper; the order of the columns is ours. \[O\] Codes are the digits of the form.

use std::borrow::Cow;
use std::io;

use domain::adverse_reactions::{
    Causality, GivenVaccine, Gravity, Outcome, Report, ReporterRole, TimeOfDay, VACCINES_MAX,
};
use domain::calendar::Day;
use domain::people::Sex;

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

/// The columns before the vaccines.
const NAMES_BEFORE: [&str; 16] = [
    "報告番号",
    "報告日",
    "接種区分",
    "氏名",
    "フリガナ",
    "性別",
    "住所",
    "生年月日",
    "接種時年齢(歳)",
    "接種時年齢(月)",
    "報告者区分",
    "報告者氏名",
    "報告者電話番号",
    "報告者医療機関",
    "報告者住所",
    "接種場所",
];
/// The columns of each vaccine, after its number.
const NAMES_OF_VACCINE: [&str; 6] = [
    "種類",
    "ロット番号",
    "製造販売業者",
    "接種回数",
    "接種日",
    "接種時刻",
];
/// The columns after the vaccines.
const NAMES_AFTER: [&str; 20] = [
    "接種場所住所",
    "出生体重(g)",
    "体温",
    "家族歴",
    "留意点の有無",
    "留意点",
    "症状",
    "発生日",
    "発生時刻",
    "因果関係",
    "他要因の有無",
    "他要因",
    "概要",
    "程度",
    "重い理由",
    "入院病院",
    "入院日",
    "退院日",
    "転帰",
    "転帰日",
];

/// Writes the file line by line.
#[derive(Debug)]
pub struct ReportsExport<W: io::Write>(Table<W>);

impl<W: io::Write> ReportsExport<W> {
    /// Begins a file with its header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, encoding: Encoding) -> io::Result<Self> {
        let of_vaccines = (1..=VACCINES_MAX).flat_map(|number| {
            NAMES_OF_VACCINE
                .iter()
                .map(move |name| Cow::Owned(format!("ワクチン{number}{name}")))
        });
        let names = NAMES_BEFORE.into_iter().map(Cow::Borrowed);
        let after = NAMES_AFTER.into_iter().map(Cow::Borrowed);
        Table::new(out, encoding, names.chain(of_vaccines).chain(after)).map(Self)
    }

    /// Adds a report.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn row(&mut self, report: &Report) -> io::Result<()> {
        let mut fields = before(report).to_vec();
        for place in 0..VACCINES_MAX {
            match report.vaccines.get(place) {
                Some(vaccine) => fields.extend(of_vaccine(vaccine)),
                None => fields.extend(NAMES_OF_VACCINE.map(|_| Cow::Borrowed(""))),
            }
        }
        fields.extend(after(report));
        let left_off = report.vaccines.len().saturating_sub(VACCINES_MAX);
        self.0.exported.doses_left_off += left_off as u64;
        self.0.row(fields.into_iter())
    }

    /// Ends the file, and tells what was written.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn finish(self) -> io::Result<Exported> {
        self.0.finish()
    }
}

fn before(report: &Report) -> [Cow<'_, str>; NAMES_BEFORE.len()] {
    let Report {
        patient, reporter, ..
    } = report;
    [
        for_spreadsheet(&report.number),
        report.reported_on.compact().into(),
        if report.is_public { "1" } else { "2" }.into(),
        for_spreadsheet(&patient.name),
        for_spreadsheet(&patient.kana),
        match patient.sex {
            Sex::Male => "1",
            Sex::Female => "2",
            Sex::Unknown => "9",
        }
        .into(),
        for_spreadsheet(&patient.address),
        patient.birth.compact().into(),
        patient.age_months.div_euclid(12).to_string().into(),
        patient.age_months.rem_euclid(12).to_string().into(),
        match reporter.role {
            ReporterRole::GaveAsDoctor => "1",
            ReporterRole::GaveAsOther => "2",
            ReporterRole::TreatingDoctor => "3",
            ReporterRole::Other => "4",
        }
        .into(),
        for_spreadsheet(&reporter.name),
        for_spreadsheet(&reporter.phone),
        for_spreadsheet(&reporter.institution),
        for_spreadsheet(&reporter.address),
        for_spreadsheet(&report.place_name),
    ]
}

fn of_vaccine(vaccine: &GivenVaccine) -> [Cow<'_, str>; NAMES_OF_VACCINE.len()] {
    [
        for_spreadsheet(&vaccine.product),
        for_spreadsheet(&vaccine.lot),
        for_spreadsheet(&vaccine.maker),
        vaccine.turn.to_string().into(),
        vaccine.given_on.compact().into(),
        time(vaccine.given_at),
    ]
}

fn after(report: &Report) -> [Cow<'_, str>; NAMES_AFTER.len()] {
    let Report {
        background, event, ..
    } = report;
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let day = |day: Option<Day>| day.map(Day::compact).unwrap_or_default();
    let temperature = background
        .temperature_tenths
        .map(|tenths| format!("{}.{}", tenths / 10, tenths % 10));
    [
        for_spreadsheet(&report.place_address),
        number(background.birth_weight_grams).into(),
        temperature.unwrap_or_default().into(),
        for_spreadsheet(&background.family_history),
        present(&background.to_note),
        for_spreadsheet(background.to_note.as_deref().unwrap_or_default()),
        for_spreadsheet(&event.symptoms),
        event.began_on.compact().into(),
        time(event.began_at),
        match event.causality {
            Causality::Related => "1",
            Causality::Unrelated => "2",
            Causality::Unassessable => "3",
        }
        .into(),
        present(&event.other_cause),
        for_spreadsheet(event.other_cause.as_deref().unwrap_or_default()),
        for_spreadsheet(&event.summary),
        if event.gravity.is_some() { "1" } else { "2" }.into(),
        event.gravity.map_or("", gravity).into(),
        for_spreadsheet(&event.hospital),
        day(event.admitted_on).into(),
        day(event.discharged_on).into(),
        match event.outcome {
            Outcome::Recovered => "1",
            Outcome::Improving => "2",
            Outcome::NotRecovered => "3",
            Outcome::Aftereffects => "4",
            Outcome::Died => "5",
            Outcome::Unknown => "6",
        }
        .into(),
        day(event.outcome_on).into(),
    ]
}

fn time(time: Option<TimeOfDay>) -> Cow<'static, str> {
    time.map(|time| time.to_string()).unwrap_or_default().into()
}

/// 有 or 無, as `1` and `2`.
fn present(text: &Option<String>) -> Cow<'static, str> {
    if text.is_some() { "1" } else { "2" }.into()
}

fn gravity(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Death => "1",
        Gravity::Disability => "2",
        Gravity::MayLeadToDeath => "3",
        Gravity::MayLeadToDisability => "4",
        Gravity::Hospital => "5",
        Gravity::AsGrave => "6",
        Gravity::NextGeneration => "7",
    }
}

#[cfg(test)]
mod tests {
    use domain::adverse_reactions::{Background, Event, Patient, Reporter};
    use domain::people::BirthDate;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn vaccine(turn: u8) -> GivenVaccine {
        GivenVaccine {
            product: "コミナティ".into(),
            lot: "EY0573".into(),
            maker: "ファイザー".into(),
            turn,
            given_on: day("2021-06-12"),
            given_at: TimeOfDay::parse("10:30"),
        }
    }

    fn report() -> Report {
        Report {
            number: "2021-0001".into(),
            reported_on: day("2021-06-13"),
            is_public: true,
            patient: Patient {
                name: "東京 花子".into(),
                kana: "トウキョウ ハナコ".into(),
                sex: Sex::Female,
                address: "千代田区千代田1-1".into(),
                birth: BirthDate::parse("1946-05-03").unwrap(),
                age_months: 75 * 12 + 1,
            },
            reporter: Reporter {
                role: ReporterRole::TreatingDoctor,
                name: "山田太郎".into(),
                phone: "03-0000-0000".into(),
                institution: "千代田病院".into(),
                address: "千代田区".into(),
            },
            place_name: "千代田会場".into(),
            place_address: "千代田区霞が関".into(),
            vaccines: vec![vaccine(1)],
            background: Background {
                temperature_tenths: Some(365),
                to_note: Some("卵アレルギー".into()),
                ..Background::default()
            },
            event: Event {
                symptoms: "アナフィラキシー".into(),
                began_on: day("2021-06-12"),
                began_at: TimeOfDay::parse("10:45"),
                causality: Causality::Related,
                other_cause: None,
                summary: "=接種15分後".into(),
                gravity: Some(Gravity::Hospital),
                hospital: "千代田病院".into(),
                admitted_on: Some(day("2021-06-12")),
                discharged_on: None,
                outcome: Outcome::Improving,
                outcome_on: Some(day("2021-06-13")),
            },
        }
    }

    fn written(report: &Report) -> (String, Exported) {
        let mut bytes = Vec::new();
        let mut export = ReportsExport::new(&mut bytes, Encoding::Utf8).unwrap();
        export.row(report).unwrap();
        let exported = export.finish().unwrap();
        (String::from_utf8(bytes).unwrap(), exported)
    }

    #[test]
    fn a_report_is_a_line_with_the_items_of_the_form() {
        let (text, exported) = written(&report());
        let (header, line) = text.trim_end().split_once("\r\n").unwrap();
        let (names, items): (Vec<_>, Vec<_>) =
            (header.split(',').collect(), line.split(',').collect());
        assert_eq!((names.len(), items.len()), (60, 60));
        let filled: Vec<_> = names
            .iter()
            .zip(&items)
            .filter(|(_, item)| !item.is_empty())
            .map(|(name, item)| format!("{name}: {item}"))
            .collect();
        insta::assert_snapshot!(filled.join("\n"));
        assert_eq!((exported.rows, exported.doses_left_off), (1, 0));
    }

    #[test]
    fn a_fifth_vaccine_has_no_place_and_is_counted() {
        let vaccines = (1..=5).map(vaccine).collect();
        let (_, exported) = written(&Report {
            vaccines,
            ..report()
        });
        assert_eq!(exported.doses_left_off, 1);
    }

    #[test]
    fn what_is_not_grave_says_so() {
        let mut report = report();
        report.event.gravity = None;
        let (text, _) = written(&report);
        assert!(text.contains(",2,,千代田病院,"), "{text}");
    }

    #[test]
    fn nothing_of_a_person_shows_in_debug() {
        let shown = format!("{:?}", report());
        assert_eq!(shown, "Report { reported_on: Day(2021-06-13), .. }");
    }
}
