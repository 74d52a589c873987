//! A server that goes away and comes back.

use std::time::Duration;

use busbar::storage::{Database, Settings, StoreError, Target, params};
use futures_util::future::join;
use tokio::sync::Notify;

use super::{COUNT, SCRIPTS, account, eventually, insert};
use crate::support::postgres::Cluster;

fn is_unavailable<T: std::fmt::Debug>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. } | StoreError::Lost { .. }))
}

/// While the server is away all answers say so; when it is back, work goes on with what was
/// committed, without opening the database again.
#[actix_rt::test]
async fn work_goes_on_when_the_server_is_back() {
    let mut cluster = Cluster::own();
    let url = cluster.database("outage");
    let target = Target::parse(&url, Some(&url)).unwrap();
    for use_pgbouncer in [false, true] {
        let settings = Settings { use_pgbouncer, connection_limit: 3, ..Settings::default() };
        cluster.stop();
        let database = Database::open("test", &target, &settings).await.unwrap();
        let early = database.migrate(SCRIPTS).await;
        assert!(is_unavailable(&early), "{early:?}");
        cluster.start();
        database.migrate(SCRIPTS).await.unwrap();
        let before = database.one::<(i64,)>(COUNT, params![]).await.unwrap().0;

        let (written, go_on) = (Notify::new(), Notify::new());
        let interrupted = database.transaction(async |tx| {
            insert(tx, &account("alice", 1)).await?;
            written.notify_one();
            go_on.notified().await;
            insert(tx, &account("bob", 1)).await
        });
        let outage = async {
            written.notified().await;
            cluster.stop();
            go_on.notify_one();
        };
        let (interrupted, ()) = join(interrupted, outage).await;
        assert!(is_unavailable(&interrupted), "{interrupted:?}");
        let read = database.one::<(i64,)>(COUNT, params![]).await;
        assert!(is_unavailable(&read), "{read:?}");
        let id = format!("carol-{use_pgbouncer}");
        let write = database.transaction(async |tx| insert(tx, &account(&id, 1)).await);
        assert!(is_unavailable(&write.await));
        assert!(is_unavailable(&database.ping(Duration::from_secs(5)).await));

        cluster.start();
        eventually("it answers again", async || database.ping(super::PATIENCE).await.is_ok()).await;
        let write = database.transaction(async |tx| insert(tx, &account(&id, 1)).await);
        assert_eq!(write.await.unwrap(), 1);
        let (count,): (i64,) = database.one(COUNT, params![]).await.unwrap();
        assert_eq!(count, before + 1, "of the interrupted transaction nothing is there");
    }
}
