//! A dose that was given (接種): what a venue reports, and what Sesshu thinks of it.
//!
//! Invariant: a report is never refused. What is wrong with it travels with it as findings and
//! puts it on somebody's work list; only a check before the shot may say no.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::OrganisationId;
use crate::calendar::Day;
use crate::coupons::{CouponKind, CouponLine, CouponNumber};
use crate::findings::{Finding, FindingCode, is_blocked};
use crate::ledger::{Act, Sha, content};
use crate::lots;
use crate::people::{BirthDate, ResidentStanding, Sex};
use crate::places::{MunicipalityCode, Places};
use crate::schedules::{self, Flags, Given, Next, Schedules};
use crate::statistics::{AgeBand, Effect};
use crate::vaccines::{Product, Vaccines};

/// Longest name of a venue, in characters (the 30 of the VRS export, `CSVDOC`).
pub const VENUE_NAME_LENGTH_MAX: usize = 30;
/// Longest name of a doctor, in characters (the 20 of the VRS export, `CSVDOC`).
pub const DOCTOR_NAME_LENGTH_MAX: usize = 20;
/// Longest key of a product; the longest bundled one has 18.
pub const PRODUCT_KEY_LENGTH_MAX: usize = 40;
/// Longest name of a device.
pub const DEVICE_LENGTH_MAX: usize = 64;
/// The highest number a dose can have, counted through: the coupon has one digit for it.
pub const TURN_MAX: u8 = 9;
/// Longest reason for a correction, in characters: a sentence, not a letter.
pub const REASON_LENGTH_MAX: usize = 200;

/// The identity of a dose: a UUIDv7 made by the sender before it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DoseId(pub Uuid);

impl std::fmt::Display for DoseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// By which way the 18 digits (or the change) came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputWay {
    /// The QR code of a photo.
    Qr,
    /// The OCR line of a photo, no QR.
    Ocr,
    /// A hand scanner that types.
    Scanner,
    /// Typed by a person.
    Keyed,
    /// A file.
    Csv,
    /// Another program.
    Api,
    /// A paper form that was filled in without network: its own code, scanned later (`drafts`).
    Paper,
    /// Sesshu itself, as when a resident arrives for a waiting dose.
    System,
}

impl InputWay {
    /// Every way.
    pub const ALL: [Self; 8] = [
        Self::Qr,
        Self::Ocr,
        Self::Scanner,
        Self::Keyed,
        Self::Csv,
        Self::Api,
        Self::Paper,
        Self::System,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qr => "qr",
            Self::Ocr => "ocr",
            Self::Scanner => "scanner",
            Self::Keyed => "keyed",
            Self::Csv => "csv",
            Self::Api => "api",
            Self::Paper => "paper",
            Self::System => "system",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == text)
    }
}

/// What happened in the arm: everything a venue tells of one dose.
///
/// Fields stand in alphabetical order because their JSON is hashed (see [`crate::ledger`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Facts {
    /// Who examined and gave (接種医師名), ≤ [`DOCTOR_NAME_LENGTH_MAX`].
    pub doctor: String,
    /// The day of the dose (接種日).
    pub given_on: Day,
    /// The coupon's 18 digits exactly as read; never changed, even by a correction.
    pub line: CouponLine,
    /// The lot (ロット番号), ≤ [`crate::vaccines::LOT_LENGTH_MAX`]; free text, for a lot nobody knows is still a lot.
    pub lot: String,
    /// The key of the product, known to [`Vaccines`] or not.
    pub product: String,
    /// Which dose it is, counted through; `0` where the coupon leaves it open.
    pub turn: u8,
    /// The venue that gave it.
    pub venue: OrganisationId,
    /// That venue's name on the day, ≤ [`VENUE_NAME_LENGTH_MAX`].
    pub venue_name: String,
}

impl Facts {
    /// What the coupon's kind digit (券種) says.
    #[must_use]
    pub fn kind(&self) -> CouponKind {
        self.line.kind()
    }
}

/// Where a report belongs: the coupon routes, not the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The coupon's own city, and the person's number there.
    Coupon {
        /// The city printed in the 18 digits.
        city: MunicipalityCode,
        /// The person's number in that city.
        number: CouponNumber,
    },
    /// The digits name no city that issues coupons: the record waits in quarantine with the
    /// venue's city, whose clerk can ask the venue.
    Astray {
        /// The city the venue stands in.
        city: MunicipalityCode,
    },
}

impl Route {
    /// The city whose ledger takes the record.
    #[must_use]
    pub fn city(&self) -> MunicipalityCode {
        match self {
            Self::Coupon { city, .. } | Self::Astray { city } => *city,
        }
    }

    /// The person's number there, if the digits lead anywhere.
    #[must_use]
    pub fn number(&self) -> Option<CouponNumber> {
        match self {
            Self::Coupon { number, .. } => Some(*number),
            Self::Astray { .. } => None,
        }
    }
}

/// Finds the ledger a coupon leads to.
///
/// A city that has merged since still has its ledger, so the day does not matter here.
#[must_use]
pub fn route(line: &CouponLine, venue_city: MunicipalityCode, places: &Places) -> Route {
    match line.coupon() {
        Ok(coupon) if places.ever_issued(coupon.municipality) => Route::Coupon {
            city: coupon.municipality,
            number: coupon.number,
        },
        _ => Route::Astray { city: venue_city },
    }
}

/// How a record stands among the others of the same coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The person's dose of that turn; the statistics count it.
    Counted,
    /// An interview without a dose (予診のみ).
    Interview,
    /// The same dose told again.
    Duplicate,
    /// Another story of the same dose; a clerk decides.
    Clash,
    /// Something in it cannot be right; a clerk decides.
    Quarantined,
    /// Taken back (取消).
    Void,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 6] = [
        Self::Counted,
        Self::Interview,
        Self::Duplicate,
        Self::Clash,
        Self::Quarantined,
        Self::Void,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Interview => "interview",
            Self::Duplicate => "duplicate",
            Self::Clash => "clash",
            Self::Quarantined => "quarantined",
            Self::Void => "void",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.as_str() == text)
    }
}

/// What the venue is told, in one large word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Registered, person known, coupon of the venue's own city (通常).
    Normal,
    /// Registered in the coupon's city, which is not the venue's (住所地外).
    OutOfResidence,
    /// Interview only, no dose (予診のみ).
    InterviewOnly,
    /// Registered; the person is not in the city's register yet (登録待ち).
    Pending,
    /// This dose was recorded before, the same way (記録済み).
    AlreadyRecorded,
    /// Another record of this dose says something else (別の記録あり).
    Clash,
    /// Stored, but something cannot be right (要確認).
    Quarantined,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 7] = [
        Self::Normal,
        Self::OutOfResidence,
        Self::InterviewOnly,
        Self::Pending,
        Self::AlreadyRecorded,
        Self::Clash,
        Self::Quarantined,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::OutOfResidence => "out_of_residence",
            Self::InterviewOnly => "interview_only",
            Self::Pending => "pending",
            Self::AlreadyRecorded => "already_recorded",
            Self::Clash => "clash",
            Self::Quarantined => "quarantined",
        }
    }
}

/// The person a coupon belongs to, as far as judging needs to know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Birth date.
    pub birth: BirthDate,
    /// Sex as registered.
    pub sex: Sex,
    /// Whether the person lives in the city, and since when not.
    pub standing: ResidentStanding,
}

impl std::fmt::Debug for Person {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(..)")
    }
}

/// A record the ledger holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: DoseId,
    /// The sequence number of the entry that recorded it: the order of arrival.
    pub seq: i64,
    /// What it says now, after corrections.
    pub facts: Facts,
    /// Taken back.
    pub voided: bool,
    /// Confirmed by the city (確定).
    pub confirmed: bool,
    /// A finding that cannot be right stands against it.
    pub blocked: bool,
}

impl Held {
    fn stands(&self) -> bool {
        !self.voided && !self.blocked && self.facts.kind() != CouponKind::InterviewOnly
    }

    /// What it says now, for whoever wants to change it and not something else.
    #[must_use]
    pub fn version(&self) -> Version {
        Version::of(self.id, &self.facts, self.voided, self.confirmed)
    }
}

/// What a record says (facts, taken back or not, confirmed or not) as one short word.
///
/// Somebody who changes a record says by it what they had before them. Only what people change is
/// in it: that a record was judged again because its person arrived makes no other version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(Sha);

impl Version {
    /// The version of a record that says this.
    #[must_use]
    pub fn of(dose: DoseId, facts: &Facts, voided: bool, confirmed: bool) -> Self {
        let act = match (voided, confirmed) {
            (true, _) => Act::Voided,
            (false, true) => Act::Confirmed,
            (false, false) => Act::Recorded,
        };
        Self(content(act, dose, Some(facts), None))
    }

    /// Reads its 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        Sha::from_bytes(&bytes).map(Self)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a coupon before a report is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The person, unless the coupon waits in the pending list.
    pub person: Option<Person>,
    /// Every record of the coupon, also void ones.
    pub records: Vec<Held>,
}

/// What Sesshu thinks of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the venue is told.
    pub answer: Answer,
    /// How it stands.
    pub standing: Standing,
    /// Everything found, worst first.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether the record cannot be right as it stands.
    #[must_use]
    pub fn blocked(&self) -> bool {
        is_blocked(&self.findings)
    }
}

/// The circumstances of a report that are not in the arm.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Japan's day when the report arrived.
    pub today: Day,
    /// Where the coupon leads.
    pub route: Route,
    /// The city the venue stands in.
    pub venue_city: MunicipalityCode,
    /// Since when the number was void, if it was so when the report arrived.
    pub void_since: Option<Day>,
    /// What the register of lots held against the dose when the report arrived.
    pub lot: lots::Known,
    /// Whether the venue had told by then that it does not work on the day of the dose.
    pub venue_closed: bool,
}

/// Judges one record against everything else known of its coupon.
///
/// `history` holds the *other* records. The verdict depends only on what is given; it never
/// refuses, and a record that is judged again with the same history gets the same verdict.
#[must_use]
pub fn judge(
    history: &History,
    candidate: &Held,
    around: &Circumstances,
    vaccines: &Vaccines,
) -> Verdict {
    let facts = &candidate.facts;
    let mut findings = Vec::new();
    judge_digits(facts, around, &mut findings);
    judge_day(facts, history.person.as_ref(), around, &mut findings);
    if around.venue_closed {
        findings.push(Finding::bare(FindingCode::VenueClosed));
    }
    if facts.kind() != CouponKind::InterviewOnly {
        judge_product(facts, around, vaccines, &mut findings);
        around.lot.judge(&mut findings);
        judge_order(facts, candidate, history, &mut findings);
        if !is_blocked(&findings) {
            judge_rules(candidate, history, &mut findings);
        }
    }
    if let Route::Coupon { city, .. } = around.route {
        if history.person.is_none() {
            findings.push(Finding::bare(FindingCode::NotRegistered));
        }
        if let Some(day) = around.void_since {
            findings.push(Finding::with(FindingCode::CouponVoid, day));
        }
        if city != around.venue_city {
            findings.push(Finding::bare(FindingCode::OutOfResidence));
        }
    }
    let judged = Held {
        blocked: is_blocked(&findings),
        ..candidate.clone()
    };
    let mut all: Vec<&Held> = history
        .records
        .iter()
        .filter(|held| held.id != judged.id)
        .collect();
    all.push(&judged);
    let standing = standing_of(&judged, &all);
    match (standing, counted_rival(&judged, &all)) {
        (Standing::Clash, Some(rival)) => {
            findings.push(Finding::with(
                FindingCode::SameTurnDiffers,
                rival.facts.given_on,
            ));
        }
        (Standing::Duplicate, Some(rival)) => {
            findings.push(Finding::with(
                FindingCode::SameTurnAgain,
                rival.facts.given_on,
            ));
        }
        _ => {}
    }
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.code.severity()), *finding));
    Verdict {
        answer: answer_of(standing, &findings),
        standing,
        findings,
    }
}

fn judge_digits(facts: &Facts, around: &Circumstances, findings: &mut Vec<Finding>) {
    if let Route::Astray { .. } = around.route {
        findings.push(Finding::bare(FindingCode::UnknownMunicipality));
    }
    match facts.kind() {
        CouponKind::Unknown => findings.push(Finding::bare(FindingCode::KindUnknown)),
        CouponKind::Local => findings.push(Finding::bare(FindingCode::KindLocal)),
        CouponKind::Dose | CouponKind::InterviewOnly => {}
    }
    if facts.line.turn_digit() == 0 && facts.kind() != CouponKind::InterviewOnly {
        findings.push(Finding::bare(FindingCode::TurnOpen));
    }
}

fn judge_day(
    facts: &Facts,
    person: Option<&Person>,
    around: &Circumstances,
    findings: &mut Vec<Finding>,
) {
    if facts.given_on > around.today {
        findings.push(Finding::with(FindingCode::FutureDate, around.today));
    } else if facts.given_on < around.today {
        findings.push(Finding::bare(FindingCode::LateEntry));
    }
    let Some(person) = person else { return };
    if facts.given_on < person.birth.earliest() {
        findings.push(Finding::bare(FindingCode::BeforeBirth));
    }
    if let Some(gone) = person.standing.gone_since()
        && facts.given_on > gone
    {
        findings.push(Finding::with(FindingCode::PersonGone, gone));
    }
}

fn judge_product(
    facts: &Facts,
    around: &Circumstances,
    vaccines: &Vaccines,
    findings: &mut Vec<Finding>,
) {
    match vaccines.find(&facts.product) {
        None => {
            findings.push(Finding::bare(FindingCode::ProductUnknown));
            // Nothing was given before the first product was, whatever the product's name.
            if let Some(first) = vaccines.all().iter().map(|product| product.used_from).min()
                && facts.given_on < first
            {
                findings.push(Finding::with(FindingCode::BeforeProduct, first));
            }
        }
        Some(product) => judge_use(facts, product, around, findings),
    }
    if facts.lot.is_empty() {
        findings.push(Finding::bare(FindingCode::LotMissing));
    }
}

fn judge_use(
    facts: &Facts,
    product: &Product,
    around: &Circumstances,
    findings: &mut Vec<Finding>,
) {
    if facts.given_on < product.used_from {
        findings.push(Finding::with(FindingCode::BeforeProduct, product.used_from));
    }
    if let Some(last) = product.used_to
        && facts.given_on > last
        && facts.given_on <= around.today
    {
        findings.push(Finding::with(FindingCode::ProductEnded, last));
    }
}

/// The order of days and turns against the doses that stand: a rival of the same turn is not a
/// neighbour.
fn judge_order(facts: &Facts, candidate: &Held, history: &History, findings: &mut Vec<Finding>) {
    let others = || {
        history
            .records
            .iter()
            .filter(|held| held.id != candidate.id && held.stands())
    };
    let reversed = others().find(|held| {
        (held.facts.turn < facts.turn && held.facts.given_on > facts.given_on)
            || (held.facts.turn > facts.turn && held.facts.given_on < facts.given_on)
    });
    if let Some(held) = reversed {
        findings.push(Finding::with(
            FindingCode::OrderReversed,
            held.facts.given_on,
        ));
    }
    let follows =
        |held: &Held| held.facts.turn < facts.turn && held.facts.given_on <= facts.given_on;
    if facts.turn > 1 && reversed.is_none() && !others().any(follows) {
        findings.push(Finding::bare(FindingCode::EarlierTurnMissing));
    }
}

/// The schedules' rules of the day of the dose: interval, age, product, programme.
///
/// Of each earlier turn the record that counts is looked at; a turn without one is taken to have
/// been given, for the coupon says so. What nobody told (illness, occupation) is held against
/// nobody.
fn judge_rules(candidate: &Held, history: &History, findings: &mut Vec<Finding>) {
    let rules = Schedules::covid19();
    let facts = &candidate.facts;
    let mut earlier: Vec<&Held> = history
        .records
        .iter()
        .filter(|held| held.id != candidate.id && held.stands())
        .filter(|held| held.facts.turn < facts.turn && held.facts.given_on <= facts.given_on)
        .collect();
    earlier.sort_by_key(|held| (held.facts.turn, !held.confirmed, held.seq));
    earlier.dedup_by_key(|held| held.facts.turn);
    let given: Vec<Given<'_>> = earlier.into_iter().map(|held| given(held, rules)).collect();
    let person = schedules::Person {
        birth: history.person.map(|person| person.birth),
        sex: history.person.map_or(Sex::Unknown, |person| person.sex),
        flags: Flags::Unknown,
    };
    for found in rules.findings_after(&person, &given, &self::given(candidate, rules)) {
        // That the product is no longer used says it all.
        let said = findings.iter().any(|known| {
            known.code == found.code
                || (known.code == FindingCode::ProductEnded
                    && found.code == FindingCode::ProgrammeOver)
        });
        if !said {
            findings.push(found);
        }
    }
}

/// What is due next for a person by the doses that count, as of a day; in the order of the schedules.
///
/// Doses that only an illness, an occupation or a stay abroad opens are not among them: the register
/// knows of none, and nobody is to be sent to a venue in vain.
#[must_use]
pub fn due_next<'a>(
    person: &Person,
    counted: impl Iterator<Item = &'a Facts>,
    on: Day,
) -> Vec<Next<'static>> {
    let rules = Schedules::covid19();
    let given: Vec<Given<'_>> = counted.map(|facts| given_by(facts, rules)).collect();
    let person = schedules::Person {
        birth: Some(person.birth),
        sex: person.sex,
        flags: Flags::Known(rules.flags(&[]).0),
    };
    rules.forecast(&person, &given, on)
}

fn given<'a>(held: &'a Held, rules: &Schedules) -> Given<'a> {
    given_by(&held.facts, rules)
}

fn given_by<'a>(facts: &'a Facts, rules: &Schedules) -> Given<'a> {
    Given {
        on: facts.given_on,
        turn: Some(facts.turn).filter(|turn| *turn > 0),
        // A product nobody knows is a dose all the same.
        product: rules
            .product(&facts.product)
            .or_else(|| rules.unspecified()),
        external: false,
        lot: &facts.lot,
        expires: None,
    }
}

/// How every record of a coupon stands, in the order given.
///
/// Of the records of one turn the confirmed one counts, else the one that came first; the
/// others are duplicates (same day and product) or clashes. The order of the slice does not
/// matter, only the ledger's sequence numbers.
#[must_use]
pub fn settle(records: &[Held]) -> Vec<Standing> {
    let all: Vec<&Held> = records.iter().collect();
    records.iter().map(|held| standing_of(held, &all)).collect()
}

fn standing_of(held: &Held, all: &[&Held]) -> Standing {
    if held.voided {
        return Standing::Void;
    }
    if held.blocked {
        return Standing::Quarantined;
    }
    if held.facts.kind() == CouponKind::InterviewOnly {
        return Standing::Interview;
    }
    match counted_rival(held, all) {
        None => Standing::Counted,
        Some(rival)
            if rival.facts.given_on == held.facts.given_on
                && rival.facts.product == held.facts.product =>
        {
            Standing::Duplicate
        }
        Some(_) => Standing::Clash,
    }
}

/// The record that counts for the same turn, if it is another one.
fn counted_rival<'a>(held: &Held, all: &[&'a Held]) -> Option<&'a Held> {
    all.iter()
        .copied()
        .filter(|other| other.stands() && other.facts.turn == held.facts.turn)
        .min_by_key(|other| (!other.confirmed, other.seq))
        .filter(|first| first.id != held.id)
}

/// The one large word for a standing and its findings.
#[must_use]
pub fn answer_of(standing: Standing, findings: &[Finding]) -> Answer {
    let found = |code| findings.iter().any(|finding| finding.code == code);
    match standing {
        Standing::Quarantined => Answer::Quarantined,
        Standing::Clash => Answer::Clash,
        Standing::Duplicate => Answer::AlreadyRecorded,
        _ if found(FindingCode::NotRegistered) => Answer::Pending,
        Standing::Interview => Answer::InterviewOnly,
        _ if found(FindingCode::OutOfResidence) => Answer::OutOfResidence,
        _ => Answer::Normal,
    }
}

/// The turn a record counts as: the coupon's own, or one more than the doses known.
#[must_use]
pub fn turn_of(line: &CouponLine, history: &History) -> u8 {
    match line.turn_digit() {
        0 if line.kind() != CouponKind::InterviewOnly => {
            let highest = history.records.iter().filter(|held| held.stands());
            highest
                .map(|held| held.facts.turn)
                .max()
                .unwrap_or(0)
                .saturating_add(1)
        }
        digit => digit,
    }
}

/// What the records of a coupon add to the statistics.
#[must_use]
pub fn contribution(history: &History) -> Vec<Effect> {
    history
        .records
        .iter()
        .zip(settle(&history.records))
        .filter(|(_, standing)| *standing == Standing::Counted)
        .map(|(held, _)| Effect {
            age: history.person.as_ref().map_or(AgeBand::Unknown, |person| {
                AgeBand::of(&person.birth, held.facts.given_on)
            }),
            day: held.facts.given_on,
            n: 1,
            sex: history
                .person
                .as_ref()
                .map_or(Sex::Unknown, |person| person.sex),
            turn: held.facts.turn,
        })
        .collect()
}

/// Who wants to change a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editor {
    /// The city that keeps the ledger.
    City,
    /// The venue with this id.
    Venue(OrganisationId),
}

/// Why a record may not be changed by this editor now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// The record is another venue's.
    NotYours,
    /// A venue corrects on the day it recorded; afterwards the city does.
    NotToday {
        /// The day it was recorded.
        recorded_on: Day,
    },
    /// The city has confirmed the record (確定); only the city may change it.
    Confirmed,
    /// It has been taken back already.
    Voided,
    /// It is confirmed (or open) already.
    AsItIs,
    /// It says something else than what the person had before them: somebody was quicker.
    ChangedMeanwhile,
}

/// Whether `editor` may correct or void a record today.
///
/// # Errors
/// The reason why not, for the person who tried.
pub fn may_change(
    held: &Held,
    recorded_on: Day,
    editor: Editor,
    today: Day,
) -> Result<(), ChangeRefusal> {
    if held.voided {
        return Err(ChangeRefusal::Voided);
    }
    match editor {
        Editor::City => Ok(()),
        Editor::Venue(venue) if venue != held.facts.venue => Err(ChangeRefusal::NotYours),
        Editor::Venue(_) if held.confirmed => Err(ChangeRefusal::Confirmed),
        Editor::Venue(_) if recorded_on != today => Err(ChangeRefusal::NotToday { recorded_on }),
        Editor::Venue(_) => Ok(()),
    }
}
