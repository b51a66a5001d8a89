//! The pages of keys, for snapshots and for looking at them.

use maud::Markup;

use super::{IsvKey, Key, Keys, Made, Making, Revoking, Rotating, Seller, Showing};
use crate::domain::api_key::{Scope, State};
use crate::domain::value::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::view::frame::{Frame, Who};
use crate::view::operator::Turn;
use crate::view::parts::Problem;
use crate::view::samples::{AT, Said};

pub(in crate::view) fn pages(say: &Said, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let name = say.or("周岚", "Lan Zhou");
    let who = Who { name: &name, email: "operator@example.com", is_via_marketplace: false, is_operator: true };
    let frame = &Frame { signed_in: Some(who), path: "/operator/keys", ..*owner };
    let key = Key {
        id: "key_01kb2r5v9hf3t8m2q7w4x6y0za".into(),
        name: say.or("产品后端", "Product backend"),
        hint: "mg_live_u7Qx".into(),
        scopes: vec![Scope::UsageWrite, Scope::OrganizationsRead, Scope::EventsRead, Scope::SessionsExchange],
        state: State::InForce,
        ends_soon: false,
        created_at: AT.plus_ms(-80 * DAY_MS),
        expires_at: None,
        last_used_at: Some(AT.plus_ms(-7 * MINUTE_MS)),
        replaces: None,
        replaced_by: None,
    };
    let ending = Key {
        id: "key_01kb2r5v9hf3t8m2q7w4x6y0zb".into(),
        name: say.or("用量上报任务", "Usage job"),
        hint: "mg_live_9fLk".into(),
        scopes: vec![Scope::UsageWrite],
        ends_soon: true,
        expires_at: Some(AT.plus_ms(5 * DAY_MS)),
        last_used_at: Some(AT.plus_ms(-3 * HOUR_MS)),
        ..key.clone()
    };
    let revoked = Key {
        id: "key_01kb2r5v9hf3t8m2q7w4x6y0zc".into(),
        name: say.or("测试脚本", "Test script"),
        hint: String::new(),
        scopes: Scope::ALL.to_vec(),
        state: State::Revoked,
        last_used_at: None,
        replaced_by: Some(key.id.clone()),
        ..key.clone()
    };
    let isv = |is_current, mark: &str, last: Option<i64>| IsvKey {
        is_current,
        mark: mark.into(),
        first_at: last.map(|_| AT.plus_ms(-90 * DAY_MS)),
        last_at: last.map(|ago| AT.plus_ms(-ago * MINUTE_MS)),
    };
    let seller = Seller {
        id: "alibaba".into(),
        keys: vec![isv(true, "5f0c91ab", Some(2)), isv(false, "e27d4410", Some(3_000))],
        access_key: Some("LTAI****q7Xz".into()),
    };
    let changing = Seller {
        id: "alibaba-intl".into(),
        keys: vec![isv(true, "07be3391", None), isv(false, "c4d85a02", Some(5))],
        access_key: None,
    };
    let alone = Seller { keys: vec![isv(true, "5f0c91ab", None)], ..seller.clone() };
    let keys = Keys {
        sellers: vec![seller, changing],
        lines: vec![key.clone(), ending.clone(), revoked.clone()],
        turn: Turn { next: Some("/operator/keys?after=key_01".into()), first: None },
    };
    let making = Making { id: "key_01kb2r5v9hf3t8m2q7w4x6y0zd".into(), ..Making::default() };
    let refused = Making {
        days: Some(90),
        problems: vec![Problem::at("name", "required"), Problem::at("scope", "required")],
        ..making.clone()
    };
    let made = Made { key: key.clone(), secret: format!("mg_live_u7Qx{}", "k3".repeat(19)), former: None };
    let former = Key { expires_at: Some(AT.plus_ms(DAY_MS)), ..ending.clone() };
    let rotated = Made {
        key: Key { replaces: Some(former.id.clone()), last_used_at: None, ..key.clone() },
        former: Some(former),
        ..made.clone()
    };
    let rotating = Rotating {
        key: ending.clone(),
        next_id: making.id.clone(),
        overlap_hours: 24,
        days: Some(90),
        problems: vec![],
    };
    let revoking = Revoking { key: key.clone(), why: String::new(), problems: vec![] };
    vec![
        ("operator-keys", super::keys(frame, &keys)),
        (
            "operator-keys-none",
            super::keys(frame, &Keys { lines: vec![], turn: Turn::default(), sellers: vec![alone] }),
        ),
        ("operator-key", super::showing(frame, &Showing { key: ending, was_revoked: false })),
        ("operator-key-revoked", super::showing(frame, &Showing { key: revoked, was_revoked: true })),
        ("operator-key-new", super::making(frame, &making)),
        ("operator-key-refused", super::making(frame, &refused)),
        ("operator-key-made", super::made(frame, &made)),
        ("operator-key-rotated", super::made(frame, &rotated)),
        ("operator-key-rotate", super::rotating(frame, &rotating)),
        (
            "operator-key-revoke",
            super::revoking(frame, &Revoking { problems: vec![Problem::at("why", "required")], ..revoking }),
        ),
    ]
}
