//! What the paths of an added route begin with.

use crate::config::reader::Parsed;

/// What paths begin with that are the gateway's own, or nobody's.
const OWN: [&str; 7] =
    ["internal", "health", "metrics", "openapi.json", "docs", "assets", "console"];

pub(super) fn prefix(text: &str) -> Parsed<String> {
    let is_plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte))
    };
    let segments = || text.split('/').skip(1);
    let is_straight = segments().all(|segment| !matches!(segment, "" | "." | ".."));
    let is_good = text == "/" || (text.starts_with('/') && is_plain(text) && is_straight);
    let is_own = segments().next().is_some_and(|first| OWN.contains(&first));
    match is_good && !is_own {
        true => Ok(text.to_owned()),
        false => {
            let own = OWN.map(|first| format!("/{first}")).join(", ");
            Err(format!("a path such as /legacy, of letters, digits and -._~, not below {own}"))
        }
    }
}
