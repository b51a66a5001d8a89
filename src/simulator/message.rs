//! Messages to the webhooks of the seller's product, some of which go wrong when that is asked for. The marketplace has no
//! part in them; faults and the log of calls are kept in one place for whoever tests.

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use serde::Deserialize;

use super::fault::message_actions;
use super::store::{CallRow, FaultRow};
use super::{FaultKind, Market};
use crate::outbound::{Answer, Courier, Failure, Outbound};

/// How late a delayed message is, unless told otherwise.
const DELAY_MS: u64 = 3_000;
/// Signed with no secret.
const WRONG_SIGNATURE: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const SIGNATURE: &str = "webhook-signature";
/// Longest answer that the log keeps, in characters.
const MAX_LOGGED: usize = 4096;

/// Brings messages, and lets those go wrong that a fault names.
pub struct Unreliable {
    way: Outbound,
    market: Arc<Market>,
}

/// What of a message says which faults it may suffer.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    subject: String,
}

impl Unreliable {
    #[must_use]
    pub fn new(way: Outbound, market: Arc<Market>) -> Self {
        Self { way, market }
    }

    fn take_fault(&self, kind: &str) -> Option<FaultRow> {
        let names = message_actions(kind);
        self.market.store().take_any_fault(&names.each_ref().map(String::as_str)).unwrap_or_else(|cause| {
            tracing::error!(%cause, "the simulator cannot read its faults");
            None
        })
    }

    fn suffer(&self, fault: &FaultRow, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Failure> {
        match FaultKind::parse(&fault.kind) {
            Some(FaultKind::Delay) => {
                self.market.pause(Duration::from_millis(fault.delay_ms.unwrap_or(DELAY_MS)));
                self.way.post(url, headers, body)
            }
            Some(FaultKind::Status500) => Ok(Answer { status: 500, ..Answer::default() }),
            Some(FaultKind::Cut) => {
                self.way.post(url, headers, body)?;
                Err(Failure::Lost("the answer was cut off by a fault".into()))
            }
            Some(FaultKind::EmptyBody) => {
                self.way.post(url, headers, body).map(|answer| Answer { body: String::new(), ..answer })
            }
            Some(FaultKind::Duplicate) => std::thread::scope(|scope| {
                let other = scope.spawn(|| self.way.post(url, headers, body));
                let first = self.way.post(url, headers, body);
                if !matches!(other.join(), Ok(Ok(_))) {
                    tracing::warn!(url, "the duplicate of a message could not be brought");
                }
                first
            }),
            Some(FaultKind::BadToken) => {
                let forged: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| (*name, if *name == SIGNATURE { WRONG_SIGNATURE } else { value }))
                    .collect();
                self.way.post(url, &forged, body)
            }
            // Such a fault is not taken for messages.
            _ => self.way.post(url, headers, body),
        }
    }

    fn log(
        &self,
        told: Told,
        fault: FaultRow,
        url: &str,
        body: &[u8],
        took: Duration,
        answer: &Result<Answer, Failure>,
    ) {
        let (status, reply) = match answer {
            Ok(answer) => (Some(answer.status), answer.body.clone()),
            Err(failure) => (None, failure.to_string()),
        };
        let logged = self.market.store().insert_call(&CallRow {
            id: 0,
            at: self.market.now(),
            direction: "in",
            action: told.kind,
            instance_id: told.subject,
            method: "POST".into(),
            request: format!("{url}\n\n{}", String::from_utf8_lossy(body)),
            fault: Some(fault.kind),
            status,
            reply: reply.chars().take(MAX_LOGGED).collect(),
            took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
        });
        if let Err(cause) = logged {
            tracing::error!(%cause, "the simulator cannot log a message");
        }
    }
}

impl Courier for Unreliable {
    fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Failure> {
        let told: Told = serde_json::from_slice(body).unwrap_or_default();
        let Some(fault) = self.take_fault(&told.kind) else { return self.way.post(url, headers, body) };
        let started = Moment::now();
        let answer = self.suffer(&fault, url, headers, body);
        self.log(told, fault, url, body, started.elapsed(), &answer);
        answer
    }
}
