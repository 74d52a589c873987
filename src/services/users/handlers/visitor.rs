//! Whoever sends a request, known or not: where from, with what, on which device.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{USER_AGENT, X_FORWARDED_PROTO};
use actix_web::{FromRequest, HttpRequest, web::Data};
use busbar_http::{Problem, RequestId};
use futures_util::future::{Ready, ready};

use crate::types::{Timestamp, UserId};

use super::super::Users;
use super::super::client;
use super::super::keys::Device;
use super::super::model::DeviceId;

const DEVICE_COOKIE: &str = "busbar_device";
/// A device that was not used for so long is a stranger again.
const DEVICE_LIFE: Duration = Duration::from_secs(180 * 86_400);

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// IPv4: the address; IPv6: its /64.
    pub(crate) network: IpAddr,
    /// A digest of how the client describes itself.
    pub(crate) client: String,
    pub(crate) request_id: String,
    device: Option<Device>,
    is_secure: bool,
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Visitor, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(visitor(request, payload))
    }
}

fn visitor(request: &HttpRequest, payload: &mut Payload) -> Result<Visitor, Problem> {
    let users = request.app_data::<Data<Users>>();
    let users = users.ok_or_else(|| Problem::internal("the service is not registered"))?;
    let id = RequestId::from_request(request, payload).into_inner()?;
    let headers = request.headers();
    let agent = headers.get(USER_AGENT).map(|value| value.as_bytes()).unwrap_or_default();
    let scheme = headers.get(X_FORWARDED_PROTO);
    let cookie = client::cookie(headers, DEVICE_COOKIE);
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    Ok(Visitor {
        network: client::network(client::address(headers, peer, &users.trusted_proxies)),
        client: users.keys.digest("client", &String::from_utf8_lossy(agent)),
        request_id: id.id().to_owned(),
        device: cookie.and_then(|token| users.keys.read_device_token(token)),
        is_secure: scheme.is_some_and(|scheme| scheme == "https"),
    })
}

impl Visitor {
    /// The device of this user that the request comes from, if they have logged in there before
    /// and not changed their password since: who knew an earlier one is a stranger.
    pub(crate) fn device_of(
        &self,
        user: UserId,
        password_changed_at: Timestamp,
        now: Timestamp,
    ) -> Option<DeviceId> {
        let device = self.known_device(user, now)?;
        (device.issued_at >= password_changed_at).then_some(device.id)
    }

    fn known_device(&self, user: UserId, now: Timestamp) -> Option<Device> {
        let device = self.device.filter(|device| device.user == user)?;
        (now.since(device.issued_at) < DEVICE_LIFE).then_some(device)
    }

    /// The cookie that makes this device known as one of the user's.
    pub(crate) fn device_cookie(&self, users: &Users, user: UserId, now: Timestamp) -> String {
        let known = self.known_device(user, now);
        let id = known.map_or_else(DeviceId::new, |device| device.id);
        let token = users.keys.device_token(Device { id, user, issued_at: now });
        let (seconds, secure) =
            (DEVICE_LIFE.as_secs(), if self.is_secure { "; Secure" } else { "" });
        format!(
            "{DEVICE_COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        )
    }
}
