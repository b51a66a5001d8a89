//! The table of checks: what is asked, by which rule, where the rule is from, how bad it is to break it.

use super::words::Said;

pub use super::words::checks::CHECKS;

/// A check's identity in the code. People and machines know it by [`Check::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    CreateAnswer,
    CreateReady,
    CreateAppInfo,
    CreateAuthUrl,
    CreateRepeat,
    CreateConcurrent,
    CreateWithoutTerm,
    PayAnswer,
    PayRepeat,
    VerifyFresh,
    VerifyStale,
    VerifyFuture,
    VerifyReused,
    VerifyUnknown,
    RenewAnswer,
    RenewRepeat,
    ParamsUnknown,
    ParamsEmpty,
    ParamsUtf8,
    ParamsReserved,
    ParamsPlus,
    ParamsDecodedOnce,
    ParamsOrder,
    DatePercent,
    DatePlus,
    RefundBackwards,
    UpgradeItems,
    UpgradeWithoutOrder,
    WrongTokenCreate,
    WrongTokenRenew,
    WrongTokenRefund,
    WrongTokenUpgrade,
    WrongTokenExpire,
    WrongTokenRelease,
    WrongTokenPay,
    WrongTokenVerify,
    TokenMissing,
    TokenTampered,
    TokenStatus,
    RenewUnknown,
    ReleaseUnknown,
    ActionUnknown,
    ExpireAnswer,
    ExpireRepeat,
    RenewExpired,
    ReleaseAnswer,
    ReleaseTwice,
    ReleaseWithoutRefund,
    AnswerTruthy,
    AnswerType,
    AnswerTime,
    CleanUp,
}

/// What breaking a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A review fails, a purchase is stuck, a door is open: exit code 1.
    Error,
    /// Works today; worth a look.
    Warning,
}

/// How a rule is known (the labels of the protocol's specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Alibaba Cloud writes it.
    Documented,
    /// Public implementations agree on it, or break by not following it.
    Observed,
    /// It follows from what is documented.
    Inferred,
}

#[derive(Debug)]
pub struct Check {
    pub id: Id,
    /// Stable, dotted: `create.repeat`.
    pub name: &'static str,
    pub severity: Severity,
    /// What is asked, in a few words.
    pub asks: Said,
    /// The rule, in one sentence.
    pub rule: Said,
    pub evidence: Evidence,
    /// Section of the protocol's specification.
    pub section: &'static str,
    /// Page of Alibaba Cloud that the rule is about.
    pub page: &'static str,
}

impl Id {
    /// The line of the table; a test holds it complete.
    #[must_use]
    pub fn check(self) -> &'static Check {
        CHECKS.iter().find(|check| check.id == self).unwrap_or(&CHECKS[0])
    }
}
