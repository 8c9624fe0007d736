//! What a file of venues told, taken back: of a venue that was there, what held before is told again; a venue that the file
//! founded goes away, with what was told of it kept aside. What somebody changed since, or works with, stays.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{OrganisationId, Permit};
use domain::calendar::Instant;
use domain::venues::codes::CodeHistory;
use domain::venues::record::{Source, Told};
use serde_json::json as value;
use uuid::Uuid;

use super::super::work::InHand;
use super::super::{Done, Remark, bad, from_json, remarks};
use super::audited;
use super::telling::{Kept, Telling};
use crate::accounts::{place_key, uuid};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::json;
use crate::venues::{Stands, of_codes, of_venues};

/// Takes back what a stretch told. One that was taken back before it could be said so is not taken back twice.
pub(in crate::imports) async fn undo(
    db: &Db,
    permit: &Permit,
    hand: &InHand,
    upto_line: i64,
    (now, id): (Instant, &(dyn Fn() -> Uuid + Send + Sync)),
) -> Result<Done> {
    let (desk, import) = (hand.import.desk, hand.import.id);
    transact!(db, |tx| {
        let (before, done): (String, String) = tx
            .query(sql!(
                "SELECT before, done FROM import_stretch WHERE desk = $1 AND import = $2 AND upto_line = $3"
            ))
            .bind(desk.key())
            .bind(import.as_bytes().to_vec())
            .bind(upto_line)
            .one()
            .await?;
        if before.is_empty() {
            return from_json(&done, "done");
        }
        let kept: Vec<Kept> = from_json(&before, "before")?;
        let (done, left) = put_back(&mut tx, permit, hand, kept, now).await?;
        let said = left.iter().map(|(line, why)| stays(*line, *why)).collect();
        remarks::add(&mut tx, desk, (import, upto_line), said).await?;
        let detail =
            value!({ "upto_line": upto_line, "put_back": done.put_back, "left": done.left });
        audited(&mut tx, permit, hand, ("undo-venues", &detail), (id(), now)).await?;
        tx.query(sql!(
            "UPDATE import_stretch SET before = '', done = $4 WHERE desk = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(desk.key())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .bind(json(&done))
        .expect(1)
        .await?;
        done
    })
}

/// Why a venue stays as it is.
#[derive(Clone, Copy)]
enum Why {
    Changed,
    InUse,
    CodeTaken,
}

fn stays(line: u64, why: Why) -> Remark {
    let (code, ja, en) = match why {
        Why::Changed => (
            "venue_changed_since",
            "取り込んだ後に会場の内容が変わったため、元に戻しませんでした。会場の画面で確かめてください。",
            "The venue was changed after it was loaded, so it was not put back. See the venue's page.",
        ),
        Why::InUse => (
            "venue_in_use",
            "取り込みで追加した会場ですが、すでに使われているため残しました。使わないときは、会場の画面で閉鎖してください。",
            "The file founded this venue, but it is in use by now and stays. Close it on its page if it is not wanted.",
        ),
        Why::CodeTaken => (
            "venue_code_taken_since",
            "元の会場コードを別の会場がもっているため、元に戻しませんでした。会場の画面で確かめてください。",
            "Another venue has the former code by now, so the venue was not put back. See the venue's page.",
        ),
    };
    Remark {
        line,
        column: Some("会場コード".to_owned()),
        code: code.to_owned(),
        ja: ja.to_owned(),
        en: en.to_owned(),
        kept: true,
    }
}

type Left = Vec<(u64, Why)>;

async fn put_back(
    tx: &mut Tx,
    permit: &Permit,
    hand: &InHand,
    kept: Vec<Kept>,
    now: Instant,
) -> Result<(Done, Left)> {
    let ids: BTreeSet<OrganisationId> = kept.iter().map(|one| OrganisationId(one.venue)).collect();
    let stands = of_venues(tx, &ids).await?;
    let mut left = Vec::new();
    let untouched = |one: &Kept| {
        let stands = stands.get(&OrganisationId(one.venue))?;
        (stands.tellings == one.tellings).then(|| stands.clone())
    };
    let (mut founded, mut known) = (BTreeMap::new(), Vec::new());
    for one in kept {
        match untouched(&one) {
            None => left.push((one.line, Why::Changed)),
            Some(stands) if one.founded => {
                founded.insert(OrganisationId(one.venue), (one, stands));
            }
            Some(stands) => known.push((one, stands)),
        }
    }
    let mut done = Done::default();
    tell_back(tx, permit, hand, known, (&mut done, &mut left), now).await?;
    for id in in_use(tx, &founded).await? {
        if let Some((one, _)) = founded.remove(&id) {
            left.push((one.line, Why::InUse));
        }
    }
    done.put_back += founded.len() as u64;
    take_away(tx, hand.import.id, &founded, now).await?;
    done.left = left.len() as u64;
    Ok((done, left))
}

/// Tells of venues that were there before the file what held before it.
async fn tell_back(
    tx: &mut Tx,
    permit: &Permit,
    hand: &InHand,
    known: Vec<(Kept, Stands)>,
    (done, left): (&mut Done, &mut Left),
    now: Instant,
) -> Result<()> {
    let mut telling = Telling::new(permit, &hand.import, now);
    let mut withdrawn = Vec::new();
    for (one, mut stands) in known {
        let venue = OrganisationId(one.venue);
        if let Some((since, was)) = one.code {
            match was {
                None => {
                    withdrawn.push((venue, "code".to_owned(), stands.code_revision, json(&since)));
                    stands.known.codes = CodeHistory::default();
                }
                Some(was) => {
                    let back = domain::venues::codes::CodeSince {
                        from: since.from,
                        ..was
                    };
                    let all = stands.known.codes.all().iter().copied().chain([back]);
                    let becomes = CodeHistory::told(all);
                    if is_taken(tx, venue, &becomes, back.code).await? {
                        left.push((one.line, Why::CodeTaken));
                        continue;
                    }
                    telling.tell_code(venue, &mut stands, back);
                }
            }
        }
        for (from, told, was) in one.told {
            let section = told.section();
            match was {
                Some(was) => telling.tell(venue, &mut stands, (from, was)),
                None => {
                    let revision = stands.revisions.get(&section).copied().unwrap_or_default();
                    withdrawn.push((venue, section.as_str().to_owned(), revision, json(&told)));
                    if let Some(of_section) = stands.known.told.get_mut(&section) {
                        of_section.remove(&from);
                    }
                    if section == domain::venues::record::Section::Closing {
                        stands.active = true;
                    }
                }
            }
        }
        telling.show(venue, &stands);
        done.put_back += 1;
    }
    telling.flush(tx).await?;
    withdraw(tx, hand.import.id, &withdrawn, now).await
}

async fn is_taken(
    tx: &mut Tx,
    venue: OrganisationId,
    becomes: &CodeHistory,
    code: domain::venues::FacilityCode,
) -> Result<bool> {
    let mut others = of_codes(tx, &BTreeSet::from([code])).await?;
    others.remove(&venue);
    let others = of_venues(tx, &others).await?;
    let shared = |other: &Stands| becomes.shared_with(&other.known.codes).is_some();
    Ok(others.values().any(shared))
}

/// Takes single tellings away that nothing stood before, and keeps them aside.
async fn withdraw(
    tx: &mut Tx,
    import: Uuid,
    withdrawn: &[(OrganisationId, String, i64, String)],
    now: Instant,
) -> Result<()> {
    if withdrawn.is_empty() {
        return Ok(());
    }
    let venues = || {
        withdrawn
            .iter()
            .map(|(venue, ..)| venue.0.as_bytes().to_vec())
    };
    let abouts = || withdrawn.iter().map(|(_, about, ..)| about.as_str());
    let told = withdrawn.iter().map(|(.., told)| told.as_str());
    set_aside(
        tx,
        import,
        (venues().collect(), abouts().collect(), told.collect()),
        now,
    )
    .await?;
    let table = || {
        Table::default()
            .bytes(venues())
            .text(abouts())
            .whole(withdrawn.iter().map(|(_, _, revision, _)| *revision))
    };
    tx.many(
        sql!(
            "WITH k (venue, about, revision) AS ({rows: bytea, text, bigint})
             DELETE FROM venue_section
             WHERE (venue, section, revision) IN (SELECT k.venue, k.about, k.revision FROM k)"
        ),
        table(),
    )
    .run()
    .await?;
    tx.many(
        sql!(
            "WITH k (venue, about, revision) AS ({rows: bytea, text, bigint})
             DELETE FROM venue_code
             WHERE (venue, revision) IN (SELECT k.venue, k.revision FROM k WHERE k.about = 'code')"
        ),
        table(),
    )
    .run()
    .await?;
    Ok(())
}

async fn set_aside(
    tx: &mut Tx,
    import: Uuid,
    (venues, abouts, told): (Vec<Vec<u8>>, Vec<&str>, Vec<&str>),
    now: Instant,
) -> Result<()> {
    let rows = venues.len();
    let table = Table::default()
        .bytes((0..rows).map(|_| import.as_bytes().to_vec()))
        .bytes(venues)
        .text(abouts)
        .text(told)
        .whole((0..rows).map(|_| now.micros()));
    tx.many(
        sql!(
            "INSERT INTO venue_undone (import, venue, about, told, undone_at) {rows: bytea, bytea, text, text, bigint}"
        ),
        table,
    )
    .run()
    .await?;
    Ok(())
}

/// Those of these venues that somebody works with, or that supply one that stays.
async fn in_use(
    tx: &mut Tx,
    founded: &BTreeMap<OrganisationId, (Kept, Stands)>,
) -> Result<BTreeSet<OrganisationId>> {
    if founded.is_empty() {
        return Ok(BTreeSet::new());
    }
    let id = |bytes: &[u8]| -> Result<OrganisationId> {
        Ok(OrganisationId(uuid(bytes, "organisation", "id")?))
    };
    let places = founded.iter().map(|(id, (_, stands))| {
        place_key(&domain::access::Place::Venue {
            id: *id,
            city: stands.city,
        })
    });
    let table = Table::default()
        .bytes(founded.keys().map(|id| id.0.as_bytes().to_vec()))
        .text(places)
        .text(
            founded
                .values()
                .map(|(_, stands)| stands.city.as_str().to_owned()),
        );
    let rows: Vec<(Vec<u8>,)> = tx
        .many(
            sql!(
                "WITH k (venue, place, municipality) AS ({rows: bytea, text, text})
                 SELECT k.venue FROM k
                 WHERE EXISTS (SELECT 1 FROM account AS u WHERE u.organisation = k.venue)
                    OR EXISTS (SELECT 1 FROM mandate AS u WHERE u.venue = k.venue)
                    OR EXISTS (SELECT 1 FROM venue_opening AS u WHERE u.venue = k.venue)
                    OR EXISTS (SELECT 1 FROM code_application AS u WHERE u.venue = k.venue)
                    OR EXISTS (SELECT 1 FROM venue_own_code AS u WHERE u.venue = k.venue)
                    OR EXISTS (SELECT 1 FROM vial_order AS u
                               WHERE u.municipality = k.municipality AND u.venue = k.venue)
                    OR EXISTS (SELECT 1 FROM supply_at_venue AS u WHERE u.venue = k.venue)
                    OR EXISTS (SELECT 1 FROM stock_balance AS u WHERE u.holder = k.venue)
                    OR EXISTS (SELECT 1 FROM allocation_line AS u WHERE u.receiver = k.place)"
            ),
            table,
        )
        .all()
        .await?;
    let mut used: BTreeSet<OrganisationId> = rows
        .iter()
        .map(|(venue,)| id(venue))
        .collect::<Result<_>>()?;
    // Whoever is supplied by one of them, and by which.
    let told = founded.keys().map(|id| {
        json(&Told::Source(Source {
            supplier: Some(*id),
        }))
    });
    let pairs: Vec<(Vec<u8>, Vec<u8>)> = tx
        .many(
            sql!(
                "WITH k (told, supplier) AS ({rows: text, bytea})
                 SELECT s.venue, k.supplier FROM k CROSS JOIN venue_section AS s
                 WHERE s.section = 'source' AND s.told = k.told"
            ),
            Table::default()
                .text(told)
                .bytes(founded.keys().map(|id| id.0.as_bytes().to_vec())),
        )
        .all()
        .await?;
    let pairs: Vec<(OrganisationId, OrganisationId)> = pairs
        .iter()
        .map(|(venue, supplier)| Ok((id(venue)?, id(supplier)?)))
        .collect::<Result<_>>()?;
    loop {
        let goes = |venue: &OrganisationId, used: &BTreeSet<OrganisationId>| {
            founded.contains_key(venue) && !used.contains(venue)
        };
        let more: Vec<OrganisationId> = pairs
            .iter()
            .filter(|(venue, supplier)| !goes(venue, &used) && goes(supplier, &used))
            .map(|(_, supplier)| *supplier)
            .collect();
        if more.is_empty() {
            return Ok(used);
        }
        used.extend(more);
    }
}

/// Takes venues away that the file founded, and keeps aside what was told of them.
async fn take_away(
    tx: &mut Tx,
    import: Uuid,
    founded: &BTreeMap<OrganisationId, (Kept, Stands)>,
    now: Instant,
) -> Result<()> {
    if founded.is_empty() {
        return Ok(());
    }
    let (mut venues, mut abouts, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (id, (one, stands)) in founded {
        let mut aside = |about: &'static str, what: String| {
            venues.push(id.0.as_bytes().to_vec());
            abouts.push(about);
            told.push(what);
        };
        let (since, _) = one.code.ok_or_else(|| bad("before"))?;
        aside(
            "venue",
            value!({ "city": stands.city.as_str() }).to_string(),
        );
        aside("code", json(&since));
        for (from, told, _) in &one.told {
            aside(
                told.section().as_str(),
                json(&value!({ "from": from, "told": told })),
            );
        }
    }
    let words = told.iter().map(String::as_str).collect();
    set_aside(tx, import, (venues, abouts, words), now).await?;
    let ids = || Table::default().bytes(founded.keys().map(|id| id.0.as_bytes().to_vec()));
    for statement in [
        sql!(
            "WITH k (id) AS ({rows: bytea}) DELETE FROM venue_section WHERE venue IN (SELECT k.id FROM k)"
        ),
        sql!(
            "WITH k (id) AS ({rows: bytea}) DELETE FROM venue_code WHERE venue IN (SELECT k.id FROM k)"
        ),
        sql!(
            "WITH k (id) AS ({rows: bytea}) DELETE FROM organisation WHERE id IN (SELECT k.id FROM k)"
        ),
    ] {
        tx.many(statement, ids()).run().await?;
    }
    Ok(())
}
