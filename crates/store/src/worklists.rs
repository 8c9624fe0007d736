//! A city's work lists (対応リスト): what waits for a clerk, how long it has waited, and who has taken it.
//!
//! Lists are read with the oldest first, along the partial indexes of what is open, so that a page
//! costs the same however large the ledger is.

mod counts;
mod owners;
mod pages;
mod sessions;

pub use counts::{COUNTED_MAX, ClassCount, Count, WALKED_MAX, classes, counts};
pub use owners::{Item, Owner, give_back, owners, take};
pub use pages::{Page, Work, page, page_of_class, page_of_session, rival};
pub use sessions::{OpenSession, sessions};

/// The work lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// Files that were looked through and wait for approval, or were applied and somebody asks to take them
    /// back.
    Imports,
    /// Records that wait for their person (登録待ち).
    Pending,
    /// Two stories of one dose (食い違い).
    Clashes,
    /// Records with findings, by class.
    Findings,
    /// Days of a venue with something open (未完了の会場・日).
    Sessions,
    /// Records that may stand under a misread number (読み違いの疑い).
    Misreads,
    /// Changes that wait for a second person (承認待ち).
    Proposals,
}

impl List {
    /// Every list.
    pub const ALL: [Self; 7] = [
        Self::Imports,
        Self::Pending,
        Self::Clashes,
        Self::Findings,
        Self::Sessions,
        Self::Misreads,
        Self::Proposals,
    ];

    /// The word in addresses and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imports => "imports",
            Self::Pending => "pending",
            Self::Clashes => "clashes",
            Self::Findings => "findings",
            Self::Sessions => "sessions",
            Self::Misreads => "misreads",
            Self::Proposals => "proposals",
        }
    }
}
