//! The `DB_*` variables, seen from outside: what they do to the running program.

use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use busbar::types::ServiceName;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};

use crate::support::launch::{Process, eventually};
use crate::support::orders::{draft, order};
use crate::support::pgbouncer::PgBouncer;
use crate::support::postgres::{self, Cluster};
use crate::support::system::fresh_folder;
use crate::support::{Engine, Person, TestSystem};

/// Somebody else holds a table of a database: statements on it wait until this is dropped.
pub(crate) struct Held {
    release: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Held {
    pub(crate) fn table(url: &str, table: &str) -> Held {
        let (url, lock) = (url.to_owned(), format!("BEGIN; LOCK TABLE {table}"));
        Held::by(async move || {
            let (client, connection) =
                tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            actix_rt::spawn(connection);
            client.batch_execute(&lock).await.unwrap();
            client
        })
    }

    /// A file, for all who write.
    fn file(path: &Path) -> Held {
        let options = SqliteConnectOptions::new().filename(path);
        Held::by(async move || {
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            connection.execute("BEGIN IMMEDIATE").await.unwrap();
            connection
        })
    }

    /// For as long as what `hold` returns is there.
    fn by<T>(hold: impl AsyncFnOnce() -> T + Send + 'static) -> Held {
        let (release, released) = mpsc::channel();
        let (tell_held, held) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async {
                let _holder = hold().await;
                tell_held.send(()).unwrap();
                // Nothing else runs on this thread; the lock needs no care meanwhile.
                let _ = released.recv();
            });
        });
        held.recv().unwrap();
        Held { release: Some(release), thread: Some(thread) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.release.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Billing's own port with staff rights, and billing's database.
async fn billing(system: &TestSystem) -> (Person, String) {
    let admin = system.admin().await.at(&system.service_url(ServiceName::Billing));
    (admin, system.database_url(ServiceName::Billing))
}

fn backends(url: &str) -> usize {
    let database = url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
    let statement = format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = '{database}' AND application_name LIKE 'busbar%'"
    );
    postgres::text(url, &statement).parse().unwrap()
}

/// `DB_CONNECTION_LIMIT`: however many requests, a service has no more connections than that.
#[actix_web::test]
async fn the_connection_limit_of_the_environment_holds() {
    let system = TestSystem::prepare_apart(Engine::Postgres);
    system.launch_with(&[("DB_CONNECTION_LIMIT", "3")]).await;
    let (admin, url) = billing(&system).await;
    let held = Held::table(&url, "bills");
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let admin = admin.clone();
            actix_rt::spawn(async move { admin.get("/bills").await })
        })
        .collect();
    eventually("the others wait for a connection", async || {
        let metrics = admin.get("/metrics/prometheus").await.text();
        let is_it = |line: &&str| line.contains("db_pool") && line.contains(r#"state="waiting""#);
        let line = metrics.lines().find(is_it).unwrap();
        line.rsplit(' ').next().unwrap().parse::<usize>().unwrap() >= 17
    })
    .await;
    assert_eq!(backends(&url), 3);
    drop(held);
    for answer in asked {
        answer.await.unwrap().expect(200);
    }
    system.finish().await;
}

/// `DB_POOL_TIMEOUT_SECONDS`: who finds no free connection is told so, and may come again; the service
/// is alive all the while.
#[actix_web::test]
async fn the_pool_timeout_of_the_environment_ends_the_wait() {
    let limits = [("DB_CONNECTION_LIMIT", "2"), ("DB_POOL_TIMEOUT_SECONDS", "1")];
    let system = TestSystem::prepare_apart(Engine::Postgres);
    system.launch_with(&limits).await;
    let (_, url) = billing(&system).await;
    excess_is_turned_away(system, || Held::table(&url, "bills")).await;
}

/// The same of a file, which one writes at a time.
#[actix_web::test]
async fn the_pool_timeout_ends_the_wait_for_the_writer_of_a_file() {
    let limits = [("DB_POOL_TIMEOUT_SECONDS", "1")];
    let system = TestSystem::start_with(Engine::Sqlite, &limits).await;
    let file = system.folder().join("data/billing.sqlite3");
    excess_is_turned_away(system, || Held::file(&file)).await;
}

/// Fifty ask while somebody else holds what they need. Those who have the connections may be given up by
/// the database in the end; the others are turned away.
async fn excess_is_turned_away(system: TestSystem, hold: impl Fn() -> Held) {
    system.expect_faults();
    let alice = system.person("alice").await;
    let admin = system.admin().await.at(&system.service_url(ServiceName::Billing));
    let held = hold();
    let mut rest: Vec<_> = (0..50)
        .map(|_| {
            let (admin, bill) = (admin.clone(), draft(&alice.id, 4496));
            actix_rt::spawn(async move { admin.post("/bills", bill).await })
        })
        .collect();
    let mut turned_away = 0;
    while turned_away < 40 {
        admin.get("/health/live").await.expect(200);
        let (first, _, others) = futures_util::future::select_all(rest).await;
        let answer = first.unwrap();
        match answer.code() {
            "db_pool_timeout" => turned_away += 1,
            _ => drop(answer.expect_problem(503, "database_busy")),
        }
        rest = others;
    }
    drop(held);
    for answer in rest {
        assert!(matches!(answer.await.unwrap().status, 201 | 503));
    }
    admin.get("/bills").await.expect(200);
    system.finish().await;
}

/// `DB_CONNECT_TIMEOUT_SECONDS`: a server that takes connections and says nothing is given up.
#[actix_web::test]
async fn the_connect_timeout_of_the_environment_ends_a_silent_connection() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://busbar@{}/billing", silent.local_addr().unwrap());
    let folder = fresh_folder();
    let environment = [
        ("BILLING_SERVICE_DATABASE_URL", url.as_str()),
        ("DB_CONNECT_TIMEOUT_SECONDS", "1"),
        ("BUSBAR_SUPERVISION_START_TIMEOUT_MS", "1000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut process = Process::start(&["migrate", "--services", "billing"], &environment, &folder);
    assert!(!process.ended().await.success());
    process.is_told("no connection within 1000 ms").await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// `DB_USE_PGBOUNCER`: the whole story through a PgBouncer in transaction mode.
#[actix_web::test]
async fn behind_pgbouncer_the_story_is_the_same() {
    let cluster = Cluster::own();
    let bouncer = PgBouncer::before(&cluster.database("any")).await;
    let mut variables = vec![("DB_USE_PGBOUNCER".to_owned(), "true".to_owned())];
    for name in ServiceName::domain() {
        let direct = cluster.database(name.as_str());
        let prefix = name.variable_prefix();
        variables.push((format!("{prefix}_DATABASE_URL"), bouncer.url(&direct)));
        variables.push((format!("{prefix}_DIRECT_URL"), direct));
    }
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let system = TestSystem::start_with(Engine::Sqlite, &variables).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    for number in 0..5 {
        let bill = admin.post("/api/bills", draft(&alice.id, 4496)).await.expect(201);
        let id = bill["id"].as_str().unwrap();
        let issue = format!("/api/bills/{id}/issue");
        admin.keyed(&format!("i{number}")).post(&issue, json!({})).await.expect(200);
        let payer = alice.keyed(&format!("p{number}"));
        let paid = payer.post("/api/payments", order(id, 4496, "tok_ok")).await.expect(201);
        assert_eq!(paid["status"], "succeeded", "{paid}");
    }
    system.finish().await;
}
