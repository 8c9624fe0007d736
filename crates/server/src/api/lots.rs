//! Lots, packages and seals over the API: the nation's register, and what a seal says by it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::{Day, Instant};
use domain::lot_seals::Gtin;
use domain::lots::{Package, RECALL_REASON_LENGTH_MAX, Recall, RegisteredLot};
use domain::vaccines::{Lot, ProductKey};
use serde::{Deserialize, Serialize};
use store::lots::{Entered, Kept};
use utoipa::{IntoParams, ToSchema};

use crate::api::checks::LotBody;
use crate::api::coupons::picture_problem;
use crate::api::fields::Fields;
use crate::pages::lots::{SealRead, read_photo, read_text, seal_problem};
use crate::pages::photos::PHOTO_BYTES_MAX;
use crate::state::App;
use crate::web::body::{ApiJson, Params, unread};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let (read, keep) = (Guard::LoggedIn, Guard::May(Action::KeepLots));
    let set = Guard::May(Action::SetDay);
    Routes::new()
        .get("/api/v1/lots", read, list)
        .post("/api/v1/lots", keep, enter)
        .get("/api/v1/packages", read, packages)
        .post("/api/v1/packages", keep, enter_package)
        .post("/api/v1/lot-seals", set, seal)
        .post_up_to(PHOTO_BYTES_MAX, "/api/v1/lot-seals/readings", set, photo)
}

/// Which lots.
#[derive(Deserialize, IntoParams)]
pub(super) struct LotParams {
    /// Only lots with this number.
    lot: Option<String>,
}

/// A lot as the register says now.
#[derive(Serialize, ToSchema)]
pub struct RegisteredLotBody {
    /// The product's key.
    #[schema(value_type = String, example = "comirnaty_12_mono")]
    product: ProductKey,
    /// The lot.
    #[schema(value_type = String, example = "EY2173")]
    lot: Lot,
    /// The last day as printed; extensions are rules of their own.
    #[schema(value_type = String)]
    expires: Day,
    /// Since when it must not be given.
    #[schema(value_type = Option<String>)]
    recalled_since: Option<Day>,
    /// Why.
    recall_reason: Option<String>,
    /// How often the register has said something of it: send it with a change.
    revision: i64,
    /// When it last did.
    #[schema(value_type = String)]
    at: Instant,
}

impl From<Entered> for RegisteredLotBody {
    fn from(entered: Entered) -> Self {
        let Entered { lot, revision, at } = entered;
        let RegisteredLot {
            product,
            lot,
            expires,
            recall,
        } = lot;
        Self {
            product,
            lot,
            expires,
            recalled_since: recall.as_ref().map(|recall| recall.since),
            recall_reason: recall.map(|recall| recall.reason),
            revision,
            at,
        }
    }
}

/// The register's lots, recalled ones first.
#[derive(Serialize, ToSchema)]
pub struct LotList {
    /// The lots.
    items: Vec<RegisteredLotBody>,
}

/// The register of lots: recalled ones first, then by product and lot.
#[utoipa::path(get, path = "/api/v1/lots", params(LotParams), tag = "lots", responses(
    (status = 200, body = LotList),
))]
pub(super) async fn list(
    State(app): State<App>,
    Params(params): Params<LotParams>,
) -> Result<Json<LotList>, Problem> {
    let lot = params.lot.as_deref().map(Lot::parse).transpose();
    let lot = lot.map_err(|_| Problem::unprocessable("form_shape"))?;
    let items = store::lots::lots(&app.db, lot.as_ref()).await?;
    Ok(Json(LotList {
        items: items.into_iter().map(RegisteredLotBody::from).collect(),
    }))
}

/// What the register shall say of a lot from now on.
#[derive(Deserialize, ToSchema)]
pub struct NewLotBody {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// The last day as printed.
    expires: String,
    /// Since when it must not be given; none if it may be.
    recalled_since: Option<String>,
    /// Why; needed with a recall.
    recall_reason: Option<String>,
    /// The `revision` it had when it was looked at, 0 for a new lot: refused if it has another by now.
    revision: Option<i64>,
}

/// Enter a lot, change its last day, recall it or take a recall back.
#[utoipa::path(post, path = "/api/v1/lots", request_body = NewLotBody, tag = "lots", responses(
    (status = 201, body = RegisteredLotBody), (status = 200, description = "It says so already", body = RegisteredLotBody),
    (status = 409, description = "Changed meanwhile"), (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn enter(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewLotBody>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let mut fields = Fields::new();
    let product = fields.known_product(&body.product);
    let lot = fields.printed_lot(&body.lot);
    let expires = fields.day("expires", &body.expires);
    let since = fields.day_or_none("recalled_since", body.recalled_since.as_deref());
    let reason = match since {
        Some(_) => {
            let reason = body.recall_reason.as_deref().unwrap_or_default();
            fields.words("recall_reason", reason, RECALL_REASON_LENGTH_MAX)
        }
        None => String::new(),
    };
    fields.done()?;
    // `done` has told of every field that is missing here.
    let (Some(product), Some(lot), Some(expires)) = (product, lot, expires) else {
        return Err(Problem::internal());
    };
    let registered = RegisteredLot {
        product,
        lot,
        expires,
        recall: since.map(|since| Recall { since, reason }),
    };
    let act = (app.fresh_id(), app.now());
    let kept = store::lots::keep(&app.db, &permit, &registered, body.revision, act).await?;
    let (status, revision) = match kept {
        Kept::As(revision) => (StatusCode::CREATED, revision),
        Kept::AsItIs(revision) => (StatusCode::OK, revision),
        Kept::ChangedMeanwhile(_) => return Err(Problem::conflict("lot_changed_meanwhile")),
    };
    let entered = Entered {
        lot: registered,
        revision,
        at: act.1,
    };
    Ok((status, Json(RegisteredLotBody::from(entered))).into_response())
}

/// A package by its number.
#[derive(Serialize, ToSchema)]
pub struct PackageBody {
    /// Its number (GTIN), fourteen digits.
    #[schema(value_type = String, example = "04987123456784")]
    gtin: Gtin,
    /// The product in it.
    #[schema(value_type = String, example = "comirnaty_12_mono")]
    product: ProductKey,
}

impl From<Package> for PackageBody {
    fn from(package: Package) -> Self {
        let Package { gtin, product } = package;
        Self { gtin, product }
    }
}

/// The packages of the register.
#[derive(Serialize, ToSchema)]
pub struct PackageList {
    /// The packages.
    items: Vec<PackageBody>,
}

/// Which package holds which product.
#[utoipa::path(get, path = "/api/v1/packages", tag = "lots", responses((status = 200, body = PackageList)))]
pub(super) async fn packages(State(app): State<App>) -> Result<Json<PackageList>, Problem> {
    let packages = store::lots::packages(&app.db).await?;
    Ok(Json(PackageList {
        items: packages.into_iter().map(PackageBody::from).collect(),
    }))
}

/// Which product is in a package.
#[derive(Deserialize, ToSchema)]
pub struct NewPackageBody {
    /// Its number (GTIN).
    gtin: String,
    /// The product's key.
    product: String,
}

/// Enter which product is in a package.
#[utoipa::path(post, path = "/api/v1/packages", request_body = NewPackageBody, tag = "lots", responses(
    (status = 200, body = PackageBody), (status = 422, description = "No such number or product"),
))]
pub(super) async fn enter_package(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewPackageBody>,
) -> Result<Json<PackageBody>, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let mut fields = Fields::new();
    let product = fields.known_product(&body.product);
    fields.done()?;
    let gtin = Gtin::parse(&body.gtin).map_err(|refusal| seal_problem(&refusal))?;
    let package = Package {
        gtin,
        product: product.ok_or_else(Problem::internal)?,
    };
    let act = (app.fresh_id(), app.now());
    store::lots::keep_package(&app.db, &permit, &package, act).await?;
    Ok(Json(package.into()))
}

/// What was read off a seal.
#[derive(Deserialize, ToSchema)]
pub struct SealTextBody {
    /// The text of the code, as the decoder or the hand scanner gives it.
    #[schema(example = "]d201049871234567841721093010EY2173")]
    text: String,
}

/// What a seal says, and how its lot stands today.
#[derive(Serialize, ToSchema)]
pub struct SealBody {
    /// The package's number.
    #[schema(value_type = Option<String>)]
    gtin: Option<Gtin>,
    /// The product's key, if the register knows the package, or the lot.
    #[schema(value_type = Option<String>)]
    product: Option<ProductKey>,
    /// The lot.
    #[schema(value_type = Option<String>)]
    lot: Option<Lot>,
    /// The last day as printed.
    #[schema(value_type = Option<String>)]
    printed_expiry: Option<Day>,
    /// How the lot stands.
    state: LotBody,
}

impl From<SealRead> for SealBody {
    fn from(read: SealRead) -> Self {
        Self {
            gtin: read.seal.gtin,
            product: read.product,
            lot: read.seal.lot,
            printed_expiry: read.seal.expires,
            state: read.state.into(),
        }
    }
}

/// Understand the code of a vaccine's seal: product, lot, last day, and whether it may be given today.
#[utoipa::path(post, path = "/api/v1/lot-seals", request_body = SealTextBody, tag = "venue", responses(
    (status = 200, body = SealBody), (status = 422, description = "No seal; `reason` says why"),
))]
pub(super) async fn seal(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<SealTextBody>,
) -> Result<Json<SealBody>, Problem> {
    me.venue(Action::SetDay)?;
    let read = read_text(&app, &body.text).await?;
    Ok(Json(read.map_err(|refusal| seal_problem(&refusal))?.into()))
}

/// Read a seal from a photo (JPEG, PNG or WebP): the body is the file itself. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/lot-seals/readings", tag = "venue",
    request_body(content = Vec<u8>, content_type = "image/*"), responses(
    (status = 200, body = SealBody), (status = 422, description = "Not a picture, or no seal on it"),
))]
pub(super) async fn photo(
    State(app): State<App>,
    me: Me,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SealBody>, Problem> {
    me.venue(Action::SetDay)?;
    let bytes = body.map_err(|refused| unread(&refused))?;
    let read = read_photo(&app, bytes).await?;
    let read = read.map_err(|refusal| picture_problem(&refusal))?;
    Ok(Json(read.map_err(|refusal| seal_problem(&refusal))?.into()))
}
