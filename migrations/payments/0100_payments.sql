-- Payments: what was asked, where each stands, each try at a connector, each change of state.

-- A payment in stage 'reserving' is not shown: nothing holds its bill yet. It leaves that stage
-- by a reservation, or it is removed together with the claim of its Idempotency-Key.
-- 'version' counts the changes that were shown: one transition and one event for each.
CREATE TABLE payments (
    id TEXT NOT NULL PRIMARY KEY,
    stage TEXT NOT NULL
        CHECK (stage IN ('reserving', 'sent', 'unknown', 'succeeded', 'failed', 'cancelled')),
    version BIGINT NOT NULL CHECK (version >= 0),
    bill_id TEXT NOT NULL,
    bill_number TEXT,
    user_id TEXT NOT NULL,
    provider_id TEXT,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    connector TEXT NOT NULL,
    token TEXT NOT NULL,
    metadata TEXT NOT NULL,
    failure_code TEXT,
    unknown_since BIGINT,
    polls BIGINT NOT NULL CHECK (polls >= 0),
    principal TEXT NOT NULL,
    is_staff BOOLEAN NOT NULL,
    request_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    correlation TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (principal, request_key),
    CHECK ((stage = 'reserving') = (version = 0)),
    CHECK (stage IN ('reserving', 'cancelled') OR provider_id IS NOT NULL),
    CHECK ((stage IN ('failed', 'cancelled')) = (failure_code IS NOT NULL)),
    CHECK (stage <> 'unknown' OR unknown_since IS NOT NULL)
);
CREATE INDEX payments_user ON payments (user_id, created_at, id);
CREATE INDEX payments_bill ON payments (bill_id, created_at, id);
CREATE INDEX payments_created ON payments (created_at, id);
CREATE INDEX payments_open ON payments (stage, updated_at)
    WHERE stage IN ('reserving', 'sent', 'unknown');

-- 'charge_key' goes to the connector: whatever comes twice with it is one charge.
CREATE TABLE attempts (
    id TEXT NOT NULL PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES payments (id),
    number BIGINT NOT NULL CHECK (number > 0),
    connector TEXT NOT NULL,
    charge_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('ready', 'sent', 'unknown', 'succeeded', 'declined')),
    connector_reference TEXT,
    failure_code TEXT,
    sent_at BIGINT,
    answered_at BIGINT,
    UNIQUE (payment_id, number),
    CHECK ((state IN ('succeeded', 'declined')) = (answered_at IS NOT NULL)),
    CHECK ((state = 'declined') = (failure_code IS NOT NULL))
);

-- Rows are only added.
CREATE TABLE transitions (
    payment_id TEXT NOT NULL REFERENCES payments (id),
    version BIGINT NOT NULL CHECK (version > 0),
    stage TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (payment_id, version)
);
