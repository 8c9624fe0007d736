//! Somebody moves: the clerk of the new city asks and sees the doses, the clerk of the old one sees who
//! asked, and the person's access log has both. By page, by file and over the API.

use axum::http::{Method, StatusCode};
use domain::access::{self, Action, OrganisationKind, Place, Role};
use domain::places::MunicipalityCode;
use serde_json::{Value, json};
use store::accounts::{self, Account, NewAccount, NewOrganisation};

use crate::jobs::inquiries::Inquiries;
use crate::web::house::{Answer, House};

const CHIYODA: &str = "131016";
const SAPPORO: &str = "011002";
const MY_NUMBER: &str = "983205673214";
const BIRTH: &str = "19460503";

/// The house with a second city, Sapporo, where somebody had two doses before they moved to Chiyoda.
struct Moved {
    house: House,
    sapporo: Account,
}

impl Moved {
    async fn build(protected: bool) -> Self {
        let house = House::build().await;
        let sapporo = second_city(&house).await;
        let moved = Self { house, sapporo };
        let flag = u8::from(protected);
        let there = file(SAPPORO, "S-7", "0000000007", flag);
        let (status, text) = moved.load(&moved.sapporo, &there).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let here = file(CHIYODA, "C-1", "0000000001", 0);
        let (status, text) = moved.load(moved.chiyoda(), &here).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let doses = [
            (format!("21{SAPPORO}0000000007"), "2021-02-20"),
            (format!("22{SAPPORO}0000000007"), "2021-03-20"),
            (format!("23{CHIYODA}0000000001"), "2021-04-10"),
        ];
        for (number, (line, on)) in doses.iter().enumerate() {
            let nurse = moved.house.person(OrganisationKind::Venue, Role::Operator);
            let body = json!({
                "id": format!("01890a5d-ac96-774b-bcce-b302099a805{number}"), "coupon": line,
                "given_on": on, "product": "comirnaty_12_mono", "lot": format!("EY217{number}"),
                "doctor": "鈴木", "device": "test", "input": "api",
            });
            let (status, text) = moved
                .send(
                    nurse,
                    Method::POST,
                    "/api/v1/doses",
                    "application/json",
                    body.to_string(),
                )
                .await;
            assert_eq!(status, StatusCode::CREATED, "{text}");
        }
        moved
    }

    fn chiyoda(&self) -> &Account {
        self.house.person(OrganisationKind::City, Role::Operator)
    }

    async fn load(&self, who: &Account, file: &str) -> (StatusCode, String) {
        self.send(
            who,
            Method::POST,
            "/api/v1/residents",
            "text/csv",
            file.to_owned(),
        )
        .await
    }

    async fn send(
        &self,
        who: &Account,
        method: Method,
        path: &str,
        kind: &str,
        body: String,
    ) -> (StatusCode, String) {
        let answer = self.answer(who, method, path, kind, body).await;
        (answer.status, answer.text)
    }

    async fn answer(
        &self,
        who: &Account,
        method: Method,
        path: &str,
        kind: &str,
        body: String,
    ) -> Answer {
        let (name, token) = self.house.bearer(who).await;
        let headers = [(name, token.as_str()), ("content-type", kind)];
        self.house.send(method, path, &headers, body).await
    }

    async fn get(&self, who: &Account, path: &str) -> String {
        let answer = self
            .answer(who, Method::GET, path, "text/plain", String::new())
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
        answer.text
    }

    async fn ask(&self, form: &str) -> (StatusCode, String) {
        let kind = "application/x-www-form-urlencoded";
        let path = "/city/inquiries/ask";
        self.send(self.chiyoda(), Method::POST, path, kind, form.to_owned())
            .await
    }

    async fn looks(&self, who: &Account, number: &str) -> Vec<(String, String)> {
        let Place::City(city) = who.actor().territory.place() else {
            panic!("not a city");
        };
        let permit = access::city(&who.actor(), Action::SeeAccessLog, city).unwrap();
        let number = domain::coupons::CouponNumber::parse(number).unwrap();
        let looks = store::audit::looks(&self.house.app.db, &permit, Some(&number)).await;
        let pair = |one: store::audit::Looked| (one.organisation_name, one.view.purpose);
        looks.unwrap().into_iter().map(pair).collect()
    }
}

fn file(code: &str, no: &str, number: &str, protected: u8) -> String {
    format!(
        "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
         {code},{no},{MY_NUMBER},{number},転居 花子,テンキョ ハナコ,{BIRTH},2,1,,{protected}\r\n"
    )
}

async fn second_city(house: &House) -> Account {
    let app = &house.app;
    let city = MunicipalityCode::parse(SAPPORO).unwrap();
    let new = |kind, name: &str| NewOrganisation {
        id: access::OrganisationId(app.fresh_id()),
        kind,
        name: name.to_owned(),
        facility_code: None,
    };
    let account = |login: &str| NewAccount {
        id: access::UserId(app.fresh_id()),
        login: login.to_owned(),
        name: "札幌の係".to_owned(),
        role: Role::Administrator,
        password_hash: crate::web::passwords::hash(crate::web::house::PASSWORD).unwrap(),
        password_must_change: false,
    };
    let nation = house.person(OrganisationKind::Nation, Role::Administrator);
    let hokkaido = Place::Prefecture(city.prefecture().unwrap());
    let permit = access::permit(&nation.actor(), Action::ManageAccounts, hokkaido).unwrap();
    let prefecture = new(OrganisationKind::Prefecture, "北海道");
    accounts::found_organisation(&app.db, &permit, &prefecture, app.fresh_id(), app.now())
        .await
        .unwrap();
    let chief = account("hokkaido");
    let chief = accounts::create_account(&app.db, &permit, &chief, app.fresh_id(), app.now());
    let chief = chief.await.unwrap();
    let place = Place::City(city);
    let permit = access::permit(&chief.actor(), Action::ManageAccounts, place).unwrap();
    let organisation = new(OrganisationKind::City, "札幌市");
    accounts::found_organisation(&app.db, &permit, &organisation, app.fresh_id(), app.now())
        .await
        .unwrap();
    let clerk = account("sapporo");
    let clerk = accounts::create_account(&app.db, &permit, &clerk, app.fresh_id(), app.now());
    clerk.await.unwrap()
}

#[tokio::test]
async fn the_clerk_of_the_new_city_sees_the_doses_and_the_old_city_who_asked() {
    let moved = Moved::build(false).await;
    let (status, text) = moved.ask("number=0000000001&purpose=moved-in").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    for told in [
        "2021年2月20日",
        "2021年3月20日",
        "2021年4月10日",
        "北海道 札幌市",
        "EY2170",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // Doses only.
    for secret in [MY_NUMBER, "転居", "S-7", "C-1"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let listed = moved.get(moved.chiyoda(), "/city/inquiries").await;
    assert!(
        listed.contains("接種 2件") && listed.contains("0000000001"),
        "{listed}"
    );
    let about = moved.get(&moved.sapporo, "/city/inquiries/asked").await;
    assert!(
        about.contains("東京都 千代田区") && about.contains("0000000007"),
        "{about}"
    );
    let boss = moved
        .house
        .person(OrganisationKind::City, Role::Administrator);
    let asked = ("city".to_owned(), "moved-in".to_owned());
    let asked = std::slice::from_ref(&asked);
    assert_eq!(moved.looks(boss, "0000000001").await, asked);
    assert_eq!(moved.looks(&moved.sapporo, "0000000007").await, asked);
    let seen = moved
        .get(&moved.sapporo, "/city/looks?number=0000000007")
        .await;
    assert!(seen.contains("他の市町村の照会への答え"), "{seen}");
}

#[tokio::test]
async fn a_typed_number_is_judged_and_never_comes_back() {
    let moved = Moved::build(false).await;
    let right = format!("my_number={MY_NUMBER}&birth={BIRTH}&purpose=moved-in");
    let (status, text) = moved.ask(&right).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("札幌市") && !text.contains(MY_NUMBER));
    for (form, code) in [
        (
            right.replace(MY_NUMBER, "983205673215"),
            "個人番号が正しくありません",
        ),
        (right.replace(BIRTH, "19461301"), "生年月日を読み取れません"),
        (
            right.replace("moved-in", "curiosity"),
            "利用目的を選んでください",
        ),
        (
            "number=12&purpose=moved-in".to_owned(),
            "券番号を読み取れません",
        ),
        (
            "number=0000000009&purpose=moved-in".to_owned(),
            "名簿にありません",
        ),
    ] {
        let (status, text) = moved.ask(&form).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(text.contains(code), "{form}: {text}");
        assert!(!text.contains("98320567321"), "{form}");
    }
    // With another birth date nobody is met.
    let (status, text) = moved.ask(&right.replace(BIRTH, "19460504")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("見つかりませんでした") && !text.contains("札幌市"));
}

#[tokio::test]
async fn of_a_protected_person_the_dates_are_told_and_no_city_on_either_side() {
    let moved = Moved::build(true).await;
    let (_, text) = moved.ask("number=0000000001&purpose=moved-in").await;
    assert!(text.contains("2021年2月20日") && text.contains("支援措置"));
    assert!(!text.contains("札幌"), "{text}");
    let about = moved.get(&moved.sapporo, "/city/inquiries/asked").await;
    assert!(
        about.contains("0000000007") && !about.contains("千代田"),
        "{about}"
    );
    // Nor does the access log say it, on the page, in the file or for the person's own log.
    let hidden = (String::new(), "moved-in".to_owned());
    assert_eq!(moved.looks(&moved.sapporo, "0000000007").await, [hidden]);
    for page in [
        "/city/looks",
        "/city/looks?number=0000000007",
        "/city/people/0000000007/looks",
        "/city/people/0000000007/looks.csv",
    ] {
        let seen = moved.get(&moved.sapporo, page).await;
        assert!(
            seen.contains("他の市区町村(支援措置のため表示しません)"),
            "{page} {seen}"
        );
    }
    // The city that asked reads its own log as ever.
    let boss = moved
        .house
        .person(OrganisationKind::City, Role::Administrator);
    let own = ("city".to_owned(), "moved-in".to_owned());
    assert_eq!(moved.looks(boss, "0000000001").await, [own]);
    let body = json!({ "purpose": "moved-in", "number": "0000000001" });
    let path = "/api/v1/inquiries";
    let kind = "application/json";
    let (_, text) = moved
        .send(moved.chiyoda(), Method::POST, path, kind, body.to_string())
        .await;
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["withheld"], true);
    assert_eq!(told["doses"][0]["given_on"], "2021-02-20");
    assert_eq!(told["doses"][0].get("municipality"), None);
    let text = moved.get(&moved.sapporo, "/api/v1/inquiries/asked").await;
    let about: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(about.as_array().unwrap().len(), 2);
    assert!(
        about
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one.get("municipality").is_none())
    );
}

#[tokio::test]
async fn a_program_asks_as_a_clerk_does() {
    let moved = Moved::build(false).await;
    let ask = |body: Value| {
        let kind = "application/json";
        let path = "/api/v1/inquiries";
        moved.answer(moved.chiyoda(), Method::POST, path, kind, body.to_string())
    };
    let by_number = json!({ "purpose": "moved-in", "my_number": MY_NUMBER, "birth": "1946-05-03" });
    for body in [
        by_number,
        json!({ "purpose": "own-request", "number": "0000000001" }),
    ] {
        let answer = ask(body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert!(!answer.text.contains(MY_NUMBER));
        let told: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(told["number"], "0000000001");
        let doses = told["doses"].as_array().unwrap();
        assert_eq!(doses.len(), 2);
        assert_eq!(doses[1]["municipality"], SAPPORO);
        assert_eq!(doses[1]["number"], "0000000007");
    }
    let bad = json!({ "purpose": "moved-in", "my_number": "983205673215", "birth": "1946-05-03" });
    let answer = ask(bad).await;
    assert_eq!(answer.code.as_deref(), Some("inquiry_my_number"));
    assert!(!answer.text.contains("98320567321"));
}

#[tokio::test]
async fn a_file_is_asked_and_its_answers_are_saved_in_both_encodings() {
    let moved = Moved::build(false).await;
    let questions = format!(
        "照会番号,個人番号,生年月日,照会先自治体コード\r\nA-1,{MY_NUMBER},{BIRTH},\r\nA-2,{MY_NUMBER},19460504,\r\nA-3,1,{BIRTH},\r\n"
    );
    let clerk = moved.chiyoda();
    let answer = load(&moved, clerk, &questions).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = answer.location().to_owned();
    let shown = moved.get(clerk, &page).await;
    assert!(
        shown.contains("照会中") && !shown.contains(MY_NUMBER),
        "{shown}"
    );
    let app = &moved.house.app;
    let seals = app.seals.clone().unwrap();
    let job = Inquiries::new(app.db.clone(), seals, app.outside.clone());
    assert!(job.turn().await.unwrap());
    assert!(!job.turn().await.unwrap());
    let shown = moved.get(clerk, &page).await;
    assert!(
        shown.contains("答えが出ました") && shown.contains("個人番号"),
        "{shown}"
    );
    let utf8 = moved
        .get(clerk, &format!("{page}/answers.csv?encoding=utf-8"))
        .await;
    let lines: Vec<&str> = utf8.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines.len(), 4, "{utf8}");
    assert!(
        lines[1].starts_with("A-1,1,1,20210220,0000000007,011002,"),
        "{utf8}"
    );
    assert!(lines[3].starts_with("A-2,2,"), "{utf8}");
    let sjis = format!("{page}/answers.csv?encoding=windows-31j");
    let sjis = moved
        .answer(clerk, Method::GET, &sjis, "text/plain", String::new())
        .await;
    assert_eq!(sjis.headers["content-type"], "text/csv; charset=Shift_JIS");
    // Another city's file is not there.
    for end in ["", "/answers.csv"] {
        let other = moved
            .answer(
                &moved.sapporo,
                Method::GET,
                &format!("{page}{end}"),
                "text/plain",
                String::new(),
            )
            .await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
    }
    let kind = "application/x-www-form-urlencoded";
    let gone = moved
        .answer(
            clerk,
            Method::POST,
            &format!("{page}/discard"),
            kind,
            String::new(),
        )
        .await;
    assert!(
        gone.location().ends_with("notice=inquiry-discarded"),
        "{gone:?}"
    );
    let none = moved
        .answer(
            clerk,
            Method::GET,
            &format!("{page}/answers.csv"),
            "text/plain",
            String::new(),
        )
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

async fn load(moved: &Moved, clerk: &Account, file: &str) -> Answer {
    let part = |name: &str, text: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let body = format!(
        "{}{}{}--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"moved.csv\"\r\n\r\n{file}\r\n--b--\r\n",
        part("encoding", "utf-8"),
        part("when", "now"),
        part("purpose", "moved-in"),
    );
    let kind = "multipart/form-data; boundary=b";
    moved
        .answer(clerk, Method::POST, "/city/inquiries/load", kind, body)
        .await
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_as_a_whole() {
    let moved = Moved::build(false).await;
    let answer = load(&moved, moved.chiyoda(), "a,b\r\n1,2\r\n").await;
    let shown = moved.get(moved.chiyoda(), answer.location()).await;
    assert!(shown.contains("このファイルは受け取れません"), "{shown}");
}

#[tokio::test]
async fn a_file_of_somebody_whose_account_was_closed_is_not_asked() {
    let moved = Moved::build(false).await;
    let questions = format!("照会番号,個人番号,生年月日\r\nA-1,{MY_NUMBER},{BIRTH}\r\n");
    let clerk = moved.chiyoda();
    let page = load(&moved, clerk, &questions).await.location().to_owned();
    let boss = moved
        .house
        .person(OrganisationKind::City, Role::Administrator);
    let app = &moved.house.app;
    let permit = access::permit(
        &boss.actor(),
        Action::ManageAccounts,
        boss.actor().territory.place(),
    )
    .unwrap();
    accounts::set_active(&app.db, &permit, clerk.id, false, app.fresh_id(), app.now())
        .await
        .unwrap();
    let seals = app.seals.clone().unwrap();
    let job = Inquiries::new(app.db.clone(), seals, app.outside.clone());
    assert!(job.turn().await.unwrap());
    let shown = moved.get(boss, &page).await;
    assert!(shown.contains("利用者IDが使えなくなった"), "{shown}");
    assert!(moved.looks(&moved.sapporo, "0000000007").await.is_empty());
}

#[tokio::test]
async fn without_keys_nobody_is_asked_about_and_the_page_says_so() {
    let house = House::without_keys().await;
    let clerk = house.person(OrganisationKind::City, Role::Operator);
    let (name, token) = house.bearer(clerk).await;
    let headers = [
        (name, token.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let form = format!("my_number={MY_NUMBER}&birth={BIRTH}&purpose=moved-in");
    let answer = house
        .send(Method::POST, "/city/inquiries/ask", &headers, form)
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer.text.contains("鍵が設定されていません"),
        "{}",
        answer.text
    );
    assert!(!answer.text.contains(MY_NUMBER));
}
