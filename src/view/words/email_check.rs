//! Texts about mailed codes and one's own address.

use super::{Text, catalogue};

catalogue! {
    /// The check of an address.
    EmailCheck {
        code_title: Text = "查收验证码", "Check your mail";
        code_lead: Text = "我们向 {} 发送了邮件，里面有 6 位验证码，15 分钟内有效。", "We’ve sent a mail to {}. It has a 6-digit code that works for 15 minutes.";
        code_form: Text = "验证码", "Code";
        code: Text = "邮件验证码", "Code from the mail";
        code_hint: Text = "邮件里的 6 位数字", "The 6 digits in the mail";
        go_on: Text = "验证并继续", "Check and continue";
        not_there: Text = "没有收到时，先看垃圾邮件，再确认邮箱是否写对。这个页面可以一直开着。", "If nothing arrives, look into the spam folder, then check the address. You can leave this page open.";
        send_again: Text = "重新发送", "Send another code";
        sent_again: Text = "新的验证码已发送，以前的不再有效。", "Another code is on its way. The former one no longer works.";
        other_address: Text = "换一个邮箱", "Use another address";

        own_title: Text = "登录邮箱", "Sign-in address";
        own_now: Text = "现在的邮箱", "Your address now";
        verified: Text = "已验证", "Verified";
        unverified: Text = "未验证", "Not verified";
        verify_text: Text = "验证后，邀请和审批才会与您的帐号对应。", "Once it’s verified, invitations and approvals can find your account.";
        verify: Text = "验证这个邮箱", "Verify this address";
        change: Text = "更换邮箱", "Change the address";
        new_email: Text = "新邮箱", "New address";
        new_email_hint: Text = "我们会向它发送验证码，输入之后才会更换。", "We send it a code. The address changes once you enter it.";
        send_code: Text = "发送验证码", "Send the code";
        no_mail: Text = "这里没有配置发送邮件，更换邮箱请联系 {}。", "This installation sends no mail. To change the address, write to {}.";
        see: Text = "验证或更换邮箱", "Verify or change the address";
    }
}
