//! The arguments of `emit` and `verify-profile`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use super::{Form, PrintArgs, day};

/// `emit`.
#[derive(Debug, Args)]
pub struct Emit {
    /// The policy repository: the folder with policy.toml.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    pub repository: PathBuf,
    /// Where the artifacts go; replaced as a whole.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Only this cohort; repeatable.
    #[arg(long, value_name = "NAME")]
    pub cohort: Vec<String>,
    /// Only this target, whatever the cohort's channels are; repeatable. Wrong names list all.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub target: Vec<String>,
    /// Every target for every cohort, not only those of its channels and systems.
    #[arg(long)]
    pub all: bool,
    /// Sign profiles with this key: PEM, PKCS #8, RSA or P-256.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "sign_certificate")]
    #[arg(help_heading = "Signing")]
    pub sign_key: Option<PathBuf>,
    /// The key's certificate, and those between it and the root: PEM.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "sign_key")]
    #[arg(help_heading = "Signing")]
    pub sign_certificate: Option<PathBuf>,
    /// The day that exceptions are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// `verify-profile`.
#[derive(Debug, Args)]
pub struct VerifyProfile {
    /// Profiles and property lists: XML or binary, signed or not. Those that are named together
    /// are held against each other.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
    pub files: Vec<PathBuf>,
    /// Certificates, in PEM form, that signers must lead to; profiles must then be signed.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trust: Option<PathBuf>,
    /// A profile that devices have already: its UUID must stay; repeatable.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub previous: Vec<PathBuf>,
    /// The Codex versions that the policy must work with [default: the newest known]; repeatable.
    #[arg(long, value_name = "VERSION")]
    pub codex_version: Vec<Version>,
    /// The day that dates are held against [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
    /// The form of the report; `--json` and `--plain` are short forms.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["json", "plain"])]
    #[arg(help_heading = "Output")]
    pub format: Option<Form>,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}
