//! A month of usage on a virtual clock, and each bill of it to the fen: what the marketplace billed against what an
//! independent program makes of the posted events.

use serde_json::{Value, json};

use crate::browserlike::Browser;
use crate::oracle::{DAY, HOUR, Month, YEARLY};
use crate::world::{OWNER, PASSWORD, PLAN, World, agent, until};

impl Month {
    /// Binds as the owner; `is_switch`: in place of the subscription that pays for the organization now.
    fn bind(&mut self, instance: &str, name: &str, is_switch: bool) -> String {
        let browser: Browser = self.world.browser();
        let link = self.world.control(&format!("instances/{instance}/login-url"))["url"].as_str().unwrap().to_owned();
        let page = browser.open_link(link.strip_prefix(&self.world.gateway).unwrap());
        let claim = page.path.clone();
        let page = browser.sign_in(&page, OWNER, PASSWORD);
        let organization = self.world.organization(name);
        let page = if is_switch { browser.get(&format!("{claim}?switch={organization}")) } else { page };
        let choice = page.choice(name).unwrap_or_else(|| panic!("{name} cannot be chosen on {}", page.h1()));
        browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &choice));
        until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
        let from = self.start + self.now();
        for old in self.bindings.iter_mut().filter(|old| old["organization"] == organization && old["to"].is_null()) {
            old["to"] = json!(from);
        }
        self.bindings.push(json!({ "organization": organization, "instance": instance, "from": from, "to": null }));
        self.instances[instance] = json!({ "lapses": [], "closed_at": null });
        organization
    }

    /// The power fails while the push of the hour before is in the air. Nobody knows whether it was taken, so an operator
    /// looks at the bills and has it sent again, in time.
    fn lose_power_during_a_push(&mut self, hour: i64) {
        let fault = json!({ "action": "PushMeteringData", "kind": "delay", "delay_ms": 600_000 });
        assert_eq!(self.world.order_control("faults", &fault).0, 200);
        let (url, to) = (format!("{}/control/clock", self.world.simulator_origin()), self.moment(hour + 13 * 60));
        let moving = std::thread::spawn(move || agent().post(&url).send(json!({ "to": to }).to_string()).is_ok());
        let count =
            |world: &World, state: &str| world.rows(&format!("SELECT count(*) FROM record WHERE state = '{state}'"));
        // The marketplace has it, and keeps its answer to itself.
        until("the push to be in the air", || (self.world.control("faults")["faults"] == json!([])).then_some(()));
        assert_ne!(count(&self.world, "sending"), ["0"]);
        self.cut_power();
        assert!(!moving.join().unwrap(), "the clock was on its way");
        self.go(hour + 14 * 60);
        assert_eq!(count(&self.world, "sending"), ["0"]);
        let operator = self.world.browser();
        operator.sign_in_as(self.world.ready["operator"]["email"].as_str().unwrap());
        let lost = self.world.rows("SELECT id FROM record WHERE state = 'unknown' ORDER BY id");
        assert!(lost.len() >= 3, "each item of a subscription at least: {lost:?}");
        for id in lost {
            let action = format!("/operator/metering/{id}");
            let form =
                operator.get(&action).form(&action).set("decision", "resend").set("why", "the bills do not show it");
            assert_eq!(operator.submit(&form).status, 200);
        }
        self.go(hour + 20 * 60);
        assert_eq!(count(&self.world, "unknown"), ["0"]);
    }

    /// Posts events as the product does, and tells the oracle.
    fn post(&mut self, events: &[Value]) {
        let key = self.world.ready["api_key"].as_str().unwrap().to_owned();
        let received_at = self.start + self.now();
        let mut answer = agent()
            .post(&format!("{}/api/v1/usage", self.world.gateway))
            .header("authorization", &format!("Bearer {key}"))
            .header("content-type", "application/cloudevents-batch+json")
            .send(Value::from(events).to_string())
            .unwrap();
        let told = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 200, "{told}");
        self.note(events, received_at);
    }
}

#[test]
fn a_month_with_everything_that_happens_in_one_is_billed_to_the_fen() {
    let mut month = Month::new();
    month.go(-4 * HOUR);
    let first = month.buy(PLAN, &json!({}));
    let ends = jiff::Timestamp::from_second(month.start + 14 * DAY + 12 * HOUR + 20 * 60).unwrap();
    let yearly = month.buy(YEARLY, &json!({ "expires_on": ends.to_string() }));
    let cloud = month.bind(&first, "云帆数据", false);
    let star = month.bind(&yearly, "星河科技", false);
    let mut second = String::new();
    let mut late = Vec::new();
    // From three hours before the month to three hours after it, so that both of its ends are seen.
    for hour in (-3 * HOUR..31 * DAY + 3 * HOUR).step_by(usize::try_from(HOUR).unwrap()) {
        let (day, clock) = (hour.div_euclid(DAY) + 1, hour.rem_euclid(DAY) / HOUR);
        match (day, clock) {
            // Nobody takes a push from five past three to five past six.
            (5, 3) => {
                month.go(hour + 5 * 60);
                let fault = json!({ "action": "PushMeteringData", "kind": "throttle", "count": 1000 });
                assert_eq!(month.world.order_control("faults", &fault).0, 200);
                month.outages.push([month.start + hour + 5 * 60, month.start + hour + 5 * 60 + 3 * HOUR]);
            }
            (5, 6) => {
                month.go(hour + 5 * 60);
                let url = format!("{}/control/faults", month.world.simulator_origin());
                assert_eq!(agent().delete(&url).call().unwrap().status(), 200);
            }
            // Another account pays from three minutes past ten.
            (10, 10) => {
                month.go(hour + 3 * 60);
                second = month.buy(PLAN, &json!({}));
                month.bind(&second, "云帆数据", true);
            }
            // The term ended at 12:20; nothing runs until the renewal three days later.
            (15, 13) => month.instances[&yearly]["lapses"] = json!([[ends.as_second(), null]]),
            (18, 9) => {
                month.go(hour + 30 * 60);
                let until = json!({ "expires_on": "2035-01-01T00:00:00+08:00" });
                assert_eq!(month.world.order_control(&format!("instances/{yearly}/renew"), &until).0, 200);
                month.instances[&yearly]["lapses"][0][1] = json!(month.start + hour);
            }
            // Released at three minutes past three in the afternoon.
            (20, 15) => {
                month.go(hour + 3 * 60);
                assert_eq!(month.world.order_control(&format!("instances/{second}/release"), &json!({})).0, 200);
                let closed_at = month.start + month.now();
                month.instances[&second]["closed_at"] = json!(closed_at);
                month
                    .bindings
                    .iter_mut()
                    .filter(|b| b["instance"] == json!(second))
                    .for_each(|b| b["to"] = json!(closed_at));
            }
            (25, 9) => month.lose_power_during_a_push(hour),
            _ => {}
        }
        let is_running = !(month.start + hour > ends.as_second() + HOUR && day < 18 || (day, clock) == (18, 9));
        let mut events = month.usage_of(&cloud, hour);
        if is_running {
            events.extend(month.usage_of(&star, hour));
        }
        // Every eleventh hour one event is kept back for two hours, and every seventh some are told twice.
        if (hour / HOUR).rem_euclid(11) == 0 {
            late.push((hour + 2 * HOUR, events.remove(0)));
        }
        month.go(hour + HOUR + 60);
        month.post(&events);
        if (hour / HOUR).rem_euclid(7) == 0 {
            let again = events.split_off(events.len() / 2);
            let mut other = again[0].clone();
            other["data"]["quantity"] = json!(999_999);
            month.post(&again);
            month.post(&[other]);
        }
        let (due, later) = late.into_iter().partition(|(at, _)| *at <= hour);
        late = later;
        let due: Vec<(i64, Value)> = due;
        if !due.is_empty() {
            month.post(&due.into_iter().map(|(_, event)| event).collect::<Vec<_>>());
        }
    }
    month.go(31 * DAY + 6 * HOUR);
    let bills = month.compare(false, false);
    assert!(bills > 3_000, "{bills} bills");
}
