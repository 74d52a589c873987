//! A password that somebody has tried: let in unless they have to wait, its outcome counted.
//!
//! The outcome is only told if nobody has used up the free failures meanwhile. So however many are
//! tried at the same moment, no more are answered than one after the other.

use busbar_http::Problem;

use crate::storage::{StoreError, Transaction};
use crate::types::{Email, Timestamp};

use super::super::Users;
use super::super::lockout::{Hourly, Schedule};
use super::super::model::user::Account;
use super::super::problem::{INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS};
use super::super::store::throttle;
use super::visitor::Visitor;

/// What the tries are counted under. Whether there is such an account makes no difference.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    /// The account; or a device that its owner has used before, so that strangers who guess do not
    /// lock the owner out.
    who: String,
    schedule: Schedule,
    /// Over all accounts, unless the device is known.
    network: Option<(String, Hourly)>,
}

impl Guess {
    pub(crate) fn new(
        users: &Users,
        visitor: &Visitor,
        email: &Email,
        account: Option<&Account>,
        now: Timestamp,
    ) -> Guess {
        let device = account
            .and_then(|account| visitor.device_of(account.id, account.password_changed_at, now));
        let schedule = users.schedule;
        if let Some(device) = device {
            let who = users.keys.digest("device", &device.to_string());
            return Guess { who, schedule, network: None };
        }
        let hourly = Hourly::of(users.section.lockout.failures_per_address_per_hour);
        let network = users.keys.digest("network", &visitor.network.to_string());
        let network = hourly.map(|hourly| (network, hourly));
        Guess { who: account_key(users, email), schedule, network }
    }

    /// 429 for those who have to wait: before anything is hashed.
    pub(crate) async fn admit(&self, users: &Users, now: Timestamp) -> Result<(), Problem> {
        let network = self.network.as_ref().map(|(key, _)| key);
        for key in [Some(&self.who), network].into_iter().flatten() {
            let tally = throttle::read(&users.database, key).await?;
            if let Some(seconds) = tally.and_then(|tally| tally.wait_seconds(now)) {
                return Err(too_many(seconds));
            }
        }
        Ok(())
    }

    /// Counts a wrong password, and says what is answered to it.
    pub(crate) async fn refuse(&self, users: &Users, now: Timestamp) -> Problem {
        let counted = users.database.transaction(async |tx| self.failed(tx, now).await).await;
        match counted {
            Ok(None) => INVALID_CREDENTIALS.problem(),
            Ok(Some(seconds)) => too_many(seconds),
            Err(error) => error.into(),
        }
    }

    /// The seconds to wait, if others have failed so often meanwhile that nothing may be told.
    async fn failed(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let tally = throttle::take(tx, &self.who, now).await?;
        if let Some(seconds) = tally.wait_seconds(now) {
            return Ok(Some(seconds));
        }
        throttle::put(tx, &self.who, self.schedule.after_failure(tally, now)).await?;
        if let Some((key, hourly)) = &self.network {
            let tally = throttle::take(tx, key, now).await?;
            throttle::put(tx, key, hourly.after_one(tally, now)).await?;
        }
        Ok(None)
    }

    /// Forgets earlier failures after a right password; 429 if it may not be told.
    pub(crate) async fn accept(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        throttle::clear(tx, &self.who, now).await?;
        let left = throttle::current(tx, &self.who).await?;
        match left.and_then(|tally| tally.wait_seconds(now)) {
            None => Ok(()),
            Some(seconds) => Err(too_many(seconds)),
        }
    }
}

/// What the failures of an account are counted under.
pub(crate) fn account_key(users: &Users, email: &Email) -> String {
    users.keys.digest("account", &email.lookup_key())
}

pub(crate) fn too_many(seconds: u64) -> Problem {
    TOO_MANY_ATTEMPTS.problem().retry_after(seconds)
}
