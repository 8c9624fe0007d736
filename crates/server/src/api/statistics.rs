//! The counts over the API, and the files of open data at the addresses of the real ones.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE,
};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::Day;
use domain::places::Prefecture;
use domain::statistics::Count;
use exchange::open_data::{prefecture_ndjson_gz, summary_by_date_csv, summary_by_prefecture_csv};
use serde::{Deserialize, Serialize};
use store::statistics::Cut;
use utoipa::{IntoParams, ToSchema};

use crate::api::fields::Fields;
use crate::state::App;
use crate::web::body::Params;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The folder of the newest files, as the real ones had it (interop §3).
const LATEST: &str = "public, max-age=60";

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .get(
            "/api/v1/statistics",
            Guard::May(Action::SeeStatistics),
            counts,
        )
        .get(
            "/vaccination/opendata/latest/prefecture.ndjson",
            Guard::Public,
            prefecture,
        )
        .get(
            "/vaccination/opendata/latest/summary_by_date.csv",
            Guard::Public,
            by_date,
        )
        .get(
            "/vaccination/opendata/latest/summary_by_prefecture.csv",
            Guard::Public,
            by_prefecture,
        )
}

/// Which part to show.
#[derive(Deserialize, IntoParams)]
pub(super) struct CutParams {
    /// From this day on, `YYYY-MM-DD`.
    from: Option<String>,
    /// Up to and with this day.
    to: Option<String>,
    /// Only this prefecture, `01` to `47`.
    prefecture: Option<String>,
}

/// A cell of the statistics.
#[derive(Serialize, ToSchema)]
pub struct StatisticsCellBody {
    /// The day the doses were given.
    #[schema(value_type = String)]
    date: Day,
    /// The prefecture of the coupons' municipalities.
    #[schema(value_type = String)]
    prefecture: Prefecture,
    /// `M`, `F`, `U`.
    gender: &'static str,
    /// `-64`, `65-`, `UNK`.
    age: &'static str,
    /// Which dose, counted through.
    status: u8,
    /// How many.
    count: i64,
}

impl From<Count> for StatisticsCellBody {
    fn from(count: Count) -> Self {
        Self {
            date: count.day,
            prefecture: count.prefecture,
            gender: count.sex.open_data(),
            age: count.age.open_data(),
            status: count.turn,
            count: count.count,
        }
    }
}

/// The counts and how fresh they are.
#[derive(Serialize, ToSchema)]
pub struct StatisticsCountsBody {
    /// Sorted by all keys, without zeros.
    counts: Vec<StatisticsCellBody>,
    /// Doses recorded but not counted yet, in the whole system; a moment later it is 0 again.
    lag: i64,
}

/// Counts by day × prefecture × sex × age band × dose: the nation's all, a prefecture's and a city's their own.
#[utoipa::path(get, path = "/api/v1/statistics", params(CutParams), tag = "statistics", responses(
    (status = 200, body = StatisticsCountsBody),
))]
pub(super) async fn counts(
    State(app): State<App>,
    me: Me,
    Params(params): Params<CutParams>,
) -> Result<Json<StatisticsCountsBody>, Problem> {
    let permit = me.permit(Action::SeeStatistics, me.place_for(Action::SeeStatistics))?;
    let mut fields = Fields::new();
    let cut = Cut {
        from: fields.day_or_none("from", params.from.as_deref()),
        to: fields.day_or_none("to", params.to.as_deref()),
        prefecture: fields.prefecture_or_none("prefecture", params.prefecture.as_deref()),
    };
    fields.done()?;
    // Asked first: what is told as counted must be in the counts that are read afterwards.
    let lag = store::statistics::lag(&app.db).await?;
    let counts = store::statistics::counts(&app.db, &permit, &cut).await?;
    Ok(Json(StatisticsCountsBody {
        counts: counts.into_iter().map(StatisticsCellBody::from).collect(),
        lag,
    }))
}

/// Doses by day, prefecture, sex, age band and turn, one JSON object a line, always gzip-encoded (as the original was).
#[utoipa::path(get, path = "/vaccination/opendata/latest/prefecture.ndjson", tag = "open data", responses(
    (status = 200, content_type = "application/x-ndjson"),
))]
pub(super) async fn prefecture(State(app): State<App>) -> Result<Response, Problem> {
    let body = file(&app, prefecture_ndjson_gz).await?;
    let head = [
        (CONTENT_TYPE, "application/x-ndjson; charset=UTF-8"),
        (CONTENT_ENCODING, "gzip"),
    ];
    Ok((
        head,
        [(CACHE_CONTROL, LATEST), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")],
        body,
    )
        .into_response())
}

/// Doses by day and turn.
#[utoipa::path(get, path = "/vaccination/opendata/latest/summary_by_date.csv", tag = "open data", responses(
    (status = 200, content_type = "text/csv"),
))]
pub(super) async fn by_date(State(app): State<App>) -> Result<Response, Problem> {
    let body = file(&app, summary_by_date_csv).await?;
    let head = [
        (CONTENT_TYPE, "text/csv; charset=UTF-8"),
        (CACHE_CONTROL, LATEST),
    ];
    Ok((head, [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], body).into_response())
}

/// Doses by prefecture and turn, in Shift_JIS (as the original was).
#[utoipa::path(get, path = "/vaccination/opendata/latest/summary_by_prefecture.csv", tag = "open data", responses(
    (status = 200, content_type = "text/csv"),
))]
pub(super) async fn by_prefecture(State(app): State<App>) -> Result<Response, Problem> {
    let body = file(&app, summary_by_prefecture_csv).await?;
    let head = [
        (CONTENT_TYPE, "text/csv; charset=Shift_JIS"),
        (CACHE_CONTROL, LATEST),
    ];
    Ok((head, [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], body).into_response())
}

/// Writes a file of all counts, away from the threads that answer requests.
async fn file(app: &App, write: fn(&[Count]) -> Vec<u8>) -> Result<Bytes, Problem> {
    let counts = store::statistics::open_data(&app.db).await?;
    let written = tokio::task::spawn_blocking(move || write(&counts)).await;
    written.map(Bytes::from).map_err(|_| Problem::internal())
}
