//! The marketplace's pages.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::bill::yuan;
use super::catalogue::{Catalogue, Plan, Product, Terms};
use super::store::{Instance, Order, OrderKind, State};
use super::web::{Section, Visit};
use super::words::{Sim, words};
use super::work::MAX_CREATE_ATTEMPTS;
use crate::clock::Instant;
use crate::domain::value::{Lang, mask_uid};
use crate::view::parts::{Column, Tone, alert, badge, card, hidden, list, note, table};
use crate::view::when::time as moment;
use crate::view::{Detail, Icon, NavItem, SimFrame, Zone, sim, sim_dialog};

/// A whole page.
pub fn page(visit: &Visit, section: Option<Section>, title: &str, content: &Markup) -> Markup {
    with_frame(visit, section, |frame| sim(frame, title, content))
}

fn dialog(visit: &Visit, section: Section, title: &str, behind: &Markup, dialog: &Markup) -> Markup {
    with_frame(visit, Some(section), |frame| sim_dialog(frame, title, behind, dialog))
}

fn with_frame(visit: &Visit, section: Option<Section>, make: impl FnOnce(&SimFrame) -> Markup) -> Markup {
    let w = words(visit.lang);
    let item = |label: &str, href: String, of: Section| NavItem {
        label: label.to_owned(),
        href,
        icon: None,
        is_current: section == Some(of),
    };
    let mut nav = vec![
        item(w.nav_product, visit.product_href(), Section::Product),
        item(w.nav_services, "/console/services".into(), Section::Services),
        item(w.nav_bills, "/console/bills".into(), Section::Bills),
    ];
    if visit.has_control {
        nav.push(item(w.nav_control, "/control".into(), Section::Control));
    }
    let other = visit.lang.other().tag();
    let tools = html! {
        span { (account_name(visit, &visit.account.key)) }
        @for account in visit.accounts.iter().filter(|account| account.key != visit.account.key) {
            form.one method="post" action="/account" {
                (hidden("next", section.map_or("/console/services", |s| s.after_switch(&visit.path))))
                button.link name="account" value=(account.key) { ((w.switch_to)(account.name.of(visit.lang))) }
            }
        }
        form.one method="post" action="/preferences" {
            (hidden("next", &visit.path))
            button.link name="lang" value=(other) lang=(other) { (w.other_language) }
        }
    };
    let frame = SimFrame { lang: visit.lang, theme: visit.theme, nav: &nav, tools: &tools, version: &visit.version };
    make(&frame)
}

/// `买家 A · 1234****5678`
pub fn account_name(visit: &Visit, key: &str) -> Markup {
    let account = visit.accounts.iter().find(|account| account.key == key);
    html! {
        @if let Some(account) = account { (account.name.of(visit.lang)) " · " span.num { (mask_uid(&account.uid)) } }
        @else { (key) }
    }
}

// Product

/// The product page. `chosen`: the plan that is ticked.
pub fn product(visit: &Visit, product: &Product, chosen: Option<&str>) -> Markup {
    let w = words(visit.lang);
    let title = (w.product_page)(&product.name);
    let heading = html! { h1 { (product.title.of(visit.lang)) } };
    page(visit, Some(Section::Product), &title, &product_content(visit, product, chosen, &heading))
}

fn product_content(visit: &Visit, product: &Product, chosen: Option<&str>, heading: &Markup) -> Markup {
    let w = words(visit.lang);
    let mut modes: Vec<&str> = Vec::new();
    for plan in &product.plans {
        let mode = match plan.terms {
            Terms::Postpay => w.mode_postpay,
            Terms::Prepay { .. } => w.mode_prepay,
            Terms::Trial { .. } => w.mode_trial,
        };
        if !modes.contains(&mode) {
            modes.push(mode);
        }
    }
    let items = html! {
        @for item in &product.items {
            tr {
                th scope="row" { (item.key) }
                td data-l=(w.what) { (item.per.of(visit.lang)) }
                td.r data-l=(w.price) { "¥ " (item.price) }
            }
        }
    };
    let columns = [Column::text(w.item), Column::text(w.what), Column::figure(w.price)];
    html! {
        p.fine { (product.category.of(visit.lang)) }
        div.two {
            section.stack {
                div {
                    (heading)
                    p.mut { (product.tagline.of(visit.lang)) " " (w.vendor) (product.vendor.of(visit.lang)) }
                }
                div.card { div { (list(&[
                    (w.code, html! { (product.code) }),
                    (w.delivery, html! { (w.delivery_saas) }),
                    (w.charging, html! { (modes.join(w.and)) }),
                    (w.region, html! { (w.region_cn) }),
                ])) } }
                (card("prices", w.prices, &html! {}, &table(w.prices, &columns, &items)))
            }
            form.card action={ "/products/" (product.code) "/open" } method="get" aria-label=(w.buy) {
                div {
                    (plan_choices(w, visit.lang, &product.plans, chosen))
                    div.field {
                        label for="account" { (w.account) }
                        select #account name="account" {
                            @for account in visit.accounts {
                                option value=(account.key) selected[account.key == visit.account.key] {
                                    (account.name.of(visit.lang)) " · " (mask_uid(&account.uid))
                                }
                            }
                        }
                    }
                    button.btn.primary.wide { (w.activate_now) }
                    p.fine { (w.activate_note) }
                }
            }
        }
    }
}

fn plan_choices(w: &Sim, lang: Lang, plans: &[Plan], chosen: Option<&str>) -> Markup {
    let chosen = chosen.or_else(|| plans.first().map(|plan| plan.sku.as_str()));
    html! {
        fieldset.field {
            legend { (w.plan) }
            div.choices {
                @for (number, plan) in plans.iter().enumerate() {
                    div.choice {
                        input type="radio" name="plan" value=(plan.sku) id={ "plan-" (number) } required
                            checked[chosen == Some(&plan.sku)];
                        div { label for={ "plan-" (number) } { (plan.name.of(lang)) } p { (plan_note(w, plan.terms)) } }
                    }
                }
            }
        }
    }
}

fn plan_note(w: &Sim, terms: Terms) -> String {
    match terms {
        Terms::Postpay => w.postpay_note.to_owned(),
        Terms::Prepay { price_fen, .. } => (w.prepay_note)(&yuan(price_fen)),
        Terms::Trial { .. } => w.trial_note.to_owned(),
    }
}

/// The dialog before the purchase. `is_refused`: it was submitted without the agreement.
pub fn open_dialog(visit: &Visit, product: &Product, plan: &Plan, form_id: &str, is_refused: bool) -> Markup {
    let w = words(visit.lang);
    let title = match plan.terms {
        Terms::Postpay => w.dialog_postpay,
        Terms::Prepay { .. } => w.dialog_prepay,
        Terms::Trial { .. } => w.dialog_trial,
    };
    let heading = html! { p.h1 { (product.title.of(visit.lang)) } };
    let behind = product_content(visit, product, Some(&plan.sku), &heading);
    let action = format!("/products/{}/open", product.code);
    let content = html! {
        form.card action=(action) method="post" {
            header { h1 #dialog-title { (title) } }
            div.snug {
                (hidden("plan", &plan.sku)) (hidden("account", &visit.account.key)) (hidden("form", form_id))
                @if is_refused { (alert(Tone::Bad, Icon::Alert, w.agree_missing)) }
                (list(&[
                    (w.product, html! { (product.title.of(visit.lang)) }),
                    (w.plan, html! { (plan.name.of(visit.lang)) }),
                    (w.account, account_name(visit, &visit.account.key)),
                    (w.pay_now, html! { span.num { "¥ " (yuan(plan.terms.price_fen())) } }),
                ]))
                p.check {
                    input #agree type="checkbox" name="agree" value="yes" required;
                    label for="agree" { (w.agree) }
                }
            }
            footer {
                span.fine #why { (w.agree_first) }
                span.row {
                    a.btn data-leave href={ "/products/" (product.code) } { (w.cancel) }
                    button.btn.primary.gated aria-describedby="why" { (w.activate) }
                }
            }
        }
    };
    dialog(visit, Section::Product, title, &behind, &content)
}

/// 「开通申请已提交…」
pub fn submitted_dialog(visit: &Visit, product: &Product) -> Markup {
    let w = words(visit.lang);
    let heading = html! { p.h1 { (product.title.of(visit.lang)) } };
    let content = html! {
        div.card {
            header { h1 #dialog-title { (w.submitted_title) } }
            div.snug role="status" { p { (w.submitted) } p.fine { (w.submitted_note) } }
            footer { span {} a.btn.primary data-leave href="/console/services" { (w.ok) } }
        }
    };
    dialog(visit, Section::Product, w.submitted_title, &product_content(visit, product, None, &heading), &content)
}

// Console

/// What the console shows of an instance.
pub struct Row<'a> {
    pub instance: &'a Instance,
    pub product: Option<&'a Product>,
}

impl Row<'_> {
    fn product_name(&self) -> &str {
        self.product.map_or(&self.instance.product, |product| &product.name)
    }

    fn plan_name(&self, lang: Lang) -> &str {
        let plan = self.product.and_then(|product| product.plan(&self.instance.plan));
        plan.map_or(&self.instance.plan, |plan| plan.name.of(lang))
    }

    fn terms(&self) -> Option<Terms> {
        self.product.and_then(|product| product.plan(&self.instance.plan)).map(|plan| plan.terms)
    }

    pub fn has_login(&self) -> bool {
        self.instance.state == State::Opened
    }

    /// What it can be changed to: the other plans that are paid in the same way; after a trial any but trials.
    fn upgrades(&self) -> Vec<Plan> {
        let Some((product, terms)) = self.product.zip(self.terms()) else { return Vec::new() };
        let is_alike = |plan: &Plan| {
            !plan.terms.is_trial()
                && (terms.is_trial() || std::mem::discriminant(&plan.terms) == std::mem::discriminant(&terms))
        };
        product.plans.iter().filter(|plan| plan.sku != self.instance.plan && is_alike(plan)).cloned().collect()
    }

    pub fn is_upgradable(&self) -> bool {
        self.instance.state == State::Opened && !self.upgrades().is_empty()
    }

    pub fn is_renewable(&self) -> bool {
        matches!(self.instance.state, State::Opened | State::Expired)
            && matches!(self.terms(), Some(Terms::Prepay { .. }))
    }
}

/// 「已购买服务列表」
pub fn services(visit: &Visit, rows: &[Row], now: Instant) -> Markup {
    let w = words(visit.lang);
    let heading = html! { h1 { (w.services) } };
    page(visit, Some(Section::Services), w.services, &services_content(visit, rows, now, &heading, false))
}

/// `is_behind`: a dialog covers it, so it stands still.
fn services_content(visit: &Visit, rows: &[Row], now: Instant, heading: &Markup, is_behind: bool) -> Markup {
    let w = words(visit.lang);
    let opening = rows.iter().filter(|row| row.instance.state == State::Opening).count();
    let columns = [
        Column::text(w.column_product),
        Column::text(w.plan),
        Column::text(w.column_state),
        Column::text(w.column_expires),
        Column::actions(w.column_actions),
    ];
    let lines = html! { @for row in rows { (service(visit, w, row)) } };
    // While something is being opened, the script follows this page's step, and a header reloads it without script.
    let step = (opening > 0 && !is_behind).then_some(opening);
    html! {
        div.row.between {
            (heading)
            p.fine { (w.clock) " " (at(visit, now, Detail::Second)) "　" a href="/console/services" { (w.refresh) } }
        }
        div.stack data-step=[step] {
            @if opening > 0 {
                (note(Tone::Neutral, Icon::Info, html! { (w.submitted) (if visit.lang == Lang::Zh { "。" } else { " " }) (w.advancing) }))
            }
            section.card aria-label=(w.of_services) {
                @if rows.is_empty() {
                    div.snug { p.mut { (w.no_services) } p { a.btn href=(visit.product_href()) { (w.to_product) } } }
                } @else {
                    (table(w.of_services, &columns, &lines))
                }
            }
        }
    }
}

fn service(visit: &Visit, w: &Sim, row: &Row) -> Markup {
    let instance = row.instance;
    let href = format!("/console/services/{}", instance.id);
    let of = html! { span.vh { ((w.of_instance)(&instance.id)) } };
    html! {
        tr {
            th scope="row" { (row.product_name()) br; span.fine { ((w.instance)(&instance.id)) } }
            td data-l=(w.plan) { (row.plan_name(visit.lang)) }
            td data-l=(w.column_state) { (state(w, instance)) }
            td data-l=(w.column_expires) { (expiry(visit, instance)) }
            td.acts {
                @match instance.state {
                    State::Opening => span.fine { (w.after_opening) },
                    State::Failed => form.one method="post" action={ (href) "/retry" } {
                        button.link { (w.retry) (of) }
                    },
                    _ => a href=(href) { (w.guide) (of) },
                }
                @if row.has_login() { a href={ (href) "/enter" } { (w.log_in) (of) } }
                @if row.is_renewable() { a href={ (href) "/renew" } { (w.renew) (of) } }
                @if instance.state == State::Closed {
                    a href={ "/products/" (instance.product) } { (w.buy_again) (of) }
                }
            }
        }
    }
}

/// An instance in one line, what tells it apart first.
#[must_use]
pub fn line(catalogue: &Catalogue, instance: &Instance, lang: Lang) -> String {
    let w = words(lang);
    let product = catalogue.product(&instance.product);
    let plan =
        product.and_then(|product| product.plan(&instance.plan)).map_or(&*instance.plan, |plan| plan.name.of(lang));
    let state = match instance.state {
        State::Opening => w.opening,
        State::Opened => w.opened,
        State::Failed => w.failed,
        State::Expired => w.expired,
        State::Closed => w.closed,
    };
    [&*instance.id, &*instance.account, state, plan].join(" · ")
}

fn state(w: &Sim, instance: &Instance) -> Markup {
    let most = MAX_CREATE_ATTEMPTS.to_string();
    match instance.state {
        State::Opening => html! {
            (badge(Tone::Info, Some(Icon::Clock), w.opening)) " "
            span.fine {
                @if instance.attempts == 0 { (w.not_asked_yet) }
                @else { ((w.attempt)(&instance.attempts.to_string(), &most)) }
            }
        },
        State::Opened => badge(Tone::Ok, Some(Icon::Check), w.opened),
        State::Failed => html! {
            (badge(Tone::Bad, Some(Icon::Alert), w.failed)) " " span.fine { ((w.failed_why)(&most)) }
        },
        State::Expired => badge(Tone::Warn, Some(Icon::Clock), w.expired),
        State::Closed => badge(Tone::Neutral, None, w.closed),
    }
}

fn expiry(visit: &Visit, instance: &Instance) -> Markup {
    html! {
        @match instance.expires_at {
            Some(end) => (at(visit, end, Detail::Day)),
            None => { span aria-hidden="true" { "—" } span.vh { (words(visit.lang).never) } },
        }
    }
}

/// 「使用指南」: what createInstance returned, and what can be done.
pub fn guide(visit: &Visit, row: &Row, orders: &[Order]) -> Markup {
    let w = words(visit.lang);
    let instance = row.instance;
    let href = format!("/console/services/{}", instance.id);
    let reply: Option<Map<String, Value>> =
        instance.reply.as_deref().and_then(|reply| serde_json::from_str(reply).ok());
    let part = |name: &str| reply.as_ref().and_then(|reply| reply.get(name)).and_then(Value::as_object);
    let title = format!("{} · {}", w.guide, instance.id);
    let is_alive = matches!(instance.state, State::Opened | State::Expired);
    let content = html! {
        p.fine { a href="/console/services" { (w.back_to_services) } }
        h1 { (title) }
        div.two {
            div.stack {
                @if reply.is_some() {
                    (card("app", w.app_info, &html! {}, &html! { div { (returned(w, part("appInfo"))) } }))
                    (card("info", w.info, &html! {}, &html! { div { (returned(w, part("info"))) } }))
                    @if let Some(host) = part("hostInfo").filter(|host| !host.is_empty()) {
                        (card("host", w.host_info, &html! {}, &html! { div { (returned(w, Some(host))) } }))
                    }
                } @else {
                    (note(Tone::Neutral, Icon::Info, w.not_opened))
                }
                (card("orders", w.orders, &html! {}, &orders_table(visit, w, orders)))
            }
            div.stack {
                (card("purchase", w.purchase, &html! {}, &html! {
                    div { (list(&[
                        (w.product, html! { (row.product_name()) }),
                        (w.plan, html! { (row.plan_name(visit.lang)) }),
                        (w.account, account_name(visit, &instance.account)),
                        (w.state, state(w, instance)),
                        (w.bought_at, at(visit, instance.created_at, Detail::Minute)),
                        (w.column_expires, expiry(visit, instance)),
                    ])) }
                }))
                @if is_alive {
                    (card("manage", w.manage, &html! {}, &html! {
                        div.snug {
                            @if row.has_login() { p { a.btn.primary.wide href={ (href) "/enter" } { (w.log_in) } } }
                            p.row {
                                @if row.is_renewable() { a.btn.sm href={ (href) "/renew" } { (w.renew) } }
                                @if row.is_upgradable() { a.btn.sm href={ (href) "/upgrade" } { (w.upgrade) } }
                                @if refundable(orders).is_some() {
                                    a.btn.sm href={ (href) "/refund-renew" } { (w.refund_renew) }
                                }
                                a.btn.sm.danger href={ (href) "/release" } { (release_words(w, row).0) }
                            }
                        }
                    }))
                }
            }
        }
    };
    page(visit, Some(Section::Services), &title, &content)
}

fn returned(w: &Sim, part: Option<&Map<String, Value>>) -> Markup {
    let label = |name: &str| match name {
        "frontEndUrl" => w.front_end_url,
        "adminUrl" => w.admin_url,
        "username" => w.username,
        "password" => w.password,
        "authUrl" => w.auth_url,
        "licenseId" => w.license_id,
        "licenseValidPeriod" => w.license_valid_period,
        "licenseForUserGuide" => w.license_guide,
        _ => "",
    };
    html! {
        @match part.filter(|part| !part.is_empty()) {
            None => p.mut { (w.nothing_returned) },
            Some(part) => dl.dl {
                @for (name, value) in part {
                    dt { @if label(name).is_empty() { (name) } @else { (label(name)) } }
                    dd { (value_shown(name, value)) }
                }
            },
        }
    }
}

fn value_shown(name: &str, value: &Value) -> Markup {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // The login-free address is no link: without a token it leads nowhere. 「免登」 makes one.
    let is_link = name != "authUrl" && (text.starts_with("https://") || text.starts_with("http://"));
    html! {
        @if is_link { a href=(text) rel="noopener" { (text) } }
        @else if name == "authUrl" { span.mono { (text) } }
        @else { (text) }
    }
}

pub fn orders_table(visit: &Visit, w: &Sim, orders: &[Order]) -> Markup {
    let columns = [Column::text(w.order), Column::text(w.kind), Column::text(w.bought_at), Column::figure(w.amount)];
    let rows = html! {
        @for order in orders {
            tr {
                th scope="row" { span.num { (order.id) } }
                td data-l=(w.kind) {
                    (order_kind(w, order.kind))
                    @if order.is_refunded { " " (badge(Tone::Warn, None, w.refunded)) }
                }
                td data-l=(w.bought_at) { (at(visit, order.created_at, Detail::Minute)) }
                td.r data-l=(w.amount) { "¥ " (yuan(order.price_fen)) }
            }
        }
    };
    table(w.orders, &columns, &rows)
}

const fn order_kind(w: &Sim, kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::New => w.kind_new,
        OrderKind::Trial => w.kind_trial,
        OrderKind::Renew => w.kind_renew,
        OrderKind::Upgrade => w.kind_upgrade,
    }
}

/// The renewal that can be taken back.
pub fn refundable(orders: &[Order]) -> Option<&Order> {
    orders.iter().rev().find(|order| order.kind == OrderKind::Renew && !order.is_refunded)
}

/// Caption, consequence, confirmation. Who paid in advance is refunded.
fn release_words(w: &Sim, row: &Row) -> (&'static str, &'static str, &'static str) {
    if matches!(row.terms(), Some(Terms::Prepay { .. })) {
        (w.refund, w.refund_note, w.refund_confirm)
    } else {
        (w.close, w.close_note, w.close_confirm)
    }
}

// The console's dialogs

/// What a dialog of the console is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Enter,
    Renew,
    Upgrade,
    RefundRenew,
    Release,
}

/// A dialog over the list.
pub fn ask(visit: &Visit, what: Ask, row: &Row, orders: &[Order], all: &[Row], now: Instant) -> Markup {
    let w = words(visit.lang);
    let instance = row.instance;
    let base = format!("/console/services/{}", instance.id);
    let facts = |more: &[(&'static str, Markup)]| {
        let mut facts = vec![
            (w.product, html! { (row.product_name()) " · " ((w.instance)(&instance.id)) }),
            (w.plan, html! { (row.plan_name(visit.lang)) }),
        ];
        facts.extend_from_slice(more);
        list(&facts)
    };
    let day = |end: Option<Instant>| html! { @if let Some(end) = end { (at(visit, end, Detail::Day)) } @else { "—" } };
    let (title, body, confirm, path) = match what {
        Ask::Enter => {
            let body = html! { p { ((w.log_in_note)(row.product_name())) } p.fine { (w.log_in_age) } };
            (w.notice, body, w.ok, "/login")
        }
        Ask::Renew => {
            let from = instance.expires_at.filter(|end| *end > now).unwrap_or(now);
            let then = row.terms().and_then(|terms| terms.renewed(from));
            let price = row.terms().map_or(0, Terms::price_fen);
            let body = facts(&[
                (w.expires_now, day(instance.expires_at)),
                (w.expires_then, day(then)),
                (w.pay_now, html! { span.num { "¥ " (yuan(price)) } }),
            ]);
            (w.renew_title, body, w.renew_confirm, "/renew")
        }
        Ask::Upgrade => {
            let body = html! { p.mut { (w.upgrade_note) } (plan_choices(w, visit.lang, &row.upgrades(), None)) };
            (w.upgrade, body, w.upgrade_confirm, "/upgrade")
        }
        Ask::RefundRenew => {
            let then = refundable(orders).and_then(|order| order.previous_expires_at);
            let more = [(w.expires_now, day(instance.expires_at)), (w.refund_renew_then, day(then))];
            let body = html! { p.mut { (w.refund_renew_note) } (facts(&more)) };
            (w.refund_renew, body, w.refund_renew_confirm, "/refund-renew")
        }
        Ask::Release => {
            let (title, consequence, confirm) = release_words(w, row);
            let body = html! { (note(Tone::Warn, Icon::Alert, consequence)) (facts(&[])) };
            (title, body, confirm, "/release")
        }
    };
    let leave = html! { a.btn data-leave href="/console/services" { (w.cancel) } };
    let content = html! {
        @if what == Ask::Enter {
            // A link, not a form: the way leads to another site, and this one's forms stay at home.
            div.card {
                header { h1 #dialog-title { (title) } }
                div.snug { (body) }
                footer { span {} span.row { (leave) a.btn.primary href={ (base) (path) } { (confirm) } } }
            }
        } @else {
            form.card method="post" action={ (base) (path) } {
                header { h1 #dialog-title { (title) } }
                div.snug { (body) }
                footer { span {} span.row {
                    (leave)
                    button.btn .primary[what != Ask::Release] .danger[what == Ask::Release] { (confirm) }
                } }
            }
        }
    };
    let heading = html! { p.h1 { (w.services) } };
    dialog(visit, Section::Services, title, &services_content(visit, all, now, &heading, true), &content)
}

// Trouble

/// What went wrong, and the way back.
pub fn trouble(visit: &Visit, title: &str, note: &str) -> Markup {
    let w = words(visit.lang);
    let content = html! {
        h1 { (title) }
        p.lead { (note) }
        p.row { a.btn.primary href="/console/services" { (w.back_to_services) } a.btn href=(visit.product_href()) { (w.to_product) } }
    };
    page(visit, None, title, &content)
}

/// The moment as the marketplace's console shows it: China time, always.
pub fn at(visit: &Visit, at: Instant, detail: Detail) -> Markup {
    moment(visit.lang, &Zone::china(), at, detail)
}
