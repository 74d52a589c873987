//! Whether a payment may have a part of a bill, and how much of one that has come the bill takes.
//! Pure. The statements of `store/reservation.rs` hold the same guards; what is here finds the
//! reason when they refuse.
use crate::types::{Amount, Currency};

use super::model::bill::{Bill, BillStatus};
use super::model::reservation::{Misfit, Reservation, ReservationStatus};
use super::model::words::Exactness;

/// Why nothing can be held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refusal {
    AlreadyPaid,
    NotPayable,
    CurrencyMismatch,
    AmountNotAllowed {
        exactness: Exactness,
    },
    /// More than is owed.
    ExceedsAvailable {
        available_minor: i64,
    },
    /// Others hold it.
    Reserved {
        available_minor: i64,
    },
}

/// Whether `amount` of the bill may be held.
pub(crate) fn judge(bill: &Bill, amount: Amount, currency: Currency) -> Result<(), Refusal> {
    match bill.status {
        BillStatus::Paid => return Err(Refusal::AlreadyPaid),
        BillStatus::Draft | BillStatus::Void => return Err(Refusal::NotPayable),
        BillStatus::Issued | BillStatus::PartiallyPaid | BillStatus::Overdue => {}
    }
    if bill.currency != currency {
        return Err(Refusal::CurrencyMismatch);
    }
    if bill.exactness == Exactness::Exact && amount != bill.balance_minor {
        return Err(Refusal::AmountNotAllowed { exactness: bill.exactness });
    }
    let available_minor = bill.available_minor();
    if amount > bill.balance_minor {
        return Err(Refusal::ExceedsAvailable { available_minor });
    }
    if amount.minor() > available_minor {
        return Err(Refusal::Reserved { available_minor });
    }
    Ok(())
}

/// What becomes of money that came for a bill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Settling {
    /// It was settled before.
    Done,
    /// The bill takes `applied`, and gives up what it held for the payment.
    Apply { applied: Amount, released: Amount, surplus: Amount },
    /// The bill takes nothing.
    Misfit { reason: Misfit },
}

/// Decides about `amount` that a payment brought for `bill`, whatever it holds.
///
/// Without a hold the bill takes what is neither paid nor held by others: money that has moved
/// counts, as long as nobody loses what was promised to them.
pub(crate) fn settle(
    bill: Option<&Bill>,
    reservation: Option<&Reservation>,
    amount: Amount,
    currency: Currency,
) -> Settling {
    let misfit = |reason| Settling::Misfit { reason };
    let Some(bill) = bill else { return misfit(Misfit::BillUnknown) };
    let own = reservation.filter(|reservation| reservation.bill_id == bill.id);
    if own.is_some_and(|own| own.status == ReservationStatus::Settled) {
        return Settling::Done;
    }
    if reservation.is_some() && own.is_none() {
        return misfit(Misfit::PaymentRepeated);
    }
    match bill.status {
        BillStatus::Draft | BillStatus::Void => return misfit(Misfit::BillNotPayable),
        BillStatus::Paid => return misfit(Misfit::BalanceExceeded),
        BillStatus::Issued | BillStatus::PartiallyPaid | BillStatus::Overdue => {}
    }
    if bill.currency != currency {
        return misfit(Misfit::CurrencyMismatch);
    }
    let held = own.filter(|own| own.status == ReservationStatus::Held);
    let released = held.map_or(Amount::ZERO, |held| held.amount_minor);
    let room = bill.available_minor() + released.minor();
    let applied = amount.minor().min(room);
    if applied <= 0 {
        return misfit(Misfit::BalanceExceeded);
    }
    // Both lie between zero and `amount`, so they are in range.
    let part = |minor: i64| Amount::new(minor).unwrap_or(Amount::ZERO);
    Settling::Apply { applied: part(applied), released, surplus: part(amount.minor() - applied) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::services::billing::model::bill::samples::bill;
    use crate::types::{PaymentId, ReservationId};

    fn amount(minor: i64) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    /// An issued bill of 10000, of which so much is settled and held.
    fn issued(settled: i64, reserved: i64) -> Bill {
        let status = if settled == 0 { BillStatus::Issued } else { BillStatus::PartiallyPaid };
        Bill {
            settled_minor: amount(settled),
            reserved_minor: amount(reserved),
            balance_minor: amount(10_000 - settled),
            ..bill(status, 10_000)
        }
    }

    fn reservation(bill: &Bill, minor: i64, status: ReservationStatus) -> Reservation {
        Reservation {
            id: ReservationId::new(),
            payment_id: PaymentId::new(),
            bill_id: bill.id,
            user_id: bill.user_id,
            amount_minor: amount(minor),
            currency: bill.currency,
            status,
            settled_minor: Amount::ZERO,
        }
    }

    fn judged(bill: &Bill, minor: i64) -> Result<(), Refusal> {
        judge(bill, amount(minor), usd())
    }

    #[test]
    fn a_part_may_be_held_up_to_what_is_available() {
        assert_eq!(judged(&issued(0, 9_000), 1_000), Ok(()));
        let reserved = Refusal::Reserved { available_minor: 1_000 };
        assert_eq!(judged(&issued(0, 9_000), 3_000), Err(reserved));
        let exceeds = Refusal::ExceedsAvailable { available_minor: 1_000 };
        assert_eq!(judged(&issued(9_000, 0), 3_000), Err(exceeds));
        let eur = judge(&issued(0, 0), amount(1), "EUR".parse().unwrap());
        assert_eq!(eur, Err(Refusal::CurrencyMismatch));
    }

    #[test]
    fn only_open_bills_are_paid() {
        for status in BillStatus::ALL {
            let expected = match status {
                BillStatus::Issued | BillStatus::PartiallyPaid | BillStatus::Overdue => Ok(()),
                BillStatus::Paid => Err(Refusal::AlreadyPaid),
                BillStatus::Draft | BillStatus::Void => Err(Refusal::NotPayable),
            };
            assert_eq!(judged(&bill(*status, 10_000), 1), expected, "{status}");
        }
    }

    #[test]
    fn an_exact_bill_is_paid_at_once() {
        let exact = Bill { exactness: Exactness::Exact, ..issued(0, 0) };
        let refused = Refusal::AmountNotAllowed { exactness: Exactness::Exact };
        assert_eq!(judged(&exact, 9_999), Err(refused));
        assert_eq!(judged(&exact, 10_001), Err(refused));
        assert_eq!(judged(&exact, 10_000), Ok(()));
    }

    #[test]
    fn money_that_came_is_applied_once_or_set_aside_but_never_lost() {
        let open = issued(0, 3_000);
        let own = reservation(&open, 3_000, ReservationStatus::Held);
        let settled = |bill: Option<&Bill>, own: Option<&Reservation>, minor: i64| {
            settle(bill, own, amount(minor), usd())
        };
        let apply = |applied, released, surplus| Settling::Apply {
            applied: amount(applied),
            released: amount(released),
            surplus: amount(surplus),
        };
        let misfit = |reason| Settling::Misfit { reason };
        assert_eq!(settled(Some(&open), Some(&own), 3_000), apply(3_000, 3_000, 0));
        assert_eq!(settled(Some(&open), Some(&own), 2_000), apply(2_000, 3_000, 0));
        assert_eq!(settled(Some(&open), None, 3_000), apply(3_000, 0, 0));
        assert_eq!(settled(Some(&open), None, 9_000), apply(7_000, 0, 2_000));
        let done = reservation(&open, 3_000, ReservationStatus::Settled);
        assert_eq!(settled(Some(&open), Some(&done), 3_000), Settling::Done);
        let released = reservation(&open, 3_000, ReservationStatus::Released);
        assert_eq!(settled(Some(&open), Some(&released), 3_000), apply(3_000, 0, 0));
        let elsewhere = reservation(&bill(BillStatus::Paid, 1), 3_000, ReservationStatus::Settled);
        let repeated = misfit(Misfit::PaymentRepeated);
        assert_eq!(settled(Some(&open), Some(&elsewhere), 3_000), repeated);
        assert_eq!(settled(None, None, 1), misfit(Misfit::BillUnknown));
        let full = issued(0, 10_000);
        assert_eq!(settled(Some(&full), None, 1), misfit(Misfit::BalanceExceeded));
        let void = bill(BillStatus::Void, 10_000);
        assert_eq!(settled(Some(&void), None, 1), misfit(Misfit::BillNotPayable));
    }

    /// Holds, successes, failures and payments out of the blue in any order: what is held and paid
    /// is never more than the bill, and every unit that came is on the bill or set aside.
    #[test]
    fn no_order_of_payments_overpays_a_bill_or_loses_money() {
        let mut state = 3_u64;
        let mut next = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from((state >> 33) % below).unwrap()
        };
        for _ in 0..300 {
            let mut bill = issued(0, 0);
            let (mut held, mut came, mut aside) = (Vec::new(), 0, 0);
            for _ in 0..40 {
                let minor = 1 + next(4_000);
                match next(4) {
                    0 | 1 if judged(&bill, minor).is_ok() => {
                        bill.reserved_minor = amount(bill.reserved_minor.minor() + minor);
                        held.push(reservation(&bill, minor, ReservationStatus::Held));
                    }
                    2 if !held.is_empty() => {
                        let gone: Reservation = held.swap_remove(0);
                        let left = bill.reserved_minor.minor() - gone.amount_minor.minor();
                        bill.reserved_minor = amount(left);
                    }
                    _ => {
                        let own = held.pop();
                        came += minor;
                        aside += take(&mut bill, own.as_ref(), minor);
                    }
                }
                let (paid, reserved) = (bill.settled_minor.minor(), bill.reserved_minor.minor());
                assert!(paid + reserved <= 10_000, "{paid} paid and {reserved} held");
                assert_eq!(paid + aside, came);
                assert_eq!(bill.balance_minor.minor(), 10_000 - paid);
            }
        }
    }

    /// Does to the bill what the statements do; gives back what it did not take.
    fn take(bill: &mut Bill, own: Option<&Reservation>, minor: i64) -> i64 {
        match settle(Some(bill), own, amount(minor), usd()) {
            Settling::Apply { applied, released, surplus } => {
                let paid = bill.settled_minor.minor() + applied.minor();
                bill.reserved_minor = amount(bill.reserved_minor.minor() - released.minor());
                bill.settled_minor = amount(paid);
                bill.balance_minor = amount(10_000 - paid);
                let is_paid = bill.balance_minor == Amount::ZERO;
                bill.status = if is_paid { BillStatus::Paid } else { BillStatus::PartiallyPaid };
                surplus.minor()
            }
            Settling::Misfit { .. } => minor,
            Settling::Done => 0,
        }
    }
}
