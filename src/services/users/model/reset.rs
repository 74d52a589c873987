//! A code to choose a new password with, for somebody who has forgotten theirs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Email, Timestamp, UserId};

use super::super::password::Password;
use super::ResetId;

/// How long a code is good.
pub(crate) const RESET_LIFE: Duration = Duration::from_secs(3_600);

/// Between two mails to one address.
pub(crate) const FORGOT_WAIT: Duration = Duration::from_secs(60);

/// A code that is waited for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reset {
    pub(crate) id: ResetId,
    pub(crate) user_id: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Reset {
    pub(crate) fn of(user_id: UserId, now: Timestamp) -> Reset {
        let expires_at = now.plus(RESET_LIFE);
        Reset { id: ResetId::new(), user_id, created_at: now, expires_at }
    }
}

/// `POST /auth/password/forgot`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgot {
    pub(crate) email: Email,
}

/// The answer to `Forgot`, whether or not there is such a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Forgotten {
    pub(crate) status: &'static str,
}

/// `POST /auth/password/reset`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordReset {
    pub(crate) token: String,
    #[schema(value_type = String, format = Password, max_length = 256)]
    pub(crate) password: Password,
}

/// What the mail to the user needs; for the notifications service alone.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResetMail {
    pub(crate) user_id: UserId,
    pub(crate) email: Email,
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}

/// What is left to do after the answer to `Forgot`. `user_id`: `None` if there is nobody to write
/// to, which takes as long to answer.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Asked {
    pub(crate) user_id: Option<UserId>,
    pub(crate) request_id: String,
}
