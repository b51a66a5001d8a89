//! One run: asks everything in order, lets [`super::judge`] decide, and releases what it made.

use std::time::Duration;

use url::Url;

use super::check::{CHECKS, Check, Id};
use super::judge::{self, Creation, Exchange, Judged, Landed, Why};
use super::wire::{self, Address, Pairs, Space, Token};
use super::{Outcome, Report, Verdict, entry};
use crate::clock::{Clock, Instant};
use crate::crypto::{self, Chance};
use crate::domain::value::{DAY_MS, SECOND_MS};
use crate::market::reply::Created;
use crate::market::time;
use crate::outbound::{Limits, Outbound};

/// createInstance is repeated until it brings an id, so often at most (specification 3.1).
pub const MAX_CREATE_CALLS: u32 = 120;
/// Answers in a row that cannot be read, after which nobody waits for better ones.
const MAX_BAD_ANSWERS: u32 = 3;
/// createInstance with a wrong token is repeated while it answers 0, so often at most.
const MAX_UNSIGNED_CREATES: u32 = 10;
/// How many purchases of one instance arrive at once.
const AT_ONCE: usize = 8;
/// A login-free link so far from now is stale by anybody's measure.
const STALE_MS: i64 = 2 * DAY_MS;

/// What to ask, and how patiently.
#[derive(Debug, Clone)]
pub struct Options {
    /// The provisioning URL.
    pub target: Url,
    pub isv_key: String,
    /// In place of `appInfo.authUrl`.
    pub login_url: Option<Url>,
    pub product: String,
    pub sku: String,
    /// What the upgrade leads to.
    pub upgrade_sku: String,
    /// The buyer account's UID.
    pub account: String,
    /// Between two createInstance calls of one purchase.
    pub pause: Duration,
    /// An answer that takes longer is a finding.
    pub slow: Duration,
    pub limits: Limits,
}

struct Run<'a> {
    options: &'a Options,
    outbound: Outbound,
    clock: &'a Clock,
    /// Beginning of every instance id of this run.
    prefix: String,
    /// Of the last order; each one is of its own.
    order: u64,
    outcomes: Vec<Outcome>,
    /// Answers to calls that had to work.
    good: Vec<Exchange>,
    /// Answers to calls whose token is not right.
    unsigned: Vec<Exchange>,
    /// Answers to calls that ask for what does not exist.
    odd: Vec<Exchange>,
    /// Ids to be released in the end.
    owed: Vec<String>,
    tell: &'a mut dyn FnMut(&Outcome),
}

/// Asks everything. `tell` hears each outcome as soon as it is known.
pub fn run(options: &Options, clock: &Clock, chance: &Chance, tell: &mut dyn FnMut(&Outcome)) -> Report {
    let mut run = Run {
        options,
        outbound: Outbound::new(options.limits),
        clock,
        prefix: format!("mgcert-{}-", crypto::hex(&chance.bytes::<5>())),
        order: 200_000_000_000_000 + u64::from(u32::from_be_bytes(chance.bytes())) * 1_000,
        outcomes: Vec::with_capacity(CHECKS.len()),
        good: Vec::new(),
        unsigned: Vec::new(),
        odd: Vec::new(),
        owed: Vec::new(),
        tell,
    };
    let started_at = clock.now();
    let login_url = run.everything();
    let mut outcomes = run.outcomes;
    // What was not asked is told too, and all of it in the order of the table.
    for check in &CHECKS {
        if !outcomes.iter().any(|outcome| outcome.check.id == check.id) {
            outcomes.push(Outcome { check, verdict: Verdict::Skipped });
        }
    }
    outcomes.sort_by_key(|outcome| place(outcome.check));
    Report { target: options.target.to_string(), login_url, prefix: run.prefix, started_at, outcomes }
}

fn place(check: &Check) -> usize {
    CHECKS.iter().position(|other| other.id == check.id).unwrap_or(CHECKS.len())
}

fn pairs<const N: usize>(action: &str, params: [(&str, &str); N]) -> Pairs {
    let action = ("action".to_owned(), action.to_owned());
    std::iter::once(action).chain(params.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

impl Run<'_> {
    /// Everything; the login-free address that was used.
    fn everything(&mut self) -> Option<String> {
        let id = format!("{}1", self.prefix);
        let purchase = self.purchase(&id, Some(self.in_days(30)));
        let (created, mut exchanges) = self.create(&id, &purchase);
        self.creation_checks(created.as_ref().map(|_| ()), &exchanges);
        let mut login_url = None;
        match created {
            Ok(created) => {
                let last = exchanges.pop().unwrap_or_default();
                self.say(Id::CreateAppInfo, judge::app_info(&created.app_info), std::slice::from_ref(&last));
                let auth_url = created.app_info.auth_url.as_deref().and_then(login_address);
                let has_auth_url = if auth_url.is_some() { Ok(()) } else { Err(Why::NoLoginUrl) };
                self.say(Id::CreateAuthUrl, has_auth_url, std::slice::from_ref(&last));
                self.repeated(&id, &purchase, &created, last);
                self.concurrent();
                self.without_term();
                self.paid(&id);
                let address = self.options.login_url.clone().or(auth_url);
                if let Some(address) = &address {
                    self.entered(address, &created.instance_id);
                }
                self.life(&created.instance_id);
                self.unsigned(&created.instance_id);
                if let Some(address) = &address {
                    self.unsigned_entry(address, &created.instance_id);
                }
                self.unknown();
                self.end(&created.instance_id);
                login_url = address.map(String::from);
            }
            Err(_) => self.unsigned_create(),
        }
        self.everywhere();
        self.clean_up();
        login_url
    }

    fn say(&mut self, id: Id, judged: Judged, exchanges: &[Exchange]) {
        let verdict = match judged {
            Ok(()) => Verdict::Passed,
            Err(why) => Verdict::Failed { why, exchanges: exchanges.to_vec() },
        };
        let outcome = Outcome { check: id.check(), verdict };
        (self.tell)(&outcome);
        self.outcomes.push(outcome);
    }

    fn address(&self, params: &Pairs, space: Space, token: Token<'_>) -> Address {
        wire::address(&self.options.target, params, space, token)
    }

    /// A call as the marketplace makes it.
    fn call(&mut self, params: &Pairs) -> Exchange {
        self.call_spelt(params, Space::Plus)
    }

    fn call_spelt(&mut self, params: &Pairs, space: Space) -> Exchange {
        let address = self.address(params, space, Token::Signed(&self.options.isv_key));
        let exchange = wire::send(&self.outbound, &address);
        self.good.push(exchange.clone());
        exchange
    }

    /// A call that has to be refused for its token.
    fn attack(&mut self, params: &Pairs, token: Token<'_>) -> Exchange {
        let exchange = wire::send(&self.outbound, &self.address(params, Space::Plus, token));
        self.unsigned.push(exchange.clone());
        exchange
    }

    fn next_order(&mut self) -> String {
        self.order += 1;
        self.order.to_string()
    }

    fn in_days(&self, days: i64) -> Instant {
        self.clock.now().plus_ms(days * DAY_MS)
    }

    fn purchase(&mut self, id: &str, expires_at: Option<Instant>) -> Pairs {
        let order = self.next_order();
        let options = self.options;
        let mut params = pairs(
            "createInstance",
            [
                ("aliUid", &options.account),
                ("orderBizId", id),
                ("orderId", &order),
                ("productCode", &options.product),
                ("skuId", &options.sku),
                ("trial", "false"),
            ],
        );
        params.extend(expires_at.map(|at| ("expiredOn".to_owned(), time::text(at))));
        params
    }

    /// Asks until there is an id, as the marketplace does. The exchanges are the first one and the one that decided.
    fn create(&mut self, id: &str, purchase: &Pairs) -> (Result<Created, Why>, Vec<Exchange>) {
        let mut exchanges = Vec::new();
        let mut bad_answers = 0;
        for attempt in 1..=MAX_CREATE_CALLS {
            let exchange = self.call(purchase);
            let creation = judge::creation(&exchange);
            exchanges.truncate(1);
            exchanges.push(exchange);
            match creation {
                Creation::Ready(created) => {
                    self.owe(&created.instance_id);
                    return (Ok(*created), exchanges);
                }
                Creation::Zero => bad_answers = 0,
                Creation::Bad(why) => {
                    bad_answers += 1;
                    if bad_answers == MAX_BAD_ANSWERS {
                        self.owe(id);
                        return (Err(why), exchanges);
                    }
                }
            }
            if attempt < MAX_CREATE_CALLS {
                std::thread::sleep(self.options.pause);
            }
        }
        // It may still come into being.
        self.owe(id);
        (Err(Why::NeverReady(MAX_CREATE_CALLS)), exchanges)
    }

    fn creation_checks(&mut self, created: Result<(), &Why>, exchanges: &[Exchange]) {
        // The first answer that cannot be read is a finding even if a later one can.
        let bad = exchanges.iter().find_map(|exchange| match judge::creation(exchange) {
            Creation::Bad(why) => Some((why, exchange.clone())),
            _ => None,
        });
        match bad {
            Some((why, exchange)) => self.say(Id::CreateAnswer, Err(why), &[exchange]),
            None => self.say(Id::CreateAnswer, Ok(()), &[]),
        }
        match created {
            Ok(()) => self.say(Id::CreateReady, Ok(()), &[]),
            Err(why @ Why::NeverReady(_)) => self.say(Id::CreateReady, Err(why.clone()), exchanges),
            // Told already.
            Err(_) => {}
        }
    }

    fn repeated(&mut self, id: &str, purchase: &Pairs, created: &Created, first: Exchange) {
        let (again, mut exchanges) = self.create(id, purchase);
        let judged = again
            .and_then(|again| judge::one_id([created.instance_id.as_str(), again.instance_id.as_str()].into_iter()));
        exchanges.insert(0, first);
        self.say(Id::CreateRepeat, judged, &exchanges);
    }

    fn concurrent(&mut self) {
        let id = format!("{}2", self.prefix);
        let purchase = self.purchase(&id, Some(self.in_days(30)));
        let address = self.address(&purchase, Space::Plus, Token::Signed(&self.options.isv_key));
        let outbound = &self.outbound;
        let mut exchanges: Vec<Exchange> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| wire::send(outbound, &address))).collect();
            calls.into_iter().filter_map(|call| call.join().ok()).collect()
        });
        let (settled, last) = self.create(&id, &purchase);
        exchanges.extend(last);
        let mut ids = Vec::new();
        for exchange in &exchanges {
            if let Creation::Ready(created) = judge::creation(exchange) {
                self.owe(&created.instance_id);
                ids.push(created.instance_id);
            }
        }
        let judged = settled.and_then(|_| judge::one_id(ids.iter().map(String::as_str)));
        self.say(Id::CreateConcurrent, judged, &exchanges);
    }

    fn without_term(&mut self) {
        let id = format!("{}3", self.prefix);
        let purchase = self.purchase(&id, None);
        let (created, exchanges) = self.create(&id, &purchase);
        self.say(Id::CreateWithoutTerm, created.map(|_| ()), &exchanges);
    }

    fn payment(&mut self, id: &str) -> Pairs {
        let order = self.next_order();
        let options = self.options;
        pairs(
            "orderPay",
            [
                ("requestId", &crypto::hex(&crypto::digest(order.as_bytes()))[..32]),
                ("aliUid", &options.account),
                ("orderBizId", id),
                ("orderId", &order),
                ("productCode", &options.product),
                ("skuId", &options.sku),
            ],
        )
    }

    fn paid(&mut self, id: &str) {
        let payment = self.payment(id);
        for check in [Id::PayAnswer, Id::PayRepeat] {
            self.ask(check, &payment);
        }
    }

    /// Makes a call that has to succeed.
    fn ask(&mut self, id: Id, params: &Pairs) {
        let exchange = self.call(params);
        self.say(id, judge::success(&exchange), &[exchange]);
    }

    // Login-free

    fn link(&self, address: &Url, id: &str, offset_ms: i64) -> Address {
        let stamp = time::text(self.clock.now().plus_ms(offset_ms));
        let params = pairs("verify", [("instanceId", id), ("timeStamp", &stamp)]);
        wire::address(address, &params, Space::Plus, Token::Signed(&self.options.isv_key))
    }

    fn entered(&mut self, address: &Url, id: &str) {
        let link = self.link(address, id, 0);
        let way = entry::open(&self.outbound, &link);
        let fresh = way.landed;
        self.say(Id::VerifyFresh, judge::let_in(&fresh), &way.exchanges);
        let unknown = format!("{}9", self.prefix);
        for (check, link) in [
            (Id::VerifyReused, link),
            (Id::VerifyStale, self.link(address, id, -STALE_MS)),
            (Id::VerifyFuture, self.link(address, id, STALE_MS)),
            // Another second, so that it is another token.
            (Id::VerifyUnknown, self.link(address, &unknown, -SECOND_MS)),
        ] {
            self.stay_out(check, &link, Some(&fresh));
        }
    }

    fn stay_out(&mut self, id: Id, link: &Address, fresh: Option<&Landed>) {
        let way = entry::open(&self.outbound, link);
        self.say(id, judge::kept_out(&way.landed, fresh), &way.exchanges);
    }

    fn unsigned_entry(&mut self, address: &Url, id: &str) {
        let fresh = entry::open(&self.outbound, &self.link(address, id, -2 * SECOND_MS)).landed;
        let stamp = time::text(self.clock.now());
        let params = pairs("verify", [("instanceId", id), ("timeStamp", &stamp)]);
        let link = wire::address(address, &params, Space::Plus, Token::Given(wire::WRONG));
        self.stay_out(Id::WrongTokenVerify, &link, Some(&fresh));
    }

    // A life

    fn renewal(&mut self, id: &str, days: i64) -> Pairs {
        let order = self.next_order();
        let until = time::text(self.in_days(days));
        pairs("renewInstance", [("instanceId", id), ("orderId", &order), ("expiredOn", &until)])
    }

    fn life(&mut self, id: &str) {
        let renewal = self.renewal(id, 60);
        self.ask(Id::RenewAnswer, &renewal);
        self.ask(Id::RenewRepeat, &renewal);
        for (check, more) in [
            (Id::ParamsUnknown, &[("mgExtra", "1")][..]),
            (Id::ParamsEmpty, &[("template", "")]),
            (Id::ParamsUtf8, &[("note", "\u{4e2d}\u{6587}")]),
            (Id::ParamsReserved, &[("note", "b&c=d#e")]),
            (Id::ParamsPlus, &[("note", "a+b")]),
            (Id::ParamsDecodedOnce, &[("note", "100%25")]),
            (Id::ParamsOrder, &[("_x", "0"), ("Num", "3"), ("count", "2"), ("Beta", "1")]),
        ] {
            let mut params = self.renewal(id, 60);
            params.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            self.ask(check, &params);
        }
        for (check, space) in [(Id::DatePercent, Space::Percent), (Id::DatePlus, Space::Plus)] {
            let params = self.renewal(id, 60);
            let exchange = self.call_spelt(&params, space);
            self.say(check, judge::success(&exchange), &[exchange]);
        }
        let earlier = time::text(self.in_days(45));
        self.ask(Id::RefundBackwards, &pairs("refundRenewInstance", [("instanceId", id), ("expiredOn", &earlier)]));
        let order = self.next_order();
        let sku = &self.options.upgrade_sku;
        let upgrade = [("instanceId", id), ("skuId", sku), ("orderId", &order), ("Count", "2"), ("Num", "3")];
        self.ask(Id::UpgradeItems, &pairs("upgradeInstance", upgrade));
        self.ask(
            Id::UpgradeWithoutOrder,
            &pairs("upgradeInstance", [("instanceId", id), ("skuId", sku), ("Count", "4")]),
        );
    }

    // What has to be refused

    fn unsigned_create(&mut self) {
        let id = format!("{}4", self.prefix);
        let purchase = self.purchase(&id, Some(self.in_days(30)));
        let mut exchange = self.attack(&purchase, Token::Given(wire::WRONG));
        // Who answers 0 may have begun to provision: a later call would tell.
        for _ in 1..MAX_UNSIGNED_CREATES {
            if judge::creation(&exchange) != Creation::Zero {
                break;
            }
            std::thread::sleep(self.options.pause);
            exchange = self.attack(&purchase, Token::Given(wire::WRONG));
        }
        if let Creation::Ready(created) = judge::creation(&exchange) {
            self.owe(&created.instance_id);
        }
        self.say(Id::WrongTokenCreate, judge::refused(&exchange), &[exchange]);
    }

    fn unsigned(&mut self, id: &str) {
        self.unsigned_create();
        let renewal = self.renewal(id, 75);
        let payment = self.payment(id);
        let order = self.next_order();
        let earlier = time::text(self.in_days(40));
        let sku = &self.options.upgrade_sku;
        for (check, params) in [
            (Id::WrongTokenRenew, renewal.clone()),
            (Id::WrongTokenRefund, pairs("refundRenewInstance", [("instanceId", id), ("expiredOn", &earlier)])),
            (
                Id::WrongTokenUpgrade,
                pairs("upgradeInstance", [("instanceId", id), ("skuId", sku), ("orderId", &order), ("Count", "9")]),
            ),
            (Id::WrongTokenExpire, pairs("expiredInstance", [("instanceId", id)])),
            (
                Id::WrongTokenRelease,
                pairs("releaseInstance", [("instanceId", id), ("orderId", &order), ("isRefund", "true")]),
            ),
            (Id::WrongTokenPay, payment),
        ] {
            let exchange = self.attack(&params, Token::Given(wire::WRONG));
            self.say(check, judge::refused(&exchange), &[exchange]);
        }
        let key = self.options.isv_key.clone();
        for (check, token) in [(Id::TokenMissing, Token::Missing), (Id::TokenTampered, Token::Tampered(&key))] {
            let exchange = self.attack(&renewal, token);
            self.say(check, judge::refused(&exchange), &[exchange]);
        }
    }

    fn unknown(&mut self) {
        let id = format!("{}9", self.prefix);
        let renewal = self.renewal(&id, 30);
        let refused = |run: &mut Self, check, params: &Pairs| {
            let address = run.address(params, Space::Plus, Token::Signed(&run.options.isv_key));
            let exchange = wire::send(&run.outbound, &address);
            run.odd.push(exchange.clone());
            run.say(check, judge::refused(&exchange), &[exchange]);
        };
        refused(self, Id::RenewUnknown, &renewal);
        refused(self, Id::ActionUnknown, &pairs("mgUnknownAction", [("instanceId", &id)]));
        let exchange = self.release(&id);
        self.say(Id::ReleaseUnknown, judge::success(&exchange), &[exchange]);
    }

    // The end

    fn release(&mut self, id: &str) -> Exchange {
        let order = self.next_order();
        self.call(&pairs("releaseInstance", [("instanceId", id), ("orderId", &order), ("isRefund", "true")]))
    }

    fn end(&mut self, id: &str) {
        let expiry = pairs("expiredInstance", [("instanceId", id)]);
        self.ask(Id::ExpireAnswer, &expiry);
        self.ask(Id::ExpireRepeat, &expiry);
        let renewal = self.renewal(id, 90);
        self.ask(Id::RenewExpired, &renewal);
        for check in [Id::ReleaseAnswer, Id::ReleaseTwice] {
            let exchange = self.release(id);
            let judged = judge::success(&exchange);
            if judged.is_ok() {
                self.owed.retain(|owed| owed != id);
            }
            self.say(check, judged, &[exchange]);
        }
        if let Some(other) = self.owed.first().cloned() {
            let exchange = self.call(&pairs("releaseInstance", [("instanceId", &other)]));
            let judged = judge::success(&exchange);
            if judged.is_ok() {
                self.owed.retain(|owed| *owed != other);
            }
            self.say(Id::ReleaseWithoutRefund, judged, &[exchange]);
        }
    }

    /// What is asked of every answer.
    fn everywhere(&mut self) {
        let first = |of: &[&[Exchange]], judge: &dyn Fn(&Exchange) -> Judged| {
            of.iter().copied().flatten().find_map(|found| judge(found).err().map(|why| (why, found.clone())))
        };
        let limit = u64::try_from(self.options.slow.as_millis()).unwrap_or(u64::MAX);
        let all: [&[Exchange]; 3] = [&self.good, &self.odd, &self.unsigned];
        let found = [
            (Id::TokenStatus, first(&all[2..], &judge::refusal_status)),
            (Id::AnswerTruthy, first(&all, &judge::truthy)),
            (Id::AnswerType, first(&all[..1], &judge::content_type)),
            (Id::AnswerTime, first(&all, &|exchange| judge::in_time(exchange, limit))),
        ];
        for (check, found) in found {
            match found {
                Some((why, exchange)) => self.say(check, Err(why), &[exchange]),
                None => self.say(check, Ok(()), &[]),
            }
        }
    }

    fn owe(&mut self, id: &str) {
        if !self.owed.iter().any(|owed| owed == id) {
            self.owed.push(id.to_owned());
        }
    }

    fn clean_up(&mut self) {
        let mut left = Vec::new();
        let mut exchanges = Vec::new();
        for id in std::mem::take(&mut self.owed) {
            let exchange = self.release(&id);
            if judge::success(&exchange).is_err() {
                left.push(id);
                exchanges.push(exchange);
            }
        }
        exchanges.truncate(1);
        let judged = if left.is_empty() { Ok(()) } else { Err(Why::Left(left)) };
        self.say(Id::CleanUp, judged, &exchanges);
    }
}

fn login_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}
