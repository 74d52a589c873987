-- What the simulated bank has seen. It stands for the world outside: it is written in transactions
-- of its own, never together with a payment.

-- 'calls' counts how often the charge was asked for: however many, it is one charge.
CREATE TABLE sim_charges (
    charge_key TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    token TEXT NOT NULL,
    decline_code TEXT,
    received_at BIGINT NOT NULL,
    answers_at BIGINT NOT NULL,
    calls BIGINT NOT NULL CHECK (calls > 0)
);
CREATE INDEX sim_charges_reference ON sim_charges (reference);
