//! Files and a sender that settings name.

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

/// All at once, by variable; where a service is not hosted, what it alone would use is nobody's matter.
#[test]
fn what_is_named_has_to_be_there_where_it_is_used() {
    let lines = fault_lines(with(&NAMED));
    assert_eq!(lines.len(), NAMED.len(), "{lines:?}");
    for (variable, value) in NAMED {
        let told = |line: &String| line.contains(variable) && line.contains(value);
        assert!(lines.iter().any(told), "{variable}: {lines:?}");
    }
    let gateway = [NAMED.as_slice(), &[("BUSBAR_SERVICES", "gateway")]].concat();
    let lines = fault_lines(with(&gateway));
    assert!(lines.len() == 1 && lines[0].contains("BUSBAR_SERVICE_KEY_FILE"), "{lines:?}");
    let good = [("BUSBAR_NOTIFICATIONS_FROM", "Bills <bills@example.org>")];
    assert_eq!(warnings(with(&good)), [""; 0]);
}
