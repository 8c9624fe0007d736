//! The clock and the randomness of the running program. Everywhere else they are handed in.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::calendar::Instant;
use store::recorder::Outside;
use uuid::Uuid;

/// The machine's clock and the operating system's randomness.
///
/// # Errors
/// If the operating system has no randomness to give; then nothing may be made that must not be guessed.
pub fn outside() -> Result<Outside, getrandom::Error> {
    // Asked once here, so that a machine without randomness is refused at the start.
    getrandom::fill(&mut [0; 16])?;
    Ok(Outside {
        now: Arc::new(now),
        salt: Arc::new(salt),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the clock is read"
)]
fn now() -> Instant {
    // Before 1970 the clock is wrong, and 1970 shows it as well as any other day.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[expect(
    clippy::panic,
    reason = "a salt that could be guessed would break promises; `outside` asked before"
)]
fn salt() -> [u8; 16] {
    let mut bytes = [0; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system has stopped giving randomness: {error}");
    }
    bytes
}

/// An id in order of time (UUID version 7).
#[must_use]
pub fn fresh_id(outside: &Outside) -> Uuid {
    let millis = u64::try_from((outside.now)().micros() / 1_000).unwrap_or_default();
    let salt = (outside.salt)();
    let mut random = [0; 10];
    random
        .iter_mut()
        .zip(salt)
        .for_each(|(to, from)| *to = from);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
