//! Around each route: the pattern it matched is known here, and a panic becomes a 500 problem.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::metrics::Metrics;
use crate::problem::Problem;

/// Something that is awaited before a handler.
type Hook = dyn Fn(&HttpRequest) -> LocalBoxFuture<'static, ()> + Send + Sync;

/// App data: asked before each handler. For the injection of faults; absent otherwise.
#[derive(Clone)]
pub struct Before(pub Arc<Hook>);

/// The route that a request matched, for labels and the access line.
#[derive(Clone, Debug)]
pub struct RoutePattern(pub Arc<str>);

/// Catches a panic of extractors and handler. The connection stays usable.
pub(crate) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let pattern = request.match_pattern().unwrap_or_else(|| "unmatched".into());
    RoutePattern(pattern.as_str().into()).note(&request);
    let http_request = request.request().clone();
    let before = request.app_data::<Before>().cloned();
    let handled = async {
        if let Some(before) = before {
            (before.0)(&http_request).await;
        }
        next.call(request).await
    };
    match AssertUnwindSafe(handled).catch_unwind().await {
        Ok(answer) => answer.map(ServiceResponse::map_into_boxed_body),
        Err(panic) => {
            if let Some(metrics) = http_request.app_data::<Metrics>() {
                metrics.panicked(&pattern);
            }
            let problem = Problem::internal(format!("the handler panicked: {}", message(&*panic)));
            Ok(ServiceResponse::from_err(problem, http_request))
        }
    }
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
