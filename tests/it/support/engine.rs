//! Each test of the whole runs on both engines.

use busbar::types::ServiceName;

use super::{TestSystem, postgres};

/// What a bill needs to be issued and paid.
pub(crate) const MONEY: [ServiceName; 4] =
    [ServiceName::Users, ServiceName::Payments, ServiceName::Billing, ServiceName::Utilities];

/// Where the services keep their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Makes a test for each engine: `both_engines! { async fn name(system: TestSystem) { … } }`. Whose
/// story needs a few services only says which: `both_engines! { with &[Users]; async fn … }`; starting
/// all nine is most of what a test costs.
macro_rules! both_engines {
    (with $services:expr; $($(#[$meta:meta])* async fn $name:ident($system:ident: TestSystem) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn check($system: $crate::support::TestSystem) $body

            #[actix_web::test]
            async fn sqlite() {
                $crate::support::Engine::Sqlite.run($services, check).await;
            }

            #[actix_web::test]
            async fn postgres() {
                $crate::support::Engine::Postgres.run($services, check).await;
            }
        }
    )+ };
    ($($tests:tt)+) => {
        $crate::support::both_engines! { with &busbar::types::ServiceName::ALL; $($tests)+ }
    };
}
pub(crate) use both_engines;

impl Engine {
    /// What a test of `both_engines` is: a system of these services and a gateway, the story, its end.
    pub(crate) async fn run(self, services: &[ServiceName], story: impl AsyncFnOnce(TestSystem)) {
        self.run_with(services, &[], story).await;
    }

    /// As `run`, with further variables.
    pub(crate) async fn run_with(
        self,
        services: &[ServiceName],
        more: &[(&str, &str)],
        story: impl AsyncFnOnce(TestSystem),
    ) {
        let system = TestSystem::hosting(self, services);
        system.launch_with(more).await;
        story(system.clone()).await;
        system.finish().await;
    }
}

impl TestSystem {
    /// Ports, folder and databases; nothing runs yet.
    pub(crate) fn prepare(engine: Engine) -> TestSystem {
        TestSystem::hosting(engine, &ServiceName::ALL)
    }

    /// The same for these services and the gateway only.
    pub(crate) fn hosting(engine: Engine, services: &[ServiceName]) -> TestSystem {
        match engine {
            Engine::Sqlite => TestSystem::with_databases(services, |_| None),
            Engine::Postgres => {
                let schema = postgres::copy();
                TestSystem::with_databases(services, |name| Some(schema(name)))
            }
        }
    }

    /// As `prepare`, and on PostgreSQL each has a database of its own, which is still empty.
    pub(crate) fn prepare_apart(engine: Engine) -> TestSystem {
        let is_server = engine == Engine::Postgres;
        let database = |name: ServiceName| is_server.then(|| postgres::database(name.as_str()));
        TestSystem::with_databases(&ServiceName::ALL, database)
    }

    pub(crate) fn engine(&self) -> Engine {
        let is_server = self.environment().iter().any(|(name, _)| name.ends_with("_DATABASE_URL"));
        if is_server { Engine::Postgres } else { Engine::Sqlite }
    }

    /// Where a service keeps its data, on PostgreSQL.
    pub(crate) fn database_url(&self, name: ServiceName) -> String {
        let variable = format!("{}_DATABASE_URL", name.variable_prefix());
        let found = self.environment().iter().find(|(name, _)| *name == variable);
        found.expect("a system on PostgreSQL").1.clone()
    }
}
