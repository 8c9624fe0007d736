//! Files of records into the ledger and out of it, as another program and an operator have them: cut
//! off in the middle, taken in once, written in both encodings, and undone.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::program::{Client, Program, run};

/// Doses in the file: some stretches of the work.
const DOSES: u64 = 3_000;
/// How long a stage may take, with the half minute for which a dead server's work is left alone.
const STAGE_ENDS: Duration = Duration::from_secs(120);

/// Doses of people who are not in the register, and one line that is no good.
fn file(doses: u64) -> String {
    let mut file = String::from(
        "自治体コード,券番号,券種,回数,接種日,会場名,会場コード,医師名,メーカー,製品コード,ロット,接種量,取消区分\r\n",
    );
    for n in 1..=doses {
        file.push_str(&format!(
            "131016,{:010},2,1,20210612,𠮷祥寺会場,,髙橋 一郎,ファイザー,,EY0573,30,0\r\n",
            6_000_000_000 + n
        ));
    }
    file.push_str("131016,6000000001,2,1,20210631,,,,,,,,0\r\n");
    file
}

fn import(city: &Client, id: Uuid) -> Value {
    let (status, import) = city.get(&format!("/api/v1/imports/{id}"));
    assert_eq!(status, 200, "{import}");
    import
}

/// The import once its state is this one.
fn at(city: &Client, id: Uuid, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let import = import(city, id);
        if import["state"] == state {
            return import;
        }
        assert!(begun.elapsed() < STAGE_ENDS, "{import}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn decide(city: &Client, id: Uuid, what: &str) -> (u16, Value) {
    city.post(&format!("/api/v1/imports/{id}/{what}"), &json!({}))
}

fn exported(data: &Path, encoding: &str) -> (Vec<u8>, Value) {
    let output = run(&[
        "export",
        "pending",
        "--municipality",
        "131016",
        "--encoding",
        encoding,
        "--data",
        data.to_str().unwrap(),
    ]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let last = told.lines().last().unwrap();
    (output.stdout, serde_json::from_str(last).unwrap())
}

fn lines_of(file: &[u8]) -> usize {
    let ours = b",6000";
    file.windows(ours.len())
        .filter(|piece| *piece == ours)
        .count()
}

#[test]
fn a_file_of_records_survives_a_restart_goes_out_again_and_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let city = program.log_in("city");
    let id = crate::program::id(9_000);
    let path = format!("/api/v1/imports?kind=records&name=paper.csv&id={id}");
    let file = file(DOSES);
    let (status, handed_in) = city.send(&path, "text/csv", file.as_bytes());
    assert_eq!((status, &handed_in["kind"]), (201, &json!("records")));
    let (status, _) = city.send(&path, "text/csv", file.as_bytes());
    assert_eq!(status, 200, "sent again, it is the same import");

    let ready = at(&city, id, "ready");
    assert_eq!(ready["found"]["new"], DOSES);
    assert_eq!(ready["found"]["pending"], DOSES);
    assert_eq!(ready["found"]["rejected"], 1);
    let (_, remarks) = city.get(&format!("/api/v1/imports/{id}/remarks"));
    assert_eq!(remarks["items"][0]["line"], DOSES + 2);
    assert_eq!(remarks["items"][0]["code"], "not-a-day");
    let venue = program.log_in("venue");
    assert_eq!(venue.get(&format!("/api/v1/imports/{id}")).0, 403);

    assert_eq!(decide(&city, id, "approvals").0, 200);
    let (status, late) = decide(&city, id, "approvals");
    assert_eq!((status, &late["code"]), (409, &json!("import_too_late")));
    while import(&city, id)["done"]["new"] == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    program.kill();
    let program = Program::start(folder.path());
    let city = program.log_in("city");
    let done = at(&city, id, "done");
    assert_eq!(done["done"]["new"], DOSES, "each once: {done}");
    Program::verify(folder.path());

    let (utf_8, told) = exported(folder.path(), "utf-8");
    assert_eq!(
        (lines_of(&utf_8) as u64, &told["altered"]),
        (DOSES, &json!(0))
    );
    let text = String::from_utf8(utf_8).unwrap();
    assert!(text.contains(",20210612,6000000001,131016,𠮷祥寺会場,髙橋 一郎,ファイザー,EY0573,"));
    let (shift_jis, told) = exported(folder.path(), "shift_jis");
    assert_eq!(lines_of(&shift_jis) as u64, DOSES);
    assert!(told["altered"].as_u64() >= Some(DOSES), "{told}");
    let (text, _, _) = encoding_rs::SHIFT_JIS.decode(&shift_jis);
    assert!(text.contains("〓祥寺会場,髙橋 一郎"));

    assert_eq!(decide(&city, id, "undoings").0, 200);
    let undone = at(&city, id, "undone");
    assert_eq!(undone["done"]["put_back"], DOSES);
    assert_eq!(lines_of(&exported(folder.path(), "utf-8").0), 0);
    Program::verify(folder.path());
    program.stop();
}

#[test]
fn the_command_line_takes_records_in_once_and_a_dry_run_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path()).stop();
    let paper = folder.path().join("paper.csv");
    std::fs::write(&paper, file(20)).unwrap();
    let import = |more: &[&str]| {
        let mut arguments = vec!["import", "records", paper.to_str().unwrap()];
        arguments.extend(["--municipality", "131016"]);
        arguments.extend(["--data", folder.path().to_str().unwrap()]);
        arguments.extend(more);
        let output = run(&arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let complaints = folder.path().join("complaints.csv");
    let dry = import(&["--dry-run", "--complaints", complaints.to_str().unwrap()]);
    assert_eq!(
        (&dry["found"]["new"], &dry["done"]["new"]),
        (&json!(20), &json!(0))
    );
    let written = std::fs::read_to_string(&complaints).unwrap();
    assert!(written.contains("\r\n22,not-a-day,"), "{written}");
    assert_eq!(lines_of(&exported(folder.path(), "utf-8").0), 0);
    assert_eq!(import(&[])["done"]["new"], 20);
    let again = import(&[]);
    assert_eq!(again["done"]["new"], 0);
    assert_eq!(again["done"]["unchanged"], 20);
    assert_eq!(lines_of(&exported(folder.path(), "utf-8").0), 20);
    Program::verify(folder.path());
}
