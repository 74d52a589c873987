//! A service that answers by a script.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Message, read_message};
use crate::support::launch::PATIENCE;

/// What is done with a connection after an answer.
pub(crate) enum Then {
    /// The next request may come.
    Keep,
    Close,
}

/// A request, and where it came in.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) message: Message,
    /// Counts from 0.
    pub(crate) connection: usize,
}

type Script = dyn Fn(&Heard, &mut TcpStream) -> Then + Send + Sync;

/// A service that answers by a script. It says that it is well by itself.
pub(crate) struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<Script>,
    heard: Mutex<Vec<Heard>>,
    /// Connections with at least one request.
    opened: AtomicUsize,
    open: AtomicUsize,
    is_over: AtomicBool,
}

impl Scripted {
    pub(crate) fn start(
        script: impl Fn(&Heard, &mut TcpStream) -> Then + Send + Sync + 'static,
    ) -> Scripted {
        Scripted::at(([127, 0, 0, 1], 0).into(), script)
    }

    /// As `start`, at an address of this machine.
    pub(crate) fn at(
        address: SocketAddr,
        script: impl Fn(&Heard, &mut TcpStream) -> Then + Send + Sync + 'static,
    ) -> Scripted {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            heard: Mutex::default(),
            opened: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.is_over.load(SeqCst) {
                    return;
                }
                let shared = accepting.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Scripted { address, shared }
    }

    /// Answers each request with 200 and this text.
    pub(crate) fn saying(text: &'static str) -> Scripted {
        Scripted::start(move |_, stream| {
            reply(stream, text);
            Then::Keep
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, without those about health.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Message {
        self.heard().pop().expect("a request").message
    }

    pub(crate) fn open(&self) -> usize {
        self.shared.open.load(SeqCst)
    }

    pub(crate) fn opened(&self) -> usize {
        self.shared.opened.load(SeqCst)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.is_over.store(true, SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut number = None;
        while let Some(message) = read_message(&mut stream, true) {
            if message.target().starts_with("/health") {
                drop(stream.write_all(
                    b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 15\r\n\r\n{\"status\":\"UP\"}",
                ));
                return;
            }
            let connection = *number.get_or_insert_with(|| {
                self.open.fetch_add(1, SeqCst);
                self.opened.fetch_add(1, SeqCst)
            });
            let heard = Heard { message, connection };
            self.heard.lock().unwrap().push(heard.clone());
            if matches!((self.script)(&heard, &mut stream), Then::Close) {
                break;
            }
        }
        drop(stream.shutdown(Shutdown::Both));
        if number.is_some() {
            self.open.fetch_sub(1, SeqCst);
        }
    }
}

/// A whole answer with a length.
pub(crate) fn reply(stream: &mut TcpStream, text: &str) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
    say(stream, format!("{head}{text}"));
}

/// The other side may have gone.
pub(crate) fn say(stream: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    drop(stream.write_all(bytes.as_ref()));
}

/// Waits until the other side closes.
pub(crate) fn wait_for_close(stream: &mut TcpStream) {
    let mut byte = [0_u8];
    while matches!(stream.read(&mut byte), Ok(1..)) {}
}

/// The pace of a script; nothing waits for it.
pub(crate) fn pause(wait: Duration) {
    std::thread::sleep(wait);
}
