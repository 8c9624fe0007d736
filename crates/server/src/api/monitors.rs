//! The monitors of the supply (需給の見える化) over the API: what one's own place and those in it have, and the cumulative
//! reports of the original as files.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Action, OrganisationId, Place};
use domain::calendar::{Day, Instant};
use domain::monitors::{Age, Cover, Ending, Sums, doses_in};
use exchange::encoding::Encoding;
use serde::{Deserialize, Serialize};
use store::monitors::{self, Asked, PAGE_ROWS, Supply};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::pages::cumulative_reports::report_file;
use crate::pages::monitor_places::{Seat, name, word};
use crate::pages::monitors::product_for;
use crate::state::App;
use crate::web::body::Params;
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeSupply);
    Routes::new()
        .get("/api/v1/monitor", see, monitor)
        .get("/api/v1/monitor/report", see, report)
}

/// Which place and product.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MonitorParams {
    /// `JP`, a prefecture's two digits, a municipality's six, or a venue's id; one's own place if left out.
    place: Option<String>,
    /// The product's key; if left out, the first in use today of which anything ever moved.
    product: Option<String>,
    /// As the `next` of the page before says, of a city's venues.
    after_code: Option<String>,
    /// The same.
    after_id: Option<Uuid>,
    /// The same, of a venue's lots.
    after_lot: Option<String>,
}

/// Vials of a place.
#[derive(Serialize, ToSchema)]
pub struct VialSumsBody {
    /// Handed over by suppliers for it.
    shipped: i64,
    /// Received of those.
    received: i64,
    /// Received from other venues.
    taken: i64,
    /// Given on to other venues.
    sent: i64,
    /// On the way to it from other venues.
    in_transfer: i64,
    /// On hand.
    on_hand: i64,
    /// Opened, and not settled yet.
    opened: i64,
    /// Gave at least one dose.
    used: i64,
    /// Thrown away unopened.
    wasted_unused: i64,
    /// Thrown away past their last day or clock.
    wasted_expired: i64,
    /// Thrown away as too warm or too cold.
    wasted_temperature: i64,
    /// Opened, and gave no dose.
    wasted_opened_none: i64,
    /// Lost.
    lost: i64,
    /// Missing when counted.
    difference: i64,
}

impl From<Sums> for VialSumsBody {
    fn from(sums: Sums) -> Self {
        Self {
            shipped: sums.shipped,
            received: sums.received,
            taken: sums.taken,
            sent: sums.sent,
            in_transfer: sums.in_transfer,
            on_hand: sums.on_hand,
            opened: sums.opened,
            used: sums.used,
            wasted_unused: sums.wasted_unused,
            wasted_expired: sums.wasted_expired,
            wasted_temperature: sums.wasted_temperature,
            wasted_opened_none: sums.wasted_opened_none,
            lost: sums.lost,
            difference: sums.difference,
        }
    }
}

/// Vials on hand by when their lot ends.
#[derive(Serialize, ToSchema)]
pub struct EndingBody {
    /// Ended.
    ended: i64,
    /// Within 14 days.
    within_14_days: i64,
    /// Within 28 days, but not within 14.
    within_28_days: i64,
    /// Nobody told the last day.
    unknown: i64,
}

impl From<Ending> for EndingBody {
    fn from(ending: Ending) -> Self {
        Self {
            ended: ending.ended,
            within_14_days: ending.soon,
            within_28_days: ending.before_long,
            unknown: ending.untold,
        }
    }
}

/// A place, a venue, a lot of a venue, or all of them together.
#[derive(Serialize, ToSchema)]
pub struct PlaceSupplyBody {
    /// For `place`; empty of lots, and of venues that stand nowhere.
    place: String,
    /// A venue's ten digits, if it has them.
    code: Option<String>,
    /// The name, or the lot.
    name: String,
    /// Vials.
    vials: VialSumsBody,
    /// Doses in the vials on hand, by the rate of today.
    doses_on_hand: i64,
    /// Doses given within 14 days before today; none of a lot.
    doses_given: Option<i64>,
    /// For how many tenths of a week that lasts, rounded down; none where nothing was used.
    cover_tenths_of_week: Option<i64>,
    /// Vials on hand by when they end.
    ending: EndingBody,
    /// Venues with vials on hand that told nothing of them for more than 14 days; none of a lot.
    stale_venues: Option<i64>,
    /// When a venue last told something of the product.
    #[schema(value_type = Option<String>)]
    told: Option<Instant>,
    /// How old that is: `fresh`, `late`, `stale` or `never`; none of what is no venue.
    age: Option<&'static str>,
}

/// Where the next page begins.
#[derive(Serialize, ToSchema)]
pub struct NextInMonitor {
    /// For `after_code`.
    after_code: Option<String>,
    /// For `after_id`.
    after_id: Option<Uuid>,
    /// For `after_lot`.
    after_lot: Option<String>,
}

/// A place with what lies in it.
#[derive(Serialize, ToSchema)]
pub struct MonitorBody {
    /// The product's key; empty if nothing ever moved.
    product: String,
    /// As of when.
    #[schema(value_type = String)]
    at: Instant,
    /// The place itself.
    total: PlaceSupplyBody,
    /// Prefectures of the nation, cities of a prefecture, venues of a city, lots of a venue.
    items: Vec<PlaceSupplyBody>,
    /// Where to read on.
    next: Option<NextInMonitor>,
}

fn body(asked: Asked<'_>, (place, name): (String, String), supply: &Supply) -> PlaceSupplyBody {
    let today = asked.now.day_in_japan();
    let doses_on_hand = doses_in(asked.product, supply.sums.on_hand, today);
    PlaceSupplyBody {
        place,
        code: None,
        name,
        vials: supply.sums.into(),
        doses_on_hand,
        doses_given: Some(supply.given),
        cover_tenths_of_week: match Cover::of(doses_on_hand, supply.given) {
            Cover::NothingUsed => None,
            Cover::Tenths(tenths) => Some(tenths),
        },
        ending: supply.ending.into(),
        stale_venues: Some(supply.silent),
        told: None,
        age: None,
    }
}

fn is_full(rows: usize) -> bool {
    i64::try_from(rows) == Ok(PAGE_ROWS)
}

/// What lies in a place, the whole, and where to read on.
type Read = (Vec<PlaceSupplyBody>, Supply, Option<NextInMonitor>);

async fn places(app: &App, seat: &Seat, asked: Asked<'_>, texts: Texts) -> Result<Read, Problem> {
    let found = monitors::overview(&app.db, &seat.permit, asked).await?;
    let total = Supply::total(found.iter().map(|one| &one.supply));
    let items = found.iter().map(|one| {
        let place = one.place.as_ref();
        let named = place.map_or_else(String::new, |place| name(place, texts));
        let place = place.map_or_else(String::new, word);
        body(asked, (place, named), &one.supply)
    });
    Ok((items.collect(), total, None))
}

async fn venues(
    app: &App,
    seat: &Seat,
    asked: Asked<'_>,
    params: &MonitorParams,
) -> Result<Read, Problem> {
    let code = params.after_code.clone().unwrap_or_default();
    let after = params.after_id.map(|id| (code, OrganisationId(id)));
    let found = monitors::venues(&app.db, &seat.permit, asked, after).await?;
    let whole = monitors::overview(&app.db, &seat.permit, asked).await?;
    let last = found.last().filter(|_| is_full(found.len()));
    let next = last.map(|last| NextInMonitor {
        after_code: Some(last.code.clone()),
        after_id: Some(last.id.0),
        after_lot: None,
    });
    let items = found.iter().map(|one| PlaceSupplyBody {
        code: Some(one.code.clone()),
        told: one.told,
        age: Some(Age::of(one.told, asked.now).as_str()),
        ..body(asked, (one.id.to_string(), one.name.clone()), &one.supply)
    });
    let total = Supply::total(whole.iter().map(|one| &one.supply));
    Ok((items.collect(), total, next))
}

async fn lots(
    app: &App,
    seat: &Seat,
    asked: Asked<'_>,
    params: &MonitorParams,
) -> Result<Read, Problem> {
    let after = params.after_lot.as_deref().unwrap_or_default();
    let found = monitors::lots(&app.db, &seat.permit, asked, after).await?;
    let venue = monitors::of_venue(&app.db, &seat.permit, asked).await?;
    let last = found.last().filter(|_| is_full(found.len()));
    let next = last.map(|last| NextInMonitor {
        after_code: None,
        after_id: None,
        after_lot: Some(last.lot.clone()),
    });
    let items = found.iter().map(|one| {
        let today = asked.now.day_in_japan();
        let supply = Supply {
            sums: one.sums,
            ending: Ending::of(one.sums.on_hand, one.last_day, today),
            ..Supply::default()
        };
        PlaceSupplyBody {
            doses_given: None,
            stale_venues: None,
            ..body(asked, (String::new(), one.lot.clone()), &supply)
        }
    });
    let total = venue.map_or_else(Supply::default, |one| one.supply);
    Ok((items.collect(), total, next))
}

/// What a place was supplied with, has and used, with what lies in it: one's own, and those in it.
#[utoipa::path(get, path = "/api/v1/monitor", params(MonitorParams), tag = "monitor", responses(
    (status = 200, body = MonitorBody), (status = 404, description = "No such place, or none of one's own"),
))]
pub(super) async fn monitor(
    State(app): State<App>,
    me: Me,
    texts: Texts,
    Params(params): Params<MonitorParams>,
) -> Result<Json<MonitorBody>, Problem> {
    let seat = Seat::asked(&app, &me, params.place.as_deref()).await?;
    let wanted = params.product.clone().unwrap_or_default();
    let (product, _) = product_for(&app, &wanted).await?;
    let asked = Asked {
        product: &product,
        now: app.now(),
    };
    let (items, total, next) = match seat.place() {
        Place::City(_) => venues(&app, &seat, asked, &params).await?,
        Place::Venue { .. } => lots(&app, &seat, asked, &params).await?,
        _ => places(&app, &seat, asked, texts).await?,
    };
    let itself = (seat.word.clone(), seat.name(texts));
    Ok(Json(MonitorBody {
        at: asked.now,
        total: body(asked, itself, &total),
        items,
        next,
        product,
    }))
}

/// Which report.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportParams {
    /// As of the monitor.
    place: Option<String>,
    /// The day; today if left out.
    day: Option<String>,
    /// `utf-8` (default) or `windows-31j`.
    encoding: Option<String>,
}

/// The cumulative report (累計報告) of a place up to 17:00 of a day, as the original's CSV. A weekend has the totals of its
/// Friday.
#[utoipa::path(get, path = "/api/v1/monitor/report", params(ReportParams), tag = "monitor", responses(
    (status = 200, content_type = "text/csv", body = String),
    (status = 404, description = "No such place, or none of one's own"),
    (status = 422, description = "No such day or encoding"),
))]
pub(super) async fn report(
    State(app): State<App>,
    me: Me,
    Params(params): Params<ReportParams>,
) -> Result<Response, Problem> {
    let mut fields = Fields::new();
    let day: Option<Day> = fields.day_or_none("day", params.day.as_deref());
    let encoding = fields.word("encoding", params.encoding.as_deref(), Encoding::parse);
    fields.done()?;
    let seat = Seat::asked(&app, &me, params.place.as_deref()).await?;
    let day = day.unwrap_or_else(|| app.today());
    report_file(&app, &seat, day, encoding.unwrap_or(Encoding::Utf8)).await
}
