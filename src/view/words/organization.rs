//! Texts about organizations.

use super::{Text, catalogue};

catalogue! {
    /// The list of organizations, and creating one.
    Organizations {
        list_title: Text = "组织", "Organizations";
        list_lead: Text = "费用和成员都在组织里管理。", "Charges and members are managed in organizations.";
        list_all: Text = "我加入的组织", "Organizations you belong to";
        role: Text = "我的角色", "Your role";
        channel: Text = "扣费渠道", "Payment channel";
        channel_bound: Text = "已绑定", "Bound";
        channel_none: Text = "未绑定", "Not bound";
        channel_requested: Text = "绑定处理中", "Being bound";
        frozen: Text = "已冻结", "Frozen";
        frozen_by_operator: Text = "已被冻结", "Frozen by support";
        create: Text = "创建组织", "Create organization";
        empty_title: Text = "您还没有加入组织", "You aren’t in an organization yet";
        empty_lead: Text = "创建一个，或等待同事的邀请。", "Create one, or wait for an invitation.";
        new_title: Text = "创建组织", "Create organization";
        new_lead: Text = "例如公司或团队的名称。创建后您就是组织管理员。", "For example the name of your company or team. You become its owner.";
        name: Text = "组织名称", "Organization name";
        cancel: Text = "取消", "Cancel";

        members_title: Text = "成员", "Members";
    }
}
