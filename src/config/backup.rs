//! Copies of the database that are made by themselves.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, wrong};
use crate::domain::backup::TimeOfDay;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Where the copies go; without it none are made.
    pub directory: Option<PathBuf>,
    /// When, each day, in China's time.
    pub at: Vec<String>,
    /// How long each is kept; the youngest always is.
    pub keep_days: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self { directory: None, at: vec!["03:20".into()], keep_days: 14 }
    }
}

impl Backup {
    /// Where the copies go, if any are made.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// When they are made.
    #[must_use]
    pub fn times(&self) -> Vec<TimeOfDay> {
        self.at.iter().filter_map(|text| TimeOfDay::parse(text)).collect()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(text) = self.at.iter().find(|text| TimeOfDay::parse(text).is_none()) {
            return wrong(format!("backup.at must be times of day such as \"03:20\", not '{text}'"));
        }
        if self.directory().is_some() && self.at.is_empty() {
            return wrong("backup.at names no time of day: give one such as \"03:20\", or no backup.directory");
        }
        if !(1..=3650).contains(&self.keep_days) {
            return wrong("backup.keep_days must be 1 to 3650");
        }
        Ok(())
    }
}

/// A second machine that can take over.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Standby {
    /// A file that both machines reach: whoever was promoted last is written there, and every other one ends.
    pub fence_file: Option<PathBuf>,
}

impl Standby {
    #[must_use]
    pub fn fence_file(&self) -> Option<&Path> {
        self.fence_file.as_deref().filter(|path| !path.as_os_str().is_empty())
    }
}
