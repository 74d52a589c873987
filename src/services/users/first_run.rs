//! The first administrator, made once for a database: by whichever instance comes first.

use busbar_http::Problem;
use serde_json::Value;

use crate::storage::Transaction;
use crate::types::{Email, UserId};

use super::Users;
use super::events::{self, Act, UserRegistered};
use super::model::Role;
use super::model::user::NewUser;
use super::password::{self, Password};
use super::problem::EMAIL_TAKEN;
use super::store::{self, administration, user::Start};

/// Letters and digits that nobody takes for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// So many groups of five: 125 bits.
const GROUPS: usize = 5;
const GROUP_LENGTH: usize = 5;

/// The administrator that a first run has made.
#[derive(Clone)]
pub struct Administrator {
    pub email: Email,
    /// Made up, to be shown once; `None` when the settings gave one.
    pub password: Option<String>,
}

/// Makes the first administrator; `None` when one was made before.
pub(super) async fn found(users: &Users) -> Result<Option<Administrator>, Problem> {
    if administration::is_founded(&users.database).await? {
        return Ok(None);
    }
    let email = users.section.admin_email.clone();
    let given = users.section.admin_password.as_ref().map(|secret| secret.expose().to_owned());
    let made_up = if given.is_none() { Some(make_up()?) } else { None };
    let text = given.or_else(|| made_up.clone()).unwrap_or_default();
    let password = Password::read(&text).map_err(Problem::internal)?;
    if password::check(&password, users.section.password_length_min, &email).is_err() {
        // The operator's own choice.
        log::warn!("the administrator's password is easily guessed: change it");
    }
    let hash = users.hasher.hash(password.clone()).await?;
    let new = NewUser { email, password, name: None, phone: None, locale: None, timezone: None };
    let made = users.database.transaction(async |tx| insert(tx, users, &new, &hash).await).await?;
    Ok(made.then_some(Administrator { email: new.email, password: made_up }))
}

/// False: another instance was faster.
async fn insert(
    tx: &mut Transaction<'_>,
    users: &Users,
    new: &NewUser,
    password_hash: &str,
) -> Result<bool, Problem> {
    let (id, at) = (UserId::new(), users.clock.now());
    if !administration::found(tx, at).await? {
        return Ok(false);
    }
    let start = Start { id, role: Role::Admin, verified_at: Some(at), password_hash, at };
    let user = store::user::insert(tx, new, start).await?.ok_or(EMAIL_TAKEN)?;
    let act = Act::of_system(at);
    events::tell(tx, &act, &UserRegistered::from(&user)).await?;
    events::note(tx, &act, "administrator.made", id, Value::Null).await?;
    Ok(true)
}

fn make_up() -> Result<String, Problem> {
    let mut bytes = [0_u8; GROUPS * GROUP_LENGTH];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    let groups = bytes.chunks(GROUP_LENGTH).map(|group| group.iter().map(letter).collect());
    Ok(groups.collect::<Vec<String>>().join("-"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_password_is_long_and_another_each_time() {
        let (one, other) = (make_up().unwrap(), make_up().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 29);
        let email = "admin@localhost".parse().unwrap();
        assert!(password::check(&Password::read(&one).unwrap(), 15, &email).is_ok());
    }
}
