//! A pack is made, taken out, read by another program and comes back as a record; by page and over the
//! API.

use std::collections::BTreeSet;
use std::process::Command;

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use domain::drafts::Draft;
use domain::packs::BLANK_FORMS;
use serde_json::{Value, json};

use crate::jobs::packs::Packs;
use crate::web::house::{Answer, House};

/// The second is protected; all three had their first dose at the venue of the house.
const RESIDENTS: &str = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
    131016,7,,0000000014,厚生 花子,コウセイ ハナコ,19400302,2,1,,0\r\n\
    131016,21,,0000000012,秘密 守,ヒミツ マモル,19310719,1,1,,1\r\n\
    131016,22,,0000000013,千代田 太郎,チヨダ タロウ,19300101,1,1,,0\r\n";
const CLERK: (OrganisationKind, Role) = (OrganisationKind::City, Role::Operator);
const NURSE: (OrganisationKind, Role) = (OrganisationKind::Venue, Role::Operator);
const FORM: &str = "application/x-www-form-urlencoded";

async fn send(
    house: &House,
    (kind, role): (OrganisationKind, Role),
    method: Method,
    path: &str,
    (content, body): (&str, String),
) -> Answer {
    let (name, token) = house.bearer(house.person(kind, role)).await;
    let headers = [(name, token.as_str()), ("content-type", content)];
    house.send(method, path, &headers, body).await
}

async fn get(house: &House, who: (OrganisationKind, Role), path: &str) -> Answer {
    send(house, who, Method::GET, path, ("text/plain", String::new())).await
}

async fn post(house: &House, who: (OrganisationKind, Role), path: &str) -> Answer {
    send(house, who, Method::POST, path, (FORM, String::new())).await
}

/// The people with a first dose of four weeks ago, by the clock of the house on 2021-05-12.
async fn house() -> House {
    let house = House::build().await;
    house.wait(30 * 86_400_000_000);
    let file = ("text/csv", RESIDENTS.to_owned());
    let answer = send(&house, CLERK, Method::POST, "/api/v1/residents", file).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for (place, number) in ["0000000014", "0000000012", "0000000013"]
        .iter()
        .enumerate()
    {
        let dose = json!({
            "id": format!("01890a5d-ac96-774b-bcce-b302099a806{place}"),
            "coupon": format!("21131016{number}"), "given_on": "2021-04-12",
            "product": "comirnaty_12_mono", "lot": "EY2173", "doctor": "鈴木", "device": "test",
        });
        let body = ("application/json", dose.to_string());
        let answer = send(&house, NURSE, Method::POST, "/api/v1/doses", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
    house
}

async fn work(house: &House) {
    let packs = Packs::new(house.app.db.clone(), house.app.outside.clone());
    while packs.turn().await.unwrap() {}
}

/// The addresses of the files that a page offers.
fn files(page: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1);
    links
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.ends_with("/file"))
        .map(str::to_owned)
        .collect()
}

/// The bytes of a file, which `Answer` would spoil as text.
async fn pdf(house: &House, id: &str) -> Vec<u8> {
    let actor = house.person(NURSE.0, NURSE.1).actor();
    let permit = domain::access::venue(&actor, domain::access::Action::RecordDose).unwrap();
    let asker = store::packs::Asker::Venue(&permit);
    let answer = super::file(&house.app, asker, id.parse().unwrap())
        .await
        .unwrap();
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    body.unwrap().to_vec()
}

/// Runs a program of others; none without it, unless it is required.
fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        let required = std::env::var("SESSHU_TEST_REQUIRE").is_ok();
        assert!(!required, "{program} is missing");
        eprintln!("{program} is not installed: the pack was not read back");
        return None;
    };
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn a_venues_pack_is_made_read_by_others_and_comes_back_as_a_record() {
    let house = house().await;
    let empty = get(&house, NURSE, "/venue/pack").await;
    assert!(empty.text.contains("まだありません"), "{}", empty.text);
    let begun = post(&house, NURSE, "/venue/pack").await;
    assert_eq!(begun.location(), "/venue/pack?notice=pack-begun");
    let again = post(&house, NURSE, "/venue/pack").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "one at a time");
    let waiting = get(&house, NURSE, "/venue/pack").await;
    assert_eq!(waiting.headers["refresh"], "2");
    assert!(waiting.text.contains("<progress"));
    work(&house).await;
    let page = get(&house, NURSE, "/venue/pack").await;
    assert!(page.headers.get("refresh").is_none());
    let links = files(&page.text);
    assert_eq!(links.len(), 1, "{}", page.text);
    let answer = get(&house, NURSE, &links[0]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/pdf");
    assert_eq!(answer.headers["cache-control"], "no-store");

    let id = links[0].split('/').nth(3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pack.pdf");
    std::fs::write(&file, pdf(&house, id).await).unwrap();
    let Some(text) = run("pdftotext", &[file.as_ref(), "-".as_ref()]) else {
        return;
    };
    for (part, there) in [
        ("厚生", true),
        ("千代田 太郎", true),
        ("秘密", false),
        ("ヒミツ", false),
    ] {
        assert_eq!(text.contains(part), there, "{part}: {text}");
    }
    // The roster is page one, then the three forms.
    let pages = ["-r", "200", "-f", "2", "-l", "5", "-png"].map(std::ffi::OsStr::new);
    let stem = folder.path().join("page");
    let arguments = [&pages[..], &[file.as_ref(), stem.as_ref()]].concat();
    if run("pdftoppm", &arguments).is_none() {
        return;
    }
    let mut pictures: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some("png".as_ref()))
        .collect();
    pictures.sort();
    let drafts: Vec<Draft> = pictures.iter().map(|picture| draft_on(picture)).collect();
    let people: Vec<&str> = drafts
        .iter()
        .filter_map(|draft| Some(draft.coupon.as_ref()?.as_str()))
        .collect();
    let expected = [
        "221310160000000012",
        "221310160000000013",
        "221310160000000014",
    ];
    assert_eq!(
        people.iter().copied().collect::<BTreeSet<_>>(),
        expected.into()
    );
    let blank = drafts.iter().find(|draft| draft.coupon.is_none());
    assert_eq!(
        blank.unwrap().on,
        domain::calendar::Day::parse("2021-05-12")
    );
    come_back(&house, &drafts[0]).await;
}

/// The draft that our own reader and zbar see on a page, which is the same.
fn draft_on(picture: &std::path::Path) -> Draft {
    let bytes = std::fs::read(picture).unwrap();
    let ours = reader::read_qr_texts(&reader::decode_photo(&bytes).unwrap());
    let ours = ours.iter().find_map(|text| Draft::parse(text).ok());
    if let Some(theirs) = run(
        "zbarimg",
        &["-q".as_ref(), "--raw".as_ref(), picture.as_ref()],
    ) {
        let theirs = theirs.lines().find_map(|line| Draft::parse(line).ok());
        assert_eq!(ours, theirs, "{}", picture.display());
    }
    ours.unwrap()
}

/// The form is scanned the day after, and what the paper says is registered.
async fn come_back(house: &House, draft: &Draft) {
    house.wait(86_400_000_000);
    let encoded = crate::web::percent_encoded(&draft.text());
    let scan = (FORM, format!("draft={encoded}"));
    let shown = send(house, NURSE, Method::POST, "/venue/drafts", scan).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert!(shown.text.contains("2021-05-12"), "the day of the paper");
    let fields = format!(
        "draft={encoded}&given_on=2021-05-12&product=comirnaty_12_mono&lot=ER2659&doctor=a&venue_name=b&compared=on"
    );
    for _ in 0..2 {
        let sent = (FORM, fields.clone());
        let entered = send(house, NURSE, Method::POST, "/venue/drafts/entries", sent).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
    }
    let records = get(house, CLERK, "/api/v1/records").await;
    let id = draft.form.to_string();
    assert_eq!(records.text.matches(&id).count(), 1, "{}", records.text);
    assert!(records.text.contains("\"input\":\"paper\""));
}

#[tokio::test]
async fn a_city_makes_its_own_and_its_venues_and_sees_who_took_them_out() {
    let house = house().await;
    let begun = post(&house, CLERK, "/api/v1/packs").await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    work(&house).await;
    let list: Value =
        serde_json::from_str(&get(&house, CLERK, "/api/v1/packs").await.text).unwrap();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 2, "the city's and the venue's");
    for pack in list {
        assert_eq!(pack["state"], "done", "{pack}");
        assert_eq!(pack["expected"], 3);
        assert_eq!(pack["forms"], 3 + u64::from(BLANK_FORMS));
    }
    let page = get(&house, CLERK, "/city/packs").await;
    assert_eq!(files(&page.text).len(), 2, "{}", page.text);
    for link in files(&page.text) {
        assert_eq!(get(&house, CLERK, &link).await.status, StatusCode::OK);
    }
    // The city's own is not for a venue.
    let own = list[0]["id"].as_str().unwrap();
    let refused = get(&house, NURSE, &format!("/venue/pack/{own}/file")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(refused.code.as_deref(), Some("pack_not_there"));
    let boss = (OrganisationKind::City, Role::Administrator);
    let looks = get(&house, boss, "/city/looks").await;
    assert_eq!(
        looks.text.matches("災害への備え").count(),
        2,
        "{}",
        looks.text
    );
}

#[tokio::test]
async fn the_night_makes_them_once() {
    let house = House::build().await;
    work(&house).await;
    let nothing = get(&house, CLERK, "/api/v1/packs").await;
    assert_eq!(nothing.text, "[]", "it is one in the afternoon");
    house.wait(13 * 3_600_000_000);
    for _ in 0..2 {
        work(&house).await;
        let packs: Value =
            serde_json::from_str(&get(&house, CLERK, "/api/v1/packs").await.text).unwrap();
        assert_eq!(packs.as_array().unwrap().len(), 2);
        assert_eq!(packs[0]["nightly"], true);
        assert_eq!(packs[0]["day"], "2021-04-13");
    }
}
