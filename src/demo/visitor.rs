//! Somebody who uses the gateway as its users do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use busbar_http::client::{Authorization, Peer};
use busbar_http::lane::Limits;
use busbar_http::{Deadline, Problem};
use serde_json::{Value, json};

use super::DemoFault;

/// For one request; a payment waits a while for its outcome.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// A person at the gateway, signed in or not yet.
pub(super) struct Visitor {
    gateway: Peer,
    token: Arc<Mutex<String>>,
    email: String,
    password: String,
}

impl Visitor {
    pub(super) fn new(url: &str, email: &str, password: &str) -> Result<Visitor, DemoFault> {
        let base = url.parse().map_err(|_| DemoFault::Url(url.to_owned()))?;
        let token = Arc::new(Mutex::new(String::new()));
        let held = token.clone();
        let authorization: Authorization = Arc::new(move || {
            let token = held.lock().unwrap_or_else(PoisonError::into_inner);
            Ok::<_, Problem>(format!("Bearer {token}"))
        });
        let gateway = Peer::new("gateway", vec![base], &Limits::default(), authorization);
        Ok(Visitor { gateway, token, email: email.to_owned(), password: password.to_owned() })
    }

    /// Again whenever the clock has moved: tokens are short-lived.
    pub(super) async fn log_in(&self) -> Result<(), DemoFault> {
        let order = json!({"email": self.email, "password": self.password});
        let tokens = self.post("/api/auth/login", &order, None).await?;
        let token = tokens["access_token"].as_str().unwrap_or_default();
        token.clone_into(&mut self.token.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, DemoFault> {
        self.ask(Method::GET, path, None, None).await
    }

    /// `null` is no body; `key` is for what must not happen twice.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Result<Value, DemoFault> {
        self.ask(Method::POST, path, Some(body), key).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Value, DemoFault> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key.and_then(|key| HeaderValue::from_str(key).ok()) {
            headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        let sent = body.filter(|body| !body.is_null()).map(|body| body.to_string().into());
        let deadline = Deadline::after(ANSWER_WAIT);
        let what = format!("{method} {path}");
        let answer = self.gateway.raw(method, path, &headers, sent, deadline).await;
        let answer = answer.map_err(|error| DemoFault::Asked(what.clone(), error.to_string()))?;
        if !answer.status.is_success() {
            let body = String::from_utf8_lossy(&answer.body);
            return Err(DemoFault::Asked(what, format!("{} {body}", answer.status)));
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| DemoFault::Asked(what, error.to_string()))
    }
}
