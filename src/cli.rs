//! The command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::Overrides;
use crate::types::nearest;

/// Busbar: a self-hosted backend for utility bills and their payment.
#[derive(Debug, Parser)]
#[command(name = "busbar", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub start: Start,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts the services (the default)
    Start(Start),
    /// Checks all settings, shows each with its origin, and starts nothing
    CheckConfig(Settings),
    /// Brings the databases of the services up to date, and starts nothing
    Migrate(Settings),
    /// Asks the services of this process's settings whether they are ready: 0 if all are
    Health(Settings),
    /// Shows the services of the process that runs: state, restarts, how they last ended
    Services(Services),
    /// Replaces a service's incarnation in the process that runs; no request is lost
    Restart(Named),
    /// Stops a service in the process that runs, and closes its port
    Stop(Named),
    /// Starts, stops, restarts, pauses or resumes a service in the process that runs
    Service {
        #[command(subcommand)]
        order: Order,
        #[command(flatten)]
        settings: Settings,
    },
    /// Prints the OpenAPI description of the whole
    Openapi,
    /// Prints the version
    Version,
}

/// What is started, and with what.
#[derive(Debug, Clone, Args)]
pub struct Start {
    #[command(flatten)]
    pub settings: Settings,
    /// Begins with a year of made-up data, in an empty data directory
    #[arg(long)]
    pub demo: bool,
}

/// What is shown of the services, and how.
#[derive(Debug, Clone, Args)]
pub struct Services {
    #[command(flatten)]
    pub settings: Settings,
    /// As the admin port tells it
    #[arg(long)]
    pub json: bool,
}

/// A service by name.
#[derive(Debug, Clone, Args)]
pub struct Named {
    #[command(flatten)]
    pub settings: Settings,
    /// The service
    pub name: String,
}

/// What a service is told.
#[derive(Debug, Clone, Subcommand)]
pub enum Order {
    /// Starts one that was stopped or has failed
    Start { name: String },
    /// Stops it, and closes its port
    Stop { name: String },
    /// Replaces its incarnation; no request is lost
    Restart { name: String },
    /// Lets its new connections wait
    Pause { name: String },
    /// Takes them again
    Resume { name: String },
}

impl Order {
    /// The word for it, and the service.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Order::Start { name } => ("start", name),
            Order::Stop { name } => ("stop", name),
            Order::Restart { name } => ("restart", name),
            Order::Pause { name } => ("pause", name),
            Order::Resume { name } => ("resume", name),
        }
    }
}

/// Where settings come from besides the defaults and the environment.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// A file with settings, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The services to host, separated by commas; all nine without it
    #[arg(long, value_name = "NAMES")]
    pub services: Option<String>,
    /// Where databases, keys, documents and mail are kept
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl From<Settings> for Overrides {
    fn from(settings: Settings) -> Overrides {
        let Settings { config, services, data } = settings;
        Overrides { file: config, services, data_dir: data }
    }
}

/// Reads the arguments; what cannot be read is answered with what can.
pub fn parse(
    arguments: impl Iterator<Item = std::ffi::OsString>,
) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(arguments).map_err(|error| {
        let word = match error.get(clap::error::ContextKind::InvalidSubcommand) {
            Some(clap::error::ContextValue::String(word)) => word.clone(),
            _ => return error,
        };
        let command = Arguments::command();
        let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let closest = nearest(&word, names.iter().copied());
        let hint = closest.map_or(String::new(), |name| format!(" Did you mean `{name}`?"));
        let text = format!("there is no command `{word}`; there are {}.{hint}\n", names.join(", "));
        Arguments::command().error(ErrorKind::InvalidSubcommand, text)
    })
}
