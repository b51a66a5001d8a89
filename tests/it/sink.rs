//! A vendor's product that takes webhooks: a server of the test's own, whose answers the test decides.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::world::{World, agent, until};

/// A request as it was heard.
#[derive(Debug, Clone)]
pub struct Heard {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub text: String,
    pub body: Value,
}

impl Heard {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    /// What it is about, and its place there: `alibaba-1 subscription.activated 1`.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.body["subject"].as_str().unwrap(), self.kind(), self.body["sequence"])
    }
}

type Answer = Box<dyn Fn(&Heard) -> (u16, String) + Send + Sync>;

pub struct Sink {
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    answer: Arc<Mutex<Arc<Answer>>>,
}

impl Sink {
    /// Takes everything.
    pub fn start() -> Self {
        Self::answering(|_| (204, String::new()))
    }

    pub fn answering(answer: impl Fn(&Heard) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::on(&TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    pub fn on(listener: &TcpListener, answer: impl Fn(&Heard) -> (u16, String) + Send + Sync + 'static) -> Self {
        let sink = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            heard: Arc::default(),
            answer: Arc::new(Mutex::new(Arc::new(Box::new(answer)))),
        };
        let (listener, heard, answer) =
            (listener.try_clone().unwrap(), Arc::clone(&sink.heard), Arc::clone(&sink.answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                // A client that was killed in the middle has nothing more to say.
                std::thread::spawn(move || converse(&stream.unwrap(), &heard, &answer).ok());
            }
        });
        sink
    }

    /// From now on.
    pub fn answers(&self, answer: impl Fn(&Heard) -> (u16, String) + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(Box::new(answer));
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.heard().iter().map(|one| one.kind().to_owned()).collect()
    }

    /// The first request of a type, once it has come.
    pub fn hears(&self, kind: &str) -> Heard {
        until(kind, || self.heard().into_iter().find(|one| one.kind() == kind))
    }
}

fn converse(
    stream: &TcpStream,
    heard: &Mutex<Vec<Heard>>,
    answer: &Mutex<Arc<Answer>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).ok_or("no path")?.to_owned();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut text = vec![0; headers.get("content-length").ok_or("no length")?.parse()?];
    reader.read_exact(&mut text)?;
    let text = String::from_utf8(text)?;
    let one = Heard { path, headers, body: serde_json::from_str(&text)?, text };
    heard.lock().unwrap().push(one.clone());
    let answer = Arc::clone(&answer.lock().unwrap());
    let (status, body) = answer(&one);
    let more = if (300..400).contains(&status) { format!("Location: {body}\r\n") } else { String::new() };
    let mut out = stream;
    write!(out, "HTTP/1.1 {status} X\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    Ok(())
}

/// Calls of the API with a key.
pub struct Api {
    pub origin: String,
    pub key: String,
}

/// Status, headers, and the document.
pub type Said = (u16, HashMap<String, String>, Value);

impl Api {
    pub fn of(world: &World) -> Self {
        Self { origin: world.gateway.clone(), key: world.ready["api_key"].as_str().unwrap().to_owned() }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self { origin: self.origin.clone(), key: key.to_owned() }
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Said {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.origin))
            .header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = agent().run(request.body(body.to_owned()).unwrap()).unwrap();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), headers, serde_json::from_str(&text).unwrap_or_default())
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, _, body) = self.call("GET", path, &[], "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, _, body) = self.call("POST", path, &[], &body.to_string());
        (status, body)
    }

    /// Tells of one use; how that was taken.
    pub fn use_some(
        &self,
        organization: &str,
        id: &str,
        (item, quantity): (&str, u64),
        at: jiff::Timestamp,
    ) -> (u16, Value) {
        let event = serde_json::json!({
            "specversion": "1.0", "type": "marketgate.usage.v1", "source": "test", "id": id, "subject": organization,
            "time": at.to_string(), "data": { "item": item, "quantity": quantity },
        });
        let kind = [("content-type", "application/cloudevents+json")];
        let (status, _, body) = self.call("POST", "/usage", &kind, &event.to_string());
        (status, body)
    }

    /// Registers a sink; the webhook with its secret.
    pub fn hook(&self, url: &str, types: &[&str]) -> Value {
        let (status, made) = self.post("/webhooks", &serde_json::json!({ "url": url, "types": types }));
        assert_eq!(status, 201, "{made}");
        made
    }

    /// The whole feed.
    pub fn feed(&self) -> Vec<Value> {
        self.get("/events?limit=1000")["items"].as_array().unwrap().clone()
    }
}

/// Moves the clock of both sides.
pub fn advance(world: &World, span: &str) -> Value {
    let url = format!("{}/control/clock", world.simulator_origin());
    let mut answer = agent().post(&url).send(format!("{{\"advance\":\"{span}\"}}")).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{text}");
    serde_json::from_str(&text).unwrap()
}
