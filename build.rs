//! Tells the program which commit it is made from, so that the same commit makes the same program: from the
//! environment (`MARKETGATE_COMMIT`, `SOURCE_DATE_EPOCH`), else from git. Never from the clock.
//!
//! A development build does not ask git: it would be compiled anew after each commit.

use std::env;
use std::process::Command;

fn main() {
    for name in ["MARKETGATE_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if is_release {
        // HEAD moves with a commit and with a checkout.
        for name in ["HEAD", "logs/HEAD"] {
            if let Some(file) = git(&["rev-parse", "--git-path", name]) {
                println!("cargo::rerun-if-changed={file}");
            }
        }
    }
    let asked = |arguments: &[&str]| if is_release { git(arguments) } else { None };
    let commit = env::var("MARKETGATE_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = commit.or_else(|| asked(&["rev-parse", "--short=12", "HEAD"])).unwrap_or_default();
    let epoch = env::var("SOURCE_DATE_EPOCH").ok().filter(|epoch| epoch.parse::<i64>().is_ok());
    let epoch = epoch.or_else(|| asked(&["log", "-1", "--format=%ct"])).unwrap_or_default();
    println!("cargo::rustc-env=BUILD_COMMIT={commit}");
    println!("cargo::rustc-env=BUILD_EPOCH={epoch}");
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
