//! What is told of venues, section by section.

use std::collections::BTreeMap;

use domain::access::{OrganisationId, Permit};
use domain::calendar::{Day, Instant};
use domain::venues::record::{Change, Section, Told, changes};
use domain::venues::suppliers::{self as rules, Timeline};
use serde_json::json;
use uuid::Uuid;

use super::{Kept, may_see, may_tell, within, write_change};
use crate::accounts::uuid;
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Rows of one section's story at most.
const STORY_MAX: i64 = 200;
/// How many venues stand above each other at most; a box is passed on once, seldom twice.
const SUPPLIERS_MAX: usize = 16;
/// Venues that a select of suppliers shows at most.
const CHOICES_MAX: i64 = 1_000;

/// What is told of a section from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionTold {
    /// From which day on.
    pub from: Day,
    /// What.
    pub told: Told,
    /// Which telling it was, from 1.
    pub revision: i64,
    /// When.
    pub at: Instant,
}

/// A telling as the story shows it: what it changed of what was told before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Of which section.
    pub section: Section,
    /// From which day on.
    pub from: Day,
    /// When it was told.
    pub at: Instant,
    /// The organisation that told it.
    pub by: String,
    /// The name of the file that told it (取込), if one did.
    pub file: Option<String>,
    /// Each item that changed.
    pub changes: Vec<Change>,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    section: String,
    revision: i64,
    valid_from: String,
    told: String,
    at_micros: i64,
    by_name: String,
    file: Option<String>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "venue_section",
        column,
    }
}

/// What was told in a row's words.
pub(crate) fn told_in(kept: &str) -> Result<Told> {
    serde_json::from_str(kept).map_err(|_| bad("told"))
}

impl Row {
    fn told(&self) -> Result<SectionTold> {
        Ok(SectionTold {
            from: Day::parse(&self.valid_from).ok_or_else(|| bad("valid_from"))?,
            told: told_in(&self.told)?,
            revision: self.revision,
            at: Instant::from_micros(self.at_micros),
        })
    }
}

async fn rows(tx: &mut Tx, venue: OrganisationId) -> Result<Vec<Row>> {
    tx.query(sql!(
        "SELECT s.section, s.revision, s.valid_from, s.told, s.at_micros, COALESCE(o.name, '') AS by_name,
                (SELECT m.file_name FROM import AS m WHERE m.id = s.import AND m.kind = 'venues') AS file
         FROM venue_section AS s LEFT JOIN organisation AS o ON o.id = s.organisation
         WHERE s.venue = $1 ORDER BY s.at_micros, s.section, s.revision LIMIT $2"
    ))
    .bind(venue.0.as_bytes().to_vec())
    .bind(STORY_MAX)
    .all()
    .await
}

/// What holds of each section on a day, and what is told for later; of one section in order of days. Of two from the same
/// day on only the one told later is there.
///
/// # Errors
/// The database's.
pub async fn sections(
    db: &Db,
    permit: &Permit,
    venue: OrganisationId,
    day: Day,
) -> Result<BTreeMap<Section, Vec<SectionTold>>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let mut found: BTreeMap<Section, Vec<SectionTold>> = BTreeMap::new();
    if within(&mut tx, permit, venue).await?.is_none() {
        return Ok(found);
    }
    for row in rows(&mut tx, venue).await? {
        let told = row.told()?;
        let section = found.entry(told.told.section()).or_default();
        section.retain(|earlier| earlier.from != told.from);
        section.push(told);
    }
    for section in found.values_mut() {
        section.sort_by_key(|one| one.from);
        let holding = section.iter().rposition(|one| one.from <= day).unwrap_or(0);
        section.drain(..holding);
    }
    Ok(found)
}

/// What was told of a venue and what each telling changed, the latest first.
///
/// # Errors
/// The database's.
pub async fn story(db: &Db, permit: &Permit, venue: OrganisationId) -> Result<Vec<Story>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    if within(&mut tx, permit, venue).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut before: BTreeMap<String, Told> = BTreeMap::new();
    let mut story = Vec::new();
    for row in rows(&mut tx, venue).await? {
        let one = row.told()?;
        story.push(Story {
            section: one.told.section(),
            from: one.from,
            at: one.at,
            by: row.by_name,
            file: row.file,
            changes: changes(before.get(&row.section), &one.told),
        });
        before.insert(row.section, one.told);
    }
    story.reverse();
    Ok(story)
}

/// Tells a section from a day on; `seen` is the section's last revision that whoever tells had before them, 0 for none.
/// What is told has nothing against it that [`Told::refusals`] would say.
///
/// # Errors
/// The database's.
pub async fn tell(
    db: &Db,
    permit: &Permit,
    venue: OrganisationId,
    (told, from): (&Told, Day),
    seen: i64,
    (audit, at): (Uuid, Instant),
) -> Result<Kept> {
    may_tell(permit)?;
    let section = told.section();
    if !section.is_told_by(permit.actor().kind) {
        return Ok(Kept::NotYours);
    }
    transact!(db, |tx| {
        let Some(standing) = within(&mut tx, permit, venue).await? else {
            return Ok(Kept::NotFound);
        };
        let last = last(&mut tx, venue, section).await?;
        let revision = last.as_ref().map_or(0, |one| one.revision);
        if last
            .as_ref()
            .is_some_and(|one| one.told == *told && one.from == from)
        {
            return Ok(Kept::AsItIs);
        }
        if seen != revision {
            return Ok(Kept::ChangedMeanwhile(revision));
        }
        if let Told::Source(source) = told
            && let Some(kept) = against_source(&mut tx, venue, source.supplier, from).await?
        {
            return Ok(kept);
        }
        put(&mut tx, venue, (told, from), revision + 1, (permit, at)).await?;
        if holds_today(&mut tx, venue, (section, from), at.day_in_japan()).await? {
            show(&mut tx, venue, told).await?;
        }
        let changed = changes(last.as_ref().map(|one| &one.told), told);
        let items: Vec<&str> = changed.iter().map(|one| one.item).collect();
        // What it said and says is in the rows themselves; an auditor is told where to look.
        let detail = json!({
            "section": section, "from": from, "revision": revision + 1, "items": items,
        });
        let about = ("tell-venue", venue, Some(standing.city));
        write_change(&mut tx, permit, about, &detail, (audit, at)).await?;
        Kept::As(revision + 1)
    })
}

async fn last(tx: &mut Tx, venue: OrganisationId, section: Section) -> Result<Option<SectionTold>> {
    let row: Option<Row> = tx
        .query(sql!(
            "SELECT section, revision, valid_from, told, at_micros, '' AS by_name, CAST(NULL AS TEXT) AS file FROM venue_section
             WHERE venue = $1 AND section = $2 ORDER BY revision DESC LIMIT 1"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(section.as_str().to_owned())
        .optional()
        .await?;
    row.map(|row| row.told()).transpose()
}

pub(super) async fn put(
    tx: &mut Tx,
    venue: OrganisationId,
    (told, from): (&Told, Day),
    revision: i64,
    (permit, at): (&Permit, Instant),
) -> Result<()> {
    let kept = serde_json::to_string(told).map_err(|_| bad("told"))?;
    tx.query(sql!(
        "INSERT INTO venue_section (venue, section, revision, valid_from, told, at_micros, by_user, organisation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    ))
    .bind(venue.0.as_bytes().to_vec())
    .bind(told.section().as_str().to_owned())
    .bind(revision)
    .bind(from.to_string())
    .bind(kept)
    .bind(at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .bind(permit.actor().organisation.0.as_bytes().to_vec())
    .expect(1)
    .await
}

/// Whether what is told of a section from a day on holds today.
async fn holds_today(
    tx: &mut Tx,
    venue: OrganisationId,
    (section, from): (Section, Day),
    today: Day,
) -> Result<bool> {
    let later: Option<(i64,)> = tx
        .query(sql!(
            "SELECT CAST(1 AS BIGINT) FROM venue_section
             WHERE venue = $1 AND section = $4 AND valid_from > $2 AND valid_from <= $3 LIMIT 1"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(from.to_string())
        .bind(today.to_string())
        .bind(section.as_str().to_owned())
        .optional()
        .await?;
    Ok(from <= today && later.is_none())
}

/// The name of a telling that holds today is the venue's name everywhere, and nobody logs in where it is closed.
async fn show(tx: &mut Tx, venue: OrganisationId, told: &Told) -> Result<()> {
    let id = venue.0.as_bytes().to_vec();
    match told {
        Told::Standing(said) => {
            tx.query(sql!("UPDATE organisation SET name = $2 WHERE id = $1"))
                .bind(id)
                .bind(said.name.clone())
                .expect(1)
                .await
        }
        Told::Closing(said) => {
            tx.query(sql!("UPDATE organisation SET active = $2 WHERE id = $1"))
                .bind(id)
                .bind(i64::from(!said.closed))
                .expect(1)
                .await
        }
        _ => Ok(()),
    }
}

/// The closings, and openings, whose day has come.
pub(super) async fn turn_closings(tx: &mut Tx, today: &str, since: &str) -> Result<u64> {
    let rows: Vec<(Vec<u8>, i64, String)> = tx
        .query(sql!(
            "SELECT o.id, o.active, s.told FROM venue_section AS s JOIN organisation AS o ON o.id = s.venue
             WHERE s.section = 'closing' AND s.valid_from > $2 AND s.valid_from <= $1
             ORDER BY s.venue, s.valid_from, s.revision"
        ))
        .bind(today.to_owned())
        .bind(since.to_owned())
        .all()
        .await?;
    let mut closed: BTreeMap<Vec<u8>, (bool, Told)> = BTreeMap::new();
    for (venue, active, told) in rows {
        closed.insert(venue, (active == 1, told_in(&told)?));
    }
    let mut changed = 0;
    for (venue, (active, told)) in closed {
        if matches!(&told, Told::Closing(said) if said.closed == active) {
            let venue = OrganisationId(uuid(&venue, "organisation", "id")?);
            show(tx, venue, &told).await?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// The names whose day has come.
pub(super) async fn turn_names(tx: &mut Tx, today: &str, since: &str) -> Result<u64> {
    let rows: Vec<(Vec<u8>, String, String)> = tx
        .query(sql!(
            "SELECT o.id, o.name, s.told FROM venue_section AS s JOIN organisation AS o ON o.id = s.venue
             WHERE s.section = 'standing' AND s.valid_from > $2 AND s.valid_from <= $1
             ORDER BY s.venue, s.valid_from, s.revision"
        ))
        .bind(today.to_owned())
        .bind(since.to_owned())
        .all()
        .await?;
    let mut names: BTreeMap<Vec<u8>, (String, String)> = BTreeMap::new();
    for (venue, name, told) in rows {
        if let Told::Standing(said) = told_in(&told)? {
            names.insert(venue, (name, said.name));
        }
    }
    let mut changed = 0;
    for (venue, (name, becomes)) in names {
        if name != becomes {
            tx.query(sql!("UPDATE organisation SET name = $2 WHERE id = $1"))
                .bind(venue)
                .bind(becomes)
                .expect(1)
                .await?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// What stands against a supplier from a day on, if anything does.
async fn against_source(
    tx: &mut Tx,
    venue: OrganisationId,
    supplier: Option<OrganisationId>,
    from: Day,
) -> Result<Option<Kept>> {
    let Some(supplier) = supplier else {
        return Ok(None);
    };
    let known: Option<(i64,)> = tx
        .query(sql!(
            "SELECT active FROM organisation WHERE id = $1 AND kind = 'venue' AND active = 1"
        ))
        .bind(supplier.0.as_bytes().to_vec())
        .optional()
        .await?;
    if known.is_none() {
        return Ok(Some(Kept::NoSupplier));
    }
    Ok(first_circle(tx, venue, supplier, from)
        .await?
        .map(Kept::Circle))
}

/// The first day from this one on on which the venue would supply itself, if this supplier supplied it.
pub(crate) async fn first_circle(
    tx: &mut Tx,
    venue: OrganisationId,
    supplier: OrganisationId,
    from: Day,
) -> Result<Option<Day>> {
    let mut all: BTreeMap<OrganisationId, Timeline> = BTreeMap::new();
    let mut own = timeline(tx, venue).await?;
    own.insert(from, Some(supplier));
    all.insert(venue, own);
    loop {
        let above: Vec<OrganisationId> = all
            .values()
            .flat_map(|line| line.values().flatten().copied())
            .filter(|one| !all.contains_key(one))
            .collect();
        if above.is_empty() || all.len() > SUPPLIERS_MAX {
            break;
        }
        for one in above {
            let line = timeline(tx, one).await?;
            all.insert(one, line);
        }
    }
    Ok(rules::first_circle(&all, venue, from))
}

async fn timeline(tx: &mut Tx, venue: OrganisationId) -> Result<Timeline> {
    let rows: Vec<(String, String)> = tx
        .query(sql!(
            "SELECT valid_from, told FROM venue_section WHERE venue = $1 AND section = 'source'
             ORDER BY revision LIMIT $2"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(STORY_MAX)
        .all()
        .await?;
    let mut line = Timeline::new();
    for (from, told) in rows {
        let Told::Source(source) = told_in(&told)? else {
            return Err(bad("told"));
        };
        line.insert(
            Day::parse(&from).ok_or_else(|| bad("valid_from"))?,
            source.supplier,
        );
    }
    Ok(line)
}

/// The venues that may supply one: those of its prefecture, by name.
///
/// # Errors
/// The database's.
pub async fn suppliers(
    db: &Db,
    permit: &Permit,
    venue: OrganisationId,
) -> Result<Vec<(OrganisationId, String)>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let Some(standing) = within(&mut tx, permit, venue).await? else {
        return Ok(Vec::new());
    };
    let rows: Vec<(Vec<u8>, String)> = tx
        .query(sql!(
            "SELECT id, name FROM organisation
             WHERE kind = 'venue' AND active = 1 AND prefecture = $1 AND id <> $2
             ORDER BY name, id LIMIT $3"
        ))
        .bind(i64::from(standing.prefecture.number()))
        .bind(venue.0.as_bytes().to_vec())
        .bind(CHOICES_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(id, name)| Ok((OrganisationId(uuid(&id, "organisation", "id")?), name)))
        .collect()
}
