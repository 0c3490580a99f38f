//! The command line.

mod carry;
mod cases;
mod compare;
mod keys;
mod release;
pub(super) mod request;
pub(super) mod rollout;
mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use codex_schema::diagnostic::Code;
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use crate::machine::Os;
pub(super) use carry::{Emit, VerifyProfile};
#[cfg(feature = "against")]
pub(super) use cases::AgainstArgs;
pub(super) use cases::{Brief, Test, TestForm};
pub(super) use compare::{Diff, DiffForm, Plan, PlanForm};
pub(super) use keys::{
    DocumentStatus, JoinDocuments, Keys, KeysCommand, NewKey, NextRoot, PassphraseArgs, ShowKey,
    SignDocument, WhoSignsArgs,
};
pub(super) use release::{
    Approve, Publish, Release, ReleaseCommand, ReleaseDiff, ServerArgs, Show, Sign, Signing, Verify,
};
use request::Request;
use rollout::Rollout;
pub(super) use why::{SessionArgs, WhyBlocked};

/// Tells what policy is in force for Codex on a machine, and why.
///
/// Runs Codex and uses the network only when told to: --live asks the installed Codex for its
/// version, `test --against` puts tests to it, --install lets npm fetch one. Only `init`, `import`,
/// `fmt`, `compile`, `emit`, `keys`, `sign`, `publish`, `request`, `release approve` and `check --fix`
/// write, and only what they are given.
#[derive(Debug, Parser)]
#[command(name = "codex-config", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 fine, 1 findings, 2 usage, 3 locked by policy, \
                        4 policy unreadable (shown as far as possible), 70 internal.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows what is in force and who decided it; with a KEY everything about that key.
    Explain(Explain),
    /// Prints the effective value of one key: exit 0 set, 1 unset, 3 set and locked by policy.
    Get(Get),
    /// Prints the composed requirements exactly as Codex prints them at start-up.
    Requirements(Requirements),
    /// Tells what happens to a command, a host, a path, an MCP server, a feature or a setting, which
    /// entry says so, and what can be done.
    WhyBlocked(Box<WhyBlocked>),
    /// Asks those who keep the policy to allow something for a while; the machine's agent hands it on.
    Request(Box<Request>),
    /// Finds every problem of a policy repository, or of policy and configuration files, at once.
    Check(Check),
    /// Puts policy files into the uniform layout; comments and the order of rules stay.
    Fmt(Fmt),
    /// Compiles a policy repository: one effective policy a cohort, with where all of it came from.
    Compile(Compile),
    /// Makes what carries a policy to machines: files, profiles, packages, scripts, bundles.
    Emit(Emit),
    /// Looks strictly at configuration profiles: what macOS and MDM servers accept in silence.
    VerifyProfile(VerifyProfile),
    /// Tells what changes from one policy to another: tighter, looser, equal, for every key and for
    /// every command and host.
    Diff(Diff),
    /// Tells what a change of a policy repository does, to how many machines, and whether it may.
    Plan(Plan),
    /// Makes the next release of a policy repository, and signs it; or adds signatures to one.
    Sign(Box<Sign>),
    /// Publishes a signed release: verified as machines will, the timestamp last.
    Publish(Publish),
    /// Shows, verifies and compares releases, and approves what loosens.
    Release(Release),
    /// Brings a published generation to its machines, stage by stage, through a fleet server.
    Rollout(Rollout),
    /// Runs the tests of a policy repository: the cases and properties of its *.test.toml.
    Test(Test),
    /// Tells the agent what it may do, in at most 40 lines made from the policy in force.
    Brief(Box<Brief>),
    /// Makes keys, and signs together: roots of trust and other documents of a release.
    Keys(Keys),
    /// Writes a small, good policy repository to start from.
    Init(Init),
    /// Makes a policy repository of the policy on a machine.
    Import(Import),
    /// Prints a JSON Schema, or the reference page of all keys.
    Schema(Schema),
    /// Prints a completion script for a shell.
    Completions(Completions),
    /// Prints a shell function that makes `codex config explain` work beside the real codex.
    ShellInit(ShellInit),
}

/// Which machine is asked about; by default this one.
#[derive(Debug, Args)]
pub struct MachineArgs {
    /// Look for /etc/codex and managed preferences below this folder: a copied machine.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Machine")]
    pub root: Option<PathBuf>,
    /// The user's CODEX_HOME [default: $CODEX_HOME or ~/.codex].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Machine")]
    pub codex_home: Option<PathBuf>,
    /// The folder Codex would be started in [default: the current one].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Machine")]
    pub cwd: Option<PathBuf>,
    /// The host name that host patterns are matched with [default: this host's].
    #[arg(long, value_name = "NAME", help_heading = "Machine")]
    pub hostname: Option<String>,
    /// The operating system whose rules apply [default: this one].
    #[arg(long, value_enum, help_heading = "Machine")]
    pub os: Option<Os>,
    /// An answer of the cloud or of a configuration server, as JSON.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Machine")]
    pub bundle: Option<PathBuf>,
    /// Managed preferences: a plist or a .mobileconfig, signed or not.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Machine")]
    pub mdm: Option<PathBuf>,
    /// The Codex version whose behaviour is told [default: the newest known].
    #[arg(long, value_name = "VERSION", conflicts_with = "live", help_heading = "Machine")]
    pub codex_version: Option<Version>,
    /// Ask the installed codex for its version.
    #[arg(long, help_heading = "Machine")]
    pub live: bool,
}

/// How to print.
#[derive(Debug, Args)]
pub struct PrintArgs {
    /// Print JSON of a stable form (see `schema explain`).
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// One fact per line, no drawing, no colour.
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub plain: bool,
    /// Only ASCII signs.
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
    /// When to use colour; NO_COLOR and CLICOLOR_FORCE count too.
    #[arg(long, value_enum, default_value = "auto", help_heading = "Output")]
    pub color: Color,
    /// The width of the output in columns [default: the terminal's, at most 120].
    #[arg(long, value_name = "COLUMNS", help_heading = "Output")]
    pub width: Option<usize>,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A key such as approval_policy or experimental_network.domains.
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
    /// Show every key, also those nobody touched.
    #[arg(long, conflicts_with = "key")]
    pub all: bool,
    /// The machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
    /// The arguments you would give to codex: -s, -a, -c, -p, -m, --enable, --cd.
    #[arg(last = true, value_name = "CODEX ARGS")]
    pub arguments: Vec<String>,
}

/// `get`.
#[derive(Debug, Args)]
pub struct Get {
    /// A key such as approval_policy.
    #[arg(value_name = "KEY")]
    pub key: String,
    /// The machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print the value as JSON.
    #[arg(long)]
    pub json: bool,
    /// The arguments you would give to codex.
    #[arg(last = true, value_name = "CODEX ARGS")]
    pub arguments: Vec<String>,
}

/// `requirements`.
#[derive(Debug, Args)]
pub struct Requirements {
    /// The machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print secrets as Codex itself prints them: provider tokens and headers in clear.
    #[arg(long)]
    pub no_redact: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// A policy repository (the folder with policy.toml), or files: requirements.toml, config.toml,
    /// managed_config.toml, bundles, plists, profiles, rules.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath, required_unless_present = "explain")]
    pub files: Vec<PathBuf>,
    /// What the files are, where name and content do not tell.
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub kind: Option<crate::check::FileKind>,
    /// The Codex versions the files must work with [default: the newest known]; repeatable.
    #[arg(long, value_name = "VERSION")]
    pub codex_version: Vec<Version>,
    /// The day that expiry dates are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// Other channels.
    #[command(flatten)]
    pub surroundings: SurroundingArgs,
    /// Print the page of a diagnostic code instead.
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
    /// Mend what can be mended without asking, or with `--fix=CODE` only what has that code.
    /// Comments stay; nothing is written when the result would have more errors.
    #[arg(long, value_name = "CODE", value_parser = fixes, num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "all")]
    pub fix: Option<Fixes>,
    /// The form of the report; `--json` and `--plain` are short forms.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["json", "plain"])]
    #[arg(help_heading = "Output")]
    pub format: Option<Form>,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// `fmt`.
#[derive(Debug, Args)]
pub struct Fmt {
    /// Files, or folders whose policy files are meant (requirements.toml, config.toml, policy.toml,
    /// trust.toml, exceptions/*.toml, *.test.toml); links in folders are not followed.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath, default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Write nothing: list the files that would change and exit 1 if there are any.
    #[arg(long)]
    pub check: bool,
    /// Write nothing: print the changes as a unified diff, secrets redacted, and exit 1 if there
    /// are any.
    #[arg(long)]
    pub diff: bool,
    /// One fact per line, no drawing.
    #[arg(long)]
    pub plain: bool,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people, with the lines and marks.
    Human,
    /// One fact per line.
    Plain,
    /// JSON of a stable form.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, which GitHub shows beside the lines of a change.
    Github,
    /// JUnit XML, a test case for each file.
    Junit,
    /// Markdown, for comments on changes and summaries of runs.
    Markdown,
}

/// Which findings are to be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixes {
    /// Whatever can be.
    All,
    /// Those of one code.
    Of(Code),
}

fn fixes(text: &str) -> Result<Fixes, String> {
    if text == "all" {
        return Ok(Fixes::All);
    }
    let code = Code::parse(text).ok_or_else(|| "diagnostic codes look like CX0101".to_owned())?;
    Ok(Fixes::Of(code))
}

/// Reads a day.
fn day(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "write a day like 2027-01-31".to_owned())
}

/// What else speaks on the machines of a policy repository.
#[derive(Debug, Args)]
pub struct SurroundingArgs {
    /// An export of the cloud's policy, as JSON: controls that it switches off are reported.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Other channels")]
    pub cloud: Option<PathBuf>,
    /// A plist or .mobileconfig of other making on the same machines.
    #[arg(long = "other-mdm", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Other channels")]
    pub mdm: Option<PathBuf>,
}

/// `compile`.
#[derive(Debug, Args)]
pub struct Compile {
    /// The policy repository: the folder with policy.toml.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    pub repository: PathBuf,
    /// Where the compiled policy goes; replaced as a whole.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// The day that exceptions are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// Other channels.
    #[command(flatten)]
    pub surroundings: SurroundingArgs,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder; made when it is not there.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    pub folder: PathBuf,
    /// The organisation's name.
    #[arg(long, value_name = "NAME", default_value = "Example", value_parser = sentence)]
    pub name: String,
}

/// `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The folder of the new repository; made when it is not there.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub into: PathBuf,
    /// The organisation's name.
    #[arg(long, value_name = "NAME", default_value = "Example", value_parser = sentence)]
    pub name: String,
    /// The machine.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Reads a text that says something.
fn sentence(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("it says nothing".to_owned()) } else { Ok(text.to_owned()) }
}

/// `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Which one.
    #[arg(value_enum)]
    pub which: WhichSchema,
}

/// What `schema` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhichSchema {
    /// JSON Schema of requirements.toml.
    Requirements,
    /// JSON Schema of config.toml.
    Config,
    /// JSON Schema of policy.toml.
    Policy,
    /// JSON Schema of a file in exceptions/.
    Exception,
    /// JSON Schema of trust.toml.
    Trust,
    /// JSON Schema of a file of tests, *.test.toml.
    Test,
    /// JSON Schema of `explain --json`.
    Explain,
    /// JSON Schema of `why-blocked --json`.
    WhyBlocked,
    /// The reference page of all keys, in Markdown.
    Reference,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `shell-init`.
#[derive(Debug, Args)]
pub struct ShellInit {
    /// The shell.
    #[arg(value_enum)]
    pub shell: InitShell,
}

/// Shells that `shell-init` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitShell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
}
