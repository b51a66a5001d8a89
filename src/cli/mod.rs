//! The command line: one function or small file per command. Exit codes: 0 ok, 1 failed, 2 usage.

mod config;
mod demo;
mod fixture;
mod gateway;
mod init;
mod migrate;
mod seed;
mod seed_file;
mod serve;
mod stage;
mod usage;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Gateway between a SaaS product and Alibaba Cloud Marketplace (阿里云云市场).
#[derive(Parser)]
#[command(name = "marketgate", version, about, arg_required_else_help = true)]
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
    /// Bring the database up to date, after copying it beside itself.
    Migrate(migrate::Migrate),
    /// Make the master key, once, before the first start.
    Init(init::Init),
    /// Check, show or print an example of the configuration.
    #[command(subcommand)]
    Config(config::Config),
    /// Send usage from a file.
    #[command(subcommand)]
    Usage(usage::Usage),
    /// Print a completion script for a shell.
    Completions { shell: clap_complete::Shell },
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
    fn load(&self, more: &[(&str, String)]) -> anyhow::Result<crate::config::Config> {
        let mut flags: Vec<(&str, String)> = more.to_vec();
        if let Some(database) = &self.database {
            flags.push(("database", database.display().to_string()));
        }
        Ok(crate::config::Config::load(self.config.as_deref(), std::env::vars(), &flags)?)
    }
}

/// Parses the arguments, runs the command, says what failed.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Fixture(fixture) => fixture.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Init(init) => init.run(),
        Command::Config(config) => config.run(),
        Command::Usage(usage) => usage.run(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "marketgate", &mut std::io::stdout());
            Ok(())
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
    let filter = EnvFilter::try_from_env("MARKETGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default_level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first one's.
    let _already = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
}

#[expect(clippy::print_stdout, reason = "the command line's own voice")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "the command line's own voice")]
fn say_on_stderr(text: &str) {
    eprintln!("{text}");
}
