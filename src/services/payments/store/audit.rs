//! Questions whose answer is always "none": what breaks an invariant, and figures for operators.
//!
//! `event_sequences` and `jobs` belong to the common part of this database; they are only read.

use crate::storage::{Database, Statement, StoreError, params, record, sql};
use crate::types::{Currency, PaymentId, Timestamp};

sql! {
    UNBALANCED = "SELECT COUNT(*) AS offenders, MIN(transfer_id) AS example
                  FROM (SELECT transfer_id FROM entries GROUP BY transfer_id, currency
                        HAVING SUM(amount_minor) <> 0) AS found";
    TRIAL = "SELECT COUNT(*) AS offenders, MIN(currency) AS example
             FROM (SELECT e.currency FROM entries AS e
                   JOIN transfers AS t ON t.id = e.transfer_id
                   GROUP BY e.currency, t.phase HAVING SUM(e.amount_minor) <> 0) AS found";
    ALTERED = "SELECT COUNT(*) AS offenders, MIN(id) AS example
               FROM (SELECT t.id FROM transfers AS t
                     LEFT JOIN entries AS e ON e.transfer_id = t.id AND e.currency = t.currency
                     GROUP BY t.id, t.entry_count, t.debits_minor
                     HAVING COUNT(e.number) <> t.entry_count
                         OR COALESCE(SUM(CASE WHEN e.amount_minor > 0 THEN e.amount_minor
                                              ELSE 0 END), 0) <> t.debits_minor) AS found";
    MISENDED = "SELECT COUNT(*) AS offenders, MIN(ending.id) AS example
                FROM transfers AS ending JOIN transfers AS t ON t.id = ending.pending_id
                WHERE t.phase <> 'pending' OR t.reference <> ending.reference
                   OR (ending.phase = 'posted' AND (t.debits_minor <> ending.debits_minor
                                                    OR t.currency <> ending.currency))";
    KEYS = "SELECT COUNT(*) AS offenders, MIN(principal) AS example
            FROM (SELECT principal FROM payments GROUP BY principal, request_key
                  HAVING COUNT(*) > 1) AS found";
    CHARGED_TWICE = "SELECT COUNT(*) AS offenders, MIN(id) AS example
                     FROM (SELECT reference AS id FROM sim_charges GROUP BY reference
                           HAVING COUNT(*) > (SELECT COUNT(*) FROM attempts AS a
                                              WHERE a.payment_id = sim_charges.reference)
                           UNION ALL
                           SELECT later.payment_id FROM attempts AS later
                           JOIN attempts AS first ON first.payment_id = later.payment_id
                                AND first.number = later.number - 1
                           WHERE first.state <> 'declined') AS found";
    CAPTURED = "SELECT COUNT(*) AS offenders, MIN(p.id) AS example
                FROM payments AS p JOIN attempts AS a ON a.payment_id = p.id
                LEFT JOIN transfers AS t ON t.kind = 'payment' AND t.phase = 'posted'
                     AND t.reference = 'payment/' || a.charge_key
                WHERE (p.stage = 'succeeded' AND a.state = 'succeeded'
                       AND (t.id IS NULL OR t.debits_minor <> 2 * p.amount_minor
                            OR t.currency <> p.currency))
                   OR (t.id IS NOT NULL AND p.stage <> 'succeeded')";
    PENDING = "SELECT COUNT(*) AS offenders, MIN(t.id) AS example
               FROM transfers AS t
               LEFT JOIN transfers AS ending ON ending.pending_id = t.id
               LEFT JOIN attempts AS a ON t.reference = 'payment/' || a.charge_key
               LEFT JOIN payments AS p ON p.id = a.payment_id
               WHERE t.phase = 'pending' AND ending.id IS NULL
                 AND (p.id IS NULL OR p.stage NOT IN ('sent', 'unknown'))";
    OVERPAID = "SELECT COUNT(*) AS offenders, MIN(bill_id) AS example
                FROM (SELECT p.bill_id FROM payments AS p
                      JOIN transfers AS t ON t.kind = 'bill_issued'
                           AND t.reference = 'bill/' || p.bill_id
                      WHERE p.stage IN ('sent', 'unknown', 'succeeded')
                      GROUP BY p.bill_id, t.debits_minor
                      HAVING SUM(p.amount_minor) > t.debits_minor) AS found";
    UNTOLD = "SELECT COUNT(*) AS offenders, MIN(p.id) AS example
              FROM payments AS p
              LEFT JOIN event_sequences AS s ON s.subject = 'payment/' || p.id
              WHERE p.version <> COALESCE(s.sequence, 0)
                 OR p.version <> (SELECT COUNT(*) FROM transitions AS t
                                  WHERE t.payment_id = p.id)";
    CLEARING = "SELECT COUNT(*) AS offenders, MIN(id) AS example
                FROM (SELECT p.id FROM payments AS p
                      WHERE p.connector = 'sim' AND p.stage = 'succeeded' AND NOT EXISTS (
                          SELECT 1 FROM sim_charges AS c
                          WHERE c.reference = p.id AND c.decline_code IS NULL
                            AND c.amount_minor = p.amount_minor AND c.currency = p.currency)
                      UNION ALL
                      SELECT c.reference FROM sim_charges AS c
                      LEFT JOIN payments AS p ON p.id = c.reference
                      WHERE c.decline_code IS NULL AND c.answers_at <= $1
                        AND (p.id IS NULL OR p.stage IN ('reserving', 'failed', 'cancelled')))
                     AS found";
    FORSAKEN = "SELECT COUNT(*) AS offenders, MIN(p.id) AS example FROM payments AS p
                WHERE p.stage IN ('reserving', 'sent', 'unknown') AND NOT EXISTS (
                    SELECT 1 FROM jobs AS j WHERE j.kind = 'drive_payment' AND j.key = p.id
                       AND j.state = 'waiting')";
    LAST_ENDED = "SELECT id AS value FROM payments
                  WHERE stage IN ('succeeded', 'failed') AND updated_at < $1
                  ORDER BY created_at DESC, id DESC LIMIT $2";
    OWED = "SELECT e.currency, CAST(SUM(e.amount_minor) AS BIGINT) AS owed_minor,
                   MAX(t.at) AS last_at
            FROM entries AS e JOIN transfers AS t ON t.id = e.transfer_id
            WHERE t.phase = 'posted' AND SUBSTR(e.account, 1, 3) = 'ar:'
            GROUP BY e.currency ORDER BY e.currency";
    UNKNOWN = "SELECT COUNT(*) AS unknown, MIN(unknown_since) AS since
               FROM payments WHERE stage = 'unknown'";
    OVERDUE = "SELECT id, unknown_since AS since FROM payments
               WHERE stage = 'unknown' AND unknown_since > $1 AND unknown_since <= $2
               ORDER BY unknown_since, id LIMIT $3";
    IMBALANCE = "SELECT CAST(COALESCE(SUM(CASE WHEN off < 0 THEN -off ELSE off END), 0) AS BIGINT)
                        AS value
                 FROM (SELECT SUM(amount_minor) AS off FROM entries GROUP BY currency) AS sums";
}

/// What breaks an invariant: how many, and one of them.
#[derive(Debug, PartialEq)]
pub(crate) struct Offence {
    pub(crate) offenders: i64,
    pub(crate) example: Option<String>,
}
record! { Offence { offenders, example } }

/// The invariants that one statement can tell, each with what it says.
pub(crate) const INVARIANTS: &[(&str, &str, Statement)] = &[
    ("transfers_balance", "every transfer sums to zero", UNBALANCED),
    ("trial_balance", "all entries of a currency sum to zero", TRIAL),
    ("entries_unaltered", "every transfer has the entries that it was written with", ALTERED),
    ("pending_ended_once", "every pending transfer is ended by its own, or not yet", MISENDED),
    ("one_payment_per_key", "a key stands for one payment of its principal", KEYS),
    ("one_charge_per_attempt", "the connector has seen no try twice", CHARGED_TWICE),
    ("captured_is_posted", "what was paid, and nothing else, is in the ledger", CAPTURED),
    ("pending_is_in_process", "only payments in process have pending transfers", PENDING),
    ("bills_not_overpaid", "no bill has more payments than it comes to", OVERPAID),
    ("one_event_per_change", "every change of a payment was told once", UNTOLD),
    ("open_payments_driven", "every payment in process has a job", FORSAKEN),
];

pub(crate) async fn offence(
    database: &Database,
    invariant: Statement,
) -> Result<Offence, StoreError> {
    database.one(invariant, params![]).await
}

/// Where the ledger and the simulated bank's own books differ.
pub(crate) async fn unclear(database: &Database, now: Timestamp) -> Result<Offence, StoreError> {
    database.one(CLEARING, params![now]).await
}

/// The last payments that ended before `before`.
pub(crate) async fn last_ended(
    database: &Database,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<PaymentId>, StoreError> {
    let ids: Vec<(PaymentId,)> = database.all(LAST_ENDED, params![before, limit]).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// What all customers owe in one currency, and when that last changed.
#[derive(Debug, PartialEq)]
pub(crate) struct Owed {
    pub(crate) currency: Currency,
    pub(crate) owed_minor: i64,
    pub(crate) last_at: Timestamp,
}
record! { Owed { currency, owed_minor, last_at } }

pub(crate) async fn owed(database: &Database) -> Result<Vec<Owed>, StoreError> {
    database.all(OWED, params![]).await
}

/// How many outcomes are unknown, and since when the oldest is.
#[derive(Debug, PartialEq)]
pub(crate) struct UnknownCount {
    pub(crate) unknown: i64,
    pub(crate) since: Option<Timestamp>,
}
record! { UnknownCount { unknown, since } }

pub(crate) async fn unknown(database: &Database) -> Result<UnknownCount, StoreError> {
    database.one(UNKNOWN, params![]).await
}

/// A payment whose outcome is unknown, and since when.
#[derive(Debug, PartialEq)]
pub(crate) struct Overdue {
    pub(crate) id: PaymentId,
    pub(crate) since: Timestamp,
}
record! { Overdue { id, since } }

/// The payments that were lost sight of after `after`, and not after `until`; the oldest first.
pub(crate) async fn overdue(
    database: &Database,
    after: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Overdue>, StoreError> {
    database.all(OVERDUE, params![after, until, limit]).await
}

/// By how much the books are out of balance, over all currencies.
pub(crate) async fn imbalance(database: &Database) -> Result<i64, StoreError> {
    let (off,): (i64,) = database.one(IMBALANCE, params![]).await?;
    Ok(off)
}
