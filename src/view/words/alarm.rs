//! What an alarm says to operators, by its kind: what happened, and what to do about it.

use super::{Text, catalogue};

/// The two things that an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmText {
    /// What happened.
    pub title: Text,
    /// What to do.
    pub what: Text,
}

const fn says(title: Text, what: Text) -> AlarmText {
    AlarmText { title, what }
}

const WAIT_ZH: Text = "网关正在向云市场核对，得到答复后会自行解除。";
const WAIT_EN: Text = "The gateway asks the marketplace. The alarm ends by itself with its answer.";

catalogue! {
    /// Alarms by kind.
    Alarms {
        access_refused: AlarmText =
            says("云市场拒绝 AccessKey", "检查 AccessKey 是否有效、是否有云市场权限。修复前无法核对订阅。"),
            says("The marketplace refuses the AccessKey", "Check that the key is valid and may use the marketplace. Until then subscriptions can’t be checked.");
        marketplace_unreachable: AlarmText =
            says("云市场接口没有可用的答复", "检查出网和代理。网关会继续重试，下一次成功后自行解除。"),
            says("The marketplace gives no usable answer", "Check the way out to the internet. The gateway keeps trying. The alarm ends with the next success.");
        webhook_disabled: AlarmText =
            says("Webhook 已停用", "接收方长时间失败或已不存在。修复后重新启用，积压的事件会从停下的地方继续投递。"),
            says("A webhook was disabled", "Its receiver failed for too long or is gone. Repair and enable it: events go on where they stopped.");
        dead_delivery: AlarmText =
            says("有投递已放弃", "接收方多次失败。修复后重新投递这些事件。"),
            says("Deliveries were given up", "The receiver failed every time. Repair it, then redeliver them.");
        dead_job: AlarmText =
            says("有后台任务已放弃", "查看最后一次错误，修复原因后重试。"),
            says("A background job was given up", "Read its last error, repair the cause and retry it.");
        metering_stopped: AlarmText =
            says("用量推送已暂停", "云市场拒绝了这个卖家的推送。修复权限或密钥，然后在「计量」恢复推送。"),
            says("Pushing of usage is stopped", "The marketplace refused pushes of this seller. Repair its rights or key, then resume on the metering page.");
        metering_unknown: AlarmText =
            says("有推送结果不明", "不确定云市场是否已经接受。在阿里云帐单中核对后，在「计量」逐条决定。"),
            says("It’s unknown whether usage was taken", "Check the Alibaba Cloud bill, then decide on each record on the metering page.");
        metering_rejected: AlarmText =
            says("用量被云市场拒绝", "查看拒绝代码，修复后在截止时间前重新推送，否则这部分用量不计费。"),
            says("The marketplace refused usage", "Read the code, repair the cause and retry before the deadline, or it won’t be billed.");
        metering_at_risk: AlarmText =
            says("用量将错过截止时间", "检查推送是否被限流或暂停。截止时间后云市场不再接受。"),
            says("Usage is about to miss its deadline", "Check whether pushes are throttled or stopped. After the deadline it can’t be billed.");
        unknown_product: AlarmText =
            says("买到的商品没有配置", "买家正在等待开通。把这个商品代码加入配置，云市场下次调用时开通。"),
            says("A product that isn’t configured was bought", "The buyer waits. Add this product code to the settings. The marketplace’s next call activates it.");
        unknown_plan: AlarmText =
            says("买到的套餐没有配置", "订阅已开通，但页面只能显示套餐代码。把套餐加入配置。"),
            says("A plan that isn’t configured was bought", "The subscription works, but pages can only show the plan’s code. Add it to the settings.");
        conflict: AlarmText =
            says("同一订阅收到内容不同的开通调用", "没有执行任何改动。与云市场核对这笔订单。"),
            says("A purchase came again with other contents", "Nothing was changed. Check this order with the marketplace.");
        unknown_instance: AlarmText = says("收到未知订阅的调用", WAIT_ZH), says("A call about an unknown subscription", WAIT_EN);
        released: AlarmText = says("已关闭的订阅又收到调用", WAIT_ZH), says("A call about a released subscription", WAIT_EN);
        foreign_binding: AlarmText =
            says("用户报告订阅绑定到了陌生组织", "核对买家帐号和组织，必要时解除绑定，让用户重新选择。"),
            says("Somebody reports a binding to an organization that isn’t theirs", "Check the buyer account and the organization. If it’s wrong, unbind, so that the person can choose again.");
        overdue: AlarmText = says("订阅已到期，云市场没有通知", WAIT_ZH), says("A term has ended and the marketplace has said nothing", WAIT_EN);
        disputed_expiry: AlarmText = says("到期通知早于到期日", WAIT_ZH), says("An expiry was told long before its date", WAIT_EN);
        missed_call: AlarmText =
            says("有调用没能保存", "写入过忙或磁盘已满，云市场得到 503 并会重试。检查磁盘和负载。"),
            says("A call couldn’t be stored", "Writes were too busy or the disk was full. The marketplace heard 503 and tries again. Check disk and load.");
        quarantined: AlarmText =
            says("云市场不认识这笔订阅", "已停止免登。可能是伪造的开通调用：核对订单，并更换安全密钥。"),
            says("The marketplace doesn’t know this subscription", "It can’t be entered. Its call may be forged: check the order and change the ISV key.");
        repaired: AlarmText = says("网关修正了订阅状态", "无需处理。"), says("The gateway repaired a subscription", "Nothing to do.");
        notification_stuck: AlarmText =
            says("云市场有无法处理的通知", "通知读不懂，或没有对应的订阅。在云市场卖家控制台查看失败通知。"),
            says("A notification of the marketplace can’t be processed", "It’s unreadable or its subscription isn’t here. See the failed notifications in the marketplace’s seller console.");
        unclear_answer: AlarmText = says("云市场的答复读不懂", "网关会再问一次。反复出现时联系支持。"), says("An answer of the marketplace can’t be read", "The gateway asks again. If it keeps happening, contact support.");
        adoption_unclear: AlarmText = says("云市场的订阅信息不完整", WAIT_ZH), says("What the marketplace tells of a subscription isn’t complete", WAIT_EN);
        refund_without_renewal: AlarmText = says("收到没有对应续费的退款", WAIT_ZH), says("A refund of a renewal that isn’t known", WAIT_EN);
        renewal_shortens: AlarmText = says("续费让到期日提前", WAIT_ZH), says("A renewal makes the term shorter", WAIT_EN);
        said_before: AlarmText = says("收到与以前完全相同的调用", WAIT_ZH), says("A call was made again word for word", WAIT_EN);
        sequence_in_question: AlarmText = says("调用的先后顺序有疑问", WAIT_ZH), says("The order of calls is in question", WAIT_EN);
        unknown_at_marketplace: AlarmText =
            says("云市场不再认识这笔订阅", "在云市场卖家控制台核对。网关没有改动它。"),
            says("The marketplace no longer knows this subscription", "Check it in the seller console. The gateway hasn’t changed it.");
        foreign_product: AlarmText =
            says("云市场说这笔订阅属于其他商品", "核对配置里的商品代码。网关没有改动它。"),
            says("The marketplace says that this belongs to another product", "Check the product codes in the settings. The gateway hasn’t changed it.");
        released_but_open: AlarmText =
            says("已关闭的订阅在云市场仍然开通", "与云市场核对。关闭是最终状态，网关不会重新开通。"),
            says("A released subscription is still open at the marketplace", "Check with the marketplace. Released is final here.");
        product_differs: AlarmText =
            says("商品与云市场不一致", "与云市场核对这笔订单。网关没有改动它。"),
            says("The product differs from the marketplace’s", "Check this order with the marketplace. The gateway hasn’t changed it.");
        opening_but_expired: AlarmText =
            says("订阅已过期，云市场却显示开通中", "与云市场核对。网关没有改动它。"),
            says("It has expired, and the marketplace says it’s opening", "Check with the marketplace. The gateway hasn’t changed it.");
        open_past_its_end: AlarmText =
            says("到期日已过，云市场仍显示已开通", "与云市场核对到期日。网关没有改动它。"),
            says("Its end has passed, and the marketplace says it’s active", "Check the date with the marketplace. The gateway hasn’t changed it.");
        restored: AlarmText =
            says("数据库是一份副本", "副本之后吊销的密钥、停用的用户、换掉的密码重新有效：核对密钥、Webhook、用户和运营人员。在「计量」逐条决定结果不明的记录，然后运行 marketgate resume。"),
            says("The database is a copy", "Keys revoked and users disabled since the copy was made work again, and so do passwords of before: check keys, webhooks, users and operators. Decide on the records in doubt on the metering page, then run marketgate resume.");
        clock_stepped: AlarmText =
            says("系统时钟跳变", "封存和推送已暂停。校准时钟；确认无误后运行 marketgate resume。"),
            says("The clock moved by itself", "Closing and pushing are paused. Set the clock right. Once it is, run marketgate resume.");
        backup_failed: AlarmText =
            says("定时备份没有完成", "检查备份目录和磁盘。网关每 15 分钟重试一次，下一次成功后自行解除。"),
            says("A backup wasn’t made", "Check its directory and the disk. It’s tried again every 15 minutes. The alarm ends with the next success.");
        fence_unreadable: AlarmText =
            says("主备共用的文件已有一分钟看不到", "检查挂载和网络。备机可能已经接管，所以恢复前不推送用量；云市场的调用照常应答。"),
            says("The file that both machines share hasn’t been seen for a minute", "Check the mount and the network. Another copy may have taken over, so no usage is pushed until it’s back; the marketplace is answered as before.");
        other: AlarmText = says("需要查看", "查看下面的详情。"), says("Needs a look", "See the details below.");
    }
}

impl Alarms {
    /// What an alarm of a kind says; an unknown kind gets a general text.
    #[must_use]
    pub fn kind(&self, kind: &str) -> AlarmText {
        match kind {
            "access_refused" => self.access_refused,
            "marketplace_unreachable" => self.marketplace_unreachable,
            "webhook_disabled" => self.webhook_disabled,
            "dead_delivery" => self.dead_delivery,
            "dead_job" => self.dead_job,
            "metering_stopped" => self.metering_stopped,
            "metering_unknown" => self.metering_unknown,
            "metering_rejected" => self.metering_rejected,
            "metering_at_risk" => self.metering_at_risk,
            "unknown_product" => self.unknown_product,
            "unknown_plan" => self.unknown_plan,
            "conflict" => self.conflict,
            "unknown_instance" => self.unknown_instance,
            "released" => self.released,
            "foreign_binding" => self.foreign_binding,
            "overdue" => self.overdue,
            "disputed_expiry" => self.disputed_expiry,
            "missed_call" => self.missed_call,
            "quarantined" => self.quarantined,
            "repaired" => self.repaired,
            "notification_stuck" => self.notification_stuck,
            "unclear_answer" => self.unclear_answer,
            "adoption_unclear" => self.adoption_unclear,
            "refund_without_renewal" => self.refund_without_renewal,
            "renewal_shortens" => self.renewal_shortens,
            "said_before" => self.said_before,
            "sequence_in_question" => self.sequence_in_question,
            "unknown_at_marketplace" => self.unknown_at_marketplace,
            "foreign_product" => self.foreign_product,
            "released_but_open" => self.released_but_open,
            "product_differs" => self.product_differs,
            "opening_but_expired" => self.opening_but_expired,
            "open_past_its_end" => self.open_past_its_end,
            "restored" => self.restored,
            "clock_stepped" => self.clock_stepped,
            "backup_failed" => self.backup_failed,
            "fence_unreadable" => self.fence_unreadable,
            _ => self.other,
        }
    }
}
