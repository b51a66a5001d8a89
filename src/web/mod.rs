//! HTTP in and out: the route table, and how it becomes a server.
//!
//! Every route says which session it takes ([`Access`]); the gate in front of each resource enforces it,
//! so a handler cannot forget to. What is not in the table does not exist.

mod api;
mod approval;
pub mod assets;
mod claim;
pub mod cloudevent;
mod csv;
mod docs;
mod email_check;
mod entry;
mod error;
mod feed;
mod form;
mod gate;
mod health;
mod invitation;
mod landing;
mod leaving;
mod ledger;
mod me;
mod measure;
mod member;
mod metering;
pub mod openapi;
mod operator;
mod organization;
mod preferences;
pub mod scrape;
mod second_factor;
mod security;
mod session;
mod settings;
mod shape;
pub mod shield;
mod spi;
mod usage;
mod visit;
mod webhook;

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpServer, Route, web};

use crate::app::App;
use crate::domain::session::Access;

pub use form::Fields;
pub use visit::local_path;

/// Largest body of a form, in bytes.
pub const MAX_FORM_BYTES: usize = 64 * 1024;
/// Most fields of a form; no page has a tenth of them.
pub const MAX_FIELDS: usize = 500;
/// How long a stop waits for requests that are being answered.
const SHUTDOWN_SECS: u64 = 8;

/// Whose errors a route speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// People: a page with a way out.
    Page,
    /// Programs: problem+json.
    Api,
    /// The marketplace's words, and machines that only want a status.
    Raw,
}

/// One row of the route table.
pub struct RouteSpec {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub listener: Listener,
    handler: fn() -> Route,
}

macro_rules! routes {
    ($($method:ident $path:literal $access:ident $listener:ident => $handler:path;)*) => {
        [$(RouteSpec {
            method: Method::$method,
            path: $path,
            access: Access::$access,
            listener: Listener::$listener,
            handler: || web::route().to($handler),
        }),*]
    };
}

/// Every route of the gateway.
pub static ROUTES: &[RouteSpec] = &routes! {
    // First, because the router asks one pattern after the other: these come in thousands a second.
    GET  "/marketplace/{seller}/spi"        None        Raw  => spi::call;
    POST "/marketplace/{seller}/spi"        None        Raw  => spi::call;

    GET  "/"                                None        Page => session::home;
    GET  "/healthz"                         None        Raw  => health::alive;
    GET  "/readyz"                          None        Raw  => health::ready;
    GET  "/static/{file}"                   None        Raw  => assets::file;
    GET  "/favicon.ico"                     None        Raw  => assets::favicon;
    GET  "/robots.txt"                      None        Raw  => assets::robots;

    GET  "/marketplace/{seller}/login"      None        Page => landing::show;
    POST "/marketplace/{seller}/login/enter" None       Page => landing::enter;

    GET  "/claim"                           None        Page => claim::index;
    GET  "/claim/{id}"                      None        Page => claim::show;
    POST "/claim/{id}/confirm"              Full        Page => claim::confirm;
    POST "/claim/{id}/organizations"        Full        Page => claim::create_organization;
    POST "/claim/{id}/request-approval"     Full        Page => claim::request_approval;
    POST "/claim/{id}/switch-user"          None        Page => claim::switch_user;
    POST "/claim/{id}/report"               Full        Page => claim::report;

    GET  "/register"                        None        Page => session::register;
    POST "/register"                        None        Page => session::create_user;
    GET  "/register/code"                   None        Page => email_check::show;
    POST "/register/code"                   None        Page => email_check::finish;
    POST "/register/code/again"             None        Page => email_check::resend;
    GET  "/login"                           None        Page => session::login;
    POST "/login"                           None        Page => session::create;
    GET  "/login/totp"                      None        Page => second_factor::ask;
    POST "/login/totp"                      None        Page => second_factor::answer;
    GET  "/login/confirm"                   Marketplace Page => session::confirm;
    POST "/login/confirm"                   Marketplace Page => session::step_up;
    POST "/logout"                          None        Page => session::destroy;
    GET  "/password/forgot"                 None        Page => session::forgot;
    POST "/password/forgot"                 None        Page => session::request_reset;
    GET  "/password/reset/{token}"          None        Page => session::reset;
    POST "/password/reset"                  None        Page => session::reset_password;
    POST "/preferences"                     None        Page => preferences::save;

    GET  "/me"                              Full        Page => me::show;
    POST "/me"                              Full        Page => me::update;
    GET  "/me/sessions"                     Full        Page => me::sessions;
    POST "/me/sessions/end-others"          Full        Page => me::end_other_sessions;
    POST "/me/sessions/{id}/end"            Full        Page => me::end_session;
    GET  "/me/email"                        SteppedUp   Page => email_check::own;
    POST "/me/email"                        SteppedUp   Page => email_check::begin_own;
    GET  "/me/email/code"                   Full        Page => email_check::show_own;
    POST "/me/email/code"                   Full        Page => email_check::finish_own;
    POST "/me/email/code/again"             Full        Page => email_check::resend_own;
    GET  "/me/export"                       SteppedUp   Page => leaving::export;
    GET  "/me/delete"                       SteppedUp   Page => leaving::confirm;
    POST "/me/delete"                       SteppedUp   Page => leaving::delete;
    GET  "/me/security"                     Full        Page => security::show;
    GET  "/me/security/password"            SteppedUp   Page => security::password;
    POST "/me/security/password"            SteppedUp   Page => security::change_password;
    GET  "/me/security/totp"                SetUp       Page => second_factor::show;
    POST "/me/security/totp"                SetUp       Page => second_factor::enable;
    POST "/me/security/totp/disable"        SteppedUp   Page => second_factor::disable;
    POST "/me/security/recovery-codes"      SteppedUp   Page => second_factor::renew_codes;

    GET  "/orgs"                            Full        Page => organization::index;
    GET  "/orgs/new"                        Full        Page => organization::new;
    POST "/orgs"                            Full        Page => organization::create;
    GET  "/orgs/{id}"                       Marketplace Page => organization::show;
    GET  "/orgs/{id}/billing"               Marketplace Page => organization::billing;
    GET  "/orgs/{id}/usage"                 Marketplace Page => ledger::show;
    GET  "/orgs/{id}/usage.csv"             Marketplace Page => ledger::download;
    GET  "/orgs/{id}/unbind"                Full        Page => organization::unbind;
    POST "/orgs/{id}/unbind"                Full        Page => organization::end_channel;
    GET  "/orgs/{id}/members"               Marketplace Page => member::index;
    GET  "/orgs/{id}/members/{user}/role"   SteppedUp   Page => member::edit;
    POST "/orgs/{id}/members/{user}/role"   SteppedUp   Page => member::update;
    GET  "/orgs/{id}/members/{user}/remove" SteppedUp   Page => member::remove;
    POST "/orgs/{id}/members/{user}/remove" SteppedUp   Page => member::destroy;
    POST "/orgs/{id}/invitations"           SteppedUp   Page => invitation::create;
    POST "/orgs/{id}/invitations/{invitation}/resend" SteppedUp Page => invitation::resend;
    POST "/orgs/{id}/invitations/{invitation}/revoke" Full Page => invitation::revoke;
    GET  "/orgs/{id}/settings"              Full        Page => settings::show;
    POST "/orgs/{id}/settings/name"         Full        Page => settings::rename;
    POST "/orgs/{id}/settings/time-zone"    Full        Page => settings::set_zone;
    GET  "/orgs/{id}/delete"                SteppedUp   Page => settings::confirm;
    POST "/orgs/{id}/delete"                SteppedUp   Page => settings::delete;
    GET  "/orgs/{id}/leave"                 Full        Page => member::leave;
    POST "/orgs/{id}/leave"                 Full        Page => member::depart;

    GET  "/operator"                        Operator Page => operator::health::show;
    GET  "/operator/metering"               Operator Page => operator::metering;
    POST "/operator/metering/resume"        OperatorSteppedUp Page => operator::resume;
    GET  "/operator/metering/{id}"          Operator Page => operator::show;
    POST "/operator/metering/{id}"          OperatorSteppedUp Page => operator::decide;

    GET  "/operator/subscriptions"          Operator Page => operator::subscription::index;
    GET  "/operator/subscriptions.csv"      Operator Page => operator::subscription::download;
    GET  "/operator/subscriptions/{id}"     Operator Page => operator::subscription::show;
    POST "/operator/subscriptions/{id}/account" Operator Page => operator::subscription::reveal;
    GET  "/operator/subscriptions/{id}/metering" Operator Page => operator::reconcile;
    GET  "/operator/subscriptions/{id}/unbind" OperatorSteppedUp Page => operator::act::unbind;
    POST "/operator/subscriptions/{id}/unbind" OperatorSteppedUp Page => operator::act::do_unbind;
    GET  "/operator/organizations"          Operator Page => operator::organization::index;
    GET  "/operator/organizations/{id}"     Operator Page => operator::organization::show;
    GET  "/operator/organizations/{id}/freeze" OperatorSteppedUp Page => operator::act::freeze;
    POST "/operator/organizations/{id}/freeze" OperatorSteppedUp Page => operator::act::do_freeze;
    GET  "/operator/organizations/{id}/unfreeze" OperatorSteppedUp Page => operator::act::unfreeze;
    POST "/operator/organizations/{id}/unfreeze" OperatorSteppedUp Page => operator::act::do_unfreeze;
    GET  "/operator/users"                  Operator Page => operator::user::index;
    GET  "/operator/users/{id}"             Operator Page => operator::user::show;
    GET  "/operator/users/{id}/sign-out"    OperatorSteppedUp Page => operator::act::sign_out;
    POST "/operator/users/{id}/sign-out"    OperatorSteppedUp Page => operator::act::do_sign_out;
    GET  "/operator/users/{id}/disable"     OperatorSteppedUp Page => operator::act::disable;
    POST "/operator/users/{id}/disable"     OperatorSteppedUp Page => operator::act::do_disable;
    GET  "/operator/users/{id}/enable"      OperatorSteppedUp Page => operator::act::enable;
    POST "/operator/users/{id}/enable"      OperatorSteppedUp Page => operator::act::do_enable;
    GET  "/operator/calls"                  Operator Page => operator::call::index;
    GET  "/operator/calls/{id}"             Operator Page => operator::call::show;
    GET  "/operator/deliveries"             Operator Page => operator::delivery::index;
    GET  "/operator/deliveries/{id}"        Operator Page => operator::delivery::show;
    POST "/operator/deliveries/{id}/redeliver" OperatorSteppedUp Page => operator::delivery::redeliver;
    POST "/operator/webhooks/{id}/enable"   OperatorSteppedUp Page => operator::delivery::enable;
    GET  "/operator/jobs"                   Operator Page => operator::job::index;
    GET  "/operator/jobs/{id}"              Operator Page => operator::job::show;
    POST "/operator/jobs/{id}"              OperatorSteppedUp Page => operator::job::decide;
    GET  "/operator/audit"                  Operator Page => operator::audit::index;
    GET  "/operator/audit.csv"              Operator Page => operator::audit::download;
    POST "/operator/audit/check"            Operator Page => operator::audit::check;

    GET  "/operator/keys"                   Operator Page => operator::key::index;
    POST "/operator/keys"                   OperatorSteppedUp Page => operator::key::create;
    GET  "/operator/keys/new"               OperatorSteppedUp Page => operator::key::new;
    GET  "/operator/keys/{id}"              Operator Page => operator::key::show;
    GET  "/operator/keys/{id}/rotate"       OperatorSteppedUp Page => operator::key::rotate;
    POST "/operator/keys/{id}/rotate"       OperatorSteppedUp Page => operator::key::replace;
    GET  "/operator/keys/{id}/revoke"       OperatorSteppedUp Page => operator::key::revoke;
    POST "/operator/keys/{id}/revoke"       OperatorSteppedUp Page => operator::key::end;

    GET  "/approvals/{token}"               Full        Page => approval::show;
    POST "/approvals/{token}"               Full        Page => approval::accept;

    GET  "/invitations/{token}"             None        Page => invitation::show;
    POST "/invitations/{token}"             Full        Page => invitation::accept;
    POST "/invitations/{token}/switch-user" None        Page => invitation::switch_user;

    GET  "/enter"                           Marketplace Page => entry::enter;

    GET  "/api/docs"                        None        Page => docs::show;
    GET  "/api/v1/openapi.json"             None        Api  => openapi::show;
    POST "/api/v1/usage"                    None        Api  => usage::take;
    POST "/api/v1/sessions/exchange"        None        Api  => api::exchange_session;
    GET  "/api/v1/organizations"            None        Api  => api::list_organizations;
    GET  "/api/v1/organizations/{id}"       None        Api  => api::show_organization;

    GET  "/api/v1/subscriptions"            None        Api  => feed::subscriptions;
    GET  "/api/v1/subscriptions/{id}"       None        Api  => feed::show_subscription;
    GET  "/api/v1/metering"                 None        Api  => metering::list;
    GET  "/api/v1/events"                   None        Api  => feed::events;
    POST "/api/v1/bindings/{id}/confirm"    None        Api  => feed::confirm;
    POST "/api/v1/bindings/{id}/refuse"     None        Api  => feed::refuse;
    GET  "/api/v1/webhooks"                 None        Api  => webhook::list;
    POST "/api/v1/webhooks"                 None        Api  => webhook::create;
    GET  "/api/v1/webhooks/{id}"            None        Api  => webhook::show;
    PATCH "/api/v1/webhooks/{id}"           None        Api  => webhook::update;
    DELETE "/api/v1/webhooks/{id}"          None        Api  => webhook::delete;
    POST "/api/v1/webhooks/{id}/rotate"     None        Api  => webhook::rotate;
    POST "/api/v1/webhooks/{id}/ping"       None        Api  => webhook::ping;
    GET  "/api/v1/deliveries"               None        Api  => webhook::deliveries;
    GET  "/api/v1/deliveries/{id}"          None        Api  => webhook::show_delivery;
    POST "/api/v1/deliveries/{id}/redeliver" None       Api  => webhook::redeliver;
};

/// Whether a route takes a key. Only what it may do is the handler's to decide.
fn takes_key(method: &Method, pattern: &str) -> bool {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let found = ROUTES.iter().find(|spec| spec.path == pattern && spec.method == *method);
    found.is_some_and(|spec| spec.listener == Listener::Api && spec.path != openapi::PATH)
}

/// Puts the table's routes behind the gate.
pub fn configure(config: &mut web::ServiceConfig) {
    let mut paths: Vec<&'static str> = Vec::new();
    for spec in ROUTES {
        if !paths.contains(&spec.path) {
            paths.push(spec.path);
        }
    }
    for path in paths {
        let specs: Vec<&'static RouteSpec> = ROUTES.iter().filter(|spec| spec.path == path).collect();
        let mut resource = web::resource(path);
        for spec in &specs {
            resource = resource.route((spec.handler)().guard(method_guard(spec.method.clone())));
        }
        let listener = specs.first().map_or(Listener::Page, |spec| spec.listener);
        let places = measure::Places::of(path);
        // Outermost, so that nothing is answered without an id or uncounted.
        let measured = from_fn(move |request, next| measure::route(places.clone(), request, next));
        match listener {
            // The marketplace's calls are the hot path and have no session: no gate, and they are counted by their handler.
            Listener::Raw if path == spi::PATH => {
                config.service(resource.default_service(web::to(spi::method_not_allowed)))
            }
            Listener::Raw => {
                config.service(resource.default_service(web::to(error::raw_method_not_allowed)).wrap(measured))
            }
            Listener::Api => config.service(
                resource
                    .default_service(web::to(error::api_method_not_allowed))
                    .wrap(from_fn(gate::api))
                    .wrap(measured),
            ),
            Listener::Page => config.service(
                resource
                    .default_service(web::to(error::page_method_not_allowed))
                    .wrap(from_fn(move |request, next| gate::page(specs.clone(), request, next)))
                    .wrap(measured),
            ),
        };
    }
    let unknown = || from_fn(|request, next| measure::route(measure::Places::none(), request, next));
    config.service(
        web::scope("/api").default_service(web::to(error::api_not_found)).wrap(from_fn(gate::api)).wrap(unknown()),
    );
    config.default_service(
        web::to(error::page_not_found)
            .wrap(from_fn(|request, next| gate::page(Vec::new(), request, next)))
            .wrap(unknown()),
    );
}

/// GET routes answer HEAD too.
fn method_guard(method: Method) -> impl Guard {
    guard::fn_guard(move |context| {
        let asked = &context.head().method;
        *asked == method || (method == Method::GET && *asked == Method::HEAD)
    })
}

/// Method and pattern of every route, in the table's order, as the metrics name them.
pub fn patterns() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|spec| (spec.method.as_str(), spec.path))
}

/// Starts the gateway on a listener that is already bound.
///
/// # Errors
/// If the listener cannot be used.
pub fn serve(
    app: &Arc<App>,
    listener: TcpListener,
    workers: usize,
    patience: shield::Patience,
) -> std::io::Result<Server> {
    let site = web::Data::new(visit::Site::new(app));
    let shield = web::Data::new(shield::Shield { is_https: app.config.is_https(), patience });
    let app = web::Data::from(Arc::clone(app));
    let watch = Arc::new(shield::Watch::default());
    actix_web::rt::spawn(shield::Watch::keep(Arc::downgrade(&watch), patience.between));
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .app_data(site.clone())
            .app_data(shield.clone())
            .configure(configure)
            .wrap(from_fn(shield::shield))
    })
    .on_connect(move |socket, data| {
        let accepted = socket.downcast_ref().and_then(|socket| watch.add(socket).ok());
        if let Some(connection) = accepted {
            data.insert(connection);
        }
    })
    .workers(workers)
    .max_connections(shield::MAX_CONNECTIONS.div_ceil(workers.max(1)))
    .client_request_timeout(patience.head)
    .shutdown_timeout(SHUTDOWN_SECS)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}
