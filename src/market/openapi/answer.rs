//! Answers: writing them in JSON and XML, and reading both.
//!
//! XML is what the `OpenAPI` speaks unless it is told otherwise: one root element named after the operation (or `Error`),
//! an element per field, a repeated element for a list. It has texts only; JSON has numbers and booleans too.

use std::fmt::Write;

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value, json};

use super::Format;
use super::verify::Rejected;

/// Deepest nesting of an answer that is read.
const MAX_DEPTH: usize = 32;
/// Most elements and texts of an XML answer that is read.
const MAX_NODES: u32 = 100_000;

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub request_id: Option<String>,
    /// The error's code; operations that succeeded have none, or one that says so (`200`, `OK`, `Success`).
    pub code: Option<String>,
    pub message: Option<String>,
    /// Every field. From XML: texts, objects and lists only.
    pub fields: Value,
}

impl Answer {
    /// Reads a body in either language; `None` if it is in neither.
    #[must_use]
    pub fn read(body: &str) -> Option<Self> {
        let body = body.trim_start_matches('\u{feff}').trim();
        let fields = if body.starts_with('<') { read_xml(body)? } else { serde_json::from_str(body).ok()? };
        let object: &Map<String, Value> = fields.as_object()?;
        let text = |name: &str| match object.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        Some(Self { request_id: text("RequestId"), code: text("Code"), message: text("Message"), fields })
    }

    /// The code, if it names an error.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        let is_error = |code: &&str| !["200", "ok", "success"].iter().any(|good| code.eq_ignore_ascii_case(good));
        self.code.as_deref().filter(is_error)
    }

    /// Whether it says `Success` (true, as a boolean or a text) and names no error.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let says_so = match &self.fields["Success"] {
            Value::Bool(is_success) => *is_success,
            Value::String(text) => text.eq_ignore_ascii_case("true"),
            _ => false,
        };
        says_so && self.error().is_none()
    }
}

impl Format {
    /// The `Content-Type` of an answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Xml => "text/xml;charset=utf-8",
        }
    }

    /// The body of a successful answer to `action`; `fields` is an object and has its `RequestId` already.
    #[must_use]
    pub fn success(self, action: &str, fields: &Value) -> String {
        self.write(&format!("{action}Response"), fields)
    }

    /// The body of an error.
    #[must_use]
    pub fn error(self, request_id: &str, host: &str, code: &str, message: &str) -> String {
        self.write("Error", &json!({ "RequestId": request_id, "HostId": host, "Code": code, "Message": message }))
    }

    fn write(self, root: &str, fields: &Value) -> String {
        match self {
            Self::Json => fields.to_string(),
            Self::Xml => {
                let mut text = "<?xml version='1.0' encoding='UTF-8'?>".to_owned();
                write_xml(&mut text, root, fields);
                text
            }
        }
    }
}

impl Rejected {
    /// The body of the answer that says so, in the caller's language.
    #[must_use]
    pub fn body(&self, request_id: &str, host: &str) -> String {
        self.format.error(request_id, host, self.code, &self.message)
    }
}

/// Appends `<name>…</name>`; a list repeats the element, nothing at all is written for null.
fn write_xml(into: &mut String, name: &str, value: &Value) {
    if let Value::Array(list) = value {
        for one in list {
            write_xml(into, name, one);
        }
        return;
    }
    if value.is_null() {
        return;
    }
    let name = element_name(name);
    // Writing to a String cannot fail.
    let _ = write!(into, "<{name}>");
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                write_xml(into, name, value);
            }
        }
        Value::String(text) => escape_xml(into, text),
        other => escape_xml(into, &other.to_string()),
    }
    let _ = write!(into, "</{name}>");
}

/// A field's name as an element's: what no element may be called becomes `_`.
fn element_name(name: &str) -> String {
    let mut name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}

fn escape_xml(into: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            // A reader would make a line feed of it.
            '\r' => into.push_str("&#13;"),
            '\t' | '\n' => into.push(c),
            // Not even as references are these allowed.
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => into.push('\u{fffd}'),
            _ => into.push(c),
        }
    }
}

fn read_xml(text: &str) -> Option<Value> {
    // Document types stay forbidden, and with them entities that grow.
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let fields = read_element(document.root_element(), MAX_DEPTH)?;
    // An element with neither fields nor text cannot say which of the two it lacks; an answer has fields.
    if fields == "" { Some(Value::Object(Map::new())) } else { Some(fields) }
}

fn read_element(element: Node<'_, '_>, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut fields = Map::new();
    for child in element.children().filter(Node::is_element) {
        let value = read_element(child, depth)?;
        match fields.get_mut(child.tag_name().name()) {
            None => {
                fields.insert(child.tag_name().name().to_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    if fields.is_empty() {
        let text: String = element.children().filter_map(|child| child.text()).collect();
        return Some(Value::String(text));
    }
    Some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_push_is_answered_in_both_languages() {
        let fields = json!({ "RequestId": "6EF60BEC", "Success": true });
        let json = Format::Json.success("PushMeteringData", &fields);
        let xml = Format::Xml.success("PushMeteringData", &fields);
        assert_eq!(json, r#"{"RequestId":"6EF60BEC","Success":true}"#);
        assert_eq!(
            xml,
            "<?xml version='1.0' encoding='UTF-8'?><PushMeteringDataResponse><RequestId>6EF60BEC</RequestId><Success>true</Success></PushMeteringDataResponse>"
        );
        for body in [json, xml] {
            let answer = Answer::read(&body).unwrap();
            assert_eq!(answer.request_id.as_deref(), Some("6EF60BEC"));
            assert!(answer.is_success());
            assert_eq!((answer.code, answer.message), (None, None));
        }
    }

    #[test]
    fn an_error_is_read_in_both_languages() {
        for format in [Format::Json, Format::Xml] {
            let body = format.error("1", "h", "Invalid.Parameter", "<中> & \"so\"");
            let answer = Answer::read(&body).unwrap();
            assert_eq!(answer.error(), Some("Invalid.Parameter"));
            assert_eq!(answer.message.as_deref(), Some("<中> & \"so\""));
            assert!(!answer.is_success());
        }
        let rejected = Rejected::nonce_used(Format::Xml);
        assert_eq!(Answer::read(&rejected.body("r", "h")).unwrap().error(), Some("SignatureNonceUsed"));
    }

    #[test]
    fn success_needs_the_word_and_no_error() {
        for (body, is_success) in [
            (r#"{"Success":"true","Code":"200"}"#, true),
            (r#"{"Success":true,"Code":"OK"}"#, true),
            (r#"{"Success":true,"Code":"UnknownError"}"#, false),
            (r#"{"Success":false}"#, false),
            (r#"{"Success":"False"}"#, false),
            (r#"{"RequestId":"1"}"#, false),
            ("<R/>", false),
        ] {
            assert_eq!(Answer::read(body).unwrap().is_success(), is_success, "{body}");
        }
        for unreadable in
            ["", "null", "[]", "true", "<html><p>502", "502 Bad Gateway", "<a>text</a>", "<!DOCTYPE a []><a/>"]
        {
            assert_eq!(Answer::read(unreadable), None, "{unreadable}");
        }
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        assert_eq!(Answer::read(&deep), None);
    }

    #[test]
    fn lists_and_objects_survive_xml() {
        let fields = json!({
            "InstanceIds": { "InstanceId": ["1", "2"] },
            "Order": { "Id": "7", "Empty": "", "Gone": null },
            "1 odd/name": "x",
        });
        let xml = Format::Xml.success("DescribeOrderForIsv", &fields);
        let read = Answer::read(&xml).unwrap().fields;
        assert_eq!(
            read,
            json!({ "InstanceIds": { "InstanceId": ["1", "2"] }, "Order": { "Id": "7", "Empty": "" }, "_1_odd_name": "x" })
        );
    }

    proptest! {
        #[test]
        fn texts_survive_both_languages(text in "([&<>\"'\r\n\t]|\\PC){1,30}", name in "[A-Za-z_][A-Za-z0-9_.-]{0,10}") {
            let fields = json!({ &name: &text });
            for format in [Format::Json, Format::Xml] {
                let read = Answer::read(&format.success("A", &fields)).unwrap();
                prop_assert_eq!(&read.fields, &fields);
            }
        }

        #[test]
        fn whatever_is_written_is_well_formed(text: String, name: String) {
            let xml = Format::Xml.success("A", &json!({ name: text }));
            prop_assert!(Answer::read(&xml).is_some(), "{}", xml);
        }

        #[test]
        fn any_body_is_read_without_panic(body in "([<>/&;\"{}\\[\\]:,]|Code|Success|true|a|.){0,40}") {
            let _ = Answer::read(&body).map(|answer| answer.is_success());
        }
    }
}
