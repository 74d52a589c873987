//! What the server below every service refuses before a handler sees it: two ways to read the end
//! of one request (RFC 9112, section 6.3) are how requests are smuggled past a proxy.

use std::net::SocketAddr;

use actix_web::{App, HttpServer, web};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::in_time;

/// Starts a server that answers each request with 200, and gives its address.
fn start() -> SocketAddr {
    let server = HttpServer::new(|| {
        App::new().default_service(web::to(async |body: web::Bytes| format!("{}", body.len())))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    actix_rt::spawn(server.run());
    address
}

/// What a server answers to these bytes, up to the end of the connection.
async fn answer_to(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    in_time(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[actix_web::test]
async fn requests_that_end_in_two_places_are_refused() {
    let address = start();
    for fields in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "content-length: 0\r\ntransfer-encoding: chunked",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5\r\ncontent-length: 5",
        "content-length: +5",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        let answer = answer_to(address, &request).await;

        assert!(answer.starts_with("HTTP/1.1 400 "), "{fields:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{fields:?}: the rest is not read");
    }
}

#[actix_web::test]
async fn one_way_to_read_the_end_is_fine() {
    let address = start();
    for (fields, body) in
        [("content-length: 5", "hello"), ("transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    {
        let request =
            format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n\r\n{body}");
        let answer = answer_to(address, &request).await;

        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n5"), "{answer}");
    }
}
