//! Lines for people, or JSON lines for machines.
//!
//! A message reads alone. What a line is about besides stands in its fields: `service`, `request_id`,
//! `trace_id`, `route`, `method`, `status`, `dur_ms`, `code`. For people the two ids are added at the
//! line's end.

use std::fmt::Write as _;
use std::io::{self, Write};

use env_logger::fmt::Formatter;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::json;

use crate::types::{ServiceName, Text as _};

/// The fields that a line for people is found by, and the words for them.
const IDS: [(&str, &str); 2] = [("request_id", "request"), ("trace_id", "trace")];

pub(super) fn text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let (at, level, target) = (out.timestamp_millis(), record.level(), record.target());
    write!(out, "[{at} {level:<5} {target}] {}", record.args())?;
    for (field, word) in IDS {
        if let Some(id) = record.key_values().get(Key::from(field)) {
            write!(out, " {word}={id}")?;
        }
    }
    writeln!(out)
}

pub(super) fn json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let (level, target) = (record.level().as_str().to_ascii_lowercase(), json!(record.target()));
    let message = json!(record.args().to_string());
    let at = out.timestamp_millis();
    let mut fields = Fields(String::new());
    record.key_values().visit(&mut fields).map_err(io::Error::other)?;
    if record.key_values().get(Key::from("service")).is_none() {
        fields.of_thread();
    }
    let Fields(fields) = fields;
    writeln!(out, r#"{{"ts":"{at}","level":"{level}","target":{target},"msg":{message}{fields}}}"#)
}

/// The further members of a line.
struct Fields(String);

impl Fields {
    fn add(&mut self, key: &str, value: &serde_json::Value) {
        let _ = write!(self.0, ",{}:{value}", json!(key));
    }

    /// What a service does besides requests, it does on a thread that begins with its name.
    fn of_thread(&mut self) {
        let thread = std::thread::current();
        let name = thread.name().and_then(|name| name.split('#').next()).unwrap_or_default();
        if let Ok(service) = ServiceName::parse(name) {
            self.add("service", &json!(service.as_str()));
        }
    }
}

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = if let Some(number) = value.to_i64() {
            json!(number)
        } else if let Some(number) = value.to_f64() {
            // A microsecond is as much as anybody reads.
            json!((number * 1000.0).round() / 1000.0)
        } else if let Some(flag) = value.to_bool() {
            json!(flag)
        } else {
            json!(value.to_string())
        };
        self.add(key.as_str(), &value);
        Ok(())
    }
}
