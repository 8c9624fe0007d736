//! The coupons of one person (個人の接種券): issued again, made void, printed singly.
//!
//! The page goes by the number and needs no name: that of a protected person (支援措置) is not on it, and
//! their papers are printed only with a purpose.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, CityPermit};
use domain::coupons::CouponNumber;
use domain::doses::Standing;
use domain::issues::{
    CouponState, Form, IssueRefusal, OldNumber, ReissueReason, TURN_ON_COUPON_MAX, VoidReason,
};
use domain::languages::both;
use paper::PrintedReceipt;
use serde::Deserialize;
use store::coupons::{self, Issue, Number, Papers, Wanted};
use store::doses::{Person, person};
use store::receipts::of_records;
use store::residents::Resident;

use crate::pages::city::look;
use crate::pages::coupon_batches::decided;
use crate::pages::papers::{Print, certificate_pdf, coupons_pdf, letterhead, pdf_response};
use crate::pages::persons::PURPOSES;
use crate::pages::receipts::receipt_address;
use crate::pages::records::{Choice, day_text};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Which look the access log is told of.
const VIEW: &str = "coupons";

/// The pages of this file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::IssueCoupons);
    Routes::new()
        .get("/city/people/{number}/coupons", guard, show)
        .post("/city/people/{number}/coupons/reissue", guard, reissue)
        .post("/city/people/{number}/coupons/void", guard, void)
        .post("/city/people/{number}/coupons/print", guard, print)
}

/// A number in words.
struct ShownNumber {
    digits: String,
    is_void: bool,
    why: String,
    replaced_by: Option<String>,
}

/// An issued coupon in words.
struct ShownIssue {
    digits: String,
    turn: String,
    turn_digit: u8,
    state: String,
    is_out: bool,
    form: String,
    form_word: &'static str,
    day: String,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "city/coupons_of_person.html")]
struct CouponsPage {
    page: Page,
    number: String,
    in_force: String,
    is_void: bool,
    name: Option<String>,
    protected: bool,
    has_doses: bool,
    numbers: Vec<ShownNumber>,
    issued: Vec<ShownIssue>,
    turns: Vec<Choice>,
    forms: Vec<Choice>,
    reasons: Vec<Choice>,
    void_reasons: Vec<Choice>,
    purposes: Vec<Choice>,
}

/// The person behind a number, who must be registered.
async fn found(
    app: &App,
    permit: &CityPermit,
    number: &str,
) -> Result<(CouponNumber, Resident, Person), Problem> {
    let number = CouponNumber::parse(number).map_err(|_| Problem::not_found())?;
    let found = person(&app.db, permit, number)
        .await?
        .ok_or_else(Problem::not_found)?;
    let resident = found.resident.clone().ok_or_else(Problem::not_found)?;
    Ok((number, resident, found))
}

fn next_turn(person: &Person) -> u8 {
    let counted = person
        .records
        .iter()
        .filter(|record| record.standing == Standing::Counted);
    let highest = counted.map(|record| record.turn).max().unwrap_or(0);
    highest.saturating_add(1)
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let (number, resident, person) = found(&app, &permit, &number).await?;
    let [usual, ..] = PURPOSES;
    look(&app, &permit, Some(number), VIEW, usual).await?;
    let (numbers, issued) = coupons::of_person(&app.db, &permit, number).await?;
    let page = page.titled("coupons-of-person");
    let next = next_turn(&person);
    let choice = |value: String, label: String, chosen| Choice {
        value,
        label,
        chosen,
    };
    let turns = (next..=TURN_ON_COUPON_MAX)
        .map(|turn| choice(turn.to_string(), turn_text(turn, &page), turn == next))
        .chain([choice(
            "0".to_owned(),
            turn_text(0, &page),
            next > TURN_ON_COUPON_MAX,
        )]);
    let forms = Form::ALL.map(|one| {
        let word = one.as_str();
        let label = page.t(&format!("coupons-form-{word}"));
        choice(word.to_owned(), label, one == Form::Questionnaire)
    });
    let reasons = ReissueReason::ALL.map(|one| {
        let what = match one.old_number() {
            OldNumber::Stays => "coupons-number-stays",
            OldNumber::Voided => "coupons-number-voided",
        };
        let word = page.t(&format!("reissue-{}", one.as_str()));
        choice(
            one.as_str().to_owned(),
            format!("{word} — {}", page.t(what)),
            false,
        )
    });
    let void_reasons = VoidReason::ALL.map(|one| {
        let label = page.t(&format!("void-{}", one.as_str()));
        choice(one.as_str().to_owned(), label, false)
    });
    let purposes = PURPOSES.map(|purpose| {
        let label = page.t(&format!("purpose-{purpose}"));
        choice(purpose.to_owned(), label, false)
    });
    let is_void = numbers
        .iter()
        .any(|one| one.number == resident.number && one.voided_at.is_some());
    html(&CouponsPage {
        number: number.as_str().to_owned(),
        in_force: resident.number.as_str().to_owned(),
        is_void,
        name: (!resident.protected).then(|| resident.name.clone()),
        protected: resident.protected,
        has_doses: next > 1,
        numbers: numbers.iter().map(|one| shown_number(one, &page)).collect(),
        issued: issued.iter().map(|one| shown_issue(one, &page)).collect(),
        turns: turns.collect(),
        forms: forms.into(),
        reasons: reasons.into(),
        void_reasons: void_reasons.into(),
        purposes: purposes.into(),
        page,
    })
}

fn turn_text(turn: u8, page: &Page) -> String {
    match turn {
        0 => page.t("coupons-turn-open"),
        turn => page.t1("coupons-turn", "turn", turn),
    }
}

fn shown_number(one: &Number, page: &Page) -> ShownNumber {
    let why = match (one.voided_at, one.void_reason.as_deref()) {
        (Some(at), Some(reason)) => {
            let words = if ReissueReason::parse(reason).is_some() {
                page.t(&format!("reissue-{reason}"))
            } else {
                page.t(&format!("void-{reason}"))
            };
            format!("{} · {words}", day_text(at.day_in_japan(), page.texts))
        }
        _ => String::new(),
    };
    ShownNumber {
        digits: one.number.as_str().to_owned(),
        is_void: one.voided_at.is_some(),
        why,
        replaced_by: one.replaced_by.map(|next| next.as_str().to_owned()),
    }
}

fn shown_issue(one: &Issue, page: &Page) -> ShownIssue {
    let reason = one
        .reason
        .map(|reason| page.t(&format!("reissue-{}", reason.as_str())));
    ShownIssue {
        digits: one.number.as_str().to_owned(),
        turn: turn_text(one.turn, page),
        turn_digit: one.turn,
        state: page.t(&format!("coupon-state-{}", one.state.as_str())),
        is_out: one.state == CouponState::Issued,
        form: page.t(&format!("coupons-form-{}", one.form.as_str())),
        form_word: one.form.as_str(),
        day: day_text(one.issued_at.day_in_japan(), page.texts),
        reason,
    }
}

/// What the rules refuse, as a problem.
#[must_use]
pub fn issue_problem(refusal: IssueRefusal) -> Problem {
    let why = refusal.to_string();
    let (ja, en) = both(&why);
    Problem::unprocessable("issue_refused")
        .arg("why_ja", ja)
        .arg("why_en", en)
        .member("reason", refusal.code())
}

/// The form of a reissue.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ReissueForm {
    reason: String,
    turn: String,
    form: String,
}

async fn reissue(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    PageForm(sent): PageForm<ReissueForm>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    let wrong = || Problem::unprocessable("issue_fields");
    let wanted = Wanted {
        reason: ReissueReason::parse(&sent.reason).ok_or_else(wrong)?,
        turn: sent.turn.parse().map_err(|_| wrong())?,
        form: Form::parse(&sent.form).ok_or_else(wrong)?,
    };
    let new = coupons::reissue(&app.db, &permit, number, wanted, decided(&app)).await?;
    let new = new.map_err(issue_problem)?;
    let to = format!("/city/people/{}/coupons", new.as_str());
    Ok(done(&to, "coupons-reissued"))
}

/// The form of making a number void.
#[derive(Default, Deserialize)]
#[serde(default)]
struct VoidForm {
    reason: String,
}

async fn void(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    PageForm(sent): PageForm<VoidForm>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    let wrong = || Problem::unprocessable("issue_fields");
    let reason = VoidReason::parse(&sent.reason).ok_or_else(wrong)?;
    let void = coupons::void(&app.db, &permit, number, reason, decided(&app)).await?;
    void.map_err(issue_problem)?;
    let to = format!("/city/people/{}/coupons", number.as_str());
    Ok(done(&to, "coupons-voided"))
}

/// What is to be printed: a coupon that is out, or the proof (`certificate`).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PrintForm {
    /// Which paper: the word of a [`Form`], or `certificate`.
    pub paper: String,
    /// For which dose.
    pub turn: String,
    /// What for: papers of a protected person are printed with one, or not at all.
    pub purpose: String,
}

async fn print(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    PageForm(sent): PageForm<PrintForm>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let printed = print_paper(&app, &permit, &me.organisation.name, (&number, &sent)).await?;
    // The second step: with a purpose, or not at all.
    let second_step = || Redirect::to(&format!("/city/people/{number}")).into_response();
    Ok(printed.unwrap_or_else(second_step))
}

/// Prints a paper of one person and logs the look: for the page and the API alike. None for a protected
/// person (支援措置) if no purpose was said.
///
/// # Errors
/// 404 for nobody, or no such coupon that is out; 422 `issue_fields` for words that mean nothing, or as
/// [`coupons_pdf`].
pub async fn print_paper(
    app: &App,
    permit: &CityPermit,
    desk: &str,
    (number, sent): (&str, &PrintForm),
) -> Result<Option<Response>, Problem> {
    let (number, resident, person) = found(app, permit, number).await?;
    let purpose = PURPOSES.into_iter().find(|one| *one == sent.purpose);
    if resident.protected && purpose.is_none() {
        return Ok(None);
    }
    let [usual, ..] = PURPOSES;
    let purpose = purpose.unwrap_or(usual);
    look(app, permit, Some(number), "print", purpose).await?;
    let letterhead = letterhead(app, permit, desk).await?;
    if sent.paper == "certificate" {
        let counted: Vec<_> = person
            .records
            .iter()
            .filter(|record| record.standing == Standing::Counted)
            .collect();
        let receipts = of_records(&app.db, permit, &counted).await?;
        let receipts = receipts.into_iter().map(|number| PrintedReceipt {
            number: number.to_string(),
            address: receipt_address(app, number),
        });
        let counted: Vec<_> = counted.into_iter().zip(receipts).collect();
        let pdf = certificate_pdf(letterhead, &resident, &counted, app.today()).await?;
        return Ok(Some(pdf_response("certificate.pdf", pdf)));
    }
    let wrong = || Problem::unprocessable("issue_fields");
    let form = Form::parse(&sent.paper).ok_or_else(wrong)?;
    let turn: u8 = sent.turn.parse().map_err(|_| wrong())?;
    let (_, issued) = coupons::of_person(&app.db, permit, number).await?;
    let out = issued
        .iter()
        .find(|one| {
            let is_same_kind = one.form.is_interview() == form.is_interview();
            one.state == CouponState::Issued && one.turn == turn && is_same_kind
        })
        .ok_or_else(Problem::not_found)?;
    let papers = Papers {
        number: out.number,
        turns: vec![turn],
        resident,
    };
    let print = Print {
        form,
        form_of: app.today(),
        mailed: false,
    };
    let pdf = coupons_pdf(letterhead, vec![papers], print).await?;
    Ok(Some(pdf_response("coupon.pdf", pdf)))
}

#[cfg(test)]
#[path = "coupons_tests.rs"]
mod tests;
