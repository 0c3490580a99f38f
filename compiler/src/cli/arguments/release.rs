//! The arguments of `sign`, `publish` and `release`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use super::keys::PassphraseArgs;
use super::{PrintArgs, day};
use crate::plan::hash::PlanHash;

/// Keys to sign with; none is allowed where others sign later.
#[derive(Debug, Args)]
pub struct Signing {
    /// A key: a file, or `command:PROGRAM ARG…` for one that a program keeps (it is asked `public`
    /// and `sign`); repeatable.
    #[arg(long, value_name = "KEY", help_heading = "Signing")]
    pub key: Vec<String>,
    /// The passphrase.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

/// How a fleet server is reached, where a release is on one.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The file with an administrator's token for the fleet server.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Server")]
    pub server_token: Option<PathBuf>,
    /// Certificates of authorities, PEM, that the server's certificate may come from; no other one
    /// is trusted then.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Server")]
    pub server_authority: Option<PathBuf>,
}

/// `sign`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 every signature is there, 1 findings, or signatures are \
                        missing (the stage is written), 2 usage, 4 something cannot be read.")]
pub struct Sign {
    /// A policy repository, to make the next release of it; or a stage, to add signatures to it.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub source: PathBuf,
    /// Where the stage goes: the next release, for others to sign and for `publish`.
    #[arg(long, value_name = "STAGE", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// The published release that this one follows: a folder, or the address of a fleet
    /// server or of a bucket.
    #[arg(long, value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub release: Option<PathBuf>,
    /// The server, where the release is on one.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The root that is trusted.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub root: Option<PathBuf>,
    /// What is in force, as for `plan`: git:REV, or a folder.
    #[arg(long, value_name = "git:REV|DIR", requires = "plan")]
    pub base: Option<String>,
    /// The plan that is carried out, by the hash that `plan` printed. Anything else is refused.
    #[arg(long, value_name = "HASH", requires = "base")]
    pub plan: Option<PlanHash>,
    /// The day that exceptions are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// The keys.
    #[command(flatten)]
    pub signing: Signing,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// `publish`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 published, 1 refused, 2 usage, 4 something cannot be read.")]
pub struct Publish {
    /// The stage.
    #[arg(value_name = "STAGE", value_hint = ValueHint::DirPath)]
    pub stage: PathBuf,
    /// Where the release is published: a folder, which any web server can offer, a fleet
    /// server, `https://HOST`, or a bucket: `s3://BUCKET/FOLDER`, `gs://…`, `az://…`.
    #[arg(long, value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub to: PathBuf,
    /// The server, where that is one.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The plan that is carried out. A stage that was signed under another one is refused.
    #[arg(long, value_name = "HASH")]
    pub plan: Option<PlanHash>,
    /// The keys of snapshot and timestamp.
    #[command(flatten)]
    pub signing: Signing,
}

/// `release`.
#[derive(Debug, Args)]
pub struct Release {
    /// What to do.
    #[command(subcommand)]
    pub command: ReleaseCommand,
}

/// What `release` does.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Shows what a release holds: roles, cohorts, generations, who signs, until when.
    Show(Show),
    /// Verifies a release as a machine does; with --claims, for one machine, with every guard.
    Verify(Verify),
    /// Tells what changes for each cohort from one published release to another.
    Diff(ReleaseDiff),
    /// Approves what a stage loosens.
    Approve(Approve),
}

/// `release show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The published release: a folder, or the address of a fleet
    /// server or of a bucket.
    #[arg(value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub release: PathBuf,
    /// The server, where it is on one.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The root that is trusted.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub root: PathBuf,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// `release verify`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 verified, 1 refused, 2 usage, 4 something cannot be read.")]
pub struct Verify {
    /// The published release: a folder, or the address of a fleet
    /// server or of a bucket.
    #[arg(value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub release: PathBuf,
    /// The server, where it is on one.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The root that is trusted.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub root: PathBuf,
    /// What a machine's enrolment says of it, as JSON: {"organisation": …, "team": …, "os": …,
    /// "host": …}.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub claims: Option<PathBuf>,
    /// A version of Codex on that machine; repeatable.
    #[arg(long, value_name = "VERSION", requires = "claims")]
    pub codex_version: Vec<Version>,
}

/// `release diff`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 equal, 1 different, 2 usage, 4 one cannot be read.")]
pub struct ReleaseDiff {
    /// What was: a published release, in a folder or on a fleet server.
    #[arg(value_name = "A", value_hint = ValueHint::DirPath)]
    pub from: PathBuf,
    /// What is: the same.
    #[arg(value_name = "B", value_hint = ValueHint::DirPath)]
    pub to: PathBuf,
    /// The server, where one of them is on one.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The root that is trusted for both.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub root: PathBuf,
}

/// `release approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// The stage.
    #[arg(value_name = "STAGE", value_hint = ValueHint::DirPath)]
    pub stage: PathBuf,
    /// Only this cohort; repeatable [default: every cohort that loosens].
    #[arg(long, value_name = "NAME")]
    pub cohort: Vec<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The keys.
    #[command(flatten)]
    pub signing: Signing,
}
