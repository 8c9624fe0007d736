//! The seal itself: a key, and what it does. Nothing here knows a table or a file.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of every key.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of a nonce: long enough to be drawn by lot for ever, so that nobody has to count.
const NONCE_BYTES: usize = 24;
/// The first byte of everything sealed; another cipher will have another.
const FORM: u8 = 1;
/// Bytes of a lookup. Half of the hash: among a billion numbers two still meet once in 10^20 times,
/// and the index over a nation's numbers is a third smaller.
const LOOKUP_BYTES: usize = 16;

/// Sixteen random bytes each time it is called, as `recorder::Outside` has them.
pub(super) type Random<'r> = &'r (dyn Fn() -> [u8; 16] + Send + Sync);

/// A secret key. It is wiped from memory when it goes, and there is no `Debug`.
pub(super) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// A key that nobody has.
    pub fn random(random: Random<'_>) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill(random, &mut *bytes);
        Self(bytes)
    }

    /// The key with these bytes, if there are as many as a key has.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; KEY_BYTES] = bytes.try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    /// The bytes, for the one who must write them down or wrap them.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Another key for one use, so that no key is used for two things.
    pub fn derived(&self, purpose: &[u8]) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        self.expand(purpose, &mut *bytes);
        Self(bytes)
    }

    /// Bytes that follow from the key and tell nothing of it.
    #[expect(
        clippy::expect_used,
        reason = "HKDF refuses more than 255 hashes, which no caller asks for"
    )]
    pub fn expand(&self, purpose: &[u8], bytes: &mut [u8]) {
        Hkdf::<Sha256>::new(None, self.bytes())
            .expand(purpose, bytes)
            .expect("a few bytes");
    }

    /// Seals, so that it opens only with this key and these words around it.
    #[expect(
        clippy::expect_used,
        reason = "the cipher refuses 256 GB and more; these are some tens of bytes"
    )]
    pub fn seal(&self, random: Random<'_>, around: &[u8], msg: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        fill(random, &mut nonce);
        let payload = Payload { msg, aad: around };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("some tens of bytes");
        [&[FORM], nonce.as_slice(), &sealed].concat()
    }

    /// What was sealed; none if the key, the words around it or one bit of it is another.
    pub fn open(&self, around: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (form, rest) = sealed.split_first()?;
        if *form != FORM {
            return None;
        }
        let (nonce, msg) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg, aad: around };
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
        Some(Zeroizing::new(opened))
    }

    /// The keyed hash by which a value is found again and never made out.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    pub fn lookup(&self, value: &[u8]) -> [u8; LOOKUP_BYTES] {
        let mut mac =
            <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.bytes()).expect("any length");
        mac.update(value);
        let whole = mac.finalize().into_bytes();
        let mut short = [0; LOOKUP_BYTES];
        short
            .iter_mut()
            .zip(whole)
            .for_each(|(to, from)| *to = from);
        short
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes().into())
    }
}

fn fill(random: Random<'_>, bytes: &mut [u8]) {
    for piece in bytes.chunks_mut(16) {
        let drawn = Zeroizing::new(random());
        piece
            .iter_mut()
            .zip(drawn.iter())
            .for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// Different bytes at each call.
    fn counter() -> impl Fn() -> [u8; 16] + Send + Sync {
        let next = AtomicU64::new(1);
        move || u128::from(next.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }

    /// Appendix A.3.1 of draft-irtf-cfrg-xchacha-03: the cipher is the one everybody means.
    #[test]
    fn the_published_vector_of_the_cipher_is_met() {
        let key: Vec<u8> = (0x80..0xa0).collect();
        let around = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
        let nonce: Vec<u8> = (0x40..0x58).collect();
        let cipher = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
                      731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
                      2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
                      21f9664c97637da9768812f615c68b13b52e\
                      c0875924c1c7987947deafd8780acf49";
        let sealed = [&[FORM], nonce.as_slice(), &hex::decode(cipher).unwrap()].concat();
        let opened = Key::of(&key).unwrap().open(&around, &sealed).unwrap();
        let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
                    for the future, sunscreen would be it.";
        assert_eq!(opened.as_slice(), text.as_bytes());
    }

    /// Test case 2 of RFC 4231, cut to our length.
    #[test]
    fn the_published_vector_of_the_hash_is_met() {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(b"Jefe");
        let lookup = Key::of(&key)
            .unwrap()
            .lookup(b"what do ya want for nothing?");
        assert_eq!(hex::encode(lookup), "5bdcc146bf60754e6a042426089575c7");
    }

    #[test]
    fn sealing_the_same_twice_gives_two_things() {
        let random = counter();
        let key = Key::random(&random);
        let seal = || key.seal(&random, b"here", b"983205673214");
        assert_ne!(seal(), seal());
        assert_ne!(key.derived(b"one").bytes(), key.derived(b"another").bytes());
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_nothing_else_does(
            msg in prop::collection::vec(any::<u8>(), 0..40),
            around in prop::collection::vec(any::<u8>(), 0..40),
            at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let random = counter();
            let (key, other) = (Key::random(&random), Key::random(&random));
            let sealed = key.seal(&random, &around, &msg);
            let opened = key.open(&around, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), msg.as_slice());
            prop_assert!(other.open(&around, &sealed).is_none());
            prop_assert!(key.open(&[around.as_slice(), b"!"].concat(), &sealed).is_none());
            let at = at.index(sealed.len());
            let mut bent = sealed.clone();
            bent[at] ^= 1 << bit;
            prop_assert!(key.open(&around, &bent).is_none());
            prop_assert!(key.open(&around, &sealed[..at]).is_none());
        }
    }
}
