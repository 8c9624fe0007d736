//! What each dose counts as, and what is wrong with it.

use super::fit::{Fit, Taken, View, misfit};
use super::model::{Conflict, Given, Permit, Person, Product, ProductId, Programme, Schedules};
use crate::calendar::Day;
use crate::findings::{Finding, FindingCode};

/// What is thought of one dose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoseVerdict<'s> {
    /// What it is in each series that it is a dose of; a combined vaccine has several.
    pub parts: Vec<Part<'s>>,
    /// What is wrong with the dose in itself: day, product, lot, other vaccines.
    pub findings: Vec<Finding>,
}

/// A dose as one turn of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'s> {
    /// The series (what it protects from).
    pub series: &'s str,
    /// The programme it counts in, or would.
    pub programme: &'s str,
    /// Which dose of the programme, from 1.
    pub turn: u8,
    /// Whether it counts as that dose.
    pub counts: bool,
    /// The rule it was held against.
    pub rule: &'s str,
    /// Where that rule was read.
    pub source: &'s str,
    /// What is wrong by that rule.
    pub findings: Vec<Finding>,
}

impl DoseVerdict<'_> {
    /// Everything found, each once, worst first.
    #[must_use]
    pub fn all_findings(&self) -> Vec<Finding> {
        let parts = self.parts.iter().flat_map(|part| &part.findings);
        let mut all: Vec<Finding> = self.findings.iter().chain(parts).copied().collect();
        all.sort_by_key(|finding| (std::cmp::Reverse(finding.code.severity()), *finding));
        all.dedup();
        all
    }
}

/// A dose on its way to a turn.
struct Placement<'s> {
    programme_at: u16,
    programme: &'s Programme,
    turn: u8,
    permit: &'s Permit,
    fit: Fit,
    bits: u16,
}

impl Placement<'_> {
    /// The smaller, the nearer. Of equals the first of the files; but one too many is so in the
    /// programme that came last.
    fn weight(&self, day: Day) -> (u16, i64, u16, Day, u16) {
        let order = if self.bits & misfit::OVER_LIMIT != 0 {
            u16::MAX - self.programme_at
        } else {
            self.programme_at
        };
        (
            self.bits & !misfit::SMALL,
            self.fit.days_off(day),
            self.bits & misfit::SMALL,
            self.fit.soon.max(self.fit.young).max(day),
            order,
        )
    }
}

/// The rules of here do not bind an external dose; they only tell where it belongs.
fn as_external(bits: u16, external: bool) -> u16 {
    if !external {
        return bits;
    }
    let mut softened = bits & !(misfit::PRODUCT | misfit::NOT_OPEN | misfit::OVER);
    if bits & misfit::PRODUCT != 0 {
        softened |= misfit::FOREIGN_PRODUCT;
    }
    if bits & (misfit::NOT_OPEN | misfit::OVER) != 0 {
        softened |= misfit::FOREIGN_DAY;
    }
    softened
}

/// The doses walked through so far.
pub(super) struct Walk<'s, 'p> {
    schedules: &'s Schedules,
    person: &'p Person,
    pub taken: Vec<Taken>,
    /// Everything given so far, of any series: for the gap to other vaccines.
    before: Vec<(ProductId, Day)>,
}

impl Schedules {
    /// What each dose counts as, in the order of `history`; doses dated after `on` count as
    /// nothing yet.
    #[must_use]
    pub fn evaluate<'s>(
        &'s self,
        person: &Person,
        history: &[Given<'_>],
        on: Day,
    ) -> Vec<DoseVerdict<'s>> {
        let mut walk = Walk::new(self, person);
        let mut verdicts: Vec<(usize, DoseVerdict<'s>)> = in_order(history)
            .into_iter()
            .map(|(at, given)| (at, walk.judge(given, on)))
            .collect();
        verdicts.sort_by_key(|(at, _)| *at);
        verdicts.into_iter().map(|(_, verdict)| verdict).collect()
    }

    /// What the rules of its series find about one dose after others; the day and the product
    /// itself are judged elsewhere.
    pub(crate) fn findings_after(
        &self,
        person: &Person,
        before: &[Given<'_>],
        dose: &Given<'_>,
    ) -> Vec<Finding> {
        let mut walk = Walk::new(self, person);
        for (_, given) in in_order(before) {
            walk.step(given);
        }
        let (parts, mut findings) = walk.step(dose);
        findings.extend(parts.into_iter().flat_map(|part| part.findings));
        findings
    }
}

/// In the order they were given; doses that cannot be told apart may stand either way.
pub(super) fn in_order<'g, 'a>(history: &'g [Given<'a>]) -> Vec<(usize, &'g Given<'a>)> {
    let mut all: Vec<_> = history.iter().enumerate().collect();
    all.sort_by_key(|(_, given)| **given);
    all
}

impl<'s, 'p> Walk<'s, 'p> {
    pub fn new(schedules: &'s Schedules, person: &'p Person) -> Self {
        Self {
            schedules,
            person,
            taken: Vec::new(),
            before: Vec::new(),
        }
    }

    /// Judges a dose and takes it in; call in the order of the days.
    pub fn judge(&mut self, given: &Given<'_>, on: Day) -> DoseVerdict<'s> {
        let mut findings = Vec::new();
        if given.on > on {
            findings.push(Finding::with(FindingCode::FutureDate, on));
        }
        if self
            .person
            .birth
            .is_some_and(|birth| given.on < birth.earliest())
        {
            findings.push(Finding::bare(FindingCode::BeforeBirth));
        }
        match given.product.and_then(|id| self.schedules.at(id)) {
            None => findings.push(Finding::bare(FindingCode::ProductUnknown)),
            Some(_) if given.external => {}
            Some(product) if given.on < product.used_from => {
                findings.push(Finding::with(FindingCode::BeforeProduct, product.used_from));
            }
            Some(product) if given.on > product.used_to => {
                findings.push(Finding::with(FindingCode::ProductEnded, product.used_to));
            }
            Some(_) => {}
        }
        if crate::findings::is_blocked(&findings) {
            return DoseVerdict {
                parts: Vec::new(),
                findings,
            };
        }
        let (parts, found) = self.step(given);
        findings.extend(found);
        DoseVerdict { parts, findings }
    }

    /// Gives a dose its place in each of its series.
    fn step(&mut self, given: &Given<'_>) -> (Vec<Part<'s>>, Vec<Finding>) {
        let Some(id) = given.product else {
            return (Vec::new(), Vec::new());
        };
        let Some(product) = self.schedules.at(id) else {
            return (Vec::new(), Vec::new());
        };
        let mut findings = Vec::new();
        let other = self.other_vaccine(product, given.on);
        let mut spoilt = false;
        if let (Some((earliest, conflict)), false) = (other, given.external) {
            if given.on < earliest.plus_days(-conflict.grace_days) {
                spoilt = conflict.does_not_count;
                findings.push(Finding::with(FindingCode::OtherVaccineTooSoon, earliest));
            } else {
                findings.push(Finding::with(FindingCode::WithinGrace, earliest));
            }
        }
        if let Some(last) = self.schedules.last_day(given)
            && given.on > last
        {
            findings.push(Finding::with(FindingCode::LotExpired, last));
        }
        if given.external {
            findings.push(Finding::bare(FindingCode::External));
        }
        let mut parts = Vec::with_capacity(product.series.len());
        for series in &product.series {
            parts.extend(self.step_in(*series, id, given, spoilt));
        }
        self.before.push((id, given.on));
        (parts, findings)
    }

    fn step_in(
        &mut self,
        series: u16,
        id: ProductId,
        given: &Given<'_>,
        spoilt: bool,
    ) -> Option<Part<'s>> {
        self.presume(series, given);
        let again = self
            .taken
            .iter()
            .any(|one| one.series == series && one.day == Some(given.on));
        let found = self.place(series, Some(id), given, None)?;
        let mut findings = Vec::new();
        if again {
            findings.push(Finding::bare(FindingCode::SameDay));
        } else if given.external {
            // The rules of here do not bind it; that it is one too many is still worth saying.
            if found.bits & misfit::OVER_LIMIT != 0 {
                findings.push(Finding::bare(FindingCode::OverLimit));
            }
        } else {
            self.tell(&found, id, given.on, &mut findings);
        }
        let counts = !again
            && !spoilt
            && found.bits & misfit::OVER_LIMIT == 0
            && !findings
                .iter()
                .any(|finding| found.programme.does_not_count.contains(&finding.code));
        if !again {
            self.taken.push(Taken {
                series,
                programme: found.programme_at,
                turn: found.turn,
                day: Some(given.on),
                product: Some(id),
                counted: counts,
            });
        }
        Some(Part {
            series: self
                .schedules
                .series
                .get(usize::from(series))
                .map_or("", |one| &one.id),
            programme: &found.programme.id,
            turn: found.turn,
            counts,
            rule: &found.permit.rule,
            source: &found.permit.source,
            findings,
        })
    }

    /// What is wrong, in words.
    fn tell(&self, found: &Placement<'s>, id: ProductId, day: Day, findings: &mut Vec<Finding>) {
        let (bits, fit) = (found.bits, &found.fit);
        let mut say = |finding| findings.push(finding);
        if bits & misfit::OVER_LIMIT != 0 {
            say(Finding::bare(FindingCode::OverLimit));
            return;
        }
        if bits & misfit::PRODUCT != 0 {
            let others = self.taken.iter().filter(|one| {
                one.counted && one.programme == found.programme_at && one.product != Some(id)
            });
            say(Finding::bare(if others.count() > 0 {
                FindingCode::ProductMixed
            } else {
                FindingCode::ProductNotForTurn
            }));
            return;
        }
        if bits & (misfit::EARLIER_MISSING | misfit::EARLIER_BEGUN) != 0 {
            say(Finding::bare(FindingCode::EarlierTurnMissing));
        }
        if bits & misfit::NOT_OPEN != 0 {
            say(Finding::with(FindingCode::ProgrammeNotOpen, fit.open));
        }
        if bits & misfit::OVER != 0 {
            say(Finding::with(FindingCode::ProgrammeOver, fit.over));
        }
        if bits & misfit::AGE != 0 {
            say(if day > fit.old {
                Finding::with(FindingCode::TooOld, fit.old)
            } else {
                Finding::with(FindingCode::TooYoung, fit.young)
            });
        }
        if bits & misfit::NOT_ELIGIBLE != 0 {
            say(Finding::bare(FindingCode::NotEligible));
        }
        if bits & misfit::CONTRAINDICATED != 0 {
            say(Finding::bare(FindingCode::Contraindicated));
        }
        if bits & misfit::MIXED != 0 {
            say(Finding::bare(FindingCode::ProductMixed));
        }
        if bits & misfit::LATE != 0 {
            say(Finding::with(FindingCode::TooLate, fit.late));
        }
        if bits & misfit::SOON != 0 {
            say(Finding::with(FindingCode::TooSoon, fit.soon));
        } else if bits & (misfit::AGE | misfit::NOT_OPEN) == 0 && day < fit.young.max(fit.soon) {
            say(Finding::with(
                FindingCode::WithinGrace,
                fit.young.max(fit.soon),
            ));
        }
    }

    /// The turn and rule that a dose comes nearest to.
    fn place(
        &self,
        series: u16,
        product: Option<ProductId>,
        given: &Given<'_>,
        stage: Option<u16>,
    ) -> Option<Placement<'s>> {
        let mut best: Option<Placement<'s>> = None;
        let schedules = self.schedules;
        for (at, programme) in (0_u16..).zip(&schedules.programmes) {
            if programme.series != series || stage.is_some_and(|stage| programme.stage != stage) {
                continue;
            }
            // What no rule of the programme can mend is looked at first: most programmes end here.
            let worst = best.as_ref().map_or(u16::MAX, |best| best.bits);
            let bound = self.misfit(
                (
                    programme.products.as_slice(),
                    programme.valid_from,
                    programme.valid_to,
                ),
                product,
                given,
            );
            if bound & !misfit::SMALL > worst & !misfit::SMALL {
                continue;
            }
            let view = View::new(schedules, self.person, &self.taken, at, programme);
            if view.is_excluded() {
                continue;
            }
            let mut common = 0;
            let (turn_at, turn) = match view.next_turn(given.on) {
                Some(next) => next,
                // One too many, held against the last turn's rules.
                None => {
                    common |= misfit::OVER_LIMIT;
                    let last = programme.turns.len();
                    let given = view.last_here.map_or(0, |last| last.turn);
                    (last.saturating_sub(1), given.saturating_add(1))
                }
            };
            if let Some(season) = &programme.season {
                let (begin, end) = season.at_or_after(given.on);
                if given.on < begin {
                    common |= misfit::NOT_OPEN;
                } else if view.has_dose_within(begin, end) {
                    common |= misfit::OVER_LIMIT;
                }
            }
            if stage.is_none() && !view.is_ready(given.on) {
                common |= if view.is_amid_earlier(given.on) {
                    misfit::EARLIER_BEGUN
                } else {
                    misfit::EARLIER_MISSING
                };
            }
            let permits = programme.turns.get(turn_at).map(|turn| &turn.permits);
            for permit in permits.into_iter().flatten() {
                let of_permit = (
                    permit.products.as_slice(),
                    permit.valid_from,
                    permit.valid_to,
                );
                let bits =
                    as_external(common, given.external) | self.misfit(of_permit, product, given);
                let known = best.as_ref().map(|best| best.bits & !misfit::SMALL);
                if known.is_some_and(|known| bits & !misfit::SMALL > known) {
                    continue;
                }
                let Some(mut fit) = view.fit(permit, product) else {
                    continue;
                };
                if let (Some(season), true) = (&programme.season, common & misfit::NOT_OPEN != 0) {
                    fit.open = fit.open.max(season.at_or_after(given.on).0);
                }
                let placement = Placement {
                    programme_at: at,
                    programme,
                    turn,
                    permit,
                    bits: as_external(bits | fit.on(given.on), given.external),
                    fit,
                };
                if best
                    .as_ref()
                    .is_none_or(|best| placement.weight(given.on) < best.weight(given.on))
                {
                    best = Some(placement);
                }
            }
        }
        best
    }

    /// What of products and days alone does not fit.
    fn misfit(
        &self,
        (products, from, to): (&[ProductId], Day, Day),
        product: Option<ProductId>,
        given: &Given<'_>,
    ) -> u16 {
        let is_for = products.is_empty()
            || product.is_none_or(|id| {
                products.contains(&id) || self.schedules.at(id).is_some_and(|one| one.unspecified)
            });
        let mut bits = 0;
        if !is_for {
            bits |= misfit::PRODUCT;
        }
        if given.on < from {
            bits |= misfit::NOT_OPEN;
        }
        if given.on > to {
            bits |= misfit::OVER;
        }
        as_external(bits, given.external)
    }

    /// A dose that says it is the third tells of two others, even where no record of them came:
    /// they take their turns, without a day or a product that could be held against anything.
    fn presume(&mut self, series: u16, given: &Given<'_>) {
        let schedules = self.schedules;
        let through = schedules.series.get(usize::from(series));
        let Some(turn) = given
            .turn
            .filter(|_| through.is_some_and(|one| one.counted_through))
        else {
            return;
        };
        // Also what did not count was given, and is counted through.
        let given_so_far =
            |taken: &[Taken]| taken.iter().filter(|one| one.series == series).count();
        while given_so_far(&self.taken) + 1 < usize::from(turn) {
            let unfinished = (0_u16..).zip(&schedules.programmes).find(|(at, one)| {
                let view = View::new(schedules, self.person, &self.taken, *at, one);
                one.series == series
                    && !view.is_excluded()
                    && view.is_ready(given.on)
                    && view.next_turn(given.on).is_some()
            });
            let stage = unfinished.map(|(_, one)| one.stage);
            // The programme of that stage which fits the person best on the day.
            let found = stage.and_then(|stage| self.place(series, None, given, Some(stage)));
            let Some(found) = found.filter(|found| found.bits & misfit::OVER_LIMIT == 0) else {
                return;
            };
            self.taken.push(Taken {
                series,
                programme: found.programme_at,
                turn: found.turn,
                day: None,
                product: None,
                counted: true,
            });
        }
    }

    /// The last of the days from which this product may follow the vaccines given up to a day.
    pub fn other_vaccine(&self, product: &Product, on: Day) -> Option<(Day, &'s Conflict)> {
        let mut latest: Option<(Day, &'s Conflict)> = None;
        for (id, day) in &self.before {
            let Some(earlier) = self.schedules.at(*id) else {
                continue;
            };
            let shares = |one: &u16| product.series.contains(one);
            if *day > on || earlier.series.iter().any(shares) {
                continue;
            }
            let forward = earlier.first_of & product.then_of;
            let backward = earlier.then_of & product.first_of;
            let mut concerned = (forward | backward) & !earlier.except_of & !product.except_of;
            while concerned != 0 {
                let at = concerned.trailing_zeros();
                concerned &= concerned - 1;
                let conflict = usize::try_from(at)
                    .ok()
                    .and_then(|at| self.schedules.conflicts.get(at));
                let Some(conflict) = conflict else { continue };
                if forward & (1 << at) == 0 && !conflict.either_order {
                    continue;
                }
                if on < conflict.valid_from
                    || on > conflict.valid_to
                    || (conflict.same_day_allowed && *day == on)
                {
                    continue;
                }
                let earliest = conflict.interval.after(*day);
                if on < earliest && latest.is_none_or(|(known, _)| known < earliest) {
                    latest = Some((earliest, conflict));
                }
            }
        }
        latest
    }
}
