//! No room on the disk: told as such, and nobody else is troubled.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use busbar::types::ServiceName;

use super::desk::{Sending, beside, blobs, content, id_of, noise};
use crate::support::{Engine, TestSystem};

/// Files of 12 MiB at most where a block is 512 bytes, as POSIX has it; 24 MiB in other shells.
const BLOCKS: u32 = 24_576;

struct Limited(Child);

impl Drop for Limited {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The program, where no file can grow beyond a limit: as it is on a full disk, a write fails.
fn limited(system: &TestSystem) -> Limited {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/test.toml");
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"");
    let started = Command::new("/bin/sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_busbar"), "start", "--data", "data", "--config"])
        .arg(config)
        .env_clear()
        .envs(system.environment().iter().cloned())
        .current_dir(system.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Limited(started.unwrap())
}

async fn told(engine: Engine) {
    let system = TestSystem::prepare(engine);
    let running = limited(&system);
    system.ready(&ServiceName::ALL).await;
    let alice = system.person("alice").await;
    let small = Sending::plain("small.bin", noise(1_000, 1)).by(&alice).await.expect(201);

    let large = Sending::plain("large.bin", noise(25_900_000, 2)).by(&alice).await;
    assert_eq!(large.header("retry-after"), "5");
    large.expect_problem(507, "storage_full");
    assert_eq!(blobs(&system).len(), 1);
    system.eventually("nothing is left of it", async || beside(&system).is_empty()).await;

    assert_eq!(alice.get(&content(&id_of(&small))).await.body, noise(1_000, 1));
    let bill = system.issued_bill(&alice, 100).await;
    alice.get(&format!("/api/bills/{bill}")).await.expect(200);
    Sending::plain("next.bin", noise(1_000, 3)).by(&alice).await.expect(201);
    drop(running);
}

#[actix_web::test]
async fn a_full_disk_is_told_on_sqlite() {
    told(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_full_disk_is_told_on_postgres() {
    told(Engine::Postgres).await;
}
