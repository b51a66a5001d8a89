//! What holds for the sources themselves: the arrows between modules, and where things may stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules each module may see. What is not listed is forbidden; `cli` sees everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("app", &["config", "store", "clock", "crypto", "outbound", "error", "metrics"]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("crypto", &["domain", "error"]),
    ("error", &[]),
    ("outbound", &[]),
    ("metrics", &[]),
    ("domain", &[]),
    ("market", &["domain"]),
    ("store", &["domain", "error", "crypto", "metrics"]),
    ("usecase", &["domain", "market", "store", "error", "crypto"]),
    ("view", &["domain"]),
    ("web", &["app", "usecase", "view", "market", "error", "domain", "crypto", "clock", "config", "metrics"]),
    ("jobs", &["app", "config", "usecase", "market", "outbound", "error", "domain", "clock", "metrics"]),
    ("simulator", &["market", "outbound", "crypto", "clock", "view", "domain"]),
    ("certify", &["market", "outbound", "crypto", "clock", "domain"]),
    ("demo", &["outbound", "view", "domain"]),
    ("control", &["crypto", "app", "usecase", "jobs", "simulator", "clock", "view", "domain", "error"]),
];

/// Longest file of code, in lines. One that grows beyond has a second name waiting to be found.
const LINES: usize = 800;

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(at: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.insert(path.clone(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 50);
    found
}

/// The top module that a file belongs to.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The code of a file: no comments, nothing from its tests on.
fn code(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let names = [path.file_stem(), path.parent().and_then(Path::file_name)];
    names.into_iter().flatten().any(|name| name == "tests" || name == "samples")
}

#[test]
fn modules_see_only_what_the_arrows_allow() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
        if matches!(from.as_str(), "cli" | "main" | "lib") || is_test(&path) {
            continue;
        }
        let allowed = ARROWS.iter().find(|(name, _)| *name == from).unwrap_or_else(|| panic!("no arrows for {from}")).1;
        let code = code(&text);
        for after in code.split("crate::").skip(1) {
            let names = if let Some(list) = after.strip_prefix('{') { list.split('}').next().unwrap() } else { after };
            for name in names.split(',') {
                let to: String = name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if to != from && !to.is_empty() && !allowed.contains(&to.as_str()) {
                    wrong.push(format!("{}: {from} -> {to}", path.display()));
                }
                if !after.starts_with('{') {
                    break;
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sql_stands_in_the_store_and_statuses_in_the_web() {
    for (path, text) in sources() {
        let (from, code) = (module(&path), code(&text));
        let is_simulators_store = path.ends_with("simulator/store.rs");
        for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"] {
            let lines = code.lines().filter(|line| line.contains(word) && line.contains('"')).count();
            assert!(
                lines == 0 || from == "store" || is_simulators_store || is_test(&path),
                "{word} in {}",
                path.display()
            );
        }
        assert!(
            !code.contains("StatusCode") || matches!(from.as_str(), "web" | "simulator" | "control" | "demo"),
            "a status in {}",
            path.display()
        );
    }
}

#[test]
fn forms_are_taken_by_the_extractor_that_checks_their_token() {
    for (path, text) in sources() {
        if module(&path) == "web" {
            let code = code(&text);
            for bypass in ["web::Form", "web::Json", "Json<"] {
                assert!(!code.contains(bypass), "{bypass} in {}", path.display());
            }
        }
    }
}

#[test]
fn what_people_read_is_written_in_the_catalogues() {
    let catalogues = [
        "view/words",
        "simulator/words",
        "demo/words",
        "certify/words",
        "control/words",
        "domain/letter.rs",
        "domain/letter/",
        "cli/",
        "web/spi.rs",
        "simulator/catalogue.rs",
    ];
    for (path, text) in sources() {
        let name = path.to_str().unwrap();
        if catalogues.iter().any(|catalogue| name.contains(catalogue)) || is_test(&path) {
            continue;
        }
        for line in code(&text).lines() {
            let outside = line.split("//").next().unwrap();
            let is_said = outside.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            assert!(!is_said, "{name}: {line}");
        }
    }
}

/// The texts between quotes.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What stands in a text between the first `from` and the next `to`.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0
}

#[test]
fn every_alarm_has_its_words_and_its_row_in_the_guide() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    // Kinds that travel before they are raised stand in these places.
    let mut raised = quoted(part(&read("src/usecase/heal.rs"), "const DOUBTS: [&str; 11] = [", "];"));
    raised.extend(quoted(part(&read("src/domain/reconcile.rs"), "pub const REPORTS: [&str; 6] = [", "];")));
    raised.extend(quoted(part(&read("src/domain/hold.rs"), "fn alarm(", "\n    }")));
    for line in code(&read("src/usecase/alarm.rs")).lines().filter(|line| line.starts_with("pub const ")) {
        raised.extend(quoted(line));
    }
    raised.extend(quoted(part(&read("src/domain/reconcile.rs"), "fn contradicts(", "\n}")));
    let mut calls = 0;
    for (path, text) in sources() {
        let code = code(&text);
        for made in ["alarm::raise(tx, ", "Effect::Alarm(", "Verdict::Report(", "Outcome::Refused("] {
            for said in code.split(made).skip(1).map(|rest| rest.split([',', ')']).next().unwrap()) {
                calls += 1;
                let passed = ["kind", "code", "_", "reason.alarm(", "Reason::Restored.alarm(", "usecase::alarm::"];
                match said.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                    Some(kind) => drop(raised.insert(kind.to_owned())),
                    None => assert!(passed.iter().any(|one| said.starts_with(one)), "{said} in {}", path.display()),
                }
            }
        }
    }
    assert!(calls > 30, "{calls}");
    let words: BTreeSet<_> = code(&read("src/view/words/alarm.rs"))
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => self."))
        .map(|(kind, _)| kind.to_owned())
        .collect();
    let guide: BTreeSet<_> = part(&read("docs/operations.md"), "\n## Alarms\n", "\n## ")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" |").next())
        .flat_map(|kinds| kinds.split(", ").map(|kind| kind.trim_matches('`').to_owned()))
        .collect();
    assert_eq!(words, raised, "words");
    assert_eq!(guide, raised, "docs/operations.md");
}

#[test]
fn nothing_is_left_for_later() {
    for (path, text) in sources() {
        for word in ["TODO", "FIXME", "XXX", "todo!", "unimplemented!"] {
            assert!(!text.contains(word), "{word} in {}", path.display());
        }
        let lines = code(&text).lines().count();
        assert!(lines <= LINES, "{} has {lines} lines of code", path.display());
    }
}
