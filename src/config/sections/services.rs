//! The nine services: where each listens, where the others find it, where its data is.
use crate::config::reader::{Parsed, Reader, list, number, optional, secret};
use crate::config::secret::Secret;
use crate::types::ServiceName;

use super::cores;
use super::place::Place;

const WORKERS_MAX: usize = 1_024;

/// One service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Where it listens.
    pub port: u16,
    /// Threads that answer its requests.
    pub workers: usize,
    /// Where its instances are found; never empty. The gateway's own is one too.
    pub urls: Vec<Place>,
    /// Its PostgreSQL database, or a `sqlite:` file elsewhere. `None`: a file in the data directory.
    pub database_url: Option<Secret>,
    /// The way to the same PostgreSQL past PgBouncer.
    pub direct_url: Option<Secret>,
}

/// All nine, hosted here or elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Services([Service; ServiceName::ALL.len()]);

impl Services {
    pub(in crate::config) fn read(from: &mut Reader<'_>) -> Self {
        Services(ServiceName::ALL.map(|name| Service::read(from, name)))
    }

    pub fn get(&self, name: ServiceName) -> &Service {
        &self.0[name as usize]
    }
}

impl Service {
    fn read(from: &mut Reader<'_>, name: ServiceName) -> Self {
        let section = format!("services.{name}");
        let port = from.read(&section, "port", number(1..=u16::MAX));
        let workers = match from.read(&section, "workers", number(0..=WORKERS_MAX)) {
            0 if name == ServiceName::Gateway => cores(),
            workers => workers.max(1),
        };
        let mut service =
            Service { port, workers, urls: Vec::new(), database_url: None, direct_url: None };
        if name.is_domain() {
            service.urls = from.read(&section, "urls", list(instance));
            service.database_url = from.read(&section, "database_url", optional(secret));
            service.direct_url = from.read(&section, "direct_url", optional(secret));
        }
        if service.urls.is_empty() {
            // Not `localhost`: that may be tried over IPv6 first.
            service.urls.extend(format!("http://127.0.0.1:{port}").parse());
        }
        service
    }
}

/// Instances: scheme, host and port only.
fn instance(text: &str) -> Parsed<Place> {
    let place = text.parse().ok().filter(|place: &Place| place.url().as_url().path() == "/");
    place.ok_or_else(|| {
        "an address such as http://10.0.0.7:3002, or dns+http://payments:3002 for every address \
         of that name, without credentials and path"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_plain_http_address() {
        assert!(instance("http://payments:3002").is_ok() && instance("http://[::1]:3002/").is_ok());
        assert!(instance("dns+http://payments:3002").is_ok());
        for bad in [
            "dns+http://x:1/base",
            "https://x:1",
            "http://u:p@x:1",
            "http://x:1/base",
            "http://x:1?a",
            "payments:3002",
        ] {
            assert!(instance(bad).is_err(), "{bad}");
        }
    }
}
