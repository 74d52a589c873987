//! Who wants which messages by which way. Pure.

use busbar_http::{Invalid, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Timestamp, UserId};

use super::{Category, Channel};

/// The ways for one category. `sms` and `push` are kept for whoever reads them: nothing is sent so.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Switches {
    email: bool,
    inbox: bool,
    /// Kept; nothing is sent by SMS yet.
    sms: bool,
    /// Kept; nothing is pushed yet.
    push: bool,
}

/// Every category by every way; what is not said is as it is for somebody new.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Matrix {
    /// Cannot be muted.
    security: Switches,
    /// Cannot be muted.
    receipt: Switches,
    billing: Switches,
    payment: Switches,
    announcement: Switches,
}

/// `PUT /notifications/preferences`: all of them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preferences {
    /// Mail at all, but for what cannot be muted.
    #[serde(default = "yes")]
    pub(crate) email: bool,
    /// Kept; nothing is sent by SMS yet.
    #[serde(default)]
    pub(crate) sms: bool,
    /// Kept; nothing is pushed yet.
    #[serde(default)]
    pub(crate) push: bool,
    #[serde(default)]
    pub(crate) categories: Matrix,
}

/// Preferences as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) email: bool,
    pub(crate) sms: bool,
    pub(crate) push: bool,
    /// JSON, see [`Matrix`].
    pub(crate) categories: String,
    pub(crate) version: i64,
    pub(crate) updated_at: Timestamp,
}

/// Preferences as they are shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreferenceView {
    user_id: UserId,
    /// Mail at all, but for what cannot be muted.
    email: bool,
    /// Kept; nothing is sent by SMS yet.
    sms: bool,
    /// Kept; nothing is pushed yet.
    push: bool,
    categories: Matrix,
    /// The categories that cannot be muted.
    mandatory: Vec<Category>,
    /// 0: never changed.
    version: i64,
    updated_at: Option<Timestamp>,
}

fn yes() -> bool {
    true
}

impl Default for Switches {
    fn default() -> Switches {
        Switches { email: true, inbox: true, sms: false, push: false }
    }
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences { email: true, sms: false, push: false, categories: Matrix::default() }
    }
}

impl Matrix {
    fn of(&self, category: Category) -> &Switches {
        match category {
            Category::Security => &self.security,
            Category::Receipt => &self.receipt,
            Category::Billing => &self.billing,
            Category::Payment => &self.payment,
            Category::Announcement => &self.announcement,
        }
    }
}

impl Preferences {
    /// What can be muted, but is not allowed to be.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut invalid = Invalid::default();
        for category in Category::ALL.iter().filter(|category| category.is_mandatory()) {
            let switches = self.categories.of(*category);
            for (is_on, way) in [(switches.email, "email"), (switches.inbox, "inbox")] {
                let pointer = format!("/categories/{category}/{way}");
                let detail = "what concerns security, and receipts, cannot be muted";
                invalid.check(is_on, &pointer, "category_mandatory", detail);
            }
        }
        invalid.finish()
    }

    pub(crate) fn wants(&self, category: Category, channel: Channel) -> bool {
        let switches = self.categories.of(category);
        let is_wanted = match channel {
            Channel::Email => self.email && switches.email,
            Channel::Inbox => switches.inbox,
        };
        is_wanted || category.is_mandatory()
    }
}

impl Stored {
    pub(crate) fn preferences(&self) -> Result<Preferences, Problem> {
        let categories = serde_json::from_str(&self.categories).map_err(Problem::internal)?;
        Ok(Preferences { email: self.email, sms: self.sms, push: self.push, categories })
    }
}

impl PreferenceView {
    pub(crate) fn new(user_id: UserId, stored: Option<&Stored>) -> Result<Self, Problem> {
        let preferences = stored.map(Stored::preferences).transpose()?.unwrap_or_default();
        let Preferences { email, sms, push, categories } = preferences;
        let mandatory = Category::ALL.iter().copied().filter(|one| one.is_mandatory()).collect();
        let (version, updated_at) =
            stored.map_or((0, None), |stored| (stored.version, Some(stored.updated_at)));
        Ok(Self { user_id, email, sms, push, categories, mandatory, version, updated_at })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn preferences(body: serde_json::Value) -> Preferences {
        from_value(body).unwrap()
    }

    #[test]
    fn somebody_new_gets_mail_and_notices_of_everything() {
        assert_eq!(preferences(json!({})), Preferences::default());
        for category in Category::ALL {
            for channel in Channel::ALL {
                assert!(Preferences::default().wants(*category, *channel));
            }
        }
    }

    #[test]
    fn what_is_muted_is_not_wanted_and_the_rest_is() {
        let some = preferences(json!({"categories": {"billing": {"email": false}}}));
        assert!(some.check().is_ok());
        assert!(!some.wants(Category::Billing, Channel::Email));
        assert!(some.wants(Category::Billing, Channel::Inbox));
        assert!(some.wants(Category::Payment, Channel::Email));

        let none = preferences(json!({"email": false}));
        assert!(!none.wants(Category::Announcement, Channel::Email));
        assert!(none.wants(Category::Announcement, Channel::Inbox));
        assert!(none.wants(Category::Security, Channel::Email));
        assert!(none.wants(Category::Receipt, Channel::Email));
    }

    #[test]
    fn security_and_receipts_cannot_be_muted() {
        let muted = json!({"categories": {"security": {"email": false}}});
        let refused = preferences(muted).check().unwrap_err();
        assert_eq!(refused.code(), "category_mandatory");
        assert_eq!(refused.body(None)["errors"][0]["pointer"], "/categories/security/email");
        let kept_only = json!({"categories": {"receipt": {"sms": false, "push": false}}});
        assert!(preferences(kept_only).check().is_ok());
    }
}
