//! The stock of vaccine (在庫): every vial from the wholesaler's van to the arm, by double entry.
//!
//! Whole vials stand at an account of a holder, by product and lot, and a movement takes them from one
//! account to another; so nothing appears or vanishes, and "where is every vial of this lot" has an
//! answer. Doses are no multiple of vials (domain paper 3.4): what the records say of doses becomes
//! vials in `day_use` alone.
//!
//! A balance may be negative: more was given than was received on paper. That is a question for a
//! person and has its place on a work list; what happened is never refused.

mod clocks;
mod day_use;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::access::OrganisationId;

pub use clocks::{Alarm, Batch, Clock, Held, alarms, batches_left, first_to_use, use_by};
pub use day_use::{DayUse, Doses, came_out_of_a_vial, day_use};

/// Vials in one movement at most: a national shipment of a lot is some hundred thousand.
pub const MOVEMENT_VIALS_MAX: i64 = 1_000_000;
/// Longest note beside a movement, in characters.
pub const NOTE_LENGTH_MAX: usize = 200;

/// How vials stand on a venue's shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// In the freezer (冷凍).
    Frozen,
    /// In the refrigerator (冷蔵): thawed, or a product that is never frozen.
    Thawed,
}

impl Shelf {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Frozen, Self::Thawed];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Thawed => "thawed",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Why a vial was thrown away (廃棄).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waste {
    /// Unopened, for a reason of its own: dropped, recalled, no use for it (未使用).
    Unused,
    /// Past its last day or its clock (期限切れ).
    Expired,
    /// Too warm or too cold for too long (温度逸脱).
    Temperature,
    /// Opened, and nobody got a dose of it (開封後未接種). A vial that gave at least one is used, whatever
    /// was left in it (domain paper 3.8).
    OpenedNone,
}

impl Waste {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::Unused,
        Self::Expired,
        Self::Temperature,
        Self::OpenedNone,
    ];

    /// Those that a venue says; the fourth follows from the day's closing.
    pub const SAID: [Self; 3] = [Self::Unused, Self::Expired, Self::Temperature];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::Temperature => "temperature",
            Self::OpenedNone => "opened_none",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Where vials stand at a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What a maker or wholesaler has brought into the books: zero or less, and as much less as there are
    /// vials everywhere else.
    Supply,
    /// On the way from a supplier to this venue (配送中).
    Delivery,
    /// On the way from another venue to this one (融通の移送中).
    Transfer,
    /// On hand.
    Shelf(Shelf),
    /// Opened, and the day not over: what becomes of them is not settled.
    Opened,
    /// Gave at least one dose.
    Used,
    /// Thrown away.
    Discarded(Waste),
    /// Not found again (紛失).
    Lost,
    /// Missing when counted, or found (−), with a word of explanation (棚卸差).
    Difference,
}

impl Account {
    /// Every account.
    pub const ALL: [Self; 13] = [
        Self::Supply,
        Self::Delivery,
        Self::Transfer,
        Self::Shelf(Shelf::Frozen),
        Self::Shelf(Shelf::Thawed),
        Self::Opened,
        Self::Used,
        Self::Discarded(Waste::Unused),
        Self::Discarded(Waste::Expired),
        Self::Discarded(Waste::Temperature),
        Self::Discarded(Waste::OpenedNone),
        Self::Lost,
        Self::Difference,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supply => "supply",
            Self::Delivery => "delivery",
            Self::Transfer => "transfer",
            Self::Shelf(Shelf::Frozen) => "frozen",
            Self::Shelf(Shelf::Thawed) => "thawed",
            Self::Opened => "opened",
            Self::Used => "used",
            Self::Discarded(Waste::Unused) => "discarded_unused",
            Self::Discarded(Waste::Expired) => "discarded_expired",
            Self::Discarded(Waste::Temperature) => "discarded_temperature",
            Self::Discarded(Waste::OpenedNone) => "discarded_opened_none",
            Self::Lost => "lost",
            Self::Difference => "difference",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether vials here are in the venue's hands and may still be given.
    #[must_use]
    pub fn is_on_hand(self) -> bool {
        matches!(self, Self::Shelf(_))
    }
}

/// What kind of movement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A supplier has handed vials over for a venue, or takes some of that back (配送).
    Shipped,
    /// The venue has them (受領).
    Received,
    /// A venue has given vials on to another, or takes them back before that one has them (融通・払出).
    Sent,
    /// The other venue has them (融通・受入).
    Taken,
    /// Out of the freezer (解凍): there is no way back (`TB/86`).
    Thawed,
    /// Opened for the doses of a day, or not after all.
    Opened,
    /// At least one dose was given of it, or not after all.
    Used,
    /// Thrown away, or found to have been thrown away by mistake in the books.
    Discarded,
    /// Lost, or found again.
    Lost,
    /// Counted (棚卸し): fewer or more than the books say.
    Counted,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Shipped,
        Self::Received,
        Self::Sent,
        Self::Taken,
        Self::Thawed,
        Self::Opened,
        Self::Used,
        Self::Discarded,
        Self::Lost,
        Self::Counted,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Received => "received",
            Self::Sent => "sent",
            Self::Taken => "taken",
            Self::Thawed => "thawed",
            Self::Opened => "opened",
            Self::Used => "used",
            Self::Discarded => "discarded",
            Self::Lost => "lost",
            Self::Counted => "counted",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether a movement of this kind may lead from one account to the other.
    #[must_use]
    pub fn leads(self, from: Account, to: Account) -> bool {
        use Account as A;
        let either = |a: fn(Account) -> bool, b: fn(Account) -> bool| {
            (a(from) && b(to)) || (b(from) && a(to))
        };
        let on_hand: fn(Account) -> bool = Account::is_on_hand;
        match self {
            Self::Shipped => either(|one| one == A::Supply, |one| one == A::Delivery),
            Self::Received => from == A::Delivery && on_hand(to),
            Self::Sent => either(on_hand, |one| one == A::Transfer),
            Self::Taken => from == A::Transfer && on_hand(to),
            Self::Thawed => from == A::Shelf(Shelf::Frozen) && to == A::Shelf(Shelf::Thawed),
            Self::Opened => either(on_hand, |one| one == A::Opened),
            Self::Used => either(|one| one == A::Opened, |one| one == A::Used),
            // What was opened for nobody comes from the opened ones, what was never opened off the shelf.
            Self::Discarded => {
                let opened_none = A::Discarded(Waste::OpenedNone);
                either(
                    |one| one == A::Opened,
                    |one| one == A::Discarded(Waste::OpenedNone),
                ) || (from != opened_none
                    && to != opened_none
                    && either(on_hand, |one| matches!(one, A::Discarded(_))))
            }
            Self::Lost => either(on_hand, |one| one == A::Lost),
            Self::Counted => either(on_hand, |one| one == A::Difference),
        }
    }

    /// Whether it changes hands; all others stay with their holder.
    #[must_use]
    pub fn changes_hands(self) -> bool {
        matches!(self, Self::Shipped | Self::Sent)
    }
}

/// An account of a holder: a venue, or a supplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Post {
    /// Whose.
    pub holder: OrganisationId,
    /// Which.
    pub account: Account,
}

/// Of which vaccine: the product's key and the lot, as records name them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Goods {
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
}

/// Vials taken from one account to another.
///
/// Invariant: `vials` is positive, the kind leads from the one account to the other, and the holder
/// changes only where the kind says so. What goes out of one account comes into the other: a movement
/// adds up to nothing, and there is no way to make one that does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    kind: Kind,
    goods: Goods,
    vials: i64,
    from: Post,
    to: Post,
}

/// Why there is no such movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MovementRefusal {
    /// Not a number of vials.
    #[error(
        "バイアル数は1以上の整数で入力してください。/ Enter the vials as a whole number, 1 or more."
    )]
    Vials,
    /// Vials do not go that way.
    #[error(
        "この移動はできません。凍結し直しや、他の会場の在庫の操作はできません。/ Vials do not move that way: none is frozen again, and another venue's stock is its own."
    )]
    Way,
}

impl MovementRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Vials => "stock_vials",
            Self::Way => "stock_way",
        }
    }
}

impl Movement {
    /// Moves vials.
    ///
    /// # Errors
    /// [`MovementRefusal`], where the invariant would not hold.
    pub fn new(
        kind: Kind,
        goods: Goods,
        vials: i64,
        from: Post,
        to: Post,
    ) -> Result<Self, MovementRefusal> {
        if !(1..=MOVEMENT_VIALS_MAX).contains(&vials) {
            return Err(MovementRefusal::Vials);
        }
        let hands = (from.holder != to.holder) == kind.changes_hands();
        if !kind.leads(from.account, to.account) || !hands {
            return Err(MovementRefusal::Way);
        }
        Ok(Self {
            kind,
            goods,
            vials,
            from,
            to,
        })
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Of which vaccine.
    #[must_use]
    pub fn goods(&self) -> &Goods {
        &self.goods
    }

    /// How many vials, 1 or more.
    #[must_use]
    pub fn vials(&self) -> i64 {
        self.vials
    }

    /// From where.
    #[must_use]
    pub fn from(&self) -> Post {
        self.from
    }

    /// To where.
    #[must_use]
    pub fn to(&self) -> Post {
        self.to
    }

    /// What it changes in the balances: the one more, the other less by as much.
    #[must_use]
    pub fn changes(&self) -> [(Post, i64); 2] {
        [(self.from, -self.vials), (self.to, self.vials)]
    }
}

/// How a venue's stock of one lot came about (domain paper 3.8), in vials.
///
/// Invariant to be proven, not kept by force: [`Identity::holds`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Received from suppliers.
    pub received: i64,
    /// Received from other venues.
    pub transferred_in: i64,
    /// Given to other venues.
    pub transferred_out: i64,
    /// Opened, and not settled yet.
    pub opened: i64,
    /// Gave at least one dose.
    pub used: i64,
    /// Thrown away, for whatever reason.
    pub discarded: i64,
    /// Lost.
    pub lost: i64,
    /// Missing when counted; negative if more were found.
    pub difference: i64,
}

impl Identity {
    /// What the movements say must be on hand.
    #[must_use]
    pub fn stock(&self) -> i64 {
        self.received + self.transferred_in
            - self.transferred_out
            - self.opened
            - self.used
            - self.discarded
            - self.lost
            - self.difference
    }

    /// Whether what is on hand is what came in less what went out.
    #[must_use]
    pub fn holds(&self, on_hand: i64) -> bool {
        self.stock() == on_hand
    }

    /// Adds what movements of this kind, from one account to the other, mean to a venue that holds one
    /// of the two. A supplier has no stock of its own here.
    pub fn add(&mut self, venue: OrganisationId, kind: Kind, from: Post, to: Post, vials: i64) {
        if from.holder == venue && from.account.is_on_hand() {
            self.flow(kind, to.account, vials);
        }
        if to.holder == venue && to.account.is_on_hand() {
            self.flow(kind, from.account, -vials);
        }
        // Between two accounts of which neither is the shelf.
        if from.holder == venue && to.holder == venue {
            match (from.account, to.account) {
                (Account::Opened, sink) if !sink.is_on_hand() => {
                    self.opened -= vials;
                    self.flow(kind, sink, vials);
                }
                (source, Account::Opened) if !source.is_on_hand() => {
                    self.opened += vials;
                    self.flow(kind, source, -vials);
                }
                _ => {}
            }
        }
    }

    /// Vials that left the shelf for an account; negative, if they came from it.
    fn flow(&mut self, kind: Kind, other: Account, vials: i64) {
        match other {
            Account::Delivery => self.received -= vials,
            Account::Transfer if kind == Kind::Taken => self.transferred_in -= vials,
            Account::Transfer => self.transferred_out += vials,
            Account::Opened => self.opened += vials,
            Account::Used => self.used += vials,
            Account::Discarded(_) => self.discarded += vials,
            Account::Lost => self.lost += vials,
            Account::Difference => self.difference += vials,
            Account::Supply | Account::Shelf(_) => {}
        }
    }
}

/// The balances of every account, as movements leave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    vials: BTreeMap<(Goods, Post), i64>,
}

impl Balances {
    /// Applies a movement.
    pub fn apply(&mut self, movement: &Movement) {
        for (post, change) in movement.changes() {
            *self
                .vials
                .entry((movement.goods.clone(), post))
                .or_default() += change;
        }
    }

    /// Vials at an account.
    #[must_use]
    pub fn at(&self, goods: &Goods, post: Post) -> i64 {
        self.vials
            .get(&(goods.clone(), post))
            .copied()
            .unwrap_or_default()
    }

    /// Vials of a lot on a venue's shelves.
    #[must_use]
    pub fn on_hand(&self, goods: &Goods, venue: OrganisationId) -> i64 {
        Shelf::ALL
            .into_iter()
            .map(|shelf| {
                let account = Account::Shelf(shelf);
                self.at(
                    goods,
                    Post {
                        holder: venue,
                        account,
                    },
                )
            })
            .sum()
    }

    /// All balances of a lot, which add up to nothing.
    #[must_use]
    pub fn sum(&self, goods: &Goods) -> i64 {
        self.vials
            .iter()
            .filter(|((of, _), _)| of == goods)
            .map(|(_, vials)| vials)
            .sum()
    }
}

/// From which shelf vials are taken that nobody said: the thawed ones first, then the frozen ones, and
/// what is on neither from the thawed ones, whose balance then asks a question.
#[must_use]
pub fn taken_from(thawed: i64, frozen: i64, vials: i64) -> [(Shelf, i64); 2] {
    let from_thawed = vials.min(thawed.max(0));
    let from_frozen = (vials - from_thawed).min(frozen.max(0));
    [
        (Shelf::Thawed, vials - from_frozen),
        (Shelf::Frozen, from_frozen),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn holder(number: u128) -> OrganisationId {
        OrganisationId(Uuid::from_u128(number))
    }

    fn post(number: u128, account: Account) -> Post {
        Post {
            holder: holder(number),
            account,
        }
    }

    fn goods(lot: &str) -> Goods {
        Goods {
            product: "comirnaty_12_mono".to_owned(),
            lot: lot.to_owned(),
        }
    }

    const FROZEN: Account = Account::Shelf(Shelf::Frozen);
    const THAWED: Account = Account::Shelf(Shelf::Thawed);

    fn moved(
        kind: Kind,
        from: (u128, Account),
        to: (u128, Account),
    ) -> Result<Movement, MovementRefusal> {
        Movement::new(
            kind,
            goods("EY2173"),
            5,
            post(from.0, from.1),
            post(to.0, to.1),
        )
    }

    #[test]
    fn every_word_is_read_back() {
        for account in Account::ALL {
            assert_eq!(Account::parse(account.as_str()), Some(account));
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        for waste in Waste::ALL {
            assert_eq!(Waste::parse(waste.as_str()), Some(waste));
        }
    }

    #[test]
    fn nothing_is_frozen_again() {
        let refused = moved(Kind::Thawed, (1, THAWED), (1, FROZEN));
        assert_eq!(refused, Err(MovementRefusal::Way));
        assert!(moved(Kind::Thawed, (1, FROZEN), (1, THAWED)).is_ok());
    }

    #[test]
    fn only_shipments_and_transfers_change_hands() {
        assert!(moved(Kind::Shipped, (9, Account::Supply), (1, Account::Delivery)).is_ok());
        assert!(moved(Kind::Sent, (1, FROZEN), (2, Account::Transfer)).is_ok());
        let taken = moved(Kind::Lost, (1, FROZEN), (2, Account::Lost));
        assert_eq!(taken, Err(MovementRefusal::Way));
        let to_itself = moved(Kind::Sent, (1, FROZEN), (1, Account::Transfer));
        assert_eq!(to_itself, Err(MovementRefusal::Way));
    }

    #[test]
    fn a_vial_opened_for_nobody_was_opened_first() {
        let none = Account::Discarded(Waste::OpenedNone);
        let off_the_shelf = moved(Kind::Discarded, (1, THAWED), (1, none));
        assert_eq!(off_the_shelf, Err(MovementRefusal::Way));
        assert!(moved(Kind::Discarded, (1, Account::Opened), (1, none)).is_ok());
        let unopened = Account::Discarded(Waste::Unused);
        let opened = moved(Kind::Discarded, (1, Account::Opened), (1, unopened));
        assert_eq!(opened, Err(MovementRefusal::Way));
    }

    #[test]
    fn no_vial_or_fewer_is_no_movement() {
        for vials in [0, -1, MOVEMENT_VIALS_MAX + 1] {
            let (from, to) = (post(1, FROZEN), post(1, THAWED));
            let refused = Movement::new(Kind::Thawed, goods("EY2173"), vials, from, to);
            assert_eq!(refused, Err(MovementRefusal::Vials));
        }
    }

    #[test]
    fn the_thawed_ones_are_taken_first_and_what_is_missing_is_asked_there() {
        assert_eq!(
            taken_from(3, 9, 2),
            [(Shelf::Thawed, 2), (Shelf::Frozen, 0)]
        );
        assert_eq!(
            taken_from(3, 9, 5),
            [(Shelf::Thawed, 3), (Shelf::Frozen, 2)]
        );
        assert_eq!(
            taken_from(3, 1, 6),
            [(Shelf::Thawed, 5), (Shelf::Frozen, 1)]
        );
        assert_eq!(
            taken_from(-2, 0, 1),
            [(Shelf::Thawed, 1), (Shelf::Frozen, 0)]
        );
    }

    /// Every way that vials may go.
    fn ways() -> Vec<(Kind, Account, Account)> {
        let mut ways = Vec::new();
        for kind in Kind::ALL {
            for from in Account::ALL {
                let to = Account::ALL.into_iter().filter(|to| kind.leads(from, *to));
                ways.extend(to.map(|to| (kind, from, to)));
            }
        }
        ways
    }

    /// Any movement among five holders, of two lots.
    fn any_movement() -> impl Strategy<Value = Movement> {
        let way = proptest::sample::select(ways());
        let lot = proptest::sample::select(vec!["EY2173", "FC9880"]);
        (way, lot, 1_i64..50, 0..5_u128, 1..5_u128).prop_map(|(way, lot, vials, holder, shift)| {
            let (kind, from, to) = way;
            let other = if kind.changes_hands() {
                (holder + shift) % 5
            } else {
                holder
            };
            let (from, to) = (post(holder + 1, from), post(other + 1, to));
            Movement::new(kind, goods(lot), vials, from, to).unwrap()
        })
    }

    proptest! {
        /// Domain paper 3.8, for every venue and lot, and the nation, over any history whatever.
        #[test]
        fn what_came_in_less_what_went_out_is_on_hand(
            history in proptest::collection::vec(any_movement(), 0..60),
        ) {
            let mut balances = Balances::default();
            let mut identities: BTreeMap<(OrganisationId, Goods), Identity> = BTreeMap::new();
            for movement in &history {
                balances.apply(movement);
                for number in 1..6 {
                    identities
                        .entry((holder(number), movement.goods().clone()))
                        .or_default()
                        .add(holder(number), movement.kind(), movement.from(), movement.to(), movement.vials());
                }
            }
            for ((venue, goods), identity) in &identities {
                prop_assert!(identity.holds(balances.on_hand(goods, *venue)));
                prop_assert_eq!(balances.sum(goods), 0);
                let at = |account| balances.at(goods, Post { holder: *venue, account });
                prop_assert_eq!(identity.used, at(Account::Used));
                prop_assert_eq!(identity.opened, at(Account::Opened));
                prop_assert_eq!(identity.lost, at(Account::Lost));
                prop_assert_eq!(identity.difference, at(Account::Difference));
                let wasted: i64 = Waste::ALL.into_iter().map(|one| at(Account::Discarded(one))).sum();
                prop_assert_eq!(identity.discarded, wasted);
            }
            // What suppliers shipped and no venue has received is on the way, and so between venues.
            for lot in [goods("EY2173"), goods("FC9880")] {
                let all = |account| (1..6).map(|one| balances.at(&lot, post(one, account))).sum::<i64>();
                let of_lot = || identities.iter().filter(|((_, goods), _)| *goods == lot).map(|(_, one)| one);
                let received: i64 = of_lot().map(|one| one.received).sum();
                prop_assert_eq!(-all(Account::Supply) - received, all(Account::Delivery));
                let out: i64 = of_lot().map(|one| one.transferred_out - one.transferred_in).sum();
                prop_assert_eq!(out, all(Account::Transfer));
            }
        }

        #[test]
        fn what_is_taken_is_all_taken(thawed in -9_i64..50, frozen in -9_i64..50, vials in 0_i64..50) {
            let parts = taken_from(thawed, frozen, vials);
            prop_assert_eq!(parts.iter().map(|(_, part)| part).sum::<i64>(), vials);
            prop_assert!(parts.iter().all(|(_, part)| *part >= 0));
        }
    }
}
