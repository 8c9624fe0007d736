//! The counts (統計): by day, prefecture, turn, sex and age band, with their age told beside them.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Action, Place};
use domain::calendar::Day;
use domain::coupons::CouponKind;
use domain::people::Sex;
use domain::places::{Places, Prefecture};
use domain::statistics::{AgeBand, Count};
use serde::Deserialize;
use store::statistics::{Cut, counts, lag};

use crate::pages::records::{Choice, day_text, turn_name};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, grouped, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Length of the longest bar beside a number, in the units of its drawing.
const BAR_LENGTH: i64 = 100;

/// The page of the counts.
pub fn routes() -> Routes {
    Routes::new().get("/statistics", Guard::May(Action::SeeStatistics), show)
}

/// Which part is asked for, as typed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    from: String,
    to: String,
    prefecture: String,
}

#[derive(Template)]
#[template(path = "statistics.html")]
struct StatisticsPage {
    page: Page,
    whose: String,
    asked: Asked,
    /// The prefectures to choose from; empty where one's own is all there is.
    prefectures: Vec<Choice>,
    lag: i64,
    now: String,
    total: String,
    turns: Vec<String>,
    by_turn: Vec<(String, String)>,
    by_day: Vec<DayRow>,
    by_prefecture: Vec<PrefectureRow>,
    by_sex: Vec<SexRow>,
    ages: Vec<String>,
}

/// The doses of a day.
struct DayRow {
    day: Day,
    text: String,
    cells: Vec<Cell>,
    total: Cell,
}

/// The doses of a prefecture.
struct PrefectureRow {
    name: String,
    href: String,
    cells: Vec<Cell>,
    total: Cell,
    bar: i64,
}

/// The doses given to people of one sex, by age band.
struct SexRow {
    name: String,
    cells: Vec<Cell>,
    total: Cell,
}

/// A number of doses.
struct Cell {
    /// For a script.
    count: i64,
    /// For people, with separators.
    text: String,
}

impl From<i64> for Cell {
    fn from(count: i64) -> Self {
        Self {
            count,
            text: grouped(count),
        }
    }
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::SeeStatistics, me.place_for(Action::SeeStatistics))?;
    let chosen = Prefecture::parse(&asked.prefecture);
    let cut = Cut {
        from: Day::parse(&asked.from),
        to: Day::parse(&asked.to),
        prefecture: chosen,
    };
    let page = page.titled("statistics-title");
    let texts = page.texts;
    let (own, whose) = whose(permit.place(), chosen, texts);
    let lag = lag(&app.db).await?;
    let counts = counts(&app.db, &permit, &cut).await?;
    let turns: Vec<u8> = turns_in(&counts);
    let narrowed = own.is_some() || chosen.is_some();
    html(&StatisticsPage {
        whose,
        prefectures: if own.is_some() {
            Vec::new()
        } else {
            prefectures(chosen)
        },
        lag,
        now: app.now().japanese(),
        total: grouped(sum(&counts, |_| true)),
        turns: turns
            .iter()
            .map(|turn| turn_name(*turn, CouponKind::Dose, texts))
            .collect(),
        by_turn: turns
            .iter()
            .map(|turn| {
                let doses = sum(&counts, |count| count.turn == *turn);
                (turn_name(*turn, CouponKind::Dose, texts), grouped(doses))
            })
            .collect(),
        by_day: by_day(&counts, &turns, texts),
        by_prefecture: if narrowed {
            Vec::new()
        } else {
            by_prefecture(&counts, &turns, &asked)
        },
        by_sex: by_sex(&counts, texts),
        ages: AgeBand::ALL
            .iter()
            .map(|age| texts.t(&format!("age-{}", age.open_data())))
            .collect(),
        asked,
        page,
    })
}

/// The prefecture that is all one may see, if one is no nation; and the name of what is shown.
fn whose(place: &Place, chosen: Option<Prefecture>, texts: Texts) -> (Option<Prefecture>, String) {
    let own = match place {
        Place::Prefecture(own) => Some(*own),
        _ => None,
    };
    let name = own.or(chosen).map_or_else(
        || texts.t("statistics-nation"),
        |one| Places::bundled().prefecture_name(one).to_owned(),
    );
    (own, name)
}

fn prefectures(chosen: Option<Prefecture>) -> Vec<Choice> {
    Prefecture::all()
        .map(|one| Choice {
            value: one.to_string(),
            label: Places::bundled().prefecture_name(one).to_owned(),
            chosen: chosen == Some(one),
        })
        .collect()
}

/// The turns to show: the first two always, so that an empty page has its shape.
fn turns_in(counts: &[Count]) -> Vec<u8> {
    let mut turns: BTreeSet<u8> = counts.iter().map(|count| count.turn).collect();
    turns.extend([1, 2]);
    turns.into_iter().collect()
}

fn sum(counts: &[Count], of: impl Fn(&Count) -> bool) -> i64 {
    counts
        .iter()
        .filter(|count| of(count))
        .fold(0, |sum, count| sum.saturating_add(count.count))
}

/// The doses of each key by each column, in the order of both.
fn table<K: Ord + Copy, C: Ord + Copy>(
    counts: &[Count],
    key: impl Fn(&Count) -> K,
    column: impl Fn(&Count) -> C,
) -> BTreeMap<K, BTreeMap<C, i64>> {
    let mut table: BTreeMap<K, BTreeMap<C, i64>> = BTreeMap::new();
    for count in counts {
        let cell = table
            .entry(key(count))
            .or_default()
            .entry(column(count))
            .or_default();
        *cell = cell.saturating_add(count.count);
    }
    table
}

fn cells<C: Ord>(row: &BTreeMap<C, i64>, columns: &[C]) -> Vec<Cell> {
    columns
        .iter()
        .map(|column| row.get(column).copied().unwrap_or_default().into())
        .collect()
}

fn by_day(counts: &[Count], turns: &[u8], texts: Texts) -> Vec<DayRow> {
    table(counts, |count| count.day, |count| count.turn)
        .iter()
        .map(|(day, row)| DayRow {
            day: *day,
            text: day_text(*day, texts),
            cells: cells(row, turns),
            total: row.values().sum::<i64>().into(),
        })
        .collect()
}

fn by_prefecture(counts: &[Count], turns: &[u8], asked: &Asked) -> Vec<PrefectureRow> {
    let table = table(counts, |count| count.prefecture, |count| count.turn);
    let most = table
        .values()
        .map(|row| row.values().sum::<i64>())
        .max()
        .unwrap_or_default()
        .max(1);
    table
        .iter()
        .map(|(prefecture, row)| {
            let total: i64 = row.values().sum();
            PrefectureRow {
                name: Places::bundled().prefecture_name(*prefecture).to_owned(),
                href: format!(
                    "/statistics?prefecture={prefecture}&from={}&to={}",
                    crate::web::percent_encoded(&asked.from),
                    crate::web::percent_encoded(&asked.to)
                ),
                cells: cells(row, turns),
                total: total.into(),
                bar: total.saturating_mul(BAR_LENGTH) / most,
            }
        })
        .collect()
}

fn by_sex(counts: &[Count], texts: Texts) -> Vec<SexRow> {
    let table = table(counts, |count| count.sex, |count| count.age);
    [Sex::Male, Sex::Female, Sex::Unknown]
        .into_iter()
        .map(|sex| {
            let row = table.get(&sex).cloned().unwrap_or_default();
            SexRow {
                name: texts.t(&format!("sex-{}", sex.open_data())),
                cells: cells(&row, &AgeBand::ALL),
                total: row.values().sum::<i64>().into(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(day: &str, prefecture: &str, sex: Sex, turn: u8, count: i64) -> Count {
        Count {
            day: Day::parse(day).unwrap(),
            prefecture: Prefecture::parse(prefecture).unwrap(),
            sex,
            age: AgeBand::From65,
            turn,
            count,
        }
    }

    #[test]
    fn every_table_adds_up_to_the_total() {
        let counts = [
            count("2021-04-12", "13", Sex::Female, 1, 5),
            count("2021-04-12", "13", Sex::Male, 2, 7),
            count("2021-04-13", "27", Sex::Unknown, 3, 11),
        ];
        let turns = turns_in(&counts);
        assert_eq!(turns, [1, 2, 3]);
        let texts = Texts::default();
        let days = by_day(&counts, &turns, texts);
        let prefectures = by_prefecture(&counts, &turns, &Asked::default());
        let sexes = by_sex(&counts, texts);
        let total = sum(&counts, |_| true);
        let by_cells = |cells: &[Cell]| cells.iter().map(|cell| cell.count).sum::<i64>();
        assert_eq!(
            days.iter().map(|row| by_cells(&row.cells)).sum::<i64>(),
            total
        );
        let rows = prefectures.iter().map(|row| by_cells(&row.cells));
        assert_eq!(rows.sum::<i64>(), total);
        assert_eq!(sexes.iter().map(|row| row.total.count).sum::<i64>(), total);
        assert_eq!(
            prefectures.iter().map(|row| row.bar).collect::<Vec<_>>(),
            [100, 91]
        );
    }
}
