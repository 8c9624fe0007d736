//! Who looked at a person's record, as the person may have it (閲覧記録).

use std::fmt;

use domain::calendar::{Day, Instant};

use crate::PaperRefusal;
use crate::envelopes::Sender;
use crate::layout::Layout;
use crate::tables::Table;

/// The looks at one person's record.
///
/// Nothing but the person's name and the looks: it may lie on a kitchen table.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// The city whose record it is.
    pub sender: Sender,
    /// 交付日.
    pub on: Day,
    /// 氏名.
    pub name: String,
    /// The first and the last day that were asked for.
    pub period: (Day, Day),
    /// In the order of time.
    pub looks: Vec<Look>,
}

/// One look.
#[derive(Clone, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Instant,
    /// For which organisation.
    pub organisation: String,
    /// Who, or in which office: what the city tells of its staff is the city's to decide.
    pub by: String,
    /// What was looked at, in words.
    pub view: String,
    /// What for.
    pub purpose: String,
}

impl AccessLog {
    /// The pages.
    pub(crate) fn layouts(&self) -> Result<Vec<Layout>, PaperRefusal> {
        let issued = format!("{}　{}", self.on.japanese(), self.sender.full_name());
        let (from, to) = self.period;
        let remarks = format!(
            "日時は日本標準時です。心当たりのない閲覧があるときは、次の窓口にお問い合わせください。\n{}",
            self.sender.desk
        );
        Table {
            title: "接種記録の閲覧記録",
            issued: &issued,
            facts: vec![
                ("氏名", self.name.clone()),
                (
                    "期間",
                    format!("{}から{}まで", from.japanese(), to.japanese()),
                ),
                ("閲覧の回数", format!("{}回", self.looks.len())),
            ],
            columns: vec![
                ("日時", 3.0),
                ("組織", 3.4),
                ("利用者", 2.6),
                ("画面", 3.4),
                ("目的", 4.6),
            ],
            rows: self.looks.iter().map(row).collect(),
            empty: "この期間の閲覧はありません。",
            remarks: &remarks,
        }
        .layouts()
    }
}

fn row(look: &Look) -> Vec<String> {
    vec![
        look.at.japanese(),
        look.organisation.clone(),
        look.by.clone(),
        look.view.clone(),
        look.purpose.clone(),
    ]
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog")
            .field("city_code", &self.sender.city_code)
            .field("looks", &self.looks.len())
            .finish_non_exhaustive()
    }
}
