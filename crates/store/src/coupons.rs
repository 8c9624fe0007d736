//! Coupons (接種券) as a city issues them: cohorts in batches, single ones again, numbers made void.
//!
//! The paper of the residents keeps a number with each person, so issuing gives out papers for
//! that number; only a reissue makes a new one. The work on a batch is done in stretches of some
//! hundreds of people; each stretch is a transaction that also says how far the work is, so that any
//! server goes on with it after a restart. No file is kept: each is printed from the rows when it is
//! taken out, in the order of the mailing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::access::{CityPermit, OrganisationId, UserId};
use domain::addresses::Address;
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::doses::Facts;
use domain::issues::{
    Candidate, Cohort, CouponState, Form, IssueRefusal, LeftOut, OldNumber, ReissueReason,
    TURN_ON_COUPON_MAX, VoidReason, number_after,
};
use domain::people::ResidentStanding;
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::imports::Decided;
use crate::recorder::{json, lock_chains};
use crate::residents::{Resident, ResidentRow, address, person};

/// People in one stretch: reports beside it never wait long for its transaction.
pub const STRETCH_PEOPLE: i64 = 500;
/// People in one file: some seconds of printing, and at three papers each within the printer's limit.
pub const FILE_PEOPLE_MAX: i64 = 300;
/// Batches on a city's list at most.
const LISTED_MAX: i64 = 50;
/// Numbers of protected people shown with a batch at most.
pub const APART_MAX: i64 = 200;
/// How long a server may be silent until another takes its batch over.
const LEASE_MICROS: i64 = 30_000_000;
/// What stands before a place in the mailing once its file is cut. Every key it was sorted by is after it:
/// they begin with a digit, or with what is after the digits.
const PLACED: char = '!';
/// Digits of such a place: more people than a country has.
const PLACE_DIGITS: usize = 9;
/// Numbers that are passed over because a misread dose waits under them: never that many in a row.
const TAKEN_IN_A_ROW_MAX: usize = 1_000;

/// The stages of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being counted who would get coupons; nothing is changed.
    Counting,
    /// Somebody may approve it.
    Ready,
    /// Coupons are being issued.
    Issuing,
    /// They are being put into files in the order of the mailing.
    Cutting,
    /// Its files can be taken out.
    Done,
    /// Somebody threw it away.
    Discarded,
}

impl State {
    const ALL: [Self; 6] = [
        Self::Counting,
        Self::Ready,
        Self::Issuing,
        Self::Cutting,
        Self::Done,
        Self::Discarded,
    ];

    /// Its stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counting => "counting",
            Self::Ready => "ready",
            Self::Issuing => "issuing",
            Self::Cutting => "cutting",
            Self::Done => "done",
            Self::Discarded => "discarded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a server has work with it.
    #[must_use]
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Counting | Self::Issuing | Self::Cutting)
    }
}

/// Who gets coupons and who does not; everybody of the register is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// People looked at.
    pub looked: u64,
    /// People who get coupons.
    pub people: u64,
    /// Coupons for them.
    pub coupons: u64,
    /// People among them who are protected: theirs are printed singly.
    pub protected: u64,
    /// People among them, not protected, whom no letter reaches: the register has no address.
    pub unaddressed: u64,
    /// Died, moved out or removed.
    pub gone: u64,
    /// Too young or too old.
    pub age: u64,
    /// Not due by the base date.
    pub not_due: u64,
    /// The last dose is not long enough ago.
    pub too_soon: u64,
    /// The number in force is void.
    pub number_void: u64,
    /// Their coupons are out already.
    pub issued: u64,
    /// People whose papers are in files.
    pub cut: u64,
}

impl Counts {
    fn leave_out(&mut self, why: LeftOut) {
        match why {
            LeftOut::Gone => self.gone += 1,
            LeftOut::Age => self.age += 1,
            LeftOut::NotDue => self.not_due += 1,
            LeftOut::TooSoon => self.too_soon += 1,
            LeftOut::NumberVoid => self.number_void += 1,
            LeftOut::Issued => self.issued += 1,
        }
    }
}

/// A batch, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// In which city.
    pub city: MunicipalityCode,
    /// Its id.
    pub id: Uuid,
    /// Who gets coupons.
    pub cohort: Cohort,
    /// Its stage.
    pub state: State,
    /// People in the register when it began.
    pub residents: u64,
    /// The key up to which the work in hand is done.
    position: String,
    /// What counting found so far.
    pub found: Counts,
    /// What issuing came to so far.
    pub done: Counts,
    /// Files cut so far.
    pub files: u64,
    /// Who began it.
    pub by: UserId,
    /// From which organisation.
    pub organisation: OrganisationId,
    /// When.
    pub created_at: Instant,
    /// Who approved it.
    pub approved_by: Option<UserId>,
    /// When: what it issued bears this time.
    pub approved_at: Option<Instant>,
}

impl Batch {
    /// How far the work at this stage is, in hundredths.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let (part, whole) = match self.state {
            State::Counting => (self.found.looked, self.residents),
            State::Issuing => (self.done.looked, self.residents),
            State::Cutting => (self.done.cut, self.done.people - self.done.protected),
            State::Ready | State::Done | State::Discarded => (1, 1),
        };
        (part.saturating_mul(100) / whole.max(1)).min(100)
    }
}

#[derive(sqlx::FromRow)]
struct BatchRow {
    municipality: String,
    id: Vec<u8>,
    cohort: String,
    state: String,
    residents: i64,
    position: String,
    found: String,
    done: String,
    files: i64,
    by_user: Vec<u8>,
    organisation: Vec<u8>,
    created_at: i64,
    approved_by: Option<Vec<u8>>,
    approved_at: Option<i64>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "coupon_batch",
        column,
    }
}

fn bad_issue(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "coupon_issue",
        column,
    }
}

impl TryFrom<BatchRow> for Batch {
    type Error = Error;

    fn try_from(row: BatchRow) -> Result<Self> {
        let approved_by = row.approved_by.as_deref();
        let approved_by = approved_by.map(|id| uuid(id, "coupon_batch", "approved_by"));
        let organisation = uuid(&row.organisation, "coupon_batch", "organisation")?;
        Ok(Self {
            city: MunicipalityCode::parse(&row.municipality).map_err(|_| bad("municipality"))?,
            id: uuid(&row.id, "coupon_batch", "id")?,
            cohort: serde_json::from_str(&row.cohort).map_err(|_| bad("cohort"))?,
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            residents: row.residents.unsigned_abs(),
            position: row.position,
            found: serde_json::from_str(&row.found).map_err(|_| bad("found"))?,
            done: serde_json::from_str(&row.done).map_err(|_| bad("done"))?,
            files: row.files.unsigned_abs(),
            by: UserId(uuid(&row.by_user, "coupon_batch", "by_user")?),
            organisation: OrganisationId(organisation),
            created_at: Instant::from_micros(row.created_at),
            approved_by: approved_by.transpose()?.map(UserId),
            approved_at: row.approved_at.map(Instant::from_micros),
        })
    }
}

/// Begins a batch: it will be counted who gets coupons. The cohort is one that was checked.
///
/// # Errors
/// [`Error::Exists`] if the id is taken, or the database's.
pub async fn begin(
    db: &Db,
    permit: &CityPermit,
    id: Uuid,
    cohort: &Cohort,
    at: Instant,
) -> Result<()> {
    let nothing = json(&Counts::default());
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO coupon_batch (municipality, id, cohort, state, residents, position, found, done, files,
                                       by_user, organisation, created_at, leased_until)
             SELECT $1, $2, $3, 'counting', COUNT(*), '', $4, $4, 0, $5, $6, $7, 0
             FROM resident WHERE municipality = $1"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(json(cohort))
        .bind(nothing.clone())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(permit.actor().organisation.0.as_bytes().to_vec())
        .bind(at.micros())
        .expect(1)
        .await?
    })
}

/// Moves a batch from one stage to the next; false if it is at another by now.
async fn step(
    tx: &mut Tx,
    city: MunicipalityCode,
    id: Uuid,
    from: State,
    to: State,
) -> Result<bool> {
    let moved = tx
        .query(sql!(
            "UPDATE coupon_batch SET state = $4, position = '', worker = NULL, leased_until = 0
             WHERE municipality = $1 AND id = $2 AND state = $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(from.as_str().to_owned())
        .bind(to.as_str().to_owned())
        .run()
        .await?;
    Ok(moved == 1)
}

async fn decided(
    tx: &mut Tx,
    permit: &CityPermit,
    how: Decided,
    (action, subject, detail): (&str, &str, &str),
) -> Result<()> {
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: Some(permit.city()),
        action,
        subject,
        detail,
    };
    audit::write(tx, permit.actor(), &change).await
}

/// Approves a batch that was counted: its coupons will be issued. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn approve(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    let city = permit.city();
    let subject = id.to_string();
    transact!(db, |tx| {
        let moved = step(&mut tx, city, id, State::Ready, State::Issuing).await?;
        if moved {
            tx.query(sql!(
                "UPDATE coupon_batch SET approved_by = $3, approved_at = $4 WHERE municipality = $1 AND id = $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .bind(how.at.micros())
            .expect(1)
            .await?;
            let what = ("approve-coupons", subject.as_str(), "{}");
            decided(&mut tx, permit, how, what).await?;
        }
        moved
    })
}

/// Throws a batch away that issued nothing yet. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn discard(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    let city = permit.city();
    let subject = id.to_string();
    transact!(db, |tx| {
        let mut moved = false;
        for from in [State::Ready, State::Counting] {
            moved = moved || step(&mut tx, city, id, from, State::Discarded).await?;
        }
        if moved {
            let what = ("discard-coupons", subject.as_str(), "{}");
            decided(&mut tx, permit, how, what).await?;
        }
        moved
    })
}

const BATCH: &str = sql!(
    "SELECT municipality, id, cohort, state, residents, position, found, done, files, by_user, organisation,
            created_at, approved_by, approved_at
     FROM coupon_batch WHERE municipality = $1 AND id = $2"
);

/// One batch of the city.
///
/// # Errors
/// The database's.
pub async fn batch(db: &Db, permit: &CityPermit, id: Uuid) -> Result<Option<Batch>> {
    db.query(BATCH)
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .optional::<BatchRow>()
        .await?
        .map(Batch::try_from)
        .transpose()
}

/// The city's batches, the latest first.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: &CityPermit) -> Result<Vec<Batch>> {
    let rows: Vec<BatchRow> = db
        .query(sql!(
            "SELECT municipality, id, cohort, state, residents, position, found, done, files, by_user,
                    organisation, created_at, approved_by, approved_at
             FROM coupon_batch WHERE municipality = $1 ORDER BY id DESC LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// A batch that a server has taken in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The batch as it stands.
    pub batch: Batch,
    /// Who has it in hand.
    pub worker: Uuid,
}

/// Takes the next batch in hand that has work and that nobody has; `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    transact!(db, |tx| {
        let next: Option<(String, Vec<u8>)> = tx
            .query(sql!(
                "SELECT municipality, id FROM coupon_batch
                 WHERE state IN ('counting', 'issuing', 'cutting') AND leased_until < $1
                 ORDER BY leased_until, id LIMIT 1"
            ))
            .bind(now.micros())
            .optional()
            .await?;
        match next {
            None => None,
            Some((city, id)) => {
                tx.query(sql!(
                    "UPDATE coupon_batch SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
                ))
                .bind(city.clone())
                .bind(id.clone())
                .bind(worker.as_bytes().to_vec())
                .bind(now.micros().saturating_add(LEASE_MICROS))
                .expect(1)
                .await?;
                let row: BatchRow = tx.query(BATCH).bind(city).bind(id).one().await?;
                let batch = Batch::try_from(row)?;
                Some(InHand { batch, worker })
            }
        }
    })
}

/// Does the next stretch of the stage in hand; false when the stage came to its end by it.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the batch in hand by now, or the database's.
pub async fn stretch(db: &Db, hand: &mut InHand, now: Instant) -> Result<bool> {
    let was = &hand.batch;
    let (after, goes_on) = match was.state {
        State::Counting => transact!(db, |tx| {
            let after = walk(&mut tx, was).await?;
            advance(&mut tx, hand, after, State::Ready, now).await?
        })?,
        State::Issuing => transact!(db, begin_locking, |tx| {
            lock_chains(&mut tx, &BTreeSet::from([was.city])).await?;
            let after = walk(&mut tx, was).await?;
            advance(&mut tx, hand, after, State::Cutting, now).await?
        })?,
        State::Cutting => transact!(db, |tx| {
            let after = cut(&mut tx, was).await?;
            advance(&mut tx, hand, after, State::Done, now).await?
        })?,
        State::Ready | State::Done | State::Discarded => return Err(Error::Busy),
    };
    hand.batch = after;
    Ok(goes_on)
}

/// Says how far the work is and renews the lease; without a stretch, the next stage begins.
async fn advance(
    tx: &mut Tx,
    hand: &InHand,
    after: Option<Batch>,
    next: State,
    now: Instant,
) -> Result<(Batch, bool)> {
    let was = &hand.batch;
    let Some(after) = after else {
        let still: Option<(i64,)> = tx
            .query(sql!(
                "SELECT files FROM coupon_batch WHERE municipality = $1 AND id = $2 AND worker = $3"
            ))
            .bind(was.city.as_str().to_owned())
            .bind(was.id.as_bytes().to_vec())
            .bind(hand.worker.as_bytes().to_vec())
            .optional()
            .await?;
        if still.is_none() || !step(tx, was.city, was.id, was.state, next).await? {
            return Err(Error::Busy);
        }
        return Ok((was.clone(), false));
    };
    let moved = tx
        .query(sql!(
            "UPDATE coupon_batch SET position = $5, found = $6, done = $7, files = $8, leased_until = $9
             WHERE municipality = $1 AND id = $2 AND state = $3 AND worker = $4"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.id.as_bytes().to_vec())
        .bind(was.state.as_str().to_owned())
        .bind(hand.worker.as_bytes().to_vec())
        .bind(after.position.clone())
        .bind(json(&after.found))
        .bind(json(&after.done))
        .bind(i64::try_from(after.files).unwrap_or(i64::MAX))
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if moved == 1 {
        Ok((after, true))
    } else {
        Err(Error::Busy)
    }
}

#[derive(sqlx::FromRow)]
struct HereRow {
    resident_no: String,
    number: String,
    birth: String,
    sex: String,
    standing: String,
    standing_since: Option<String>,
    protected: i64,
    address: Option<String>,
    voided_at: Option<i64>,
}

/// A coupon to be issued.
struct New {
    number: String,
    turn: u8,
    nth: i64,
    resident_no: String,
    sort_key: String,
    apart: bool,
}

/// Goes through the next people of the register, and issues their coupons if it was approved; none
/// after the last.
async fn walk(tx: &mut Tx, was: &Batch) -> Result<Option<Batch>> {
    let here: Vec<HereRow> = tx
        .query(sql!(
            "SELECT p.resident_no, p.number, p.birth, p.sex, p.standing, p.standing_since, p.protected, p.address,
                    c.voided_at
             FROM resident AS p
             LEFT JOIN coupon AS c ON c.municipality = p.municipality AND c.number = p.number
             WHERE p.municipality = $1 AND p.resident_no > $2
             ORDER BY p.resident_no LIMIT $3"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.position.clone())
        .bind(STRETCH_PEOPLE)
        .all()
        .await?;
    let Some(last) = here.last() else {
        return Ok(None);
    };
    let mut after = Batch {
        position: last.resident_no.clone(),
        ..was.clone()
    };
    let numbers: Vec<&str> = here.iter().map(|one| one.resident_no.as_str()).collect();
    let doses = counted(tx, was.city, &numbers).await?;
    let out = issues(tx, was.city, &numbers).await?;
    let mut counts = match was.state {
        State::Counting => was.found,
        _ => was.done,
    };
    let mut new = Vec::new();
    for one in &here {
        counts.looked += 1;
        let papers = out.get(&one.resident_no).map_or(&[][..], Vec::as_slice);
        let issued: Vec<u8> = papers
            .iter()
            .filter(|paper| paper.state == CouponState::Issued)
            .filter(|paper| paper.form.is_interview() == was.cohort.form.is_interview())
            .map(|paper| paper.turn)
            .collect();
        let candidate = Candidate {
            person: person(
                &one.birth,
                &one.sex,
                &one.standing,
                one.standing_since.as_deref(),
            )?,
            doses: doses.get(&one.resident_no).map_or(&[][..], Vec::as_slice),
            issued: &issued,
            number_is_void: one.voided_at.is_some(),
        };
        let turns = match was.cohort.select(&candidate) {
            Ok(turns) => turns,
            Err(why) => {
                counts.leave_out(why);
                continue;
            }
        };
        counts.people += 1;
        let address = address(one.address.as_deref())?;
        let is_reached = address.as_ref().is_some_and(Address::is_mailable);
        counts.protected += u64::from(one.protected == 1);
        counts.unaddressed += u64::from(one.protected == 0 && !is_reached);
        counts.coupons += turns.len() as u64;
        for turn in turns {
            let before = |paper: &&Issue| paper.number.as_str() == one.number && paper.turn == turn;
            let order = was.cohort.order;
            new.push(New {
                number: one.number.clone(),
                turn,
                nth: papers.iter().filter(before).count() as i64,
                resident_no: one.resident_no.clone(),
                sort_key: order.key(&one.resident_no, &candidate.person, address.as_ref()),
                apart: one.protected == 1,
            });
        }
    }
    if was.state == State::Issuing {
        let at = was.approved_at.ok_or_else(|| bad("approved_at"))?;
        insert(tx, was.city, &new, (was.cohort.form, "", at, Some(was.id))).await?;
        after.done = counts;
    } else {
        after.found = counts;
    }
    Ok(Some(after))
}

/// People of a city as the rows a statement takes.
pub(crate) fn keys<'a>(city: MunicipalityCode, residents: impl Iterator<Item = &'a str>) -> Table {
    let residents: BTreeSet<&str> = residents.collect();
    Table::default()
        .text(residents.iter().map(|_| city.as_str()))
        .text(residents.iter().copied())
}

#[derive(sqlx::FromRow)]
struct CountedRow {
    resident_no: String,
    #[sqlx(flatten)]
    dose: DoseRow,
}

/// The doses of these people that count, under whichever of their numbers.
async fn counted(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<HashMap<String, Vec<Facts>>> {
    let rows: Vec<CountedRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT c.resident_no, d.* FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number AND d.standing = 'counted'"
            ),
            keys(city, residents.iter().copied()),
        )
        .all()
        .await?;
    let mut of: HashMap<String, Vec<Facts>> = HashMap::new();
    for row in rows {
        let facts = Record::try_from(row.dose)?.facts();
        of.entry(row.resident_no).or_default().push(facts);
    }
    Ok(of)
}

/// A coupon that was issued.
#[derive(Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: CouponNumber,
    /// For which dose; `0` where it is left open.
    pub turn: u8,
    /// 0 for the first paper of this number and dose.
    pub nth: i64,
    /// How it stands.
    pub state: CouponState,
    /// What was printed.
    pub form: Form,
    /// Why it was issued again, if it was.
    pub reason: Option<ReissueReason>,
    /// When.
    pub issued_at: Instant,
    /// In which batch, if in one.
    pub batch: Option<Uuid>,
}

impl std::fmt::Debug for Issue {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issue(.., {}, {})", self.turn, self.state.as_str())
    }
}

#[derive(sqlx::FromRow)]
struct IssueRow {
    resident_no: String,
    number: String,
    turn: i64,
    nth: i64,
    state: String,
    form: String,
    reason: String,
    issued_at: i64,
    batch: Option<Vec<u8>>,
}

impl TryFrom<IssueRow> for Issue {
    type Error = Error;

    fn try_from(row: IssueRow) -> Result<Self> {
        let batch = row.batch.as_deref();
        Ok(Self {
            number: CouponNumber::parse(&row.number).map_err(|_| bad_issue("number"))?,
            turn: u8::try_from(row.turn).map_err(|_| bad_issue("turn"))?,
            nth: row.nth,
            state: CouponState::parse(&row.state).ok_or_else(|| bad_issue("state"))?,
            form: Form::parse(&row.form).ok_or_else(|| bad_issue("form"))?,
            reason: ReissueReason::parse(&row.reason),
            issued_at: Instant::from_micros(row.issued_at),
            batch: batch
                .map(|id| uuid(id, "coupon_issue", "batch"))
                .transpose()?,
        })
    }
}

/// What was ever issued to these people.
pub(crate) async fn issues(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<HashMap<String, Vec<Issue>>> {
    let rows: Vec<IssueRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT i.resident_no, i.number, i.turn, i.nth, i.state, i.form, i.reason, i.issued_at, i.batch
                 FROM k CROSS JOIN coupon_issue AS i
                 WHERE i.municipality = k.municipality AND i.resident_no = k.resident_no
                 ORDER BY i.issued_at, i.number, i.turn, i.nth"
            ),
            keys(city, residents.iter().copied()),
        )
        .all()
        .await?;
    let mut of: HashMap<String, Vec<Issue>> = HashMap::new();
    for row in rows {
        let resident_no = row.resident_no.clone();
        of.entry(resident_no).or_default().push(row.try_into()?);
    }
    Ok(of)
}

async fn insert(
    tx: &mut Tx,
    city: MunicipalityCode,
    new: &[New],
    (form, reason, at, batch): (Form, &str, Instant, Option<Uuid>),
) -> Result<()> {
    let of = || new.iter();
    let rows = Table::default()
        .text(of().map(|_| city.as_str()))
        .text(of().map(|one| one.number.as_str()))
        .whole(of().map(|one| i64::from(one.turn)))
        .whole(of().map(|one| one.nth))
        .text(of().map(|one| one.resident_no.as_str()))
        .text(of().map(|_| CouponState::Issued.as_str()))
        .text(of().map(|_| form.as_str()))
        .text(of().map(|_| reason))
        .whole(of().map(|_| at.micros()))
        .bytes_or_null(of().map(|_| batch.map(|id| *id.as_bytes())))
        .text(of().map(|one| one.sort_key.as_str()))
        .whole(of().map(|one| i64::from(one.apart)));
    tx.many(
        sql!(
            "INSERT INTO coupon_issue (municipality, number, turn, nth, resident_no, state, form, reason, issued_at,
                                       batch, sort_key, apart)
             {rows: text, text, bigint, bigint, text, text, text, text, bigint, bytea, text, bigint}"
        ),
        rows,
    )
    .expect_each()
    .await
}

/// Says where the next file ends; none after the last.
///
/// Whoever is in it has a number for a place from then on: the key it was sorted by may hold an address,
/// which has no business here any more.
async fn cut(tx: &mut Tx, was: &Batch) -> Result<Option<Batch>> {
    let rows: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT sort_key, COUNT(*) FROM coupon_issue
             WHERE municipality = $1 AND batch = $2 AND batch IS NOT NULL AND apart = 0 AND sort_key >= '0'
             GROUP BY sort_key ORDER BY sort_key LIMIT $3"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.id.as_bytes().to_vec())
        .bind(FILE_PEOPLE_MAX)
        .all()
        .await?;
    let places: Vec<String> = (was.done.cut + 1..)
        .take(rows.len())
        .map(|place| format!("{PLACED}{place:0PLACE_DIGITS$}"))
        .collect();
    let Some(upto) = places.last() else {
        return Ok(None);
    };
    let mut after = Batch {
        position: upto.clone(),
        files: was.files + 1,
        ..was.clone()
    };
    after.done.cut += rows.len() as u64;
    let placed = Table::default()
        .text(rows.iter().map(|_| was.city.as_str()))
        .bytes(rows.iter().map(|_| *was.id.as_bytes()))
        .text(rows.iter().map(|(key, _)| key.as_str()))
        .text(places.iter().map(String::as_str));
    tx.many(
        sql!(
            "WITH k (municipality, batch, sort_key, place) AS ({rows: text, bytea, text, text})
             UPDATE coupon_issue SET sort_key = k.place
             FROM k
             WHERE coupon_issue.municipality = k.municipality AND coupon_issue.batch = k.batch
               AND coupon_issue.batch IS NOT NULL AND coupon_issue.sort_key = k.sort_key AND coupon_issue.apart = 0"
        ),
        placed,
    )
    .run()
    .await?;
    tx.query(sql!(
        "INSERT INTO coupon_file (municipality, batch, file, upto_key, people, coupons)
         VALUES ($1, $2, $3, $4, $5, $6)"
    ))
    .bind(was.city.as_str().to_owned())
    .bind(was.id.as_bytes().to_vec())
    .bind(i64::try_from(after.files).unwrap_or(i64::MAX))
    .bind(upto.clone())
    .bind(i64::try_from(rows.len()).unwrap_or(i64::MAX))
    .bind(rows.iter().map(|(_, coupons)| coupons).sum::<i64>())
    .expect(1)
    .await?;
    Ok(Some(after))
}

/// A file of a batch.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct File {
    /// Which, from 1.
    pub file: i64,
    /// People in it when it was cut.
    pub people: i64,
    /// Coupons in it when it was cut.
    pub coupons: i64,
}

/// The files of a batch, in the order of the mailing.
///
/// # Errors
/// The database's.
pub async fn files(db: &Db, permit: &CityPermit, batch: Uuid) -> Result<Vec<File>> {
    db.query(sql!(
        "SELECT file, people, coupons FROM coupon_file WHERE municipality = $1 AND batch = $2 ORDER BY file"
    ))
    .bind(permit.city().as_str().to_owned())
    .bind(batch.as_bytes().to_vec())
    .all()
    .await
}

/// One person's papers in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Papers {
    /// The person.
    pub resident: Resident,
    /// The number printed.
    pub number: CouponNumber,
    /// The doses.
    pub turns: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct PaperRow {
    issued_number: String,
    turn: i64,
    #[sqlx(flatten)]
    resident: ResidentRow,
}

/// What is printed in a file, in the order of the mailing; `file` counts from 1.
///
/// Whoever is gone or protected by now, and what was voided or replaced, is left out: the same file
/// is the same until then.
///
/// # Errors
/// The database's.
pub async fn papers(db: &Db, permit: &CityPermit, batch: Uuid, file: i64) -> Result<Vec<Papers>> {
    let rows: Vec<PaperRow> = db
        .query(sql!(
            "SELECT i.number AS issued_number, i.turn, p.*
             FROM coupon_file AS f
             JOIN coupon_issue AS i ON i.municipality = f.municipality AND i.batch = f.batch
             JOIN resident AS p ON p.municipality = i.municipality AND p.resident_no = i.resident_no
             WHERE f.municipality = $1 AND f.batch = $2 AND f.file = $3
               AND i.batch IS NOT NULL AND i.sort_key <= f.upto_key
               AND i.sort_key > COALESCE((
                   SELECT MAX(e.upto_key) FROM coupon_file AS e
                   WHERE e.municipality = $1 AND e.batch = $2 AND e.file < $3), '')
               AND i.apart = 0 AND i.state = 'issued' AND p.protected = 0 AND p.standing = 'resident'
             ORDER BY i.sort_key, i.turn"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(batch.as_bytes().to_vec())
        .bind(file)
        .all()
        .await?;
    let mut papers: Vec<Papers> = Vec::new();
    for row in rows {
        let turn = u8::try_from(row.turn).map_err(|_| bad_issue("turn"))?;
        let resident = Resident::try_from(row.resident)?;
        let number = CouponNumber::parse(&row.issued_number).map_err(|_| bad_issue("number"))?;
        match papers.last_mut() {
            Some(last) if last.resident.resident_no == resident.resident_no => {
                last.turns.push(turn)
            }
            _ => papers.push(Papers {
                resident,
                number,
                turns: vec![turn],
            }),
        }
    }
    Ok(papers)
}

/// Somebody's piece of a mailing: as much as is needed to say whether the post can carry it.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece {
    /// The key to go on after.
    pub key: String,
    /// The number printed.
    pub number: CouponNumber,
    /// The city's own number of the person.
    pub resident_no: String,
    /// The name.
    pub name: String,
    /// Where it goes, if that is known.
    pub address: Option<Address>,
}

impl std::fmt::Debug for Piece {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Piece(..)")
    }
}

/// The pieces of a batch in the order of the mailing, after this key, [`STRETCH_PEOPLE`] at most: those
/// that [`papers`] prints, whichever file they are in.
///
/// # Errors
/// The database's.
pub async fn pieces(db: &Db, permit: &CityPermit, batch: Uuid, after: &str) -> Result<Vec<Piece>> {
    type PieceRow = (String, String, String, String, Option<String>);
    let rows: Vec<PieceRow> = db
        .query(sql!(
            "SELECT DISTINCT i.sort_key, i.number, p.resident_no, p.name, p.address
             FROM coupon_issue AS i
             JOIN resident AS p ON p.municipality = i.municipality AND p.resident_no = i.resident_no
             WHERE i.municipality = $1 AND i.batch = $2 AND i.batch IS NOT NULL AND i.sort_key > $3
               AND i.apart = 0 AND i.state = 'issued' AND p.protected = 0 AND p.standing = 'resident'
             ORDER BY i.sort_key LIMIT $4"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(batch.as_bytes().to_vec())
        .bind(after.to_owned())
        .bind(STRETCH_PEOPLE)
        .all()
        .await?;
    rows.into_iter()
        .map(|(key, number, resident_no, name, kept)| {
            Ok(Piece {
                key,
                number: CouponNumber::parse(&number).map_err(|_| bad_issue("number"))?,
                resident_no,
                name,
                address: address(kept.as_deref())?,
            })
        })
        .collect()
}

/// The numbers of a batch whose papers are printed singly, the first of them.
///
/// # Errors
/// The database's.
pub async fn apart(db: &Db, permit: &CityPermit, batch: Uuid) -> Result<Vec<CouponNumber>> {
    let rows: Vec<(String,)> = db
        .query(sql!(
            "SELECT DISTINCT number FROM coupon_issue
             WHERE municipality = $1 AND batch = $2 AND batch IS NOT NULL AND apart = 1 AND state = 'issued'
             ORDER BY number LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(batch.as_bytes().to_vec())
        .bind(APART_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(number,)| CouponNumber::parse(&number).map_err(|_| bad_issue("number")))
        .collect()
}

/// A number that somebody has or had.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    /// The number.
    pub number: CouponNumber,
    /// When it became void, if it is.
    pub voided_at: Option<Instant>,
    /// Why, as its stable word.
    pub void_reason: Option<String>,
    /// The number that took its place.
    pub replaced_by: Option<CouponNumber>,
}

impl std::fmt::Debug for Number {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Number(.., void: {})", self.voided_at.is_some())
    }
}

type NumberRow = (String, Option<i64>, Option<String>, Option<String>);

/// The numbers of the person behind a number and what was issued under them; empty if nobody is
/// registered under it.
///
/// # Errors
/// The database's.
pub async fn of_person(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
) -> Result<(Vec<Number>, Vec<Issue>)> {
    let city = permit.city();
    let mut tx = db.begin_reading().await?;
    let rows: Vec<NumberRow> = tx
        .query(sql!(
            "SELECT b.number, b.voided_at, b.void_reason, b.replaced_by
             FROM coupon AS a
             JOIN coupon AS b ON b.municipality = a.municipality AND b.resident_no = a.resident_no
             WHERE a.municipality = $1 AND a.number = $2 ORDER BY b.number"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .all()
        .await?;
    let issued: Vec<IssueRow> = tx
        .query(sql!(
            "SELECT i.resident_no, i.number, i.turn, i.nth, i.state, i.form, i.reason, i.issued_at, i.batch
             FROM coupon AS a
             JOIN coupon_issue AS i ON i.municipality = a.municipality AND i.resident_no = a.resident_no
             WHERE a.municipality = $1 AND a.number = $2
             ORDER BY i.issued_at, i.number, i.turn, i.nth"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .all()
        .await?;
    let parse = |text: &str| CouponNumber::parse(text).map_err(|_| bad_issue("number"));
    let numbers = rows.into_iter().map(|(number, at, reason, next)| {
        Ok(Number {
            number: parse(&number)?,
            voided_at: at.map(Instant::from_micros),
            void_reason: reason,
            replaced_by: next.as_deref().map(parse).transpose()?,
        })
    });
    let issued = issued.into_iter().map(Issue::try_from);
    Ok((
        numbers.collect::<Result<_>>()?,
        issued.collect::<Result<_>>()?,
    ))
}

/// What is to be issued again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Why.
    pub reason: ReissueReason,
    /// For which dose; `0` leaves it open.
    pub turn: u8,
    /// What is printed.
    pub form: Form,
}

/// The person behind a number as the register has them, with when their number in force became void.
async fn holder(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
) -> Result<Option<(Resident, Option<i64>)>> {
    #[derive(sqlx::FromRow)]
    struct HolderRow {
        voided_at: Option<i64>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let row: Option<HolderRow> = tx
        .query(sql!(
            "SELECT n.voided_at, p.* FROM coupon AS c
             JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             LEFT JOIN coupon AS n ON n.municipality = p.municipality AND n.number = p.number
             WHERE c.municipality = $1 AND c.number = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .optional()
        .await?;
    row.map(|row| Ok((Resident::try_from(row.resident)?, row.voided_at)))
        .transpose()
}

/// Issues a person's coupon again; gives the number that is in force by then.
///
/// Where the number becomes void, everything that is out under it is issued again too: a paper
/// with a void number is worth nothing.
///
/// # Errors
/// The database's; whatever the rules refuse is the inner error.
pub async fn reissue(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
    wanted: Wanted,
    how: Decided,
) -> Result<std::result::Result<CouponNumber, IssueRefusal>> {
    let city = permit.city();
    transact!(db, begin_locking, |tx| {
        lock_chains(&mut tx, &BTreeSet::from([city])).await?;
        again(&mut tx, permit, number, wanted, how).await?
    })
}

async fn again(
    tx: &mut Tx,
    permit: &CityPermit,
    number: CouponNumber,
    wanted: Wanted,
    how: Decided,
) -> Result<std::result::Result<CouponNumber, IssueRefusal>> {
    let city = permit.city();
    let Some((resident, voided_at)) = holder(tx, city, number).await? else {
        return Ok(Err(IssueRefusal::NotRegistered));
    };
    if resident.standing != ResidentStanding::Resident {
        return Ok(Err(IssueRefusal::Gone));
    }
    if wanted.turn > TURN_ON_COUPON_MAX {
        return Ok(Err(IssueRefusal::TurnUnknown));
    }
    let no = resident.resident_no.as_str();
    let doses = counted(tx, city, &[no]).await?.remove(no);
    let given: BTreeSet<u8> = doses.iter().flatten().map(|dose| dose.turn).collect();
    if wanted.turn > 0 && given.contains(&wanted.turn) {
        return Ok(Err(IssueRefusal::TurnGiven));
    }
    let papers = issues(tx, city, &[no])
        .await?
        .remove(no)
        .unwrap_or_default();
    let is_void = voided_at.is_some();
    let becomes_void = wanted.reason.old_number() == OldNumber::Voided;
    let old = resident.number;
    let new = if is_void || becomes_void {
        match free_number(tx, city).await? {
            Some(new) => new,
            None => return Ok(Err(IssueRefusal::NumbersExhausted)),
        }
    } else {
        old
    };
    // For a dose and its interviews papers are out beside each other.
    let kind = |turn: u8, form: Form| (turn, form.is_interview());
    let mut again = BTreeMap::from([(kind(wanted.turn, wanted.form), wanted.form)]);
    if new != old {
        let out = papers.iter().filter(|one| one.state == CouponState::Issued);
        for one in out.filter(|one| !given.contains(&one.turn)) {
            again.entry(kind(one.turn, one.form)).or_insert(one.form);
        }
    }
    let replaced = papers
        .iter()
        .filter(|one| one.number != new || again.contains_key(&kind(one.turn, one.form)));
    end(tx, city, replaced, CouponState::Reissued).await?;
    if new != old {
        if !is_void {
            void_number(tx, city, old, wanted.reason.as_str(), how.at).await?;
        }
        give_number(tx, city, &resident, new, how.at).await?;
    }
    let mut nth_of: BTreeMap<u8, i64> = BTreeMap::new();
    for ((turn, _), form) in again {
        let before = |one: &&Issue| one.number == new && one.turn == turn;
        let more = nth_of.entry(turn).or_default();
        let nth = papers.iter().filter(before).count() as i64 + *more;
        *more += 1;
        let paper = New {
            number: new.as_str().to_owned(),
            turn,
            nth,
            resident_no: resident.resident_no.clone(),
            sort_key: String::new(),
            apart: resident.protected,
        };
        let how = (form, wanted.reason.as_str(), how.at, None);
        insert(tx, city, &[paper], how).await?;
    }
    let detail = format!(
        "{{\"reason\":\"{}\",\"turn\":{},\"new_number\":{}}}",
        wanted.reason.as_str(),
        wanted.turn,
        new != old
    );
    let what = ("reissue-coupon", number.as_str(), detail.as_str());
    decided(tx, permit, how, what).await?;
    Ok(Ok(new))
}

/// Makes the number in force of a person void, and everything that is out under it.
///
/// # Errors
/// The database's; whatever the rules refuse is the inner error.
pub async fn void(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
    reason: VoidReason,
    how: Decided,
) -> Result<std::result::Result<(), IssueRefusal>> {
    let city = permit.city();
    transact!(db, begin_locking, |tx| {
        lock_chains(&mut tx, &BTreeSet::from([city])).await?;
        match holder(&mut tx, city, number).await? {
            None => Err(IssueRefusal::NotRegistered),
            Some((_, Some(_))) => Err(IssueRefusal::AlreadyVoid),
            Some((resident, None)) => {
                let no = resident.resident_no.as_str();
                let papers = issues(&mut tx, city, &[no]).await?.remove(no);
                let papers = papers.unwrap_or_default();
                end(&mut tx, city, papers.iter(), CouponState::Void).await?;
                void_number(&mut tx, city, resident.number, reason.as_str(), how.at).await?;
                let detail = format!("{{\"reason\":\"{}\"}}", reason.as_str());
                let what = ("void-coupon", resident.number.as_str(), detail.as_str());
                decided(&mut tx, permit, how, what).await?;
                Ok(())
            }
        }
    })
}

/// Takes the papers of people who are protected (支援措置) out of the mailings: they are printed singly from
/// now on, also if the protection ends, and nothing is left of the key they were sorted by.
pub(crate) async fn set_apart(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<()> {
    tx.many(
        sql!(
            "WITH k (municipality, resident_no) AS ({rows: text, text})
             UPDATE coupon_issue SET apart = 1, sort_key = ''
             FROM k
             WHERE coupon_issue.municipality = k.municipality AND coupon_issue.resident_no = k.resident_no
               AND coupon_issue.apart = 0"
        ),
        keys(city, residents.iter().copied()),
    )
    .run()
    .await?;
    Ok(())
}

/// Brings those of these papers that are out to another state.
async fn end(
    tx: &mut Tx,
    city: MunicipalityCode,
    papers: impl Iterator<Item = &Issue>,
    to: CouponState,
) -> Result<()> {
    for paper in papers.filter(|one| one.state.may_become(to)) {
        tx.query(sql!(
            "UPDATE coupon_issue SET state = $5
             WHERE municipality = $1 AND number = $2 AND turn = $3 AND nth = $4 AND state = 'issued'"
        ))
        .bind(city.as_str().to_owned())
        .bind(paper.number.as_str().to_owned())
        .bind(i64::from(paper.turn))
        .bind(paper.nth)
        .bind(to.as_str().to_owned())
        .expect(1)
        .await?;
    }
    Ok(())
}

async fn void_number(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
    reason: &str,
    at: Instant,
) -> Result<()> {
    tx.query(sql!(
        "UPDATE coupon SET voided_at = $3, void_reason = $4 WHERE municipality = $1 AND number = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(number.as_str().to_owned())
    .bind(at.micros())
    .bind(reason.to_owned())
    .expect(1)
    .await
}

/// Gives a person another number; the old one says which.
async fn give_number(
    tx: &mut Tx,
    city: MunicipalityCode,
    resident: &Resident,
    new: CouponNumber,
    at: Instant,
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO coupon (municipality, number, resident_no) VALUES ($1, $2, $3)"
    ))
    .bind(city.as_str().to_owned())
    .bind(new.as_str().to_owned())
    .bind(resident.resident_no.clone())
    .expect(1)
    .await?;
    tx.query(sql!(
        "UPDATE coupon SET replaced_by = $3 WHERE municipality = $1 AND number = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(resident.number.as_str().to_owned())
    .bind(new.as_str().to_owned())
    .expect(1)
    .await?;
    tx.query(sql!(
        "UPDATE resident SET number = $3, changed_at = $4 WHERE municipality = $1 AND resident_no = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(resident.resident_no.clone())
    .bind(new.as_str().to_owned())
    .bind(at.micros())
    .expect(1)
    .await
}

/// The next number nobody ever had and no record waits under: a misread dose would find a stranger.
async fn free_number(tx: &mut Tx, city: MunicipalityCode) -> Result<Option<CouponNumber>> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT number FROM (
                 SELECT MAX(number) AS number FROM coupon WHERE municipality = $1
                 UNION ALL
                 SELECT MAX(number) AS number FROM coupon_issue WHERE municipality = $1) AS n
             WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    let mut next = match row {
        None => None,
        Some((number,)) => Some(CouponNumber::parse(&number).map_err(|_| bad_issue("number"))?),
    };
    for _ in 0..TAKEN_IN_A_ROW_MAX {
        next = number_after(next);
        let Some(number) = next else { break };
        let waits: Option<(i64,)> = tx
            .query(sql!(
                "SELECT seq FROM dose WHERE municipality = $1 AND number = $2 LIMIT 1"
            ))
            .bind(city.as_str().to_owned())
            .bind(number.as_str().to_owned())
            .optional()
            .await?;
        if waits.is_none() {
            return Ok(Some(number));
        }
    }
    Ok(None)
}
