-- What the gateway asks for all the time: sessions that have ended, and users whose tokens were
-- withdrawn, by when that was.

CREATE INDEX sessions_revoked ON sessions (revoked_at, id) WHERE status = 'revoked';
CREATE INDEX users_withdrawn ON users (updated_at, id) WHERE token_version > 0;
