//! One attempt: signed, sent, and concluded.
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use busbar_http::Problem;
use busbar_http::client::outside::Outside;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use super::super::model::attempt::{Ended, Outcome};
use super::super::model::delivery::{Claimed, Parcel};
use super::super::sign::{self, Secret};
use super::super::{Webhooks, store};
use super::conclude;

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("Busbar-Webhooks/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Any number, to spread what would come together.
pub(super) fn chance() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

/// Sends what was claimed and writes down how it went. When that fails the lease runs out, and the
/// delivery is sent again: at least once.
pub(super) async fn send(
    webhooks: Arc<Webhooks>,
    outside: Rc<Outside>,
    claimed: Claimed,
    mut cut: watch::Receiver<bool>,
) {
    let start = Instant::now();
    let called = tokio::select! {
        called = call(&webhooks, &outside, &claimed) => called,
        _ = cut.wait_for(|is_cut| *is_cut) => Ok(Some(Ended::without_answer(Outcome::Interrupted))),
    };
    let concluded = match called {
        Ok(None) => return,
        Ok(Some(ended)) => {
            webhooks.failpoints.reach("webhooks.sent").await;
            webhooks.meters.attempt(ended.outcome);
            conclude::conclude(&webhooks, &claimed, &ended, start.elapsed()).await
        }
        Err(problem) => Err(problem),
    };
    if let Err(problem) = concluded {
        log::warn!("delivery {} goes on when its lease has run out: {problem}", claimed.id);
    }
}

/// `None`: it is ours no more.
async fn call(
    webhooks: &Webhooks,
    outside: &Outside,
    claimed: &Claimed,
) -> Result<Option<Ended>, Problem> {
    let database = &webhooks.database;
    let Some(parcel) = store::claim::parcel(database, claimed).await? else { return Ok(None) };
    let now = webhooks.clock.now();
    let sealed = store::secret::live(database, claimed.endpoint_id, now).await?;
    let opened = sealed.iter().map(|sealed| webhooks.seal.open(sealed, claimed.endpoint_id));
    let secrets = match opened.collect::<Result<Vec<Secret>, _>>() {
        Ok(secrets) => secrets,
        Err(fault) => {
            log::error!("webhook {}: {fault}", claimed.endpoint_id);
            return Ok(Some(Ended::without_answer(Outcome::Unsigned)));
        }
    };
    let Parcel { message_id, payload, url } = parcel;
    let id = message_id.to_string();
    let signatures = sign::signatures(&secrets, &id, now, &payload);
    let headers = headers(&id, now.seconds(), &signatures);
    let (Ok(url), Ok(headers)) = (Url::parse(&url), headers) else {
        // Counted as a try, or it would come again at once and for ever.
        log::error!("webhook {}: what is kept of it cannot be sent", claimed.endpoint_id);
        return Ok(Some(Ended::without_answer(Outcome::Broken)));
    };
    Ok(Some(Ended::of(outside.post(&url, headers, Bytes::from(payload)).await)))
}

fn headers(
    id: &str,
    seconds: i64,
    signatures: &str,
) -> Result<HeaderMap, actix_web::http::header::InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, AGENT);
    headers.insert(HeaderName::from_static("webhook-id"), HeaderValue::from_str(id)?);
    headers.insert(HeaderName::from_static("webhook-timestamp"), HeaderValue::from(seconds));
    let signatures = HeaderValue::from_str(signatures)?;
    headers.insert(HeaderName::from_static("webhook-signature"), signatures);
    Ok(headers)
}

/// A duration in milliseconds, as it is kept.
pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
