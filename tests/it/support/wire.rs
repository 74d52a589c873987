//! HTTP/1.1 by hand, on both sides: a client that sends what no client would, and a service that
//! answers by a script.
//!
//! Both block, and run on threads of their own where a test goes on meanwhile.

mod scripted;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) use self::scripted::{Heard, Scripted, Then, pause, reply, say, wait_for_close};
use super::launch::PATIENCE;

/// One message as it came: its first line, its fields in lower case, its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// It ended as its head had announced.
    pub(crate) is_whole: bool,
}

impl Message {
    /// All values of a field, joined; empty when there is none.
    pub(crate) fn field(&self, name: &str) -> String {
        let values = self.fields.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Of an answer.
    pub(crate) fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// Of a request.
    pub(crate) fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// Of a request.
    pub(crate) fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// Reads one message. `None` when the other side has closed before its first byte.
pub(crate) fn read_message(stream: &mut impl Read, has_body: bool) -> Option<Message> {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ if head.is_empty() => return None,
            _ => return Some(Message { line: text(&head), ..Message::default() }),
        }
    }
    let head = text(&head);
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let fields: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut message = Message { line, fields, body: Vec::new(), is_whole: true };
    if has_body {
        read_body(stream, &mut message);
    }
    Some(message)
}

fn read_body(stream: &mut impl Read, message: &mut Message) {
    let length = message.field("content-length").parse::<usize>();
    if message.field("transfer-encoding") == "chunked" {
        message.is_whole = read_chunks(stream, &mut message.body).is_some();
    } else if let Ok(length) = length {
        let mut body = Vec::new();
        drop(stream.take(length as u64).read_to_end(&mut body));
        message.is_whole = body.len() == length;
        message.body = body;
    } else if message.line.starts_with("HTTP/") && !matches!(message.status(), 100..200 | 204 | 304)
    {
        message.is_whole = stream.read_to_end(&mut message.body).is_ok();
    }
}

fn read_chunks(stream: &mut impl Read, body: &mut Vec<u8>) -> Option<()> {
    loop {
        let size = usize::from_str_radix(read_line(stream)?.trim(), 16).ok()?;
        let mut chunk = Vec::new();
        stream.take(size as u64).read_to_end(&mut chunk).ok()?;
        body.extend(&chunk);
        if chunk.len() < size {
            return None;
        }
        read_line(stream)?;
        if size == 0 {
            return Some(());
        }
    }
}

fn read_line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    let mut byte = [0_u8];
    while !line.ends_with(b"\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => line.push(byte[0]),
            _ => return None,
        }
    }
    Some(text(&line))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A connection of a client.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn to(port: u16) -> Wire {
        Wire::over(TcpStream::connect(("127.0.0.1", port)).expect("a connection"), PATIENCE)
    }

    /// `wait`: for each piece of an answer.
    pub(crate) fn over(stream: TcpStream, wait: Duration) -> Wire {
        stream.set_read_timeout(Some(wait)).unwrap();
        stream.set_nodelay(true).unwrap();
        Wire(stream)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Wire {
        // A server that has answered already may not read on.
        drop(self.0.write_all(bytes.as_ref()));
        self
    }

    /// Sends a request without a body, and keeps the connection.
    pub(crate) fn get(&mut self, target: &str) -> Message {
        self.send(format!("GET {target} HTTP/1.1\r\nhost: busbar\r\n\r\n"));
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> Message {
        read_message(&mut self.0, true).expect("an answer")
    }

    /// An answer to HEAD.
    pub(crate) fn head_only(&mut self) -> Message {
        read_message(&mut self.0, false).expect("an answer")
    }

    /// One line, with its end.
    pub(crate) fn line(&mut self) -> String {
        read_line(&mut self.0).expect("a line")
    }

    /// As `answer`; `None` when the connection is closed instead.
    pub(crate) fn try_answer(&mut self) -> Option<Message> {
        read_message(&mut self.0, true)
    }

    /// Whether the other side has closed already, before anything more is sent to it.
    pub(crate) fn has_been_closed(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let seen = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        !matches!(seen, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Waits until the other side closes, and says whether it did so without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut byte = [0_u8];
        // A reset closes, too.
        !matches!(self.0.read(&mut byte), Ok(1..))
    }
}

/// Sends these bytes on a connection of their own.
pub(crate) fn exchange(port: u16, bytes: impl AsRef<[u8]>) -> Message {
    Wire::to(port).send(bytes).answer()
}
