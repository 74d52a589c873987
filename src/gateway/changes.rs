//! What everybody may read is kept here and changes there: as long as something is kept, who says what
//! has changed is asked twice a second, and what hangs on that is not given any more.
//!
//! When they are away, what is kept goes at its time.

use std::time::{Duration, Instant};

use actix_rt::time::sleep;
use actix_web::http::header::HeaderMap;
use busbar_http::client::Peer;
use busbar_http::{Deadline, PeerError};
use serde::Deserialize;

use super::cache::{Cache, path_mark};

/// Between two questions.
const INTERVAL: Duration = Duration::from_millis(500);
/// For one answer.
const WAIT: Duration = Duration::from_secs(2);

/// As far back as can be asked.
const SECONDS_MAX: u64 = 24 * 3_600;
/// An event bears the time at which its request came in, and is seen when that has committed. So this
/// much is asked for besides.
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

/// Where the events of a kind of subjects are seen.
struct Seen {
    subject: &'static str,
    /// Where the subject itself is, and the lists that it stands in.
    lists: &'static [&'static str],
    /// Everything below is seen through it.
    below: Option<&'static str>,
}

const SEEN: [Seen; 2] = [
    Seen {
        subject: "provider/",
        lists: &["/api/providers", "/api/utilities"],
        // Who may be seen, whose tariffs may be.
        below: Some("/api/tariffs"),
    },
    Seen { subject: "tariff/", lists: &["/api/tariffs"], below: None },
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
    if changed.is_more || seconds > SECONDS_MAX {
        cache.purge(None);
        return Ok(());
    }
    for subject in &changed.subjects {
        for Seen { subject: kind, lists, below } in &SEEN {
            let Some(id) = subject.strip_prefix(kind) else { continue };
            let own = lists.iter().map(|list| format!("{list}/{id}"));
            let paths = lists.iter().map(|list| (*list).to_owned()).chain(own);
            let marks: Vec<u64> = paths.map(|path| path_mark("", &path)).collect();
            cache.invalidate(&marks);
            if below.is_some() {
                cache.purge(*below);
            }
        }
    }
    Ok(())
}
