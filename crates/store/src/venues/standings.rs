//! Many venues at once as they stand: for a file that is held against them.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::OrganisationId;
use domain::calendar::Day;
use domain::places::MunicipalityCode;
use domain::venues::FacilityCode;
use domain::venues::codes::{CodeHistory, CodeKind, CodeSince};
use domain::venues::files::Known;
use domain::venues::record::Section;

use super::record::told_in;
use crate::accounts::uuid;
use crate::db::{Table, Tx, sql};
use crate::error::{Error, Result};

/// A venue as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Stands {
    /// Where.
    pub city: MunicipalityCode,
    /// What it is called today.
    pub name: String,
    /// Whether its people may log in.
    pub active: bool,
    /// What is told of it.
    pub known: Known,
    /// How often anything was told of it: another number is another venue than was looked at.
    pub tellings: i64,
    /// The last revision of its code.
    pub code_revision: i64,
    /// The last revision of each section.
    pub revisions: BTreeMap<Section, i64>,
}

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

fn ids(venues: &BTreeSet<OrganisationId>) -> Table {
    Table::default().bytes(venues.iter().map(|id| id.0.as_bytes().to_vec()))
}

/// All venues that ever had one of these codes.
pub(crate) async fn of_codes(
    tx: &mut Tx,
    codes: &BTreeSet<FacilityCode>,
) -> Result<BTreeSet<OrganisationId>> {
    if codes.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<(Vec<u8>,)> = tx
        .many(
            sql!(
                "WITH k (code) AS ({rows: text})
                 SELECT DISTINCT c.venue FROM k CROSS JOIN venue_code AS c WHERE c.code = k.code"
            ),
            Table::default().text(codes.iter().map(FacilityCode::as_str)),
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|(id,)| Ok(OrganisationId(uuid(&id, "venue_code", "venue")?)))
        .collect()
}

/// The venues of these cities that have one of these names today.
pub(crate) async fn of_names(
    tx: &mut Tx,
    names: &BTreeSet<(String, String)>,
) -> Result<BTreeSet<OrganisationId>> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<(Vec<u8>,)> = tx
        .many(
            sql!(
                "WITH k (municipality, name) AS ({rows: text, text})
                 SELECT o.id FROM k CROSS JOIN organisation AS o
                 WHERE o.municipality = k.municipality AND o.name = k.name AND o.kind = 'venue'"
            ),
            Table::default()
                .text(names.iter().map(|(city, _)| city))
                .text(names.iter().map(|(_, name)| name)),
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|(id,)| Ok(OrganisationId(uuid(&id, "organisation", "id")?)))
        .collect()
}

#[derive(sqlx_macros::FromRow)]
struct CodeRow {
    venue: Vec<u8>,
    revision: i64,
    valid_from: String,
    code: String,
    kind: String,
}

#[derive(sqlx_macros::FromRow)]
struct SectionRow {
    venue: Vec<u8>,
    revision: i64,
    valid_from: String,
    told: String,
    organisation: Vec<u8>,
}

/// These venues as they stand.
pub(crate) async fn of_venues(
    tx: &mut Tx,
    venues: &BTreeSet<OrganisationId>,
) -> Result<BTreeMap<OrganisationId, Stands>> {
    let mut found = BTreeMap::new();
    if venues.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(Vec<u8>, String, String, i64)> = tx
        .many(
            sql!(
                "WITH k (id) AS ({rows: bytea})
                 SELECT o.id, COALESCE(o.municipality, ''), o.name, o.active
                 FROM k CROSS JOIN organisation AS o WHERE o.id = k.id AND o.kind = 'venue'"
            ),
            ids(venues),
        )
        .all()
        .await?;
    for (id, city, name, active) in rows {
        let bad_city = |_| bad("organisation", "municipality");
        found.insert(
            OrganisationId(uuid(&id, "organisation", "id")?),
            Stands {
                city: MunicipalityCode::parse(&city).map_err(bad_city)?,
                name,
                active: active == 1,
                known: Known::default(),
                tellings: 0,
                code_revision: 0,
                revisions: BTreeMap::new(),
            },
        );
    }
    put_codes(tx, venues, &mut found).await?;
    put_sections(tx, venues, &mut found).await?;
    Ok(found)
}

async fn put_codes(
    tx: &mut Tx,
    venues: &BTreeSet<OrganisationId>,
    found: &mut BTreeMap<OrganisationId, Stands>,
) -> Result<()> {
    let mut rows: Vec<CodeRow> = tx
        .many(
            sql!(
                "WITH k (id) AS ({rows: bytea})
                 SELECT c.venue, c.revision, c.valid_from, c.code, c.kind
                 FROM k CROSS JOIN venue_code AS c WHERE c.venue = k.id"
            ),
            ids(venues),
        )
        .all()
        .await?;
    rows.sort_by_key(|row| row.revision);
    let mut told: BTreeMap<OrganisationId, Vec<CodeSince>> = BTreeMap::new();
    for row in rows {
        let venue = OrganisationId(uuid(&row.venue, "venue_code", "venue")?);
        told.entry(venue).or_default().push(CodeSince {
            from: Day::parse(&row.valid_from).ok_or_else(|| bad("venue_code", "valid_from"))?,
            code: FacilityCode::parse(&row.code).map_err(|_| bad("venue_code", "code"))?,
            kind: CodeKind::parse(&row.kind).ok_or_else(|| bad("venue_code", "kind"))?,
        });
        if let Some(stands) = found.get_mut(&venue) {
            stands.tellings += 1;
            stands.code_revision = row.revision;
        }
    }
    for (venue, told) in told {
        if let Some(stands) = found.get_mut(&venue) {
            stands.known.codes = CodeHistory::told(told);
        }
    }
    Ok(())
}

async fn put_sections(
    tx: &mut Tx,
    venues: &BTreeSet<OrganisationId>,
    found: &mut BTreeMap<OrganisationId, Stands>,
) -> Result<()> {
    let mut rows: Vec<SectionRow> = tx
        .many(
            sql!(
                "WITH k (id) AS ({rows: bytea})
                 SELECT s.venue, s.revision, s.valid_from, s.told, s.organisation
                 FROM k CROSS JOIN venue_section AS s WHERE s.venue = k.id"
            ),
            ids(venues),
        )
        .all()
        .await?;
    rows.sort_by_key(|row| row.revision);
    for row in rows {
        let venue = OrganisationId(uuid(&row.venue, "venue_section", "venue")?);
        let Some(stands) = found.get_mut(&venue) else {
            continue;
        };
        let told = told_in(&row.told)?;
        let section = told.section();
        let from = Day::parse(&row.valid_from).ok_or_else(|| bad("venue_section", "valid_from"))?;
        stands.tellings += 1;
        stands.revisions.insert(section, row.revision);
        if section == Section::Account {
            stands.known.told_its_account = row.organisation == row.venue;
        }
        let told_so_far = stands.known.told.entry(section).or_default();
        told_so_far.insert(from, told);
    }
    Ok(())
}
