//! The alerts and the dashboard that are shipped speak of what the gateway tells, and of all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::metrics::metrics;
use crate::packaging::shipped;
use crate::world::{OWNER, World, until};

/// What a running gateway tells: for each family the names of its samples, and every `label="value"` of each name.
struct Told {
    families: BTreeMap<String, BTreeSet<String>>,
    labels: BTreeMap<String, BTreeSet<String>>,
}

impl Told {
    fn by(world: &World) -> Self {
        // Every kind of figure has a row: what a job looks up, routes that were asked for, an alarm.
        world.buy("1");
        world.browser().sign_in_as(OWNER);
        let text = until("the first figures", || {
            Some(metrics(world)).filter(|text| text.contains("\nmarketgate_figures_age_seconds "))
        });
        let mut told = Self { families: BTreeMap::new(), labels: BTreeMap::new() };
        for line in text.lines() {
            if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                let endings: &[&str] = match kind {
                    "counter" => &["_total"],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                let samples = endings.iter().map(|ending| format!("{name}{ending}")).collect();
                told.families.insert(name.to_owned(), samples);
            } else if let Some((name, rest)) = line.split_once('{') {
                let pairs =
                    rest.rsplit_once('}').unwrap().0.split_inclusive("\",").map(|pair| pair.trim_end_matches(','));
                told.labels.entry(name.to_owned()).or_default().extend(pairs.map(str::to_owned));
            }
        }
        told
    }

    fn samples(&self) -> BTreeSet<&str> {
        self.families.values().flatten().map(String::as_str).collect()
    }
}

/// The names of metrics in an expression, each with the selector behind it.
fn named(expression: &str) -> Vec<(String, String)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("marketgate_").chain(expression.match_indices("process_")) {
        if expression[..at].ends_with(is_word) {
            continue;
        }
        let name: String = expression[at..].chars().take_while(|c| is_word(*c)).collect();
        let rest = &expression[at + name.len()..];
        // A route's pattern has braces of its own.
        let selector = rest.strip_prefix('{').map_or("", |rest| rest.split("\"}").next().unwrap());
        found.push((name, selector.to_owned()));
    }
    found
}

fn expressions_of_alerts() -> String {
    let text = std::fs::read_to_string(shipped("prometheus/alerts.yml")).unwrap();
    let told = |line: &&str| {
        !["summary:", "action:", "#", "- alert:", "labels:"].iter().any(|word| line.trim().starts_with(word))
    };
    text.lines().filter(told).collect::<Vec<_>>().join("\n")
}

fn expressions_of_dashboard() -> Vec<String> {
    let text = std::fs::read_to_string(shipped("grafana/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn alerts_and_dashboard_name_what_is_told_and_all_of_it() {
    let told = Told::by(&World::with(&["--metrics"]));
    let samples = told.samples();
    let mut shown = BTreeSet::new();
    let expressions = expressions_of_dashboard();
    for (name, selector) in expressions.iter().chain([&expressions_of_alerts()]).flat_map(|text| named(text)) {
        assert!(samples.contains(name.as_str()), "{name} is not told");
        // What a scrape adds by itself, and what a person chooses on the dashboard.
        let own = selector.split("\",").filter(|pair| !pair.starts_with("job=") && !pair.starts_with("instance="));
        for pair in own.filter(|pair| !pair.is_empty()) {
            let (label, values) = pair.split_once('=').unwrap();
            for value in values.trim_start_matches('~').trim_matches('"').split('|') {
                let pair = format!("{label}=\"{value}\"");
                let known = &told.labels[&name];
                assert!(known.contains(&pair) || pair == "class=\"5xx\"", "{name} never has {pair}: {known:?}");
            }
        }
        shown.insert(name);
    }
    assert!(shown.len() > 20, "{shown:?}");
    for (family, samples) in &told.families {
        assert!(samples.iter().any(|sample| shown.contains(sample)), "nobody is shown {family}");
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do_in_two_languages() {
    let text = std::fs::read_to_string(shipped("prometheus/alerts.yml")).unwrap();
    let alerts: Vec<&str> = text.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 15);
    for alert in alerts {
        let line =
            |key: &str| alert.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap_or_default().to_owned();
        assert!(["{ severity: page }", "{ severity: ticket }"].contains(&line("labels: ").as_str()), "{alert}");
        assert!(line("action: ").len() > 20, "{alert}");
        let summary = line("summary: ");
        assert!(!summary.is_ascii() && summary.contains("/ "), "{summary}");
    }
}

/// Prometheus' own checker, where it is installed.
#[test]
fn the_rules_are_valid_and_fire_when_they_should() {
    let Some(program) = crate::proxies::installed("promtool") else { return };
    let promtool = |arguments: &[&str]| {
        Command::new(&program).args(arguments).current_dir(shipped("prometheus")).output().unwrap()
    };
    let checked = promtool(&["check", "config", "prometheus.yml"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let tested = promtool(&["test", "rules", "alerts.test.yml"]);
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
}
