//! Texts of the frame, of the purchase and of forms, used on many pages.

use crate::domain::organization::Role;
use crate::domain::subscription::State;

use super::{Text, catalogue, plural};

catalogue! {
    /// The frame around every page, and words for the things that every page speaks of.
    Shared {
        skip: Text = "跳到正文", "Skip to content";
        /// The other language, in that language; its `lang` attribute says which.
        other_language: Text = "English", "中文";
        appearance: Text = "外观", "Appearance";
        theme_auto: Text = "跟随系统", "System";
        theme_light: Text = "浅色", "Light";
        theme_dark: Text = "深色", "Dark";
        sign_in: Text = "登录", "Sign in";
        sign_out: Text = "退出", "Sign out";
        register: Text = "注册", "Register";
        help: Text = "需要帮助？", "Need help? ";
        terms: Text = "服务协议", "Terms";
        privacy: Text = "隐私政策", "Privacy policy";
        continue_: Text = "继续", "Continue";
        details: Text = "详情", "Details";
        copy: Text = "复制", "Copy";
        copied: Text = "已复制", "Copied";
        link_to_copy: Text = "链接", "Link";
        and: Text = "、", ", ";

        progress: Text = "绑定进度", "Binding progress";
        step_sign_in: Text = "登录/注册", "Sign in";
        step_choose: Text = "选择组织", "Choose";
        step_confirm: Text = "确认绑定", "Confirm";
        step_done: Text = "完成", "Done";
        completed: Text = "已完成：", "Completed: ";

        marketplace: Text = "阿里云云市场", "Alibaba Cloud Marketplace";
        marketplace_subscription: Text = "阿里云云市场订阅", "Alibaba Cloud Marketplace subscription";
        buyer_account: Text = "阿里云帐号", "Alibaba Cloud account";
        buyer_account_uid: Text = "阿里云帐号 (UID)", "Alibaba Cloud account (UID)";
        order: Text = "订单号", "Order";
        subscription: Text = "订阅", "Subscription";
        plan: Text = "套餐", "Plan";
        activated_at: Text = "开通时间", "Activated";
        expires_at: Text = "到期时间", "Expires";
        product_code: Text = "商品代码", "Product code";
        by_usage: Text = "按实际用量计费，每小时汇总一次", "Billed by usage, totalled every hour";
        trial: Text = "试用", "Trial";
        opening: Text = "开通中", "Opening";
        active: Text = "已开通", "Active";
        expired: Text = "已过期", "Expired";
        released: Text = "已关闭", "Released";

        organization: Text = "组织", "Organization";
        /// Where the name of somebody would stand whose account is gone (rules D6).
        deleted_user: Text = "已删除用户", "Deleted user";
        switch_organization: Text = "组织（切换）", "Organization (switch)";
        owner: Text = "组织管理员", "Organization owner";
        billing_admin: Text = "组织账单管理员", "Organization billing admin";
        member: Text = "组织成员", "Organization member";
        members: fn(u64) -> String = |count| format!("{count} 位成员"), |count| plural(count, "member", "members");
        enter_product: fn(&str) -> String = |brand| format!("进入 {brand}"), |brand| format!("Open {brand}");
        contact_support: fn(&str) -> String = |mail| format!("联系支持 {mail}"), |mail| format!("Contact {mail}");

        summary: fn(u64) -> String =
            |count| format!("还有 {count} 处需要修改"),
            |count| format!("{} to correct", plural(count, "thing", "things"));
        /// Names a row's action fully for those who do not see the row: "退出：Chrome".
        action_of: fn(&str) -> String = |what| format!("：{what}"), |what| format!(": {what}");

        /// A pattern of `strftime`.
        day_in_sentence: Text = "%-m 月 %-d 日", "%-d %B";
        /// The same.
        month_in_sentence: Text = "%Y 年 %-m 月", "%B %Y";
        request_id: Text = "请求编号", "Request id";
        time: Text = "时间", "Time";
        reason: Text = "原因", "Reason";
        support: Text = "支持邮箱", "Support";
        marketplace_console: Text = "云市场「已购买的服务」", "Purchased services at the marketplace";
    }
}

impl Shared {
    #[must_use]
    pub const fn role(&self, role: Role) -> Text {
        match role {
            Role::Owner => self.owner,
            Role::Billing => self.billing_admin,
            Role::Member => self.member,
        }
    }

    #[must_use]
    pub const fn state(&self, state: State) -> Text {
        match state {
            State::Opening => self.opening,
            State::Active => self.active,
            State::Expired => self.expired,
            State::Released => self.released,
        }
    }
}

catalogue! {
    /// What is wrong with a field, by the code of the reason.
    Fields {
        required: Text = "这一项需要填写", "Fill in this field";
        name_required: Text = "填写一个名称", "Enter a name";
        email_required: Text = "填写邮箱地址", "Enter an e-mail address";
        password_required: Text = "填写密码", "Enter a password";
        why_required: Text = "填写原因", "Enter the reason";
        code_required: Text = "填写验证码", "Enter the code";
        no_decision: Text = "选择怎样处理", "Choose what to do";
        bad_email: Text = "邮箱地址不完整，例如 name@example.com", "The address isn’t complete, for example name@example.com";
        too_short: Text = "密码至少需要 10 个字符", "The password needs at least 10 characters";
        too_long: Text = "内容太长", "That’s too long";
        name_too_long: Text = "名称最多 60 个字符", "A name has 60 characters at most";
        why_too_long: Text = "原因最多 500 个字符", "A reason has 500 characters at most";
        name_malformed: Text = "名称包含不能使用的字符", "The name contains characters that can’t be used";
        malformed: Text = "包含不能使用的字符", "It contains characters that can’t be used";
        weak: Text = "这个密码太容易被猜到，换一个更长或更少见的", "This password is easy to guess. Use a longer or less common one";
        same_as_email: Text = "密码不能与邮箱或姓名相同", "The password can’t be your name or address";
        taken: Text = "这个邮箱已经注册，可以直接登录", "This address is already registered. Sign in instead";
        must_agree: Text = "勾选同意后才能注册", "Tick the box to register";
        wrong_credentials: Text = "邮箱或密码不正确", "The e-mail address or password isn’t right";
        wrong_password: Text = "密码不正确", "The password isn’t right";
        wrong_code: Text = "验证码不正确，或者已经过期", "The code isn’t right, or it’s too old";
        used_code: Text = "这个验证码已经用过，等应用显示下一个", "This code was used before. Wait for the app to show the next one";
        spent_code: Text = "这个验证码已经失效，重新发送一个", "This code no longer works. Send another one";
        not_yours: Text = "这不是您的登录邮箱", "This isn’t your sign-in address";
        too_soon: Text = "刚刚发送过，半分钟后再试", "A code was just sent. Try again in half a minute";
        too_many_codes: Text = "发送次数太多，换一个邮箱，或者一小时后再试", "Too many codes were sent. Use another address, or try again in an hour";
        wrong_recovery: Text = "恢复码不正确，或者已经用过", "The recovery code isn’t right, or it was used before";
        no_scope: Text = "至少勾选一项权限", "Tick at least one scope";
        choose_one: Text = "选择一个组织", "Choose an organization";
        name_taken: Text = "您已经有一个同名的组织", "You already have an organization of this name";
        too_many: Text = "尝试次数太多，稍等几分钟再试", "Too many attempts. Wait a few minutes";
        already_member: Text = "这个邮箱已经是组织的成员", "This address already belongs to the organization";
        just_invited: Text = "刚刚发送过邀请，一分钟后再试", "An invitation was just sent. Try again in a minute";
        too_many_mails: Text = "发给这个邮箱的邀请太多，一小时后再试", "This address has had too many invitations. Try again in an hour";
        too_many_invitations: Text = "待接受的邀请太多，先撤销一些", "Too many invitations are pending. Revoke some first";
        organization_full: Text = "组织已经有 500 位成员，不能再邀请", "The organization has 500 members, so nobody can be added";
        organization_frozen: Text = "组织已被冻结，不能邀请成员，请联系支持", "The organization was frozen by support, so nobody can be invited";
        not_invited: Text = "邀请发给另一个邮箱，填写收到邀请的邮箱", "The invitation was sent to another address. Use that one";
        not_its_name: Text = "与组织名称不一致", "This isn’t the organization’s name";
        not_a_day: Text = "填写一个日期，例如 2026-11-22", "Enter a date, for example 2026-11-22";
        other: Text = "检查这一项后重试", "Check this field and try again";
    }
}

impl Fields {
    /// The sentence for a field's code of reason; an unknown code gets a general one.
    #[must_use]
    pub fn reason(&self, field: &str, code: &str) -> Text {
        match (field, code) {
            ("name", "required") => self.name_required,
            ("email", "required") => self.email_required,
            ("password", "required") => self.password_required,
            ("why", "required") => self.why_required,
            ("code", "required") => self.code_required,
            ("choice", _) => self.choose_one,
            ("decision", _) => self.no_decision,
            ("scope", _) => self.no_scope,
            ("agree", _) => self.must_agree,
            (_, "required") => self.required,
            ("email", "malformed") | (_, "bad_email") => self.bad_email,
            (_, "too_short") => self.too_short,
            ("name", "too_long") => self.name_too_long,
            ("name", "malformed") => self.name_malformed,
            ("why", "too_long") => self.why_too_long,
            (_, "too_long") => self.too_long,
            (_, "malformed") => self.malformed,
            (_, "weak" | "too_weak") => self.weak,
            (_, "same_as_email") => self.same_as_email,
            ("name", "taken") => self.name_taken,
            (_, "taken") => self.taken,
            (_, "wrong_credentials") => self.wrong_credentials,
            (_, "wrong_password") => self.wrong_password,
            (_, "too_many_requests" | "too_many_attempts") => self.too_many,
            ("code", "wrong") => self.wrong_code,
            ("code", "used") => self.used_code,
            ("code", "spent") => self.spent_code,
            (_, "not_yours") => self.not_yours,
            (_, "too_soon") => self.too_soon,
            (_, "too_many_codes") => self.too_many_codes,
            ("recovery", _) => self.wrong_recovery,
            (_, "already_member") => self.already_member,
            (_, "just_invited") => self.just_invited,
            (_, "too_many_mails") => self.too_many_mails,
            (_, "too_many_invitations") => self.too_many_invitations,
            (_, "organization_full") => self.organization_full,
            (_, "organization_frozen") => self.organization_frozen,
            (_, "not_invited") => self.not_invited,
            (_, "not_a_day") => self.not_a_day,
            (_, "not_its_name") => self.not_its_name,
            _ => self.other,
        }
    }
}
