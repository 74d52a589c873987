//! The smallest gateway of actix-web, awc and the lane: what it costs to pass a request on with these, and
//! nothing else done. `relay PORT UPSTREAM`, for `benches/run.sh`; it trusts everybody and checks nothing.

use std::error::Error;

use actix_web::body::SizedStream;
use actix_web::http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer};
use busbar_http::client::{Upstream, thread_codec};
use busbar_http::lane::{Base, Instance, Limits};

const WORKERS: usize = 2;
/// As many idle connections to the upstream as the other servers may keep.
const IDLE_MAX: usize = 1_024;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (port, upstream) = (arguments.next(), arguments.next());
    let (Some(port), Some(upstream)) = (port, upstream) else {
        return Err("relay PORT UPSTREAM".into());
    };
    let limits = Limits { idle_max: IDLE_MAX, head_timeout: None, ..Limits::default() };
    let instance = Instance::new(upstream.parse::<Base>()?, limits);
    let server = HttpServer::new(move || {
        let upstream = Upstream::open(instance.clone(), &thread_codec());
        App::new().app_data(Data::new(upstream)).default_service(web::to(relay))
    });
    let server = server.workers(WORKERS).tcp_nodelay(true);
    Ok(server.bind(("127.0.0.1", port.parse()?))?.run().await?)
}

async fn relay(
    asked: HttpRequest,
    body: Bytes,
    upstream: Data<Upstream>,
) -> Result<HttpResponse, Box<dyn Error>> {
    let path = asked.uri().path_and_query().map_or("/", |whole| whole.as_str());
    let mut request = upstream.request(asked.method().clone(), path)?;
    copy(asked.headers(), request.headers_mut());
    let mut answer = match body.is_empty() {
        true => request.send().await,
        false => request.send_body(body).await,
    }
    .map_err(|error| error.to_string())?;
    let length =
        answer.headers().get(CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse().ok());
    let payload = answer.take_payload();
    let mut response = HttpResponse::build(answer.status());
    let mut response = match length {
        Some(length) => response.body(SizedStream::new(length, payload)),
        None => response.streaming(payload),
    };
    copy(answer.headers(), response.headers_mut());
    Ok(response)
}

fn copy(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if ![CONNECTION, CONTENT_LENGTH, HOST].contains(name) {
            to.append(name.clone(), value.clone());
        }
    }
}
