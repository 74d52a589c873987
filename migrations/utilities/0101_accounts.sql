-- Places that are supplied, and by which tariff.

CREATE TABLE service_accounts (
    id TEXT NOT NULL PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES providers (id),
    -- Who pays; an account of the users service.
    user_id TEXT NOT NULL,
    -- What the provider calls it.
    reference TEXT,
    address TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'closed')),
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    closed_at BIGINT,
    CHECK ((status = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX service_accounts_created ON service_accounts (created_at, id);
CREATE INDEX service_accounts_user ON service_accounts (user_id, created_at, id);

-- From which day on which tariff holds: until the day of the next row.
CREATE TABLE account_tariffs (
    service_account_id TEXT NOT NULL REFERENCES service_accounts (id),
    from_date TEXT NOT NULL,
    tariff_id TEXT NOT NULL REFERENCES tariffs (id),
    PRIMARY KEY (service_account_id, from_date)
);
