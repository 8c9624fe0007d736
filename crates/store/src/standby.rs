//! Standby lists (キャンセル待ち名簿): a venue's own, or its city's, of people who agreed to be called.
//!
//! What somebody told is only ever added to; their telephone alone is taken away again, as soon as they are not to be
//! called any more. Every look at a list is in the access logs of the cities whose people are on it.

mod rules;

use std::collections::BTreeSet;

use domain::access::{Action, Actor, CityPermit, OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant, age_on};
use domain::coupons::{CouponLine, CouponNumber};
use domain::doses::{Route, route};
use domain::people::BirthDate;
use domain::places::{MunicipalityCode, Places};
use domain::standby::{Candidate, ConsentWay, Wish, Word, draw};
use serde_json::json;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change, View};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::{day_in, wrong_permit};

pub(crate) use rules::rule_within;
pub use rules::{RuleKept, RuleTold, rules, tell_rule};

/// People on one list at most: more nobody can call in an evening.
pub const LIST_MAX: i64 = 1_000;
/// The word of the access log for a look at a list or at one of its people.
pub const VIEW: &str = "standby";
/// What a look at a list is for.
pub const LIST_PURPOSE: &str = "standby-list";
/// What a look at somebody is for who is called, or whose turn it may be.
pub const CALL_PURPOSE: &str = "standby-call";
/// What the second step is for, at the telephone of a protected person (支援措置).
pub const PROTECTED_PURPOSE: &str = "standby-call-protected";

/// Whose list it is, by the right to keep it.
#[derive(Clone, Copy, Debug)]
pub enum Desk<'p> {
    /// A venue's own.
    Venue(&'p VenuePermit),
    /// A city's.
    City(&'p CityPermit),
}

/// How a list is named in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) city: String,
    pub(crate) venue: Vec<u8>,
}

impl Key {
    pub(crate) fn of_venue(venue: OrganisationId) -> Self {
        Self {
            city: String::new(),
            venue: venue.0.as_bytes().to_vec(),
        }
    }

    pub(crate) fn of_city(city: MunicipalityCode) -> Self {
        Self {
            city: city.as_str().to_owned(),
            venue: Vec::new(),
        }
    }
}

impl Desk<'_> {
    fn key(self) -> Result<Key> {
        match self {
            Self::Venue(permit) if permit.action() == Action::OfferLeftover => {
                Ok(Key::of_venue(permit.venue()))
            }
            Self::City(permit) if permit.action() == Action::KeepStandby => {
                Ok(Key::of_city(permit.city()))
            }
            _ => Err(wrong_permit()),
        }
    }

    fn city(self) -> MunicipalityCode {
        match self {
            Self::Venue(permit) => permit.city(),
            Self::City(permit) => permit.city(),
        }
    }

    fn actor(&self) -> &Actor {
        match self {
            Self::Venue(permit) => permit.actor(),
            Self::City(permit) => permit.actor(),
        }
    }
}

/// Somebody who is put on a list.
#[derive(Clone)]
pub struct NewEntry {
    /// Made by whoever enters it.
    pub id: Uuid,
    /// Their coupon.
    pub line: CouponLine,
    /// Their telephone, as [`domain::standby::phone`] gave it.
    pub phone: String,
    /// What they told.
    pub wish: Wish,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// They are on the list, by this number.
    As(i64),
    /// The same was entered before.
    Before(i64),
    /// The id was used for somebody else.
    OtherContent,
    /// They wait on this list already, by this number.
    Twice(i64),
    /// The digits lead to no city.
    Astray,
    /// The list has [`LIST_MAX`] people.
    Full,
}

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

/// Puts somebody on the list.
///
/// # Errors
/// The database's.
pub async fn enter(db: &Db, desk: Desk<'_>, new: &NewEntry, at: Instant) -> Result<Entered> {
    let key = desk.key()?;
    let Route::Coupon { city, number } = route(&new.line, desk.city(), Places::bundled()) else {
        return Ok(Entered::Astray);
    };
    let today = at.day_in_japan();
    transact!(db, |tx| {
        if let Some(known) = known(&mut tx, new.id).await? {
            let is_same = known.1 == new.line.as_str() && known.2 == key;
            return Ok(if is_same {
                Entered::Before(known.0)
            } else {
                Entered::OtherContent
            });
        }
        let waiting = people(&mut tx, &key, today).await?;
        // Whoever comes with the old paper waits under the new number already.
        let in_force = reissued(&mut tx, city, number).await?.unwrap_or(number);
        let is_there = |one: &&Person| one.route == (city, in_force) && one.is_waiting(today);
        if let Some(there) = waiting.iter().find(is_there) {
            return Ok(Entered::Twice(there.number));
        }
        let full = waiting.iter().filter(|one| one.can_change()).count();
        if i64::try_from(full).unwrap_or(i64::MAX) >= LIST_MAX {
            return Ok(Entered::Full);
        }
        let last: Option<(i64,)> = tx
            .query(sql!(
                "SELECT number FROM standby WHERE city = $1 AND venue = $2 ORDER BY number DESC LIMIT 1"
            ))
            .bind(key.city.clone())
            .bind(key.venue.clone())
            .optional()
            .await?;
        let list_number = last.map_or(1, |(last,)| last + 1);
        tx.query(sql!(
            "INSERT INTO standby (id, city, venue, number, line, municipality, coupon, at_micros, by_user)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ))
        .bind(new.id.as_bytes().to_vec())
        .bind(key.city.clone())
        .bind(key.venue.clone())
        .bind(list_number)
        .bind(new.line.as_str().to_owned())
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .bind(at.micros())
        .bind(desk.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        say(&mut tx, desk, (new.id, 1), ("waiting", &new.wish), at).await?;
        keep_phone(&mut tx, new.id, &new.phone).await?;
        Entered::As(list_number)
    })
}

/// The number, digits and list of an entry.
async fn known(tx: &mut Tx, id: Uuid) -> Result<Option<(i64, String, Key)>> {
    let row: Option<(i64, String, String, Vec<u8>)> = tx
        .query(sql!(
            "SELECT number, line, city, venue FROM standby WHERE id = $1"
        ))
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    Ok(row.map(|(number, line, city, venue)| (number, line, Key { city, venue })))
}

async fn say(
    tx: &mut Tx,
    desk: Desk<'_>,
    (id, revision): (Uuid, i64),
    (state, wish): (&'static str, &Wish),
    at: Instant,
) -> Result<()> {
    let products =
        serde_json::to_string(&wish.products).map_err(|_| bad("standby_word", "products"))?;
    tx.query(sql!(
        "INSERT INTO standby_word (standby, revision, state, products, from_minute, needs_minutes, consent_on,
                                   consent_way, consent_until, at_micros, by_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    ))
    .bind(id.as_bytes().to_vec())
    .bind(revision)
    .bind(state.to_owned())
    .bind(products)
    .bind(wish.from_minute)
    .bind(wish.needs_minutes)
    .bind(wish.consent_on.to_string())
    .bind(wish.consent_way.as_str().to_owned())
    .bind(wish.consent_until.to_string())
    .bind(at.micros())
    .bind(desk.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await
}

async fn keep_phone(tx: &mut Tx, id: Uuid, phone: &str) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO standby_phone (standby, phone) VALUES ($1, $2)
         ON CONFLICT (standby) DO UPDATE SET phone = excluded.phone"
    ))
    .bind(id.as_bytes().to_vec())
    .bind(phone.to_owned())
    .expect(1)
    .await
}

/// What became of a change to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It stands.
    Now,
    /// It stands so already: the same was sent before.
    AsItIs,
    /// It was told anew since it was looked at.
    Meanwhile,
    /// There is no such entry on this list, or nobody waits by it any more.
    NotFound,
}

/// Tells anew what somebody wishes, and their telephone unless it stays; `seen` is the revision that was looked at.
///
/// # Errors
/// The database's.
pub async fn tell(
    db: &Db,
    desk: Desk<'_>,
    (id, seen): (Uuid, i64),
    (wish, phone): (&Wish, Option<&str>),
    at: Instant,
) -> Result<Changed> {
    let key = desk.key()?;
    let today = at.day_in_japan();
    transact!(db, |tx| {
        let people = people(&mut tx, &key, today).await?;
        match people.iter().find(|one| one.id == id) {
            Some(one) if one.revision == seen + 1 && one.wish == *wish => Changed::AsItIs,
            Some(one) if !one.can_change() => Changed::NotFound,
            Some(one) if one.revision != seen => Changed::Meanwhile,
            Some(_) => {
                say(&mut tx, desk, (id, seen + 1), ("waiting", wish), at).await?;
                if let Some(phone) = phone {
                    keep_phone(&mut tx, id, phone).await?;
                }
                Changed::Now
            }
            None => Changed::NotFound,
        }
    })
}

/// Takes a consent back (同意の撤回): the telephone is gone, that somebody was called stays.
///
/// # Errors
/// The database's.
pub async fn withdraw(
    db: &Db,
    desk: Desk<'_>,
    (id, seen): (Uuid, i64),
    (audit, at): (Uuid, Instant),
) -> Result<Changed> {
    let key = desk.key()?;
    transact!(db, |tx| {
        let people = people(&mut tx, &key, at.day_in_japan()).await?;
        match people.iter().find(|one| one.id == id) {
            None => Changed::NotFound,
            Some(one) if one.is_withdrawn => Changed::AsItIs,
            Some(one) if one.revision != seen => Changed::Meanwhile,
            Some(one) => {
                say(&mut tx, desk, (id, seen + 1), ("withdrawn", &one.wish), at).await?;
                tx.query(sql!("DELETE FROM standby_phone WHERE standby = $1"))
                    .bind(id.as_bytes().to_vec())
                    .run()
                    .await?;
                let detail = json!({ "number": one.number });
                let change = Change {
                    id: audit,
                    at,
                    municipality: Some(desk.city()),
                    action: "withdraw-standby",
                    subject: &id.to_string(),
                    detail: &detail.to_string(),
                };
                audit::write(&mut tx, desk.actor(), &change).await?;
                Changed::Now
            }
        }
    })
}

/// Somebody on a list, as the tables hold them.
#[derive(Clone)]
pub struct Person {
    /// The entry.
    pub id: Uuid,
    /// Whether it is on the city's list.
    pub is_of_city: bool,
    /// The number on the list.
    pub number: i64,
    /// The coupon.
    pub line: CouponLine,
    /// Whether it was issued again (再発行) since they were entered: the coupon is the new one.
    pub is_reissued: bool,
    /// Where it leads.
    pub(crate) route: (MunicipalityCode, CouponNumber),
    /// When they were entered.
    pub entered: Instant,
    /// Which word it is that holds.
    pub revision: i64,
    /// What they told.
    pub wish: Wish,
    /// Whether they took their consent back.
    pub is_withdrawn: bool,
    /// Whether they were given a dose since.
    pub is_given: bool,
    /// Whether they are under protection (支援措置).
    pub is_protected: bool,
    /// Their telephone; none if they are not to be called any more.
    pub phone: Option<String>,
    age: Option<i64>,
    last_called: Option<Day>,
    today: Option<Word>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, number, .. } = self;
        write!(f, "Person({id}, no. {number}, ..)")
    }
}

impl Person {
    /// Whether they may be called today.
    #[must_use]
    pub fn is_waiting(&self, today: Day) -> bool {
        self.can_change() && self.wish.consent_until >= today
    }

    /// Whether their wish can be told anew: a consent that has ended can be given again.
    #[must_use]
    pub fn can_change(&self) -> bool {
        !self.is_withdrawn && !self.is_given
    }

    /// As the order sees them on a day whose key was drawn then.
    pub(crate) fn candidate(&self, day: Day, (key, drawn): (&[u8; 16], Instant)) -> Candidate {
        let list = u8::from(self.is_of_city);
        Candidate {
            id: self.id,
            list,
            number: self.number,
            wish: self.wish.clone(),
            age: self.age,
            last_called: self.last_called,
            today: self.today,
            is_given: self.is_given,
            is_after_draw: self.entered > drawn,
            draw: draw(day, key, list, self.number),
        }
    }
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    city: String,
    number: i64,
    line: String,
    municipality: String,
    coupon: String,
    reissued: Option<String>,
    entered: i64,
    revision: i64,
    state: String,
    products: String,
    from_minute: i64,
    needs_minutes: i64,
    consent_on: String,
    consent_way: String,
    consent_until: String,
    phone: Option<String>,
    birth: Option<String>,
    protected: i64,
    is_given: i64,
    last_called: Option<String>,
    today: Option<String>,
}

/// The number in force (再発行後の番号) of whoever has this coupon, if it was issued again.
async fn reissued(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
) -> Result<Option<CouponNumber>> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT r.number FROM coupon AS c
             JOIN resident AS r ON r.municipality = c.municipality AND r.resident_no = c.resident_no
             WHERE c.municipality = $1 AND c.number = $2 AND c.replaced_by IS NOT NULL"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .optional()
        .await?;
    row.map(|(number,)| CouponNumber::parse(&number).map_err(|_| bad("resident", "number")))
        .transpose()
}

/// Everybody on a list whose consent was not taken back and whom no dose has taken off it, and of the others those of the
/// last half year: in the order of their numbers, [`LIST_MAX`] at most. If there are more,
/// whoever waits is not left out. Whose coupon was issued again stands under the new number, and what happened under the
/// old one happened to them.
pub(crate) async fn people(tx: &mut Tx, key: &Key, today: Day) -> Result<Vec<Person>> {
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT s.id, s.city, s.number, s.line, s.municipality, s.coupon,
                    CASE WHEN c.replaced_by IS NOT NULL THEN r.number END AS reissued, s.at_micros AS entered,
                    w.revision, w.state, w.products, w.from_minute, w.needs_minutes, w.consent_on, w.consent_way,
                    w.consent_until, p.phone, r.birth, COALESCE(r.protected, 0) AS protected,
                    CAST(CASE WHEN EXISTS (
                        SELECT 1 FROM dose AS d
                        WHERE d.municipality = s.municipality
                          AND d.number IN (SELECT s.coupon UNION ALL SELECT n.number FROM coupon AS n
                               WHERE n.municipality = c.municipality AND n.resident_no = c.resident_no)
                          AND d.recorded_at > s.at_micros AND d.given_on >= w.consent_on
                          AND d.standing IN ('counted', 'clash', 'quarantined')) THEN 1 ELSE 0 END AS BIGINT) AS is_given,
                    (SELECT MAX(o.day) FROM leftover_offer AS o
                     WHERE o.municipality = s.municipality
                       AND o.coupon IN (SELECT s.coupon UNION ALL SELECT n.number FROM coupon AS n
                            WHERE n.municipality = c.municipality AND n.resident_no = c.resident_no)
                       AND o.day < $3) AS last_called,
                    (SELECT x.word FROM leftover_offer AS o JOIN leftover_word AS x ON x.offer = o.id
                     WHERE o.municipality = s.municipality
                       AND o.coupon IN (SELECT s.coupon UNION ALL SELECT n.number FROM coupon AS n
                            WHERE n.municipality = c.municipality AND n.resident_no = c.resident_no)
                       AND o.day = $3
                     ORDER BY o.at_micros DESC, o.id DESC, x.revision DESC LIMIT 1) AS today
             FROM standby AS s
             JOIN standby_word AS w ON w.standby = s.id
              AND w.revision = (SELECT MAX(l.revision) FROM standby_word AS l WHERE l.standby = s.id)
             LEFT JOIN standby_phone AS p ON p.standby = s.id
             LEFT JOIN coupon AS c ON c.municipality = s.municipality AND c.number = s.coupon
             LEFT JOIN resident AS r ON r.municipality = c.municipality AND r.resident_no = c.resident_no
             WHERE s.city = $1 AND s.venue = $2 AND w.consent_until >= $4
             ORDER BY w.state, is_given, s.number DESC LIMIT $5"
        ))
        .bind(key.city.clone())
        .bind(key.venue.clone())
        .bind(today.to_string())
        .bind(today.plus_days(-domain::standby::CONSENT_DAYS_MAX).to_string())
        .bind(LIST_MAX)
        .all()
        .await?;
    let mut people = Vec::with_capacity(rows.len());
    for row in rows {
        people.push(person(row, today)?);
    }
    people.sort_by_key(|one: &Person| one.number);
    Ok(people)
}

fn person(row: Row, today: Day) -> Result<Person> {
    let wish = Wish {
        products: serde_json::from_str(&row.products)
            .map_err(|_| bad("standby_word", "products"))?,
        from_minute: row.from_minute,
        needs_minutes: row.needs_minutes,
        consent_on: day_in(&row.consent_on, "standby_word", "consent_on")?,
        consent_way: ConsentWay::parse(&row.consent_way)
            .ok_or_else(|| bad("standby_word", "consent_way"))?,
        consent_until: day_in(&row.consent_until, "standby_word", "consent_until")?,
    };
    let municipality =
        MunicipalityCode::parse(&row.municipality).map_err(|_| bad("standby", "municipality"))?;
    let told = CouponNumber::parse(&row.coupon).map_err(|_| bad("standby", "coupon"))?;
    let number = |text: &String| CouponNumber::parse(text).map_err(|_| bad("resident", "number"));
    let reissued = row.reissued.as_ref().map(number).transpose()?;
    let coupon = reissued.unwrap_or(told);
    let line = CouponLine::parse(&row.line).map_err(|_| bad("standby", "line"))?;
    let birth = row.birth.as_deref().and_then(BirthDate::parse);
    let birth = birth.and_then(|birth| birth.exact());
    let called = row.last_called.as_deref();
    Ok(Person {
        id: uuid(&row.id, "standby", "id")?,
        is_of_city: !row.city.is_empty(),
        number: row.number,
        line: match reissued {
            Some(number) => line.reissued(number).map_err(|_| bad("standby", "line"))?,
            None => line,
        },
        is_reissued: reissued.is_some(),
        route: (municipality, coupon),
        entered: Instant::from_micros(row.entered),
        revision: row.revision,
        wish,
        is_withdrawn: row.state == "withdrawn",
        is_given: row.is_given == 1,
        is_protected: row.protected == 1,
        phone: row.phone,
        age: birth.map(|birth| age_on(birth, today)),
        last_called: called
            .map(|day| day_in(day, "leftover_offer", "day"))
            .transpose()?,
        today: row.today.as_deref().map(word_in).transpose()?,
    })
}

pub(crate) fn word_in(text: &str) -> Result<Word> {
    Word::parse(text).ok_or_else(|| bad("leftover_word", "word"))
}

/// Takes the telephones away of those who are not to be called any more: a dose was given to them, or their consent has
/// ended.
pub(crate) async fn forget(tx: &mut Tx, people: &mut [Person], today: Day) -> Result<()> {
    for one in people.iter_mut().filter(|one| !one.is_waiting(today)) {
        if one.phone.take().is_some() {
            tx.query(sql!("DELETE FROM standby_phone WHERE standby = $1"))
                .bind(one.id.as_bytes().to_vec())
                .run()
                .await?;
        }
    }
    Ok(())
}

/// Telephones taken away in one transaction at most: a sweep never holds up a report for long.
pub const SWEEP_MAX: i64 = 1_000;

/// Takes the telephones away of those on any list who are not to be called any more, [`SWEEP_MAX`] at most, whether
/// anybody looks at the list or not. Answers how many.
///
/// # Errors
/// The database's.
pub async fn sweep(db: &Db, today: Day) -> Result<u64> {
    transact!(db, |tx| {
        tx.query(sql!(
            "DELETE FROM standby_phone WHERE standby IN (
                 SELECT p.standby FROM standby_phone AS p
                 JOIN standby AS s ON s.id = p.standby
                 JOIN standby_word AS w ON w.standby = s.id
                  AND w.revision = (SELECT MAX(l.revision) FROM standby_word AS l WHERE l.standby = s.id)
                 LEFT JOIN coupon AS c ON c.municipality = s.municipality AND c.number = s.coupon
                 WHERE w.consent_until < $1
                    OR EXISTS (SELECT 1 FROM dose AS d
                               WHERE d.municipality = s.municipality
                                 AND d.number IN (SELECT s.coupon UNION ALL SELECT n.number FROM coupon AS n
                                      WHERE n.municipality = c.municipality AND n.resident_no = c.resident_no)
                                 AND d.recorded_at > s.at_micros AND d.given_on >= w.consent_on
                                 AND d.standing IN ('counted', 'clash', 'quarantined'))
                 LIMIT $2)"
        ))
        .bind(today.to_string())
        .bind(SWEEP_MAX)
        .run()
        .await?
    })
}

/// The list by its numbers; the look is in the access logs of its people's cities before it is known. The telephone of a
/// protected person (支援措置) is not on it.
///
/// # Errors
/// The database's.
pub async fn list(
    db: &Db,
    desk: Desk<'_>,
    now: Instant,
    fresh: &(impl Fn() -> Uuid + Sync),
) -> Result<Vec<Person>> {
    let key = desk.key()?;
    let today = now.day_in_japan();
    transact!(db, |tx| {
        let mut people = people(&mut tx, &key, today).await?;
        forget(&mut tx, &mut people, today).await?;
        let cities: BTreeSet<MunicipalityCode> = people.iter().map(|one| one.route.0).collect();
        for city in cities {
            let view = View {
                id: fresh(),
                at: now,
                number: None,
                view: VIEW.to_owned(),
                purpose: LIST_PURPOSE.to_owned(),
            };
            audit::look(&mut tx, desk.actor(), city, &view).await?;
        }
        for one in people.iter_mut().filter(|one| one.is_protected) {
            one.phone = None;
        }
        people
    })
}
