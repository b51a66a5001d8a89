//! Texts of the binding page and what follows it (product §2.6–2.7, §4).

use super::{Text, catalogue, plural};

catalogue! {
    /// Choosing an organization, confirming, waiting, the result.
    Binding {
        title: Text = "为您的组织绑定支付方式", "Bind a payment method to your organization";
        lead: Text = "列表中包含您加入的所有组织；仅能选择您负责管理的一个组织。", "The list shows every organization you belong to. You can choose one that you manage.";
        lead_empty: Text =
            "您还没有可以绑定的组织。费用和成员都在组织里管理，创建只需要一个名称。",
            "You have no organization that can be bound yet. Charges and members are managed in one. All it needs is a name.";
        not_now: Text = "暂时不能选择", "Not available right now";
        you_are: fn(&str, u64) -> String =
            |role, members| format!("您是{role} · {members} 位成员"),
            |role, members| format!("You are the {} · {}", role.to_lowercase(), plural(members, "member", "members").replace(' ', "\u{a0}"));

        frozen: Text = "已冻结", "Frozen";
        frozen_reason: fn(&str) -> String =
            |role| format!("您是{role}。上一笔订阅已到期，服务已冻结。"),
            |role| format!("You are the {}. Its last subscription expired and its service is frozen. ", role.to_lowercase());
        frozen_until: fn(&str, &str) -> String =
            |role, day| format!("您是{role}。上一笔订阅已到期，{day}后将停止服务。"),
            |role, day| format!("You are the {}. Its last subscription expired; service stops after {day}. ", role.to_lowercase());
        thaws: Text = "绑定后立即解冻，数据不受影响。", "Binding unfreezes it at once. No data is lost.";

        replaces: Text = "更换", "Switch";
        replaces_text: Text =
            "现在通过订阅 {}（{}，阿里云帐号 {}）支付。确认后改为 {}，由阿里云帐号 {} 支付，中间没有空档。",
            "Now paying through subscription {} ({}, Alibaba Cloud account {}). After you confirm, it pays through {}, billed to Alibaba Cloud account {}, without a gap.";

        no_permission: Text = "权限不足", "No permission";
        no_permission_text: fn(&str) -> String =
            |owners| format!("您是组织成员，不能管理费用。组织管理员：{owners}。"),
            |owners| format!("You are a member and can’t manage billing. Owners: {owners}.");
        ask: Text = "请求管理员绑定", "Ask an owner to bind";
        ask_hint: Text = "我们会发邮件给他们，链接 72 小时内有效。", "We’ll mail them a link that works for 72 hours.";
        asked_at: Text = "已于 {} 请求，等待管理员确认。", "Asked on {}. Waiting for an owner.";

        bound: Text = "已绑定云市场订阅", "Marketplace subscription bound";
        bound_text: Text =
            "正在通过订阅 {}（阿里云帐号 {}）支付。一个组织同时只能有一笔订阅。",
            "Paying through subscription {} (Alibaba Cloud account {}). An organization can have one subscription at a time.";
        bound_expired: Text = "已绑定的订阅已到期", "Bound subscription expired";
        bound_expired_text: Text =
            "它绑定的订阅 {}（阿里云帐号 {}）已到期。可以在云市场续费，或更换为本次订阅。",
            "Its subscription {} (Alibaba Cloud account {}) has expired. Renew it at the marketplace or switch to this one.";
        switch: Text = "更换为本次订阅", "Switch to this subscription";
        requested: Text = "绑定处理中", "Being bound";
        requested_text: Text = "另一笔绑定正在处理，完成后这里会更新。", "Another binding is being processed. This page shows the result when it’s done.";
        view_progress: Text = "查看进度", "View progress";
        frozen_by_operator: Text = "已被冻结", "Frozen by support";
        frozen_by_operator_text: Text = "运营人员冻结了这个组织，绑定订阅不能解冻。", "Our operations team froze this organization. Binding can’t unfreeze it.";

        create: Text = "创建组织", "Create organization";
        organization_name: Text = "组织名称", "Organization name";
        create_hint: Text = "创建后您就是组织管理员，随时可以改名。", "You become its owner. You can rename it at any time.";
        create_hint_first: Text = "例如公司或团队的名称。创建后您就是组织管理员。", "For example the name of your company or team. You become its owner.";
        created: fn(&str) -> String =
            |name| format!("已创建「{name}」，您是组织管理员。下面已为您选中。"),
            |name| format!("“{name}” is created and you are its owner. It’s selected below.");
        awaiting_invitation: Text =
            "在等同事的邀请？接受邀请后，从云市场再点一次「免登」就能继续，这笔订阅会一直保留。",
            "Waiting for an invitation? Accept it, then open this subscription at the marketplace again. It stays yours.";

        confirm_section: Text = "确认", "Confirm";
        consequence: Text = "绑定后，该组织的费用将通过阿里云帐号 {} 支付。", "After binding, this organization’s charges are paid by Alibaba Cloud account {}.";
        entry: Text =
            "今后能在云市场控制台打开此订阅的人，可免登录以您的身份进入该组织",
            "From now on, anyone who can open this subscription in the marketplace console may enter this organization as me without signing in";
        confirm: Text = "确认绑定", "Confirm binding";
        confirm_hint: Text = "绑定后立即生效，可在「帐单概览」查看。", "Takes effect at once. See it under Billing.";
        confirm_disabled: Text = "创建或选择一个组织后即可确认。", "Create or choose an organization to confirm.";

        changed_title: Text = "您打开页面之后，情况有变化。没有提交任何内容，核对后再次确认。", "Things have changed since you opened this page. Nothing was submitted. Check and confirm again.";
        changed_subscription: Text = "这笔订阅的状态或到期时间已更新。", "The state or expiry of this subscription was updated.";
        changed_plan: Text = "这笔订阅的套餐已变更。", "The plan of this subscription was changed.";
        changed_organization: Text = "所选组织的情况已变化，可能是您的角色或冻结状态。", "The chosen organization has changed: your role, or whether it’s frozen.";
        changed_binding: Text = "所选组织现在的绑定与之前显示的不同。", "The chosen organization is bound differently than it was shown.";
        changed_account: Text = "付款的阿里云帐号与之前显示的不同。", "The Alibaba Cloud account that pays isn’t the one that was shown.";
        changed_other: Text = "页面上的信息已更新。", "What this page shows was updated.";

        asked_title: Text = "已请求管理员绑定", "An owner has been asked";
        asked_lead: fn(&str, &str) -> String =
            |organization, owners| format!("「{organization}」的组织管理员会收到邮件：{owners}。任何一位确认后，这笔订阅就绑定到该组织，您也会收到通知。"),
            |organization, owners| format!("The owners of “{organization}” get a mail: {owners}. When one of them confirms, this subscription is bound to the organization and you’re told.");
        asked_lead_link: fn(&str, &str) -> String =
            |organization, owners| format!("这里不发送邮件。把下面的链接发给「{organization}」的组织管理员：{owners}。"),
            |organization, owners| format!("This installation sends no mail. Send the link below to an owner of “{organization}”: {owners}.");
        asked_valid: Text = "链接 72 小时内有效，只能用一次。在此之前，这笔订阅一直为您保留。", "The link works once, for 72 hours. This subscription is kept for you until then.";
        back_to_list: Text = "返回选择组织", "Back to the organizations";

        approval_title: fn(&str) -> String = |name| format!("为「{name}」绑定支付方式"), |name| format!("Bind a payment method to “{name}”");
        approval_lead: fn(&str, &str) -> String =
            |name, email| format!("「{name}」（{email}）请求您把这笔云市场订阅绑定到该组织。"),
            |name, email| format!("{name} ({email}) asks you to bind this marketplace subscription to the organization.");
        approval_entry: fn(&str) -> String =
            |name| format!("今后能在云市场控制台打开此订阅的人，可免登录以「{name}」的身份进入该组织。"),
            |name| format!("From then on, anyone who can open this subscription in the marketplace console may enter this organization as {name} without signing in.");
        approval_valid: Text = "链接在 {} 前有效。不同意时关闭页面即可。", "The link works until {}. To refuse, just close this page.";
        approval_impossible: Text =
            "现在不能绑定：这笔订阅或该组织已有绑定正在生效或处理，或者订阅不再有效。",
            "It can’t be bound now: the subscription or the organization has a binding already, or the subscription is no longer active.";

        processing_title: Text = "正在处理您的授权请求", "Processing your request";
        processing_lead: Text = "通常只要几秒钟，完成后页面会自动前进。您可以关闭页面，处理不会中断。", "This usually takes seconds. The page moves on by itself. You can close it; processing continues.";
        processing_section: Text = "处理进度", "Progress";
        stage_subscription: Text = "核对订阅状态", "Check the subscription";
        stage_rights: fn(&str) -> String =
            |name| format!("确认您可以管理「{name}」的费用"),
            |name| format!("Check that you manage the billing of “{name}”");
        stage_vendor: fn(&str) -> String = |brand| format!("等待 {brand} 确认"), |brand| format!("Wait for {brand} to confirm");
        stage_channel: Text = "建立云市场扣费渠道", "Set up the marketplace channel";
        stage_tell: fn(&str) -> String = |brand| format!("通知 {brand}"), |brand| format!("Notify {brand}");
        in_progress: Text = "进行中", "In progress";
        waiting: Text = "等待", "Waiting";
        latest: Text = "查看最新进度", "Show the latest progress";

        done_title: Text = "绑定成功", "Binding complete";
        done_lead: fn(&str) -> String =
            |name| format!("从现在起，「{name}」的用量计入这笔云市场订阅，由阿里云帐号统一支付。"),
            |name| format!("From now on, the usage of “{name}” counts towards this marketplace subscription and the Alibaba Cloud account pays.");
        done_section: Text = "绑定结果", "The binding";
        payer: Text = "付款方", "Paid by";
        user: Text = "使用方", "Used by";
        channel: Text = "扣费渠道", "Channel";
        live_since: Text = "生效时间", "In effect since";
        to_billing: Text = "前往帐单概览", "Go to billing";
        then: Text = "接下来", "What happens next";
        then_usage: Text = "用量每小时汇总一次，推送给云市场；金额以阿里云帐单为准。", "Usage is totalled every hour and sent to the marketplace. Amounts are those of the Alibaba Cloud bill.";
        then_entry: Text = "以后从云市场点「免登」，会以您的身份直接进入这个组织。", "Opening the subscription at the marketplace will take people straight into this organization as you.";
        then_no_entry: Text = "以后从云市场点「免登」，登录后进入这个组织。", "Opening the subscription at the marketplace will lead to this organization after signing in.";
        then_notice: fn(u64) -> String =
            |count| format!("绑定通知已发送给组织管理员和账单管理员，共 {count} 人。"),
            |count| format!("Owners and billing admins are notified: {}.", plural(count, "person", "people"));

        failed_title: Text = "绑定没有完成", "The binding wasn’t completed";
        refused_lead: fn(&str, &str) -> String =
            |brand, name| format!("{brand} 没有接受把这笔订阅绑定到「{name}」。"),
            |brand, name| format!("{brand} didn’t accept this subscription for “{name}”.");
        timed_out_lead: fn(&str, &str) -> String =
            |brand, name| format!("{brand} 没有在规定时间内确认「{name}」的绑定，请求已自动取消。"),
            |brand, name| format!("{brand} didn’t confirm the binding of “{name}” in time, so it was cancelled.");
        cancelled_lead: fn(&str, &str) -> String =
            |_, name| format!("处理期间情况发生变化，「{name}」的绑定请求已取消。"),
            |_, name| format!("Things changed while it was processed, so the binding of “{name}” was cancelled.");
        because_subscription_expired: Text = "这笔订阅已到期。", "The subscription has expired.";
        because_subscription_released: Text = "这笔订阅已在云市场关闭。", "The marketplace has released the subscription.";
        because_subscription_opening: Text = "这笔订阅还没有开通。", "The subscription isn’t active yet.";
        because_not_manager: Text = "您已经不能管理该组织的费用。", "You no longer manage the organization’s billing.";
        because_organization_deleted: Text = "该组织已被删除。", "The organization was deleted.";
        because_organization_frozen: Text = "该组织已被运营人员冻结。", "The organization was frozen by our operations team.";
        because_person: Text = "有人在处理完成之前取消了请求。", "Somebody cancelled the request before it was done.";
        vendor_says: Text = "对方说明", "What they say";
        failed_safe: Text = "订阅仍然为您保留，组织原有的支付方式没有变化，也没有产生费用。", "The subscription is still kept for you, the organization pays as before and nothing was charged.";
        failed_next: Text = "可以重试，或选择另一个组织。多次失败时联系支持。", "Try again or choose another organization. If it keeps failing, contact support.";
        retry: Text = "重试", "Try again";
    }
}
