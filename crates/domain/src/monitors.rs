//! The monitors of the supply (需給の見える化): what a place was supplied with, has on hand, used and threw
//! away, for how many weeks that lasts, what ends soon, and how old the last word about it is.
//!
//! A sum is in vials, as the books are; doses follow from vials by the rate of the day (`data/vial_doses.csv`)
//! and never by a fixed multiple (domain paper 3.4).

use std::ops::{Add, AddAssign};

use serde::Serialize;

use crate::calendar::{Day, Instant};
use crate::closings::{Purpose, doses_per_vial};
use crate::stock::{Account, Kind, Waste};
use crate::vaccines::Vaccines;

/// Days before today whose doses tell how fast a place uses its vaccine: two weeks, so that every weekday
/// counts twice and one idle weekend does not show. Today is not among them, since it is not over.
pub const USE_DAYS: i64 = 14;
/// Days that count as soon: less than that is too late to give the vials to somebody else by a cycle of
/// two weeks.
pub const SOON_DAYS: i64 = 14;
/// Days that count as before long: two cycles (クール).
pub const BEFORE_LONG_DAYS: i64 = 28;
/// Days for which a venue's last word is fresh: a weekend and the holiday after it, on which nothing happens.
pub const FRESH_DAYS: i64 = 3;
/// Days after which it is stale: as long as the use is looked at, so that not a day of it was told.
pub const STALE_DAYS: i64 = 14;
/// Tenths of a week in a day's worth of use: ten, over seven.
const TENTHS: i64 = 10;
const DAYS_IN_A_WEEK: i64 = 7;

/// The vials of a place: a lot, a venue, or all venues of a city, a prefecture or the nation.
///
/// Invariant to be proven, not kept by force: [`Sums::holds`]. The sums of a place are the sums of what
/// is in it, added up: [`Sums::add`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Handed over by suppliers for it (供給).
    pub shipped: i64,
    /// Received of those (受領).
    pub received: i64,
    /// Received from other venues (融通・受入).
    pub taken: i64,
    /// Given on to other venues (融通・払出).
    pub sent: i64,
    /// On the way to it from other venues.
    pub in_transfer: i64,
    /// On hand (在庫).
    pub on_hand: i64,
    /// Opened, and not settled yet.
    pub opened: i64,
    /// Gave at least one dose (使用).
    pub used: i64,
    /// Thrown away unopened.
    pub wasted_unused: i64,
    /// Thrown away past its last day or its clock.
    pub wasted_expired: i64,
    /// Thrown away as too warm or too cold.
    pub wasted_temperature: i64,
    /// Opened, and gave no dose.
    pub wasted_opened_none: i64,
    /// Lost.
    pub lost: i64,
    /// Missing when counted; negative if more were found.
    pub difference: i64,
}

impl Sums {
    /// What a movement means to the holder of one of its two accounts: `vials` come into the account, or
    /// go out of it where they are negative. What a supplier has is nothing of a place.
    #[must_use]
    pub fn of(kind: Kind, account: Account, vials: i64) -> Self {
        let mut sums = Self::default();
        match account {
            Account::Supply => {}
            // Received vials leave this account, too; they are counted where they arrive.
            Account::Delivery if kind == Kind::Shipped => sums.shipped = vials,
            Account::Delivery => {}
            Account::Transfer => sums.in_transfer = vials,
            Account::Shelf(_) => {
                sums.on_hand = vials;
                match kind {
                    Kind::Received => sums.received = vials,
                    Kind::Taken => sums.taken = vials,
                    Kind::Sent => sums.sent = -vials,
                    _ => {}
                }
            }
            Account::Opened => sums.opened = vials,
            Account::Used => sums.used = vials,
            Account::Discarded(waste) => *sums.wasted_mut(waste) = vials,
            Account::Lost => sums.lost = vials,
            Account::Difference => sums.difference = vials,
        }
        sums
    }

    /// Shipped by suppliers, and not received yet.
    #[must_use]
    pub fn in_delivery(&self) -> i64 {
        self.shipped - self.received
    }

    /// On the way to the place, from whomever.
    #[must_use]
    pub fn on_the_way(&self) -> i64 {
        self.in_delivery() + self.in_transfer
    }

    /// Thrown away for one reason.
    #[must_use]
    pub fn wasted_by(&self, waste: Waste) -> i64 {
        match waste {
            Waste::Unused => self.wasted_unused,
            Waste::Expired => self.wasted_expired,
            Waste::Temperature => self.wasted_temperature,
            Waste::OpenedNone => self.wasted_opened_none,
        }
    }

    fn wasted_mut(&mut self, waste: Waste) -> &mut i64 {
        match waste {
            Waste::Unused => &mut self.wasted_unused,
            Waste::Expired => &mut self.wasted_expired,
            Waste::Temperature => &mut self.wasted_temperature,
            Waste::OpenedNone => &mut self.wasted_opened_none,
        }
    }

    /// Thrown away for whatever reason.
    #[must_use]
    pub fn wasted(&self) -> i64 {
        Waste::ALL.into_iter().map(|one| self.wasted_by(one)).sum()
    }

    /// Lost, and missing when counted.
    #[must_use]
    pub fn missing(&self) -> i64 {
        self.lost + self.difference
    }

    /// Whether what is on hand is what came in less what went out (domain paper 3.8).
    #[must_use]
    pub fn holds(&self) -> bool {
        let came = self.received + self.taken - self.sent;
        came - self.opened - self.used - self.wasted() - self.missing() == self.on_hand
    }
}

impl Add for Sums {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            shipped: self.shipped + other.shipped,
            received: self.received + other.received,
            taken: self.taken + other.taken,
            sent: self.sent + other.sent,
            in_transfer: self.in_transfer + other.in_transfer,
            on_hand: self.on_hand + other.on_hand,
            opened: self.opened + other.opened,
            used: self.used + other.used,
            wasted_unused: self.wasted_unused + other.wasted_unused,
            wasted_expired: self.wasted_expired + other.wasted_expired,
            wasted_temperature: self.wasted_temperature + other.wasted_temperature,
            wasted_opened_none: self.wasted_opened_none + other.wasted_opened_none,
            lost: self.lost + other.lost,
            difference: self.difference + other.difference,
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Sums {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// Doses that vials give on a day. Nobody knows for which doses a vial on a shelf will be opened: where the
/// purposes differ (domain paper 3.4) it is the smaller number, so that nothing is counted on that may not be
/// there. A product that no table knows gives one each.
#[must_use]
pub fn doses_in(product: &str, vials: i64, on: Day) -> i64 {
    let known = Purpose::ALL
        .into_iter()
        .filter_map(|purpose| doses_per_vial(product, purpose, on))
        .min();
    let nominal = || Some(Vaccines::bundled().find(product)?.doses_per_vial);
    let rate = known.or_else(nominal).unwrap_or(1).max(1);
    vials.saturating_mul(rate)
}

/// For how long the vials on hand last at the pace of the last [`USE_DAYS`] days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cover {
    /// So many tenths of a week, rounded down.
    Tenths(i64),
    /// Nothing was used: there is no pace, and no number of weeks.
    NothingUsed,
}

impl Cover {
    /// From doses on hand, and doses given within the days. A shelf below zero is a question for its venue;
    /// here it holds nothing.
    #[must_use]
    pub fn of(doses_on_hand: i64, doses_given: i64) -> Self {
        if doses_given <= 0 {
            return Self::NothingUsed;
        }
        let stock = i128::from(doses_on_hand.max(0));
        let tenths = stock * i128::from(USE_DAYS * TENTHS)
            / (i128::from(doses_given) * i128::from(DAYS_IN_A_WEEK));
        Self::Tenths(i64::try_from(tenths).unwrap_or(i64::MAX))
    }

    /// As the map shows it.
    #[must_use]
    pub fn band(self) -> Band {
        match self {
            Self::NothingUsed => Band::Unknown,
            Self::Tenths(..10) => Band::UnderOne,
            Self::Tenths(10..20) => Band::UnderTwo,
            Self::Tenths(20..40) => Band::UnderFour,
            Self::Tenths(_) => Band::More,
        }
    }
}

/// Weeks of cover as a map shows them. A cycle (クール) has two weeks: with less than one the next delivery
/// may come too late, and what lies for more than two cycles could serve somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Less than a week.
    UnderOne,
    /// Less than a cycle.
    UnderTwo,
    /// Less than two cycles.
    UnderFour,
    /// Two cycles or more.
    More,
    /// Nothing was used.
    Unknown,
}

impl Band {
    /// Every band.
    pub const ALL: [Self; 5] = [
        Self::UnderOne,
        Self::UnderTwo,
        Self::UnderFour,
        Self::More,
        Self::Unknown,
    ];

    /// The word in texts and style sheets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnderOne => "under-one",
            Self::UnderTwo => "under-two",
            Self::UnderFour => "under-four",
            Self::More => "more",
            Self::Unknown => "unknown",
        }
    }
}

/// Vials on hand by when their lot ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// Of lots that ended.
    pub ended: i64,
    /// Of lots that end within [`SOON_DAYS`] days, today being the first.
    pub soon: i64,
    /// Of those that end within [`BEFORE_LONG_DAYS`] days, but not so soon.
    pub before_long: i64,
    /// Of lots of which nobody told the last day.
    pub untold: i64,
}

impl Ending {
    /// Of one lot: `last_day` is the last on which it may be given.
    #[must_use]
    pub fn of(vials: i64, last_day: Option<Day>, today: Day) -> Self {
        let mut ending = Self::default();
        match last_day.map(|last| today.days_until(last)) {
            None => ending.untold = vials,
            Some(..0) => ending.ended = vials,
            Some(0..SOON_DAYS) => ending.soon = vials,
            Some(SOON_DAYS..BEFORE_LONG_DAYS) => ending.before_long = vials,
            Some(_) => {}
        }
        ending
    }
}

impl Add for Ending {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            ended: self.ended + other.ended,
            soon: self.soon + other.soon,
            before_long: self.before_long + other.before_long,
            untold: self.untold + other.untold,
        }
    }
}

impl AddAssign for Ending {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// How old the last word of a venue about a product is: a movement it entered, a dose, a count, a closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Fresh: at most [`FRESH_DAYS`] days ago.
    Fresh,
    /// Late: longer ago.
    Late,
    /// Stale: more than [`STALE_DAYS`] days ago.
    Stale,
    /// It never told anything.
    Never,
}

impl Age {
    /// Of what was told then, seen now; by days in Japan.
    #[must_use]
    pub fn of(told: Option<Instant>, now: Instant) -> Self {
        let Some(told) = told else {
            return Self::Never;
        };
        let days = told.day_in_japan().days_until(now.day_in_japan());
        if days <= FRESH_DAYS {
            Self::Fresh
        } else if days <= STALE_DAYS {
            Self::Late
        } else {
            Self::Stale
        }
    }

    /// Whoever told nothing since this moment is stale, seen now.
    #[must_use]
    pub fn stale_before(now: Instant) -> Instant {
        now.day_in_japan().plus_days(-STALE_DAYS).begins()
    }

    /// The word in texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Never => "never",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::access::OrganisationId;
    use crate::stock::{Balances, Goods, Identity, Movement, Post, Shelf};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn weeks_of_cover_are_rounded_down_to_tenths() {
        let check = |stock, given, expected| {
            assert_eq!(Cover::of(stock, given), expected, "{stock} {given}");
        };
        // A hundred a week.
        check(250, 200, Cover::Tenths(25));
        check(259, 200, Cover::Tenths(25));
        check(260, 200, Cover::Tenths(26));
        check(0, 200, Cover::Tenths(0));
        check(-60, 200, Cover::Tenths(0));
        check(i64::MAX, 1, Cover::Tenths(i64::MAX));
    }

    #[test]
    fn where_nothing_was_used_there_is_no_number_of_weeks() {
        assert_eq!(Cover::of(1_170, 0), Cover::NothingUsed);
        // Taken back more than given.
        assert_eq!(Cover::of(1_170, -3), Cover::NothingUsed);
        assert_eq!(Cover::NothingUsed.band(), Band::Unknown);
    }

    #[test]
    fn the_bands_of_the_map_are_half_a_cycle_a_cycle_and_two() {
        let band = |tenths| Cover::Tenths(tenths).band();
        assert_eq!((band(0), band(9)), (Band::UnderOne, Band::UnderOne));
        assert_eq!((band(10), band(19)), (Band::UnderTwo, Band::UnderTwo));
        assert_eq!((band(20), band(39)), (Band::UnderFour, Band::UnderFour));
        assert_eq!(band(40), Band::More);
    }

    #[test]
    fn doses_follow_from_vials_by_the_rate_of_the_day() {
        assert_eq!(doses_in("comirnaty_12_mono", 10, day("2021-04-12")), 50);
        assert_eq!(doses_in("comirnaty_12_mono", 10, day("2021-06-01")), 60);
        // First doses take ten of a vial, boosters fifteen.
        assert_eq!(doses_in("spikevax_mono", 10, day("2022-01-10")), 100);
        assert_eq!(doses_in("new_one", 10, day("2022-01-10")), 10);
    }

    #[test]
    fn vials_end_by_the_last_day_on_which_they_may_be_given() {
        let today = day("2021-06-01");
        let check = |last: Option<&str>, expected: [i64; 4]| {
            let ending = Ending::of(5, last.map(day), today);
            let told = [ending.ended, ending.soon, ending.before_long, ending.untold];
            assert_eq!(told, expected, "{last:?}");
        };
        check(Some("2021-05-31"), [5, 0, 0, 0]);
        check(Some("2021-06-01"), [0, 5, 0, 0]);
        check(Some("2021-06-14"), [0, 5, 0, 0]);
        check(Some("2021-06-15"), [0, 0, 5, 0]);
        check(Some("2021-06-28"), [0, 0, 5, 0]);
        check(Some("2021-06-29"), [0, 0, 0, 0]);
        check(None, [0, 0, 0, 5]);
    }

    #[test]
    fn the_last_word_grows_old_by_days_in_japan() {
        let at = |text: &str| Instant::parse(text).unwrap();
        let now = at("2021-06-15T00:10:00+09:00");
        let check = |told: &str, expected| assert_eq!(Age::of(Some(at(told)), now), expected);
        check("2021-06-14T23:59:00+09:00", Age::Fresh);
        check("2021-06-12T00:00:00+09:00", Age::Fresh);
        check("2021-06-11T23:59:00+09:00", Age::Late);
        check("2021-06-01T00:00:00+09:00", Age::Late);
        check("2021-05-31T23:59:00+09:00", Age::Stale);
        // A clock that goes before ours.
        check("2021-06-16T00:00:00+09:00", Age::Fresh);
        assert_eq!(Age::of(None, now), Age::Never);
        let edge = Age::stale_before(now);
        assert_eq!(edge, at("2021-06-01T00:00:00+09:00"));
    }

    fn post(number: u128, account: Account) -> Post {
        Post {
            holder: OrganisationId(Uuid::from_u128(number)),
            account,
        }
    }

    fn any_movement() -> impl Strategy<Value = Movement> {
        let mut ways = Vec::new();
        for kind in Kind::ALL {
            for from in Account::ALL {
                let to = Account::ALL.into_iter().filter(|to| kind.leads(from, *to));
                ways.extend(to.map(|to| (kind, from, to)));
            }
        }
        let way = proptest::sample::select(ways);
        (way, 1_i64..50, 0..4_u128, 1..4_u128).prop_map(|((kind, from, to), vials, one, shift)| {
            let other = if kind.changes_hands() {
                (one + shift) % 4
            } else {
                one
            };
            let goods = Goods {
                product: "comirnaty_12_mono".to_owned(),
                lot: "EY2173".to_owned(),
            };
            Movement::new(kind, goods, vials, post(one, from), post(other, to)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn every_sum_holds_and_a_place_is_the_sum_of_what_is_in_it(
            history in proptest::collection::vec(any_movement(), 0..60),
        ) {
            let mut balances = Balances::default();
            let mut venues: BTreeMap<OrganisationId, (Sums, Identity)> = BTreeMap::new();
            let mut whole = Sums::default();
            for movement in &history {
                balances.apply(movement);
                let mut holders = vec![movement.from().holder, movement.to().holder];
                holders.dedup();
                for holder in holders {
                    let (_, identity) = venues.entry(holder).or_default();
                    identity.add(holder, movement.kind(), movement.from(), movement.to(), movement.vials());
                }
                for (post, vials) in movement.changes() {
                    let sums = Sums::of(movement.kind(), post.account, vials);
                    venues.entry(post.holder).or_default().0 += sums;
                    whole += sums;
                }
            }
            prop_assert!(whole.holds());
            prop_assert_eq!(venues.values().map(|(sums, _)| *sums).sum::<Sums>(), whole);
            for (holder, (sums, identity)) in &venues {
                prop_assert!(sums.holds());
                prop_assert_eq!(sums.received, identity.received);
                prop_assert_eq!(sums.taken, identity.transferred_in);
                prop_assert_eq!(sums.sent, identity.transferred_out);
                prop_assert_eq!(sums.wasted(), identity.discarded);
                let goods = Goods { product: "comirnaty_12_mono".to_owned(), lot: "EY2173".to_owned() };
                let at = |account| balances.at(&goods, Post { holder: *holder, account });
                prop_assert_eq!(sums.on_hand, balances.on_hand(&goods, *holder));
                prop_assert_eq!(sums.in_delivery(), at(Account::Delivery));
                prop_assert_eq!(sums.in_transfer, at(Account::Transfer));
                prop_assert_eq!(sums.on_hand, at(Account::Shelf(Shelf::Frozen)) + at(Account::Shelf(Shelf::Thawed)));
            }
            // Between venues nothing is lost: what left the one is on the way or with the other.
            prop_assert_eq!(whole.sent - whole.taken, whole.in_transfer);
        }

        #[test]
        fn more_on_hand_never_lasts_shorter_and_more_use_never_longer(
            stock in 0_i64..1_000_000, more in 0_i64..1_000, given in 1_i64..100_000, faster in 0_i64..1_000,
        ) {
            let Cover::Tenths(here) = Cover::of(stock, given) else { return Err(TestCaseError::fail("used")) };
            prop_assert!(Cover::of(stock + more, given) >= Cover::Tenths(here));
            prop_assert!(Cover::of(stock, given + faster) <= Cover::Tenths(here));
            // Rounded down: so many weeks of use are there, and not a tenth more.
            prop_assert!(here * given * 7 <= stock * USE_DAYS * 10);
            prop_assert!((here + 1) * given * 7 > stock * USE_DAYS * 10);
        }
    }
}
