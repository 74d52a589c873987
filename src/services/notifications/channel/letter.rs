//! A mail as it goes over the wire: headers, and the same words as plain text and as HTML. Pure.

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use super::Mail;

/// Nobody answers to what a machine sends (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
/// By what mail programs sort (RFC 2919).
const LIST_ID: HeaderName = HeaderName::new_from_ascii_str("List-Id");
const CONTENT_LANGUAGE: HeaderName = HeaderName::new_from_ascii_str("Content-Language");

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
        .subject(mail.letter.subject.clone())
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

/// A control character in a name would be one in a header.
fn one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
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
}
