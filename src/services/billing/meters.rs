//! What billing counts.
use busbar_http::{Metrics, Reply};
use prometheus::{IntCounter, IntCounterVec, Opts};

use super::events::payment::Outcome;

#[derive(Clone)]
pub(crate) struct Meters {
    bills: IntCounterVec,
    reservations: IntCounterVec,
    unapplied: IntCounter,
    unrated: IntCounterVec,
}

impl Meters {
    pub(crate) fn new() -> Result<Meters, prometheus::Error> {
        let bills = Opts::new("busbar_billing_bills_total", "Bills by what was done with them");
        let reservations = Opts::new(
            "busbar_billing_reservations_total",
            "Parts of bills that payments held, by what became of them",
        );
        let unapplied = Opts::new(
            "busbar_billing_unapplied_payments_total",
            "Payments whose money no bill took: somebody must look at them",
        );
        let unrated = Opts::new(
            "busbar_billing_unrated_total",
            "Bills that could not be worked out from readings, by why not",
        );
        Ok(Meters {
            unrated: IntCounterVec::new(unrated, &["code"])?,
            bills: IntCounterVec::new(bills, &["event"])?,
            reservations: IntCounterVec::new(reservations, &["outcome"])?,
            unapplied: IntCounter::with_opts(unapplied)?,
        })
    }

    pub(crate) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.bills.clone())?;
        metrics.register(self.reservations.clone())?;
        metrics.register(self.unrated.clone())?;
        metrics.register(self.unapplied.clone())
    }

    /// Something was done with a bill, unless the answer is an earlier one.
    pub(crate) fn bill(&self, answer: &Reply, event: &'static str) {
        if !answer.is_replayed {
            self.bills.with_label_values(&[event]).inc();
        }
    }

    pub(crate) fn became_overdue(&self) {
        self.bills.with_label_values(&["became_overdue"]).inc();
    }

    /// Codes are a closed set: of our problem table.
    pub(crate) fn unrated(&self, code: &str) {
        self.unrated.with_label_values(&[code]).inc();
    }

    /// A reservation: a new one, one that was there, or none.
    pub(crate) fn reserved(&self, is_new: Option<bool>) {
        let outcome = match is_new {
            Some(true) => "held",
            Some(false) => "repeated",
            None => "refused",
        };
        self.reservations.with_label_values(&[outcome]).inc();
    }

    /// What became of a payment's parts.
    pub(crate) fn heard(&self, outcome: Outcome) {
        self.reservations.with_label_values(&["settled"]).inc_by(outcome.settled);
        self.reservations.with_label_values(&["released"]).inc_by(outcome.released);
        self.bills.with_label_values(&["paid"]).inc_by(outcome.paid);
        self.unapplied.inc_by(outcome.unapplied);
    }
}
