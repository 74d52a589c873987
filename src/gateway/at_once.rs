//! What is kept and fresh, given at the door: no route is looked for but in the table, nothing waits,
//! and no part of the road is walked that such an answer does not need.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, UPGRADE};
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::guard::RoutePattern;

use crate::config::{Auth, Caching};

use super::{Gateway, again, edge, identity, outgoing};

impl Gateway {
    /// `None`: the road knows.
    pub fn at_once(
        self: &Arc<Self>,
        request: &HttpRequest,
        start: Instant,
    ) -> Option<HttpResponse> {
        let fields = request.headers();
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        // A token is looked at where that may take its time, and a rate is told to whom it holds for.
        if !is_read || fields.contains_key(AUTHORIZATION) || fields.contains_key(UPGRADE) {
            return None;
        }
        let live = self.live.load();
        let route = live.table.find(request.method(), request.uri()).ok()?;
        let rules = &route.rules;
        let is_open = rules.auth != Auth::Required && rules.rate.is_none();
        if !is_open || rules.cache != Caching::Shared {
            return None;
        }
        let asked = live.asked(route, request, None);
        let (mut answer, used) = self.cache.at_once(&asked)?;
        RoutePattern(route.prefix.clone()).note(request);
        outgoing::trace_to(answer.headers_mut(), &identity(request));
        let answer = edge::finish(&live, request, answer, rules.compress);
        let answer = again::offer((self, &live), (&asked, &used), &route.prefix, answer)?;
        self.window.record(start.elapsed());
        Some(answer)
    }
}
