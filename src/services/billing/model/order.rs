//! What staff ask for: a bill of stated lines, or one of what an account used in a period.
use serde::Deserialize;
use utoipa::ToSchema;

use crate::types::{Currency, Date, Period, ProviderId, ServiceAccountId, UserId, Zone};

use super::draft::Faults;
use super::line::NewLine;
use super::words::Exactness;

/// A bill: of stated `lines`, for `user_id` and `provider_id` in a `currency`; or, without lines,
/// worked out from the readings of a `service_account_id`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBill {
    period: Period,
    #[serde(default)]
    service_account_id: Option<ServiceAccountId>,
    /// Set when the bill is issued, if it is not said.
    #[serde(default)]
    due_on: Option<Date>,
    /// Which amounts may be paid. As the provider has it, or `exact_down`, if it is not said.
    #[serde(default)]
    exactness: Option<Exactness>,
    /// 1 to 200.
    #[serde(default)]
    lines: Option<Vec<NewLine>>,
    /// With `lines` only.
    #[serde(default)]
    user_id: Option<UserId>,
    /// With `lines` only.
    #[serde(default)]
    provider_id: Option<ProviderId>,
    /// With `lines` only.
    #[serde(default)]
    currency: Option<Currency>,
    /// With `lines` only; UTC if not said.
    #[serde(default)]
    timezone: Option<Zone>,
}

/// One of the two.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Stated(Box<StatedBill>),
    Rated(RatedOrder),
}

/// A bill of stated lines.
#[derive(Clone, Debug)]
pub(crate) struct StatedBill {
    pub(crate) user_id: UserId,
    pub(crate) provider_id: ProviderId,
    pub(crate) service_account_id: Option<ServiceAccountId>,
    pub(crate) currency: Currency,
    pub(crate) period: Period,
    pub(crate) due_on: Option<Date>,
    pub(crate) timezone: Zone,
    pub(crate) exactness: Exactness,
    pub(crate) lines: Vec<NewLine>,
}

/// A bill of what was used.
#[derive(Clone, Debug)]
pub(crate) struct RatedOrder {
    pub(crate) service_account_id: ServiceAccountId,
    pub(crate) period: Period,
    pub(crate) due_on: Option<Date>,
    pub(crate) exactness: Option<Exactness>,
}

/// Why a field does not go with a bill that is rated.
const OF_ACCOUNT: &str = "it follows from the service account; with `lines` it is stated";

impl NewBill {
    /// Lines that are stated make it the one, a service account without lines the other.
    pub(crate) fn read(self) -> Result<Order, Faults> {
        match (self.lines.is_some(), self.service_account_id) {
            (false, Some(account)) => self.rated(account).map(Order::Rated),
            _ => self.stated().map(|bill| Order::Stated(Box::new(bill))),
        }
    }

    fn stated(self) -> Result<StatedBill, Faults> {
        let mut faults = Faults::default();
        let user_id = faults.required("user_id", self.user_id);
        let provider_id = faults.required("provider_id", self.provider_id);
        let currency = faults.required("currency", self.currency);
        let lines = faults.required("lines", self.lines);
        let (Some(user_id), Some(provider_id), Some(currency), Some(lines)) =
            (user_id, provider_id, currency, lines)
        else {
            return Err(faults);
        };
        Ok(StatedBill {
            user_id,
            provider_id,
            service_account_id: self.service_account_id,
            currency,
            period: self.period,
            due_on: self.due_on,
            timezone: self.timezone.unwrap_or_default(),
            exactness: self.exactness.unwrap_or(Exactness::ExactDown),
            lines,
        })
    }

    fn rated(self, service_account_id: ServiceAccountId) -> Result<RatedOrder, Faults> {
        let mut faults = Faults::default();
        let stated = [
            ("user_id", self.user_id.is_some()),
            ("provider_id", self.provider_id.is_some()),
            ("currency", self.currency.is_some()),
            ("timezone", self.timezone.is_some()),
        ];
        let stated = stated.into_iter().filter(|(_, is_there)| *is_there);
        stated.for_each(|(field, _)| faults.not_allowed(field, OF_ACCOUNT));
        if !faults.0.is_empty() {
            return Err(faults);
        }
        let NewBill { period, due_on, exactness, .. } = self;
        Ok(RatedOrder { service_account_id, period, due_on, exactness })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(fields: Value) -> Result<Order, Vec<(String, &'static str)>> {
        let mut body = json!({"period": {"start": "2026-03-01", "end": "2026-03-31"}});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let order: NewBill = serde_json::from_value(body).unwrap();
        order.read().map_err(|Faults(faults)| {
            faults.into_iter().map(|(pointer, refused)| (pointer, refused.code())).collect()
        })
    }

    #[test]
    fn lines_make_a_bill_a_stated_one() {
        let account = ServiceAccountId::new();
        let lines = json!([{"kind": "fixed", "description": "x", "amount_minor": 1}]);
        let rated = read(json!({"service_account_id": account}));
        assert!(matches!(rated, Ok(Order::Rated(order)) if order.service_account_id == account));
        let stated = read(json!({"user_id": UserId::new(), "provider_id": "P", "currency": "USD",
            "service_account_id": account, "lines": lines}));
        assert!(matches!(stated, Ok(Order::Stated(_))));
    }

    #[test]
    fn what_is_missing_and_what_does_not_fit_is_pointed_at() {
        let pointers = |fields: Value, code: &str| {
            let faults = read(fields).unwrap_err();
            assert!(faults.iter().all(|(_, known)| *known == code), "{faults:?}");
            faults.into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>()
        };
        let all = ["/user_id", "/provider_id", "/currency", "/lines"];
        assert_eq!(pointers(json!({}), "field_required"), all);
        let account = ServiceAccountId::new();
        let lines = json!([{"kind": "fixed", "description": "x", "amount_minor": 1}]);
        let mixed = json!({"service_account_id": account, "lines": lines, "currency": "USD"});
        assert_eq!(pointers(mixed, "field_required"), ["/user_id", "/provider_id"]);
        let mixed = json!({"service_account_id": account, "currency": "USD", "timezone": "UTC"});
        assert_eq!(pointers(mixed, "field_not_allowed"), ["/currency", "/timezone"]);
    }
}
