//! Which program runs, and whether it takes work: asked by commands, pages and monitors.

use crate::cli::{Serving, initialized, marketgate, says};
use crate::metrics::metrics;
use crate::world::{OWNER, World};

#[test]
fn health_says_yes_of_a_gateway_that_takes_work_and_why_of_others() {
    let place = tempfile::tempdir().unwrap();
    let file = initialized(place.path());
    let mut serving = Serving::start(&file);
    let port = serving.1.rsplit(':').next().unwrap().to_owned();
    let health = |listen: &str| says(marketgate(&["health", "--config", &file, "--listen", listen]));
    for listen in ["127.0.0.1", "0.0.0.0"] {
        assert_eq!(health(&format!("{listen}:{port}")), (Some(0), "ready\n".to_owned()));
    }
    // Without the flag the configuration says where, the environment included.
    let mut command = marketgate(&["health", "--config", &file]);
    command.env("MARKETGATE_LISTEN", format!("127.0.0.1:{port}"));
    assert_eq!(says(command).0, Some(0));
    // Alive, and without a database that takes writes.
    let database = rusqlite::Connection::open(place.path().join("gate.db")).unwrap();
    database.busy_timeout(crate::world::PATIENCE).unwrap();
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    database.pragma_update(None, "user_version", version + 1).unwrap();
    let (code, text) = health(&format!("127.0.0.1:{port}"));
    assert!(code == Some(1) && text.contains("503") && text.contains("takes no writes"), "{text}");
    database.pragma_update(None, "user_version", version).unwrap();
    serving.0.kill().unwrap();
    serving.0.wait().unwrap();
    let (code, text) = health(&format!("127.0.0.1:{port}"));
    assert!(code == Some(1) && text.contains("does not answer"), "{text}");
}

#[test]
fn what_hangs_is_not_healthy() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let (code, text) = says(marketgate(&["health", "--listen", &address, "--timeout", "0.2"]));
    assert!(code == Some(1) && text.contains("does not answer"), "{text}");
}

#[test]
fn the_version_is_the_same_wherever_it_is_told_and_operators_only_see_it_on_pages() {
    let world = World::with(&["--metrics"]);
    let (_, line) = says(marketgate(&["--version"]));
    let release = line.trim().strip_prefix("marketgate ").unwrap().to_owned();
    let version = release.split(' ').next().unwrap();
    assert!(version.split('.').count() == 3 && release.contains('('), "{release}");
    assert!(metrics(&world).contains(&format!("version=\"{version}\"")));
    assert_eq!(world.ready["version"], version);
    let browser = world.browser();
    browser.sign_in_as("operator@example.com");
    assert!(browser.get("/operator/metering").texts(".release").contains(&format!("Marketgate {release}")));
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    for path in ["/orgs", "/me", "/login"] {
        assert!(!browser.get(path).has(version), "{path}");
    }
}
