//! The table of calls: what the types and the route table do not say.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Answer, Body, Call, Query, Shape, shape};
use crate::domain::api_key::Scope;
use crate::domain::hook::DELIVERY_STATES;
use crate::domain::usage::State;
use crate::web::cloudevent::{MAX_EVENTS, UsageEvent};
use crate::web::shape::{
    Delivery, Entrant, Exchange, Feed, List, NewWebhook, No, Organization, Outcome, Record, Rotation, Subscription,
    SubscriptionSeen, UsageAnswer, Webhook, WebhookChange, WebhookWithSecret,
};

/// Groups of calls, in the order in which they are shown.
pub const GROUPS: [(&str, &str); 7] = [
    ("Usage", "What your product reports, and what became of it."),
    ("Organizations", "Who buys from you."),
    ("Subscriptions", "What was bought at the marketplace."),
    ("Bindings", "Your word on a binding, where it is asked for."),
    ("Sessions", "Who comes by the button that opens your product."),
    ("Events", "What happened, in the order in which it became true."),
    ("Webhooks", "Where events are sent, and how that went."),
];

const JSON: &str = "application/json";

/// What the place in a path names, and one such name.
pub(super) fn id_of(path: &str) -> (&'static str, &'static str) {
    match path.split('/').nth(3) {
        Some("organizations") => ("Id of an organization.", "org_01kb2r5v9hf3t8m2q7w4x6y0za"),
        Some("subscriptions") => ("Public name of a subscription.", "alibaba-86040213"),
        Some("bindings") => {
            ("Id of a binding: `data.binding` of `binding.requested`.", "bnd_01kb2r5v9hf3t8m2q7w4x6y0za")
        }
        Some("webhooks") => ("Id of a webhook.", "whk_01kb2r5v9hf3t8m2q7w4x6y0za"),
        _ => ("Number of a delivery.", "42"),
    }
}

const AFTER: Query = Query {
    name: "after",
    about: "The `next` of the page before; none: from the beginning.",
    schema: || json!({ "type": "string" }),
};
const LIMIT: Query = Query {
    name: "limit",
    about: "At most so many items.",
    schema: || json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 }),
};

/// Several events at once.
fn batch(generator: &mut SchemaGenerator) -> Schema {
    let event = generator.subschema_for::<UsageEvent>();
    json_schema!({ "type": "array", "items": event, "maxItems": MAX_EVENTS })
}

fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn text() -> Value {
    json!({ "type": "string" })
}

const fn fine(shape: Shape, example: &'static str) -> Answer {
    Answer { status: 200, about: "Done.", shape: Some((shape, example)) }
}

const fn page(shape: Shape, example: &'static str) -> Answer {
    Answer { status: 200, about: "A page of the list.", shape: Some((shape, example)) }
}

const ORGANIZATION: &str = r#"{"id":"org_01kb2r5v9hf3t8m2q7w4x6y0za","name":"Galaxy Tech","members":2,"state":"active","freeze":null,"channel":{"subscription":"alibaba-86040213","marketplace":"alibaba","state":"active","product":"cmgj00063418","plan":"cmgj00063418-postpay","items":{},"buyer_account":"1234****5678","expires_at":null}}"#;
const ORGANIZATIONS: &str = r#"{"items":[{"id":"org_01kb2r5v9hf3t8m2q7w4x6y0za","name":"Galaxy Tech","members":2,"state":"frozen","freeze":{"reason":"payment","since":"2026-11-24T08:45:33.242Z","until":"2026-12-09T08:45:33.242Z"},"channel":null}],"next":null}"#;
const SUBSCRIPTIONS: &str = r#"{"items":[{"id":"alibaba-86040213","marketplace":"alibaba","instance":"86040213","state":"active","product":"cmgj00063418","plan":"cmgj00063418-postpay","items":{},"order":"205060317920890","is_trial":false,"is_disputed":false,"buyer_account":"1234****5678","expires_at":null,"created_at":"2026-11-24T08:45:33.242Z","activated_at":"2026-11-24T08:45:33.242Z","expired_at":null,"released_at":null,"binding":{"id":"bnd_01kb2r5v9hf3t8m2q7w4x6y0za","organization":"org_01kb2r5v9hf3t8m2q7w4x6y0za","state":"live","requested_at":"2026-11-24T08:50:00Z","deadline_at":null,"live_at":"2026-11-24T08:50:05Z"}}],"next":"alibaba-86040213"}"#;
const SUBSCRIPTION: &str = r#"{"id":"alibaba-86040213","marketplace":"alibaba","instance":"86040213","state":"active","product":"cmgj00063418","plan":"cmgj00063418-postpay","items":{},"order":"205060317920890","is_trial":false,"is_disputed":false,"buyer_account":"1234****5678","expires_at":null,"created_at":"2026-11-24T08:45:33.242Z","activated_at":"2026-11-24T08:45:33.242Z","expired_at":null,"released_at":null,"binding":null,"timeline":[{"at":"2026-11-24T08:45:33.242Z","call":"createInstance","verdict":"applied","code":null,"status":200}]}"#;
const RECORDS: &str = r#"{"items":[{"id":20417,"organization":"org_01kb2r5v9hf3t8m2q7w4x6y0za","subscription":"alibaba-86040213","item":"Period","from":"2026-11-24T08:00:00Z","until":"2026-11-24T09:00:00Z","part":"","quantity":3600,"carried_in":0,"state":"accepted","code":null,"note":null,"due_by":"2026-11-24T09:55:00Z","settled_at":"2026-11-24T09:12:03Z","attempts":1,"request":"6EF60BEC-0242-43AF-BB20-270359FB54A7"}],"next":null}"#;
const EVENTS: &str = r#"{"items":[{"id":"evt_01a20e74aada000000000005","type":"binding.live","version":1,"occurred_at":"2026-11-24T08:50:05Z","sequence":3,"subject":"alibaba-86040213","data":{}}],"next":"evt_01a20e74aada000000000005","has_more":false}"#;
const WEBHOOK: &str = r#"{"id":"whk_01kb2r5v9hf3t8m2q7w4x6y0za","url":"https://hooks.example.com/marketgate","types":["binding.*"],"enabled":true,"disabled":null,"failing_since":null,"previous_secret_until":null,"created_at":"2026-11-24T08:45:33.242Z"}"#;
const WEBHOOKS: &str = r#"{"items":[{"id":"whk_01kb2r5v9hf3t8m2q7w4x6y0za","url":"https://hooks.example.com/marketgate","types":[],"enabled":false,"disabled":{"at":"2026-11-24T09:00:00Z","reason":"requested"},"failing_since":null,"previous_secret_until":null,"created_at":"2026-11-24T08:45:33.242Z"}],"next":null}"#;
const SECRET: &str = r#"{"id":"whk_01kb2r5v9hf3t8m2q7w4x6y0za","url":"https://hooks.example.com/marketgate","types":["binding.*"],"enabled":true,"disabled":null,"failing_since":null,"previous_secret_until":"2026-11-25T08:45:33.242Z","created_at":"2026-11-24T08:45:33.242Z","secret":"whsec_Zm9yIHRoZSBleGFtcGxlIG9ubHksIG5vdCBhIHNlY3JldA=="}"#;
const DELIVERY: &str = r#"{"id":"42","webhook":"whk_01kb2r5v9hf3t8m2q7w4x6y0za","event":null,"type":"ping","subject":"whk_01kb2r5v9hf3t8m2q7w4x6y0za","state":"waiting","attempts":0,"next_attempt_at":"2026-11-24T08:45:33.242Z","status":null,"error":null,"created_at":"2026-11-24T08:45:33.242Z","ended_at":null}"#;
const DELIVERIES: &str = r#"{"items":[{"id":"41","webhook":"whk_01kb2r5v9hf3t8m2q7w4x6y0za","event":"evt_01a20e74aada000000000005","type":"binding.live","subject":"alibaba-86040213","state":"delivered","attempts":1,"next_attempt_at":null,"status":204,"error":null,"created_at":"2026-11-24T08:50:05Z","ended_at":"2026-11-24T08:50:06Z"}],"next":null}"#;
const ENTRANT: &str = r#"{"user":{"id":"usr_01kb2r5v9hf3t8m2q7w4x6y0za","email":"owner@example.com","name":"Yue Lin"},"organization":{"id":"org_01kb2r5v9hf3t8m2q7w4x6y0za","name":"Galaxy Tech","role":"owner"},"subscription":null,"session":"ses_01kb2r5v9hf3t8m2q7w4x6y0za","via":"password","expires_at":"2026-12-08T08:45:33.242Z"}"#;
const EVENT: &str = r#"{"specversion":"1.0","type":"marketgate.usage.v1","source":"cluster-1","id":"2026-11-24T08:20","subject":"org_01kb2r5v9hf3t8m2q7w4x6y0za","time":"2026-11-24T08:20:00Z","data":{"item":"Period","quantity":60}}"#;
const BATCH: &str = r#"[{"specversion":"1.0","type":"marketgate.usage.v1","source":"cluster-1","id":"2026-11-24T08:20","subject":"org_01kb2r5v9hf3t8m2q7w4x6y0za","time":"2026-11-24T08:20:00Z","data":{"item":"Period","quantity":60}}]"#;
const VERDICTS: &str = r#"{"accepted":1,"duplicate":0,"rejected":0,"events":[{"source":"cluster-1","id":"2026-11-24T08:20","verdict":"accepted"}]}"#;

/// A call that only reads, or changes nothing twice.
const PLAIN: Call = Call {
    method: "GET",
    path: "",
    id: "",
    group: "",
    scope: Scope::EventsRead,
    summary: "",
    about: "",
    query: &[],
    body: None,
    answer: Answer { status: 200, about: "", shape: None },
    problems: &[],
    is_once: false,
    links: ("", &[]),
};

/// Where the id stands of what was made, and of the first of a list.
const MADE: &str = "/id";
const FIRST: &str = "/items/0/id";

/// Every call that takes a key, group by group.
pub static CALLS: &[Call] = &[
    Call {
        method: "POST",
        path: "/api/v1/usage",
        id: "reportUsage",
        group: "Usage",
        scope: Scope::UsageWrite,
        summary: "Report usage",
        about: "One CloudEvent, or a batch of up to 1,000. `source` and `id` identify an event: it counts once, however often it is sent, so a call whose answer was lost is simply made again. The answer comes after everything accepted is durable, with a verdict for each event. One event that is rejected is answered 422; a batch is answered 200 whatever its verdicts are.",
        body: Some(Body {
            forms: &[
                ("application/cloudevents+json", shape::<UsageEvent>, EVENT),
                ("application/cloudevents-batch+json", batch, BATCH),
            ],
            is_required: true,
        }),
        answer: Answer {
            status: 200,
            about: "A verdict for each event.",
            shape: Some((shape::<UsageAnswer<'_>>, VERDICTS)),
        },
        problems: &[(415, &["unsupported_media_type"])],
        ..PLAIN
    },
    Call {
        path: "/api/v1/metering",
        id: "listRecords",
        group: "Usage",
        scope: Scope::MeteringRead,
        summary: "List metering records",
        about: "In the order of their windows, each with what became of it at the marketplace.",
        query: &[
            Query { name: "from", about: "Windows that begin at this moment or later.", schema: moment },
            Query { name: "until", about: "Windows that begin before this moment.", schema: moment },
            Query {
                name: "state",
                about: "Only records in this state.",
                schema: || json!({ "type": "string", "enum": State::ALL.map(State::as_str) }),
            },
            Query { name: "organization", about: "Only records of this organization.", schema: text },
            AFTER,
            LIMIT,
        ],
        answer: page(shape::<List<Record>>, RECORDS),
        ..PLAIN
    },
    Call {
        path: "/api/v1/organizations",
        id: "listOrganizations",
        group: "Organizations",
        scope: Scope::OrganizationsRead,
        summary: "List organizations",
        about: "In the order of their ids, so that a cursor never skips one.",
        query: &[AFTER, LIMIT],
        answer: page(shape::<List<Organization>>, ORGANIZATIONS),
        links: (FIRST, &["getOrganization"]),
        ..PLAIN
    },
    Call {
        path: "/api/v1/organizations/{id}",
        id: "getOrganization",
        group: "Organizations",
        scope: Scope::OrganizationsRead,
        summary: "Read an organization",
        about: "Whether it is frozen, and what it pays through.",
        answer: fine(shape::<Organization>, ORGANIZATION),
        problems: &[(404, &["organization"])],
        ..PLAIN
    },
    Call {
        path: "/api/v1/subscriptions",
        id: "listSubscriptions",
        group: "Subscriptions",
        scope: Scope::SubscriptionsRead,
        summary: "List subscriptions",
        about: "In the order in which they became known. Buyer accounts are masked unless the key also has `accounts:read`.",
        query: &[AFTER, LIMIT],
        answer: page(shape::<List<Subscription>>, SUBSCRIPTIONS),
        links: (FIRST, &["getSubscription"]),
        ..PLAIN
    },
    Call {
        path: "/api/v1/subscriptions/{id}",
        id: "getSubscription",
        group: "Subscriptions",
        scope: Scope::SubscriptionsRead,
        summary: "Read a subscription and its timeline",
        about: "The calls of the marketplace and the events, the newest first.",
        answer: fine(shape::<SubscriptionSeen>, SUBSCRIPTION),
        problems: &[(404, &["subscription"])],
        ..PLAIN
    },
    Call {
        method: "POST",
        path: "/api/v1/bindings/{id}/confirm",
        id: "confirmBinding",
        group: "Bindings",
        scope: Scope::BindingsWrite,
        summary: "Confirm a binding",
        about: "A second one changes nothing. One that comes too late is a conflict, and `binding.ended` tells you to undo what you did.",
        answer: fine(shape::<Outcome>, r#"{"id":"bnd_01kb2r5v9hf3t8m2q7w4x6y0za","state":"live"}"#),
        problems: &[(404, &["binding"]), (409, &["too_late", "not_asked"])],
        is_once: true,
        ..PLAIN
    },
    Call {
        method: "POST",
        path: "/api/v1/bindings/{id}/refuse",
        id: "refuseBinding",
        group: "Bindings",
        scope: Scope::BindingsWrite,
        summary: "Refuse a binding",
        about: "The buyer reads the reason, and may try again.",
        body: Some(Body { forms: &[(JSON, shape::<No>, r#"{"reason":"no contract yet"}"#)], is_required: false }),
        answer: fine(shape::<Outcome>, r#"{"id":"bnd_01kb2r5v9hf3t8m2q7w4x6y0za","state":"refused"}"#),
        problems: &[(404, &["binding"]), (409, &["decided", "not_asked"])],
        is_once: true,
        ..PLAIN
    },
    Call {
        method: "POST",
        path: "/api/v1/sessions/exchange",
        id: "exchangeCode",
        group: "Sessions",
        scope: Scope::SessionsExchange,
        summary: "Exchange a one-time code",
        about: "The button that opens your product leads there with a code, which works once and for a minute. Send it from your server, never from a browser. The same call again tells how things are by then: 410 once the session or the membership has ended.",
        body: Some(Body { forms: &[(JSON, shape::<Exchange>, r#"{"code":"mTQ0…"}"#)], is_required: true }),
        answer: fine(shape::<Entrant>, ENTRANT),
        problems: &[(410, &["code"])],
        is_once: true,
        ..PLAIN
    },
    Call {
        path: "/api/v1/events",
        id: "listEvents",
        group: "Events",
        scope: Scope::EventsRead,
        summary: "Read the feed",
        about: "Keep `next` and ask with it; nothing ever appears before a cursor that you have passed. The bodies are those of webhooks.",
        query: &[AFTER, LIMIT],
        answer: page(shape::<Feed>, EVENTS),
        ..PLAIN
    },
    Call {
        path: "/api/v1/webhooks",
        id: "listWebhooks",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "List webhooks",
        query: &[AFTER, LIMIT],
        answer: page(shape::<List<Webhook>>, WEBHOOKS),
        links: (FIRST, &["getWebhook"]),
        ..PLAIN
    },
    Call {
        method: "POST",
        path: "/api/v1/webhooks",
        id: "createWebhook",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Add a webhook",
        about: "It hears what happens from now on. The answer shows its secret, this once.",
        body: Some(Body {
            forms: &[(
                JSON,
                shape::<NewWebhook>,
                r#"{"url":"https://hooks.example.com/marketgate","types":["binding.*","order.paid"]}"#,
            )],
            is_required: true,
        }),
        answer: Answer {
            status: 201,
            about: "The webhook, with its secret.",
            shape: Some((shape::<WebhookWithSecret>, SECRET)),
        },
        problems: &[(409, &["too_many_webhooks"])],
        is_once: true,
        links: (MADE, &["getWebhook", "updateWebhook", "rotateWebhookSecret", "pingWebhook", "deleteWebhook"]),
        ..PLAIN
    },
    Call {
        path: "/api/v1/webhooks/{id}",
        id: "getWebhook",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Read a webhook",
        answer: fine(shape::<Webhook>, WEBHOOK),
        problems: &[(404, &["webhook"])],
        ..PLAIN
    },
    Call {
        method: "PATCH",
        path: "/api/v1/webhooks/{id}",
        id: "updateWebhook",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Change a webhook",
        about: "What is not named stays as it is. Disabled, it is sent nothing and loses nothing.",
        body: Some(Body { forms: &[(JSON, shape::<WebhookChange>, r#"{"enabled":false}"#)], is_required: true }),
        answer: fine(shape::<Webhook>, WEBHOOK),
        problems: &[(404, &["webhook"])],
        links: (MADE, &["getWebhook"]),
        ..PLAIN
    },
    Call {
        method: "DELETE",
        path: "/api/v1/webhooks/{id}",
        id: "deleteWebhook",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Remove a webhook",
        answer: Answer { status: 204, about: "It is gone.", shape: None },
        problems: &[(404, &["webhook"])],
        ..PLAIN
    },
    Call {
        method: "POST",
        path: "/api/v1/webhooks/{id}/rotate",
        id: "rotateWebhookSecret",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Give a webhook a new secret",
        about: "Shown this once. Both secrets sign until the overlap is over.",
        body: Some(Body { forms: &[(JSON, shape::<Rotation>, r#"{"overlap_secs":86400}"#)], is_required: false }),
        answer: fine(shape::<WebhookWithSecret>, SECRET),
        problems: &[(404, &["webhook"])],
        is_once: true,
        ..PLAIN
    },
    Call {
        method: "POST",
        path: "/api/v1/webhooks/{id}/ping",
        id: "pingWebhook",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Send a ping to a webhook",
        about: "Its delivery tells how it went.",
        answer: Answer { status: 202, about: "It is on its way.", shape: Some((shape::<Delivery>, DELIVERY)) },
        problems: &[(404, &["webhook"]), (409, &["webhook_disabled"])],
        is_once: true,
        links: (MADE, &["getDelivery", "redeliver"]),
        ..PLAIN
    },
    Call {
        path: "/api/v1/deliveries",
        id: "listDeliveries",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "List deliveries",
        about: "The newest first.",
        query: &[
            Query { name: "webhook", about: "Only to this webhook.", schema: text },
            Query {
                name: "state",
                about: "Only in this state; `dead` finds what was given up.",
                schema: || json!({ "type": "string", "enum": DELIVERY_STATES }),
            },
            AFTER,
            LIMIT,
        ],
        answer: page(shape::<List<Delivery>>, DELIVERIES),
        links: (FIRST, &["getDelivery"]),
        ..PLAIN
    },
    Call {
        path: "/api/v1/deliveries/{id}",
        id: "getDelivery",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Read a delivery",
        answer: fine(shape::<Delivery>, DELIVERY),
        problems: &[(404, &["delivery"])],
        ..PLAIN
    },
    Call {
        method: "POST",
        path: "/api/v1/deliveries/{id}/redeliver",
        id: "redeliver",
        group: "Webhooks",
        scope: Scope::WebhooksWrite,
        summary: "Deliver again",
        about: "One that has ended is sent again, one that waits is sent at once.",
        answer: Answer { status: 202, about: "It is on its way.", shape: Some((shape::<Delivery>, DELIVERY)) },
        problems: &[(404, &["delivery"]), (409, &["behind_another"])],
        is_once: true,
        ..PLAIN
    },
];
