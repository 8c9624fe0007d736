//! A batch of coupons as its page shows it: begun, counted, approved, thrown away.

use domain::access::{CityPermit, OrganisationId, UserId};
use domain::calendar::Instant;
use domain::issues::{Cohort, LeftOut};
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{bad, decided};
use crate::accounts::uuid;
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::imports::Decided;
use crate::recorder::json;

/// Batches on a city's list at most.
const LISTED_MAX: i64 = 50;

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

    pub(super) fn parse(word: &str) -> Option<Self> {
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
    pub(super) fn leave_out(&mut self, why: LeftOut) {
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
    pub(super) position: String,
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

#[derive(sqlx_macros::FromRow)]
pub(super) struct BatchRow {
    pub(super) municipality: String,
    pub(super) id: Vec<u8>,
    pub(super) cohort: String,
    pub(super) state: String,
    pub(super) residents: i64,
    pub(super) position: String,
    pub(super) found: String,
    pub(super) done: String,
    pub(super) files: i64,
    pub(super) by_user: Vec<u8>,
    pub(super) organisation: Vec<u8>,
    pub(super) created_at: i64,
    pub(super) approved_by: Option<Vec<u8>>,
    pub(super) approved_at: Option<i64>,
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
pub(super) async fn step(
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

pub(super) const BATCH: &str = sql!(
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
