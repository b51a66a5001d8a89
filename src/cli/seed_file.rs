//! `--seed FILE`: what a fixture begins with beside the built-in seed; docs/fixture.md has an example.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::config::with_suggestion;
use crate::control::{Act, Step};
use crate::domain::organization::{Role, check_name};
use crate::domain::value::Email;
use crate::simulator::{Catalogue, FaultKind, Purchase};

use super::seed::{self, People};

/// Longest past that a seed may have: ten years.
const MAX_PAST_MS: i64 = 3_653 * crate::domain::value::DAY_MS;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct SeedFile {
    user: Vec<User>,
    organization: Vec<Organization>,
    purchase: Vec<Bought>,
    fault: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    email: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Organization {
    name: String,
    /// Role by e-mail address.
    members: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bought {
    account: String,
    /// The catalogue's first if it is not named.
    product: Option<String>,
    plan: String,
    #[serde(default)]
    trial: bool,
    #[serde(default)]
    items: BTreeMap<String, toml::Value>,
    at: Option<String>,
    expires_on: Option<String>,
    bind: Option<Bind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bind {
    user: String,
    organization: String,
    /// At the time of the purchase if it is not told.
    at: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    action: String,
    kind: String,
    #[serde(default = "one")]
    count: u32,
    delay_ms: Option<u64>,
}

const fn one() -> u32 {
    1
}

/// Reads a seed as a fixture does, and plays nothing of it.
///
/// # Errors
/// The sentence that the fixture would refuse it with.
pub fn check(text: &str) -> anyhow::Result<()> {
    let seed = SeedFile::parse(text)?;
    seed.people()?;
    seed.steps(&Catalogue::demo()).map(|_| ())
}

impl SeedFile {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no seed", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).map_err(|cause| {
            let line = cause.span().map(|span| text[..span.start].lines().count().max(1));
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            anyhow::anyhow!("{place}{}", with_suggestion(cause.message()))
        })
    }

    /// Who there is beside the people of the built-in seed.
    pub fn people(&self) -> anyhow::Result<People> {
        let mut people = People::default();
        for user in &self.user {
            let email = address(&user.email)?;
            let name = check_name(&user.name).map_err(|code| anyhow::anyhow!("user {email}: name is {code}"))?;
            ensure!(!people.knows(&email), "user {email} is there already");
            people.users.push((email, name));
        }
        for organization in &self.organization {
            let name = check_name(&organization.name)
                .map_err(|code| anyhow::anyhow!("organization '{}': name is {code}", organization.name))?;
            let mut members = Vec::new();
            for (email, role) in &organization.members {
                let email = address(email)?;
                ensure!(people.knows(&email), "organization '{name}': there is no user {email}");
                let role = Role::parse(role).with_context(|| {
                    format!("organization '{name}': role '{role}' is none of owner, billing, member")
                })?;
                members.push((email, role));
            }
            ensure!(
                members.iter().any(|(_, role)| *role == Role::Owner),
                "organization '{name}' needs a member who is owner"
            );
            people.organizations.push((name, members));
        }
        Ok(people)
    }

    /// What happened, in the order of its times; faults come last, so that they befall what a test does.
    pub fn steps(&self, catalogue: &Catalogue) -> anyhow::Result<Vec<Step>> {
        let mut steps = Vec::new();
        for (number, bought) in self.purchase.iter().enumerate() {
            let about = || format!("purchase {}", number + 1);
            let at_ms = bought.at.as_deref().map_or(Ok(0), past).with_context(about)?;
            let product = match &bought.product {
                Some(code) => catalogue.product(code),
                None => catalogue.products.first(),
            };
            let product = product.with_context(|| format!("{}: there is no such product", about()))?;
            ensure!(product.plan(&bought.plan).is_some(), "{}: there is no plan '{}'", about(), bought.plan);
            ensure!(
                catalogue.account(&bought.account).is_some(),
                "{}: there is no account '{}'; there are {}",
                about(),
                bought.account,
                catalogue.accounts.iter().map(|account| account.key.as_str()).collect::<Vec<_>>().join(", ")
            );
            let purchase = Purchase {
                account: bought.account.clone(),
                product: product.code.clone(),
                plan: bought.plan.clone(),
                is_trial: bought.trial,
                items: bought.items.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
                expires_at: None,
                form_id: None,
            };
            let expires_ms = bought.expires_on.as_deref().map(relative).transpose().with_context(about)?;
            steps.push(Step { at_ms, act: Act::Buy { number, purchase, expires_ms } });
            if let Some(bind) = &bought.bind {
                let bound_ms = bind.at.as_deref().map_or(Ok(at_ms), past).with_context(about)?;
                ensure!(bound_ms >= at_ms, "{}: it is bound before it is bought", about());
                let (user, organization) = (address(&bind.user)?, bind.organization.clone());
                steps.push(Step { at_ms: bound_ms, act: Act::Bind { number, user, organization } });
            }
        }
        steps.sort_by_key(|step| step.at_ms);
        for fault in &self.fault {
            let kind = FaultKind::parse(&fault.kind).with_context(|| {
                let kinds: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
                format!("fault '{}' is none of {}", fault.kind, kinds.join(", "))
            })?;
            ensure!(kind.applies_to(&fault.action), "fault {} does not apply to '{}'", fault.kind, fault.action);
            let (action, count, delay_ms) = (fault.action.clone(), fault.count, fault.delay_ms);
            steps.push(Step { at_ms: 0, act: Act::Break { action, kind, count, delay_ms } });
        }
        Ok(steps)
    }
}

fn address(text: &str) -> anyhow::Result<String> {
    Email::parse(text).map(|email| email.as_str().to_owned()).with_context(|| format!("'{text}' is no e-mail address"))
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `-30d` or `+2h`, in milliseconds from the present.
fn relative(text: &str) -> anyhow::Result<i64> {
    let bad = || format!("'{text}' is no relative time such as \"-30d\" or \"+2h\"");
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("-", rest)) => (-1, rest),
        Some(("+", rest)) => (1, rest),
        _ => anyhow::bail!(bad()),
    };
    let ms = crate::control::span(rest).with_context(bad)?;
    ensure!(ms <= MAX_PAST_MS, "'{text}' is more than ten years away");
    Ok(sign * ms)
}

fn past(text: &str) -> anyhow::Result<i64> {
    let ms = relative(text)?;
    ensure!(ms <= 0, "'{text}' lies in the future; what a seed has done is past");
    Ok(ms)
}

impl People {
    fn knows(&self, email: &str) -> bool {
        seed::USERS.iter().any(|(other, _)| *other == email)
            || email == seed::OPERATOR
            || self.users.iter().any(|(other, _)| other == email)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// What is wrong with a seed.
    fn trouble(text: &str) -> String {
        let tried = SeedFile::parse(text).and_then(|seed| {
            seed.people()?;
            seed.steps(&Catalogue::demo())
        });
        format!("{:#}", tried.unwrap_err())
    }

    #[test]
    fn what_is_wrong_with_a_seed_is_said() {
        for (text, told) in [
            ("[[usr]]\nemail = 'a@b.example'", "line 1: unknown key 'usr'; did you mean 'user'?"),
            ("[[user]]\nname = 'A'\nemial = 'a@b.example'", "unknown key 'emial'; did you mean 'email'?"),
            ("[[user]]\nname = 'A'\nemail = 'nobody'", "'nobody' is no e-mail address"),
            ("[[user]]\nname = 'A'\nemail = 'owner@example.com'", "is there already"),
            ("[[organization]]\nname = 'O'\nmembers = { 'x@y.example' = 'owner' }", "there is no user x@y.example"),
            ("[[organization]]\nname = 'O'\nmembers = { 'owner@example.com' = 'boss' }", "role 'boss'"),
            (
                "[[organization]]\nname = 'O'\nmembers = { 'owner@example.com' = 'member' }",
                "needs a member who is owner",
            ),
            ("[[purchase]]\naccount = 'A'\nplan = 'x'", "purchase 1: there is no plan 'x'"),
            ("[[purchase]]\naccount = 'Z'\nplan = 'cmgj00063418-postpay'", "there is no account 'Z'; there are A, B"),
            ("[[purchase]]\naccount = 'A'\nplan = 'cmgj00063418-postpay'\nat = '+1d'", "lies in the future"),
            ("[[purchase]]\naccount = 'A'\nplan = 'cmgj00063418-postpay'\nat = 'soon'", "'soon' is no relative time"),
            (
                "[[purchase]]\naccount = 'A'\nplan = 'cmgj00063418-postpay'\nat = '-1d'\nbind = { user = 'owner@example.com', organization = 'O', at = '-2d' }",
                "bound before it is bought",
            ),
            ("[[fault]]\naction = 'createInstance'\nkind = 'explode'", "fault 'explode' is none of delay"),
            ("[[fault]]\naction = 'PushMeteringData'\nkind = 'replay'", "does not apply"),
        ] {
            let trouble = trouble(text);
            assert!(trouble.contains(told), "{text}\n{trouble}");
        }
    }

    #[test]
    fn steps_come_in_the_order_of_their_times_and_faults_last() {
        let text = "[[fault]]\naction = 'createInstance'\nkind = 'cut'\n\
             [[purchase]]\naccount = 'A'\nplan = 'cmgj00063418-postpay'\nat = '-1d'\n\
             [[purchase]]\naccount = 'B'\nplan = 'cmgj00063418-postpay'\nat = '-30d'\n\
             bind = { user = 'owner@example.com', organization = 'O', at = '-2h' }";
        let steps = SeedFile::parse(text).unwrap().steps(&Catalogue::demo()).unwrap();
        let times: Vec<i64> = steps.iter().map(|step| step.at_ms / 3_600_000).collect();
        assert_eq!(times, [-720, -24, -2, 0]);
        assert!(matches!(steps[3].act, Act::Break { .. }));
    }
}
