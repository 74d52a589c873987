//! A payment as it is kept, and the tries to carry it out.

use actix_web::http::Method;
use busbar_http::{Caller, IdempotencyKey, RequestId};

use crate::requests::Request;
use crate::types::{AttemptId, BillId, Money, PaymentId, ProviderId, Timestamp, UserId};

use super::metadata::PaymentMetadata;
use super::order::{MethodToken, Order};
use super::stage::{AttemptState, PaymentFailureCode, Stage};

/// Where payments are asked for; the claim of an Idempotency-Key names it.
pub(crate) const CREATE_ROUTE: &str = "/payments";

/// A payment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Payment {
    pub(crate) id: PaymentId,
    pub(crate) stage: Stage,
    /// Counts the changes that were shown; 0 while nothing is.
    pub(crate) version: i64,
    pub(crate) bill_id: BillId,
    pub(crate) bill_number: Option<String>,
    /// Whose bill it is; until billing has said so, who asked.
    pub(crate) user_id: UserId,
    pub(crate) provider_id: Option<ProviderId>,
    pub(crate) money: Money,
    pub(crate) connector: String,
    pub(crate) token: MethodToken,
    pub(crate) metadata: PaymentMetadata,
    pub(crate) failure_code: Option<PaymentFailureCode>,
    /// How often the connector was asked what became of it.
    pub(crate) polls: u32,
    /// Who asked, as `user/0190…`, and whether as staff.
    pub(crate) principal: String,
    pub(crate) is_staff: bool,
    pub(crate) request_key: String,
    pub(crate) fingerprint: String,
    /// The id of the request that it began with.
    pub(crate) correlation: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// One try to carry a payment out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) payment_id: PaymentId,
    pub(crate) number: u32,
    pub(crate) connector: String,
    /// What the connector tells the same charge by.
    pub(crate) charge_key: String,
    pub(crate) state: AttemptState,
    pub(crate) connector_reference: Option<String>,
    pub(crate) failure_code: Option<PaymentFailureCode>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) answered_at: Option<Timestamp>,
}

/// One change of a payment that was shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transition {
    pub(crate) version: i64,
    pub(crate) stage: Stage,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) note: Option<String>,
}

/// What billing holds for a payment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reserved {
    pub(crate) bill_number: Option<String>,
    pub(crate) user_id: UserId,
    pub(crate) provider_id: ProviderId,
}

impl Payment {
    /// A payment that was asked for and nothing more.
    pub(crate) fn requested(
        order: Order,
        caller: &Caller,
        request: &RequestId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Payment {
        Payment {
            id: PaymentId::new(),
            stage: Stage::Reserving,
            version: 0,
            bill_id: order.bill_id,
            bill_number: None,
            user_id: caller.subject.into(),
            provider_id: None,
            money: order.money,
            connector: order.method.as_str().to_owned(),
            token: order.token,
            metadata: order.metadata,
            failure_code: None,
            polls: 0,
            principal: principal(caller),
            is_staff: caller.is_staff(),
            request_key: key.key.clone(),
            fingerprint: key.fingerprint.clone(),
            correlation: request.id().to_owned(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The request that it came from, under which its answer is kept.
    pub(crate) fn request(&self) -> Request {
        let key = IdempotencyKey {
            key: self.request_key.clone(),
            method: Method::POST,
            route: CREATE_ROUTE.to_owned(),
            fingerprint: self.fingerprint.clone(),
        };
        Request { principal: self.principal.clone(), key }
    }

    /// Whether the caller pays it, for himself or for somebody else.
    pub(crate) fn is_made_by(&self, caller: &Caller) -> bool {
        self.user_id.uuid() == caller.subject || self.principal == principal(caller)
    }

    /// What events and transitions are about.
    pub(crate) fn subject(&self) -> String {
        format!("payment/{}", self.id)
    }
}

/// A person, as one who acts is named.
pub(crate) fn principal(caller: &Caller) -> String {
    format!("user/{}", caller.subject)
}

impl Attempt {
    /// The first try. A second one could only follow a first that is known to have failed.
    pub(crate) fn first(payment: &Payment) -> Attempt {
        let number = 1;
        Attempt {
            id: AttemptId::new(),
            payment_id: payment.id,
            number,
            connector: payment.connector.clone(),
            charge_key: format!("{}:{number}", payment.id),
            state: AttemptState::Ready,
            connector_reference: None,
            failure_code: None,
            sent_at: None,
            answered_at: None,
        }
    }
}
