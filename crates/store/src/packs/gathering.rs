//! Who is in a pack: gathered in stretches, by whoever has the lease.

use std::collections::HashMap;

use domain::access::{CityPermit, OrganisationId};
use domain::calendar::{Day, Instant};
use domain::doses::{DoseId, Facts, Person};
use domain::issues::{Candidate, CouponState};
use domain::packs::{PEOPLE_MAX, expected};
use domain::places::MunicipalityCode;
use domain::venues::FacilityCode;
use uuid::Uuid;

use super::{Pack, PackRow, State, bad};
use crate::accounts::uuid;
use crate::coupons::{issues, keys};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::leases::Taking;
use crate::residents::{Resident, ResidentRow};
use crate::settings::DaySetting;

/// People or records in one stretch.
pub const STRETCH_ROWS: i64 = 500;

/// How long a server may be silent until another goes on with its pack: printing one takes a minute on
/// a slow machine.
const LEASE_MICROS: i64 = 300_000_000;

/// A pack that a server has taken in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The pack as it stands.
    pub pack: Pack,
    pub(super) worker: Uuid,
}

const PACK: &str = sql!(
    "SELECT municipality, id, venue, day, nightly, state, position, looked, whole, expected, forms, made_blank, failure,
            created_at, made_at
     FROM pack WHERE municipality = $1 AND id = $2"
);

const TAKING: Taking = Taking {
    next: sql!(
        "SELECT municipality, id FROM pack
         WHERE state IN ('gathering', 'printing') AND leased_until < $1
         ORDER BY nightly, leased_until, id LIMIT 1"
    ),
    lease: sql!(
        "UPDATE pack SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
    ),
    one: PACK,
    micros: LEASE_MICROS,
};

/// Takes the next pack in hand that has work and that nobody has; those that somebody waits for come
/// before those of the night. `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    let row: Option<PackRow> = TAKING.take(db, worker, now).await?;
    row.map(|row| {
        let pack = Pack::try_from(row)?;
        Ok(InHand { pack, worker })
    })
    .transpose()
}

/// Somebody who may be expected.
struct Here {
    /// Up to where the work is done with this person.
    position: String,
    /// The dose for which a venue looks at the person.
    dose: Option<DoseId>,
    number_is_void: bool,
    resident: Resident,
}

/// The next people of the register.
async fn next_of_city(tx: &mut Tx, city: MunicipalityCode, position: &str) -> Result<Vec<Here>> {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        voided_at: Option<i64>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT c.voided_at, p.* FROM resident AS p
             LEFT JOIN coupon AS c ON c.municipality = p.municipality AND c.number = p.number
             WHERE p.municipality = $1 AND p.resident_no > $2
             ORDER BY p.resident_no LIMIT $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(position.to_owned())
        .bind(STRETCH_ROWS)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Here {
                position: row.resident.resident_no.clone(),
                dose: None,
                number_is_void: row.voided_at.is_some(),
                resident: Resident::try_from(row.resident)?,
            })
        })
        .collect()
}

/// The next doses that a venue recorded for residents of its city, with the people; the ids come from
/// whoever sent them, so this is the order of sending at most.
async fn next_of_venue(
    tx: &mut Tx,
    city: MunicipalityCode,
    venue: OrganisationId,
    position: &str,
) -> Result<Vec<Here>> {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        receipt: Vec<u8>,
        dose: Vec<u8>,
        voided_at: Option<i64>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let position = match position {
        "" => Vec::new(),
        text => {
            let id = Uuid::try_parse(text).map_err(|_| bad("position"))?;
            id.as_bytes().to_vec()
        }
    };
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT r.id AS receipt, r.dose_id AS dose, n.voided_at, p.*
             FROM receipt AS r
             JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
             JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             LEFT JOIN coupon AS n ON n.municipality = p.municipality AND n.number = p.number
             WHERE r.organisation = $1 AND r.id > $2 AND r.act = 'recorded' AND r.municipality = $3
             ORDER BY r.id LIMIT $4"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(position)
        .bind(city.as_str().to_owned())
        .bind(STRETCH_ROWS)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Here {
                position: uuid(&row.receipt, "receipt", "id")?.simple().to_string(),
                dose: Some(DoseId(uuid(&row.dose, "receipt", "dose_id")?)),
                number_is_void: row.voided_at.is_some(),
                resident: Resident::try_from(row.resident)?,
            })
        })
        .collect()
}

/// The doses of these people that count, under whichever of their numbers.
async fn counted(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<HashMap<String, Vec<Record>>> {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        resident_no: String,
        #[sqlx(flatten)]
        dose: DoseRow,
    }
    let rows: Vec<Row> = tx
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
    let mut of: HashMap<String, Vec<Record>> = HashMap::new();
    for row in rows {
        let record = Record::try_from(row.dose)?;
        of.entry(row.resident_no).or_default().push(record);
    }
    Ok(of)
}

/// Gathers the next people; false when all were looked at and the pack can be printed.
///
/// A city expects whoever [`expected`] says; a venue those of them who had their last dose there. (With
/// bookings it will be those who are booked: then this is the one place that asks for them.)
///
/// # Errors
/// [`Error::Busy`] if somebody else has the pack in hand by now or it is of another city, or the
/// database's.
pub async fn gather(
    db: &Db,
    permit: &CityPermit,
    hand: &mut InHand,
    now: Instant,
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<bool> {
    let was = &hand.pack;
    if permit.city() != was.city {
        return Err(Error::Busy);
    }
    let (after, goes_on) = transact!(db, |tx| {
        let here = match was.venue {
            None => next_of_city(&mut tx, was.city, &was.position).await?,
            Some(venue) => next_of_venue(&mut tx, was.city, venue, &was.position).await?,
        };
        let mut after = was.clone();
        let goes_on = match here.last() {
            None => {
                after.state = State::Printing;
                false
            }
            Some(last) => {
                after.position = last.position.clone();
                after.looked += here.len() as u64;
                after.expected += keep(&mut tx, was, &here, id).await?;
                true
            }
        };
        advance(&mut tx, hand, &after, now).await?;
        (after, goes_on)
    })?;
    hand.pack = after;
    Ok(goes_on)
}

/// Keeps those of these people who may be expected, as long as they stand among the first; how many
/// there were.
async fn keep(
    tx: &mut Tx,
    was: &Pack,
    here: &[Here],
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<u64> {
    let people: Vec<&str> = here
        .iter()
        .map(|one| one.resident.resident_no.as_str())
        .collect();
    let doses = counted(tx, was.city, &people).await?;
    let out = issues(tx, was.city, &people).await?;
    let mut found = Vec::new();
    for Here {
        dose,
        number_is_void,
        resident,
        ..
    } in here
    {
        let no = &resident.resident_no;
        let records = doses.get(no).map_or(&[][..], Vec::as_slice);
        let last = records.iter().max_by_key(|one| (one.given_on, one.id.0));
        if dose.is_some() && last.map(|one| one.id) != *dose {
            continue;
        }
        let facts: Vec<Facts> = records.iter().map(Record::facts).collect();
        let papers = out.get(no).map_or(&[][..], Vec::as_slice);
        let papers = papers.iter().filter(|one| one.state == CouponState::Issued);
        let issued: Vec<u8> = papers.map(|one| one.turn).collect();
        let candidate = Candidate {
            person: Person {
                birth: resident.birth,
                sex: resident.sex,
                standing: resident.standing,
            },
            doses: &facts,
            issued: &issued,
            number_is_void: *number_is_void,
        };
        if let Some(one) = expected(&candidate, was.day) {
            found.push((format!("{}/{no}", one.rank), no, one));
        }
    }
    let rows = || found.iter();
    let table = Table::default()
        .text(rows().map(|_| was.city.as_str()))
        .bytes(rows().map(|_| *was.id.as_bytes()))
        .text(rows().map(|(key, ..)| key.as_str()))
        .text(rows().map(|(_, no, _)| no.as_str()))
        .whole(rows().map(|(.., one)| i64::from(one.turn)))
        .text_or_null(rows().map(|(.., one)| one.last.map(|day| day.to_string())))
        .bytes(rows().map(|_| *id().as_bytes()));
    if !found.is_empty() {
        tx.many(
            sql!(
                "INSERT INTO pack_form (municipality, pack, sort_key, resident_no, turn, last_given, form)
                 {rows: text, bytea, text, text, bigint, text, bytea}"
            ),
            table,
        )
        .expect_each()
        .await?;
        tx.query(sql!(
            "DELETE FROM pack_form WHERE municipality = $1 AND pack = $2 AND sort_key > (
                 SELECT sort_key FROM pack_form WHERE municipality = $1 AND pack = $2
                 ORDER BY sort_key LIMIT 1 OFFSET $3)"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.id.as_bytes().to_vec())
        .bind(i64::from(PEOPLE_MAX) - 1)
        .run()
        .await?;
    }
    Ok(found.len() as u64)
}

/// Says how far the work is and renews the lease.
async fn advance(tx: &mut Tx, hand: &InHand, after: &Pack, now: Instant) -> Result<()> {
    let moved = tx
        .query(sql!(
            "UPDATE pack SET state = $5, position = $6, looked = $7, expected = $8, leased_until = $9
             WHERE municipality = $1 AND id = $2 AND state = $3 AND worker = $4"
        ))
        .bind(after.city.as_str().to_owned())
        .bind(after.id.as_bytes().to_vec())
        .bind(hand.pack.state.as_str().to_owned())
        .bind(hand.worker.as_bytes().to_vec())
        .bind(after.state.as_str().to_owned())
        .bind(after.position.clone())
        .bind(i64::try_from(after.looked).unwrap_or(i64::MAX))
        .bind(i64::try_from(after.expected).unwrap_or(i64::MAX))
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if moved == 1 { Ok(()) } else { Err(Error::Busy) }
}

/// Somebody in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The person, as the register has them now.
    pub resident: Resident,
    /// Which dose; `0` beyond the last that a coupon can name.
    pub turn: u8,
    /// The day of the dose before.
    pub last: Option<Day>,
    /// The id of the form, and of the dose that will be entered from it.
    pub form: Uuid,
}

/// What a pack is printed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The name of the venue, or of the city's desk if it is known.
    pub name: Option<String>,
    /// A venue's 10 digits.
    pub code: Option<FacilityCode>,
    /// Product and lot, where the venue has set them for this very day: what was set last.
    pub setting: Option<DaySetting>,
    /// Who is expected, in order.
    pub people: Vec<Listed>,
}

/// What the pack in hand is printed from.
///
/// # Errors
/// The database's.
pub async fn gathered(db: &Db, permit: &CityPermit, hand: &InHand) -> Result<Gathered> {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        turn: i64,
        last_given: Option<String>,
        form: Vec<u8>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let pack = &hand.pack;
    let bad = |column| Error::Inconsistent {
        table: "pack_form",
        column,
    };
    let mut tx = db.begin_reading().await?;
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT f.turn, f.last_given, f.form, p.*
             FROM pack_form AS f
             JOIN resident AS p ON p.municipality = f.municipality AND p.resident_no = f.resident_no
             WHERE f.municipality = $1 AND f.pack = $2 AND p.standing = 'resident' ORDER BY f.sort_key"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(pack.id.as_bytes().to_vec())
        .all()
        .await?;
    let people = rows.into_iter().map(|row| {
        let last = row.last_given.as_deref();
        let last = last.map(|text| Day::parse(text).ok_or_else(|| bad("last_given")));
        Ok(Listed {
            resident: Resident::try_from(row.resident)?,
            turn: u8::try_from(row.turn).map_err(|_| bad("turn"))?,
            last: last.transpose()?,
            form: uuid(&row.form, "pack_form", "form")?,
        })
    });
    let people = people.collect::<Result<_>>()?;
    let organisation: Option<(String, Option<String>)> = match pack.venue {
        Some(venue) => {
            tx.query(sql!(
                "SELECT name, facility_code FROM organisation WHERE id = $1"
            ))
            .bind(venue.0.as_bytes().to_vec())
            .optional()
            .await?
        }
        None => {
            tx.query(sql!(
                "SELECT name, facility_code FROM organisation WHERE kind = 'city' AND municipality = $1 ORDER BY id LIMIT 1"
            ))
            .bind(pack.city.as_str().to_owned())
            .optional()
            .await?
        }
    };
    let setting = match pack.venue {
        Some(venue) => crate::settings::latest(&mut tx, venue, pack.day).await?,
        None => None,
    };
    let code = organisation.as_ref().and_then(|(_, code)| code.as_deref());
    Ok(Gathered {
        code: code.and_then(|code| FacilityCode::parse(code).ok()),
        name: organisation.map(|(name, _)| name),
        setting,
        people,
    })
}
