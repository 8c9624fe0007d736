//! Who is expected at a venue on a day (当日の名簿), to tick off by hand when nothing else works.
//!
//! A list is not a certificate: a character no typeface has (外字) stands on it as 〓, since the
//! coupon's digits tell the person and a venue without its list is worse off.

use std::fmt;

use domain::calendar::{Day, Instant};
use domain::coupons::CouponLine;
use domain::people::BirthDate;
use domain::venues::FacilityCode;

use crate::PaperRefusal;
use crate::envelopes::Sender;
use crate::forms::FILLED;
use crate::layout::Layout;
use crate::tables::Table;

/// A venue's day.
#[derive(Clone, PartialEq, Eq)]
pub struct Roster {
    /// The city that runs the venue.
    pub sender: Sender,
    /// 会場名.
    pub venue_name: String,
    /// 会場コード.
    pub venue: Option<FacilityCode>,
    /// The day.
    pub on: Day,
    /// When what stands here was true: whoever works from paper must know how old it is.
    pub as_of: Instant,
    /// In the order of their times.
    pub expected: Vec<Expected>,
}

/// Somebody who is expected.
#[derive(Clone, PartialEq, Eq)]
pub struct Expected {
    /// `09:30`, or empty without a booking.
    pub time: String,
    /// The coupon.
    pub coupon: CouponLine,
    /// Which turn, as the coupon or the history says.
    pub turn: Option<u8>,
    /// Who it is, as far as a list may say.
    pub who: Who,
    /// What to look out for: the product booked, the earliest day, a former reaction.
    pub note: String,
}

/// A person on a list.
///
/// A list lies open on a table, so a protected person (支援措置) stands on it without a name and
/// without a birth date: the coupon's digits are enough to tick.
#[derive(Clone, PartialEq, Eq)]
pub enum Who {
    /// By name.
    Named {
        /// 氏名.
        name: String,
        /// フリガナ.
        kana: String,
        /// 生年月日.
        birth: BirthDate,
    },
    /// By the coupon alone.
    Protected,
}

impl Roster {
    /// The pages.
    pub(crate) fn layouts(&self) -> Result<Vec<Layout>, PaperRefusal> {
        let issued = format!("{}現在　{}", self.as_of.japanese(), self.sender.full_name());
        let code = self.venue.map(|code| format!("(会場コード {code})"));
        Table {
            title: "接種会場 当日名簿",
            issued: &issued,
            facts: vec![
                ("会場", format!("{}{}", self.venue_name, code.unwrap_or_default())),
                ("接種日", self.on.japanese()),
                ("予定", format!("{}人", self.expected.len())),
            ],
            columns: vec![
                ("✓", 0.7),
                ("時刻", 1.2),
                ("接種券の番号", 4.6),
                ("回数", 0.9),
                ("氏名", 4.4),
                ("生年月日", 2.7),
                ("備考", 4.0),
            ],
            rows: self.expected.iter().map(row).collect(),
            empty: "予定されている方はいません。",
            remarks: "接種した方の✓欄に印を付け、予診票の二次元コードとともに保管してください。接種の後、予診票の左上の二次元コードを読み取ると登録できます。この名簿は個人情報です。持ち出さず、登録が終わったら裁断してください。",
        }
        .layouts()
    }
}

fn row(expected: &Expected) -> Vec<String> {
    let known = |text: &str| FILLED.face.with_geta(text);
    let (name, birth) = match &expected.who {
        Who::Named { name, kana, birth } if kana.is_empty() => (known(name), birth.japanese()),
        Who::Named { name, kana, birth } => (
            format!("{}\n{}", known(kana), known(name)),
            birth.japanese(),
        ),
        Who::Protected => ("(接種券で確認)".to_owned(), String::new()),
    };
    vec![
        "□".to_owned(),
        expected.time.clone(),
        expected.coupon.grouped(),
        expected
            .turn
            .map(|turn| turn.to_string())
            .unwrap_or_default(),
        name,
        birth,
        known(&expected.note),
    ]
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster")
            .field("on", &self.on)
            .field("expected", &self.expected.len())
            .finish_non_exhaustive()
    }
}
