//! The independent recomputation of bills: its own cases, worked out by hand.

use std::process::Command;

/// Where the independent programs are.
pub const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

#[test]
fn the_oracle_agrees_with_cases_worked_out_by_hand() {
    let done = Command::new("python3")
        .args(["-B", "-m", "unittest", "-v", "test_oracle"])
        .current_dir(FIXTURES)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("Ran 14 tests"), "{said}");
}
