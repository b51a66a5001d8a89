//! The documents of the API: what is answered and what is asked for. The OpenAPI document is made from these types, so a
//! field that is added here is written down there, with its comment.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Instant;
use crate::domain::binding::State as BindingState;
use crate::domain::hook::DELIVERY_STATES;
use crate::domain::organization::{FreezeReason, Role};
use crate::domain::subscription::{State as SubscriptionState, Verdict};
use crate::domain::usage::State as RecordState;
use crate::usecase;

/// A moment, RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "date-time"))]
pub struct Moment(String);

impl From<Instant> for Moment {
    fn from(at: Instant) -> Self {
        Self(usecase::rfc3339(at))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    pub items: Vec<T>,
    /// The cursor to go on with as `after`; null: this was the last page.
    pub next: Option<String>,
}

/// What happened behind a cursor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Feed {
    pub items: Vec<Event>,
    /// The cursor to go on with as `after`, also when there is nothing yet.
    pub next: String,
    /// More is there already.
    pub has_more: bool,
}

/// Something that happened: the same in the feed and in every webhook. docs/events.md tells of each type and its data.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Event(#[schemars(schema_with = "event")] pub Value);

/// The part of docs/events.json that all types have in common.
fn event(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "required": ["id", "type", "version", "occurred_at", "sequence", "subject", "data"],
        "properties": {
            "id": { "type": "string", "pattern": "^evt_[0-9a-f]{24}$", "description": "Also the cursor behind this event." },
            "type": { "type": "string", "enum": crate::domain::hook::TYPES },
            "version": { "const": 1 },
            "occurred_at": { "type": "string", "format": "date-time" },
            "sequence": { "type": ["integer", "null"], "description": "Of the subscription, gapless; null for what concerns none." },
            "subject": { "type": "string", "description": "The id of what it happened to." },
            "data": { "type": "object" }
        }
    })
}

/// A buyer of the vendor's product.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Organization {
    pub id: String,
    pub name: String,
    /// How many people belong to it.
    pub members: u32,
    #[schemars(extend("enum" = ["active", "frozen"]))]
    pub state: &'static str,
    pub freeze: Option<Freeze>,
    /// The subscription that it pays through; null: none.
    pub channel: Option<Channel>,
}

/// Why an organization is frozen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Freeze {
    #[schemars(with = "String", extend("enum" = ["payment", "operator"]))]
    pub reason: FreezeReason,
    pub since: Moment,
    /// The end of the grace period; null: there is none.
    pub until: Option<Moment>,
}

/// A subscription as an organization pays through it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Channel {
    /// Its public name, such as `alibaba-86040213`.
    pub subscription: String,
    pub marketplace: String,
    #[schemars(with = "String", extend("enum" = SubscriptionState::ALL.map(SubscriptionState::as_str)))]
    pub state: SubscriptionState,
    pub product: String,
    pub plan: String,
    /// What was bought beside the plan, by the marketplace's names.
    pub items: BTreeMap<String, String>,
    /// Masked.
    pub buyer_account: String,
    pub expires_at: Option<Moment>,
}

/// A purchase at the marketplace.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Subscription {
    /// Its public name, such as `alibaba-86040213`.
    pub id: String,
    pub marketplace: String,
    /// The marketplace's own id.
    pub instance: String,
    #[schemars(with = "String", extend("enum" = SubscriptionState::ALL.map(SubscriptionState::as_str)))]
    pub state: SubscriptionState,
    pub product: String,
    pub plan: String,
    /// What was bought beside the plan, by the marketplace's names.
    pub items: BTreeMap<String, String>,
    /// Of the purchase.
    pub order: String,
    pub is_trial: bool,
    /// Told expired long before its date; nothing counts down until that is settled.
    pub is_disputed: bool,
    /// Masked, unless the key has `accounts:read`.
    pub buyer_account: String,
    /// Null: no term.
    pub expires_at: Option<Moment>,
    pub created_at: Moment,
    pub activated_at: Option<Moment>,
    pub expired_at: Option<Moment>,
    pub released_at: Option<Moment>,
    /// The requested or live binding.
    pub binding: Option<Bound>,
}

/// Who pays through a subscription, or is about to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Bound {
    pub id: String,
    pub organization: String,
    #[schemars(with = "String", extend("enum" = BindingState::ALL.map(BindingState::as_str)))]
    pub state: BindingState,
    pub requested_at: Moment,
    /// Until when the vendor may confirm it.
    pub deadline_at: Option<Moment>,
    pub live_at: Option<Moment>,
}

/// A subscription with what happened to it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SubscriptionSeen {
    #[serde(flatten)]
    pub subscription: Subscription,
    /// The newest first.
    pub timeline: Vec<Entry>,
}

/// A call of the marketplace, or an event.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Entry {
    Call(CallSeen),
    Event(EventSeen),
}

/// A call of the marketplace.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CallSeen {
    pub at: Moment,
    /// Such as `createInstance`.
    pub call: String,
    #[schemars(extend("enum" = Verdict::ALL.map(Verdict::as_str)))]
    pub verdict: String,
    /// Why it was refused or in conflict.
    pub code: Option<String>,
    /// What it was answered.
    pub status: u16,
}

/// An event of the feed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventSeen {
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    pub event: Event,
}

/// What was used of one billing item in one window, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Record {
    pub id: i64,
    pub organization: String,
    /// The subscription that is charged; null: none was bound.
    pub subscription: Option<String>,
    pub item: String,
    pub from: Moment,
    pub until: Moment,
    /// Which part of the window, where a binding changed within it.
    pub part: String,
    pub quantity: i64,
    /// Of the quantity: late usage of earlier windows.
    pub carried_in: i64,
    #[schemars(with = "String", extend("enum" = RecordState::ALL.map(RecordState::as_str)))]
    pub state: RecordState,
    /// Why it was rejected, missed or is not billable.
    pub code: Option<String>,
    /// What an operator wrote about it.
    pub note: Option<String>,
    /// The marketplace has to have accepted it by then.
    pub due_by: Moment,
    pub settled_at: Option<Moment>,
    pub attempts: i64,
    /// The marketplace's id of the request that carried it last.
    pub request: Option<String>,
}

/// Who came by the button that opens the product.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Entrant {
    pub user: EntrantUser,
    pub organization: EntrantOrganization,
    pub subscription: Option<Channel>,
    /// Names the session; `session.revoked` tells that it has ended.
    pub session: String,
    /// How the person signed in.
    #[schemars(extend("enum" = ["marketplace", "password"]))]
    pub via: &'static str,
    /// When the session ends at the latest.
    pub expires_at: Moment,
}

/// The person.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntrantUser {
    pub id: String,
    pub email: String,
    pub name: String,
}

/// The organization that the person has entered, and the role there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntrantOrganization {
    pub id: String,
    pub name: String,
    #[schemars(with = "String", extend("enum" = Role::ALL.map(Role::as_str)))]
    pub role: Role,
}

/// Where events are sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    /// Types and families (`binding.*`) of events; empty: every event.
    pub types: Vec<String>,
    pub enabled: bool,
    pub disabled: Option<Disabled>,
    /// Since when nothing could be delivered.
    pub failing_since: Option<Moment>,
    /// Until when the secret of before signs as well.
    pub previous_secret_until: Option<Moment>,
    pub created_at: Moment,
}

/// Why nothing is sent there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Disabled {
    pub at: Moment,
    pub reason: String,
}

/// A webhook with its secret, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// For signatures of Standard Webhooks.
    #[schemars(extend("pattern" = "^whsec_"))]
    pub secret: String,
}

/// An event on its way to a webhook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Delivery {
    pub id: String,
    pub webhook: String,
    /// Null: a ping.
    pub event: Option<String>,
    pub r#type: String,
    pub subject: String,
    #[schemars(extend("enum" = DELIVERY_STATES))]
    pub state: String,
    pub attempts: u32,
    /// Null: it has ended, or waits behind an earlier one.
    pub next_attempt_at: Option<Moment>,
    /// What the last attempt was answered.
    pub status: Option<u16>,
    pub error: Option<String>,
    pub created_at: Moment,
    pub ended_at: Option<Moment>,
}

/// What became of a binding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Outcome {
    pub id: String,
    #[schemars(with = "String", extend("enum" = BindingState::ALL.map(BindingState::as_str)))]
    pub state: BindingState,
}

/// A verdict for each event, in the order sent. Everything that was accepted is durable.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageAnswer<'a> {
    pub accepted: usize,
    /// Had been accepted before, with the same content.
    pub duplicate: usize,
    pub rejected: usize,
    pub events: Vec<EventVerdict<'a>>,
}

/// What became of one event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventVerdict<'a> {
    pub source: &'a str,
    pub id: &'a str,
    #[schemars(extend("enum" = ["accepted", "duplicate", "rejected"]))]
    pub verdict: &'static str,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why what was accepted is not billed as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// `urn:marketgate:problem:` and the code.
    pub r#type: String,
    pub title: &'static str,
    pub status: u16,
    /// For programs; each call lists the ones that it may answer.
    pub code: &'static str,
    /// Support finds the log by it.
    pub request_id: String,
    /// Of `invalid`: which fields, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// A field that cannot be accepted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldProblem {
    pub field: &'static str,
    pub code: &'static str,
}

/// Asks who a one-time code stands for.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Exchange {
    /// From the address to which the button led.
    pub code: String,
}

/// Says no to a binding.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct No {
    /// For the records.
    #[schemars(length(max = crate::usecase::binding::NOTE_MAX))]
    pub reason: Option<String>,
}

/// A webhook that is added.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// https, and on a public address unless the operator has opened a network.
    #[schemars(length(max = crate::usecase::webhook::URL_MAX))]
    pub url: String,
    /// Types and families (`binding.*`) of events; none: every event.
    #[serde(default)]
    pub types: Vec<String>,
}

/// What is to be different; what is not named stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    pub url: Option<String>,
    pub types: Option<Vec<String>>,
    /// False: nothing is sent, and nothing is lost; true: it goes on where it stopped.
    pub enabled: Option<bool>,
}

/// For how long the secret of before signs as well.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// A day, unless said otherwise.
    #[schemars(range(min = 0, max = crate::usecase::webhook::OVERLAP_MAX_MS / 1000))]
    pub overlap_secs: Option<i64>,
}
