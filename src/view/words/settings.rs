//! Texts about an organization's settings and its end.

use super::{Text, catalogue, plural};

catalogue! {
    /// Name, time zone, deletion.
    Settings {
        title: Text = "组织设置", "Organization settings";
        lead: Text = "名称和时区由组织管理员更改。", "Owners change the name and the time zone.";
        name_card: Text = "组织名称", "Organization name";
        name: Text = "名称", "Name";
        name_hint: Text = "显示在绑定、帐单和邮件里，更改后立即生效。", "Shown on bindings, bills and mails. A change takes effect at once.";
        save_name: Text = "保存名称", "Save the name";
        zone_card: Text = "时区", "Time zone";
        zone: Text = "时区", "Time zone";
        zone_hint: Text =
            "组织页面上的时间按这个时区显示。用量和帐单的小时、日期和月份始终是北京时间，与云市场一致。",
            "Times on the organization’s pages are shown in this zone. Hours, days and months of usage and bills are always China time, as at the marketplace.";
        save_zone: Text = "保存时区", "Save the time zone";
        common: Text = "常用", "Common";
        china: Text = "北京时间", "China time";
        asia: Text = "亚洲", "Asia";
        europe: Text = "欧洲", "Europe";
        america: Text = "美洲", "America";
        australia: Text = "澳大利亚", "Australia";
        pacific: Text = "太平洋", "Pacific";
        africa: Text = "非洲", "Africa";
        atlantic: Text = "大西洋", "Atlantic";
        indian: Text = "印度洋", "Indian Ocean";
        antarctica: Text = "南极洲", "Antarctica";
        id: Text = "组织编号", "Organization id";
        created_at: Text = "创建时间", "Created";
        about: Text = "关于这个组织", "About this organization";
        renamed: Text = "组织名称已保存。", "The name was saved.";
        zone_changed: Text = "时区已保存。", "The time zone was saved.";

        delete_card: Text = "删除组织", "Delete the organization";
        delete_text: Text = "不再需要这个组织时，可以删除它。已有的帐单记录会保留。", "Delete it when it’s no longer needed. Billing records are kept.";
        delete: Text = "删除组织", "Delete the organization";
        delete_title: fn(&str) -> String =
            |organization| format!("删除「{organization}」"),
            |organization| format!("Delete {organization}");
        delete_lead: Text = "删除后不能恢复。", "This can’t be undone.";
        means: Text = "删除意味着", "What it means";
        means_members: fn(u64) -> String =
            |count| format!("{count} 位成员立即不能再查看这个组织，待接受的邀请失效；组织管理员和账单管理员会收到邮件。"),
            |count| format!("{} can no longer see it, and pending invitations end. Owners and billing admins are told by mail.", plural(count, "member", "members"));
        means_product: Text = "产品会收到通知，按服务商的规则停止这个组织的服务并处理其数据。", "The product is told, and ends its service and treats its data by the vendor’s rules.";
        means_kept: Text = "已推送到云市场的用量照常出帐，记录保留，以备核对。", "Usage that was sent to the marketplace is billed as usual, and its records are kept.";
        type_name: Text = "输入组织名称以确认", "Type the organization’s name to confirm";
        delete_form: Text = "确认删除", "Confirm the deletion";
        delete_now: Text = "永久删除组织", "Delete it for good";
        keep: Text = "保留组织", "Keep it";
        back: Text = "返回组织设置", "Back to the settings";
        deleted: Text = "组织已删除。", "The organization was deleted.";
        not_yet: Text = "现在还不能删除这个组织，先处理下面的事项。", "The organization can’t be deleted yet. See to the following first.";
        bound: Text = "云市场扣费渠道", "Payment channel";
        bound_text: Text = "组织正在通过云市场订阅 {} 支付。", "It pays through marketplace subscription {}.";
        bound_way: Text = "先解除绑定。订阅不再使用时，还要在云市场关闭它，否则仍可能产生费用。", "Unbind it first. If you no longer use the subscription, release it at the marketplace as well, or it may go on costing.";
        unbind: Text = "解除绑定", "Unbind";
        ask_manager: Text = "帐单概览", "Billing";
        requested: Text = "绑定处理中", "A binding is being processed";
        requested_text: Text = "一笔云市场订阅正在与这个组织绑定。", "A marketplace subscription is being bound to this organization.";
        requested_way: Text = "等它完成，通常只要几分钟；绑定成功后先解除绑定，再删除。", "Wait until it’s done, usually within minutes. Once it’s bound, unbind it, then delete.";
        open: Text = "还没有结清的用量", "Usage that isn’t settled";
        open_text: fn(u64) -> String =
            |count| format!("还有 {count} 条用量记录在等待推送到云市场。"),
            |count| format!("{} still to be sent to the marketplace.", plural(count, "record of usage is", "records of usage are"));
        open_way: Text = "不需要操作，每个小时的用量在下一小时内推送，最迟次日凌晨。之后再来删除。", "There’s nothing to do: the usage of an hour is sent within the next one, at the latest overnight. Come back after that.";
        unknown: Text = "结果不明的用量", "Usage in doubt";
        unknown_text: fn(u64) -> String =
            |count| format!("{count} 条用量记录已经推送，但云市场没有明确答复。"),
            |count| format!("{} without a clear answer from the marketplace.", plural(count, "record of usage was sent", "records of usage were sent"));
        unknown_way: Text = "由运营人员与云市场核对后处理。请联系 {}。", "Our operations team settles this with the marketplace. Contact {}.";
        to_usage: Text = "查看用量", "See the usage";
    }
}

impl Settings {
    /// The name of a region of `domain::zone::REGIONS`.
    #[must_use]
    pub fn region(&self, region: &str) -> Text {
        match region {
            "Asia" => self.asia,
            "Europe" => self.europe,
            "America" => self.america,
            "Australia" => self.australia,
            "Pacific" => self.pacific,
            "Africa" => self.africa,
            "Atlantic" => self.atlantic,
            "Indian" => self.indian,
            _ => self.antarctica,
        }
    }
}
