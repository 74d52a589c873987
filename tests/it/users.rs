//! Accounts, logins, sessions, and what keeps others out of them.

mod accounts;
mod administration;
mod lockout;
mod passwords;
mod records;
mod sessions;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::person::PASSWORD;
use crate::support::{Answer, Person, TestSystem};

/// A pair of tokens of one session.
#[derive(Clone)]
struct Tokens {
    access: String,
    refresh: String,
    session: String,
}

impl Tokens {
    fn of(answer: Answer) -> Tokens {
        let given = answer.expect(200);
        let text = |name: &str| given[name].as_str().unwrap().to_owned();
        Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
            session: text("session_id"),
        }
    }
}

async fn sign_up(system: &TestSystem, email: &str) -> Answer {
    let order = json!({"email": email, "password": PASSWORD});
    system.anonymous().post("/api/users", order).await
}

async fn login(person: &Person, email: &str, password: &str) -> Answer {
    person.post("/api/auth/login", json!({"email": email, "password": password})).await
}

async fn refresh(person: &Person, token: &str) -> Answer {
    person.post("/api/auth/refresh", json!({"refresh_token": token})).await
}

/// Logged in as somebody who has signed up.
async fn tokens(system: &TestSystem, email: &str) -> Tokens {
    Tokens::of(login(&system.anonymous(), email, PASSWORD).await)
}

fn with(system: &TestSystem, tokens: &Tokens) -> Person {
    Person::with_token(&system.url(), &tokens.access)
}

/// Somebody with an account of this role, logged in with it.
async fn staff(system: &TestSystem, name: &str, role: &str) -> Person {
    let Person { id, .. } = system.person(name).await;
    let path = format!("/api/users/{id}/roles");
    system.admin().await.put(&path, json!({ "role": role })).await.expect(200);
    let mut person = with(system, &tokens(system, &format!("{name}@example.org")).await);
    person.id = id;
    person
}

/// What the mail to a user would say.
async fn mail(system: &TestSystem, user_id: &str) -> Answer {
    let path = format!("/internal/users/{user_id}/verification");
    system.internal_as("notifications", ServiceName::Users).get(&path).await
}

fn id_of(user: &Value) -> String {
    user["id"].as_str().unwrap().to_owned()
}
