-- What payments hold of bills, and the money that came and fits no bill.

-- One row a payment. It is held until the payment ends: settled by its success, released by its
-- failure. A failure that is heard of before the hold is asked for leaves a released row, so that
-- a request that comes late holds nothing for ever.
CREATE TABLE reservations (
    id TEXT NOT NULL PRIMARY KEY,
    payment_id TEXT NOT NULL,
    bill_id TEXT NOT NULL REFERENCES bills (id),
    -- Who pays; not always who owes.
    user_id TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('held', 'settled', 'released')),
    -- How much of the payment the bill took.
    settled_minor BIGINT NOT NULL CHECK (settled_minor >= 0),
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK ((status = 'held') = (ended_at IS NULL)),
    CHECK (status = 'settled' OR settled_minor = 0)
);
CREATE UNIQUE INDEX reservations_payment ON reservations (payment_id);
CREATE INDEX reservations_held ON reservations (bill_id, payment_id) WHERE status = 'held';

-- Money that was taken and could not be put on its bill: somebody has to look at it.
CREATE TABLE unapplied_payments (
    id TEXT NOT NULL PRIMARY KEY,
    payment_id TEXT NOT NULL,
    bill_id TEXT NOT NULL,
    -- Who owes the bill, where it is known; who paid otherwise.
    user_id TEXT NOT NULL,
    provider_id TEXT,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('bill_unknown', 'bill_not_payable',
        'currency_mismatch', 'balance_exceeded', 'payment_repeated')),
    created_at BIGINT NOT NULL,
    -- Later work: who dealt with it, and how.
    resolved_at BIGINT,
    resolution TEXT,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX unapplied_payments_once ON unapplied_payments (payment_id, bill_id);
CREATE INDEX unapplied_payments_open ON unapplied_payments (user_id, currency)
    WHERE resolved_at IS NULL;
