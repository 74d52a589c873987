//! What works behind the servers: databases, payments, bills, events, jobs.
use super::{DAY_SECONDS, HOUR_MS, section};
use crate::config::reader::{flag, list, number, some, word};
use crate::types::{NumberPattern, words};

section! {
    /// The connections of every service's database.
    Database {
        /// Connections that each service holds at most.
        connection_limit: u32 = number(1..=10_000),
        /// How long a request waits for a free connection; never longer than its deadline.
        pool_timeout_seconds: u64 = number(1..=3_600),
        /// How long opening a connection may take.
        connect_timeout_seconds: u64 = number(1..=3_600),
        /// Whether the URLs lead to a PgBouncer in transaction mode.
        use_pgbouncer: bool = flag,
    }
}

words! {
    /// Who carries payments out.
    pub enum PaymentConnector: "connector_invalid" {
        /// The simulator.
        Simulated = "sim",
    }
}

section! {
    /// The payments service.
    Payments {
        /// Who carries payments out.
        connector: PaymentConnector = word,
        /// How long creating a payment waits for its outcome.
        wait_ms: u64 = number(0..=60_000),
        /// When to ask for an outcome that was left open, after each try; the last one is repeated.
        unknown_polls_seconds: Vec<u64> = some(list(number(1..=DAY_SECONDS))),
    }
}

section! {
    /// The billing service.
    Billing {
        /// Days from issue to due date, where a bill does not say.
        due_days: u32 = number(0..=366),
        /// How bills are numbered.
        number_pattern: NumberPattern = word,
        /// Days after the due date on which a bill is not overdue yet.
        grace_days: u32 = number(0..=366),
    }
}

section! {
    /// The analytics service.
    Analytics {
        /// How long making one report may take, with the wait for its turn.
        report_timeout_ms: u64 = number(10..=60_000),
        /// The most rows that one report is made of.
        report_rows_max: u32 = number(1..=1_000_000),
    }
}

section! {
    /// Events between services.
    Events {
        /// How often the outbox is looked at when nothing announces itself.
        poll_ms: u64 = number(10..=HOUR_MS),
        /// Events taken from the outbox at a time.
        batch: u32 = number(1..=100),
        /// How long a relay may hold what it took without renewing its lease.
        lease_ms: u64 = number(100..=HOUR_MS),
        /// How long one delivery may take.
        delivery_timeout_ms: u64 = number(10..=60_000),
        /// Refusals of one event by one listener before it is parked.
        attempts_max: u32 = number(1..=1_000),
        /// The wait after a first failed delivery.
        backoff_min_ms: u64 = number(1..=HOUR_MS),
        /// The longest wait between deliveries.
        backoff_max_ms: u64 = number(1..=24 * HOUR_MS),
    }
}

section! {
    /// Durable jobs.
    Jobs {
        /// How often due jobs are looked for when nothing announces itself.
        poll_ms: u64 = number(10..=HOUR_MS),
        /// How long a worker may hold a job without renewing its lease.
        lease_ms: u64 = number(100..=HOUR_MS),
        /// Jobs of one service at a time.
        parallel: usize = number(1..=1_000),
    }
}

section! {
    /// Idempotent requests.
    Requests {
        /// How long the answer to an Idempotency-Key is kept.
        retention_days: u32 = number(1..=366),
    }
}
