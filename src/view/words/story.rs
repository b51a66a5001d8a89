//! Texts of the operators' pages of subscriptions, and of what happened to one.

use super::{Text, catalogue};

catalogue! {
    /// Subscriptions, and the story of one.
    Story {
        subscriptions: Text = "订阅", "Subscriptions";
        look_for: Text = "实例、订单号、UID 或组织", "Instance, order, UID or organization";
        find: Text = "查找", "Find";
        none: Text = "没有符合条件的订阅。", "No subscription matches.";
        none_yet: Text =
            "还没有订阅。买家在云市场开通后，会出现在这里。",
            "There are no subscriptions yet. They appear here once a buyer activates one at the marketplace.";
        all: Text = "全部", "All";
        doubt: Text = "存疑", "In question";
        any: Text = "不限", "Any";
        disputed: Text = "争议", "Disputed";
        overdue: Text = "逾期", "Overdue";
        quarantined: Text = "隔离", "Quarantined";
        disputed_means: Text =
            "云市场在到期日之前就通知了到期。宽限期暂不计时，等待核对。",
            "The marketplace told its expiry before its date. No grace counts down until that is settled.";
        overdue_means: Text =
            "到期日已过一小时，云市场没有通知。状态不变，等待核对。",
            "Its term ended an hour ago and the marketplace has said nothing. Nothing is changed until that is settled.";
        quarantined_means: Text =
            "云市场不认识这笔订阅，不能免登。核对订单后再处理。",
            "The marketplace doesn’t know it, so it can’t be entered. Check its order first.";
        download: Text = "下载 CSV", "Download CSV";
        older: Text = "更早", "Older";
        newest: Text = "回到最新", "Back to the newest";
        uid: Text = "买家 UID", "Buyer UID";
        no_organization: Text = "未绑定", "Not bound";

        timeline: Text = "时间线", "Timeline";
        newest_first: Text = "北京时间，最新在前", "China time, newest first";
        calls: Text = "调用", "Calls";
        changes: Text = "变更", "Changes";
        usage: Text = "计量", "Metering";
        nothing_yet: Text = "还没有记录。", "Nothing yet.";
        show_uid: Text = "显示完整 UID", "Show the full UID";
        uid_noted: Text = "查看完整 UID 会记入审计日志。", "Seeing it is noted in the audit log.";
        uid_shown: Text = "完整 UID 已显示，本次查看已记入审计日志。", "The full UID is shown. That you saw it is noted in the audit log.";
        none_given: Text = "无", "None";
        binding: Text = "绑定", "Binding";
        bound_by: Text = "绑定人", "Bound by";
        bound_since: Text = "自", "Since";
        to_metering: Text = "计量对帐", "Metering reconciliation";
        freeze: Text = "冻结组织", "Freeze organization";
        unfreeze: Text = "解除冻结", "Lift the freeze";
        unbind: Text = "解除绑定", "Unbind";
        request_and_answer: Text = "请求与应答", "Request and answer";
        answered_in: fn(&str) -> String = |ms| format!("应答用时 {ms} 毫秒"), |ms| format!("answered in {ms} ms");
        content: Text = "内容", "Content";
        delivery_waiting: Text = "等待投递", "Waiting";
        delivery_delivered: Text = "已投递", "Delivered";
        delivery_dead: Text = "已放弃", "Given up";
        attempts: fn(u64) -> String = |count| format!("{count} 次"), |count| super::plural(count, "attempt", "attempts");
        usage_of: Text = "用量", "Usage";
        erased: Text = "已删除", "Erased";
        by_user: Text = "用户", "User";
        by_operator: Text = "运营人员", "Operator";
        by_api_key: Text = "API 密钥", "API key";
        by_webhook: Text = "Webhook 应答", "Webhook’s answer";
        by_marketplace: Text = "云市场", "Marketplace";
        by_command_line: Text = "命令行", "Command line";
        by_job: Text = "系统", "System";

        verdict_applied: Text = "已执行", "Applied";
        verdict_repeated: Text = "重复", "Repeated";
        verdict_conflict: Text = "冲突", "Conflict";
        verdict_refused: Text = "已拒绝", "Refused";
        call_create: Text = "开通", "Create";
        call_renew: Text = "续费", "Renew";
        call_refund_renew: Text = "续费退款", "Refund of a renewal";
        call_upgrade: Text = "升级", "Upgrade";
        call_expire: Text = "到期", "Expire";
        call_release: Text = "释放", "Release";
        call_pay: Text = "支付", "Payment";
        call_verify: Text = "验证", "Verify";

        created: Text = "收到购买，商品未配置", "Bought, product not configured";
        activated: Text = "已开通", "Activated";
        renewed: Text = "已续费", "Renewed";
        changed: Text = "套餐或计费项变更", "Plan or items changed";
        expired: Text = "已过期", "Expired";
        released: Text = "已关闭", "Released";
        conflict: Text = "重复购买，内容不同", "Bought again with other contents";
        gone_overdue: Text = "到期未通知", "Overdue";
        paid: Text = "已支付", "Paid";
        requested: Text = "请求绑定", "Binding requested";
        live: Text = "绑定生效", "Binding live";
        refused: Text = "绑定被拒绝", "Binding refused";
        timed_out: Text = "绑定确认超时", "Binding timed out";
        ended: Text = "绑定结束", "Binding ended";
        cancelled: Text = "绑定请求取消", "Binding request cancelled";
        confirmed_too_late: Text = "确认太晚", "Confirmed too late";
        frozen: Text = "组织已冻结", "Organization frozen";
        unfrozen: Text = "组织解除冻结", "Organization unfrozen";
        at_risk: Text = "计量将错过截止时间", "Usage about to miss its deadline";
        rejected: Text = "计量被拒绝", "Usage refused";
        missed: Text = "计量错过截止时间", "Usage missed its deadline";
        record_retried: Text = "重新推送计量", "Usage retried";
        record_resent: Text = "再次发送计量", "Usage resent";
        record_accepted: Text = "计量视为已接受", "Usage treated as accepted";
        record_waived: Text = "放弃计费", "Usage waived";
        account_seen: Text = "查看了完整 UID", "Full UID was seen";
        claim_reported: Text = "用户报告绑定到了陌生组织", "Reported: bound to another organization";
        other: Text = "其他", "Other";
    }
}

impl Story {
    /// What an event or an act is called.
    #[must_use]
    pub fn happened(&self, code: &str) -> Text {
        match code {
            "subscription.created" => self.created,
            "subscription.activated" => self.activated,
            "subscription.renewed" => self.renewed,
            "subscription.changed" => self.changed,
            "subscription.expired" => self.expired,
            "subscription.released" => self.released,
            "subscription.conflict" => self.conflict,
            "subscription.overdue" => self.gone_overdue,
            "subscription.account_seen" => self.account_seen,
            "order.paid" => self.paid,
            "binding.requested" => self.requested,
            "binding.live" => self.live,
            "binding.refused" => self.refused,
            "binding.timed_out" => self.timed_out,
            "binding.ended" => self.ended,
            "binding.cancelled" => self.cancelled,
            "binding.confirmed_too_late" => self.confirmed_too_late,
            "organization.frozen" => self.frozen,
            "organization.unfrozen" => self.unfrozen,
            "metering.at_risk" => self.at_risk,
            "metering.rejected" => self.rejected,
            "metering.missed" => self.missed,
            "record.retried" => self.record_retried,
            "record.resent" => self.record_resent,
            "record.treated_as_accepted" => self.record_accepted,
            "record.waived" => self.record_waived,
            "claim.reported" => self.claim_reported,
            _ => self.other,
        }
    }

    #[must_use]
    pub fn call(&self, action: &str) -> Text {
        match action {
            "create" => self.call_create,
            "renew" => self.call_renew,
            "refund_renew" => self.call_refund_renew,
            "upgrade" => self.call_upgrade,
            "expire" => self.call_expire,
            "release" => self.call_release,
            "pay" => self.call_pay,
            "verify" => self.call_verify,
            _ => self.other,
        }
    }

    #[must_use]
    pub fn verdict(&self, code: &str) -> Text {
        match code {
            "applied" => self.verdict_applied,
            "repeated" => self.verdict_repeated,
            "conflict" => self.verdict_conflict,
            _ => self.verdict_refused,
        }
    }

    #[must_use]
    pub fn delivery(&self, state: &str) -> Text {
        match state {
            "waiting" => self.delivery_waiting,
            "delivered" => self.delivery_delivered,
            _ => self.delivery_dead,
        }
    }

    #[must_use]
    pub fn doubt(&self, code: &str) -> Text {
        match code {
            "disputed" => self.disputed,
            "overdue" => self.overdue,
            "quarantined" => self.quarantined,
            _ => self.any,
        }
    }

    /// A kind of actor.
    #[must_use]
    pub fn by(&self, kind: &str) -> Text {
        match kind {
            "user" => self.by_user,
            "operator" => self.by_operator,
            "api_key" => self.by_api_key,
            "webhook" => self.by_webhook,
            "marketplace" => self.by_marketplace,
            "command_line" => self.by_command_line,
            _ => self.by_job,
        }
    }
}
