//! Arguments of `test` and `brief`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use super::{MachineArgs, PrintArgs, day};

/// `brief`.
#[derive(Debug, Args)]
pub struct Brief {
    /// A policy repository, instead of a machine.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "cohort")]
    pub policy: Option<PathBuf>,
    /// The cohort of the repository.
    #[arg(long, value_name = "NAME", requires = "policy")]
    pub cohort: Option<String>,
    /// The day that exceptions are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, requires = "policy")]
    pub today: Option<Date>,
    /// Print JSON of a stable form.
    #[arg(long, conflicts_with = "md", help_heading = "Output")]
    pub json: bool,
    /// Print Markdown; this is the default.
    #[arg(long, help_heading = "Output")]
    pub md: bool,
    /// The machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// The arguments you would give to codex.
    #[arg(last = true, value_name = "CODEX ARGS")]
    pub arguments: Vec<String>,
}

/// `test`.
#[derive(Debug, Args)]
pub struct Test {
    /// The policy repository: the folder with policy.toml.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    pub repository: PathBuf,
    /// Only cases and properties whose names contain this, in capitals or not.
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,
    /// The day that exceptions are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// List every entry of policy that no case asks about.
    #[arg(long)]
    pub coverage: bool,
    /// The real Codex.
    #[command(flatten)]
    pub against: AgainstArgs,
    /// The form of the report; `--json` and `--plain` are short forms.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["json", "plain"])]
    #[arg(help_heading = "Output")]
    pub format: Option<TestForm>,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// Which real Codex is asked.
#[derive(Debug, Args)]
pub struct AgainstArgs {
    /// Put the cases to the real Codex of these versions too: codex@0.138.0,0.169.0. Needs Linux
    /// and root; nothing on this machine is read or changed, and no packet leaves it.
    #[arg(long, value_name = "VERSIONS", value_parser = against, help_heading = "Real Codex")]
    pub against: Option<Versions>,
    /// Where the program of a version is: VERSION=PATH; repeatable.
    #[arg(long, value_name = "VERSION=PATH", value_parser = program, help_heading = "Real Codex")]
    pub codex: Vec<(Version, PathBuf)>,
    /// Let npm fetch programs that are not on this machine.
    #[arg(long, requires = "against", help_heading = "Real Codex")]
    pub install: bool,
}

/// Some versions, each once, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions(pub Vec<Version>);

fn against(text: &str) -> Result<Versions, String> {
    let list = text.strip_prefix("codex@").ok_or("write codex@VERSION,VERSION")?;
    let parse = |one: &str| one.trim().parse::<Version>().map_err(|error| error.to_string());
    let mut versions = list.split(',').map(parse).collect::<Result<Vec<_>, _>>()?;
    versions.sort_unstable();
    versions.dedup();
    Ok(Versions(versions))
}

fn program(text: &str) -> Result<(Version, PathBuf), String> {
    let (version, path) = text.split_once('=').ok_or("write VERSION=PATH")?;
    let version = version.parse::<Version>().map_err(|error| error.to_string())?;
    Ok((version, PathBuf::from(path)))
}

/// The forms of a report on tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestForm {
    /// For people: what fails, and why.
    Human,
    /// One fact per line.
    Plain,
    /// JSON of a stable form.
    Json,
    /// JUnit XML, a test case for each case and property.
    Junit,
    /// Markdown, for comments on changes and summaries of runs.
    Markdown,
    /// Workflow commands, which GitHub shows beside the lines of a change.
    Github,
}
