//! The description of the API as a page: made from the OpenAPI document, and nothing is fetched from elsewhere.

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use super::frame::{Frame, NavItem, Scope, Side, account, console};
use super::icon::Icon;
use super::parts::{Tone, badge, card, nothing};
use super::words::Text;

/// The whole description.
#[derive(Debug, Clone, Default)]
pub struct Docs {
    pub version: String,
    /// Paragraphs about all calls; `**bold**` and `` `code` `` are marked in them.
    pub about: Vec<String>,
    pub groups: Vec<Group>,
    pub shapes: Vec<Shape>,
    /// The reader may make keys.
    pub is_operator: bool,
}

/// Calls about one thing.
#[derive(Debug, Clone, Default)]
pub struct Group {
    pub name: String,
    pub about: String,
    pub calls: Vec<Call>,
}

/// One call.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The place on the page.
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    pub about: String,
    pub scope: String,
    /// Takes an `Idempotency-Key`.
    pub is_once: bool,
    pub parameters: Vec<Field>,
    pub bodies: Vec<Body>,
    /// Status, and what it means.
    pub answer: (String, String),
    pub answered: Option<Body>,
    /// Status and codes.
    pub problems: Vec<(String, String)>,
    /// A command that makes the call.
    pub command: String,
}

/// What is sent or answered.
#[derive(Debug, Clone, Default)]
pub struct Body {
    pub media: String,
    pub kind: Kind,
    pub example: String,
}

/// What a value is: words, and the shape they name.
#[derive(Debug, Clone, Default)]
pub struct Kind {
    pub text: String,
    pub shape: Option<String>,
}

/// A field or a parameter.
#[derive(Debug, Clone, Default)]
pub struct Field {
    pub name: String,
    /// Of a parameter: `path`, `query`, `header`.
    pub place: String,
    pub kind: Kind,
    pub is_required: bool,
    pub about: String,
}

/// A document, or a part of one.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub name: String,
    pub about: String,
    pub fields: Vec<Field>,
}

#[must_use]
pub fn docs(frame: &Frame, page: &Docs) -> Markup {
    let w = &frame.words().docs;
    let item = |label: &str, id: &str| NavItem {
        label: label.to_owned(),
        href: format!("#{id}"),
        icon: None,
        is_current: false,
    };
    let groups = page.groups.iter().map(|group| item(&group.name, &anchor(&group.name)));
    let side = Side {
        home: "/",
        scope: Some(Scope { caption: w.caption, name: &page.version, href: None }),
        label: w.contents,
        items: groups.chain([item(w.shapes, "shapes")]).collect(),
        foot: account(frame, Some("/me")),
    };
    let content = html! {
        div { h1 { (w.title) } p.mut { (w.lead) } }
        p.row {
            a.btn href="/api/v1/openapi.json" { (w.download) }
            @if page.is_operator { a.link href="/operator/keys/new" { (w.keys) } }
        }
        (card("overview", w.overview, &nothing(), &html! {
            div.snug lang="en" { @for paragraph in &page.about { p { (marked(paragraph)) } } }
        }))
        @for group in &page.groups {
            section.stack aria-labelledby=(anchor(&group.name)) {
                div lang="en" { h2 id=(anchor(&group.name)) { (group.name) } p.mut { (marked(&group.about)) } }
                @for call in &group.calls { (self::call(frame, call)) }
            }
        }
        section.stack aria-labelledby="shapes" {
            h2 #shapes { (w.shapes) }
            @for shape in &page.shapes {
                section.card aria-labelledby=(place_of(&shape.name)) {
                    header { h3 id=(place_of(&shape.name)) lang="en" { (shape.name) } }
                    @if !shape.about.is_empty() { div lang="en" { p.mut { (marked(&shape.about)) } } }
                    (fields(frame, &shape.name, &shape.fields, false))
                }
            }
        }
    };
    console(frame, &side, w.title, &content)
}

fn anchor(name: &str) -> String {
    format!("group-{}", name.to_lowercase())
}

fn place_of(shape: &str) -> String {
    format!("shape-{shape}")
}

/// Text with its `` `code` `` and `**bold**` marked.
fn marked(text: &str) -> Markup {
    html! {
        @for (at, piece) in text.split('`').enumerate() {
            @if at % 2 == 1 {
                code { (piece) }
            } @else {
                @for (at, piece) in piece.split("**").enumerate() {
                    @if at % 2 == 1 { strong { (piece) } } @else { (piece) }
                }
            }
        }
    }
}

fn kind(kind: &Kind) -> Markup {
    html! {
        @match &kind.shape {
            Some(shape) => { @if !kind.text.is_empty() { (kind.text) " " } a href={ "#" (place_of(shape)) } { (shape) } },
            None => (kind.text),
        }
    }
}

fn call(frame: &Frame, call: &Call) -> Markup {
    let w = &frame.words().docs;
    let part = |heading: Text, content: Markup| html! { h4.fine { (heading) } (content) };
    let intro = html! {
        pre lang="en" { (call.method) " " (call.path) }
        @if !call.about.is_empty() { p lang="en" { (marked(&call.about)) } }
    };
    html! {
        section.card aria-labelledby=(call.id) {
            header {
                h3 id=(call.id) lang="en" { (call.summary) }
                div.row {
                    @if call.is_once { (badge(Tone::Ok, Some(Icon::Refresh), w.repeatable)) }
                    span.fine { (w.scope) " " code { (call.scope) } }
                }
            }
            @if !call.parameters.is_empty() {
                div.snug { (intro) }
                (fields(frame, w.parameters, &call.parameters, true))
            }
            div.snug {
                @if call.parameters.is_empty() { (intro) }
                @for body in &call.bodies {
                    (part(w.body, html! { p lang="en" { (kind(&body.kind)) " " code { (body.media) } } }))
                }
                (part(w.example, html! { pre lang="en" tabindex="0" { (call.command) } }))
                (part(w.answer, html! {
                    p lang="en" {
                        code { (call.answer.0) } " " (marked(&call.answer.1))
                        @if let Some(body) = &call.answered { " " (kind(&body.kind)) }
                    }
                    @match &call.answered {
                        Some(body) => pre lang="en" tabindex="0" { (body.example) },
                        None => p.mut { (w.no_content) },
                    }
                }))
                (part(w.problems, html! {
                    ul.bul lang="en" { @for (status, codes) in &call.problems { li { code { (status) } " " (marked(codes)) } } }
                }))
            }
        }
    }
}

fn fields(frame: &Frame, caption: &str, fields: &[Field], is_placed: bool) -> Markup {
    let w = &frame.words().docs;
    html! {
        @if !fields.is_empty() {
            table.cards lang="en" {
                caption.vh { (caption) }
                thead lang=(frame.lang.tag()) { tr {
                    th scope="col" { (w.name) }
                    @if is_placed { th scope="col" { (w.place) } }
                    th scope="col" { (w.kind) }
                    th scope="col" { (w.means) }
                } }
                tbody {
                    @for field in fields {
                        tr {
                            th scope="row" data-l=(w.name) { code { (field.name) } }
                            @if is_placed { td data-l=(w.place) { (field.place) } }
                            td data-l=(w.kind) { (kind(&field.kind)) @if !field.is_required { " " span.fine lang=(frame.lang.tag()) { (w.optional) } } }
                            td data-l=(w.means) { (marked(&field.about)) }
                        }
                    }
                }
            }
        }
    }
}
