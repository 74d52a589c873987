//! The texts of all templates, compiled in.

use super::super::model::Template;

/// Name and text.
type File = (&'static str, &'static str);

macro_rules! file {
    ($path:expr) => {
        ($path, include_str!(concat!("../templates/", $path)))
    };
}

/// The files of one language: what its pages have in common, and four for each template.
macro_rules! language {
    ($language:literal: $($name:literal),+) => {
        &[
            file!(concat!($language, "/page.html")),
            $(
                file!(concat!($language, "/", $name, ".subject")),
                file!(concat!($language, "/", $name, ".txt")),
                file!(concat!($language, "/", $name, ".html")),
                file!(concat!($language, "/", $name, ".inbox")),
            )+
        ]
    };
}

macro_rules! languages {
    ($($language:literal),+) => {
        &[$(($language, language!(
            $language: "bill_issued", "bill_overdue", "bill_paid", "payment_succeeded",
            "payment_failed", "email_verification", "password_reset", "password_changed",
            "session_ended", "announcement"
        ))),+]
    };
}

/// What pages of every language have in common.
pub(super) const SHARED: &[File] = &[file!("layout.html"), file!("parts.html")];

/// Every language with its files.
pub(super) const LANGUAGES: &[(&str, &[File])] = languages!("en", "de", "es");

/// Each template of the table has its files.
const _: () = assert!(LANGUAGES[0].1.len() == 1 + 4 * Template::ALL.len());
