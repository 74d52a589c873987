//! The names in the settings that stand for an instance at each of their addresses: looked up again and
//! again, and what is known of them.
//!
//! An address has a number among those of its name for as long as it is there, so that labels are few
//! however addresses change. A look-up that fails changes nothing but what is said of it.

mod meters;
mod questions;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use busbar_http::client::outside::Names;
use busbar_http::lane::Base;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::config::{Config, Place};
use crate::types::ServiceName;

use self::meters::Meters;
use self::questions::Questions;
use super::Host;

/// Addresses of one name; more are left out.
const ADDRESSES_MAX: usize = 32;
/// How often a name is looked up that has no address yet.
const SOON: Duration = Duration::from_millis(500);

/// Told of addresses that have come or gone.
pub type Moved = Box<dyn Fn(&Host) + Send + Sync>;

/// Shared by all copies of a host.
pub(super) struct Directory {
    names: Names,
    /// Written by those who look up; locked for a moment at a time.
    known: Mutex<BTreeMap<String, Known>>,
    /// Moved after each change of an address.
    version: Arc<AtomicU64>,
    moved: Mutex<Vec<Moved>>,
    settings: Notify,
    meters: Meters,
}

/// What is known of a name.
#[derive(Default)]
struct Known {
    /// The addresses, by their numbers.
    addresses: Vec<Option<IpAddr>>,
    is_failing: bool,
}

impl Directory {
    pub(super) fn new(names: Names) -> Result<Directory, prometheus::Error> {
        Ok(Directory {
            names,
            known: Mutex::default(),
            version: Arc::default(),
            moved: Mutex::default(),
            settings: Notify::new(),
            meters: Meters::new()?,
        })
    }

    pub(super) fn meters(&self) -> &Meters {
        &self.meters
    }

    pub(super) fn version(&self) -> Arc<AtomicU64> {
        self.version.clone()
    }

    /// The instances at these places now, each with its number, which it keeps as long as it is there.
    pub(super) fn bases(&self, places: &[Place]) -> Vec<(usize, Base)> {
        let known = self.known();
        let (mut bases, mut first) = (Vec::new(), 0);
        for place in places {
            // The settings have checked it.
            let Ok(base) = place.url().as_str().parse::<Base>() else { continue };
            let Some(name) = place.name() else {
                bases.push((first, base));
                first += 1;
                continue;
            };
            let addresses = known.get(name).into_iter().flat_map(|known| &known.addresses);
            let numbered = addresses.enumerate();
            bases.extend(numbered.filter_map(|(at, is)| Some((first + at, base.at((*is)?)))));
            first += ADDRESSES_MAX;
        }
        bases
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the names that are not wanted any more.
    fn keep(&self, wanted: &BTreeSet<String>) {
        self.known().retain(|name, _| {
            let is_wanted = wanted.contains(name);
            if !is_wanted {
                self.meters.forget(name);
            }
            is_wanted
        });
    }

    /// Takes in what a look-up has brought; whether the addresses are others now.
    fn answered(&self, name: &str, answer: io::Result<Vec<IpAddr>>) -> bool {
        let mut known = self.known();
        let known = known.entry(name.to_owned()).or_default();
        let has_changed = match answer {
            Ok(found) => {
                if std::mem::take(&mut known.is_failing) {
                    log::info!("the name {name} is found again");
                }
                known.becomes(name, usable(found))
            }
            Err(why) => {
                if !std::mem::replace(&mut known.is_failing, true) {
                    let what = match known.count() {
                        0 => "nothing is sent there until it has an address",
                        _ => "its last addresses stay",
                    };
                    log::warn!("the name {name} is not found ({why}): {what}");
                }
                false
            }
        };
        self.meters.looked_up(name, !known.is_failing, known.count());
        if has_changed {
            self.version.fetch_add(1, SeqCst);
        }
        has_changed
    }

    fn lacks_one_of(&self, wanted: &BTreeSet<String>) -> bool {
        let known = self.known();
        wanted.iter().any(|name| known.get(name).is_none_or(|known| known.count() == 0))
    }
}

impl Known {
    fn count(&self) -> usize {
        self.addresses.iter().flatten().count()
    }

    /// One that stays keeps its number, one that comes takes the first that is free.
    fn becomes(&mut self, name: &str, found: Vec<IpAddr>) -> bool {
        let before: BTreeSet<IpAddr> = self.addresses.iter().flatten().copied().collect();
        let now: BTreeSet<IpAddr> = found.into_iter().collect();
        for place in &mut self.addresses {
            place.take_if(|address| !now.contains(address));
        }
        for address in now.difference(&before) {
            match self.addresses.iter_mut().find(|place| place.is_none()) {
                Some(place) => *place = Some(*address),
                None => self.addresses.push(Some(*address)),
            }
        }
        if now != before {
            let (come, gone) = (listed(&now, &before), listed(&before, &now));
            let count = now.len();
            log::info!("the name {name}, addresses: {count}; new: {come}; gone: {gone}");
        }
        now != before
    }
}

/// A server listens at one family: of a name with both, the addresses of IPv4 count. Sorted, so that
/// what is left out is always the same.
fn usable(mut found: Vec<IpAddr>) -> Vec<IpAddr> {
    if found.iter().any(IpAddr::is_ipv4) {
        found.retain(IpAddr::is_ipv4);
    }
    found.sort_unstable();
    found.truncate(ADDRESSES_MAX);
    found
}

fn listed(some: &BTreeSet<IpAddr>, without: &BTreeSet<IpAddr>) -> String {
    let texts: Vec<String> = some.difference(without).map(ToString::to_string).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(" ") }
}

/// The names that these settings want looked up.
fn wanted(config: &Config) -> BTreeSet<String> {
    let services = ServiceName::domain().flat_map(|name| &config.services.get(name).urls);
    // Only a gateway has routes.
    let routes = config.gateway.routes.0.iter().filter(|_| config.hosts(ServiceName::Gateway));
    let places = services.chain(routes.flat_map(|route| &route.upstreams));
    places.filter_map(Place::name).map(str::to_owned).collect()
}

impl Host {
    /// Has `moved` told of addresses that have come or gone from now on.
    pub fn heed_names(&self, moved: Moved) {
        self.names.moved.lock().unwrap_or_else(PoisonError::into_inner).push(moved);
    }

    /// The settings may have others: they are looked up at once.
    pub fn names_may_be_others(&self) {
        self.names.settings.notify_one();
    }

    /// Looks all names up once, so that what starts now finds them; none takes longer than its bound.
    pub async fn find_names(&self) {
        self.look_up(&wanted(&self.now().config), &Questions::default()).await;
    }

    /// Looks the names up again and again, for as long as it is polled.
    pub async fn follow_names(&self) {
        let questions = Questions::default();
        loop {
            let config = self.now().config;
            let wanted = wanted(&config);
            self.names.keep(&wanted);
            let changed = self.names.settings.notified();
            if wanted.is_empty() {
                changed.await;
                continue;
            }
            self.look_up(&wanted, &questions).await;
            let every = Duration::from_millis(config.gateway.resolve_every_ms);
            let pause = if self.names.lacks_one_of(&wanted) { every.min(SOON) } else { every };
            // Either way it is time to look.
            let _ = timeout(pause, changed).await;
        }
    }

    async fn look_up(&self, wanted: &BTreeSet<String>, questions: &Questions) {
        join_all(wanted.iter().map(|name| self.look(name, questions))).await;
    }

    async fn look(&self, name: &str, questions: &Questions) {
        let answer = questions.ask(&self.names.names, name).await;
        if self.names.answered(name, answer) {
            let moved = self.names.moved.lock().unwrap_or_else(PoisonError::into_inner);
            moved.iter().for_each(|moved| moved(self));
        }
    }
}

#[cfg(test)]
mod tests;
