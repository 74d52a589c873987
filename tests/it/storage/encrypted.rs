//! `sslmode` and `sslrootcert`, by what they let through.

use std::path::Path;

use busbar::storage::{Database, Settings, Statement, StoreError, Target, params};

use super::{Folder, PATIENCE, SCRIPTS, eventually};
use crate::support::postgres::{Cluster, text};
use crate::support::python::python;

const IS_ENCRYPTED: Statement = Statement::new(
    "IS_ENCRYPTED",
    "SELECT CAST(COUNT(*) AS BIGINT) AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl",
);

/// Lets the user `sealed` in over TLS only, with a certificate from the folder.
async fn encrypt(cluster: &Cluster, url: &str, folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/storage/certificates.py");
    assert!(python().arg(script).arg(folder).status().unwrap().success());
    // By the server, whose own the files have to be.
    let write = |lines: &str, command: &str| {
        let lines = lines.trim_end();
        let copy = format!(
            "COPY (SELECT unnest(string_to_array('{lines}', chr(10)))) TO PROGRAM '{command}'"
        );
        text(url, &copy);
    };
    for name in ["server.crt", "server.key"] {
        let pem = std::fs::read_to_string(folder.join(name)).unwrap();
        write(&pem, &format!("umask 077; cat > {name}"));
    }
    write(
        "hostnossl all sealed all reject",
        "cat - pg_hba.conf > new.conf && mv new.conf pg_hba.conf",
    );
    text(url, "CREATE ROLE sealed LOGIN SUPERUSER");
    text(url, "ALTER SYSTEM SET ssl = on");
    text(url, "SELECT pg_reload_conf()");
    let other = cluster.url("postgres");
    eventually("it encrypts", async || text(&other, "SHOW ssl") == "on").await;
}

/// Whether a connection of the pool is encrypted; a migration went before, over one of its own.
async fn is_encrypted(url: &str) -> Result<bool, StoreError> {
    let target = Target::parse(url, None).unwrap();
    let database = Database::open("test", &target, &Settings::default()).await.unwrap();
    let migrated = database.migrate(SCRIPTS).await;
    let asked = database.one::<(i64,)>(IS_ENCRYPTED, params![]).await;
    assert_eq!(migrated.is_ok(), asked.is_ok(), "{url}: {migrated:?} {asked:?}");
    asked.map(|(count,)| count == 1)
}

#[actix_rt::test]
async fn the_way_to_the_server_is_as_its_url_says() {
    let (cluster, folder) = (Cluster::own(), Folder::new());
    let plain = cluster.database("encrypted");
    for (parameters, expected) in
        [("", true), ("?sslmode=prefer", true), ("?sslmode=require", false)]
    {
        let asked = is_encrypted(&format!("{plain}{parameters}")).await;
        match expected {
            true => assert!(!asked.unwrap(), "{parameters}: it cannot yet"),
            false => assert!(matches!(asked, Err(StoreError::Unavailable { .. })), "{parameters}"),
        }
    }

    encrypt(&cluster, &plain, &folder.0).await;
    let sealed = plain.replace("//busbar@", "//sealed@");
    let verified =
        |name: &str| format!("?sslmode=verify-full&sslrootcert={}", folder.0.join(name).display());
    for parameters in ["", "?sslmode=prefer", "?sslmode=require", &verified("ca.pem")] {
        let asked = is_encrypted(&format!("{sealed}{parameters}")).await;
        assert!(asked.unwrap(), "{parameters}");
    }
    for (url, why) in [
        (format!("{sealed}?sslmode=disable"), "no encryption"),
        (format!("{sealed}?sslmode=verify-full"), "certificate"),
        (format!("{sealed}?sslmode=verify-full&sslrootcert=system"), "certificate"),
        (format!("{sealed}{}", verified("stranger.pem")), "certificate"),
        (format!("{sealed}{}", verified("ca.pem")).replace("127.0.0.1", "localhost"), "localhost"),
    ] {
        let refused = is_encrypted(&url).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable { .. }), "{url}: {refused:?}");
        assert!(refused.to_string().contains(why), "{url}: {refused}");
    }
}

/// What was read along before is read along behind the encryption: nothing is due, and much was said.
#[actix_rt::test]
async fn an_encrypted_connection_is_kept() {
    let (cluster, folder) = (Cluster::own(), Folder::new());
    let plain = cluster.database("encrypted");
    encrypt(&cluster, &plain, &folder.0).await;
    let url = format!("{}?connection_limit=1", plain.replace("//busbar@", "//sealed@"));
    let database =
        Database::open("test", &Target::parse(&url, None).unwrap(), &Settings::default()).await;
    let database = database.unwrap();
    let backend = Statement::new("BACKEND", "SELECT CAST(pg_backend_pid() AS BIGINT) AS value");
    let first: (i64,) = database.one(backend, params![]).await.unwrap();
    for _ in 0..200 {
        database.ping(PATIENCE).await.unwrap();
    }
    assert_eq!(database.one::<(i64,)>(backend, params![]).await.unwrap(), first);
}
