//! Photographs of coupons: read on threads of their own, few at a time.

use std::sync::LazyLock;

use axum::body::Bytes;
use reader::{PictureRefusal, Reading};
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
    static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Semaphore::new(cores.min(READ_AT_ONCE_MAX))
    });
    let turn = TURNS.acquire().await.map_err(|_| Problem::internal())?;
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        reader::read(&photo)
    });
    read.await.map_err(|error| {
        tracing::error!(%error, "photo.not_read");
        Problem::internal()
    })
}

/// A PNG picture as an address that holds the picture itself, so that no copy lies anywhere.
#[must_use]
pub fn image_address(png: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut address = String::with_capacity(png.len() / 3 * 4 + 32);
    address.push_str("data:image/png;base64,");
    for three in png.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(three.get(at).copied().unwrap_or_default())
        });
        for at in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * at) & 63) as usize);
            let letter = letter.filter(|_| at <= three.len()).copied().unwrap_or(b'=');
            address.push(char::from(letter));
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_the_picture_in_base64() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(image_address(bytes), format!("data:image/png;base64,{expected}"));
        };
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foob", "Zm9vYg==");
        check(&[0xfb, 0xff], "+/8=");
    }
}
