//! `sesshu rules`: examples run, and people asked about line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::program::{binary, run};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/schedules")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Asks on standard input and reads one answer for each line.
fn forecast(arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let mut child = Command::new(binary())
        .args(["rules", "forecast"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_built_in_example_holds_and_is_listed() {
    let output = run(&["rules", "check"]);
    let told = text(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("ok   covid19/20-primary.toml:"), "{told}");
    let count = told.lines().filter(|line| line.starts_with("ok")).count();
    assert!(count > 100);
    assert_eq!(
        told.lines().last().unwrap(),
        format!("例{count}件、一致しないもの0件 / {count} examples, 0 failed")
    );
}

#[test]
fn a_folder_gives_what_is_built_in() {
    let folder = data();
    let output = run(&["rules", "check", "--rules", folder.to_str().unwrap()]);
    assert_eq!(text(&output), text(&run(&["rules", "check"])));
}

#[test]
fn an_example_that_fails_is_told_and_ends_in_failure() {
    let folder = tempfile::tempdir().unwrap();
    let original = std::fs::read_to_string(data().join("elderly/10-influenza.toml")).unwrap();
    let example = "\n[[example]]\nid = \"wrong\"\nsays = \"Wrong on purpose.\"\nbirth = \"1950-01-15\"\n\
        on = \"2023-11-15\"\nnext = [\"influenza; complete\"]\n";
    // The examples of other vaccines do not belong to a folder without them.
    let alone = original.split("[[example]]\nid = \"influenza_and_covid_on_one_day\"");
    let file = format!("{}{example}", alone.clone().next().unwrap());
    std::fs::write(folder.path().join("rules.toml"), file).unwrap();
    let output = run(&["rules", "check", "--rules", folder.path().to_str().unwrap()]);
    let told = text(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("FAIL rules.toml:"), "{told}");
    assert!(told.contains("expected \"influenza; complete\""), "{told}");
    assert!(
        told.contains("got      \"influenza; due; influenza_elderly 1; from 2023-10-01"),
        "{told}"
    );
    assert!(told.contains("6 examples, 1 failed"), "{told}");
}

#[test]
fn a_file_that_is_wrong_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("rules.toml"),
        "[file]\nage_reached = \"noon\"\n",
    )
    .unwrap();
    let output = run(&["rules", "check", "--rules", folder.path().to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("rules.toml:2:"), "{told}");
    let empty = tempfile::tempdir().unwrap();
    let output = run(&["rules", "check", "--rules", empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_person_is_answered_with_verdicts_and_what_is_next() {
    let person = json!({
        "id": 7,
        "birth_date": "1950-01-01",
        "sex": "F",
        "evaluation_date": "2021-07-01",
        "series": ["covid19"],
        "doses": [
            {"cvx": "208", "date": "2021-06-03"},
            {"product": "comirnaty_12_mono", "date": "2021-06-21"},
        ],
    });
    let answers = forecast(&[], format!("{person}\n").as_bytes());
    let answer = &answers[0];
    assert_eq!((&answer["line"], &answer["id"]), (&json!(1), &json!(7)));
    assert_eq!(answer["doses"][0]["parts"][0]["programme"], "primary");
    assert_eq!(answer["doses"][0]["findings"], json!([]));
    let finding = &answer["doses"][1]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["severity"], &finding["day"]),
        (&json!("too_soon"), &json!("warn"), &json!("2021-06-22"))
    );
    for words in ["ja", "en", "todo_ja", "todo_en"] {
        assert!(!finding[words].as_str().unwrap().is_empty(), "{finding}");
    }
    assert!(finding["en"].as_str().unwrap().contains("2021-06-22"));
    let next = &answer["next"][0];
    assert_eq!(answer["next"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&next["status"], &next["programme"], &next["earliest"]),
        (&json!("later"), &json!("booster_1"), &json!("2022-02-01"))
    );
}

#[test]
fn risk_flags_sex_and_external_doses_are_read() {
    let mut lines = String::new();
    for flags in [json!([]), json!(["risk", "left_handed"])] {
        let person = json!({
            "birth_date": "1982-06-02", "sex": "male", "evaluation_date": "2022-07-01",
            "series": ["covid19"], "risk_flags": flags,
            "doses": [
                {"cvx": 213, "date": "2021-05-01", "external": "abroad"},
                {"cvx": 213, "date": "2021-05-02", "external": true},
                {"product": "spikevax_mono", "date": "2022-01-22"},
            ],
        });
        lines.push_str(&format!("{person}\n"));
    }
    let answers = forecast(&["--rules", data().to_str().unwrap()], lines.as_bytes());
    let next = |at: usize| &answers[at]["next"][0]["programme"];
    assert_eq!(
        (next(0), next(1)),
        (&json!("autumn_2022"), &json!("booster_2"))
    );
    assert_eq!(answers[0]["doses"][1]["findings"][0]["code"], "external");
    assert_eq!(answers[1]["unknown_flags"], json!(["left_handed"]));
}

#[test]
fn a_bad_line_is_told_and_stops_nothing() {
    let good = r#"{"birth_date":"1950-01-01","evaluation_date":"2021-07-01","doses":[]}"#;
    let mut input = Vec::new();
    for line in [
        good,
        "{",
        r#"{"birth_date":"1950-13-01","evaluation_date":"2021-07-01"}"#,
        r#"{"birth_date":"1950-01-01","evaluation_date":"2021-07-01","sex":"x"}"#,
        r#"{"birth_date":"1950-01-01","evaluation_date":"2021-07-01","doses":[{"date":"2021-06-01"}]}"#,
        r#"{"birth_date":"1950-01-01"}"#,
        "",
        r#"{"birth_date":"1950-01-01","evaluation_date":"2021-07-01","doses":[{"product":"tea","date":"2021-06-01"}]}"#,
    ] {
        input.extend_from_slice(line.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(b"\xff\xfe\0\n");
    input.extend(std::iter::repeat_n(b' ', 3 * 1024 * 1024));
    input.push(b'\n');
    // The last line may lack its end.
    input.extend_from_slice(good.as_bytes());
    let answers = forecast(&[], &input);
    let told: Vec<(u64, Option<&str>)> = answers
        .iter()
        .map(|one| (one["line"].as_u64().unwrap(), one["error"]["code"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, None),
            (2, Some("not_json")),
            (3, Some("not_possible")),
            (4, Some("not_possible")),
            (5, Some("not_possible")),
            (6, Some("not_json")),
            (8, None),
            (9, Some("not_utf8")),
            (10, Some("line_too_long")),
            (11, None),
        ]
    );
    assert_eq!(
        answers[6]["doses"][0]["findings"][0]["code"],
        "product_unknown"
    );
    assert_eq!(answers[2]["error"]["field"], "birth_date");
}

#[test]
fn an_answer_comes_before_the_next_question() {
    let mut child = Command::new(binary())
        .args(["rules", "forecast", "--input", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    for year in [1950, 1960, 1970] {
        writeln!(
            stdin,
            r#"{{"birth_date":"{year}-01-01","evaluation_date":"2021-07-01"}}"#
        )
        .unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert!(line.starts_with("{\"line\":"), "{line}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn memory_does_not_grow_with_the_input() {
    let line = r#"{"birth_date":"1950-01-01","evaluation_date":"2021-07-01","series":["covid19"],"doses":[{"cvx":"208","date":"2021-06-03"}]}"#;
    let mut child = Command::new(binary())
        .args(["rules", "forecast"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut resident_after = |count: usize| {
        for _ in 0..count {
            writeln!(stdin, "{line}").unwrap();
            answers.next().unwrap().unwrap();
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let resident = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap();
        let kib = resident.split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap()
    };
    let (few, many) = (resident_after(200), resident_after(4_000));
    drop(stdin);
    child.wait().unwrap();
    assert!(many < few + 2_048, "{few} KiB, then {many} KiB");
}
