//! Alibaba's side as a whole: what it knows, and how it is asked.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use super::bill::{self, Statement};
use super::catalogue::{Catalogue, Plan};
use super::store::{CallRow, FaultRow, Instance, Notification, Order, Store};
use super::work::Desk;
use super::{Error, FaultKind, Seller, Timing};
use crate::clock::{Clock, Instant};
use crate::crypto::{self, Chance};
use crate::market::enter;
use crate::market::reply::{CreateReply, read_create};
use crate::outbound::Outbound;

type Result<T> = std::result::Result<T, Error>;

/// Alibaba's side.
pub struct Market {
    pub catalogue: Catalogue,
    pub clock: Clock,
    pub timing: Timing,
    pub(super) outbound: Outbound,
    pub(super) chance: Chance,
    seller: RwLock<Seller>,
    store: Mutex<Store>,
    desk: Mutex<Desk>,
    /// Rung when work was added, taken or finished.
    pub(super) changed: Condvar,
}

impl Market {
    pub(super) fn new(
        catalogue: Catalogue,
        clock: Clock,
        timing: Timing,
        chance: Chance,
        seller: Seller,
        store: Store,
    ) -> Self {
        Self {
            catalogue,
            clock,
            timing,
            outbound: Outbound::new(timing.call),
            chance,
            seller: RwLock::new(seller),
            store: Mutex::new(store),
            desk: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The seller whose products are sold here.
    #[must_use]
    pub fn seller(&self) -> Seller {
        self.seller.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where its provisioning interface is; known only after the gateway has a port.
    pub fn set_target(&self, url: &str) {
        url.clone_into(&mut self.seller.write().unwrap_or_else(PoisonError::into_inner).target);
        self.changed.notify_all();
    }

    /// A fresh text that nobody has used.
    #[must_use]
    pub fn fresh_id(&self) -> String {
        crypto::hex(&self.chance.bytes::<16>())
    }

    /// The file. Taken for moments only, after the desk if both are needed.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh login-free link, as 「免登」 opens it.
    pub fn login_url(&self, id: &str) -> Result<String> {
        let instance = self.store().get_instance(id)?;
        let address = instance.reply.as_deref().and_then(|reply| match read_create(reply) {
            CreateReply::Ready(created) => created.app_info.auth_url,
            CreateReply::NotReady => None,
        });
        let address = address.ok_or(Error::Refused("no_login_address"))?;
        enter::link(&address, instance.sellers(), self.now(), &self.seller().isv_key)
            .map_err(|_| Error::Refused("bad_login_address"))
    }

    // Looking

    /// Newest first; of one account, or of all.
    pub fn instances(&self, account: Option<&str>) -> Result<Vec<Instance>> {
        self.store().list_instances(account)
    }

    pub fn instance(&self, id: &str) -> Result<Instance> {
        self.store().get_instance(id)
    }

    /// Oldest first; of one instance, or of all.
    pub fn orders(&self, instance_id: Option<&str>) -> Result<Vec<Order>> {
        self.store().list_orders(instance_id)
    }

    /// Newest first, and how many there are.
    pub fn calls(&self, limit: u32) -> Result<(Vec<CallRow>, u64)> {
        let store = self.store();
        Ok((store.list_calls(limit)?, store.count_calls()?))
    }

    /// Messages whose retries are used up and that nobody has confirmed yet, oldest first.
    pub fn notifications(&self) -> Result<Vec<Notification>> {
        self.store().list_notifications()
    }

    /// The statements of one account, or of all: newest month first.
    pub fn statements(&self, account: Option<&str>) -> Result<Vec<Statement>> {
        let mut all = Vec::new();
        let instances = self.store().list_instances(account)?;
        for instance in instances {
            all.extend(self.statements_of(&instance)?);
        }
        all.sort_by_key(|statement| std::cmp::Reverse(statement.month));
        Ok(all)
    }

    /// The statements of one instance, newest month first.
    pub fn statements_of(&self, instance: &Instance) -> Result<Vec<Statement>> {
        Ok(bill::statements(&self.catalogue, instance, &self.store().list_metered(&instance.id)?, self.now()))
    }

    // Faults

    pub fn faults(&self) -> Result<Vec<FaultRow>> {
        self.store().list_faults()
    }

    /// From now on the next `count` calls of `action` suffer `kind`.
    pub fn add_fault(&self, action: &str, kind: FaultKind, count: u32, delay_ms: Option<u64>) -> Result<FaultRow> {
        if !kind.applies_to(action) {
            return Err(Error::Refused("fault_does_not_apply"));
        }
        let mut fault = FaultRow {
            id: 0,
            action: action.to_owned(),
            kind: kind.as_str().to_owned(),
            remaining: count.max(1),
            delay_ms,
        };
        fault.id = self.store().insert_fault(&fault)?;
        Ok(fault)
    }

    /// One fault, or all of them; how many there were.
    pub fn remove_faults(&self, id: Option<i64>) -> Result<usize> {
        self.store().delete_faults(id)
    }

    pub(super) fn plan_of(&self, instance: &Instance) -> Result<&Plan> {
        self.catalogue.product(&instance.product).and_then(|p| p.plan(&instance.plan)).ok_or(Error::NotFound("plan"))
    }
}
