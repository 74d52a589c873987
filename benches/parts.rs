//! What the parts of a request's road through the gateway cost, each by itself.
//!
//!     cargo bench --bench parts
//!
//! Nanoseconds each time, the median of batches. The road as a whole is timed by `run.sh`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri, Version};
use busbar::config::{Config, Overrides};
use busbar::gateway::cost;
use busbar_actors::mailbox::Bounded;
use busbar_http::caller::{AUDIENCE_API, ISSUER, UserClaims};
use busbar_http::headers::{Arrival, for_client, for_upstream};
use busbar_http::latency::Latency;
use busbar_http::token::{KeySet, PrivateKey, VerifyingKeys};
use busbar_http::{Deadline, RequestId, Role};
use uuid::Uuid;

const BATCHES: usize = 25;
const BATCH: Duration = Duration::from_millis(40);
/// Any time at which the token of the trial is good, in Unix seconds.
const NOW: i64 = 1_800_000_000;

fn main() {
    let settings = Config::load(&Overrides::default(), std::iter::empty(), |_| Ok(()));
    let settings = settings.unwrap().0.gateway;
    println!("{:<44} {:>9}", "", "ns");

    messages(&settings);
    let find = cost::table(&settings);
    let path = Uri::from_static("/api/payments/0190?limit=20");
    each("table: the route of a path", || find(&Method::GET, &path));
    let nowhere = Uri::from_static("/nowhere/at/all");
    each("table: a path without a route", || find(&Method::GET, &nowhere));
    fields();
    each("request id and trace, made", || RequestId::of_headers(&HeaderMap::new()));
    tokens();
    let places = Bounded::new(1_000);
    each("a place among those under way", || places.enter().is_some());
    let latency = Latency::default();
    each("a duration written down", || latency.record(Duration::from_micros(1_234)));
}

/// What a browser sends, and what a service answers.
fn fields() {
    let request = map(&[
        ("host", "localhost:3000"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, br"),
        ("authorization", "Bearer x.y.z"),
        ("connection", "keep-alive"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),
    ]);
    let answer = map(&[
        ("content-type", "application/json"),
        ("content-length", "1024"),
        ("date", "Wed, 25 Nov 2026 07:00:00 GMT"),
        ("connection", "keep-alive"),
        ("cache-control", "no-store"),
    ]);
    let (peer, version) = ("192.0.2.1".parse().unwrap(), Version::HTTP_11);
    let arrival = Arrival { peer, scheme: "http", version, trusted: &[] };
    each("fields of a request, for the upstream", || for_upstream(&request, arrival));
    each("fields of an answer, copied and for the client", || for_client(&answer));
}

fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

fn tokens() {
    let key = PrivateKey::from_seed(&[7; 32]).unwrap();
    let claims = UserClaims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE_API.to_owned(),
        sub: Uuid::nil(),
        sid: Uuid::nil(),
        role: Role::Customer,
        ver: 1,
        iat: NOW,
        exp: NOW + 900,
        jti: Uuid::nil(),
    };
    let token = key.sign(&claims).unwrap();
    let keys = VerifyingKeys::from(&KeySet { keys: vec![key.public()] });
    let verify = || keys.verify::<UserClaims>(&token, ISSUER, AUDIENCE_API, NOW).is_ok();
    assert!(verify());
    each("token: signature and claims of a person", verify);
}

/// The message to the gateway's actor and its answer, on one thread.
fn messages(settings: &busbar::config::Gateway) {
    let path = Uri::from_static("/api/payments/0190");
    let deadline = Deadline::after(Duration::from_secs(600));
    actix_web::rt::System::new().block_on(async {
        let messages = cost::Messages::start(settings);
        assert!(messages.round_trip(&path, deadline).await);
        let mut samples = Vec::new();
        for _ in 0..BATCHES {
            let (start, mut times) = (Instant::now(), 0_u32);
            while start.elapsed() < BATCH {
                for _ in 0..100 {
                    black_box(messages.round_trip(&path, deadline).await);
                }
                times += 100;
            }
            samples.push(start.elapsed().as_nanos() as f64 / f64::from(times));
        }
        tell("the actor's message, there and back", samples);
    });
}

/// Times what is done, in batches that are long enough for the clock.
fn each<T>(name: &str, mut part: impl FnMut() -> T) {
    let mut samples = Vec::new();
    for _ in 0..BATCHES {
        let (start, mut times) = (Instant::now(), 0_u32);
        while start.elapsed() < BATCH {
            for _ in 0..100 {
                black_box(part());
            }
            times += 100;
        }
        samples.push(start.elapsed().as_nanos() as f64 / f64::from(times));
    }
    tell(name, samples);
}

fn tell(name: &str, mut samples: Vec<f64>) {
    samples.sort_by(f64::total_cmp);
    println!("{name:<44} {:>9.0}", samples[samples.len() / 2]);
}
