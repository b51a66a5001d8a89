//! The chart of a month's days: bars as SVG, drawn here. It has no `viewBox`: places across are percentages and places
//! down are pixels, so that its text never scales.

use maud::{Markup, html};

use super::figures::axis;

/// Pixels from the baseline to the highest line.
const HEIGHT: u128 = 150;
const BASE: u128 = 160;
/// Where the bars begin and end, in hundredths of a percent.
const LEFT: usize = 800;
const WIDTH: usize = 10_000 - LEFT;

/// What a day's bar is made of, from below, in millionths of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bar {
    pub accepted: u128,
    pub waiting: u128,
    pub unbilled: u128,
}

impl Bar {
    #[must_use]
    pub const fn height(self) -> u128 {
        self.accepted + self.waiting + self.unbilled
    }
}

/// Labels of an axis count in thousands to this power.
#[must_use]
pub fn thousands(bars: &[Bar]) -> u32 {
    axis(largest(bars)).thousands
}

fn largest(bars: &[Bar]) -> u128 {
    bars.iter().map(|bar| bar.height()).max().unwrap_or(0)
}

/// Bars of consecutive days from the first of the month; `desc` says what they show.
#[must_use]
pub fn days(title: &str, desc: &str, bars: &[Bar]) -> Markup {
    let axis = axis(largest(bars));
    let count = bars.len().max(1);
    let x = |at: usize, offset: usize| percent(LEFT + (at * WIDTH + offset * WIDTH / 100) / count);
    let width = percent(WIDTH * 70 / 100 / count);
    let px = |value: u128| value * HEIGHT / axis.top;
    let middle = |at| x(at, 35);
    html! {
        svg.chart role="img" aria-labelledby="chart-t chart-d" {
            title #chart-t { (title) }
            desc #chart-d { (desc) }
            @for (value, label) in &axis.ticks {
                @let y = BASE - px(*value);
                line x1=(percent(LEFT)) x2="100%" y1=(y) y2=(y) {}
                text x=(percent(LEFT - 100)) y=(y + 4) text-anchor="end" { (label) }
            }
            @for (at, bar) in bars.iter().enumerate() {
                @let (low, middle, high) = (px(bar.accepted), px(bar.accepted + bar.waiting), px(bar.height()));
                @for (class, from, to) in [("b1", 0, low), ("b2", low, middle), ("b3", middle, high)] {
                    @if to > from { rect .(class) x=(x(at, 15)) y=(BASE - to) width=(width) height=(to - from) {} }
                }
            }
            @for at in (0..count).filter(|at| *at == 0 || (at + 1) % 5 == 0 && *at < 25 || *at + 1 == count) {
                text x=(middle(at)) y="180" text-anchor="middle" { (at + 1) }
            }
        }
    }
}

/// Hundredths of a percent as an attribute.
fn percent(hundredths: usize) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}
