//! What an operator is about to do to somebody: what follows from it, and why it is done.

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use super::{Area, operators, why};
use crate::view::frame::Frame;
use crate::view::icon::Icon;
use crate::view::parts::{Problem, Tone, alert, command, csrf, fill, hidden, note, problems};
use crate::view::words::{Acts, Text};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Freeze,
    Unfreeze,
    Unbind,
    /// Of a binding that is only requested.
    UnbindRequested,
    SignOut,
    Disable,
    Enable,
}

/// Why it was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Changed,
    OwnAccount,
    LastOperator,
}

#[derive(Debug, Clone)]
pub struct Act {
    pub kind: Kind,
    /// The organization's, the person's, or the subscription's name.
    pub name: String,
    /// The organization that an unbinding is about; the same as the name otherwise.
    pub whose: String,
    /// Where the form goes, and the page that it came from.
    pub action: String,
    pub back: String,
    /// How it stands now; a form that was shown another state changes nothing.
    pub shown: String,
    pub why: String,
    pub refusal: Option<Refusal>,
    pub problems: Vec<Problem>,
}

/// Its title, what it means (the first one with a place for whose it is), and its button.
fn said(w: &Acts, page: &Act) -> (String, Vec<Text>, Text) {
    match page.kind {
        Kind::Freeze => ((w.freeze_title)(&page.name), vec![w.freeze_means, w.freeze_lasts, w.freeze_told], w.freeze),
        Kind::Unfreeze => ((w.unfreeze_title)(&page.name), vec![w.unfreeze_means, w.unfreeze_told], w.unfreeze),
        Kind::Unbind => ((w.unbind_title)(&page.name), vec![w.unbind_means, w.unbind_told, w.unbind_stays], w.unbind),
        Kind::UnbindRequested => {
            ((w.unbind_title)(&page.name), vec![w.unbind_requested_means, w.unbind_stays], w.unbind)
        }
        Kind::SignOut => ((w.sign_out_title)(&page.name), vec![w.sign_out_means], w.sign_out),
        Kind::Disable => ((w.disable_title)(&page.name), vec![w.disable_means], w.disable),
        Kind::Enable => ((w.enable_title)(&page.name), vec![w.enable_means], w.enable),
    }
}

#[must_use]
pub fn act(frame: &Frame, page: &Act) -> Markup {
    let w = &frame.words().acts;
    let (title, means, button) = said(w, page);
    let area = match page.kind {
        Kind::Freeze | Kind::Unfreeze => Area::Organizations,
        Kind::Unbind | Kind::UnbindRequested => Area::Subscriptions,
        Kind::SignOut | Kind::Disable | Kind::Enable => Area::Users,
    };
    let is_gentle = matches!(page.kind, Kind::Unfreeze | Kind::Enable);
    let content = html! {
        div.narrow.stack {
            h1 { (title) }
            @if let Some(refusal) = page.refusal {
                (alert(Tone::Bad, Icon::Alert, match refusal {
                    Refusal::Changed => html! { (w.changed) },
                    Refusal::OwnAccount => html! { (w.own_account) },
                    Refusal::LastOperator => fill(w.last_operator, &[command("marketgate operator add")]),
                }))
            }
            (problems(frame, &page.problems))
            (note(Tone::Warn, Icon::Alert, html! {
                p { strong { (w.what_follows) } }
                ul.bul { @for text in &means { li { (fill(text, &[html! { (page.whose) }])) } } }
            }))
            form.stack method="post" action=(page.action) {
                (csrf(frame)) (hidden("shown", &page.shown))
                (why(frame, &page.why, &page.problems))
                p.row {
                    button.btn .danger[!is_gentle] .primary[is_gentle] { (button) }
                    a.btn href=(page.back) { (w.cancel) }
                }
            }
        }
    };
    operators(frame, area, &title, &content)
}
