//! Texts about people: sign-in, registration, passwords, own account, sessions.

use super::{Text, catalogue, plural};

catalogue! {
    /// Signing in and one's own account.
    Account {
        name: Text = "姓名", "Name";
        email: Text = "邮箱", "E-mail";
        work_email: Text = "工作邮箱", "Work e-mail";
        password: Text = "密码", "Password";
        new_password: Text = "新密码", "New password";
        forgot: Text = "忘记密码", "Forgot password";

        login_title: fn(&str) -> String = |brand| format!("登录 {brand}"), |brand| format!("Sign in to {brand}");
        login_form: Text = "登录信息", "Sign-in details";
        login_lead_claim: Text = "登录后继续这笔订阅。", "Sign in to continue with this subscription.";
        no_account: Text = "还没有帐号？{}。", "No account yet? {}.";
        no_account_claim: Text = "还没有帐号？{}。两种方式都会继续这笔订阅。", "No account yet? {}. Either way continues with this subscription.";
        sign_in_first: Text = "登录后会回到您刚才打开的页面。", "After signing in you return to the page you opened.";
        session_ended: Text = "您的登录已经结束，再次登录后继续。", "Your session has ended. Sign in to continue.";
        password_changed: Text = "新密码已保存，用它登录。", "Your new password is saved. Sign in with it.";

        register_title: fn(&str) -> String = |brand| format!("注册 {brand} 帐号"), |brand| format!("Create a {brand} account");
        register_form: Text = "注册信息", "Registration details";
        have_account: Text = "已有帐号？{}。", "Already registered? {}.";
        have_account_claim: Text = "已有帐号？{}。两种方式都会继续这笔订阅。", "Already registered? {}. Either way continues with this subscription.";
        email_hint: Text = "用来登录，也用来接收续费与到期通知。", "You sign in with it and get notices about renewals and expiry.";
        password_hint: Text = "至少 10 个字符，不需要特殊符号。一句容易记住的话就很好。", "At least 10 characters, no special ones needed. A sentence you remember is good.";
        agree_both: Text = "我已阅读并同意 {} 和 {}", "I have read and accept the {} and the {}";
        agree_terms: Text = "我已阅读并同意 {}", "I have read and accept the {}";
        agree_plain: Text = "我同意使用条款", "I accept the terms of use";
        register_and_go_on: Text = "注册并继续", "Register and continue";
        registration_closed_title: Text = "这里不开放自行注册", "You can’t register yourself here";
        registration_closed_lead: Text =
            "帐号由组织管理员邀请创建。收到邀请邮件后，用其中的链接加入。",
            "Accounts are created by invitation from an organization owner. Use the link in the invitation mail.";

        forgot_title: Text = "重设密码", "Reset your password";
        forgot_lead: Text = "填写注册时的邮箱，我们会发送一个重设密码的链接。", "Enter the address you registered with. We’ll mail you a link.";
        forgot_form: Text = "重设密码", "Reset your password";
        send_link: Text = "发送链接", "Send the link";
        back_to_login: Text = "返回登录", "Back to sign-in";
        no_mail: Text = "这里没有配置发送邮件，需要支持人员为您重设密码。", "This installation sends no mail, so support has to reset your password.";
        forgot_sent_title: Text = "查收邮件", "Check your mail";
        forgot_sent_lead: fn(&str, u64) -> String =
            |email, minutes| format!("如果 {email} 已经注册，邮件会在几分钟内到达。链接 {minutes} 分钟内有效，只能用一次。"),
            |email, minutes| format!("If {email} is registered, a mail arrives within minutes. Its link works once, for {}.", plural(minutes, "minute", "minutes"));
        forgot_sent_safe: Text = "没有收到时，先看垃圾邮件，再确认邮箱是否写对。", "If nothing arrives, look into the spam folder, then check the address.";
        forgot_again: Text = "重新填写邮箱", "Enter another address";

        reset_title: Text = "设置新密码", "Set a new password";
        reset_lead: Text = "保存后，其他设备上的登录会全部退出。", "Saving it ends your sessions on all other devices.";
        reset_form: Text = "新密码", "New password";
        save_password: Text = "保存新密码", "Save the password";

        confirm_title: Text = "再次输入密码", "Enter your password again";
        confirm_lead: Text = "接下来的操作涉及费用或安全，需要确认是您本人。15 分钟内不会再次询问。", "What follows concerns money or security, so we make sure it’s you. You won’t be asked again for 15 minutes.";
        confirm_lead_marketplace: Text = "您是从云市场免登进入的，可以查看帐单和进入产品。其他操作需要输入密码。", "You came from the marketplace without signing in. You can see billing and open the product. Everything else needs your password.";
        confirm_form: Text = "确认身份", "Confirm it’s you";
        signed_in_as: Text = "当前帐号", "Signed in as";
        confirm: Text = "确认", "Confirm";
        cancel: Text = "取消", "Cancel";

        signed_out_title: Text = "您已退出", "You’re signed out";
        signed_out_lead: Text = "这个浏览器里的登录已经结束。绑定和用量不受影响。", "The session in this browser has ended. Bindings and usage go on.";
        sign_in_again: Text = "再次登录", "Sign in again";

        me_title: Text = "我的帐号", "Your account";
        me_card: Text = "个人信息", "About you";
        save: Text = "保存", "Save";
        saved: Text = "已保存。", "Saved.";
        me_preferences: Text = "显示", "Display";
        me_language: Text = "语言", "Language";
        me_language_now: Text = "中文", "English";
        registered_at: Text = "注册时间", "Registered";
        me_security: Text = "密码与两步验证", "Password and two-step verification";
        personal: Text = "个人", "Personal";

        sessions_title: Text = "登录会话", "Sessions";
        sessions_lead: Text = "以您的身份登录着的浏览器。不认识的，退出它并修改密码。", "Browsers signed in as you. End one you don’t know and change your password.";
        sessions_all: Text = "全部会话", "All sessions";
        end_others: Text = "退出其他全部会话", "Sign out everywhere else";
        device: Text = "浏览器", "Browser";
        address: Text = "网络地址", "Address";
        signed_in_at: Text = "登录时间", "Signed in";
        last_seen_at: Text = "最近使用", "Last used";
        actions: Text = "操作", "Actions";
        this_session: Text = "当前", "This one";
        via_marketplace: Text = "云市场免登", "From the marketplace";
        unknown_device: Text = "未知浏览器", "Unknown browser";
    }
}
