//! Keys: what the vendor's product calls the API with. A secret is on one page, once.

#[cfg(test)]
pub(in crate::view) mod samples;

use maud::{Markup, html};

use super::{Area, Turn, operators, turn, why};
use crate::domain::api_key::{Scope, State};
use crate::domain::isv_key::{self, Waiting};
use crate::domain::value::Instant;
use crate::view::frame::Frame;
use crate::view::icon::{Icon, icon};
use crate::view::parts::{
    Column, Field, Problem, Tone, alert, badge, card, command, csrf, described, field, fill, hidden, list, note,
    nothing, problems, table, text_to_copy, wrong,
};
use crate::view::when::Detail;
use crate::view::words::Text;

/// The lives that a form offers, in days.
pub const LIVES: [u32; 4] = [30, 90, 180, 365];
/// The overlaps that a form offers, in hours.
pub const OVERLAPS: [u32; 5] = [0, 1, 24, 72, 168];

/// A key as operators see it.
#[derive(Debug, Clone)]
pub struct Key {
    pub id: String,
    pub name: String,
    /// How the secret begins; empty where that was not kept.
    pub hint: String,
    pub scopes: Vec<Scope>,
    pub state: State,
    /// In force, not for long, and nothing has taken its place.
    pub ends_soon: bool,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    pub replaces: Option<String>,
    pub replaced_by: Option<String>,
}

fn state(frame: &Frame, key: &Key) -> Markup {
    let w = &frame.words().keys;
    match key.state {
        State::InForce if key.ends_soon => badge(Tone::Warn, Some(Icon::Clock), w.ends_soon),
        State::InForce => badge(Tone::Ok, Some(Icon::Check), w.in_force),
        other => badge(Tone::Neutral, None, w.state(other)),
    }
}

fn begins(key: &Key) -> Markup {
    html! { @if key.hint.is_empty() { "–" } @else { code.nw { (key.hint) "…" } } }
}

fn moment(frame: &Frame, at: Option<Instant>, none: Text) -> Markup {
    at.map_or_else(|| html! { (none) }, |at| frame.time(at, Detail::Minute))
}

/// The list, the newest first, and what the marketplace signs with.
#[derive(Debug, Clone)]
pub struct Keys {
    pub lines: Vec<Key>,
    pub turn: Turn,
    pub sellers: Vec<Seller>,
}

/// A seller's keys, by what tells them apart: never the keys.
#[derive(Debug, Clone)]
pub struct Seller {
    pub id: String,
    /// The current one first.
    pub keys: Vec<IsvKey>,
    /// Masked; `None`: the marketplace is never asked.
    pub access_key: Option<String>,
}

/// A key that the marketplace may sign with.
#[derive(Debug, Clone)]
pub struct IsvKey {
    pub is_current: bool,
    pub mark: String,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
}

impl Seller {
    fn waiting(&self) -> Option<Waiting> {
        let current = self.keys.iter().find(|key| key.is_current)?.last_at;
        let previous = self.keys.iter().find(|key| !key.is_current)?;
        isv_key::waiting(current, previous.last_at)
    }
}

#[must_use]
pub fn keys(frame: &Frame, page: &Keys) -> Markup {
    let w = &frame.words().keys;
    let content = html! {
        div.row.between { h1 { (w.title) } a.btn.primary href="/operator/keys/new" { (icon(Icon::Plus)) " " (w.create) } }
        p.mut { (w.lead) (frame.space()) a href="/api/docs" { (frame.words().docs.title) } }
        (card("api-keys", w.api_keys, &nothing(), &lines(frame, page)))
        (card("isv-keys", w.isv_keys, &nothing(), &sellers(frame, page)))
    };
    operators(frame, Area::Keys, w.title, &content)
}

fn lines(frame: &Frame, page: &Keys) -> Markup {
    let words = frame.words();
    let w = &words.keys;
    let columns = [
        Column::text(w.name),
        Column::text(w.scopes),
        Column::text(w.state),
        Column::text(w.last_used_at),
        Column::text(w.expires_at),
        Column::actions(w.open),
    ];
    let rows = html! {
        @for key in &page.lines {
            tr {
                th scope="row" data-l=(w.name) {
                    (key.name)
                    @if !key.hint.is_empty() { " " (begins(key)) }
                }
                td data-l=(w.scopes) {
                    @for (at, scope) in key.scopes.iter().enumerate() { @if at > 0 { " " } code.nw { (scope.as_str()) } }
                }
                td.nw data-l=(w.state) { (state(frame, key)) }
                td.nw data-l=(w.last_used_at) { (moment(frame, key.last_used_at, w.never_used)) }
                td.nw data-l=(w.expires_at) { (moment(frame, key.expires_at, w.never_expires)) }
                td.acts {
                    a href={ "/operator/keys/" (key.id) } { (w.open) span.vh { ((words.shared.action_of)(&key.name)) } }
                }
            }
        }
    };
    html! {
        @if page.lines.is_empty() {
            div { p.mut { (w.none) } }
        } @else {
            (table(w.api_keys, &columns, &rows))
            footer { span.fine { (w.coarse) } }
        }
        (turn(frame, &page.turn))
    }
}

fn sellers(frame: &Frame, page: &Keys) -> Markup {
    let words = frame.words();
    let w = &words.keys;
    let columns = [
        Column::text(words.operator.seller),
        Column::text(w.place),
        Column::text(w.mark),
        Column::text(w.first_verified),
        Column::text(w.last_verified),
    ];
    let rows = html! {
        @for seller in &page.sellers {
            @for key in &seller.keys {
                tr {
                    th scope="row" data-l=(words.operator.seller) { (seller.id) }
                    td data-l=(w.place) { (if key.is_current { w.current } else { w.previous }) }
                    td data-l=(w.mark) { code.nw { (key.mark) } }
                    td.nw data-l=(w.first_verified) { (moment(frame, key.first_at, w.not_yet)) }
                    td.nw data-l=(w.last_verified) { (moment(frame, key.last_at, w.not_yet)) }
                }
            }
            tr {
                th scope="row" data-l=(words.operator.seller) { (seller.id) }
                td data-l=(w.place) { "AccessKey" }
                td data-l=(w.mark) colspan="3" {
                    @match &seller.access_key { Some(id) => code.nw { (id) }, None => (w.no_access_key) }
                }
            }
        }
    };
    html! {
        @if page.sellers.iter().any(|seller| seller.waiting().is_some()) {
            div.snug { @for seller in &page.sellers { (waiting(frame, seller)) } }
        }
        (table(w.isv_keys, &columns, &rows))
        footer { span.fine { (fill(w.isv_note, &[command("marketgate isv-key rotate")])) } }
    }
}

/// How far a seller's rotation has come.
fn waiting(frame: &Frame, seller: &Seller) -> Markup {
    let (w, id) = (&frame.words().keys, html! { (seller.id) });
    match seller.waiting() {
        Some(Waiting::ForMarketplace) => note(Tone::Warn, Icon::Clock, fill(w.still_previous, &[id])),
        Some(Waiting::ForRemoval) => {
            note(Tone::Info, Icon::Info, fill(w.previous_idle, &[id, command("marketgate isv-key drop-previous")]))
        }
        None => nothing(),
    }
}

/// One key, and what can be done with it.
#[derive(Debug, Clone)]
pub struct Showing {
    pub key: Key,
    pub was_revoked: bool,
}

#[must_use]
pub fn showing(frame: &Frame, page: &Showing) -> Markup {
    let (w, key) = (&frame.words().keys, &page.key);
    let content = html! {
        (trail(frame, &key.name))
        div.row { h1 { (key.name) } (state(frame, key)) code { (key.state.as_str()) } }
        @if page.was_revoked { (alert(Tone::Ok, Icon::Check, w.was_revoked)) }
        (card("facts", frame.words().operator.facts, &nothing(), &html! { div { (facts(frame, key)) } }))
        @if key.state == State::InForce {
            (card("actions", w.actions, &nothing(), &actions(frame, key)))
        }
    };
    operators(frame, Area::Keys, &key.name, &content)
}

fn trail(frame: &Frame, name: &str) -> Markup {
    html! { p.fine { a href="/operator/keys" { (frame.words().keys.title) } " / " (name) } }
}

fn facts(frame: &Frame, key: &Key) -> Markup {
    let w = &frame.words().keys;
    let scopes = html! {
        ul.bul { @for scope in &key.scopes { li { (w.scope(*scope)) " " code { (scope.as_str()) } } } }
    };
    let link = |id: &str| html! { a href={ "/operator/keys/" (id) } { (id) } };
    let mut facts = vec![
        (w.id, html! { code { (key.id) } }),
        (w.begins, begins(key)),
        (w.scopes, scopes),
        (w.created_at, frame.time(key.created_at, Detail::Minute)),
        (w.expires_at, moment(frame, key.expires_at, w.never_expires)),
        (w.last_used_at, moment(frame, key.last_used_at, w.never_used)),
    ];
    facts.extend(key.replaces.as_ref().map(|id| (w.replaces, link(id))));
    facts.extend(key.replaced_by.as_ref().map(|id| (w.replaced_by, link(id))));
    list(&facts)
}

fn actions(frame: &Frame, key: &Key) -> Markup {
    let w = &frame.words().keys;
    html! {
        div.snug {
            @if key.replaced_by.is_none() {
                p.mut { (w.rotate_means) }
                p { a.btn href={ "/operator/keys/" (key.id) "/rotate" } { (icon(Icon::Refresh)) " " (w.rotate) } }
            }
            p.mut { (w.revoke_means) }
            p { a.btn.danger href={ "/operator/keys/" (key.id) "/revoke" } { (w.revoke) } }
        }
    }
}

/// A key that is to be made.
#[derive(Debug, Clone, Default)]
pub struct Making {
    /// The id that it will have: a form that is sent twice makes one key.
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub days: Option<u32>,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn making(frame: &Frame, page: &Making) -> Markup {
    let w = &frame.words().keys;
    let name = Field {
        name: "name",
        label: w.name,
        hint: Some(w.name_hint),
        value: &page.name,
        max_length: Some(60),
        ..Field::default()
    };
    let content = html! {
        (trail(frame, w.create))
        div { h1 { (w.create) } p.mut { (w.new_lead) } }
        (problems(frame, &page.problems))
        section.card.narrow aria-label=(w.create) {
            form method="post" action="/operator/keys" {
                (csrf(frame)) (hidden("id", &page.id))
                (field(frame, &name, &page.problems))
                fieldset.field #scope aria-describedby=[described("scope", &page.problems)] {
                    legend { (w.scopes) }
                    p.fine { (w.scopes_hint) }
                    (wrong(frame, "scope", &page.problems))
                    @for scope in Scope::ALL {
                        @let id = format!("scope-{}", scope.as_str().replace(':', "-"));
                        p.check {
                            input type="checkbox" id=(id) name="scope" value=(scope.as_str()) checked[page.scopes.contains(&scope)];
                            label for=(id) { (w.scope(scope)) " " code { (scope.as_str()) } }
                        }
                    }
                }
                (life(frame, page.days))
                p.row {
                    button.btn.primary { (w.create) }
                    a.btn href="/operator/keys" { (w.cancel) }
                }
            }
        }
    };
    operators(frame, Area::Keys, w.create, &content)
}

fn life(frame: &Frame, days: Option<u32>) -> Markup {
    let w = &frame.words().keys;
    let options = std::iter::once((String::new(), w.never_expires.to_owned()))
        .chain(LIVES.map(|days| (days.to_string(), (w.days)(u64::from(days)))));
    let chosen = days.map(|days| days.to_string()).unwrap_or_default();
    choose(("days", w.life, w.life_hint), options, &chosen)
}

/// A list to choose one from: its name, label and hint; values with what they are called.
fn choose(
    (name, label, hint): (&str, Text, Text),
    options: impl IntoIterator<Item = (String, String)>,
    chosen: &str,
) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) aria-describedby={ (name) "-d" } {
                @for (value, text) in options { option value=(value) selected[value == chosen] { (text) } }
            }
            p.fine id={ (name) "-d" } { (hint) }
        }
    }
}

/// A key that was made just now, with its secret.
#[derive(Debug, Clone)]
pub struct Made {
    pub key: Key,
    pub secret: String,
    /// The key whose place it takes.
    pub former: Option<Key>,
}

#[must_use]
pub fn made(frame: &Frame, page: &Made) -> Markup {
    let (w, key) = (&frame.words().keys, &page.key);
    let title = if page.former.is_some() { w.rotated_title } else { w.made_title };
    let content = html! {
        (trail(frame, &key.name))
        div role="status" { h1 { (title) } }
        (note(Tone::Warn, Icon::Alert, w.made_once))
        section.card aria-label=(w.secret) {
            div.snug {
                (text_to_copy(frame, "secret", w.secret, &page.secret))
                p.mut { (w.usage) }
                pre { "Authorization: Bearer " (key.hint) "…" }
            }
            footer { span {} a.btn.primary href={ "/operator/keys/" (key.id) } { (w.saved) } }
        }
        @if let Some(former) = &page.former { (former_note(frame, former)) }
        (card("facts", frame.words().operator.facts, &nothing(), &html! { div { (facts(frame, key)) } }))
    };
    operators(frame, Area::Keys, title, &content)
}

fn former_note(frame: &Frame, former: &Key) -> Markup {
    let w = &frame.words().keys;
    match former.expires_at.filter(|_| former.state == State::InForce) {
        Some(at) => {
            note(Tone::Info, Icon::Clock, fill(w.former_until, &[begins(former), frame.time(at, Detail::Minute)]))
        }
        None => note(Tone::Info, Icon::Info, fill(w.former_ended, &[begins(former)])),
    }
}

/// A key that another one is to take the place of.
#[derive(Debug, Clone)]
pub struct Rotating {
    pub key: Key,
    /// The id that the next one will have.
    pub next_id: String,
    pub overlap_hours: u32,
    pub days: Option<u32>,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn rotating(frame: &Frame, page: &Rotating) -> Markup {
    let (w, key) = (&frame.words().keys, &page.key);
    let overlaps = OVERLAPS.map(|hours| {
        let text = match hours {
            0 => w.at_once.to_owned(),
            hours if hours >= 72 => (w.days)(u64::from(hours / 24)),
            hours => (w.hours)(u64::from(hours)),
        };
        (hours.to_string(), text)
    });
    let content = html! {
        (trail(frame, &key.name))
        div { h1 { (w.rotate) } p.mut { (w.rotate_means) } }
        (problems(frame, &page.problems))
        section.card.narrow aria-label=(w.rotate) {
            form method="post" action={ "/operator/keys/" (key.id) "/rotate" } {
                (csrf(frame)) (hidden("id", &page.next_id))
                (list(&[(w.name, html! { (key.name) }), (w.begins, begins(key))]))
                (choose(("overlap", w.overlap, w.overlap_hint), overlaps, &page.overlap_hours.to_string()))
                (life(frame, page.days))
                p.row {
                    button.btn.primary { (w.rotate_confirm) }
                    a.btn href={ "/operator/keys/" (key.id) } { (w.cancel) }
                }
            }
        }
    };
    operators(frame, Area::Keys, w.rotate, &content)
}

/// A key that is to end at once.
#[derive(Debug, Clone)]
pub struct Revoking {
    pub key: Key,
    pub why: String,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn revoking(frame: &Frame, page: &Revoking) -> Markup {
    let (w, key) = (&frame.words().keys, &page.key);
    let content = html! {
        (trail(frame, &key.name))
        h1 { (w.revoke) }
        (note(Tone::Warn, Icon::Alert, w.revoke_note))
        (problems(frame, &page.problems))
        section.card.narrow aria-label=(w.revoke) {
            form method="post" action={ "/operator/keys/" (key.id) "/revoke" } {
                (csrf(frame))
                (list(&[
                    (w.name, html! { (key.name) }),
                    (w.begins, begins(key)),
                    (w.last_used_at, moment(frame, key.last_used_at, w.never_used)),
                ]))
                (why(frame, &page.why, &page.problems))
                p.row {
                    button.btn.danger { (w.revoke_confirm) }
                    a.btn href={ "/operator/keys/" (key.id) } { (w.cancel) }
                }
            }
        }
    };
    operators(frame, Area::Keys, w.revoke, &content)
}
