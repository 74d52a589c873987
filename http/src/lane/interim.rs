//! Where interim answers of an upstream go (RFC 9110, section 15.2): past awc, which knows none.

use actix_http::StatusCode;
use actix_http::header::HeaderMap;
use tokio::task::futures::TaskLocalFuture;

use crate::connection::Interim;

tokio::task_local! {
    /// The client of the exchange that is polled on this thread.
    static CLIENT: Option<Interim>;
}

/// Runs an exchange whose interim answers are passed on to its client.
pub fn with_interim<F: Future>(
    client: Option<Interim>,
    exchange: F,
) -> TaskLocalFuture<Option<Interim>, F> {
    CLIENT.scope(client, exchange)
}

/// Passes one on, if somebody wants it.
pub(super) fn pass_on(status: StatusCode, fields: &HeaderMap) {
    // An error means that nobody does.
    let _ = CLIENT.try_with(|client| client.as_ref().map(|it| it.pass_on(status, fields)));
}
