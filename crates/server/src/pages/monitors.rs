//! The monitors of the supply (需給の見える化): nation, prefecture, city, venue, each with what lies in it. One's own place
//! and those in it; nobody is asked for a number.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::access::{Action, OrganisationId, Place};
use domain::calendar::{Day, Instant};
use domain::cumulative_reports::counts_on;
use domain::monitors::{Age, Cover, Ending, STALE_DAYS, Sums, USE_DAYS, doses_in};
use domain::places::Prefecture;
use domain::stock::Waste;
use domain::vaccines::Vaccines;
use exchange::encoding::Encoding;
use exchange::monitors::{MonitorRow, write_monitor};
use serde::Deserialize;
use store::monitors::{self, Asked, LotSupply, PAGE_ROWS, PlaceSupply, Supply, VenueSupply};
use uuid::Uuid;

use crate::pages::attachments::csv_response;
use crate::pages::imports::encodings;
use crate::pages::monitor_map::{Outline, VIEW, legend, map};
use crate::pages::monitor_places::{Seat, name, word};
use crate::pages::records::{Badge, Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, grouped, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::percent_encoded;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Tenths of a week in a week.
const TENTHS: i64 = 10;

/// The pages of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeSupply);
    Routes::new()
        .get("/monitor", see, show_own)
        .get("/monitor/table", see, table)
        .get("/monitor/{place}", see, show)
}

/// What is asked, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    /// Which place, of files.
    place: String,
    /// The product's key.
    product: String,
    /// The encoding of a file.
    encoding: String,
    after_code: String,
    after_id: String,
    after_lot: String,
}

/// A place, a venue, or all together, in words.
struct Row {
    name: String,
    /// Its monitor.
    href: Option<String>,
    /// A venue's ten digits.
    code: String,
    figures: Figures,
    /// How old the last word of a venue is.
    age: Option<(Badge, String)>,
}

/// Figures for people.
struct Figures {
    shipped: String,
    received: String,
    on_the_way: String,
    on_hand: String,
    is_negative: bool,
    doses: String,
    weeks: String,
    band: &'static str,
    given: String,
    used: String,
    wasted: String,
    missing: String,
    soon: String,
    before_long: String,
    over: String,
    silent: i64,
}

/// A lot of a venue, in words.
struct LotRow {
    lot: String,
    last_day: String,
    ends: Option<Badge>,
    figures: Figures,
}

#[derive(Template)]
#[template(path = "monitor.html")]
struct MonitorPage {
    page: Page,
    name: String,
    word: String,
    above: Vec<(String, String)>,
    product: String,
    products: Vec<Choice>,
    now: String,
    total: Figures,
    wastes: Vec<(String, String)>,
    /// Of the nation.
    map: Vec<Outline>,
    legend: Vec<(&'static str, String)>,
    view: &'static str,
    /// What the rows are: `prefecture`, `city`, `venue`, `lot`.
    part: &'static str,
    part_name: String,
    table_title: String,
    rows: Vec<Row>,
    lots: Vec<LotRow>,
    age: Option<(Badge, String)>,
    newest: Option<String>,
    older: Option<String>,
    encodings: Vec<Choice>,
    report_day: Day,
    today: Day,
    use_days: i64,
    stale_days: i64,
}

async fn show_own(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let seat = Seat::own(&me)?;
    render(&app, &me, page, &seat, &wanted).await
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(place): Path<String>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let seat = Seat::find(&app, &me, &place).await?;
    render(&app, &me, page, &seat, &wanted).await
}

/// The product that is looked at: the one asked for, or the first in use today of which anything ever moved; and
/// all of which anything did.
pub(crate) async fn product_for(app: &App, wanted: &str) -> Result<(String, Vec<String>), Problem> {
    let known = monitors::products(&app.db).await?;
    let wanted = wanted.trim();
    let chosen = if wanted.is_empty() {
        let mut in_use = Vaccines::bundled().on(app.today()).into_iter();
        let first =
            in_use.find_map(|product| known.iter().find(|key| *key == product.key.as_str()));
        first.or(known.last()).cloned().unwrap_or_default()
    } else {
        wanted.to_owned()
    };
    Ok((chosen, known))
}

/// What lies in a place, and all of it together.
enum Parts {
    Places(Vec<PlaceSupply>),
    Venues(Vec<VenueSupply>, Supply),
    Lots(Vec<LotSupply>, Option<Box<VenueSupply>>),
}

impl Parts {
    async fn read(
        app: &App,
        seat: &Seat,
        asked: Asked<'_>,
        wanted: &Wanted,
    ) -> Result<Self, Problem> {
        let (db, permit) = (&app.db, &seat.permit);
        Ok(match seat.place() {
            Place::City(_) => {
                let id: Option<Uuid> = wanted.after_id.parse().ok();
                let after = id.map(|id| (wanted.after_code.clone(), OrganisationId(id)));
                let venues = monitors::venues(db, permit, asked, after).await?;
                let whole = monitors::overview(db, permit, asked).await?;
                Self::Venues(venues, Supply::total(whole.iter().map(|one| &one.supply)))
            }
            Place::Venue { .. } => {
                let lots = monitors::lots(db, permit, asked, &wanted.after_lot).await?;
                let venue = monitors::of_venue(db, permit, asked).await?;
                Self::Lots(lots, venue.map(Box::new))
            }
            _ => Self::Places(monitors::overview(db, permit, asked).await?),
        })
    }

    fn total(&self) -> Supply {
        match self {
            Self::Places(parts) => Supply::total(parts.iter().map(|one| &one.supply)),
            Self::Venues(_, whole) => *whole,
            Self::Lots(_, venue) => venue
                .as_ref()
                .map_or_else(Supply::default, |one| one.supply),
        }
    }

    /// What the address of the next page says, where there is one.
    fn next(&self) -> Option<String> {
        let is_full = |rows: usize| i64::try_from(rows) == Ok(PAGE_ROWS);
        match self {
            Self::Places(_) => None,
            Self::Venues(venues, _) => {
                let last = venues.last().filter(|_| is_full(venues.len()))?;
                Some(format!("after_code={}&after_id={}", last.code, last.id))
            }
            Self::Lots(lots, _) => {
                let last = lots.last().filter(|_| is_full(lots.len()))?;
                Some(format!("after_lot={}", percent_encoded(&last.lot)))
            }
        }
    }
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    seat: &Seat,
    wanted: &Wanted,
) -> Result<Response, Problem> {
    let (product, known) = product_for(app, &wanted.product).await?;
    let now = app.now();
    let asked = Asked {
        product: &product,
        now,
    };
    let parts = Parts::read(app, seat, asked, wanted).await?;
    let texts = page.texts;
    let page = page.titled_with("monitor-title-of", "place", &seat.name(texts));
    let words = Words {
        product: &product,
        now,
        texts,
    };
    let total = parts.total();
    let first_page = format!(
        "/monitor/{}?product={}",
        seat.word,
        percent_encoded(&product)
    );
    let is_later = !wanted.after_id.is_empty() || !wanted.after_lot.is_empty();
    let report_day = counts_on(now);
    let part = match seat.place() {
        Place::Nation => "prefecture",
        Place::Prefecture(_) => "city",
        Place::City(_) => "venue",
        Place::Venue { .. } | Place::Company(_) => "lot",
    };
    html(&MonitorPage {
        name: seat.name(texts),
        word: seat.word.clone(),
        above: seat.above(me, texts),
        products: products(&known, &product, texts),
        now: now.japanese(),
        total: words.figures(&total),
        wastes: wastes(&total.sums, texts),
        map: words.map(seat.place(), &parts),
        legend: legend(texts),
        view: VIEW,
        part_name: texts.t(&format!("monitor-part-{part}")),
        table_title: texts.t(&format!("monitor-by-{part}")),
        part,
        rows: words.rows(&parts),
        lots: match &parts {
            Parts::Lots(lots, _) => lots.iter().map(|one| words.lot(one)).collect(),
            _ => Vec::new(),
        },
        age: match &parts {
            Parts::Lots(_, Some(venue)) => Some(words.age(venue.told)),
            _ => None,
        },
        older: parts.next().map(|next| format!("{first_page}&{next}")),
        newest: is_later.then_some(first_page),
        encodings: encodings(&page),
        report_day,
        today: app.today(),
        use_days: USE_DAYS,
        stale_days: STALE_DAYS,
        product,
        page,
    })
}

/// What was thrown away, by reason.
fn wastes(sums: &Sums, texts: Texts) -> Vec<(String, String)> {
    let word = |one: Waste| texts.t(&format!("stock-account-discarded_{}", one.as_str()));
    Waste::ALL
        .into_iter()
        .map(|one| (word(one), grouped(sums.wasted_by(one))))
        .collect()
}

fn products(known: &[String], chosen: &str, texts: Texts) -> Vec<Choice> {
    known
        .iter()
        .map(|key| Choice {
            value: key.clone(),
            label: product_name(key, texts),
            chosen: key == chosen,
        })
        .collect()
}

/// What is needed to say figures in words.
#[derive(Clone, Copy)]
struct Words<'w> {
    product: &'w str,
    now: Instant,
    texts: Texts,
}

impl Words<'_> {
    fn doses(&self, sums: &Sums) -> i64 {
        doses_in(self.product, sums.on_hand, self.now.day_in_japan())
    }

    fn cover(&self, supply: &Supply) -> Cover {
        Cover::of(self.doses(&supply.sums), supply.given)
    }

    fn weeks(&self, cover: Cover) -> String {
        match cover {
            Cover::NothingUsed => self.texts.t("monitor-nothing-used"),
            Cover::Tenths(tenths) => {
                let weeks = format!("{}.{}", grouped(tenths / TENTHS), tenths % TENTHS);
                self.texts.t_with("monitor-weeks", &[("weeks", weeks)])
            }
        }
    }

    fn figures(&self, supply: &Supply) -> Figures {
        let Supply { sums, ending, .. } = supply;
        let cover = self.cover(supply);
        Figures {
            shipped: grouped(sums.shipped),
            received: grouped(sums.received + sums.taken - sums.sent),
            on_the_way: grouped(sums.on_the_way()),
            on_hand: grouped(sums.on_hand),
            is_negative: sums.on_hand < 0,
            doses: grouped(self.doses(sums)),
            weeks: self.weeks(cover),
            band: cover.band().as_str(),
            given: grouped(supply.given),
            used: grouped(sums.used + sums.opened),
            wasted: grouped(sums.wasted()),
            missing: grouped(sums.missing()),
            soon: grouped(ending.soon),
            before_long: grouped(ending.before_long),
            over: grouped(ending.ended + ending.untold),
            silent: supply.silent,
        }
    }

    fn href(&self, word: &str) -> String {
        format!("/monitor/{word}?product={}", percent_encoded(self.product))
    }

    fn rows(&self, parts: &Parts) -> Vec<Row> {
        match parts {
            Parts::Places(places) => places.iter().map(|one| self.place(one)).collect(),
            Parts::Venues(venues, _) => venues.iter().map(|one| self.venue(one)).collect(),
            Parts::Lots(..) => Vec::new(),
        }
    }

    fn place(&self, one: &PlaceSupply) -> Row {
        Row {
            name: match &one.place {
                Some(place) => name(place, self.texts),
                None => self.texts.t("monitor-nowhere"),
            },
            href: one.place.map(|place| self.href(&word(&place))),
            code: String::new(),
            figures: self.figures(&one.supply),
            age: None,
        }
    }

    fn venue(&self, one: &VenueSupply) -> Row {
        Row {
            name: one.name.clone(),
            href: Some(self.href(&one.id.to_string())),
            code: one.code.clone(),
            figures: self.figures(&one.supply),
            age: Some(self.age(one.told)),
        }
    }

    fn age(&self, told: Option<Instant>) -> (Badge, String) {
        let age = Age::of(told, self.now);
        let (tone, icon) = match age {
            Age::Fresh => ("good", "check"),
            Age::Late => ("warn", "wait"),
            Age::Stale | Age::Never => ("bad", "warn"),
        };
        let badge = Badge {
            tone,
            icon,
            word: self.texts.t(&format!("monitor-age-{}", age.as_str())),
        };
        let day = told.map(|at| day_text(at.day_in_japan(), self.texts));
        (badge, day.unwrap_or_default())
    }

    fn lot(&self, one: &LotSupply) -> LotRow {
        let ending = Ending::of(one.sums.on_hand, one.last_day, self.now.day_in_japan());
        let supply = Supply {
            sums: one.sums,
            ending,
            ..Supply::default()
        };
        let badge = |tone, icon, id| Badge {
            tone,
            icon,
            word: self.texts.t(id),
        };
        let ends = if ending.ended != 0 {
            Some(badge("bad", "stop", "monitor-ended"))
        } else if ending.soon != 0 {
            Some(badge("warn", "warn", "monitor-ends-soon"))
        } else if ending.before_long != 0 {
            Some(badge("info", "info", "monitor-ends-before-long"))
        } else {
            None
        };
        LotRow {
            lot: one.lot.clone(),
            last_day: match one.last_day {
                Some(day) => day_text(day, self.texts),
                None => self.texts.t("stock-unknown"),
            },
            ends,
            figures: self.figures(&supply),
        }
    }

    fn map(&self, place: Place, parts: &Parts) -> Vec<Outline> {
        let (Place::Nation, Parts::Places(places)) = (place, parts) else {
            return Vec::new();
        };
        let covers: BTreeMap<Prefecture, Cover> = places
            .iter()
            .filter_map(|one| match one.place {
                Some(Place::Prefecture(prefecture)) => Some((prefecture, self.cover(&one.supply))),
                _ => None,
            })
            .collect();
        map(&covers, |cover| self.weeks(cover), self.texts)
    }

    fn file_row(&self, (code, name): (String, String), supply: &Supply) -> MonitorRow {
        MonitorRow {
            code,
            name,
            product: self.product.to_owned(),
            sums: supply.sums,
            doses: self.doses(&supply.sums),
            cover: self.cover(supply),
            given: supply.given,
            ending: supply.ending,
            silent: supply.silent,
            told: None,
        }
    }

    fn file_rows(&self, parts: &Parts) -> Vec<MonitorRow> {
        match parts {
            Parts::Places(places) => {
                let row = |one: &PlaceSupply| {
                    let place = one.place.as_ref();
                    let code = place.map_or_else(String::new, word);
                    let named = place.map(|place| name(place, self.texts));
                    let named = named.unwrap_or_else(|| self.texts.t("monitor-nowhere"));
                    self.file_row((code, named), &one.supply)
                };
                places.iter().map(row).collect()
            }
            Parts::Venues(venues, _) => {
                let row = |one: &VenueSupply| MonitorRow {
                    told: one.told,
                    ..self.file_row((one.code.clone(), one.name.clone()), &one.supply)
                };
                venues.iter().map(row).collect()
            }
            Parts::Lots(lots, _) => {
                let row = |one: &LotSupply| {
                    let today = self.now.day_in_japan();
                    let supply = Supply {
                        sums: one.sums,
                        ending: Ending::of(one.sums.on_hand, one.last_day, today),
                        ..Supply::default()
                    };
                    self.file_row((String::new(), one.lot.clone()), &supply)
                };
                lots.iter().map(row).collect()
            }
        }
    }
}

/// The table as a file: all of its rows, and the whole.
async fn table(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let seat = Seat::asked(&app, &me, Some(&wanted.place)).await?;
    let (product, _) = product_for(&app, &wanted.product).await?;
    let words = Words {
        product: &product,
        now: app.now(),
        texts: page.texts,
    };
    let asked = Asked {
        product: &product,
        now: words.now,
    };
    let mut at = Wanted::default();
    let mut rows = Vec::new();
    let total = loop {
        let parts = Parts::read(&app, &seat, asked, &at).await?;
        rows.extend(words.file_rows(&parts));
        // Page by page, as somebody would turn them: a city has a thousand venues at most.
        match (parts.next(), &parts) {
            (Some(_), Parts::Venues(venues, _)) => {
                if let Some(last) = venues.last() {
                    (at.after_code, at.after_id) = (last.code.clone(), last.id.to_string());
                }
            }
            (Some(_), Parts::Lots(lots, _)) => {
                at.after_lot = lots.last().map_or_else(String::new, |one| one.lot.clone());
            }
            _ => break parts.total(),
        }
    };
    let whole = (String::new(), page.t("monitor-total"));
    rows.push(words.file_row(whole, &total));
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    let mut file = Vec::new();
    write_monitor(&mut file, &rows, encoding).map_err(|_| Problem::internal())?;
    let name = format!("monitor-{}-{}.csv", seat.word, app.today());
    Ok(csv_response(&name, encoding, file))
}

#[cfg(test)]
#[path = "monitors_tests.rs"]
mod tests;
