//! The page that shows an address through the window of an envelope (宛名台紙).
//!
//! A folded sheet slides in its envelope. Whatever it does, the whole address must show and nothing
//! but it; so its place is worked out from the envelope, not measured once on a good day.

use std::fmt;

use domain::addresses;
use domain::places::{MunicipalityCode, Places};

use crate::PaperRefusal;
use crate::coupons::{NAME_COLUMNS_MAX, first_columns};
use crate::forms::{A4_HEIGHT_MM, A4_WIDTH_MM, FILLED, NOTE, TEXT, TITLE, height_mm};
use crate::layout::{Align, Area, Ink, Layout, Style};
use crate::persons::{Person, Residence};

/// An envelope with its window, in millimetres, seen from the front with the flap above.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Envelope {
    /// From left to right.
    pub width_mm: f32,
    /// From top to bottom.
    pub height_mm: f32,
    /// The window's left edge.
    pub window_left_mm: f32,
    /// The window's upper edge.
    pub window_top_mm: f32,
    /// The window, from left to right.
    pub window_width_mm: f32,
    /// The window, from top to bottom.
    pub window_height_mm: f32,
}

/// An address as an envelope has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// "102-8688", without the sign 〒.
    pub postal_code: Option<String>,
    /// At most [`crate::ADDRESS_LINES_MAX`].
    pub lines: Vec<String>,
}

/// The city a paper comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender {
    /// As the city calls itself: "千代田区".
    pub city_name: String,
    /// Its code.
    pub city_code: MunicipalityCode,
    /// Which desk answers questions, and its telephone; one line.
    pub desk: String,
    /// Where letters come back to (返送先), in one line, if the city said so.
    pub return_to: Option<String>,
}

/// Characters of an address beside each other in the usual window, before they are set smaller.
const LINE_CHARACTERS: usize = 20;

impl Address {
    /// An address of a register in lines: the place in one or two, house and room in one of their own.
    ///
    /// None if no letter reaches anybody by it.
    #[must_use]
    pub fn of(address: &addresses::Address) -> Option<Self> {
        if !address.is_mailable() {
            return None;
        }
        let (first, rest) = in_two(&address.place);
        let lines = [first, rest, address.extra.clone()];
        Some(Self {
            postal_code: address.postal_code.as_ref().map(|code| code.hyphenated()),
            lines: lines.into_iter().filter(|line| !line.is_empty()).collect(),
        })
    }

    /// Whether it can be printed in the window: its characters are in our typefaces and it is not
    /// longer than the window.
    #[must_use]
    pub fn is_printable(&self, envelope: &Envelope) -> bool {
        let mut page = Layout::a4();
        let written = write_lines(&mut page, self, address_rows(envelope.always_shown()));
        written.is_ok() && page.finish().is_ok()
    }
}

/// A long address in two lines, broken where a reader would: behind a city or town, or before a number.
fn in_two(place: &str) -> (String, String) {
    let characters: Vec<char> = place.chars().collect();
    if characters.len() <= LINE_CHARACTERS {
        return (place.to_owned(), String::new());
    }
    let is_number = |one: &char| one.is_numeric() || "〇一二三四五六七八九十-－".contains(*one);
    let ends_name = |one: &char| "都道府県市区郡町村 　".contains(*one);
    let breaks_well = |at: &usize| {
        let (before, here) = (characters.get(at.wrapping_sub(1)), characters.get(*at));
        before.is_some_and(ends_name)
            || here.is_some_and(is_number) && !before.is_some_and(is_number)
    };
    let at = (1..=LINE_CHARACTERS).rev().find(breaks_well);
    let at = at.unwrap_or(LINE_CHARACTERS);
    let text = |characters: &[char]| characters.iter().collect::<String>().trim().to_owned();
    let (first, rest) = characters.split_at(at);
    (text(first), text(rest))
}

impl Envelope {
    /// 長形3号 with the usual window. The handbook says 235 × 120 mm with a window (`TB/138`), not
    /// where the window is: measure yours. \[O\]
    pub const LONG_3: Self = Self {
        width_mm: 235.0,
        height_mm: 120.0,
        window_left_mm: 20.0,
        window_top_mm: 14.0,
        window_width_mm: 100.0,
        window_height_mm: 50.0,
    };
    /// DL with the window of DIN 680: 20 mm from the left, 15 mm from below, 90 × 45 mm.
    pub const DL: Self = Self {
        width_mm: 220.0,
        height_mm: 110.0,
        window_left_mm: 20.0,
        window_top_mm: 50.0,
        window_width_mm: 90.0,
        window_height_mm: 45.0,
    };

    /// What shows of the sheet wherever it slides to: the place for the address.
    fn always_shown(&self) -> Area {
        let (play_x_mm, play_y_mm) = self.play_mm();
        Area::new(
            self.window_left_mm,
            self.window_top_mm,
            (self.window_width_mm - play_x_mm).max(0.0),
            (self.window_height_mm - play_y_mm).max(0.0),
        )
    }

    /// What shows of the sheet somewhere: nothing else may stand here.
    fn ever_shown(&self) -> Area {
        let (play_x_mm, play_y_mm) = self.play_mm();
        Area::new(
            self.window_left_mm - play_x_mm,
            self.window_top_mm - play_y_mm,
            self.window_width_mm + play_x_mm,
            self.window_height_mm + play_y_mm,
        )
    }

    /// How far a sheet folded in three can slide.
    fn play_mm(&self) -> (f32, f32) {
        (
            (self.width_mm - A4_WIDTH_MM).max(0.0),
            (self.height_mm - FOLD_MM).max(0.0),
        )
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

impl Sender {
    /// Prefecture and city.
    pub(crate) fn full_name(&self) -> String {
        let prefecture = self.city_code.prefecture().map_or("", |prefecture| {
            Places::bundled().prefecture_name(prefecture)
        });
        format!("{prefecture}{}", self.city_name)
    }
}

/// The first fold of a sheet folded twice.
pub(crate) const FOLD_MM: f32 = A4_HEIGHT_MM / 3.0;
const RIGHT_MM: f32 = A4_WIDTH_MM - 12.0;

const RECIPIENT: Style = Style {
    size_pt: 12.0,
    size_min_pt: 6.5,
    ..FILLED
};
const ADDRESS: Style = Style {
    size_min_pt: 6.0,
    ..FILLED
};
const SENDER: Style = Style {
    size_pt: 11.0,
    size_min_pt: 6.5,
    align: Align::Right,
    ..TITLE
};

/// Lays out the page with the address.
///
/// `enclosed` says what is in the envelope and what to do with it.
pub(crate) fn cover(
    sender: &Sender,
    person: &Person,
    envelope: &Envelope,
    heading: &str,
    enclosed: &[&str],
) -> Result<Layout, PaperRefusal> {
    let mut page = Layout::a4();
    write_top(&mut page, sender, person, envelope)?;
    let (left, width) = (24.0, A4_WIDTH_MM - 48.0);
    let heading_mm = FOLD_MM + 16.0;
    page.line("heading", heading, TITLE, [left, heading_mm, width]);
    let rule = Area::horizontal(left, heading_mm + 2.6, width);
    page.fill("rule", Ink::Grey, vec![rule]);
    let mut y_mm = heading_mm + 6.0;
    for sentence in enclosed {
        let area = Area::new(left, y_mm, width, height_mm(sentence, TEXT, width));
        page.paragraph("advice", sentence, TEXT, area);
        y_mm = area.bottom_mm() + 3.0;
    }
    page.finish()
}

/// The upper third: the address where the window shows it, the sender where it does not.
pub(crate) fn write_top(
    page: &mut Layout,
    sender: &Sender,
    person: &Person,
    envelope: &Envelope,
) -> Result<(), PaperRefusal> {
    write_address(page, person, envelope.always_shown())?;
    write_sender(page, sender, envelope.ever_shown());
    fold_marks(page);
    Ok(())
}

fn write_address(page: &mut Layout, person: &Person, area: Area) -> Result<(), PaperRefusal> {
    let name = first_columns(&person.name, NAME_COLUMNS_MAX);
    let recipient = format!("{name}　様");
    let Residence::At(address) = &person.residence else {
        // No address: it is handed over, and whoever sorts the sheets sees which it is.
        let [_, name_area] = area.rows([area.height_mm / 2.0, area.height_mm / 2.0]);
        page.cell("recipient", &recipient, RECIPIENT, name_area);
        return Ok(());
    };
    let rows = address_rows(area);
    let [.., last] = rows;
    write_lines(page, address, rows)?;
    page.cell("recipient", &recipient, RECIPIENT, last);
    Ok(())
}

/// Postal code, three lines, and the name.
fn address_rows(area: Area) -> [Area; 5] {
    let row_mm = area.height_mm / 5.4;
    area.rows([row_mm, row_mm, row_mm, row_mm, row_mm * 1.4])
}

fn write_lines(
    page: &mut Layout,
    address: &Address,
    [postal, first, second, third, _]: [Area; 5],
) -> Result<(), PaperRefusal> {
    crate::sheets::counted(
        "address lines",
        address.lines.len(),
        0,
        crate::ADDRESS_LINES_MAX,
    )?;
    if let Some(code) = &address.postal_code {
        page.cell("postal code", &format!("〒{code}"), ADDRESS, postal);
    }
    for (line, row) in address.lines.iter().zip([first, second, third]) {
        page.cell("address", line, ADDRESS, row);
    }
    Ok(())
}

/// To the right of whatever the window can show.
fn write_sender(page: &mut Layout, sender: &Sender, shown: Area) {
    let x_mm = shown.right_mm() + 3.0;
    let width_mm = RIGHT_MM - x_mm;
    page.line(
        "sender",
        &sender.full_name(),
        SENDER,
        [x_mm, 21.0, width_mm],
    );
    let small = Style {
        align: Align::Right,
        ..NOTE
    };
    page.paragraph(
        "desk",
        &sender.desk,
        small,
        Area::new(x_mm, 24.0, width_mm, 9.0),
    );
    let code = format!("市町村コード　{}", sender.city_code.as_str());
    page.line("sender code", &code, small, [x_mm, 37.0, width_mm]);
    if let Some(place) = &sender.return_to {
        let text = format!("返送先　{place}");
        let area = Area::new(x_mm, 39.5, width_mm, 8.0);
        page.paragraph("return address", &text, small, area);
    }
}

/// Ticks at the left edge where the sheet is folded, as folding machines and people want them.
fn fold_marks(page: &mut Layout) {
    let ticks = [FOLD_MM, 2.0 * FOLD_MM]
        .into_iter()
        .map(|y_mm| Area::horizontal(3.0, y_mm, 4.0))
        .collect();
    page.fill("fold", Ink::Grey, ticks);
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::people::{BirthDate, Sex};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn sender() -> Sender {
        Sender {
            city_name: "千代田区".to_owned(),
            city_code: MunicipalityCode::parse("131016").unwrap(),
            desk: "健康推進課 予防接種係 電話 03-0000-0000".to_owned(),
            return_to: Some("〒102-8688 東京都千代田区九段南一丁目2番1号".to_owned()),
        }
    }

    pub(crate) fn person() -> Person {
        Person {
            name: "厚生　太郎".to_owned(),
            kana: "コウセイ タロウ".to_owned(),
            birth: BirthDate::parse("1946-05-03").unwrap(),
            sex: Sex::Male,
            residence: Residence::At(Address {
                postal_code: Some("102-8688".to_owned()),
                lines: vec![
                    "東京都千代田区九段南一丁目2番1号".to_owned(),
                    "千代田マンション101号室".to_owned(),
                ],
            }),
        }
    }

    pub(crate) fn protected() -> Person {
        Person {
            residence: Residence::Protected,
            ..person()
        }
    }

    const IN_WINDOW: [&str; 3] = ["postal code", "address", "recipient"];

    fn covers() -> impl Iterator<Item = (Envelope, Layout)> {
        [Envelope::LONG_3, Envelope::DL]
            .into_iter()
            .map(|envelope| {
                let page =
                    cover(&sender(), &person(), &envelope, "予診票", &["同封のもの"]).unwrap();
                (envelope, page)
            })
    }

    /// What the window shows when the sheet has slid by this share of its play.
    fn window(envelope: &Envelope, right: f32, down: f32) -> Area {
        let (play_x_mm, play_y_mm) = envelope.play_mm();
        Area::new(
            envelope.window_left_mm - play_x_mm * right,
            envelope.window_top_mm - play_y_mm * down,
            envelope.window_width_mm,
            envelope.window_height_mm,
        )
    }

    #[test]
    fn however_the_sheet_slides_the_address_shows_and_nothing_else() {
        for (envelope, page) in covers() {
            proptest!(|(right in 0.0..=1.0_f32, down in 0.0..=1.0_f32)| {
                let window = window(&envelope, right, down);
                for mark in &page.marks {
                    let ink = mark.extent().unwrap();
                    if IN_WINDOW.contains(&mark.part) {
                        let holds = window.grown(0.01).holds(&ink);
                        prop_assert!(holds, "{} {ink:?} {window:?}", mark.part);
                    } else if ink.y_mm < FOLD_MM {
                        prop_assert!(!window.touches(&ink), "{}", mark.part);
                    }
                }
            });
        }
    }

    #[test]
    fn a_protected_person_has_a_name_in_the_window_and_no_address() {
        let page = cover(&sender(), &protected(), &Envelope::LONG_3, "予診票", &[]).unwrap();
        assert_eq!(page.parts("recipient").count(), 1);
        assert_eq!(
            page.parts("address").count() + page.parts("postal code").count(),
            0
        );
    }

    fn registered(place: &str, extra: &str) -> Address {
        let code = addresses::PostalCode::parse("1028688").ok();
        let kept = addresses::Address::of(code, place.to_owned(), extra.to_owned());
        Address::of(&kept.unwrap()).unwrap()
    }

    #[test]
    fn a_long_address_is_broken_where_a_reader_would() {
        let lines = |place: &str, extra: &str| registered(place, extra).lines.join("/");
        assert_eq!(
            lines(
                "東京都千代田区九段南一丁目2番1号",
                "千代田マンション101号室"
            ),
            "東京都千代田区九段南一丁目2番1号/千代田マンション101号室"
        );
        assert_eq!(
            lines(
                "北海道上川郡東神楽町字見本台北東二十四条西百二十三番地4",
                ""
            ),
            "北海道上川郡東神楽町字見本台北東/二十四条西百二十三番地4"
        );
        let endless = "町".repeat(200);
        assert!(!registered(&endless, &endless).is_printable(&Envelope::LONG_3));
        assert!(!registered("𠮷田町1", "").is_printable(&Envelope::LONG_3));
        for envelope in [Envelope::LONG_3, Envelope::DL] {
            let long = registered(&"町".repeat(40), &"棟".repeat(30));
            assert!(long.is_printable(&envelope));
        }
    }

    #[test]
    fn an_address_without_a_place_is_none() {
        let room = addresses::Address::of(None, String::new(), "101号室".to_owned()).unwrap();
        assert_eq!(Address::of(&room), None);
    }

    #[test]
    fn a_fourth_line_of_an_address_is_refused() {
        let mut person = person();
        person.residence = Residence::At(Address {
            postal_code: None,
            lines: vec!["国".to_owned(); 4],
        });
        let refused = cover(&sender(), &person, &Envelope::DL, "予診票", &[]).err();
        assert_eq!(refused.map(|refusal| refusal.code()), Some("paper_count"));
    }
}
