//! The pages of the console beside metering, for snapshots and for looking at them.

use maud::Markup;

use crate::domain::organization::{Freeze, FreezeReason, Role};
use crate::domain::subscription::State;
use crate::domain::usage::State as RecordState;
use crate::domain::value::{DAY_MS, HOUR_MS, Lang, MINUTE_MS, SECOND_MS};
use crate::view::frame::Frame;
use crate::view::operator::subscription::{
    Act, Bound, Call, Entry, Event, List, Page, Row, Way, What, subscription, subscriptions,
};
use crate::view::operator::{Actor, Choice, Turn, act, audit, call, delivery, job, organization, user};
use crate::view::parts::Problem;
use crate::view::samples::{AT, Said, purchase};

fn choice(code: &str, list: &str, is_current: bool) -> Choice {
    Choice { code: code.into(), href: format!("/operator/{list}"), is_current }
}

fn turning(list: &str) -> Turn {
    Turn { next: Some(format!("/operator/{list}?after=41")), first: None }
}

fn operator(say: &Said) -> Actor {
    Actor { kind: "operator", id: "usr_op".into(), name: Some(say.or("周岚", "Lan Zhou")) }
}

fn row(say: &Said, name: &str, state: State, doubts: Vec<&'static str>, is_bound: bool) -> Row {
    let bought = purchase(say);
    Row {
        name: format!("alibaba-{name}"),
        purchase: crate::view::purchase::Purchase { state, subscription_id: name.into(), ..bought },
        doubts,
        organization: is_bound.then(|| ("org_yunfan".into(), say.or("云帆数据", "Yunfan Data"))),
        created_at: AT,
    }
}

fn entries(say: &Said) -> Vec<Entry> {
    let ago = |ms: i64| AT.plus_ms(-ms);
    let call = |id: i64, action: &str, verdict: &str, code: Option<&str>| {
        What::Call(Call {
            id,
            action: action.into(),
            verdict: verdict.into(),
            code: code.map(str::to_owned),
            status: 200,
            took_ms: "1.4".into(),
            params: "action=createInstance\naliUid=1234****5678\norderBizId=86040213\ntoken=[hidden]".into(),
            is_erased: false,
            reply: "{\"instanceId\":\"86040213\"}".into(),
        })
    };
    let way = |state: &str, status: u16, error: Option<&str>| Way {
        delivery_id: 77,
        url: "https://api.example.com/hooks".into(),
        state: state.into(),
        attempts: 2,
        status: Some(status),
        error: error.map(str::to_owned),
    };
    let event = |kind: &str, by: Option<Actor>, ways: Vec<Way>| {
        What::Event(Event {
            kind: kind.into(),
            sequence: Some(3),
            data: "{\n  \"subscription\": \"alibaba-86040213\"\n}".into(),
            by,
            reason: None,
            ways,
        })
    };
    let user = Actor { kind: "user", id: "usr_1".into(), name: Some(say.or("林悦", "Yue Lin")) };
    let gone = Actor { kind: "user", id: "usr_2".into(), name: Some(String::new()) };
    let market = Actor { kind: "marketplace", id: "alibaba".into(), name: None };
    let record = |state, id| (20_417, crate::view::operator::samples::line(say, id, state, None).record);
    vec![
        Entry {
            at: ago(0),
            what: What::Act(Act {
                action: "organization.frozen".into(),
                by: operator(say),
                reason: Some(say.or("合同争议，法务要求", "Dispute over the contract, asked for by legal")),
                before: Some("none".into()),
                after: Some("operator".into()),
            }),
        },
        Entry {
            at: ago(40 * MINUTE_MS),
            what: What::Usage(vec![record(RecordState::Accepted, 0), record(RecordState::Unknown, 1)]),
        },
        Entry { at: ago(2 * HOUR_MS), what: event("binding.live", Some(user), vec![way("delivered", 200, None)]) },
        Entry {
            at: ago(2 * HOUR_MS + 5 * SECOND_MS),
            what: event("binding.requested", Some(gone), vec![way("dead", 503, Some("Service Unavailable"))]),
        },
        Entry { at: ago(DAY_MS), what: event("subscription.activated", Some(market), vec![]) },
        Entry { at: ago(DAY_MS), what: call(12, "create", "applied", None) },
        Entry { at: ago(DAY_MS + 30 * SECOND_MS), what: call(11, "renew", "refused", Some("unknown_instance")) },
    ]
}

fn of_subscriptions(say: &Said, frame: &Frame) -> Vec<(&'static str, Markup)> {
    let states = ["", "opening", "active", "expired", "released"];
    let list = List {
        text: String::new(),
        state: String::new(),
        doubt: String::new(),
        states: states.map(|code| choice(code, "subscriptions", code.is_empty())).to_vec(),
        doubts: ["", "disputed", "overdue", "quarantined"]
            .map(|code| choice(code, "subscriptions", code.is_empty()))
            .to_vec(),
        rows: vec![
            row(say, "86040213", State::Active, vec![], true),
            row(say, "86040214", State::Expired, vec!["disputed"], true),
            row(say, "86040215", State::Active, vec!["overdue", "quarantined"], false),
            row(say, "86040216", State::Released, vec![], false),
        ],
        csv_href: "/operator/subscriptions.csv".into(),
        turn: turning("subscriptions"),
    };
    let none = List { text: "x".into(), rows: vec![], turn: Turn::default(), ..list.clone() };
    let page = Page {
        name: "alibaba-86040213".into(),
        purchase: purchase(say),
        seller: "alibaba".into(),
        uid: None,
        doubts: vec![],
        bound: Some(Bound {
            state: crate::domain::binding::State::Live,
            organization: ("org_yunfan".into(), say.or("云帆数据", "Yunfan Data")),
            by: say.or("林悦", "Yue Lin"),
            by_id: "usr_1".into(),
            since: AT,
            freeze: Some(Freeze { reason: FreezeReason::Operator, since: AT, grace_until: None }),
        }),
        shows: ["", "calls", "changes", "usage"]
            .map(|code| choice(code, "subscriptions/alibaba-86040213", code.is_empty()))
            .to_vec(),
        entries: entries(say),
        turn: turning("subscriptions/alibaba-86040213"),
        is_done: true,
    };
    let doubtful = Page {
        uid: Some("1234567890125678".into()),
        doubts: vec!["disputed", "overdue", "quarantined"],
        bound: None,
        entries: vec![],
        turn: Turn::default(),
        is_done: false,
        ..page.clone()
    };
    vec![
        ("operator-subscriptions", subscriptions(frame, &list)),
        ("operator-subscriptions-none", subscriptions(frame, &none)),
        ("operator-story", subscription(frame, &page)),
        ("operator-story-doubtful", subscription(frame, &doubtful)),
    ]
}

fn of_acts(say: &Said, frame: &Frame) -> Vec<(&'static str, Markup)> {
    let org = "/operator/organizations/org_yunfan";
    let freeze = act::Act {
        kind: act::Kind::Freeze,
        name: say.or("云帆数据", "Yunfan Data"),
        whose: say.or("云帆数据", "Yunfan Data"),
        action: format!("{org}/freeze"),
        back: org.into(),
        shown: "none".into(),
        why: String::new(),
        refusal: None,
        problems: vec![],
    };
    let unfreeze = act::Act { kind: act::Kind::Unfreeze, action: format!("{org}/unfreeze"), ..freeze.clone() };
    let unbind = act::Act {
        kind: act::Kind::Unbind,
        name: "86040213".into(),
        action: "/operator/subscriptions/alibaba-86040213/unbind".into(),
        back: "/operator/subscriptions/alibaba-86040213".into(),
        refusal: Some(act::Refusal::Changed),
        problems: vec![Problem::at("why", "required")],
        ..freeze.clone()
    };
    let unbind_requested =
        act::Act { kind: act::Kind::UnbindRequested, refusal: None, problems: vec![], ..unbind.clone() };
    let person = |kind, what: &str, refusal| act::Act {
        kind,
        name: say.or("林悦", "Yue Lin"),
        whose: say.or("林悦", "Yue Lin"),
        action: format!("/operator/users/usr_1/{what}"),
        back: "/operator/users/usr_1".into(),
        refusal,
        ..freeze.clone()
    };
    vec![
        ("operator-freeze", act::act(frame, &freeze)),
        ("operator-unfreeze", act::act(frame, &unfreeze)),
        ("operator-unbind", act::act(frame, &unbind)),
        ("operator-unbind-requested", act::act(frame, &unbind_requested)),
        ("operator-sign-out", act::act(frame, &person(act::Kind::SignOut, "sign-out", None))),
        ("operator-disable", act::act(frame, &person(act::Kind::Disable, "disable", Some(act::Refusal::LastOperator)))),
        ("operator-enable", act::act(frame, &person(act::Kind::Enable, "enable", Some(act::Refusal::OwnAccount)))),
    ]
}

fn of_directory(say: &Said, frame: &Frame) -> Vec<(&'static str, Markup)> {
    let frozen = Freeze { reason: FreezeReason::Operator, since: AT, grace_until: None };
    let unpaid = Freeze { reason: FreezeReason::Payment, since: AT, grace_until: Some(AT.plus_ms(8 * DAY_MS)) };
    let org = |zh: &str, en: &str, freeze| organization::Row {
        id: "org_yunfan".into(),
        name: say.or(zh, en),
        members: 5,
        freeze,
        created_at: AT,
    };
    let organizations = organization::List {
        text: String::new(),
        state: String::new(),
        states: ["", "payment", "operator"].map(|code| choice(code, "organizations", code.is_empty())).to_vec(),
        rows: vec![
            org("云帆数据", "Yunfan Data", Some(frozen)),
            org("星河科技", "Xinghe", Some(unpaid)),
            org("远山", "Yuanshan", None),
        ],
        turn: turning("organizations"),
    };
    let one = organization::Page {
        row: org("云帆数据", "Yunfan Data", Some(unpaid)),
        time_zone: "Asia/Shanghai".into(),
        members: vec![organization::Member {
            user_id: "usr_1".into(),
            name: say.or("林悦", "Yue Lin"),
            email: "owner@example.com".into(),
            role: Role::Owner,
            joined_at: AT,
        }],
        channels: vec![organization::Channel {
            subscription: "alibaba-86040213".into(),
            state: crate::domain::binding::State::Ended,
            reason: Some("unbound".into()),
            requested_at: AT,
            live_at: Some(AT),
            ended_at: Some(AT),
        }],
        is_done: false,
    };
    let bare = organization::Page {
        row: org("云帆数据", "Yunfan Data", Some(frozen)),
        channels: vec![],
        is_done: true,
        ..one.clone()
    };
    let person = |zh: &str, en: &str, is_operator, is_disabled| user::Row {
        id: "usr_1".into(),
        name: say.or(zh, en),
        email: "owner@example.com".into(),
        is_operator,
        is_disabled,
        verified_at: (!is_disabled).then_some(AT),
        has_totp: is_operator,
        created_at: AT,
    };
    let users = user::List {
        text: "owner".into(),
        kind: String::new(),
        kinds: ["", "operators", "disabled", "unverified"].map(|code| choice(code, "users", code.is_empty())).to_vec(),
        rows: vec![person("周岚", "Lan Zhou", true, false), person("林悦", "Yue Lin", false, true)],
        turn: Turn { next: None, first: Some("/operator/users?q=owner".into()) },
    };
    let someone = user::Page {
        row: person("林悦", "Yue Lin", false, false),
        lang: Lang::Zh,
        password_changed_at: AT,
        sessions: 2,
        last_seen_at: Some(AT),
        organizations: vec![("org_yunfan".into(), say.or("云帆数据", "Yunfan Data"), Role::Owner)],
        is_self: false,
        is_done: true,
    };
    let disabled = user::Page {
        row: person("林悦", "Yue Lin", false, true),
        sessions: 0,
        last_seen_at: None,
        organizations: vec![],
        is_done: false,
        ..someone.clone()
    };
    vec![
        ("operator-organizations", organization::organizations(frame, &organizations)),
        (
            "operator-organizations-none",
            organization::organizations(frame, &organization::List { rows: vec![], ..organizations.clone() }),
        ),
        ("operator-organization", organization::organization(frame, &one)),
        ("operator-organization-frozen", organization::organization(frame, &bare)),
        ("operator-users", user::users(frame, &users)),
        ("operator-users-none", user::users(frame, &user::List { rows: vec![], ..users.clone() })),
        ("operator-user", user::user(frame, &someone)),
        ("operator-user-disabled", user::user(frame, &disabled)),
    ]
}

fn of_calls(frame: &Frame) -> Vec<(&'static str, Markup)> {
    let made = |id, action: &str, verdict: &str, code: Option<&str>, is_here| call::Row {
        id,
        at: AT,
        subscription: ("alibaba-86040213".into(), is_here),
        action: action.into(),
        verdict: verdict.into(),
        code: code.map(str::to_owned),
        status: 200,
    };
    let calls = call::List {
        verdicts: ["", "applied", "repeated", "conflict", "refused", "turned_away"]
            .map(|code| choice(code, "calls", code.is_empty()))
            .to_vec(),
        actions: ["", "create", "renew", "refund_renew", "upgrade", "expire", "release", "pay", "verify"]
            .map(|code| choice(code, "calls", code.is_empty()))
            .to_vec(),
        rows: call::Rows::Calls(vec![
            made(41, "create", "applied", None, true),
            made(40, "create", "repeated", None, true),
            made(39, "create", "conflict", None, true),
            made(38, "renew", "refused", Some("unknown_instance"), false),
        ]),
        turn: turning("calls"),
    };
    let away = call::TurnedAway {
        at: AT,
        seller: "alibaba".into(),
        code: "bad_token".into(),
        address: "203.0.113.24".into(),
        params: "action=createInstance\naliUid=1234****5678\ntoken=[hidden]".into(),
        request_id: "req_01kc3m9x2pf8q".into(),
    };
    let turned_away = call::List {
        actions: vec![],
        rows: call::Rows::TurnedAway(vec![away]),
        turn: Turn::default(),
        ..calls.clone()
    };
    let none = call::List { rows: call::Rows::Calls(vec![]), turn: Turn::default(), ..calls.clone() };
    let one = call::Page {
        row: made(38, "renew", "refused", Some("unknown_instance"), false),
        took_ms: "1.4".into(),
        request_id: "req_01kc3m9x2pf8q".into(),
        params: "action=renewInstance\ninstanceId=86040213\nnote=[erased]\ntoken=[hidden]".into(),
        is_erased: true,
        reply: "{\n  \"success\": false\n}".into(),
    };
    vec![
        ("operator-calls", call::calls(frame, &calls)),
        ("operator-calls-turned-away", call::calls(frame, &turned_away)),
        ("operator-calls-none", call::calls(frame, &none)),
        ("operator-call", call::call(frame, &one)),
    ]
}

fn of_work(frame: &Frame) -> Vec<(&'static str, Markup)> {
    let sent = |id, state: &str, status, error: Option<&str>| delivery::Row {
        id,
        webhook_id: "whk_1".into(),
        url: "https://api.example.com/hooks".into(),
        event: (id != 75).then(|| "binding.live".into()),
        subject: "alibaba-86040213".into(),
        state: state.into(),
        attempts: 2,
        due_at: (id == 76).then_some(AT),
        status,
        error: error.map(str::to_owned),
        created_at: AT,
        ended_at: (state != "waiting").then_some(AT),
    };
    let hook = |id: &str, state| delivery::Webhook {
        id: id.into(),
        url: format!("https://api.example.com/{id}"),
        state,
        since: (state != "works").then_some(AT),
    };
    let list = delivery::List {
        webhooks: vec![
            hook("whk_1", "works"),
            hook("whk_2", "failing"),
            hook("whk_3", "requested"),
            hook("whk_4", "gone"),
            hook("whk_5", "failed"),
        ],
        states: ["", "waiting", "delivered", "dead"].map(|code| choice(code, "deliveries", code.is_empty())).to_vec(),
        rows: vec![
            sent(77, "dead", Some(503), Some("Service Unavailable")),
            sent(76, "waiting", None, Some("timeout")),
            sent(75, "delivered", Some(204), None),
        ],
        turn: turning("deliveries"),
    };
    let none = delivery::List { webhooks: vec![], rows: vec![], turn: Turn::default(), ..list.clone() };
    let one = delivery::Page {
        row: sent(77, "dead", Some(503), Some("Service Unavailable")),
        body: "{\n  \"type\": \"binding.live\"\n}".into(),
        is_done: true,
        is_behind: false,
    };
    let behind =
        delivery::Page { row: sent(78, "waiting", None, None), is_done: false, is_behind: true, ..one.clone() };
    let dead = job::Row {
        id: 9,
        kind: "mail.send".into(),
        key: "418".into(),
        attempts: 20,
        dead_at: AT,
        error: "550 mailbox unavailable".into(),
    };
    let jobs = job::List { rows: vec![dead.clone()], turn: turning("jobs"), is_done: false };
    let deciding = job::Page { row: dead, chosen: String::new(), why: String::new(), is_open: false, problems: vec![] };
    let refused = job::Page {
        chosen: "retry".into(),
        is_open: true,
        problems: vec![Problem::at("decision", "required"), Problem::at("why", "required")],
        ..deciding.clone()
    };
    vec![
        ("operator-deliveries", delivery::deliveries(frame, &list)),
        ("operator-deliveries-none", delivery::deliveries(frame, &none)),
        ("operator-delivery", delivery::delivery(frame, &one)),
        ("operator-delivery-behind", delivery::delivery(frame, &behind)),
        ("operator-jobs", job::jobs(frame, &jobs)),
        ("operator-jobs-none", job::jobs(frame, &job::List { rows: vec![], is_done: true, ..jobs.clone() })),
        ("operator-job", job::job(frame, &deciding)),
        ("operator-job-refused", job::job(frame, &refused)),
    ]
}

fn of_audit(say: &Said, frame: &Frame) -> Vec<(&'static str, Markup)> {
    let noted = |id, action: &str, by: Actor, before: audit::Said, after: audit::Said| audit::Row {
        id,
        at: AT,
        by,
        action: action.into(),
        subject: ("organization".into(), "org_yunfan".into()),
        reason: (id == 41).then(|| say.or("合同争议", "Dispute over the contract")),
        before,
        after,
        request_id: "req_01kc3m9x2pf8q".into(),
    };
    let text = |text: &str| audit::Said::Text(text.into());
    let job = Actor { kind: "job", id: "binding.activate".into(), name: None };
    let line = Actor { kind: "command_line", id: String::new(), name: None };
    let list = audit::List {
        asked: audit::Asked::default(),
        problems: vec![],
        is_filtered: false,
        rows: vec![
            noted(41, "organization.frozen", operator(say), text("none"), text("operator")),
            noted(40, "binding.live", job, audit::Said::Nothing, audit::Said::Nothing),
            noted(39, "user.renamed", line, audit::Said::Erased, audit::Said::Erased),
        ],
        turn: turning("audit"),
        csv_href: "/operator/audit.csv".into(),
        report: None,
    };
    let report = |fault| Some(audit::Report { rows: 41, last: Some((41, "9f86d081884c7d65".repeat(4))), fault });
    let good = audit::List { report: report(None), ..list.clone() };
    let bad = audit::List {
        rows: vec![],
        is_filtered: true,
        asked: audit::Asked { actor: "usr_op".into(), from: "2026-11-01".into(), ..audit::Asked::default() },
        report: report(Some(audit::Fault::Changed(17))),
        ..list.clone()
    };
    let unread = audit::List {
        asked: audit::Asked { from: "yesterday".into(), ..audit::Asked::default() },
        problems: vec![Problem::at("from", "not_a_day")],
        report: None,
        turn: Turn::default(),
        ..bad.clone()
    };
    vec![
        ("operator-audit-unread", audit::audit(frame, &unread)),
        ("operator-audit", audit::audit(frame, &list)),
        ("operator-audit-good", audit::audit(frame, &good)),
        ("operator-audit-bad", audit::audit(frame, &bad)),
    ]
}

pub(in crate::view::operator) fn pages(say: &Said, frame: &Frame) -> Vec<(&'static str, Markup)> {
    let mut all = of_subscriptions(say, frame);
    all.extend(of_acts(say, frame));
    all.extend(of_directory(say, frame));
    all.extend(of_calls(frame));
    all.extend(of_work(frame));
    all.extend(of_audit(say, frame));
    all
}
