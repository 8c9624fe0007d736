//! A box at the venue's door (受領), by the slip on it: what its supplier told of it, another venue's, or nobody's yet.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::deliveries::PaperNumber;
use domain::stock::{MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX};
use domain::vaccines::LOT_LENGTH_MAX;
use store::deliveries::{self, Slip, Untold};
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::lots::all_products;
use crate::pages::records::Choice;
use crate::pages::stock::Arriving;
use crate::pages::stock_fields::{Fields, Trouble, act_of, goods_in, outcome, receipt_in, shelves};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepStock);
    Routes::new()
        .post("/venue/stock/slip", keep, look_up)
        .post("/venue/stock/box", keep, untold)
}

#[derive(Template)]
#[template(path = "venue/stock_box.html")]
struct BoxPage {
    page: Page,
    slip: String,
    /// What the supplier told of this slip, to be confirmed.
    arriving: Vec<Arriving>,
    is_known: bool,
    is_elsewhere: bool,
    suppliers: Vec<Choice>,
    products: Vec<Choice>,
    shelves: Vec<Choice>,
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    act: Uuid,
    vials_max: i64,
    note_max: usize,
    lot_max: usize,
}

/// A box before the venue, by the slip on it. No reading alone: a box that is another venue's is asked
/// about.
async fn look_up(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    render(&app, &permit, page, fields, Trouble::default()).await
}

async fn render(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    fields: Fields,
    mut trouble: Trouble,
) -> Result<Response, Problem> {
    let page = page.titled("stock-box-title");
    let texts = page.texts;
    let found = match PaperNumber::parse(&fields.slip) {
        Ok(slip) => deliveries::slip(&app.db, permit, &slip, app.now()).await?,
        Err(refusal) => {
            let words = crate::pages::deliveries::number_text(refusal, texts);
            trouble.complaints.add::<()>("slip", words);
            Slip::Unknown
        }
    };
    let (arriving, is_known, is_elsewhere) = match found {
        Slip::Here(told) => (told, true, false),
        Slip::Elsewhere => (Vec::new(), true, true),
        Slip::Unknown => (Vec::new(), false, false),
    };
    let suppliers = deliveries::suppliers(&app.db).await?;
    let status = trouble.status();
    let shown = html(&BoxPage {
        slip: fields.slip.clone(),
        arriving: arriving
            .into_iter()
            .map(|one| Arriving::of(app, one, texts))
            .collect(),
        is_known,
        is_elsewhere,
        suppliers: suppliers
            .into_iter()
            .map(|(id, label)| Choice {
                chosen: id.0 == fields.supplier,
                value: id.to_string(),
                label,
            })
            .collect(),
        products: all_products(&fields.product, texts),
        shelves: shelves(&fields.shelf, texts),
        trouble: trouble.words,
        complaints: trouble.complaints,
        act: app.fresh_id(),
        vials_max: MOVEMENT_VIALS_MAX,
        note_max: NOTE_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        fields,
        page,
    })?;
    Ok((status, shown).into_response())
}

/// Takes in a box of which its supplier has not told yet.
async fn untold(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let mut complaints = Complaints::default();
    let slip = PaperNumber::parse(&fields.slip).ok();
    let goods = goods_in(&page, &fields, &mut complaints);
    let receipt = receipt_in(&app, &page, &fields, 1, &mut complaints);
    let (Some(slip), Some(goods), Some(receipt)) = (slip, goods, receipt) else {
        let trouble = Trouble {
            words: None,
            complaints,
        };
        return render(&app, &permit, page, fields, trouble).await;
    };
    let untold = Untold {
        supplier: domain::access::OrganisationId(fields.supplier),
        slip,
        goods,
        receipt,
    };
    let act = act_of(&app, &fields);
    let was = deliveries::receive_untold(&app.db, &permit, &untold, act).await?;
    match outcome(&page, &was) {
        Ok(()) => Ok(done("/venue/stock", "stock-received")),
        Err(words) => {
            let trouble = Trouble {
                words: Some(words),
                complaints,
            };
            render(&app, &permit, page, fields, trouble).await
        }
    }
}
