//! `GET /metrics`, on a listener of its own (rules D6): for a monitoring system, never for the public.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpResponse, HttpServer};

use crate::app::{App, Release};
use crate::metrics::text::{self, Family, Value};

/// A monitor that has not sent its question after this is cut off.
const SLOW_CLIENT: Duration = Duration::from_secs(5);

/// Starts the listener.
///
/// # Errors
/// If it cannot be used.
pub fn serve(app: &Arc<App>, listener: TcpListener) -> std::io::Result<Server> {
    let app = Data::from(Arc::clone(app));
    let server = HttpServer::new(move || ActixApp::new().app_data(app.clone()).route("/metrics", web::get().to(show)))
        .workers(1)
        .client_request_timeout(SLOW_CLIENT)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}

async fn show(app: Data<App>) -> HttpResponse {
    let mut families = vec![build()];
    families.extend(app.metrics.families(app.clock.real_now().ms()));
    families.extend(store(&app));
    families.extend(process(&app));
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .content_type(text::CONTENT_TYPE)
        .body(text::write(families))
}

/// Which program this is.
fn build() -> Family {
    let release = Release::this();
    let mut family = Family::gauge("marketgate_build_info", "1, labelled with the program's version, commit and date");
    let labels = vec![
        ("version", release.version.to_owned()),
        ("commit", release.commit.to_owned()),
        ("date", release.date.clone()),
    ];
    family.add(labels, Value::Whole(1));
    family
}

/// What waits for the database, and how its writer keeps up.
fn store(app: &App) -> Vec<Family> {
    let (load, pace) = (app.store.load(), app.store.pace());
    let mut queue = Family::gauge("marketgate_store_queue", "Work that waits for the database");
    for (kind, count) in [("write", load.writes_waiting), ("read", load.reads_waiting)] {
        queue.add(vec![("kind", kind.to_owned())], Value::level(count));
    }
    let counter = |name, help, count| Family::counter(name, help).with(Value::Count(count));
    let histogram = |name, help, spread| Family::histogram(name, help).with(Value::Spread(spread));
    let gauge = |name, help, value| Family::gauge(name, help).with(value);
    vec![
        queue,
        counter("marketgate_store_writes", "Writes that were committed or refused by themselves", load.writes),
        counter("marketgate_store_failed_groups", "Transactions of which nothing stayed", load.failed_groups),
        gauge(
            "marketgate_store_writable",
            "1 if the last transaction was committed",
            Value::Whole(load.is_writable.into()),
        ),
        histogram("marketgate_store_wait_seconds", "How long writes waited for their turn", pace.waited),
        histogram("marketgate_store_commit_seconds", "How long a transaction took, its COMMIT included", pace.took),
        histogram("marketgate_store_group_size", "How many writes one transaction took together", pace.size),
        gauge(
            "marketgate_password_hashes_open",
            "Password hashes that wait or are being made",
            Value::level(app.passwords.open()),
        ),
    ]
}

/// What the system knows of this process; what it does not tell is left out.
fn process(app: &App) -> Vec<Family> {
    let mut families = Vec::new();
    let mut add = |name, help, value: Option<i64>| {
        families.extend(value.map(|value| Family::gauge(name, help).with(Value::Whole(value))));
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let word = |text: &str, name: &str| -> Option<i64> {
        text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    add(
        "process_resident_memory_bytes",
        "Memory that the process holds",
        word(&status, "VmRSS:").map(|kib| kib * 1024),
    );
    add("process_threads", "Threads of the process", word(&status, "Threads:"));
    let open = std::fs::read_dir("/proc/self/fd").ok().and_then(|found| i64::try_from(found.count()).ok());
    add("process_open_fds", "Files and sockets that the process has open", open);
    add("process_max_fds", "How many it may have open", word(&limits, "Max open files"));
    add("process_start_time_seconds", "When it started, in seconds since 1970", Some(app.started_at.ms() / 1000));
    families.extend(cpu_seconds().map(|seconds| {
        Family::counter("process_cpu_seconds", "Seconds of processor time that it has used").with(Value::Total(seconds))
    }));
    families
}

/// User and system time of all threads.
#[expect(clippy::cast_precision_loss, reason = "ticks of a processor are not that many")]
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / rustix::param::clock_ticks_per_second() as f64)
}
