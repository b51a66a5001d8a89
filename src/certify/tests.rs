#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::Path;

use super::check::{CHECKS, Id};
use super::judge::{self, Creation, Landed};
use super::words;
use super::*;
use crate::domain::value::Lang;
use crate::market::reply::AppInfo;

fn answer(status: u16, body: &str) -> Exchange {
    Exchange {
        request: "GET http://a/?token=****".into(),
        status: Some(status),
        body: body.into(),
        ..Exchange::default()
    }
}

#[test]
fn every_check_stands_once_in_the_table() {
    for (number, check) in CHECKS.iter().enumerate() {
        assert_eq!(check.id as usize, number, "{} is out of order", check.name);
        assert!(CHECKS.iter().filter(|other| other.name == check.name).count() == 1, "{}", check.name);
        assert_eq!(check.id.check().name, check.name);
        assert!(check.page.starts_with("https://"));
    }
    assert_eq!(CHECKS.len(), Id::CleanUp as usize + 1);
}

#[test]
fn a_create_is_ready_not_ready_or_wrong() {
    for (status, body, told) in [
        (200, r#"{"instanceId":"0"}"#, Creation::Zero),
        (200, r#"{"instanceId":0}"#, Creation::Zero),
        (200, r#"{"instanceId":""}"#, Creation::Bad(Why::NoId)),
        (200, "{}", Creation::Bad(Why::NoId)),
        (200, "[]", Creation::Bad(Why::NotJson)),
        (200, "<html>", Creation::Bad(Why::NotJson)),
        (500, r#"{"instanceId":"1"}"#, Creation::Bad(Why::Status(500))),
    ] {
        assert_eq!(judge::creation(&answer(status, body)), told, "{body}");
    }
    let Creation::Ready(created) = judge::creation(&answer(200, r#"{"instanceId":7}"#)) else { panic!() };
    assert_eq!(created.instance_id, "7");
    assert_eq!(judge::creation(&Exchange::default()), Creation::Bad(Why::NoAnswer));
}

#[test]
fn a_success_is_true_and_a_refusal_is_anything_else() {
    for (status, body, success, refused) in [
        (200, r#"{"success":true}"#, Ok(()), Err(Why::Accepted)),
        (200, r#"{"success":"true"}"#, Ok(()), Err(Why::Accepted)),
        (200, r#"{"success":"False"}"#, Err(Why::NotSuccess), Ok(())),
        (200, r#"{"error":"token"}"#, Err(Why::NotSuccess), Ok(())),
        (200, "", Err(Why::NotJson), Ok(())),
        (403, r#"{"success":true}"#, Err(Why::Status(403)), Ok(())),
        (200, r#"{"instanceId":"7"}"#, Err(Why::NotSuccess), Err(Why::Accepted)),
        (200, r#"{"instanceId":"0"}"#, Err(Why::NotSuccess), Ok(())),
        (302, "", Err(Why::Status(302)), Ok(())),
    ] {
        assert_eq!(judge::success(&answer(status, body)), success, "{status} {body}");
        assert_eq!(judge::refused(&answer(status, body)), refused, "{status} {body}");
    }
    assert_eq!(judge::success(&Exchange::default()), Err(Why::NoAnswer));
    assert_eq!(judge::refused(&Exchange::default()), Err(Why::NoAnswer));
}

#[test]
fn smaller_rules_are_judged_one_by_one() {
    assert_eq!(judge::one_id(["a", "a"].into_iter()), Ok(()));
    assert_eq!(judge::one_id(["a", "b", "a"].into_iter()), Err(Why::SeveralIds(vec!["a".into(), "b".into()])));
    let info = AppInfo { front_end_url: Some("http://a".into()), password: Some(String::new()), ..AppInfo::default() };
    assert_eq!(judge::app_info(&info), Err(Why::Empty(vec!["adminUrl", "username", "password"])));
    for (body, told) in [
        (r#"{"success":"False"}"#, Err(Why::Truthy("False".into()))),
        (r#"{"success":"true"}"#, Ok(())),
        (r#"{"success":false}"#, Ok(())),
        ("not JSON", Ok(())),
    ] {
        assert_eq!(judge::truthy(&answer(200, body)), told, "{body}");
    }
    assert_eq!(judge::refusal_status(&answer(200, r#"{"error":1}"#)), Err(Why::RefusedUnder(200)));
    assert_eq!(judge::refusal_status(&answer(403, "")), Ok(()));
    // It was accepted, which is told elsewhere.
    assert_eq!(judge::refusal_status(&answer(200, r#"{"success":true}"#)), Ok(()));
    let typed = |kind: &str| judge::content_type(&Exchange { content_type: kind.into(), ..answer(200, "") });
    assert_eq!(typed("Application/JSON; charset=utf-8"), Ok(()));
    assert_eq!(typed("text/html"), Err(Why::ContentType("text/html".into())));
    let slow = Exchange { took_ms: 11, ..answer(200, "") };
    assert_eq!((judge::in_time(&slow, 11), judge::in_time(&slow, 10)), (Ok(()), Err(Why::Slow(11, 10))));
}

#[test]
fn a_browser_is_in_or_out_by_where_it_ends() {
    let at = |status: u16, place: &str, title: &str| Landed {
        status: Some(status),
        place: place.into(),
        title: title.into(),
        is_error: false,
        is_led: true,
    };
    let fresh = at(200, "https://a/claim/c1", "Welcome");
    assert_eq!(judge::let_in(&fresh), Ok(()));
    assert_eq!(judge::let_in(&at(302, "https://elsewhere/console", "")), Ok(()));
    assert_eq!(judge::let_in(&at(404, "https://a/x", "")), Err(Why::Status(404)));
    assert_eq!(judge::let_in(&at(200, "https://a/Login/", "")), Err(Why::LoginPage("https://a/Login/".into())));
    // Where the link itself is named so, it is no page for signing in.
    assert_eq!(judge::let_in(&Landed { is_led: false, ..at(200, "https://a/login", "") }), Ok(()));
    assert_eq!(judge::let_in(&Landed { is_error: true, ..fresh.clone() }), Err(Why::Status(200)));
    assert_eq!(judge::let_in(&Landed::default()), Err(Why::NoAnswer));
    for (landed, told) in [
        (at(403, "https://a/claim/c1", "Welcome"), Ok(())),
        (at(200, "https://a/claim/c2", "Welcome"), Err(Why::LetIn)),
        (at(200, "https://a/claim/c2", "Please wait"), Ok(())),
        (at(302, "https://a/login", "Welcome"), Ok(())),
        (Landed { is_error: true, ..fresh.clone() }, Ok(())),
        (Landed::default(), Err(Why::NoAnswer)),
    ] {
        assert_eq!(judge::kept_out(&landed, Some(&fresh)), told, "{landed:?}");
    }
    // With nothing to compare it by, an answer that is no error lets in.
    assert_eq!(judge::kept_out(&at(200, "https://a/x", ""), None), Err(Why::LetIn));
}

fn report() -> Report {
    let failed = |why, body: &str| Verdict::Failed { why, exchanges: vec![answer(200, body)] };
    let outcome = |id: Id, verdict| Outcome { check: id.check(), verdict };
    Report {
        target: "https://spi.example.com/".into(),
        login_url: None,
        prefix: "mgcert-0123456789-".into(),
        started_at: Instant::from_ms(1_790_000_000_000),
        outcomes: vec![
            outcome(Id::CreateAnswer, Verdict::Passed),
            outcome(
                Id::CreateAppInfo,
                failed(Why::Empty(vec!["username"]), r#"{"instanceId":"<7>","appInfo":{"password":"secret"}}"#),
            ),
            outcome(Id::VerifyFresh, Verdict::Skipped),
            outcome(Id::TokenStatus, failed(Why::RefusedUnder(200), "a\u{1b}[31m\n<b> ]]> & c")),
        ],
    }
}

#[test]
fn a_report_quotes_rule_and_exchange_and_hides_passwords() {
    let report = report();
    assert_eq!(report.counts(), [1, 1, 1, 1]);
    assert!(!report.is_passed());
    insta::assert_snapshot!("report_zh", text(Lang::Zh, &report));
    insta::assert_snapshot!("report_en", text(Lang::En, &report));
}

#[test]
fn the_junit_report_can_be_read_whatever_was_answered() {
    let xml = String::from_utf8(junit(Lang::En, &report()).unwrap()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let named = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).collect::<Vec<_>>();
    assert_eq!((named("testcase").len(), named("failure").len(), named("skipped").len()), (4, 1, 1));
    assert_eq!(document.root_element().attribute("failures"), Some("1"));
    assert!(named("system-out")[0].text().unwrap().contains("a[31m <b> ]]> & c"), "{xml}");
    assert!(!xml.contains("secret"));
}

/// The page that lists every check.
fn page() -> String {
    let mut out = "# Checks of `marketgate certify` 自测项目\n\n".to_owned();
    out.push_str(
        "Made of the table in `src/certify/words/checks.rs` by a test (`UPDATE_DOCS=1 cargo test --lib certify`).\n",
    );
    for (lang, head) in [
        (Lang::Zh, "\n## 中文\n\n| 名称 | 检查 | 规则 | 级别 | 依据 |\n|---|---|---|---|---|\n"),
        (Lang::En, "\n## English\n\n| name | asks | rule | severity | known from |\n|---|---|---|---|---|\n"),
    ] {
        out.push_str(head);
        for check in &CHECKS {
            writeln!(
                out,
                "| `{}` | {} | {} | {} | [{}]({}), §{} |",
                check.name,
                check.asks.of(lang),
                check.rule.of(lang),
                words::severity(check.severity).of(lang),
                words::evidence(check.evidence).of(lang),
                check.page,
                check.section,
            )
            .unwrap();
        }
    }
    out
}

#[test]
fn the_documentation_lists_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/certify.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == page(),
        "docs/certify.md is old: UPDATE_DOCS=1 cargo test --lib certify"
    );
}
