//! Texts of the operators' pages of keys.

use super::{Text, catalogue};
use crate::domain::api_key::{Scope, State};

catalogue! {
    /// The keys with which the vendor's product calls the API.
    Keys {
        title: Text = "密钥", "Keys";
        lead: Text =
            "您的产品用这些密钥调用 API。密钥只在创建时显示一次，这里保存的只是它的摘要。",
            "Your product calls the API with these keys. A key is shown once, when it’s made. Only its digest is kept here.";
        api_keys: Text = "API 密钥", "API keys";
        create: Text = "创建密钥", "Create a key";
        none: Text = "还没有密钥。创建一个，把它交给您的产品。", "There are no keys yet. Create one and give it to your product.";
        name: Text = "名称", "Name";
        name_hint: Text = "写明给谁用，例如「产品后端」。", "Say who uses it, for example “product backend”.";
        begins: Text = "密钥开头", "Begins with";
        id: Text = "密钥编号", "Key id";
        scopes: Text = "权限", "Scopes";
        scopes_hint: Text = "只勾选需要的。之后不能修改，需要别的权限时另建一个密钥。", "Tick only what’s needed. They can’t be changed later; make another key for other scopes.";
        state: Text = "状态", "State";
        created_at: Text = "创建时间", "Created";
        expires_at: Text = "到期时间", "Expires";
        never_expires: Text = "不到期", "Never";
        last_used_at: Text = "最近使用", "Last used";
        never_used: Text = "从未使用", "Never";
        coarse: Text = "最近使用的时间精确到十分钟。", "The time of the last use is exact to ten minutes.";
        open: Text = "查看", "Open";

        in_force: Text = "有效", "In force";
        ends_soon: Text = "即将到期", "Ends soon";
        expired: Text = "已过期", "Expired";
        revoked: Text = "已吊销", "Revoked";
        replaces: Text = "接替", "Replaces";
        replaced_by: Text = "接替者", "Replaced by";

        new_lead: Text =
            "创建后密钥只显示一次。先准备好存放它的地方，例如您产品的密钥库。",
            "The key is shown once. Have the place ready where it’ll be kept, such as your product’s store of secrets.";
        life: Text = "有效期", "Life";
        days: fn(u64) -> String = |days| format!("{days} 天"), |days| format!("{days} days");
        life_hint: Text = "到期后用它的调用会被拒绝。到期前轮换可以不中断。", "Calls with it are refused once it has expired. Rotate it before, and nothing is interrupted.";
        cancel: Text = "取消", "Cancel";

        made_title: Text = "密钥已创建", "The key was created";
        rotated_title: Text = "新密钥已创建", "The new key was created";
        made_once: Text =
            "现在就保存它。离开这一页后，任何人都不能再看到它。",
            "Keep it now. Once you leave this page nobody can see it again.";
        secret: Text = "密钥", "Key";
        saved: Text = "已保存", "I’ve kept it";
        usage: Text = "在每个请求里带上：", "Send it with every request:";
        former_until: Text =
            "原来的密钥 {} 在 {} 之前仍然有效。在那之前让您的产品改用新密钥。",
            "The former key {} works until {}. Have your product use the new one before that.";
        former_ended: Text = "原来的密钥 {} 已经失效。", "The former key {} no longer works.";

        actions: Text = "操作", "Actions";
        rotate: Text = "轮换密钥", "Rotate the key";
        rotate_means: Text =
            "创建一个名称和权限相同的新密钥，原来的再用一段时间，调用不会中断。",
            "Makes a new key of the same name and scopes. The former one goes on for a while, so no call fails.";
        rotate_confirm: Text = "创建新密钥", "Create the new key";
        overlap: Text = "原来的密钥继续有效", "The former key goes on for";
        overlap_hint: Text = "留出时间让您的产品改用新密钥。", "Time for your product to take up the new one.";
        at_once: Text = "立即失效", "It ends at once";
        hours: fn(u64) -> String = |hours| format!("{hours} 小时"), |hours| if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") };
        revoke: Text = "吊销密钥", "Revoke the key";
        revoke_means: Text =
            "立即失效，不能撤销。密钥泄露或不再需要时使用。",
            "It ends at once, and that can’t be undone. For a key that leaked or isn’t needed any more.";
        revoke_note: Text =
            "吊销后，用这个密钥的每次调用都会被拒绝：用量上报、绑定确认和进入产品都会失败，直到您的产品换上另一个密钥。",
            "Every call with this key is refused from then on: usage, confirmations and sign-ins into your product fail until it has another key.";
        revoke_confirm: Text = "吊销", "Revoke";
        was_revoked: Text = "密钥已吊销，用它的调用从现在起被拒绝。", "The key is revoked. Calls with it are refused from now on.";

        isv_keys: Text = "安全密钥与 AccessKey", "ISV keys and AccessKeys";
        isv_note: Text =
            "安全密钥在服务商控制台「概览」页，云市场用它给每次调用签名；AccessKey 用来推送用量和查询订阅。它们只在文件里，这里只显示用来区分的标记。更换安全密钥时先在服务商控制台取得新的，再运行 {}。",
            "The ISV key is on the overview page of the marketplace’s seller console: each call is signed with it. The AccessKey is what usage is pushed and subscriptions are asked for with. They are in files only; here stand marks that tell them apart. To change an ISV key, get the new one in the seller console, then run {}.";
        place: Text = "用途", "Use";
        current: Text = "当前安全密钥", "Current ISV key";
        previous: Text = "上一个安全密钥", "Previous ISV key";
        mark: Text = "标记", "Mark";
        first_verified: Text = "首次验证调用", "First verified a call";
        last_verified: Text = "最近验证调用", "Last verified a call";
        not_yet: Text = "还没有", "Not yet";
        no_access_key: Text = "未配置，不查询云市场", "Not configured: the marketplace is never asked";
        still_previous: Text =
            "卖家 {} 的调用仍在用上一个安全密钥签名。在服务商控制台确认新的已经生效之前，不要删除上一个。",
            "Calls of seller {} are still signed with the previous ISV key. Keep it until the seller console shows that the new one is in use.";
        previous_idle: Text =
            "卖家 {} 的调用已经改用当前安全密钥。确认之后运行 {}，上一个立即失效。",
            "Calls of seller {} are signed with the current ISV key. Once you’re sure, run {}, and the previous one ends at once.";

        usage_write: Text = "上报用量", "Report usage";
        organizations_read: Text = "读取组织", "Read organizations";
        subscriptions_read: Text = "读取云市场订阅", "Read subscriptions";
        metering_read: Text = "读取计量记录", "Read metering records";
        events_read: Text = "读取事件", "Read events";
        webhooks_write: Text = "管理 Webhook 和投递", "Manage webhooks and deliveries";
        bindings_write: Text = "确认或拒绝绑定", "Confirm or refuse bindings";
        sessions_exchange: Text = "用一次性代码换取登录者的身份", "Exchange one-time codes for who signs in";
        accounts_read: Text = "显示完整的阿里云帐号 (UID)", "Show whole Alibaba Cloud accounts (UID)";
    }
}

impl Keys {
    /// What a scope lets a key do.
    #[must_use]
    pub const fn scope(&self, scope: Scope) -> Text {
        match scope {
            Scope::UsageWrite => self.usage_write,
            Scope::OrganizationsRead => self.organizations_read,
            Scope::SubscriptionsRead => self.subscriptions_read,
            Scope::MeteringRead => self.metering_read,
            Scope::EventsRead => self.events_read,
            Scope::WebhooksWrite => self.webhooks_write,
            Scope::BindingsWrite => self.bindings_write,
            Scope::SessionsExchange => self.sessions_exchange,
            Scope::AccountsRead => self.accounts_read,
        }
    }

    #[must_use]
    pub const fn state(&self, state: State) -> Text {
        match state {
            State::InForce => self.in_force,
            State::Expired => self.expired,
            State::Revoked => self.revoked,
        }
    }
}
