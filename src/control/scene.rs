//! How a stage begins, and how it goes back there; and what a browser would do, without one.

use std::collections::HashMap;
use std::time::{Duration, Instant as Moment};

use serde_json::{Value, json};

use super::{Ours, Stage, told};
use crate::clock::Instant;
use crate::domain::binding::State;
use crate::error::Error as Trouble;
use crate::jobs;
use crate::simulator::{Error, FaultKind, Purchase};
use crate::usecase::{Tx, stand_in};

/// What a stage begins with.
pub struct Scene {
    /// Plants people, organizations and the product's key into an empty file.
    pub plant: Planting,
    /// Lets the demo product forget everything.
    pub forget: Box<dyn Fn() + Send + Sync>,
    /// The clock begins so long before the present, in milliseconds, so that the steps have their past.
    pub past_ms: i64,
    /// In the order of their times.
    pub steps: Vec<Step>,
    /// The demo product's key, with which usage is told.
    pub api_key: String,
    /// Of everybody in the seed, for the guided tour.
    pub password: String,
}

/// Plants a seed in an empty file.
pub type Planting = std::sync::Arc<dyn Fn(&Tx, Instant) -> crate::error::Result<()> + Send + Sync>;

/// Something that happened before the stage was ready.
#[derive(Debug, Clone)]
pub struct Step {
    /// Relative to the present, in milliseconds; never positive.
    pub at_ms: i64,
    pub act: Act,
}

#[derive(Debug, Clone)]
pub enum Act {
    /// `expires_ms` is relative to the present. `number` is what `Bind` calls the purchase.
    Buy {
        number: usize,
        purchase: Purchase,
        expires_ms: Option<i64>,
    },
    Bind {
        number: usize,
        user: String,
        organization: String,
    },
    Break {
        action: String,
        kind: FaultKind,
        count: u32,
        delay_ms: Option<u64>,
    },
}

/// Usage that somebody had.
pub struct Usage {
    pub organization: Option<String>,
    pub instance: Option<String>,
    pub item: String,
    pub quantity: Value,
    pub at: Option<Instant>,
}

/// How long something that should be done at once may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at what another thread does.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

fn internal(cause: &dyn std::fmt::Display) -> Error {
    Error::Internal(cause.to_string())
}

/// What a use case refuses, as the control API says it.
fn refused(cause: Trouble) -> Error {
    match cause {
        Trouble::NotFound(what) => Error::NotFound(what),
        Trouble::Conflict(code) | Trouble::Gone(code) | Trouble::Forbidden(code) => Error::Refused(code),
        Trouble::Busy => Error::Refused("busy"),
        other => internal(&other),
    }
}

/// Empties the gateway's file and plants the seed, in one transaction; `false`: a job is running.
fn replant(ours: &Ours) -> Result<bool, Error> {
    let start = ours.app.clock.real_now().plus_ms(-ours.scene.past_ms);
    let (app, plant) = (ours.app.clone(), ours.scene.plant.clone());
    let done = ours.app.store.write_blocking(move |tx| {
        if stand_in::is_at_work(tx)? {
            return Ok(false);
        }
        stand_in::empty(tx)?;
        app.chance.restart();
        app.holds.forget();
        app.pulse.restart();
        app.clock.restart_at(start);
        plant(tx, start)?;
        Ok(true)
    });
    done.map_err(refused)
}

impl Stage {
    /// Back to the seed on every side, clock included. Blocks.
    ///
    /// # Errors
    /// `Refused("another_advance_is_running")` while the clock is being moved.
    pub fn reset(&self) -> Result<Instant, Error> {
        let _nothing_moves = self.hold().ok_or(Error::Refused("another_advance_is_running"))?;
        let ours = self.ours()?;
        self.market.reset()?;
        let until = Moment::now() + PATIENCE;
        while !replant(ours)? {
            if Moment::now() > until {
                return Err(Error::Refused("jobs_are_running"));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        ours.app.keyring.load().forget_uses();
        (ours.scene.forget)();
        self.play()?;
        Ok(self.now())
    }

    /// Lets everything of the seed happen, each at its time, until the present. Blocks.
    pub fn begin(&self) -> Result<(), Error> {
        let _nothing_moves = self.hold().ok_or(Error::Refused("another_advance_is_running"))?;
        self.play()
    }

    fn play(&self) -> Result<(), Error> {
        let ours = self.ours()?;
        let present = ours.app.clock.real_now();
        let mut bought: HashMap<usize, String> = HashMap::new();
        for step in &ours.scene.steps {
            self.go(present.plus_ms(step.at_ms)).map_err(|why| internal(&format!("{why:?}")))?;
            match &step.act {
                Act::Buy { number, purchase, expires_ms } => {
                    let expires_at = expires_ms.map(|ms| present.plus_ms(ms));
                    let purchase = Purchase { expires_at, ..purchase.clone() };
                    let (instance, _) = self.market.buy_and_wait(&purchase, PATIENCE)?;
                    bought.insert(*number, instance.id);
                }
                Act::Bind { number, user, organization } => {
                    let instance = bought.get(number).ok_or(Error::NotFound("purchase"))?;
                    self.bind(instance, user, organization)?;
                }
                Act::Break { action, kind, count, delay_ms } => {
                    self.market.add_fault(action, *kind, *count, *delay_ms)?;
                }
            }
        }
        self.go(present).map_err(|why| internal(&format!("{why:?}")))?;
        Ok(())
    }

    /// Binds as that person would; answers when the binding is live, or at once if it takes its time or the vendor's word. Blocks.
    pub fn bind(&self, instance: &str, user: &str, organization: &str) -> Result<Value, Error> {
        let app = &self.ours()?.app;
        let now = app.now();
        let id = app.chance.id("bnd", now);
        let (live_from, deadline_at) = (app.live_from(now), app.confirmation_deadline(now));
        let takes_time = live_from > now || deadline_at.is_some();
        let seller = self.seller()?;
        let (asked, instance_id) = (id.clone(), instance.to_owned());
        let (user, organization) = (user.to_owned(), organization.to_owned());
        app.store
            .write_blocking(move |tx| {
                let ask = stand_in::Bind {
                    seller_id: &seller,
                    instance_id: &instance_id,
                    user: &user,
                    organization: &organization,
                    new_binding_id: &asked,
                    live_from,
                    deadline_at,
                };
                stand_in::bind(tx, &ask, now)
            })
            .map_err(refused)?;
        let until = Moment::now() + PATIENCE;
        loop {
            jobs::run_due(app);
            let wanted = id.clone();
            let (state, organization) =
                app.store.read_blocking(move |db| stand_in::find_binding(db, &wanted)).map_err(refused)?;
            // The gateway's own thread may have been faster and be at it.
            if state != State::Requested || takes_time || Moment::now() > until {
                return Ok(json!({ "binding_id": id, "state": state.as_str(), "organization_id": organization }));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Tells the gateway of usage by its public API, as the vendor's product does. Blocks.
    pub fn use_up(&self, usage: &Usage) -> Result<Value, Error> {
        let Ours { app, scene, .. } = self.ours()?;
        let organization = match (&usage.organization, &usage.instance) {
            (Some(id), _) => id.clone(),
            (None, Some(instance)) => {
                let (seller, instance) = (self.seller()?, instance.clone());
                let paid = app.store.read_blocking(move |db| stand_in::payer(db, &seller, &instance));
                paid.map_err(refused)?.ok_or(Error::Refused("instance_not_bound"))?
            }
            (None, None) => return Err(Error::Refused("organization_or_instance_needed")),
        };
        let id = app.chance.id("use", self.now());
        let event = json!({
            "specversion": "1.0",
            "type": "marketgate.usage.v1",
            "source": "marketgate/control",
            "id": id,
            "subject": organization,
            "time": told::instant(usage.at.unwrap_or_else(|| self.now())),
            "data": { "item": usage.item, "quantity": usage.quantity },
        });
        let authorization = format!("Bearer {}", scene.api_key);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/cloudevents+json"),
            ("idempotency-key", id.as_str()),
        ];
        let sent = app.marketplace.post(&app.url("/api/v1/usage"), &headers, event.to_string().as_bytes());
        let answer = sent.map_err(|cause| internal(&cause))?;
        let reply: Value = serde_json::from_str(&answer.body).unwrap_or(Value::String(answer.body));
        Ok(json!({ "event_id": id, "status": answer.status, "reply": reply }))
    }

    /// The seller whose products the simulator sells.
    fn seller(&self) -> Result<String, Error> {
        let first = self.ours()?.app.config.sellers.first().ok_or(Error::NotFound("seller"))?;
        Ok(first.id.clone())
    }
}
