//! `--demo`: a year of a made-up utility, lived through by the real services before the doors open.
//!
//! The services' clock begins a year ago and is moved on month by month while people of the demo
//! use the gateway as everybody does: so bills are issued and become overdue when they would have,
//! and notices, documents and reports come about by themselves. It is done on an empty data
//! directory only, where no clock of anybody's money can be moved.
//!
//! Reading order: this file (whether it may be done), `year` (what happens), `story` (how it is
//! done), `visitor` (who does it).

mod story;
mod visitor;
mod year;

use std::path::Path;

use crate::config::Config;
use crate::storage::Target;
use crate::types::{Clock, Date, ServiceName, Timestamp};

pub use self::story::Shown;

/// Why a demo could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoFault {
    #[error("{0} is no address of a gateway")]
    Url(String),
    #[error("{0}: {1}")]
    Asked(String, String),
    #[error("{0} has not happened within its time")]
    Waited(&'static str),
    #[error("the calendar ends")]
    Calendar,
}

/// A demo that is to be loaded.
pub struct Plan {
    clock: Clock,
    now: Timestamp,
}

impl Plan {
    /// The plan for an empty data directory. `None`: there is data already, and it is left alone.
    ///
    /// # Errors
    /// Why these settings cannot have a demo.
    pub fn new(config: &Config, now: Timestamp) -> Result<Option<Plan>, String> {
        if !ServiceName::ALL.iter().all(|name| config.hosts(*name)) {
            return Err("all nine services must run in this process".to_owned());
        }
        let mut domain = ServiceName::domain();
        if let Some(name) = domain.find(|name| config.services.get(*name).database_url.is_some()) {
            return Err(format!("it is for SQLite files in a data directory, {name} has another"));
        }
        let data = &config.process.data_dir;
        if ServiceName::domain().any(|name| is_there(data, name)) {
            log::warn!("--demo: {} has data already, which is left as it is", data.display());
            return Ok(None);
        }
        let clock = Clock::settable();
        let begin = year::months(Date::of(now)).first().copied().ok_or("the calendar ends")?;
        clock.set(begin.start());
        Ok(Some(Plan { clock, now }))
    }

    /// What the services go by: a year behind until the demo is loaded.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Lives through the year; then the services' clock is the machine's.
    ///
    /// # Errors
    /// What did not happen as planned.
    pub async fn load(self, url: &str, email: &str, password: &str) -> Result<Shown, DemoFault> {
        let shown = story::tell(&self, url, email, password).await;
        self.clock.set(Clock::system().now());
        shown
    }
}

fn is_there(data: &Path, name: ServiceName) -> bool {
    match Target::file(data, name.as_str()) {
        Target::Sqlite(path) => path.exists(),
        Target::Postgres(_) => true,
    }
}
