//! The simulated bank: does what the token says. Does I/O.
//!
//! It stands for the world outside: its books are written when a request arrives, in a transaction
//! of their own, and what happens to the payment's own transactions does not touch them.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::services::payments::model::charge::{Answer, Charge, Found, SimCharge, Verdict};
use crate::services::payments::store::bank;
use crate::storage::{Database, StoreError};
use crate::types::Clock;

use super::Connector;
use super::script::script;

/// How long it naps between looks at the clock, which a test may have moved.
const NAP_MAX: Duration = Duration::from_millis(100);

pub(crate) struct Simulated {
    database: Database,
    clock: Clock,
}

impl Simulated {
    pub(crate) fn new(database: Database, clock: Clock) -> Simulated {
        Simulated { database, clock }
    }

    /// The request arrives: from now on there is a charge.
    async fn receive(&self, charge: &Charge) -> Result<SimCharge, StoreError> {
        let script = script(charge.token.as_str());
        let received_at = self.clock.now();
        let answers_at = received_at.plus(script.takes);
        self.database
            .transaction(async |tx| {
                bank::receive(tx, charge, script.decline, received_at, answers_at).await
            })
            .await
    }

    /// Waits until the bank is done with a charge; the caller sets the bound.
    async fn done(&self, charge: &SimCharge) -> Verdict {
        loop {
            let now = self.clock.now();
            if let Some(verdict) = charge.verdict(now) {
                return verdict;
            }
            tokio::time::sleep(charge.answers_at.since(now).min(NAP_MAX)).await;
        }
    }
}

impl Connector for Simulated {
    fn charge<'a>(&'a self, charge: &'a Charge) -> LocalBoxFuture<'a, Answer> {
        let answer = async {
            match self.receive(charge).await {
                Ok(_) if script(charge.token.as_str()).hangs_up => {
                    Answer::Open { why: "the bank hung up".to_owned() }
                }
                Ok(received) => Answer::Done(self.done(&received).await),
                Err(error) => Answer::Open { why: error.to_string() },
            }
        };
        answer.boxed_local()
    }

    fn find<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Found> {
        let found = async {
            match bank::by_key(&self.database, key).await {
                Ok(None) => Found::NeverSeen,
                Ok(Some(charge)) => {
                    charge.verdict(self.clock.now()).map_or(Found::Pending, Found::Done)
                }
                Err(error) => Found::Silent { why: error.to_string() },
            }
        };
        found.boxed_local()
    }

    fn callbacks<'a>(&'a self, charge: &'a Charge) -> LocalBoxFuture<'a, Vec<Verdict>> {
        let said = async {
            let count = script(charge.token.as_str()).callbacks;
            if count == 0 {
                return Vec::new();
            }
            match bank::by_key(&self.database, &charge.key).await {
                Ok(Some(known)) => {
                    known.verdict(self.clock.now()).map_or(Vec::new(), |said| vec![said; count])
                }
                _ => Vec::new(),
            }
        };
        said.boxed_local()
    }
}
