//! Where people lived whom an import changed: what undoing it puts back. Kept beside the stretches by
//! person, so that of whoever becomes protected (支援措置) it can be forgotten.

use std::collections::HashMap;

use domain::addresses::Address;
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::coupons::keys;
use crate::db::{Table, Tx, sql};
use crate::error::Result;
use crate::recorder::json;
use crate::residents::{Before, address};

/// Keeps where the people of a stretch lived before it.
pub(super) async fn keep(
    tx: &mut Tx,
    city: MunicipalityCode,
    import: Uuid,
    before: &[Before],
) -> Result<()> {
    let lived = || {
        before.iter().filter_map(|one| {
            let address = one.was.as_ref()?.address.as_ref()?;
            Some((one.resident_no.as_str(), address))
        })
    };
    if lived().next().is_none() {
        return Ok(());
    }
    let rows = Table::default()
        .text(lived().map(|_| city.as_str()))
        .text(lived().map(|(no, _)| no))
        .bytes(lived().map(|_| *import.as_bytes()))
        .text(lived().map(|(_, address)| json(address)));
    tx.many(
        sql!(
            "INSERT INTO import_address (municipality, resident_no, import, address) {rows: text, text, bytea, text}
             ON CONFLICT (municipality, resident_no, import) DO NOTHING"
        ),
        rows,
    )
    .run()
    .await?;
    Ok(())
}

/// Where these people lived before an import, and forgets it.
pub(super) async fn take(
    tx: &mut Tx,
    city: MunicipalityCode,
    import: Uuid,
    residents: &[&str],
) -> Result<HashMap<String, Address>> {
    let rows: Vec<(String, String)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no, import) AS ({rows: text, text, bytea})
                 SELECT a.resident_no, a.address FROM k CROSS JOIN import_address AS a
                 WHERE a.municipality = k.municipality AND a.resident_no = k.resident_no AND a.import = k.import"
            ),
            of_import(city, import, residents),
        )
        .all()
        .await?;
    tx.many(
        sql!(
            "WITH k (municipality, resident_no, import) AS ({rows: text, text, bytea})
             DELETE FROM import_address
             WHERE (municipality, resident_no, import) IN (SELECT municipality, resident_no, import FROM k)"
        ),
        of_import(city, import, residents),
    )
    .run()
    .await?;
    let mut lived = HashMap::new();
    for (no, kept) in rows {
        lived.extend(address(Some(&kept))?.map(|address| (no, address)));
    }
    Ok(lived)
}

fn of_import(city: MunicipalityCode, import: Uuid, residents: &[&str]) -> Table {
    Table::default()
        .text(residents.iter().map(|_| city.as_str()))
        .text(residents.iter().copied())
        .bytes(residents.iter().map(|_| *import.as_bytes()))
}

/// Forgets where these people lived, whichever import changed it.
pub(crate) async fn forget(tx: &mut Tx, city: MunicipalityCode, residents: &[&str]) -> Result<()> {
    tx.many(
        sql!(
            "WITH k (municipality, resident_no) AS ({rows: text, text})
             DELETE FROM import_address
             WHERE (municipality, resident_no) IN (SELECT municipality, resident_no FROM k)"
        ),
        keys(city, residents.iter().copied()),
    )
    .run()
    .await?;
    Ok(())
}
