//! The command line: one function or small file per command. Exit codes: 0 ok, 1 failed, 2 usage.

mod api_key;
mod backup;
mod certify;
mod config;
mod demo;
mod desk;
mod doctor;
mod fence;
mod fixture;
mod gateway;
mod health;
mod init;
mod isv_key;
mod master_key;
mod migrate;
mod operator;
mod public;
mod replay;
mod restore;
mod seed;
mod seed_file;
mod serve;
mod simulator;
mod socket;
mod stage;
mod usage;
mod user;

/// What the commands read from files, for who tries them with files of his own making.
pub mod files {
    pub use super::seed_file::check as check_seed;
    pub use super::usage::well_formed;
}

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::domain::value::Lang;

/// Gateway between a SaaS product and Alibaba Cloud Marketplace (阿里云云市场).
#[derive(Parser)]
#[command(name = "marketgate", version = version(), about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway in production. Refuses to start on an unsafe setting, and says which.
    Serve(serve::Serve),
    /// Run the whole purchase on this machine, offline: gateway, simulator of the marketplace, demo product.
    Demo(demo::Demo),
    /// Run everything for tests: free ports, seeded, gone when its standard input closes.
    Fixture(fixture::Fixture),
    /// Run the simulator of the marketplace alone, against anybody's provisioning URL (SPI).
    Simulator(simulator::Simulator),
    /// Ask anybody's provisioning URL (SPI) what a listing review asks, and report what breaks which rule.
    Certify(certify::Certify),
    /// Make a recorded log of calls again and compare what the answers mean.
    Replay(replay::Replay),
    /// Ask the gateway of this configuration whether it takes work: exit code 0 if so, 1 if not. For containers.
    Health(health::Health),
    /// Bring the database up to date, after copying it beside itself.
    Migrate(migrate::Migrate),
    /// Copy the database as it is at this moment into a new file, also while the gateway runs.
    Backup(backup::Backup),
    /// Put a backup where no database is. What the original may have sent since is held for you.
    Restore(restore::Restore),
    /// Make the primary of a copy that a replicator keeps on this machine. What the original may have sent is held for you.
    Promote(restore::Promote),
    /// Let go on what is held back after a restore, a promotion, or a step of the clock.
    Resume(restore::Resume),
    /// Look at everything, change nothing, and say what to do. Exit code 1 if something is wrong.
    Doctor(doctor::Doctor),
    /// Make the master key, once, before the first start.
    Init(init::Init),
    /// Another master key in the place of the present one.
    #[command(subcommand)]
    MasterKey(master_key::MasterKey),
    /// Check, show or print an example of the configuration.
    #[command(subcommand)]
    Config(config::Config),
    /// Send usage from a file.
    #[command(subcommand)]
    Usage(usage::Usage),
    /// The keys with which your product calls the API.
    #[command(subcommand)]
    ApiKey(api_key::ApiKey),
    /// Who may use the operators' console. The first one is made here.
    #[command(subcommand)]
    Operator(operator::Operator),
    /// The keys with which the marketplace signs its calls.
    #[command(subcommand)]
    IsvKey(isv_key::IsvKey),
    /// A way back in for people who lost what they sign in with.
    #[command(subcommand)]
    User(user::User),
    /// Print a completion script for a shell.
    Completions { shell: clap_complete::Shell },
    /// Write manual pages, one for each command, for `man`.
    Manual {
        /// Where the pages go.
        #[arg(value_name = "DIRECTORY")]
        place: PathBuf,
    },
}

/// What `--version` says: the same for every build of one commit.
fn version() -> &'static str {
    static LINE: OnceLock<String> = OnceLock::new();
    LINE.get_or_init(|| crate::app::Release::this().line())
}

/// Where the settings come from; the same for every command that needs them.
#[derive(clap::Args, Clone)]
pub struct Settings {
    /// TOML file with the settings; `marketgate config example` prints one.
    #[arg(long, env = "MARKETGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database file.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
}

impl Settings {
    /// The database file; given as a flag, it is enough to know.
    fn database(&self) -> anyhow::Result<PathBuf> {
        match &self.database {
            Some(database) => Ok(database.clone()),
            None => Ok(self.load(&[])?.database),
        }
    }

    fn load(&self, more: &[(&str, String)]) -> anyhow::Result<crate::config::Config> {
        let mut flags: Vec<(&str, String)> = more.to_vec();
        if let Some(database) = &self.database {
            flags.push(("database", database.display().to_string()));
        }
        Ok(crate::config::Config::load(self.config.as_deref(), std::env::vars(), &flags)?)
    }
}

/// The key that signs the marketplace's calls, for commands that play its side.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub struct IsvKey {
    /// The seller's security key (ISV key). Others on this machine can read arguments: prefer the variable or the file.
    #[arg(long, env = "MARKETGATE_ISV_KEY", hide_env_values = true, value_name = "KEY")]
    isv_key: Option<String>,
    /// File with the key, blanks around it do not count; it goes before the variable.
    #[arg(long, value_name = "FILE")]
    isv_key_file: Option<PathBuf>,
}

impl IsvKey {
    fn read(&self) -> anyhow::Result<String> {
        let key = match (&self.isv_key_file, &self.isv_key) {
            (Some(file), _) => std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the ISV key from {}", file.display()))?
                .trim()
                .to_owned(),
            (None, key) => key.clone().unwrap_or_default(),
        };
        anyhow::ensure!(!key.is_empty(), "the ISV key is empty");
        Ok(key)
    }
}

/// An address that the marketplace could call.
fn web_address(text: &str) -> Result<url::Url, String> {
    let url = url::Url::parse(text).map_err(|cause| cause.to_string())?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("an address with http or https is needed".to_owned())
    }
}

/// A number of seconds, such as 0.5.
fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let number: f64 = text.parse().map_err(|_| "a number of seconds is needed".to_owned())?;
    std::time::Duration::try_from_secs_f64(number).map_err(|cause| cause.to_string())
}

/// `zh` or `en`.
fn language(text: &str) -> Result<Lang, String> {
    Lang::parse(text).ok_or_else(|| "zh or en".to_owned())
}

/// The terminal's language; Chinese where it says nothing that we speak.
fn language_of_terminal() -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    set.and_then(|locale| Lang::parse(locale.split('.').next().unwrap_or_default())).unwrap_or_default()
}

/// Parses the arguments, runs the command, says what failed.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Fixture(fixture) => fixture.run(),
        Command::Simulator(simulator) => simulator.run(),
        // These find something or nothing: that is no error of theirs to explain.
        Command::Certify(certify) => match certify.run() {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(cause) => Err(cause),
        },
        Command::Replay(replay) => match replay.run() {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(cause) => Err(cause),
        },
        Command::Doctor(doctor) => match doctor.run() {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(cause) => Err(cause),
        },
        Command::Health(health) => health.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Promote(promote) => promote.run(),
        Command::Resume(resume) => resume.run(),
        Command::Init(init) => init.run(),
        Command::MasterKey(master_key) => master_key.run(),
        Command::Config(config) => config.run(),
        Command::Usage(usage) => usage.run(),
        Command::Operator(operator) => operator.run(),
        Command::User(user) => user.run(),
        Command::ApiKey(api_key) => api_key.run(),
        Command::IsvKey(isv_key) => isv_key.run(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "marketgate", &mut std::io::stdout());
            Ok(())
        }
        Command::Manual { place } => {
            // The release's own line holds a date, and the same source makes the same pages.
            clap_mangen::generate_to(Arguments::command().version(crate::app::VERSION), &place)
                .with_context(|| format!("cannot write manual pages to {}", place.display()))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            say_on_stderr(&format!("marketgate: {cause:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Logs for people on a terminal, JSON otherwise; `MARKETGATE_LOG` filters, such as `info` or `marketgate=debug`.
fn start_logging(default_level: &str) {
    // What strangers send that is no HTTP is answered, and no error of ours: they could fill the log with it.
    let default = format!("{default_level},actix_http::h1=off");
    let filter = EnvFilter::try_from_env("MARKETGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(filter).with(filter_fn(is_harmless));
    // A second start in one process (tests) keeps the first one's.
    let _already = if std::io::stderr().is_terminal() {
        subscriber.with(lines).try_init()
    } else {
        subscriber.with(lines.json()).try_init()
    };
}

/// Whether lines of this kind may be written at all. What our own code says of a request holds no secret at any level;
/// other crates write whole addresses and headers where they are asked for details.
fn is_harmless(line: &tracing::Metadata<'_>) -> bool {
    let target = line.target();
    let is_ours = target.strip_prefix("marketgate").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    is_ours || *line.level() <= tracing::Level::INFO
}

#[expect(clippy::print_stdout, reason = "the command line's own voice")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "the command line's own voice")]
fn say_on_stderr(text: &str) {
    eprintln!("{text}");
}
