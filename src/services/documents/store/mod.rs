//! All the SQL of documents: what is known of them, and who uses which content.
pub(crate) mod blob;
pub(crate) mod document;
pub(crate) mod list;

use crate::storage::{Statement, stored_as_text};

use super::model::digest::Sha256;
use super::model::document::DocumentKind;
use super::model::filename::Filename;
use super::model::subject::Subject;

stored_as_text!(DocumentKind, Filename, Sha256, Subject);

/// Every statement, for the test that prepares them on both engines.
pub(crate) fn statements() -> Vec<&'static [Statement]> {
    vec![blob::STATEMENTS, document::STATEMENTS, list::STATEMENTS]
}
