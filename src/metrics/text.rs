//! Figures as text for a monitoring system: `OpenMetrics`, which Prometheus reads.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::Spread;

/// What the answer calls itself.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One metric: its name (without the ending that its type adds), what it means, and its values by labels.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    rows: Vec<(Labels, Value)>,
}

pub type Labels = Vec<(&'static str, String)>;

#[derive(Debug)]
pub enum Value {
    Count(u64),
    /// What only grows, in parts of one.
    Total(f64),
    Whole(i64),
    Spread(Spread),
}

impl Value {
    /// A whole number of whatever width.
    pub fn level<T: TryInto<i64>>(number: T) -> Self {
        Self::Whole(number.try_into().unwrap_or(i64::MAX))
    }
}

impl Family {
    /// Only grows.
    #[must_use]
    pub fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: MetricType::Counter, rows: Vec::new() }
    }

    /// Goes up and down.
    #[must_use]
    pub fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: MetricType::Gauge, rows: Vec::new() }
    }

    #[must_use]
    pub fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: MetricType::Histogram, rows: Vec::new() }
    }

    pub fn add(&mut self, labels: Labels, value: Value) {
        self.rows.push((labels, value));
    }

    /// With its only value.
    #[must_use]
    pub fn with(mut self, value: Value) -> Self {
        self.add(Vec::new(), value);
        self
    }
}

impl Value {
    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
            Self::Total(total) => encoder.encode_counter::<NoLabelSet, _, u64>(total, None),
            Self::Whole(level) => encoder.encode_gauge(level),
            Self::Spread(spread) => {
                encoder.encode_histogram::<NoLabelSet>(spread.sum, spread.count, &spread.buckets, None)
            }
        }
    }
}

#[derive(Debug)]
struct Page(Vec<Family>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            let mut metric = encoder.encode_descriptor(family.name, family.help, None, family.kind)?;
            for (labels, value) in &family.rows {
                if labels.is_empty() {
                    value.encode(&mut metric)?;
                } else {
                    value.encode(&mut metric.encode_family(labels)?)?;
                }
            }
        }
        Ok(())
    }
}

/// The whole page.
#[must_use]
pub fn write(families: Vec<Family>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page(families)));
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _never = prometheus_client::encoding::text::encode(&mut text, &registry);
    text
}
