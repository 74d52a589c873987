//! The invoice of a bill, which documents makes and keeps.
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, RETRY_AFTER};
use actix_web::web::Data;
use busbar_http::client::PeerError;
use busbar_http::headers::traced;
use busbar_http::{Caller, Deadline, Path, Problem, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::types::BillId;

use super::super::Billing;
use super::super::model::bill::BillStatus;
use super::super::problem::{BILL_NOT_ISSUED, DOCUMENTS_UNAVAILABLE, away};
use super::visible;

/// How long documents may take; a client's own wait may be over sooner.
const LINK_WAIT_MAX: Duration = Duration::from_secs(5);
const RETRY_AFTER_S: u64 = 2;

/// The invoice is not there yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rendering {
    bill_id: BillId,
    /// `rendering`.
    status: &'static str,
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

/// `GET /bills/{id}/pdf`: to where the invoice can be read for a while, without a token.
pub(crate) async fn show(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    deadline: Deadline,
    Path(id): Path<BillId>,
) -> Result<HttpResponse, Problem> {
    let bill = visible(&billing, &caller, id).await?;
    if bill.status == BillStatus::Draft {
        return Err(BILL_NOT_ISSUED.problem());
    }
    let question = json!({"subject": format!("bill/{id}"), "kind": "invoice"});
    let (headers, deadline) = (traced(&request_id), deadline.sooner(LINK_WAIT_MAX));
    let documents = billing.documents()?;
    let path = "/internal/documents/links";
    match documents.post_json(path, &question, &headers, deadline).await {
        Ok(Link { url }) => Ok(HttpResponse::Found()
            .insert_header((LOCATION, url))
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .finish()),
        Err(error @ PeerError::Status { .. }) if error.code() == Some("document_not_found") => {
            Ok(HttpResponse::Accepted()
                .insert_header((RETRY_AFTER, RETRY_AFTER_S))
                .insert_header((CACHE_CONTROL, "private, no-store"))
                .json(Rendering { bill_id: id, status: "rendering" }))
        }
        Err(error) => Err(away(DOCUMENTS_UNAVAILABLE, error)),
    }
}
