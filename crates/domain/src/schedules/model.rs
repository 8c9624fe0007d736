//! The schedules as the engine holds them: everything looked up once, by number.

use crate::calendar::Day;
use crate::findings::FindingCode;
use crate::people::{BirthDate, Sex};

use super::period::Period;
use super::raw::Previous;

/// A set of schedules, ready to judge by.
///
/// Invariant: every number in it leads to something in it; [`Schedules::parse`] alone makes one.
#[derive(Debug)]
pub struct Schedules {
    pub(super) series: Vec<Series>,
    pub(super) products: Vec<Product>,
    /// Product keys in order, each with its place in `products`.
    pub(super) keys: Vec<(String, ProductId)>,
    /// CVX codes in order; of one code, in the order of the files.
    pub(super) cvx: Vec<(String, ProductId)>,
    pub(super) programmes: Vec<Programme>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) shelf_lives: Vec<ShelfLife>,
    pub(super) lots: Vec<Lot>,
    /// Every flag that some rule asks for, in order; a flag's place is its bit.
    pub(super) flags: Vec<String>,
    pub(super) examples: Vec<Example>,
}

/// The place of a product in its schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductId(pub(super) u16);

/// What is known of a person besides birth and sex: illnesses, occupation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flags {
    /// Nobody asked; in doubt the person may take part, for the venue has looked.
    #[default]
    Unknown,
    /// These and no others.
    Known(FlagSet),
}

/// Flags by number, made by [`Schedules::flags`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagSet(pub(super) u64);

/// Whom a schedule is asked about.
#[derive(Clone, Copy)]
pub struct Person {
    /// The birth date; without one, no age is held against a dose.
    pub birth: Option<BirthDate>,
    /// Sex; unknown is held against nobody.
    pub sex: Sex,
    /// Illnesses and occupation.
    pub flags: Flags,
}

impl std::fmt::Debug for Person {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(..)")
    }
}

/// A dose somebody was given, as far as a schedule needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given<'a> {
    /// The day.
    pub on: Day,
    /// Which dose it is said to be, counted through, where somebody said so.
    pub turn: Option<u8>,
    /// The product; `None` if the schedules do not know it.
    pub product: Option<ProductId>,
    /// Abroad, at a base, in a trial: it counts, but the rules of here do not bind it.
    pub external: bool,
    /// The lot, or nothing.
    pub lot: &'a str,
    /// The last day printed on the vial, if it was read.
    pub expires: Option<Day>,
}

#[derive(Debug)]
pub(super) struct Series {
    pub id: String,
    pub name_ja: String,
    pub name_en: String,
    pub counted_through: bool,
}

#[derive(Debug)]
pub(super) struct Product {
    pub key: String,
    pub name_ja: String,
    pub name_en: String,
    pub series: Vec<u16>,
    pub used_from: Day,
    pub used_to: Day,
    pub unspecified: bool,
    /// Conflicts in which it may come first, and in which it may follow; a bit each.
    pub first_of: u64,
    pub then_of: u64,
    pub except_of: u64,
}

#[derive(Debug)]
pub(super) struct Programme {
    pub id: String,
    pub name_ja: String,
    pub name_en: String,
    pub series: u16,
    pub stage: u16,
    pub requires: Option<u16>,
    pub rank: i32,
    pub contraindicated_by: u64,
    pub grace_days: i64,
    pub does_not_count: Vec<FindingCode>,
    pub repeat: bool,
    pub season: Option<Season>,
    /// Invariant: not empty, and no turn is without a permit.
    pub turns: Vec<Turn>,
    /// The first and the last day of any of its rules.
    pub valid_from: Day,
    pub valid_to: Day,
    /// The products of all its rules; any if empty.
    pub products: Vec<ProductId>,
    pub eve: bool,
}

/// From a day of the year to another, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Season {
    pub from: (i8, i8),
    pub to: (i8, i8),
}

#[derive(Debug)]
pub(super) struct Turn {
    pub skip: Vec<Condition>,
    pub permits: Vec<Permit>,
}

/// A rule for one of the groups that may take part.
#[derive(Debug)]
pub(super) struct Permit {
    pub rule: String,
    pub source: String,
    pub valid_from: Day,
    pub valid_to: Day,
    pub conditions: Vec<Condition>,
    /// Any product of the series if empty.
    pub products: Vec<ProductId>,
    pub previous: Previous,
    pub exceptional: bool,
    pub interval_min: Option<Period>,
    pub interval_absolute: Option<Period>,
    pub interval_recommended: Option<Period>,
    pub interval_overdue: Option<Period>,
    pub interval_max: Option<Period>,
    pub age_absolute: Option<Period>,
    pub age_recommended: Option<Period>,
    pub age_overdue: Option<Period>,
    pub school_year_recommended: Option<Period>,
    pub since: Vec<super::raw::Since>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ages {
    /// From the day it is reached.
    pub from: Option<Period>,
    /// To the day before it is reached.
    pub below: Option<Period>,
    /// To the day it is reached.
    pub until: Option<Period>,
}

#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub valid_from: Day,
    pub valid_to: Day,
    pub born_from: Day,
    pub born_to: Day,
    pub age: Ages,
    pub first_age: Ages,
    pub last_age: Ages,
    pub school_year_from: Option<Period>,
    pub school_year_to: Option<Period>,
    pub sex: Option<Sex>,
    /// One of these bits; any person if zero.
    pub flags: u64,
    /// None of these bits.
    pub without_flags: u64,
    pub first_products: Vec<ProductId>,
    pub last_products: Vec<ProductId>,
    pub given_min: u8,
    pub given_max: u8,
    pub gap_from: Option<Period>,
    pub gap_below: Option<Period>,
}

#[derive(Debug)]
pub(super) struct Conflict {
    pub interval: Period,
    pub either_order: bool,
    pub same_day_allowed: bool,
    pub grace_days: i64,
    pub does_not_count: bool,
    pub valid_from: Day,
    pub valid_to: Day,
}

#[derive(Debug)]
pub(super) struct ShelfLife {
    pub product: ProductId,
    pub months: i32,
    pub decided_on: Day,
    pub except_lots: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Lot {
    pub number: String,
    pub product: ProductId,
    pub expires: Day,
    pub printed_months: Option<i32>,
}

#[derive(Debug)]
pub(super) struct Example {
    pub file: String,
    pub line: usize,
    pub id: String,
    pub says: String,
    pub birth: BirthDate,
    pub sex: Sex,
    pub flags: FlagSet,
    pub on: Day,
    pub doses: Vec<ExampleDose>,
    pub expect: Vec<String>,
    pub next: Vec<String>,
}

#[derive(Debug)]
pub(super) struct ExampleDose {
    pub product: ProductId,
    pub on: Day,
    pub external: bool,
    pub turn: Option<u8>,
    pub lot: String,
    pub expires: Option<Day>,
}

impl Schedules {
    /// The product with this key.
    #[must_use]
    pub fn product(&self, key: &str) -> Option<ProductId> {
        let at = self
            .keys
            .binary_search_by(|(one, _)| one.as_str().cmp(key))
            .ok()?;
        self.keys.get(at).map(|(_, id)| *id)
    }

    /// The product with this CVX code: of several, the first of the files in use on the day, else
    /// the first.
    #[must_use]
    pub fn product_by_cvx(&self, code: &str, on: Day) -> Option<ProductId> {
        let begin = self.cvx.partition_point(|(one, _)| one.as_str() < code);
        let all = || {
            let rest = self.cvx.iter().skip(begin);
            rest.take_while(|(one, _)| one == code).map(|(_, id)| *id)
        };
        let in_use = |id: &ProductId| {
            self.at(*id)
                .is_some_and(|product| product.used_from <= on && on <= product.used_to)
        };
        all().find(in_use).or_else(|| all().next())
    }

    /// The key of a product.
    #[must_use]
    pub fn product_key(&self, id: ProductId) -> &str {
        self.at(id).map_or("", |product| &product.key)
    }

    /// The names of a product, Japanese and English.
    #[must_use]
    pub fn product_names(&self, id: ProductId) -> (&str, &str) {
        self.at(id)
            .map_or(("", ""), |product| (&product.name_ja, &product.name_en))
    }

    /// The names of a series, Japanese and English.
    #[must_use]
    pub fn series_names(&self, id: &str) -> Option<(&str, &str)> {
        let series = self.series.iter().find(|series| series.id == id)?;
        Some((&series.name_ja, &series.name_en))
    }

    /// The names of a programme, Japanese and English.
    #[must_use]
    pub fn programme_names(&self, id: &str) -> Option<(&str, &str)> {
        let found = self
            .programmes
            .iter()
            .find(|programme| programme.id == id)?;
        Some((&found.name_ja, &found.name_en))
    }

    /// Every programme by its key, in the order of the files.
    pub fn programmes(&self) -> impl Iterator<Item = &str> {
        self.programmes.iter().map(|one| one.id.as_str())
    }

    /// Every product: its place, its key, its first and its last day of use where they are told.
    pub fn products(&self) -> impl Iterator<Item = (ProductId, &str, Option<Day>, Option<Day>)> {
        (0_u16..).zip(&self.products).map(|(at, product)| {
            (
                ProductId(at),
                product.key.as_str(),
                Some(product.used_from).filter(|day| *day != Day::FIRST),
                Some(product.used_to).filter(|day| *day != Day::LAST),
            )
        })
    }

    /// The series that a product is a dose of.
    pub fn series_of(&self, id: ProductId) -> impl Iterator<Item = &str> {
        let places = self.at(id).into_iter().flat_map(|product| &product.series);
        places.filter_map(|at| Some(self.series.get(usize::from(*at))?.id.as_str()))
    }

    /// The product that stands for one nobody can name: the first such of the files.
    pub(crate) fn unspecified(&self) -> Option<ProductId> {
        let at = self.products.iter().position(|product| product.unspecified);
        at.and_then(|at| u16::try_from(at).ok()).map(ProductId)
    }

    /// The flags with these words; words that no rule asks for are told back.
    #[must_use]
    pub fn flags<'w>(&self, words: &[&'w str]) -> (FlagSet, Vec<&'w str>) {
        let mut set = FlagSet::default();
        let mut strange = Vec::new();
        for word in words {
            match self.flags.iter().position(|flag| flag == word) {
                Some(at) => set.0 |= 1 << at,
                None => strange.push(*word),
            }
        }
        (set, strange)
    }

    pub(super) fn at(&self, id: ProductId) -> Option<&Product> {
        self.products.get(usize::from(id.0))
    }
}
