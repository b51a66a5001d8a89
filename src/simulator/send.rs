//! The caller of the seller's interface (SPI): signs, sends, reads, and misbehaves when it is told to.

use std::time::Duration;
use std::time::Instant as Moment;

use url::Url;

use super::store::{CallRow, Work};
use super::{Error, FaultKind, Market, Seller};
use crate::market::token;
use crate::outbound::Failure;

/// A token that no key makes.
const WRONG_TOKEN: &str = "00000000000000000000000000000000";
/// What the log shows in place of a token.
pub const HIDDEN: &str = "****";
/// Longest answer that the log keeps, in characters.
const MAX_LOGGED: usize = 4096;

/// What came back, as the marketplace saw it.
pub struct Outcome {
    /// Line in the log.
    pub call_id: i64,
    /// `None`: no answer; `reply` says why.
    pub status: Option<u16>,
    pub reply: String,
}

impl Market {
    /// Makes the call, with the fault if there is one.
    pub(super) fn send(&self, work: &Work, fault: Option<FaultKind>, delay_ms: Option<u64>) -> Result<Outcome, Error> {
        match fault {
            Some(FaultKind::Delay) => self.pause(Duration::from_millis(delay_ms.unwrap_or(3000))),
            Some(FaultKind::Status500) => return self.log(work, fault, Some(500), String::new(), Moment::now(), false),
            Some(FaultKind::Duplicate) => {
                return std::thread::scope(|scope| {
                    let other = scope.spawn(|| self.deliver(work, fault));
                    let first = self.deliver(work, fault)?;
                    // Its own line in the log says how it went; a panic there is worth no more than a warning here.
                    if !matches!(other.join(), Ok(Ok(_))) {
                        tracing::warn!(action = work.action, "the duplicate of a call could not be made");
                    }
                    Ok(first)
                });
            }
            _ => {}
        }
        self.deliver(work, fault)
    }

    fn deliver(&self, work: &Work, fault: Option<FaultKind>) -> Result<Outcome, Error> {
        let started = Moment::now();
        let is_wrong = fault == Some(FaultKind::BadToken);
        let Some(url) = address(&self.seller(), work, is_wrong.then_some(WRONG_TOKEN), false) else {
            return self.log(work, fault, None, "the seller's address cannot be read".into(), started, is_wrong);
        };
        let (status, reply) = match self.outbound.get(&url, &[("accept", "application/json")]) {
            _ if fault == Some(FaultKind::Cut) => (None, "the answer was cut off by a fault".into()),
            Ok(answer) if fault == Some(FaultKind::EmptyBody) => (Some(answer.status), String::new()),
            Ok(answer) => (Some(answer.status), answer.body),
            Err(failure @ (Failure::NotSent(_) | Failure::Lost(_))) => (None, failure.to_string()),
        };
        self.log(work, fault, status, reply, started, is_wrong)
    }

    fn log(
        &self,
        work: &Work,
        fault: Option<FaultKind>,
        status: Option<u16>,
        reply: String,
        started: Moment,
        is_wrong: bool,
    ) -> Result<Outcome, Error> {
        let shown = if is_wrong { WRONG_TOKEN } else { HIDDEN };
        let fault = if work.is_extra { Some(FaultKind::Replay) } else { fault };
        let call_id = self.store().insert_call(&CallRow {
            id: 0,
            at: self.now(),
            direction: "out",
            action: work.action.clone(),
            instance_id: work.instance_id.clone(),
            method: "GET".into(),
            request: address(&self.seller(), work, Some(shown), true).unwrap_or_default(),
            fault: fault.map(|kind| kind.as_str().to_owned()),
            status,
            reply: reply.chars().take(MAX_LOGGED).collect(),
            took_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        })?;
        Ok(Outcome { call_id, status, reply })
    }
}

/// The signed address of a call; `instead` stands in for its token.
fn address(seller: &Seller, work: &Work, instead: Option<&str>, is_for_people: bool) -> Option<String> {
    let mut url = Url::parse(&seller.target).ok()?;
    for (name, value) in &work.params {
        url.query_pairs_mut().append_pair(name, value);
    }
    let params: Vec<_> = url.query_pairs().into_owned().collect();
    let token = instead.map_or_else(|| token::sign(&params, &seller.isv_key), str::to_owned);
    if is_for_people {
        return Some(format!("{url}&{}={token}", token::NAME));
    }
    url.query_pairs_mut().append_pair(token::NAME, &token);
    Some(url.into())
}
