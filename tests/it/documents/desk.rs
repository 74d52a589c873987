//! How tests send and fetch documents, and what they see of the disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use awc::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use busbar::types::ServiceName;
use serde_json::Value;

use crate::support::{Answer, Person, TestSystem};

pub(crate) const PATH: &str = "/api/documents";
const ANSWER_WAIT: Duration = Duration::from_secs(60);
pub(crate) const BOUNDARY: &str = "a-boundary";

/// A body to send, with the fields that go with it.
#[derive(Clone)]
pub(crate) struct Sending {
    path: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sending {
    /// The document itself, under this name.
    pub(crate) fn plain(name: &str, body: impl Into<Vec<u8>>) -> Sending {
        Sending { path: PATH.into(), fields: Vec::new(), body: body.into() }
            .field("x-filename", name)
    }

    /// A form of these parts; see [`part`].
    pub(crate) fn form(parts: &[Vec<u8>]) -> Sending {
        let mut body = parts.concat();
        body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        Sending::torn_form(body)
    }

    /// A form that may lack its end.
    pub(crate) fn torn_form(body: Vec<u8>) -> Sending {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let sending = Sending { path: PATH.into(), fields: Vec::new(), body };
        sending.field("content-type", &content_type)
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Sending {
        self.fields.push((name.into(), value.into()));
        self
    }

    pub(crate) fn query(mut self, query: &str) -> Sending {
        self.path = format!("{PATH}?{query}");
        self
    }

    /// `POST` to the documents, in the name of the person.
    pub(crate) async fn by(self, person: &Person) -> Answer {
        let client = awc::Client::builder().timeout(ANSWER_WAIT).disable_redirects().finish();
        let url = format!("{}{}", person.base, self.path);
        let mut request = client.post(&url);
        if let Some(token) = &person.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.fields {
            request = request.append_header((name.as_str(), value.as_str()));
        }
        let mut answer = request.send_body(self.body).await.unwrap();
        let body = answer.body().await.unwrap().to_vec();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { asked: format!("POST {url}"), status, headers, body, json }
    }
}

/// A part of a form.
pub(crate) fn part(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {fields}\r\n\r\n");
    [head.as_bytes(), body, b"\r\n"].concat()
}

/// Bytes that look like no format, different for each seed.
pub(crate) fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    [0_u8].into_iter().chain(std::iter::repeat_with(&mut next)).take(size).collect()
}

/// `sha-256=:…:`.
pub(crate) fn digest(body: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, body);
    format!("sha-256=:{}:", STANDARD.encode(digest))
}

pub(crate) fn id_of(document: &Value) -> String {
    document["id"].as_str().unwrap_or_else(|| panic!("no id in {document}")).to_owned()
}

pub(crate) fn content(id: &str) -> String {
    format!("{PATH}/{id}/content")
}

pub(crate) async fn head(person: &Person, path: &str) -> Answer {
    person.send(Method::HEAD, path, None).await
}

/// The folder of the service.
pub(crate) fn folder(system: &TestSystem) -> PathBuf {
    system.folder().join("data/documents")
}

/// All contents on the disk.
pub(crate) fn blobs(system: &TestSystem) -> Vec<PathBuf> {
    files(&folder(system).join("sha256"))
}

/// All files of uploads under way.
pub(crate) fn beside(system: &TestSystem) -> Vec<PathBuf> {
    files(&folder(system).join("tmp"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

pub(crate) async fn stored(system: &TestSystem) -> f64 {
    system.figure(ServiceName::Documents, "busbar_documents_stored_total").await
}
