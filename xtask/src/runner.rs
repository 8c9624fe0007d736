//! Runs one command, shows what it writes as it writes it, and counts the tests in it.

use crate::summary::Tally;
use std::{
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
    process::{Command, Stdio},
    thread,
};

/// Runs `command` to its end and tells whether it succeeded; `tally` gains the tests it reports.
pub fn run(mut command: Command, tally: &mut Tally) -> bool {
    println!("$ {}", spoken(&command));
    if io::stderr().is_terminal() {
        // The command writes into our pipe and would think that nobody looks.
        command.env("CARGO_TERM_COLOR", "always");
    }
    let started = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            eprintln!("{} could not be started: {error}", spoken(&command));
            return false;
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Cargo's test runner sums up on standard output, nextest on standard error: count on both.
    let (out, err) = thread::scope(|scope| {
        let out = scope.spawn(|| {
            stdout
                .map(|pipe| pass_on(pipe, io::stdout()))
                .unwrap_or_default()
        });
        let err = scope.spawn(|| {
            stderr
                .map(|pipe| pass_on(pipe, io::stderr()))
                .unwrap_or_default()
        });
        (
            out.join().unwrap_or_default(),
            err.join().unwrap_or_default(),
        )
    });
    *tally = [*tally, out, err].into_iter().sum();
    child.wait().is_ok_and(|status| status.success())
}

/// Copies line by line as they come, and counts on the way.
fn pass_on(from: impl Read, mut to: impl Write) -> Tally {
    let mut from = BufReader::new(from);
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while from
        .read_until(b'\n', &mut line)
        .is_ok_and(|bytes| bytes > 0)
    {
        // A reader that went away (`| head`) must not stop the counting.
        let _gone = to.write_all(&line).and_then(|()| to.flush());
        if let Some(found) = Tally::in_line(&String::from_utf8_lossy(&line)) {
            tally = [tally, found].into_iter().sum();
        }
        line.clear();
    }
    tally
}

/// The command as a person would type it.
fn spoken(command: &Command) -> String {
    let mut words = vec!["cargo".to_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_through_is_unchanged_and_counted() {
        let text =
            b"running\ntest result: ok. 3 passed; 0 failed; 0 ignored\n\xff\xfe no end of line";
        let mut shown = Vec::new();
        let tally = pass_on(text.as_slice(), &mut shown);
        assert_eq!(shown, text);
        assert_eq!(
            tally,
            Tally {
                passed: 3,
                failed: 0
            }
        );
    }
}
