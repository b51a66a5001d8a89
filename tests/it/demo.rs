//! What `marketgate demo` prints, and a demo that others reach.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::browserlike::Browser;

/// A demo as a terminal shows it.
struct Demo {
    process: Child,
    script: String,
    _place: tempfile::TempDir,
}

impl Demo {
    fn start(more: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_marketgate"))
            .args(["demo", "--listen", "127.0.0.1:0", "--simulator-listen", "127.0.0.1:0"])
            .args(["--product-listen", "127.0.0.1:0", "--database"])
            .arg(place.path().join("demo.db"))
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let script: Vec<String> = lines.take_while(|line| !line.starts_with("Ctrl+C")).collect();
        Self { process, script: script.join("\n"), _place: place }
    }

    /// The rest of the word that begins with this.
    fn word(&self, begins: &str) -> &str {
        let rest = self.script.split(begins).nth(1).unwrap_or_else(|| panic!("{begins}: {}", self.script));
        rest.split_whitespace().next().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn the_demo_tells_where_to_click_in_both_languages() {
    let demo = Demo::start(&[]);
    let script = &demo.script;
    for told in [
        "/products/cmgj00063418",
        "/console/services",
        "/control",
        "marketgate-demo",
        "开始演示导览",
        "In five minutes",
    ] {
        assert!(script.contains(told), "{told}: {script}");
    }
    assert!(!script.contains('█') && !script.contains("unlock"), "{script}");
}

#[test]
fn a_demo_that_others_reach_has_passwords_of_its_own_and_a_locked_control() {
    // An address of this machine that nobody else reaches, but is not the usual one.
    let demo = Demo::start(&["--public", "127.0.0.2"]);
    assert!(demo.script.contains("nothing is encrypted") && demo.script.contains('█'), "{}", demo.script);
    let (password, unlock) = (demo.word("password: "), demo.word("/control/unlock?key="));
    let simulator = format!("http://127.0.0.2:{}", demo.word("http://127.0.0.2:").split('/').next().unwrap());
    // Of step 4: the gateway, and beside it the product.
    let places = demo.script.lines().find(|line| line.matches("http://127.0.0.2:").count() == 2).unwrap();
    let gateway = places.split_whitespace().next().unwrap();
    assert!(gateway.starts_with("http://127.0.0.2:"), "{gateway}");

    // The password that everybody knows is nobody's, the printed one is everybody's.
    let person = Browser::new(gateway);
    let refused = person.sign_in(&person.get("/login"), "owner@example.com", "marketgate-demo");
    assert!(refused.path.starts_with("/login") && person.get_only("/orgs").status == 303, "{}", refused.h1());
    for email in ["owner@example.com", "operator@example.com"] {
        let person = Browser::new(gateway);
        person.sign_in(&person.get("/login"), email, password);
        assert_eq!(person.get_only("/orgs").status, 200, "{email}");
    }

    // Whoever sees the pages sees nothing of the control, and cannot use it.
    let guest = Browser::new(&simulator);
    let product = guest.get("/products/cmgj00063418");
    assert!(product.status == 200 && !product.html.contains("/control"), "{}", product.html);
    for path in ["/control", "/control/mail", "/control/state", "/control/unlock", "/control/unlock?key=guess"] {
        assert_eq!(guest.get(path).status, 404, "{path}");
    }
    assert_eq!(guest.post("/control/clock", &[]).status, 404);
    // The link opens it for one browser.
    let presenter = Browser::new(&simulator);
    let page = presenter.get(&format!("/control/unlock?key={unlock}"));
    assert_eq!((page.status, page.path.as_str()), (200, "/control"), "{}", page.h1());
    assert_eq!(presenter.get("/control/mail").status, 200);
    assert_eq!(guest.get("/control").status, 404);
    // The guided tour tells the password that works.
    presenter.post("/control/tour", &[("step", "3")]);
    let tour = presenter.get("/control");
    assert!(tour.has(password) && !tour.has("marketgate-demo"), "{}", tour.html);

    // Calls signed with the key that everybody knows are refused.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/spi_caller.py");
    let forged = Command::new("python3").args([script, gateway, "demo-isv-key-not-for-production"]).output().unwrap();
    let said = String::from_utf8_lossy(&forged.stderr);
    assert!(!forged.status.success() && said.contains("403"), "{said}");
}

#[test]
fn a_demo_that_others_reach_needs_an_address_that_they_can_type() {
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("demo.db");
    let (code, said) = crate::cli::says(crate::cli::marketgate(&[
        "demo",
        "--database",
        database.to_str().unwrap(),
        "--public",
        "0.0.0.0",
    ]));
    assert!(code == Some(1) && said.contains("the address that others type"), "{said}");
    assert!(!database.exists());
}
