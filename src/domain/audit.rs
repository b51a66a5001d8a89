//! Who does what is kept in the audit log (rules D6).

/// Longest reason that somebody writes for an act, in characters.
pub const REASON_MAX: u32 = 500;

/// What somebody wrote about an act, without the blanks around it.
///
/// # Errors
/// The code of what is wrong with it.
pub fn check_reason(why: &str) -> Result<&str, &'static str> {
    let why = why.trim();
    if why.is_empty() {
        Err("required")
    } else if why.chars().count() > REASON_MAX as usize {
        Err("too_long")
    } else {
        Ok(why)
    }
}

/// What kind of actor did something. Its id says which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person, for themselves or an organization.
    User,
    /// Staff, in the operators' console.
    Operator,
    /// The vendor's product.
    ApiKey,
    /// The vendor's answer to what a webhook asked.
    Webhook,
    /// A seller's marketplace.
    Marketplace,
    /// Whoever may run commands on the machine.
    CommandLine,
    /// Time: a deadline that passed, a round that looked.
    Job,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::User, Self::Operator, Self::ApiKey, Self::Webhook, Self::Marketplace, Self::CommandLine, Self::Job];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::ApiKey => "api_key",
            Self::Webhook => "webhook",
            Self::Marketplace => "marketplace",
            Self::CommandLine => "command_line",
            Self::Job => "job",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Who did something, and in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub kind: Kind,
    /// Of a user, a key, a webhook, a seller, or a kind of job.
    pub id: String,
    /// Empty where no request was made.
    pub request_id: String,
}

impl By {
    fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), request_id: String::new() }
    }

    #[must_use]
    pub fn user(id: impl Into<String>) -> Self {
        Self::new(Kind::User, id)
    }

    #[must_use]
    pub fn operator(id: impl Into<String>) -> Self {
        Self::new(Kind::Operator, id)
    }

    #[must_use]
    pub fn api_key(id: impl Into<String>) -> Self {
        Self::new(Kind::ApiKey, id)
    }

    #[must_use]
    pub fn webhook(id: impl Into<String>) -> Self {
        Self::new(Kind::Webhook, id)
    }

    /// Of this seller.
    #[must_use]
    pub fn marketplace(seller_id: impl Into<String>) -> Self {
        Self::new(Kind::Marketplace, seller_id)
    }

    #[must_use]
    pub fn command_line() -> Self {
        Self::new(Kind::CommandLine, "")
    }

    /// By its kind.
    #[must_use]
    pub fn job(kind: impl Into<String>) -> Self {
        Self::new(Kind::Job, kind)
    }

    /// The same actor, in this request.
    #[must_use]
    pub fn in_request(self, request_id: impl Into<String>) -> Self {
        Self { request_id: request_id.into(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_no_more_than_is_kept() {
        let (most, more) = ("因".repeat(REASON_MAX as usize), "因".repeat(REASON_MAX as usize + 1));
        for (why, found) in [
            ("", Err("required")),
            (" \n", Err("required")),
            (" because ", Ok("because")),
            (&most, Ok(most.as_str())),
            (&more, Err("too_long")),
        ] {
            assert_eq!(check_reason(why), found);
        }
    }
}
