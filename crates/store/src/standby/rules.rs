//! Whom a city wants called first, from a day on, and whether its venues may call the people on its own list.

use domain::access::{Action, CityPermit};
use domain::calendar::{Day, Instant};
use domain::places::MunicipalityCode;
use domain::standby::Rule;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::stock::{day_in, wrong_permit};

/// Rules shown at most, the newest.
const RULES_MAX: i64 = 50;

/// A rule as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTold {
    /// From which day on.
    pub valid_from: Day,
    /// Which telling of that day it is, from 1.
    pub revision: i64,
    /// The rule.
    pub rule: Rule,
    /// When it was told.
    pub at: Instant,
    /// By whom.
    pub by: String,
}

/// First day, revision, age, whether shared, when, by whom.
type Row = (String, i64, Option<i64>, i64, i64, Option<String>);

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKept {
    /// It holds from its day on.
    Now,
    /// It was told anew since it was looked at.
    Meanwhile,
    /// Yesterday's order stays as it was: a rule begins today or later.
    Past,
}

/// The rules of the city, the newest first.
///
/// # Errors
/// The database's.
pub async fn rules(db: &Db, permit: &CityPermit) -> Result<Vec<RuleTold>> {
    if permit.action() != Action::KeepStandby {
        return Err(wrong_permit());
    }
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT r.valid_from, r.revision, r.first_from_age, r.shares_list, r.at_micros, a.name
             FROM standby_rule AS r LEFT JOIN account AS a ON a.id = r.by_user
             WHERE r.city = $1 ORDER BY r.valid_from DESC, r.revision DESC LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(RULES_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(valid_from, revision, first_from_age, shares, at, by)| {
            Ok(RuleTold {
                valid_from: day_in(&valid_from, "standby_rule", "valid_from")?,
                revision,
                rule: Rule {
                    first_from_age,
                    shares_list: shares == 1,
                },
                at: Instant::from_micros(at),
                by: by.unwrap_or_default(),
            })
        })
        .collect()
}

/// Tells a rule; `seen` is how many rules the city had when it was looked at.
///
/// # Errors
/// The database's.
pub async fn tell_rule(
    db: &Db,
    permit: &CityPermit,
    (valid_from, rule): (Day, Rule),
    seen: i64,
    (audit, at): (Uuid, Instant),
) -> Result<RuleKept> {
    if permit.action() != Action::KeepStandby {
        return Err(wrong_permit());
    }
    if valid_from < at.day_in_japan() {
        return Ok(RuleKept::Past);
    }
    let city = permit.city().as_str().to_owned();
    transact!(db, |tx| {
        let (told, of_day): (i64, i64) = tx
            .query(sql!(
                "SELECT COUNT(*), CAST(COALESCE(MAX(CASE WHEN valid_from = $2 THEN revision ELSE 0 END), 0) AS BIGINT)
                 FROM standby_rule WHERE city = $1"
            ))
            .bind(city.clone())
            .bind(valid_from.to_string())
            .one()
            .await?;
        if told != seen {
            return Ok(RuleKept::Meanwhile);
        }
        tx.query(sql!(
            "INSERT INTO standby_rule (city, valid_from, revision, first_from_age, shares_list, at_micros, by_user)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ))
        .bind(city.clone())
        .bind(valid_from.to_string())
        .bind(of_day + 1)
        .bind(rule.first_from_age)
        .bind(i64::from(rule.shares_list))
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let detail =
            json!({ "first_from_age": rule.first_from_age, "shares_list": rule.shares_list });
        let change = Change {
            id: audit,
            at,
            municipality: Some(permit.city()),
            action: "tell-standby-rule",
            subject: &valid_from.to_string(),
            detail: &detail.to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        RuleKept::Now
    })
}

/// The rule of a city on a day.
pub(crate) async fn rule_within(tx: &mut Tx, city: MunicipalityCode, day: Day) -> Result<Rule> {
    let row: Option<(Option<i64>, i64)> = tx
        .query(sql!(
            "SELECT first_from_age, shares_list FROM standby_rule
             WHERE city = $1 AND valid_from <= $2 ORDER BY valid_from DESC, revision DESC LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .bind(day.to_string())
        .optional()
        .await?;
    Ok(row.map_or(Rule::NONE, |(first_from_age, shares)| Rule {
        first_from_age,
        shares_list: shares == 1,
    }))
}
