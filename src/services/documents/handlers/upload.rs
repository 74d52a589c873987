//! Uploads.
use actix_web::HttpRequest;
use actix_web::web::{Data, Payload};
use busbar_http::problem::kinds;
use busbar_http::{Caller, IdempotencyKey, Problem, Query, Reply, RequestId};
use serde_json::json;

use crate::events::Origin;
use crate::requests::{self, Claim, Request};
use crate::storage::Transaction;
use crate::types::{DocumentId, Timestamp, UserId};

use super::super::events::stored;
use super::super::keeping::{self, Published};
use super::super::model::document::{Document, DocumentKind, DocumentView, Stated};
use super::super::upload::{self, Upload};
use super::super::{Documents, store};
use super::origin;

/// `POST /documents`: a form with a file, or the document itself as the body.
pub(crate) async fn create(
    documents: Data<Documents>,
    caller: Caller,
    request_id: RequestId,
    request: HttpRequest,
    Query(stated): Query<Stated>,
    payload: Payload,
) -> Result<Reply, Problem> {
    may_state(&caller, &stated)?;
    let key = IdempotencyKey::without_body(&request)?;
    let upload = upload::receive(&documents, &request, payload.into_inner(), stated).await?;
    may_state(&caller, &upload.stated)?;
    let at = documents.clock.now();
    let (document, content) = document(&caller, upload, at)?;
    let repeatable = repeatable(&caller, key, &document)?;
    let origin = origin(&caller, &request_id, at);
    let publish = async |tx: &mut Transaction<'_>| {
        published(tx, &document, repeatable.as_ref(), &origin).await
    };
    let answer = keeping::keep(&documents, content, publish).await?;
    if !answer.is_replayed {
        documents.meters.stored(document.kind, document.size.unsigned_abs());
    }
    Ok(answer)
}

/// Whose it is, others than staff can say of themselves alone.
fn may_state(caller: &Caller, stated: &Stated) -> Result<(), Problem> {
    let Stated { owner_id, kind, subject } = stated;
    let is_own = owner_id.is_none_or(|owner| owner.uuid() == caller.subject);
    if caller.is_staff() || (is_own && kind.is_none() && subject.is_none()) {
        return Ok(());
    }
    Err(kinds::INSUFFICIENT_SCOPE.problem())
}

/// The document that an upload is to be, and its content.
fn document(
    caller: &Caller,
    upload: Upload,
    at: Timestamp,
) -> Result<(Document, super::super::content::Received), Problem> {
    let Upload { content, filename, media_type, stated } = upload;
    let document = Document {
        id: DocumentId::new(),
        owner_id: stated.owner_id.unwrap_or(UserId::from(caller.subject)),
        kind: stated.kind.unwrap_or(DocumentKind::Upload),
        subject: stated.subject,
        filename,
        media_type,
        size: i64::try_from(content.size()).map_err(Problem::internal)?,
        sha256: content.sha256(),
        is_generated: false,
        created_by: format!("user/{}", caller.subject),
        created_at: at,
    };
    Ok((document, content))
}

/// The request as one that may come again: it asks the same when content and words are the same.
fn repeatable(
    caller: &Caller,
    key: Option<IdempotencyKey>,
    document: &Document,
) -> Result<Option<Request>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let Document { owner_id, kind, subject, filename, media_type, sha256, .. } = document;
    let key = key.asking(&json!({
        "owner_id": owner_id, "kind": kind, "subject": subject, "filename": filename,
        "media_type": media_type, "sha256": sha256,
    }))?;
    Ok(Some(Request { principal: format!("user/{}", caller.subject), key }))
}

/// Writes the document down, unless this is a request that was answered before.
async fn published(
    tx: &mut Transaction<'_>,
    document: &Document,
    request: Option<&Request>,
    origin: &Origin,
) -> Result<Published<Reply>, Problem> {
    if let Some(request) = request {
        match requests::claim(tx, request, &document.id.to_string(), origin.at).await? {
            Claim::New => {}
            Claim::Replay(earlier) => return Ok(Published::Unused(earlier)),
            Claim::Running { .. } => return Err(requests::in_flight()),
        }
    }
    store::document::insert(tx, document).await?;
    stored(tx, origin, document).await?;
    let view = DocumentView::from(document.clone());
    Ok(Published::Used(match request {
        Some(request) => requests::finish(tx, request, 201, &view).await?,
        None => Reply::first(201, &view)?,
    }))
}
