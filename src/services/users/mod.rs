//! Users (3001): accounts, logins, and the tokens that every other service believes.
//!
//! An access token is good for minutes and is verified anywhere by the key set; this service also
//! looks up its session, so that a session that has ended is over here at once. The gateway asks for
//! those that have ended (`ended`) and refuses their tokens before any other service, which knows
//! the keys only, sees them.
//!
//! Refresh tokens, device cookies and proofs of an address are derived from the service's one
//! secret (`keys`), so nothing that is worth stealing is stored.

mod client;
mod events;
mod first_run;
mod handlers;
mod hasher;
mod keys;
mod lockout;
mod meters;
mod model;
mod password;
mod problem;
mod refresh;
mod store;
mod upkeep;

use std::sync::Arc;

use busbar_http::caller::Verifier;
use busbar_http::headers::Cidr;
use busbar_http::{Kind, Metrics, Problem, Routes, about};

use crate::agreed::OwnKey;
use crate::config;
use crate::events::Event;
use crate::jobs;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, ServiceName};

use self::handlers::{
    administration, contact, ended, login, reset, session, token, user, verification,
};
use self::hasher::Hasher;
use self::keys::Keys;
use self::lockout::Schedule;
use self::meters::Meters;
use self::model::ended::Endings;
use self::model::reset::{Forgot, Forgotten, PasswordReset, ResetMail};
use self::model::session::{Login, Refresh, SessionView, Tokens};
use self::model::user::{
    Contact, NewUser, PasswordChange, Profile, ProfileChange, RoleChange, User,
};
use self::model::verification::{Proof, Resend, Resent, VerificationMail};

pub use self::first_run::Administrator;

const PAGE: &[(&str, &str)] = &[("limit", "1 to 100"), ("cursor", "`next_cursor` of a page")];
const USERS: &[(&str, &str)] = &[
    ("email", "exactly this address"),
    ("status", "only these"),
    ("limit", "1 to 100"),
    ("cursor", "`next_cursor` of a page"),
];

/// What the service needs to know.
#[derive(Clone)]
pub struct Settings {
    pub section: config::Users,
    /// All keys of the service are made from it. Several instances share it.
    pub secret: OwnKey,
    /// Proxies before the gateway.
    pub trusted_proxies: Vec<Cidr>,
    /// Hears of the administrator that a first run has made.
    pub announce: Arc<dyn Fn(Administrator) + Send + Sync>,
}

/// The users service.
pub struct Users {
    database: Database,
    clock: Clock,
    section: config::Users,
    trusted_proxies: Vec<Cidr>,
    keys: Keys,
    /// Knows the service's own keys; nothing is fetched.
    verifier: Verifier,
    hasher: Arc<Hasher>,
    schedule: Schedule,
    meters: Meters,
}

impl Service for Users {
    const NAME: ServiceName = ServiceName::Users;
    const IS_DURABLE: bool = true;
    const MIGRATIONS: &'static [Script] = &[
        Script {
            version: 100,
            name: "users/0100_init",
            text: include_str!("../../../migrations/users/0100_init.sql"),
        },
        Script {
            version: 101,
            name: "users/0101_password_resets",
            text: include_str!("../../../migrations/users/0101_password_resets.sql"),
        },
        Script {
            version: 102,
            name: "users/0102_ended",
            text: include_str!("../../../migrations/users/0102_ended.sql"),
        },
    ];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Users, OpenError> {
        let Setup { database, clock, settings, .. } = setup;
        let keys = Keys::derive(&settings.secret.agreed(&database, &clock).await?)?;
        let hasher = Arc::new(Hasher::new(&settings.section)?);
        let users = Users {
            verifier: keys.verifier(clock.clone()),
            schedule: Schedule::from(&settings.section.lockout),
            meters: Meters::new(&hasher)?,
            section: settings.section,
            trusted_proxies: settings.trusted_proxies,
            database,
            clock,
            keys,
            hasher,
        };
        if let Some(administrator) = first_run::found(&users).await? {
            (settings.announce)(administrator);
        }
        upkeep::begin(&users).await?;
        Ok(users)
    }

    fn routes() -> Routes {
        accounts().and(logins()).and(Routes::new().get(
            "/.well-known/jwks.json",
            about("The keys that verify access tokens").public(),
            token::jwks,
        ))
    }

    fn jobs(self: &Arc<Self>) -> jobs::Handlers {
        upkeep::handlers(self)
    }

    async fn on_event(&self, _: &mut Transaction<'_>, _: &Event) -> Result<(), Problem> {
        Ok(())
    }

    fn measure(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        self.meters.register(metrics)
    }

    fn problems() -> &'static [Kind] {
        problem::PROBLEMS
    }

    fn statements() -> Vec<&'static [Statement]> {
        store::statements()
    }
}

fn accounts() -> Routes {
    Routes::new()
        .post(
            "/users",
            about("Sign up").public().takes::<NewUser>().creates::<User>(),
            user::register,
        )
        .get("/users", about("List users").staff().lists::<User>().query(USERS), user::list)
        .get("/users/me", about("Show oneself").gives::<User>(), user::me)
        .get("/users/{id}", about("Show a user").gives::<User>(), user::show)
        .put(
            "/users/{id}",
            about("Replace a profile").takes::<Profile>().gives::<User>(),
            user::replace,
        )
        .patch(
            "/users/{id}",
            about("Change a profile").takes::<ProfileChange>().gives::<User>(),
            user::update,
        )
        .put(
            "/users/{id}/roles",
            about("Give a role; access tokens that say another one end, the session goes on")
                .admin()
                .takes::<RoleChange>()
                .gives::<User>(),
            administration::give_role,
        )
        .post(
            "/users/{id}/suspend",
            about("End all sessions and reset codes, and let in nobody").admin().gives::<User>(),
            administration::suspend,
        )
        .post(
            "/users/{id}/reactivate",
            about("Let in a suspended user again").admin().gives::<User>(),
            administration::reactivate,
        )
        .post(
            "/users/{id}/unlock",
            about("Forget wrong passwords").admin().gives::<User>(),
            administration::unlock,
        )
        .get(
            "/internal/users/{id}/contact",
            about("What a letter to a user needs").internal().gives::<Contact>(),
            contact::show,
        )
        .get(
            "/internal/users/{id}/verification",
            about("What the mail to a user needs").internal().gives::<VerificationMail>(),
            verification::mail,
        )
        .get(
            "/internal/users/{id}/password-reset",
            about("What the mail to a user needs").internal().gives::<ResetMail>(),
            reset::mail,
        )
        .get(
            "/internal/sessions/ended",
            about("Sessions that have ended, and withdrawn tokens, for the gateway")
                .internal()
                .gives::<Endings>()
                .query(&[("after", "`resume` of the answer before")]),
            ended::list,
        )
}

fn logins() -> Routes {
    Routes::new()
        .post(
            "/auth/login",
            about("Log in").public().takes::<Login>().gives::<Tokens>(),
            login::login,
        )
        .post(
            "/auth/refresh",
            about("Get the next pair of tokens").public().takes::<Refresh>().gives::<Tokens>(),
            token::refresh,
        )
        .post("/auth/logout", about("End this session").status(204), session::logout)
        .get(
            "/auth/sessions",
            about("List one's sessions").lists::<SessionView>().query(PAGE),
            session::list,
        )
        .delete(
            "/auth/sessions",
            about("End one's sessions")
                .status(204)
                .query(&[("except", "`current`: all but this one")]),
            session::end_all,
        )
        .delete("/auth/sessions/{id}", about("End one of one's sessions").status(204), session::end)
        .post(
            "/auth/password/change",
            about("Change the password; ends the other sessions")
                .takes::<PasswordChange>()
                .status(204),
            handlers::password::change,
        )
        .post(
            "/auth/password/forgot",
            about("Ask for a mail with a code to choose a new password with; one a minute")
                .public()
                .takes::<Forgot>()
                .gives::<Forgotten>()
                .status(202),
            reset::forgot,
        )
        .post(
            "/auth/password/reset",
            about("Choose a new password with a code; ends all sessions")
                .public()
                .takes::<PasswordReset>()
                .status(204),
            reset::reset,
        )
        .post(
            "/auth/email/verify",
            about("Prove an address").public().takes::<Proof>().gives::<User>(),
            verification::verify,
        )
        .post(
            "/auth/email/resend",
            about("Ask for another mail").public().takes::<Resend>().gives::<Resent>().status(202),
            verification::resend,
        )
}
