//! The arguments of `why-blocked`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use codex_schema::types::policy::Date;

use super::{MachineArgs, PrintArgs, day};

/// `why-blocked`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("question").required(true))]
#[command(after_help = "Exit codes: 0 it happens, 1 it is blocked or somebody is asked, 2 usage, \
                        4 policy unreadable (answered as far as possible).")]
pub struct WhyBlocked {
    /// A host, with or without a port.
    #[arg(long, value_name = "HOST", group = "question")]
    pub domain: Option<String>,
    /// A path that is read.
    #[arg(long, value_name = "PATH", group = "question", value_hint = ValueHint::AnyPath)]
    pub path: Option<String>,
    /// The path is written, not only read.
    #[arg(long, requires = "path")]
    pub write: bool,
    /// An MCP server by its name in the configuration.
    #[arg(long, value_name = "NAME", group = "question")]
    pub mcp: Option<String>,
    /// What that server would be: a command line or an address [default: what is configured].
    #[arg(long, value_name = "COMMAND|URL", requires = "mcp")]
    pub launch: Option<String>,
    /// A feature flag.
    #[arg(long, value_name = "NAME", group = "question")]
    pub feature: Option<String>,
    /// A value of config.toml that somebody wants.
    #[arg(long, value_name = "KEY=VALUE", group = "question")]
    pub set: Option<String>,
    /// A command with its arguments; one argument alone is a shell script.
    #[arg(last = true, value_name = "COMMAND", group = "question")]
    pub command: Vec<String>,
    /// Ask the policy of a repository instead of this machine's.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Policy")]
    #[arg(conflicts_with_all = ["root", "codex_home", "cwd", "hostname", "os", "bundle", "mdm", "live"])]
    pub policy: Option<PathBuf>,
    /// The cohort whose policy is asked; may be left out where there is one.
    #[arg(long, value_name = "NAME", requires = "policy", help_heading = "Policy")]
    pub cohort: Option<String>,
    /// The day that exceptions are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, requires = "policy")]
    #[arg(help_heading = "Policy")]
    pub today: Option<Date>,
    /// The session.
    #[command(flatten)]
    pub session: SessionArgs,
    /// The machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// What a person asks of Codex for one session, by the same letters.
#[derive(Debug, Args)]
pub struct SessionArgs {
    /// The sandbox that is asked for.
    #[arg(short, long, value_name = "MODE", help_heading = "Session")]
    pub sandbox: Option<String>,
    /// When the session asks for approval.
    #[arg(short, long = "ask-for-approval", value_name = "POLICY", help_heading = "Session")]
    pub approval: Option<String>,
    /// A setting of config.toml; repeatable.
    #[arg(short, long, value_name = "KEY=VALUE", help_heading = "Session")]
    pub config: Vec<String>,
    /// The configuration profile.
    #[arg(short, long, value_name = "NAME", help_heading = "Session")]
    pub profile: Option<String>,
}
