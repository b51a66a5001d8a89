//! What can be asked of us: one function each, (db or tx, actor, now, input) -> outcome. Rights are checked here.

pub mod alarm;
pub mod api_key;
pub mod approval;
pub mod audit;
pub mod binding;
pub mod call;
pub mod claim;
pub mod copy;
pub mod delivery;
pub mod directory;
pub mod doctor;
pub mod email_check;
pub mod entry;
pub mod feed;
pub mod heal;
pub mod hold;
pub mod idempotency;
pub mod intervention;
pub mod invitation;
pub mod isv_key;
pub mod landing;
pub mod leaving;
pub mod mail;
pub mod master_key;
pub mod membership;
pub mod metering;
pub mod notice;
pub mod operator;
pub mod organization;
pub mod overview;
pub mod provision;
pub mod push;
pub mod second_factor;
pub mod session;
pub mod settings;
pub mod stand_in;
pub mod statement;
pub mod subscription;
pub mod timeline;
pub mod usage;
pub mod user;
pub mod webhook;
pub mod work;

use crate::domain::value::{DAY_MS, Instant};
use crate::error::{Error, Result};

// The rows that use cases hand out, and the job table as the runner works it.
pub use crate::store::api_key::ApiKey;
pub use crate::store::delivery::Delivery;
pub use crate::store::event::Event;
pub use crate::store::organization::Organization;
pub use crate::store::subscription::Subscription;
pub use crate::store::user::User;
pub use crate::store::{Db, Tx, figure, job, probe};

/// How long work that was done is kept, for who looks into what happened.
const KEEP_DONE_MS: i64 = 7 * DAY_MS;

/// Forgets what nobody can use any more of one kind: so many rows at most.
pub type Forget = fn(&Tx, Instant, u32) -> Result<usize>;

/// Every kind of what is forgotten, each to be called in a write of its own (rules D1).
pub const FORGET: [Forget; 16] = [
    claim::forget_spent,
    entry::forget_codes,
    second_factor::forget_old,
    email_check::forget_old,
    invitation::forget_old,
    session::forget_old,
    user::forget_resets,
    mail::forget_old,
    |tx, now, rows| job::delete_done(tx, now.plus_ms(-KEEP_DONE_MS), rows),
    audit::forget_old,
    delivery::forget_old,
    idempotency::forget_old,
    call::forget_of_released,
    call::erase_free_form,
    call::forget_refused,
    alarm::forget_old,
];

/// The number behind which a list goes on that has the newest first; nothing said: behind none.
///
/// # Errors
/// `Invalid(after, malformed)`.
pub fn number_after(after: &str) -> Result<i64> {
    if after.is_empty() { Ok(i64::MAX) } else { after.parse().map_err(|_| Error::invalid("after", "malformed")) }
}

/// The id behind which a list goes on that has the newest first; nothing said: what every id is less than.
fn id_after(after: &str) -> &str {
    if after.is_empty() { "~" } else { after }
}

/// Cuts a list, of which one more was read, to a page; the cursor of the next one.
fn page<T>(found: &mut Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Option<String> {
    let is_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    found.last().filter(|_| is_more).map(cursor)
}

/// Gives a job up: it stays visible, and an operator is told.
pub fn give_up(tx: &Tx, job: &job::Job, why: &str, now: Instant) -> Result<()> {
    job::bury(tx, job.id, now, why)?;
    crate::store::alarm::raise(tx, "dead_job", &format!("{} {}", job.kind, job.key), why, now)
}

pub use crate::domain::subscription::name as subscription_name;

/// A moment as the API and the feed write it.
#[must_use]
pub fn rfc3339(at: Instant) -> String {
    jiff::Timestamp::from_millisecond(at.ms()).map(|at| at.to_string()).unwrap_or_default()
}
