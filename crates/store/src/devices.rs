//! A venue's tablets (端末): which there are, what each sent, and which may send no more.
//!
//! Each signs what is entered on it with a key that never leaves it, and numbers its records; so a record names the
//! tablet it came from, and a number that is missing is a record that is still there or lost with it. Whether a
//! signature holds is judged before it gets here.

use domain::access::{OrganisationId, Permit, Place, VenuePermit};
use domain::calendar::Instant;
use domain::doses::DoseId;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Db, sql, transact};
use crate::error::{Error, Result};

/// Letters of a tablet's name at most, as it is written on its back.
pub const NAME_LENGTH_MAX: usize = 30;
/// Bytes of a public key: a point of P-256, uncompressed (SEC 1, 2.3.3).
pub const PUBLIC_KEY_BYTES: usize = 65;
/// Tablets in one list at most: a large city has some thousand venues with a few each.
pub const LISTED_MAX: i64 = 5_000;

/// A tablet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Made by the tablet.
    pub id: Uuid,
    /// As it is called at the venue.
    pub name: String,
    /// The public half of its key, [`PUBLIC_KEY_BYTES`] long.
    pub public_key: Vec<u8>,
    /// From when on it may send no more, if it may not.
    pub revoked_at: Option<Instant>,
}

/// A tablet that wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Made by the tablet: a UUID of version 7.
    pub id: Uuid,
    /// As it is called at the venue.
    pub name: String,
    /// The public half of its key.
    pub public_key: Vec<u8>,
}

/// Makes a tablet known at the venue. The same again changes nothing, not even a revocation.
///
/// # Errors
/// [`Error::Exists`] if the id is another tablet's.
pub async fn register(
    db: &Db,
    permit: &VenuePermit,
    device: &NewDevice,
    audit_id: Uuid,
    at: Instant,
) -> Result<Device> {
    transact!(db, |tx| {
        let known: Option<DeviceRow> = tx
            .query(sql!(
                "SELECT name, public_key, revoked_at FROM device WHERE venue = $1 AND id = $2"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(device.id.as_bytes().to_vec())
            .optional()
            .await?;
        if let Some(known) = known.map(|row| device_of(device.id, row)) {
            if known.public_key != device.public_key {
                return Err(Error::Exists);
            }
            return Ok(known);
        }
        tx.query(sql!(
            "INSERT INTO device
                 (venue, id, name, public_key, registered_by, registered_at, seen_at, skew_millis, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6, 0, NULL)"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(device.id.as_bytes().to_vec())
        .bind(device.name.clone())
        .bind(device.public_key.clone())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(at.micros())
        .expect(1)
        .await?;
        let change = Change {
            id: audit_id,
            at,
            municipality: Some(permit.city()),
            action: "register-device",
            subject: &device.id.to_string(),
            detail: "{}",
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        Device {
            id: device.id,
            name: device.name.clone(),
            public_key: device.public_key.clone(),
            revoked_at: None,
        }
    })
}

/// A tablet of the venue.
///
/// # Errors
/// The database's own.
pub async fn find(db: &Db, permit: &VenuePermit, id: Uuid) -> Result<Option<Device>> {
    let found: Option<DeviceRow> = db
        .query(sql!(
            "SELECT name, public_key, revoked_at FROM device WHERE venue = $1 AND id = $2"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    Ok(found.map(|row| device_of(id, row)))
}

type DeviceRow = (String, Vec<u8>, Option<i64>);

fn device_of(id: Uuid, (name, public_key, revoked_at): DeviceRow) -> Device {
    Device {
        id,
        name,
        public_key,
        revoked_at: revoked_at.map(Instant::from_micros),
    }
}

/// A record that came from a tablet and is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The tablet's own number, from 1.
    pub sequence: i64,
    /// The record.
    pub dose: DoseId,
    /// When it was made, by the tablet's clock.
    pub made_at: Instant,
    /// Why the digits were believed: `codes`, `twice`, `alone`.
    pub basis: &'static str,
    /// SHA-256 of what was signed.
    pub statement_hash: [u8; 32],
    /// The signature over it (ECDSA, P-256): r and s, 64 bytes.
    pub signature: Vec<u8>,
}

/// Writes down what came from a tablet; what is written down already stays as it is.
///
/// `skew_millis` is by how much its clock is ahead of ours; none where a file was handed in, which tells nothing of it.
///
/// # Errors
/// The database's own.
pub async fn took(
    db: &Db,
    permit: &VenuePermit,
    device: Uuid,
    taken: &[Taken],
    skew_millis: Option<i64>,
    at: Instant,
) -> Result<()> {
    transact!(db, begin_locking, |tx| {
        for one in taken {
            tx.query(sql!(
                "INSERT INTO device_record
                     (venue, device, sequence, dose_id, made_at, received_at, basis, by_file, statement_hash, signature)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 ON CONFLICT (venue, device, sequence, dose_id) DO NOTHING"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(device.as_bytes().to_vec())
            .bind(one.sequence)
            .bind(one.dose.0.as_bytes().to_vec())
            .bind(one.made_at.micros())
            .bind(at.micros())
            .bind(one.basis.to_owned())
            .bind(i64::from(skew_millis.is_none()))
            .bind(one.statement_hash.to_vec())
            .bind(one.signature.clone())
            .run()
            .await?;
        }
        if let Some(skew_millis) = skew_millis {
            tx.query(sql!(
                "UPDATE device SET seen_at = $3, skew_millis = $4 WHERE venue = $1 AND id = $2"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(device.as_bytes().to_vec())
            .bind(at.micros())
            .bind(skew_millis)
            .expect(1)
            .await?;
        }
    })
}

/// A tablet, as whoever answers for it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where it belongs.
    pub venue: OrganisationId,
    /// That venue's name.
    pub venue_name: String,
    /// The tablet.
    pub device: Device,
    /// Who made it known; empty if the account is gone.
    pub registered_by: String,
    /// When.
    pub registered_at: Instant,
    /// When it last sent.
    pub seen_at: Instant,
    /// By how many milliseconds its clock was ahead of ours then.
    pub skew_millis: i64,
    /// How many of its records are here.
    pub received: i64,
    /// Numbers up to its last that are not here: still on it, or lost with it.
    pub missing: i64,
    /// Numbers that came with two different records: somebody has a copy of the tablet's memory.
    pub doubled: i64,
}

type ListedRow = (
    Vec<u8>,
    String,
    Vec<u8>,
    String,
    Vec<u8>,
    Option<i64>,
    Option<String>,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
);

/// The tablets of a venue, or of all venues in a city; those that may send first, then by venue and name.
///
/// # Errors
/// The database's own.
pub async fn list(db: &Db, permit: &Permit) -> Result<Vec<Listed>> {
    let (venue, city) = match permit.place() {
        Place::Venue { id, .. } => (Some(*id), None),
        Place::City(city) => (None, Some(*city)),
        Place::Nation | Place::Prefecture(_) | Place::Company(_) => return Ok(Vec::new()),
    };
    let rows: Vec<ListedRow> = db
        .query(sql!(
            "SELECT device.venue, organisation.name, device.id, device.name, public_key, revoked_at, account.name,
                    registered_at, seen_at, skew_millis,
                    COALESCE(sent.records, 0), COALESCE(sent.numbers, 0), COALESCE(sent.last, 0)
             FROM device
             JOIN organisation ON organisation.id = device.venue
             LEFT JOIN account ON account.id = registered_by
             LEFT JOIN (
                 SELECT venue, device, COUNT(*) AS records, COUNT(DISTINCT sequence) AS numbers,
                        MAX(sequence) AS last
                 FROM device_record GROUP BY venue, device
             ) AS sent ON sent.venue = device.venue AND sent.device = device.id
             WHERE (device.venue = $1 OR organisation.municipality = $2)
             ORDER BY revoked_at IS NOT NULL, organisation.name, device.name, device.id LIMIT $3"
        ))
        .bind(venue.map(|venue| venue.0.as_bytes().to_vec()))
        .bind(city.map(|city| city.as_str().to_owned()))
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(listed_of).collect()
}

fn listed_of(row: ListedRow) -> Result<Listed> {
    let (venue, venue_name, id, name, public_key, revoked_at, registered_by, registered_at, ..) =
        row;
    let (.., seen_at, skew_millis, received, numbers, last) = row;
    Ok(Listed {
        venue: uuid(&venue, "device", "venue").map(OrganisationId)?,
        venue_name,
        device: Device {
            id: uuid(&id, "device", "id")?,
            name,
            public_key,
            revoked_at: revoked_at.map(Instant::from_micros),
        },
        registered_by: registered_by.unwrap_or_default(),
        registered_at: Instant::from_micros(registered_at),
        seen_at: Instant::from_micros(seen_at),
        skew_millis,
        received,
        missing: last.saturating_sub(numbers),
        doubled: received.saturating_sub(numbers),
    })
}

/// Ends a tablet's sending, since it is lost: what it sent stays, and what is still on it can be handed in as a file
/// by somebody who is there. `false` for a tablet that is not at the permit's place.
///
/// # Errors
/// The database's own.
pub async fn revoke(
    db: &Db,
    permit: &Permit,
    device: Uuid,
    audit_id: Uuid,
    at: Instant,
) -> Result<bool> {
    let (venue, city) = match permit.place() {
        Place::Venue { id, city } => (Some(*id), *city),
        Place::City(city) => (None, *city),
        Place::Nation | Place::Prefecture(_) | Place::Company(_) => return Ok(false),
    };
    transact!(db, |tx| {
        let changed = tx
            .query(sql!(
                "UPDATE device SET revoked_at = COALESCE(revoked_at, $4)
                 WHERE id = $1 AND venue IN (
                     SELECT id FROM organisation
                     WHERE kind = 'venue' AND municipality = $2 AND (id = $3 OR $3 IS NULL))"
            ))
            .bind(device.as_bytes().to_vec())
            .bind(city.as_str().to_owned())
            .bind(venue.map(|venue| venue.0.as_bytes().to_vec()))
            .bind(at.micros())
            .run()
            .await?;
        if changed > 0 {
            let change = Change {
                id: audit_id,
                at,
                municipality: Some(city),
                action: "revoke-device",
                subject: &device.to_string(),
                detail: "{}",
            };
            audit::write(&mut tx, permit.actor(), &change).await?;
        }
        changed > 0
    })
}
