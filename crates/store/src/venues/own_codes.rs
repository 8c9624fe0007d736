//! The codes under which wholesalers and makers know venues (自社コード): what a company in between converted in the real
//! system (domain paper §3.5).

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{Action, OrganisationId, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::venues::FacilityCode;
use domain::venues::own_codes::{OwnCode, OwnCodeBook};
use serde_json::json;
use uuid::Uuid;

use super::{codes, write_change};
use crate::accounts::uuid;
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::wrong_permit;

/// Lines that are told in one transaction at most.
pub const TELLING_MAX: usize = 1_000;
/// Venues of one file at most: more than Japan has.
const VENUES_MAX: i64 = 200_000;

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// New or changed.
    pub kept: usize,
    /// Standing so already.
    pub as_it_is: usize,
    /// Places of lines (from 0) whose venue there is none.
    pub unknown: Vec<usize>,
}

fn supplier(permit: &Permit) -> Result<OrganisationId> {
    match (permit.action(), permit.place()) {
        (Action::KeepOwnCodes, Place::Company(id)) => Ok(*id),
        _ => Err(wrong_permit()),
    }
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "venue_own_code",
        column,
    }
}

/// Every active venue with a code, and the own code that holds on a day; from then on if none does yet. By code.
///
/// # Errors
/// The database's.
pub async fn own_codes(db: &Db, permit: &Permit, day: Day) -> Result<Vec<OwnCode>> {
    let supplier = supplier(permit)?;
    let rows: Vec<(String, String, Option<String>, Option<String>)> = db
        .query(sql!(
            "SELECT o.facility_code, o.name,
                    (SELECT w.valid_from FROM venue_own_code AS w
                     WHERE w.supplier = $1 AND w.venue = o.id AND w.valid_from <= $2
                     ORDER BY w.valid_from DESC, w.revision DESC LIMIT 1),
                    (SELECT w.own_code FROM venue_own_code AS w
                     WHERE w.supplier = $1 AND w.venue = o.id AND w.valid_from <= $2
                     ORDER BY w.valid_from DESC, w.revision DESC LIMIT 1)
             FROM organisation AS o
             WHERE o.kind = 'venue' AND o.active = 1 AND o.facility_code IS NOT NULL
             ORDER BY o.facility_code, o.id LIMIT $3"
        ))
        .bind(supplier.0.as_bytes().to_vec())
        .bind(day.to_string())
        .bind(VENUES_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(code, name, from, own)| {
            let from = from.map_or(Some(day), |from| Day::parse(&from));
            Ok(OwnCode {
                code: FacilityCode::parse(&code).map_err(|_| Error::Inconsistent {
                    table: "organisation",
                    column: "facility_code",
                })?,
                name,
                from: from.ok_or_else(|| bad("valid_from"))?,
                own: own.unwrap_or_default(),
            })
        })
        .collect()
}

/// What the company calls its venues, and their codes, from each day on: for files in its own codes.
///
/// # Errors
/// The database's.
pub async fn own_code_book(db: &Db, permit: &Permit) -> Result<OwnCodeBook> {
    let (Action::RegisterDelivery, Place::Company(supplier)) = (permit.action(), *permit.place())
    else {
        return Err(wrong_permit());
    };
    let key = supplier.0.as_bytes().to_vec();
    let mut tx = db.begin_reading().await?;
    let codes: Vec<(Vec<u8>, String, String)> = tx
        .query(sql!(
            "SELECT c.venue, c.valid_from, c.code FROM venue_code AS c
             WHERE c.venue IN (SELECT w.venue FROM venue_own_code AS w WHERE w.supplier = $1)
             ORDER BY c.venue, c.revision"
        ))
        .bind(key.clone())
        .all()
        .await?;
    let own: Vec<(Vec<u8>, String, String)> = tx
        .query(sql!(
            "SELECT venue, valid_from, own_code FROM venue_own_code WHERE supplier = $1 ORDER BY venue, revision"
        ))
        .bind(key)
        .all()
        .await?;
    tx.commit().await?;
    let mut book = OwnCodeBook::default();
    for (venue, from, code) in codes {
        let bad = |column| Error::Inconsistent {
            table: "venue_code",
            column,
        };
        let venue = OrganisationId(uuid(&venue, "venue_code", "venue")?);
        let from = Day::parse(&from).ok_or_else(|| bad("valid_from"))?;
        let code = FacilityCode::parse(&code).map_err(|_| bad("code"))?;
        book.tell_code(venue, from, code);
    }
    for (venue, from, own) in own {
        let venue = OrganisationId(uuid(&venue, "venue_own_code", "venue")?);
        let from = Day::parse(&from).ok_or_else(|| bad("valid_from"))?;
        book.tell_own(venue, from, &own);
    }
    Ok(book)
}

/// Tells own codes, at most [`TELLING_MAX`] of them at once; each by itself, the same again changes nothing.
///
/// # Errors
/// The database's.
pub async fn tell_own_codes(
    db: &Db,
    permit: &Permit,
    lines: &[OwnCode],
    (audit, at): (Uuid, Instant),
) -> Result<Telling> {
    let supplier = supplier(permit)?;
    transact!(db, |tx| {
        let mut telling = Telling::default();
        let mut meant = Vec::with_capacity(lines.len());
        for (place, line) in lines.iter().enumerate() {
            match codes::holder(&mut tx, line.code, line.from).await? {
                Some(venue) => meant.push((venue, line)),
                None => telling.unknown.push(place),
            }
        }
        let venues: BTreeSet<OrganisationId> = meant.iter().map(|(venue, _)| *venue).collect();
        let mut known = known(&mut tx, supplier, &venues).await?;
        let mut rows = Vec::new();
        for (venue, line) in meant {
            let told = known.entry(venue).or_default();
            if told
                .days
                .get(&line.from)
                .is_some_and(|own| *own == line.own)
            {
                telling.as_it_is += 1;
                continue;
            }
            told.revision += 1;
            told.days.insert(line.from, line.own.clone());
            rows.push((venue, told.revision, line));
        }
        telling.kept = rows.len();
        if !rows.is_empty() {
            insert(&mut tx, (supplier, permit), &rows, at).await?;
            let detail = json!({ "codes": rows.len() });
            let about = ("tell-own-codes", supplier, None);
            write_change(&mut tx, permit, about, &detail, (audit, at)).await?;
        }
        telling
    })
}

/// What a supplier told of a venue so far.
#[derive(Default)]
struct Known {
    revision: i64,
    days: BTreeMap<Day, String>,
}

async fn known(
    tx: &mut Tx,
    supplier: OrganisationId,
    venues: &BTreeSet<OrganisationId>,
) -> Result<BTreeMap<OrganisationId, Known>> {
    let mut found: BTreeMap<OrganisationId, Known> = BTreeMap::new();
    if venues.is_empty() {
        return Ok(found);
    }
    let keys = Table::default()
        .bytes(venues.iter().map(|_| *supplier.0.as_bytes()))
        .bytes(venues.iter().map(|venue| *venue.0.as_bytes()));
    let rows: Vec<(Vec<u8>, i64, String, String)> = tx
        .many(
            sql!(
                "WITH k (supplier, venue) AS ({rows: bytea, bytea})
                 SELECT w.venue, w.revision, w.valid_from, w.own_code
                 FROM k JOIN venue_own_code AS w ON w.supplier = k.supplier AND w.venue = k.venue
                 ORDER BY w.venue, w.revision"
            ),
            keys,
        )
        .all()
        .await?;
    for (venue, revision, from, own) in rows {
        let venue = OrganisationId(uuid(&venue, "venue_own_code", "venue")?);
        let told = found.entry(venue).or_default();
        told.revision = told.revision.max(revision);
        told.days
            .insert(Day::parse(&from).ok_or_else(|| bad("valid_from"))?, own);
    }
    Ok(found)
}

async fn insert(
    tx: &mut Tx,
    (supplier, permit): (OrganisationId, &Permit),
    rows: &[(OrganisationId, i64, &OwnCode)],
    at: Instant,
) -> Result<()> {
    let by = permit.actor().user;
    let table = Table::default()
        .bytes(rows.iter().map(|_| *supplier.0.as_bytes()))
        .bytes(rows.iter().map(|(venue, ..)| *venue.0.as_bytes()))
        .whole(rows.iter().map(|(_, revision, _)| *revision))
        .text(rows.iter().map(|(.., line)| line.from.to_string()))
        .text(rows.iter().map(|(.., line)| line.own.clone()))
        .whole(rows.iter().map(|_| at.micros()))
        .bytes(rows.iter().map(|_| *by.0.as_bytes()));
    tx.many(
        sql!(
            "INSERT INTO venue_own_code (supplier, venue, revision, valid_from, own_code, at_micros, by_user)
             {rows: bytea, bytea, bigint, text, text, bigint, bytea}"
        ),
        table,
    )
    .expect_each()
    .await
}
