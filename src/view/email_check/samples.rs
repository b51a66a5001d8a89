//! The pages of mailed codes, for snapshots and for looking at them.

use maud::Markup;

use super::{Code, Own, code, own};
use crate::view::account::ClaimInHand;
use crate::view::frame::Frame;
use crate::view::parts::Problem;
use crate::view::samples::{Said, purchase};

pub fn pages(say: &Said, anyone: &Frame, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let email = "chen.siyuan@example.com".to_owned();
    let claim = Some(ClaimInHand { id: "clm_01".into(), purchase: Some(purchase(say)) });
    let mailed = Code { email: email.clone(), check: "chk_1".into(), ..Code::default() };
    let own_now = Own { email, is_mail_on: true, ..Own::default() };
    vec![
        ("email-code", code(anyone, &Code { claim, next: Some("/orgs".into()), ..mailed.clone() })),
        ("email-code-again", code(anyone, &Code { is_again: true, ..mailed.clone() })),
        ("email-code-refused", code(anyone, &Code { problems: vec![Problem::at("code", "spent")], ..mailed.clone() })),
        ("email-code-own", code(owner, &Code { is_own: true, ..mailed })),
        ("email-own", own(owner, &own_now)),
        ("email-own-verified", own(owner, &Own { is_verified: true, ..own_now.clone() })),
        ("email-own-without-mail", own(owner, &Own { is_mail_on: false, ..own_now })),
    ]
}
