//! The durable job that queues an announcement for its recipients, some at a time: others who
//! write are not kept waiting. Does I/O.

use busbar_http::Problem;

use crate::jobs::{self, Job};
use crate::types::UserId;

use super::Notifications;
use super::events;
use super::model::message::{Facts, News, of_announcement};
use super::model::{AnnouncementId, Template};
use super::store::announcement;

pub(super) const KIND: &str = "announce_notification";
/// Recipients in one transaction.
const RECIPIENTS_PER_ROUND: usize = 50;

pub(super) async fn announce(notifications: &Notifications, job: &Job) -> Result<(), Problem> {
    let id: AnnouncementId = job.key.parse().map_err(Problem::internal)?;
    let now = notifications.clock.now();
    let round = notifications.database.transaction(async |tx| {
        let Some(address) = announcement::address(tx, id).await? else {
            return jobs::finish(tx, job, now).await;
        };
        let users: Vec<UserId> =
            serde_json::from_str(&address.recipients).map_err(Problem::internal)?;
        let from = usize::try_from(address.reached).unwrap_or(usize::MAX);
        let next: Vec<UserId> =
            users.iter().skip(from).take(RECIPIENTS_PER_ROUND).copied().collect();
        for user_id in &next {
            let news = News {
                source: of_announcement(id, *user_id),
                user_id: *user_id,
                template: Template::Announcement,
                category: address.category,
                facts: Facts::Announcement { announcement_id: id },
                correlation: address.correlation.clone(),
                occurred_at: address.created_at,
            };
            events::queue(tx, &news, now).await?;
        }
        let reached = address.reached + i64::try_from(next.len()).unwrap_or_default();
        announcement::reach(tx, id, address.reached, reached).await?;
        let is_over = from + next.len() >= users.len();
        match is_over {
            true => jobs::finish(tx, job, now).await,
            false => jobs::give_back(tx, job, now, None).await,
        }
    });
    round.await
}
