//! The sheet a city sends to a person: address, what to bring, and the coupons as seals, on A4.
//!
//! The upper third, down to the fold, shows the address in the envelope's window and says what to
//! do; below stand up to eight seals in two columns.

use std::fmt;

use domain::coupons::Coupon;
use domain::places::{MunicipalityCode, Places};

use crate::coupons::{HEIGHT_MM, WIDTH_MM, coupon_layout};
use crate::document::Pdf;
use crate::fonts::Face;
use crate::layout::{Align, Area, Ink, Layout, Slot, Style};
use crate::{PaperRefusal, RefusedSheet};

/// The coupons of one person.
#[derive(Clone, PartialEq, Eq)]
pub struct CouponSheet {
    /// The city that sends it, as it calls itself: "千代田区".
    pub city_name: String,
    /// The city's code; every coupon of the sheet is of this city.
    pub city_code: MunicipalityCode,
    /// The person. Of a longer name the first 20 full-width columns are printed.
    pub recipient_name: String,
    /// "102-8688", without the sign 〒.
    pub postal_code: Option<String>,
    /// At most three lines; none, when the sheet is handed over.
    pub address_lines: Vec<String>,
    /// One to eight, in the order they are printed, row by row.
    pub coupons: Vec<Coupon>,
}

/// Prints one A4 page for each sheet.
///
/// The same sheets are the same bytes. Nothing is printed if one of them cannot be.
///
/// # Errors
/// [`PaperRefusal::Sheets`] with every sheet that cannot be printed and why;
/// [`PaperRefusal::Count`] for no sheets or more than [`SHEETS_MAX`].
pub fn coupon_sheet_pdf(sheets: &[CouponSheet]) -> Result<Vec<u8>, PaperRefusal> {
    counted("sheets", sheets.len(), 1, SHEETS_MAX)?;
    let (mut pdf, mut refused) = (Pdf::new("接種券"), Vec::new());
    for (index, sheet) in sheets.iter().enumerate() {
        match sheet.layout() {
            Ok(page) => pdf.add(&page)?,
            Err(refusal) => refused.push(RefusedSheet {
                position: index + 1,
                refusal,
            }),
        }
    }
    if !refused.is_empty() {
        return Err(PaperRefusal::Sheets { refused });
    }
    pdf.finish()
}

/// Sheets in one file: seconds of work and some 10 MB. A city's 100,000 go out in chunks.
pub const SHEETS_MAX: usize = 1_000;
/// Coupons on one sheet: two columns of four seals below the fold.
pub const COUPONS_MAX: usize = 8;
/// Lines of an address that show in an envelope's window.
pub const ADDRESS_LINES_MAX: usize = 3;

/// A4.
const PAGE_WIDTH_MM: f32 = 210.0;
const PAGE_HEIGHT_MM: f32 = 297.0;
/// Folded twice, a sheet fits the usual long envelope (長形3号).
const FOLD_MM: f32 = PAGE_HEIGHT_MM / 3.0;

const COLUMNS: usize = 2;
const COLUMN_GAP_MM: f32 = 12.0;
const ROW_GAP_MM: f32 = 8.0;
const SEALS_LEFT_MM: f32 = (PAGE_WIDTH_MM - 2.0 * WIDTH_MM - COLUMN_GAP_MM) / 2.0;
const SEALS_TOP_MM: f32 = FOLD_MM + 12.0;

/// Left and right; the address behind it shows in the window with some play.
const MARGIN_MM: f32 = 24.0;
const RIGHT_MM: f32 = PAGE_WIDTH_MM - MARGIN_MM;
const ADDRESS_WIDTH_MM: f32 = 80.0;
const POSTAL_CODE_BASELINE_MM: f32 = 21.0;
const ADDRESS_BASELINE_MM: f32 = 27.0;
const ADDRESS_PITCH_MM: f32 = 5.0;
const RECIPIENT_BASELINE_MM: f32 = 45.5;

const TEXT: Style = Style {
    face: Face::ProportionalGothic,
    size_pt: 9.0,
    size_min_pt: 7.0,
    align: Align::Left,
    ink: Ink::Black,
};
const ADDRESS: Style = Style {
    face: Face::Gothic,
    size_pt: 10.0,
    size_min_pt: 6.0,
    ..TEXT
};
const RECIPIENT: Style = Style {
    size_pt: 12.0,
    ..ADDRESS
};
const SENDER: Style = Style {
    size_pt: 11.0,
    align: Align::Right,
    ..TEXT
};
const HEADING: Style = Style {
    size_pt: 15.0,
    ..TEXT
};
const SMALL: Style = Style {
    size_pt: 7.0,
    size_min_pt: 6.0,
    ink: Ink::Grey,
    ..TEXT
};

impl fmt::Debug for CouponSheet {
    /// The city and how many coupons; nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CouponSheet")
            .field("city_code", &self.city_code)
            .field("coupons", &self.coupons.len())
            .finish_non_exhaustive()
    }
}

impl CouponSheet {
    pub(crate) fn layout(&self) -> Result<Layout, PaperRefusal> {
        sheet_layout(self)
    }
}

/// Refuses too few and too many.
pub(crate) fn counted(
    part: &'static str,
    got: usize,
    least: usize,
    most: usize,
) -> Result<(), PaperRefusal> {
    if (least..=most).contains(&got) {
        Ok(())
    } else {
        Err(PaperRefusal::Count { part, got, most })
    }
}

fn sheet_layout(sheet: &CouponSheet) -> Result<Layout, PaperRefusal> {
    counted("coupons", sheet.coupons.len(), 1, COUPONS_MAX)?;
    counted(
        "address lines",
        sheet.address_lines.len(),
        0,
        ADDRESS_LINES_MAX,
    )?;
    let strange = |coupon: &Coupon| coupon.municipality != sheet.city_code;
    if let Some(index) = sheet.coupons.iter().position(strange) {
        return Err(PaperRefusal::OtherCity {
            position: index + 1,
        });
    }
    let mut page = Layout::new(PAGE_WIDTH_MM, PAGE_HEIGHT_MM);
    write_address(&mut page, sheet);
    write_sender(&mut page, sheet);
    write_advice(&mut page, sheet);
    for (index, coupon) in sheet.coupons.iter().enumerate() {
        let (row, column) = ((index / COLUMNS) as f32, (index % COLUMNS) as f32);
        let x_mm = SEALS_LEFT_MM + column * (WIDTH_MM + COLUMN_GAP_MM);
        let y_mm = SEALS_TOP_MM + row * (HEIGHT_MM + ROW_GAP_MM);
        let seal = coupon_layout(coupon, &sheet.city_name, &sheet.recipient_name)?;
        page.place(seal, x_mm, y_mm);
        page.fill("crop marks", Ink::Grey, crop_marks(x_mm, y_mm));
    }
    page.finish()
}

fn write_address(page: &mut Layout, sheet: &CouponSheet) {
    let slot = |baseline_mm| Slot {
        x_mm: MARGIN_MM,
        width_mm: ADDRESS_WIDTH_MM,
        baseline_mm,
    };
    if let Some(postal_code) = &sheet.postal_code {
        let text = format!("〒{postal_code}");
        page.write("postal code", &text, ADDRESS, slot(POSTAL_CODE_BASELINE_MM));
    }
    for (row, line) in sheet.address_lines.iter().enumerate() {
        let baseline_mm = ADDRESS_BASELINE_MM + row as f32 * ADDRESS_PITCH_MM;
        page.write("address", line, ADDRESS, slot(baseline_mm));
    }
    let name = crate::coupons::first_columns(&sheet.recipient_name, crate::NAME_COLUMNS_MAX);
    page.write(
        "recipient",
        &format!("{name}　様"),
        RECIPIENT,
        slot(RECIPIENT_BASELINE_MM),
    );
}

fn write_sender(page: &mut Layout, sheet: &CouponSheet) {
    let slot = |baseline_mm| Slot {
        x_mm: 120.0,
        width_mm: RIGHT_MM - 120.0,
        baseline_mm,
    };
    let prefecture = sheet.city_code.prefecture().map_or("", |prefecture| {
        Places::bundled().prefecture_name(prefecture)
    });
    let sender = format!("{prefecture}{}", sheet.city_name);
    page.write("sender", &sender, SENDER, slot(POSTAL_CODE_BASELINE_MM));
    let code = format!("市町村コード　{}", sheet.city_code.as_str());
    page.write(
        "sender code",
        &code,
        Style {
            align: Align::Right,
            ..SMALL
        },
        slot(26.0),
    );
}

/// What the sheet is and what to do with it, above the fold.
fn write_advice(page: &mut Layout, sheet: &CouponSheet) {
    let slot = |baseline_mm| Slot {
        x_mm: MARGIN_MM,
        width_mm: RIGHT_MM - MARGIN_MM,
        baseline_mm,
    };
    page.write("heading", "新型コロナワクチン接種券", HEADING, slot(65.0));
    let rule = Area::horizontal(MARGIN_MM, 67.6, RIGHT_MM - MARGIN_MM);
    page.fill("heading rule", Ink::Grey, vec![rule]);
    let ask = format!(
        "なくしたとき、転出するときは、{}にお問い合わせください。",
        sheet.city_name
    );
    let advice = [
        "接種の日は、シールをはがさず、この用紙のままお持ちください。",
        "本人確認ができるもの(マイナンバーカード、運転免許証など)もお持ちください。",
        "接種の費用はかかりません。接種は、ご本人の同意がある場合に限り行われます。",
        &ask,
    ];
    for (row, sentence) in advice.into_iter().enumerate() {
        page.write("advice", sentence, TEXT, slot(73.5 + 5.0 * row as f32));
    }
    let english = "COVID-19 vaccination coupons. Please bring this whole sheet, seals unpeeled, \
                   and an identification document.";
    page.write("advice", english, SMALL, slot(94.0));
}

/// Short ticks at the corners, off the seal: the handbook wants no dark rule around a coupon (TB/130).
pub(crate) fn crop_marks(x_mm: f32, y_mm: f32) -> Vec<Area> {
    const OFF_MM: f32 = 1.0;
    const LENGTH_MM: f32 = 1.5;
    let mut marks = Vec::new();
    for y_mm in [y_mm, y_mm + HEIGHT_MM] {
        marks.push(Area::horizontal(x_mm - OFF_MM - LENGTH_MM, y_mm, LENGTH_MM));
        marks.push(Area::horizontal(x_mm + WIDTH_MM + OFF_MM, y_mm, LENGTH_MM));
    }
    for x_mm in [x_mm, x_mm + WIDTH_MM] {
        marks.push(Area::vertical(x_mm, y_mm - OFF_MM - LENGTH_MM, LENGTH_MM));
        marks.push(Area::vertical(x_mm, y_mm + HEIGHT_MM + OFF_MM, LENGTH_MM));
    }
    marks
}

#[cfg(test)]
mod tests {
    use domain::coupons::CouponLine;

    use super::*;

    const LINE: &str = "211310160000012345";

    fn read(line: &str) -> Coupon {
        CouponLine::parse(line).unwrap().coupon().unwrap()
    }

    fn sheet(name: &str, lines: &[&str]) -> CouponSheet {
        CouponSheet {
            city_name: "千代田区".to_owned(),
            city_code: read(LINE).municipality,
            recipient_name: name.to_owned(),
            postal_code: Some("102-8688".to_owned()),
            address_lines: vec!["東京都千代田区九段南一丁目2番1号".to_owned()],
            coupons: lines.iter().map(|line| read(line)).collect(),
        }
    }

    #[test]
    fn eight_seals_stand_below_the_fold_and_off_each_other() {
        let page = sheet_layout(&sheet("厚生　太郎", &[LINE; 8])).unwrap();
        let lines: Vec<Area> = page
            .parts("line")
            .map(|mark| mark.extent().unwrap())
            .collect();
        assert_eq!(lines.len(), 8);
        for (index, line) in lines.iter().enumerate() {
            assert!(line.y_mm > FOLD_MM + HEIGHT_MM - 10.0);
            for other in &lines[index + 1..] {
                assert!(!line.grown(5.0).touches(other));
            }
        }
    }

    #[test]
    fn what_is_read_before_unfolding_stands_above_the_fold() {
        let page = sheet_layout(&sheet("厚生　太郎", &[LINE])).unwrap();
        for part in [
            "postal code",
            "address",
            "recipient",
            "sender",
            "heading",
            "advice",
        ] {
            for mark in page.parts(part) {
                assert!(mark.extent().unwrap().bottom_mm() < FOLD_MM - 2.0, "{part}");
            }
        }
    }

    #[test]
    fn no_rule_comes_nearer_than_a_millimetre_to_a_seal() {
        let seal = Area {
            x_mm: SEALS_LEFT_MM,
            y_mm: SEALS_TOP_MM,
            width_mm: WIDTH_MM,
            height_mm: HEIGHT_MM,
        };
        for tick in crop_marks(seal.x_mm, seal.y_mm) {
            assert!(!tick.touches(&seal.grown(0.999)), "{tick:?}");
        }
    }

    #[test]
    fn every_sheet_that_cannot_be_printed_is_told() {
        let sheets = [
            sheet("厚生　太郎", &[LINE]),
            sheet("𠮷田　花子", &[LINE]),
            sheet("厚生　花子", &[]),
            sheet("厚生　次郎", &[LINE, "110110020000000001"]),
        ];
        let Err(PaperRefusal::Sheets { refused }) = coupon_sheet_pdf(&sheets) else {
            panic!("printed");
        };
        let told: Vec<(usize, &str)> = refused
            .iter()
            .map(|sheet| (sheet.position, sheet.refusal.code()))
            .collect();
        assert_eq!(
            told,
            [
                (2, "paper_missing_glyphs"),
                (3, "paper_count"),
                (4, "paper_other_city")
            ]
        );
        assert_eq!(
            refused[0].refusal,
            PaperRefusal::MissingGlyphs {
                characters: vec!["𠮷".to_owned()]
            }
        );
    }

    #[test]
    fn a_ninth_coupon_and_an_empty_batch_are_refused() {
        let nine = sheet_layout(&sheet("厚生　太郎", &[LINE; 9])).err();
        assert_eq!(
            nine,
            Some(PaperRefusal::Count {
                part: "coupons",
                got: 9,
                most: 8
            })
        );
        let none = coupon_sheet_pdf(&[]).err();
        assert_eq!(
            none,
            Some(PaperRefusal::Count {
                part: "sheets",
                got: 0,
                most: SHEETS_MAX
            })
        );
    }

    #[test]
    fn the_same_sheets_are_the_same_bytes() {
        let sheets = [sheet("厚生　太郎", &[LINE]), sheet("厚生　花子", &[LINE])];
        assert_eq!(
            coupon_sheet_pdf(&sheets).unwrap(),
            coupon_sheet_pdf(&sheets).unwrap()
        );
    }

    #[test]
    fn a_sheet_without_address_is_printed_for_handing_over() {
        let handed = CouponSheet {
            postal_code: None,
            address_lines: Vec::new(),
            ..sheet("厚生　太郎", &[LINE])
        };
        assert!(coupon_sheet_pdf(&[handed]).is_ok());
    }

    #[test]
    fn a_sheet_in_a_log_names_nobody() {
        let shown = format!("{:?}", sheet("厚生　太郎", &[LINE]));
        assert!(!shown.contains("厚生") && !shown.contains("九段") && !shown.contains("12345"));
    }
}
