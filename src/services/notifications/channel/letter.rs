//! A mail as it goes over the wire: headers, and the same words as plain text and as HTML. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use super::Mail;

/// Nobody answers to what a machine sends (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
/// By what mail programs sort (RFC 2919).
const LIST_ID: HeaderName = HeaderName::new_from_ascii_str("List-Id");
const SUBJECT: HeaderName = HeaderName::new_from_ascii_str("Subject");
const CONTENT_LANGUAGE: HeaderName = HeaderName::new_from_ascii_str("Content-Language");
/// What begins a word in another coding (RFC 2047); whoever reads a mail has it decoded.
const ENCODED: &str = "=?";
/// Of the text in one such word: it stays below 75 characters, and its line below 76 behind the name.
const WORD_BYTES_MAX: usize = 39;

pub(super) fn message(
    from: &Mailbox,
    to: Address,
    mail: &Mail<'_>,
) -> Result<Message, lettre::error::Error> {
    let domain = from.email.domain();
    let raw = |name: &HeaderName, text: String| HeaderValue::new(name.clone(), text);
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(mail.name.map(one_line), to))
        .raw_header(subject(&mail.letter.subject))
        .date(mail.date)
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .raw_header(raw(&LIST_ID, format!("<{}.{domain}>", mail.category)))
        .raw_header(raw(&AUTO_SUBMITTED, "auto-generated".to_owned()))
        .raw_header(raw(&CONTENT_LANGUAGE, mail.letter.locale.to_string()))
        .multipart(MultiPart::alternative_plain_html(
            mail.letter.text.clone(),
            mail.letter.html.clone(),
        ))
}

/// A subject that reads as what it is. The library encodes what is not ASCII, and would let pass
/// what merely looks as if it were encoded.
fn subject(text: &str) -> HeaderValue {
    if !text.contains(ENCODED) {
        return HeaderValue::new(SUBJECT, text.to_owned());
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= WORD_BYTES_MAX => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?b?{}?=", STANDARD.encode(word))).collect();
    HeaderValue::dangerous_new_pre_encoded(SUBJECT, text.to_owned(), words.join("\r\n "))
}

/// A control character in a name would be one in a header.
fn one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use lettre::message::header::Headers;

    use super::*;
    use crate::services::notifications::model::{Category, NotificationId};
    use crate::services::notifications::template::Letter;

    #[test]
    fn a_mail_is_the_same_each_time_and_has_two_forms() {
        let letter = Letter {
            locale: "de".parse().unwrap(),
            subject: "Fällig: Rechnung".to_owned(),
            text: "Guten Tag, Jürgen".to_owned(),
            html: "<p>Guten Tag, Jürgen</p>".to_owned(),
        };
        let (to, id) = ("ada@example.org".parse().unwrap(), NotificationId::new());
        let mail = Mail {
            id,
            category: Category::Billing,
            date: std::time::SystemTime::UNIX_EPOCH,
            to: &to,
            name: Some("Jürgen, \"the\" Ada\r\nBcc: x@y.org"),
            letter: &letter,
        };
        let from: Mailbox = "Busbar <no-reply@pay.example.org>".parse().unwrap();
        let made = || message(&from, "ada@example.org".parse().unwrap(), &mail).unwrap();
        let text = String::from_utf8(made().formatted()).unwrap();
        assert!(text.is_ascii());
        for line in [
            format!("Message-ID: <{id}@pay.example.org>\r\n"),
            "List-Id: <billing.pay.example.org>\r\n".to_owned(),
            "Auto-Submitted: auto-generated\r\n".to_owned(),
            "Content-Language: de\r\n".to_owned(),
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n".to_owned(),
            "Subject: =?utf-8?".to_owned(),
            "Content-Type: multipart/alternative;".to_owned(),
            "Content-Type: text/plain; charset=utf-8\r\n".to_owned(),
            "Content-Type: text/html; charset=utf-8\r\n".to_owned(),
        ] {
            assert!(text.contains(&line), "{line} in\n{text}");
        }
        assert!(!text.contains("\r\nBcc:"), "{text}");
    }

    #[test]
    fn a_subject_that_looks_encoded_reads_as_what_it_is() {
        let header = |text: &str| {
            let mut headers = Headers::new();
            headers.insert_raw(subject(text));
            headers.to_string().trim_end().to_owned()
        };
        assert_eq!(header("Bill = paid?"), "Subject: Bill = paid?");
        for text in ["Overdue: =?utf-8?q?paid?=", "=?", &format!("=?{}", "Ö€".repeat(60))] {
            let mut read = Vec::new();
            for line in header(text).split("\r\n ") {
                assert!(line.len() <= 76, "{line}");
                let word = line.strip_prefix("Subject: ").unwrap_or(line);
                let word = word.strip_prefix("=?utf-8?b?").unwrap().strip_suffix("?=").unwrap();
                // No character is cut.
                read.push(String::from_utf8(STANDARD.decode(word).unwrap()).unwrap());
            }
            assert_eq!(read.concat(), text);
        }
    }
}
