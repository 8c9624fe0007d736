//! The cumulative report (累計報告, V-SYS ❽ ❾) of a place on a day, as a file. Nobody types it.

use axum::extract::State;
use axum::response::Response;
use domain::access::{Action, Place};
use domain::calendar::Day;
use exchange::cumulative_reports::{ReportHead, ReportLine, write_report};
use exchange::encoding::Encoding;
use serde::Deserialize;
use store::cumulative_reports::{Report, report};

use crate::pages::monitor_places::Seat;
use crate::state::App;
use crate::web::body::Params;
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeSupply);
    Routes::new().get("/monitor/report", see, file)
}

/// Which report, as typed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    place: String,
    day: String,
    encoding: String,
}

async fn file(
    State(app): State<App>,
    me: Me,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let seat = Seat::asked(&app, &me, Some(&wanted.place)).await?;
    let day = Day::parse(wanted.day.trim()).unwrap_or_else(|| app.today());
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    report_file(&app, &seat, day, encoding).await
}

/// The report as a file, for the page and the API.
///
/// # Errors
/// The database's.
pub(crate) async fn report_file(
    app: &App,
    seat: &Seat,
    day: Day,
    encoding: Encoding,
) -> Result<Response, Problem> {
    let found = report(&app.db, &seat.permit, day).await?;
    let head = ReportHead {
        day,
        code: code(app, seat).await?,
        // The file is the original's, and so is its language.
        name: seat.name(Texts::new(Locale::Ja)),
    };
    let mut bytes = Vec::new();
    write_report(&mut bytes, &head, &lines(found), encoding).map_err(|_| Problem::internal())?;
    let name = format!("cumulative-{}-{day}.csv", seat.word);
    Ok(crate::pages::attachments::csv_response(
        &name, encoding, bytes,
    ))
}

/// A venue is known by its ten digits, where it has them.
async fn code(app: &App, seat: &Seat) -> Result<String, Problem> {
    let Place::Venue { id, .. } = seat.place() else {
        return Ok(seat.word.clone());
    };
    Ok(store::monitors::code_of(&app.db, id).await?)
}

fn lines(report: Report) -> Vec<ReportLine> {
    let given = report.given.into_iter().map(|one| ReportLine::Given {
        product: one.product,
        turn: one.turn,
        doses: one.doses,
    });
    let received = report.received.into_iter().map(|one| ReportLine::Received {
        product: one.product,
        lot: one.lot,
        giver: one.giver,
        on: one.on,
        vials: one.vials,
    });
    let wasted = report.wasted.into_iter();
    let wasted = wasted.map(|(product, vials)| ReportLine::Wasted { product, vials });
    let here = report.on_hand.into_iter();
    let here = here.map(|(product, vials)| ReportLine::OnHand { product, vials });
    given.chain(received).chain(wasted).chain(here).collect()
}
