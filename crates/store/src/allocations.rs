//! Who asked for how many units in a cycle, what is proposed from which figures, and what was published.
//!
//! Invariants: what a giver publishes is never more than it has; nobody is left with less than they have
//! given on already; a decision carries all it was made from, and stays.

use std::collections::BTreeMap;

use domain::access::{Action, OrganisationId, Permit, Place};
use domain::allocation::{Node, Plan, Proposal};
use domain::calendar::{Day, Instant};
use domain::contracts::NoContract;
use domain::cycles::{Act, Draft, NATION, Tier, seat};
use domain::places::{MunicipalityCode, Places, Prefecture};
use serde_json::json;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::contracts;
use crate::cycles::{Cycle, open_until};
use crate::db::{Db, Tx, sql, transact};
use crate::deliveries::order_allocated;
use crate::error::{Error, Result};
use crate::{figures, supplies};

/// Venues of one city, or of one prefecture, at most.
const VENUES_MAX: i64 = 20_000;
/// Rows read of one plan at most: eleven figures of each place of a large prefecture.
pub(crate) const ROWS_MAX: i64 = 300_000;
/// Decisions told at most.
const DECISIONS_MAX: i64 = 100;

/// Somebody below a giver, with the name people know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Below {
    /// With what is known of it.
    pub node: Node,
    /// Its name.
    pub name: String,
    /// What people and files call it by: the code, or a venue's ten digits if it has any.
    pub code: String,
}

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// How many units.
    pub units: u64,
    /// Why so many.
    pub reason: String,
    /// 1 when it was asked first, one more with each change.
    pub revision: i64,
    /// When.
    pub at: Instant,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It stands, by this revision.
    As(i64),
    /// It is too late: this was the last day.
    Late(Option<Day>),
    /// The venue is no party to the collective contract.
    NoContract(NoContract),
}

/// What a giver published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// From 1 on.
    pub revision: i64,
    /// Units the giver had.
    pub supply: u64,
    /// All it was made from.
    pub plan: Plan,
    /// When.
    pub at: Instant,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// It stands, by this revision.
    As(i64),
    /// It is too late: this was the last day.
    Late(Option<Day>),
    /// Somebody published since it was looked at; it has this revision now.
    ChangedMeanwhile(i64),
    /// The giver has another number of units by now.
    OtherSupply(u64),
    /// These have given more on already than they would have.
    BelowGiven(Vec<Short>),
}

/// Somebody who has given more on than they would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// Who.
    pub seat: String,
    /// Units given on.
    pub given: u64,
    /// Units they would have.
    pub has: u64,
}

/// What a receiver got from the one above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Units.
    pub units: u64,
    /// The decision's revision.
    pub revision: i64,
    /// Who gave.
    pub giver: String,
}

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

fn wrong_permit() -> Error {
    Error::Unavailable("the permit is for something else".to_owned())
}

pub(crate) fn whole(units: i64, table: &'static str) -> Result<u64> {
    u64::try_from(units).map_err(|_| bad(table, "units"))
}

/// The seat of a permit's place, if the permit is for this.
pub(crate) fn seat_for(permit: &Permit, actions: &[Action]) -> Result<String> {
    let is_for_this = actions.contains(&permit.action());
    seat(permit.place())
        .filter(|_| is_for_this)
        .ok_or_else(wrong_permit)
}

/// The nodes of a giver's plan: the giver as the top, those it gives to, and those below them for what
/// they can keep, with the figures stated for the product and the requests of the cycle. A venue that is no party to the
/// collective contract on the cycle's first day is marked so.
///
/// # Errors
/// The database's.
pub async fn nodes(db: &Db, permit: &Permit, cycle: &Cycle) -> Result<Vec<Below>> {
    seat_for(permit, &[Action::Allocate])?;
    let mut tx = db.begin_reading().await?;
    nodes_within(&mut tx, permit.place(), cycle).await
}

async fn nodes_within(tx: &mut Tx, giver: &Place, cycle: &Cycle) -> Result<Vec<Below>> {
    let on = cycle.terms.first_day;
    let mut all = Vec::new();
    match giver {
        Place::Nation => {
            all.push(below(NATION, None, Tier::Nation, "国"));
            for prefecture in Prefecture::all() {
                let name = Places::bundled().prefecture_name(prefecture);
                let code = prefecture.to_string();
                all.push(below(&code, Some(NATION), Tier::Prefecture, name));
            }
            cities(&mut all, None, on);
        }
        Place::Prefecture(own) => {
            let name = Places::bundled().prefecture_name(*own);
            all.push(below(&own.to_string(), None, Tier::Prefecture, name));
            cities(&mut all, Some(*own), on);
            let number = i64::from(own.number());
            venues(tx, &mut all, (Some(number), None), on).await?;
        }
        Place::City(own) => {
            let place = Places::bundled().any(*own);
            let name = place.map_or(own.as_str(), |place| place.name.as_str());
            all.push(below(own.as_str(), None, Tier::City, name));
            venues(tx, &mut all, (None, Some(*own)), on).await?;
        }
        _ => return Ok(all),
    }
    state(tx, &mut all, cycle).await?;
    Ok(all)
}

fn below(code: &str, parent: Option<&str>, tier: Tier, name: &str) -> Below {
    Below {
        node: Node {
            code: code.to_owned(),
            parent: parent.map(str::to_owned),
            level: tier.as_str().to_owned(),
            ..Node::default()
        },
        name: name.to_owned(),
        code: code.to_owned(),
    }
}

fn cities(all: &mut Vec<Below>, of: Option<Prefecture>, on: Day) {
    for city in Places::bundled().municipalities(on) {
        if of.is_none_or(|of| of == city.prefecture) {
            let above = city.prefecture.to_string();
            all.push(below(
                city.code.as_str(),
                Some(&above),
                Tier::City,
                &city.name,
            ));
        }
    }
}

#[derive(sqlx_macros::FromRow)]
struct VenueRow {
    id: Vec<u8>,
    name: String,
    municipality: Option<String>,
    facility_code: Option<String>,
}

async fn venues(
    tx: &mut Tx,
    all: &mut Vec<Below>,
    (prefecture, city): (Option<i64>, Option<MunicipalityCode>),
    on: Day,
) -> Result<()> {
    let parties = contracts::parties_within(tx, (prefecture, city), on).await?;
    let rows: Vec<VenueRow> = tx
        .query(sql!(
            "SELECT id, name, municipality, facility_code FROM organisation
             WHERE kind = 'venue' AND active = 1
               AND (CAST($1 AS BIGINT) IS NULL OR prefecture = $1)
               AND (CAST($2 AS TEXT) IS NULL OR municipality = $2)
             ORDER BY id LIMIT $3"
        ))
        .bind(prefecture)
        .bind(city.map(|city| city.as_str().to_owned()))
        .bind(VENUES_MAX)
        .all()
        .await?;
    for row in rows {
        let venue = uuid(&row.id, "organisation", "id")?;
        let id = venue.to_string();
        let city = row
            .municipality
            .ok_or_else(|| bad("organisation", "municipality"))?;
        // A venue whose city is no more on that day has nobody to get anything from.
        if all.iter().any(|one| one.node.code == city) {
            let mut one = below(&id, Some(&city), Tier::Venue, &row.name);
            one.code = row.facility_code.unwrap_or(id);
            one.node.without_contract = !parties.contains(&OrganisationId(venue));
            all.push(one);
        }
    }
    Ok(())
}

/// Puts figures and requests into the nodes.
async fn state(tx: &mut Tx, all: &mut [Below], cycle: &Cycle) -> Result<()> {
    let product = cycle.product.as_str();
    figures::state(tx, product, all.iter_mut().map(|one| &mut one.node)).await?;
    let seats: Vec<String> = all.iter().map(|one| one.node.code.clone()).collect();
    let requests = requests_within(tx, cycle.id, seats.iter().map(String::as_str)).await?;
    let mut by_code: BTreeMap<String, &mut Below> = BTreeMap::new();
    for one in all {
        by_code.insert(one.node.code.clone(), one);
    }
    for (place, request) in requests {
        if let Some(one) = by_code.get_mut(&place) {
            one.node.request = Some(request.units);
        }
    }
    Ok(())
}

/// Seats as a JSON array, which both engines take apart.
pub(crate) fn places<'s>(seats: impl Iterator<Item = &'s str>) -> String {
    let seats: Vec<_> = seats.map(|seat| json!({ "place": seat })).collect();
    json!(seats).to_string()
}

/// What was asked for in a cycle by these seats: the last word of each.
async fn requests_within<'s>(
    tx: &mut Tx,
    cycle: Uuid,
    seats: impl Iterator<Item = &'s str>,
) -> Result<BTreeMap<String, Request>> {
    let rows: Vec<(String, i64, i64, String, i64)> = tx
        .query(sql!(
            "SELECT r.place, r.revision, r.units, r.reason, r.at_micros FROM allocation_request AS r
             WHERE r.cycle = $1 AND r.place IN (SELECT value->>'place' FROM json_each($2))
               AND r.revision = (
                   SELECT MAX(n.revision) FROM allocation_request AS n
                   WHERE n.cycle = r.cycle AND n.place = r.place)
             ORDER BY r.place LIMIT $3"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(places(seats))
        .bind(ROWS_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(place, revision, units, reason, at)| {
            let request = Request {
                units: whole(units, "allocation_request")?,
                reason,
                revision,
                at: Instant::from_micros(at),
            };
            Ok((place, request))
        })
        .collect()
}

/// What those below a giver asked for, by seat.
///
/// # Errors
/// The database's.
pub async fn requests(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
) -> Result<BTreeMap<String, Request>> {
    seat_for(permit, &[Action::Allocate])?;
    let mut tx = db.begin_reading().await?;
    let below = nodes_within(&mut tx, permit.place(), cycle).await?;
    let seats = below.iter().skip(1).map(|one| one.node.code.as_str());
    requests_within(&mut tx, cycle.id, seats).await
}

/// What one asked for oneself.
///
/// # Errors
/// The database's.
pub async fn own_request(db: &Db, permit: &Permit, cycle: Uuid) -> Result<Option<Request>> {
    let own = seat_for(permit, &[Action::RequestUnits, Action::SeeAllocations])?;
    let mut tx = db.begin_reading().await?;
    let found = requests_within(&mut tx, cycle, std::iter::once(own.as_str())).await?;
    Ok(found.into_values().next())
}

/// Asks the level above for units, or for another number of them.
///
/// # Errors
/// The database's.
pub async fn ask(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    (units, reason): (u64, &str),
    (audit, at): (Uuid, Instant),
) -> Result<Asked> {
    let own = seat_for(permit, &[Action::RequestUnits])?;
    let today = at.day_in_japan();
    transact!(db, |tx| {
        if let Place::Venue { id, .. } = permit.place()
            && let Err(reason) = contracts::may_take_part(&mut tx, *id, today).await?
        {
            return Ok(Asked::NoContract(reason));
        }
        let (is_open, until) =
            open_until(&mut tx, cycle, permit.place(), Act::Request, today).await?;
        if is_open {
            let (last,): (i64,) = tx
                .query(sql!(
                    "SELECT CAST(COALESCE(MAX(revision), 0) AS BIGINT) FROM allocation_request
                     WHERE cycle = $1 AND place = $2"
                ))
                .bind(cycle.id.as_bytes().to_vec())
                .bind(own.clone())
                .one()
                .await?;
            tx.query(sql!(
                "INSERT INTO allocation_request (cycle, place, revision, units, reason, at_micros, by_user)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)"
            ))
            .bind(cycle.id.as_bytes().to_vec())
            .bind(own.clone())
            .bind(last + 1)
            .bind(i64::try_from(units).map_err(|_| bad("allocation_request", "units"))?)
            .bind(reason.to_owned())
            .bind(at.micros())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .expect(1)
            .await?;
            let detail = json!({ "cycle": cycle.id, "units": units, "revision": last + 1 });
            write_change(
                &mut tx,
                permit,
                ("request-units", &own),
                &detail,
                (audit, at),
            )
            .await?;
            Asked::As(last + 1)
        } else {
            Asked::Late(until)
        }
    })
}

pub(crate) async fn write_change(
    tx: &mut Tx,
    permit: &Permit,
    (action, subject): (&str, &str),
    detail: &serde_json::Value,
    (id, at): (Uuid, Instant),
) -> Result<()> {
    let municipality = match permit.place() {
        Place::City(city) | Place::Venue { city, .. } => Some(*city),
        _ => None,
    };
    let change = Change {
        id,
        at,
        municipality,
        action,
        subject,
        detail: &detail.to_string(),
    };
    audit::write(tx, permit.actor(), &change).await
}

/// Units that a giver has for a cycle: what came up to it, less what went out in cycles before.
///
/// # Errors
/// The database's.
pub async fn available(db: &Db, permit: &Permit, cycle: &Cycle) -> Result<u64> {
    let own = seat_for(permit, &[Action::Allocate, Action::SeeAllocations])?;
    let mut tx = db.begin_reading().await?;
    available_within(&mut tx, &own, cycle).await
}

async fn available_within(tx: &mut Tx, giver: &str, cycle: &Cycle) -> Result<u64> {
    let product = cycle.product.as_str();
    let first_day = cycle.terms.first_day.to_string();
    let came = if giver == NATION {
        supplies::until(tx, product, cycle.terms.last_day()).await?
    } else {
        let (units,): (i64,) = tx
            .query(sql!(
                "SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM allocation_line
                 WHERE receiver = $1 AND product = $2 AND first_day <= $3"
            ))
            .bind(giver.to_owned())
            .bind(product.to_owned())
            .bind(first_day.clone())
            .one()
            .await?;
        units
    };
    let (went,): (i64,) = tx
        .query(sql!(
            "SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM allocation_line
             WHERE giver = $1 AND product = $2 AND first_day <= $3 AND cycle <> $4"
        ))
        .bind(giver.to_owned())
        .bind(product.to_owned())
        .bind(first_day)
        .bind(cycle.id.as_bytes().to_vec())
        .one()
        .await?;
    // A supply that was taken back may leave less than went out: then there is nothing.
    Ok(u64::try_from(came - went).unwrap_or(0))
}

/// What one got from the level above in a cycle, if it was published.
///
/// # Errors
/// The database's.
pub async fn received(db: &Db, permit: &Permit, cycle: Uuid) -> Result<Option<Received>> {
    let own = seat_for(
        permit,
        &[
            Action::SeeAllocations,
            Action::Allocate,
            Action::RequestUnits,
        ],
    )?;
    let row: Option<(i64, i64, String)> = db
        .query(sql!(
            "SELECT units, revision, giver FROM allocation_line WHERE cycle = $1 AND receiver = $2
             ORDER BY giver LIMIT 1"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(own)
        .optional()
        .await?;
    row.map(|(units, revision, giver)| {
        Ok(Received {
            units: whole(units, "allocation_line")?,
            revision,
            giver,
        })
    })
    .transpose()
}

type DecisionRow = (i64, i64, String, i64);

fn decision_of((revision, supply, plan, at): DecisionRow) -> Result<Decision> {
    Ok(Decision {
        revision,
        supply: whole(supply, "allocation_decision")?,
        plan: serde_json::from_str(&plan).map_err(|_| bad("allocation_decision", "plan"))?,
        at: Instant::from_micros(at),
    })
}

/// What a giver published last in a cycle; the giver itself sees it, and whoever is right below.
///
/// # Errors
/// The database's.
pub async fn decision(
    db: &Db,
    permit: &Permit,
    cycle: Uuid,
    of_above: bool,
) -> Result<Option<Decision>> {
    let own = seat_for(permit, &[Action::SeeAllocations, Action::Allocate])?;
    let giver = if of_above {
        match received(db, permit, cycle).await? {
            Some(received) => received.giver,
            None => return Ok(None),
        }
    } else {
        own
    };
    let row: Option<DecisionRow> = db
        .query(sql!(
            "SELECT revision, supply, plan, at_micros FROM allocation_decision
             WHERE cycle = $1 AND giver = $2 ORDER BY revision DESC LIMIT 1"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(giver)
        .optional()
        .await?;
    row.map(decision_of).transpose()
}

/// Every decision of a giver in a cycle, the last one first.
///
/// # Errors
/// The database's.
pub async fn decisions(db: &Db, permit: &Permit, cycle: Uuid) -> Result<Vec<Decision>> {
    let own = seat_for(permit, &[Action::SeeAllocations, Action::Allocate])?;
    let rows: Vec<DecisionRow> = db
        .query(sql!(
            "SELECT revision, supply, plan, at_micros FROM allocation_decision
             WHERE cycle = $1 AND giver = $2 ORDER BY revision DESC LIMIT $3"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(own)
        .bind(DECISIONS_MAX)
        .all()
        .await?;
    rows.into_iter().map(decision_of).collect()
}

/// Publishes what those right below get. `proposal` is what `plan` gives, `seen` the revision that
/// whoever publishes had before them, 0 for the first. What a city gives its venues becomes orders with
/// whoever is in charge, in the same transaction.
///
/// # Errors
/// The database's.
pub async fn publish(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    (plan, proposal): (&Plan, &Proposal),
    seen: i64,
    act: (Uuid, Instant),
) -> Result<Published> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let today = act.1.day_in_japan();
    let lines: Vec<(&str, u64)> = proposal
        .nodes
        .iter()
        .filter(|node| node.parent.as_deref() == Some(own.as_str()))
        .map(|node| (node.code.as_str(), node.units))
        .collect();
    let venues: Vec<(OrganisationId, u64)> = lines
        .iter()
        .filter_map(|(code, units)| Some((OrganisationId(Uuid::parse_str(code).ok()?), *units)))
        .collect();
    transact!(db, |tx| {
        let (is_open, until) =
            open_until(&mut tx, cycle, permit.place(), Act::Publish, today).await?;
        let revision = last_revision(&mut tx, cycle.id, &own).await?;
        let has = available_within(&mut tx, &own, cycle).await?;
        if !is_open {
            Published::Late(until)
        } else if revision != seen {
            Published::ChangedMeanwhile(revision)
        } else if has != plan.supply {
            Published::OtherSupply(has)
        } else {
            let short = short(&mut tx, cycle, &own, &lines).await?;
            if short.is_empty() {
                write_decision(&mut tx, permit, (cycle, &own), (plan, revision + 1), act).await?;
                write_lines(&mut tx, (cycle, &own), &lines, revision + 1).await?;
                if let Place::City(city) = permit.place() {
                    let given = (cycle, &venues[..]);
                    order_allocated(&mut tx, permit.actor(), *city, given, act.1).await?;
                }
                Published::As(revision + 1)
            } else {
                Published::BelowGiven(short)
            }
        }
    })
}

async fn last_revision(tx: &mut Tx, cycle: Uuid, giver: &str) -> Result<i64> {
    let (revision,): (i64,) = tx
        .query(sql!(
            "SELECT CAST(COALESCE(MAX(revision), 0) AS BIGINT) FROM allocation_decision
             WHERE cycle = $1 AND giver = $2"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(giver.to_owned())
        .one()
        .await?;
    Ok(revision)
}

/// Who would have less than was given on: up to this cycle, or with those that follow, since what is kept
/// goes on to the next.
async fn short(
    tx: &mut Tx,
    cycle: &Cycle,
    giver: &str,
    lines: &[(&str, u64)],
) -> Result<Vec<Short>> {
    let mut short = short_until(tx, cycle, (giver, cycle.terms.first_day), lines).await?;
    if short.is_empty() {
        short = short_until(tx, cycle, (giver, Day::LAST), lines).await?;
    }
    Ok(short)
}

async fn short_until(
    tx: &mut Tx,
    cycle: &Cycle,
    (giver, last): (&str, Day),
    lines: &[(&str, u64)],
) -> Result<Vec<Short>> {
    let product = cycle.product.as_str();
    let given: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT giver, CAST(SUM(units) AS BIGINT) FROM allocation_line
             WHERE product = $1 AND first_day <= $2 AND giver <> $3
             GROUP BY giver ORDER BY giver"
        ))
        .bind(product.to_owned())
        .bind(last.to_string())
        .bind(giver.to_owned())
        .all()
        .await?;
    let before: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT receiver, CAST(SUM(units) AS BIGINT) FROM allocation_line
             WHERE giver = $1 AND product = $2 AND first_day <= $3 AND cycle <> $4
             GROUP BY receiver ORDER BY receiver"
        ))
        .bind(giver.to_owned())
        .bind(product.to_owned())
        .bind(last.to_string())
        .bind(cycle.id.as_bytes().to_vec())
        .all()
        .await?;
    let (before, now): (BTreeMap<_, _>, BTreeMap<_, _>) = (
        before.into_iter().collect(),
        lines.iter().copied().collect(),
    );
    let mut short = Vec::new();
    for (seat, given) in given {
        let is_below = now.contains_key(seat.as_str()) || before.contains_key(&seat);
        let given = whole(given, "allocation_line")?;
        let earlier = before.get(&seat).copied().unwrap_or(0);
        let has = whole(earlier, "allocation_line")? + now.get(seat.as_str()).copied().unwrap_or(0);
        if is_below && given > has {
            short.push(Short { seat, given, has });
        }
    }
    Ok(short)
}

async fn write_decision(
    tx: &mut Tx,
    permit: &Permit,
    (cycle, giver): (&Cycle, &str),
    (plan, revision): (&Plan, i64),
    act: (Uuid, Instant),
) -> Result<()> {
    let supply = i64::try_from(plan.supply).map_err(|_| bad("allocation_decision", "supply"))?;
    let text = serde_json::to_string(plan).map_err(|_| bad("allocation_decision", "plan"))?;
    tx.query(sql!(
        "INSERT INTO allocation_decision
             (cycle, giver, revision, supply, plan, at_micros, by_user, organisation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    ))
    .bind(cycle.id.as_bytes().to_vec())
    .bind(giver.to_owned())
    .bind(revision)
    .bind(supply)
    .bind(text)
    .bind(act.1.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .bind(permit.actor().organisation.0.as_bytes().to_vec())
    .expect(1)
    .await?;
    let detail =
        json!({ "cycle": cycle.id, "revision": revision, "overrides": plan.overrides.len() });
    write_change(tx, permit, ("publish-allocation", giver), &detail, act).await
}

async fn write_lines(
    tx: &mut Tx,
    (cycle, giver): (&Cycle, &str),
    lines: &[(&str, u64)],
    revision: i64,
) -> Result<()> {
    // Who is no longer below gets nothing.
    tx.query(sql!(
        "UPDATE allocation_line SET units = 0, revision = $1 WHERE cycle = $2 AND giver = $3"
    ))
    .bind(revision)
    .bind(cycle.id.as_bytes().to_vec())
    .bind(giver.to_owned())
    .run()
    .await?;
    for (receiver, units) in lines {
        tx.query(sql!(
            "INSERT INTO allocation_line (cycle, giver, receiver, product, first_day, revision, units)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (cycle, giver, receiver) DO UPDATE SET
                 revision = excluded.revision, units = excluded.units"
        ))
        .bind(cycle.id.as_bytes().to_vec())
        .bind(giver.to_owned())
        .bind((*receiver).to_owned())
        .bind(cycle.product.as_str().to_owned())
        .bind(cycle.terms.first_day.to_string())
        .bind(revision)
        .bind(i64::try_from(*units).map_err(|_| bad("allocation_line", "units"))?)
        .expect(1)
        .await?;
    }
    Ok(())
}

/// What a giver works on in a cycle, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptDraft {
    /// Formula and numbers set by hand.
    pub draft: Draft,
    /// Which state of it this is; 1 is the first.
    pub revision: i64,
    /// Who kept it.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// What became of keeping a draft.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftKept {
    /// It is kept.
    Now,
    /// Somebody kept another one meanwhile: that one stays.
    ChangedMeanwhile(Box<KeptDraft>),
}

/// What a giver works on in a cycle; none if it has changed nothing yet.
///
/// # Errors
/// The database's.
pub async fn draft(db: &Db, permit: &Permit, cycle: Uuid) -> Result<Option<KeptDraft>> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let mut tx = db.begin_reading().await?;
    draft_of(&mut tx, cycle, &own).await
}

async fn draft_of(tx: &mut Tx, cycle: Uuid, giver: &str) -> Result<Option<KeptDraft>> {
    let row: Option<(String, i64, Option<String>, i64)> = tx
        .query(sql!(
            "SELECT d.draft, d.revision, a.name, d.at_micros
             FROM allocation_draft AS d LEFT JOIN account AS a ON a.id = d.by_user
             WHERE d.cycle = $1 AND d.giver = $2"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(giver.to_owned())
        .optional()
        .await?;
    row.map(|(text, revision, by, at)| {
        Ok(KeptDraft {
            draft: serde_json::from_str(&text).map_err(|_| bad("allocation_draft", "draft"))?,
            revision,
            by: by.unwrap_or_default(),
            at: Instant::from_micros(at),
        })
    })
    .transpose()
}

/// Keeps what a giver works on, made from the state that was `seen` (0 where none was kept): two who work at one desk
/// do not replace each other's unseen.
///
/// # Errors
/// The database's.
pub async fn keep_draft(
    db: &Db,
    permit: &Permit,
    cycle: Uuid,
    (draft, seen): (&Draft, i64),
    at: Instant,
) -> Result<DraftKept> {
    let own = seat_for(permit, &[Action::Allocate])?;
    let text = serde_json::to_string(draft).map_err(|_| bad("allocation_draft", "draft"))?;
    transact!(db, |tx| {
        let kept = draft_of(&mut tx, cycle, &own).await?;
        let revision = kept.as_ref().map_or(0, |kept| kept.revision);
        if let Some(kept) = kept.filter(|kept| kept.revision != seen) {
            return Ok(DraftKept::ChangedMeanwhile(Box::new(kept)));
        }
        tx.query(sql!(
            "INSERT INTO allocation_draft (cycle, giver, draft, at_micros, by_user, revision)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (cycle, giver) DO UPDATE SET draft = excluded.draft,
                 at_micros = excluded.at_micros, by_user = excluded.by_user, revision = excluded.revision"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(own.clone())
        .bind(text.clone())
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(revision + 1)
        .expect(1)
        .await?;
        DraftKept::Now
    })
}
