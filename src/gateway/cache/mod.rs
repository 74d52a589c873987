//! Answers that are kept and given again: a shared cache by RFC 9111.
//!
//! [`Cache::look`] is where a request begins: `ask` says what it wants, `shelf` has the entries,
//! `entry` says what one is good for, `known` what that is for a request, `answer` makes an answer of
//! it. What has to be sent for goes on as a [`Sending`]; `flights` lets one request go for many.
//! `storable` judges what comes back, `keeper` copies it on its way to the client, `freshness`,
//! `directives`, `vary` and `conditions` are the rules, one section of the RFC each. `given` is an
//! answer that is given again to the same words.

mod answer;
mod ask;
mod conditions;
mod directives;
mod entry;
mod flights;
mod freshness;
mod given;
mod keeper;
mod known;
mod sending;
mod shelf;
mod status;
mod storable;
mod vary;

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::{Deadline, Problem};
use tokio::time::timeout_at;

use crate::config::Caching;
use crate::types::{Clock, Timestamp};

use super::meters::CacheMeters;
use super::problem::{NOT_CACHED, UPSTREAM_TIMEOUT};

use self::ask::Ask;
use self::entry::Entry;
use self::flights::{End, Flights, Join, Lead, end_of};
use self::keeper::Copying;
use self::known::{Known, known, may_wait};
use self::shelf::Shelf;

pub(super) use self::ask::host;
pub(super) use self::directives::split_outside_quotes;
pub(super) use self::flights::Flight;
pub(super) use self::given::{Given, Used};
pub(super) use self::keeper::Keeper;
pub(super) use self::sending::{Came, Sending};
pub(super) use self::shelf::Bounds;
pub(super) use self::status::{CACHE_STATUS, Forwarded, Keeping, Way, tell};
pub(super) use self::storable::Defaults;

/// The part of its time that a request waits at an address of which nothing is kept.
const UNKNOWN_WAIT_PART: u32 = 4;

/// How often a request that waited for another one's answer waits again when that one did not fit it.
const WAITS_MAX: usize = 3;

/// Shared by all worker threads.
pub(super) struct Cache {
    shelf: Shelf,
    flights: Flights,
    copying: Copying,
    clock: Clock,
    meters: CacheMeters,
}

/// A request as the cache sees it, and what holds for its route.
pub(super) struct Asked<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) defaults: Defaults,
    /// Whose answers they are, on a route where each person has some of their own.
    pub(super) principal: Option<&'a str>,
    /// Part of the key where answers may depend on it.
    pub(super) host: Cow<'a, str>,
    /// Of the routes that it goes by.
    pub(super) generation: u64,
}

/// What the cache has for a request.
pub(super) enum Look {
    Answer(HttpResponse),
    /// The answer is past its time: it goes out, and a fresh one is sent for.
    AnswerAndRefresh(HttpResponse, Sending),
    Send(Sending),
}

impl Cache {
    pub(super) fn new(bounds: Bounds, clock: Clock, meters: CacheMeters) -> Arc<Cache> {
        Arc::new(Cache {
            shelf: Shelf::new(bounds),
            flights: Flights::default(),
            copying: Copying::new(bounds.bytes_max),
            clock,
            meters,
        })
    }

    /// Keeps so much from now on; what does not fit any more goes.
    pub(super) fn resize(&self, bounds: Bounds) {
        self.copying.resize(bounds.bytes_max);
        self.shelf.resize(bounds);
    }

    /// The answer if it is there and fresh, without waiting for anything.
    pub(super) fn at_once(&self, asked: &Asked<'_>) -> Option<(HttpResponse, Used)> {
        let shelf = Some(&self.shelf).filter(|shelf| shelf.entries() > 0)?;
        let ask = Ask::of(asked).filter(|ask| !ask.directives.no_store)?;
        let fields = asked.request.headers();
        let now = self.now();
        let Known::Good(entry, way) = known(shelf, &ask, fields, now, false) else { return None };
        self.meters.answered(way);
        Some((answer::from_entry(&entry, &ask, fields, now, way), Used(entry)))
    }

    /// # Errors
    /// 504 when the request wants a kept answer alone and there is none, and when the one it waited
    /// for did not come in time.
    pub(super) async fn look(
        self: &Arc<Self>,
        asked: &Asked<'_>,
        deadline: Deadline,
    ) -> Result<Look, Problem> {
        let sharing = asked.defaults.sharing;
        let is_whose_unknown = sharing == Caching::Principal && asked.principal.is_none();
        let shelf = &self.shelf;
        if sharing == Caching::Off {
            return Ok(Look::Send(self.send_past(asked, Forwarded::Off)));
        }
        if !shelf.is_on() {
            return Ok(Look::Send(self.send_past(asked, Forwarded::Bypass)));
        }
        let Some(ask) = Ask::of(asked) else {
            return Ok(Look::Send(self.send_past(asked, Forwarded::Method)));
        };
        if ask.directives.no_store || is_whose_unknown {
            if ask.directives.only_if_cached {
                return Err(self.not_kept());
            }
            return Ok(Look::Send(self.send_past(asked, Forwarded::Bypass)));
        }
        let fields = asked.request.headers();
        for waits in 0.. {
            let now = self.now();
            let stamp = shelf.stamp();
            let known = known(shelf, &ask, fields, now, waits > 0);
            let (stale, why) = match known {
                Known::Good(entry, way) => {
                    return Ok(Look::Answer(self.answer(&entry, &ask, fields, way)));
                }
                Known::Refresh(entry, way) => {
                    let response = self.answer(&entry, &ask, fields, way);
                    let whole = Ask { is_head: false, has_range: false, ..ask.clone() };
                    let sending = |lead| {
                        Sending::new(self, asked, Some(whole), Some(entry), Forwarded::Stale)
                            .at(stamp)
                            .leading(lead)
                    };
                    return Ok(match self.flights.join(&ask.key, now) {
                        Join::Lead(lead) => Look::AnswerAndRefresh(response, sending(lead)),
                        _ => Look::Answer(response),
                    });
                }
                Known::Validate(entry, why) => (Some(entry), why),
                Known::Nothing(why) => (None, why),
            };
            if ask.directives.only_if_cached {
                return Err(self.not_kept());
            }
            let goes_alone =
                waits >= WAITS_MAX || !may_wait(&ask, stale.as_deref(), asked.defaults);
            let send = |stale, lead: Option<Lead>| {
                let sending = Sending::new(self, asked, Some(ask.clone()), stale, why).at(stamp);
                Look::Send(match lead {
                    Some(lead) => sending.leading(lead),
                    None => sending,
                })
            };
            if goes_alone {
                return Ok(send(stale, None));
            }
            let mut flight = match self.flights.join(&ask.key, now) {
                Join::Alone => return Ok(send(stale, None)),
                Join::Follow(flight) => flight,
                // Somebody may have landed between the look and this.
                Join::Lead(lead) => match known::known(shelf, &ask, fields, now, true) {
                    Known::Good(entry, way) => {
                        lead.kept();
                        return Ok(Look::Answer(self.answer(&entry, &ask, fields, way)));
                    }
                    _ => return Ok(send(stale, Some(lead))),
                },
            };
            let until = match stale {
                Some(_) => deadline,
                // It may never be kept: time must be left for a way of its own.
                None => deadline.sooner(deadline.left() / UNKNOWN_WAIT_PART),
            };
            match timeout_at(until.at().into(), end_of(&mut flight)).await {
                Err(_) if deadline.left().is_zero() => return Err(UPSTREAM_TIMEOUT.problem()),
                Err(_) => {
                    let sending = Sending::new(self, asked, Some(ask.clone()), stale, why);
                    return Ok(Look::Send(sending.at(stamp).goes_beside(Flight(flight))));
                }
                Ok(End::NotKept) => return Ok(send(stale, None)),
                Ok(End::StoodIn) => {
                    if let Some(entry) = stale.filter(|entry| entry.stands_in(&ask, self.now())) {
                        let way = Way::StoodIn(0);
                        return Ok(Look::Answer(self.answer(&entry, &ask, fields, way)));
                    }
                }
                Ok(End::Late) => self.flights.leave_behind(&ask.key, &flight),
                Ok(End::Kept | End::Failed | End::Open | End::Coming) => {}
            }
        }
        Ok(Look::Send(self.send_past(asked, Forwarded::Bypass)))
    }

    /// What has been written to: nothing of it is given any more.
    pub(super) fn invalidate(&self, path_marks: &[u64]) {
        self.shelf.invalidate(path_marks);
    }

    /// Other routes hold from now on: what is kept of earlier ones goes, and what is on its way by them
    /// is not kept.
    pub(super) fn begin(&self, generation: u64) {
        self.shelf.begin(generation);
    }

    /// Forgets what is kept of paths that begin so, or of all.
    pub(super) fn purge(&self, prefix: Option<&str>) {
        match prefix {
            None => self.shelf.clear(),
            Some(prefix) => {
                self.shelf.remove_where(|key| ask::target(key).starts_with(prefix));
            }
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.shelf.entries()
    }

    pub(super) fn bytes(&self) -> usize {
        self.shelf.bytes()
    }

    pub(super) fn evicted(&self) -> u64 {
        self.shelf.evicted()
    }

    pub(super) fn meters(&self) -> &CacheMeters {
        &self.meters
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn entry_bytes_max(&self) -> usize {
        self.shelf.entry_bytes_max()
    }

    /// Whether it is there now.
    fn put(&self, ask: &Ask, request: &HeaderMap, entry: Arc<Entry>) -> bool {
        self.shelf.put(ask, request, entry)
    }

    fn remove(&self, ask: &Ask) {
        self.shelf.remove(ask);
    }

    fn answer(&self, entry: &Entry, ask: &Ask, request: &HeaderMap, way: Way) -> HttpResponse {
        self.meters.answered(way);
        answer::from_entry(entry, ask, request, self.now(), way)
    }

    fn not_kept(&self) -> Problem {
        self.meters.missed(Forwarded::Request);
        NOT_CACHED.problem()
    }

    fn send_past(self: &Arc<Self>, asked: &Asked<'_>, why: Forwarded) -> Sending {
        Sending::new(self, asked, None, None, why)
    }
}
