//! The papers of transfers (融通, 再融通): the sheet that goes with a box (様式7-1, 7-3), the giver's book (7-2) and
//! the report to the prefecture (7-4).

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::access::Action;
use domain::calendar::Day;
use domain::places::Places;
use domain::stock::{Clock, Shelf, use_by};
use paper::{BookReader, Came, Handover, Paper, Party, TransferBook, Transferred, papers_pdf};
use store::transfers::{self, Given};
use uuid::Uuid;

use crate::pages::papers::{blocking, pdf_response};
use crate::pages::records::{day_text, product_name};
use crate::state::App;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeStock);
    Routes::new()
        .get("/venue/stock/transfers", see, show)
        .get("/venue/stock/transfers/book", see, book)
        .get("/venue/stock/transfers/report", see, report)
        .get("/venue/stock/transfers/{id}/handover", see, handover)
}

/// A transfer in words.
struct Row {
    id: Uuid,
    day: String,
    to: String,
    product: String,
    lot: String,
    sent: Option<i64>,
    taken: Option<i64>,
    /// Whether the vials had come from another venue: then the sheet is 7-3.
    is_again: bool,
}

impl Row {
    fn of(one: Given, texts: Texts) -> Self {
        Self {
            id: one.id,
            day: day_text(one.at.day_in_japan(), texts),
            to: one.to.name,
            product: product_name(&one.goods.product, texts),
            lot: one.goods.lot,
            sent: one.sent,
            taken: one.taken,
            is_again: !one.came.is_empty(),
        }
    }
}

#[derive(Template)]
#[template(path = "venue/transfers.html")]
struct TransfersPage {
    page: Page,
    rows: Vec<Row>,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let page = page.titled("transfers-title");
    let given = transfers::given(&app.db, &permit, app.today()).await?;
    let rows = given.into_iter().rev().map(|one| Row::of(one, page.texts));
    html(&TransfersPage {
        rows: rows.collect(),
        page,
    })
}

fn party(one: transfers::Party) -> Party {
    Party {
        name: one.name,
        code: one.code,
    }
}

/// A transfer as the papers tell it: they are Japanese forms, whoever prints them.
fn on_paper(one: Given) -> Transferred {
    let use_by = one
        .began
        .and_then(|began| use_by(&one.goods.product, Clock::Thawed, began));
    Transferred {
        at: one.at,
        from: party(one.from),
        to: party(one.to),
        product: product_name(&one.goods.product, Texts::new(Locale::Ja)),
        lot: one.goods.lot,
        last_day: one.last_day,
        sent: one.sent,
        taken: one.taken,
        is_thawed: one.shelf == Shelf::Thawed,
        left_freezer: one.began,
        use_by,
        note: one.note,
        came: one
            .came
            .into_iter()
            .map(|came| Came {
                from: party(came.from),
                at: came.at,
                vials: came.vials,
            })
            .collect(),
    }
}

async fn print(title: &'static str, name: &str, paper: Paper) -> Result<Response, Problem> {
    let pdf = blocking(move || papers_pdf(title, &[paper])).await?;
    Ok(pdf_response(name, pdf))
}

async fn handover(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let today = app.today();
    let found = transfers::one(&app.db, &permit, id, today).await?;
    let of = on_paper(found.ok_or_else(Problem::not_found)?);
    let name = if of.came.is_empty() { "7-1" } else { "7-3" };
    let name = format!("transfer-{name}-{}.pdf", today.compact());
    print("融通", &name, Paper::Handover(Handover { on: today, of })).await
}

/// What a venue gave, for a reader.
async fn book_for(
    app: &App,
    me: &Me,
    (reader, name): (BookReader, &str),
    is_meant: impl Fn(&Given) -> bool,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let today: Day = app.today();
    let given = transfers::given(&app.db, &permit, today).await?;
    let giver = Party {
        name: me.organisation.name.clone(),
        code: me
            .organisation
            .facility_code
            .as_ref()
            .map_or_else(String::new, |code| code.to_string()),
    };
    let book = TransferBook {
        on: today,
        giver,
        reader,
        rows: given.into_iter().filter(is_meant).map(on_paper).collect(),
    };
    let name = format!("transfer-{name}-{}.pdf", today.compact());
    print("融通の台帳", &name, Paper::TransferBook(book)).await
}

async fn book(State(app): State<App>, me: Me) -> Result<Response, Problem> {
    book_for(&app, &me, (BookReader::Giver, "7-2"), |_| true).await
}

async fn report(State(app): State<App>, me: Me) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let prefecture = permit.city().prefecture();
    let name = prefecture.map_or("", |one| Places::bundled().prefecture_name(one));
    let reader = BookReader::Prefecture(name.to_owned());
    book_for(&app, &me, (reader, "7-4"), |one| !one.came.is_empty()).await
}
