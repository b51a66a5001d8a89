#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant as Moment};

use crate::domain::value::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::market::call::{Action, Call};
use crate::market::time;
use crate::outbound::{Answer, Outbound};

use super::*;

pub const KEY: &str = "an-isv-key-for-tests";
pub const PRODUCT: &str = "cmgj00063418";
pub const POSTPAY: &str = "cmgj00063418-postpay";
pub const PREPAY: &str = "cmgj00063418-prepay";
const READY: &str = r#"{"instanceId":"gw-1","appInfo":{"frontEndUrl":"https://app.example.com/","username":"admin","authUrl":"http://127.0.0.1:9/login","licenseId":"L-1"},"info":{"说明":"点「免登」进入"}}"#;
const DONE: &str = r#"{"success":"true"}"#;

/// An opened instance of the catalogue's first plan.
pub fn instance(id: &str, catalogue: &Catalogue) -> Instance {
    let product = &catalogue.products[0];
    Instance {
        id: id.into(),
        account: catalogue.accounts[0].key.clone(),
        product: product.code.clone(),
        plan: product.plans[0].sku.clone(),
        items: vec![],
        is_trial: false,
        state: State::Opened,
        attempts: 1,
        created_at: Instant::default(),
        opened_at: None,
        expires_at: None,
        expired_at: None,
        closed_at: None,
        seller_id: None,
        reply: None,
    }
}

/// What a seller does with a call.
pub enum Does {
    Answers(u16, &'static str),
    /// Keeps the connection until the caller gives up.
    Hangs,
}

/// A seller's interface on a free port.
pub struct Spi {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Spi {
    /// `does` is given each call, and how many came before it.
    pub fn start(does: impl Fn(&Call, usize) -> Does + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), does)
    }

    fn on(listener: TcpListener, does: impl Fn(&Call, usize) -> Does + Send + Sync + 'static) -> Self {
        let spi = Self { address: listener.local_addr().unwrap(), calls: Arc::default() };
        let (calls, does) = (Arc::clone(&spi.calls), Arc::new(does));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (calls, does) = (Arc::clone(&calls), Arc::clone(&does));
                std::thread::spawn(move || answer(stream.unwrap(), &calls, does.as_ref()));
            }
        });
        spi
    }

    pub fn url(&self) -> String {
        format!("http://{}/spi", self.address)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub fn actions(&self) -> Vec<&'static str> {
        self.calls().iter().map(|call| call.action().unwrap().kind()).collect()
    }
}

fn answer(mut stream: TcpStream, calls: &Mutex<Vec<Call>>, does: &dyn Fn(&Call, usize) -> Does) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let query = head.split_once('?').unwrap().1.split_once(' ').unwrap().0;
    let call = Call::parse(query.as_bytes(), None).unwrap();
    let before = {
        let mut calls = calls.lock().unwrap();
        calls.push(call.clone());
        calls.len() - 1
    };
    match does(&call, before) {
        Does::Answers(status, body) => {
            let head = format!("HTTP/1.1 {status} .\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // A caller that has given up is not there any more.
            let _ = stream.write_all((head + body).as_bytes());
        }
        Does::Hangs => while stream.read(&mut byte).is_ok_and(|read| read > 0) {},
    }
}

pub fn ready_or_done(call: &Call) -> Does {
    Does::Answers(200, if call.get("action") == Some("createInstance") { READY } else { DONE })
}

pub fn options(target: &str) -> Options {
    Options {
        listen: vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()],
        host: "localhost".into(),
        seller: Seller { target: target.into(), isv_key: KEY.into(), ..Seller::default() },
        clock: Clock::system(),
        chance: Chance::seeded(1),
        database: None,
        catalogue: Catalogue::demo(),
        timing: Timing { retry_every_ms: HOUR_MS, ..Timing::fixture() },
        static_version: "1".into(),
        routes: Arc::new(|_| {}),
        has_control: false,
    }
}

fn buy(handle: &Handle, plan: &str) -> Instance {
    let purchase = Purchase { account: "A".into(), product: PRODUCT.into(), plan: plan.into(), ..Purchase::default() };
    handle.market().buy(&purchase).unwrap()
}

pub fn buy_and_open(handle: &Handle, plan: &str) -> Instance {
    let purchase = Purchase { account: "A".into(), product: PRODUCT.into(), plan: plan.into(), ..Purchase::default() };
    let (instance, _) = handle.market().buy_and_wait(&purchase, Duration::from_secs(10)).unwrap();
    assert_eq!(instance.state, State::Opened);
    instance
}

/// Moves the clock to what is due next, does it, and says whether there was anything.
pub fn step(handle: &Handle) -> bool {
    let market = handle.market();
    let Some(due) = market.next_due().unwrap() else { return false };
    market.clock.advance_to(due);
    market.run_due(market.now()).unwrap();
    true
}

fn state(handle: &Handle, id: &str) -> State {
    handle.market().instance(id).unwrap().state
}

pub fn eventually(what: impl Fn() -> bool) {
    let until = Moment::now() + Duration::from_secs(10);
    while !what() {
        assert!(Moment::now() < until, "it did not happen");
        std::thread::yield_now();
    }
}

// The caller of the seller's interface

#[test]
fn a_purchase_is_asked_for_until_it_has_an_id() {
    let spi = Spi::start(|_, before| match before {
        0 => Does::Answers(200, r#"{"instanceId":"0"}"#),
        1 => Does::Answers(200, r#"{"instanceId":0}"#),
        2 => Does::Answers(500, "oops"),
        _ => Does::Answers(200, READY),
    });
    let handle = start(options(&spi.url())).unwrap();
    let id = buy(&handle, POSTPAY).id;
    let mut steps = 0;
    while state(&handle, &id) == State::Opening {
        step(&handle);
        steps += 1;
        assert!(steps < 20);
    }
    let opened = handle.market().instance(&id).unwrap();
    assert_eq!((opened.state, opened.attempts, opened.sellers()), (State::Opened, 4, "gw-1"));
    let calls = spi.calls();
    assert_eq!(calls.len(), 4);
    for call in calls {
        assert!(call.is_signed_by(&[KEY]));
        let Action::Create(create) = call.action().unwrap() else { panic!("{call:?}") };
        assert_eq!((create.instance_id.as_str(), create.buyer_account.as_str()), (id.as_str(), "1234567890125678"));
        assert_eq!((create.product_code.as_str(), create.plan_code.as_str()), (PRODUCT, POSTPAY));
        assert_eq!((create.is_trial, create.expires_at), (false, None));
    }
    assert!(!step(&handle), "an opened instance without a term owes nothing");
}

#[test]
fn a_dead_gateway_is_asked_again_ever_more_slowly_and_opens_when_it_is_back() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let handle = start(options(&format!("http://{address}/spi"))).unwrap();
    let id = buy(&handle, POSTPAY).id;
    eventually(|| handle.market().instance(&id).unwrap().attempts == 1);
    let mut waits = Vec::new();
    for _ in 0..6 {
        let market = handle.market();
        eventually(|| market.next_due().unwrap().unwrap() > market.now());
        waits.push((market.next_due().unwrap().unwrap().since_ms(market.now()) + 30_000) / HOUR_MS);
        step(&handle);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 16]);
    let spi = Spi::on(TcpListener::bind(address).unwrap(), |call, _| ready_or_done(call));
    while state(&handle, &id) == State::Opening {
        step(&handle);
    }
    assert_eq!(spi.actions(), ["create"]);
}

#[test]
fn a_gateway_that_never_answers_delays_nobody_else() {
    let spi = Spi::start(|_, before| if before == 0 { Does::Hangs } else { Does::Answers(200, READY) });
    let mut options = options(&spi.url());
    options.timing.call.total = Duration::from_secs(2);
    let handle = start(options).unwrap();
    let slow = buy(&handle, POSTPAY).id;
    eventually(|| spi.calls().len() == 1);
    let begun = Moment::now();
    buy_and_open(&handle, POSTPAY);
    assert!(begun.elapsed() < Duration::from_secs(2), "the second purchase waited for the first");
    assert_eq!(state(&handle, &slow), State::Opening);
    while state(&handle, &slow) == State::Opening {
        step(&handle);
    }
    assert_eq!(state(&handle, &slow), State::Opened);
}

#[test]
fn after_120_attempts_the_buyer_is_told_and_can_try_again() {
    let spi = Spi::start(|_, before| if before < 120 { Does::Answers(403, "{}") } else { Does::Answers(200, READY) });
    let handle = start(options(&spi.url())).unwrap();
    let id = buy(&handle, POSTPAY).id;
    while state(&handle, &id) == State::Opening {
        step(&handle);
    }
    assert_eq!((state(&handle, &id), spi.calls().len()), (State::Failed, 120));
    assert!(!step(&handle), "nothing is owed any more");
    let page = get(&handle, "/console/services", "").body;
    assert!(page.contains("开通失败") && page.contains("重新开通"), "{page}");
    let answer = post(&handle, &format!("/console/services/{id}/retry"), "", "");
    assert_eq!(answer.status, 303);
    eventually(|| state(&handle, &id) == State::Opened);
}

#[test]
fn every_call_of_a_life_is_signed_and_says_what_it_should() {
    let spi = Spi::start(|call, _| ready_or_done(call));
    let handle = start(options(&spi.url())).unwrap();
    let market = handle.market();
    let id = buy_and_open(&handle, PREPAY).id;
    let first_end = market.instance(&id).unwrap().expires_at.unwrap();
    assert!(market.renew(&id, None, None).unwrap().status == Some(200));
    let second_end = market.instance(&id).unwrap().expires_at.unwrap();
    assert_eq!(second_end, first_end.plus_ms(365 * DAY_MS));
    market.refund_renew(&id, None).unwrap();
    assert_eq!(market.instance(&id).unwrap().expires_at, Some(first_end));
    market.upgrade(&id, Some("cmgj00063418-prepay-16"), &vec![("Count".into(), "3".into())]).unwrap();
    market.pay(&id, None).unwrap();
    market.expire(&id).unwrap();
    market.release(&id, true).unwrap();
    let calls = spi.calls();
    assert!(calls.iter().all(|call| call.is_signed_by(&[KEY])));
    let actions: Vec<Action> = calls.iter().map(|call| call.action().unwrap()).collect();
    assert!(matches!(&actions[0], Action::Create(create) if create.expires_at == Some(first_end)));
    assert!(matches!(&actions[1], Action::Renew { instance_id, expires_at, order_id: Some(_) }
        if instance_id == "gw-1" && *expires_at == second_end));
    assert!(matches!(&actions[2], Action::RefundRenew { expires_at, .. } if *expires_at == first_end));
    assert!(matches!(&actions[3], Action::Upgrade { plan_code, items, .. }
        if plan_code == "cmgj00063418-prepay-16" && items == &[("Count".to_owned(), "3".to_owned())]));
    assert!(matches!(&actions[4], Action::Pay(pay) if pay.instance_id == id && pay.request_id.len() == 32));
    assert!(matches!(&actions[5], Action::Expire { instance_id } if instance_id == "gw-1"));
    assert!(matches!(&actions[6], Action::Release { is_refunded: Some(true), .. }));
    let (log, count) = market.calls(100).unwrap();
    assert_eq!((log.len(), count), (7, 7));
    let token = calls[0].get("token").unwrap();
    assert!(!format!("{log:?}").contains(token), "a token is in the log");
}

#[test]
fn a_term_that_ends_expires_by_itself_and_a_renewal_brings_it_back() {
    let spi = Spi::start(|call, _| ready_or_done(call));
    let handle = start(options(&spi.url())).unwrap();
    let market = handle.market();
    let id = buy_and_open(&handle, PREPAY).id;
    market.renew(&id, None, None).unwrap();
    let end = market.instance(&id).unwrap().expires_at.unwrap();
    assert_eq!(market.next_due().unwrap(), Some(end), "the expiry moved with the renewal");
    market.clock.advance_to(end.plus_ms(-MINUTE_MS));
    market.run_due(market.now()).unwrap();
    assert_eq!(state(&handle, &id), State::Opened);
    step(&handle);
    assert_eq!(state(&handle, &id), State::Expired);
    assert_eq!(spi.actions(), ["create", "renew", "expire"]);
    market.renew(&id, None, None).unwrap();
    assert_eq!(state(&handle, &id), State::Opened);
    assert!(market.next_due().unwrap().unwrap() > end);
}

#[test]
fn an_unheard_payment_is_told_again_as_documented_and_then_waits_to_be_pulled() {
    let spi = Spi::start(|call, _| match call.get("action") {
        Some("createInstance") => Does::Answers(200, READY),
        _ => Does::Answers(200, r#"{"success":false}"#),
    });
    let handle = start(options(&spi.url())).unwrap();
    let market = handle.market();
    let id = buy_and_open(&handle, POSTPAY).id;
    let begin = market.now();
    market.pay(&id, Some("r1")).unwrap();
    while step(&handle) {}
    assert_eq!(spi.calls().len(), 1 + 12);
    let minutes = market.now().since_ms(begin) / MINUTE_MS;
    assert_eq!(minutes, 8 * 60 + 38);
    let waiting = market.notifications().unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].request_id.as_str(), waiting[0].action.as_str()), ("r1", "orderPay"));
    assert!(waiting[0].message.contains(&id), "{}", waiting[0].message);
}

#[test]
fn a_release_cancels_what_is_still_being_opened() {
    let spi = Spi::start(|call, _| match call.get("action") {
        Some("createInstance") => Does::Answers(200, r#"{"instanceId":"0"}"#),
        _ => Does::Answers(200, DONE),
    });
    let handle = start(options(&spi.url())).unwrap();
    let id = buy(&handle, POSTPAY).id;
    eventually(|| !spi.calls().is_empty());
    handle.market().release(&id, true).unwrap();
    assert_eq!(state(&handle, &id), State::Closed);
    assert!(!step(&handle));
}

// Faults

#[test]
fn faults_befall_as_many_calls_as_they_should() {
    let spi = Spi::start(|call, _| ready_or_done(call));
    let handle = start(options(&spi.url())).unwrap();
    let market = handle.market();
    let id = buy_and_open(&handle, PREPAY).id;
    let expire = |kind, delay_ms| {
        market.add_fault("expiredInstance", kind, 1, delay_ms).unwrap();
        let before = spi.calls().len();
        let sent = market.expire(&id).unwrap();
        (sent.status, sent.reply, spi.calls().len() - before)
    };
    assert_eq!(expire(FaultKind::Status500, None), (Some(500), String::new(), 0));
    let (status, _, delivered) = expire(FaultKind::Cut, None);
    assert_eq!((status, delivered), (None, 1));
    assert_eq!(expire(FaultKind::EmptyBody, None), (Some(200), String::new(), 1));
    assert_eq!(expire(FaultKind::Duplicate, None).2, 2);
    assert_eq!(expire(FaultKind::Delay, Some(1)), (Some(200), DONE.into(), 1));
    assert_eq!(expire(FaultKind::BadToken, None).2, 1);
    assert!(!spi.calls().last().unwrap().is_signed_by(&[KEY]));
    assert_eq!(market.faults().unwrap().len(), 0);
    assert_eq!(market.expire(&id).unwrap().status, Some(200));
    assert!(market.add_fault("PushMeteringData", FaultKind::Replay, 1, None).is_err());
    assert!(market.add_fault("nothing", FaultKind::Cut, 1, None).is_err());
    market.add_fault("releaseInstance", FaultKind::Cut, 3, None).unwrap();
    assert_eq!(market.remove_faults(None).unwrap(), 1);
}

#[test]
fn a_replayed_call_comes_again_byte_for_byte() {
    let spi = Spi::start(|call, _| ready_or_done(call));
    let handle = start(options(&spi.url())).unwrap();
    let market = handle.market();
    let id = buy_and_open(&handle, POSTPAY).id;
    market.add_fault("releaseInstance", FaultKind::Replay, 1, Some(120_000)).unwrap();
    market.release(&id, false).unwrap();
    assert_eq!(spi.calls().len(), 2);
    step(&handle);
    let calls = spi.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(format!("{:?}", calls[1]), format!("{:?}", calls[2]));
    assert_eq!(calls[1].get("token"), calls[2].get("token"));
    assert!(!step(&handle), "once more, not for ever");
}

#[test]
fn a_reordered_call_lets_the_next_one_pass() {
    let spi = Spi::start(|call, _| ready_or_done(call));
    let handle = start(options(&spi.url())).unwrap();
    let market = handle.market();
    let id = buy_and_open(&handle, PREPAY).id;
    market.add_fault("expiredInstance", FaultKind::Reorder, 1, Some(3_600_000)).unwrap();
    let sent = market.expire(&id).unwrap();
    assert_eq!((sent.status, sent.call_id), (None, None));
    market.renew(&id, None, None).unwrap();
    eventually(|| spi.calls().len() == 3);
    assert_eq!(spi.actions(), ["create", "renew", "expire"]);
}

// Restart

#[test]
fn a_file_from_before_there_was_usage_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("old.simulator");
    drop(store::Store::open(Some(&file)).unwrap());
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch("DROP TABLE pushed; ALTER TABLE instance DROP COLUMN expired_at; PRAGMA user_version = 1;")
        .unwrap();
    for _ in 0..2 {
        let store = store::Store::open(Some(&file)).unwrap();
        assert!(store.list_metered("1").unwrap().is_empty());
        assert!(store.find_pushed_at("1").unwrap().is_none() && store.list_instances(None).unwrap().is_empty());
    }
}

#[test]
fn a_restart_keeps_purchases_clock_and_what_is_owed() {
    let dir = tempfile::tempdir().unwrap();
    let database = Some(dir.path().join("demo.simulator"));
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = format!("http://{address}/spi");
    let handle = start(Options { database: database.clone(), ..options(&target) }).unwrap();
    let id = buy(&handle, POSTPAY).id;
    eventually(|| handle.market().instance(&id).unwrap().attempts == 1);
    let later = handle.market().now().plus_ms(40 * DAY_MS);
    handle.market().clock.advance_to(later);
    handle.stop();

    let spi = Spi::on(TcpListener::bind(address).unwrap(), |call, _| ready_or_done(call));
    let handle = start(Options { database: database.clone(), ..options(&target) }).unwrap();
    assert!(handle.market().now() >= later, "the clock went back");
    while state(&handle, &id) == State::Opening {
        step(&handle);
    }
    assert_eq!(spi.actions(), ["create"]);
    // Somebody set the system's clock back by a day.
    handle.market().store().set_fact(SEEN, later.ms() + 2 * DAY_MS).unwrap();
    let store = store::Store::open(database.as_deref()).unwrap();
    let refused = resume_clock(&store, &Clock::system());
    assert!(matches!(refused, Err(Error::ClockWentBack(secs)) if secs > 86_400), "{refused:?}");
}

// Pages

fn request(handle: &Handle, cookie: &str) -> (String, Vec<(&'static str, String)>) {
    let base = format!("http://127.0.0.1:{}", handle.port());
    (base, vec![("cookie", cookie.to_owned())])
}

fn get(handle: &Handle, path: &str, cookie: &str) -> Answer {
    let (base, headers) = request(handle, cookie);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Outbound::new(Limits::default()).get(&(base + path), &headers).unwrap()
}

fn post(handle: &Handle, path: &str, cookie: &str, form: &str) -> Answer {
    let (base, headers) = request(handle, cookie);
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("content-type", "application/x-www-form-urlencoded"), ("origin", base.as_str())]);
    Outbound::new(Limits::default()).post(&format!("{base}{path}"), &headers, form.as_bytes()).unwrap()
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let page = scraper::Html::parse_document(page);
    let field = scraper::Selector::parse(&format!("input[type=hidden][name={name}]")).unwrap();
    page.select(&field).next_back().unwrap().attr("value").unwrap().to_owned()
}

#[test]
fn a_buyer_walks_from_the_product_to_the_login_free_link() {
    let spi = Spi::start(|call, before| match before {
        0 => Does::Answers(200, r#"{"instanceId":"0"}"#),
        _ => ready_or_done(call),
    });
    let handle = start(options(&spi.url())).unwrap();
    let home = get(&handle, "/", "");
    assert_eq!((home.status, header(&home, "location")), (303, "/products/cmgj00063418"));
    let page = get(&handle, "/products/cmgj00063418", "");
    assert!(page.body.contains("立即开通") && header(&page, "content-security-policy").contains("default-src 'none'"));

    let dialog = get(&handle, &format!("/products/{PRODUCT}/open?plan={POSTPAY}&account=B"), "").body;
    assert!(dialog.contains("开通按量服务") && dialog.contains("同意商品在线协议及云市场平台服务协议"));
    assert!(dialog.contains("8806****2140") && !dialog.contains("8806317745902140"));
    let form = format!("plan={POSTPAY}&account=B&form={}", hidden(&dialog, "form"));
    let path = format!("/products/{PRODUCT}/open");
    let refused = post(&handle, &path, "", &form);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("先勾选协议"));
    assert_eq!(handle.market().instances(None).unwrap().len(), 0);

    let form = format!("{form}&agree=yes");
    let bought = post(&handle, &path, "", &form);
    assert_eq!((bought.status, header(&bought, "location")), (303, "/products/cmgj00063418/submitted"));
    let cookie = header(&bought, "set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(cookie, "sim_account=B");
    assert_eq!(post(&handle, &path, "", &form).status, 303, "pressed twice");
    assert_eq!(handle.market().instances(None).unwrap().len(), 1, "bought twice");
    let submitted = get(&handle, header(&bought, "location"), &cookie).body;
    assert!(submitted.contains("开通申请已提交，约需要1 - 5分钟完成开通") && submitted.contains("确定"));

    eventually(|| spi.calls().len() == 1);
    let list = get(&handle, "/console/services", &cookie);
    assert!(list.body.contains("开通中") && header(&list, "refresh") == "2");
    while spi.calls().len() < 2 {
        step(&handle);
    }
    let id = handle.market().instances(None).unwrap()[0].id.clone();
    eventually(|| state(&handle, &id) == State::Opened);
    let list = get(&handle, "/console/services", &cookie);
    assert!(list.body.contains("已开通") && list.body.contains("免登") && header(&list, "refresh").is_empty());

    let guide = get(&handle, &format!("/console/services/{id}"), &cookie).body;
    for told in ["https://app.example.com/", "admin", "http://127.0.0.1:9/login", "L-1", "说明", "点「免登」进入"]
    {
        assert!(guide.contains(told), "{told}");
    }
    let notice = get(&handle, &format!("/console/services/{id}/enter"), &cookie).body;
    assert!(notice.contains("提示") && notice.contains("确定"));
    let gone = get(&handle, &format!("/console/services/{id}/login"), &cookie);
    let (page, query) = header(&gone, "location").split_once('?').unwrap();
    assert_eq!((gone.status, page), (303, "http://127.0.0.1:9/login"));
    let call = Call::parse(query.as_bytes(), None).unwrap();
    assert!(call.is_signed_by(&[KEY]));
    let Ok(Action::Verify(entry)) = call.action() else { panic!("{call:?}") };
    assert_eq!(entry.instance_id, "gw-1");
    assert!(handle.market().now().since_ms(entry.stamp) < MINUTE_MS);

    let other = get(&handle, &format!("/console/services/{id}"), "sim_account=A");
    assert_eq!(other.status, 404, "the other account's purchase");
}

#[test]
fn a_buyer_renews_changes_and_leaves() {
    let spi = Spi::start(|call, _| ready_or_done(call));
    let handle = start(options(&spi.url())).unwrap();
    let id = buy_and_open(&handle, PREPAY).id;
    let path = |ask: &str| format!("/console/services/{id}/{ask}");
    assert_eq!(post(&handle, &path("refund-renew"), "", "").status, 409, "nothing was renewed");
    for (ask, form, button) in [
        ("renew", "", "确认续费"),
        ("refund-renew", "", "确认退续费"),
        ("upgrade", "plan=cmgj00063418-prepay-16", "确认变更"),
        ("release", "", "确认退订"),
    ] {
        let dialog = get(&handle, &path(ask), "");
        assert!(dialog.status == 200 && dialog.body.contains(button), "{ask}");
        assert_eq!(post(&handle, &path(ask), "", form).status, 303, "{ask}");
    }
    assert_eq!(spi.actions(), ["create", "renew", "refund_renew", "upgrade", "release"]);
    assert_eq!(state(&handle, &id), State::Closed);
    assert_eq!(get(&handle, &path("enter"), "").status, 409);
    let list = get(&handle, "/console/services", "").body;
    assert!(list.contains("已关闭") && list.contains("再次购买") && !list.contains("免登"));
    let bills = get(&handle, "/console/bills", "").body;
    assert!(bills.contains("52,800.00") && bills.contains("已退款"), "{bills}");
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    let handle = start(options("http://127.0.0.1:1/spi")).unwrap();
    let url = format!("http://127.0.0.1:{}/account", handle.port());
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "http://evil.example")];
    let answer = Outbound::new(Limits::default()).post(&url, &headers, b"account=B").unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.headers.get("set-cookie").is_none());
    let next = post(&handle, "/preferences", "", "lang=en&next=//evil.example/");
    assert_eq!(header(&next, "location"), "/console/services");
    assert!(get(&handle, "/console/services", "sim_lang=en").body.contains("Purchased services"));
    let lost = get(&handle, "/nowhere", "");
    assert!(lost.status == 404 && lost.body.contains("没有这个页面"));
}

#[test]
fn dates_in_the_calls_are_china_time() {
    let end = Terms::Prepay { days: 365, price_fen: 1 }.end(time::parse("2026-03-14 23:30:00").unwrap()).unwrap();
    assert_eq!(time::text(end), "2027-03-15 00:00:00");
}
