//! When the whole gateway has much to do, the less urgent is turned away first.
//!
//! What the gateway answers itself (`/health`, `/metrics`) takes no seat, and is never turned away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use actix_web::http::Method;

use crate::types::ServiceName::{self, Analytics, Documents, Notifications, Payments, Webhooks};

/// How urgent a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Urgency {
    /// Reads that people can do without for a while, and whatever is for others.
    Low,
    /// Other reads.
    Read,
    /// Other writes, and those of payments by nobody who is known.
    Write,
    /// Writes of payments.
    High,
}

/// Of a request to a service, or (`None`) by an added route; `is_known`: its token was verified.
pub(in crate::gateway) fn urgency(
    service: Option<ServiceName>,
    method: &Method,
    is_known: bool,
) -> Urgency {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match service {
        None => Urgency::Low,
        Some(Analytics | Documents | Notifications | Webhooks) if reads => Urgency::Low,
        Some(_) if reads => Urgency::Read,
        Some(Payments) if is_known => Urgency::High,
        Some(_) => Urgency::Write,
    }
}

impl Urgency {
    /// The part of all seats that such requests may fill, in percent.
    fn percent(self) -> usize {
        match self {
            Urgency::Low => 80,
            Urgency::Read => 90,
            Urgency::Write => 95,
            Urgency::High => 100,
        }
    }
}

/// The seats of the whole gateway.
pub(in crate::gateway) struct Seats {
    max: AtomicUsize,
    taken: AtomicUsize,
}

/// One of them, given back on drop.
pub(in crate::gateway) struct Seat(Arc<Seats>);

impl Seats {
    pub(in crate::gateway) fn new(max: usize) -> Arc<Seats> {
        Arc::new(Seats { max: AtomicUsize::new(max), taken: AtomicUsize::new(0) })
    }

    /// There are so many from now on; who has one keeps it.
    pub(in crate::gateway) fn resize(&self, max: usize) {
        self.max.store(max, SeqCst);
    }

    /// A seat, unless so many are taken that a request as urgent as this has to wait.
    pub(in crate::gateway) fn take(self: &Arc<Self>, urgency: Urgency) -> Option<Seat> {
        let max = self.max.load(SeqCst);
        let limit = (max.saturating_mul(urgency.percent()) / 100).max(1);
        let taken = self.taken.fetch_update(SeqCst, SeqCst, |n| (n < limit).then_some(n + 1));
        // Made only when taken: its drop gives back.
        taken.is_ok().then(|| Seat(self.clone()))
    }

    pub(in crate::gateway) fn taken(&self) -> usize {
        self.taken.load(SeqCst)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_urgent_is_turned_away_first() {
        let seats = Seats::new(20);
        let mut held = Vec::new();
        for (urgency, fits) in
            [(Urgency::Low, 16), (Urgency::Read, 2), (Urgency::Write, 1), (Urgency::High, 1)]
        {
            let taken: Vec<Seat> = std::iter::from_fn(|| seats.take(urgency)).collect();
            assert_eq!(taken.len(), fits, "{urgency:?}");
            held.extend(taken);
        }
        assert_eq!(seats.taken(), 20);
        drop(held);
        assert_eq!(seats.taken(), 0);
        assert!(Seats::new(1).take(Urgency::Low).is_some());
    }

    #[test]
    fn payments_are_the_most_urgent() {
        for (service, method, expected) in [
            (Some(Payments), Method::POST, Urgency::High),
            (Some(Payments), Method::GET, Urgency::Read),
            (Some(ServiceName::Users), Method::POST, Urgency::Write),
            (Some(Documents), Method::POST, Urgency::Write),
            (Some(Documents), Method::GET, Urgency::Low),
            (Some(Analytics), Method::HEAD, Urgency::Low),
            (None, Method::POST, Urgency::Low),
        ] {
            assert_eq!(urgency(service, &method, true), expected, "{service:?} {method}");
        }
        assert_eq!(urgency(Some(Payments), &Method::POST, false), Urgency::Write);
    }
}
