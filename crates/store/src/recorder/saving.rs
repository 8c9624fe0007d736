//! Saving what a batch of acts made: entries, records, receipts, heads; few statements, however many acts.

use std::collections::BTreeMap;

use domain::coupons::CouponNumber;
use domain::ledger::{Entry, Personal};
use domain::places::MunicipalityCode;

use super::batch::{Batch, Issued, Line};
use super::rows::{Places, json};
use crate::db::{Table, Tx, Write, sql};
use crate::error::{Error, Result};

/// Writes entries, records, receipts and the new heads.
pub(super) async fn save(tx: &mut Tx, batch: &Batch) -> Result<()> {
    if batch.entries.is_empty() {
        return Ok(());
    }
    let mut writes = vec![entries(&batch.entries)?];
    writes.extend(doses(batch));
    writes.push(receipts(&batch.issued));
    writes.push(heads(&batch.entries));
    tx.insert_together(writes).await
}

/// Writes the same without any lock, in one statement that commits by itself: all of it, or none and
/// [`Error::Busy`] or [`Error::Exists`] if anybody took one of the chains since they stood where `from` says.
pub(super) async fn save_unmoved(tx: &mut Tx, batch: &Batch, from: &Places) -> Result<()> {
    let mut writes = vec![moves(&batch.entries, from)?, entries(&batch.entries)?];
    writes.extend(doses(batch));
    writes.push(receipts(&batch.issued));
    tx.insert_unless_changed(writes).await
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

type Changed<'b> = (MunicipalityCode, Option<CouponNumber>, &'b Line);

/// New records, and records that were there before and say something else now. An id that another
/// organisation used in this city is refused by the engine: no record is overwritten by another.
fn doses(batch: &Batch) -> [Write; 2] {
    let changed = batch.groups.iter().flat_map(|(key, group)| {
        let changed = group.lines.iter().filter(|line| line.changed);
        changed.map(|line| (key.city(), line.number, line))
    });
    let (mut new, mut old): (Vec<Changed>, Vec<Changed>) =
        changed.partition(|(_, _, line)| line.is_new);
    for lines in [&mut new, &mut old] {
        lines.sort_by_key(|(city, _, line)| (*city, line.held.seq));
    }
    let insert = sql!(
        "INSERT INTO dose (municipality, dose_id, number, seq, recorded_at, line, venue, venue_name, venue_city,
                           input, last_seq, turn, given_on, product, lot, doctor, standing, sex, age, findings,
                           severity, pending, confirmed, contested)
         {rows: text, bytea, text, bigint, bigint, text, bytea, text, text,
                text, bigint, bigint, text, text, text, text, text, text, text, text,
                bigint, bigint, bigint, bigint}"
    );
    let update = sql!(
        "WITH k (municipality, dose_id, last_seq, turn, given_on, product, lot, doctor, standing, sex, age,
                 findings, severity, pending, confirmed, contested) AS
             ({rows: text, bytea, bigint, bigint, text, text, text, text, text, text, text,
                     text, bigint, bigint, bigint, bigint})
         UPDATE dose SET
             last_seq = k.last_seq, turn = k.turn, given_on = k.given_on, product = k.product, lot = k.lot,
             doctor = k.doctor, standing = k.standing, sex = k.sex, age = k.age, findings = k.findings,
             severity = k.severity, pending = k.pending, confirmed = k.confirmed, contested = k.contested
         FROM k WHERE dose.municipality = k.municipality AND dose.dose_id = k.dose_id"
    );
    [
        (insert, state(origin(named(&new), &new), &new)),
        (update, state(named(&old), &old)),
    ]
}

/// Which records.
fn named(lines: &[Changed]) -> Table {
    Table::default()
        .text(lines.iter().map(|(city, _, _)| city.as_str()))
        .bytes(lines.iter().map(|(_, _, line)| *line.held.id.0.as_bytes()))
}

/// What a record keeps for ever.
fn origin(table: Table, changed: &[Changed]) -> Table {
    let lines = || changed.iter().map(|(_, _, line)| *line);
    let facts = || lines().map(|line| &line.held.facts);
    let numbers = changed.iter().map(|(_, number, _)| number.as_ref());
    table
        .text_or_null(numbers.map(|number| number.map(CouponNumber::as_str)))
        .whole(lines().map(|line| line.held.seq))
        .whole(lines().map(|line| line.recorded_at.micros()))
        .text(facts().map(|facts| facts.line.as_str()))
        .bytes(facts().map(|facts| *facts.venue.0.as_bytes()))
        .text(facts().map(|facts| facts.venue_name.as_str()))
        .text(lines().map(|line| line.venue_city.as_str()))
        .text(lines().map(|line| line.input.as_str()))
}

/// How a record stands now.
fn state(table: Table, changed: &[Changed]) -> Table {
    let lines = || changed.iter().map(|(_, _, line)| *line);
    let facts = || lines().map(|line| &line.held.facts);
    table
        .whole(lines().map(|line| line.last_seq))
        .whole(facts().map(|facts| i64::from(facts.turn)))
        .text(facts().map(|facts| facts.given_on.to_string()))
        .text(facts().map(|facts| facts.product.as_str()))
        .text(facts().map(|facts| facts.lot.as_str()))
        .text(facts().map(|facts| facts.doctor.as_str()))
        .text(lines().map(|line| line.standing.as_str()))
        .text(lines().map(|line| line.cell.map_or("", |(sex, _)| sex.open_data())))
        .text(lines().map(|line| line.cell.map_or("", |(_, age)| age.open_data())))
        .text(lines().map(|line| json(&line.findings)))
        .whole(lines().map(Line::severity))
        .whole(lines().map(|line| i64::from(line.pending())))
        .whole(lines().map(|line| i64::from(line.held.confirmed)))
        .whole(lines().map(|line| i64::from(line.contested)))
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

/// Of each city, the last entry; in the order of the codes, as the chains are locked.
fn heads_of(entries: &[Entry]) -> BTreeMap<MunicipalityCode, &Entry> {
    let heads = entries.iter().map(|entry| (entry.body.municipality, entry));
    heads.collect()
}

fn heads(entries: &[Entry]) -> Write {
    let heads = heads_of(entries);
    let rows = Table::default()
        .text(heads.keys().map(MunicipalityCode::as_str))
        .whole(heads.values().map(|entry| entry.body.seq))
        .bytes(heads.values().map(|entry| *entry.hash.as_bytes()));
    let sql = sql!(
        "INSERT INTO chain (municipality, seq, hash) {rows: text, bigint, bytea}
         ON CONFLICT (municipality) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
    );
    (sql, rows)
}

/// Moves the chains on that still stand where they were seen.
fn moves(entries: &[Entry], from: &Places) -> Result<Write> {
    let heads = heads_of(entries);
    let mut places = Vec::with_capacity(heads.len());
    for city in heads.keys() {
        let place = from.get(city).ok_or(Error::Inconsistent {
            table: "chain",
            column: "municipality",
        })?;
        places.push(*place);
    }
    let rows = Table::default()
        .text(heads.keys().map(MunicipalityCode::as_str))
        .whole(places.iter().map(|place| place.seq))
        .whole(places.iter().map(|place| place.taken))
        .whole(heads.values().map(|entry| entry.body.seq))
        .bytes(heads.values().map(|entry| *entry.hash.as_bytes()));
    let sql = sql!(
        "WITH k (municipality, seq, taken, next, hash) AS ({rows: text, bigint, bigint, bigint, bytea})
         UPDATE chain SET seq = k.next, hash = k.hash
         FROM k
         WHERE chain.municipality = k.municipality AND chain.seq = k.seq AND chain.taken = k.taken"
    );
    Ok((sql, rows))
}
