//! `GET /admin/actors`: the tree as `ARCHITECTURE.md` has it, live.

use busbar::types::ServiceName;
use serde_json::Value;

use crate::support::{Engine, TestSystem};

fn named<'a>(actors: &'a Value, id: &str) -> &'a Value {
    let found = actors.as_array().unwrap().iter().find(|actor| actor["id"] == id);
    found.unwrap_or_else(|| panic!("no {id} in {actors}"))
}

#[actix_web::test]
async fn the_tree_is_shown_as_it_is() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let tree = system.caretaker().get("/admin/actors").await.expect(200);
    let actors = &tree["actors"];
    assert!(tree["node"].as_str().is_some_and(|node| !node.is_empty()));
    for id in ["signals", "health", "admin"] {
        assert_eq!(named(actors, id)["state"], "running", "{id}");
    }
    for name in ServiceName::ALL {
        let service = named(actors, name.as_str());
        assert_eq!(service["path"], format!("/busbar/services/{name}"));
        assert_eq!(
            (&service["kind"], &service["state"]),
            (&"supervisor".into(), &"running".into())
        );
        let incarnation = named(&service["children"], &format!("{name}#1"));
        assert_eq!(incarnation["thread"], format!("{name}#1"));
        let children = &incarnation["children"];
        if name.is_domain() {
            for child in ["relay", "worker"] {
                assert_eq!(named(children, child)["is_essential"], true, "{name} {child}");
                assert_eq!(named(children, child)["kind"], "actor");
            }
            assert_eq!(named(children, "forgetting")["is_essential"], false);
        } else {
            assert_eq!(named(children, "actor-0")["mailbox"]["rejected"], 0);
            assert_eq!(named(children, "sessions")["state"], "running");
        }
    }
    let webhooks = &named(actors, "webhooks")["children"][0]["children"];
    assert_eq!(named(webhooks, "dispatcher")["path"], "/busbar/services/webhooks/1/dispatcher");
    system.finish().await;
}
