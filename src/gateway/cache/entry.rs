//! A kept answer, and what it is good for at a moment.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName,
    HeaderValue, HttpDate,
};
use busbar_http::trace::{REQUEST_ID_NAME, TRACEPARENT_NAME};
use bytes::Bytes;

use crate::gateway::problem::REASON;
use crate::types::Timestamp;

use super::ask::Ask;
use super::freshness::{Lifetime, time_of};
use super::storable::Facts;
use super::vary::Selecting;

/// What an entry takes besides its texts and its body, in bytes: a guess on the safe side.
const OVERHEAD_BYTES: usize = 512;
const FIELD_OVERHEAD_BYTES: usize = 64;

const OF_ONE_ANSWER: [HeaderName; 4] = [AGE, REQUEST_ID_NAME, TRACEPARENT_NAME, REASON];

/// Shared by all threads; never changed, only replaced.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) status: StatusCode,
    /// Copies: what came from the service is a slice of a read buffer, and would keep all of it.
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    pub(super) selecting: Selecting,
    pub(super) facts: Facts,
    /// The number of the last invalidation before it was asked for.
    pub(super) stamp: u64,
    pub(super) size: usize,
}

/// What may be done with an entry for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Fresh,
    /// Now, while a fresh one is fetched.
    WhileRevalidating,
    /// The request takes stale answers.
    Stale,
    /// Only after the service has been asked.
    Validate,
}

impl Entry {
    pub(super) fn new(
        status: StatusCode,
        fields: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
        (facts, selecting): (Facts, Selecting),
        stamp: u64,
    ) -> Entry {
        let size = Entry::size(&fields, body.len(), &selecting);
        Entry { status, fields, body, selecting, facts, stamp, size }
    }

    /// What one takes, in bytes.
    pub(super) fn size(
        fields: &[(HeaderName, HeaderValue)],
        body_bytes: usize,
        selecting: &Selecting,
    ) -> usize {
        let texts: usize = fields
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD_BYTES)
            .sum();
        (OVERHEAD_BYTES + texts + selecting.size()).saturating_add(body_bytes)
    }

    pub(super) fn field(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// RFC 9111, section 4.2.3.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        self.facts.age + now.since(self.facts.arrived)
    }

    /// Seconds for which it is fresh still; less than zero: since when it is not.
    pub(super) fn seconds_left(&self, now: Timestamp) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        seconds(self.facts.lifetime.duration()) - seconds(self.age(now))
    }

    /// RFC 9111, sections 4.2, 4.2.4 and 5.2.1.
    pub(super) fn usable(&self, ask: &Ask, now: Timestamp) -> Use {
        let (age, lifetime) = (self.age(now), self.facts.lifetime.duration());
        let wants = &ask.directives;
        let is_too_old =
            wants.max_age.is_some_and(|most| age > Duration::from_secs(most) || most == 0);
        if self.facts.no_cache || wants.no_cache || is_too_old {
            return Use::Validate;
        }
        let min_fresh = Duration::from_secs(wants.min_fresh.unwrap_or(0));
        if lifetime > age && lifetime - age >= min_fresh {
            return Use::Fresh;
        }
        let staleness = age.saturating_sub(lifetime);
        if self.facts.never_stale || wants.min_fresh.is_some() {
            return Use::Validate;
        }
        let takes_stale =
            wants.max_stale.is_some_and(|most| staleness <= Duration::from_secs(most));
        if takes_stale {
            return Use::Stale;
        }
        match staleness < self.facts.stale_while_revalidate {
            true => Use::WhileRevalidating,
            false => Use::Validate,
        }
    }

    /// Whether it may stand in for an answer that failed (RFC 5861, section 4).
    pub(super) fn stands_in(&self, ask: &Ask, now: Timestamp) -> bool {
        let staleness = self.age(now).saturating_sub(self.facts.lifetime.duration());
        !self.facts.never_stale
            && !ask.directives.no_cache
            && !matches!(self.facts.lifetime, Lifetime::Unknown)
            && staleness < self.facts.stale_if_error
    }

    /// Whether it may be given to whoever asks so. What has no word of its own about it is not given
    /// to requests with credentials.
    pub(super) fn is_for(&self, ask: &Ask) -> bool {
        (!ask.has_authorization || self.facts.is_for_all)
            && !(self.facts.is_guessed && ask.has_credentials())
    }

    /// The same with what a 304 says (RFC 9111, section 3.2): its fields take the place of those of
    /// their name, except those that belong to the body that is kept.
    pub(super) fn freshened(
        &self,
        answer: &HeaderMap,
        facts: (Facts, Selecting),
        stamp: u64,
    ) -> Entry {
        let belongs_to_body = |name: &HeaderName| {
            matches!(*name, CONTENT_ENCODING | CONTENT_LENGTH | CONTENT_RANGE | ETAG)
                || name == "content-md5"
        };
        let new: Vec<_> =
            kept(answer).into_iter().filter(|(name, _)| !belongs_to_body(name)).collect();
        let mut fields: Vec<_> = self
            .fields
            .iter()
            .filter(|(name, _)| !new.iter().any(|(known, _)| known == name))
            .cloned()
            .collect();
        fields.extend(new);
        Entry::new(self.status, fields, self.body.clone(), facts, stamp)
    }
}

/// Copies of the fields that are kept, but for those of one answer alone: its age, what it is known by,
/// what the gateway itself has to say.
pub(super) fn kept(answer: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let copy = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).ok();
    answer
        .iter()
        .filter(|(name, _)| !OF_ONE_ANSWER.contains(name))
        .filter_map(|(name, value)| Some((name.clone(), copy(value)?)))
        .collect()
}

/// An answer without a date has that of its arrival (RFC 9110, section 6.6.1).
pub(super) fn dated(
    mut fields: Vec<(HeaderName, HeaderValue)>,
    arrived: Timestamp,
) -> Vec<(HeaderName, HeaderValue)> {
    if !fields.iter().any(|(name, _)| *name == DATE) {
        let date = HttpDate::from(time_of(arrived)).to_string();
        fields.extend(HeaderValue::try_from(date).ok().map(|date| (DATE, date)));
    }
    fields
}
