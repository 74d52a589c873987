//! The base address of an upstream instance: `http://host[:port][/path]`, nothing else.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use actix_http::{
    Uri,
    header::HeaderValue,
    uri::{Authority, PathAndQuery, Scheme},
};

const HTTP_PORT: u16 = 80;

/// Where an instance is, checked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub(super) authority: Authority,
    pub(super) host: HeaderValue,
    /// What is dialled: the authority with a port.
    pub(super) address: String,
    /// The address is one of those that the name in `authority` has.
    is_resolved: bool,
    /// Put before every path; empty or without a slash at its end.
    path: String,
}

impl Base {
    /// What goes into the `Host` field of a request to this instance.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// The same at one of the addresses of its name: that is dialled, requests name the name.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Base {
        let port = self.authority.port_u16().unwrap_or(HTTP_PORT);
        let address = SocketAddr::new(address, port).to_string();
        Base { address, is_resolved: true, ..self.clone() }
    }

    /// The full address of a path (with its query) on this instance.
    ///
    /// # Errors
    /// When the two do not make a valid path.
    pub fn uri(&self, path_and_query: &str) -> Result<Uri, BaseError> {
        let path = if self.path.is_empty() {
            PathAndQuery::from_str(path_and_query)
        } else {
            PathAndQuery::from_str(&format!("{}{path_and_query}", self.path))
        };
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(path.map_err(|_| BaseError::Malformed)?)
            .build()
            .map_err(|_| BaseError::Malformed)
    }
}

impl fmt::Display for Base {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_resolved {
            true => write!(formatter, "http://{}{}", self.address, self.path),
            false => write!(formatter, "http://{}{}", self.authority, self.path),
        }
    }
}

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(text: &str) -> Result<Base, BaseError> {
        if text.contains('#') {
            return Err(BaseError::Extra);
        }
        let uri = Uri::from_str(text).map_err(|_| BaseError::Malformed)?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(BaseError::Https),
            _ => return Err(BaseError::Scheme),
        }
        let authority = uri.authority().cloned().ok_or(BaseError::Malformed)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(BaseError::Extra);
        }
        if authority.port().is_some() && authority.port_u16().is_none_or(|port| port == 0) {
            return Err(BaseError::Malformed);
        }
        let address = match authority.port_u16() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:{HTTP_PORT}"),
        };
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| BaseError::Malformed)?;
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Base { host, address, is_resolved: false, path, authority })
    }
}

/// Why a text is not the base address of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    #[error("not an address like http://127.0.0.1:3001")]
    Malformed,
    #[error("the address must begin with http://")]
    Scheme,
    #[error(
        "https upstreams are not supported: give an http:// address in a trusted network, or put \
         a TLS proxy on this machine before the upstream"
    )]
    Https,
    #[error("the address must not have user information, a query or a fragment")]
    Extra,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_behind_the_base() {
        let plain: Base = "http://127.0.0.1:3001".parse().unwrap();
        let deep: Base = "http://example.test/inner/".parse().unwrap();

        assert_eq!(plain.uri("/a?b=c").unwrap(), "http://127.0.0.1:3001/a?b=c");
        assert_eq!(deep.uri("/a").unwrap(), "http://example.test/inner/a");
        assert_eq!(deep.address, "example.test:80");
        assert_eq!(plain.to_string(), "http://127.0.0.1:3001");
        assert_eq!("http://[::1]:80".parse::<Base>().unwrap().address, "[::1]:80");
    }

    #[test]
    fn one_address_of_a_name_is_dialled_and_the_name_is_sent() {
        let base: Base = "http://payments.test:3002/inner".parse().unwrap();
        let at = base.at([10, 0, 0, 7].into());
        assert_eq!((at.address.as_str(), at.host()), ("10.0.0.7:3002", base.host()));
        assert_eq!(at.uri("/a").unwrap(), "http://payments.test:3002/inner/a");
        assert_eq!(at.to_string(), "http://10.0.0.7:3002/inner");
        assert!(at != base && at != base.at([10, 0, 0, 8].into()));
        let usual: Base = "http://payments.test".parse().unwrap();
        assert_eq!(usual.at("::1".parse().unwrap()).address, "[::1]:80");
    }

    #[test]
    fn what_is_not_a_plain_base_is_refused_by_reason() {
        for (text, why) in [
            ("https://127.0.0.1:3001", BaseError::Https),
            ("ftp://127.0.0.1", BaseError::Scheme),
            ("127.0.0.1:3001", BaseError::Scheme),
            ("http://a@127.0.0.1", BaseError::Extra),
            ("http://127.0.0.1/?a", BaseError::Extra),
            ("http://127.0.0.1/#a", BaseError::Extra),
            ("http://127.0.0.1:0", BaseError::Malformed),
            ("http://", BaseError::Malformed),
        ] {
            assert_eq!(text.parse::<Base>().unwrap_err(), why, "{text}");
        }
    }
}
