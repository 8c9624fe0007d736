//! A lot on a venue's shelves (ロットの在庫): what it went through, and everything that is done with its vials but giving
//! them: thawing, handing on, throwing away, losing, counting.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::stock::{Account, Goods, MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX, Shelf, Waste};
use domain::vaccines::Lot;
use store::stock::{self, Counted, Doing, Done};
use store::transfers::{self, Side};
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, day_text, product_name};
use crate::pages::stock::{Row, account_text, lot_href};
use crate::pages::stock_fields::{
    Fields, Trouble, act_of, moment_in, note_in, outcome, shelves, vials_in, word_in,
};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The page of a lot.
pub fn routes() -> Routes {
    Routes::new()
        .get("/venue/stock/lot", Guard::May(Action::SeeStock), show)
        .post("/venue/stock/lot", Guard::May(Action::KeepStock), act)
}

/// A line of a lot's story.
struct Line {
    day: String,
    what: String,
    way: String,
    vials: i64,
    change: i64,
    by: String,
    note: String,
}

/// What is done with the vials of a lot, each by a form and an id of its own.
struct LotForm {
    doing: &'static str,
    label: String,
    act: Uuid,
    is_open: bool,
}

/// A shelf that is counted.
struct CountForm {
    shelf: &'static str,
    label: String,
    seen: i64,
    act: Uuid,
}

#[derive(Template)]
#[template(path = "venue/stock_lot.html")]
struct LotPage {
    page: Page,
    product: String,
    goods: Goods,
    /// Every account that is not empty.
    accounts: Vec<(String, i64)>,
    rows: Vec<Row>,
    story: Vec<Line>,
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
    shelves: Vec<Choice>,
    wastes: Vec<Choice>,
    forms: Vec<LotForm>,
    counts: Vec<CountForm>,
    now: String,
    may_keep: bool,
    vials_max: i64,
    note_max: usize,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(fields): Params<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let lot = Lot::parse(&fields.lot).map_err(|_| Problem::not_found())?;
    let goods = Goods {
        product: fields.product.clone(),
        lot: lot.to_string(),
    };
    // A page that leads here may open a form filled in; nothing is done before it is sent.
    render(&app, &permit, page, goods, (fields, Trouble::default())).await
}

async fn render(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    goods: Goods,
    (fields, trouble): (Fields, Trouble),
) -> Result<Response, Problem> {
    let page = page.titled_with("stock-lot-title", "lot", &goods.lot);
    let texts = page.texts;
    let mut balances = stock::balances(&app.db, permit).await?;
    let accounts: BTreeMap<Account, i64> = balances.remove(&goods).unwrap_or_default();
    let here = stock::on_hand(&app.db, permit, app.now()).await?;
    let story = stock::story(&app.db, permit, &goods).await?;
    let on = |shelf| {
        let vials = accounts.get(&Account::Shelf(shelf));
        vials.copied().unwrap_or_default()
    };
    let of_lot = here.iter().filter(|one| one.batch.goods == goods);
    let forms = ["thaw", "send", "discard", "lose"].map(|doing| LotForm {
        doing,
        label: texts.t(&format!("stock-do-{doing}")),
        act: app.fresh_id(),
        is_open: fields.doing == doing,
    });
    let counts = Shelf::ALL.map(|shelf| {
        let name = texts.t(&format!("stock-shelf-{}", shelf.as_str()));
        let books = texts.t_with("stock-books-say", &[("vials", on(shelf))]);
        CountForm {
            shelf: shelf.as_str(),
            label: format!("{name}: {books}"),
            seen: on(shelf),
            act: app.fresh_id(),
        }
    });
    let status = trouble.status();
    let waste = |one: Waste| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("stock-waste-{}", one.as_str())),
        chosen: one.as_str() == fields.waste,
    };
    let shown = html(&LotPage {
        product: product_name(&goods.product, texts),
        accounts: accounts
            .iter()
            .map(|(account, vials)| (account_text(*account, texts), *vials))
            .collect(),
        rows: of_lot.map(|one| Row::of(one, texts)).collect(),
        story: story.into_iter().map(|one| line(one, texts)).collect(),
        trouble: trouble.words,
        complaints: trouble.complaints,
        shelves: shelves(&fields.shelf, texts),
        wastes: Waste::SAID.into_iter().map(waste).collect(),
        forms: forms.into(),
        counts: counts.into(),
        now: app.now().japanese().replace(' ', "T"),
        may_keep: page.may(Action::KeepStock),
        vials_max: MOVEMENT_VIALS_MAX,
        note_max: NOTE_LENGTH_MAX,
        goods,
        fields,
        page,
    })?;
    Ok((status, shown).into_response())
}

fn line(one: stock::Told, texts: Texts) -> Line {
    let way = if one.other.is_empty() {
        let (from, to) = (account_text(one.from, texts), account_text(one.to, texts));
        format!("{from} → {to}")
    } else {
        one.other
    };
    Line {
        day: day_text(one.on_day, texts),
        what: texts.t(&format!("stock-kind-{}", one.kind.as_str())),
        way,
        vials: one.vials,
        change: one.change,
        by: if one.by.is_empty() {
            texts.t("stock-by-records")
        } else {
            one.by
        },
        note: one.note,
    }
}

/// What the five forms of a lot's page do.
async fn act(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let lot = Lot::parse(&fields.lot).map_err(|_| Problem::not_found())?;
    let goods = Goods {
        product: fields.product.clone(),
        lot: lot.to_string(),
    };
    let mut complaints = Complaints::default();
    let what = done_with(&app, &permit, &page, (&goods, &fields), &mut complaints).await?;
    let trouble = match what {
        None => Trouble {
            words: None,
            complaints,
        },
        Some(was) => match outcome(&page, &was) {
            Ok(()) => return Ok(done(&lot_href(&goods), "stock-booked")),
            Err(words) => Trouble {
                words: Some(words),
                complaints,
            },
        },
    };
    render(&app, &permit, page, goods, (fields, trouble)).await
}

/// Does what the form says; none if a field of it cannot be.
async fn done_with(
    app: &App,
    permit: &VenuePermit,
    page: &Page,
    (goods, fields): (&Goods, &Fields),
    complaints: &mut Complaints,
) -> Result<Option<Done>, Problem> {
    let id = act_of(app, fields);
    let shelf = Shelf::parse(&fields.shelf).unwrap_or(Shelf::Frozen);
    if fields.doing == "send" {
        let Some(word) = word_in(app, page, fields, complaints) else {
            return Ok(None);
        };
        let sent = transfers::begin(&app.db, permit, Side::Gives, &word, id).await?;
        return Ok(Some(sent));
    }
    if fields.doing == "count" {
        let vials = vials_in(page, &fields.vials, 0, complaints);
        let seen = fields.seen.trim().parse().unwrap_or_default();
        let note = note_in(page, &fields.note, vials != Some(seen), complaints);
        let (Some(vials), Some(note)) = (vials, note) else {
            return Ok(None);
        };
        let counted = Counted {
            goods: goods.clone(),
            shelf,
            seen,
            vials,
            note,
        };
        let act = (app.fresh_id(), id);
        return Ok(Some(stock::count(&app.db, permit, &counted, act).await?));
    }
    let vials = vials_in(page, &fields.vials, 1, complaints);
    let (doing, note_is_needed) = match fields.doing.as_str() {
        "thaw" => {
            // Not the time of sending: what is sent again must say the same.
            let began = moment_in(page, &fields.began, app.now(), complaints).flatten();
            if began.is_none() && complaints.is_empty() {
                complaints.add::<()>("began", page.t("stock-complaint-moment"));
            }
            (began.map(Doing::Thaw), false)
        }
        "discard" => {
            let waste = Waste::parse(&fields.waste).filter(|one| Waste::SAID.contains(one));
            if waste.is_none() {
                complaints.add::<()>("waste", page.t("stock-complaint-waste"));
            }
            (waste.map(|waste| Doing::Discard(shelf, waste)), false)
        }
        "lose" => (Some(Doing::Lose(shelf)), true),
        _ => return Err(Problem::unprocessable("form_shape")),
    };
    let note = note_in(page, &fields.note, note_is_needed, complaints);
    let (Some(vials), Some(doing), Some(note)) = (vials, doing, note) else {
        return Ok(None);
    };
    let was = stock::act(&app.db, permit, (goods, vials), &doing, &note, id).await?;
    Ok(Some(was))
}
