//! Disaster packs (災害用一式): begun by the night or by a person, gathered in stretches, printed, kept for
//! some days.
//!
//! After a restart any server goes on with what was gathered; printing is done again as a whole.

use std::sync::Arc;

use domain::access::{self, Action, CityPermit};
use domain::calendar::Day;
use domain::coupons::{Coupon, CouponKind};
use domain::drafts::Draft;
use domain::packs::{BLANK_FORMS, night_of};
use domain::vaccines::{Lot, ProductKey};
use paper::{Expected, Pack as Paper, PrintedPack, Questionnaire, Roster, Who, pack_pdf};
use store::packs::{self, Gathered, InHand, Listed, Pack, Printed, State};
use store::recorder::Outside;
use store::senders::Sender as Said;
use store::{Db, Error};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::clock::fresh_id;
use crate::jobs::imports::{Interrupted, operator};
use crate::pages::papers::{DOSE, Letterhead, printed};

/// What makes packs: one for each server.
#[derive(Clone)]
pub struct Packs {
    db: Db,
    outside: Outside,
    /// This server's name among those that share the database.
    worker: Uuid,
    /// The last night whose packs were all begun.
    begun: Arc<Mutex<Option<Day>>>,
}

impl Packs {
    /// Work for this server.
    #[must_use]
    pub fn new(db: Db, outside: Outside) -> Self {
        let worker = fresh_id(&outside);
        Self {
            db,
            outside,
            worker,
            begun: Arc::default(),
        }
    }

    /// Begins the packs of the night when it has come, then takes the next pack in hand and makes it;
    /// false if there was none.
    ///
    /// # Errors
    /// As [`Interrupted`]; what was gathered stays gathered.
    pub async fn turn(&self) -> Result<bool, Interrupted> {
        self.begin_night().await?;
        let now = (self.outside.now)();
        let Some(mut hand) = packs::take_in_hand(&self.db, self.worker, now).await? else {
            return Ok(false);
        };
        let city = hand.pack.city;
        // Whoever asked is in the audit; what comes of it is opened under a permit of its own.
        let permit = access::city(&operator(city), Action::IssueCoupons, city)
            .map_err(|_| Interrupted::Forbidden)?;
        tracing::info!(nightly = hand.pack.nightly, "pack.begun");
        let printed = match self.work(&permit, &mut hand).await {
            // What the tables cannot say today they cannot say at the next turn either.
            Err(Error::Inconsistent { table, column }) => {
                tracing::error!(table, column, "pack.inconsistent");
                Printed::Failed("inconsistent".to_owned())
            }
            worked => worked?,
        };
        match &printed {
            Printed::Done {
                forms, made_blank, ..
            } => tracing::info!(forms, made_blank, "pack.made"),
            Printed::Failed(why) => tracing::error!(why, "pack.failed"),
        }
        packs::finish(&self.db, &hand, &printed, (self.outside.now)()).await?;
        Ok(true)
    }

    /// Once a night: sweeps away what is too old and begins what is to be made.
    async fn begin_night(&self) -> store::Result<()> {
        let now = (self.outside.now)();
        let Some(night) = night_of(now) else {
            return Ok(());
        };
        let mut begun = self.begun.lock().await;
        if *begun == Some(night) {
            return Ok(());
        }
        packs::sweep(&self.db, now).await?;
        let id = || fresh_id(&self.outside);
        while packs::begin_night(&self.db, night, now, &id).await? > 0 {}
        *begun = Some(night);
        Ok(())
    }

    async fn work(&self, permit: &CityPermit, hand: &mut InHand) -> store::Result<Printed> {
        let id = || fresh_id(&self.outside);
        while hand.pack.state == State::Gathering {
            packs::gather(&self.db, permit, hand, (self.outside.now)(), &id).await?;
        }
        let gathered = packs::gathered(&self.db, permit, hand).await?;
        let blank: Vec<Uuid> = (0..BLANK_FORMS).map(|_| fresh_id(&self.outside)).collect();
        let today = (self.outside.now)().day_in_japan();
        let said = store::senders::on(&self.db, permit, today).await?;
        let pack = paper_of(&hand.pack, &gathered, &blank, said);
        let forms = pack.forms.len() as u64;
        let drawn = tokio::task::spawn_blocking(move || pack_pdf(&pack)).await;
        Ok(match drawn {
            Ok(Ok(PrintedPack { pdf, made_blank })) => Printed::Done {
                pdf,
                forms,
                made_blank: made_blank.len() as u64,
            },
            Ok(Err(refusal)) => Printed::Failed(refusal.code().to_owned()),
            // It would stop at the same place again.
            Err(_) => Printed::Failed("internal".to_owned()),
        })
    }
}

/// The pack as it is printed: a form with a draft for each who is expected, then blank ones.
fn paper_of(pack: &Pack, gathered: &Gathered, blank: &[Uuid], said: Option<Said>) -> Paper {
    let desk = gathered.name.as_deref().unwrap_or_default();
    let sender = Letterhead::of(pack.city, desk, said).sender;
    let venue_name = pack.venue.and(gathered.name.clone());
    let form = |id: Uuid, coupon: Option<Coupon>| Draft {
        form: id,
        city: pack.city,
        coupon: coupon.map(|coupon| coupon.line()),
        venue: gathered.code,
        // The city's own pack may be used on the days after, and a blank form by anybody.
        on: pack.venue.map(|_| pack.day),
        product: gathered
            .setting
            .as_ref()
            .and_then(|set| ProductKey::parse(&set.product)),
        lot: gathered
            .setting
            .as_ref()
            .and_then(|set| Lot::parse(&set.lot).ok()),
    };
    let expected = gathered
        .people
        .iter()
        .map(|one| listed(one, coupon(pack, one)))
        .collect();
    let people = gathered.people.iter().map(|one| {
        let coupon = coupon(pack, one);
        Questionnaire {
            sender: sender.clone(),
            form_of: pack.day,
            person: Some(printed(&one.resident, false)),
            coupon: Some(coupon),
            draft: Some(form(one.form, Some(coupon))),
            venue_name: venue_name.clone(),
        }
    });
    let blank = blank.iter().map(|id| {
        Questionnaire::blank(
            sender.clone(),
            pack.day,
            form(*id, None),
            venue_name.clone(),
        )
    });
    Paper {
        forms: people.chain(blank).collect(),
        roster: Roster {
            venue_name: venue_name
                .clone()
                .unwrap_or_else(|| sender.city_name.clone()),
            sender: sender.clone(),
            venue: gathered.code,
            on: pack.day,
            as_of: pack.created_at,
            expected,
        },
    }
}

fn coupon(pack: &Pack, one: &Listed) -> Coupon {
    Coupon {
        kind: CouponKind::Dose,
        kind_digit: DOSE,
        turn_digit: one.turn,
        municipality: pack.city,
        number: one.resident.number,
    }
}

/// Somebody on the roster; a protected person (支援措置) by the coupon alone.
fn listed(one: &Listed, coupon: Coupon) -> Expected {
    let resident = &one.resident;
    Expected {
        // Until there are bookings nobody has a time.
        time: String::new(),
        coupon: coupon.line(),
        turn: Some(one.turn).filter(|turn| *turn > 0),
        who: if resident.protected {
            Who::Protected
        } else {
            Who::Named {
                name: resident.name.clone(),
                kana: resident.kana.clone(),
                birth: resident.birth,
            }
        },
        note: one
            .last
            .map(|day| format!("前回 {}", day.japanese()))
            .unwrap_or_default(),
    }
}
