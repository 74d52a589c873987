//! A body that is the document itself; its name is in `X-Filename`.
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use busbar_http::Problem;
use busbar_http::problem::kinds;

use super::super::Documents;
use super::super::model::document::Stated;
use super::super::model::filename::Filename;
use super::super::problem::{BODY_INCOMPLETE, refused};
use super::{Announced, Upload, drain};

const FILENAME: &str = "x-filename";

pub(super) async fn receive(
    documents: &Documents,
    fields: &HeaderMap,
    payload: Payload,
    stated: Stated,
) -> Result<Upload, Problem> {
    let filename = filename(fields)?;
    let announced = Announced::of(fields)?;
    let length = fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > documents.upload_bytes_max) {
        return Err(kinds::BODY_TOO_LARGE.problem().with("bytes_max", documents.upload_bytes_max));
    }
    let broken = |error| BODY_INCOMPLETE.problem().cause(error);
    let content = drain(documents, payload, broken).await?;
    let media_type = announced.check(&content)?;
    Ok(Upload { content, filename, media_type, stated })
}

fn filename(fields: &HeaderMap) -> Result<Filename, Problem> {
    let Some(field) = fields.get(FILENAME) else {
        let detail = "X-Filename says what the document is called";
        return Err(Problem::field("/filename", "filename_required", detail));
    };
    let filename = Filename::of_field(field.to_str().unwrap_or_default());
    filename.map_err(|error| refused("/filename", &error))
}
