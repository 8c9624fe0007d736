//! What the lines of a stretch tell of venues, gathered and written down in few statements.

use domain::access::{OrganisationId, Permit};
use domain::calendar::{Day, Instant};
use domain::places::MunicipalityCode;
use domain::venues::codes::{CodeHistory, CodeSince};
use domain::venues::files::{Known, Plan};
use domain::venues::record::{Closing, Section, Told};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Line;
use crate::accounts::place_key;
use crate::db::{Table, Tx, sql};
use crate::error::Result;
use crate::imports::Import;
use crate::recorder::json;
use crate::venues::Stands;

/// What a line did to a venue, as it is kept for undoing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::imports) struct Kept {
    pub line: u64,
    pub venue: Uuid,
    /// Whether the line founded it.
    pub founded: bool,
    /// How often anything had been told of it after the line.
    pub tellings: i64,
    /// The code that was told, and what the venue had on that day.
    pub code: Option<(CodeSince, Option<CodeSince>)>,
    /// The sections that were told, and what held of them on that day.
    pub told: Vec<(Day, Told, Option<Told>)>,
}

/// A venue that is founded.
struct Founded {
    id: OrganisationId,
    city: MunicipalityCode,
}

/// A venue as everybody is to see it today.
struct Shown {
    id: OrganisationId,
    name: String,
    code: Option<String>,
    active: bool,
}

/// Tellings that wait to be written.
pub(super) struct Telling<'p> {
    permit: &'p Permit,
    import: Uuid,
    /// Why codes change: the file.
    reason: String,
    at: Instant,
    founded: Vec<Founded>,
    codes: Vec<(OrganisationId, i64, CodeSince)>,
    sections: Vec<(OrganisationId, i64, Day, Told)>,
    shown: Vec<Shown>,
    kept: Vec<Kept>,
}

impl<'p> Telling<'p> {
    pub(super) fn new(permit: &'p Permit, import: &Import, at: Instant) -> Self {
        Self {
            permit,
            import: import.id,
            reason: format!("取込 {}", import.file_name),
            at,
            founded: Vec::new(),
            codes: Vec::new(),
            sections: Vec::new(),
            shown: Vec::new(),
            kept: Vec::new(),
        }
    }

    pub(super) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// Tells what a line says; gives the venue as it stands then.
    pub(super) fn put(
        &mut self,
        line: &Line,
        plan: &Plan,
        known: Option<(OrganisationId, Stands)>,
        fresh: impl Fn() -> OrganisationId,
    ) -> (OrganisationId, Stands) {
        let founded = known.is_none();
        let (venue, mut stands) = known.unwrap_or_else(|| (fresh(), nothing(line)));
        if founded {
            self.founded.push(Founded {
                id: venue,
                city: line.row.city,
            });
        }
        let before = stands.known.clone();
        if let Some(since) = plan.code {
            self.tell_code(venue, &mut stands, since);
        }
        for (from, told) in &plan.told {
            self.tell(venue, &mut stands, (*from, told.clone()));
        }
        self.show(venue, &stands);
        self.kept.push(Kept {
            line: line.line,
            venue: venue.0,
            founded,
            tellings: stands.tellings,
            code: plan
                .code
                .map(|since| (since, before.codes.on(since.from).copied())),
            told: plan
                .told
                .iter()
                .map(|(from, told)| {
                    let was = before.on(told.section(), *from).cloned();
                    (*from, told.clone(), was)
                })
                .collect(),
        });
        (venue, stands)
    }

    pub(super) fn tell_code(
        &mut self,
        venue: OrganisationId,
        stands: &mut Stands,
        since: CodeSince,
    ) {
        stands.code_revision += 1;
        stands.tellings += 1;
        let told = stands.known.codes.all().iter().copied().chain([since]);
        stands.known.codes = CodeHistory::told(told);
        self.codes.push((venue, stands.code_revision, since));
    }

    pub(super) fn tell(
        &mut self,
        venue: OrganisationId,
        stands: &mut Stands,
        (from, told): (Day, Told),
    ) {
        let section = told.section();
        let revision = stands.revisions.entry(section).or_default();
        *revision += 1;
        stands.tellings += 1;
        self.sections.push((venue, *revision, from, told.clone()));
        let of_section = stands.known.told.entry(section).or_default();
        of_section.insert(from, told);
    }

    /// Shows the venue everywhere as it stands today.
    pub(super) fn show(&mut self, venue: OrganisationId, stands: &Stands) {
        let today = self.at.day_in_japan();
        let name = match stands.known.on(Section::Standing, today) {
            Some(Told::Standing(told)) => told.name.clone(),
            _ => stands.name.clone(),
        };
        let active = match stands.known.on(Section::Closing, today) {
            Some(Told::Closing(Closing { closed })) => !closed,
            _ => stands.active,
        };
        let code = stands.known.codes.on(today);
        self.shown.push(Shown {
            id: venue,
            name,
            code: code.map(|one| one.code.as_str().to_owned()),
            active,
        });
    }

    /// Writes down what waits.
    pub(super) async fn flush(&mut self, tx: &mut Tx) -> Result<()> {
        self.flush_founded(tx).await?;
        self.flush_codes(tx).await?;
        self.flush_sections(tx).await?;
        self.flush_shown(tx).await
    }

    async fn flush_founded(&mut self, tx: &mut Tx) -> Result<()> {
        let founded = std::mem::take(&mut self.founded);
        if founded.is_empty() {
            return Ok(());
        }
        let place = |one: &Founded| {
            place_key(&domain::access::Place::Venue {
                id: one.id,
                city: one.city,
            })
        };
        let prefecture = |one: &Founded| one.city.prefecture().map_or(0, |own| own.number());
        let table = Table::default()
            .bytes(founded.iter().map(|one| one.id.0.as_bytes().to_vec()))
            .text(founded.iter().map(place))
            .whole(founded.iter().map(|one| i64::from(prefecture(one))))
            .text(founded.iter().map(|one| one.city.as_str().to_owned()));
        tx.many(
            sql!(
                "WITH k (id, place, prefecture, municipality) AS ({rows: bytea, text, bigint, text})
                 INSERT INTO organisation (id, kind, name, place, prefecture, municipality, facility_code, active)
                 SELECT k.id, 'venue', '', k.place, k.prefecture, k.municipality, NULL, 1 FROM k"
            ),
            table,
        )
        .run()
        .await?;
        Ok(())
    }

    async fn flush_codes(&mut self, tx: &mut Tx) -> Result<()> {
        let codes = std::mem::take(&mut self.codes);
        if codes.is_empty() {
            return Ok(());
        }
        let by = self.permit.actor();
        let reason = |revision: i64| {
            if revision == 1 {
                ""
            } else {
                self.reason.as_str()
            }
        };
        let table = Table::default()
            .bytes(codes.iter().map(|(venue, ..)| venue.0.as_bytes().to_vec()))
            .whole(codes.iter().map(|(_, revision, _)| *revision))
            .text(codes.iter().map(|(.., since)| since.from.to_string()))
            .text(
                codes
                    .iter()
                    .map(|(.., since)| since.code.as_str().to_owned()),
            )
            .text(codes.iter().map(|(.., since)| since.kind.as_str()))
            .text(codes.iter().map(|(_, revision, _)| reason(*revision)))
            .whole(codes.iter().map(|_| self.at.micros()))
            .bytes(codes.iter().map(|_| by.user.0.as_bytes().to_vec()))
            .bytes(codes.iter().map(|_| by.organisation.0.as_bytes().to_vec()))
            .bytes(codes.iter().map(|_| self.import.as_bytes().to_vec()));
        tx.many(
            sql!(
                "INSERT INTO venue_code (venue, revision, valid_from, code, kind, reason, at_micros, by_user, organisation,
                                         import)
                 {rows: bytea, bigint, text, text, text, text, bigint, bytea, bytea, bytea}"
            ),
            table,
        )
        .run()
        .await?;
        Ok(())
    }

    async fn flush_sections(&mut self, tx: &mut Tx) -> Result<()> {
        let sections = std::mem::take(&mut self.sections);
        if sections.is_empty() {
            return Ok(());
        }
        let by = self.permit.actor();
        let table = Table::default()
            .bytes(
                sections
                    .iter()
                    .map(|(venue, ..)| venue.0.as_bytes().to_vec()),
            )
            .text(sections.iter().map(|(.., told)| told.section().as_str()))
            .whole(sections.iter().map(|(_, revision, ..)| *revision))
            .text(sections.iter().map(|(_, _, from, _)| from.to_string()))
            .text(sections.iter().map(|(.., told)| json(told)))
            .whole(sections.iter().map(|_| self.at.micros()))
            .bytes(sections.iter().map(|_| by.user.0.as_bytes().to_vec()))
            .bytes(
                sections
                    .iter()
                    .map(|_| by.organisation.0.as_bytes().to_vec()),
            )
            .bytes(sections.iter().map(|_| self.import.as_bytes().to_vec()));
        tx.many(
            sql!(
                "INSERT INTO venue_section (venue, section, revision, valid_from, told, at_micros, by_user, organisation,
                                            import)
                 {rows: bytea, text, bigint, text, text, bigint, bytea, bytea, bytea}"
            ),
            table,
        )
        .run()
        .await?;
        Ok(())
    }

    async fn flush_shown(&mut self, tx: &mut Tx) -> Result<()> {
        let shown = std::mem::take(&mut self.shown);
        if shown.is_empty() {
            return Ok(());
        }
        let table = Table::default()
            .bytes(shown.iter().map(|one| one.id.0.as_bytes().to_vec()))
            .text(shown.iter().map(|one| one.name.clone()))
            .text_or_null(shown.iter().map(|one| one.code.clone()))
            .whole(shown.iter().map(|one| i64::from(one.active)));
        tx.many(
            sql!(
                "WITH k (id, name, code, active) AS ({rows: bytea, text, text, bigint})
                 UPDATE organisation SET name = k.name, facility_code = k.code, active = k.active
                 FROM k WHERE organisation.id = k.id"
            ),
            table,
        )
        .run()
        .await?;
        Ok(())
    }
}

/// A venue of which nothing is told yet.
fn nothing(line: &Line) -> Stands {
    Stands {
        city: line.row.city,
        name: line.row.name.clone(),
        active: true,
        known: Known::default(),
        tellings: 0,
        code_revision: 0,
        revisions: std::collections::BTreeMap::new(),
    }
}
