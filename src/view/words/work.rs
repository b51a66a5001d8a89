//! Texts of the operators' pages of calls, deliveries, jobs and the audit log.

use super::{Text, catalogue};

catalogue! {
    /// What came, what was sent, what was given up, and who did what.
    Work {
        calls: Text = "调用", "Calls";
        deliveries: Text = "投递", "Deliveries";
        jobs: Text = "任务", "Jobs";
        audit: Text = "审计", "Audit";
        received: Text = "收到时间", "Received";
        action: Text = "动作", "Action";
        verdict: Text = "结果", "Verdict";
        code: Text = "代码", "Code";
        status: Text = "应答", "Answer";
        open: Text = "查看", "Open";
        no_calls: Text = "没有符合条件的调用。", "No call matches.";
        no_calls_yet: Text =
            "云市场还没有调用过。在服务商控制台填写生产接口地址后，调用会出现在这里。",
            "The marketplace hasn’t called yet. Calls appear here once the seller console has this gateway’s production address.";
        turned_away: Text = "已拦截", "Turned away";
        turned_away_note: Text =
            "签名不对或读不懂的调用，只保留抽样（最近 10,000 条，每个地址每秒一条）。",
            "Calls whose signature was wrong or that couldn’t be read. Only a sample is kept: the last 10,000, one per address and second.";
        address: Text = "来源地址", "From";
        call_title: fn(&str) -> String = |id| format!("调用 {id}"), |id| format!("Call {id}");
        parameters: Text = "参数（令牌已隐藏，UID 已遮盖）", "Parameters (token hidden, UID masked)";
        erased: Text =
            "标为 [erased] 的自由填写内容已按保留期限在 30 天后清除。",
            "What reads [erased] was typed by somebody and erased after 30 days, as its retention says.";
        reply: Text = "应答内容", "Answer";
        took: Text = "用时", "Took";

        webhook: Text = "Webhook 地址", "Webhook";
        event: Text = "事件", "Event";
        about: Text = "对象", "About";
        attempts: Text = "次数", "Attempts";
        next_attempt: Text = "下次投递", "Next attempt";
        last_answer: Text = "最近一次应答", "Last answer";
        created: Text = "创建时间", "Created";
        ended: Text = "结束时间", "Ended";
        behind: Text = "等待前一条", "Behind an earlier one";
        no_deliveries: Text = "没有符合条件的投递。", "No delivery matches.";
        no_deliveries_yet: Text = "还没有投递。", "Nothing has been delivered yet.";
        delivery_title: fn(&str) -> String = |id| format!("投递 {id}"), |id| format!("Delivery {id}");
        redeliver: Text = "重新投递", "Redeliver";
        redelivered: Text = "已安排重新投递。", "It will be sent again.";
        behind_another: Text =
            "同一对象有更早的投递还没有完成，先处理那一条。",
            "An earlier delivery of the same subject isn’t done. See to that one first.";
        webhooks: Text = "接收方", "Receivers";
        no_webhooks: Text = "没有 Webhook。产品通过 API 添加。", "There are no webhooks. The product adds them by the API.";
        works: Text = "正常", "Works";
        failing: Text = "失败中", "Failing";
        disabled_requested: Text = "已停用（产品要求）", "Disabled (as asked)";
        disabled_gone: Text = "已停用（接收方已不存在）", "Disabled (gone)";
        disabled_failing: Text = "已停用（长时间失败）", "Disabled (kept failing)";
        enable: Text = "重新启用", "Enable";
        ping: Text = "测试消息", "Ping";

        dead_jobs: Text = "已放弃的任务", "Jobs given up";
        no_jobs: Text = "没有已放弃的任务。", "No job was given up.";
        kind: Text = "类型", "Kind";
        key: Text = "对象", "Key";
        given_up: Text = "放弃时间", "Given up";
        last_error: Text = "最后一次错误", "Last error";
        job_title: fn(&str) -> String = |id| format!("任务 {id}"), |id| format!("Job {id}");
        decide: Text = "处理这个任务", "Decide on this job";
        retry: Text = "重试", "Retry";
        retry_means: Text = "原因已修复，立即再执行。重复执行是安全的。", "Its cause is repaired. It runs again at once. Running it twice is safe.";
        discard: Text = "放弃", "Discard";
        discard_means: Text = "不再需要，从列表移除。不能撤销。", "It isn’t needed. It leaves the list. This can’t be undone.";
        job_open: Text = "同样的任务已经重新安排，不需要重试。", "The same job is planned again already. There’s no need to retry.";

        audit_lead: Text = "谁在什么时候做了什么。只能追加，保留 7 年。", "Who did what, and when. It’s only ever added to, and kept for 7 years.";
        actor: Text = "操作者", "Actor";
        actor_id: Text = "操作者编号", "Actor’s id";
        subject: Text = "对象", "Subject";
        subject_id: Text = "对象编号", "Subject’s id";
        from: Text = "起始日期", "From";
        until: Text = "截止日期", "Until";
        no_acts: Text = "没有符合条件的记录。", "Nothing matches.";
        change: Text = "变更", "Change";
        show: Text = "筛选", "Filter";
        clear: Text = "清除筛选", "Clear the filter";
        chain: Text = "日志链", "Chain";
        chain_lead: Text =
            "每条记录都与前一条一起签名，改动、删除或插入都会被发现。",
            "Each row is signed together with the one before, so a change, a gap or an insertion is found.";
        check: Text = "检查整条链", "Check the whole chain";
        chain_good: fn(&str) -> String = |rows| format!("已检查 {rows} 条，没有发现问题。"), |rows| format!("{rows} rows were checked. Nothing is wrong.");
        chain_empty: Text = "日志是空的。", "The log is empty.";
        fault_head: Text = "日志的首尾记录缺失或被改动。", "The log’s head is missing or was changed.";
        fault_other_key: Text = "日志是用另一个主密钥写的。", "The log was made with another master key.";
        fault_missing: fn(&str) -> String = |id| format!("缺少第 {id} 条。"), |id| format!("Row {id} is missing.");
        fault_changed: fn(&str) -> String = |id| format!("第 {id} 条被改动。"), |id| format!("Row {id} was changed.");
        fault_surplus: fn(&str) -> String = |id| format!("第 {id} 条不属于这份日志。"), |id| format!("Row {id} doesn’t belong to the log.");
        fault_next: Text =
            "立即停止网关（{}），保留数据库文件，与备份核对。",
            "Stop the gateway now ({}), keep the database file and compare it with a backup.";
        fault_other_key_next: Text =
            "停止网关（{}），把原来的主密钥放回原处，启动后再检查一次。",
            "Stop the gateway ({}), put the right master key back in its place, start it and check again.";
        last_row: Text = "最后一条", "Last row";
        last_mac: Text = "最后一条的签名", "Its signature";
        keep_elsewhere: Text =
            "把编号和签名记在别处，就能发现整个文件被换回旧版本。",
            "Kept elsewhere, number and signature show when the whole file was put back to an older one.";
    }
}
