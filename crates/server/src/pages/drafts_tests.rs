//! A day's work on paper comes back by its forms' codes.

use axum::http::{Method, StatusCode};
use domain::access::{self, Action, Actor, OrganisationId, OrganisationKind, Role, Territory};
use domain::calendar::Day;
use domain::coupons::CouponLine;
use domain::doses::{DoseId, InputWay};
use domain::drafts::Draft;
use domain::places::MunicipalityCode;
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use store::recorder::Report;
use uuid::Uuid;

use crate::web::house::{Answer, House};

const LINE: &str = "211310160000012345";

fn draft() -> Draft {
    Draft {
        form: Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
        city: MunicipalityCode::parse("131016").unwrap(),
        coupon: CouponLine::parse(LINE).ok(),
        venue: None,
        on: Day::parse("2021-04-10"),
        product: ProductKey::parse("comirnaty_12_mono"),
        lot: Lot::parse("ER2659").ok(),
    }
}

/// A nurse, logged in.
struct Nurse<'h> {
    house: &'h House,
    head: (&'static str, String),
}

impl<'h> Nurse<'h> {
    async fn of(house: &'h House) -> Self {
        let person = house.person(OrganisationKind::Venue, Role::Operator);
        let head = house.bearer(person).await;
        Self { house, head }
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs = fields.iter().map(|(name, value)| {
            let value = crate::web::percent_encoded(value);
            format!("{name}={value}")
        });
        let body = pairs.collect::<Vec<_>>().join("&");
        let headers = [
            (self.head.0, self.head.1.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.house.send(Method::POST, path, &headers, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        let headers = [(self.head.0, self.head.1.as_str())];
        self.house.send(Method::GET, path, &headers, "").await
    }
}

fn filled(draft: &str) -> Vec<(&str, &str)> {
    vec![
        ("draft", draft),
        ("given_on", "2021-04-10"),
        ("product", "comirnaty_12_mono"),
        ("lot", "ER2659"),
        ("doctor", "鈴木 一郎"),
        ("venue_name", "千代田会場"),
        ("compared", "on"),
    ]
}

#[tokio::test]
async fn a_form_scanned_twice_is_one_record_of_its_own_day() {
    let house = House::build().await;
    let nurse = Nurse::of(&house).await;
    let text = draft().text();
    let shown = nurse.post("/venue/drafts", &[("draft", &text)]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    for part in ["2021-04-10", "ER2659", "00000", "12345"] {
        assert!(shown.text.contains(part), "{part}");
    }
    let entered = nurse.post("/venue/drafts/entries", &filled(&text)).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
    let result = entered.location().to_owned();
    let page = nurse.get(&result).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("href=\"/venue/drafts\" autofocus"));

    let again = nurse.post("/venue/drafts", &[("draft", &text)]).await;
    assert_eq!(again.location(), format!("{result}?notice=draft-before"));
    let sent_again = nurse.post("/venue/drafts/entries", &filled(&text)).await;
    assert_eq!(sent_again.status, StatusCode::SEE_OTHER);

    let city = house.person(OrganisationKind::City, Role::Operator);
    let (name, token) = house.bearer(city).await;
    let records = house
        .send(Method::GET, "/api/v1/records", &[(name, &token)], "")
        .await;
    assert_eq!(
        records.text.matches(&draft().form.to_string()).count(),
        1,
        "{}",
        records.text
    );
    assert!(records.text.contains("\"given_on\":\"2021-04-10\""));
    assert!(records.text.contains("\"input\":\"paper\""));
}

#[tokio::test]
async fn a_blank_form_asks_for_what_only_the_paper_knows() {
    let house = House::build().await;
    let nurse = Nurse::of(&house).await;
    let blank = Draft {
        coupon: None,
        on: None,
        product: None,
        lot: None,
        ..draft()
    };
    let text = blank.text();
    let shown = nurse.post("/venue/drafts", &[("draft", &text)]).await;
    assert!(shown.text.contains("id=\"line\""), "{}", shown.text);
    let empty = nurse
        .post("/venue/drafts/entries", &[("draft", &text)])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in [
        "line",
        "given_on",
        "product",
        "lot",
        "doctor",
        "venue_name",
        "compared",
    ] {
        assert!(
            empty.text.contains(&format!("id=\"{field}-error\"")),
            "{field}"
        );
    }
    let wrong = [("line", "211310170000012345")];
    let refused = nurse
        .post(
            "/venue/drafts/entries",
            &[filled(&text), wrong.to_vec()].concat(),
        )
        .await;
    assert!(refused.text.contains("id=\"line-error\""));
    let right = [("line", LINE)];
    let entered = nurse
        .post(
            "/venue/drafts/entries",
            &[filled(&text), right.to_vec()].concat(),
        )
        .await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
}

#[tokio::test]
async fn a_form_that_another_venue_entered_is_told_and_not_entered_again() {
    let house = House::build().await;
    let nurse = Nurse::of(&house).await;
    let actor = house
        .person(OrganisationKind::Venue, Role::Operator)
        .actor();
    let id = OrganisationId(house.app.fresh_id());
    let city = MunicipalityCode::parse("131016").unwrap();
    let other = Actor {
        organisation: id,
        territory: Territory::Venue { id, city },
        ..actor
    };
    let permit = access::venue(&other, Action::RecordDose).unwrap();
    let report = Report {
        id: DoseId(draft().form),
        line: CouponLine::parse(LINE).unwrap(),
        given_on: Day::parse("2021-04-10").unwrap(),
        product: "comirnaty_12_mono".to_owned(),
        lot: "ER2659".to_owned(),
        doctor: "佐藤".to_owned(),
        venue_name: "別の会場".to_owned(),
        device: String::new(),
        input: InputWay::Paper,
    };
    house.app.recorder.report(&permit, report).await.unwrap();
    let text = draft().text();
    let scanned = nurse.post("/venue/drafts", &[("draft", &text)]).await;
    let entered = nurse.post("/venue/drafts/entries", &filled(&text)).await;
    for answer in [scanned, entered] {
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("別の会場ですでに"), "{}", answer.text);
        assert!(!answer.text.contains("佐藤"));
    }
}

#[tokio::test]
async fn a_code_that_is_no_form_or_of_another_venue_is_told() {
    let house = House::build().await;
    let nurse = Nurse::of(&house).await;
    let misread = draft().text().replace("/20210410/", "/20210411/");
    for wrong in ["", LINE, "shc:/5676", misread.as_str()] {
        let answer = nurse.post("/venue/drafts", &[("draft", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(answer.text.contains("role=\"alert\""), "{wrong}");
        assert!(
            !answer.text.contains(LINE),
            "nothing of it stays on the page"
        );
    }
    let elsewhere = Draft {
        venue: FacilityCode::parse("1391000013").ok(),
        ..draft()
    };
    let shown = nurse
        .post("/venue/drafts", &[("draft", &elsewhere.text())])
        .await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains("1391000013"));
}
