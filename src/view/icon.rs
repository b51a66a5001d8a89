//! The icons: 16 px grid, 1.5 px stroke, `currentColor`, drawn inline so that they take the colour of their text.
//!
//! An icon supports a word and never replaces it, so all of them are hidden from screen readers.

use maud::{Markup, PreEscaped, html};

/// A picture beside a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Check,
    Arrow,
    External,
    Lock,
    Link,
    Frozen,
    Clock,
    Alert,
    Info,
    Organization,
    People,
    Bill,
    Cluster,
    Settings,
    Plus,
    Refresh,
    Mail,
    Book,
    Key,
    Delivery,
    Health,
    Meter,
    Down,
    Door,
    Cart,
}

impl Icon {
    const fn drawing(self) -> &'static str {
        match self {
            Self::Check => r#"<path d="m3.5 8.5 3 3 6-7"/>"#,
            Self::Arrow => r#"<path d="M3 8h10M9 4l4 4-4 4"/>"#,
            Self::External => r#"<path d="M9 3h4v4M13 3 7.5 8.5M6 4H3.5v8.5H12V10"/>"#,
            Self::Lock => {
                r#"<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>"#
            }
            Self::Link => {
                r#"<path d="M6.5 9.5 9.5 6.5M7.5 4.8l1-1a2.7 2.7 0 0 1 3.8 3.8l-1 1M8.5 11.2l-1 1a2.7 2.7 0 0 1-3.8-3.8l1-1"/>"#
            }
            Self::Frozen => {
                r#"<path d="M8 2v12M2.8 5l10.4 6M13.2 5 2.8 11M6.5 2.8 8 4.2l1.5-1.4M6.5 13.2 8 11.8l1.5 1.4"/>"#
            }
            Self::Clock => r#"<circle cx="8" cy="8" r="5.75"/><path d="M8 4.75V8l2.25 1.5"/>"#,
            Self::Alert => r#"<path d="M8 2.5 14 13H2zM8 6.5v3M8 11.4v.1"/>"#,
            Self::Info => r#"<circle cx="8" cy="8" r="5.75"/><path d="M8 7.5v3.25M8 5.2v.1"/>"#,
            Self::Organization => {
                r#"<path d="M3 13.5v-10h6v10M9 6.5h4v7M2 13.5h12M5 6h2M5 8.5h2M5 11h2M11 9h.1M11 11h.1"/>"#
            }
            Self::People => {
                r#"<circle cx="6" cy="5.5" r="2.25"/><path d="M2 13c0-2.4 1.7-4 4-4s4 1.6 4 4M10.5 3.6a2.2 2.2 0 0 1 0 3.9M12 9.3c1.3.6 2 1.9 2 3.7"/>"#
            }
            Self::Bill => r#"<path d="M3.5 2.5h9v11l-2.25-1.4L8 13.5l-2.25-1.4L3.5 13.5zM6 5.5h4M6 8.25h4"/>"#,
            Self::Cluster => {
                r#"<ellipse cx="8" cy="4" rx="5" ry="1.9"/><path d="M3 4v8c0 1 2.2 1.9 5 1.9s5-.9 5-1.9V4M3 8c0 1 2.2 1.9 5 1.9S13 9 13 8"/>"#
            }
            Self::Settings => {
                r#"<path d="M2.5 5h6M12 5h1.5M2.5 11H4M7.5 11h6"/><circle cx="10.25" cy="5" r="1.75"/><circle cx="5.75" cy="11" r="1.75"/>"#
            }
            Self::Plus => r#"<path d="M8 3v10M3 8h10"/>"#,
            Self::Refresh => r#"<path d="M13 3.5v3h-3M12.6 6.5A5 5 0 1 0 13 8.8"/>"#,
            Self::Mail => r#"<rect x="2.5" y="3.5" width="11" height="9" rx="1.5"/><path d="m3 5 5 3.75L13 5"/>"#,
            Self::Book => {
                r#"<path d="M8 4.2C6.8 3.2 5 2.9 2.5 3v9c2.5-.1 4.3.2 5.5 1.2 1.2-1 3-1.3 5.5-1.2V3C11 2.9 9.2 3.2 8 4.2zM8 4.2v9"/>"#
            }
            Self::Key => r#"<circle cx="5.5" cy="10.5" r="2.75"/><path d="m7.5 8.5 5.5-5.5M10.5 5.5l2 2"/>"#,
            Self::Delivery => {
                r#"<path d="M2.5 8h4M9.5 8h4"/><circle cx="8" cy="8" r="1.5"/><path d="M11 5.5 13.5 8 11 10.5"/>"#
            }
            Self::Health => r#"<path d="M2 8h3l1.75-4.5 2.5 9L11 8h3"/>"#,
            Self::Meter => r#"<path d="M3 13V8.5M6.33 13V5M9.67 13V7.5M13 13V3"/>"#,
            Self::Down => r#"<path d="m4 6.5 4 4 4-4"/>"#,
            Self::Door => r#"<path d="M6.5 3h-3v10h3M7 8h6.5M11 5.5 13.5 8 11 10.5"/>"#,
            Self::Cart => r#"<path d="M2 3h2l1.5 7h6.75L14 5H4.5M6.5 13v.1M11.5 13v.1"/>"#,
        }
    }
}

/// The icon as an inline drawing.
#[must_use]
pub fn icon(icon: Icon) -> Markup {
    html! { svg.i viewBox="0 0 16 16" aria-hidden="true" { (PreEscaped(icon.drawing())) } }
}
