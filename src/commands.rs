//! What the binary does for each command.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::StatusCode;
use busbar_actors::{Ending, Failure, panics, signals};

use crate::cli::{Command, Settings};
use crate::config::{Config, Faults, Warning, environment_of_process};
use crate::host::Host;
use crate::storage::{Database, Target};
use crate::types::ServiceName;
use crate::{tree, welcome};

/// Something is wrong with the settings, or with the command line.
const BAD_SETTINGS: u8 = 2;
/// How long `busbar health` waits for one service.
const HEALTH_WAIT: Duration = Duration::from_secs(2);

/// Runs a command; what it has to say goes to `out`, what is wrong to `err`.
pub fn run(command: Command, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    match command {
        Command::Version => {
            say(out, &format!("busbar {}", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        Command::Openapi => {
            say(out, &tree::document().to_string());
            ExitCode::SUCCESS
        }
        Command::CheckConfig(settings) => with_config(settings, err, |config, warnings, err| {
            tell(&warnings, err);
            say(out, config.settings.to_string().trim_end());
            Ok(ExitCode::SUCCESS)
        }),
        Command::Start(settings) => with_config(settings, err, |config, warnings, _| {
            log_to_stderr(&config)?;
            warnings.iter().for_each(|warning| log::warn!("{warning}"));
            actix_rt::System::new().block_on(start(config, out))
        }),
        Command::Migrate(settings) => with_config(settings, err, |config, warnings, err| {
            tell(&warnings, err);
            actix_rt::System::new().block_on(migrate(config, out))
        }),
        Command::Health(settings) => with_config(settings, err, |config, _, _| {
            actix_rt::System::new().block_on(health(config, out))
        }),
    }
}

/// Prints a line. A closed pipe is the reader's choice.
fn say(to: &mut dyn Write, text: &str) {
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
}

fn tell(warnings: &[Warning], err: &mut dyn Write) {
    warnings.iter().for_each(|warning| say(err, &format!("warning: {warning}")));
}

fn with_config(
    settings: Settings,
    err: &mut dyn Write,
    run: impl FnOnce(Config, Vec<Warning>, &mut dyn Write) -> Result<ExitCode, Failure>,
) -> ExitCode {
    let check_database =
        |url: &str| Target::parse(url, None).map(drop).map_err(|fault| fault.to_string());
    let loaded: Result<_, Faults> =
        Config::load(&settings.into(), environment_of_process(), check_database);
    match loaded {
        Err(faults) => {
            say(err, &faults.to_string());
            ExitCode::from(BAD_SETTINGS)
        }
        Ok((config, warnings)) => run(config, warnings, err).unwrap_or_else(|error| {
            say(err, &format!("busbar: {error}"));
            ExitCode::FAILURE
        }),
    }
}

fn log_to_stderr(config: &Config) -> Result<(), Failure> {
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(&config.log.filter).format_timestamp_millis().try_init()?;
    Ok(())
}

/// Starts the tree and serves until a signal; 0 after a stop in which nothing was cut.
async fn start(config: Config, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    panics::install();
    let mut requests = signals::install()?;
    let delay = Duration::from_millis(config.server.shutdown_delay_ms);
    let limit = Duration::from_millis(config.server.shutdown_timeout_ms);
    let host = Arc::new(Host::new(config)?);
    let tree = tree::Busbar::new(&host)?;
    let registry = tree.registry();
    let running = tokio::select! {
        running = tree.start(limit) => running?,
        signal = requests.stop() => {
            log::info!("{signal}: stopped before everything had started");
            return Ok(ExitCode::SUCCESS);
        }
    };
    say(out, &welcome::text(&host, &registry, running.administrator().as_ref()));

    let signal = requests.stop().await;
    log::info!("{signal}: not ready any more, serving for another {} ms", delay.as_millis());
    host.leaving.store(true, Ordering::SeqCst);
    actix_rt::time::sleep(delay).await;
    let cut = running.stop(Ending::Graceful).await;
    if cut.is_empty() {
        log::info!("everything has stopped");
        return Ok(ExitCode::SUCCESS);
    }
    log::error!("cut after {} ms: {}", limit.as_millis(), cut.join(", "));
    Ok(ExitCode::FAILURE)
}

async fn migrate(config: Config, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let host = Host::new(config)?;
    for name in host.config.process.services.iter().filter(|name| name.is_domain()) {
        let database: Database = tree::migrate(&host, *name).await?;
        say(out, &format!("{name}: {} is up to date", database.target()));
        database.close().await;
    }
    Ok(ExitCode::SUCCESS)
}

async fn health(config: Config, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let mut all_ready = true;
    for name in &config.process.services {
        let state = ask(&config, *name).await;
        all_ready &= state == "ready";
        say(out, &format!("{name}: {state}"));
    }
    Ok(if all_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(config: &Config, name: ServiceName) -> String {
    let bind = config.server.bind;
    let host = if bind.is_unspecified() { [127, 0, 0, 1].into() } else { bind };
    let address = std::net::SocketAddr::new(host, config.services.get(name).port);
    let client = awc::Client::builder().timeout(HEALTH_WAIT).disable_redirects().finish();
    match client.get(format!("http://{address}/health/ready")).send().await {
        Ok(answer) if answer.status() == StatusCode::OK => "ready".to_owned(),
        Ok(answer) => format!("not ready ({})", answer.status().as_u16()),
        Err(error) => format!("not ready ({error})"),
    }
}
