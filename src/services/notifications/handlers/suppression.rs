//! Addresses that a mail server has refused for good: staff let mail go there again.

use actix_web::web::Data;
use busbar_http::{Caller, NoContent, Path, Problem, RequestId};
use serde_json::Value;

use crate::types::UserId;

use super::super::Notifications;
use super::super::deliver::{contact, digest};
use super::super::problem::{SUPPRESSION_NOT_FOUND, USER_NOT_FOUND};
use super::super::store::suppression;
use super::put_on_record;

/// `DELETE /notifications/suppressions/{user_id}`.
pub(crate) async fn remove(
    notifications: Data<Notifications>,
    caller: Caller,
    request: RequestId,
    Path(user): Path<UserId>,
) -> Result<NoContent, Problem> {
    caller.require_staff()?;
    let address = contact(&notifications, user).await?.ok_or(USER_NOT_FOUND)?;
    let (address, now) = (digest(&address.email), notifications.clock.now());
    let removed = notifications.database.transaction(async |tx| {
        if !suppression::remove(tx, &address).await? {
            return Err(SUPPRESSION_NOT_FOUND.problem());
        }
        let (who, subject) = ((&caller, &request), format!("user/{user}"));
        put_on_record(tx, who, "suppression.removed", subject, Value::Null, now).await
    });
    removed.await?;
    Ok(NoContent)
}
