//! A rehearsal: what a repair would come to, tried in memory.

use domain::access::CityPermit;
use domain::calendar::Instant;
use domain::doses::{DoseId, Editor, InputWay, Standing};
use domain::statistics::Effect;

use super::{Command, Entering, What, entered, rows};
use crate::db::Db;
use crate::error::Result;

/// What a repair would come to; nothing is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// What would change in the statistics, cells that come out even left out.
    pub effects: Vec<Effect>,
    /// How the entered records would stand, in the order handed in.
    pub standings: Vec<Standing>,
}

/// Tries a repair in memory: each record taken back, and what is entered in its place.
///
/// # Errors
/// The database's.
pub(crate) async fn rehearse(
    db: &Db,
    permit: &CityPermit,
    now: Instant,
    pairs: Vec<(DoseId, Entering)>,
) -> Result<Rehearsal> {
    let mut commands = Vec::with_capacity(pairs.len() * 2);
    let mut entering = Vec::with_capacity(pairs.len());
    for (dose, one) in pairs {
        let new = one.id;
        let Some(enter) = entered(permit, one) else {
            continue;
        };
        commands.push(Command {
            id: dose.0,
            dose,
            city: permit.city(),
            by: enter.by,
            device: String::new(),
            input: InputWay::Keyed,
            what: What::Void {
                editor: Editor::City,
                reason: String::new(),
                seen: None,
            },
        });
        commands.push(enter);
        entering.push(new);
    }
    let mut tx = db.begin_reading().await?;
    let mut batch = rows::load_reading(&mut tx, &commands, now).await?;
    for command in &commands {
        // What cannot be done is not done at the approval either, and is told there.
        drop(batch.apply(command, &|| [0; 16]));
    }
    Ok(Rehearsal {
        effects: batch.sum_of_effects(),
        standings: entering
            .into_iter()
            .filter_map(|dose| batch.standing(permit.city(), dose))
            .collect(),
    })
}
