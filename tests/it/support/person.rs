//! Somebody who uses the program through HTTP, and the answers they get.

use std::time::Duration;

use awc::http::Method;
use awc::http::header::HeaderMap;
use serde_json::{Value, json};

/// Longer than any deadline of the program.
const ANSWER_WAIT: Duration = Duration::from_secs(40);
/// Long enough for every password rule.
pub(crate) const PASSWORD: &str = "a long sentence nobody guesses";

/// A client of one base URL, with or without a token.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: Option<String>,
    pub(crate) base: String,
    key: Option<String>,
    headers: Vec<(String, String)>,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// `null` when the body is not JSON.
    pub(crate) json: Value,
}

impl Person {
    pub(crate) fn anonymous(base: &str) -> Person {
        let id = String::new();
        Person { id, token: None, base: base.into(), key: None, headers: Vec::new() }
    }

    pub(crate) fn with_token(base: &str, token: &str) -> Person {
        Person { token: Some(token.into()), ..Person::anonymous(base) }
    }

    /// Signs up at the gateway and logs in.
    pub(crate) async fn signed_up(base: &str, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let order = json!({"email": email, "password": PASSWORD, "name": name});
        let made = Person::anonymous(base).post("/api/users", order).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        Person { id, ..Person::logged_in(base, &email, PASSWORD).await }
    }

    pub(crate) async fn logged_in(base: &str, email: &str, password: &str) -> Person {
        let order = json!({"email": email, "password": password});
        let tokens = Person::anonymous(base).post("/api/auth/login", order).await.expect(200);
        let token = tokens["access_token"].as_str().unwrap();
        Person::with_token(base, token)
    }

    /// The same person, whose next requests carry this idempotency key.
    pub(crate) fn keyed(&self, key: &str) -> Person {
        Person { key: Some(key.into()), ..self.clone() }
    }

    pub(crate) fn header(&self, name: &str, value: &str) -> Person {
        let mut person = self.clone();
        person.headers.push((name.into(), value.into()));
        person
    }

    /// The same person, at another base URL.
    pub(crate) fn at(&self, base: &str) -> Person {
        Person { base: base.into(), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// A body as it is, JSON or not.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        self.try_send(method, path, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// As `send`, for when the other side may be away.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, String> {
        let client = awc::Client::builder().timeout(ANSWER_WAIT).disable_redirects().finish();
        let asked = format!("{method} {}{path}", self.base);
        let mut request = client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &self.key {
            request = request.insert_header(("idempotency-key", key.as_str()));
        }
        for (name, value) in &self.headers {
            request = request.append_header((name.as_str(), value.as_str()));
        }
        let sent = match body {
            Some(body) => request.content_type("application/json").send_body(body),
            None => request.send(),
        };
        let mut answer = sent.await.map_err(|error| error.to_string())?;
        let body = answer.body().limit(64 << 20).await.map_err(|error| error.to_string())?;
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { asked, status, headers, body: body.to_vec(), json })
    }
}

impl Answer {
    /// The JSON of an answer with this status; anything else fails with the whole answer.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.json
    }

    /// A problem with this status and code.
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{self}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
        assert!(self.json["request_id"].is_string(), "{self}");
        self.json
    }

    /// The code of a problem, empty for anything else.
    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// A header's value, empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} -> {}", self.asked, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(f, "{}", self.text())
    }
}
