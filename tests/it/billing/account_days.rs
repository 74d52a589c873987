//! A day of a service account is on one bill.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::neighbours::{household, order};
use super::office::{Office, draft, on_both};

fn of_period(usage: &Value, start: &str, end: &str) -> Value {
    let mut body = order(usage);
    body["period"] = json!({"start": start, "end": end});
    body
}

on_both! {
    /// A day that is on a bill is not billed again, until that bill is void or thrown away.
    async fn a_day_is_billed_once(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let usage = household(&alice.id);
        office.neighbours.usage_is(200, usage.clone());
        let march = office.drafted(&staff, order(&usage)).await;
        let overlapping = of_period(&usage, "2026-03-30", "2026-04-30");
        for path in ["/bills/preview", "/bills"] {
            let refused = staff.post(path, overlapping.clone()).await;
            assert_eq!(refused.expect_problem(409, "period_overlap")["bill_id"], json!(march));
        }
        let april = of_period(&usage, "2026-03-31", "2026-04-30");
        let april = office.drafted(&staff, april).await;

        // Stated bills of an account count as well, and so does a draft that is moved.
        let mut stated = draft(&alice.id, 5);
        stated["service_account_id"] = usage["service_account"]["id"].clone();
        stated["period"] = json!({"start": "2026-02-01", "end": "2026-03-02"});
        staff.post("/bills", stated.clone()).await.expect_problem(409, "period_overlap");
        stated["period"] = json!({"start": "2026-02-01", "end": "2026-03-01"});
        let stated = office.drafted(&staff, stated).await;
        let moved = json!({"period": {"start": "2026-02-01", "end": "2026-04-01"}});
        let moved = staff.patch(&format!("/bills/{stated}"), moved).await;
        moved.expect_problem(409, "period_overlap");
        let shorter = json!({"period": {"start": "2026-02-01", "end": "2026-02-15"}});
        staff.patch(&format!("/bills/{stated}"), shorter).await.expect(200);

        staff.keyed("i").post(&format!("/bills/{march}/issue"), json!({})).await.expect(200);
        staff.post("/bills", overlapping.clone()).await.expect_problem(409, "period_overlap");
        staff.post(&format!("/bills/{march}/void"), json!({})).await.expect(200);
        assert_eq!(staff.delete(&format!("/bills/{april}")).await.status, 204);
        staff.post("/bills", overlapping).await.expect(201);
        // Others are billed for whatever days they like.
        let bob = office.customer();
        let usage = household(&bob.id);
        office.neighbours.usage_is(200, usage.clone());
        staff.post("/bills", order(&usage)).await.expect(201);
    }

    /// Of many at once one is drafted, and the others are told which.
    async fn of_many_drafts_at_once_one_is_made(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let usage = household(&alice.id);
        office.neighbours.usage_is(200, usage.clone());
        let tries = (1..=8).map(|day| {
            let staff = staff.clone();
            let body = of_period(&usage, &format!("2026-03-{day:02}"), "2026-03-31");
            async move { staff.post("/bills", body).await }
        });
        let answers = join_all(tries).await;
        let (made, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!((made.len(), refused.len()), (1, 7));
        for refused in refused {
            let problem = refused.expect_problem(409, "period_overlap");
            assert_eq!(problem["bill_id"], made[0].json["id"]);
        }
    }
}
