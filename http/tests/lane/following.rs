//! A service whose instances come and go.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use busbar_http::{
    Peer, PeerError,
    client::Following,
    lane::{Base, Instance},
};
use tokio::sync::Notify;

use crate::{
    peer::{Sum, get, token},
    support::{Script, eventually, limits},
};

const SUM: &str = "HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"amount_minor\":1}";

/// One that comes is asked, one that goes is not asked any more and answers what it was asked; one that
/// stays keeps its connection.
#[actix_web::test]
async fn instances_come_and_go() {
    let finish = Arc::new(Notify::new());
    let held = finish.clone();
    let leaving = Script::start(move |mut connection| {
        let held = held.clone();
        async move {
            while connection.request().await.is_some() {
                held.notified().await;
                connection.send(SUM).await;
            }
        }
    })
    .await;
    let staying = Script::answering(SUM).await;
    let (version, bases) = (Arc::<AtomicU64>::default(), Arc::<Mutex<Vec<Base>>>::default());
    let now = bases.clone();
    let list = move |earlier: &[Arc<Instance>]| {
        let same = |base: &Base| earlier.iter().find(|known| known.base() == base).cloned();
        let instance =
            |base: &Base| same(base).unwrap_or_else(|| Instance::new(base.clone(), limits()));
        now.lock().unwrap().iter().map(instance).collect()
    };
    let following = Following { version: version.clone(), list: Arc::new(list) };
    let peer = Peer::following("billing", following, token());
    let set = |places: &[&Script]| {
        *bases.lock().unwrap() = places.iter().map(|place| place.base()).collect();
        version.fetch_add(1, SeqCst);
    };
    let error = get(&peer).await.unwrap_err();
    assert!(matches!(error, PeerError::Unreachable { .. }), "there is none yet: {error}");

    set(&[&leaving]);
    let asked = async { assert_eq!(get(&peer).await, Ok(Sum { amount_minor: 1 })) };
    let gone = async {
        eventually(1, || leaving.requests().len()).await;
        set(&[&leaving, &staying]);
        set(&[&staying]);
        for _ in 0..3 {
            assert_eq!(get(&peer).await, Ok(Sum { amount_minor: 1 }));
        }
        finish.notify_one();
    };
    tokio::join!(asked, gone);
    set(&[&staying, &leaving]);
    set(&[&staying]);
    assert_eq!(get(&peer).await, Ok(Sum { amount_minor: 1 }));

    assert_eq!((leaving.requests().len(), staying.requests().len()), (1, 4));
    assert_eq!(staying.connections(), 1);
}
