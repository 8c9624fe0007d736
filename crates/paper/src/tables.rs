//! Lists that run over as many pages as they need: a head on each, rows as high as their text, the
//! number of the page and of all pages at the foot.

use crate::PaperRefusal;
use crate::forms::{A4_HEIGHT_MM, A4_INNER_MM, FILLED, MARGIN_MM, NOTE, TEXT, TITLE, height_mm};
use crate::layout::{Align, Area, Ink, Layout, Style};

/// A list as it is printed.
pub(crate) struct Table<'a> {
    /// The paper's name, on every page.
    pub title: &'a str,
    /// Who issued it, and when; on every page.
    pub issued: &'a str,
    /// What is said before the list, on the first page: a label and a text each.
    pub facts: Vec<(&'static str, String)>,
    /// The columns: name and share of the width.
    pub columns: Vec<(&'static str, f32)>,
    /// The rows; each has a text for each column.
    pub rows: Vec<Vec<String>>,
    /// What stands where a list is empty.
    pub empty: &'static str,
    /// What is said after the list.
    pub remarks: &'a str,
}

/// Rows in one list: some 400 pages, more than anybody reads.
pub(crate) const ROWS_MAX: usize = 10_000;

const ROW_MM: f32 = 6.5;
/// Above and below a row's text.
const AIR_MM: f32 = 1.6;
const FACT_MM: f32 = 7.5;
const FACT_LABEL_MM: f32 = 34.0;
const HEAD_TOP_MM: f32 = 22.0;
const BOTTOM_MM: f32 = A4_HEIGHT_MM - 18.0;

const ROW: Style = Style {
    size_pt: 8.5,
    size_min_pt: 6.0,
    ..FILLED
};
const ISSUED: Style = Style {
    size_pt: 8.0,
    size_min_pt: 5.5,
    align: Align::Right,
    ..TEXT
};
const FOOT: Style = Style {
    align: Align::Center,
    ..NOTE
};

impl Table<'_> {
    /// The pages, at least one.
    pub(crate) fn layouts(&self) -> Result<Vec<Layout>, PaperRefusal> {
        crate::sheets::counted("rows", self.rows.len(), 0, ROWS_MAX)?;
        let mut pages = vec![self.headed()];
        let mut y_mm = HEAD_TOP_MM;
        if let Some(page) = pages.last_mut() {
            y_mm = self.write_facts(page, y_mm);
            y_mm = self.write_names(page, y_mm);
            if self.rows.is_empty() {
                let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, ROW_MM);
                page.frame(area);
                page.cell("row", self.empty, ROW, area);
                y_mm += ROW_MM;
            }
        }
        for row in &self.rows {
            let row_mm = self.needed_mm(row);
            if y_mm + row_mm > BOTTOM_MM {
                let mut page = self.headed();
                y_mm = self.write_names(&mut page, HEAD_TOP_MM);
                pages.push(page);
            }
            if let Some(page) = pages.last_mut() {
                self.write_row(page, row, y_mm, row_mm);
            }
            y_mm += row_mm;
        }
        self.write_remarks(&mut pages, y_mm);
        let all = pages.len();
        pages
            .into_iter()
            .enumerate()
            .map(|(index, mut page)| {
                let foot = format!("{} / {all}", index + 1);
                let slot = [MARGIN_MM, A4_HEIGHT_MM - 9.0, A4_INNER_MM];
                page.line("page", &foot, FOOT, slot);
                page.finish()
            })
            .collect()
    }

    fn headed(&self) -> Layout {
        let mut page = Layout::a4();
        page.line("title", self.title, TITLE, [MARGIN_MM, 14.5, 110.0]);
        // A desk's name and telephone may need a second line; a list is not refused for them.
        let beside = Area::new(MARGIN_MM + 111.0, 9.0, A4_INNER_MM - 110.0, 8.4);
        page.cell("issued", self.issued, ISSUED, beside);
        page.fill(
            "rule",
            Ink::Grey,
            vec![Area::horizontal(MARGIN_MM, 17.5, A4_INNER_MM)],
        );
        page
    }

    fn write_facts(&self, page: &mut Layout, mut y_mm: f32) -> f32 {
        for (label, text) in &self.facts {
            let needed_mm = height_mm(text, FILLED, A4_INNER_MM - FACT_LABEL_MM - 2.0) + AIR_MM;
            let fact_mm = needed_mm.max(FACT_MM);
            let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, fact_mm);
            page.field(label, label, text, area, FACT_LABEL_MM);
            y_mm += fact_mm;
        }
        if self.facts.is_empty() {
            y_mm
        } else {
            y_mm + 4.0
        }
    }

    fn widths_mm(&self) -> impl Iterator<Item = f32> {
        let shares: f32 = self.columns.iter().map(|(_, share)| share).sum();
        self.columns
            .iter()
            .map(move |(_, share)| share / shares * A4_INNER_MM)
    }

    fn cells(&self, y_mm: f32, height_mm: f32) -> Vec<Area> {
        let mut x_mm = MARGIN_MM;
        self.widths_mm()
            .map(|width_mm| {
                let cell = Area::new(x_mm, y_mm, width_mm, height_mm);
                x_mm += width_mm;
                cell
            })
            .collect()
    }

    fn write_names(&self, page: &mut Layout, y_mm: f32) -> f32 {
        for ((name, _), area) in self.columns.iter().zip(self.cells(y_mm, ROW_MM)) {
            page.label(name, area);
        }
        y_mm + ROW_MM
    }

    fn needed_mm(&self, row: &[String]) -> f32 {
        row.iter()
            .zip(self.widths_mm())
            .map(|(text, width_mm)| height_mm(text, ROW, width_mm - 2.0) + AIR_MM)
            .fold(ROW_MM, f32::max)
    }

    fn write_row(&self, page: &mut Layout, row: &[String], y_mm: f32, row_mm: f32) {
        for (text, area) in row.iter().zip(self.cells(y_mm, row_mm)) {
            page.frame(area);
            page.cell("row", text, ROW, area);
        }
    }

    /// Below the list, or on a page of its own.
    fn write_remarks(&self, pages: &mut Vec<Layout>, mut y_mm: f32) {
        let needed_mm = height_mm(self.remarks, TEXT, A4_INNER_MM);
        if y_mm + 3.0 + needed_mm > BOTTOM_MM {
            pages.push(self.headed());
            y_mm = HEAD_TOP_MM;
        }
        if let Some(page) = pages.last_mut() {
            let area = Area::new(MARGIN_MM, y_mm + 3.0, A4_INNER_MM, needed_mm);
            page.paragraph("remarks", self.remarks, TEXT, area);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(rows: Vec<Vec<String>>) -> Result<Vec<Layout>, PaperRefusal> {
        Table {
            title: "名簿",
            issued: "千代田区",
            facts: vec![("会場", "千代田区役所".to_owned())],
            columns: vec![("氏名", 1.0), ("備考", 2.0)],
            rows,
            empty: "なし",
            remarks: "以上",
        }
        .layouts()
    }

    #[test]
    fn a_long_issuer_takes_a_second_line() {
        let issued = format!(
            "2026年11月27日 11時49分現在　{}",
            "千代田区保健所".repeat(8)
        );
        let pages = Table {
            title: "接種会場 当日名簿",
            issued: &issued,
            facts: Vec::new(),
            columns: vec![("氏名", 1.0)],
            rows: Vec::new(),
            empty: "なし",
            remarks: "",
        }
        .layouts();
        let marks = pages.unwrap().remove(0).marks;
        let lines = marks.iter().filter(|mark| mark.part == "issued").count();
        assert!(lines > 1, "{lines}");
    }

    proptest! {
        // A list is hundreds of shaped texts; the law is in the page ends, which these cases meet.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_row_is_on_one_page_in_its_order(
            rows in prop::collection::vec("[一-十ア-ヶ]{1,150}", 0..60),
        ) {
            let rows: Vec<Vec<String>> = rows
                .into_iter()
                .enumerate()
                .map(|(index, text)| vec![format!("N{index}"), text])
                .collect();
            let expected: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
            let pages = match table(rows) {
                Ok(pages) => pages,
                Err(refusal) => {
                    prop_assert_eq!(refusal.code(), "paper_missing_glyphs");
                    return Ok(());
                }
            };
            let printed: Vec<String> = pages
                .iter()
                .flat_map(|page| page.parts("row"))
                .filter_map(|mark| mark.text())
                .filter(|text| text.starts_with('N'))
                .map(str::to_owned)
                .collect();
            prop_assert_eq!(printed, expected);
            for page in &pages {
                for mark in page.parts("row") {
                    prop_assert!(mark.extent().unwrap().bottom_mm() <= BOTTOM_MM);
                }
            }
        }
    }

    #[test]
    fn an_empty_list_says_so_on_one_page() {
        let pages = table(Vec::new()).unwrap();
        assert_eq!(pages.len(), 1);
        assert_eq!(pages[0].parts("row").next().unwrap().text(), Some("なし"));
        assert_eq!(pages[0].parts("page").next().unwrap().text(), Some("1 / 1"));
    }

    #[test]
    fn more_rows_than_anybody_reads_are_refused() {
        let refused = table(vec![vec![String::new(); 2]; ROWS_MAX + 1]).err();
        assert_eq!(refused.map(|refusal| refusal.code()), Some("paper_count"));
    }
}
