//! The members of an organization, and what is done about one of them (mockup 08).

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use crate::domain::organization::Role;
use crate::domain::value::Instant;

use super::console::{Of, Organization, organization};
use super::frame::Frame;
use super::icon::{Icon, icon};
use super::invitation::{self, Inviting};
use super::parts::{Column, Tone, alert, badge, card, csrf, hidden, note, table};
use super::when::Detail;
use super::words::Text;

#[derive(Debug, Clone)]
pub struct Members {
    pub organization: Of,
    pub members: Vec<Member>,
    pub reach: Reach,
    /// For who may invite.
    pub inviting: Option<Inviting>,
    pub done: Option<Done>,
}

/// How far the person's hand reaches here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Sees who is there, and can leave.
    Self_,
    /// An owner: everybody.
    Everybody,
    /// A session that came by a login-free entry: nobody until the password is typed. Whether it is an owner's.
    Nobody { is_owner: bool },
}

/// What was just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    RoleChanged,
    Removed,
    Invited,
    Revoked,
    /// The reader has accepted an invitation.
    Joined,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub user_id: String,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub joined_at: Instant,
    pub is_self: bool,
}

#[must_use]
pub fn members(frame: &Frame, page: &Members) -> Markup {
    let words = frame.words();
    let w = &words.members;
    let columns = [
        Column::text(w.name),
        Column::text(w.email),
        Column::text(w.role),
        Column::text(w.joined),
        Column::actions(w.actions),
    ];
    let rows = html! {
        @for member in &page.members {
            tr {
                th scope="row" {
                    (member.name)
                    @if member.is_self { " " (badge(Tone::Neutral, None, w.you)) }
                }
                td data-l=(w.email) { (member.email) }
                td.nw data-l=(w.role) { (words.shared.role(member.role)) }
                td.nw data-l=(w.joined) { (frame.time(member.joined_at, Detail::Day)) }
                td.acts { (actions(frame, page, member)) }
            }
        }
    };
    let count = html! { span.fine { (page.members.len()) } };
    let base = format!("/orgs/{}", page.organization.id);
    let content = html! {
        div { h1 { (w.title) } p.mut { (w.lead) } }
        (invitation::trouble(frame, page.inviting.as_ref()))
        @if let Some(done) = page.done { div role="status" { (note(Tone::Ok, Icon::Check, said(frame, page, done))) } }
        @if let Some(inviting) = &page.inviting { (invitation::form(frame, &base, inviting)) }
        (card("members", w.all, &count, &table(w.all, &columns, &rows)))
        @if page.reach == (Reach::Nobody { is_owner: true }) {
            p { a.link href={ "/login/confirm?next=" (base) "/members" } { (icon(Icon::Lock)) (w.manage) } }
        }
        @if let Some(inviting) = &page.inviting { (invitation::waiting(frame, &base, inviting)) }
    };
    organization(frame, &page.organization, Organization::Members, w.title, &content)
}

fn said(frame: &Frame, page: &Members, done: Done) -> String {
    let w = frame.words();
    match done {
        Done::RoleChanged => w.members.role_was_changed.to_owned(),
        Done::Removed => w.members.was_removed.to_owned(),
        Done::Invited => w.invitations.was_sent.to_owned(),
        Done::Revoked => w.invitations.was_revoked.to_owned(),
        Done::Joined => (w.invitations.joined)(&page.organization.name),
    }
}

fn actions(frame: &Frame, page: &Members, member: &Member) -> Markup {
    let w = &frame.words().members;
    let base = format!("/orgs/{}/members/{}", page.organization.id, member.user_id);
    let owners = page.members.iter().filter(|other| other.role == Role::Owner).count();
    let named = |text: Text| html! { (text) span.vh { ((frame.words().shared.action_of)(&member.name)) } };
    match page.reach {
        _ if member.is_self && member.role == Role::Owner && owners == 1 => html! { span.fine { (w.only_owner) } },
        Reach::Nobody { .. } => html! {},
        Reach::Self_ | Reach::Everybody if member.is_self => html! {
            @if page.reach == Reach::Everybody { a href={ (base) "/role" } { (named(w.change_role)) } }
            a href={ "/orgs/" (page.organization.id) "/leave" } { (w.leave) }
        },
        Reach::Self_ => html! {},
        Reach::Everybody => html! {
            a href={ (base) "/role" } { (named(w.change_role)) }
            a href={ (base) "/remove" } { (named(w.remove)) }
        },
    }
}

/// 「更改角色」
#[derive(Debug, Clone)]
pub struct ChangeRole {
    pub organization: Of,
    pub member: Member,
    /// The role that the person chose; the member's if nothing was.
    pub chosen: Role,
    pub is_last_owner: bool,
    /// The role is another one than the submitted page showed.
    pub is_changed: bool,
}

#[must_use]
pub fn change_role(frame: &Frame, page: &ChangeRole) -> Markup {
    let words = frame.words();
    let w = &words.members;
    let (of, member) = (&page.organization, &page.member);
    let title = if member.is_self { w.own_role_title.to_owned() } else { (w.role_title)(&member.name) };
    let back = format!("/orgs/{}/members", of.id);
    let content = html! {
        div { h1 { (title) } p.mut { (member.name) " · " (member.email) } }
        @if page.is_changed { (alert(Tone::Warn, Icon::Alert, w.changed)) }
        @if page.is_last_owner {
            (note(Tone::Warn, Icon::Lock, w.last_owner_role))
            p { a.btn href=(back) { (w.back) } }
        } @else {
            form.stack.narrow method="post" action={ (back) "/" (member.user_id) "/role" } {
                (csrf(frame))
                (hidden("was", member.role.as_str()))
                fieldset {
                    legend.vh { (w.role) }
                    ul.choices { @for role in Role::ALL { (role_choice(frame, role, page.chosen)) } }
                }
                (note(Tone::Info, Icon::Info, if member.is_self { w.own_role_follows } else { w.role_follows }))
                p.row {
                    button.btn.primary { (w.save_role) }
                    a.btn href=(back) { (w.cancel) }
                }
            }
        }
    };
    organization(frame, of, Organization::Members, &title, &content)
}

fn role_choice(frame: &Frame, role: Role, chosen: Role) -> Markup {
    let words = frame.words();
    let id = format!("role-{}", role.as_str());
    html! {
        li.choice {
            input type="radio" name="role" id=(id) value=(role.as_str()) required checked[role == chosen]
                aria-describedby={ (id) "-d" };
            div {
                label for=(id) { (words.shared.role(role)) }
                p id={ (id) "-d" } { (words.members.may(role)) }
            }
        }
    }
}

/// 「移除」, before it is done.
#[derive(Debug, Clone)]
pub struct Remove {
    pub organization: Of,
    pub member: Member,
}

#[must_use]
pub fn remove(frame: &Frame, page: &Remove) -> Markup {
    let w = &frame.words().members;
    let (of, member) = (&page.organization, &page.member);
    let title = (w.remove_title)(&member.name);
    let back = format!("/orgs/{}/members", of.id);
    let content = html! {
        div { h1 { (title) } p.mut { (member.email) " · " (frame.words().shared.role(member.role)) } }
        (note(Tone::Warn, Icon::Alert, html! {
            p { strong { (w.remove_means) } }
            ul.bul {
                li { ((w.remove_access)(&of.name)) }
                li { (w.remove_requests) }
                li { (w.remove_stays) }
            }
        }))
        form method="post" action={ (back) "/" (member.user_id) "/remove" } {
            (csrf(frame))
            p.row {
                button.btn.danger { (w.remove) }
                a.btn href=(back) { (w.cancel) }
            }
        }
    };
    organization(frame, of, Organization::Members, &title, &content)
}

/// 「离开组织」, before it is done.
#[derive(Debug, Clone)]
pub struct Leave {
    pub organization: Of,
    pub is_last_owner: bool,
}

#[must_use]
pub fn leave(frame: &Frame, page: &Leave) -> Markup {
    let w = &frame.words().members;
    let of = &page.organization;
    let back = format!("/orgs/{}/members", of.id);
    let title = if page.is_last_owner { w.last_owner_title.to_owned() } else { (w.leave_title)(&of.name) };
    let content = html! {
        @if page.is_last_owner {
            div { h1 { (title) } p.mut { (w.last_owner_lead) } }
            p { a.btn.primary href=(back) { (w.to_members) } }
        } @else {
            h1 { (title) }
            (note(Tone::Warn, Icon::Alert, html! {
                p { strong { (w.leave_means) } }
                ul.bul {
                    li { ((w.leave_access)(&of.name)) }
                    li { (w.leave_requests) }
                    li { (w.remove_stays) }
                }
            }))
            form method="post" action={ "/orgs/" (of.id) "/leave" } {
                (csrf(frame))
                p.row {
                    button.btn.danger { (w.leave) }
                    a.btn href=(back) { (w.stay) }
                }
            }
        }
    };
    organization(frame, of, Organization::Members, &title, &content)
}
