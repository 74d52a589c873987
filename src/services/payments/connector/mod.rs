//! Who carries payments out. Does I/O: the other side may be slow, silent or gone.

pub(crate) mod script;
pub(crate) mod simulated;

use futures_util::future::LocalBoxFuture;

use super::model::charge::{Answer, Charge, Found, Verdict};

/// A way to carry payments out.
///
/// What it is asked for with one key is one charge, however often it is asked.
pub(crate) trait Connector: Send + Sync {
    /// Has the charge carried out.
    fn charge<'a>(&'a self, charge: &'a Charge) -> LocalBoxFuture<'a, Answer>;

    /// What became of a charge, by its key.
    fn find<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Found>;

    /// What it has said of the charge of its own accord since. Connectors repeat themselves.
    fn callbacks<'a>(&'a self, charge: &'a Charge) -> LocalBoxFuture<'a, Vec<Verdict>>;
}
