-- Events between services: what this one says (outbox), to whom it still owes it (deliveries),
-- and what it has heard (inbox). One text for both engines; times are microseconds, UTC.

-- The last sequence number of each subject. Taking the next one locks the row until the
-- transaction ends: events of one subject commit in the order of their numbers, without gaps.
CREATE TABLE event_sequences (
    subject TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL CHECK (sequence > 0)
);

CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    kind TEXT NOT NULL,
    correlation TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    event TEXT NOT NULL,
    UNIQUE (subject, sequence)
);
CREATE INDEX outbox_occurred ON outbox (occurred_at);
CREATE INDEX outbox_correlation ON outbox (correlation);

-- One row for each listener of an event. A dead letter is a delivery in state 'parked': it holds
-- back what follows it in its subject for this listener, until it is retried or discarded.
CREATE TABLE deliveries (
    event_id TEXT NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    listener TEXT NOT NULL,
    subject TEXT NOT NULL,
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    state TEXT NOT NULL CHECK (state IN ('pending', 'parked', 'delivered', 'discarded')),
    failures BIGINT NOT NULL CHECK (failures >= 0),
    refusals BIGINT NOT NULL CHECK (refusals >= 0),
    due_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    settled_at BIGINT,
    error TEXT,
    PRIMARY KEY (event_id, listener),
    CHECK ((state IN ('pending', 'parked')) = (settled_at IS NULL)),
    CHECK (state = 'pending' OR lease_owner IS NULL)
);
CREATE INDEX deliveries_pending ON deliveries (listener, event_id) WHERE state = 'pending';
CREATE INDEX deliveries_owed ON deliveries (listener, subject, sequence)
    WHERE state IN ('pending', 'parked');

-- Keeps the events themselves: a service that learns to use a kind later catches up from here.
CREATE TABLE inbox (
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    correlation TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (source, id)
);
CREATE INDEX inbox_subject ON inbox (subject, sequence);
CREATE INDEX inbox_correlation ON inbox (correlation);
