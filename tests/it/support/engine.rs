//! Each test of the whole runs on both engines.

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
