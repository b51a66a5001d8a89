//! What an error page says, by the error's code: what happened, why, what is safe, what to do next.

use super::{Text, catalogue};

/// The four things that an error page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorText {
    /// What happened, as the `h1`.
    pub title: Text,
    /// Why.
    pub lead: Text,
    /// 没有受影响的
    pub safe: Text,
    /// 现在可以做的
    pub next: Text,
}

const fn says(title: Text, lead: Text, safe: Text, next: Text) -> ErrorText {
    ErrorText { title, lead, safe, next }
}

const NOTHING_ZH: Text = "您的订阅、订单和已有的绑定都没有变化，也没有产生费用。";
const NOTHING_EN: Text = "Your subscription, order and existing bindings are unchanged. Nothing was charged.";
const UNSAVED_ZH: Text = "没有保存任何改动，已有的数据不受影响。";
const UNSAVED_EN: Text = "Nothing was saved and nothing that existed was changed.";
const UNJOINED_ZH: Text = "您的帐号和您已经加入的组织都没有变化。";
const UNJOINED_EN: Text = "Your account and the organizations you belong to are unchanged.";
const AGAIN_ZH: Text = "回到云市场「已购买的服务」，在这笔订阅上再点一次「免登」，会得到一个新链接。";
const AGAIN_EN: Text =
    "Go back to purchased services at the marketplace and open this subscription again. You get a new link.";

catalogue! {
    /// Errors by code, and the headings of their page.
    Errors {
        safe: Text = "没有受影响的", "What is not affected";
        next: Text = "现在可以做的", "What you can do";
        support_card: Text = "联系支持时请附上", "Tell support";
        to_marketplace: Text = "回到云市场重新打开", "Open it again at the marketplace";
        sign_in_to: fn(&str) -> String = |brand| format!("登录 {brand}"), |brand| format!("Sign in to {brand}");
        to_organizations: Text = "我的组织", "Your organizations";
        reload: Text = "重新加载", "Try again";

        link_expired: ErrorText = says(
            "这个链接已经失效",
            "从云市场打开的免登链接只在几分钟内有效，这个链接已经超过时间。",
            NOTHING_ZH,
            AGAIN_ZH,
        ), says(
            "This link has expired",
            "A link from the marketplace works for a few minutes only. This one is older.",
            NOTHING_EN,
            AGAIN_EN,
        );
        link_used: ErrorText = says(
            "这个链接已经使用过",
            "从云市场打开的免登链接只能用一次，而且只在第一次打开它的浏览器里有效。",
            NOTHING_ZH,
            AGAIN_ZH,
        ), says(
            "This link has been used",
            "A link from the marketplace works once, in the browser that opened it first.",
            NOTHING_EN,
            AGAIN_EN,
        );
        link_invalid: ErrorText = says(
            "这个链接不完整",
            "链接的签名与内容不符，可能在复制或转发时丢失了一部分。",
            NOTHING_ZH,
            AGAIN_ZH,
        ), says(
            "This link isn’t complete",
            "Its signature doesn’t match its content. A part may have been lost when it was copied or forwarded.",
            NOTHING_EN,
            AGAIN_EN,
        );
        claim_expired: ErrorText = says(
            "这次操作已经超过时间",
            "从云市场进入后，24 小时内没有继续，为了安全需要重新进入。",
            NOTHING_ZH,
            AGAIN_ZH,
        ), says(
            "This took too long",
            "You came from the marketplace more than 24 hours ago. For safety, come in again.",
            NOTHING_EN,
            AGAIN_EN,
        );
        claim_not_found: ErrorText = says(
            "这里没有可以继续的订阅",
            "这个浏览器没有从云市场打开过订阅，或者打开它的是另一位用户。",
            NOTHING_ZH,
            AGAIN_ZH,
        ), says(
            "There is no subscription to continue here",
            "This browser hasn’t opened a subscription from the marketplace, or another user did.",
            NOTHING_EN,
            AGAIN_EN,
        );
        mail_link_expired: ErrorText = says(
            "这个邮件链接已经失效",
            "邮件里的链接只能用一次，而且有时间限制。",
            "您的帐号和密码没有变化。",
            "重新申请一封邮件，使用其中最新的链接。",
        ), says(
            "This link from the mail has expired",
            "A link in a mail works once and for a limited time.",
            "Your account and password are unchanged.",
            "Ask for another mail and use the newest link.",
        );
        invitation_unknown: ErrorText = says(
            "这个邀请链接无效",
            "链接不完整，或者后来又发送了新的邀请链接，旧的随之失效。",
            UNJOINED_ZH,
            "使用最近一封邀请邮件里的链接，或者请组织管理员重新发送。",
        ), says(
            "This invitation link doesn’t work",
            "It isn’t complete, or a newer link was sent and this one ended with it.",
            UNJOINED_EN,
            "Use the link in the newest invitation mail, or ask an owner to send another one.",
        );
        invitation_expired: ErrorText = says(
            "这个邀请已经过期",
            "邀请链接 48 小时内有效，这个链接已经超过时间。",
            UNJOINED_ZH,
            "请邀请您的人重新发送。",
        ), says(
            "This invitation has expired",
            "An invitation works for 48 hours. This one is older.",
            UNJOINED_EN,
            "Ask whoever invited you to send it again.",
        );
        invitation_revoked: ErrorText = says(
            "这个邀请已经撤销",
            "组织管理员撤销了它，或者邀请人不再管理这个组织，或者组织已经删除。",
            UNJOINED_ZH,
            "如果仍然需要加入，请组织管理员重新邀请。",
        ), says(
            "This invitation was revoked",
            "An owner revoked it, or its sender no longer owns the organization, or the organization was deleted.",
            UNJOINED_EN,
            "If you still need to join, ask an owner to invite you again.",
        );
        invitation_used: ErrorText = says(
            "这个邀请已经接受过",
            "一个邀请只能接受一次。",
            UNJOINED_ZH,
            "用收到邀请的邮箱登录，就能看到这个组织。已经离开组织的，需要新的邀请。",
        ), says(
            "This invitation has been accepted",
            "An invitation can be accepted once.",
            UNJOINED_EN,
            "Sign in with the address that was invited to see the organization. If you’ve left it, you need a new invitation.",
        );
        invitation_frozen: ErrorText = says(
            "现在不能加入这个组织",
            "组织已被支持人员冻结，解冻之前不能增加成员。",
            UNJOINED_ZH,
            "请组织管理员联系支持。邀请在有效期内仍可使用。",
        ), says(
            "You can’t join this organization now",
            "Support has frozen it. Until that is lifted nobody can be added.",
            UNJOINED_EN,
            "Ask an owner to contact support. The invitation stays valid until it runs out.",
        );
        organization_full: ErrorText = says(
            "这个组织的成员已满",
            "一个组织最多有 500 位成员。",
            UNJOINED_ZH,
            "请组织管理员移除不再需要的成员。邀请在有效期内仍可使用。",
        ), says(
            "This organization is full",
            "An organization has 500 members at most.",
            UNJOINED_EN,
            "Ask an owner to remove members who no longer need it. The invitation stays valid until it runs out.",
        );
        form_expired: ErrorText = says(
            "这个页面已经过期",
            "页面打开得太久，或者您在另一个标签页里登录或退出了。",
            UNSAVED_ZH,
            "返回上一页并刷新，然后再提交一次。",
        ), says(
            "This page is out of date",
            "It was open for too long, or you signed in or out in another tab.",
            UNSAVED_EN,
            "Go back, reload the page and submit it again.",
        );
        cross_site: ErrorText = says(
            "这次提交不是从本站的页面发出的",
            "请求来自其他网站，或者您打开本站时用的地址不是它的正式地址。",
            UNSAVED_ZH,
            "用本站的正式地址重新打开页面，再提交一次。如果您是管理员，请核对 public_url。",
        ), says(
            "This was not sent from a page of this site",
            "The request came from another site, or you opened this one under an address that is not its own.",
            UNSAVED_EN,
            "Open the page under this site’s own address and submit it again. If you run it, check public_url.",
        );
        cookies_needed: ErrorText = says(
            "这个浏览器没有保存 Cookie",
            "继续这笔订阅需要一个 Cookie，浏览器拒绝了它，或者链接在另一个浏览器里打开。",
            NOTHING_ZH,
            "允许本站的 Cookie，然后从云市场再点一次「免登」。",
        ), says(
            "This browser keeps no cookies",
            "Going on with this subscription needs a cookie. The browser refused it, or the link was opened in another one.",
            NOTHING_EN,
            "Allow cookies for this site, then open the subscription at the marketplace again.",
        );
        not_owner: ErrorText = says(
            "只有组织管理员可以做这件事",
            "管理成员、更改组织设置和删除组织由组织管理员进行。您的角色可能刚刚有变化。",
            UNSAVED_ZH,
            "联系组织管理员。",
        ), says(
            "Only an owner can do this",
            "Owners manage people, change the organization’s settings and delete it. Your own role may just have changed.",
            UNSAVED_EN,
            "Ask an organization owner.",
        );
        last_owner: ErrorText = says(
            "组织不能没有管理员",
            "这是唯一的组织管理员，不能移除。",
            UNSAVED_ZH,
            "先将另一位成员设为组织管理员。",
        ), says(
            "An organization can’t be without an owner",
            "This is the only owner, who can’t be removed.",
            UNSAVED_EN,
            "Make another member an owner first.",
        );
        forbidden: ErrorText = says(
            "您没有权限查看这个页面",
            "这个页面属于您没有加入的组织，或者需要更高的角色。",
            UNSAVED_ZH,
            "联系组织管理员，或者换一个帐号登录。",
        ), says(
            "You can’t open this page",
            "It belongs to an organization you aren’t in, or needs another role.",
            UNSAVED_EN,
            "Ask an organization owner, or sign in with another account.",
        );
        not_found: ErrorText = says(
            "没有找到这个页面",
            "地址可能写错了，或者页面所属的内容已经不在。",
            UNSAVED_ZH,
            "检查地址，或者从组织列表重新进入。",
        ), says(
            "There is no such page",
            "The address may be mistyped, or what it showed no longer exists.",
            UNSAVED_EN,
            "Check the address, or start from your organizations.",
        );
        already_bound: ErrorText = says(
            "这笔订阅或这个组织刚刚完成了绑定",
            "另一位管理员或另一个标签页先确认了，一笔订阅和一个组织同时只能有一个绑定。",
            "先完成的那个绑定照常生效，这次提交没有改变任何东西。",
            "重新加载，查看现在的状态。",
        ), says(
            "This subscription or organization was just bound",
            "Another manager or another tab was first. A subscription and an organization have one binding at a time.",
            "The first binding holds. What you sent changed nothing.",
            "Reload to see how things are now.",
        );
        key_made: ErrorText = says(
            "这个密钥已经创建过",
            "同一个表单提交了两次。第一次已经创建了密钥，并显示过一次。",
            "没有创建第二个密钥，已有的密钥都照常有效。",
            "在「密钥」列表里找到它。如果没有保存，轮换它会得到一个新的。",
        ), says(
            "This key has been created",
            "The same form was sent twice. The first time made the key and showed it once.",
            "No second key was made, and every key works as before.",
            "Find it in the list of keys. If you didn’t keep it, rotate it to get a new one.",
        );
        too_many_rows: ErrorText = says(
            "这张表太长，不能一次下载",
            "符合条件的记录超过 100,000 条，一次最多下载这么多。",
            "没有下载任何内容，也没有改动任何数据。",
            "返回列表，按日期、状态或其他条件缩小范围，分几次下载。",
        ), says(
            "This table is too long for one download",
            "More than 100,000 rows match, which is the most that one table holds.",
            "Nothing was downloaded and nothing was changed.",
            "Go back to the list, narrow the filter by date, state or otherwise, and download it in parts.",
        );
        conflict: ErrorText = says(
            "情况刚刚发生了变化",
            "在您提交之前，别处已经做了改动，这次提交不再适用。",
            UNSAVED_ZH,
            "重新加载，查看现在的状态，再决定是否继续。",
        ), says(
            "Things have just changed",
            "Something was changed elsewhere before you submitted, so this no longer applies.",
            UNSAVED_EN,
            "Reload, see how things are now, and decide again.",
        );
        gone: ErrorText = says(
            "这里的内容已经结束",
            "它已经用过、过期或被撤销。",
            UNSAVED_ZH,
            "从组织列表重新进入。",
        ), says(
            "This has ended",
            "It was used, expired or withdrawn.",
            UNSAVED_EN,
            "Start from your organizations.",
        );
        invalid: ErrorText = says(
            "提交的内容不完整",
            "有一项缺失或格式不对。",
            UNSAVED_ZH,
            "返回上一页，检查后再提交一次。",
        ), says(
            "What was sent isn’t complete",
            "Something is missing or malformed.",
            UNSAVED_EN,
            "Go back, check it and submit it again.",
        );
        too_many_requests: ErrorText = says(
            "操作太频繁",
            "短时间内的请求太多，为了安全暂停片刻。",
            UNSAVED_ZH,
            "稍等一两分钟再试。",
        ), says(
            "Too many attempts",
            "There were too many requests in a short time, so we pause for safety.",
            UNSAVED_EN,
            "Wait a minute or two and try again.",
        );
        busy: ErrorText = says(
            "服务暂时繁忙",
            "现在的请求太多，这一次没有处理。",
            "没有做任何改动，您的订阅和数据都在。",
            "几秒钟后重新加载。",
        ), says(
            "We’re busy right now",
            "There are too many requests, so this one wasn’t handled.",
            "Nothing was changed. Your subscription and data are there.",
            "Reload in a few seconds.",
        );
        internal: ErrorText = says(
            "我们这边出了问题",
            "处理请求时发生了意外的错误，已经记录下来。",
            "没有完成的改动不会生效，已有的订阅、绑定和数据都在。",
            "稍后重新加载。如果仍然出现，把下面的请求编号告诉支持人员。",
        ), says(
            "Something went wrong on our side",
            "An unexpected error occurred while handling the request. It has been recorded.",
            "Unfinished changes don’t take effect. Existing subscriptions, bindings and data are there.",
            "Try again later. If it happens again, tell support the request id below.",
        );
    }
}

impl Errors {
    /// What to say about an error code; about `kind` (`forbidden`, `not_found`, `conflict`, `gone`, …) if the code
    /// has no text of its own; and the general text if neither has one.
    #[must_use]
    pub fn find(&self, code: &str, kind: &str) -> &ErrorText {
        self.known(code).or_else(|| self.known(kind)).unwrap_or(&self.internal)
    }

    fn known(&self, code: &str) -> Option<&ErrorText> {
        Some(match code {
            "link_expired" => &self.link_expired,
            "link_used" => &self.link_used,
            "link_invalid" => &self.link_invalid,
            "claim_expired" => &self.claim_expired,
            "claim_not_found" | "claim" => &self.claim_not_found,
            "mail_link_expired" | "approval" | "reset" | "code" => &self.mail_link_expired,
            "invitation" => &self.invitation_unknown,
            "invitation_expired" => &self.invitation_expired,
            "invitation_revoked" => &self.invitation_revoked,
            "invitation_used" => &self.invitation_used,
            "invitation_frozen" => &self.invitation_frozen,
            "organization_full" => &self.organization_full,
            "form_expired" => &self.form_expired,
            "cross_site" => &self.cross_site,
            "cookies_needed" => &self.cookies_needed,
            "not_owner" => &self.not_owner,
            "last_owner" => &self.last_owner,
            "forbidden" => &self.forbidden,
            "not_found" => &self.not_found,
            "already_bound" => &self.already_bound,
            "key_made" => &self.key_made,
            "too_many_rows" => &self.too_many_rows,
            "conflict" => &self.conflict,
            "gone" => &self.gone,
            "invalid" => &self.invalid,
            "too_many_requests" => &self.too_many_requests,
            "busy" => &self.busy,
            _ => return None,
        })
    }
}
