//! Saving what a batch of acts made: entries, records, receipts, heads; few statements, however many acts.

use std::collections::BTreeMap;

use domain::coupons::CouponNumber;
use domain::ledger::{Entry, Personal};
use domain::places::MunicipalityCode;

use super::batch::{Batch, Issued, Line};
use super::rows::{Place, json};
use crate::db::{Table, Tx, Write, sql};
use crate::error::{Error, Result};

/// Writes entries, records, receipts and the new heads.
pub(super) async fn save(tx: &mut Tx, batch: &Batch) -> Result<()> {
    if batch.entries.is_empty() {
        return Ok(());
    }
    let writes = vec![
        entries(&batch.entries)?,
        doses(batch),
        receipts(&batch.issued),
        heads(&batch.entries),
    ];
    tx.insert_together(writes).await
}

/// Writes the same without any lock, in one statement that commits by itself: all of it, or none
/// and false if anybody took the chain since it stood at `from`.
pub(super) async fn save_unmoved(tx: &mut Tx, batch: &Batch, from: Place) -> Result<bool> {
    let Some(last) = batch.entries.last() else {
        return Ok(false);
    };
    let moved_on = Table::default()
        .text([last.body.municipality.as_str()])
        .whole([from.seq])
        .whole([from.taken])
        .whole([last.body.seq])
        .bytes([*last.hash.as_bytes()]);
    let sql = sql!(
        "WITH k (municipality, seq, taken, next, hash) AS ({rows: text, bigint, bigint, bigint, bytea})
         UPDATE chain SET seq = k.next, hash = k.hash
         FROM k
         WHERE chain.municipality = k.municipality AND chain.seq = k.seq AND chain.taken = k.taken"
    );
    let writes = vec![
        entries(&batch.entries)?,
        doses(batch),
        receipts(&batch.issued),
    ];
    tx.insert_together_if((sql, moved_on), writes).await
}

fn entries(entries: &[Entry]) -> Result<Write> {
    let mut salts = Vec::with_capacity(entries.len());
    for entry in entries {
        let salt = entry.salt.as_deref().map(hex::decode).transpose();
        salts.push(salt.map_err(|_| Error::Inconsistent {
            table: "ledger",
            column: "salt",
        })?);
    }
    let bodies = || entries.iter().map(|entry| &entry.body);
    let rows = Table::default()
        .text(bodies().map(|body| body.municipality.as_str()))
        .whole(bodies().map(|body| body.seq))
        .bytes(bodies().map(|body| *body.id.as_bytes()))
        .bytes(bodies().map(|body| *body.dose.0.as_bytes()))
        .text(bodies().map(|body| body.act.as_str()))
        .whole(bodies().map(|body| body.at_micros))
        .bytes(bodies().map(|body| *body.by.0.as_bytes()))
        .bytes(bodies().map(|body| *body.organisation.0.as_bytes()))
        .text(bodies().map(|body| body.device.as_str()))
        .text(bodies().map(|body| body.input.as_str()))
        .text_or_null(
            entries
                .iter()
                .map(|entry| entry.personal.as_ref().map(Personal::canonical)),
        )
        .bytes_or_null(salts)
        .bytes(bodies().map(|body| *body.commitment.as_bytes()))
        .bytes(entries.iter().map(|entry| *entry.hash.as_bytes()));
    let sql = sql!(
        "INSERT INTO ledger (municipality, seq, id, dose_id, act, at_micros, by_user, organisation,
                             device, input, personal, salt, commitment, hash)
         {rows: text, bigint, bytea, bytea, text, bigint, bytea, bytea,
                text, text, text, bytea, bytea, bytea}"
    );
    Ok((sql, rows))
}

fn doses(batch: &Batch) -> Write {
    let mut changed: Vec<(MunicipalityCode, Option<CouponNumber>, &Line)> = batch
        .groups
        .iter()
        .flat_map(|(key, group)| {
            let changed = group.lines.iter().filter(|line| line.changed);
            changed.map(|line| (key.city(), line.number, line))
        })
        .collect();
    changed.sort_by_key(|(city, _, line)| (*city, line.held.seq));
    let lines = || changed.iter().map(|(_, _, line)| *line);
    let facts = || lines().map(|line| &line.held.facts);
    let rows = Table::default()
        .text(changed.iter().map(|(city, _, _)| city.as_str()))
        .bytes(lines().map(|line| *line.held.id.0.as_bytes()))
        .text_or_null(
            changed
                .iter()
                .map(|(_, number, _)| number.as_ref().map(CouponNumber::as_str)),
        )
        .whole(lines().map(|line| line.held.seq))
        .whole(lines().map(|line| line.last_seq))
        .whole(lines().map(|line| line.recorded_at.micros()))
        .text(facts().map(|facts| facts.line.as_str()))
        .whole(facts().map(|facts| i64::from(facts.turn)))
        .text(facts().map(|facts| facts.given_on.to_string()))
        .text(facts().map(|facts| facts.product.as_str()))
        .text(facts().map(|facts| facts.lot.as_str()))
        .text(facts().map(|facts| facts.doctor.as_str()))
        .bytes(facts().map(|facts| *facts.venue.0.as_bytes()))
        .text(facts().map(|facts| facts.venue_name.as_str()))
        .text(lines().map(|line| line.venue_city.as_str()))
        .text(lines().map(|line| line.input.as_str()))
        .text(lines().map(|line| line.standing.as_str()))
        .text(lines().map(|line| line.cell.map_or("", |(sex, _)| sex.open_data())))
        .text(lines().map(|line| line.cell.map_or("", |(_, age)| age.open_data())))
        .text(lines().map(|line| json(&line.findings)))
        .whole(lines().map(Line::severity))
        .whole(lines().map(|line| i64::from(line.pending())))
        .whole(lines().map(|line| i64::from(line.held.confirmed)))
        .whole(lines().map(|line| i64::from(line.contested)));
    let sql = sql!(
        "INSERT INTO dose (municipality, dose_id, number, seq, last_seq, recorded_at, line, turn, given_on,
                           product, lot, doctor, venue, venue_name, venue_city, input, standing, sex, age,
                           findings, severity, pending, confirmed, contested)
         {rows: text, bytea, text, bigint, bigint, bigint, text, bigint, text,
                text, text, text, bytea, text, text, text, text, text, text,
                text, bigint, bigint, bigint, bigint}
         ON CONFLICT (municipality, dose_id) DO UPDATE SET
             last_seq = excluded.last_seq, turn = excluded.turn, given_on = excluded.given_on,
             product = excluded.product, lot = excluded.lot, doctor = excluded.doctor,
             standing = excluded.standing, sex = excluded.sex, age = excluded.age,
             findings = excluded.findings, severity = excluded.severity, pending = excluded.pending,
             confirmed = excluded.confirmed, contested = excluded.contested"
    );
    (sql, rows)
}

fn receipts(issued: &[Issued]) -> Write {
    let receipts = || issued.iter().map(|issued| &issued.receipt);
    let rows = Table::default()
        .bytes(
            issued
                .iter()
                .map(|issued| *issued.organisation.0.as_bytes()),
        )
        .bytes(receipts().map(|receipt| *receipt.id.as_bytes()))
        .text(receipts().map(|receipt| receipt.municipality.as_str()))
        .bytes(receipts().map(|receipt| *receipt.dose.0.as_bytes()))
        .whole(receipts().map(|receipt| receipt.seq))
        .text(receipts().map(|receipt| receipt.act.as_str()))
        .bytes(issued.iter().map(|issued| *issued.content.as_bytes()))
        .text(receipts().map(|receipt| receipt.at.day_in_japan().to_string()));
    let sql = sql!(
        "INSERT INTO receipt (organisation, id, municipality, dose_id, seq, act, content, day)
         {rows: bytea, bytea, text, bytea, bigint, text, bytea, text}"
    );
    (sql, rows)
}

fn heads(entries: &[Entry]) -> Write {
    // In the order of the codes, as they were locked; of each city, the last entry.
    let heads: BTreeMap<&MunicipalityCode, &Entry> = entries
        .iter()
        .map(|entry| (&entry.body.municipality, entry))
        .collect();
    let rows = Table::default()
        .text(heads.keys().map(|city| city.as_str()))
        .whole(heads.values().map(|entry| entry.body.seq))
        .bytes(heads.values().map(|entry| *entry.hash.as_bytes()));
    let sql = sql!(
        "INSERT INTO chain (municipality, seq, hash) {rows: text, bigint, bytea}
         ON CONFLICT (municipality) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
    );
    (sql, rows)
}
