//! A request that is sent on, and what its answer is for the cache.

mod renewal;

use std::sync::Arc;

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_LOCATION, HeaderMap, HeaderValue, LOCATION};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::{HttpRequest, HttpResponse};
use awc::ClientResponse;
use busbar_http::{Problem, headers};

use crate::gateway::problem::VALIDATION_FAILED;
use crate::types::Timestamp;

use super::ask::{Ask, path_mark};
use super::entry::{Entry, kept};
use super::flights::{Flight, Lead};
use super::keeper::{Keeper, Plan};
use super::status::{Forwarded, Keeping, Way};
use super::storable::{Defaults, Times, judge};
use super::{Asked, Cache, conditions};

/// Dropped before an answer has come, whoever waits for it is told that it failed.
pub(in crate::gateway) struct Sending {
    cache: Arc<Cache>,
    request: HttpRequest,
    host: String,
    defaults: Defaults,
    /// `None`: the cache has no part in it, except that what is written is not kept any more.
    ask: Option<Ask>,
    /// Asked about, or stood in for a failure.
    stale: Option<Arc<Entry>>,
    why: Forwarded,
    stamp: u64,
    lead: Option<Lead>,
    /// Another's request for the same, which takes long: its answer may come first all the same.
    beside: Option<Flight>,
    asked_at: Timestamp,
}

/// What the client is given.
pub(in crate::gateway) enum Came {
    /// An entry: what came says that it is still so, or what should have come did not.
    Answer(HttpResponse),
    /// What came, and who copies it on its way.
    Pass(ClientResponse, Way, Option<Box<Keeper>>),
}

impl Sending {
    pub(super) fn new(
        cache: &Arc<Cache>,
        asked: &Asked<'_>,
        ask: Option<Ask>,
        stale: Option<Arc<Entry>>,
        why: Forwarded,
    ) -> Sending {
        Sending {
            cache: cache.clone(),
            request: asked.request.clone(),
            host: asked.host.clone().into_owned(),
            defaults: asked.defaults,
            ask,
            stale,
            why,
            stamp: 0,
            lead: None,
            beside: None,
            asked_at: cache.now(),
        }
    }

    pub(super) fn at(mut self, stamp: u64) -> Sending {
        self.stamp = stamp;
        self
    }

    pub(super) fn leading(mut self, lead: Lead) -> Sending {
        self.lead = Some(lead);
        self
    }

    pub(super) fn goes_beside(mut self, flight: Flight) -> Sending {
        self.beside = Some(flight);
        self
    }

    /// Another's request for the same, if one takes so long that this is sent beside it.
    pub(in crate::gateway) fn beside(&mut self) -> Option<Flight> {
        self.beside.take()
    }

    /// Asks about the entry that is there, if one is.
    pub(in crate::gateway) fn conditions(&self, fields: &mut HeaderMap) {
        if let Some(stale) = &self.stale {
            conditions::ask_whether_so(fields, stale);
        }
    }

    /// # Errors
    /// What came, when nothing stands in for it.
    pub(in crate::gateway) fn came(
        mut self,
        answer: Result<ClientResponse, Problem>,
    ) -> Result<Came, Problem> {
        let Some(ask) = self.ask.take() else {
            let answer = answer?;
            self.invalidate(answer.status(), answer.headers());
            self.cache.meters.missed(self.why);
            return Ok(Came::Pass(answer, Way::Sent(self.why, Keeping::No), None));
        };
        let failed = match &answer {
            Ok(answer) if is_failure(answer.status()) => Some(answer.status().as_u16()),
            Err(problem) if problem.status().is_server_error() => Some(0),
            _ => None,
        };
        if let Some(status) = failed {
            return self.failed(&ask, status, answer);
        }
        let answer = answer?;
        match self.stale.take() {
            Some(stale) if answer.status() == StatusCode::NOT_MODIFIED => {
                let said = headers::through_here(answer.headers().clone(), answer.version());
                Ok(Came::Answer(self.freshen(&ask, &stale, &said)))
            }
            Some(stale) if ask.is_head && answer.status() == StatusCode::OK => {
                let said = headers::through_here(answer.headers().clone(), answer.version());
                self.head_came(&ask, &stale, &said);
                Ok(self.pass(ask, answer))
            }
            _ => Ok(self.pass(ask, answer)),
        }
    }

    /// RFC 5861, section 4, and RFC 9111, section 5.2.2.2.
    fn failed(
        mut self,
        ask: &Ask,
        status: u16,
        answer: Result<ClientResponse, Problem>,
    ) -> Result<Came, Problem> {
        let now = self.cache.now();
        if let Some(stale) = self.stale.take() {
            if stale.stands_in(ask, now) {
                if let Some(lead) = self.lead.take() {
                    lead.stood_in();
                }
                let way = Way::StoodIn(status);
                return Ok(Came::Answer(self.answer(&stale, ask, way)));
            }
            if let (true, Err(problem)) = (stale.facts.never_stale, &answer) {
                return Err(VALIDATION_FAILED.problem().cause(problem.to_string()));
            }
        }
        Ok(self.pass(ask.clone(), answer?))
    }

    fn pass(mut self, ask: Ask, answer: ClientResponse) -> Came {
        let times = Times { asked: self.asked_at, arrived: self.cache.now() };
        self.cache.meters.missed(self.why);
        let (fields, request) = (answer.headers(), self.request.headers());
        let judged = match ask.is_head {
            true => None,
            false => judge(&ask, request, answer.status(), fields, times, self.defaults),
        };
        let kept = judged.and_then(|use_of_it| {
            let fields = kept(&headers::through_here(fields.clone(), answer.version()));
            let length = length(answer.headers()).unwrap_or(0);
            let size = Entry::size(&fields, length, &use_of_it.1) + ask.key.len();
            (size <= self.cache.entry_bytes_max()).then_some((fields, use_of_it))
        });
        let Some((fields, use_of_it)) = kept else {
            let is_private = ask.has_authorization;
            if let Some(lead) = self.lead.take() {
                lead.not_kept(times.arrived);
            }
            let keeping = if is_private { Keeping::Private } else { Keeping::No };
            return Came::Pass(answer, Way::Sent(self.why, keeping), None);
        };
        let plan = Plan {
            ask,
            request: self.request.clone(),
            status: answer.status(),
            fields,
            use_of_it,
            stamp: self.stamp,
        };
        let keeper = Keeper::new(self.cache.clone(), plan, self.lead.take());
        Came::Pass(answer, Way::Sent(self.why, Keeping::Stored), Some(Box::new(keeper)))
    }

    fn answer(&self, entry: &Entry, ask: &Ask, way: Way) -> HttpResponse {
        self.cache.answer(entry, ask, self.request.headers(), way)
    }

    /// What was written with success is not kept any more, nor what the answer names (RFC 9111,
    /// section 4.4); and, of our own services, the lists that it stands in.
    fn invalidate(&self, status: StatusCode, answer: &HeaderMap) {
        let is_safe = matches!(
            *self.request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
        );
        if is_safe || !(status.is_success() || status.is_redirection()) {
            return;
        }
        let path = self.request.uri().path();
        let mut marks = vec![path_mark(&self.host, path)];
        if !self.defaults.shares_cookies {
            marks.extend(above(path).map(|list| path_mark(&self.host, list)));
        }
        for name in [LOCATION, CONTENT_LOCATION] {
            let named = answer.get(name).and_then(|value| self.same_origin_path(value));
            marks.extend(named.map(|path| path_mark(&self.host, &path)));
        }
        self.cache.invalidate(&marks);
    }

    /// The path of an address here.
    fn same_origin_path(&self, value: &HeaderValue) -> Option<String> {
        let text = value.to_str().ok()?;
        if !text.contains("://") && !text.starts_with('/') {
            // Beside the address that was asked.
            let folder = self.request.uri().path().rsplit_once('/')?.0;
            return Some(format!("{folder}/{}", text.split(['?', '#']).next()?));
        }
        let uri: Uri = text.parse().ok()?;
        let own = super::ask::host(&self.request);
        let is_here = uri.authority().is_none_or(|host| host.as_str().eq_ignore_ascii_case(own));
        is_here.then(|| uri.path().to_owned())
    }
}

/// The paths that a path lies in, the longest first: `/api/bills/1/issue` in `/api/bills/1`, then
/// `/api/bills`.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/').map(|(list, _)| list), |list| {
        list.rsplit_once('/').map(|(list, _)| list)
    })
    .take_while(|list| list.len() > 1)
}

/// A service that says so is not well; an older answer is better.
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// Of a body, as it is announced; what is no length is none.
fn length(fields: &HeaderMap) -> Option<usize> {
    let length = fields.get(CONTENT_LENGTH)?.to_str().ok()?;
    length.bytes().all(|byte| byte.is_ascii_digit()).then(|| length.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::above;

    #[test]
    fn a_path_lies_in_all_above_it() {
        let lists: Vec<&str> = above("/api/bills/1/issue").collect();
        assert_eq!(lists, ["/api/bills/1", "/api/bills", "/api"]);
        assert_eq!(above("/").count(), 0);
    }
}
