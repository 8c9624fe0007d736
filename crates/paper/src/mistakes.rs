//! The report of a vaccination error on paper (間違い接種の報告, `TB/121`: 様式4-10-2 at once, 4-10-3
//! with the month's).
//!
//! What the findings tell is printed, what only people know is left to be written, by the city or by
//! hand. Nobody is named: the report is about how it came about. Where each item stands is ours. \[O\]

use std::fmt;

use domain::calendar::Day;
use domain::mistakes::{MistakeClass, MistakeDraft, Urgency};
use domain::people::Sex;

use crate::PaperRefusal;
use crate::envelopes::Sender;
use crate::forms::{A4_HEIGHT_MM, A4_INNER_MM, FILLED, MARGIN_MM, NOTE, TEXT, TITLE};
use crate::layout::{Align, Area, Layout, Style};
use crate::persons::sex_word;

/// A report as it is printed; an empty text is a blank to write in.
#[derive(Clone, PartialEq, Eq)]
pub struct MistakeReport {
    /// The city that reports.
    pub sender: Sender,
    /// The city's own number.
    pub number: String,
    /// 報告日.
    pub reported_on: Day,
    /// What follows from the findings.
    pub draft: MistakeDraft,
    /// 接種会場.
    pub venue_name: String,
    /// ワクチン.
    pub product: String,
    /// ロット番号.
    pub lot: String,
    /// 通算回数.
    pub turn: Option<u8>,
    /// 年齢 on the day.
    pub age_years: Option<i64>,
    /// 性別.
    pub sex: Sex,
    /// 概要: what happened.
    pub summary: String,
    /// 原因: why.
    pub cause: String,
    /// 健康被害の有無と内容.
    pub harm: String,
    /// 本人(保護者)への説明.
    pub explained: String,
    /// 再発防止策.
    pub measures: String,
}

const HEADING: Style = Style {
    size_pt: 15.0,
    align: Align::Center,
    ..TITLE
};
const RIGHT: Style = Style {
    align: Align::Right,
    ..TEXT
};
const CLASS: Style = Style {
    size_pt: 9.0,
    ..FILLED
};
/// A text that people write: from its top, in the size of print.
const WRITTEN: Style = Style {
    size_pt: 9.5,
    size_min_pt: 6.5,
    ..FILLED
};
const LABEL_MM: f32 = 34.0;
const ROW_MM: f32 = 8.0;
const HALF_MM: f32 = A4_INNER_MM / 2.0;

impl MistakeReport {
    /// The report as a page.
    pub(crate) fn layout(&self) -> Result<Layout, PaperRefusal> {
        let mut page = Layout::a4();
        let (title, note) = match self.draft.urgency {
            Urgency::AtOnce => (
                "予防接種の間違い接種 報告書(直ちに報告)",
                "健康被害につながるおそれのある間違いです。都道府県を通じて直ちに報告してください。",
            ),
            Urgency::Monthly => (
                "予防接種の間違い接種 報告書(月次)",
                "前月分を取りまとめ、毎月15日までに都道府県へ報告してください。",
            ),
        };
        page.line("title", title, HEADING, [MARGIN_MM, 18.0, A4_INNER_MM]);
        let head = format!(
            "{}　{}　報告日 {}　報告番号 {}",
            self.draft.urgency.form(),
            self.sender.full_name(),
            self.reported_on.japanese(),
            self.number
        );
        page.line("number", &head, RIGHT, [MARGIN_MM, 26.0, A4_INNER_MM]);
        page.line("note", note, NOTE, [MARGIN_MM, 32.0, A4_INNER_MM]);
        let y_mm = self.write_facts(&mut page, 34.0);
        let y_mm = self.write_classes(&mut page, y_mm);
        self.write_texts(&mut page, y_mm);
        let desk = Area::new(MARGIN_MM, A4_HEIGHT_MM - 14.0, A4_INNER_MM, 5.0);
        page.paragraph("desk", &self.sender.desk, NOTE, desk);
        page.finish()
    }

    fn write_facts(&self, page: &mut Layout, mut y_mm: f32) -> f32 {
        let number = |number: Option<String>, unit: &str| {
            number.map_or_else(|| "不明".to_owned(), |number| format!("{number}{unit}"))
        };
        let turn = number(self.turn.map(|turn| turn.to_string()), "回目(通算)");
        let age = number(self.age_years.map(|years| years.to_string()), "歳");
        let who = format!("{age}　{}", sex_word(self.sex));
        let on = self.draft.given_on.japanese();
        let due = self.draft.due_on.japanese();
        let rows = [
            [
                ("day", "接種日", on.as_str()),
                ("due", "報告の期限", due.as_str()),
            ],
            [
                ("venue", "接種会場", &self.venue_name),
                ("age", "年齢・性別", &who),
            ],
            [
                ("product", "ワクチン", &self.product),
                ("lot", "ロット番号", &self.lot),
            ],
        ];
        for row in rows {
            let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, ROW_MM);
            for ((part, label, text), area) in row.into_iter().zip(area.columns([HALF_MM, HALF_MM]))
            {
                page.field(part, label, text, area, LABEL_MM);
            }
            y_mm += ROW_MM;
        }
        let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, ROW_MM);
        page.field("turn", "接種回数", &turn, area, LABEL_MM);
        y_mm + ROW_MM
    }

    /// All twelve classes with boxes; the findings' are filled, the gravest is named.
    fn write_classes(&self, page: &mut Layout, y_mm: f32) -> f32 {
        const COLUMNS: usize = 3;
        const LINE_MM: f32 = 6.0;
        let rows = MistakeClass::ALL.len().div_ceil(COLUMNS);
        let height_mm = LINE_MM * rows as f32 + 2.0;
        let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, height_mm);
        let [label, body] = area.columns([LABEL_MM, A4_INNER_MM - LABEL_MM]);
        page.label("間違いの内容", label);
        page.frame(body);
        let width_mm = body.width_mm / COLUMNS as f32;
        for (index, class) in MistakeClass::ALL.into_iter().enumerate() {
            let (row, column) = ((index / COLUMNS) as f32, (index % COLUMNS) as f32);
            let mark = if self.draft.classes.contains(&class) {
                "■"
            } else {
                "□"
            };
            let cell = Area::new(
                body.x_mm + column * width_mm,
                body.y_mm + 1.0 + row * LINE_MM,
                width_mm,
                LINE_MM,
            );
            page.cell("class", &format!("{mark}{}", class.japanese()), CLASS, cell);
        }
        y_mm + height_mm
    }

    fn write_texts(&self, page: &mut Layout, mut y_mm: f32) {
        let bottom_mm = A4_HEIGHT_MM - 16.0;
        let texts = [
            ("summary", "概　要", &self.summary, 1.5),
            ("cause", "原　因", &self.cause, 1.2),
            ("harm", "健康被害の\n有無と内容", &self.harm, 1.0),
            ("explained", "本人(保護者)\nへの説明", &self.explained, 1.0),
            ("measures", "再発防止策", &self.measures, 1.3),
        ];
        let shares: f32 = texts.iter().map(|(.., share)| share).sum();
        let unit_mm = (bottom_mm - y_mm) / shares;
        for (part, label, text, share) in texts {
            let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, unit_mm * share);
            let [name, value] = area.columns([LABEL_MM, A4_INNER_MM - LABEL_MM]);
            page.label(label, name);
            page.frame(value);
            page.paragraph(part, text, WRITTEN, value.inset(1.5, 1.5));
            y_mm = area.bottom_mm();
        }
    }
}

impl fmt::Debug for MistakeReport {
    /// The class and the day; the texts are people's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MistakeReport")
            .field("class", &self.draft.class)
            .field("reported_on", &self.reported_on)
            .finish_non_exhaustive()
    }
}
