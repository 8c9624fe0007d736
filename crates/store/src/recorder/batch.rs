//! One batch in memory: what was loaded, what the acts made of it, what is to be saved.
//!
//! No database here: acts are applied one after the other to the loaded state, so that an act sees
//! what the acts before it in the same batch did.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::access::OrganisationId;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::doses::{
    ChangeRefusal, Circumstances, DoseId, Editor, Facts, Held, History, InputWay, Person, Route,
    Standing, Version, answer_of, contribution, judge, may_change, settle, turn_of,
};
use domain::findings::{Finding, FindingCode, is_blocked};
use domain::ledger::{Act, Draft, Entry, Head, Personal, Sha, Stamp, append, content};
use domain::lots;
use domain::opening_days::found_closed;
use domain::people::Sex;
use domain::places::MunicipalityCode;
use domain::statistics::{AgeBand, Effect};
use domain::vaccines::Vaccines;
use uuid::Uuid;

use super::{Command, Correction, Outcome, Receipt, RecordError, What};

/// The records that are judged together: those of one person, by the first of the coupon numbers
/// the city gave them, or a single one that leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Coupon(MunicipalityCode, CouponNumber),
    Astray(MunicipalityCode, DoseId),
}

impl Key {
    /// Whose ledger.
    pub fn city(self) -> MunicipalityCode {
        match self {
            Self::Coupon(city, _) | Self::Astray(city, _) => city,
        }
    }
}

/// A record as its row says.
#[derive(Clone)]
pub(super) struct Line {
    pub held: Held,
    /// The coupon number it was recorded under, if its digits lead to one.
    pub number: Option<CouponNumber>,
    pub recorded_at: Instant,
    pub venue_city: MunicipalityCode,
    pub input: InputWay,
    pub findings: Vec<Finding>,
    pub standing: Standing,
    /// Where the statistics count it, if they do.
    pub cell: Option<(Sex, AgeBand)>,
    pub contested: bool,
    pub last_seq: i64,
    /// What its last entry says of it; a change of either needs an entry of its own.
    pub entered: (Standing, Vec<Finding>),
    /// Whether there is no row yet.
    pub is_new: bool,
    /// Whether the row must be written, or written again.
    pub changed: bool,
}

impl Line {
    fn effect(&self) -> Option<Effect> {
        self.cell.map(|(sex, age)| Effect {
            age,
            day: self.held.facts.given_on,
            n: 1,
            sex,
            turn: self.held.facts.turn,
        })
    }

    /// How bad the worst of the open findings is; a record that was taken back has none.
    pub fn severity(&self) -> i64 {
        severity(&self.findings, self.held.voided)
    }

    pub fn pending(&self) -> bool {
        !self.held.voided
            && self
                .findings
                .iter()
                .any(|one| one.code == FindingCode::NotRegistered)
    }
}

/// How bad the worst open finding is, as it stands in the records' rows. That the person is not
/// registered yet has a list of its own.
pub(crate) fn severity(findings: &[Finding], voided: bool) -> i64 {
    let open = findings
        .iter()
        .filter(|one| !voided && one.code != FindingCode::NotRegistered);
    open.map(|one| one.code.severity() as i64)
        .max()
        .unwrap_or(0)
}

/// A person with all records, under whichever of the person's numbers.
#[derive(Clone, Default)]
pub(super) struct Group {
    pub person: Option<Person>,
    /// When a number became void, of those that are.
    pub void_at: BTreeMap<CouponNumber, Instant>,
    /// In the order of arrival.
    pub lines: Vec<Line>,
}

/// Since when a number was void for whoever reported at that time: what was voided later is held
/// against nobody.
fn void_since(void_at: Option<Instant>, at: Instant) -> Option<Day> {
    let before = void_at.filter(|void_at| *void_at <= at);
    before.map(Instant::day_in_japan)
}

impl Group {
    /// When this number became void, if it is.
    pub fn void_at(&self, number: Option<CouponNumber>) -> Option<Instant> {
        number.and_then(|number| self.void_at.get(&number).copied())
    }

    pub fn history(&self) -> History {
        History {
            person: self.person,
            records: self.lines.iter().map(|line| line.held.clone()).collect(),
        }
    }

    fn line(&mut self, dose: DoseId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.held.id == dose)
    }

    /// Settles the records among each other and gives what changes in the statistics, against
    /// the cells `before` in which they were counted.
    fn settle(&mut self, before: &[Effect]) -> Vec<Effect> {
        let history = self.history();
        let standings = settle(&history.records);
        let mut counted = contribution(&history).into_iter();
        for (line, standing) in self.lines.iter_mut().zip(standings) {
            let cell = match standing {
                Standing::Counted => counted.next().map(|effect| (effect.sex, effect.age)),
                _ => None,
            };
            if line.standing != standing || line.cell != cell {
                line.standing = standing;
                line.cell = cell;
                line.changed = true;
            }
        }
        Effect::between(before, &self.effects())
    }

    fn effects(&self) -> Vec<Effect> {
        self.lines.iter().filter_map(Line::effect).collect()
    }
}

/// An answer that was given before, and the content it was given to.
pub(super) struct Kept {
    pub receipt: Receipt,
    pub content: Sha,
}

/// A receipt to be saved.
pub(super) struct Issued {
    pub organisation: OrganisationId,
    pub receipt: Receipt,
    pub content: Sha,
}

/// Everything a batch knows.
pub(super) struct Batch {
    pub now: Instant,
    pub heads: HashMap<MunicipalityCode, Head>,
    pub groups: HashMap<Key, Group>,
    /// Under which key the numbers are judged that are one of several of a person.
    pub kin: HashMap<(MunicipalityCode, CouponNumber), Key>,
    /// In which group a record is.
    pub home: HashMap<(MunicipalityCode, DoseId), Key>,
    pub kept: HashMap<(OrganisationId, Uuid), Kept>,
    /// What the register says of the lots in the acts: last printed day, and since when recalled.
    pub lots: HashMap<(String, String), (Day, Option<Day>)>,
    /// Venues that do not work on these days, of those that the acts name.
    pub closed: HashSet<(OrganisationId, Day)>,
    /// Conflicting contents that are kept already.
    pub contested: HashSet<(DoseId, Sha)>,
    pub entries: Vec<Entry>,
    pub issued: Vec<Issued>,
}

/// What the sender said, by which a resend is told from a conflict.
pub(super) fn said(command: &Command) -> Sha {
    let (act, facts, reason) = match &command.what {
        What::Report { facts, .. } => (Act::Recorded, Some(facts), None),
        What::Correct { correction: to, .. } => {
            let words = [to.product.as_str(), &to.lot, &to.doctor, &to.reason];
            return said_by_correction(command.dose, to.given_on, to.turn, words);
        }
        What::Void { reason, .. } => (Act::Voided, None, Some(reason.as_str())),
        What::Confirm { .. } => (Act::Confirmed, None, None),
        What::Reopen { reason, .. } => (Act::Reopened, None, Some(reason.as_str())),
        What::Match { .. } => (Act::Matched, None, None),
    };
    content(act, command.dose, facts, reason)
}

/// A correction says the changed fields and the reason; the digits are not part of it.
/// `words` are product, lot, doctor and reason.
pub(crate) fn said_by_correction(dose: DoseId, given_on: Day, turn: u8, words: [&str; 4]) -> Sha {
    let said = format!("{given_on}\u{1f}{turn}\u{1f}{}", words.join("\u{1f}"));
    content(Act::Corrected, dose, None, Some(&said))
}

impl Batch {
    /// Nothing loaded yet.
    pub fn new(now: Instant) -> Self {
        Self {
            now,
            heads: HashMap::new(),
            groups: HashMap::new(),
            kin: HashMap::new(),
            home: HashMap::new(),
            kept: HashMap::new(),
            lots: HashMap::new(),
            closed: HashSet::new(),
            contested: HashSet::new(),
            entries: Vec::new(),
            issued: Vec::new(),
        }
    }

    /// Does one act, and says what its sender is told once the batch is durable.
    pub fn apply(&mut self, command: &Command, salt: &dyn Fn() -> [u8; 16]) -> Outcome {
        let said = said(command);
        if let Some(kept) = self.kept.get(&(command.by.organisation, command.id)) {
            let first = kept.receipt.clone();
            if kept.content == said {
                return Ok(Receipt {
                    replayed: true,
                    ..first
                });
            }
            self.contest(command, &first, said, salt());
            return Err(RecordError::Conflict {
                first: Box::new(first),
            });
        }
        let receipt = match &command.what {
            What::Match { number } => {
                let key = self.key_of(command.city, *number);
                return self
                    .judge_again(command, key, None, salt)
                    .ok_or(RecordError::NotFound);
            }
            What::Report {
                facts,
                route,
                venue_city,
                by_hand,
            } => {
                let around = (*route, *venue_city);
                self.report(command, facts.clone(), around, by_hand.as_ref(), salt())
            }
            What::Correct { editor, correction } => {
                self.correct(command, *editor, correction, salt())
            }
            What::Void {
                editor,
                reason,
                seen,
            } => self.void(command, (*editor, *seen), reason, salt()),
            What::Confirm { seen } => self.lock(command, (true, *seen), None, salt()),
            What::Reopen { reason, seen } => {
                self.lock(command, (false, *seen), Some(reason), salt())
            }
        }?;
        if let Some(key) = self.home.get(&(command.city, command.dose)).copied() {
            self.judge_again(command, key, Some(command.dose), salt);
        }
        let organisation = command.by.organisation;
        self.kept.insert(
            (organisation, command.id),
            Kept {
                receipt: receipt.clone(),
                content: said,
            },
        );
        self.issued.push(Issued {
            organisation,
            receipt: receipt.clone(),
            content: said,
        });
        Ok(receipt)
    }

    fn report(
        &mut self,
        command: &Command,
        facts: Facts,
        (route, venue_city): (Route, MunicipalityCode),
        by_hand: Option<&String>,
        salt: [u8; 16],
    ) -> Outcome {
        let key = self.key(route.city(), route.number(), command.dose);
        let seq = self.head(command.city).seq + 1;
        let lot = self.known_lot(&facts.product, &facts.lot, facts.given_on);
        let venue_closed = self.closed.contains(&(facts.venue, facts.given_on));
        let group = self.groups.entry(key).or_default();
        let before = group.effects();
        let history = group.history();
        let turn = match by_hand {
            Some(_) => facts.turn,
            None => turn_of(&facts.line, &history),
        };
        let mut held = Held {
            id: command.dose,
            seq,
            facts: Facts { turn, ..facts },
            voided: false,
            confirmed: false,
            blocked: false,
        };
        let around = Circumstances {
            today: self.now.day_in_japan(),
            route,
            venue_city,
            void_since: void_since(group.void_at(route.number()), self.now),
            lot,
            venue_closed,
        };
        let verdict = judge(&history, &held, &around, Vaccines::bundled());
        held.blocked = verdict.blocked();
        group.lines.push(Line {
            held,
            number: route.number(),
            recorded_at: self.now,
            venue_city,
            input: command.input,
            findings: verdict.findings,
            standing: verdict.standing,
            cell: None,
            contested: false,
            last_seq: seq,
            entered: (verdict.standing, Vec::new()),
            is_new: true,
            changed: true,
        });
        self.home.insert((command.city, command.dose), key);
        self.enter(
            command,
            Act::Recorded,
            key,
            command.dose,
            &before,
            by_hand.cloned(),
            salt,
        )
    }

    fn correct(
        &mut self,
        command: &Command,
        editor: Editor,
        correction: &Correction,
        salt: [u8; 16],
    ) -> Outcome {
        let today = self.now.day_in_japan();
        // Another lot is judged by what the register says of it at the correction.
        let lot = self.known_lot(&correction.product, &correction.lot, correction.given_on);
        // Of another day what the venue told of that one.
        let moved = self
            .facts(command.city, command.dose)
            .filter(|facts| facts.given_on != correction.given_on)
            .map(|facts| self.closed.contains(&(facts.venue, correction.given_on)));
        let (key, group) = self.find(command)?;
        let before = group.effects();
        let history = group.history();
        let void_at = group.void_at.clone();
        let line = group.line(command.dose).ok_or(RecordError::NotFound)?;
        allowed(line, editor, today)?;
        unchanged(line, correction.seen)?;
        let mut held = line.held.clone();
        held.facts = corrected(&held.facts, correction);
        let closed = moved.unwrap_or_else(|| found_closed(&line.findings));
        let known = (lot, closed);
        rejudge(line, held, &history, (key.city(), &void_at), known);
        self.enter(
            command,
            Act::Corrected,
            key,
            command.dose,
            &before,
            Some(correction.reason.clone()),
            salt,
        )
    }

    fn void(
        &mut self,
        command: &Command,
        (editor, seen): (Editor, Option<Version>),
        reason: &str,
        salt: [u8; 16],
    ) -> Outcome {
        let today = self.now.day_in_japan();
        let (key, group) = self.find(command)?;
        let before = group.effects();
        let line = group.line(command.dose).ok_or(RecordError::NotFound)?;
        allowed(line, editor, today)?;
        unchanged(line, seen)?;
        line.held.voided = true;
        let reason = Some(reason.to_owned());
        self.enter(
            command,
            Act::Voided,
            key,
            command.dose,
            &before,
            reason,
            salt,
        )
    }

    /// Confirms a record, or opens it again.
    fn lock(
        &mut self,
        command: &Command,
        (confirm, seen): (bool, Option<Version>),
        reason: Option<&String>,
        salt: [u8; 16],
    ) -> Outcome {
        let (key, group) = self.find(command)?;
        let before = group.effects();
        let line = group.line(command.dose).ok_or(RecordError::NotFound)?;
        if line.held.voided {
            return Err(RecordError::Refused(ChangeRefusal::Voided));
        }
        if line.held.confirmed == confirm {
            return Err(RecordError::Refused(ChangeRefusal::AsItIs));
        }
        unchanged(line, seen)?;
        line.held.confirmed = confirm;
        let act = if confirm {
            Act::Confirmed
        } else {
            Act::Reopened
        };
        self.enter(
            command,
            act,
            key,
            command.dose,
            &before,
            reason.cloned(),
            salt,
        )
    }

    /// Judges the records of a group again, after the person or one of them (`but`) changed; an
    /// entry for each whose verdict or place in the statistics is another now.
    fn judge_again(
        &mut self,
        command: &Command,
        key: Key,
        but: Option<DoseId>,
        salt: &dyn Fn() -> [u8; 16],
    ) -> Option<Receipt> {
        let group = self.groups.get(&key)?;
        let others = group
            .lines
            .iter()
            .filter(|line| !line.held.voided)
            .map(|line| line.held.id);
        let others: Vec<DoseId> = others.filter(|dose| Some(*dose) != but).collect();
        let mut last = None;
        for dose in others {
            let group = self.groups.get_mut(&key)?;
            let before = group.effects();
            let history = group.history();
            let void_at = group.void_at.clone();
            let line = group.line(dose)?;
            let held = line.held.clone();
            let known = (
                lots::Known::found(&line.findings),
                found_closed(&line.findings),
            );
            rejudge(line, held, &history, (key.city(), &void_at), known);
            let effects = group.settle(&before);
            let line = group.line(dose)?;
            let entered = (line.standing, line.findings.clone());
            if effects.is_empty() && entered == line.entered {
                continue;
            }
            last = self
                .enter(command, Act::Matched, key, dose, &before, None, salt())
                .ok();
        }
        last
    }

    /// Keeps a content that came under an id already used, once, beside the record of that id.
    fn contest(&mut self, command: &Command, first: &Receipt, said: Sha, salt: [u8; 16]) {
        if !self.contested.insert((first.dose, said)) {
            return;
        }
        let Some(key) = self.home.get(&(first.municipality, first.dose)).copied() else {
            return;
        };
        let Some(line) = self
            .groups
            .get_mut(&key)
            .and_then(|group| group.line(first.dose))
        else {
            return;
        };
        let Some(head) = self.heads.get_mut(&first.municipality) else {
            return;
        };
        let (facts, reason) = match &command.what {
            What::Report { facts, .. } => (facts.clone(), None),
            What::Correct { correction, .. } => (
                corrected(&line.held.facts, correction),
                Some(&correction.reason),
            ),
            What::Void { reason, .. } | What::Reopen { reason, .. } => {
                (line.held.facts.clone(), Some(reason))
            }
            What::Confirm { .. } | What::Match { .. } => (line.held.facts.clone(), None),
        };
        let reason = reason.filter(|text| !text.is_empty()).cloned();
        line.contested = true;
        line.changed = true;
        line.last_seq = head.seq + 1;
        let finding = Finding {
            code: FindingCode::Contested,
            day: None,
        };
        if !line.findings.contains(&finding) {
            line.findings.push(finding);
            line.findings
                .sort_by_key(|one| (std::cmp::Reverse(one.code.severity()), *one));
        }
        line.entered = (line.standing, line.findings.clone());
        let draft = Draft {
            act: Act::Contested,
            id: command.id,
            dose: first.dose,
            stamp: stamp(command, self.now),
            personal: Personal {
                effects: Vec::new(),
                facts,
                findings: line.findings.clone(),
                reason,
                said: Some(said),
                standing: line.standing,
            },
        };
        let entry = append(head, first.municipality, draft, salt);
        *head = Head {
            seq: entry.body.seq,
            hash: entry.hash,
        };
        self.entries.push(entry);
    }

    /// Settles the group, appends the entry and makes the receipt.
    #[expect(
        clippy::too_many_arguments,
        reason = "one private step that every act ends in"
    )]
    fn enter(
        &mut self,
        command: &Command,
        act: Act,
        key: Key,
        dose: DoseId,
        before: &[Effect],
        reason: Option<String>,
        salt: [u8; 16],
    ) -> Outcome {
        let mut head = self.head(command.city);
        let group = self.groups.get_mut(&key).ok_or(RecordError::NotFound)?;
        let effects = group.settle(before);
        let line = group.line(dose).ok_or(RecordError::NotFound)?;
        line.changed = true;
        line.last_seq = head.seq + 1;
        line.entered = (line.standing, line.findings.clone());
        let personal = Personal {
            effects,
            facts: line.held.facts.clone(),
            findings: line.findings.clone(),
            reason: reason.filter(|text| !text.is_empty()),
            said: None,
            standing: line.standing,
        };
        let draft = Draft {
            act,
            id: command.id,
            dose,
            stamp: stamp(command, self.now),
            personal,
        };
        let receipt = Receipt {
            dose,
            id: command.id,
            act,
            municipality: command.city,
            seq: head.seq + 1,
            hash: head.hash,
            at: self.now,
            answer: answer_of(line.standing, &line.findings),
            standing: line.standing,
            findings: line.findings.clone(),
            replayed: false,
        };
        let entry = append(&head, command.city, draft, salt);
        head = Head {
            seq: entry.body.seq,
            hash: entry.hash,
        };
        self.heads.insert(command.city, head);
        self.entries.push(entry);
        Ok(Receipt {
            hash: head.hash,
            ..receipt
        })
    }

    /// What all entries of the batch change in the statistics together.
    pub fn sum_of_effects(&self) -> Vec<Effect> {
        let personal = self.entries.iter().filter_map(|one| one.personal.as_ref());
        let all: Vec<Effect> = personal
            .flat_map(|one| one.effects.iter().copied())
            .collect();
        Effect::between(&[], &all)
    }

    /// How a record stands.
    pub fn standing(&self, city: MunicipalityCode, dose: DoseId) -> Option<Standing> {
        let group = self.groups.get(self.home.get(&(city, dose))?)?;
        let line = group.lines.iter().find(|line| line.held.id == dose)?;
        Some(line.standing)
    }

    /// What a record says, if it is at hand.
    pub fn facts(&self, city: MunicipalityCode, dose: DoseId) -> Option<&Facts> {
        let group = self.groups.get(self.home.get(&(city, dose))?)?;
        let line = group.lines.iter().find(|line| line.held.id == dose)?;
        Some(&line.held.facts)
    }

    /// What the register of lots holds against a dose now.
    fn known_lot(&self, product: &str, lot: &str, given_on: Day) -> lots::Known {
        let said = self.lots.get(&(product.to_owned(), lot.to_owned()));
        said.map_or_else(lots::Known::default, |&(expires, recalled)| {
            lots::Known::of((product, lot), given_on, expires, recalled)
        })
    }

    /// The key of the person who has, or had, this number.
    pub fn key_of(&self, city: MunicipalityCode, number: CouponNumber) -> Key {
        let kin = self.kin.get(&(city, number)).copied();
        kin.unwrap_or(Key::Coupon(city, number))
    }

    /// The key of a record.
    pub fn key(&self, city: MunicipalityCode, number: Option<CouponNumber>, dose: DoseId) -> Key {
        number.map_or(Key::Astray(city, dose), |number| self.key_of(city, number))
    }

    /// Judges what is known under these numbers together from now on: they are one person's.
    pub fn relate(&mut self, city: MunicipalityCode, numbers: &[(CouponNumber, Option<Instant>)]) {
        let Some(first) = numbers.iter().map(|(number, _)| *number).min() else {
            return;
        };
        let key = Key::Coupon(city, first);
        let mut one = Group::default();
        for (number, void_at) in numbers {
            if let Some(group) = self.groups.remove(&Key::Coupon(city, *number)) {
                one.person = one.person.or(group.person);
                one.lines.extend(group.lines);
            }
            one.void_at.extend(void_at.map(|at| (*number, at)));
            self.kin.insert((city, *number), key);
        }
        self.groups.insert(key, one);
    }

    fn head(&self, city: MunicipalityCode) -> Head {
        self.heads.get(&city).copied().unwrap_or(Head::START)
    }

    fn find(&mut self, command: &Command) -> std::result::Result<(Key, &mut Group), RecordError> {
        let key = *self
            .home
            .get(&(command.city, command.dose))
            .ok_or(RecordError::NotFound)?;
        let group = self.groups.get_mut(&key).ok_or(RecordError::NotFound)?;
        Ok((key, group))
    }
}

/// What a record says once it is corrected; the digits stay as they were read.
fn corrected(facts: &Facts, correction: &Correction) -> Facts {
    Facts {
        doctor: correction.doctor.clone(),
        given_on: correction.given_on,
        lot: correction.lot.clone(),
        product: correction.product.clone(),
        turn: correction.turn,
        ..facts.clone()
    }
}

fn allowed(line: &Line, editor: Editor, today: Day) -> std::result::Result<(), RecordError> {
    may_change(&line.held, line.recorded_at.day_in_japan(), editor, today).map_err(|refusal| {
        match refusal {
            // Another venue's record is none of this venue's business, not even that it exists.
            ChangeRefusal::NotYours => RecordError::NotFound,
            refusal => RecordError::Refused(refusal),
        }
    })
}

/// Last write never wins silently: who changes a record must have had before them what it says now.
fn unchanged(line: &Line, seen: Option<Version>) -> std::result::Result<(), RecordError> {
    match seen {
        Some(seen) if seen != line.held.version() => {
            Err(RecordError::Refused(ChangeRefusal::ChangedMeanwhile))
        }
        _ => Ok(()),
    }
}

/// Judges a record as of the day it was recorded, whatever the day is now.
fn rejudge(
    line: &mut Line,
    held: Held,
    history: &History,
    (city, void_at): (MunicipalityCode, &BTreeMap<CouponNumber, Instant>),
    (lot, venue_closed): (lots::Known, bool),
) {
    let route = match line.number {
        Some(number) => Route::Coupon { city, number },
        None => Route::Astray { city },
    };
    let void_at = line.number.and_then(|number| void_at.get(&number).copied());
    let around = Circumstances {
        today: line.recorded_at.day_in_japan(),
        route,
        venue_city: line.venue_city,
        void_since: void_since(void_at, line.recorded_at),
        lot,
        venue_closed,
    };
    let mut verdict = judge(history, &held, &around, Vaccines::bundled());
    if line.contested {
        verdict.findings.push(Finding {
            code: FindingCode::Contested,
            day: None,
        });
        verdict
            .findings
            .sort_by_key(|one| (std::cmp::Reverse(one.code.severity()), *one));
    }
    line.held = Held {
        blocked: is_blocked(&verdict.findings),
        ..held
    };
    line.findings = verdict.findings;
}

fn stamp(command: &Command, at: Instant) -> Stamp {
    Stamp {
        at,
        by: command.by.user,
        device: command.device.clone(),
        input: command.input,
        organisation: command.by.organisation,
    }
}
