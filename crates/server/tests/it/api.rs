//! The main job over the API, and what bad input is told.

use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use crate::program::{Client, Program, dose, run};
use serde_json::{Value, json};

/// One program for all tests of this file; each uses persons of its own.
fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        Program::start(&folder)
    })
}

fn city() -> (Client, String) {
    let client = program().log_in("city");
    let (status, who) = client.get("/api/v1/sessions/current");
    assert_eq!(status, 200, "{who}");
    (client, "131016".to_owned())
}

fn coupon(turn: u8, person: u64) -> String {
    format!("2{turn}131016{person:010}")
}

/// Waits until everything recorded is counted.
fn counted(nation: &Client) -> Value {
    loop {
        let (status, answer) = nation.get("/api/v1/statistics");
        assert_eq!(status, 200, "{answer}");
        if answer["lag"] == 0 {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn doses_of(answer: &Value, date: &str) -> Vec<(String, String, i64, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let counts = answer["counts"].as_array().unwrap().iter();
    let of_day = counts.filter(|count| count["date"] == date);
    of_day
        .map(|count| {
            let (status, number) = (
                count["status"].as_i64().unwrap(),
                count["count"].as_i64().unwrap(),
            );
            (text(&count["gender"]), text(&count["age"]), status, number)
        })
        .collect()
}

#[test]
fn a_dose_goes_from_the_venue_to_the_citys_ledger_and_the_nations_count() {
    let (venue, nation) = (program().log_in("venue"), program().log_in("nation"));
    let (city, code) = city();
    // A day on which nobody else in the demonstration was vaccinated.
    let day = "2021-02-20";
    let file = format!(
        "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
         {code},T1,,0900000001,試験 花子,シケン ハナコ,19460503,2,1,,0\r\n\
         {code},T2,,090000000X,試験 次郎,シケン ジロウ,19460503,1,1,,0\r\n"
    );
    let (status, loaded) = city.send(
        "/api/v1/residents?encoding=utf-8",
        "text/csv",
        file.as_bytes(),
    );
    assert_eq!(status, 200, "{loaded}");
    assert_eq!(
        (&loaded["new"], &loaded["rejected"]),
        (&json!(1), &json!(1)),
        "{loaded}"
    );
    assert_eq!(
        (
            &loaded["complaints"][0]["line"],
            &loaded["complaints"][0]["column"]
        ),
        (&json!(3), &json!("券番号"))
    );

    let body = dose(900_001, &coupon(1, 900_000_001), day);
    let (status, receipt) = venue.post("/api/v1/doses", &body);
    assert_eq!(status, 201, "{receipt}");
    assert_eq!(receipt["municipality"], code.as_str());
    let (status, again) = venue.post("/api/v1/doses", &body);
    assert_eq!(
        (status, &again["hash"], &again["replayed"]),
        (200, &receipt["hash"], &json!(true))
    );

    let (_, person) = city.get("/api/v1/persons/0900000001");
    assert_eq!(person["resident"]["name"], "試験 花子");
    assert_eq!(person["records"][0]["id"], receipt["dose"]);
    let (_, found) = city.get("/api/v1/records?text=%E3%81%97%E3%81%91%E3%82%93");
    assert_eq!(
        found["items"][0]["record"]["id"], receipt["dose"],
        "{found}"
    );
    let dose_path = format!("/api/v1/records/{}", receipt["dose"].as_str().unwrap());
    let (_, story) = city.get(&dose_path);
    assert_eq!(story["story"][0]["hash"], receipt["hash"]);

    let counts = counted(&nation);
    assert_eq!(doses_of(&counts, day), [("F".into(), "65-".into(), 1, 1)]);
    let line = format!(
        "{{\"date\":\"{day}\",\"prefecture\":\"13\",\"gender\":\"F\",\"age\":\"65-\",\"medical_worker\":false,\"status\":1,\"count\":1}}\n"
    );
    assert!(open_data("prefecture.ndjson").contains(&line));
    assert!(open_data("summary_by_date.csv").contains("2021-02-20,1,0,0"));

    let undo = json!({ "id": crate::program::id(900_002), "reason": "別人でした" });
    let dose_path = format!(
        "/api/v1/doses/{}/voidings",
        receipt["dose"].as_str().unwrap()
    );
    assert_eq!(venue.post(&dose_path, &undo).0, 201);
    assert_eq!(doses_of(&counted(&nation), day), []);
}

/// The file as a consumer gets it that unpacks it by itself.
fn open_data(name: &str) -> String {
    let url = program().url(&format!("/vaccination/opendata/latest/{name}"));
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .accept_encoding("")
        .build()
        .into();
    let mut answer = agent.get(url).call().unwrap();
    let mut bytes = Vec::new();
    answer
        .body_mut()
        .as_reader()
        .read_to_end(&mut bytes)
        .unwrap();
    if name.ends_with(".ndjson") {
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        assert_eq!(
            answer.headers()["content-type"],
            "application/x-ndjson; charset=UTF-8"
        );
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .unwrap();
        return text;
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_same_id_with_other_content_is_a_conflict_with_the_first_answer() {
    let venue = program().log_in("venue");
    let mut body = dose(900_010, &coupon(1, 900_000_010), "2021-06-01");
    let (_, first) = venue.post("/api/v1/doses", &body);
    body["lot"] = "FA5765".into();
    let (status, problem) = venue.post("/api/v1/doses", &body);
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("id_used_otherwise"))
    );
    assert_eq!(problem["first"]["hash"], first["hash"]);
    assert!(
        problem["ja"]["todo"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert!(
        problem["en"]["todo"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
}

#[test]
fn a_given_dose_is_never_refused_for_what_it_is() {
    let venue = program().log_in("venue");
    for (number, coupon, day, answer, finding) in [
        (
            900_020,
            "211310170000900020",
            "2021-06-01",
            "quarantined",
            "unknown_municipality",
        ),
        (
            900_021,
            "219999970000900021",
            "2021-06-01",
            "quarantined",
            "unknown_municipality",
        ),
        (
            900_022,
            "211310160900000022",
            "2099-01-01",
            "quarantined",
            "future_date",
        ),
        (
            900_023,
            "211310160900000023",
            "2020-01-01",
            "quarantined",
            "before_product",
        ),
        (
            900_024,
            "211310160900000024",
            "2021-06-01",
            "pending",
            "not_registered",
        ),
        (
            900_025,
            "111310160900000025",
            "2021-06-01",
            "pending",
            "not_registered",
        ),
    ] {
        let (status, receipt) = venue.post("/api/v1/doses", &dose(number, coupon, day));
        assert_eq!(
            (status, &receipt["answer"]),
            (201, &json!(answer)),
            "{receipt}"
        );
        let findings = receipt["findings"].as_array().unwrap();
        assert!(
            findings.iter().any(|one| one["code"] == finding),
            "{receipt}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_told_field_by_field() {
    let venue = program().log_in("venue");
    let mut body = dose(900_030, "12345", "2021-02-30");
    body["id"] = "00000000-0000-4000-8000-000000000000".into();
    body["lot"] = "x".repeat(21).into();
    let (status, problem) = venue.post("/api/v1/doses", &body);
    assert_eq!((status, &problem["code"]), (422, &json!("fields_refused")));
    let fields: Vec<_> = problem["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["id", "coupon", "given_on", "lot"]);
}

#[test]
fn a_body_that_is_cut_off_or_of_another_kind_is_told_so() {
    let venue = program().log_in("venue");
    let whole = dose(900_040, &coupon(1, 900_000_040), "2021-06-01").to_string();
    let half = &whole.as_bytes()[..whole.len() / 2];
    let (status, problem) = venue.send("/api/v1/doses", "application/json", half);
    assert_eq!((status, &problem["code"]), (400, &json!("json_cut_off")));
    let (status, problem) = venue.send("/api/v1/doses", "text/plain", whole.as_bytes());
    assert_eq!((status, &problem["code"]), (415, &json!("not_json")));
    // The refusal may overtake the sending, whose rest then finds the door closed; a client that is
    // still writing does not always get to read it.
    let huge = vec![b' '; 1024 * 1024 + 1];
    let answered = (0..20).find_map(|_| {
        venue
            .try_send("/api/v1/doses", "application/json", &huge)
            .ok()
    });
    let (status, problem) = answered.unwrap();
    assert_eq!((status, &problem["code"]), (413, &json!("body_too_large")));
}

#[test]
fn a_file_in_the_wrong_encoding_is_refused_as_a_whole_with_what_to_do() {
    let (city, _) = city();
    let (shift_jis, _, _) =
        encoding_rs::SHIFT_JIS.encode("自治体コード,個別宛名番号\r\n131016,1\r\n");
    let (status, problem) = city.send("/api/v1/residents?encoding=utf-8", "text/csv", &shift_jis);
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("file_refused")),
        "{problem}"
    );
}

#[test]
fn nobody_reaches_what_is_not_theirs() {
    let (venue, nation) = (program().log_in("venue"), program().log_in("nation"));
    for path in [
        "/api/v1/records",
        "/api/v1/persons/0000000001",
        "/api/v1/desk",
        "/api/v1/ledger/entries",
    ] {
        assert_eq!(venue.get(path).0, 403, "{path}");
        assert_eq!(nation.get(path).0, 403, "{path}");
    }
    assert_eq!(
        nation
            .post("/api/v1/doses", &dose(1, &coupon(1, 1), "2021-06-01"))
            .0,
        403
    );
    let url = program().url("/api/v1/records");
    let refused = ureq::get(url).call();
    assert!(matches!(refused, Err(ureq::Error::StatusCode(401))));
}

#[test]
fn an_outsider_recomputes_the_exported_chain() {
    let venue = program().log_in("venue");
    venue.post(
        "/api/v1/doses",
        &dose(900_050, &coupon(1, 900_000_050), "2021-06-01"),
    );
    let exported = run(&[
        "ledger",
        "export",
        "--municipality",
        "131016",
        "--data",
        program().data.to_str().unwrap(),
    ]);
    assert!(exported.status.success());
    let mut prev = "0".repeat(64);
    let mut entries = 0;
    for line in String::from_utf8(exported.stdout).unwrap().lines() {
        use sha2::Digest;
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_eq!(entry["body"]["prev"], prev.as_str());
        prev = hex::encode(sha2::Sha256::digest(entry["body"].to_string()));
        assert_eq!(entry["hash"], prev.as_str());
        entries += 1;
    }
    assert!(entries > 0);
}

/// The sample photos beside the checkout, where there are any.
fn samples() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("SESSHU_COUPON_SAMPLES").map(Into::into);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/coupon-samples");
    named.or_else(|| beside.exists().then_some(beside))
}

#[test]
fn sample_photos_read_over_http_never_give_a_wrong_number() {
    let Some(folder) = samples() else {
        return eprintln!("no sample photos beside the checkout");
    };
    let venue = program().log_in("venue");
    let mut table = std::collections::BTreeMap::<String, [u32; 3]>::new();
    let mut labels = csv::Reader::from_path(folder.join("labels.csv")).unwrap();
    for label in labels.deserialize::<std::collections::HashMap<String, String>>() {
        let label = label.unwrap();
        let photo = std::fs::read(folder.join(&label["file"])).unwrap();
        let (status, reading) = venue.send("/api/v1/coupons/readings", "image/jpeg", &photo);
        assert_eq!(status, 200, "{reading}");
        let column = match reading["digits"].as_str() {
            None => 1,
            Some(digits) if digits == label["digits"] => 0,
            Some(_) => 2,
        };
        table.entry(label["difficulty"].clone()).or_default()[column] += 1;
    }
    println!("difficulty: exact / no / wrong\n{table:#?}");
    assert!(table.values().all(|[_, _, wrong]| *wrong == 0), "{table:?}");
    let [easy, medium] = [table["easy"], table["medium"]];
    assert_eq!(
        (easy[1], medium[1]),
        (0, 0),
        "every easy and medium photo is read"
    );
    assert!(
        table["hard"][0] * 100 >= 80 * table["hard"].iter().sum::<u32>(),
        "{table:?}"
    );
}

#[test]
fn what_is_no_coupon_is_an_honest_no_and_what_is_no_picture_a_problem() {
    let venue = program().log_in("venue");
    let grey = image::GrayImage::from_fn(640, 480, |x, y| image::Luma([((x * y) % 251) as u8]));
    let mut png = std::io::Cursor::new(Vec::new());
    grey.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let (status, reading) = venue.send("/api/v1/coupons/readings", "image/png", png.get_ref());
    assert_eq!((status, &reading["result"]), (200, &json!("no")));
    let half = &png.get_ref()[..png.get_ref().len() / 2];
    let (status, problem) = venue.send("/api/v1/coupons/readings", "image/png", half);
    assert_eq!((status, &problem["code"]), (422, &json!("picture_refused")));
    let (status, problem) = venue.send("/api/v1/coupons/readings", "image/png", b"meow");
    assert_eq!((status, &problem["code"]), (422, &json!("picture_refused")));
}

#[test]
fn a_photo_of_forty_megapixels_is_read() {
    let venue = program().log_in("venue");
    let demo = &program().demo["coupons"][0];
    let coupon = image::open(demo["path"].as_str().unwrap())
        .unwrap()
        .into_luma8();
    let mut sheet = image::GrayImage::from_pixel(7_300, 5_500, image::Luma([235]));
    let wide = 4_000;
    let tall = coupon.height() * wide / coupon.width();
    let coupon =
        image::imageops::resize(&coupon, wide, tall, image::imageops::FilterType::Triangle);
    image::imageops::overlay(&mut sheet, &coupon, 1_500, 1_500);
    let mut jpeg = std::io::Cursor::new(Vec::new());
    sheet.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let (status, reading) = venue.send("/api/v1/coupons/readings", "image/jpeg", jpeg.get_ref());
    assert_eq!(
        (status, &reading["digits"]),
        (200, &demo["digits"]),
        "{reading}"
    );
}
