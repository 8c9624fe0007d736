//! A queue that leaves a tablet as a file, sealed for this server: whoever finds the file reads no coupon in it.
//!
//! The tablet makes a key pair of P-256 for each file, agrees on a secret with the server's key (ECDH), draws an AES key
//! and a nonce out of it (HKDF, RFC 5869) and seals the file of version 1 with it (AES-GCM). `docs/tablet.md` tells the
//! format to the byte; `assets/tablet/sealing.js` is the other side.

use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::queue_keys::{self, PRIVATE_KEY_BYTES};
use zeroize::Zeroizing;

use crate::state::App;
use crate::web::problem::Problem;

/// What the key of a file is drawn for, before both public keys.
const PURPOSE: &[u8] = b"sesshu tablet-queue 2";
/// Bytes of an AES-256 key, and of an AES-GCM nonce after it.
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// Bytes of a key's name: the front of the SHA-256 of its public half.
const NAME_BYTES: usize = 8;
/// How often a key is drawn: one in four thousand million draws is no number below the curve's order.
const DRAWS_MAX: usize = 4;

/// The server's key, to which files are sealed.
pub struct QueueKey(SecretKey);

/// A sealed file, all of it as hexadecimal digits.
#[derive(Deserialize)]
pub struct SealedQueue {
    /// The name of the key it was sealed to.
    pub key: String,
    /// The public half of the file's own key: a point, uncompressed.
    pub ephemeral: String,
    /// A file of version 1 under AES-GCM, the tag at its end.
    pub sealed: String,
}

/// Why a sealed file does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedRefusal {
    /// It was sealed to another server's key.
    OtherServer,
    /// Something in it was changed or is missing.
    Damaged,
}

impl From<SealedRefusal> for Problem {
    fn from(refusal: SealedRefusal) -> Self {
        match refusal {
            SealedRefusal::OtherServer => Self::unprocessable("queue_file_of_another_server"),
            SealedRefusal::Damaged => Self::unprocessable("queue_file_damaged"),
        }
    }
}

impl QueueKey {
    /// The server's key, made at the first time.
    ///
    /// # Errors
    /// The database's own.
    pub async fn of_server(app: &App) -> Result<Self, Problem> {
        let fresh = fresh(&*app.outside.salt).ok_or_else(Problem::internal)?;
        let kept = queue_keys::kept_or(&app.db, &fresh, app.now()).await?;
        SecretKey::from_slice(&kept).map(Self).map_err(|error| {
            tracing::error!(%error, "queue_key.unreadable");
            Problem::internal()
        })
    }

    /// The public half as tablets hold it: a point, uncompressed, as hexadecimal digits.
    #[must_use]
    pub fn public(&self) -> String {
        hex::encode(self.point())
    }

    fn point(&self) -> Vec<u8> {
        self.0.public_key().to_sec1_point(false).as_bytes().to_vec()
    }

    /// By what files name the key.
    fn name(&self) -> String {
        let hash = Sha256::digest(self.point());
        hex::encode(hash.get(..NAME_BYTES).unwrap_or_default())
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`SealedRefusal`].
    pub fn open(&self, file: &SealedQueue) -> Result<Vec<u8>, SealedRefusal> {
        if file.key != self.name() {
            return Err(SealedRefusal::OtherServer);
        }
        let damaged = |_| SealedRefusal::Damaged;
        let ephemeral = hex::decode(&file.ephemeral).map_err(damaged)?;
        let mut sealed = hex::decode(&file.sealed).map_err(damaged)?;
        let theirs = PublicKey::from_sec1_bytes(&ephemeral).map_err(|_| SealedRefusal::Damaged)?;
        let secret = self.0.diffie_hellman(&theirs);
        let (key, nonce) = drawn(secret.raw_secret_bytes(), &ephemeral, &self.point())
            .ok_or(SealedRefusal::Damaged)?;
        let opened = key
            .open_in_place(nonce, Aad::empty(), &mut sealed)
            .map_err(|_| SealedRefusal::Damaged)?;
        Ok(opened.to_vec())
    }
}

/// A private key out of the system's randomness.
fn fresh(salt: &dyn Fn() -> [u8; 16]) -> Option<Zeroizing<[u8; PRIVATE_KEY_BYTES]>> {
    (0..DRAWS_MAX).find_map(|_| {
        let mut key = Zeroizing::new([0; PRIVATE_KEY_BYTES]);
        let (front, back) = key.split_at_mut(PRIVATE_KEY_BYTES / 2);
        front.copy_from_slice(&salt());
        back.copy_from_slice(&salt());
        SecretKey::from_slice(key.as_slice()).is_ok().then_some(key)
    })
}

/// Key and nonce of one file. The nonce need not be sent: the key is used once.
fn drawn(secret: &[u8], ephemeral: &[u8], servers: &[u8]) -> Option<(LessSafeKey, Nonce)> {
    let mut drawn = Zeroizing::new([0; KEY_BYTES + NONCE_BYTES]);
    Hkdf::<Sha256>::new(None, secret)
        .expand_multi_info(&[PURPOSE, ephemeral, servers], drawn.as_mut_slice())
        .ok()?;
    let (key, nonce) = drawn.split_at(KEY_BYTES);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    Some((key, Nonce::try_assume_unique_for_key(nonce).ok()?))
}

/// What a tablet would make of a file of version 1, by a key pair that every call takes anew from `seed`.
#[cfg(test)]
pub(crate) fn sealed_to(public: &str, opened: &str, seed: [u8; 32]) -> serde_json::Value {
    let servers = hex::decode(public).unwrap();
    let pair = QueueKey(SecretKey::from_slice(&seed).unwrap());
    let theirs = PublicKey::from_sec1_bytes(&servers).unwrap();
    let secret = pair.0.diffie_hellman(&theirs);
    let (key, nonce) = drawn(secret.raw_secret_bytes(), &pair.point(), &servers).unwrap();
    let mut sealed = opened.as_bytes().to_vec();
    let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed);
    sealed.extend(tag.unwrap().as_ref());
    let name = Sha256::digest(&servers);
    serde_json::json!({
        "sesshu": "tablet-queue", "version": 2, "key": hex::encode(&name[..NAME_BYTES]),
        "ephemeral": pair.public(), "sealed": hex::encode(sealed),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// What a tablet sealed, with the key that opens it.
    fn example() -> (QueueKey, SealedQueue, String) {
        let example: Value = serde_json::from_str(include_str!("sealed_example.json")).unwrap();
        let text = |name: &str| example[name].as_str().unwrap().to_owned();
        let key = SecretKey::from_slice(&hex::decode(text("private_key")).unwrap()).unwrap();
        let file = serde_json::from_str(&text("file")).unwrap();
        (QueueKey(key), file, text("opened"))
    }

    #[test]
    fn what_a_tablet_sealed_is_opened() {
        let (key, file, opened) = example();
        assert_eq!(key.open(&file), Ok(opened.into_bytes()));
    }

    #[test]
    fn a_file_for_another_server_is_told_from_a_damaged_one() {
        let (_, file, _) = example();
        let other = QueueKey(SecretKey::from_slice(&[7; 32]).unwrap());
        assert_eq!(other.open(&file), Err(SealedRefusal::OtherServer));
        let renamed = SealedQueue {
            key: other.name(),
            ..file
        };
        assert_eq!(other.open(&renamed), Err(SealedRefusal::Damaged));
    }

    proptest! {
        #[test]
        fn what_is_sealed_to_a_key_is_opened_by_it(opened in ".{0,200}", seed in 1_u8..255, server in 1_u8..255) {
            let server = QueueKey(SecretKey::from_slice(&[server; 32]).unwrap());
            let file = sealed_to(&server.public(), &opened, [seed; 32]);
            let file: SealedQueue = serde_json::from_value(file).unwrap();
            prop_assert_eq!(server.open(&file), Ok(opened.into_bytes()));
        }

        #[test]
        fn one_changed_digit_anywhere_is_never_opened(place in any::<prop::sample::Index>(), other in "[0-9a-g]") {
            let (key, mut file, _) = example();
            let whole = file.ephemeral.len() + file.sealed.len();
            let place = place.index(whole);
            let (text, place) = match place.checked_sub(file.ephemeral.len()) {
                Some(place) => (&mut file.sealed, place),
                None => (&mut file.ephemeral, place),
            };
            prop_assume!(text[place..=place] != other);
            text.replace_range(place..=place, &other);
            prop_assert_eq!(key.open(&file), Err(SealedRefusal::Damaged));
        }

        #[test]
        fn a_file_that_was_cut_off_is_never_opened(length in any::<prop::sample::Index>()) {
            let (key, mut file, _) = example();
            file.sealed.truncate(length.index(file.sealed.len()));
            prop_assert_eq!(key.open(&file), Err(SealedRefusal::Damaged));
        }
    }
}
