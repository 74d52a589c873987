//! What a newcomer pastes works: the lines printed at the start, and the story of the README.

use std::process::Command;

use busbar::types::ServiceName;

use crate::support::launch::Process;
use crate::support::system::fresh_folder;
use crate::support::{Engine, TestSystem};

/// Runs a script as it would be pasted; what it printed.
fn pasted(script: &str) -> String {
    let output = Command::new("bash").args(["-c", script]).output().expect("bash and curl");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{out}\n{err}");
    out.into_owned()
}

/// A first run with nothing set but ports: one process, one password, three lines to paste.
#[actix_web::test]
async fn the_printed_lines_work_as_pasted() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let ports = ServiceName::ALL
        .map(|name| (format!("{}_PORT", name.variable_prefix()), system.port(name).to_string()));
    let folder = fresh_folder();
    let mut process = Process::start(&[], &ports, &folder);
    process.wait_for_log("The API is described at").await;
    system.ready(&ServiceName::ALL).await;

    let printed = process.log();
    let lines: Vec<&str> =
        printed.iter().map(|line| line.trim()).filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(lines.len(), 3, "{printed:?}");
    let answers: Vec<String> = lines.iter().map(|line| pasted(line)).collect();
    assert!(answers[0].contains(r#""gateway":"UP""#), "{}", answers[0]);
    assert!(answers[1].contains(r#""email":"alice@example.org""#), "{}", answers[1]);
    assert!(answers[2].contains(r#""access_token""#), "{}", answers[2]);

    let at = printed.iter().position(|line| line.contains("one-time password")).unwrap();
    let password = printed[at..]
        .iter()
        .map(|line| line.trim())
        .find(|line| !line.contains(' ') && !line.is_empty());
    story_of_the_readme(&system.url(), password.expect("a password"));
    drop(process);
    std::fs::remove_dir_all(folder).unwrap();
}

fn story_of_the_readme(url: &str, password: &str) {
    let readme = include_str!("../../README.md");
    let block = readme.split("```bash\n").nth(2).unwrap().split("```").next().unwrap();
    assert!(block.contains("THE ONE-TIME PASSWORD"), "{block}");
    let script = block
        .replace("http://127.0.0.1:3000", url)
        .replace("THE ONE-TIME PASSWORD", password)
        // The printed lines have signed her up already.
        .replace("alice@example.org", "alice.of.the.readme@example.org")
        // The payment reaches the bill by an event.
        .replace("curl -s $B/api/bills/$BILL -H", "sleep 2; curl -s $B/api/bills/$BILL -H");
    let printed = pasted(&script);
    for wanted in [
        r#""status":"issued""#,
        "201 Created",
        r#""status":"succeeded""#,
        r#""status":"paid""#,
        r#""balance_minor":0"#,
        r#""ok":true"#,
    ] {
        assert!(printed.contains(wanted), "{wanted} is missing:\n{printed}");
    }
}
