//! Users in storage.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Email, Timestamp, UserId};

use super::super::model::user::{
    Account, NewUser, ProfileChange, Role, Standing, Status, User, UserQuery,
};

sql! {
    INSERT = "INSERT INTO users
                  (id, email, email_key, name, phone, locale, timezone, role, status, verified_at,
                   password_hash, password_changed_at, token_version, version,
                   created_at, updated_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 1, $12, $12)
              ON CONFLICT (email_key) DO NOTHING
              RETURNING id, email, name, phone, locale, timezone, role, status, verified_at,
                        version, created_at, updated_at";
    BY_ID = "SELECT id, email, name, phone, locale, timezone, role, status, verified_at,
                    version, created_at, updated_at
             FROM users WHERE id = $1";
    PAGE = "SELECT id, email, name, phone, locale, timezone, role, status, verified_at,
                   version, created_at, updated_at
            FROM users
            WHERE (CAST($1 AS TEXT) IS NULL OR email_key = $1)
              AND (CAST($2 AS TEXT) IS NULL OR status = $2)
              AND (CAST($3 AS BIGINT) IS NULL OR created_at < $3
                   OR (created_at = $3 AND id < $4))
            ORDER BY created_at DESC, id DESC LIMIT $5";
    TAKEN = "SELECT id AS value FROM users WHERE email_key = $1";
    ACCOUNT_BY_EMAIL = "SELECT id, email, status, password_hash, password_changed_at
                        FROM users WHERE email_key = $1";
    ACCOUNT = "SELECT id, email, status, password_hash, password_changed_at
               FROM users WHERE id = $1";
    STANDING = "SELECT role, token_version FROM users WHERE id = $1 AND status <> 'suspended'";
    // The row is locked until the login commits: a suspension or a new password comes before it or
    // after it, and then finds its session.
    LOGGED_IN = "UPDATE users SET last_login_at = $3, password_hash = COALESCE($4, password_hash)
                 WHERE id = $1 AND password_changed_at = $2 AND status <> 'suspended'
                 RETURNING role, token_version";
    // Name and phone come in pairs: whether the field is set, and to what.
    CHANGE = "UPDATE users
              SET name = CASE WHEN $4 THEN $5 ELSE name END,
                  phone = CASE WHEN $6 THEN $7 ELSE phone END,
                  locale = COALESCE($8, locale),
                  timezone = COALESCE($9, timezone),
                  version = version + 1, updated_at = $3
              WHERE id = $1 AND (CAST($2 AS BIGINT) IS NULL OR version = $2)
                AND (CAST($10 AS TEXT) IS NULL OR role = $10)
              RETURNING id, email, name, phone, locale, timezone, role, status, verified_at,
                        version, created_at, updated_at";
    NEW_PASSWORD = "UPDATE users SET password_hash = $3, password_changed_at = $4,
                                     version = version + 1, updated_at = $4
                    WHERE id = $1 AND password_changed_at = $2 AND status <> 'suspended'";
    VERIFY = "UPDATE users
              SET verified_at = $2, version = version + 1, updated_at = $2,
                  status = CASE WHEN status = 'pending_verification' THEN 'active' ELSE status END
              WHERE id = $1 AND verified_at IS NULL
              RETURNING id, email, name, phone, locale, timezone, role, status, verified_at,
                        version, created_at, updated_at";
}

record! { User {
    id, email, name, phone, locale, timezone, role, status, verified_at,
    version, created_at, updated_at,
} }
record! { Account { id, email, status, password_hash, password_changed_at } }
record! { Standing { role, token_version } }

/// How a new account begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    pub(crate) id: UserId,
    pub(crate) role: Role,
    pub(crate) verified_at: Option<Timestamp>,
    pub(crate) password_hash: &'a str,
    pub(crate) at: Timestamp,
}

/// What an account must be for a change to be made; `None`: whatever it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Only {
    pub(crate) version: Option<i64>,
    pub(crate) role: Option<Role>,
}

/// `None`: the address has an account already.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    new: &NewUser,
    start: Start<'_>,
) -> Result<Option<User>, StoreError> {
    let NewUser { email, name, phone, locale, timezone, .. } = new;
    let Start { id, role, verified_at, password_hash, at } = start;
    let key = email.lookup_key();
    let locale = locale.clone().unwrap_or_default();
    let timezone = timezone.clone().unwrap_or_default();
    let status = if verified_at.is_some() { Status::Active } else { Status::PendingVerification };
    let values = params![
        id,
        email,
        key,
        name,
        phone,
        locale,
        timezone,
        role,
        status,
        verified_at,
        password_hash,
        at,
    ];
    tx.optional(INSERT, values).await
}

pub(crate) async fn by_id(database: &Database, id: UserId) -> Result<Option<User>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// As `by_id`, within a change.
pub(crate) async fn current(
    tx: &mut Transaction<'_>,
    id: UserId,
) -> Result<Option<User>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// The newest first; one more than the page has.
pub(crate) async fn page(database: &Database, query: &UserQuery) -> Result<Vec<User>, StoreError> {
    let email = query.email.as_ref().map(Email::lookup_key);
    let (at, id) = (query.cursor.map(|it| it.created_at), query.cursor.map(|it| it.id));
    let rows = query.limit.rows_and_one();
    database.all(PAGE, params![email, query.status, at, id, rows]).await
}

pub(crate) async fn is_taken(database: &Database, email: &Email) -> Result<bool, StoreError> {
    let user: Option<(UserId,)> = database.optional(TAKEN, params![email.lookup_key()]).await?;
    Ok(user.is_some())
}

pub(crate) async fn account_by_email(
    database: &Database,
    email: &Email,
) -> Result<Option<Account>, StoreError> {
    database.optional(ACCOUNT_BY_EMAIL, params![email.lookup_key()]).await
}

pub(crate) async fn account(
    database: &Database,
    id: UserId,
) -> Result<Option<Account>, StoreError> {
    database.optional(ACCOUNT, params![id]).await
}

/// What the next access token says; `None` for somebody who may have none.
pub(crate) async fn standing(
    tx: &mut Transaction<'_>,
    id: UserId,
) -> Result<Option<Standing>, StoreError> {
    tx.optional(STANDING, params![id]).await
}

/// `None`: the account was suspended, or its password changed, since it was read.
pub(crate) async fn logged_in(
    tx: &mut Transaction<'_>,
    account: &Account,
    better_hash: Option<&str>,
    at: Timestamp,
) -> Result<Option<Standing>, StoreError> {
    let values = params![account.id, account.password_changed_at, at, better_hash];
    tx.optional(LOGGED_IN, values).await
}

/// `None`: no such user, or no longer of this version or role.
pub(crate) async fn change(
    tx: &mut Transaction<'_>,
    id: UserId,
    only: Only,
    change: &ProfileChange,
    at: Timestamp,
) -> Result<Option<User>, StoreError> {
    let (names, phones) = (change.name.is_some(), change.phone.is_some());
    let name = change.name.as_ref().and_then(Option::as_ref);
    let phone = change.phone.as_ref().and_then(Option::as_ref);
    let (locale, timezone) = (&change.locale, &change.timezone);
    let Only { version, role } = only;
    let values = params![id, version, at, names, name, phones, phone, locale, timezone, role];
    tx.optional(CHANGE, values).await
}

/// False: it was suspended, or its password changed, since it was read.
pub(crate) async fn new_password(
    tx: &mut Transaction<'_>,
    account: &Account,
    hash: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let values = params![account.id, account.password_changed_at, hash, at];
    Ok(tx.execute(NEW_PASSWORD, values).await? == 1)
}

/// `None`: the address was proven before.
pub(crate) async fn verify(
    tx: &mut Transaction<'_>,
    id: UserId,
    at: Timestamp,
) -> Result<Option<User>, StoreError> {
    tx.optional(VERIFY, params![id, at]).await
}
