//! From files to schedules: every word looked up, every fault told with its file and line.

use std::fmt;

use toml::Spanned;

use super::examples;
use super::model::{
    Ages, Condition, Conflict, Lot, Permit, Product, ProductId, Programme, Schedules, Season,
    Series, ShelfLife, Turn,
};
use super::raw;
use crate::calendar::Day;
use crate::findings::FindingCode;

/// As many flags and conflicts as there are bits to keep them in.
const BITS_MAX: usize = 64;
/// As many products, programmes and series as numbers of their kind.
const PLACES_MAX: usize = 60_000;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; the table's own line where the fault is in one of its fields.
    pub line: usize,
    /// The stable word for programs.
    pub code: &'static str,
    /// The field, or nothing.
    pub field: &'static str,
    /// What stands there, or what the reader of TOML says.
    pub found: String,
}

/// Everything that is wrong with the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ja, en) = match self.code {
            "not_toml" => (
                "書き方が正しくありません。docs/rules.mdの項目と形を確かめてください。",
                "Not written as a schedule. Check fields and forms in docs/rules.md.",
            ),
            "unknown_word" => (
                "この名前のものは、ファイルのどこにもありません。綴りを確かめてください。",
                "Nothing in the files has this name. Check the spelling.",
            ),
            "twice" => (
                "同じ名前が二度あります。片方の名前を変えてください。",
                "The same name stands twice. Rename one of them.",
            ),
            "not_possible" => (
                "この項目にこの値は書けません。docs/rules.mdを確かめてください。",
                "This value cannot stand in this field. See docs/rules.md.",
            ),
            _ => (
                "多すぎます。ファイルを分けて別の規則にしてください。",
                "Too many. Split the files into separate schedules.",
            ),
        };
        let (file, line, field, found) = (&self.file, self.line, self.field, &self.found);
        write!(f, "{file}:{line}: {field} {found:?}: {ja} / {en}")
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A file that could be read as TOML.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
    raw: raw::File,
}

/// Where something stands, for faults about it.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    name: &'a str,
    text: &'a str,
    offset: usize,
}

impl Spot<'_> {
    pub(super) fn line(&self) -> usize {
        line_of(self.text, self.offset)
    }

    pub(super) fn file(&self) -> &str {
        self.name
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The words and the faults found so far.
pub(super) struct Builder {
    series: Vec<String>,
    stages: Vec<String>,
    /// The classes of each product.
    classes: Vec<Vec<String>>,
    pub(super) faults: Vec<Fault>,
    /// Made piece by piece; whole when there are no faults.
    pub(super) made: Schedules,
}

impl Schedules {
    /// Reads schedules from files, each with its name and its text; the order of the files is the
    /// order of the programmes in them.
    ///
    /// # Errors
    /// Everything that is wrong with them, not only the first.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut sources = Vec::new();
        for (name, text) in files {
            match toml::from_str::<raw::File>(text) {
                Ok(raw) => sources.push(Source { name, text, raw }),
                Err(error) => faults.push(Fault {
                    file: (*name).to_owned(),
                    line: error.span().map_or(1, |span| line_of(text, span.start)),
                    code: "not_toml",
                    field: "",
                    found: error.message().to_owned(),
                }),
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let mut builder = Builder::new();
        builder.names(&sources);
        for source in &sources {
            builder.rules(source);
        }
        builder.lookups();
        for source in &sources {
            for example in &source.raw.example {
                let spot = source.spot(&example.id);
                examples::compile(&mut builder, example, spot);
            }
        }
        if builder.faults.is_empty() {
            Ok(builder.made)
        } else {
            Err(Faults(builder.faults))
        }
    }
}

impl<'a> Source<'a> {
    fn spot(&self, word: &Spanned<String>) -> Spot<'a> {
        Spot {
            name: self.name,
            text: self.text,
            offset: word.span().start,
        }
    }
}

/// A word from a list that gives it a number, added if it is new.
fn number_of(list: &mut Vec<String>, word: &str) -> usize {
    list.iter().position(|one| one == word).unwrap_or_else(|| {
        list.push(word.to_owned());
        list.len() - 1
    })
}

fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

impl Builder {
    fn new() -> Self {
        Self {
            series: Vec::new(),
            stages: Vec::new(),
            classes: Vec::new(),
            faults: Vec::new(),
            made: Schedules {
                series: Vec::new(),
                products: Vec::new(),
                keys: Vec::new(),
                cvx: Vec::new(),
                programmes: Vec::new(),
                conflicts: Vec::new(),
                shelf_lives: Vec::new(),
                lots: Vec::new(),
                flags: Vec::new(),
                examples: Vec::new(),
            },
        }
    }

    pub(super) fn fault(
        &mut self,
        spot: Spot<'_>,
        code: &'static str,
        field: &'static str,
        found: &str,
    ) {
        self.faults.push(Fault {
            file: spot.name.to_owned(),
            line: spot.line(),
            code,
            field,
            found: found.to_owned(),
        });
    }

    /// First everything that has a name, for rules speak of what stands further below.
    fn names(&mut self, sources: &[Source<'_>]) {
        for source in sources {
            for series in &source.raw.series {
                let id = series.id.get_ref();
                if self.series.contains(id) {
                    self.fault(source.spot(&series.id), "twice", "series.id", id);
                }
                self.series.push(id.clone());
                self.made.series.push(Series {
                    id: id.clone(),
                    name_ja: series.name_ja.clone(),
                    name_en: series.name_en.clone(),
                    counted_through: series.counted_through,
                });
            }
        }
        for source in sources {
            for product in &source.raw.product {
                self.product(source, product);
            }
        }
        let programmes = || {
            let all = sources.iter();
            all.flat_map(|source| source.raw.programme.iter().map(move |one| (source, one)))
        };
        let mut ids: Vec<&String> = Vec::new();
        let mut rules: Vec<&String> = Vec::new();
        for (source, programme) in programmes() {
            number_of(&mut self.stages, stage_of(programme));
            let id = programme.id.get_ref();
            if ids.contains(&id) {
                self.fault(source.spot(&programme.id), "twice", "programme.id", id);
            }
            ids.push(id);
            for rule in programme.turn.iter().flat_map(|turn| &turn.rule) {
                let id = rule.id.get_ref();
                if rules.contains(&id) {
                    self.fault(source.spot(&rule.id), "twice", "rule.id", id);
                }
                rules.push(id);
            }
        }
        let counts = [self.series.len(), self.made.products.len(), ids.len()];
        if let (Some(source), true) = (
            sources.first(),
            counts.into_iter().any(|count| count > PLACES_MAX),
        ) {
            let spot = Spot {
                name: source.name,
                text: source.text,
                offset: 0,
            };
            self.fault(spot, "too_many", "", "");
        }
    }

    fn product(&mut self, source: &Source<'_>, product: &raw::Product) {
        let spot = source.spot(&product.key);
        let key = product.key.get_ref();
        let id = ProductId(place(self.made.products.len()));
        if self.made.keys.iter().any(|(one, _)| one == key) {
            self.fault(spot, "twice", "product.key", key);
        }
        let series = product
            .series
            .iter()
            .map(|word| self.series_at(word, spot, "product.series"))
            .collect();
        self.classes.push(product.classes.clone());
        self.made.keys.push((key.clone(), id));
        for code in &product.cvx {
            self.made.cvx.push((code.clone(), id));
        }
        self.made.products.push(Product {
            key: key.clone(),
            name_ja: product.name_ja.clone(),
            name_en: product.name_en.clone(),
            series,
            used_from: product.used_from.unwrap_or(Day::FIRST),
            used_to: product.used_to.unwrap_or(Day::LAST),
            unspecified: product.unspecified,
            first_of: 0,
            then_of: 0,
            except_of: 0,
        });
    }

    fn series_at(&mut self, word: &str, spot: Spot<'_>, field: &'static str) -> u16 {
        match self.series.iter().position(|one| one == word) {
            Some(at) => place(at),
            None => {
                self.fault(spot, "unknown_word", field, word);
                0
            }
        }
    }

    pub(super) fn product_at(
        &mut self,
        word: &str,
        spot: Spot<'_>,
        field: &'static str,
    ) -> ProductId {
        match self.made.products.iter().position(|one| one.key == word) {
            Some(at) => ProductId(place(at)),
            None => {
                self.fault(spot, "unknown_word", field, word);
                ProductId(0)
            }
        }
    }

    fn products_at(
        &mut self,
        words: &[String],
        spot: Spot<'_>,
        field: &'static str,
    ) -> Vec<ProductId> {
        words
            .iter()
            .map(|word| self.product_at(word, spot, field))
            .collect()
    }

    fn flag_bits(&mut self, words: &[String], spot: Spot<'_>) -> u64 {
        let mut bits = 0;
        for word in words {
            let at = number_of(&mut self.made.flags, word);
            if at < BITS_MAX {
                bits |= 1 << at;
            } else {
                self.fault(spot, "too_many", "flags", word);
            }
        }
        bits
    }

    fn rules(&mut self, source: &Source<'_>) {
        for programme in &source.raw.programme {
            let made = self.programme(source, programme);
            self.made.programmes.push(made);
        }
        for conflict in &source.raw.conflict {
            self.conflict(source, conflict);
        }
        for life in &source.raw.shelf_life {
            let spot = source.spot(&life.product);
            let product = self.product_at(life.product.get_ref(), spot, "shelf_life.product");
            self.made.shelf_lives.push(ShelfLife {
                product,
                months: life.months,
                decided_on: life.decided_on,
                except_lots: life.except_lots.clone(),
            });
        }
        for lot in &source.raw.lot {
            let product = self.product_at(&lot.product, source.spot(&lot.number), "lot.product");
            self.made.lots.push(Lot {
                number: lot.number.get_ref().clone(),
                product,
                expires: lot.expires,
                printed_months: lot.printed_months,
            });
        }
    }

    fn programme(&mut self, source: &Source<'_>, raw: &raw::Programme) -> Programme {
        let spot = source.spot(&raw.id);
        let header = &source.raw.file;
        let series = self.series_at(&raw.series, spot, "programme.series");
        let stage = place(number_of(&mut self.stages, stage_of(raw)));
        let requires = match raw.requires.as_str() {
            "" => None,
            word => match self.stages.iter().position(|stage| stage == word) {
                Some(at) => Some(place(at)),
                None => {
                    self.fault(spot, "unknown_word", "programme.requires", word);
                    None
                }
            },
        };
        let mut does_not_count = Vec::new();
        for word in &raw.does_not_count {
            match FindingCode::parse(word) {
                Some(code) => does_not_count.push(code),
                None => self.fault(spot, "unknown_word", "programme.does_not_count", word),
            }
        }
        let eligible: Vec<Condition> = raw
            .eligible
            .iter()
            .map(|condition| self.condition(condition, spot))
            .collect();
        if raw.turn.is_empty() || raw.turn.iter().any(|turn| turn.rule.is_empty()) {
            self.fault(spot, "not_possible", "programme.turn", "");
        }
        let mut turns = Vec::new();
        for turn in &raw.turn {
            let skip = turn
                .skip
                .iter()
                .map(|condition| self.condition(condition, spot))
                .collect();
            let mut permits = Vec::new();
            for rule in &turn.rule {
                self.permits(source, raw, rule, &eligible, &mut permits);
            }
            turns.push(Turn { skip, permits });
        }
        let permits = || turns.iter().flat_map(|turn| &turn.permits);
        let mut products: Vec<ProductId> = permits()
            .flat_map(|permit| permit.products.iter().copied())
            .collect();
        if permits().any(|permit| permit.products.is_empty()) {
            products.clear();
        }
        products.sort_unstable();
        products.dedup();
        let valid_from = permits().map(|permit| permit.valid_from).min();
        let valid_to = permits().map(|permit| permit.valid_to).max();
        Programme {
            valid_from: valid_from.unwrap_or(Day::FIRST),
            valid_to: valid_to.unwrap_or(Day::LAST),
            products,
            id: raw.id.get_ref().clone(),
            name_ja: raw.name_ja.clone(),
            name_en: raw.name_en.clone(),
            series,
            stage,
            requires,
            rank: raw.rank,
            contraindicated_by: self.flag_bits(&raw.contraindicated_by, spot),
            grace_days: raw.grace_days,
            does_not_count,
            repeat: raw.repeat,
            season: raw
                .season
                .as_ref()
                .map(|season| self.season(source, season)),
            turns,
            eve: header.age_reached == raw::AgeReached::Eve,
        }
    }

    fn season(&mut self, source: &Source<'_>, season: &raw::Season) -> Season {
        let mut read = |word: &Spanned<String>| {
            // A leap year, so that 02-29 may be written.
            let day = Day::parse(&format!("2000-{}", word.get_ref()));
            if day.is_none() {
                self.fault(
                    source.spot(word),
                    "not_possible",
                    "programme.season",
                    word.get_ref(),
                );
            }
            day.map_or((1, 1), |day| (day.month(), day.day()))
        };
        Season {
            from: read(&season.from),
            to: read(&season.to),
        }
    }

    /// A rule for each group that may take part.
    fn permits(
        &mut self,
        source: &Source<'_>,
        programme: &raw::Programme,
        rule: &raw::Rule,
        eligible: &[Condition],
        permits: &mut Vec<Permit>,
    ) {
        let spot = source.spot(&rule.id);
        let when = self.condition(&rule.when, spot);
        let products = self.products_at(&rule.products, spot, "rule.products");
        let told = [&rule.source, &programme.source, &source.raw.file.source];
        let source_note = told.into_iter().find(|note| !note.is_empty());
        let groups: Vec<Option<&Condition>> = if eligible.is_empty() {
            vec![None]
        } else {
            eligible.iter().map(Some).collect()
        };
        for group in groups {
            let conditions: Vec<Condition> =
                group.cloned().into_iter().chain([when.clone()]).collect();
            let from = [rule.valid_from, programme.valid_from];
            let to = [rule.valid_to, programme.valid_to];
            let within = conditions.iter();
            let valid_from = from.into_iter().flatten();
            let valid_to = to.into_iter().flatten();
            permits.push(Permit {
                rule: rule.id.get_ref().clone(),
                source: source_note.cloned().unwrap_or_default(),
                valid_from: valid_from
                    .chain(within.clone().map(|one| one.valid_from))
                    .max()
                    .unwrap_or(Day::FIRST),
                valid_to: valid_to
                    .chain(within.map(|one| one.valid_to))
                    .min()
                    .unwrap_or(Day::LAST),
                conditions,
                products: products.clone(),
                previous: rule.previous,
                exceptional: rule.exceptional,
                interval_min: rule.interval_min,
                interval_absolute: rule.interval_absolute,
                interval_recommended: rule.interval_recommended,
                interval_overdue: rule.interval_overdue,
                interval_max: rule.interval_max,
                age_absolute: rule.age_absolute,
                age_recommended: rule.age_recommended,
                age_overdue: rule.age_overdue,
                school_year_recommended: rule.school_year_recommended.and_then(years),
                since: rule.since.clone(),
            });
        }
    }

    fn condition(&mut self, raw: &raw::Condition, spot: Spot<'_>) -> Condition {
        Condition {
            valid_from: raw.valid_from.unwrap_or(Day::FIRST),
            valid_to: raw.valid_to.unwrap_or(Day::LAST),
            born_from: raw.born_from.unwrap_or(Day::FIRST),
            born_to: raw.born_to.unwrap_or(Day::LAST),
            age: Ages {
                from: raw.age_from,
                below: raw.age_below,
                until: raw.age_until,
            },
            first_age: Ages {
                from: raw.first_age_from,
                below: raw.first_age_below,
                until: raw.first_age_until,
            },
            last_age: Ages {
                from: raw.last_age_from,
                below: raw.last_age_below,
                until: None,
            },
            school_year_from: raw.school_year_from.and_then(years),
            school_year_to: raw.school_year_to.and_then(years),
            sex: raw.sex,
            flags: self.flag_bits(&raw.flags, spot),
            without_flags: self.flag_bits(&raw.without_flags, spot),
            first_products: self.products_at(&raw.first_products, spot, "first_products"),
            last_products: self.products_at(&raw.last_products, spot, "last_products"),
            given_min: raw.given_min.unwrap_or(0),
            given_max: raw.given_max.unwrap_or(u8::MAX),
            gap_from: raw.gap_from,
            gap_below: raw.gap_below,
        }
    }

    fn conflict(&mut self, source: &Source<'_>, raw: &raw::Conflict) {
        let spot = source.spot(&raw.id);
        let at = self.made.conflicts.len();
        if at >= BITS_MAX {
            self.fault(spot, "too_many", "conflict", raw.id.get_ref());
            return;
        }
        self.made.conflicts.push(Conflict {
            interval: raw.interval,
            either_order: raw.either_order,
            same_day_allowed: raw.same_day_allowed,
            grace_days: raw.grace_days,
            does_not_count: raw.does_not_count,
            valid_from: raw.valid_from.unwrap_or(Day::FIRST),
            valid_to: raw.valid_to.unwrap_or(Day::LAST),
        });
        let sides = [
            self.chosen(&raw.first, spot),
            self.chosen(&raw.then, spot),
            self.chosen(&raw.except, spot),
        ];
        for (id, product) in self.made.products.iter_mut().enumerate() {
            let [first, then, except] = &sides;
            let has = |list: &Vec<usize>| u64::from(list.contains(&id)) << at;
            product.first_of |= has(first);
            product.then_of |= has(then);
            product.except_of |= has(except);
        }
    }

    /// The places of the products that a selector means.
    fn chosen(&mut self, selector: &raw::Selector, spot: Spot<'_>) -> Vec<usize> {
        let series: Vec<u16> = selector
            .series
            .iter()
            .map(|word| self.series_at(word, spot, "conflict.series"))
            .collect();
        let named = self.products_at(&selector.products, spot, "conflict.products");
        let of_class = |classes: &[String]| {
            let mut wanted = selector.classes.iter();
            wanted.any(|class| class == "any" || classes.contains(class))
        };
        let all = self.made.products.iter().zip(&self.classes).enumerate();
        all.filter(|(at, (product, classes))| {
            named.contains(&ProductId(place(*at)))
                || product.series.iter().any(|one| series.contains(one))
                || of_class(classes)
        })
        .map(|(at, _)| at)
        .collect()
    }

    fn lookups(&mut self) {
        self.made.keys.sort();
        self.made.cvx.sort();
    }
}

/// A programme is its own stage unless it says otherwise.
fn stage_of(programme: &raw::Programme) -> &str {
    match programme.stage.as_str() {
        "" => programme.id.get_ref(),
        stage => stage,
    }
}

fn years(count: i32) -> Option<super::Period> {
    super::Period::parse(&format!("{count} years"))
}
