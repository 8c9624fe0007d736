//! The day's settings (当日の設定) over the API: a new day has none.

use axum::Json;
use axum::extract::State;
use domain::access::Action;
use domain::calendar::{Day, Instant};
use serde::{Deserialize, Serialize};
use store::settings::DaySetting;
use utoipa::ToSchema;

use crate::api::checks::LotBody;
use crate::api::fields::Fields;
use crate::pages::lots::state_at;
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/day-setting", Guard::May(Action::SetDay), current)
        .put("/api/v1/day-setting", Guard::May(Action::SetDay), set)
}

/// The settings of today, as they are.
#[derive(Serialize, ToSchema)]
pub struct SettingBody {
    /// The day the doses are given.
    #[schema(value_type = String)]
    given_on: Day,
    /// The venue's name as it goes into the record.
    venue_name: String,
    /// Who gives them.
    doctor: String,
    /// The product's key.
    product: String,
    /// The lot on the vial.
    lot: String,
    /// When this was set.
    #[schema(value_type = String)]
    set_at: Instant,
}

impl From<DaySetting> for SettingBody {
    fn from(setting: DaySetting) -> Self {
        let DaySetting {
            given_on,
            venue_name,
            doctor,
            product,
            lot,
            set_at,
        } = setting;
        Self {
            given_on,
            venue_name,
            doctor,
            product,
            lot,
            set_at,
        }
    }
}

/// The settings to make.
#[derive(Deserialize, ToSchema)]
pub struct NewSettingBody {
    /// The day the doses are given.
    given_on: String,
    /// The venue's name as it goes into the record.
    venue_name: String,
    /// Who gives them.
    doctor: String,
    /// The product's key.
    product: String,
    /// The lot on the vial.
    lot: String,
    /// That the doses are in arms already: a lot that was recalled or has expired is then not refused.
    given_already: Option<bool>,
}

/// Today's settings of this account; 404 until they are made, each day anew.
#[utoipa::path(get, path = "/api/v1/day-setting", tag = "venue", responses(
    (status = 200, body = SettingBody), (status = 404, description = "Not made yet today"),
))]
pub(super) async fn current(State(app): State<App>, me: Me) -> Result<Json<SettingBody>, Problem> {
    let permit = me.venue(Action::SetDay)?;
    let setting = store::settings::day(&app.db, &permit, me.actor.user, app.today()).await?;
    Ok(Json(setting.ok_or_else(Problem::not_found)?.into()))
}

/// Make today's settings.
#[utoipa::path(put, path = "/api/v1/day-setting", request_body = NewSettingBody, tag = "venue", responses(
    (status = 200, body = SettingBody), (status = 422, description = "A field cannot be read"),
    (status = 409, description = "The lot is recalled or has expired: `lot` says how it stands"),
))]
pub(super) async fn set(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewSettingBody>,
) -> Result<Json<SettingBody>, Problem> {
    let permit = me.venue(Action::SetDay)?;
    let mut fields = Fields::new();
    let given_on = fields.day("given_on", &body.given_on);
    let venue_name = fields.venue_name(&body.venue_name);
    let doctor = fields.doctor(&body.doctor);
    let (product, lot) = (fields.product(&body.product), fields.lot(&body.lot));
    fields.done()?;
    let given_on = given_on.ok_or_else(Problem::internal)?;
    let setting = DaySetting {
        given_on,
        venue_name,
        doctor,
        product,
        lot,
        set_at: app.now(),
    };
    if setting.given_on >= app.today() && body.given_already != Some(true) {
        let goods = (setting.product.as_str(), setting.lot.as_str());
        let state = state_at(&app, &permit, goods, None, setting.given_on).await?;
        if !state.may_be_given() {
            let lot = serde_json::to_value(LotBody::from(state)).unwrap_or_default();
            return Err(Problem::conflict("lot_stopped").member("lot", lot));
        }
    }
    store::settings::set(&app.db, &permit, app.today(), &setting).await?;
    Ok(Json(setting.into()))
}
