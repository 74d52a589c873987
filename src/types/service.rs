//! The nine services by name.
use std::borrow::Cow;

use super::{Refused, Text, nearest, text_form};

/// A service of the house.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ServiceName {
    Gateway,
    Users,
    Payments,
    Billing,
    Notifications,
    Documents,
    Utilities,
    Analytics,
    Webhooks,
}

impl ServiceName {
    /// In the order of their ports.
    pub const ALL: [ServiceName; 9] = [
        ServiceName::Gateway,
        ServiceName::Users,
        ServiceName::Payments,
        ServiceName::Billing,
        ServiceName::Notifications,
        ServiceName::Documents,
        ServiceName::Utilities,
        ServiceName::Analytics,
        ServiceName::Webhooks,
    ];

    /// The eight behind the gateway.
    pub fn domain() -> impl Iterator<Item = ServiceName> {
        Self::ALL.into_iter().filter(|service| service.is_domain())
    }

    pub fn is_domain(self) -> bool {
        self != ServiceName::Gateway
    }

    /// The name in commands, settings, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            ServiceName::Gateway => "gateway",
            ServiceName::Users => "users",
            ServiceName::Payments => "payments",
            ServiceName::Billing => "billing",
            ServiceName::Notifications => "notifications",
            ServiceName::Documents => "documents",
            ServiceName::Utilities => "utilities",
            ServiceName::Analytics => "analytics",
            ServiceName::Webhooks => "webhooks",
        }
    }

    /// The word of the origin's health answers.
    pub const fn origin(self) -> &'static str {
        match self {
            ServiceName::Gateway => "gateway",
            ServiceName::Users => "user",
            ServiceName::Payments => "payment",
            ServiceName::Billing => "billing",
            ServiceName::Notifications => "notification",
            ServiceName::Documents => "document",
            ServiceName::Utilities => "utility",
            ServiceName::Analytics => "analytics",
            ServiceName::Webhooks => "webhook",
        }
    }

    /// How its environment variables begin: `USER_SERVICE_PORT`, `API_GATEWAY_PORT`.
    pub const fn variable_prefix(self) -> &'static str {
        match self {
            ServiceName::Gateway => "API_GATEWAY",
            ServiceName::Users => "USER_SERVICE",
            ServiceName::Payments => "PAYMENT_SERVICE",
            ServiceName::Billing => "BILLING_SERVICE",
            ServiceName::Notifications => "NOTIFICATION_SERVICE",
            ServiceName::Documents => "DOCUMENT_SERVICE",
            ServiceName::Utilities => "UTILITY_SERVICE",
            ServiceName::Analytics => "ANALYTICS_SERVICE",
            ServiceName::Webhooks => "WEBHOOK_SERVICE",
        }
    }

    pub const fn default_port(self) -> u16 {
        3000 + self as u16
    }

    /// The known name that was most likely meant.
    pub fn nearest(text: &str) -> Option<ServiceName> {
        let known = nearest(text, Self::ALL.map(ServiceName::as_str))?;
        Self::ALL.into_iter().find(|service| service.as_str() == known)
    }
}

impl Text for ServiceName {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let named = Self::ALL.into_iter().find(|service| service.as_str() == text);
        named.ok_or_else(|| Refused::new("service_unknown", unknown(text)))
    }

    fn closed_set() -> Option<Vec<&'static str>> {
        Some(Self::ALL.map(ServiceName::as_str).to_vec())
    }
}
text_form!(ServiceName);

fn unknown(text: &str) -> String {
    let list = ServiceName::ALL.map(ServiceName::as_str).join(", ");
    let meant = ServiceName::nearest(text).map(|near| format!("; did you mean `{near}`?"));
    format!("the services are {list}{}", meant.unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_the_order() {
        let ports: Vec<u16> = ServiceName::ALL.map(ServiceName::default_port).to_vec();
        assert_eq!(ports, (3000..=3008).collect::<Vec<_>>());
        assert_eq!(ServiceName::Webhooks.default_port(), 3008);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_list_and_the_nearest() {
        let refused = "paymnets".parse::<ServiceName>().unwrap_err();
        assert!(refused.detail().contains("users, payments, billing"), "{refused}");
        assert!(refused.detail().ends_with("did you mean `payments`?"), "{refused}");
        assert_eq!(ServiceName::nearest("user"), Some(ServiceName::Users));
    }

    #[test]
    fn names_read_back() {
        for service in ServiceName::ALL {
            assert_eq!(service.as_str().parse::<ServiceName>().unwrap(), service);
        }
    }
}
