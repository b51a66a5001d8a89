//! The OpenAPI document, made from the table of calls, the documents of the API and the route table. A test compares it
//! with the routes, and another one asks every call and compares the answers with it.

mod calls;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::web::Data;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::api::Api;
use super::shape::{Event, Problem};
use crate::app::{App, VERSION};
use crate::domain::api_key::Scope;

pub use calls::CALLS;

/// How a type says what it looks like.
type Shape = fn(&mut SchemaGenerator) -> Schema;

/// One call, as far as the types do not say it.
pub struct Call {
    pub method: &'static str,
    pub path: &'static str,
    /// Names it in programs that are made from the document.
    pub id: &'static str,
    pub group: &'static str,
    pub scope: Scope,
    pub summary: &'static str,
    pub about: &'static str,
    pub query: &'static [Query],
    pub body: Option<Body>,
    pub answer: Answer,
    /// Problems that other calls do not have: a status, and its codes.
    pub problems: &'static [(u16, &'static [&'static str])],
    /// The same call again with the same `Idempotency-Key` is answered as the first time.
    pub is_once: bool,
    /// Calls that go on with the `id` that was answered, and where it stands in the answer.
    pub links: (&'static str, &'static [&'static str]),
}

/// A parameter of a query.
pub struct Query {
    pub name: &'static str,
    pub about: &'static str,
    pub schema: fn() -> Value,
}

/// What is sent.
pub struct Body {
    /// Media types, each with its shape and an example.
    pub forms: &'static [(&'static str, Shape, &'static str)],
    pub is_required: bool,
}

/// What is answered if all is well.
pub struct Answer {
    pub status: u16,
    pub about: &'static str,
    /// `None`: no content.
    pub shape: Option<(Shape, &'static str)>,
}

/// The shape of a type that is answered or asked for.
fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The one path of the API that takes no key.
pub const PATH: &str = "/api/v1/openapi.json";

/// `GET /api/v1/openapi.json`
pub async fn show(_: Data<App>) -> Api {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    Ok(HttpResponse::Ok().content_type("application/json").body(TEXT.as_str()))
}

/// Schemas of the types, written where references look for them.
struct Shapes {
    answered: SchemaGenerator,
    asked: SchemaGenerator,
}

impl Shapes {
    fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into());
        Self {
            answered: settings().for_serialize().into_generator(),
            asked: settings().for_deserialize().into_generator(),
        }
    }

    fn all(mut self) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        all.extend(self.asked.take_definitions(true));
        all
    }
}

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let mut shapes = Shapes::new();
    let problem = shapes.answered.subschema_for::<Problem>();
    let event = shapes.answered.subschema_for::<Event>();
    let mut paths: Map<String, Value> = Map::new();
    for call in CALLS {
        let place = paths.entry(call.path).or_insert_with(|| json!({}));
        place[call.method.to_lowercase()] = operation(call, &mut shapes, &problem);
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Marketgate",
            "version": VERSION,
            "summary": "What the vendor's product asks of the gateway to the marketplace.",
            "description": ABOUT,
            "license": { "name": "see LICENSE of the distribution" },
        },
        "servers": [{ "url": "/" }],
        "tags": calls::GROUPS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect::<Vec<_>>(),
        "security": [{ "key": [] }],
        "paths": paths,
        "webhooks": { "event": { "post": webhook(&event) } },
        "components": {
            "securitySchemes": { "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "A key that an operator has made, `mg_live_…` or `mg_test_…`. Each call names the scope that the key needs.",
            } },
            "headers": headers(),
            "schemas": shapes.all(),
        },
    })
}

const ABOUT: &str = "Every call takes a key with its scope in `Authorization: Bearer …`.\n\n\
**Errors** are `application/problem+json` (RFC 9457) with a `code` for programs and the `request_id` that support needs.\n\n\
**Lists** answer `items` and `next`; ask again with `after=next` until `next` is null. `limit` is 100 unless said otherwise, and 1000 at most.\n\n\
**Repeating a POST**: with an `Idempotency-Key` of up to 255 characters the same call again is answered as the first time, for a day, and nothing happens twice. Another call with the same key is refused (422, `reused`).\n\n\
**Limits**: `RateLimit-Policy` and `RateLimit` say what is left to the key; 429 and 503 say in `Retry-After` when to come again.\n\n\
New fields, codes and event types may appear in version 1; what is there stays.";

fn headers() -> Value {
    let text = |about: &str| json!({ "description": about, "required": true, "schema": { "type": "string" } });
    json!({
        "RateLimit-Policy": text("The limit that applies, such as `\"api\";q=6000;w=60`: so many calls in so many seconds."),
        "RateLimit": text("What is left of it, such as `\"api\";r=5999;t=1`: so many calls, and seconds until all is left again."),
        "X-Request-Id": text("Names this request in logs."),
        "X-Marketgate-Version": { "description": "The gateway's version, told to whoever has a key.", "schema": { "type": "string" } },
        "Retry-After": { "description": "Seconds after which it is worth asking again.", "required": true, "schema": { "type": "integer", "minimum": 1 } },
        "WWW-Authenticate": text("`Bearer`"),
    })
}

/// References to headers that an answer carries.
fn carried(status: u16) -> Value {
    let mut names = vec!["X-Request-Id"];
    if status != 401 {
        names.push("X-Marketgate-Version");
    }
    if !matches!(status, 500 | 503) {
        names.extend(["RateLimit-Policy", "RateLimit"]);
    }
    if matches!(status, 429 | 503) {
        names.push("Retry-After");
    }
    if status == 401 {
        names.push("WWW-Authenticate");
    }
    names.into_iter().map(|name| (name, json!({ "$ref": format!("#/components/headers/{name}") }))).collect()
}

fn operation(call: &Call, shapes: &mut Shapes, problem: &Schema) -> Value {
    let mut told = json!({
        "operationId": call.id,
        "tags": [call.group],
        "summary": call.summary,
        "security": [{ "key": [call.scope.as_str()] }],
        "responses": responses(call, shapes, problem),
    });
    if !call.about.is_empty() {
        told["description"] = call.about.into();
    }
    let parameters = parameters(call);
    if !parameters.is_empty() {
        told["parameters"] = parameters.into();
    }
    if let Some(body) = &call.body {
        let content: Map<String, Value> = body
            .forms
            .iter()
            .map(|(media, shape, example)| {
                let schema = shape(&mut shapes.asked);
                ((*media).to_owned(), json!({ "schema": schema, "example": parsed(example) }))
            })
            .collect();
        told["requestBody"] = json!({ "required": body.is_required, "content": content });
    }
    told
}

/// An example that stands in the table. A test sees to it that each is JSON and fits its shape.
fn parsed(example: &str) -> Value {
    serde_json::from_str(example).unwrap_or_default()
}

fn parameters(call: &Call) -> Vec<Value> {
    let mut all = Vec::new();
    if call.path.contains("{id}") {
        let (about, example) = calls::id_of(call.path);
        all.push(json!({
            "name": "id", "in": "path", "required": true, "description": about, "example": example,
            "schema": { "type": "string", "minLength": 1 },
        }));
    }
    for query in call.query {
        all.push(json!({ "name": query.name, "in": "query", "description": query.about, "schema": (query.schema)() }));
    }
    if call.is_once {
        all.push(json!({
            "name": "Idempotency-Key", "in": "header",
            "description": "Chosen by the caller: the same call again is answered as the first time.",
            "schema": { "type": "string", "minLength": 1, "maxLength": super::api::MAX_KEY, "pattern": "^[!-~]+$" },
        }));
    }
    all
}

/// The problems that every call may answer, with those of this call and of its kind.
fn problems(call: &Call) -> Vec<(u16, Vec<&'static str>)> {
    let mut all: Vec<(u16, Vec<&'static str>)> = vec![
        (401, vec!["sign_in_needed"]),
        (403, vec!["scope"]),
        (429, vec!["too_many_requests"]),
        (500, vec!["internal"]),
        (503, vec!["busy"]),
    ];
    if call.body.is_some() {
        all.push((413, vec!["too_large"]));
    }
    if call.body.is_some() || call.is_once || !call.query.is_empty() {
        all.push((422, vec!["invalid"]));
    }
    all.extend(call.problems.iter().map(|(status, codes)| (*status, codes.to_vec())));
    all.sort_by_key(|(status, _)| *status);
    all
}

fn responses(call: &Call, shapes: &mut Shapes, problem: &Schema) -> Value {
    let answer = &call.answer;
    let mut all = Map::new();
    let mut fine = json!({ "description": answer.about, "headers": carried(answer.status) });
    if let Some((shape, example)) = &answer.shape {
        let schema = shape(&mut shapes.answered);
        fine["content"] = json!({ "application/json": { "schema": schema, "example": parsed(example) } });
    }
    let (place, links) = call.links;
    if !links.is_empty() {
        let id = format!("$response.body#{place}");
        let link = |name: &&str| ((*name).to_owned(), json!({ "operationId": name, "parameters": { "id": id } }));
        fine["links"] = links.iter().map(link).collect::<Map<_, _>>().into();
    }
    all.insert(answer.status.to_string(), fine);
    for (status, codes) in problems(call) {
        let about = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
        let schema = json!({ "allOf": [problem, { "properties": { "code": { "enum": codes }, "status": { "const": status } } }] });
        all.insert(
            status.to_string(),
            json!({
                "description": about,
                "headers": carried(status),
                "content": { "application/problem+json": { "schema": schema } },
            }),
        );
    }
    all.into()
}

/// What the gateway sends to the vendor's webhooks.
fn webhook(event: &Schema) -> Value {
    let header = |name: &str, about: &str| json!({ "name": name, "in": "header", "required": true, "description": about, "schema": { "type": "string" } });
    json!({
        "operationId": "receiveEvent",
        "tags": ["Webhooks"],
        "summary": "An event, as it is sent to your webhooks",
        "description": "Signed as Standard Webhooks describe it. Answer 2xx within ten seconds; anything else is tried again for days.",
        "security": [],
        "parameters": [
            header("webhook-id", "The same in every attempt."),
            header("webhook-timestamp", "Seconds since 1970."),
            header("webhook-signature", "`v1,…`, one for each secret in force."),
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": event } } },
        "responses": { "2XX": { "description": "It was taken." } },
    })
}
