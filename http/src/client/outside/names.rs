//! The addresses of a host.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::{Host, Url};

/// More addresses of one name are left out.
const ADDRESSES_MAX: usize = 16;
/// And so many are looked at at all.
const FOUND_MAX: usize = 256;

/// Finds addresses as the system does.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Names in the form of `/etc/hosts` that come first, read at each question.
    first: Option<Arc<Path>>,
}

impl Names {
    /// As the system does, but with the names of this file before all others.
    pub fn after_file(file: Option<PathBuf>) -> Names {
        Names { first: file.map(Into::into) }
    }

    /// Every address of the URL's host; `None`: it has none.
    pub async fn addresses(&self, url: &Url) -> Option<Vec<IpAddr>> {
        let name = match url.host()? {
            Host::Ipv4(address) => return Some(vec![address.into()]),
            Host::Ipv6(address) => return Some(vec![address.into()]),
            Host::Domain(name) => name,
        };
        let mut addresses = self.look_up(name).await.ok()?;
        addresses.truncate(ADDRESSES_MAX);
        Some(addresses)
    }

    /// Every address of a name, each once; at least one.
    ///
    /// # Errors
    /// When it has none, or nobody can say.
    pub async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let named = self.in_file(name);
        if !named.is_empty() {
            return Ok(named);
        }
        let found = tokio::net::lookup_host((name, 0)).await?.map(|socket| socket.ip());
        let addresses = distinct(found);
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
        }
        Ok(addresses)
    }

    fn in_file(&self, name: &str) -> Vec<IpAddr> {
        let Some(path) = &self.first else { return Vec::new() };
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().map(|line| line.split_whitespace());
        let named = lines.filter_map(|mut words| {
            let address = words.next()?.parse().ok()?;
            words.any(|word| word == name).then_some(address)
        });
        distinct(named)
    }
}

fn distinct(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.take(FOUND_MAX) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn addresses_are_taken_as_written_and_names_from_the_file_first() {
        let file = std::env::temp_dir().join(format!("hosts-{}", uuid::Uuid::new_v4()));
        std::fs::write(&file, "# ours\n192.0.2.7 a.example b.example\n2001:db8::7 b.example\n")
            .unwrap();
        let names = Names::after_file(Some(file.clone()));
        for (url, found) in [
            ("https://2130706433/", vec!["127.0.0.1"]),
            ("https://[::ffff:10.0.0.1]/", vec!["::ffff:10.0.0.1"]),
            ("https://a.example/", vec!["192.0.2.7"]),
            ("https://B.example/", vec!["192.0.2.7", "2001:db8::7"]),
        ] {
            let found: Vec<IpAddr> = found.into_iter().map(|it| it.parse().unwrap()).collect();
            assert_eq!(names.addresses(&Url::parse(url).unwrap()).await, Some(found), "{url}");
        }
        std::fs::remove_file(file).unwrap();
        let unknown = Url::parse("https://no-such-name.invalid/").unwrap();
        assert_eq!(names.addresses(&unknown).await, None);
    }
}
