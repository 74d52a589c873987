-- What people are told. One text for both engines; times are microseconds, UTC.

-- One row for each message on each channel. 'source' is what it comes from, 'event/<id>' or
-- 'announcement/<id>/<user>': the same thing is told once on a channel. What a mail says is not
-- kept, it may hold a token; what a notice in the inbox says is, it never does.
CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    source TEXT NOT NULL,
    template TEXT NOT NULL,
    category TEXT NOT NULL CHECK (
        category IN ('security', 'receipt', 'billing', 'payment', 'announcement')),
    channel TEXT NOT NULL CHECK (channel IN ('email', 'inbox')),
    -- JSON: ids, amounts, words. Nothing about a person.
    facts TEXT NOT NULL,
    correlation TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'failed', 'suppressed')),
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    -- Why it failed, was suppressed, or is not sent yet.
    error_code TEXT,
    -- The language that it was written in.
    locale TEXT,
    subject TEXT,
    text TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    failed_at BIGINT,
    suppressed_at BIGINT,
    read_at BIGINT,
    version BIGINT NOT NULL CHECK (version > 0),
    UNIQUE (source, template, channel),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((status = 'failed') = (failed_at IS NOT NULL)),
    CHECK ((status = 'suppressed') = (suppressed_at IS NOT NULL)),
    CHECK (channel = 'inbox' OR (subject IS NULL AND text IS NULL AND read_at IS NULL))
);
CREATE INDEX messages_user ON messages (user_id, channel, created_at, id);
CREATE INDEX messages_created ON messages (created_at, id);
CREATE INDEX messages_queued ON messages (channel, created_at) WHERE status = 'queued';
CREATE INDEX messages_unread ON messages (user_id)
    WHERE channel = 'inbox' AND status = 'sent' AND read_at IS NULL;

-- What staff say to some people. 'reached' of them have their messages by now.
CREATE TABLE announcements (
    id TEXT NOT NULL PRIMARY KEY,
    category TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    -- JSON: a list of user ids.
    recipients TEXT NOT NULL,
    recipients_count BIGINT NOT NULL CHECK (recipients_count > 0),
    reached BIGINT NOT NULL CHECK (reached >= 0 AND reached <= recipients_count),
    correlation TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Who wants what where. Who has no row has the defaults.
CREATE TABLE preferences (
    user_id TEXT NOT NULL PRIMARY KEY,
    email BOOLEAN NOT NULL,
    sms BOOLEAN NOT NULL,
    push BOOLEAN NOT NULL,
    -- JSON: category by channel.
    categories TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    updated_at BIGINT NOT NULL
);

-- Addresses that a mail server has refused for good, as digests.
CREATE TABLE suppressions (
    address TEXT NOT NULL PRIMARY KEY,
    error_code TEXT NOT NULL,
    since BIGINT NOT NULL
);
