//! Texts about invitations to an organization.

use super::{Text, catalogue, plural};

catalogue! {
    /// Inviting, and what the invited read.
    Invitations {
        invite: Text = "邀请成员", "Invite people";
        email: Text = "邮箱", "E-mail";
        role: Text = "角色", "Role";
        send: Text = "发送邀请", "Send the invitation";
        locked: Text = "输入密码后邀请成员", "Enter your password to invite people";
        pending: Text = "待接受的邀请", "Pending invitations";
        pending_hint: Text = "邀请链接 48 小时内有效", "Links work for 48 hours";
        state: Text = "状态", "State";
        actions: Text = "操作", "Actions";
        hours_left: fn(u64) -> String =
            |hours| format!("还有 {hours} 小时"),
            |hours| format!("{} left", plural(hours, "hour", "hours"));
        minutes_left: fn(u64) -> String =
            |minutes| format!("还有 {minutes} 分钟"),
            |minutes| format!("{} left", plural(minutes, "minute", "minutes"));
        expired: Text = "已失效", "Expired";
        unbacked: Text = "已失效：邀请人不再是组织管理员", "Void: its sender is no longer an owner";
        resend: Text = "重新发送", "Send again";
        revoke: Text = "撤销", "Revoke";
        was_sent: Text = "邀请已发送。对方接受后会出现在成员列表里。", "The invitation is on its way. Whoever accepts it appears among the members.";
        was_revoked: Text = "邀请已撤销，它的链接不再有效。", "The invitation was revoked. Its link no longer works.";
        joined: fn(&str) -> String =
            |organization| format!("您已加入「{organization}」。"),
            |organization| format!("You’ve joined {organization}.");

        link_title: Text = "把邀请链接交给对方", "Hand over the link";
        link_lead: Text =
            "这里不发送邮件，所以请您自己把链接交给 {}。链接 48 小时内有效，只对这个邮箱有效，只在这里显示一次。",
            "This installation sends no mail, so hand the link to {} yourself. It works for 48 hours and for this address only, and is shown only once.";
        link: Text = "邀请链接", "Invitation link";
        to_members: Text = "返回成员列表", "Back to the members";

        title: fn(&str) -> String =
            |organization| format!("加入「{organization}」"),
            |organization| format!("Join {organization}");
        lead: fn(&str) -> String =
            |inviter| format!("{inviter}邀请您加入这个组织。"),
            |inviter| format!("{inviter} invites you to this organization.");
        card: Text = "邀请", "Invitation";
        organization: Text = "组织", "Organization";
        invited_as: Text = "您的角色", "Your role";
        inviter: Text = "邀请人", "Invited by";
        sent_to: Text = "发给", "Sent to";
        valid_until: Text = "有效期至", "Valid until";
        frozen: Text =
            "这个组织现在因欠费被冻结。您可以加入并查看帐单，服务在续费或绑定新的订阅后恢复。",
            "This organization is frozen until it is paid for. You can join and see its bills. Service resumes once it’s renewed or bound to a new subscription.";
        accept: Text = "接受邀请", "Accept the invitation";
        accept_as: Text = "您现在以 {} 登录。", "You’re signed in as {}.";
        sign_in_or_register: Text =
            "用收到邀请的邮箱登录或注册，之后就能加入。",
            "Sign in or register with the address that was invited, then you can join.";
        decline: Text = "不想加入时，不用处理，邀请会自己失效。", "If you don’t want to join, do nothing: the invitation runs out by itself.";
        switch_user: Text = "切换帐号", "Switch account";
        to_organizations: Text = "我的组织", "Your organizations";

        other_title: Text = "这个邀请发给另一个邮箱", "This invitation is for another address";
        other_lead: Text =
            "邀请发给 {}，您现在登录的是 {}。邀请只对收到它的邮箱有效。",
            "It was sent to {}, and you’re signed in as {}. An invitation works only for the address it was sent to.";
        other_next: Text =
            "切换到收到邀请的帐号。没有这个帐号时，切换之后可以注册。需要用现在的帐号加入时，请组织管理员邀请现在的邮箱。",
            "Switch to the account that was invited; if you have none, you can register after switching. To join with this account, ask an owner to invite this address.";
        member_title: fn(&str) -> String =
            |organization| format!("您已经是「{organization}」的成员"),
            |organization| format!("You already belong to {organization}");
        member_lead: Text = "不需要再接受邀请，直接进入即可。", "There’s nothing left to accept. Go right in.";
        to_organization: Text = "进入组织", "Go to the organization";

        sign_in_to_join: fn(&str, &str) -> String =
            |organization, email| format!("登录后加入「{organization}」。邀请发给 {email}。"),
            |organization, email| format!("Sign in to join {organization}. The invitation was sent to {email}.");
        register_to_join: fn(&str, &str) -> String =
            |organization, email| format!("用收到邀请的邮箱 {email} 注册，然后加入「{organization}」。"),
            |organization, email| format!("Register with the invited address {email} to join {organization}.");
        register_and_join: Text = "注册并加入", "Register and join";
    }
}
