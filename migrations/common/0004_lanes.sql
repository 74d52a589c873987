-- Jobs wait in lanes: those of one hold no places of another. What there was waits in the common one.
ALTER TABLE jobs ADD COLUMN lane BIGINT NOT NULL DEFAULT 0;
CREATE INDEX jobs_due_in_lane ON jobs (lane, due_at, id) WHERE state = 'waiting';
DROP INDEX jobs_due;
