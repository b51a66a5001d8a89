//! The outcome for people, and as JUnit XML for machines.

use std::fmt::Write as _;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::Value;

use super::words::{self, why};
use super::{Exchange, Outcome, Report, Severity, Verdict};
use crate::domain::value::Lang;
use crate::market::time;

/// Longest answer that is shown, in characters.
const MAX_SHOWN: usize = 600;
/// Exchanges of one finding that are shown.
const MAX_EXCHANGES: usize = 3;

const fn mark(outcome: &Outcome) -> char {
    match (&outcome.verdict, outcome.check.severity) {
        (Verdict::Passed, _) => '✓',
        (Verdict::Failed { .. }, Severity::Error) => '✗',
        (Verdict::Failed { .. }, Severity::Warning) => '!',
        (Verdict::Skipped, _) => '-',
    }
}

/// One check in one line.
#[must_use]
pub fn line(lang: Lang, outcome: &Outcome) -> String {
    format!("{} {}  {}", mark(outcome), outcome.check.name, outcome.check.asks.of(lang))
}

/// The whole report.
#[must_use]
pub fn text(lang: Lang, report: &Report) -> String {
    let mut out = format!(
        "{}  {} (UTC+8)\n{}: {}\n{}: {}\n{}: {}\n\n",
        words::TITLE.of(lang),
        time::text(report.started_at),
        words::TARGET.of(lang),
        report.target,
        words::LOGIN.of(lang),
        report.login_url.as_deref().unwrap_or(words::NOT_KNOWN.of(lang)),
        words::INSTANCES.of(lang),
        report.prefix,
    );
    for outcome in &report.outcomes {
        out.push_str(&line(lang, outcome));
        out.push('\n');
        if matches!(outcome.verdict, Verdict::Skipped) {
            // Writing to a text cannot fail.
            let _ = writeln!(out, "    {}", words::SKIPPED.of(lang));
        }
        out.push_str(&detail(lang, outcome));
    }
    let _ = write!(out, "\n{}\n", words::sum(lang, report.counts()));
    printable(&out)
}

/// What is wrong, by which rule, and the exchange that shows it; nothing if nothing is.
fn detail(lang: Lang, outcome: &Outcome) -> String {
    let Verdict::Failed { why: what, exchanges } = &outcome.verdict else { return String::new() };
    let check = outcome.check;
    let mut out = format!(
        "    {}: {}\n      {} · {} · {} §{} · {}\n",
        words::RULE.of(lang),
        check.rule.of(lang),
        words::severity(check.severity).of(lang),
        words::evidence(check.evidence).of(lang),
        words::SECTION.of(lang),
        check.section,
        check.page,
    );
    let _ = writeln!(out, "    {}: {}", words::FOUND.of(lang), why(lang, what));
    let hidden = exchanges.len().saturating_sub(MAX_EXCHANGES);
    for exchange in &exchanges[hidden..] {
        let (request, answer) = (words::REQUEST.of(lang), words::ANSWER.of(lang));
        let _ = writeln!(out, "    {request}: {}\n    {answer}: {}", exchange.request, told(lang, exchange));
    }
    out
}

fn told(lang: Lang, exchange: &Exchange) -> String {
    let status = exchange.status.map_or_else(|| words::NO_ANSWER.of(lang).to_owned(), |status| status.to_string());
    let body = shown(&exchange.body);
    let body = if body.is_empty() { words::EMPTY.of(lang).to_owned() } else { body };
    format!("{status}, {} ms, {body}", exchange.took_ms)
}

/// An answer on one line, without its passwords and whatever would speak to a terminal, not too long.
#[must_use]
pub fn shown(body: &str) -> String {
    let hidden =
        serde_json::from_str::<Value>(body).ok().and_then(|mut value| hide(&mut value).then(|| value.to_string()));
    let body = hidden.unwrap_or_else(|| body.split_whitespace().collect::<Vec<_>>().join(" "));
    let body = printable(&body);
    match body.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", &body[..at]),
        None => body,
    }
}

/// Hides what is named like a password; whether there was any.
fn hide(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            let mut has_hidden = false;
            for (name, value) in map {
                match value {
                    Value::String(text) if name.to_lowercase().contains("password") && !text.is_empty() => {
                        "****".clone_into(text);
                        has_hidden = true;
                    }
                    other => has_hidden |= hide(other),
                }
            }
            has_hidden
        }
        Value::Array(list) => list.iter_mut().fold(false, |hidden, value| hide(value) | hidden),
        _ => false,
    }
}

/// JUnit XML: findings are failures; warnings pass and are told in `system-out`.
pub fn junit(lang: Lang, report: &Report) -> io::Result<Vec<u8>> {
    let [_, errors, _, skipped] = report.counts();
    let (tests, failures, skipped) = (report.outcomes.len().to_string(), errors.to_string(), skipped.to_string());
    let counts = [("tests", tests.as_str()), ("failures", &failures), ("errors", "0"), ("skipped", &skipped)];
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("testsuites").with_attributes(counts).write_inner_content(|writer| {
        let suite =
            writer.create_element("testsuite").with_attribute(("name", "marketgate certify")).with_attributes(counts);
        suite.write_inner_content(|writer| {
            for outcome in &report.outcomes {
                write_case(lang, writer, outcome)?;
            }
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(writer.into_inner())
}

fn write_case(lang: Lang, writer: &mut Writer<Vec<u8>>, outcome: &Outcome) -> io::Result<()> {
    let case = writer
        .create_element("testcase")
        .with_attribute(("classname", "marketgate.certify"))
        .with_attribute(("name", outcome.check.name));
    let text = printable(&format!("{}\n{}", outcome.check.asks.of(lang), detail(lang, outcome)));
    match &outcome.verdict {
        Verdict::Passed => case.write_empty()?,
        Verdict::Skipped => case.write_inner_content(|writer| {
            let skipped = writer.create_element("skipped").with_attribute(("message", words::SKIPPED.of(lang)));
            skipped.write_empty().map(|_| ())
        })?,
        Verdict::Failed { why: what, .. } => case.write_inner_content(|writer| {
            let element = if outcome.check.severity == Severity::Error {
                let message = printable(&why(lang, what));
                writer.create_element("failure").with_attribute(("message", message.as_str()))
            } else {
                writer.create_element("system-out")
            };
            element.write_text_content(BytesText::new(&text)).map(|_| ())
        })?,
    };
    Ok(())
}

/// Without the characters that XML 1.0 cannot hold at all and terminals obey: answers may have any.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}
