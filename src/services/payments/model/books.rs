//! What is shown of the ledger.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::services::payments::ledger::{TransferKind, TransferPhase};
use crate::types::{AccountId, Amount, Currency, Cursor, Limit, Timestamp, TransferId};

/// The sums of an account in one currency.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AccountSums {
    pub(crate) id: AccountId,
    pub(crate) code: String,
    pub(crate) currency: Currency,
    pub(crate) opened_at: Timestamp,
    pub(crate) sums: LedgerSums,
}

/// LedgerSums of entries, both sides as positive numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct LedgerSums {
    pub(crate) debits_minor: i64,
    pub(crate) credits_minor: i64,
    /// Of transfers that are not ended yet.
    pub(crate) pending_debits_minor: i64,
    pub(crate) pending_credits_minor: i64,
}

/// An account in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountView {
    code: String,
    currency: Currency,
    opened_at: Timestamp,
    #[serde(flatten)]
    sums: LedgerSums,
    /// Debits less credits.
    balance_minor: i64,
    #[serde(skip)]
    id: AccountId,
}

impl From<AccountSums> for AccountView {
    fn from(account: AccountSums) -> AccountView {
        let AccountSums { id, code, currency, opened_at, sums } = account;
        AccountView { code, currency, opened_at, sums, balance_minor: sums.balance(), id }
    }
}

impl AccountView {
    pub(crate) fn cursor(&self) -> String {
        Cursor::new(self.opened_at, self.id).to_string()
    }
}

impl LedgerSums {
    pub(crate) fn balance(&self) -> i64 {
        self.debits_minor - self.credits_minor
    }

    /// Whether the books balance, what is pending among them.
    pub(crate) fn is_balanced(&self) -> bool {
        self.debits_minor == self.credits_minor
            && self.pending_debits_minor == self.pending_credits_minor
    }
}

/// An account in all its currencies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountBalances {
    pub(crate) code: String,
    pub(crate) balances: Vec<AccountView>,
}

/// A transfer as it was read back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredTransfer {
    pub(crate) id: TransferId,
    pub(crate) kind: TransferKind,
    pub(crate) phase: TransferPhase,
    pub(crate) reference: String,
    pub(crate) pending_id: Option<TransferId>,
    pub(crate) currency: Currency,
    pub(crate) debits_minor: i64,
    pub(crate) at: Timestamp,
}

/// An entry as it was read back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredEntry {
    pub(crate) account: String,
    pub(crate) amount_minor: Amount,
}

/// A transfer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransferView {
    id: TransferId,
    kind: TransferKind,
    phase: TransferPhase,
    /// What moved the money: `bill/…`, or `payment/…` with the number of the try.
    reference: String,
    /// The pending transfer that this one ends.
    pending_id: Option<TransferId>,
    currency: Currency,
    /// The sum of the debits, which is that of the credits: up to twice what one amount can be.
    debits_minor: i64,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<EntryView>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct EntryView {
    account: String,
    /// Debits are positive, credits negative.
    amount_minor: Amount,
}

impl TransferView {
    pub(crate) fn summary(transfer: StoredTransfer) -> TransferView {
        let StoredTransfer { id, kind, phase, reference, pending_id, currency, .. } = transfer;
        let (debits_minor, at) = (transfer.debits_minor, transfer.at);
        let entries = None;
        TransferView { id, kind, phase, reference, pending_id, currency, debits_minor, at, entries }
    }

    pub(crate) fn whole(transfer: StoredTransfer, entries: Vec<StoredEntry>) -> TransferView {
        let shown = |entry: StoredEntry| EntryView {
            account: entry.account,
            amount_minor: entry.amount_minor,
        };
        let entries = Some(entries.into_iter().map(shown).collect());
        TransferView { entries, ..TransferView::summary(transfer) }
    }

    pub(crate) fn cursor(&self) -> String {
        Cursor::new(self.at, self.id).to_string()
    }
}

/// All accounts of a currency, summed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrialBalance {
    pub(crate) currency: Currency,
    #[serde(flatten)]
    pub(crate) sums: LedgerSums,
    /// Debits less credits: zero.
    pub(crate) balance_minor: i64,
    pub(crate) is_balanced: bool,
}

impl TrialBalance {
    pub(crate) fn new(currency: Currency, sums: LedgerSums) -> TrialBalance {
        let (balance_minor, is_balanced) = (sums.balance(), sums.is_balanced());
        TrialBalance { currency, sums, balance_minor, is_balanced }
    }
}

/// `GET /ledger/transactions?…`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferFilter {
    pub(crate) account: Option<String>,
    pub(crate) reference: Option<String>,
    #[serde(default)]
    pub(crate) limit: Limit,
    pub(crate) cursor: Option<Cursor>,
}

/// `GET /ledger/accounts?…`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountFilter {
    pub(crate) currency: Option<Currency>,
    #[serde(default)]
    pub(crate) limit: Limit,
    pub(crate) cursor: Option<Cursor>,
}

/// `GET /ledger/trial-balance?currency=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialFilter {
    pub(crate) currency: Currency,
}
