//! Sessions that have ended and tokens that were withdrawn: heard from the users service, which is
//! asked twice a second, and kept for as long as such a token could still be shown.
//!
//! When the users service is away, the gateway goes on with what it knows.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix_rt::time::sleep;
use actix_web::http::header::HeaderMap;
use busbar_http::caller::UserClaims;
use busbar_http::client::Peer;
use busbar_http::{Deadline, PeerError};
use serde::Deserialize;
use uuid::Uuid;

use super::auth::Gatekeeper;
use super::meters::Meters;

/// Between two questions.
const INTERVAL: Duration = Duration::from_millis(500);
/// For one answer.
const WAIT: Duration = Duration::from_secs(2);
/// Pages that are asked for without a rest.
const PAGES_MAX: usize = 20;
/// Clocks of two machines may be so far apart.
const KEPT_LONGER: Duration = Duration::from_secs(60);
/// Endings that are kept; the oldest go first.
const ENTRIES_MAX: usize = 200_000;

const PATH: &str = "/internal/sessions/ended";

/// What must not be believed. Read by every worker thread, written by the one that listens.
#[derive(Default)]
pub(super) struct Ended {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    sessions: HashSet<Uuid>,
    /// The lowest version of a user's tokens that is good, and until when that is to be known.
    versions: HashMap<Uuid, (i64, Instant)>,
    /// In the order in which they came, with the time at which they may be forgotten.
    order: VecDeque<(Instant, Kind, Uuid)>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Session,
    User,
}

/// An answer of the users service.
#[derive(Debug, Deserialize)]
struct Page {
    ended: Vec<Ending>,
    keep_seconds: u64,
    resume: String,
    is_more: bool,
}

#[derive(Debug, Deserialize)]
struct Ending {
    kind: Kind,
    id: Uuid,
    version: i64,
}

impl Ended {
    /// Whether the session of a token has ended, or the token was withdrawn.
    pub(super) fn has(&self, claims: &UserClaims) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.sessions.contains(&claims.sid)
            || known.versions.get(&claims.sub).is_some_and(|(version, _)| claims.ver < *version)
    }

    fn learn(&self, page: &Page, now: Instant) {
        let keep = Duration::from_secs(page.keep_seconds).saturating_add(KEPT_LONGER);
        let until = now + keep;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for ending in &page.ended {
            known.add(ending, until);
        }
        known.forget(now);
    }

    fn forget(&self, now: Instant) -> usize {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.forget(now);
        known.order.len()
    }
}

impl Known {
    /// What is known already is told again for a while.
    fn add(&mut self, ending: &Ending, until: Instant) {
        let Ending { kind, id, version } = *ending;
        let is_new = match kind {
            Kind::Session => self.sessions.insert(id),
            Kind::User => {
                let is_higher = self.versions.get(&id).is_none_or(|(known, _)| *known < version);
                if is_higher {
                    self.versions.insert(id, (version, until));
                }
                is_higher
            }
        };
        if is_new {
            self.order.push_back((until, kind, id));
        }
    }

    fn forget(&mut self, now: Instant) {
        while let Some((until, kind, id)) = self.order.front().copied() {
            if until > now && self.order.len() <= ENTRIES_MAX {
                return;
            }
            self.order.pop_front();
            match kind {
                Kind::Session => drop(self.sessions.remove(&id)),
                // Unless a higher version came since, which is to be known for longer.
                Kind::User if self.versions.get(&id).is_some_and(|(_, last)| *last == until) => {
                    self.versions.remove(&id);
                }
                Kind::User => {}
            }
        }
    }
}

/// Asks for ever.
pub(super) async fn listen(ended: &Ended, users: &Peer, gatekeeper: &Gatekeeper, meters: &Meters) {
    let mut resume = None;
    let mut heard = Instant::now();
    let mut is_away = false;
    loop {
        match hear(ended, users, &mut resume).await {
            Ok(()) => {
                heard = Instant::now();
                if std::mem::take(&mut is_away) {
                    log::info!("the users service tells again which sessions have ended");
                }
                gatekeeper.renew_keys().await;
            }
            Err(error) if !is_away => {
                is_away = true;
                log::warn!("which sessions end is not heard for the moment: {error}");
            }
            Err(_) => {}
        }
        meters.listened(ended.forget(Instant::now()), heard);
        sleep(INTERVAL).await;
    }
}

/// One question, or several where one answer does not hold it all.
async fn hear(ended: &Ended, users: &Peer, resume: &mut Option<String>) -> Result<(), PeerError> {
    for _ in 0..PAGES_MAX {
        let path = match resume {
            Some(after) => format!("{PATH}?after={after}"),
            None => PATH.to_owned(),
        };
        let deadline = Deadline::after(WAIT);
        let page: Page = users.get_json(&path, &HeaderMap::new(), deadline).await?;
        ended.learn(&page, Instant::now());
        *resume = Some(page.resume);
        if !page.is_more {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use busbar_http::Role;
    use busbar_http::caller::{AUDIENCE_API, ISSUER};

    use super::*;

    fn claims(session: u128, user: u128, version: i64) -> UserClaims {
        UserClaims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE_API.to_owned(),
            sub: Uuid::from_u128(user),
            sid: Uuid::from_u128(session),
            role: Role::Customer,
            ver: version,
            iat: 0,
            exp: 600,
            jti: Uuid::nil(),
        }
    }

    fn page(endings: &[(Kind, u128, i64)]) -> Page {
        let ending = |(kind, id, version): &(Kind, u128, i64)| Ending {
            kind: *kind,
            id: Uuid::from_u128(*id),
            version: *version,
        };
        let ended = endings.iter().map(ending).collect();
        Page { ended, keep_seconds: 600, resume: String::new(), is_more: false }
    }

    #[test]
    fn a_session_that_has_ended_and_a_version_that_is_too_low_are_known() {
        let (ended, now) = (Ended::default(), Instant::now());
        ended.learn(&page(&[(Kind::Session, 1, 0), (Kind::User, 9, 3)]), now);
        assert!(ended.has(&claims(1, 7, 0)) && ended.has(&claims(2, 9, 2)));
        assert!(!ended.has(&claims(2, 7, 0)) && !ended.has(&claims(2, 9, 3)));
    }

    #[test]
    fn what_no_token_outlives_is_forgotten() {
        let (ended, now) = (Ended::default(), Instant::now());
        let told = page(&[(Kind::Session, 1, 0), (Kind::User, 9, 3)]);
        ended.learn(&told, now);
        ended.learn(&told, now + Duration::from_secs(10));
        assert_eq!(ended.forget(now + Duration::from_secs(600)), 2);
        // A version that has come since is known for longer.
        ended.learn(&page(&[(Kind::User, 9, 4)]), now + Duration::from_secs(300));
        assert_eq!(ended.forget(now + Duration::from_secs(660)), 1);
        assert!(ended.has(&claims(2, 9, 3)) && !ended.has(&claims(1, 7, 0)));
        assert_eq!(ended.forget(now + Duration::from_secs(960)), 0);
    }

    #[test]
    fn a_flood_of_endings_moves_no_bound() {
        let (ended, now) = (Ended::default(), Instant::now());
        let many: Vec<_> = (0..250_000).map(|id| (Kind::Session, id, 0)).collect();
        ended.learn(&page(&many), now);
        assert_eq!(ended.forget(now), ENTRIES_MAX);
        assert!(ended.has(&claims(249_999, 7, 0)) && !ended.has(&claims(0, 7, 0)));
    }
}
