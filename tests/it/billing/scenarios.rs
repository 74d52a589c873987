//! Bills through the gateway of the real program, beside payments and users.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::orders::{draft, order};
use crate::support::{Answer, MONEY, Person, TestSystem, both_engines};

/// Pays a bill as often as there are keys, all at once.
async fn pay_at_once(payer: &Person, bill: &str, minor: i64, keys: usize) -> Vec<Answer> {
    let orders = (0..keys).map(|number| {
        let payer = payer.keyed(&format!("{bill}-{number}"));
        let order = order(bill, minor, "tok_ok");
        async move { payer.post("/api/payments", order).await }
    });
    join_all(orders).await
}

/// Waits until the bill has this balance and nothing of it is held.
async fn balance_becomes(system: &TestSystem, payer: &Person, bill: &str, minor: i64) -> Value {
    let path = format!("/api/bills/{bill}");
    let mut bill = Value::Null;
    system
        .eventually("the bill has its balance", async || {
            bill = payer.get(&path).await.expect(200);
            bill["balance_minor"] == minor && bill["reserved_minor"] == 0
        })
        .await;
    bill
}

both_engines! {
    with &MONEY;

    /// Two payments of the whole bill at once: one succeeds, the other is told that it is taken.
    async fn of_two_payers_one_pays(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4_496).await;
        let answers = pay_at_once(&alice, &bill, 4_496, 2).await;
        let (paid, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!((paid.len(), refused.len()), (1, 1));
        let code = refused[0].code();
        assert!(["bill_amount_reserved", "bill_already_paid"].contains(&code), "{}", refused[0]);
        let bill = balance_becomes(&system, &alice, &bill, 0).await;
        assert_eq!((&bill["status"], &bill["settled_minor"]), (&json!("paid"), &json!(4_496)));
    }

    /// Ten payments of 3000 at once for a bill of 10000: three succeed, seven are told what is left.
    async fn of_ten_payments_three_fit(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 10_000).await;
        let answers = pay_at_once(&alice, &bill, 3_000, 10).await;
        let paid = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(paid, 3, "{}", answers.iter().map(Answer::to_string).collect::<String>());
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(refused.status, 409, "{refused}");
            assert_eq!(refused.json["available_minor"], 1_000, "{refused}");
        }
        let bill = balance_becomes(&system, &alice, &bill, 1_000).await;
        assert_eq!(bill["status"], "partially_paid");
    }

    /// Nobody sees or touches another person's bill, by any verb, nor right after its owner did.
    async fn the_bill_of_another_is_not_there(system: TestSystem) {
        let (alice, victor) = (system.person("alice").await, system.person("victor").await);
        let id = system.issued_bill(&alice, 100).await;
        let path = format!("/api/bills/{id}");
        for _ in 0..3 {
            assert_eq!(alice.get(&path).await.expect(200)["id"], json!(id));
            victor.get(&path).await.expect_problem(404, "bill_not_found");
        }
        let keyed = victor.keyed("k");
        for answer in [
            victor.get(&format!("{path}/events")).await,
            victor.patch(&path, json!({"due_on": "2099-01-01"})).await,
            victor.delete(&path).await,
            keyed.post(&format!("{path}/issue"), json!({})).await,
            victor.post(&format!("{path}/void"), json!({})).await,
            victor.get(&format!("/api/bills/user/{}", alice.id)).await,
            keyed.post("/api/payments", order(&id, 100, "tok_ok")).await,
        ] {
            answer.expect_problem(404, "bill_not_found");
        }
        let own = victor.get("/api/bills").await.expect(200);
        assert_eq!(own["data"], json!([]));
        system.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
        let inside = victor.get("/api/internal/balances").await;
        assert_eq!(inside.status, 404, "{inside}");
    }

    /// Nobody sets what billing decides.
    async fn a_bill_takes_no_state_from_outside(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        for (member, value) in
            [("status", json!("paid")), ("number", json!("X-1")), ("settled_minor", json!(4_496))]
        {
            let mut body = draft(&alice.id, 4_496);
            body[member] = value;
            let problem = admin.post("/api/bills", body).await.expect_problem(422, "unknown_field");
            assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"));
        }
    }

    /// The process is killed with a number in its hand: the next bill gets that number.
    async fn a_kill_while_a_bill_is_issued_leaves_no_gap(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let first = system.issued_bill(&alice, 1).await;
        let cut = admin.post("/api/bills", draft(&alice.id, 2)).await.expect(201);
        let issue = format!("/api/bills/{}/issue", cut["id"].as_str().unwrap());

        system.kill();
        system.launch_with(&[("BUSBAR_FAILPOINT", "billing.after_number")]).await;
        let (pressing, path) = (admin.keyed("cut"), issue.clone());
        actix_rt::spawn(async move {
            let method = awc::http::Method::POST;
            drop(pressing.try_send(method, &path, Some("{}".into())).await);
        });
        system.wait_for_log("failpoint reached: billing.after_number").await;
        system.kill();
        system.start_again().await;

        let second = system.issued_bill(&alice, 3).await;
        let third = admin.keyed("cut").post(&issue, json!({})).await.expect(200);
        assert_eq!(third["id"], cut["id"]);
        let number = async |id: &str| {
            let bill = alice.get(&format!("/api/bills/{id}")).await.expect(200);
            bill["number"].as_str().unwrap().rsplit('-').next().unwrap().to_owned()
        };
        let numbers = [number(&first).await, number(&second).await];
        assert_eq!(numbers, ["000001", "000002"]);
        assert!(third["number"].as_str().unwrap().ends_with("-000003"), "{third}");
    }
}
