-- Bills that are rated from readings, and bills that are overdue.

-- How a rated line was worked out (JSON); stated lines have none.
ALTER TABLE bill_lines ADD COLUMN trace TEXT;

-- When the bill becomes overdue: the local midnight after its last day of grace. Set when it is
-- issued; bills of earlier releases get it at the first look.
ALTER TABLE bills ADD COLUMN overdue_at BIGINT;
CREATE INDEX bills_overdue ON bills (overdue_at) WHERE status IN ('issued', 'partially_paid');

-- One row for each service account that has bills. Whoever drafts or moves one writes the row
-- first, so that two at once see each other and no day is billed twice.
CREATE TABLE billed_accounts (
    service_account_id TEXT NOT NULL PRIMARY KEY,
    -- How often that was.
    drafts BIGINT NOT NULL CHECK (drafts > 0)
);
CREATE INDEX bills_account ON bills (service_account_id, period_start)
    WHERE service_account_id IS NOT NULL;
