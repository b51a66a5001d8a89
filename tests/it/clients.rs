//! The examples for test authors, run as they are shown.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../fixtures/clients/marketgate.rs"]
mod marketgate;

const PROGRAM: &str = env!("CARGO_BIN_EXE_marketgate");
/// Longest example, in lines: more than that nobody copies.
const LINES: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn clients() -> PathBuf {
    root().join("tests/fixtures/clients")
}

/// Runs an example; what it said.
fn run(program: &Path, arguments: &[&str]) -> String {
    let out = Command::new(program)
        .args(arguments)
        .current_dir(clients())
        .env("MARKETGATE", PROGRAM)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|cause| panic!("{}, which make test installs: {cause}", program.display()));
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}");
    said
}

#[test]
fn the_rust_example_works() {
    marketgate::a_subscription_lives_for_a_month(PROGRAM);
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "make test installs pytest")]
fn the_python_example_works() {
    let python = root().join("target/pytest/bin/python");
    let said = run(&python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_marketgate.py"]);
    assert!(said.contains("2 passed"), "{said}");
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "make test installs Node")]
fn the_node_example_works() {
    let said = run(Path::new("node"), &["--test", "--test-reporter=tap", "marketgate.test.mjs"]);
    assert!(said.contains("# pass 1") && said.contains("# fail 0"), "{said}");
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "make test installs Java")]
fn the_java_example_works() {
    run(Path::new("java"), &["-Dfile.encoding=UTF-8", "Marketgate.java"]);
}

#[test]
fn both_readmes_show_the_example_that_runs() {
    let example = std::fs::read_to_string(clients().join("test_marketgate.py")).unwrap();
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(root().join(readme)).unwrap();
        assert!(text.contains(&format!("```python\n{example}```")), "{readme} shows another one");
    }
}

#[test]
fn the_examples_are_short_enough_to_copy() {
    for file in std::fs::read_dir(clients()).unwrap() {
        let path = file.unwrap().path();
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < LINES, "{}: {lines} lines", path.display());
    }
}
