//! Writes the mails that are queued with their cause, and hands mails to the mail server.

use std::sync::Arc;

use super::Fault;
use crate::app::App;
use crate::clock::Instant;
use crate::domain::letter;
use crate::error::Error;
use crate::outbound::smtp::{Letter, Undelivered};
use crate::usecase::Tx;
use crate::usecase::mail::Mailer;
use crate::usecase::{
    self,
    job::{self, Job},
};

/// What writes the mails of a job's key.
type Write = fn(&Tx, &Mailer<'_>, &str, Instant) -> Result<(), Error>;

/// Writes the mails of a job, with its end in the same transaction.
pub fn tell(app: &Arc<App>, job: &Job, write: Write) -> Result<(), Fault> {
    let (shared, id, key, now) = (Arc::clone(app), job.id, job.key.clone(), app.now());
    app.store.write_blocking(move |tx| {
        let mailer = Mailer {
            keys: &shared.keys,
            chance: &shared.chance,
            head: shared.config.letterhead(),
            is_sent: shared.post.is_some(),
        };
        write(tx, &mailer, &key, now)?;
        job::finish(tx, id, now)
    })?;
    Ok(())
}

/// Sends the mail that the job names, unless it was sent before.
pub fn send(app: &App, job: &Job) -> Result<(), Fault> {
    let (job_id, key) = (job.id, job.key.clone());
    let Some(mail) = app.store.read_blocking(move |db| usecase::mail::find_unsent(db, &key))? else {
        let now = app.now();
        app.store.write_blocking(move |tx| job::finish(tx, job_id, now))?;
        return Ok(());
    };
    let post = app.post.as_ref().ok_or_else(|| Error::internal("no mail server is configured any more"))?;
    let body = app.keys.open(usecase::mail::SEAL, &mail.body).and_then(|bytes| String::from_utf8(bytes).ok());
    let body = body.ok_or_else(|| Fault::Never(Error::internal("it was sealed under another master key")))?;
    let letter = Letter {
        id: &format!("mail-{}-{}", mail.id, mail.created_at.ms()),
        to: &mail.recipient,
        subject: &mail.subject,
        body: &body,
        lang: mail.lang.tag(),
        open: letter::open(mail.lang),
        written_at_ms: u64::try_from(mail.created_at.ms()).unwrap_or_default(),
    };
    post.send(&letter).map_err(|cause| match cause {
        Undelivered::Later(_) => Fault::Later(Error::Internal(Box::new(cause))),
        Undelivered::Never(_) => Fault::Never(Error::Internal(Box::new(cause))),
    })?;
    let now = app.now();
    app.store.write_blocking(move |tx| {
        usecase::mail::set_sent(tx, mail.id, now)?;
        job::finish(tx, job_id, now)
    })?;
    Ok(())
}
