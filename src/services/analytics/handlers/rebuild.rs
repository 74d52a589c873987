//! Building the facts anew from the events that were heard.
use actix_web::web::Data;
use busbar_http::{Caller, Found, Problem, Reply, RequestId};
use serde_json::json;

use crate::audit;

use super::super::Analytics;
use super::super::model::generation::RebuildView;
use super::super::rebuild;
use super::super::store::generation;

/// `POST /analytics/rebuild`: 202 with the rebuild that has begun, or is under way already.
pub(crate) async fn begin(
    analytics: Data<Analytics>,
    caller: Caller,
    request: RequestId,
) -> Result<Reply, Problem> {
    caller.require_admin()?;
    let now = analytics.clock.now();
    analytics
        .database
        .transaction(async |tx| {
            let begun = rebuild::begin(tx, now).await?;
            let seen = generation::newest_seen(tx).await?;
            let view = RebuildView::of(&seen);
            let view = view.ok_or_else(|| Problem::internal("no generation is in use"))?;
            if begun {
                let entry = audit::Entry {
                    actor: format!("user/{}", caller.subject),
                    action: "analytics.rebuild_begun",
                    subject: "analytics".to_owned(),
                    request_id: Some(request.id().to_owned()),
                    at: now,
                    details: json!({ "rebuild": &view }),
                };
                audit::record(tx, &entry).await?;
            }
            Reply::first(202, &view)
        })
        .await
}

/// `GET /analytics/rebuild`: which facts are in use, and how far a rebuild has come.
pub(crate) async fn show(
    analytics: Data<Analytics>,
    caller: Caller,
) -> Result<Found<RebuildView>, Problem> {
    caller.require_staff()?;
    let generations = generation::newest(&analytics.database).await?;
    let view = RebuildView::of(&generations);
    view.map(Found).ok_or_else(|| Problem::internal("no generation is in use"))
}
