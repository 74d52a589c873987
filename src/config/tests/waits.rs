//! Waits within a service and the gateway's deadline.

use super::*;

#[test]
fn a_wait_that_outlasts_a_request_is_warned_about() {
    let found = warnings(with(&[("GATEWAY_REQUEST_TIMEOUT_MS", "2500")]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("payments.wait_ms is 2500, not less than"), "{found:?}");
    assert!(
        found[1].starts_with("analytics.report_timeout_ms is 3000, not less than"),
        "{found:?}"
    );
    assert_eq!(warnings(with(&[("GATEWAY_REQUEST_TIMEOUT_MS", "3001")])), [""; 0]);
}
