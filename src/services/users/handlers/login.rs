//! `POST /auth/login`. A wrong password and an unknown address are the same to whoever asks: the
//! same answers, after the same work.

use actix_web::http::header::SET_COOKIE;
use actix_web::{CustomizeResponder, Responder, web::Data};
use busbar_http::{Body, Found, Problem};

use crate::config::EmailVerification;
use crate::storage::Transaction;
use crate::types::{SessionId, Timestamp};

use super::super::Users;
use super::super::events::{self, Act, SessionStarted};
use super::super::hasher::Checked;
use super::super::model::Status;
use super::super::model::session::{Login, Tokens};
use super::super::model::user::{Account, Standing};
use super::super::problem::{ACCOUNT_SUSPENDED, EMAIL_UNVERIFIED, INVALID_CREDENTIALS};
use super::super::store::{self, session::NewSession};
use super::guess::Guess;
use super::visitor::Visitor;

pub(crate) async fn login(
    users: Data<Users>,
    visitor: Visitor,
    Body(order): Body<Login>,
) -> Result<CustomizeResponder<Found<Tokens>>, Problem> {
    let now = users.clock.now();
    let outcome = let_in(&users, &visitor, order, now).await;
    users.meters.count_login(outcome.as_ref().err());
    let (session, standing) = outcome?;
    let tokens = users.tokens(session.user_id, session.id, 1, standing, now)?;
    let cookie = visitor.device_cookie(&users, session.user_id, now);
    Ok(Found(tokens).customize().insert_header((SET_COOKIE, cookie)))
}

async fn let_in(
    users: &Users,
    visitor: &Visitor,
    order: Login,
    now: Timestamp,
) -> Result<(NewSession, Standing), Problem> {
    let account = store::user::account_by_email(&users.database, &order.email).await?;
    let guess = Guess::new(users, visitor, &order.email, account.as_ref(), now);
    guess.admit(users, now).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let checked = users.hasher.check(order.password, stored).await?;
    let Some(account) = account.filter(|_| checked.is_right) else {
        return Err(guess.refuse(users, now).await);
    };
    let session = NewSession {
        id: SessionId::new(),
        user_id: account.id,
        device_name: order.device_name,
        client: visitor.client.clone(),
        at: now,
        idle_until: now.plus(users.idle_life()),
        expires_at: now.plus(users.session_life()),
    };
    let act = Act::by(account.id, &visitor.request_id, now);
    let begun = users.database.transaction(async |tx| {
        guess.accept(tx, now).await?;
        let standing = begin(tx, users, &account, &checked, &session).await?;
        events::tell(tx, &act, &SessionStarted::new(session.user_id, session.id)).await?;
        Ok::<_, Problem>(standing)
    });
    let standing = begun.await?;
    Ok((session, standing))
}

/// Begins a session, unless the account is closed to its owner or was changed meanwhile.
async fn begin(
    tx: &mut Transaction<'_>,
    users: &Users,
    account: &Account,
    checked: &Checked,
    session: &NewSession,
) -> Result<Standing, Problem> {
    let must_verify = users.section.email_verification == EmailVerification::Required;
    match account.status {
        Status::Suspended => return Err(ACCOUNT_SUSPENDED.problem()),
        Status::PendingVerification if must_verify => return Err(EMAIL_UNVERIFIED.problem()),
        Status::PendingVerification | Status::Active => {}
    }
    let better_hash = checked.better_hash.as_deref();
    let standing = store::user::logged_in(tx, account, better_hash, session.at).await?;
    let standing = standing.ok_or_else(|| INVALID_CREDENTIALS.problem())?;
    store::session::insert(tx, session).await?;
    Ok(standing)
}
