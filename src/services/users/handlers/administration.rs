//! What administrators do to accounts: roles, suspension, the end of a lockout.

use actix_web::web::Data;
use busbar_http::{Body, Kind, Path, Problem, Reply};
use serde_json::{Value, json};

use crate::storage::Transaction;
use crate::types::UserId;

use super::super::Users;
use super::super::events::{self, UserSuspended};
use super::super::model::SessionEnd;
use super::super::model::user::{RoleChange, Status, User};
use super::super::problem::{
    LAST_ADMINISTRATOR, USER_NOT_FOUND, USER_NOT_SUSPENDED, USER_SUSPENDED,
};
use super::super::store::{self, administration, throttle};
use super::guess::account_key;
use super::person::Person;

/// `PUT /users/{id}/roles`. Access tokens that say another role are withdrawn; the next refresh
/// gives one that says this.
pub(crate) async fn give_role(
    users: Data<Users>,
    person: Person,
    Path(id): Path<UserId>,
    Body(RoleChange { role }): Body<RoleChange>,
) -> Result<Reply, Problem> {
    person.require_admin()?;
    let (act, proof) = (&person.act, users.section.email_verification);
    let changed = users.database.transaction(async |tx| {
        administration::line_up(tx).await?;
        let Some(user) = administration::give_role(tx, id, role, proof, act.at).await? else {
            return Err(why_not(tx, id, |_| LAST_ADMINISTRATOR).await?);
        };
        events::note(tx, act, "user.role_changed", id, json!({ "role": role })).await?;
        Ok::<_, Problem>(user)
    });
    Reply::first(200, &changed.await?)
}

/// `POST /users/{id}/suspend`: ends all sessions, and none can be begun. Codes for a new password
/// that were asked for before are good for nothing, also once the user is let in again.
pub(crate) async fn suspend(
    users: Data<Users>,
    person: Person,
    Path(id): Path<UserId>,
) -> Result<Reply, Problem> {
    person.require_admin()?;
    let (act, reason) = (&person.act, SessionEnd::Admin);
    let proof = users.section.email_verification;
    let changed = users.database.transaction(async |tx| {
        administration::line_up(tx).await?;
        let Some(user) = administration::suspend(tx, id, proof, act.at).await? else {
            let why = |user: &User| match user.status {
                Status::Suspended => USER_SUSPENDED,
                Status::PendingVerification | Status::Active => LAST_ADMINISTRATOR,
            };
            return Err(why_not(tx, id, why).await?);
        };
        store::reset::supersede(tx, id, act.at).await?;
        let ended = store::session::revoke_all(tx, id, None, reason, act.at).await?;
        events::tell(tx, act, &UserSuspended { user_id: id }).await?;
        events::tell_ended(tx, act, id, &ended, reason).await?;
        Ok::<_, Problem>(user)
    });
    Reply::first(200, &changed.await?)
}

/// `POST /users/{id}/reactivate`.
pub(crate) async fn reactivate(
    users: Data<Users>,
    person: Person,
    Path(id): Path<UserId>,
) -> Result<Reply, Problem> {
    person.require_admin()?;
    let act = &person.act;
    let changed = users.database.transaction(async |tx| {
        let Some(user) = administration::reactivate(tx, id, act.at).await? else {
            return Err(why_not(tx, id, |_| USER_NOT_SUSPENDED).await?);
        };
        events::note(tx, act, "user.reactivated", id, Value::Null).await?;
        Ok::<_, Problem>(user)
    });
    Reply::first(200, &changed.await?)
}

/// `POST /users/{id}/unlock`: wrong passwords so far are forgotten, and the wait they led to.
pub(crate) async fn unlock(
    users: Data<Users>,
    person: Person,
    Path(id): Path<UserId>,
) -> Result<Reply, Problem> {
    person.require_admin()?;
    let act = &person.act;
    let unlocked = users.database.transaction(async |tx| {
        let user = store::user::current(tx, id).await?.ok_or(USER_NOT_FOUND)?;
        if throttle::remove(tx, &account_key(&users, &user.email)).await? {
            events::note(tx, act, "user.unlocked", id, Value::Null).await?;
        }
        Ok::<_, Problem>(user)
    });
    Reply::first(200, &unlocked.await?)
}

/// Why a guarded statement has changed nothing.
async fn why_not(
    tx: &mut Transaction<'_>,
    id: UserId,
    why: impl FnOnce(&User) -> Kind,
) -> Result<Problem, Problem> {
    let user = store::user::current(tx, id).await?;
    Ok(user.map_or(USER_NOT_FOUND, |user| why(&user)).problem())
}
