//! The secrets of an installation: 32 random bytes each, in `data/keys`, made on a first run.
//!
//! `service.key` is shared by all services and signs their calls to each other; `users.key` is the
//! users service's own and is what its tokens are made from. On the key of a service its instances agree
//! by their database (`agreed`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A secret key of 32 bytes. It shows itself nowhere.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(***)")
    }
}

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("{path} does not hold 32 bytes in base64")]
    Malformed { path: PathBuf },
    #[error("no random bytes: {0}")]
    Random(String),
}

impl SecretKey {
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the key of a file.
    pub fn read(path: &Path) -> Result<SecretKey, KeyFault> {
        let text = fs::read_to_string(path).map_err(fault(path))?;
        let malformed = || KeyFault::Malformed { path: path.to_owned() };
        let bytes = STANDARD.decode(text.trim()).map_err(|_| malformed())?;
        Ok(SecretKey(bytes.try_into().map_err(|_| malformed())?))
    }

    /// Reads the key of a file, which is made if it is not there. Several processes may do so at
    /// once: a key appears whole under its name, and the first one wins.
    pub fn read_or_make(path: &Path) -> Result<SecretKey, KeyFault> {
        if !path.exists() {
            make(path)?;
        }
        SecretKey::read(path)
    }
}

fn fault(path: &Path) -> impl FnOnce(io::Error) -> KeyFault {
    let path = path.to_owned();
    move |error| KeyFault::File { path, error }
}

fn make(path: &Path) -> Result<(), KeyFault> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| KeyFault::Random(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(fault(folder))?;
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    write(&draft, &format!("{}\n", STANDARD.encode(bytes))).map_err(fault(&draft))?;
    // A link fails when the name is taken; a rename would replace another process's key.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(fault(&draft))?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(fault(path)(error)),
        _ => File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault(folder)),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("busbar-keys-{}", uuid::Uuid::new_v4()));
        let path = folder.join("service.key");
        let first = SecretKey::read_or_make(&path).unwrap();
        let again = SecretKey::read_or_make(&path).unwrap();
        assert_eq!(first.bytes(), again.bytes());
        assert_ne!(first.bytes(), &[0; 32]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "the draft is gone");

        fs::write(&path, "too short").unwrap();
        assert!(matches!(SecretKey::read_or_make(&path), Err(KeyFault::Malformed { .. })));
        assert!(!format!("{first:?}").contains(&STANDARD.encode(first.bytes())));
        fs::remove_dir_all(folder).unwrap();
    }
}
