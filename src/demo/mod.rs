//! The demo product: a small stand-in for the vendor's SaaS. It knows people and organizations only by what the
//! public API tells it, as any product would.

mod hook;
mod usage;
mod view;
mod web;
mod words;

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use actix_web::dev::Server;
use serde::{Deserialize, Serialize};

use crate::domain::value::Instant;
use crate::outbound::{Failure, Limits, Outbound};

/// What the product is started with.
pub struct Options {
    /// Origin of the gateway, as browsers and this product reach it.
    pub gateway: String,
    /// Where the product is bought.
    pub market_url: String,
    pub api_key: String,
    pub brand: String,
    pub support: String,
    /// Shows the present; a simulator may move it.
    pub now: Box<dyn Fn() -> Instant + Send + Sync>,
    /// Makes unguessable text, for sessions and ids.
    pub token: Box<dyn Fn() -> String + Send + Sync>,
    pub static_version: String,
    /// Keeps the clusters over a restart; `None` forgets them.
    pub file: Option<PathBuf>,
    /// Serves `/static/`.
    pub assets: fn(&mut actix_web::web::ServiceConfig),
}

/// Longest cluster name, in bytes.
const NAME_MAX: usize = 40;

pub struct Product {
    options: Options,
    outbound: Outbound,
    world: Mutex<World>,
    /// Usage is told by one at a time.
    telling: Mutex<()>,
    /// Of the webhook, once it is registered.
    hook_secret: Mutex<Option<String>>,
    /// Where it listens for events, if it does.
    hook_url: OnceLock<String>,
}

#[derive(Default)]
struct World {
    /// By the cookie's value.
    sessions: HashMap<String, Entrant>,
    /// Those that have ended too, until their usage is told.
    clusters: Vec<Cluster>,
    /// Usage that was not taken is not told again before.
    retry_at: Option<Instant>,
}

/// Who came in, as the gateway told it.
#[derive(Debug, Clone)]
struct Entrant {
    name: String,
    email: String,
    organization_id: String,
    organization_name: String,
    csrf: String,
    expires_at: Instant,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cluster {
    id: String,
    organization_id: String,
    name: String,
    region: usize,
    is_free: bool,
    created_at: Instant,
    #[serde(default)]
    ended_at: Option<Instant>,
    /// Up to which hour its usage was told.
    #[serde(default)]
    told_until: Option<Instant>,
}

impl Cluster {
    fn is_of(&self, organization_id: &str) -> bool {
        self.organization_id == organization_id && self.ended_at.is_none()
    }
}

/// An organization as the API tells it.
#[derive(Debug, Deserialize)]
struct Organization {
    state: String,
    channel: Option<Channel>,
}

#[derive(Debug, Deserialize)]
struct Channel {
    subscription: String,
    buyer_account: String,
    state: String,
}

impl Organization {
    fn is_frozen(&self) -> bool {
        self.state == "frozen"
    }

    fn can_pay(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| channel.state == "active")
    }
}

#[derive(Deserialize)]
struct Exchanged {
    user: ExchangedUser,
    organization: ExchangedOrganization,
    expires_at: String,
}

#[derive(Deserialize)]
struct ExchangedUser {
    name: String,
    email: String,
}

#[derive(Deserialize)]
struct ExchangedOrganization {
    id: String,
    name: String,
}

impl Product {
    /// The product as it was left.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn open(options: Options) -> std::io::Result<Arc<Self>> {
        let clusters = options.file.as_deref().map_or_else(|| Ok(Vec::new()), read_clusters)?;
        let world = Mutex::new(World { clusters, ..World::default() });
        Ok(Arc::new(Self {
            options,
            outbound: Outbound::new(Limits::default()),
            world,
            telling: Mutex::default(),
            hook_secret: Mutex::default(),
            hook_url: OnceLock::new(),
        }))
    }

    /// Its pages, on a listener that is already bound.
    ///
    /// # Errors
    /// If the listener cannot be used.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> std::io::Result<Server> {
        web::serve(Arc::clone(self), listener)
    }

    /// Forgets sessions and clusters, and greets a gateway that has forgotten everything too. Blocks.
    pub fn forget(&self) {
        let mut world = self.world();
        *world = World::default();
        self.keep(&world);
        drop(world);
        if let Some(url) = self.hook_url.get() {
            *self.hook_secret.lock().unwrap_or_else(PoisonError::into_inner) = self.ask_for_secret(url);
        }
    }

    /// Writes the clusters down; a demo goes on if that fails.
    fn keep(&self, world: &World) {
        if let Some(file) = &self.options.file
            && let Err(cause) = write_clusters(file, &world.clusters)
        {
            tracing::warn!(%cause, "the demo product's clusters were not written down");
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        (self.options.now)()
    }

    fn ask(&self, result: Result<crate::outbound::Answer, Failure>) -> Option<String> {
        match result {
            Ok(answer) if matches!(answer.status, 200 | 201) => Some(answer.body),
            Ok(answer) => {
                tracing::warn!(status = answer.status, gateway = self.options.gateway, "the gateway said no");
                None
            }
            Err(cause) => {
                tracing::warn!(%cause, "the gateway was not reached");
                None
            }
        }
    }

    /// Exchanges a one-time code; the new session's secret. Blocks.
    fn exchange(&self, code: &str) -> Option<String> {
        let url = format!("{}/api/v1/sessions/exchange", self.options.gateway);
        let authorization = format!("Bearer {}", self.options.api_key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = serde_json::json!({ "code": code }).to_string();
        let body = self.ask(self.outbound.post(&url, &headers, body.as_bytes()))?;
        let told: Exchanged = serde_json::from_str(&body).ok()?;
        let expires_at = told.expires_at.parse::<jiff::Timestamp>().ok()?;
        let secret = (self.options.token)();
        let entrant = Entrant {
            name: told.user.name,
            email: told.user.email,
            organization_id: told.organization.id,
            organization_name: told.organization.name,
            csrf: (self.options.token)(),
            expires_at: Instant::from_ms(expires_at.as_millisecond()),
        };
        let now = self.now();
        let mut world = self.world();
        world.sessions.retain(|_, session| session.expires_at > now);
        world.sessions.insert(secret.clone(), entrant);
        Some(secret)
    }

    /// How an organization stands. Blocks.
    fn organization(&self, id: &str) -> Option<Organization> {
        let url = format!("{}/api/v1/organizations/{id}", self.options.gateway);
        let authorization = format!("Bearer {}", self.options.api_key);
        let body = self.ask(self.outbound.get(&url, &[("authorization", &authorization)]))?;
        serde_json::from_str(&body).ok()
    }

    fn entrant(&self, secret: &str) -> Option<Entrant> {
        let now = self.now();
        self.world().sessions.get(secret).filter(|entrant| entrant.expires_at > now).cloned()
    }

    fn clusters(&self, organization_id: &str) -> Vec<Cluster> {
        self.world().clusters.iter().filter(|cluster| cluster.is_of(organization_id)).cloned().collect()
    }

    /// Creates a cluster, or says by the name of a text why not.
    fn create(&self, organization_id: &str, organization: &Organization, wanted: Wanted<'_>) -> Result<(), Refusal> {
        let is_good = (1..=NAME_MAX).contains(&wanted.name.len())
            && wanted.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_good {
            return Err(Refusal::BadName);
        }
        if organization.is_frozen() {
            return Err(Refusal::Frozen);
        }
        if !wanted.is_free && !organization.can_pay() {
            return Err(Refusal::NoChannel);
        }
        let (id, now) = ((self.options.token)(), self.now());
        let mut world = self.world();
        let mut own = world.clusters.iter().filter(|cluster| cluster.is_of(organization_id));
        if own.clone().any(|cluster| cluster.name == wanted.name) {
            return Err(Refusal::TakenName);
        }
        if wanted.is_free && own.any(|cluster| cluster.is_free) {
            return Err(Refusal::OneFree);
        }
        world.clusters.push(Cluster {
            id,
            organization_id: organization_id.to_owned(),
            name: wanted.name.to_owned(),
            region: wanted.region.min(1),
            is_free: wanted.is_free,
            created_at: now,
            ended_at: None,
            told_until: None,
        });
        self.keep(&world);
        Ok(())
    }

    fn delete(&self, organization_id: &str, id: &str) {
        let now = self.now();
        let mut world = self.world();
        if let Some(cluster) =
            world.clusters.iter_mut().find(|cluster| cluster.is_of(organization_id) && cluster.id == id)
        {
            cluster.ended_at = Some(now);
        }
        // Of a paid one the last hour is still to be told.
        world.clusters.retain(|cluster| cluster.ended_at.is_none() || !cluster.is_free);
        self.keep(&world);
    }
}

/// None yet: no file yet.
fn read_clusters(file: &Path) -> std::io::Result<Vec<Cluster>> {
    match std::fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
    }
}

/// Beside the file first, so that it is never half a file.
fn write_clusters(file: &Path, clusters: &[Cluster]) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, serde_json::to_vec(clusters)?)?;
    std::fs::rename(fresh, file)
}

/// A cluster as it was asked for.
#[derive(Clone, Copy, Default)]
struct Wanted<'a> {
    name: &'a str,
    region: usize,
    is_free: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    BadName,
    TakenName,
    OneFree,
    NoChannel,
    Frozen,
}
