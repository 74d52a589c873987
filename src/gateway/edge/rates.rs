//! How often somebody may ask: so many requests in a window, given back one by one (GCRA).
//!
//! What is kept of each is one instant: the time at which all of its requests are given back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderName, HeaderValue};
use busbar_http::Problem;
use uuid::Uuid;

use crate::config::Rate;

use super::recent::Recent;
use crate::gateway::problem::RATE_LIMITED;
use crate::gateway::route::Route;

/// People and addresses that are counted at a time; then those who came longest ago are forgotten.
const KEYS_MAX: usize = 200_000;
/// What one household has of IPv6.
const IPV6_PREFIX_BITS: u32 = 64;

/// draft-ietf-httpapi-ratelimit-headers-11.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// All of them, of all routes.
pub(super) struct Rates {
    /// Nanoseconds since `began` at which everything is given back.
    recent: Recent<Key, u64>,
    began: Instant,
}

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The prefix of an added route; `None`: all of our services have one limit.
    added: Option<Arc<str>>,
    who: Who,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    User(Uuid),
    Address(IpAddr),
}

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    policy: &'static str,
    rate: Rate,
    is_allowed: bool,
    /// Requests that may follow at once.
    left: u32,
    /// Until all is given back, in seconds.
    whole_in: u64,
    /// Until the next request may come, in seconds.
    retry_in: u64,
}

impl Rates {
    pub(super) fn new() -> Rates {
        Rates { recent: Recent::new(KEYS_MAX), began: Instant::now() }
    }

    pub(super) fn count(&self, key: Key, rate: Rate) -> Verdict {
        let (now, policy) = (nanos(self.began.elapsed()), key.who.policy());
        let judged = self.recent.change(key, |known| {
            let (whole_at, verdict) = judge(known.unwrap_or(0), now, rate, policy);
            (verdict.is_allowed.then_some(whole_at), verdict)
        });
        judged.unwrap_or_else(|| judge(0, now, rate, policy).1)
    }
}

impl Key {
    pub(super) fn new(route: &Route, who: Who) -> Key {
        Key { added: route.service.is_none().then(|| route.prefix.clone()), who }
    }
}

impl Who {
    /// An address, or the network that one household has.
    pub(super) fn at(address: IpAddr) -> Who {
        Who::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let host_bits = u128::BITS - IPV6_PREFIX_BITS;
                IpAddr::V6((address.to_bits() >> host_bits << host_bits).into())
            }
            address => address,
        })
    }

    fn policy(self) -> &'static str {
        match self {
            Who::User(_) => "peruser",
            Who::Address(_) => "peraddress",
        }
    }
}

/// A request at `now` of somebody whose requests were all given back at `whole_at`. Pure.
fn judge(whole_at: u64, now: u64, rate: Rate, policy: &'static str) -> (u64, Verdict) {
    let window = nanos(Duration::from_secs(u64::from(rate.seconds)));
    let each = (window / u64::from(rate.requests.max(1))).max(1);
    // Under an earlier limit more may have been used than there is now.
    let from = whole_at.clamp(now, now.saturating_add(window));
    let next = from.saturating_add(each);
    let end = now.saturating_add(each.saturating_mul(u64::from(rate.requests)));
    let is_allowed = next <= end;
    let whole_at = if is_allowed { next } else { from };
    let left = u32::try_from(end.saturating_sub(whole_at) / each).unwrap_or(u32::MAX);
    let retry_in = seconds_up(next.saturating_sub(end)).max(1);
    let verdict = Verdict {
        policy,
        rate,
        is_allowed,
        left,
        whole_in: if is_allowed { seconds_up(whole_at - now) } else { retry_in },
        retry_in,
    };
    (whole_at, verdict)
}

impl Verdict {
    /// # Errors
    /// 429 with the time to wait.
    pub(super) fn require(self) -> Result<(), Problem> {
        if self.is_allowed {
            return Ok(());
        }
        Err(RATE_LIMITED.problem().retry_after(self.retry_in))
    }

    /// What every answer says about it.
    pub(super) fn fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        let Verdict { policy, rate: Rate { requests, seconds }, left, whole_in, .. } = *self;
        let limit = format!("\"{policy}\";q={requests};w={seconds}");
        let state = format!("\"{policy}\";r={left};t={whole_in}");
        let field =
            |(name, value): (HeaderName, String)| Some((name, HeaderValue::from_str(&value).ok()?));
        [(POLICY, limit), (STATE, state)].into_iter().filter_map(field)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds_up(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const RATE: Rate = Rate { requests: 100, seconds: 60 };

    /// So many requests at one moment: the last verdict, and what is kept.
    fn after(count: usize, mut whole_at: u64, now: u64) -> (u64, Verdict) {
        let mut last = None;
        for _ in 0..count {
            let (next, verdict) = judge(whole_at, now, RATE, "peruser");
            whole_at = next;
            last = Some(verdict);
        }
        (whole_at, last.unwrap())
    }

    #[test]
    fn the_hundred_and_first_at_once_is_refused() {
        let (whole_at, last) = after(100, 0, 7);
        assert!(last.is_allowed && last.left == 0 && last.whole_in == 60, "{last:?}");
        let (same, refused) = judge(whole_at, 7, RATE, "peruser");
        assert!(!refused.is_allowed && refused.retry_in == 1 && same == whole_at, "{refused:?}");
    }

    #[test]
    fn what_was_used_is_given_back_one_by_one() {
        let (whole_at, _) = after(100, 0, 0);
        let (_, verdict) = after(50, whole_at, 30 * SECOND);
        assert!(verdict.is_allowed && verdict.left == 0, "{verdict:?}");
        let (_, verdict) = after(51, whole_at, 30 * SECOND);
        assert!(!verdict.is_allowed, "{verdict:?}");
        let (_, verdict) = after(1, whole_at, 61 * SECOND);
        assert_eq!((verdict.left, verdict.whole_in), (99, 1));
    }

    #[test]
    fn who_was_refused_is_told_how_long_to_wait() {
        let slow = Rate { requests: 2, seconds: 3_600 };
        let (whole_at, _) = judge(0, 0, slow, "peraddress");
        let (whole_at, _) = judge(whole_at, 0, slow, "peraddress");
        let (_, refused) = judge(whole_at, 10 * SECOND, slow, "peraddress");
        assert_eq!((refused.is_allowed, refused.retry_in), (false, 1_790));
        let fields: Vec<String> =
            refused.fields().map(|(_, value)| value.to_str().unwrap().to_owned()).collect();
        assert_eq!(fields, ["\"peraddress\";q=2;w=3600", "\"peraddress\";r=0;t=1790"]);
    }

    #[test]
    fn who_used_all_of_a_larger_limit_has_used_all_of_a_smaller_one() {
        let slow = Rate { requests: 2, seconds: 3_600 };
        let (whole_at, _) = judge(0, 0, slow, "peruser");
        let (whole_at, _) = judge(whole_at, 0, slow, "peruser");
        let (whole_at, refused) = judge(whole_at, SECOND, RATE, "peruser");
        assert!(!refused.is_allowed && refused.retry_in == 1 && refused.whole_in == 1);
        assert!(judge(whole_at, 2 * SECOND, RATE, "peruser").1.is_allowed);
    }

    #[test]
    fn a_household_is_one_address() {
        let at = |text: &str| Who::at(text.parse().unwrap());
        assert_eq!(at("2001:db8:1:2::3"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::3"), at("2001:db8:1:3::3"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[test]
    fn limits_of_routes_are_apart() {
        let rates = Rates::new();
        let one = Rate { requests: 1, seconds: 60 };
        let key =
            |added: Option<&str>| Key { added: added.map(Arc::from), who: Who::User(Uuid::nil()) };
        assert!(rates.count(key(None), one).is_allowed);
        assert!(!rates.count(key(None), one).is_allowed);
        assert!(rates.count(key(Some("/added")), one).is_allowed);
    }
}
