//! `/console`: the status page, and the state that it shows.
//!
//! The page is three files in this program and asks nobody but this gateway. Its state is made from
//! memory, at most four times a second however many look. Everybody may see states and figures, as in
//! `/health` and `/metrics`; why something ended, and where, only administrators may.

mod state;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use busbar_http::problem::kinds;
use busbar_http::{Problem, Role, Routes, about};

use super::{Gateway, edge};
use crate::config::Console;

/// A state of this age is still good: more viewers cost no more.
const STATE_AGE_MAX: Duration = Duration::from_millis(250);
/// The page runs what came with it and nothing else, speaks to this gateway alone, and is in nobody's
/// frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The last states, for everybody and for administrators; written by whoever finds one too old.
#[derive(Default)]
pub(super) struct States([Mutex<Option<(Instant, Bytes)>>; 2]);

pub(super) fn routes(console: Console) -> Routes {
    if console == Console::Off {
        return Routes::new();
    }
    Routes::new()
        .get("/console", about("The status page").public(), async || {
            file("text/html; charset=utf-8", include_str!("console/page.html"))
        })
        .get("/console/", about("The status page").public(), async || {
            HttpResponse::PermanentRedirect().insert_header((LOCATION, "../console")).finish()
        })
        .get("/console/page.css", about("Its looks").public(), async || {
            file("text/css; charset=utf-8", include_str!("console/page.css"))
        })
        .get("/console/page.js", about("What it does").public(), async || {
            file("text/javascript; charset=utf-8", include_str!("console/page.js"))
        })
        .get("/console/state", about("What it shows").public(), show)
}

fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(kind).insert_header((CACHE_CONTROL, "no-cache"));
    guarded(&mut response).body(text)
}

fn guarded(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
}

async fn show(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let claims = gateway.edge.claims(request.headers()).await?;
    let is_admin = claims.as_ref().is_some_and(|claims| claims.role == Role::Admin);
    if gateway.now().settings.console == Console::Admins && !is_admin {
        return Err(match claims {
            Some(_) => kinds::INSUFFICIENT_SCOPE.problem(),
            None => edge::unauthenticated(),
        });
    }
    let state = gateway.states.get(is_admin, || state::json(&gateway, is_admin).to_string());
    let mut response = HttpResponse::Ok();
    response.content_type("application/json").insert_header((CACHE_CONTROL, "no-store"));
    Ok(guarded(&mut response).body(state))
}

impl States {
    fn get(&self, is_admin: bool, make: impl FnOnce() -> String) -> Bytes {
        let mut last = self.0[usize::from(is_admin)].lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_ref() {
            Some((at, state)) if at.elapsed() < STATE_AGE_MAX => state.clone(),
            _ => {
                let state = Bytes::from(make());
                *last = Some((Instant::now(), state.clone()));
                state
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_viewers_cost_as_much_as_one() {
        let (states, mut made) = (States::default(), 0);
        for _ in 0..100 {
            let state = states.get(false, || {
                made += 1;
                "open".to_owned()
            });
            assert_eq!(state, "open");
        }
        assert!(made < 100, "{made}");
        assert_eq!(states.get(true, || "all".to_owned()), "all");
    }

    /// Small, and from nowhere else.
    #[test]
    fn the_page_needs_nobody() {
        let files = [
            include_str!("console/page.html"),
            include_str!("console/page.css"),
            include_str!("console/page.js"),
        ];
        assert!(files.iter().map(|text| text.len()).sum::<usize>() < 60_000);
        for text in files {
            let foreign = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!foreign.contains("http://") && !foreign.contains("https://"));
            for risky in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!text.contains(risky), "{risky}");
            }
        }
        assert!(!files[0].contains("style=") && !files[0].contains("onclick="));
    }
}
