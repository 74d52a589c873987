//! What everybody may read is kept here and changes there: as long as anything is kept, who says what
//! has changed is asked twice a second, and what hangs on that is not given any more.
//!
//! When they are away, what is kept goes at its time.

use std::time::{Duration, Instant};

use actix_rt::time::sleep;
use actix_web::http::header::HeaderMap;
use busbar_http::client::Peer;
use busbar_http::{Deadline, PeerError};
use serde::Deserialize;

use super::cache::Cache;

/// Between two questions.
const INTERVAL: Duration = Duration::from_millis(500);
/// For one answer.
const WAIT: Duration = Duration::from_secs(2);

/// As far back as can be asked.
const SECONDS_MAX: u64 = 24 * 3_600;
/// An event bears the time at which its request came in, by the clock of that machine, and is seen when
/// that has committed. So this much is asked for besides.
const LOOK_BACK: Duration = Duration::from_secs(20);

const PATH: &str = "/internal/events/changed";

/// An answer of who says what has changed.
#[derive(Debug, Deserialize)]
struct Changed {
    /// `tariff/0190…`.
    subjects: Vec<String>,
    /// There are too many to name.
    is_more: bool,
}

/// What begins so is seen through subjects of a kind: who may be seen, whose tariffs may be.
const SEEN: [(&str, &[&str]); 2] = [
    ("provider/", &["/api/providers", "/api/utilities", "/api/tariffs"]),
    ("tariff/", &["/api/tariffs"]),
];

/// Asks for ever. A change is told for a while, and is the end of what was kept each time: also of an
/// answer that was under way when it was told first.
pub(super) async fn listen(cache: &Cache, utilities: &Peer) {
    let mut heard = Instant::now();
    let mut is_away = false;
    loop {
        sleep(INTERVAL).await;
        let asked = Instant::now();
        if cache.entries() == 0 {
            heard = asked;
            continue;
        }
        match hear(cache, utilities, heard.elapsed()).await {
            Ok(()) => {
                heard = asked;
                if std::mem::take(&mut is_away) {
                    log::info!("{} tells again what has changed", utilities.name());
                }
            }
            Err(error) if !is_away => {
                is_away = true;
                log::warn!("what changes is not heard for the moment: {error}");
            }
            Err(_) => {}
        }
    }
}

async fn hear(cache: &Cache, utilities: &Peer, unheard: Duration) -> Result<(), PeerError> {
    let seconds = unheard.saturating_add(LOOK_BACK).as_secs() + 1;
    let path = format!("{PATH}?seconds={}", seconds.min(SECONDS_MAX));
    let deadline = Deadline::after(WAIT);
    let changed: Changed = utilities.get_json(&path, &HeaderMap::new(), deadline).await?;
    // By what paths begin with: one thing may be asked for by several spellings of its address.
    let is_told = |kind: &str| changed.subjects.iter().any(|subject| subject.starts_with(kind));
    let is_unknown = changed.is_more || seconds > SECONDS_MAX;
    let seen = SEEN.iter().filter(|(kind, _)| is_unknown || is_told(kind));
    let mut paths: Vec<&str> = seen.flat_map(|(_, paths)| paths.iter().copied()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().for_each(|path| cache.purge(Some(path)));
    Ok(())
}
