//! `/assets/*`: sends browsers to where static files are, if there is such a place.

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::Problem;

use super::{Gateway, not_found, target};

/// What stands before the name of a file.
const FOLDER: &str = "/assets";
/// Redirects may be kept, but not for so long that moving the files takes days.
const KEPT: &str = "public, max-age=300";

/// 302 to the same path at the other place, its encoding and its query as they came.
pub(super) async fn redirect(
    request: HttpRequest,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let uri = request.uri();
    target::check(uri.path())?;
    let live = gateway.now();
    let Some(base) = &live.settings.cdn_base_url else { return Err(not_found()) };
    let whole = uri.path_and_query().map_or(uri.path(), |whole| whole.as_str());
    let rest = whole.strip_prefix(FOLDER).ok_or_else(not_found)?;
    let place = base.as_str();
    let place = place.strip_suffix('/').unwrap_or(place);
    Ok(HttpResponse::Found()
        .insert_header((LOCATION, format!("{place}{rest}")))
        .insert_header((CACHE_CONTROL, KEPT))
        .finish())
}
