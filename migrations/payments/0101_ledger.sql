-- The ledger: double entry, written in the transaction of what it records. Rows of these three
-- tables are only added: a pending transfer is ended by another transfer that names it.

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    currency TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    UNIQUE (code, currency)
);
CREATE INDEX accounts_opened ON accounts (opened_at, id);

-- 'reference' is what moved the money: a bill, or a try of a payment. Together with kind and phase
-- it happens once. 'entry_count' and 'debits_minor' repeat what the entries say, so that a lost or
-- altered entry shows.
CREATE TABLE transfers (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('bill_issued', 'bill_voided', 'payment')),
    phase TEXT NOT NULL CHECK (phase IN ('pending', 'posted', 'voided')),
    reference TEXT NOT NULL,
    pending_id TEXT UNIQUE REFERENCES transfers (id),
    currency TEXT NOT NULL,
    entry_count BIGINT NOT NULL CHECK (entry_count >= 0),
    debits_minor BIGINT NOT NULL CHECK (debits_minor >= 0),
    at BIGINT NOT NULL,
    UNIQUE (kind, reference, phase),
    CHECK ((phase = 'voided') = (entry_count = 0)),
    CHECK (phase <> 'pending' OR pending_id IS NULL),
    CHECK (phase <> 'voided' OR pending_id IS NOT NULL)
);
CREATE INDEX transfers_at ON transfers (at, id);
CREATE INDEX transfers_reference ON transfers (reference);

-- Debits are positive, credits negative: the entries of a transfer sum to zero.
CREATE TABLE entries (
    transfer_id TEXT NOT NULL REFERENCES transfers (id),
    number BIGINT NOT NULL CHECK (number > 0),
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (transfer_id, number),
    FOREIGN KEY (account, currency) REFERENCES accounts (code, currency)
);
CREATE INDEX entries_account ON entries (account, currency);
