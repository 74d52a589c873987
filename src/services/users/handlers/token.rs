//! Tokens: what a login and a refresh give, `POST /auth/refresh`, and the keys that verify them.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use busbar_http::caller::{AUDIENCE_API, ISSUER, UserClaims};
use busbar_http::{Body, Found, Kind, Problem};

use crate::storage::Transaction;
use crate::types::{SessionId, Timestamp, UserId};

use super::super::Users;
use super::super::events::{self, Act, SessionCompromised};
use super::super::model::TokenId;
use super::super::model::session::{Refresh, SessionEnd, Tokens};
use super::super::model::user::{Role, Standing};
use super::super::problem::{
    REFRESH_REUSE_DETECTED, REFRESH_TOKEN_EXPIRED, REFRESH_TOKEN_INVALID, TOKEN_REVOKED,
};
use super::super::refresh::{Family, Verdict};
use super::super::store::{self, session::Rotation};
use super::visitor::Visitor;

/// How long others may keep the key set. A new key would be shown for so long before it signs.
const JWKS_CACHE: &str = "public, max-age=300";
/// A token that lost a race against another request is judged again: by then it is the one before,
/// or its session is over. More often than that it cannot lose.
const JUDGED_MAX: usize = 3;

/// `GET /.well-known/jwks.json`.
pub(crate) async fn jwks(users: Data<Users>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, JWKS_CACHE)).json(users.keys.key_set())
}

/// `POST /auth/refresh`: the next pair of tokens.
pub(crate) async fn refresh(
    users: Data<Users>,
    visitor: Visitor,
    Body(order): Body<Refresh>,
) -> Result<Found<Tokens>, Problem> {
    let presented = users.keys.read_refresh_token(&order.refresh_token);
    let (session, counter) = presented.ok_or_else(|| REFRESH_TOKEN_INVALID.problem())?;
    let presented = Presented { users: &users, visitor: &visitor, session, counter };
    let now = users.clock.now();
    let exchanged = users.database.transaction(async |tx| presented.exchange(tx, now).await);
    match exchanged.await? {
        Exchange::Refused(kind) => Err(kind.problem()),
        Exchange::Next { user, counter, standing } => {
            users.tokens(user, session, counter, standing, now).map(Found)
        }
    }
}

/// What a refresh token is exchanged for.
enum Exchange {
    /// For whom, the number of the next refresh token, and what the access token says.
    Next { user: UserId, counter: i64, standing: Standing },
    /// Nothing. The session may have ended by it, so this commits too.
    Refused(Kind),
}

/// A refresh token of ours that somebody has sent.
struct Presented<'a> {
    users: &'a Users,
    visitor: &'a Visitor,
    session: SessionId,
    counter: i64,
}

impl Presented<'_> {
    async fn exchange(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<Exchange, Problem> {
        let grace = Duration::from_secs(self.users.section.refresh_grace_seconds);
        for _ in 0..JUDGED_MAX {
            let Some(family) = store::session::family(tx, self.session).await? else {
                return Ok(Exchange::Refused(TOKEN_REVOKED));
            };
            match family.judge(self.counter, &self.visitor.client, grace, now) {
                Verdict::Rotate if !self.rotate(tx, now).await? => {}
                Verdict::Rotate | Verdict::Repeat => return self.next(tx, &family).await,
                Verdict::Reused => {
                    self.end(tx, &family, SessionEnd::Reuse, now).await?;
                    return Ok(Exchange::Refused(REFRESH_REUSE_DETECTED));
                }
                Verdict::Expired => {
                    self.end(tx, &family, SessionEnd::Expired, now).await?;
                    return Ok(Exchange::Refused(REFRESH_TOKEN_EXPIRED));
                }
                Verdict::Revoked => return Ok(Exchange::Refused(TOKEN_REVOKED)),
                Verdict::Unknown => return Ok(Exchange::Refused(REFRESH_TOKEN_INVALID)),
            }
        }
        Err(Problem::internal("a refresh token lost every race"))
    }

    async fn rotate(&self, tx: &mut Transaction<'_>, now: Timestamp) -> Result<bool, Problem> {
        let idle_until = now.plus(self.users.idle_life());
        let (counter, client) = (self.counter, self.visitor.client.as_str());
        let rotation = Rotation { counter, client, at: now, idle_until };
        Ok(store::session::rotate(tx, self.session, rotation).await?)
    }

    async fn next(&self, tx: &mut Transaction<'_>, family: &Family) -> Result<Exchange, Problem> {
        let (user, counter) = (family.user_id, self.counter + 1);
        let standing = store::user::standing(tx, user).await?;
        Ok(standing.map_or(Exchange::Refused(TOKEN_REVOKED), |standing| Exchange::Next {
            user,
            counter,
            standing,
        }))
    }

    async fn end(
        &self,
        tx: &mut Transaction<'_>,
        family: &Family,
        reason: SessionEnd,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let (session_id, user_id) = (family.id, family.user_id);
        if !store::session::revoke(tx, session_id, user_id, reason, now).await? {
            return Ok(());
        }
        let act = Act::by(user_id, &self.visitor.request_id, now);
        events::tell_ended(tx, &act, user_id, &[session_id], reason).await?;
        if reason == SessionEnd::Reuse {
            log::warn!("session {session_id}: a refresh token came twice, the session has ended");
            events::tell(tx, &act, &SessionCompromised { user_id, session_id, reason }).await?;
        }
        Ok(())
    }
}

impl Users {
    /// A pair of tokens of a session.
    pub(super) fn tokens(
        &self,
        user: UserId,
        session: SessionId,
        counter: i64,
        standing: Standing,
        now: Timestamp,
    ) -> Result<Tokens, Problem> {
        let seconds = self.section.access_token_seconds;
        let claims = UserClaims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE_API.to_owned(),
            sub: user.uuid(),
            sid: session.uuid(),
            role: role(standing.role),
            ver: standing.token_version,
            iat: now.seconds(),
            exp: now.plus(Duration::from_secs(seconds)).seconds(),
            jti: TokenId::new().uuid(),
        };
        Ok(Tokens {
            access_token: self.keys.signing().sign(&claims).map_err(Problem::internal)?,
            token_type: "Bearer",
            expires_in: seconds,
            refresh_token: self.keys.refresh_token(session, counter),
            session_id: session,
        })
    }

    /// How long a session lasts without being used.
    pub(super) fn idle_life(&self) -> Duration {
        Duration::from_secs(self.section.refresh_idle_seconds)
    }

    /// How long a session lasts at most.
    pub(super) fn session_life(&self) -> Duration {
        Duration::from_secs(self.section.refresh_absolute_seconds)
    }
}

/// The word of the token for a role.
fn role(role: Role) -> busbar_http::Role {
    match role {
        Role::Customer => busbar_http::Role::Customer,
        Role::Operator => busbar_http::Role::Operator,
        Role::Admin => busbar_http::Role::Admin,
    }
}
