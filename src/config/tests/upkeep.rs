//! Rules of one service alone, and the admin port.
use super::*;

#[test]
fn a_service_has_rules_of_its_own_by_file_and_by_variable() {
    let file = File::new(
        "[supervision]\nrestarts_max = 7\n[supervision.payments]\nrestarts_max = 3\njitter = 0.5\n",
    );
    let variables = [("BUSBAR_SUPERVISION_BILLING_COOL_DOWN_MS", "0")];
    let (config, _) = file.load(&variables).unwrap();
    let of = |name| config.supervision.of(name);
    assert_eq!(
        (of(ServiceName::Users).restarts_max, of(ServiceName::Payments).restarts_max),
        (7, 3)
    );
    assert_eq!((of(ServiceName::Users).jitter, of(ServiceName::Payments).jitter), (0.2, 0.5));
    assert_eq!(of(ServiceName::Billing).cool_down_ms, 0);
    assert_eq!(of(ServiceName::Payments).cool_down_ms, 300_000);
    let table = config.settings.to_string();
    assert!(table.contains("supervision.payments.restarts_max"), "{table}");
}

#[test]
fn a_fault_in_a_rule_is_told_once_where_it_is() {
    let file = File::new("[supervision]\njitter = 2\n[supervision.payments]\nrestarts_max = -1\n");
    let lines = fault_lines(file.load(&[]));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with(&file.line(2))), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with(&file.line(4))), "{lines:?}");
    let file = File::new("[supervision.paymnets]\nrestarts_max = 1\n");
    assert!(fault_lines(file.load(&[]))[0].contains("unknown setting"));
}

#[test]
fn the_process_with_the_gateway_has_an_admin_port_by_itself() {
    let address = |variables: &[(&str, &str)]| with(variables).unwrap().0.admin_address();
    assert_eq!(address(&[]), Some(AdminAddress::USUAL));
    assert_eq!(address(&[("BUSBAR_SERVICES", "gateway,users")]), Some(AdminAddress::USUAL));
    assert_eq!(address(&[("BUSBAR_SERVICES", "users")]), None);
    assert_eq!(address(&[("BUSBAR_ADMIN_ADDR", "off")]), None);
    let elsewhere = [("BUSBAR_SERVICES", "users"), ("BUSBAR_ADMIN_ADDR", "127.0.0.1:4009")];
    assert_eq!(address(&elsewhere), Some(([127, 0, 0, 1], 4009).into()));
}

#[test]
fn an_admin_port_that_others_can_reach_needs_a_token() {
    let open = ("BUSBAR_ADMIN_ADDR", "0.0.0.0:3009");
    assert!(fault_lines(with(&[open]))[0].contains("BUSBAR_ADMIN_TOKEN"));
    assert!(with(&[open, ("BUSBAR_ADMIN_TOKEN", "sixteen or more!")]).is_ok());
    let short = fault_lines(with(&[open, ("BUSBAR_ADMIN_TOKEN", "short")]));
    assert!(short[0].contains("***") && !short[0].contains("short"), "{short:?}");
    let both = [("BUSBAR_ADMIN_TOKEN", "sixteen or more!"), ("BUSBAR_ADMIN_TOKEN_FILE", "x")];
    assert!(fault_lines(with(&both))[0].contains("BUSBAR_ADMIN_TOKEN is set"));
}
