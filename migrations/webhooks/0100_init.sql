-- Endpoints of others, what is sent to them, and how each attempt went.

CREATE TABLE webhook_endpoints (
    id TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    description TEXT,
    -- The names and wildcards of the events that it hears: a JSON list.
    events TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'disabled')),
    disabled_reason TEXT CHECK (disabled_reason IN ('gone', 'failing')),
    -- The first of the failures since the last success; and the same once a second failure, half a
    -- day to a day later, has shown that it was no accident.
    first_failed_at BIGINT,
    failing_since BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL))
);

-- The secrets of an endpoint, encrypted. One has no end; the one before it lives on for a while.
CREATE TABLE webhook_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE UNIQUE INDEX webhook_secrets_current ON webhook_secrets (endpoint_id)
    WHERE expires_at IS NULL;
CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id);

-- What is sent, one row for all endpoints that hear it.
CREATE TABLE webhook_messages (
    id TEXT NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_messages_created ON webhook_messages (created_at);

-- A message for one endpoint. 'attempts' counts all of them, 'failures' those since it was last
-- put into the queue: they say how long the next wait is.
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL REFERENCES webhook_messages (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    failures BIGINT NOT NULL CHECK (failures >= 0),
    due_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    UNIQUE (endpoint_id, message_id),
    CHECK ((status = 'pending') = (settled_at IS NULL)),
    CHECK (status = 'pending' OR lease_owner IS NULL)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at, id)
    WHERE status = 'pending';
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_leased ON webhook_deliveries (lease_owner)
    WHERE lease_owner IS NOT NULL;
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at)
    WHERE settled_at IS NOT NULL;
CREATE INDEX webhook_deliveries_message ON webhook_deliveries (message_id);

-- Written before the call and completed after it. Without an end it is under way, or was cut off.
CREATE TABLE webhook_attempts (
    delivery_id TEXT NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    number BIGINT NOT NULL CHECK (number > 0),
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    duration_ms BIGINT,
    status BIGINT,
    outcome TEXT,
    address TEXT,
    response TEXT,
    PRIMARY KEY (delivery_id, number)
);
