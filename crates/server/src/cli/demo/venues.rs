//! What is told of the demonstration's venues, and their contracts. One venue is left without, to show what it is told.

use anyhow::{Context, anyhow};
use domain::access::{self, Action, Actor, OrganisationId, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::contracts::Act;
use domain::opening_days::Weekdays;
use domain::venues::hours::{DayHours, Hours};
use domain::venues::record::{
    AccountReference, Band, Contact, DeliveryTerms, Source, Standing, Storage, Told, VenueType,
};
use store::Db;
use store::contracts::{self, Decided, Decision, Made as MandateMade, NewMandate};
use store::recorder::Outside;
use store::venues::{self, Kept};

use super::fresh;
use super::organisations::{Made, Venue};

/// Since when the venues have been at work.
const DAYS_AGO: i64 = 60;
/// A day in millionths of a second.
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Who is left without a contract.
const WITHOUT: &str = "大阪見本会場";
/// The hours of a clinic, Monday first.
const HOURS: [&str; 7] = [
    "09:00-12:00 14:00-17:30",
    "09:00-12:00 14:00-17:30",
    "09:00-12:00 14:00-17:30",
    "09:00-12:00",
    "09:00-12:00 14:00-17:30",
    "09:00-13:00",
    "",
];

/// Tells it all.
pub(super) async fn begin(db: &Db, outside: &Outside, made: &Made) -> anyhow::Result<()> {
    let now = (outside.now)();
    let at = Instant::from_micros(now.micros() - DAYS_AGO * DAY_MICROS);
    let supplier = made.venues.first().context("no venue")?;
    for venue in &made.venues {
        let own = venue.operator.organisation;
        let (_, clerk) = made
            .cities
            .iter()
            .find(|(city, _)| *city == venue.city)
            .context("no city")?;
        let desks = (clerk, &venue.operator);
        let is_supplied = venue.city == supplier.city && own != supplier.operator.organisation;
        let source = is_supplied.then_some(supplier.operator.organisation);
        describe(db, outside, desks, venue, source, at).await?;
        if venue.name != WITHOUT {
            join(db, outside, venue, &made.association, at).await?;
        }
    }
    Ok(())
}

async fn describe(
    db: &Db,
    outside: &Outside,
    (clerk, operator): (&Actor, &Actor),
    venue: &Venue,
    source: Option<OrganisationId>,
    at: Instant,
) -> anyhow::Result<()> {
    let by_city = permit(clerk, Action::KeepVenues)?;
    let by_venue = permit(operator, Action::KeepVenue)?;
    let from = at.day_in_japan();
    let id = operator.organisation;
    for told in [standing(venue), Told::Source(Source { supplier: source })] {
        tell(db, outside, &by_city, id, (&told, from), at).await?;
    }
    for told in own_sections()? {
        tell(db, outside, &by_venue, id, (&told, from), at).await?;
    }
    Ok(())
}

fn standing(venue: &Venue) -> Told {
    let venue_type = match venue.name {
        name if name.contains("会場") => VenueType::Mass,
        name if name.contains("病院") => VenueType::Basic,
        _ => VenueType::Satellite,
    };
    Told::Standing(Standing {
        name: venue.name.to_owned(),
        kana: String::new(),
        venue_type,
        address: "見本町1-1".to_owned(),
        phone: "03-0000-0000".to_owned(),
    })
}

fn own_sections() -> anyhow::Result<Vec<Told>> {
    let mut hours = Hours::default();
    for (day, text) in hours.week.iter_mut().zip(HOURS) {
        *day = DayHours::parse(text).context("no hours")?;
    }
    Ok(vec![
        Told::Storage(Storage {
            deep_frozen_units: 4,
            frozen_units: 10,
            refrigerated_units: 6,
        }),
        Told::Hours(hours),
        Told::Contact(Contact {
            phone: "0120-000-000".to_owned(),
            url: "https://example.jp/yoyaku".to_owned(),
            remarks: String::new(),
        }),
        Told::Delivery(DeliveryTerms {
            weekdays: Weekdays::of([true, false, true, false, true, false, false]),
            band: Band::Morning,
            lead_days: 3,
            place: "正面玄関 薬剤部".to_owned(),
            remarks: String::new(),
        }),
        Told::Account(AccountReference {
            reference: "見本国保連 登録 A-1".to_owned(),
        }),
    ])
}

async fn tell(
    db: &Db,
    outside: &Outside,
    permit: &Permit,
    venue: OrganisationId,
    told: (&Told, Day),
    at: Instant,
) -> anyhow::Result<()> {
    match venues::tell(db, permit, venue, told, 0, (fresh(outside), at)).await? {
        Kept::As(_) => Ok(()),
        other => Err(anyhow!("{other:?}")),
    }
}

async fn join(
    db: &Db,
    outside: &Outside,
    venue: &Venue,
    association: &Actor,
    at: Instant,
) -> anyhow::Result<()> {
    let mandate = NewMandate {
        id: fresh(outside),
        association: association.organisation,
        act: Act::Join,
        asked_from: at.day_in_japan(),
        signatory: "院長　見本 一郎".to_owned(),
    };
    let making = permit(&venue.operator, Action::MakeMandate)?;
    match contracts::make(db, &making, &mandate, (fresh(outside), at)).await? {
        MandateMade::Now => {}
        other => return Err(anyhow!("{other:?}")),
    }
    let confirming = permit(association, Action::ConfirmMandates)?;
    let act = (fresh(outside), at);
    match contracts::decide(db, &confirming, mandate.id, Decision::Confirm, act).await? {
        Decided::Confirmed(_) => Ok(()),
        other => Err(anyhow!("{other:?}")),
    }
}

fn permit(actor: &Actor, action: Action) -> anyhow::Result<Permit> {
    let place: Place = actor.territory.place();
    access::permit(actor, action, place).map_err(|_| anyhow!("{action} is not allowed"))
}
