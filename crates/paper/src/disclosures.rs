//! What the ledger holds of a person, as the person may have it (予防接種台帳の開示).
//!
//! The items are those of 予防接種法施行規則3条: name, sex, birth date, address; date, vaccine,
//! doctor, lot (domain paper §2.11). The Individual Number is an item too and is never printed:
//! whether one is registered is said instead.

use std::fmt;

use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::places::MunicipalityCode;

use crate::PaperRefusal;
use crate::envelopes::Sender;
use crate::layout::Layout;
use crate::persons::{Person, Residence, sex_word};
use crate::tables::Table;

/// A person's part of the ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The city that discloses.
    pub sender: Sender,
    /// 開示日.
    pub on: Day,
    /// Whose it is.
    pub person: Person,
    /// 券番号, now and formerly.
    pub numbers: Vec<CouponNumber>,
    /// Whether an Individual Number (個人番号) is registered.
    pub has_individual_number: bool,
    /// Every dose, voided ones included, in the order of their days.
    pub doses: Vec<DisclosedDose>,
}

/// A dose as the ledger holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct DisclosedDose {
    /// 通算回数; `None` where it is open.
    pub turn: Option<u8>,
    /// 接種日.
    pub given_on: Day,
    /// ワクチン.
    pub product: String,
    /// ロット番号; empty if none was told.
    pub lot: String,
    /// 会場名.
    pub venue: String,
    /// 医師名.
    pub doctor: String,
    /// The city of the coupon.
    pub city: MunicipalityCode,
    /// What is noted: void, under check, corrected.
    pub note: String,
}

impl Disclosure {
    /// The pages.
    pub(crate) fn layouts(&self) -> Result<Vec<Layout>, PaperRefusal> {
        let issued = format!("{}　{}", self.on.japanese(), self.sender.full_name());
        let address = match &self.person.residence {
            Residence::At(_) => self.person.residence.in_one_line(),
            Residence::Protected => "(支援措置のため記載しません)".to_owned(),
            Residence::Blank => "(登録なし)".to_owned(),
        };
        let numbers: Vec<&str> = self.numbers.iter().map(CouponNumber::as_str).collect();
        let individual = if self.has_individual_number {
            "登録あり(番号は印刷しません)"
        } else {
            "登録なし"
        };
        let remarks = format!(
            "予防接種法施行規則第3条に定める予防接種台帳の記載事項です。記録は接種日から5年間保存されます。内容に誤りがあるときは、次の窓口に訂正を申し出ることができます。\n{}",
            self.sender.desk
        );
        Table {
            title: "予防接種台帳 記載事項",
            issued: &issued,
            facts: vec![
                ("氏名", self.person.name.clone()),
                ("フリガナ", self.person.kana.clone()),
                ("生年月日", self.person.birth.japanese()),
                ("性別", sex_word(self.person.sex).to_owned()),
                ("住所", address),
                ("券番号", numbers.join("、")),
                ("個人番号", individual.to_owned()),
            ],
            columns: vec![
                ("回数", 1.0),
                ("接種日", 2.6),
                ("ワクチン", 3.6),
                ("ロット番号", 2.2),
                ("会場", 4.0),
                ("医師", 2.4),
                ("市町村コード", 2.3),
                ("備考", 2.2),
            ],
            rows: self.doses.iter().map(row).collect(),
            empty: "接種の記録はありません。",
            remarks: &remarks,
        }
        .layouts()
    }
}

fn row(dose: &DisclosedDose) -> Vec<String> {
    vec![
        dose.turn.map(|turn| turn.to_string()).unwrap_or_default(),
        dose.given_on.japanese(),
        dose.product.clone(),
        dose.lot.clone(),
        dose.venue.clone(),
        dose.doctor.clone(),
        dose.city.as_str().to_owned(),
        dose.note.clone(),
    ]
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disclosure")
            .field("city_code", &self.sender.city_code)
            .field("on", &self.on)
            .finish_non_exhaustive()
    }
}
