//! The lane as awc's own extension point sees it: a transform over its connection service.

use std::{rc::Rc, sync::Arc};

use actix_http::ServiceConfig;
use actix_service::Service;
use awc::{ConnectRequest, ConnectResponse, error::SendRequestError, middleware::Transform};
use futures_util::{TryFutureExt, future::LocalBoxFuture};

use super::{Instance, exchange::exchange, pool::Pool};

/// One thread's connections to one upstream instance; `ClientBuilder::wrap` takes it.
///
/// Clones share the same connections, so one that is kept beside the client can clear them.
#[derive(Clone)]
pub struct Lane {
    pool: Rc<Pool>,
}

impl Lane {
    /// Must be made on the thread that uses it. `codec` is made once for each thread: each
    /// `ServiceConfig` of its own runs a timer task.
    pub fn new(instance: Arc<Instance>, codec: ServiceConfig) -> Lane {
        Lane { pool: Pool::new(instance, codec) }
    }

    /// Closes the idle connections of this thread.
    pub fn clear_idle(&self) {
        self.pool.clear_idle();
    }
}

impl<S> Transform<S, ConnectRequest> for Lane
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
    S::Future: 'static,
{
    type Transform = LaneService<S>;

    fn new_transform(self, inner: S) -> LaneService<S> {
        LaneService { inner, pool: self.pool }
    }
}

pub struct LaneService<S> {
    inner: S,
    pool: Rc<Pool>,
}

impl<S> Service<ConnectRequest> for LaneService<S>
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
    S::Future: 'static,
{
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = LocalBoxFuture<'static, Result<ConnectResponse, SendRequestError>>;

    actix_service::forward_ready!(inner);

    fn call(&self, request: ConnectRequest) -> Self::Future {
        match request {
            ConnectRequest::Client(head, body, None) if self.pool.serves(head.as_ref()) => {
                Box::pin(exchange(self.pool.clone(), head, body).map_ok(ConnectResponse::Client))
            }
            // TLS, other hosts, tunnels: awc's own connector.
            other => Box::pin(self.inner.call(other)),
        }
    }
}
