//! Everything that the conformance kit says, Chinese first.

pub mod checks;

use super::check::{Evidence, Severity};
use super::judge::Why;
use crate::domain::value::Lang;

/// A text in both languages.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    pub zh: &'static str,
    pub en: &'static str,
}

impl Said {
    #[must_use]
    pub const fn of(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

const fn said(zh: &'static str, en: &'static str) -> Said {
    Said { zh, en }
}

pub const TITLE: Said = said("云市场 SPI 自测报告", "Conformance report on a marketplace SPI");
pub const TARGET: Said = said("接口", "Interface");
pub const LOGIN: Said = said("免登", "Login-free");
pub const NOT_KNOWN: Said = said("未知", "unknown");
pub const RULE: Said = said("规则", "Rule");
pub const FOUND: Said = said("发现", "Found");
pub const REQUEST: Said = said("请求", "Request");
pub const ANSWER: Said = said("答复", "Answer");
pub const NO_ANSWER: Said = said("无答复", "no answer");
pub const EMPTY: Said = said("（空）", "(empty)");
pub const SKIPPED: Said = said("前面的检查未通过，未执行", "not asked, because of an earlier finding");
pub const INSTANCES: Said = said("测试实例的前缀（结束时释放）", "Test instances, released at the end, begin with");
pub const SECTION: Said = said("协议说明", "specification");

#[must_use]
pub const fn evidence(evidence: Evidence) -> Said {
    match evidence {
        Evidence::Documented => said("官方文档", "documented"),
        Evidence::Observed => said("公开实现", "observed in public implementations"),
        Evidence::Inferred => said("由文档推断", "inferred from the documents"),
    }
}

#[must_use]
pub const fn severity(severity: Severity) -> Said {
    match severity {
        Severity::Error => said("不符合", "finding"),
        Severity::Warning => said("警告", "warning"),
    }
}

/// The last line: passed, findings, warnings, skipped.
#[must_use]
pub fn sum(lang: Lang, [passed, errors, warnings, skipped]: [usize; 4]) -> String {
    let all = passed + errors + warnings + skipped;
    match lang {
        Lang::Zh => format!("共 {all} 项：通过 {passed}，不符合 {errors}，警告 {warnings}，未执行 {skipped}"),
        Lang::En => {
            format!("{all} checks: {passed} passed, {errors} findings, {warnings} warnings, {skipped} not asked")
        }
    }
}

#[must_use]
pub fn why(lang: Lang, why: &Why) -> String {
    match lang {
        Lang::Zh => why_zh(why),
        Lang::En => why_en(why),
    }
}

fn why_zh(why: &Why) -> String {
    match why {
        Why::NoAnswer => "没有答复（连接失败或超时）".to_owned(),
        Why::Status(status) => format!("答复是 HTTP {status} 或错误页"),
        Why::NotJson => "答复不是 JSON 对象".to_owned(),
        Why::NoId => "答复没有 instanceId".to_owned(),
        Why::NeverReady(calls) => format!("调用 {calls} 次后 instanceId 仍为 0"),
        Why::SeveralIds(ids) => format!("同一笔购买得到不同的实例 ID：{}", ids.join("、")),
        Why::Empty(fields) => format!("appInfo 中为空：{}", fields.join("、")),
        Why::NoLoginUrl => "appInfo.authUrl 不是 http(s) 地址".to_owned(),
        Why::NotSuccess => "success 不为 true".to_owned(),
        Why::Accepted => "本应拒绝的调用被执行".to_owned(),
        Why::Truthy(text) => format!("success 是文本 \"{text}\"，许多程序会当作真"),
        Why::RefusedUnder(status) => format!("拒绝时状态码为 {status}"),
        Why::ContentType(kind) if kind.is_empty() => "没有 Content-Type".to_owned(),
        Why::ContentType(kind) => format!("Content-Type 为 {kind}"),
        Why::Slow(took, limit) => format!("用时 {took} ms，上限 {limit} ms"),
        Why::LoginPage(place) => format!("免登落到了登录页 {place}"),
        Why::LetIn => "本应拒绝的链接打开了与有效链接相同的页面".to_owned(),
        Why::Left(ids) => format!("未能释放测试实例：{}", ids.join("、")),
    }
}

fn why_en(why: &Why) -> String {
    match why {
        Why::NoAnswer => "no answer (connection failed or timed out)".to_owned(),
        Why::Status(status) => format!("the answer is HTTP {status} or a page of an error"),
        Why::NotJson => "the answer is no JSON object".to_owned(),
        Why::NoId => "the answer has no instanceId".to_owned(),
        Why::NeverReady(calls) => format!("instanceId is still 0 after {calls} calls"),
        Why::SeveralIds(ids) => format!("one purchase got several ids: {}", ids.join(", ")),
        Why::Empty(fields) => format!("empty in appInfo: {}", fields.join(", ")),
        Why::NoLoginUrl => "appInfo.authUrl is no http(s) address".to_owned(),
        Why::NotSuccess => "success is not true".to_owned(),
        Why::Accepted => "a call that had to be refused was carried out".to_owned(),
        Why::Truthy(text) => format!("success is the text \"{text}\", which many programs take for true"),
        Why::RefusedUnder(status) => format!("refused under status {status}"),
        Why::ContentType(kind) if kind.is_empty() => "there is no Content-Type".to_owned(),
        Why::ContentType(kind) => format!("the Content-Type is {kind}"),
        Why::Slow(took, limit) => format!("took {took} ms, allowed are {limit} ms"),
        Why::LoginPage(place) => format!("the link leads to a page for signing in, {place}"),
        Why::LetIn => "a link that had to be refused opens the same page as a good one".to_owned(),
        Why::Left(ids) => format!("test instances that could not be released: {}", ids.join(", ")),
    }
}
