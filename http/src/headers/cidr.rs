//! Ranges of addresses, as in `10.0.0.0/8`.

use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

const IPV4_BITS: u8 = 32;
const IPV6_BITS: u8 = 128;

/// All addresses that share the first bits. A single address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// IPv4 as mapped into IPv6, so that one comparison serves both.
    network: u128,
    bits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a range of addresses like 10.0.0.0/8 or fd00::/8")]
pub struct CidrError;

impl Cidr {
    pub fn contains(&self, address: IpAddr) -> bool {
        self.network == masked(mapped(address), self.bits)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrError)?;
        let width = if address.is_ipv4() { IPV4_BITS } else { IPV6_BITS };
        let bits: u8 = match bits {
            Some(bits) => bits.parse().map_err(|_| CidrError)?,
            None => width,
        };
        if bits > width {
            return Err(CidrError);
        }
        let bits = bits + (IPV6_BITS - width);
        Ok(Cidr { network: masked(mapped(address), bits), bits })
    }
}

fn mapped(address: IpAddr) -> u128 {
    let address: Ipv6Addr = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    address.to_bits()
}

fn masked(address: u128, bits: u8) -> u128 {
    let mask = u128::MAX.checked_shl(u32::from(IPV6_BITS - bits)).unwrap_or(0);
    address & mask
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_shares_its_first_bits() {
        for (range, address, is_inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "203.0.113.9", true),
            ("fd00::/8", "fdff::1", true),
            ("::1", "::1", true),
        ] {
            let cidr: Cidr = range.parse().unwrap();
            assert_eq!(cidr.contains(address.parse().unwrap()), is_inside, "{range} {address}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "fd00::/129", "localhost"] {
            assert_eq!(text.parse::<Cidr>(), Err(CidrError), "{text}");
        }
    }
}
