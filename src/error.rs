//! The one error of the library: a code for machines, a kind that decides what the caller can do, a
//! cause for the log. The sentence for people is looked up by its code where the language is known
//! (`view::words`), so that no layer below has to know whom it speaks to.

use std::fmt;

/// A field of a form or document that cannot be accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Name of the field as it was submitted.
    pub field: &'static str,
    /// Code of the reason, such as `too_short`.
    pub code: &'static str,
}

/// What went wrong, by what the caller can do about it.
#[derive(Debug)]
pub enum Error {
    /// Some fields need another value.
    Invalid(Vec<Invalid>),
    /// Nobody is signed in, or the session does not reach that far.
    SignIn,
    /// The person is known and may not do this.
    Forbidden(&'static str),
    /// There is no such thing, or none that this person may know of.
    NotFound(&'static str),
    /// The state of things does not allow it (any more).
    Conflict(&'static str),
    /// It existed and has ended: spent, expired, released.
    Gone(&'static str),
    /// More was sent than is taken at once.
    TooLarge,
    /// It is in a form that is not spoken here.
    UnknownForm,
    /// Asked too often; try again after this many seconds.
    TooMany { retry_after_secs: u32 },
    /// A queue is full or the disk does not take more: nothing happened, ask again.
    Busy,
    /// Our fault. The cause goes to the log, never to the caller.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// One field is not acceptable.
    #[must_use]
    pub fn invalid(field: &'static str, code: &'static str) -> Self {
        Self::Invalid(vec![Invalid { field, code }])
    }

    /// Something that cannot happen did; `what` is for the log.
    #[must_use]
    pub fn internal(what: impl Into<String>) -> Self {
        Self::Internal(what.into().into())
    }

    /// The stable code that machines may compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::SignIn => "sign_in_needed",
            Self::Forbidden(code) | Self::NotFound(code) | Self::Conflict(code) | Self::Gone(code) => code,
            Self::TooMany { .. } => "too_many_requests",
            Self::TooLarge => "too_large",
            Self::UnknownForm => "unsupported_media_type",
            Self::Busy => "busy",
            Self::Internal(_) => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(fields) => {
                f.write_str("invalid")?;
                fields.iter().try_for_each(|i| write!(f, " {}:{}", i.field, i.code))
            }
            Self::Internal(cause) => write!(f, "internal: {cause}"),
            other => f.write_str(other.code()),
        }
    }
}

impl std::error::Error for Error {}

impl From<rusqlite::Error> for Error {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Internal(Box::new(cause))
    }
}

impl From<serde_json::Error> for Error {
    fn from(cause: serde_json::Error) -> Self {
        Self::Internal(Box::new(cause))
    }
}

impl From<std::io::Error> for Error {
    fn from(cause: std::io::Error) -> Self {
        Self::Internal(Box::new(cause))
    }
}
