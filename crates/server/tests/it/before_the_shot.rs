//! A venue's day over the API: the seal fills the settings, the check warns, the receipt proves, the
//! closing adds up; and a recalled lot stops.

use std::sync::OnceLock;

use crate::program::{Program, id, run};
use serde_json::{Value, json};

/// One program for all tests of this file; each uses lots and persons of its own.
fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        Program::start(&folder)
    })
}

const PRODUCT: &str = "comirnaty_12_mono";
const DAY: &str = "2021-07-05";

fn lot(number: &str, recalled: Option<&str>, revision: i64) -> Value {
    json!({
        "product": PRODUCT, "lot": number, "expires": "2021-12-31", "revision": revision,
        "recalled_since": recalled, "recall_reason": recalled.map(|_| "異物混入"),
    })
}

fn question(coupon: &str, lot: &str) -> Value {
    json!({ "coupon": coupon, "given_on": DAY, "product": PRODUCT, "lot": lot })
}

#[test]
fn a_seal_tells_product_and_lot_once_the_nation_has_entered_them() {
    let (venue, nation) = (program().log_in("venue"), program().log_in("nation"));
    let text = json!({ "text": "]d2010498712345678410SEAL01\u{1d}17211231" });
    let (status, unknown) = venue.post("/api/v1/lot-seals", &text);
    assert_eq!(status, 200, "{unknown}");
    assert_eq!(
        (&unknown["product"], &unknown["lot"]),
        (&Value::Null, &json!("SEAL01"))
    );
    let package = json!({ "gtin": "04987123456784", "product": PRODUCT });
    assert_eq!(venue.post("/api/v1/packages", &package).0, 403);
    assert_eq!(nation.post("/api/v1/packages", &package).0, 200);
    let (_, known) = venue.post("/api/v1/lot-seals", &text);
    assert_eq!(
        (&known["product"], &known["printed_expiry"]),
        (&json!(PRODUCT), &json!("2021-12-31"))
    );
    let wrong = json!({ "text": "(01)04987123456788(10)SEAL01" });
    let (status, refused) = venue.post("/api/v1/lot-seals", &wrong);
    assert_eq!(
        (status, &refused["reason"]),
        (422, &json!("seal_check_digit"))
    );
}

#[test]
fn the_register_is_the_nations_and_nobody_is_overwritten() {
    let (venue, nation) = (program().log_in("venue"), program().log_in("nation"));
    assert_eq!(venue.post("/api/v1/lots", &lot("REG01", None, 0)).0, 403);
    let (status, entered) = nation.post("/api/v1/lots", &lot("REG01", None, 0));
    assert_eq!((status, &entered["revision"]), (201, &json!(1)));
    assert_eq!(nation.post("/api/v1/lots", &lot("REG01", None, 0)).0, 200);
    let late = nation.post("/api/v1/lots", &lot("REG01", Some(DAY), 0));
    assert_eq!(
        (late.0, &late.1["code"]),
        (409, &json!("lot_changed_meanwhile"))
    );
    let mut nameless = lot("REG01", Some(DAY), 1);
    nameless["recall_reason"] = Value::Null;
    assert_eq!(nation.post("/api/v1/lots", &nameless).0, 422);
    let (_, list) = venue.get("/api/v1/lots?lot=reg01");
    assert_eq!(list["items"][0]["lot"], "REG01");
}

#[test]
fn a_check_is_coloured_logged_and_never_in_the_way() {
    let (venue, nation) = (program().log_in("venue"), program().log_in("nation"));
    let city = program().log_in("city");
    let file = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
                131016,B1,,0910000001,試験 花子,シケン ハナコ,19460503,2,1,,0\r\n";
    let loaded = city.send(
        "/api/v1/residents?encoding=utf-8",
        "text/csv",
        file.as_bytes(),
    );
    assert_eq!(loaded.0, 200, "{}", loaded.1);
    assert_eq!(nation.post("/api/v1/lots", &lot("CHK01", None, 0)).0, 201);

    let first = "211310160910000001";
    let (status, check) = venue.post("/api/v1/checks", &question(first, "CHK01"));
    assert_eq!(status, 200, "{check}");
    assert_eq!(check["colour"], "green", "{check}");
    assert_eq!(
        (&check["age_years"], &check["due"]["turn"]),
        (&json!(75), &json!(1))
    );
    let (_, unknown) = venue.post("/api/v1/checks", &question(first, "NOBODY"));
    assert_eq!(
        (&unknown["colour"], &unknown["lot"]["state"]),
        (&json!("amber"), &json!("unknown"))
    );

    let dose = |number, coupon: &str, lot: &str| {
        json!({
            "id": id(number), "coupon": coupon, "given_on": DAY, "product": PRODUCT, "lot": lot,
            "doctor": "試験 医師", "device": "tablet-7",
        })
    };
    let (status, receipt) = venue.post("/api/v1/doses", &dose(910_001, first, "CHK01"));
    assert_eq!(status, 201, "{receipt}");
    // Another name of the same second dose, too soon: red, with the first day on which it may be.
    let second = "221310160910000001";
    let (_, early) = venue.post("/api/v1/checks", &question(second, "CHK01"));
    assert_eq!(early["colour"], "red", "{early}");
    assert_eq!(early["earliest"], "2021-07-24", "{early}");
    assert_eq!(early["given"][0]["given_on"], DAY);

    let recalled = nation.post("/api/v1/lots", &lot("CHK01", Some("2021-07-05"), 1));
    assert_eq!(recalled.0, 201, "{}", recalled.1);
    let other = "211310160910000002";
    let (_, stopped) = venue.post("/api/v1/checks", &question(other, "CHK01"));
    assert_eq!(
        (&stopped["colour"], &stopped["lot"]["state"]),
        (&json!("red"), &json!("recalled"))
    );
    let (status, given) = venue.post("/api/v1/doses", &dose(910_002, other, "CHK01"));
    assert_eq!(status, 201, "a given dose is never refused: {given}");
    let codes = given["findings"].as_array().unwrap().iter();
    let codes: Vec<&str> = codes.map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"lot_recalled"), "{codes:?}");

    let number = receipt["receipt_number"].as_str().unwrap();
    proves(number);
}

/// Everybody may hold a receipt against the ledger, over the network and by the command line.
fn proves(number: &str) {
    let asked = |number: &str| -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let url = program().url(&format!("/api/v1/receipts/{number}"));
        let mut answer = agent.get(url).call().unwrap();
        let status = answer.status().as_u16();
        (status, answer.body_mut().read_json().unwrap())
    };
    let (status, proof) = asked(number);
    assert_eq!(
        (status, &proof["result"]),
        (200, &json!("genuine")),
        "{proof}"
    );
    assert_eq!(proof["entered"]["device"], "tablet-7");
    let told = proof.to_string();
    assert!(!told.contains("0910000001"), "no coupon number: {told}");
    assert!(!told.contains("試験 医師"), "no doctor: {told}");
    let mut slip = number.to_owned();
    let last = if slip.ends_with('7') { "8" } else { "7" };
    slip.replace_range(slip.len() - 1.., last);
    assert_eq!(asked(&slip).0, 422);

    let folder = program().data.to_str().unwrap();
    let shown = run(&["receipt", "verify", number, "--data", folder]);
    assert!(shown.status.success(), "{shown:?}");
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown, proof);
    assert!(
        !run(&["receipt", "verify", &slip, "--data", folder])
            .status
            .success()
    );
}

#[test]
fn a_recalled_lot_stops_the_settings_of_today() {
    let (venue, nation) = (program().log_in("venue"), program().log_in("nation"));
    let product = "comirnaty_lp81";
    let entered = json!({
        "product": product, "lot": "STOP01", "expires": "2099-12-31", "revision": 0,
        "recalled_since": "2021-01-01", "recall_reason": "異物混入",
    });
    assert_eq!(nation.post("/api/v1/lots", &entered).0, 201);
    let (_, who) = venue.get("/api/v1/venue-day");
    let setting = json!({
        "given_on": who["day"], "venue_name": "会場", "doctor": "試験 医師", "product": product,
        "lot": "STOP01",
    });
    let (status, stopped) = venue.put("/api/v1/day-setting", &setting);
    assert_eq!((status, &stopped["code"]), (409, &json!("lot_stopped")));
    assert_eq!(stopped["lot"]["state"], "recalled");
    let mut given = setting;
    given["given_already"] = json!(true);
    assert_eq!(venue.put("/api/v1/day-setting", &given).0, 200);
}

#[test]
fn a_day_closes_only_when_every_dose_has_a_reason() {
    let venue = program().log_in("venue");
    let day = "2021-07-06";
    for person in 920_000_001_u64..=920_000_004 {
        let body = json!({
            "id": id(person), "coupon": format!("21131016{person:010}"), "given_on": day,
            "product": PRODUCT, "lot": "DAY01", "doctor": "試験 医師",
        });
        assert_eq!(venue.post("/api/v1/doses", &body).0, 201);
    }
    let (_, shown) = venue.get(&format!("/api/v1/venue-day?day={day}"));
    assert_eq!(shown["lots"][0]["doses"], 4, "{shown}");
    assert_eq!(shown["lots"][0]["doses_per_vial"], 6);
    assert_eq!(shown["closing"], Value::Null);
    let closing = |differences: Value, seen: i64| {
        json!({ "day": day, "seen": seen, "lines": [{
            "product": PRODUCT, "lot": "DAY01", "purpose": "primary", "vials_opened": 1,
            "doses_recorded": 4, "differences": differences,
        }] })
    };
    let (status, refused) = venue.post("/api/v1/venue-day/closings", &closing(json!([]), 0));
    assert_eq!((status, &refused["code"]), (422, &json!("closing_refused")));
    assert_eq!(refused["lines"][0]["code"], "closing_missing");
    let reasons = json!([{ "reason": "left_over", "doses": 2 }]);
    let (status, closed) = venue.post("/api/v1/venue-day/closings", &closing(reasons.clone(), 0));
    assert_eq!((status, &closed["revision"]), (201, &json!(1)), "{closed}");
    let (status, late) = venue.post("/api/v1/venue-day/closings", &closing(reasons, 0));
    assert_eq!(
        (status, &late["code"]),
        (409, &json!("closing_closed_meanwhile"))
    );
    let (_, shown) = venue.get(&format!("/api/v1/venue-day?day={day}"));
    assert_eq!(shown["closing"]["lines"][0]["differences"][0]["doses"], 2);
}
