//! The draft a paper form carries (控え): what is known of a dose before it is given, as the text of
//! a QR code, so that work done on paper comes back by scanning instead of by keying (`users.md`
//! "paper twin").
//!
//! ```text
//! SESSHU1/0197E5F0…2A/131016/211310160000012345/1391000013/20210612/COMIRNATY-12-MONO/EY0573/A7718B13
//! └ version └ form    └ city └ coupon           └ venue    └ day    └ product          └ lot  └ check
//! ```
//!
//! Only what QR's alphanumeric mode knows (`0-9A-Z $%*+-./:`) is in the text, which makes the code
//! a third smaller. What is not known yet is empty. There is one text for each draft: whatever
//! reads as a draft is written again as the very same text. No name, no birth date.

use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::calendar::Day;
use crate::coupons::CouponLine;
use crate::places::MunicipalityCode;
use crate::vaccines::{Lot, ProductKey};
use crate::venues::FacilityCode;

/// What a form's QR code says.
///
/// It is a proposal: whoever scans it confirms every field, as with a coupon. Names no person but by
/// the coupon's digits, which `Debug` hides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The form, one for each sheet of paper. A dose entered from it takes this as its id, so that a
    /// sheet scanned twice is one record.
    pub form: Uuid,
    /// The city that printed the form. It need not be the coupon's.
    pub city: MunicipalityCode,
    /// The coupon, where the form was printed for a person.
    pub coupon: Option<CouponLine>,
    /// 会場コード.
    pub venue: Option<FacilityCode>,
    /// 接種日, as planned.
    pub on: Option<Day>,
    /// ワクチン.
    pub product: Option<ProductKey>,
    /// ロット番号.
    pub lot: Option<Lot>,
}

/// Why a text is no draft.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DraftRefusal {
    /// Not a code of ours at all.
    #[error(
        "予診票の二次元コードではありません。用紙の左上のコードを読み取ってください。/ This is not the code of a form. Scan the code at the top left of the paper."
    )]
    NotADraft,
    /// Of a version this program does not know.
    #[error(
        "この用紙は新しい様式です({version})。プログラムを更新するか、手で入力してください。/ This form is of a newer version ({version}). Update the program, or enter it by hand."
    )]
    Version {
        /// What it calls itself.
        version: String,
    },
    /// The check does not fit: something was misread, or cut off.
    #[error(
        "二次元コードを正しく読み取れませんでした。もう一度読み取ってください。/ The code was misread. Scan it again."
    )]
    Check,
    /// The check fits, a field does not: whoever wrote it was not this program.
    #[error(
        "二次元コードの{}が正しくありません。手で入力してください。/ The {} in the code cannot be right. Enter the form by hand.",
        japanese(field),
        field
    )]
    Field {
        /// Which one.
        field: &'static str,
    },
}

impl DraftRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotADraft => "draft_not_a_draft",
            Self::Version { .. } => "draft_version",
            Self::Check => "draft_check",
            Self::Field { .. } => "draft_field",
        }
    }
}

/// What the text begins with; the number after it is the version.
const PREFIX: &str = "SESSHU";
const VERSION: &str = "1";
/// Fields between version and check. A later version keeps the check where it is, so that a code is
/// told to be newer only if it was read right.
const FIELDS: usize = 7;
/// Longest text that is looked at, in bytes: every field at its longest is below it, with room for a later
/// version's fields.
pub const TEXT_LENGTH_MAX: usize = 512;

impl Draft {
    /// The text of the QR code.
    #[must_use]
    pub fn text(&self) -> String {
        let product = self.product.as_ref().map(ProductKey::as_str);
        let body = format!(
            "{PREFIX}{VERSION}/{:X}/{}/{}/{}/{}/{}/{}",
            self.form.simple(),
            self.city.as_str(),
            self.coupon.as_ref().map_or("", CouponLine::as_str),
            self.venue.as_ref().map_or("", FacilityCode::as_str),
            self.on.map(Day::compact).unwrap_or_default(),
            product.unwrap_or_default().to_uppercase().replace('_', "-"),
            self.lot.as_ref().map(escaped).unwrap_or_default(),
        );
        let check = check_of(&body);
        format!("{body}/{check}")
    }

    /// Reads the text of a QR code.
    ///
    /// # Errors
    /// [`DraftRefusal::NotADraft`] and [`DraftRefusal::Version`] for other codes,
    /// [`DraftRefusal::Check`] for a misread one, [`DraftRefusal::Field`] for a field no form of
    /// ours can hold.
    pub fn parse(text: &str) -> Result<Self, DraftRefusal> {
        let rest = text
            .strip_prefix(PREFIX)
            .filter(|_| text.len() <= TEXT_LENGTH_MAX)
            .ok_or(DraftRefusal::NotADraft)?;
        let (body, check) = text.rsplit_once('/').ok_or(DraftRefusal::NotADraft)?;
        if check != check_of(body) {
            return Err(DraftRefusal::Check);
        }
        let mut parts = rest.split('/');
        match parts.next() {
            Some(VERSION) => {}
            other => {
                let version = other.unwrap_or_default().to_owned();
                return Err(DraftRefusal::Version { version });
            }
        }
        let fields: Vec<&str> = parts.take(FIELDS + 1).collect();
        let [form, city, coupon, venue, on, product, lot, _check] = fields.as_slice() else {
            return Err(DraftRefusal::Field { field: "form" });
        };
        let draft = Self {
            form: known("form", Uuid::try_parse(form).ok())?,
            city: known("city", MunicipalityCode::parse(city).ok())?,
            coupon: optional("coupon", coupon, |text| CouponLine::parse(text).ok())?,
            venue: optional("venue", venue, |text| FacilityCode::parse(text).ok())?,
            on: optional("day", on, Day::parse_compact)?,
            product: optional("product", product, |text| {
                ProductKey::parse(&text.to_lowercase().replace('-', "_"))
            })?,
            lot: optional("lot", lot, |text| Lot::parse(&unescaped(text)?).ok())?,
        };
        // The parsers above forgive what people type; a code of ours is written in one way only.
        if draft.text() == text {
            Ok(draft)
        } else {
            Err(DraftRefusal::Field { field: "form" })
        }
    }
}

fn known<Value>(field: &'static str, value: Option<Value>) -> Result<Value, DraftRefusal> {
    value.ok_or(DraftRefusal::Field { field })
}

/// An empty field is one that is not known yet.
fn optional<Value>(
    field: &'static str,
    text: &str,
    parse: impl Fn(&str) -> Option<Value>,
) -> Result<Option<Value>, DraftRefusal> {
    if text.is_empty() {
        Ok(None)
    } else {
        known(field, parse(text)).map(Some)
    }
}

/// 32 bits of the body's SHA-256 as hexadecimal digits.
///
/// QR's own correction hands on what it believes it repaired; a wrong repair passes here once in
/// four thousand million. It is no signature: a draft is confirmed by a person anyway.
fn check_of(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// A lot is free text: what is not a capital, digit, hyphen or full stop goes as `%` and the byte.
fn escaped(lot: &Lot) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    lot.as_str().bytes().map(escape).collect()
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn japanese(field: &str) -> &str {
    match field {
        "city" => "市町村コード",
        "coupon" => "接種券の番号",
        "venue" => "会場コード",
        "day" => "接種日",
        "product" => "ワクチン",
        "lot" => "ロット番号",
        _ => "様式",
    }
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn draft() -> Draft {
        Draft {
            form: Uuid::from_u128(0x0197_e5f0_0000_7000_8000_0000_0000_002a),
            city: MunicipalityCode::parse("131016").unwrap(),
            coupon: CouponLine::parse("211310160000012345").ok(),
            venue: FacilityCode::parse("1391000013").ok(),
            on: Day::parse("2021-06-12"),
            product: ProductKey::parse("comirnaty_12_mono"),
            lot: Lot::parse("EY0573").ok(),
        }
    }

    #[test]
    fn a_draft_is_one_line_of_what_the_code_holds_cheaply() {
        assert_eq!(
            draft().text(),
            "SESSHU1/0197E5F000007000800000000000002A/131016/211310160000012345/1391000013\
             /20210612/COMIRNATY-12-MONO/EY0573/A7718B13"
        );
    }

    #[test]
    fn a_blank_form_carries_its_number_and_its_city() {
        let blank = Draft {
            coupon: None,
            venue: None,
            on: None,
            product: None,
            lot: None,
            ..draft()
        };
        assert_eq!(Draft::parse(&blank.text()), Ok(blank));
    }

    #[test]
    fn other_codes_are_told_apart() {
        for text in [
            "",
            "211310160000012345",
            "shc:/5676",
            "https://example.org/",
        ] {
            assert_eq!(Draft::parse(text), Err(DraftRefusal::NotADraft), "{text}");
        }
    }

    #[test]
    fn a_later_version_says_so() {
        let body = "SESSHU2/WHATEVER";
        assert_eq!(
            Draft::parse(&format!("{body}/{}", check_of(body))),
            Err(DraftRefusal::Version {
                version: "2".to_owned()
            })
        );
    }

    #[test]
    fn a_field_no_form_of_ours_has_is_named_though_the_check_fits() {
        let text = draft().text();
        let (body, _) = text.rsplit_once('/').unwrap();
        for (from, to, field) in [
            ("/131016/", "/131017/", "city"),
            ("/20210612/", "/20210631/", "day"),
            ("/211310160000012345/", "/21131016/", "coupon"),
            ("/1391000013/", "/13910000/", "venue"),
            ("/COMIRNATY-12-MONO/", "/COMIRNATY:12/", "product"),
            ("/EY0573", "/%FF", "lot"),
            // Would be understood, but nobody here writes it so.
            ("/EY0573", "/%4559", "form"),
            ("/EY0573", "/EY0573/MORE", "form"),
        ] {
            let body = body.replace(from, to);
            let told = Draft::parse(&format!("{body}/{}", check_of(&body)));
            assert_eq!(told, Err(DraftRefusal::Field { field }), "{body}");
        }
    }

    #[test]
    fn a_draft_in_a_log_hides_the_coupon() {
        assert!(!format!("{:?}", draft()).contains("0000012345"));
    }

    prop_compose! {
        fn drafts()(
            form in any::<u128>(),
            city in 0..47_usize,
            coupon in option::of("[0-9]{18}"),
            venue in option::of("[0-9]{10}"),
            on in option::of((1..=9999_i16, 1..=12_i8, 1..=28_i8)),
            product in option::of("[a-z0-9_]{1,40}"),
            lot in option::of(".{1,20}"),
        ) -> Draft {
            let mut cities = crate::places::Places::bundled()
                .municipalities(Day::new(2021, 4, 1).unwrap());
            Draft {
                form: Uuid::from_u128(form),
                city: cities.nth(city * 30).unwrap().code,
                coupon: coupon.map(|text| CouponLine::parse(&text).unwrap()),
                venue: venue.map(|text| FacilityCode::parse(&text).unwrap()),
                on: on.and_then(|(year, month, day)| Day::new(year, month, day)),
                product: product.and_then(|text| ProductKey::parse(&text)),
                lot: lot.and_then(|text| Lot::parse(&text).ok()),
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(draft in drafts()) {
            let text = draft.text();
            prop_assert!(text.len() <= TEXT_LENGTH_MAX);
            prop_assert_eq!(Draft::parse(&text), Ok(draft));
        }

        #[test]
        fn one_wrong_character_is_never_a_draft(
            draft in drafts(),
            place in any::<prop::sample::Index>(),
            wrong in "[0-9A-Z/%.-]",
        ) {
            let text = draft.text();
            let place = place.index(text.len());
            let misread = format!("{}{wrong}{}", &text[..place], &text[place + 1..]);
            prop_assume!(misread != text);
            prop_assert!(Draft::parse(&misread).is_err());
        }

        #[test]
        fn whatever_is_scanned_is_answered(text in ".{0,80}") {
            prop_assert!(Draft::parse(&text).is_err());
            let prefixed = format!("SESSHU1/{text}");
            prop_assert!(Draft::parse(&prefixed).is_err());
        }

        #[test]
        fn the_code_holds_every_character_cheaply(draft in drafts()) {
            let is_cheap = |byte: u8| byte.is_ascii_digit()
                || byte.is_ascii_uppercase()
                || b" $%*+-./:".contains(&byte);
            prop_assert!(draft.text().bytes().all(is_cheap));
        }
    }
}
