//! Texts about who belongs to an organization: roles, removals, leaving.

use crate::domain::organization::Role;

use super::{Text, catalogue};

catalogue! {
    /// The members of an organization, and what is done about one of them.
    Members {
        title: Text = "成员", "Members";
        lead: Text =
            "组织管理员和账单管理员可以管理费用；成员只能使用产品。邀请、移除成员和更改角色由组织管理员进行。",
            "Owners and billing admins manage billing. Members use the product. Owners invite and remove people and change roles.";
        all: Text = "全部成员", "All members";
        name: Text = "姓名", "Name";
        email: Text = "邮箱", "E-mail";
        role: Text = "角色", "Role";
        joined: Text = "加入时间", "Joined";
        actions: Text = "操作", "Actions";
        you: Text = "您", "You";
        only_owner: Text = "唯一的管理员，不能离开", "The only owner can’t leave";
        change_role: Text = "更改角色", "Change role";
        remove: Text = "移除", "Remove";
        leave: Text = "离开组织", "Leave";
        manage: Text = "输入密码后管理成员", "Enter your password to manage members";
        role_was_changed: Text = "角色已更改。", "The role was changed.";
        was_removed: Text = "成员已移除。", "The member was removed.";

        role_title: fn(&str) -> String =
            |name| format!("更改{}的角色", spaced(name)),
            |name| format!("Change the role of {name}");
        own_role_title: Text = "更改我的角色", "Change your own role";
        owner_may: Text =
            "管理成员和费用，包括移除其他管理员和更改他们的角色。",
            "Manages members and billing. Can remove other owners and change their roles.";
        billing_may: Text =
            "管理费用：绑定、更换和解除云市场订阅。不能管理成员。",
            "Manages billing: binds, switches and unbinds marketplace subscriptions. Can’t manage members.";
        member_may: Text =
            "使用产品，查看帐单和用量。",
            "Uses the product and sees billing and usage.";
        role_follows: Text =
            "保存后立即生效。对方从云市场免登进入的会话会结束；不再管理费用的人，其正在等待的绑定申请会取消。",
            "It takes effect at once. Sessions that came in from the marketplace end, and a binding that is waiting is cancelled if its requester no longer manages billing.";
        own_role_follows: Text =
            "保存后立即生效。之后只有其他组织管理员能把您改回来。",
            "It takes effect at once. After that only another owner can change it back.";
        save_role: Text = "保存角色", "Save the role";
        last_owner_role: Text =
            "这是唯一的组织管理员。先将另一位成员设为组织管理员，再更改这个角色。",
            "This is the only owner. Make another member an owner first.";
        changed: Text =
            "您打开页面之后，这位成员的角色有变化。没有保存任何改动，核对后再次提交。",
            "The role of this member has changed since you opened the page. Nothing was saved. Check and submit again.";
        cancel: Text = "取消", "Cancel";
        back: Text = "返回成员列表", "Back to the members";

        remove_title: fn(&str) -> String =
            |name| format!("移除{}", spaced(name).trim_end()),
            |name| format!("Remove {name}");
        remove_means: Text = "移除后：", "After you remove this person:";
        remove_access: fn(&str) -> String =
            |organization| format!("对方立即不能再查看和使用「{organization}」，从云市场免登进入的会话也会结束。"),
            |organization| format!("Access to {organization} ends at once, and so do sessions that came in from the marketplace.");
        remove_requests: Text =
            "对方正在等待的绑定申请会取消。",
            "A binding that this person asked for is cancelled if it is waiting.";
        remove_stays: Text =
            "已生效的绑定、用量和帐单不受影响。",
            "Live bindings, usage and bills are unaffected.";

        leave_title: fn(&str) -> String =
            |organization| format!("离开「{organization}」"),
            |organization| format!("Leave {organization}");
        leave_means: Text = "离开后：", "After you leave:";
        leave_access: fn(&str) -> String =
            |organization| format!("您立即不能再查看和使用「{organization}」。"),
            |organization| format!("You can no longer see or use {organization}.");
        leave_requests: Text =
            "您正在等待的绑定申请会取消。",
            "A binding that you asked for is cancelled if it is waiting.";
        stay: Text = "留在组织", "Stay";
        last_owner_title: Text = "您是唯一的组织管理员", "You’re the only owner";
        last_owner_lead: Text =
            "组织不能没有管理员。先将另一位成员设为组织管理员，再离开；不再需要这个组织时，可以在组织设置里删除它。",
            "An organization can’t be without an owner. Make another member an owner first, then leave. If it’s no longer needed, delete it in its settings.";
        to_members: Text = "前往成员列表", "Go to the members";
    }
}

/// A name inside a Chinese sentence: a space where Latin letters would touch the Chinese around them.
pub(super) fn spaced(name: &str) -> String {
    let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let (before, after) = (is_latin(name.chars().next()), is_latin(name.chars().last()));
    format!("{}{name}{}", if before { " " } else { "" }, if after { " " } else { "" })
}

impl Members {
    /// What a role may do, in a sentence.
    #[must_use]
    pub const fn may(&self, role: Role) -> Text {
        match role {
            Role::Owner => self.owner_may,
            Role::Billing => self.billing_may,
            Role::Member => self.member_may,
        }
    }
}
