//! The time that is left for a request: set at the edge, read by clients and pools below it.

use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::{Ready, ready};

use crate::problem::Problem;

/// Milliseconds left when the request was sent on: a relative time needs no common clock.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-deadline-ms");
/// What a request gets that names no deadline.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(30);
/// The longest deadline that a header can ask for.
pub const DEADLINE_MAX: Duration = Duration::from_secs(600);

/// When the answer has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(wait: Duration) -> Deadline {
        Deadline(Instant::now() + wait)
    }

    pub fn at(self) -> Instant {
        self.0
    }

    /// The time left, zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub fn sooner(self, wait: Duration) -> Deadline {
        Deadline(self.0.min(Instant::now() + wait))
    }

    pub fn of(request: &HttpRequest) -> Deadline {
        if let Some(known) = request.extensions().get::<Deadline>() {
            return *known;
        }
        let asked =
            request.headers().get(&HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = asked.map_or(DEADLINE_DEFAULT, Duration::from_millis).min(DEADLINE_MAX);
        let deadline = Deadline::after(wait);
        request.extensions_mut().insert(deadline);
        deadline
    }
}

impl FromRequest for Deadline {
    type Error = Problem;
    type Future = Ready<Result<Deadline, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Deadline::of(request)))
    }
}
