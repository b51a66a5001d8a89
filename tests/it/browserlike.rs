//! A person without JavaScript: keeps cookies, follows redirects, fills the forms that pages show.

use std::collections::BTreeMap;
use std::sync::Mutex;

use scraper::{ElementRef, Html, Selector};

use crate::world::agent;

/// The public address of gateways that run as in production.
pub const PRODUCTION: &str = "https://gate.example.com";

pub struct Browser {
    origin: String,
    cookies: Mutex<BTreeMap<String, String>>,
    /// Sent with every request, such as `Accept-Language`.
    pub headers: Vec<(&'static str, String)>,
    agent: ureq::Agent,
}

/// What a request came to, redirects followed.
pub struct Page {
    pub status: u16,
    /// Path and query of the last address.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// The cookies that the last answer set, as sent.
    pub set_cookies: Vec<String>,
    pub html: String,
}

impl Page {
    pub fn document(&self) -> Html {
        Html::parse_document(&self.html)
    }

    pub fn h1(&self) -> String {
        self.texts("h1").first().cloned().unwrap_or_default()
    }

    /// The visible text of every match.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let document = self.document();
        document.select(&css(selector)).map(|element| text(&element)).collect()
    }

    /// An attribute of every match that has it.
    pub fn texts_of(&self, selector: &str, attribute: &str) -> Vec<String> {
        let document = self.document();
        document.select(&css(selector)).filter_map(|element| element.attr(attribute).map(str::to_owned)).collect()
    }

    pub fn has(&self, text: &str) -> bool {
        self.document().root_element().text().collect::<String>().contains(text)
    }

    /// The form that posts to `action`, filled with what the page put in.
    pub fn form(&self, action: &str) -> Form {
        self.find_form(action)
            .unwrap_or_else(|| panic!("no form for {action} on {} ({}): {}", self.path, self.status, self.h1()))
    }

    pub fn find_form(&self, action: &str) -> Option<Form> {
        let document = self.document();
        let form = document.select(&css("form[method=post]")).find(|form| form.attr("action") == Some(action))?;
        let mut fields = Vec::new();
        let mut add = |input: ElementRef<'_>| {
            let (Some(name), kind) = (input.attr("name"), input.attr("type").unwrap_or("text")) else { return };
            let is_choice = matches!(kind, "radio" | "checkbox");
            if input.attr("disabled").is_none() && (!is_choice || input.attr("checked").is_some()) {
                fields.push((
                    name.to_owned(),
                    input.attr("value").unwrap_or(if is_choice { "on" } else { "" }).to_owned(),
                ));
            }
        };
        form.select(&css("input")).for_each(&mut add);
        if let Some(id) = form.attr("id") {
            document.select(&css(&format!("input[form='{id}']"))).for_each(&mut add);
        }
        Some(Form { action: action.to_owned(), fields })
    }

    /// The value of the radio button whose label is this; `None` if it is disabled or absent.
    pub fn choice(&self, label: &str) -> Option<String> {
        let document = self.document();
        let id = document.select(&css("label")).find(|one| text(one) == label)?.attr("for")?.to_owned();
        let input = document.select(&css(&format!("input[id='{id}']"))).next()?;
        if input.attr("disabled").is_some() { None } else { input.attr("value").map(str::to_owned) }
    }
}

/// A form as a person fills it in.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Form {
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self
    }
}

impl Browser {
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), cookies: Mutex::default(), headers: Vec::new(), agent: agent() }
    }

    /// A second tab, or the same browser after a restart: what cookies keep.
    pub fn again(&self, origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            cookies: Mutex::new(self.cookies.lock().unwrap().clone()),
            headers: self.headers.clone(),
            agent: agent(),
        }
    }

    pub fn cookie_names(&self) -> Vec<String> {
        self.cookies.lock().unwrap().keys().cloned().collect()
    }

    /// Names and values of what it keeps.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().unwrap().clone()
    }

    pub fn get(&self, path: &str) -> Page {
        self.follow(self.step("GET", path, None))
    }

    /// One request, redirects not followed.
    pub fn get_only(&self, path: &str) -> Page {
        self.step("GET", path, None)
    }

    pub fn head(&self, path: &str) -> Page {
        self.step("HEAD", path, None)
    }

    pub fn submit(&self, form: &Form) -> Page {
        self.follow(self.submit_only(form))
    }

    pub fn submit_only(&self, form: &Form) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        self.step("POST", &form.action, Some(body))
    }

    /// Posts what no page offered.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.step("POST", path, Some(body))
    }

    /// Posts with a good token what no page offers to this person.
    pub fn force(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = self.get("/me").find_form("/logout").or_else(|| self.get("/login").find_form("/preferences"));
        let csrf = form.unwrap().fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
        self.post(path, &[fields, &[("csrf", csrf.as_str())]].concat())
    }

    fn follow(&self, mut page: Page) -> Page {
        for _ in 0..10 {
            let Some(location) = page.headers.get("location").filter(|_| (300..400).contains(&page.status)) else {
                return page;
            };
            let next = location.strip_prefix(&self.origin).unwrap_or(location).to_owned();
            if next.starts_with("http") {
                // Another site: the test looks at the address.
                page.path = next;
                return page;
            }
            page = self.step("GET", &next, None);
        }
        panic!("redirects without end at {}", page.path)
    }

    /// Where this browser believes to be: production has cookies for https, behind a proxy that these tests leave out.
    fn public_origin(&self) -> &str {
        let is_https = self.cookies.lock().unwrap().keys().any(|name| name.starts_with("__Host-"));
        if is_https { PRODUCTION } else { &self.origin }
    }

    fn step(&self, method: &str, path: &str, body: Option<String>) -> Page {
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.origin));
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut response = match body {
            Some(body) => {
                let mut request = request.header("content-type", "application/x-www-form-urlencoded");
                if !self.headers.iter().any(|(name, _)| *name == "origin") {
                    request = request.header("origin", self.public_origin());
                }
                let request = if self.headers.iter().any(|(name, _)| *name == "sec-fetch-site") {
                    request
                } else {
                    request.header("sec-fetch-site", "same-origin").header("sec-fetch-dest", "document")
                };
                self.agent.run(request.body(body).unwrap()).unwrap()
            }
            None => self.agent.run(request.body(()).unwrap()).unwrap(),
        };
        let set_cookies: Vec<String> =
            response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect();
        for cookie in &set_cookies {
            self.keep(cookie);
        }
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        Page {
            status: response.status().as_u16(),
            path: path.to_owned(),
            headers,
            set_cookies,
            html: response.body_mut().read_to_string().unwrap(),
        }
    }

    fn keep(&self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        if cookie.to_ascii_lowercase().contains("max-age=0") || value.is_empty() {
            self.cookies.lock().unwrap().remove(name);
        } else {
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
    }

    /// Opens a login-free link as a person does: the page, then its button 「继续」.
    pub fn open_link(&self, link: &str) -> Page {
        let page = self.get(link);
        match page.find_form("/marketplace/alibaba/login/enter") {
            Some(form) => self.submit(&form),
            None => page,
        }
    }

    pub fn sign_in(&self, page: &Page, email: &str, password: &str) -> Page {
        self.submit(&page.form("/login").set("email", email).set("password", password))
    }

    /// Signs in at the door.
    pub fn sign_in_as(&self, email: &str) -> Page {
        let page = self.get("/login");
        let page = self.sign_in(&page, email, crate::world::PASSWORD);
        assert_eq!(page.status, 200, "{}", page.h1());
        page
    }
}

fn css(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}

fn text(element: &ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
