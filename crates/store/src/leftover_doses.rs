//! Leftover doses (余剰ワクチン): what venues say of their open vials, and whom they called for what is left.
//!
//! How many doses are left and who came is written nowhere: both follow from the ledgers. What was said is only ever
//! added to.

mod calls;
mod city;
mod neighbours;

use domain::access::{Action, OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::closings::{Line, Purpose, doses_per_vial};
use domain::leftover_doses::{Told, free, opened_for};
use domain::lots::last_day;
use domain::standby::{Pass, Word};
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, View};
use crate::closings::{Closing, Sum, latest_within, sums_within};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::lots;
use crate::standby::{CALL_PURPOSE, VIEW, rule_within, word_in};
use crate::stock::wrong_permit;

pub use calls::{Answered, Called, answer, call, phone_of_protected};
pub use city::{Outcome, Thrown, of_city, thrown_in_city};
pub use neighbours::{Neighbour, neighbours};

/// Lots that a venue says something of on one day at most.
const SURPLUSES_MAX: i64 = 40;
/// Calls of one day shown at most.
const OFFERS_MAX: i64 = 300;

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

fn allowed(permit: &VenuePermit) -> Result<()> {
    if permit.action() == Action::OfferLeftover {
        Ok(())
    } else {
        Err(wrong_permit())
    }
}

/// Open vials that will be left over, as the venue said, and what follows from the ledgers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surplus {
    /// Its id.
    pub id: Uuid,
    /// Which telling it is, from 1.
    pub revision: i64,
    /// What the venue said.
    pub told: Told,
    /// Until when the doses may be given.
    pub until: Instant,
    /// Doses left.
    pub left: i64,
    /// Of those, promised to people who are being called or on their way.
    pub promised: i64,
    /// Whether the day is closed: then its vials are those of the closing.
    pub is_closed: bool,
}

impl Surplus {
    /// How many more people may be called.
    #[must_use]
    pub fn free(&self) -> i64 {
        free(self.left, self.promised)
    }
}

/// Somebody who stood before whoever was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Their number on the list.
    pub number: i64,
    /// Whether on the city's.
    pub is_of_city: bool,
    /// Why they were not called.
    pub pass: Pass,
}

/// A call, or that nobody could be called.
#[derive(Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: Uuid,
    /// For which doses.
    pub leftover: Uuid,
    /// The number on the list; none if nobody could be called.
    pub number: Option<i64>,
    /// Whether on the city's list.
    pub is_of_city: bool,
    /// What became of it.
    pub word: Word,
    /// Which word that is, from 1; 0 if nobody was called.
    pub revision: i64,
    /// When they were called.
    pub at: Instant,
    /// Whether they came: the dose is recorded.
    pub has_come: bool,
    /// Whether they are under protection (支援措置): their telephone is shown by a second step alone.
    pub is_protected: bool,
    /// Their telephone, while it is needed.
    pub phone: Option<String>,
    /// Who stood before them, in their order.
    pub passed: Vec<PassedOver>,
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            number,
            word,
            has_come,
            passed,
            ..
        } = self;
        write!(f, "Offer({number:?} {word:?} {has_come} {passed:?})")
    }
}

impl Offer {
    /// Whether somebody is being called or is on their way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.number.is_some() && !self.has_come && self.word.holds_a_dose()
    }
}

/// Calls, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfferCount {
    /// All.
    pub made: i64,
    /// Came: the dose is recorded.
    pub came: i64,
    /// Being called, or on their way.
    pub open: i64,
    /// Declined.
    pub declined: i64,
    /// Did not answer.
    pub no_answer: i64,
    /// Said that they come, and did not.
    pub not_come: i64,
}

/// A lot of the day of which a venue has not said anything yet, with what the records and the closing say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openable {
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// For which doses.
    pub purpose: Purpose,
    /// Vials opened: by the closing, or as many as the doses need.
    pub vials_opened: i64,
    /// Doses left of them.
    pub left: i64,
    /// When the first dose of the last vial was recorded: it was opened before that.
    pub opened_by: Option<Instant>,
}

/// A venue's leftover doses of a day.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// What the venue said, the first first.
    pub surpluses: Vec<Surplus>,
    /// The calls, the newest first.
    pub offers: Vec<Offer>,
    /// The other lots of the day.
    pub openable: Vec<Openable>,
    /// The day's key of the draw, once it is drawn.
    pub key: Option<[u8; 16]>,
    /// Whether the people on the city's list may be called.
    pub has_city_list: bool,
}

/// What became of what a venue said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It stands.
    Now,
    /// It stands so already.
    AsItIs,
    /// It was told anew since it was looked at.
    Meanwhile,
    /// The venue has said something of this lot and purpose today already: that is told anew.
    Twice,
}

/// Says what is left over, or tells it anew; `seen` is the revision that was looked at, 0 for a new one. `key` becomes the
/// day's key of the draw if it is the first of the day. [`Told::check`] has nothing against it.
///
/// # Errors
/// The database's.
pub async fn tell(
    db: &Db,
    permit: &VenuePermit,
    (id, seen): (Uuid, i64),
    told: &Told,
    (key, now): ([u8; 16], Instant),
) -> Result<Kept> {
    allowed(permit)?;
    let venue = permit.venue();
    let today = now.day_in_japan();
    transact!(db, |tx| {
        let rows = told_within(&mut tx, venue, today).await?;
        let same_goods = |one: &Told| {
            (&one.product, &one.lot, one.purpose) == (&told.product, &told.lot, told.purpose)
        };
        match rows.iter().find(|(known, ..)| *known == id) {
            Some((_, revision, known)) if *revision == seen + 1 && known == told => {
                return Ok(Kept::AsItIs);
            }
            Some((_, revision, known)) if *revision != seen || !same_goods(known) => {
                return Ok(Kept::Meanwhile);
            }
            None if seen != 0 => return Ok(Kept::Meanwhile),
            None if rows.iter().any(|(_, _, known)| same_goods(known)) => return Ok(Kept::Twice),
            _ => {}
        }
        insert(&mut tx, permit, (id, seen + 1), told, now).await?;
        tx.query(sql!(
            "INSERT INTO standby_draw (venue, day, key, at_micros) VALUES ($1, $2, $3, $4)
             ON CONFLICT (venue, day) DO NOTHING"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(today.to_string())
        .bind(key.to_vec())
        .bind(now.micros())
        .run()
        .await?;
        Kept::Now
    })
}

async fn insert(
    tx: &mut Tx,
    permit: &VenuePermit,
    (id, revision): (Uuid, i64),
    told: &Told,
    now: Instant,
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO leftover (venue, day, id, revision, product, lot, purpose, vials_opened, opened_micros, expected,
                               stays_micros, at_micros, by_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    ))
    .bind(permit.venue().0.as_bytes().to_vec())
    .bind(now.day_in_japan().to_string())
    .bind(id.as_bytes().to_vec())
    .bind(revision)
    .bind(told.product.clone())
    .bind(told.lot.clone())
    .bind(told.purpose.as_str().to_owned())
    .bind(told.vials_opened)
    .bind(told.opened_at.micros())
    .bind(told.expected)
    .bind(told.stays_until.map_or(0, Instant::micros))
    .bind(now.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await
}

#[derive(sqlx_macros::FromRow)]
struct ToldRow {
    id: Vec<u8>,
    revision: i64,
    product: String,
    lot: String,
    purpose: String,
    vials_opened: i64,
    opened_micros: i64,
    expected: i64,
    stays_micros: i64,
}

impl ToldRow {
    fn told(self) -> Result<(Uuid, i64, Told)> {
        let told = Told {
            purpose: Purpose::parse(&self.purpose).ok_or_else(|| bad("leftover", "purpose"))?,
            product: self.product,
            lot: self.lot,
            vials_opened: self.vials_opened,
            opened_at: Instant::from_micros(self.opened_micros),
            expected: self.expected,
            stays_until: (self.stays_micros > 0).then(|| Instant::from_micros(self.stays_micros)),
        };
        Ok((uuid(&self.id, "leftover", "id")?, self.revision, told))
    }
}

/// What a venue said of a day, as it holds.
pub(super) async fn told_within(
    tx: &mut Tx,
    venue: OrganisationId,
    day: Day,
) -> Result<Vec<(Uuid, i64, Told)>> {
    let rows: Vec<ToldRow> = tx
        .query(sql!(
            "SELECT l.id, l.revision, l.product, l.lot, l.purpose, l.vials_opened, l.opened_micros, l.expected,
                    l.stays_micros
             FROM leftover AS l
             WHERE l.venue = $1 AND l.day = $2
               AND l.revision = (SELECT MAX(m.revision) FROM leftover AS m
                                 WHERE m.venue = l.venue AND m.day = l.day AND m.id = l.id)
             ORDER BY l.id LIMIT $3"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .bind(SURPLUSES_MAX)
        .all()
        .await?;
    rows.into_iter().map(ToldRow::told).collect()
}

/// What follows from the ledgers and the closing of a day for what was said.
pub(super) struct Known {
    pub(super) sums: Vec<Sum>,
    pub(super) closing: Option<Closing>,
}

impl Known {
    pub(super) async fn of(tx: &mut Tx, venue: OrganisationId, day: Day) -> Result<Self> {
        Ok(Self {
            sums: sums_within(tx, venue, day).await?,
            closing: latest_within(tx, venue, day).await?,
        })
    }

    pub(super) fn recorded(&self, (product, lot, purpose): (&str, &str, Purpose)) -> i64 {
        let same = |sum: &&Sum| sum.product == product && sum.lot == lot && sum.purpose == purpose;
        self.sums.iter().find(same).map_or(0, |sum| sum.doses)
    }

    fn line(&self, (product, lot, purpose): (&str, &str, Purpose)) -> Option<&Line> {
        let lines = &self.closing.as_ref()?.lines;
        let same =
            |line: &&Line| line.product == product && line.lot == lot && line.purpose == purpose;
        lines.iter().find(same)
    }

    pub(super) fn left(&self, told: &Told) -> i64 {
        let goods = (&*told.product, &*told.lot, told.purpose);
        told.left(self.recorded(goods), self.line(goods))
    }
}

/// What a venue said of a day, with what follows.
pub(super) async fn surpluses_within(
    tx: &mut Tx,
    venue: OrganisationId,
    day: Day,
    (known, offers): (&Known, &[Offer]),
) -> Result<Vec<Surplus>> {
    let mut surpluses = Vec::new();
    for (id, revision, told) in told_within(tx, venue, day).await? {
        let entered = lots::found(tx, &told.product, &told.lot).await?;
        let printed = entered.map(|entered| entered.lot.expires);
        let promised = offers
            .iter()
            .filter(|one| one.leftover == id && one.is_open());
        let goods = (&*told.product, &*told.lot, told.purpose);
        surpluses.push(Surplus {
            id,
            revision,
            until: told.until(last_day(&told.product, &told.lot, printed, day)),
            left: known.left(&told),
            promised: i64::try_from(promised.count()).unwrap_or(i64::MAX),
            is_closed: known.line(goods).is_some(),
            told,
        });
    }
    Ok(surpluses)
}

#[derive(sqlx_macros::FromRow)]
struct OfferRow {
    id: Vec<u8>,
    leftover: Vec<u8>,
    at_micros: i64,
    number: Option<i64>,
    city: Option<String>,
    word: Option<String>,
    revision: Option<i64>,
    has_come: i64,
    protected: i64,
    phone: Option<String>,
}

/// The calls of a venue on a day, the newest first, without those who were passed over.
pub(super) async fn offers_within(
    tx: &mut Tx,
    venue: OrganisationId,
    day: Day,
) -> Result<Vec<Offer>> {
    let rows: Vec<OfferRow> = tx
        .query(sql!(
            "SELECT o.id, o.leftover, o.at_micros, s.number, s.city, w.word, w.revision, p.phone,
                    COALESCE(r.protected, 0) AS protected,
                    CAST(CASE WHEN EXISTS (
                        SELECT 1 FROM dose AS d
                        WHERE d.municipality = o.municipality AND d.venue = o.venue
                          AND d.number IN (SELECT o.coupon UNION ALL SELECT n.number FROM coupon AS k
                               JOIN coupon AS n ON n.municipality = k.municipality AND n.resident_no = k.resident_no
                               WHERE k.municipality = o.municipality AND k.number = o.coupon)
                          AND d.given_on = o.day AND d.recorded_at > o.at_micros
                          AND d.standing IN ('counted', 'clash', 'quarantined')) THEN 1 ELSE 0 END AS BIGINT) AS has_come
             FROM leftover_offer AS o
             LEFT JOIN standby AS s ON s.id = o.standby
             LEFT JOIN standby_phone AS p ON p.standby = s.id
             LEFT JOIN leftover_word AS w ON w.offer = o.id
              AND w.revision = (SELECT MAX(l.revision) FROM leftover_word AS l WHERE l.offer = o.id)
             LEFT JOIN coupon AS c ON c.municipality = s.municipality AND c.number = s.coupon
             LEFT JOIN resident AS r ON r.municipality = c.municipality AND r.resident_no = c.resident_no
             WHERE o.venue = $1 AND o.day = $2 ORDER BY o.at_micros DESC, o.id DESC LIMIT $3"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .bind(OFFERS_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let word = row.word.as_deref().map(word_in).transpose()?;
            let mut offer = Offer {
                id: uuid(&row.id, "leftover_offer", "id")?,
                leftover: uuid(&row.leftover, "leftover_offer", "leftover")?,
                number: row.number,
                is_of_city: row.city.is_some_and(|city| !city.is_empty()),
                word: word.unwrap_or(Word::NoAnswer),
                revision: row.revision.unwrap_or_default(),
                at: Instant::from_micros(row.at_micros),
                has_come: row.has_come == 1,
                is_protected: row.protected == 1,
                phone: None,
                passed: Vec::new(),
            };
            offer.phone = row.phone.filter(|_| offer.is_open() && !offer.is_protected);
            Ok(offer)
        })
        .collect()
}

/// Who was passed over on a day, put with the calls.
async fn add_passed(
    tx: &mut Tx,
    (venue, day): (OrganisationId, Day),
    offers: &mut [Offer],
) -> Result<()> {
    let rows: Vec<(Vec<u8>, i64, String, String, String)> = tx
        .query(sql!(
            "SELECT p.offer, s.number, s.city, p.reason, p.finding
             FROM leftover_offer AS o
             JOIN leftover_pass AS p ON p.offer = o.id JOIN standby AS s ON s.id = p.standby
             WHERE o.venue = $1 AND o.day = $2 ORDER BY p.offer, p.place"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .all()
        .await?;
    for (offer, number, city, reason, finding) in rows {
        let offer = uuid(&offer, "leftover_pass", "offer")?;
        let pass = Pass::parse(&reason, &finding).ok_or_else(|| bad("leftover_pass", "reason"))?;
        if let Some(one) = offers.iter_mut().find(|one| one.id == offer) {
            one.passed.push(PassedOver {
                number,
                is_of_city: !city.is_empty(),
                pass,
            });
        }
    }
    Ok(())
}

/// The key of a venue's draw on a day, and when it was drawn.
pub(super) async fn drawn(
    tx: &mut Tx,
    venue: OrganisationId,
    day: Day,
) -> Result<Option<([u8; 16], Instant)>> {
    let row: Option<(Vec<u8>, i64)> = tx
        .query(sql!(
            "SELECT key, at_micros FROM standby_draw WHERE venue = $1 AND day = $2"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .optional()
        .await?;
    row.map(|(key, at)| {
        let key = key
            .try_into()
            .map_err(|_: Vec<u8>| bad("standby_draw", "key"))?;
        Ok((key, Instant::from_micros(at)))
    })
    .transpose()
}

/// The venue's leftover doses of today. Where a telephone is on it, the look is in the access log of that person's city
/// before it is known.
///
/// # Errors
/// The database's.
pub async fn board(
    db: &Db,
    permit: &VenuePermit,
    set: Option<(&str, &str)>,
    now: Instant,
    fresh: &(impl Fn() -> Uuid + Sync),
) -> Result<Board> {
    allowed(permit)?;
    let (venue, today) = (permit.venue(), now.day_in_japan());
    transact!(db, |tx| {
        let known = Known::of(&mut tx, venue, today).await?;
        let mut offers = offers_within(&mut tx, venue, today).await?;
        let surpluses = surpluses_within(&mut tx, venue, today, (&known, &offers)).await?;
        for offer in offers.iter().filter(|one| one.phone.is_some()) {
            look(&mut tx, permit, offer.id, (fresh(), now), CALL_PURPOSE).await?;
        }
        add_passed(&mut tx, (venue, today), &mut offers).await?;
        Board {
            openable: openable(&mut tx, (venue, today), (&known, &surpluses), set).await?,
            key: drawn(&mut tx, venue, today).await?.map(|(key, _)| key),
            has_city_list: rule_within(&mut tx, permit.city(), today)
                .await?
                .shares_list,
            surpluses,
            offers,
        }
    })
}

/// Writes a look at somebody who is called into the access log of their city.
pub(super) async fn look(
    tx: &mut Tx,
    permit: &VenuePermit,
    offer: Uuid,
    (id, at): (Uuid, Instant),
    purpose: &str,
) -> Result<()> {
    let row: Option<(String, String)> = tx
        .query(sql!(
            "SELECT municipality, coupon FROM leftover_offer WHERE id = $1"
        ))
        .bind(offer.as_bytes().to_vec())
        .optional()
        .await?;
    let Some((city, number)) = row else {
        return Ok(());
    };
    let city = domain::places::MunicipalityCode::parse(&city)
        .map_err(|_| bad("leftover_offer", "municipality"))?;
    let number = domain::coupons::CouponNumber::parse(&number)
        .map_err(|_| bad("leftover_offer", "coupon"))?;
    let view = View {
        id,
        at,
        number: Some(number),
        view: VIEW.to_owned(),
        purpose: purpose.to_owned(),
    };
    audit::look(tx, permit.actor(), city, &view).await
}

/// The lots of the day of which nothing was said: those that were recorded or closed, and that of the day's settings.
async fn openable(
    tx: &mut Tx,
    (venue, today): (OrganisationId, Day),
    (known, surpluses): (&Known, &[Surplus]),
    set: Option<(&str, &str)>,
) -> Result<Vec<Openable>> {
    let mut goods: Vec<(String, String, Purpose)> = known
        .sums
        .iter()
        .map(|sum| (sum.product.clone(), sum.lot.clone(), sum.purpose))
        .collect();
    let closed = known.closing.iter().flat_map(|closing| &closing.lines);
    goods.extend(closed.map(|line| (line.product.clone(), line.lot.clone(), line.purpose)));
    if let Some((product, lot)) = set
        && !goods.iter().any(|one| one.0 == product && one.1 == lot)
    {
        goods.push((product.to_owned(), lot.to_owned(), Purpose::Booster));
    }
    goods.sort();
    goods.dedup();
    goods.retain(|one| {
        let is_told =
            |told: &Told| (&told.product, &told.lot, told.purpose) == (&one.0, &one.1, one.2);
        !surpluses.iter().any(|surplus| is_told(&surplus.told))
    });
    let mut openable = Vec::new();
    for (product, lot, purpose) in goods {
        let key = (&*product, &*lot, purpose);
        let (recorded, line) = (known.recorded(key), known.line(key));
        let Some(needed) = opened_for(&product, purpose, today, recorded) else {
            continue;
        };
        let vials_opened = line.map_or(needed, |line| line.vials_opened);
        let rate = doses_per_vial(&product, purpose, today).unwrap_or(1);
        let opened_by = opened_by(tx, (venue, today), key, (needed - 1) * rate).await?;
        let told = Told {
            product: product.clone(),
            lot: lot.clone(),
            purpose,
            vials_opened,
            opened_at: today.begins(),
            expected: 0,
            stays_until: None,
        };
        openable.push(Openable {
            left: told.left(recorded, line),
            product,
            lot,
            purpose,
            vials_opened,
            opened_by,
        });
    }
    Ok(openable)
}

/// When the dose after so many of a lot was recorded on a day.
async fn opened_by(
    tx: &mut Tx,
    (venue, day): (OrganisationId, Day),
    (product, lot, purpose): (&str, &str, Purpose),
    after: i64,
) -> Result<Option<Instant>> {
    if after < 0 {
        return Ok(None);
    }
    let row: Option<(i64,)> = tx
        .query(sql!(
            "SELECT d.recorded_at FROM receipt AS r
             JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
             WHERE r.organisation = $1 AND r.day = $2 AND r.act = 'recorded' AND d.given_on = $2 AND d.lot = $3
               AND (CASE WHEN d.turn > $4 THEN 'booster' ELSE 'primary' END) = $5
               AND d.standing IN ('counted', 'clash', 'quarantined') AND d.product = $7
             ORDER BY d.recorded_at LIMIT 1 OFFSET $6"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .bind(lot.to_owned())
        .bind(i64::from(Purpose::PRIMARY_TURN_MAX))
        .bind(purpose.as_str().to_owned())
        .bind(after)
        .bind(product.to_owned())
        .optional()
        .await?;
    Ok(row.map(|(at,)| Instant::from_micros(at)))
}
