//! What faces the client: who may pass, how often, what browsers are told, how small an answer is.
//!
//! In the order of a request: [`door`] answers a browser's preflight (`cors`) and stands around the
//! rest of the road. On the road [`admit`] looks at the token (`auth`, with what `ended` hears from
//! the users service) and counts the request (`rates`). On the way out `door` adds the fields that
//! belong on each answer, then packs its body (`compress`, as `coding` was agreed on). `recent`
//! keeps what is remembered for a while within its bounds, `meters` counts.

mod auth;
mod coding;
mod compress;
mod cors;
mod ended;
mod meters;
mod packing;
mod rates;
mod recent;

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::caller::{UserClaims, Verifier};
use busbar_http::client::Peer;
use busbar_http::{Metrics, Problem, headers};

use crate::config::Caching;
use crate::types::Clock;

use self::auth::Gatekeeper;
pub(super) use self::auth::unauthenticated;
pub(super) use self::cors::Cors;
use self::ended::Ended;
use self::meters::Meters;
pub(super) use self::packing::WORK_BYTES_MAX as PACKED_AT_ONCE_MAX;
use self::rates::{Key, Rates, Verdict, Who};
use super::actor::Clerk;
use super::route::Route;
use super::{Gateway, Live, arrival, road};

/// Who a request comes from, told to upstreams of others, which cannot read tokens. Nobody else can
/// say so: what a client sends under these names is taken away.
const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const USER_ROLE: HeaderName = HeaderName::from_static("x-user-role");
const USER_SESSION: HeaderName = HeaderName::from_static("x-user-session");

/// What the edge needs of its process.
pub struct Means {
    /// Knows the keys of the users service.
    pub verifier: Arc<Verifier>,
    /// The way to the users service, in the gateway's own name.
    pub users: Option<Peer>,
}

/// What all worker threads share of it.
pub(super) struct Edge {
    gatekeeper: Gatekeeper,
    rates: Rates,
    meters: Meters,
    users: Option<Peer>,
    ended: Arc<Ended>,
}

/// Who was let in.
pub(super) struct Guest {
    /// Whether a token of theirs was verified.
    is_known: bool,
    /// Whose answers are kept apart, where the route wants that.
    principal: Option<String>,
}

/// What is sent on with a request, and what its answer is to bear.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// Who an upstream of others is told that it is.
    told: Option<Arc<UserClaims>>,
    verdict: Option<Verdict>,
    is_packed: bool,
}

impl Edge {
    /// For the gateway's own pages.
    pub(super) fn verifier(&self) -> Arc<Verifier> {
        self.gatekeeper.verifier()
    }

    /// Who a request to the gateway's own pages is from, if it says so.
    ///
    /// # Errors
    /// When it says so and its token is not good, or cannot be verified.
    pub(super) async fn claims(
        &self,
        fields: &HeaderMap,
    ) -> Result<Option<Arc<UserClaims>>, Problem> {
        self.gatekeeper.whoever(fields).await
    }

    /// # Errors
    /// When a metric is malformed.
    pub(super) fn new(
        means: Means,
        clock: Clock,
        metrics: &Metrics,
    ) -> Result<Edge, prometheus::Error> {
        let Means { verifier, users } = means;
        let ended = Arc::new(Ended::default());
        Ok(Edge {
            gatekeeper: Gatekeeper::new(verifier, clock, ended.clone()),
            rates: Rates::new(),
            meters: Meters::register(metrics)?,
            users,
            ended,
        })
    }

    /// Hears for ever what has ended. It is to run once in a process.
    pub(super) async fn listen(&self) {
        let Some(users) = &self.users else { return std::future::pending().await };
        ended::listen(&self.ended, users, &self.gatekeeper, &self.meters).await;
    }
}

/// What belongs on every answer, and its body as small as the client takes it.
pub(super) fn finish(
    live: &Live,
    request: &HttpRequest,
    mut answer: HttpResponse,
    is_packed: bool,
) -> HttpResponse {
    live.cors.mark(request.headers(), answer.headers_mut());
    if is_packed { compress::pack(request, answer) } else { answer }
}

/// The handler of every request that is for a service behind.
pub(super) async fn door(
    request: HttpRequest,
    payload: web::Payload,
    gateway: Data<Gateway>,
    clerk: Data<Clerk>,
) -> Result<HttpResponse, Problem> {
    let live = gateway.now();
    let cors = &live.cors;
    if let Some(answer) = cors.preflight(&request, &live.table) {
        return Ok(answer);
    }
    let mut marks = Marks::default();
    let arrived = (request.clone(), payload);
    let answered = road(arrived, (gateway.clone(), &live), clerk, &mut marks).await;
    match answered {
        Ok(mut answer) => {
            if let Some(verdict) = marks.verdict {
                for (name, value) in verdict.fields() {
                    answer.headers_mut().insert(name, value);
                }
            }
            Ok(finish(&live, &request, answer, marks.is_packed))
        }
        Err(problem) => {
            let problem = gateway.meters.refused(problem);
            let verdict = marks.verdict.iter().flat_map(Verdict::fields);
            let fields = verdict.chain(cors.fields(request.headers()));
            Err(fields.fold(problem, |problem, (name, value)| problem.header(name, value)))
        }
    }
}

/// Lets a request in, or says why not: before anything is sent on.
///
/// # Errors
/// 401 and 503 when its token is not good or cannot be verified, 429 when there are too many.
pub(super) async fn admit(
    gateway: &Gateway,
    live: &Live,
    (request, route): (&HttpRequest, &Route),
    marks: &mut Marks,
) -> Result<Guest, Problem> {
    let edge = &gateway.edge;
    let looked_at = edge.gatekeeper.look(request.headers(), route).await;
    marks.is_packed = route.rules.compress;
    if let Some(rate) = route.rules.rate {
        // A token that is not good counts for the address that shows it.
        let who = match &looked_at {
            Ok(Some(claims)) => Who::User(claims.sub),
            _ => Who::at(headers::client_address(request.headers(), arrival(live, request))),
        };
        marks.verdict = Some(edge.rates.count(Key::new(route, who), rate));
    }
    let admitted = marks.verdict.map_or(Ok(()), Verdict::require).and(looked_at);
    let claims = admitted.as_ref().ok().and_then(Option::as_ref);
    marks.told = claims.filter(|_| route.service.is_none()).cloned();
    let is_apart = route.rules.cache == Caching::Principal;
    let is_known = claims.is_some();
    // All that an upstream is told of a person: one who is another now has answers of their own.
    let principal = claims
        .filter(|_| is_apart)
        .map(|claims| format!("{} {} {}", claims.sub, claims.role.as_str(), claims.sid));
    admitted.inspect_err(|problem| edge.meters.refused(problem.code()))?;
    Ok(Guest { is_known, principal })
}

impl Guest {
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }
}

impl Marks {
    /// Completes what is sent on of the head of a request that was let in.
    pub(super) fn tell(&self, fields: &mut HeaderMap) {
        if self.is_packed {
            compress::unweaken(fields);
        }
        let Some(claims) = &self.told else { return };
        for (name, value) in [
            (USER_ID, claims.sub.to_string()),
            (USER_ROLE, claims.role.as_str().to_owned()),
            (USER_SESSION, claims.sid.to_string()),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                fields.insert(name, value);
            }
        }
    }
}

/// Adds a name to `Vary`, besides those that are there.
fn add_vary(fields: &mut HeaderMap, name: &'static str) {
    use actix_web::http::header::VARY;
    let lines = fields.get_all(VARY).filter_map(|line| line.to_str().ok());
    let mut names = lines.flat_map(|line| line.split(',')).map(str::trim);
    if !names.any(|known| known == "*" || known.eq_ignore_ascii_case(name)) {
        fields.append(VARY, HeaderValue::from_static(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::VARY;

    #[test]
    fn a_name_is_added_to_vary_once() {
        let mut fields = HeaderMap::new();
        fields.append(VARY, HeaderValue::from_static("Accept-Language, origin"));
        add_vary(&mut fields, "Origin");
        assert_eq!(fields.get_all(VARY).count(), 1);
        add_vary(&mut fields, "Accept-Encoding");
        assert_eq!(fields.get_all(VARY).count(), 2);

        let mut all = HeaderMap::new();
        all.append(VARY, HeaderValue::from_static("*"));
        add_vary(&mut all, "Origin");
        assert_eq!(all.get_all(VARY).count(), 1);
    }
}
