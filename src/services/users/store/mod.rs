//! All the SQL of the service, by noun.

pub(super) mod administration;
pub(super) mod ended;
pub(super) mod reset;
pub(super) mod session;
pub(super) mod throttle;
pub(super) mod user;
pub(super) mod verification;

use crate::storage::Statement;

pub(super) fn statements() -> Vec<&'static [Statement]> {
    vec![
        administration::STATEMENTS,
        ended::STATEMENTS,
        reset::STATEMENTS,
        session::STATEMENTS,
        throttle::STATEMENTS,
        user::STATEMENTS,
        verification::STATEMENTS,
    ]
}
