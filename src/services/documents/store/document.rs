//! Documents, one by one.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::DocumentId;

use super::super::model::digest::Sha256;
use super::super::model::document::{Document, DocumentKind};
use super::super::model::subject::Subject;

sql! {
    BY_ID = "SELECT id, owner_id, kind, subject, filename, media_type, size, sha256, is_generated,
                 created_by, created_at
             FROM documents WHERE id = $1";
    // The service's own comes before one that staff have sent.
    ABOUT = "SELECT id, owner_id, kind, subject, filename, media_type, size, sha256, is_generated,
                 created_by, created_at
             FROM documents WHERE subject = $1 AND kind = $2
             ORDER BY CASE WHEN is_generated THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT 1";
    IS_MADE = "SELECT id AS value FROM documents WHERE kind = $1 AND subject = $2 AND is_generated";
    INSERT = "INSERT INTO documents (id, owner_id, kind, subject, filename, media_type, size,
                  sha256, is_generated, created_by, created_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
              ON CONFLICT (kind, subject) WHERE is_generated DO NOTHING";
    DELETE = "DELETE FROM documents WHERE id = $1 RETURNING sha256 AS value";
}

record! {
    Document {
        id, owner_id, kind, subject, filename, media_type, size, sha256, is_generated, created_by,
        created_at,
    }
}

pub(crate) async fn by_id(
    database: &Database,
    id: DocumentId,
) -> Result<Option<Document>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The document of this kind about something.
pub(crate) async fn about(
    database: &Database,
    subject: &Subject,
    kind: DocumentKind,
) -> Result<Option<Document>, StoreError> {
    database.optional(ABOUT, params![subject, kind]).await
}

/// Whether the service has made its own already.
pub(crate) async fn is_made(
    database: &Database,
    kind: DocumentKind,
    subject: &Subject,
) -> Result<bool, StoreError> {
    let made: Option<(DocumentId,)> = database.optional(IS_MADE, params![kind, subject]).await?;
    Ok(made.is_some())
}

/// False: the service has made one of this kind about the same before.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    document: &Document,
) -> Result<bool, StoreError> {
    let Document { id, owner_id, kind, subject, filename, media_type, size, sha256, .. } = document;
    let Document { is_generated, created_by, created_at, .. } = document;
    let values = params![
        id,
        owner_id,
        kind,
        subject,
        filename,
        media_type,
        size,
        sha256,
        is_generated,
        created_by,
        created_at
    ];
    Ok(tx.execute(INSERT, values).await? == 1)
}

/// The content of the document that was deleted; `None`: there was none.
pub(crate) async fn delete(
    tx: &mut Transaction<'_>,
    id: DocumentId,
) -> Result<Option<Sha256>, StoreError> {
    let deleted: Option<(Sha256,)> = tx.optional(DELETE, params![id]).await?;
    Ok(deleted.map(|(sha256,)| sha256))
}
