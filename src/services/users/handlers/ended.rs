//! What the gateway must refuse before the services behind it, which know the keys only, see it.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use busbar_http::access::Quiet;
use busbar_http::problem::kinds;
use busbar_http::{Found, Problem, Query, ServiceCaller};

use crate::types::ServiceName;

use super::super::Users;
use super::super::model::ended::{EndedQuery, Endings, begin};
use super::super::store;

/// `GET /internal/sessions/ended`.
pub(crate) async fn list(
    request: HttpRequest,
    users: Data<Users>,
    caller: ServiceCaller,
    Query(query): Query<EndedQuery>,
) -> Result<Found<Endings>, Problem> {
    if caller.service != ServiceName::Gateway.as_str() {
        return Err(kinds::INSUFFICIENT_SCOPE.problem());
    }
    request.extensions_mut().insert(Quiet);
    let token_life = Duration::from_secs(users.section.access_token_seconds);
    let now = users.clock.now();
    let ended = store::ended::page(&users.database, begin(query.after, token_life, now)).await?;
    Ok(Found(Endings::page(ended, token_life, now)))
}
