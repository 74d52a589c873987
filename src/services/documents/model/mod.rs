//! The words of documents.
pub(crate) mod digest;
pub(crate) mod document;
pub(crate) mod filename;
pub(crate) mod link;
pub(crate) mod subject;
