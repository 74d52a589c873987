//! Documents: shown, listed and deleted.
use actix_web::web::Data;
use busbar_http::{Caller, Found, Listed, NoContent, Path, Problem, Query, RequestId};
use serde::Deserialize;
use serde_json::json;

use crate::audit;
use crate::types::{Cursor, DocumentId, Limit, UserId};

use super::super::events::subject_of;
use super::super::model::document::{DocumentKind, DocumentView};
use super::super::model::subject::Subject;
use super::super::problem::{DOCUMENT_NOT_DELETABLE, DOCUMENT_NOT_FOUND};
use super::super::store::list::Selection;
use super::super::{Documents, keeping, store};
use super::{origin, visible};

/// Which documents, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentQuery {
    owner_id: Option<UserId>,
    kind: Option<DocumentKind>,
    subject: Option<Subject>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `GET /documents/{id}`.
pub(crate) async fn show(
    documents: Data<Documents>,
    caller: Caller,
    Path(id): Path<DocumentId>,
) -> Result<Found<DocumentView>, Problem> {
    Ok(Found(visible(&documents, &caller, id).await?.into()))
}

/// `GET /documents`: customers find their own alone, whomever they ask for.
pub(crate) async fn list(
    documents: Data<Documents>,
    caller: Caller,
    Query(query): Query<DocumentQuery>,
) -> Result<Listed<DocumentView>, Problem> {
    let DocumentQuery { owner_id, kind, subject, limit, cursor } = query;
    let own = UserId::from(caller.subject);
    let owner = if caller.is_staff() { owner_id } else { Some(own) };
    if !caller.is_staff() && owner_id.is_some_and(|other| other != own) {
        return Ok(Listed { data: Vec::new(), next_cursor: None, has_more: false });
    }
    let rows = limit.rows_and_one();
    let selection = Selection { owner, kind, subject, after: cursor, rows };
    let found = store::list::documents(&documents.database, &selection).await?;
    let views = found.into_iter().map(DocumentView::from).collect();
    Ok(Listed::page(views, limit.rows(), |view: &DocumentView| {
        Cursor::new(view.created_at, view.id).to_string()
    }))
}

/// `DELETE /documents/{id}`: its content goes with the last document that has it.
pub(crate) async fn delete(
    documents: Data<Documents>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<DocumentId>,
) -> Result<NoContent, Problem> {
    let document = visible(&documents, &caller, id).await?;
    if document.is_for_good() && !caller.is_staff() {
        return Err(DOCUMENT_NOT_DELETABLE.problem());
    }
    let at = documents.clock.now();
    let origin = origin(&caller, &request_id, at);
    let deleted = documents.database.transaction(async |tx| {
        let Some(sha256) = store::document::delete(tx, id).await? else {
            return Err(DOCUMENT_NOT_FOUND.problem());
        };
        store::blob::leave(tx, sha256).await?;
        let entry = audit::Entry {
            actor: origin.actor.clone(),
            action: "document.deleted",
            subject: subject_of(id),
            request_id: Some(origin.correlation.clone()),
            at,
            details: json!({"owner_id": document.owner_id, "kind": document.kind,
                "subject": document.subject, "sha256": sha256}),
        };
        audit::record(tx, &entry).await?;
        Ok(sha256)
    });
    let sha256 = deleted.await?;
    // The document is gone whatever becomes of its content: what is left over, the upkeep finds.
    if let Err(problem) = keeping::remove_unused(&documents, sha256).await {
        log::warn!("content {sha256} is left to the upkeep: {problem}");
    }
    Ok(NoContent)
}
