//! Links that work without a token, for a time.
use std::time::Duration;

use actix_web::web::Data;
use busbar_http::problem::kinds;
use busbar_http::{Body, Caller, Created, Found, Path, Problem, ServiceCaller};

use crate::types::{DocumentId, ServiceName, Timestamp};

use super::super::model::link::{Link, LinkOrder, LinkQuestion, SECONDS_MAX};
use super::super::problem::DOCUMENT_NOT_FOUND;
use super::super::{Documents, store};
use super::visible;

/// The services that hand documents on to their owners.
const MESSENGERS: [ServiceName; 2] = [ServiceName::Billing, ServiceName::Notifications];

/// `POST /documents/{id}/links`.
pub(crate) async fn create(
    documents: Data<Documents>,
    caller: Caller,
    Path(id): Path<DocumentId>,
    Body(order): Body<LinkOrder>,
) -> Result<Created<Link>, Problem> {
    visible(&documents, &caller, id).await?;
    let seconds = order.expires_in.unwrap_or(documents.link_seconds);
    if !(1..=SECONDS_MAX).contains(&seconds) {
        let detail = "a link is good for 1 second to 7 days";
        return Err(Problem::field("/expires_in", "expires_in_invalid", detail));
    }
    Ok(Created(link(&documents, id, seconds)))
}

/// `POST /internal/documents/links`: to the document of a kind about something.
pub(crate) async fn find(
    documents: Data<Documents>,
    caller: ServiceCaller,
    Body(question): Body<LinkQuestion>,
) -> Result<Found<Link>, Problem> {
    if !MESSENGERS.iter().any(|messenger| caller.service == messenger.as_str()) {
        return Err(kinds::INSUFFICIENT_SCOPE.problem());
    }
    let LinkQuestion { subject, kind } = question;
    let found = store::document::about(&documents.database, &subject, kind).await?;
    let document = found.ok_or(DOCUMENT_NOT_FOUND)?;
    Ok(Found(link(&documents, document.id, documents.link_seconds)))
}

fn link(documents: &Documents, document_id: DocumentId, seconds: u64) -> Link {
    let expires_at = documents.clock.now().plus(Duration::from_secs(seconds));
    // Links count in whole seconds.
    let expires_at = Timestamp::from_seconds(expires_at.seconds());
    let url = documents.signer.url(document_id, expires_at);
    Link { document_id, url, expires_at }
}
