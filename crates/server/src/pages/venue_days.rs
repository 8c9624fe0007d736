//! The venue's day (会場の一日): how many are done and wait, and the closing (閉場) with a reason for each difference.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Day;
use domain::checks::Colour;
use domain::closings::{
    DIFFERENCE_MAX, Difference, LINES_MAX, Line, LineRefusal, Purpose, Reason, VIALS_MAX,
    WORDS_LENGTH_MAX, doses_per_vial,
};
use serde::Deserialize;
use store::closings::{self, Closed, Closing, Sum};
use store::doses::count_of_venue;

use crate::pages::records::{Badge, day_text, product_name};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The day and its closing.
pub fn routes() -> Routes {
    Routes::new()
        .get("/venue/day", Guard::May(Action::SeeVenueDay), show)
        .post("/venue/day", Guard::May(Action::CloseDay), close)
}

/// The lines of a day before anybody has counted vials: one for each lot that was recorded, that of the
/// day's settings, and those of the closing before.
#[must_use]
pub fn lines(sums: &[Sum], set: Option<(&str, &str)>, last: Option<&Closing>) -> Vec<Line> {
    let mut lines: Vec<Line> = last.map_or_else(Vec::new, |closing| closing.lines.clone());
    for line in &mut lines {
        line.doses_recorded = 0;
    }
    let find = |lines: &mut Vec<Line>, product: &str, lot: &str, purpose| {
        let known = lines
            .iter()
            .position(|line| line.product == product && line.lot == lot && line.purpose == purpose);
        known.unwrap_or_else(|| {
            lines.push(Line {
                product: product.to_owned(),
                lot: lot.to_owned(),
                purpose,
                vials_opened: 0,
                vials_discarded: 0,
                doses_recorded: 0,
                differences: Vec::new(),
                words: String::new(),
            });
            lines.len() - 1
        })
    };
    for sum in sums {
        let at = find(&mut lines, &sum.product, &sum.lot, sum.purpose);
        if let Some(line) = lines.get_mut(at) {
            line.doses_recorded = sum.doses;
        }
    }
    // A lot that was opened and given to nobody is counted too.
    if let Some((product, lot)) = set
        && !lines
            .iter()
            .any(|line| line.product == product && line.lot == lot)
    {
        find(&mut lines, product, lot, Purpose::Primary);
    }
    lines.truncate(LINES_MAX);
    lines
}

#[derive(Template)]
#[template(path = "venue/day.html")]
struct DayPage {
    page: Page,
    lead: String,
    day: Day,
    counts: Vec<(Badge, i64)>,
    waiting: Vec<(Badge, i64)>,
    lots: Vec<LotForm>,
    seen: i64,
    closed: Option<String>,
    trouble: Option<String>,
    may_close: bool,
    vials_max: i64,
    difference_max: i64,
    words_max: usize,
}

/// A lot's part of the form.
struct LotForm {
    at: usize,
    product_key: String,
    lot: String,
    purpose_word: &'static str,
    title: String,
    rate: String,
    recorded: i64,
    recorded_text: String,
    vials_opened: String,
    vials_discarded: String,
    reasons: Vec<ReasonField>,
    words: String,
    refusals: Vec<String>,
    balance: String,
}

struct ReasonField {
    name: String,
    label: String,
    value: String,
}

impl LotForm {
    fn of(at: usize, line: &Line, refusals: &[LineRefusal], on: Day, texts: Texts) -> Self {
        let number = |number: i64| {
            if number == 0 {
                String::new()
            } else {
                number.to_string()
            }
        };
        let of_reason = |reason: Reason| {
            let found = line.differences.iter().find(|one| one.reason == reason);
            found.map_or(0, |one| one.doses)
        };
        let reasons = Reason::ALL.into_iter().map(|reason| ReasonField {
            name: format!("{}_{at}", reason.as_str()),
            label: texts.t(&format!("reason-{}", reason.as_str())),
            value: number(of_reason(reason)),
        });
        let rate = doses_per_vial(&line.product, line.purpose, on);
        Self {
            at,
            product_key: line.product.clone(),
            lot: line.lot.clone(),
            purpose_word: line.purpose.as_str(),
            title: product_name(&line.product, texts),
            rate: rate.map_or_else(
                || texts.t("closing-no-rate"),
                |doses| texts.t_with("closing-rate", &[("doses", doses)]),
            ),
            recorded: line.doses_recorded,
            recorded_text: texts.t_with("closing-recorded", &[("doses", line.doses_recorded)]),
            vials_opened: number(line.vials_opened),
            vials_discarded: number(line.vials_discarded),
            reasons: reasons.collect(),
            words: line.words.clone(),
            refusals: refusals
                .iter()
                .map(|one| refusal_text(*one, texts))
                .collect(),
            balance: line.doses_drawn(on).map_or_else(String::new, |drawn| {
                texts.t_with("closing-drawn", &[("doses", drawn)])
            }),
        }
    }
}

/// What is wrong with a line, in words.
#[must_use]
pub fn refusal_text(refusal: LineRefusal, texts: Texts) -> String {
    let id = format!("refused-{}", refusal.code());
    match refusal {
        LineRefusal::Missing { doses } | LineRefusal::TooMany { doses } => {
            texts.t_with(&id, &[("doses", doses)])
        }
        _ => texts.t(&id),
    }
}

/// Which day.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    day: String,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let day = day_of(&app, &wanted.day);
    render(&app, &me, &permit, page, day, None).await
}

/// The day that is asked for; none after today.
fn day_of(app: &App, text: &str) -> Day {
    let today = app.today();
    Day::parse(text).map_or(today, |day| day.min(today))
}

/// What was sent and could not be closed.
struct Sent {
    lines: Vec<Line>,
    trouble: &'static str,
}

async fn render(
    app: &App,
    me: &Me,
    permit: &VenuePermit,
    page: Page,
    day: Day,
    sent: Option<Sent>,
) -> Result<Response, Problem> {
    let page = page.titled("day-title");
    let texts = page.texts;
    let last = closings::latest(&app.db, permit, day).await?;
    let trouble = sent.as_ref().map(|sent| texts.t(sent.trouble));
    let (lines, status) = match sent {
        Some(sent) => (sent.lines, StatusCode::UNPROCESSABLE_ENTITY),
        None => {
            let sums = closings::sums(&app.db, permit, day).await?;
            let set = store::settings::day(&app.db, permit, me.actor.user, day).await?;
            let set = set
                .as_ref()
                .map(|set| (set.product.as_str(), set.lot.as_str()));
            (lines(&sums, set, last.as_ref()), StatusCode::OK)
        }
    };
    let lots = lines.iter().enumerate().map(|(at, line)| {
        let refusals = match &trouble {
            Some(_) => line.refusals(day),
            None => Vec::new(),
        };
        LotForm::of(at, line, &refusals, day, texts)
    });
    let counts = count_of_venue(&app.db, permit, day).await?;
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    let waiting = closings::waiting(&app.db, permit, day).await?;
    let shown = html(&DayPage {
        lead: page.t2("day-lead", ("day", day_text(day, texts)), ("count", total)),
        day,
        counts: counts
            .iter()
            .map(|(standing, count)| (Badge::standing(*standing, texts), *count))
            .collect(),
        waiting: waiting
            .iter()
            .map(|(colour, people)| (waiting_badge(*colour, texts), *people))
            .collect(),
        lots: lots.collect(),
        seen: last.as_ref().map_or(0, |closing| closing.revision),
        closed: last.as_ref().map(|closing| closed_text(closing, texts)),
        trouble,
        may_close: me.may(Action::CloseDay),
        vials_max: VIALS_MAX,
        difference_max: DIFFERENCE_MAX,
        words_max: WORDS_LENGTH_MAX,
        page,
    })?;
    Ok((status, shown).into_response())
}

fn waiting_badge(colour: Colour, texts: Texts) -> Badge {
    let badge = Badge::before(colour, texts);
    let word = texts.t(&format!("waiting-{}", colour.as_str()));
    Badge { word, ..badge }
}

fn closed_text(closing: &Closing, texts: Texts) -> String {
    let at = closing.at.japanese();
    texts.t_with("day-closed", &[("at", at), ("by", closing.by_name.clone())])
}

async fn close(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::CloseDay)?;
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let day = day_of(&app, field("day"));
    let seen = field("seen").parse().unwrap_or(0);
    let mut lines = Vec::new();
    for at in 0..LINES_MAX {
        match line_in(&fields, at) {
            Some(line) => lines.push(line),
            None => break,
        }
    }
    let trouble = if lines.iter().any(|line| !line.refusals(day).is_empty()) {
        "closing-refused"
    } else {
        let act = (app.fresh_id(), app.now());
        match closings::close(&app.db, &permit, day, &lines, seen, act).await? {
            Closed::As(_) => return Ok(done(&format!("/venue/day?day={day}"), "closed")),
            Closed::RecordsChanged => "closing-records-changed",
            Closed::ClosedMeanwhile => "closing-closed-meanwhile",
        }
    };
    if trouble == "closing-records-changed" {
        let sums = closings::sums(&app.db, &permit, day).await?;
        lines = recounted(lines, &sums);
    }
    render(&app, &me, &permit, page, day, Some(Sent { lines, trouble })).await
}

/// The lines as they were sent, with what the ledgers hold by now.
fn recounted(sent: Vec<Line>, sums: &[Sum]) -> Vec<Line> {
    let mut counted = lines(sums, None, None);
    for line in sent {
        let same = counted.iter_mut().find(|one| {
            one.product == line.product && one.lot == line.lot && one.purpose == line.purpose
        });
        match same {
            Some(one) => {
                *one = Line {
                    doses_recorded: one.doses_recorded,
                    ..line
                }
            }
            None => counted.push(Line {
                doses_recorded: 0,
                ..line
            }),
        }
    }
    counted
}

/// The line of a form; a number that cannot be read is told as one that cannot be right.
fn line_in(fields: &HashMap<String, String>, at: usize) -> Option<Line> {
    let field = |name: &str| fields.get(&format!("{name}_{at}")).map(|text| text.trim());
    let number = |name: &str| match field(name).unwrap_or("") {
        "" => 0,
        text => text.parse().unwrap_or(-1),
    };
    Some(Line {
        product: field("product")?.to_owned(),
        lot: field("lot")?.to_owned(),
        purpose: Purpose::parse(field("purpose")?)?,
        vials_opened: number("vials_opened"),
        vials_discarded: number("vials_discarded"),
        doses_recorded: number("recorded"),
        differences: Reason::ALL
            .into_iter()
            .map(|reason| Difference {
                reason,
                doses: number(reason.as_str()),
            })
            .filter(|one| one.doses != 0)
            .collect(),
        words: field("words").unwrap_or("").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(lot: &str, doses: i64) -> Sum {
        Sum {
            product: "comirnaty_12_mono".to_owned(),
            lot: lot.to_owned(),
            purpose: Purpose::Primary,
            doses,
        }
    }

    #[test]
    fn a_lot_that_was_opened_for_nobody_is_counted_too() {
        let set = Some(("comirnaty_12_mono", "FC9880"));
        let lines = lines(&[sum("EY2173", 5)], set, None);
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.lot.as_str(), line.doses_recorded))
            .collect();
        assert_eq!(told, [("EY2173", 5), ("FC9880", 0)]);
    }

    #[test]
    fn what_was_typed_stays_when_the_records_change() {
        let typed = Line {
            vials_opened: 1,
            words: "停電".to_owned(),
            ..lines(&[sum("EY2173", 5)], None, None).remove(0)
        };
        let again = recounted(vec![typed], &[sum("EY2173", 6)]);
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].vials_opened, again[0].doses_recorded), (1, 6));
        assert_eq!(again[0].words, "停電");
    }
}
