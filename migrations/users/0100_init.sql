-- Accounts, logins and what guards them. One text for both engines; times are microseconds, UTC.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    -- What makes two addresses the same: one account for each.
    email_key TEXT NOT NULL UNIQUE,
    name TEXT,
    phone TEXT,
    locale TEXT NOT NULL,
    timezone TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('customer', 'operator', 'admin')),
    status TEXT NOT NULL CHECK (
        status IN ('pending_verification', 'active', 'suspended', 'erasing', 'erased')),
    verified_at BIGINT,
    -- A PHC string. Never leaves the service.
    password_hash TEXT NOT NULL,
    -- Moves with each new password, not with a better hash of the same one.
    password_changed_at BIGINT NOT NULL,
    -- Access tokens of a lower version are refused.
    token_version BIGINT NOT NULL CHECK (token_version >= 0),
    last_login_at BIGINT,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (status <> 'active' OR verified_at IS NOT NULL),
    CHECK (status <> 'pending_verification' OR verified_at IS NULL)
);
CREATE INDEX users_created ON users (created_at, id);

-- A login and all tokens that come from it. 'counter' is the number of the refresh token that is
-- current; the tokens themselves are derived from it and stored nowhere.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    status TEXT NOT NULL CHECK (status IN ('active', 'revoked')),
    reason TEXT CHECK (
        reason IN ('logout', 'user', 'admin', 'password_change', 'reuse', 'expired')),
    device_name TEXT,
    -- A keyed digest of how the client describes itself.
    client TEXT NOT NULL,
    counter BIGINT NOT NULL CHECK (counter > 0),
    refreshed_at BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CHECK ((status = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK ((status = 'revoked') = (reason IS NOT NULL))
);
CREATE INDEX sessions_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Proofs of an address that were asked for. The token of a proof is derived from its id.
CREATE TABLE email_verifications (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX email_verifications_user ON email_verifications (user_id, created_at);
CREATE INDEX email_verifications_expires ON email_verifications (expires_at);

-- What is counted to slow down whoever guesses or floods: an account, a device, a network. Keys
-- are keyed digests: neither an address nor whether it has an account can be read off them.
CREATE TABLE throttles (
    key TEXT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL CHECK (count >= 0),
    since BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX throttles_since ON throttles (since);

-- One row once the first administrator was made. Changing it lines up whatever may take away the
-- last one.
CREATE TABLE administration (
    id TEXT NOT NULL PRIMARY KEY CHECK (id = 'house'),
    founded_at BIGINT NOT NULL,
    changes BIGINT NOT NULL CHECK (changes >= 0)
);
