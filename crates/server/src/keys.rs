//! Where the keys of the Individual Numbers (個人番号) come from: a file that only its owner may read, or
//! an environment variable. The form is told in `docs/keys.md`.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use store::recorder::Outside;
use store::seals::{KeyRing, KeySource, Seals};
use zeroize::Zeroizing;

/// The environment variable that may hold the keys themselves, their lines joined by semicolons.
pub const KEYS_VARIABLE: &str = "SESSHU_INDIVIDUAL_NUMBER_KEYS";
/// Readable and writable by its owner alone.
const OWNER_ONLY: u32 = 0o600;
/// What nobody but the owner may be allowed.
const OTHERS: u32 = 0o077;
/// Bytes of a file of keys: sixty-four keys with as many comments.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Where the keys are.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Keys {
    /// Nowhere: Individual Numbers are checked and dropped.
    #[default]
    None,
    /// In this file, which is read at each use.
    File(PathBuf),
    /// In the environment.
    Text(Zeroizing<String>),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("Keys::None"),
            Self::File(path) => write!(f, "Keys::File({})", path.display()),
            Self::Text(_) => f.write_str("Keys::Text(..)"),
        }
    }
}

impl Keys {
    /// The file that is configured, else what the environment holds.
    #[must_use]
    pub fn of(file: Option<PathBuf>, variable: Option<String>) -> Self {
        match (file, variable) {
            (Some(path), _) => Self::File(path),
            (None, Some(text)) => Self::Text(Zeroizing::new(text)),
            (None, None) => Self::None,
        }
    }

    /// The keys as they are now, if there are to be any.
    ///
    /// # Errors
    /// If the file is missing, may be read by others, or is no ring of keys.
    pub fn ring(&self) -> anyhow::Result<Option<KeyRing>> {
        match self {
            Self::None => Ok(None),
            Self::File(path) => read(path).map(Some),
            Self::Text(text) => {
                let ring = KeyRing::parse(text).with_context(|| KEYS_VARIABLE.to_owned())?;
                Ok(Some(ring))
            }
        }
    }

    /// What seals with these keys, if there are to be any; they are looked at once, so that a wrong
    /// file is told at the start and not at the first import.
    ///
    /// # Errors
    /// As [`Keys::ring`].
    pub fn seals(&self, outside: &Outside) -> anyhow::Result<Option<Seals>> {
        if self.ring()?.is_none() {
            return Ok(None);
        }
        let keys = self.clone();
        let source: KeySource = Arc::new(move || match keys.ring() {
            Ok(Some(ring)) => Ok(ring),
            Ok(None) => Err(no_keys().to_string()),
            Err(error) => Err(format!("{error:#}")),
        });
        Ok(Some(Seals::new(source, Arc::clone(&outside.salt))))
    }
}

/// There are no keys where some are needed.
#[must_use]
pub fn no_keys() -> anyhow::Error {
    anyhow!(
        "個人番号の鍵が設定されていません。設定ファイルの individual_number_keys か環境変数 {KEYS_VARIABLE} で指定してください。\n\
         No keys of Individual Numbers are configured; name them by individual_number_keys in the configuration or by {KEYS_VARIABLE}."
    )
}

/// Reads a file of keys that nobody else may read.
///
/// # Errors
/// What is wrong with it and what to do.
pub fn read(path: &Path) -> anyhow::Result<KeyRing> {
    let file = File::open(path).with_context(|| {
        format!(
            "個人番号の鍵ファイル {0} を読めません / the key file {0} cannot be read",
            path.display()
        )
    })?;
    let mode = file.metadata()?.permissions().mode();
    if mode & OTHERS != 0 {
        bail!(
            "個人番号の鍵ファイル {0} を、ほかの利用者も開けます（{1:03o}）。chmod 600 {0} としてください。もう読まれたおそれがあるときは、sesshu keys rotate --reseal で鍵を替えてください。\n\
             Others may open the key file {0} ({1:03o}). Run chmod 600 {0}; if somebody may have read it, change the keys by `sesshu keys rotate --reseal`.",
            path.display(),
            mode & 0o777
        );
    }
    // As large as it may ever be, so that no growing copy of it is left in memory.
    let mut text = Zeroizing::new(String::with_capacity(
        usize::try_from(FILE_BYTES_MAX).unwrap_or_default(),
    ));
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    KeyRing::parse(&text).with_context(|| {
        format!(
            "個人番号の鍵ファイル {0} が正しくありません / the key file {0} is wrong",
            path.display()
        )
    })
}

/// Writes a new file of keys; one that is there already is left alone, for it may be the only copy.
///
/// # Errors
/// If there is one, or it cannot be written.
pub fn write_new(path: &Path, ring: &KeyRing) -> anyhow::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path);
    match file {
        Ok(file) => fill(file, ring).with_context(|| not_written(path)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => bail!(
            "{0} はすでにあります。上書きしません。鍵を加えるには sesshu keys rotate を使ってください。\n\
             {0} is there already and is not overwritten. To add a key, use `sesshu keys rotate`.",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| not_written(path)),
    }
}

/// Puts a ring in the place of the file: whatever happens meanwhile, the old or the new one is whole.
///
/// # Errors
/// If it cannot be written; then the old one stands.
pub fn replace(path: &Path, ring: &KeyRing) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // Left by a replacement that was cut off; its key was never used, since it is used after this.
    let _ = fs::remove_file(&beside);
    write_new(&beside, ring)?;
    fs::rename(&beside, path).with_context(|| not_written(path))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

fn fill(mut file: File, ring: &KeyRing) -> std::io::Result<()> {
    // The umask can only take away, but a file system may give more than it was asked for.
    file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY))?;
    file.write_all(ring.text().as_bytes())?;
    file.sync_all()
}

fn not_written(path: &Path) -> String {
    format!(
        "鍵ファイル {0} を書けません / the key file {0} cannot be written",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use domain::calendar::Day;
    use store::seals::MasterKey;

    use super::*;

    fn key(seed: u8) -> MasterKey {
        MasterKey::make(Day::parse("2026-11-26").unwrap(), &move || [seed; 16])
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_file_is_its_owners_alone_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        write_new(&path, &KeyRing::new(key(1))).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(read(&path).unwrap().newest().id(), key(1).id());
        let again = write_new(&path, &KeyRing::new(key(2))).unwrap_err();
        assert!(again.to_string().contains("not overwritten"), "{again}");
        assert_eq!(read(&path).unwrap().newest().id(), key(1).id());
        fs::write(folder.path().join("keys.new"), "half a file").unwrap();
        replace(&path, &read(&path).unwrap().with(key(2))).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(read(&path).unwrap().ids().count(), 2);
        assert!(!folder.path().join("keys.new").exists());
    }

    #[test]
    fn a_key_file_that_others_may_open_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        write_new(&path, &KeyRing::new(key(1))).unwrap();
        for open in [0o640, 0o604, 0o620, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let refused = read(&path).unwrap_err().to_string();
            assert!(refused.contains("chmod 600"), "{refused}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(read(&path).is_ok());
    }

    #[test]
    fn the_environment_holds_the_keys_where_no_file_is_named() {
        let ring = KeyRing::new(key(1));
        let line = ring.text().lines().last().unwrap().to_owned();
        let keys = Keys::of(None, Some(line.clone()));
        assert_eq!(keys.ring().unwrap().unwrap().newest().id(), key(1).id());
        assert!(!format!("{keys:?}").contains(&line[20..]));
        let named = Keys::of(Some("keys".into()), Some(line));
        assert_eq!(named, Keys::File("keys".into()));
        assert!(Keys::of(None, None).ring().unwrap().is_none());
        let wrong = Keys::of(None, Some("secret stuff".into())).ring();
        let told = format!("{:#}", wrong.unwrap_err());
        assert!(
            told.contains(KEYS_VARIABLE) && !told.contains("stuff"),
            "{told}"
        );
    }

    #[test]
    fn a_key_file_that_changes_is_used_as_it_is_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let keys = Keys::File(path.clone());
        let outside = crate::clock::outside().unwrap();
        assert!(keys.seals(&outside).is_err(), "there is none yet");
        write_new(&path, &KeyRing::new(key(1))).unwrap();
        let seals = keys.seals(&outside).unwrap().unwrap();
        assert_eq!(seals.ring().unwrap().newest().id(), key(1).id());
        replace(&path, &read(&path).unwrap().with(key(2))).unwrap();
        assert_eq!(seals.ring().unwrap().newest().id(), key(2).id());
        fs::remove_file(&path).unwrap();
        let gone = seals.ring().unwrap_err().to_string();
        assert!(gone.contains("cannot be read"), "{gone}");
    }
}
