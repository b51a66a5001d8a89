//! Every page with the mockups' facts, for snapshots and for looking at them.

mod long;

use maud::{Markup, html};

use crate::domain::claim::Failure;
use crate::domain::organization::{Freeze, FreezeReason, Role};
use crate::domain::subscription::State;
use crate::domain::value::{DAY_MS, Instant, Lang, MINUTE_MS};

use super::account::{self, ClaimInHand};
use super::billing::{self, Billing, Channel};
use super::binding::{self, Bind, Candidate, Change, Stage, Standing};
use super::console::Of;
use super::frame::{Brand, Frame, NavItem, SimFrame, Theme, Who, sim, sim_dialog};
use super::icon::Icon;
use super::landing;
use super::organization::{self, ChannelState};
use super::parts::{self, Problem, Tone};
use super::purchase::Purchase;
use super::trouble;
use super::unbind;
use super::usage::{Overview, samples::overview};
use super::when::Zone;

/// 2026-11-22 15:40:32 in China.
pub(super) const AT: Instant = Instant::from_ms(1_795_333_232_000);

/// Texts that people type, in the language of the page.
pub(super) struct Said {
    lang: Lang,
}

impl Said {
    pub(super) fn or(&self, zh: &str, en: &str) -> String {
        if self.lang == Lang::Zh { zh } else { en }.to_owned()
    }
}

fn brand() -> Brand {
    Brand {
        name: "Zilliz Cloud".into(),
        support: "support@example.com".into(),
        docs_url: Some("https://docs.example.com/quick-start".into()),
        login_url: Some("https://cloud.example.com/login".into()),
        terms_url: Some("https://www.example.com/terms".into()),
        privacy_url: Some("https://www.example.com/privacy".into()),
        logo_url: None,
        invoice_note: None,
    }
}

pub(super) fn purchase(say: &Said) -> Purchase {
    Purchase {
        product_name: "Zilliz Cloud".into(),
        plan_name: say.or("按量付费", "Pay-as-you-go"),
        is_postpay: true,
        is_trial: false,
        uid_masked: "1234****5678".into(),
        order_id: "205060317920890".into(),
        subscription_id: "86040213".into(),
        product_code: "cmgj00063418".into(),
        activated_at: Some(AT),
        expires_at: None,
        state: State::Active,
    }
}

fn yearly(say: &Said, state: State) -> Purchase {
    Purchase {
        plan_name: say.or("包年", "Yearly"),
        is_postpay: false,
        subscription_id: "85102290".into(),
        order_id: "205060317311204".into(),
        activated_at: Some(AT.plus_ms(-372 * DAY_MS)),
        expires_at: Some(AT.plus_ms(-7 * DAY_MS)),
        state,
        ..purchase(say)
    }
}

pub(super) fn of(say: &Said) -> Of {
    Of { id: "org_yunfan".into(), name: say.or("云帆数据", "Yunfan Data"), has_product_entry: true }
}

fn bind(say: &Said) -> Bind {
    let candidate = |zh: &str, en: &str, role, standing| Candidate { name: say.or(zh, en), role, members: 5, standing };
    Bind {
        claim: "clm_01".into(),
        purchase: purchase(say),
        organizations: vec![
            candidate("云帆数据", "Yunfan Data", Role::Owner, Standing::Open { choice: "a".into() }),
            candidate(
                "远山科技",
                "Yuanshan Technologies",
                Role::Billing,
                Standing::Thaws { choice: "b".into(), grace_until: Some(AT.plus_ms(8 * DAY_MS)) },
            ),
            candidate(
                "星河科技",
                "Xinghe Tech",
                Role::Owner,
                Standing::Bound {
                    subscription_id: "85913377".into(),
                    uid_masked: "8806****2140".into(),
                    is_expired: false,
                    switch_href: Some("/claim/clm_01?switch=org_xinghe".into()),
                },
            ),
            candidate(
                "北辰实验室",
                "Beichen Research Laboratory for Retrieval",
                Role::Member,
                Standing::NotManager {
                    owners: vec![say.or("周岚", "Lan Zhou"), say.or("何一鸣", "Yiming He")],
                    ask: Some("d".into()),
                    asked_at: None,
                },
            ),
            candidate("云岭检索", "Yunling Search", Role::Owner, Standing::FrozenByOperator),
        ],
        chosen: Some("a".into()),
        created: None,
        entry: Some(true),
        changed: vec![],
        problems: vec![],
        new_name: String::new(),
    }
}

fn bind_empty(say: &Said) -> Bind {
    let mut page = bind(say);
    page.organizations.retain(|it| matches!(it.standing, Standing::NotManager { .. }));
    page.chosen = None;
    page
}

/// The other states that an organization can be in, after the facts changed.
fn bind_changed(say: &Said) -> Bind {
    let mut page = bind(say);
    let name = |it: &mut Candidate, standing| it.standing = standing;
    name(
        &mut page.organizations[0],
        Standing::Bound {
            subscription_id: "85102290".into(),
            uid_masked: "1234****5678".into(),
            is_expired: true,
            switch_href: Some("/claim/clm_01?switch=org_yunfan".into()),
        },
    );
    name(
        &mut page.organizations[2],
        Standing::Replaces {
            choice: "c".into(),
            subscription_id: "85913377".into(),
            plan: say.or("Zilliz Cloud 包年", "Zilliz Cloud Yearly"),
            uid_masked: "8806****2140".into(),
        },
    );
    name(
        &mut page.organizations[3],
        Standing::NotManager {
            owners: vec![say.or("周岚", "Lan Zhou")],
            ask: Some("d".into()),
            asked_at: Some(AT.plus_ms(4 * MINUTE_MS)),
        },
    );
    name(&mut page.organizations[4], Standing::Requested { progress_href: Some("/claim/clm_02".into()) });
    page.chosen = Some("c".into());
    page.changed = vec![Change::Plan, Change::Binding];
    page
}

fn billing_page(say: &Said, channel: Channel) -> Billing {
    Billing {
        organization: of(say),
        is_manager: true,
        channel,
        freeze: None,
        usage: None,
        market_url: "https://market.example.com/products/cmgj00063418".into(),
        console_url: Some("https://market.example.com/console/services".into()),
    }
}

fn unbinding(say: &Said, is_changed: bool) -> unbind::Unbind {
    unbind::Unbind { organization: of(say), purchase: purchase(say), binding: "bnd_01".into(), is_changed }
}

fn bound(say: &Said, purchase: Purchase) -> Channel {
    Channel::Bound(billing::Bound {
        purchase,
        bound_by: Some(say.or("林悦", "Yue Lin")),
        bound_at: AT.plus_ms(4 * MINUTE_MS),
        bill_url: Some("https://market.example.com/console/bills".into()),
    })
}

fn frozen(reason: FreezeReason, grace_days: Option<i64>) -> Freeze {
    Freeze { reason, since: AT, grace_until: grace_days.map(|days| AT.plus_ms(days * DAY_MS)) }
}

/// Name and markup of every page, in one language and appearance.
pub fn all(lang: Lang, theme: Option<Theme>) -> Vec<(&'static str, Markup)> {
    let say = &Said { lang };
    let brand = brand();
    let zone = Zone::china();
    let name = say.or("林悦", "Yue Lin");
    let anyone = &Frame {
        lang,
        theme,
        zone: &zone,
        brand: &brand,
        signed_in: None,
        csrf: "csrf-1",
        path: "/claim/clm_01",
        request_id: "req_01JD9M4T7Q",
        version: "1",
        release: "Marketgate 0.1.0 (1a2b3c4d5e6f, 2026-11-24)",
    };
    let who = Who { name: &name, email: "owner@example.com", is_via_marketplace: false, is_operator: false };
    let owner = &Frame { signed_in: Some(who), ..*anyone };
    let guest = &Frame { signed_in: Some(Who { is_via_marketplace: true, ..who }), ..*anyone };
    let mut pages = vec![];
    pages.extend(landing_pages(say, anyone, owner));
    pages.extend(account_pages(say, anyone, owner, guest));
    pages.extend(binding_pages(say, owner));
    pages.extend(console_pages(say, owner, guest));
    pages.extend(super::usage::samples::pages(say, owner, guest));
    pages.extend(super::member::samples::pages(say, owner, guest));
    pages.extend(super::settings::samples::pages(say, owner));
    pages.extend(super::invitation::samples::pages(say, anyone, owner));
    pages.extend(super::email_check::samples::pages(say, anyone, owner));
    pages.extend(super::leaving::samples::pages(say, owner));
    pages.extend(super::second_factor::samples::pages(say, anyone, owner));
    pages.extend(super::operator::samples::pages(say, owner));
    pages.extend(super::operator::keys::samples::pages(say, owner));
    pages.extend(super::docs::samples::pages(say, anyone));
    pages.extend(long::pages(say, owner));
    pages.extend(trouble_pages(anyone, owner));
    pages.extend(sim_pages(say, theme));
    pages
}

fn landing_pages(say: &Said, anyone: &Frame, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let welcome = landing::Welcome {
        claim: "clm_01".into(),
        purchase: purchase(say),
        is_registration_open: true,
        email: String::new(),
        problems: vec![],
    };
    let refused = landing::Welcome {
        email: "owner@example.com".into(),
        problems: vec![Problem::form("wrong_credentials")],
        is_registration_open: false,
        ..welcome.clone()
    };
    let chooser = landing::Chooser {
        claims: vec![
            landing::OpenClaim {
                id: "clm_01".into(),
                purchase: Some(purchase(say)),
                subscription_id: "86040213".into(),
                kept_until: AT.plus_ms(DAY_MS),
            },
            landing::OpenClaim {
                id: "clm_02".into(),
                purchase: None,
                subscription_id: "86040377".into(),
                kept_until: AT.plus_ms(DAY_MS + MINUTE_MS),
            },
        ],
    };
    let market = "https://market.example.com/console/services".to_owned();
    let ended = |state| landing::Ended { purchase: yearly(say, state), marketplace_url: market.clone() };
    let foreign = |kind| landing::Foreign { kind, claim: "clm_01".into(), purchase: purchase(say), is_reported: false };
    vec![
        (
            "entry",
            landing::entry(
                anyone,
                &landing::Entry { seller: "alibaba".into(), sealed: vec![("sealed".into(), "djEuYWJj".into())] },
            ),
        ),
        ("welcome", landing::welcome(anyone, &welcome)),
        ("welcome-refused", landing::welcome(anyone, &refused)),
        ("chooser", landing::chooser(anyone, &chooser)),
        ("waiting", landing::waiting(anyone, &landing::Waiting { subscription_id: "86040377".into(), since: AT })),
        (
            "missing",
            landing::missing(anyone, &landing::Missing { subscription_id: "86040377".into(), is_known: false, at: AT }),
        ),
        (
            "not_open",
            landing::missing(anyone, &landing::Missing { subscription_id: "86040377".into(), is_known: true, at: AT }),
        ),
        ("expired", landing::expired(anyone, &ended(State::Expired))),
        ("released", landing::released(anyone, &ended(State::Released))),
        ("foreign", landing::foreign(owner, &foreign(landing::ForeignKind::BoundElsewhere))),
        (
            "foreign-reported",
            landing::foreign(
                owner,
                &landing::Foreign { is_reported: true, ..foreign(landing::ForeignKind::BoundElsewhere) },
            ),
        ),
        ("not-yours", landing::foreign(owner, &foreign(landing::ForeignKind::NotYours))),
        (
            "expired-link",
            landing::expired_link(
                anyone,
                &landing::ExpiredLink {
                    made_at: AT,
                    window_ms: 5 * MINUTE_MS,
                    at: AT.plus_ms(12 * MINUTE_MS),
                    marketplace_url: Some(market.clone()),
                },
            ),
        ),
        ("used-link", landing::used_link(anyone, &landing::UsedLink { at: AT, marketplace_url: Some(market) })),
    ]
}

fn account_pages(say: &Said, anyone: &Frame, owner: &Frame, guest: &Frame) -> Vec<(&'static str, Markup)> {
    let claim = Some(ClaimInHand { id: "clm_01".into(), purchase: Some(purchase(say)) });
    let login = account::Login { is_registration_open: true, ..account::Login::default() };
    let invited = |joins_at_once| {
        Some(account::InvitationInHand {
            organization: say.or("星河科技", "Galaxy Technology"),
            email_masked: "t***@example.com".into(),
            joins_at_once,
        })
    };
    let sessions = account::Sessions {
        sessions: vec![
            account::Session {
                id: "ses_1".into(),
                device: "Chrome · Windows".into(),
                address: "203.0.113.24".into(),
                signed_in_at: AT,
                last_seen_at: AT.plus_ms(9 * MINUTE_MS),
                is_current: true,
                is_via_marketplace: false,
            },
            account::Session {
                id: "ses_2".into(),
                device: String::new(),
                address: "2001:db8::7a31".into(),
                signed_in_at: AT.plus_ms(-DAY_MS),
                last_seen_at: AT.plus_ms(-DAY_MS + MINUTE_MS),
                is_current: false,
                is_via_marketplace: true,
            },
        ],
    };
    vec![
        ("login", account::login(anyone, &login)),
        (
            "login-refused",
            account::login(
                anyone,
                &account::Login {
                    claim: claim.clone(),
                    email: "owner@example.com".into(),
                    problems: vec![Problem::form("wrong_credentials")],
                    ..login.clone()
                },
            ),
        ),
        (
            "login-after-reset",
            account::login(
                anyone,
                &account::Login { reason: Some(account::LoginReason::PasswordChanged), ..login.clone() },
            ),
        ),
        (
            "login-invited",
            account::login(
                anyone,
                &account::Login {
                    next: Some("/invitations/token-1".into()),
                    invitation: invited(true),
                    ..login.clone()
                },
            ),
        ),
        (
            "register-invited",
            account::register(
                anyone,
                &account::Register {
                    next: Some("/invitations/token-1".into()),
                    invitation: invited(true),
                    problems: vec![Problem::at("email", "not_invited"), Problem::at("agree", "required")],
                    ..account::Register::default()
                },
            ),
        ),
        ("register", account::register(anyone, &account::Register::default())),
        (
            "register-refused",
            account::register(
                anyone,
                &account::Register {
                    claim: claim.clone(),
                    name: say.or("陈思远", "Siyuan Chen"),
                    email: "chen.siyuan@example".into(),
                    has_agreed: true,
                    problems: vec![Problem::at("email", "malformed"), Problem::at("password", "too_short")],
                    ..account::Register::default()
                },
            ),
        ),
        ("registration-closed", account::registration_closed(anyone)),
        (
            "forgot",
            account::forgot(
                anyone,
                &account::Forgot { claim: claim.clone(), is_mail_on: true, ..account::Forgot::default() },
            ),
        ),
        ("forgot-without-mail", account::forgot(anyone, &account::Forgot::default())),
        (
            "forgot-sent",
            account::forgot_sent(
                anyone,
                &account::ForgotSent { claim, email: "owner@example.com".into(), valid_minutes: 60 },
            ),
        ),
        ("reset", account::reset(anyone, &account::Reset { token: "tok".into(), problems: vec![] })),
        (
            "step-up",
            account::step_up(
                owner,
                &account::StepUp {
                    next: "/me".into(),
                    cancel_href: "/orgs".into(),
                    has_code: true,
                    problems: vec![Problem::at("password", "wrong_password")],
                },
            ),
        ),
        (
            "step-up-marketplace",
            account::step_up(
                guest,
                &account::StepUp {
                    next: "/me".into(),
                    cancel_href: "/orgs/org_yunfan/billing".into(),
                    has_code: false,
                    problems: vec![],
                },
            ),
        ),
        ("signed-out", account::signed_out(anyone)),
        (
            "me",
            account::me(
                owner,
                &account::Me {
                    name: say.or("林悦", "Yue Lin"),
                    email: "owner@example.com".into(),
                    is_verified: false,
                    registered_at: AT.plus_ms(-618 * DAY_MS),
                    new_name: say.or("林悦", "Yue Lin"),
                    is_saved: true,
                    problems: vec![],
                },
            ),
        ),
        ("sessions", account::sessions(owner, &sessions)),
    ]
}

fn binding_pages(say: &Said, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let asked = binding::Asked {
        claim: "clm_01".into(),
        purchase: purchase(say),
        organization: say.or("北辰实验室", "Beichen Research Laboratory"),
        owners: vec![say.or("周岚", "Lan Zhou"), say.or("何一鸣", "Yiming He")],
        link: None,
    };
    let approval = binding::Approval {
        token: "apr_7Q2".into(),
        purchase: purchase(say),
        organization: say.or("北辰实验室", "Beichen Research Laboratory"),
        requester_name: say.or("林悦", "Yue Lin"),
        requester_email: "member@example.com".into(),
        valid_until: AT.plus_ms(3 * DAY_MS),
        is_possible: true,
        thaws: true,
        is_entry_allowed: true,
    };
    let processing = binding::Processing {
        purchase: purchase(say),
        organization: of(say).name,
        stages: vec![
            (Stage::CheckSubscription, Some(AT)),
            (Stage::CheckRights, Some(AT)),
            (Stage::AwaitVendor, None),
            (Stage::OpenChannel, None),
            (Stage::TellVendor, None),
        ],
    };
    let done = binding::Done {
        purchase: purchase(say),
        organization: of(say),
        members: 5,
        live_since: AT.plus_ms(4 * MINUTE_MS),
        is_entry_allowed: true,
        notified: 2,
    };
    let failed = |failure, reason: Option<&str>, says: Option<String>| binding::Failed {
        failure,
        reason: reason.map(str::to_owned),
        vendor_says: says,
        purchase: purchase(say),
        organization: of(say).name,
        retry_href: Some("/claim/clm_01?again".into()),
    };
    let vendor = say.or("这个组织的合同尚未签署。", "The contract of this organization isn’t signed yet.");
    vec![
        ("bind", binding::bind(owner, &bind(say))),
        ("bind-empty", binding::bind(owner, &bind_empty(say))),
        ("bind-first", binding::bind(owner, &Bind { organizations: vec![], chosen: None, ..bind(say) })),
        ("bind-changed", binding::bind(owner, &bind_changed(say))),
        ("bind-created", binding::bind(owner, &Bind { created: Some(of(say).name), entry: None, ..bind(say) })),
        (
            "bind-refused",
            binding::bind(
                owner,
                &Bind {
                    chosen: None,
                    problems: vec![Problem::at("choice", "required"), Problem::at("name", "too_long")],
                    new_name: say.or("一个很长的名称", "A very long name"),
                    ..bind(say)
                },
            ),
        ),
        ("asked", binding::asked(owner, &asked)),
        (
            "asked-without-mail",
            binding::asked(
                owner,
                &binding::Asked { link: Some("https://gate.example.com/approvals/apr_7Q2".into()), ..asked.clone() },
            ),
        ),
        ("approval", binding::approval(owner, &approval)),
        (
            "approval-impossible",
            binding::approval(owner, &binding::Approval { is_possible: false, ..approval.clone() }),
        ),
        ("processing", binding::processing(owner, &processing)),
        ("done", binding::done(owner, &done)),
        ("refused", binding::failed(owner, &failed(Failure::Refused, None, Some(vendor)))),
        ("timed-out", binding::failed(owner, &failed(Failure::TimedOut, None, None))),
        ("cancelled", binding::failed(owner, &failed(Failure::Cancelled, Some("not_manager"), None))),
    ]
}

fn console_pages(say: &Said, owner: &Frame, guest: &Frame) -> Vec<(&'static str, Markup)> {
    let pay = |purchase| billing_page(say, bound(say, purchase));
    let with_usage = |usage| Billing { usage: Some(usage), ..pay(purchase(say)) };
    let listed = |zh: &str, en: &str, role, channel, freeze| organization::Listed {
        id: "org_1".into(),
        name: say.or(zh, en),
        role,
        members: 5,
        channel,
        freeze,
    };
    let list = organization::List {
        is_one_deleted: false,
        organizations: vec![
            listed("云帆数据", "Yunfan Data", Role::Owner, ChannelState::Bound, None),
            listed(
                "远山科技",
                "Yuanshan Technologies",
                Role::Billing,
                ChannelState::Bound,
                Some(FreezeReason::Payment),
            ),
            listed("北辰实验室", "Beichen Research Laboratory", Role::Member, ChannelState::Requested, None),
            listed("云岭检索", "Yunling Search", Role::Owner, ChannelState::None, Some(FreezeReason::Operator)),
        ],
    };
    let ended =
        |is_released| Some(billing::Ended { subscription_id: "85102290".into(), at: AT.plus_ms(-DAY_MS), is_released });
    vec![
        ("billing", billing::billing(owner, &with_usage(overview(say, true)))),
        ("billing-marketplace", billing::billing(guest, &Billing { is_manager: false, ..pay(purchase(say)) })),
        ("billing-unbilled", billing::billing(owner, &with_usage(overview(say, false)))),
        ("billing-unused", billing::billing(owner, &with_usage(Overview { items: vec![], ..overview(say, true) }))),
        (
            "billing-expired",
            billing::billing(
                owner,
                &Billing { freeze: Some(frozen(FreezeReason::Payment, Some(8))), ..pay(yearly(say, State::Expired)) },
            ),
        ),
        (
            "billing-disputed",
            billing::billing(
                owner,
                &Billing { freeze: Some(frozen(FreezeReason::Payment, None)), ..pay(yearly(say, State::Expired)) },
            ),
        ),
        (
            "billing-frozen",
            billing::billing(
                owner,
                &Billing { freeze: Some(frozen(FreezeReason::Operator, None)), ..pay(purchase(say)) },
            ),
        ),
        ("billing-none", billing::billing(owner, &billing_page(say, Channel::None { ended: None }))),
        ("billing-released", billing::billing(owner, &billing_page(say, Channel::None { ended: ended(true) }))),
        (
            "billing-unbound",
            billing::billing(
                owner,
                &Billing { is_manager: false, ..billing_page(say, Channel::None { ended: ended(false) }) },
            ),
        ),
        (
            "billing-requested",
            billing::billing(
                owner,
                &billing_page(say, Channel::Requested { progress_href: Some("/claim/clm_01".into()) }),
            ),
        ),
        ("unbind", unbind::unbind(owner, &unbinding(say, false))),
        ("unbind-changed", unbind::unbind(owner, &unbinding(say, true))),
        ("organizations", organization::list(owner, &list)),
        (
            "organizations-none",
            organization::list(owner, &organization::List { organizations: vec![], is_one_deleted: true }),
        ),
        ("organization-new", organization::new(owner, &organization::New::default())),
    ]
}

fn trouble_pages(anyone: &Frame, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let error = |code: &str, kind: &str, retry: Option<&str>| trouble::ErrorPage {
        code: code.into(),
        kind: kind.into(),
        at: AT,
        retry_href: retry.map(str::to_owned),
    };
    vec![
        ("error-not-found", trouble::error_page(owner, &error("organization_not_found", "not_found", None))),
        ("error-conflict", trouble::error_page(owner, &error("already_bound", "conflict", Some("/claim/clm_01")))),
        ("error-busy", trouble::error_page(&Frame { csrf: "", ..*anyone }, &error("busy", "busy", Some("/orgs")))),
        ("error-internal", trouble::error_page(anyone, &error("internal", "internal", None))),
    ]
}

fn sim_pages(say: &Said, theme: Option<Theme>) -> Vec<(&'static str, Markup)> {
    let item = |label: String, href: &str, is_current| NavItem { label, href: href.into(), icon: None, is_current };
    let nav = [
        item(say.or("商品", "Product"), "/products/cmgj00063418", true),
        item(say.or("已购买服务列表", "Purchased services"), "/console/services", false),
    ];
    let tools = html! { span { (say.or("买家 A", "Buyer A")) " · " span.num { "1234****5678" } } };
    let frame = SimFrame { lang: say.lang, theme, nav: &nav, tools: &tools, version: "1" };
    let title = say.or("开通按量服务", "Activate pay-as-you-go");
    let behind = html! {
        p.h1 { "Zilliz Cloud" }
        (parts::note(Tone::Neutral, Icon::Info, say.or("背后的页面", "The page behind")))
    };
    let dialog = html! {
        form.card method="post" action="/orders" {
            header { h1 #dialog-title { (title) } }
            div {
                p.check {
                    input type="checkbox" id="agree" name="agree" required;
                    label for="agree" { (say.or("同意商品在线协议及云市场平台服务协议", "I accept the agreements")) }
                }
            }
            footer {
                span.fine { (say.or("勾选协议后可以开通", "Tick to activate")) }
                span.row {
                    a.btn href="/products/cmgj00063418" data-leave { (say.or("取消", "Cancel")) }
                    button.btn.primary.gated { (say.or("开通", "Activate")) }
                }
            }
        }
    };
    let product = html! { h1 { "Zilliz Cloud" } p.mut { (say.or("商品页", "Product page")) } };
    vec![
        ("sim-product", sim(&frame, "Zilliz Cloud", &product)),
        ("sim-dialog", sim_dialog(&frame, &title, &behind, &dialog)),
    ]
}
