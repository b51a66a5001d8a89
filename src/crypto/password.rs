//! Passwords: Argon2id on a few threads of its own.
//!
//! Hashing on the runtime's blocking pool holds gigabytes for good, because each hash takes an aligned block
//! of 19 MiB from whatever thread runs it. One or two threads that keep their block hold 19 MiB each, at a
//! lower priority than those that answer pages. The queue in front is short: full is [`Error::Busy`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

use super::same;
use crate::error::{Error, Result};

/// KiB of memory, passes, lanes: OWASP's first recommendation for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
/// Sign-ins that wait; at some 60 a second per thread, nobody waits longer than two seconds.
const QUEUE: usize = 64;
/// Less urgent than answering pages.
const NICE: i32 = 10;

/// Shortest and longest password, in characters.
pub const MIN_CHARS: usize = 10;
pub const MAX_CHARS: usize = 256;
/// What the strength estimator reads; its time grows fast with the length.
const ESTIMATED_CHARS: usize = 64;
/// Signs that it takes for letters, several for one letter. It tries every combination, so that a password of all of
/// them takes seconds, and anybody may send one.
const STAND_INS: &str = "@({[<!|$+%";
/// Kinds of them that it may try; more are no word that somebody disguised.
const STAND_INS_MOST: usize = 3;

type Work = Box<dyn FnOnce(&mut [Block]) + Send>;

/// The threads that hash.
pub struct Passwords {
    queue: SyncSender<Work>,
    /// Hashes that wait or are being made.
    open: Arc<AtomicUsize>,
}

impl Passwords {
    /// Starts this many threads. They end when this is dropped.
    pub fn start(threads: usize) -> Result<Self> {
        let (queue, work) = sync_channel::<Work>(QUEUE);
        let work = Arc::new(Mutex::new(work));
        for number in 1..=threads.max(1) {
            let work = Arc::clone(&work);
            std::thread::Builder::new().name(format!("passwords-{number}")).spawn(move || run(&work))?;
        }
        Ok(Self { queue, open: Arc::default() })
    }

    /// Hashes that wait or are being made.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// A new hash, as a PHC string.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String> {
        let password = password.to_owned();
        self.on_thread(move |memory| {
            let output = digest(password.as_bytes(), &salt, &params()?, memory)?;
            written(&salt, &output)
        })
        .await
    }

    /// Whether the password is the one that was hashed.
    pub async fn verify(&self, password: &str, phc: &str) -> Result<bool> {
        let (password, phc) = (password.to_owned(), phc.to_owned());
        self.on_thread(move |memory| {
            let hash = PasswordHash::new(&phc).map_err(failed)?;
            let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
                return Err(Error::internal("a password hash without salt or output"));
            };
            let params = Params::try_from(&hash).map_err(failed)?;
            let output = digest(password.as_bytes(), salt.as_ref(), &params, memory)?;
            Ok(same(&output, expected.as_bytes()))
        })
        .await
    }

    /// Takes as long as [`Passwords::verify`], for a user who does not exist.
    pub async fn verify_nothing(&self, password: &str) -> Result<()> {
        let password = password.to_owned();
        self.on_thread(move |memory| digest(password.as_bytes(), &[0; 16], &params()?, memory).map(|_| ())).await
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut [Block]) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let open = Open::count(&self.open);
        let work: Work = Box::new(move |memory| {
            let made = f(memory);
            // Whoever has the answer may look how many are open; who does not wait any more needs none.
            drop(open);
            let _gone = answer.send(made);
        });
        self.queue.try_send(work).map_err(|full| match full {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::internal("the password threads have ended"),
        })?;
        answered.await.map_err(|_| Error::internal("a password thread ended"))?
    }
}

/// One hash among those that are open, until it is dropped.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn count(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn run(work: &Mutex<Receiver<Work>>) {
    // Without the right to it we hash at normal priority.
    let _refused = rustix::process::setpriority_process(None, NICE);
    // Taken by the first hash, so that a start costs no 19 MiB, and kept from then on.
    let mut memory = Vec::new();
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        memory.resize(MEMORY_KIB as usize, Block::default());
        work(&mut memory);
    }
}

/// The hash of no password: an output that was drawn and not made. For accounts whose password is still to be set.
///
/// # Errors
/// `Internal`, if it cannot be written.
pub fn of_nothing(salt: [u8; 16], output: [u8; OUTPUT_BYTES]) -> Result<String> {
    written(&salt, &output)
}

/// As a PHC string.
fn written(salt: &[u8; 16], output: &[u8; OUTPUT_BYTES]) -> Result<String> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params()?).map_err(failed)?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(Output::new(output).map_err(failed)?),
    };
    Ok(hash.to_string())
}

fn params() -> Result<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).map_err(failed)
}

fn digest(password: &[u8], salt: &[u8], params: &Params, memory: &mut [Block]) -> Result<[u8; OUTPUT_BYTES]> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut output = [0; OUTPUT_BYTES];
    let blocks = params.block_count();
    match memory.get_mut(..blocks) {
        Some(memory) => argon2.hash_password_into_with_memory(password, salt, &mut output, memory),
        // A hash made with more memory than ours: rare, so it may take its own.
        None => argon2.hash_password_into(password, salt, &mut output),
    }
    .map_err(failed)?;
    Ok(output)
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::internal(format!("password hashing: {cause}"))
}

/// Whether a password may be chosen; `about` are words that an attacker would try first (name, address).
///
/// # Errors
/// The code of the reason: `too_short`, `too_long`, `too_weak`.
pub fn strength(password: &str, about: &[&str]) -> Result<(), &'static str> {
    match password.chars().count() {
        ..MIN_CHARS => return Err("too_short"),
        MIN_CHARS..=MAX_CHARS => {}
        _ => return Err("too_long"),
    }
    if zxcvbn::zxcvbn(&estimated(password), about).score() >= zxcvbn::Score::Two { Ok(()) } else { Err("too_weak") }
}

/// The part of a password that is estimated, in a form that does not take long.
fn estimated(password: &str) -> String {
    let start: String = password.chars().take(ESTIMATED_CHARS).collect();
    let kinds = STAND_INS.chars().filter(|sign| start.contains(*sign)).count();
    if kinds > STAND_INS_MOST { start.replace(|c| STAND_INS.contains(c), "~") } else { start }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[actix_web::test]
    async fn a_hash_verifies_its_password_only() {
        let passwords = Passwords::start(1).unwrap();
        let hash = passwords.hash("correct horse", [3; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", &hash).await.unwrap());
        assert!(!passwords.verify("correct horsf", &hash).await.unwrap());
        passwords.verify_nothing("anything").await.unwrap();
    }

    #[actix_web::test]
    async fn hashes_of_other_programs_verify_too() {
        let passwords = Passwords::start(1).unwrap();
        let made_elsewhere = include_str!("../cli/seed.password-hash").trim();
        assert!(passwords.verify("marketgate-demo", made_elsewhere).await.unwrap());
    }

    #[actix_web::test]
    async fn a_full_queue_is_busy_and_not_a_wait() {
        let passwords = Passwords::start(1).unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let hold: Work = Box::new(move |_| {
            let _released = held.recv();
        });
        passwords.queue.send(hold).unwrap();
        while passwords.queue.try_send(Box::new(|_| ())).is_ok() {}
        assert!(matches!(passwords.verify_nothing("x").await, Err(Error::Busy)));
        drop(release);
    }

    #[test]
    fn weak_passwords_are_named() {
        assert_eq!(strength("short", &[]), Err("too_short"));
        assert_eq!(strength(&"x".repeat(257), &[]), Err("too_long"));
        assert_eq!(strength("passwordpassword", &[]), Err("too_weak"));
        assert_eq!(strength("chensiyuan", &["chensiyuan"]), Err("too_weak"));
        assert_eq!(strength("marketgate-demo", &[]), Ok(()));
        assert_eq!(strength("P@$$w0rdP@$$w0rd!", &[]), Err("too_weak"), "a disguise is seen through");
    }

    #[test]
    fn no_password_makes_the_estimator_try_hundreds_of_disguises() {
        let all = "4@8({[<369&#!1/|0$5+7%2".repeat(5);
        assert!(!estimated(&all).contains(|c| STAND_INS.contains(c)));
        assert_eq!(estimated(&all).chars().count(), ESTIMATED_CHARS);
        assert_eq!(estimated("p@$$w0rd!"), "p@$$w0rd!", "as many as people use are read");
        assert_eq!(strength(&all, &[]), Ok(()));
    }
}
