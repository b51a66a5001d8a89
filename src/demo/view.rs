//! The demo product's pages, in the same layout as the console's.

use maud::{Markup, html};

use super::words::{Words, words};
use super::{Cluster, Entrant, NAME_MAX, Organization, Refusal, Wanted};
use crate::view::frame::{NavItem, Scope, Side, console, plain};
use crate::view::icon::{Icon, icon};
use crate::view::parts::{Tone, alert, badge, csrf, external_button, fill, note, post};
use crate::view::{Detail, Frame};

/// Where the product's pages lead outside.
pub struct Outside<'a> {
    pub gateway: &'a str,
    pub market_url: &'a str,
}

fn shell(frame: &Frame, outside: &Outside, entrant: &Entrant, title: &str, content: &Markup) -> Markup {
    let w = words(frame.lang);
    let id = &entrant.organization_id;
    let item = |label: &str, href: String, picture, is_current| NavItem {
        label: label.to_owned(),
        href,
        icon: Some(picture),
        is_current,
    };
    let side = Side {
        home: "/",
        scope: Some(Scope { caption: w.organization, name: &entrant.organization_name, href: None }),
        label: w.navigation,
        items: vec![
            item(w.clusters, "/".to_owned(), Icon::Cluster, true),
            item(w.billing, format!("{}/orgs/{id}/billing", outside.gateway), Icon::Bill, false),
            item(w.members, format!("{}/orgs/{id}/members", outside.gateway), Icon::People, false),
        ],
        foot: html! {
            div.who {
                p { (entrant.name) " · " (entrant.email) }
                div.row {
                    (post(frame, "/logout", &html! { button.link { (w.sign_out) } }))
                    (post(frame, "/preferences", &html! {
                        button.link name="lang" value=(frame.lang.other().tag()) lang=(frame.lang.other().tag()) {
                            @match frame.lang.other() {
                                crate::domain::value::Lang::En => "English",
                                crate::domain::value::Lang::Zh => (super::words::CHINESE),
                            }
                        }
                    }))
                }
            }
        },
    };
    console(frame, &side, title, content)
}

pub fn list(
    frame: &Frame,
    outside: &Outside,
    entrant: &Entrant,
    organization: &Organization,
    clusters: &[Cluster],
) -> Markup {
    let w = words(frame.lang);
    let content = html! {
        div.row.between {
            div { h1 { (w.clusters) } p.mut { (w.clusters_lead) } }
            @if !clusters.is_empty() { a.btn.primary href="/clusters/new" { (w.create) } }
        }
        div.two {
            @if clusters.is_empty() {
                section.card aria-labelledby="none" {
                    div.snug {
                        h2 #none { (w.none) }
                        p.mut { (w.none_lead) }
                        p { a.btn.primary href="/clusters/new" { (icon(Icon::Plus)) (w.create) } }
                    }
                }
            } @else {
                section.card aria-label=(w.clusters) {
                    table.cards {
                        thead { tr {
                            th scope="col" { (w.name) } th scope="col" { (w.spec) } th scope="col" { (w.state) }
                            th scope="col" { (w.created) } th scope="col" { span.vh { (w.actions) } }
                        } }
                        tbody { @for cluster in clusters { (row(frame, w, cluster)) } }
                    }
                }
            }
            (aside(w, outside, entrant, organization, false))
        }
    };
    shell(frame, outside, entrant, w.clusters, &content)
}

fn row(frame: &Frame, w: &Words, cluster: &Cluster) -> Markup {
    html! {
        tr {
            th scope="row" { (cluster.name) br; span.fine { (w.regions[cluster.region]) } }
            td data-l=(w.spec) { (if cluster.is_free { w.free } else { w.standard }) }
            td data-l=(w.state) {
                (badge(Tone::Ok, Some(Icon::Check), w.running))
                @if let Some(until) = cluster.told_until {
                    br; span.fine { (fill(w.told_until, &[frame.time(until, Detail::Minute)])) }
                }
            }
            td data-l=(w.created) { (frame.time(cluster.created_at, Detail::Minute)) }
            td.acts {
                (post(frame, &format!("/clusters/{}/delete", cluster.id), &html! {
                    button.link { (w.delete) span.vh { " " (cluster.name) } }
                }))
            }
        }
    }
}

/// The payment channel: bound, or the way to the marketplace.
fn aside(w: &Words, outside: &Outside, entrant: &Entrant, organization: &Organization, is_primary: bool) -> Markup {
    html! {
        section.card aria-labelledby="channel" {
            @match &organization.channel {
                Some(channel) => {
                    header { h2 #channel { (w.channel) } (badge(Tone::Ok, Some(Icon::Check), w.bound)) }
                    div.snug.fs {
                        p.mut { (fill(w.bound_lead, &[html! { (channel.subscription) }, html! { span.nw.num { (channel.buyer_account) } }])) }
                        p { a.link href={ (outside.gateway) "/orgs/" (entrant.organization_id) "/billing" } { (w.to_billing) } }
                    }
                }
                None => {
                    header { h2 #channel { (w.channel) } (badge(Tone::Neutral, None, w.unbound)) }
                    div.snug.fs {
                        p.mut { (w.unbound_lead) }
                        p { (external_button(outside.market_url, w.to_market, is_primary)) }
                        ol.nums.mut { @for step in w.steps { li { (step) } } }
                    }
                    footer { span.fine { (w.already) } }
                }
            }
        }
    }
}

pub fn new(
    frame: &Frame,
    outside: &Outside,
    entrant: &Entrant,
    organization: &Organization,
    wanted: Wanted,
    refusal: Option<Refusal>,
) -> Markup {
    let w = words(frame.lang);
    let can_pay = organization.can_pay();
    let said = refusal.map(|refusal| match refusal {
        Refusal::BadName => w.bad_name,
        Refusal::TakenName => w.taken_name,
        Refusal::OneFree => w.one_free,
        Refusal::NoChannel => w.needs_channel_lead,
        Refusal::Frozen => w.frozen,
    });
    let is_wrong_name = matches!(refusal, Some(Refusal::BadName | Refusal::TakenName));
    let is_standard = can_pay && !wanted.is_free;
    let content = html! {
        div { h1 { (w.create) } p.mut { (w.create_lead) } }
        @if let Some(said) = said { (alert(Tone::Bad, Icon::Alert, said)) }
        @if organization.is_frozen() && refusal != Some(Refusal::Frozen) { (note(Tone::Warn, Icon::Frozen, w.frozen)) }
        div.two {
            form.card method="post" action="/clusters" aria-label=(w.configuration) {
                div {
                    (csrf(frame))
                    div.field {
                        label for="name" { (w.name) }
                        input.in-t #name name="name" type="text" autocomplete="off" required maxlength=(NAME_MAX) pattern="[a-z0-9-]+"
                            value=(wanted.name) aria-invalid=[is_wrong_name.then_some("true")] aria-describedby="name-d";
                        p.fine #name-d { (w.name_hint) }
                    }
                    div.field {
                        label for="region" { (w.region) }
                        select #region name="region" {
                            @for (at, region) in w.regions.iter().enumerate() { option value=(at) selected[at == wanted.region] { (region) } }
                        }
                    }
                    fieldset.field {
                        legend { (w.spec) }
                        div.choices {
                            div.choice {
                                input #free type="radio" name="plan" value="free" checked[!is_standard] aria-describedby="free-d";
                                div { label for="free" { (w.free) } p #free-d { (w.free_lead) } }
                            }
                            div.choice {
                                input #standard type="radio" name="plan" value="standard" checked[is_standard] disabled[!can_pay] aria-describedby="standard-d";
                                div {
                                    label for="standard" { (w.standard) }
                                    @if !can_pay { (badge(Tone::Neutral, None, w.needs_channel)) }
                                    p #standard-d { (w.standard_lead) @if !can_pay { " " (w.needs_channel_lead) } }
                                }
                            }
                        }
                    }
                    p.row { button.btn.primary { (w.create) } }
                }
            }
            (aside(w, outside, entrant, organization, false))
        }
    };
    shell(frame, outside, entrant, w.create, &content)
}

/// A page with one way on.
pub fn stop(frame: &Frame, title: &str, lead: &str, href: &str, label: &str) -> Markup {
    let content = html! {
        h1 { (title) }
        @if !lead.is_empty() { p.lead { (lead) } }
        div.stack { p.row { a.btn.primary href=(href) { (label) } } }
    };
    plain(frame, title, &content)
}
