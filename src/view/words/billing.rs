//! Texts of 「帐单概览」 (product §2.8–2.11).

use super::{Text, catalogue};

catalogue! {
    /// The billing overview.
    Billing {
        title: Text = "帐单概览", "Billing";
        channel_card: Text = "云市场扣费渠道", "Marketplace payment channel";
        bound: Text = "已绑定", "Bound";
        unbound: Text = "未绑定", "Not bound";
        requested: Text = "绑定处理中", "Being bound";
        requested_text: Text =
            "绑定请求正在处理，完成后这里显示扣费渠道。",
            "A binding is being processed. The channel appears here when it’s done.";
        channel: Text = "渠道", "Channel";
        bound_by: Text = "绑定", "Bound by";
        expires: Text = "到期", "Expires";
        no_expiry: Text = "长期有效", "No end date";
        view_bill: Text = "查看阿里云帐单", "View the Alibaba Cloud bill";
        manage: Text = "在云市场管理订阅", "Manage it at the marketplace";
        amounts: Text = "单价与金额以阿里云帐单为准。", "Prices and amounts are those of the Alibaba Cloud bill.";

        none_lead: Text =
            "在阿里云云市场订阅后，这个组织的费用由阿里云帐号统一支付。",
            "Subscribe at Alibaba Cloud Marketplace and your Alibaba Cloud account pays for this organization.";
        go_subscribe: Text = "前往阿里云云市场订阅", "Subscribe at Alibaba Cloud Marketplace";
        step_1: fn(&str) -> String = |brand| format!("在云市场开通 {brand}，约 1 – 5 分钟"), |brand| format!("Activate {brand} at the marketplace; it takes 1 to 5 minutes");
        step_2: Text = "在「已购买的服务」中点「免登」", "Open it from the purchased services";
        step_3: fn(&str) -> String = |name| format!("选择「{name}」，确认绑定"), |name| format!("Choose “{name}” and confirm the binding");
        already: Text = "已经订阅？直接从第 2 步开始。", "Already subscribed? Start with step 2.";
        member_note: Text = "绑定需要组织管理员或账单管理员完成。", "An owner or a billing admin has to bind it.";

        frozen_grace: Text =
            "订阅已到期，服务已冻结。{}前在云市场续费或绑定新的订阅，服务会立即恢复，数据不受影响。",
            "The subscription has expired and service is frozen. Renew it at the marketplace or bind a new one before {}. Service resumes at once and no data is lost.";
        frozen: Text =
            "订阅已到期，服务已冻结。在云市场续费或绑定新的订阅，服务会立即恢复。",
            "The subscription has expired and service is frozen. Renew it at the marketplace or bind a new one. Service resumes at once.";
        disputed: Text =
            "云市场通知这笔订阅已到期，但与记录的到期时间不符，正在核对。核对期间不计宽限期。",
            "The marketplace says this subscription has expired, which doesn’t match its expiry date. We’re checking. No grace period runs meanwhile.";
        frozen_by_operator: Text =
            "运营人员冻结了这个组织。续费或绑定不能解冻，联系支持 {}。",
            "Our operations team froze this organization. Renewing or binding can’t unfreeze it. Contact {}.";
        renew: Text = "前往云市场续费", "Renew at the marketplace";
        released: Text =
            "订阅 {} 已于 {} 在云市场关闭，扣费渠道已结束。此前的用量仍会推送完毕。",
            "Subscription {} was released at the marketplace on {} and the channel has ended. Earlier usage is still sent.";
        unbound_on: Text =
            "订阅 {} 已于 {} 解除绑定，扣费渠道已结束。此前的用量仍会推送完毕。",
            "Subscription {} was unbound on {} and the channel has ended. Earlier usage is still sent.";

        invoice: Text = "开具发票", "Invoices";
        invoice_text: Text =
            "云市场发票系统升级期间暂无法在线开具电子发票，如需开具，请联系 {}",
            "Electronic invoices aren’t available online while the marketplace upgrades its invoice system. If you need one, contact {}";
        invoice_order: Text = "请附上订单号 {}", "Mention order {}";
        next: Text = "下一步", "Next steps";
        docs: Text = "阅读快速入门文档", "Read the quick start";
        login_page: fn(&str) -> String = |brand| format!("{brand} 登录页"), |brand| format!("{brand} sign-in page");
    }
}
