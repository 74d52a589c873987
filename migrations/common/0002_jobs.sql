-- Work that is due later, requests that may be repeated, and who did what.

-- A job is worked on while its lease runs. 'attempts' counts how often it was begun, 'failures'
-- how often in a row it was begun and not brought to an end on purpose.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'dead')),
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    failures BIGINT NOT NULL CHECK (failures >= 0),
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    CHECK ((state = 'waiting') = (finished_at IS NULL)),
    CHECK (state = 'waiting' OR lease_owner IS NULL)
);
CREATE UNIQUE INDEX jobs_unfinished ON jobs (kind, key) WHERE state = 'waiting';
CREATE INDEX jobs_due ON jobs (due_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE state <> 'waiting';

-- A request with an Idempotency-Key: the first one makes the row in the transaction of its effect.
-- 'resource' names what it works on, so that a repetition can go on with the same one.
CREATE TABLE requests (
    principal TEXT NOT NULL,
    method TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    resource TEXT NOT NULL,
    claimed_at BIGINT NOT NULL,
    status BIGINT CHECK (status BETWEEN 200 AND 499),
    body TEXT,
    PRIMARY KEY (principal, method, route, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX requests_claimed ON requests (claimed_at);

-- Who did what to which thing. Rows are only added. 'details' holds no personal data.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    request_id TEXT,
    details TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, id);
CREATE INDEX audit_actor ON audit (actor, id);
