//! The sessions of a person: list them, end one, end the others, log out.

use actix_web::web::Data;
use busbar_http::{Listed, NoContent, Path, Problem, Query};

use crate::types::{Cursor, SessionId};

use super::super::Users;
use super::super::events;
use super::super::model::session::{
    EndQuery, Except, Session, SessionEnd, SessionQuery, SessionView,
};
use super::super::problem::SESSION_NOT_FOUND;
use super::super::store;
use super::person::Person;

/// `GET /auth/sessions`.
pub(crate) async fn list(
    users: Data<Users>,
    person: Person,
    Query(query): Query<SessionQuery>,
) -> Result<Listed<SessionView>, Problem> {
    let now = users.clock.now();
    let sessions = store::session::page(&users.database, person.id, &query, now).await?;
    let cursor = |session: &Session| Cursor::new(session.created_at, session.id).to_string();
    let page = Listed::page(sessions, query.limit.rows(), cursor);
    let view = |session| SessionView::new(session, person.session);
    let data = page.data.into_iter().map(view).collect();
    Ok(Listed { data, next_cursor: page.next_cursor, has_more: page.has_more })
}

/// `DELETE /auth/sessions/{id}`: one's own, this one included.
pub(crate) async fn end(
    users: Data<Users>,
    person: Person,
    Path(id): Path<SessionId>,
) -> Result<NoContent, Problem> {
    if revoke(&users, &person, id, SessionEnd::User).await? {
        return Ok(NoContent);
    }
    Err(SESSION_NOT_FOUND.problem())
}

/// `DELETE /auth/sessions`: all of them, or with `except=current` the others.
pub(crate) async fn end_all(
    users: Data<Users>,
    person: Person,
    Query(query): Query<EndQuery>,
) -> Result<NoContent, Problem> {
    let except = query.except.map(|Except::Current| person.session);
    let (id, act, reason) = (person.id, &person.act, SessionEnd::User);
    let ended = users.database.transaction(async |tx| {
        let ended = store::session::revoke_all(tx, id, except, reason, act.at).await?;
        events::tell_ended(tx, act, id, &ended, reason).await
    });
    ended.await?;
    Ok(NoContent)
}

/// `POST /auth/logout`.
pub(crate) async fn logout(users: Data<Users>, person: Person) -> Result<NoContent, Problem> {
    revoke(&users, &person, person.session, SessionEnd::Logout).await?;
    Ok(NoContent)
}

async fn revoke(
    users: &Users,
    person: &Person,
    session: SessionId,
    reason: SessionEnd,
) -> Result<bool, Problem> {
    let (id, act) = (person.id, &person.act);
    let revoked = users.database.transaction(async |tx| {
        let is_ended = store::session::revoke(tx, session, id, reason, act.at).await?;
        if is_ended {
            events::tell_ended(tx, act, id, &[session], reason).await?;
        }
        Ok(is_ended)
    });
    revoked.await
}
