//! The binary: reads the command line and does what it says.

use std::io::{stderr, stdout};
use std::process::ExitCode;

use busbar::cli::{self, Command};
use busbar::commands;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(arguments) => {
            let command = arguments.command.unwrap_or(Command::Start(arguments.start));
            let code = commands::run(command, &mut stdout(), &mut stderr());
            log::logger().flush();
            code
        }
        Err(error) => {
            // Help and version come this way too; printing fails only when nobody listens.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    }
}
