//! The report of a suspected adverse reaction on paper (予防接種後副反応疑い報告書, `W15995/7`).
//!
//! The items and their digits are the form's; where each stands is ours, as the form was read as
//! text only (domain paper, caveat on citations). \[O\]

use domain::adverse_reactions::{
    Causality, GivenVaccine, Gravity, Outcome, Report, ReporterRole, TimeOfDay, VACCINES_MAX,
};
use domain::calendar::Day;
use domain::people::Sex;

use crate::PaperRefusal;
use crate::forms::{A4_HEIGHT_MM, A4_INNER_MM, FILLED, MARGIN_MM, NOTE, TITLE};
use crate::layout::{Align, Area, Layout, Style};
use crate::sheets::counted;

/// A report as it is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdverseReactionReport {
    /// The items.
    pub report: Report,
    /// A protected person's (支援措置) address is not printed: the paper goes through a fax machine
    /// and four offices. Whoever must know asks the city.
    pub is_protected: bool,
}

const HEADING: Style = Style {
    size_pt: 15.0,
    align: Align::Center,
    ..TITLE
};
const ITEM: Style = Style {
    size_pt: 9.0,
    ..FILLED
};
const RIGHT: Style = Style {
    align: Align::Right,
    ..NOTE
};
const LABEL_MM: f32 = 30.0;
const HALF_MM: f32 = A4_INNER_MM / 2.0;

/// Writes rows one below the other.
struct Rows<'a> {
    page: &'a mut Layout,
    y_mm: f32,
}

impl Rows<'_> {
    /// The whole width for one item.
    fn one(&mut self, height_mm: f32, part: &'static str, label: &str, text: &str) {
        let area = Area::new(MARGIN_MM, self.y_mm, A4_INNER_MM, height_mm);
        self.item(area, part, label, text);
        self.y_mm += height_mm;
    }

    /// Two items side by side.
    fn two(&mut self, items: [(&'static str, &str, &str); 2]) {
        let row = Area::new(MARGIN_MM, self.y_mm, A4_INNER_MM, ROW_MM);
        for ((part, label, text), area) in items.into_iter().zip(row.columns([HALF_MM, HALF_MM])) {
            self.item(area, part, label, text);
        }
        self.y_mm += ROW_MM;
    }

    fn item(&mut self, area: Area, part: &'static str, label: &str, text: &str) {
        let [name, value] = area.columns([LABEL_MM, area.width_mm - LABEL_MM]);
        self.page.label(label, name);
        self.page.frame(value);
        self.page.cell(part, text, ITEM, value);
    }
}

const ROW_MM: f32 = 7.5;
const VACCINE_COLUMNS_MM: [f32; 6] = [8.0, 58.0, 32.0, 38.0, 16.0, A4_INNER_MM - 152.0];

impl AdverseReactionReport {
    /// The report as a page.
    pub(crate) fn layout(&self) -> Result<Layout, PaperRefusal> {
        let report = &self.report;
        counted("vaccines", report.vaccines.len(), 1, VACCINES_MAX)?;
        let mut page = Layout::a4();
        let title = "予防接種後副反応疑い報告書";
        page.line("title", title, HEADING, [MARGIN_MM, 17.0, A4_INNER_MM]);
        let number = format!(
            "報告番号 {}　報告日 {}",
            report.number,
            report.reported_on.japanese()
        );
        page.line("number", &number, RIGHT, [MARGIN_MM, 23.0, A4_INNER_MM]);
        let mut rows = Rows {
            page: &mut page,
            y_mm: 25.0,
        };
        self.write_patient(&mut rows);
        write_reporter(&mut rows, report);
        write_vaccines(&mut rows, &report.vaccines);
        write_background(&mut rows, report);
        write_event(&mut rows, report);
        let note =
            "独立行政法人医薬品医療機器総合機構(PMDA) 安全性情報・企画管理部 FAX 0120-176-146";
        page.line(
            "note",
            note,
            NOTE,
            [MARGIN_MM, A4_HEIGHT_MM - 9.0, A4_INNER_MM],
        );
        page.finish()
    }

    fn write_patient(&self, rows: &mut Rows<'_>) {
        let report = &self.report;
        let patient = &report.patient;
        let kind = choice(
            ["定期接種・臨時接種", "任意接種"],
            usize::from(!report.is_public),
        );
        rows.one(ROW_MM, "kind", "接種の区分", &kind);
        let name = format!("{}({})", patient.name, patient.kana);
        let sex = match patient.sex {
            Sex::Male => "■1 男　□2 女",
            Sex::Female => "□1 男　■2 女",
            Sex::Unknown => "□1 男　□2 女",
        };
        rows.two([("name", "患者 氏名(フリガナ)", &name), ("sex", "性別", sex)]);
        let (years, months) = (
            patient.age_months.div_euclid(12),
            patient.age_months.rem_euclid(12),
        );
        let age = format!("{years}歳{months}か月");
        rows.two([
            ("birth", "生年月日", &patient.birth.japanese()),
            ("age", "接種時年齢", &age),
        ]);
        let address = if self.is_protected {
            "(支援措置のため記載しません)"
        } else {
            &patient.address
        };
        rows.one(ROW_MM, "address", "住所", address);
    }
}

/// The choices of a form with one box filled, numbered from 1.
fn choice<const COUNT: usize>(names: [&str; COUNT], chosen: usize) -> String {
    let boxes: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let mark = if index == chosen { "■" } else { "□" };
            format!("{mark}{} {name}", index + 1)
        })
        .collect();
    boxes.join("　")
}

fn write_reporter(rows: &mut Rows<'_>, report: &Report) {
    let reporter = &report.reporter;
    let chosen = match reporter.role {
        ReporterRole::GaveAsDoctor => 0,
        ReporterRole::GaveAsOther => 1,
        ReporterRole::TreatingDoctor => 2,
        ReporterRole::Other => 3,
    };
    let role = choice(
        ["接種者(医師)", "接種者(医師以外)", "主治医", "その他"],
        chosen,
    );
    rows.one(ROW_MM, "reporter", "報告者の区分", &role);
    rows.two([
        ("reporter", "報告者 氏名", &reporter.name),
        ("reporter", "電話番号", &reporter.phone),
    ]);
    rows.two([
        ("reporter", "医療機関等", &reporter.institution),
        ("reporter", "所在地", &reporter.address),
    ]);
    rows.two([
        ("place", "接種場所", &report.place_name),
        ("place", "所在地", &report.place_address),
    ]);
}

fn write_vaccines(rows: &mut Rows<'_>, vaccines: &[GivenVaccine]) {
    let head = Area::new(MARGIN_MM, rows.y_mm, A4_INNER_MM, 6.0);
    let names = [
        "",
        "ワクチンの種類",
        "ロット番号",
        "製造販売業者",
        "回数",
        "接種日時",
    ];
    for (name, area) in names.into_iter().zip(head.columns(VACCINE_COLUMNS_MM)) {
        rows.page.label(name, area);
    }
    rows.y_mm += 6.0;
    for (place, number) in ["①", "②", "③", "④"].into_iter().enumerate() {
        let row = Area::new(MARGIN_MM, rows.y_mm, A4_INNER_MM, ROW_MM);
        let texts = vaccines
            .get(place)
            .map_or_else(Default::default, |vaccine| {
                [
                    vaccine.product.clone(),
                    vaccine.lot.clone(),
                    vaccine.maker.clone(),
                    format!("{}回目", vaccine.turn),
                    moment(vaccine.given_on, vaccine.given_at),
                ]
            });
        let [label, cells @ ..] = row.columns(VACCINE_COLUMNS_MM);
        rows.page.label(number, label);
        for (text, area) in texts.iter().zip(cells) {
            rows.page.frame(area);
            rows.page.cell("vaccine", text, ITEM, area);
        }
        rows.y_mm += ROW_MM;
    }
}

fn moment(day: Day, time: Option<TimeOfDay>) -> String {
    let time = time.map(|time| format!(" {time}")).unwrap_or_default();
    format!("{}{time}", day.japanese())
}

fn write_background(rows: &mut Rows<'_>, report: &Report) {
    let background = &report.background;
    let weight = background
        .birth_weight_grams
        .map(|grams| format!("{grams}グラム"));
    let temperature = background
        .temperature_tenths
        .map(|tenths| format!("{}度{}分", tenths / 10, tenths % 10));
    rows.two([
        ("background", "出生体重", &weight.unwrap_or_default()),
        (
            "background",
            "接種前の体温",
            &temperature.unwrap_or_default(),
        ),
    ]);
    rows.one(ROW_MM, "background", "家族歴", &background.family_history);
    let noted = presence(background.to_note.as_deref());
    rows.one(10.0, "background", "予診票での留意点", &noted);
}

/// 有 with the text, or 無.
fn presence(text: Option<&str>) -> String {
    text.map_or_else(
        || "□1 有　■2 無".to_owned(),
        |text| format!("■1 有　□2 無　{text}"),
    )
}

fn write_event(rows: &mut Rows<'_>, report: &Report) {
    let event = &report.event;
    let began = moment(event.began_on, event.began_at);
    rows.one(ROW_MM, "symptoms", "症状", &event.symptoms);
    rows.one(ROW_MM, "symptoms", "発生日時", &began);
    let causality = match event.causality {
        Causality::Related => 0,
        Causality::Unrelated => 1,
        Causality::Unassessable => 2,
    };
    let causality = choice(["関連あり", "関連なし", "評価不能"], causality);
    rows.one(ROW_MM, "symptoms", "接種との因果関係", &causality);
    let other = presence(event.other_cause.as_deref());
    rows.one(10.0, "other cause", "他要因の可能性", &other);
    rows.one(
        35.0,
        "summary",
        "概要\n(症状・臨床経過・\n診断・検査等)",
        &event.summary,
    );
    rows.one(14.0, "gravity", "症状の程度", &gravity(event.gravity));
    let day = |day: Option<Day>| day.map(Day::japanese).unwrap_or_default();
    rows.one(ROW_MM, "hospital", "入院した病院", &event.hospital);
    rows.two([
        ("hospital", "入院日", &day(event.admitted_on)),
        ("hospital", "退院日", &day(event.discharged_on)),
    ]);
    let outcome = match event.outcome {
        Outcome::Recovered => 0,
        Outcome::Improving => 1,
        Outcome::NotRecovered => 2,
        Outcome::Aftereffects => 3,
        Outcome::Died => 4,
        Outcome::Unknown => 5,
    };
    let outcome = choice(
        ["回復", "軽快", "未回復", "後遺症", "死亡", "不明"],
        outcome,
    );
    rows.one(ROW_MM, "outcome", "転帰", &outcome);
    rows.one(ROW_MM, "outcome", "転帰日", &day(event.outcome_on));
}

/// 重い with its reason, or 重くない.
fn gravity(gravity: Option<Gravity>) -> String {
    let chosen = match gravity {
        Some(Gravity::Death) => 0,
        Some(Gravity::Disability) => 1,
        Some(Gravity::MayLeadToDeath) => 2,
        Some(Gravity::MayLeadToDisability) => 3,
        Some(Gravity::Hospital) => 4,
        Some(Gravity::AsGrave) => 5,
        Some(Gravity::NextGeneration) => 6,
        None => usize::MAX,
    };
    let reasons = choice(
        [
            "死亡",
            "障害",
            "死亡につながるおそれ",
            "障害につながるおそれ\n　　　　",
            "入院",
            "1〜5に準じて重い",
            "後世代における先天性の疾病又は異常",
        ],
        chosen,
    );
    let (grave, slight) = if gravity.is_some() {
        ("■", "□")
    } else {
        ("□", "■")
    };
    format!("{grave}1 重い({reasons})\n{slight}2 重くない")
}
