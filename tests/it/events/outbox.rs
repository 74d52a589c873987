//! What is said is kept, numbered and claimed.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use busbar::events::{self, Event, Kind, Origin, Published, debts, kinds, outbox};
use busbar::storage::{params, sql};
use busbar::types::{EventId, ServiceName};
use busbar_http::Problem;
use serde::Serialize;

use super::stage::{BILLING, Stage, now, on_both};
use crate::support::system::Engine;

sql! {
    SAID = "SELECT event AS value FROM outbox WHERE subject = $1 ORDER BY sequence";
    EVENTS = "SELECT COUNT(*) AS value FROM outbox";
}

/// A bill is paid: said by billing, heard by utilities and others.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BillPaid {
    pub(crate) bill_id: String,
    pub(crate) step: i64,
}

impl Published for BillPaid {
    const KIND: Kind = kinds::BILL_PAID;

    fn subject(&self) -> String {
        format!("bill/{}", self.bill_id)
    }
}

pub(crate) fn paid(bill_id: &str, step: i64) -> BillPaid {
    BillPaid { bill_id: bill_id.to_owned(), step }
}

pub(crate) fn origin() -> Origin {
    Origin {
        source: BILLING,
        at: now(),
        correlation: "request-1".to_owned(),
        causation: None,
        actor: "user/1".to_owned(),
    }
}

pub(crate) async fn say(stage: &Stage, payload: &BillPaid) -> EventId {
    let said = stage.database.transaction(async |tx| outbox::publish(tx, &origin(), payload).await);
    said.await.unwrap()
}

pub(crate) async fn said(stage: &Stage, bill_id: &str) -> Vec<Event> {
    let subject = format!("bill/{bill_id}");
    let rows: Vec<(String,)> = stage.database.all(SAID, params![subject]).await.unwrap();
    rows.iter().map(|(text,)| serde_json::from_str(text).unwrap()).collect()
}

const LEASE: Duration = Duration::from_secs(30);
/// What a run of bills says at once.
const BURST: i64 = 2_000;

async fn claim(stage: &Stage, listener: ServiceName, limit: u32) -> debts::Claim {
    debts::claim(&stage.database, listener, now(), LEASE, limit).await.unwrap()
}

fn steps(claim: &debts::Claim) -> Vec<i64> {
    let step = |debt: &debts::Debt| {
        let event: Event = serde_json::from_str(&debt.event).unwrap();
        event.data["step"].as_i64().unwrap()
    };
    claim.debts.iter().map(step).collect()
}

async fn delivered(stage: &Stage, claim: &debts::Claim) -> u64 {
    let settled = stage.database.transaction(async |tx| claim.delivered(tx, now()).await);
    settled.await.unwrap()
}

on_both! {
    /// The envelope is CloudEvents 1.0, and what was rolled back was never said.
    async fn an_event_is_said_with_its_change_or_not_at_all(stage: Stage) {
        let rolled_back: Result<(), Problem> = stage
            .database
            .transaction(async |tx| {
                outbox::publish(tx, &origin(), &paid("1", 0)).await?;
                Err(Problem::internal("no"))
            })
            .await;
        assert!(rolled_back.is_err());
        assert_eq!(stage.database.one::<(i64,)>(EVENTS, params![]).await.unwrap(), (0,));

        let id = say(&stage, &paid("1", 7)).await;
        let [event] = said(&stage, "1").await.try_into().unwrap();
        assert_eq!((event.id, event.specversion.as_str()), (id, "1.0"));
        assert_eq!(event.kind, "busbar.bill.paid.v1");
        assert_eq!((event.name(), event.number()), ("bill.paid", Some(1)));
        assert_eq!((event.source.as_str(), event.subject.as_str()), ("/busbar/billing", "bill/1"));
        assert_eq!(event.dataschema, "/schemas/bill.paid/v1");
        assert_eq!(event.data, serde_json::json!({"bill_id": "1", "step": 7}));
        for backlog in debts::backlog(&stage.database).await.unwrap() {
            assert_eq!((backlog.pending, backlog.parked, backlog.oldest), (1, 0, id));
        }
        assert_eq!(debts::backlog(&stage.database).await.unwrap().len(), 4);
    }

    /// Numbers of a subject have no gaps and no twins, whoever commits when.
    async fn events_of_a_subject_commit_in_the_order_of_their_numbers(stage: Stage) {
        let tasks: Vec<_> = (0..40)
            .map(|step| {
                let stage = stage.clone();
                actix_rt::spawn(async move {
                    let fails = step % 4 == 0;
                    let outcome = stage.database.transaction(async |tx| {
                        outbox::publish(tx, &origin(), &paid("1", step)).await?;
                        if fails { Err(Problem::internal("no")) } else { Ok(()) }
                    });
                    assert_eq!(outcome.await.is_err(), fails);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let numbers: Vec<_> = said(&stage, "1").await.iter().map(|e| e.number().unwrap()).collect();
        assert_eq!(numbers, (1..=30).collect::<Vec<i64>>());
    }

    /// Only the first unsettled event of a subject is claimed, by one at a time.
    async fn a_claim_takes_the_head_of_each_subject_once(stage: Stage) {
        for step in 0..3 {
            say(&stage, &paid("1", step)).await;
        }
        say(&stage, &paid("2", 10)).await;

        let first = claim(&stage, ServiceName::Analytics, 100).await;
        assert_eq!(steps(&first), [0, 10]);
        assert!(claim(&stage, ServiceName::Analytics, 100).await.debts.is_empty());
        assert_eq!(steps(&claim(&stage, ServiceName::Webhooks, 1).await), [0]);

        assert_eq!(delivered(&stage, &first).await, 2);
        assert_eq!(delivered(&stage, &first).await, 0, "settled once");
        assert_eq!(steps(&claim(&stage, ServiceName::Analytics, 100).await), [1]);
    }

    /// A burst in a queue that the database knows as empty is claimed as quickly as any: who claims for
    /// longer than the lease would have everything carried twice.
    async fn a_burst_is_claimed_within_its_lease(stage: Stage) {
        let said = stage.database.transaction(async |tx| {
            for number in 0..BURST {
                outbox::publish(tx, &origin(), &paid(&(number / 2).to_string(), number)).await?;
            }
            Ok::<_, Problem>(())
        });
        said.await.unwrap();
        let start = Instant::now();
        let first = claim(&stage, ServiceName::Analytics, 200).await;
        assert_eq!(first.debts.len(), 200);
        assert!(start.elapsed() < LEASE, "{:?}", start.elapsed());
    }

    /// Eight claimers at once: no event is in two hands.
    async fn parallel_claims_share_nothing(stage: Stage) {
        for subject in 0..40 {
            say(&stage, &paid(&subject.to_string(), subject)).await;
        }
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let stage = stage.clone();
                actix_rt::spawn(async move { claim(&stage, ServiceName::Analytics, 10).await })
            })
            .collect();
        let mut taken = Vec::new();
        for task in tasks {
            taken.extend(steps(&task.await.unwrap()));
        }
        taken.extend(steps(&claim(&stage, ServiceName::Analytics, 100).await));
        taken.sort_unstable();
        assert_eq!(taken, (0..40).collect::<Vec<i64>>());
    }

    /// Who lost the lease changes nothing any more.
    async fn a_lost_lease_settles_nothing(stage: Stage) {
        say(&stage, &paid("1", 0)).await;
        let gone = Duration::from_millis(0);
        let first =
            debts::claim(&stage.database, ServiceName::Analytics, now(), gone, 9).await.unwrap();
        let second = claim(&stage, ServiceName::Analytics, 9).await;
        assert_eq!((steps(&first), steps(&second)), (vec![0], vec![0]));

        assert_eq!(delivered(&stage, &first).await, 0);
        let parked = stage
            .database
            .transaction(async |tx| first.park(tx, first.debts[0].id, "late").await);
        parked.await.unwrap();
        assert!(debts::parked(&stage.database, 9).await.unwrap().is_empty());
        assert_eq!(delivered(&stage, &second).await, 1);
    }

    /// A dead letter holds back its subject for its listener, until someone decides.
    async fn a_parked_event_holds_back_its_subject_only(stage: Stage) {
        let id = say(&stage, &paid("1", 0)).await;
        say(&stage, &paid("1", 1)).await;
        say(&stage, &paid("2", 10)).await;
        let listener = ServiceName::Analytics;
        let first = claim(&stage, listener, 9).await;
        let parked = stage.database.transaction(async |tx| {
            first.park(tx, id, "refused").await?;
            first.delivered(tx, now()).await
        });
        assert_eq!(parked.await.unwrap(), 1);

        assert!(claim(&stage, listener, 9).await.debts.is_empty());
        assert!(!debts::is_waiting(&stage.database, listener, now()).await.unwrap());
        assert_eq!(steps(&claim(&stage, ServiceName::Webhooks, 9).await), [0, 10]);
        let [letter] = debts::parked(&stage.database, 9).await.unwrap().try_into().unwrap();
        assert_eq!((letter.id, letter.listener.as_str()), (id, "analytics"));

        let retry = || async {
            let retry = stage.database.transaction(async |tx| {
                debts::retry(tx, id, "analytics").await
            });
            retry.await.unwrap()
        };
        assert!(retry().await);
        assert!(!retry().await, "it is no dead letter any more");
        let again = claim(&stage, listener, 9).await;
        assert_eq!(steps(&again), [0]);

        let discard = stage.database.transaction(async |tx| {
            again.park(tx, id, "refused again").await?;
            debts::discard(tx, id, "analytics", now()).await
        });
        assert!(discard.await.unwrap());
        assert_eq!(steps(&claim(&stage, listener, 9).await), [1]);
    }

    /// Old events go once nobody is owed them any more.
    async fn only_what_is_owed_to_nobody_is_forgotten(stage: Stage) {
        say(&stage, &paid("1", 0)).await;
        let prune = || async {
            let before = now().plus(Duration::from_secs(1));
            let old = outbox::is_old(&stage.database, before).await.unwrap();
            let pruned = stage.database.transaction(async |tx| outbox::prune(tx, before, 9).await);
            (old, pruned.await.unwrap())
        };
        for listener in events::kinds::BILL_PAID.listeners {
            assert_eq!(prune().await, (false, 0));
            delivered(&stage, &claim(&stage, *listener, 9).await).await;
        }
        assert_eq!(prune().await, (true, 1));
        assert!(debts::backlog(&stage.database).await.unwrap().is_empty());
    }
}

/// An event whose transaction began first and commits last is claimed all the same. (SQLite has
/// one writer at a time, and so no late commit.)
#[actix_rt::test]
async fn a_late_commit_is_not_missed() {
    let stage = Stage::open(Engine::Postgres).await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go, may_go) = tokio::sync::oneshot::channel::<()>();
    let signals = RefCell::new(Some((begun, may_go)));
    let slow = stage.clone();
    let early = actix_rt::spawn(async move {
        let early = slow.database.transaction(async |tx| {
            outbox::publish(tx, &origin(), &paid("early", 0)).await?;
            let (begun, may_go) = signals.take().expect("it runs once");
            begun.send(()).unwrap();
            may_go.await.map_err(Problem::internal)
        });
        early.await.unwrap();
    });
    has_begun.await.unwrap();
    let later = say(&stage, &paid("later", 1)).await;
    let first = claim(&stage, ServiceName::Analytics, 9).await;
    assert_eq!(steps(&first), [1]);
    assert_eq!(delivered(&stage, &first).await, 1);

    go.send(()).unwrap();
    early.await.unwrap();
    let second = claim(&stage, ServiceName::Analytics, 9).await;
    assert_eq!(steps(&second), [0]);
    assert!(second.debts[0].id < later, "its id is older than what was delivered before it");
    stage.close().await;
}
