//! A login and what comes from it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored_as_text;
use crate::types::{Cursor, Email, Limit, Name, SessionId, Timestamp, words};

use super::super::password::Password;

words! {
    pub(crate) enum SessionStatus: "session_status_invalid" {
        Active = "active",
        Revoked = "revoked",
    }
}

words! {
    /// Why a session ended.
    pub(crate) enum SessionEnd: "session_end_invalid" {
        Logout = "logout",
        /// Its user ended it from another one.
        User = "user",
        /// The user was suspended.
        Admin = "admin",
        PasswordChange = "password_change",
        /// A refresh token came twice.
        Reuse = "reuse",
        Expired = "expired",
    }
}

stored_as_text!(SessionStatus, SessionEnd);

/// `POST /auth/login`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) email: Email,
    #[schema(value_type = String, format = Password)]
    pub(crate) password: Password,
    /// What the session is called in the list of sessions.
    pub(crate) device_name: Option<Name>,
}

/// `POST /auth/refresh`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    pub(crate) refresh_token: String,
}

/// What a login and a refresh give.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) token_type: &'static str,
    /// Seconds that the access token is good for.
    pub(crate) expires_in: u64,
    pub(crate) refresh_token: String,
    pub(crate) session_id: SessionId,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) device_name: Option<Name>,
    pub(crate) created_at: Timestamp,
    pub(crate) refreshed_at: Timestamp,
    pub(crate) idle_until: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A session as its user sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: SessionId,
    device_name: Option<Name>,
    created_at: Timestamp,
    refreshed_at: Timestamp,
    /// When it ends unless it is used before.
    idle_until: Timestamp,
    expires_at: Timestamp,
    /// Whether the request came from this one.
    is_current: bool,
}

impl SessionView {
    pub(crate) fn new(session: Session, current: SessionId) -> SessionView {
        let Session { id, device_name, created_at, refreshed_at, idle_until, expires_at } = session;
        let is_current = id == current;
        SessionView {
            id,
            device_name,
            created_at,
            refreshed_at,
            idle_until,
            expires_at,
            is_current,
        }
    }
}

/// The query of `GET /auth/sessions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionQuery {
    #[serde(default)]
    pub(crate) limit: Limit,
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `DELETE /auth/sessions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndQuery {
    pub(crate) except: Option<Except>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Except {
    Current,
}
