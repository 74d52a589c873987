//! Which events an endpoint hears: names, and names with a wildcard at the end. Pure.

use std::collections::BTreeSet;

use busbar_http::{Invalid, Problem};
use serde::{Deserialize, Serialize};

use crate::events::kinds;
use crate::types::{ServiceName, nearest};

/// Filters of one endpoint.
const FILTERS_MAX: usize = 50;

/// The filters of one endpoint: `payment.*`, `bill.issued`, `*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Filters(BTreeSet<String>);

impl Filters {
    /// # Errors
    /// When there are none or too many, or one that nothing can ever match.
    pub(super) fn new(texts: &[String]) -> Result<Filters, Problem> {
        let mut invalid = Invalid::default();
        let fits = (1..=FILTERS_MAX).contains(&texts.len());
        invalid.check(fits, "/events", "webhook_events_count", "1 to 50 events");
        let known = wildcards().chain(names()).collect::<BTreeSet<_>>();
        for (place, text) in texts.iter().enumerate().take(FILTERS_MAX) {
            if !known.contains(text) {
                let near = nearest(text, known.iter().map(String::as_str));
                let near = near.map(|near| format!("; did you mean `{near}`?"));
                let detail = format!("no event is called so{}", near.unwrap_or_default());
                invalid.add(format!("/events/{place}"), "webhook_event_unknown", detail);
            }
        }
        invalid.finish()?;
        Ok(Filters(texts.iter().cloned().collect()))
    }

    pub(super) fn hears(&self, event: &str) -> bool {
        self.0.iter().any(|filter| match filter.strip_suffix('*') {
            Some(start) => event.starts_with(start),
            None => filter == event,
        })
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

/// What this service is told of.
fn names() -> impl Iterator<Item = String> {
    let heard = kinds::ALL.iter().filter(|kind| kind.listeners.contains(&ServiceName::Webhooks));
    heard.map(|kind| kind.name.to_owned())
}

/// `*`, and `bill.*` for each first word there is.
fn wildcards() -> impl Iterator<Item = String> {
    let groups = names().filter_map(|name| Some(format!("{}.*", name.split_once('.')?.0)));
    groups.chain(["*".to_owned()])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn filters(texts: &[&str]) -> Result<Filters, Problem> {
        Filters::new(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_wildcard_hears_its_group() {
        let some = filters(&["payment.*", "bill.issued"]).unwrap();
        assert!(some.hears("payment.succeeded") && some.hears("bill.issued"));
        assert!(!some.hears("bill.paid") && !some.hears("payments.x"));
        assert!(filters(&["*"]).unwrap().hears("bill.paid"));
    }

    #[test]
    fn what_is_never_heard_is_refused_with_the_nearest() {
        for (text, near) in [
            ("bill.isued", "`bill.issued`"),
            ("payments.*", "`payment.*`"),
            ("user.registered", "no event is called so"),
            ("bill.i*", "no event is called so"),
        ] {
            let problem = filters(&[text]).unwrap_err();
            assert_eq!(problem.code(), "webhook_event_unknown", "{text}");
            assert!(problem.body(None).to_string().contains(near), "{text}");
        }
        assert_eq!(filters(&[]).unwrap_err().code(), "webhook_events_count");
        let many = vec!["*"; FILTERS_MAX + 1];
        assert_eq!(filters(&many).unwrap_err().code(), "webhook_events_count");
    }
}
