//! Double entry: the accounts, and the transfers between them. Pure.
//!
//! A transfer is built from legs, each of which debits one account and credits another by the same
//! amount. There is no other way to make one, so none is out of balance.

use crate::storage::stored_as_text;
use crate::types::{
    Amount, BillId, Currency, Money, ProviderId, Refused, Timestamp, TransferId, UserId, words,
};

/// An account of the ledger, by its code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Account(String);

impl Account {
    /// What a customer owes.
    pub(crate) fn receivable(user: UserId) -> Account {
        Account(format!("ar:{user}"))
    }

    /// What a connector has taken in and not yet paid out.
    pub(crate) fn clearing(connector: &str) -> Account {
        Account(format!("psp:{connector}:clearing"))
    }

    /// What has been billed in the name of a biller and not yet paid.
    pub(crate) fn billed(provider: &ProviderId) -> Account {
        Account(format!("biller:{provider}:billed"))
    }

    /// What a biller is to be paid out.
    pub(crate) fn payable(provider: &ProviderId) -> Account {
        Account(format!("biller:{provider}:payable"))
    }

    pub(crate) fn code(&self) -> &str {
        &self.0
    }
}

words! {
    /// Why money moves.
    pub(crate) enum TransferKind: "transfer_kind_invalid" {
        BillIssued = "bill_issued",
        BillVoided = "bill_voided",
        Payment = "payment",
    }
}
stored_as_text!(TransferKind);

words! {
    /// How far a transfer goes. One that is pending is ended by a second one that names it.
    pub(crate) enum TransferPhase: "phase_invalid" {
        /// Announced; no balance but the pending ones has changed.
        Pending = "pending",
        Posted = "posted",
        /// The pending one comes to nothing.
        Voided = "voided",
    }
}
stored_as_text!(TransferPhase);

/// One side of a leg: debits are positive, credits negative.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) account: Account,
    pub(crate) amount: Amount,
}

/// A movement between accounts, in balance by the way it was made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transfer {
    id: TransferId,
    kind: TransferKind,
    phase: TransferPhase,
    reference: String,
    pending_id: Option<TransferId>,
    currency: Currency,
    entries: Vec<Entry>,
    at: Timestamp,
}

/// As many entries as a transfer can have.
pub(crate) const ENTRIES_MAX: usize = 4;

/// Debits one account and credits another.
struct Leg {
    debit: Account,
    credit: Account,
}

impl Transfer {
    /// A bill was issued: the customer owes it.
    pub(crate) fn bill_issued(
        bill: BillId,
        user: UserId,
        provider: &ProviderId,
        total: Money,
        at: Timestamp,
    ) -> Result<Transfer, Refused> {
        let leg = Leg { debit: Account::receivable(user), credit: Account::billed(provider) };
        Transfer::of(TransferKind::BillIssued, format!("bill/{bill}"), [leg], total, at)
    }

    /// A bill was voided: the customer no longer owes what was left of it.
    pub(crate) fn bill_voided(
        bill: BillId,
        user: UserId,
        provider: &ProviderId,
        rest: Money,
        at: Timestamp,
    ) -> Result<Transfer, Refused> {
        let leg = Leg { debit: Account::billed(provider), credit: Account::receivable(user) };
        Transfer::of(TransferKind::BillVoided, format!("bill/{bill}"), [leg], rest, at)
    }

    /// A payment is on its way through a connector: not yet a change of any balance.
    pub(crate) fn payment(
        charge_key: &str,
        connector: &str,
        user: UserId,
        provider: &ProviderId,
        money: Money,
        at: Timestamp,
    ) -> Result<Transfer, Refused> {
        let paid = Leg { debit: Account::clearing(connector), credit: Account::receivable(user) };
        let owed = Leg { debit: Account::billed(provider), credit: Account::payable(provider) };
        let reference = format!("payment/{charge_key}");
        let transfer = Transfer::of(TransferKind::Payment, reference, [paid, owed], money, at)?;
        Ok(Transfer { phase: TransferPhase::Pending, ..transfer })
    }

    fn of<const LEGS: usize>(
        kind: TransferKind,
        reference: String,
        legs: [Leg; LEGS],
        money: Money,
        at: Timestamp,
    ) -> Result<Transfer, Refused> {
        let (debited, credited) = (money.amount().positive()?, money.negated().amount());
        let sides = |leg: Leg| {
            [
                Entry { account: leg.debit, amount: debited },
                Entry { account: leg.credit, amount: credited },
            ]
        };
        let entries = legs.into_iter().flat_map(sides).collect();
        let (id, currency) = (TransferId::new(), money.currency());
        let (phase, pending_id) = (TransferPhase::Posted, None);
        Ok(Transfer { id, kind, phase, reference, pending_id, currency, entries, at })
    }

    /// The transfer that makes a pending one count.
    pub(crate) fn posting(&self, at: Timestamp) -> Transfer {
        Transfer { entries: self.entries.clone(), ..self.ending(TransferPhase::Posted, at) }
    }

    /// The transfer that lets a pending one come to nothing.
    pub(crate) fn voiding(&self, at: Timestamp) -> Transfer {
        self.ending(TransferPhase::Voided, at)
    }

    fn ending(&self, phase: TransferPhase, at: Timestamp) -> Transfer {
        Transfer {
            id: TransferId::new(),
            kind: self.kind,
            phase,
            reference: self.reference.clone(),
            pending_id: Some(self.id),
            currency: self.currency,
            entries: Vec::new(),
            at,
        }
    }

    /// The same transfer, as it was written under this id.
    pub(crate) fn with_id(self, id: TransferId) -> Transfer {
        Transfer { id, ..self }
    }

    pub(crate) fn id(&self) -> TransferId {
        self.id
    }

    pub(crate) fn kind(&self) -> TransferKind {
        self.kind
    }

    pub(crate) fn phase(&self) -> TransferPhase {
        self.phase
    }

    pub(crate) fn reference(&self) -> &str {
        &self.reference
    }

    pub(crate) fn pending_id(&self) -> Option<TransferId> {
        self.pending_id
    }

    pub(crate) fn currency(&self) -> Currency {
        self.currency
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// The sum of what is debited, which is that of what is credited. It may exceed any one amount.
    pub(crate) fn debits_minor(&self) -> Option<i64> {
        let mut sides = self.entries.iter().map(|entry| entry.amount.minor());
        sides.try_fold(0_i64, |sum, minor| sum.checked_add(minor.max(0)))
    }
}

/// Whether entries cancel out, as those of every transfer do. Asked when they are written, and
/// again when they are read.
pub(crate) fn is_balanced(amounts: impl IntoIterator<Item = Amount>) -> bool {
    amounts.into_iter().map(|amount| i128::from(amount.minor())).sum::<i128>() == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::types::MINOR_MAX;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap()).unwrap()
    }

    fn parties() -> (ProviderId, UserId, Timestamp) {
        ("p".parse().unwrap(), UserId::new(), Timestamp::from_seconds(1))
    }

    fn payment(minor: i64) -> Result<Transfer, Refused> {
        let (provider, user, now) = parties();
        Transfer::payment("p:1", "sim", user, &provider, usd(minor), now)
    }

    fn amount_on(transfer: &Transfer, code: &str) -> i64 {
        let on = transfer.entries().iter().filter(|entry| entry.account.code() == code);
        on.map(|entry| entry.amount.minor()).sum()
    }

    #[test]
    fn every_transfer_is_balanced() {
        let (provider, user, now) = parties();
        let issued = Transfer::bill_issued(BillId::new(), user, &provider, usd(4496), now).unwrap();
        let voided = Transfer::bill_voided(BillId::new(), user, &provider, usd(4496), now).unwrap();
        let pending = payment(4496).unwrap();
        let (posted, void) = (pending.posting(now), pending.voiding(now));
        for transfer in [issued, voided, pending, posted, void] {
            assert!(is_balanced(transfer.entries().iter().map(|entry| entry.amount)));
            assert!(transfer.entries().len() <= ENTRIES_MAX);
        }
    }

    #[test]
    fn a_payment_moves_from_what_is_owed_to_what_is_to_be_paid_out() {
        let transfer = payment(4496).unwrap();
        assert_eq!(amount_on(&transfer, "psp:sim:clearing"), 4496);
        assert_eq!(amount_on(&transfer, "biller:p:billed"), 4496);
        assert_eq!(amount_on(&transfer, "biller:p:payable"), -4496);
        assert_eq!(transfer.debits_minor(), Some(2 * 4496));
        assert_eq!(payment(MINOR_MAX).unwrap().debits_minor(), Some(2 * MINOR_MAX));
    }

    #[test]
    fn a_paid_bill_leaves_nothing_owed() {
        let (provider, user, now) = parties();
        let issued = Transfer::bill_issued(BillId::new(), user, &provider, usd(4496), now).unwrap();
        let paid = Transfer::payment("p:1", "sim", user, &provider, usd(4496), now).unwrap();
        for code in [format!("ar:{user}"), "biller:p:billed".to_owned()] {
            assert_eq!(amount_on(&issued, &code) + amount_on(&paid, &code), 0, "{code}");
        }
    }

    #[test]
    fn a_pending_transfer_is_ended_by_one_that_names_it() {
        let (pending, (_, _, now)) = (payment(4496).unwrap(), parties());
        let (posted, voided) = (pending.posting(now), pending.voiding(now));
        let ends = |transfer: &Transfer| (transfer.phase(), transfer.pending_id());
        assert_eq!(ends(&pending), (TransferPhase::Pending, None));
        assert_eq!(ends(&posted), (TransferPhase::Posted, Some(pending.id())));
        assert_eq!(ends(&voided), (TransferPhase::Voided, Some(pending.id())));
        assert_eq!(posted.entries(), pending.entries());
        assert!(voided.entries().is_empty());
    }

    #[test]
    fn nothing_is_no_transfer() {
        assert_eq!(payment(0).unwrap_err().code(), "amount_below_minimum");
        assert_eq!(payment(-1).unwrap_err().code(), "amount_below_minimum");
    }
}
