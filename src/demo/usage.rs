//! What the clusters use, told to the gateway as `CloudEvents` by its public API.
//!
//! Each clock hour is told when it is over. Time is told in slices, so that a payment channel that changes within the
//! hour gets its part; sizes are told once an hour for the whole organization, since the gateway takes the largest.
//! Ids are made of what they stand for: an hour that is told twice is a duplicate, not more usage.

use serde_json::{Value, json};

use super::{Cluster, Product};
use crate::domain::value::{HOUR_MS, Instant, MINUTE_MS, SECOND_MS};

/// Longest stretch of running time in one event.
const SLICE_MS: i64 = 5 * MINUTE_MS;
/// How long after its end an hour is told.
const AFTER_MS: i64 = MINUTE_MS;
/// When to try again what the gateway did not take.
const RETRY_MS: i64 = 5 * MINUTE_MS;
/// The same if it does not know the call, or not this key.
const RETRY_UNKNOWN_MS: i64 = 6 * HOUR_MS;
/// Most events of a request (interfaces, section 3).
const BATCH: usize = 1_000;
/// Name of this product among those who report usage.
const SOURCE: &str = "marketgate-demo";
/// What a cluster has.
const VIRTUAL_CPUS: u64 = 2;
/// What it stores at first, and how that grows by the hour, in bytes.
const STORAGE: u64 = 2 << 30;
const GROWTH: u64 = 64 << 20;
/// Hours until it is full.
const GROWING_HOURS: u64 = 24 * 90;

/// The start of a clock hour; those of China are those of UTC.
fn hour_start(at: Instant) -> Instant {
    at.plus_ms(-at.ms().rem_euclid(HOUR_MS))
}

impl Cluster {
    /// How long it ran between two instants, as the first of them and a duration; `None`: not at all.
    fn ran(&self, from: Instant, to: Instant) -> Option<(Instant, i64)> {
        let from = from.max(self.created_at);
        let to = self.ended_at.map_or(to, |ended_at| ended_at.min(to));
        (to > from).then(|| (from, to.since_ms(from)))
    }

    /// The first hour that has not been told; `None`: everything was, or nothing has to be.
    fn untold(&self) -> Option<Instant> {
        let hour = hour_start(self.told_until.unwrap_or(self.created_at));
        (!self.is_free && self.ended_at.is_none_or(|ended_at| ended_at > hour)).then_some(hour)
    }

    fn storage(&self, at: Instant) -> u64 {
        let hours = u64::try_from(at.since_ms(self.created_at) / HOUR_MS).unwrap_or_default();
        STORAGE + GROWTH * hours.min(GROWING_HOURS)
    }
}

fn event(id: &str, organization_id: &str, at: Instant, item: &str, quantity: u64) -> Value {
    json!({
        "specversion": "1.0",
        "type": "marketgate.usage.v1",
        "source": SOURCE,
        "id": id,
        "subject": organization_id,
        "time": jiff::Timestamp::from_millisecond(at.ms()).unwrap_or_default().to_string(),
        "data": { "item": item, "quantity": quantity },
    })
}

/// What was used in the clock hour that begins at `hour`.
fn events(clusters: &[Cluster], hour: Instant) -> Vec<Value> {
    let end = hour.plus_ms(HOUR_MS);
    let running: Vec<(&Cluster, Instant)> = clusters
        .iter()
        .filter(|cluster| !cluster.is_free)
        .filter_map(|cluster| cluster.ran(hour, end).map(|(from, _)| (cluster, from)))
        .collect();
    let mut told = Vec::new();
    let mut organizations: Vec<&str> = Vec::new();
    for (cluster, _) in &running {
        if !organizations.contains(&cluster.organization_id.as_str()) {
            organizations.push(&cluster.organization_id);
        }
        for slice in 0..HOUR_MS / SLICE_MS {
            let from = hour.plus_ms(slice * SLICE_MS);
            let Some((from, ms)) = cluster.ran(from, from.plus_ms(SLICE_MS)) else { continue };
            let seconds = u64::try_from(ms / SECOND_MS).unwrap_or_default();
            if seconds > 0 {
                let id = format!("{}/Period/{}", cluster.id, from.ms());
                told.push(event(&id, &cluster.organization_id, from, "Period", seconds));
            }
        }
    }
    for organization_id in organizations {
        let own = running.iter().filter(|(cluster, _)| cluster.organization_id == organization_id);
        let first = own.clone().map(|(_, from)| *from).min().unwrap_or(hour);
        let cpus = own.clone().map(|_| VIRTUAL_CPUS).sum();
        let bytes = own.map(|(cluster, from)| cluster.storage(*from)).sum();
        for (item, quantity) in [("VirtualCpu", cpus), ("Storage", bytes)] {
            let id = format!("{organization_id}/{item}/{}", hour.ms());
            told.push(event(&id, organization_id, first, item, quantity));
        }
    }
    told
}

impl Product {
    /// When there is usage to tell next.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let world = self.world();
        let untold = world.clusters.iter().filter_map(Cluster::untold).min()?;
        let due = untold.plus_ms(HOUR_MS + AFTER_MS);
        Some(world.retry_at.map_or(due, |retry_at| retry_at.max(due)))
    }

    /// Tells the gateway what was used until `now`, the oldest hour first: how many requests, and how many of them it
    /// did not take. Blocks.
    pub fn run_due(&self, now: Instant) -> (u64, u64) {
        let _one_at_a_time = self.telling.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut ran = 0;
        while self.next_due().is_some_and(|due| due <= now) {
            let Some((hour, events)) = self.untold() else { break };
            for batch in events.chunks(BATCH) {
                ran += 1;
                if let Err(retry_ms) = self.tell(batch) {
                    self.world().retry_at = Some(now.plus_ms(retry_ms));
                    return (ran, 1);
                }
            }
            self.set_told(hour);
        }
        (ran, 0)
    }

    fn untold(&self) -> Option<(Instant, Vec<Value>)> {
        let world = self.world();
        let hour = world.clusters.iter().filter_map(Cluster::untold).min()?;
        Some((hour, events(&world.clusters, hour)))
    }

    fn set_told(&self, hour: Instant) {
        let mut world = self.world();
        for cluster in world.clusters.iter_mut().filter(|cluster| cluster.untold() == Some(hour)) {
            cluster.told_until = Some(hour.plus_ms(HOUR_MS));
        }
        // What has ended and was told to its end is not needed any more.
        world.clusters.retain(|cluster| cluster.ended_at.is_none() || cluster.untold().is_some());
        world.retry_at = None;
        self.keep(&world);
    }

    /// One request; how long to wait if it was not taken.
    fn tell(&self, events: &[Value]) -> Result<(), i64> {
        let url = format!("{}/api/v1/usage", self.options.gateway);
        let authorization = format!("Bearer {}", self.options.api_key);
        let headers =
            [("authorization", authorization.as_str()), ("content-type", "application/cloudevents-batch+json")];
        let body = Value::from(events).to_string();
        match self.outbound.post(&url, &headers, body.as_bytes()) {
            Ok(answer) if answer.status == 200 => {
                if answer.body.contains("\"rejected\"") {
                    tracing::warn!(answer = answer.body, "the gateway refused some of the usage for good");
                }
                Ok(())
            }
            Ok(answer) => {
                tracing::warn!(status = answer.status, answer = answer.body, "the gateway did not take the usage");
                let is_unknown = matches!(answer.status, 401 | 403 | 404);
                Err(if is_unknown { RETRY_UNKNOWN_MS } else { RETRY_MS })
            }
            Err(cause) => {
                tracing::warn!(%cause, "the usage may not have arrived");
                Err(RETRY_MS)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use super::super::Options;
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::from_ms(format!("2026-11-30T{text}+08:00").parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn cluster(id: &str, organization_id: &str, from: &str, to: Option<&str>) -> Cluster {
        Cluster {
            id: id.into(),
            organization_id: organization_id.into(),
            name: id.into(),
            region: 0,
            is_free: false,
            created_at: at(from),
            ended_at: to.map(at),
            told_until: None,
        }
    }

    /// Quantities by organization and item.
    fn sum(events: &[Value], organization_id: &str, item: &str) -> u64 {
        let own = events.iter().filter(|e| e["subject"] == organization_id && e["data"]["item"] == item);
        own.map(|e| e["data"]["quantity"].as_u64().unwrap()).sum()
    }

    #[test]
    fn an_hour_is_told_in_slices_by_cluster_and_in_sizes_by_organization() {
        let clusters = [
            cluster("a", "x", "09:30:00", None),
            cluster("b", "x", "10:20:00", Some("10:31:30")),
            cluster("c", "y", "10:59:59", None),
            Cluster { is_free: true, ..cluster("d", "y", "09:00:00", None) },
            cluster("e", "y", "08:00:00", Some("10:00:00")),
        ];
        let told = events(&clusters, at("10:00:00"));
        assert_eq!((sum(&told, "x", "Period"), sum(&told, "y", "Period")), (3600 + 690, 1));
        assert_eq!((sum(&told, "x", "VirtualCpu"), sum(&told, "y", "VirtualCpu")), (4, 2));
        assert_eq!(sum(&told, "x", "Storage"), 4 << 30);
        let ids: std::collections::BTreeSet<_> = told.iter().map(|e| e["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), told.len());
        for event in &told {
            let time: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
            let time = Instant::from_ms(time.as_millisecond());
            assert!(time >= at("10:00:00") && time < at("11:00:00"), "{event}");
            assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!("marketgate.usage.v1")));
        }
        assert_eq!(told, events(&clusters, at("10:00:00")), "told again, it is the same");
        assert!(events(&clusters, at("07:00:00")).is_empty());
    }

    #[test]
    fn a_cluster_has_hours_to_tell_until_its_end() {
        let mut cluster = cluster("a", "x", "09:30:00", Some("10:00:00"));
        assert_eq!(cluster.untold(), Some(at("09:00:00")));
        cluster.told_until = Some(at("10:00:00"));
        assert_eq!(cluster.untold(), None);
        cluster.ended_at = None;
        assert_eq!(cluster.untold(), Some(at("10:00:00")));
        cluster.is_free = true;
        assert_eq!(cluster.untold(), None);
    }

    #[test]
    fn storage_grows_by_the_hour_until_it_is_full() {
        let cluster = cluster("a", "x", "09:30:00", None);
        let after = |hours: i64| cluster.storage(cluster.created_at.plus_ms(hours * HOUR_MS)) - STORAGE;
        assert_eq!((after(0), after(1), after(24 * 365)), (0, GROWTH, GROWTH * GROWING_HOURS));
    }

    /// A gateway that answers usage with these statuses, one after the other; 0 closes the connection unanswered.
    fn gateway(statuses: &[u16]) -> (String, Arc<Mutex<Vec<Vec<Value>>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (told, statuses) = (Arc::new(Mutex::new(Vec::new())), statuses.to_vec());
        let kept = Arc::clone(&told);
        std::thread::spawn(move || {
            for (stream, status) in listener.incoming().zip(statuses) {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).unwrap() > 2 {
                    if let Some((name, value)) = line.split_once(':') {
                        if name.eq_ignore_ascii_case("content-length") {
                            length = value.trim().parse().unwrap();
                        }
                        if name.eq_ignore_ascii_case("authorization") {
                            assert_eq!(value.trim(), "Bearer a-key");
                        }
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                let answer = format!("HTTP/1.1 {status} .\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
                if status > 0 {
                    reader.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        (url, told)
    }

    fn product(gateway: String, file: Option<std::path::PathBuf>) -> Arc<Product> {
        let options = Options {
            gateway,
            market_url: String::new(),
            api_key: "a-key".into(),
            brand: String::new(),
            support: String::new(),
            now: Box::new(|| at("11:20:00")),
            token: Box::new(|| "t".into()),
            static_version: String::new(),
            file,
            assets: |_| {},
        };
        Product::open(options).unwrap()
    }

    #[test]
    fn usage_is_told_hour_by_hour_until_it_was_taken_and_then_never_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = Some(dir.path().join("clusters"));
        let (url, told) = gateway(&[404, 0, 200, 200, 200]);
        let demo = product(url.clone(), file.clone());
        assert_eq!(demo.next_due(), None);
        demo.world().clusters.push(cluster("a", "x", "09:30:00", None));
        assert_eq!(demo.next_due(), Some(at("10:01:00")));
        assert_eq!(demo.run_due(at("10:00:59")), (0, 0));
        assert_eq!(demo.run_due(at("10:01:00")), (1, 1), "nobody there");
        assert_eq!(demo.next_due(), Some(at("16:01:00")));
        demo.delete("x", "a");
        assert!(demo.clusters("x").is_empty(), "gone for people");
        assert_eq!(demo.run_due(at("16:01:00")), (1, 1), "no answer");
        assert_eq!(demo.run_due(at("16:06:00")), (3, 0), "9 and 10 o'clock, and 20 minutes until its end at 11:20");
        assert_eq!(demo.next_due(), None);
        let told = told.lock().unwrap();
        assert_eq!((told.len(), &told[0], &told[0]), (5, &told[1], &told[2]), "the same events, to be counted once");
        let period: Vec<_> = told.iter().map(|events| sum(events, "x", "Period")).collect();
        assert_eq!(period[2..], [1800, 3600, 1200]);
        assert_eq!(product(url, file).next_due(), None, "a restart knows that all is told");
    }
}
