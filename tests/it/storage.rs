//! The storage layer: the same promises on SQLite, on PostgreSQL, and on PostgreSQL as it is asked
//! behind PgBouncer.

/// Makes of each function three tests, one an engine.
macro_rules! on_each_engine {
    ($($(#[$note:meta])* async fn $name:ident($engine:ident: Engine) $body:block)+) => { $(
        $(#[$note])*
        mod $name {
            use super::*;
            async fn promise($engine: Engine) $body

            #[actix_rt::test]
            async fn on_sqlite() {
                promise(Engine::Sqlite).await
            }
            #[actix_rt::test]
            async fn on_postgres() {
                promise(Engine::Prepared).await
            }
            #[actix_rt::test]
            async fn on_postgres_unnamed() {
                promise(Engine::Unnamed).await
            }
        }
    )+ };
}

mod abandoned;
mod conflicts;
mod dialect;
mod encrypted;
mod files;
mod limits;
mod lost;
mod migrations;
mod outages;
mod pgbouncer;
mod silent;
mod verbs;
mod writing;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use busbar::storage::{Database, Field, Row, Script, Settings, StoreError, Target, Transaction};
use busbar::storage::{params, record, sql};

use crate::support::postgres;

/// More than any wait of a test that goes well.
const PATIENCE: Duration = Duration::from_secs(30);

const SCRIPTS: &[Script] = &[
    Script {
        version: 1,
        name: "accounts",
        text: "CREATE TABLE accounts (
                   id TEXT NOT NULL PRIMARY KEY,
                   email TEXT NOT NULL UNIQUE,
                   balance_minor BIGINT NOT NULL CHECK (balance_minor >= 0),
                   currency TEXT NOT NULL,
                   active BOOLEAN NOT NULL DEFAULT TRUE,
                   rate DOUBLE PRECISION,
                   note TEXT);",
    },
    Script {
        version: 2,
        name: "entries",
        text: "CREATE TABLE entries (
                   id TEXT NOT NULL PRIMARY KEY,
                   account_id TEXT NOT NULL REFERENCES accounts (id),
                   subject TEXT NOT NULL);
               CREATE INDEX entries_by_subject ON entries (subject);",
    },
];

sql! {
    INSERT = "INSERT INTO accounts (id, email, balance_minor, currency, active, rate, note)
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    BY_ID = "SELECT id, email, balance_minor, currency, active, rate, note
             FROM accounts WHERE id = $1";
    ALL = "SELECT id, email, balance_minor, currency, active, rate, note
           FROM accounts WHERE CAST($1 AS TEXT) IS NULL OR id > $1 ORDER BY id LIMIT $2";
    ADD = "UPDATE accounts SET balance_minor = balance_minor + $2 WHERE id = $1
           RETURNING id, email, balance_minor, currency, active, rate, note";
    CLOSE = "UPDATE accounts SET active = FALSE WHERE id = $1 AND active = TRUE";
    ENTER = "INSERT INTO entries (id, account_id, subject) VALUES ($1, $2, $3)";
    HALVES = "SELECT COUNT(*) AS value FROM entries AS a WHERE NOT EXISTS
              (SELECT id FROM entries AS b WHERE b.subject = a.subject AND b.id <> a.id)";
    PAIRS = "SELECT COUNT(*) / 2 AS value FROM entries";
    COUNT = "SELECT COUNT(*) AS value FROM accounts";
    TOTAL = "SELECT CAST(COALESCE(SUM(balance_minor), 0) AS BIGINT) AS value FROM accounts";
}

/// Read from two columns, as money is.
#[derive(Debug, Clone, PartialEq)]
struct Balance(i64, String);

impl Field for Balance {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        Ok(Balance(row.get(&format!("{name}_minor"))?, row.get("currency")?))
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Account {
    id: String,
    email: String,
    balance: Balance,
    active: bool,
    rate: Option<f64>,
    note: Option<String>,
}

record! { Account { id, email, balance, active, rate, note } }

fn account(id: &str, minor: i64) -> Account {
    Account {
        id: id.to_owned(),
        email: format!("{id}@example.org"),
        balance: Balance(minor, "USD".to_owned()),
        active: true,
        rate: None,
        note: None,
    }
}

async fn insert(tx: &mut Transaction<'_>, account: &Account) -> Result<u64, StoreError> {
    let Account { id, email, balance: Balance(minor, currency), active, rate, note } = account;
    tx.execute(INSERT, params![id, email, minor, currency, active, rate, note]).await
}

async fn add(tx: &mut Transaction<'_>, id: &str, minor: i64) -> Result<Account, StoreError> {
    tx.one(ADD, params![id, minor]).await
}

/// The engines, and the two ways in which PostgreSQL is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Engine {
    Sqlite,
    Prepared,
    Unnamed,
}

/// A fresh database with the tables above.
struct Bench {
    database: Database,
    target: Target,
    settings: Settings,
    url: String,
    _folder: Option<Folder>,
}

impl Bench {
    async fn new(engine: Engine) -> Bench {
        Bench::with(engine, Settings::default()).await
    }

    async fn with(engine: Engine, settings: Settings) -> Bench {
        Bench::made(engine, settings, &[], SCRIPTS).await
    }

    async fn with_scripts(engine: Engine, scripts: &[Script]) -> Bench {
        Bench::made(engine, Settings::default(), &[], scripts).await
    }

    /// With parameters of the PostgreSQL database set before the first connection.
    async fn tuned(engine: Engine, parameters: &[&str]) -> Bench {
        Bench::made(engine, Settings::default(), parameters, SCRIPTS).await
    }

    async fn made(
        engine: Engine,
        mut settings: Settings,
        parameters: &[&str],
        scripts: &[Script],
    ) -> Bench {
        let folder = (engine == Engine::Sqlite).then(Folder::new);
        let url = match &folder {
            Some(folder) => format!("sqlite:{}", folder.0.join("test.sqlite3").display()),
            None => postgres::database("storage"),
        };
        for parameter in parameters {
            let name = postgres::text(&url, "SELECT current_database()");
            postgres::text(&url, &format!("ALTER DATABASE {name} SET {parameter}"));
        }
        settings.use_pgbouncer = engine == Engine::Unnamed;
        let direct = folder.is_none().then_some(&*url);
        let target = Target::parse(&url, direct).unwrap();
        let database = Database::open("test", &target, &settings).await.unwrap();
        database.migrate(scripts).await.unwrap();
        Bench { database, target, settings, url, _folder: folder }
    }

    async fn add_accounts(&self, accounts: &[Account]) {
        let written = self.database.transaction(async |tx| {
            for account in accounts {
                insert(tx, account).await?;
            }
            Ok::<_, StoreError>(())
        });
        written.await.unwrap();
    }

    async fn count(&self) -> i64 {
        self.database.one::<(i64,)>(COUNT, params![]).await.unwrap().0
    }
}

async fn opened(target: &Target, settings: &Settings) -> Database {
    let database = Database::open("test", target, settings).await.unwrap();
    database.migrate(SCRIPTS).await.unwrap();
    database
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("busbar-storage-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Asks until the answer is yes.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
