//! Texts between the marketplace and the sign-in: rules A2, A3, A5.

use super::{Text, catalogue, plural};

catalogue! {
    /// Arriving from the marketplace.
    Landing {
        entry_title: Text = "打开您的云市场订阅", "Open your marketplace subscription";
        entry_lead: fn(&str) -> String =
            |brand| format!("按「继续」进入 {brand}。这一步确认打开链接的是您，而不是邮件或聊天软件的预览。"),
            |brand| format!("Continue to {brand}. This step makes sure that you opened the link, not the preview of a mail or chat program.");

        title: Text = "您的订阅已开通，还差一步", "Your subscription is active. One step left";
        lead: Text =
            "登录或注册后，把这笔订阅绑定到您的组织，费用就由下面的阿里云帐号支付。",
            "Sign in or register, then bind this subscription to your organization. The Alibaba Cloud account below pays.";
        have_account: fn(&str) -> String = |brand| format!("已有 {brand} 帐号"), |brand| format!("You have a {brand} account");
        first_time: Text = "第一次使用", "You are new here";
        first_time_lead: Text = "注册约需一分钟，之后自动回到这笔订阅：", "Registering takes a minute and brings you back to this subscription:";
        first_time_1: Text = "填写姓名、邮箱和密码", "Enter your name, e-mail address and a password";
        first_time_2: Text = "创建组织，您就是组织管理员", "Create an organization. You become its owner";
        first_time_3: Text = "确认绑定，开始使用", "Confirm the binding and start";
        registration_closed: Text =
            "这里不开放自行注册。请您的同事邀请您加入组织，然后再点一次「免登」。",
            "You can’t register yourself here. Have a colleague invite you, then open the subscription at the marketplace again.";
        kept: Text =
            "这笔订阅已为您保留。离开也没关系，从云市场「已购买的服务」再点一次「免登」就能回来。",
            "This subscription is kept for you. You can leave and come back by opening it again among the purchased services at the marketplace.";

        chooser_title: Text = "选择要继续的订阅", "Choose the subscription to continue";
        chooser_lead: fn(u64) -> String =
            |count| format!("您从云市场打开了 {count} 笔订阅，都还没有完成。一次继续一笔。"),
            |count| format!("You opened {} at the marketplace and none is finished. Continue with one.", plural(count, "subscription", "subscriptions"));
        kept_until: Text = "为您保留到 {}", "Kept for you until {}";

        waiting_title: Text = "正在等待云市场开通结果", "Waiting for the marketplace";
        waiting_lead: Text =
            "您来得比云市场的开通通知更快。收到通知后页面会自动前进，通常不到一分钟。",
            "You were faster than the marketplace’s notice. This page moves on when it arrives, usually within a minute.";
        waiting_progress: Text = "等待进度", "Progress";
        waiting_1: Text = "已确认您来自云市场", "You came from the marketplace";
        waiting_2: Text = "等待云市场通知订阅开通", "Notice that the subscription is active";
        waiting_3: Text = "登录或注册，选择组织", "Sign in or register, choose an organization";
        waiting_long: Text =
            "开通一般需要 1 – 5 分钟。您可以关闭页面，稍后从云市场再点一次「免登」。",
            "Activation takes 1 to 5 minutes. You can close this page and open the subscription again later.";

        not_found_title: Text = "未找到该订阅", "Subscription not found";
        not_found_lead: fn(&str) -> String =
            |id| format!("云市场没有把订阅 {id} 的开通结果通知到这里，主动查询也没有找到。"),
            |id| format!("The marketplace hasn’t told us of subscription {id}, and asking for it found nothing.");
        not_found_safe: Text = "您的订单和付款都在云市场，没有因此改变。", "Your order and payment are at the marketplace, unchanged.";
        not_found_next: Text =
            "如果刚刚购买，几分钟后再查一次。仍然没有时，把下面的请求编号发给支持人员。",
            "If you have just bought it, check again in a few minutes. If it’s still missing, send support the request id below.";
        not_open_title: Text = "这笔订阅还没有开通", "This subscription isn’t active yet";
        not_open_lead: fn(&str) -> String =
            |id| format!("云市场已把订阅 {id} 通知到这里，但这里还没有为它开通服务。"),
            |id| format!("The marketplace has told us of subscription {id}, but the service hasn’t been set up for it here yet.");
        not_open_next: Text =
            "运营人员已收到告警。过一会儿再查一次，或者把下面的请求编号发给支持人员。",
            "Our operators have been alerted. Check again later, or send support the request id below.";
        check_again: Text = "再查一次", "Check again";

        expired_title: Text = "这笔订阅已过期", "This subscription has expired";
        expired_lead: Text =
            "在云市场续费后，再点一次「免登」就能继续绑定。",
            "Renew it at the marketplace, then open it again to continue.";
        expired_on: Text = "它于 {} 到期。", "It expired on {}. ";
        renew: Text = "前往云市场续费", "Renew at the marketplace";

        released_title: Text = "这笔订阅已关闭", "This subscription is released";
        released_lead: Text =
            "云市场已经释放了它，不能再绑定。需要继续使用时，可以在云市场再次购买。",
            "The marketplace has released it, so it can’t be bound any more. You can buy it again at the marketplace.";
        buy_again: Text = "前往云市场再次购买", "Buy again at the marketplace";

        foreign_title: Text = "这笔订阅已绑定到其他组织", "This subscription is bound to another organization";
        foreign_lead: fn(&str, &str) -> String =
            |name, email| format!("您现在以「{name}」（{email}）登录，不是它所绑定组织的成员。"),
            |name, email| format!("You’re signed in as {name} ({email}), who isn’t a member of that organization.");
        not_yours_title: Text = "这笔订阅由另一位用户打开", "Another user opened this subscription";
        not_yours_lead: fn(&str, &str) -> String =
            |name, email| format!("您现在以「{name}」（{email}）登录。要以这个帐号继续，从云市场再点一次「免登」。"),
            |name, email| format!("You’re signed in as {name} ({email}). To continue as this user, open it again at the marketplace.");
        foreign_switch: Text =
            "如果您用另一个邮箱加入了那个组织，切换帐号后直接进入。",
            "If you joined that organization with another address, switch accounts and go straight in.";
        foreign_dispute: Text =
            "如果您购买了这笔订阅却不认识那个组织，告诉我们，支持人员会核对。",
            "If you bought this subscription but don’t know that organization, tell us. Support will check.";
        switch_account: Text = "切换帐号", "Switch account";
        not_my_organization: Text = "这不是我的组织", "That isn’t my organization";
        reported: Text =
            "已告知支持人员，他们会核对并与您联系。请求编号 {}。",
            "Support has been told. They’ll check and contact you. Request id {}.";

        expired_link_lead: Text =
            "从云市场打开的免登链接只在 {}内有效。这个链接生成于 {}，已经过去 {}。",
            "A link from the marketplace works for {}. This one was made at {}, {} ago.";
        minutes: fn(u64) -> String = |count| format!("{count} 分钟"), |count| plural(count, "minute", "minutes");
        hours: fn(u64) -> String = |count| format!("{count} 小时"), |count| plural(count, "hour", "hours");
        days: fn(u64) -> String = |count| format!("{count} 天"), |count| plural(count, "day", "days");
    }
}
