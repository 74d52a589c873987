//! A mail server that answers by a script, and drops connections on request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use crate::support::launch::PATIENCE;

use super::letters::Letter;

/// Where in a conversation the server is asked for its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Greeting,
    Mail,
    Recipient,
    /// The mail has come whole.
    Content,
}

/// What it says.
#[derive(Clone, Debug)]
pub(super) enum Say {
    Yes,
    No(&'static str),
    /// Nothing, ever again; the connection stays until the other side ends it.
    Nothing,
    /// Nothing, and the connection ends.
    HangUp,
}

type Script = dyn FnMut(Step) -> Say + Send;

pub(super) struct MailServer {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Box<Script>>,
    /// What it has taken, or hung up on after it came whole.
    heard: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl MailServer {
    pub(super) fn start(script: impl FnMut(Step) -> Say + Send + 'static) -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            heard: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.is_over.load(SeqCst) {
                    return;
                }
                let shared = accepting.clone();
                std::thread::spawn(move || shared.converse(stream));
            }
        });
        MailServer { port, shared }
    }

    /// What sends the program's mail here, in clear.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("BUSBAR_NOTIFICATIONS_SMTP_HOST", "127.0.0.1".to_owned()),
            ("BUSBAR_NOTIFICATIONS_SMTP_PORT", self.port.to_string()),
            ("BUSBAR_NOTIFICATIONS_SMTP_SECURITY", "none".to_owned()),
        ]
    }

    /// Nobody is there any more.
    pub(super) fn leave(&self) {
        self.shared.is_over.store(true, SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }

    /// Mails that came whole, whatever was said to them.
    pub(super) fn heard(&self) -> Vec<Letter> {
        self.shared.heard.lock().unwrap().iter().map(|mail| Letter::read(mail)).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Shared {
    /// `None`: hung up. A refused step leaves the conversation where it is.
    fn converse(&self, stream: TcpStream) -> Option<()> {
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut stream = stream;
        self.answer(&mut stream, Step::Greeting, "220 ready")?;
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 0 {
            let command = std::mem::take(&mut line).to_uppercase();
            match command.split_whitespace().next().unwrap_or_default() {
                "EHLO" => say(&mut stream, "250 here")?,
                "MAIL" => self.answer(&mut stream, Step::Mail, "250 ok")?,
                "RCPT" => self.answer(&mut stream, Step::Recipient, "250 ok")?,
                "DATA" => {
                    say(&mut stream, "354 go on")?;
                    self.heard.lock().unwrap().push(content(&mut reader)?);
                    self.answer(&mut stream, Step::Content, "250 taken")?;
                }
                "QUIT" => return say(&mut stream, "221 bye"),
                _ => say(&mut stream, "250 ok")?,
            }
        }
        Some(())
    }

    fn answer(&self, stream: &mut TcpStream, step: Step, yes: &str) -> Option<()> {
        let said = (self.script.lock().unwrap())(step);
        match said {
            Say::Yes => say(stream, yes),
            Say::No(no) => say(stream, no),
            Say::Nothing => {
                stream.set_read_timeout(None).ok()?;
                drop(stream.read(&mut [0]));
                None
            }
            Say::HangUp => None,
        }
    }
}

fn say(stream: &mut TcpStream, line: &str) -> Option<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).ok()
}

/// Up to the lonely dot, without the dots that were put before others (RFC 5321 section 4.5.2).
fn content(reader: &mut impl BufRead) -> Option<String> {
    let (mut mail, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
