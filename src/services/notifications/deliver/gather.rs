//! What a message says, asked of those who know: the person, the bill, the code of a proof.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use busbar_http::client::PeerError;
use busbar_http::trace::REQUEST_ID;
use busbar_http::{Deadline, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::types::{
    Amount, Currency, Date, Email, Locale, Name, Period, ProviderId, ServiceName, Timestamp,
    UserId, Zone,
};

use super::super::Notifications;
use super::super::model::message::{Facts, Message};
use super::super::model::{Channel, Template};
use super::super::problem::PEER_UNAVAILABLE;
use super::super::store::{self, announcement};
use super::super::template::{Reader, Variables};
use super::{End, Stop};

/// How long one service may take.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
/// The name of a biller is an ornament: nobody waits long for it.
const NAME_WAIT_MAX: Duration = Duration::from_secs(2);
/// What was to be said is no longer so.
const OVER: End = End::Suppressed { code: "no_longer_needed" };

/// Between two mails of a kind about an account whose address is not proven.
const UNPROVEN_WAIT: Duration = Duration::from_secs(86_400);

/// To whom a message goes, and what its template fills in.
pub(super) struct Known {
    pub(super) email: Email,
    pub(super) name: Option<Name>,
    pub(super) reader: Reader,
    pub(super) variables: Variables,
}

/// A person, as the users service tells.
#[derive(Deserialize)]
pub(in super::super) struct Contact {
    pub(in super::super) email: Email,
    name: Option<Name>,
    locale: Locale,
    timezone: Zone,
    status: Standing,
}

/// What is read of where an account stands.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// Its address is proven.
    Active,
    #[serde(other)]
    Other,
}

/// What is read of a bill.
#[derive(Deserialize)]
struct Bill {
    number: Option<String>,
    status: Stage,
    provider_id: ProviderId,
    period: Period,
    due_on: Option<Date>,
    currency: Currency,
    total_minor: Amount,
    tax_minor: Amount,
    balance_minor: Amount,
    #[serde(default)]
    lines: Vec<Line>,
}

/// What is read of where a bill stands.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Paid,
    Void,
    #[serde(other)]
    Other,
}

impl Stage {
    /// Whether what this says of a bill that stands here is still so.
    fn bears(self, template: Template) -> bool {
        match template {
            Template::BillOverdue => matches!(self, Stage::Other),
            Template::BillIssued => !matches!(self, Stage::Void),
            _ => true,
        }
    }
}

#[derive(Deserialize)]
struct Line {
    description: String,
    amount_minor: Amount,
}

/// What is read of a biller.
#[derive(Deserialize)]
struct Provider {
    name: String,
}

/// The code of a proof, as the users service tells.
#[derive(Deserialize)]
struct Proof {
    token: String,
    expires_at: Timestamp,
}

pub(super) async fn gather(
    notifications: &Notifications,
    message: &Message,
) -> Result<Known, Stop> {
    let inquiry = Inquiry { notifications, message };
    let Contact { email, name, locale, timezone, status } = inquiry.contact().await?;
    let facts: Facts = serde_json::from_str(&message.facts).map_err(Problem::internal)?;
    // Whoever signs up with somebody else's address has mail of ours go there: it bears no words
    // of theirs.
    let is_proven = matches!(status, Standing::Active);
    let is_about_account = matches!(facts, Facts::Proof | Facts::Notice);
    let name = name.filter(|_| is_proven || !is_about_account);
    let mut variables = Variables::new();
    variables.insert("name".to_owned(), json!(name));
    variables.insert("occurred_at".to_owned(), json!(message.occurred_at));
    match facts {
        Facts::Bill { bill_id, days } => {
            variables.insert("days".to_owned(), json!(days));
            inquiry.bill(&bill_id.to_string(), &mut variables).await?;
        }
        Facts::Payment { payment_id, bill_id, amount_minor, currency, reason } => {
            inquiry.bill(&bill_id.to_string(), &mut variables).await?;
            let own = json!({"payment_id": payment_id, "amount_minor": amount_minor,
                "currency": currency, "reason": reason});
            extend(&mut variables, own);
        }
        // A notice is kept, and says nothing secret.
        Facts::Proof if message.channel == Channel::Inbox => {}
        Facts::Proof => inquiry.proof(&mut variables).await?,
        Facts::Notice if is_proven => {}
        Facts::Notice => inquiry.spare_strangers().await?,
        Facts::Announcement { announcement_id } => {
            let found = announcement::by_id(&notifications.database, announcement_id).await?;
            let found = found.ok_or_else(|| Stop::End(End::failed("announcement_not_found")))?;
            extend(&mut variables, json!({"subject": found.subject, "text": found.text}));
        }
    }
    Ok(Known { email, name, reader: Reader { locale, timezone }, variables })
}

fn extend(variables: &mut Variables, more: Value) {
    if let Value::Object(more) = more {
        variables.extend(more);
    }
}

/// A question to others because of a message.
struct Inquiry<'a> {
    notifications: &'a Notifications,
    message: &'a Message,
}

impl Inquiry<'_> {
    async fn contact(&self) -> Result<Contact, Stop> {
        let path = contact_path(self.message.user_id);
        self.ask(ServiceName::Users, &path, End::failed("user_not_found")).await
    }

    /// The code of the proof that is waited for. None is when it was used, or has expired.
    async fn proof(&self, variables: &mut Variables) -> Result<(), Stop> {
        let what = match self.message.template {
            Template::PasswordReset => "password-reset",
            _ => "verification",
        };
        let path = format!("/internal/users/{}/{what}", self.message.user_id);
        let Proof { token, expires_at } = self.ask(ServiceName::Users, &path, OVER).await?;
        extend(variables, json!({"token": token, "expires_at": expires_at}));
        Ok(())
    }

    /// Whoever signs up with somebody else's address could have such mails go there at will.
    async fn spare_strangers(&self) -> Result<(), Stop> {
        let (database, message) = (&self.notifications.database, self.message);
        let since = message.created_at.minus(UNPROVEN_WAIT);
        match message.channel {
            Channel::Email if store::message::is_repeated(database, message, since).await? => {
                Err(Stop::End(End::Suppressed { code: "told_already" }))
            }
            Channel::Email | Channel::Inbox => Ok(()),
        }
    }

    async fn bill(&self, id: &str, variables: &mut Variables) -> Result<(), Stop> {
        let path = format!("/internal/bills/{id}");
        let bill: Bill =
            self.ask(ServiceName::Billing, &path, End::failed("bill_not_found")).await?;
        if !bill.status.bears(self.message.template) {
            return Err(Stop::End(OVER));
        }
        let provider = self.provider(&bill.provider_id).await;
        let lines: Vec<Value> = bill
            .lines
            .iter()
            .map(|line| json!({"description": line.description, "amount_minor": line.amount_minor}))
            .collect();
        let period_last = bill.period.end().plus_days(-1);
        extend(
            variables,
            json!({
                "number": bill.number, "provider": provider, "due_on": bill.due_on,
                "period_start": bill.period.start(), "period_last": period_last,
                "currency": bill.currency, "total_minor": bill.total_minor,
                "tax_minor": bill.tax_minor, "balance_minor": bill.balance_minor,
                "lines": lines,
            }),
        );
        Ok(())
    }

    /// The biller's name, or its id: bills may name one that nobody has entered.
    async fn provider(&self, id: &ProviderId) -> String {
        let path = format!("/internal/providers/{id}");
        let asked = self.get(ServiceName::Utilities, &path, NAME_WAIT_MAX).await;
        asked.map_or_else(|_| id.to_string(), |provider: Provider| provider.name)
    }

    /// `missing`: what becomes of the message when there is no such thing.
    async fn ask<T: DeserializeOwned>(
        &self,
        service: ServiceName,
        path: &str,
        missing: End,
    ) -> Result<T, Stop> {
        match self.get(service, path, ANSWER_WAIT_MAX).await {
            Ok(answer) => Ok(answer),
            Err(Some(PeerError::Status { status, .. })) if status.as_u16() == 404 => {
                Err(Stop::End(missing))
            }
            Err(error) => Err(Stop::Problem(unavailable(error))),
        }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        service: ServiceName,
        path: &str,
        wait: Duration,
    ) -> Result<T, Option<PeerError>> {
        let peer = self.notifications.peers.to(service).ok_or(None)?;
        let mut headers = HeaderMap::new();
        if let Ok(id) = HeaderValue::from_str(&self.message.correlation) {
            headers.insert(HeaderName::from_static(REQUEST_ID), id);
        }
        peer.get_json(path, &headers, Deadline::after(wait)).await.map_err(Some)
    }
}

fn contact_path(user: UserId) -> String {
    format!("/internal/users/{user}/contact")
}

fn unavailable(error: Option<PeerError>) -> Problem {
    let problem = PEER_UNAVAILABLE.problem();
    match error {
        Some(error) => problem.cause(error),
        None => problem,
    }
}

/// A person, for a request of staff. `None`: there is no such user.
pub(in super::super) async fn contact(
    notifications: &Notifications,
    user: UserId,
) -> Result<Option<Contact>, Problem> {
    let peer = notifications.peers.to(ServiceName::Users).ok_or_else(|| unavailable(None))?;
    let (headers, deadline) = (HeaderMap::new(), Deadline::after(NAME_WAIT_MAX));
    match peer.get_json(&contact_path(user), &headers, deadline).await {
        Ok(contact) => Ok(Some(contact)),
        Err(PeerError::Status { status, .. }) if status.as_u16() == 404 => Ok(None),
        Err(error) => Err(unavailable(Some(error))),
    }
}
