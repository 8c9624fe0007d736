//! The register of lots (ロット台帳), and what a seal says by it.
//!
//! The nation enters lots and packages and recalls lots; whoever is logged in reads them.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Day;
use domain::lot_seals::{Gtin, LotSeal, SealRefusal};
use domain::lots::{LotState, Package, RECALL_REASON_LENGTH_MAX, Recall, RegisteredLot, state};
use domain::stock::Goods;
use domain::vaccines::{LOT_LENGTH_MAX, Lot, ProductKey, Vaccines};
use reader::PictureRefusal;
use serde::Deserialize;
use store::cold_chain;
use store::lots::{Entered, Kept};

use crate::pages::fields::Complaints;
use crate::pages::photos;
use crate::pages::records::{Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The page of the register.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepLots);
    Routes::new()
        .get("/lots", Guard::LoggedIn, show)
        .post("/lots", keep, enter)
        .post("/lots/packages", keep, enter_package)
}

/// What a seal says, by the register.
pub struct SealRead {
    /// The seal.
    pub seal: LotSeal,
    /// The product, if the register knows the package, or the lot is of one product alone.
    pub product: Option<ProductKey>,
    /// How the lot stands today.
    pub state: LotState,
}

/// Understands the text of a code.
///
/// # Errors
/// The inner one says why it is no seal; the outer one is the database's.
pub async fn read_text(app: &App, text: &str) -> Result<Result<SealRead, SealRefusal>, Problem> {
    let seal = match LotSeal::read(text, app.today()) {
        Ok(seal) => seal,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let product = product_of(app, &seal).await?;
    let state = match (&product, &seal.lot) {
        (Some(product), Some(lot)) => {
            state_of(
                app,
                product.as_str(),
                lot.as_str(),
                seal.expires,
                app.today(),
            )
            .await?
        }
        _ => state("", "", None, seal.expires, app.today()),
    };
    Ok(Ok(SealRead {
        seal,
        product,
        state,
    }))
}

/// Reads a seal off a photograph: the first of its codes that is one.
///
/// # Errors
/// The inner ones say why it is no picture or no seal; the outer one is the database's.
pub async fn read_photo(
    app: &App,
    photo: Bytes,
) -> Result<Result<Result<SealRead, SealRefusal>, PictureRefusal>, Problem> {
    let texts = match photos::read_seals(photo).await? {
        Ok(texts) => texts,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut refused = SealRefusal::Empty;
    let mut package_alone = None;
    for text in texts {
        match read_text(app, &text).await? {
            Ok(read) if read.seal.lot.is_some() => return Ok(Ok(Ok(read))),
            Ok(read) => package_alone = Some(read),
            Err(refusal) => refused = refusal,
        }
    }
    Ok(Ok(package_alone.ok_or(refused)))
}

async fn product_of(app: &App, seal: &LotSeal) -> Result<Option<ProductKey>, Problem> {
    if let Some(gtin) = &seal.gtin
        && let Some(package) = store::lots::package(&app.db, gtin).await?
    {
        return Ok(Some(package.product));
    }
    let Some(lot) = &seal.lot else {
        return Ok(None);
    };
    let mut lots = store::lots::lots(&app.db, Some(lot)).await?;
    let only = lots.pop().filter(|_| lots.is_empty());
    Ok(only.map(|entered| entered.lot.product))
}

/// How a lot stands on a day by the register.
///
/// # Errors
/// The database's.
pub async fn state_of(
    app: &App,
    product: &str,
    lot: &str,
    printed: Option<Day>,
    on: Day,
) -> Result<LotState, Problem> {
    let registered = store::lots::lot(&app.db, product, lot).await?;
    let registered = registered.map(|entered| entered.lot);
    Ok(state(product, lot, registered.as_ref(), printed, on))
}

/// How a lot stands at a venue: by the register, and by the venue's own cold chain.
///
/// # Errors
/// The database's.
pub async fn state_at(
    app: &App,
    permit: &VenuePermit,
    (product, lot): (&str, &str),
    printed: Option<Day>,
    on: Day,
) -> Result<LotState, Problem> {
    let state = state_of(app, product, lot, printed, on).await?;
    let goods = Goods {
        product: product.to_owned(),
        lot: lot.to_owned(),
    };
    let quarantine = cold_chain::quarantine(&app.db, permit, &goods, app.now()).await?;
    Ok(state.at_venue(quarantine.filter(|one| one.since <= on)))
}

/// A text that is no seal, for a program.
#[must_use]
pub fn seal_problem(refusal: &SealRefusal) -> Problem {
    let words = |locale| seal_text(refusal, Texts::new(locale));
    Problem::unprocessable("seal_refused")
        .member("reason", refusal.code())
        .member("reason_ja", words(Locale::Ja))
        .member("reason_en", words(Locale::En))
}

/// Why a text is no seal, and what to do.
#[must_use]
pub fn seal_text(refusal: &SealRefusal, texts: Texts) -> String {
    let id = format!("refused-{}", refusal.code());
    match refusal {
        SealRefusal::NotGs1 { at } => texts.t_with(&id, &[("at", *at)]),
        SealRefusal::Element { identifier } | SealRefusal::Twice { identifier } => {
            texts.t_with(&id, &[("identifier", identifier.to_string())])
        }
        SealRefusal::CheckDigit { expected } => {
            texts.t_with(&id, &[("expected", expected.to_string())])
        }
        _ => texts.t(&id),
    }
}

/// How a lot stands, in words.
#[must_use]
pub fn state_text(state: &LotState, texts: Texts) -> String {
    let id = format!("lot-state-{}", state.as_str());
    match state {
        LotState::Good { last_day } | LotState::Expired { last_day } => {
            texts.t_with(&id, &[("day", day_text(*last_day, texts))])
        }
        LotState::Unknown => texts.t(&id),
        LotState::Recalled(recall) => {
            let day = day_text(recall.since, texts);
            texts.t_with(&id, &[("day", day), ("reason", recall.reason.clone())])
        }
        LotState::Quarantined(quarantine) => {
            let id = if quarantine.is_whole {
                id
            } else {
                format!("{id}-partly")
            };
            texts.t_with(&id, &[("day", day_text(quarantine.since, texts))])
        }
    }
}

/// The fields of both forms, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    product: String,
    lot: String,
    expires: String,
    recalled_since: String,
    reason: String,
    revision: i64,
    gtin: String,
    package_product: String,
}

#[derive(Template)]
#[template(path = "lots/lots.html")]
struct LotsPage {
    page: Page,
    may_keep: bool,
    search: String,
    lots: Vec<Row>,
    packages: Vec<(String, String)>,
    fields: Fields,
    complaints: Complaints,
    products: Vec<Choice>,
    package_products: Vec<Choice>,
    lot_max: usize,
    reason_max: usize,
}

/// A lot of the list, in words.
struct Row {
    product: String,
    product_key: String,
    lot: String,
    expires: String,
    state: String,
    tone: &'static str,
    icon: &'static str,
}

impl Row {
    fn of(entered: &Entered, today: Day, texts: Texts) -> Self {
        let lot = &entered.lot;
        let (product, number) = (lot.product.as_str(), lot.lot.as_str());
        let state = state(product, number, Some(lot), None, today);
        let (tone, icon) = match state {
            LotState::Good { .. } => ("good", "check"),
            LotState::Unknown => ("warn", "info"),
            LotState::Expired { .. } => ("warn", "warn"),
            LotState::Recalled(_) | LotState::Quarantined(_) => ("bad", "stop"),
        };
        Self {
            product: product_name(product, texts),
            product_key: product.to_owned(),
            lot: number.to_owned(),
            expires: day_text(lot.expires, texts),
            state: state_text(&state, texts),
            tone,
            icon,
        }
    }
}

/// Which lots, and which of them the form is filled with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    find: String,
    product: String,
    lot: String,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let chosen = store::lots::lot(&app.db, &wanted.product, &wanted.lot).await?;
    let fields = chosen.map_or_else(Fields::default, |entered| {
        let RegisteredLot {
            product,
            lot,
            expires,
            recall,
        } = entered.lot;
        let since = recall.as_ref().map(|recall| recall.since.to_string());
        Fields {
            product: product.to_string(),
            lot: lot.to_string(),
            expires: expires.to_string(),
            recalled_since: since.unwrap_or_default(),
            reason: recall.map(|recall| recall.reason).unwrap_or_default(),
            revision: entered.revision,
            ..Fields::default()
        }
    });
    render(&app, &me, page, wanted.find, fields, Complaints::default()).await
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    search: String,
    fields: Fields,
    complaints: Complaints,
) -> Result<Response, Problem> {
    let page = page.titled("lots-title");
    let texts = page.texts;
    let asked = Lot::parse(&search).ok();
    let lots = store::lots::lots(&app.db, asked.as_ref()).await?;
    let packages = store::lots::packages(&app.db).await?;
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&LotsPage {
        may_keep: me.may(Action::KeepLots),
        search,
        lots: lots
            .iter()
            .map(|entered| Row::of(entered, app.today(), texts))
            .collect(),
        packages: packages
            .iter()
            .map(|one| {
                (
                    one.gtin.to_string(),
                    product_name(one.product.as_str(), texts),
                )
            })
            .collect(),
        products: all_products(&fields.product, texts),
        package_products: all_products(&fields.package_product, texts),
        lot_max: LOT_LENGTH_MAX,
        reason_max: RECALL_REASON_LENGTH_MAX,
        page,
        fields,
        complaints,
    })?;
    Ok((status, shown).into_response())
}

/// Every product, in use or not: a lot may come before its first day.
pub(crate) fn all_products(chosen: &str, texts: Texts) -> Vec<Choice> {
    Vaccines::bundled()
        .all()
        .iter()
        .map(|product| Choice {
            value: product.key.to_string(),
            label: product_name(product.key.as_str(), texts),
            chosen: product.key.as_str() == chosen,
        })
        .collect()
}

/// A product of the table.
fn known(key: &str) -> Option<ProductKey> {
    Vaccines::bundled()
        .find(key)
        .map(|product| product.key.clone())
}

fn lot_in(page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<RegisteredLot> {
    let product = known(&fields.product);
    if product.is_none() {
        complaints.add::<()>("product", page.t("complaint-product"));
    }
    let lot = complaints.lot(page, &fields.lot);
    let expires = Day::parse(fields.expires.trim());
    if expires.is_none() {
        complaints.add::<()>("expires", page.t("complaint-day"));
    }
    let recall = match fields.recalled_since.trim() {
        "" => None,
        since => {
            let day = Day::parse(since);
            if day.is_none() {
                complaints.add::<()>("recalled_since", page.t("complaint-day"));
            }
            let max = RECALL_REASON_LENGTH_MAX;
            let reason = complaints.text(page, "reason", &fields.reason, max);
            Some((day, reason))
        }
    };
    let recall = match recall {
        Some((since, reason)) => Some(Recall {
            since: since?,
            reason: reason?,
        }),
        None => None,
    };
    Some(RegisteredLot {
        product: product?,
        // What `complaints` let through is a lot.
        lot: Lot::parse(&lot?).ok()?,
        expires: expires?,
        recall,
    })
}

async fn enter(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let mut complaints = Complaints::default();
    let Some(lot) = lot_in(&page, &fields, &mut complaints) else {
        return render(&app, &me, page, String::new(), fields, complaints).await;
    };
    let act = (app.fresh_id(), app.now());
    let seen = Some(fields.revision);
    match store::lots::keep(&app.db, &permit, &lot, seen, act).await? {
        Kept::As(_) | Kept::AsItIs(_) => Ok(done("/lots", "lot")),
        Kept::ChangedMeanwhile(revision) => {
            complaints.add::<()>("lot", page.t("complaint-lot-changed"));
            let fields = Fields { revision, ..fields };
            render(&app, &me, page, String::new(), fields, complaints).await
        }
    }
}

async fn enter_package(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepLots, me.place())?;
    let mut complaints = Complaints::default();
    let product = known(&fields.package_product);
    if product.is_none() {
        complaints.add::<()>("package_product", page.t("complaint-product"));
    }
    let gtin = Gtin::parse(&fields.gtin).map_err(|refusal| {
        complaints.add::<()>("gtin", seal_text(&refusal, page.texts));
    });
    let (Some(product), Ok(gtin)) = (product, gtin) else {
        return render(&app, &me, page, String::new(), fields, complaints).await;
    };
    let act = (app.fresh_id(), app.now());
    let package = Package { gtin, product };
    store::lots::keep_package(&app.db, &permit, &package, act).await?;
    Ok(done("/lots", "package"))
}
