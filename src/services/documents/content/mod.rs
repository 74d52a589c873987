//! The bytes of documents on the disk, under their SHA-256. Does I/O, and blocks: it is called on
//! threads that may wait.
//!
//! A content is written to a file beside, brought to the disk, and renamed to its place: what
//! stands in a place is whole.
mod incoming;
mod leftovers;
mod receiver;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub(crate) use self::incoming::{Incoming, Received};
pub(crate) use self::receiver::{Receiver, Unreceived};

use super::model::digest::Sha256;

/// The folder of all contents. Several processes may share it.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    folder: PathBuf,
}

impl Vault {
    /// Makes the folders, and throws away what uploads that are over have left.
    pub(crate) fn open(folder: &Path) -> io::Result<Vault> {
        let vault = Vault { folder: folder.to_owned() };
        create(&vault.beside())?;
        create(&vault.folder.join("sha256"))?;
        vault.sweep_leftovers()?;
        Ok(vault)
    }

    /// Where files are written before they have a place.
    fn beside(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    fn place(&self, sha256: Sha256) -> PathBuf {
        let hex = sha256.to_string();
        self.folder.join("sha256").join(&hex[..2]).join(&hex[2..4]).join(hex)
    }

    /// Moves what was received to its place. The same content may stand there already.
    pub(crate) fn keep(&self, received: Received) -> io::Result<()> {
        let place = self.place(received.sha256());
        let folder = place.parent().unwrap_or(&self.folder);
        create(folder)?;
        received.move_to(&place)?;
        // The name is as lasting as the bytes only when its folders are on the disk too.
        let folders = folder.ancestors().take_while(|folder| *folder != self.folder);
        folders.chain([self.folder.as_path()]).try_for_each(sync_folder)
    }

    /// Opens a content, if it is there and as long as it should be.
    pub(crate) fn read(&self, sha256: Sha256, size: u64) -> io::Result<File> {
        let file = File::open(self.place(sha256))?;
        let length = file.metadata()?.len();
        if length == size {
            return Ok(file);
        }
        let what = format!("{sha256} has {length} bytes instead of {size}");
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }

    /// Deletes a content; it may be gone already.
    pub(crate) fn remove(&self, sha256: Sha256) -> io::Result<()> {
        match fs::remove_file(self.place(sha256)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether a file can be made at the moment.
pub(crate) async fn ping(vault: Vault) -> Result<(), String> {
    let made = actix_web::web::block(move || Incoming::begin(&vault).map(|_| ())).await;
    made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Makes a folder and those above it, readable for nobody else.
fn create(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            Folder(std::env::temp_dir().join(format!("busbar-vault-{}", uuid::Uuid::new_v4())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn received(vault: &Vault, bytes: &[u8]) -> Received {
        let mut incoming = Incoming::begin(vault).unwrap();
        bytes.chunks(3).for_each(|chunk| incoming.write(chunk).unwrap());
        incoming.finish().unwrap()
    }

    fn names(vault: &Vault) -> usize {
        fs::read_dir(vault.beside()).unwrap().count()
    }

    #[test]
    fn a_content_stands_under_its_digest() {
        let folder = Folder::new();
        let vault = Vault::open(&folder.0).unwrap();
        let content = received(&vault, b"hello");
        let sha256 = content.sha256();
        assert_eq!(
            sha256.to_string(),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
        assert_eq!((content.size(), content.head()), (5, b"hello".as_slice()));
        vault.keep(content).unwrap();
        vault.keep(received(&vault, b"hello")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&vault.place(sha256)), mode(&folder.0)), (0o600, 0o700));
        assert!(folder.0.join(format!("sha256/2c/f2/{sha256}")).exists());
        assert_eq!(names(&vault), 0);

        let mut text = String::new();
        vault.read(sha256, 5).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert_eq!(vault.read(sha256, 6).unwrap_err().kind(), io::ErrorKind::InvalidData);
        vault.remove(sha256).unwrap();
        vault.remove(sha256).unwrap();
        assert_eq!(vault.read(sha256, 5).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_an_upload_leaves_is_thrown_away_when_nobody_writes_it_any_more() {
        let folder = Folder::new();
        let vault = Vault::open(&folder.0).unwrap();
        drop(received(&vault, b"dropped"));
        assert_eq!(names(&vault), 0, "what is not kept goes at once");

        let written = Incoming::begin(&vault).unwrap();
        fs::write(vault.beside().join("left"), b"by a process that was killed").unwrap();
        Vault::open(&folder.0).unwrap();
        assert_eq!(names(&vault), 1, "the one that is being written stays");
        drop(written);
        assert_eq!(names(&vault), 0);
    }
}
