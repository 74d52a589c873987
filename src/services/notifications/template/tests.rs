//! Every template in every language, with all it needs and without.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::services::notifications::model::Template;

fn writer() -> Writer {
    Writer::new("https://pay.example.org/").unwrap()
}

fn reader(locale: &str) -> Reader {
    Reader { locale: locale.parse().unwrap(), timezone: "America/Chicago".parse().unwrap() }
}

/// All that any template looks at.
fn everything() -> Variables {
    let values = json!({
        "name": "Ada Lovelace", "number": "RIVERPOW-2026-000001", "provider": "River Power",
        "period_start": "2026-10-01", "period_last": "2026-10-31", "due_on": "2026-11-15",
        "total_minor": 4496, "balance_minor": 2000, "tax_minor": 296, "amount_minor": 4496,
        "currency": "USD", "days": 3, "occurred_at": "2026-11-01T20:05:00.000Z",
        "payment_id": "0190a1b2-0000-7000-8000-000000000000", "reason": "card_declined",
        "lines": [{"description": "Electricity", "amount_minor": 4200}],
        "token": "AbC-123_token", "expires_at": "2026-11-02T20:05:00.000Z",
        "subject": "Planned works", "text": "First line\nsecond line\n\nA second paragraph.",
    });
    values.as_object().unwrap().clone()
}

#[test]
fn every_template_is_written_in_every_language() {
    let writer = writer();
    for (language, _) in LANGUAGES {
        for template in Template::ALL {
            let letter = writer.letter(*template, &reader(language), &everything()).unwrap();
            let notice = writer.notice(*template, &reader(language), &everything()).unwrap();
            assert_eq!(letter.locale.to_string(), *language);
            assert_eq!(letter.subject, notice.subject);
            for words in [&letter.subject, &letter.text, &letter.html, &notice.text] {
                assert!(!words.trim().is_empty(), "{language}/{template}");
                assert!(!words.contains("{{") && !words.contains("{%"), "{language}/{template}");
            }
            // The address may be somebody else's, and the name not theirs.
            let is_named = *template != Template::EmailVerification;
            for words in [&letter.text, &letter.html] {
                assert_eq!(words.contains("Ada Lovelace"), is_named, "{language}/{template}");
            }
            assert!(letter.html.contains("pay.example.org"), "{language}/{template}");
            assert!(!notice.text.contains("AbC-123_token"), "a notice is kept: no token in it");
        }
    }
}

#[test]
fn every_language_needs_the_same() {
    let writer = writer();
    for template in Template::ALL {
        for part in ["subject", "txt", "html", "inbox"] {
            let need = |language: &str| {
                needs(&writer.environment, &format!("{language}/{template}.{part}")).unwrap()
            };
            for (language, _) in LANGUAGES {
                assert_eq!(need(language), need(LAST_RESORT), "{language}/{template}.{part}");
            }
            let known = everything();
            assert!(need(LAST_RESORT).iter().all(|name| known.contains_key(name)), "{template}");
        }
    }
}

#[test]
fn a_variable_that_is_missing_is_named() {
    let writer = writer();
    for template in Template::ALL {
        for part in ["subject", "txt", "html"] {
            let name = format!("en/{template}.{part}");
            for needed in needs(&writer.environment, &name).unwrap() {
                let mut some = everything();
                some.remove(&needed);
                let fault = writer.letter(*template, &reader("en"), &some).unwrap_err();
                assert_eq!(fault, Fault::Missing(vec![needed]), "{name}");
            }
        }
    }
    let mut some = everything();
    some.insert("lines".to_owned(), json!([{"amount_minor": 4200}]));
    let fault = writer.letter(Template::BillIssued, &reader("en"), &some).unwrap_err();
    assert_eq!(fault, Fault::Missing(vec![]));
}

#[test]
fn what_is_no_amount_or_date_is_told_without_its_value() {
    let writer = writer();
    for name in ["currency", "due_on", "total_minor"] {
        let mut odd = everything();
        odd.insert(name.to_owned(), json!("secret"));
        let fault = writer.letter(Template::BillIssued, &reader("en"), &odd).unwrap_err();
        let Fault::Invalid(what) = fault else { panic!("{name}") };
        assert!(!what.contains("secret"), "{what}");
    }
}

#[test]
fn html_is_escaped_and_a_subject_is_one_line() {
    let writer = writer();
    let mut odd = everything();
    odd.insert("name".to_owned(), json!("<script>alert(1)</script> & Co"));
    odd.insert("subject".to_owned(), json!("one\r\nBcc: two"));
    let letter = writer.letter(Template::Announcement, &reader("en"), &odd).unwrap();
    assert!(letter.html.contains("&lt;script&gt;") && !letter.html.contains("<script>"));
    assert!(letter.text.contains("<script>alert(1)</script> & Co"), "plain text stays plain");
    assert_eq!(letter.subject, "one Bcc: two");
    assert!(letter.html.contains("First line<br>"), "{}", letter.html);
}

#[test]
fn a_language_falls_back_to_a_wider_one_and_at_last_to_english() {
    let writer = writer();
    for (asked, written, amount) in [
        ("de-CH", "de-CH", "44,96\u{a0}$"),
        ("ES-419", "ES-419", "44,96\u{a0}$"),
        ("en-GB", "en-GB", "$44.96"),
        ("fr-CA", "en", "$44.96"),
    ] {
        let letter = writer.letter(Template::BillIssued, &reader(asked), &everything()).unwrap();
        assert_eq!(letter.locale.to_string(), written);
        assert!(letter.subject.contains(amount), "{}", letter.subject);
    }
    let german = writer.letter(Template::BillIssued, &reader("de-CH"), &everything()).unwrap();
    assert!(german.text.contains("Fällig am: 15. November 2026"), "{}", german.text);
}

#[test]
fn a_person_without_a_name_is_greeted_all_the_same() {
    let mut nobody = everything();
    nobody.insert("name".to_owned(), Value::Null);
    let letter = writer().letter(Template::BillPaid, &reader("en"), &nobody).unwrap();
    assert!(letter.text.starts_with("Hello,\n\n"), "{}", letter.text);
}
