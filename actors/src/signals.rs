//! The one actor that hears the process's signals.
//!
//! TERM and INT ask for a graceful stop: a person at a terminal wants their payments finished as much
//! as an orchestrator does. A second one means it, and ends the process with code 1 at once. HUP asks
//! for the settings to be read again. No server may install handlers of its own.

use std::io;

use actix::{Actor, AsyncContext, Context, StreamHandler};
use futures_util::stream::{StreamExt, poll_fn};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The exit code of a stop that was not waited for.
const FORCED_EXIT_CODE: i32 = 1;

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Stop(&'static str),
    Hangup,
}

/// The actor. It lives as long as its system.
pub struct Signals {
    stop: watch::Sender<Option<&'static str>>,
    hangups: watch::Sender<u64>,
}

/// What the process was asked for. Clones hear the same.
#[derive(Clone)]
pub struct Requests {
    stop: watch::Receiver<Option<&'static str>>,
    hangups: watch::Receiver<u64>,
}

/// Installs the handlers and starts the actor on this thread's system.
pub fn install() -> io::Result<Requests> {
    let mut heard = [
        (signal(SignalKind::terminate())?, Heard::Stop("SIGTERM")),
        (signal(SignalKind::interrupt())?, Heard::Stop("SIGINT")),
        (signal(SignalKind::hangup())?, Heard::Hangup),
    ]
    .into_iter();
    let (stop, stop_requests) = watch::channel(None);
    let (hangups, hangup_requests) = watch::channel(0);
    Signals::create(|context| {
        for (source, meaning) in &mut heard {
            listen(source, meaning, context);
        }
        Signals { stop, hangups }
    });
    Ok(Requests { stop: stop_requests, hangups: hangup_requests })
}

fn listen(mut source: Signal, meaning: Heard, context: &mut Context<Signals>) {
    context.add_stream(poll_fn(move |task| source.poll_recv(task)).map(move |()| meaning));
}

impl Actor for Signals {
    type Context = Context<Self>;
}

impl StreamHandler<Heard> for Signals {
    #[expect(clippy::disallowed_methods, reason = "the second signal is not a drain")]
    fn handle(&mut self, heard: Heard, _: &mut Context<Self>) {
        match heard {
            Heard::Hangup => self.hangups.send_modify(|count| *count += 1),
            Heard::Stop(name) if self.stop.borrow().is_none() => {
                log::info!("{name}: stopping; a second one ends the process at once");
                self.stop.send_replace(Some(name));
            }
            Heard::Stop(name) => {
                log::warn!("{name} again: the process ends, whatever is under way is cut");
                log::logger().flush();
                std::process::exit(FORCED_EXIT_CODE);
            }
        }
    }

    /// A signal's stream never ends; should one, the others are still wanted.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Requests {
    /// Waits for the first TERM or INT; gives its name. At once, if there was one already.
    pub async fn stop(&mut self) -> &'static str {
        match self.stop.wait_for(Option::is_some).await {
            Ok(name) => name.unwrap_or("a signal"),
            Err(_) => "the end of the system",
        }
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// Waits for the next HUP. Several while nobody waited count as one. False when none will come.
    pub async fn hangup(&mut self) -> bool {
        self.hangups.changed().await.is_ok()
    }
}
