//! The server's side of a client's connection: one request at a time, each within its bounds.
//!
//! Under the server lies a [`Stream`] of ours instead of the bare socket. It reads along where each
//! request ends (`head`, `line`, `chunks`) and is a turnstile: the bytes of a next request are
//! handed on when the answer to the one before has gone out whole. So
//!
//! * requests sent in a row cannot disturb each other's answers (the server's parser keeps what it
//!   knows of a request, its method and version, for the last that it has read);
//! * every head has its deadline, the first and each later one, and a client that takes nothing of
//!   its answer is left alone after a while;
//! * what two readers could understand in two ways is refused before anybody acts on it;
//! * it is known when an interim answer (1xx) can be written: after the request was begun and
//!   before its answer has. That is what an [`Interim`] is for.
//!
//! `door` stands between the server and the handlers and tells the stream which turn it is,
//! `refusal` is what is said to those who never come in, `repeat` what is given to those who ask in
//! the very words of somebody before.

mod alarm;
mod chunks;
mod door;
mod head;
mod incoming;
mod interim;
mod line;
mod refusal;
mod repeat;
mod stream;

use std::cell::{Cell, RefCell};
use std::net::Shutdown;
use std::rc::Rc;
use std::task::Waker;

use actix_rt::net::TcpStream;
use actix_web::dev::Extensions;
use bytes::BytesMut;
use prometheus::IntCounterVec;
use socket2::SockRef;

pub(crate) use self::door::{Expecting, Made, kept, through};
use self::head::Follows;
pub use self::interim::Interim;
use self::line::Line;
use self::refusal::Refusal;
pub(crate) use self::repeat::Repeats;
pub use self::repeat::{Repeat, Repeatable};
pub(crate) use self::stream::{Stream, Times};

/// How far the answer to the request in hand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// There is no request, or it has not come to a handler.
    NotAsked,
    /// A handler works at it; not one byte of it exists.
    Awaited,
    /// Its bytes may be on their way.
    Going,
    /// Its last byte is made.
    Made,
    /// The socket has taken all of it.
    Gone,
}

/// What the stream, the door and whoever sends interim answers know of one connection. All of them
/// live on one thread.
pub(crate) struct Connection {
    socket: RefCell<TcpStream>,
    /// Of an interim answer: what the socket has not taken yet.
    unsent: RefCell<BytesMut>,
    answer: Cell<Answer>,
    /// Counts requests.
    turn: Cell<u32>,
    takes_interim: Cell<bool>,
    /// The request line in hand, as it was read here.
    line: Cell<Option<Line>>,
    /// What follows the head that was handed on, as it was read here.
    follows: Cell<Follows>,
    /// Some of the body came with its head: the client does not wait to be asked for it.
    has_body_come: Cell<bool>,
    /// A refusal was written; nothing else may be.
    is_refused: Cell<bool>,
    /// The server's task, when it waits for bytes that are held back.
    server: RefCell<Option<Waker>>,
    refused: IntCounterVec,
    repeats: Option<Rc<Repeats>>,
    /// The head of the request in hand, if it has come before.
    repeated: RefCell<Option<Box<[u8]>>>,
}

impl Connection {
    fn new(
        socket: TcpStream,
        refused: IntCounterVec,
        repeats: Option<Rc<Repeats>>,
    ) -> Rc<Connection> {
        Rc::new(Connection {
            socket: RefCell::new(socket),
            unsent: RefCell::default(),
            answer: Cell::new(Answer::NotAsked),
            turn: Cell::new(0),
            takes_interim: Cell::new(false),
            line: Cell::new(None),
            follows: Cell::new(Follows::Nothing),
            has_body_come: Cell::new(false),
            is_refused: Cell::new(false),
            server: RefCell::default(),
            refused,
            repeats,
            repeated: RefCell::default(),
        })
    }

    /// A handler gets the request whose head was handed on last. False when the server's parser
    /// has understood it in another way.
    fn begin(&self, follows: Follows, takes_interim: bool) -> bool {
        self.turn.set(self.turn.get().wrapping_add(1));
        self.takes_interim.set(takes_interim);
        self.answer.set(Answer::Awaited);
        // To the server's parser another protocol begins behind such a head; but not where a body was
        // announced, which would have no end then.
        if follows == Follows::Everything && self.follows.get().is_empty() {
            self.follows.set(follows);
            self.wake();
        }
        self.follows.get() == follows
    }

    /// The request is for the whole server, though its target does not say so as others do.
    fn asks_server(&self) -> bool {
        self.line.get().is_some_and(|line| line.asks_server)
    }

    /// The answer's head exists.
    fn answers(&self) {
        self.answer.set(Answer::Going);
    }

    fn has_answered(&self) {
        if self.answer.get() == Answer::Going {
            self.answer.set(Answer::Made);
        }
    }

    fn wake(&self) {
        if let Some(server) = self.server.borrow_mut().take() {
            server.wake();
        }
    }

    /// Writes a refusal instead of an answer, if none has begun. Nothing is written after it.
    fn refuse(&self, refusal: Refusal) {
        self.refused.with_label_values(&[refusal.code()]).inc();
        log::debug!("a request was refused: {}", refusal.code());
        let is_silent = matches!(self.answer.get(), Answer::NotAsked | Answer::Awaited);
        if !is_silent || self.is_refused.replace(true) || !self.unsent.borrow().is_empty() {
            return;
        }
        let socket = self.socket.borrow();
        // It fits into an empty socket; who has filled theirs does not read anyway.
        let is_head = self.line.get().is_some_and(|line| line.is_head);
        drop(socket.try_write(&refusal.written(is_head)));
        drop(SockRef::from(&*socket).shutdown(Shutdown::Write));
    }
}

/// Makes the connection known to its requests.
pub(crate) fn introduce(stream: &Stream, extensions: &mut Extensions) {
    extensions.insert(stream.connection());
}
