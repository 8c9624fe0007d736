//! Changes that two people make together (二人承認): what waits for the second one, what became of the
//! others, for which changes the city wants it, and confirming many records at once.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::REFRESH;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId};
use domain::approvals::{Decision, Matter, Refusal, State as Became, Wanted};
use domain::calendar::{Day, Instant};
use domain::coupons::CouponKind;
use domain::doses::{Facts, REASON_LENGTH_MAX};
use domain::statistics::Effect;
use serde::Deserialize;
use store::approvals::{self, Change, How, Proposal, ProposalError, ProposedAct, Scope};
use uuid::Uuid;

use crate::pages::city::look;
use crate::pages::fields::Complaints;
use crate::pages::records::{Badge, Choice, day_text, turn_name};
use crate::pages::stories::{self, changes};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// How soon the page of a proposal that is being done comes again, in seconds.
const REFRESH_SECONDS: &str = "2";
/// What is written to the access log for looking at a proposal.
const PURPOSE: &str = "correction";
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Proposals and what is decided about them.
pub fn routes() -> Routes {
    let (see, decide, set, lock) = (
        Guard::May(Action::SeeLedger),
        Guard::May(Action::ApproveChange),
        Guard::May(Action::SetApprovals),
        Guard::May(Action::ConfirmRecord),
    );
    Routes::new()
        .get("/city/proposals", see, list)
        .get("/city/proposals/{proposal}", see, show)
        .post("/city/proposals/{proposal}/approve", decide, approve)
        .post("/city/proposals/{proposal}/refuse", decide, refuse)
        .post("/city/proposals/{proposal}/withdraw", decide, withdraw)
        .post(
            "/city/proposals/{proposal}/undo",
            Guard::May(Action::CorrectRecord),
            undo,
        )
        .get("/city/approvals", set, settings)
        .post("/city/approvals", set, set_wanted)
        .get("/city/locks", lock, locks)
        .post("/city/locks", lock, lock_many)
}

/// The time and the audit's id of something decided now.
#[must_use]
pub fn how(app: &App) -> How {
    How {
        audit: app.fresh_id(),
        at: app.now(),
    }
}

/// How long something has waited, in words.
#[must_use]
pub fn age(since: Instant, now: Instant, texts: Texts) -> String {
    let days = (now.micros() - since.micros()).max(0) / MICROS_PER_DAY;
    texts.t_with("work-age", &[("days", days)])
}

/// A proposal in a list.
pub struct Listed {
    /// Its page.
    pub href: String,
    /// What it is about.
    pub matter: String,
    /// Why.
    pub reason: String,
    /// How many records.
    pub acts: i64,
    /// Who proposed it.
    pub by: String,
    /// When.
    pub at: String,
    /// How long ago.
    pub age: String,
    /// What became of it.
    pub became: Badge,
}

impl Listed {
    /// A proposal as a list shows it.
    #[must_use]
    pub fn of(proposal: &Proposal, now: Instant, texts: Texts) -> Self {
        Self {
            href: format!("/city/proposals/{}", proposal.id),
            matter: texts.t(&format!("matter-{}", proposal.matter.as_str())),
            reason: proposal.reason.clone(),
            acts: proposal.acts,
            by: proposal.by_name.clone(),
            at: proposal.made_at.japanese(),
            age: age(proposal.made_at, now, texts),
            became: became(proposal, texts),
        }
    }
}

fn became(proposal: &Proposal, texts: Texts) -> Badge {
    let (tone, icon) = match proposal.state {
        Became::Proposed => ("wait", "wait"),
        Became::Approved => ("good", "check"),
        Became::Refused => ("bad", "stop"),
        Became::Withdrawn => ("void", "undo"),
        Became::Overtaken => ("warn", "clash"),
    };
    let word = if proposal.is_at_work() {
        texts.t("proposal-at-work")
    } else {
        texts.t(&format!("proposal-{}", proposal.state.as_str()))
    };
    Badge { tone, icon, word }
}

#[derive(Template)]
#[template(path = "city/proposals.html")]
struct ListPage {
    page: Page,
    open: Vec<Listed>,
    latest: Vec<Listed>,
}

async fn list(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let (now, texts) = (app.now(), page.texts);
    look(&app, &permit, None, "proposals", PURPOSE).await?;
    let open = approvals::open(&app.db, &permit).await?;
    let latest = approvals::latest(&app.db, &permit).await?;
    html(&ListPage {
        open: open.iter().map(|one| Listed::of(one, now, texts)).collect(),
        latest: latest
            .iter()
            .filter(|one| one.state != Became::Proposed)
            .map(|one| Listed::of(one, now, texts))
            .collect(),
        page: page.titled("proposals-title"),
    })
}

/// An act of a proposal in words: what the record says, and what it would say.
pub struct Act {
    /// The record's page.
    pub href: String,
    /// Its number in the ledger.
    pub seq: i64,
    /// The digits.
    pub digits: String,
    /// What becomes of the record.
    pub what: String,
    /// Field by field, before and after.
    pub changes: Vec<stories::Change>,
    /// The page of the record that stands in its place, once it does.
    pub new_href: Option<String>,
    /// What came of it.
    pub outcome: String,
}

impl Act {
    /// An act in a language.
    #[must_use]
    pub fn of(act: &ProposedAct, texts: Texts) -> Self {
        let before = act.record.facts();
        let after = match act.change.clone() {
            Change::Correct {
                given_on,
                turn,
                product,
                lot,
                doctor,
            } => Facts {
                given_on,
                turn,
                product,
                lot,
                doctor,
                ..before.clone()
            },
            Change::Void => before.clone(),
            Change::Replace { line } => Facts {
                line,
                ..before.clone()
            },
        };
        let word = match act.change {
            Change::Correct { .. } => "proposal-will-correct",
            Change::Void => "proposal-will-void",
            Change::Replace { .. } => "proposal-will-replace",
        };
        let is_done = act.outcome == "done";
        let changes = if act.change == Change::Void {
            changes(None, &before, texts)
        } else if is_done && !matches!(act.change, Change::Replace { .. }) {
            // The record says already what it was to say: there is nothing to hold it against.
            changes(None, &after, texts)
        } else {
            changes(Some(&before), &after, texts)
        };
        Self {
            href: format!("/city/records/{}", act.record.id),
            seq: act.record.seq,
            digits: act.record.line.grouped(),
            what: texts.t(word),
            changes,
            new_href: act
                .new_dose
                .filter(|_| is_done)
                .map(|dose| format!("/city/records/{dose}")),
            outcome: texts.t(&format!("outcome-{}", act.outcome)),
        }
    }
}

/// A change of a count.
pub struct Cell {
    /// The day.
    pub day: String,
    /// Which dose.
    pub turn: String,
    /// Sex.
    pub sex: String,
    /// Age band.
    pub age: String,
    /// How many more or fewer, with its sign.
    pub n: String,
}

impl Cell {
    /// A change of a count in words.
    #[must_use]
    pub fn of(effect: &Effect, texts: Texts) -> Self {
        Self {
            day: day_text(effect.day, texts),
            turn: turn_name(effect.turn, CouponKind::Dose, texts),
            sex: texts.t(&format!("sex-{}", effect.sex.open_data())),
            age: texts.t(&format!("age-{}", effect.age.open_data())),
            n: format!("{:+}", effect.n),
        }
    }
}

/// Whose proofs of vaccination would say something else: those who lose a dose and those who get it.
#[must_use]
pub fn people_changed(acts: &[ProposedAct]) -> usize {
    let mut numbers = std::collections::BTreeSet::new();
    for act in acts {
        if !act.record.pending {
            numbers.extend(act.record.number);
        }
        if let Change::Replace { line } = act.change {
            numbers.extend(line.coupon().ok().map(|coupon| coupon.number));
        }
    }
    numbers.len()
}

#[derive(Template)]
#[template(path = "city/proposal.html")]
struct ProposalPage {
    page: Page,
    proposal: Proposal,
    matter: String,
    became: Badge,
    scope: Option<String>,
    acts: Vec<Act>,
    cells: Vec<Cell>,
    /// Whose proofs would say something else.
    people: usize,
    made_at: String,
    decided_at: Option<String>,
    /// Whether the reader proposed it.
    own: bool,
    undoes: Option<String>,
    undo_id: String,
    complaints: Complaints,
}

impl ProposalPage {
    fn waits(&self) -> bool {
        self.proposal.state == Became::Proposed
    }

    fn can_be_undone(&self) -> bool {
        self.proposal.matter == Matter::Repair
            && self.proposal.ended_at.is_some()
            && self.proposal.done > 0
    }
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    render(&app, &me, page, id, Complaints::default()).await
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    id: Uuid,
    complaints: Complaints,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let proposal = approvals::proposal(&app.db, &permit, id).await?;
    let proposal = proposal.ok_or_else(Problem::not_found)?;
    let acts = approvals::acts(&app.db, &permit, id).await?;
    let number = match acts.as_slice() {
        [one] => one.record.number,
        _ => None,
    };
    look(app, &permit, number, "proposal", PURPOSE).await?;
    let would_repair = proposal.matter == Matter::Repair && proposal.state == Became::Proposed;
    let rehearsal = if would_repair {
        approvals::effects(&app.db, &permit, &acts, app.now()).await?
    } else {
        store::recorder::Rehearsal::default()
    };
    let page = page.titled("proposal-title");
    let texts = page.texts;
    let at_work = proposal.is_at_work();
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = ProposalPage {
        matter: texts.t(&format!("matter-{}", proposal.matter.as_str())),
        became: became(&proposal, texts),
        scope: proposal.scope.map(|scope| scope_text(scope, texts)),
        acts: acts.iter().map(|act| Act::of(act, texts)).collect(),
        cells: rehearsal
            .effects
            .iter()
            .map(|effect| Cell::of(effect, texts))
            .collect(),
        people: people_changed(&acts),
        made_at: proposal.made_at.japanese(),
        decided_at: proposal.decided_at.map(Instant::japanese),
        own: proposal.by == me.actor.user,
        undoes: proposal.undoes.map(|id| format!("/city/proposals/{id}")),
        undo_id: app.fresh_id().to_string(),
        complaints,
        proposal,
        page,
    };
    let mut response = (status, html(&shown)?).into_response();
    if at_work {
        let again = HeaderValue::from_static(REFRESH_SECONDS);
        response.headers_mut().insert(REFRESH, again);
    }
    Ok(response)
}

fn scope_text(scope: Scope, texts: Texts) -> String {
    match scope {
        Scope::Session { day, .. } => {
            texts.t_with("scope-session", &[("day", day_text(day, texts))])
        }
        Scope::Clean { until } => texts.t_with("scope-clean", &[("day", day_text(until, texts))]),
    }
}

/// What somebody answers to a proposal.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Answering {
    answer: String,
}

async fn approve(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(answering): PageForm<Answering>,
) -> Result<Response, Problem> {
    decide(&app, &me, page, id, Decision::Approve, answering).await
}

async fn refuse(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(answering): PageForm<Answering>,
) -> Result<Response, Problem> {
    decide(&app, &me, page, id, Decision::Refuse, answering).await
}

async fn withdraw(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(answering): PageForm<Answering>,
) -> Result<Response, Problem> {
    decide(&app, &me, page, id, Decision::Withdraw, answering).await
}

async fn decide(
    app: &App,
    me: &Me,
    page: Page,
    id: Uuid,
    decision: Decision,
    answering: Answering,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ApproveChange)?;
    let mut complaints = Complaints::default();
    let answer = if decision == Decision::Refuse {
        complaints.text(&page, "answer", &answering.answer, REASON_LENGTH_MAX)
    } else {
        Some(String::new())
    };
    let Some(answer) = answer else {
        return render(app, me, page, id, complaints).await;
    };
    let decided = approvals::decide(&app.db, &permit, id, decision, &answer, how(app)).await;
    match decided {
        Ok(state) => {
            if state == Became::Approved {
                finish(app, me, id).await?;
            }
            let notice = match state {
                Became::Overtaken => "proposal-overtaken",
                Became::Refused => "proposal-refused",
                Became::Withdrawn => "proposal-withdrawn",
                Became::Approved | Became::Proposed => "proposal-approved",
            };
            Ok(done(&format!("/city/proposals/{id}"), notice))
        }
        Err(error) => {
            complaints.add::<()>("answer", proposal_text(error, page.texts)?);
            render(app, me, page, id, complaints).await
        }
    }
}

/// Does the first stretch of what was approved; the job does the rest.
///
/// # Errors
/// The database's.
pub async fn finish(app: &App, me: &Me, id: Uuid) -> Result<(), Problem> {
    let seen = me.city(Action::ApproveChange)?;
    let proposal = approvals::proposal(&app.db, &seen, id).await?;
    let proposal = proposal.ok_or_else(Problem::not_found)?;
    let permit = me.city(proposal.matter.action())?;
    let (worker, now) = (app.fresh_id(), app.now());
    approvals::finish_now(&app.db, &app.recorder, &permit, id, worker, now).await?;
    Ok(())
}

/// A refusal in words for the form; what is no refusal is a problem of its own.
///
/// # Errors
/// The database's, and that there is no such proposal.
pub fn proposal_text(error: ProposalError, texts: Texts) -> Result<String, Problem> {
    Ok(match error {
        ProposalError::Refused(Refusal::Denied) => return Err(Problem::forbidden()),
        ProposalError::Refused(Refusal::OwnProposal) => texts.t("approval-own_proposal"),
        ProposalError::Refused(Refusal::NotYours) => texts.t("approval-not_yours"),
        ProposalError::Refused(Refusal::Decided { .. }) => texts.t("approval-decided"),
        ProposalError::ChangedMeanwhile => texts.t("refusal-changed_meanwhile"),
        ProposalError::WouldClash => texts.t("approval-would_clash"),
        ProposalError::Size(0) => texts.t("approval-nothing"),
        ProposalError::Size(_) => {
            texts.t_with("approval-too_many", &[("max", approvals::ACTS_MAX)])
        }
        ProposalError::NotFound => return Err(Problem::not_found()),
        ProposalError::Store(error) => return Err(error.into()),
    })
}

/// Why a repair is to be undone.
#[derive(Deserialize)]
struct Undoing {
    id: Uuid,
    #[serde(default)]
    reason: String,
}

async fn undo(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(of): Path<Uuid>,
    PageForm(undoing): PageForm<Undoing>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let mut complaints = Complaints::default();
    let Some(reason) = complaints.reason(&page, &undoing.reason) else {
        return render(&app, &me, page, of, complaints).await;
    };
    let fresh = || app.fresh_id();
    let what = (undoing.id, of, reason.as_str());
    match store::misreads::undo(&app.db, &permit, what, how(&app), &fresh).await {
        Ok(_) => Ok(done(&format!("/city/proposals/{}", undoing.id), "proposed")),
        Err(error) => {
            complaints.add::<()>("reason", proposal_text(error, page.texts)?);
            render(&app, &me, page, of, complaints).await
        }
    }
}

#[derive(Template)]
#[template(path = "city/approvals.html")]
struct SettingsPage {
    page: Page,
    matters: Vec<Choice>,
}

async fn settings(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::SetApprovals)?;
    let wanted = approvals::wanted(&app.db, &permit).await?;
    let texts = page.texts;
    let settable = Matter::ALL
        .into_iter()
        .filter(|matter| *matter != Matter::Repair);
    html(&SettingsPage {
        matters: settable
            .map(|matter| Choice {
                value: matter.as_str().to_owned(),
                label: texts.t(&format!("matter-{}", matter.as_str())),
                chosen: wanted.needs(matter),
            })
            .collect(),
        page: page.titled("approvals-title"),
    })
}

async fn set_wanted(
    State(app): State<App>,
    me: Me,
    PageForm(fields): PageForm<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SetApprovals)?;
    let ticked = fields.iter().filter(|(name, _)| name == "matter");
    let matters = ticked.filter_map(|(_, word)| Matter::parse(word));
    let wanted = Wanted::for_matters(matters);
    approvals::set_wanted(&app.db, &permit, &wanted, how(&app)).await?;
    Ok(done("/city/approvals", "approvals-set"))
}

/// Which session the page is opened for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Session {
    venue: Option<Uuid>,
    day: String,
    name: String,
}

#[derive(Template)]
#[template(path = "city/locks.html")]
struct LocksPage {
    page: Page,
    id: String,
    until: String,
    /// Venue, day and the words for both.
    session: Option<(Uuid, String, String)>,
    /// Whether the reader may open many records again.
    leads: bool,
    wanted: bool,
    latest: Vec<Listed>,
    complaints: Complaints,
}

async fn locks(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(session): Params<Session>,
) -> Result<Response, Problem> {
    locks_page(
        &app,
        &me,
        page,
        session,
        String::new(),
        Complaints::default(),
    )
    .await
}

async fn locks_page(
    app: &App,
    me: &Me,
    page: Page,
    session: Session,
    until: String,
    complaints: Complaints,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ConfirmRecord)?;
    let texts = page.texts;
    let wanted = approvals::wanted(&app.db, &permit).await?;
    let latest = approvals::latest(&app.db, &permit).await?;
    let day = Day::parse(&session.day);
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = LocksPage {
        id: app.fresh_id().to_string(),
        until,
        session: session.venue.zip(day).map(|(venue, day)| {
            let name: String = session.name.chars().take(60).collect();
            (
                venue,
                day.to_string(),
                format!("{name} {}", day_text(day, texts)),
            )
        }),
        leads: me.actor.role == domain::access::Role::Administrator,
        wanted: wanted.needs(Matter::Confirmation),
        latest: latest
            .iter()
            .filter(|one| one.scope.is_some())
            .map(|one| Listed::of(one, app.now(), texts))
            .collect(),
        complaints,
        page: page.titled("locks-title"),
    };
    Ok((status, html(&shown)?).into_response())
}

/// Which records are to be confirmed, or opened again.
#[derive(Deserialize)]
struct Locking {
    id: Uuid,
    #[serde(default)]
    until: String,
    venue: Option<Uuid>,
    #[serde(default)]
    day: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    open: String,
    #[serde(default)]
    reason: String,
}

async fn lock_many(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(locking): PageForm<Locking>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ConfirmRecord)?;
    let mut complaints = Complaints::default();
    let scope = match (locking.venue, Day::parse(&locking.day)) {
        (Some(venue), Some(day)) => Some(Scope::Session {
            venue: OrganisationId(venue),
            day,
        }),
        _ => complaints
            .day(&page, "until", &locking.until, app.today())
            .map(|until| Scope::Clean { until }),
    };
    let opens = locking.open == "yes";
    let (matter, reason) = if opens {
        let reason = complaints.reason(&page, &locking.reason);
        (Matter::Reopening, reason)
    } else {
        (Matter::Confirmation, Some(String::new()))
    };
    let refused = match scope.zip(reason) {
        None => None,
        Some((scope, reason)) => {
            let what = (locking.id, matter, reason.as_str());
            match approvals::propose_many(&app.db, &permit, what, scope, how(&app)).await {
                Ok((state, _)) => {
                    if state == Became::Approved {
                        finish(&app, &me, locking.id).await?;
                    }
                    let notice = if state == Became::Approved {
                        "locks-begun"
                    } else {
                        "proposed"
                    };
                    return Ok(done(&format!("/city/proposals/{}", locking.id), notice));
                }
                Err(error) => Some(error),
            }
        }
    };
    if let Some(error) = refused {
        complaints.add::<()>("until", proposal_text(error, page.texts)?);
    }
    let session = Session {
        venue: locking.venue,
        day: locking.day,
        name: locking.name,
    };
    locks_page(&app, &me, page, session, locking.until, complaints).await
}
