//! A browser's way through a login-free link: cookies, redirects, and the form of a page that only passes on.
//!
//! It stays on the site that the link names: a redirect to another site ends the way, and says where it would lead.

use scraper::{Html, Selector};
use url::{Origin, Url};

use super::judge::{Exchange, Landed};
use super::wire::{Address, header};
use crate::outbound::{Answer, Outbound};

/// Addresses that are followed at most.
const MAX_STEPS: usize = 10;
/// Forms of a page that only passes on say none of these in their address.
const LEAVING: [&str; 4] = ["logout", "signout", "sign-out", "sign_out"];

/// What a fresh browser saw.
pub struct Way {
    pub landed: Landed,
    /// Every request and answer, the first one first.
    pub exchanges: Vec<Exchange>,
}

struct Form {
    action: Url,
    fields: Vec<(String, String)>,
    /// The page keeps its address from everybody, and so a browser keeps the origin too: it says `null`.
    is_private: bool,
}

/// Opens a link in a browser that has never been there.
pub fn open(outbound: &Outbound, link: &Address) -> Way {
    let mut way = Way { landed: Landed::default(), exchanges: Vec::new() };
    let Ok(first) = Url::parse(&link.url) else {
        way.exchanges.push(Exchange { request: format!("GET {}", link.shown), ..Exchange::default() });
        return way;
    };
    let site = first.origin();
    let mut cookies: Vec<(String, String)> = Vec::new();
    let (mut url, mut form, mut has_submitted) = (first, None::<Form>, false);
    for step in 0..MAX_STEPS {
        let started = std::time::Instant::now();
        let (method, answer) = match &form {
            Some(form) => ("POST", submit(outbound, form, &site, &cookies)),
            None => ("GET", outbound.get(url.as_str(), &[("accept", "text/html"), ("cookie", &cookie_text(&cookies))])),
        };
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let shown = if step == 0 { link.shown.clone() } else { place(&url) };
        let request = format!("{method} {shown}");
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => {
                way.exchanges.push(Exchange { request, body: failure.to_string(), took_ms, ..Exchange::default() });
                way.landed = Landed { place: place(&url), ..Landed::default() };
                return way;
            }
        };
        keep_cookies(&mut cookies, &answer);
        let title = title(&answer.body);
        way.landed = Landed {
            status: Some(answer.status),
            place: place(&url),
            is_error: is_error(&answer.body),
            is_led: step > 0,
            title: title.clone(),
        };
        let content_type = header(&answer, "content-type").to_owned();
        let is_page = content_type.starts_with("text/html");
        let body = if is_page { title } else { answer.body.clone() };
        way.exchanges.push(Exchange { request, status: Some(answer.status), content_type, body, took_ms });
        form = None;
        if let Some(next) = redirect(&url, &answer) {
            if next.origin() != site {
                way.landed.place = place(&next);
                way.landed.is_led = true;
                return way;
            }
            url = next;
        } else if answer.status < 300
            && !has_submitted
            && let Some(mut found) = passing_form(&url, &answer.body).filter(|form| form.action.origin() == site)
        {
            found.is_private |= is_private(header(&answer, "referrer-policy"));
            has_submitted = true;
            url = found.action.clone();
            form = Some(found);
        } else {
            return way;
        }
    }
    way
}

fn submit(
    outbound: &Outbound,
    form: &Form,
    site: &Origin,
    cookies: &[(String, String)],
) -> Result<Answer, crate::outbound::Failure> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    let origin = if form.is_private { "null".to_owned() } else { site.ascii_serialization() };
    let headers = [
        ("accept", "text/html"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", &origin),
        ("cookie", &cookie_text(cookies)),
    ];
    outbound.post(form.action.as_str(), &headers, body.as_bytes())
}

fn cookie_text(cookies: &[(String, String)]) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn keep_cookies(cookies: &mut Vec<(String, String)>, answer: &Answer) {
    for set in answer.headers.get_all("set-cookie") {
        let Some((name, value)) = set.to_str().ok().and_then(|text| text.split(';').next()?.split_once('=')) else {
            continue;
        };
        cookies.retain(|(known, _)| known != name.trim());
        cookies.push((name.trim().to_owned(), value.trim().to_owned()));
    }
}

/// Without query and fragment, which may hold secrets.
fn place(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

fn redirect(from: &Url, answer: &Answer) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    from.join(header(answer, "location")).ok()
}

fn css(selector: &str) -> Option<Selector> {
    Selector::parse(selector).ok()
}

/// Of the policies of a list the last one counts.
fn is_private(referrer_policy: &str) -> bool {
    referrer_policy.rsplit(',').next().is_some_and(|policy| policy.trim().eq_ignore_ascii_case("no-referrer"))
}

/// Title and first heading.
fn title(body: &str) -> String {
    let document = Html::parse_document(body);
    let text = |selector| {
        let found = css(selector).and_then(|selector| document.select(&selector).next())?;
        let text = found.text().collect::<String>();
        Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
    };
    [text("title"), text("h1")].into_iter().flatten().collect::<Vec<_>>().join(" / ")
}

/// JSON that speaks of an error.
fn is_error(body: &str) -> bool {
    let Ok(serde_json::Value::Object(body)) = serde_json::from_str(body) else { return false };
    let says_no = |value: &serde_json::Value| {
        value.as_bool() == Some(false) || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("false"))
    };
    body.contains_key("error") || body.get("success").is_some_and(says_no)
}

/// The only form of a page, if nobody has anything to fill in: such a page submits itself, so that previews and
/// scanners, which fetch links, do not spend them.
fn passing_form(page: &Url, body: &str) -> Option<Form> {
    let document = Html::parse_document(body);
    let (forms, fields) = (css("form")?, css("input, select, textarea")?);
    let mut found = document.select(&forms);
    let form = found.next().filter(|form| form.attr("method").is_some_and(|m| m.eq_ignore_ascii_case("post")))?;
    if found.next().is_some() {
        return None;
    }
    let action = page.join(form.attr("action").unwrap_or_default()).ok()?;
    if LEAVING.iter().any(|word| action.path().contains(word)) {
        return None;
    }
    let mut pairs = Vec::new();
    for field in form.select(&fields) {
        match field.attr("type") {
            Some("hidden") => pairs.push((
                field.attr("name").unwrap_or_default().to_owned(),
                field.attr("value").unwrap_or_default().to_owned(),
            )),
            Some("submit" | "button") => {}
            _ => return None,
        }
    }
    let said = css("meta[name=referrer i]").and_then(|selector| document.select(&selector).next());
    let is_private = said.is_some_and(|meta| is_private(meta.attr("content").unwrap_or_default()));
    Some(Form { action, fields: pairs, is_private })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_a_page_that_asks_nothing_is_passed() {
        let page = Url::parse("https://a.example.com/in?token=1").unwrap();
        let form = |body: &str| passing_form(&page, body).map(|form| (form.action.to_string(), form.fields));
        let hidden = "<input type=hidden name=a value=1><button>Go</button></form>";
        assert_eq!(
            form(&format!("<form method=post action=/enter>{hidden}")),
            Some(("https://a.example.com/enter".into(), vec![("a".into(), "1".into())]))
        );
        for other in [
            "<form action=/enter><input type=hidden name=a></form>".to_owned(),
            "<form method=post><input name=user></form>".to_owned(),
            format!("<form method=post action=/logout>{hidden}"),
            format!("<form method=post>{hidden}<form method=post>{hidden}"),
            "no form".to_owned(),
        ] {
            assert_eq!(form(&other), None, "{other}");
        }
    }

    #[test]
    fn a_page_that_keeps_its_address_keeps_its_origin() {
        let page = Url::parse("https://a.example.com/in?token=1").unwrap();
        let form = "<form method=post><button>Go</button></form>";
        for (meta, told) in [("no-referrer", true), ("same-origin", false)] {
            let body = format!("<meta name=Referrer content={meta}>{form}");
            assert_eq!(passing_form(&page, &body).unwrap().is_private, told, "{meta}");
        }
        for (policy, told) in [("", false), ("strict-origin, No-Referrer", true), ("no-referrer, origin", false)] {
            assert_eq!(is_private(policy), told, "{policy}");
        }
    }

    #[test]
    fn pages_are_known_by_title_and_heading_and_errors_by_their_json() {
        assert_eq!(title("<title> A\n b</title><h1>C <b>d</b></h1><h1>e</h1>"), "A b / C d");
        assert_eq!(title(r#"{"error":"no"}"#), "");
        for (body, told) in [
            (r#"{"error":"Invalid token"}"#, true),
            (r#"{"success":"False"}"#, true),
            (r#"{"success":true}"#, false),
            ("error", false),
        ] {
            assert_eq!(is_error(body), told, "{body}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_query() {
        for (url, shown) in [("http://a/b?code=1#x", "http://a/b"), ("http://a/b", "http://a/b")] {
            assert_eq!(place(&Url::parse(url).unwrap()), shown);
        }
    }
}
