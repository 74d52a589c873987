//! Where a service's database is: what is understood in its URL, what is translated, what is refused.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use super::Settings;
use super::encryption::Encryption;

const PORT: u16 = 5432;
const UNDERSTOOD: &str = "schema, connection_limit, pool_timeout, connect_timeout, pgbouncer, sslmode, sslrootcert, \
     application_name";

/// Where a service's database is. Shown without its password.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    Sqlite(PathBuf),
    Postgres(Box<PostgresTarget>),
}

/// A PostgreSQL database, perhaps with PgBouncer before it.
#[derive(Debug, Clone, PartialEq)]
pub struct PostgresTarget {
    pub(super) server: Server,
    /// The way around PgBouncer, for migrations.
    pub(super) direct: Option<Server>,
    overrides: Overrides,
}

/// How one server is reached.
#[derive(Clone, PartialEq)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) database: String,
    pub(super) schema: Option<String>,
    pub(super) application_name: Option<String>,
    pub(super) encryption: Encryption,
}

/// What the URL says about the pool; it wins over the settings.
#[derive(Debug, Clone, Default, PartialEq)]
struct Overrides {
    connection_limit: Option<u32>,
    pool_timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    use_pgbouncer: Option<bool>,
}

/// What is wrong with a database URL, without its password.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct UrlFault(String);

impl Target {
    /// The SQLite file of a service in the data directory.
    pub fn file(data: &Path, service: &str) -> Target {
        Target::Sqlite(data.join(format!("{service}.sqlite3")))
    }

    /// Reads `sqlite:PATH` or `postgresql://user:password@host:port/database?…`, and the URL that
    /// leads around PgBouncer, if there is one.
    pub fn parse(text: &str, direct: Option<&str>) -> Result<Target, UrlFault> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return sqlite_path(path).map(Target::Sqlite);
        }
        let (server, overrides) = server(text)?;
        let direct = direct.map(self::server).transpose()?.map(|(server, _)| server);
        Ok(Target::Postgres(Box::new(PostgresTarget { server, direct, overrides })))
    }

    /// The settings with what the URL says put over them.
    pub fn settings(&self, settings: &Settings) -> Settings {
        let Target::Postgres(postgres) = self else { return settings.clone() };
        let said = &postgres.overrides;
        Settings {
            connection_limit: said.connection_limit.unwrap_or(settings.connection_limit),
            pool_timeout: said.pool_timeout.unwrap_or(settings.pool_timeout),
            connect_timeout: said.connect_timeout.unwrap_or(settings.connect_timeout),
            use_pgbouncer: said.use_pgbouncer.unwrap_or(settings.use_pgbouncer),
            ..settings.clone()
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Sqlite(path) => write!(f, "{}", path.display()),
            Target::Postgres(postgres) => write!(f, "{}", postgres.server),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgresql://{}:{}/{}", self.host, self.port, self.database)?;
        self.schema.as_ref().map_or(Ok(()), |schema| write!(f, "?schema={schema}"))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({self})")
    }
}

fn fault<T>(what: impl Into<String>) -> Result<T, UrlFault> {
    Err(UrlFault(what.into()))
}

fn sqlite_path(path: &str) -> Result<PathBuf, UrlFault> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains(":memory:") {
        return fault("a SQLite database is a file: write sqlite:data/users.sqlite3");
    }
    match path.split_once('?') {
        Some((_, parameters)) => {
            fault(format!("a SQLite path takes no parameters, found `{parameters}`"))
        }
        None => Ok(PathBuf::from(path)),
    }
}

fn server(text: &str) -> Result<(Server, Overrides), UrlFault> {
    // The parser's errors do not repeat the text, so no password gets out with them.
    let url = Url::parse(text).or_else(|error| fault(format!("not a URL: {error}")))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        let scheme = url.scheme();
        return fault(format!("`{scheme}:` is not known; use postgresql:// or sqlite:"));
    }
    let mut server = Server {
        host: decoded("host", url.host_str().unwrap_or_default())?,
        port: url.port().unwrap_or(PORT),
        user: decoded("user", url.username())?,
        password: url.password().map(|password| decoded("password", password)).transpose()?,
        database: decoded("database", url.path().trim_start_matches('/'))?,
        schema: None,
        application_name: None,
        encryption: Encryption::default(),
    };
    server.host = server.host.trim_matches(['[', ']']).to_owned();
    for (part, value) in
        [("host", &server.host), ("user", &server.user), ("database", &server.database)]
    {
        if value.is_empty() {
            return fault(format!("the URL names no {part}"));
        }
    }
    let mut overrides = Overrides::default();
    for (name, value) in url.query_pairs() {
        parameter(&mut server, &mut overrides, &name, &value)?;
    }
    server.encryption.check().or_else(fault)?;
    Ok((server, overrides))
}

fn decoded(part: &str, text: &str) -> Result<String, UrlFault> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => fault(format!("the {part} is not UTF-8")),
    }
}

fn parameter(
    server: &mut Server,
    overrides: &mut Overrides,
    name: &str,
    value: &str,
) -> Result<(), UrlFault> {
    match name {
        "schema" => server.schema = Some(schema(value)?),
        "application_name" => server.application_name = Some(value.to_owned()),
        "connection_limit" => match whole(name, value)? {
            0 => return fault("connection_limit=0: at least one connection is needed"),
            limit => overrides.connection_limit = Some(limit),
        },
        "pool_timeout" => overrides.pool_timeout = Some(seconds(name, value)?),
        "connect_timeout" => overrides.connect_timeout = Some(seconds(name, value)?),
        "pgbouncer" => overrides.use_pgbouncer = Some(flag(name, value)?),
        "sslmode" => server.encryption.set_mode(value).or_else(fault)?,
        "sslrootcert" => server.encryption.set_roots(value).or_else(fault)?,
        _ => return fault(format!("parameter `{name}` is not known; there are {UNDERSTOOD}")),
    }
    Ok(())
}

/// Plain names only: the schema becomes part of `search_path`.
fn schema(value: &str) -> Result<String, UrlFault> {
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit();
    if value.is_empty() || value.as_bytes()[0].is_ascii_digit() || !value.bytes().all(plain) {
        return fault(format!("schema={value}: only a-z, 0-9 and _, no digit first"));
    }
    Ok(value.to_owned())
}

fn whole(name: &str, value: &str) -> Result<u32, UrlFault> {
    value.parse().or_else(|_| fault(format!("{name}={value}: a whole number is needed")))
}

fn seconds(name: &str, value: &str) -> Result<Duration, UrlFault> {
    whole(name, value).map(|seconds| Duration::from_secs(seconds.into()))
}

fn flag(name: &str, value: &str) -> Result<bool, UrlFault> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => fault(format!("{name}={value}: true or false is needed")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn postgres(text: &str) -> PostgresTarget {
        match Target::parse(text, None).unwrap() {
            Target::Postgres(target) => *target,
            other => unreachable!("{other}"),
        }
    }

    #[test]
    fn the_url_wins_over_the_settings() {
        let text = "postgresql://u:p@db:6432/users?schema=public&connection_limit=3\
                    &pool_timeout=0&connect_timeout=2&pgbouncer=true&sslmode=prefer";
        let settings = Target::parse(text, None).unwrap().settings(&Settings::default());
        assert_eq!(settings.connection_limit, 3);
        assert_eq!(settings.pool_timeout, Duration::ZERO);
        assert_eq!(settings.connect_timeout, Duration::from_secs(2));
        assert!(settings.use_pgbouncer);
        let silent = Target::parse("postgres://u@db/users", None).unwrap();
        assert_eq!(silent.settings(&settings), settings);
    }

    #[test]
    fn passwords_are_read_whole_and_never_shown() {
        let target = postgres("postgres://u%40x:s%2Fcr%3Ft@[::1]/users?schema=app");
        assert_eq!(target.server.user, "u@x");
        assert_eq!(target.server.password.as_deref(), Some("s/cr?t"));
        assert_eq!((target.server.host.as_str(), target.server.port), ("::1", 5432));
        let shown = format!("{target:?} {}", Target::Postgres(Box::new(target.clone())));
        assert!(!shown.contains("s/cr") && !shown.contains("s%2F"), "{shown}");
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (text, part) in [
            ("postgres://u:secret@db/x?socket_timeout=3", "`socket_timeout`"),
            ("postgres://u:secret@db/x?sslmode=verify-ca", "sslmode=verify-ca"),
            ("postgres://u:secret@db/x?sslmode=require&sslrootcert=/ca.pem", "/ca.pem"),
            ("postgres://u:secret@db/x?sslrootcert=/nowhere.pem", "sslrootcert=/nowhere.pem"),
            ("postgres://u:secret@db/x?sslrootcert=Cargo.toml", "no certificates"),
            ("postgres://u:secret@db/x?sslcert=own.pem", "`sslcert`"),
            ("postgres://u:secret@db/x?schema=a,b", "schema"),
            ("postgres://u:secret@db/x?connection_limit=0", "connection_limit"),
            ("postgres://u:secret@db/x?pool_timeout=soon", "pool_timeout"),
            ("postgres://u:secret@db/x?pgbouncer=yes", "pgbouncer"),
            ("postgres://u:secret@db", "database"),
            ("postgres://:secret@db/x", "user"),
            ("postgres://u:secret@db:port/x", "port"),
            ("mysql://u:secret@db/x", "`mysql:`"),
            ("users.sqlite3", "not a URL"),
            ("sqlite::memory:", "file"),
            ("sqlite:users.sqlite3?mode=ro", "mode=ro"),
        ] {
            let fault = Target::parse(text, None).unwrap_err().to_string();
            assert!(fault.contains(part) && !fault.contains("secret"), "{text}: {fault}");
        }
    }

    #[test]
    fn sqlite_paths_are_taken_as_they_are() {
        for (text, path) in [
            ("sqlite:data/a.sqlite3", "data/a.sqlite3"),
            ("sqlite://data/a.sqlite3", "data/a.sqlite3"),
            ("sqlite:///srv/a.sqlite3", "/srv/a.sqlite3"),
            ("sqlite:/srv/a.sqlite3", "/srv/a.sqlite3"),
        ] {
            assert_eq!(Target::parse(text, None).unwrap(), Target::Sqlite(path.into()));
        }
    }
}
