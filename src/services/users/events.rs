//! What the service says and puts on record. Nothing personal: ids, reasons, language and zone.
//!
//! It hears nobody yet.

use busbar_http::Problem;
use serde::Serialize;
use serde_json::{Value, json};

use crate::audit;
use crate::events::{Kind, Origin, Published, kinds, outbox};
use crate::storage::{StoreError, Transaction};
use crate::types::{Locale, ServiceName, SessionId, Timestamp, UserId, Zone};

use super::model::{SessionEnd, User};

/// Who does something, when, and as part of which request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Act {
    /// `user/0190…`, `system`.
    pub(super) actor: String,
    /// What the request is known by; `None` for what nobody asked for.
    pub(super) request_id: Option<String>,
    pub(super) at: Timestamp,
}

impl Act {
    pub(super) fn by(user: UserId, request_id: &str, at: Timestamp) -> Act {
        Act { actor: of_user(user), request_id: Some(request_id.to_owned()), at }
    }

    /// What the service does by itself.
    pub(super) fn of_system(at: Timestamp) -> Act {
        Act { actor: "system".to_owned(), request_id: None, at }
    }
}

/// Tells the other services, and puts the same on record.
pub(super) async fn tell<P: Published>(
    tx: &mut Transaction<'_>,
    act: &Act,
    payload: &P,
) -> Result<(), Problem> {
    let correlation = act.request_id.clone().unwrap_or_else(|| payload.subject());
    let (source, at, actor) = (ServiceName::Users, act.at, act.actor.clone());
    let origin = Origin { source, at, correlation, causation: None, actor };
    outbox::publish(tx, &origin, payload).await?;
    let details = serde_json::to_value(payload).map_err(Problem::internal)?;
    Ok(put_on_record(tx, act, P::KIND.name, payload.subject(), details).await?)
}

/// Puts something on record that concerns nobody else.
pub(super) async fn note(
    tx: &mut Transaction<'_>,
    act: &Act,
    action: &'static str,
    user: UserId,
    details: Value,
) -> Result<(), StoreError> {
    put_on_record(tx, act, action, of_user(user), details).await
}

async fn put_on_record(
    tx: &mut Transaction<'_>,
    act: &Act,
    action: &'static str,
    subject: String,
    details: Value,
) -> Result<(), StoreError> {
    let (actor, request_id, at) = (act.actor.clone(), act.request_id.clone(), act.at);
    let entry = audit::Entry { actor, action, subject, request_id, at, details };
    audit::record(tx, &entry).await.map(drop)
}

fn of_user(user: UserId) -> String {
    format!("user/{user}")
}

/// Somebody has an account now.
#[derive(Debug, Serialize)]
pub(super) struct UserRegistered {
    user_id: UserId,
    locale: Locale,
    timezone: Zone,
}

impl From<&User> for UserRegistered {
    fn from(user: &User) -> UserRegistered {
        let (locale, timezone) = (user.locale.clone(), user.timezone.clone());
        UserRegistered { user_id: user.id, locale, timezone }
    }
}

impl Published for UserRegistered {
    const KIND: Kind = kinds::USER_REGISTERED;

    fn subject(&self) -> String {
        of_user(self.user_id)
    }
}

/// A mail is wanted that lets somebody prove their address. Whoever sends it asks for the token:
/// an event is kept in many places, and a token in one of them is a token lost.
#[derive(Debug, Serialize)]
pub(super) struct VerificationRequested {
    pub(super) user_id: UserId,
    pub(super) expires_at: Timestamp,
}

impl Published for VerificationRequested {
    const KIND: Kind = kinds::USER_VERIFICATION_REQUESTED;

    fn subject(&self) -> String {
        of_user(self.user_id)
    }
}

/// A mail is wanted that lets somebody choose a new password. As with the proof of an address, the
/// token is asked for by whoever sends it.
#[derive(Debug, Serialize)]
pub(super) struct PasswordResetRequested {
    pub(super) user_id: UserId,
    pub(super) expires_at: Timestamp,
}

impl Published for PasswordResetRequested {
    const KIND: Kind = kinds::USER_PASSWORD_RESET_REQUESTED;

    fn subject(&self) -> String {
        of_user(self.user_id)
    }
}

/// An account has another password now.
#[derive(Debug, Serialize)]
pub(super) struct PasswordChanged {
    pub(super) user_id: UserId,
    pub(super) how: How,
}

/// What a new password was chosen with.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// The password before.
    Change,
    /// A code that came by mail.
    Reset,
}

impl Published for PasswordChanged {
    const KIND: Kind = kinds::USER_PASSWORD_CHANGED;

    fn subject(&self) -> String {
        of_user(self.user_id)
    }
}

/// An address is proven.
#[derive(Debug, Serialize)]
pub(super) struct UserVerified {
    pub(super) user_id: UserId,
}

impl Published for UserVerified {
    const KIND: Kind = kinds::USER_VERIFIED;

    fn subject(&self) -> String {
        of_user(self.user_id)
    }
}

/// Nobody can use this account until further notice.
#[derive(Debug, Serialize)]
pub(super) struct UserSuspended {
    pub(super) user_id: UserId,
}

impl Published for UserSuspended {
    const KIND: Kind = kinds::USER_SUSPENDED;

    fn subject(&self) -> String {
        of_user(self.user_id)
    }
}

/// A login.
#[derive(Debug, Serialize)]
pub(super) struct SessionStarted {
    user_id: UserId,
    session_id: SessionId,
    reason: &'static str,
}

impl SessionStarted {
    pub(super) fn new(user_id: UserId, session_id: SessionId) -> SessionStarted {
        SessionStarted { user_id, session_id, reason: "login" }
    }
}

impl Published for SessionStarted {
    const KIND: Kind = kinds::SESSION_STARTED;

    fn subject(&self) -> String {
        format!("session/{}", self.session_id)
    }
}

/// The tokens of a session are good for nothing any more.
#[derive(Debug, Serialize)]
pub(super) struct SessionRevoked {
    pub(super) user_id: UserId,
    pub(super) session_id: SessionId,
    pub(super) reason: SessionEnd,
}

impl Published for SessionRevoked {
    const KIND: Kind = kinds::SESSION_REVOKED;

    fn subject(&self) -> String {
        format!("session/{}", self.session_id)
    }
}

/// A refresh token came twice: somebody else may have a copy. The session has ended.
#[derive(Debug, Serialize)]
pub(super) struct SessionCompromised {
    pub(super) user_id: UserId,
    pub(super) session_id: SessionId,
    pub(super) reason: SessionEnd,
}

impl Published for SessionCompromised {
    const KIND: Kind = kinds::SESSION_COMPROMISED;

    fn subject(&self) -> String {
        format!("session/{}", self.session_id)
    }
}

/// Tells of each session that has ended.
pub(super) async fn tell_ended(
    tx: &mut Transaction<'_>,
    act: &Act,
    user_id: UserId,
    ended: &[SessionId],
    reason: SessionEnd,
) -> Result<(), Problem> {
    for session_id in ended {
        tell(tx, act, &SessionRevoked { user_id, session_id: *session_id, reason }).await?;
    }
    Ok(())
}

/// The names of changed fields, as they are put on record.
pub(super) fn fields(names: &[&'static str]) -> Value {
    json!({ "fields": names })
}
