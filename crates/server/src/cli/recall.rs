//! `sesshu recall`: where every vial of a lot is, and who was given one.

use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Place as Where, Role, Territory, UserId,
};
use domain::places::MunicipalityCode;
use domain::vaccines::Lot;
use serde_json::{Value, json};
use store::Db;
use store::audit::View;
use store::recalls::{PEOPLE_MAX, Standing, Whereabouts, can_be_stopped, dosed, whereabouts};
use store::recorder::Outside;
use uuid::Uuid;

use crate::cli::{Place, say};
use crate::clock::fresh_id;
use crate::jobs::imports::operator;
use crate::pages::recalls::{PURPOSE, VIEW};

/// Of which lot, and for whom.
#[derive(Args)]
pub(super) struct Options {
    /// ロット番号 / the lot
    #[arg(long)]
    lot: String,
    /// 何も変えずに表示する(使用中止は画面「ロットの回収」で国が行う) / print and change nothing; the nation stops a lot on its page
    #[arg(long)]
    dry_run: bool,
    /// この市町村の接種者だけを表示する / name the people of this city alone
    #[arg(long, value_name = "CODE")]
    municipality: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Prints vials by holder and, city by city, who was given a dose: by record and coupon number, each
/// city's access log written first.
pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    if !options.dry_run {
        bail!(
            "使用中止は国が画面「ロットの回収」で行います。所在を調べるには --dry-run を付けてください。\n\
             The nation stops a lot on its page \"Recall of a lot\"; add --dry-run to see where it is."
        );
    }
    let lot = Lot::parse(&options.lot).map_err(|refusal| anyhow!("{refusal}"))?;
    let only = options.municipality.as_deref().map(|code| {
        MunicipalityCode::parse(code).map_err(|refusal| {
            anyhow!("{code}: 市町村コードではありません / not a municipality code ({refusal:?})")
        })
    });
    let only = only.transpose()?;
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let db = Db::open(&options.place.location()?).await?;
    store::migrations::reached(&db).await?;
    // What is recorded is to be found: the books are brought up to it first.
    store::stock::project(&db, &store::Recent::default(), (outside.now)()).await?;
    let told = tell(&db, &lot, only, &outside).await;
    db.close().await;
    say(&serde_json::to_string_pretty(&told?)?);
    Ok(ExitCode::SUCCESS)
}

/// Who holds the database works with the nation's own right, and nobody's account is behind it.
fn nation() -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        organisation: OrganisationId(Uuid::nil()),
        kind: OrganisationKind::Nation,
        role: Role::Administrator,
        territory: Territory::Nation,
    }
}

async fn tell(
    db: &Db,
    lot: &Lot,
    only: Option<MunicipalityCode>,
    outside: &Outside,
) -> anyhow::Result<Value> {
    let permit = access::permit(&nation(), Action::KeepLots, Where::Nation)
        .map_err(|denied| anyhow!("{denied}"))?;
    let found = whereabouts(db, &permit, lot).await?;
    let mut cities = Vec::new();
    for city in &found.doses {
        let code = city.municipality;
        let is_asked = only.is_none_or(|only| only == code);
        let people = if is_asked {
            people(db, lot, code, outside).await?
        } else {
            Value::Null
        };
        cities.push(json!({ "municipality": code, "doses": city.doses, "people": people }));
    }
    Ok(json!({
        "lot": lot,
        "dry_run": true,
        "vials_to_stop": found.to_stop(),
        "doses": found.dosed(),
        "vials": vials(&found),
        "cities": cities,
    }))
}

fn vials(found: &Whereabouts) -> Vec<Value> {
    let told = |one: &Standing| {
        json!({
            "product": one.product,
            "holder": one.holder,
            "holder_name": one.holder_name,
            "facility_code": one.facility,
            "municipality": one.municipality,
            "account": one.account.as_str(),
            "vials": one.vials,
            "can_be_stopped": can_be_stopped(one.account),
        })
    };
    found.vials.iter().map(told).collect()
}

async fn people(
    db: &Db,
    lot: &Lot,
    city: MunicipalityCode,
    outside: &Outside,
) -> anyhow::Result<Value> {
    let permit = access::city(&operator(city), Action::TraceLot, city)
        .map_err(|denied| anyhow!("{denied}"))?;
    let mut people = Vec::new();
    let mut after = None;
    loop {
        let view = View {
            id: fresh_id(outside),
            at: (outside.now)(),
            number: None,
            view: VIEW.to_owned(),
            purpose: PURPOSE.to_owned(),
        };
        let page = dosed(db, &permit, lot, after, &view).await?;
        let is_last = (page.len() as i64) < PEOPLE_MAX;
        after = page.last().map(|one| one.dose);
        people.extend(page.into_iter().map(|one| {
            json!({
                "record": one.dose,
                "number": one.number,
                "given_on": one.given_on,
                "product": one.product,
                "venue": one.venue_name,
                "protected": one.is_protected,
            })
        }));
        if is_last {
            return Ok(Value::Array(people));
        }
    }
}
