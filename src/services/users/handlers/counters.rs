//! What anybody may have so often in an hour, and no more: each network, and all of them together.

use busbar_http::Problem;

use crate::storage::Transaction;
use crate::types::Timestamp;

use super::super::Users;
use super::super::lockout::Hourly;
use super::super::store::throttle;
use super::guess::too_many;
use super::visitor::Visitor;

/// What a request counts towards.
pub(crate) struct Counters(Vec<(String, Hourly)>);

impl Counters {
    pub(crate) fn registrations(users: &Users, visitor: &Visitor) -> Counters {
        let section = &users.section;
        let per_address = section.registrations_per_address_per_hour;
        Self::of(users, visitor, "registrations", per_address, section.registrations_per_hour)
    }

    /// Mails that anybody can have sent to any address. A request counts whether or not a mail
    /// comes of it: who has to wait learns nothing of who has an account.
    pub(crate) fn mail_requests(users: &Users, visitor: &Visitor) -> Counters {
        let section = &users.section;
        let per_address = section.mail_requests_per_address_per_hour;
        Self::of(users, visitor, "mail_requests", per_address, section.mail_requests_per_hour)
    }

    /// The network comes first: a full one does not use up what is for all.
    fn of(
        users: &Users,
        visitor: &Visitor,
        what: &'static str,
        per_address: u32,
        max: u32,
    ) -> Counters {
        let network = visitor.network.to_string();
        let limits = [(network.as_str(), per_address), ("all", max)];
        let counter = |(whose, max)| Some((users.keys.digest(what, whose), Hourly::of(max)?));
        Counters(limits.into_iter().filter_map(counter).collect())
    }

    /// 429 for those who have to wait, before anything is done.
    pub(crate) async fn admit(&self, users: &Users, now: Timestamp) -> Result<(), Problem> {
        for (key, _) in &self.0 {
            let tally = throttle::read(&users.database, key).await?;
            if let Some(seconds) = tally.and_then(|tally| tally.wait_seconds(now)) {
                return Err(too_many(seconds));
            }
        }
        Ok(())
    }

    /// Fails as a whole where one of them is full.
    pub(crate) async fn count(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        for (key, hourly) in &self.0 {
            let tally = throttle::take(tx, key, now).await?;
            if let Some(seconds) = tally.wait_seconds(now) {
                return Err(too_many(seconds));
            }
            throttle::put(tx, key, hourly.after_one(tally, now)).await?;
        }
        Ok(())
    }
}
