//! The proof that an address belongs to its user.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Email, Timestamp, UserId};

use super::VerificationId;

/// How long a proof is waited for.
pub(crate) const VERIFICATION_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// Between two mails to one address.
pub(crate) const RESEND_WAIT: Duration = Duration::from_secs(60);

/// A proof that is waited for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verification {
    pub(crate) id: VerificationId,
    pub(crate) user_id: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Verification {
    pub(crate) fn of(user_id: UserId, now: Timestamp) -> Verification {
        let expires_at = now.plus(VERIFICATION_LIFE);
        Verification { id: VerificationId::new(), user_id, created_at: now, expires_at }
    }
}

/// `POST /auth/email/verify`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    pub(crate) token: String,
}

/// `POST /auth/email/resend`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resend {
    pub(crate) email: Email,
}

/// The answer to `Resend`, whether or not there is such a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Resent {
    pub(crate) status: &'static str,
}

/// What the mail to the user needs; for the notifications service alone.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerificationMail {
    pub(crate) user_id: UserId,
    pub(crate) email: Email,
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}
