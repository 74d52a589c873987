-- Meters, their registers, and what these showed.

CREATE TABLE meters (
    id TEXT NOT NULL PRIMARY KEY,
    service_account_id TEXT NOT NULL REFERENCES service_accounts (id),
    serial TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'retired')),
    -- Counted up by each delivery of readings, which so come one after the other.
    deliveries BIGINT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    CHECK ((status = 'retired') = (retired_at IS NOT NULL))
);
CREATE INDEX meters_created ON meters (created_at, id);
CREATE INDEX meters_account ON meters (service_account_id, created_at, id);

CREATE TABLE registers (
    id TEXT NOT NULL PRIMARY KEY,
    meter_id TEXT NOT NULL REFERENCES meters (id),
    position BIGINT NOT NULL CHECK (position > 0),
    unit TEXT NOT NULL,
    -- It shows numbers below ten to this power, then begins again.
    digits BIGINT NOT NULL CHECK (digits BETWEEN 1 AND 9),
    multiplier TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('import', 'export')),
    UNIQUE (meter_id, position)
);

-- The statuses 'superseded' and 'void' are ends: such rows are kept and count for nothing.
CREATE TABLE readings (
    id TEXT NOT NULL PRIMARY KEY,
    meter_id TEXT NOT NULL REFERENCES meters (id),
    register_id TEXT NOT NULL REFERENCES registers (id),
    at BIGINT NOT NULL,
    value TEXT NOT NULL,
    quality TEXT NOT NULL CHECK (quality IN
        ('actual', 'estimated', 'customer', 'calculated', 'agreed', 'corrected')),
    status TEXT NOT NULL CHECK (status IN ('accepted', 'held', 'superseded', 'void')),
    -- Why it was held.
    suspicion TEXT CHECK (suspicion IN ('lower_than_before', 'higher_than_usual')),
    source TEXT,
    external_id TEXT,
    -- The reading in whose place it came.
    supersedes TEXT REFERENCES readings (id),
    created_by TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (status <> 'held' OR suspicion IS NOT NULL)
);
-- One reading counts for an instant.
CREATE UNIQUE INDEX readings_once ON readings (register_id, at)
    WHERE status IN ('accepted', 'held');
CREATE INDEX readings_meter ON readings (meter_id, at, id);
CREATE INDEX readings_held ON readings (at, id) WHERE status = 'held';

-- Which bills were made from which readings.
CREATE TABLE usage_pins (
    bill_id TEXT NOT NULL,
    reading_id TEXT NOT NULL REFERENCES readings (id),
    pinned_at BIGINT NOT NULL,
    PRIMARY KEY (bill_id, reading_id)
);
CREATE INDEX usage_pins_reading ON usage_pins (reading_id);
