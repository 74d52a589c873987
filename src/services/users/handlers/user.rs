//! Accounts: sign up, look up, change.

use actix_web::web::Data;
use busbar_http::precondition::version_mismatch;
use busbar_http::problem::kinds;
use busbar_http::{Body, IfMatch, Listed, Path, Problem, Query, Reply};

use crate::types::{Cursor, UserId};

use super::super::Users;
use super::super::events::{self, Act, UserRegistered};
use super::super::model::user::{NewUser, Profile, ProfileChange, Role, User, UserQuery};
use super::super::password;
use super::super::problem::{EMAIL_TAKEN, USER_NOT_FOUND};
use super::super::store::{self, user::Only, user::Start};
use super::counters::Counters;
use super::password::field;
use super::person::Person;
use super::verification;
use super::visitor::Visitor;

/// `POST /users`.
pub(crate) async fn register(
    users: Data<Users>,
    visitor: Visitor,
    Body(new): Body<NewUser>,
) -> Result<Reply, Problem> {
    password::check(&new.password, users.section.password_length_min, &new.email)
        .map_err(|refused| field("/password", &refused))?;
    let (id, now) = (UserId::new(), users.clock.now());
    let counters = Counters::registrations(&users, &visitor);
    counters.admit(&users, now).await?;
    // Counted for good before anything is told or hashed: a taken address counts, and so does
    // whoever leaves without waiting for the answer.
    users.database.transaction(async |tx| counters.count(tx, now).await).await?;
    // Told here, as it is below, but before anything is hashed.
    if store::user::is_taken(&users.database, &new.email).await? {
        return Err(EMAIL_TAKEN.problem().at("/email"));
    }
    let hash = users.hasher.hash(new.password.clone()).await?;
    let start =
        Start { id, role: Role::Customer, verified_at: None, password_hash: &hash, at: now };
    let act = Act::by(id, &visitor.request_id, now);
    let made = users.database.transaction(async |tx| {
        let user = store::user::insert(tx, &new, start).await?;
        let user = user.ok_or_else(|| EMAIL_TAKEN.problem().at("/email"))?;
        events::tell(tx, &act, &UserRegistered::from(&user)).await?;
        verification::request(tx, &act, user.id).await?;
        Ok::<_, Problem>(user)
    });
    Reply::first(201, &made.await?)
}

/// `GET /users/me`.
pub(crate) async fn me(users: Data<Users>, person: Person) -> Result<Reply, Problem> {
    Reply::first(200, &find(&users, person.id).await?)
}

/// `GET /users/{id}`.
pub(crate) async fn show(
    users: Data<Users>,
    person: Person,
    Path(id): Path<UserId>,
) -> Result<Reply, Problem> {
    let user = seen(&users, &person, id).await?;
    Reply::first(200, &user)
}

/// `GET /users`.
pub(crate) async fn list(
    users: Data<Users>,
    person: Person,
    Query(query): Query<UserQuery>,
) -> Result<Listed<User>, Problem> {
    person.require_staff()?;
    let found = store::user::page(&users.database, &query).await?;
    let cursor = |user: &User| Cursor::new(user.created_at, user.id).to_string();
    Ok(Listed::page(found, query.limit.rows(), cursor))
}

/// `PUT /users/{id}`.
pub(crate) async fn replace(
    users: Data<Users>,
    person: Person,
    id: Path<UserId>,
    expected: IfMatch,
    Body(profile): Body<Profile>,
) -> Result<Reply, Problem> {
    update(users, person, id, expected, Body(profile.into())).await
}

/// `PATCH /users/{id}`: one's own; for operators those of customers, for administrators all.
pub(crate) async fn update(
    users: Data<Users>,
    person: Person,
    Path(id): Path<UserId>,
    expected: IfMatch,
    Body(change): Body<ProfileChange>,
) -> Result<Reply, Problem> {
    let (seen, role) = (seen(&users, &person, id).await?, person.changes_only(id));
    require_role(&seen, role)?;
    expected.require(seen.version)?;
    // Who named no version does not mind what others have changed meanwhile.
    let version = (expected != IfMatch::Any).then_some(seen.version);
    let only = Only { version, role };
    let (act, details) = (&person.act, events::fields(&change.fields()));
    let changed = users.database.transaction(async |tx| {
        let Some(user) = store::user::change(tx, id, only, &change, act.at).await? else {
            let current = store::user::current(tx, id).await?.ok_or(USER_NOT_FOUND)?;
            require_role(&current, role)?;
            return Err(version_mismatch(current.version));
        };
        events::note(tx, act, "user.updated", id, details.clone()).await?;
        Ok::<_, Problem>(user)
    });
    Reply::first(200, &changed.await?)
}

/// The user, if the person may see them; somebody else's account is as if it were not there.
async fn seen(users: &Users, person: &Person, id: UserId) -> Result<User, Problem> {
    if person.may_see(id) { find(users, id).await } else { Err(USER_NOT_FOUND.problem()) }
}

fn require_role(user: &User, role: Option<Role>) -> Result<(), Problem> {
    match role {
        Some(role) if role != user.role => Err(kinds::INSUFFICIENT_SCOPE.problem()),
        Some(_) | None => Ok(()),
    }
}

async fn find(users: &Users, id: UserId) -> Result<User, Problem> {
    let user = store::user::by_id(&users.database, id).await?;
    user.ok_or_else(|| USER_NOT_FOUND.problem())
}
