//! What a handler answers when all is well.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// 200 with the resource.
#[derive(Debug)]
pub struct Found<T>(pub T);

/// 201 with the new resource.
#[derive(Debug)]
pub struct Created<T>(pub T);

/// 204.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

/// One page of a list; the next is asked for with `next_cursor`.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
pub struct Listed<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
    pub has_more: bool,
}

impl<T> Listed<T> {
    /// A page from up to `limit + 1` items: the one too many tells that there is more.
    pub fn page(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Listed<T> {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if has_more { items.last().map(cursor) } else { None };
        Listed { data: items, next_cursor, has_more }
    }
}

/// An answer that was given before or is given for the first time, with its status:
/// what a request with an idempotency key gets.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    /// The answer repeats an earlier one: `Idempotency-Replayed: true`.
    pub is_replayed: bool,
}

impl Reply {
    /// The first answer to this request.
    pub fn first(status: u16, body: &impl Serialize) -> Result<Reply, Problem> {
        let body = serde_json::to_value(body).map_err(Problem::internal)?;
        Ok(Reply { status, body, is_replayed: false })
    }

    /// The answer as the type it was made from.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_value(self.body.clone()).map_err(Problem::internal)
    }
}

impl Responder for Reply {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = actix_web::http::StatusCode::from_u16(self.status)
            .unwrap_or(actix_web::http::StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if self.is_replayed {
            response.insert_header(("idempotency-replayed", "true"));
        }
        if let Some(version) = self.body.get("version").and_then(Value::as_i64) {
            response.insert_header((ETAG, format!("\"v{version}\"")));
        }
        json(response, &self.body)
    }
}

impl<T: Serialize> Responder for Found<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(HttpResponse::Ok(), &self.0)
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(HttpResponse::Created(), &self.0)
    }
}

impl<T: Serialize> Responder for Listed<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(HttpResponse::Ok(), &self)
    }
}

impl Responder for NoContent {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// Answers about people and money are theirs alone: no cache on the way may keep them.
fn json(mut response: HttpResponseBuilder, body: &impl Serialize) -> HttpResponse {
    response.insert_header((CACHE_CONTROL, "private, no-store"));
    match serde_json::to_string(body) {
        Ok(text) => response.content_type("application/json").body(text),
        Err(error) => HttpResponse::from_error(Problem::internal(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_item_too_many_tells_that_there_is_more() {
        let page = Listed::page(vec![1, 2, 3], 2, |item| item.to_string());
        assert_eq!(
            (page.data, page.next_cursor.as_deref(), page.has_more),
            (vec![1, 2], Some("2"), true)
        );

        let last = Listed::page(vec![1, 2], 2, |item| item.to_string());
        assert_eq!((last.data, last.next_cursor, last.has_more), (vec![1, 2], None, false));
    }
}
