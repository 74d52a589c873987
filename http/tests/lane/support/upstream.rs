//! An upstream that does on each connection exactly what a test tells it.

use std::{
    cell::{Cell, RefCell},
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    rc::{Rc, Weak},
};

use busbar_http::lane::Base;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

const READ_BYTES: usize = 64 * 1024;

/// Serves on the thread of the test until the test ends.
pub(crate) struct Script {
    address: SocketAddr,
    record: Rc<Record>,
}

/// What came in over all connections.
#[derive(Default)]
pub(crate) struct Record {
    connections: Cell<usize>,
    open: Cell<usize>,
    requests: RefCell<Vec<String>>,
    streams: RefCell<Vec<Weak<TcpStream>>>,
}

/// One accepted connection.
pub(crate) struct Connection {
    stream: Rc<TcpStream>,
    unread: Vec<u8>,
    record: Rc<Record>,
    /// Counted from 1.
    pub(crate) number: usize,
}

impl Script {
    /// `script` runs once for each connection.
    pub(crate) async fn start<F>(script: impl Fn(Connection) -> F + 'static) -> Script
    where
        F: Future<Output = ()> + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Rc::new(Record::default());
        let shared = record.clone();
        actix_rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let stream = Rc::new(stream);
                shared.streams.borrow_mut().push(Rc::downgrade(&stream));
                shared.connections.set(shared.connections.get() + 1);
                shared.open.set(shared.open.get() + 1);
                let number = shared.connections.get();
                let unread = Vec::new();
                let connection = Connection { stream, unread, record: shared.clone(), number };
                actix_rt::spawn(script(connection));
            }
        });
        Script { address, record }
    }

    /// Every connection answers every request with these bytes.
    pub(crate) async fn answering(bytes: &'static str) -> Script {
        Script::start(move |mut connection| async move {
            while connection.request().await.is_some() {
                connection.send(bytes).await;
            }
        })
        .await
    }

    /// The first connection answers once with these bytes and waits; later ones behave.
    pub(crate) async fn answering_once(bytes: impl Into<String>) -> Script {
        let bytes: String = bytes.into();
        Script::start(move |mut connection| {
            let bytes = bytes.clone();
            async move {
                if connection.number == 1 {
                    connection.request().await;
                    connection.send(&bytes).await;
                    connection.hang_up_seen().await;
                }
                connection.behave().await;
            }
        })
        .await
    }

    pub(crate) fn base(&self) -> Base {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.record.connections.get()
    }

    /// Connections whose script has not ended.
    pub(crate) fn open(&self) -> usize {
        self.record.open.get()
    }

    /// The request lines, in the order they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.record.requests.borrow().clone()
    }

    /// Accepted connections that the other side holds open. Each one counted was open when the
    /// count began, so it is never too high.
    pub(crate) fn sockets(&self) -> usize {
        self.record.sockets()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Record {
    fn sockets(&self) -> usize {
        let streams = self.streams.borrow();
        streams.iter().filter_map(Weak::upgrade).filter(|stream| is_open(stream)).count()
    }
}

impl Connection {
    /// Reads one request whole; `None` when the other side has closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let head = self.head().await?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            self.read().await?;
        }
        let body: Vec<u8> = self.unread.drain(..length).collect();
        Some(head + &String::from_utf8(body).unwrap())
    }

    /// Reads one chunk of a body; the last one is empty.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        let line = loop {
            match self.unread.windows(2).position(|window| window == b"\r\n") {
                Some(end) => break end,
                None => self.read().await?,
            };
        };
        let length = std::str::from_utf8(&self.unread[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let whole = line + 2 + length + 2;
        while self.unread.len() < whole {
            self.read().await?;
        }
        let chunk: Vec<u8> = self.unread.drain(..whole).collect();
        Some(String::from_utf8(chunk[line + 2..whole - 2].to_vec()).unwrap())
    }

    /// Reads one request's head only.
    pub(crate) async fn head(&mut self) -> Option<String> {
        let end = loop {
            match self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(start) => break start + 4,
                None => self.read().await?,
            };
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        self.record.requests.borrow_mut().push(line);
        Some(head)
    }

    /// What one system call gives; `None` at the end.
    pub(crate) async fn read(&mut self) -> Option<usize> {
        let mut bytes = vec![0; READ_BYTES];
        let length = loop {
            self.stream.readable().await.ok()?;
            match self.stream.try_read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return None,
                Ok(length) => break length,
            }
        };
        self.unread.extend_from_slice(&bytes[..length]);
        Some(length)
    }

    /// What was read and not yet taken for a request.
    pub(crate) fn unread(&self) -> String {
        String::from_utf8(self.unread.clone()).unwrap()
    }

    /// As [`Script::sockets`].
    pub(crate) fn sockets(&self) -> usize {
        self.record.sockets()
    }

    pub(crate) fn forget_unread(&mut self) {
        self.unread.clear();
    }

    /// The other side may have gone: then nothing is sent.
    pub(crate) async fn send(&mut self, bytes: &str) {
        self.try_send(bytes.as_bytes()).await;
    }

    /// `false` when the other side has gone.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.stream.writable().await.is_err() {
                return false;
            }
            match self.stream.try_write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
        true
    }

    pub(crate) async fn answer(&mut self, body: &str) {
        let length = body.len();
        self.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    }

    /// Answers each request with its own path, as an upstream should.
    pub(crate) async fn behave(&mut self) {
        while let Some(request) = self.request().await {
            let path = request.split(' ').nth(1).unwrap().to_owned();
            self.answer(&path).await;
        }
    }

    /// Returns when the other side has closed.
    pub(crate) async fn hang_up_seen(&mut self) {
        while self.read().await.is_some() {}
    }
}

fn is_open(stream: &TcpStream) -> bool {
    match SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]) {
        Ok(length) => length > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.record.open.set(self.record.open.get() - 1);
    }
}
