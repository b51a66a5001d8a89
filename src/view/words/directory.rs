//! Texts of the operators' pages of organizations and users.

use super::{Text, catalogue};
use crate::domain::binding::State;

catalogue! {
    /// Organizations and users.
    Directory {
        organizations: Text = "组织", "Organizations";
        users: Text = "用户", "Users";
        look_for_organization: Text = "名称或编号", "Name or id";
        look_for_user: Text = "邮箱、姓名或编号", "E-mail, name or id";
        no_organizations: Text = "没有符合条件的组织。", "No organization matches.";
        no_organizations_yet: Text =
            "还没有组织。用户创建组织后，会出现在这里。",
            "There are no organizations yet. They appear here once users create them.";
        no_users: Text = "没有符合条件的用户。", "No user matches.";
        name: Text = "名称", "Name";
        person: Text = "姓名", "Name";
        email: Text = "邮箱", "E-mail";
        id: Text = "编号", "Id";
        members: Text = "成员", "Members";
        created: Text = "创建时间", "Created";
        joined: Text = "加入时间", "Joined";
        role: Text = "角色", "Role";
        state: Text = "状态", "State";
        normal: Text = "正常", "Normal";
        frozen_payment: Text = "欠费冻结", "Frozen for payment";
        frozen_operator: Text = "运营冻结", "Frozen by an operator";
        frozen_since: Text = "冻结时间", "Frozen since";
        grace_until: Text = "宽限期至", "Grace until";
        time_zone: Text = "时区", "Time zone";
        facts: Text = "概要", "Facts";
        channels: Text = "扣费渠道", "Payment channels";
        no_channels: Text = "从未绑定过订阅。", "It was never bound.";
        requested: Text = "处理中", "Being processed";
        live: Text = "生效中", "Live";
        ended: Text = "已结束", "Ended";
        refused: Text = "已拒绝", "Refused";
        timed_out: Text = "确认超时", "Timed out";
        cancelled: Text = "已取消", "Cancelled";
        requested_at: Text = "请求时间", "Requested";
        live_at: Text = "生效时间", "Live";
        ended_at: Text = "结束时间", "Ended";
        held_records: Text = "需要处理的计量记录", "Metering records held";
        acts_noted: Text = "审计日志", "Audit log";
        all: Text = "全部", "All";
        operators: Text = "运营人员", "Operators";
        disabled: Text = "已停用", "Disabled";
        unverified: Text = "邮箱未验证", "Address not verified";
        verified_at: Text = "邮箱验证", "Address verified";
        not_verified: Text = "未验证", "Not verified";
        second_factor: Text = "两步验证", "Two-step verification";
        on: Text = "已开启", "On";
        off: Text = "未开启", "Off";
        sessions: Text = "有效会话", "Sessions";
        last_seen: Text = "最近使用", "Last seen";
        language: Text = "语言", "Language";
        password_changed: Text = "密码更改", "Password changed";
        chinese: Text = "中文", "Chinese";
        english: Text = "英文", "English";
        user_organizations: Text = "所在组织", "Organizations";
        in_none: Text = "不在任何组织中。", "In no organization.";
        no_secrets: Text =
            "密码、验证器密钥和会话令牌不会显示给任何人。",
            "Passwords, authenticator secrets and session tokens are shown to nobody.";
    }
}

impl Directory {
    /// The state of a binding.
    #[must_use]
    pub const fn binding(&self, state: State) -> Text {
        match state {
            State::Requested => self.requested,
            State::Live => self.live,
            State::Ended => self.ended,
            State::Refused => self.refused,
            State::TimedOut => self.timed_out,
            State::Cancelled => self.cancelled,
        }
    }
}
