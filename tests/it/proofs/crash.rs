//! A service crashes, and later is restarted, under load: nobody who asks notices, and whoever looks
//! after it is told what happened. `BUSBAR_TEST_PROOF_RATE` says how many requests a second.

use std::sync::atomic::Ordering::SeqCst;

use busbar::types::ServiceName;

use super::asked;
use super::faults::{Kind, happen};
use super::load::Load;
use super::rounds::RULES;
use crate::support::{Engine, TestSystem};

const PER_SECOND: usize = 40;
/// Answers before, between and behind.
const STRETCH: usize = 60;

async fn nobody_notices(engine: Engine) {
    let system = TestSystem::prepare_apart(engine);
    system.launch_with(&RULES).await;
    system.expect_faults();
    let mut load = Load::start(&system, asked("BUSBAR_TEST_PROOF_RATE", PER_SECOND)).await;
    for kind in [Kind::Crash, Kind::Restart] {
        load.runs_for(STRETCH).await;
        happen(&system, ServiceName::Payments, kind).await;
    }
    load.runs_for(STRETCH).await;
    let sent = load.end();

    let bad: Vec<_> = sent.iter().filter_map(|sent| sent.bad.as_ref()).collect();
    assert!(bad.is_empty(), "{bad:#?}\n{}", system.log().join("\n"));
    let whole = |sent: &super::load::Sent| sent.cuts.is_empty() && sent.closed.is_empty();
    assert!(sent.iter().all(whole), "a connection to the gateway broke");
    // All ports were knocked at, that of payments, too.
    assert_eq!(load.refused.load(SeqCst), 0, "connections were refused");
    load.is_paid_once(&system).await;

    let told = system.service(ServiceName::Payments).await;
    assert_eq!((&told["restarts"], &told["generation"]), (&2.into(), &3.into()), "{told}");
    let [restart, crash] = &told["exits"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!(restart["reason"], "admin");
    assert_eq!(
        (&crash["reason"], &crash["message"]),
        (&"panic".into(), &"an injected panic of the incarnation".into())
    );
    assert!(crash["location"].as_str().unwrap().contains("src/faults/"), "{crash}");
    system.finish().await;
}

#[actix_web::test]
async fn nobody_notices_sqlite() {
    nobody_notices(Engine::Sqlite).await;
}

#[actix_web::test]
async fn nobody_notices_postgres() {
    nobody_notices(Engine::Postgres).await;
}
