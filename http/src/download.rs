//! A file as an answer: conditions, one range, header fields that are safe to send, and the bytes
//! straight from the disk, off the event loop.
//!
//! Whatever people have uploaded is only ever handed over to be saved: `attachment`, no sniffing,
//! and a sandbox for what opens it all the same.

mod conditions;
mod disposition;
pub mod range;
mod stream;

use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::body::SizedStream;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, HttpDate, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use self::conditions::Verdict;
use self::range::Selected;
use crate::problem::{Problem, kinds};

/// Kept by the one who asked, and asked for again each time: who may see it may change.
const PRIVATE: &str = "private, no-cache";
/// Opened as a page it may do nothing.
const SANDBOX: &str = "default-src 'none'; sandbox";

/// A file with what is told of it.
#[derive(Debug)]
pub struct Download {
    /// Open, from its first byte on.
    pub file: File,
    pub length: u64,
    pub media_type: String,
    /// What it is to be called where it is saved.
    pub name: String,
    /// The strong entity tag, without its quotes.
    pub tag: String,
    /// SHA-256 of the whole, in base64.
    pub digest: String,
    /// Seconds since 1970.
    pub modified: u64,
}

impl Download {
    /// The answer to this request: the whole, a part of it, or that nothing has changed.
    ///
    /// # Errors
    /// 412 when a condition does not hold, 416 when the range lies behind the end.
    pub fn respond(self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let fields = request.headers();
        match conditions::judge(fields, &self.tag, self.modified_at()) {
            Verdict::Failed => return Err(kinds::PRECONDITION_FAILED.problem()),
            Verdict::NotModified => {
                return Ok(self.head(StatusCode::NOT_MODIFIED).finish());
            }
            Verdict::Proceed => {}
        }
        match self.selected(request.method(), fields) {
            Selected::Whole => {
                let mut response = self.whole_head(StatusCode::OK);
                Ok(self.body(&mut response, 0, None))
            }
            Selected::Part { first, last } => {
                let mut response = self.whole_head(StatusCode::PARTIAL_CONTENT);
                let range = format!("bytes {first}-{last}/{}", self.length);
                response.insert_header((CONTENT_RANGE, range));
                Ok(self.body(&mut response, first, Some(last - first + 1)))
            }
            Selected::Nothing => {
                let problem = kinds::RANGE_NOT_SATISFIABLE.problem();
                let length = HeaderValue::try_from(format!("bytes */{}", self.length));
                Err(match length {
                    Ok(value) => problem.header(CONTENT_RANGE, value),
                    Err(_) => problem,
                })
            }
        }
    }

    /// Ranges are a matter of GET (RFC 9110 section 14.2), and of the file that the client knows.
    fn selected(&self, method: &Method, fields: &HeaderMap) -> Selected {
        let is_known = conditions::is_still_the_same(fields, &self.tag, self.modified_at());
        if *method == Method::GET && is_known {
            range::select(fields, self.length)
        } else {
            Selected::Whole
        }
    }

    fn modified_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.modified)
    }

    /// What every answer about the file has.
    fn head(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        response
            .insert_header((ETAG, format!("\"{}\"", self.tag)))
            .insert_header((LAST_MODIFIED, HttpDate::from(self.modified_at())))
            .insert_header((CACHE_CONTROL, PRIVATE));
        response
    }

    /// What an answer with bytes has besides.
    fn whole_head(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = self.head(status);
        response
            .insert_header((CONTENT_TYPE, self.media_type.as_str()))
            .insert_header((CONTENT_DISPOSITION, disposition::attachment(&self.name)))
            .insert_header((ACCEPT_RANGES, "bytes"))
            .insert_header(("repr-digest", format!("sha-256=:{}:", self.digest)))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((CONTENT_SECURITY_POLICY, SANDBOX));
        response
    }

    fn body(self, head: &mut HttpResponseBuilder, first: u64, length: Option<u64>) -> HttpResponse {
        let length = length.unwrap_or(self.length);
        head.body(SizedStream::new(length, stream::read(self.file, first, length)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;
    use std::io::Write;

    /// Larger than one read of the stream.
    fn content() -> Vec<u8> {
        (0..200_000_u32).map(|number| (number % 251) as u8).collect()
    }

    fn download() -> Download {
        let path = std::env::temp_dir().join(format!("busbar-{}", uuid::Uuid::new_v4()));
        File::create(&path).unwrap().write_all(&content()).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let (media_type, name) = ("application/pdf".to_owned(), "a.pdf".to_owned());
        let (tag, digest) = ("t".to_owned(), "ZA==".to_owned());
        Download { file, length: 200_000, media_type, name, tag, digest, modified: 1_000_000_000 }
    }

    fn ask(fields: &[(&'static str, &'static str)]) -> Result<HttpResponse, Problem> {
        let request = fields.iter().fold(TestRequest::get(), |r, field| r.insert_header(*field));
        download().respond(&request.to_http_request())
    }

    #[actix_rt::test]
    async fn the_whole_comes_as_it_is_with_fields_that_keep_it_harmless() {
        let answer = ask(&[]).unwrap();
        assert_eq!(answer.status(), 200);
        for (name, value) in [
            ("etag", "\"t\""),
            ("last-modified", "Sun, 09 Sep 2001 01:46:40 GMT"),
            ("content-disposition", "attachment; filename=\"a.pdf\""),
            ("x-content-type-options", "nosniff"),
            ("repr-digest", "sha-256=:ZA==:"),
            ("accept-ranges", "bytes"),
            ("cache-control", "private, no-cache"),
        ] {
            assert_eq!(answer.headers().get(name).unwrap(), value);
        }
        assert_eq!(to_bytes(answer.into_body()).await.unwrap(), content());
    }

    #[actix_rt::test]
    async fn a_part_is_that_part() {
        let answer = ask(&[("range", "bytes=70000-139999")]).unwrap();
        assert_eq!(answer.status(), 206);
        assert_eq!(answer.headers().get("content-range").unwrap(), "bytes 70000-139999/200000");
        assert_eq!(to_bytes(answer.into_body()).await.unwrap(), content()[70_000..140_000]);
    }

    #[actix_rt::test]
    async fn conditions_come_before_ranges() {
        let same = ask(&[("if-none-match", "\"t\""), ("range", "bytes=0-1")]).unwrap();
        assert_eq!(same.status(), 304);
        assert_eq!(same.headers().get("etag").unwrap(), "\"t\"");
        let failed = ask(&[("if-match", "\"other\""), ("range", "bytes=0-1")]).unwrap_err();
        assert_eq!((failed.status().as_u16(), failed.code()), (412, "precondition_failed"));
        let behind = ask(&[("range", "bytes=200000-")]).unwrap_err();
        assert_eq!((behind.status().as_u16(), behind.code()), (416, "range_not_satisfiable"));
        let answer = behind.response(None);
        assert_eq!(answer.headers().get("content-range").unwrap(), "bytes */200000");
        let changed = ask(&[("if-range", "\"other\""), ("range", "bytes=0-1")]).unwrap();
        assert_eq!(changed.status(), 200);
    }
}
