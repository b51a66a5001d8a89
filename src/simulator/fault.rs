//! What can be made to go wrong.

use serde::{Deserialize, Serialize};

use crate::domain::hook;

/// The calls to the seller.
pub const SPI_ACTIONS: [&str; 7] = [
    "createInstance",
    "renewInstance",
    "refundRenewInstance",
    "upgradeInstance",
    "expiredInstance",
    "releaseInstance",
    "orderPay",
];

/// What the seller may ask.
pub const API_ACTIONS: [&str; 5] = [
    "PushMeteringData",
    "DescribeInstanceForIsv",
    "DescribeOrderForIsv",
    "DescribeFailedNotifications",
    "ConfirmNotification",
];

/// Every message to a webhook of the seller's product. A type of event, or a family such as `binding.*`, names some.
pub const ANY_MESSAGE: &str = "webhook";

/// The names under which a fault befalls messages about events of this type.
#[must_use]
pub fn message_actions(kind: &str) -> [String; 3] {
    let family = kind.split('.').next().unwrap_or(kind);
    [ANY_MESSAGE.to_owned(), kind.to_owned(), format!("{family}.*")]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The call, or the answer to one of the seller's, comes `delay_ms` late.
    Delay,
    /// A status 500 comes back; the call was not delivered, the seller's own not processed.
    #[serde(rename = "status_500")]
    Status500,
    /// The call was delivered or processed, its answer is lost.
    Cut,
    /// The call is made twice at the same moment.
    Duplicate,
    /// The call is held back until the instance's next one, or for `delay_ms` (5 s).
    Reorder,
    /// The call carries a wrong token, a message to a webhook a wrong signature.
    BadToken,
    /// The same call comes once more `delay_ms` (a minute) later.
    Replay,
    /// The call was delivered or processed, the answer has no body.
    EmptyBody,
    /// The seller's call is refused, and not processed, as one too many.
    Throttle,
    /// The seller's call is refused, and not processed, because its account may not make it.
    Denied,
    /// The seller's call is processed, and answered with the error that means nothing.
    UnknownError,
}

impl FaultKind {
    pub const ALL: [Self; 11] = [
        Self::Delay,
        Self::Status500,
        Self::Cut,
        Self::Duplicate,
        Self::Reorder,
        Self::BadToken,
        Self::Replay,
        Self::EmptyBody,
        Self::Throttle,
        Self::Denied,
        Self::UnknownError,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Status500 => "status_500",
            Self::Cut => "cut",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::BadToken => "bad_token",
            Self::Replay => "replay",
            Self::EmptyBody => "empty_body",
            Self::Throttle => "throttle",
            Self::Denied => "denied",
            Self::UnknownError => "unknown_error",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether such a fault can befall calls of this action.
    #[must_use]
    pub fn applies_to(self, action: &str) -> bool {
        let (is_call, is_answer, is_message) = match self {
            Self::Delay | Self::Status500 | Self::Cut | Self::EmptyBody => (true, true, true),
            Self::Duplicate | Self::BadToken => (true, false, true),
            Self::Reorder | Self::Replay => (true, false, false),
            Self::Throttle | Self::Denied | Self::UnknownError => (false, true, false),
        };
        (is_call && SPI_ACTIONS.contains(&action))
            || (is_answer && API_ACTIONS.contains(&action))
            || (is_message && (action == ANY_MESSAGE || hook::is_filter(action)))
    }
}
