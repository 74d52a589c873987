//! `If-Match`: a change is asked for only if the resource is still as the client saw it
//! (RFC 9110 section 13.1.1). Entity tags here are versions: `"v3"`.

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, IF_MATCH};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{Ready, ok};

use crate::problem::{Problem, kinds};

/// The versions that the client will change; without the header, or with `*`, any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    Any,
    /// What is no entity tag of ours matches nothing, so the list may be empty.
    Versions(Vec<i64>),
}

impl IfMatch {
    /// 412 unless the client knows this version.
    pub fn require(&self, version: i64) -> Result<(), Problem> {
        match self {
            IfMatch::Any => Ok(()),
            IfMatch::Versions(known) if known.contains(&version) => Ok(()),
            IfMatch::Versions(_) => Err(version_mismatch(version)),
        }
    }

    fn of_headers(headers: &HeaderMap) -> IfMatch {
        let lines = headers.get_all(IF_MATCH).map(|line| line.to_str().unwrap_or_default());
        let tags: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        if tags.is_empty() || tags.contains(&"*") {
            return IfMatch::Any;
        }
        IfMatch::Versions(tags.into_iter().filter_map(version_of).collect())
    }
}

/// The refusal of a change to a version that is no longer the current one.
pub fn version_mismatch(current: i64) -> Problem {
    kinds::VERSION_MISMATCH.problem().with("current_version", current)
}

/// Only strong tags: a weak one may stand for another representation.
fn version_of(tag: &str) -> Option<i64> {
    tag.strip_prefix("\"v")?.strip_suffix('"')?.parse().ok()
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ok(IfMatch::of_headers(request.headers()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn allows(header: Option<&str>, version: i64) -> bool {
        let request = header
            .into_iter()
            .fold(TestRequest::get(), |request, value| request.insert_header((IF_MATCH, value)));
        IfMatch::of_headers(request.to_http_request().headers()).require(version).is_ok()
    }

    #[test]
    fn only_a_known_version_may_be_changed() {
        for (header, version, is_allowed) in [
            (None, 7, true),
            (Some("*"), 7, true),
            (Some("\"v7\""), 7, true),
            (Some("\"v6\", \"v7\""), 7, true),
            (Some("\"v6\""), 7, false),
            (Some("W/\"v7\""), 7, false),
            (Some("v7"), 7, false),
            (Some(""), 7, false),
        ] {
            assert_eq!(allows(header, version), is_allowed, "{header:?}");
        }
        let problem = IfMatch::Versions(vec![1]).require(2).unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (412, "version_mismatch"));
    }
}
