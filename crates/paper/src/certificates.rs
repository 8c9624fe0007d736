//! The proof of vaccination on paper: 接種済証 for here, and the certificate for travelling
//! (新型コロナウイルス感染症予防接種証明書) in Japanese and English.
//!
//! The city that a person lived in at a dose certifies that dose and no other (`TB/118`, FAQ), so
//! every dose on the sheet is of one city. What is not known is printed as `*` (`W8180/13`), never
//! left empty for somebody to fill in.

use std::fmt;

use domain::calendar::Day;

use crate::PaperRefusal;
use crate::envelopes::Sender;
use crate::forms::{A4_HEIGHT_MM, A4_WIDTH_MM, FILLED, LABEL, TEXT, TITLE};
use crate::layout::{Align, Area, Ink, Layout, Style};
use crate::persons::{Person, Residence};
use crate::sheets::counted;
use crate::symbols::draft_bars;

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The city that certifies.
    pub sender: Sender,
    /// 首長名: "千代田区長　千代田　花子".
    pub mayor: String,
    /// 交付日.
    pub issued_on: Day,
    /// 証明書番号; empty on a 接種済証, which has none.
    pub id: String,
    /// For whom.
    pub person: Person,
    /// For travelling, with what the passport says; `None` for the 接種済証.
    pub travel: Option<Travel>,
    /// The doses in the order of their days, 1 to [`CERTIFIED_DOSES_MAX`].
    pub doses: Vec<CertifiedDose>,
}

/// What a certificate for travelling adds.
#[derive(Clone, PartialEq, Eq)]
pub struct Travel {
    /// The name as the passport's machine-readable lines have it: `KOSEI TARO`.
    pub romaji: String,
    /// 旅券番号.
    pub passport: String,
    /// 国籍, as the passport has it: `JPN`.
    pub nationality: String,
    /// The mayor in English: `Mayor of Chiyoda City`.
    pub authority: String,
}

/// A dose that is certified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertifiedDose {
    /// 通算回数.
    pub turn: u8,
    /// 接種日.
    pub given_on: Day,
    /// 接種国, as passports write it: `JPN`. Printed on the certificate for travelling.
    pub country: String,
    /// メーカー.
    pub maker: Option<String>,
    /// The product, in Japanese.
    pub product_ja: Option<String>,
    /// The product, in English.
    pub product_en: Option<String>,
    /// ロット番号.
    pub lot: Option<String>,
    /// 受領番号, printed on the 接種済証: by it anybody can have the dose compared with the ledger.
    pub receipt: Option<PrintedReceipt>,
}

/// A receipt number as it is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrintedReceipt {
    /// The number.
    pub number: String,
    /// Where it is held against the ledger: the text of the QR code.
    pub address: String,
}

/// Doses on one sheet: the turns that coupons were issued for.
pub const CERTIFIED_DOSES_MAX: usize = 7;

/// What is not known (`W8180/13`).
const UNKNOWN: &str = "*";

const LEFT_MM: f32 = 20.0;
const WIDTH_MM: f32 = A4_WIDTH_MM - 2.0 * LEFT_MM;
const LABEL_MM: f32 = 40.0;
const FIELD_MM: f32 = 10.0;
const DOSE_MM: f32 = 11.0;
/// With a receipt's QR code, whose modules are then 0.4 mm and more.
const DOSE_WITH_RECEIPT_MM: f32 = 17.0;
const RECEIPT_QR_MM: f32 = 14.0;

const HEADING: Style = Style {
    size_pt: 18.0,
    align: Align::Center,
    ..TITLE
};
const ENGLISH_HEADING: Style = Style {
    size_pt: 12.0,
    ..HEADING
};
const CENTERED: Style = Style {
    align: Align::Center,
    ..FILLED
};
const STATEMENT: Style = Style {
    size_pt: 10.5,
    ..TEXT
};
const MAYOR: Style = Style {
    size_pt: 13.0,
    align: Align::Right,
    ..FILLED
};
const RIGHT: Style = Style {
    align: Align::Right,
    ..STATEMENT
};

impl Certificate {
    /// The sheet as a page.
    pub(crate) fn layout(&self) -> Result<Layout, PaperRefusal> {
        counted("doses", self.doses.len(), 1, CERTIFIED_DOSES_MAX)?;
        let mut page = Layout::a4();
        let mut y_mm = self.write_heading(&mut page);
        for (part, label, text) in self.facts() {
            let area = Area::new(LEFT_MM, y_mm, WIDTH_MM, FIELD_MM);
            page.field(part, label, &text, area, LABEL_MM);
            y_mm += FIELD_MM;
        }
        y_mm = self.write_doses(&mut page, y_mm + 8.0);
        self.write_statement(&mut page, y_mm + 8.0);
        page.finish()
    }

    fn write_heading(&self, page: &mut Layout) -> f32 {
        let number = format!("証明書番号　{}", self.id);
        if self.travel.is_none() {
            let title = "新型コロナワクチン予防接種済証(臨時)";
            page.line("title", title, HEADING, [LEFT_MM, 34.0, WIDTH_MM]);
            return 46.0;
        }
        if !self.id.is_empty() {
            page.line(
                "certificate number",
                &number,
                RIGHT,
                [LEFT_MM, 20.0, WIDTH_MM],
            );
        }
        let title = "新型コロナウイルス感染症 予防接種証明書";
        page.line("title", title, HEADING, [LEFT_MM, 34.0, WIDTH_MM]);
        let english = "Vaccination Certificate of COVID-19";
        page.line("title", english, ENGLISH_HEADING, [LEFT_MM, 42.0, WIDTH_MM]);
        52.0
    }

    /// Who it is: the part's name, its label, its text.
    fn facts(&self) -> Vec<(&'static str, &'static str, String)> {
        let person = &self.person;
        let Some(travel) = &self.travel else {
            let mut facts = vec![
                ("name", "氏　名", person.name.clone()),
                ("birth", "生年月日", person.birth.japanese()),
            ];
            // Without an address the sheet is as good, so there is no empty cell to ask about.
            if let Residence::At(_) = person.residence {
                facts.insert(1, ("address", "住　所", person.residence.in_one_line()));
            }
            return facts;
        };
        vec![
            ("name", "氏名\nName in Japanese", person.name.clone()),
            ("romaji", "ローマ字氏名\nName", travel.romaji.clone()),
            ("birth", "生年月日\nDate of birth", person.birth.iso()),
            (
                "nationality",
                "国籍\nNationality",
                travel.nationality.clone(),
            ),
            (
                "passport",
                "旅券番号\nPassport number",
                travel.passport.clone(),
            ),
        ]
    }

    fn write_doses(&self, page: &mut Layout, y_mm: f32) -> f32 {
        if self.travel.is_none() {
            return self.write_doses_with_receipts(page, y_mm);
        }
        let widths_mm = [22.0, 38.0, 66.0, WIDTH_MM - 126.0];
        let head = Area::new(LEFT_MM, y_mm, WIDTH_MM, FIELD_MM);
        let names = [
            "回数\nDose",
            "接種年月日・接種国\nDate, country",
            "メーカー・製品名\nManufacturer, product",
            "製造番号\nLot number",
        ];
        for (name, area) in names.into_iter().zip(head.columns(widths_mm)) {
            page.label(name, area);
        }
        for (row, dose) in self.doses.iter().enumerate() {
            let y_mm = head.bottom_mm() + row as f32 * DOSE_MM;
            let cells = Area::new(LEFT_MM, y_mm, WIDTH_MM, DOSE_MM).columns(widths_mm);
            let texts = [
                dose.turn.to_string(),
                format!("{}\n{}", dose.given_on, dose.country),
                format!(
                    "{} {}\n{}",
                    known(&dose.maker),
                    known(&dose.product_ja),
                    known(&dose.product_en)
                ),
                known(&dose.lot).to_owned(),
            ];
            for (text, area) in texts.iter().zip(cells) {
                page.frame(area);
                page.cell("dose", text, CENTERED, area);
            }
        }
        head.bottom_mm() + self.doses.len() as f32 * DOSE_MM
    }

    /// The doses of a 接種済証, each with its receipt number and the code that leads to its proof.
    fn write_doses_with_receipts(&self, page: &mut Layout, y_mm: f32) -> f32 {
        let widths_mm = [18.0, 34.0, 46.0, WIDTH_MM - 116.0, 18.0];
        let head = Area::new(LEFT_MM, y_mm, WIDTH_MM, FIELD_MM);
        let names = [
            "回数(通算)",
            "接種年月日",
            "メーカー・ワクチン",
            "ロット番号・受領番号",
            "確認用",
        ];
        for (name, area) in names.into_iter().zip(head.columns(widths_mm)) {
            page.label(name, area);
        }
        for (row, dose) in self.doses.iter().enumerate() {
            let y_mm = head.bottom_mm() + row as f32 * DOSE_WITH_RECEIPT_MM;
            let area = Area::new(LEFT_MM, y_mm, WIDTH_MM, DOSE_WITH_RECEIPT_MM);
            let cells = area.columns(widths_mm);
            let number = dose.receipt.as_ref().map(|receipt| receipt.number.as_str());
            let texts = [
                format!("{}回目", dose.turn),
                dose.given_on.japanese(),
                format!("{}\n{}", known(&dose.maker), known(&dose.product_ja)),
                format!("{}\n{}", known(&dose.lot), number.unwrap_or(UNKNOWN)),
                String::new(),
            ];
            for (text, area) in texts.iter().zip(cells) {
                page.frame(area);
                page.cell("dose", text, CENTERED, area);
            }
            if let (Some(receipt), [.., last]) = (&dose.receipt, cells) {
                let inset_mm = (DOSE_WITH_RECEIPT_MM - RECEIPT_QR_MM) / 2.0;
                let code = Area::new(
                    last.x_mm + (last.width_mm - RECEIPT_QR_MM) / 2.0,
                    last.y_mm + inset_mm,
                    RECEIPT_QR_MM,
                    RECEIPT_QR_MM,
                );
                match draft_bars(&receipt.address, code) {
                    Some(bars) => page.fill("receipt code", Ink::Black, bars),
                    None => page.refuse_too_long("receipt code"),
                }
            }
        }
        head.bottom_mm() + self.doses.len() as f32 * DOSE_WITH_RECEIPT_MM
    }

    fn write_statement(&self, page: &mut Layout, y_mm: f32) {
        let statement = match self.travel {
            None => "上記のとおり、予防接種法に基づく予防接種を行ったことを証明します。",
            Some(_) => {
                "上記のとおり、新型コロナウイルス感染症に係る予防接種を行ったことを証明する。\nThis is to certify that the person named above has been vaccinated against COVID-19 as stated."
            }
        };
        let area = Area::new(LEFT_MM, y_mm, WIDTH_MM, 22.0);
        page.paragraph("statement", statement, STATEMENT, area);
        let issued = match self.travel {
            None => format!("交付日　{}", self.issued_on.japanese()),
            Some(_) => format!("交付日 Date of issue　{}", self.issued_on),
        };
        let base_mm = (y_mm + 36.0).min(A4_HEIGHT_MM - 40.0);
        // The right 30 mm are the place of the official seal (公印), which stands beside the mayor.
        let width_mm = WIDTH_MM - 32.0;
        page.line("issued", &issued, STATEMENT, [LEFT_MM, base_mm, width_mm]);
        page.line(
            "mayor",
            &self.mayor,
            MAYOR,
            [LEFT_MM, base_mm + 12.0, width_mm],
        );
        if let Some(travel) = &self.travel {
            let english = format!("{}, Japan", travel.authority);
            page.line(
                "mayor",
                &english,
                RIGHT,
                [LEFT_MM, base_mm + 18.0, width_mm],
            );
        }
        let seal = Area::new(LEFT_MM + WIDTH_MM - 28.0, base_mm, 24.0, 24.0);
        page.cell("seal place", "公印", SEAL, seal);
    }
}

/// What is known, or the sign for what is not.
fn known(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or(UNKNOWN)
}

const SEAL: Style = Style {
    ink: Ink::Grey,
    ..LABEL
};

impl fmt::Debug for Certificate {
    /// The city and the day; nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("city_code", &self.sender.city_code)
            .field("issued_on", &self.issued_on)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelopes::tests::{person, protected, sender};
    use crate::layout::Mark;

    fn dose(turn: u8) -> CertifiedDose {
        CertifiedDose {
            turn,
            given_on: Day::parse("2021-06-12").unwrap(),
            country: "JPN".to_owned(),
            maker: Some("ファイザー".to_owned()),
            product_ja: Some("コミナティ".to_owned()),
            product_en: Some("Comirnaty".to_owned()),
            lot: None,
            receipt: Some(PrintedReceipt {
                number: "16A5-00000-2ZRC0-1K7QM".to_owned(),
                address: "https://sesshu.example.org/receipts/16A5-00000-2ZRC0-1K7QM".to_owned(),
            }),
        }
    }

    fn certificate(person: Person, travel: Option<Travel>, doses: usize) -> Certificate {
        Certificate {
            sender: sender(),
            mayor: "千代田区長　千代田　花子".to_owned(),
            issued_on: Day::parse("2021-07-26").unwrap(),
            id: String::new(),
            person,
            travel,
            doses: (1..).take(doses).map(dose).collect(),
        }
    }

    fn travel() -> Option<Travel> {
        Some(Travel {
            romaji: "KOSEI TARO".to_owned(),
            passport: "TK0000000".to_owned(),
            nationality: "JPN".to_owned(),
            authority: "Mayor of Chiyoda City".to_owned(),
        })
    }

    #[test]
    fn seven_doses_fit_both_layouts() {
        for travel in [None, travel()] {
            let page = certificate(person(), travel, CERTIFIED_DOSES_MAX).layout();
            assert!(page.is_ok(), "{:?}", page.err());
        }
    }

    #[test]
    fn a_proof_has_the_receipt_of_each_dose_and_a_certificate_for_travelling_has_none() {
        let proof = certificate(person(), None, 3).layout().unwrap();
        assert_eq!(proof.parts("receipt code").count(), 3);
        let number = "16A5-00000-2ZRC0-1K7QM";
        let told = |mark: &Mark| mark.text().is_some_and(|text| text.contains(number));
        assert!(proof.parts("dose").any(told));
        let abroad = certificate(person(), travel(), 3).layout().unwrap();
        assert_eq!(abroad.parts("receipt code").count(), 0);
    }

    #[test]
    fn what_is_not_known_is_an_asterisk_and_never_an_empty_cell() {
        let page = certificate(person(), None, 1).layout().unwrap();
        assert!(page.parts("dose").any(|mark| mark.text() == Some("*")));
    }

    #[test]
    fn a_certificate_for_travelling_has_no_address_and_a_protected_persons_has_none_either() {
        for certificate in [
            certificate(person(), travel(), 1),
            certificate(protected(), None, 1),
        ] {
            assert_eq!(certificate.layout().unwrap().parts("address").count(), 0);
        }
        let plain = certificate(person(), None, 1).layout().unwrap();
        assert_eq!(plain.parts("address").count(), 1);
    }

    #[test]
    fn nothing_to_certify_is_no_certificate() {
        for doses in [0, 8] {
            let refused = certificate(person(), None, doses).layout().err();
            assert_eq!(refused.map(|refusal| refusal.code()), Some("paper_count"));
        }
    }
}
