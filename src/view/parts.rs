//! The parts that pages are made of (visual design §3).

use maud::{Markup, PreEscaped, Render, html};

use super::frame::Frame;
use super::icon::{Icon, icon};
use super::words::Text;

/// What a colour means. None of them: paper and ink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Neutral,
    Info,
    Ok,
    Warn,
    Bad,
}

impl Tone {
    const fn class(self) -> Option<&'static str> {
        match self {
            Self::Neutral => None,
            Self::Info => Some("info"),
            Self::Ok => Some("ok"),
            Self::Warn => Some("warn"),
            Self::Bad => Some("bad"),
        }
    }
}

/// A state, in words; the icon only supports them.
#[must_use]
pub fn badge(tone: Tone, picture: Option<Icon>, text: &str) -> Markup {
    html! {
        span.badge .(tone.class().unwrap_or_default()) {
            @if let Some(picture) = picture { (icon(picture)) " " }
            (text)
        }
    }
}

/// One message that concerns the page. [`Tone::Info`] announces a consequence, [`Tone::Neutral`] is quiet.
#[must_use]
pub fn note(tone: Tone, picture: Icon, text: impl Render) -> Markup {
    let class = tone.class().unwrap_or("plain");
    html! { div.note .(class) { (icon(picture)) div { (text) } } }
}

/// A [`note`] about what the person just did; screen readers say it at once.
#[must_use]
pub fn alert(tone: Tone, picture: Icon, text: impl Render) -> Markup {
    let class = tone.class().unwrap_or("plain");
    html! { div.note .(class) role="alert" { (icon(picture)) div { (text) } } }
}

/// A command to type; in every language it is made of English words.
#[must_use]
pub fn command(text: &str) -> Markup {
    html! { code lang="en" { (text) } }
}

/// Puts markup into the places `{}` of a text, in order. A text with fewer places drops the rest.
#[must_use]
pub fn fill(text: &str, slots: &[Markup]) -> Markup {
    let mut slots = slots.iter();
    let mut pieces = text.split("{}");
    let first = pieces.next().unwrap_or_default();
    html! {
        (first)
        @for piece in pieces {
            @if let Some(slot) = slots.next() { (slot) }
            (piece)
        }
    }
}

/// The same with plain text, for what cannot hold markup.
#[must_use]
pub fn say(text: &str, slots: &[&str]) -> String {
    let mut slots = slots.iter();
    let mut pieces = text.split("{}");
    let mut said = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        said.push_str(slots.next().copied().unwrap_or_default());
        said.push_str(piece);
    }
    said
}

/// A buyer account or an id inside a sentence: figures of one width, never broken.
#[must_use]
pub fn figure(text: &str) -> Markup {
    html! { span.nw.num { (text) } }
}

/// Support's address as a link that opens a mail.
#[must_use]
pub fn mail_link(address: &str) -> Markup {
    html! { a href={ "mailto:" (address) } { (address) } }
}

/// A link that leaves us, and says so.
#[must_use]
pub fn external(href: &str, text: &str) -> Markup {
    html! { a.link href=(href) rel="noopener" { (text) " " (icon(Icon::External)) } }
}

/// A button-like link that leaves us.
#[must_use]
pub fn external_button(href: &str, text: &str, is_primary: bool) -> Markup {
    html! { a.btn .primary[is_primary] href=(href) rel="noopener" { (text) " " (icon(Icon::External)) } }
}

/// A small form of one button, in the flow of a line.
#[must_use]
pub fn post(frame: &Frame, action: &str, content: &Markup) -> Markup {
    html! { form.one method="post" action=(action) { (csrf(frame)) (content) } }
}

/// What every form that posts carries.
#[must_use]
pub fn csrf(frame: &Frame) -> Markup {
    hidden("csrf", frame.csrf)
}

#[must_use]
pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// A field of a form that was refused, and the code of the reason. `field` empty: the form as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    pub field: &'static str,
    pub code: &'static str,
}

impl Problem {
    #[must_use]
    pub const fn at(field: &'static str, code: &'static str) -> Self {
        Self { field, code }
    }

    #[must_use]
    pub const fn form(code: &'static str) -> Self {
        Self { field: "", code }
    }

    pub(super) fn sentence(self, frame: &Frame) -> Text {
        frame.words().fields.reason(self.field, self.code)
    }
}

/// The summary above a form that was refused: how many things, and a link to each.
#[must_use]
pub fn problems(frame: &Frame, problems: &[Problem]) -> Markup {
    let w = &frame.words().shared;
    let fields = problems.iter().filter(|problem| !problem.field.is_empty()).count();
    html! {
        @if !problems.is_empty() {
            (alert(Tone::Bad, Icon::Alert, html! {
                @if fields > 0 { p { strong { ((w.summary)(fields as u64)) } } }
                @for problem in problems {
                    p {
                        @if problem.field.is_empty() {
                            strong { (problem.sentence(frame)) }
                        } @else {
                            a href={ "#" (problem.field) } { (problem.sentence(frame)) }
                        }
                    }
                }
            }))
        }
    }
}

/// What is wrong with a choice or a checkbox, to stand beside it. Its id is the field's name and `-d`.
#[must_use]
pub fn wrong(frame: &Frame, field: &str, problems: &[Problem]) -> Markup {
    html! {
        @if let Some(problem) = problems.iter().find(|problem| problem.field == field) {
            p.err id={ (field) "-d" } { (icon(Icon::Alert)) " " (problem.sentence(frame)) }
        }
    }
}

/// The id that [`wrong`] has, if there is something wrong.
#[must_use]
pub fn described(field: &str, problems: &[Problem]) -> Option<String> {
    problems.iter().any(|problem| problem.field == field).then(|| format!("{field}-d"))
}

/// A labelled input. Its id is its name unless `id` says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    pub name: &'static str,
    pub id: Option<&'static str>,
    pub label: &'a str,
    pub kind: &'static str,
    pub autocomplete: &'static str,
    /// What was typed before; never a password.
    pub value: &'a str,
    pub hint: Option<&'a str>,
    /// At the right of the label: 忘记密码.
    pub aside: Option<&'a Markup>,
    pub min_length: Option<u32>,
    pub max_length: Option<u32>,
    /// The keyboard that a phone shows.
    pub input_mode: Option<&'static str>,
}

impl Default for Field<'_> {
    fn default() -> Self {
        Self {
            name: "",
            id: None,
            label: "",
            kind: "text",
            autocomplete: "off",
            value: "",
            hint: None,
            aside: None,
            min_length: None,
            max_length: None,
            input_mode: None,
        }
    }
}

/// A required input with its label, hint, and what is wrong with it.
#[must_use]
pub fn field(frame: &Frame, field: &Field, problems: &[Problem]) -> Markup {
    let id = field.id.unwrap_or(field.name);
    let wrong = problems.iter().find(|problem| problem.field == field.name);
    let described = (wrong.is_some() || field.hint.is_some()).then(|| format!("{id}-d"));
    let label = html! { label for=(id) { (field.label) } };
    html! {
        div.field {
            @match field.aside {
                Some(aside) => div.row.between { (label) (aside) },
                None => (label),
            }
            input.in-t id=(id) name=(field.name) type=(field.kind) autocomplete=(field.autocomplete) required
                value=[(!field.value.is_empty()).then_some(field.value)]
                minlength=[field.min_length] maxlength=[field.max_length] inputmode=[field.input_mode]
                autocapitalize=[(field.kind == "email").then_some("none")]
                aria-invalid=[wrong.map(|_| "true")] aria-describedby=[&described];
            @if let Some(described) = &described {
                p id=(described) .fine[wrong.is_none()] .err[wrong.is_some()] {
                    @match wrong {
                        Some(problem) => { (icon(Icon::Alert)) " " (problem.sentence(frame)) },
                        None => (field.hint.unwrap_or_default()),
                    }
                }
            }
        }
    }
}

/// A heading with what it holds.
#[must_use]
pub fn card(id: &str, heading: &str, aside: &Markup, content: &Markup) -> Markup {
    html! {
        section.card aria-labelledby=(id) {
            header { h2 id=(id) { (heading) } (aside) }
            (content)
        }
    }
}

/// Facts in columns: label above value.
#[must_use]
pub fn facts(facts: &[(Text, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (label, value) in facts { div { dt { (label) } dd { (value) } } }
        }
    }
}

/// Facts stacked: label beside value.
#[must_use]
pub fn list(facts: &[(Text, Markup)]) -> Markup {
    html! {
        dl.dl {
            @for (label, value) in facts { dt { (label) } dd { (value) } }
        }
    }
}

/// A heading of a table's column. `is_figure`: right-aligned.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    pub label: &'a str,
    pub is_figure: bool,
    /// Said, not shown: the column of actions.
    pub is_hidden: bool,
}

impl<'a> Column<'a> {
    #[must_use]
    pub const fn text(label: &'a str) -> Self {
        Self { label, is_figure: false, is_hidden: false }
    }

    #[must_use]
    pub const fn figure(label: &'a str) -> Self {
        Self { label, is_figure: true, is_hidden: false }
    }

    #[must_use]
    pub const fn actions(label: &'a str) -> Self {
        Self { label, is_figure: false, is_hidden: true }
    }
}

/// A table whose rows become blocks on a phone; cells name their column in `data-l`.
#[must_use]
pub fn table(caption: &str, columns: &[Column], rows: &Markup) -> Markup {
    html! {
        table.cards {
            caption.vh { (caption) }
            thead { tr {
                @for column in columns {
                    th scope="col" .r[column.is_figure] {
                        @if column.is_hidden { span.vh { (column.label) } } @else { (column.label) }
                    }
                }
            } }
            tbody { (rows) }
        }
    }
}

/// A table of figures that may be wider than the page, as [`table`] otherwise; `label` also says that it scrolls.
#[must_use]
pub fn figures(label: &str, caption: &str, columns: &[Column], rows: &Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            (table(caption, columns, rows))
        }
    }
}

/// How far work has come.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Done; when, as text to show.
    Done(Markup),
    Current,
    Waiting,
}

/// Work in progress, one line per stage: what, and how far. `current`, `waiting`: the words for these.
#[must_use]
pub fn doing(stages: &[(String, Progress)], current: &str, waiting: &str) -> Markup {
    html! {
        ol.doing {
            @for (what, progress) in stages {
                @match progress {
                    Progress::Done(when) => li.done { span.dot { (icon(Icon::Check)) } span { (what) } span.fine { (when) } },
                    Progress::Current => li aria-current="step" { span.dot {} span { (what) } span.fine { (current) } },
                    Progress::Waiting => li { span.dot {} span { (what) } span.fine { (waiting) } },
                }
            }
        }
    }
}

/// Who pays for whom.
#[must_use]
pub fn pay(payer: &Markup, user: &Markup) -> Markup {
    html! { header.pay { p { (payer) } (icon(Icon::Arrow)) p { (user) } } }
}

/// A link to be copied by hand, for installations that send no mail.
#[must_use]
pub fn link_to_copy(frame: &Frame, id: &str, link: &str) -> Markup {
    text_to_copy(frame, id, frame.words().shared.link_to_copy, link)
}

/// A text to be copied by hand; the script adds a button.
#[must_use]
pub fn text_to_copy(frame: &Frame, id: &str, label: &str, text: &str) -> Markup {
    let w = &frame.words().shared;
    html! {
        div.inline {
            div.field {
                label for=(id) { (label) }
                input.in-t.mono id=(id) type="text" value=(text) readonly;
            }
            button.btn type="button" hidden data-copy=(id) data-done=(w.copied) { (w.copy) }
        }
    }
}

/// Several names in one sentence.
#[must_use]
pub fn names(frame: &Frame, names: &[String]) -> String {
    names.join(frame.words().shared.and)
}

/// Markup that is nothing.
#[must_use]
pub const fn nothing() -> Markup {
    PreEscaped(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_in_order_and_texts_are_escaped() {
        let bold = |text: &str| html! { b { (text) } };
        assert_eq!(fill("a < {} & {}.", &[bold("1"), bold("2")]).into_string(), "a &lt; <b>1</b> &amp; <b>2</b>.");
        assert_eq!(fill("no place", &[bold("1")]).into_string(), "no place");
        assert_eq!(fill("{} and {}", &[bold("1")]).into_string(), "<b>1</b> and ");
        assert_eq!((say("{} of {}", &["1", "2"]), say("{} and {}.", &["1"])), ("1 of 2".into(), "1 and .".into()));
    }
}
