//! Texts of usage: what was used, what became of it, and why (rules C).

use crate::domain::usage::State;

use super::{Text, catalogue};

catalogue! {
    /// Usage in 「帐单概览」 and hour by hour.
    Usage {
        title: Text = "用量", "Usage";
        lead: Text =
            "每个计费项按小时汇总后推送到云市场。这里是每一条记录和它的去向，数量是推送到云市场的整数，时间是北京时间。",
            "Each billing item is totalled by the hour and sent to the marketplace. Here is every record and what became of it. Quantities are the whole numbers that are sent; times are China time (UTC+8).";
        card: fn(&str) -> String = |month| format!("{month}用量"), |month| format!("Usage in {month}");
        months: Text = "帐期", "Month";
        items: Text = "计费项", "Billing item";
        item: Text = "计费项", "Item";
        unit: Text = "单位", "Unit";
        used: Text = "已使用", "Used";
        accepted: Text = "云市场已接受", "Accepted";
        waiting: Text = "待推送", "To be sent";
        doubtful: Text = "核对中", "In doubt";
        unbilled: Text = "不计费", "Not billed";
        estimate: Text = "预计金额", "Estimate";
        estimate_total: Text = "预计合计", "Estimated total";
        no_price: Text = "有计费项没有设定单价，无法合计", "An item has no price set, so there is no total";
        scrolls: Text = "各计费项的用量，可横向滚动", "Usage by billing item, scrolls sideways";
        as_of: Text =
            "截至 {}。金额为估算，以阿里云帐单为准。",
            "As of {}. Amounts are estimates; those of the Alibaba Cloud bill apply.";
        all_records: Text = "逐小时明细", "Hour by hour";
        empty: Text =
            "这个月还没有收到用量。用量到达后立即显示在这里，每小时结束后推送到云市场。",
            "No usage has arrived for this month. It appears here as soon as it does, and is sent to the marketplace after each hour.";
        not_billed_lead: Text = "不计费的用量", "Usage that isn’t billed";
        unbilled_line: Text = "{} {}：{}", "{} {}: {}";
        doubt_note: Text =
            "{}已发送，但没有收到云市场的明确答复。运营人员核对后会确定是否计费，预计金额暂不包含这一部分。",
            "{} sent without a clear answer from the marketplace. Our operations team checks whether it’s billed; the estimate leaves it out for now.";
        why_estimate: Text = "金额怎样估算，日期为什么与发票不同", "How amounts are estimated, and why dates differ from invoices";
        why_cut: Text =
            "云市场每小时为每个计费项出一笔帐，换算成计费单位、乘以单价后保留两位小数，多出的部分舍去，不满一分的不收取。预计金额按同样的方法逐笔计算后相加，包含已接受和待推送的用量。",
            "The marketplace makes one bill for each item and hour: it converts the usage, multiplies it by the price and cuts it to two decimals, and amounts below 0.01 aren’t charged. The estimate does the same, bill by bill, for what was accepted and what is still to be sent.";
        why_dates: Text =
            "一个小时的用量在下一个小时结束后出帐：8 点到 9 点的用量 10 点以后出帐。这里按用量发生的月份统计，发票按出帐的月份统计，所以每月最后两小时的用量会出现在下个月的发票里。",
            "An hour’s usage is billed after the next hour: that of 8 to 9 o’clock after 10. This page counts by when usage happened, invoices by when it was billed, so a month’s last two hours are on the next month’s invoice.";

        chart_title: Text = "{}每日 {} 用量，单位 {}", "{}: daily {}, in {}";
        chart_desc: Text =
            "{} 天的柱形图。最高的是 {} 日，为 {}。全月共 {}，其中云市场已接受 {}，待推送或核对中 {}，不计费 {}。",
            "Bars of {} days. The highest is day {}, with {}. Altogether {}: {} accepted, {} to be sent or in doubt, {} not billed.";
        chart_label: Text = "{}，每日 {}", "{}, {} a day";
        key_waiting: Text = "待推送或核对中", "To be sent or in doubt";

        times_hours: Text = "·小时", "·h";
        times_days: Text = "·天", "·d";
        unit_time: Text = "次", "uses";
        unit_second: Text = "秒", "seconds";
        unit_hour: Text = "小时", "hours";
        unit_minute: Text = "分钟", "minutes";
        unit_byte: Text = "字节", "bytes";
        unit_bit: Text = "比特", "bits";
        unit_character: Text = "字符", "characters";
        unit_user: Text = "人", "users";
        unit_core: Text = "核", "cores";
        unit_unit: Text = "个", "units";
        unit_token: Text = "个 Token", "tokens";
        unit_thousand_tokens: Text = "千 Token", "thousand tokens";
        unit_set: Text = "套", "sets";
        /// Before a unit, on an axis.
        thousand: Text = "千", "thousand ";
        million: Text = "百万", "million ";
        billion: Text = "十亿", "billion ";
        trillion: Text = "万亿", "trillion ";

        filter: Text = "筛选", "Filter";
        day: Text = "日期", "Day";
        all_items: Text = "全部计费项", "All items";
        show: Text = "查看", "Show";
        all_of_month: Text = "查看全月", "Show the whole month";
        earlier_month: Text = "上个月", "Previous month";
        later_month: Text = "下个月", "Next month";
        download: Text = "下载 CSV", "Download CSV";
        window: Text = "时段", "Hour";
        quantity: Text = "数量", "Quantity";
        state: Text = "状态", "State";
        explanation: Text = "说明", "What it means";
        records: Text = "用量记录", "Usage records";
        none: Text = "没有符合条件的记录。", "No records match.";
        next_page: Text = "更早的记录", "Earlier records";
        first_page: Text = "回到最新", "Back to the newest";
        late: Text = "迟到", "Late";
        carried_in: Text = "含更早时段迟到的 {}", "Includes {} of earlier hours that came late";

        open: Text = "累计中", "Counting";
        sealed: Text = "待推送", "To be sent";
        sending: Text = "推送中", "Being sent";
        accepted_state: Text = "已接受", "Accepted";
        rejected: Text = "被拒绝", "Refused";
        unknown: Text = "核对中", "In doubt";
        missed: Text = "已错过", "Missed";
        carried: Text = "已顺延", "Carried over";
        waived: Text = "已放弃", "Waived";
        unbillable: Text = "不计费", "Not billed";

        why_open: Text = "这个时段还在累计", "This hour is still counting";
        why_sealed: Text = "时段已结束，等待推送", "The hour is over and waits to be sent";
        why_sending: Text = "正在推送，等待云市场答复", "On its way; the marketplace hasn’t answered yet";
        why_accepted: Text = "云市场已接受，由云市场计费", "Taken by the marketplace, which bills it";
        why_rejected: Text = "云市场拒绝了这条用量，不计费", "The marketplace refused it; it isn’t billed";
        why_rejected_closed: Text =
            "订阅已在云市场关闭，云市场不再接受，不计费",
            "The subscription was released at the marketplace, which doesn’t take it any more; it isn’t billed";
        why_unknown: Text =
            "已发送，但没有收到明确答复，运营人员正在核对是否计费",
            "Sent without a clear answer; our operations team checks whether it’s billed";
        why_late: Text =
            "到达太晚，这个时段已经推送或截止，不计费",
            "It came after the hour had been sent or closed; it isn’t billed";
        why_deadline: Text = "没能在截止时间前推送，不计费", "It couldn’t be sent before the deadline; it isn’t billed";
        why_carried: Text = "到达太晚，计入 {} 开始的时段", "It came late and is billed with the hour of {}";
        why_waived: Text = "运营人员决定不计费", "Our operations team decided not to bill it";
        why_unbound: Text = "使用时没有扣费渠道，不计费", "There was no payment channel at the time; it isn’t billed";
        why_not_sold: Text = "当时的订阅不包含这个计费项，不计费", "The subscription didn’t include this item; it isn’t billed";
        why_expired: Text = "订阅到期后的用量，不计费", "Usage after the subscription expired; it isn’t billed";
        why_unbillable: Text = "不能计费", "It can’t be billed";
    }
}

impl Usage {
    #[must_use]
    pub const fn state(&self, state: State) -> Text {
        match state {
            State::Open => self.open,
            State::Sealed => self.sealed,
            State::Sending => self.sending,
            State::Accepted => self.accepted_state,
            State::Rejected => self.rejected,
            State::Unknown => self.unknown,
            State::Missed => self.missed,
            State::Carried => self.carried,
            State::Waived => self.waived,
            State::Unbillable => self.unbillable,
        }
    }

    /// What a state means for who pays, by its code of reason. [`State::Carried`] has a place for the window.
    #[must_use]
    pub fn why(&self, state: State, code: Option<&str>) -> Text {
        match (state, code) {
            (State::Open, _) => self.why_open,
            (State::Sealed, _) => self.why_sealed,
            (State::Sending, _) => self.why_sending,
            (State::Accepted, _) => self.why_accepted,
            (State::Rejected, Some("closed")) => self.why_rejected_closed,
            (State::Rejected, _) => self.why_rejected,
            (State::Unknown, _) => self.why_unknown,
            (State::Missed, Some("late")) => self.why_late,
            (State::Missed, _) => self.why_deadline,
            (State::Carried, _) => self.why_carried,
            (State::Waived, _) => self.why_waived,
            (State::Unbillable, Some("unbound")) => self.why_unbound,
            (State::Unbillable, Some("not_sold")) => self.why_not_sold,
            (State::Unbillable, Some("expired")) => self.why_expired,
            (State::Unbillable, _) => self.why_unbillable,
        }
    }

    /// The unit in which quantities of a key are pushed; `None` for keys that are not documented.
    #[must_use]
    pub fn pushed_unit(&self, key: &str) -> Option<Text> {
        Some(match key {
            "Period" => self.unit_second,
            "Storage" => self.unit_byte,
            "NetworkOut" | "NetworkIn" => self.unit_bit,
            "KTokens" => self.unit_token,
            _ => return self.billed_unit(key),
        })
    }

    /// The unit of a key's price.
    #[must_use]
    pub fn billed_unit(&self, key: &str) -> Option<Text> {
        Some(match key {
            "Frequency" => self.unit_time,
            "Period" => self.unit_hour,
            "PeriodMin" => self.unit_minute,
            "Storage" => "MB",
            "StorageGigaByte" | "Memory" => "GB",
            "NetworkOut" | "NetworkIn" => "Mb",
            "Character" => self.unit_character,
            "DailyActiveUser" => self.unit_user,
            "VirtualCpu" => self.unit_core,
            "Unit" => self.unit_unit,
            "KTokens" => self.unit_thousand_tokens,
            "Suit" => self.unit_set,
            _ => return None,
        })
    }

    /// A power of a thousand, before a unit.
    #[must_use]
    pub const fn scale(&self, thousands: u32) -> Text {
        match thousands {
            0 => "",
            1 => self.thousand,
            2 => self.million,
            3 => self.billion,
            _ => self.trillion,
        }
    }
}
