//! Cycles (クール) and allocations: each level asks the one above and gives to the one below, and every
//! number answers why.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::allocation::{Override, Proposal, Why};
use domain::calendar::Day;
use domain::closings::Purpose;
use domain::cycles::{Act, Draft, REASON_LENGTH_MAX, Terms, Tier, UNITS_MAX, shipping_unit};
use domain::vaccines::{ProductKey, Vaccines};
use exchange::allocations::{AllocationRow, write_allocations};
use exchange::encoding::Encoding;
use serde::Deserialize;
use store::allocations::{self, Asked, DraftKept};
use store::cycles::{Cycle, Kept, Reopening};
use uuid::Uuid;

use crate::api::allocations::{late_problem, place_of, publish_desk};
use crate::pages::allocation_desk::{self, Desk, desk, receivers, worked_out};
use crate::pages::allocation_formulas::{Rows, formula_in, rows_of};
use crate::pages::allocation_reasons::{kept as kept_words, reasons};
use crate::pages::contracts::no_contract_problem;
use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeAllocations);
    let allocate = Guard::May(Action::Allocate);
    Routes::new()
        .get("/allocations", see, list)
        .post("/allocations", Guard::May(Action::KeepCycles), set_up)
        .get("/allocations/{id}", see, show)
        .post(
            "/allocations/{id}/request",
            Guard::May(Action::RequestUnits),
            ask,
        )
        .post("/allocations/{id}/formula", allocate, keep_formula)
        .post("/allocations/{id}/override", allocate, set_by_hand)
        .post("/allocations/{id}/publish", allocate, publish)
        .post("/allocations/{id}/reopen", allocate, reopen)
        .get("/allocations/{id}/why", see, why)
        .get("/allocations/{id}/export", allocate, export)
}

/// The fields of a new cycle, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct NewCycle {
    product: String,
    cycle_number: String,
    first_day: String,
    purpose: String,
}

#[derive(Template)]
#[template(path = "allocations/list.html")]
struct ListPage {
    page: Page,
    cycles: Vec<CycleRow>,
    may_keep: bool,
    may_supply: bool,
    products: Vec<Choice>,
    purposes: Vec<Choice>,
    fields: NewCycle,
    complaints: Complaints,
}

/// A cycle of the list, in words.
struct CycleRow {
    id: String,
    name: String,
    days: String,
}

pub(super) fn cycle_name(cycle: &Cycle, texts: Texts) -> String {
    let number = cycle.terms.number.to_string();
    let product = product_name(cycle.product.as_str(), texts);
    texts.t_with("cycle-name", &[("number", number), ("product", product)])
}

fn cycle_days(cycle: &Cycle, texts: Texts) -> String {
    let first = day_text(cycle.terms.first_day, texts);
    let last = day_text(cycle.terms.last_day(), texts);
    texts.t_with("cycle-days", &[("first", first), ("last", last)])
}

async fn list(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    render_list(&app, &me, page, NewCycle::default(), Complaints::default()).await
}

async fn render_list(
    app: &App,
    me: &Me,
    page: Page,
    fields: NewCycle,
    complaints: Complaints,
) -> Result<Response, Problem> {
    let page = page.titled("allocations-title");
    let texts = page.texts;
    let cycles = store::cycles::cycles(&app.db).await?;
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&ListPage {
        cycles: cycles
            .iter()
            .map(|cycle| CycleRow {
                id: cycle.id.to_string(),
                name: cycle_name(cycle, texts),
                days: cycle_days(cycle, texts),
            })
            .collect(),
        may_keep: me.may(Action::KeepCycles),
        may_supply: me.may(Action::KeepSupply),
        products: product_choices(&fields.product, texts),
        purposes: Purpose::ALL
            .into_iter()
            .map(|purpose| Choice {
                value: purpose.as_str().to_owned(),
                label: texts.t(&format!("cycle-purpose-{}", purpose.as_str())),
                chosen: fields.purpose == purpose.as_str(),
            })
            .collect(),
        page,
        fields,
        complaints,
    })?;
    Ok((status, shown).into_response())
}

/// Every product: a cycle is set up before its first day.
pub(super) fn product_choices(chosen: &str, texts: Texts) -> Vec<Choice> {
    let products = Vaccines::bundled().all().iter();
    products
        .map(|product| Choice {
            value: product.key.to_string(),
            label: product_name(product.key.as_str(), texts),
            chosen: product.key.as_str() == chosen,
        })
        .collect()
}

pub(super) fn known_product(
    page: &Page,
    complaints: &mut Complaints,
    key: &str,
) -> Option<ProductKey> {
    match Vaccines::bundled().find(key) {
        Some(product) => Some(product.key.clone()),
        None => complaints.add("product", page.t("complaint-product")),
    }
}

fn cycle_in(
    page: &Page,
    complaints: &mut Complaints,
    fields: &NewCycle,
) -> Option<(ProductKey, Terms)> {
    let product = known_product(page, complaints, &fields.product);
    let number = fields
        .cycle_number
        .trim()
        .parse::<u32>()
        .ok()
        .filter(|number| *number > 0);
    if number.is_none() {
        complaints.add::<()>("cycle_number", page.t("complaint-cycle-number"));
    }
    let first_day = Day::parse(fields.first_day.trim());
    if first_day.is_none() {
        complaints.add::<()>("first_day", page.t("complaint-day"));
    }
    let purpose = Purpose::parse(&fields.purpose).unwrap_or(Purpose::Primary);
    let (product, number, first_day) = (product?, number?, first_day?);
    let Some(unit) = shipping_unit(product.as_str(), purpose, first_day) else {
        return complaints.add("product", page.t("complaint-no-unit"));
    };
    Some((product, Terms::usual(number, first_day, unit)))
}

async fn set_up(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<NewCycle>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepCycles, me.place())?;
    let mut complaints = Complaints::default();
    let Some((product, terms)) = cycle_in(&page, &mut complaints, &fields) else {
        return render_list(&app, &me, page, fields, complaints).await;
    };
    let cycle = Cycle {
        id: app.fresh_id(),
        product,
        terms,
        revision: 0,
    };
    let act = (app.fresh_id(), app.now());
    match store::cycles::keep(&app.db, &permit, &cycle, act).await? {
        Kept::NumberTaken => {
            complaints.add::<()>("cycle_number", page.t("complaint-cycle-taken"));
            render_list(&app, &me, page, fields, complaints).await
        }
        _ => Ok(done(&format!("/allocations/{}", cycle.id), "cycle")),
    }
}

#[derive(Template)]
#[template(path = "allocations/cycle.html")]
struct CyclePage {
    page: Page,
    id: String,
    days: String,
    own: Option<Own>,
    may_request: bool,
    desk: Option<DeskShown>,
    complaints: Complaints,
    typed: BTreeMap<String, String>,
    reason_max: usize,
}

impl CyclePage {
    /// What was typed into a field, if the page comes back.
    fn typed(&self, field: &str) -> &str {
        self.typed.get(field).map_or("", String::as_str)
    }
}

/// What one asked for and got.
struct Own {
    requested: String,
    reason: String,
    received: String,
    until: String,
}

/// A giver's desk, in words.
struct DeskShown {
    supply: u64,
    given: u64,
    kept: u64,
    kept_words: String,
    revision: i64,
    /// The state of the draft that this page has seen.
    draft_revision: i64,
    published: String,
    until: String,
    rows: Vec<Row>,
    refusals: Vec<String>,
    formula: Rows,
    overrides: Vec<OverrideRow>,
    receivers: Vec<Choice>,
    acts: Vec<Choice>,
    items: Vec<(String, u64)>,
    differs: bool,
}

/// Somebody below.
struct Row {
    code: String,
    name: String,
    request: String,
    request_reason: String,
    units: u64,
    doses: u64,
    published: String,
    difference: String,
    is_set: bool,
    without_contract: bool,
}

/// A number that was set.
struct OverrideRow {
    code: String,
    name: String,
    units: u64,
    by: String,
    reason: String,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    render(
        &app,
        &me,
        page,
        (id, None),
        Complaints::default(),
        BTreeMap::new(),
    )
    .await
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    (id, draft): (Uuid, Option<Draft>),
    complaints: Complaints,
    typed: BTreeMap<String, String>,
) -> Result<Response, Problem> {
    let cycle = allocation_desk::cycle(app, id).await?;
    let texts = page.texts;
    let mut page = page;
    page.title = cycle_name(&cycle, texts);
    let own = own_words(app, me, &cycle, texts).await?;
    let shown = if me.may(Action::Allocate) {
        let desk = desk(app, me, id, draft).await?;
        Some(desk_words(app, &desk, texts).await?)
    } else {
        None
    };
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let body = html(&CyclePage {
        id: id.to_string(),
        days: cycle_days(&cycle, texts),
        own,
        may_request: me.may(Action::RequestUnits),
        desk: shown,
        complaints,
        typed,
        reason_max: REASON_LENGTH_MAX,
        page,
    })?;
    Ok((status, body).into_response())
}

async fn own_words(
    app: &App,
    me: &Me,
    cycle: &Cycle,
    texts: Texts,
) -> Result<Option<Own>, Problem> {
    let place = me.place();
    let Some(tier) = Tier::of(&place).filter(|tier| *tier != Tier::Nation) else {
        return Ok(None);
    };
    let permit = me.permit(Action::SeeAllocations, place)?;
    let request = allocations::own_request(&app.db, &permit, cycle.id).await?;
    let received = allocations::received(&app.db, &permit, cycle.id).await?;
    Ok(Some(Own {
        requested: request
            .as_ref()
            .map_or(String::new(), |one| one.units.to_string()),
        reason: request.map(|one| one.reason).unwrap_or_default(),
        received: received.map_or(String::new(), |one| one.units.to_string()),
        until: until_words(cycle, Act::Request, tier, app.today(), texts),
    }))
}

fn until_words(cycle: &Cycle, act: Act, tier: Tier, today: Day, texts: Texts) -> String {
    let Some(until) = cycle.terms.until(act, tier) else {
        return String::new();
    };
    let id = if today <= until {
        "cycle-until"
    } else {
        "cycle-was-until"
    };
    texts.t_with(id, &[("day", day_text(until, texts))])
}

/// What was published, by code.
async fn published_units(desk: &Desk) -> Result<Option<BTreeMap<String, u64>>, Problem> {
    let Some(decision) = &desk.published else {
        return Ok(None);
    };
    let Ok(proposal) = worked_out(&decision.plan).await? else {
        return Err(Problem::internal());
    };
    let units = receivers(&proposal, &desk.seat).map(|one| (one.code.clone(), one.units));
    Ok(Some(units.collect()))
}

async fn desk_words(app: &App, desk: &Desk, texts: Texts) -> Result<DeskShown, Problem> {
    let published = published_units(desk).await?;
    let name = |code: &str| desk.names.get(code).cloned().unwrap_or_default();
    let (mut rows, mut refusals) = (Vec::new(), Vec::new());
    let (mut kept, mut kept_text, mut items) = (desk.plan.supply, String::new(), Vec::new());
    match &desk.proposal {
        Ok(proposal) => {
            let below = receivers(proposal, &desk.seat);
            rows.extend(below.map(|one| row(desk, one, published.as_ref(), name(&one.code))));
            if let Some(top) = proposal.find(&desk.seat) {
                kept = top.kept;
                let why = top.kept_because.map(|why| kept_words(why, top.kept, texts));
                kept_text = why.unwrap_or_default();
                let names = desk.plan.items.iter();
                let names = names.map(|item| texts.t(&format!("item-{}", item.name)));
                items = names.zip(top.items.iter().copied()).collect();
            }
        }
        Err(wrong) => {
            let say = |one: &domain::allocation::Refusal| match texts.locale() {
                crate::web::locale::Locale::Ja => format!("{}: {}", one.field, one.why.ja()),
                crate::web::locale::Locale::En => format!("{}: {}", one.field, one.why.en()),
            };
            refusals = wrong.iter().map(say).collect();
        }
    }
    let overrides = desk.draft.overrides.iter().map(|one| OverrideRow {
        code: one.node.clone(),
        name: name(&one.node),
        units: one.units,
        by: one.by.clone(),
        reason: one.reason.clone(),
    });
    let receivers = rows.iter().map(|row| Choice {
        value: row.code.clone(),
        label: format!("{} {}", row.name, row.code),
        chosen: false,
    });
    let published_words = desk.published.as_ref().map_or(String::new(), |decision| {
        let told = [
            ("revision", decision.revision.to_string()),
            ("at", decision.at.japanese()),
        ];
        texts.t_with("decision-told", &told)
    });
    let differs = published.is_none() || rows.iter().any(|row| !row.difference.is_empty());
    Ok(DeskShown {
        supply: desk.plan.supply,
        given: desk.plan.supply.saturating_sub(kept),
        kept,
        kept_words: kept_text,
        draft_revision: desk.draft_revision,
        revision: desk
            .published
            .as_ref()
            .map_or(0, |decision| decision.revision),
        published: published_words,
        until: until_words(&desk.cycle, Act::Publish, desk.tier, app.today(), texts),
        overrides: overrides.collect(),
        receivers: receivers.collect(),
        formula: rows_of(&desk.draft.formula, texts),
        acts: act_choices(texts),
        items,
        differs,
        refusals,
        rows,
    })
}

fn row(
    desk: &Desk,
    one: &domain::allocation::Proposed,
    published: Option<&BTreeMap<String, u64>>,
    name: String,
) -> Row {
    let request = desk.requests.get(&one.code);
    let before = published.map(|units| units.get(&one.code).copied().unwrap_or(0));
    let difference = before.filter(|before| *before != one.units).map(|before| {
        let sign = if one.units > before { "+" } else { "−" };
        format!("{sign}{}", one.units.abs_diff(before))
    });
    Row {
        code: one.code.clone(),
        name,
        request: request.map_or(String::new(), |one| one.units.to_string()),
        request_reason: request.map(|one| one.reason.clone()).unwrap_or_default(),
        units: one.units,
        doses: one.doses,
        published: before.map_or(String::new(), |units| units.to_string()),
        difference: difference.unwrap_or_default(),
        is_set: desk.draft.overrides.iter().any(|set| set.node == one.code),
        without_contract: one.why == Why::NoContract,
    }
}

fn act_choices(texts: Texts) -> Vec<Choice> {
    let all = Act::ALL.into_iter();
    all.map(|one| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("cycle-act-{}", one.as_str())),
        chosen: false,
    })
    .collect()
}

/// A form whose fields are looked up by name.
pub(super) type Typed = BTreeMap<String, String>;

pub(super) fn field<'t>(typed: &'t Typed, name: &str) -> &'t str {
    typed.get(name).map_or("", |text| text.trim())
}

pub(super) fn units_in(
    page: &Page,
    complaints: &mut Complaints,
    name: &'static str,
    typed: &Typed,
    max: u64,
) -> Option<u64> {
    let units = field(typed, name).parse::<u64>().ok();
    match units.filter(|units| *units <= max) {
        Some(units) => Some(units),
        None => complaints.add(name, page.t1("complaint-units", "max", max.to_string())),
    }
}

fn back(id: Uuid, notice: &str) -> Response {
    done(&format!("/allocations/{id}"), notice)
}

async fn ask(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::RequestUnits, me.place())?;
    let cycle = allocation_desk::cycle(&app, id).await?;
    let mut complaints = Complaints::default();
    let units = units_in(&page, &mut complaints, "units", &typed, UNITS_MAX);
    let reason = field(&typed, "request_reason");
    let reason = complaints.text(&page, "request_reason", reason, REASON_LENGTH_MAX);
    let (Some(units), Some(reason)) = (units, reason) else {
        return render(&app, &me, page, (id, None), complaints, typed).await;
    };
    let act = (app.fresh_id(), app.now());
    match allocations::ask(&app.db, &permit, &cycle, (units, &reason), act).await? {
        Asked::As(_) => Ok(back(id, "units-requested")),
        Asked::Late(until) => Err(late_problem(until)),
        Asked::NoContract(reason) => Err(no_contract_problem(reason)),
    }
}

async fn keep_formula(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let desk = desk(&app, &me, id, None).await?;
    let mut complaints = Complaints::default();
    let Some(formula) = formula_in(&page, &mut complaints, &typed) else {
        return render(&app, &me, page, (id, None), complaints, typed).await;
    };
    let draft = Draft {
        formula,
        overrides: desk.draft.overrides.clone(),
    };
    keep(&app, &me, page, (&desk, &draft), typed).await
}

/// Keeps a draft, unless somebody at the same desk kept another one meanwhile: who, and what stands now, is shown.
async fn keep(
    app: &App,
    me: &Me,
    page: Page,
    (desk, draft): (&Desk, &Draft),
    typed: BTreeMap<String, String>,
) -> Result<Response, Problem> {
    let id = desk.cycle.id;
    let seen = field(&typed, "draft").parse().unwrap_or(0);
    match allocations::keep_draft(&app.db, &desk.permit, id, (draft, seen), app.now()).await? {
        DraftKept::Now => Ok(back(id, "draft")),
        DraftKept::ChangedMeanwhile(kept) => {
            let (by, at) = (kept.by.as_str(), kept.at.japanese());
            let words = page.t2("draft-changed", ("by", by), ("at", at.as_str()));
            let mut complaints = Complaints::default();
            complaints.add::<()>("draft", words);
            render(app, me, page, (id, None), complaints, typed).await
        }
    }
}

async fn set_by_hand(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let desk = desk(&app, &me, id, None).await?;
    let node = field(&typed, "node").to_owned();
    let mut draft = desk.draft.clone();
    draft.overrides.retain(|one| one.node != node);
    if field(&typed, "act") == "unset" {
        return keep(&app, &me, page, (&desk, &draft), typed).await;
    }
    let mut complaints = Complaints::default();
    let units = units_in(&page, &mut complaints, "set_units", &typed, UNITS_MAX);
    let reason = field(&typed, "set_reason");
    let reason = complaints.text(&page, "set_reason", reason, REASON_LENGTH_MAX);
    let (Some(units), Some(reason)) = (units, reason) else {
        return render(&app, &me, page, (id, None), complaints, typed).await;
    };
    draft.overrides.push(Override {
        node,
        units,
        by: me.name.clone(),
        reason,
    });
    // What breaks a limit or the total is not kept: the page says which it would be.
    let tried = allocation_desk::desk(&app, &me, id, Some(draft.clone())).await?;
    if let Err(refusals) = &tried.proposal {
        let why = refusals.first().map(|one| match page.texts.locale() {
            crate::web::locale::Locale::Ja => one.why.ja(),
            crate::web::locale::Locale::En => one.why.en(),
        });
        complaints.add::<()>("set_units", why.unwrap_or_default());
        return render(&app, &me, page, (id, None), complaints, typed).await;
    }
    keep(&app, &me, page, (&desk, &draft), typed).await
}

async fn publish(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let desk = desk(&app, &me, id, None).await?;
    let seen = field(&typed, "revision").parse().unwrap_or(0);
    publish_desk(&app, &desk, seen).await?;
    Ok(back(id, "published"))
}

async fn reopen(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::Allocate, me.place())?;
    let mut complaints = Complaints::default();
    let until = Day::parse(field(&typed, "until"));
    if until.is_none() {
        complaints.add::<()>("until", page.t("complaint-day"));
    }
    let reason = field(&typed, "reason");
    let reason = complaints.reason(&page, reason);
    let (Some(until), Some(reason)) = (until, reason) else {
        return render(&app, &me, page, (id, None), complaints, typed).await;
    };
    let act = Act::parse(field(&typed, "act")).unwrap_or(Act::Request);
    let place = place_of(&app, field(&typed, "place")).await?;
    let reopening = Reopening {
        cycle: id,
        place: place.ok_or_else(Problem::forbidden)?,
        act,
        until,
        reason,
    };
    let when = (app.fresh_id(), app.now());
    if store::cycles::reopen(&app.db, &permit, &reopening, when).await? {
        Ok(back(id, "reopened"))
    } else {
        Err(Problem::forbidden())
    }
}

/// Of whom, and of which plan.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asking {
    of: String,
    published: bool,
}

#[derive(Template)]
#[template(path = "allocations/why.html")]
struct WhyPage {
    page: Page,
    id: String,
    name: String,
    units: u64,
    doses: u64,
    sentences: Vec<String>,
    items: Vec<(String, u64)>,
}

/// Why somebody gets what they get: one's own number as the level above published it, or one of those
/// below by the draft, or as published.
async fn why(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(asking): Params<Asking>,
) -> Result<Response, Problem> {
    allocation_desk::cycle(&app, id).await?;
    let texts = page.texts;
    let (plan, proposed, name) = if asking.of.is_empty() {
        let permit = me.permit(Action::SeeAllocations, me.place())?;
        let got = allocation_desk::got(&app, &permit, id).await?;
        let got = got.ok_or_else(Problem::not_found)?;
        (got.plan, got.proposed, me.organisation.name.clone())
    } else {
        let desk = desk(&app, &me, id, None).await?;
        let (plan, proposal): (_, Proposal) = match (&desk.published, asking.published) {
            (Some(decision), true) => {
                let proposal = worked_out(&decision.plan).await?;
                (
                    decision.plan.clone(),
                    proposal.map_err(|_| Problem::internal())?,
                )
            }
            (None, true) => return Err(Problem::not_found()),
            (_, false) => {
                let proposal = desk.proposal.map_err(|_| Problem::not_found())?;
                (desk.plan, proposal)
            }
        };
        let found = proposal.find(&asking.of).cloned();
        let name = desk.names.get(&asking.of).cloned().unwrap_or_default();
        (plan, found.ok_or_else(Problem::not_found)?, name)
    };
    let names = plan
        .items
        .iter()
        .map(|item| texts.t(&format!("item-{}", item.name)));
    let page = page.titled_with("why-title", "name", &name);
    html(&WhyPage {
        id: id.to_string(),
        units: proposed.units,
        doses: proposed.doses,
        sentences: reasons(&proposed, &plan, texts),
        items: names.zip(proposed.items.iter().copied()).collect(),
        name,
        page,
    })
}

/// What was published, or the draft if nothing is, as CSV with the reasons.
async fn export(
    State(app): State<App>,
    me: Me,
    texts: Texts,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let desk = desk(&app, &me, id, None).await?;
    let plan = desk
        .published
        .as_ref()
        .map_or(&desk.plan, |decision| &decision.plan);
    let proposal = worked_out(plan).await?.map_err(|_| Problem::not_found())?;
    let row = |one: &domain::allocation::Proposed| AllocationRow {
        code: one.code.clone(),
        name: desk.names.get(&one.code).cloned().unwrap_or_default(),
        request: desk.requests.get(&one.code).map(|request| request.units),
        units: one.units,
        doses: one.doses,
        why: reasons(one, plan, texts).join(" / "),
        items: one.items.clone(),
    };
    let rows: Vec<AllocationRow> = receivers(&proposal, &desk.seat).map(row).collect();
    let items: Vec<String> = plan
        .items
        .iter()
        .map(|item| texts.t(&format!("item-{}", item.name)))
        .collect();
    let mut bytes = Vec::new();
    write_allocations(&mut bytes, &rows, &items, Encoding::Utf8)
        .map_err(|_| Problem::internal())?;
    let name = format!("attachment; filename=\"allocation-{}.csv\"", desk.seat);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, bytes).into_response())
}

#[cfg(test)]
#[path = "allocations_tests.rs"]
mod tests;
