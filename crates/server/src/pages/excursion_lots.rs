//! One decision about several lots of an excursion (温度逸脱): chosen, shown as what will happen, and made at once.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::cold_chain::Outcome;
use domain::stock::{Goods, NOTE_LENGTH_MAX, Shelf};
use domain::venues::FacilityCode;
use serde::Deserialize;
use store::cold_chain::{self, Decided, DecidingMany, ManyDecided, Told};
use store::stock::Act;
use uuid::Uuid;

use crate::pages::allocations::{Typed, field};
use crate::pages::excursions::{found, path_of};
use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, product_name};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepStock);
    Routes::new()
        .get("/venue/temperatures/excursions/{id}/lots", keep, show)
        .post("/venue/temperatures/excursions/{id}/lots", keep, decide)
}

/// Whether every box is ticked when the page comes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Ticked {
    all: Option<String>,
}

/// A lot that waits, or that was chosen.
struct LotRow {
    at: usize,
    /// Product and lot, as the form sends them.
    value: String,
    product: String,
    lot: String,
    vials: i64,
    is_ticked: bool,
}

#[derive(Template)]
#[template(path = "venue/excursion_lots.html")]
struct ChoosePage {
    page: Page,
    path: String,
    rows: Vec<LotRow>,
    outcomes: Vec<Choice>,
    lasts: bool,
    can_be_brought: bool,
    typed: Typed,
    complaints: Complaints,
    trouble: Option<String>,
    act: String,
    reason_max: usize,
}

impl ChoosePage {
    fn typed(&self, name: &str) -> &str {
        field(&self.typed, name)
    }
}

#[derive(Template)]
#[template(path = "venue/excursion_lots_confirm.html")]
struct ConfirmPage {
    page: Page,
    path: String,
    rows: Vec<LotRow>,
    vials: i64,
    outcome: String,
    /// What will happen.
    means: String,
    typed: Typed,
}

impl ConfirmPage {
    fn typed(&self, name: &str) -> &str {
        field(&self.typed, name)
    }
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(ticked): Params<Ticked>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let told = found(&app, &permit, id).await?;
    let all = ticked.all.is_some();
    let rows = waiting(&told, &page, |_| all);
    let said = (Typed::new(), Complaints::default(), None);
    render(&app, page, (&told, rows), said)
}

/// The lots that wait, ticked as told.
fn waiting(told: &Told, page: &Page, is_ticked: impl Fn(&Goods) -> bool) -> Vec<LotRow> {
    let lots = told.fates.iter().filter(|(_, fate)| fate.undecided > 0);
    lots.enumerate()
        .map(|(at, (goods, fate))| LotRow {
            is_ticked: is_ticked(goods),
            ..row(page, at, (goods, fate.undecided))
        })
        .collect()
}

fn row(page: &Page, at: usize, (goods, vials): (&Goods, i64)) -> LotRow {
    LotRow {
        at,
        value: format!("{} {}", goods.product, goods.lot),
        product: product_name(&goods.product, page.texts),
        lot: goods.lot.clone(),
        vials,
        is_ticked: true,
    }
}

/// The lots that were ticked, each with the vials that the page said are waiting.
fn chosen(typed: &Typed) -> BTreeMap<Goods, i64> {
    let ticked = typed.iter().filter_map(|(name, value)| {
        let at = name.strip_prefix("lot")?;
        let (product, lot) = value.split_once(' ')?;
        let goods = Goods {
            product: product.to_owned(),
            lot: lot.to_owned(),
        };
        let seen = field(typed, &format!("seen{at}")).parse().unwrap_or(0);
        Some((goods, seen))
    });
    ticked.collect()
}

/// A decision that can be made of the form, or what is missing.
fn deciding(
    page: &Page,
    told: &Told,
    typed: &Typed,
    complaints: &mut Complaints,
) -> Option<DecidingMany> {
    let lots = chosen(typed);
    if lots.is_empty() {
        complaints.add::<()>("lots", page.t("excursion-lots-none-ticked"));
    }
    let outcome = match Outcome::parse(field(typed, "outcome")) {
        Some(outcome) => Some(outcome),
        None => complaints.add("outcome", page.t("excursion-complaint-outcome")),
    };
    let facility = FacilityCode::parse(field(typed, "facility")).ok();
    if outcome == Some(Outcome::Rescued) && facility.is_none() {
        complaints.add::<()>("facility", page.t("stock-complaint-facility"));
    }
    let reason = complaints.text(page, "reason", field(typed, "reason"), NOTE_LENGTH_MAX);
    let many = DecidingMany {
        excursion: told.listed.id,
        lots,
        outcome: outcome?,
        facility: facility.filter(|_| outcome == Some(Outcome::Rescued)),
        reason: reason?,
    };
    complaints.is_empty().then_some(many)
}

/// The first step shows what will happen, the second one does it.
async fn decide(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let told = found(&app, &permit, id).await?;
    let ticked = chosen(&typed);
    let mut complaints = Complaints::default();
    let Some(many) = deciding(&page, &told, &typed, &mut complaints) else {
        let rows = waiting(&told, &page, |goods| ticked.contains_key(goods));
        return render(&app, page, (&told, rows), (typed, complaints, None));
    };
    if !typed.contains_key("confirmed") {
        return confirm(page, &many, typed);
    }
    let act = Act {
        id: field(&typed, "act").parse().unwrap_or_default(),
        at: app.now(),
    };
    let was = cold_chain::decide_many(&app.db, &permit, &many, (app.fresh_id(), act)).await?;
    let trouble = match was {
        ManyDecided::Now | ManyDecided::Before => {
            return Ok(done(&path_of(id), "excursion-decided"));
        }
        ManyDecided::Lots => page.t("excursion-lots-none-ticked"),
        ManyDecided::Stopped(goods, why) => stopped(&page, &goods, why)?,
    };
    let told = found(&app, &permit, id).await?;
    let rows = waiting(&told, &page, |goods| ticked.contains_key(goods));
    render(
        &app,
        page,
        (&told, rows),
        (typed, complaints, Some(trouble)),
    )
}

/// Why nothing is decided, and which lot it was.
fn stopped(page: &Page, goods: &Goods, why: Decided) -> Result<String, Problem> {
    let why = match why {
        Decided::Changed(vials) => page.t1("excursion-changed", "vials", vials),
        Decided::Vials => page.t("excursion-nothing-waits"),
        Decided::NotOver => page.t("excursion-not-over"),
        Decided::NoVenue => page.t("excursion-no-venue"),
        Decided::Now | Decided::Before | Decided::OtherContent => page.t("stock-sent-otherwise"),
        Decided::NotFound => return Err(Problem::not_found()),
    };
    Ok(page.t2(
        "excursion-lots-stopped",
        ("lot", goods.lot.clone()),
        ("why", why),
    ))
}

fn render(
    app: &App,
    page: Page,
    (told, rows): (&Told, Vec<LotRow>),
    (typed, complaints, trouble): (Typed, Complaints, Option<String>),
) -> Result<Response, Problem> {
    let lasts = told.listed.excursion.over.is_none();
    // Thawed vials have each their own clock, which goes with them: they are brought away lot by lot.
    let can_be_brought = told.listed.kind.shelf() == Shelf::Frozen;
    let texts = page.texts;
    let outcomes = Outcome::ALL.into_iter().filter(|one| match one {
        Outcome::Kept => !lasts,
        Outcome::Discarded => true,
        Outcome::Rescued => can_be_brought,
    });
    let outcomes = outcomes.map(|one| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("excursion-outcome-{}", one.as_str())),
        chosen: one.as_str() == field(&typed, "outcome"),
    });
    let is_refused = trouble.is_some() || !complaints.is_empty();
    let shown = html(&ChoosePage {
        path: path_of(told.listed.id),
        rows,
        outcomes: outcomes.collect(),
        lasts,
        can_be_brought,
        typed,
        complaints,
        trouble,
        act: app.fresh_id().to_string(),
        reason_max: NOTE_LENGTH_MAX,
        page: page.titled("excursion-lots-title"),
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}

fn confirm(page: Page, many: &DecidingMany, typed: Typed) -> Result<Response, Problem> {
    let word = many.outcome.as_str();
    let lots = many.lots.iter().enumerate();
    html(&ConfirmPage {
        path: path_of(many.excursion),
        rows: lots
            .map(|(at, (goods, vials))| row(&page, at, (goods, *vials)))
            .collect(),
        vials: many.lots.values().sum(),
        outcome: page.t(&format!("excursion-outcome-{word}")),
        means: page.t(&format!("excursion-means-{word}")),
        typed,
        page: page.titled("excursion-confirm-title"),
    })
}
