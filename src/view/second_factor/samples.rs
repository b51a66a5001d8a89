//! The pages of security and the second factor, for snapshots and for looking at them.

use maud::Markup;

use super::{Ask, Codes, Manage, SetUp, ask, codes, manage, set_up};
use crate::domain::value::DAY_MS;
use crate::view::account::ClaimInHand;
use crate::view::frame::Frame;
use crate::view::parts::Problem;
use crate::view::samples::{AT, Said, purchase};
use crate::view::security::{self, Password, Security};

pub fn pages(say: &Said, anyone: &Frame, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let claim = Some(ClaimInHand { id: "clm_01".into(), purchase: Some(purchase(say)) });
    let offered = SetUp {
        address: "otpauth://totp/Zilliz%20Cloud:owner@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Zilliz%20Cloud".into(),
        key: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ".into(),
        sealed: "sealed-1".into(),
        ..SetUp::default()
    };
    let shown = ["0b7k-9xq2-mt4h-w1sd", "q3n8-zz5p-6gdr-x0av", "k2m4-t8yh-c7we-91bs", "d5fj-r0np-3vxg-hq68"];
    let given = Codes { codes: shown.iter().map(|code| (*code).to_owned()).collect(), is_first: true };
    let managed = Manage { enabled_at: AT, recovery_left: 2, is_required: false };
    let off = Security { password_changed_at: AT.plus_ms(-90 * DAY_MS), second_factor: None, sessions: 2 };
    vec![
        ("totp-ask", ask(anyone, &Ask { claim, next: Some("/claim/clm_01".into()), ..Ask::default() })),
        (
            "totp-ask-entry",
            ask(anyone, &Ask { is_entry: true, problems: vec![Problem::at("recovery", "wrong")], ..Ask::default() }),
        ),
        ("totp-ask-refused", ask(anyone, &Ask { problems: vec![Problem::at("code", "used")], ..Ask::default() })),
        ("totp-set-up", set_up(owner, &offered)),
        ("totp-set-up-required", set_up(owner, &SetUp { is_required: true, ..offered.clone() })),
        ("totp-set-up-refused", set_up(owner, &SetUp { problems: vec![Problem::at("code", "wrong")], ..offered })),
        ("totp-codes", codes(owner, &given)),
        ("totp-codes-again", codes(owner, &Codes { is_first: false, ..given })),
        ("totp-manage", manage(owner, &managed)),
        ("totp-manage-required", manage(owner, &Manage { is_required: true, recovery_left: 10, ..managed })),
        ("security", security::security(owner, &off)),
        ("security-on", security::security(owner, &Security { second_factor: Some((AT, 9)), ..off })),
        ("password", security::password(owner, &Password { problems: vec![Problem::at("password", "too_weak")] })),
    ]
}
