//! Texts about how one's own account is protected: password, second factor, and what may be asked for and erased.

use super::{Text, catalogue, plural};

catalogue! {
    /// The security page and the second factor.
    Security {
        title: Text = "安全", "Security";
        lead: Text = "保护您的帐号，以及您管理的组织的帐单。", "Protects your account and the bills of the organizations you manage.";
        password: Text = "密码", "Password";
        password_changed_at: Text = "上次修改", "Last changed";
        change_password: Text = "修改密码", "Change the password";
        password_lead: Text = "保存后，其他设备上的登录会全部退出，我们也会发邮件告诉您。", "Saving it signs out all other devices, and we mail you about it.";
        password_form: Text = "新密码", "New password";

        second_factor: Text = "两步验证", "Two-step verification";
        on: Text = "已启用", "On";
        off: Text = "未启用", "Off";
        off_text: Text = "启用后，登录时除了密码，还需要手机上验证器应用显示的验证码。密码泄露时，别人也进不来。", "With it, signing in takes your password and a code from an app on your phone. A stolen password alone lets nobody in.";
        set_up: Text = "启用两步验证", "Turn on two-step verification";
        manage: Text = "管理两步验证", "Manage two-step verification";
        enabled_at: Text = "启用时间", "Turned on";
        recovery_codes: Text = "恢复码", "Recovery codes";
        recovery_left: fn(u64) -> String = |count| format!("还剩 {count} 个"), |count| format!("{count} left");
        sessions_count: fn(u64) -> String = |count| format!("{count} 个登录会话"), |count| plural(count, "session", "sessions");
        see_sessions: Text = "查看登录会话", "See the sessions";

        set_up_required: Text = "运营人员需要先启用两步验证，才能使用运营控制台和其他页面。", "Operators have to turn on two-step verification before they can use the console and other pages.";
        step_app: Text = "在手机上安装一个验证器应用，例如 Microsoft Authenticator、Google Authenticator 或 1Password。", "Install an authenticator app on your phone, such as Microsoft Authenticator, Google Authenticator or 1Password.";
        step_scan: Text = "用它扫描这个二维码。", "Scan this code with it.";
        step_key: Text = "不能扫描时，在应用里手动输入这个密钥（基于时间，6 位）：", "If you can’t scan it, enter this key in the app by hand (time-based, 6 digits):";
        step_code: Text = "输入应用显示的 6 位验证码。", "Enter the 6-digit code that the app shows.";
        qr_title: Text = "二维码，内容与下面的密钥相同", "A QR code with the same content as the key below";
        code: Text = "验证码", "Verification code";
        code_hint: Text = "验证器应用显示的 6 位数字", "The 6 digits that your authenticator app shows";
        code_form: Text = "验证码", "Verification code";
        turn_on: Text = "启用", "Turn on";

        codes_title: Text = "保存您的恢复码", "Save your recovery codes";
        codes_lead_first: Text = "两步验证已启用。手机丢失或换新时，用恢复码代替验证码登录。每个只能用一次。", "Two-step verification is on. If your phone is lost or replaced, a recovery code signs you in instead of the app. Each works once.";
        codes_lead_again: Text = "以前的恢复码已全部失效。每个新恢复码只能用一次。", "The former codes no longer work. Each new one works once.";
        codes_once: Text = "恢复码只显示这一次。抄下来或打印，放在手机以外的安全地方。", "They’re shown only now. Write them down or print them, and keep them in a safe place that isn’t your phone.";
        codes_saved: Text = "我已保存", "I’ve saved them";
        codes_few: Text = "恢复码快用完了，建议重新生成。", "Few recovery codes are left. It’s a good moment to make new ones.";

        renew_codes: Text = "重新生成恢复码", "Make new recovery codes";
        renew_text: Text = "以前的恢复码会全部失效。", "The former codes stop working.";
        disable: Text = "停用两步验证", "Turn off two-step verification";
        disable_text: Text = "停用后只用密码就能登录，恢复码也会失效。换手机时，先停用，再用新手机启用。", "After that your password alone signs you in, and the recovery codes stop working. To move to another phone, turn it off, then on again with the new one.";
        disable_refused: Text = "运营人员需要两步验证，不能停用。", "Operators need two-step verification, so it can’t be turned off.";

        ask_title: Text = "输入验证码", "Enter the verification code";
        ask_lead: Text = "密码正确。您启用了两步验证，还需要验证器应用显示的 6 位验证码。", "Your password is right. You use two-step verification, so the 6-digit code of your authenticator app is needed as well.";
        ask_lead_entry: Text = "您从云市场免登进入。这个帐号启用了两步验证，还需要验证器应用显示的 6 位验证码。", "You came from the marketplace without signing in. This account uses two-step verification, so the 6-digit code of its authenticator app is needed.";
        go_on: Text = "继续", "Continue";
        no_app: Text = "手机不在身边？使用恢复码", "No phone at hand? Use a recovery code";
        recovery_code: Text = "恢复码", "Recovery code";
        recovery_hint: Text = "启用两步验证时保存的 16 位恢复码，不区分大小写", "One of the 16-character codes you saved when you turned it on, in any case";
        use_recovery: Text = "使用恢复码", "Use the recovery code";
        recovery_form: Text = "恢复码", "Recovery code";
        other_user: Text = "用其他帐号登录", "Sign in with another account";
        code_too_late: Text = "输入验证码的时间已过，再次登录后继续。", "The time for the code has run out. Sign in again to continue.";
        account_deleted: Text = "您的帐号已删除，个人信息已清除。", "Your account was deleted and your personal data was erased.";
    }
}
