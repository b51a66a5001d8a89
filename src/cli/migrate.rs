//! `marketgate migrate`: bring the database up to date.

use super::gateway::lock;
use super::{Settings, desk, say};
use crate::store::migrate::{self, Report, Status};

#[derive(clap::Args)]
pub struct Migrate {
    #[command(flatten)]
    settings: Settings,
    /// Say how the file stands and change nothing.
    #[arg(long)]
    status: bool,
    /// Try every step on a copy and say what would be done.
    #[arg(long)]
    dry_run: bool,
}

impl Migrate {
    pub fn run(self) -> anyhow::Result<()> {
        let database = self.settings.database()?;
        if self.status {
            let name = database.display();
            say(&match migrate::status(&database)? {
                Status::Missing => format!("{name} does not exist yet; `serve` makes it"),
                Status::Current => format!("{name} is up to date"),
                Status::Older { from, to } => {
                    format!("{name} has schema {from}; `marketgate migrate` brings it to {to}")
                }
                Status::Newer { found, known } => {
                    format!("{name} has schema {found}, newer than {known} of this version")
                }
                Status::Foreign => format!("{name} is a database of another program"),
            });
            return Ok(());
        }
        desk::check_directory(&database)?;
        desk::check_owner(&database)?;
        let _lock = lock(&database)?;
        say(&tell(&migrate::migrate(&database, self.dry_run)?));
        Ok(())
    }
}

/// What a migration did, in words.
pub fn tell(report: &Report) -> String {
    let steps = if report.steps.is_empty() { "nothing to do".to_owned() } else { report.steps.join(", ") };
    let copy = report.copy.as_ref().map(|copy| format!("; the file as it was: {}", copy.display())).unwrap_or_default();
    format!("schema {} to {}: {steps}{copy}", report.from, report.to)
}
