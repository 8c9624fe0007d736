//! What looking through a file found, and what doing it came to.

use serde::{Deserialize, Serialize};

/// What looking through a file found; lines, the header not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Lines looked through.
    pub lines: u64,
    /// People who are not in the register, or doses that are not in the ledger.
    pub new: u64,
    /// People of whom something is another now, and who are in the city.
    pub changed: u64,
    /// People who moved out or were removed.
    pub moved_out: u64,
    /// People who died.
    pub dead: u64,
    /// People as they are, or doses that are recorded already.
    pub unchanged: u64,
    /// Lines that will not be taken.
    pub rejected: u64,
    /// Lines that will be taken and that somebody should look at.
    pub suspicious: u64,
    /// Of records: lines whose person is not in the register; they will wait (登録待ち).
    #[serde(default)]
    pub pending: u64,
    /// Of records: lines that correct one (取消区分 1).
    #[serde(default)]
    pub corrected: u64,
    /// Of records: lines that take one back (取消区分 2).
    #[serde(default)]
    pub voided: u64,
    /// Of venues: those that get another code and keep their history, among the changed ones.
    #[serde(default)]
    pub recoded: u64,
    /// Of venues: those that are closed, among the changed ones.
    #[serde(default)]
    pub closed: u64,
    /// Of venues: those of the area of which the file says nothing; they stay as they are.
    #[serde(default)]
    pub absent: u64,
}

impl Found {
    /// Whether every line that will be taken is of somebody, or of a dose, that was not there.
    #[must_use]
    pub fn is_only_new(self) -> bool {
        self.lines == self.new + self.rejected
    }

    pub(super) fn add(&mut self, more: Self) {
        self.lines += more.lines;
        self.new += more.new;
        self.changed += more.changed;
        self.moved_out += more.moved_out;
        self.dead += more.dead;
        self.unchanged += more.unchanged;
        self.rejected += more.rejected;
        self.suspicious += more.suspicious;
        self.pending += more.pending;
        self.corrected += more.corrected;
        self.voided += more.voided;
        self.recoded += more.recoded;
        self.closed += more.closed;
        self.absent += more.absent;
    }
}

/// What applying a file came to, or undoing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// People who came into the register, or doses that were recorded.
    pub new: u64,
    /// People who were changed.
    pub changed: u64,
    /// People who stayed as they were, or doses that were recorded already.
    pub unchanged: u64,
    /// Lines that were not taken because their coupon number belongs to somebody else by now.
    pub taken: u64,
    /// Records that found their person, or were judged again.
    pub matched: u64,
    /// Individual Numbers that are under seal now.
    #[serde(default)]
    pub numbers_sealed: u64,
    /// Individual Numbers that were checked and dropped, since no keys are configured.
    #[serde(default)]
    pub numbers_dropped: u64,
    /// By undoing: people who stand as before again, or doses that were taken back.
    pub put_back: u64,
    /// By undoing: people or doses that were left alone, since somebody changed them after the import.
    pub left: u64,
    /// Of records: doses in which something was found that somebody has to look at.
    #[serde(default)]
    pub to_check: u64,
    /// Of records: those that were corrected.
    #[serde(default)]
    pub corrected: u64,
    /// Of records: those that were taken back.
    #[serde(default)]
    pub voided: u64,
    /// Of records: lines that did nothing, since somebody changed their record after the file was looked
    /// through.
    #[serde(default)]
    pub overtaken: u64,
}

impl Done {
    pub(super) fn with(mut self, more: Self) -> Self {
        self.add(more);
        self
    }

    pub(super) fn add(&mut self, more: Self) {
        self.new += more.new;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
        self.taken += more.taken;
        self.matched += more.matched;
        self.numbers_sealed += more.numbers_sealed;
        self.numbers_dropped += more.numbers_dropped;
        self.put_back += more.put_back;
        self.left += more.left;
        self.to_check += more.to_check;
        self.corrected += more.corrected;
        self.voided += more.voided;
        self.overtaken += more.overtaken;
    }
}
