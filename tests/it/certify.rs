//! The conformance kit against the gateway, and against a small server that makes one mistake at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cli::{Serving, configure, initialized, marketgate, says};
use crate::world::{PRODUCT, World, china_text, now_secs, silent, token};

const KEY: &str = "a-key-of-another-seller-0123456789";

/// What public implementations of this interface get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    MintsIds,
    Races,
    NeverReady,
    BrokenJson,
    NoPassword,
    NoLoginUrl,
    DemandsTerm,
    IgnoresStamp,
    IgnoresFuture,
    OpensTwice,
    LetsStrangersIn,
    ShowsLogin,
    DecodesTwice,
    PlusAfterDecoding,
    DropsEmpty,
    RejectsUnknown,
    SortsIgnoringCase,
    SignsSomeOnly,
    TokensUnder200,
    TruthyErrors,
    Unsigned(&'static str),
    Tokenless,
    DemandsRefund,
    DemandsOrder,
    RefusesBackwards,
    StaysFrozen,
    ExpiresOnce,
    ReleasesOnce,
    ReleasesNothing,
    SaysOk,
    PaysOnce,
    RenewsAnything,
    KnowsEveryAction,
    Html,
    Slow,
}

const NAMES: [&str; 22] = [
    "action",
    "aliUid",
    "orderBizId",
    "orderId",
    "productCode",
    "skuId",
    "trial",
    "expiredOn",
    "template",
    "token",
    "instanceId",
    "isRefund",
    "requestId",
    "timeStamp",
    "Count",
    "Num",
    "note",
    "_x",
    "count",
    "Beta",
    "ecsInstanceId",
    "package_version",
];

#[derive(Default)]
struct Instance {
    asked: u32,
    id: String,
    expires: String,
    is_frozen: bool,
    is_released: bool,
    paid: BTreeSet<String>,
}

#[derive(Default)]
struct State {
    minted: u32,
    /// By the marketplace's id.
    instances: BTreeMap<String, Instance>,
    spent: BTreeSet<String>,
}

/// A seller's interface as small as can be, right but for one defect.
struct Seller {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Seller {
    fn start(defect: Option<Defect>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (url, kept) = (format!("{origin}/spi"), Arc::clone(&state));
        // It ends with the process: nobody tells it to stop.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, origin) = (Arc::clone(&state), origin.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &Spi { defect, origin, state }));
            }
        });
        Self { url, state: kept }
    }

    /// Instances that are still there.
    fn left(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.instances.values().filter(|i| !i.id.is_empty() && !i.is_released).map(|i| i.id.clone()).collect()
    }
}

fn serve(mut stream: TcpStream, spi: &Spi) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut header = String::new();
    while reader.read_line(&mut header).is_ok_and(|read| read > 2) {
        header.clear();
    }
    let target = first.split(' ').nth(1).unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, more, body) = match path {
        "/spi" => spi.answer(query),
        "/console" => page(200, "Console"),
        "/login" => page(200, "Sign in"),
        _ => page(404, "Not found"),
    };
    let answer =
        format!("HTTP/1.1 {status} X\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let _the_caller_may_be_gone = stream.write_all(answer.as_bytes());
}

type Answer = (u16, String, String);

fn page(status: u16, title: &str) -> Answer {
    (status, "Content-Type: text/html\r\n".into(), format!("<title>{title}</title><h1>{title}</h1>"))
}

struct Spi {
    defect: Option<Defect>,
    origin: String,
    state: Arc<Mutex<State>>,
}

impl Spi {
    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn json(&self, status: u16, body: &str) -> Answer {
        let kind = if self.is(Defect::Html) { "text/html" } else { "application/json" };
        (status, format!("Content-Type: {kind}\r\n"), body.to_owned())
    }

    fn success(&self, is_done: bool) -> Answer {
        let body = if is_done { r#"{"success":"true"}"# } else { r#"{"success":false}"# };
        if self.is(Defect::TruthyErrors) && !is_done {
            return self.json(200, r#"{"success":"False"}"#);
        }
        self.json(200, body)
    }

    fn decode(&self, raw: &str) -> Vec<(String, String)> {
        let once = |raw: &str| percent_encoding::percent_decode_str(raw).decode_utf8().unwrap().into_owned();
        let decode = |raw: &str| match self.defect {
            Some(Defect::PlusAfterDecoding) => once(raw).replace('+', " "),
            Some(Defect::DecodesTwice) => {
                let text = once(&raw.replace('+', " "));
                once(&text.replace('+', " "))
            }
            _ => once(&raw.replace('+', " ")),
        };
        raw.split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decode(name), decode(value)))
            .filter(|(_, value)| !(self.is(Defect::DropsEmpty) && value.is_empty()))
            .collect()
    }

    fn is_signed(&self, params: &[(String, String)]) -> bool {
        let given = params.iter().find(|(name, _)| name == "token").map(|(_, token)| token.as_str());
        if given.is_none() && self.is(Defect::Tokenless) {
            return true;
        }
        let action = params.iter().find(|(name, _)| name == "action").map_or("", |(_, action)| action);
        if matches!(self.defect, Some(Defect::Unsigned(unchecked)) if unchecked == action) {
            return true;
        }
        let mut rest: Vec<(&str, &str)> = params
            .iter()
            .filter(|(name, _)| name != "token" && (!self.is(Defect::SignsSomeOnly) || NAMES.contains(&name.as_str())))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if self.is(Defect::SortsIgnoringCase) {
            rest.sort_by_key(|(name, _)| name.to_lowercase());
            let base: Vec<String> = rest.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let digest = <md5::Md5 as md5::Digest>::digest(format!("{}&key={KEY}", base.join("&")));
            return given == Some(marketgate::crypto::hex(&digest).as_str());
        }
        given == Some(token(&rest, KEY).as_str())
    }

    fn answer(&self, query: &str) -> Answer {
        let params = self.decode(query);
        let get = |name: &str| params.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str());
        let has = |name: &str| params.iter().any(|(other, _)| other == name);
        if !self.is_signed(&params) {
            return match (self.defect, get("action")) {
                (Some(Defect::TokensUnder200), "verify") => self.json(200, r#"{"error":"token"}"#),
                (_, "verify") => page(403, "Refused"),
                (Some(Defect::TokensUnder200), _) => self.json(200, r#"{"error":"token is invalid"}"#),
                (Some(Defect::TruthyErrors), _) => self.json(403, r#"{"success":"False"}"#),
                _ => self.json(403, r#"{"error":"Invalid token"}"#),
            };
        }
        if self.is(Defect::RejectsUnknown) && params.iter().any(|(name, _)| !NAMES.contains(&name.as_str())) {
            return self.json(400, r#"{"error":"unknown parameter"}"#);
        }
        match get("action") {
            "createInstance" if self.is(Defect::DemandsTerm) && !has("expiredOn") => self.json(400, "{}"),
            "createInstance" => self.create(get("orderBizId"), get("expiredOn")),
            "verify" => self.verify(get("instanceId"), get("timeStamp"), get("token")),
            "orderPay" => self.pay(get("orderBizId"), get("requestId")),
            action => self.change(action, get("instanceId"), &has, get("expiredOn")),
        }
    }

    fn create(&self, order: &str, expires: &str) -> Answer {
        let mut state = self.state.lock().unwrap();
        if self.is(Defect::Races) && state.instances.get(order).is_none_or(|known| known.id.is_empty()) {
            drop(state);
            std::thread::sleep(Duration::from_millis(200));
            state = self.state.lock().unwrap();
            state.minted += 1;
            let id = format!("i-{}", state.minted);
            state.instances.insert(order.to_owned(), Instance { id: id.clone(), ..Instance::default() });
            return self.created(&id);
        }
        let known = state.instances.entry(order.to_owned()).or_default();
        known.asked += 1;
        // The first two calls find it not ready.
        if (known.asked <= 2 && !self.is(Defect::Races)) || self.is(Defect::NeverReady) {
            return self.json(200, r#"{"instanceId":"0"}"#);
        }
        if known.id.is_empty() {
            order.clone_into(&mut known.id);
            expires.clone_into(&mut known.expires);
        }
        if self.is(Defect::MintsIds) {
            state.minted += 1;
            let id = format!("i-{}", state.minted);
            state.instances.insert(id.clone(), Instance { id: id.clone(), ..Instance::default() });
            return self.created(&id);
        }
        let id = known.id.clone();
        self.created(&id)
    }

    fn created(&self, id: &str) -> Answer {
        if self.is(Defect::BrokenJson) {
            return self.json(200, &format!("{{'instanceId': '{id}'}}"));
        }
        let password = if self.is(Defect::NoPassword) { "" } else { "secret" };
        let auth_url = if self.is(Defect::NoLoginUrl) { String::new() } else { format!("{}/spi", self.origin) };
        let body = serde_json::json!({ "instanceId": id, "appInfo": {
            "frontEndUrl": "https://a.example.com/", "adminUrl": "https://a.example.com/admin",
            "username": "admin", "password": password, "authUrl": auth_url } });
        self.json(200, &body.to_string())
    }

    fn verify(&self, id: &str, stamp: &str, token: &str) -> Answer {
        let mut state = self.state.lock().unwrap();
        let is_known = state.instances.values().any(|known| known.id == id);
        let (earliest, latest) = (china_text(now_secs() - 300), china_text(now_secs() + 300));
        let is_stale = (stamp < earliest.as_str() && !self.is(Defect::IgnoresStamp))
            || (stamp > latest.as_str() && !self.is(Defect::IgnoresStamp) && !self.is(Defect::IgnoresFuture));
        let is_spent = !state.spent.insert(token.to_owned()) && !self.is(Defect::OpensTwice);
        if (!is_known && !self.is(Defect::LetsStrangersIn)) || is_stale || (is_spent && token != WRONG) {
            return page(403, "Refused");
        }
        let place = if self.is(Defect::ShowsLogin) { "/login" } else { "/console?session=1" };
        (302, format!("Location: {place}\r\nSet-Cookie: s=1; Path=/\r\n"), String::new())
    }

    fn pay(&self, order: &str, request: &str) -> Answer {
        if self.is(Defect::SaysOk) {
            return self.json(200, "ok");
        }
        let mut state = self.state.lock().unwrap();
        let is_new = state.instances.entry(order.to_owned()).or_default().paid.insert(request.to_owned());
        if !is_new && self.is(Defect::PaysOnce) {
            return self.json(500, r#"{"error":"duplicate key"}"#);
        }
        self.json(200, r#"{"success":true}"#)
    }

    fn change(&self, action: &str, id: &str, has: &dyn Fn(&str) -> bool, expires: &str) -> Answer {
        let mut state = self.state.lock().unwrap();
        let Some(known) = state.instances.values_mut().find(|known| known.id == id && !id.is_empty()) else {
            let is_done = match action {
                "releaseInstance" => !self.is(Defect::ReleasesNothing),
                "renewInstance" => self.is(Defect::RenewsAnything),
                _ => self.is(Defect::KnowsEveryAction),
            };
            return self.success(is_done);
        };
        match action {
            "renewInstance" => {
                if known.is_frozen && self.is(Defect::StaysFrozen) {
                    return self.success(false);
                }
                known.is_frozen = false;
                expires.clone_into(&mut known.expires);
            }
            "refundRenewInstance" => {
                if self.is(Defect::RefusesBackwards) && expires < known.expires.as_str() {
                    return self.success(false);
                }
                expires.clone_into(&mut known.expires);
            }
            "upgradeInstance" => {
                if self.is(Defect::DemandsOrder) && !has("orderId") {
                    return self.json(400, r#"{"error":"orderId"}"#);
                }
                if self.is(Defect::Slow) {
                    drop(state);
                    std::thread::sleep(Duration::from_millis(600));
                }
            }
            "expiredInstance" => {
                if known.is_frozen && self.is(Defect::ExpiresOnce) {
                    return self.success(false);
                }
                known.is_frozen = true;
            }
            "releaseInstance" => {
                if (self.is(Defect::DemandsRefund) && !has("isRefund"))
                    || (self.is(Defect::ReleasesOnce) && known.is_released)
                {
                    return self.json(400, r#"{"error":"refused"}"#);
                }
                known.is_released = true;
            }
            _ => return self.success(self.is(Defect::KnowsEveryAction)),
        }
        self.success(true)
    }
}

const WRONG: &str = "00000000000000000000000000000000";
/// Exit code; names of findings; names of warnings; the whole output.
fn certify(url: &str, key: &str, more: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>, String) {
    let place = tempfile::tempdir().unwrap();
    let (file, junit) = (place.path().join("key"), place.path().join("junit.xml"));
    std::fs::write(&file, format!("{key}\n")).unwrap();
    let mut command = marketgate(&["certify", url, "--lang", "en", "--pause", "0.005"]);
    command.arg("--isv-key-file").arg(&file).arg("--junit").arg(&junit).args(more);
    let (code, text) = says(command);
    let xml = std::fs::read_to_string(&junit).unwrap_or_else(|_| panic!("no report: {text}"));
    let document = roxmltree::Document::parse(&xml).unwrap();
    let named = |tag: &str| -> Vec<String> {
        let found = document.descendants().filter(|node| node.has_tag_name(tag));
        found.map(|node| node.parent().unwrap().attribute("name").unwrap().to_owned()).collect()
    };
    (code, named("failure"), named("system-out"), text)
}

#[test]
fn the_gateway_passes_every_check() {
    let world = World::start();
    let url = format!("{}/marketplace/alibaba/spi", world.gateway);
    let key = world.ready["isv_key"].as_str().unwrap();
    let plan = format!("{PRODUCT}-prepay");
    let (code, findings, warnings, text) = certify(&url, key, &["--product", PRODUCT, "--sku", &plan]);
    assert_eq!((code, findings.len(), warnings.len()), (Some(0), 0, 0), "{text}");
    assert!(text.contains("0 not asked"), "{text}");
    assert_eq!(world.rows("SELECT count(*) FROM subscription WHERE state <> 'released'"), ["0"], "all is released");
    assert_eq!(world.rows("SELECT count(*) FROM subscription WHERE instance_id NOT LIKE 'mgcert-%'"), ["0"]);
    assert!(!text.contains(key), "the key is told");
}

/// Before the proxy and its certificate are there: production asked by its own plain address.
#[test]
fn a_gateway_for_https_is_asked_without_its_proxy() {
    let place = tempfile::tempdir().unwrap();
    let file = initialized(place.path());
    let serving = Serving::start(&file);
    let url = |path: &str| format!("{}/marketplace/alibaba/{path}", serving.1);
    let (code, findings, warnings, text) =
        certify(&url("spi"), crate::cli::KEY, &["--product", PRODUCT, "--login-url", &url("login")]);
    assert_eq!((code, findings.len(), warnings.len()), (Some(0), 0, 0), "{text}");
}

#[test]
fn a_small_right_server_passes_and_each_defect_is_found_by_its_name() {
    use Defect::*;
    let right = Seller::start(None);
    let (code, findings, warnings, text) = certify(&right.url, KEY, &[]);
    assert_eq!((code, findings.len(), warnings.len()), (Some(0), 0, 0), "{text}");
    assert!(text.contains("0 not asked"), "{text}");
    assert_eq!(right.left(), [""; 0], "everything was released");
    let cases: &[(Defect, &[&str], &[&str])] = &[
        (MintsIds, &["create.repeat", "create.concurrent"], &[]),
        (Races, &["create.concurrent"], &[]),
        (NeverReady, &["create.ready"], &[]),
        (BrokenJson, &["create.answer"], &[]),
        (NoPassword, &["create.app_info"], &[]),
        (NoLoginUrl, &["create.auth_url"], &[]),
        (DemandsTerm, &["create.without_term"], &[]),
        (IgnoresStamp, &["verify.stale", "verify.future"], &[]),
        (IgnoresFuture, &["verify.future"], &[]),
        (OpensTwice, &[], &["verify.reused"]),
        (LetsStrangersIn, &["verify.unknown"], &[]),
        (ShowsLogin, &["verify.fresh"], &[]),
        (DecodesTwice, &["params.plus", "params.decoded_once"], &[]),
        (PlusAfterDecoding, &["params.plus"], &[]),
        (DropsEmpty, &["params.empty"], &[]),
        (RejectsUnknown, &["params.unknown"], &[]),
        (SortsIgnoringCase, &["params.order", "upgrade.items", "upgrade.without_order"], &[]),
        (SignsSomeOnly, &["params.unknown", "token.tampered"], &[]),
        (TokensUnder200, &[], &["token.status"]),
        (TruthyErrors, &["answer.truthy"], &[]),
        (Unsigned("createInstance"), &["token.wrong.create"], &["token.status"]),
        (Unsigned("renewInstance"), &["token.wrong.renew", "token.missing", "token.tampered"], &[]),
        (Unsigned("refundRenewInstance"), &["token.wrong.refund"], &[]),
        (Unsigned("upgradeInstance"), &["token.wrong.upgrade"], &[]),
        (Unsigned("expiredInstance"), &["token.wrong.expire"], &[]),
        (Unsigned("releaseInstance"), &["token.wrong.release"], &[]),
        (Unsigned("orderPay"), &["token.wrong.pay"], &[]),
        (Unsigned("verify"), &["token.wrong.verify"], &[]),
        (Tokenless, &["token.missing"], &[]),
        (DemandsRefund, &["release.without_refund"], &[]),
        (DemandsOrder, &["upgrade.without_order"], &[]),
        (RefusesBackwards, &["refund.backwards"], &[]),
        (StaysFrozen, &["renew.expired"], &[]),
        (ExpiresOnce, &[], &["expire.repeat"]),
        (ReleasesOnce, &["release.twice"], &[]),
        (ReleasesNothing, &[], &["unknown.release"]),
        (SaysOk, &["pay.answer", "pay.repeat"], &[]),
        (PaysOnce, &["pay.repeat"], &[]),
        (RenewsAnything, &[], &["unknown.renew"]),
        (KnowsEveryAction, &[], &["unknown.action"]),
        (Html, &[], &["answer.content_type"]),
        (Slow, &["answer.time"], &[]),
    ];
    for (defect, errors, told) in cases {
        let seller = Seller::start(Some(*defect));
        let more: &[&str] = if *defect == Slow { &["--slow-after", "0.5"] } else { &[] };
        let (code, findings, warnings, text) = certify(&seller.url, KEY, more);
        assert!(findings == *errors && warnings == *told, "{defect:?}: {findings:?} {warnings:?}\n{text}");
        assert_eq!(code, Some(i32::from(!errors.is_empty())), "{defect:?}: a warning alone is no failure");
        assert!(!text.contains(KEY) && !text.contains("secret"), "{defect:?}: {text}");
    }
}

#[test]
fn what_cannot_be_asked_is_a_finding_or_a_usage_error() {
    let nobody = silent();
    let (code, findings, _, text) = certify(&format!("http://{}/spi", nobody.local_addr().unwrap()), KEY, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(findings.contains(&"create.answer".to_owned()) && text.contains("no answer"), "{text}");
    for arguments in [
        &["certify", "not an address", "--isv-key", KEY][..],
        &["certify", "ftp://127.0.0.1/", "--isv-key", KEY],
        &["certify", "http://127.0.0.1/"],
        &["certify", "http://127.0.0.1/", "--isv-key", KEY, "--lang", "fr"],
        &["replay", "log", "--target", "http://127.0.0.1/"],
        &["simulator", "--isv-key", KEY],
        &["simulator", "--isv-key", KEY, "--target", "http://127.0.0.1/", "--access-key-id", "LTAI"],
    ] {
        let (code, text) = says(marketgate(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
    }
    let open = ["simulator", "--isv-key", KEY, "--target", "http://127.0.0.1/", "--listen", "0.0.0.0:0"];
    let (code, text) = says(marketgate(&open));
    assert!(code == Some(1) && text.contains("loopback"), "{text}");
    let (code, text) = says(marketgate(&["certify", "http://127.0.0.1/", "--isv-key-file", "/nowhere/key"]));
    assert!(code == Some(1) && text.contains("/nowhere/key"), "{text}");
}

#[test]
fn the_report_speaks_the_terminals_language_and_takes_the_key_from_the_environment() {
    let seller = Seller::start(Some(Defect::RefusesBackwards));
    for (locale, said) in [("zh_CN.UTF-8", "不符合 1"), ("en_GB.UTF-8", "1 findings"), ("C", "不符合 1")] {
        let mut command = marketgate(&["certify", &seller.url, "--pause", "0.005"]);
        command.env("LC_ALL", locale).env("MARKETGATE_ISV_KEY", KEY);
        let (code, text) = says(command);
        assert!(code == Some(1) && text.contains(said), "{locale}: {text}");
    }
    // The file goes before the variable, and the variable is no setting of `serve` that nobody knows.
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    let mut command = marketgate(&["certify", &seller.url, "--pause", "0.005", "--lang", "en", "--isv-key-file"]);
    command.arg(&file).env("MARKETGATE_ISV_KEY", "another-key-0123456789");
    let (_, text) = says(command);
    assert!(text.contains("1 findings"), "{text}");
    let config = configure(place.path(), "https://gate.example.com", KEY);
    let mut command = marketgate(&["config", "show", "--config", &config]);
    command.env("MARKETGATE_ISV_KEY", KEY);
    assert_eq!(says(command).0, Some(0));
}
