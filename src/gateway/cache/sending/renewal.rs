//! What an answer says of the entry that is kept: that it is still so, and what is new of it.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AGE, CONTENT_LENGTH, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, HttpDate, LAST_MODIFIED,
    SET_COOKIE,
};

use crate::gateway::cache::ask::Ask;
use crate::gateway::cache::entry::Entry;
use crate::gateway::cache::freshness::time_of;
use crate::gateway::cache::status::{Keeping, Way};
use crate::gateway::cache::storable::{self, Times, judge};
use crate::types::Timestamp;

use super::Sending;

impl Sending {
    /// RFC 9111, section 4.3.4.
    pub(super) fn freshen(mut self, ask: &Ask, stale: &Entry, said: &HeaderMap) -> HttpResponse {
        let arrived = self.cache.now();
        let for_all = self.for_all(said, arrived);
        match self.renew(ask, stale, &for_all, arrived) {
            Some(entry) => {
                if let Some(lead) = self.lead.take() {
                    lead.kept();
                }
                let way = Way::Validated(entry.seconds_left(arrived));
                let mut answer = self.answer(&entry, ask, way);
                if matches!(for_all, Cow::Owned(_)) {
                    for cookie in said.get_all(SET_COOKIE) {
                        answer.headers_mut().append(SET_COOKIE, cookie.clone());
                    }
                }
                answer
            }
            // It may not be kept any more; this client gets it all the same.
            None => {
                let facts = (stale.facts.clone(), stale.selecting.clone());
                let entry = stale.freshened(said, facts, self.stamp);
                if let Some(lead) = self.lead.take() {
                    lead.not_kept(arrived);
                }
                self.answer(&entry, ask, Way::Sent(self.why, Keeping::No))
            }
        }
    }

    /// RFC 9111, section 4.3.5: the head of a whole answer tells whether the one that is kept is still
    /// so, if it has anything to know it by.
    pub(super) fn head_came(&self, ask: &Ask, stale: &Entry, said: &HeaderMap) {
        let is_same = |name: &HeaderName| stale.field(name) == said.get(name);
        let length = said.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
        let own_length = stale.body.len().to_string();
        let is_so_long = length.is_none_or(|length| length == own_length.as_bytes());
        let validators = [ETAG, LAST_MODIFIED];
        let is_known = validators.iter().any(|name| stale.field(name).is_some());
        let is_found = stale.status == StatusCode::OK && is_known;
        if !(is_found && is_so_long && validators.iter().all(is_same)) {
            self.cache.remove(ask);
            return;
        }
        let arrived = self.cache.now();
        self.renew(ask, stale, &self.for_all(said, arrived), arrived);
    }

    /// What was said, but for cookies that are for this client alone: those that come with no word of
    /// how long they may be given to others.
    fn for_all<'a>(&self, said: &'a HeaderMap, arrived: Timestamp) -> Cow<'a, HeaderMap> {
        if storable::cookies_are_for_all(said, arrived, self.defaults) {
            return Cow::Borrowed(said);
        }
        let mut said = said.clone();
        said.remove(SET_COOKIE);
        Cow::Owned(said)
    }

    /// Keeps what is still so with the fields that were said of it; forgets it if that may not be.
    fn renew(
        &self,
        ask: &Ask,
        stale: &Entry,
        said: &HeaderMap,
        arrived: Timestamp,
    ) -> Option<Arc<Entry>> {
        let times = Times { asked: self.asked_at, arrived };
        let merged = merged(stale, said, arrived);
        let request = self.request.headers();
        let whole = Ask { is_head: false, ..ask.clone() };
        let judged = judge(&whole, request, stale.status, &merged, times, self.defaults);
        let Some(judged) = judged else {
            self.cache.remove(ask);
            return None;
        };
        let entry = Arc::new(stale.freshened(said, judged, self.stamp));
        self.cache.put(ask, request, entry.clone());
        Some(entry)
    }
}

/// An entry's fields with those of a 304. One without a date has that of its arrival.
fn merged(stale: &Entry, said: &HeaderMap, arrived: Timestamp) -> HeaderMap {
    let mut merged = HeaderMap::new();
    for (name, value) in &stale.fields {
        if !said.contains_key(name) && *name != DATE {
            merged.append(name.clone(), value.clone());
        }
    }
    for (name, value) in said {
        merged.append(name.clone(), value.clone());
    }
    if !said.contains_key(DATE) {
        let date = HttpDate::from(time_of(arrived)).to_string();
        if let Ok(date) = HeaderValue::try_from(date) {
            merged.insert(DATE, date);
        }
    }
    debug_assert!(!stale.fields.iter().any(|(name, _)| *name == AGE));
    merged
}
