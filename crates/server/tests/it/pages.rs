//! The venue's way from the settings to the large answer, and what the city's pages hide, as a
//! browser without scripts walks it.

use std::sync::OnceLock;

use crate::program::Program;
use serde_json::{Value, json};

/// One program for all tests of this file; each uses an account and persons of its own.
fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        Program::start(&folder)
    })
}

/// Somebody who is logged in and follows no redirect by itself.
struct Reader {
    agent: ureq::Agent,
    token: String,
}

/// What a page was answered: status, where it sends to, and its text.
struct Answer {
    status: u16,
    location: String,
    text: String,
}

impl Reader {
    fn of(login: &str) -> Self {
        let accounts = program().demo["accounts"].as_array().unwrap();
        let account = accounts.iter().find(|one| one["login"] == login).unwrap();
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let body = json!({ "login": account["login"], "password": account["password"] });
        let url = program().url("/api/v1/sessions");
        let mut answer = agent.post(url).send_json(body).unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        let token = format!("Bearer {}", answer["token"].as_str().unwrap());
        Self { agent, token }
    }

    fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(program().url(path));
        answered(request.header("authorization", &self.token).call().unwrap())
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.agent.post(program().url(path));
        let request = request.header("authorization", &self.token);
        answered(request.send_form(fields.iter().copied()).unwrap())
    }

    fn photo(&self, path: &str, photo: &[u8]) -> Answer {
        let mut body =
            b"--x\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"a\"\r\n\r\n"
                .to_vec();
        body.extend(photo);
        body.extend(b"\r\n--x--\r\n");
        let request = self.agent.post(program().url(path));
        let request = request.header("authorization", &self.token);
        let request = request.header("content-type", "multipart/form-data; boundary=x");
        answered(request.send(&body[..]).unwrap())
    }

    /// Sets the day with a vaccine that is in use on it.
    fn set_day(&self, lot: &str) {
        let day = "2021-07-01";
        let set = self.form(
            "/venue/settings",
            &[
                ("given_on", day),
                ("other_day", "on"),
                ("venue_name", "試験会場"),
                ("doctor", "試験 医師"),
                ("product", "comirnaty_12_mono"),
                ("lot", lot),
            ],
        );
        assert_eq!(set.location, "/venue/read?notice=settings", "{}", set.text);
    }
}

fn answered(mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let location = answer.headers().get("location");
    Answer {
        status: answer.status().as_u16(),
        location: location.map_or("", |to| to.to_str().unwrap()).to_owned(),
        text: answer.body_mut().read_to_string().unwrap(),
    }
}

/// The value of a hidden field.
fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let front = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(front.as_str()).unwrap();
    rest.split('"').next().unwrap()
}

fn coupon(front: &str) -> (String, Vec<u8>) {
    let coupons = program().demo["coupons"].as_array().unwrap();
    let named = |one: &&Value| {
        one["path"]
            .as_str()
            .unwrap()
            .contains(&format!("/{front}-"))
    };
    let one = coupons.iter().find(named).unwrap();
    let photo = std::fs::read(one["path"].as_str().unwrap()).unwrap();
    (one["digits"].as_str().unwrap().to_owned(), photo)
}

#[test]
fn a_venue_walks_from_the_settings_to_the_answer_and_twice_is_once() {
    let nurse = Reader::of("kanda");
    assert_eq!(nurse.get("/venue/read").location, "/venue/settings");
    nurse.set_day("fd1234");
    assert!(nurse.get("/venue/read").text.contains("FD1234"));

    let line = "2 1 131016 0900000001";
    let checked = nurse.form("/venue/check", &[("line", line), ("way", "keyed")]);
    assert_eq!(checked.status, 200);
    assert!(
        checked.text.contains("name=\"compared\""),
        "one reading alone is compared by a person"
    );
    let (dose, set_at) = (hidden(&checked.text, "id"), hidden(&checked.text, "set_at"));
    let fields = |line| {
        [
            ("id", dose),
            ("line", line),
            ("way", "keyed"),
            ("proof", "alone"),
            ("set_at", set_at),
        ]
    };
    let digits = "211310160900000001";
    assert_eq!(nurse.form("/venue/register", &fields(digits)).status, 422);

    let compared = |line| [&fields(line)[..], &[("compared", "on")]].concat();
    let first = nurse.form("/venue/register", &compared(digits));
    assert_eq!(
        (first.status, first.location.as_str()),
        (303, format!("/venue/result/{dose}").as_str())
    );
    let again = nurse.form("/venue/register", &compared(digits));
    assert_eq!((again.status, &again.location), (303, &first.location));
    let other = nurse.form("/venue/register", &compared("211310160900000002"));
    assert_eq!(other.status, 409);

    assert!(nurse.get(&first.location).text.contains("登録待ち"));
    assert!(
        !nurse.get("/venue/read").text.contains("0900000001"),
        "nothing is left of the person before"
    );
    let today = nurse.get("/venue/today").text;
    assert_eq!(
        today.matches("2 1 131016 0900000001").count(),
        2,
        "once, and in the name of its button"
    );

    let at = format!("/venue/records/{dose}/void");
    let void = crate::program::id(77).to_string();
    assert_eq!(
        nurse
            .form(&at, &[("id", &void), ("reason", "other")])
            .status,
        422,
        "other reasons need words"
    );
    let voided = nurse.form(&at, &[("id", &void), ("reason", "misread")]);
    assert_eq!(voided.location, "/venue/today?notice=voided");
}

#[test]
fn a_photo_with_two_codes_needs_no_second_look_and_a_cat_is_no_coupon() {
    let nurse = Reader::of("minato-byoin");
    nurse.set_day("fd1234");
    let (digits, photo) = coupon("01");
    let checked = nurse.photo("/venue/photo", &photo);
    assert_eq!(
        (checked.status, hidden(&checked.text, "line")),
        (200, digits.as_str())
    );
    assert_eq!(hidden(&checked.text, "proof"), "codes");
    assert!(!checked.text.contains("name=\"compared\""));
    assert!(checked.text.contains("src=\"data:image/png;base64,"));

    let refused = nurse.photo("/venue/photo", b"a cat");
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("JPEG、PNG、WebP"), "says what to do");
}

#[test]
fn digits_typed_wrongly_say_what_to_do_and_stay_to_be_mended() {
    let nurse = Reader::of("sapporo-byoin");
    nurse.set_day("fd1234");
    for (typed, told) in [
        ("211310170900000001", "自治体コードが正しくありません"),
        ("0900000001", "二次元コードを読み取るか"),
        ("21131016", "数字が8桁です"),
        ("2113101609O0000001", "11文字目が数字ではありません"),
    ] {
        let refused = nurse.form("/venue/check", &[("line", typed)]);
        assert_eq!(refused.status, 422, "{typed}");
        assert!(refused.text.contains(told), "{typed}");
        assert!(
            refused.text.contains(&format!("value=\"{typed}\"")),
            "{typed}"
        );
    }
    let differ = [
        ("line", "211310160900000001"),
        ("again", "211310160900000007"),
    ];
    assert!(
        nurse
            .form("/venue/check", &differ)
            .text
            .contains("2回の入力が一致しません")
    );
}

#[test]
fn settings_of_another_day_or_with_an_old_vaccine_are_asked_about() {
    let nurse = Reader::of("osaka-kaijo");
    let fields = [
        ("given_on", "2021-07-01"),
        ("venue_name", "試験会場"),
        ("doctor", ""),
        ("product", "comirnaty_xbb15"),
        ("lot", "A1"),
    ];
    let refused = nurse.form("/venue/settings", &fields);
    assert_eq!(refused.status, 422);
    for told in [
        "接種日が本日ではありません。正しければ",
        "この接種日に使われていたワクチンではありません",
        "doctor-error",
    ] {
        assert!(refused.text.contains(told), "{told}");
    }
    assert_eq!(nurse.get("/venue/read").location, "/venue/settings");
}

/// The page of an import once nothing is at work on it.
fn settled(clerk: &Reader, page: &str) -> String {
    let begun = std::time::Instant::now();
    loop {
        let shown = clerk.get(page).text;
        if !shown.contains("id=\"progress\"") {
            return shown;
        }
        assert!(begun.elapsed().as_secs() < 60, "the import does not end");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn a_protected_person_is_opened_by_a_second_step_and_a_bad_file_is_told_why() {
    let clerk = Reader::of("chiyoda");
    let file = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
                131016,P1,,0900000009,守秘 花子,シュヒ ハナコ,19460503,2,1,,1\r\n\
                131016,P2,,12345,桁 不足,ケタ フソク,19460503,2,1,,0\r\n";
    let load = |bytes: &[u8]| {
        let mut body = b"--x\r\ncontent-disposition: form-data; name=\"encoding\"\r\n\r\nutf-8\r\n\
                         --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"r.csv\"\r\n\r\n"
            .to_vec();
        body.extend(bytes);
        body.extend(b"\r\n--x--\r\n");
        let request = clerk.agent.post(program().url("/city/residents/load"));
        let request = request.header("authorization", &clerk.token);
        let request = request.header("content-type", "multipart/form-data; boundary=x");
        answered(request.send(&body[..]).unwrap())
    };
    // The file is looked through beside: its page tells when that is over.
    let looked_through = |bytes: &[u8]| {
        let page = load(bytes).location;
        assert!(page.starts_with("/city/imports/"), "{page}");
        let shown = settled(&clerk, &page);
        (page, shown)
    };
    let (page, shown) = looked_through(file.as_bytes());
    assert!(shown.contains("券番号") && shown.contains("10桁で入力してください"));
    let saved = clerk.get(&format!("{page}/remarks.csv")).text;
    assert!(
        saved.contains("行番号,結果コード,項目名,メッセージ\r\n3,"),
        "{saved}"
    );
    let path = "/city/people/0900000009";
    assert_eq!(
        clerk.get(path).status,
        404,
        "nothing changes before somebody approves"
    );
    let approved = clerk.form(&format!("{page}/approve"), &[]);
    assert_eq!(approved.status, 303);
    assert!(settled(&clerk, &page).contains("この登録を取り消す"));
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode(file);
    let (_, refused) = looked_through(&shift_jis);
    assert!(
        refused.contains("「Shift_JIS」を選んで"),
        "the wrong encoding is named"
    );
    assert_eq!(load(b"").status, 422);

    let closed = clerk.get(path).text;
    assert!(!closed.contains("守秘") && closed.contains("支援措置"));
    let without_purpose = clerk.get(&format!("{path}?open=yes")).text;
    assert!(!without_purpose.contains("守秘"));
    let open = clerk.get(&format!("{path}?open=yes&purpose=inquiry")).text;
    assert!(open.contains("守秘 花子") && open.contains("この閲覧は記録されました"));
}
