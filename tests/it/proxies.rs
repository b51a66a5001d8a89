//! The examples for nginx and Caddy, run as they are shipped in front of a gateway: what they keep to themselves, whose
//! request they say it is, and that they never ask twice.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use marketgate::web::ROUTES;
use ureq::tls::TlsConfig;

use crate::packaging::text as shipped;
use crate::world::{PATIENCE, World, create, until};

const NAME: &str = "gate.example.com";
/// What stands in addresses and must be in no log.
const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015";

/// How often a proxy is started before it has its ports.
const STARTS: u32 = 5;
/// How long one is waited for that may not be there.
const A_MOMENT: Duration = Duration::from_secs(1);

/// A proxy of a shipped example with its ports and files put into a place of its own.
struct Proxy {
    child: Child,
    place: tempfile::TempDir,
    port: u16,
}

/// Nobody has it now; a moment later somebody may.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Replaces what a machine of one's own has otherwise; each has to be there.
fn adapted(name: &str, changes: &[(&str, String)]) -> String {
    changes.iter().fold(shipped(name), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in {name}");
        text.replace(from, to)
    })
}

/// The program, where `make test-setup` or somebody else has installed it; `make test` is refused without it.
#[expect(clippy::print_stderr, reason = "whoever runs it should know that a part was left out")]
pub fn installed(program: &str) -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/proxies/usr");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = [ours.join("bin"), ours.join("sbin")].into_iter().chain(std::env::split_paths(&path));
    let found = places.map(|place| place.join(program)).find(|file| file.is_file());
    assert!(found.is_some() || !cfg!(feature = "browser"), "{program} is not installed (make test-setup)");
    if found.is_none() {
        eprintln!("{program} is not installed (make test-setup): its part is left out");
    }
    found
}

impl Proxy {
    /// Starts one, again where somebody else took a port first.
    fn started(start: impl Fn() -> Option<Self>) -> Self {
        (0..STARTS).find_map(|_| start()).expect("a proxy has its ports")
    }

    fn nginx(upstream: &str) -> Option<Self> {
        let (program, _) = (installed("nginx")?, installed("openssl")?);
        Some(Self::started(|| Self::start_nginx(&program, upstream)))
    }

    fn start_nginx(program: &Path, upstream: &str) -> Option<Self> {
        let (place, port) = (tempfile::tempdir().unwrap(), free_port());
        let at = |name: &str| place.path().join(name).display().to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"])
            .args(["-subj", &format!("/CN={NAME}"), "-keyout", &at("key.pem"), "-out", &at("chain.pem")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let site = adapted(
            "nginx/marketgate.conf",
            &[
                ("listen 80;", format!("listen 127.0.0.1:{};", free_port())),
                ("    listen [::]:80;\n", String::new()),
                ("listen 443 ", format!("listen 127.0.0.1:{port} ")),
                ("    listen [::]:443 ssl http2;\n", String::new()),
                ("/etc/ssl/gate.example.com/fullchain.pem", at("chain.pem")),
                ("/etc/ssl/gate.example.com/privkey.pem", at("key.pem")),
                ("/var/log/nginx/marketgate.access.log", at("access.log")),
                ("/var/log/nginx/marketgate.error.log", at("error.log")),
                ("127.0.0.1:8080", upstream.to_owned()),
            ],
        );
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};", at(kind)))
            .join("\n");
        // What Debian's own file has around a site, its logs included.
        let main = format!(
            "daemon off;\npid {};\nerror_log {} info;\nevents {{}}\nhttp {{\naccess_log {};\n{temporary}\n{site}\n}}\n",
            at("pid"),
            at("main-error.log"),
            at("main-access.log")
        );
        std::fs::write(place.path().join("nginx.conf"), main).unwrap();
        let nginx = |more: &[&str]| {
            let mut command = Command::new(program);
            command.args(["-e", &at("start.log"), "-c", &at("nginx.conf")]).args(more);
            command
        };
        let checked = nginx(&["-t"]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let child = nginx(&[]).stderr(Stdio::null()).spawn().unwrap();
        Self { child, place, port }.ready()
    }

    fn caddy(upstream: &str) -> Option<Self> {
        let program = installed("caddy")?;
        Some(Self::started(|| Self::start_caddy(&program, upstream)))
    }

    fn start_caddy(program: &Path, upstream: &str) -> Option<Self> {
        let (place, port) = (tempfile::tempdir().unwrap(), free_port());
        let at = |name: &str| place.path().join(name).display().to_string();
        let file = adapted(
            "caddy/Caddyfile",
            &[
                // No certificate from outside, and no listener that other tests would want, too.
                (
                    "{\n\tservers {",
                    format!(
                        "{{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n\thttp_port {}\n\tservers {{",
                        free_port()
                    ),
                ),
                ("gate.example.com {", format!("{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls internal")),
                ("/var/log/caddy/marketgate.log", at("access.log")),
                ("127.0.0.1:8080", upstream.to_owned()),
            ],
        );
        std::fs::write(place.path().join("Caddyfile"), file).unwrap();
        let child = Command::new(program)
            .args(["run", "--adapter", "caddyfile", "--config", &at("Caddyfile")])
            .env("XDG_DATA_HOME", at("data"))
            .env("XDG_CONFIG_HOME", at("config"))
            .env("HOME", at(""))
            .stdout(std::fs::File::create(at("stdout.log")).unwrap())
            .stderr(std::fs::File::create(at("stderr.log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, place, port }.ready()
    }

    /// Once it answers; `None` where a port was taken.
    fn ready(mut self) -> Option<Self> {
        let has_ports = until("the proxy", || {
            let has_ended = self.child.try_wait().unwrap().is_some();
            // Whoever has the port instead need not answer.
            let answers = !has_ended && self.ask_within(A_MOMENT, "GET", "/static/none", &[], "").is_ok();
            let written = self.written();
            let is_taken = written.to_lowercase().contains("address already in use");
            assert!(is_taken || !has_ended, "{written}");
            (is_taken || answers).then_some(!is_taken)
        });
        has_ports.then_some(self)
    }

    /// A request as from outside; status and body.
    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, String), ureq::Error> {
        self.ask_within(PATIENCE, method, path, headers, body)
    }

    fn ask_within(
        &self,
        patience: Duration,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, String), ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(patience))
            .tls_config(TlsConfig::builder().disable_verification(true).build())
            .build()
            .into();
        // By name, so that the server is chosen by it; it leads here.
        let agent = ureq::Agent::with_parts(
            agent.config().clone(),
            ureq::unversioned::transport::DefaultConnector::default(),
            Here(self.port),
        );
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("https://{NAME}:{}{path}", self.port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = agent.run(request.body(body.to_owned()).unwrap())?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default()))
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, &[], "").unwrap()
    }

    /// Ends it in order, so that nginx takes its workers with it and everything is written.
    fn stop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _told = Command::new("kill").arg(self.child.id().to_string()).status();
            let _reaped = self.child.wait();
        }
    }

    /// Everything that it has written, files of any name.
    fn written(&self) -> String {
        fn walk(at: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut files = Vec::new();
        walk(self.place.path(), &mut files);
        files.sort();
        let text = |file: &PathBuf| {
            format!("{}:\n{}\n", file.display(), String::from_utf8_lossy(&std::fs::read(file).unwrap()))
        };
        files.iter().map(text).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Leads every name to this machine.
#[derive(Debug)]
struct Here(u16);

impl ureq::unversioned::resolver::Resolver for Here {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: ureq::unversioned::transport::NextTimeout,
    ) -> Result<ureq::unversioned::resolver::ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        found.push(([127, 0, 0, 1], self.0).into());
        Ok(found)
    }
}

/// Addresses that carry a secret.
fn secret_paths() -> Vec<String> {
    [
        "/marketplace/alibaba/spi?action=createInstance&token=",
        "/marketplace/alibaba/login?action=verify&token=",
        "/password/reset/",
        "/approvals/",
        "/invitations/",
    ]
    .map(|path| format!("{path}{SECRET}"))
    .to_vec()
}

#[test]
fn the_examples_know_every_address_that_carries_a_secret() {
    let secret = |path: &str| path.contains("{token}") || path.starts_with("/marketplace/");
    let paths: Vec<&str> = ROUTES.iter().map(|spec| spec.path).filter(|path| secret(path)).collect();
    assert!(paths.len() > 5);
    let (nginx, caddy) = (shipped("nginx/marketgate.conf"), shipped("caddy/Caddyfile"));
    for path in paths {
        let kept = path.split('{').next().unwrap();
        let kept = if kept.starts_with("/marketplace/") { "/marketplace/" } else { kept };
        let words = nginx.split("location ~ ^/(").nth(1).unwrap().split(')').next().unwrap();
        assert!(words.split('|').any(|word| format!("/{word}/") == kept), "nginx would log {path}");
        assert!(caddy.contains(&format!(" {kept}*")), "Caddy would ask twice for {path}");
        let logged = caddy.split("request>uri regexp \"(").nth(1).unwrap().split(')').next().unwrap();
        assert!(logged.split('|').any(|word| word == kept), "Caddy would log {path}");
        assert!(secret_paths().iter().any(|tried| tried.starts_with(kept)), "nobody tries {path}");
    }
}

/// A gateway behind it, then no gateway.
fn keeps_secrets_and_tells_the_truth(start: fn(&str) -> Option<Proxy>) {
    let world = World::with(&["--trusted-proxy", "127.0.0.1"]);
    let Some(mut proxy) = start(world.gateway.strip_prefix("http://").unwrap()) else { return };
    assert_eq!(proxy.get("/healthz"), (200, "ok\n".to_owned()));
    let call = format!("/marketplace/alibaba/spi?{}", world.signed(&create("1")));
    assert_eq!(proxy.get(&call).0, 200);
    let id = world.rows("SELECT request_id FROM call").remove(0);
    assert!(!id.starts_with("req_"), "it is the proxy's: {id}");
    let forged = [("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=192.0.2.9"), ("x-request-id", "forged")];
    assert_eq!(proxy.ask("GET", &secret_paths()[0], &forged, "").unwrap().0, 403);
    let told = until("the sample", || {
        Some(world.rows("SELECT address || ' ' || request_id FROM refused_call")).filter(|rows| !rows.is_empty())
    });
    assert!(told[0].starts_with("127.0.0.1 ") && !told[0].contains("forged"), "{told:?}");
    let key = format!("Bearer {}", world.ready["api_key"].as_str().unwrap());
    let headers = [("content-type", "application/cloudevents+json"), ("authorization", key.as_str())];
    let sized = |length: usize| proxy.ask("POST", "/api/v1/usage", &headers, &"x".repeat(length)).unwrap().0;
    // Caddy of before 2.7 has no better word for what it stops.
    let (fits, stopped) = (sized(1_000_000), sized(3_000_000));
    assert!(![413, 502].contains(&fits) && [413, 502].contains(&stopped), "{fits} {stopped}");
    let link = world.link("1");
    assert_eq!(proxy.get(&link).0, 200);
    let everything = || {
        for path in secret_paths() {
            proxy.get(&path);
            proxy.ask("POST", &path, &[("referer", &format!("https://{NAME}{path}"))], SECRET).unwrap();
        }
        proxy.get(&format!("/login?next={SECRET}"))
    };
    assert_eq!(everything().0, 200);
    world.kill();
    assert_eq!(everything().0, 502, "nobody answers");
    proxy.stop();
    let written = proxy.written();
    assert!(written.contains("/login") && written.contains("502"), "it does write logs: {written}");
    assert!(!written.contains(SECRET), "{written}");
    for link in [&call, &link] {
        let token = link.split("token=").nth(1).unwrap();
        assert!(!written.contains(token), "{token} in {written}");
    }
}

/// Answers a request of each connection and closes it without a word at the next: what a proxy meets that keeps a
/// connection for a gateway that has been restarted. Counts what was asked for a secret address.
fn forgetful() -> (String, Arc<AtomicUsize>) {
    fn head(reader: &mut impl BufRead) -> Option<String> {
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|length| *length > 0)?;
        let mut line = String::from("x");
        while !line.trim().is_empty() {
            line.clear();
            reader.read_line(&mut line).ok()?;
        }
        Some(first)
    }
    fn converse(stream: &TcpStream, asked: &AtomicUsize) -> Option<()> {
        let (mut reader, mut out) = (BufReader::new(stream), stream);
        for is_first in [true, false] {
            let first = head(&mut reader)?;
            if first.contains("/marketplace/") {
                asked.fetch_add(1, Ordering::SeqCst);
            }
            if is_first {
                out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").ok()?;
            }
        }
        Some(())
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, asked) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || converse(&stream.unwrap(), &count));
        }
    });
    (address, asked)
}

fn asks_once(start: fn(&str) -> Option<Proxy>) {
    let (address, asked) = forgetful();
    let Some(proxy) = start(&address) else { return };
    let path = &secret_paths()[0];
    for times in 1..=6 {
        proxy.get(path);
        assert_eq!(asked.load(Ordering::SeqCst), times, "each request is passed on once");
    }
}

#[test]
fn nginx_keeps_secrets_out_of_its_logs_and_says_whose_request_it_is() {
    keeps_secrets_and_tells_the_truth(Proxy::nginx);
}

#[test]
fn nginx_never_asks_twice() {
    asks_once(Proxy::nginx);
}

#[test]
fn caddy_keeps_secrets_out_of_its_logs_and_says_whose_request_it_is() {
    keeps_secrets_and_tells_the_truth(Proxy::caddy);
}

#[test]
fn caddy_never_asks_twice() {
    asks_once(Proxy::caddy);
}
