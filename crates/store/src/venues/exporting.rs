//! The venues of an area on their way into a file (会場マスタ出力), page by page in constant memory.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{OrganisationId, Permit};
use domain::calendar::Day;
use domain::venues::FacilityCode;
use domain::venues::files::{FileRow, Supplier, row_of};
use domain::venues::record::{Section, Source, Told};

use super::area;
use super::standings::{Stands, of_venues};
use crate::accounts::uuid;
use crate::db::{Db, sql};
use crate::error::Result;

/// Venues in one page.
const PAGE_VENUES: i64 = 500;

/// An export that was begun: as the venues stand on a day. Those whom nobody supplies come first, so that the file can be
/// taken in where none of them is known.
#[derive(Clone)]
pub struct Export {
    db: Db,
    prefecture: Option<i64>,
    city: Option<String>,
    day: Day,
    /// Whether those come now who are supplied by another.
    supplied: bool,
    after: Vec<u8>,
}

impl Export {
    /// Begins with the venues of the permit's area.
    ///
    /// # Errors
    /// The permit is for something else.
    pub fn begin(db: &Db, permit: &Permit, day: Day) -> Result<Self> {
        let (prefecture, city) = area(permit)?;
        Ok(Self {
            db: db.clone(),
            prefecture,
            city,
            day,
            supplied: false,
            after: Vec::new(),
        })
    }

    /// The next lines, which may be none; `None` at the end. A venue without code or type has no line.
    ///
    /// # Errors
    /// The database's.
    pub async fn page(&mut self) -> Result<Option<Vec<FileRow>>> {
        let mut tx = self.db.begin_reading().await?;
        let rows: Vec<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT o.id FROM organisation AS o
                 WHERE o.kind = 'venue' AND o.id > $3
                   AND (CAST($1 AS BIGINT) IS NULL OR o.prefecture = $1)
                   AND (CAST($2 AS TEXT) IS NULL OR o.municipality = $2)
                 ORDER BY o.id LIMIT $4"
            ))
            .bind(self.prefecture)
            .bind(self.city.clone())
            .bind(self.after.clone())
            .bind(PAGE_VENUES)
            .all()
            .await?;
        let Some((last,)) = rows.last() else {
            if self.supplied {
                return Ok(None);
            }
            (self.supplied, self.after) = (true, Vec::new());
            return Ok(Some(Vec::new()));
        };
        self.after.clone_from(last);
        let ids: BTreeSet<OrganisationId> = rows
            .iter()
            .map(|(id,)| Ok(OrganisationId(uuid(id, "organisation", "id")?)))
            .collect::<Result<_>>()?;
        let stands = of_venues(&mut tx, &ids).await?;
        let suppliers = stands.values().filter_map(|one| supplier(one, self.day));
        let suppliers = of_venues(&mut tx, &suppliers.collect()).await?;
        Ok(Some(self.lines(&stands, &suppliers)))
    }

    fn lines(
        &self,
        stands: &BTreeMap<OrganisationId, Stands>,
        suppliers: &BTreeMap<OrganisationId, Stands>,
    ) -> Vec<FileRow> {
        let code_of = |id: OrganisationId| -> Option<FacilityCode> {
            let codes = &suppliers.get(&id)?.known.codes;
            codes.on(self.day).map(|one| one.code)
        };
        let line = |one: &Stands| row_of(&one.known, (one.city, &one.name, self.day), code_of);
        let is_due = |row: &FileRow| {
            let is_supplied = matches!(row.supplier, Some(Supplier::Venue(_)));
            is_supplied == self.supplied
        };
        stands.values().filter_map(line).filter(is_due).collect()
    }
}

fn supplier(stands: &Stands, day: Day) -> Option<OrganisationId> {
    match stands.known.on(Section::Source, day) {
        Some(Told::Source(Source { supplier })) => *supplier,
        _ => None,
    }
}
