//! Reports from the record to the paper, at both desks, and nothing of a protected person on the way.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use serde_json::{Value, json};
use store::accounts::Account;

use crate::web::house::{Answer, House};

const FORM: &str = "application/x-www-form-urlencoded";

struct Desk {
    house: House,
    /// A dose of somebody with nothing to hide, given too soon after the first.
    dose: String,
    /// A dose of a protected person.
    hidden: String,
}

impl Desk {
    async fn build() -> Self {
        let mut desk = Self {
            house: House::build().await,
            dose: String::new(),
            hidden: String::new(),
        };
        let file = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
             131016,1,,0000000001,東京 花子,トウキョウ ハナコ,19460503,2,1,,0\r\n\
             131016,2,,0000000002,秘密 守,ヒミツ マモル,19310719,1,1,,1\r\n";
        let answer = desk.send(
            desk.clerk(),
            Method::POST,
            "/api/v1/residents",
            "text/csv",
            file,
        );
        assert_eq!(answer.await.status, StatusCode::OK);
        for (number, (line, on)) in [
            ("211310160000000001", "2021-04-02"),
            ("221310160000000001", "2021-04-10"),
            ("211310160000000002", "2021-04-10"),
        ]
        .into_iter()
        .enumerate()
        {
            let body = json!({
                "id": format!("01890a5d-ac96-774b-bcce-b302099a805{number}"), "coupon": line,
                "given_on": on, "product": "comirnaty_12_mono", "lot": "EY2173",
                "doctor": "鈴木", "device": "test", "input": "api",
            });
            let body = body.to_string();
            let nurse = desk.nurse();
            let answer = desk.send(
                nurse,
                Method::POST,
                "/api/v1/doses",
                "application/json",
                &body,
            );
            let answer = answer.await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
            let receipt: Value = serde_json::from_str(&answer.text).unwrap();
            let dose = receipt["dose"].as_str().unwrap().to_owned();
            if number == 2 {
                desk.hidden = dose;
            } else {
                desk.dose = dose;
            }
        }
        desk
    }

    fn clerk(&self) -> &Account {
        self.house.person(OrganisationKind::City, Role::Operator)
    }

    fn nurse(&self) -> &Account {
        self.house.person(OrganisationKind::Venue, Role::Operator)
    }

    async fn send(
        &self,
        who: &Account,
        method: Method,
        path: &str,
        kind: &str,
        body: &str,
    ) -> Answer {
        let (name, token) = self.house.bearer(who).await;
        let headers = [(name, token.as_str()), ("content-type", kind)];
        self.house
            .send(method, path, &headers, body.to_owned())
            .await
    }

    async fn post(&self, who: &Account, path: &str, body: &str) -> Answer {
        self.send(who, Method::POST, path, FORM, body).await
    }

    async fn get(&self, who: &Account, path: &str) -> Answer {
        self.send(who, Method::GET, path, "text/plain", "").await
    }

    /// Begins a report and gives its page.
    async fn begun(&self, who: &Account, room: &str, dose: &str, kind: &str) -> String {
        let path = format!("/{room}/records/{dose}/reports");
        let answer = self.post(who, &path, &format!("kind={kind}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.location().to_owned()
    }
}

const WHOLE: &str = "is_public=1&name=A&sex=2&birth=1946-05-03&reporter_role=3&reporter_name=B&place_name=C\
    &product=D&lot=E&given_on=2021-04-10&given_at=10:00&symptoms=F&began_on=2021-04-10&began_at=10:15\
    &causality=1&summary=G&gravity=0&outcome=1";

#[tokio::test]
async fn a_venue_drafts_and_the_city_submits_prints_and_writes_out() {
    let desk = Desk::build().await;
    let (nurse, clerk) = (desk.nurse(), desk.clerk());
    let at_venue = desk
        .begun(nurse, "venue", &desk.dose, "adverse_reaction")
        .await;
    let shown = desk.get(nurse, &at_venue).await.text;
    // The venue knows what it recorded, and not what the register knows.
    assert!(
        shown.contains("EY2173") && !shown.contains("花子"),
        "{shown}"
    );
    let saved = desk.post(
        nurse,
        &at_venue,
        "revision=0&act=save&symptoms=%E7%99%BA%E7%86%B1",
    );
    assert!(saved.await.location().ends_with("notice=report-saved"));

    let at_city = at_venue.replace("/venue/", "/city/");
    let listed = desk.get(clerk, "/city/reports").await.text;
    assert!(
        listed.contains(&at_city) && listed.contains("会場から"),
        "{listed}"
    );
    let empty = desk
        .post(clerk, &at_city, "revision=1&act=submit&symptoms=x")
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        empty.text.contains("転帰</a>: 入力してください"),
        "{}",
        empty.text
    );
    let pdf = format!("{at_city}/report.pdf");
    assert_eq!(desk.get(clerk, &pdf).await.status, StatusCode::CONFLICT);
    let stale = desk
        .post(clerk, &at_city, &format!("revision=0&act=submit&{WHOLE}"))
        .await;
    assert_eq!(stale.code.as_deref(), Some("report_changed"));
    let done = desk
        .post(clerk, &at_city, &format!("revision=1&act=submit&{WHOLE}"))
        .await;
    assert!(
        done.location().ends_with("notice=report-submitted"),
        "{}",
        done.text
    );
    let shown = desk.get(clerk, &at_city).await.text;
    assert!(
        shown.contains("提出済み 2021-0001") && shown.contains("期間内です"),
        "{shown}"
    );
    assert!(!shown.contains("<textarea"), "it stays as it is");
    let printed = desk.get(clerk, &pdf).await;
    assert!(printed.text.starts_with("%PDF"), "{}", printed.text);

    let boss = desk
        .house
        .person(OrganisationKind::City, Role::Administrator);
    let file = "/city/reports/adverse_reactions.csv?encoding=utf-8";
    assert_eq!(desk.get(clerk, file).await.status, StatusCode::FORBIDDEN);
    let written = desk.get(boss, file).await.text;
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines.len(), 2, "{written}");
    assert!(lines[1].starts_with("2021-0001,"), "{written}");
}

#[tokio::test]
async fn an_error_is_drafted_from_what_was_found() {
    let desk = Desk::build().await;
    let clerk = desk.clerk();
    let record = desk
        .get(clerk, &format!("/city/records/{}", desk.dose))
        .await
        .text;
    assert!(record.contains("間違い接種の報告を作る"));
    let page = desk.begun(clerk, "city", &desk.dose, "mistake").await;
    let shown = desk.get(clerk, &page).await.text;
    for told in ["接種間隔の誤り", "様式4-10-3", "2021年5月15日"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert!(!shown.contains("花子"), "nobody is named");
    let form = "revision=0&act=submit&what_happened=a&cause=b&explained=c&measures=d";
    let done = desk.post(clerk, &page, form).await;
    assert!(
        done.location().ends_with("notice=report-submitted"),
        "{}",
        done.text
    );
    let printed = desk.get(clerk, &format!("{page}/report.pdf")).await;
    assert!(printed.text.starts_with("%PDF"), "{}", printed.text);
    // Nothing was found about the other dose, and what an error is, a venue does not decide.
    let path = format!("/city/records/{}/reports", desk.hidden);
    let none = desk.post(clerk, &path, "kind=mistake").await;
    assert_eq!(none.code.as_deref(), Some("report_no_finding"));
    let path = format!("/venue/records/{}/reports", desk.dose);
    let none = desk.post(desk.nurse(), &path, "kind=mistake").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn of_a_protected_person_nothing_is_filled_in_and_each_look_is_a_second_step() {
    let desk = Desk::build().await;
    let clerk = desk.clerk();
    let page = desk
        .begun(clerk, "city", &desk.hidden, "adverse_reaction")
        .await;
    let closed = desk.get(clerk, &page).await.text;
    assert!(
        closed.contains("支援措置") && !closed.contains("EY2173"),
        "{closed}"
    );
    let open = format!("{page}?open=yes&purpose=desk");
    let opened = desk.get(clerk, &open).await.text;
    assert!(opened.contains("EY2173"));
    assert!(
        !opened.contains("秘密") && !opened.contains("1931"),
        "{opened}"
    );
    let whole = WHOLE.replace("name=A&", "name=SECRET&");
    desk.post(clerk, &page, &format!("revision=0&act=submit&{whole}"))
        .await;
    assert!(!desk.get(clerk, &page).await.text.contains("SECRET"));
    let pdf = desk.get(clerk, &format!("{page}/report.pdf")).await;
    assert!(pdf.is_refused("person_protected"), "{}", pdf.text);
    let pdf = desk
        .get(clerk, &format!("{page}/report.pdf?open=yes&purpose=desk"))
        .await;
    assert!(pdf.text.starts_with("%PDF"));
    let boss = desk
        .house
        .person(OrganisationKind::City, Role::Administrator);
    let written = desk
        .get(boss, "/city/reports/adverse_reactions.csv")
        .await
        .text;
    assert!(!written.contains("SECRET"), "{written}");
}

#[tokio::test]
async fn the_disclosure_is_printed_for_whom_it_is_of() {
    let desk = Desk::build().await;
    let clerk = desk.clerk();
    let asked = desk
        .get(clerk, "/city/people/0000000001/disclosure")
        .await
        .text;
    assert!(
        asked.contains("求めた人") && !asked.contains("花子"),
        "{asked}"
    );
    let shown = desk
        .get(
            clerk,
            "/city/people/0000000001/disclosure?purpose=own-request",
        )
        .await;
    for told in [
        "東京 花子",
        "2026年4月10日",
        "EY2173",
        "鈴木",
        "本人からの請求",
    ] {
        assert!(shown.text.contains(told), "{told}: {}", shown.text);
    }
    let pdf = "/city/people/0000000001/disclosure.pdf";
    let none = desk.get(clerk, pdf).await;
    assert_eq!(none.code.as_deref(), Some("disclosure_purpose"));
    let printed = desk
        .get(clerk, &format!("{pdf}?purpose=representative"))
        .await;
    assert!(printed.text.starts_with("%PDF"), "{}", printed.text);
}
