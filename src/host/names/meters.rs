//! What is counted of names. The labels are the names in the settings.

use prometheus::{IntCounterVec, IntGaugeVec, Opts};

/// Shown by every service of the process.
pub(in crate::host) struct Meters {
    pub(in crate::host) addresses: IntGaugeVec,
    pub(in crate::host) look_ups: IntCounterVec,
}

impl Meters {
    pub(super) fn new() -> Result<Meters, prometheus::Error> {
        let addresses =
            Opts::new("busbar_name_addresses", "Addresses of a name that are in use as instances");
        let look_ups =
            Opts::new("busbar_name_lookups_total", "Look-ups of a name, by what came of them");
        Ok(Meters {
            addresses: IntGaugeVec::new(addresses, &["name"])?,
            look_ups: IntCounterVec::new(look_ups, &["name", "result"])?,
        })
    }

    pub(super) fn looked_up(&self, name: &str, is_found: bool, addresses: usize) {
        let count = i64::try_from(addresses).unwrap_or(i64::MAX);
        self.addresses.with_label_values(&[name]).set(count);
        let [found, failed] =
            ["found", "failed"].map(|result| self.look_ups.with_label_values(&[name, result]));
        if is_found { found.inc() } else { failed.inc() }
    }

    /// A name that the settings do not have any more; it may never have been looked up.
    pub(super) fn forget(&self, name: &str) {
        let _ = self.addresses.remove_label_values(&[name]);
        for result in ["found", "failed"] {
            let _ = self.look_ups.remove_label_values(&[name, result]);
        }
    }
}
