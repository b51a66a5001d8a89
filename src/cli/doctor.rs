//! `marketgate doctor`: looks at everything, changes nothing, and says what to do. Also while the gateway runs.

mod database;
mod outside;
mod place;
mod words;

use serde_json::json;

use super::{Settings, language, language_of_terminal, say};
use crate::config::Config;
use crate::domain::value::Lang;

#[derive(clap::Args)]
pub struct Doctor {
    #[command(flatten)]
    settings: Settings,
    /// Ask nobody: leave out the marketplace, its clock and the mail server.
    #[arg(long)]
    offline: bool,
    /// As JSON, for programs.
    #[arg(long)]
    json: bool,
    /// Language of the report, zh or en; by default the terminal's.
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<Lang>,
}

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Settings,
    Files,
    Disk,
    Schema,
    Copy,
    Backup,
    Integrity,
    MasterKey,
    Audit,
    Usage,
    Gauges,
    Records,
    Work,
    Alarms,
    People,
    Marketplace,
    Mail,
}

/// How much a finding matters. Hints change nothing about the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
    Hint,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// Something to do.
#[derive(Clone)]
struct Finding {
    /// For programs: stable, and the same for every language.
    code: &'static str,
    severity: Severity,
    what: [String; 2],
    remedy: [String; 2],
}

impl Finding {
    fn in_lang(texts: &[String; 2], lang: Lang) -> &str {
        &texts[usize::from(lang == Lang::En)]
    }
}

/// What was looked at, and what was found.
#[derive(Default)]
struct Report {
    checks: Vec<(Check, Vec<Finding>)>,
}

impl Report {
    /// Notes that something was looked at.
    fn note(&mut self, check: Check, findings: Vec<Finding>) {
        self.checks.push((check, findings));
    }

    fn is_fine(&self) -> bool {
        !self.checks.iter().flat_map(|(_, findings)| findings).any(|one| one.severity != Severity::Hint)
    }

    fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for (check, findings) in &self.checks {
            if findings.is_empty() {
                lines.push(format!("✓ {}", words::title(*check, lang)));
            }
            for one in findings {
                let mark = match one.severity {
                    Severity::Error => '✗',
                    Severity::Warning => '!',
                    Severity::Hint => 'i',
                };
                lines.push(format!("{mark} {}: {}", words::title(*check, lang), Finding::in_lang(&one.what, lang)));
                lines.push(format!("    → {}", Finding::in_lang(&one.remedy, lang)));
            }
        }
        let count = |wanted| {
            let all = self.checks.iter().flat_map(|(_, findings)| findings);
            all.filter(|one| one.severity == wanted).count()
        };
        let counts = (count(Severity::Error), count(Severity::Warning), count(Severity::Hint));
        lines.push(String::new());
        lines.push(words::sum(lang, counts));
        lines.join("\n")
    }

    fn json(&self, lang: Lang) -> serde_json::Result<String> {
        let finding = |one: &Finding| {
            json!({
                "code": one.code,
                "severity": one.severity.as_str(),
                "what": Finding::in_lang(&one.what, lang),
                "remedy": Finding::in_lang(&one.remedy, lang),
            })
        };
        let checks: Vec<_> = (self.checks.iter())
            .map(|(check, findings)| {
                json!({ "check": words::name(*check), "findings": findings.iter().map(finding).collect::<Vec<_>>() })
            })
            .collect();
        serde_json::to_string_pretty(&json!({ "is_fine": self.is_fine(), "checks": checks }))
    }
}

impl Doctor {
    /// Whether nothing but hints was found.
    pub fn run(self) -> anyhow::Result<bool> {
        let lang = self.lang.unwrap_or_else(language_of_terminal);
        let mut report = Report::default();
        match self.settings.load(&[]) {
            Err(cause) => report.note(Check::Settings, vec![words::settings(&format!("{cause:#}"))]),
            Ok(config) => self.examine(&config, &mut report),
        }
        say(&if self.json { report.json(lang)? } else { report.text(lang) });
        Ok(report.is_fine())
    }

    fn examine(&self, config: &Config, report: &mut Report) {
        let refused = config.check_for_production().err();
        let refused = refused.map(|cause| words::settings(&cause.to_string()));
        report.note(Check::Settings, refused.into_iter().chain(place::previous_keys(config)).collect());
        report.note(Check::Files, place::files(config, self.settings.config.as_deref()));
        report.note(Check::Disk, place::disk(config));
        report.note(Check::Backup, place::backups(config));
        database::examine(config, report);
        if !self.offline {
            report.note(Check::Marketplace, outside::marketplaces(config));
        }
        report.note(Check::Mail, outside::mail(config, self.offline));
    }
}
