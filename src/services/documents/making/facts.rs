//! What the other services know of a bill: the bill itself, who it is for, who it is from.
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use busbar_http::{Deadline, Peer, PeerError, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::types::{
    Amount, BillId, Currency, Date, Period, ProviderId, ServiceName, Text, UserId, Zone,
};

use super::super::Documents;
use super::super::model::filename::Filename;

/// How long another service may take to answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
/// After so many failures in a row the provider's name is done without, if only that is missing.
const FAILURES_FOR_A_NAME: u32 = 5;

/// What is read of a bill.
#[derive(Debug, Deserialize)]
pub(super) struct Bill {
    pub(super) number: Option<String>,
    pub(super) user_id: UserId,
    pub(super) provider_id: ProviderId,
    pub(super) service_account_id: Option<String>,
    pub(super) currency: Currency,
    pub(super) period: Period,
    pub(super) issued_on: Option<Date>,
    pub(super) due_on: Option<Date>,
    pub(super) timezone: Zone,
    pub(super) basis: String,
    pub(super) lines: Vec<Line>,
    pub(super) subtotal_minor: Amount,
    pub(super) tax_minor: Amount,
    pub(super) total_minor: Amount,
}

#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) description: String,
    pub(super) quantity: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) rate: Option<String>,
    pub(super) amount_minor: Amount,
    pub(super) tax_code: Option<String>,
    pub(super) tax_minor: Amount,
    /// How it was computed, where billing says so.
    #[serde(default)]
    pub(super) trace: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Contact {
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Provider {
    name: String,
}

/// All that a paper about a bill needs.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) bill: Bill,
    pub(super) customer: Contact,
    pub(super) provider: String,
}

impl Facts {
    pub(super) async fn of_bill(
        documents: &Documents,
        id: BillId,
        failures: u32,
    ) -> Result<Facts, Problem> {
        let peer = |service| peer(documents, service);
        let bill: Bill = ask(peer(ServiceName::Billing)?, &format!("/internal/bills/{id}"))
            .await
            .map_err(Problem::internal)?;
        if bill.number.is_none() {
            return Err(Problem::internal(format!("bill {id} has no number")));
        }
        let contact = format!("/internal/users/{}/contact", bill.user_id);
        let customer = known(ask(peer(ServiceName::Users)?, &contact).await)?;
        let provider = provider(peer(ServiceName::Utilities)?, &bill.provider_id, failures).await?;
        Ok(Facts { customer: customer.unwrap_or_default(), provider, bill })
    }

    pub(super) fn owner(&self) -> UserId {
        self.bill.user_id
    }

    /// Issued bills have one.
    pub(super) fn number(&self) -> &str {
        self.bill.number.as_deref().unwrap_or_default()
    }

    /// `invoice-ACME-2026-000042.pdf`: numbers may hold signs that file names may not.
    pub(super) fn filename(&self, what: &str, number: &str) -> Result<Filename, Problem> {
        let is_plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
        let number: String = number.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let number: String = number.chars().take(NUMBER_CHARS_MAX).collect();
        Filename::parse(&format!("{what}-{number}.pdf")).map_err(Problem::internal)
    }
}

/// In a file name: four bytes each fit with what stands around.
const NUMBER_CHARS_MAX: usize = 56;

fn peer(documents: &Documents, service: ServiceName) -> Result<&Peer, Problem> {
    documents.peers.to(service).ok_or_else(|| Problem::internal(format!("no way to {service}")))
}

async fn ask<T: DeserializeOwned>(peer: &Peer, path: &str) -> Result<T, PeerError> {
    peer.get_json(path, &HeaderMap::new(), Deadline::after(ANSWER_WAIT_MAX)).await
}

/// The name that a provider goes by. Bills may name one that nobody has set up: its id will do.
async fn provider(peer: &Peer, id: &ProviderId, failures: u32) -> Result<String, Problem> {
    let asked: Result<Provider, _> = ask(peer, &format!("/internal/providers/{id}")).await;
    match known(asked) {
        Ok(Some(provider)) => Ok(provider.name),
        Ok(None) => Ok(id.to_string()),
        Err(problem) if failures > FAILURES_FOR_A_NAME => {
            log::warn!("an invoice goes by the id of provider {id}: {problem}");
            Ok(id.to_string())
        }
        Err(problem) => Err(problem),
    }
}

/// `None`: the other service does not know it.
fn known<T>(asked: Result<T, PeerError>) -> Result<Option<T>, Problem> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(PeerError::Status { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
        Err(error) => Err(Problem::internal(error)),
    }
}
