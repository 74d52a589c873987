//! What holds for all payments at all times, proved anew each time somebody asks.

use std::time::Duration;

use actix_web::web::Data;
use busbar_http::{Caller, Found, Problem};

use crate::services::payments::Payments;
use crate::services::payments::model::report::{InvariantCheck, InvariantReport};
use crate::services::payments::model::stage::Stage;
use crate::services::payments::reservation::{self, OpenBalance, ReservationStatus};
use crate::services::payments::store;
use crate::services::payments::store::audit::{self, Offence, Owed};
use crate::types::{Currency, Timestamp};

/// Payments that billing is asked about.
const COMPARED_MAX: u32 = 20;
/// How long an event may take to billing before the two must agree.
const AGREE_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often, and how far apart, two sides that differ are compared: an event may be on its way.
const COMPARISONS_MAX: usize = 4;
const COMPARE_AGAIN: Duration = Duration::from_millis(300);

/// `GET /admin/invariants`
pub(crate) async fn report(
    payments: Data<Payments>,
    caller: Caller,
) -> Result<Found<InvariantReport>, Problem> {
    caller.require_admin()?;
    let mut checks = Vec::new();
    for (name, sentence, statement) in audit::INVARIANTS {
        let offence = audit::offence(&payments.database, *statement).await?;
        checks.push(check(name, sentence, &offence));
    }
    let unclear = audit::unclear(&payments.database, payments.clock.now()).await?;
    let sentence = "every paid payment is in the connector's books, and nothing else";
    checks.push(check("clearing_matches_connector", sentence, &unclear));
    checks.push(agreement(&payments).await?);
    checks.push(receivables(&payments).await?);
    Ok(Found(InvariantReport::of(checks)))
}

fn check(name: &'static str, sentence: &str, offence: &Offence) -> InvariantCheck {
    let ok = offence.offenders == 0;
    let example = offence.example.as_deref().unwrap_or("?");
    let detail = match offence.offenders {
        0 => sentence.to_owned(),
        count => format!("not so: {sentence}; {count} against it, such as {example}"),
    };
    InvariantCheck { name, ok, detail }
}

/// Whether billing has done with the last payments what became of them.
async fn agreement(payments: &Payments) -> Result<InvariantCheck, Problem> {
    let before = payments.clock.now().minus(AGREE_WAIT_MAX);
    let ids = audit::last_ended(&payments.database, before, COMPARED_MAX).await?;
    let billing = payments.billing()?;
    let (mut against, count) = (None, ids.len());
    for id in ids {
        let Some(payment) = store::payment::by_id(&payments.database, id).await? else { continue };
        let said = match reservation::look(billing, id).await {
            Ok(said) => said.map(|reservation| reservation.status),
            Err(error) => {
                let detail = format!("billing could not be asked: {error}");
                return Ok(InvariantCheck { name: "billing_agrees", ok: false, detail });
            }
        };
        if !agree(payment.stage, said) {
            against = Some(id);
        }
    }
    let detail = match against {
        None => format!("billing has settled or released the last {count} payments likewise"),
        Some(id) => format!("billing has not done with payment {id} what became of it"),
    };
    Ok(InvariantCheck { name: "billing_agrees", ok: against.is_none(), detail })
}

/// What customers owe here, beside what is open in billing.
#[derive(Debug, PartialEq)]
enum Comparison {
    Same,
    /// It differs while postings are under way, which says nothing.
    Moving(String),
    Different(String),
}

/// Whether what customers owe is the same here and in billing, once events have had their time.
async fn receivables(payments: &Payments) -> Result<InvariantCheck, Problem> {
    let mut last = compared(payments).await?;
    for _ in 1..COMPARISONS_MAX {
        if last == Comparison::Same {
            break;
        }
        tokio::time::sleep(COMPARE_AGAIN).await;
        last = compared(payments).await?;
    }
    let (ok, detail) = match last {
        Comparison::Same => (true, "customers owe what is open on their bills".to_owned()),
        // Nothing is against it: the next one who asks may find out.
        Comparison::Moving(detail) => (true, detail),
        Comparison::Different(detail) => (false, detail),
    };
    Ok(InvariantCheck { name: "receivables_agree", ok, detail })
}

async fn compared(payments: &Payments) -> Result<Comparison, Problem> {
    let settled_since = payments.clock.now().minus(AGREE_WAIT_MAX);
    let owed = audit::owed(&payments.database).await?;
    Ok(match reservation::open_balances(payments.billing()?).await {
        Ok(open) => compare(&owed, &open, settled_since),
        Err(error) => Comparison::Different(format!("billing could not be asked: {error}")),
    })
}

/// The first currency that differs; one that has just changed may, while its events travel.
fn compare(owed: &[Owed], open: &[OpenBalance], settled_since: Timestamp) -> Comparison {
    let ours = |currency: Currency| owed.iter().find(|owed| owed.currency == currency);
    let theirs = |currency: Currency| open.iter().find(|open| open.currency == currency);
    let currencies =
        owed.iter().map(|owed| owed.currency).chain(open.iter().map(|open| open.currency));
    let mut compared = Comparison::Same;
    for currency in currencies {
        let here = ours(currency).map_or(0, |owed| owed.owed_minor);
        let there = theirs(currency).map_or(0, OpenBalance::owed_minor);
        if here == there {
            continue;
        }
        let both = format!("in {currency} customers owe {here} here, {there} in billing");
        if ours(currency).is_none_or(|owed| owed.last_at <= settled_since) {
            return Comparison::Different(both);
        }
        compared = Comparison::Moving(format!("not compared, postings are under way: {both}"));
    }
    compared
}

fn agree(stage: Stage, said: Option<ReservationStatus>) -> bool {
    match stage {
        Stage::Succeeded => said == Some(ReservationStatus::Settled),
        Stage::Failed => said != Some(ReservationStatus::Held),
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn owed(currency: &str, owed_minor: i64, seconds: i64) -> Owed {
        let last_at = Timestamp::from_seconds(seconds);
        Owed { currency: currency.parse().unwrap(), owed_minor, last_at }
    }

    fn open(currency: &str, minor: i64) -> OpenBalance {
        let said = json!({"currency": currency, "open_minor": minor, "unapplied_minor": 0});
        serde_json::from_value(said).unwrap()
    }

    #[test]
    fn what_moves_is_not_said_to_be_the_same() {
        let settled_since = Timestamp::from_seconds(100);
        let compared = |owed: &[Owed], open: &[OpenBalance]| compare(owed, open, settled_since);
        assert_eq!(compared(&[], &[]), Comparison::Same);
        assert_eq!(compared(&[owed("USD", 7, 200)], &[open("USD", 7)]), Comparison::Same);

        let moving = compared(&[owed("USD", 7, 200)], &[open("USD", 5)]);
        let told =
            "not compared, postings are under way: in USD customers owe 7 here, 5 in billing";
        assert_eq!(moving, Comparison::Moving(told.to_owned()));
        for settled in [
            compared(&[owed("USD", 7, 100)], &[open("USD", 5)]),
            compared(&[], &[open("USD", 5)]),
            compared(&[owed("EUR", 1, 200), owed("USD", 7, 50)], &[open("USD", 5)]),
        ] {
            assert!(matches!(settled, Comparison::Different(_)), "{settled:?}");
        }
    }
}
