//! What each endpoint does, by what it works on.
pub(crate) mod content;
pub(crate) mod document;
pub(crate) mod link;
pub(crate) mod upload;

use busbar_http::{Caller, Problem, RequestId};

use crate::events::Origin;
use crate::types::{DocumentId, ServiceName, Timestamp};

use super::Documents;
use super::model::document::Document;
use super::problem::DOCUMENT_NOT_FOUND;
use super::store;

/// What the caller sets off, as others will be told.
fn origin(caller: &Caller, request: &RequestId, at: Timestamp) -> Origin {
    Origin {
        source: ServiceName::Documents,
        at,
        correlation: request.id().to_owned(),
        causation: None,
        actor: format!("user/{}", caller.subject),
    }
}

/// The document, if the caller may see it.
async fn visible(
    documents: &Documents,
    caller: &Caller,
    id: DocumentId,
) -> Result<Document, Problem> {
    let document = store::document::by_id(&documents.database, id).await?;
    let document = document.filter(|document| caller.may_see(document.owner_id.uuid()));
    document.ok_or_else(|| DOCUMENT_NOT_FOUND.problem())
}
