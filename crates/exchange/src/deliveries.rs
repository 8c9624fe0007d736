//! 配送結果CSV: what a wholesaler delivered, one line for each lot of a slip (domain paper §3.7).
//!
//! The layout is ours \[O\]: that of the real programme was not found.

use std::io::{self, Read};

use domain::calendar::Day;
use domain::deliveries::{
    DELIVERY_VIALS_MAX, Delivery, NUMBER_LENGTH_MAX, PaperNumber, PaperNumberRefusal, Temperature,
};
use domain::stock::NOTE_LENGTH_MAX;
use domain::vaccines::{Lot, ProductKey, Vaccines};
use domain::venues::FacilityCode;
use domain::venues::own_codes::{OWN_CODE_LENGTH_MAX, OwnCodeBook, OwnCodeRefusal};

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, day, digits, short};
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};

/// One line of the file: the delivery, or why not.
pub type DeliveryLine = FileLine<Delivery>;

/// Reads a file of deliveries line by line.
#[derive(Debug)]
pub struct Reader<R> {
    sheet: Sheet<R>,
    book: OwnCodeBook,
}

impl<R: Read> Reader<R> {
    /// Opens a file of deliveries whose sender may name venues by its own codes (自社コード).
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn open(
        source: R,
        encoding: Encoding,
        book: OwnCodeBook,
    ) -> Result<Self, StructureRefusal> {
        Ok(Self {
            sheet: Sheet::open(source, encoding, LAYOUT)?,
            book,
        })
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<DeliveryLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sheet.take(|form, _| read(form, &self.book))
    }
}

const LAYOUT: Layout = Layout {
    items: &[
        "伝票番号",
        "会場コード",
        "製品コード",
        "ロット",
        "有効期限",
        "バイアル数",
        "配送日",
        "発注番号",
        "温度記録",
        "備考",
        "自社コード",
    ],
    required: 7,
};

const SLIP: Item = Item(0);
const FACILITY: Item = Item(1);
const PRODUCT: Item = Item(2);
const LOT: Item = Item(3);
const EXPIRES: Item = Item(4);
const VIALS: Item = Item(5);
const DELIVERED_ON: Item = Item(6);
const ORDER: Item = Item(7);
const TEMPERATURE: Item = Item(8);
const NOTE: Item = Item(9);
const OWN: Item = Item(10);

/// 温度記録: 0 記録なし, 1 適, 2 逸脱.
const TEMPERATURE_CODES: &[&str] = &["0", "1", "2"];

fn read(mut form: Form<'_>, book: &OwnCodeBook) -> (Option<Delivery>, Vec<Complaint>) {
    let slip = form.required(SLIP, paper_number);
    let named = named(&mut form);
    let product = form.required(PRODUCT, |text| {
        let key = ProductKey::parse(text).ok_or(Fault::NotAProduct)?;
        match Vaccines::bundled().find(key.as_str()) {
            Some(_) => Ok(key),
            None => Err(Fault::NotAProduct),
        }
    });
    let lot = form.required(LOT, |text| Lot::parse(text).map_err(|_| Fault::NotALot));
    let expires = form.required(EXPIRES, day);
    let vials = form.required(VIALS, vials);
    let delivered_on = form.required(DELIVERED_ON, day);
    let facility = match (named, delivered_on) {
        (Some(named), Some(day)) => meant(&mut form, named, day, book),
        _ => None,
    };
    let order = form.optional(ORDER, paper_number);
    let temperature = form.optional(TEMPERATURE, |text| match text {
        "0" => Ok(Temperature::NotLogged),
        "1" => Ok(Temperature::Kept),
        "2" => Ok(Temperature::Broken),
        _ => Err(Fault::NotACode {
            codes: TEMPERATURE_CODES,
        }),
    });
    let note = form.optional(NOTE, |text| short(text, NOTE_LENGTH_MAX));
    let complaints = form.complaints();
    let row = || {
        Some(Delivery {
            slip: slip?,
            facility: facility?,
            order: order?,
            product: product?,
            lot: lot?,
            expires: expires?,
            vials: vials?,
            delivered_on: delivered_on?,
            temperature: temperature?.unwrap_or(Temperature::NotLogged),
            note: note?.unwrap_or_default(),
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

/// How a line names the venue: by its code, by what the sender calls it, or by both.
struct Named {
    own: Option<String>,
    code: Option<FacilityCode>,
}

fn named(form: &mut Form<'_>) -> Option<Named> {
    let own = form.optional(OWN, |text| short(text, OWN_CODE_LENGTH_MAX));
    let code = |text: &str| {
        digits(text, 10)?;
        FacilityCode::parse(text).map_err(|_| Fault::NotDigits)
    };
    let code = match &own {
        Some(None) => form.required(FACILITY, code).map(Some),
        _ => form.optional(FACILITY, code),
    };
    Some(Named {
        own: own?,
        code: code?,
    })
}

/// The venue that was meant on the day of delivery; whoever names it twice must mean the same.
fn meant(
    form: &mut Form<'_>,
    named: Named,
    delivered_on: Day,
    book: &OwnCodeBook,
) -> Option<FacilityCode> {
    let Some(own) = named.own else {
        return named.code;
    };
    let fault = match (book.facility(&own, delivered_on), named.code) {
        (Ok(meant), None) => return Some(meant),
        (Ok(meant), Some(code)) if meant == code => return Some(code),
        (Ok(_), Some(_)) => Fault::OwnCodeOfAnother,
        (Err(OwnCodeRefusal::Unknown), _) => Fault::OwnCodeUnknown,
        (Err(OwnCodeRefusal::Several), _) => Fault::OwnCodeOfSeveral,
    };
    form.complain(OWN, fault);
    None
}

fn paper_number(text: &str) -> Result<PaperNumber, Fault> {
    PaperNumber::parse(text).map_err(|refusal| match refusal {
        PaperNumberRefusal::Empty => Fault::Empty,
        PaperNumberRefusal::Length { got } => Fault::TooLong {
            max: NUMBER_LENGTH_MAX,
            got,
        },
        PaperNumberRefusal::Unprintable => Fault::ControlCharacter,
    })
}

/// Vials, 1 or more: a delivery of fewer than none is somebody's return slip, and no delivery.
fn vials(text: &str) -> Result<i64, Fault> {
    text.parse::<u16>()
        .ok()
        .filter(|vials| (1..=DELIVERY_VIALS_MAX).contains(vials))
        .map(i64::from)
        .ok_or(Fault::NotANumber {
            max: DELIVERY_VIALS_MAX,
        })
}

#[cfg(test)]
mod tests {
    use domain::access::OrganisationId;
    use uuid::Uuid;

    use super::*;

    const HEADER: &str = "伝票番号,会場コード,製品コード,ロット,有効期限,バイアル数,配送日,発注番号,温度記録,備考,自社コード";

    /// The company calls one venue A-001, and two B.
    fn book() -> OwnCodeBook {
        let mut book = OwnCodeBook::default();
        let from = Day::parse("2021-06-01").unwrap();
        for (number, code, own) in [
            (1, "1310000015", "A-001"),
            (2, "1310000023", "B"),
            (3, "1310000031", "B"),
        ] {
            let venue = OrganisationId(Uuid::from_u128(number));
            book.tell_code(venue, from, FacilityCode::parse(code).unwrap());
            book.tell_own(venue, from, own);
        }
        book
    }

    fn lines(rows: &str) -> Vec<DeliveryLine> {
        let file = format!("{HEADER}\r\n{rows}");
        Reader::open(file.as_bytes(), Encoding::Utf8, book())
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn codes(line: &DeliveryLine) -> Vec<&'static str> {
        line.complaints.iter().map(Complaint::code).collect()
    }

    #[test]
    fn a_line_is_a_delivery() {
        let read = lines(
            "D-1,1310000015,comirnaty_12_mono,ey2173,20210831,195,20210601,O-1,1,1箱,\r\n\
             D-1,1310000015,comirnaty_12_mono,FC9880,20210930,10,20210601,,,,\r\n",
        );
        assert_eq!(read.len(), 2);
        let first = read[0].row.as_ref().unwrap();
        assert_eq!((first.lot.as_str(), first.vials), ("EY2173", 195));
        assert_eq!(first.temperature, Temperature::Kept);
        let second = read[1].row.as_ref().unwrap();
        assert_eq!(second.order, None);
        assert_eq!(second.temperature, Temperature::NotLogged);
    }

    #[test]
    fn a_venue_may_be_named_by_the_senders_own_code() {
        let line = |code: &str, own: &str, day: &str| {
            format!("D-1,{code},comirnaty_12_mono,EY2173,20210831,5,{day},,,,{own}\n")
        };
        let read = lines(
            &[
                line("", "A-001", "20210601"),
                line("1310000015", "A-001", "20210601"),
                line("1310000023", "A-001", "20210601"),
                line("", "A-001", "20210531"),
                line("", "B", "20210601"),
                line("", "", "20210601"),
            ]
            .concat(),
        );
        for good in &read[..2] {
            let delivery = good.row.as_ref().unwrap();
            assert_eq!(delivery.facility.as_str(), "1310000015");
        }
        let told: Vec<_> = read[2..].iter().map(codes).collect();
        assert_eq!(
            told,
            [
                ["own-code-of-another"],
                ["own-code-unknown"],
                ["own-code-of-several"],
                ["empty"],
            ]
        );
    }

    #[test]
    fn a_negative_count_is_told_and_the_next_line_is_read() {
        let read = lines(
            "D-1,1310000015,comirnaty_12_mono,EY2173,20210831,-5,20210601,,,,\n\
             D-2,131000001,unknown_one,EY2173,20210231,5,20210601,,3,,\n\
             D-3,1310000015,comirnaty_12_mono,EY2173,20210831,5,20210601,,,,\n",
        );
        assert_eq!(codes(&read[0]), ["not-a-number"]);
        assert_eq!(
            codes(&read[1]),
            ["digit-count", "not-a-product", "not-a-day", "not-a-code"]
        );
        assert!(read[0].row.is_none() && read[1].row.is_none());
        assert_eq!(read[2].place.line, 4);
        assert!(read[2].row.is_some());
    }
}
