//! Reading a coupon (読み取り): by camera, photo, scanner or keyboard, up to the check before recording.
//!
//! Invariant: the page that reads shows nothing of the coupon before. What was read travels in the
//! page that checks it, and nowhere else; nothing is kept between two coupons.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, VenuePermit};
use domain::checks::{Check, Colour};
use domain::coupons::{CouponLine, CouponRefusal};
use domain::doses::{Facts, InputWay};
use domain::findings::FindingCode;
use domain::lots::LotState;
use fluent_bundle::FluentValue;
use reader::{Channel, Outcome, PictureRefusal, Reading, Why};
use serde::Deserialize;
use store::checks::{Asking, ask};
use store::settings::DaySetting;

use crate::pages::attachments;
use crate::pages::lots::state_text;
use crate::pages::photos::{self, PHOTO_BYTES_MAX};
use crate::pages::records::{
    Badge, Digits, Found, city_name, day_text, kind_name, product_name, turn_name,
};
use crate::pages::settings::{self, Strip};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Digits of a coupon number, which is all that most bar codes hold.
const NUMBER_DIGITS: usize = 10;

/// The pages of reading and checking.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::ReadCoupon);
    Routes::new()
        .get("/venue/read", guard, show)
        .post("/venue/check", guard, check_typed)
        .get("/venue/check", guard, back)
        .post_up_to(PHOTO_BYTES_MAX, "/venue/photo", guard, check_photo)
        .get("/venue/photo", guard, back)
}

#[derive(Template)]
#[template(path = "venue/read.html")]
struct ReadPage {
    page: Page,
    setting: Strip,
    trouble: Option<Trouble>,
    typed: String,
    twice: bool,
    /// What the camera's script says while it waits, by the reader's reason.
    hints: Vec<(&'static str, String)>,
}

/// Why nothing could be read, and what to do.
pub(super) struct Trouble {
    /// Why.
    pub text: String,
    /// What to do.
    pub todo: String,
    /// The printed line that could not be read surely, to be typed from.
    pub strip: Option<String>,
}

/// The check before recording: what was read, and what a registration would be answered.
#[derive(Template)]
#[template(path = "venue/check.html")]
struct CheckPage {
    page: Page,
    setting: Strip,
    set_at: i64,
    id: String,
    line: String,
    digits: Digits,
    city: String,
    kind: String,
    turn: String,
    before: Before,
    answer: Badge,
    means: String,
    way: &'static str,
    proof: Proof,
    channels: Vec<String>,
    strip: Option<String>,
    trouble: Option<Trouble>,
}

/// Why the digits may be believed without a look at the coupon, or that they may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Two codes, printed and decoded independently, say the same.
    Codes,
    /// It was typed twice, the same both times.
    Twice,
    /// One reading alone: a person compares.
    Alone,
}

impl Proof {
    /// The word in the form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Codes => "codes",
            Self::Twice => "twice",
            Self::Alone => "alone",
        }
    }

    /// Whether a person has to compare the digits with the coupon.
    #[must_use]
    pub fn asks_to_compare(self) -> bool {
        self == Self::Alone
    }
}

/// A line as it came to be known.
#[derive(Clone, Debug)]
pub struct Read {
    /// The 18 digits.
    pub line: CouponLine,
    /// By which way.
    pub way: InputWay,
    /// Why to believe it.
    pub proof: Proof,
    /// The codes of a photo that said so.
    pub channels: Vec<Channel>,
    /// The address of the picture of the printed line.
    pub strip: Option<String>,
}

/// A check that somebody has to look at again: the same record, the same id.
pub struct Again {
    /// The id the record would get.
    pub id: String,
    /// What stood in the way.
    pub text: String,
    /// What to do.
    pub todo: String,
}

async fn back() -> Redirect {
    Redirect::to("/venue/read")
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::ReadCoupon)?;
    match settings::of_today(&app, &permit).await? {
        Ok(setting) => read_page(&app, page, &setting, None, String::new(), false),
        Err(elsewhere) => Ok(elsewhere),
    }
}

fn read_page(
    app: &App,
    page: Page,
    setting: &DaySetting,
    trouble: Option<Trouble>,
    typed: String,
    twice: bool,
) -> Result<Response, Problem> {
    let status = if trouble.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let page = page.titled("read-title");
    let setting = Strip::of(setting, app.today(), page.texts);
    let hints = WHYS
        .iter()
        .map(|&why| (why.code(), page.t(why_text(why))))
        .collect();
    Ok((
        status,
        html(&ReadPage {
            page,
            setting,
            trouble,
            typed,
            twice,
            hints,
        })?,
    )
        .into_response())
}

/// The fields of the typed way.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    line: String,
    again: Option<String>,
    way: String,
}

async fn check_typed(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::ReadCoupon)?;
    let setting = match settings::of_today(&app, &permit).await? {
        Ok(setting) => setting,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let way = if typed.way == "scanner" {
        InputWay::Scanner
    } else {
        InputWay::Keyed
    };
    match typed_line(&page, &typed) {
        Ok((line, proof)) => {
            let read = Read {
                line,
                way,
                proof,
                channels: Vec::new(),
                strip: None,
            };
            check(&app, &permit, page, &setting, read, None).await
        }
        Err(trouble) => {
            let twice = typed.again.is_some();
            read_page(&app, page, &setting, Some(trouble), typed.line, twice)
        }
    }
}

/// The line that was typed; a wrong check digit ends here, since typing it again costs nothing.
fn typed_line(page: &Page, typed: &Typed) -> Result<(CouponLine, Proof), Trouble> {
    let line = CouponLine::parse(&typed.line)
        .and_then(|line| line.coupon().map(|_| line))
        .map_err(|refusal| refused(page, refusal))?;
    match &typed.again {
        None => Ok((line, Proof::Alone)),
        Some(again) if CouponLine::parse(again) == Ok(line) => Ok((line, Proof::Twice)),
        Some(_) => Err(trouble(page, "read-differs", None)),
    }
}

pub(super) fn refused(page: &Page, refusal: CouponRefusal) -> Trouble {
    let text = match refusal {
        CouponRefusal::NotDigits { position } => page.t1("read-not-digits", "position", position),
        CouponRefusal::Length { got: NUMBER_DIGITS } => page.t("read-number-only"),
        CouponRefusal::Length { got: 0 } => page.t("read-empty"),
        CouponRefusal::Length { got } => page.t1("read-length", "got", got),
        CouponRefusal::CheckDigit { .. } => page.t("read-check-digit"),
    };
    let todo = match refusal {
        CouponRefusal::CheckDigit { .. } => page.t("read-check-digit.todo"),
        CouponRefusal::Length { got: NUMBER_DIGITS } => page.t("read-number-only.todo"),
        _ => page.t("read-typed.todo"),
    };
    Trouble {
        text,
        todo,
        strip: None,
    }
}

fn trouble(page: &Page, id: &str, strip: Option<String>) -> Trouble {
    Trouble {
        text: page.t(id),
        todo: page.t(&format!("{id}.todo")),
        strip,
    }
}

async fn check_photo(
    State(app): State<App>,
    me: Me,
    page: Page,
    form: Multipart,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::ReadCoupon)?;
    let setting = match settings::of_today(&app, &permit).await? {
        Ok(setting) => setting,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let photo = photo_in(form).await?;
    let reading = match photos::read(photo).await? {
        Ok(reading) => reading,
        Err(refusal) => {
            let trouble = trouble(&page, picture_text(&refusal), None);
            return read_page(&app, page, &setting, Some(trouble), String::new(), false);
        }
    };
    match line_in(&reading) {
        Ok(read) => check(&app, &permit, page, &setting, read, None).await,
        Err(why) => {
            // Only where it is the line that is in doubt: elsewhere it may be any other print.
            let strip = matches!(why, Why::LineUnsure | Why::CodesDisagree)
                .then(|| strip_address(&reading))
                .flatten();
            let trouble = trouble(&page, why_text(why), strip);
            let twice = why == Why::CodesDisagree;
            read_page(&app, page, &setting, Some(trouble), String::new(), twice)
        }
    }
}

/// The photo of a form; empty if there is none.
///
/// # Errors
/// A form that could not be received whole.
pub async fn photo_in(mut form: Multipart) -> Result<Bytes, Problem> {
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| attachments::cut_off(&error))?
    {
        if field.name() == Some("photo") {
            return field
                .bytes()
                .await
                .map_err(|error| attachments::cut_off(&error));
        }
    }
    Ok(Bytes::new())
}

/// The picture of the printed line, if one was found.
fn strip_address(reading: &Reading) -> Option<String> {
    let strip = reading.strip.as_ref()?;
    Some(attachments::address("image/png", &strip.png()))
}

/// What a reading says, if it says eighteen digits.
fn line_in(reading: &Reading) -> Result<Read, Why> {
    if let Outcome::No(why) = reading.outcome {
        return Err(why);
    }
    let line = reading
        .digits
        .as_deref()
        .and_then(|digits| CouponLine::parse(digits).ok());
    let line = line.ok_or(Why::NothingFound)?;
    let way = if reading.by.contains(&Channel::Qr) {
        InputWay::Qr
    } else {
        InputWay::Ocr
    };
    let proof = if reading.by.len() > 1 {
        Proof::Codes
    } else {
        Proof::Alone
    };
    let strip = strip_address(reading);
    Ok(Read {
        line,
        way,
        proof,
        channels: reading.by.clone(),
        strip,
    })
}

/// The text of a file that is no picture.
#[must_use]
pub fn picture_text(refusal: &PictureRefusal) -> &'static str {
    match refusal {
        PictureRefusal::Empty => "picture-empty",
        PictureRefusal::FileTooLarge { .. } => "picture-too-large",
        PictureRefusal::NotAPicture => "picture-not-a-picture",
        PictureRefusal::TooManyPixels { .. } => "picture-too-many-pixels",
        PictureRefusal::Damaged => "picture-damaged",
    }
}

/// Every reason of the reader's.
const WHYS: [Why; 6] = [
    Why::NothingFound,
    Why::LineUnsure,
    Why::CodesDisagree,
    Why::PartialOnly,
    Why::BadCheckDigit,
    Why::NotACouponCode,
];

fn why_text(why: Why) -> &'static str {
    match why {
        Why::NothingFound => "why-nothing-found",
        Why::LineUnsure => "why-line-unsure",
        Why::CodesDisagree => "why-codes-disagree",
        Why::PartialOnly => "why-partial-only",
        Why::BadCheckDigit => "why-bad-check-digit",
        Why::NotACouponCode => "why-not-a-coupon-code",
    }
}

/// Shows what was read and what recording it would be answered; `again` when it came back.
///
/// # Errors
/// The database's.
pub async fn check(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    setting: &DaySetting,
    read: Read,
    again: Option<Again>,
) -> Result<Response, Problem> {
    let page = page.titled("check-title");
    let texts = page.texts;
    let facts = Facts {
        doctor: setting.doctor.clone(),
        given_on: setting.given_on,
        line: read.line,
        lot: setting.lot.clone(),
        product: setting.product.clone(),
        turn: read.line.turn_digit(),
        venue: permit.venue(),
        venue_name: setting.venue_name.clone(),
    };
    let asking = Asking {
        id: app.fresh_id(),
        at: app.now(),
        facts,
        printed: None,
    };
    let asked = ask(&app.db, permit, &asking).await?;
    let verdict = &asked.check.verdict;
    let status = if again.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let (id, trouble) = match again {
        Some(Again { id, text, todo }) => (
            id,
            Some(Trouble {
                text,
                todo,
                strip: None,
            }),
        ),
        None => (app.fresh_id().to_string(), None),
    };
    let shown = CheckPage {
        setting: Strip::of(setting, app.today(), texts),
        set_at: setting.set_at.micros(),
        id,
        line: read.line.as_str().to_owned(),
        digits: Digits::of(&read.line),
        city: city_name(&read.line, texts),
        kind: kind_name(&read.line, texts),
        turn: turn_name(read.line.turn_digit(), read.line.kind(), texts),
        before: Before::of(&asked.check, texts),
        answer: Badge::answer(verdict.answer, texts),
        means: texts.t(&format!("answer-{}.means", verdict.answer.as_str())),
        way: read.way.as_str(),
        proof: read.proof,
        channels: read
            .channels
            .iter()
            .map(|channel| texts.t(&format!("channel-{}", channel.code())))
            .collect(),
        strip: read.strip,
        trouble,
        page,
    };
    Ok((status, html(&shown)?).into_response())
}

/// The answer before the shot (接種前チェック) in words.
struct Before {
    /// The large word, with its colour.
    word: Badge,
    /// What it means.
    means: String,
    /// The reasons, the worst first.
    reasons: Vec<Found>,
    /// The first day on which it would not be too early.
    earliest: Option<String>,
    /// What is due.
    due: Option<String>,
    /// The doses the person has.
    given: Vec<String>,
    /// The person's age, for comparing with who stands there.
    age: Option<String>,
    /// How the lot stands, unless it is good.
    lot: Option<Badge>,
}

impl Before {
    fn of(check: &Check, texts: Texts) -> Self {
        let day = |day| day_text(day, texts);
        let due = check
            .due
            .as_ref()
            .map(|due| match (due.turn, due.earliest) {
                (Some(turn), Some(earliest)) => texts.t_with(
                    "before-due",
                    &[
                        ("turn", FluentValue::from(turn)),
                        ("day", day(earliest).into()),
                    ],
                ),
                _ => texts.t(&format!("before-status-{}", due.status.as_str())),
            });
        let given = check.given.iter().map(|earlier| {
            texts.t_with(
                "before-given",
                &[
                    ("turn", FluentValue::from(earlier.turn)),
                    ("day", day(earlier.given_on).into()),
                    ("product", product_name(&earlier.product, texts).into()),
                ],
            )
        });
        let lot = match check.lot {
            LotState::Good { .. } => None,
            LotState::Unknown => Some(Badge::lot_to_look_at(state_text(&check.lot, texts))),
            LotState::Quarantined(quarantine) if !quarantine.is_whole => {
                Some(Badge::lot_to_look_at(state_text(&check.lot, texts)))
            }
            LotState::Expired { .. } | LotState::Recalled(_) | LotState::Quarantined(_) => {
                Some(Badge::lot_stopped(state_text(&check.lot, texts)))
            }
        };
        Self {
            word: Badge::before(check.colour, texts),
            means: texts.t(&format!("before-{}.means", check.colour.as_str())),
            reasons: check
                .reasons
                .iter()
                .filter(|reason| {
                    reason.colour > Colour::Green || !is_told_by_the_answer(reason.finding.code)
                })
                .map(|reason| Found::of(&reason.finding, texts))
                .collect(),
            earliest: check
                .earliest
                .map(|earliest| texts.t_with("before-earliest", &[("day", day(earliest))])),
            due,
            given: given.collect(),
            age: check
                .age_years
                .map(|age| texts.t_with("before-age", &[("age", age)])),
            lot,
        }
    }
}

/// Whether the large word says it already, so that the page stays short.
fn is_told_by_the_answer(code: FindingCode) -> bool {
    matches!(
        code,
        FindingCode::NotRegistered | FindingCode::OutOfResidence
    )
}
