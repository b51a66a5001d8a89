//! Texts of what operators do to others, before it is done.

use super::{Text, catalogue};

catalogue! {
    /// Acts with a reason.
    Acts {
        freeze_title: fn(&str) -> String = |name| format!("冻结「{name}」"), |name| format!("Freeze {name}");
        freeze_means: Text =
            "「{}」会显示为「已被冻结」，不能选择它绑定新的订阅；已有的绑定和计量继续。",
            "{} is shown as frozen and can’t be chosen for a new subscription. Its binding and metering go on.";
        freeze_told: Text =
            "组织的管理员会收到邮件；您的产品会收到事件 organization.frozen，由它决定停止哪些服务。",
            "The organization’s managers get a mail. Your product hears organization.frozen and decides what service to halt.";
        freeze_lasts: Text =
            "只有运营人员能解除，续费不会解除。",
            "Only an operator lifts it. A renewal doesn’t.";
        freeze: Text = "冻结", "Freeze";
        unfreeze_title: fn(&str) -> String = |name| format!("解除「{name}」的冻结"), |name| format!("Lift the freeze of {name}");
        unfreeze_means: Text =
            "「{}」恢复正常。如果它的订阅已过期，会改为因欠费冻结，续费后自动解除。",
            "{} is back to normal. If its subscription has expired, it’s frozen for payment instead, until a renewal.";
        unfreeze_told: Text =
            "组织的管理员会收到邮件，您的产品会收到事件 organization.unfrozen。",
            "The organization’s managers get a mail. Your product hears organization.unfrozen.";
        unfreeze: Text = "解除冻结", "Lift the freeze";
        unbind_title: fn(&str) -> String = |name| format!("解除订阅 {name} 的绑定"), |name| format!("Unbind subscription {name}");
        unbind_means: Text =
            "「{}」失去这个扣费渠道，之后的用量不再计入这笔订阅；此前的用量仍会推送。",
            "{} loses this payment channel. Later usage isn’t charged to it. Usage until now is still sent.";
        unbind_requested_means: Text =
            "「{}」绑定这笔订阅的请求被取消，不会生效；您的产品会收到事件 binding.ended。",
            "{}’s request to bind it is cancelled and never goes live. Your product hears binding.ended.";
        unbind_told: Text =
            "组织的管理员会收到邮件，您的产品会收到事件 binding.ended。",
            "The organization’s managers get a mail. Your product hears binding.ended.";
        unbind_stays: Text =
            "订阅在云市场仍然有效，可以重新绑定。",
            "The subscription stays active at the marketplace and can be bound again.";
        unbind: Text = "解除绑定", "Unbind";
        sign_out_title: fn(&str) -> String = |name| format!("让「{name}」在所有设备上退出"), |name| format!("Sign {name} out everywhere");
        sign_out_means: Text =
            "「{}」的所有会话立即结束，需要重新登录；您的产品会收到事件 session.revoked。",
            "Every session of {} ends at once. They have to sign in again. Your product hears session.revoked.";
        sign_out: Text = "全部退出", "Sign out everywhere";
        disable_title: fn(&str) -> String = |name| format!("停用「{name}」"), |name| format!("Disable {name}");
        disable_means: Text =
            "「{}」不能再登录，也不能通过云市场免登进入；所有会话立即结束。组织和绑定不受影响。",
            "{} can’t sign in or enter from the marketplace. Every session ends at once. Organizations and bindings stay.";
        disable: Text = "停用", "Disable";
        enable_title: fn(&str) -> String = |name| format!("重新启用「{name}」"), |name| format!("Enable {name}");
        enable_means: Text = "「{}」可以用原来的密码登录。", "{} can sign in with their previous password.";
        enable: Text = "启用", "Enable";
        what_follows: Text = "执行后：", "What follows:";
        why: Text = "原因", "Reason";
        why_hint: Text = "写入审计日志，只有运营人员能看到。", "Kept in the audit log. Only operators see it.";
        cancel: Text = "取消", "Cancel";
        changed: Text =
            "您打开页面之后情况有变化，没有执行任何操作。核对后再决定。",
            "Things have changed since you opened the page and nothing was done. Check and decide again.";
        own_account: Text = "不能停用自己的帐号。", "You can’t disable your own account.";
        last_operator: Text = "这是最后一位运营人员，不能停用。先用 {} 添加另一位。", "This is the last operator. Add another one with {} first.";
        done: Text = "已执行，并记入审计日志。", "Done, and noted in the audit log.";
    }
}
