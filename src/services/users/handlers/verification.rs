//! The proof of an address: asked for, mailed by another service, shown.

use std::time::Duration;

use actix_web::web::Data;
use busbar_http::problem::kinds;
use busbar_http::{Body, Found, Path, Problem, Reply, RequestId, ServiceCaller};

use crate::storage::Transaction;
use crate::types::{ServiceName, Timestamp, UserId};

use super::super::Users;
use super::super::events::{self, Act, UserVerified, VerificationRequested};
use super::super::lockout::Tally;
use super::super::model::VerificationId;
use super::super::model::user::{Status, User};
use super::super::model::verification::{
    Proof, RESEND_WAIT, Resend, Resent, Verification, VerificationMail,
};
use super::super::problem::{USER_NOT_FOUND, VERIFICATION_INVALID, VERIFICATION_NOT_FOUND};
use super::super::store::{self, throttle};
use super::counters::Counters;
use super::visitor::Visitor;

/// `POST /auth/email/verify`. A link that is followed twice has worked twice.
pub(crate) async fn verify(
    users: Data<Users>,
    request: RequestId,
    Body(proof): Body<Proof>,
) -> Result<Reply, Problem> {
    let id = users.keys.read_verification_token(&proof.token);
    let id = id.ok_or_else(|| VERIFICATION_INVALID.problem())?;
    let now = users.clock.now();
    let verified = users.database.transaction(async |tx| {
        let Some(user_id) = store::verification::use_up(tx, id, now).await? else {
            return proven_before(tx, id, now).await;
        };
        let Some(user) = store::user::verify(tx, user_id, now).await? else {
            return proven_before(tx, id, now).await;
        };
        let act = Act::by(user_id, request.id(), now);
        events::tell(tx, &act, &UserVerified { user_id }).await?;
        Ok(user)
    });
    Reply::first(200, &verified.await?)
}

/// The user whose address this has proven already. The link answers no longer than it is good.
async fn proven_before(
    tx: &mut Transaction<'_>,
    id: VerificationId,
    now: Timestamp,
) -> Result<User, Problem> {
    let user = store::verification::used_by(tx, id, now).await?.ok_or(VERIFICATION_INVALID)?;
    let user = store::user::current(tx, user).await?;
    user.ok_or_else(|| VERIFICATION_INVALID.problem())
}

/// `POST /auth/email/resend`: the same answer whether or not there is such a user, or one that
/// still has to prove anything. One mail a minute; a network that asks for many has to wait.
pub(crate) async fn resend(
    users: Data<Users>,
    visitor: Visitor,
    Body(Resend { email }): Body<Resend>,
) -> Result<Reply, Problem> {
    let now = users.clock.now();
    let counters = Counters::mail_requests(&users, &visitor);
    counters.admit(&users, now).await?;
    let key = users.keys.digest("resend", &email.lookup_key());
    let account = store::user::account_by_email(&users.database, &email).await?;
    let waiting = account.filter(|account| account.status == Status::PendingVerification);
    let asked = users.database.transaction(async |tx| {
        counters.count(tx, now).await?;
        if is_too_soon(tx, &key, RESEND_WAIT, now).await? {
            return Ok(());
        }
        match &waiting {
            Some(account) => {
                let act = Act::by(account.id, &visitor.request_id, now);
                self::request(tx, &act, account.id).await
            }
            None => Ok(()),
        }
    });
    asked.await?;
    Reply::first(202, &Resent { status: "verification_sent" })
}

/// Whether a mail to this address was asked for a moment ago; if not, it is now.
pub(crate) async fn is_too_soon(
    tx: &mut Transaction<'_>,
    key: &str,
    wait: Duration,
    now: Timestamp,
) -> Result<bool, Problem> {
    let tally = throttle::take(tx, key, now).await?;
    if tally.wait_seconds(now).is_some() {
        return Ok(true);
    }
    let next = Tally { blocked_until: now.plus(wait), ..Tally::empty(now) };
    throttle::put(tx, key, next).await?;
    Ok(false)
}

/// Asks for a proof of a user's address.
pub(crate) async fn request(
    tx: &mut Transaction<'_>,
    act: &Act,
    user: UserId,
) -> Result<(), Problem> {
    let verification = Verification::of(user, act.at);
    store::verification::insert(tx, &verification).await?;
    let Verification { user_id, expires_at, .. } = verification;
    events::tell(tx, act, &VerificationRequested { user_id, expires_at }).await
}

/// `GET /internal/users/{id}/verification`: what the mail needs, for the notifications service.
pub(crate) async fn mail(
    users: Data<Users>,
    caller: ServiceCaller,
    Path(id): Path<UserId>,
) -> Result<Found<VerificationMail>, Problem> {
    if caller.service != ServiceName::Notifications.as_str() {
        return Err(kinds::INSUFFICIENT_SCOPE.problem());
    }
    let user = store::user::by_id(&users.database, id).await?.ok_or(USER_NOT_FOUND)?;
    let now = users.clock.now();
    let waiting = store::verification::waiting(&users.database, id, now).await?;
    let waiting = waiting.ok_or(VERIFICATION_NOT_FOUND)?;
    let token = users.keys.verification_token(waiting.id);
    let (user_id, email, expires_at) = (user.id, user.email, waiting.expires_at);
    Ok(Found(VerificationMail { user_id, email, token, expires_at }))
}
