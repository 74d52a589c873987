//! Pages of bills, newest first, and what is owed in sum.
use crate::storage::{Database, StoreError, params, record, sql};
use crate::types::{Cursor, Date, ProviderId, UserId};

use super::super::model::bill::{Bill, BillStatus};
use super::super::model::reservation::Balance;

sql! {
    OF_USER = "SELECT id, number, user_id, provider_id, provider_name, service_account_id, currency,
                   period_start, period_end, timezone, basis, exactness, status, issued_on, due_on,
                   subtotal_minor, tax_minor, total_minor, credited_minor, credit_applied_minor,
                   settled_minor, refunded_minor, reserved_minor, balance_minor, version,
                   created_at, updated_at
               FROM bills
               WHERE user_id = $1 AND (status <> 'draft' OR $2)
                 AND (CAST($3 AS TEXT) IS NULL OR status = $3)
                 AND (CAST($4 AS TEXT) IS NULL OR provider_id = $4)
                 AND (CAST($5 AS TEXT) IS NULL OR due_on < $5)
                 AND (created_at < $6 OR (created_at = $6 AND id < $7))
               ORDER BY created_at DESC, id DESC LIMIT $8";
    OF_ALL = "SELECT id, number, user_id, provider_id, provider_name, service_account_id, currency,
                  period_start, period_end, timezone, basis, exactness, status, issued_on, due_on,
                  subtotal_minor, tax_minor, total_minor, credited_minor, credit_applied_minor,
                  settled_minor, refunded_minor, reserved_minor, balance_minor, version,
                  created_at, updated_at
              FROM bills
              WHERE (CAST($1 AS TEXT) IS NULL OR status = $1)
                AND (CAST($2 AS TEXT) IS NULL OR provider_id = $2)
                AND (CAST($3 AS TEXT) IS NULL OR due_on < $3)
                AND (created_at < $4 OR (created_at = $4 AND id < $5))
              ORDER BY created_at DESC, id DESC LIMIT $6";
    BALANCES = "SELECT currency, CAST(SUM(open_minor) AS BIGINT) AS open_minor,
                    CAST(SUM(reserved_minor) AS BIGINT) AS reserved_minor,
                    CAST(SUM(unapplied_minor) AS BIGINT) AS unapplied_minor
                FROM (SELECT currency, balance_minor AS open_minor, reserved_minor,
                             0 AS unapplied_minor
                      FROM bills
                      WHERE status IN ('issued', 'partially_paid', 'overdue')
                        AND (CAST($1 AS TEXT) IS NULL OR user_id = $1)
                      UNION ALL
                      SELECT currency, 0, 0, amount_minor FROM unapplied_payments
                      WHERE resolved_at IS NULL
                        AND (CAST($1 AS TEXT) IS NULL OR user_id = $1)) AS parts
                GROUP BY currency ORDER BY currency";
}

record! { Balance { currency, open_minor, reserved_minor, unapplied_minor } }

/// Which bills, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// All of them, drafts included; of one person with or without drafts.
    pub(crate) owner: Owner,
    pub(crate) status: Option<BillStatus>,
    pub(crate) provider_id: Option<ProviderId>,
    pub(crate) due_before: Option<Date>,
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner {
    Anyone,
    User { id: UserId, with_drafts: bool },
}

pub(crate) async fn bills(
    database: &Database,
    selection: &Selection,
) -> Result<Vec<Bill>, StoreError> {
    let Selection { owner, status, provider_id, due_before, after, rows } = selection;
    let (before, id) = boundary(*after);
    match owner {
        Owner::Anyone => {
            let values = params![status, provider_id, due_before, before, id, rows];
            database.all(OF_ALL, values).await
        }
        Owner::User { id: user, with_drafts } => {
            let values =
                params![user, with_drafts, status, provider_id, due_before, before, id, rows];
            database.all(OF_USER, values).await
        }
    }
}

/// The last row that was shown; without one everything comes after it.
pub(super) fn boundary(after: Option<Cursor>) -> (i64, String) {
    let first = (i64::MAX, String::new());
    after.map_or(first, |cursor| (cursor.created_at.micros(), cursor.id.to_string()))
}

/// What is owed in each currency, by one person or by all.
pub(crate) async fn balances(
    database: &Database,
    user: Option<UserId>,
) -> Result<Vec<Balance>, StoreError> {
    database.all(BALANCES, params![user]).await
}
