//! When a setting takes effect that was changed in a running process.
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::ServiceName;

/// Who has to begin anew before a changed setting holds. In the order of how much that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nobody: whoever needs it looks at it each time.
    AtOnce,
    /// The services that read it, one by one: each incarnation is built from what holds then.
    Service,
    /// The whole process.
    Process,
}

/// Who reads a setting besides those that look at it each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    Nobody,
    /// Whoever is in the key: `services.users.port`.
    Named,
    One(ServiceName),
    /// The services behind the gateway.
    Domain,
    /// These and the gateway.
    Every,
    Process,
}

use Readers::{Domain, Every, Named, Nobody, One, Process};
use ServiceName::{Analytics, Billing, Documents, Notifications, Payments, Users, Webhooks};

/// What a key begins with, whether it is looked at each time, and who else reads it. The first
/// that fits holds.
const RULES: [(&str, bool, Readers); 36] = [
    ("process.public_url", false, One(Notifications)),
    ("process.", false, Process),
    ("server.shutdown_delay_ms", true, Nobody),
    ("server.client_request_timeout_ms", false, Every),
    ("server.body_bytes_max", false, Every),
    // How long connections are kept is agreed between the gateway and the services.
    ("server.", false, Process),
    ("gateway.keep_alive_ms", false, Process),
    ("gateway.max_latency_samples", false, Process),
    ("gateway.connect_timeout_ms", true, Domain),
    ("gateway.trusted_proxies", true, One(Users)),
    ("gateway.", true, Nobody),
    ("services.", false, Named),
    ("database.", false, Domain),
    ("users.", false, One(Users)),
    ("payments.", false, One(Payments)),
    ("billing.", false, One(Billing)),
    ("notifications.", false, One(Notifications)),
    // The gateway lets documents pass within the same bounds.
    ("documents.upload_bytes_max", true, One(Documents)),
    ("documents.transfer_seconds", true, One(Documents)),
    ("documents.", false, One(Documents)),
    ("analytics.", false, One(Analytics)),
    ("webhooks.", false, One(Webhooks)),
    ("events.", false, Domain),
    ("jobs.", false, Domain),
    ("requests.", false, Domain),
    ("supervision.", false, Process),
    ("health.", false, Process),
    ("metrics.", false, Process),
    ("log.", true, Nobody),
    ("keys.users_key_file", false, One(Users)),
    ("keys.documents_key_file", false, One(Documents)),
    ("keys.webhooks_key_file", false, One(Webhooks)),
    ("keys.", false, Process),
    ("faults.", false, Process),
    ("admin.", false, Process),
    ("", false, Process),
];

/// What belongs to a service and cannot change while it has its supervisor, or while others know it.
const FIXED: [&str; 2] = [".port", ".urls"];

fn rule(key: &str) -> (bool, Readers) {
    let rule = RULES.iter().find(|(start, ..)| key.starts_with(start));
    rule.map_or((false, Process), |(_, at_once, readers)| (*at_once, *readers))
}

/// Whether somebody looks at it each time.
pub(super) fn is_at_once(key: &str) -> bool {
    rule(key).0
}

/// Whether nothing but a new process changes it.
pub(super) fn is_of_process(key: &str) -> bool {
    effect(key) == Effect::Process
}

/// Whether the incarnations of a service are built from it.
pub(super) fn is_of(key: &str, service: ServiceName) -> bool {
    if is_of_process(key) {
        return false;
    }
    match rule(key).1 {
        Nobody | Process => false,
        One(one) => one == service,
        Named => key.split('.').nth(1) == Some(service.as_str()),
        Domain => service.is_domain(),
        Every => true,
    }
}

pub(super) fn effect(key: &str) -> Effect {
    match rule(key).1 {
        Process => Effect::Process,
        Named if FIXED.iter().any(|end| key.ends_with(end)) => Effect::Process,
        Nobody => Effect::AtOnce,
        One(_) | Named | Domain | Every => Effect::Service,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_its_readers() {
        for (key, expected) in [
            ("gateway.rate_limit", Effect::AtOnce),
            ("gateway.routes[3].prefix", Effect::AtOnce),
            ("gateway.trusted_proxies", Effect::Service),
            ("gateway.keep_alive_ms", Effect::Process),
            ("services.users.port", Effect::Process),
            ("services.users.workers", Effect::Service),
            ("users.argon2.lanes", Effect::Service),
            ("server.bind", Effect::Process),
            ("whatever.is_new", Effect::Process),
        ] {
            assert_eq!(effect(key), expected, "{key}");
        }
        assert!(is_of("services.users.workers", Users) && !is_of("services.users.port", Users));
        assert!(!is_of("services.users.workers", Billing) && is_of("jobs.parallel", Billing));
        assert!(!is_of("jobs.parallel", ServiceName::Gateway));
        assert!(is_of("server.body_bytes_max", ServiceName::Gateway));
        assert!(is_at_once("gateway.trusted_proxies") && !is_at_once("users.admin_email"));
    }
}
