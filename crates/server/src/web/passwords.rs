//! Passwords: hashed with Argon2id, chosen long, made by us where nobody chooses.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::web::problem::Problem;

/// Characters of a password at least: length is what makes guessing long (NIST SP 800-63B).
pub const CHARACTERS_MIN: usize = 12;
/// Characters of a password at most: hashing a book is a way to stop a server.
pub const CHARACTERS_MAX: usize = 128;

/// OWASP's parameters for Argon2id: 19 MiB, two rounds, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const ROUNDS: u32 = 2;
const LANES: u32 = 1;
/// Hashes computed at the same time: each takes 19 MiB and a core for some hundredths of a second.
const HASHES_AT_ONCE: usize = 2;

/// Hashes and compares passwords, beside the threads that answer requests.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
        }
    }
}

impl Passwords {
    /// The hash of a new password.
    ///
    /// # Errors
    /// 500 if it cannot be hashed.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        self.beside(move || hash(&password))
            .await?
            .ok_or_else(Problem::internal)
    }

    /// Whether a password is the one that was hashed. Without a hash, as for a login that does not
    /// exist, it takes as long and says no.
    ///
    /// # Errors
    /// 500 if it cannot be compared.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        self.beside(move || match hash {
            Some(hash) => verify(&password, &hash),
            None => {
                // Only the time that it takes is wanted.
                std::hint::black_box(verify(&password, nobodys()));
                false
            }
        })
        .await
    }

    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|_| Problem::internal())?;
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!(%error, "password.not_hashed");
            Problem::internal()
        })
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, ROUNDS, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a password in its standard spelling, with a salt of its own; none if it cannot be computed.
#[must_use]
pub fn hash(password: &str) -> Option<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).ok()?;
    let hash = argon2()?
        .hash_password_with_salt(password.as_bytes(), &salt)
        .ok()?;
    Some(hash.to_string())
}

fn verify(password: &str, hash: &str) -> bool {
    argon2().is_some_and(|argon2| argon2.verify_password(password.as_bytes(), hash).is_ok())
}

/// The hash of a password that nobody has.
fn nobodys() -> &'static str {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    NOBODYS.get_or_init(|| made().as_deref().and_then(hash).unwrap_or_default())
}

/// What is wrong with a password that somebody chose, if anything.
#[must_use]
pub fn fault(password: &str, login: &str) -> Option<Problem> {
    let characters = password.chars().count();
    if characters < CHARACTERS_MIN {
        return Some(Problem::unprocessable("password_too_short").arg("least", CHARACTERS_MIN));
    }
    if characters > CHARACTERS_MAX {
        return Some(Problem::unprocessable("password_too_long").arg("most", CHARACTERS_MAX));
    }
    let folded = password.to_lowercase();
    if folded.contains(&login.to_lowercase()) || has_one_character(&folded) {
        return Some(Problem::unprocessable("password_too_simple"));
    }
    None
}

fn has_one_character(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| characters.all(|other| other == first))
}

/// A password that we make: four groups of four characters that nobody mistakes for others when
/// reading them from paper; 77 bits. None if the operating system gives no randomness.
#[must_use]
pub fn made() -> Option<String> {
    /// Without 0 O 1 l I and without vowels, so that no word comes about.
    const CHARACTERS: &[u8; 28] = b"23456789bcdfghjkmnpqrstvwxyz";
    /// The largest multiple of 28 in a byte: bytes from there on would favour the first characters.
    const FAIR: u8 = 252;
    const GROUPS: usize = 4;
    let mut password = String::new();
    let mut count = 0;
    while count < GROUPS * 4 {
        let mut byte = [0];
        getrandom::fill(&mut byte).ok()?;
        let [byte] = byte;
        if byte >= FAIR {
            continue;
        }
        let character = CHARACTERS.get(usize::from(byte) % CHARACTERS.len())?;
        if count > 0 && count % 4 == 0 {
            password.push('-');
        }
        password.push(char::from(*character));
        count += 1;
    }
    Some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_another_is_not() {
        let kept = hash("correct horse battery").unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert!(verify("correct horse battery", &kept));
        assert!(!verify("correct horse batteries", &kept));
    }

    #[test]
    fn a_made_password_is_long_enough_and_new_each_time() {
        let made_one = made().unwrap();
        assert_eq!(made_one.len(), 19);
        assert!(fault(&made_one, "sato").is_none());
        assert_ne!(made_one, made().unwrap());
    }

    #[test]
    fn a_short_or_simple_password_is_refused() {
        let code = |password| fault(password, "sato").map(|problem| problem.code());
        assert_eq!(code("short"), Some("password_too_short"));
        assert_eq!(code("aaaaaaaaaaaaaa"), Some("password_too_simple"));
        assert_eq!(code("my-name-is-Sato"), Some("password_too_simple"));
        assert_eq!(code("korekara hajimaru"), None);
    }
}
