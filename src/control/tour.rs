//! The guided tour: what to do next in a five-minute demo, and where.

use maud::{Markup, html};

use super::words::Controls;
use crate::simulator::Visit;
use crate::view::parts::{card, hidden};

/// The cookie that remembers a browser's step; without it nobody takes the tour.
pub const COOKIE: &str = "sim_tour";
/// Steps of the tour.
pub const STEPS: u8 = 8;

/// The gateway of this stage.
#[derive(Clone, Copy)]
pub struct Ours<'a> {
    /// Its origin.
    pub gateway: &'a str,
    /// Of everybody in the seed.
    pub password: &'a str,
}

/// A step that there is.
#[must_use]
pub fn step(text: &str) -> Option<u8> {
    text.parse().ok().filter(|step| (1..=STEPS).contains(step))
}

/// Text of a step, and the way to its place: label and address.
fn told(w: &Controls, step: u8, visit: &Visit, ours: Ours<'_>) -> (String, Option<(&'static str, String)>) {
    let services = || Some((w.tour_services, "/console/services".to_owned()));
    let product = || Some((w.tour_product, visit.product_href()));
    let gateway = |label, path: &str| Some((label, format!("{}{path}", ours.gateway)));
    let (text, place) = match step {
        1 => (w.tour_1, product()),
        2 => (w.tour_2, services()),
        3 => return ((w.tour_3)(ours.password), services()),
        4 => (w.tour_4, gateway(w.tour_orgs, "/orgs")),
        5 => (w.tour_5, gateway(w.tour_enter, "/enter")),
        6 => (w.tour_6, Some((w.tour_bills, "/console/bills".to_owned()))),
        7 => (w.tour_7, product()),
        _ => (w.tour_8, None),
    };
    (text.to_owned(), place)
}

pub fn show(w: &Controls, step: Option<u8>, visit: &Visit, ours: Ours<'_>) -> Markup {
    let Some(step) = step else {
        return html! {
            form action="/control/tour" method="post" { (hidden("step", "1")) button.btn.sm { (w.tour_start) } }
        };
    };
    let (text, place) = told(w, step, visit, ours);
    let aside = html! { span.fine { ((w.tour_step)(u64::from(step))) } };
    card(
        "tour",
        w.tour,
        &aside,
        &html! {
            form.snug action="/control/tour" method="post" {
                p { (text) }
                div.row {
                    // The demo goes on in a window of its own, so that the tour stays beside it.
                    @if let Some((label, href)) = place { a.btn.sm href=(href) target="_blank" rel="noopener" { (label) } }
                    @if step < STEPS { button.btn.sm.primary name="step" value=(step + 1) { (w.tour_next) } }
                    @if step > 1 { button.btn.sm name="step" value=(step - 1) { (w.tour_back) } }
                    button.link name="step" value="0" { (w.tour_end) }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{STEPS, step};

    #[test]
    fn only_steps_that_there_are_are_taken() {
        assert_eq!((step("1"), step("8"), STEPS), (Some(1), Some(8), 8));
        for other in ["0", "9", "", "-1", "one", "256"] {
            assert_eq!(step(other), None, "{other}");
        }
    }
}
