//! What is held back until a person says that it may go on (rules D2, D3).

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The file is a copy: pushes, webhooks and mails of the original may have left already.
    Restored,
    /// The clock moved by itself: usage is neither closed nor pushed by it.
    Clock,
}

impl Reason {
    pub const ALL: [Self; 2] = [Self::Restored, Self::Clock];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Clock => "clock",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// The alarm that is open meanwhile.
    #[must_use]
    pub const fn alarm(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Clock => "clock_stepped",
        }
    }
}
