//! The control page and the mails.

use maud::{Markup, html};

use super::words::{Controls, words};
use super::{Mail, tour};
use crate::domain::hook;
use crate::domain::value::{DAY_MS, Instant, Lang};
use crate::simulator::{
    ANY_MESSAGE, API_ACTIONS, CallRow, Catalogue, FaultKind, FaultRow, Instance, Policy, SPI_ACTIONS, State, Visit,
    line,
};
use crate::view::parts::{Column, Tone, alert, badge, card, figures, hidden};
use crate::view::when::{tell, time};
use crate::view::{Detail, Icon, Zone, icon};

/// Longest answer that the table shows, in characters.
const MAX_SHOWN: usize = 40;

/// What the page shows.
pub struct Facts<'a> {
    pub now: Instant,
    pub faults: &'a [FaultRow],
    pub policy: Policy,
    pub instances: &'a [Instance],
    pub catalogue: &'a Catalogue,
    pub calls: &'a [CallRow],
    pub call_count: u64,
    /// The step of the guided tour that this browser is at.
    pub tour: Option<u8>,
    /// Origin of the gateway, if it is ours: then it shares the clock, its mails can be read and it goes back to its seed.
    pub gateway: Option<tour::Ours<'a>>,
    /// Code of the reason why the last form did nothing.
    pub refused: Option<&'a str>,
}

pub fn page(visit: &Visit, facts: &Facts) -> Markup {
    let w = words(visit.lang);
    let content = html! {
        div.row.between {
            h1 { (w.title) }
            @if let Some(gateway) = facts.gateway {
                div.row {
                    @if facts.tour.is_none() { (tour::show(w, None, visit, gateway)) }
                    a.btn.sm href="/control/mail" { (icon(Icon::Mail)) (w.read_mails) }
                    form action="/control/anew" method="post" { button.btn.sm.danger { (w.reset) } }
                }
            }
        }
        @if let Some(code) = facts.refused { (alert(Tone::Bad, Icon::Alert, refusal(w, code))) }
        @if let (Some(_), Some(gateway)) = (facts.tour, facts.gateway) { (tour::show(w, facts.tour, visit, gateway)) }
        div.cols {
            (card("clock", w.clock, &html! { span.fine { (w.forward_only) } }, &clock(w, facts)))
            (faults(w, facts.faults))
        }
        (card("policy", w.policy, &html! { span.fine { (w.policy_note) } }, &policy(w, facts.policy)))
        (card("shortcuts", w.shortcuts, &html! { span.fine { (w.shortcuts_note) } }, &shortcuts(w, visit.lang, facts)))
        (card("calls", w.calls, &call_count(w, facts.call_count), &calls(w, visit.lang, facts.calls)))
    };
    visit.control_page(w.title, &content)
}

fn clock(w: &Controls, facts: &Facts) -> Markup {
    let now = facts.now;
    // The field holds a date and time of China without a zone, whatever the language: the next midnight.
    let earliest = tell(Lang::Zh, &Zone::china(), now, Detail::Minute).replace(' ', "T");
    let midnight = format!("{}T00:00", tell(Lang::Zh, &Zone::china(), now.plus_ms(DAY_MS), Detail::Day));
    html! {
        form.snug action="/control/move" method="post" {
            p.clock { (time(Lang::Zh, &Zone::china(), now, Detail::Second)) }
            p.row {
                @for (label, span) in [(w.plus_minute, "1m"), (w.plus_hour, "1h"), (w.plus_day, "1d"), (w.plus_month, "30d")] {
                    button.btn.sm name="advance" value=(span) formnovalidate { (label) }
                }
            }
            div.inline {
                div.field {
                    label for="to" { (w.to) }
                    input.in-t #to name="to" type="datetime-local" value=(midnight) min=(earliest);
                }
                button.btn { (w.forward) }
            }
            p.fine { (if facts.gateway.is_some() { w.clock_note } else { w.clock_note_alone }) }
        }
    }
}

const fn kind_words(w: &Controls, kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Delay => w.kind_delay,
        FaultKind::Status500 => w.kind_status_500,
        FaultKind::Cut => w.kind_cut,
        FaultKind::Duplicate => w.kind_duplicate,
        FaultKind::Reorder => w.kind_reorder,
        FaultKind::BadToken => w.kind_bad_token,
        FaultKind::Replay => w.kind_replay,
        FaultKind::EmptyBody => w.kind_empty_body,
        FaultKind::Throttle => w.kind_throttle,
        FaultKind::Denied => w.kind_denied,
        FaultKind::UnknownError => w.kind_unknown_error,
    }
}

fn faults(w: &Controls, faults: &[FaultRow]) -> Markup {
    let active = html! { span.fine { ((w.active)(faults.len() as u64)) } };
    html! {
        section.card aria-labelledby="faults" {
            header { h2 #faults { (w.faults) } (active) }
            form.snug action="/control/break" method="post" {
                div.inline {
                    div.field {
                        label for="action" { (w.action) }
                        select #action name="action" {
                            @for action in SPI_ACTIONS.iter().chain(&API_ACTIONS) { option { (action) } }
                            optgroup label=(w.messages) {
                                @for action in [ANY_MESSAGE].iter().chain(hook::TYPES) { option { (action) } }
                            }
                        }
                    }
                    div.field {
                        label for="kind" { (w.fault) }
                        select #kind name="kind" {
                            @for kind in FaultKind::ALL {
                                option value=(kind.as_str()) { (kind.as_str()) " " (kind_words(w, kind)) }
                            }
                        }
                    }
                    div.field {
                        label for="count" { (w.count) }
                        input.in-t #count name="count" type="number" min="1" max="1000" value="1" required;
                    }
                    div.field {
                        label for="delay" { (w.delay) }
                        input.in-t #delay name="delay_ms" type="number" min="0" max="600000";
                    }
                }
                p { button.btn { (w.add) } }
            }
            @for fault in faults {
                footer {
                    span { code { (fault.action) } " · " (fault.kind) " · " ((w.left)(u64::from(fault.remaining))) }
                    form.one action="/control/mend" method="post" {
                        (hidden("id", &fault.id.to_string()))
                        button.link { (w.remove) span.vh { ((w.of_fault)(&fault.action)) } }
                    }
                }
            }
        }
    }
}

fn policy(w: &Controls, policy: Policy) -> Markup {
    let switches = [
        ("takes_closed", w.takes_closed, policy.takes_closed),
        ("ignores_repeats", w.ignores_repeats, policy.ignores_repeats),
    ];
    html! {
        form.snug action="/control/policy/save" method="post" {
            @for (name, label, is_on) in switches {
                p.check {
                    input type="checkbox" id=(name) name=(name) value="true" checked[is_on];
                    label for=(name) { (label) }
                }
            }
            p { button.btn { (w.save) } }
        }
    }
}

fn shortcuts(w: &Controls, lang: Lang, facts: &Facts) -> Markup {
    let alive: Vec<_> = facts.instances.iter().filter(|instance| instance.state != State::Closed).collect();
    html! {
        @if alive.is_empty() {
            div { p.mut { (w.no_instances) } }
        } @else {
            form.snug action="/control/act" method="post" {
                div.field.narrow {
                    label for="id" { (w.instance) }
                    select #id name="id" {
                        @for instance in &alive {
                            option value=(instance.id) {
                                (line(facts.catalogue, instance, lang))
                            }
                        }
                    }
                }
                p.row {
                    @for (label, what) in [(w.renew, "renew"), (w.expire, "expire"), (w.pay, "pay")] {
                        button.btn.sm name="what" value=(what) { (label) }
                    }
                    @for (label, what) in [(w.release, "release"), (w.release_refunded, "release_refunded")] {
                        button.btn.sm.danger name="what" value=(what) { (label) }
                    }
                }
            }
        }
    }
}

fn call_count(w: &Controls, count: u64) -> Markup {
    html! {
        span.fine {
            ((w.newest_first)(count))
            @if count > 0 { " · " a href="/control/calls?format=ndjson" download { (w.download_calls) } }
        }
    }
}

fn calls(w: &Controls, lang: Lang, calls: &[CallRow]) -> Markup {
    let columns = [
        Column::text(w.time),
        Column::text(w.direction),
        Column::text(w.action),
        Column::text(w.instance),
        Column::text(w.fault),
        Column::text(w.answer),
        Column::figure(w.took),
    ];
    let rows = html! {
        @for call in calls {
            tr {
                td.nw data-l=(w.time) { (time(lang, &Zone::china(), call.at, Detail::Clock)) }
                td.nw data-l=(w.direction) { @if call.direction == "out" { (w.to_gateway) } @else { (w.from_gateway) } }
                td data-l=(w.action) { code { (call.action) } }
                td data-l=(w.instance) { (call.instance_id) }
                td data-l=(w.fault) { @if let Some(fault) = &call.fault { (badge(Tone::Warn, None, fault)) } @else { "—" } }
                td data-l=(w.answer) {
                    details {
                        summary {
                            @match call.status { Some(status) => (status), None => (badge(Tone::Bad, None, w.none)) }
                            " " code { (shorten(&call.reply)) }
                        }
                        pre { (call.method) " " (call.request) "\n\n" (call.reply) }
                    }
                }
                td.r.nw data-l=(w.took) { (call.took_ms) " ms" }
            }
        }
    };
    html! {
        @if calls.is_empty() { div { p.mut { (w.no_calls) } } } @else { (figures(w.scrolls, w.calls, &columns, &rows)) }
    }
}

fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The mails, newest first, their links ready to be followed.
pub fn mails(visit: &Visit, mails: &[Mail]) -> Markup {
    let w = words(visit.lang);
    let content = html! {
        p.fine { a href="/control" { (w.back) } }
        div { h1 { (w.mails) } p.mut { (w.mails_note) } }
        @if mails.is_empty() { div.card { div { p.mut { (w.no_mails) } } } }
        @for (number, mail) in mails.iter().enumerate() {
            @let id = format!("mail-{number}");
            (card(&id, &mail.subject, &html! { span.fine { (time(visit.lang, &Zone::china(), mail.at, Detail::Second)) } }, &html! {
                div.snug { p.fine { ((w.mail_to)(&mail.to)) } pre { (linked(&mail.body)) } }
            }))
        }
    };
    visit.control_page(w.mails, &content)
}

/// The text with its addresses as links.
fn linked(text: &str) -> Markup {
    html! {
        @for (number, word) in text.split_inclusive(char::is_whitespace).enumerate() {
            @let (address, rest) = word.split_at(word.trim_end().len());
            @if number > 0 && address.is_empty() { (rest) }
            @else if address.starts_with("http://") || address.starts_with("https://") {
                a href=(address) { (address) } (rest)
            }
            @else { (word) }
        }
    }
}

/// A refusal's code as a sentence.
fn refusal(w: &Controls, code: &str) -> &'static str {
    match code {
        "busy" | "another_advance_is_running" => w.refused_busy,
        "jobs_are_running" => w.refused_running,
        "backwards" => w.refused_backwards,
        "too_far" => w.refused_too_far,
        "malformed" => w.refused_malformed,
        "fault_does_not_apply" => w.refused_fault,
        "plan_without_term" => w.refused_term,
        "not_found" => w.refused_missing,
        _ => w.refused_other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_a_mail_can_be_followed_and_nothing_else_is_touched() {
        let told = linked("Hi <you>,\nhttp://127.0.0.1:1/a?b=1&c=2\n\nbye").into_string();
        let link = r#"<a href="http://127.0.0.1:1/a?b=1&amp;c=2">http://127.0.0.1:1/a?b=1&amp;c=2</a>"#;
        assert_eq!(told, format!("Hi &lt;you&gt;,\n{link}\n\nbye"));
    }
}
