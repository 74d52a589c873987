//! What payments hold of bills, and what becomes of it when they end.

use busbar::types::PaymentId;
use futures_util::future::join_all;
use serde_json::json;

use super::office::{Office, draft, on_both};
use crate::support::{Answer, Person};

/// The same order twelve times at once: one is new, the others find it.
async fn order_at_once(
    office: &Office,
    payment: PaymentId,
    bill: &str,
    payer: &Person,
) -> Vec<Answer> {
    let answers = join_all((0..12).map(|_| office.reserve(payment, bill, payer, 4_496))).await;
    let made = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((made(201), made(200)), (1, 11), "{answers:?}");
    answers
}

on_both! {
    /// Ten payments of 3000 at once for a bill of 10000: exactly three hold a part.
    async fn no_more_is_held_than_is_owed(office: Office) {
        let alice = office.customer();
        let id = office.issued(&alice, 10_000).await;
        let orders = (0..10).map(|_| office.reserve(PaymentId::new(), &id, &alice, 3_000));
        let answers = join_all(orders).await;
        let held = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(held, 3);
        for refused in answers.into_iter().filter(|answer| answer.status != 201) {
            let problem = refused.expect_problem(409, "bill_amount_reserved");
            assert_eq!(problem["available_minor"], 1_000);
            assert!(problem["by_payment_id"].is_string(), "{problem}");
        }
        let bill = office.bill(&id).await;
        assert_eq!((&bill["reserved_minor"], &bill["balance_minor"]), (&json!(9_000), &json!(10_000)));
        assert_eq!(office.balance(&alice).await, (10_000, 9_000, 0));
    }

    /// The same order, however often and at once, is one reservation.
    async fn a_repeated_order_is_the_same_reservation(office: Office) {
        let alice = office.customer();
        let (id, payment) = (office.issued(&alice, 4_496).await, PaymentId::new());
        let answers = order_at_once(&office, payment, &id, &alice).await;
        for _ in 0..10 {
            let (id, payment) = (office.issued(&alice, 4_496).await, PaymentId::new());
            order_at_once(&office, payment, &id, &alice).await;
        }
        let first = answers.into_iter().find(|answer| answer.status == 201).unwrap().expect(201);
        assert_eq!((&first["status"], &first["amount_minor"]), (&json!("held"), &json!(4_496)));
        assert_eq!((&first["user_id"], &first["provider_id"]), (&json!(alice.id), &json!("river-power")));
        let bill = office.bill(&id).await;
        assert_eq!((&bill["reserved_minor"], &bill["number"]), (&json!(4_496), &first["bill_number"]));

        let other = office.reserve(payment, &id, &alice, 4_495).await;
        other.expect_problem(409, "reservation_mismatch");
        let shown = office.payments().get(&format!("/internal/reservations/{payment}")).await;
        assert_eq!(shown.expect(200), first);
        let unknown = format!("/internal/reservations/{}", PaymentId::new());
        office.payments().get(&unknown).await.expect_problem(404, "reservation_not_found");
    }

    /// Parts are paid until nothing is owed; each end is taken in once, in whatever form it comes.
    async fn payments_settle_what_they_hold(office: Office) {
        let alice = office.customer();
        let id = office.issued(&alice, 10_000).await;
        let [first, second, third] = [(); 3].map(|()| PaymentId::new());
        office.reserve(first, &id, &alice, 3_000).await.expect(201);
        office.reserve(second, &id, &alice, 7_000).await.expect(201);
        office.hear("succeeded", first, &id, &alice, 3_000).await;
        office.hear("succeeded", first, &id, &alice, 3_000).await;
        let bill = office.bill(&id).await;
        assert_eq!((&bill["status"], &bill["balance_minor"]), (&json!("partially_paid"), &json!(7_000)));

        office.hear("failed", second, &id, &alice, 7_000).await;
        office.hear("cancelled", second, &id, &alice, 7_000).await;
        let late = office.reserve(second, &id, &alice, 7_000).await;
        late.expect_problem(409, "reservation_released");
        let settled = office.reserve(first, &id, &alice, 3_000).await.expect(200);
        assert_eq!(settled["status"], "settled");

        let more = office.reserve(third, &id, &alice, 7_001).await;
        let more = more.expect_problem(409, "amount_exceeds_available");
        assert_eq!(more["available_minor"], 7_000);
        office.reserve(third, &id, &alice, 7_000).await.expect(201);
        office.hear("succeeded", third, &id, &alice, 7_000).await;
        let bill = office.bill(&id).await;
        assert_eq!((&bill["status"], &bill["balance_minor"]), (&json!("paid"), &json!(0)));
        assert_eq!((&bill["settled_minor"], &bill["reserved_minor"]), (&json!(10_000), &json!(0)));
        let late = office.reserve(PaymentId::new(), &id, &alice, 1).await;
        late.expect_problem(409, "bill_already_paid");
        assert_eq!(office.said(&id).await, ["bill.drafted", "bill.issued", "bill.reserved",
            "bill.reserved", "bill.partially_paid", "bill.reservation_released", "bill.reserved",
            "bill.paid"]);
        assert_eq!(office.balance(&alice).await, (0, 0, 0));
        let counted = office.metrics.text();
        assert!(counted.contains("busbar_billing_bills_total{event=\"paid\"} 1"), "{counted}");
    }

    /// A failure that is heard of before the order to reserve leaves nothing held.
    async fn a_late_order_holds_nothing(office: Office) {
        let alice = office.customer();
        let (id, payment) = (office.issued(&alice, 500).await, PaymentId::new());
        office.hear("cancelled", payment, &id, &alice, 500).await;
        let late = office.reserve(payment, &id, &alice, 500).await;
        late.expect_problem(409, "reservation_released");
        assert_eq!(office.bill(&id).await["reserved_minor"], 0);
    }

    /// Money that came without a reservation goes on the bill, as far as the bill takes it; the
    /// rest is on a list that staff see. Nothing of it is counted twice.
    async fn money_without_a_reservation_is_not_lost(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let id = office.issued(&alice, 10_000).await;
        let [held, surprising, late] = [(); 3].map(|()| PaymentId::new());
        office.reserve(held, &id, &alice, 4_000).await.expect(201);
        for _ in 0..2 {
            office.hear("succeeded", surprising, &id, &alice, 8_000).await;
        }
        let bill = office.bill(&id).await;
        assert_eq!((&bill["settled_minor"], &bill["reserved_minor"]), (&json!(6_000), &json!(4_000)));
        assert_eq!(office.balance(&alice).await, (4_000, 4_000, 2_000));
        office.hear("succeeded", held, &id, &alice, 4_000).await;
        assert_eq!(office.bill(&id).await["status"], "paid");
        office.hear("succeeded", late, &id, &alice, 10).await;
        let nowhere = PaymentId::new().to_string();
        office.hear("succeeded", PaymentId::new(), &nowhere, &alice, 77).await;

        let listed = staff.get("/billing/unapplied-payments").await.expect(200);
        let listed: Vec<_> = listed["data"].as_array().unwrap().iter().rev()
            .map(|one| (one["reason"].as_str().unwrap(), one["amount_minor"].as_i64().unwrap()))
            .collect();
        let expected =
            [("balance_exceeded", 2_000), ("balance_exceeded", 10), ("bill_unknown", 77)];
        assert_eq!(listed, expected);
        assert_eq!(office.balance(&alice).await, (0, 0, 2_087));
        let counted = office.metrics.text();
        assert!(counted.contains("busbar_billing_unapplied_payments_total 3"), "{counted}");
    }

    /// A released payment that succeeded after all is on its bill.
    async fn a_success_after_a_release_counts(office: Office) {
        let alice = office.customer();
        let (id, payment) = (office.issued(&alice, 500).await, PaymentId::new());
        office.reserve(payment, &id, &alice, 500).await.expect(201);
        office.hear("failed", payment, &id, &alice, 500).await;
        office.hear("succeeded", payment, &id, &alice, 500).await;
        let bill = office.bill(&id).await;
        assert_eq!((&bill["status"], &bill["settled_minor"]), (&json!("paid"), &json!(500)));
    }

    /// What is no payment is refused, so that somebody looks at it.
    async fn a_payment_of_nothing_is_refused(office: Office) {
        let alice = office.customer();
        let id = office.issued(&alice, 500).await;
        let result = office.try_hear("succeeded", PaymentId::new(), &id, &alice, 0).await;
        assert_eq!(result, "refused");
        assert_eq!(office.balance(&alice).await, (500, 0, 0));
    }

    /// Refusals name what is wrong; an exact bill is paid as a whole; staff may pay for others.
    async fn an_order_that_does_not_fit_is_refused(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let mut exact = draft(&alice.id, 700);
        exact["exactness"] = json!("exact");
        let id = office.drafted(&staff, exact).await;
        let early = office.reserve(PaymentId::new(), &id, &alice, 700).await;
        early.expect_problem(404, "bill_not_found");
        let order = |amount: i64, currency: &str, is_staff: bool| {
            let payer = if is_staff { &staff.id } else { &alice.id };
            let order = json!({"payment_id": PaymentId::new(), "bill_id": id, "user_id": payer,
                "is_staff": is_staff, "amount_minor": amount, "currency": currency});
            let payments = office.payments();
            async move { payments.post("/internal/reservations", order).await }
        };
        order(700, "USD", true).await.expect_problem(409, "bill_not_payable");
        staff.keyed("i").post(&format!("/bills/{id}/issue"), json!({})).await.expect(200);
        order(0, "USD", false).await.expect_problem(422, "amount_below_minimum");
        order(700, "EUR", false).await.expect_problem(422, "currency_mismatch");
        let part = order(699, "USD", false).await.expect_problem(422, "amount_not_allowed");
        assert_eq!(part["exactness"], "exact");
        let paid = order(700, "USD", true).await.expect(201);
        assert_eq!(paid["user_id"], json!(alice.id), "who owes, not who pays");
        let taken = order(700, "USD", false).await.expect_problem(409, "bill_amount_reserved");
        assert_eq!((&taken["available_minor"], taken.get("by_payment_id")), (&json!(0), None));
    }

    /// Orders, ends and surprises of many payments at once: what is held and paid is never more
    /// than the bill, and every unit that came is on it or on the list.
    async fn no_order_of_events_loses_money(office: Office) {
        let alice = office.customer();
        let id = office.issued(&alice, 20_000).await;
        let lives = (0..30_i64).map(|number| {
            let (office, alice, id, payment) =
                (office.clone(), alice.clone(), id.clone(), PaymentId::new());
            async move {
                let minor = 500 + 100 * number;
                let held = match number % 3 {
                    0 => false,
                    _ => office.reserve(payment, &id, &alice, minor).await.status == 201,
                };
                let has_money = match number % 3 {
                    1 => held,
                    2 => held && number % 2 == 0,
                    _ => true,
                };
                let what = if has_money { "succeeded" } else { "failed" };
                while office.try_hear(what, payment, &id, &alice, minor).await != "accepted" {}
                if has_money { minor } else { 0 }
            }
        });
        let came: i64 = join_all(lives).await.into_iter().sum();
        let bill = office.bill(&id).await;
        let minor = |name: &str| bill[name].as_i64().unwrap();
        assert_eq!((minor("reserved_minor"), minor("settled_minor") + minor("balance_minor")), (0, 20_000));
        let (open, reserved, unapplied) = office.balance(&alice).await;
        assert_eq!((open, reserved), (minor("balance_minor"), 0));
        assert_eq!(minor("settled_minor") + unapplied, came);
        let history = office.said(&id).await;
        assert_eq!(i64::try_from(history.len()).unwrap(), minor("version"), "{history:?}");
    }
}
