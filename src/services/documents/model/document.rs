//! A document: what is known of it, what is shown of it, what may be said when it is sent.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{DocumentId, Timestamp, UserId, words};

use super::digest::Sha256;
use super::filename::Filename;
use super::subject::Subject;

words! {
    /// What a document is for.
    pub(crate) enum DocumentKind: "document_kind_unknown" {
        /// Sent by somebody.
        Upload = "upload",
        /// Asks for money; made when a bill is issued.
        Invoice = "invoice",
        /// Confirms a payment; made when one has succeeded.
        Receipt = "receipt",
    }
}

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) id: DocumentId,
    pub(crate) owner_id: UserId,
    pub(crate) kind: DocumentKind,
    pub(crate) subject: Option<Subject>,
    pub(crate) filename: Filename,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    pub(crate) sha256: Sha256,
    /// Made by the service itself.
    pub(crate) is_generated: bool,
    /// `user/0190…` or `service/documents`.
    pub(crate) created_by: String,
    pub(crate) created_at: Timestamp,
}

/// A document as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DocumentView {
    pub(crate) id: DocumentId,
    owner_id: UserId,
    kind: DocumentKind,
    /// What it is about, `bill/0190…`.
    subject: Option<Subject>,
    filename: Filename,
    media_type: String,
    /// In bytes.
    size: i64,
    /// SHA-256 of the content.
    sha256: Sha256,
    links: Links,
    pub(crate) created_at: Timestamp,
}

/// Where to go on from a document.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Links {
    content: String,
}

/// What may be said of a document beside its bytes. Staff alone say more than whose it is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stated {
    pub(crate) owner_id: Option<UserId>,
    pub(crate) kind: Option<DocumentKind>,
    pub(crate) subject: Option<Subject>,
}

/// The form of an upload, for the API description.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the description alone")]
pub(crate) struct UploadForm {
    /// The document, with its name.
    #[schema(value_type = String, format = Binary)]
    file: String,
    /// Whose it is; for staff.
    owner_id: Option<UserId>,
    /// What it is for; for staff.
    kind: Option<DocumentKind>,
    /// What it is about; for staff.
    subject: Option<Subject>,
}

impl Document {
    /// Invoices and receipts are for people to keep.
    pub(crate) fn is_for_good(&self) -> bool {
        self.kind != DocumentKind::Upload
    }
}

impl From<Document> for DocumentView {
    fn from(document: Document) -> DocumentView {
        let content = format!("/api/documents/{}/content", document.id);
        DocumentView {
            id: document.id,
            owner_id: document.owner_id,
            kind: document.kind,
            subject: document.subject,
            filename: document.filename,
            media_type: document.media_type,
            size: document.size,
            sha256: document.sha256,
            links: Links { content },
            created_at: document.created_at,
        }
    }
}
