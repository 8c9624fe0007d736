//! The city's files to take out: the ledger (予防接種台帳向け出力) and the list of the pending (登録待ちリスト出力).

use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use exchange::encoding::Encoding;
use exchange::ledger::Width;
use serde::Deserialize;
use store::audit::View;
use store::exports::Kind;

use crate::api::fields::Fields;
use crate::jobs::exports::{CutOff, Outgoing, Wanted};
use crate::pages::persons::PURPOSES;
use crate::pages::records::Choice;
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Which look the access log is told of.
const VIEW: &str = "export";
/// What for, unless it is said.
const PURPOSE: &str = "other";

/// The form, and the file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::ExportLedger);
    Routes::new()
        .get("/city/exports", guard, show)
        .get("/city/exports/file", guard, file)
}

#[derive(Template)]
#[template(path = "city/exports.html")]
struct ExportsPage {
    page: Page,
    kinds: Vec<Choice>,
    encodings: Vec<Choice>,
    widths: Vec<Choice>,
    purposes: Vec<Choice>,
}

async fn show(page: Page) -> Result<Response, Problem> {
    let page = page.titled("exports-title");
    let choice = |value: String, label: String, chosen| Choice {
        value,
        label: page.t(&label),
        chosen,
    };
    let kinds = Kind::ALL.into_iter().map(|one| {
        let word = one.as_str();
        choice(
            word.to_owned(),
            format!("exports-{word}"),
            one == Kind::Ledger,
        )
    });
    let encodings = Encoding::ALL.into_iter().map(|one| {
        let word = one.as_str();
        choice(
            word.to_owned(),
            format!("encoding-{word}"),
            one == Encoding::Utf8,
        )
    });
    let widths = Width::ALL.into_iter().map(|one| {
        let turns = one.turns();
        choice(
            turns.to_string(),
            format!("exports-turns-{turns}"),
            one == Width::Seven,
        )
    });
    let purposes = PURPOSES.into_iter().map(|purpose| {
        choice(
            purpose.to_owned(),
            format!("purpose-{purpose}"),
            purpose == PURPOSE,
        )
    });
    let (kinds, encodings) = (kinds.collect(), encodings.collect());
    let (widths, purposes) = (widths.collect(), purposes.collect());
    html(&ExportsPage {
        kinds,
        encodings,
        widths,
        purposes,
        page,
    })
}

/// Which file, as the form says it; what it leaves open is as the form stands at first.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    kind: String,
    encoding: String,
    turns: String,
    purpose: String,
}

async fn file(
    State(app): State<App>,
    me: Me,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ExportLedger)?;
    let mut fields = Fields::new();
    let kind = fields.word("kind", Some(&asked.kind), Kind::parse);
    let encoding = fields.word("encoding", Some(&asked.encoding), Encoding::parse);
    let width = |word: &str| word.parse().ok().and_then(Width::of);
    let width = fields.word("turns", Some(&asked.turns), width);
    let known = |word: &str| PURPOSES.into_iter().find(|purpose| *purpose == word);
    let purpose = fields.word("purpose", Some(&asked.purpose), known);
    fields.done()?;
    let encoding = encoding.unwrap_or(Encoding::Utf8);
    let wanted = Wanted {
        kind: kind.unwrap_or(Kind::Ledger),
        encoding,
        width: width.unwrap_or(Width::Seven),
    };
    let view = View {
        id: app.fresh_id(),
        at: app.now(),
        number: None,
        view: VIEW.to_owned(),
        purpose: purpose.unwrap_or(PURPOSE).to_owned(),
    };
    let begun = Outgoing::begin(&app.db, &permit, wanted, &view).await;
    let outgoing = begun.map_err(|cut_off| match cut_off {
        CutOff::Store(error) => Problem::from(error),
        CutOff::Unwritten(_) => Problem::internal(),
    })?;
    let charset = match encoding {
        Encoding::Utf8 => "text/csv; charset=utf-8",
        Encoding::Windows31j => "text/csv; charset=windows-31j",
    };
    let name = wanted.file_name(permit.city());
    let attachment = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, charset.to_owned()),
        (CONTENT_DISPOSITION, attachment),
    ];
    Ok((headers, outgoing.body()).into_response())
}
