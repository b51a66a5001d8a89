//! What happened to a person's own account: told to whom it belongs, because it may have been somebody else.

use super::{china_time, device};
use crate::domain::value::Instant;

/// A change of how one signs in, or an attempt to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    PasswordChanged,
    SecondFactorOn,
    SecondFactorOff,
    /// One of the codes that stand in for the app was used; so many are left.
    RecoveryCodeUsed {
        left: u32,
    },
    RecoveryCodesRenewed,
    /// The password was right, and then the code was wrong again and again.
    CodesGuessed,
    /// One signs in with another address now; this goes to the former one.
    EmailChanged {
        to: String,
    },
    AccountDeleted,
}

impl Notice {
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::RecoveryCodeUsed { .. } => "recovery_code_used",
            Self::RecoveryCodesRenewed => "recovery_codes_renewed",
            Self::CodesGuessed => "codes_guessed",
            Self::EmailChanged { .. } => "email_changed",
            Self::AccountDeleted => "account_deleted",
        }
    }

    pub(super) fn zh(&self, at: Instant, user_agent: &str, url: &str) -> (String, String) {
        let (subject, text) = match self {
            Self::PasswordChanged => ("您的密码已修改", "您的密码已修改，其他设备上的登录已全部退出。".to_owned()),
            Self::SecondFactorOn => {
                ("两步验证已启用", "您的帐号启用了两步验证，以后登录时还需要输入验证码。".to_owned())
            }
            Self::SecondFactorOff => ("两步验证已停用", "您的帐号停用了两步验证，以后只用密码就能登录。".to_owned()),
            Self::RecoveryCodeUsed { left } => (
                "有人用恢复码登录了您的帐号",
                format!("有人用一个恢复码代替验证码登录了您的帐号，还剩 {left} 个恢复码。"),
            ),
            Self::RecoveryCodesRenewed => ("恢复码已重新生成", "您的恢复码已重新生成，以前的全部失效。".to_owned()),
            Self::CodesGuessed => (
                "有人知道您的密码",
                "有人输入了您的正确密码，却多次输错两步验证的验证码，登录没有成功。如果不是您本人，请立即修改密码。"
                    .to_owned(),
            ),
            Self::EmailChanged { to } => {
                ("您的登录邮箱已更换", format!("您的帐号以后用 {to} 登录，通知也会发到那里，不再发到这个邮箱。"))
            }
            Self::AccountDeleted => (
                "您的帐号已删除",
                "您的帐号已删除，个人信息已清除，所有登录已退出。这是发给您的最后一封邮件。".to_owned(),
            ),
        };
        let foot = match self {
            Self::AccountDeleted | Self::EmailChanged { .. } => "如果不是您本人操作，请立即联系支持。".to_owned(),
            _ => format!("如果不是您本人操作，请在这里检查并修改密码，或立即联系支持：\n\n{url}"),
        };
        let when = format!("时间：{}（北京时间）。浏览器：{}", china_time(at), device(user_agent, "未知"));
        (subject.to_owned(), format!("{text}\n\n{when}\n\n{foot}"))
    }

    pub(super) fn en(&self, at: Instant, user_agent: &str, url: &str) -> (String, String) {
        let (subject, text) = match self {
            Self::PasswordChanged => {
                ("Your password was changed", "Your password was changed, and all other devices were signed out.".to_owned())
            }
            Self::SecondFactorOn => (
                "Two-step verification is on",
                "Two-step verification was turned on for your account. Signing in now takes a code as well.".to_owned(),
            ),
            Self::SecondFactorOff => (
                "Two-step verification is off",
                "Two-step verification was turned off for your account. From now on the password alone signs you in."
                    .to_owned(),
            ),
            Self::RecoveryCodeUsed { left } => (
                "A recovery code was used to sign in",
                format!("Someone signed in to your account with a recovery code instead of the app. Codes left: {left}."),
            ),
            Self::RecoveryCodesRenewed => (
                "Your recovery codes were replaced",
                "New recovery codes were made for your account. The former ones no longer work.".to_owned(),
            ),
            Self::CodesGuessed => (
                "Someone knows your password",
                "Someone entered your right password and then the wrong verification code several times. They didn't get in. If this wasn't you, change your password now."
                    .to_owned(),
            ),
            Self::EmailChanged { to } => (
                "Your sign-in address was changed",
                format!("You now sign in with {to}. Notices go there and no longer to this address."),
            ),
            Self::AccountDeleted => (
                "Your account was deleted",
                "Your account was deleted, your personal data was erased and all sessions were ended. This is the last mail to you."
                    .to_owned(),
            ),
        };
        let foot = match self {
            Self::AccountDeleted | Self::EmailChanged { .. } => {
                "If this wasn't you, tell support right away.".to_owned()
            }
            _ => format!("If this wasn't you, look here and change your password, or tell support:\n\n{url}"),
        };
        let when = format!("Time: {} (UTC+8). Browser: {}", china_time(at), device(user_agent, "unknown"));
        (subject.to_owned(), format!("{text}\n\n{when}\n\n{foot}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::letter::Letter;
    use crate::domain::value::Lang;

    #[test]
    fn every_notice_says_when_and_what_to_do_in_both_languages() {
        for notice in [
            Notice::PasswordChanged,
            Notice::SecondFactorOn,
            Notice::SecondFactorOff,
            Notice::RecoveryCodeUsed { left: 9 },
            Notice::RecoveryCodesRenewed,
            Notice::CodesGuessed,
            Notice::EmailChanged { to: "b@c.example".to_owned() },
            Notice::AccountDeleted,
        ] {
            let letter = Letter::Security {
                notice: notice.clone(),
                at: Instant::from_ms(1_795_333_232_000),
                user_agent: String::new(),
                url: "https://gate.example.com/me/security".to_owned(),
            };
            let zh = letter.write(Lang::Zh, "林悦", "Zilliz Cloud", "support@example.com");
            let en = letter.write(Lang::En, "Yue Lin", "Zilliz Cloud", "support@example.com");
            assert!(zh.body.contains("2026-11-22 15:40（北京时间）") && zh.body.contains("如果不是您"), "{zh:?}");
            assert!(en.body.contains("2026-11-22 15:40 (UTC+8)") && en.body.contains("wasn't you"), "{en:?}");
            assert!(en.subject.is_ascii() && en.body.is_ascii(), "{en:?}");
            let is_last = matches!(notice, Notice::AccountDeleted | Notice::EmailChanged { .. });
            assert_eq!(zh.body.contains("/me/security"), !is_last, "{notice:?}");
        }
    }
}
