//! All the SQL of the service, by noun.

pub(super) mod announcement;
pub(super) mod inbox;
pub(super) mod message;
pub(super) mod preference;
pub(super) mod suppression;

use crate::storage::Statement;

pub(super) fn statements() -> Vec<&'static [Statement]> {
    vec![
        announcement::STATEMENTS,
        inbox::STATEMENTS,
        message::STATEMENTS,
        preference::STATEMENTS,
        suppression::STATEMENTS,
    ]
}
