//! Asks a seller's interface (SPI) what a listing review asks and what breaks in practice, and says which rule an
//! answer breaks. It speaks HTTP only, to the address that it was given, and releases what it made.
//!
//! | module | is |
//! |---|---|
//! | `check` | the table: what is asked, by which rule, how bad it is to break it |
//! | `run` | the order of things: asks, lets `judge` decide, cleans up |
//! | `judge` | what is wrong with an answer; pure |
//! | `wire` | signed addresses in the marketplace's spellings, and the sending |
//! | `entry` | a browser's way through the login-free link |
//! | `report` | the outcome for people, and as JUnit XML |
//! | `replay` | a recorded log of calls, made again and compared |
//! | `words` | every text, Chinese first |

mod check;
mod entry;
mod judge;
pub mod replay;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use crate::domain::value::Instant;

pub use check::{CHECKS, Check, Evidence, Id, Severity};
pub use judge::{Exchange, Why};
pub use report::{junit, line, shown, text};
pub use run::{Options, run};

/// What became of a check.
#[derive(Debug)]
pub enum Verdict {
    Passed,
    Failed {
        why: Why,
        exchanges: Vec<Exchange>,
    },
    /// An earlier finding left nothing to ask.
    Skipped,
}

#[derive(Debug)]
pub struct Outcome {
    pub check: &'static Check,
    pub verdict: Verdict,
}

#[derive(Debug)]
pub struct Report {
    pub target: String,
    pub login_url: Option<String>,
    /// Beginning of the ids of the test instances.
    pub prefix: String,
    pub started_at: Instant,
    /// In the order of [`CHECKS`].
    pub outcomes: Vec<Outcome>,
}

impl Outcome {
    /// How bad it is; `None` if it is not.
    #[must_use]
    pub const fn severity(&self) -> Option<Severity> {
        match self.verdict {
            Verdict::Failed { .. } => Some(self.check.severity),
            Verdict::Passed | Verdict::Skipped => None,
        }
    }
}

impl Report {
    /// Passed, errors, warnings, skipped.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for outcome in &self.outcomes {
            let at = match (&outcome.verdict, outcome.check.severity) {
                (Verdict::Passed, _) => 0,
                (Verdict::Failed { .. }, Severity::Error) => 1,
                (Verdict::Failed { .. }, Severity::Warning) => 2,
                (Verdict::Skipped, _) => 3,
            };
            counts[at] += 1;
        }
        counts
    }

    /// No error; warnings may be.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.counts()[1] == 0
    }
}
