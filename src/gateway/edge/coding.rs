//! Which coding of a body a client takes (RFC 9110, section 12.5.3). Pure.

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

/// The codings that are made here, the better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

/// A quality in thousandths.
type Quality = u16;
const QUALITY_MAX: Quality = 1_000;

impl Coding {
    pub(super) fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        })
    }

    fn is_named(self, name: &str) -> bool {
        match self {
            Coding::Brotli => name.eq_ignore_ascii_case("br"),
            // The older name is the same coding (RFC 9110, section 8.4.1.3).
            Coding::Gzip => {
                name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip")
            }
        }
    }

    /// What the client likes best of these; `None`: the body as it is.
    pub(super) fn agreed(asked: &HeaderMap) -> Option<Coding> {
        let lines = asked.get_all(ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
        let wishes: Vec<(&str, Quality)> =
            lines.flat_map(|line| line.split(',')).filter_map(wish).collect();
        let quality = |is_it: &dyn Fn(&str) -> bool| {
            let named = wishes.iter().find(|(name, _)| is_it(name));
            named
                .or_else(|| wishes.iter().find(|(name, _)| *name == "*"))
                .map(|(_, quality)| *quality)
        };
        let of = |coding: Coding| quality(&|name| coding.is_named(name)).unwrap_or(0);
        let (brotli, gzip) = (of(Coding::Brotli), of(Coding::Gzip));
        let (best, liked) =
            if brotli >= gzip { (Coding::Brotli, brotli) } else { (Coding::Gzip, gzip) };
        // Who likes the plain body better gets it; without a word about it, it comes last.
        let named = wishes.iter().find(|(name, _)| name.eq_ignore_ascii_case("identity"));
        let plain = named.map_or(0, |(_, quality)| *quality);
        (liked > 0 && liked >= plain).then_some(best)
    }
}

/// One item: a coding and its quality. What is malformed is not wished for.
fn wish(item: &str) -> Option<(&str, Quality)> {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let quality = match parts.next() {
        None => QUALITY_MAX,
        Some(weight) => quality(weight)?,
    };
    Some((name, quality))
}

/// `q=0.5` (RFC 9110, section 12.4.2).
fn quality(weight: &str) -> Option<Quality> {
    let (name, value) = weight.split_once('=')?;
    let is_number = value.len() <= 5 && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !name.trim_end().eq_ignore_ascii_case("q") || !is_number {
        return None;
    }
    let (whole, rest) = value.split_once('.').unwrap_or((value, ""));
    let whole: Quality = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let thousandths: Quality = format!("{rest:0<3}").parse().ok()?;
    Some(whole * QUALITY_MAX + thousandths).filter(|quality| *quality <= QUALITY_MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_client_gets_what_it_likes_best() {
        for (wish, coding) in [
            ("gzip", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("GZIP", Some(Coding::Gzip)),
            ("br", Some(Coding::Brotli)),
            ("gzip, deflate, br, zstd", Some(Coding::Brotli)),
            ("gzip;q=1.0, br;q=0.5", Some(Coding::Gzip)),
            ("gzip ; q=0.9 , br ; q=0.91", Some(Coding::Brotli)),
            ("*", Some(Coding::Brotli)),
            ("*;q=0.1, br;q=0", Some(Coding::Gzip)),
            ("gzip;q=0", None),
            ("gzip;q=0, *;q=0", None),
            ("identity", None),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.2, gzip;q=0.5", Some(Coding::Gzip)),
            ("identity, gzip", Some(Coding::Gzip)),
            ("deflate, zstd", None),
            ("gzip;q=x", None),
            ("gzip;q=7", None),
            ("gzip;q=65535", None),
            ("gzip;q=1.001", None),
            ("gzip;q=0.001", Some(Coding::Gzip)),
            ("gzip;level=1", None),
            ("", None),
        ] {
            let mut asked = HeaderMap::new();
            asked.insert(ACCEPT_ENCODING, HeaderValue::from_str(wish).unwrap());
            assert_eq!(Coding::agreed(&asked), coding, "{wish}");
        }
        assert_eq!(Coding::agreed(&HeaderMap::new()), None);
    }
}
