//! A person who is logged in. The session is looked up: a token of one that has ended is refused
//! here at once. Other services take it until it expires, as they know the keys only.

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest, web::Data};
use busbar_http::caller::bearer;
use busbar_http::problem::kinds;
use busbar_http::{Kind, Problem, RequestId};
use futures_util::future::LocalBoxFuture;

use crate::types::{SessionId, UserId};

use super::super::Users;
use super::super::events::Act;
use super::super::model::user::Role;
use super::super::problem::TOKEN_REVOKED;
use super::super::store;

/// Somebody with a session that goes on.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) session: SessionId,
    pub(crate) act: Act,
    role: Role,
}

impl Person {
    pub(crate) fn require_staff(&self) -> Result<(), Problem> {
        match self.role {
            Role::Operator | Role::Admin => Ok(()),
            Role::Customer => Err(kinds::INSUFFICIENT_SCOPE.problem()),
        }
    }

    pub(crate) fn require_admin(&self) -> Result<(), Problem> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Customer | Role::Operator => Err(kinds::INSUFFICIENT_SCOPE.problem()),
        }
    }

    /// Oneself, or anybody for those who act for others.
    pub(crate) fn may_see(&self, user: UserId) -> bool {
        self.id == user || self.require_staff().is_ok()
    }

    /// The role of the accounts that this person may change; `None` for their own, and for
    /// administrators: whatever it is.
    pub(crate) fn changes_only(&self, user: UserId) -> Option<Role> {
        match self.role {
            Role::Admin => None,
            Role::Customer | Role::Operator => (self.id != user).then_some(Role::Customer),
        }
    }
}

impl FromRequest for Person {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Person, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let token = bearer(request).map(str::to_owned);
        let users = request.app_data::<Data<Users>>().cloned();
        let request_id = RequestId::from_request(request, payload).into_inner();
        Box::pin(async move {
            let users = users.ok_or_else(|| Problem::internal("the service is not registered"))?;
            let challenge = HeaderValue::from_static("Bearer");
            let token = token.ok_or_else(|| refusal(kinds::UNAUTHENTICATED, challenge))?;
            person(&users, &token, request_id?.id()).await
        })
    }
}

async fn person(users: &Users, token: &str, request_id: &str) -> Result<Person, Problem> {
    let claims = users.verifier.verify(token).await?;
    let (id, session, now) = (claims.sub.into(), claims.sid.into(), users.clock.now());
    let role = store::session::role(&users.database, session, id, claims.ver, now).await?;
    // Not the role of the token: who was demoted a moment ago may not undo it.
    let role = role.ok_or_else(|| {
        refusal(TOKEN_REVOKED, HeaderValue::from_static("Bearer error=\"invalid_token\""))
    })?;
    Ok(Person { id, session, act: Act::by(id, request_id, now), role })
}

/// 401 with its challenge (RFC 6750 section 3).
fn refusal(kind: Kind, challenge: HeaderValue) -> Problem {
    kind.problem().header(WWW_AUTHENTICATE, challenge)
}
