//! The two navigations of the console: an organization's, and one's own.

use maud::Markup;

use super::frame::{Frame, NavItem, Scope, Side, account, console};
use super::icon::Icon;
use super::operator;

/// Pages of one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Organization {
    Billing,
    Usage,
    Members,
    Settings,
}

/// Pages about oneself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    Organizations,
    Me,
    Security,
    Sessions,
}

/// The organization that a page is about.
#[derive(Debug, Clone)]
pub struct Of {
    pub id: String,
    pub name: String,
    /// The vendor's product can be entered from here (`/enter?org=`).
    pub has_product_entry: bool,
}

/// A page of an organization.
#[must_use]
pub fn organization(frame: &Frame, of: &Of, current: Organization, title: &str, content: &Markup) -> Markup {
    let w = frame.words();
    // A session from the marketplace sees this organization only: nothing to switch to, no account to edit.
    let is_confined = frame.signed_in.is_some_and(|who| who.is_via_marketplace);
    let home = format!("/orgs/{}/billing", of.id);
    let item = |label: &str, href: String, icon, page: Option<Organization>| NavItem {
        label: label.to_owned(),
        href,
        icon: Some(icon),
        is_current: page == Some(current),
    };
    let mut items = vec![
        item(w.billing.title, home.clone(), Icon::Bill, Some(Organization::Billing)),
        item(w.usage.title, format!("/orgs/{}/usage", of.id), Icon::Meter, Some(Organization::Usage)),
        item(
            w.organizations.members_title,
            format!("/orgs/{}/members", of.id),
            Icon::People,
            Some(Organization::Members),
        ),
    ];
    if !is_confined {
        let settings = format!("/orgs/{}/settings", of.id);
        items.push(item(w.settings.title, settings, Icon::Settings, Some(Organization::Settings)));
    }
    if of.has_product_entry {
        let label = (w.shared.enter_product)(&frame.brand.name);
        items.push(item(&label, format!("/enter?org={}", of.id), Icon::Door, None));
    }
    let scope = if is_confined {
        Scope { caption: w.shared.organization, name: &of.name, href: None }
    } else {
        Scope { caption: w.shared.switch_organization, name: &of.name, href: Some("/orgs") }
    };
    let side = Side {
        home: &home,
        scope: Some(scope),
        label: w.shared.organization,
        items,
        foot: account(frame, (!is_confined).then_some("/me")),
    };
    console(frame, &side, title, content)
}

/// A page about oneself.
#[must_use]
pub fn personal(frame: &Frame, current: Personal, title: &str, content: &Markup) -> Markup {
    let w = frame.words();
    let item = |label: &str, href: &str, icon, page| NavItem {
        label: label.to_owned(),
        href: href.to_owned(),
        icon: Some(icon),
        is_current: page == current,
    };
    let mut items = vec![
        item(w.organizations.list_title, "/orgs", Icon::Organization, Personal::Organizations),
        item(w.account.me_title, "/me", Icon::Settings, Personal::Me),
        item(w.security.title, "/me/security", Icon::Lock, Personal::Security),
        item(w.account.sessions_title, "/me/sessions", Icon::Key, Personal::Sessions),
    ];
    items.extend(operator::entrance(frame));
    let side = Side { home: "/", scope: None, label: w.account.personal, items, foot: account(frame, Some("/me")) };
    console(frame, &side, title, content)
}
