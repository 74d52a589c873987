//! Addresses and settings that change at the same time, under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;

use super::{FILE, NAME, OFTEN, address, answered, instance, lead};
use crate::gateway::{PATIENT, QUIET, all_get_their_own, port};
use crate::support::system::Reloading;
use crate::support::wire::{Scripted, Then, pause, reply};
use crate::support::{Engine, TestSystem, postgres};

const CLIENTS: usize = 4;
const REQUESTS: usize = 400;
/// Between two changes of the addresses.
const PACE: Duration = Duration::from_millis(150);

fn echoing(last: u8, port: u16) -> Scripted {
    Scripted::at(address(last, port), |heard, stream| {
        reply(stream, &heard.message.field("x-nonce"));
        Then::Keep
    })
}

/// Every answer is 200 and the client's own, writes that cannot be repeated alike; afterwards the last
/// word of both holds.
#[actix_web::test]
async fn no_request_is_lost_when_addresses_and_settings_change_together() {
    let place = postgres::free_port();
    let _instances = [2, 3, 4].map(|last| echoing(last, place));
    let system = TestSystem::prepare(Engine::Sqlite);
    system.share_a_key();
    system.set_gateway("", "");
    lead(system.folder(), NAME, &[2, 3]);
    let url = format!("dns+http://{NAME}:{place}");
    let more = [QUIET, PATIENT, FILE, OFTEN, ("PAYMENT_SERVICE_URL", url.as_str())];
    system.spawn(&[ServiceName::Gateway], &more);
    system.ready(&[ServiceName::Gateway]).await;
    let (gateway, process) = (port(&system), system.take_process());
    let reloading = Reloading::start(system.folder(), &process, "");
    let (is_over, folder) = (Arc::<AtomicBool>::default(), system.folder().to_owned());
    let ended = is_over.clone();
    let moving = std::thread::spawn(move || {
        for to in [&[2, 3][..], &[3, 4], &[4], &[2, 4]].iter().cycle() {
            lead(&folder, NAME, to);
            pause(PACE);
            if ended.load(SeqCst) {
                return;
            }
        }
    });
    let is_whole = all_get_their_own(gateway, CLIENTS, REQUESTS, Duration::from_millis(3));
    is_over.store(true, SeqCst);
    moving.join().unwrap();
    let reloads = reloading.stop();

    assert!(is_whole, "{}", process.log().join("\n"));
    let told = |text: &str| process.log().iter().filter(|line| line.contains(text)).count();
    let (settings, moves) = (told("setting gateway."), told(&format!("the name {NAME}, ad")));
    assert!(reloads > 5 && settings > 5 && moves > 5, "{reloads}, {settings}, {moves}");
    println!("{} requests over {reloads} reloads and {moves} moves", CLIENTS * REQUESTS);

    lead(system.folder(), NAME, &[3]);
    system.set_gateway("rate_limit = \"100000/60s\"", "");
    process.signal("HUP");
    let (_two, three, _four) = (&_instances[0], &_instances[1], &_instances[2]);
    let holds = async || {
        let before = three.heard().len();
        let mut is_limited = true;
        for _ in 0..10 {
            let answer = system.anonymous().get("/api/payments").await;
            is_limited &= !answer.header("ratelimit-policy").is_empty();
        }
        is_limited && three.heard().len() == before + 10
    };
    system.eventually("the last word of both holds", holds).await;
}

/// A route that comes with other settings has its name looked up at once, and again.
#[actix_web::test]
async fn a_route_may_lead_to_a_name() {
    let place = postgres::free_port();
    let ((two, _), (_three, _)) = (instance(2, place), instance(3, place));
    let system = TestSystem::prepare(Engine::Sqlite);
    system.set_gateway("", "");
    lead(system.folder(), NAME, &[2]);
    system.spawn(&[ServiceName::Gateway], &[QUIET, PATIENT, FILE, OFTEN]);
    system.ready(&[ServiceName::Gateway]).await;
    let route = format!(
        "[[gateway.routes]]\nprefix = \"/api/payments\"\nupstreams = [\"dns+http://{NAME}:{place}/base\"]\n"
    );
    system.set_gateway("", &route);
    system.hang_up();
    let comes = async || answered(&system.anonymous(), 1).await == [2];
    system.eventually("it leads there", comes).await;
    assert_eq!(two.last().target(), "/base/api/payments");
    lead(system.folder(), NAME, &[3]);
    let moves = async || answered(&system.anonymous(), 5).await == [3];
    system.eventually("it leads elsewhere", moves).await;

    let bad = route.replace(NAME, "127.0.0.2");
    system.set_gateway("", &bad);
    let told = system.hang_up();
    system.told_after(told, "for every address of that name").await;
    assert_eq!(answered(&system.anonymous(), 5).await, [3], "everything stays as it is");
}
