//! What takes the place of the vials of a recalled lot (代替の案): from the books of the day, for the nation to see.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{Action, OrganisationId, Permit};
use domain::calendar::Day;
use domain::lots::{LotState, RegisteredLot, state};
use domain::places::{MunicipalityCode, Prefecture};
use domain::replacements::{At, KEPT_DAYS, Source, replacements, to_spare};
use domain::vaccines::Lot;

use crate::db::{Db, Tx, sql};
use crate::error::{Error, Result};
use crate::lots::of_product;
use crate::recalls::{Standing, can_be_stopped};
use crate::stock::{organisation, wrong_permit};

mod requests;

pub use requests::{
    Asked, AskedOf, NotOrdered, Requested, Standings, asked_of_venue, request, requested,
};

/// Days before today whose vials tell how fast a venue uses its vaccine: as long as the monitors look back.
const USED_DAYS: i64 = domain::monitors::USE_DAYS;

/// A venue, as people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its code; empty if it has none.
    pub facility: String,
    /// Its city.
    pub city: MunicipalityCode,
}

/// Vials that a venue gets in place of stopped ones, in names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The product's key.
    pub product: String,
    /// Who gets them.
    pub to: Named,
    /// The same, as the books have it.
    pub to_id: OrganisationId,
    /// Where from.
    pub source: Source,
    /// The venue that gives them, if another one does.
    pub from: Option<Named>,
    /// How many.
    pub vials: i64,
}

type Venues = BTreeMap<OrganisationId, Named>;

/// What takes the place of a lot's vials where they stand now, by product, prefecture and venue. Only vials that may still
/// be given in [`KEPT_DAYS`] count, and only at venues where nothing waits for a decision about a temperature.
///
/// # Errors
/// The database's.
pub async fn proposed(
    db: &Db,
    permit: &Permit,
    (lot, standing): (&Lot, &[Standing]),
    today: Day,
) -> Result<Vec<Replaced>> {
    if permit.action() != Action::KeepLots {
        return Err(wrong_permit());
    }
    let mut tx = db.begin_reading().await?;
    let found = proposed_within(&mut tx, (lot, standing), today).await?;
    tx.commit().await?;
    Ok(found)
}

pub(crate) async fn proposed_within(
    tx: &mut Tx,
    (lot, standing): (&Lot, &[Standing]),
    today: Day,
) -> Result<Vec<Replaced>> {
    let mut venues = Venues::new();
    let mut stopped: BTreeMap<(String, Prefecture), Vec<At>> = BTreeMap::new();
    for one in standing.iter().filter(|one| can_be_stopped(one.account)) {
        // Whoever is no venue, or of no known place, has nothing that could be replaced.
        let Some(city) = one.municipality else {
            continue;
        };
        let Some(prefecture) = city.prefecture() else {
            continue;
        };
        venues.insert(
            one.holder,
            Named {
                name: one.holder_name.clone(),
                facility: one.facility.clone(),
                city,
            },
        );
        let of = stopped
            .entry((one.product.clone(), prefecture))
            .or_default();
        of.push(At {
            venue: one.holder,
            city,
            vials: one.vials,
        });
    }
    let mut found = Vec::new();
    for ((product, prefecture), stopped) in stopped {
        let register = of_product(tx, &product).await?;
        let good = good_lots(&register, lot, today);
        let what = (product.as_str(), prefecture);
        let spare = spare(tx, what, &good, today, &mut venues).await?;
        for one in replacements(&stopped, &spare) {
            let to_id = one.to;
            let Some(to) = venues.get(&to_id).cloned() else {
                continue;
            };
            let from = match one.source {
                Source::SameCity(from) | Source::SamePrefecture(from) => venues.get(&from).cloned(),
                Source::Itself | Source::Order => None,
            };
            found.push(Replaced {
                product: product.clone(),
                to,
                to_id,
                source: one.source,
                from,
                vials: one.vials,
            });
        }
    }
    Ok(found)
}

/// The other lots that may be given today and still in [`KEPT_DAYS`].
fn good_lots<'r>(register: &'r [RegisteredLot], recalled: &Lot, today: Day) -> BTreeSet<&'r str> {
    let is_good = |one: &RegisteredLot, on| {
        let state = state(one.product.as_str(), one.lot.as_str(), Some(one), None, on);
        matches!(state, LotState::Good { .. })
    };
    let others = register.iter().filter(|one| one.lot != *recalled);
    others
        .filter(|one| is_good(one, today) && is_good(one, today.plus_days(KEPT_DAYS)))
        .map(|one| one.lot.as_str())
        .collect()
}

#[derive(sqlx_macros::FromRow)]
struct OnHandRow {
    id: Vec<u8>,
    name: String,
    facility: String,
    municipality: String,
    lot: String,
    vials: i64,
}

/// What the venues of a prefecture have to spare of a product.
async fn spare(
    tx: &mut Tx,
    (product, prefecture): (&str, Prefecture),
    good: &BTreeSet<&str>,
    today: Day,
    venues: &mut Venues,
) -> Result<Vec<At>> {
    let rows: Vec<OnHandRow> = tx
        .query(sql!(
            "SELECT o.id, o.name, COALESCE(o.facility_code, '') AS facility, o.municipality, b.lot,
                    CAST(SUM(b.vials) AS BIGINT) AS vials
             FROM organisation AS o JOIN stock_balance AS b ON b.holder = o.id AND b.product = $2
             WHERE o.kind = 'venue' AND o.active = 1 AND o.prefecture = $1 AND o.municipality IS NOT NULL
               AND b.account IN ('frozen', 'thawed') AND b.vials > 0
               AND NOT EXISTS (SELECT 1 FROM excursion AS e WHERE e.venue = o.id AND e.state = 'open')
             GROUP BY o.id, o.name, o.facility_code, o.municipality, b.lot ORDER BY o.id, b.lot"
        ))
        .bind(i64::from(prefecture.number()))
        .bind(product.to_owned())
        .all()
        .await?;
    let used = used(tx, (product, prefecture), today).await?;
    let mut on_hand: BTreeMap<OrganisationId, At> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| good.contains(&*row.lot)) {
        let venue = organisation(&row.id, "organisation", "id")?;
        let city = MunicipalityCode::parse(&row.municipality).map_err(|_| Error::Inconsistent {
            table: "organisation",
            column: "municipality",
        })?;
        venues.entry(venue).or_insert_with(|| Named {
            name: row.name,
            facility: row.facility,
            city,
        });
        let at = on_hand.entry(venue).or_insert(At {
            venue,
            city,
            vials: 0,
        });
        at.vials += row.vials;
    }
    let spared = on_hand.into_values().map(|at| At {
        vials: to_spare(
            at.vials,
            used.get(&at.venue).copied().unwrap_or_default(),
            USED_DAYS,
        ),
        ..at
    });
    Ok(spared.collect())
}

/// Vials that each venue of a prefecture opened of a product in the last [`USED_DAYS`], today not among them.
async fn used(
    tx: &mut Tx,
    (product, prefecture): (&str, Prefecture),
    today: Day,
) -> Result<BTreeMap<OrganisationId, i64>> {
    let rows: Vec<(Vec<u8>, i64)> = tx
        .query(sql!(
            "SELECT u.venue, CAST(SUM(u.opened) AS BIGINT)
             FROM organisation AS o JOIN stock_use AS u ON u.venue = o.id
             WHERE o.kind = 'venue' AND o.prefecture = $1 AND u.day >= $3 AND u.day < $4 AND u.product = $2
             GROUP BY u.venue ORDER BY u.venue"
        ))
        .bind(i64::from(prefecture.number()))
        .bind(product.to_owned())
        .bind(today.plus_days(-USED_DAYS).to_string())
        .bind(today.to_string())
        .all()
        .await?;
    rows.into_iter()
        .map(|(venue, vials)| Ok((organisation(&venue, "stock_use", "venue")?, vials)))
        .collect()
}
