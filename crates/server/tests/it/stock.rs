//! The books of the stock, with the program killed in the middle of a storm of operations: every identity
//! holds, and nothing that was sent again is booked twice.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::program::{Client, Program, dose, id, run};

/// Operations sent, and after how many answers the program is killed.
const SENT: u64 = 600;
const KILLED_AFTER: u64 = 250;
const FORM: &str = "application/x-www-form-urlencoded";
/// A lot of the demonstration that every venue has, and its product.
const LOT: &str = "FL4205";
const PRODUCT: &str = "comirnaty_lp81";

fn prove(program_data: &std::path::Path) -> Value {
    let output = run(&["stock", "prove", "--data", program_data.to_str().unwrap()]);
    let proof: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{proof}");
    assert_eq!(proof["holds"], true, "{proof}");
    proof
}

/// What the `number`th operation sends, the same each time: doses, losses, discards, thaws, transfers,
/// deliveries.
fn send(venue: &Client, wholesaler: &Client, facility: &str, number: u64) -> Option<u16> {
    let act = id(1_000_000 + number);
    let base = format!("act={act}&product={PRODUCT}&lot={LOT}&shelf=frozen&vials=1");
    let form = |client: &Client, path: &str, body: &str| {
        let sent = client.try_send(path, FORM, body.as_bytes());
        sent.ok().map(|(status, _)| status)
    };
    match number % 6 {
        0 => {
            let digits = format!("21{:016}", 1_310_160_700_000_000 + number);
            let body = dose(number, &digits, "2021-06-01").to_string();
            let sent = venue.try_send("/api/v1/doses", "application/json", body.as_bytes());
            sent.ok().map(|(status, _)| status)
        }
        1 => form(
            venue,
            "/venue/stock/lot",
            &format!("{base}&doing=lose&note=lost"),
        ),
        2 => form(
            venue,
            "/venue/stock/lot",
            &format!("{base}&doing=discard&waste=temperature"),
        ),
        3 => form(
            venue,
            "/venue/stock/lot",
            &format!("{base}&doing=thaw&began=2021-06-01T09:00"),
        ),
        4 => form(
            venue,
            "/venue/stock/transfers",
            &format!("{base}&facility={facility}"),
        ),
        _ => {
            let day = "2021-06-01";
            let body = format!(
                "slip=S-{number}&facility={facility}&product={PRODUCT}&lot={LOT}&expires=2099-12-31&vials=7&delivered_on={day}&temperature=kept"
            );
            form(wholesaler, "/deliveries", &body)
        }
    }
}

#[test]
fn a_kill_in_the_middle_of_a_storm_leaves_books_that_are_proven_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let before = prove(folder.path());
    let facility = another_venue(&program);
    let (venue, wholesaler) = (program.log_in("venue"), program.log_in("wholesaler"));
    let (next, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    let program = Mutex::new(Some(program));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= SENT {
                        return;
                    }
                    let Some(status) = send(&venue, &wholesaler, &facility, number) else {
                        continue;
                    };
                    assert!(matches!(status, 200..=399), "{number}: {status}");
                    if answered.fetch_add(1, Ordering::SeqCst) + 1 == KILLED_AFTER {
                        program.lock().unwrap().take().unwrap().kill();
                    }
                }
            });
        }
    });
    assert!(answered.into_inner() < SENT, "the kill came in the middle");
    prove(folder.path());

    let program = Program::start(folder.path());
    let (venue, wholesaler) = (program.log_in("venue"), program.log_in("wholesaler"));
    for _ in 0..2 {
        for number in 0..SENT {
            let status = send(&venue, &wholesaler, &facility, number).unwrap();
            assert!(matches!(status, 200..=399), "{number}: {status}");
        }
    }
    // Until the doses are booked, too.
    let settled = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let proof = prove(folder.path());
        proof["lag"] == 0 && proof["unsettled"] == 0
    });
    assert!(settled);
    program.stop();
    let after = prove(folder.path());
    let more = |what: &str| {
        let of = |proof: &Value| proof["nation"][what].as_i64().unwrap();
        of(&after) - of(&before)
    };
    let each = i64::try_from(SENT / 6).unwrap();
    assert_eq!(more("lost"), each, "{after}");
    assert_eq!(more("discarded"), each);
    assert_eq!(more("shipped"), 7 * each);
    // Claimed by one side alone: on the work list of the other, and in the books.
    assert_eq!(more("in_transfer"), -each);
    Program::verify(folder.path());
}

/// The code of a venue that is not the one that works here.
fn another_venue(program: &Program) -> String {
    let nation = program.log_in("nation");
    let (status, text) = nation.page(&format!("/lots/recall?lot={LOT}"));
    assert_eq!(status, 200);
    let codes = text
        .split("<td class=\"digits\">")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .filter(|code| code.starts_with("01"));
    codes.last().unwrap().to_owned()
}

#[test]
fn a_recall_without_a_button_tells_where_every_vial_is() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let data = folder.path().to_str().unwrap();
    let output = run(&["recall", "--lot", LOT, "--dry-run", "--data", data]);
    assert!(output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["dry_run"], true);
    // At each of five venues 20 on hand and 20 on the way.
    assert_eq!(told["vials_to_stop"], 200, "{told}");
    let refused = run(&["recall", "--lot", LOT, "--data", data]);
    assert!(!refused.status.success());
    program.stop();
}
