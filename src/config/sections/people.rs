//! Accounts, passwords and sessions.
use super::{DAY_SECONDS, cores, section};
use crate::config::reader::{Parsed, number, optional, secret, word};
use crate::config::secret::Secret;
use crate::types::{Email, words};

words! {
    /// Whether an account must prove its e-mail address before it can log in.
    pub enum EmailVerification: "email_verification_invalid" {
        /// It may log in at once.
        Optional = "optional",
        /// It has to follow the link in a mail first.
        Required = "required",
    }
}

const YEAR_SECONDS: u64 = 366 * DAY_SECONDS;

section! {
    /// The users service.
    Users {
        /// Whether an account must prove its e-mail address before it can log in.
        email_verification: EmailVerification = word,
        /// The shortest password, in characters.
        password_length_min: usize = number(8..=128),
        /// How long an access token is good.
        access_token_seconds: u64 = number(10..=DAY_SECONDS),
        /// How long a session lasts without being used.
        refresh_idle_seconds: u64 = number(10..=YEAR_SECONDS),
        /// How long a session lasts at most.
        refresh_absolute_seconds: u64 = number(10..=YEAR_SECONDS),
        /// How long a refresh token that was just replaced may be shown again.
        refresh_grace_seconds: u64 = number(0..=300),
        /// Passwords hashed at the same time.
        hashes_parallel: usize = one_for_each_core,
        /// Requests that may wait for their turn to hash.
        hashes_waiting_max: usize = number(0..=100_000),
        /// Sign-ups from one network address in an hour; 0: no limit.
        registrations_per_address_per_hour: u32 = number(0..=1_000_000),
        /// Sign-ups in an hour; 0: no limit.
        registrations_per_hour: u32 = number(0..=1_000_000_000),
        /// Requests for codes by mail from one network address in an hour; 0: no limit.
        mail_requests_per_address_per_hour: u32 = number(0..=1_000_000),
        /// Requests for codes by mail in an hour; 0: no limit.
        mail_requests_per_hour: u32 = number(0..=1_000_000_000),
        /// The first administrator.
        admin_email: Email = word,
        /// Their password; `None`: one is made up and shown once.
        admin_password: Option<Secret> = optional(secret),
    }
    /// The cost of guessing a password from its hash.
    argon2: Argon2,
    /// What repeated wrong passwords lead to.
    lockout: Lockout
}

section! {
    /// The parameters of argon2id.
    Argon2 {
        /// Memory for one hash.
        memory_kib: u32 = number(8..=4_194_304),
        /// Passes over that memory.
        iterations: u32 = number(1..=100),
        /// Lanes that could run in parallel.
        lanes: u32 = number(1..=64),
    }
}

section! {
    /// Waiting after wrong passwords.
    Lockout {
        /// Failures of one account that cost no waiting.
        failures_free: u32 = number(1..=100),
        /// The wait after the next failure; it doubles with each further one.
        wait_first_seconds: u64 = number(1..=DAY_SECONDS),
        /// The longest wait.
        wait_max_seconds: u64 = number(1..=DAY_SECONDS),
        /// Failures are forgotten after this long without one.
        forget_after_seconds: u64 = number(1..=YEAR_SECONDS),
        /// Failures from one network address in an hour, over all accounts; 0: no limit.
        failures_per_address_per_hour: u32 = number(0..=1_000_000),
    }
}

fn one_for_each_core(text: &str) -> Parsed<usize> {
    let parallel = number(0..=1_024)(text)?;
    Ok(if parallel == 0 { cores() } else { parallel })
}
