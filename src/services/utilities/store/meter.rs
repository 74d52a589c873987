//! Meters and their registers.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Cursor, MeterId, ServiceAccountId, Timestamp, UserId};

use super::super::model::meter::{Meter, Register};

sql! {
    BY_ID = "SELECT m.id AS id, m.service_account_id AS service_account_id, a.user_id AS user_id,
                 m.serial AS serial, m.status AS status, m.version AS version,
                 m.created_at AS created_at, m.installed_at AS installed_at,
                 m.retired_at AS retired_at
             FROM meters AS m JOIN service_accounts AS a ON a.id = m.service_account_id
             WHERE m.id = $1";
    PAGE = "SELECT m.id AS id, m.service_account_id AS service_account_id, a.user_id AS user_id,
                m.serial AS serial, m.status AS status, m.version AS version,
                m.created_at AS created_at, m.installed_at AS installed_at,
                m.retired_at AS retired_at
            FROM meters AS m JOIN service_accounts AS a ON a.id = m.service_account_id
            WHERE (CAST($1 AS TEXT) IS NULL OR a.user_id = $1)
              AND (CAST($2 AS TEXT) IS NULL OR m.service_account_id = $2)
              AND (m.created_at < $3 OR (m.created_at = $3 AND m.id < $4))
            ORDER BY m.created_at DESC, m.id DESC LIMIT $5";
    REGISTERS_OF_PAGE = "SELECT id, meter_id, unit, digits, multiplier, direction FROM registers
                         WHERE meter_id IN (
                             SELECT m.id
                             FROM meters AS m JOIN service_accounts AS a
                                 ON a.id = m.service_account_id
                             WHERE (CAST($1 AS TEXT) IS NULL OR a.user_id = $1)
                               AND (CAST($2 AS TEXT) IS NULL OR m.service_account_id = $2)
                               AND (m.created_at < $3 OR (m.created_at = $3 AND m.id < $4))
                             ORDER BY m.created_at DESC, m.id DESC LIMIT $5)
                         ORDER BY meter_id, position";
    OF_ACCOUNT = "SELECT m.id AS id, m.service_account_id AS service_account_id,
                      a.user_id AS user_id, m.serial AS serial, m.status AS status,
                      m.version AS version, m.created_at AS created_at,
                      m.installed_at AS installed_at, m.retired_at AS retired_at
                  FROM meters AS m JOIN service_accounts AS a ON a.id = m.service_account_id
                  WHERE m.service_account_id = $1
                    AND (m.retired_at IS NULL OR m.retired_at > $2)
                    AND (m.installed_at IS NULL OR m.installed_at < $3)
                  ORDER BY m.created_at, m.id LIMIT $4";
    ACTIVE = "SELECT COUNT(*) AS value FROM meters
              WHERE service_account_id = $1 AND status = 'active'";
    REGISTERS = "SELECT id, meter_id, unit, digits, multiplier, direction FROM registers
                 WHERE meter_id = $1 ORDER BY position";
    INSERT = "INSERT INTO meters (id, service_account_id, serial, status, deliveries, version,
                  created_at, installed_at)
              VALUES ($1, $2, $3, 'active', 0, 1, $4, $5)";
    INSERT_REGISTER = "INSERT INTO registers (id, meter_id, position, unit, digits, multiplier,
                           direction)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    RETIRE = "UPDATE meters SET status = 'retired', retired_at = $2, version = version + 1
              WHERE id = $1 AND status = 'active'";
    // What is decided on its readings is decided one after the other.
    LOCK = "UPDATE meters SET deliveries = deliveries + 1 WHERE id = $1";
}

record! {
    Meter {
        id, service_account_id, user_id, serial, status, version, created_at, installed_at,
        retired_at,
    }
}
record! { Register { id, meter_id, unit, digits, multiplier, direction } }

/// Which meters, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) user_id: Option<UserId>,
    pub(crate) service_account_id: Option<ServiceAccountId>,
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: i64,
}

pub(crate) async fn by_id(database: &Database, id: MeterId) -> Result<Option<Meter>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The meter as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: MeterId,
) -> Result<Option<Meter>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// Newest first, with the registers of all of them.
pub(crate) async fn page(
    database: &Database,
    selection: &Selection,
) -> Result<(Vec<Meter>, Vec<Register>), StoreError> {
    let Selection { user_id, service_account_id, after, rows } = selection;
    let (before, id) = super::boundary(*after);
    let values = params![user_id, service_account_id, before, id, rows];
    let meters = database.all(PAGE, values).await?;
    Ok((meters, database.all(REGISTERS_OF_PAGE, values).await?))
}

/// The meters of an account that measured at some time between two instants, oldest first.
pub(crate) async fn of_account(
    database: &Database,
    account: ServiceAccountId,
    (start, end): (Timestamp, Timestamp),
    rows: i64,
) -> Result<Vec<Meter>, StoreError> {
    database.all(OF_ACCOUNT, params![account, start, end, rows]).await
}

/// How many meters of an account measure.
pub(crate) async fn active(
    tx: &mut Transaction<'_>,
    account: ServiceAccountId,
) -> Result<i64, StoreError> {
    let (meters,): (i64,) = tx.one(ACTIVE, params![account]).await?;
    Ok(meters)
}

pub(crate) async fn registers(
    database: &Database,
    meter: MeterId,
) -> Result<Vec<Register>, StoreError> {
    database.all(REGISTERS, params![meter]).await
}

/// The registers as the transaction sees them.
pub(crate) async fn registers_seen(
    tx: &mut Transaction<'_>,
    meter: MeterId,
) -> Result<Vec<Register>, StoreError> {
    tx.all(REGISTERS, params![meter]).await
}

/// A meter has few registers, and there is no portable statement for many rows.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    meter: &Meter,
    registers: &[Register],
) -> Result<(), StoreError> {
    let Meter { id, service_account_id, serial, created_at, installed_at, .. } = meter;
    let values = params![id, service_account_id, serial, created_at, installed_at];
    tx.execute(INSERT, values).await?;
    for (position, register) in (1_i64..).zip(registers) {
        let Register { id, meter_id, unit, digits, multiplier, direction } = register;
        let values = params![id, meter_id, position, unit, digits, multiplier, direction];
        tx.execute(INSERT_REGISTER, values).await?;
    }
    Ok(())
}

/// False when it is retired already, or not there.
pub(crate) async fn retire(
    tx: &mut Transaction<'_>,
    id: MeterId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(RETIRE, params![id, at]).await? == 1)
}

/// Locks a meter, retired or not.
pub(crate) async fn lock(tx: &mut Transaction<'_>, id: MeterId) -> Result<(), StoreError> {
    tx.execute(LOCK, params![id]).await?;
    Ok(())
}
