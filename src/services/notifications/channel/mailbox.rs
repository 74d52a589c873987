//! Mail as files, one for each mail: what there is to see before a mail server is set. Does I/O.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use actix_web::web;

use super::super::model::NotificationId;
use super::Failure;

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: &Path) -> Folder {
        Folder(path.to_owned())
    }

    /// A mail has one file, however often it is put there; whoever looks finds it whole.
    pub(super) async fn put(&self, id: NotificationId, mail: Vec<u8>) -> Result<(), Failure> {
        let folder = self.0.clone();
        match web::block(move || write(&folder, id, &mail)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                log::error!("mail cannot be put into the mailbox: {error}");
                Err(Failure::refused("mailbox_unwritable"))
            }
            Err(error) => {
                log::error!("mail was not put into the mailbox: {error}");
                Err(Failure::refused("mailbox_unwritable"))
            }
        }
    }
}

fn write(folder: &Path, id: NotificationId, mail: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let (temporary, path) = (folder.join(format!(".{id}.tmp")), folder.join(format!("{id}.eml")));
    let mut file = private(&temporary)?;
    file.write_all(mail)?;
    file.sync_all()?;
    fs::rename(temporary, path)
}

/// Mails hold codes: they are for the owner of the process alone.
fn private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
