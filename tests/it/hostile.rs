//! People who mean harm: what they type, what they guess, and what they learn from how an answer comes.

use crate::browserlike::Form;
use crate::world::{MEMBER, OWNER, PASSWORD, World};

/// Clock ticks of processor time that the threads which hash passwords have used.
fn ticks_of_hashing(world: &World) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", world.pid())).unwrap();
    tasks
        .map(|task| task.unwrap().path())
        .filter(|task| std::fs::read_to_string(task.join("comm")).unwrap_or_default().starts_with("passwords-"))
        .map(|task| {
            let stat = std::fs::read_to_string(task.join("stat")).unwrap();
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
            fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
        })
        .sum()
}

#[test]
fn signing_in_as_nobody_costs_as_much_as_a_wrong_password() {
    const TIMES: usize = 12;
    let world = World::start();
    let browser = world.browser();
    let form = browser.get("/login").form("/login").set("password", "not-the-password");
    let cost = |form: &Form| {
        let before = ticks_of_hashing(&world);
        for _ in 0..TIMES {
            assert_eq!(browser.submit_only(form).status, 422);
        }
        ticks_of_hashing(&world) - before
    };
    let known = cost(&form.clone().set("email", OWNER));
    assert!(known >= 12, "{TIMES} hashes of 19 MiB take more than {known} ticks");
    // Coarse on purpose: without the hash it would be none.
    for (email, password) in
        [("nobody@example.com", "not-the-password"), ("no address", "x"), (OWNER, &"x".repeat(300))]
    {
        let unknown = cost(&form.clone().set("email", email).set("password", password));
        assert!(unknown * 2 >= known, "{email} costs {unknown} ticks, a known address {known}");
    }
}

#[test]
fn a_forgotten_password_waits_for_the_disk_whether_there_is_such_a_user_or_not() {
    let world = World::start();
    let file = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    let browser = world.browser();
    let form = browser.get("/password/forgot").form("/password/forgot");
    let version = || file.query_row("PRAGMA data_version", (), |row| row.get::<_, i64>(0)).unwrap();
    let written = |email: &str| {
        let before = version();
        let page = browser.submit(&form.clone().set("email", email));
        assert_eq!(page.status, 200);
        (version() != before, page.h1())
    };
    assert_eq!(written("nobody@example.com"), written(OWNER));
    assert!(written("nobody2@example.com").0, "something was written");
    assert_eq!(world.rows("SELECT count(*) FROM password_reset"), ["1"], "and nothing of it is kept");
}

#[test]
fn names_that_deceive_are_not_taken_and_others_are_shown_as_typed() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let form = browser.get("/orgs/new").form("/orgs");
    for bad in [
        "星河\u{202e}科技",
        "星河\u{200b}科技",
        "\u{2066}星河科技",
        "\u{3164}",
        "\u{200d}",
        "星河\u{2028}科技",
        "星河\u{e0041}",
        "A\r\nBcc: x@example.com",
        "中奖 https://evil.example",
        "WWW.evil.example",
    ] {
        let page = browser.submit_only(&form.clone().set("name", bad));
        assert_eq!(page.status, 422, "{bad:?}");
    }
    // Markup and formulas are only text.
    for fine in ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "👩‍💻 团队", "A & B \"quoted\""] {
        let page = browser.submit(&form.clone().set("name", fine));
        assert_eq!(page.status, 200, "{fine}");
        assert!(page.has(fine) && !page.html.contains("<script>alert"), "{fine}");
    }
    let page = browser.get("/register");
    let stranger = page.form("/logout");
    assert_eq!(browser.submit(&stranger).status, 200);
    let register = browser.get("/register").form("/register").set("password", "orange-Bicycle-77").set("agree", "1");
    for bad in
        ["оwner@example.com", "owner@exаmple.com", "a\u{200b}@example.com", "a@example.com\r\nBcc: b@example.com"]
    {
        let page = browser.submit_only(&register.clone().set("name", "某人").set("email", bad));
        assert_eq!(page.status, 422, "{bad:?}");
    }
}

#[test]
fn a_mail_says_nothing_that_the_holder_of_a_link_wrote() {
    let world = World::start();
    world.bind("1", OWNER, "星河科技");
    let mut thief = world.browser();
    thief.headers = vec![("user-agent", "Go to evil.example for a prize Chrome/1 Windows".into())];
    thief.open_link(&world.link("1"));
    let mails = serde_json::Value::from(world.mails()).to_string();
    assert!(mails.contains("entry_from_new_browser"), "{mails}");
    assert!(mails.contains("Chrome · Windows") && !mails.contains("evil.example"), "{mails}");
}

#[test]
fn nobody_is_sent_on_to_another_site() {
    let world = World::start();
    for bad in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        " /x",
        "/\r\nset-cookie: a=b",
    ] {
        let browser = world.browser();
        let login =
            browser.get("/login").form("/login").set("email", MEMBER).set("password", PASSWORD).set("next", bad);
        let page = browser.submit_only(&login);
        assert_eq!((page.status, page.headers["location"].as_str()), (303, "/"), "{bad:?}");
        let page = browser.submit_only(&browser.get("/me").form("/preferences").set("lang", "en").set("next", bad));
        assert!(page.headers["location"].starts_with('/') && !page.headers["location"].contains("evil"), "{bad:?}");
        let confirm = browser.get("/login/confirm").form("/login/confirm").set("password", PASSWORD).set("next", bad);
        let page = browser.submit_only(&confirm);
        assert_eq!((page.status, page.headers["location"].as_str()), (303, "/orgs"), "{bad:?}");
        let next: String = form_urlencoded::byte_serialize(bad.as_bytes()).collect();
        let page = browser.get_only(&format!("/login?next={next}"));
        // Home, which leads on by what the person is.
        assert_eq!((page.status, page.headers["location"].as_str()), (303, "/"), "{bad:?}");
    }
    // Where a form was sent from is not believed either.
    let mut browser = world.browser();
    browser.headers = vec![("referer", "https://evil.example//evil.example/x".into())];
    let page = browser.post("/me", &[("name", "x")]);
    assert!(page.status == 303 && page.headers["location"] == "/login?next=%2F", "{:?}", page.headers);
}

#[test]
fn the_tests_that_the_threat_model_names_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let named: Vec<&str> = page.split('`').filter(|word| word.contains("::")).collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        let (file, test) = name.split_once("::").unwrap();
        let places = [format!("tests/it/{file}.rs"), format!("tests/browser/{file}.rs"), format!("src/{file}.rs")];
        let source = places.iter().find_map(|place| std::fs::read_to_string(root.join(place)).ok());
        let source = source.unwrap_or_else(|| panic!("no file for {name}"));
        assert!(source.contains(&format!("fn {test}(")), "{name} is not there");
    }
}
