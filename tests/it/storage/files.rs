//! A SQLite file belongs to one process, and to its owner.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use busbar::storage::{Database, Durability, Settings, Statement, StoreError, Target, params};

use super::{Bench, Engine, Folder, account, opened};

const FILE: &str = "BUSBAR_TEST_OPEN_FILE";

/// Not a test of its own: the second process of the next one.
#[actix_rt::test]
async fn opens_the_file_of_another_process() {
    let Ok(file) = std::env::var(FILE) else { return };
    let opened = Database::open("test", &Target::Sqlite(file.into()), &Settings::default()).await;
    println!("\nsecond: {:?}", opened.err().map(|error| error.to_string()));
}

fn second_process(file: &std::path::Path) -> String {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "storage::files::opens_the_file_of_another_process", "--nocapture"])
        .env(FILE, file)
        .output()
        .unwrap();
    let told = String::from_utf8(child.stdout).unwrap();
    told.lines().find(|line| line.starts_with("second: ")).unwrap_or(&told).to_owned()
}

/// Two processes on one file are refused, for as long as the first one lives; a second opening in
/// the same process, as during a planned restart, is not.
#[actix_rt::test]
async fn a_file_belongs_to_one_process() {
    let folder = Folder::new();
    let file = folder.0.join("own.sqlite3");
    assert_eq!(second_process(&file), "second: None");

    let target = Target::Sqlite(file.clone());
    let first = opened(&target, &Settings::default()).await;
    let second = opened(&target, &Settings::default()).await;
    let refused = second_process(&file);
    assert!(refused.contains("own.sqlite3: another process uses it"), "{refused}");
    first.close().await;
    second.close().await;
    drop((first, second));
    let between_generations = second_process(&file);
    assert!(between_generations.contains("another process uses it"), "{between_generations}");
}

/// The file and its folder hold accounts: nobody else may read them.
#[actix_rt::test]
async fn a_new_file_is_private() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let target = Target::file(&data, "users");
    let bench = opened(&target, &Settings::default()).await;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for name in ["users.sqlite3", "users.sqlite3-wal", "users.sqlite3-shm"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    bench.close().await;
}

/// Money and accounts wait for the disk, other services do not; keys are checked either way.
#[actix_rt::test]
async fn each_connection_is_set_up() {
    for (durability, synchronous) in [(Durability::Full, 2), (Durability::Normal, 1)] {
        let settings = Settings { durability, ..Settings::default() };
        let bench = Bench::with(Engine::Sqlite, settings).await;
        for (name, expected) in [("synchronous", synchronous), ("foreign_keys", 1)] {
            let text: &'static str = match name {
                "synchronous" => "SELECT synchronous AS value FROM pragma_synchronous",
                _ => "SELECT foreign_keys AS value FROM pragma_foreign_keys",
            };
            let statement = Statement::new("PRAGMA", text);
            let (reader,): (i64,) = bench.database.one(statement, params![]).await.unwrap();
            let writer =
                bench.database.transaction(async |tx| tx.one::<(i64,)>(statement, params![]).await);
            assert_eq!((reader, writer.await.unwrap().0), (expected, expected), "{name}");
        }
    }
}

/// A change does not get in through the readers.
#[actix_rt::test]
async fn readers_cannot_write() {
    let bench = Bench::new(Engine::Sqlite).await;
    bench.add_accounts(&[account("alice", 1)]).await;
    let sneaky = bench.database.all::<super::Account>(super::ADD, params!["alice", 1]).await;
    assert!(matches!(sneaky, Err(StoreError::Other { .. })), "{sneaky:?}");
}

/// A file that cannot be made says which.
#[actix_rt::test]
async fn a_file_that_cannot_be_made_is_named() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("data"), "not a folder").unwrap();
    let target = Target::file(&folder.0.join("data"), "users");
    let Err(error) = Database::open("users", &target, &Settings::default()).await else {
        panic!("a file inside of a file");
    };
    assert!(matches!(error, StoreError::Unavailable { .. }));
    assert!(error.to_string().contains("data/users.sqlite3"), "{error}");
}

/// The locks of this process on a file, as the kernel has them.
fn locks(path: &std::path::Path) -> usize {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{}", std::fs::metadata(path).unwrap().ino());
    let own = std::process::id().to_string();
    let all = std::fs::read_to_string("/proc/locks").unwrap();
    let is_own = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.contains(&"POSIX")
            && words.contains(&own.as_str())
            && words.iter().any(|word| word.ends_with(&inode))
    };
    all.lines().filter(is_own).count()
}

/// Who opens a database again, and closes it, takes no lock from who has it open: another program would
/// clear its write-ahead log away.
#[actix_rt::test]
async fn a_database_that_is_opened_again_keeps_its_locks() {
    let folder = Folder::new();
    let path = folder.0.join("test.sqlite3");
    let target = Target::Sqlite(path.clone());
    let first = opened(&target, &Settings::default()).await;
    let held = locks(&path);
    assert!(held > 0, "SQLite holds one as long as it is open");
    let second = Database::open("test", &target, &Settings::default()).await.unwrap();
    assert!(locks(&path) >= held);
    second.close().await;
    assert!(locks(&path) >= held);
    first.close().await;
}

/// What is written to a file that has no name any more is lost with the process: no more is taken, and
/// nobody begins with an empty one in its place.
#[actix_rt::test]
async fn a_file_that_is_gone_takes_no_more_and_is_not_begun_anew() {
    let bench = Bench::new(Engine::Sqlite).await;
    bench.add_accounts(&[account("alice", 1)]).await;
    let (Target::Sqlite(file), settings) = (&bench.target, &bench.settings) else {
        panic!("a file");
    };
    let aside = file.with_extension("aside");
    let add = async |id: &str| {
        let added = bench.database.transaction(async |tx| super::insert(tx, &account(id, 1)).await);
        added.await
    };

    std::fs::rename(file, &aside).unwrap();
    let refused = add("bob").await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains("is not where it was opened"), "{refused}");
    let begun = Database::open("test", &bench.target, settings).await.err().unwrap();
    assert!(begun.to_string().contains("was there before, and is gone"), "{begun}");
    assert!(!file.exists());

    std::fs::write(file, "").unwrap();
    let refused = add("bob").await.unwrap_err();
    assert!(refused.to_string().contains("is another file"), "{refused}");

    std::fs::rename(&aside, file).unwrap();
    assert_eq!(add("bob").await.unwrap(), 1);
}
