//! The words of the service: users, their sessions, proofs of an address.

pub(super) mod ended;
pub(super) mod reset;
pub(super) mod session;
pub(super) mod user;
pub(super) mod verification;
pub(super) mod words;

pub(super) use self::session::{SessionEnd, SessionStatus};
pub(super) use self::user::{Role, Status, User};

use crate::types::id;

id! {
    /// A device that somebody has logged in from.
    DeviceId,
    /// A proof of an address that was asked for.
    VerificationId,
    /// A code to choose a new password with.
    ResetId,
    /// One access token.
    TokenId,
    /// A session that has ended, or a user whose tokens were withdrawn.
    EndedId,
}
crate::stored_as_text!(EndedId, ResetId, VerificationId);
