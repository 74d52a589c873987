-- The key of a service on which all its instances agree, sealed under the key that all services share.
CREATE TABLE own_keys (
    name TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
