//! How often instances have changed their status: between two looks at a gauge much can happen.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::types::ServiceName;

use super::InstanceHealth;

/// By service and new status. Written when the board is, read by metrics.
#[derive(Default)]
pub struct Transitions(Mutex<BTreeMap<(ServiceName, &'static str), u64>>);

impl Transitions {
    pub(super) fn observe(&self, before: &[InstanceHealth], after: &[InstanceHealth]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for after in after {
            let is_it = |known: &&InstanceHealth| {
                (known.service, known.number) == (after.service, after.number)
            };
            // One that has just come has not changed.
            if before.iter().find(is_it).is_some_and(|before| before.status != after.status) {
                *counts.entry((after.service, after.status.as_str())).or_default() += 1;
            }
        }
    }

    pub fn counts(&self) -> BTreeMap<(ServiceName, &'static str), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use busbar_http::Status::{self, Down, Unknown, Up};

    use super::*;

    #[test]
    fn each_change_counts_once_for_its_service() {
        let known = |statuses: [Status; 2]| {
            [ServiceName::Users, ServiceName::Billing].into_iter().zip(statuses).map(
                |(service, status)| InstanceHealth {
                    service,
                    number: 0,
                    status,
                    since: Instant::now(),
                    checked: None,
                    latency: None,
                    reason: None,
                    missed: 0,
                    checks: Arc::default(),
                    inside: None,
                },
            )
        };
        let transitions = Transitions::default();
        let looks = [[Unknown, Up], [Up, Up], [Up, Down], [Up, Down], [Up, Up], [Up, Down]];
        for pair in looks.windows(2) {
            let [before, after] = [pair[0], pair[1]].map(|l| known(l).collect::<Vec<_>>());
            transitions.observe(&before, &after);
        }
        let expected = [
            ((ServiceName::Users, "UP"), 1),
            ((ServiceName::Billing, "UP"), 1),
            ((ServiceName::Billing, "DOWN"), 2),
        ];
        assert_eq!(transitions.counts(), expected.into());
    }
}
