//! Who holds a lease on a row: unique for each claim, and it tells this process from others.

use std::fmt;
use std::sync::LazyLock;

use uuid::Uuid;

/// Made once, when the first lease of this process is taken.
static PROCESS: LazyLock<Uuid> = LazyLock::new(Uuid::now_v7);

/// The holder of one claim. A claim that ran out and was made again has another holder, so the
/// earlier one can no longer change the row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Holder(String);

impl Holder {
    /// A new holder in this process.
    pub fn unique() -> Holder {
        Holder(format!("{}/{}", *PROCESS, Uuid::now_v7()))
    }

    /// What the names of all holders of this process begin with: 36 characters.
    pub fn process() -> String {
        PROCESS.to_string()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Holder {
    /// As it was read back.
    fn from(text: String) -> Holder {
        Holder(text)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_differ_and_name_their_process() {
        let (one, other) = (Holder::unique(), Holder::unique());
        assert_ne!(one, other);
        assert_eq!(one.as_str()[..36], Holder::process());
        assert_eq!(other.as_str()[..36], Holder::process());
    }
}
