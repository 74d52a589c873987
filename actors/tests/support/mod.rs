//! What both test crates share: a small HTTP client, and waiting with an end.
#![allow(dead_code, reason = "each test crate uses a part")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_rt::net::TcpStream;
use actix_rt::time::{sleep, timeout};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// Long enough for a busy machine; only a failing test waits it out.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const LOCAL: [u8; 4] = [127, 0, 0, 1];

#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The server asks to close.
    pub(crate) close: bool,
    pub(crate) body: String,
}

/// A kept connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) async fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(to)).await??;
        Ok(Connection { stream: BufReader::new(stream) })
    }

    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(path).await?;
        self.answer().await
    }

    pub(crate) async fn send(&mut self, path: &str) -> io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).await
    }

    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        timeout(PATIENCE, self.read_answer()).await?
    }

    async fn read_answer(&mut self) -> io::Result<Answer> {
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (mut length, mut close) = (0, false);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("connection", value)) => close = value == "close",
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, close, body: String::from_utf8(body).unwrap() })
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        Ok(line.trim_end().to_owned())
    }
}

/// One request on a connection of its own.
pub(crate) async fn get(to: SocketAddr, path: &str) -> io::Result<Answer> {
    Connection::open(to).await?.get(path).await
}

/// Waits until `holds` does.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, wait).await.is_ok(), "never came true: {what}");
}

/// Runs a test on a system of its own.
pub(crate) fn on_a_system(test: impl Future<Output = ()>) {
    actix_rt::System::new().block_on(test);
}
