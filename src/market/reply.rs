//! What is answered to a lifecycle call, and how the marketplace's side reads it.
//!
//! Writers say exactly one thing; readers accept what real implementations are known to answer: `"success"` as text or
//! boolean, `"0"` or `0` for "not ready", errors under HTTP 200. The marketplace does not document error bodies; ours
//! are `{"error": code}` under a fitting status, which no reader can take for a success.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::{Malformed, Refused};

/// An answer: an HTTP status and a JSON body (`application/json`, UTF-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

/// A provisioned instance, as the buyer's console will show it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    pub instance_id: String,
    pub app_info: AppInfo,
    /// Machine data (`name`, `ip`, …); the gateway has none, other sellers may.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub host_info: Map<String, Value>,
    /// Free texts shown to the buyer, by their captions.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub info: Map<String, Value>,
}

/// Addresses and the first account. The listing's self-test wants all but `auth_url` to be non-empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// Where the product is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub front_end_url: Option<String>,
    /// Where it is administered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Where the login-free link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
}

/// An answer to createInstance as the marketplace's side takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateReply {
    Ready(Box<Created>),
    /// Id `0`, an error, or nothing that can be read: ask again.
    NotReady,
}

impl Reply {
    fn ok(body: String) -> Self {
        Self { status: 200, body }
    }

    fn error(status: u16, code: &str, parameter: Option<&str>) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            parameter: Option<&'a str>,
        }
        Self { status, body: super::json_text(&Body { error: code, parameter }) }
    }

    /// createInstance: here it is. The same for every repetition.
    #[must_use]
    pub fn created(created: &Created) -> Self {
        Self::ok(super::json_text(created))
    }

    /// createInstance: not yet, or failed; the marketplace asks again, at most 120 times.
    #[must_use]
    pub fn not_ready() -> Self {
        Self::ok(r#"{"instanceId":"0"}"#.to_owned())
    }

    /// Every other action: done (or done before), or not.
    #[must_use]
    pub fn success(is_done: bool) -> Self {
        Self::ok(if is_done { r#"{"success":true}"# } else { r#"{"success":false}"# }.to_owned())
    }

    /// The token is missing or wrong.
    #[must_use]
    pub fn invalid_token() -> Self {
        Self::error(403, "invalid_token", None)
    }

    /// The call cannot be read.
    #[must_use]
    pub fn malformed(why: Malformed) -> Self {
        let (status, parameter) = match why {
            Malformed::QueryTooLong => (414, None),
            Malformed::TooLarge => (413, None),
            Malformed::InvalidUtf8 => (400, None),
            Malformed::Repeated(name) => (400, Some(name)),
        };
        Self::error(status, why.code(), parameter)
    }

    /// The call is signed but asks for nothing that we understand. Not a success, so that nothing is silently lost.
    #[must_use]
    pub fn refused(why: Refused) -> Self {
        Self::error(400, why.code, why.parameter)
    }

    /// Only GET and POST are spoken here.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::error(405, "method_not_allowed", None)
    }

    /// The write queue is full: nothing happened, ask again (rule B4).
    #[must_use]
    pub fn busy() -> Self {
        Self::error(503, "busy", None)
    }

    /// Our fault: nothing happened, ask again.
    #[must_use]
    pub fn internal() -> Self {
        Self::error(500, "internal", None)
    }
}

/// Reads an answer to createInstance. Whatever cannot be read, has no id, or has the id `"0"` or `0` is not ready.
#[must_use]
pub fn read_create(body: &str) -> CreateReply {
    let Ok(Value::Object(mut body)) = serde_json::from_str(body) else { return CreateReply::NotReady };
    let instance_id = body.get("instanceId").and_then(plain).unwrap_or_default();
    if matches!(instance_id.as_str(), "" | "0") {
        return CreateReply::NotReady;
    }
    let mut part = |name: &str| match body.remove(name) {
        Some(Value::Object(part)) => part,
        _ => Map::new(),
    };
    let app = part("appInfo");
    let app_text = |name: &str| app.get(name).and_then(plain);
    CreateReply::Ready(Box::new(Created {
        instance_id,
        app_info: AppInfo {
            front_end_url: app_text("frontEndUrl"),
            admin_url: app_text("adminUrl"),
            username: app_text("username"),
            password: app_text("password"),
            auth_url: app_text("authUrl"),
        },
        host_info: part("hostInfo"),
        info: part("info"),
    }))
}

/// Reads an answer to any other action: done only if it says so, as `true` or the text `"true"`.
#[must_use]
pub fn read_success(body: &str) -> bool {
    match serde_json::from_str::<Value>(body).ok().as_ref().and_then(|body| body.get("success")) {
        Some(Value::Bool(is_done)) => *is_done,
        Some(Value::String(text)) => text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A text or number as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn created() -> Created {
        Created {
            instance_id: "12345".into(),
            app_info: AppInfo {
                front_end_url: Some("https://app.example.com/".into()),
                admin_url: Some("https://app.example.com/admin".into()),
                username: Some("admin".into()),
                password: Some("见说明".into()),
                auth_url: Some("https://app.example.com/login".into()),
            },
            host_info: Map::new(),
            info: Map::from_iter([("说明".to_owned(), Value::from("…"))]),
        }
    }

    #[test]
    fn a_purchase_is_answered_in_the_marketplaces_words() {
        let reply = Reply::created(&created());
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.body,
            r#"{"instanceId":"12345","appInfo":{"frontEndUrl":"https://app.example.com/","adminUrl":"https://app.example.com/admin","username":"admin","password":"见说明","authUrl":"https://app.example.com/login"},"info":{"说明":"…"}}"#
        );
        assert_eq!(read_create(&reply.body), CreateReply::Ready(Box::new(created())));
        assert_eq!(read_create(&Reply::not_ready().body), CreateReply::NotReady);
        assert!(read_success(&Reply::success(true).body));
        assert!(!read_success(&Reply::success(false).body));
    }

    #[test]
    fn an_error_is_never_taken_for_a_success() {
        let errors = [
            (Reply::invalid_token(), 403, r#"{"error":"invalid_token"}"#),
            (Reply::malformed(Malformed::QueryTooLong), 414, r#"{"error":"oversized"}"#),
            (Reply::malformed(Malformed::TooLarge), 413, r#"{"error":"oversized"}"#),
            (Reply::malformed(Malformed::InvalidUtf8), 400, r#"{"error":"invalid_utf8"}"#),
            (
                Reply::malformed(Malformed::Repeated("token")),
                400,
                r#"{"error":"repeated_parameter","parameter":"token"}"#,
            ),
            (
                Reply::refused(Refused { code: "missing_parameter", parameter: Some("aliUid") }),
                400,
                r#"{"error":"missing_parameter","parameter":"aliUid"}"#,
            ),
            (Reply::method_not_allowed(), 405, r#"{"error":"method_not_allowed"}"#),
            (Reply::busy(), 503, r#"{"error":"busy"}"#),
            (Reply::internal(), 500, r#"{"error":"internal"}"#),
        ];
        for (reply, status, body) in errors {
            assert_eq!((reply.status, reply.body.as_str()), (status, body));
            assert_eq!(read_create(&reply.body), CreateReply::NotReady);
            assert!(!read_success(&reply.body));
        }
    }

    #[test]
    fn answers_of_other_sellers_are_read_as_they_mean_it() {
        for body in [r#"{"success":true}"#, r#"{"success":"true"}"#, r#"{"success":"True","x":1}"#] {
            assert!(read_success(body), "{body}");
        }
        for body in
            ["", "true", "null", "[]", r#"{"success":"False"}"#, r#"{"success":"yes"}"#, r#"{"success":1}"#, "{}"]
        {
            assert!(!read_success(body), "{body}");
        }
        for body in
            ["", "<html>", "0", "[]", "{}", r#"{"instanceId":0}"#, r#"{"instanceId":" 0 "}"#, r#"{"instanceId":""}"#]
        {
            assert_eq!(read_create(body), CreateReply::NotReady, "{body}");
        }
        let loose =
            r#"{"instanceId":77,"appInfo":{"username":1,"password":null},"hostInfo":{"ip":"::1"},"info":"text"}"#;
        let CreateReply::Ready(read) = read_create(loose) else { panic!("{loose}") };
        assert_eq!((read.instance_id.as_str(), read.app_info.username.as_deref()), ("77", Some("1")));
        assert_eq!(read.app_info.password, None);
        assert_eq!(read.host_info["ip"], "::1");
        assert!(read.info.is_empty());
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_panic(body in "([{}\\[\\]\",:]|success|instanceId|true|0|.){0,40}") {
            let _ = (read_create(&body), read_success(&body));
        }
    }
}
