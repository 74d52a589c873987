-- What is known of documents; their bytes are on the disk, under their SHA-256. Times are
-- microseconds, UTC.

-- One row for each content that is on the disk, or is about to be. 'generation' is new whenever
-- the row is: who claimed a content learns from it whether the row was away in between, and the
-- file with it.
CREATE TABLE blobs (
    sha256 TEXT NOT NULL PRIMARY KEY,
    generation TEXT NOT NULL,
    size BIGINT NOT NULL CHECK (size > 0),
    -- Documents with this content.
    refs BIGINT NOT NULL CHECK (refs >= 0),
    -- Uploads that are putting it in place; the last of them began then.
    claims BIGINT NOT NULL CHECK (claims >= 0),
    claimed_at BIGINT NOT NULL
);
CREATE INDEX blobs_unused ON blobs (claimed_at) WHERE refs = 0;

CREATE TABLE documents (
    id TEXT NOT NULL PRIMARY KEY,
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('upload', 'invoice', 'receipt')),
    -- What it is about, 'bill/0190…'.
    subject TEXT,
    filename TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES blobs (sha256),
    -- Made by the service itself, once for each subject.
    is_generated BOOLEAN NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX documents_generated ON documents (kind, subject) WHERE is_generated;
CREATE INDEX documents_created ON documents (created_at, id);
CREATE INDEX documents_owner ON documents (owner_id, created_at, id);
CREATE INDEX documents_subject ON documents (subject, created_at, id);
CREATE INDEX documents_content ON documents (sha256);
