//! Pages of documents, newest first.
use crate::storage::{Database, StoreError, params, sql};
use crate::types::{Cursor, UserId};

use super::super::model::document::{Document, DocumentKind};
use super::super::model::subject::Subject;

sql! {
    OF_OWNER = "SELECT id, owner_id, kind, subject, filename, media_type, size, sha256,
                    is_generated, created_by, created_at
                FROM documents
                WHERE owner_id = $1
                  AND (CAST($2 AS TEXT) IS NULL OR kind = $2)
                  AND (CAST($3 AS TEXT) IS NULL OR subject = $3)
                  AND (created_at < $4 OR (created_at = $4 AND id < $5))
                ORDER BY created_at DESC, id DESC LIMIT $6";
    OF_ALL = "SELECT id, owner_id, kind, subject, filename, media_type, size, sha256,
                  is_generated, created_by, created_at
              FROM documents
              WHERE (CAST($1 AS TEXT) IS NULL OR kind = $1)
                AND (CAST($2 AS TEXT) IS NULL OR subject = $2)
                AND (created_at < $3 OR (created_at = $3 AND id < $4))
              ORDER BY created_at DESC, id DESC LIMIT $5";
}

/// Which documents, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// `None`: everybody's.
    pub(crate) owner: Option<UserId>,
    pub(crate) kind: Option<DocumentKind>,
    pub(crate) subject: Option<Subject>,
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: i64,
}

pub(crate) async fn documents(
    database: &Database,
    selection: &Selection,
) -> Result<Vec<Document>, StoreError> {
    let Selection { owner, kind, subject, after, rows } = selection;
    let first = (i64::MAX, String::new());
    let (before, id) =
        after.map_or(first, |cursor| (cursor.created_at.micros(), cursor.id.to_string()));
    match owner {
        Some(owner) => {
            let values = params![owner, kind, subject, before, id, rows];
            database.all(OF_OWNER, values).await
        }
        None => database.all(OF_ALL, params![kind, subject, before, id, rows]).await,
    }
}
