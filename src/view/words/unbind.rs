//! Texts of the page that ends a payment channel (product §6).

use super::{Text, catalogue};

catalogue! {
    /// Unbinding an organization from its subscription.
    Unbind {
        title: fn(&str) -> String =
            |organization| format!("解除「{organization}」的云市场订阅绑定"),
            |organization| format!("Unbind {organization} from its subscription");
        means: Text = "解除绑定后：", "After you unbind:";
        means_channel: fn(&str) -> String =
            |organization| format!("「{organization}」不再有扣费渠道，之后的用量不再由这个阿里云帐号支付。服务是否继续由产品决定。"),
            |organization| format!("{organization} has no payment channel. This Alibaba Cloud account doesn’t pay for later usage. Whether service goes on is up to the product.");
        means_usage: Text =
            "此前的用量仍会推送到云市场，由阿里云帐号 {} 支付。",
            "Usage until then is still sent to the marketplace and paid by Alibaba Cloud account {}.";
        means_subscription: Text =
            "订阅在云市场仍然有效，可以绑定到另一个组织。不再使用时请到云市场关闭，否则可能继续产生费用。",
            "The subscription stays active at the marketplace and can be bound to another organization. Release it there if you no longer need it, or it may go on costing.";
        means_mail: Text = "组织管理员和账单管理员会收到邮件。", "Owners and billing admins get a mail.";
        unbind: Text = "解除绑定", "Unbind";
        keep: Text = "保留绑定", "Keep it bound";
        changed: Text =
            "您打开页面之后，这个组织的绑定有变化。没有解除任何绑定，核对后再次确认。",
            "The binding of this organization has changed since you opened the page. Nothing was unbound. Check and confirm again.";
    }
}
