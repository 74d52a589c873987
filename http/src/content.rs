//! Answers that are not JSON: a table or a drawing, made whole before it is sent.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::reply::Found;

/// Whatever is opened from here loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A text of another media type, with a name to be kept under.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    media_type: &'static str,
    disposition: String,
    text: String,
}

/// A resource as JSON, or what was made of it.
#[derive(Debug)]
pub enum Rendered<T> {
    Json(T),
    Content(Content),
}

impl Content {
    /// A table, to be kept.
    pub fn csv(text: String, filename: &str) -> Content {
        let disposition = disposition("attachment", filename);
        Content { media_type: "text/csv; charset=utf-8; header=present", disposition, text }
    }

    /// A drawing, to be looked at.
    pub fn svg(text: String, filename: &str) -> Content {
        let disposition = disposition("inline", filename);
        Content { media_type: "image/svg+xml; charset=utf-8", disposition, text }
    }
}

/// Names of files are plain: letters, digits, `.`, `_` and `-`.
fn disposition(kind: &str, filename: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = filename.chars().map(plain).collect();
    format!("{kind}; filename=\"{name}\"")
}

impl Responder for Content {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .insert_header((CONTENT_TYPE, self.media_type))
            .insert_header((CONTENT_DISPOSITION, self.disposition))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(self.text)
    }
}

impl<T: Serialize> Responder for Rendered<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Rendered::Json(body) => Found(body).respond_to(request),
            Rendered::Content(content) => content.respond_to(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_plain() {
        let content = Content::csv(String::new(), "a\"\r\n b.csv");
        assert_eq!(content.disposition, "attachment; filename=\"a____b.csv\"");
    }
}
