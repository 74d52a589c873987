//! The schema is brought up to date before a service opens its port: one text for both engines.
//!
//! On a file the lock of the process keeps others out; on PostgreSQL an advisory lock does, over a
//! connection of its own that leads around PgBouncer, where such a lock does not hold.
//!
//! Versions that are applied and not known here are let be: a migration must suit the release
//! before it, so that release may start again after the next one has migrated.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};

use super::encryption::Mode;
use super::sqlite::Pools;
use super::url::{PostgresTarget, Server};
use super::{Settings, Statement, StoreError};

const MIGRATION: Statement = Statement::new("MIGRATION", "");
/// For another process that migrates the same database.
const LOCK_WAIT: &str = "60s";
const CONNECT_MAX: Duration = Duration::from_secs(60);

/// One step of a schema, embedded in the program. Never changed once released.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    pub version: i64,
    pub name: &'static str,
    pub text: &'static str,
}

fn migrator(scripts: &[Script]) -> Migrator {
    let migrations = scripts.iter().map(|script| {
        let text = script.text.into_sql_str();
        Migration::new(script.version, script.name.into(), MigrationType::Simple, text, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_ignore_missing(true);
    migrator
}

/// Version numbers are shared by the scripts of all folders that go into one database.
fn check_versions(database: &str, scripts: &[Script]) -> Result<(), StoreError> {
    let mut seen = std::collections::BTreeMap::new();
    for script in scripts {
        if let Some(earlier) = seen.insert(script.version, script.name) {
            let what =
                format!("{earlier} and {} both have version {}", script.name, script.version);
            return Err(StoreError::Migration { database: database.to_owned(), what });
        }
    }
    Ok(())
}

pub(super) async fn sqlite(
    database: &str,
    pools: &Pools,
    scripts: &[Script],
) -> Result<(), StoreError> {
    check_versions(database, scripts)?;
    let mut connection = pools.writer(MIGRATION).await?;
    let done = migrator(scripts).run_direct(None, &mut *connection, false).await;
    done.map_err(|error| fault(database, scripts, error))
}

pub(super) async fn postgres(
    target: &PostgresTarget,
    settings: &Settings,
    scripts: &[Script],
) -> Result<(), StoreError> {
    let server = target.direct.as_ref().unwrap_or(&target.server);
    let database = server.to_string();
    check_versions(&database, scripts)?;
    let mut connection = connect(server, settings).await?;
    let mut migrator = migrator(scripts);
    if let Some(schema) = &server.schema
        && !has_schema(&mut connection, schema).await?
    {
        migrator.create_schema(schema.clone());
    }
    let done = migrator.run_direct(None, &mut connection, false).await;
    // The server gives up the advisory lock with the connection, also after a failure.
    if let Err(error) = connection.close().await {
        log::debug!("{database}: the connection of the migration did not close well: {error}");
    }
    done.map_err(|error| fault(&database, scripts, error))
}

async fn connect(server: &Server, settings: &Settings) -> Result<PgConnection, StoreError> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .port(server.port)
        .username(&server.user)
        .database(&server.database)
        .application_name("busbar-migrate")
        .ssl_mode(match server.encryption.mode {
            Mode::Disable => PgSslMode::Disable,
            Mode::Prefer => PgSslMode::Prefer,
            Mode::Require => PgSslMode::Require,
            Mode::VerifyFull => PgSslMode::VerifyFull,
        })
        .options([("lock_timeout", LOCK_WAIT)]);
    // Beside the file, this driver trusts the public authorities.
    if let Some(roots) = &server.encryption.roots {
        options = options.ssl_root_cert(roots);
    }
    if let Some(password) = &server.password {
        options = options.password(password);
    }
    if let Some(schema) = &server.schema {
        options = options.options([("search_path", schema)]);
    }
    let limit = match settings.connect_timeout {
        Duration::ZERO => CONNECT_MAX,
        limit => limit,
    };
    match tokio::time::timeout(limit, options.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(StoreError::unavailable(error)),
        Err(_) => {
            Err(StoreError::unavailable(format!("no connection within {} ms", limit.as_millis())))
        }
    }
}

/// Asked first: who may not create schemas may still use one that is there.
async fn has_schema(connection: &mut PgConnection, schema: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar::<_, bool>("SELECT to_regnamespace($1) IS NOT NULL")
        .bind(schema)
        .fetch_one(connection)
        .await
        .map_err(StoreError::unavailable)
}

fn fault(database: &str, scripts: &[Script], error: MigrateError) -> StoreError {
    let name = |version: i64| {
        let script = scripts.iter().find(|script| script.version == version);
        format!("{version} {}", script.map_or("", |script| script.name))
    };
    let what = match error {
        MigrateError::VersionMismatch(version) => format!(
            "{} is not the text that was applied; either it was changed after its release, or two \
             services share one database",
            name(version)
        ),
        MigrateError::ExecuteMigration(cause, version) => format!("{}: {cause}", name(version)),
        MigrateError::Execute(cause) => cause.to_string(),
        other => other.to_string(),
    };
    StoreError::Migration { database: database.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::{Script, check_versions};

    #[test]
    fn two_scripts_of_one_version_are_refused() {
        let script = |version, name| Script { version, name, text: "" };
        assert!(check_versions("d", &[script(1, "events"), script(2, "jobs")]).is_ok());
        let fault = check_versions("d", &[script(1, "events"), script(1, "init")]);
        let told = fault.err().map(|fault| fault.to_string()).unwrap_or_default();
        assert_eq!(told, "migration of d: events and init both have version 1");
    }
}
