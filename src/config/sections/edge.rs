//! What faces clients: the process, its servers, the gateway.
use std::borrow::Cow;
use std::net::IpAddr;
use std::path::PathBuf;

use super::routes::{AddedRoutes, Rate, rate};
use super::{HOUR_MS, YEAR_MS, section};
use crate::config::reader::{Parsed, fraction, list, number, optional, path, some, word};
use crate::types::{HttpUrl, Refused, ServiceName, Text, text_form, words};

const BODY_BYTES_MAX: usize = 1 << 30;
const CACHE_BYTES_MAX: usize = 1 << 40;
/// A batch of a hundred events of the largest size.
const BODY_BYTES_FLOOR: usize = 1 << 20;

words! {
    /// Who may look at the status page.
    pub enum Console: "console_invalid" {
        /// Everybody sees states and figures, administrators the reasons too.
        On = "on",
        /// Administrators alone.
        Admins = "admins",
        /// There is none.
        Off = "off",
    }
}

section! {
    /// What this process is.
    Process {
        /// The services that it hosts, in the order of their ports.
        services: Vec<ServiceName> = hosted,
        /// Where databases, keys, documents and mail are kept.
        data_dir: PathBuf = path,
        /// Where people reach the gateway, for links in mails; `None`: on this machine.
        public_url: Option<HttpUrl> = optional(word::<HttpUrl>),
    }
}

section! {
    /// What all HTTP servers have in common.
    Server {
        /// The address that they listen on.
        bind: IpAddr = address,
        /// How long an idle client connection is kept: twice the gateway's time at least, so that
        /// the gateway is always the one to close.
        keep_alive_ms: u64 = number(1..=HOUR_MS),
        /// How long a client may take to send the head of a request.
        client_request_timeout_ms: u64 = number(1..=HOUR_MS),
        /// The largest request body that a service reads; a batch of events must fit.
        body_bytes_max: usize = number(BODY_BYTES_FLOOR..=BODY_BYTES_MAX),
        /// How long requests under way may take to end when a service stops.
        drain_ms: u64 = number(0..=HOUR_MS),
        /// How long to go on serving after the signal to stop.
        shutdown_delay_ms: u64 = number(0..=HOUR_MS),
        /// After this the stop is forced.
        shutdown_timeout_ms: u64 = number(1..=HOUR_MS),
    }
}

section! {
    /// Port 3000.
    Gateway {
        /// One deadline for a whole request with its retries and its body.
        request_timeout_ms: u64 = number(1..=600_000),
        /// How long opening a connection to a service may take.
        connect_timeout_ms: u64 = number(1..=60_000),
        /// How often the names of `dns+http` addresses are looked up.
        resolve_every_ms: u64 = number(100..=HOUR_MS),
        /// How long an answer stays fresh that says nothing about it itself; 0: no cache.
        cache_ttl_ms: u64 = number(0..=YEAR_MS),
        /// How many answers are kept; 0: no cache.
        cache_max_entries: usize = number(0..=10_000_000),
        /// How much memory they may take in all; 0: no cache.
        cache_max_bytes: usize = number(0..=CACHE_BYTES_MAX),
        /// How large a single one may be.
        cache_max_entry_bytes: usize = number(1..=BODY_BYTES_MAX),
        /// How long after its time an answer may be given while a fresh one is fetched, when it says
        /// nothing about it itself; 0: not at all.
        cache_swr_ms: u64 = number(0..=YEAR_MS),
        /// The same when the service fails; 0: not at all.
        cache_sie_ms: u64 = number(0..=YEAR_MS),
        /// Connections to one instance of a service at a time.
        max_sockets: usize = number(1..=65_535),
        /// Idle connections kept for reuse, of those; 0: no reuse.
        max_free_sockets: usize = number(0..=65_535),
        /// Requests that may wait for a connection to one instance; 0: none waits.
        max_pending: usize = number(0..=1_000_000),
        /// The TCP keep-alive of connections to services, and how long one is kept without use.
        keep_alive_ms: u64 = number(1..=HOUR_MS),
        /// Requests that take longer are logged as slow; 0: none is.
        slow_request_threshold_ms: u64 = number(0..=HOUR_MS),
        /// The largest request body that is passed on.
        max_body_bytes: usize = number(1..=BODY_BYTES_MAX),
        /// Requests that the percentiles look back on.
        max_latency_samples: usize = number(1..=1_000_000),
        /// Requests of one person, or of one address, to our services; `None`: no limit.
        rate_limit: Option<Rate> = rate,
        /// Web pages whose scripts may use the gateway with credentials; none: no CORS at all.
        cors_origins: Vec<Origin> = list(word::<Origin>),
        /// Networks whose forwarding headers are believed.
        trusted_proxies: Vec<Network> = list(word::<Network>),
        /// Requests under way at a time, over all services; the less urgent are turned away first.
        max_requests: usize = number(1..=1_000_000),
        /// Requests that may wait in the mailbox of one worker thread's actor.
        mailbox_max: usize = number(1..=1_000_000),
        /// How often a single request is sent again at most; 0: never.
        retry_max: u32 = number(0..=10),
        /// The part of the last ten seconds' requests to a service that may be sent again.
        retry_budget_ratio: f64 = fraction,
        /// So many a second may be in any case, as long as that helps.
        retry_min_per_second: u32 = number(0..=10_000),
        /// Failures in a row after which an instance is left alone; 0: it never is.
        breaker_failures: u32 = number(0..=10_000),
        /// For how long, the first time; it doubles up to a minute.
        breaker_open_ms: u64 = number(1..=60_000),
        /// How long a WebSocket may be silent on both sides.
        tunnel_idle_ms: u64 = number(1..=24 * HOUR_MS),
        /// How long a stream of events may be silent.
        events_idle_ms: u64 = number(1..=24 * HOUR_MS),
        /// Who may look at the status page.
        console: Console = word,
        /// Where /assets/* is redirected to.
        cdn_base_url: Option<HttpUrl> = optional(cdn_base_url),
    }
    /// What it stands before besides its own services.
    routes: AddedRoutes
}

/// In the order of their ports, each once.
fn hosted(text: &str) -> Parsed<Vec<ServiceName>> {
    let mut services = some(list(word::<ServiceName>))(text)?;
    services.sort_unstable();
    services.dedup();
    Ok(services)
}

fn address(text: &str) -> Parsed<IpAddr> {
    text.parse().map_err(|_| "an IP address, such as 127.0.0.1 or 0.0.0.0".to_owned())
}

fn cdn_base_url(text: &str) -> Parsed<HttpUrl> {
    let url = word::<HttpUrl>(text).ok().filter(|url| url.as_url().query().is_none());
    url.ok_or("an absolute http or https URL without credentials, query and fragment".to_owned())
}

/// A range of addresses, written `10.0.0.0/8`; a single address is a range of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

impl Text for Network {
    fn text(&self) -> Cow<'_, str> {
        format!("{}/{}", self.address, self.prefix_bits).into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let refused = || Refused::new("network_invalid", "a network such as 10.0.0.0/8 or ::1");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Ok(bits_max), str::parse).map_err(|_| refused())?;
        if prefix_bits > bits_max { Err(refused()) } else { Ok(Network { address, prefix_bits }) }
    }
}
text_form!(Network);

/// Where a web page comes from, as browsers write it (RFC 6454, section 6.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin(String);

impl Text for Origin {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        // Browsers send it in this form only: anything else would never match.
        let url = HttpUrl::parse(text).ok();
        let origin = url.map(|url| url.as_url().origin().ascii_serialization());
        origin.filter(|origin| origin == text && !text.contains('*')).map(Origin).ok_or(Refused::new(
            "origin_invalid",
            "an origin such as https://app.example.com: scheme and host in small letters, a port \
             if it is not the usual one, no path and no slash at the end; * is not possible",
        ))
    }
}
text_form!(Origin);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for good in ["https://app.example.com", "http://localhost:5173", "https://[::1]:8443"] {
            assert_eq!(good.parse::<Origin>().unwrap().to_string(), good);
        }
        for bad in [
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://App.example.com",
            "https://app.example.com:443",
            "https://*.example.com",
            "https://u@app.example.com",
            "file:///x",
        ] {
            let refused = bad.parse::<Origin>();
            assert!(refused.is_err_and(|it| it.detail().contains("no slash at the end")), "{bad}");
        }
    }

    #[test]
    fn networks_are_addresses_with_a_prefix() {
        for (text, shown) in
            [("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.7", "192.0.2.7/32"), ("::1", "::1/128")]
        {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/-1", "::/129", "host"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_cdn_is_an_absolute_address_without_trimmings() {
        assert!(cdn_base_url("https://cdn.example.com/a/").is_ok());
        for bad in ["/assets", "cdn.example.com", "ftp://x", "https://u:p@x", "https://x?q", "//x"]
        {
            assert!(cdn_base_url(bad).is_err(), "{bad}");
        }
    }
}
