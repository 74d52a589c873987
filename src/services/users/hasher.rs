//! Passwords are hashed and checked on blocking threads, as many at a time as there are cores,
//! with a bounded line before them. Does I/O of a kind: it waits for threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::web;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use busbar_http::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config;

use super::password::Password;
use super::problem::HASHING_BUSY;

const BUSY_RETRY_AFTER_SECONDS: u64 = 1;

/// Makes and checks password hashes (argon2id, PHC strings).
pub(super) struct Hasher {
    argon: Argon2<'static>,
    /// Each permit is the memory of one hash.
    permits: Arc<Semaphore>,
    /// Requests in line. Each counts itself in and out.
    waiting: AtomicUsize,
    waiting_max: usize,
    /// Checked in place of the hash of somebody who does not exist: the work is the same.
    nobody: String,
}

/// What a check of a password came to.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) is_right: bool,
    /// A hash by today's settings, where the password is right and its hash was cheaper.
    pub(super) better_hash: Option<String>,
}

/// Counts a request as waiting, also when it is dropped half way.
struct InLine<'a>(&'a AtomicUsize);

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hasher {
    pub(super) fn new(section: &config::Users) -> Result<Hasher, argon2::password_hash::Error> {
        let cost = &section.argon2;
        let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, None)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Hasher {
            nobody: nobody(argon.params()),
            argon,
            permits: Arc::new(Semaphore::new(section.hashes_parallel)),
            waiting: AtomicUsize::new(0),
            waiting_max: section.hashes_waiting_max,
        })
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The hash of a new password.
    pub(super) async fn hash(&self, password: Password) -> Result<String, Problem> {
        let argon = self.argon.clone();
        let hash = self.run(move || hash(&argon, &password)).await?;
        hash.map_err(Problem::internal)
    }

    /// Whether this is the password; `None`, where there is no account, costs the same work.
    pub(super) async fn check(
        &self,
        password: Password,
        stored: Option<String>,
    ) -> Result<Checked, Problem> {
        let argon = self.argon.clone();
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let checked = self.run(move || check(&argon, &password, &stored)).await?;
        let checked = checked.map_err(Problem::internal)?;
        Ok(Checked { is_right: checked.is_right && exists, ..checked })
    }

    /// Runs `work` on a blocking thread when its turn has come.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.turn().await?;
        // The work keeps its permit, whether or not somebody still waits for it.
        let done = web::block(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(Problem::internal)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(HASHING_BUSY.problem().retry_after(BUSY_RETRY_AFTER_SECONDS));
        }
        let _in_line = InLine(&self.waiting);
        self.permits.clone().acquire_owned().await.map_err(Problem::internal)
    }
}

/// A hash of today's cost that nobody knows a password of: salt and output are zeros. Made without
/// hashing, whose memory would be taken, and stay, before anybody logs in.
fn nobody(cost: &Params) -> String {
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    let (m, t, p) = (cost.m_cost(), cost.t_cost(), cost.p_cost());
    format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${output}")
}

fn hash(argon: &Argon2<'_>, password: &Password) -> Result<String, argon2::password_hash::Error> {
    Ok(argon.hash_password(password.as_bytes())?.to_string())
}

/// A wrong password is an answer; a stored text that is no hash is an error.
fn check(
    argon: &Argon2<'_>,
    password: &Password,
    stored: &str,
) -> Result<Checked, argon2::password_hash::Error> {
    use argon2::password_hash::Error;
    let known = PasswordHash::new(stored)?;
    match argon.verify_password(password.as_bytes(), &known) {
        Ok(()) => {
            let is_cheap = is_below(argon.params(), &known)?;
            let better_hash = is_cheap.then(|| hash(argon, password)).transpose()?;
            Ok(Checked { is_right: true, better_hash })
        }
        Err(Error::PasswordInvalid) => Ok(Checked { is_right: false, better_hash: None }),
        Err(error) => Err(error),
    }
}

/// Whether a hash cost less to make than one would today.
fn is_below(wanted: &Params, known: &PasswordHash) -> Result<bool, argon2::password_hash::Error> {
    let params = Params::try_from(known)?;
    let is_other = known.algorithm != Algorithm::Argon2id.ident();
    Ok(is_other || params.m_cost() < wanted.m_cost() || params.t_cost() < wanted.t_cost())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn argon(memory_kib: u32) -> Argon2<'static> {
        let params = Params::new(memory_kib, 1, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }

    fn hasher(parallel: usize, waiting_max: usize) -> Hasher {
        let argon = argon(64);
        let nobody = nobody(argon.params());
        let permits = Arc::new(Semaphore::new(parallel));
        Hasher { argon, permits, waiting: AtomicUsize::new(0), waiting_max, nobody }
    }

    fn password(text: &str) -> Password {
        Password::read(text).unwrap()
    }

    #[actix_rt::test]
    async fn a_hash_is_a_phc_string_that_only_its_password_fits() {
        let hasher = hasher(1, 1);
        let hash = hasher.hash(password("right")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(password("right")).await.unwrap(), "each has its own salt");
        let right = hasher.check(password("right"), Some(hash.clone())).await.unwrap();
        assert!(right.is_right && right.better_hash.is_none());
        assert!(!hasher.check(password("wrong"), Some(hash)).await.unwrap().is_right);
    }

    /// What is checked for nobody costs what a real hash does, output and salt as long.
    #[test]
    fn the_hash_of_nobody_is_like_any_other() {
        let argon = argon(64);
        let (nobody, real) = (nobody(argon.params()), hash(&argon, &password("right")).unwrap());
        let (nobody, real) =
            (PasswordHash::new(&nobody).unwrap(), PasswordHash::new(&real).unwrap());
        assert_eq!(nobody.algorithm, real.algorithm);
        assert_eq!((nobody.version, &nobody.params), (real.version, &real.params));
        let lengths = |hash: &PasswordHash| {
            (hash.salt.map(|salt| salt.len()), hash.hash.map(|output| output.len()))
        };
        assert_eq!(lengths(&nobody), lengths(&real));
        assert!(!is_below(argon.params(), &nobody).unwrap());
    }

    #[actix_rt::test]
    async fn nobody_has_a_password() {
        for guess in ["nobody", "", "right"] {
            assert!(!hasher(1, 1).check(password(guess), None).await.unwrap().is_right);
        }
    }

    #[test]
    fn a_cheaper_hash_is_replaced_when_the_password_is_known() {
        let (cheap, dear) = (argon(32), argon(64));
        let old = hash(&cheap, &password("right")).unwrap();
        let better = check(&dear, &password("right"), &old).unwrap().better_hash.unwrap();
        assert!(better.contains("m=64"), "{better}");
        assert!(check(&dear, &password("wrong"), &old).unwrap().better_hash.is_none());
        assert!(check(&cheap, &password("right"), &better).unwrap().better_hash.is_none());
    }

    #[actix_rt::test]
    async fn beyond_the_line_there_is_a_503() {
        let hasher = hasher(1, 1);
        let running = hasher.permits.clone().acquire_owned().await.unwrap();
        let waiting = hasher.turn();
        let refused = async {
            let refused = hasher.turn().await.unwrap_err();
            assert_eq!((refused.status().as_u16(), refused.code()), (503, "hashing_busy"));
            assert_eq!(hasher.waiting(), 1);
            drop(running);
        };
        let (turn, ()) = futures_util::future::join(waiting, refused).await;
        assert!(turn.is_ok());
        assert_eq!(hasher.waiting(), 0);
    }
}
