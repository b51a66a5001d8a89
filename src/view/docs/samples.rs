//! The description of the API, for snapshots and for looking at it.

use maud::Markup;

use super::{Body, Call, Docs, Field, Group, Kind, Shape};
use crate::view::frame::Frame;
use crate::view::samples::Said;

pub(in super::super) fn pages(_: &Said, anyone: &Frame) -> Vec<(&'static str, Markup)> {
    let text = |text: &str| Kind { text: text.into(), shape: None };
    let shape = |name: &str| Kind { text: String::new(), shape: Some(name.into()) };
    let call = Call {
        id: "createWebhook".into(),
        method: "POST".into(),
        path: "/api/v1/webhooks".into(),
        summary: "Add a webhook".into(),
        about: "It hears what happens from now on. The answer shows its `secret`, this once.".into(),
        scope: "webhooks:write".into(),
        is_once: true,
        parameters: vec![Field {
            name: "Idempotency-Key".into(),
            place: "header".into(),
            kind: text("string"),
            is_required: false,
            about: "Chosen by the caller: the same call again is answered as the first time.".into(),
        }],
        bodies: vec![Body { media: "application/json".into(), kind: shape("NewWebhook"), example: String::new() }],
        answer: ("201".into(), "The webhook, with its secret.".into()),
        answered: Some(Body {
            media: "application/json".into(),
            kind: shape("NewWebhook"),
            example: "{\n  \"id\": \"whk_01\",\n  \"secret\": \"whsec_…\"\n}".into(),
        }),
        problems: vec![("401".into(), "`sign_in_needed`".into()), ("409".into(), "`too_many_webhooks`".into())],
        command: "curl https://gate.example.com/api/v1/webhooks \\\n  -H 'Authorization: Bearer mg_live_…' \\\n  -d '{\"url\":\"https://hooks.example.com/\"}'".into(),
    };
    let gone = Call {
        id: "deleteWebhook".into(),
        method: "DELETE".into(),
        path: "/api/v1/webhooks/{id}".into(),
        summary: "Remove a webhook".into(),
        about: String::new(),
        is_once: false,
        parameters: vec![],
        bodies: vec![],
        answer: ("204".into(), "It is gone.".into()),
        answered: None,
        ..call.clone()
    };
    let docs = Docs {
        version: "0.1.0".into(),
        about: vec!["Every call takes a key. **Errors** have a `code`.".into()],
        groups: vec![Group {
            name: "Webhooks".into(),
            about: "Where events are sent, and how that went.".into(),
            calls: vec![call, gone],
        }],
        shapes: vec![Shape {
            name: "NewWebhook".into(),
            about: "A webhook that is added.".into(),
            fields: vec![Field {
                name: "url".into(),
                place: String::new(),
                kind: text("string"),
                is_required: true,
                about: "https, and on a public address.".into(),
            }],
        }],
        is_operator: true,
    };
    vec![("docs", super::docs(anyone, &docs))]
}
