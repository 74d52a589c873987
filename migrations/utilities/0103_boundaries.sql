-- Where bills meet, and when a meter began to measure.

-- The day at whose start the bill begins or ends with the reading: a bill that meets it there begins
-- or ends with the same one.
ALTER TABLE usage_pins ADD COLUMN register_id TEXT;
ALTER TABLE usage_pins ADD COLUMN boundary TEXT;
UPDATE usage_pins
SET register_id = (SELECT r.register_id FROM readings AS r WHERE r.id = usage_pins.reading_id);
CREATE INDEX usage_pins_boundary ON usage_pins (register_id, boundary);

-- Nothing where nobody said: then it measured as long as readings tell.
ALTER TABLE meters ADD COLUMN installed_at BIGINT;
