//! What staff say to some people.

use std::borrow::Cow;
use std::collections::BTreeSet;

use busbar_http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored_as_text;
use crate::types::{Name, Refused, Text, Timestamp, UserId, text_form};

use super::{AnnouncementId, Category};

/// People that one announcement goes to.
pub(crate) const RECIPIENTS_MAX: usize = 1_000;
const PROSE_CHARS_MAX: usize = 10_000;

/// A text of several lines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Prose(String);

impl Text for Prose {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let prose = text.trim().replace("\r\n", "\n");
        let odd = |c: char| c.is_control() && c != '\n' && c != '\t';
        if prose.is_empty() || prose.chars().count() > PROSE_CHARS_MAX || prose.chars().any(odd) {
            return Err(Refused::new("text_invalid", "1 to 10000 characters"));
        }
        Ok(Prose(prose))
    }
}
text_form!(Prose);
stored_as_text!(Prose);

/// `POST /notifications`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAnnouncement {
    /// To whom; or `user_ids`.
    user_id: Option<UserId>,
    /// To whom, at most 1000.
    user_ids: Option<Vec<UserId>>,
    pub(crate) category: Category,
    #[schema(value_type = String, max_length = 200)]
    pub(crate) subject: Name,
    #[schema(value_type = String, max_length = 10000)]
    pub(crate) text: Prose,
}

impl NewAnnouncement {
    /// Everybody once.
    pub(crate) fn recipients(&self) -> Result<Vec<UserId>, Problem> {
        let named: BTreeSet<UserId> = match (self.user_id, &self.user_ids) {
            (Some(user), None) => BTreeSet::from([user]),
            (None, Some(users)) => users.iter().copied().collect(),
            (Some(_), Some(_)) => {
                return Err(refuse("/user_id", "recipients_ambiguous", "user_id or user_ids"));
            }
            (None, None) => BTreeSet::new(),
        };
        if named.is_empty() {
            return Err(refuse(
                "/user_ids",
                "recipients_missing",
                "an announcement goes to somebody",
            ));
        }
        if named.len() > RECIPIENTS_MAX {
            return Err(refuse("/user_ids", "recipients_too_many", "at most 1000 at once"));
        }
        Ok(named.into_iter().collect())
    }
}

fn refuse(pointer: &'static str, code: &'static str, detail: &'static str) -> Problem {
    Problem::field(pointer, code, detail)
}

/// An announcement as it is stored, without its recipients.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Announcement {
    pub(crate) id: AnnouncementId,
    pub(crate) category: Category,
    pub(crate) subject: Name,
    #[schema(value_type = String)]
    pub(crate) text: Prose,
    /// How many people it goes to.
    pub(crate) recipients_count: i64,
    /// How many of them have their messages by now, sent or queued.
    pub(crate) reached: i64,
    pub(crate) created_at: Timestamp,
}

/// What an announcement's messages are made from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Address {
    /// JSON: a list of user ids.
    pub(crate) recipients: String,
    pub(crate) reached: i64,
    pub(crate) category: Category,
    pub(crate) correlation: String,
    pub(crate) created_at: Timestamp,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn order(who: serde_json::Value) -> NewAnnouncement {
        let mut order = json!({"category": "announcement", "subject": "s", "text": "t"});
        order.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        from_value(order).unwrap()
    }

    #[test]
    fn an_announcement_goes_to_each_person_once_and_to_a_bounded_number() {
        let (ada, eve) = (UserId::new(), UserId::new());
        let both = order(json!({"user_ids": [ada, eve, ada]})).recipients().unwrap();
        assert_eq!(both, [ada, eve]);
        let code = |who| order(who).recipients().unwrap_err().code().to_owned();
        assert_eq!(code(json!({})), "recipients_missing");
        assert_eq!(code(json!({"user_ids": []})), "recipients_missing");
        assert_eq!(code(json!({"user_id": ada, "user_ids": [eve]})), "recipients_ambiguous");
        let many: Vec<UserId> = (0..=RECIPIENTS_MAX).map(|_| UserId::new()).collect();
        assert_eq!(code(json!({"user_ids": many})), "recipients_too_many");
    }

    #[test]
    fn a_text_has_lines_and_no_control_characters() {
        assert_eq!(" a\r\nb ".parse::<Prose>().unwrap().to_string(), "a\nb");
        for bad in ["", "  \n", "a\u{7}b", &"é".repeat(10_001)] {
            assert_eq!(bad.parse::<Prose>().unwrap_err().code(), "text_invalid");
        }
    }
}
