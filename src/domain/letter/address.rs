//! Whose address it is: the code that says so, and what its owner reads when somebody registers with it again.

/// A mailed code; the subject begins with it, so that it is read without opening the mail.
pub(super) fn code_zh(brand: &str, code: &str, minutes: i64) -> (String, String) {
    (
        format!("{code} 是您的 {brand} 验证码"),
        format!(
            "您的验证码：\n\n{code}\n\n{minutes} 分钟内有效。请只在您自己打开的页面输入，不要告诉任何人。\n\n如果不是您本人操作，忽略这封邮件即可，什么都不会改变。"
        ),
    )
}

pub(super) fn code_en(brand: &str, code: &str, minutes: i64) -> (String, String) {
    (
        format!("{code} is your {brand} code"),
        format!(
            "Your code:\n\n{code}\n\nIt works for {minutes} minutes. Enter it only on the page that you opened yourself, and tell nobody.\n\nIf this wasn't you, ignore this mail: nothing changes."
        ),
    )
}

pub(super) fn taken_zh(brand: &str, login: &str, forgot: &str) -> (String, String) {
    (
        format!("您已经有 {brand} 帐号"),
        format!(
            "有人用这个邮箱填写了 {brand} 的注册或更换邮箱，但它已经属于您的帐号，所以没有发送验证码。\n\n直接登录：\n\n{login}\n\n忘记密码时在这里重设：\n\n{forgot}\n\n如果不是您本人操作，忽略这封邮件即可，什么都不会改变。"
        ),
    )
}

pub(super) fn taken_en(brand: &str, login: &str, forgot: &str) -> (String, String) {
    (
        format!("You already have a {brand} account"),
        format!(
            "Someone entered this address to register at {brand} or to change theirs. It already belongs to your account, so no code was sent.\n\nSign in:\n\n{login}\n\nIf you forgot your password, reset it here:\n\n{forgot}\n\nIf this wasn't you, ignore this mail: nothing changes."
        ),
    )
}
