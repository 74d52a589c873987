//! Who may come in.
//!
//! With a token, who shows it, from wherever. Without one the port is on loopback, and what must be kept
//! out are web pages that a person of this machine happens to have open: by `Host` those whose name
//! leads here by a trick, by `Origin` all others.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderValue, ORIGIN, USER_AGENT, WWW_AUTHENTICATE};
use busbar_http::Problem;
use busbar_http::caller::bearer;
use busbar_http::problem::kinds;
use sha2::{Digest, Sha256};

use crate::config::Secret;

use super::problem::{HOST_NOT_ALLOWED, ORIGIN_NOT_ALLOWED};

/// What is kept of what a client calls itself.
const AGENT_CHARACTERS_MAX: usize = 100;

/// See the module.
pub(super) struct Door {
    /// The digest of the token.
    token: Option<[u8; 32]>,
}

/// Who gave a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operator {
    pub(super) by: &'static str,
    /// The address that they came from.
    pub(super) from: String,
    /// What their program calls itself.
    pub(super) agent: String,
}

impl Door {
    pub(super) fn new(token: Option<&Secret>) -> Door {
        Door { token: token.map(|token| digest(token.expose())) }
    }

    /// Health is told to everybody.
    pub(super) fn ask(&self, request: &HttpRequest) -> Result<(), Problem> {
        if request.path().starts_with("/health") {
            return Ok(());
        }
        match &self.token {
            Some(token) => is_shown(request, token),
            None => is_of_this_machine(request),
        }
    }

    pub(super) fn operator(&self, request: &HttpRequest) -> Operator {
        let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Operator {
            by: if self.token.is_some() { "token" } else { "loopback" },
            from: peer(request),
            agent: agent.unwrap_or_default().chars().take(AGENT_CHARACTERS_MAX).collect(),
        }
    }
}

/// The address at the other end.
pub(super) fn peer(request: &HttpRequest) -> String {
    request.peer_addr().map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn is_shown(request: &HttpRequest, token: &[u8; 32]) -> Result<(), Problem> {
    let refused = |kind: busbar_http::Kind, challenge| {
        Err(kind.problem().header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
    };
    // Digests are compared: how long that takes says nothing about the token.
    match bearer(request) {
        Some(shown) if digest(shown) == *token => Ok(()),
        Some(_) => refused(kinds::TOKEN_INVALID, "Bearer error=\"invalid_token\""),
        None => refused(kinds::UNAUTHENTICATED, "Bearer"),
    }
}

fn is_of_this_machine(request: &HttpRequest) -> Result<(), Problem> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback(host) {
        return Err(HOST_NOT_ALLOWED.problem());
    }
    match request.headers().get(ORIGIN) {
        Some(origin) if origin.to_str().ok() != Some(&format!("http://{host}")) => {
            Err(ORIGIN_NOT_ALLOWED.problem())
        }
        _ => Ok(()),
    }
}

/// An address of loopback, or `localhost`, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn code(door: &Door, fields: &[(&'static str, &'static str)]) -> String {
        let request =
            fields.iter().fold(TestRequest::with_uri("/admin/services"), |request, field| {
                request.insert_header(*field)
            });
        match door.ask(&request.to_http_request()) {
            Ok(()) => String::new(),
            Err(problem) => problem.code().to_owned(),
        }
    }

    #[test]
    fn without_a_token_pages_of_other_places_are_kept_out() {
        let door = Door::new(None);
        for host in ["127.0.0.1:3009", "localhost:3009", "[::1]:3009", "127.0.0.1"] {
            assert_eq!(code(&door, &[("host", host)]), "", "{host}");
        }
        for host in ["busbar.example.org", "127.0.0.1.example.org:3009", "10.0.0.1:3009", ""] {
            assert_eq!(code(&door, &[("host", host)]), "host_not_allowed", "{host}");
        }
        let own = ("host", "127.0.0.1:3009");
        for origin in ["https://example.org", "null", "http://127.0.0.1:3000"] {
            assert_eq!(code(&door, &[own, ("origin", origin)]), "origin_not_allowed", "{origin}");
        }
        assert_eq!(code(&door, &[own, ("origin", "http://127.0.0.1:3009")]), "");
    }

    #[test]
    fn with_a_token_it_must_be_shown_on_loopback_too() {
        let door = Door::new(Some(&Secret::new("sixteen or more!")));
        let own = ("host", "127.0.0.1:3009");
        assert_eq!(code(&door, &[own]), "unauthenticated");
        assert_eq!(code(&door, &[own, ("authorization", "Bearer something")]), "token_invalid");
        let shown = ("authorization", "Bearer sixteen or more!");
        assert_eq!(code(&door, &[("host", "busbar.internal"), shown]), "");
    }

    #[test]
    fn health_is_told_to_everybody() {
        let door = Door::new(Some(&Secret::new("sixteen or more!")));
        assert!(door.ask(&TestRequest::with_uri("/health/live").to_http_request()).is_ok());
    }
}
