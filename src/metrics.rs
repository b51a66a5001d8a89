//! What the gateway counts of itself, for a monitoring system to collect: atomics that are there before the first request,
//! so that counting costs the hot path neither a lock nor an allocation. Written out as `OpenMetrics` text ([`text`]).
//!
//! Nothing here names a person, an organization, an instance or an address: labels are route patterns, kinds and codes.

pub mod text;
mod value;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use text::{Family, Value};
pub use value::{Counter, Grid, Histogram, Spread};

/// Upper bounds of durations, in microseconds: a call takes some hundred of them, a page with a password's hash some ten
/// thousand, and what takes longer than seconds is given up.
pub const DURATIONS: &[u64] =
    &[500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000];
/// Upper bounds of how many writes one transaction took together.
pub const GROUP_SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];
/// Microseconds as seconds, the unit that Prometheus wants.
pub const MICROS: f64 = 1e-6;

/// What the marketplace can ask for, as the SPI's counter names it.
const ACTIONS: &[&str] = &["create", "renew", "refund_renew", "upgrade", "expire", "release", "pay", "other"];
/// What became of a call with a good token; `lost`: it got a 503 and will come again.
const VERDICTS: &[&str] = &["applied", "repeated", "conflict", "refused", "lost"];
/// Why a call was turned away at the door.
const REFUSALS: &[&str] = &[
    "invalid_token",
    "unknown_seller",
    "unknown_action",
    "missing_parameter",
    "malformed_parameter",
    "oversized",
    "invalid_utf8",
    "repeated_parameter",
    "method_not_allowed",
    "other",
];
/// The forms by which somebody proves to be somebody.
const PROOFS: &[&str] = &["password", "totp", "step_up", "register", "email_code", "reset", "other"];
/// What they were told.
const ANSWERS: &[&str] = &["accepted", "refused", "limited", "failed"];
/// What came of one request to the outside.
const OUTCOMES: &[&str] = &["accepted", "retried", "rejected", "held", "stopped"];
/// The classes of statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// One route: how often it was answered with which class of status, and how long that took.
pub struct Route {
    method: &'static str,
    pattern: &'static str,
    classes: [Counter; 5],
    took: Histogram,
}

/// A value that a job looked up in the database.
pub struct Reading {
    pub gauge: Gauge,
    /// What the gauge's label says; empty where it has none.
    pub label: String,
    pub value: i64,
}

/// What is looked up every now and then, because it takes a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    Records,
    RecordsAtRisk,
    RecordsLost,
    PushStopped,
    JobsDue,
    JobsOldest,
    JobsDead,
    Deliveries,
    DeliveriesOldest,
    Webhooks,
    Alarms,
    DatabaseBytes,
    DatabaseFree,
    BackupAt,
}

/// Every gauge with its name, its label and what it means.
const GAUGES: &[(Gauge, &str, &str, &str)] = &[
    (
        Gauge::Records,
        "marketgate_metering_records",
        "state",
        "Usage records that are not settled, by state; counting stops at 100000",
    ),
    (
        Gauge::RecordsAtRisk,
        "marketgate_metering_records_at_risk",
        "",
        "Closed usage records whose deadline at the marketplace is less than 15 minutes away",
    ),
    (
        Gauge::RecordsLost,
        "marketgate_metering_records_lost",
        "state",
        "Usage records that were refused or missed their deadline within the last 24 hours",
    ),
    (
        Gauge::PushStopped,
        "marketgate_push_stopped",
        "seller",
        "1 for a seller whose AccessKey the marketplace refuses: nothing is pushed for it",
    ),
    (Gauge::JobsDue, "marketgate_jobs_due", "kind", "Jobs that should have run by now"),
    (Gauge::JobsOldest, "marketgate_job_oldest_due_seconds", "kind", "For how long the oldest due job has been due"),
    (Gauge::JobsDead, "marketgate_jobs_dead", "kind", "Jobs that were given up and wait for an operator"),
    (
        Gauge::Deliveries,
        "marketgate_webhook_deliveries",
        "state",
        "Webhook messages: waiting (of them confirmation: the vendor's word is waited for) or dead; counting stops at 100000",
    ),
    (
        Gauge::DeliveriesOldest,
        "marketgate_webhook_delivery_oldest_due_seconds",
        "",
        "For how long the oldest due webhook message has been due",
    ),
    (Gauge::Webhooks, "marketgate_webhooks", "state", "Webhook endpoints: working, failing, disabled"),
    (Gauge::Alarms, "marketgate_alarms_open", "kind", "Alarms that an operator has to look at"),
    (Gauge::DatabaseBytes, "marketgate_database_bytes", "part", "Size of the database file and of its write-ahead log"),
    (Gauge::DatabaseFree, "marketgate_database_free_bytes", "", "Part of the database file that holds nothing"),
    (
        Gauge::BackupAt,
        "marketgate_backup_last_success_timestamp_seconds",
        "",
        "When the youngest copy in the backup directory was made, in seconds since 1970; 0: there is none",
    ),
];

pub struct Metrics {
    routes: Vec<Route>,
    /// Calls of the marketplace with a good token, by action and verdict.
    pub calls: Grid,
    /// Calls that were turned away, by reason.
    pub refused: Grid,
    /// Sign-ins and the like, by form and answer.
    pub proofs: Grid,
    /// Runs of jobs, by kind and outcome.
    pub jobs: Grid,
    /// Requests to `PushMeteringData`, by outcome.
    pub pushes: Grid,
    /// Requests to webhooks, by outcome.
    pub deliveries: Grid,
    collected: Mutex<Vec<Reading>>,
    /// When they were looked up, in milliseconds; 0: not yet.
    collected_at_ms: AtomicI64,
}

impl Metrics {
    /// Counters for these routes (method and pattern) and kinds of jobs.
    #[must_use]
    pub fn new(routes: impl Iterator<Item = (&'static str, &'static str)>, job_kinds: Vec<&'static str>) -> Self {
        let route =
            |(method, pattern)| Route { method, pattern, classes: Default::default(), took: Histogram::new(DURATIONS) };
        Self {
            // One more, for what is no route.
            routes: routes.chain([("other", "other")]).map(route).collect(),
            calls: Grid::new(ACTIONS.to_vec(), VERDICTS),
            refused: Grid::new(REFUSALS.to_vec(), &["refused"]),
            proofs: Grid::new(PROOFS.to_vec(), ANSWERS),
            jobs: Grid::new(job_kinds, &["done", "failed"]),
            pushes: Grid::new(vec!["push"], OUTCOMES),
            deliveries: Grid::new(vec!["delivery"], &["accepted", "failed"]),
            collected: Mutex::default(),
            collected_at_ms: AtomicI64::default(),
        }
    }

    /// Counts one answer of a route by its place in the table; any greater place is what is no route.
    pub fn answered(&self, route: usize, status: u16, took: Duration) {
        let Some(route) = self.routes.get(route).or(self.routes.last()) else { return };
        if let Some(class) = usize::from(status / 100).checked_sub(1).and_then(|class| route.classes.get(class)) {
            class.add();
        }
        route.took.observe_time(took);
    }

    /// Takes over what a job has looked up.
    pub fn set_collected(&self, readings: Vec<Reading>, now_ms: i64) {
        *self.collected.lock().unwrap_or_else(PoisonError::into_inner) = readings;
        self.collected_at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Everything that is counted here.
    #[must_use]
    pub fn families(&self, now_ms: i64) -> Vec<Family> {
        let mut families = self.of_routes();
        let grids: [(&'static str, &'static str, &Grid, &[&'static str]); 6] = [
            ("marketgate_spi_calls", "Calls of the marketplace with a good token", &self.calls, &["action", "verdict"]),
            ("marketgate_spi_refused", "Calls of the marketplace that were turned away", &self.refused, &["reason"]),
            (
                "marketgate_sign_ins",
                "Attempts to prove who one is, by form and answer",
                &self.proofs,
                &["form", "outcome"],
            ),
            ("marketgate_job_runs", "Runs of jobs", &self.jobs, &["kind", "outcome"]),
            ("marketgate_pushes", "Requests that carried usage to the marketplace", &self.pushes, &["", "outcome"]),
            ("marketgate_webhook_requests", "Requests to webhooks", &self.deliveries, &["", "outcome"]),
        ];
        families.extend(grids.map(|(name, help, grid, labels)| grid.family(name, help, labels)));
        families.extend(self.of_collected(now_ms));
        families
    }

    /// Rate, errors and duration of each route that was asked for.
    fn of_routes(&self) -> Vec<Family> {
        let mut answers = Family::counter("marketgate_http_requests", "Answered requests by route and class of status");
        let mut took = Family::histogram("marketgate_http_request_duration_seconds", "How long an answer took");
        for route in &self.routes {
            let spread = route.took.spread(MICROS);
            if spread.count == 0 {
                continue;
            }
            let labels = || vec![("method", route.method.to_owned()), ("route", route.pattern.to_owned())];
            for (class, count) in CLASSES.iter().zip(&route.classes).skip(1) {
                let mut labels = labels();
                labels.push(("class", (*class).to_owned()));
                answers.add(labels, Value::Count(count.get()));
            }
            took.add(labels(), Value::Spread(spread));
        }
        vec![answers, took]
    }

    fn of_collected(&self, now_ms: i64) -> Vec<Family> {
        let readings = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        let at_ms = self.collected_at_ms.load(Ordering::Relaxed);
        let of = |(gauge, name, label, help): &(Gauge, &'static str, &'static str, &'static str)| {
            let mut family = Family::gauge(name, help);
            for reading in readings.iter().filter(|reading| reading.gauge == *gauge) {
                let labels = if label.is_empty() { Vec::new() } else { vec![(*label, reading.label.clone())] };
                family.add(labels, Value::level(reading.value));
            }
            family
        };
        let mut families: Vec<Family> = GAUGES.iter().map(of).collect();
        let mut age = Family::gauge("marketgate_figures_age_seconds", "How old the figures from the database are");
        if at_ms > 0 {
            age.add(Vec::new(), Value::level((now_ms - at_ms) / 1000));
        }
        families.push(age);
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new([("GET", "/orgs/{id}")].into_iter(), vec!["mail.send"])
    }

    #[test]
    fn a_route_is_counted_by_class_and_time_and_what_is_no_route_apart() {
        let metrics = metrics();
        metrics.answered(0, 200, Duration::from_micros(700));
        metrics.answered(0, 503, Duration::from_secs(9));
        metrics.answered(77, 404, Duration::ZERO);
        let text = text::write(metrics.families(0));
        for line in [
            r#"marketgate_http_requests_total{method="GET",route="/orgs/{id}",class="2xx"} 1"#,
            r#"marketgate_http_requests_total{method="GET",route="/orgs/{id}",class="5xx"} 1"#,
            r#"marketgate_http_requests_total{method="other",route="other",class="4xx"} 1"#,
            r#"marketgate_http_request_duration_seconds_bucket{le="0.0005",method="GET",route="/orgs/{id}"} 0"#,
            r#"marketgate_http_request_duration_seconds_bucket{le="0.001",method="GET",route="/orgs/{id}"} 1"#,
            r#"marketgate_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/orgs/{id}"} 2"#,
            r#"marketgate_http_request_duration_seconds_count{method="GET",route="/orgs/{id}"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn what_nobody_foresaw_is_counted_as_other() {
        let metrics = metrics();
        metrics.refused.add("invalid_token", "refused");
        metrics.refused.add("a_reason_of_tomorrow", "refused");
        let text = text::write(metrics.families(0));
        assert!(text.contains("marketgate_spi_refused_total{reason=\"invalid_token\"} 1\n"), "{text}");
        assert!(text.contains("marketgate_spi_refused_total{reason=\"other\"} 1\n"));
        assert!(text.contains("marketgate_spi_calls_total{action=\"create\",verdict=\"applied\"} 0\n"));
    }

    #[test]
    fn what_a_job_looked_up_has_an_age() {
        let metrics = metrics();
        assert!(
            !text::write(metrics.families(5_000))
                .lines()
                .any(|line| line.starts_with("marketgate_figures_age_seconds "))
        );
        let dead = Reading { gauge: Gauge::JobsDead, label: "mail.send".into(), value: 3 };
        metrics.set_collected(vec![dead], 5_000);
        let text = text::write(metrics.families(12_000));
        assert!(text.contains("marketgate_jobs_dead{kind=\"mail.send\"} 3\n"), "{text}");
        assert!(text.contains("\nmarketgate_figures_age_seconds 7\n"));
    }

    #[test]
    fn every_gauge_has_a_row_of_its_own() {
        for (at, (gauge, name, ..)) in GAUGES.iter().enumerate() {
            assert!(!GAUGES[..at].iter().any(|(other, known, ..)| gauge == other || name == known), "{name}");
        }
    }
}
