//! The server of an incarnation, from its first poll to its end, and its line to the supervisor.

use std::pin::pin;

use actix_web::dev::ServerHandle;
use actix_web::web;
use busbar_actors::{Ending, Exit, Failure, Incarnation, Serving, monitor};
use busbar_http::{Kit, Limits, serve};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::faults::{Fault, Faults};
use crate::types::ServiceName;

use super::Host;

/// A server as its supervisor sees it.
struct Served(ServerHandle);

impl Serving for Served {
    fn pause(&self) -> BoxFuture<'static, ()> {
        self.0.pause().boxed()
    }

    fn resume(&self) -> BoxFuture<'static, ()> {
        self.0.resume().boxed()
    }

    fn stop(&self, ending: Ending) -> BoxFuture<'static, ()> {
        self.0.stop(ending == Ending::Graceful).boxed()
    }
}

/// Whom a server's life is told to, and who may cut it short.
pub struct Told<'a> {
    pub incarnation: &'a Incarnation,
    pub faults: &'a Faults,
    /// Which service it is, and what it was built from.
    pub service: Option<(ServiceName, &'a Host)>,
}

/// Opens the port and serves until the supervisor stops the server.
///
/// When `lost` tells that an essential child has died for good, that is told as a failing part, and
/// HTTP goes on until the next incarnation has taken over.
pub async fn serve_incarnation<F>(
    told: Told<'_>,
    limits: &Limits,
    kit: Kit,
    configure: F,
    lost: impl Future<Output = Exit>,
) -> Result<(), Failure>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let Told { incarnation, faults, service } = told;
    let mut injected = faults.hear();
    let server = serve(incarnation.listen()?, limits, kit, configure)?;
    let handle = server.handle();
    let mut server = pin!(server);
    // The first poll starts workers and acceptor.
    if let Some(ended) = server.as_mut().now_or_never() {
        return Ok(ended?);
    }
    incarnation.up(Served(handle.clone()));
    if let Some((name, host)) = service {
        host.serves(name);
    }
    let mut lost = pin!(lost.fuse());
    loop {
        tokio::select! {
            ended = server.as_mut() => return Ok(ended?),
            exit = &mut lost, if !futures_util::future::FusedFuture::is_terminated(&lost) => {
                incarnation.failing(exit);
            }
            Some(fault) = injected.recv() => happen(fault, incarnation, &handle).await,
        }
    }
}

async fn happen(fault: Fault, incarnation: &Incarnation, handle: &ServerHandle) {
    match fault {
        Fault::PanicLife => {
            #[expect(clippy::panic, reason = "this is the fault")]
            let fallen = monitor::spawn(async { panic!("an injected panic of the life") as () });
            incarnation.failing(fallen.await);
        }
        // Not waited for: it is this task that carries it out.
        Fault::Deaf => drop(actix_rt::spawn(handle.pause())),
        fault => fault.strike(),
    }
}
