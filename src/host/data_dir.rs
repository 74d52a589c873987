//! The data directory: whether what is kept there can be kept. Found out before anything starts, since
//! a service would say no more than that it cannot open its file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::types::ServiceName;

/// Something is to be kept where nothing can be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "the data directory {} cannot be written: {error}. {what} there: name another folder with \
     BUSBAR_DATA_DIR (--data); in a container mount a volume at it", path.display()
)]
pub struct NotWritable {
    path: PathBuf,
    error: io::Error,
    what: String,
}

/// # Errors
/// When a hosted service keeps something in the data directory, and it cannot be written.
pub fn check_data_dir(config: &Config) -> Result<(), NotWritable> {
    let path = &config.process.data_dir;
    let Some(what) = kept_there(config) else { return Ok(()) };
    try_out(path).map_err(|error| NotWritable { path: path.clone(), error, what })
}

/// The first thing of which there would be no copy anywhere else.
fn kept_there(config: &Config) -> Option<String> {
    if config.keys.service_key_file.is_none() {
        return Some("The key that the services share is".to_owned());
    }
    let hosted = config.process.services.iter();
    hosted.copied().find_map(|name| Some(format!("{} of {name} is", kept_by(name, config)?)))
}

fn kept_by(name: ServiceName, config: &Config) -> Option<&'static str> {
    if name.is_domain() && config.services.get(name).database_url.is_none() {
        return Some("The database");
    }
    match name {
        ServiceName::Users if config.keys.users_key_file.is_none() => Some("The key"),
        ServiceName::Webhooks if config.keys.webhooks_key_file.is_none() => Some("The key"),
        ServiceName::Notifications if config.notifications.smtp_host.is_none() => Some("The mail"),
        ServiceName::Documents => Some("All content"),
        _ => None,
    }
}

fn try_out(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Another process may be trying the same folder.
    let file = folder.join(format!(".try-{}", uuid::Uuid::new_v4()));
    File::create_new(&file)?;
    fs::remove_file(file)
}
