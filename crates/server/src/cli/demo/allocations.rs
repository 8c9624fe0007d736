//! A cycle of the demonstration: supply, populations, and what the nation published, so that every
//! level finds something to ask for and to give.

use anyhow::{Context, anyhow, bail};
use domain::access::{self, Action, Permit, Place};
use domain::allocation::propose;
use domain::calendar::{Day, Instant};
use domain::closings::Purpose;
use domain::cycles::{Draft, Formula, Stated, Terms, Tier, shipping_unit};
use domain::places::{MunicipalityCode, Places};
use domain::vaccines::{Lot, ProductKey};
use store::Db;
use store::allocations::{self, Published};
use store::cycles::{self, Cycle};
use store::deliveries::put_in_charge;
use store::figures::{StatedFigure, Stating, state_figures};
use store::recorder::Outside;
use store::supplies::{self, Supply};
use uuid::Uuid;

use super::doses::TODAYS_PRODUCT;
use super::fresh;
use super::organisations::Made;

/// Boxes the makers can ship: as many as the basic quota of cycle 9.
const BOXES: u64 = 8_000;
/// Days until the first delivery: all cut-offs are still ahead.
const DAYS_AHEAD: i64 = 24;
/// The cycle's number.
const NUMBER: u32 = 9;
/// Figures for demonstrations only (`data/README.md`).
const POPULATIONS: &str = include_str!("../../../../../data/municipality_populations.csv");

/// Sets everything up.
pub(super) async fn begin(db: &Db, outside: &Outside, made: &Made) -> anyhow::Result<()> {
    let nation = |action| {
        access::permit(&made.nation, action, Place::Nation)
            .map_err(|_| anyhow!("the nation may not {action}"))
    };
    let today = (outside.now)().day_in_japan();
    let act = || (fresh(outside), (outside.now)());
    let product = ProductKey::parse(TODAYS_PRODUCT).context("no key")?;
    let first_day = today.plus_days(DAYS_AHEAD);
    let unit = shipping_unit(TODAYS_PRODUCT, Purpose::Booster, first_day);
    let supply = Supply {
        product: product.clone(),
        lot: Lot::parse("FL4206")?,
        available_on: first_day,
        units: BOXES,
        reason: String::new(),
    };
    supplies::tell(db, &nation(Action::KeepSupply)?, &supply, None, act()).await?;
    let cycle = Cycle {
        id: fresh(outside),
        product,
        terms: Terms::usual(NUMBER, first_day, unit.context("no shipping unit")?),
        revision: 0,
    };
    cycles::keep(db, &nation(Action::KeepCycles)?, &cycle, act()).await?;
    let permit = nation(Action::Allocate)?;
    let figures = populations(first_day);
    match state_figures(db, &permit, &cycle, &figures, 0, act()).await? {
        Stating::Kept(_) => {}
        other => bail!("{other:?}"),
    }
    for (city, clerk) in &made.cities {
        let permit = access::city(clerk, Action::OrderVials, *city)
            .map_err(|_| anyhow!("{city} may not order"))?;
        let who = (&cycle.product, made.wholesaler.organisation);
        put_in_charge(db, &permit, who, act()).await?;
    }
    publish(db, &permit, &cycle, act()).await
}

/// The people of every municipality of that day, code first and figure last on each line of the table.
fn populations(on: Day) -> Vec<StatedFigure> {
    let figure = |line: &str| {
        let (code, rest) = line.split_once(',')?;
        let (_, people) = rest.rsplit_once(',')?;
        let code = MunicipalityCode::parse(code).ok()?;
        Places::bundled().issuer(code, on)?;
        Some(StatedFigure {
            seat: code.to_string(),
            figure: Stated::Population,
            value: people.parse().ok()?,
            reason: "見本の人口".to_owned(),
        })
    };
    POPULATIONS.lines().filter_map(figure).collect()
}

async fn publish(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    act: (Uuid, Instant),
) -> anyhow::Result<()> {
    let below = allocations::nodes(db, permit, cycle).await?;
    let supply = allocations::available(db, permit, cycle).await?;
    let draft = Draft {
        formula: Formula::usual(Tier::Nation),
        overrides: Vec::new(),
    };
    let nodes = below.into_iter().map(|one| one.node).collect();
    let product = cycle.product.as_str();
    let plan = cycle
        .terms
        .plan(product, Tier::Nation, supply, nodes, draft);
    let proposal = propose(&plan).map_err(|refusals| anyhow!("{refusals:?}"))?;
    let made = (&plan, &proposal);
    match allocations::publish(db, permit, cycle, made, 0, act).await? {
        Published::As(_) => Ok(()),
        other => Err(anyhow!("{other:?}")),
    }
}
