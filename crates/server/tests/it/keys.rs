//! The keys of Individual Numbers as an operator has them: made, changed beside a running server,
//! cut off in the middle, and the numbers nowhere to be read.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use domain::people::MyNumber;
use serde_json::{Value, json};

use crate::program::{Client, Program, binary, run};

/// People with numbers in the file that is loaded.
const PEOPLE: u64 = 3_000;

/// The `n`th number, with its check digit.
fn my_number(n: u64) -> String {
    let fits = |digits: &String| MyNumber::parse(digits).is_ok();
    let ends = (0..10).map(|check| format!("{:011}{check}", 98_320_560_000 + n));
    ends.into_iter().find(fits).unwrap()
}

fn file(people: u64) -> String {
    let mut file = String::from(
        "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n",
    );
    for n in 1..=people {
        file.push_str(&format!(
            "131016,K{n:06},{},{:010},鍵 {n}子,カギ コ,19460503,2,1,,0\r\n",
            my_number(n),
            7_000_000_000 + n
        ));
    }
    file
}

fn load(city: &Client, file: &str) -> Value {
    let (status, loaded) = city.send(
        "/api/v1/residents?encoding=utf-8",
        "text/csv",
        file.as_bytes(),
    );
    assert_eq!(status, 200, "{loaded}");
    loaded
}

fn keys(data: &Path, arguments: &[&str]) -> (bool, String, String) {
    let mut all = vec!["keys"];
    all.extend(arguments);
    all.extend(["--data", data.to_str().unwrap()]);
    let output = run(&all);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn check(data: &Path) -> Value {
    let (holds, told, complaint) = keys(data, &["check"]);
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{complaint}"));
    assert_eq!(told["holds"], holds, "{told}");
    told
}

fn assert_no_number_in(folder: &Path) {
    let mut found_a_person = false;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_database = path.to_string_lossy().contains("sesshu.db");
        if !is_database {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for piece in bytes.split(|byte| !byte.is_ascii_digit()) {
            found_a_person |= piece.windows(10).any(|digits| digits == b"7000000001");
            for digits in piece.windows(12) {
                let digits = std::str::from_utf8(digits).unwrap();
                assert!(!digits.starts_with("983205"), "a number stands in {path:?}");
            }
        }
    }
    assert!(found_a_person, "the search finds what is there");
}

#[test]
fn numbers_are_sealed_and_their_keys_change_beside_the_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let program = Program::start(&data);
    let key_file = data.join("individual-number-keys");
    let mode = std::fs::metadata(&key_file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let city = program.log_in("city");
    let file = file(PEOPLE);
    let loaded = load(&city, &file);
    let counts = |loaded: &Value| {
        ["new", "numbers_sealed", "numbers_dropped"].map(|name| loaded[name].as_u64().unwrap())
    };
    assert_eq!(counts(&loaded), [PEOPLE, PEOPLE, 0], "{loaded}");
    assert_eq!(counts(&load(&city, &file)), [0, PEOPLE, 0]);
    let (status, person) = city.get("/api/v1/persons/7000000001");
    assert_eq!(
        (status, &person["resident"]["name"]),
        (200, &json!("鍵 1子"))
    );
    assert!(!person.to_string().contains("983205"), "{person}");
    assert_no_number_in(&data);
    let first = check(&data);
    assert_eq!(
        (&first["numbers"], &first["unopened"]),
        (&json!(PEOPLE), &json!(0))
    );

    // A new key, while the server runs: it goes on with the new one, without a restart.
    let (done, _, complaint) = keys(&data, &["rotate"]);
    assert!(done, "{complaint}");
    assert_eq!(counts(&load(&city, &file)), [0, PEOPLE, 0]);
    let uses = |told: &Value| -> Vec<u64> {
        let keys = told["keys"].as_array().unwrap().iter();
        let mut wraps: Vec<_> = keys.map(|key| key["wraps"].as_u64().unwrap()).collect();
        wraps.sort_unstable();
        wraps
    };
    // The city's data key and the secret of lookups are under the new one; the first wraps nothing.
    assert_eq!(uses(&check(&data)), [0, 2]);

    // Killed at any moment, it leaves everything readable, and goes on.
    let mut rotating = Command::new(binary())
        .args(["keys", "rotate", "--reseal", "--data"])
        .arg(&data)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(120));
    rotating.kill().unwrap();
    rotating.wait().unwrap();
    let cut = check(&data);
    assert_eq!(
        (&cut["numbers"], &cut["unopened"]),
        (&json!(PEOPLE), &json!(0))
    );
    let (done, _, complaint) = keys(&data, &["rotate", "--reseal", "--resume"]);
    assert!(done && complaint.contains("Done"), "{complaint}");
    let last = check(&data);
    assert_eq!(
        (&last["numbers"], &last["data_keys"]),
        (&json!(PEOPLE), &json!(1))
    );
    assert_eq!(counts(&load(&city, &file)), [0, PEOPLE, 0]);
    assert_no_number_in(&data);

    // Without the key file the import is refused as a whole, and says so; put back, it goes on.
    let kept = data.join("kept");
    std::fs::rename(&key_file, &kept).unwrap();
    let (status, problem) = city.send("/api/v1/residents", "text/csv", file.as_bytes());
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("numbers_sealed_off")),
        "{problem}"
    );
    let (done, _, complaint) = keys(&data, &["check"]);
    assert!(!done && complaint.contains("cannot be read"), "{complaint}");
    std::fs::rename(&kept, &key_file).unwrap();
    assert_eq!(counts(&load(&city, &file)), [0, PEOPLE, 0]);
    program.stop();
    Program::verify(&data);
}

#[test]
fn a_new_key_file_is_never_written_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let make = || run(&["keys", "new", path.to_str().unwrap()]);
    let made = make();
    assert!(made.status.success() && made.stdout.is_empty());
    let text = std::fs::read_to_string(&path).unwrap();
    let again = make();
    assert!(!again.status.success());
    let complaint = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(complaint.contains("not overwritten"), "{complaint}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let printed = run(&["keys", "new", "--print"]);
    let line = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(
        line.trim().split(' ').map(str::len).collect::<Vec<_>>(),
        [17, 64]
    );
    assert!(!run(&["keys", "new"]).status.success());
}
