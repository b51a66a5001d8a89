//! The letter that asks somebody to join an organization.

use crate::domain::organization::Role;

/// What it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub brand: &'a str,
    pub inviter: &'a str,
    pub organization: &'a str,
    pub role: Role,
    pub link: &'a str,
    pub hours: i64,
}

pub(super) fn zh(it: Asked<'_>) -> (String, String) {
    let Asked { brand, inviter, organization, link, hours, .. } = it;
    let role = match it.role {
        Role::Owner => "组织管理员",
        Role::Billing => "组织账单管理员",
        Role::Member => "组织成员",
    };
    (
        format!("{inviter} 邀请您加入 {brand} 的组织「{organization}」"),
        format!(
            "{inviter} 邀请您以{role}的身份加入 {brand} 的组织「{organization}」。打开下面的链接查看并接受，{hours} 小时内有效：\n\n{link}\n\n还没有帐号时，可以在那里用这个邮箱注册。链接只对这个邮箱有效，不要转发。\n\n不认识这个邀请？不用处理，什么都不会改变。"
        ),
    )
}

pub(super) fn en(it: Asked<'_>) -> (String, String) {
    let Asked { brand, inviter, organization, link, hours, .. } = it;
    let role = match it.role {
        Role::Owner => "an owner",
        Role::Billing => "a billing admin",
        Role::Member => "a member",
    };
    (
        format!("{inviter} invites you to {organization} at {brand}"),
        format!(
            "{inviter} invites you to join the organization {organization} at {brand} as {role}. Open this link to see and accept it. It works for {hours} hours:\n\n{link}\n\nIf you have no account yet, register there with this address. The link works for this address only, so don't forward it.\n\nDon't know this invitation? Do nothing, and nothing changes."
        ),
    )
}
