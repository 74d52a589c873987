//! Each test of the whole runs on both engines.

use busbar::types::ServiceName;

use super::TestSystem;

/// Where the services keep their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Makes a test for each engine: `both_engines! { async fn name(system: TestSystem) { … } }`.
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($system:ident: TestSystem) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn check($system: $crate::support::TestSystem) $body

            #[actix_web::test]
            async fn sqlite() {
                let system = $crate::support::TestSystem::start($crate::support::Engine::Sqlite).await;
                check(system.clone()).await;
                system.finish().await;
            }

            #[actix_web::test]
            async fn postgres() {
                let system =
                    $crate::support::TestSystem::start($crate::support::Engine::Postgres).await;
                check(system.clone()).await;
                system.finish().await;
            }
        }
    )+ };
}
pub(crate) use both_engines;

impl TestSystem {
    /// Where a service keeps its data, on PostgreSQL.
    pub(crate) fn database_url(&self, name: ServiceName) -> String {
        let variable = format!("{}_DATABASE_URL", name.variable_prefix());
        let found = self.environment().iter().find(|(name, _)| *name == variable);
        found.expect("a system on PostgreSQL").1.clone()
    }
}
