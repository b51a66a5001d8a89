//! Sessions and what they reach (rules A1).

use super::value::{DAY_MS, HOUR_MS, Instant, MINUTE_MS};

/// What a route asks of the session, in the words of the route table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Anybody, signed in or not.
    None,
    /// Also a session that came by a login-free entry, for its own organization.
    Marketplace,
    /// A session that was signed in with a password. What a route takes if it says nothing.
    Full,
    /// A password typed within the last [`STEP_UP_MS`].
    SteppedUp,
    /// The same, also for staff who have to set up a second factor before they reach anything else: where that is done.
    SetUp,
    /// Staff.
    Operator,
    /// Staff with a password typed within the last [`STEP_UP_MS`].
    OperatorSteppedUp,
}

impl Access {
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Marketplace,
        Self::Full,
        Self::SteppedUp,
        Self::SetUp,
        Self::Operator,
        Self::OperatorSteppedUp,
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Full,
    /// Came by a login-free entry: one organization, allow-listed routes.
    Marketplace,
}

/// The session as the gate sees it.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub kind: Kind,
    pub is_operator: bool,
    pub stepped_up_until: Option<Instant>,
    /// Staff without the second factor that they need here: no more than a login-free session reaches, until it is set up.
    pub must_set_up: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Enter,
    /// Nobody is signed in.
    SignIn,
    /// Signed in, but the password has to be typed again.
    StepUp,
    /// The second factor has to be set up first.
    SetUp,
    Forbidden,
}

/// How long a typed password counts as just typed.
pub const STEP_UP_MS: i64 = 15 * MINUTE_MS;
/// Absolute life of a session that came by a login-free entry.
pub const MARKETPLACE_MS: i64 = 8 * HOUR_MS;
/// Absolute life of a session that was signed in with a password.
pub const FULL_MS: i64 = 14 * DAY_MS;
/// A session that was not used for this long has ended.
pub const IDLE_MS: i64 = 3 * DAY_MS;

/// Whether a session of these facts (`None`: nobody is signed in) may use a route.
#[must_use]
pub fn admit(access: Access, session: Option<Facts>, now: Instant) -> Verdict {
    let Some(session) = session else {
        return if access == Access::None { Verdict::Enter } else { Verdict::SignIn };
    };
    let is_stepped_up = session.stepped_up_until.is_some_and(|until| now < until);
    let is_full = session.kind == Kind::Full || is_stepped_up;
    let is_staff = session.is_operator && session.kind == Kind::Full;
    match access {
        Access::Operator | Access::OperatorSteppedUp if !is_staff => Verdict::Forbidden,
        Access::None | Access::Marketplace => Verdict::Enter,
        Access::SetUp if is_stepped_up => Verdict::Enter,
        Access::SetUp => Verdict::StepUp,
        _ if session.must_set_up => Verdict::SetUp,
        Access::Operator => Verdict::Enter,
        Access::Full if is_full => Verdict::Enter,
        Access::SteppedUp | Access::OperatorSteppedUp if is_stepped_up => Verdict::Enter,
        Access::Full | Access::SteppedUp | Access::OperatorSteppedUp => Verdict::StepUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_access_meets_each_session() {
        use Verdict::{Enter, Forbidden, SignIn, StepUp};
        let now = Instant::from_ms(1_000_000);
        let facts = |kind, is_operator, ahead_ms: i64| {
            Some(Facts { kind, is_operator, stepped_up_until: Some(now.plus_ms(ahead_ms)), must_set_up: false })
        };
        let lacking = |kind, ahead_ms| facts(kind, true, ahead_ms).map(|facts| Facts { must_set_up: true, ..facts });
        // Columns in the order of Access::ALL: None, Marketplace, Full, SteppedUp, SetUp, Operator, OperatorSteppedUp.
        for (session, expected) in [
            (None, [Enter, SignIn, SignIn, SignIn, SignIn, SignIn, SignIn]),
            (facts(Kind::Marketplace, false, 0), [Enter, Enter, StepUp, StepUp, StepUp, Forbidden, Forbidden]),
            (facts(Kind::Marketplace, false, 1), [Enter, Enter, Enter, Enter, Enter, Forbidden, Forbidden]),
            (facts(Kind::Marketplace, true, 1), [Enter, Enter, Enter, Enter, Enter, Forbidden, Forbidden]),
            (facts(Kind::Full, false, 0), [Enter, Enter, Enter, StepUp, StepUp, Forbidden, Forbidden]),
            (facts(Kind::Full, false, 1), [Enter, Enter, Enter, Enter, Enter, Forbidden, Forbidden]),
            (facts(Kind::Full, true, 0), [Enter, Enter, Enter, StepUp, StepUp, Enter, StepUp]),
            (facts(Kind::Full, true, 1), [Enter, Enter, Enter, Enter, Enter, Enter, Enter]),
            (
                lacking(Kind::Full, 0),
                [Enter, Enter, Verdict::SetUp, Verdict::SetUp, StepUp, Verdict::SetUp, Verdict::SetUp],
            ),
            (
                lacking(Kind::Full, 1),
                [Enter, Enter, Verdict::SetUp, Verdict::SetUp, Enter, Verdict::SetUp, Verdict::SetUp],
            ),
            (
                lacking(Kind::Marketplace, 1),
                [Enter, Enter, Verdict::SetUp, Verdict::SetUp, Enter, Forbidden, Forbidden],
            ),
        ] {
            let got = Access::ALL.map(|access| admit(access, session, now));
            assert_eq!(got, expected, "{session:?}");
        }
    }
}
