//! A database with the tables that every service has, on either engine.

use std::path::PathBuf;
use std::time::Duration;

use busbar::storage::{Database, Settings, Target};
use busbar::types::{Clock, ServiceName, Timestamp};

use crate::support::postgres;
use crate::support::system::{Engine, fresh_folder};

/// One service's database, and another connection to the same one where that is possible.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) database: Database,
    target: Target,
    folder: PathBuf,
}

/// Makes a test for each engine: `on_both! { async fn name(stage: Stage) { … } }`.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($stage:ident: Stage) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::support::system::Engine;

            async fn check($stage: Stage) $body

            #[actix_rt::test]
            async fn sqlite() {
                let stage = Stage::open(Engine::Sqlite).await;
                check(stage.clone()).await;
                stage.close().await;
            }

            #[actix_rt::test]
            async fn postgres() {
                let stage = Stage::open(Engine::Postgres).await;
                check(stage.clone()).await;
                stage.close().await;
            }
        }
    )+ };
}
pub(crate) use on_both;

impl Stage {
    pub(crate) async fn open(engine: Engine) -> Stage {
        match engine {
            Engine::Sqlite => Stage::on(engine, "").await,
            Engine::Postgres => Stage::on(engine, &postgres::database("events")).await,
        }
    }

    /// In this database of a server; in a file of its own on SQLite.
    pub(crate) async fn on(engine: Engine, url: &str) -> Stage {
        let folder = fresh_folder();
        let target = match engine {
            Engine::Sqlite => Target::file(&folder, "billing"),
            Engine::Postgres => Target::parse(url, None).unwrap(),
        };
        let database = opened(&target).await;
        database
            .migrate(&[busbar::events::SCRIPT, busbar::jobs::SCRIPT, busbar::jobs::LANES])
            .await
            .unwrap();
        Stage { database, target, folder }
    }

    /// The same database as another process, or another incarnation, sees it.
    pub(crate) async fn opened_again(&self) -> Database {
        opened(&self.target).await
    }

    pub(crate) async fn close(self) {
        self.database.close().await;
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

async fn opened(target: &Target) -> Database {
    Database::open("billing", target, &Settings::default()).await.unwrap()
}

pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

/// Waits for a condition; the test fails when it does not come about in its time.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect(what);
}

pub(crate) const BILLING: ServiceName = ServiceName::Billing;
