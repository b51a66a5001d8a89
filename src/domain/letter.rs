//! Everything that is mailed: subject and plain text, in the reader's language.

mod address;
mod invitation;
mod security;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::organization::Role;
use super::value::{Instant, Lang};
use invitation::Asked;
pub use security::Notice;

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
    /// Somebody is asked to join an organization.
    Invitation { inviter: String, organization: String, role: Role, link: String, valid_hours: i64 },
    /// The code that says whose address it is (rules A7).
    AddressCode { code: String, valid_minutes: i64 },
    /// Somebody registered with an address that is the reader's.
    AddressTaken { login: String, forgot: String },
    /// What happened to the reader's own account; `url` is where they see to it.
    Security { notice: Notice, at: Instant, user_agent: String, url: String },
    /// Usage is about to miss its deadline, to operators (rules C3).
    AtRisk { records: i64, due_by: Instant, url: String },
    /// An organization is no more, to those who managed it.
    OrganizationDeleted { by: String, organization: String },
    /// An operator froze an organization or lifted that, to those who manage it (rules B3). Why is the operators' own.
    Freeze { news: FreezeNews, organization: String, url: String },
    /// What became of an organization's payment channel, to those who manage it (product §6).
    Channel { news: News, organization: String, subscription: String, uid_masked: String, billing_url: String },
}

/// What there is to tell of a payment channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The binding is live.
    Bound { by: String },
    /// The subscription has expired; `None`: its expiry is in doubt and no grace counts down (rules B2).
    Frozen { grace_until: Option<Instant> },
    /// Renewed, or a new binding became live.
    Thawed,
    /// Fifteen days have passed; the vendor's product decides what follows (rules B3).
    GraceEnded,
    /// The marketplace released the subscription.
    Released,
    /// A manager unbound it; `None`: an operator.
    Unbound { by: Option<String> },
    /// It pays no more, because another subscription took its place.
    Switched { by: String, to: String, to_uid_masked: String },
}

/// What an operator did to an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezeNews {
    Frozen,
    /// `is_unpaid`: it is frozen for payment from then on.
    Lifted {
        is_unpaid: bool,
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
            Self::Invitation { .. } => "invitation",
            Self::AddressCode { .. } => "address_code",
            Self::AddressTaken { .. } => "address_taken",
            Self::Security { notice, .. } => notice.kind(),
            Self::AtRisk { .. } => "metering_at_risk",
            Self::OrganizationDeleted { .. } => "organization_deleted",
            Self::Freeze { news: FreezeNews::Frozen, .. } => "operator_freeze",
            Self::Freeze { news: FreezeNews::Lifted { .. }, .. } => "operator_freeze_lifted",
            Self::Channel { news, .. } => match news {
                News::Bound { .. } => "channel_bound",
                News::Frozen { .. } => "organization_frozen",
                News::Thawed => "organization_unfrozen",
                News::GraceEnded => "grace_ended",
                News::Released => "subscription_released",
                News::Unbound { .. } => "channel_unbound",
                News::Switched { .. } => "channel_switched",
            },
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
            Self::Invitation { inviter, organization, role, link, valid_hours } => {
                invitation::zh(Asked { brand, inviter, organization, role: *role, link, hours: *valid_hours })
            }
            Self::AddressCode { code, valid_minutes } => address::code_zh(brand, code, *valid_minutes),
            Self::AddressTaken { login, forgot } => address::taken_zh(brand, login, forgot),
            Self::AtRisk { records, due_by, url } => (
                format!("{records} 条用量即将错过推送期限"),
                format!(
                    "{records} 条用量还没有推送到云市场，最早的期限是 {}（北京时间）。过了期限云市场不再接受，这些用量就不会计费。\n\n在运营控制台查看原因并处理：\n\n{url}",
                    china_time(*due_by)
                ),
            ),
            Self::OrganizationDeleted { by, organization } => (
                format!("「{organization}」已删除"),
                format!(
                    "{by} 删除了组织「{organization}」，成员不能再查看它。已推送到云市场的用量照常出帐。原先绑定过的云市场订阅如果不再使用，请在云市场关闭。\n\n如果这不是您预期的，请尽快联系支持。"
                ),
            ),
            Self::Security { notice, at, user_agent, url } => notice.zh(*at, user_agent, url),
            Self::Freeze { news, organization, url } => {
                let (subject, text) = news.zh(organization);
                (subject, format!("{text}\n\n在帐单概览查看：\n\n{url}"))
            }
            Self::Channel { news, organization, subscription, uid_masked, billing_url } => {
                let (subject, text) = news.zh(organization, subscription, uid_masked);
                (subject, format!("{text}\n\n在帐单概览查看：\n\n{billing_url}"))
            }
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
            Self::Invitation { inviter, organization, role, link, valid_hours } => {
                invitation::en(Asked { brand, inviter, organization, role: *role, link, hours: *valid_hours })
            }
            Self::AddressCode { code, valid_minutes } => address::code_en(brand, code, *valid_minutes),
            Self::AddressTaken { login, forgot } => address::taken_en(brand, login, forgot),
            Self::AtRisk { records, due_by, url } => (
                format!("Usage is about to miss its deadline: {}", counted(*records)),
                format!(
                    "{} not pushed to the marketplace yet. The first deadline is {} (UTC+8). After it the marketplace takes nothing more, and that usage is not billed.\n\nSee why, and act, in the operators' console:\n\n{url}",
                    if *records == 1 { "1 usage record is".to_owned() } else { format!("{records} usage records are") },
                    china_time(*due_by)
                ),
            ),
            Self::OrganizationDeleted { by, organization } => (
                format!("{organization} was deleted"),
                format!(
                    "{by} deleted the organization {organization}, and its members can no longer see it. Usage that was sent to the marketplace is billed as usual. If a subscription that it paid through isn't used any more, release it at the marketplace.\n\nIf you didn't expect this, contact support soon."
                ),
            ),
            Self::Security { notice, at, user_agent, url } => notice.en(*at, user_agent, url),
            Self::Freeze { news, organization, url } => {
                let (subject, text) = news.en(organization);
                (subject, format!("{text}\n\nSee the billing page:\n\n{url}"))
            }
            Self::Channel { news, organization, subscription, uid_masked, billing_url } => {
                let (subject, text) = news.en(organization, subscription, uid_masked);
                (subject, format!("{text}\n\nSee the billing page:\n\n{billing_url}"))
            }
        }
    }
}

impl FreezeNews {
    fn zh(self, organization: &str) -> (String, String) {
        match self {
            Self::Frozen => (
                format!("「{organization}」已被运营人员冻结"),
                format!(
                    "运营人员冻结了「{organization}」。冻结期间不能为它绑定新的订阅；已有的绑定和计量继续，续费不会解除冻结。如需了解原因或解除，请联系支持。"
                ),
            ),
            Self::Lifted { is_unpaid: false } => (
                format!("「{organization}」的冻结已解除"),
                format!("运营人员解除了「{organization}」的冻结，服务恢复正常。"),
            ),
            Self::Lifted { is_unpaid: true } => (
                format!("运营人员解除了「{organization}」的冻结，但订阅已到期"),
                format!(
                    "运营人员解除了「{organization}」的冻结。但它的云市场订阅已到期，服务仍因欠费冻结：续费，或绑定新的订阅，服务会立即恢复。"
                ),
            ),
        }
    }

    fn en(self, organization: &str) -> (String, String) {
        match self {
            Self::Frozen => (
                format!("{organization} was frozen by our staff"),
                format!(
                    "Our staff froze {organization}. Meanwhile no new subscription can be bound to it. Its present binding and metering go on, and a renewal doesn't lift the freeze. To learn why, or to have it lifted, contact support."
                ),
            ),
            Self::Lifted { is_unpaid: false } => (
                format!("{organization} is no longer frozen"),
                format!("Our staff lifted the freeze of {organization}. Service is back to normal."),
            ),
            Self::Lifted { is_unpaid: true } => (
                format!("The freeze of {organization} was lifted, but its subscription has expired"),
                format!(
                    "Our staff lifted the freeze of {organization}. But its marketplace subscription has expired, so service is still frozen for payment: renew it or bind a new one, and service resumes at once."
                ),
            ),
        }
    }
}

impl News {
    /// Who did it; `gone` for somebody whose account was deleted before the letter was written (rules D6).
    fn by<'a>(&'a self, gone: &'a str, staff: &'a str) -> &'a str {
        match self {
            Self::Unbound { by: None } => staff,
            Self::Bound { by } | Self::Unbound { by: Some(by) } | Self::Switched { by, .. } if !by.is_empty() => by,
            _ => gone,
        }
    }

    fn zh(&self, organization: &str, subscription: &str, uid: &str) -> (String, String) {
        let by = self.by("已删除用户", "运营人员");
        match self {
            Self::Bound { .. } => (
                format!("「{organization}」已绑定云市场订阅"),
                format!(
                    "{by} 为「{organization}」绑定了云市场订阅 {subscription}。从现在起，该组织的费用通过阿里云帐号 {uid} 支付。"
                ),
            ),
            Self::Frozen { grace_until: Some(until) } => (
                format!("「{organization}」的云市场订阅已到期，服务已冻结"),
                format!(
                    "云市场订阅 {subscription} 已到期，「{organization}」的服务已冻结。请在 {}（北京时间）前用阿里云帐号 {uid} 续费，或绑定新的订阅，服务会立即恢复，数据不受影响。",
                    china_time(*until)
                ),
            ),
            Self::Frozen { grace_until: None } => (
                format!("「{organization}」的云市场订阅被通知到期，正在核对"),
                format!(
                    "云市场通知订阅 {subscription}（阿里云帐号 {uid}）已到期，但与记录的到期时间不符。「{organization}」的服务暂时冻结，我们正在核对，核对期间不计宽限期。"
                ),
            ),
            Self::Thawed => (
                format!("「{organization}」的服务已恢复"),
                format!("「{organization}」已解冻，服务恢复正常。云市场订阅：{subscription}，阿里云帐号 {uid}。"),
            ),
            Self::GraceEnded => (
                format!("「{organization}」的宽限期已结束"),
                format!(
                    "云市场订阅 {subscription}（阿里云帐号 {uid}）到期后的 15 天宽限期已结束，「{organization}」仍处于冻结状态。续费或绑定新的订阅仍可恢复服务；是否保留数据由服务商决定，如有疑问请尽快联系支持。"
                ),
            ),
            Self::Released => (
                format!("「{organization}」的云市场订阅已关闭"),
                format!(
                    "云市场订阅 {subscription}（阿里云帐号 {uid}）已在云市场关闭，「{organization}」的扣费渠道随之结束。此前的用量仍会计入该订阅。继续使用需要绑定新的订阅。"
                ),
            ),
            Self::Unbound { .. } => (
                format!("「{organization}」已解除云市场订阅绑定"),
                format!(
                    "{by} 解除了「{organization}」与云市场订阅 {subscription}（阿里云帐号 {uid}）的绑定。此前的用量仍会计入该订阅。订阅本身仍在云市场有效，不再使用请在云市场关闭。"
                ),
            ),
            Self::Switched { to, to_uid_masked, .. } => (
                format!("「{organization}」已更换云市场订阅"),
                format!(
                    "{by} 将「{organization}」的扣费渠道从订阅 {subscription}（阿里云帐号 {uid}）更换为订阅 {to}（阿里云帐号 {to_uid_masked}）。更换之前的用量仍会计入原订阅。原订阅仍在云市场有效，不再使用请在云市场关闭。"
                ),
            ),
        }
    }

    fn en(&self, organization: &str, subscription: &str, uid: &str) -> (String, String) {
        let by = self.by("A deleted user", "Our staff");
        match self {
            Self::Bound { .. } => (
                format!("{organization} now pays through Alibaba Cloud Marketplace"),
                format!(
                    "{by} bound marketplace subscription {subscription} to {organization}. From now on Alibaba Cloud account {uid} pays for that organization."
                ),
            ),
            Self::Frozen { grace_until: Some(until) } => (
                format!("The subscription of {organization} has expired and service is frozen"),
                format!(
                    "Marketplace subscription {subscription} has expired and service for {organization} is frozen. Renew it with Alibaba Cloud account {uid}, or bind a new one, before {} (UTC+8). Service resumes at once and no data is lost.",
                    china_time(*until)
                ),
            ),
            Self::Frozen { grace_until: None } => (
                format!("The subscription of {organization} was reported expired; we're checking"),
                format!(
                    "The marketplace reports that subscription {subscription} (Alibaba Cloud account {uid}) has expired, which doesn't match its expiry date. Service for {organization} is frozen while we check, and no grace period runs meanwhile."
                ),
            ),
            Self::Thawed => (
                format!("Service for {organization} has resumed"),
                format!(
                    "{organization} is no longer frozen. Marketplace subscription: {subscription}, Alibaba Cloud account {uid}."
                ),
            ),
            Self::GraceEnded => (
                format!("The grace period of {organization} has ended"),
                format!(
                    "The 15 days of grace after marketplace subscription {subscription} (Alibaba Cloud account {uid}) expired are over, and {organization} is still frozen. Renewing it or binding a new one still restores service; what is kept until then is the vendor's decision, so contact support soon if you have questions."
                ),
            ),
            Self::Released => (
                format!("The subscription of {organization} was released"),
                format!(
                    "Marketplace subscription {subscription} (Alibaba Cloud account {uid}) was released at the marketplace, and with it the payment channel of {organization} has ended. Earlier usage is still billed to it. To go on, bind a new subscription."
                ),
            ),
            Self::Unbound { .. } => (
                format!("{organization} was unbound from its subscription"),
                format!(
                    "{by} unbound {organization} from marketplace subscription {subscription} (Alibaba Cloud account {uid}). Earlier usage is still billed to it. The subscription itself stays active at the marketplace: release it there if you no longer need it."
                ),
            ),
            Self::Switched { to, to_uid_masked, .. } => (
                format!("{organization} switched to another subscription"),
                format!(
                    "{by} switched the payment channel of {organization} from subscription {subscription} (Alibaba Cloud account {uid}) to subscription {to} (Alibaba Cloud account {to_uid_masked}). Usage before the switch is still billed to the old one, which stays active at the marketplace: release it there if you no longer need it."
                ),
            ),
        }
    }
}

/// What the button says that opens a letter's link.
#[must_use]
pub const fn open(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "打开链接",
        Lang::En => "Open the link",
    }
}

fn counted(records: i64) -> String {
    if records == 1 { "1 record".to_owned() } else { format!("{records} records") }
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
    fn whoever_is_gone_is_a_deleted_user() {
        let letter = |by: &str| Letter::Channel {
            news: News::Bound { by: by.to_owned() },
            organization: "o".to_owned(),
            subscription: "s".to_owned(),
            uid_masked: "u".to_owned(),
            billing_url: "b".to_owned(),
        };
        let body = |lang, by| letter(by).write(lang, "r", "B", "s@b.example").body;
        assert!(body(Lang::Zh, "").contains("已删除用户") && body(Lang::En, "").contains("A deleted user"));
        assert!(body(Lang::Zh, "林悦").contains("林悦") && !body(Lang::Zh, "林悦").contains("已删除用户"));
    }

    #[test]
    fn letters_speak_the_readers_language_and_carry_their_link() {
        let link = "https://gate.example.com/password/reset/x".to_owned();
        let letter = Letter::PasswordReset { link: link.clone(), valid_minutes: 60 };
        let zh = letter.write(Lang::Zh, "林悦", "Zilliz Cloud", "support@example.com");
        let en = letter.write(Lang::En, "Yue Lin", "Zilliz Cloud", "support@example.com");
        assert!(zh.body.contains(&link) && zh.subject.contains("密码") && zh.body.starts_with("林悦"));
        assert!(en.body.contains(&link) && en.subject.is_ascii() && en.body.is_ascii());
        let letter = Letter::AddressCode { code: "012345".to_owned(), valid_minutes: 15 };
        assert!(letter.write(Lang::Zh, "a@b.example", "Zilliz Cloud", "s@b.example").subject.starts_with("012345 "));
        let letter = Letter::AddressTaken { login: link.clone(), forgot: link.clone() };
        for lang in [Lang::Zh, Lang::En] {
            assert!(letter.write(lang, "a@b.example", "Zilliz Cloud", "s@b.example").body.contains(&link));
        }
    }
}
