//! `GET /api/docs`: the OpenAPI document as a page.

use std::sync::LazyLock;

use serde_json::Value;

use super::openapi;
use super::visit::{Page, Visit};
use crate::view::docs as pages;

pub async fn show(visit: Visit) -> Page {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
    let is_operator = visit.session.as_ref().is_some_and(|session| session.is_operator);
    let page = pages::Docs { is_operator, ..read(&DOCUMENT, &visit.app.config.public_url) };
    Ok(visit.html(|frame| pages::docs(frame, &page)))
}

/// The document as the page shows it.
fn read(document: &Value, origin: &str) -> pages::Docs {
    let about = text(&document["info"]["description"]);
    let groups = list(&document["tags"]).iter().map(|tag| pages::Group {
        name: text(&tag["name"]),
        about: text(&tag["description"]),
        calls: calls(document, &tag["name"], origin),
    });
    let shapes = document["components"]["schemas"].as_object().into_iter().flatten().map(|(name, schema)| {
        pages::Shape { name: name.clone(), about: text(&schema["description"]), fields: fields(schema) }
    });
    pages::Docs {
        version: text(&document["info"]["version"]),
        about: about.split("\n\n").map(str::to_owned).collect(),
        groups: groups.collect(),
        shapes: shapes.collect(),
        is_operator: false,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn calls(document: &Value, tag: &Value, origin: &str) -> Vec<pages::Call> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, told)| (path, method, told))
    });
    all.filter(|(_, _, told)| told["tags"][0] == *tag)
        .map(|(path, method, told)| call(path, method, told, origin))
        .collect()
}

fn call(path: &str, method: &str, told: &Value, origin: &str) -> pages::Call {
    let responses = told["responses"].as_object().into_iter().flatten();
    let (fine, wrong): (Vec<_>, Vec<_>) = responses.partition(|(status, _)| status.starts_with('2'));
    let (status, answer) =
        fine.first().map_or((String::new(), &Value::Null), |(status, answer)| ((*status).clone(), *answer));
    let bodies = bodies(&told["requestBody"]["content"]);
    pages::Call {
        id: text(&told["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&told["summary"]),
        about: text(&told["description"]),
        scope: text(&told["security"][0]["key"][0]),
        is_once: list(&told["parameters"]).iter().any(|one| one["name"] == "Idempotency-Key"),
        parameters: list(&told["parameters"]).iter().map(parameter).collect(),
        command: command(path, method, told, origin),
        bodies,
        answer: (status, text(&answer["description"])),
        answered: self::bodies(&answer["content"]).into_iter().next(),
        problems: wrong.into_iter().map(|(status, told)| (status.clone(), text(&told["description"]))).collect(),
    }
}

fn bodies(content: &Value) -> Vec<pages::Body> {
    content
        .as_object()
        .into_iter()
        .flatten()
        .map(|(media, told)| pages::Body {
            media: media.clone(),
            kind: kind(&told["schema"]),
            example: serde_json::to_string_pretty(&told["example"]).unwrap_or_default(),
        })
        .collect()
}

fn parameter(told: &Value) -> pages::Field {
    pages::Field {
        name: text(&told["name"]),
        place: text(&told["in"]),
        kind: kind(&told["schema"]),
        is_required: told["required"] == true,
        about: text(&told["description"]),
    }
}

fn fields(schema: &Value) -> Vec<pages::Field> {
    let required = list(&schema["required"]);
    let field = |(name, told): (&String, &Value)| pages::Field {
        name: name.clone(),
        place: String::new(),
        kind: kind(told),
        is_required: required.iter().any(|one| one == name.as_str()),
        about: text(&told["description"]),
    };
    schema["properties"].as_object().into_iter().flatten().map(field).collect()
}

/// A command that makes the call, with the example of its body.
fn command(path: &str, method: &str, told: &Value, origin: &str) -> String {
    let place = list(&told["parameters"]).iter().find(|one| one["in"] == "path");
    let path =
        place.map_or_else(|| path.to_owned(), |one| path.replace("{id}", one["example"].as_str().unwrap_or("{id}")));
    let mut lines = vec![format!("curl {origin}{path}")];
    let content = told["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
    match method {
        "get" => {}
        "post" if content.is_some() => {}
        other => lines[0] = format!("curl -X {} {origin}{path}", other.to_uppercase()),
    }
    lines.push("  -H 'Authorization: Bearer mg_live_…'".to_owned());
    if let Some((media, body)) = content {
        lines.push(format!("  -H 'Content-Type: {media}'"));
        lines.push(format!("  -d '{}'", body["example"]));
    }
    lines.join(" \\\n")
}

/// A schema in a few words, with the shape that it names.
fn kind(schema: &Value) -> pages::Kind {
    let of = |text: String| pages::Kind { text, shape: None };
    if let Some(reference) = schema["$ref"].as_str() {
        return pages::Kind { text: String::new(), shape: reference.rsplit('/').next().map(str::to_owned) };
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = list(&schema[several]).first() {
            let is_optional = list(&schema[several]).iter().any(|one| one["type"] == "null");
            let found = kind(first);
            return if is_optional { pages::Kind { text: join(&found.text, "or null:"), ..found } } else { found };
        }
    }
    let choices: Vec<String> = list(&schema["enum"]).iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
    if !choices.is_empty() {
        return of(if choices.len() > 12 { "string".to_owned() } else { choices.join(" | ") });
    }
    if let Some(exact) = schema.get("const") {
        return of(exact.as_str().map_or_else(|| exact.to_string(), str::to_owned));
    }
    if schema["type"] == "array" {
        let inner = kind(&schema["items"]);
        return pages::Kind { text: join("list of", &inner.text), ..inner };
    }
    let names = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    };
    of(if schema["format"] == "date-time" { names.replace("string", "date-time") } else { names })
}

fn join(a: &str, b: &str) -> String {
    format!("{a} {b}").trim().to_owned()
}
