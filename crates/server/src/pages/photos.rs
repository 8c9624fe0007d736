//! Photographs of coupons, seals and displays: read on threads of their own, few at a time.

use std::sync::LazyLock;

use axum::body::Bytes;
use reader::{DisplayDoubt, DisplayReading, PictureRefusal, Reading};
use tokio::sync::Semaphore;

use crate::web::problem::Problem;

/// Bytes of an uploaded photo with the form around it: a 40-megapixel telephone writes some 20 MB.
pub const PHOTO_BYTES_MAX: usize = 30 << 20;
/// Photos decoded at once at most: a large one takes some hundred megabytes while it is open.
const READ_AT_ONCE_MAX: usize = 4;

/// Reads a photograph; waits for its turn, since a read is all computing.
///
/// # Errors
/// The inner one says why it is no photograph; the outer one is a mistake of ours.
pub async fn read(photo: Bytes) -> Result<Result<Reading, PictureRefusal>, Problem> {
    in_turn(move || reader::read(&photo)).await
}

/// Reads the codes of a vaccine's seal off a photograph, in the same way.
///
/// # Errors
/// As [`read`].
pub async fn read_seals(photo: Bytes) -> Result<Result<Vec<String>, PictureRefusal>, Problem> {
    in_turn(move || reader::read_seals(&photo)).await
}

/// The text of every QR code on a photograph.
///
/// # Errors
/// As [`read`].
pub async fn codes(photo: Bytes) -> Result<Result<Vec<String>, PictureRefusal>, Problem> {
    in_turn(move || Ok(reader::read_qr_texts(&reader::decode_photo(&photo)?))).await
}

/// The number on a photograph of a cooler's display.
///
/// # Errors
/// As [`read`].
pub async fn display(
    photo: Bytes,
) -> Result<Result<Result<DisplayReading, DisplayDoubt>, PictureRefusal>, Problem> {
    in_turn(move || Ok(reader::read_display(&reader::decode_photo(&photo)?))).await
}

async fn in_turn<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Semaphore::new(cores.min(READ_AT_ONCE_MAX))
    });
    let turn = TURNS.acquire().await.map_err(|_| Problem::internal())?;
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        read()
    });
    read.await.map_err(|error| {
        tracing::error!(%error, "photo.not_read");
        Problem::internal()
    })
}
