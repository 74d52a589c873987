//! Settings that change under load: no request is lost, and none gets another's answer.

use std::time::Duration;

use busbar::types::ServiceName;

use super::{gateway_of, port};
use crate::gateway::all_get_their_own;
use crate::support::system::Reloading;
use crate::support::wire::{Scripted, Then, reply};

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
    let is_whole = all_get_their_own(gateway, CLIENTS, REQUESTS, Duration::ZERO);
    let reloads = reloading.stop();

    assert!(is_whole, "{}", process.log().join("\n"));
    let told = process.log().iter().filter(|line| line.contains("setting gateway.")).count();
    assert!(reloads > 5 && told > 5, "{reloads} reloads, {told} changes");
    println!("{} requests over {reloads} reloads", CLIENTS * REQUESTS);
}
