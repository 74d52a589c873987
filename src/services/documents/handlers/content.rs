//! The bytes of a document.
use actix_web::web::{Data, block};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use busbar_http::{Caller, Download, Path, Problem, Query};
use serde::Deserialize;

use crate::types::DocumentId;

use super::super::model::document::Document;
use super::super::problem::{DOCUMENT_NOT_FOUND, LINK_INVALID, of_disk};
use super::super::{Documents, store};
use super::visible;

/// What a link brings along instead of a token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkQuery {
    expires: Option<String>,
    signature: Option<String>,
}

/// `GET /documents/{id}/content`: for the owner, for staff, and for who has a link.
pub(crate) async fn show(
    documents: Data<Documents>,
    Path(id): Path<DocumentId>,
    Query(link): Query<LinkQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let document = match link {
        LinkQuery { expires: None, signature: None } => {
            let caller = Caller::extract(&request).await?;
            visible(&documents, &caller, id).await?
        }
        LinkQuery { expires: Some(expires), signature: Some(signature) } => {
            documents.signer.check(id, &expires, &signature, documents.clock.now())?;
            let document = store::document::by_id(&documents.database, id).await?;
            document.ok_or(DOCUMENT_NOT_FOUND)?
        }
        _ => return Err(LINK_INVALID.problem()),
    };
    download(&documents, document).await?.respond(&request)
}

/// Opens the content, which must be as long as it was.
async fn download(documents: &Documents, document: Document) -> Result<Download, Problem> {
    let length = document.size.unsigned_abs();
    let (vault, sha256) = (documents.vault.clone(), document.sha256);
    let opened = block(move || vault.read(sha256, length)).await.map_err(Problem::internal)?;
    let file = match opened {
        Ok(file) => file,
        // It may have been deleted since it was looked up; otherwise a content is missing.
        Err(error) if store::document::by_id(&documents.database, document.id).await?.is_some() => {
            return Err(of_disk(&error));
        }
        Err(_) => return Err(DOCUMENT_NOT_FOUND.problem()),
    };
    Ok(Download {
        file,
        length,
        media_type: document.media_type,
        name: document.filename.to_string(),
        tag: sha256.to_string(),
        digest: sha256.base64(),
        modified: document.created_at.seconds().unsigned_abs(),
    })
}
