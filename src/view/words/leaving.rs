//! Texts about one's own data and the end of an account.

use super::{Text, catalogue};

catalogue! {
    /// Export and deletion.
    Leaving {
        card: Text = "您的数据", "Your data";
        card_text: Text = "导出我们保存的关于您的全部信息，或者删除帐号。", "Export everything we hold about you, or delete your account.";
        export: Text = "导出我的数据（JSON）", "Export my data (JSON)";
        delete: Text = "删除帐号", "Delete the account";
        delete_title: Text = "删除帐号", "Delete your account";
        delete_lead: Text = "删除后不能恢复。", "This can’t be undone.";
        means: Text = "删除意味着", "What it means";
        means_sessions: Text = "所有设备上的登录立即退出，两步验证和恢复码失效。", "All devices are signed out at once, and two-step verification and its codes end.";
        means_members: Text = "您退出所有组织，它们的绑定和帐单照常。", "You leave all organizations. Their bindings and bills go on.";
        means_erased: Text = "姓名、邮箱、密码和登录记录被清除，审计日志里显示为已删除用户。", "Your name, address, password and sessions are erased. The audit log shows a deleted user.";
        means_kept: Text = "绑定和用量记录保留，其中不再有您的个人信息。", "Bindings and usage records stay, without anything about you.";
        type_email: Text = "输入您的邮箱以确认", "Type your address to confirm";
        delete_form: Text = "确认删除", "Confirm the deletion";
        delete_now: Text = "永久删除帐号", "Delete the account for good";
        keep: Text = "保留帐号", "Keep the account";
        not_yet: Text = "现在还不能删除帐号，先处理下面的事项。", "The account can’t be deleted yet. See to the following first.";
        last_owner: Text = "您是这个组织唯一的组织管理员。", "You’re the only owner of this organization.";
        last_owner_way: Text = "先让另一位成员成为组织管理员；不再需要这个组织时，删除它。", "Make another member an owner first; if it’s no longer needed, delete it.";
        last_owner_bound: Text = "它正在通过云市场订阅支付。先让另一位成员成为组织管理员；不再需要时，先解除绑定，再删除它。", "It pays through a marketplace subscription. Make another member an owner first; if it’s no longer needed, unbind it, then delete it.";
        to_members: Text = "成员", "Members";
        to_deletion: Text = "删除组织", "Delete the organization";
        to_billing: Text = "帐单概览", "Billing";
        operators: Text = "运营人员", "Operators";
        last_operator: Text = "您是唯一的运营人员。", "You’re the only operator.";
        last_operator_way: Text = "先在服务器上用 {} 添加另一位。", "Add another one first, with {} on the server.";
    }
}
