//! The page of the buyer's bills.

use maud::{Markup, html};

use super::bill::{Bill, Line, Statement, grouped, yuan};
use super::catalogue::Catalogue;
use super::store::{Metered, Order, Unbilled};
use super::view::{account_name, at, orders_table, page};
use super::web::{Section, Visit};
use super::words::{Sim, unit, words};
use crate::clock::Instant;
use crate::domain::value::Lang;
use crate::market::metering::{Unit, unit_of};
use crate::market::time;
use crate::view::Detail;
use crate::view::parts::{Column, card, figures, table};

/// Bills, and rows of what is not billed, that a statement shows; the control API has them all.
const SHOWN: usize = 48;

/// The buyer's bills: what was used, and what was paid in advance.
pub fn bills(visit: &Visit, catalogue: &Catalogue, statements: &[Statement], prepaid: &[Order]) -> Markup {
    let w = words(visit.lang);
    let content = html! {
        h1 { (w.bills) }
        @if statements.is_empty() {
            (card("usage", w.usage_bills, &html! {}, &html! { div { p.mut { (w.no_usage) } } }))
        } @else {
            p.mut { (w.bills_note) }
            @for (number, statement) in statements.iter().enumerate() {
                (statement_card(visit, w, catalogue, &format!("bill-{number}"), statement))
            }
        }
        (card("prepaid", w.prepaid, &html! {}, &html! {
            @if prepaid.is_empty() { div { p.mut { (w.no_prepaid) } } } @else { (orders_table(visit, w, prepaid)) }
        }))
    };
    page(visit, Some(Section::Bills), w.bills, &content)
}

fn statement_card(visit: &Visit, w: &Sim, catalogue: &Catalogue, id: &str, statement: &Statement) -> Markup {
    let month: String = time::text(statement.month).chars().take(7).collect();
    let heading = format!("{month} · {}", (w.instance)(&statement.instance_id));
    let name = catalogue.product(&statement.product).map_or(statement.product.as_str(), |product| &product.name);
    let content = html! {
        @if statement.lines.is_empty() { div { p.mut { (w.nothing_billed) } } }
        @else { (lines(visit.lang, w, &heading, statement)) }
        div.snug.fs {
            p.mut {
                (w.final_at) " " (at(visit, statement.final_at, Detail::Minute)) (w.stop)
                @if statement.next_invoice_fen > 0 { ((w.next_invoice)(&yuan(statement.next_invoice_fen))) }
            }
            @if !statement.bills.is_empty() {
                details {
                    summary { ((w.bills_one_by_one)(statement.bills.len() as u64)) }
                    (bill_table(visit, w, &heading, &statement.bills))
                }
            }
        }
        @if !statement.unbilled.is_empty() {
            div.snug { h3 { ((w.unbilled)(statement.unbilled.len() as u64)) } p.mut.fs { (w.unbilled_note) } }
            (unbilled(visit, w, &heading, &statement.unbilled))
        }
    };
    card(id, &heading, &html! { span.fine { (name) " · " (account_name(visit, &statement.account)) } }, &content)
}

fn lines(lang: Lang, w: &Sim, heading: &str, statement: &Statement) -> Markup {
    let columns = [
        Column::text(w.item),
        Column::figure(w.quantity),
        Column::figure(w.billed_quantity),
        Column::figure(w.pending),
        Column::figure(w.amount),
    ];
    let rows = html! {
        @for line in &statement.lines { (line_row(lang, w, line)) }
        tr {
            th scope="row" colspan="4" { (w.total) }
            td.r.nw { strong { "¥ " (yuan(statement.amount_fen)) } }
        }
    };
    table(heading, &columns, &rows)
}

fn line_row(lang: Lang, w: &Sim, line: &Line) -> Markup {
    let units = unit_of(&line.item);
    html! {
        tr {
            th scope="row" {
                (line.item)
                @if let Some(Unit { pushed, billed, .. }) = units {
                    br;
                    span.fine {
                        @if pushed == billed { ((w.unit)(unit(lang, billed))) }
                        @else { ((w.units)(unit(lang, pushed), unit(lang, billed))) }
                    }
                }
            }
            td.r data-l=(w.quantity) { (number(line.quantity)) }
            td.r data-l=(w.billed_quantity) { (billed_quantity(units, line.quantity)) }
            td.r data-l=(w.pending) { @if line.pending > 0 { (number(line.pending)) } @else { "—" } }
            td.r.nw data-l=(w.amount) { "¥ " (yuan(line.amount_fen)) }
        }
    }
}

/// The newest bills first.
fn bill_table(visit: &Visit, w: &Sim, heading: &str, bills: &[Bill]) -> Markup {
    let mut newest: Vec<&Bill> = bills.iter().collect();
    newest.sort_by_key(|bill| std::cmp::Reverse(bill.starts_at));
    let columns = [
        Column::text(w.used_in),
        Column::text(w.item),
        Column::figure(w.quantity),
        Column::text(w.made_at),
        Column::figure(w.amount),
    ];
    let rows = html! {
        @for bill in newest.iter().take(SHOWN) {
            tr {
                th.nw scope="row" { (window(visit, bill.starts_at, bill.ends_at)) }
                td data-l=(w.item) { (bill.item) }
                td.r data-l=(w.quantity) { (number(bill.quantity)) }
                td.nw data-l=(w.made_at) { (at(visit, bill.made_at, Detail::Minute)) }
                td.r.nw data-l=(w.amount) { @if bill.is_made { "¥ " (yuan(bill.amount_fen)) } @else { (w.not_made) } }
            }
        }
    };
    html! {
        (figures(&format!("{heading}{}{}", w.one_by_one, w.scrolls), w.one_by_one, &columns, &rows))
        @if bills.len() > SHOWN { p.fine { ((w.only_newest)(SHOWN as u64)) } }
    }
}

/// What was accepted and costs nothing, newest first, and why.
fn unbilled(visit: &Visit, w: &Sim, heading: &str, all: &[Metered]) -> Markup {
    let columns = [
        Column::text(w.used_in),
        Column::text(w.item),
        Column::figure(w.quantity),
        Column::text(w.received_at),
        Column::text(w.reason),
    ];
    let why = |record: &Metered| match record.unbilled {
        Some(Unbilled::Expired) => w.because_expired,
        Some(Unbilled::Closed) => w.because_closed,
        Some(Unbilled::Repeated) => w.because_repeated,
        Some(Unbilled::Late) | None => w.because_late,
    };
    let rows = html! {
        @for record in all.iter().rev().take(SHOWN) {
            tr {
                th scope="row" { (window(visit, record.starts_at, record.ends_at)) }
                td data-l=(w.item) { (record.item) }
                td.r data-l=(w.quantity) { (number(record.quantity)) }
                td data-l=(w.received_at) { (at(visit, record.received_at, Detail::Minute)) }
                td data-l=(w.reason) { (why(record)) }
            }
        }
    };
    html! {
        (table(&format!("{heading} · {}", w.not_billed), &columns, &rows))
        @if all.len() > SHOWN { div { p.fine { ((w.only_newest)(SHOWN as u64)) } } }
    }
}

/// `2026-11-30 08:00–09:00`; a day ends at 24:00, and another day is told.
fn window(visit: &Visit, starts_at: Instant, ends_at: Instant) -> Markup {
    let clock = |at: Instant| -> String { time::text(at).chars().skip(11).take(5).collect() };
    let midnight = time::next_day(starts_at);
    html! {
        (at(visit, starts_at, Detail::Day)) " " (clock(starts_at)) "–"
        @if ends_at == midnight { "24:00" }
        @else {
            @if ends_at > midnight { (at(visit, ends_at, Detail::Day)) " " }
            (clock(ends_at))
        }
    }
}

fn number(quantity: i64) -> String {
    grouped(quantity.unsigned_abs())
}

fn billed_quantity(units: Option<&Unit>, quantity: i64) -> String {
    let text = units.map_or_else(|| quantity.to_string(), |unit| unit.billed_text(quantity.unsigned_abs()));
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    fraction.map_or_else(|| whole.clone(), |fraction| format!("{whole}.{fraction}"))
}
