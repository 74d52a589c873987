//! The file of a SQLite database: made when it is not there, and still the one that was opened.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::shared::Shared;

/// An open file works on when its name is gone, or leads to another one: what is written to it then is
/// lost with the process.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DatabaseFile {
    /// Absolute.
    pub(super) path: PathBuf,
    id: FileId,
}

/// The device, and the file's number there.
type FileId = (u64, u64);

impl DatabaseFile {
    /// Makes the file and its folder, readable for nobody else. A file that is there is opened by SQLite
    /// alone: whoever closes a file gives up all locks that the process has on it.
    pub(super) fn create(path: &Path) -> Result<DatabaseFile, StoreError> {
        let unavailable = |error: std::io::Error| StoreError::Unavailable {
            what: format!("{}: {error}", path.display()),
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unavailable)?;
        }
        if is_gone(path) {
            let what = format!("{}: the file was there before, and is gone", path.display());
            return Err(StoreError::Unavailable { what });
        }
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(unavailable(error));
            }
            _ => {}
        }
        let path = path.canonicalize().map_err(unavailable)?;
        let id = path.metadata().map(|file| id(&file)).map_err(unavailable)?;
        Ok(DatabaseFile { path, id })
    }

    /// # Errors
    /// When the name does not lead to the file that was opened.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let what = match self.path.metadata() {
            Ok(file) if id(&file) == self.id => return Ok(()),
            Ok(_) => "is another file than the one that is open".to_owned(),
            Err(error) => format!("is not where it was opened: {error}"),
        };
        Err(StoreError::Refused { what: format!("{} {what}", self.path.display()) })
    }
}

/// Whether this process has had it open, and it is not there any more.
fn is_gone(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    let (Ok(folder), Some(name)) = (folder, path.file_name()) else { return false };
    !path.exists() && Shared::knows_file(&folder.join(name))
}

fn id(file: &Metadata) -> FileId {
    (file.dev(), file.ino())
}
