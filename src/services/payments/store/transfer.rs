//! The ledger as it is written. There is no statement that changes or removes a row.

use crate::services::payments::ledger::{ENTRIES_MAX, Transfer, TransferKind, is_balanced};
use crate::storage::{StoreError, Transaction, params, sql};
use crate::types::{AccountId, Amount, TransferId};

sql! {
    OPEN = "INSERT INTO accounts (id, code, currency, opened_at)
            SELECT id, code, CAST($9 AS TEXT), CAST($10 AS BIGINT)
            FROM (SELECT CAST($1 AS TEXT) AS id, CAST($2 AS TEXT) AS code
                  UNION ALL SELECT CAST($3 AS TEXT), CAST($4 AS TEXT)
                  UNION ALL SELECT CAST($5 AS TEXT), CAST($6 AS TEXT)
                  UNION ALL SELECT CAST($7 AS TEXT), CAST($8 AS TEXT)) AS named
            WHERE code IS NOT NULL
            ON CONFLICT (code, currency) DO NOTHING";
    INSERT = "INSERT INTO transfers
                  (id, kind, phase, reference, pending_id, currency, entry_count, debits_minor, at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
              ON CONFLICT (kind, reference, phase) DO NOTHING";
    ENTER = "INSERT INTO entries (transfer_id, number, account, currency, amount_minor)
             SELECT CAST($1 AS TEXT), number, account, CAST($2 AS TEXT), amount_minor
             FROM (SELECT 1 AS number, CAST($3 AS TEXT) AS account,
                          CAST($4 AS BIGINT) AS amount_minor
                   UNION ALL SELECT 2, CAST($5 AS TEXT), CAST($6 AS BIGINT)
                   UNION ALL SELECT 3, CAST($7 AS TEXT), CAST($8 AS BIGINT)
                   UNION ALL SELECT 4, CAST($9 AS TEXT), CAST($10 AS BIGINT)) AS listed
             WHERE account IS NOT NULL";
    PENDING = "SELECT id AS value FROM transfers
               WHERE kind = $1 AND reference = $2 AND phase = 'pending'";
}

/// Writes a transfer with its entries, and opens the accounts that it needs. False when it was
/// written before: it happens once.
pub(crate) async fn write(
    tx: &mut Transaction<'_>,
    transfer: &Transfer,
) -> Result<bool, StoreError> {
    let entries = transfer.entries();
    if entries.len() > ENTRIES_MAX || !is_balanced(entries.iter().map(|entry| entry.amount)) {
        return Err(refused("a transfer is out of balance"));
    }
    let debits = transfer.debits_minor().ok_or_else(|| refused("a transfer is beyond counting"))?;
    let (id, kind, phase) = (transfer.id(), transfer.kind(), transfer.phase());
    let (reference, currency, at) = (transfer.reference(), transfer.currency(), transfer.at());
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let pending = transfer.pending_id();
    let values = params![id, kind, phase, reference, pending, currency, count, debits, at];
    if tx.execute(INSERT, values).await? == 0 {
        return Ok(false);
    }
    // What ends a pending transfer has its accounts from that.
    if pending.is_none() {
        open(tx, transfer).await?;
    }
    if !entries.is_empty() {
        enter(tx, transfer).await?;
    }
    Ok(true)
}

async fn open(tx: &mut Transaction<'_>, transfer: &Transfer) -> Result<(), StoreError> {
    let ids: [AccountId; ENTRIES_MAX] = std::array::from_fn(|_| AccountId::new());
    let codes = codes(transfer);
    let (currency, at) = (transfer.currency(), transfer.at());
    let values = params![
        ids[0], codes[0], ids[1], codes[1], ids[2], codes[2], ids[3], codes[3], currency, at
    ];
    tx.execute(OPEN, values).await?;
    Ok(())
}

async fn enter(tx: &mut Transaction<'_>, transfer: &Transfer) -> Result<(), StoreError> {
    let (id, currency, codes) = (transfer.id(), transfer.currency(), codes(transfer));
    let amounts: [Option<Amount>; ENTRIES_MAX] =
        std::array::from_fn(|place| transfer.entries().get(place).map(|entry| entry.amount));
    let values = params![
        id, currency, codes[0], amounts[0], codes[1], amounts[1], codes[2], amounts[2], codes[3],
        amounts[3]
    ];
    tx.execute(ENTER, values).await?;
    Ok(())
}

fn codes(transfer: &Transfer) -> [Option<&str>; ENTRIES_MAX] {
    std::array::from_fn(|place| transfer.entries().get(place).map(|entry| entry.account.code()))
}

/// The pending transfer of a reference.
pub(crate) async fn pending(
    tx: &mut Transaction<'_>,
    kind: TransferKind,
    reference: &str,
) -> Result<TransferId, StoreError> {
    let (id,): (TransferId,) = tx.one(PENDING, params![kind, reference]).await?;
    Ok(id)
}

fn refused(what: &str) -> StoreError {
    StoreError::Other { statement: INSERT.name, what: what.to_owned() }
}
