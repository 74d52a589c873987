//! What is asked of a process that runs, at its admin port: `busbar services`, `busbar restart NAME`.

use std::fmt::Write as _;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use busbar_actors::Failure;
use serde_json::Value;

use super::say;
use crate::cli::Order;
use crate::config::{AdminAddress, Config};

/// Longer than a service may take to drain and to come up.
const WAIT_SECONDS: u64 = 60;
const ANSWER_MARGIN: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// What is shown of why a service ended; the rest is in `--json`.
const EXIT_CHARACTERS_MAX: usize = 60;

const COLUMNS: [&str; 7] =
    ["service", "state", "port", "generation", "restarts", "uptime", "last exit"];

/// How services are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Json,
}

/// `busbar services`.
pub(super) async fn show(
    config: &Config,
    form: Form,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    let services = match ask(config, Method::GET, "/admin/services").await {
        Ok((StatusCode::OK, services)) => services,
        Ok((status, problem)) => return Ok(refused(status, &problem, err)),
        Err(why) => return Ok(not_told(&why, err)),
    };
    match form {
        Form::Json => say(out, &serde_json::to_string_pretty(&services)?),
        Form::Table => say(out, table(&services).trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// `busbar restart NAME` and its like: waits for the outcome.
pub(super) async fn order(
    config: &Config,
    order: &Order,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    let (command, name) = order.parts();
    let path = format!("/admin/services/{name}/{command}?wait={WAIT_SECONDS}");
    let (status, answer) = match ask(config, Method::POST, &path).await {
        Ok(answered) => answered,
        Err(why) => return Ok(not_told(&why, err)),
    };
    if !status.is_success() {
        return Ok(refused(status, &answer, err));
    }
    let id = text(&answer["id"]);
    match answer["state"].as_str() {
        Some("done") => {
            let serves = answer["generation"].as_u64().map(|g| format!(": generation {g} serves"));
            say(out, &format!("{name}: {command} done{}", serves.unwrap_or_default()));
            Ok(ExitCode::SUCCESS)
        }
        Some("failed") => {
            say(err, &format!("{name}: {command} failed: {}", text(&answer["error"])));
            Ok(ExitCode::FAILURE)
        }
        _ => {
            say(
                err,
                &format!("{name}: {command} goes on; GET /admin/operations/{id} tells how it ends"),
            );
            Ok(ExitCode::FAILURE)
        }
    }
}

fn not_told(why: &str, err: &mut dyn Write) -> ExitCode {
    say(err, &format!("busbar: {why}"));
    ExitCode::FAILURE
}

fn refused(status: StatusCode, problem: &Value, err: &mut dyn Write) -> ExitCode {
    let detail = problem["detail"].as_str().map(|detail| format!(": {detail}"));
    let hint = match status {
        StatusCode::UNAUTHORIZED => ": set BUSBAR_ADMIN_TOKEN as the process has it",
        _ => "",
    };
    let title = problem["title"].as_str().unwrap_or("it was refused");
    say(err, &format!("busbar: {title}{}{hint}", detail.unwrap_or_default()));
    ExitCode::FAILURE
}

async fn ask(config: &Config, method: Method, path: &str) -> Result<(StatusCode, Value), String> {
    let address = address(config)?;
    let wait = Duration::from_secs(WAIT_SECONDS) + ANSWER_MARGIN;
    let client = awc::Client::builder().timeout(wait).disable_redirects().finish();
    let mut request = client
        .request(method, format!("http://{address}{path}"))
        .insert_header(("user-agent", concat!("busbar/", env!("CARGO_PKG_VERSION"))));
    if let Some(token) = &config.admin.token {
        request = request.bearer_auth(token.expose());
    }
    let mut answer = request.send().await.map_err(|error| {
        format!(
            "no process answers at {address} ({error}): is it running, and does it have the same \
             BUSBAR_ADMIN_ADDR?"
        )
    })?;
    let body = answer.body().limit(ANSWER_BYTES_MAX).await.map_err(|error| error.to_string())?;
    let told = serde_json::from_slice(&body);
    let told = told.map_err(|_| format!("what answers at {address} is no admin port"))?;
    Ok((answer.status(), told))
}

/// Where the settings say that a process is looked after.
fn address(config: &Config) -> Result<SocketAddr, String> {
    let mut address = match config.admin.address {
        AdminAddress::Usual => AdminAddress::USUAL,
        AdminAddress::At(address) => address,
        AdminAddress::Off => return Err("the settings say that there is no admin port".to_owned()),
    };
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}

fn table(services: &Value) -> String {
    let services = services["services"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<[String; 7]> = services.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([COLUMNS[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let mut text = String::new();
    let heads = COLUMNS.map(str::to_owned);
    for row in std::iter::once(&heads).chain(&rows) {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

fn row(service: &Value) -> [String; 7] {
    let uptime = service["uptime_s"].as_u64().map_or_else(|| "-".to_owned(), duration);
    let last = &service["exits"][0];
    let exit = match last["reason"].as_str() {
        None => "-".to_owned(),
        Some(reason) => {
            let message = text(&last["message"]);
            let place = last["location"].as_str().map(|at| format!(" ({})", file_and_line(at)));
            let told =
                if message == reason { reason.to_owned() } else { format!("{reason}: {message}") };
            format!("{}{}", cut(&told), place.unwrap_or_default())
        }
    };
    let cells = ["name", "state", "port", "generation", "restarts"].map(|key| text(&service[key]));
    let [name, state, port, generation, restarts] = cells;
    [name, state, port, generation, restarts, uptime, exit]
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One line of at most so many characters.
fn cut(message: &str) -> String {
    let line: String = message.lines().next().unwrap_or_default().to_owned();
    if line.chars().count() <= EXIT_CHARACTERS_MAX {
        return line;
    }
    line.chars().take(EXIT_CHARACTERS_MAX).chain(['…']).collect()
}

/// Without the column.
fn file_and_line(location: &str) -> &str {
    location.rsplit_once(':').map_or(location, |(place, _)| place)
}

/// The two largest units: `2d 4h`, `13m 5s`.
fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = seconds;
    let parts = units.map(|(unit, name)| {
        let count = left / unit;
        left %= unit;
        (count, name)
    });
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0 || first == 3);
    shown.map(|(count, name)| format!("{count}{name}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_are_read_at_a_glance() {
        for (seconds, expected) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (785, "13m 5s"), (3_600, "1h"), (187_200, "2d 4h")]
        {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn the_table_stands_in_columns_and_says_why_a_service_ended() {
        let long = "x".repeat(100);
        let shown = table(&json!({"services": [
            {"name": "users", "state": "running", "port": 3001, "generation": 1, "restarts": 0,
             "uptime_s": 61, "exits": []},
            {"name": "payments", "state": "failed", "port": 3002, "generation": 6, "restarts": 5,
             "exits": [{"reason": "panic", "message": long, "location": "src/a.rs:12:5"}]},
        ]}));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "service   state    port  generation  restarts  uptime  last exit");
        assert_eq!(lines[1], "users     running  3001  1           0         1m 1s   -");
        assert!(
            lines[2]
                .starts_with("payments  failed   3002  6           5         -       panic: xxx")
        );
        assert!(lines[2].ends_with("… (src/a.rs:12)"), "{}", lines[2]);
    }
}
