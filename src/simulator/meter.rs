//! `PushMeteringData`: what is taken, what is refused, and what is taken but never billed (specification 5.2 to 5.5).
//!
//! A request is taken as a whole or not at all. Where nobody outside knows what the marketplace does, [`Policy`] has a
//! switch; its defaults are what hurts the seller most, so that nobody learns to rely on kindness.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::catalogue::{Cycle, Item, Product};
use super::receive::{Refused, unknown};
use super::store::{Instance, Metered, State, Store, Unbilled};
use super::{Error, Market};
use crate::clock::Instant;
use crate::market::metering::{self, MAX_ENTITIES, MAX_RECORDS, MIN_INTERVAL_MS, MIN_WINDOW_MS, Record};

/// What the marketplace does where its documents are silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Usage of released instances is taken; it is billed up to the hour of the release.
    pub takes_closed: bool,
    /// A window that overlaps one already taken for the same instance and item is taken and not billed again.
    pub ignores_repeats: bool,
}

const TAKES_CLOSED: &str = "metering_takes_closed";
const IGNORES_REPEATS: &str = "metering_ignores_repeats";

impl Policy {
    fn read(store: &Store) -> Result<Self, Error> {
        let is_set = |name| store.find_fact(name).map(|fact| fact.unwrap_or_default() != 0);
        Ok(Self { takes_closed: is_set(TAKES_CLOSED)?, ignores_repeats: is_set(IGNORES_REPEATS)? })
    }
}

impl Market {
    pub fn policy(&self) -> Result<Policy, Error> {
        Policy::read(&self.store())
    }

    pub fn set_policy(&self, policy: Policy) -> Result<(), Error> {
        self.store().transaction(|store| {
            store.set_fact(TAKES_CLOSED, policy.takes_closed.into())?;
            store.set_fact(IGNORES_REPEATS, policy.ignores_repeats.into())
        })
    }

    /// Takes the records of a `Metering` text, all or none.
    pub(super) fn take_metering(&self, text: &str) -> Result<(), Refused> {
        let records = metering::read(text).map_err(|_| bad_metering())?;
        check_shape(&records)?;
        let now = self.now();
        // A refusal is an outcome here, not an error: that the instances were named stays written down.
        let outcome = self.store().transaction(|store| {
            let ids: BTreeSet<&str> = records.iter().map(|record| record.instance_id.as_str()).collect();
            let mut instances = Vec::new();
            for id in ids {
                instances.extend(store.find_instance(id)?);
            }
            for instance in &instances {
                if store.find_pushed_at(&instance.id)?.is_some_and(|at| now.since_ms(at) < MIN_INTERVAL_MS) {
                    return Ok(Err(flow_control()));
                }
            }
            for instance in &instances {
                store.set_pushed_at(&instance.id, now)?;
            }
            match self.judge(&records, &instances, Policy::read(store)?, now) {
                Ok(taken) => insert(store, taken).map(Ok),
                Err(refused) => Ok(Err(refused)),
            }
        });
        outcome.unwrap_or_else(|e| Err(unknown(&e)))
    }

    /// What the records come to, or why none of them is taken.
    fn judge(
        &self,
        records: &[Record],
        instances: &[Instance],
        policy: Policy,
        now: Instant,
    ) -> Result<Vec<Taken>, Refused> {
        let mut product: Option<&Product> = None;
        let mut taken = Vec::new();
        for record in records {
            let is_served = |instance: &&Instance| match instance.state {
                State::Opened | State::Expired => true,
                State::Closed => policy.takes_closed && instance.opened_at.is_some(),
                State::Opening | State::Failed => false,
            };
            let instance = instances.iter().find(|instance| instance.id == record.instance_id);
            let instance = instance.filter(is_served).ok_or_else(bad_instance)?;
            let sold = self.catalogue.product(&instance.product).ok_or_else(bad_instance)?;
            if product.replace(sold).is_some_and(|other| other.code != sold.code) {
                return Err(bad_metering());
            }
            // Usage that has not begun cannot have been measured.
            if record.start > now {
                return Err(bad_metering());
            }
            for entity in &record.entities {
                let item = sold.item(&entity.key).ok_or_else(bad_metering)?;
                if entity.assit.as_deref() != Some(item.assit.as_str()) {
                    return Err(bad_metering());
                }
                taken.push(Taken {
                    metered: Metered {
                        instance_id: instance.id.clone(),
                        item: item.key.clone(),
                        quantity: i64::try_from(entity.value).map_err(|_| bad_metering())?,
                        starts_at: record.start,
                        ends_at: record.end,
                        received_at: now,
                        unbilled: unbilled(item, instance, record.start, now)?,
                    },
                    ignores_repeats: policy.ignores_repeats,
                });
            }
        }
        Ok(taken)
    }
}

struct Taken {
    metered: Metered,
    ignores_repeats: bool,
}

fn insert(store: &Store, taken: Vec<Taken>) -> Result<(), Error> {
    for Taken { mut metered, ignores_repeats } in taken {
        if ignores_repeats
            && metered.unbilled.is_none()
            && store.is_metered(&metered.instance_id, &metered.item, metered.starts_at, metered.ends_at)?
        {
            metered.unbilled = Some(Unbilled::Repeated);
        }
        store.insert_metered(&metered)?;
    }
    Ok(())
}

/// What can be said of the records without knowing anything else.
fn check_shape(records: &[Record]) -> Result<(), Refused> {
    let entities = || records.iter().flat_map(|record| &record.entities);
    if records.len() > MAX_RECORDS || entities().count() > MAX_ENTITIES {
        return Err((500, "Metering.Data.Exceeded", "The number of metering entities must not exceed 100.".into()));
    }
    if entities().any(|entity| entity.assit.is_none()) {
        return Err((400, "Invalid.Parameter.Metering", "meteringAssit is empty".into()));
    }
    let is_good = |record: &Record| !record.entities.is_empty() && record.end.since_ms(record.start) > MIN_WINDOW_MS;
    if records.is_empty() || !records.iter().all(is_good) { Err(bad_metering()) } else { Ok(()) }
}

/// Why usage that began at `start` and came at `now` is not billed, if it is not. Too late for a daily item is an
/// error; too late for an hourly one is only never billed (specification 5.4).
fn unbilled(item: &Item, instance: &Instance, start: Instant, now: Instant) -> Result<Option<Unbilled>, Refused> {
    let period = item.cycle.start(start);
    let is_late = now >= item.cycle.deadline(start);
    // The hour that holds the end is billed as a whole; what begins with it or after it is not.
    let is_after = |end: Option<Instant>| end.is_some_and(|end| period >= end);
    match item.cycle {
        Cycle::Day if is_late => Err(bad_metering()),
        _ if is_after(instance.closed_at) => Ok(Some(Unbilled::Closed)),
        _ if is_after(instance.expired_at) => Ok(Some(Unbilled::Expired)),
        _ => Ok(is_late.then_some(Unbilled::Late)),
    }
}

fn bad_metering() -> Refused {
    (500, "Invalid.Parameter.Metering", "The specified Metering parameter is invalid.".into())
}

fn bad_instance() -> Refused {
    (500, "Invalid.Parameter.Instance", "The specified Instance parameter is invalid.".into())
}

pub(super) fn flow_control() -> Refused {
    (500, "Service.Flow.Control", "The rate throttling threshold has been exceeded.".into())
}

/// The instance that the log names: that of the first record.
pub(super) fn about(text: &str) -> Option<String> {
    metering::read(text).ok()?.into_iter().next().map(|record| record.instance_id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::super::tests::{POSTPAY, PREPAY, Spi, buy_and_open, options, ready_or_done};
    use super::super::{Catalogue, Handle, Options, Purchase, Statement, start};
    use super::*;
    use crate::domain::value::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
    use crate::market::time;

    /// A running marketplace; hours and minutes are those of the day after today in China.
    struct Day {
        handle: Handle,
        _spi: Spi,
        start: Instant,
    }

    impl Day {
        fn new(change: impl FnOnce(&mut Catalogue)) -> Self {
            let spi = Spi::start(|call, _| ready_or_done(call));
            let mut options = options(&spi.url());
            change(&mut options.catalogue);
            let handle = start(Options { ..options }).unwrap();
            let start = time::next_day(handle.market().now());
            Self { handle, _spi: spi, start }
        }

        fn at(&self, hour: i64, minute: i64) -> Instant {
            self.start.plus_ms(hour * HOUR_MS + minute * MINUTE_MS)
        }

        /// Moves the clock there, and does what becomes due.
        fn go(&self, hour: i64, minute: i64) -> &Self {
            let market = self.handle.market();
            market.clock.advance_to(self.at(hour, minute));
            market.run_due(market.now()).unwrap();
            self
        }

        fn push(&self, records: &Value) -> Result<(), (u16, &'static str)> {
            self.handle.market().take_metering(&records.to_string()).map_err(|(status, code, _)| (status, code))
        }

        /// Of a whole hour.
        fn record(&self, id: &str, hour: i64, item: &str, value: u64) -> Value {
            self.window(id, (hour, 0), (hour + 1, 0), item, value)
        }

        fn window(&self, id: &str, from: (i64, i64), to: (i64, i64), item: &str, value: u64) -> Value {
            let secs = |(hour, minute)| (self.at(hour, minute).ms() / SECOND_MS).to_string();
            let entity =
                json!({ "Key": item, "Value": value.to_string(), "meteringAssit": format!("cmgj00063418-{item}-1") });
            json!({ "InstanceId": id, "StartTime": secs(from), "EndTime": secs(to), "Entities": [entity] })
        }

        fn statement(&self, id: &str) -> Statement {
            let market = self.handle.market();
            market.statements_of(&market.instance(id).unwrap()).unwrap().remove(0)
        }

        /// The reasons why what was taken is not billed, by hour.
        fn unbilled(&self, id: &str) -> Vec<(i64, Unbilled)> {
            let all = self.statement(id).unbilled;
            all.iter().map(|m| (m.starts_at.since_ms(self.start) / HOUR_MS, m.unbilled.unwrap())).collect()
        }
    }

    const METERING: Result<(), (u16, &str)> = Err((500, "Invalid.Parameter.Metering"));
    const INSTANCE: Result<(), (u16, &str)> = Err((500, "Invalid.Parameter.Instance"));
    const EXCEEDED: Result<(), (u16, &str)> = Err((500, "Metering.Data.Exceeded"));
    const FLOW: Result<(), (u16, &str)> = Err((500, "Service.Flow.Control"));

    #[test]
    fn what_is_no_usage_of_an_own_product_is_refused_as_a_whole() {
        let day = Day::new(|_| {});
        let id = buy_and_open(&day.handle, POSTPAY).id;
        let good = day.go(9, 12).record(&id, 8, "Period", 3600);
        let with = |field: &str, value: Value| {
            let mut record = good.clone();
            record[field] = value;
            record
        };
        let entity = |field: &str, value: Value| {
            let mut record = good.clone();
            record["Entities"][0][field] = value;
            record
        };
        let secs = |hour, minute| json!(day.at(hour, minute).ms() / SECOND_MS);
        let many = |count: usize| json!(vec![good.clone(); count]);
        let wide = with("Entities", json!(vec![good["Entities"][0].clone(); 101]));
        let cases = [
            (json!({}), METERING),
            (json!([]), METERING),
            (json!([with("Entities", json!([]))]), METERING),
            (json!([entity("Value", json!("-1"))]), METERING),
            (json!([entity("Value", json!(1.5))]), METERING),
            (json!([entity("Value", json!("9223372036854775808"))]), METERING),
            (json!([entity("Key", json!("Frequency"))]), METERING),
            (json!([entity("meteringAssit", json!("cmgj00063418-Storage-1"))]), METERING),
            (json!([entity("meteringAssit", json!(""))]), Err((400, "Invalid.Parameter.Metering"))),
            (json!([entity("meteringAssit", Value::Null)]), Err((400, "Invalid.Parameter.Metering"))),
            (json!([with("EndTime", secs(8, 5))]), METERING),
            (json!([with("EndTime", secs(7, 0))]), METERING),
            (json!([with("StartTime", secs(10, 0)), with("EndTime", secs(11, 0))]), METERING),
            (json!([day.record(&id, 10, "Period", 1)]), METERING),
            (json!([good.clone(), day.record("1", 8, "Period", 1)]), INSTANCE),
            (many(101), EXCEEDED),
            (json!([wide]), EXCEEDED),
        ];
        for (minute, (records, expected)) in cases.into_iter().enumerate() {
            // More than a minute apart, so that none is one too many.
            day.go(9, 13 + 2 * i64::try_from(minute).unwrap());
            assert_eq!(day.push(&records), expected, "{records}");
        }
        assert!(day.handle.market().statements(None).unwrap().is_empty(), "nothing of them was taken");
        day.go(9, 58);
        let numbers = json!([with("StartTime", secs(8, 0)), with("EndTime", secs(8, 6))]);
        assert_eq!(day.push(&numbers), Ok(()), "numbers instead of texts, just over five minutes");
        assert_eq!(day.statement(&id).lines[0].pending, 7200);
    }

    #[test]
    fn an_instance_is_named_once_a_minute_and_a_hundred_records_fit_into_a_request() {
        let day = Day::new(|_| {});
        let (id, other) = (buy_and_open(&day.handle, POSTPAY).id, buy_and_open(&day.handle, POSTPAY).id);
        day.go(9, 12);
        assert_eq!(day.push(&json!(vec![day.record(&id, 8, "Period", 36); 100])), Ok(()));
        assert_eq!(day.push(&json!([day.record(&id, 8, "Storage", 1)])), FLOW);
        assert_eq!(day.push(&json!([day.record(&other, 8, "Storage", 1), day.record(&id, 8, "Storage", 1)])), FLOW);
        assert_eq!(day.push(&json!([day.record(&other, 8, "Storage", 1)])), Ok(()), "the refused one did not count");
        day.go(9, 13).handle.market().clock.advance_to(day.at(9, 13).plus_ms(500));
        assert_eq!(day.push(&json!([day.record(&id, 8, "Nothing", 1)])), METERING);
        assert_eq!(
            day.push(&json!([day.record(&id, 8, "Storage", 1)])),
            FLOW,
            "a request refused for its content counts"
        );
        assert_eq!(day.go(10, 0).statement(&id).amount_fen, 12, "a hundred times 36 s");
    }

    #[test]
    fn hourly_usage_is_billed_until_the_minute_before_its_bill_and_taken_for_nothing_afterwards() {
        let day = Day::new(|_| {});
        let id = buy_and_open(&day.handle, POSTPAY).id;
        day.handle.market().clock.advance_to(day.at(9, 59).plus_ms(-SECOND_MS));
        assert_eq!(day.push(&json!([day.record(&id, 8, "Period", 3600)])), Ok(()));
        day.go(10, 59);
        assert_eq!(day.push(&json!([day.record(&id, 9, "Period", 3600), day.record(&id, 10, "Period", 3000)])), Ok(()));
        let statement = day.go(12, 0).statement(&id);
        assert_eq!((statement.amount_fen, day.unbilled(&id)), (12 + 10, vec![(9, Unbilled::Late)]));
    }

    #[test]
    fn daily_usage_that_comes_too_late_is_an_error() {
        let day = Day::new(|catalogue| catalogue.products[0].items.iter_mut().for_each(|item| item.cycle = Cycle::Day));
        let id = buy_and_open(&day.handle, POSTPAY).id;
        day.handle.market().clock.advance_to(day.at(24 + 1, 59).plus_ms(-SECOND_MS));
        assert_eq!(day.push(&json!([day.window(&id, (0, 0), (24, 0), "Period", 3600)])), Ok(()));
        day.go(24 + 2, 0);
        assert_eq!(day.push(&json!([day.window(&id, (0, 0), (24, 0), "Period", 3600)])), METERING);
        assert_eq!(day.statement(&id).amount_fen, 12);
    }

    #[test]
    fn the_hour_of_the_expiry_is_billed_and_no_later_one_until_a_renewal() {
        let day = Day::new(|_| {});
        let expires_at = Some(day.at(12, 20));
        let market = day.handle.market();
        let purchase = Purchase {
            account: "A".into(),
            product: "cmgj00063418".into(),
            plan: PREPAY.into(),
            expires_at,
            ..Purchase::default()
        };
        let id = market.buy_and_wait(&purchase, std::time::Duration::from_secs(10)).unwrap().0.id;
        for hour in [11, 12, 13] {
            day.go(12, 20).go(hour + 1, 12);
            assert_eq!(day.push(&json!([day.record(&id, hour, "Period", 3600)])), Ok(()), "{hour}");
        }
        assert_eq!(day.go(16, 0).statement(&id).amount_fen, 24);
        assert_eq!(day.unbilled(&id), [(13, Unbilled::Expired)]);
        market.renew(&id, None, Some(day.at(24 * 365, 0))).unwrap();
        assert_eq!(day.push(&json!([day.record(&id, 15, "Period", 3600)])), Ok(()));
        assert_eq!(day.go(17, 0).statement(&id).amount_fen, 36);
    }

    #[test]
    fn a_released_instance_is_refused_unless_the_switch_says_otherwise() {
        let day = Day::new(|_| {});
        let id = buy_and_open(&day.handle, POSTPAY).id;
        let market = day.go(8, 3).handle.market();
        market.release(&id, false).unwrap();
        let last = json!([day.window(&id, (8, 0), (8, 6), "Period", 180)]);
        assert_eq!(day.push(&last), INSTANCE);
        market.set_policy(Policy { takes_closed: true, ..Policy::default() }).unwrap();
        assert_eq!(day.go(8, 5).push(&last), Ok(()));
        assert_eq!(day.go(10, 12).push(&json!([day.record(&id, 9, "Period", 3600)])), Ok(()));
        assert_eq!((day.statement(&id).bills.len(), day.unbilled(&id)), (1, vec![(9, Unbilled::Closed)]));
    }

    #[test]
    fn what_is_pushed_twice_is_billed_twice_unless_the_switch_says_otherwise() {
        let day = Day::new(|_| {});
        let id = buy_and_open(&day.handle, POSTPAY).id;
        let market = day.handle.market();
        for (minute, ignores_repeats, fen) in [(12, false, 12), (14, false, 24), (16, true, 24)] {
            market.set_policy(Policy { ignores_repeats, ..Policy::default() }).unwrap();
            assert_eq!(day.go(9, minute).push(&json!([day.record(&id, 8, "Period", 3600)])), Ok(()));
            let bills = day.statement(&id).bills;
            assert_eq!((bills.len(), bills[0].amount_fen), (1, fen), "{minute}");
        }
        assert_eq!(day.unbilled(&id), [(8, Unbilled::Repeated)]);
        assert_eq!(market.policy().unwrap(), Policy { ignores_repeats: true, takes_closed: false });
    }

    #[test]
    fn instances_of_two_products_do_not_fit_into_one_request() {
        let day = Day::new(|catalogue| {
            let mut other = catalogue.products[0].clone();
            other.code = "cmgj00099999".into();
            catalogue.products.push(other);
        });
        let id = buy_and_open(&day.handle, POSTPAY).id;
        let purchase = Purchase {
            account: "A".into(),
            product: "cmgj00099999".into(),
            plan: POSTPAY.into(),
            ..Purchase::default()
        };
        let patience = std::time::Duration::from_secs(10);
        let other = day.handle.market().buy_and_wait(&purchase, patience).unwrap().0.id;
        day.go(9, 12);
        assert_eq!(day.push(&json!([day.record(&id, 8, "Period", 1), day.record(&other, 8, "Period", 1)])), METERING);
        assert_eq!(day.go(9, 14).push(&json!([day.record(&other, 8, "Period", 1)])), Ok(()));
    }

    #[test]
    fn an_instance_that_never_opened_has_no_usage() {
        let day = Day::new(|_| {});
        let id = buy_and_open(&day.handle, POSTPAY).id;
        let mut instance = day.handle.market().instance(&id).unwrap();
        instance.state = State::Opening;
        day.handle.market().store().set_instance(&instance).unwrap();
        assert_eq!(day.go(9, 12).push(&json!([day.record(&id, 8, "Period", 1)])), INSTANCE);
        assert!(day.handle.market().now().since_ms(day.start) < DAY_MS);
    }
}
