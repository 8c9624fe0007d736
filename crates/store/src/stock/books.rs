//! The only file that writes movements and balances: both in the caller's transaction, always together, and with
//! them the sums of the supply (`sums.rs`).

use std::collections::BTreeMap;

use domain::access::{OrganisationId, UserId};
use domain::calendar::{Day, Instant};
use domain::ledger::Sha;
use domain::stock::{Goods, Movement, Post};
use uuid::Uuid;

use super::sums;
use crate::db::{Table, Tx, sql};
use crate::error::{Error, Result};

/// A movement as it goes into the books.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) movement: Movement,
    /// What moves them; with `part` it names the entry for ever.
    pub(crate) act: Uuid,
    pub(crate) part: i64,
    /// The day it happened.
    pub(crate) on_day: Day,
    /// When the vials left the freezer, if that is told.
    pub(crate) began: Option<Instant>,
    pub(crate) note: String,
    pub(crate) at: Instant,
    pub(crate) user: UserId,
    pub(crate) organisation: OrganisationId,
}

/// Whether an organisation's act is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    First,
    /// It was done before, with the same content: nothing is to be done.
    Before,
    /// Its id was used for something else.
    OtherContent,
}

/// Takes an act's id for this content.
pub(crate) async fn claim(
    tx: &mut Tx,
    organisation: OrganisationId,
    id: Uuid,
    content: &str,
) -> Result<Claimed> {
    let content = Sha::of(content.as_bytes());
    let known: Option<(Vec<u8>,)> = tx
        .query(sql!(
            "SELECT content FROM stock_act WHERE organisation = $1 AND id = $2"
        ))
        .bind(organisation.0.as_bytes().to_vec())
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    if let Some((known,)) = known {
        return Ok(if known == content.as_bytes() {
            Claimed::Before
        } else {
            Claimed::OtherContent
        });
    }
    tx.query(sql!(
        "INSERT INTO stock_act (organisation, id, content) VALUES ($1, $2, $3)"
    ))
    .bind(organisation.0.as_bytes().to_vec())
    .bind(id.as_bytes().to_vec())
    .bind(content.as_bytes().to_vec())
    .expect(1)
    .await?;
    Ok(Claimed::First)
}

/// Writes movements, and what they change in the balances and sums.
pub(crate) async fn book(tx: &mut Tx, entries: Vec<Entry>) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut changes: BTreeMap<(Post, Goods), i64> = BTreeMap::new();
    for entry in &entries {
        for (post, change) in entry.movement.changes() {
            let key = (post, entry.movement.goods().clone());
            *changes.entry(key).or_default() += change;
        }
    }
    tx.many(
        sql!(
            "INSERT INTO stock_movement
                 (product, lot, act, part, kind, from_holder, from_account, to_holder, to_account, vials,
                  on_day, began_micros, note, at_micros, by_user, organisation)
             {rows: text, text, bytea, bigint, text, bytea, text, bytea, text, bigint,
                    text, bigint, text, bigint, bytea, bytea}"
        ),
        movements(&entries),
    )
    .expect_each()
    .await?;
    changes.retain(|_, change| *change != 0);
    let posts = || changes.keys().map(|(post, _)| post);
    let goods = || changes.keys().map(|(_, goods)| goods);
    let balances = Table::default()
        .bytes(posts().map(|post| post.holder.0.as_bytes().to_vec()))
        .text(goods().map(|goods| goods.product.as_str()))
        .text(goods().map(|goods| goods.lot.as_str()))
        .text(posts().map(|post| post.account.as_str()))
        .whole(changes.values().copied());
    tx.many(
        sql!(
            "INSERT INTO stock_balance (holder, product, lot, account, vials)
             {rows: bytea, text, text, text, bigint}
             ON CONFLICT (holder, product, lot, account)
             DO UPDATE SET vials = stock_balance.vials + excluded.vials"
        ),
        balances,
    )
    .expect_each()
    .await?;
    sums::add(tx, &entries).await
}

fn movements(entries: &[Entry]) -> Table {
    let all = || entries.iter();
    let moved = || entries.iter().map(|one| &one.movement);
    let holder = |id: OrganisationId| id.0.as_bytes().to_vec();
    Table::default()
        .text(moved().map(|one| one.goods().product.as_str()))
        .text(moved().map(|one| one.goods().lot.as_str()))
        .bytes(all().map(|one| one.act.as_bytes().to_vec()))
        .whole(all().map(|one| one.part))
        .text(moved().map(|one| one.kind().as_str()))
        .bytes(moved().map(|one| holder(one.from().holder)))
        .text(moved().map(|one| one.from().account.as_str()))
        .bytes(moved().map(|one| holder(one.to().holder)))
        .text(moved().map(|one| one.to().account.as_str()))
        .whole(moved().map(Movement::vials))
        .text(all().map(|one| one.on_day.to_string()))
        .whole(all().map(|one| one.began.map_or(0, Instant::micros)))
        .text(all().map(|one| one.note.as_str()))
        .whole(all().map(|one| one.at.micros()))
        .bytes(all().map(|one| one.user.0.as_bytes().to_vec()))
        .bytes(all().map(|one| holder(one.organisation)))
}

/// An organisation out of a column.
pub(crate) fn organisation(
    bytes: &[u8],
    table: &'static str,
    column: &'static str,
) -> Result<OrganisationId> {
    Uuid::from_slice(bytes)
        .map(OrganisationId)
        .map_err(|_| Error::Inconsistent { table, column })
}

/// A day out of a column.
pub(crate) fn day_in(text: &str, table: &'static str, column: &'static str) -> Result<Day> {
    Day::parse(text).ok_or(Error::Inconsistent { table, column })
}
