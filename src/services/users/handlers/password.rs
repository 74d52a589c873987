//! `POST /auth/password/change`: a new password ends every other session.

use actix_web::web::Data;
use busbar_http::{Body, NoContent, Problem};

use crate::types::Refused;

use super::super::Users;
use super::super::events::{self, How, PasswordChanged};
use super::super::model::SessionEnd;
use super::super::model::user::PasswordChange;
use super::super::password;
use super::super::problem::{INVALID_CREDENTIALS, USER_NOT_FOUND};
use super::super::store;
use super::guess::Guess;
use super::person::Person;
use super::visitor::Visitor;

pub(crate) async fn change(
    users: Data<Users>,
    person: Person,
    visitor: Visitor,
    Body(order): Body<PasswordChange>,
) -> Result<NoContent, Problem> {
    let now = person.act.at;
    let account = store::user::account(&users.database, person.id).await?;
    let account = account.ok_or(USER_NOT_FOUND)?;
    password::check(&order.new, users.section.password_length_min, &account.email)
        .map_err(|refused| field("/new", &refused))?;
    password::differs(&order.new, &order.current).map_err(|refused| field("/new", &refused))?;

    let guess = Guess::new(&users, &visitor, &account.email, Some(&account), now);
    guess.admit(&users, now).await?;
    let stored = Some(account.password_hash.clone());
    if !users.hasher.check(order.current, stored).await?.is_right {
        return Err(guess.refuse(&users, now).await);
    }
    let hash = users.hasher.hash(order.new).await?;

    let (act, reason) = (&person.act, SessionEnd::PasswordChange);
    let changed = users.database.transaction(async |tx| {
        guess.accept(tx, now).await?;
        if !store::user::new_password(tx, &account, &hash, now).await? {
            return Err(INVALID_CREDENTIALS.problem());
        }
        store::reset::supersede(tx, person.id, now).await?;
        let others = Some(person.session);
        let ended = store::session::revoke_all(tx, person.id, others, reason, now).await?;
        events::tell(tx, act, &PasswordChanged { user_id: person.id, how: How::Change }).await?;
        events::tell_ended(tx, act, person.id, &ended, reason).await
    });
    changed.await?;
    Ok(NoContent)
}

/// What is wrong with a field, as a problem.
pub(crate) fn field(pointer: &str, refused: &Refused) -> Problem {
    Problem::field(pointer, refused.code(), refused.detail().to_owned())
}
