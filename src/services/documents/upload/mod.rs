//! Takes an upload in: as `multipart/form-data`, or as a body that is the document itself. Does
//! I/O: what comes goes to the disk, piece by piece.
mod form;
mod plain;

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Problem};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::Documents;
use super::content::{Received, Receiver, Unreceived};
use super::media;
use super::model::digest::Sha256;
use super::model::document::Stated;
use super::model::filename::Filename;
use super::problem::{DIGEST_MISMATCH, refused, unreceived};

/// The longest pause in a body.
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// Where a digest of the content may be announced (RFC 9530).
const DIGEST_FIELDS: [&str; 2] = ["content-digest", "repr-digest"];

/// What came, checked against what was said of it.
pub(crate) struct Upload {
    pub(crate) content: Received,
    pub(crate) filename: Filename,
    pub(crate) media_type: String,
    pub(crate) stated: Stated,
}

/// What the fields around a content say of it.
#[derive(Debug, Default)]
struct Announced {
    digests: Vec<Sha256>,
    media_type: Option<String>,
}

/// Receives one document within its bounds of size and time.
pub(crate) async fn receive(
    documents: &Documents,
    request: &HttpRequest,
    payload: Payload,
    stated: Stated,
) -> Result<Upload, Problem> {
    let is_form = media_type_of(request.headers())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/"));
    let until = Deadline::of(request).sooner(documents.upload_wait);
    let receiving = async {
        if is_form {
            form::receive(documents, request.headers(), payload, stated).await
        } else {
            plain::receive(documents, request.headers(), payload, stated).await
        }
    };
    let received = tokio::time::timeout_at(until.at().into(), receiving).await;
    received.unwrap_or_else(|_| Err(kinds::BODY_TOO_SLOW.problem()))
}

fn media_type_of(fields: &HeaderMap) -> Option<String> {
    Some(fields.get(CONTENT_TYPE)?.to_str().unwrap_or_default().to_owned())
}

impl Announced {
    fn of(fields: &HeaderMap) -> Result<Announced, Problem> {
        let lines = DIGEST_FIELDS.iter().flat_map(|name| fields.get_all(*name));
        let digest = |line: &actix_web::http::header::HeaderValue| {
            Sha256::announced(line.to_str().unwrap_or_default())
        };
        let digests: Result<Vec<_>, _> = lines.map(digest).collect();
        let digests = digests.map_err(|error| refused("", &error))?;
        Ok(Announced { digests, media_type: media_type_of(fields) })
    }

    /// Holds what came against what was announced. The media type that it has.
    fn check(&self, content: &Received) -> Result<String, Problem> {
        if content.size() == 0 {
            return Err(Problem::field("/file", "file_empty", "a document has content"));
        }
        let sha256 = content.sha256();
        if self.digests.iter().any(|announced| *announced != sha256) {
            return Err(DIGEST_MISMATCH.problem().with("sha256", sha256.to_string()));
        }
        Ok(media::media_type(self.media_type.as_deref(), content.head())?)
    }
}

/// Writes a stream to the disk. `broken` says what a fault of the stream means.
async fn drain<E>(
    documents: &Documents,
    mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
    broken: impl Fn(E) -> Problem,
) -> Result<Received, Problem> {
    let bytes_max = documents.upload_bytes_max;
    let not_taken = |why: Unreceived| unreceived(why, bytes_max);
    let mut receiver = Receiver::begin(&documents.vault, bytes_max).await.map_err(not_taken)?;
    while let Some(piece) = next(&mut pieces).await? {
        receiver = receiver.push(piece.map_err(&broken)?).await.map_err(not_taken)?;
    }
    receiver.finish().await.map_err(not_taken)
}

/// The next piece, unless the sender pauses for too long.
async fn next<T>(pieces: &mut (impl Stream<Item = T> + Unpin)) -> Result<Option<T>, Problem> {
    timeout(PAUSE_MAX, pieces.next()).await.map_err(|_| kinds::BODY_TOO_SLOW.problem())
}
