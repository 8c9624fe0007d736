//! The lots that a tablet carries for the day: what its venue has on hand, and every lot of the register that must not be
//! given, so that a vial that came by another way is stopped as well.

use std::collections::BTreeMap;

use domain::access::VenuePermit;
use domain::calendar::Day;
use domain::lots::LotState;
use domain::stock::Goods;
use serde::Serialize;
use utoipa::ToSchema;

use crate::pages::lots::state_at;
use crate::state::App;
use crate::web::problem::Problem;

/// A lot as it is carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CarriedLotBody {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Vials of it on the venue's shelves; 0 of a lot that is carried since it is recalled.
    vials: i64,
    /// How it stands today: `good`, `unknown`, `expired`, `recalled`, `quarantined`.
    #[schema(example = "good")]
    state: &'static str,
    /// Its last day, extensions included, where that is known.
    #[schema(value_type = Option<String>)]
    last_day: Option<Day>,
    /// Since when it must not be given.
    #[schema(value_type = Option<String>)]
    recalled_since: Option<Day>,
    /// Why.
    recall_reason: Option<String>,
    /// Since when all that the venue has of it waits for a decision (隔離).
    #[schema(value_type = Option<String>)]
    quarantined_since: Option<Day>,
}

impl CarriedLotBody {
    fn of(goods: Goods, vials: i64, last_day: Option<Day>, state: LotState) -> Self {
        let word = state.as_str();
        let (recall, quarantine) = match state {
            LotState::Recalled(recall) => (Some(recall), None),
            LotState::Quarantined(quarantine) if quarantine.is_whole => (None, Some(quarantine)),
            _ => (None, None),
        };
        Self {
            product: goods.product,
            lot: goods.lot,
            vials,
            state: word,
            last_day,
            recalled_since: recall.as_ref().map(|recall| recall.since),
            recall_reason: recall.map(|recall| recall.reason),
            quarantined_since: quarantine.map(|quarantine| quarantine.since),
        }
    }
}

/// What a tablet carries of lots today.
///
/// # Errors
/// The database's own.
pub async fn carried(app: &App, permit: &VenuePermit) -> Result<Vec<CarriedLotBody>, Problem> {
    let today = app.today();
    let mut here: BTreeMap<Goods, (i64, Option<Day>)> = BTreeMap::new();
    for one in store::stock::on_hand(&app.db, permit, app.now()).await? {
        let (vials, _) = here
            .entry(one.batch.goods)
            .or_insert((0, one.batch.last_day));
        *vials += one.batch.vials;
    }
    for entered in store::lots::lots(&app.db, None).await? {
        if entered
            .lot
            .recall
            .is_some_and(|recall| recall.since <= today)
        {
            let goods = Goods {
                product: entered.lot.product.to_string(),
                lot: entered.lot.lot.to_string(),
            };
            here.entry(goods).or_insert((0, Some(entered.lot.expires)));
        }
    }
    let mut carried = Vec::with_capacity(here.len());
    for (goods, (vials, last_day)) in here {
        let lot = (goods.product.as_str(), goods.lot.as_str());
        let state = state_at(app, permit, lot, last_day, today).await?;
        carried.push(CarriedLotBody::of(goods, vials, last_day, state));
    }
    Ok(carried)
}

#[cfg(test)]
#[path = "lots_tests.rs"]
mod tests;
