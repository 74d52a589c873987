//! Readings in a body: one, several in JSON, or a table (CSV) with a line of headings.
use std::borrow::Cow;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use busbar_http::body::{BODY_BYTES_MAX, BODY_WAIT_MAX, BodyLimit, parse};
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Problem};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use super::super::model::batch::{Batch, READINGS_MAX, Rejected};
use super::super::model::reading::NewReading;

/// What a table of readings may have.
const COLUMNS: [&str; 6] = ["register_id", "at", "value", "quality", "source", "external_id"];
/// What it must have.
const COLUMNS_NEEDED: [&str; 2] = ["at", "value"];

/// The readings of a body. Of several each is read by itself: one that is wrong spoils no other.
#[derive(Debug)]
pub(crate) enum Posted {
    One(NewReading),
    Many(Vec<Result<NewReading, Rejected>>),
}

/// How a body is written.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Table,
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Posted, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = form_of(request);
        let bytes_max = request.app_data::<BodyLimit>().map_or(BODY_BYTES_MAX, |limit| limit.0);
        let until = Deadline::of(request).sooner(BODY_WAIT_MAX).at();
        let payload = payload.take();
        Box::pin(async move {
            let form = form.ok_or_else(unsupported)?;
            let bytes = tokio::time::timeout_at(until.into(), read(payload, bytes_max)).await;
            let bytes = bytes.unwrap_or_else(|_| Err(kinds::BODY_TOO_SLOW.problem()))?;
            match form {
                Form::Json => of_json(&bytes),
                Form::Table => of_table(&bytes),
            }
        })
    }
}

fn form_of(request: &HttpRequest) -> Option<Form> {
    let value = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    match value.split(';').next()?.trim().to_ascii_lowercase().as_str() {
        "application/json" => Some(Form::Json),
        "text/csv" => Some(Form::Table),
        _ => None,
    }
}

fn unsupported() -> Problem {
    kinds::UNSUPPORTED_MEDIA_TYPE.problem().detail("application/json or text/csv")
}

async fn read(mut payload: Payload, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| kinds::INVALID_JSON.problem().cause(error))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(kinds::BODY_TOO_LARGE.problem().with("bytes_max", bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn of_json(bytes: &[u8]) -> Result<Posted, Problem> {
    let is_batch = parse::<Value>(bytes)?.get("readings").is_some();
    if !is_batch {
        return parse(bytes).map(Posted::One);
    }
    let Batch { readings } = parse(bytes)?;
    counted(readings.len())?;
    Ok(Posted::Many((0..).zip(readings).map(|(index, value)| reading(index, &value)).collect()))
}

fn of_table(bytes: &[u8]) -> Result<Posted, Problem> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let headings = reader.headers().map_err(|error| unreadable(&error))?.clone();
    check_headings(&headings)?;
    let mut readings = Vec::new();
    for (index, record) in reader.into_records().enumerate() {
        counted(index + 1)?;
        readings.push(match record {
            Ok(record) => reading(index, &named(&headings, &record)),
            Err(error) => Err(Rejected::new(index, "", "csv_row_invalid", unreadable_text(&error))),
        });
    }
    counted(readings.len())?;
    Ok(Posted::Many(readings))
}

fn check_headings(headings: &csv::StringRecord) -> Result<(), Problem> {
    for (place, name) in headings.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            let detail = format!("columns are {}", COLUMNS.join(", "));
            return Err(Problem::field("", "csv_column_unknown", detail));
        }
        if headings.iter().take(place).any(|earlier| earlier == name) {
            return Err(Problem::field(
                "",
                "csv_column_repeated",
                format!("`{name}` stands twice"),
            ));
        }
    }
    for needed in COLUMNS_NEEDED {
        if !headings.iter().any(|name| name == needed) {
            let detail = format!("the first line names no column `{needed}`");
            return Err(Problem::field("", "csv_column_missing", detail));
        }
    }
    Ok(())
}

/// A row as the JSON of a reading; an empty cell is none.
fn named(headings: &csv::StringRecord, record: &csv::StringRecord) -> Value {
    let cells = headings.iter().zip(record).filter(|(_, cell)| !cell.is_empty());
    Value::Object(cells.map(|(name, cell)| (name.to_owned(), cell.into())).collect::<Map<_, _>>())
}

fn reading(index: usize, value: &Value) -> Result<NewReading, Rejected> {
    parse(value.to_string().as_bytes()).map_err(|problem| rejected(index, &problem))
}

/// The first thing that is wrong, as it would be told of a single reading.
fn rejected(index: usize, problem: &Problem) -> Rejected {
    let body = problem.body(None);
    let told = |member: &str| body["errors"][0][member].as_str().map(str::to_owned);
    Rejected {
        index,
        pointer: told("pointer").unwrap_or_default(),
        code: Cow::Owned(problem.code().to_owned()),
        detail: told("detail").map_or("not a reading".into(), Cow::Owned),
    }
}

fn counted(readings: usize) -> Result<(), Problem> {
    if (1..=READINGS_MAX).contains(&readings) {
        return Ok(());
    }
    let detail = format!("1 to {READINGS_MAX} readings in one body");
    Err(Problem::field("/readings", "reading_count_invalid", detail))
}

fn unreadable(error: &csv::Error) -> Problem {
    Problem::field("", "csv_invalid", unreadable_text(error))
}

/// Without the row itself: what people wrote stays out of answers to others.
fn unreadable_text(error: &csv::Error) -> &'static str {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { .. } => "not as many cells as there are columns",
        csv::ErrorKind::Utf8 { .. } => "not UTF-8",
        _ => "not a table",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    const AT: &str = "2026-03-01T06:00:00Z";

    fn many(posted: Posted) -> Vec<Result<NewReading, Rejected>> {
        match posted {
            Posted::Many(readings) => readings,
            Posted::One(one) => panic!("{one:?}"),
        }
    }

    #[test]
    fn a_table_is_read_row_by_row() {
        let text = format!("value, at ,quality\r\n1000,{AT},actual\n,{AT},\n1,x,\n\"1\",{AT}\n");
        let rows = many(of_table(text.as_bytes()).unwrap());
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0].as_ref().unwrap().value.to_string(), "1000");
        let wrong = |row: usize| {
            let rejected = rows[row].as_ref().unwrap_err();
            (rejected.index, rejected.pointer.as_str(), rejected.code.as_ref())
        };
        assert_eq!(wrong(1), (1, "", "field_required"));
        assert_eq!(wrong(2), (2, "/at", "timestamp_invalid"));
        assert_eq!(wrong(3), (3, "", "csv_row_invalid"));
    }

    #[test]
    fn a_table_has_the_columns_that_are_known() {
        for (text, code) in [
            ("at,value,colour\n", "csv_column_unknown"),
            ("at\n", "csv_column_missing"),
            ("at,value,at\n", "csv_column_repeated"),
            ("at,value\n", "reading_count_invalid"),
            ("", "csv_column_missing"),
        ] {
            assert_eq!(of_table(text.as_bytes()).unwrap_err().code(), code, "{text:?}");
        }
    }

    #[test]
    fn one_wrong_reading_spoils_no_other() {
        let body = format!(
            r#"{{"readings":[{{"at":"{AT}","value":"1"}},{{"at":"{AT}","value":0.1}},{{"a":1}}]}}"#
        );
        let readings = many(of_json(body.as_bytes()).unwrap());
        assert!(readings[0].is_ok());
        let rejected = readings[1].as_ref().unwrap_err();
        assert_eq!(
            (rejected.pointer.as_str(), rejected.code.as_ref()),
            ("/value", "type_mismatch")
        );
        assert_eq!(readings[2].as_ref().unwrap_err().code, "unknown_field");
        let empty = of_json(br#"{"readings":[]}"#).unwrap_err();
        assert_eq!(empty.code(), "reading_count_invalid");
        let mixed = of_json(br#"{"readings":[],"value":"1"}"#).unwrap_err();
        assert_eq!(mixed.code(), "unknown_field");
    }
}
