//! Who has taken an item of a list.

use std::collections::BTreeMap;

use domain::access::{CityPermit, OrganisationId, UserId};
use domain::calendar::{Day, Instant};
use domain::doses::DoseId;
use serde::Serialize;

use crate::accounts::uuid;
use crate::approvals::How;
use crate::audit::{self, Change};
use crate::db::{Db, sql, transact};
use crate::error::{Error, Result};
use crate::recorder::json;

/// Something that a person can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A record.
    Dose(DoseId),
    /// A day of a venue.
    Session {
        /// The venue.
        venue: OrganisationId,
        /// The day of registration.
        day: Day,
    },
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dose(dose) => write!(f, "dose:{dose}"),
            Self::Session { venue, day } => write!(f, "session:{venue}:{day}"),
        }
    }
}

impl Item {
    /// Reads its word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "dose" => Some(Self::Dose(DoseId(rest.parse().ok()?))),
            "session" => {
                let (venue, day) = rest.split_once(':')?;
                Some(Self::Session {
                    venue: OrganisationId(venue.parse().ok()?),
                    day: Day::parse(day)?,
                })
            }
            _ => None,
        }
    }
}

/// Who has taken an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub user: UserId,
    /// Its name; empty if it is gone.
    pub name: String,
    /// Since when.
    pub since: Instant,
}

type OwnerRow = (String, Vec<u8>, Option<String>, i64);

/// Who has taken these items.
///
/// # Errors
/// The database's.
pub async fn owners(db: &Db, permit: &CityPermit, items: &[Item]) -> Result<BTreeMap<Item, Owner>> {
    #[derive(Serialize)]
    struct Key {
        i: String,
    }
    if items.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<Key> = items
        .iter()
        .map(|item| Key {
            i: item.to_string(),
        })
        .collect();
    let rows: Vec<OwnerRow> = db
        .query(sql!(
            "SELECT w.item, w.by_user, a.name, w.taken_at
             FROM json_each($2) AS k
             CROSS JOIN work_owner AS w
             LEFT JOIN account AS a ON a.id = w.by_user
             WHERE w.municipality = $1 AND w.item = k.value->>'i'"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(json(&keys))
        .all()
        .await?;
    rows.into_iter()
        .map(|(item, user, name, since)| {
            let wrong = Error::Inconsistent {
                table: "work_owner",
                column: "item",
            };
            let owner = Owner {
                user: UserId(uuid(&user, "work_owner", "by_user")?),
                name: name.unwrap_or_default(),
                since: Instant::from_micros(since),
            };
            Ok((Item::parse(&item).ok_or(wrong)?, owner))
        })
        .collect()
}

/// Takes an item for oneself; false if somebody else has it.
///
/// # Errors
/// The database's.
pub async fn take(db: &Db, permit: &CityPermit, item: Item, how: How) -> Result<bool> {
    transact!(db, |tx| {
        let taken = tx
            .query(sql!(
                "INSERT INTO work_owner (municipality, item, by_user, taken_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (municipality, item) DO NOTHING"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(item.to_string())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .bind(how.at.micros())
            .run()
            .await?;
        if taken == 1 {
            ownership(&mut tx, permit, item, "take-work", how).await?;
        }
        taken == 1
    })
}

/// Gives an item back that one has taken; an administrator gives back anybody's. False if there
/// was nothing to give back.
///
/// # Errors
/// The database's.
pub async fn give_back(db: &Db, permit: &CityPermit, item: Item, how: How) -> Result<bool> {
    let leads = permit.actor().role == domain::access::Role::Administrator;
    transact!(db, |tx| {
        let given = tx
            .query(sql!(
                "DELETE FROM work_owner WHERE municipality = $1 AND item = $2 AND (by_user = $3 OR $4 = 1)"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(item.to_string())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .bind(i64::from(leads))
            .run()
            .await?;
        if given == 1 {
            ownership(&mut tx, permit, item, "give-back-work", how).await?;
        }
        given == 1
    })
}

async fn ownership(
    tx: &mut crate::db::Tx,
    permit: &CityPermit,
    item: Item,
    action: &str,
    how: How,
) -> Result<()> {
    let subject = item.to_string();
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: Some(permit.city()),
        action,
        subject: &subject,
        detail: "{}",
    };
    audit::write(tx, permit.actor(), &change).await
}
