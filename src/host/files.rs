//! How many files the process may have open, and what its servers have of them: a client's connection
//! is one, and those of one service leave some for the others.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::types::ServiceName::{self, Gateway};

/// Open connections of one worker thread, however many files there may be.
const CONNECTIONS_MAX: u64 = 4096;
/// Of one worker thread, however few.
const CONNECTIONS_MIN: u64 = 16;
/// Fewer are told of at the start.
const FILES_ADVISED: u64 = 8192;

/// Raises the limit as far as the process may by itself. Many a shell allows 1 024, and much more to who
/// asks.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        log::warn!("the limit of open files stays as it is: {error}");
    }
    let files = limit();
    if files < FILES_ADVISED {
        log::warn!("no more than {files} open files are allowed: few clients can be connected");
    }
}

fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// The connections of one worker thread of a server. The gateway, which everybody comes to, has as many as
/// all the others together.
pub(super) fn connections_max(name: ServiceName, workers: usize, hosted: &[ServiceName]) -> usize {
    let others = hosted.iter().filter(|other| **other != Gateway).count().max(1) as u64;
    let has_gateway = hosted.contains(&Gateway) && hosted.len() > 1;
    let shares = if has_gateway { 2 * others } else { others };
    connections_of(limit(), workers, if name == Gateway { others } else { 1 }, shares)
}

/// Half of the files are for clients; the other is for ways to services, databases and documents.
fn connections_of(files: u64, workers: usize, share: u64, shares: u64) -> usize {
    let of_server = u128::from(files / 2) * u128::from(share) / u128::from(shares.max(1));
    let of_worker = of_server / (workers.max(1) as u128);
    let bounded = of_worker.clamp(CONNECTIONS_MIN.into(), CONNECTIONS_MAX.into());
    usize::try_from(bounded).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_leave_files_for_each_other() {
        assert_eq!(connections_of(u64::MAX, 2, 1, 16), 4096);
        // The gateway has as many as all the others.
        let (gateway, other) = (connections_of(20_000, 2, 8, 16), connections_of(20_000, 2, 1, 16));
        assert_eq!((gateway, other), (2500, 312));
        assert!(2 * gateway + 8 * 2 * other <= 10_000);
        assert_eq!(connections_of(1024, 2, 1, 16), 16);
        assert_eq!(connections_of(1024, 2, 1, 1), 256, "alone in its process");
    }
}
