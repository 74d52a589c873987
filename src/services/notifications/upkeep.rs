//! Looks at the queue from time to time, and forgets what is long over. Does I/O: durable jobs, so
//! that one instance does it.

use std::time::Duration;

use busbar_http::Problem;

use crate::jobs::{self, Job, NewJob};

use super::Notifications;
use super::store::message;

pub(super) const LOOK: &str = "look_at_notifications";
pub(super) const FORGET: &str = "forget_notifications";
const KEY: &str = "all";
const LOOK_EVERY: Duration = Duration::from_secs(15);
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// Notices and the records of mails. No event comes again after so long.
const KEPT_FOR: Duration = Duration::from_secs(400 * 86_400);
/// Rows in one transaction: others wait for it.
const ROWS_MAX: u32 = 500;

/// Sees to it that the jobs are there.
pub(super) async fn begin(notifications: &Notifications) -> Result<(), Problem> {
    let now = notifications.clock.now();
    let begun = notifications.database.transaction(async |tx| {
        for (kind, due_at) in [(LOOK, now), (FORGET, now.plus(FORGET_EVERY))] {
            let job = NewJob::bare(kind, KEY, due_at);
            jobs::enqueue(tx, &job, now).await?;
        }
        Ok(())
    });
    begun.await
}

pub(super) async fn look(notifications: &Notifications, job: &Job) -> Result<(), Problem> {
    let (database, now) = (&notifications.database, notifications.clock.now());
    notifications.meters.observe(&message::queues(database).await?, now);
    let next = now.plus(LOOK_EVERY);
    database.transaction(async |tx| jobs::give_back(tx, job, next, None).await).await
}

/// Forgets a bounded part; if that was not all, it comes again at once.
pub(super) async fn forget(notifications: &Notifications, job: &Job) -> Result<(), Problem> {
    let now = notifications.clock.now();
    let round = notifications.database.transaction(async |tx| {
        let forgotten = message::forget(tx, now.minus(KEPT_FOR), ROWS_MAX).await?;
        let is_more = forgotten >= u64::from(ROWS_MAX);
        let next = if is_more { now } else { now.plus(FORGET_EVERY) };
        jobs::give_back(tx, job, next, None).await
    });
    round.await
}
