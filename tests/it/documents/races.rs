//! The same bytes sent and deleted by many at once: no document is ever without its content.

use busbar::types::ServiceName;
use futures_util::future::join_all;

use super::desk::{PATH, Sending, blobs, content, id_of};
use crate::support::both_engines;

const PEOPLE: usize = 8;
const ROUNDS: usize = 6;

both_engines! {
    with &[ServiceName::Users, ServiceName::Documents];

    /// Each sends, reads and deletes the same bytes again and again; what is written down can be
    /// read, and with the last document the bytes are gone.
    async fn the_same_bytes_come_and_go(system: TestSystem) {
        let alice = system.person("alice").await;
        let turns = (0..PEOPLE).map(|_| async {
            for _ in 0..ROUNDS {
                let made = Sending::plain("same.txt", "the same bytes").by(&alice).await.expect(201);
                let read = alice.get(&content(&id_of(&made))).await;
                assert_eq!(read.text(), "the same bytes", "{read}");
                alice.delete(&format!("{PATH}/{}", id_of(&made))).await.expect(204);
            }
        });
        join_all(turns).await;
        assert!(blobs(&system).is_empty(), "{:?}", blobs(&system));

        let kept = Sending::plain("same.txt", "the same bytes").by(&alice).await.expect(201);
        assert_eq!(alice.get(&content(&id_of(&kept))).await.text(), "the same bytes");
    }
}
