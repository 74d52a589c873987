//! What everybody may read, with or without a token.

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, VARY};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use super::Caller;
use crate::problem::Problem;

/// Whoever asks. A token that is shown must be a good one.
#[derive(Clone, Debug)]
pub struct Anyone(Option<Caller>);

/// An answer for [`Anyone`]: what nobody in particular is told may be kept on the way.
#[derive(Debug)]
pub struct Shown<T> {
    answer: T,
    is_for_all: bool,
}

impl Anyone {
    /// Operators and administrators may see more.
    pub fn is_staff(&self) -> bool {
        self.0.as_ref().is_some_and(Caller::is_staff)
    }

    pub fn shown<T>(&self, answer: T) -> Shown<T> {
        Shown { answer, is_for_all: self.0.is_none() }
    }
}

impl FromRequest for Anyone {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Anyone, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(AUTHORIZATION) {
            return ready(Ok(Anyone(None))).boxed_local();
        }
        let caller = Caller::from_request(request, payload);
        async { Ok(Anyone(Some(caller.await?))) }.boxed_local()
    }
}

impl<T: Responder<Body = BoxBody>> Responder for Shown<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.answer.respond_to(request);
        let headers = response.headers_mut();
        if self.is_for_all {
            headers.remove(CACHE_CONTROL);
        }
        headers.append(VARY, HeaderValue::from_static("authorization"));
        response
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::reply::Found;

    #[actix_rt::test]
    async fn what_nobody_in_particular_is_told_may_be_kept() {
        let request = TestRequest::get().to_http_request();
        let anyone = Anyone::extract(&request).await.unwrap();
        let answer = anyone.shown(Found("tariff")).respond_to(&request);
        assert!(!answer.headers().contains_key(CACHE_CONTROL));
        assert_eq!(answer.headers().get(VARY).unwrap(), "authorization");
    }

    #[actix_rt::test]
    async fn a_token_is_not_passed_over() {
        for shown in ["Bearer ", "Bearer nonsense", "Basic eA=="] {
            let request = TestRequest::get().insert_header((AUTHORIZATION, shown));
            assert!(Anyone::extract(&request.to_http_request()).await.is_err(), "{shown}");
        }
    }
}
