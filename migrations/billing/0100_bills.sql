-- Bills, their lines, their numbers and their history. Amounts are minor units of the bill's
-- currency; times are microseconds, UTC; dates are read in the bill's time zone.

-- The checks name words and columns of later work too (overdue, written off, credits, refunds):
-- SQLite cannot change a check of a table that is there.
CREATE TABLE bills (
    id TEXT NOT NULL PRIMARY KEY,
    number TEXT,
    user_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    service_account_id TEXT,
    currency TEXT NOT NULL,
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    timezone TEXT NOT NULL,
    basis TEXT NOT NULL CHECK (basis IN ('actual', 'estimated', 'mixed', 'manual', 'fetched')),
    exactness TEXT NOT NULL CHECK (exactness IN ('exact', 'exact_up', 'exact_down', 'any')),
    status TEXT NOT NULL CHECK (status IN
        ('draft', 'issued', 'partially_paid', 'overdue', 'paid', 'void', 'written_off')),
    issued_on TEXT,
    due_on TEXT,
    subtotal_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    total_minor BIGINT NOT NULL CHECK (total_minor >= 0),
    -- Of credit notes; of customer credit that was applied.
    credited_minor BIGINT NOT NULL CHECK (credited_minor >= 0),
    credit_applied_minor BIGINT NOT NULL CHECK (credit_applied_minor >= 0),
    -- Of payments; refunded, lost in disputes, or moved to customer credit again.
    settled_minor BIGINT NOT NULL CHECK (settled_minor >= 0),
    refunded_minor BIGINT NOT NULL CHECK (refunded_minor >= 0),
    disputed_minor BIGINT NOT NULL CHECK (disputed_minor >= 0),
    moved_to_credit_minor BIGINT NOT NULL CHECK (moved_to_credit_minor >= 0),
    -- Held for payments that have not ended.
    reserved_minor BIGINT NOT NULL CHECK (reserved_minor >= 0),
    -- What is owed: the one place that says how. A void bill owes nothing.
    balance_minor BIGINT GENERATED ALWAYS AS (
        CASE WHEN status = 'void' THEN 0
             ELSE total_minor - credited_minor - credit_applied_minor - settled_minor
                + refunded_minor + disputed_minor + moved_to_credit_minor END) STORED,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (period_start < period_end),
    CHECK (total_minor = subtotal_minor + tax_minor),
    CHECK ((status = 'draft') = (number IS NULL)),
    CHECK ((status = 'draft') = (issued_on IS NULL)),
    CHECK (status = 'draft' OR (due_on IS NOT NULL AND issued_on <= due_on)),
    CHECK (status NOT IN ('draft', 'void') OR reserved_minor = 0),
    -- No more is held than is owed, unless the biller takes more.
    CHECK (reserved_minor = 0 OR exactness IN ('exact_up', 'any')
           OR reserved_minor <= balance_minor),
    UNIQUE (provider_id, number)
);
CREATE INDEX bills_created ON bills (created_at, id);
CREATE INDEX bills_user ON bills (user_id, created_at, id);
CREATE INDEX bills_provider ON bills (provider_id, created_at, id);

CREATE TABLE bill_lines (
    id TEXT NOT NULL PRIMARY KEY,
    bill_id TEXT NOT NULL REFERENCES bills (id) ON DELETE CASCADE,
    position BIGINT NOT NULL CHECK (position > 0),
    kind TEXT NOT NULL CHECK (kind IN ('fixed', 'energy', 'demand', 'minimum', 'tax', 'discount',
        'late_fee', 'adjustment', 'true_up')),
    description TEXT NOT NULL,
    quantity TEXT,
    unit TEXT,
    rate TEXT,
    amount_minor BIGINT NOT NULL,
    tax_code TEXT,
    tax_minor BIGINT NOT NULL,
    UNIQUE (bill_id, position)
);

-- The last number of each series. Taking the next one locks the row until the transaction ends:
-- numbers are given in the order of commits, and one that is rolled back is given again.
CREATE TABLE number_series (
    provider_id TEXT NOT NULL,
    series TEXT NOT NULL CHECK (series IN ('bill', 'credit_note')),
    year BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL CHECK (last_sequence > 0),
    PRIMARY KEY (provider_id, series, year)
);

-- What happened to a bill, one row a change. 'version' is the bill's after it.
CREATE TABLE bill_history (
    id TEXT NOT NULL PRIMARY KEY,
    bill_id TEXT NOT NULL REFERENCES bills (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE UNIQUE INDEX bill_history_version ON bill_history (bill_id, version);
