//! A person with an account.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::stored_as_text;
use crate::types::{Cursor, Email, Limit, Locale, Name, Timestamp, UserId, Zone, words};

use super::super::password::Password;
use super::words::{OwnName, Phone};

words! {
    /// What somebody may do.
    pub(crate) enum Role: "role_invalid" {
        /// Pays bills.
        Customer = "customer",
        /// Acts for others.
        Operator = "operator",
        /// Decides who may do what.
        Admin = "admin",
    }
}

words! {
    /// Where an account stands.
    pub(crate) enum Status: "status_invalid" {
        /// The address is not proven yet.
        PendingVerification = "pending_verification",
        Active = "active",
        /// Nobody can log in.
        Suspended = "suspended",
    }
}

stored_as_text!(Role, Status);

/// A user, as everybody who may see them sees them: without anything secret.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) email: Email,
    pub(crate) name: Option<Name>,
    pub(crate) phone: Option<Phone>,
    pub(crate) locale: Locale,
    pub(crate) timezone: Zone,
    pub(crate) role: Role,
    pub(crate) status: Status,
    pub(crate) verified_at: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What a letter to somebody needs; for the services that write them.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Contact {
    user_id: UserId,
    email: Email,
    name: Option<Name>,
    locale: Locale,
    timezone: Zone,
    status: Status,
}

impl From<User> for Contact {
    fn from(user: User) -> Contact {
        let User { id, email, name, locale, timezone, status, .. } = user;
        Contact { user_id: id, email, name, locale, timezone, status }
    }
}

/// What is needed to let somebody in. Never leaves the service.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    pub(crate) email: Email,
    pub(crate) status: Status,
    pub(crate) password_hash: String,
    pub(crate) password_changed_at: Timestamp,
}

/// What goes into an access token about a user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) role: Role,
    pub(crate) token_version: i64,
}

/// `POST /users`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    pub(crate) email: Email,
    /// 15 characters or more, unless the settings say otherwise.
    #[schema(value_type = String, format = Password, max_length = 256)]
    pub(crate) password: Password,
    pub(crate) name: Option<OwnName>,
    pub(crate) phone: Option<Phone>,
    pub(crate) locale: Option<Locale>,
    pub(crate) timezone: Option<Zone>,
}

/// `PUT /users/{id}`: what is left out is emptied, or becomes what it is for a new user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) name: Option<OwnName>,
    pub(crate) phone: Option<Phone>,
    pub(crate) locale: Option<Locale>,
    pub(crate) timezone: Option<Zone>,
}

/// `PATCH /users/{id}`: what is left out stays; `null` empties a name or a phone number.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileChange {
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<OwnName>)]
    pub(crate) name: Option<Option<OwnName>>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Phone>)]
    pub(crate) phone: Option<Option<Phone>>,
    pub(crate) locale: Option<Locale>,
    pub(crate) timezone: Option<Zone>,
}

/// `null` that was written is told from what was left out.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl From<Profile> for ProfileChange {
    fn from(profile: Profile) -> ProfileChange {
        ProfileChange {
            name: Some(profile.name),
            phone: Some(profile.phone),
            locale: Some(profile.locale.unwrap_or_default()),
            timezone: Some(profile.timezone.unwrap_or_default()),
        }
    }
}

impl ProfileChange {
    /// The names of what is changed, for the record.
    pub(crate) fn fields(&self) -> Vec<&'static str> {
        let named = [
            (self.name.is_some(), "name"),
            (self.phone.is_some(), "phone"),
            (self.locale.is_some(), "locale"),
            (self.timezone.is_some(), "timezone"),
        ];
        named.into_iter().filter_map(|(is_named, field)| is_named.then_some(field)).collect()
    }
}

/// `PUT /users/{id}/roles`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleChange {
    pub(crate) role: Role,
}

/// `POST /auth/password/change`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    pub(crate) current: Password,
    #[schema(value_type = String, format = Password, max_length = 256)]
    pub(crate) new: Password,
}

/// The query of `GET /users`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserQuery {
    pub(crate) email: Option<Email>,
    pub(crate) status: Option<Status>,
    #[serde(default)]
    pub(crate) limit: Limit,
    pub(crate) cursor: Option<Cursor>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{from_str, json};

    #[test]
    fn a_change_tells_null_from_what_is_left_out() {
        let change: ProfileChange = from_str(r#"{"name": null, "locale": "de"}"#).unwrap();
        assert_eq!((change.name.clone(), change.phone.clone()), (Some(None), None));
        assert_eq!(change.fields(), ["name", "locale"]);
        assert!(from_str::<ProfileChange>(r#"{"role": "admin"}"#).is_err());
    }

    #[test]
    fn a_profile_names_every_field() {
        let change = ProfileChange::from(from_str::<Profile>("{}").unwrap());
        assert_eq!(change.fields(), ["name", "phone", "locale", "timezone"]);
        assert_eq!(change.locale.unwrap().to_string(), "en");
    }

    #[test]
    fn nobody_names_their_own_role_or_status() {
        for field in ["role", "status", "id", "password_hash", "version", "verified_at"] {
            let mut body = json!({"email": "a@b.org", "password": "a long enough password"});
            body[field] = json!("admin");
            let refused = from_str::<NewUser>(&body.to_string()).unwrap_err().to_string();
            assert!(refused.starts_with("unknown field"), "{field}: {refused}");
        }
    }
}
