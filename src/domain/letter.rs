//! Everything that is mailed: subject and plain text, in the reader's language.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::value::{Instant, Lang};

#[derive(Debug, Clone)]
pub enum Letter {
    /// The way to a new password.
    PasswordReset { link: String, valid_minutes: i64 },
    /// Somebody entered without a password from a browser that was not seen before (rules A1).
    EntryFromNewBrowser { at: Instant, user_agent: String, sessions_url: String },
    /// 「请求管理员绑定」
    ApprovalRequest {
        requester: String,
        organization: String,
        plan: String,
        uid_masked: String,
        link: String,
        valid_hours: i64,
    },
}

/// What every mail carries.
#[derive(Debug, Clone, Copy)]
pub struct Letterhead<'a> {
    /// Origin of the links.
    pub public_url: &'a str,
    pub brand: &'a str,
    /// Support's address.
    pub support: &'a str,
}

/// A letter as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub subject: String,
    pub body: String,
}

impl Letter {
    /// The kind, as rows and lists name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::PasswordReset { .. } => "password_reset",
            Self::EntryFromNewBrowser { .. } => "entry_from_new_browser",
            Self::ApprovalRequest { .. } => "approval_request",
        }
    }

    /// Writes it to `reader`, signed by the product's name.
    #[must_use]
    pub fn write(&self, lang: Lang, reader: &str, brand: &str, support: &str) -> Written {
        let (subject, text) = match lang {
            Lang::Zh => self.zh(brand),
            Lang::En => self.en(brand),
        };
        let body = match lang {
            Lang::Zh => format!("{reader}，您好：\n\n{text}\n\n{brand}\n需要帮助？{support}\n"),
            Lang::En => format!("Hello {reader},\n\n{text}\n\n{brand}\nNeed help? {support}\n"),
        };
        Written { subject, body }
    }

    fn zh(&self, brand: &str) -> (String, String) {
        match self {
            Self::PasswordReset { link, valid_minutes } => (
                format!("重置您的 {brand} 密码"),
                format!(
                    "打开下面的链接设置新密码，{valid_minutes} 分钟内有效，只能使用一次：\n\n{link}\n\n如果不是您本人操作，忽略这封邮件即可，密码不会改变。"
                ),
            ),
            Self::EntryFromNewBrowser { at, user_agent, sessions_url } => (
                "有人从云市场免登进入了您的组织".to_owned(),
                format!(
                    "{}（北京时间），有人在云市场控制台点击「免登」，以您的身份进入了组织。浏览器：{}\n\n绑定订阅时您允许了免登进入。如果不认识这次登录，请在这里退出它，并联系支持：\n\n{sessions_url}",
                    china_time(*at),
                    device(user_agent, "未知")
                ),
            ),
            Self::ApprovalRequest { requester, organization, plan, uid_masked, link, valid_hours } => (
                format!("{requester} 请您为「{organization}」绑定云市场订阅"),
                format!(
                    "{requester} 在云市场开通了「{plan}」（阿里云帐号 {uid_masked}），希望用它支付「{organization}」的费用。您是组织管理员，打开下面的链接查看并确认，{valid_hours} 小时内有效：\n\n{link}\n\n不认识这个请求？不用处理，什么都不会改变。"
                ),
            ),
        }
    }

    fn en(&self, brand: &str) -> (String, String) {
        match self {
            Self::PasswordReset { link, valid_minutes } => (
                format!("Reset your {brand} password"),
                format!(
                    "Open this link to set a new password. It works once, for {valid_minutes} minutes:\n\n{link}\n\nIf this wasn't you, ignore this mail: your password stays as it is."
                ),
            ),
            Self::EntryFromNewBrowser { at, user_agent, sessions_url } => (
                "Someone entered your organization from the marketplace".to_owned(),
                format!(
                    "At {} (UTC+8) someone pressed the login-free link in the marketplace console and entered your organization as you. Browser: {}\n\nYou allowed this when you bound the subscription. If you don't recognize it, end the session here and tell support:\n\n{sessions_url}",
                    china_time(*at),
                    device(user_agent, "unknown")
                ),
            ),
            Self::ApprovalRequest { requester, organization, plan, uid_masked, link, valid_hours } => (
                format!("{requester} asks you to bind a subscription to {organization}"),
                format!(
                    "{requester} bought {plan} on the marketplace (Alibaba Cloud account {uid_masked}) and wants it to pay for {organization}. You own that organization: open this link to review and confirm. It works for {valid_hours} hours:\n\n{link}\n\nDon't recognize this? Do nothing, and nothing changes."
                ),
            ),
        }
    }
}

fn device<'a>(user_agent: &'a str, unknown: &'a str) -> &'a str {
    if user_agent.is_empty() { unknown } else { user_agent }
}

fn china_time(at: Instant) -> String {
    let zone = TimeZone::fixed(Offset::constant(8));
    Timestamp::from_millisecond(at.ms())
        .map(|at| at.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_speak_the_readers_language_and_carry_their_link() {
        let link = "https://gate.example.com/password/reset/x".to_owned();
        let letter = Letter::PasswordReset { link: link.clone(), valid_minutes: 60 };
        let zh = letter.write(Lang::Zh, "林悦", "Zilliz Cloud", "support@example.com");
        let en = letter.write(Lang::En, "Yue Lin", "Zilliz Cloud", "support@example.com");
        assert!(zh.body.contains(&link) && zh.subject.contains("密码") && zh.body.starts_with("林悦"));
        assert!(en.body.contains(&link) && en.subject.is_ascii() && en.body.is_ascii());
    }
}
