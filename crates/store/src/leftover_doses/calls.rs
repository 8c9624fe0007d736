//! Whose turn it is, and what became of the call.

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::Instant;
use domain::checks::Colour;
use domain::doses::Facts;
use domain::lots::LotState;
use domain::standby::{Pass, Turn, Verdicts, Wanted, Word, turn};
use uuid::Uuid;

use super::{Known, Surplus, allowed, bad, drawn, look, offers_within, surpluses_within};
use crate::audit::{self, View};
use crate::checks::{Asking, answered};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::Result;
use crate::standby::{
    CALL_PURPOSE, Key, PROTECTED_PURPOSE, Person, VIEW, forget, people, rule_within,
};

/// What became of looking for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// Somebody is to be called.
    Now,
    /// The same was asked before: it stands as it is.
    Before,
    /// The id was used for something else.
    OtherContent,
    /// Nobody on the list can be called; why is written down for each.
    Nobody,
    /// As many people are being called or on their way as doses are left.
    NoneFree,
    /// The vial has ended.
    Over,
    /// The lot must not be given: expired, recalled, or in quarantine.
    LotStopped,
    /// The venue said nothing of these doses today.
    NotFound,
}

/// Finds whose turn it is for the leftover doses, and writes down that they are called, with all who stand before them and
/// why they are not. Whoever was looked up for it is in the access log of their city.
///
/// # Errors
/// The database's.
pub async fn call(
    db: &Db,
    permit: &VenuePermit,
    (leftover, offer): (Uuid, Uuid),
    now: Instant,
    fresh: &(impl Fn() -> Uuid + Sync),
) -> Result<Called> {
    allowed(permit)?;
    let (venue, today) = (permit.venue(), now.day_in_japan());
    transact!(db, |tx| {
        if let Some(before) = made_before(&mut tx, venue, (leftover, offer)).await? {
            return Ok(before);
        }
        let offers = offers_within(&mut tx, venue, today).await?;
        let known = Known::of(&mut tx, venue, today).await?;
        let all = surpluses_within(&mut tx, venue, today, (&known, &offers)).await?;
        let drawn = drawn(&mut tx, venue, today).await?;
        let (Some(surplus), Some(drawn)) = (all.iter().find(|one| one.id == leftover), drawn)
        else {
            return Ok(Called::NotFound);
        };
        if surplus.until <= now {
            return Ok(Called::Over);
        }
        if surplus.free() == 0 {
            return Ok(Called::NoneFree);
        }
        let found = whose_turn(&mut tx, permit, (surplus, drawn), now, fresh).await?;
        let Some((called, passed)) = found else {
            return Ok(Called::LotStopped);
        };
        write(&mut tx, permit, (leftover, offer), called.as_ref(), now).await?;
        write_passed(&mut tx, offer, &passed).await?;
        match called {
            Some(_) => Called::Now,
            None => Called::Nobody,
        }
    })
}

/// What is answered if the call's id was used before.
async fn made_before(
    tx: &mut Tx,
    venue: OrganisationId,
    (leftover, offer): (Uuid, Uuid),
) -> Result<Option<Called>> {
    let known: Option<(Vec<u8>, Vec<u8>)> = tx
        .query(sql!(
            "SELECT venue, leftover FROM leftover_offer WHERE id = $1"
        ))
        .bind(offer.as_bytes().to_vec())
        .optional()
        .await?;
    Ok(known.map(|(of, about)| {
        if of == venue.0.as_bytes() && about == leftover.as_bytes() {
            Called::Before
        } else {
            Called::OtherContent
        }
    }))
}

/// Whom to call, if there is somebody, and who stands before them with what reason; none if the lot must not be given.
type Found = Option<(Option<Person>, Vec<(Uuid, Pass)>)>;

/// Whose turn it is now.
async fn whose_turn(
    tx: &mut Tx,
    permit: &VenuePermit,
    (surplus, (key, drawn)): (&Surplus, ([u8; 16], Instant)),
    now: Instant,
    fresh: &(impl Fn() -> Uuid + Sync),
) -> Result<Found> {
    let today = now.day_in_japan();
    let rule = rule_within(tx, permit.city(), today).await?;
    let wanted = Wanted {
        product: &surplus.told.product,
        now,
        until: surplus.until,
        rule,
    };
    let mut on_lists = on_lists(tx, permit, rule.shares_list, now).await?;
    on_lists.retain(|one| !one.is_withdrawn);
    let order = on_lists
        .iter()
        .map(|one| one.candidate(today, (&key, drawn)));
    let order = wanted.in_order(order.collect());
    let mut verdicts = Verdicts::new();
    loop {
        match turn(&wanted, &order, &verdicts) {
            Turn::Call { id, passed } => {
                let called = on_lists.into_iter().find(|one| one.id == id);
                return Ok(Some((called, passed)));
            }
            Turn::Nobody(passed) => return Ok(Some((None, passed))),
            Turn::AskRules(id) => {
                let one = on_lists.iter().find(|one| one.id == id);
                let one = one.ok_or_else(|| bad("standby", "id"))?;
                match verdict(tx, permit, (one, surplus), (fresh(), now)).await? {
                    Some(verdict) => verdicts.insert(id, verdict),
                    None => return Ok(None),
                };
            }
        }
    }
}

/// The people on the venue's own list, and on its city's if that is shared.
async fn on_lists(
    tx: &mut Tx,
    permit: &VenuePermit,
    shares_list: bool,
    now: Instant,
) -> Result<Vec<Person>> {
    let today = now.day_in_japan();
    let mut all = people(tx, &Key::of_venue(permit.venue()), today).await?;
    if shares_list {
        all.extend(people(tx, &Key::of_city(permit.city()), today).await?);
    }
    forget(tx, &mut all, today).await?;
    Ok(all)
}

/// What the rules of vaccination say of a dose for somebody now; none if the lot itself must not be given.
async fn verdict(
    tx: &mut Tx,
    permit: &VenuePermit,
    (person, surplus): (&Person, &Surplus),
    (id, now): (Uuid, Instant),
) -> Result<Option<Option<Pass>>> {
    let asking = Asking {
        id,
        at: now,
        facts: Facts {
            doctor: String::new(),
            given_on: now.day_in_japan(),
            line: person.line,
            lot: surplus.told.lot.clone(),
            product: surplus.told.product.clone(),
            turn: person.line.turn_digit(),
            venue: permit.venue(),
            venue_name: String::new(),
        },
        printed: None,
    };
    let (city, number) = person.route;
    let view = View {
        id,
        at: now,
        number: Some(number),
        view: VIEW.to_owned(),
        purpose: CALL_PURPOSE.to_owned(),
    };
    audit::look(tx, permit.actor(), city, &view).await?;
    let check = answered(tx, permit, &asking).await?.check;
    let is_stopped = match check.lot {
        LotState::Expired { .. } | LotState::Recalled(_) => true,
        LotState::Quarantined(quarantine) => quarantine.is_whole,
        LotState::Good { .. } | LotState::Unknown => false,
    };
    if is_stopped {
        return Ok(None);
    }
    let red = check
        .reasons
        .iter()
        .find(|reason| reason.colour == Colour::Red);
    Ok(Some(red.map(|reason| Pass::NotDue(reason.finding.code))))
}

async fn write(
    tx: &mut Tx,
    permit: &VenuePermit,
    (leftover, offer): (Uuid, Uuid),
    called: Option<&Person>,
    now: Instant,
) -> Result<()> {
    let (standby, city, number) = called.map_or_else(Default::default, |one| {
        let (city, number) = one.route;
        let id = one.id.as_bytes().to_vec();
        (id, city.as_str().to_owned(), number.as_str().to_owned())
    });
    tx.query(sql!(
        "INSERT INTO leftover_offer (id, venue, day, leftover, standby, municipality, coupon, at_micros, by_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ))
    .bind(offer.as_bytes().to_vec())
    .bind(permit.venue().0.as_bytes().to_vec())
    .bind(now.day_in_japan().to_string())
    .bind(leftover.as_bytes().to_vec())
    .bind(standby)
    .bind(city)
    .bind(number)
    .bind(now.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await?;
    if called.is_some() {
        say(tx, permit, (offer, 1), Word::Asked, now).await?;
    }
    Ok(())
}

async fn write_passed(tx: &mut Tx, offer: Uuid, passed: &[(Uuid, Pass)]) -> Result<()> {
    if passed.is_empty() {
        return Ok(());
    }
    let finding = |pass: &Pass| pass.finding().map_or("", |code| code.as_str());
    let table = Table::default()
        .bytes(passed.iter().map(|_| offer.as_bytes().to_vec()))
        .whole((0_i64..).take(passed.len()))
        .bytes(passed.iter().map(|(id, _)| id.as_bytes().to_vec()))
        .text(passed.iter().map(|(_, pass)| pass.as_str()))
        .text(passed.iter().map(|(_, pass)| finding(pass)));
    tx.many(
        sql!(
            "INSERT INTO leftover_pass (offer, place, standby, reason, finding) {rows: bytea, bigint, bytea, text, text}"
        ),
        table,
    )
    .expect_each()
    .await
}

async fn say(
    tx: &mut Tx,
    permit: &VenuePermit,
    (offer, revision): (Uuid, i64),
    word: Word,
    now: Instant,
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO leftover_word (offer, revision, word, at_micros, by_user) VALUES ($1, $2, $3, $4, $5)"
    ))
    .bind(offer.as_bytes().to_vec())
    .bind(revision)
    .bind(word.as_str().to_owned())
    .bind(now.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It stands.
    Now,
    /// The same was said before.
    Before,
    /// Somebody else has said something since it was looked at.
    Meanwhile,
    /// It does not follow what was said last; who came has a record, and it is closed by that.
    CannotFollow,
    /// It would promise a dose again, and all that are left are promised by now.
    NoneFree,
    /// The venue made no such call today.
    NotFound,
}

/// Says what became of a call, or takes the last answer back with [`Word::Asked`]; `seen` is the revision that was looked
/// at.
///
/// # Errors
/// The database's.
pub async fn answer(
    db: &Db,
    permit: &VenuePermit,
    (offer, seen): (Uuid, i64),
    word: Word,
    now: Instant,
) -> Result<Answered> {
    allowed(permit)?;
    let (venue, today) = (permit.venue(), now.day_in_japan());
    transact!(db, |tx| {
        let offers = offers_within(&mut tx, venue, today).await?;
        let Some(one) = offers.iter().find(|one| one.id == offer) else {
            return Ok(Answered::NotFound);
        };
        if one.revision == seen + 1 && one.word == word {
            return Ok(Answered::Before);
        }
        if one.revision != seen {
            return Ok(Answered::Meanwhile);
        }
        if one.has_come || !one.word.may_be(word) {
            return Ok(Answered::CannotFollow);
        }
        if word.holds_a_dose() && !one.word.holds_a_dose() {
            let known = Known::of(&mut tx, venue, today).await?;
            let all = surpluses_within(&mut tx, venue, today, (&known, &offers)).await?;
            let surplus = all.iter().find(|surplus| surplus.id == one.leftover);
            if surplus.is_none_or(|surplus| surplus.free() == 0) {
                return Ok(Answered::NoneFree);
            }
        }
        say(&mut tx, permit, (offer, seen + 1), word, now).await?;
        Answered::Now
    })
}

/// The telephone of a protected person (支援措置) who is being called or on their way, by a second step that is in the
/// access log before it is known.
///
/// # Errors
/// The database's.
pub async fn phone_of_protected(
    db: &Db,
    permit: &VenuePermit,
    offer: Uuid,
    (id, now): (Uuid, Instant),
) -> Result<Option<String>> {
    allowed(permit)?;
    transact!(db, |tx| {
        let offers = offers_within(&mut tx, permit.venue(), now.day_in_japan()).await?;
        let open = offers.iter().find(|one| one.id == offer);
        if open.is_none_or(|one| !one.is_open()) {
            return Ok(None);
        }
        look(&mut tx, permit, offer, (id, now), PROTECTED_PURPOSE).await?;
        let row: Option<(String,)> = tx
            .query(sql!(
                "SELECT p.phone FROM leftover_offer AS o JOIN standby_phone AS p ON p.standby = o.standby
                 WHERE o.id = $1"
            ))
            .bind(offer.as_bytes().to_vec())
            .optional()
            .await?;
        row.map(|(phone,)| phone)
    })
}
