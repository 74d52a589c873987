//! How something ended: the word for it, the message, and the place if it panicked.

use std::any::Any;
use std::error::Error;
use std::fmt;

use crate::panics;

/// Bound of a kept message: exits are held in memory and shown in `/health`.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// Why an incarnation or a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It returned without an error.
    Finished,
    /// It returned an error, or did not come up in time.
    Error,
    /// It panicked.
    Panic,
    /// It stopped answering and was cut off.
    Hung,
    /// Somebody asked for it.
    Admin,
    /// Its process ended without a word: killed, out of memory, or the machine stopped.
    Lost,
}

impl Reason {
    pub const ALL: [Reason; 6] =
        [Reason::Finished, Reason::Error, Reason::Panic, Reason::Hung, Reason::Admin, Reason::Lost];

    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Finished => "finished",
            Reason::Error => "error",
            Reason::Panic => "panic",
            Reason::Hung => "hung",
            Reason::Admin => "admin",
            Reason::Lost => "lost",
        }
    }
}

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub reason: Reason,
    pub message: String,
    /// `file:line:column` of a panic, when the hook of [`panics`] saw it.
    pub location: Option<String>,
}

impl Exit {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Exit { reason, message: cut(message.into()), location: None }
    }

    pub fn finished() -> Self {
        Exit::new(Reason::Finished, "finished")
    }

    pub fn error(message: impl Into<String>) -> Self {
        Exit::new(Reason::Error, message)
    }

    /// The end of code that panicked on this very thread with `payload`.
    pub fn panicked(payload: &(dyn Any + Send)) -> Self {
        let location = panics::last_location();
        Exit { location, ..Exit::new(Reason::Panic, panics::message(payload)) }
    }
}

/// The whole chain of sources on one line.
impl From<&(dyn Error + Send + Sync)> for Exit {
    fn from(error: &(dyn Error + Send + Sync)) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Exit::error(message)
    }
}

impl From<String> for Exit {
    fn from(message: String) -> Self {
        Exit::error(message)
    }
}

impl From<&str> for Exit {
    fn from(message: &str) -> Self {
        Exit::error(message)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Finished => f.write_str("finished")?,
            reason => write!(f, "{}: {}", reason.as_str(), self.message)?,
        }
        match &self.location {
            Some(location) => write!(f, " (at {location})"),
            None => Ok(()),
        }
    }
}

fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_sources() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("reading the port")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let outer = Outer("x".parse::<u16>().err().unwrap_or_else(|| unreachable!()));
        let exit = Exit::from(&outer as &(dyn Error + Send + Sync));
        assert_eq!(exit.to_string(), "error: reading the port: invalid digit found in string");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let exit = Exit::error("é".repeat(MESSAGE_BYTES_MAX));
        assert_eq!(exit.message.len(), MESSAGE_BYTES_MAX);
    }
}
