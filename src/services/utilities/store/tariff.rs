//! Tariffs and their versions. Versions are only added.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Cursor, Date, TariffId, UserId};

use super::super::model::provider::ProviderKey;
use super::super::model::tariff::{Edition, Tariff, Version};

sql! {
    BY_ID = "SELECT id, provider_id, name, versions, created_at FROM tariffs WHERE id = $1";
    PAGE = "SELECT t.id AS id, t.provider_id AS provider_id, t.name AS name,
                t.versions AS versions, t.created_at AS created_at
            FROM tariffs AS t JOIN providers AS p ON p.id = t.provider_id
            WHERE ($1 OR p.status IN ('active', 'paused'))
              AND (CAST($2 AS TEXT) IS NULL OR t.provider_id = $2)
              AND (t.created_at < $3 OR (t.created_at = $3 AND t.id < $4))
            ORDER BY t.created_at DESC, t.id DESC LIMIT $5";
    INSERT = "INSERT INTO tariffs (id, provider_id, name, versions, created_at)
              VALUES ($1, $2, $3, 0, $4)";
    // Others that add a version wait until this transaction ends.
    NEXT = "UPDATE tariffs SET versions = versions + 1 WHERE id = $1 RETURNING versions AS value";
    PUBLISH = "INSERT INTO tariff_versions (tariff_id, version, effective_from, content,
                   created_at, created_by)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (tariff_id, effective_from) DO NOTHING";
    VERSION = "SELECT tariff_id, version, effective_from, content, created_at
               FROM tariff_versions WHERE tariff_id = $1 AND version = $2";
    EDITIONS = "SELECT version, effective_from, created_at FROM tariff_versions
                WHERE tariff_id = $1 ORDER BY effective_from";
    // The one that holds on the first day, and those that begin later, before the last.
    IN_FORCE = "SELECT tariff_id, version, effective_from, content, created_at
                FROM tariff_versions
                WHERE tariff_id = $1 AND effective_from < $3
                  AND effective_from >= COALESCE(
                      (SELECT MAX(earlier.effective_from) FROM tariff_versions AS earlier
                       WHERE earlier.tariff_id = $1 AND earlier.effective_from <= $2), $2)
                ORDER BY effective_from LIMIT $4";
}

record! { Tariff { id, provider_id, name, versions, created_at } }
record! { Version { tariff_id, version, effective_from, content, created_at } }
record! { Edition { version, effective_from, created_at } }

/// Versions of one tariff that can hold within one period: one a day of a year.
const IN_FORCE_MAX: i64 = 366;

pub(crate) async fn by_id(database: &Database, id: TariffId) -> Result<Option<Tariff>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The tariff as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: TariffId,
) -> Result<Option<Tariff>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// Newest first; of providers that are for everybody, or of all.
pub(crate) async fn page(
    database: &Database,
    shows_all: bool,
    provider: Option<ProviderKey>,
    after: Option<Cursor>,
    rows: i64,
) -> Result<Vec<Tariff>, StoreError> {
    let (before, id) = super::boundary(after);
    database.all(PAGE, params![shows_all, provider, before, id, rows]).await
}

/// A tariff without versions.
pub(crate) async fn insert(tx: &mut Transaction<'_>, tariff: &Tariff) -> Result<(), StoreError> {
    let Tariff { id, provider_id, name, created_at, .. } = tariff;
    tx.execute(INSERT, params![id, provider_id, name, created_at]).await?;
    Ok(())
}

/// The number of the next version, if there is such a tariff.
pub(crate) async fn next_version(
    tx: &mut Transaction<'_>,
    id: TariffId,
) -> Result<Option<i64>, StoreError> {
    let number: Option<(i64,)> = tx.optional(NEXT, params![id]).await?;
    Ok(number.map(|(number,)| number))
}

/// False when a version begins on that day already.
pub(crate) async fn publish(
    tx: &mut Transaction<'_>,
    version: &Version,
    by: UserId,
) -> Result<bool, StoreError> {
    let Version { tariff_id, version, effective_from, content, created_at } = version;
    let values = params![tariff_id, version, effective_from, content, created_at, by];
    Ok(tx.execute(PUBLISH, values).await? == 1)
}

pub(crate) async fn version(
    database: &Database,
    id: TariffId,
    version: i64,
) -> Result<Option<Version>, StoreError> {
    database.optional(VERSION, params![id, version]).await
}

/// In the order in which they hold.
pub(crate) async fn editions(
    database: &Database,
    id: TariffId,
) -> Result<Vec<Edition>, StoreError> {
    database.all(EDITIONS, params![id]).await
}

/// The versions as the transaction sees them.
pub(crate) async fn editions_seen(
    tx: &mut Transaction<'_>,
    id: TariffId,
) -> Result<Vec<Edition>, StoreError> {
    tx.all(EDITIONS, params![id]).await
}

/// The versions that hold on some day from `start` up to, but not including, `end`.
pub(crate) async fn in_force(
    database: &Database,
    id: TariffId,
    start: Date,
    end: Date,
) -> Result<Vec<Version>, StoreError> {
    database.all(IN_FORCE, params![id, start, end, IN_FORCE_MAX]).await
}
