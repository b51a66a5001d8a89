//! Everything that the simulator's pages say, in both languages, Chinese first.

use crate::domain::value::Lang;
use crate::view::words::{Text, catalogue};

/// The texts of a language.
#[must_use]
pub fn words(lang: Lang) -> &'static Sim {
    match lang {
        Lang::Zh => &ZH,
        Lang::En => &EN,
    }
}

/// A unit of pushed or billed usage, by its name in the protocol's table.
#[must_use]
pub fn unit(lang: Lang, name: &'static str) -> &'static str {
    let zh = match name {
        "time" => "次",
        "second" => "秒",
        "minute" => "分钟",
        "hour" => "小时",
        "byte" => "字节",
        "bit" => "比特",
        "character" => "字符",
        "user" => "用户",
        "core" => "核",
        "unit" => "单位",
        "set" => "套",
        "thousand tokens" => "千 Token",
        other => other,
    };
    if lang == Lang::Zh { zh } else { name }
}

static ZH: Sim = Sim::ZH;
static EN: Sim = Sim::EN;

catalogue! {
    /// The marketplace's own words; those in 「」 of the product design are quoted from its screens.
    Sim {
        nav_product: Text = "商品", "Product";
        nav_services: Text = "已购买服务列表", "Purchased services";
        nav_bills: Text = "帐单", "Bills";
        nav_control: Text = "模拟控制", "Simulation control";
        switch_to: fn(&str) -> String = |name| format!("切换到{name}"), |name| format!("Switch to {name}");
        other_language: Text = "English", "中文";

        product_page: fn(&str) -> String = |name| format!("{name} 商品页"), |name| format!("{name}, product page");
        vendor: Text = "服务商：", "Sold by ";
        code: Text = "商品代码", "Product code";
        delivery: Text = "交付方式", "Delivery";
        delivery_saas: Text = "在线服务（SaaS）", "Online service (SaaS)";
        charging: Text = "计费方式", "Charging";
        mode_postpay: Text = "按量付费", "pay-as-you-go";
        mode_prepay: Text = "包年", "yearly";
        mode_trial: Text = "试用", "trial";
        and: Text = "、", ", ";
        region: Text = "适用地域", "Site";
        region_cn: Text = "中国站", "China";
        prices: Text = "价格", "Prices";
        item: Text = "计费项", "Billing item";
        what: Text = "说明", "What it measures";
        price: Text = "单价", "Unit price";
        buy: Text = "购买", "Buy";
        plan: Text = "套餐", "Plan";
        postpay_note: Text = "按小时结算，无最低消费", "Settled every hour, no minimum";
        prepay_note: fn(&str) -> String = |price| format!("¥ {price} / 年"), |price| format!("¥ {price} a year");
        trial_note: Text = "不收费，到期自动停用", "Free, stops by itself";
        account: Text = "买家帐号", "Buyer account";
        activate_now: Text = "立即开通", "Activate now";
        activate_note: Text = "开通免费，使用后按量扣费（模拟）。", "Activation is free. Usage is charged afterwards (simulated).";

        dialog_postpay: Text = "开通按量服务", "Activate pay-as-you-go service";
        dialog_prepay: Text = "开通包年服务", "Activate yearly service";
        dialog_trial: Text = "开通试用服务", "Activate trial";
        product: Text = "商品", "Product";
        pay_now: Text = "现在支付", "To pay now";
        agree: Text = "同意商品在线协议及云市场平台服务协议", "I agree to the product’s online agreement and the marketplace’s terms of service";
        agree_first: Text = "勾选协议后可以开通", "Tick the box to activate";
        agree_missing: Text = "先勾选协议，再点「开通」。", "Tick the agreement first, then choose Activate.";
        activate: Text = "开通", "Activate";
        cancel: Text = "取消", "Cancel";
        ok: Text = "确定", "OK";
        submitted_title: Text = "申请已提交", "Request submitted";
        submitted: Text = "开通申请已提交，约需要1 - 5分钟完成开通", "Your activation request was submitted. It takes about 1 to 5 minutes.";
        submitted_note: Text = "演示中只要几秒。", "In the demo, a few seconds.";

        services: Text = "已购买服务列表", "Purchased services";
        clock: Text = "时钟", "Clock";
        refresh: Text = "刷新", "Refresh";
        advancing: Text = "状态会自动更新。", "This page updates by itself.";
        of_services: Text = "已购买的服务", "Purchased services";
        column_product: Text = "商品 / 实例", "Product / instance";
        column_state: Text = "状态", "State";
        column_expires: Text = "到期时间", "Expires";
        column_actions: Text = "操作", "Actions";
        instance: fn(&str) -> String = |id| format!("实例 {id}"), |id| format!("Instance {id}");
        of_instance: fn(&str) -> String = |id| format!("：实例 {id}"), |id| format!(": instance {id}");
        attempt: fn(&str, &str) -> String =
            |now, most| format!("第 {now} 次 / 最多 {most} 次"), |now, most| format!("attempt {now} of at most {most}");
        not_asked_yet: Text = "等待开通", "waiting";
        opening: Text = "开通中", "Activating";
        opened: Text = "已开通", "Active";
        failed: Text = "开通失败", "Activation failed";
        expired: Text = "已过期", "Expired";
        closed: Text = "已关闭", "Closed";
        guide: Text = "使用指南", "Guide";
        log_in: Text = "免登", "Log in";
        renew: Text = "续费", "Renew";
        buy_again: Text = "再次购买", "Buy again";
        retry: Text = "重新开通", "Try again";
        after_opening: Text = "开通后可用", "After activation";
        failed_why: fn(&str) -> String =
            |most| format!("服务商的接口 {most} 次都没有返回实例"), |most| format!("{most} calls brought no instance");
        no_services: Text = "这个帐号还没有购买任何服务。", "This account hasn’t bought anything yet.";
        to_product: Text = "前往商品页", "Go to the product";
        never: Text = "无到期时间", "No end";

        app_info: Text = "应用信息", "Application";
        front_end_url: Text = "前台地址", "Front end";
        admin_url: Text = "管理地址", "Administration";
        username: Text = "用户名", "User name";
        password: Text = "密码", "Password";
        auth_url: Text = "免登地址", "Login-free address";
        license_id: Text = "许可证编号", "Licence";
        license_valid_period: Text = "许可证有效期", "Licence period";
        license_guide: Text = "许可证说明", "About the licence";
        host_info: Text = "主机信息", "Host";
        info: Text = "服务商说明", "From the vendor";
        nothing_returned: Text = "服务商没有提供内容。", "The vendor returned nothing.";
        not_opened: Text = "还没有开通，服务商的内容会在开通后出现。", "Not active yet. The vendor’s details appear after activation.";
        purchase: Text = "购买信息", "Purchase";
        bought_at: Text = "购买时间", "Bought";
        state: Text = "状态", "State";
        orders: Text = "订单", "Orders";
        order: Text = "订单号", "Order";
        kind: Text = "类型", "Kind";
        amount: Text = "金额", "Amount";
        kind_new: Text = "新购", "Purchase";
        kind_trial: Text = "试用", "Trial";
        kind_renew: Text = "续费", "Renewal";
        kind_upgrade: Text = "变更套餐", "Change of plan";
        refunded: Text = "已退款", "Refunded";
        manage: Text = "管理", "Manage";
        back_to_services: Text = "回到已购买服务列表", "Back to purchased services";

        notice: Text = "提示", "Notice";
        log_in_note: fn(&str) -> String =
            |product| format!("即将离开云市场，免登进入「{product}」。"), |product| format!("You’re leaving the marketplace to log in to {product} without a password.");
        log_in_age: Text = "链接在点「确定」时生成，只对这个实例有效，5 分钟后失效。", "The link is made when you choose OK. It’s for this instance only and ends after 5 minutes.";
        renew_title: Text = "续费", "Renew";
        expires_now: Text = "当前到期", "Expires now";
        expires_then: Text = "续费后到期", "After renewal";
        renew_confirm: Text = "确认续费", "Renew";
        upgrade: Text = "变更套餐", "Change plan";
        upgrade_note: Text = "变更后立即生效，到期时间不变。", "Takes effect at once. The end of the term stays.";
        upgrade_confirm: Text = "确认变更", "Change plan";
        refund_renew: Text = "退续费", "Refund the renewal";
        refund_renew_note: Text = "退回未生效的续费，到期时间回到续费前。", "Takes back the renewal that has not begun. The end of the term moves back.";
        refund_renew_then: Text = "退款后到期", "After the refund";
        refund_renew_confirm: Text = "确认退续费", "Refund the renewal";
        close: Text = "关闭服务", "Close service";
        close_note: Text = "关闭后立即停止服务，不能恢复。", "The service stops at once. This can’t be undone.";
        close_confirm: Text = "确认关闭", "Close service";
        refund: Text = "退订", "Cancel and refund";
        refund_note: Text = "退订后立即停止服务并退款，不能恢复。", "The service stops at once and is refunded. This can’t be undone.";
        refund_confirm: Text = "确认退订", "Cancel and refund";

        bills: Text = "帐单", "Bills";
        usage_bills: Text = "按量帐单", "Usage bills";
        bills_note: Text =
            "每个计费项每小时一张帐单：服务商推送的用量换算成计费单位，乘以单价，截到分。8 点到 9 点的帐单在 10 点后生成。",
            "Each item has one bill an hour: the usage that the vendor pushed, in billed units, times the price, cut to whole fen. The hour from 8 to 9 is billed after 10.";
        no_usage: Text = "服务商还没有为这个帐号推送用量，所以没有按量费用。收到后按月出现在这里。", "The vendor hasn’t pushed any usage for this account, so nothing is charged by usage. It’ll be listed here by month.";
        quantity: Text = "推送用量", "Pushed";
        billed_quantity: Text = "计费用量", "Billed";
        pending: Text = "待出帐", "Not billed yet";
        unit: fn(&str) -> String = |unit| format!("单位：{unit}"), |unit| format!("unit: {unit}");
        units: fn(&str, &str) -> String =
            |pushed, billed| format!("按{pushed}推送，按{billed}计价"),
            |pushed, billed| format!("pushed by the {pushed}, priced by the {billed}");
        nothing_billed: Text = "这个月没有计费的用量。", "Nothing of this month is billed.";
        final_at: Text = "帐期按用量发生的时间归月，全部帐单出齐于", "A statement has the usage of its month. Its last bill is made on";
        stop: Text = "。", ".";
        next_invoice: fn(&str) -> String =
            |amount| format!("其中 ¥ {amount} 的帐单在次月生成，发票按帐单生成的时间归月，所以开在次月。"),
            |amount| format!(" Bills of ¥ {amount} were made in the month after. Invoices go by when a bill is made, so the next one has them.");
        bills_one_by_one: fn(u64) -> String = |count| format!("逐张查看 {count} 张帐单"), |count| format!("All {count} bills, one by one");
        one_by_one: Text = "，逐张帐单", ", bill by bill";
        used_in: Text = "用量时段", "Used in";
        made_at: Text = "出帐时间", "Billed at";
        not_made: Text = "待出帐", "not yet";
        only_newest: fn(u64) -> String = |count| format!("只显示最新的 {count} 条。"), |count| format!("Only the newest {count} are shown.");
        unbilled: fn(u64) -> String = |count| format!("已接收、不计费的用量：{count} 条"), |count| format!("Accepted but not billed: {count}");
        unbilled_note: Text = "云市场接收了这些推送，但不为它们出帐。", "The marketplace took these pushes and bills nothing for them.";
        not_billed: Text = "已接收、不计费", "accepted but not billed";
        received_at: Text = "接收时间", "Received";
        reason: Text = "原因", "Reason";
        because_late: Text = "迟到：超过了这一小时的推送期限", "Late: it came after the deadline of its hour";
        because_expired: Text = "服务到期之后的用量", "Used after the term had ended";
        because_closed: Text = "实例释放之后的用量", "Used after the instance was released";
        because_repeated: Text = "与已接收的时段重叠", "Overlaps a window taken before";
        total: Text = "合计", "Total";
        prepaid: Text = "预付订单", "Prepaid orders";
        no_prepaid: Text = "没有预付订单。", "No prepaid orders.";
        scrolls: Text = "，可横向滚动", ", scrolls sideways";

        lost_title: Text = "没有这个页面", "There’s no such page";
        lost_note: Text = "商品或实例不存在，或属于另一个买家帐号。", "The product or instance doesn’t exist, or belongs to the other buyer account.";
        refused_title: Text = "现在不能这样做", "That’s not possible now";
        refused_note: Text = "实例的状态已经变化，什么都没有改动。", "The instance has changed meanwhile. Nothing was changed.";
        broken_title: Text = "模拟器出错了", "The simulator failed";
        broken_note: Text = "什么都没有改动。原因在程序的日志里。", "Nothing was changed. The program’s log says why.";
        foreign_title: Text = "这个请求来自别的网站", "This request came from another site";
        foreign_note: Text = "什么都没有改动。从模拟器自己的页面再试一次。", "Nothing was changed. Try again from the simulator’s own pages.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_said_in_both_languages_and_in_its_own() {
        let (mut zh, mut en) = (vec![], vec![]);
        ZH.each(&mut |name, text| zh.push((name, text)));
        EN.each(&mut |name, text| en.push((name, text)));
        let is_cjk = |c: char| matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
        for ((name, zh), (_, en)) in zh.into_iter().zip(en) {
            if !["Sim.other_language", "Sim.prepay_note", "Sim.and"].contains(&name) {
                assert!(zh.chars().any(is_cjk) && !en.chars().any(is_cjk), "{name}: {zh} / {en}");
            }
            assert!(!en.contains('\'') && !zh.contains('!') && !en.contains('!'), "{name}: {zh} / {en}");
            assert!(!["账号", "账户", "帐户", "你"].iter().any(|wrong| zh.contains(wrong)), "{name}: {zh}");
        }
    }
}
