//! Whether the program runs, for those who watch it.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::state::App;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// `/healthz` asks the database, `/livez` nobody.
pub fn routes() -> Routes {
    Routes::new()
        .get("/healthz", Guard::Public, ready)
        .get("/livez", Guard::Public, alive)
}

/// 200 when the tables are made and the database answers; 503 otherwise.
async fn ready(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let migration = store::migrations::reached(&app.db).await?;
    Ok(Json(json!({ "status": "ok", "migration": migration })))
}

/// 200 as long as the program answers at all: the least that any request costs.
async fn alive() -> &'static str {
    "ok"
}
