//! The operators' overview.

use crate::market::call::shown;
use crate::usecase::overview::{self as using, COUNT_MOST, Told};
use crate::view::operator::health as pages;
use crate::web::visit::{Page, Visit};

pub async fn show(visit: Visit) -> Page {
    let (user_id, now) = (visit.signed_in()?.user_id.clone(), visit.now);
    let sellers: Vec<String> = visit.app.config.sellers.iter().map(|seller| seller.id.clone()).collect();
    let found = visit.app.store.read(move |db| using::overview(db, &user_id, &sellers, now)).await?;
    let page = page(&visit, found);
    Ok(visit.html(|frame| pages::health(frame, &page)))
}

fn page(visit: &Visit, found: using::Overview) -> pages::Overview {
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    pages::Overview {
        is_cut: found.alarms.len() == using::ALARMS as usize,
        alarms: found.alarms.into_iter().map(alarm).collect(),
        subscriptions: found.subscriptions.map(|(state, count)| (state, number(count))).to_vec(),
        in_question: number(found.in_question),
        counts_end: u64::from(COUNT_MOST),
        at_risk: number(found.at_risk),
        unknown: number(found.unknown),
        lost: number(found.lost),
        stopped: found.stopped,
        waiting_deliveries: number(found.waiting_deliveries),
        dead_deliveries: number(found.dead_deliveries),
        unwell_webhooks: number(found.unwell_webhooks),
        dead_jobs: number(found.dead_jobs),
        rounds: found.rounds.into_iter().map(|(seller, ran, next)| pages::Round { seller, ran, next }).collect(),
        started_at: visit.app.started_at,
    }
}

fn alarm(told: Told) -> pages::Alarm {
    let alarm = told.alarm;
    pages::Alarm {
        leads: pages::Leads::of(&alarm.kind, told.is_subscription),
        kind: alarm.kind,
        subject: alarm.subject,
        // Some are a call as it came.
        detail: if alarm.detail.starts_with('{') { shown(&alarm.detail) } else { alarm.detail },
        times: u64::from(alarm.times),
        raised_at: alarm.raised_at,
        last_at: alarm.last_at,
    }
}
