//! Texts of the operators' overview.

use super::{Text, catalogue};

catalogue! {
    /// How everything is, at a glance.
    Health {
        all_well: Text = "没有未解除的告警。", "There are no open alarms.";
        alarms: Text = "未解除的告警", "Open alarms";
        alarm: Text = "告警", "Alarm";
        subject: Text = "对象", "About";
        what_to_do: Text = "处理办法", "What to do";
        since: Text = "开始", "Since";
        times: fn(u64) -> String = |count| format!("共 {count} 次"), |count| format!("{count} times");
        last: Text = "最近", "last";
        more_alarms: fn(u64) -> String =
            |count| format!("只显示最近的 {count} 条。"),
            |count| format!("Only the newest {count} are shown.");
        in_question: Text = "争议、逾期或隔离", "Disputed, overdue or quarantined";
        counts_end: fn(&str) -> String =
            |most| format!("每项最多统计到 {most}。"),
            |most| format!("Counting ends at {most} each.");
        at_risk: Text = "有错过截止时间的风险", "At risk of missing a deadline";
        unknown: Text = "结果不明", "In doubt";
        lost: Text = "7 天内被拒绝或错过", "Refused or missed in 7 days";
        stopped: Text = "暂停推送的卖家", "Sellers whose pushes are stopped";
        background: Text = "投递和后台任务", "Deliveries and jobs";
        waiting_deliveries: Text = "等待投递", "Deliveries waiting";
        dead_deliveries: Text = "已放弃的投递", "Deliveries given up";
        failing_webhooks: Text = "失败或停用的 Webhook", "Webhooks failing or disabled";
        dead_jobs: Text = "已放弃的任务", "Jobs given up";
        checks: Text = "与云市场核对", "Checks with the marketplace";
        last_check: Text = "上次核对", "Last check";
        next_check: Text = "下次核对", "Next check";
        never: Text = "还没有", "Not yet";
        no_checks: Text = "不向云市场核对：没有配置 AccessKey，或核对已关闭。", "The marketplace isn’t asked: no AccessKey is configured, or checks are off.";
        started: Text = "启动", "Started";
    }
}
