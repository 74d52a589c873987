//! Files that settings name, and who mail is from.

use super::*;

const NAMED: [(&str, &str); 6] = [
    ("BUSBAR_SERVICE_KEY_FILE", "/nowhere/service"),
    ("BUSBAR_USERS_KEY_FILE", "/nowhere/users"),
    ("BUSBAR_DOCUMENTS_KEY_FILE", "/nowhere/documents"),
    ("BUSBAR_NOTIFICATIONS_SMTP_CA_FILE", "/nowhere/mail"),
    ("BUSBAR_NOTIFICATIONS_FROM", "nobody"),
    // A folder.
    ("BUSBAR_WEBHOOKS_CA_FILE", "/"),
];

/// All at once, by variable; where a service is not hosted, files that it alone would read are nobody's
/// matter. A value that can be none is one everywhere.
#[test]
fn what_is_named_has_to_be_there_where_it_is_used() {
    let lines = fault_lines(with(&NAMED));
    assert_eq!(lines.len(), NAMED.len(), "{lines:?}");
    for (variable, value) in NAMED {
        let told = |line: &String| line.contains(variable) && line.contains(value);
        assert!(lines.iter().any(told), "{variable}: {lines:?}");
    }
    let gateway = [NAMED.as_slice(), &[("BUSBAR_SERVICES", "gateway")]].concat();
    let lines = fault_lines(with(&gateway)).join("\n");
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.contains("BUSBAR_SERVICE_KEY_FILE") && lines.contains("_FROM"), "{lines}");
    let good = [("BUSBAR_NOTIFICATIONS_FROM", "Bills <bills@example.org>")];
    assert_eq!(warnings(with(&good)), [""; 0]);
}
