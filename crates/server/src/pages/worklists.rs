//! A city's work lists (対応リスト): each with how much waits, since when, and who has taken what.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Action, CityPermit, OrganisationId};
use domain::calendar::{Day, Instant};
use domain::findings::Class;
use serde::Deserialize;
use store::doses::{Listed, Record};
use store::misreads::{Suspect, suspects};
use store::worklists::{self, Item, List, Owner, Work};
use uuid::Uuid;

use crate::pages::city::look;
use crate::pages::ledger::{Person, Row};
use crate::pages::misreads::Meant;
use crate::pages::proposals::{age, how};
use crate::pages::records::{Shown, day_text};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::percent_encoded;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Records on one page of a work list: what somebody works through at a time.
pub const ROWS: i64 = 20;
/// What is written to the access log for looking through a work list.
const PURPOSE: &str = "correction";

/// The work lists.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeFindings);
    Routes::new()
        .get("/city/worklists/pending", see, pending)
        .get("/city/worklists/misreads", see, misreads)
        .get("/city/worklists/findings", see, findings)
        .get("/city/worklists/clashes", see, clashes)
        .get("/city/worklists/sessions", see, sessions)
        .get("/city/worklists/session", see, session)
        .post("/city/worklists/take", see, take)
        .post("/city/worklists/give-back", see, give_back)
}

/// Who has taken an item, as the page shows it.
pub enum Taken {
    /// Nobody.
    Nobody,
    /// The reader.
    Me,
    /// Somebody else, by name.
    Other(String),
}

impl Taken {
    fn of(owner: Option<&Owner>, me: &Me) -> Self {
        match owner {
            None => Self::Nobody,
            Some(owner) if owner.user == me.actor.user => Self::Me,
            Some(owner) => Self::Other(owner.name.clone()),
        }
    }
}

/// A record on a list.
struct WorkRow {
    record: Shown,
    person: Person,
    age: String,
    item: String,
    taken: Taken,
    /// Whether somebody else's item may be given back by the reader.
    leads: bool,
    /// Who may have been meant, the best first; for a list that asks.
    meant: Vec<Meant>,
    /// The record that counts, where this one clashes with it.
    rival: Option<Shown>,
}

#[derive(Template)]
#[template(path = "city/work_list.html")]
struct ListPage {
    page: Page,
    lead: String,
    /// Whether candidates are shown, and may be ticked for a repair.
    with_meant: bool,
    with_rivals: bool,
    classes: Vec<ClassTab>,
    class_todo: Option<String>,
    rows: Vec<WorkRow>,
    older: Option<String>,
    newest: Option<String>,
    here: String,
}

/// One class of findings.
struct ClassTab {
    href: String,
    name: String,
    count: String,
    age: String,
    here: bool,
}

/// A count as it is shown: nobody counts to the end of a long list.
#[must_use]
pub fn counted(count: i64, or_more: bool, texts: Texts) -> String {
    if or_more {
        texts.t_with("work-or-more", &[("count", count)])
    } else {
        count.to_string()
    }
}

/// Where to go on, and of which class.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: i64,
    class: String,
}

async fn pending(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let page = page.titled("work-pending");
    with_meant(&app, &me, page, &asked, List::Pending).await
}

async fn misreads(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let page = page.titled("work-misreads");
    with_meant(&app, &me, page, &asked, List::Misreads).await
}

async fn with_meant(
    app: &App,
    me: &Me,
    page: Page,
    asked: &Asked,
    list: List,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    look(app, &permit, None, "work", PURPOSE).await?;
    let found = worklists::page(&app.db, &permit, list, asked.after, ROWS).await?;
    let records: Vec<Record> = found.items.iter().map(|one| one.record.clone()).collect();
    let suspects = suspects(&app.db, &permit, records).await?;
    let mut shown = list_page(app, me, page, list, &found, asked);
    for (row, suspect) in shown.rows.iter_mut().zip(&suspects) {
        row.meant = meant(suspect, shown.page.texts);
    }
    shown.with_meant = true;
    html(&shown)
}

fn meant(suspect: &Suspect, texts: Texts) -> Vec<Meant> {
    let all = suspect.candidates.iter();
    all.map(|one| Meant::of(&suspect.record, one, texts))
        .collect()
}

async fn findings(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let page = page.titled("work-findings");
    let texts = page.texts;
    look(&app, &permit, None, "work", PURPOSE).await?;
    let classes = worklists::classes(&app.db, &permit).await?;
    let chosen = Class::parse(&asked.class).or_else(|| classes.first().map(|one| one.class));
    let found = match chosen {
        Some(class) => worklists::page_of_class(&app.db, &permit, class, asked.after, ROWS).await?,
        None => worklists::page(&app.db, &permit, List::Findings, asked.after, ROWS).await?,
    };
    let asked = Asked {
        class: chosen.map_or(String::new(), |class| class.as_str().to_owned()),
        ..asked
    };
    let mut shown = list_page(&app, &me, page, List::Findings, &found, &asked);
    shown.class_todo = chosen.map(|class| texts.t(&format!("class-{}.todo", class.as_str())));
    shown.classes = classes
        .into_iter()
        .map(|one| ClassTab {
            href: format!("/city/worklists/findings?class={}", one.class.as_str()),
            name: format!(
                "({}) {}",
                one.class.letter(),
                texts.t(&format!("class-{}", one.class.as_str()))
            ),
            count: counted(one.count, one.or_more, texts),
            age: age(one.oldest, app.now(), texts),
            here: chosen == Some(one.class),
        })
        .collect();
    html(&shown)
}

async fn clashes(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let page = page.titled("work-clashes");
    look(&app, &permit, None, "work", PURPOSE).await?;
    let list = List::Clashes;
    let found = worklists::page(&app.db, &permit, list, asked.after, ROWS).await?;
    let mut shown = list_page(&app, &me, page, list, &found, &asked);
    for (row, work) in shown.rows.iter_mut().zip(&found.items) {
        let rival = worklists::rival(&app.db, &permit, &work.record).await?;
        row.rival = rival.map(|rival| Shown::of(&rival, shown.page.texts));
    }
    shown.with_rivals = true;
    html(&shown)
}

fn list_page(
    app: &App,
    me: &Me,
    page: Page,
    list: List,
    found: &worklists::Page,
    asked: &Asked,
) -> ListPage {
    let (texts, now) = (page.texts, app.now());
    let here = page.path.clone();
    let class = if asked.class.is_empty() {
        String::new()
    } else {
        format!("class={}&", percent_encoded(&asked.class))
    };
    ListPage {
        lead: texts.t(&format!("work-{}-lead", list.as_str())),
        with_meant: false,
        with_rivals: false,
        classes: Vec::new(),
        class_todo: None,
        rows: found
            .items
            .iter()
            .map(|work| row(work, me, now, texts))
            .collect(),
        older: found
            .next
            .map(|after| format!("{here}?{class}after={after}")),
        newest: (asked.after > 0).then(|| format!("{here}?{class}")),
        here: match class.as_str() {
            "" => here,
            class => format!("{here}?{class}"),
        },
        page,
    }
}

fn row(work: &Work, me: &Me, now: Instant, texts: Texts) -> WorkRow {
    let listed = Listed {
        record: work.record.clone(),
        name: work.name.clone(),
    };
    let Row { record, person } = Row::of(&listed, texts);
    WorkRow {
        record,
        person,
        age: age(work.record.recorded_at, now, texts),
        item: Item::Dose(work.record.id).to_string(),
        taken: Taken::of(work.owner.as_ref(), me),
        leads: me.actor.role == domain::access::Role::Administrator,
        meant: Vec::new(),
        rival: None,
    }
}

/// A day of a venue with something open.
struct SessionRow {
    venue_name: String,
    day: String,
    recorded: i64,
    confirmed: i64,
    open: i64,
    age: String,
    item: String,
    taken: Taken,
    leads: bool,
    /// Its open records.
    href: String,
    lock_href: Option<String>,
}

#[derive(Template)]
#[template(path = "city/sessions.html")]
struct SessionsPage {
    page: Page,
    rows: Vec<SessionRow>,
    here: String,
}

async fn sessions(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let (texts, now) = (page.texts, app.now());
    let found = worklists::sessions(&app.db, &permit, app.today()).await?;
    let leads = me.actor.role == domain::access::Role::Administrator;
    let rows = found.into_iter().map(|one| SessionRow {
        lock_href: (one.recorded > one.confirmed).then(|| {
            let name = percent_encoded(&one.venue_name);
            format!(
                "/city/locks?venue={}&day={}&name={name}",
                one.venue, one.day
            )
        }),
        href: format!(
            "/city/worklists/session?venue={}&day={}",
            one.venue, one.day
        ),
        day: day_text(one.day, texts),
        recorded: one.recorded,
        confirmed: one.confirmed,
        open: one.open,
        age: age(one.since, now, texts),
        item: one.item().to_string(),
        taken: Taken::of(one.owner.as_ref(), &me),
        leads,
        venue_name: one.venue_name,
    });
    html(&SessionsPage {
        rows: rows.collect(),
        here: page.path.clone(),
        page: page.titled("work-sessions"),
    })
}

/// Which session, and where to go on.
#[derive(Deserialize)]
struct SessionAsked {
    venue: Uuid,
    day: String,
    #[serde(default)]
    after: i64,
}

async fn session(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<SessionAsked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let day = Day::parse(&asked.day).ok_or_else(Problem::not_found)?;
    let words = day_text(day, page.texts);
    let page = page.titled_with("work-session", "day", &words);
    look(&app, &permit, None, "work", PURPOSE).await?;
    let here = (OrganisationId(asked.venue), day);
    let found = worklists::page_of_session(&app.db, &permit, here, asked.after, ROWS).await?;
    let front = format!("/city/worklists/session?venue={}&day={day}", asked.venue);
    let nothing = Asked::default();
    let mut shown = list_page(&app, &me, page, List::Sessions, &found, &nothing);
    shown.older = found.next.map(|after| format!("{front}&after={after}"));
    shown.newest = (asked.after > 0).then(|| front.clone());
    shown.here = front;
    html(&shown)
}

/// Which item, and where its list is.
#[derive(Deserialize)]
struct Taking {
    item: String,
    #[serde(default)]
    back: String,
}

impl Taking {
    /// Back to a work list of ours, and nowhere else.
    fn back(&self) -> &str {
        let is_ours = self.back.starts_with("/city/worklists/") && !self.back.contains("//");
        if is_ours { &self.back } else { "/city" }
    }
}

fn asked_item(taking: &Taking, me: &Me) -> Result<(CityPermit, Item), Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let item = Item::parse(&taking.item).ok_or_else(Problem::not_found)?;
    Ok((permit, item))
}

async fn take(
    State(app): State<App>,
    me: Me,
    PageForm(taking): PageForm<Taking>,
) -> Result<Response, Problem> {
    let (permit, item) = asked_item(&taking, &me)?;
    let taken = worklists::take(&app.db, &permit, item, how(&app)).await?;
    let notice = if taken {
        "work-taken"
    } else {
        "work-not-taken"
    };
    Ok(done(taking.back(), notice))
}

async fn give_back(
    State(app): State<App>,
    me: Me,
    PageForm(taking): PageForm<Taking>,
) -> Result<Response, Problem> {
    let (permit, item) = asked_item(&taking, &me)?;
    let given = worklists::give_back(&app.db, &permit, item, how(&app)).await?;
    let notice = if given {
        "work-given"
    } else {
        "work-not-given"
    };
    Ok(done(taking.back(), notice))
}
