//! What people type at its longest, and lists with many lines: words without a space, and more rows than a screen has.

use maud::Markup;

use super::{AT, Said, billing_page, bind, bound, of, purchase};
use crate::domain::organization::Role;
use crate::domain::value::DAY_MS;
use crate::view::billing::{self, Billing};
use crate::view::binding::{self, Bind};
use crate::view::console::Of;
use crate::view::frame::{Frame, Who};
use crate::view::member::{Member, Members, Reach, members};
use crate::view::organization::{self, ChannelState};
use crate::view::purchase::Purchase;
use crate::view::unbind;
use crate::view::usage::samples::overview;

/// An address as long as a list of members has to bear.
const EMAIL: &str = "a-very-long-local-part-without-any-space@subdomain.of.a-rather-long-company-name.example.com";

/// Sixty characters, as many as a name may have.
fn name(say: &Said) -> String {
    say.or(&"云帆数据科技集团有限公司".repeat(5), "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauges")
}

pub(super) fn pages(say: &Said, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let name = &name(say);
    let organization = || Of { name: name.clone(), ..of(say) };
    let purchase = || Purchase { plan_name: name.clone(), ..purchase(say) };
    let frame =
        &Frame { signed_in: Some(Who { name, email: EMAIL, is_via_marketplace: false, is_operator: false }), ..*owner };
    let mut binding = bind(say);
    for candidate in &mut binding.organizations {
        candidate.name.clone_from(name);
    }
    let rows = (0..60).map(|at| Member {
        user_id: format!("usr_{at}"),
        name: if at % 7 == 0 { name.clone() } else { say.or("沈知行", "Zhixing Shen") },
        email: if at % 5 == 0 { EMAIL.into() } else { format!("member-{at}@example.com") },
        role: [Role::Owner, Role::Billing, Role::Member][at % 3],
        joined_at: AT.plus_ms(-DAY_MS),
        is_self: at == 0,
    });
    let listed = |at| organization::Listed {
        id: format!("org_{at}"),
        name: name.clone(),
        role: Role::Billing,
        members: 1_234,
        channel: ChannelState::Requested,
        freeze: None,
    };
    vec![
        ("long-bind", binding::bind(frame, &Bind { purchase: purchase(), new_name: name.clone(), ..binding })),
        (
            "long-billing",
            billing::billing(
                frame,
                &Billing {
                    organization: organization(),
                    usage: Some(overview(say, false)),
                    ..billing_page(say, bound(say, purchase()))
                },
            ),
        ),
        (
            "long-members",
            members(
                frame,
                &Members {
                    organization: organization(),
                    members: rows.collect(),
                    reach: Reach::Everybody,
                    inviting: None,
                    done: None,
                },
            ),
        ),
        (
            "long-organizations",
            organization::list(
                frame,
                &organization::List { is_one_deleted: false, organizations: (0..3).map(listed).collect() },
            ),
        ),
        (
            "long-unbind",
            unbind::unbind(
                frame,
                &unbind::Unbind {
                    organization: organization(),
                    purchase: purchase(),
                    binding: "bnd_01".into(),
                    is_changed: false,
                },
            ),
        ),
    ]
}
