//! A claim's page: whatever step is true now; and the steps a person takes (rules A3, A4).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::form::Form;
use super::visit::{Page, Visit, see_other};
use crate::domain::binding::State;
use crate::domain::claim::{self as rule, Step};
use crate::domain::organization::{Choice, check_name};
use crate::domain::subscription::{self, Standing};
use crate::domain::value::mask_uid;
use crate::error::Error;
use crate::usecase::claim::{Confirm, Confirmed, Look, Viewer};
use crate::usecase::{self, Subscription};
use crate::view::binding::{self as pages, Change, Stage};
use crate::view::landing;
use crate::view::parts::Problem;
use crate::view::purchase::Purchase;

#[derive(Deserialize, Default)]
pub struct Options {
    /// An organization that was just created here.
    chosen: Option<String>,
    /// 「重试」
    again: Option<String>,
    /// 「更换为本次订阅」: the organization whose subscription is to be replaced.
    switch: Option<String>,
    /// 「这不是我的组织」 was pressed.
    reported: Option<String>,
}

/// The open claims of this browser and person: none, one, or a choice.
pub async fn index(visit: Visit) -> Page {
    let (browser_hash, user_id, now) = (visit.browser_hash(), visit.user_id().map(str::to_owned), visit.now);
    let claims = visit
        .app
        .store
        .read(move |db| {
            let viewer = Viewer {
                browser_hash: browser_hash.as_ref().map(|hash| &hash[..]),
                user_id: user_id.as_deref(),
                ..Viewer::default()
            };
            usecase::claim::list(db, viewer, now)
        })
        .await?;
    if let [(claim, _)] = claims.as_slice() {
        return Ok(see_other(format!("/claim/{}", claim.id)));
    }
    if claims.is_empty() {
        return Err(Error::NotFound("claim").into());
    }
    let claims = claims
        .into_iter()
        .map(|(claim, subscription)| landing::OpenClaim {
            purchase: subscription.as_ref().map(|found| purchase(&visit, found)),
            subscription_id: claim.instance_id,
            kept_until: rule::expires_at(claim.created_at, claim.step_at),
            id: claim.id,
        })
        .collect();
    Ok(visit.html(|frame| landing::chooser(frame, &landing::Chooser { claims })))
}

/// The one page that is true for this claim now.
pub async fn show(visit: Visit, id: Path<String>, options: Query<Options>) -> Page {
    let look = look(&visit, &id, options.again.is_some()).await?;
    Ok(render(
        &visit,
        &look,
        &Extra {
            chosen: options.chosen.clone(),
            switched: options.switch.clone(),
            is_reported: options.reported.is_some(),
            ..Extra::default()
        },
    ))
}

/// 「确认绑定」
pub async fn confirm(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (app, now, claim_id) = (visit.app.clone(), visit.now, id.into_inner());
    let choice = form.text("choice").to_owned();
    let allows_entry = form.has("entry") && app.config.accounts.passwordless_entry;
    let binding_id = app.chance.id("bnd", now);
    let (live_from, deadline_at) = (app.live_from(now), app.confirmation_deadline(now));
    let (browser_hash, user_id) = (visit.browser_hash(), visit.user_id().map(str::to_owned));
    let (posted, posted_id, request_id) = (choice.clone(), claim_id.clone(), visit.request_id.clone());
    let confirmed = visit
        .app
        .store
        .write(move |tx| {
            let confirm = Confirm {
                claim_id: &posted_id,
                viewer: Viewer {
                    browser_hash: browser_hash.as_ref().map(|hash| &hash[..]),
                    user_id: user_id.as_deref(),
                    request_id: &request_id,
                },
                choice: &posted,
                allows_entry,
                new_binding_id: &binding_id,
                live_from,
                deadline_at,
            };
            usecase::claim::confirm(tx, &app.keys, &confirm, now)
        })
        .await?;
    let extra = match confirmed {
        Confirmed::Requested => {
            return Ok(see_other(format!("/claim/{claim_id}")));
        }
        Confirmed::Changed => {
            let organization_id = choice.split('.').next().map(str::to_owned);
            Extra {
                changed: vec![Change::Other],
                chosen: organization_id,
                entry: Some(allows_entry),
                ..Extra::default()
            }
        }
        Confirmed::Nothing => {
            Extra { problems: vec![Problem::at("choice", "required")], entry: Some(allows_entry), ..Extra::default() }
        }
    };
    let status = if extra.changed.is_empty() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::CONFLICT };
    let look = look(&visit, &claim_id, true).await?;
    let mut response = render(&visit, &look, &extra);
    *response.status_mut() = status;
    Ok(response)
}

/// 「创建组织」 in place: the creator owns it, and the claim goes on with it chosen.
pub async fn create_organization(visit: Visit, id: Path<String>, form: Form) -> Page {
    let look = look(&visit, &id, true).await?;
    if look.step != Step::Choose {
        return Ok(see_other(format!("/claim/{}", look.claim.id)));
    }
    let name = match check_name(form.text("name")) {
        Ok(name) => name,
        Err(code) => {
            let extra = Extra {
                problems: vec![Problem::at("name", code)],
                new_name: form.text("name").to_owned(),
                ..Extra::default()
            };
            let mut response = render(&visit, &look, &extra);
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
    };
    let organization_id = super::organization::found(&visit, name).await?;
    Ok(see_other(format!("/claim/{}?chosen={organization_id}", look.claim.id)))
}

/// 「请求管理员绑定」
pub async fn request_approval(visit: Visit, id: Path<String>, form: Form) -> Page {
    let look = look(&visit, &id, true).await?;
    let offer = look
        .offers
        .iter()
        .find(|offer| offer.candidate.id == form.text("choice") && offer.choice == Choice::NotManager);
    let (Some(offer), Some(found), Some(user_id)) = (offer, &look.subscription, visit.user_id()) else {
        return Ok(see_other(format!("/claim/{}", look.claim.id)));
    };
    let (app, now, user_id) = (visit.app.clone(), visit.now, user_id.to_owned());
    let (claim_id, organization_id) = (look.claim.id.clone(), offer.candidate.id.clone());
    let plan = purchase(&visit, found);
    let ask = usecase::approval::Ask { plan: plan.name(), uid_masked: plan.uid_masked.clone() };
    let link = app
        .store
        .clone()
        .write(move |tx| {
            usecase::approval::ask(tx, &super::session::mailer(&app), &claim_id, &organization_id, &user_id, &ask, now)
        })
        .await?;
    let page = pages::Asked {
        claim: look.claim.id.clone(),
        purchase: plan,
        organization: offer.candidate.name.clone(),
        owners: offer.candidate.owners.clone(),
        // Nobody is mailed: the link is handed over by hand (rules A7).
        link: (!visit.app.is_mail_read).then_some(link),
    };
    Ok(visit.html(|frame| pages::asked(frame, &page)))
}

/// 「切换帐号」: signs out; the claim stays.
pub async fn switch_user(visit: Visit, id: Path<String>, _form: Form) -> Page {
    super::session::sign_out(&visit).await?;
    Ok(see_other(format!("/claim/{id}")))
}

/// 「这不是我的组织」: a case for the operator (rules A5).
pub async fn report(visit: Visit, id: Path<String>, _form: Form) -> Page {
    let (app, now, claim_id) = (visit.app.clone(), visit.now, id.into_inner());
    let (browser_hash, user_id, reported) =
        (visit.browser_hash(), visit.user_id().map(str::to_owned), claim_id.clone());
    let request_id = visit.request_id.clone();
    app.store
        .clone()
        .write(move |tx| {
            let viewer = Viewer {
                browser_hash: browser_hash.as_ref().map(|hash| &hash[..]),
                user_id: user_id.as_deref(),
                request_id: &request_id,
            };
            usecase::claim::report(tx, &app.keys, &reported, viewer, now)
        })
        .await?;
    Ok(see_other(format!("/claim/{claim_id}?reported=1")))
}

pub(super) async fn look(visit: &Visit, id: &str, is_again: bool) -> Result<Look, Error> {
    let (app, now, id) = (visit.app.clone(), visit.now, id.to_owned());
    let (browser_hash, user_id) = (visit.browser_hash(), visit.user_id().map(str::to_owned));
    visit
        .app
        .store
        .read(move |db| {
            let viewer = Viewer {
                browser_hash: browser_hash.as_ref().map(|hash| &hash[..]),
                user_id: user_id.as_deref(),
                ..Viewer::default()
            };
            usecase::claim::look(db, &app.keys, &id, viewer, is_again, now)
        })
        .await
}

/// What a page shows beside the facts: what was typed, what was wrong.
#[derive(Default)]
struct Extra {
    chosen: Option<String>,
    switched: Option<String>,
    changed: Vec<Change>,
    problems: Vec<Problem>,
    new_name: String,
    entry: Option<bool>,
    is_reported: bool,
}

fn render(visit: &Visit, look: &Look, extra: &Extra) -> HttpResponse {
    let claim = look.claim.id.clone();
    let subscription_id = look.claim.instance_id.clone();
    if let Some(of) = &look.organization {
        visit.set_zone(&of.time_zone);
    }
    let bought =
        || look.subscription.as_ref().map_or_else(|| unknown_purchase(visit, look), |found| purchase(visit, found));
    match look.step {
        Step::Wait => {
            let page = landing::Waiting { subscription_id, since: look.claim.created_at };
            visit.html_that_advances(|frame| landing::waiting(frame, &page))
        }
        Step::NotFound | Step::NotOpen => {
            let is_known = look.step == Step::NotOpen;
            let page = landing::Missing { subscription_id, is_known, at: visit.now };
            visit.html_with(StatusCode::NOT_FOUND, |frame| landing::missing(frame, &page))
        }
        Step::SignIn => {
            let page = landing::Welcome {
                claim,
                purchase: bought(),
                is_registration_open: super::session::is_registration_open(visit),
                email: String::new(),
                problems: vec![],
            };
            visit.html(|frame| landing::welcome(frame, &page))
        }
        Step::NotYours => foreign(visit, landing::ForeignKind::NotYours, claim, bought(), false),
        Step::BoundElsewhere => {
            foreign(visit, landing::ForeignKind::BoundElsewhere, claim, bought(), extra.is_reported)
        }
        Step::Expired => {
            let page = landing::Ended { purchase: bought(), marketplace_url: console_url(visit, look) };
            visit.html_with(StatusCode::GONE, |frame| landing::expired(frame, &page))
        }
        Step::Released => {
            let page = landing::Ended { purchase: bought(), marketplace_url: market_url(visit, look) };
            visit.html_with(StatusCode::GONE, |frame| landing::released(frame, &page))
        }
        Step::Choose => {
            let page = bind(visit, look, extra, bought());
            visit.html(|frame| pages::bind(frame, &page))
        }
        Step::Processing => {
            let requested_at = look.binding.as_ref().map(|found| found.requested_at);
            // Where the vendor's word is waited for, it comes before the channel.
            let [third, fourth] = if look.binding.as_ref().is_some_and(|found| found.deadline_at.is_some()) {
                [Stage::TellVendor, Stage::OpenChannel]
            } else {
                [Stage::OpenChannel, Stage::TellVendor]
            };
            let page = pages::Processing {
                purchase: bought(),
                organization: organization_name(look),
                stages: vec![
                    (Stage::CheckSubscription, requested_at),
                    (Stage::CheckRights, requested_at),
                    (third, None),
                    (fourth, None),
                ],
            };
            visit.html_that_advances(|frame| pages::processing(frame, &page))
        }
        Step::Done => {
            let of = look.organization.as_ref();
            let page = pages::Done {
                purchase: bought(),
                organization: crate::view::console::Of {
                    id: of.map(|of| of.id.clone()).unwrap_or_default(),
                    name: organization_name(look),
                    has_product_entry: visit.app.config.product_entry.is_some(),
                },
                members: of.map_or(0, |of| of.members.into()),
                live_since: look.binding.as_ref().and_then(|found| found.live_at).unwrap_or(visit.now),
                is_entry_allowed: look.binding.as_ref().is_some_and(|found| found.allows_entry)
                    && visit.app.config.accounts.passwordless_entry,
                notified: 0,
            };
            visit.html(|frame| pages::done(frame, &page))
        }
        Step::Enter => {
            let id = look.organization.as_ref().map(|of| of.id.clone()).unwrap_or_default();
            see_other(format!("/enter?org={id}"))
        }
        Step::Failed(failure) => {
            let page = pages::Failed {
                failure,
                reason: look.binding.as_ref().and_then(|found| found.reason.clone()),
                vendor_says: look
                    .binding
                    .as_ref()
                    .filter(|found| found.state == State::Refused)
                    .and_then(|found| found.note.clone()),
                purchase: bought(),
                organization: organization_name(look),
                retry_href: Some(format!("/claim/{claim}?again=1")),
            };
            visit.html(|frame| pages::failed(frame, &page))
        }
    }
}

fn bind(visit: &Visit, look: &Look, extra: &Extra, purchase: Purchase) -> pages::Bind {
    let is_mine = |id: &str| extra.chosen.as_deref() == Some(id);
    let is_switched = |id: &str| extra.switched.as_deref() == Some(id);
    let organizations = look
        .offers
        .iter()
        .map(|offer| {
            let candidate = &offer.candidate;
            let choice = offer.value.clone();
            pages::Candidate {
                name: candidate.name.clone(),
                role: candidate.role,
                members: u64::from(candidate.members),
                standing: match offer.choice {
                    Choice::Open => pages::Standing::Open { choice },
                    Choice::Thaws => pages::Standing::Thaws {
                        choice,
                        grace_until: candidate.freeze.and_then(|freeze| freeze.grace_until),
                    },
                    Choice::NotManager => pages::Standing::NotManager {
                        owners: candidate.owners.clone(),
                        ask: Some(candidate.id.clone()),
                        asked_at: None,
                    },
                    Choice::FrozenByOperator => pages::Standing::FrozenByOperator,
                    Choice::Requested => pages::Standing::Requested { progress_href: None },
                    Choice::Bound { is_expired } => {
                        let live = candidate.live.as_ref();
                        let subscription_id = live.map(|live| live.instance_id.clone()).unwrap_or_default();
                        let uid_masked = live.map(|live| mask_uid(&live.buyer_account)).unwrap_or_default();
                        if is_switched(&candidate.id) {
                            let plan = live.map(|live| {
                                let (product, plan) =
                                    names(visit, &live.seller_id, &live.product_code, &live.plan_code);
                                format!("{product} {plan}")
                            });
                            let plan = plan.unwrap_or_default();
                            pages::Standing::Replaces { choice, subscription_id, plan, uid_masked }
                        } else {
                            let switch_href = Some(format!("/claim/{}?switch={}", look.claim.id, candidate.id));
                            pages::Standing::Bound { subscription_id, uid_masked, is_expired, switch_href }
                        }
                    }
                },
            }
        })
        .collect();
    let open: Vec<_> = look.offers.iter().filter(|offer| offer.choice.is_open()).collect();
    let switched = look
        .offers
        .iter()
        .find(|offer| is_switched(&offer.candidate.id) && matches!(offer.choice, Choice::Bound { .. }));
    let created = open.iter().find(|offer| is_mine(&offer.candidate.id));
    let only = if let [only] = open.as_slice() { Some(only) } else { None };
    let is_new = extra.changed.is_empty() && extra.problems.is_empty();
    pages::Bind {
        claim: look.claim.id.clone(),
        purchase,
        organizations,
        chosen: switched.or(created.copied()).or(only.copied()).map(|offer| offer.value.clone()),
        created: created.filter(|_| is_new).map(|offer| offer.candidate.name.clone()),
        entry: visit.app.config.accounts.passwordless_entry.then(|| extra.entry.unwrap_or(true)),
        changed: extra.changed.clone(),
        problems: extra.problems.clone(),
        new_name: extra.new_name.clone(),
    }
}

fn foreign(
    visit: &Visit,
    kind: landing::ForeignKind,
    claim: String,
    purchase: Purchase,
    is_reported: bool,
) -> HttpResponse {
    let page = landing::Foreign { kind, claim, purchase, is_reported };
    visit.html_with(StatusCode::FORBIDDEN, |frame| landing::foreign(frame, &page))
}

fn organization_name(look: &Look) -> String {
    look.organization.as_ref().map(|of| of.name.clone()).unwrap_or_default()
}

/// The list of purchases at the marketplace, for renewing.
fn console_url(visit: &Visit, look: &Look) -> String {
    visit.app.config.seller(&look.claim.seller_id).map(|seller| seller.console_url.clone()).unwrap_or_default()
}

/// The product's page at the marketplace, for buying again.
fn market_url(visit: &Visit, look: &Look) -> String {
    let code = look.subscription.as_ref().map(|found| found.standing.product_code.as_str()).unwrap_or_default();
    visit
        .app
        .config
        .product(&look.claim.seller_id, code)
        .map_or_else(|| console_url(visit, look), |product| product.market_url.clone())
}

/// A subscription as pages show it.
pub(super) fn purchase(visit: &Visit, found: &Subscription) -> Purchase {
    describe(visit, &found.seller_id, &found.instance_id, &found.standing, found.activated_at)
}

/// A claim whose subscription is not known has only its number to show.
fn unknown_purchase(visit: &Visit, look: &Look) -> Purchase {
    let standing = Standing {
        state: subscription::State::Opening,
        buyer_account: String::new(),
        order_id: String::new(),
        product_code: String::new(),
        plan_code: String::new(),
        is_trial: false,
        items: subscription::Items::new(),
        expires_at: None,
        is_disputed: false,
        purchase_mark: String::new(),
        is_tombstone: false,
    };
    describe(visit, &look.claim.seller_id, &look.claim.instance_id, &standing, None)
}

/// A product and its plan as the settings name them in the visitor's language; what they do not know keeps its code.
fn names(visit: &Visit, seller_id: &str, product_code: &str, plan_code: &str) -> (String, String) {
    let config = &visit.app.config;
    let product = config.product(seller_id, product_code);
    let plan = product.and_then(|product| product.plan(plan_code));
    (
        product.map_or_else(|| config.brand.name.clone(), |product| product.name.clone()),
        plan.map_or_else(|| plan_code.to_owned(), |plan| plan.name_in(visit.lang).to_owned()),
    )
}

fn describe(
    visit: &Visit,
    seller_id: &str,
    instance_id: &str,
    standing: &Standing,
    activated_at: Option<crate::clock::Instant>,
) -> Purchase {
    let product = visit.app.config.product(seller_id, &standing.product_code);
    let plan = product.and_then(|product| product.plan(&standing.plan_code));
    let (product_name, plan_name) = names(visit, seller_id, &standing.product_code, &standing.plan_code);
    Purchase {
        product_name,
        plan_name,
        is_postpay: plan.is_some_and(|plan| plan.kind == crate::config::PlanKind::Postpay),
        is_trial: standing.is_trial,
        uid_masked: mask_uid(&standing.buyer_account),
        order_id: standing.order_id.clone(),
        subscription_id: instance_id.to_owned(),
        product_code: standing.product_code.clone(),
        activated_at,
        expires_at: standing.expires_at,
        state: standing.state,
    }
}
