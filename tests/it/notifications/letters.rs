//! Mails as they were written, read back: headers, and the two forms of the text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::TestSystem;

/// A mail of two parts.
#[derive(Clone)]
pub(crate) struct Letter {
    headers: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n{}", self.headers, self.text)
    }
}

/// All mails in the mailbox of the data directory. What is half written is none.
pub(crate) fn mailbox(system: &TestSystem) -> Vec<Letter> {
    let Ok(entries) = std::fs::read_dir(system.folder().join("data/mailbox")) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "eml"));
    paths.sort();
    paths.into_iter().map(|path| Letter::read(&std::fs::read_to_string(path).unwrap())).collect()
}

/// The mails without those that came again, as they may when their sender lost sight of them.
pub(crate) fn distinct(mut letters: Vec<Letter>) -> Vec<Letter> {
    letters.sort_by_key(|letter| letter.header("message-id"));
    letters.dedup_by_key(|letter| letter.header("message-id"));
    letters
}

impl Letter {
    pub(crate) fn read(mail: &str) -> Letter {
        let (head, body) = mail.split_once("\r\n\r\n").expect("a head and a body");
        let headers = headers(head);
        let kind = find(&headers, "content-type");
        let boundary = kind.split("boundary=").nth(1).expect("parts").trim_matches('"');
        let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 4, "two parts between three boundaries");
        Letter { headers, text: part(parts[1]), html: part(parts[2]) }
    }

    /// A header's value in words; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> String {
        find(&self.headers, name)
    }

    pub(crate) fn is_to(&self, address: &str) -> bool {
        let to = self.header("to");
        to == address || to.ends_with(&format!("<{address}>"))
    }

    /// The code that stands on a line of its own.
    pub(crate) fn code(&self) -> String {
        let lines = self.text.lines().map(str::trim);
        let is_code = |line: &&str| line.len() > 40 && !line.contains(' ');
        lines.into_iter().find(is_code).expect("a code").to_owned()
    }
}

fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines = unfolded.split("\r\n").filter_map(|line| line.split_once(": "));
    lines.map(|(name, value)| (name.to_lowercase(), words(value))).collect()
}

fn find(headers: &[(String, String)], name: &str) -> String {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Encoded words (RFC 2047) in base64, as they are written here.
fn words(value: &str) -> String {
    let mut text = value.replace("?= =?", "?==?");
    while let Some(begin) = text.find("=?utf-8?b?") {
        let end = begin + 10 + text[begin + 10..].find("?=").unwrap();
        let word = STANDARD.decode(&text[begin + 10..end]).unwrap();
        text.replace_range(begin..end + 2, std::str::from_utf8(&word).unwrap());
    }
    text
}

fn part(part: &str) -> String {
    let (head, body) = part.trim_start().split_once("\r\n\r\n").expect("a part");
    match find(&headers(head), "content-transfer-encoding").as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => {
            let joined: String = body.split_whitespace().collect();
            String::from_utf8(STANDARD.decode(joined).unwrap()).unwrap()
        }
        _ => body.to_owned(),
    }
    .replace("\r\n", "\n")
}

fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'=' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}
