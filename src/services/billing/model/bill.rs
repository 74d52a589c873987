//! A bill: its states and the moves between them, who sees it, what may be done with it.
//!
//! A draft may be changed and is seen by staff alone. Once issued nothing changes but the status
//! and what was paid.
use crate::types::{
    Amount, BillId, Currency, Date, Name, Period, ProviderId, ServiceAccountId, Timestamp, UserId,
    Zone, words,
};

use super::words::{Basis, Exactness};

words! {
    /// Where a bill stands. Written off comes with later work.
    pub(crate) enum BillStatus: "status_unknown" {
        Draft = "draft",
        Issued = "issued",
        PartiallyPaid = "partially_paid",
        /// Owed after its last day of grace; a payment of a part does not change that.
        Overdue = "overdue",
        Paid = "paid",
        Void = "void",
    }
}

words! {
    /// What somebody may do with a bill at the moment.
    pub(crate) enum Action: "action_unknown" {
        Edit = "edit",
        Delete = "delete",
        Issue = "issue",
        Pay = "pay",
        Void = "void",
    }
}

/// A bill as it is kept, without its lines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bill {
    pub(crate) id: BillId,
    pub(crate) number: Option<String>,
    pub(crate) user_id: UserId,
    pub(crate) provider_id: ProviderId,
    /// What it was called when the bill was drafted, if that was known.
    pub(crate) provider_name: Option<Name>,
    pub(crate) service_account_id: Option<ServiceAccountId>,
    pub(crate) currency: Currency,
    pub(crate) period: Period,
    pub(crate) timezone: Zone,
    pub(crate) basis: Basis,
    pub(crate) exactness: Exactness,
    pub(crate) status: BillStatus,
    pub(crate) issued_on: Option<Date>,
    pub(crate) due_on: Option<Date>,
    pub(crate) subtotal_minor: Amount,
    pub(crate) tax_minor: Amount,
    pub(crate) total_minor: Amount,
    pub(crate) credited_minor: Amount,
    pub(crate) credit_applied_minor: Amount,
    pub(crate) settled_minor: Amount,
    pub(crate) refunded_minor: Amount,
    pub(crate) reserved_minor: Amount,
    pub(crate) balance_minor: Amount,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Who looks: customers see their own bills once they are issued, and may only pay them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Viewer {
    Staff,
    Customer(UserId),
}

impl BillStatus {
    /// The states that may follow.
    pub(crate) fn next(self) -> &'static [BillStatus] {
        use BillStatus::{Draft, Issued, Overdue, Paid, PartiallyPaid, Void};
        match self {
            Draft => &[Issued],
            Issued => &[PartiallyPaid, Overdue, Paid, Void],
            // A payment of which the rest is not owed any more; void after it was given back.
            PartiallyPaid => &[PartiallyPaid, Overdue, Paid, Void],
            Overdue => &[Overdue, Paid, Void],
            Paid | Void => &[],
        }
    }

    pub(crate) fn may_become(self, next: BillStatus) -> bool {
        self.next().contains(&next)
    }

    /// Whether something is owed.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, BillStatus::Issued | BillStatus::PartiallyPaid | BillStatus::Overdue)
    }
}

impl Bill {
    pub(crate) fn is_visible_to(&self, viewer: Viewer) -> bool {
        match viewer {
            Viewer::Staff => true,
            Viewer::Customer(id) => self.user_id == id && self.status != BillStatus::Draft,
        }
    }

    /// What may be paid at the moment: the balance without what others hold.
    pub(crate) fn available_minor(&self) -> i64 {
        if !self.status.is_open() {
            return 0;
        }
        (self.balance_minor.minor() - self.reserved_minor.minor()).max(0)
    }

    /// Money that came and was not given back.
    pub(crate) fn has_payments(&self) -> bool {
        self.settled_minor > self.refunded_minor
    }

    pub(crate) fn is_held(&self) -> bool {
        self.reserved_minor > Amount::ZERO
    }

    pub(crate) fn actions(&self, viewer: Viewer) -> Vec<Action> {
        let may = |action: Action| match action {
            Action::Edit | Action::Delete => self.status == BillStatus::Draft,
            Action::Issue => {
                self.status.may_become(BillStatus::Issued) && self.total_minor > Amount::ZERO
            }
            Action::Pay => self.available_minor() > 0,
            Action::Void => {
                self.status.may_become(BillStatus::Void) && !self.has_payments() && !self.is_held()
            }
        };
        let is_for = |action: Action| viewer == Viewer::Staff || action == Action::Pay;
        Action::ALL.iter().copied().filter(|action| is_for(*action) && may(*action)).collect()
    }
}

/// Bills for the tests of the rules.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod samples {
    use super::*;

    /// A bill in a state that fits its total, with nothing held.
    pub(crate) fn bill(status: BillStatus, total: i64) -> Bill {
        let amount = |minor| Amount::new(minor).unwrap();
        let settled = match status {
            BillStatus::Paid => total,
            BillStatus::PartiallyPaid => total / 2,
            _ => 0,
        };
        let is_issued = status != BillStatus::Draft;
        let date = |text: &str| text.parse::<Date>().unwrap();
        let at = Timestamp::from_seconds(1_793_000_000);
        Bill {
            id: BillId::new(),
            number: is_issued.then(|| "P-2026-000001".to_owned()),
            user_id: UserId::new(),
            provider_id: "P".parse().unwrap(),
            provider_name: None,
            service_account_id: None,
            currency: "USD".parse().unwrap(),
            period: Period::new(date("2026-11-01"), date("2026-12-01")).unwrap(),
            timezone: Zone::default(),
            basis: Basis::Manual,
            exactness: Exactness::ExactDown,
            status,
            issued_on: is_issued.then(|| date("2026-12-01")),
            due_on: Some(date("2026-12-31")),
            subtotal_minor: amount(total),
            tax_minor: Amount::ZERO,
            total_minor: amount(total),
            credited_minor: Amount::ZERO,
            credit_applied_minor: Amount::ZERO,
            settled_minor: amount(settled),
            refunded_minor: Amount::ZERO,
            reserved_minor: Amount::ZERO,
            balance_minor: amount(if status == BillStatus::Void { 0 } else { total - settled }),
            version: 2,
            created_at: at,
            updated_at: at,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::samples::bill;
    use super::*;

    /// The whole table: every move that is not named here is forbidden.
    #[test]
    fn only_these_moves_are_allowed() {
        use BillStatus::{Draft, Issued, Overdue, Paid, PartiallyPaid, Void};
        let allowed = [
            (Draft, Issued),
            (Issued, PartiallyPaid),
            (Issued, Overdue),
            (Issued, Paid),
            (Issued, Void),
            (PartiallyPaid, PartiallyPaid),
            (PartiallyPaid, Overdue),
            (PartiallyPaid, Paid),
            (PartiallyPaid, Void),
            (Overdue, Overdue),
            (Overdue, Paid),
            (Overdue, Void),
        ];
        for from in BillStatus::ALL {
            for to in BillStatus::ALL {
                let expected = allowed.contains(&(*from, *to));
                assert_eq!(from.may_become(*to), expected, "{from} to {to}");
            }
        }
    }

    #[test]
    fn customers_see_their_own_issued_bills_and_may_pay_them() {
        for status in BillStatus::ALL {
            let bill = bill(*status, 100);
            let (owner, other) = (Viewer::Customer(bill.user_id), Viewer::Customer(UserId::new()));
            assert!(bill.is_visible_to(Viewer::Staff) && !bill.is_visible_to(other));
            assert_eq!(bill.is_visible_to(owner), *status != BillStatus::Draft);
            let expected: &[Action] = if status.is_open() { &[Action::Pay] } else { &[] };
            assert_eq!(bill.actions(owner), expected, "{status}");
        }
    }

    #[test]
    fn staff_may_do_what_the_state_allows() {
        let actions = |status| bill(status, 100).actions(Viewer::Staff);
        let drafted = [Action::Edit, Action::Delete, Action::Issue];
        assert_eq!(actions(BillStatus::Draft), drafted);
        assert_eq!(actions(BillStatus::Issued), [Action::Pay, Action::Void]);
        assert_eq!(actions(BillStatus::PartiallyPaid), [Action::Pay]);
        assert_eq!(actions(BillStatus::Overdue), [Action::Pay, Action::Void]);
        assert_eq!(actions(BillStatus::Void), []);
        let empty = bill(BillStatus::Draft, 0).actions(Viewer::Staff);
        assert_eq!(empty, [Action::Edit, Action::Delete]);
        let held =
            Bill { reserved_minor: Amount::new(100).unwrap(), ..bill(BillStatus::Issued, 100) };
        assert_eq!(held.actions(Viewer::Staff), []);
    }
}
