//! Guessing passwords: slowed down for accounts that exist and for those that do not alike,
//! across restarts, and without locking out who owns the account.

use busbar::types::ServiceName;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::{id_of, login, sign_up};
use crate::support::person::PASSWORD;
use crate::support::{Answer, Person, both_engines};

const TRIES: usize = 10;
/// Failures that are answered before the first wait, by the settings.
const ANSWERED: usize = 6;

/// Status, code and whole body of an answer, without what differs from request to request.
fn shown(answer: &Answer) -> (u16, String) {
    let mut body = answer.json.clone();
    body["request_id"] = json!(null);
    (answer.status, body.to_string())
}

async fn guess(person: &Person, email: &str) -> Answer {
    login(person, email, "this is not the password").await
}

/// Asks the service itself for a new password.
async fn forgot(person: &Person, email: &str) -> Answer {
    person.post("/auth/password/forgot", json!({ "email": email })).await
}

fn device(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

both_engines! {
    with &[ServiceName::Users];

    /// Ten wrong passwords for somebody and for nobody: the same answers. The wait outlasts a
    /// restart, spares a device of the owner, and ends.
    async fn guessing_is_slowed_down_for_somebody_and_nobody_alike(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        let owner = login(&visitor, "ada@example.org", PASSWORD).await;
        let owners = visitor.header("cookie", &device(&owner));
        owner.expect(200);

        let (mut ada, mut nobody) = (Vec::new(), Vec::new());
        for _ in 0..TRIES {
            let answer = guess(&visitor, "ada@example.org").await;
            if answer.status == 429 {
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=30).contains(&wait), "{answer}");
            }
            ada.push(shown(&answer));
            nobody.push(shown(&guess(&visitor, "nobody@example.org").await));
        }
        assert_eq!(ada, nobody);
        let statuses: Vec<u16> = ada.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [[401; ANSWERED].as_slice(), &[429; TRIES - ANSWERED]].concat());
        assert!(ada[ANSWERED].1.contains("too_many_attempts"));

        system.kill();
        system.start_again().await;
        for email in ["ada@example.org", "nobody@example.org"] {
            login(&visitor, email, PASSWORD).await.expect_problem(429, "too_many_attempts");
        }
        login(&owners, "ada@example.org", PASSWORD).await.expect(200);
        let other = login(&owners, "nobody@example.org", PASSWORD).await;
        other.expect_problem(429, "too_many_attempts");

        system.advance(Duration::from_secs(15 * 60)).await;
        login(&visitor, "ada@example.org", PASSWORD).await.expect(200);
        guess(&visitor, "nobody@example.org").await.expect_problem(401, "invalid_credentials");
    }

    /// Fifty guesses at one moment are told no more than six one after the other, and the right
    /// password among those that wait is not told from a wrong one.
    async fn guesses_at_one_moment_count_like_guesses_in_a_row(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        let answers = join_all((0..50).map(|_| guess(&visitor, "ada@example.org"))).await;
        let told = answers.iter().filter(|answer| answer.status == 401).count();
        assert_eq!(told, ANSWERED);
        assert!(answers.iter().all(|answer| matches!(answer.status, 401 | 429)));
        login(&visitor, "ada@example.org", PASSWORD).await.expect_problem(429, "too_many_attempts");
    }

    /// A right password in between makes the failures before it forgotten; a stolen device cookie
    /// gives no more guesses than anybody has; an administrator ends a wait.
    async fn a_wait_is_earned_and_can_be_ended(system: TestSystem) {
        let visitor = system.anonymous();
        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        for _ in 0..3 {
            for _ in 0..ANSWERED - 1 {
                guess(&visitor, "ada@example.org").await.expect(401);
            }
            login(&visitor, "ada@example.org", PASSWORD).await.expect(200);
        }
        let thief = {
            let answer = login(&visitor, "ada@example.org", PASSWORD).await;
            visitor.header("cookie", &device(&answer))
        };
        for _ in 0..ANSWERED {
            guess(&thief, "ada@example.org").await.expect(401);
        }
        guess(&thief, "ada@example.org").await.expect(429);
        let forged = visitor.header("cookie", "busbar_device=AAAA");
        login(&forged, "ada@example.org", PASSWORD).await.expect(200);

        for _ in 0..ANSWERED {
            guess(&visitor, "ada@example.org").await.expect(401);
        }
        login(&visitor, "ada@example.org", PASSWORD).await.expect(429);
        let path = format!("/api/users/{id}/unlock");
        system.admin().await.post(&path, json!({})).await.expect(200);
        login(&visitor, "ada@example.org", PASSWORD).await.expect(200);
    }

    /// Somebody who tries one password on many accounts is stopped by their network; a device that
    /// has logged in before is not.
    async fn a_network_that_guesses_has_to_wait(system: TestSystem) {
        system.kill();
        let few = ("BUSBAR_USERS_LOCKOUT_FAILURES_PER_ADDRESS_PER_HOUR", "20");
        system.launch_with(&[few]).await;
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        let ada = login(&visitor, "ada@example.org", PASSWORD).await;
        for number in 0..20 {
            guess(&visitor, &format!("user{number}@example.org")).await.expect(401);
        }
        let stopped = guess(&visitor, "another@example.org").await;
        assert!(stopped.header("retry-after").parse::<u64>().unwrap() <= 3_600);
        stopped.expect_problem(429, "too_many_attempts");
        login(&visitor, "ada@example.org", PASSWORD).await.expect(429);
        let owners = visitor.header("cookie", &device(&ada));
        login(&owners, "ada@example.org", PASSWORD).await.expect(200);
        system.advance(Duration::from_secs(3_600)).await;
        guess(&visitor, "another@example.org").await.expect(401);
    }

    /// So many sign up from one network in an hour, and no more.
    async fn a_network_that_signs_up_has_to_wait(system: TestSystem) {
        system.kill();
        let few = ("BUSBAR_USERS_REGISTRATIONS_PER_ADDRESS_PER_HOUR", "3");
        system.launch_with(&[few]).await;
        for number in 0..3 {
            sign_up(&system, &format!("user{number}@example.org")).await.expect(201);
        }
        let stopped = sign_up(&system, "another@example.org").await;
        stopped.expect_problem(429, "too_many_attempts");
        system.advance(Duration::from_secs(3_600)).await;
        sign_up(&system, "another@example.org").await.expect(201);
        // An address that is taken counts like any other: nobody asks for many.
        for _ in 0..2 {
            sign_up(&system, "user0@example.org").await.expect_problem(409, "email_taken");
        }
        for email in ["user0@example.org", "a@example.org"] {
            sign_up(&system, email).await.expect_problem(429, "too_many_attempts");
        }
    }

    /// So many mails are asked for from one network in an hour, whomever they are for, and no more;
    /// no answer tells of an account, and nothing else has to wait.
    async fn a_network_that_asks_for_mails_has_to_wait(system: TestSystem) {
        system.kill();
        let few = ("BUSBAR_USERS_MAIL_REQUESTS_PER_ADDRESS_PER_HOUR", "4");
        system.launch_with(&[few]).await;
        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        let visitor = system.anonymous().at(&system.service_url(ServiceName::Users));
        let (near, far) = (visitor.header("x-forwarded-for", "192.0.2.1"),
            visitor.header("x-forwarded-for", "192.0.2.2"));
        for email in ["nobody@example.org", "ada@example.org"] {
            near.post("/auth/email/resend", json!({ "email": email })).await.expect(202);
        }
        for _ in 0..2 {
            forgot(&near, "nobody@example.org").await.expect(202);
        }
        let (known, unknown) =
            (forgot(&near, "ada@example.org").await, forgot(&near, "nobody@example.org").await);
        let wait: u64 = known.header("retry-after").parse().unwrap();
        assert!((1..=3_600).contains(&wait), "{known}");
        assert_eq!(shown(&known), shown(&unknown));
        known.expect_problem(429, "too_many_attempts");
        let again = near.post("/auth/email/resend", json!({"email": "ada@example.org"})).await;
        again.expect_problem(429, "too_many_attempts");
        let order = json!({"email": "ada@example.org", "password": PASSWORD});
        near.post("/auth/login", order).await.expect(200);
        let mailed = format!("/internal/users/{id}/password-reset");
        let mailer = system.internal_as("notifications", ServiceName::Users);
        mailer.get(&mailed).await.expect_problem(404, "password_reset_not_found");

        // The mail that was refused does not count as sent: another network has it at once.
        forgot(&far, "ada@example.org").await.expect(202);
        system.eventually("the code is there", async || mailer.get(&mailed).await.status == 200).await;
        system.advance(Duration::from_secs(3_600)).await;
        forgot(&near, "ada@example.org").await.expect(202);
    }

    /// A network that has to wait uses up nothing of what all networks have together.
    async fn a_network_that_has_to_wait_takes_nothing_from_the_others(system: TestSystem) {
        system.kill();
        let few = [
            ("BUSBAR_USERS_REGISTRATIONS_PER_ADDRESS_PER_HOUR", "2"),
            ("BUSBAR_USERS_REGISTRATIONS_PER_HOUR", "3"),
            ("BUSBAR_USERS_MAIL_REQUESTS_PER_ADDRESS_PER_HOUR", "2"),
            ("BUSBAR_USERS_MAIL_REQUESTS_PER_HOUR", "3"),
        ];
        system.launch_with(&few).await;
        let visitor = system.anonymous().at(&system.service_url(ServiceName::Users));
        let (mut signed_up, mut asked) = (Vec::new(), Vec::new());
        for (number, last) in [1, 1, 1, 1, 1, 2, 3].into_iter().enumerate() {
            let from = visitor.header("x-forwarded-for", &format!("192.0.2.{last}"));
            let email = format!("user{number}@example.org");
            let order = json!({"email": email, "password": PASSWORD});
            signed_up.push(from.post("/users", order).await.status);
            asked.push(forgot(&from, &email).await.status);
        }
        assert_eq!(signed_up, [201, 201, 429, 429, 429, 201, 429]);
        assert_eq!(asked, [202, 202, 429, 429, 429, 202, 429]);
    }
}
