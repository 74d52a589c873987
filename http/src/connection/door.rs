//! Between the server and the handlers: tells the stream whose turn it is, and asks a client for
//! the body that it holds back when somebody wants to read it.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::error::PayloadError;
use actix_http::header::{CONTENT_LENGTH, UPGRADE};
use actix_http::{
    ConnectionType, HttpMessage, Method, Payload, Request, Response, StatusCode, Uri, Version,
};
use actix_service::{Service, ServiceFactory};
use actix_web::dev::ServiceResponse;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};

use super::head::Follows;
use super::{Connection, Interim};
use crate::problem::kinds;

/// An answer as the server gets it.
pub(crate) type Answered = Response<Tracked>;

/// A body that tells when its last byte was made.
pub(crate) struct Tracked {
    body: BoxBody,
    connection: Option<Rc<Connection>>,
}

/// One request on its way to a handler and its answer back.
pub(crate) fn through<S>(
    mut request: Request,
    app: &S,
) -> impl Future<Output = Result<Answered, Response<BoxBody>>> + use<S>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = Response<BoxBody>>,
{
    let connection = request.conn_data::<Rc<Connection>>().cloned();
    let (version, wanted) = (request.version(), request.head().connection_type());
    let mut is_clear = true;
    if let Some(connection) = &connection {
        let follows = follows(&mut request);
        is_clear = connection.begin(follows, version == Version::HTTP_11);
        if connection.asks_server() {
            request.head_mut().uri = Uri::from_static("*");
        }
        if request.head().expect() {
            ask_for_body(&mut request, connection);
        }
    }
    let answering = is_clear.then(|| app.call(request));
    async move {
        let mut response = match answering {
            Some(answering) => answering.await.map_or_else(|error| error, Response::from),
            None => doubtful(),
        };
        settle(&mut response, version, wanted);
        if let Some(connection) = &connection {
            connection.answers();
        }
        Ok(response.map_body(|_, body| Tracked { body, connection }))
    }
}

/// What the server's writer would get wrong about an answer's frame.
fn settle(response: &mut Response<BoxBody>, version: Version, wanted: ConnectionType) {
    let is_endless = response.body().size() == BodySize::Stream;
    let is_switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let head = response.head_mut();
    // RFC 9112, section 6.1: such a client knows no chunks, the end of the connection ends a body.
    if version < Version::HTTP_11 && is_endless {
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    // RFC 9110, section 7.8: who does not switch does not say so. The writer would repeat the
    // request's wish, and ends the connection in either case.
    if wanted == ConnectionType::Upgrade && !is_switching {
        head.set_connection_type(ConnectionType::Close);
    }
    // RFC 9112, section 4: the phrase may be empty, and must not be made up.
    if head.status.canonical_reason().is_none() {
        head.reason = head.reason.or(Some(""));
    }
}

/// A request that two readers have understood in two ways.
fn doubtful() -> Response<BoxBody> {
    let mut response = kinds::REQUEST_MALFORMED.problem().response(None);
    response.head_mut().set_connection_type(ConnectionType::Close);
    response.into()
}

/// What follows this request, as the server's parser has understood it.
fn follows(request: &mut Request) -> Follows {
    if matches!(request.payload(), Payload::None) {
        return Follows::Nothing;
    }
    if request.chunked().unwrap_or(false) {
        return Follows::Chunks;
    }
    let fields = request.headers();
    let is_websocket = |value: &actix_http::header::HeaderValue| {
        value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket")
    };
    let is_upgrade = fields.get_all(UPGRADE).any(is_websocket);
    let length =
        fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match length {
        Some(length) if !is_upgrade && request.method() != Method::CONNECT => {
            Follows::Length(length)
        }
        _ => Follows::Everything,
    }
}

/// RFC 9110, section 10.1.1: an interim answer as soon as a handler reads the body, none to a
/// request that is answered without.
fn ask_for_body(request: &mut Request, connection: &Rc<Connection>) {
    if matches!(request.payload(), Payload::None) {
        return;
    }
    let (payload, interim) = (request.take_payload(), Interim::on(connection));
    *request.payload() = Payload::Stream { payload: Box::pin(HeldBack { payload, interim }) };
}

/// A body that its client sends when it is asked to.
struct HeldBack {
    payload: Payload,
    interim: Option<Interim>,
}

impl Stream for HeldBack {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.payload.poll_next_unpin(cx);
        if let Some(interim) = self.interim.take() {
            // A client that did not wait needs no word.
            if polled.is_pending() {
                interim.go_on();
            }
        }
        polled
    }
}

impl MessageBody for Tracked {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.has_answered();
        }
    }
}

/// The app of a worker thread, for those who need it beside the server.
pub(crate) struct Made<S>(Rc<RefCell<Option<Rc<S>>>>);

impl<S> Clone for Made<S> {
    fn clone(&self) -> Self {
        Made(self.0.clone())
    }
}

impl<S> Default for Made<S> {
    fn default() -> Self {
        Made(Rc::default())
    }
}

/// A factory whose service is kept in `made`, too.
pub(crate) fn kept<F>(factory: F, made: Made<F::Service>) -> Kept<F, F::Service>
where
    F: ServiceFactory<Request>,
{
    Kept { factory, made }
}

pub(crate) struct Kept<F, S> {
    factory: F,
    made: Made<S>,
}

impl<F> ServiceFactory<Request> for Kept<F, F::Service>
where
    F: ServiceFactory<Request, Config = ()>,
    F::Service: 'static,
    F::Future: 'static,
{
    type Response = F::Response;
    type Error = F::Error;
    type Config = ();
    type Service = Rc<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (making, made) = (self.factory.new_service(()), self.made.clone());
        async move {
            let service = Rc::new(making.await?);
            *made.0.borrow_mut() = Some(service.clone());
            Ok(service)
        }
        .boxed_local()
    }
}

/// What the server asks about a request with `Expect: 100-continue`. It would send 100 before a
/// handler has seen the request; so the app answers here, and the server never gets to it.
pub(crate) struct Expecting<S>(pub(crate) Made<S>);

impl<S> ServiceFactory<Request> for Expecting<S>
where
    S: Service<Request, Response = Answered, Error = Response<BoxBody>> + 'static,
    S::Future: 'static,
{
    type Response = Request;
    type Error = Response<BoxBody>;
    type Config = ();
    type Service = Expecting<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Service, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        ready(Ok(Expecting(self.0.clone())))
    }
}

impl<S> Service<Request> for Expecting<S>
where
    S: Service<Request, Response = Answered, Error = Response<BoxBody>> + 'static,
    S::Future: 'static,
{
    type Response = Request;
    type Error = Response<BoxBody>;
    type Future = LocalBoxFuture<'static, Result<Request, Response<BoxBody>>>;

    actix_service::always_ready!();

    fn call(&self, request: Request) -> Self::Future {
        let app = self.0.0.borrow().clone();
        let Some(app) = app else { return ready(Ok(request)).boxed_local() };
        let answering = app.call(request);
        async move {
            // To the server it is a refusal; its body is the answer's.
            Err(match answering.await {
                Ok(response) => response.map_body(|_, body| BoxBody::new(body)),
                Err(response) => response,
            })
        }
        .boxed_local()
    }
}
