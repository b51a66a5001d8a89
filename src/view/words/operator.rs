//! Texts of the operators' pages (product §9).

use super::{Text, catalogue};

catalogue! {
    /// Metering for operators. States stand beside their code.
    Operator {
        console: Text = "运营控制台", "Operations";
        navigation: Text = "运营", "Operations";
        health: Text = "运行状况", "Health";
        metering: Text = "计量", "Metering";
        by_state: Text = "未完成和需要处理的记录", "Records on their way or held";
        by_state_note: Text =
            "按状态统计。累计中、待推送和推送中会自行完成，其余需要人工处理。",
            "By state. Counting, to be sent and being sent go on by themselves; the others need a person.";
        counts_end: fn(&str) -> String =
            |most| format!("每种状态最多统计到 {most} 条。"),
            |most| format!("Counting ends at {most} records of a state.");
        scrolls: Text = "按卖家和状态统计，可横向滚动", "By seller and state, scrolls sideways";
        seller: Text = "卖家", "Seller";
        outside: Text = "未归属", "None";
        nothing_open: Text = "没有未完成的记录。", "No records are on their way or held.";
        stopped: Text =
            "云市场拒绝了卖家 {} 的推送，{} 起已暂停，记录保留在待推送。修复帐号权限或密钥后恢复推送。",
            "The marketplace refused pushes of seller {}. They have been stopped since {} and the records wait. Repair the account’s rights or key, then resume.";
        resume: Text = "恢复推送", "Resume pushing";

        at_risk: Text = "即将错过截止时间", "About to miss their deadline";
        at_risk_note: Text =
            "这些记录必须在截止时间前被云市场接受，否则不再计费。最早的截止时间是 {}。",
            "The marketplace must take these before their deadline or they can’t be billed any more. The first one is at {}.";
        no_risk: Text = "没有记录有错过截止时间的风险。", "No record is at risk of missing its deadline.";
        due_by: Text = "截止时间", "Deadline";
        attempts: Text = "推送次数", "Attempts";
        held: Text = "需要处理", "Held";
        held_none: Text = "没有这样的记录。", "There are no such records.";
        changed_at: Text = "变更时间", "Changed";
        organization_id: Text = "组织编号", "Organization id";
        all_sellers: Text = "全部卖家", "All sellers";
        show_all: Text = "清除筛选", "Clear the filter";
        code: Text = "代码", "Code";
        open_record: Text = "查看", "Open";

        record: fn(&str) -> String = |id| format!("计量记录 {id}"), |id| format!("Metering record {id}");
        facts: Text = "概要", "Facts";
        request_ref: Text = "云市场请求编号", "Marketplace request id";
        note: Text = "运营备注", "Operator’s note";
        settled_at: Text = "完成时间", "Settled";
        decide: Text = "处理这条记录", "Decide on this record";
        decision: Text = "处理方式", "Decision";
        confirm: Text = "确认", "Confirm";
        retry: Text = "重新推送", "Retry";
        retry_means: Text =
            "云市场拒绝过这条记录。修复原因后在截止时间前再推送一次，不会重复计费。",
            "The marketplace refused it. Repair the cause, then it’s sent again before its deadline. It can’t be billed twice.";
        resend: Text = "再次发送", "Resend";
        resend_means: Text =
            "不确定云市场是否已经接受。再次发送可能重复计费，先在阿里云帐单中核对。",
            "Nobody knows whether it was taken. Sending it again may bill it twice. Check the Alibaba Cloud bill first.";
        treat_as_accepted: Text = "视为已接受", "Treat as accepted";
        treat_as_accepted_means: Text =
            "阿里云帐单显示已经计费，不再发送。",
            "The Alibaba Cloud bill shows it. It isn’t sent again.";
        waive: Text = "放弃计费", "Waive";
        waive_means: Text = "不再推送，也不计费。不能撤销。", "It isn’t sent and never billed. This can’t be undone.";
        not_decidable: Text = "这条记录不需要处理。", "There’s nothing to decide on this record.";
        too_late: Text =
            "截止时间已过，云市场不会再接受这条记录，没有发送。",
            "The deadline has passed and the marketplace wouldn’t take it. Nothing was sent.";
        changed: Text =
            "这条记录的状态有变化，没有执行任何操作。核对后再决定。",
            "The record’s state has changed and nothing was done. Check it and decide again.";
        done: Text = "已处理，现在的状态是「{}」。", "Done. Its state is now “{}”.";

        subscription: fn(&str) -> String = |id| format!("订阅 {id}"), |id| format!("Subscription {id}");
        reconciliation_of: fn(&str) -> String = |id| format!("订阅 {id} 的计量对帐"), |id| format!("Metering of subscription {id}");
        reconciliation: Text = "计量对帐", "Metering reconciliation";
        reconciliation_note: Text =
            "云市场已接受的数量应与阿里云帐单一致，核对中的数量在帐单里确认。",
            "What the marketplace accepted should match its bill. Look up there what is in doubt.";
        no_charges: Text = "这个月没有计入这笔订阅的用量。", "No usage was charged to this subscription in this month.";
        state: Text = "状态", "State";
    }
}
