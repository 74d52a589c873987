//! Reports as tables and as charts, and what the service tells of itself.

use busbar::types::ServiceName;

use crate::support::{Person, both_engines};

use super::{BILL, Paying, Tale, tell};

const REPORTS: [(&str, &str); 5] = [
    ("dashboard", "dashboard_"),
    ("revenue?from=2025-03-01&to=2025-04-01&group_by=provider", "revenue_2025-03-01_2025-04-01."),
    ("aging?as_of=2025-03-31", "aging_2025-03-31."),
    (
        "payments/success?from=2025-03-01&to=2025-04-01&group_by=reason",
        "payment-success_2025-03-01_2025-04-01.",
    ),
    ("collections?from=2025-03-01&to=2025-04-01", "collections_2025-03-01_2025-04-01."),
];

fn tales(at: &str) -> Vec<Tale> {
    let lost = Paying { minor: 60, provider: "-2", id: BILL, ..Paying::default() };
    let paying = Paying { minor: 60, provider: "-2", ..Paying::default() };
    vec![
        Tale::issued(BILL, "-2", 100, "2025-03-15", at),
        Tale::of_payment("succeeded", &paying, at),
        Tale::of_payment("failed", &lost, at),
    ]
}

fn joined(path: &str, format: &str) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("/api/analytics/{path}{mark}format={format}")
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Analytics];

    /// A table opens in a spreadsheet, and nothing in it is run there.
    async fn a_report_is_a_table(system: TestSystem) {
        let admin = system.admin().await;
        tell(&system, &tales("2025-03-02T00:00:00Z")).await;
        for (path, name) in REPORTS {
            let answer = admin.get(&joined(path, "csv")).await;
            assert_eq!(answer.status, 200, "{answer}");
            assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
            let kept = answer.header("content-disposition");
            assert!(kept.starts_with(&format!("attachment; filename=\"{name}")), "{kept}");
            assert!(kept.ends_with(".csv\""), "{kept}");
            assert_eq!(answer.header("cache-control"), "private, no-store");
            let text = answer.text();
            let lines: Vec<&str> = text.split("\r\n").collect();
            assert!(lines[0].ends_with("as_of,lag_s,tz"), "{text}");
            assert!(lines.len() >= 3 && lines.last() == Some(&""), "{text}");
            let columns = lines[0].split(',').count();
            for line in &lines[..lines.len() - 1] {
                assert_eq!(line.split(',').count(), columns, "{text}");
                assert!(!line.contains('\n'), "{text}");
            }
        }
        let revenue = admin.get(&joined(REPORTS[1].0, "csv")).await.text();
        assert!(revenue.starts_with("period,currency,provider,payments,amount_minor,"), "{revenue}");
        assert!(revenue.contains("2025-03-02,USD,'-2,1,60,"), "{revenue}");
    }

    /// A chart is a drawing that can be heard, and loads nothing.
    async fn a_report_is_a_chart(system: TestSystem) {
        let admin = system.admin().await;
        let empty = admin.get(&joined(REPORTS[1].0, "svg")).await.text();
        assert!(empty.contains("Nothing in this period"), "{empty}");
        tell(&system, &tales("2025-03-02T00:00:00Z")).await;
        for (path, name) in REPORTS {
            let answer = admin.get(&joined(path, "svg")).await;
            assert_eq!(answer.status, 200, "{answer}");
            assert_eq!(answer.header("content-type"), "image/svg+xml; charset=utf-8");
            let kept = answer.header("content-disposition");
            assert!(kept.starts_with(&format!("inline; filename=\"{name}")), "{kept}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(answer.header("content-security-policy").contains("sandbox"), "{answer}");
            let text = answer.text();
            assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"), "{text}");
            assert!(text.contains("<title id=") && text.contains("as of 20"), "{text}");
            assert!(!text.contains("href") && !text.contains("url("), "{text}");
        }
    }

    /// The document names the forms, and the meters follow what is heard and asked.
    async fn the_service_tells_of_itself(system: TestSystem) {
        let admin = system.admin().await;
        tell(&system, &tales("2025-03-02T00:00:00Z")).await;
        admin.get(&joined("aging", "svg")).await.expect(200);
        admin.get(&joined("aging", "csv")).await.expect(200);
        let metrics = Person::anonymous(&system.service_url(ServiceName::Analytics));
        let text = metrics.get("/metrics/prometheus").await.text();
        for line in [
            "busbar_analytics_reports_total{format=\"csv\"} 1",
            "busbar_analytics_reports_total{format=\"svg\"} 1",
            "busbar_analytics_report_duration_seconds_count 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let heard = system.figure(ServiceName::Analytics, "busbar_analytics_events_total").await;
        assert!(heard >= 3.0, "{heard}");
        let described = system.anonymous().get("/openapi.json").await.expect(200);
        let path = &described["paths"]["/api/analytics/revenue"]["get"];
        let forms = path["responses"]["200"]["content"].as_object().unwrap();
        let forms: Vec<&String> = forms.keys().collect();
        assert_eq!(forms, ["application/json", "image/svg+xml", "text/csv"], "{path}");
    }
}
