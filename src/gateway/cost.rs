//! Parts of a request's road as things that can be done again and again, for `benches/parts.rs`,
//! which times each by itself. Nothing else uses this.

use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, Uri};
use busbar_http::Deadline;
use send_wrapper::SendWrapper;

use super::Behind;
use super::actor::{Forward, Forwarding};
use super::forward::{Loss, Order};
use super::incoming::Incoming;
use super::route::Bounds;
use super::table::Table;
use crate::config;
use crate::types::ServiceName;

/// Whether a request has a route, in a table of all services.
pub fn table(settings: &config::Gateway) -> impl Fn(&Method, &Uri) -> bool + use<> {
    let table = table_of_all(settings);
    move |method, uri| table.find(method, uri).is_ok()
}

fn table_of_all(settings: &config::Gateway) -> Table {
    let behind = |service: ServiceName| Behind {
        name: service.as_str().into(),
        service: Some(service),
        bases: Vec::new(),
        limits: Default::default(),
        news: None,
    };
    let wait = Duration::from_millis(settings.request_timeout_ms);
    let body_bytes_max = settings.max_body_bytes;
    let bounds = Bounds { body_bytes_max, wait, document_bytes_max: 0, transfer: wait };
    Table::new(bounds, settings, &ServiceName::domain().map(behind).collect::<Vec<_>>())
}

/// The gateway's message on its way to an actor of the same thread and back.
pub struct Messages {
    table: Table,
    to: Addr<Echo>,
}

/// Answers a message as the gateway's actor does, but with nothing behind it.
struct Echo;

impl Actor for Echo {
    type Context = Context<Self>;
}

impl Handler<Forward> for Echo {
    type Result = Forwarding;

    fn handle(&mut self, _: Forward, _: &mut Context<Self>) -> Forwarding {
        Forwarding(Box::pin(async { Err(Loss::Cut) }))
    }
}

impl Messages {
    /// To be called on the thread that uses it, inside an actix system.
    pub fn start(settings: &config::Gateway) -> Messages {
        Messages { table: table_of_all(settings), to: Echo.start() }
    }

    /// Whether it came back.
    pub async fn round_trip(&self, uri: &Uri, deadline: Deadline) -> bool {
        let Ok(route) = self.table.find(&Method::GET, uri) else { return false };
        let target = route.target(uri);
        let (fields, body) = (HeaderMap::default(), Incoming::Nothing);
        let order = Order::new(route, &Method::GET, target, fields, body, deadline);
        self.to.send(Forward(SendWrapper::new(order))).await.is_ok()
    }
}
