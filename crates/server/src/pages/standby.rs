//! The standby list (キャンセル待ち名簿): of a venue, or of a city. Both have the same page at an address of their own.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, CityPermit, VenuePermit};
use domain::calendar::Day;
use domain::coupons::CouponLine;
use domain::standby::{
    CONSENT_DAYS_MAX, ConsentWay, NEEDS_MINUTES_MAX, PHONE_LENGTH_MAX, Wish, WishRefusal, phone,
};
use domain::vaccines::Vaccines;
use store::standby::{self, Changed, Desk, Entered, NewEntry, Person};
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::records::{Badge, Choice, day_text, product_name};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

const VENUE_PATH: &str = "/venue/standby";
const CITY_PATH: &str = "/city/standby";
/// How long a consent is proposed to hold, in days.
const CONSENT_DAYS_USUAL: i64 = 90;
/// How long somebody is proposed to need, in minutes.
const NEEDS_MINUTES_USUAL: i64 = 30;

/// The pages of this file.
pub fn routes() -> Routes {
    let venue = Guard::May(Action::OfferLeftover);
    let city = Guard::May(Action::KeepStandby);
    Routes::new()
        .get(VENUE_PATH, venue, show)
        .post(VENUE_PATH, venue, enter)
        .post("/venue/standby/{id}", venue, tell)
        .post("/venue/standby/{id}/withdraw", venue, withdraw)
        .get(CITY_PATH, city, show)
        .post(CITY_PATH, city, enter)
        .post("/city/standby/{id}", city, tell)
        .post("/city/standby/{id}/withdraw", city, withdraw)
}

/// The right to a list: whoever asks has one of the two.
enum Right {
    Venue(VenuePermit),
    City(CityPermit),
}

impl Right {
    fn of(me: &Me) -> Result<Self, Problem> {
        match me.venue(Action::OfferLeftover) {
            Ok(permit) => Ok(Self::Venue(permit)),
            Err(_) => Ok(Self::City(me.city(Action::KeepStandby)?)),
        }
    }

    fn desk(&self) -> Desk<'_> {
        match self {
            Self::Venue(permit) => Desk::Venue(permit),
            Self::City(permit) => Desk::City(permit),
        }
    }

    fn path(&self) -> &'static str {
        match self {
            Self::Venue(_) => VENUE_PATH,
            Self::City(_) => CITY_PATH,
        }
    }
}

/// The fields of the forms, as typed: products by a field for each.
type Fields = HashMap<String, String>;

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map_or("", |text| text.trim())
}

/// A form of somebody's wish.
struct WishForm {
    from: String,
    needs: String,
    consent_on: String,
    consent_until: String,
    ways: Vec<Choice>,
    products: Vec<Choice>,
}

impl WishForm {
    fn of(wish: &Wish, today: Day, texts: Texts) -> Self {
        Self {
            from: clock(wish.from_minute),
            needs: wish.needs_minutes.to_string(),
            consent_on: wish.consent_on.to_string(),
            consent_until: wish.consent_until.to_string(),
            ways: ways(wish.consent_way.as_str(), texts),
            products: products(today, texts, |key| {
                wish.products.iter().any(|one| one == key)
            }),
        }
    }

    fn typed(fields: &Fields, today: Day, texts: Texts) -> Self {
        let or = |name: &str, usual: String| match fields.get(name) {
            Some(text) => text.clone(),
            None => usual,
        };
        Self {
            from: or("from", clock(0)),
            needs: or("needs", NEEDS_MINUTES_USUAL.to_string()),
            consent_on: or("consent_on", today.to_string()),
            consent_until: or(
                "consent_until",
                today.plus_days(CONSENT_DAYS_USUAL).to_string(),
            ),
            ways: ways(field(fields, "consent_way"), texts),
            products: products(today, texts, |key| {
                fields.contains_key(&format!("product-{key}"))
            }),
        }
    }
}

/// A minute of the day, as a field of `time` has it.
fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn ways(chosen: &str, texts: Texts) -> Vec<Choice> {
    let all = ConsentWay::ALL.into_iter().map(|way| Choice {
        value: way.as_str().to_owned(),
        label: texts.t(&format!("consent-way-{}", way.as_str())),
        chosen: way.as_str() == chosen,
    });
    all.collect()
}

fn products(today: Day, texts: Texts, chosen: impl Fn(&str) -> bool) -> Vec<Choice> {
    let in_use = Vaccines::bundled()
        .all()
        .iter()
        .filter(|one| one.in_use(today));
    in_use
        .map(|one| Choice {
            value: one.key.to_string(),
            label: product_name(one.key.as_str(), texts),
            chosen: chosen(one.key.as_str()),
        })
        .collect()
}

/// Somebody on the list, in words.
struct Row {
    id: Uuid,
    number: i64,
    revision: i64,
    /// The coupon's number; none of a protected person.
    coupon: Option<String>,
    /// Whether the coupon was issued again since they were entered.
    is_reissued: bool,
    phone: Option<String>,
    is_protected: bool,
    products: String,
    from: String,
    needs: i64,
    until: String,
    state: Badge,
    can_change: bool,
    form: WishForm,
}

impl Row {
    fn of(one: &Person, today: Day, texts: Texts) -> Self {
        let (tone, icon, word) = if one.is_withdrawn {
            ("void", "void", "withdrawn")
        } else if one.is_given {
            ("good", "check", "given")
        } else if one.is_waiting(today) {
            ("info", "wait", "waiting")
        } else {
            ("warn", "warn", "over")
        };
        let names = one.wish.products.iter().map(|key| product_name(key, texts));
        let names: Vec<String> = names.collect();
        Self {
            id: one.id,
            number: one.number,
            revision: one.revision,
            coupon: (!one.is_protected).then(|| one.line.grouped()),
            is_reissued: one.is_reissued && !one.is_protected,
            phone: one.phone.clone(),
            is_protected: one.is_protected,
            products: if names.is_empty() {
                texts.t("standby-any-product")
            } else {
                names.join(" / ")
            },
            from: clock(one.wish.from_minute),
            needs: one.wish.needs_minutes,
            until: day_text(one.wish.consent_until, texts),
            state: Badge {
                tone,
                icon,
                word: texts.t(&format!("standby-state-{word}")),
            },
            can_change: one.can_change(),
            form: WishForm::of(&one.wish, today, texts),
        }
    }
}

#[derive(Template)]
#[template(path = "standby.html")]
struct StandbyPage {
    page: Page,
    path: &'static str,
    back: &'static str,
    is_of_city: bool,
    rows: Vec<Row>,
    waiting: i64,
    id: Uuid,
    coupon: String,
    phone: String,
    form: WishForm,
    complaints: Complaints,
    trouble: Option<String>,
    phone_max: usize,
    needs_max: i64,
    consent_days_max: i64,
}

/// What could not be entered.
#[derive(Default)]
struct Refused {
    fields: Fields,
    complaints: Complaints,
    trouble: Option<String>,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let right = Right::of(&me)?;
    render(&app, &right, page, Refused::default()).await
}

async fn render(
    app: &App,
    right: &Right,
    page: Page,
    refused: Refused,
) -> Result<Response, Problem> {
    let page = page.titled("standby-title");
    let (today, texts) = (app.today(), page.texts);
    let fresh = || app.fresh_id();
    let people = standby::list(&app.db, right.desk(), app.now(), &fresh).await?;
    let is_refused = refused.trouble.is_some() || !refused.complaints.is_empty();
    let is_of_city = matches!(right, Right::City(_));
    let waiting = people.iter().filter(|one| one.is_waiting(today)).count();
    let shown = html(&StandbyPage {
        path: right.path(),
        back: if is_of_city {
            "/city/leftover"
        } else {
            "/venue/leftover"
        },
        is_of_city,
        rows: people
            .iter()
            .map(|one| Row::of(one, today, texts))
            .collect(),
        waiting: i64::try_from(waiting).unwrap_or(i64::MAX),
        id: app.fresh_id(),
        coupon: field(&refused.fields, "coupon").to_owned(),
        phone: field(&refused.fields, "phone").to_owned(),
        form: WishForm::typed(&refused.fields, today, texts),
        complaints: refused.complaints,
        trouble: refused.trouble,
        phone_max: PHONE_LENGTH_MAX,
        needs_max: NEEDS_MINUTES_MAX,
        consent_days_max: CONSENT_DAYS_MAX,
        page,
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}

fn id_of(fields: &Fields) -> Result<Uuid, Problem> {
    Uuid::parse_str(field(fields, "id")).map_err(|_| Problem::unprocessable("form_shape"))
}

/// What is wrong with a wish, at the field that it is about.
fn complain(page: &Page, refusal: WishRefusal, complaints: &mut Complaints) {
    let at = match refusal {
        WishRefusal::Phone => "phone",
        WishRefusal::Time => "needs",
        WishRefusal::Consent => "consent_until",
        WishRefusal::Products => "products",
    };
    complaints.add::<()>(at, page.t(&format!("refused-{}", refusal.code())));
}

fn wish_in(page: &Page, fields: &Fields, today: Day, complaints: &mut Complaints) -> Option<Wish> {
    let from = field(fields, "from")
        .split_once(':')
        .and_then(|(hour, minute)| {
            let minute: i64 = minute.get(..2)?.parse().ok()?;
            Some(hour.parse::<i64>().ok()? * 60 + minute)
        });
    let day =
        |name: &'static str, complaints: &mut Complaints| match Day::parse(field(fields, name)) {
            Some(day) => Some(day),
            None => complaints.add(name, page.t("complaint-day")),
        };
    let consent_on = day("consent_on", complaints);
    let consent_until = day("consent_until", complaints);
    let consent_way = match ConsentWay::parse(field(fields, "consent_way")) {
        Some(way) => Some(way),
        None => complaints.add("consent_way", page.t("standby-complaint-way")),
    };
    let chosen = Vaccines::bundled().all().iter().filter(|one| {
        let name = format!("product-{}", one.key);
        fields.contains_key(&name)
    });
    let wish = Wish {
        products: chosen.map(|one| one.key.to_string()).collect(),
        from_minute: from.unwrap_or(-1),
        needs_minutes: field(fields, "needs").parse().unwrap_or(-1),
        consent_on: consent_on?,
        consent_way: consent_way?,
        consent_until: consent_until?,
    };
    match wish.check(today) {
        Ok(()) => Some(wish),
        Err(refusal) => {
            complain(page, refusal, complaints);
            None
        }
    }
}

async fn enter(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let right = Right::of(&me)?;
    let id = id_of(&fields)?;
    let mut complaints = Complaints::default();
    let line = match CouponLine::parse(field(&fields, "coupon")) {
        Ok(line) => Some(line),
        Err(_) => complaints.add("coupon", page.t("standby-complaint-coupon")),
    };
    let phone = match phone(field(&fields, "phone")) {
        Ok(phone) => Some(phone),
        Err(refusal) => {
            complain(&page, refusal, &mut complaints);
            None
        }
    };
    let wish = wish_in(&page, &fields, app.today(), &mut complaints);
    let (Some(line), Some(phone), Some(wish)) = (line, phone, wish) else {
        let refused = Refused {
            fields,
            complaints,
            trouble: None,
        };
        return render(&app, &right, page, refused).await;
    };
    let new = NewEntry {
        id,
        line,
        phone,
        wish,
    };
    let trouble = match standby::enter(&app.db, right.desk(), &new, app.now()).await? {
        Entered::As(_) | Entered::Before(_) => return Ok(done(right.path(), "standby-entered")),
        Entered::Twice(number) => page.t1("standby-twice", "number", number),
        Entered::Astray => page.t("standby-astray"),
        Entered::Full => page.t1("standby-full", "max", standby::LIST_MAX),
        Entered::OtherContent => page.t("standby-changed-meanwhile"),
    };
    let refused = Refused {
        fields,
        complaints,
        trouble: Some(trouble),
    };
    render(&app, &right, page, refused).await
}

async fn tell(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let right = Right::of(&me)?;
    let mut complaints = Complaints::default();
    let wish = wish_in(&page, &fields, app.today(), &mut complaints);
    let phone = match field(&fields, "phone") {
        "" => Some(None),
        typed => match phone(typed) {
            Ok(phone) => Some(Some(phone)),
            Err(refusal) => {
                complain(&page, refusal, &mut complaints);
                None
            }
        },
    };
    let (Some(wish), Some(phone)) = (wish, phone) else {
        // The form of an entry is shut again: its complaints are told in words above the list.
        let words = complaints.all().iter().map(|one| one.text.as_str());
        let words: Vec<&str> = words.collect();
        let trouble = Some(words.join(" "));
        let refused = Refused {
            trouble,
            ..Refused::default()
        };
        return render(&app, &right, page, refused).await;
    };
    let seen = field(&fields, "seen").parse().unwrap_or(0);
    let what = (&wish, phone.as_deref());
    let changed = standby::tell(&app.db, right.desk(), (id, seen), what, app.now()).await?;
    after(&app, &right, page, (changed, "standby-changed")).await
}

async fn withdraw(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let right = Right::of(&me)?;
    let seen = field(&fields, "seen").parse().unwrap_or(0);
    let act = (app.fresh_id(), app.now());
    let changed = standby::withdraw(&app.db, right.desk(), (id, seen), act).await?;
    after(&app, &right, page, (changed, "standby-withdrawn")).await
}

async fn after(
    app: &App,
    right: &Right,
    page: Page,
    (changed, notice): (Changed, &str),
) -> Result<Response, Problem> {
    let trouble = match changed {
        Changed::Now | Changed::AsItIs => return Ok(done(right.path(), notice)),
        Changed::Meanwhile => "standby-changed-meanwhile",
        Changed::NotFound => "standby-gone",
    };
    let refused = Refused {
        trouble: Some(page.t(trouble)),
        ..Refused::default()
    };
    render(app, right, page, refused).await
}
