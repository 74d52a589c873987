//! `/docs`: the API description as a page. All of it comes from this process.

use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, LOCATION};
use actix_web::web::Path;
use busbar_http::Problem;
use utoipa_swagger_ui::Config;

use super::not_found;

/// Where the page finds the description.
const DOCUMENT: &str = "/openapi.json";

static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from(DOCUMENT).validator_url("none")));

/// `/docs` itself: the page's own links are relative to `/docs/`.
pub(super) async fn enter() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "docs/")).finish()
}

/// A file of the page.
pub(super) async fn file(name: Path<String>) -> Result<HttpResponse, Problem> {
    let served = utoipa_swagger_ui::serve(&name, CONFIG.clone());
    let file = served.map_err(Problem::internal)?.ok_or_else(not_found)?;
    let mut response = HttpResponse::Ok();
    response.content_type(file.content_type).insert_header((CACHE_CONTROL, "no-cache"));
    if file.gzpipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(file.bytes.into_owned()))
}
