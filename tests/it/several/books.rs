//! Money and numbers: what two instances do at once is done once, and without gaps.

use busbar::types::ServiceName::{Billing, Payments};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::house::Twins;
use crate::payments::{bill_is, charges, id_of};
use crate::support::Person;
use crate::support::orders::{draft, order};

/// One key, pressed at both instances at the same time, is one payment and one charge.
#[actix_web::test]
async fn one_key_at_both_instances_is_one_payment() {
    let twins = Twins::start().await;
    let (system, admin) = (&twins.system, twins.system.admin().await);
    let alice = system.person("alice").await;
    for round in 0..5 {
        let bill = system.issued_bill(&alice, 4496).await;
        let key = format!("round-{round}");
        let press = |number: usize| {
            let payer = twins.at(&alice, Payments, number).keyed(&key);
            let order = order(&bill, 4496, "tok_ok");
            async move { payer.post("/payments", order).await }
        };
        let answers = join_all((0..10).map(press)).await;
        let (paid, others): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 201);
        assert!(!paid.is_empty());
        let id = id_of(&paid[0].json);
        assert!(paid.iter().all(|answer| id_of(&answer.json) == id));
        for other in others {
            other.expect_problem(409, "idempotency_in_flight");
        }
        for instance in 0..2 {
            let again = twins.at(&alice, Payments, instance).keyed(&key);
            let again = again.post("/payments", order(&bill, 4496, "tok_ok")).await;
            assert_eq!(again.header("idempotency-replayed"), "true", "{again}");
            assert_eq!(id_of(&again.expect(201)), id);
        }
        assert_eq!(charges(&admin, &id).await.len(), 1);
        bill_is(system, &alice, &bill, "paid").await;
    }
    let listed = alice.get("/api/payments?limit=100").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 5);
    twins.finish().await;
}

/// Two payments of one bill, each at another instance: it is paid once, and the other is refused.
#[actix_web::test]
async fn a_bill_is_not_paid_twice_at_two_instances() {
    let twins = Twins::start().await;
    let alice = twins.system.person("alice").await;
    for round in 0..5 {
        let bill = twins.system.issued_bill(&alice, 4496).await;
        let press = |number: usize| {
            let payer = twins.at(&alice, Payments, number).keyed(&format!("{round}-{number}"));
            let order = order(&bill, 4496, "tok_ok");
            async move { payer.post("/payments", order).await }
        };
        let answers = join_all((0..6).map(press)).await;
        let paid = answers.iter().filter(|answer| answer.status == 201);
        let paid = paid.filter(|answer| answer.json["status"] == "succeeded").count();
        let shown: Vec<String> = answers.iter().map(ToString::to_string).collect();
        assert_eq!(paid, 1, "{shown:?}");
        bill_is(&twins.system, &alice, &bill, "paid").await;
        let bill = alice.get(&format!("/api/bills/{bill}")).await.expect(200);
        assert_eq!(bill["settled_minor"], 4496, "{bill}");
    }
    twins.finish().await;
}

/// Bills that are issued at both instances at once have the numbers 1 to n, each once.
#[actix_web::test]
async fn numbers_have_no_gaps_over_two_instances() {
    const BILLS: usize = 60;
    const PATIENT_TIMES: usize = 5;
    let twins = Twins::start().await;
    let admin = twins.system.admin().await;
    let alice = twins.system.person("alice").await;
    let drafted = |number: usize| {
        let staff = twins.at(&admin, Billing, number);
        let body = draft(&alice.id, 100);
        async move { id_of(&staff.post("/bills", body).await.expect(201)) }
    };
    let bills: Vec<String> = join_all((0..BILLS).map(drafted)).await;
    // Each at both, under one key, and some under two.
    let issue = |(number, id): (usize, &String)| {
        let both = [0, 1].map(|instance| {
            let key = if number % 3 == 0 { format!("{id}-{instance}") } else { id.clone() };
            (twins.at(&admin, Billing, number + instance).keyed(&key), format!("/bills/{id}/issue"))
        });
        join_all(both.map(|(staff, path): (Person, String)| async move {
            let mut answer = staff.post(&path, json!({})).await;
            // So many at once may be more than the database takes; what is keyed is asked again.
            for _ in 0..PATIENT_TIMES {
                if answer.status == 503 {
                    answer = staff.post(&path, json!({})).await;
                }
            }
            answer
        }))
    };
    let answers = join_all(bills.iter().enumerate().map(issue)).await;
    for pair in &answers {
        assert!(pair.iter().any(|answer| answer.status == 200), "{} {}", pair[0], pair[1]);
        for other in pair.iter().filter(|answer| answer.status != 200) {
            assert_eq!(other.status, 409, "{other}");
        }
    }
    let shown = |id: &String| {
        let (alice, path) = (alice.clone(), format!("/api/bills/{id}"));
        async move { alice.get(&path).await.expect(200) }
    };
    let issued: Vec<Value> = join_all(bills.iter().map(shown)).await;
    let mut numbers: Vec<&str> =
        issued.iter().map(|bill| bill["number"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    let (start, _) = numbers[0].rsplit_once('-').unwrap();
    let expected: Vec<String> = (1..=BILLS).map(|n| format!("{start}-{n:06}")).collect();
    assert_eq!(numbers, expected);
    twins.finish().await;
}

/// Many pay through the gateway while one of the two leaves in order and comes back: nobody notices.
#[actix_web::test]
async fn one_of_two_leaves_under_load_and_comes_back() {
    const PAYERS: usize = 4;
    const EACH: usize = 12;
    let twins = Twins::start().await;
    let mut bills = Vec::new();
    for payer in 0..PAYERS {
        let person = twins.system.person(&format!("payer-{payer}")).await;
        let mut own = Vec::new();
        for _ in 0..EACH {
            own.push(twins.system.issued_bill(&person, 1_000).await);
        }
        bills.push((person, own));
    }
    let pay = |(person, own): (Person, Vec<String>)| async move {
        for bill in &own {
            let paid = person.keyed(bill).post("/api/payments", order(bill, 1_000, "tok_ok")).await;
            paid.expect(201);
        }
    };
    let leave = async {
        let mut leaving = twins.take_second();
        leaving.signal("TERM");
        assert!(leaving.ended().await.success(), "{}", leaving.log().join("\n"));
        twins.spawn_second(&[]);
        twins.second_is_ready().await;
    };
    tokio::join!(join_all(bills.clone().into_iter().map(pay)), leave);
    for (person, own) in &bills {
        for bill in own {
            bill_is(&twins.system, person, bill, "paid").await;
        }
        let listed = person.get("/api/payments?limit=100").await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), EACH);
    }
    twins.finish().await;
}
