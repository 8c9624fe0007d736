//! The papers that go with vials which one venue gives to another (融通, 再融通; `TB/86`): 様式7-1 情報連携シート,
//! 7-2 台帳(融通元), 7-3 再融通用引継ぎシート, 7-4 再融通 都道府県提出.
//!
//! What the books know is printed; what only the people at the two doors know is left to be written by
//! hand. Where each item stands is ours. \[O\]

use std::fmt;

use domain::calendar::{Day, Instant};

use crate::PaperRefusal;
use crate::layout::Layout;
use crate::tables::Table;

/// A venue on such a paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Its ten digits; empty if it has none.
    pub code: String,
}

impl Party {
    fn told(&self) -> String {
        format!("{}　{}", self.name, self.code)
            .trim_end()
            .to_owned()
    }
}

/// Vials of a lot that go from one venue to another.
#[derive(Clone, PartialEq, Eq)]
pub struct Transferred {
    /// When the giver told of it.
    pub at: Instant,
    /// Who gives.
    pub from: Party,
    /// Who gets.
    pub to: Party,
    /// ワクチン.
    pub product: String,
    /// ロット番号.
    pub lot: String,
    /// 最終有効年月日, if it is known.
    pub last_day: Option<Day>,
    /// Vials by the giver, once it has said.
    pub sent: Option<i64>,
    /// Vials by the receiver, once it has said.
    pub taken: Option<i64>,
    /// Whether they stand thawed in the refrigerator; otherwise they are frozen.
    pub is_thawed: bool,
    /// When they left the freezer, if that is known.
    pub left_freezer: Option<Instant>,
    /// Until when they may be given, by the clock of thawed vials.
    pub use_by: Option<Instant>,
    /// In the giver's words.
    pub note: String,
    /// Where the giver had such vials from, if other venues gave them: then it is a 再融通.
    pub came: Vec<Came>,
}

/// Vials that came to a giver from another venue before.
#[derive(Clone, PartialEq, Eq)]
pub struct Came {
    /// From whom.
    pub from: Party,
    /// When.
    pub at: Instant,
    /// How many.
    pub vials: i64,
}

/// 様式7-1 or, of vials that were given on once already, 様式7-3: it travels with the box.
#[derive(Clone, PartialEq, Eq)]
pub struct Handover {
    /// When it is printed.
    pub on: Day,
    /// The vials.
    pub of: Transferred,
}

/// 様式7-2 or 7-4: what a venue gave to others.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferBook {
    /// When it is printed.
    pub on: Day,
    /// The venue that gave.
    pub giver: Party,
    /// For whom it is.
    pub reader: BookReader,
    /// In the order of time.
    pub rows: Vec<Transferred>,
}

/// For whom a book of transfers is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookReader {
    /// The venue itself, all it gave (7-2).
    Giver,
    /// This prefecture, what was given on a second time (7-4).
    Prefecture(String),
}

/// What the two people at the doors write by hand.
const BY_HAND: [&str; 6] = [
    "払出日時・払出者",
    "搬送者・搬送方法",
    "払出時の温度",
    "受領日時・受領者",
    "受領時の温度",
    "受領した本数・破損の有無",
];

fn unknown(text: Option<String>) -> String {
    text.unwrap_or_else(|| "不明".to_owned())
}

fn vials(count: Option<i64>) -> String {
    count.map_or_else(|| "未報告".to_owned(), |count| format!("{count}本"))
}

impl Transferred {
    fn shelf(&self) -> &'static str {
        if self.is_thawed { "冷蔵" } else { "冷凍" }
    }
}

impl Handover {
    /// The pages.
    pub(crate) fn layouts(&self) -> Result<Vec<Layout>, PaperRefusal> {
        let of = &self.of;
        let is_again = !of.came.is_empty();
        let title = if is_again {
            "再融通用引継ぎシート(様式7-3)"
        } else {
            "情報連携シート(様式7-1)"
        };
        let issued = format!("{}　{}", self.on.japanese(), of.from.name);
        let mut facts = vec![
            ("払出元", of.from.told()),
            ("受入先", of.to.told()),
            ("ワクチン", of.product.clone()),
            ("ロット番号", of.lot.clone()),
            ("最終有効年月日", unknown(of.last_day.map(Day::japanese))),
            ("バイアル", vials(of.sent)),
            ("保管の状態", of.shelf().to_owned()),
            (
                "冷凍庫から出した日時",
                unknown(of.left_freezer.map(Instant::japanese)),
            ),
            (
                "解凍後の使用期限",
                unknown(of.use_by.map(Instant::japanese)),
            ),
            ("備考", of.note.clone()),
        ];
        for came in &of.came {
            let told = format!(
                "{}　{}　{}本",
                came.at.day_in_japan().japanese(),
                came.from.told(),
                came.vials
            );
            facts.push(("払出元が受けた融通", told));
        }
        let blank = |item: &&str| vec![(*item).to_owned(), String::new()];
        Table {
            title,
            issued: &issued,
            facts,
            columns: vec![("記入する項目", 3.0), ("記入欄", 7.0)],
            rows: BY_HAND.iter().map(blank).collect(),
            empty: "",
            remarks: "一度解凍したワクチンは再び凍結できません。このシートはワクチンと一緒に渡し、受領後は受入先で保管してください。",
        }
        .layouts()
    }
}

impl TransferBook {
    /// The pages.
    pub(crate) fn layouts(&self) -> Result<Vec<Layout>, PaperRefusal> {
        let issued = format!("{}　{}", self.on.japanese(), self.giver.name);
        let mut facts = vec![("払出元", self.giver.told())];
        let (title, remarks) = match &self.reader {
            BookReader::Giver => (
                "融通の台帳(融通元)(様式7-2)",
                "受入先の本数は、受入先が確認した数です。払出と違うときは、その理由を備考に書いてください。",
            ),
            BookReader::Prefecture(name) => {
                facts.push(("提出先", name.clone()));
                (
                    "再融通の報告(都道府県提出)(様式7-4)",
                    "ほかの会場から融通を受けたロットを、さらに別の会場へ渡したものです。",
                )
            }
        };
        let all: i64 = self.rows.iter().filter_map(|row| row.sent).sum();
        facts.push(("件数・本数", format!("{}件　{all}本", self.rows.len())));
        Table {
            title,
            issued: &issued,
            facts,
            columns: vec![
                ("日付", 2.4),
                ("受入先", 4.0),
                ("ワクチン・ロット", 3.8),
                ("冷凍庫から出した日時", 2.8),
                ("払出", 1.4),
                ("受入", 1.6),
                ("もとの受入元・備考", 4.0),
            ],
            rows: self.rows.iter().map(row).collect(),
            empty: "該当する融通はありません。",
            remarks,
        }
        .layouts()
    }
}

fn row(one: &Transferred) -> Vec<String> {
    let came = one.came.iter().map(|came| came.from.told());
    let mut last: Vec<String> = came.collect();
    last.dedup();
    if !one.note.is_empty() {
        last.push(one.note.clone());
    }
    let left = one.left_freezer.map(Instant::japanese);
    vec![
        one.at.day_in_japan().japanese(),
        one.to.told(),
        format!("{}　{}", one.product, one.lot),
        left.unwrap_or_else(|| one.shelf().to_owned()),
        vials(one.sent),
        vials(one.taken),
        last.join("、"),
    ]
}

impl fmt::Debug for Handover {
    /// The lot and the vials; notes are people's own words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover")
            .field("lot", &self.of.lot)
            .field("sent", &self.of.sent)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TransferBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferBook")
            .field("reader", &self.reader)
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}
