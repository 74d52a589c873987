//! What breaks in one service is not noticed in another: the whole house under load, with every one
//! of its services crashed, hung and restarted in turn. `make proofs` runs it as often as one likes.

mod blocked;
mod crash;
mod faults;
mod isolation;
mod killed;
mod load;
mod menu;
mod rounds;
mod tail;

use std::str::FromStr;

/// How long or how hard a proof is, not what it proves.
#[allow(clippy::disallowed_methods, reason = "set by the make target")]
fn asked<T: FromStr>(variable: &str, default: T) -> T {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().ok().expect("a number"))
}
