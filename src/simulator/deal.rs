//! Deals: buying, and everything that changes what was bought. Each ends in a call that is owed to the seller.

use std::sync::PoisonError;
use std::time::{Duration, Instant as Moment};

use super::catalogue::Plan;
use super::store::{Instance, Order, OrderKind, Pairs, State, Store};
use super::work::{Sent, calling, schedule_expiry, work};
use super::{Error, Market};
use crate::clock::Instant;
use crate::market::time;

type Result<T> = std::result::Result<T, Error>;

/// What somebody wants to buy.
#[derive(Debug, Clone, Default)]
pub struct Purchase {
    /// Key of the buyer account.
    pub account: String,
    pub product: String,
    /// The plan's sku.
    pub plan: String,
    /// As a trial, whatever the plan says.
    pub is_trial: bool,
    /// Extra billing items.
    pub items: Pairs,
    /// In place of the end that the plan's terms bring.
    pub expires_at: Option<Instant>,
    /// Of the form that was submitted: the same one never buys twice.
    pub form_id: Option<String>,
}

impl Market {
    /// Buys; the first createInstance follows as the timing says.
    pub fn buy(&self, purchase: &Purchase) -> Result<Instance> {
        let product = self.catalogue.product(&purchase.product).ok_or(Error::NotFound("product"))?;
        let plan = product.plan(&purchase.plan).ok_or(Error::NotFound("plan"))?;
        let account = self.catalogue.account(&purchase.account).ok_or(Error::NotFound("account"))?;
        let now = self.now();
        let is_trial = purchase.is_trial || plan.terms.is_trial();
        let bought = self.store().transaction(|store| {
            if let Some(form_id) = &purchase.form_id
                && let Some(order) = store.find_order_by_form(form_id)?
            {
                return store.get_instance(&order.instance_id);
            }
            let instance = Instance {
                id: self.fresh_instance_id(store)?,
                account: account.key.clone(),
                product: product.code.clone(),
                plan: plan.sku.clone(),
                items: purchase.items.clone(),
                is_trial,
                state: State::Opening,
                attempts: 0,
                created_at: now,
                opened_at: None,
                expires_at: purchase.expires_at.or_else(|| plan.terms.end(now)),
                expired_at: None,
                closed_at: None,
                seller_id: None,
                reply: None,
            };
            let order = Order {
                id: self.fresh_order_id(store)?,
                instance_id: instance.id.clone(),
                kind: if is_trial { OrderKind::Trial } else { OrderKind::New },
                plan: plan.sku.clone(),
                price_fen: if is_trial { 0 } else { plan.terms.price_fen() },
                expires_at: instance.expires_at,
                previous_expires_at: None,
                is_refunded: false,
                form_id: purchase.form_id.clone(),
                created_at: now,
            };
            store.insert_instance(&instance)?;
            store.insert_order(&order)?;
            let first = now.plus_ms(self.timing.provision_after_ms);
            store.insert_work(&work(&instance.id, "createInstance", create(&instance, &order, &account.uid), first))?;
            Ok(instance)
        })?;
        self.changed.notify_all();
        Ok(bought)
    }

    /// [`Market::buy`], then waits until createInstance has brought an id or was given up, but not longer than
    /// `patience` of real time.
    pub fn buy_and_wait(&self, purchase: &Purchase, patience: Duration) -> Result<(Instance, Order)> {
        let bought = self.buy(purchase)?;
        let until = Moment::now() + patience;
        let mut desk = self.desk();
        loop {
            let instance = self.store().get_instance(&bought.id)?;
            let left = until.saturating_duration_since(Moment::now());
            if instance.state != State::Opening || left.is_zero() || desk.is_closing {
                drop(desk);
                let order = self.store().list_orders(Some(&bought.id))?.into_iter().next();
                return Ok((instance, order.ok_or(Error::NotFound("order"))?));
            }
            desk = self.changed.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tries createInstance again from the beginning after it was given up.
    pub fn reopen(&self, id: &str) -> Result<()> {
        let now = self.now();
        self.store().transaction(|store| {
            let mut instance = store.get_instance(id)?;
            if instance.state != State::Failed {
                return Err(Error::Refused("not_failed"));
            }
            let account = self.catalogue.account(&instance.account).ok_or(Error::NotFound("account"))?;
            let orders = store.list_orders(Some(id))?;
            let order = orders.first().ok_or(Error::NotFound("order"))?;
            instance.state = State::Opening;
            instance.attempts = 0;
            store.set_instance(&instance)?;
            store.insert_work(&work(id, "createInstance", create(&instance, order, &account.uid), now))?;
            Ok(())
        })?;
        self.changed.notify_all();
        Ok(())
    }

    /// Renews, by one term of the plan or until `expires_at`; `order` repeats an order id.
    pub fn renew(&self, id: &str, order: Option<&str>, expires_at: Option<Instant>) -> Result<Sent> {
        self.change(id, |store, instance, now| {
            let plan = self.plan_of(instance)?;
            let from = instance.expires_at.filter(|at| *at > now).unwrap_or(now);
            let until = expires_at.or_else(|| plan.terms.renewed(from)).ok_or(Error::Refused("plan_without_term"))?;
            let order_id =
                self.order_for(store, order, instance, OrderKind::Renew, (plan, plan.terms.price_fen()), Some(until))?;
            instance.expires_at = Some(until);
            if instance.state == State::Expired && until > now {
                instance.state = State::Opened;
                instance.expired_at = None;
            }
            store.set_instance(instance)?;
            schedule_expiry(store, instance)?;
            Ok(calling(
                "renewInstance",
                [
                    ("instanceId", instance.sellers().to_owned()),
                    ("orderId", order_id),
                    ("expiredOn", time::text(until)),
                ],
            ))
        })
    }

    /// Takes back the last renewal: the expiry of before it, or `expires_at`.
    pub fn refund_renew(&self, id: &str, expires_at: Option<Instant>) -> Result<Sent> {
        self.change(id, |store, instance, _| {
            let orders = store.list_orders(Some(&instance.id))?;
            let last = orders.iter().rev().find(|order| order.kind == OrderKind::Renew && !order.is_refunded);
            let until = expires_at
                .or_else(|| last.and_then(|order| order.previous_expires_at))
                .ok_or(Error::Refused("no_renewal"))?;
            if let Some(order) = last {
                store.set_order_refunded(&order.id)?;
            }
            instance.expires_at = Some(until);
            store.set_instance(instance)?;
            schedule_expiry(store, instance)?;
            Ok(calling(
                "refundRenewInstance",
                [("instanceId", instance.sellers().to_owned()), ("expiredOn", time::text(until))],
            ))
        })
    }

    /// Another plan, other items; the expiry stays.
    pub fn upgrade(&self, id: &str, plan: Option<&str>, items: &Pairs) -> Result<Sent> {
        self.change(id, |store, instance, _| {
            let product = self.catalogue.product(&instance.product).ok_or(Error::NotFound("product"))?;
            let sku = plan.unwrap_or(&instance.plan);
            let plan = product.plan(sku).ok_or(Error::NotFound("plan"))?;
            let paid = self.plan_of(instance).map_or(0, |plan| plan.terms.price_fen());
            let priced = (plan, plan.terms.price_fen() - paid);
            instance.plan = plan.sku.clone();
            instance.is_trial = false;
            for (key, value) in items {
                match instance.items.iter_mut().find(|(other, _)| other == key) {
                    Some((_, old)) => old.clone_from(value),
                    None => instance.items.push((key.clone(), value.clone())),
                }
            }
            let order_id = self.order_for(store, None, instance, OrderKind::Upgrade, priced, instance.expires_at)?;
            store.set_instance(instance)?;
            let mut params = calling(
                "upgradeInstance",
                [("instanceId", instance.sellers().to_owned()), ("skuId", plan.sku.clone()), ("orderId", order_id)],
            );
            params.extend(items.iter().cloned());
            Ok(params)
        })
    }

    /// The term ends now.
    pub fn expire(&self, id: &str) -> Result<Sent> {
        self.change(id, |store, instance, now| {
            if instance.state == State::Opened {
                instance.lapse(now);
                store.set_instance(instance)?;
            }
            Ok(calling("expiredInstance", [("instanceId", instance.sellers().to_owned())]))
        })
    }

    /// The instance is gone for good.
    pub fn release(&self, id: &str, is_refunded: bool) -> Result<Sent> {
        self.change(id, |store, instance, now| {
            store.set_instance_work_done(&instance.id, false)?;
            instance.state = State::Closed;
            instance.closed_at = instance.closed_at.or(Some(now));
            store.set_instance(instance)?;
            let order = store.list_orders(Some(&instance.id))?.into_iter().next().ok_or(Error::NotFound("order"))?;
            if is_refunded {
                store.set_order_refunded(&order.id)?;
            }
            Ok(calling(
                "releaseInstance",
                [
                    ("instanceId", instance.sellers().to_owned()),
                    ("orderId", order.id),
                    ("isRefund", is_refunded.to_string()),
                ],
            ))
        })
    }

    /// The message that the order was paid; `request_id` repeats one.
    pub fn pay(&self, id: &str, request_id: Option<&str>) -> Result<Sent> {
        self.change(id, |store, instance, _| {
            let order =
                store.list_orders(Some(&instance.id))?.into_iter().next_back().ok_or(Error::NotFound("order"))?;
            let account = self.catalogue.account(&instance.account).ok_or(Error::NotFound("account"))?;
            Ok(calling(
                "orderPay",
                [
                    ("requestId", request_id.map_or_else(|| self.fresh_id(), str::to_owned)),
                    ("aliUid", account.uid.clone()),
                    ("orderBizId", instance.id.clone()),
                    ("orderId", order.id),
                    ("productCode", instance.product.clone()),
                    ("skuId", order.plan),
                ],
            ))
        })
    }

    /// The order of a change: the one that is named if it exists, else a new one.
    fn order_for(
        &self,
        store: &Store,
        id: Option<&str>,
        instance: &Instance,
        kind: OrderKind,
        (plan, price_fen): (&Plan, i64),
        expires_at: Option<Instant>,
    ) -> Result<String> {
        if let Some(id) = id
            && store.find_order(id)?.is_some()
        {
            return Ok(id.to_owned());
        }
        let id = id.map_or_else(|| self.fresh_order_id(store), |id| Ok(id.to_owned()))?;
        store.insert_order(&Order {
            id: id.clone(),
            instance_id: instance.id.clone(),
            kind,
            plan: plan.sku.clone(),
            price_fen: price_fen.max(0),
            expires_at,
            previous_expires_at: instance.expires_at,
            is_refunded: false,
            form_id: None,
            created_at: self.now(),
        })?;
        Ok(id)
    }

    fn fresh_instance_id(&self, store: &Store) -> Result<String> {
        loop {
            let id = (80_000_000 + u64::from_be_bytes(self.chance.bytes()) % 20_000_000).to_string();
            if store.find_instance(&id)?.is_none() {
                return Ok(id);
            }
        }
    }

    fn fresh_order_id(&self, store: &Store) -> Result<String> {
        loop {
            let id = (200_000_000_000_000 + u64::from_be_bytes(self.chance.bytes()) % 100_000_000_000_000).to_string();
            if store.find_order(&id)?.is_none() {
                return Ok(id);
            }
        }
    }
}

fn create(instance: &Instance, order: &Order, uid: &str) -> Pairs {
    let mut params = calling(
        "createInstance",
        [
            ("aliUid", uid.to_owned()),
            ("orderBizId", instance.id.clone()),
            ("orderId", order.id.clone()),
            ("productCode", instance.product.clone()),
            ("skuId", instance.plan.clone()),
            ("trial", instance.is_trial.to_string()),
        ],
    );
    params.extend(instance.expires_at.map(|at| ("expiredOn".to_owned(), time::text(at))));
    params.extend(instance.items.iter().cloned());
    params
}
