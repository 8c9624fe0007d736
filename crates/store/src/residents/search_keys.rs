//! The keys by which people are found, in writing and in sound.

use std::collections::BTreeSet;

use domain::places::MunicipalityCode;

use super::loading::CHUNK;
use super::{Resident, ResidentRow, bad, keys};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::lock_chains;

/// How a person is searched for: by the first name in the row itself, by all others beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub(super) written: Vec<String>,
    pub(super) sounds: Vec<String>,
}

impl std::fmt::Debug for Keys {
    /// They are names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// The keys of a person's names.
    #[must_use]
    pub fn of(resident: &Resident) -> Self {
        let names = resident.names();
        Self {
            written: names.search_keys(),
            sounds: names.sound_keys(),
        }
    }

    pub(super) fn name_key(&self) -> &str {
        self.written.first().map_or("", String::as_str)
    }

    pub(super) fn kana_key(&self) -> &str {
        self.sounds.first().map_or("", String::as_str)
    }

    /// The keys of all names but the first, each with its kind.
    pub(super) fn others(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let written = self.written.iter().map(|key| ("written", key.as_str()));
        let sounds = self.sounds.iter().map(|key| ("sound", key.as_str()));
        written.skip(1).chain(sounds.skip(1))
    }
}

/// Writes the keys of names beside the first, which had none here before.
pub(super) async fn write_other_keys(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&Resident],
    keys: &[Keys],
) -> Result<()> {
    let each = || {
        let each = residents.iter().zip(keys);
        each.flat_map(|(resident, keys)| {
            keys.others()
                .map(|(kind, key)| (resident.resident_no.as_str(), kind, key))
        })
    };
    if each().next().is_none() {
        return Ok(());
    }
    let rows = Table::default()
        .text(each().map(|_| city.as_str()))
        .text(each().map(|(no, _, _)| no))
        .text(each().map(|(_, kind, _)| kind))
        .text(each().map(|(_, _, key)| key));
    tx.many(
        sql!(
            "INSERT INTO resident_key (municipality, resident_no, kind, key)
             {rows: text, text, text, text}"
        ),
        rows,
    )
    .expect_each()
    .await
}

/// Takes away the keys of these people's other names.
pub(crate) async fn drop_other_keys<'a>(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: impl Iterator<Item = &'a str>,
) -> Result<()> {
    tx.many(
        sql!(
            "WITH k (municipality, resident_no) AS ({rows: text, text})
             DELETE FROM resident_key
             WHERE (municipality, resident_no) IN (SELECT municipality, resident_no FROM k)"
        ),
        keys(city, residents),
    )
    .run()
    .await?;
    Ok(())
}

/// Makes the search keys of some people whose keys are of an earlier kind; says how many they were.
///
/// Called until it says none, it leaves everybody with keys of today's kind. Two servers may do it at
/// once, and imports go on beside it.
///
/// # Errors
/// The database's.
pub async fn make_keys(db: &Db) -> Result<usize> {
    let first: Option<(String,)> = db
        .query(sql!(
            "SELECT municipality FROM resident WHERE keyed = 0 ORDER BY municipality LIMIT 1"
        ))
        .optional()
        .await?;
    let Some((city,)) = first else {
        return Ok(0);
    };
    let city = MunicipalityCode::parse(&city).map_err(|_| bad("municipality"))?;
    transact!(db, begin_locking, |tx| make_keys_of(&mut tx, city).await?)
}

async fn make_keys_of(tx: &mut Tx, city: MunicipalityCode) -> Result<usize> {
    lock_chains(tx, &BTreeSet::from([city])).await?;
    let rows: Vec<ResidentRow> = tx
        .query(sql!(
            "SELECT * FROM resident WHERE municipality = $1 AND keyed = 0
             ORDER BY resident_no LIMIT $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(CHUNK as i64)
        .all()
        .await?;
    let residents: Vec<Resident> = rows
        .into_iter()
        .map(Resident::try_from)
        .collect::<Result<_>>()?;
    let of: Vec<Keys> = residents.iter().map(Keys::of).collect();
    let each = || residents.iter();
    let rows = Table::default()
        .text(each().map(|_| city.as_str()))
        .text(each().map(|one| one.resident_no.as_str()))
        .text(of.iter().map(Keys::name_key))
        .text(of.iter().map(Keys::kana_key));
    tx.many(
        sql!(
            "WITH k (municipality, resident_no, name_key, kana_key) AS ({rows: text, text, text, text})
             UPDATE resident SET name_key = k.name_key, kana_key = k.kana_key, keyed = 1
             FROM k
             WHERE resident.municipality = k.municipality AND resident.resident_no = k.resident_no"
        ),
        rows,
    )
    .run()
    .await?;
    let residents: Vec<&Resident> = residents.iter().collect();
    drop_other_keys(
        tx,
        city,
        residents.iter().map(|one| one.resident_no.as_str()),
    )
    .await?;
    write_other_keys(tx, city, &residents, &of).await?;
    Ok(residents.len())
}
