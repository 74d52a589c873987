//! What the binary does for each command.

mod attend;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::StatusCode;
use busbar_actors::{Ending, Failure, panics, signals};

use crate::build::{BUILD, Build};
use crate::cli::{Command, Named, Order, Services, Settings, Start};
use crate::config::{Config, Faults, Warning, environment_of_process};
use crate::host::{Host, check_data_dir, check_database, raise_limit};
use crate::storage::Database;
use crate::types::{Clock, ServiceName};
use crate::{demo, logging, renewal, tree, welcome};

/// Something is wrong with the settings, or with the command line.
const BAD_SETTINGS: u8 = 2;
/// How long `busbar health` waits for one service.
const HEALTH_WAIT: Duration = Duration::from_secs(2);

/// Runs a command; what it has to say goes to `out`, what is wrong to `err`.
pub fn run(command: Command, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    match command {
        Command::Version => {
            let Build { version, commit, rustc } = BUILD;
            say(out, &format!("busbar {version} (commit {commit}, rustc {rustc})"));
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
        Command::Start(Start { settings, demo }) => {
            with_config(settings, err, |config, warnings, err| {
                logging::install(&config.log)?;
                warnings.iter().for_each(|warning| log::warn!("{warning}"));
                match plan(&config, demo) {
                    Ok(demo) => actix_rt::System::new().block_on(start(config, demo, out)),
                    Err(why) => {
                        say(err, &format!("--demo: {why}"));
                        Ok(ExitCode::from(BAD_SETTINGS))
                    }
                }
            })
        }
        Command::Migrate(settings) => with_config(settings, err, |config, warnings, err| {
            tell(&warnings, err);
            actix_rt::System::new().block_on(migrate(config, out))
        }),
        Command::Health(settings) => with_config(settings, err, |config, _, _| {
            actix_rt::System::new().block_on(health(config, out))
        }),
        Command::Services(Services { settings, json }) => {
            with_config(settings, err, |config, _, err| {
                let form = if json { attend::Form::Json } else { attend::Form::Table };
                actix_rt::System::new().block_on(attend::show(&config, form, out, err))
            })
        }
        Command::Service { order, settings } => attended(order, settings, out, err),
        Command::Restart(Named { settings, name }) => {
            attended(Order::Restart { name }, settings, out, err)
        }
        Command::Stop(Named { settings, name }) => {
            attended(Order::Stop { name }, settings, out, err)
        }
    }
}

/// Has a process that runs do something.
fn attended(
    order: Order,
    settings: Settings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    with_config(settings, err, |config, _, err| {
        actix_rt::System::new().block_on(attend::order(&config, &order, out, err))
    })
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

/// What the services go by.
fn clock(config: &Config) -> Clock {
    if config.faults.injection { Clock::settable() } else { Clock::system() }
}

/// The demo that is wanted and not there yet.
fn plan(config: &Config, is_wanted: bool) -> Result<Option<demo::Plan>, String> {
    if is_wanted { demo::Plan::new(config, Clock::system().now()) } else { Ok(None) }
}

/// A demo that fails half-way leaves what there is; the house stands all the same.
async fn load(
    plan: demo::Plan,
    host: &Host,
    administrator: Option<&welcome::Administrator>,
) -> Option<demo::Shown> {
    let users = &host.config.users;
    let made_up = administrator.and_then(|administrator| administrator.password.as_deref());
    let given = users.admin_password.as_ref().map(|password| password.expose());
    let password = made_up.or(given).unwrap_or_default();
    let url = welcome::gateway_url(&host.config);
    let loaded = plan.load(&url, &users.admin_email.to_string(), password).await;
    loaded.map_err(|fault| log::error!("the demo was not loaded whole: {fault}")).ok()
}

/// Starts the tree and serves until a signal; 0 after a stop in which nothing was cut.
async fn start(
    config: Config,
    demo: Option<demo::Plan>,
    out: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    panics::install();
    raise_limit();
    let mut requests = signals::install()?;
    let limit = Duration::from_millis(config.server.shutdown_timeout_ms);
    let clock = demo.as_ref().map_or_else(|| clock(&config), demo::Plan::clock);
    check_data_dir(&config)?;
    let host = Arc::new(Host::new(config, clock)?);
    let tree = tree::Busbar::new(&host)?;
    let registry = tree.registry();
    actix_rt::spawn(reload_on_hangup(requests.clone(), host.clone()));
    let running = tokio::select! {
        running = tree.start(limit) => running?,
        signal = requests.stop() => {
            log::info!("{signal}: stopped before everything had started");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let shown = match demo {
        None => None,
        Some(plan) => {
            say(
                out,
                "Living through the year of the demo: half a minute, the services serve meanwhile.",
            );
            let administrator = running.administrator();
            tokio::select! {
                shown = load(plan, &host, administrator.as_ref()) => shown,
                _ = requests.stop() => {
                    running.stop(Ending::Graceful).await;
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
    };
    say(out, &welcome::text(&host, &registry, running.administrator().as_ref()));
    if let Some(shown) = shown {
        say(out, &shown.to_string());
    }

    let delay = || Duration::from_millis(host.now().config.server.shutdown_delay_ms);
    let is_worn_out = tokio::select! {
        signal = requests.stop() => {
            let ms = delay().as_millis();
            log::info!("{signal}: not ready any more, serving for another {ms} ms");
            false
        }
        () = running.worn_out() => true,
    };
    host.leaving.store(true, Ordering::SeqCst);
    actix_rt::time::sleep(if is_worn_out { Duration::ZERO } else { delay() }).await;
    let cut = running.stop(Ending::Graceful).await;
    if is_worn_out && !requests.is_stopping() {
        return Err(renewal::begin_anew().into());
    }
    if cut.is_empty() {
        log::info!("everything has stopped");
        return Ok(ExitCode::SUCCESS);
    }
    log::error!("cut after {} ms: {}", limit.as_millis(), cut.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Reads the settings again at each HUP, for as long as the system lives.
async fn reload_on_hangup(mut requests: signals::Requests, host: Arc<Host>) {
    host.heed(Box::new(|before, host| {
        // What somebody has set meanwhile stays, unless the setting itself is another.
        if before.log != host.config.log {
            logging::set(&host.config.log);
        }
    }));
    while requests.hangup().await {
        log::info!("SIGHUP: the settings are read again");
        let host = host.clone();
        // What is wrong has been told.
        let _ = actix_rt::task::spawn_blocking(move || host.reload()).await;
    }
}

async fn migrate(config: Config, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let clock = clock(&config);
    let host = Host::new(config, clock)?;
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
