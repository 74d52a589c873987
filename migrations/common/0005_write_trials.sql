-- One row, written again and again to learn whether the database can be written once more.
CREATE TABLE write_trials (
    id TEXT NOT NULL PRIMARY KEY CHECK (id = 'only'),
    written_at BIGINT NOT NULL
);
