//! Everything that the control pages say, in both languages, Chinese first.

use crate::domain::value::Lang;
use crate::view::words::{Text, catalogue};

use super::tour::STEPS;

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

        reset: Text = "重置到初始数据", "Reset to the seed";
        refused_running: Text =
            "没有执行：还有任务在运行，稍后再试。", "Not done: jobs are still running. Try again in a moment.";

        tour: Text = "演示导览", "Guided tour";
        tour_start: Text = "开始演示导览", "Start the guided tour";
        tour_step: fn(u64) -> String =
            |step| format!("第 {step} 步，共 {STEPS} 步"), |step| format!("Step {step} of {STEPS}");
        tour_next: Text = "下一步", "Next";
        tour_back: Text = "上一步", "Back";
        tour_end: Text = "结束导览", "End the tour";
        tour_product: Text = "打开商品页", "Open the product page";
        tour_services: Text = "打开已购买服务列表", "Open the list of purchases";
        tour_orgs: Text = "打开组织", "Open the organizations";
        tour_enter: Text = "进入产品", "Enter the product";
        tour_bills: Text = "打开阿里云帐单", "Open the marketplace’s bills";
        tour_1: Text =
            "买家在云市场看到的就是这个商品页：点「立即开通」，勾选协议，再点「开通」。",
            "This is the product page that a buyer sees: subscribe, tick the agreement, and confirm.";
        tour_2: Text =
            "等「开通中」变成「已开通」，点「免登」。云市场刚刚调用了网关，调用记录在本页下方。",
            "Wait until the purchase is open, then follow its login-free link. The marketplace has just called the gateway: the log below shows it.";
        tour_3: fn(&str) -> String =
            |password| format!("用 owner@example.com 登录，密码 {password}。选择「云帆数据」，点「确认绑定」。"),
            |password| format!("Sign in as owner@example.com with the password {password}. Choose the second organization and confirm the binding.");
        tour_4: Text =
            "打开刚才的组织，看「帐单概览」：费用通过买家的阿里云帐号支付。",
            "Open that organization’s billing page: it now pays through the buyer’s marketplace account.";
        tour_5: Text =
            "进入产品，创建一个集群。没有支付渠道的组织会在这里看到云市场的入口。",
            "Enter the product and create a cluster. An organization without a payment channel is shown the way to the marketplace there.";
        tour_6: Text =
            "在下面的「时钟」点「+30 天」：这一个月里到期的事会全部执行完。再看阿里云帐单。",
            "Move the clock below by 30 days: everything that falls due in that month runs. Then look at the bills.";
        tour_7: Text =
            "在下面的「故障」给 createInstance 添加 duplicate，再买一次：云市场重复调用，网关只开通一次。",
            "Add the fault duplicate to createInstance below and buy once more: the marketplace calls twice, the gateway opens once.";
        tour_8: Text =
            "演示到此结束。为下一批观众点「重置到初始数据」，时钟也会回到现在。",
            "That was the demo. Reset to the seed for the next audience; the clock comes back to the present too.";

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
        messages: Text = "发往产品的 Webhook 消息", "Webhook messages to the product";
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
