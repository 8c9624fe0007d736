//! The sheet of seals (接種券シール) for venues that stick them on a separate questionnaire: coupons
//! on the left, interview-only coupons (予診のみ券) beside them, and below the proof of vaccination
//! (接種済証) on which venues stick the vial's seal.
//!
//! The first series had two of each, infants three (`W5453/4`), a booster one (`TB/138`).

use std::fmt;

use domain::coupons::{Coupon, CouponKind, CouponNumber};

use crate::PaperRefusal;
use crate::coupons::{HEIGHT_MM, WIDTH_MM, coupon_layout};
use crate::envelopes::{Envelope, FOLD_MM, Sender, write_top};
use crate::forms::{A4_HEIGHT_MM, A4_INNER_MM, A4_WIDTH_MM, FILLED, MARGIN_MM, NOTE, TITLE};
use crate::layout::{Align, Area, Ink, Layout, Style};
use crate::persons::Person;
use crate::sheets::{counted, crop_marks};

/// The seals of one person.
#[derive(Clone, PartialEq)]
pub struct SealSheet {
    /// The city that sends it.
    pub sender: Sender,
    /// For whom.
    pub person: Person,
    /// 券番号.
    pub number: CouponNumber,
    /// The turns (通算回数), 1 to [`SEAL_TURNS_MAX`] of them, each with an interview-only coupon.
    pub turns: Vec<u8>,
    /// The window the address shows in.
    pub envelope: Envelope,
    /// 首長名, as it stands on the proof: "千代田区長　千代田　花子".
    pub mayor: String,
}

/// Turns on one sheet: the infants' series of three.
pub const SEAL_TURNS_MAX: usize = 3;

/// The digits of the two kinds (`data/coupon_kinds.csv`).
const DOSE: u8 = 2;
const INTERVIEW_ONLY: u8 = 1;

const COLUMN_GAP_MM: f32 = 14.0;
const ROW_GAP_MM: f32 = 5.0;
const LEFT_MM: f32 = (A4_WIDTH_MM - 2.0 * WIDTH_MM - COLUMN_GAP_MM) / 2.0;
const TOP_MM: f32 = FOLD_MM + 10.0;
/// The proof fills what is left below three rows of seals.
const PROOF: Area = Area::new(
    MARGIN_MM,
    TOP_MM + 3.0 * (HEIGHT_MM + ROW_GAP_MM) + 1.0,
    A4_INNER_MM,
    A4_HEIGHT_MM - 9.0 - (TOP_MM + 3.0 * (HEIGHT_MM + ROW_GAP_MM) + 1.0),
);
const PROOF_TITLE: Style = Style {
    size_pt: 11.0,
    ..TITLE
};
const MAYOR: Style = Style {
    size_pt: 9.0,
    align: Align::Right,
    ..FILLED
};

impl SealSheet {
    /// The two coupons of each turn, in the order they are printed.
    fn coupons(&self) -> impl Iterator<Item = (usize, usize, Coupon)> {
        self.turns.iter().enumerate().flat_map(move |(row, turn)| {
            [DOSE, INTERVIEW_ONLY]
                .into_iter()
                .enumerate()
                .map(move |(column, kind_digit)| {
                    let coupon = Coupon {
                        kind: CouponKind::of(kind_digit),
                        kind_digit,
                        turn_digit: *turn,
                        municipality: self.sender.city_code,
                        number: self.number,
                    };
                    (row, column, coupon)
                })
        })
    }

    /// The sheet as a page.
    pub(crate) fn layout(&self) -> Result<Layout, PaperRefusal> {
        counted("turns", self.turns.len(), 1, SEAL_TURNS_MAX)?;
        let mut page = Layout::a4();
        write_top(&mut page, &self.sender, &self.person, &self.envelope)?;
        let advice = "シールははがさず、この用紙のままお持ちください。予診のみ券は、予診の結果、接種を受けなかったときに使います。/ Bring this sheet as it is; do not peel off the seals.";
        let advice_area = Area::new(LEFT_MM, FOLD_MM + 1.0, A4_WIDTH_MM - 2.0 * LEFT_MM, 6.2);
        page.paragraph("advice", advice, NOTE, advice_area);
        for (row, column, coupon) in self.coupons() {
            let x_mm = LEFT_MM + column as f32 * (WIDTH_MM + COLUMN_GAP_MM);
            let y_mm = TOP_MM + row as f32 * (HEIGHT_MM + ROW_GAP_MM);
            let seal = coupon_layout(&coupon, &self.sender.city_name, &self.person.name)?;
            page.place(seal, x_mm, y_mm);
            page.fill("crop marks", Ink::Grey, crop_marks(x_mm, y_mm));
        }
        self.write_proof(&mut page);
        page.finish()
    }

    /// 接種済証: name, address and birth date printed, a column for each turn left for the venue
    /// (`W8180/13`, `TB/133`).
    fn write_proof(&self, page: &mut Layout) {
        let [head, person, turns] = PROOF.rows([7.0, 14.0, PROOF.height_mm - 21.0]);
        let [title, mayor] = head.columns([100.0, A4_INNER_MM - 100.0]);
        page.cell(
            "proof title",
            "新型コロナワクチン予防接種済証(臨時)",
            PROOF_TITLE,
            title,
        );
        page.cell("mayor", &self.mayor, MAYOR, mayor);
        let [name, rest] = person.rows([7.0, 7.0]);
        let [name, birth] = name.columns([110.0, A4_INNER_MM - 110.0]);
        page.field("name", "氏　名", &self.person.name, name, 16.0);
        page.field(
            "birth",
            "生年月日",
            &self.person.birth.japanese(),
            birth,
            18.0,
        );
        page.field(
            "address",
            "住　所",
            &self.person.residence.in_one_line(),
            rest,
            16.0,
        );
        let width_mm = A4_INNER_MM / self.turns.len() as f32;
        for (column, turn) in self.turns.iter().enumerate() {
            let area = Area {
                x_mm: MARGIN_MM + column as f32 * width_mm,
                width_mm,
                ..turns
            };
            let [label, date, seal] = area.rows([5.0, 6.0, area.height_mm - 11.0]);
            page.label(&format!("{turn}回目(通算)"), label);
            page.field("day", "接種日", "　　年　　月　　日", date, 16.0);
            page.frame(seal);
            let hint = "メーカー・ロット番号のシールを貼る / Maker and lot";
            page.paragraph("note", hint, NOTE, seal.inset(1.0, 0.6));
        }
    }
}

impl fmt::Debug for SealSheet {
    /// The city and the turns; nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealSheet")
            .field("city_code", &self.sender.city_code)
            .field("turns", &self.turns)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelopes::tests::{person, protected, sender};

    fn sheet(turns: &[u8]) -> SealSheet {
        SealSheet {
            sender: sender(),
            person: person(),
            number: CouponNumber::parse("0000012345").unwrap(),
            turns: turns.to_vec(),
            envelope: Envelope::LONG_3,
            mayor: "千代田区長　千代田　花子".to_owned(),
        }
    }

    fn lines(page: &Layout) -> Vec<String> {
        let text = |mark: &crate::layout::Mark| mark.text().map(str::to_owned);
        page.parts("line").filter_map(text).collect()
    }

    #[test]
    fn each_turn_has_a_coupon_and_an_interview_beside_it() {
        let page = sheet(&[1, 2]).layout().unwrap();
        assert_eq!(
            lines(&page),
            [
                "211310160000012345",
                "111310160000012345",
                "221310160000012345",
                "121310160000012345"
            ]
        );
    }

    #[test]
    fn the_kinds_are_what_the_table_says() {
        assert_eq!(CouponKind::of(DOSE), CouponKind::Dose);
        assert_eq!(CouponKind::of(INTERVIEW_ONLY), CouponKind::InterviewOnly);
    }

    #[test]
    fn an_infants_sheet_keeps_every_seal_clear_of_the_others_and_of_the_proof() {
        let page = sheet(&[1, 2, 3]).layout().unwrap();
        let codes: Vec<Area> = page
            .parts("qr")
            .map(|mark| mark.extent().unwrap())
            .collect();
        assert_eq!(codes.len(), 6);
        for code in &codes {
            assert!(code.y_mm > FOLD_MM && code.bottom_mm() + 2.0 < PROOF.y_mm);
            // Crop marks are one mark with eight ticks around the seal; `sheets` measures each.
            let others = |mark: &&crate::layout::Mark| !["qr", "crop marks"].contains(&mark.part);
            for mark in page.marks.iter().filter(others) {
                let ink = mark.extent();
                assert!(
                    ink.is_none_or(|ink| !ink.touches(&code.grown(1.9))),
                    "{}",
                    mark.part
                );
            }
        }
    }

    #[test]
    fn a_sheet_without_or_with_a_fourth_turn_is_refused() {
        for turns in [&[][..], &[1, 2, 3, 4]] {
            let refused = sheet(turns).layout().err();
            assert_eq!(refused.map(|refusal| refusal.code()), Some("paper_count"));
        }
    }

    #[test]
    fn a_protected_person_has_no_address_in_window_or_proof() {
        let page = SealSheet {
            person: protected(),
            ..sheet(&[1])
        }
        .layout()
        .unwrap();
        assert_eq!(
            page.parts("address").count() + page.parts("postal code").count(),
            0
        );
    }
}
