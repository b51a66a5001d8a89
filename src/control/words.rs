//! Everything that the control pages say, in both languages, Chinese first.

use crate::domain::value::Lang;
use crate::view::words::{Text, catalogue};

/// The texts of a language.
#[must_use]
pub fn words(lang: Lang) -> &'static Controls {
    match lang {
        Lang::Zh => &ZH,
        Lang::En => &EN,
    }
}

static ZH: Controls = Controls::ZH;
static EN: Controls = Controls::EN;

catalogue! {
    /// Clock, faults, shortcuts, calls, mails.
    Controls {
        title: Text = "模拟控制", "Simulation control";

        clock: Text = "时钟", "Clock";
        forward_only: Text = "只能向前", "Forward only";
        plus_minute: Text = "+1 分钟", "+1 minute";
        plus_hour: Text = "+1 小时", "+1 hour";
        plus_day: Text = "+1 天", "+1 day";
        plus_month: Text = "+30 天", "+30 days";
        to: Text = "前进到（北京时间）", "Forward to (China time)";
        forward: Text = "前进", "Forward";
        clock_note: Text =
            "到期的定时任务会全部执行完再返回，网关与模拟器使用同一个时钟。",
            "Everything that falls due runs before the page comes back. Gateway and simulator share one clock.";
        clock_note_alone: Text =
            "到期的调用会全部执行完再返回。只有模拟器的时钟前进，免登链接也按它的时间签名。",
            "Every call that falls due is made before the page comes back. Only the simulator’s clock moves; login-free links carry its time.";

        faults: Text = "故障", "Faults";
        active: fn(u64) -> String = |count| format!("{count} 个生效中"), |count| format!("{count} active");
        action: Text = "动作", "Action";
        fault: Text = "故障", "Fault";
        count: Text = "次数", "Times";
        delay: Text = "延迟（毫秒）", "Delay (milliseconds)";
        add: Text = "添加故障", "Add fault";
        left: fn(u64) -> String = |count| format!("还剩 {count} 次"), |count| format!("{count} left");
        remove: Text = "移除", "Remove";
        of_fault: fn(&str) -> String = |action| format!("：{action} 的故障"), |action| format!(": fault of {action}");
        kind_delay: Text = "延迟", "late";
        kind_status_500: Text = "返回 500", "answers 500";
        kind_cut: Text = "应答中断", "answer cut off";
        kind_duplicate: Text = "重复", "sent twice";
        kind_reorder: Text = "乱序", "out of order";
        kind_bad_token: Text = "错签名", "wrong token";
        kind_replay: Text = "重放", "replayed later";
        kind_empty_body: Text = "空应答", "empty answer";
        kind_throttle: Text = "限流", "throttled";
        kind_denied: Text = "没有权限", "permission denied";
        kind_unknown_error: Text = "已处理但报未知错误", "processed, unknown error told";

        policy: Text = "文档未写明的计量规则", "Metering that no document settles";
        policy_note: Text = "默认取对服务商最不利的一种", "As set at first, it’s what hurts the vendor most";
        takes_closed: Text = "接收已释放实例的用量，计费到释放的那一小时", "Take usage of released instances, and bill it up to the hour of the release";
        ignores_repeats: Text = "同一时段再次推送的用量不重复计费", "Don’t bill usage again that is pushed for the same window";
        save: Text = "保存", "Save";

        shortcuts: Text = "实例", "Instances";
        shortcuts_note: Text = "不经过买家控制台", "Without the buyer’s console";
        instance: Text = "实例", "Instance";
        expire: Text = "让它到期", "Let it expire";
        renew: Text = "续费一期", "Renew for a term";
        pay: Text = "发送支付消息", "Send the payment message";
        release: Text = "释放", "Release";
        release_refunded: Text = "释放并退款", "Release and refund";
        no_instances: Text = "还没有实例。先在商品页购买。", "No instances yet. Buy on the product page first.";

        calls: Text = "全部调用", "All calls";
        newest_first: fn(u64) -> String = |count| format!("最新在前 · 共 {count} 条"), |count| format!("Newest first · {count} in all");
        download_calls: Text = "下载记录", "Download the log";
        no_calls: Text = "还没有调用。从商品页开通一次就会出现。", "No calls yet. Buy something on the product page.";
        scrolls: Text = "调用记录表，可横向滚动", "Log of calls, scrolls sideways";
        time: Text = "时间", "Time";
        direction: Text = "方向", "Direction";
        to_gateway: Text = "→ 网关", "→ gateway";
        from_gateway: Text = "← 网关", "← gateway";
        answer: Text = "应答", "Answer";
        took: Text = "耗时", "Took";
        none: Text = "无应答", "No answer";

        mails: Text = "邮件", "Mails";
        mails_note: Text = "网关本应发出的邮件，最新在前。没有一封真的发出。", "What the gateway would have mailed, newest first. Nothing is really sent.";
        read_mails: Text = "查看邮件", "Read mails";
        no_mails: Text = "还没有邮件。", "No mails yet.";
        mail_to: fn(&str) -> String = |to| format!("收件人 {to}"), |to| format!("To {to}");
        back: Text = "回到模拟控制", "Back to simulation control";

        refused_busy: Text =
            "没有执行：时钟正在前进，等它停下再试。",
            "Not done: the clock is being moved already. Wait until it stops.";
        refused_backwards: Text = "没有执行：时钟只能向前。", "Not done: the clock goes forward only.";
        refused_too_far: Text = "没有执行：一次最多前进十年。", "Not done: at most ten years at a time.";
        refused_malformed: Text = "没有执行：有一项填写的内容读不懂。", "Not done: one of the fields can’t be read.";
        refused_fault: Text =
            "没有执行：这种故障不适用于这个动作。", "Not done: that fault doesn’t apply to that action.";
        refused_term: Text =
            "没有执行：这个套餐没有到期时间，不能续费。", "Not done: that plan has no end, so it can’t be renewed.";
        refused_missing: Text = "没有执行：它已经不存在。", "Not done: it doesn’t exist any more.";
        refused_other: Text = "没有执行。原因在程序的日志里。", "Not done. The program’s log says why.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_said_in_both_languages() {
        let (mut zh, mut en) = (vec![], vec![]);
        ZH.each(&mut |name, text| zh.push((name, text)));
        EN.each(&mut |name, text| en.push((name, text)));
        let is_cjk = |c: char| matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
        for ((name, zh), (_, en)) in zh.into_iter().zip(en) {
            assert!(zh.chars().any(is_cjk) && !en.chars().any(is_cjk), "{name}: {zh} / {en}");
        }
    }
}
