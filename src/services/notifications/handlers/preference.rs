//! Who wants what by which way: each person says so for themselves.

use actix_web::web::Data;
use busbar_http::precondition::version_mismatch;
use busbar_http::{Body, Caller, IfMatch, Problem, Reply};

use super::super::Notifications;
use super::super::model::preference::{PreferenceView, Preferences};
use super::super::store::preference;
use super::own;

/// `GET /notifications/preferences`.
pub(crate) async fn show(
    notifications: Data<Notifications>,
    caller: Caller,
) -> Result<Reply, Problem> {
    let stored = preference::of_user(&notifications.database, own(&caller)).await?;
    Reply::first(200, &PreferenceView::new(own(&caller), stored.as_ref())?)
}

/// `PUT /notifications/preferences`: what is not said is as it is for somebody new.
pub(crate) async fn replace(
    notifications: Data<Notifications>,
    caller: Caller,
    if_match: IfMatch,
    Body(preferences): Body<Preferences>,
) -> Result<Reply, Problem> {
    preferences.check()?;
    let categories = serde_json::to_string(&preferences.categories).map_err(Problem::internal)?;
    let (user, now) = (own(&caller), notifications.clock.now());
    let replaced = notifications.database.transaction(async |tx| {
        let stored = preference::seen(tx, user).await?;
        let version = stored.map_or(0, |stored| stored.version);
        if_match.require(version)?;
        let put = preference::put(tx, user, &preferences, &categories, version, now).await?;
        let put = put.ok_or_else(|| version_mismatch(version))?;
        PreferenceView::new(user, Some(&put))
    });
    Reply::first(200, &replaced.await?)
}
