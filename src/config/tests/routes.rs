//! Routes that a file adds: their faults, and what holds without a word.
use super::{File, fault_lines};

#[test]
fn every_fault_of_an_added_route_is_said_with_its_line() {
    let file = File::new(
        "[[gateway.routes]]\nprefix = \"/legacy\"\nupstreams = [\"http://127.0.0.1:1\"]\n\
         [[gateway.routes]]\nprefix = \"legacy\"\nrate_limit = \"many\"\nbreakr = \"on\"\n",
    );
    let faults = fault_lines(file.load(&[]));
    let expected = [
        format!(
            "{}: gateway.routes[1].breakr = \"on\": unknown setting; did you mean breaker?",
            file.line(7)
        ),
        format!(
            "{}: gateway.routes[1].prefix = \"legacy\": a path such as /legacy, of letters, digits \
             and -._~, not below /internal, /health, /metrics, /openapi.json, /docs, /assets, \
             /console",
            file.line(5)
        ),
        format!("{}: gateway.routes[1].upstreams: a value: there is none by default", file.line(5)),
        format!(
            "{}: gateway.routes[1].rate_limit = \"many\": off, or requests and seconds such as \
             100/60s, up to 1000000/86400s",
            file.line(6)
        ),
    ];
    assert_eq!(faults, expected);

    for (first, second, fault) in [
        ("/legacy", "/legacy", "a prefix that no other route has"),
        ("/legacy", "/docs", "a path such as /legacy"),
        ("/assets/old", "/", "a path such as /legacy"),
    ] {
        let route = |prefix| {
            format!(
                "[[gateway.routes]]\nprefix = \"{prefix}\"\nupstreams = [\"http://127.0.0.1:1\"]\n"
            )
        };
        let file = File::new(&(route(first) + &route(second)));
        let faults = fault_lines(file.load(&[]));
        assert!(faults.len() == 1 && faults[0].contains(fault), "{faults:?}");
    }

    let file = File::new(
        "[[gateway.routes]]\nprefix = \"/legacy\"\nupstreams = [\"http://127.0.0.1:1\"]\n",
    );
    let route = file.load(&[]).unwrap().0.gateway.routes.0.remove(0);
    assert_eq!((route.prefix.as_str(), route.timeout_ms, route.retry), ("/legacy", 15_000, false));
}
