//! Places and products over the API: what the codes mean.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::calendar::Day;
use domain::places::{MunicipalityCode, Place, PlaceKind, Places, Prefecture};
use domain::vaccines::Vaccines;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::fields::Fields;
use crate::state::App;
use crate::web::body::Params;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Places in one answer: every municipality of the country and some.
const PLACES_MAX: usize = 2_000;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/places", Guard::Public, list)
        .get("/api/v1/places/{code}", Guard::Public, one)
        .get("/api/v1/products", Guard::Public, products)
}

/// A prefecture, municipality or ward.
#[derive(Serialize, ToSchema)]
pub struct PlaceBody {
    /// Six digits, the last one a check digit.
    #[schema(value_type = String, example = "131016")]
    code: MunicipalityCode,
    /// `prefecture`, `municipality`, `ward`, `northern_village`.
    kind: &'static str,
    /// Name.
    name: String,
    /// Name in hiragana.
    kana: String,
    /// `01` to `47`.
    #[schema(value_type = String)]
    prefecture: Prefecture,
    /// The city a ward belongs to.
    #[schema(value_type = Option<String>)]
    parent: Option<MunicipalityCode>,
    /// Whether it issues coupons.
    issues_coupons: bool,
    /// The first day, if not from the beginning of the list.
    #[schema(value_type = Option<String>)]
    valid_from: Option<Day>,
    /// The last day, if it is no more.
    #[schema(value_type = Option<String>)]
    valid_to: Option<Day>,
    /// What it became.
    #[schema(value_type = Option<String>)]
    successor: Option<MunicipalityCode>,
}

impl From<&Place> for PlaceBody {
    fn from(place: &Place) -> Self {
        Self {
            code: place.code,
            kind: match place.kind {
                PlaceKind::Prefecture => "prefecture",
                PlaceKind::Municipality => "municipality",
                PlaceKind::Ward => "ward",
                PlaceKind::NorthernVillage => "northern_village",
            },
            name: place.name.clone(),
            kana: place.kana.clone(),
            prefecture: place.prefecture,
            parent: place.parent,
            issues_coupons: place.issues_coupons(),
            valid_from: place.valid_from,
            valid_to: place.valid_to,
            successor: place.successor,
        }
    }
}

/// Which places.
#[derive(Deserialize, IntoParams)]
pub(super) struct PlaceParams {
    /// How a name, its kana or a code begins; all municipalities if left out.
    text: Option<String>,
    /// As of this day, `YYYY-MM-DD`; today if left out.
    on: Option<String>,
}

/// Municipalities by name, kana or code, as of a day.
#[utoipa::path(get, path = "/api/v1/places", params(PlaceParams), tag = "reference", responses(
    (status = 200, body = Vec<PlaceBody>),
))]
pub(super) async fn list(
    State(app): State<App>,
    Params(params): Params<PlaceParams>,
) -> Result<Json<Vec<PlaceBody>>, Problem> {
    let mut fields = Fields::new();
    let on = fields
        .day_or_none("on", params.on.as_deref())
        .unwrap_or(app.today());
    fields.done()?;
    let places = Places::bundled();
    Ok(Json(
        match params
            .text
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            Some(text) => places
                .search(text, on, PLACES_MAX)
                .into_iter()
                .map(PlaceBody::from)
                .collect(),
            None => places.municipalities(on).map(PlaceBody::from).collect(),
        },
    ))
}

/// One place by its code, also one that is no more.
#[utoipa::path(get, path = "/api/v1/places/{code}", params(("code" = String, Path)), tag = "reference", responses(
    (status = 200, body = PlaceBody), (status = 404), (status = 422, description = "Not a code: length or check digit"),
))]
pub(super) async fn one(Path(code): Path<String>) -> Result<Json<PlaceBody>, Problem> {
    let code = MunicipalityCode::parse(&code).map_err(|refusal| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "municipality_code")
            .member("reason", refusal.code())
    })?;
    let place = Places::bundled().any(code).ok_or_else(Problem::not_found)?;
    Ok(Json(place.into()))
}

/// A product.
#[derive(Serialize, ToSchema)]
pub struct ProductBody {
    /// Its key in reports.
    #[schema(example = "comirnaty_12_mono")]
    key: String,
    /// The maker.
    maker: String,
    /// Its name in Japanese.
    name_ja: String,
    /// Its name in English.
    name_en: String,
    /// The first day of use.
    #[schema(value_type = String)]
    used_from: Day,
    /// The last day of use.
    #[schema(value_type = Option<String>)]
    used_to: Option<Day>,
}

/// Every product, also those no longer used.
#[utoipa::path(get, path = "/api/v1/products", tag = "reference", responses((status = 200, body = Vec<ProductBody>)))]
pub(super) async fn products() -> Json<Vec<ProductBody>> {
    let body = |product: &domain::vaccines::Product| ProductBody {
        key: product.key.as_str().to_owned(),
        maker: product.maker.clone(),
        name_ja: product.name_ja.clone(),
        name_en: product.name_en.clone(),
        used_from: product.used_from,
        used_to: product.used_to,
    };
    Json(Vaccines::bundled().all().iter().map(body).collect())
}
