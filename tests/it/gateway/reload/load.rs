//! Settings that change under load: no request is lost, and none gets another's answer.

use std::thread::JoinHandle;

use busbar::types::ServiceName;

use super::{gateway_of, port};
use crate::support::system::Reloading;
use crate::support::wire::{Scripted, Then, Wire, reply};

const CLIENTS: usize = 8;
const REQUESTS: usize = 500;

/// Every answer is 200 and the client's own, reads and writes that cannot be repeated alike, on
/// connections that are kept throughout.
#[actix_web::test]
async fn no_request_is_lost() {
    let service = Scripted::start(|heard, stream| {
        reply(stream, &heard.message.field("x-nonce"));
        Then::Keep
    });
    let system = gateway_of(&service, ServiceName::Payments, "", "").await;
    let (gateway, process) = (port(&system), system.take_process());
    let reloading = Reloading::start(system.folder(), &process, "");
    let client = |client: usize| {
        std::thread::spawn(move || {
            let mut wire = Wire::to(gateway);
            for number in 0..REQUESTS {
                let nonce = format!("{client}-{number}");
                let method = if number % 2 == 0 { "POST" } else { "GET" };
                wire.send(format!(
                    "{method} /api/payments HTTP/1.1\r\nhost: busbar\r\nx-nonce: {nonce}\r\n\
                     content-length: 0\r\n\r\n"
                ));
                let answer = wire.answer();
                assert_eq!((answer.status(), answer.text()), (200, nonce), "{answer:?}");
            }
        })
    };
    let clients: Vec<JoinHandle<()>> = (0..CLIENTS).map(client).collect();
    let outcomes: Vec<_> = clients.into_iter().map(JoinHandle::join).collect();

    let reloads = reloading.stop();

    assert!(outcomes.iter().all(Result::is_ok), "{}", process.log().join("\n"));
    let told = process.log().iter().filter(|line| line.contains("setting gateway.")).count();
    assert!(reloads > 5 && told > 5, "{reloads} reloads, {told} changes");
    println!("{} requests over {reloads} reloads", CLIENTS * REQUESTS);
}
