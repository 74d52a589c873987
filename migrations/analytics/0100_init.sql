-- Facts from events, and sums of them. All of it can be built again from the inbox: every row
-- belongs to a generation, one of which is read while the next one is being built.

CREATE TABLE generations (
    generation BIGINT NOT NULL PRIMARY KEY CHECK (generation > 0),
    state TEXT NOT NULL CHECK (state IN ('building', 'active', 'clearing', 'cleared')),
    -- Events of the inbox that were gone through, and those among them that could not be read.
    events BIGINT NOT NULL CHECK (events >= 0),
    skipped BIGINT NOT NULL CHECK (skipped >= 0),
    started_at BIGINT NOT NULL,
    -- When it came into use; of one that is left behind, when that happened.
    finished_at BIGINT
);
CREATE UNIQUE INDEX generations_building ON generations (state) WHERE state = 'building';
CREATE UNIQUE INDEX generations_active ON generations (state) WHERE state = 'active';
INSERT INTO generations (generation, state, events, skipped, started_at, finished_at)
VALUES (1, 'active', 0, 0, 0, 0);

-- One row for each service that is listened to. Taking in an event locks the row of its source,
-- so that a generation cannot begin, go on or come into use in the middle of it.
CREATE TABLE sources (
    source TEXT NOT NULL PRIMARY KEY,
    -- When the event that was heard last was heard, and by how much that was after it happened.
    heard_at BIGINT,
    lag_us BIGINT NOT NULL,
    -- When the newest event happened.
    newest_at BIGINT,
    -- How far the generation that is being built has come: up to this id, or to the end.
    scanned_to TEXT NOT NULL,
    is_scanned BOOLEAN NOT NULL
);
INSERT INTO sources (source, heard_at, lag_us, newest_at, scanned_to, is_scanned) VALUES
    ('/busbar/users', NULL, 0, NULL, '', FALSE),
    ('/busbar/payments', NULL, 0, NULL, '', FALSE),
    ('/busbar/billing', NULL, 0, NULL, '', FALSE),
    ('/busbar/notifications', NULL, 0, NULL, '', FALSE),
    ('/busbar/documents', NULL, 0, NULL, '', FALSE),
    ('/busbar/utilities', NULL, 0, NULL, '', FALSE),
    ('/busbar/analytics', NULL, 0, NULL, '', FALSE),
    ('/busbar/webhooks', NULL, 0, NULL, '', FALSE);

-- Made by whichever is heard first, the bill or a payment of it.
CREATE TABLE bills (
    generation BIGINT NOT NULL,
    bill_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    due_on TEXT,
    issued_at BIGINT,
    voided_at BIGINT,
    overdue_at BIGINT,
    -- When it was paid in full, by the newest event that says so or takes it back.
    paid_at BIGINT,
    paid_sequence BIGINT NOT NULL,
    -- The sum of its movements: what is owed; below zero when more was paid than was asked for.
    open_minor BIGINT NOT NULL,
    last_moved_at BIGINT NOT NULL,
    PRIMARY KEY (generation, bill_id, currency)
);
CREATE INDEX bills_open ON bills (generation, currency) WHERE open_minor <> 0;
CREATE INDEX bills_moved ON bills (generation, last_moved_at);
CREATE INDEX bills_paid ON bills (generation, paid_at) WHERE paid_at IS NOT NULL;

-- What changed the amount owed on a bill: what was issued is added, voids and payments are taken
-- away. The rows of a bill sum up to its part of the ledger's receivables.
CREATE TABLE movements (
    generation BIGINT NOT NULL,
    bill_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    event_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    PRIMARY KEY (generation, bill_id, currency, event_id)
);

CREATE TABLE payments (
    generation BIGINT NOT NULL,
    payment_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    created_at BIGINT,
    unknown_at BIGINT,
    ended_at BIGINT,
    outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'cancelled')),
    PRIMARY KEY (generation, payment_id),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
CREATE INDEX payments_open ON payments (generation) WHERE ended_at IS NULL;

CREATE TABLE users (
    generation BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    registered_at BIGINT,
    verified_at BIGINT,
    suspended_at BIGINT,
    PRIMARY KEY (generation, user_id)
);

-- Sums by quarter hours (span 900) and by days (span 86400) of UTC. Every zone in use is a whole
-- number of quarter hours from UTC, so that quarter hours add up to the days of any of them.
CREATE TABLE sums (
    generation BIGINT NOT NULL,
    span BIGINT NOT NULL CHECK (span IN (900, 86400)),
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    currency TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    method TEXT NOT NULL,
    reason TEXT NOT NULL,
    items BIGINT NOT NULL CHECK (items > 0),
    amount_minor BIGINT NOT NULL,
    PRIMARY KEY (generation, span, kind, at, currency, provider_id, method, reason)
);
