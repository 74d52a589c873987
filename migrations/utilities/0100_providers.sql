-- Providers and their price lists. Times are microseconds, UTC; dates are read in the provider's
-- time zone.

CREATE TABLE providers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('electricity', 'water', 'gas')),
    currency TEXT NOT NULL,
    timezone TEXT NOT NULL,
    exactness TEXT NOT NULL CHECK (exactness IN ('exact', 'exact_up', 'exact_down', 'any')),
    status TEXT NOT NULL CHECK (status IN
        ('draft', 'pending_review', 'active', 'paused', 'retired')),
    -- Who may not approve it.
    created_by TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX providers_created ON providers (created_at, id);

CREATE TABLE tariffs (
    id TEXT NOT NULL PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES providers (id),
    name TEXT NOT NULL,
    -- The number of the newest version; 0 while there is none.
    versions BIGINT NOT NULL CHECK (versions >= 0),
    created_at BIGINT NOT NULL
);
CREATE INDEX tariffs_created ON tariffs (created_at, id);
CREATE INDEX tariffs_provider ON tariffs (provider_id, created_at, id);

-- Never changed: a bill names the version that it was rated by.
CREATE TABLE tariff_versions (
    tariff_id TEXT NOT NULL REFERENCES tariffs (id),
    version BIGINT NOT NULL CHECK (version > 0),
    effective_from TEXT NOT NULL,
    -- JSON, as it was checked.
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tariff_id, version)
);
CREATE UNIQUE INDEX tariff_versions_from ON tariff_versions (tariff_id, effective_from);
