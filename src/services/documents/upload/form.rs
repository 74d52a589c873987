//! An upload as `multipart/form-data`: one `file`, and what is said of it as further fields.
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header::{DispositionParam, HeaderMap};
use busbar_http::Problem;

use crate::types::{Refused, Text};

use super::super::Documents;
use super::super::content::Received;
use super::super::model::document::Stated;
use super::super::model::filename::Filename;
use super::super::problem::{BODY_INCOMPLETE, MULTIPART_INVALID, refused};
use super::{Announced, DIGEST_FIELDS, Upload, drain, next};

/// The longest field beside the file, in bytes.
const FIELD_BYTES_MAX: usize = 1_024;
/// Fields of a form, the file among them.
const FIELDS_MAX: usize = 8;

/// The file of a form.
struct Sent {
    content: Received,
    filename: Filename,
    media_type: String,
}

pub(super) async fn receive(
    documents: &Documents,
    fields: &HeaderMap,
    payload: Payload,
    mut stated: Stated,
) -> Result<Upload, Problem> {
    if DIGEST_FIELDS.iter().any(|name| fields.contains_key(*name)) {
        let detail = "in a form the digest stands in the header of the file's part";
        return Err(Problem::field("", "digest_misplaced", detail));
    }
    let mut form = Multipart::new(fields, payload);
    let mut sent: Option<Sent> = None;
    let mut count = 0;
    while let Some(field) = next(&mut form).await? {
        let mut field = field.map_err(broken)?;
        count += 1;
        if count > FIELDS_MAX {
            return Err(Problem::field("", "too_many_fields", "a form has eight fields at most"));
        }
        match field.name().map(str::to_owned).as_deref() {
            Some("file") if sent.is_none() => sent = Some(file(documents, field).await?),
            Some("file") => return Err(repeated("/file")),
            Some("owner_id") => state(&mut stated.owner_id, "/owner_id", &mut field).await?,
            Some("kind") => state(&mut stated.kind, "/kind", &mut field).await?,
            Some("subject") => state(&mut stated.subject, "/subject", &mut field).await?,
            other => {
                let pointer = format!("/{}", other.unwrap_or_default());
                let detail = "a form has file, owner_id, kind and subject";
                return Err(Problem::field(pointer, "unknown_field", detail));
            }
        }
    }
    let Some(Sent { content, filename, media_type }) = sent else {
        return Err(Problem::field("/file", "field_required", "a form has a file"));
    };
    Ok(Upload { content, filename, media_type, stated })
}

/// Receives the file, and holds it against the header of its part.
async fn file(documents: &Documents, field: Field) -> Result<Sent, Problem> {
    let announced = Announced::of(field.headers())?;
    let Some(name) = filename(&field) else {
        let detail = "the part of the file says what it is called";
        return Err(Problem::field("/filename", "filename_required", detail));
    };
    let filename = Filename::parse(&name).map_err(|error| refused("/filename", &error))?;
    let content = drain(documents, Box::pin(field), broken).await?;
    let media_type = announced.check(&content)?;
    Ok(Sent { content, filename, media_type })
}

/// The name with letters beyond ASCII is preferred, where there is one.
fn filename(field: &Field) -> Option<String> {
    let disposition = field.content_disposition()?;
    let extended = disposition.parameters.iter().find_map(|parameter| match parameter {
        DispositionParam::FilenameExt(value) => String::from_utf8(value.value.clone()).ok(),
        _ => None,
    });
    extended.or_else(|| disposition.get_filename().map(str::to_owned))
}

/// Takes what a field says, once.
async fn state<T: Text>(
    said: &mut Option<T>,
    pointer: &str,
    field: &mut Field,
) -> Result<(), Problem> {
    let too_long = || refused(pointer, &Refused::new("field_too_long", "1024 bytes at most"));
    let bytes = field.bytes(FIELD_BYTES_MAX).await.map_err(|_| too_long())?.map_err(broken)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let value = T::parse(text).map_err(|error| refused(pointer, &error))?;
    if said.replace(value).is_some() { Err(repeated(pointer)) } else { Ok(()) }
}

fn repeated(pointer: &str) -> Problem {
    Problem::field(pointer, "field_repeated", "a field is sent once")
}

fn broken(error: MultipartError) -> Problem {
    let kind = match error {
        MultipartError::Payload(_) | MultipartError::Incomplete => BODY_INCOMPLETE,
        _ => MULTIPART_INVALID,
    };
    kind.problem().cause(error)
}
