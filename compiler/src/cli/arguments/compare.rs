//! The arguments of `diff` and `plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use codex_schema::types::policy::Date;

use super::{PrintArgs, day};
use crate::plan::brake::USUAL_PERCENT;
use crate::plan::hash::PlanHash;

/// `diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 equal, 1 different, 2 usage, 4 one of the two cannot be read."
)]
pub struct Diff {
    /// What was: a policy repository, git:REV (the repository at that revision), or a file such as
    /// requirements.toml.
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub from: String,
    /// What is: the same.
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub to: String,
    /// Only this cohort.
    #[arg(long, value_name = "NAME")]
    pub cohort: Option<String>,
    /// The policy repository, in version control, that revisions are of [default: the folder that is
    /// compared with, or the current one].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub repository: Option<PathBuf>,
    /// The day that exceptions are held against, on both sides [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// The form; `--json` and `--plain` are short forms.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["json", "plain"])]
    #[arg(help_heading = "Output")]
    pub format: Option<DiffForm>,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// The forms of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffForm {
    /// For people.
    Human,
    /// One fact per line.
    Plain,
    /// JSON of a stable form.
    Json,
    /// Markdown, for comments on changes.
    Markdown,
}

/// `plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing loosens beyond the brake, 1 the brake stops the plan or \
                        the policy has errors, 2 usage, 4 base or inventory cannot be read."
)]
pub struct Plan {
    /// The policy repository as it is to be.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    pub repository: PathBuf,
    /// What is in force: git:REV (the same repository at that revision), or another folder.
    #[arg(long, value_name = "git:REV|DIR", value_hint = ValueHint::DirPath)]
    pub base: String,
    /// The machines there are, as JSON Lines: {"host": …, "os": …} and where known "team",
    /// "environment", "group", "codex".
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub inventory: Option<PathBuf>,
    /// The plan that may be carried out although the brake stops it, by its hash.
    #[arg(long, value_name = "HASH")]
    pub approve: Option<PlanHash>,
    /// Stop when policy may loosen for more than this share of machines, or of cohorts where there
    /// is no inventory.
    #[arg(long, value_name = "PERCENT", default_value_t = USUAL_PERCENT)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    pub brake_percent: u8,
    /// The day that exceptions are held against, on both sides [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// The form; `--json` and `--plain` are short forms.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["json", "plain"])]
    #[arg(help_heading = "Output")]
    pub format: Option<PlanForm>,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// The forms of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanForm {
    /// For people.
    Human,
    /// One fact per line.
    Plain,
    /// JSON of a stable form.
    Json,
    /// Markdown, for a comment on the change and the summary of a run.
    Markdown,
    /// SARIF 2.1.0, for code scanning: what loosens, with what `check` finds.
    Sarif,
    /// Workflow commands, which GitHub shows beside the lines of a change.
    Github,
}
