-- What the provider was called when the bill was drafted; numbers begin with it. Bills that were
-- stated by hand know the provider's id alone.
ALTER TABLE bills ADD COLUMN provider_name TEXT;
