//! The program is broken on purpose; nothing that was acknowledged may be lost or doubled.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::program::{Program, dose, id, run};

/// Doses sent, and after how many acknowledgements the program is killed.
const SENT: u64 = 1_000;
const KILLED_AFTER: u64 = 400;

#[test]
fn a_kill_in_the_middle_of_a_thousand_writes_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let before = Program::verify(folder.path())["entries"].as_u64().unwrap();
    let client = program.log_in("venue");
    let (next, acknowledged) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let program = Mutex::new(Some(program));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= SENT {
                        return;
                    }
                    let body = dose(
                        number,
                        &format!("21{:016}", 1_310_160_800_000_000 + number),
                        "2021-06-01",
                    );
                    let sent = client.try_send(
                        "/api/v1/doses",
                        "application/json",
                        body.to_string().as_bytes(),
                    );
                    // No answer: the sender does not know, keeps it and sends it again later.
                    let Ok((status, answer)) = sent else { continue };
                    assert_eq!(status, 201, "{answer}");
                    let mut list = acknowledged.lock().unwrap();
                    list.push((number, answer["hash"].clone()));
                    if list.len() as u64 == KILLED_AFTER {
                        program.lock().unwrap().take().unwrap().kill();
                    }
                }
            });
        }
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() as u64 >= KILLED_AFTER && (acknowledged.len() as u64) < SENT);

    Program::verify(folder.path());
    let program = Program::start(folder.path());
    let client = program.log_in("venue");
    for (number, _) in &acknowledged {
        let (status, record) = client.get(&format!("/api/v1/doses/{}", id(*number)));
        assert_eq!(
            status, 200,
            "dose {number} was acknowledged and is gone: {record}"
        );
    }
    for number in 0..SENT {
        let body = dose(
            number,
            &format!("21{:016}", 1_310_160_800_000_000 + number),
            "2021-06-01",
        );
        let (status, answer) = client.post("/api/v1/doses", &body);
        assert!(status == 200 || status == 201, "{answer}");
        let first = acknowledged.iter().find(|one| one.0 == number);
        if let Some((_, hash)) = first {
            assert_eq!(
                (status, &answer["hash"]),
                (200, hash),
                "the first answer comes again"
            );
        }
    }
    program.stop();
    let after = Program::verify(folder.path());
    assert_eq!(
        after["entries"].as_u64().unwrap(),
        before + SENT,
        "none twice"
    );
}

#[test]
fn a_second_server_on_the_same_file_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Program::start(folder.path());
    let second = run(&[
        "demo",
        "--port",
        "0",
        "--data",
        folder.path().to_str().unwrap(),
    ]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("別のSesshu") && said.contains("Another Sesshu"),
        "{said}"
    );
}

/// Room for the files of a demonstration and little more, in blocks of 1,024 bytes of the shell.
const ROOM_KIBIBYTES: u64 = 200;

#[test]
fn a_full_disk_is_told_and_what_was_acknowledged_stays() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path()).stop();
    let before = Program::verify(folder.path())["entries"].as_u64().unwrap();
    // The largest file may grow a little more; the signal that would end the program is ignored.
    let largest = std::fs::read_dir(folder.path()).unwrap();
    let largest = largest
        .map(|file| file.unwrap().metadata().unwrap().len())
        .max()
        .unwrap();
    let mut limited = Command::new("bash");
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$@\"",
        largest / 1024 + ROOM_KIBIBYTES
    );
    limited.args(["-c", &script, "bash", crate::program::binary()]);
    let program = Program::start_by(limited, folder.path());
    let client = program.log_in("venue");
    let (mut acknowledged, mut refused) = (0, 0);
    for number in 0..3_000 {
        let body = dose(
            number,
            &format!("21{:016}", 1_310_160_800_000_000 + number),
            "2021-06-01",
        );
        match client.post("/api/v1/doses", &body) {
            (201, _) => acknowledged += 1,
            (503, problem) => {
                assert_eq!(problem["code"], "storage_unavailable");
                refused += 1;
                if refused == 3 {
                    break;
                }
            }
            (status, answer) => panic!("{status} {answer}"),
        }
    }
    assert!(
        acknowledged > 0 && refused == 3,
        "{acknowledged} acknowledged, {refused} refused"
    );
    let (status, _) = client.get("/api/v1/doses");
    assert_eq!(status, 200, "reading goes on");
    program.kill();
    let after = Program::verify(folder.path());
    assert_eq!(after["entries"].as_u64().unwrap(), before + acknowledged);
}

/// A refusal that is known before the body is read still reaches whoever sends the whole body first, as
/// most programs do; more of it than any buffer on the way holds.
#[test]
fn who_is_refused_while_still_sending_hears_why() {
    const BYTES: usize = 8 << 20;
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let address = program.url("").replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/imports HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: {BYTES}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The refusal is on its way before the first byte of the body.
    std::thread::sleep(std::time::Duration::from_millis(200));
    for piece in vec![b'x'; BYTES].chunks(64 << 10) {
        stream.write_all(piece).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    program.stop();
}
