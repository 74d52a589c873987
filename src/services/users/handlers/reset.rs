//! A forgotten password: a code is asked for, mailed by another service, and a new password chosen
//! with it.

use actix_web::web::Data;
use busbar_http::problem::kinds;
use busbar_http::{Body, Found, NoContent, Path, Problem, Reply, RequestId, ServiceCaller};
use uuid::Uuid;

use crate::jobs::{self, Job, NewJob};
use crate::types::{ServiceName, UserId};

use super::super::Users;
use super::super::events::{self, Act, How, PasswordChanged, PasswordResetRequested};
use super::super::model::SessionEnd;
use super::super::model::reset::{
    Asked, FORGOT_WAIT, Forgot, Forgotten, PasswordReset, Reset, ResetMail,
};
use super::super::model::user::{Account, Status};
use super::super::password;
use super::super::problem::{PASSWORD_RESET_INVALID, PASSWORD_RESET_NOT_FOUND, USER_NOT_FOUND};
use super::super::store::{self, throttle};
use super::counters::Counters;
use super::guess::account_key;
use super::password::field;
use super::verification::is_too_soon;
use super::visitor::Visitor;

/// The kind of the job that follows the answer.
pub(crate) const ASKED: &str = "users.password_reset";

/// `POST /auth/password/forgot`: the same answer, after the same work, whether or not there is such
/// a user. One mail a minute; a network that asks for many has to wait.
pub(crate) async fn forgot(
    users: Data<Users>,
    visitor: Visitor,
    Body(Forgot { email }): Body<Forgot>,
) -> Result<Reply, Problem> {
    let now = users.clock.now();
    let counters = Counters::mail_requests(&users, &visitor);
    counters.admit(&users, now).await?;
    let key = users.keys.digest("forgot", &email.lookup_key());
    let account = store::user::account_by_email(&users.database, &email).await?;
    let user_id = account.filter(may_reset).map(|account| account.id);
    let asked = Asked { user_id, request_id: visitor.request_id };
    // A name of its own: which user it is for shall not be seen by how jobs collide.
    let job = NewJob::new(ASKED, Uuid::new_v4(), &asked, now).map_err(Problem::internal)?;
    let written = users.database.transaction(async |tx| {
        counters.count(tx, now).await?;
        if !is_too_soon(tx, &key, FORGOT_WAIT, now).await? {
            jobs::enqueue(tx, &job, now).await?;
        }
        Ok::<_, Problem>(())
    });
    written.await?;
    Reply::first(202, &Forgotten { status: "password_reset_sent" })
}

/// Nobody gets into a suspended account, so nobody is led to believe so.
fn may_reset(account: &Account) -> bool {
    match account.status {
        Status::PendingVerification | Status::Active => true,
        Status::Suspended => false,
    }
}

/// What is left to do after the answer: the code, and the event that has it mailed.
pub(crate) async fn ask(users: &Users, job: &Job) -> Result<(), Problem> {
    let asked: Asked = job.read().map_err(Problem::internal)?;
    let now = users.clock.now();
    let done = users.database.transaction(async |tx| {
        if let Some(user_id) = asked.user_id
            // Unless the account was suspended meanwhile.
            && store::user::standing(tx, user_id).await?.is_some()
        {
            let reset = Reset::of(user_id, now);
            store::reset::insert(tx, &reset).await?;
            let act = Act::by(user_id, &asked.request_id, now);
            let expires_at = reset.expires_at;
            events::tell(tx, &act, &PasswordResetRequested { user_id, expires_at }).await?;
        }
        jobs::finish(tx, job, now).await
    });
    done.await
}

/// `POST /auth/password/reset`: works once, ends all sessions, and forgets wrong passwords.
pub(crate) async fn reset(
    users: Data<Users>,
    request: RequestId,
    Body(PasswordReset { token, password }): Body<PasswordReset>,
) -> Result<NoContent, Problem> {
    let id = users.keys.read_reset_token(&token).ok_or(PASSWORD_RESET_INVALID)?;
    let now = users.clock.now();
    let user_id = store::reset::good(&users.database, id, now).await?;
    let user_id = user_id.ok_or(PASSWORD_RESET_INVALID)?;
    let account = store::user::account(&users.database, user_id).await?;
    let account = account.ok_or(PASSWORD_RESET_INVALID)?;
    password::check(&password, users.section.password_length_min, &account.email)
        .map_err(|refused| field("/password", &refused))?;
    let hash = users.hasher.hash(password).await?;

    let (act, reason) = (Act::by(user_id, request.id(), now), SessionEnd::PasswordChange);
    let guesses = account_key(&users, &account.email);
    let changed = users.database.transaction(async |tx| {
        let is_good = store::reset::use_up(tx, id, now).await?;
        if !is_good || !store::user::new_password(tx, &account, &hash, now).await? {
            return Err(PASSWORD_RESET_INVALID.problem());
        }
        store::reset::supersede(tx, user_id, now).await?;
        throttle::remove(tx, &guesses).await?;
        let ended = store::session::revoke_all(tx, user_id, None, reason, now).await?;
        events::tell(tx, &act, &PasswordChanged { user_id, how: How::Reset }).await?;
        events::tell_ended(tx, &act, user_id, &ended, reason).await
    });
    changed.await?;
    Ok(NoContent)
}

/// `GET /internal/users/{id}/password-reset`: what the mail needs, for the notifications service.
pub(crate) async fn mail(
    users: Data<Users>,
    caller: ServiceCaller,
    Path(id): Path<UserId>,
) -> Result<Found<ResetMail>, Problem> {
    if caller.service != ServiceName::Notifications.as_str() {
        return Err(kinds::INSUFFICIENT_SCOPE.problem());
    }
    let user = store::user::by_id(&users.database, id).await?.ok_or(USER_NOT_FOUND)?;
    let waiting = store::reset::waiting(&users.database, id, users.clock.now()).await?;
    let waiting = waiting.ok_or(PASSWORD_RESET_NOT_FOUND)?;
    let token = users.keys.reset_token(waiting.id);
    let (user_id, email, expires_at) = (user.id, user.email, waiting.expires_at);
    Ok(Found(ResetMail { user_id, email, token, expires_at }))
}
