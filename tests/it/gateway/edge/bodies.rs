//! The largest body, to the byte, and what it costs to refuse the next one.

use awc::http::Method;

use super::{before, port};
use crate::support::wire::{Scripted, Wire};

const MIB: usize = 1 << 20;

/// A mebibyte passes, one byte more does not; and nothing of it is kept meanwhile.
#[actix_web::test]
async fn a_body_of_one_byte_too_many_is_refused_and_not_kept() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let post = async |length: usize| {
        let body = Some("x".repeat(length));
        system.anonymous().send(Method::POST, "/api/payments", body).await
    };
    post(MIB).await.expect(200);
    post(MIB + 1).await.expect_problem(413, "body_too_large");
    assert_eq!(service.heard().len(), 1);

    let process = system.take_process();
    let before = process.resident_kib();
    let piece = format!("{:x}\r\n{}\r\n", MIB / 16, "x".repeat(MIB / 16));
    let mut wires: Vec<Wire> = (0..64).map(|_| Wire::to(port(&system))).collect();
    for wire in &mut wires {
        wire.send(
            "POST /api/payments HTTP/1.1\r\nhost: busbar\r\ntransfer-encoding: chunked\r\n\r\n",
        );
        for _ in 0..15 {
            wire.send(&piece);
        }
    }
    let grown = process.resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1_024, "60 MiB have come, and {grown} KiB are held");
    for wire in &mut wires {
        wire.send(&piece).send("1\r\nx\r\n0\r\n\r\n");
        assert_eq!(wire.answer().status(), 413);
    }
}
